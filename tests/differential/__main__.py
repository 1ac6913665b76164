"""Generated policies and applications through every path, at length: `PYTHONPATH=tests python -m differential --help`.

Paths that decide whatever the policy (reference, compiled, json) are given policies of all constructs; paths that hand a policy over for
one rule (columnar, duckdb, postgres, spark) are given the same policies cut down to what they can say. A disagreement is made small and
kept in `tests/disagreements`, where `make test` finds it from then on. Exit status 1 if there is any.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from multiprocessing import get_context

from differential.constructs import wanted
from differential.keep import FOLDER
from differential.paths import EVERYWHERE, PATHS, available
from differential.run import WHATEVER, Job, Tally, run


def jobs(options: argparse.Namespace) -> Iterator[Job]:
    """A job for each policy and kind of path."""
    whatever = tuple(p for p in options.paths if p in WHATEVER)
    cut = tuple(p for p in options.paths if p not in WHATEVER)
    for number in range(options.first, options.first + options.policies):
        common = (options.applications, options.small)
        if whatever:
            yield Job(options.seed, number, whatever, *common, False, options.shrink, options.keep)
        if cut:
            yield Job(options.seed, number, cut, *common, True, options.shrink, options.keep)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="differential", description="Generated policies and applications through every path.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="the number of the first policy")
    parser.add_argument("--policies", type=int, default=20)
    parser.add_argument("--applications", type=int, default=1000, help="for each policy")
    parser.add_argument("--paths", type=lambda t: tuple(t.split(",")), default=EVERYWHERE, help=f"some of {', '.join(PATHS)}")
    parser.add_argument("--small", action="store_true", help="small policies, for many applications")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--shrink", type=float, default=60, help="seconds for making a disagreement small")
    parser.add_argument("--keep", default=str(FOLDER), help="where disagreements are kept")
    options = parser.parse_args(arguments)
    for path in options.paths:
        if path not in PATHS:
            parser.error(f"there is no path `{path}`")
        if lacking := available(path):
            print(f"{path} is left out: {lacking}", file=sys.stderr)
    options.paths = tuple(p for p in options.paths if not available(p))
    return report(options)


def report(options: argparse.Namespace) -> int:
    """Run all jobs and print what came of them."""
    every = list(jobs(options))
    total, began = Tally(), time.monotonic()
    with get_context("spawn").Pool(options.jobs, maxtasksperchild=20) as pool:
        for done, tally in enumerate(pool.imap_unordered(run, every), 1):
            total.add(tally)
            for place in tally.kept:
                print(f"kept {place}", file=sys.stderr, flush=True)
            for text in tally.broken:
                print(f"broke: {text}", file=sys.stderr, flush=True)
            spent = time.monotonic() - began
            decided, different = sum(total.applications.values()), sum(total.different.values())
            left = spent / done * (len(every) - done)
            line = f"{done}/{len(every)} jobs, {decided:,} decisions compared, {different:,} different, {left:,.0f} s left"
            print(f"\r{line}" if sys.stderr.isatty() else line, end="" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True)
    print(f"\nseed {options.seed}, policies {options.first} to {options.first + options.policies - 1}, {time.monotonic() - began:,.0f} s")
    print(f"{'path':<12}{'policies':>10}{'applications':>14}{'by itself':>12}{'different':>11}")
    for path in options.paths:
        row = (total.policies[path], total.applications[path], total.itself[path], total.different[path])
        print(f"{path:<12}{row[0]:>10,}{row[1]:>14,}{row[2]:>12,}{row[3]:>11,}")
    lacking = wanted() - set(total.constructs)
    if not set(options.paths) & set(WHATEVER):
        pass
    elif lacking:
        print(f"{len(wanted()) - len(lacking)} of {len(wanted())} constructs; not held: {', '.join(sorted(lacking))}")
    else:
        print(f"all {len(wanted())} constructs of the language")
    for path in options.paths:
        if path not in WHATEVER:
            print(f"{path}: {sum(f'{path}: {w}' in total.constructs for w in wanted())} of them in policies that it decides itself")
    return 1 if sum(total.different.values()) or total.broken else 0


if __name__ == "__main__":
    sys.exit(main())
