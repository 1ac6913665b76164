"""A batch from files to files: row groups one after another in bounded memory, on several processes, to be taken up again after a stop.

Beside the output stands a folder of parts while it is being made: one part a row group, each whole or not there. Whoever starts the same
batch again finds them; at the end they become one file, in the order of the applications.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from bandolo.batch.damaged import each, once, reading
from bandolo.batch.intake import BadTables, link_name
from bandolo.batch.lines import Lines, are_lines, planned_lines, staged_lines
from bandolo.batch.part import Part
from bandolo.batch.run import Decided, Prepared
from bandolo.batch.writing import writer as _writer
from bandolo.policy import Policy, load_policy
from bandolo.version import __version__

GROUP = 50_000
"""So many applications at most are in memory at a time, in each process."""


@dataclass(frozen=True)
class Task:
    """A batch: the policy's files, the what-ifs, the files of applications and of listed records by entity, and where the decisions go."""

    policy: str
    amendments: tuple[str, ...]
    what_if: Mapping[str, Any]
    applications: str
    records: Mapping[str, str]
    to: str
    records_to: Mapping[str, str]
    """The file for the rows of an entity's records."""
    workers: int = 0
    """How many processes; 0 for as many as there are processors."""


@dataclass
class Report:
    """What a batch came to: applications, how they were decided, why some went by rows, bad data by code, and outcomes."""

    applications: int = 0
    by_columns: int = 0
    by_rows: int = 0
    resumed: int = 0
    """Parts that had been done before."""
    seconds: float = 0.0
    why: dict[str, int] = field(default_factory=dict)
    """Why applications went by rows, and how many; one may have several reasons."""
    errors: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)

    def add(self, part: Mapping[str, Any]) -> None:
        self.applications += part["applications"]
        self.by_columns += part["by_columns"]
        self.by_rows += part["by_rows"]
        self.why = dict(sorted((Counter(self.why) + Counter(part["why"])).items()))
        self.errors = dict(sorted((Counter(self.errors) + Counter(part["errors"])).items()))
        self.outcomes = dict(sorted((Counter(self.outcomes) + Counter(part["outcomes"])).items()))


Progress = Callable[[int, int], None]
"""Told the applications that are done, and all of them."""


def run_files(task: Task, progress: Progress | None = None) -> Report:
    """Decide a file of applications into a file of decisions. Raises BadTables, OSError, or PolicyError."""
    began = time.monotonic()
    policy = load_policy(task.policy, amendments=task.amendments)
    folder = Path(task.to + ".parts")
    _claim(folder, _fingerprint(task, policy))
    try:
        if are_lines(task.applications):
            sources = {policy.core.root: staged_lines(task.applications, task.records, folder)}
            parts = planned_lines(sources[policy.core.root])
        else:
            sources = staged(policy, task, folder)
            parts = planned(policy, sources, folder)
        if not any(p.rows for p in parts):
            raise BadTables("no-applications")
    except (BadTables, OSError):
        shutil.rmtree(folder)  # nothing was decided
        raise
    report, total = Report(), sum(p.rows for p in parts)
    left = []
    for part in parts:
        done = _done(folder, part)
        if done is None:
            left.append(part)
        else:
            report.add(done)
            report.resumed += 1
    if progress is not None:
        progress(report.applications, total)
    for made in _each(task, sources, folder, left):
        report.add(made)
        if progress is not None:
            progress(report.applications, total)
    if progress is not None:
        progress(total, total)
    _merge(folder, parts, "", task.to)
    for entity, path in task.records_to.items():
        _merge(folder, parts, f".{entity}", path)
    shutil.rmtree(folder)
    report.seconds = time.monotonic() - began
    return report


# What is to be done.


def _fingerprint(task: Task, policy: Policy) -> str:
    """What parts made earlier must have in common with this batch."""
    files = [task.applications, *task.records.values()]
    stats = [(f, os.stat(f).st_size, os.stat(f).st_mtime_ns) for f in files]
    what = (__version__, policy.digest, policy.amendments, sorted(task.what_if.items(), key=str), stats, sorted(task.records_to))
    return hashlib.sha256(repr(what).encode()).hexdigest()


def _claim(folder: Path, fingerprint: str) -> None:
    """The folder of parts, emptied unless its parts are of this very batch."""
    manifest = folder / "batch.json"
    try:
        same = json.loads(manifest.read_text())["batch"] == fingerprint
    except (OSError, ValueError, KeyError, TypeError):
        same = False
    if not same:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _write(manifest, json.dumps({"batch": fingerprint}).encode())


def _write(path: Path, content: bytes) -> None:
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(content)
    os.replace(beside, path)


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
            once(path, pq.read_schema(found[entity]).names)
    return found


