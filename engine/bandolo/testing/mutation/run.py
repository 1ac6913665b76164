"""Mutants run against the cases, on as many cores as there are: which case kills each, and which of them survive."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from bandolo.diagnostics import PolicyError
from bandolo.testing.mutation.infect import Changed
from bandolo.testing.mutation.mutants import Mutant
from bandolo.testing.mutation.trials import Infected, Prepared, Trial, mutated_policy

RECENT = 6
"""How many cases are tried first because they killed a mutant of the same rule."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a mutant: `killed` (by the case named), `refused` (the checker or the engine would not have it), `survived`."""

    word: str
    by: str = ""
    tried: int = 0
    """The cases that look at what the mutant changes."""


@dataclass
class Figures:
    """The mutants by fate, all told and by kind."""

    by_kind: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, mutant: Mutant, word: str) -> None:
        self.by_kind.setdefault(mutant.kind, Counter())[word] += 1

    def count(self, *words: str) -> int:
        return sum(n for counted in self.by_kind.values() for word, n in counted.items() if not words or word in words)


class Hunt:
    """Runs mutants of one policy against its prepared cases; remembers which cases killed mutants of the same rule."""

    def __init__(self, prepared: Prepared) -> None:
        self.prepared = prepared
        self.killers: dict[str, list[int]] = {}

    def fate(self, mutant: Mutant) -> Fate:
        """What becomes of a mutant: the first case that fails on it ends the hunt."""
        home = self.prepared.version.changed(mutant)
        if home is None:
            return Fate("refused")
        try:
            mutated_policy(self.prepared.version.policy, home)
        except PolicyError:
            return Fate("refused")
        changed: dict[int, Changed | None] = {id(self.prepared.version): home}
        infected: Infected = {}
        trials = self.prepared.trials
        first = self.killers.setdefault(mutant.rule, [])
        for number in [*first, *(n for n in range(len(trials)) if n not in first)]:
            trial = trials[number]
            place = id(trial.version)
            if place not in changed:
                changed[place] = trial.version.changed(mutant)
            here = changed[place]
            if here is None:
                continue
            try:
                killed = trial.kills(here, infected)
            except (TypeError, AttributeError, KeyError, AssertionError, ValueError, ZeroDivisionError):
                return Fate("refused")  # of a type that the checker would not have let through
            if killed:
                first[:] = [number, *(n for n in first if n != number)][:RECENT]
                return Fate("killed", _name(trial))
        return Fate("survived", tried=sum(1 for result in infected.values() if result is not None))

    def fates(self, mutants: Sequence[Mutant], jobs: int, told: Callable[[int], None] = lambda n: None) -> list[Fate]:
        """The fates of mutants, in their order; `told` hears how many are done. Where processes cannot be forked, on one core."""
        if jobs < 2 or "fork" not in multiprocessing.get_all_start_methods():
            found = []
            for n, mutant in enumerate(mutants, 1):
                found.append(self.fate(mutant))
                told(n)
            return found
        _shared[:] = [(self, mutants)]
        # Neighbours share a rule, and with it the cases that kill: they go to one process together.
        size = max(1, len(mutants) // (jobs * 16))
        chunks = [range(start, min(start + size, len(mutants))) for start in range(0, len(mutants), size)]
        fates: list[Fate] = []
        with multiprocessing.get_context("fork").Pool(jobs) as pool:
            for part in pool.imap(_chunk, chunks):
                fates += part
                told(len(fates))
        return fates


_shared: list[tuple[Hunt, Sequence[Mutant]]] = []
"""What forked processes find in their memory: it is too large to be sent to them."""


def _chunk(numbers: range) -> list[Fate]:
    hunt, mutants = _shared[0]
    return [hunt.fate(mutants[n]) for n in numbers]


def _name(trial: Trial) -> str:
    return trial.case.name


def survivors(mutants: Sequence[Mutant], fates: Sequence[Fate]) -> Iterator[Mutant]:
    """The mutants that no case kills."""
    yield from (m for m, f in zip(mutants, fates, strict=True) if f.word == "survived")
