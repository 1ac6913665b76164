"""What each operator and function does with known values. `conventions` are the policy's: zone, month rounding, currency.

All numbers are `Fraction`. A result that does not exist is a `Fault`, never an exception.
"""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction
from math import ceil as ceil_
from math import floor as floor_
from typing import Any

from bandolo.language import aggregates, calendar, intervals
from bandolo.language.values import Duration, Fault, ListValue, Unknown, Value, and_, bounded, bounds, is_known, or_, unknown
from bandolo.records import dataclass


@dataclass(frozen=True, slots=True)
class Conventions:
    """What a policy states once for all of its computations."""

    currency: str = "EUR"
    time_zone: str = "Europe/Rome"
    month_rounding: str | None = None
    money_rounding: str = "half_up"
    working_days: tuple[str, str | None] | None = None  # country and subdivision


def add(conventions: Conventions, a: Any, b: Any) -> Value:
    if isinstance(b, Duration):
        return _later(conventions, a, b)
    return bounded(a + b)


def subtract(conventions: Conventions, a: Any, b: Any) -> Value:
    if isinstance(b, Duration):
        return _later(conventions, a, Duration(-b.months, -b.days))
    if isinstance(a, date):
        return Duration(days=(a - b).days)
    return bounded(a - b)


def _later(conventions: Conventions, a: Any, length: Duration) -> Value:
    if isinstance(a, Duration):
        return Duration(a.months + length.months, a.days + length.days)
    try:
        if isinstance(a, datetime):
            return calendar.add_to_instant(a, length, conventions.time_zone, conventions.month_rounding)
        return calendar.add(a, length, conventions.month_rounding)
    except calendar.OutOfRange:
        return Fault("date-out-of-range")


def multiply(_: Conventions, a: Fraction, b: Fraction) -> Value:
    return bounded(a * b)


def divide(_: Conventions, a: Fraction, b: Fraction) -> Value:
    return Fault("division-by-zero") if b == 0 else bounded(a / b)


def power(_: Conventions, a: Fraction, exponent: Fraction) -> Value:
    return bounded(a ** int(exponent))


def negative(_: Conventions, a: Fraction) -> Value:
    return -a


def absolute(_: Conventions, a: Fraction) -> Value:
    return abs(a)


def equal(_: Conventions, a: Any, b: Any) -> Value:
    return bool(a == b)


def different(_: Conventions, a: Any, b: Any) -> Value:
    return bool(a != b)


def _size(value: Any) -> Any:
    return (value.months, value.days) if isinstance(value, Duration) else value


def less(_: Conventions, a: Any, b: Any) -> Value:
    return bool(_size(a) < _size(b))


def at_most(_: Conventions, a: Any, b: Any) -> Value:
    return bool(_size(a) <= _size(b))


def more(_: Conventions, a: Any, b: Any) -> Value:
    return bool(_size(a) > _size(b))


def at_least(_: Conventions, a: Any, b: Any) -> Value:
    return bool(_size(a) >= _size(b))


def contained(_: Conventions, item: Value, options: Value) -> Value:
    """Kleene's `or` over equality with each member: an unknown item is in the list only if nothing could make it differ."""
    if isinstance(item, Fault):
        return item
    if isinstance(options, Unknown):
        return unknown([item, options])
    if isinstance(item, Unknown) and item.may_fault:
        return unknown([item])  # where it has no result, neither has this, whatever the list holds
    if isinstance(options, Fault):
        return options
    assert isinstance(options, ListValue)
    if risky := aggregates.at_risk(options):
        return unknown(risky)
    return or_(and_([m.sure, _same(item, m.value)]) for m in options.members)


def _same(a: Value, b: Value) -> Value:
    if isinstance(b, Fault):
        return b
    if is_known(a) and is_known(b):
        return a == b
    apart = intervals.equal(bounds(a), bounds(b)) is False
    risky = any(isinstance(x, Unknown) and x.may_fault for x in (a, b))
    return False if apart and not risky else unknown([a, b])


def minimum(_: Conventions, *values: Value) -> Value:
    return _extreme(values, 0)


def maximum(_: Conventions, *values: Value) -> Value:
    return _extreme(values, 1)


def _extreme(values: tuple[Value, ...], towards: int) -> Value:
    def pick(items: Any) -> Any:
        return (min, max)[towards](items, key=_size)

    if len(values) == 1:
        return aggregates.extreme(values[0], pick, towards)
    for value in values:
        if isinstance(value, Fault):
            return value
    if all(is_known(v) for v in values):
        return pick(values)  # type: ignore[no-any-return]
    hull = (intervals.least, intervals.greatest)[towards](*(bounds(v) for v in values))
    return unknown(values, *hull)


