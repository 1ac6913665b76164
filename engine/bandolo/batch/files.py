"""A batch from files to files: row groups one after another in bounded memory, on several processes, to be taken up again after a stop.

Beside the output stands a folder of parts while it is being made: one part a row group, each whole or not there. Whoever starts the same
batch again finds them; at the end they become one file, in the order of the applications.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bandolo.batch.lines import Lines, are_lines, planned_lines, staged_lines
from bandolo.batch.part import Part
from bandolo.batch.run import Decided, Prepared
from bandolo.batch.staging import Reader, planned, staged
from bandolo.batch.tables import BadTables
from bandolo.batch.task import PARTS, Progress, Report, Task, beside, claimed, end_with, ended, fingerprint, given_up
from bandolo.batch.writing import writer_for
from bandolo.diagnostics import BandoloError
from bandolo.policy import Policy, load_policy


def run_files(task: Task, progress: Progress | None = None) -> Report:
    """Decide a file of applications into a file of decisions. Raises BadTables, NotFinished, OSError, or PolicyError."""
    began = time.monotonic()
    policy = load_policy(task.policy, amendments=task.amendments)
    folder = Path(task.to + PARTS)
    with claimed(folder, fingerprint(task, policy)):
        try:
            report = _decided(task, policy, folder, progress)
        except (BadTables, BandoloError, OSError) as error:
            given_up(folder, error)
            raise
        shutil.rmtree(folder, ignore_errors=True)
    report.seconds = time.monotonic() - began
    return report


def _decided(task: Task, policy: Policy, folder: Path, progress: Progress | None) -> Report:
    """What is left to do of a batch, done; its files in their places."""
    if are_lines(task.applications):
        sources = {policy.core.root: staged_lines(task.applications, task.records, folder)}
        parts = planned_lines(sources[policy.core.root])
    else:
        sources = staged(policy, task, folder)
        parts = planned(policy, sources, folder)
    if not any(p.rows for p in parts):
        raise BadTables("no-applications")
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
    whole = {task.to: "", **{path: f".{entity}" for entity, path in task.records_to.items()}}
    for path, of in whole.items():
        _merge(folder, parts, of, path)
    for path, of in whole.items():
        _put(folder / f"whole{of}", path)
    return report


def _put(whole: Path, to: str) -> None:
    """A file in its place, at once: also where that is on another disk."""
    try:
        os.replace(whole, to)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.copyfile(whole, beside(Path(to)))
        os.replace(beside(Path(to)), to)


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
        yield from ended(pool, _do, parts)


_worker: _Worker | None = None


def _begin(task: Task, sources: dict[str, str], folder: Path) -> None:
    global _worker  # noqa: PLW0603 - a process of the pool has one
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    _worker = _Worker(task, sources, folder)


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
                    writers[name] = pq.ParquetWriter(beside(paths[name]), table.schema)
                writers[name].write_table(table)
        made = {k: getattr(report, k) for k in ("applications", "by_columns", "by_rows", "why", "errors", "outcomes")}
        for name in [*self.prepared.records, ""]:
            if name in writers:
                if name == "":
                    writers[name].add_key_value_metadata({"bandolo": json.dumps(made)})
                writers[name].close()
                os.replace(beside(paths[name]), paths[name])  # the applications' part last: it says that all are there
        return made


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
    """One file of all parts, in order, in the folder of parts; `to` is the name that it will have."""
    writer: Any = None
    for part in parts:
        path = _path(folder, part, of)
        if not path.exists():
            continue
        file = pq.ParquetFile(path)
        for group in range(file.num_row_groups):
            table = file.read_row_group(group)
            if writer is None:
                writer = writer_for(str(folder / f"whole{of}"), to, table.schema.remove_metadata())
            writer.write_table(table.replace_schema_metadata(None))
    if writer is None:
        raise BadTables("no-applications")
    writer.close()
