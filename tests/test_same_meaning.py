"""What the layout, the order and the names of a policy must not change, and what one threshold must: seen on every case of both calls."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from bandolo.diagnostics import ApplicationError
from bandolo.evaluate.decision import Decision
from bandolo.policy import Policy, load_policy, policy_from_bytes
from bandolo.testing.cases import Case, CaseFile, changed, read_cases

ROOT = Path(__file__).resolve().parents[1]
CALLS = ("manifestazione_2022", "bando_2023")
NAMED = ("parameters", "rates", "readings", "formulas", "deadlines", "choices")
"""Sections in which the order of the names means nothing; so it is in each entity of the nested ones."""
NESTED = ("definitions", "requirements")
PROSE = {"label", "note", "source", "quote", "title", "question", "issuer", "manager", "pending", "text", "norms", "because", "by_whom"}

Data = dict[str, Any]


@cache
def cases(call: str) -> CaseFile:
    file, diagnostics = read_cases(ROOT / "policies" / f"{call}.cases.yaml")
    assert file is not None, diagnostics
    return file


@cache
def original(call: str) -> Policy:
    return load_policy(ROOT / "policies" / f"{call}.yaml")


def untyped(call: str) -> Data:
    """The policy as plain data, every scalar a text."""
    data: Data = yaml.load((ROOT / "policies" / f"{call}.yaml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    return data


def loaded(data: Data, **style: Any) -> Policy:
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, **{"width": 100_000, **style})
    return policy_from_bytes("changed.yaml", text.encode())


def applications(call: str, every: int = 1) -> Iterator[tuple[Case, Any]]:
    """Every application, or every so many, of the cases that stand on the policy as it was issued."""
    for case in cases(call).cases[::every]:
        if not case.amend:
            base = cases(call).applications[case.like] if case.like is not None else {}
            yield case, changed(original(call).core, base, case.change)


def decided(policy: Policy, case: Case, application: Any, **more: Any) -> Decision | None:
    """The decision; None for data that is refused."""
    options = {"as_of": case.as_of, "set": case.set, "readings": case.readings, "assume": case.assume, **more}
    try:
        return policy.decide(application, **options)
    except ApplicationError:
        return None


def content(decision: Decision | None, name: Callable[[str], str] = str) -> Any:
    """What a decision says, whatever the order of the policy; `name` says what a name was called before."""
    if decision is None:
        return None
    data = decision.to_dict()
    del data["policy"], data["application_digest"]

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name(k): plain(v) for k, v in value.items() if k not in ("line", "column")}
        if isinstance(value, list):
            return sorted((plain(v) for v in value), key=str)
        return name(value) if isinstance(value, str) else value

    return plain(data)


@cache
def as_it_was(call: str) -> dict[str, Decision | None]:
    """The decision of the original policy by the name of the case."""
    return {case.name: decided(original(call), case, application) for case, application in applications(call)}


def assert_same(call: str, policy: Policy, rename: dict[str, str] | None = None, every: int = 1) -> None:
    """Every case, or every so many, gets the same decision from both policies."""
    forward = rename or {}
    back = {new: old for old, new in forward.items()}

    def renamed(names: Data | dict[str, str]) -> dict[str, Any]:
        return {forward.get(k, k): v for k, v in names.items()}

    def before(text: str) -> str:
        return re.sub(r"[A-Za-z_][A-Za-z0-9_]*", lambda m: back.get(m[0], m[0]), text) if back else text

    compared = 0
    for case, application in applications(call, every):
        assumed = case.assume if isinstance(case.assume, bool) else tuple(forward.get(n, n) for n in case.assume)
        after = decided(policy, case, application, set=renamed(case.set), readings=renamed(case.readings), assume=assumed)
        assert content(after, before) == content(as_it_was(call)[case.name]), case.name
        compared += 1
    assert compared > 10


def shuffled_call(call: str, seed: int) -> Policy:
    """Everything quoted and set in otherwise, sections and named entries shuffled; stages, bonuses and lists keep their order."""
    data, chance = untyped(call), random.Random(seed)

    def shuffled(entries: Data) -> Data:
        items = list(entries.items())
        chance.shuffle(items)
        return dict(items)

    for section in NAMED:
        if section in data:
            data[section] = shuffled(data[section])
    for section in NESTED:
        data[section] = shuffled({entity: shuffled(entries) for entity, entries in data[section].items()})
    data["entities"] = shuffled({name: {**entity, "facts": shuffled(entity["facts"])} for name, entity in data["entities"].items()})
    return loaded(shuffled(data), default_flow_style=None, indent=7, default_style='"')


def renamed_call(call: str) -> tuple[Policy, dict[str, str]]:
    """Every parameter, definition, requirement, formula and table under another name, and which those are."""
    data = untyped(call)
    taken = {word for entity in data["entities"].values() for word in entity["facts"]} | set(data["entities"])
    taken |= {word for options in data["choices"].values() for word in options} | set(data["readings"]) | set(data["deadlines"])
    taken |= {word for reading in data["readings"].values() for word in reading["options"]}
    names = {n for section in ("parameters", "rates", "formulas") for n in data.get(section, {})}
    names |= {n for section in NESTED for entries in data[section].values() for n in entries}
    rename = {n: f"another_{n}" for n in names - taken}
    assert len(rename) > 15

    def expression(text: str) -> str:
        return re.sub(r'"[^"]*"|(?<!reading\.)(?<!deadline\.)\b[A-Za-z_][A-Za-z0-9_]*', lambda m: rename.get(m[0], m[0]), text)

    def template(text: str) -> str:
        return re.sub(r"\{[^{}]*\}", lambda m: expression(m[0]), text)

    def walk(node: Any, key: str = "") -> Any:
        if key in PROSE:
            return node
        if isinstance(node, dict):
            return {rename.get(k, k): walk(v, "message" if key == "message" else k) for k, v in node.items()}
        if isinstance(node, list):
            return [walk(v, key) for v in node]
        return template(node) if key == "message" else expression(node)

    kept = {k: data[k] for k in ("bandolo", "policy", "sources", "choices", "unencoded") if k in data}
    changed_data = {k: kept.get(k) or walk(v) for k, v in data.items()}
    changed_data["policy"] = {**data["policy"], "money_rounding": data["policy"].get("money_rounding", "half_up")}
    return loaded(changed_data), rename


@pytest.mark.parametrize("call", CALLS)
def test_layout_and_order_change_no_decision(call: str) -> None:
    assert_same(call, shuffled_call(call, 7), every=2)


@pytest.mark.parametrize("call", CALLS)
def test_names_change_no_decision(call: str) -> None:
    """Decisions say the same by the new names."""
    policy, rename = renamed_call(call)
    assert_same(call, policy, rename, every=2)


def test_one_threshold_changes_exactly_the_decisions_that_it_should() -> None:
    """Nine firms in place of ten: the verdict turns for applications with nine that count, and for no other; nothing else turns at all."""
    turned = 0
    for case, application in applications("bando_2023"):
        before = as_it_was("bando_2023")[case.name]
        after = decided(original("bando_2023"), case, application, set={**case.set, "minimum_firms": "9"})
        if before is None or after is None:
            assert before is after
            continue
        counted = before.results.get("counted_firms")
        first, second = ({(r.id, r.subject): r.verdict for r in d.requirements} for d in (before, after))
        different = {id_ for (id_, subject), verdict in first.items() if second[id_, subject] != verdict}
        if "minimum_firms" in case.set:
            continue
        if counted == 9:
            assert different == {"enough_firms"}, case.name
            assert second["enough_firms", "project"] == "met"
            turned += 1
        elif counted is not None:
            assert (different, before.outcome) == (set(), after.outcome), case.name
        assert before.results == after.results
    assert turned >= 3
