"""The JSON form of a calendar, and `grammar/calendar.schema.json`, its schema."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, get_args

from bandolo.agenda import Agenda, Kind, State, Term
from bandolo.check import core
from bandolo.evaluate.wire import plain
from bandolo.explain.terms import TermWords
from bandolo.export.decision_schema import closed_object
from bandolo.language.types import DATE, DATETIME, DURATION
from bandolo.language.values import NONE, Fault, Unknown, Value, is_known

FORMAT = "1"
"""The version of the calendar's JSON form; it changes when a reader of the old form could be misled."""


def calendar_as_data(agenda: Agenda) -> dict[str, Any]:
    """The published form of a calendar."""
    conventions, identity = agenda.policy.conventions, agenda.identity
    days = conventions.working_days
    return {
        "bandolo": identity.engine,
        "format": FORMAT,
        "policy": {"id": agenda.policy.id, "digest": identity.policy_digest, "amendments": list(identity.amendments)},
        "application": agenda.application,
        "as_of": identity.as_of,
        "time_zone": conventions.time_zone,
        "working_days": "-".join(part for part in days if part) if days is not None else None,
        "events": list(agenda.events),
        "assumed": list(agenda.assumed),
        "changed": list(agenda.changed),
        "terms": [_term(agenda, term) for term in agenda.terms],
    }


def _term(agenda: Agenda, term: Term) -> dict[str, Any]:
    italian, english = TermWords(agenda, "it"), TermWords(agenda, "en")
    data: dict[str, Any] = {
        "id": term.id,
        "kind": term.kind,
        "name": term.name,
        "record": term.record,
        "label": {"it": italian.label(term), "en": english.label(term)},
        "of": term.whose,
        "status": _status(term.end),
        "date": term.day.isoformat() if term.day is not None else None,
        "instant": term.end.isoformat() if isinstance(term.end, datetime) else None,
        "rule": {"it": italian.rule(term), "en": english.rule(term)},
        "after": plain(term.after_value, DURATION) if term.after_value is not None and is_known(term.after_value) else None,
        "from": _point(term.start_value),
        "unrolled": term.unrolled.isoformat() if term.closed and isinstance(term.unrolled, date) else None,
        "closed": [{"date": c.day.isoformat(), "holiday": _texts(c.name)} for c in term.closed],
        "state": term.state,
        "days_left": term.days_left,
        "missing": list(term.missing),
        "requirements": list(term.requirements),
        "trial": list(term.trial),
        "sources": [{"document": s.document, "quote": s.quote} for s in term.sources],
    }
    if isinstance(term.end, Unknown):
        data |= {key: _point(end) for key, end in (("at_least", term.end.low), ("at_most", term.end.high)) if end is not None}
    if isinstance(term.end, Fault):
        data["fault"] = term.end.code
    if term.only_if is not None:
        data["only_if"] = {"reading": term.only_if[0], "options": list(term.only_if[1])}
    return data


def _status(end: Value) -> str:
    if isinstance(end, Unknown | Fault):
        return "unknown" if isinstance(end, Unknown) else "fault"
    return "none" if end is NONE else "known"


def _point(value: Value | None) -> str | None:
    """A date or an instant as text; None for what is not known, or is not there."""
    if not isinstance(value, date):
        return None
    return str(plain(value, DATETIME if isinstance(value, datetime) else DATE))


def _texts(texts: core.Texts | None) -> dict[str, str] | None:
    return {"it": texts.it, "en": texts.en} if texts is not None else None


def calendar_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of what `bandolo calendar --json` gives."""
    text: dict[str, Any] = {"type": "string"}
    or_null: dict[str, Any] = {"type": ["string", "null"]}
    listed = {"type": "array", "items": text}
    day: dict[str, Any] = {"type": ["string", "null"], "format": "date"}
    both = closed_object({"it": text, "en": text})
    term = closed_object(
        {
            "id": text, "kind": {"enum": list(get_args(Kind))}, "name": text, "record": or_null, "label": both,
            "of": {"enum": ["applicant", "office", None]}, "status": {"enum": ["known", "unknown", "none", "fault"]},
            "date": day, "instant": {"type": ["string", "null"], "format": "date-time"}, "rule": both, "after": or_null, "from": or_null,
            "unrolled": day,
            "closed": {"type": "array", "items": closed_object({"date": text, "holiday": {"anyOf": [both, {"type": "null"}]}})},
            "state": {"enum": [*get_args(State), None]}, "days_left": {"type": ["integer", "null"]}, "missing": listed,
            "requirements": listed, "trial": listed,
            "sources": {"type": "array", "items": closed_object({"document": text, "quote": text})},
            "at_least": or_null, "at_most": or_null, "fault": text,
            "only_if": closed_object({"reading": text, "options": listed}),
        },
        optional=("at_least", "at_most", "fault", "only_if"),
    )  # fmt: skip
    schema = closed_object({
        "bandolo": text, "format": {"const": FORMAT}, "policy": closed_object({"id": text, "digest": text, "amendments": listed}),
        "application": or_null, "as_of": or_null, "time_zone": text, "working_days": or_null,
        "events": listed, "assumed": listed, "changed": listed, "terms": {"type": "array", "items": term},
    })  # fmt: skip
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"Bandolo calendar, format {FORMAT}", **schema}
