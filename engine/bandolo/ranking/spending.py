"""The budget, spent down the list: in full, in part, not at all; a tie that decides who gets the last money stops the award."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

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


def spend(ranked: list[list[Entrant]], options: Options) -> Spent:
    """Shares by application, down the groups of the ranking."""
    if options.budget is None:
        return Spent({e.id: Share("financed", e.pots, "no_budget", ()) for group in ranked for e in group}, ())
    shares: dict[str, Share] = {}
    left = options.budget
    closed = stopped = ""
    ties: list[tuple[str, ...]] = []
    for group in ranked:
        if not stopped and len(group) > 1 and not _plain(group, left, closed, options):
            stopped = group[0].id
            ties.append(tuple(e.id for e in group))
            shares |= {e.id: Share("undetermined", tuple(ZERO for _ in left), "tie", left, stopped) for e in group}
            continue
        for entrant in group:
            if stopped:
                shares[entrant.id] = Share("undetermined", tuple(ZERO for _ in left), "after_tie", left, stopped)
                continue
            share, closed = _one(entrant, left, closed, options)
            shares[entrant.id] = share
            left = _minus(left, share.pots)
    return Spent(shares, left, ties)


def _one(entrant: Entrant, left: tuple[Fraction, ...], closed: str, options: Options) -> tuple[Share, str]:
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


def _plain(group: list[Entrant], left: tuple[Fraction, ...], closed: str, options: Options) -> bool:
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
