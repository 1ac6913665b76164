"""Which facts move a value, nearest first; which steps of a policy it rests on; and of which grain a value is."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

from bandolo.check import core
from bandolo.evaluate.settle import Settled
from bandolo.language.types import INTEGER, MONEY, ListType, OptionalType, RecordType

CONDITION, VERDICT = 20, 40
"""How much further a fact is that only decides which value holds, or whether a record is admitted, than one that is part of it."""

FactName = tuple[str, str, str | None]
"""A fact: its entity, its name, and the stage where it is asked at several."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What some values rest on: `facts` nearest first, and the `steps` that have to be run to know them."""

    facts: tuple[FactName, ...]
    steps: tuple[core.Step, ...]
    clock: bool

    def lists(self, policy: core.Policy) -> set[str]:
        """The entities whose records are looked at as a list."""
        found = set()
        for entity, name, _ in self.facts:
            type_ = policy.entities[entity].facts[name].type
            type_ = type_.of if isinstance(type_, OptionalType) else type_
            if isinstance(type_, ListType) and isinstance(type_.item, RecordType):
                found.add(type_.item.entity)
        return found


def needs(policy: core.Policy, settled: Settled, wanted: Iterable[core.Expr], always: Iterable[core.Expr] = ()) -> Needs:
    """What the `wanted` expressions rest on. `always` are looked at on the way to them: their steps are run, their facts come last."""
    walker = _Walker(policy, settled)
    for node in wanted:
        walker.push(0, node)
    for node in always:
        walker.push(VERDICT, node)
    walker.run()
    facts = tuple(sorted(walker.facts, key=lambda f: (walker.facts[f], f[0], f[1], f[2] or "")))
    steps = tuple(s for s in policy.steps if (s.kind, s.entity, s.name) in walker.steps)
    return Needs(facts, steps, walker.clock)


class _Walker:
    """The shortest way from an expression to each fact."""

    def __init__(self, policy: core.Policy, settled: Settled) -> None:
        self.policy, self.settled = policy, settled
        self.facts: dict[FactName, int] = {}
        self.steps: set[tuple[str, str, str]] = set()
        self.clock = False
        self.queue: list[tuple[int, int, core.Expr]] = []
        self.pushed = 0

    def push(self, cost: int, node: core.Expr) -> None:
        self.pushed += 1
        heapq.heappush(self.queue, (cost, self.pushed, node))

    def run(self) -> None:
        while self.queue:
            cost, _, node = heapq.heappop(self.queue)
            for further, inner in self.inside(node, cost):
                self.push(further, inner)

    def inside(self, node: core.Expr, cost: int) -> Iterator[tuple[int, core.Expr]]:
        """What a node rests on; a definition is gone into once, on the shortest way to it."""
        match node:
            case core.Fact(name=name, stage=stage):
                type_ = node.record.type.of if isinstance(node.record.type, OptionalType) else node.record.type
                if isinstance(type_, RecordType):
                    self.facts.setdefault((type_.entity, name, stage), cost)
            case core.Computed(entity=entity, name=name):
                yield from self.step("definition", entity, name, cost + 1)
            case core.Met(requirement=id_):
                yield from self.step("requirement", self.policy.requirements[id_].entity, id_, cost + VERDICT)
            case core.Admitted(entity=entity, stage=stage):
                yield from self.step("admitted", entity, stage or "", cost + VERDICT)
            case core.AsOf():
                self.clock = True
            case core.Branches(branches=branches, otherwise=otherwise):
                yield from ((cost + CONDITION, b.when) for b in branches)
                yield from ((cost, value) for value in (*(b.value for b in branches), otherwise))
                return
            case core.Choose(subject=core.Option(reading=reading), options=options, otherwise=otherwise):
                chosen = self.settled.settings.options.get(reading)
                taken = dict(options).get(chosen, otherwise) if isinstance(chosen, str) else None
                yield from ((cost, v) for v in ([taken] if taken is not None else [v for _, v in options]))
                return
            case core.Choose(subject=subject):
                yield cost + CONDITION, subject
                yield from ((cost, child) for child in core.children(node) if child is not subject)
                return
            case core.Filter(list=listed, condition=condition):
                yield cost, listed
                yield cost + CONDITION // 2, condition
                return
        yield from ((cost, child) for child in core.children(node))

    def step(self, kind: str, entity: str, name: str, cost: int) -> Iterator[tuple[int, core.Expr]]:
        if (kind, entity, name) in self.steps:
            return
        self.steps.add((kind, entity, name))
        policy = self.policy
        if kind == "definition":
            yield cost, policy.definitions[entity, name].value
        elif kind == "requirement":
            requirement = policy.requirements[name]
            yield from ((cost, part) for part in (requirement.applies, requirement.check) if part is not None)
        elif kind == "admitted":
            yield from self.admitted(entity, name, cost)

    def admitted(self, entity: str, moment: str, cost: int) -> Iterator[tuple[int, core.Expr]]:
        """What strikes a record: requirements that may exclude it, whether their stages are open, and the same of its owner."""
        policy = self.policy
        for requirement in policy.requirements.values():
            if requirement.entity == entity and requirement.may("exclude"):
                yield from self.step("requirement", entity, requirement.id, cost)
        for stage in policy.stages:
            self.steps.add(("opens", policy.root, stage.name))
            if stage.opens is not None:
                yield cost, stage.opens
        owner = policy.entities[entity].owner
        if owner is not None and policy.entities[owner].owner is not None:
            yield from self.step("admitted", owner, moment, cost)


