"""The boundary book as Markdown, as a workbook to be approved, and as data."""

from __future__ import annotations

import json
from typing import Any

from bandolo.analysis.boundaries.book import Book, Entry, Row
from bandolo.analysis.boundaries.words import word
from bandolo.evaluate.data import Digits, Plain
from bandolo.explain.markdown import escaped
from bandolo.export.workbook_styles import Book as Workbook
from bandolo.export.workbook_styles import put

CHUNK = 30_000
"""How many characters of hidden data a cell takes: a cell holds 32,767."""
HIDDEN = "_bandolo"
"""The hidden sheet that holds what each row was made of."""
COLUMNS = (
    "row",
    "edge",
    "side",
    "application",
    "value",
    "limit",
    "outcome",
    "verdict",
    "results",
    "source",
    "remark",
    "approved",
    "remarks",
)
WIDTHS = (22, 34, 11, 46, 18, 18, 16, 38, 38, 46, 36, 11, 32)
SHADES = {
    "admitted": ("#E2EFDA", "#375623"),
    "rejected": ("#FCE4E4", "#9C0006"),
}
LINE, TALLEST = 15, 300


def markdown(book: Book) -> str:
    """The book as a page: each edge with its passage and its rows, then those without."""
    lang = book.lang
    lines = [f"# {word('book', lang)}: {escaped(book.title)}", "", *(f"{escaped(line)}  " for line in book.about)]
    for number, entry in enumerate(book.with_rows, 1):
        lines += ["", f"## {number}. {escaped(entry.title)}", "", f"{escaped(entry.formula)} ({entry.kind}, `{entry.edge.id}`)", ""]
        lines += [f"> {escaped(document)}: «{escaped(quote)}»  " for document, quote in entry.quotes]
        heads = [word(k, lang) for k in ("side", "application", "value", "limit", "outcome", "verdict", "results")]
        lines += ["", "| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
        for row in entry.rows:
            cells = (row.position, row.application, row.value, row.limit, row.outcome, "; ".join(row.verdicts), "; ".join(row.results))
            lines.append("| " + " | ".join(escaped(c) or "–" for c in cells) + " |")
        lines += ["", f"*{escaped(entry.note)}*"] if entry.note else []
    if book.without:
        lines += ["", f"## {word('without', lang)}", ""]
        lines += [f"| {word('edge', lang)} | {word('formula_head', lang)} | {word('why', lang)} |", "| --- | --- | --- |"]
        lines += [f"| {escaped(e.title)} (`{e.edge.id}`) | {escaped(e.formula)} | {escaped(e.note)} |" for e in book.without]
    return "\n".join(lines) + "\n"


def as_data(book: Book) -> dict[str, Any]:
    """The book for programs."""
    return {
        "title": book.title,
        "about": list(book.about),
        "edges": [
            {
                "id": entry.edge.id, "kind": entry.edge.kind, "title": entry.title, "formula": entry.formula, "status": entry.status,
                "base": entry.base or None, "note": entry.note,
                "sources": [{"document": d, "quote": q} for d, q in entry.quotes],
                "rows": [
                    {
                        "id": row.id, "side": row.side, "application": row.application, "value": row.value, "limit": row.limit,
                        "outcome": row.status, "verdicts": list(row.verdicts), "results": list(row.results),
                        "changes": row.changes, "expect": row.expect,
                    }
                    for row in entry.rows
                ],
            }
            for entry in book.entries
        ],
    }  # fmt: skip


def packed(data: Any) -> Any:
    """Application data as JSON, each text with the mark of how it was written: `=` unquoted, `#` a number of JSON, `'` a text."""
    match data:
        case dict():
            return {k: packed(v) for k, v in data.items()}
        case list() | tuple():
            return [packed(v) for v in data]
        case Plain():
            return "=" + data
        case Digits():
            return "#" + data
        case str():
            return "'" + data
        case bool() | None:
            return data
    return "=" + str(data)


def unpacked(data: Any) -> Any:
    """What `packed` was given."""
    match data:
        case dict():
            return {k: unpacked(v) for k, v in data.items()}
        case list():
            return [unpacked(v) for v in data]
        case str():
            mark, text = data[:1], data[1:]
            return Plain(text) if mark == "=" else Digits(text) if mark == "#" else text
    return data


def cells(entry: Entry, row: Row) -> tuple[str, ...]:
    """What the columns of a row show, but for the two that are filled in."""
    edge = f"{entry.title}\n{entry.formula}"
    source = "\n".join(f"{document}: «{quote}»" for document, quote in entry.quotes)
    return (
        row.id, edge, row.position, row.application, row.value, row.limit, row.outcome, "\n".join(row.verdicts), "\n".join(row.results),
        source, entry.note,
    )  # fmt: skip


def workbook(book: Book, currency: str, about: dict[str, Any]) -> bytes:
    """The bytes of the workbook; `about` goes with it, hidden: what the rows need to become cases. Raises BandoloError `missing-extra`."""
    lang = book.lang
    made = Workbook(book.title, currency, lang)
    page = made.book.add_worksheet(word("edges", lang))
    for i, (key, wide) in enumerate(zip(COLUMNS, WIDTHS, strict=True)):
        page.set_column(i, i, wide)
        page.write_string(0, i, word(key, lang), made.heading(i == 0))
    wrap, fill = made.format(text_wrap=True, valign="top"), made.format(text_wrap=True, valign="top", bg_color="#FFFBE6", border=1)
    hidden: list[tuple[str, str]] = [("", json.dumps(about, ensure_ascii=False))]
    number = 0
    for turn, entry in enumerate(book.with_rows):
        band = made.format(text_wrap=True, valign="top", bg_color="#F2F2F2") if turn % 2 else wrap
        for row in entry.rows:
            number += 1
            shown = cells(entry, row)
            for i, text in enumerate(shown):
                put(page, number, i, text, _style(made, row, i, band))
            put(page, number, len(shown), None, fill)
            put(page, number, len(shown) + 1, None, fill)
            page.set_row(number, min(max(_lines(t, w) for t, w in zip(shown, WIDTHS, strict=False)) * LINE + 3, TALLEST))
            content = {
                "cells": list(shown),
                "base": entry.base,
                "changes": packed(row.changes),
                "expect": packed(row.expect),
                "title": entry.title,
            }
            hidden.append((row.id, json.dumps(content, ensure_ascii=False)))
    column = COLUMNS.index("approved")
    page.data_validation(1, column, max(number, 1), column, {"validate": "list", "source": [word("yes", lang), word("no", lang)]})
    page.freeze_panes(1, 2)
    page.autofilter(0, 0, max(number, 1), len(COLUMNS) - 1)
    page.set_landscape()
    page.set_paper(8)
    page.fit_to_pages(1, 0)
    page.repeat_rows(0)
    page.set_footer("&L&A&R&P / &N")
    _without(made, book)
    store = made.book.add_worksheet(HIDDEN)
    store.hide()
    for line, (name, text) in enumerate(hidden):
        store.write_string(line, 0, name)
        for i in range(0, len(text), CHUNK):
            store.write_string(line, 1 + i // CHUNK, text[i : i + CHUNK])
    page.activate()
    return made.close()


def _style(made: Workbook, row: Row, column: int, plain: Any) -> Any:
    if COLUMNS[column] == "outcome":
        back, front = SHADES.get(row.status, ("#FFF2CC", "#7F6000"))
        return made.format(text_wrap=True, valign="top", bold=True, bg_color=back, font_color=front)
    return plain


def _without(made: Workbook, book: Book) -> None:
    """The sheet of the edges that have no rows, and what is said of the whole book."""
    lang = book.lang
    page = made.book.add_worksheet(word("without", lang)[:31])
    wrap = made.format(text_wrap=True, valign="top")
    for i, (key, wide) in enumerate((("row", 28), ("edge", 60), ("why", 90))):
        page.set_column(i, i, wide)
        page.write_string(0, i, word(key, lang), made.heading(i == 0))
    lines = [("", "", line) for line in book.about]
    lines = [*((e.edge.id, f"{e.title}\n{e.formula}", e.note) for e in book.without), *lines]
    for number, line in enumerate(lines, 1):
        for i, text in enumerate(line):
            put(page, number, i, text, wrap)
        page.set_row(number, min(max(_lines(t, w) for t, w in zip(line, (28, 60, 90), strict=True)) * LINE + 3, TALLEST))
    page.freeze_panes(1, 1)
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1, 0)


def _lines(text: str, wide: int) -> int:
    return sum(max(1, -(-len(line) // max(wide - 2, 1))) for line in text.split("\n"))
