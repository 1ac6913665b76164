"""Applications as tables: cells by their facts, workbooks and CSV read and written, and that nothing is lost on the way."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bandolo import limits
from bandolo.language.types import BOOLEAN, DAYS, MONTHS, TYPE_BY_WORD, ChoiceType, ListType, Type
from bandolo.policy import Policy
from bandolo.sheets.cells import BadCell, Cell, datum, shortest
from bandolo.sheets.csv_text import Dialect
from bandolo.sheets.files import read_tables
from bandolo.sheets.spelling import Spelling
from bandolo.sheets.workbook import _format, letters, read_workbook
from bandolo.surfaces.intake import read_applications
from small import CASES, policy
from tables import KINDS, judged, workbook

# Cells.

SIZE = ChoiceType("size", ("micro", "small"), {"micro": ("Micro", "Micro"), "small": ("Piccola", "Small firm")})
TYPES: dict[str, Type] = {
    **TYPE_BY_WORD,
    "size": SIZE,
    "list of size": ListType(SIZE),
    "duration in days": DAYS,
    "duration in months": MONTHS,
}


def cell_cases() -> list[Any]:
    table = yaml.load((CASES / "sheets" / "cells.yaml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    return [pytest.param(kind, case, id=f"{kind} {case['cell']}") for kind, cases in table.items() for case in cases]


@pytest.mark.parametrize(("kind", "case"), cell_cases())
def test_a_cell_gives_what_its_fact_means(kind: str, case: dict[str, Any]) -> None:
    optional, name = kind.startswith("optional "), kind.removeprefix("optional ")
    word, _, rest = case["cell"].partition(" ")
    cell = Cell(word, rest) if word in KINDS and rest else Cell("text", case["cell"])  # type: ignore[arg-type]
    if cell.kind in ("number", "percent", "date", "datetime"):
        cell = Cell(cell.kind, shortest(cell.text) or "")
    if "error" in case:
        with pytest.raises(BadCell) as bad:
            datum(cell, TYPES[name], optional, Spelling())
        assert bad.value.code == case["error"]
        return
    value = datum(cell, TYPES[name], optional, Spelling())
    wanted = None if case["gives"] == "null" else case["gives"]
    if TYPES[name] == BOOLEAN:
        assert value is (wanted == "true")
    else:
        assert (value if value is None or isinstance(value, list) else str(value)) == wanted


@given(st.integers(-(10**15) + 1, 10**15 - 1), st.integers(0, 6))
def test_a_number_of_fifteen_digits_comes_back_from_a_float(digits: int, places: int) -> None:
    number = Decimal(digits).scaleb(-places)
    assert Decimal(shortest(repr(float(number))) or "nan") == number


def test_a_file_that_shows_its_decimals_settles_what_is_unclear() -> None:
    assert datum(Cell("text", "1,234"), TYPE_BY_WORD["number"], False, Spelling(",")) == Decimal("1.234")
    assert datum(Cell("text", "1.234"), TYPE_BY_WORD["number"], False, Spelling(".")) == Decimal("1.234")
    for ways in (Spelling(","), Spelling(None)):
        with pytest.raises(BadCell, match="ambiguous-number"):
            datum(Cell("text", "1.234"), TYPE_BY_WORD["number"], False, ways)


def test_days_of_the_1904_system() -> None:
    assert datum(Cell("date", "0"), TYPE_BY_WORD["date"], False, Spelling(from_1904=True)) == date(1904, 1, 1)
    assert datum(Cell("datetime", "43465.75"), TYPE_BY_WORD["datetime"], False, Spelling(from_1904=True)) == datetime(2023, 1, 1, 18)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("General", "number"), ("0.00", "number"), ("#,##0.00 [$€-410]", "number"), ('#,##0.00 "EUR day"', "number"), ("@", "number"),
        ("0%", "percent"), ("0.00%;[Red]-0.00%", "percent"), ("dd/mm/yyyy", "date"), ("[$-410]d mmmm yyyy;@", "date"),
        ("d/m/yyyy h:mm", "datetime"), ("hh:mm:ss", "datetime"), ("[h]:mm", "number"), ("0.00E+00", "number"), ("[Red]0", "number"),
        (r"0\d", "number"), ("yyyy\\-mm\\-dd", "date"),
    ],
)  # fmt: skip
def test_what_a_format_makes_of_a_number(code: str, kind: str) -> None:
    assert _format(code) == kind


# Rows.

SHOPS = """
choices: {size: {micro: Micro, small: {it: Piccola, en: Small}}}
stages: [a, b]
entities:
  project:
    label: {it: Progetto, en: Project}
    facts:
      id: {type: text, key: true}
      cash: {type: money, from: 0 EUR, to: 100 EUR, label: {it: Contanti, en: Cash}}
      signed: boolean
      day: {type: date, asked: [a, b], label: {it: Data, en: Day}}
      site: {type: boolean, asked: [a, b]}
      ended: {type: date, optional: true}
      lead: {type: reference to firm, optional: true}
      firms: list of firm
  firm: {facts: {tax: {type: text, key: true}, size: size, bills: list of bill}}
  bill: {facts: {no: {type: integer, key: true}, paid: money}}
