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
from bandolo.language.values import Fault, Unknown, Value

if TYPE_CHECKING:
    from bandolo.policy import Policy


def reached(policy: Policy, application: Mapping[str, Any], clock: Value, changes: Changes) -> Policy | Unknown | Fault:
    """The policy that decides: with its last amendment, or without it; or what the facts leave open."""
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
    if isinstance(holds, Unknown | Fault):
        return holds
    return policy if holds is True else policy.before


def agreed(amended: Decision, earlier: Decision, open_: Unknown | Fault) -> Decision:
    """What both texts say of an application; where they differ, undetermined for what would tell which of them applies."""
    missing = open_.missing if isinstance(open_, Unknown) else frozenset()
    unknown = Unknown(missing)
    stages = {s: v if earlier.stages.get(s) == v else "undetermined" for s, v in amended.stages.items()}
    verdicts = {(r.id, r.subject): r.verdict for r in earlier.requirements}
    requirements = tuple(
        r if verdicts.get((r.id, r.subject)) == r.verdict
        else dataclasses.replace(r, verdict="unknown", missing=tuple(sorted({*r.missing, *missing})))
        for r in amended.requirements
    )  # fmt: skip
    known = {(r.name, r.record): r.value for r in earlier.result_values}
    results = tuple(r if known.get((r.name, r.record)) == r.value else dataclasses.replace(r, value=unknown) for r in amended.result_values)
    return dataclasses.replace(
        amended,
        outcome=amended.outcome if amended.outcome == earlier.outcome else "undetermined",
        stages=stages,
        requirements=requirements,
        result_values=results,
        missing=tuple(sorted({*amended.missing, *earlier.missing, *missing})),
    )
