"""Recorded decisions made again, by the text in their record or by another version of it, and in what they differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bandolo.analysis.comparing import Difference, difference
from bandolo.analysis.records import Recorded
from bandolo.analysis.sides import fitted
from bandolo.diagnostics import ApplicationError, Diagnostic, PolicyError
from bandolo.policy import Policy


@dataclass(frozen=True, slots=True)
class Replayed:
    """One decision made again. `new` is None where the policy cannot decide the application, and `refused` says why.

    By the text in the record `same` is strict: every field, to the letter, but for the engine's version.
    """

    application: str
    recorded: Recorded
    new: dict[str, Any] | None
    difference: Difference | None
    same: bool
    refused: tuple[Diagnostic, ...] = ()


def replay(recorded: Iterable[Recorded], policy: Policy, *, of: Policy | None = None) -> Iterator[Replayed]:
    """Each recorded decision made again by a policy, under the clock and the what-ifs that it was recorded with.

    With `of`, the recorded policy, the other is another version of it: facts that only the recorded text asked for are left out.
    """
    for one in recorded:
        name = one.decision["application"] or one.decision["application_digest"][:19]
        application = one.application if of is None else fitted(one.application, policy, of)[0]
        try:
            new = policy.decide(application, **one.what_ifs).to_dict()
        except (ApplicationError, PolicyError) as error:
            yield Replayed(name, one, None, None, False, error.diagnostics)
            continue
        told = difference(one.decision, new)
        same = told.is_empty if of is not None else _identity(one.decision) == _identity(new)
        yield Replayed(name, one, new, told, same)


def _identity(decision: Mapping[str, Any]) -> dict[str, Any]:
    """A decision without what is of the engine and of the text, not of the matter."""
    policy = {k: v for k, v in decision["policy"].items() if k != "digest"}
    return {**decision, "bandolo": "", "policy": policy}


def replay_as_data(change: Replayed) -> dict[str, Any]:
    """A replayed decision as plain data, for `--json`."""
    told = change.difference
    return {
        "application": change.application,
        "line": change.recorded.line.line,
        "same": change.same,
        "refused": [d.to_dict() for d in change.refused],
        "outcome": None if told is None or told.outcome is None else {"old": told.outcome[0], "new": told.outcome[1]},
        "verdicts": [] if told is None else [
            {"requirement": v.requirement, "subject": v.subject, "old": v.old, "new": v.new} for v in told.verdicts
        ],
        "results": [] if told is None else [{"result": r.path, "old": r.old, "new": r.new} for r in told.results],
    }  # fmt: skip
