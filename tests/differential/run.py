"""One policy through some paths: decided, compared, counted; what differs is made small and kept."""

from __future__ import annotations

import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Any

from differential.applications import Maker
from differential.batches import Batch
from differential.constructs import held
from differential.fit import fitted
from differential.keep import keep, kind_of, made_small
from differential.paths import PATHS, hands_over, settings, whole_settings
from differential.policies import loaded, sound

WHATEVER = ("reference", "compiled", "json")
"""Paths that decide by every policy."""


@dataclass(frozen=True)
class Job:
    """One policy through some paths, with so many applications."""

    seed: int
    number: int
    paths: tuple[str, ...]
    applications: int
    small: bool
    cut: bool
    seconds: float
    folder: str


@dataclass
class Tally:
    """What came of some jobs, by path."""

    policies: Counter[str] = field(default_factory=Counter)
    applications: Counter[str] = field(default_factory=Counter)
    itself: Counter[str] = field(default_factory=Counter)
    different: Counter[str] = field(default_factory=Counter)
    whole: Counter[str] = field(default_factory=Counter)
    constructs: Counter[str] = field(default_factory=Counter)
    kept: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """Jobs that the comparison itself did not survive."""

    def add(self, other: Tally) -> None:
        for name in ("policies", "applications", "itself", "different", "whole", "constructs"):
            getattr(self, name).update(getattr(other, name))
        self.kept += other.kept
        self.broken += other.broken


def run(job: Job) -> Tally:
    """One job, in a process of its own; every disagreement of another kind is made small and kept."""
    try:
        return _run(job)
    except Exception:
        return Tally(broken=[f"policy {job.number} of seed {job.seed}, {', '.join(job.paths)}: {traceback.format_exc()}"])


def _run(job: Job) -> Tally:
    tally = Tally()
    data, policy = sound(job.seed, job.number, job.small)
    if not job.cut:
        _decide(job, tally, job.paths, data, settings(policy, job.number))
        tally.constructs.update(held(policy, data))
        return tally
    for path in job.paths:
        what_if = whole_settings(policy)
        cut = fitted(data, hands_over(path, what_if))
        if cut is None:
            tally.policies[f"{path}, of which nothing could be said"] += 1
            continue
        _decide(job, tally, (path,), cut, what_if)
        made = loaded(cut)
        assert made is not None
        tally.constructs.update(f"{path}: {c}" for c in held(made, cut))
    return tally


def _decide(job: Job, tally: Tally, paths: tuple[str, ...], data: dict[str, Any], what_if: dict[str, Any]) -> None:
    policy = loaded(data)
    assert policy is not None
    maker = Maker(policy.core, policy.settled, f"{job.seed}/{job.number}")
    kinds: set[tuple[str, str]] = set()
    width = 500 if not job.cut else 2000
    for path in paths:
        tally.policies[path] += 1
    for begin in range(0, job.applications, width):
        numbers = range(begin, min(begin + width, job.applications))
        batch = Batch(policy, [maker.application(n) for n in numbers], what_if)
        for path in paths:
            found = PATHS[path](batch)
            tally.applications[path] += len(numbers)
            tally.itself[path] += len(numbers) - found.left if not (found.refused and not found.pairs) else 0
            tally.different[path] += len(found.different)
            for i in found.different:
                kind = path, kind_of(str(found.pairs[i][0]))
                if kind in kinds:
                    continue
                kinds.add(kind)
                said, wanted_ = (str(x)[:300] for x in found.pairs[i])
                small, application = made_small(PATHS[path], data, batch.applications, i, what_if, job.seconds)
                name = f"{path}_{job.seed}_{job.number}_{len(kinds)}"
                size = " (small)" if job.small else ""
                note = f"policy {job.number} of seed {job.seed}{size}, application {begin + i}: {said}, not {wanted_}"
                tally.kept.append(str(keep(name, path, small, application, what_if, note, File(job.folder))))
