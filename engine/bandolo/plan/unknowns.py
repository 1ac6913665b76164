"""What a program computes with where something is not known: Kleene's logic and bounds, in the program's own whole numbers.

Each function says what the reference says of the same operation (`language/intervals.py`, `aggregates.py`, `values.py`); where nothing here
does, the reference's own function is called with the values brought back (`bridge.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from bandolo.language import intervals
from bandolo.plan.kinds import Open


class Gap:
    """A value that is not known: `missing` is a set of paths, one bit each, and `low` and `high` are in the form of the value.

    `risky`: some completion has no result at all; then the bounds decide nothing.
    """

    __slots__ = ("high", "low", "missing", "risky")

    def __init__(self, missing: int, low: Any = None, high: Any = None, risky: bool = False) -> None:
        self.missing, self.low, self.high, self.risky = missing, low, high, risky


class Loose:
    """A list some of whose values are not known, or not surely in it (`sures`: True, or a Gap)."""

    __slots__ = ("sures", "values")

    def __init__(self, values: list[Any], sures: list[Any]) -> None:
        self.values, self.sures = values, sures


def made(missing: int, low: Any, high: Any, risky: bool) -> Any:
    """Known after all where the bounds meet and nothing can go wrong."""
    if low is not None and low == high and not risky:
        return low
    return Gap(missing, low, high, risky)


def together(*parts: Any) -> Gap:
    """Unknown for what all of the parts miss, without bounds."""
    missing, risky = 0, False
    for part in parts:
        if part.__class__ is Gap:
            missing |= part.missing
            risky = risky or part.risky
    return Gap(missing, None, None, risky)


def undated(*parts: Any) -> Gap:
    """The same for a date: it may leave the calendar, whatever is added to it."""
    found = together(*parts)
    found.risky = True
    return found


# Truth.


def both(first: Any, second: Any) -> Any:
    """Kleene's `and` of two."""
    if first is False or second is False:
        return False
    if first is True:
        return second
    return first if second is True else Gap(first.missing | second.missing, None, None, first.risky or second.risky)


def one(first: Any, second: Any) -> Any:
    """Kleene's `or` of two."""
    if first is True or second is True:
        return True
    if first is False:
        return second
    return first if second is False else Gap(first.missing | second.missing, None, None, first.risky or second.risky)


def opposite(value: Any) -> Any:
    return value if value.__class__ is Gap else not value


def decided(parts: Iterable[Any]) -> Any:
    """Kleene's `and` of several."""
    found: Any = True
    for part in parts:
        if part is False:
            return False
        if part is not True:
            found = both(found, part)
    return found


# Comparison: of whole numbers at one scale, of days, of instants.


def _sides(a: Any, b: Any) -> tuple[Any, Any, Any, Any, int, bool]:
    if a.__class__ is Gap:
        if b.__class__ is Gap:
            return a.low, a.high, b.low, b.high, a.missing | b.missing, a.risky or b.risky
        return a.low, a.high, b, b, a.missing, a.risky
    return a, a, b.low, b.high, b.missing, b.risky


def less(a: Any, b: Any) -> Any:
    """`a < b`, one of which at least is not known."""
    a_low, a_high, b_low, b_high, missing, risky = _sides(a, b)
    if a_high is not None and b_low is not None and a_high < b_low:
        return Gap(missing, None, None, True) if risky else True
    if a_low is not None and b_high is not None and a_low >= b_high:
        return Gap(missing, None, None, True) if risky else False
    return Gap(missing, None, None, risky)


def at_most(a: Any, b: Any) -> Any:
    return opposite(less(b, a))


def more(a: Any, b: Any) -> Any:
    return less(b, a)


def at_least(a: Any, b: Any) -> Any:
    return opposite(less(a, b))


def equal(a: Any, b: Any) -> Any:
    """False where the two cannot meet, True where each can only be one value, and the same."""
    a_low, a_high, b_low, b_high, missing, risky = _sides(a, b)
    if (a_high is not None and b_low is not None and a_high < b_low) or (b_high is not None and a_low is not None and b_high < a_low):
        return Gap(missing, None, None, True) if risky else False
    if a_low is not None and a_low == a_high == b_low == b_high:
        return Gap(missing, None, None, True) if risky else True
    return Gap(missing, None, None, risky)


def unequal(a: Any, b: Any) -> Any:
    return opposite(equal(a, b))


COMPARING = {"<": "less", "<=": "at_most", ">": "more", ">=": "at_least", "=": "equal", "!=": "unequal"}

# Arithmetic in whole numbers at one scale.


def add(a: Any, b: Any) -> Any:
    a_low, a_high, b_low, b_high, missing, risky = _sides(a, b)
    low = None if a_low is None or b_low is None else a_low + b_low
    high = None if a_high is None or b_high is None else a_high + b_high
    return made(missing, low, high, risky)


