"""Applications as JSON: one a line, or one list of them. They are read as `bandolo decide` reads them, and decided one by one.

Reading JSON costs more than deciding, so that columns would gain nothing; a line that cannot be read is a row that says why.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from json import JSONDecodeError, JSONDecoder
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from bandolo import limits
from bandolo.batch import outgoing
from bandolo.batch.part import Part
from bandolo.batch.reasons import AS_JSON
from bandolo.batch.rows import Rowwise
from bandolo.batch.run import Decided
from bandolo.batch.tables import BadTables
from bandolo.diagnostics import Diagnostic
from bandolo.evaluate.data import read_json
from bandolo.syntax.read import decode

LINES = 10_000
"""So many lines to a part."""
BYTES = 64_000_000
"""A part ends with the line in which it grows beyond this."""
TABLE = 2_000
"""So many decisions are held at a time."""
CHUNK = 1 << 22
MARK = b"\xef\xbb\xbf"


def are_lines(path: str) -> bool:
    """Whether a file's name says that it holds JSON."""
    return path.lower().endswith((".jsonl", ".ndjson", ".json"))


def staged_lines(path: str, records: Mapping[str, str], folder: Path) -> str:
    """The file as lines: itself, or a copy of a list with an item a line. Raises BadTables for what is neither.

    Codes: `records-beside-json`, `not-json-lines`, `no-applications`, `too-large`, and those of JSON.
    """
    if records:
        raise BadTables("records-beside-json", path=path, entity=next(iter(records)))
    if not path.lower().endswith(".json"):
        with open(path, "rb") as file:
            first = next((line for line in iter(lambda: file.readline(CHUNK), b"") if line.removeprefix(MARK).strip()), None)
        if first is None:
            raise BadTables("no-applications")
        if first.removeprefix(MARK).lstrip()[:1] != b"{":
            raise BadTables("not-json-lines", path=path)
        return path
    target = folder / "applications.items"
    if not target.exists():
        beside = target.with_suffix(".new")
        with open(beside, "wb") as file:
            file.writelines(item.encode() + b"\n" for item in _items(path))
        os.replace(beside, target)
    return str(target)


def _items(path: str) -> Iterator[str]:
    """The items of a list, or the one application that a file is, each on one line, as they are written."""
    with open(path, "rb") as file:
        content = file.read(limits.APPLICATION_BYTES + 1)
    source, found = decode(path, content, limits.APPLICATION_BYTES)
    if source is None:
        raise BadTables(found[0].code, **found[0].args)
    text, decoder, at = source.text, JSONDecoder(parse_int=str, parse_float=str), 0  # a number may have any length here
    at = _blank(text, 0)
    whole = text[at : at + 1] == "{"
    if not whole and text[at : at + 1] != "[":
        raise BadTables("not-json-lines", path=path)
    at = at if whole else _blank(text, at + 1)
    count = 0
    while text[at : at + 1] != "]" or count:
        try:
            _, end = decoder.raw_decode(text, at)
        except (JSONDecodeError, RecursionError) as error:
            raise _slip(text, getattr(error, "pos", at)) from None
        yield text[at:end].replace("\n", " ").replace("\r", " ")  # there is none inside a text
        count, at = count + 1, _blank(text, end)
        if whole or text[at : at + 1] != ",":
            break
        at = _blank(text, at + 1)
    if not whole and text[at : at + 1] != "]":
        raise _slip(text, at)
    at = _blank(text, at if whole else at + 1)
    if at < len(text):
        raise _slip(text, at)
    if not count:
        raise BadTables("no-applications")


def _blank(text: str, at: int) -> int:
    while text[at : at + 1] in (" ", "\t", "\n", "\r"):
        at += 1
    return at


def _slip(text: str, at: int) -> BadTables:
    return BadTables("json-syntax", line=text.count("\n", 0, at) + 1, column=at - text.rfind("\n", 0, at))


def planned_lines(path: str) -> list[Part]:
    """The parts of a file of lines; only a stretch of it is held at a time."""
    parts: list[Part] = []
    begin = line = position = 0
    with open(path, "rb") as file:
        lines = 0
        while chunk := file.read(CHUNK):
            for end in np.flatnonzero(np.frombuffer(chunk, np.uint8) == 10):
                lines += 1
                stop = position + int(end) + 1
                if lines == LINES or stop - begin >= BYTES:
                    parts.append(Part(len(parts), lines, {}, begin, line + 1))
                    begin, line, lines = stop, line + lines, 0
            position += len(chunk)
        if position > begin:
            parts.append(Part(len(parts), lines + 1 if chunk_is_open(file) else lines, {}, begin, line + 1))
    return parts


def chunk_is_open(file: BinaryIO) -> bool:
    """Whether a file ends without the end of a line."""
    file.seek(-1, os.SEEK_END)
    return file.read(1) != b"\n"


class Lines:
    """Decides the parts of a file of lines."""

    def __init__(self, path: str, rowwise: Rowwise, records: Sequence[str]) -> None:
        self.path, self.rowwise, self.records = path, replace(rowwise, typed=False), tuple(records)
        self.place = "item" if path.endswith(".items") else "line"

    def decided(self, part: Part) -> Iterator[Decided]:
        """The decisions on the lines of a part, in their order; empty lines are none."""
        core = self.rowwise.policy.core
        with open(self.path, "rb") as file:
            file.seek(part.begin)
            lines = self._lines(file, part)
            while some := list(islice(lines, TABLE)):
                rows: list[dict[str, Any]] = []
                below: dict[str, list[dict[str, Any]]] = {entity: [] for entity in self.records}
                errors: Counter[str] = Counter()
                for number, content in some:
                    data, problems = self._read(content)
                    row, inner, code = self.rowwise.one(self._name(data), data, self.records, problems)
                    if code is not None:
                        said, _, path = row["error"].partition(" ")
                        row["error"] = f"{said} {self.place} {number} {path}".strip().encode("utf-8", "replace").decode()
                        errors[code] += 1
                    rows.append(row)
                    for entity, found in inner.items():
                        below[entity] += found
                yield Decided(
                    outgoing.from_rows(rows, outgoing.schema(core)),
                    {e: outgoing.from_rows(found, outgoing.record_schema(core, e)) for e, found in below.items()},
                    0, len(rows), {AS_JSON: len(rows)}, dict(errors),
                )  # fmt: skip

    def _lines(self, file: BinaryIO, part: Part) -> Iterator[tuple[int, bytes]]:
        """The lines that are not empty with their numbers; of one that is too long, only as much as tells that it is."""
        for number in range(part.line, part.line + part.rows):
            content = file.readline(limits.APPLICATION_BYTES + 2)
            while content and not content.endswith(b"\n") and (more := file.readline(CHUNK)):
                content = content[: limits.APPLICATION_BYTES + 1] + more[-1:]
            if content.strip():
                yield number, content.rstrip(b"\r\n")

    def _read(self, content: bytes) -> tuple[Any, list[Diagnostic]]:
        source, found = decode(self.path, content, limits.APPLICATION_BYTES)
        if source is None:
            return None, found
        return read_json(source.text, self.path)

    def _name(self, data: Any) -> str | None:
        """What an application is called, where that can be told."""
        core = self.rowwise.policy.core
        key = core.entities[core.root].key
        named = data.get(key.name) if isinstance(data, dict) and key is not None else None
        return named.encode("utf-8", "replace").decode() if isinstance(named, str) else None  # half a character has no place in a column
