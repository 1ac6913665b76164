"""`make bench`: everything there is to measure, in turn, each part in a process of its own and with nothing else beside it.

    python bench/run.py                     all parts, in under ten minutes
    python bench/run.py one growth          these alone
    python bench/run.py --quick             fewer rounds, to see that it runs

Ratios count, not milliseconds: each is of two things measured in turn in one process. A part that lacks a package says so and is left out.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Part:
    """One module of the bench, what it answers, and its arguments for a quick look."""

    module: str
    question: str
    quick: tuple[str, ...]
    whole: tuple[str, ...] = ()


PARTS = (
    Part("one", "One decision: how many times Python with floats, written by hand", ("--rounds", "2", "--applications", "300")),
    Part("calls", "The two calls of Lombardy, complete and while the form is being filled in", ("--rounds", "1")),
    Part("growth", "How the cost grows with partners and requirements", ("--rounds", "2")),
    Part("columns", "Many applications at once, by columns", ("--count", "20000", "--rounds", "2")),
    Part("ranked", "A ranking, and how it grows with the applications", ("--largest", "10000")),
    Part("cold", "From nothing to the first decision, and what a policy keeps in memory", ("--rounds", "3")),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "parts", nargs="*", metavar="PART", choices=[[], *(p.module for p in PARTS)], help=", ".join(p.module for p in PARTS)
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    options = parser.parse_args()
    began = time.monotonic()
    print(f"{date.today()}, {platform.python_implementation()} {platform.python_version()}, {_processor()}", flush=True)
    failed = []
    for part in PARTS:
        if options.parts and part.module not in options.parts:
            continue
        print(f"\n{part.question}\n", flush=True)
        done = subprocess.run(
            [sys.executable, str(HERE / f"{part.module}.py"), *(part.quick if options.quick else part.whole)], check=False
        )
        if done.returncode:
            failed.append(part.module)
    print(f"\nAll of it took {(time.monotonic() - began) / 60:.1f} minutes.")
    if failed:
        sys.exit(f"ended with an error: {', '.join(failed)}")


def _processor() -> str:
    """The machine, as far as the platform tells."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{platform.system()}, {os.cpu_count()} x {named[0] if named else model}"


if __name__ == "__main__":
    main()
