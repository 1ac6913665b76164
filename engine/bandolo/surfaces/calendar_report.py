"""What `bandolo calendar` prints and writes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bandolo.agenda import Agenda
from bandolo.diagnostics import ApplicationError, BandoloError, Diagnostic
from bandolo.diagnostics.render import render_all
from bandolo.explain.phrases import phrase
from bandolo.explain.terms import TermWords
from bandolo.export.calendar_data import calendar_as_data
from bandolo.export.icalendar_file import icalendar_file
from bandolo.language.types import Language
from bandolo.policy import Policy
from bandolo.surfaces.intake import Submitted, read_applications

WORDS = {
    "title": {"it": "{title}: termini", "en": "{title}: deadlines and terms"},
    "nothing": {"it": "il bando non ha termini", "en": "the policy has no deadlines or terms"},
    "when": {"it": "scadenza", "en": "ends"},
    "what": {"it": "termine", "en": "term"},
    "whose": {"it": "di chi", "en": "whose"},
    "state": {"it": "stato", "en": "state"},
    "events": {"it": "Eventi dati per prova", "en": "Events given for trial"},
    "written": {"it": "{path}: {count} termini con data", "en": "{path}: {count} dated terms"},
    "left_out": {"it": ", {count} senza data non scritti", "en": ", {count} without a date left out"},
}


def report(
    policy: Policy, application: str | None, what_ifs: dict[str, Any], console: Console, *, as_json: bool, ics: str | None,
    alarm: int | None, sources: bool, lang: Language,
) -> int:  # fmt: skip
    """Print the calendar, or write it; the exit status."""
    submitted = _submitted(policy, application)
    if submitted.diagnostics:
        return _refused(list(submitted.diagnostics), lang)
    try:
        agenda = policy.calendar(submitted.data, **what_ifs)
        content = icalendar_file(agenda, lang, alarm) if ics is not None else b""
    except ApplicationError as error:
        return _refused(submitted.located(error.diagnostics), lang)
    except BandoloError as error:
        return _refused(list(error.diagnostics), lang)
    if ics is not None:
        try:
            _write(ics, content)
        except OSError:
            return _refused([Diagnostic("cannot-write", file=ics, args={"path": ics})], lang)
        _say_written(agenda, ics, lang)
    elif as_json:
        click.echo(json.dumps(calendar_as_data(agenda), ensure_ascii=False, indent=2))
    else:
        _show(console, agenda, TermWords(agenda, lang), sources)
    return 0


def _submitted(policy: Policy, path: str | None) -> Submitted:
    if path is None:
        return Submitted("", {})
    found = list(read_applications((path,), policy.core))
    if len(found) != 1:
        raise click.UsageError("--application takes a file with one application")
    return found[0]


def _refused(diagnostics: list[Diagnostic], lang: Language) -> int:
    click.echo(render_all(diagnostics, lang) + "\n", err=True)
    return 1


def _write(path: str, content: bytes) -> None:
    if path == "-":
        sys.stdout.buffer.write(content)
    else:
        Path(path).write_bytes(content)


def _say_written(agenda: Agenda, path: str, lang: Language) -> None:
    """How many terms the file holds, and how many it cannot: on standard error, where the file may not be."""
    dated = sum(t.day is not None for t in agenda.terms)
    rest = len(agenda.terms) - dated
    text = WORDS["written"][lang].format(path="iCalendar" if path == "-" else path, count=dated)
    click.echo(text + (WORDS["left_out"][lang].format(count=rest) if rest else ""), err=True)


def _show(console: Console, agenda: Agenda, words: TermWords, sources: bool) -> None:
    lang = words.lang
    console.print(Text(WORDS["title"][lang].format(title=agenda.policy.title.said(lang)), style="bold"))
    if agenda.as_of is not None:
        console.print(Text(f"  {phrase('as_of', lang)} {agenda.as_of}"))
    identity = agenda.identity
    said = (
        (phrase("application", lang), (agenda.application,) if agenda.application else ()),
        (phrase("amendments", lang), identity.amendments), (phrase("assumed", lang), agenda.assumed),
        (phrase("changed", lang), agenda.changed), (WORDS["events"][lang], agenda.events),
    )  # fmt: skip
    for head, names in said:
        if names:
            console.print(Padding(Text(f"{head}: {', '.join(names)}"), (0, 0, 0, 2), expand=False))
    console.print()
    if not agenda.terms:
        console.print(Text(WORDS["nothing"][lang]))
        return
    _show_terms(console, agenda, words, sources)


def _show_terms(console: Console, agenda: Agenda, words: TermWords, sources: bool) -> None:
    """A row for each term, and under its label, over the rest of the width, the rule and all that belongs to it."""
    heads = [WORDS[key][words.lang] for key in ("when", "what", "whose", "state")]
    rows = [[words.when(t), words.label(t), words.whose(t), words.state(t)] for t in agenda.terms]
    widths = [max(len(row[i]) for row in [heads, *rows]) + 2 for i in range(4)]
    if agenda.now is None:
        widths[3] = 0
    widths[1] = max(console.width - widths[0] - widths[2] - widths[3], 20)
    console.print(_row(heads, widths, "bold"))
    for term, row in zip(agenda.terms, rows, strict=True):
        console.print(_row(row, widths, {"past": "dim", "next": "bold"}.get(term.state or "", "")))
        quotes = [f"«{quote}» — {document}" for document, quote in words.quotes(term)] if sources else []
        for line in (words.rule(term), *words.details(term), *quotes):
            console.print(Padding(Text(line, style="dim"), (0, 0, 0, widths[0] + 2), expand=False))


def _row(cells: list[str], widths: list[int], style: str) -> Table:
    row = Table.grid()
    shown = [(cell, width) for cell, width in zip(cells, widths, strict=True) if width]
    for _, width in shown:
        row.add_column(width=width)
    row.add_row(*(Text(cell, style=style) for cell, _ in shown))
    return row
