"""`python bench/one.py`: what one decision costs, against Python written by hand, in one run.

In every round each contender decides the same applications once each, the base between any two of them: the ratio of a round is that of the
medians, to the base right before and right after. What is printed is the median over the rounds, with their range; a decision's median and
99th percentile are of all rounds. `undisturbed` is the ratio of the medians of each application's quickest round: what else the machine
does hardly moves it. With `--again` each application is decided twice in a row and the second time counts: it is then in the processor's
caches, as one that was just read from a form would be.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import platform
import statistics
import subprocess
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
MEMORY = """
import gc, sys, tracemalloc
from bandolo import load_policy
load_policy(sys.argv[2]).decide({}, engine="compiled")  # what the engine itself keeps
gc.collect()
tracemalloc.start()
policy = load_policy(sys.argv[1])
policy.decide({}, engine="compiled")
gc.collect()
print(f"{tracemalloc.get_traced_memory()[0] / 2**20:.1f}")
"""


@dataclass
class Run:
    """One contender's measurements, in nanoseconds a decision."""

    contender: Base
    data: list[Any]
    share: int
    """It decides one in so many of the applications: a slow one would take all the time there is."""
    ratios: list[float] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    quickest: list[int] = field(default_factory=list)
    """By application, its quickest round."""
    wrong: dict[str, int] = field(default_factory=dict)


def main() -> None:
    """Measure, and print the table."""
    options = _options()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # no contender may gain by moving between processors
    console = Console(width=None if sys.stdout.isatty() else 120)
    data = applications(options.applications)
    expected = [answer(a) for a in data]
    runs = {}
    for name in dict.fromkeys((BASE, *(options.contenders or CONTENDERS))):
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
        before = _timed(runs[BASE], options.again)
        for name, run in runs.items():
            if name != BASE:
                if console.is_terminal:
                    console.print(f"round {number + 1}: {run.contender.title:60}", end="\r", style="dim", soft_wrap=True)
                middle, after = _timed(run, options.again), _timed(runs[BASE], options.again)
                run.ratios.append(middle / ((before + after) / 2))
                runs[BASE].ratios.append(after / before)
                before = after
    _print(console, runs, options)
    if options.memory:
        _print_memory(console)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("contenders", nargs="*", help="modules of bench/contenders (default: all)")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--applications", type=int, default=2000)
    parser.add_argument("--again", action="store_true", help="time the second decision of an application in a round")
    parser.add_argument("--memory", action=argparse.BooleanOptionalAction, default=True)
    return parser.parse_args()


def _prepared(contender: Base, data: list[Any], expected: list[Any]) -> Run:
    """A contender with its applications, checked on each and warmed up."""
    run = Run(contender, [in_form(a, contender.form) for a in data], 1)
    for application in run.data[:5]:
        contender.decide(application)  # compiles what it compiles
    start = perf_counter_ns()
    for application in run.data[:20]:
        contender.decide(application)
    run.share = max(1, (perf_counter_ns() - start) // 20 * len(data) // 400_000_000)
    for application, wanted in list(zip(run.data, expected, strict=True))[:: run.share]:
        difference = wrong(wanted, contender.answer(contender.decide(application)))
        if difference is not None:
            run.wrong[difference] = run.wrong.get(difference, 0) + 1
    return run


def _timed(run: Run, again: bool) -> float:
    """The median of a decision: what else runs on the machine moves a mean, hardly a median."""
    decide, clock, times = run.contender.decide, perf_counter_ns, []
    for application in run.data[:: run.share]:
        if again:
            decide(application)
        start = clock()
        decide(application)
        times.append(clock() - start)
    run.times += times
    run.quickest = [min(pair) for pair in zip(run.quickest or times, times, strict=True)]
    return statistics.median(times)


def _print(console: Console, runs: dict[str, Run], options: argparse.Namespace) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for heading in ("× base", "range", "undisturbed", "p50 µs", "p99 µs", "wrong"):
        table.add_column(heading, justify="right")
    for run in runs.values():
        times, ratios = sorted(run.times), run.ratios or [1.0]
        told = ", ".join(f"{count} {what}" for what, count in sorted(run.wrong.items())) or "none"
        table.add_row(
            run.contender.title, f"{statistics.median(ratios):.2f}", f"{min(ratios):.2f}–{max(ratios):.2f}",
            f"{statistics.median(run.quickest) / statistics.median(runs[BASE].quickest):.2f}",
            f"{times[len(times) // 2] / 1000:.1f}", f"{times[len(times) * 99 // 100] / 1000:.1f}", told,
        )  # fmt: skip
    if console.is_terminal:
        console.print(" " * 100, end="\r")
    console.print(table)
    where = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    console.print(
        f"\n{date.today()}, {where}; {options.rounds} rounds of {options.applications} applications of 10 to 14 partners", style="dim"
    )


def _print_memory(console: Console) -> None:
    """What a loaded and compiled policy keeps, each in a process of its own."""
    small = HERE / "filiere.yaml"
    for policy in (HERE.parent / "policies" / "bando_2023.yaml", small):
        done = subprocess.run([sys.executable, "-c", MEMORY, str(policy), str(small)], capture_output=True, text=True, check=True)
        console.print(f"{policy.name}, loaded and compiled, keeps {done.stdout.strip()} MiB", style="dim")


if __name__ == "__main__":
    main()
