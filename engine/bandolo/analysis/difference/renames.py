"""Which entries only changed their name: what an old one says, a new one says word for word, and neither name is on the other side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from typing import Any

from bandolo.analysis.difference.canonical import Canonical, paired
from bandolo.check import core

Entry = tuple[str, str, str]
"""Kind, entity (or empty) and name."""


def renamed(old: core.Policy, new: core.Policy) -> dict[Entry, str]:
    """The new names of old entries. Entries of one content are told apart by their labels, then by the likeness of their names.

    What uses a renamed entry is the same only once that is known, so entries are matched until nothing more is found.
    """
    names: dict[Entry, str] = {}
    here, there = paired(old, new, names)
    sides = dict(_entries(old)), dict(_entries(new))
    gone = {k: v for k, v in sides[0].items() if k not in sides[1]}
    come = {k: v for k, v in sides[1].items() if k not in sides[0]}
    while True:
        before = len(names)
        for key, (words, content) in gone.items():
            if key in names:
                continue
            taken = {(kind, entity, name) for (kind, entity, _), name in names.items()}
            alike = [
                other for other, (said, body) in come.items()
                if other not in taken and other[:2] == key[:2] and _fits(key[0], words, said) and body(there) == content(here)
            ]  # fmt: skip
            if alike:
                names[key] = max(alike, key=lambda o: (come[o][0].label == words.label, _likeness(o[2], key[2]), o[2]))[2]
        if len(names) == before:
            return names


def _fits(kind: str, old: core.Words, new: core.Words) -> bool:
    """Equal figures under different labels are different things; a formula says enough of itself."""
    return kind in ("definition", "requirement", "bonus") or old.label == new.label


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()


Content = Callable[[Canonical], Any]


def _entries(policy: core.Policy) -> Iterator[tuple[Entry, tuple[core.Words, Content]]]:
    for name, parameter in policy.parameters.items():
        yield ("parameter", "", name), (parameter.words, _parameter(parameter))
    for name, reading in policy.readings.items():
        yield ("reading", "", name), (reading.words, _reading(reading))
    for entity in policy.entities.values():
        for fact in entity.facts.values():
            yield ("fact", entity.name, fact.name), (fact.words, _fact(fact))
    for node, _ in policy.brackets:
        yield ("bands", "", node.name), (core.Words(), _bands(node))
    for (entity_name, name), definition in policy.definitions.items():
        kind, point, rest = name.partition(".")
        if not point:
            if not definition.synthetic:
                yield ("definition", entity_name, name), (definition.words, _definition(definition))
        elif kind in ("deadline", "bonus"):
            yield (kind, "", rest), (definition.words, _definition(definition))
    for id_, requirement in policy.requirements.items():
        yield ("requirement", "", id_), (requirement.words, _requirement(requirement))


def _parameter(p: core.ParameterDeclaration) -> Content:
    return lambda c: (
        str(p.type), c.optional(p.value), p.pending, c.optional(p.assume),
        tuple((v.start, v.end, c.of(v.value)) for v in p.versions),
    )  # fmt: skip


def _reading(r: core.ReadingDeclaration) -> Content:
    return lambda c: (r.question, tuple(sorted(r.options)), r.chosen)


def _fact(f: core.FactDeclaration) -> Content:
    return lambda c: (str(f.type), f.key, f.optional, f.asked, c.optional(f.low), c.optional(f.high), f.by, f.words.label)


def _bands(node: core.Brackets) -> Content:
    return lambda c: (node.progressive, tuple((c.optional(s.to), c.of(s.amount)) for s in node.steps))


def _definition(d: core.Definition) -> Content:
    return lambda c: (str(d.type), c.of(d.value))


def _requirement(r: core.Requirement) -> Content:
    return lambda c: (r.entity, r.stage, c.optional(r.applies), c.of(r.check), effects(r, c))


def effects(requirement: core.Requirement, canonical: Canonical) -> Any:
    """What its failure does, by option of a reading."""
    by = canonical.name("reading", "", requirement.effect_by) if requirement.effect_by else None
    each = {k: (e.word, canonical.optional(e.cure), canonical.optional(e.cure_from)) for k, e in requirement.effects.items()}
    return by, tuple(sorted(each.items()))
