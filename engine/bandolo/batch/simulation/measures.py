"""What is drawn of a simulation: measures that are a number for each variant, and the rows of variants along which they go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from bandolo.batch.simulation.data import by_outcome, main_amount
from bandolo.batch.simulation.ranked import Ranked
from bandolo.batch.simulation.simulate import Simulation, Variant
from bandolo.batch.simulation.words import Teller
from bandolo.language.types import MONEY
from bandolo.language.values import Duration, Value


@dataclass(frozen=True)
class Measure:
    """A number of each variant, None where it has none; `said` writes it out, `short` for an axis."""

    name: str
    of: Callable[[Variant], Fraction | None]
    said: Callable[[Fraction], str]
    short: Callable[[Fraction], str]


@dataclass(frozen=True)
class Line:
    """The variants along one axis, the policy as it is among them, in the order of their values."""

    axis: int
    variants: tuple[Variant, ...]
    places: tuple[Fraction, ...] | None
    """Where they stand, if their values are numbers or times; else they are words, side by side."""


def measures(simulation: Simulation, tell: Teller) -> list[Measure]:
    """Applications admitted, the amount that counts most, and of the ranking what is financed and awarded."""
    found = [Measure(tell.said("admitted_many"), lambda v: Fraction(by_outcome(v).get("admitted", 0)), _count(tell), _count(tell))]
    main = main_amount(simulation.policy.core, list(simulation.base.amounts))
    if main is not None:
        found.append(Measure(tell.result(main), lambda v: v.amounts[main], tell.money, tell.short_money))
    if any(v.ranked is not None and not v.ranked.refused for v in simulation.variants):
        found.append(Measure(tell.said("financed_many"), _ranked(lambda r: Fraction(r.financed)), _count(tell), _count(tell)))
        found.append(Measure(tell.said("awarded_sum"), _ranked(lambda r: r.spent), tell.money, tell.short_money))
        types = {r.key_types[:1] for v in simulation.variants if (r := v.ranked) is not None and r.last_keys}
        if len(types) == 1 and all(str(t) in ("number", "integer", "percent", "money") for (t,) in types):
            ((type_,),) = types
            words = tell.money if type_ == MONEY else lambda x: tell.key_value(x, type_)
            found.append(Measure(tell.said("cut_off"), _ranked(_first_key), words, words))
    return [m for m in found if any(m.of(v) is not None for v in simulation.variants)]


def _count(tell: Teller) -> Callable[[Fraction], str]:
    return lambda value: tell.count(int(value)) if value.denominator == 1 else tell.decimal(value)


def _ranked(of: Callable[[Ranked], Fraction | None]) -> Callable[[Variant], Fraction | None]:
    return lambda v: None if v.ranked is None or v.ranked.refused else of(v.ranked)


def _first_key(ranked: Ranked) -> Fraction | None:
    first = ranked.last_keys[0] if ranked.last_keys else None
    return first if isinstance(first, Fraction) else None


def lines(simulation: Simulation) -> list[Line]:
    """The lines to be drawn: one for each axis that is varied alone; none for a grid."""
    if len(simulation.axes) > 1 and not simulation.one_at_a_time:
        return []
    made = []
    for at in range(len(simulation.axes)):
        mine = [v for v in simulation.variants if v.values[at] is not None]
        if not any(v.is_base for v in mine):
            mine.append(simulation.base)
        values = [simulation.base_value(at) if v.values[at] is None else v.values[at] for v in mine]
        places = [place(v) for v in values]
        numbers = [p for p in places if p is not None]
        if len(numbers) < len(places):
            if all(place(v.values[at]) is not None for v in mine if v is not simulation.base):
                # As it is there is no value: the others still stand in their order.
                mine = [v for v in mine if v is not simulation.base]
                numbers = [p for v in mine if (p := place(v.values[at])) is not None]
            else:
                made.append(Line(at, tuple(mine), None))
                continue
        order = sorted(range(len(mine)), key=lambda i: numbers[i])
        made.append(Line(at, tuple(mine[i] for i in order), tuple(numbers[i] for i in order)))
    return made


def place(value: Value | None) -> Fraction | None:
    """Where a value stands on an axis; None for words."""
    match value:
        case bool() | None:
            return None
        case Fraction():
            return value
        case datetime():
            return Fraction(int(value.timestamp()))
        case date():
            return Fraction(value.toordinal())
        case Duration(months=months, days=days):
            return Fraction(months * 30 + days)
    return None


def ticks(low: Fraction, high: Fraction, most: int = 5) -> list[Fraction]:
    """Round numbers from below the low one to above the high one."""
    if low == high:
        high = low + 1
    step = Fraction(1)
    span = high - low
    while span / step > most:
        step *= 10
    while span / step < most / 10:
        step /= 10
    step = next(step * f for f in (Fraction(1, 10), Fraction(1, 5), Fraction(1, 2), Fraction(1)) if span / (step * f) <= most)
    first, last = low // step, -(-high // step)
    return [step * n for n in range(int(first), int(last) + 1)]


def spread_of(values: Sequence[Fraction]) -> tuple[Fraction, Fraction]:
    """From where to where an axis goes: from nothing, unless all values lie far from it and near one another."""
    low, high = min(values), max(values)
    if low >= 0 and (high - low) * 4 >= high:
        low = Fraction(0)
    if low == high:
        low = min(low, Fraction(0))
    return low, high
