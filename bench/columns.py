"""`python bench/columns.py`: many applications at once, by columns, beside others, in one run.

All take the same Arrow tables and give what the bench asks for: whether an application is eligible, the contribution in cents, the score.
The engine gives besides which requirements each application and its partners fail. In every round each contender decides all applications,
one after another; ratios are those of a round to float Python by hand in it.
"""

from __future__ import annotations

import argparse
import importlib
import os
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np
import pyarrow as pa

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from bandolo import load_policy  # noqa: E402
from bandolo.batch.run import Prepared, computed  # noqa: E402
from bandolo.batch.tables import together  # noqa: E402
from contenders import float_by_hand  # noqa: E402
from workload import COSTS, UNWANTED, WANTED, answer, applications, in_form  # noqa: E402

DIFFERENT = 5_000
"""So many different applications; they come again until there are enough."""
CONTENDERS = ("numpy_by_hand", "polars_by_hand", "duckdb_by_hand", "openfisca")


def tables(count: int) -> dict[str, pa.Table]:
    """Applications and partners as a portal would keep them: amounts as decimals of 64 bits, choices as dictionaries."""
    made = [in_form(a, "flat") for a in applications(min(count, DIFFERENT))]
    again = -(-count // len(made))
    day, flag = pa.date32(), pa.bool_()
    types = {
        "submitted_at": pa.timestamp("s"), "agreement_signed": flag, "eoi_submitted_on": day, "eoi_recognised_on": day,
        "technical_score": pa.int16(), "project_start": day, "project_end": day,
    }  # fmt: skip
    rows = [a | {"submitted_at": a["submitted_at"].replace(tzinfo=None)} for a in made]
    projects = {name: _again(pa.array([r[name] for r in rows], type_), again, count) for name, type_ in types.items()}
    numbers = np.arange(count, dtype=np.int32)
    sizes = np.tile([len(a["partners"]) for a in made], again)[:count]
    partners, total = [p for a in made for p in a["partners"]], int(sizes.sum())
    columns: dict[str, Any] = {"project": pa.array(np.repeat(numbers, sizes))}
    for name in ("size", "ateco_section", "legality_rating", *WANTED, *UNWANTED, *COSTS):
        values = [p[name] for p in partners]
        if name in COSTS:
            cents = pa.array([int(v * 100) for v in values], pa.int64())
            whole = _again(cents, again, total)
            columns[name] = pa.Array.from_buffers(pa.decimal64(18, 2), total, whole.buffers())
        elif name in ("size", "ateco_section"):
            columns[name] = _again(pa.array(values).dictionary_encode(), again, total)
        else:
            columns[name] = _again(pa.array(values, flag), again, total)
    return {"project": pa.table({"id": pa.array(numbers), **projects}), "partner": pa.table(columns)}


def _again(column: pa.Array, times: int, count: int) -> pa.Array:
    return column.take(pa.array(np.tile(np.arange(len(column)), times)[:count]))


# Measuring.

Decides = Callable[[dict[str, pa.Table]], dict[str, Any]]


@dataclass
class Row:
    """A contender: nanoseconds a decision and ratios to float Python and to NumPy by hand, by round; memory above what was held."""

    title: str
    decide: Decides
    times: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    to_numpy: list[float] = field(default_factory=list)
    mebibytes: float | None = None
    wrong: int = 0

    @property
    def cells(self) -> tuple[str, ...]:
        """Title, ratio to float Python, its range, nanoseconds a decision, ratio to NumPy, MiB above, decisions that are wrong."""
        return (
            self.title, f"{statistics.median(self.ratios):.4f}", f"{min(self.ratios):.4f}–{max(self.ratios):.4f}",
            f"{statistics.median(self.times):,.0f}", f"{statistics.median(self.to_numpy):.2f}",
            "" if self.mebibytes is None else f"{self.mebibytes:,.0f}", f"{self.wrong:,}" if self.wrong else "none",
        )  # fmt: skip


HEADINGS = ("by columns", "× float Python", "range", "ns", "× NumPy", "MiB above", "wrong")


def measured(count: int = 300_000, rounds: int = 5, told: Callable[[str], object] = print) -> list[Row]:
    """The contenders by columns, measured in turns; `told` is told which are left out."""
    given = tables(count)
    floats = [in_form(a, "float") for a in applications(min(count, DIFFERENT))]
    expected = [answer(a) for a in applications(min(count, DIFFERENT))]
    rows = []
    for title, decide in _contenders(told):
        row = Row(title, decide)
        row.mebibytes, found = _memory(lambda decide=decide: decide(given))  # type: ignore[misc]
        row.wrong = _wrong(found, expected)
        rows.append(row)
    for _ in range(rounds):
        base = _timed(lambda: [float_by_hand.decide(a) for a in floats]) / len(floats)
        by_numpy = 0.0
        for row in rows:
            each = _timed(lambda row=row: row.decide(given)) / count  # type: ignore[misc]
            by_numpy = by_numpy or each
            row.times.append(each)
            row.ratios.append(each / base)
            row.to_numpy.append(each / by_numpy)
    return rows


def _contenders(told: Callable[[str], object]) -> Iterator[tuple[str, Decides]]:
    for name in CONTENDERS:
        module = importlib.import_module(f"contenders.columnar.{name}")
        try:
            yield module.TITLE, module.prepared()
        except ImportError as missing:
            told(f"{module.TITLE}: left out, {missing.name} is not installed")
    policy = load_policy(HERE / "filiere.yaml")
    prepared = Prepared(policy, {})

    def arrays(given: dict[str, pa.Table], threads: int = 1) -> dict[str, Any]:
        joined = together(policy.core, given)
        columns = prepared.columns(joined)
        program = prepared.program(columns, joined)
        assert not isinstance(program, str), program
        back, left = computed(policy, program, columns, columns.left(policy.core, frozenset()), threads)
        assert not left.any()
        cents, score = (back[at] for r in program.results if (at := r.parts[0]) is not None)
        return {"eligible": back[program.outcome] == 0, "cents": cents, "score": score}

    def table(given: dict[str, pa.Table]) -> dict[str, Any]:
        found = prepared.decide(given).applications
        cents = np.frombuffer(found["result.contribution"].combine_chunks().buffers()[1], np.int64)[::2]
        eligible = np.asarray(found["outcome"].combine_chunks().indices) == 0
        return {"eligible": eligible, "cents": cents, "score": np.asarray(found["result.score"])}

    yield "bandolo, to arrays", arrays
    yield "bandolo, to arrays, all processors", lambda given: arrays(given, os.cpu_count() or 1)
    yield "bandolo, to an Arrow table", table


def _timed(run: Callable[[], object]) -> int:
    began = perf_counter_ns()
    run()
    return perf_counter_ns() - began


def _memory(run: Callable[[], dict[str, Any]]) -> tuple[float | None, dict[str, Any]]:
    """What a run needs above what the process holds, in MiB, where the system tells; and what it gives."""
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    try:
        reset.write_text("5")
        before = _kibibytes(status, "VmRSS")
        found = run()
        return (_kibibytes(status, "VmHWM") - before) / 1024, found
    except OSError:
        return None, run()


def _kibibytes(status: Path, name: str) -> int:
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith(name))


def _wrong(found: dict[str, Any], expected: list[dict[str, Any]]) -> int:
    """Of the different applications, how many are decided otherwise than by exact fractions."""
    wanted = {
        "eligible": [a["eligible"] for a in expected], "cents": [int(a["contribution"] * 100) for a in expected],
        "score": [a["score"] for a in expected],
    }  # fmt: skip
    off = np.zeros(len(expected), bool)
    for name, values in wanted.items():
        off |= np.asarray(found[name])[: len(expected)] != np.array(values)
    return int(np.count_nonzero(off))


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--count", type=int, default=300_000, help="applications")
    options.add_argument("--rounds", type=int, default=5)
    chosen = options.parse_args()
    rows = measured(chosen.count, chosen.rounds)
    lines = [HEADINGS, *(row.cells for row in rows)]
    wide = [max(len(line[i]) for line in lines) for i in range(len(HEADINGS))]
    for line in lines:
        print("  ".join([line[0].ljust(wide[0]), *(cell.rjust(w) for cell, w in zip(line[1:], wide[1:], strict=True))]))
    print(f"{chosen.count:,} applications of 10 to 14 partners, {chosen.rounds} rounds, {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
