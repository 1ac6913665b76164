"""`python bench/spark.py`: the same files decided on one machine and through Spark, for docs/spark.md.

What is told: seconds by the clock, seconds of processors (of Java, and of Python in its tasks), the most memory of each, bytes of the
files, and what Spark moved between tasks. Amounts and keys are all different, as in a register. Linux only: it reads /proc.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from bandolo import load_policy  # noqa: E402
from bandolo.batch.files import run_files  # noqa: E402
from bandolo.batch.spark import session  # noqa: E402
from bandolo.batch.spark.files import Task, run_spark  # noqa: E402
from bandolo.batch.task import Task as OneMachine  # noqa: E402
from columns import tables  # noqa: E402
from workload import COSTS  # noqa: E402

POLICY = HERE / "filiere.yaml"
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def files(folder: Path, count: int) -> dict[str, str]:
    """The workload's files, with amounts and keys that do not come again."""
    made, chance = tables(count), np.random.default_rng(count)
    partners = made["partner"]
    for name in COSTS:
        cents = pa.array(chance.integers(0, 10**5, partners.num_rows), pa.int64())
        other = pa.Array.from_buffers(pa.decimal64(18, 2), len(cents), cents.buffers())
        column = pc.add(partners[name].cast(pa.decimal128(18, 2)), other.cast(pa.decimal128(18, 2))).cast(pa.decimal64(18, 2), safe=False)
        partners = partners.set_column(partners.column_names.index(name), name, column)
    codes = pc.binary_join_element_wise("IT", pa.array(chance.integers(10**10, 10**11, partners.num_rows)).cast(pa.string()), "")
    made["partner"] = partners.append_column("id", codes)
    paths = {}
    for entity, table in made.items():
        paths[entity] = str(folder / f"{entity}_{count}.parquet")
        pq.write_table(table, paths[entity], row_group_size=50_000 if entity == "project" else 200_000)
    return paths


def processes(pid: int) -> dict[str, tuple[float, int]]:
    """Of a process and all below it: seconds of processors, and the most memory, of Java and of the rest."""
    below: dict[int, list[int]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            below.setdefault(int(Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[1]), []).append(int(name))
        except OSError:
            continue
    found = {"java": (0.0, 0), "python": (0.0, 0)}
    left = [pid]
    while left:
        one = left.pop()
        left += below.get(one, [])
        try:
            stat = Path(f"/proc/{one}/stat").read_text()
            peak = next(int(line.split()[1]) for line in Path(f"/proc/{one}/status").read_text().splitlines() if line.startswith("VmHWM"))
        except (OSError, StopIteration):
            continue
        times = [int(t) for t in stat.rpartition(")")[2].split()[11:15]]
        kind = "java" if "(java)" in stat else "python"
        seconds, most = found[kind]
        found[kind] = seconds + sum(times) / TICKS, most + peak * 1024
    return found


def moved(log: Path) -> tuple[int, int]:
    """Bytes and rows written to be shuffled, of all tasks that an event log tells of."""
    size = rows = 0
    for path in (p for p in log.rglob("*") if p.is_file() and not p.name.endswith(".crc") and p.stat().st_size):
        for line in path.read_text().splitlines():
            event = json.loads(line)
            if event.get("Event") == "SparkListenerTaskEnd":
                metrics = event.get("Task Metrics", {}).get("Shuffle Write Metrics", {})
                size, rows = size + metrics.get("Shuffle Bytes Written", 0), rows + metrics.get("Shuffle Records Written", 0)
    return size, rows


def here(paths: dict[str, str], to: str, jobs: int) -> tuple[float, float]:
    began, before = time.monotonic(), os.times()
    run_files(OneMachine(str(POLICY), (), {}, paths["project"], {"partner": paths["partner"]}, to, {}, jobs))
    after = os.times()
    return time.monotonic() - began, sum(after[:4]) - sum(before[:4])


def there(paths: dict[str, str], to: str, master: str) -> None:
    run_spark(Task(load_policy(POLICY), {}, paths["project"], {"partner": paths["partner"]}, to, {}, master))


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("counts", type=int, nargs="*", default=[10_000, 100_000, 1_000_000], help="applications")
    options.add_argument("--master", default="local[2]")
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--once", action="store_true", help="no second run in the same session")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for count in chosen.counts:
            paths = files(folder, count)
            sizes = {e: os.path.getsize(p) for e, p in paths.items()}
            rows = pq.read_metadata(paths["partner"]).num_rows
            print(
                f"\n{count:,} applications, {rows:,} partners; {sizes['project'] / count:.1f} and {sizes['partner'] / rows:.1f} bytes a row"
            )
            wall, cores = here(paths, str(folder / "here.parquet"), chosen.jobs)
            print(f"  one machine   {wall:7.1f} s   processors {cores:7.1f} s")
            log = folder / f"log{count}"
            log.mkdir()
            began = time.monotonic()
            conf = {"spark.eventLog.enabled": "true", "spark.eventLog.dir": str(log), "spark.eventLog.compress": "false"}
            spark = session(chosen.master, conf)
            started = time.monotonic() - began
            start = processes(os.getpid())
            run_spark(
                Task(load_policy(POLICY), {}, paths["project"], {"partner": paths["partner"]}, str(folder / "there"), {}, chosen.master)
            )
            wall, end = time.monotonic() - began - started, processes(os.getpid())
            again = time.monotonic()
            run_spark(
                Task(load_policy(POLICY), {}, paths["project"], {"partner": paths["partner"]}, str(folder / "again"), {}, chosen.master)
            )
            warm, last = time.monotonic() - again, processes(os.getpid())
            spark.stop()
            _told("Spark, first", started, wall, start, end)
            _told("Spark, again", 0.0, warm, end, last)
            size, written = moved(log)
            print(f"  shuffled in one run {size / 2 / 2**20:,.0f} MiB in {written / 2:,.0f} rows: {size / max(written, 1):.1f} bytes a row")


def _told(what: str, started: float, wall: float, before: Any, after: Any) -> None:
    java, python = (after[k][0] - before[k][0] for k in ("java", "python"))
    memory = "   ".join(f"{k} {after[k][1] / 2**20:,.0f} MiB" for k in ("java", "python"))
    print(f"  {what:13} {wall:7.1f} s   processors {java + python:7.1f} s (Java {java:.1f}, Python {python:.1f})   {memory}", flush=True)
    if started:
        print(f"  to start it   {started:7.1f} s")


if __name__ == "__main__":
    main()