def _is_parquet(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(4) == b"PAR1"


def _stage_csv(path: str, target: Path) -> None:
    with open(path, "rb") as file:
        head = file.readline().decode("utf-8-sig", "replace")
    delimiter = max(",;\t", key=head.count)
    names = [n.strip().strip('"') for n in head.strip().split(delimiter)]
    beside = target.with_suffix(".new")
    options = pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""])
    reader = pyarrow.csv.open_csv(path, parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter), convert_options=options)
    with pq.ParquetWriter(beside, reader.schema) as writer:
        for batch in _batches(reader, GROUP):
            writer.write_table(batch, row_group_size=GROUP)
    os.replace(beside, target)


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
    which = pc.index_in(_texts(table[link_name(owner, table)]), value_set=keys)
    if which.null_count:
        raise BadTables("orphan-records", count=which.null_count, entity=entity)
    beside = target.with_suffix(".new")
    pq.write_table(table.take(pa.array(np.argsort(np.asarray(which), kind="stable"))), beside, row_group_size=GROUP * 4)
    os.replace(beside, target)
    return str(target)


# Doing it.


def _each(task: Task, sources: dict[str, str], folder: Path, parts: list[Part]) -> Iterator[dict[str, Any]]:
    """Do the parts, on as many processes as are worth it; what each came to, as it comes."""
    workers = min(task.workers or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, len(parts))
    if workers <= 1:
        worker = _Worker(task, sources, folder)
        for part in parts:
            yield worker.do(part)
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(task, sources, folder)) as pool:
        for done in as_completed([pool.submit(_do, part) for part in parts]):
            yield done.result()


_worker: _Worker | None = None


def _begin(task: Task, sources: dict[str, str], folder: Path) -> None:
    global _worker  # noqa: PLW0603 - a process of the pool has one
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    _worker = _Worker(task, sources, folder)


def _end_with(parent: int) -> None:
    """A process whose parent was killed would wait for work for ever."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _do(part: Part) -> dict[str, Any]:
    assert _worker is not None
    return _worker.do(part)


class _Worker:
    def __init__(self, task: Task, sources: dict[str, str], folder: Path) -> None:
        self.folder = folder
        policy = load_policy(task.policy, amendments=task.amendments)
        root, records, what_if = policy.core.root, tuple(task.records_to), dict(task.what_if)
        self.source: Lines | Reader
        if are_lines(task.applications):
            self.prepared = Prepared(policy, what_if, records)
            self.source = Lines(sources[root], self.prepared.rowwise, records)
        else:
            self.source = Reader(policy, task.records, sources)
            self.prepared = Prepared(policy, what_if, records, self.source.spelt)

    def decided(self, part: Part) -> Iterator[Decided]:
        """The decisions of a part, so many at a time."""
        if isinstance(self.source, Lines):
            yield from self.source.decided(part)
        else:
            yield from (self.prepared.decide(tables) for tables in self.source.tables(part))

    def do(self, part: Part) -> dict[str, Any]:
        """Decide one part and write it, whole, before it is counted."""
        report = Report()
        writers: dict[str, pq.ParquetWriter] = {}
        paths = {"": _path(self.folder, part, ""), **{e: _path(self.folder, part, f".{e}") for e in self.prepared.records}}
        for decided in self.decided(part):
            counts = _counted(decided.applications["outcome"])
            report.add({"applications": len(decided.applications), "by_columns": decided.by_columns, "by_rows": decided.by_rows,
                        "why": decided.why, "errors": decided.errors, "outcomes": counts})  # fmt: skip
            for name, table in {"": decided.applications, **decided.records}.items():
                if name not in writers:
                    writers[name] = pq.ParquetWriter(f"{paths[name]}.new", table.schema)
                writers[name].write_table(table)
        made = {k: getattr(report, k) for k in ("applications", "by_columns", "by_rows", "why", "errors", "outcomes")}
        for name in [*self.prepared.records, ""]:
            if name in writers:
                if name == "":
                    writers[name].add_key_value_metadata({"bandolo": json.dumps(made)})
                writers[name].close()
                os.replace(f"{paths[name]}.new", paths[name])  # the applications' part last: it says that all are there
        return made


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


def _counted(outcomes: pa.ChunkedArray) -> dict[str, int]:
    counts = pc.value_counts(outcomes.combine_chunks().cast(pa.string()) if outcomes.num_chunks else pa.array([], pa.string()))
    return {"bad data" if item["values"] is None else item["values"]: item["counts"] for item in counts.to_pylist()}


def _path(folder: Path, part: Part, of: str) -> Path:
    return folder / f"part-{part.number:06}{of}.parquet"


def _done(folder: Path, part: Part) -> dict[str, Any] | None:
    """What a part came to, if it is there."""
    path = _path(folder, part, "")
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(pq.read_metadata(path).metadata[b"bandolo"])
    return found


def _merge(folder: Path, parts: list[Part], of: str, to: str) -> None:
    """One file of all parts, in order."""
    beside = f"{to}.new"
    writer: Any = None
    for part in parts:
        path = _path(folder, part, of)
        if not path.exists():
            continue
        file = pq.ParquetFile(path)
        for group in range(file.num_row_groups):
            table = file.read_row_group(group)
            if writer is None:
                writer = _writer(beside, to, table.schema.remove_metadata())
            writer.write_table(table.replace_schema_metadata(None))
    if writer is None:
        raise BadTables("no-applications")
    writer.close()
    os.replace(beside, to)