definitions: {project: {paid: "sum(sum(paid of bills) of firms)"}}
results: [paid]
"""


@pytest.fixture(scope="module")
def shops() -> Policy:
    return policy(SHOPS)


def plain(data: Any) -> Any:
    """Data as YAML's texts have it, for comparison."""
    if isinstance(data, dict):
        return {k: plain(v) for k, v in data.items()}
    if isinstance(data, list):
        return [plain(v) for v in data]
    return data if data is None else {True: "true", False: "false"}[data] if isinstance(data, bool) else str(data)


def wanted(data: Any) -> Any:
    if isinstance(data, dict):
        return {k: wanted(v) for k, v in data.items()}
    return [wanted(v) for v in data] if isinstance(data, list) else None if data == "null" else data


def row_cases() -> list[Any]:
    cases = yaml.load((CASES / "sheets" / "rows.yaml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    return [pytest.param(case, id=case["it"]) for case in cases]


@pytest.mark.parametrize("case", row_cases())
def test_rows_become_applications(case: dict[str, Any], shops: Policy) -> None:
    found, good = judged(shops, read_tables(shops.core, "book.xlsx", workbook(case["sheets"]), {}))
    assert found == case.get("says", [])
    if "data" in case:
        assert plain(good) == wanted(case["data"])


@pytest.mark.parametrize("case", [c for c in row_cases() if "data" in c.values[0] and "says" not in c.values[0]][:1])
@pytest.mark.parametrize("form", ["files", "folder", "zip"])
def test_the_same_rows_as_csv(case: dict[str, Any], form: str, shops: Policy, tmp_path: Path) -> None:
    bare = {
        title: [";".join(c.strip() for c in row.replace("number ", "").split("|")) for row in rows]
        for title, rows in case["sheets"].items()
    }
    for title, rows in bare.items():
        (tmp_path / f"{title}.csv").write_text("\n".join(rows), encoding="utf-8")
    root = tmp_path / "Project.csv"
    if form == "files":
        beside = {"firm": str(tmp_path / "Firm.csv"), "bill": str(tmp_path / "Bill.csv")}
        got = list(read_applications((str(root),), shops.core, beside))
    elif form == "folder":
        got = list(read_applications((str(tmp_path),), shops.core))
    else:
        with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
            for title in bare:
                archive.write(tmp_path / f"{title}.csv", f"export/{title}.csv")
        got = list(read_applications((str(tmp_path / "all.zip"),), shops.core))
    assert [d for s in got for d in s.diagnostics] == []
    assert plain([s.data for s in got]) == wanted(case["data"])
    assert len(got[0].dialects) == 3


# CSV.


def csv_of(made: Policy, content: bytes) -> tuple[list[str], list[Any], Dialect]:
    tables = read_tables(made.core, "project.csv", content, {})
    return (*judged(made, tables), tables.dialects[0][1])


ITALIAN = 'id;Contanti;Data (a);signed\r\nP1;"1,5";31/12/2022;VERO\r\nP2;;01/02/2023;no\r\n'


@pytest.mark.parametrize(("codec", "name"), [("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8"), ("cp1252", "Windows-1252"), ("utf-16", "UTF-16")])
def test_csv_as_italian_excel_writes_it(codec: str, name: str, shops: Policy) -> None:
    text = ITALIAN.replace("VERO", "sì")
    found, good, dialect = csv_of(shops, text.encode(codec))
    assert found == []
    assert plain(good) == [{"id": "P1", "cash": "1.5", "day": {"a": "2022-12-31"}, "signed": "true"},
                           {"id": "P2", "day": {"a": "2023-02-01"}, "signed": "false"}]  # fmt: skip
    assert dialect == Dialect(name, ";", ",", "day")
    assert dialect.said("it") == f"letto come CSV: {name}, separatore `;`, decimali con la virgola, date prima il giorno"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id;cash\nP1;1.234\n", ["B2 ambiguous-number"]),
        ("id;cash\nP1;1.234\nP2;1,5\n", ["B2 ambiguous-number"]),
        ("id,cash\nP1,1.234\nP2,1.50\n", ["B2 fraction-of-a-cent"]),
        ("id,day at a\nP1,03/04/2023\n", ["B2 ambiguous-date"]),
        ("id,day at a\nP1,03/04/2023\nP2,04/25/2023\n", []),
        ("id,day at a\nP1,03/04/2023\nP2,04/25/2023\nP3,25/04/2023\n", ["B2 ambiguous-date"]),
        ("id;day at a\nP1;03/04/2023\n", []),
        ("id,day at a\nP1,04/04/2023\n", []),
        ("sep=;\nid;cash\nP1;5\n", []),
        ("id\tcash\nP1\t5\n", []),
        ("id|cash\nP1|5\n", []),
        ("id\nP1\n", []),
        ("id,cash\nP1,1,5\n", ["C2 beyond-headings"]),
        ('id;cash\nP1;"5\n', ["A2 csv-quotes"]),
        ('id;cash\nP1;"5"x\n', ["A2 csv-quotes"]),
        ("P1;5\n", ["no-header"]),
        ("", ["no-header"]),
    ],
)
def test_what_is_clear_in_a_csv(text: str, says: list[str], shops: Policy) -> None:
    assert judged(shops, read_tables(shops.core, "project.csv", text.encode(), {}))[0] == says


