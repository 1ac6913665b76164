"""The order of operations: decide, filter, strike, order, spend; the strikes and the awards depend on each other, and come to rest.

1. Each application is decided. Those admitted are ranked; the others are listed with the reason.
2. A record (a firm) that stands in several applications that count keeps its place in the first by `keep`. An application counts when
   it is admitted, or only when it gets money (`counts`).
3. `in_turn`: the first application, by `keep`, that has a record which another keeps is decided again without it; a strike whose ground
   has gone (the application that kept the record no longer counts) is lifted; and so on until nothing changes. `at_once`: all
   such strikes are made together, and none is lifted; again, while money that came free brings new ones.
4. Order by the keys, then the budget down the list.

The procedure is bounded; if the strikes come back to where they were, it says that they do not come to rest.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from itertools import islice, takewhile

from bandolo.ranking.entrant import Entrant, Strike
from bandolo.ranking.money import Money, Place
from bandolo.ranking.options import Options
from bandolo.ranking.order import by_keep, groups, sort_key
from bandolo.ranking.rounds import Rounds
from bandolo.ranking.spending import Spent, spend
from bandolo.records import dataclass, field

Redecide = Callable[[str, frozenset[str]], Entrant]
"""An application decided again with some of its records struck."""


@dataclass(frozen=True, slots=True)
class Event:
    """One operation: `strike` or `lift` of a strike, `fall` of an application that is no longer admitted, `unsettled`."""

    kind: str
    strike: Strike | None = None
    application: str = ""


@dataclass
class Outcome:
    """Where the procedure came to rest: every application as it stands then, the order, what is spent, and how it came about."""

    entrants: dict[str, Entrant]
    strikes: list[Strike]
    ranked: list[list[Entrant]]
    spent: Spent
    events: list[Event] = field(default_factory=list)
    settled: bool = True
    disputed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Applications that no key tells apart in who keeps a record they share: each with the others."""

    def strikes_from(self, application: str) -> list[Strike]:
        """The strikes from one application (they are listed in the order of applications)."""
        start = bisect_left(self.strikes, application, key=lambda s: s.application)
        return list(takewhile(lambda s: s.application == application, islice(self.strikes, start, None)))


def run(
    entrants: Mapping[str, Entrant], descending: tuple[bool, ...], keep_descending: tuple[bool, ...], options: Options, redecide: Redecide
) -> Outcome:
    """The procedure above, on entrants by id."""
    procedure = Procedure(dict(entrants), descending, keep_descending, options, redecide)
    settled = procedure.strike()
    ranked = groups((e for e in procedure.entrants.values() if procedure.in_the_list(e)), descending)
    strikes = sorted(procedure.strikes.values(), key=lambda s: (s.application, s.record))
    return Outcome(procedure.entrants, strikes, ranked, spend(ranked, options), procedure.events, settled, procedure.disputed)


