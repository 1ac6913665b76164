"""Every value that was computed, in the order in which it was: for whoever asks where a figure comes from."""

from __future__ import annotations

from bandolo.check import core
from bandolo.evaluate.decision import Decision
from bandolo.evaluate.reference import Evaluation
from bandolo.evaluate.wire import plain
from bandolo.language.types import BOOLEAN, Type
from bandolo.language.values import Fault, Record, Unknown, Value


def trace_rows(policy: core.Policy, decision: Decision) -> list[dict[str, object]]:
    """One row a step and record: `step` (definition, requirement, admitted, opens), `name`, `record`, `value`."""
    evaluation = decision.trace
    if not isinstance(evaluation, Evaluation):
        raise ValueError("only a decision made with trace=True has a trace")
    rows: list[dict[str, object]] = []
    for step in policy.steps:
        for record in evaluation.records.get(step.entity, []):
            value, type_ = _of_step(policy, evaluation, step, record)
            rows.append({"step": step.kind, "name": step.name, "record": record.path, "value": _shown(value, type_)})
    return rows


def _of_step(policy: core.Policy, evaluation: Evaluation, step: core.Step, record: Record) -> tuple[Value, Type]:
    match step.kind:
        case "definition":
            definition = policy.definitions[step.entity, step.name]
            return evaluation.definitions[step.entity, step.name, record], definition.type
        case "requirement":
            return evaluation.verdicts[step.name, record], BOOLEAN
        case "admitted":
            return evaluation.admitted[record, step.name], BOOLEAN
    return evaluation.open[step.name], BOOLEAN


def _shown(value: Value, type_: Type) -> object:
    if isinstance(value, Fault):
        return {"fault": value.code}
    if isinstance(value, Unknown):
        low = {} if value.low is None else {"at_least": plain(value.low, type_)}
        high = {} if value.high is None else {"at_most": plain(value.high, type_)}
        return {"unknown": sorted(value.missing), **low, **high}
    return plain(value, type_)
