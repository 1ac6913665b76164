"""What a policy decides before any fact is known: conditions that are always true or false, limits that never bind.

The reference evaluator itself is asked, on an application of which nothing is known but what the declarations say.
"""

from __future__ import annotations

import dataclasses

from bandolo.check import core
from bandolo.diagnostics import Diagnostic
from bandolo.evaluate.inputs import read_application
from bandolo.evaluate.reference import Evaluation, TooManySteps
from bandolo.evaluate.settle import Settled
from bandolo.language.types import BOOLEAN
from bandolo.language.values import Record, Unknown, Value, bounds


def foresee(policy: core.Policy, settled: Settled) -> list[Diagnostic]:
    """Warnings `always-true`, `always-false`, `never-binding`; readings count as open, since the next edition may choose otherwise."""
    options: dict[str, Value] = {name: Unknown(frozenset({f"reading.{name}"})) for name in policy.readings}
    unsettled = dataclasses.replace(settled, settings=dataclasses.replace(settled.settings, options=options))
    application, _ = read_application(policy, unsettled, {})
    if application is None:
        return []
    records = _one_of_each(policy, unsettled, application.root)
    evaluation = Evaluation(policy, unsettled.settings, records, 500_000, traced=True)
    try:
        evaluation.run()
    except TooManySteps:
        return []
    found: list[Diagnostic] = []
    for requirement in policy.requirements.values():
        record = records[requirement.entity][0]
        value = evaluation.trace.get((id(requirement.check), record))
        if isinstance(value, bool) and requirement.check.type == BOOLEAN:
            code = "always-true" if value else "always-false"
            found.append(Diagnostic(code, requirement.check.span, {"name": requirement.id}, severity="warning"))
    for expression, entity in _expressions(policy):
        found += _never_binding(expression, evaluation, records[entity][0])
    return found


def _one_of_each(policy: core.Policy, settled: Settled, root: Record) -> dict[str, list[Record]]:
    """A record of every entity, all of its facts unknown."""
    records: dict[str, list[Record]] = {policy.root: [root]}
    for name in policy.root_names():
        entity = policy.entities[name]
        if entity.owner is None:
            continue
        owner = records[entity.owner][0]
        record = Record(name, name, None, owner)
        for fact in entity.facts.values():
            low, high = settled.ranges[name, fact.name]
            for stage in fact.asked or (None,):
                missing = frozenset({f"{name}.{fact.name}"})
                record.facts[fact.name, stage] = Unknown(missing, low, high)  # type: ignore[arg-type]
        records[name] = [record]
    return records


def _expressions(policy: core.Policy) -> list[tuple[core.Expr, str]]:
    found = [(d.value, d.entity) for d in policy.definitions.values()]
    for requirement in policy.requirements.values():
        found.append((requirement.check, requirement.entity))
    return found


def _never_binding(expression: core.Expr, evaluation: Evaluation, record: Record) -> list[Diagnostic]:
    """In a `min` or `max` of several values, one that another always beats."""
    found: list[Diagnostic] = []
    for node in core.walk(expression):
        if not isinstance(node, core.Apply) or node.operation.name not in ("min", "max") or len(node.arguments) < 2:
            continue
        ranges = [bounds(evaluation.trace.get((id(a), record), False)) for a in node.arguments]
        for i, (low, high) in enumerate(ranges):
            others = [r for j, r in enumerate(ranges) if j != i]
            if node.operation.name == "min":
                beaten = low is not None and any(o[1] is not None and o[1] < low for o in others)  # type: ignore[operator]
            else:
                beaten = high is not None and any(o[0] is not None and o[0] > high for o in others)  # type: ignore[operator]
            if beaten:
                argument = node.arguments[i]
                found.append(Diagnostic("never-binding", argument.span, {"name": argument.span.text}, severity="warning"))
    return found