def test_letters_that_are_none(shops: Policy) -> None:
    for content in (b"id;cash\nP1;\x81\x8d\xff", b"id\x00\nP1", b"\xff\xfei\x00\x00\xd8"):
        assert judged(shops, read_tables(shops.core, "project.csv", content, {}))[0] == ["csv-encoding"]


# Files that are no workbooks, or not what they seem.


def rewritten(content: bytes, change: Callable[[str, bytes], bytes | None]) -> bytes:
    """A workbook with some of its parts changed, or left out."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = change(name, old.read(name))
            if part is not None:
                new.writestr(name, part)
    return stream.getvalue()


PLAIN = {"Project": ["id | cash", "P1 | number 5"]}


def changed(part: str, change: Callable[[bytes], bytes] | None) -> bytes:
    """A plain workbook with a part of it changed, or left out; an empty name is every part."""
    return rewritten(workbook(PLAIN), lambda n, c: c if part not in n else None if change is None else change(c))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.xlsx", b"", ["not-a-workbook"]),
        ("a.xlsx", b"id;cash\nP1;5", ["not-a-workbook"]),
        ("a.xlsx", b"PK\x03\x04broken", ["not-a-workbook"]),
        ("a.xlsx", b"\xd0\xcf\x11\xe0" + b"\0" * 100, ["old-workbook"]),
        ("a.xlsx", b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), ["workbook-locked"]),
        ("a.ods", changed("", None), ["not-a-workbook"]),
        ("a.xlsx", changed("sheet1", None), ["not-a-workbook"]),
        ("a.xlsx", changed("sheet1", lambda c: c[: len(c) // 2]), ["not-a-workbook"]),
        ("a.xlsx", changed("sheet1", lambda c: b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + c), ["not-a-workbook"]),
        ("a.xlsx", changed("sheet1", lambda c: c.replace(b'r="2"', b'r="9999999"')), ["not-a-workbook"]),
        ("a.xlsx", changed("sheet1", lambda c: c.replace(b'r="B2"', b'r="ZZZZ2"')), ["not-a-workbook"]),
        ("a.xlsx", changed("sheet1", lambda c: c.replace(b't="n"', b't="s"')), ["not-a-workbook"]),
        ("a.xlsx", changed("styles", lambda _: b"rubbish"), ["not-a-workbook"]),
        ("a.xlsx", changed("theme", lambda _: b"rubbish"), []),
        ("a.xlsm", workbook(PLAIN), []),
    ],
)
def test_files_that_cannot_be_read(name: str, content: bytes, says: list[str], shops: Policy) -> None:
    assert judged(shops, read_tables(shops.core, name, content, {}))[0] == says


def test_macros_and_styles_that_are_wrong_do_no_harm(shops: Policy) -> None:
    def change(name: str, content: bytes) -> bytes:
        return content.replace(b"<fonts", b'<fonts family="99"') if "styles" in name else content

    content = rewritten(workbook(PLAIN), change)
    with zipfile.ZipFile(stream := io.BytesIO(content), "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"\0" * 50)
    assert judged(shops, read_tables(shops.core, "a.xlsm", stream.getvalue(), {}))[0] == []


def test_hidden_sheets_and_merged_cells(shops: Policy) -> None:
    def hide(book: Any) -> None:
        book.create_sheet("Firm").sheet_state = "hidden"

    def merge(book: Any) -> None:
        book["Project"].merge_cells("B2:B3")

    def title(book: Any) -> None:
        book["Project"].insert_rows(1)
        book["Project"]["A1"] = "Domande"
        book["Project"].merge_cells("A1:B1")

    for change, says in ((hide, ["Firm hidden-sheet"]), (merge, ["Project!B2:B3 merged-cells"]), (title, [])):
        assert judged(shops, read_tables(shops.core, "a.xlsx", workbook(PLAIN, change), {}))[0] == says


def test_a_zip_bomb_is_stopped_while_it_unpacks(shops: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SHEET_BYTES", 2_000_000)
    content = rewritten(workbook(PLAIN), lambda n, c: c.replace(b"<sheetData>", b"<sheetData>" + b" " * 50_000_000) if "sheet1" in n else c)
    assert len(content) < 100_000
    tracemalloc.start()
    found = judged(shops, read_tables(shops.core, "a.xlsx", content, {}))[0]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == ["workbook-too-large"]
    assert peak < 10_000_000


def test_cells_are_read_as_openpyxl_reads_them(tmp_path: Path) -> None:
    """Two readers that share nothing agree on what a workbook of XlsxWriter holds."""
    path = tmp_path / "a.xlsx"
    values = [
        "testo",
        " à\n ",
        "=1+1",
        12,
        0.1,
        -1234.56,
        1e14,
        0.29,
        True,
        False,
        datetime(2022, 12, 31, 16, 0, 1),
        "_x0041_",
        "a_x000D_b",
    ]
    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False})
    sheet, day = book.add_worksheet("S"), book.add_format({"num_format": "dd/mm/yyyy hh:mm:ss"})
    for i, value in enumerate(values):
        sheet.write_datetime(i, 0, value, day) if isinstance(value, datetime) else sheet.write(i, 0, value)
    sheet.write_formula(len(values), 0, "=SUM(1,2)", None, 3)
    book.close()
    ours = [row[0] for _, row in read_workbook("a.xlsx", path.read_bytes()).sheets[0].rows()]
    theirs = [row[0].value for row in openpyxl.load_workbook(path, data_only=True)["S"].iter_rows()]
    for mine, other in zip(ours, theirs, strict=True):
        if isinstance(other, bool):
            assert mine == Cell("boolean", str(other).lower())
        elif isinstance(other, datetime):
            assert datum(mine, TYPE_BY_WORD["datetime"], False, Spelling()) == other.replace(microsecond=0)
        elif isinstance(other, int | float):
            assert Decimal(mine.text) == Decimal(repr(other))
        else:
            assert mine.text == other
    assert [letters(i) for i in (0, 25, 26, 701, 702, 16_383)] == ["A", "Z", "AA", "ZZ", "AAA", "XFD"]


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_no_damage_to_a_workbook_is_more_than_a_diagnostic(data: st.DataObject) -> None:
    """A part of a good workbook cut, repeated or overwritten: an answer or a coded message, never a traceback."""
    made = policy(SHOPS)
    names = ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml", "xl/_rels/workbook.xml.rels"]
    wanted_part = data.draw(st.sampled_from(names))

    def change(name: str, content: bytes) -> bytes:
        if name != wanted_part:
            return content
        start = data.draw(st.integers(0, len(content)))
        end = data.draw(st.integers(start, min(len(content), start + 40)))
        instead = data.draw(st.sampled_from([b"", b"9" * 30, b'"', b"<c>", b"</row>", b"&#0;", b"\xff", b"-1", content[start:end] * 2]))
        return content[:start] + instead + content[end:]

    judged(made, read_tables(made.core, "a.xlsx", rewritten(GOOD, change), {}))


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode), st.sampled_from(["a.csv", "a.xlsx", "a.zip"]))
@example(b";{", "a.csv")
def test_no_bytes_are_more_than_a_diagnostic(content: bytes, name: str) -> None:
    made = policy(SHOPS)
    for start in (b"", b"id;cash\n", b"PK\x03\x04", b"\xff\xfe"):
        judged(made, read_tables(made.core, name, start + content, {}))


GOOD = workbook(
    {"Project": ["id | cash | day at a", "P1 | number 5 | date 44926", "P2 | 1,5 | 31/12/2022"], "Firm": ["Project | tax", "P1 | F1"]}
)


def test_a_hundred_thousand_rows(shops: Policy) -> None:
    """In one project; in seconds, and each in its place."""
    rows = "".join(f"P1;F{i};micro\n" for i in range(100_000))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("project.csv", "id;cash;firms\nP1;1,5;100000\n")
        archive.writestr("firm.csv", "Project;tax;size\n" + rows)
    tables = read_tables(shops.core, "a.zip", stream.getvalue(), {})
    assert tables.diagnostics == []
    assert [len(a.data["firms"]) for a in tables.applications] == [100_000]
    assert tables.applications[0].located("$.firms[99999].size") == ("firm.csv", "C100001")
