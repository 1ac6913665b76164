"""What the ranking supplies to the stages after it: each financed application with the facts that the policy names in `gives`."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from bandolo.check import core
from bandolo.evaluate.wire import plain
from bandolo.language.types import MONEY
from bandolo.ranking.entrant import Row


def completed(policy: core.Policy, data: dict[str, Any], row: Row) -> dict[str, Any]:
    """A financed application with its award, and with each exclusive record marked as struck or not. A copy."""
    plan = policy.ranking
    assert plan is not None
    result = copy.deepcopy(data)
    if plan.gives_award is not None and row.amount is not None:
        result[plan.gives_award] = plain(row.amount, MONEY)
    if plan.gives_struck is not None and plan.exclusive_record is not None:
        struck = {s.record for s in row.strikes}
        for path, record in _records(policy, result, plan.exclusive_record):
            record[plan.gives_struck] = path in struck
    return result


def _records(policy: core.Policy, data: dict[str, Any], entity: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The records of an entity in an application's data, each with the path by which decisions name it."""
    declared = policy.entities[entity]
    if declared.owner is None or declared.listed_in is None:
        yield "", data
        return
    for prefix, owner in _records(policy, data, declared.owner):
        listed = owner.get(declared.listed_in)
        for position, record in enumerate(listed if isinstance(listed, list) else ()):
            key = record.get(declared.key.name) if declared.key is not None else None
            place = f"{declared.listed_in}[{position if key is None else key}]"
            yield f"{prefix}.{place}" if prefix else place, record
