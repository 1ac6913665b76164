"""A ranking from files to a file: what the ranking takes is computed row group by row group, and only that is held for all applications.

Two passes over the applications: the first gives standings, keys, amounts and a number for each claim, the second reads again those that
share a record with another, because only they may have to be decided again. As with any batch, a part that has been done is not done again
after a stop.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bandolo.batch.again import subset
from bandolo.batch.helpers import Array
from bandolo.batch.keys import digests
from bandolo.batch.lines import are_lines
from bandolo.batch.part import Part
from bandolo.batch.ranked import Ranked, prepared_for, ranking
from bandolo.batch.ranking_columns import CLAIMS, schema
from bandolo.batch.run import root_offsets
from bandolo.batch.staging import Reader, planned, staged
from bandolo.batch.standing import Standings, of_tables, ranker_for
from bandolo.batch.tables import BadTables, Tables, one, together
from bandolo.batch.task import PARTS, NotFinished, Task, beside, claimed, end_with, ended, fingerprint, given_up
from bandolo.batch.writing import writer_for
from bandolo.check import core
from bandolo.diagnostics import PolicyError
from bandolo.policy import load_policy

Progress = Callable[[str, int, int], None]
"""Told what is being done (`columns`, `again`, `list`), the applications that are done and all of them."""
ROWS = 100_000
"""So many rows of the list in a row group of the file."""


@dataclass(frozen=True)
class _Sharing:
    """The second pass over a part: its applications, by their rows in it, that share a record."""

    part: Part
    rows: Array


def rank_files(task: Task, progress: Progress | None = None) -> tuple[Ranked, float]:
    """Rank a file of applications into a file, and in how many seconds. Raises BadTables, NotFinished, OSError, or PolicyError."""
    began = time.monotonic()
    policy = load_policy(task.policy, amendments=task.amendments)
    prepared = prepared_for(policy, dict(task.what_if))
    ranker = ranker_for(prepared)
    if are_lines(task.applications):
        raise BadTables("no-table-file", path=task.applications)
    folder = Path(task.to + PARTS)
    with claimed(folder, "ranking " + fingerprint(task, policy)):
        try:
            sources = staged(policy, task, folder)
            parts = planned(policy, sources, folder)
            if not any(part.rows for part in parts):
                raise BadTables("no-applications")
            work = _Work(task, sources, folder, parts, policy.core, progress or (lambda *_: None))
            ranked = ranking(prepared, ranker, *work.first(), work.contested)
            work.progress("list", len(ranked.table), len(ranked.table))
            _write(ranked.table, folder / "whole", task.to)
        except (PolicyError, BadTables, OSError, NotFinished) as error:
            given_up(folder, error)
            raise
        shutil.rmtree(folder, ignore_errors=True)
    return ranked, time.monotonic() - began


@dataclass
class _Work:
    task: Task
    sources: dict[str, str]
    folder: Path
    parts: list[Part]
    policy: core.Policy
    progress: Progress

    def first(self) -> tuple[Standings, tuple[Array, Array]]:
        """What the ranking takes of all applications, and the rows and numbers of their claims."""
        total = sum(p.rows for p in self.parts)
        left = [p for p in self.parts if not _path(self.folder, p).exists()]
        done = total - sum(p.rows for p in left)
        self.progress("columns", done, total)
        for rows in self._each(_first, left):
            done += rows
            self.progress("columns", done, total)
        files = [pq.ParquetFile(_path(self.folder, p), memory_map=True) for p in self.parts]
        told = [json.loads(f.metadata.metadata[b"bandolo"]) for f in files]
        columns = {}
        for field in schema(self.policy):  # one at a time: a table of all parts, and never twice
            pieces = [f.read(columns=[field.name]).replace_schema_metadata(None) for f in files]
            columns[field.name] = one(pa.concat_tables(pieces).unify_dictionaries()[field.name]).cast(field.type)
        begins = np.cumsum([0, *(p.rows for p in self.parts)])
        claims = [np.load(_claims(self.folder, p)) for p in self.parts]
        rows_of = [c["rows"].astype(np.int64) + begin for c, begin in zip(claims, begins[:-1], strict=True)]
        keys_of = [c["keys"] for c in claims]
        errors: Counter[str] = sum((Counter(t["errors"]) for t in told), Counter())
        whole = pa.table(columns, schema=schema(self.policy))
        why: Counter[str] = sum((Counter(t["why"]) for t in told), Counter())
        found = Standings(
            whole,
            CLAIMS.empty_table(),
            sum(t["by_columns"] for t in told),
            sum(t["by_rows"] for t in told),
            dict(sorted(why.items())),
            dict(sorted(errors.items())),
        )
        return found, (np.concatenate(rows_of), np.concatenate(keys_of))

    def contested(self, rows: Array) -> tuple[Tables, Standings]:
        """The tables of some applications, and what the ranking takes of them."""
        begins = np.cumsum([0, *(p.rows for p in self.parts)])
        asked = []
        for part, begin, end in zip(self.parts, begins[:-1], begins[1:], strict=True):
            mine = rows[np.searchsorted(rows, begin) : np.searchsorted(rows, end)] - begin
            if len(mine):
                asked.append(_Sharing(part, mine))
        done = 0
        self.progress("again", 0, len(rows))
        for count in self._each(_second, asked):
            done += count
            self.progress("again", done, len(rows))
        every = [_held(self.folder, a.part) for a in asked]
        return _put_together(self.policy, [t for t, _, _ in every]), _standings(self.policy, every)

    def _each(self, do: Callable[[Any], int], todo: list[Any]) -> Iterator[int]:
        """Do the parts, on as many processes as are worth it; how many applications each had."""
        workers = min(self.task.workers or os.cpu_count() or 1, len(todo))
        arguments = (self.task, self.sources, self.folder)
        if workers <= 1:
            _begin(*arguments, alone=True)
            yield from map(do, todo)
            return
        with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_begin, initargs=arguments) as pool:
            yield from ended(pool, do, todo)


# In a worker.

_worker: _RankWorker | None = None


def _begin(task: Task, sources: dict[str, str], folder: Path, alone: bool = False) -> None:
    global _worker  # noqa: PLW0603 - a process of the pool has one
    if not alone:
        threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    _worker = _RankWorker(task, sources, folder)


def _first(part: Part) -> int:
    assert _worker is not None
    return _worker.first(part)


def _second(asked: _Sharing) -> int:
    assert _worker is not None
    return _worker.second(asked)


class _RankWorker:
    def __init__(self, task: Task, sources: dict[str, str], folder: Path) -> None:
        self.folder = folder
        self.policy = load_policy(task.policy, amendments=task.amendments)
        self.reader = Reader(self.policy, task.records, sources)
        self.prepared = prepared_for(self.policy, dict(task.what_if), self.reader.spelt)
        self.ranker = ranker_for(self.prepared)

    def first(self, part: Part) -> int:
        """What the ranking takes of a part, written as a whole."""
        tables, rows, keys, begin = [], [], [], 0
        told: dict[str, Any] = {"by_columns": 0, "by_rows": 0, "why": {}, "errors": {}}
        for given in self.reader.tables(part):
            found = of_tables(self.prepared, together(self.policy.core, given), self.ranker, named=False)
            tables.append(found.table)
            rows.append(np.asarray(found.claims["row"]) + begin)
            keys.append(digests(one(found.claims["key"])))
            begin += found.table.num_rows
            told["by_columns"] += found.by_columns
            told["by_rows"] += found.by_rows
            told["why"] = dict(Counter(told["why"]) + Counter(found.why))
            told["errors"] = dict(Counter(told["errors"]) + Counter(found.errors))
        whole = pa.concat_tables(tables).unify_dictionaries() if tables else schema(self.policy.core).empty_table()
        path, claims = _path(self.folder, part), _claims(self.folder, part)
        with open(beside(claims), "wb") as file:
            np.savez(file, rows=np.concatenate(rows or [np.zeros(0, np.int64)]), keys=np.concatenate(keys or [np.zeros(0, np.uint64)]))
        os.replace(beside(claims), claims)
        pq.write_table(whole.replace_schema_metadata({"bandolo": json.dumps(told)}), beside(path), compression="lz4")
        os.replace(beside(path), path)  # last: it says that the part is there
        return part.rows

    def second(self, asked: _Sharing) -> int:
        """The applications of a part that share a record, with their tables."""
        found: list[tuple[Tables, Standings]] = []
        begin = 0
        for given in self.reader.tables(asked.part):
            joined = together(self.policy.core, given)
            count = joined.tables[self.policy.core.root].num_rows
            mine = asked.rows[(asked.rows >= begin) & (asked.rows < begin + count)] - begin
            begin += count
            if len(mine):
                some = subset(self.policy.core, joined, mine)
                found.append((some, of_tables(self.prepared, some, self.ranker)))
        _hold(self.policy.core, self.folder, asked.part, found)
        return len(asked.rows)


# The applications that share a record, from one process to another.


def _hold(policy: core.Policy, folder: Path, part: Part, found: list[tuple[Tables, Standings]]) -> None:
    tables = _put_together(policy, [t for t, _ in found])
    for name, table in tables.tables.items():
        pq.write_table(table, folder / f"shared-{part.number:06}.{name}.parquet", compression="lz4")
    claims, begin = [], 0
    for _, mine in found:
        claims.append(mine.claims.set_column(0, "row", pc.add(mine.claims["row"], begin)))
        begin += mine.table.num_rows
    whole = pa.concat_tables([s.table for _, s in found]).unify_dictionaries()
    pq.write_table(whole, folder / f"shared-{part.number:06}..parquet", compression="lz4")
    pq.write_table(pa.concat_tables(claims), folder / f"shared-{part.number:06}..claims.parquet", compression="lz4")
    arrays: dict[str, Any] = {f"offsets {name}": offsets for name, offsets in tables.offsets.items()}
    arrays |= {f"left {entity}.{listed}": flags for (entity, listed), flags in tables.left.items()}
    np.savez(
        folder / f"shared-{part.number:06}.npz", absent=np.array(tables.absent, str), names=np.array(list(tables.tables), str), **arrays
    )


def _held(folder: Path, part: Part) -> tuple[Tables, pa.Table, pa.Table]:
    arrays = np.load(folder / f"shared-{part.number:06}.npz")
    tables = {str(n): pq.read_table(folder / f"shared-{part.number:06}.{n}.parquet") for n in arrays["names"]}
    offsets = {n.removeprefix("offsets "): arrays[n] for n in arrays.files if n.startswith("offsets ")}
    lists = {n: n.removeprefix("left ").partition(".") for n in arrays.files if n.startswith("left ")}
    left = {(entity, listed): arrays[n] for n, (entity, _, listed) in lists.items()}
    standings = pq.read_table(folder / f"shared-{part.number:06}..parquet")
    claims = pq.read_table(folder / f"shared-{part.number:06}..claims.parquet")
    return Tables(tables, offsets, [str(n) for n in arrays["absent"]], left), standings, claims


def _put_together(policy: core.Policy, parts: list[Tables]) -> Tables:
    """Tables end to end."""
    made = Tables({}, {}, list(parts[0].absent), {})
    for name in parts[0].tables:
        table = pa.concat_tables([p.tables[name] for p in parts], promote_options="permissive").unify_dictionaries()
        made.tables[name] = table.combine_chunks()
        if name in parts[0].offsets:
            pieces, begin = [np.zeros(1, np.int64)], 0
            for part in parts:
                pieces.append(part.offsets[name][1:] + begin)
                begin += int(part.offsets[name][-1])
            made.offsets[name] = np.concatenate(pieces)
        counts = [root_count(policy, p, name) for p in parts]
        for key in sorted({key for p in parts for key in p.left if key[0] == name}):
            made.left[key] = np.concatenate([p.left.get(key, np.zeros(c, bool)) for p, c in zip(parts, counts, strict=True)])
    return made


def root_count(policy: core.Policy, tables: Tables, name: str) -> int:
    """How many records of an entity there are."""
    return tables.tables[name].num_rows if name == policy.root else int(tables.offsets[name][-1])


def _standings(policy: core.Policy, parts: list[tuple[Tables, pa.Table, pa.Table]]) -> Standings:
    claims, begin = [], 0
    for _, table, mine in parts:
        claims.append(mine.set_column(0, "row", pc.add(mine["row"], begin)))
        begin += table.num_rows
    whole = pa.concat_tables([t.cast(schema(policy)) for _, t, _ in parts]).unify_dictionaries().combine_chunks()
    return Standings(whole, pa.concat_tables(claims).combine_chunks(), 0, 0)


def _path(folder: Path, part: Part) -> Path:
    return folder / f"part-{part.number:06}.parquet"


def _claims(folder: Path, part: Part) -> Path:
    return folder / f"part-{part.number:06}.npz"


def _write(table: pa.Table, made: Path, to: str) -> None:
    """The list as a file, whole or not there; it is made elsewhere first."""
    if to.lower().endswith(".csv"):
        struck = one(table["struck"])
        flat = struck.values
        texts = pc.binary_join_element_wise(flat.field("name"), flat.field("kept_by"), " → ")
        said = pa.ListArray.from_arrays(struck.offsets, texts)
        table = table.set_column(table.column_names.index("struck"), "struck", said)
    writer = writer_for(str(made), to, table.schema)
    for begin in range(0, max(table.num_rows, 1), ROWS):
        writer.write_table(table.slice(begin, ROWS))
    writer.close()
    os.replace(made, to)


__all__ = ["Progress", "rank_files", "root_offsets"]
