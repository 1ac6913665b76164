"""What holds the sheets: a workbook, one CSV file for each entity, or a folder or zip of them; to applications with their places."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bandolo import limits
from bandolo.check import core
from bandolo.diagnostics import Diagnostic
from bandolo.diagnostics.spelling import nearest
from bandolo.sheets.assemble import Assembled, Source, assemble
from bandolo.sheets.csv_text import Dialect, read_csv, ways
from bandolo.sheets.layout import RESERVED, Sheet, layout, plain_words, sheet_named
from bandolo.sheets.spelling import Spelling
from bandolo.sheets.workbook import BadFile, RawSheet, read_workbook
from bandolo.source import read_bytes

WORKBOOKS = frozenset({".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"})
TEXTS = frozenset({".csv", ".tsv"})
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


@dataclass
class Tables:
    """The applications of a file, what is wrong with the file itself, and how its CSV files were read."""

    applications: list[Assembled] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    dialects: list[tuple[str, Dialect]] = field(default_factory=list)


def are_tables(label: str, content: bytes) -> bool:
    """Whether a file is a workbook, a zip or a CSV file, by its name or its first bytes."""
    return Path(label).suffix.lower() in WORKBOOKS | TEXTS | {".zip"} or content.startswith((ZIP, OLE))


def csv_files(folder: Path) -> list[Path]:
    """The CSV files of a folder, in order of name."""
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in TEXTS and p.is_file() and not p.name.startswith((".", "~", "_")))


def read_tables(policy: core.Policy, label: str, content: bytes, records: Mapping[str, str]) -> Tables:
    """The applications of a workbook, of a zip of CSV files, or of a CSV file with those of the entities below it (`records`).

    Codes: those of workbook.py, csv_text.py, assemble.py; `unknown-sheet`, `sheet-twice`, `hidden-sheet`, `missing-sheet`.
    """
    if len(content) > limits.APPLICATION_BYTES:
        return Tables(diagnostics=[Diagnostic("too-large", file=label, args={"limit": limits.APPLICATION_BYTES})])
    try:
        if Path(label).suffix.lower() in TEXTS and not content.startswith((ZIP, OLE)):
            files = {policy.root: (label, content), **_beside(records)}
            return _csv(policy, label, files)
        members = _members(content) if content.startswith(ZIP) else None
        if members is not None:
            return _csv(policy, label, _by_entity(policy, members))
        return _workbook(policy, label, content, records)
    except BadFile as bad:
        return Tables(diagnostics=[bad.diagnostic])


def read_folder(policy: core.Policy, label: str) -> Tables:
    """The applications of a folder that holds a CSV file for each entity."""
    try:
        named = [(str(path), read_bytes(path, limits.APPLICATION_BYTES)) for path in csv_files(Path(label))]
        return _csv(policy, label, _by_entity(policy, named))
    except BadFile as bad:
        return Tables(diagnostics=[bad.diagnostic])
    except OSError as error:
        path = str(error.filename or label)
        return Tables(diagnostics=[Diagnostic("file-not-found", file=path, args={"path": path})])


def _titles(sheets: Mapping[str, Sheet]) -> str:
    both = [(s.titles.it, s.titles.en) for s in sheets.values()]
    return ", ".join(f"`{it}`" if it == en else f"`{it}`/`{en}`" for it, en in both)


# Workbooks.


def _workbook(policy: core.Policy, label: str, content: bytes, records: Mapping[str, str]) -> Tables:
    book = read_workbook(label, content)
    sheets = layout(policy)
    found = Tables()
    raws: dict[str, RawSheet] = {}
    strangers: list[RawSheet] = []
    for raw in book.sheets:
        sheet = sheet_named(sheets, raw.title)
        if sheet is None:
            if not raw.hidden and not raw.title.startswith("_") and plain_words(raw.title) not in RESERVED and _filled(raw):
                strangers.append(raw)
        elif raw.hidden:
            found.diagnostics.append(Diagnostic("hidden-sheet", file=label, path=raw.title, args={"name": raw.title}))
        elif sheet.entity.name in raws:
            first = raws[sheet.entity.name].title
            found.diagnostics.append(Diagnostic("sheet-twice", file=label, path=raw.title, args={"name": raw.title, "first": first}))
        else:
            raws[sheet.entity.name] = raw
    if policy.root not in raws and len(strangers) == 1 and not found.diagnostics:
        raws[policy.root] = strangers.pop()  # a workbook of one sheet, whatever it is called; its headings must fit
    for raw in strangers:
        near = nearest(raw.title, [t for s in sheets.values() for t in (s.titles.it, s.titles.en)])
        args = {"name": raw.title, "titles": _titles(sheets), "nearest": near}
        found.diagnostics.append(Diagnostic("unknown-sheet", file=label, path=raw.title, args=args))
    if found.diagnostics:
        return found
    spelt = Spelling(None, "day", policy.conventions.currency, book.from_1904)
    sources = {name: Source(raw, label, True, spelt) for name, raw in raws.items()}
    sources |= _csv_sources(policy, _beside(records), found)
    return _assembled(policy, label, sources, found)


def _filled(raw: RawSheet) -> bool:
    return next(iter(raw.rows()), None) is not None


def _assembled(policy: core.Policy, label: str, sources: Mapping[str, Source], found: Tables) -> Tables:
    if policy.root not in sources:
        args = {"name": _titles({policy.root: layout(policy)[policy.root]})}
        found.diagnostics.append(Diagnostic("missing-sheet", file=label, args=args))
        return found
    found.applications, diagnostics = assemble(policy, sources)
    found.diagnostics += diagnostics
    return found


# CSV files.


def _beside(records: Mapping[str, str]) -> dict[str, tuple[str, bytes]]:
    """The CSV files named one by one, by entity. Raises BadFile with `file-not-found`."""
    files = {}
    for entity, path in records.items():
        try:
            files[entity] = path, read_bytes(path, limits.APPLICATION_BYTES)
        except OSError:
            raise BadFile(Diagnostic("file-not-found", file=path, args={"path": path})) from None
    return files


def _members(content: bytes) -> list[tuple[str, bytes]] | None:
    """The CSV files of a zip; None for a zip that holds none, which may be a workbook."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [n for n in archive.namelist() if Path(n).suffix.lower() in TEXTS and "__MACOSX" not in n]
            if not names or "xl/workbook.xml" in archive.namelist():
                return None
            return [(name, _member(archive, name)) for name in sorted(names)]
    except (zipfile.BadZipFile, ValueError, OSError, RuntimeError, NotImplementedError, IndexError, EOFError, OverflowError):
        return None


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as stream:
        content = stream.read(limits.APPLICATION_BYTES + 1)
    if len(content) > limits.APPLICATION_BYTES:
        raise BadFile(Diagnostic("too-large", file=name, args={"limit": limits.APPLICATION_BYTES}))
    return content


