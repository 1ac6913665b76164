"""Case files: `*.cases.yaml`, written as policy staff would, read into applications and expectations."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bandolo import limits
from bandolo.check import core
from bandolo.diagnostics import Diagnostic
from bandolo.diagnostics.spelling import nearest
from bandolo.evaluate.data import Plain
from bandolo.evaluate.yaml_data import data_of
from bandolo.language.types import ListType, OptionalType, RecordType
from bandolo.source import Span, read_bytes
from bandolo.syntax.read import read_tree
from bandolo.syntax.shape import CASES
from bandolo.syntax.shaped import fit
from bandolo.syntax.yaml_tree import Mapping, Scalar, Sequence, Tree

STEP = re.compile(r"\.?([A-Za-z_][A-Za-z0-9_]*)|\[([^\[\]]+)\]")


@dataclass(frozen=True)
class Mismatch:
    """What a case expects somewhere, and what came."""

    where: str
    expected: str
    got: str


@dataclass(frozen=True)
class Ranked:
    """One of the applications that a case ranks, or several alike, `{n}` in their changes counting from 1."""

    like: str | None
    change: dict[str, Any]
    repeat: int


@dataclass(frozen=True)
class Case:
    """One case: `application` before its changes, `change` by path (or those that are ranked), and what is expected."""

    name: str
    like: str | None
    change: dict[str, Any]
    as_of: str | None
    assume: bool | tuple[str, ...]
    set: dict[str, Any]
    readings: dict[str, str]
    amend: tuple[str, ...]
    expect: dict[str, Any]
    span: Span
    rank: tuple[Ranked, ...] = ()


@dataclass(frozen=True)
class CaseFile:
    path: Path
    policy: Path
    applications: dict[str, Any]
    cases: tuple[Case, ...]


def read_cases(path: Path) -> tuple[CaseFile | None, list[Diagnostic]]:
    """The cases of a file. Codes: those of reading YAML, `unknown-application`, `no-expectation`."""
    tree, diagnostics = read_tree(str(path), read_bytes(path, limits.POLICY_BYTES))
    if tree is None:
        return None, diagnostics
    shaped, said = fit(tree, CASES)
    diagnostics += said
    if not isinstance(shaped, Mapping) or diagnostics:
        return None, diagnostics
    applications = {}
    section = shaped.get("applications")
    for key, value in section.entries if isinstance(section, Mapping) else ():
        applications[key.value] = expanded(data_of(value))
    cases: list[Case] = []
    listed = shaped.get("cases")
    for item in listed.items if isinstance(listed, Sequence) else ():
        if isinstance(item, Mapping):
            case = _case(item, shaped)
            for like in (case.like, *(r.like for r in case.rank)):
                if like is not None and like not in applications:
                    args = {"name": like, "nearest": nearest(like, applications)}
                    diagnostics.append(Diagnostic("unknown-application", case.span, args))
            if not case.expect:
                diagnostics.append(Diagnostic("no-expectation", case.span, {"name": case.name}))
            cases.append(case)
    policy = path.parent / _text(shaped.get("cases_of"))
    return (CaseFile(path, policy, applications, tuple(cases)) if not diagnostics else None), diagnostics


def _text(tree: Tree | None) -> str:
    return tree.value if isinstance(tree, Scalar) else ""


def _case(item: Mapping, whole: Mapping) -> Case:
    def data(name: str) -> Any:
        tree = item.get(name) or whole.get(name)
        return None if tree is None else data_of(tree)

    def merged(name: str) -> dict[str, Any]:
        first, second = (data_of(t) if t is not None else {} for t in (whole.get(name), item.get(name)))
        return {**first, **second}

    assume = data("assume")
    as_of = data("as_of")
    change = item.get("change")
    expect = item.get("expect")
    like = item.get("like")
    ranked = item.get("rank")
    return Case(
        _text(item.get("name")),
        like.value if isinstance(like, Scalar) else None,
        {k.value: expanded(data_of(v)) for k, v in change.entries} if isinstance(change, Mapping) else {},
        None if as_of is None else str(as_of),
        tuple(str(a) for a in assume) if isinstance(assume, list) else assume == "true",
        merged("set"),
        {k: str(v) for k, v in merged("readings").items()},
        tuple(str(a) for a in data("amend") or ()),
        data_of(expect) if expect is not None else {},
        item.span,
        tuple(_ranked(one) for one in ranked.items if isinstance(one, Mapping)) if isinstance(ranked, Sequence) else (),
    )


def _ranked(item: Mapping) -> Ranked:
    like, change, repeat = item.get("like"), item.get("change"), _text(item.get("repeat"))
    return Ranked(
        like.value if isinstance(like, Scalar) else None,
        {k.value: expanded(data_of(v)) for k, v in change.entries} if isinstance(change, Mapping) else {},
        min(int(repeat), limits.LIST_LENGTH) if repeat.isdigit() else 1,
    )


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
    """A path of a case that leads nowhere in its application."""


def changed(policy: core.Policy, application: Any, changes: dict[str, Any]) -> Any:
    """An application with a case's changes made. Raises BadPath with the path that leads nowhere."""
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
        raise BadPath(path)
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
        raise BadPath(path)
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


def _edited(entity: core.Entity, records: Any, edit: dict[str, Any], path: str) -> Any:
    for key in edit.get("drop") or ():
        dropped = record_at(entity, records, str(key))
        if dropped is None:
            raise BadPath(f"{path}[{key}]")
        records = [r for r in records if r is not dropped]
    for record in records:
        for name, value in (edit.get("each") or {}).items():
            if isinstance(value, Plain) and value == "unknown":
                record.pop(name, None)
            else:
                record[name] = copy.deepcopy(value)
    return [*records, *(edit.get("add") or ())]
