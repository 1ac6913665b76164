"""Applications from files: JSON, JSON Lines, YAML, workbooks and CSV, one or several in a file, `-` for standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bandolo import limits
from bandolo.check import core
from bandolo.diagnostics import Diagnostic
from bandolo.evaluate.data import read_json
from bandolo.source import SourceFile, Span, read_bytes
from bandolo.syntax.read import decode

if TYPE_CHECKING:
    from bandolo.policy import Policy
    from bandolo.sheets.assemble import Assembled
    from bandolo.sheets.csv_text import Dialect
    from bandolo.sheets.files import Tables


READ = (".json", ".jsonl", ".ndjson", ".yaml", ".yml", ".xlsx")
"""The files that a folder of applications is read for; a folder with CSV files is one table an entity."""

NO_TABLES = (".json", ".jsonl", ".ndjson")
"""What begins as JSON under such a name is no workbook."""


@dataclass(frozen=True)
class Submitted:
    """One application as it was handed in: its data, or why it could not be read."""

    label: str
    data: Any
    diagnostics: tuple[Diagnostic, ...] = ()
    source: SourceFile | None = None
    prefix: str = "$"
    places: dict[str, Span] = field(default_factory=dict)
    row: Assembled | None = None
    """Where it is a row of a sheet, that row with those below it."""
    dialects: tuple[tuple[str, Dialect], ...] = ()
    """How the CSV files were read, with the first application of a file: to be said."""
    line: Span | None = None
    """Where it stands in a file of JSON Lines."""

    def located(self, diagnostics: tuple[Diagnostic, ...]) -> list[Diagnostic]:
        """Diagnostics of this application with their place in its file, as near to it as can be found."""
        if not diagnostics:
            return []
        if self.row is not None:
            return [self._in_row(d, self.row) for d in diagnostics]
        places = self.places or self._find_places()
        return [self._located(d, places) for d in diagnostics]

    @staticmethod
    def _in_row(diagnostic: Diagnostic, row: Assembled) -> Diagnostic:
        if diagnostic.span is not None or diagnostic.path is None:
            return diagnostic
        file, cell = row.located(diagnostic.path)
        return replace(diagnostic, file=file, path=cell)

    def _find_places(self) -> dict[str, Span]:
        """JSON is read fast and without places; when there is something to show, its text is read again as YAML, which it is."""
        if self.source is None:
            return {}
        from bandolo.evaluate.yaml_data import data_of
        from bandolo.syntax.yaml_tree import parse_yaml

        places: dict[str, Span] = {}
        source = self.source if self.line is None else SourceFile(self.source.path, self.line.text)
        tree, _ = parse_yaml(source)
        if tree is not None:
            data_of(tree, places=places)
        if self.line is None:
            return places
        start = self.line.start
        return {path: Span(self.source, start + place.start, start + place.end) for path, place in places.items()}

    def _located(self, diagnostic: Diagnostic, places: dict[str, Span]) -> Diagnostic:
        if diagnostic.span is not None or diagnostic.path is None:
            return diagnostic
        path = self.prefix + diagnostic.path.removeprefix("$")
        if diagnostic.code == "unknown-fact" and f"{path}#" in places:
            path += "#"
        while path and path not in places:
            cut = max(path.rfind("."), path.rfind("["))
            path = path[:cut] if cut > 0 else ""
        span = places.get(path)
        return replace(diagnostic, file=self.label) if span is None else replace(diagnostic, span=first_line(span), file=self.label)


def first_line(span: Span) -> Span:
    """The beginning of a span, up to the end of its line."""
    end = span.source.text.find("\n", span.start, span.end)
    return span if end < 0 else Span(span.source, span.start, end)


def read_applications(
    paths: str | PathLike[str] | Iterable[str | PathLike[str]],
    policy: Policy | core.Policy | None = None,
    records: Mapping[str, str] | None = None,
) -> Iterator[Submitted]:
    """Every application of the given files, or of one file, in order: `data`, or the `diagnostics` that say why it cannot be read.

    Workbooks, CSV files and folders of them are read by the columns of the `policy`; `records` are the CSV files of the entities below
    the root, by entity, that go with a CSV file of root records.
    """
    text = policy if policy is None or isinstance(policy, core.Policy) else policy.core
    for path in map(str, [paths] if isinstance(paths, str | PathLike) else paths):
        yield from _of_path(path, text, records or {})


def _of_path(path: str, policy: core.Policy | None, records: Mapping[str, str]) -> Iterator[Submitted]:
    if path == "-":
        content = sys.stdin.buffer.read(limits.APPLICATION_BYTES + 1)
        yield from _from_bytes("<stdin>", content, policy, records)
        return
    try:
        content = read_bytes(path, limits.APPLICATION_BYTES)
    except OSError as error:
        folder = _from_folder(path, policy) if isinstance(error, IsADirectoryError | PermissionError) else None
        inside = _files_in(path) if folder is None else ()
        if inside:
            yield from read_applications(inside, policy, records)
        else:
            yield from folder if folder is not None else [Submitted(path, None, (not_readable(path, error),))]
        return
    yield from _from_bytes(path, content, policy, records)


def _files_in(path: str) -> tuple[str, ...]:
    """The files of applications in a folder, by name."""
    folder = Path(path)
    return tuple(str(f) for f in sorted(folder.iterdir()) if f.suffix.lower() in READ) if folder.is_dir() else ()


def _from_folder(path: str, policy: core.Policy | None) -> list[Submitted] | None:
    """The applications of a folder of CSV files; None where it holds none, or is no folder."""
    from bandolo.sheets.files import csv_files, read_folder

    if policy is None or not Path(path).is_dir() or not csv_files(Path(path)):
        return None
    return _from_tables(path, read_folder(policy, path))


def _from_tables(label: str, tables: Tables) -> list[Submitted]:
    """What is wrong with the file first, then its applications."""
    made = [Submitted(label, None, tuple(tables.diagnostics))] if tables.diagnostics else []
    made += [Submitted(a.label, a.data, a.diagnostics, row=a) for a in tables.applications]
    return [replace(made[0], dialects=tuple(tables.dialects)), *made[1:]] if made else []


def not_readable(path: str, error: OSError) -> Diagnostic:
    code = "is-a-folder" if isinstance(error, IsADirectoryError) else "file-not-found"
    return Diagnostic(code, file=path, args={"path": path})


def _from_bytes(label: str, content: bytes, policy: core.Policy | None, records: Mapping[str, str]) -> Iterator[Submitted]:
    suffix = Path(label).suffix.lower()
    if policy is not None and (suffix not in NO_TABLES or content[:1] not in (b"{", b"[")):
        from bandolo.sheets.files import are_tables, read_tables

        if are_tables(label, content):
            yield from _from_tables(label, read_tables(policy, label, content, records))
            return
    source, found = decode(label, content, limits.APPLICATION_BYTES)
    if source is None:
        yield Submitted(label, None, tuple(found))
        return
    text = source.text
    if suffix in (".jsonl", ".ndjson") or (suffix not in (".json", ".yaml", ".yml") and _looks_like_lines(text)):
        yield from _lines(label, source)
    elif suffix == ".json" or (suffix not in (".yaml", ".yml") and text.lstrip()[:1] in ("{", "[")):
        data, diagnostics = read_json(text, label)
        diagnostics = [_at_line(d, source) for d in diagnostics]
        submitted = Submitted(label, data, (), source)
        yield from _one_or_many(replace(submitted, diagnostics=tuple(submitted.located(tuple(diagnostics)))))
    else:
        from bandolo.evaluate.yaml_data import data_of
        from bandolo.syntax.yaml_tree import parse_yaml

        tree, diagnostics = parse_yaml(source)
        places: dict[str, Span] = {}
        data = data_of(tree, places=places) if tree is not None else None
        yield from _one_or_many(Submitted(label, data, tuple(diagnostics), source, places=places))


def _at_line(diagnostic: Diagnostic, source: SourceFile, before: int = 0) -> Diagnostic:
    """A slip of JSON itself, at the line and column where its reader stopped; `before` are the lines that it had not been given."""
    line, column = diagnostic.args.get("line"), diagnostic.args.get("column")
    if line is None or column is None:
        return diagnostic
    line += before
    diagnostic = replace(diagnostic, args={**diagnostic.args, "line": line})
    start = min(source.line_starts[line - 1] + column - 1, max(len(source.text) - 1, 0))
    return replace(diagnostic, span=Span(source, start, start + 1))


def _looks_like_lines(text: str) -> bool:
    lines = [line for line in text.splitlines() if line.strip()]
    return len(lines) > 1 and all(line.startswith("{") and line.rstrip().endswith("}") for line in lines)


def _lines(label: str, source: SourceFile) -> Iterator[Submitted]:
    found = False
    # Not splitlines: U+2028 and its like end no line here, and may stand in a text.
    for number, line in enumerate(source.text.split("\n"), 1):
        if not line.strip():
            continue
        found = True
        data, diagnostics = read_json(line, label)
        start = source.line_starts[number - 1]
        submitted = Submitted(f"{label}:{number}", data, (), source, line=Span(source, start, start + len(line)))
        said = submitted.located(tuple(_at_line(d, source, number - 1) for d in diagnostics))
        yield replace(submitted, diagnostics=tuple(said))
    if not found:
        yield Submitted(label, None, (Diagnostic("no-applications", file=label),))


def _one_or_many(submitted: Submitted) -> Iterator[Submitted]:
    if not isinstance(submitted.data, list) or submitted.diagnostics:
        yield submitted
        return
    if not submitted.data:
        yield replace(submitted, data=None, diagnostics=(Diagnostic("no-applications", file=submitted.label),))
    for i, item in enumerate(submitted.data):
        yield replace(submitted, label=f"{submitted.label}[{i}]", data=item, prefix=f"$[{i}]")
