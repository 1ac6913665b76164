"""What a policy compares its facts with: the constants near which a small mistake shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction

from bandolo import limits
from bandolo.check import core
from bandolo.evaluate.reference import Evaluation, Settings
from bandolo.language import calendar
from bandolo.language.types import DATE, DATETIME, ListType, OptionalType, RecordType, Type, is_quantity
from bandolo.language.values import Duration, Unknown, Value

COMPARISONS = ("=", "!=", "<", "<=", ">", ">=", "in")
Place = tuple[str, str]
"""An entity and one of its facts."""


@dataclass(frozen=True, slots=True)
class Compared:
    """For a fact: the constants it meets, in order; and the facts it is compared with. Of a list, the constants are its lengths."""

    constants: dict[Place, tuple[Value, ...]]
    facts: dict[Place, tuple[Place, ...]]


def compared(policy: core.Policy, settings: Settings) -> Compared:
    """What each fact is compared with anywhere in a policy, through definitions too; pending parameters by what they assume."""
    return _Search(policy, settings).all()


def expressions(policy: core.Policy) -> Iterator[core.Expr]:
    """Every expression of a policy that is worked out for an application or a ranking."""
    for definition in policy.definitions.values():
        yield definition.value
    for requirement in policy.requirements.values():
        parts = [requirement.applies, requirement.check]
        parts += [part for effect in requirement.effects.values() for part in (effect.cure, effect.cure_from)]
        yield from (part for part in parts if part is not None)
    yield from (stage.opens for stage in policy.stages if stage.opens is not None)
    if policy.reach is not None:
        yield policy.reach
    if (plan := policy.ranking) is not None:
        listed = [
            *(e for e, _ in plan.order_by),
            *(e for e, _ in plan.keep),
            *(e for _, amount, award in plan.pots for e in (amount, award)),
        ]
        yield from (e for e in (*listed, plan.exclusive_key, plan.budget, plan.award) if e is not None)


def bare(type_: Type) -> Type:
    """A type without its `optional`."""
    return type_.of if isinstance(type_, OptionalType) else type_


class _Search:
    def __init__(self, policy: core.Policy, settings: Settings) -> None:
        self.policy = policy
        self.constant = Evaluation(policy, settings, {}, limits.STEPS_BASE)
        self.constants: dict[Place, set[Value]] = defaultdict(set)
        self.facts: dict[Place, set[Place]] = defaultdict(set)
        self.of_definition: dict[Place, tuple[core.Expr, ...]] = {}

    def all(self) -> Compared:
        for expression in expressions(self.policy):
            for node in core.walk(expression):
                match node:
                    case core.Apply(operation=operation, arguments=arguments) if operation.name in COMPARISONS:
                        self._meet(arguments)
                    case core.Brackets(amount=amount, steps=steps):
                        self._meet((amount, *(s.to for s in steps if s.to is not None)))
                    case core.Dated(name=name, date=day):
                        versions = self.policy.parameters[name].versions
                        for place in self._facts([day]):
                            self._add(place, DATE, [end for v in versions for end in (v.start, v.end) if end is not None])
        order = {place: sorted(found, key=_sort_key) for place, found in self.constants.items()}
        return Compared({p: tuple(v) for p, v in order.items()}, {p: tuple(sorted(f)) for p, f in self.facts.items()})

    def _meet(self, sides: tuple[core.Expr, ...]) -> None:
        """Each fact on a side with the constants of all sides, and with the facts of the others."""
        reached = [list(self._leaves(side)) for side in sides]
        found = [self._facts(leaves) for leaves in reached]
        constants = [(bare(leaf.type), value) for leaves in reached for leaf in leaves for value in self._values(leaf)]
        lengths = [value for _, value in constants if isinstance(value, Duration)]
        for i, places in enumerate(found):
            for place in places:
                for type_, value in constants:
                    self._add(place, type_, [value, *(v for length in lengths for v in self._shifted(value, length))])
                self.facts[place] |= {p for j, others in enumerate(found) if j != i for p in others if self._alike(place, p)}

    def _add(self, place: Place, type_: Type, values: list[Value]) -> None:
        fact = bare(self.policy.entities[place[0]].facts[place[1]].type)
        if isinstance(fact, ListType) and isinstance(fact.item, RecordType):
            whole = [v for v in values if isinstance(v, Fraction) and is_quantity(type_) and v.denominator == 1 and v >= 0]
            self.constants[place].update(whole)
            return
        wanted = fact.item if isinstance(fact, ListType) else fact
        if wanted == type_ or (is_quantity(wanted) and is_quantity(type_)):
            self.constants[place].update(values)
        elif wanted == DATETIME and type_ == DATE:
            for value in values:
                if isinstance(value, date):
                    self.constants[place].update(self._ends(value))

    def _alike(self, first: Place, second: Place) -> bool:
        types = [bare(self.policy.entities[e].facts[f].type) for e, f in (first, second)]
        return first != second and types[0] == types[1]

    def _facts(self, leaves: list[core.Expr]) -> set[Place]:
        return {
            (leaf.record.type.entity, leaf.name)
            for side in leaves
            for leaf in self._leaves(side)
            if isinstance(leaf, core.Fact) and isinstance(leaf.record.type, RecordType)
        }

    def _leaves(self, node: core.Expr) -> Iterator[core.Expr]:
        """The facts, parameters and constants that a value comes from, through definitions; each definition once."""
        seen: set[Place] = set()
        stack = [node]
        while stack:
            for inner in core.walk(stack.pop()):
                if isinstance(inner, core.Fact | core.Parameter | core.Constant | core.Dated):
                    yield inner
                elif isinstance(inner, core.Computed) and (inner.entity, inner.name) not in seen:
                    seen.add((inner.entity, inner.name))
                    stack.append(self.policy.definitions[inner.entity, inner.name].value)

    def _values(self, leaf: core.Expr) -> Iterator[Value]:
        match leaf:
            case core.Constant(value=value):
                found = [value]
            case core.Parameter(name=name) | core.Dated(name=name):
                declared = self.policy.parameters[name]
                written = [declared.value or declared.assume, *(v.value for v in declared.versions)]
                found = [self.constant.value(w, {}) for w in written if w is not None]
                found.append(self.constant.settings.parameters.get(name, Unknown(frozenset())))
            case _:
                found = []
        yield from (v for v in found if isinstance(v, bool | Fraction | date | Duration | str))

    def _shifted(self, value: Value, length: Duration) -> list[Value]:
        conventions = self.policy.conventions
        back = Duration(-length.months, -length.days)
        found: list[Value] = []
        for way in (length, back):
            try:
                if isinstance(value, datetime):
                    found.append(calendar.add_to_instant(value, way, conventions.time_zone, "down"))
                elif isinstance(value, date):
                    found.append(calendar.add(value, way, "down"))
            except calendar.OutOfRange:
                continue
        return found

    def _ends(self, day: date) -> list[Value]:
        """The first and the last second of a day."""
        try:
            start = calendar.instant(datetime(day.year, day.month, day.day), self.policy.conventions.time_zone)
            after = calendar.add_to_instant(start, Duration(days=1), self.policy.conventions.time_zone, None)
        except calendar.OutOfRange:
            return []
        return [start, after - timedelta(seconds=1)]


def _sort_key(value: Value) -> tuple[str, object]:
    if isinstance(value, Duration):
        return "Duration", (value.months, value.days)
    return type(value).__name__, value
