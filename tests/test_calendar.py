"""The calendar of a policy: one meaning with its decisions, days that never fall on a holiday, files that say the same as the data."""

from __future__ import annotations

import builtins
import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from dateutil.tz import tzical
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar, Event
from jsonschema import Draft202012Validator

from bandolo import ApplicationError, PolicyError, load_policy
from bandolo.diagnostics import errors
from bandolo.export.calendar_data import calendar_as_data, calendar_schema
from bandolo.export.icalendar_file import icalendar_file
from bandolo.language.calendar import closed, holiday_name
from bandolo.language.values import Unknown
from bandolo.surfaces.cli import cli
from golden import compare
from small import CASES, LIVE_POLICIES, ROOT, policy

FOLDER = CASES / "calendar"
CALL = FOLDER / "files" / "call.yaml"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda p: p.stem)
def test_what_the_command_prints(path: Path, update: bool) -> None:
    compare(path, update)


# Terms that roll.

ROLLING = """
bandolo: 1
policy: {id: rolling, title: Rolling, decides: project, working_days: IT-MI}
entities: {project: {facts: {day: date}}}
deadlines:
  plain: {after: 30 days, from: day}
  moved: {after: 30 days, from: day, roll: next_working_day}
requirements: {project: {in_time: {check: day <= deadline.moved, otherwise: reject}}}
"""


@pytest.mark.parametrize(
    ("plain", "moved", "why"),
    [
        ("2023-04-25", "2023-04-26", ["Anniversario della Liberazione"]),
        ("2023-04-10", "2023-04-11", ["Lunedì dell'Angelo"]),  # Easter Monday
        ("2024-04-01", "2024-04-02", ["Lunedì dell'Angelo"]),
        ("2023-06-02", "2023-06-05", ["Festa della Repubblica", None, None]),  # a Friday
        ("2023-12-07", "2023-12-11", ["Sant'Ambrogio", "Immacolata Concezione", None, None]),  # Milan, then Italy, then the weekend
        ("2023-12-31", "2024-01-02", [None, "Capodanno"]),  # a Sunday
        ("2024-12-31", "2024-12-31", []),  # a Tuesday
        ("2024-02-29", "2024-02-29", []),
        ("2023-04-29", "2023-05-02", [None, None, "Festa del Lavoro"]),
        ("2027-10-04", "2027-10-05", ["Festa nazionale di San Francesco d'Assisi, patrono d'Italia"]),  # a holiday from 2026 on
    ],
)
def test_a_term_that_ends_on_a_holiday_moves_and_says_why(plain: str, moved: str, why: list[str | None]) -> None:
    start = date.fromisoformat(plain) - timedelta(days=30)
    term = policy(ROLLING).calendar(events={"day": start.isoformat()}).term("moved")
    assert (str(term.unrolled), str(term.end)) == (plain, moved)
    assert [c.name.it if c.name is not None else None for c in term.closed] == why


def test_milan_has_a_patron_that_bergamo_has_not() -> None:
    assert closed(date(2023, 12, 7), "IT", "MI")
    assert not closed(date(2023, 12, 7), "IT", "BG")
    assert not closed(date(2023, 12, 7), "IT", None)
    assert closed(date(2022, 8, 26), "IT", "BG")


@pytest.mark.parametrize("province", ["MI", "BG", "BS", "CO", "CR", "LC", "LO", "MN", "MB", "PV", "SO", "VA"])
def test_every_lombard_province_has_its_calendar(province: str) -> None:
    assert policy(ROLLING.replace("IT-MI", f"IT-{province}")).core.conventions.working_days == ("IT", province)


@pytest.mark.parametrize("place", ["IT-25", "IT-Lombardia"])
def test_the_library_has_no_holidays_of_a_region(place: str) -> None:
    with pytest.raises(PolicyError) as caught:
        policy(ROLLING.replace("IT-MI", place))
    assert [d.code for d in errors(list(caught.value.diagnostics))] == ["unknown-calendar"]


def test_the_names_of_holidays_do_not_follow_the_language_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "th")
    assert holiday_name(date(2031, 5, 1), "IT", "CO", "it") == "Festa del Lavoro"
    assert holiday_name(date(2031, 5, 1), "IT", "CO", "en") == "Labor Day"
    assert holiday_name(date(2031, 10, 3), "DE", None, "it") == "Tag der Deutschen Einheit"  # no Italian there: the country's own


