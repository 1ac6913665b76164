"""`python bench/ranked.py`: the ranking of up to a million made-up applications, from Parquet to Parquet: seconds and memory.

Each size runs in a process of its own through the command, so that its memory is its own. `growth()` gives the same as rows, for
`make bench`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
POLICY = HERE / "ranked.yaml"
GROUP = 50_000
SIZES = (10_000, 100_000, 1_000_000)
SHARED = 0.02
"""The part of firms that stand in a project with a firm of another project."""


def tables(count: int, seed: int = 20230228) -> tuple[pa.Table, pa.Table]:
    """So many projects, and their firms: two to six each, of which one in fifty is in a second or third project."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 7, count)
    total = int(sizes.sum())
    sent = np.datetime64("2023-01-09T10:00", "s").astype(np.int64) + rng.integers(0, 50 * 86400, count)
    projects = pa.table(
        {
            "id": pa.array(np.char.add("P", np.char.zfill(np.arange(count).astype(str), 7))),
            "sent_at": pa.array(sent, pa.timestamp("s")),
            "score": pa.array(rng.integers(40, 101, count), pa.int16()),
            "signed": pa.array(rng.random(count) > 0.02),
        }
    )
    codes = np.arange(total)
    again = rng.random(total) < SHARED
    codes[again] = rng.integers(0, total, int(again.sum()))
    owners = np.repeat(np.arange(count), sizes)
    # A firm is in one project once.
    order = np.lexsort((codes, owners))
    twice = order[1:][(codes[order][1:] == codes[order][:-1]) & (owners[order][1:] == owners[order][:-1])]
    codes[twice] = total + np.arange(len(twice))
    texts = np.char.zfill(codes.astype(str), 11)
    sized = pa.DictionaryArray.from_arrays(
        pa.array(rng.choice(4, total, p=[0.45, 0.33, 0.15, 0.07]).astype(np.int8)), pa.array(["micro", "small", "medium", "large"])
    )
    firms = pa.table(
        {
            "project": projects["id"].combine_chunks().take(pa.array(owners)),
            "tax_code": pa.array(texts),
            "name": pa.array(np.char.add("Ditta ", texts)),
            "size": sized,
            "in_order": pa.array(rng.random(total) > 0.03),
            "chamber_paid": pa.array(rng.random(total) > 0.02),
            "capital": _cents(rng.integers(0, 4_000_000, total)),
            "current": _cents(rng.integers(0, 2_500_000, total)),
        }
    )
    return projects, firms


def _cents(values: Any) -> pa.Array:
    return pa.Array.from_buffers(pa.decimal64(18, 2), len(values), [None, pa.py_buffer(values.astype(np.int64))])


def written(count: int, folder: Path) -> tuple[Path, Path]:
    """The files of so many projects, made once."""
    paths = folder / f"projects_{count}.parquet", folder / f"firms_{count}.parquet"
    if not all(p.exists() for p in paths):
        projects, firms = tables(count)
        pq.write_table(projects, paths[0], row_group_size=GROUP)
        pq.write_table(firms, paths[1], row_group_size=GROUP * 4)
    return paths


def measured(count: int, folder: Path, options: list[str], jobs: int) -> dict[str, Any]:
    """What one ranking through the command comes to: its summary, `seconds`, `cpu` seconds of all processes, `megabytes` of the largest."""
    projects, firms = written(count, folder)
    to = folder / f"ranking_{count}.parquet"
    command = [sys.executable, "-m", "bandolo", "rank", str(POLICY), str(projects), "--records", f"firm={firms}", "--to", str(to)]
    command += ["--overwrite", "--json", "--jobs", str(jobs), *options]
    began, before = perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds, after = perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if ended.returncode not in (0, 1) or not ended.stdout:
        raise SystemExit(ended.stderr)
    # The largest of the processes that have ended so far; the sizes come in growing order.
    found: dict[str, Any] = json.loads(ended.stdout)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return found | {"seconds": seconds, "cpu": cpu, "megabytes": after.ru_maxrss / 1024}


def growth(
    sizes: tuple[int, ...] = (10_000, 100_000, 1_000_000), folder: Path | None = None, options: list[str] | None = None
) -> list[Any]:
    """A row for each number of applications: seconds, processor time in all and each (µs), megabytes, and what came of it."""
    rows = []
    with tempfile.TemporaryDirectory() as made:
        for count in sizes:
            found = measured(count, folder or Path(made), options or [], os.cpu_count() or 1)
            rows.append(
                {
                    "applications": count, "seconds": found["seconds"], "cpu": found["cpu"], "each": found["cpu"] / count * 1e6,
                    "megabytes": found["megabytes"], "ranked": found["ranked"], "strikes": found["strikes"], "fell": found["fell"],
                    "financed": found["statuses"].get("financed", 0), "again": found["again_by_columns"] + found["again_by_rows"],
                }
            )  # fmt: skip
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=1_000_000, help="How many applications at most.")
    parser.add_argument("--folder", type=Path, help="Keep the made-up files here.")
    parser.add_argument("options", nargs="*", help="Further options of the command, after `--`.")
    asked = parser.parse_args()
    if asked.folder is not None:
        asked.folder.mkdir(parents=True, exist_ok=True)
    print("applications  seconds  CPU s  µs each      MB   ranked  financed  strikes  fell  decided again")
    for row in growth(tuple(s for s in SIZES if s <= asked.largest), asked.folder, asked.options):
        print(
            "{applications:>12,} {seconds:>8.1f} {cpu:>6.1f} {each:>8.1f} {megabytes:>7.0f} {ranked:>8,} {financed:>9,} {strikes:>8,} "
            "{fell:>5,} {again:>14,}".format(**row),
            flush=True,
        )


if __name__ == "__main__":
    main()
