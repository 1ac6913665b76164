"""What a program computes with where something is not known: Kleene's logic and bounds, in the program's own whole numbers.

Each function says what the reference says of the same operation (`language/intervals.py`, `aggregates.py`, `values.py`); where nothing here
does, the reference's own function is called with the values brought back (`bridge.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import repeat
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


SURE = repeat(True)


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
    missing, risky, low, high, bounded = 0, False, None, None, True
    for value in values:
        if value.__class__ is Gap:
            missing |= value.missing
            risky = risky or value.risky
            below, above = value.low, value.high
        else:
            below = above = value
        if below is None:
            bounded = False
        elif low is None or below < low:
            low = below
        if above is not None and (high is None or above < high):
            high = above
    return made(missing, low if bounded else None, high, risky)


def greatest(*values: Any) -> Any:
    missing, risky, low, high, bounded = 0, False, None, None, True
    for value in values:
        if value.__class__ is Gap:
            missing |= value.missing
            risky = risky or value.risky
            below, above = value.low, value.high
        else:
            below = above = value
        if above is None:
            bounded = False
        elif high is None or above > high:
            high = above
        if below is not None and (low is None or below > low):
            low = below
    return made(missing, low, high if bounded else None, risky)


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


# Lists.


def members(listed: Any) -> tuple[list[Any], Any]:
    """The values of a list that is there, and for each whether it is sure to belong to it."""
    return (listed, SURE) if listed.__class__ is list else (listed.values, listed.sures)


def shrunk(listed: Gap) -> Gap:
    """A list that is not there, after some of its members may have been left out: it may be empty."""
    return Gap(listed.missing, 0, listed.high)


def unlisted(listed: Gap) -> Gap:
    """Values of each member of a list that is not there."""
    return Gap(listed.missing)


def listing(values: list[Any], sures: list[Any]) -> Any:
    return values if sures.count(True) == len(sures) and Gap not in map(type, values) else Loose(values, sures)


def joined_lists(found: list[tuple[Any, Any]]) -> Any:
    """The members of inner lists together, each with whether its owner is sure; unknown where one of them is not there."""
    if any(inner.__class__ is Gap for inner, _ in found):
        return together(*(part for inner, sure in found if inner.__class__ is Gap for part in (inner, sure)))
    values: list[Any] = []
    sures: list[Any] = []
    for inner, sure in found:
        for value, within in zip(*members(inner), strict=False):
            belongs = both(sure, within)
            values.append(value)
            sures.append(belongs)
    return listing(values, sures)


def count(listed: Any) -> Any:
    if listed.__class__ is list:
        return len(listed)
    if listed.__class__ is Gap:
        return made(listed.missing, listed.low, listed.high, listed.risky)
    missing, risky, sure = 0, False, 0
    for belongs in listed.sures:
        if belongs is True:
            sure += 1
        else:
            missing |= belongs.missing
            risky = risky or belongs.risky
    return made(missing, sure, len(listed.sures), risky) if missing or sure != len(listed.sures) else sure


def total(listed: Any) -> Any:
    """The sum of a list of whole numbers."""
    if listed.__class__ is list:
        return sum(listed)
    if listed.__class__ is Gap:
        return Gap(listed.missing, None, None, listed.risky)
    missing, risky = 0, False
    low: Any = 0
    high: Any = 0
    for value, sure in zip(listed.values, listed.sures, strict=True):
        if value.__class__ is Gap:
            missing |= value.missing
            risky = risky or value.risky
            below, above = value.low, value.high
        else:
            below = above = value
        if sure is not True:  # it adds itself or nothing
            missing |= sure.missing
            risky = risky or sure.risky
            below = None if below is None else min(below, 0)
            above = None if above is None else max(above, 0)
        low = None if low is None or below is None else low + below
        high = None if high is None or above is None else high + above
    return made(missing, low, high, risky)


def _at_risk(listed: Loose) -> Gap | None:
    """Memberships that may turn out to have no result: the whole is then one, whatever its other members are."""
    risky = [sure for sure in listed.sures if sure is not True and sure.risky]
    return together(*risky) if risky else None


def any_of(listed: Any) -> Any:
    """Whether there is one, or one that holds."""
    if listed.__class__ is list:
        return bool(listed) if not listed or listed[0].__class__ is not bool else True in listed
    if listed.__class__ is Gap:
        return listed
    at_risk = _at_risk(listed)
    if at_risk is not None:
        return at_risk
    missing, risky, open_ = 0, False, False
    for value, sure in zip(listed.values, listed.sures, strict=True):
        if value is False:
            continue
        if sure is True and value.__class__ is not Gap:
            return True
        open_ = True
        for part in (value, sure):
            if part.__class__ is Gap:
                missing |= part.missing
                risky = risky or part.risky
    return Gap(missing, None, None, risky) if open_ else False


def all_of(listed: Any) -> Any:
    """Whether each holds."""
    if listed.__class__ is list:
        return False not in listed
    if listed.__class__ is Gap:
        return listed
    found = any_of(Loose([opposite(v) for v in listed.values], listed.sures))
    at_risk = _at_risk(listed)
    return at_risk if at_risk is not None else opposite(found)


def contained(item: Any, listed: Any) -> Any:
    """Whether a text, a truth, a choice or a record is among the values of a list, one of which is not known or it itself."""
    if listed.__class__ is Gap or (item.__class__ is Gap and item.risky):
        return together(item, listed) if listed.__class__ is Gap else together(item)
    if listed.__class__ is Loose:
        at_risk = _at_risk(listed)
        if at_risk is not None:
            return at_risk
    found: Any = False
    for value, sure in zip(*members(listed), strict=False):
        same = together(item, value) if item.__class__ is Gap or value.__class__ is Gap else item == value
        found = one(found, both(sure, same))
        if found is True:
            return True
    return found


NAMES: dict[str, Any] = {
    "Gap": Gap, "together": together, "undated": undated, "both": both, "one": one, "opposite": opposite, "decided": decided,
    "less": less, "at_most": at_most, "more": more, "at_least": at_least, "equal": equal, "unequal": unequal, "add": add,
    "subtract": subtract, "scaled": scaled, "multiply": multiply, "negate": negate, "least": least, "greatest": greatest,
    "rounded_gap": rounded, "one_of": one_of, "members": members, "shrunk": shrunk, "unlisted": unlisted, "listing": listing,
    "joined_lists": joined_lists, "count_of": count, "total_of": total, "any_of": any_of, "all_of": all_of, "contained": contained,
}  # fmt: skip
"""What programs call of this module."""
