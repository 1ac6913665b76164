"""`bandolo run --engine spark`: files of applications and records through Spark, into a file or a folder of decisions."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bandolo.batch import listed, outgoing
from bandolo.batch.ranked import Ranked, prepared_for
from bandolo.batch.ranking_columns import schema
from bandolo.batch.spark import frames as frames_of
from bandolo.batch.spark import worker
from bandolo.batch.spark.parts import WITHIN
from bandolo.batch.spark.problems import NotRun, found_in, said
from bandolo.batch.spark.ranked import ranking
from bandolo.batch.spark.session import begun
from bandolo.batch.spark.worker import BY_ROWS, ROW, WHY
from bandolo.batch.standing import ranker_for
from bandolo.batch.tables import BadTables, link_name
from bandolo.batch.task import Report
from bandolo.batch.writing import writer_for
from bandolo.policy import Policy

ROWS_IN_A_FILE = 2**40
"""Where a row stood is one number: of its file, by name, and in it."""
Progress = Callable[[int, int], None]
"""Told the tasks that are done, and those that are known of."""


@dataclass(frozen=True)
class Task:
    """A batch through Spark: the policy with its what-ifs, Parquet files or folders of them by entity, and where decisions go.

    A path that ends in `.parquet` becomes one file in the order of the applications, put together here; any other a folder of files, as
    Spark writes it.
    """

    policy: Policy
    what_if: Mapping[str, Any]
    applications: str
    records: Mapping[str, str]
    to: str
    records_to: Mapping[str, str]
    master: str = "local[*]"
    conf: Mapping[str, str] = field(default_factory=dict)
    overwrite: bool = False


def run_spark(task: Task, progress: Progress | None = None) -> Report:
    """Decide files through Spark. Raises NotRun, BadTables, OSError."""
    began = time.monotonic()
    with _begun(task, progress) as (spark, given, groups):
        wanted = tuple(task.records_to)
        made = frames_of.decided(spark, task.policy, given, task.what_if, wanted, groups)
        report = _written(spark, task, made, wanted)
        core_ = task.policy.core
        _merge(task.to, outgoing.schema(core_))
        for entity, path in task.records_to.items():
            _merge(path, outgoing.record_schema(core_, entity))
    report.seconds = time.monotonic() - began
    return report


def rank_spark(task: Task, progress: Progress | None = None) -> tuple[Ranked, float]:
    """Rank files through Spark into a file or a folder; what it comes to, with the rows of those that are still open, and the seconds.

    Raises NotRun, BadTables, PolicyError, OSError.
    """
    from pyspark.sql import functions as f

    began = time.monotonic()
    with _begun(task, progress) as (spark, given, groups):
        made = ranking(spark, task.policy, given, task.what_if, groups)
        _write(made.whole.drop(WITHIN), task.to, task.overwrite)
        open_ = f.coalesce(f.col("status").isin("undetermined", "suspended"), f.lit(True))
        left = made.whole.where(open_).orderBy(f"`{ROW}`").select("application", "status").toArrow()
        _merge(task.to, list_schema(task.policy, task.what_if))
    return Ranked(left, made.summary), time.monotonic() - began


def list_schema(policy: Policy, what_if: Mapping[str, Any]) -> pa.Schema:
    """The columns of a list, as one machine writes it."""
    options = ranker_for(prepared_for(policy, dict(what_if))).options
    return listed.told(policy.core, options, schema(policy.core).empty_table(), {}, {}).table.schema


@contextmanager
def _begun(task: Task, progress: Progress | None) -> Iterator[tuple[Any, dict[str, Any], int]]:
    """A session, the frames of a task's files by entity, and into how many groups they go; failures are told as one machine tells them."""
    root = task.policy.core.root
    for path in (task.applications, *task.records.values()):
        if path.lower().endswith((".csv", ".jsonl", ".ndjson", ".json")):
            raise NotRun("spark-only-parquet", path=path)
        if _here(path) and not os.path.exists(path):
            raise FileNotFoundError(2, os.strerror(2), path)
    with tempfile.TemporaryDirectory(prefix="bandolo-spark-") as folder:
        spark, ours = begun(task.master, task.conf, str(Path(folder) / "spark.log"))
        try:
            with said(), _watched(spark, progress):
                read = {e: _read(spark, path) for e, path in {root: task.applications, **task.records}.items()}
                given = {e: frame for e, (frame, _) in read.items()}
                try:
                    yield spark, given, frames_of.how_many(spark, read[root][1])
                except Exception as error:
                    _orphans(task.policy, given, error)
                    raise
                finally:  # of a task that failed
                    for path in filter(_one_file, (task.to, *task.records_to.values())):
                        shutil.rmtree(_folder(path), ignore_errors=True)
        finally:
            if ours:
                with suppress(Exception):
                    spark.stop()


def _here(path: str) -> bool:
    """Whether a path is one of this machine's file system."""
    return "://" not in path


def _absolute(path: str) -> str:
    return str(Path(path).absolute()) if _here(path) else path


