"""Results as files: a workbook with filters, colours and print setup, or CSV files as the reader's spreadsheet expects them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from bandolo.check import core
from bandolo.export.results_tables import Head, Table
from bandolo.export.workbook_styles import Approximate, Book, CellValue, codes_are_texts, put, width
from bandolo.language.types import PERCENT, TEXT, Language
from bandolo.sheets.layout import plain_words

SHADES = {
    "admitted": ("#E2EFDA", "#375623"),
    "rejected": ("#FCE4E4", "#9C0006"),
    "suspended": ("#FFF2CC", "#7F6000"),
    "undetermined": ("#FFF2CC", "#7F6000"),
    "referred": ("#FFF2CC", "#7F6000"),
    "barred": ("#FFF2CC", "#7F6000"),
    "financed": ("#E2EFDA", "#375623"),
    "partly_financed": ("#FFF2CC", "#7F6000"),
    "not_admitted": ("#FCE4E4", "#9C0006"),
}
LINE, TALLEST = 15, 400
"""The height of a line, and of the tallest row, in points."""
FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""The beginning of a text that a spreadsheet would run."""


def workbook(policy: core.Policy, tables: Sequence[Table], lang: Language) -> bytes:
    """The bytes of a workbook of results. Raises BandoloError with `missing-extra`."""
    book = Book(policy.title.said(lang), policy.conventions.currency, lang)
    taken: set[str] = set()
    pages = [(book.book.add_worksheet(_free(table.title, taken)), table) for table in tables]
    for page, table in pages:
        if table.about:
            _about(book, page, table)
        else:
            _table(book, page, table)
    pages[1][0].activate()
    return book.close()


def _free(title: str, taken: set[str]) -> str:
    number, free = 1, title[:31]
    while plain_words(free) in taken:
        number += 1
        free = f"{title[:27]} {number}"
    taken.add(plain_words(free))
    return free


def _about(book: Book, page: Any, table: Table) -> None:
    page.hide_gridlines(2)
    wrap, strong = book.format(text_wrap=True, valign="top"), book.format(bold=True, text_wrap=True, valign="top")
    for i, head in enumerate(table.heads):
        page.set_column(i, i, head.wide)
    for row, (name, value) in enumerate(table.rows):
        put(page, row, 0, name, strong)
        put(page, row, 1, value, wrap)
    page.set_landscape()
    page.fit_to_pages(1, 0)


def _table(book: Book, page: Any, table: Table) -> None:
    widths = [head.wide if head.type == TEXT else width(head.text, head.type, book.lang) for head in table.heads]
    for i, head in enumerate(table.heads):
        page.set_column(i, i, widths[i])
        page.write_string(0, i, head.text, book.heading(i == 0))
    page.set_row(0, LINE * max(_lines(head.text, widths[i] - 1) for i, head in enumerate(table.heads)) + 3)
    for number, row in enumerate(table.rows, 1):
        mark = table.marks[number - 1] if table.marks else ""
        if (lines := max(_lines(value, widths[i]) for i, value in enumerate(row))) > 1:
            page.set_row(number, min(LINE * lines, TALLEST))  # not every program fits a row to its wrapped text
        for i, value in enumerate(row):
            put(page, number, i, value, _style(book, table.heads[i], value, mark if i in _marked(table) else ""))
    codes_are_texts(page, [i for i, head in enumerate(table.heads) if head.type == TEXT], len(table.rows) + 1)
    page.freeze_panes(1, 1)
    page.autofilter(0, 0, max(len(table.rows), 1), len(table.heads) - 1)
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.repeat_rows(0)
    page.set_footer("&L&A&R&P / &N")


def _lines(value: CellValue, wide: int) -> int:
    """How many lines a text takes in a column so wide."""
    if not isinstance(value, str):
        return 1
    return sum(max(1, -(-len(line) // max(wide - 1, 1))) for line in value.split("\n"))


def _marked(table: Table) -> tuple[int, ...]:
    """The columns that show an outcome by its colour."""
    return {"requirements": (1, 4), "problems": (1, 2), "ranking": (2,)}.get(table.name, (1,))


def _style(book: Book, head: Head, value: CellValue, mark: str) -> Any:
    shade: dict[str, Any] = {}
    if mark in SHADES:
        back, front = SHADES[mark]
        shade = {"bg_color": back, "font_color": front, "bold": True}
    if isinstance(value, Approximate):
        return book.format(num_format='"≈ "' + book.number_format(head.type).replace("General", "0.00"), valign="top", **shade)
    if isinstance(value, str):
        if head.type != TEXT:
            shade |= {"italic": True, "font_color": "#7F7F7F"}  # words in place of a number: not known, not computable
        return book.format(num_format="@" if head.type == TEXT else "General", text_wrap=True, valign="top", **shade)
    return book.cell(head.type, **shade)


# CSV.


def csv_text(table: Table, lang: Language) -> bytes:
    """A table as the spreadsheets of a language expect it: `;` and a decimal comma in Italian; UTF-8 with its mark in both.

    A text that would be taken for a formula gets `'` before it; bandolo takes it off again.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=";" if lang == "it" else ",", quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n")
    writer.writerow([head.text for head in table.heads])
    for row in table.rows:
        writer.writerow([_csv_cell(value, head, lang) for value, head in zip(row, table.heads, strict=True)])
    return b"\xef\xbb\xbf" + stream.getvalue().encode("utf-8", "replace")


def _csv_cell(value: CellValue, head: Head, lang: Language) -> str:
    match value:
        case None:
            return ""
        case Decimal():
            percent = head.type == PERCENT
            text = f"{value * 100 if percent else value:f}"
            text = text.rstrip("0").rstrip(".") if "." in text else text
            text = text.replace(".", ",") if lang == "it" else text
            return f"{text}%" if percent else text
        case Approximate():
            return value.said
        case datetime():
            return value.strftime("%d/%m/%Y %H:%M:%S") if lang == "it" else value.isoformat(sep=" ")
        case date():
            return value.strftime("%d/%m/%Y") if lang == "it" else value.isoformat()
    return f"'{value}" if FORMULA.match(value) else value
