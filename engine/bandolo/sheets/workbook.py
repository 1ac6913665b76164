"""The cells of a workbook in Office Open XML (.xlsx, .xlsm), sheet by sheet, row by row, in one pass and bounded memory.

Only what data needs is read: values with their stored spelling, whether a format means a date or a percentage, whether a formula has
its value. Styles, drawings, macros and links are never looked at, so a file is not refused for them, and nothing in it is ever run.
Libraries that read workbooks give numbers as floats and either formulas or values; here both are needed (DECISIONS.md).
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import IO
from xml.parsers import expat

from bandolo import limits
from bandolo.diagnostics import Diagnostic
from bandolo.sheets.cells import Cell, shortest

Row = dict[int, Cell]
COLUMNS, ROWS = 16_384, 1_048_576
CHUNK = 1 << 16


class BadFile(Exception):
    """A file that cannot be read as tables: its diagnostic."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic


@dataclass(frozen=True)
class RawSheet:
    """A sheet as it stands: its title, and its rows by number, each a mapping from column (0 is A) to cell. Empty cells are absent.

    `merged` fills up while the rows are read: the areas, as `B2:C3`.
    """

    title: str
    hidden: bool
    rows: Callable[[], Iterator[tuple[int, Row]]]
    merged: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Workbook:
    sheets: tuple[RawSheet, ...]
    from_1904: bool


def read_workbook(label: str, content: bytes) -> Workbook:
    """The sheets of a workbook. Raises BadFile; so may the rows of a sheet while they are read.

    Codes: `not-a-workbook`, `old-workbook`, `workbook-locked`, `workbook-too-large`, `too-many-cells`.
    """
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        locked = "EncryptedPackage".encode("utf-16-le") in content
        code = "workbook-locked" if locked else "old-workbook"
        raise BadFile(Diagnostic(code, file=label, args={"path": label}))
    package = _Package(label, content)
    book = _Book()
    package.parse("xl/workbook.xml", book)
    targets = _Relations()
    package.parse("xl/_rels/workbook.xml.rels", targets)
    shared, formats = _shared(package, targets), _formats(package, targets)
    budget = _Budget(label)
    sheets = []
    for title, hidden, relation in book.sheets:
        path = targets.path(relation)
        if path is not None and path in package.names and targets.kinds.get(relation, "").endswith("/worksheet"):
            merged: list[str] = []
            sheets.append(RawSheet(title, hidden, partial(_rows, package, path, shared, formats, merged, budget), merged))
    if not sheets:
        raise package.bad()
    return Workbook(tuple(sheets), book.from_1904)


# The package: a zip of XML files, none of them trusted.


class _Package:
    """Files of the zip as streams of events, counted as they unpack."""

    def __init__(self, label: str, content: bytes) -> None:
        self.label = label
        self.unpacked = 0
        try:
            self.zip = zipfile.ZipFile(io.BytesIO(content))
            self.names = frozenset(self.zip.namelist())
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, IndexError, OverflowError):
            raise self.bad() from None
        if "xl/workbook.bin" in self.names or "content.xml" in self.names:
            raise BadFile(Diagnostic("old-workbook", file=label, args={"path": label}))
        if "xl/workbook.xml" not in self.names:
            raise self.bad()

    def bad(self) -> BadFile:
        return BadFile(Diagnostic("not-a-workbook", file=self.label, args={"path": self.label}))

    def chunks(self, name: str) -> Iterator[bytes]:
        try:
            with self.zip.open(name) as stream:
                while chunk := _some(stream):
                    self.unpacked += len(chunk)
                    if self.unpacked > limits.SHEET_BYTES:
                        raise BadFile(Diagnostic("workbook-too-large", file=self.label, args={"limit": limits.SHEET_BYTES}))
                    yield chunk
        except (zipfile.BadZipFile, zipfile.LargeZipFile, RuntimeError, NotImplementedError, EOFError, OSError, KeyError, ValueError):
            raise self.bad() from None

    def parse(self, name: str, reader: _Reader) -> None:
        for _ in self.events(name, reader):
            pass

    def events(self, name: str, reader: _Reader) -> Iterator[None]:
        """Feed a file to a reader; a turn after each chunk, so that what was read so far can be taken."""
        if name not in self.names:
            return
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = reader.start
        parser.EndElementHandler = reader.end
        parser.CharacterDataHandler = reader.text
        parser.StartDoctypeDeclHandler = self._refuse  # no workbook has one; entities are how small files grow large
        try:
            for chunk in self.chunks(name):
                parser.Parse(chunk, False)
                yield
            parser.Parse(b"", True)
            yield
        except (expat.ExpatError, UnicodeError, ValueError, RecursionError):
            raise self.bad() from None

    def _refuse(self, *_: object) -> None:
        raise self.bad()


