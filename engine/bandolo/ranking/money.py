"""Who has money now, kept up as single applications change: what the rounds of strikes ask again and again.

The meaning is `spending.spend` over the whole list. What fits in full from the top is kept as a running sum; only from the first that does
not fit is the spending itself asked, so that a change far up the list costs as much as it moves.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import NamedTuple

from bandolo.ranking.options import Options
from bandolo.ranking.order import SortKey
from bandolo.ranking.spending import Share, Spending


class Place(NamedTuple):
    """An application in the list: its place by the keys, its id, what it asks for."""

    key: SortKey
    id: str
    pots: tuple[Fraction, ...]


class Money:
    """The list in order, and who of it has money.

    `listed` is in order; `more` gives the next stretch of a longer list, in order and with ties whole, and nothing at its end.
    """

    def __init__(self, options: Options, listed: Iterable[Place], more: Callable[[], list[Place]] | None = None) -> None:
        self.options, self.more = options, more
        self.list: list[Place] = list(listed)
        self.cut = 0
        """All before it fit in full, one after another."""
        self.used = [Fraction(0)] * len(options.budget or ())
        self.full: set[str] = set()
        self.edge: dict[str, Share] = {}
        """What those get that stand in the group of the first that does not fit, and after it where the list goes on."""
        self.below = sum(any(p < 0 for p in place.pots) for place in self.list)
        """How many ask for less than nothing: with them no running sum tells."""
        self._move(set())

    def has(self, id_: str) -> bool:
        share = self.edge.get(id_)
        return share.status in ("financed", "partly_financed") if share is not None else id_ in self.full

    def change(self, before: Place | None, after: Place | None) -> set[str]:
        """Put an application elsewhere, or in, or out; all for whom it may have made a difference."""
        changed: set[str] = set()
        if before is not None:
            at = bisect_left(self.list, before)
            self._reach(before)
            at = bisect_left(self.list, before)
            assert self.list[at] == before
            del self.list[at]
            self.below -= any(p < 0 for p in before.pots)
            if at < self.cut:
                self.cut -= 1
                self._use(before, -1)
                self.full.discard(before.id)
            changed.add(before.id)
        if after is not None:
            self._reach(after)
            at = bisect_left(self.list, after)
            insort(self.list, after)
            self.below += any(p < 0 for p in after.pots)
            if at < self.cut:
                self.cut += 1
                self._use(after, 1)
                self.full.add(after.id)
            changed.add(after.id)
        self._move(changed)
        return changed

    def _use(self, place: Place, sign: int) -> None:
        self.used = [have + sign * part for have, part in zip(self.used, place.pots, strict=False)]

    def _reach(self, place: Place) -> None:
        """Have the list as far as a place."""
        while (not self.list or self.list[-1] < place) and self._extend():
            pass

    def _extend(self) -> bool:
        found = self.more() if self.more is not None else []
        self.below += sum(any(p < 0 for p in place.pots) for place in found)
        self.list += found
        if not found:
            self.more = None
        return bool(found)

    def _move(self, changed: set[str]) -> None:
        """Bring the cut to where the money ends."""
        budget = self.options.budget
        changed.update(self.edge)
        if budget is None:
            while self.cut < len(self.list) or self._extend():
                self.full.add(self.list[self.cut].id)
                changed.add(self.list[self.cut].id)
                self.cut += 1
            return
        if self.below:
            while self.cut:
                self._back(changed)
        while self.cut and any(used > have for used, have in zip(self.used, budget, strict=True)):
            self._back(changed)
        while not self.below and (self.cut < len(self.list) or self._extend()):
            place = self.list[self.cut]
            if any(used + want > have for used, want, have in zip(self.used, place.pots, budget, strict=True)):
                break
            self._use(place, 1)
            self.full.add(place.id)
            changed.add(place.id)
            self.cut += 1
        self._at_the_edge(budget)
        changed.update(self.edge)

    def _back(self, changed: set[str]) -> None:
        self.cut -= 1
        self._use(self.list[self.cut], -1)
        self.full.discard(self.list[self.cut].id)
        changed.add(self.list[self.cut].id)

    def _at_the_edge(self, budget: tuple[Fraction, ...]) -> None:
        """Ask the spending from the group on in which the first stands that does not fit."""
        self.edge = {}
        begin = self.cut
        if begin == len(self.list) and not self._extend():
            return
        while begin and self.list[begin - 1].key == self.list[self.cut].key:
            begin -= 1
        used = self.used
        for place in self.list[begin : self.cut]:
            used = [have - part for have, part in zip(used, place.pots, strict=True)]
        spending = Spending(self.options, tuple(have - part for have, part in zip(budget, used, strict=True)))
        while begin < len(self.list) or self._extend():
            end = begin + 1
            while end < len(self.list) and self.list[end].key == self.list[begin].key:
                end += 1
            self.edge |= spending.give(self.list[begin:end])
            if spending.closed or spending.stopped:
                return
            begin = end
