"""What the ranking gives under a variant: who is financed, what is spent, and where the list is cut off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from bandolo.diagnostics import ApplicationError, Diagnostic, PolicyError
from bandolo.language.types import Type
from bandolo.policy import Policy
from bandolo.ranking.entrant import KeyValue, Ranking
from bandolo.ranking.rank import Ranker

FINANCED = ("financed", "partly_financed")
STATUSES = ("financed", "partly_financed", "admitted_not_financed", "undetermined", "suspended", "not_admitted")


@dataclass(frozen=True)
class Ranked:
    """A ranking in short. `spent` and `left` are None where no budget is given; `last` is the last application that gets money.

    `provisional` says that something may still move it: an application that is not decided, or a tie that nothing breaks.
    """

    statuses: Mapping[str, int] = field(default_factory=dict)
    spent: Fraction = Fraction(0)
    budget: Fraction | None = None
    left: Fraction | None = None
    last_position: int | None = None
    last_keys: tuple[KeyValue, ...] = ()
    key_types: tuple[Type, ...] = ()
    keys: tuple[Mapping[str, Any], ...] = ()
    """What applications are ordered by, with labels."""
    provisional: bool = False
    struck: int = 0
    """Records that another application keeps."""
    refused: tuple[Diagnostic, ...] = ()
    """Why there is no ranking under this variant."""

    @property
    def financed(self) -> int:
        return sum(self.statuses.get(s, 0) for s in FINANCED)


def ranked(policy: Policy, applications: Sequence[Mapping[str, Any]], what_if: Mapping[str, Any]) -> Ranked:
    """The ranking of applications under a what-if; those whose data is bad are left out of it, as they are counted elsewhere."""
    try:
        ranker = Ranker(policy, **what_if)
        entrants, data = [], {}
        for application in applications:
            try:
                entrant = ranker.assess(application)
            except ApplicationError:
                continue
            entrants.append(entrant)
            data[entrant.id] = application
        return in_short(ranker.rank(entrants, data.__getitem__))
    except PolicyError as error:
        return Ranked(refused=error.diagnostics)


def in_short(ranking: Ranking) -> Ranked:
    """What a simulation tells of a ranking."""
    paid = [row for row in ranking.rows if row.status in FINANCED]
    last = max(paid, key=lambda row: row.position or 0, default=None)
    return Ranked(
        dict(Counter(row.status for row in ranking.rows)), sum((row.amount or Fraction(0) for row in paid), Fraction(0)),
        ranking.budget, ranking.left, None if last is None else last.position, () if last is None else last.order,
        ranking.key_types, ranking.order_by, ranking.provisional, sum(len(row.strikes) for row in ranking.rows),
    )  # fmt: skip
