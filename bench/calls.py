"""The two calls while their forms are filled in: `python bench/calls.py [--rounds 5]`.

For each call and for applications that are complete, complete at submission (what is known only later is missing) and half filled in: the
median of a decision by the reference and by the policy's program, and the ratio. Each application is decided by both in turn, so that a
busy moment meets both; "decide" is up to the outcome, "to JSON" with every message, source, missing fact and the digest written out.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from time import perf_counter_ns
from typing import Any

from rich.console import Console
from rich.table import Table

from bandolo.check import core
from bandolo.diagnostics import ApplicationError
from bandolo.evaluate.yaml_data import data_of
from bandolo.policy import Policy, load_policy
from bandolo.source import SourceFile
from bandolo.syntax.yaml_tree import parse_yaml
from bandolo.testing.generate import Limits, generated

POLICIES = Path(__file__).resolve().parents[1] / "policies"
CALLS: dict[str, tuple[str, str | None]] = {
    "bando_2023": ("bando_2023-payment.yaml", "bando_2023-admitted.yaml"),
    "manifestazione_2022": ("manifestazione_2022-admitted.yaml", None),
}
"""Of each call an application of which everything is known, and one as it is submitted (None: what others supply is left out)."""
APPLICATIONS = 30
Data = dict[str, Any]


def applications(policy: Policy, name: str) -> Iterator[tuple[str, list[Data]]]:
    """The applications of a call in their three states, made of its examples by small changes; the same in every run."""
    complete, submitted = CALLS[name]
    whole = _made(policy, _example(complete))
    yield "complete", whole
    at_submission = _made(policy, _example(submitted)) if submitted is not None else [_own(policy.core, a) for a in whole]
    yield "submission only", at_submission
    yield "half filled", [_half(policy.core, policy.core.root, a, Random(f"half/{n}")) for n, a in enumerate(at_submission)]


def _example(file: str) -> Data:
    path = POLICIES / "examples" / file
    tree, diagnostics = parse_yaml(SourceFile(str(path), path.read_text(encoding="utf-8")))
    assert tree is not None, diagnostics
    data: Data = data_of(tree)
    return data


def _made(policy: Policy, example: Data) -> list[Data]:
    found: list[Data] = []
    for data in generated(policy, 2 * APPLICATIONS, 1, [example], Limits(changes=3)):
        try:
            policy.decide(data, engine="reference")
        except ApplicationError:
            continue
        found.append(data)
    return found[:APPLICATIONS]


def _own(policy: core.Policy, data: Data) -> Data:
    """What an applicant supplies."""
    facts = policy.entities[policy.root].facts
    return {name: value for name, value in data.items() if facts[name].by is None}


def _half(policy: core.Policy, entity: str, data: Data, rng: Random) -> Data:
    """Every record with its key and about half of its other facts."""
    facts = policy.entities[entity].facts
    listed = {e.listed_in: e.name for e in policy.entities.values() if e.owner == entity}
    kept: Data = {}
    for name, value in data.items():
        if name in listed:
            kept[name] = [_half(policy, listed[name], record, rng) for record in value]
        elif facts[name].key or rng.random() < 0.5:
            kept[name] = value
    return kept


WAYS: dict[str, Callable[[Any], object]] = {"decide": lambda decision: decision.outcome, "to JSON": lambda decision: decision.to_json()}


def measure(rounds: int) -> list[tuple[str, ...]]:
    """Rows of call, state, what is done, milliseconds by the reference and by the program, and the ratio of the two."""
    rows: list[tuple[str, ...]] = []
    for name in CALLS:
        policy = load_policy(POLICIES / f"{name}.yaml")
        for state, data in applications(policy, name):
            for way, finish in WAYS.items():
                reference, compiled = _times(policy, data, finish, rounds)
                rows.append((name, state, way, f"{reference:.2f}", f"{compiled:.2f}", f"{reference / compiled:.1f}"))
    return rows


def _times(policy: Policy, data: list[Data], finish: Callable[[Any], object], rounds: int) -> tuple[float, float]:
    """The medians over all applications and rounds, in milliseconds."""
    times: dict[str, list[int]] = {"reference": [], "compiled": []}
    for application in data[:3]:
        finish(policy.decide(application, engine="compiled"))
    for _ in range(rounds):
        for application in data:
            for engine, found in times.items():
                start = perf_counter_ns()
                finish(policy.decide(application, engine=engine))  # type: ignore[arg-type]
                found.append(perf_counter_ns() - start)
    return statistics.median(times["reference"]) / 1e6, statistics.median(times["compiled"]) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("call", "application", ""):
        table.add_column(heading)
    for heading in ("reference ms", "compiled ms", "ratio"):
        table.add_column(heading, justify="right")
    for row in measure(rounds):
        table.add_row(*row)
    console = Console()
    console.print(table)
    console.print(f"Python {sys.version.split()[0]}, {rounds} rounds of {APPLICATIONS} applications", style="dim")


if __name__ == "__main__":
    main()