def rounded(value: Fraction, direction: str, step: Fraction) -> Fraction:
    """`value` as a multiple of `step`. `up` and `down` are away from and towards zero; half_up sends halves away from zero."""
    # In whole numbers: `count` steps and a rest, of which only the size beside the divisor matters.
    divisor = value.denominator * step.numerator
    whole, rest = divmod(abs(value.numerator) * step.denominator, divisor)
    match direction:
        case "down":
            above = False
        case "up":
            above = rest > 0
        case "half_up":
            above = 2 * rest >= divisor
        case _:
            above = 2 * rest > divisor or (2 * rest == divisor and whole % 2 == 1)
    count = whole + above
    return Fraction((-count if value < 0 else count) * step.numerator, step.denominator)


def round_(_: Conventions, value: Value, direction: Value, step: Value) -> Value:
    for part in (value, direction, step):
        if isinstance(part, Fault):
            return part
    if not isinstance(step, Fraction):
        return unknown([value, direction, step])
    if step <= 0:
        return Fault("rounding-step")
    if isinstance(direction, Unknown):
        return unknown([value, direction])
    assert isinstance(direction, str)
    if isinstance(value, Unknown):
        return unknown([value], *both_ends(lambda _, x: rounded(x, direction, step), bounds(value)))
    assert isinstance(value, Fraction)
    return rounded(value, direction, step)


def both_ends(monotone: Any, interval: Any) -> Any:
    """The interval of a function that never falls when its argument rises."""
    return tuple(None if end is None else monotone(None, end) for end in interval)


def floor(_: Any, a: Fraction) -> Value:
    return Fraction(floor_(a))


def ceil(_: Any, a: Fraction) -> Value:
    return Fraction(ceil_(a))


def date_(conventions: Conventions, *parts: Any) -> Value:
    try:
        if len(parts) == 1:
            return calendar.wall_time(parts[0], conventions.time_zone).date()
        return date(*(int(p) for p in parts))
    except (calendar.OutOfRange, ValueError, OverflowError):
        return Fault("date-out-of-range")


def start_of(conventions: Conventions, day: date) -> Value:
    try:
        return calendar.instant(datetime(day.year, day.month, day.day), conventions.time_zone)
    except calendar.OutOfRange:
        return Fault("date-out-of-range")


def start_of_minute(conventions: Conventions, moment: datetime) -> Value:
    return moment.replace(second=0, microsecond=0)


def _day_of(conventions: Conventions, moment: date) -> Any:
    return date_(conventions, moment) if isinstance(moment, datetime) else moment


def _part_of(conventions: Conventions, moment: date, name: str) -> Value:
    day = _day_of(conventions, moment)
    return day if isinstance(day, Fault) else Fraction(getattr(day, name))


def year(conventions: Conventions, moment: date) -> Value:
    return _part_of(conventions, moment, "year")


def month(conventions: Conventions, moment: date) -> Value:
    return _part_of(conventions, moment, "month")


def day(conventions: Conventions, moment: date) -> Value:
    return _part_of(conventions, moment, "day")


def end_of_month(_: Conventions, moment: date) -> Value:
    return moment.replace(day=calendar.last_of_month(moment.year, moment.month))


def days_between(_: Conventions, first: date, second: date) -> Value:
    return Fraction((second - first).days)


def months_between(_: Conventions, first: date, second: date) -> Value:
    return Fraction(calendar.whole_months(first, second))


def years_between(_: Conventions, first: date, second: date) -> Value:
    months = calendar.whole_months(first, second)
    return Fraction(months // 12 if months >= 0 else -(-months // 12))


def days(_: Conventions, length: Duration) -> Value:
    return Fraction(length.days)


def months(_: Conventions, length: Duration) -> Value:
    return Fraction(length.months)


def working_day(conventions: Conventions, day: date) -> Value:
    assert conventions.working_days is not None, "the checker asks for `working_days`"
    try:
        return calendar.working_day_from(day, *conventions.working_days)
    except calendar.OutOfRange:
        return Fault("date-out-of-range")


def starts_with(_: Conventions, text: str, beginning: str) -> Value:
    return text.startswith(beginning)


def contains(_: Conventions, text: str, part: str) -> Value:
    return part in text


def length(_: Conventions, text: str) -> Value:
    return Fraction(len(text))
