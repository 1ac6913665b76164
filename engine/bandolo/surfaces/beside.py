"""What lies beside a policy: the texts of its sources and the lists of their norms, read from the files that it names."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path

from bandolo import limits
from bandolo.check.quotes import Norm
from bandolo.diagnostics import Diagnostic
from bandolo.source import SourceFile, Span, read_bytes
from bandolo.syntax import ast


@dataclass
class Beside:
    """Texts by the name of their document, norms in the order of their lists, and what was wrong with the files."""

    texts: dict[str, str] = field(default_factory=dict)
    norms: list[Norm] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)


def read_beside(documents: tuple[ast.Document, ...]) -> Beside:
    """Codes: `source-without-text` (a warning), `source-path`, `no-source-text`, `too-large`, `norms-columns`, `norm-incomplete`,
    `norm-twice`.
    """
    found = Beside()
    for document in documents:
        name = document.name.name
        if document.text is None:
            found.diagnostics.append(Diagnostic("source-without-text", document.name.span, {"document": name}, severity="warning"))
        elif (text := _read(document, document.text, found)) is not None:
            found.texts[name] = text
        if document.norms is not None and (text := _read(document, document.norms, found)) is not None:
            path = str(Path(document.norms.span.source.path).parent / document.norms.name)
            _norms(name, SourceFile(path, text), found)
    return found


def _read(document: ast.Document, named: ast.Ident, found: Beside) -> str | None:
    if Path(named.name).is_absolute() or ".." in Path(named.name).parts:
        found.diagnostics.append(Diagnostic("source-path", named.span, {"path": named.name}))
        return None
    try:
        content = read_bytes(Path(named.span.source.path).parent / named.name, limits.SOURCE_BYTES)
        if len(content) > limits.SOURCE_BYTES:
            args = {"limit": limits.SOURCE_BYTES}
            found.diagnostics.append(Diagnostic("too-large", named.span, args))
            return None
        return content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError, ValueError):
        found.diagnostics.append(Diagnostic("no-source-text", named.span, {"document": document.name.name, "path": named.name}))
        return None


def _norms(document: str, source: SourceFile, found: Beside) -> None:
    """The norms of one list: a CSV file with the columns `id` and `quote`, by comma or semicolon; others are left alone."""
    head = source.text.partition("\n")[0]
    try:
        rows = csv.DictReader(source.text.splitlines(keepends=True), delimiter=";" if head.count(";") > head.count(",") else ",")
        columns = [(c or "").strip() for c in rows.fieldnames or ()]
        rows.fieldnames = columns
        if "id" not in columns or "quote" not in columns:
            found.diagnostics.append(Diagnostic("norms-columns", Span(source, 0, len(head.rstrip())), {"found": ", ".join(columns)}))
            return
        seen: set[str] = set()
        begins = 1
        for row in rows:
            start = source.line_starts[min(begins, len(source.line_starts) - 1)]
            span = Span(source, start, start + len(source.line(min(begins + 1, len(source.line_starts)))))
            begins = rows.line_num
            id_, quote = (row["id"] or "").strip(), (row["quote"] or "").strip()
            if not id_ or not quote:
                found.diagnostics.append(Diagnostic("norm-incomplete", span))
            elif id_ in seen:
                found.diagnostics.append(Diagnostic("norm-twice", span, {"id": id_}))
            else:
                seen.add(id_)
                found.norms.append(Norm(document, id_, quote, span))
    except csv.Error:
        found.diagnostics.append(Diagnostic("norms-columns", Span(source, 0, len(head.rstrip())), {"found": "—"}))