def subtract(a: Any, b: Any) -> Any:
    a_low, a_high, b_low, b_high, missing, risky = _sides(a, b)
    low = None if a_low is None or b_high is None else a_low - b_high
    high = None if a_high is None or b_low is None else a_high - b_low
    return made(missing, low, high, risky)


def by(value: Gap, factor: int) -> Any:
    """What is not known, times a known whole number: also the same at a finer scale."""
    low, high = (value.low, value.high) if factor >= 0 else (value.high, value.low)
    if factor == 0:
        return made(value.missing, 0, 0, value.risky)
    return made(value.missing, None if low is None else low * factor, None if high is None else high * factor, value.risky)


def scaled(value: Any, factor: int) -> Any:
    """A value at a finer scale; `none` stays `none`."""
    if value.__class__ is Gap:
        low, high = value.low, value.high
        return Gap(value.missing, None if low is None else low * factor, None if high is None else high * factor, value.risky)
    return None if value is None else value * factor


def multiply(a: Any, b: Any) -> Any:
    if b.__class__ is not Gap:
        return by(a, b)
    if a.__class__ is not Gap:
        return by(b, a)
    if a.low is None or a.low < 0 or b.low is None or b.low < 0:
        return _by_signs(a, b)
    # Neither is below zero: a side without an end is infinite, and zero times infinite is zero.
    if a.high == 0 or b.high == 0:
        high: Any = 0
    else:
        high = None if a.high is None or b.high is None else a.high * b.high
    return made(a.missing | b.missing, a.low * b.low, high, a.risky or b.risky)


def _by_signs(a: Gap, b: Gap) -> Any:
    low, high = intervals.multiply((a.low, a.high), (b.low, b.high))
    low, high = (None if end is None else int(end) for end in (low, high))
    return made(a.missing | b.missing, low, high, a.risky or b.risky)


def negate(value: Gap) -> Any:
    return by(value, -1)


def least(*values: Any) -> Any:
    """The smallest of several, at least one of which is not known."""
    missing, risky, lows, highs = _ends(values)
    return made(missing, None if None in lows else min(lows), min((h for h in highs if h is not None), default=None), risky)


def greatest(*values: Any) -> Any:
    """The largest of several, at least one of which is not known."""
    missing, risky, lows, highs = _ends(values)
    return made(missing, max((v for v in lows if v is not None), default=None), None if None in highs else max(highs), risky)


def _ends(values: tuple[Any, ...]) -> tuple[int, bool, list[Any], list[Any]]:
    """What several values miss together, whether one is risky, and between which bounds each lies."""
    gaps = [v for v in values if v.__class__ is Gap]
    missing = 0
    for gap in gaps:
        missing |= gap.missing
    ends = [(v.low, v.high) if v.__class__ is Gap else (v, v) for v in values]
    return missing, any(gap.risky for gap in gaps), [low for low, _ in ends], [high for _, high in ends]


def rounded(value: Gap, how: Callable[[int, int], int], above: int, under: int, unit: int) -> Any:
    """The ends, each to a whole number of steps: `value * above / under` steps of `unit`."""
    low, high = (None if end is None else how(end * above, under) * unit for end in (value.low, value.high))
    return made(value.missing, low, high, value.risky)


# Values by conditions.


def one_of(tests: list[Any], possible: list[Any]) -> Any:
    """One of several values, which one depends on tests that are not known."""
    first = possible[0]
    if first.__class__ is list or first.__class__ is Loose:
        return _one_list(tests, possible)
    missing, risky, same = 0, False, first.__class__ is not Gap
    low: Any = first.low if not same else first
    high: Any = first.high if not same else first
    bounded = _ordered(first)
    below, above = bounded or low is not None, bounded or high is not None
    for value in possible:
        if value.__class__ is Gap:
            same = False
            missing |= value.missing
            risky = risky or value.risky
            a, b = value.low, value.high
        else:
            a = b = value if _ordered(value) else None
            same = same and value.__class__ is first.__class__ and value == first
        below = below and a is not None
        above = above and b is not None
        if below and a < low:
            low = a
        if above and b > high:
            high = b
    tests_risky = False
    for test in tests:
        missing |= test.missing
        tests_risky = tests_risky or test.risky
    if not below:
        low = None
    if not above:
        high = None
    known_after_all = same or (low is not None and low == high and not risky)
    if known_after_all and not tests_risky:
        return first if same else low
    return made(missing, low, high, risky or tests_risky)


def _ordered(value: Any) -> bool:
    """Whether a known value is its own bounds: numbers, days, instants; never a truth, a text or a record."""
    return value.__class__ is int or hasattr(value, "toordinal")


def _one_list(tests: list[Any], possible: list[Any]) -> Any:
    first = possible[0]
    if any(p.__class__ is Loose for p in possible):
        raise Open
    if all(p.__class__ is list and p == first for p in possible) and not any(t.risky for t in tests):
        return first
    return together(*tests, *possible)
