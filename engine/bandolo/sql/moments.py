"""Dates, instants and lengths of time. A length in days, or in months, is a number of them."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

from sqlglot import exp
from sqlglot.expressions import Expr as Sql

from bandolo.check import core
from bandolo.language import calendar
from bandolo.language.functions import Conventions
from bandolo.language.types import DATE, DATETIME, Type
from bandolo.language.values import Duration
from bandolo.language.values import Value as Datum
from bandolo.sql import dialects
from bandolo.sql.values import Number, Plain, Unsupported, Value, binary, both, case, literal, negated, wrapped

HOLIDAYS = (2000, 2049)
"""The years whose holidays a view knows; in others it leaves the roll to the engine."""
PARTS = ("year", "month", "day")
MOST_DAYS = 300_000
FIRST, LAST = date(1000, 1, 1), date(8000, 1, 1)
"""A day is moved only from between these, by at most so many days: the result is a day of the calendar."""


def is_length(type_: Type) -> bool:
    return str(type_).startswith("duration")


def in_months(type_: Type) -> bool:
    return str(type_) == "duration in months"


def length(value: Duration, type_: Type) -> int:
    """The number that a length of one unit is. Raises Unsupported for one of months and days."""
    if in_months(type_) and not value.days:
        return value.months
    if str(type_) == "duration in days" and not value.months:
        return value.days
    raise Unsupported("length-of-time")


def of_moment(name: str, moment: Sql, type_: Type, conventions: Conventions, dialect: str) -> Value:
    """What is read off a date or an instant, in the policy's time zone."""
    if name == "start_of_minute":
        return Plain(dialects.minute_of(moment, dialect))
    day = dialects.day_of(moment, conventions.time_zone, dialect) if type_ == DATETIME else moment.copy()
    if name == "date":
        return Plain(day)
    if name in PARTS:
        return Number(dialects.part_of(day, name))
    if name == "end_of_month":
        inside = both([binary(exp.LT, day, _day(LAST)), binary(exp.GT, day, _day(FIRST))])
        return Plain(case([(inside, dialects.month_end(day, dialect))]))
    if name == "working_day" and conventions.working_days is not None:
        return Plain(working_day(day, conventions.working_days, dialect))
    raise Unsupported("operation")


def _day(value: date) -> Sql:
    return exp.cast(exp.Literal.string(value.isoformat()), "DATE")


def moved_by(node: core.Apply, moment: Sql, amount: Datum | Number, rounding: str | None, dialect: str) -> Value:
    """A date so much later or earlier; NULL where that day does not exist, or may lie outside the calendar."""
    first, second = node.arguments
    if first.type != DATE:
        raise Unsupported("instant-moved")
    back = node.operation.name == "-"
    inside = [binary(exp.GT, moment, _day(FIRST)), binary(exp.LT, moment, _day(LAST))]
    if isinstance(amount, Duration):
        if abs(amount.days) + 31 * abs(amount.months) > MOST_DAYS:
            raise Unsupported("length-of-time")
        days, months = (literal(-n if back else n) for n in (amount.days, amount.months))
        found = _months_later(moment, months, rounding, dialect) if amount.months else moment
        found = dialects.days_later(found, days, dialect) if amount.days else found
        return Plain(case([(both(inside), found)]))
    if not isinstance(amount, Number) or amount.scale != 1 or amount.den is not None or str(second.type) == "duration":
        raise Unsupported("length-of-time")
    # Cut to what is added in the end, so that no cast can fail.
    most = MOST_DAYS // (31 if in_months(second.type) else 1)
    small = exp.LTE(this=exp.Abs(this=amount.num.copy()), expression=literal(most))
    count = case([(small, exp.Neg(this=wrapped(amount.num)) if back else amount.num)])
    later = _months_later(moment, count, rounding, dialect) if in_months(second.type) else dialects.days_later(moment, count, dialect)
    return Plain(case([(both(inside), later)]))


def _months_later(day: Sql, months: Sql, rounding: str | None, dialect: str) -> Sql:
    """By the policy's `month_rounding`, where the month has no such day."""
    later = dialects.months_later(day, months, dialect)
    if rounding == "down":
        return later
    same = binary(exp.EQ, dialects.part_of(later, "day"), dialects.part_of(day, "day"))
    rows = [(same, later)]
    if rounding == "up":
        rows.append((negated(same), dialects.days_later(later, literal(1), dialect)))
    return case(rows)


def whole_months(first: Sql, second: Sql, years: bool, dialect: str) -> Number:
    """Whole months, or years, from one date to another; negative backwards."""

    def forwards(a: Sql, b: Sql) -> Sql:
        months = [binary(exp.Add, binary(exp.Mul, dialects.part_of(d, "year"), literal(12)), dialects.part_of(d, "month")) for d in (a, b)]
        short = binary(exp.LT, dialects.part_of(b, "day"), dialects.part_of(a, "day"))
        count = binary(exp.Sub, binary(exp.Sub, months[1], months[0]), case([(short, literal(1)), (negated(short), literal(0))]))
        return dialects.whole_division(count, exp.cast(literal(12), "INT128"), dialect) if years else count

    back = binary(exp.LT, second, first)
    return Number(case([(back, exp.Neg(this=wrapped(forwards(second, first)))), (negated(back), forwards(first, second))]))


def working_day(day: Sql, place: tuple[str, str | None], dialect: str) -> Sql:
    """The first working day on or after a date; NULL outside the years whose holidays are written down."""
    years, months, days_ = (
        binary(exp.Mul, dialects.part_of(day, part), literal(n)) for part, n in (("year", 10_000), ("month", 100), ("day", 1))
    )
    number = binary(exp.Add, binary(exp.Add, years, months), days_)
    rows: list[tuple[Sql, Sql]] = [
        (exp.In(this=wrapped(number), expressions=[literal(n) for n in dates]), dialects.days_later(day, literal(days), dialect))
        for days, dates in sorted(_rolled(place).items())
    ]
    # 2000-01-03 was a Monday.
    weekday = exp.Mod(this=dialects.days_between(_day(date(2000, 1, 3)), day, dialect), expression=literal(7))
    for number_of_day, days in ((5, 2), (6, 1)):
        rows.append((exp.EQ(this=weekday.copy(), expression=literal(number_of_day)), dialects.days_later(day, literal(days), dialect)))
    inside = both([binary(exp.GTE, day, _day(date(HOLIDAYS[0], 1, 3))), binary(exp.LTE, day, _day(date(HOLIDAYS[1], 12, 31)))])
    return case([(inside, case(rows, day))])


@cache
def _rolled(place: tuple[str, str | None]) -> dict[int, list[int]]:
    """The days, as 20231225, that do not roll as their day of the week alone would: by how many days each does."""
    found: dict[int, list[int]] = {}
    day = date(HOLIDAYS[0], 1, 1)
    while day.year <= HOLIDAYS[1]:
        days = (calendar.working_day_from(day, *place) - day).days
        if days != {5: 2, 6: 1}.get(day.weekday(), 0):
            found.setdefault(days, []).append(day.year * 10_000 + day.month * 100 + day.day)
        day += timedelta(days=1)
    return found


def fixed_length(node: core.Expr, parameters: dict[str, Datum]) -> Duration | None:
    """A length that is known beforehand; None where it is worked out. Raises Unsupported for one that is pending."""
    value = node.value if isinstance(node, core.Constant) else parameters[node.name] if isinstance(node, core.Parameter) else None
    return value if isinstance(value, Duration) else None
