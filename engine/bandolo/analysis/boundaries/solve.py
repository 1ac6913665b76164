"""Where a function over whole steps is nothing, and the last steps before and after: values are straight lines in pieces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

PROBES = (1, 100, 10_000, 1_000_000)
"""How far to step until a value moves at all."""
LONGEST = 1_000
"""Among how many steps a rounding edge is looked for."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """The steps at which a function is below, at and above nothing; None where there is none."""

    below: int | None
    at: int | None
    above: int | None

    @property
    def sides(self) -> int:
        return sum(k is not None for k in (self.below, self.at, self.above))


class Function:
    """A function over whole steps, asked once for each; None where it has no value. It stops answering when its budget is spent."""

    def __init__(self, ask: Callable[[int], Fraction | None], low: int, high: int, budget: int) -> None:
        self.ask, self.low, self.high, self.budget = ask, low, high, budget
        self.known: dict[int, Fraction | None] = {}

    def __call__(self, k: int) -> Fraction | None:
        if not self.low <= k <= self.high:
            return None
        if k not in self.known:
            if len(self.known) >= self.budget:
                return None
            self.known[k] = self.ask(k)
        return self.known[k]

    def points(self) -> list[tuple[int, Fraction]]:
        return sorted((k, v) for k, v in self.known.items() if v is not None)


def nearest(f: Function) -> tuple[int, Fraction] | None:
    """Of the steps that were asked the one at which the function is nearest to nothing, with its value there."""
    return min(f.points(), key=lambda p: (abs(p[1]), abs(p[0])), default=None)


def crossing(f: Function) -> Crossing | None:
    """Where a function that is a line in pieces crosses nothing; None where it stays, or does not move."""
    start = f(0)
    if start is None:
        return None
    if start != 0 and not _moves(f, start):
        return None
    for turn in range(f.budget):
        points = f.points()
        zero = next((k for k, v in points if v == 0), None)
        if zero is not None:
            return _around(f, zero)
        pair = _bracket(points)
        if pair is not None and pair[1][0] - pair[0][0] == 1:
            (a, va), (b, _) = pair
            return Crossing(a if va < 0 else b, None, b if va < 0 else a)
        before = len(f.known)
        f(_inside(pair, turn) if pair is not None else _outside(f, points))
        if len(f.known) == before:
            return None
    return None


def _moves(f: Function, start: Fraction) -> bool:
    """Step out until the value moves."""
    for far in PROBES:
        for k in (far, -far):
            value = f(max(f.low, min(f.high, k)))
            if value is not None and value != start:
                return True
    return False


def _bracket(points: list[tuple[int, Fraction]]) -> tuple[tuple[int, Fraction], tuple[int, Fraction]] | None:
    """The two neighbours between which the sign turns, the nearest pair."""
    pairs = [(p, q) for p, q in pairwise(points) if p[1] * q[1] < 0]
    return min(pairs, key=lambda pq: pq[1][0] - pq[0][0]) if pairs else None


def _inside(pair: tuple[tuple[int, Fraction], tuple[int, Fraction]], turn: int) -> int:
    """The next step to ask between two signs: where a straight line would cross; every third time the middle."""
    (a, va), (b, vb) = pair
    guess = (a + b) // 2 if turn % 3 == 2 else round(a - va * (b - a) / (vb - va))
    return min(max(guess, a + 1), b - 1)


def _outside(f: Function, points: list[tuple[int, Fraction]]) -> int:
    """The next step to ask while all have one sign: along the line through the two nearest to nothing, at most to the end."""
    best, value = min(points, key=lambda p: (abs(p[1]), abs(p[0])))
    others = [(k, v) for k, v in points if v != value]
    if not others:
        return 0
    other, its = min(others, key=lambda p: (abs(p[0] - best), p[0]))
    guess = best - value * (other - best) / (its - value)
    wall = f.high if guess > best else f.low
    aim = max(f.low, min(f.high, round(guess)))
    while aim in f.known and f.known[aim] is None and abs(aim - best) > 1:
        aim = (aim + best) // 2  # beyond a wall: what lies there is no application
    if aim in f.known:
        aim += 1 if guess > best else -1
    return max(f.low, min(f.high, aim)) if aim not in f.known else wall


def _around(f: Function, zero: int) -> Crossing:
    """The nearest steps on both sides of a place where the function is nothing."""
    found: dict[bool, int] = {}
    for way in (1, -1):
        k = _leaves(f, zero, way)
        value = f(k) if k is not None else None
        if k is not None and value:
            found.setdefault(value > 0, k)
    return Crossing(found.get(False), zero, found.get(True))


def _leaves(f: Function, zero: int, way: int) -> int | None:
    """The first step in a direction at which the function is no longer nothing."""
    far = 1
    while (value := f(zero + way * far)) == 0:
        far *= 2
    if value is None:
        far = abs((f.high if way > 0 else f.low) - zero) if far > 1 else 0
        if not far or f(zero + way * far) in (None, 0):
            return None
    near = 0
    while far - near > 1:
        middle = (near + far) // 2
        near, far = (middle, far) if f(zero + way * middle) == 0 else (near, middle)
    return zero + way * far


def off_grid(value: Fraction, step: Fraction, phase: Fraction) -> Fraction:
    """How far a value lies above the nearest place where rounding to a step turns; `phase` is that place within a step."""
    return value - step * (round(value / step - phase) + phase)


def rounding(f: Function, step: Fraction, phase: Fraction) -> Crossing | None:
    """Steps at which a value lies at a place where rounding turns, and beside it; `f` is the value itself.

    From two values a straight line is drawn, on which the place is looked for without asking; what is found is asked.
    """
    start = f(0)
    move = next((d for d in (1, -1) if (v := f(d)) is not None and v != start), None)
    if start is None or move is None:
        return None
    slope = (f.known[move] - start) * move  # type: ignore[operator]
    ks = sorted((k for k in range(-LONGEST, LONGEST + 1) if f.low <= k <= f.high), key=lambda k: (abs(k), -k))
    gaps = {k: off_grid(start + slope * k, step, phase) for k in ks}
    # Where the line does not hold at the nearest places, it will not hold at those behind them.
    zero = next((k for k in [k for k in ks if gaps[k] == 0][:4] if f(k) == start + slope * k), None)
    if zero is None:
        low = max((k for k in ks if gaps[k] < 0), key=lambda k: (gaps[k], -abs(k)), default=None)
        high = min((k for k in ks if gaps[k] > 0), key=lambda k: (gaps[k], abs(k)), default=None)
        return Crossing(low, None, high)
    found: dict[bool, int] = {}
    for k in (zero - 1, zero + 1):
        value = f(k)
        if value is not None and value != f(zero):
            found[value > start + slope * zero] = k
    return Crossing(found.get(False), zero, found.get(True))