def _by_entity(policy: core.Policy, files: list[tuple[str, bytes]]) -> dict[str, tuple[str, bytes]]:
    """Files by the entity or the sheet that they are named after. Raises BadFile: `unknown-sheet`, `sheet-twice`."""
    sheets = layout(policy)
    made: dict[str, tuple[str, bytes]] = {}
    for name, content in files:
        stem = Path(name).stem
        sheet = sheet_named(sheets, stem)
        if sheet is None:
            known = [w for s in sheets.values() for w in (s.entity.name, s.titles.it, s.titles.en)]
            args = {"name": stem, "titles": _titles(sheets), "nearest": nearest(stem, known)}
            raise BadFile(Diagnostic("unknown-sheet", file=name, args=args))
        if sheet.entity.name in made:
            raise BadFile(Diagnostic("sheet-twice", file=name, args={"name": stem, "first": made[sheet.entity.name][0]}))
        made[sheet.entity.name] = name, content
    return made


def _csv(policy: core.Policy, label: str, files: Mapping[str, tuple[str, bytes]]) -> Tables:
    found = Tables()
    return _assembled(policy, label, _csv_sources(policy, files, found), found)


def _csv_sources(policy: core.Policy, files: Mapping[str, tuple[str, bytes]], found: Tables) -> dict[str, Source]:
    sheets = layout(policy)
    sources = {}
    for entity, (name, content) in files.items():
        if len(content) > limits.APPLICATION_BYTES:
            raise BadFile(Diagnostic("too-large", file=name, args={"limit": limits.APPLICATION_BYTES}))
        raw, dialect = read_csv(name, content, sheets[entity])
        found.dialects.append((name, dialect))
        sources[entity] = Source(raw, name, False, ways(dialect, policy.conventions.currency))
    return sources
