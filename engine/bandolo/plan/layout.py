"""What the parts of a program in one pass tell each other: where things stand, and which policies are written this way."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter, itemgetter
from typing import Any

from bandolo.check import core
from bandolo.evaluate.settle import Settled
from bandolo.language.types import ListType, OptionalType, RecordType
from bandolo.plan.kinds import Kind
from bandolo.plan.shapes import Shapes


class NotFused(Exception):
    """The policy has something that is not written in one pass."""


@dataclass
class Pass:
    """One loop over the records of an entity."""

    before: list[ast.stmt] = field(default_factory=list)
    body: list[ast.stmt] = field(default_factory=list)
    gathering: list[ast.stmt] = field(default_factory=list)
    """What goes on to the owner's values, after everything of the record is computed."""
    tests: dict[tuple[Any, ...], ast.If] = field(default_factory=dict)
    groups: dict[tuple[Any, ...], list[ast.stmt]] = field(default_factory=dict)
    """The blocks behind each chain of conditions, so that what is asked of the same records is gathered together."""
    hits: list[ast.stmt] = field(default_factory=list)
    """What a failed requirement of a record does to the application."""
    unusual_hits: list[ast.stmt] = field(default_factory=list)
    """The same of the requirements that are looked at together, where not all of them are met."""


@dataclass
class Layout:
    """Where a program leaves what it has read and computed: the places of the tuples that it gives back.

    Facts stand as they were given, in a tuple or, with `shapes`, in a record of theirs.
    """

    verdicts: dict[str, list[str]]
    results: dict[str, list[str]]
    lists: tuple[str, ...]
    kinds: dict[tuple[str, str], Kind | None]
    shapes: Shapes | None

    def given(self, entity: str) -> Callable[[Any], tuple[Any, ...]]:
        """What takes the facts of a record, in the order of their declaration, out of what was read."""
        return tuple if self.shapes is None else self.shapes.values[entity]

    def fact(self, entity: core.Entity, named: str) -> Callable[[Any], Any]:
        """What takes one fact of a record out of what was read."""
        at = list(entity.facts).index(named)
        return itemgetter(at) if self.shapes is None else attrgetter(self.shapes.slots[entity.name][at])


def eligible(policy: core.Policy, settled: Settled) -> bool:
    """Whether a policy is written in one pass: lists of the root only, no references, no shares, nothing asked at several stages."""
    for entity in policy.entities.values():
        if policy.depth(entity.name) > 1:
            return False
        for fact in entity.facts.values():
            type_ = fact.type.of if isinstance(fact.type, OptionalType) else fact.type
            if fact.asked or isinstance(type_, RecordType) or (isinstance(type_, ListType) and isinstance(fact.type, OptionalType)):
                return False
            if isinstance(type_, ListType) and (not isinstance(type_.item, RecordType) or entity.name != policy.root):
                return False  # a list of values could be changed by the caller after the decision
    for requirement in policy.requirements.values():
        if requirement.effect_by is not None and not isinstance(settled.settings.options[requirement.effect_by], str):
            return False
    expressions = [d.value for d in policy.definitions.values()]
    return not any(isinstance(n, core.Share | core.IsKnown) for e in expressions for n in core.walk(e))