def _some(stream: IO[bytes]) -> bytes:
    try:
        return stream.read(CHUNK)
    except Exception as error:  # a hostile stream may raise whatever its codec does
        raise zipfile.BadZipFile from error


class _Reader:
    """What listens to a file's events. Names come without their prefix."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.open(name.rpartition(":")[2] if ":" in name else name, attributes)

    def end(self, name: str) -> None:
        self.close(name.rpartition(":")[2] if ":" in name else name)

    def open(self, name: str, attributes: dict[str, str], /) -> None: ...

    def close(self, name: str) -> None: ...

    def text(self, text: str) -> None: ...


class _Book(_Reader):
    def __init__(self) -> None:
        self.sheets: list[tuple[str, bool, str]] = []
        self.from_1904 = False

    def open(self, name: str, attributes: dict[str, str]) -> None:
        if name == "sheet":
            relation = next((v for k, v in attributes.items() if k.rpartition(":")[2] == "id"), "")
            self.sheets.append((attributes.get("name", ""), attributes.get("state", "visible") != "visible", relation))
        elif name == "workbookPr":
            self.from_1904 = attributes.get("date1904", "") in ("1", "true")


class _Relations(_Reader):
    """Which file a relation of the workbook leads to."""

    def __init__(self) -> None:
        self.paths: dict[str, str] = {}
        self.kinds: dict[str, str] = {}

    def open(self, name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship" and attributes.get("TargetMode") != "External":
            target = attributes.get("Target", "")
            path = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join("xl", target))
            self.paths[attributes.get("Id", "")] = path
            self.kinds[attributes.get("Id", "")] = attributes.get("Type", "")

    def path(self, relation: str) -> str | None:
        return self.paths.get(relation)

    def of_kind(self, ending: str) -> str | None:
        return next((self.paths[i] for i, kind in self.kinds.items() if kind.endswith(ending)), None)


class _Strings(_Reader):
    """The shared texts; the reading aids of East Asian texts are left out."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.parts: list[str] = []
        self.inside = self.phonetic = False

    def open(self, name: str, _: dict[str, str]) -> None:
        if name == "si":
            self.parts = []
        elif name == "rPh":
            self.phonetic = True
        elif name == "t":
            self.inside = not self.phonetic

    def text(self, text: str) -> None:
        if self.inside:
            self.parts.append(text)

    def close(self, name: str) -> None:
        if name == "t":
            self.inside = False
        elif name == "rPh":
            self.phonetic = False
        elif name == "si":
            self.texts.append(_unescaped("".join(self.parts)))


def _shared(package: _Package, targets: _Relations) -> list[str]:
    strings = _Strings()
    package.parse(targets.of_kind("/sharedStrings") or "xl/sharedStrings.xml", strings)
    return strings.texts


def _unescaped(text: str) -> str:
    """`_x000D_` is how a workbook writes a letter that XML cannot hold."""
    if "_x" not in text:
        return text
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda m: chr(int(m[1], 16)), text).replace("\r\n", "\n")


# Formats: of all of a style only whether it makes a number a date, a time or a percentage.

BUILT_IN = dict.fromkeys((9, 10), "percent") | dict.fromkeys((14, 15, 16, 17, *range(27, 37), *range(50, 59)), "date")
BUILT_IN |= dict.fromkeys((18, 19, 20, 21, 22, 45, 47), "datetime")