def grain(policy: core.Policy, settled: Settled, node: core.Expr) -> Fraction | None:
    """A number that a value is always a whole multiple of, as a cent for an amount of the application; None where none is known."""
    return _Grain(policy, settled).of(node, {})


class _Grain:
    def __init__(self, policy: core.Policy, settled: Settled) -> None:
        self.policy, self.settled = policy, settled
        self.known: dict[tuple[str, str], Fraction | None] = {}

    def of(self, node: core.Expr, bound: dict[int, Fraction | None]) -> Fraction | None:
        match node:
            case core.Constant(value=Fraction() as value):
                return abs(value)
            case core.Parameter(name=name):
                fixed = self.settled.settings.parameters.get(name)
                return abs(fixed) if isinstance(fixed, Fraction) else None
            case core.Variable(slot=slot):
                return bound.get(slot)
            case core.Fact() if node.type == MONEY:
                return Fraction(1, 100)
            case core.Fact() if node.type == INTEGER:
                return Fraction(1)
            case core.Computed(entity=entity, name=name):
                if (entity, name) not in self.known:
                    self.known[entity, name] = None  # no loop: the checker has refused them
                    self.known[entity, name] = self.of(self.policy.definitions[entity, name].value, {})
                return self.known[entity, name]
            case core.Branches(branches=branches, otherwise=otherwise):
                return self.common([*(b.value for b in branches), otherwise], bound)
            case core.Choose(subject=core.Option(reading=reading), options=options, otherwise=otherwise):
                chosen = self.settled.settings.options.get(reading)
                taken = dict(options).get(chosen, otherwise) if isinstance(chosen, str) else None
                return self.of(taken, bound) if taken is not None else None
            case core.Choose(options=options, otherwise=otherwise):
                return self.common([v for _, v in options] + ([otherwise] if otherwise is not None else []), bound)
            case core.Share():
                return Fraction(1, 100)
            case core.Let(slot=slot, value=value, body=body):
                return self.of(body, {**bound, slot: self.of(value, bound)})
            case core.Map(item=item):
                return self.of(item, bound)
            case core.Apply(operation=operation, arguments=arguments):
                return self.applied(operation.name, arguments, bound)
        return None

    def applied(self, name: str, arguments: tuple[core.Expr, ...], bound: dict[int, Fraction | None]) -> Fraction | None:
        if name in ("+", "-", "min", "max", "minus", "abs", "sum"):
            return self.common(arguments, bound)
        if name == "*":
            first, second = (self.of(a, bound) for a in arguments)
            return None if first is None or second is None else first * second
        if name == "round":
            return self.of(arguments[2], bound)
        return Fraction(1) if name in ("count", "count distinct", "floor", "ceil") else None

    def common(self, nodes: Iterable[core.Expr], bound: dict[int, Fraction | None]) -> Fraction | None:
        found = Fraction(0)
        for node in nodes:
            one = self.of(node, bound)
            if one is None:
                return None
            found = _common(found, one)
        return found


def _common(a: Fraction, b: Fraction) -> Fraction:
    """The largest number that both are whole multiples of; zero is a multiple of every number."""
    denominator = lcm(a.denominator, b.denominator)
    return Fraction(gcd(int(a * denominator), int(b * denominator)), denominator)