@settings(deadline=None, max_examples=150)
@given(day=st.dates(date(1990, 1, 1), date(2090, 1, 1)), place=st.sampled_from(["IT", "IT-MI", "IT-SO"]))
def test_rolling_never_lands_on_a_holiday_and_never_goes_back(day: date, place: str) -> None:
    agenda = rolling(place).calendar(events={"day": day})
    plain, moved = agenda.term("plain"), agenda.term("moved")
    assert plain.end == moved.unrolled == day + timedelta(days=30)
    assert moved.day is not None
    assert moved.day >= day + timedelta(days=30)
    country, _, province = place.partition("-")
    assert not closed(moved.day, country, province or None)
    assert [c.day for c in moved.closed] == [day + timedelta(days=30 + n) for n in range(len(moved.closed))]
    assert all(closed(c.day, country, province or None) for c in moved.closed)
    assert all(c.name is not None or c.day.weekday() >= 5 for c in moved.closed)
    assert len(moved.closed) == (moved.day - plain.day).days  # type: ignore[operator]


MADE: dict[str, Any] = {}


def rolling(place: str) -> Any:
    if place not in MADE:
        MADE[place] = policy(ROLLING.replace("IT-MI", place))
    return MADE[place]


# One meaning with decisions.


def test_a_deadline_is_what_the_rules_compare_with() -> None:
    """The value of the calendar is that of `deadline.NAME` in an expression."""
    made = policy(ROLLING.replace("requirements:", "definitions: {project: {last: deadline.moved}}\nresults: [last]\nrequirements:"))
    for day in ("2023-03-11", "2023-03-26", "2023-11-07"):
        assert made.calendar(events={"day": day}).term("moved").end == made.decide({"day": day}).results["last"]


def test_a_term_to_put_right_is_that_of_the_decision() -> None:
    call = load_policy(CALL)
    data = json.loads((FOLDER / "files" / "application.json").read_text(encoding="utf-8"))
    decision = call.decide(data, readings={"missing_seal": "add"})
    agenda = call.calendar(data, readings={"missing_seal": "add"})
    assert agenda.term("papers").end == decision.requirement("papers").cure_by == date(2023, 5, 12)
    assert agenda.term("seal", "firms[IT2]").end == decision.requirement("seal", "firms[IT2]").cure_by == date(2023, 5, 9)
    assert agenda.term("seal", "firms[IT3]").missing == ("firms[IT3].asked_on",)
    with pytest.raises(KeyError):
        agenda.term("seal", "firms[IT1]")  # its seal is there
    with pytest.raises(KeyError):
        agenda.term("signature")  # every firm signed


def test_a_reading_may_leave_no_term_to_put_right() -> None:
    call = load_policy(CALL)
    assert call.calendar().term("seal").only_if == ("missing_seal", ("add",))
    assert call.calendar(readings={"missing_seal": "add"}).term("seal").only_if is None
    assert "cure.seal" not in [t.id for t in call.calendar(readings={"missing_seal": "refuse"}).terms]


def test_whose_a_term_is() -> None:
    whose = {t.name: t.whose for t in load_policy(CALL).calendar().terms}
    assert whose["submission"] == whose["papers"] == "applicant"
    assert whose["evaluation"] == "office"
    assert whose["archive"] is None


def test_an_open_reading_leaves_bounds() -> None:
    term = load_policy(FOLDER / "files" / "open.yaml").calendar(events={"published_on": "2023-03-26"}).term("surety")
    assert isinstance(term.end, Unknown)
    assert (term.end.low, term.end.high) == (date(2023, 4, 25), date(2023, 4, 26))
    # Where both options come to the same day, nothing is open.
    same = load_policy(FOLDER / "files" / "open.yaml").calendar(events={"published_on": "2023-03-27"}).term("surety")
    assert same.end == date(2023, 4, 26)


# Events and the clock.


def test_an_event_goes_before_the_fact_of_an_application() -> None:
    call = load_policy(CALL)
    given_ = {"ranking_published_on": "2023-01-10", "works_end_on": {"payment": "2023-06-30", "admissibility": "2023-05-01"}}
    agenda = call.calendar(given_, events={"ranking_published_on": date(2023, 3, 1)})
    assert agenda.term("guarantee").end == date(2023, 3, 31)
    assert agenda.term("report").end == date(2023, 8, 30)
    assert call.calendar(given_, events={"works_end_on at payment": "2023-12-31"}).term("report").end == date(2024, 2, 29)
    assert given_["works_end_on"] == {"payment": "2023-06-30", "admissibility": "2023-05-01"}


