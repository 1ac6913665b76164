"""`python bench/one.py`: what one decision costs, against Python written by hand, in one run.

In every round each contender decides the same applications, the base right before and right after it: the ratio of a round is that of
the medians. What is printed is the median over the rounds, with their range; a decision's median and 99th percentile are of all rounds.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import platform
import statistics
import sys
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from time import perf_counter_ns
from typing import Any

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from contenders import Base  # noqa: E402
from workload import answer, applications, in_form, wrong  # noqa: E402

CONTENDERS = (
    "float_by_hand", "decimal_by_hand", "bandolo_decision", "bandolo_compiled", "bandolo_json", "bandolo_reference",
    "zen_graph", "zen_json",
)  # fmt: skip
BASE = "float_by_hand"


@dataclass
class Run:
    """One contender's measurements, in nanoseconds a decision."""

    contender: Base
    data: list[Any]
    share: int
    """It decides one in so many of the applications: a slow one would take all the time there is."""
    ratios: list[float] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    wrong: dict[str, int] = field(default_factory=dict)


def main() -> None:
    """Measure, and print the table."""
    options = _options()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # no contender may gain by moving between processors
    console = Console(width=None if sys.stdout.isatty() else 110)
    data = applications(options.applications)
    expected = [answer(a) for a in data]
    runs = {}
    for name in options.contenders or CONTENDERS:
        contender: Base = importlib.import_module(f"contenders.{name}").Contender()
        try:
            contender.prepare()
        except ImportError as missing:
            console.print(f"{contender.title}: left out, {missing.name} is not installed", style="dim")
            continue
        runs[name] = _prepared(contender, data, expected)
    gc.collect()
    gc.freeze()
    for number in range(options.rounds):
        for run in runs.values():
            if console.is_terminal:
                console.print(f"round {number + 1} of {options.rounds}: {run.contender.title:60}", end="\r", style="dim", soft_wrap=True)
            _round(run, runs[BASE])
    _print(console, runs, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("contenders", nargs="*", help="modules of bench/contenders (default: all)")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--applications", type=int, default=2000)
    return parser.parse_args()


def _prepared(contender: Base, data: list[Any], expected: list[Any]) -> Run:
    """A contender with its applications, checked on each and warmed up."""
    run = Run(contender, [in_form(a, contender.form) for a in data], 1)
    start = perf_counter_ns()
    for application in run.data[:20]:
        contender.decide(application)
    run.share = max(1, (perf_counter_ns() - start) // 20 * len(data) // 400_000_000)
    for application, wanted in list(zip(run.data, expected, strict=True))[:: run.share]:
        difference = wrong(wanted, contender.answer(contender.decide(application)))
        if difference is not None:
            run.wrong[difference] = run.wrong.get(difference, 0) + 1
    return run


def _round(run: Run, base: Run) -> None:
    before, _ = _timed(base, base.share)
    middle, times = _timed(run, run.share)
    after, _ = _timed(base, base.share)
    run.ratios.append(middle / ((before + after) / 2))
    run.times += times


def _timed(run: Run, share: int) -> tuple[float, list[int]]:
    """The median of a decision, and each one's time: what else runs on the machine moves a mean, hardly a median."""
    decide, clock, times = run.contender.decide, perf_counter_ns, []
    for application in run.data[::share]:
        start = clock()
        decide(application)
        times.append(clock() - start)
    return statistics.median(times), times


def _print(console: Console, runs: dict[str, Run], options: argparse.Namespace) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for heading in ("× base", "range", "p50 µs", "p99 µs", "wrong"):
        table.add_column(heading, justify="right")
    for run in runs.values():
        times = sorted(run.times)
        told = ", ".join(f"{count} {what}" for what, count in sorted(run.wrong.items())) or "none"
        table.add_row(
            run.contender.title, f"{statistics.median(run.ratios):.2f}", f"{min(run.ratios):.2f}–{max(run.ratios):.2f}",
            f"{times[len(times) // 2] / 1000:.1f}", f"{times[len(times) * 99 // 100] / 1000:.1f}", told,
        )  # fmt: skip
    if console.is_terminal:
        console.print(" " * 100, end="\r")
    console.print(table)
    where = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    console.print(
        f"\n{date.today()}, {where}; {options.rounds} rounds of {options.applications} applications of 10 to 14 partners", style="dim"
    )


if __name__ == "__main__":
    main()
