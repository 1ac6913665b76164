"""From verdicts to the status of a stage, and from stages to the outcome (LANGUAGE.md, "Outcome")."""

from __future__ import annotations

from collections.abc import Mapping

from bandolo.evaluate.decision import Outcome, RequirementResult, StageStatus, Verdict
from bandolo.language.values import Value

STATUS_BY_EFFECT: dict[str, StageStatus] = {"reject": "failed", "suspend": "suspended", "refer": "referred", "bar": "barred"}
PRECEDENCE: tuple[StageStatus, ...] = ("failed", "suspended", "undetermined", "referred", "barred")
"""The first of these that a requirement brings is the stage's status: what is final, then what can be acted on, then what is open."""


def status_of(opened: Value, results: list[RequirementResult], root: str, unlisted: bool) -> StageStatus:
    """The status of one stage from the verdicts of its requirements; `unlisted` says that records yet unknown could stop it."""
    return weighed(opened, {_brought(r, r.subject == root) for r in results}, unlisted)


def weighed(opened: Value, found: set[StageStatus | None], unlisted: bool) -> StageStatus:
    """The status of one stage from what its verdicts bring."""
    if opened is False:
        return "not_started"
    if opened is not True:
        return "undetermined"
    if unlisted:
        found.add("undetermined")
    return next((s for s in PRECEDENCE if s in found), "passed")


def _brought(result: RequirementResult, of_root: bool) -> StageStatus | None:
    return brought(result.verdict, result.effect, result.counts, of_root)


def brought(verdict: Verdict, effect: str | None, counts: bool | None, of_root: bool) -> StageStatus | None:
    """What one verdict does to the stage.

    An `exclude` or a `flag` does nothing here, nor does the `bar` of a listed record: they speak of the record.
    """
    if verdict in ("met", "not_applicable") or counts is False:
        return None
    if effect is None:
        return "undetermined"
    status = STATUS_BY_EFFECT.get(effect)
    if status is None or (status == "barred" and not of_root):
        return None
    if verdict == "unknown" or counts is None:
        return "undetermined"
    return status


def outcome_of(stages: Mapping[str, StageStatus]) -> tuple[Outcome, str]:
    """The outcome and the stage that decides it.

    Rejected as soon as a stage has failed, whichever; else the first opened stage that is not passed; else admitted.
    """
    for name, status in stages.items():
        if status == "failed":
            return "rejected", name
    last = next(iter(stages))
    for name, status in stages.items():
        if status == "not_started":
            continue
        if status != "passed":
            return status, name  # type: ignore[return-value]
        last = name
    return "admitted", last