def test_a_bad_event_is_a_policy_error_and_a_bad_application_is_not() -> None:
    call = load_policy(CALL)
    with pytest.raises(PolicyError) as caught:
        call.calendar({"requested_on": 3}, events={"ranking_published_on": "31/03/2023"})
    assert [d.path for d in caught.value.diagnostics] == ["event.ranking_published_on"]
    with pytest.raises(ApplicationError) as bad:
        call.calendar({"requested_on": 3}, events={"ranking_published_on": "2023-03-31"})
    assert [d.path for d in bad.value.diagnostics] == ["$.requested_on"]


def test_without_a_clock_nothing_is_past() -> None:
    agenda = load_policy(CALL).calendar(assume=True)
    assert {(t.state, t.days_left) for t in agenda.terms} == {(None, None)}


def test_a_day_lasts_until_its_end_and_an_instant_until_itself() -> None:
    call = load_policy(CALL)

    def states(as_of: str) -> dict[str, Any]:
        return {t.name: t.state for t in call.calendar(as_of=as_of, assume=True).terms}

    assert states("2023-04-28 12:00")["submission"] == "next"
    assert states("2023-04-28 12:00:01")["submission"] == "past"
    assert states("2023-12-31 23:59:59")["archive"] == "next"
    assert states("2024-01-01")["archive"] == "past"


def test_in_the_hour_that_a_clock_change_repeats_the_later_one_is_past() -> None:
    """02:10 comes twice on 29 October: the second time, a term that ended at 02:30 is over."""
    made = policy(INSTANT.replace("ZONE", "Europe/Rome"))

    def state(as_of: str) -> Any:
        return made.calendar(events={"sent": "2023-10-29 02:30"}, as_of=as_of).term("end").state

    assert state("2023-10-29T02:10+02:00") == "next"
    assert state("2023-10-29T02:10+01:00") == "past"


def test_the_machine_clock_is_never_read(monkeypatch: pytest.MonkeyPatch) -> None:
    call = load_policy(CALL)
    before = icalendar_file(call.calendar(assume=True), "it")

    def read(*_: object) -> None:
        raise AssertionError("the clock was read")

    monkeypatch.setattr("time.time", read)
    assert icalendar_file(call.calendar(assume=True), "it") == before


# The JSON form.


@pytest.mark.parametrize("path", [*LIVE_POLICIES, CALL], ids=lambda p: p.stem)
@pytest.mark.parametrize("assume", [False, True])
def test_json_fits_its_published_schema(path: Path, assume: bool) -> None:
    agenda = load_policy(path).calendar(assume=assume, as_of="2023-04-01")
    data = json.loads(json.dumps(calendar_as_data(agenda)))
    Draft202012Validator(calendar_schema()).validate(data)
    assert {f"deadline.{d.name}" for d in agenda.policy.deadlines} <= {t["id"] for t in data["terms"]}
    ids = [t["id"] for t in data["terms"]]
    assert len(ids) == len(set(ids))
    known = [t["date"] for t in data["terms"] if t["status"] == "known"]
    assert known == sorted(known)
    assert [t["status"] for t in data["terms"]][: len(known)] == ["known"] * len(known)


# The iCalendar file.


def events_of(content: bytes) -> list[Event]:
    return list(Calendar.from_ical(content).walk("VEVENT"))


