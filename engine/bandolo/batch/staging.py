"""The files of a batch as they are read: CSV first copied into Parquet, records in the order of their applications, parts cut.

A part is a row group of applications; where the records of each begin and end in their own files is found once, beforehand, so that any
process can read any part with its records and nothing else.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from bandolo.batch.damaged import each, reading
from bandolo.batch.part import Part
from bandolo.batch.tables import BadTables, link_name, named, once, orphans
from bandolo.batch.task import Task
from bandolo.policy import Policy

BLOCK_BYTES = 1 << 24
"""So much of a CSV file at a time; no row of it is longer."""
GROUP = 50_000
"""So many applications at most are in memory at a time, in each process."""


def staged(policy: Policy, task: Task, folder: Path) -> dict[str, str]:
    """The files as Parquet, by entity: a CSV file is first copied into one, all texts."""
    found = {}
    for entity, path in {policy.core.root: task.applications, **task.records}.items():
        if path.lower().endswith(".csv"):
            target = folder / f"{entity}.csv.parquet"
            if not target.exists():
                with reading(path):
                    _stage_csv(path, target)
            found[entity] = str(target)
        elif not _is_parquet(path):
            raise BadTables("no-table-file", path=path)
        else:
            found[entity] = path
        with reading(path):
            once(pq.read_schema(found[entity]).names, path)
    return found


def _is_parquet(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(4) == b"PAR1"


def _stage_csv(path: str, target: Path) -> None:
    """A CSV file as Parquet, all texts. Codes: `csv-quotes`, `csv-cell`, `not-utf8`, and those of `reading`."""
    with open(path, "rb") as file:
        begin = file.readline()
    if begin.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadTables("not-utf8", line=1).of(path)
    delimiter = max(",;\t", key=begin.decode("utf-8-sig", "replace").count)
    parsing = pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    reading_ = pyarrow.csv.ReadOptions(block_size=BLOCK_BYTES)
    # The headings as the reader has them: a column that it knows under another name would not be read as texts, but guessed.
    names = pyarrow.csv.open_csv(path, parse_options=parsing, read_options=reading_).schema.names
    _quoted(path, delimiter)
    texts = pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""])
    beside = target.with_suffix(".new")
    reader = pyarrow.csv.open_csv(path, parse_options=parsing, read_options=reading_, convert_options=texts)
    with pq.ParquetWriter(beside, reader.schema) as writer:
        for batch in _batches(reader, GROUP):
            writer.write_table(batch, row_group_size=GROUP)
    os.replace(beside, target)


def _quoted(path: str, delimiter: str) -> None:
    """Raises BadTables where quotes do not match: what stands after them would become part of a cell. Code: `csv-quotes`."""
    with open(path, "rb") as content:
        if not any(b'"' in piece for piece in iter(lambda: content.read(1 << 20), b"")):
            return
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        limit = csv.field_size_limit(BLOCK_BYTES)
        rows = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            for _ in rows:
                pass
        except csv.Error:
            raise BadTables("csv-quotes", line=rows.line_num).of(path) from None
        finally:
            csv.field_size_limit(limit)


def _batches(reader: Any, rows: int) -> Iterator[pa.Table]:
    """Batches of a reader, put together to so many rows."""
    held: list[pa.RecordBatch] = []
    for batch in reader:
        held.append(batch)
        while sum(b.num_rows for b in held) >= rows:
            table = pa.Table.from_batches(held)
            yield table.slice(0, rows)
            held = table.slice(rows).to_batches()
    if held:
        yield pa.Table.from_batches(held)


def planned(policy: Policy, sources: dict[str, str], folder: Path) -> list[Part]:
    """The parts: the applications' row groups, and where the records of each begin and end in their own files."""
    root = pq.ParquetFile(sources[policy.core.root])
    sizes = [root.metadata.row_group(i).num_rows for i in range(root.num_row_groups)]
    spans: list[dict[str, tuple[int, int]]] = [{} for _ in sizes]
    for entity in [e for e in sources if e != policy.core.root]:
        with reading(sources[policy.core.root]):
            found = _spans(policy, root, entity, sources[entity])
            if found is None:
                sources[entity] = _in_order(policy, root, entity, sources[entity], folder)
                found = _spans(policy, root, entity, sources[entity])
            assert found is not None
        for span, mine in zip(spans, found, strict=True):
            span[entity] = mine
    return [Part(i, size, span) for i, (size, span) in enumerate(zip(sizes, spans, strict=True))]