@dataclass
class Procedure:
    """The strikes among some applications. Where the list is longer than `entrants`, `money` gives it: built when it is asked for."""

    entrants: dict[str, Entrant]
    descending: tuple[bool, ...]
    keep_descending: tuple[bool, ...]
    options: Options
    redecide: Redecide
    money: Callable[[frozenset[str]], Money] | None = None
    """Who has money, of all but the disputed."""
    strikes: dict[tuple[str, str], Strike] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    disputed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    before: dict[str, Entrant] = field(default_factory=dict)
    struck: dict[str, set[str]] = field(default_factory=dict)
    """The records struck, by application."""

    def strike(self) -> bool:
        """Strike until nothing changes; False if the strikes do not come to rest."""
        self.before = dict(self.entrants)
        if not any(e.claims for e in self.entrants.values()):
            return True
        self._dispute()
        if self.options.counts == "admitted" and self.options.order == "in_turn":
            self._down_the_list()
            return True
        return self._until_rest()

    def in_the_list(self, entrant: Entrant) -> bool:
        return entrant.standing == "candidate" and entrant.id not in self.disputed

    def _in_keep_order(self) -> list[Entrant]:
        return [e for group in by_keep((e for e in self.entrants.values() if self.in_the_list(e)), self.keep_descending) for e in group]

    def _dispute(self) -> None:
        """Equal by `keep`, and one record in both: nothing says who keeps it. Neither is ranked until something does."""
        for group in by_keep((e for e in self.entrants.values() if e.standing == "candidate"), self.keep_descending):
            holders: dict[str, list[str]] = {}
            for entrant in group if len(group) > 1 else []:
                for claim in entrant.claims:
                    holders.setdefault(claim.key, []).append(entrant.id)
            for ids in holders.values():
                for id_ in ids if len(set(ids)) > 1 else []:
                    self.disputed[id_] = tuple(sorted({*self.disputed.get(id_, ()), *ids} - {id_}))

    # One pass where only what comes before matters.

    def _down_the_list(self) -> None:
        """In the order of `keep`: each application loses what an earlier one that is still admitted keeps."""
        kept: dict[str, str] = {}
        struck_once: set[str] = set()
        for entrant in self._in_keep_order():
            lost = [
                Strike(entrant.id, c.record, c.key, c.name, kept[c.key]) for c in entrant.claims
                if c.key in kept and not (self.options.struck_from == "next_only" and c.key in struck_once)
            ]  # fmt: skip
            if lost:
                self._strike(lost)
            now = self.entrants[entrant.id]
            if now.standing == "candidate":
                # A strike from an application that then falls altogether is none.
                struck_once |= {s.key for s in lost}
                for claim in now.claims:
                    kept.setdefault(claim.key, entrant.id)

    # Rounds where what comes after matters too.

    def _until_rest(self) -> bool:
        """Strike and lift until nothing changes; False if the strikes come back to where they were."""
        money = self._money() if self.options.counts == "financed" else None
        if self.options.order == "at_once":
            return self._all_at_once(money)
        rounds = Rounds(
            self.entrants, frozenset(self.disputed), self.descending, self.keep_descending, self.options.struck_from == "next_only", money,
            lambda id_, struck: self.redecide(id_, struck) if struck else self.before[id_],
            lambda kind, strike, id_: self.events.append(Event(kind, strike, id_)),
        )  # fmt: skip
        settled = rounds.run()
        self.strikes = rounds.strikes
        if not settled:
            self.events.append(Event("unsettled"))
        return settled

    def _money(self) -> Money:
        if self.money is not None:
            return self.money(frozenset(self.disputed))
        listed = sorted(place for e in self.entrants.values() if (place := self._place(e)) is not None)
        return Money(self.options, listed)

    def _place(self, entrant: Entrant) -> Place | None:
        return Place(sort_key(entrant.order, self.descending), entrant.id, entrant.pots) if self.in_the_list(entrant) else None

    def _all_at_once(self, money: Money | None) -> bool:
        """All strikes that are due, together; and again, while money that came free brings new ones."""
        seen: set[frozenset[tuple[str, str, str]]] = set()
        while True:
            state = frozenset((s.application, s.record, s.kept_by) for s in self.strikes.values())
            if state in seen:
                self.events.append(Event("unsettled"))
                return False
            seen.add(state)
            conflicts = self._conflicts([e for e in self._in_keep_order() if money is None or money.has(e.id)])
            if not conflicts:
                return True
            before = {s.application: self._place(self.entrants[s.application]) for s in conflicts}
            self._strike(conflicts)
            for id_, place in before.items():
                if money is not None and (now := self._place(self.entrants[id_])) != place:
                    money.change(place, now)

    def _conflicts(self, counting: list[Entrant]) -> list[Strike]:
        """The strikes that are due, in the order of `keep` of those who lose."""
        kept: dict[str, str] = {}
        lost_by: dict[str, str] = {}
        if self.options.struck_from == "next_only":
            # A project that fell is no second one: the next after it is.
            standing = (x for x in self.strikes.values() if self.entrants[x.application].standing == "candidate")
            lost_by = {x.key: x.application for x in standing}
        due = []
        for entrant in counting:
            for claim in entrant.claims:
                if claim.key not in kept:
                    kept[claim.key] = entrant.id
                elif kept[claim.key] != entrant.id and lost_by.get(claim.key, entrant.id) == entrant.id:
                    due.append(Strike(entrant.id, claim.record, claim.key, claim.name, kept[claim.key]))
                    if self.options.struck_from == "next_only":
                        lost_by[claim.key] = entrant.id
        return due

    def _strike(self, strikes: list[Strike]) -> None:
        for strike in strikes:
            self.strikes[strike.application, strike.record] = strike
            self.struck.setdefault(strike.application, set()).add(strike.record)
            self.events.append(Event("strike", strike, strike.application))
        for id_ in sorted({s.application for s in strikes}):
            self.entrants[id_] = self.redecide(id_, frozenset(self.struck[id_]))
            if self.entrants[id_].standing != "candidate":
                self.events.append(Event("fall", None, id_))