@pytest.mark.parametrize("path", [*LIVE_POLICIES, CALL], ids=lambda p: p.stem)
@pytest.mark.parametrize("lang", ["it", "en"])
def test_the_file_read_again_says_what_the_json_says(path: Path, lang: Any) -> None:
    facts = ("ranking_published_on", "integration_requested_on", "requested_on", "award_published_on", "statement_requested_on")
    made = load_policy(path)
    events = {name: "2023-03-26" for name in facts if name in made.core.entities[made.core.root].facts}
    agenda = made.calendar(assume=True, events=events, as_of="2023-04-01")
    content = icalendar_file(agenda, lang)
    assert content == icalendar_file(agenda, lang)
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    assert b"\n" not in content.replace(b"\r\n", b"")
    dated = [t for t in calendar_as_data(agenda)["terms"] if t["date"] is not None]
    read = events_of(content)
    assert len(read) == len(dated) > 0
    assert len({e["uid"] for e in read}) == len(read)
    for event, term in zip(read, dated, strict=True):
        start = event.decoded("dtstart")
        assert event["summary"] == term["label"][lang]
        assert term["rule"][lang] in event["description"]
        assert all(s["quote"] in event["description"] for s in term["sources"])
        if term["instant"] is not None:
            assert start == datetime.fromisoformat(term["instant"])
            assert start.tzinfo is not None
            assert "dtend" not in event
        else:
            assert start == date.fromisoformat(term["date"])
            assert event.decoded("dtend") == start + timedelta(days=1)
        assert event.decoded("dtstamp") == datetime(2023, 3, 31, 22, tzinfo=UTC)


def test_a_later_file_puts_the_same_events_in_other_places() -> None:
    call = load_policy(CALL)
    before, after = (
        {e["uid"]: e.decoded("dtstart") for e in events_of(icalendar_file(call.calendar(assume=True, events=e_, as_of=a), "it"))}
        for e_, a in (({"ranking_published_on": "2023-03-01"}, "2023-03-01"), ({"ranking_published_on": "2023-03-15"}, "2023-03-15"))
    )
    assert set(before) == set(after)
    moved = [uid for uid in before if before[uid] != after[uid]]
    assert moved == ["deadline.guarantee/workshops_2023@bandolo"]


def test_two_applications_do_not_share_their_events() -> None:
    call = load_policy(CALL)
    uids = [{e["uid"] for e in events_of(icalendar_file(call.calendar({"id": i}, assume=True), "en"))} for i in ("W-1", "W-2")]
    assert not uids[0] & uids[1]


def test_the_stamp_is_the_clock_then_the_last_act_then_long_ago() -> None:
    manifestazione = ROOT / "policies" / "manifestazione_2022.yaml"
    acts = [ROOT / "policies" / "manifestazione_2022.extension.yaml"]

    def stamp(agenda: Any) -> datetime:
        found: datetime = events_of(icalendar_file(agenda, "it"))[0].decoded("dtstamp")
        return found

    assert stamp(load_policy(manifestazione).calendar()) == datetime(1970, 1, 1, tzinfo=UTC)
    assert stamp(load_policy(manifestazione, amendments=acts).calendar()) == datetime(2022, 11, 30, tzinfo=UTC)
    assert stamp(load_policy(manifestazione, amendments=acts).calendar(as_of="2023-01-01 10:00")) == datetime(2023, 1, 1, 9, tzinfo=UTC)


INSTANT = """
bandolo: 1
policy: {id: instants, title: Instants, decides: project, time_zone: ZONE}
entities: {project: {facts: {sent: datetime}}}
deadlines: {end: {at: sent}}
requirements: {project: {in_time: {check: sent <= deadline.end, otherwise: reject}}}
"""


def zoned(zone: str, at: str) -> tuple[bytes, Any]:
    content = icalendar_file(policy(INSTANT.replace("ZONE", zone)).calendar(events={"sent": at}), "en")
    return content, events_of(content)[0].decoded("dtstart")


@pytest.mark.parametrize(
    ("at", "utc", "written"),
    [
        ("2023-03-26 01:59:59", "2023-03-26T00:59:59Z", b"DTSTART;TZID=Europe/Rome:20230326T015959"),
        ("2023-03-26 02:30", "2023-03-26T01:30:00Z", b"DTSTART;TZID=Europe/Rome:20230326T033000"),  # skipped
        ("2023-03-26 03:00", "2023-03-26T01:00:00Z", b"DTSTART;TZID=Europe/Rome:20230326T030000"),
        ("2023-10-29 02:30", "2023-10-29T00:30:00Z", b"DTSTART;TZID=Europe/Rome:20231029T023000"),  # the earlier of two
        ("2023-10-29T02:30+01:00", "2023-10-29T01:30:00Z", b"DTSTART:20231029T013000Z"),  # the later one: only UTC can say so
        ("2023-10-29 03:00", "2023-10-29T02:00:00Z", b"DTSTART;TZID=Europe/Rome:20231029T030000"),
        ("2023-07-01 16:00", "2023-07-01T14:00:00Z", b"DTSTART;TZID=Europe/Rome:20230701T160000"),
    ],
)
def test_instants_around_a_clock_change_stay_what_they_are(at: str, utc: str, written: bytes) -> None:
    content, start = zoned("Europe/Rome", at)
    assert written in content
    assert start.astimezone(UTC) == datetime.fromisoformat(utc)


