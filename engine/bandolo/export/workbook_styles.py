"""How a workbook looks: formats of cells by type, colours, widths. XlsxWriter is an extra, imported when a workbook is made."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from bandolo.diagnostics import BandoloError, Diagnostic
from bandolo.language.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    INTEGER,
    MONEY,
    NUMBER,
    PERCENT,
    ChoiceType,
    Language,
    Type,
)  # fmt: skip
from bandolo.language.wording import SIGNS
from bandolo.sheets.cells import DIGITS
from bandolo.sheets.workbook import ROWS, letters


@dataclass(frozen=True, slots=True)
class Approximate:
    """A number without an end, cut: shown with `≈` before it. `said` is how a text says it."""

    value: Decimal
    said: str


CellValue = str | Decimal | Approximate | date | datetime | None
"""What a cell may hold; a percentage is its fraction."""

DARK, LIGHT, KEY, PALE = "#1F4E79", "#2E75B6", "#17365D", "#F2F2F2"
NARROWEST, WIDEST = 11, 48
FIXED = datetime(2020, 1, 1)
"""What a workbook says of its making: the same input gives the same bytes."""


class Book:
    """A workbook in the making, with its formats. `close` gives its bytes."""

    def __init__(self, title: str, currency: str, lang: Language) -> None:
        try:
            import xlsxwriter  # an extra: only workbooks that are written need it
        except ImportError:
            what = {"it": "scrivere cartelle di Excel", "en": "writing workbooks"}[lang]
            raise BandoloError([Diagnostic("missing-extra", args={"what": what, "extra": "sheets"})]) from None
        self.stream = io.BytesIO()
        options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        self.book: Any = xlsxwriter.Workbook(self.stream, options)
        self.book.set_properties({"title": title, "comments": "Bandolo", "created": FIXED})
        self.currency, self.lang = currency, lang
        self.made: dict[tuple[tuple[str, Any], ...], Any] = {}

    def close(self) -> bytes:
        self.book.close()
        return self.stream.getvalue()

    def format(self, **properties: Any) -> Any:
        """A format, made once."""
        key = tuple(sorted(properties.items()))
        if key not in self.made:
            self.made[key] = self.book.add_format({"font_name": "Calibri", "font_size": 11, **properties})
        return self.made[key]

    def heading(self, key: bool = False) -> Any:
        colour = KEY if key else LIGHT
        return self.format(bold=True, font_color="white", bg_color=colour, text_wrap=True, valign="vcenter", border=1, border_color="white")

    def cell(self, type_: Type, **more: Any) -> Any:
        """The format of the cells of a type. Texts and choices are text, so that what is typed stays as it was typed."""
        return self.format(num_format=self.number_format(type_), valign="top", **more)

    def number_format(self, type_: Type) -> str:
        sign = SIGNS.get(self.currency, self.currency)
        day = {"it": "dd/mm/yyyy", "en": "d mmm yyyy"}[self.lang]
        formats: dict[Type, str] = {
            INTEGER: "#,##0", NUMBER: "General", MONEY: f'#,##0.00 "{sign}"', PERCENT: "0.00%", DATE: day, DATETIME: f"{day} hh:mm:ss",
            BOOLEAN: "General",
        }  # fmt: skip
        return "General" if isinstance(type_, ChoiceType) else formats.get(type_, "@")


USUAL: dict[Type, int] = {BOOLEAN: 12, INTEGER: 12, NUMBER: 12, MONEY: 16, PERCENT: 11, DATE: 13, DATETIME: 20}


def width(heading: str, type_: Type, lang: Language) -> int:
    """How wide a column is: its values' width, and its heading's in at most three lines."""
    longest = max((len(part) for part in heading.split()), default=0)
    held = USUAL.get(type_, 22)
    if isinstance(type_, ChoiceType):
        held = max(len(type_.said(option, lang)) for option in type_.options) + 4
    return max(NARROWEST, min(WIDEST, max(held, longest + 3, len(heading) // 3 + 4)))


def put(page: Any, row: int, column: int, value: CellValue, style: Any = None) -> None:
    """Write a value into a cell: numbers and dates as such where a spreadsheet keeps them exactly, all else as text, never as a formula."""
    match value:
        case None:
            if style is not None:
                page.write_blank(row, column, None, style)
        case Decimal() if len(value.as_tuple().digits) <= DIGITS and abs(value.adjusted()) < DIGITS:
            page.write_number(row, column, float(value), style)
        case Decimal():
            page.write_string(row, column, f"{value:f}", style)
        case Approximate():
            page.write_number(row, column, float(value.value), style)
        case datetime() | date():
            page.write_datetime(row, column, value, style)
        case str():
            page.write_string(row, column, safe(value), style)


def codes_are_texts(page: Any, columns: list[int], last: int = ROWS) -> None:
    """No green corners on codes that look like numbers: they are texts, and meant to be."""
    if columns:
        page.ignore_errors({"number_stored_as_text": " ".join(f"{letters(i)}2:{letters(i)}{last}" for i in columns)})


def safe(text: str) -> str:
    """A text without what a workbook cannot hold."""
    return "".join(c for c in text if c in "\n\t" or ord(c) >= 32)[:32_000]
