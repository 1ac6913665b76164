"""The cells of a CSV file, and the dialect that it is written in: letters, separator, sign of the decimals, order of dates.

The dialect is found, never assumed: the separator is the one under which the first line is a row of headings; decimals and dates are
read as the file's own clear cases show (`1.234,56`, `31/12/2022`). What no clear case settles stays unclear, and a cell that depends
on it is refused.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bandolo import limits
from bandolo.diagnostics import Diagnostic
from bandolo.language.types import DATE, DATETIME, INTEGER, MONEY, NUMBER, PERCENT, Language
from bandolo.sheets import spelling
from bandolo.sheets.cells import Cell
from bandolo.sheets.layout import Sheet, plain_words
from bandolo.sheets.spelling import First, Mark, Spelling
from bandolo.sheets.workbook import BadFile, RawSheet, Row

SEPARATORS = (";", ",", "\t", "|")
GUARDED = re.compile(r"'+[=+\-@\t\r]")
"""A text that a spreadsheet would take for a formula is written with `'` before it; read, it loses that sign again."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV file is written; None where nothing in it shows it."""

    encoding: str
    separator: str
    decimal: Mark | None
    first: First | None

    def said(self, lang: Language) -> str:
        """The dialect in a reader's words, for a line on the terminal."""
        i = 0 if lang == "it" else 1
        separator = ("tabulazione", "tab")[i] if self.separator == "\t" else f"`{self.separator}`"
        decimals = {",": ("con la virgola", "with a comma"), ".": ("con il punto", "with a point"), None: ("nessuno", "none")}
        dates = {"day": ("prima il giorno", "day first"), "month": ("prima il mese", "month first"), None: ("solo ISO", "ISO only")}
        said = ("letto come CSV: {}, separatore {}, decimali {}, date {}", "read as CSV: {}, separator {}, decimals {}, dates {}")
        return said[i].format(self.encoding, separator, decimals[self.decimal][i], dates[self.first][i])


def read_csv(label: str, content: bytes, sheet: Sheet) -> tuple[RawSheet, Dialect]:
    """The rows of a CSV file that holds an entity's records. Raises BadFile: `csv-encoding`, `csv-quotes`, `too-many-cells`."""
    text, encoding = _decoded(label, content)
    text, separator = _separator(text, sheet)
    rows = list(_rows(label, text, separator))
    found = _evidence(rows, sheet)
    # A file separated by `;` is Excel's where decimals have a comma; there days come first too.
    first = found.first or ("day" if separator == ";" and not found.torn else None)
    dialect = Dialect(encoding, separator, found.decimal, first)
    return RawSheet(label, False, lambda: iter(rows)), dialect


def ways(dialect: Dialect, currency: str) -> Spelling:
    return Spelling(dialect.decimal, dialect.first, currency)


def _decoded(label: str, content: bytes) -> tuple[str, str]:
    """The text and the name of its encoding: by its byte-order mark, else UTF-8, else Windows-1252."""
    for mark, codec, name in (
        (b"\xef\xbb\xbf", "utf-8-sig", "UTF-8"),
        (b"\xff\xfe", "utf-16", "UTF-16"),
        (b"\xfe\xff", "utf-16", "UTF-16"),
    ):
        if content.startswith(mark):
            try:
                return content.decode(codec), name
            except UnicodeDecodeError:
                raise BadFile(Diagnostic("csv-encoding", file=label, args={"path": label})) from None
    for codec, name in (("utf-8", "UTF-8"), ("cp1252", "Windows-1252")):
        try:
            text = content.decode(codec)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text, name
    raise BadFile(Diagnostic("csv-encoding", file=label, args={"path": label}))


def _separator(text: str, sheet: Sheet) -> tuple[str, str]:
    """The text without Excel's own `sep=` line, and the separator under which the most headings of some early line are known."""
    stated = re.match(r"sep=([;,\t|])\r?\n", text)
    if stated is not None:
        return text[stated.end() :], stated[1]
    lines = text[:200_000].splitlines()[: limits.SHEET_HEADER_ROWS]

    def known(separator: str) -> int:
        return max((sum(plain_words(cell.strip('" ')) in sheet.by_word for cell in line.split(separator)) for line in lines), default=0)

    return text, max(SEPARATORS, key=lambda s: (known(s), -SEPARATORS.index(s)))


def _rows(label: str, text: str, separator: str) -> Iterator[tuple[int, Row]]:
    """Records as rows, numbered as a spreadsheet would number them: a text of several lines is one row."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    cells = 0
    number = 0
    try:
        for number, values in enumerate(reader, 1):
            row = {i: Cell("text", _unguarded(value)) for i, value in enumerate(values) if value.strip()}
            cells += len(row)
            if cells > limits.SHEET_CELLS:
                raise BadFile(Diagnostic("too-many-cells", file=label, args={"limit": limits.SHEET_CELLS}))
            if row:
                yield number, row
    except csv.Error:
        raise BadFile(Diagnostic("csv-quotes", file=label, path=f"A{number + 1}", args={"line": reader.line_num})) from None


def _unguarded(value: str) -> str:
    return value[1:] if GUARDED.match(value) else value


# What the cells themselves show.


@dataclass(frozen=True, slots=True)
class _Evidence:
    decimal: Mark | None = None
    first: First | None = None
    torn: bool = False
    """Some dates have the day first and some the month."""


def _evidence(rows: list[tuple[int, Row]], sheet: Sheet) -> _Evidence:
    """The decimals and dates that the clear cells of the right columns show; none where they disagree."""
    kinds: dict[int, str] = {}
    marks: set[Mark] = set()
    orders: set[First] = set()
    for number, (_, row) in enumerate(rows):
        if number < limits.SHEET_HEADER_ROWS:
            kinds |= {i: kind for i, cell in row.items() if (kind := _kind(sheet, cell.text))}
        for i, kind in kinds.items():
            cell = row.get(i)
            if cell is None:
                continue
            if kind == "number" and (mark := spelling.decimal_mark(cell.text)) is not None:
                marks.add(mark)
            elif kind == "date" and (order := spelling.date_order(cell.text)) is not None:
                orders.add(order)
    found = _Evidence(next(iter(marks)) if len(marks) == 1 else None, next(iter(orders)) if len(orders) == 1 else None)
    return replace(found, torn=len(orders) > 1)


def _kind(sheet: Sheet, heading: str) -> str | None:
    """Whether a heading stands over numbers or over dates."""
    column = sheet.by_word.get(plain_words(heading))
    if column is None or column.kind != "fact":
        return None
    return "number" if column.type in (NUMBER, INTEGER, MONEY, PERCENT) else "date" if column.type in (DATE, DATETIME) else None
