"""What `count`, `sum`, `average`, `any` and `all` make of a list, some of whose members may be unsure or unknown."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from bandolo.language import intervals
from bandolo.language.values import (
    Duration,
    Fault,
    ListValue,
    Member,
    Unknown,
    Value,
    and_,
    bounded,
    bounds,
    first_fault,
    is_known,
    or_,
    unknown,
)


def members(value: Value) -> tuple[Member, ...] | Unknown | Fault:
    """The members of a list, or the list itself where it is unknown or a fault. A fault in a sure member is a fault of the whole."""
    if isinstance(value, Unknown | Fault):
        return value
    assert isinstance(value, ListValue)
    faults = [m.value for m in value.members if isinstance(m.value, Fault) and m.sure is True]
    return first_fault(faults) if faults else value.members


def _open(items: tuple[Member, ...]) -> list[Value]:
    """What makes a list open: unsure memberships and unknown items."""
    parts: list[Value] = [m.sure for m in items if isinstance(m.sure, Unknown)]
    return parts + [m.value for m in items if isinstance(m.value, Unknown)]


def count(_: Any, value: Value) -> Value:
    if isinstance(value, Unknown | Fault):
        # An unknown list carries the bounds of its length (`at_most`), set where the fact is read.
        return unknown([value], value.low, value.high) if isinstance(value, Unknown) else value
    assert isinstance(value, ListValue)
    sure = sum(m.sure is True for m in value.members)
    unsure: list[Value] = [m.sure for m in value.members if m.sure is not True]
    if not unsure:
        return Fraction(sure)
    return unknown(unsure, Fraction(sure), Fraction(len(value.members)))


def count_distinct(_: Any, value: Value) -> Value:
    items = members(value)
    if isinstance(items, Unknown):
        return unknown([items], Fraction(0), items.high)
    if isinstance(items, Fault):
        return items
    known_sure = {m.value for m in items if m.sure is True and is_known(m.value)}
    possible = known_sure | {m.value for m in items if is_known(m.value)}
    unknown_items = sum(not is_known(m.value) for m in items)
    parts = _open(items)
    low = max(len(known_sure), int(any(m.sure is True for m in items)))
    if not parts:
        return Fraction(len(known_sure))
    return unknown(parts, Fraction(low), Fraction(len(possible) + unknown_items))


def total(conventions: Any, value: Value) -> Value:
    items = members(value)
    if isinstance(items, Unknown):
        return unknown([items])
    if isinstance(items, Fault):
        return items
    parts = _open(items)
    if any(isinstance(m.value, Fault) for m in items):
        return unknown(parts, may_fault=True)  # a member that may or may not belong has no value
    if not parts:
        return _plain_sum([m.value for m in items])
    if any(isinstance(m.value, Duration | Fault) for m in items):
        return unknown(parts)
    low: Any = Fraction(0)
    high: Any = Fraction(0)
    for member in items:
        item_low, item_high = bounds(member.value)
        if member.sure is not True:  # an unsure member adds itself or nothing
            item_low, item_high = _or_nothing(item_low, min), _or_nothing(item_high, max)
        low, high = intervals.add((low, high), (item_low, item_high))
    return unknown(parts, low, high)


def total_of_lengths(conventions: Any, value: Value) -> Value:
    """The sum of lengths of time: of none of them it is a length too, not the number zero."""
    found = total(conventions, value)
    return Duration() if found == 0 else found


def _or_nothing(end: Any, pick: Callable[..., Any]) -> Any:
    return None if end is None else pick(end, Fraction(0))


def _plain_sum(values: list[Any]) -> Value:
    if values and isinstance(values[0], Duration):
        return Duration(sum(v.months for v in values), sum(v.days for v in values))
    return bounded(_fraction_sum(values))


def _fraction_sum(values: list[Fraction]) -> Fraction:
    """Exact, with one common denominator where there is one: amounts in cents add as integers."""
    return sum(values, Fraction(0))


def average(conventions: Any, value: Value) -> Value:
    items = members(value)
    if isinstance(items, Unknown):
        return unknown([items], may_fault=True)  # it may be empty
    if isinstance(items, Fault):
        return items
    if not items:
        return Fault("empty-list")
    sure = [bounds(m.value) for m in items if m.sure is True]
    parts = _open(items)
    if not parts:
        return bounded(_fraction_sum([low for low, _ in sure]) / len(sure))  # type: ignore[misc]
    # The mean lies between the smallest and the largest item, whoever belongs to the list.
    every = [bounds(m.value) for m in items]
    low = None if any(b[0] is None for b in every) else min(b[0] for b in every)  # type: ignore[type-var]
    high = None if any(b[1] is None for b in every) else max(b[1] for b in every)  # type: ignore[type-var]
    return unknown(parts, low, high) if sure else unknown(parts, may_fault=True)


def extreme(value: Value, pick: Callable[..., Any], towards: int) -> Value:
    """The smallest (`towards` 0) or largest (1) item of a list, with bounds where members are unsure."""
    items = members(value)
    if isinstance(items, Unknown):
        return unknown([items], may_fault=True)  # it may be empty
    if isinstance(items, Fault):
        return items
    if not items:
        return Fault("empty-list")
    parts = _open(items)
    if not parts:
        return pick(m.value for m in items)  # type: ignore[no-any-return]
    sure = [bounds(m.value) for m in items if m.sure is True]
    if not sure or any(isinstance(m.value, Duration) for m in items):
        return unknown(parts, may_fault=not sure)
    every = [bounds(m.value) for m in items]
    # An unsure member can only move the extreme further out; it never holds it back.
    if towards == 0:
        low, high = intervals.least(*every)[0], intervals.least(*sure)[1]
    else:
        low, high = intervals.greatest(*sure)[0], intervals.greatest(*every)[1]
    return unknown(parts, low, high)


def at_risk(value: ListValue) -> list[Value]:
    """Memberships that may turn out a fault: the whole list is then one, whatever its other members are."""
    return [m.sure for m in value.members if isinstance(m.sure, Unknown) and m.sure.may_fault]


def any_(_: Any, value: Value) -> Value:
    if isinstance(value, Unknown):
        return unknown([value])  # its bounds are those of the length of the list
    if isinstance(value, Fault):
        return value
    assert isinstance(value, ListValue)
    if risky := at_risk(value):
        return unknown(risky)
    return or_(and_([m.sure, m.value if isinstance(m.value, bool | Unknown | Fault) else True]) for m in value.members)


def all_(_: Any, value: Value) -> Value:
    if isinstance(value, Unknown):
        return unknown([value])  # its bounds are those of the length of the list
    if isinstance(value, Fault):
        return value
    assert isinstance(value, ListValue)
    if risky := at_risk(value):
        return unknown(risky)
    negated = (and_([m.sure, _not(m.value)]) for m in value.members)
    return _not(or_(negated))


def _not(value: Value) -> Value:
    return not value if isinstance(value, bool) else value
