"""What the ranking supplies to the stages after it: each financed application with the facts that the policy names in `gives`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bandolo.check import core
from bandolo.evaluate.inputs import Application
from bandolo.evaluate.wire import plain
from bandolo.language.types import MONEY
from bandolo.language.values import Record, Unknown
from bandolo.ranking.entrant import Row


def completed_data(policy: core.Policy, application: Application, row: Row) -> dict[str, Any]:
    """A financed application with its award, and with each exclusive record marked as struck or not: new data, as JSON holds it."""
    plan = policy.ranking
    assert plan is not None
    struck = {s.record for s in row.strikes}
    marks: dict[str, dict[str, Any]] = {}
    if plan.gives_struck is not None and plan.exclusive_record is not None:
        marks = {r.path: {plan.gives_struck: r.path in struck} for r in application.records[plan.exclusive_record]}
    result = _as_data(policy, application, application.root, marks)
    if plan.gives_award is not None and row.amount is not None:
        result[plan.gives_award] = plain(row.amount, MONEY)
    return result


def _as_data(policy: core.Policy, application: Application, record: Record, marks: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """A record as it could have been handed in: known facts only, those of several stages by stage, lists with their records."""
    entity = policy.entities[record.entity]
    below = {e.listed_in: e for e in policy.entities.values() if e.owner == record.entity}
    data: dict[str, Any] = {}
    for fact in entity.facts.values():
        known = {stage: v for stage in fact.asked or (None,) if not isinstance(v := record.facts[fact.name, stage], Unknown)}
        if fact.name in below:
            if known:
                inner = application.records[below[fact.name].name]
                data[fact.name] = [_as_data(policy, application, r, marks) for r in inner if r.owner is record]
        elif fact.asked and known:
            data[fact.name] = {stage: plain(value, fact.type) for stage, value in known.items()}
        elif known:
            data[fact.name] = plain(known[None], fact.type)
    return data | marks.get(record.path, {})
