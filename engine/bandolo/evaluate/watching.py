"""Evaluations that somebody watches: how a tool sees every value that is computed, without a second evaluator.

While a watcher is set, decisions and rankings are made by the evaluations that it supplies: subclasses of the reference evaluator that
note what they compute. A faster path must not be taken meanwhile (`watched` tells): it would compute the same, unseen.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from bandolo.check import core
from bandolo.evaluate.decision import Decision
from bandolo.evaluate.reference import Evaluation, Settings, Strikes
from bandolo.language.values import Record


class Watcher(Protocol):
    """What is told of every evaluation."""

    def evaluation(
        self, policy: core.Policy, settings: Settings, records: dict[str, list[Record]], budget: int, traced: bool, strikes: Strikes
    ) -> Evaluation:
        """The evaluation to be used."""

    def decided(self, evaluation: Evaluation, decision: Decision) -> None:
        """A decision has been put together from an evaluation."""


_WATCHER: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


def watched() -> Watcher | None:
    """Who watches, if anybody does."""
    return _WATCHER.get()


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """Everything that is decided inside, in this thread, is shown to the watcher."""
    token = _WATCHER.set(watcher)
    try:
        yield
    finally:
        _WATCHER.reset(token)


def evaluation_of(
    policy: core.Policy,
    settings: Settings,
    records: dict[str, list[Record]],
    budget: int,
    traced: bool = False,
    strikes: Strikes | None = None,
) -> Evaluation:
    """An evaluation of some records: the watcher's where there is one."""
    watcher = _WATCHER.get()
    make = Evaluation if watcher is None else watcher.evaluation
    return make(policy, settings, records, budget, traced, strikes or Strikes())
