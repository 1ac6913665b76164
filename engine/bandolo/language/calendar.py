"""Arithmetic of dates and instants, with every convention stated (LANGUAGE.md, "Time").

Instants are kept in UTC. A local time that a clock change skips is read with the offset before the change (02:30 becomes 03:30);
one that it repeats is the earlier of the two. Adding months keeps the day of the month; where that day does not exist the policy's
`month_rounding` says what happens.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from os import path
from zoneinfo import ZoneInfo

from bandolo.language.values import Duration

PLACES = path.join(path.dirname(__file__), "places.json")


class OutOfRange(ValueError):
    """A date before year 1 or after year 9999, or a day that does not exist under `month_rounding: error`."""


@lru_cache(maxsize=32)
def zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name; ZoneInfoNotFoundError or ValueError where there is none."""
    return ZoneInfo(name)


def instant(local: datetime, zone_name: str) -> datetime:
    """The instant of a local wall time in a zone; an instant that carries its own offset stays what it is."""
    try:
        if local.tzinfo is None:
            local = local.replace(tzinfo=zone(zone_name), fold=0)
        return local.astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise OutOfRange from error


def wall_time(moment: datetime, zone_name: str) -> datetime:
    """The local wall time of an instant, in a zone."""
    try:
        return moment.astimezone(zone(zone_name))
    except (OverflowError, ValueError) as error:
        raise OutOfRange from error


def last_of_month(year: int, month: int) -> int:
    """How many days a month has."""
    return 31 if month == 12 else (date(year, month + 1, 1) - date(year, month, 1)).days


def add(day: date, length: Duration, month_rounding: str | None) -> date:
    """`length` after `day`: months and years together first, rounded once to a day that exists, then days."""
    total = day.year * 12 + day.month - 1 + length.months
    year, month = total // 12, total % 12 + 1
    if not 1 <= year <= 9999:
        raise OutOfRange
    last = last_of_month(year, month)
    excess = day.day - last
    try:
        if excess <= 0:
            result = date(year, month, day.day)
        elif month_rounding == "down":
            result = date(year, month, last)
        elif month_rounding == "up":
            result = date(year, month, last) + timedelta(days=1)
        else:
            raise OutOfRange
        return result + timedelta(days=length.days)
    except OverflowError as error:
        raise OutOfRange from error


def add_to_instant(moment: datetime, length: Duration, zone_name: str, month_rounding: str | None) -> datetime:
    """`length` after an instant: the same wall time on the later day."""
    local = wall_time(moment, zone_name)
    day = add(local.date(), length, month_rounding)
    if day == local.date():
        return moment  # an hour that a clock change repeats stays the one that it is
    return instant(datetime.combine(day, local.time().replace(fold=0)), zone_name)


def whole_months(first: date, second: date) -> int:
    """Whole months from `first` to `second`: a month is whole when the same day of the month is reached; negative backwards."""
    if second < first:
        return -whole_months(second, first)
    months = (second.year - first.year) * 12 + second.month - first.month
    return months - (second.day < first.day)


def has_calendar(country: str, subdivision: str | None) -> bool:
    """Whether the holidays of a place are known. ImportError where the library of holidays is not installed.

    The library takes longer to import than a policy to read, and is needed for it only in decisions with terms that roll: the places
    that it knew when `places.json` was made are looked up there.
    """
    from importlib.util import find_spec

    if find_spec("holidays") is None:
        raise ImportError("holidays")
    if (subdivision or "") in _listed_places().get(country, ()):
        return True
    try:
        working_day_from(date(2024, 1, 2), country, subdivision)
    except (NotImplementedError, KeyError):
        return False
    return True


@lru_cache(maxsize=1)
def _listed_places() -> dict[str, list[str]]:
    try:
        with open(PLACES, encoding="utf-8") as stream:
            places: dict[str, list[str]] = json.load(stream)
        return places
    except (OSError, ValueError):
        return {}


def places_known() -> dict[str, list[str]]:
    """The countries of the installed library by their codes, each with its subdivisions and "" for the whole: what `places.json` holds."""
    import holidays

    supported = holidays.list_supported_countries(include_aliases=False)
    return {country: ["", *sorted(subdivisions)] for country, subdivisions in sorted(supported.items())}


@lru_cache(maxsize=16)
def _holidays(country: str, subdivision: str | None) -> object:
    import holidays  # an extra: only calls whose terms roll over holidays need it

    return holidays.country_holidays(country, subdiv=subdivision)


def closed(day: date, country: str, subdivision: str | None) -> bool:
    """Whether it is a Saturday, a Sunday or a public holiday of the place."""
    return day.weekday() >= 5 or day in _holidays(country, subdivision)  # type: ignore[operator]


@lru_cache(maxsize=32)
def _named_holidays(country: str, subdivision: str | None, lang: str) -> object:
    """The holidays with their names in a language, or in the country's own where the library has no other."""
    import holidays

    place = type(holidays.country_holidays(country))
    known = [language for language in place.supported_languages if language.partition("_")[0] == lang]
    # Always named: without it the library would take the language of the machine.
    return holidays.country_holidays(country, subdiv=subdivision, language=known[0] if known else place.default_language)


def holiday_name(day: date, country: str, subdivision: str | None, lang: str) -> str | None:
    """The name of a public holiday; None for any other day."""
    name: str | None = _named_holidays(country, subdivision, lang).get(day)  # type: ignore[attr-defined]
    return name


def working_day_from(day: date, country: str, subdivision: str | None) -> date:
    """The first working day on or after `day`: no Saturday, Sunday or public holiday of the place."""
    try:
        while closed(day, country, subdivision):
            day += timedelta(days=1)
    except OverflowError as error:
        raise OutOfRange from error
    return day
