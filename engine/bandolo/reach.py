"""Whether an amendment reaches an application: its `applies_to`, decided in the policy as it was before."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bandolo import limits
from bandolo.diagnostics import ApplicationError
from bandolo.evaluate.decision import Decision
from bandolo.evaluate.inputs import read_application
from bandolo.evaluate.reference import Evaluation
from bandolo.evaluate.settle import Changes, settle
from bandolo.language.values import Value

if TYPE_CHECKING:
    from bandolo.policy import Policy


def reached(policy: Policy, application: Mapping[str, Any], clock: Value, changes: Changes) -> Policy | None:
    """The policy that decides: with its last amendment, or without it; None where the facts do not tell."""
    condition = policy.core.reach
    if condition is None or policy.before is None:
        return policy
    settled, _ = settle(policy.core, changes, clock)
    read, diagnostics = read_application(policy.core, settled, application)
    if read is None:
        raise ApplicationError(diagnostics)
    evaluation = Evaluation(policy.core, settled.settings, read.records, limits.STEPS_BASE)
    evaluation.run()
    holds = evaluation.value(condition, {0: read.root})
    if holds is True:
        return policy
    return policy.before if holds is False else None


def agreed(amended: Decision, earlier: Decision) -> Decision:
    """What both texts say of an application; where they differ, undetermined."""
    stages = {s: v if earlier.stages.get(s) == v else "undetermined" for s, v in amended.stages.items()}
    earlier_verdicts = {(r.id, r.subject): r.verdict for r in earlier.requirements}
    requirements = tuple(
        r if earlier_verdicts.get((r.id, r.subject)) == r.verdict else dataclasses.replace(r, verdict="unknown")
        for r in amended.requirements
    )
    known = {(r.name, r.record): r.value for r in earlier.result_values}
    results = tuple(r for r in amended.result_values if known.get((r.name, r.record)) == r.value)
    same = amended.outcome == earlier.outcome
    return dataclasses.replace(
        amended,
        outcome=amended.outcome if same else "undetermined",
        stages=stages,
        requirements=requirements,
        result_values=results,
        missing=tuple(sorted({*amended.missing, *earlier.missing, "applies_to"})),
    )
