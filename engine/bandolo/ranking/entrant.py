"""What the ranking knows of one application, and of the whole list."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from fractions import Fraction
from typing import Any, Literal

from bandolo.language.types import Type
from bandolo.records import dataclass, field

Standing = Literal["candidate", "not_admitted", "suspended", "undetermined"]
Status = Literal["financed", "partly_financed", "admitted_not_financed", "not_admitted", "suspended", "undetermined"]

KeyValue = bool | Fraction | date | datetime | str | tuple[int, int] | None
"""A value that applications are ordered by: a length of time is (months, days), `none` is None and comes last."""


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """A record that may stand in one application only: what identifies it over all applications, its path here, its name."""

    key: str
    record: str
    name: str


@dataclass(frozen=True, slots=True)
class Entrant:
    """One application as the ranking sees it, with the strikes that it was decided under.

    `standing` says whether it can be ranked; `messages` (by language) and `missing` say why not. Amounts are exact, as they leave the
    policy; `pots` has one for each pot of the budget, in the order of the policy.
    """

    id: str
    digest: str
    standing: Standing
    messages: tuple[Mapping[str, str], ...]
    missing: tuple[str, ...]
    order: tuple[KeyValue, ...] = ()
    keep: tuple[KeyValue, ...] = ()
    claims: tuple[Claim, ...] = ()
    award: Fraction = Fraction(0)
    pots: tuple[Fraction, ...] = ()


@dataclass(frozen=True, slots=True)
class Strike:
    """A record struck from an application because `kept_by` has it. `name` is what people call it here."""

    application: str
    record: str
    key: str
    name: str
    kept_by: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a row stands where it stands: a code and the words, in both languages."""

    code: str
    it: str
    en: str


@dataclass(frozen=True, slots=True)
class Row:
    """One application in the list. `position` is shared by a tie that nothing breaks; those that are not ranked have none."""

    application: str
    digest: str
    status: Status
    position: int | None
    tied: bool
    order: tuple[KeyValue, ...]
    requested: Fraction | None
    amount: Fraction | None
    pots: tuple[Fraction, ...]
    cumulative: Fraction | None
    left: Fraction | None
    strikes: tuple[Strike, ...]
    reasons: tuple[Reason, ...]
    missing: tuple[str, ...]
    beneficiaries: tuple[Claim, ...] = ()
    """The records that it has after all strikes."""
    parts: Mapping[str, Fraction] = field(default_factory=dict)
    """Each beneficiary's part of the award by its path, where the policy names it and it is known."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The list, in order: the ranked, then the others by id; with what is needed to make it again.

    `provisional` is set while an application is undetermined or suspended, or a tie stops the award. `steps` tells the operations in
    the order in which they were made.
    """

    policy_id: str
    policy_digest: str
    engine: str
    amendments: tuple[str, ...]
    as_of: str | None
    assumed: tuple[str, ...]
    changed: tuple[str, ...]
    readings: Mapping[str, str]
    order_by: tuple[Mapping[str, Any], ...]
    key_types: tuple[Type, ...]
    rows: tuple[Row, ...]
    budget: Fraction | None
    pots: tuple[tuple[str, Fraction, Fraction], ...]
    """Each pot with its amount and what is left."""
    left: Fraction | None
    ties: tuple[tuple[str, ...], ...]
    settled: bool
    """Whether the strikes came to rest."""
    steps: tuple[Reason, ...]
    unread: tuple[str, ...] = ()
    """Applications that could not be read: they are nowhere in the list."""

    def to_dict(self) -> dict[str, Any]:
        """The ranking as plain data, by the published schema (`grammar/ranking.schema.json`)."""
        from bandolo.ranking.wire import ranking_as_data

        return ranking_as_data(self)

    def to_json(self, indent: int | None = None) -> str:
        """The ranking as JSON text: the same bytes for the same applications, in whatever order they came."""
        import json

        return json.dumps(self.to_dict(), ensure_ascii=False, indent=indent)

    @property
    def provisional(self) -> bool:
        return not self.settled or bool(self.unread) or any(r.status in ("undetermined", "suspended") for r in self.rows)
