"""The values that expressions have when an application is decided.

Numbers, percentages and amounts are `Fraction`: exact, whatever the order of a formula. Unknown and Fault are values too.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from enum import Enum
from fractions import Fraction
from typing import Final, TypeGuard

from bandolo import limits
from bandolo.records import dataclass, field
from bandolo.source import Span


class NoneValue(Enum):
    """`none`: there is none. Not the same as unknown."""

    NONE = "none"

    def __repr__(self) -> str:
        return "none"


NONE: Final = NoneValue.NONE


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time: `months` (years are twelve) and `days`. Months are added first and rounded once, then days."""

    months: int = 0
    days: int = 0


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that is not supplied, or depends on one: what is missing, and the bounds that are known of it, both included.

    `missing` holds paths of facts, `parameter.NAME` for pending parameters, `reading.NAME` for open readings, and `as_of`.
    """

    missing: frozenset[str]
    low: Bound | None = None
    high: Bound | None = None
    may_fault: bool = False
    """Some completion has no result at all: then bounds may be told, but decide nothing."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A computation that has no result, such as a division by zero: which one, and where it is written."""

    code: str
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Member:
    """One item of a list, and whether it belongs to it: True, or Unknown while that depends on missing facts."""

    value: Value
    sure: bool | Unknown = True


@dataclass(frozen=True, slots=True)
class ListValue:
    """A list whose possible items are known, some perhaps unsure to belong to it."""

    members: tuple[Member, ...]


@dataclass(eq=False, slots=True)
class Record:
    """One record of an application: the root, or an item of a list. Compared by identity.

    `path` names it for people and machines (`project`, `partners[IT1]`, `partners[3]` where it has no usable key).
    """

    entity: str
    path: str
    key: str | None
    owner: Record | None
    facts: dict[tuple[str, str | None], Value] = field(default_factory=dict)

    def ancestor(self, entity: str) -> Record:
        """This record, or the owner above it, that is of the given entity."""
        record: Record | None = self
        while record is not None and record.entity != entity:
            record = record.owner
        assert record is not None, "the checker admits only owners"
        return record


Bound = Fraction | date | datetime
Value = bool | Fraction | date | datetime | Duration | str | NoneValue | Unknown | Fault | ListValue | Record


def is_known(value: Value) -> TypeGuard[bool | Fraction | date | datetime | Duration | str | NoneValue | ListValue | Record]:
    return not isinstance(value, Unknown | Fault)


def unknown(parts: Iterable[Value], low: Bound | None = None, high: Bound | None = None, may_fault: bool = False) -> Value:
    """Unknown for what the given parts miss, within the bounds; known after all where the bounds meet and nothing can go wrong."""
    found: dict[int, frozenset[str]] = {}
    for part in parts:
        if isinstance(part, Unknown):
            may_fault = may_fault or part.may_fault
            found[id(part.missing)] = part.missing
        elif isinstance(part, Fault):
            may_fault = True
    if low is not None and low == high and not may_fault:
        return low
    sets = found.values()
    largest: frozenset[str] = max(sets, key=len, default=frozenset())
    # Hundreds of unknown records meet in the same few sums: a set that already holds the others is shared, not copied.
    missing = largest if all(s <= largest for s in sets) else frozenset().union(*sets)
    return Unknown(missing, low, high, may_fault)


def bounded(value: Fraction) -> Fraction | Fault:
    """A number, unless it has grown beyond what is computed with."""
    if value.numerator.bit_length() + value.denominator.bit_length() > limits.NUMBER_BITS:
        return Fault("number-out-of-range")
    return value


def bounds(value: Value) -> tuple[Bound | None, Bound | None]:
    """The lowest and the highest that a value can be; None where that is not known."""
    if isinstance(value, Unknown):
        return value.low, value.high
    if isinstance(value, Fraction | date):
        return value, value
    return None, None


def first_fault(faults: list[Fault]) -> Fault:
    """Of several faults in a list, the one that is told: the order of the records must not matter."""
    return min(faults, key=lambda f: (f.code, -1 if f.span is None else f.span.start))


def either(values: list[Value]) -> Value:
    """A value that is one of several, not known which: known where they are all equal, else Unknown within their hull.

    A fault among them is one of the possibilities: the whole stays unknown.
    """
    first = values[0]
    if is_known(first) and all(type(v) is type(first) and v == first for v in values[1:]):
        return first
    lows, highs = zip(*(bounds(v) for v in values), strict=True)
    low = None if any(b is None for b in lows) else min(lows)
    high = None if any(b is None for b in highs) else max(highs)
    return unknown(values, low, high)


def and_(values: Iterable[Value]) -> Value:
    """Kleene's `and`: false wins, then unknown, then a fault."""
    return _kleene(values, decides=False)


def or_(values: Iterable[Value]) -> Value:
    """Kleene's `or`: true wins, then unknown, then a fault."""
    return _kleene(values, decides=True)


def _kleene(values: Iterable[Value], decides: bool) -> Value:
    open_: list[Value] = []
    faults: list[Fault] = []
    for value in values:
        if isinstance(value, Unknown):
            open_.append(value)
        elif isinstance(value, Fault):
            faults.append(value)
        elif value is decides:
            return decides
    if open_:
        return unknown([*open_, *faults])
    return first_fault(faults) if faults else not decides


def not_(value: Value) -> Value:
    return not value if isinstance(value, bool) else value
