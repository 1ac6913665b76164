"""What generated policies are made of, counted against what there is: the table of operations, the kinds of node, the shape of a file.

Nothing is listed here but what a decision does not depend on: an operation, a kind of node or a key that is added to the language is wanted
from then on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from bandolo.check import core
from bandolo.language.library import OPERATIONS, result_type
from bandolo.language.types import ListType, OptionalType, RecordType
from bandolo.policy import Policy
from bandolo.syntax import shape
from bandolo.testing.constants import expressions
from differential.expressions import labelled

UNSAID = {"label", "note", "source", "by_whom", "issuer", "manager", "currency", "shown_as", "norms"}
"""Keys that no decision depends on."""
LEFT_OUT = {"sources", "ranking", "unencoded", "bandolo"}
"""Sections that no decision depends on: a ranking is made of decisions."""
OF_PEOPLE = ("key entities.facts.by", "key deadlines.of")


def wanted() -> set[str]:
    """All that a set of policies should hold."""
    found = {f"operation {labelled(row, signature)}" for row in OPERATIONS for signature in row.parsed}
    found |= {f"node {kind.__name__}" for kind in get_args(core.Expr) if kind is not core.Invalid}
    found |= {"node Map, flattened", "node Brackets, progressive", "node Share"}
    assert isinstance(shape.POLICY, shape.Keys)
    for name, key in shape.POLICY.keys.items():
        if name not in LEFT_OUT:
            found |= {f"key {k}" for k in _keys(key.shape, name)}
    return {w for w in found if not w.startswith(OF_PEOPLE)}


def held(policy: Policy, data: dict[str, Any]) -> set[str]:
    """What one policy holds."""
    found: set[str] = set()
    for tree in _trees(policy.core):
        for node in core.walk(tree):
            found |= set(_of_node(node))
    for entity in policy.core.entities.values():
        for fact in entity.facts.values():
            inner = fact.type.of if isinstance(fact.type, OptionalType) else fact.type
            kind = "reference" if isinstance(inner, RecordType) else str(inner)
            if isinstance(inner, ListType) and isinstance(inner.item, RecordType):
                kind = "list of records" + (", in another" if entity.owner is not None else "")
            found.add(f"fact {'optional ' if fact.optional else ''}{kind}{' asked by stage' if fact.asked else ''}")
    for name, key in shape.POLICY.keys.items():
        if name in data:
            found |= {f"key {k}" for k in _used(key.shape, data[name], name)}
    return found


def _trees(policy: core.Policy) -> Iterator[core.Expr]:
    yield from expressions(policy)
    for requirement in policy.requirements.values():
        if requirement.message is not None:
            yield from (p for pieces in requirement.message.pieces.values() for p in pieces if isinstance(p, core.Node))  # type: ignore[misc]
    for parameter in policy.parameters.values():
        yield from (v for v in (parameter.value, *(v.value for v in parameter.versions)) if v is not None)


def _of_node(node: core.Expr) -> Iterator[str]:
    yield f"node {type(node).__name__}"
    match node:
        case core.Apply(operation=row, arguments=arguments):
            fitting = result_type(row, tuple(a.type for a in arguments))
            if fitting is not None:
                yield f"operation {labelled(row, fitting[0])}"
        case core.Map(flatten=True):
            yield "node Map, flattened"
        case core.Brackets(progressive=True):
            yield "node Brackets, progressive"


def _keys(of: shape.Shape, path: str) -> Iterator[str]:
    """The keys of a shape and the words that may stand there."""
    match of:
        case shape.Keys(keys=keys, options=options):
            for name, key in keys.items():
                if name not in UNSAID:
                    yield f"{path}.{name}"
                    yield from _keys(key.shape, f"{path}.{name}")
            if options is not None:
                yield from _keys(options, f"{path}.option")
        case shape.Entries(value=inner):
            yield from _keys(inner, path)
        case shape.Items(item=inner):
            yield from _keys(inner, path)
        case shape.OneOf(scalar=scalar, mapping=mapping, sequence=sequence):
            for inner in (scalar, mapping, sequence):
                if inner is not None:
                    yield from _keys(inner, path)
        case shape.Word(words=words):
            yield from (f"{path} = {word}" for word in words)


def _used(of: shape.Shape, data: Any, path: str) -> Iterator[str]:
    """Those of them that some data has."""
    match of:
        case shape.Keys(keys=keys, options=options) if isinstance(data, dict):
            alone = of.by_alone and "by" in data
            for name, value in data.items():
                if name in keys and not (alone and name != "by"):
                    yield f"{path}.{name}"
                    yield from _used(keys[name].shape, value, f"{path}.{name}")
                elif options is not None:
                    yield from _used(options, value, f"{path}.option")
        case shape.Entries(value=inner) if isinstance(data, dict):
            for value in data.values():
                yield from _used(inner, value, path)
        case shape.Items(item=inner):
            for value in data if isinstance(data, list) else [data]:
                yield from _used(inner, value, path)
        case shape.OneOf(scalar=scalar, mapping=mapping, sequence=sequence):
            fitting = mapping if isinstance(data, dict) else sequence if isinstance(data, list) else scalar
            if fitting is not None:
                yield from _used(fitting, data, path)
        case shape.Word():
            yield f"{path} = {data}"
