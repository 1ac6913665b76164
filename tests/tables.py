"""Workbooks for tests, made by openpyxl, which has nothing to do with our reader; and what is said of them."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

import openpyxl

from bandolo.diagnostics import Diagnostic
from bandolo.diagnostics.render import catalogue, render
from bandolo.evaluate.inputs import read_application
from bandolo.language.types import Language
from bandolo.policy import Policy
from bandolo.sheets.files import Tables

KINDS = ("number", "percent", "date", "datetime", "boolean", "error", "formula")
LANGUAGES: tuple[Language, Language] = ("it", "en")


def put(sheet: Any, row: int, column: int, text: str) -> None:
    """A cell of a workbook that openpyxl makes: a library that has nothing to do with ours."""
    kind, _, rest = text.partition(" ")
    cell = sheet.cell(row, column)
    if kind not in KINDS or not rest:
        cell.value, cell.data_type = text, "s"
    elif kind == "boolean":
        cell.value = rest == "true"
    elif kind in ("error", "formula"):
        cell.value = rest
    else:
        cell.value = float(rest) if "." in rest else int(rest)
        cell.number_format = {"percent": "0%", "date": "dd/mm/yyyy", "datetime": "dd/mm/yyyy hh:mm"}.get(kind, "General")


def workbook(sheets: Mapping[str, list[str]], change: Callable[[Any], None] = lambda _: None) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for number, row in enumerate(rows, 1):
            for column, text in enumerate(row.split("|"), 1):
                if text.strip() or len(text) > 1:
                    put(sheet, number, column, text.strip() or "  ")
    change(book)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def said(found: list[Diagnostic]) -> list[str]:
    return [f"{d.path} {d.code}" if d.path else d.code for d in found]


def judged(made: Policy, tables: Tables) -> tuple[list[str], list[Any]]:
    """What is said of some tables, the reading of facts included, and the data of what can be decided."""
    diagnostics, good = list(tables.diagnostics), []
    for row in tables.applications:
        found = list(row.diagnostics)
        if not found:
            for d in read_application(made.core, made.settled, row.data)[1]:
                file, cell = row.located(d.path or "$")
                found.append(Diagnostic(d.code, path=cell, file=file, args=d.args))
        diagnostics += found
        good += [] if found else [row.data]
    for d in diagnostics:
        assert d.file
        assert d.code in catalogue()
        # Nothing is left to be filled in; a brace that the file itself has may be shown.
        assert any("{" in str(a) for a in d.args.values()) or not any("{" in render(d, lang) for lang in LANGUAGES)
    return said(diagnostics), good
