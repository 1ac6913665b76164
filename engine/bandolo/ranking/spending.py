"""The budget, spent down the list: in full, in part, not at all; a tie that decides who gets the last money stops the award."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import permutations
from typing import Protocol

from bandolo.ranking.entrant import Entrant
from bandolo.ranking.options import Options
from bandolo.records import dataclass, field

TRIED = 5
"""Of a tie of up to so many, every order is tried; of more, only what is plain."""

ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class Share:
    """What an application gets: `status` is financed, partly_financed, admitted_not_financed or undetermined, `why` a reason's code.

    `left` is what each pot held when its turn came; `at` is the application at which the list was closed, or the award stopped.
    """

    status: str
    pots: tuple[Fraction, ...]
    why: str
    left: tuple[Fraction, ...]
    at: str = ""

    @property
    def amount(self) -> Fraction:
        return sum(self.pots, ZERO)


@dataclass(frozen=True)
class Spent:
    shares: dict[str, Share]
    left: tuple[Fraction, ...]
    ties: list[tuple[str, ...]] = field(default_factory=list)
    """The ties at which the award stopped."""


class Asking(Protocol):
    """An application that asks for money, by pot."""

    @property
    def id(self) -> str: ...
    @property
    def pots(self) -> tuple[Fraction, ...]: ...


@dataclass
class Spending:
    """The money on its way down the list, group by group; `left` may begin where others have been served."""

    options: Options
    left: tuple[Fraction, ...]
    closed: str = ""
    """The application at which the list was closed."""
    stopped: str = ""
    """The first application of the tie at which the award stopped."""

    def give(self, group: Sequence[Asking]) -> dict[str, Share]:
        """What each of the next group gets."""
        nothing = tuple(ZERO for _ in self.left)
        if not self.stopped and len(group) > 1 and not _plain(group, self.left, self.closed, self.options):
            self.stopped = group[0].id
            return {e.id: Share("undetermined", nothing, "tie", self.left, self.stopped) for e in group}
        shares: dict[str, Share] = {}
        for entrant in group:
            if self.stopped:
                shares[entrant.id] = Share("undetermined", nothing, "after_tie", self.left, self.stopped)
                continue
            shares[entrant.id], self.closed = _one(entrant, self.left, self.closed, self.options)
            self.left = _minus(self.left, shares[entrant.id].pots)
        return shares


def spend(ranked: Sequence[Sequence[Entrant]], options: Options) -> Spent:
    """Shares by application, down the groups of the ranking."""
    if options.budget is None:
        return Spent({e.id: Share("financed", e.pots, "no_budget", ()) for group in ranked for e in group}, ())
    shares: dict[str, Share] = {}
    spending = Spending(options, options.budget)
    ties: list[tuple[str, ...]] = []
    for group in ranked:
        before = spending.stopped
        shares |= spending.give(group)
        if spending.stopped != before:
            ties.append(tuple(e.id for e in group))
    return Spent(shares, spending.left, ties)


def _one(entrant: Asking, left: tuple[Fraction, ...], closed: str, options: Options) -> tuple[Share, str]:
    """What one application gets, and at which the list is closed."""
    nothing = tuple(ZERO for _ in left)
    if closed:
        return Share("admitted_not_financed", nothing, "closed", left, closed), closed
    if all(want <= have for want, have in zip(entrant.pots, left, strict=True)):
        return Share("financed", entrant.pots, "fits", left), closed
    if options.when_short == "next_that_fits":
        return Share("admitted_not_financed", nothing, "skipped", left), closed
    part = tuple(min(want, have) for want, have in zip(entrant.pots, left, strict=True))
    if options.when_short == "partial" and sum(part) > 0:
        return Share("partly_financed", part, "partial", left), entrant.id
    return Share("admitted_not_financed", nothing, "short", left), entrant.id


def _plain(group: Sequence[Asking], left: tuple[Fraction, ...], closed: str, options: Options) -> bool:
    """Whether every order of the tied would give each of them the same, and leave the same."""
    if closed or all(sum((e.pots[i] for e in group), ZERO) <= have for i, have in enumerate(left)):
        return True
    if len(group) > TRIED:
        fits = [all(want <= have for want, have in zip(e.pots, left, strict=True)) for e in group]
        return not any(fits) and (options.when_short != "partial" or not any(left))
    found: set[tuple[object, ...]] = set()
    for order in permutations(group):
        rest = left
        shut = ""
        got: dict[str, tuple[Fraction, ...]] = {}
        for entrant in order:
            share, shut = _one(entrant, rest, shut, options)
            got[entrant.id] = share.pots
            rest = _minus(rest, share.pots)
        found.add((tuple(sorted(got.items())), rest, bool(shut)))
    return len(found) == 1


def _minus(left: tuple[Fraction, ...], pots: tuple[Fraction, ...]) -> tuple[Fraction, ...]:
    return tuple(have - given for have, given in zip(left, pots, strict=True))
