"""How values are written: one spelling each, in a policy and in application data, or a coded refusal.

Each `read_*` takes the text of one literal and gives its value, or raises `BadLiteral` with the code of the diagnostic.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from fractions import Fraction

from bandolo import limits
from bandolo.language import calendar
from bandolo.language.values import Duration
from bandolo.records import dataclass

NUMBER = re.compile(r"(-?)([0-9][0-9_]*)(?:\.([0-9_]+))?")
GROUPED = re.compile(r"[0-9]{1,3}(_[0-9]{3})+|[0-9]+")
ITALIAN = re.compile(r"-?[0-9]{1,3}(\.[0-9]{3})+,[0-9]+|-?[0-9]+,[0-9]+|-?[0-9]{1,3}(\.[0-9]{3}){2,}")
DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
TIME = re.compile(r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.0+)?)?(Z|[+-][0-9]{2}:[0-9]{2})?")
DURATION = re.compile(r"([0-9][0-9_]*) (days?|weeks?|months?|years?)")


@dataclass
class BadLiteral(Exception):
    """A literal that is not written as it must be: the code of its diagnostic."""

    code: str


def read_number(text: str, underscores: bool = True) -> Fraction:
    """An exact number: ASCII digits, a decimal point, underscores only in threes (and only where `underscores`)."""
    if len(text) > 2 * limits.NUMBER_DIGITS:
        raise BadLiteral("number-too-long")
    match = NUMBER.fullmatch(text)
    if match is None:
        if ITALIAN.fullmatch(text):
            raise BadLiteral("italian-number")
        if re.fullmatch(r"-?[0-9][0-9_.]*[eE][+-]?[0-9]+", text):
            raise BadLiteral("exponent-number")
        raise BadLiteral("bad-number")
    sign, whole, decimals = match.group(1), match.group(2), match.group(3) or ""
    if "_" in text and (not underscores or not GROUPED.fullmatch(whole) or "_" in decimals):
        raise BadLiteral("bad-underscores")
    digits = whole.replace("_", "")
    if len(digits) > 1 and digits[0] == "0":
        raise BadLiteral("leading-zero")
    if len(digits) + len(decimals) > limits.NUMBER_DIGITS:
        raise BadLiteral("number-too-long")
    value = Fraction(int(digits + decimals), 10 ** len(decimals))
    return -value if sign else value


def read_percent(text: str, underscores: bool = True) -> Fraction:
    """`50%` as one half."""
    if not text.endswith("%"):
        raise BadLiteral("bare-percent")
    return read_number(text[:-1], underscores) / 100


def refuse_thousands(number: str) -> None:
    """Three digits after the point of an amount are never cents: they are thousands as Italians write them."""
    if re.fullmatch(r"-?[1-9][0-9]{0,2}(\.[0-9]{3})+", number):
        raise BadLiteral("italian-number")


def read_money(text: str, currency: str, underscores: bool = True) -> Fraction:
    """`400_000 EUR` as an exact amount, in units of the policy's currency; at most two decimals."""
    number, _, code = text.partition(" ")
    if not re.fullmatch(r"[A-Z]{3}", code):
        raise BadLiteral("bad-amount")
    if code != currency:
        raise BadLiteral("other-currency")
    refuse_thousands(number)
    value = read_number(number, underscores)
    if (value * 100).denominator != 1:
        raise BadLiteral("fraction-of-a-cent")
    return value


def read_date(text: str) -> date:
    """`2023-10-30`."""
    match = DATE.fullmatch(text)
    if match is None:
        if re.fullmatch(r"[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{4}", text):
            raise BadLiteral("day-first-date")
        raise BadLiteral("bad-date")
    year, month, day = (int(g) for g in match.groups())
    try:
        return date(year, month, day)
    except ValueError:
        raise BadLiteral("no-such-date") from None


def read_datetime(text: str) -> datetime:
    """`2022-12-31 16:00`, with seconds if need be, and `Z` or an offset; without one the result is naive (a wall time)."""
    day_text, separator, time_text = text.replace("T", " ", 1).partition(" ")
    day = read_date(day_text)
    match = TIME.fullmatch(time_text)
    if not separator or match is None:
        raise BadLiteral("bad-time")
    hour, minute, second = int(match.group(1)), int(match.group(2)), int(match.group(3) or 0)
    if hour > 23 or minute > 59 or second > 59:
        raise BadLiteral("no-such-time")
    zone = match.group(4)
    tzinfo = None
    if zone is not None:
        hours, minutes = (0, 0) if zone == "Z" else (int(zone[1:3]), int(zone[4:6]))
        if hours > 14 or minutes > 59:
            raise BadLiteral("no-such-offset")
        offset = timedelta(hours=hours, minutes=minutes)
        tzinfo = timezone(-offset if zone.startswith("-") else offset)
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=tzinfo)


def read_instant(text: str, zone_name: str) -> datetime:
    """As `read_datetime`, as an instant: where no zone is written, in the given one."""
    try:
        return calendar.instant(read_datetime(text), zone_name)
    except calendar.OutOfRange:
        raise BadLiteral("no-such-date") from None


def read_duration(text: str) -> Duration:
    """`30 days`, `2 weeks`, `6 months`, `5 years`."""
    match = DURATION.fullmatch(text)
    if match is None:
        raise BadLiteral("bad-duration")
    count = int(read_number(match.group(1)))
    if count > 1_000_000:
        raise BadLiteral("number-too-long")
    match match.group(2).rstrip("s"):
        case "day":
            return Duration(days=count)
        case "week":
            return Duration(days=7 * count)
        case "month":
            return Duration(months=count)
        case _:
            return Duration(months=12 * count)
