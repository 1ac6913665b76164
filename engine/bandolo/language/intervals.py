"""What is known of a result when its parts are only known within bounds.

Every function takes intervals `(low, high)`, None meaning "no bound known", and gives the interval that the result cannot leave.
For comparisons it gives True or False where the bounds decide, else None.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

Interval = tuple[Any, Any]
NOTHING: Interval = (None, None)


def add(a: Interval, b: Interval) -> Interval:
    if any(isinstance(end, date) for end in (*a, *b)):
        return NOTHING  # a date and a length of time: no bounds are kept
    return _sum(a[0], b[0]), _sum(a[1], b[1])


def subtract(a: Interval, b: Interval) -> Interval:
    if any(isinstance(end, date) for end in (*a, *b)):
        return NOTHING
    return add(a, negate(b))


def negate(a: Interval) -> Interval:
    return (None if a[1] is None else -a[1]), (None if a[0] is None else -a[0])


def multiply(a: Interval, b: Interval) -> Interval:
    """By known signs: a side without a bound counts as infinite, and zero times infinite as zero."""
    products = [_times(x, y) for x in _ends(a) for y in _ends(b)]
    low = None if any(p == "-" for p in products) else min((p for p in products if not isinstance(p, str)), default=None)
    high = None if any(p == "+" for p in products) else max((p for p in products if not isinstance(p, str)), default=None)
    return low, high


def divide(a: Interval, b: Interval) -> Interval:
    """Only where the divisor is surely not zero; elsewhere nothing is known."""
    if b[0] is not None and b[0] > 0:
        return multiply(a, ((Fraction(0) if b[1] is None else 1 / b[1]), 1 / b[0]))
    if b[1] is not None and b[1] < 0:
        return negate(divide(a, negate(b)))
    return NOTHING


def may_be_zero(_: Interval, divisor: Interval) -> bool:
    low, high = divisor
    return not ((low is not None and low > 0) or (high is not None and high < 0))


def absolute(a: Interval) -> Interval:
    low, high = a
    if low is not None and low >= 0:
        return a
    if high is not None and high <= 0:
        return negate(a)
    return Fraction(0), (None if low is None or high is None else max(-low, high))


def least(*parts: Interval) -> Interval:
    lows = [p[0] for p in parts]
    highs = [p[1] for p in parts if p[1] is not None]
    return (None if None in lows else min(lows)), min(highs, default=None)


def greatest(*parts: Interval) -> Interval:
    lows = [p[0] for p in parts if p[0] is not None]
    highs = [p[1] for p in parts]
    return max(lows, default=None), (None if None in highs else max(highs))


def less(a: Interval, b: Interval) -> bool | None:
    if a[1] is not None and b[0] is not None and a[1] < b[0]:
        return True
    if a[0] is not None and b[1] is not None and a[0] >= b[1]:
        return False
    return None


def at_most(a: Interval, b: Interval) -> bool | None:
    greater = less(b, a)
    return None if greater is None else not greater


def equal(a: Interval, b: Interval) -> bool | None:
    """False where the two cannot meet, True where each can only be one value, and the same."""
    if less(a, b) or less(b, a):
        return False
    return True if a[0] is not None and a[0] == a[1] == b[0] == b[1] else None


def unequal(a: Interval, b: Interval) -> bool | None:
    same = equal(a, b)
    return None if same is None else not same


def _sum(x: Any, y: Any) -> Any:
    return None if x is None or y is None else x + y


def _ends(a: Interval) -> tuple[Any, Any]:
    return ("-" if a[0] is None else a[0]), ("+" if a[1] is None else a[1])


def _times(x: Any, y: Any) -> Any:
    if not isinstance(x, str) and not isinstance(y, str):
        return x * y
    signs = [_sign(x), _sign(y)]
    if 0 in signs:
        return Fraction(0)
    return "+" if signs[0] == signs[1] else "-"


def _sign(x: Any) -> int:
    if isinstance(x, str):
        return 1 if x == "+" else -1
    return int(x > 0) - int(x < 0)
