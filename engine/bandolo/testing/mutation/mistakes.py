"""The wrong changes that one expression invites: for each kind of node, what somebody might write in its place.

What depends on an operation stands in `MISTAKEN`, what depends on a type in `steps`; the rest is one case a node.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction

from bandolo.check import core
from bandolo.language.functions import Conventions
from bandolo.language.library import operation_by_name, result_type
from bandolo.language.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    MONEY,
    PERCENT,
    ROUNDING,
    TEXT,
    ChoiceType,
    ListType,
    OptionalType,
    RecordType,
    Type,
)
from bandolo.language.values import Duration, Value
from bandolo.source import Span
from bandolo.testing.mutation.places import rewritten
from bandolo.testing.mutation.written import code

MISTAKEN: dict[str, tuple[tuple[str, str], ...]] = {
    ">=": ((">", "limit"), ("<=", "direction")),
    ">": ((">=", "limit"), ("<", "direction")),
    "<=": (("<", "limit"), (">=", "direction")),
    "<": (("<=", "limit"), (">", "direction")),
    "=": (("!=", "equality"),),
    "!=": (("=", "equality"),),
    "+": (("-", "arithmetic"),),
    "-": (("+", "arithmetic"),),
    "*": (("/", "arithmetic"),),
    "/": (("*", "arithmetic"),),
    "min": (("max", "extreme"),),
    "max": (("min", "extreme"),),
    "any": (("all", "aggregate"),),
    "all": (("any", "aggregate"),),
    "count": (("count distinct", "aggregate"),),
    "count distinct": (("count", "aggregate"),),
    "sum": (("max", "aggregate"),),
    "average": (("max", "aggregate"),),
    "floor": (("ceil", "rounding"),),
    "ceil": (("floor", "rounding"),),
    "starts_with": (("contains", "text"),),
    "contains": (("starts_with", "text"),),
}
"""What each operation is mistaken for, and the kind of the mistake; a mistake that the types do not allow is not made."""

DROPPED_OPERANDS = ("+", "-", "*", "/", "min", "max")
DIRECTIONS = {
    "down": ("up", "half_up"),
    "up": ("down", "half_up"),
    "half_up": ("down", "up", "half_even"),
    "half_even": ("half_up", "down", "up"),
}
GONE = "—"
"""What stands for something that was left out."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """`node` in place of a node. `old` and `new` are what is written differently, `at` where; `about` are the nodes it is about."""

    kind: str
    at: Span
    old: str
    new: str
    node: core.Expr
    about: tuple[core.Expr, ...] = ()
    reorder: bool = False
    """Whether the order in which things are computed may have to change."""
    short: tuple[str, str] | None = None
    """What is written at the place itself and what instead, where `old` and `new` tell of more."""


def mistakes(node: core.Expr, parent: core.Expr | None, policy: core.Policy) -> Iterator[Mistake]:
    """Every wrong change of one node; those of the nodes inside it are their own."""
    for mistake in _Maker(policy, parent).of(node):
        # The same text means the same in one place, though records may have other numbers inside.
        if mistake.node != node and mistake.old != mistake.new:
            yield mistake


@dataclass(frozen=True, slots=True)
class _Maker:
    policy: core.Policy
    parent: core.Expr | None

    @property
    def conventions(self) -> Conventions:
        return self.policy.conventions

    def code(self, node: core.Expr, around: int = 0) -> str:
        return code(node, self.conventions, around)

    def instead(self, kind: str, old: core.Expr, new: core.Expr, *about: core.Expr, reorder: bool = False) -> Mistake:
        """A whole node for another, told as both are written."""
        return Mistake(kind, old.span, self.code(old), self.code(new), new, about or (old,), reorder)

    def of(self, node: core.Expr) -> Iterator[Mistake]:
        match node:
            case core.Constant():
                yield from self.constant(node)
            case core.Apply():
                yield from self.operation(node)
            case core.And(parts=parts) | core.Or(parts=parts):
                other = core.Or if isinstance(node, core.And) else core.And
                yield self.instead("junction", node, other(node.span, BOOLEAN, parts))
                for i, part in enumerate(parts):
                    rest = parts[:i] + parts[i + 1 :]
                    left = rest[0] if len(rest) == 1 else dataclasses.replace(node, parts=rest)
                    yield Mistake("condition", node.span, self.code(node), self.code(left), left, (part,))
            case core.Not(value=inner):
                yield self.instead("negation", node, inner)
            case core.IsNone() | core.IsKnown():
                if not isinstance(self.parent, core.Not):
                    yield self.instead("negation", node, core.Not(node.span, BOOLEAN, node))
            case core.Branches():
                yield from self.branches(node)
            case core.Choose():
                yield from self.rows(node)
            case core.Brackets(steps=steps):
                for i, step in enumerate(steps[:-1]):
                    assert step.to is not None
                    shorter = dataclasses.replace(node, steps=steps[:i] + steps[i + 1 :])
                    yield Mistake("band", step.to.span, f"to {self.code(step.to)}: {self.code(step.amount)}", GONE, shorter, (step.to,))
            case core.Items():
                yield from self.items(node)
            case core.Filter(list=listed):
                yield Mistake("filter", node.span, self.code(node), self.code(listed), listed, (node.condition,))
            case core.Fact(stage=stage) if stage is not None:
                record = node.record.type
                for other_stage in self.policy.entities[getattr(record, "entity", "")].facts[node.name].asked:
                    yield self.instead("moment", node, dataclasses.replace(node, stage=other_stage))
            case core.Admitted(stage=stage) if stage is not None:
                for other_moment in (None, *(s.name for s in self.policy.stages)):
                    yield self.instead("moment", node, dataclasses.replace(node, stage=other_moment), reorder=True)

    def constant(self, node: core.Constant) -> Iterator[Mistake]:
        parent = self.parent
        if isinstance(parent, core.Apply) and parent.operation.name == "round" and node is not parent.arguments[0]:
            return
        kind = "date" if node.type in (DATE, DATETIME) else "choice" if isinstance(node.type, ChoiceType) else "step"
        for value in steps(node.value, node.type):
            moved = dataclasses.replace(node, value=value)
            old, new = short = self.code(node), self.code(moved)
            # Several constants of one rule may be alike: what stands around tells them apart.
            match self.parent:
                case core.Choose(options=options):
                    row = next((f"{word}: " for word, value_of in options if value_of is node), "")
                    old, new = row + old, row + new
                case core.Apply() | core.Let() as around:
                    old, new = self.code(around), self.code(_with_child(around, node, moved))
            yield Mistake(kind, node.span, old, new, moved, (node,), short=short)

    def operation(self, node: core.Apply) -> Iterator[Mistake]:
        name, arguments = node.operation.name, node.arguments
        for other, kind in MISTAKEN.get(name, ()):
            row = operation_by_name()[other]
            found = result_type(row, tuple(a.type for a in arguments))
            of_records = isinstance(arguments[0].type, ListType) and isinstance(arguments[0].type.item, RecordType)
            if found is not None and found[1] == node.type and not (of_records and other == "count distinct"):
                yield self.instead(kind, node, dataclasses.replace(node, operation=row), *arguments)
        if name == "round":
            yield from self.rounding(node)
        elif name in DROPPED_OPERANDS and len(arguments) > 1:
            kind = "extreme" if name in ("min", "max") else "operand"
            for i, argument in enumerate(arguments):
                rest = arguments[:i] + arguments[i + 1 :]
                if name in ("-", "/") and i == 0:
                    continue
                chain = isinstance(argument, core.Apply) and argument.operation.name == name == "+"
                left = rest[0] if len(rest) == 1 else dataclasses.replace(node, arguments=rest)
                if left.type == node.type and not chain and not _neutral(name, argument):
                    yield Mistake(kind, node.span, self.code(node), self.code(left), left, (argument,))
        elif len(arguments) == 1 and arguments[0].type == node.type and name != "minus":
            yield self.instead("operand", node, arguments[0])

    def rounding(self, node: core.Apply) -> Iterator[Mistake]:
        value, direction, step = node.arguments
        said = f"round {self.code(direction)} {self.code(step)}"
        if isinstance(direction, core.Constant) and isinstance(direction.value, str):
            for word in DIRECTIONS.get(direction.value, ()):
                changed = dataclasses.replace(node, arguments=(value, dataclasses.replace(direction, value=word), step))
                other = f"round {word} {self.code(step)}"
                yield Mistake("rounding", direction.span, said, other, changed, (value,), short=(direction.value, word))
        yield Mistake("rounding", direction.span, said, GONE, value, (value,))
        if isinstance(step, core.Constant) and isinstance(step.value, Fraction):
            coarse = dataclasses.replace(step, value=step.value * 10)
            changed = dataclasses.replace(node, arguments=(value, direction, coarse))
            short = self.code(step), self.code(coarse)
            yield Mistake("rounding", step.span, said, f"round {self.code(direction)} {short[1]}", changed, (value,), short=short)

    def branches(self, node: core.Branches) -> Iterator[Mistake]:
        for i, branch in enumerate(node.branches):
            rest = node.branches[:i] + node.branches[i + 1 :]
            without = dataclasses.replace(node, branches=rest) if rest else node.otherwise
            said = f"if {self.code(branch.when)} then {self.code(branch.value)}"
            yield Mistake("exception", branch.when.span, said, GONE, without, (branch.when, branch.value))
        last = node.branches[-1]
        always = dataclasses.replace(node, branches=node.branches[:-1], otherwise=last.value) if len(node.branches) > 1 else last.value
        said = f"if {self.code(last.when)} then {self.code(last.value)} else {self.code(node.otherwise)}"
        yield Mistake("always", last.when.span, said, self.code(last.value), always, (last.when, last.value))

    def rows(self, node: core.Choose) -> Iterator[Mistake]:
        """Each row with the value of the next one that differs."""
        values = [(word, value) for word, value in node.options]
        everything = [*values, *([("otherwise", node.otherwise)] if node.otherwise is not None else [])]
        for i, (word, value) in enumerate(everything):
            following = [v for _, v in (*everything[i + 1 :], *everything[:i]) if self.code(v) != self.code(value)]
            if not following:
                continue
            new = following[0]
            if i < len(values):
                options = tuple((w, new if j == i else v) for j, (w, v) in enumerate(values))
                changed = dataclasses.replace(node, options=options)
            else:
                changed = dataclasses.replace(node, otherwise=new)
            short = self.code(value), self.code(new)
            said = f"{word}: {short[0]}", f"{word}: {short[1]}"
            yield Mistake("row", value.span, *said, changed, (node.subject, value), short=short)

    def items(self, node: core.Items) -> Iterator[Mistake]:
        items = node.items
        for i, item in enumerate(items):
            if len(items) > 1:
                shorter = dataclasses.replace(node, items=items[:i] + items[i + 1 :])
                yield Mistake("item", node.span, self.code(node), self.code(shorter), shorter, (item,))
        type_ = node.type.item if isinstance(node.type, ListType) else None
        if isinstance(type_, ChoiceType):
            named = [i.value for i in items if isinstance(i, core.Constant)]
            for option in type_.options:
                if option not in named and len(named) == len(items):
                    added = core.Constant(node.span, type_, option)
                    longer = dataclasses.replace(node, items=(*items, added))
                    yield Mistake("item", node.span, self.code(node), self.code(longer), longer, (added,))


def _neutral(operator: str, dropped: core.Expr) -> bool:
    """Whether it makes no difference: a sum begins at a zero that nobody wrote."""
    value = dropped.value if isinstance(dropped, core.Constant) else None
    return (operator in ("+", "-") and value == 0) or (operator in ("*", "/") and value == 1)


def _with_child(parent: core.Expr, old: core.Expr, new: core.Expr) -> core.Expr:
    changed: core.Expr = rewritten(parent, {id(old): new})
    return changed


def steps(value: Value, type_: Type) -> list[Value]:
    """The values one step of its type away: a cent, a point of percentage, one, a day, a second, a month; the next word of a choice."""
    bare = type_.of if isinstance(type_, OptionalType) else type_
    match value:
        case bool():
            return [not value]
        case Fraction():
            step = Fraction(1, 100) if bare in (MONEY, PERCENT) else Fraction(1, 10 ** _decimals(value))
            return [value + step, value - step]
        case datetime():
            return _moved(value, timedelta(seconds=1))
        case date():
            return _moved(value, timedelta(days=1))
        case Duration(months=months, days=days):
            return [Duration(months + 1, 0), Duration(months - 1, 0)] if months else [Duration(0, days + 1), Duration(0, days - 1)]
        case str() if isinstance(bare, ChoiceType) and bare != ROUNDING:
            options = bare.options
            return [options[(options.index(value) + 1) % len(options)]] if value in options and len(options) > 1 else []
        case str() if bare == TEXT:
            return [value + "x"]
    return []


def _moved(value: date, step: timedelta) -> list[Value]:
    found: list[Value] = []
    for sign in (1, -1):
        try:
            found.append(value + sign * step)
        except OverflowError:
            continue
    return found


def _decimals(value: Fraction) -> int:
    """How many decimals a number is written with, at most six."""
    return next((n for n in range(7) if (value * 10**n).denominator == 1), 0)