def _read(spark: Any, path: str) -> tuple[Any, int]:
    """A file or folder of Parquet as a DataFrame with the place of each row, and how many there are."""
    from pyspark.sql import functions as f

    frame = spark.read.parquet(_absolute(path))
    if _here(path) and os.path.isfile(path):
        return frame.select("*", f.col("_metadata.row_index").alias(ROW)), pq.read_metadata(path).num_rows
    counts = frame.groupBy(f.col("_metadata.file_path").alias("file")).count().collect()
    files = sorted(row["file"] for row in counts)
    place = f.col("_metadata.row_index")
    if len(files) < 2:
        return frame.select("*", place.alias(ROW)), sum(row["count"] for row in counts)
    numbers = spark.createDataFrame([(file, i * ROWS_IN_A_FILE) for i, file in enumerate(files)], "file string, begin long")
    placed = frame.select("*", f.col("_metadata.file_path").alias("bandolo file"), place.alias(ROW))
    joined = placed.join(f.broadcast(numbers), f.col("`bandolo file`") == f.col("file"))
    whole = joined.withColumn(ROW, f.col(f"`{ROW}`") + f.col("begin")).select(*(f.col(f"`{c}`") for c in (*frame.columns, ROW)))
    return whole, sum(row["count"] for row in counts)


def _written(spark: Any, task: Task, made: frames_of.Decided, wanted: tuple[str, ...]) -> Report:
    """Write what comes out, in one pass, and count it on the way."""
    from pyspark import StorageLevel
    from pyspark.sql import Observation
    from pyspark.sql import functions as f

    root = task.policy.core.root
    whole = made.whole.persist(StorageLevel.DISK_ONLY) if wanted else made.whole
    try:
        applications = frames_of.unboxed(whole, "", root) if wanted else whole
        outcomes = {word: f.sum(f.when(f.col("outcome") == word, 1).otherwise(0)) for word in outgoing.OUTCOME_WORDS}
        seen = Observation("bandolo")
        watched = applications.observe(
            seen, f.count(f.lit(1)).alias("all"), f.sum(f"`{BY_ROWS}`").alias("by_rows"), f.collect_list(f"`{WHY}`").alias("why"),
            f.count("error").alias("bad"), *(counted.alias(f"is {word}") for word, counted in outcomes.items()),
        )  # fmt: skip
        _write(watched.drop(BY_ROWS, WHY), task.to, task.overwrite)
        for entity, path in task.records_to.items():
            _write(frames_of.unboxed(whole, entity, root), path, task.overwrite)
    finally:
        if wanted:
            whole.unpersist()
    counts = seen.get
    report = Report(counts["all"], counts["all"] - (counts["by_rows"] or 0), counts["by_rows"] or 0)
    report.why = worker.reasons_of(counts["why"])
    report.outcomes = {word: counts[f"is {word}"] for word in sorted(outcomes) if counts[f"is {word}"]}
    if counts["bad"]:
        report.outcomes["bad data"] = counts["bad"]
        back = spark.read.parquet(_absolute(_folder(task.to)))
        rows = back.where("error is not null").groupBy(f.substring_index("error", " ", 1).alias("code")).count().collect()
        report.errors = {row["code"]: row["count"] for row in sorted(rows)}
    return report


def _write(frame: Any, path: str, overwrite: bool) -> None:
    if _one_file(path):
        frame.write.mode("overwrite").parquet(_absolute(_folder(path)))
    else:
        frame.drop(ROW).write.mode("overwrite" if overwrite else "errorifexists").parquet(_absolute(path))


def _one_file(path: str) -> bool:
    return _here(path) and path.lower().endswith((".parquet", ".csv", ".jsonl", ".ndjson"))


def _folder(path: str) -> str:
    """Where Spark writes what goes to a path: beside a single file, in a folder that is nobody else's."""
    return f"{path}.spark-{os.getpid()}" if _one_file(path) else path


def _merge(path: str, schema: Any) -> None:
    """One file of the parts that Spark wrote, in order, where one is wanted."""
    if not _one_file(path):
        return
    parts = pq.read_table(_folder(path))
    rows = np.asarray(parts[ROW].combine_chunks())
    table = parts.drop_columns([ROW]).take(pa.array(np.argsort(rows, kind="stable"))).combine_chunks()
    columns = [table[f.name].dictionary_encode() if pa.types.is_dictionary(f.type) else table[f.name] for f in schema]
    writer = writer_for(f"{path}.new", path, schema)
    writer.write_table(pa.table([c.cast(f.type) for c, f in zip(columns, schema, strict=True)], schema=schema))
    writer.close()
    os.replace(f"{path}.new", path)
    shutil.rmtree(_folder(path))


def _orphans(policy: Policy, given: Mapping[str, Any], error: Exception) -> None:
    """Raises BadTables with all records that name no application, where a task came upon some of them."""
    from pyspark.sql import functions as f

    code, args = found_in(str(error)) or ("", {})
    if code != "orphan-records":
        return
    owner = policy.core.entities[policy.core.root]
    assert owner.key is not None
    frame = given[args["entity"]]
    link = link_name(owner, frames_of.arrow_schema(frame))
    links = frame.select(f.col(f"`{link}`").cast("string").alias("key"), f.col(f"`{ROW}`").alias("row"))
    keys = given[owner.name].select(f.col(f"`{owner.key.name}`").cast("string").alias("key"))
    found = links.join(keys, "key", "left_anti").agg(f.count("row").alias("count"), f.min(f.struct("row", "key")).alias("first")).first()
    row, first = found["first"]["row"] % ROWS_IN_A_FILE + 1, found["first"]["key"] or ""
    raise BadTables("orphan-records", **{**args, "count": found["count"], "row": row, "first": first}) from None


@contextmanager
def _watched(spark: Any, progress: Progress | None) -> Iterator[None]:
    """Tell how far Spark is, now and then."""
    if progress is None:
        yield
        return
    over = threading.Event()

    def watch() -> None:
        tracker = spark.sparkContext.statusTracker()
        while not over.wait(0.5):
            stages = [s for i in tracker.getActiveStageIds() if (s := tracker.getStageInfo(i)) is not None]
            progress(sum(s.numCompletedTasks for s in stages), sum(s.numTasks for s in stages))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
