"""Applications made from others: paths that lead to a fact or a record, and many records from one pattern."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bandolo import limits
from bandolo.check import core
from bandolo.diagnostics.spelling import nearest
from bandolo.evaluate.data import Plain
from bandolo.language.types import ListType, OptionalType, RecordType
from bandolo.source import Span

STEP = re.compile(r"\.?([A-Za-z_][A-Za-z0-9_]*)|\[([^\[\]]+)\]")


@dataclass(frozen=True)
class Derived:
    """An application of a case file that is like another one, but for some changes. `changed` makes the whole of it."""

    base: Any
    change: dict[str, Any]
    spans: Mapping[str, Span] = field(default_factory=dict, compare=False, repr=False)


def expanded(data: Any) -> Any:
    """Data with every `{repeat: 10, ...}` of a list made into so many records, `{n}` in its texts counting from 1."""
    if isinstance(data, dict):
        return {k: expanded(v) for k, v in data.items()}
    if not isinstance(data, list):
        return data
    items: list[Any] = []
    for item in data:
        if isinstance(item, dict) and "repeat" in item:
            count = int(item["repeat"]) if str(item["repeat"]).isdigit() else 0
            pattern = {k: v for k, v in item.items() if k != "repeat"}
            items += [numbered(expanded(pattern), n) for n in range(1, min(count, limits.LIST_LENGTH) + 1)]
        else:
            items.append(expanded(item))
    return items


def numbered(data: Any, n: int) -> Any:
    """Data with `{n}` in its texts made into a number."""
    match data:
        case dict():
            return {k: numbered(v, n) for k, v in data.items()}
        case list():
            return [numbered(v, n) for v in data]
        case str():
            return type(data)(data.replace("{n}", str(n)))
    return data


class BadPath(Exception):
    """A path of a case that leads nowhere in its application; `near` is what it was most likely meant to be."""

    def __init__(self, path: str, near: str | None = None) -> None:
        super().__init__(path)
        self.path, self.near = path, near


def changed(policy: core.Policy, application: Any, changes: dict[str, Any]) -> Any:
    """An application with a case's changes made. Raises BadPath with the path that leads nowhere."""
    if isinstance(application, Derived):
        application = changed(policy, application.base, application.change)
    result = copy.deepcopy(application)
    for path, value in changes.items():
        steps = [name or f"[{key}" for name, key in STEP.findall(path)]
        if "".join(STEP.sub("", path).split()) or not steps:
            raise BadPath(path)
        _change(policy, policy.entities[policy.root], result, steps, value, path)
    return result


def _change(policy: core.Policy, entity: core.Entity, record: Any, steps: list[str], value: Any, path: str) -> None:
    name, rest = steps[0], steps[1:]
    fact = entity.facts.get(name)
    if not isinstance(record, dict) or (fact is None and rest):
        raise BadPath(path, nearest(name, entity.facts))
    listed = _entity_of(policy, fact)
    if not rest:
        if isinstance(value, Plain) and value == "unknown":
            record.pop(name, None)
        elif listed is not None and isinstance(value, dict) and set(value) <= {"drop", "add", "each"}:
            record[name] = _edited(listed, record.get(name, []), value, path)
        else:
            record[name] = value
        return
    if listed is None or not rest[0].startswith("["):
        if isinstance(record.get(name), dict) and len(rest) == 1:
            record[name][rest[0]] = value
            return
        raise BadPath(path)
    target = record_at(listed, record.get(name), rest[0][1:])
    if target is None:
        raise BadPath(path, nearest(rest[0][1:], keys_of(listed, record.get(name))))
    if len(rest) == 1:
        if not isinstance(value, dict):
            raise BadPath(path)
        target.update(value)
        return
    _change(policy, listed, target, rest[1:], value, path)


def _entity_of(policy: core.Policy, fact: core.FactDeclaration | None) -> core.Entity | None:
    type_ = fact.type if fact is not None else None
    type_ = type_.of if isinstance(type_, OptionalType) else type_
    if isinstance(type_, ListType) and isinstance(type_.item, RecordType):
        return policy.entities[type_.item.entity]
    return None


def record_at(entity: core.Entity, records: Any, key: str) -> Any:
    """The record of a list by its key, or by its position from 0; None if there is none."""
    if not isinstance(records, list):
        return None
    if entity.key is not None:
        for record in records:
            if isinstance(record, dict) and str(record.get(entity.key.name)) == key:
                return record
    return records[int(key)] if key.isdigit() and int(key) < len(records) else None


def keys_of(entity: core.Entity, records: Any) -> list[str]:
    """The keys of the records of a list."""
    listed = records if isinstance(records, list) and entity.key is not None else []
    return [str(r[entity.key.name]) for r in listed if entity.key is not None and isinstance(r, dict) and entity.key.name in r]


def record_paths(policy: core.Policy, application: Any) -> list[str]:
    """The paths of all records below the root, at whatever depth, by key where there is one and by position: `partners[IT1]`."""
    return list(_paths(policy, policy.entities[policy.root], application, ""))


def _paths(policy: core.Policy, entity: core.Entity, record: Any, above: str) -> Iterator[str]:
    for fact in entity.facts.values():
        listed = _entity_of(policy, fact)
        records = record.get(fact.name) if isinstance(record, dict) else None
        if listed is None or not isinstance(records, list):
            continue
        for number, inner in enumerate(records):
            for name in (*keys_of(listed, [inner]), str(number)):
                path = f"{above}{fact.name}[{name}]"
                yield path
                yield from _paths(policy, listed, inner, f"{path}.")


def _edited(entity: core.Entity, records: Any, edit: dict[str, Any], path: str) -> Any:
    for key in edit.get("drop") or ():
        dropped = record_at(entity, records, str(key))
        if dropped is None:
            raise BadPath(f"{path}[{key}]", nearest(str(key), keys_of(entity, records)))
        records = [r for r in records if r is not dropped]
    for record in records:
        for name, value in (edit.get("each") or {}).items():
            if isinstance(value, Plain) and value == "unknown":
                record.pop(name, None)
            else:
                record[name] = copy.deepcopy(value)
    return [*records, *(edit.get("add") or ())]
