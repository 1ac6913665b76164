"""What a decision holds: frozen, comparable, complete. Its JSON form is in `wire.py`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from bandolo.language.types import Type
from bandolo.language.values import Value
from bandolo.records import dataclass, field

Outcome = Literal["admitted", "rejected", "suspended", "undetermined", "referred", "barred"]
StageStatus = Literal["passed", "failed", "suspended", "undetermined", "referred", "barred", "not_started"]
Verdict = Literal["met", "failed", "unknown", "not_applicable"]


@dataclass(frozen=True, slots=True)
class Quote:
    """A passage of a source."""

    document: str
    quote: str


@dataclass(frozen=True, slots=True)
class RequirementResult:
    """The verdict of one requirement on one record.

    `effect` is what a failure does here, None while an open reading leaves it open; `counts` is False for a record that is excluded,
    None while that is unknown. `cure_by` is the last day to put a suspended matter right.
    """

    id: str
    subject: str
    stage: str
    verdict: Verdict
    effect: str | None
    counts: bool | None
    message: Mapping[str, str]
    sources: tuple[Quote, ...]
    missing: tuple[str, ...]
    fault: str | None
    cure_by: date | None


@dataclass(frozen=True, slots=True)
class StruckRecord:
    """A record that is excluded, or barred in a stage, and the requirements that did it."""

    record: str
    key: str | None
    requirements: tuple[str, ...]
    stage: str


@dataclass(frozen=True, slots=True)
class ResultValue:
    """A result of the root (`record` is None) or of a record, with its type.

    `value` is exact and rounded as it leaves the policy; while it is unknown, `missing`, `low` and `high` say what is known of it.
    """

    name: str
    entity: str
    record: str | None
    key: str | None
    type: Type
    value: Value
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class FaultFound:
    """A computation without a result: its code, where it is written, and the entries that it left undetermined."""

    code: str
    place: str
    text: str
    affects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision on one application.

    Attributes: `outcome`, `stage` (the one that decided), `stages` (a status each), `requirements`, `excluded`, `barred`, `results`,
    `missing` (facts that leave a verdict open), `pending`, `open_readings`, `assumed`, `changed`, `readings`, `faults`, and what is
    needed to replay it: the digests, `as_of` and the engine's version. `trace` is there only when asked for.
    """

    policy_id: str
    policy_digest: str
    engine: str
    amendments: tuple[str, ...]
    application: str | None
    application_digest: str
    as_of: str | None
    outcome: Outcome
    stage: str
    stages: Mapping[str, StageStatus]
    requirements: tuple[RequirementResult, ...]
    excluded: tuple[StruckRecord, ...]
    barred: tuple[StruckRecord, ...]
    result_values: tuple[ResultValue, ...]
    missing: tuple[str, ...]
    pending: tuple[str, ...]
    open_readings: tuple[str, ...]
    assumed: tuple[str, ...]
    changed: tuple[str, ...]
    readings: Mapping[str, str]
    faults: tuple[FaultFound, ...]
    trace: Any = field(default=None, compare=False, repr=False)

    @property
    def results(self) -> Mapping[str, Any]:
        """Root results by name, and under each list's name those of its records by key: `results["partners"]["IT1"]["grant"]`.

        Values are bool, int, Decimal (Fraction where no decimal is exact), date, datetime, str or None; unknown ones are absent.
        """
        from bandolo.evaluate.wire import python_results

        return python_results(self)

    @property
    def undetermined(self) -> Mapping[str, Mapping[str, Any]]:
        """What is known of the results that are not known yet: `missing`, `at_least`, `at_most`, or the `fault`, by their path."""
        from bandolo.evaluate.wire import undetermined_results

        return undetermined_results(self)

    @property
    def verdicts(self) -> Mapping[str, Mapping[str, Verdict]]:
        """The verdicts by subject and requirement: `verdicts["partners[IT1]"]["regular_contributions"]`, in the order of `requirements`."""
        found: dict[str, dict[str, Verdict]] = {}
        for result in self.requirements:
            found.setdefault(result.subject, {})[result.id] = result.verdict
        return found

    def requirement(self, id: str, subject: str | None = None) -> RequirementResult:
        """The verdict of a requirement, on a subject (needed where several records have one); KeyError if there is none."""
        found = [r for r in self.requirements if r.id == id and subject in (None, r.subject)]
        if len(found) != 1:
            raise KeyError(id if subject is None else f"{id} of {subject}")
        return found[0]

    def failed(self) -> tuple[str, ...]:
        """The ids of the requirements that failed, each once."""
        return tuple(dict.fromkeys(r.id for r in self.requirements if r.verdict == "failed"))

    def to_dict(self) -> dict[str, Any]:
        """The decision as plain data, by the published schema."""
        from bandolo.evaluate.wire import decision_as_data

        return decision_as_data(self)

    def to_json(self, indent: int | None = None) -> str:
        """The decision as JSON text: the same bytes for the same inputs."""
        import json

        if indent is None:
            from bandolo.evaluate.spelt import decision_as_text

            return decision_as_text(self)
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=indent)
