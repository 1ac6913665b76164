"""What a program is: a function over blocks of columns, what it is given, and where in what comes back its values are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bandolo.evaluate.stages import PRECEDENCE

Key = tuple[str, str, str | None]
"""An entity, a fact, and the stage that asks for it where several do."""
STATUSES = ("passed", *PRECEDENCE, "not_started")
OUTCOMES = ("admitted", *PRECEDENCE)
"""The outcome of a stage's status; `failed` is said as rejected."""
MASK_BITS = 63
STRUCK = "is struck"
"""The name of the flags that say which records the ranking has struck; no fact has a space in its name."""
NO_RESULT = "a computation has no result, or a number is beyond 64 bits"
OUTSIDE = "an amount, number or date is beyond what columns hold"
LACKING = "a fact is missing"
CURABLE = "a requirement that can still be put right, which depends on the clock"


@dataclass(frozen=True)
class Shape:
    """What a column is made of: number, bits or word; its scale; whether it is narrow; whether `none` may occur."""

    form: str
    scale: int = 1
    narrow: bool = False
    none: bool = False
    null: bool = False
    """Whether it may be missing."""


@dataclass(frozen=True)
class Outgoing:
    """A result as a program leaves it: number, flag or word, with its scale; `parts` are the places of its arrays in what comes back."""

    entity: str
    name: str
    form: str
    scale: int
    constant: Any
    parts: tuple[int | None, int | None, int | None, int | None]
    """Values, divisors, none, words."""


@dataclass(frozen=True)
class Ranked:
    """What the ranking takes of an application that is ranked: keys of the order and of `keep`, award and pots in cents.

    `key` tells the exclusive records over all applications apart; `held` is the place of the flags of those that are admitted, None for
    all of them.
    """

    order: tuple[Outgoing, ...]
    keep: tuple[Outgoing, ...]
    award: Outgoing | None
    pots: tuple[Outgoing, ...]
    key: Outgoing | None
    held: int | None

    @property
    def parts(self) -> tuple[Outgoing, ...]:
        return (*self.order, *self.keep, *self.pots, *(p for p in (self.award, self.key) if p is not None))


@dataclass(frozen=True)
class Program:
    """`run(given, rows, left)` computes a block and gives arrays, placed as told here."""

    run: Callable[..., tuple[Any, ...]]
    source: str
    columns: tuple[Key, ...]
    entities: tuple[str, ...]
    read: frozenset[Key]
    """The facts that it looks at: where one is missing, the application is not for it."""
    requirements: tuple[str, ...]
    """In the order in which a decision lists them: the order of the bits of a mask."""
    words: int
    left: int
    outcome: int
    stage: int
    statuses: tuple[int, ...]
    masks: tuple[int, ...]
    failing: Mapping[str, tuple[int, ...]]
    """Of each listed entity, where the rows that fail something are, and their masks."""
    excluded: Mapping[str, int]
    barred: Mapping[str, int]
    admitted: Mapping[str, int]
    """Records that have results; where there is none here, all do."""
    results: tuple[Outgoing, ...]
    ranked: Ranked | None = None
    kept: Mapping[str, int] = field(default_factory=dict)
    """Where the flags are of the requirements whose verdicts stay after a strike."""
    unsure: int | None = None
    """Where those are of the applications in which one of these has no verdict."""
    missing: tuple[tuple[str, str, int], ...] = ()
    """An entity, the name of a fact, and where the flags are of its records in which that fact leaves a verdict open."""
    reasons: Mapping[str, int] = field(default_factory=dict)
    """Where the applications are that it leaves to the reference, by why."""

    @property
    def outgoing(self) -> tuple[Outgoing, ...]:
        """All values that it leaves."""
        return self.results if self.ranked is None else (*self.results, *self.ranked.parts)


def met_key(entity: str, requirement: str) -> Key:
    """The column of the verdicts of a requirement that is not looked at again."""
    return (entity, f"met {requirement}", None)