class _Styles(_Reader):
    def __init__(self) -> None:
        self.custom: dict[str, str] = {}
        self.cells: list[str] = []
        self.within = False

    def open(self, name: str, attributes: dict[str, str]) -> None:
        if name == "numFmt":
            self.custom[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            self.within = True
        elif name == "xf" and self.within:
            self.cells.append(attributes.get("numFmtId", "0"))

    def close(self, name: str) -> None:
        self.within = self.within and name != "cellXfs"


def _formats(package: _Package, targets: _Relations) -> list[str]:
    """For every style of cells: `number`, `percent`, `date` or `datetime`."""
    styles = _Styles()
    package.parse(targets.of_kind("/styles") or "xl/styles.xml", styles)
    return [_format(styles.custom[i]) if i in styles.custom else BUILT_IN.get(_small(i), "number") for i in styles.cells]


def _small(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else -1


def _format(code: str) -> str:
    """What a format code makes of a number: quoted texts, colours and locales left out, the first section counts."""
    bare = re.sub(r'"[^"]*"|\\.|_.|\*.', "", code[:1_000])
    elapsed = re.search(r"\[(h+|m+|s+)\]", bare, re.I)
    bare = re.sub(r"\[[^\]]*\]", "", bare).partition(";")[0].lower()
    if "%" in bare:
        return "percent"
    if elapsed or bare.strip() == "general" or not re.search(r"[dmyhs]", bare):
        return "number"
    return "datetime" if re.search(r"[hs]", bare) else "date"


# Sheets.


@dataclass
class _Budget:
    """How many cells may still be read, over all sheets."""

    label: str
    left: int = -1

    def __post_init__(self) -> None:
        self.left = limits.SHEET_CELLS

    def take(self, cells: int) -> None:
        self.left -= cells
        if self.left < 0:
            raise BadFile(Diagnostic("too-many-cells", file=self.label, args={"limit": limits.SHEET_CELLS}))


class _Grid(_Reader):
    """Rows of a sheet as they come; `ready` holds those that are complete.

    Its events come by the million, three to a cell: hence `start` and `end` themselves, and the commonest names first.
    """

    def __init__(self, shared: list[str], formats: list[str], merged: list[str], budget: _Budget) -> None:
        self.shared, self.formats, self.merged, self.budget = shared, formats, merged, budget
        self.ready: list[tuple[int, Row]] = []
        self.row: Row = {}
        self.number = 0
        self.column = -1
        self.cell: dict[str, str] = {}
        self.parts: dict[str, list[str]] = {}
        self.part: list[str] | None = None
        self.phonetic = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if ":" in name:
            name = name.rpartition(":")[2]
        if name == "c":
            self.cell, self.parts = attributes, {}
            self.column = _column(attributes["r"]) if "r" in attributes else self.column + 1
        elif name in ("v", "f") or (name == "t" and not self.phonetic):
            self.part = self.parts.setdefault(name, [])
        elif name == "rPh":
            self.phonetic = True
        elif name == "row":
            self.number = _small(attributes["r"]) if "r" in attributes else self.number + 1
            if not 1 <= self.number <= ROWS:
                raise ValueError
            self.row, self.column = {}, -1
        elif name == "mergeCell":
            self.merged.append(attributes.get("ref", ""))

    def text(self, text: str) -> None:
        if self.part is not None:
            self.part.append(text)

    def end(self, name: str) -> None:
        if ":" in name:
            name = name.rpartition(":")[2]
        if name in ("v", "f", "t"):
            self.part = None
        elif name == "rPh":
            self.phonetic = False
        elif name == "c":
            cell = self._read()
            if cell is not None:
                self.row[self.column] = cell
        elif name == "row" and self.row:
            self.budget.take(len(self.row))
            self.ready.append((self.number, self.row))

    def _read(self) -> Cell | None:
        kind, value = self.cell.get("t", "n"), self.parts.get("v")
        text = "".join(value) if value is not None else None
        if "f" in self.parts and (text is None or (text == "" and kind != "str")):
            return Cell("formula", "=" + "".join(self.parts["f"]))
        if kind == "inlineStr":
            return _texted(_unescaped("".join(self.parts.get("t", []))))
        if text is None:
            return None
        match kind:
            case "s":
                return _texted(self.shared[int(text)])
            case "str":
                return _texted(_unescaped(text))
            case "b":
                return Cell("boolean", "true" if text.strip() in ("1", "true") else "false")
            case "e":
                return Cell("error", text)
            case "d":
                return _texted(text)
        number = shortest(text.strip())
        if number is None:
            return Cell("error", text[:60])
        style = _small(self.cell.get("s", "0"))
        return Cell(self.formats[style] if 0 <= style < len(self.formats) else "number", number)  # type: ignore[arg-type]


def _texted(text: str) -> Cell | None:
    return Cell("text", text) if text.strip() else None


def _column(reference: str) -> int:
    """The column of `AB7`, counted from 0."""
    return _number(reference.rstrip("0123456789"))


@lru_cache(maxsize=COLUMNS)
def _number(name: str) -> int:
    number = 0
    for letter in name:
        number = number * 26 + ord(letter) - 64
        if not 1 <= number <= COLUMNS:
            raise ValueError
    return number - 1


def letters(column: int) -> str:
    """How a sheet calls a column: 0 is A, 27 is AB."""
    text, column = "", column + 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


def _rows(
    package: _Package, path: str, shared: list[str], formats: list[str], merged: list[str], budget: _Budget
) -> Iterator[tuple[int, Row]]:
    grid = _Grid(shared, formats, merged, budget)
    try:
        for _ in package.events(path, grid):
            yield from grid.ready
            grid.ready.clear()
    except (IndexError, KeyError):
        raise package.bad() from None
