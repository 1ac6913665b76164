"""What each variant comes to: applications by outcome and stage, who changes sides, and the sums of the amounts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bandolo.batch.helpers import Array
from bandolo.batch.outgoing import OUTCOME_WORDS

UNREAD = -1
REJECTED = OUTCOME_WORDS.index("rejected")
SAFE = 2**62
APART = len(OUTCOME_WORDS) + 1
"""So many outcomes there are, with what cannot be read."""


@dataclass
class Counted:
    """The counts of one variant, that those of more applications can be added to.

    `outcomes` counts by outcome and stage, `changes` by the outcome as it is and the one that the variant gives. `cents` are the sums
    of the amounts that applications get, nothing where they are rejected; `unknown` counts those of which an amount is not known.
    """

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    changes: Counter[tuple[str, str]] = field(default_factory=Counter)
    cents: list[int] = field(default_factory=list)
    unknown: list[int] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    by_rows: int = 0

    def add(self, other: Counted) -> None:
        self.outcomes.update(other.outcomes)
        self.changes.update(other.changes)
        self.errors.update(other.errors)
        self.by_rows += other.by_rows
        self.cents = [a + b for a, b in zip(self.cents, other.cents, strict=True)] if self.cents else list(other.cents)
        self.unknown = [a + b for a, b in zip(self.unknown, other.unknown, strict=True)] if self.unknown else list(other.unknown)


class Measure:
    """The outcomes of some applications under every variant, as they come by blocks and by rows."""

    def __init__(self, variants: int, applications: int, stages: Sequence[str], amounts: int) -> None:
        self.stages = list(stages)
        self.codes: Array = np.full((variants, applications), UNREAD, np.int16)
        """Outcome and stage of each application, by variant."""
        self.left: Array = np.zeros((variants, applications), bool)
        self.whys: Counter[tuple[int, int]] = Counter()
        """Applications that a variant leaves, by the variant and the number of its reason."""
        self.counted = [Counted(cents=[0] * amounts, unknown=[0] * amounts) for _ in range(variants)]

    def told(self, low: int, high: int, begun: Array, sums: list[Any]) -> Any:
        """What a shared program tells of the applications from `low` up to `high`; the sums go to a list, for threads must not meet.

        `begun` are those that were left before: they have other reasons.
        """

        def told(number: int, left: Array, outcome: Array, stage: Array, amounts: Any, whys: Any) -> None:
            self.codes[number, low:high] = outcome.astype(np.int16) * len(self.stages) + stage
            self.left[number, low:high] = left
            gets = (outcome != REJECTED) & ~left
            found = []
            for cents, none in amounts:
                known = gets if none is None else gets & ~np.asarray(none)
                found.append((_sum(cents, known), int(np.count_nonzero(gets)) - int(np.count_nonzero(known))))
            sums.append((number, found, [0 if why is None else int(np.count_nonzero(why & ~begun)) for why in whys]))

        return told

    def summed(self, sums: Sequence[Any]) -> None:
        """Add what blocks told."""
        for number, found, whys in sums:
            self.whys.update({(number, i): n for i, n in enumerate(whys)})
            counted = self.counted[number]
            for i, (cents, unknown) in enumerate(found):
                counted.cents[i] += cents
                counted.unknown[i] += unknown

    def decided(self, number: int, row: int, outcome: str, stage: str, amounts: Sequence[int | None]) -> None:
        """One application that was decided for itself; amounts in cents, None where one is not known."""
        self.codes[number, row] = OUTCOME_WORDS.index(outcome) * len(self.stages) + self.stages.index(stage)
        counted = self.counted[number]
        counted.by_rows += 1
        if outcome == "rejected":
            return
        for i, cents in enumerate(amounts):
            counted.cents[i] += cents or 0
            counted.unknown[i] += cents is None

    def refused(self, number: int, row: int, code: str) -> None:
        """One application that is bad data."""
        self.codes[number, row] = UNREAD
        self.counted[number].by_rows += 1
        self.counted[number].errors[code] += 1

    def done(self) -> list[Counted]:
        """The counts, once every application has been decided under every variant."""
        many = len(self.stages)
        base = self.codes[0] // many
        for counted, codes in zip(self.counted, self.codes, strict=True):
            found = np.bincount(codes - UNREAD)
            for code in np.flatnonzero(found):
                counted.outcomes[self._said(int(code) + UNREAD)] += int(found[code])
            moved = np.flatnonzero(codes != self.codes[0])
            pairs = np.bincount((base[moved] - UNREAD) * APART + codes[moved] // many - UNREAD)
            for pair in np.flatnonzero(pairs):
                old, new = (int(n) + UNREAD for n in divmod(pair, APART))
                if old != new:
                    counted.changes[_outcome(old), _outcome(new)] += int(pairs[pair])
        return self.counted

    def _said(self, code: int) -> tuple[str, str]:
        if code == UNREAD:
            return "unread", ""
        outcome, stage = divmod(code, len(self.stages))
        return OUTCOME_WORDS[outcome], self.stages[stage]


def _outcome(code: int) -> str:
    return "unread" if code < 0 else OUTCOME_WORDS[code]


def _sum(values: Any, known: Array) -> int:
    """Exact: 64 bits where they are sure to hold it."""
    if isinstance(values, int):
        return values * int(np.count_nonzero(known))
    if not values.ndim:
        return int(values) * int(np.count_nonzero(known))
    if not len(values):
        return 0
    # Of what is not known the values may be anything: then the sum is made one by one, though it need not.
    most = max(int(values.max()), -int(values.min()))
    return int(np.dot(values, known)) if most * len(values) < SAFE else sum(map(int, values[known]))
