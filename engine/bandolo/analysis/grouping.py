"""By what applications are told apart: the choice that the policy's own rate tables go by, or a fact that is named."""

from __future__ import annotations

from collections import Counter

from bandolo.analysis.sides import Grouping, is_money
from bandolo.check import core
from bandolo.diagnostics import Diagnostic, PolicyError
from bandolo.diagnostics.spelling import nearest
from bandolo.language.types import BOOLEAN, ChoiceType, OptionalType, Type


def grouping(old: core.Policy, new: core.Policy, named: str | None, amount: str | None) -> Grouping | None:
    """The fact that `named` stands for (`partner.size`, or `size`), else the one that rate tables go by, else none.

    Records of an entity are counted with the amount among their results that has the name of the main one, else with the first. Raises
    PolicyError `no-such-group`.
    """
    policy = new
    if named is not None:
        entity, fact = _named(policy, named)
    elif (found := _of_tables(policy)) is not None:
        entity, fact = found
    else:
        return None
    if entity == policy.root:
        return Grouping(entity, fact, amount)
    names = [r.name for r in policy.results if r.entity == entity and is_money(r.type)]
    of_old = {r.name for r in old.results if r.entity == entity}
    shared = [n for n in names if n in of_old]
    return Grouping(entity, fact, amount if amount in shared else shared[0] if shared else None)


def groups_of(policy: core.Policy) -> list[tuple[str, str]]:
    """The facts by which applications can be told apart: choices, and yes or no, as entity and fact."""
    return [(e.name, f.name) for e in policy.entities.values() for f in e.facts.values() if _tells(f.type)]


def _tells(type_: Type) -> bool:
    type_ = type_.of if isinstance(type_, OptionalType) else type_
    return isinstance(type_, ChoiceType) or type_ == BOOLEAN


def _named(policy: core.Policy, named: str) -> tuple[str, str]:
    entity, _, fact = named.rpartition(".")
    known = groups_of(policy)
    found = [(e, f) for e, f in known if f == fact and entity in ("", e)]
    if len(found) != 1:
        names = [f"{e}.{f}" for e, f in (found or known)]
        near = None if found else nearest(named, [*names, *(f for _, f in known)])
        raise PolicyError([Diagnostic("no-such-group", args={"name": named, "known": ", ".join(names[:12]) or "–", "nearest": near})])
    return found[0]


def _of_tables(policy: core.Policy) -> tuple[str, str] | None:
    """The choice by which most definitions choose from a table, one of listed records before one of the root."""
    uses: Counter[tuple[str, str]] = Counter()
    for definition in policy.definitions.values():
        tables = [n for n in core.walk(definition.value) if isinstance(n, core.Choose) and isinstance(n.subject.type, ChoiceType)]
        uses.update({place for table in tables for place in _facts(policy, table.subject, 3)})
    return min(uses, key=lambda place: (place[0] == policy.root, -uses[place], place)) if uses else None


def _facts(policy: core.Policy, subject: core.Expr, depth: int) -> set[tuple[str, str]]:
    """The choice facts that a subject is, or is defined by."""
    found: set[tuple[str, str]] = set()
    for node in core.walk(subject):
        if isinstance(node, core.Fact) and node.type == subject.type:
            found |= {
                (e.name, node.name) for e in policy.entities.values() if node.name in e.facts and e.facts[node.name].type == node.type
            }
        elif isinstance(node, core.Computed) and node.type == subject.type and depth and (node.entity, node.name) in policy.definitions:
            found |= _facts(policy, policy.definitions[node.entity, node.name].value, depth - 1)
    return found
