"""Strikes one after another until nothing changes, where what comes after matters too: only who has money counts, or strikes are lifted.

Each round makes the first strikes that are due, by `keep`, or lifts those whose ground has gone. What is due, and what has lost its ground,
is kept up as applications change, so that a round costs as much as it changes and not as much as there are applications.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from hashlib import blake2b
from heapq import heappop, heappush
from typing import Any

from bandolo.ranking.entrant import Entrant, Strike
from bandolo.ranking.money import Money, Place
from bandolo.ranking.order import SortKey, sort_key
from bandolo.records import dataclass, field

Holder = tuple[SortKey, str]
"""An application by the order in which it keeps what it shares."""


@dataclass
class Rounds:
    """The applications in play and their strikes.

    `money` tells who has money where only that counts, None where admission does. `decide_again` gives an application under some strikes,
    or under none any more; `told` hears of each `strike`, `lift` and `fall`.
    """

    entrants: dict[str, Entrant]
    disputed: frozenset[str]
    descending: tuple[bool, ...]
    keep_descending: tuple[bool, ...]
    next_only: bool
    money: Money | None
    decide_again: Callable[[str, frozenset[str]], Entrant]
    told: Callable[[str, Strike | None, str], None]
    strikes: dict[tuple[str, str], Strike] = field(default_factory=dict)
    number: dict[tuple[str, str], int] = field(default_factory=dict)
    """When each strike was made first, as they are listed."""
    struck_of: dict[str, set[str]] = field(default_factory=dict)
    by_key: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    by_keeper: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    holders: dict[str, list[Holder]] = field(default_factory=dict)
    """Of each key the applications that count as having it, in the order of `keep`."""
    counted: dict[str, tuple[SortKey, frozenset[str]]] = field(default_factory=dict)
    """The applications that count, as they stand in `holders`."""
    due: list[tuple[SortKey, str, str]] = field(default_factory=list)
    """A heap of who may have to lose which key; each is looked at again when it comes first."""
    doubtful: set[tuple[str, str]] = field(default_factory=set)
    """Strikes whose ground may have gone."""
    state: int = 0
    made: int = 0

    def run(self) -> bool:
        """Strike and lift until nothing changes; False if the strikes come back to where they were."""
        for id_ in self.entrants:
            self._count(id_)
        seen: set[int] = set()
        while True:
            if self.state in seen:
                return False
            seen.add(self.state)
            groundless = self._groundless()
            if groundless:
                self._lift(groundless)
                continue
            first = self._first()
            if first is None:
                return True
            self._strike(self._lost_by(first))

    # Who counts, and has what.

    def counts(self, id_: str) -> bool:
        entrant = self.entrants[id_]
        return entrant.standing == "candidate" and id_ not in self.disputed and (self.money is None or self.money.has(id_))

    def _count(self, id_: str) -> None:
        """Bring what an application holds up to date."""
        before = self.counted.pop(id_, None)
        entrant = self.entrants[id_]
        now = (sort_key(entrant.keep, self.keep_descending), frozenset(c.key for c in entrant.claims)) if self.counts(id_) else None
        if now is not None:
            self.counted[id_] = now
        if before != now:
            if before is not None:
                for key in before[1]:
                    listed = self.holders[key]
                    del listed[bisect_left(listed, (before[0], id_))]
            if now is not None:
                for key in now[1]:
                    insort(self.holders.setdefault(key, []), (now[0], id_))
            self.doubtful |= self.by_keeper.get(id_, set())
        for key in (before[1] if before is not None else frozenset()) | (now[1] if now is not None else frozenset()):
            self._push(key)

    def _push(self, key: str) -> None:
        found = self._loser(key)
        if found is not None:
            heappush(self.due, (*found, key))

    def _loser(self, key: str) -> Holder | None:
        """The first that has to lose a key which an earlier one keeps."""
        listed = self.holders.get(key, [])
        if len(listed) < 2:
            return None
        if self.next_only:
            lost_by = self._lost_already(key)
            if lost_by is not None:
                return next((h for h in listed[1:] if h[1] == lost_by), None)
        return listed[1]

    def _lost_already(self, key: str) -> str | None:
        """The application that a key has been struck from; one that fell is no second one: the next after it is."""
        standing = [s for s in self.by_key.get(key, ()) if self.entrants[s[0]].standing == "candidate"]
        return max(standing, key=self.number.__getitem__)[0] if standing else None

    def _first(self) -> str | None:
        """The first application, by `keep`, that has to lose something."""
        while self.due:
            key, id_, what = self.due[0]
            if self._loser(what) == (key, id_):
                return id_
            heappop(self.due)
            self._push(what)
        return None

    def _lost_by(self, id_: str) -> list[Strike]:
        """All that an application has to lose."""
        found = []
        for claim in self.entrants[id_].claims:
            keeper = self.holders[claim.key][0][1]
            if keeper != id_ and (not self.next_only or self._lost_already(claim.key) in (None, id_)):
                found.append(Strike(id_, claim.record, claim.key, claim.name, keeper))
        return found

    def _groundless(self) -> list[Strike]:
        """The strikes whose keeper no longer counts as having the record, in the order in which they were made."""
        found = []
        for place in self.doubtful:
            strike = self.strikes[place]
            held = self.counted.get(strike.kept_by)
            if held is None or strike.key not in held[1]:
                found.append(place)
        self.doubtful = set()
        return [self.strikes[place] for place in sorted(found, key=self.number.__getitem__)]

    # Changes.

    def _strike(self, strikes: list[Strike]) -> None:
        for strike in strikes:
            place = (strike.application, strike.record)
            if place in self.strikes:
                self._forget(place)
            else:
                self.made += 1
                self.number[place] = self.made
            self.strikes[place] = strike
            self.state ^= _digest(strike)
            self.struck_of.setdefault(strike.application, set()).add(strike.record)
            self.by_key.setdefault(strike.key, set()).add(place)
            self.by_keeper.setdefault(strike.kept_by, set()).add(place)
            self.doubtful.add(place)
            self.told("strike", strike, strike.application)
        self._decide_again(strikes)

    def _lift(self, strikes: list[Strike]) -> None:
        for strike in strikes:
            place = (strike.application, strike.record)
            self._forget(place)
            del self.strikes[place], self.number[place]
            self.struck_of[strike.application].discard(strike.record)
            self.told("lift", strike, strike.application)
        self._decide_again(strikes)

    def _forget(self, place: tuple[str, str]) -> None:
        strike = self.strikes[place]
        self.state ^= _digest(strike)
        self.by_key[strike.key].discard(place)
        self.by_keeper[strike.kept_by].discard(place)
        self.doubtful.discard(place)

    def _decide_again(self, strikes: Iterable[Strike]) -> None:
        changed: set[str] = set()
        keys: set[str] = set()
        for id_ in sorted({s.application for s in strikes}):
            before = self._place(id_)
            self.entrants[id_] = self.decide_again(id_, frozenset(self.struck_of[id_]))
            keys |= {self.strikes[id_, record].key for record in self.struck_of[id_]}
            if self.entrants[id_].standing != "candidate":
                self.told("fall", None, id_)
            changed.add(id_)
            if self.money is not None:
                after = self._place(id_)
                if before != after:
                    changed |= self.money.change(before, after)
        for id_ in changed:
            if id_ in self.entrants:
                self._count(id_)
        for key in keys | {s.key for s in strikes}:  # who lost a key decides who is next
            self._push(key)

    def _place(self, id_: str) -> Place | None:
        """Where an application stands in the list."""
        entrant = self.entrants[id_]
        if entrant.standing != "candidate" or id_ in self.disputed:
            return None
        return Place(sort_key(entrant.order, self.descending), id_, entrant.pots)


def _digest(strike: Strike) -> int:
    """What stands for a strike in the state of all of them: as many bits as make a chance meeting out of the question."""
    text: Any = "\0".join((strike.application, strike.record, strike.kept_by)).encode()
    return int.from_bytes(blake2b(text, digest_size=16).digest())