def _spans(policy: Policy, root: pq.ParquetFile, entity: str, path: str) -> list[tuple[int, int]] | None:
    """Which rows of a file of records belong to each row group of applications; None where they are not in that order."""
    owner = policy.core.entities[policy.core.entities[entity].owner or ""]
    if owner.name != policy.core.root or owner.key is None:
        raise BadTables("records-too-deep", entity=entity, owner=owner.name)
    file = pq.ParquetFile(path)
    link = link_name(owner, file.schema_arrow)
    if owner.key.name not in root.schema_arrow.names:
        raise BadTables("missing-column", name=owner.key.name)
    named(root.schema_arrow, owner.key.name)
    named(file.schema_arrow, link)
    links = (batch.column(0) for batch in each(path, file.iter_batches(batch_size=1 << 20, columns=[link])))
    current, at, position = next(links, None), 0, 0
    spans = []
    for group in range(root.num_row_groups):
        keys = _texts(root.read_row_group(group, columns=[owner.key.name])[0].combine_chunks())
        begin = position
        while current is not None:
            mine = np.asarray(pc.is_in(_texts(current.slice(at)), value_set=keys))
            stop = len(mine) if mine.all() else int(np.argmin(mine))
            at, position = at + stop, position + stop
            if at < len(current):
                break
            current, at = next(links, None), 0
        spans.append((begin, position))
    return spans if current is None else None


def _texts(column: Any) -> pa.Array:
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    column = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    return column.cast(pa.string())


def _in_order(policy: Policy, root: pq.ParquetFile, entity: str, path: str, folder: Path) -> str:
    """A copy of a file of records in the order of the applications; the one step that holds a whole file in memory."""
    target = folder / f"{entity}.ordered.parquet"
    if target.exists():
        return str(target)
    owner = policy.core.entities[policy.core.root]
    assert owner.key is not None
    with reading(path):
        table = pq.read_table(path)
    keys = _texts(root.read(columns=[owner.key.name])[0])
    links = _texts(table[link_name(owner, table)])
    which = pc.index_in(links, value_set=keys)
    if which.null_count:
        raise orphans(which, links, entity).of(path)
    beside = target.with_suffix(".new")
    pq.write_table(table.take(pa.array(np.argsort(np.asarray(which), kind="stable"))), beside, row_group_size=GROUP * 4)
    os.replace(beside, target)
    return str(target)


class Reader:
    """The tables of a batch's parts, from files that have been planned."""

    def __init__(self, policy: Policy, records: Mapping[str, str], sources: Mapping[str, str]) -> None:
        self.policy = policy
        self.held: dict[str, tuple[Any, Any]] = {}
        self.sources = dict(sources)
        self.files = {entity: pq.ParquetFile(path, memory_map=True) for entity, path in sources.items()}
        self.starts = {e: np.concatenate(([0], np.cumsum([f.metadata.row_group(i).num_rows for i in range(f.num_row_groups)])))
                       for e, f in self.files.items()}  # fmt: skip
        self.spelt = frozenset(
            e
            for e, path in sources.items()
            if path.endswith(".csv.parquet") or (path.endswith(".ordered.parquet") and records[e].lower().endswith(".csv"))
        )

    def tables(self, part: Part) -> Iterator[dict[str, pa.Table]]:
        """The applications of a part with their records, so many at a time."""
        root = self.policy.core.root
        cursor = {e: span[0] for e, span in part.spans.items()}
        batches = self.files[root].iter_batches(batch_size=GROUP, row_groups=[part.number], use_threads=False)
        for batch in each(self.sources[root], batches):
            tables = {root: pa.Table.from_batches([batch])}
            for entity, (_, end) in part.spans.items():
                tables[entity], cursor[entity] = self._records(entity, cursor[entity], end, tables[root], batch.num_rows == part.rows)
            yield tables

    def _records(self, entity: str, begin: int, end: int, owners: pa.Table, whole: bool) -> tuple[pa.Table, int]:
        """The records of some applications, and where those of the next begin."""
        if whole:
            return self._rows(entity, begin, end), end
        key = self.policy.core.entities[self.policy.core.root].key
        assert key is not None
        keys = _texts(owners[key.name])
        pieces = [self._rows(entity, begin, begin)]
        link = link_name(self.policy.core.entities[self.policy.core.root], pieces[0])
        while begin < end:  # one row group of records after another, as far as they belong to these applications
            piece = self._rows(entity, begin, min(end, self._group_end(entity, begin)))
            mine = np.asarray(pc.is_in(_texts(piece[link]), value_set=keys))
            stop = len(mine) if mine.all() else int(np.argmin(mine))
            pieces.append(piece.slice(0, stop))
            begin += stop
            if stop < len(mine):
                break
        return pa.concat_tables(pieces), begin

    def _group_end(self, entity: str, row: int) -> int:
        starts = self.starts[entity]
        return int(starts[int(np.searchsorted(starts, row, "right"))])

    def _rows(self, entity: str, begin: int, end: int) -> pa.Table:
        """Some rows of a file of records; the row group read last is kept, because the next rows are often in it."""
        starts, file = self.starts[entity], self.files[entity]
        if begin == end:
            return file.schema_arrow.empty_table()
        first = int(np.searchsorted(starts, begin, "right")) - 1
        last = int(np.searchsorted(starts, end, "left"))
        groups = (first, last)
        if self.held.get(entity, (None, None))[0] != groups:
            self.held[entity] = None, None
            with reading(self.sources[entity]):
                self.held[entity] = groups, file.read_row_groups(list(range(first, last)), use_threads=False)
        table = self.held[entity][1]
        return table.slice(begin - int(starts[first]), end - begin)
