"""A calendar as an iCalendar file (RFC 5545), for the calendars of people: the same bytes for the same input.

A date is an event of the whole day, an instant a point in the policy's zone. What has no date yet is left out. The UID of a term is
its name, so that a later file puts the event in another place and does not add a second one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from bandolo.agenda import Agenda, Term
from bandolo.diagnostics import Diagnostic, PolicyError
from bandolo.explain.terms import TermWords
from bandolo.language import calendar
from bandolo.language.types import Language

if TYPE_CHECKING:
    from icalendar import Calendar, Event, Timezone

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def icalendar_file(agenda: Agenda, lang: Language, alarm: int | None = None) -> bytes:
    """The dated terms as an iCalendar file; `alarm` reminds so many days before each.

    DTSTAMP, which tells an import which of two files is newer, is `as_of`; without it the date of the last amending act, or a day long
    ago: never the machine's clock. Raises PolicyError (`missing-extra`) where the library is not installed.
    """
    try:
        from icalendar import Calendar
    except ImportError:
        raise PolicyError([Diagnostic("missing-extra", args={"extra": "calendar", "what": "--ics"})]) from None
    words = TermWords(agenda, lang)
    title = agenda.policy.title.said(lang)
    file = Calendar()
    file.add("prodid", "-//Bandolo//bandolo calendar//" + lang.upper())
    file.add("version", "2.0")
    file.add("calscale", "GREGORIAN")
    file.add("method", "PUBLISH")
    file.add("name", title)
    file.add("x-wr-calname", title)
    zone = agenda.policy.conventions.time_zone
    terms = [t for t in agenda.terms if t.day is not None]
    zoned = [t.end for t in terms if isinstance(t.end, datetime) and _in_zone(t.end, zone)]
    if zoned:
        file.add_component(_time_zone(zone, min(zoned).year, max(zoned).year))
    for term in terms:
        file.add_component(_event(agenda, term, words, title, alarm))
    return _written(file)


def _written(file: Calendar) -> bytes:
    content: bytes = file.to_ical()
    return content


def _event(agenda: Agenda, term: Term, words: TermWords, title: str, alarm: int | None) -> Event:
    from icalendar import Event

    event = Event()
    event.add("uid", uid(agenda, term))
    event.add("dtstamp", stamp(agenda))
    if isinstance(term.end, datetime):
        zone = agenda.policy.conventions.time_zone
        local = term.end.replace(microsecond=0)
        event.add("dtstart", local.astimezone(calendar.zone(zone)) if _in_zone(local, zone) else local.astimezone(UTC))
    else:
        assert term.day is not None
        event.add("dtstart", term.day)
        if term.day < date.max:
            event.add("dtend", term.day + timedelta(days=1))
    event.add("summary", words.label(term))
    event.add("description", description(term, words, title))
    if term.whose is not None:
        event.add("categories", [words.whose(term)])
    event.add("transp", "TRANSPARENT")  # a last day keeps nobody from meeting somebody
    if alarm is not None:
        event.add_component(_alarm(alarm, words.label(term)))
    return event


def _alarm(days: int, text: str) -> Event:
    from icalendar import Alarm

    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("trigger", timedelta(days=-days))
    alarm.add("description", text)
    return alarm  # type: ignore[return-value]


def uid(agenda: Agenda, term: Term) -> str:
    """The same for the same term of the same policy and application, whenever the file is made."""
    return "/".join([term.id.replace(" ", "_"), *([agenda.application] if agenda.application else []), agenda.policy.id]) + "@bandolo"


def stamp(agenda: Agenda) -> datetime:
    if agenda.now is not None:
        return agenda.now.astimezone(UTC).replace(microsecond=0)
    acts = [date.fromisoformat(act.date) for act in agenda.policy.acts if _is_date(act.date)]
    return datetime(acts[-1].year, acts[-1].month, acts[-1].day, tzinfo=UTC) if acts else LONG_AGO


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def description(term: Term, words: TermWords, title: str) -> str:
    """The rule, what else there is to say, whose the term is, the passages, and the call."""
    lines = [words.rule(term), *words.details(term)]
    if term.whose is not None:
        lines.append(words.said("of", who=words.whose(term)))
    lines += [f"«{quote}» — {document}" for document, quote in words.quotes(term)]
    return "\n".join([*lines, title])


# Time zones.


def _in_zone(moment: datetime, zone: str) -> bool:
    """Whether a local time says which instant is meant: one that a clock change repeats is, in iCalendar, always the earlier."""
    return zone != "UTC" and calendar.wall_time(moment, zone).fold == 0


def _time_zone(name: str, first: int, last: int) -> Timezone:
    """VTIMEZONE for some years, each change at its local time before the change (RFC 5545, 3.6.5).

    Not the library's own: it puts the change of spring an hour late.
    """
    from icalendar import Timezone, TimezoneDaylight, TimezoneStandard

    zone = calendar.zone(name)
    component = Timezone()
    component.add("tzid", name)
    start = calendar.instant(datetime(max(first - 1, 2), 1, 1), name)
    before = start.astimezone(zone)
    for moment in (start, *_changes(name, start, min(last + 1, 9998))):
        local = moment.astimezone(zone)
        part = TimezoneDaylight() if local.dst() else TimezoneStandard()
        offset, after = before.utcoffset(), local.utcoffset()
        assert offset is not None
        assert after is not None
        part.add("dtstart", (moment + offset).replace(tzinfo=None))
        part.add("tzoffsetfrom", offset)
        part.add("tzoffsetto", after)
        part.add("tzname", local.tzname())
        component.add_component(part)
        before = local
    return component


def _changes(name: str, start: datetime, last: int) -> Iterator[datetime]:
    """The instants at which the clocks of a zone change, from an instant to the end of a year."""
    zone = calendar.zone(name)
    moment = start
    while moment.year <= last:
        following = moment + timedelta(days=1)
        if following.astimezone(zone).utcoffset() != moment.astimezone(zone).utcoffset():
            low, high = moment, following
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) // 2
                middle = middle.replace(microsecond=0)
                if middle.astimezone(zone).utcoffset() == moment.astimezone(zone).utcoffset():
                    low = middle
                else:
                    high = middle
            yield high
        moment = following
