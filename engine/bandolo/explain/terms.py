"""The terms of a calendar in a reader's words: when, whose, by what rule, why they were moved, what they still wait for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from bandolo.agenda import Agenda, Term
from bandolo.check import core
from bandolo.evaluate.wire import split_path
from bandolo.explain.formulas import said as formula_said
from bandolo.language.types import DURATION, Language
from bandolo.language.values import NONE, Fault, Unknown, Value, is_known
from bandolo.language.wording import day, say

WORDS: dict[str, tuple[str, str]] = {
    "cure": ("Integrazione di ciò che manca", "Putting right what is missing"),
    "applicant": ("richiedente", "applicant"),
    "office": ("ufficio", "office"),
    "nobody": ("—", "—"),
    "of": ("spetta a: {who}", "up to: {who}"),
    "fixed": ("data fissata", "fixed date"),
    "term": ("{length} da «{start}»", "{length} from {start}"),
    "on": ("{rule} ({day})", "{rule} ({day})"),
    "open": ("{rule}: non ancora noto", "{rule}: not known yet"),
    "absent": ("{rule}: non c'è, il termine non decorre", "{rule}: there is none, the term does not run"),
    "rolled": (
        "scadrebbe {day}: passa al primo giorno lavorativo ({closed})",
        "would end on {day}: moved to the next working day ({closed})",
    ),
    "missing": ("manca: {what}", "missing: {what}"),
    "set_by": ("manca: {what}, che sarà fissato da: {act}", "missing: {what}, to be set by: {act}"),
    "reading": ("lettura aperta: {question} ({name}: {options})", "open reading: {question} ({name}: {options})"),
    "only_if": ("solo se la lettura {name} è {options}", "only if the reading {name} is {options}"),
    "clock": ("la data di riferimento (--as-of)", "the date as of which to look (--as-of)"),
    "within": ("non prima di {low} e non oltre {high}", "not before {low} and not after {high}"),
    "not_before": ("non prima di {low}", "not before {low}"),
    "not_after": ("non oltre {high}", "not after {high}"),
    "concerns": ("riguarda: {what}", "concerns: {what}"),
    "trial": ("su valori di prova: {names}", "on values for trial: {names}"),
    "unknown": ("non ancora noto", "not known yet"),
    "none": ("non decorre", "does not run"),
    "fault": ("non calcolabile", "not computable"),
    "past": ("passato", "past"),
    "next": ("prossimo, {days}", "next, {days}"),
    "later": ("{days}", "{days}"),
    "today": ("oggi", "today"),
    "tomorrow": ("domani", "tomorrow"),
    "in_days": ("fra {count} giorni", "in {count} days"),
    "and": (" e ", " and "),
}

WEEKDAYS = {
    "it": ("lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}


def word(key: str, lang: Language, **args: object) -> str:
    return WORDS[key][0 if lang == "it" else 1].format(**args)


def weekday(value: date, lang: Language) -> str:
    return WEEKDAYS[lang][value.weekday()]


def short_day(value: date, lang: Language) -> str:
    """`mar 28/02/2023`, `Tue 28 Feb 2023`: always as wide."""
    shown = day(value, lang)
    if lang == "en":
        number, month, year = shown.split()
        shown = f"{number:>2} {month[:3]} {year}"
    return f"{weekday(value, lang)[:3]} {shown}"


@dataclass(frozen=True)
class TermWords:
    """The words for the terms of one calendar."""

    agenda: Agenda
    lang: Language

    @property
    def policy(self) -> core.Policy:
        return self.agenda.policy

    def said(self, key: str, **args: object) -> str:
        return word(key, self.lang, **args)

    def label(self, term: Term) -> str:
        """What the term is for, with the record that it is of."""
        if term.kind == "cure":
            text = self.said("cure")
        else:
            text = term.label.said(self.lang) if term.label is not None else term.name.replace("_", " ")
        return text if term.record is None else f"{text} ({term.record})"

    def whose(self, term: Term) -> str:
        return self.said(term.whose or "nobody")

    def when(self, term: Term) -> str:
        """The day, with the hour of an instant: `mar 28/02/2023 16:00`."""
        if term.day is None:
            return self.said("none" if term.end is NONE else "fault" if isinstance(term.end, Fault) else "unknown")
        hour = f" {_hour(term.end)}" if isinstance(term.end, datetime) else ""
        return short_day(term.day, self.lang) + hour

    def state(self, term: Term) -> str:
        """Past, or in how many days; nothing where the clock is not known."""
        if term.state is None or term.days_left is None:
            return ""
        near = {0: "today", 1: "tomorrow"}.get(term.days_left)
        days = self.said(near) if near else self.said("in_days", count=term.days_left)
        return self.said(term.state, days=days)

    def rule(self, term: Term) -> str:
        """`30 days from Publication of the ranking (30 March 2023)`, or what a point in time is."""
        if term.after is None or term.start is None:
            if term.at is None or isinstance(term.at, core.Constant):
                return self.said("fixed")
            rule = self._formula(term.at)
            return self.said("open", rule=rule) if isinstance(term.end, Unknown) else rule
        known = term.after_value is not None and is_known(term.after_value)
        length = say(term.after_value, DURATION, self.lang) if known and term.after_value is not None else self._formula(term.after)
        rule = self.said("term", length=length, start=self._formula(_bare(term.start)))
        if term.start_value is NONE:
            return self.said("absent", rule=rule)
        if isinstance(term.start_value, date):
            return self.said("on", rule=rule, day=self._value(term.start_value))
        return self.said("open", rule=rule)

    def details(self, term: Term) -> list[str]:
        """What else is to be said of a term: why it was moved, what it waits for, what it concerns."""
        lines = []
        if term.closed:
            first = term.closed[0].day
            shown = [self._closed(c.day, c.name) for c in term.closed]
            lines.append(self.said("rolled", day=f"{weekday(first, self.lang)} {day(first, self.lang)}", closed=", ".join(shown)))
        if isinstance(term.end, Unknown):
            lines += self._within(term.end)
            lines += [self._missing(path) for path in term.missing]
        if term.only_if is not None:
            reading, options = term.only_if
            labels = self.policy.readings[reading].options
            shown = [f"{o} ({labels[o].said(self.lang)})" for o in options]
            lines.append(self.said("only_if", name=reading, options=", ".join(shown)))
        if term.requirements:
            lines.append(self.said("concerns", what=", ".join(self._requirement(r) for r in term.requirements)))
        if term.trial:
            lines.append(self.said("trial", names=", ".join(term.trial)))
        return lines

    def quotes(self, term: Term) -> list[tuple[str, str]]:
        """Each passage with the title of its document."""
        documents = self.policy.documents
        return [(documents[s.document].title.said(self.lang) if s.document in documents else s.document, s.quote) for s in term.sources]

    # Parts.

    def _formula(self, node: core.Expr) -> str:
        return formula_said(self.policy, node, " ".join(node.span.text.split())).said(self.lang)

    def _value(self, value: Value) -> str:
        if isinstance(value, datetime):
            return f"{day(value.date(), self.lang)}, {_hour(value)}"
        assert isinstance(value, date)
        return day(value, self.lang)

    def _closed(self, closed: date, name: core.Texts | None) -> str:
        shown = " ".join(short_day(closed, self.lang).rpartition("/" if self.lang == "it" else " ")[0].split())
        return shown if name is None else f"{shown} {name.said(self.lang)}"

    def _within(self, end: Unknown) -> list[str]:
        low = self._value(end.low) if isinstance(end.low, date) else None
        high = self._value(end.high) if isinstance(end.high, date) else None
        key = "within" if low and high else "not_before" if low else "not_after"
        return [self.said(key, low=low, high=high)] if low or high else []

    def _missing(self, path: str) -> str:
        kind, _, name = path.partition(".")
        if path == "as_of":
            return self.said("missing", what=self.said("clock"))
        if kind == "parameter" and name in self.policy.parameters:
            parameter = self.policy.parameters[name]
            what = f"{parameter.words.label.said(self.lang)} ({name})" if parameter.words.label else name
            return (
                self.said("set_by", what=what, act=parameter.pending.said(self.lang))
                if parameter.pending
                else self.said("missing", what=what)
            )
        if kind == "reading" and name in self.policy.readings:
            reading = self.policy.readings[name]
            return self.said("reading", question=reading.question.said(self.lang), name=name, options=" | ".join(reading.options))
        return self.said("missing", what=self._fact(path))

    def _fact(self, path: str) -> str:
        """A fact by its label and name, the record that it is of, and who supplies it."""
        owner, _, rest = path.rpartition(".")
        name = rest.partition(" at ")[0]
        entity = self.policy.root
        for part in split_path(owner)[::2] if owner else []:
            entity = next((e.name for e in self.policy.entities.values() if part in (e.listed_in, e.name)), entity)
        declared = self.policy.entities[entity].facts.get(name)
        if declared is None:
            return path
        label = f"{declared.words.label.said(self.lang)} ({path})" if declared.words.label else path
        return f"{label} [{declared.by.said(self.lang)}]" if declared.by else label

    def _requirement(self, name: str) -> str:
        label = self.policy.requirements[name].words.label
        return label.said(self.lang) if label else name.replace("_", " ")


def _bare(node: core.Expr) -> core.Expr:
    """A term runs from the day of an instant: `date(closing)` is said as the closing."""
    return node.arguments[0] if isinstance(node, core.Apply) and node.operation.name == "date" else node


def _hour(value: datetime) -> str:
    return value.strftime("%H:%M:%S" if value.second else "%H:%M")