@pytest.mark.parametrize("zone", ["Europe/Rome", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo", "Africa/Casablanca"])
def test_the_zone_in_the_file_is_that_of_the_machine_s_tables(zone: str) -> None:
    """Held against another reader of VTIMEZONE, for every six hours of the year and the minutes around each change."""
    content, _ = zoned(zone, "2023-07-01 16:00")
    written = content[content.index(b"BEGIN:VTIMEZONE") : content.index(b"BEGIN:VEVENT")].decode()
    read = tzical(io.StringIO(written.replace("\r\n", "\n"))).get(zone)
    for moment in moments(ZoneInfo(zone), 2023):
        local = moment.astimezone(ZoneInfo(zone))
        if local.fold == 0:
            assert local.replace(tzinfo=read).utcoffset() == local.utcoffset(), local


def moments(zone: ZoneInfo, year: int) -> Iterator[datetime]:
    moment = datetime(year, 1, 2, tzinfo=UTC)
    while moment.year == year:
        following = moment + timedelta(hours=6)
        yield moment
        if moment.astimezone(zone).utcoffset() != following.astimezone(zone).utcoffset():
            yield from (moment + timedelta(minutes=m) for m in range(360))
        moment = following


def test_utc_needs_no_zone() -> None:
    content, start = zoned("UTC", "2023-07-01 16:00")
    assert b"DTSTART:20230701T160000Z" in content
    assert b"VTIMEZONE" not in content
    assert start == datetime(2023, 7, 1, 16, tzinfo=UTC)


def test_texts_with_signs_of_the_format_come_back_whole() -> None:
    made = policy("""
        bandolo: 1
        policy: {id: signs, title: "A; b, c", decides: project}
        sources: {call: {title: "Call; n. 1, 2"}}
        entities: {project: {facts: {n: number}}}
        deadlines: {end: {at: 2023-12-31, label: "Fine: a, b; c \\\\ d «è»", source: {call: "x; y, z \\\\ «perché»"}}}
    """)
    event = events_of(icalendar_file(made.calendar(), "it"))[0]
    assert event["summary"] == "Fine: a, b; c \\ d «è»"
    assert "«x; y, z \\ «perché»» — Call; n. 1, 2" in event["description"]


def test_an_alarm_before_each_term() -> None:
    content = icalendar_file(load_policy(CALL).calendar(assume=True), "en", alarm=7)
    alarms = Calendar.from_ical(content).walk("VALARM")
    assert {a.decoded("trigger") for a in alarms} == {timedelta(days=-7)}


def test_the_file_is_written_and_what_it_cannot_hold_is_said(tmp_path: Path) -> None:
    path = tmp_path / "call.ics"
    result = CliRunner().invoke(cli, ["calendar", str(CALL), "--assume", "--lang", "en", "--ics", str(path)])
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"{path}: 3 dated terms, 5 without a date left out\n"
    assert len(events_of(path.read_bytes())) == 3


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "icalendar":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    result = CliRunner().invoke(cli, ["calendar", str(CALL), "--lang", "en", "--ics", "-"])
    assert result.exit_code == 1
    assert "missing-extra" in result.stderr
    assert 'pip install "bandolo[calendar]"' in result.stderr


# Amendments of which it is open whether they reach.


def test_where_it_is_open_which_text_holds_only_what_both_say_is_known() -> None:
    act = """
        bandolo: 1
        amends: small.yaml
        id: longer
        date: 2023-05-01
        applies_to: day >= 2023-06-01
        set: {deadlines.moved.after: 60 days}
    """
    made = policy(ROLLING.replace("{facts: {day: date}}", "{facts: {day: date, other: date}}"), act)
    assert made.calendar(events={"day": "2023-05-15"}).term("moved").end == date(2023, 6, 14)
    assert made.calendar(events={"day": "2023-06-15"}).term("moved").end == date(2023, 8, 14)
    assert made.calendar().term("moved").missing == ("day",)
