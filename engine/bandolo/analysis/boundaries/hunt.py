"""The search for one edge: levers are pulled one after the other, on one base after the other, until an example is good enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from bandolo.analysis.boundaries.dependencies import FactName, Needs
from bandolo.analysis.boundaries.edges import Edge
from bandolo.analysis.boundaries.found import Base, Found, Point, Side, Status, side_of, worth
from bandolo.analysis.boundaries.levers import Changes, Lever, Levers, distance
from bandolo.analysis.boundaries.solve import Crossing, Function, crossing, nearest, off_grid, rounding
from bandolo.check import core
from bandolo.evaluate.inputs import Application
from bandolo.evaluate.reference import Evaluation
from bandolo.language.types import INTEGER, ListType, Type
from bandolo.language.values import ListValue, Unknown, Value
from bandolo.testing.cases import BadPath, changed

if TYPE_CHECKING:
    from bandolo.analysis.boundaries.search import Searcher

Place = tuple[str, ...]
"""The paths of the records that a value was looked at for."""


TRIES = 120
"""How often one lever is asked."""
LEVERS, BASES, SPENT, TOGETHER, NEAR = 14, 4, 160, 4, 10
"""How many levers of a base, how many bases, how many trials in all before an edge is given up; how many facts are changed together; how
many steps beside an edge are tried to hit it with another fact."""


class Hunt:
    """The search for one edge."""

    def __init__(self, searcher: Searcher, edge: Edge, rests: Needs) -> None:
        self.searcher, self.edge, self.rests = searcher, edge, rests
        self.tried, self.limit = 0, SPENT // 3 if edge.operator == "round" else SPENT
        self.step, self.phase = self._step()
        self.missed: list[tuple[Lever, Crossing, Changes]] = []

    def _step(self) -> tuple[Fraction, Fraction]:
        """Of a rounding its step, and where within a step it turns."""
        node = self.edge.node
        if self.edge.operator != "round" or not isinstance(node, core.Apply):
            return Fraction(0), Fraction(0)
        constants = Evaluation(self.searcher.core, self.searcher.settled.settings, {}, 10_000)
        direction, step = constants.value(node.arguments[1], {}), constants.value(node.arguments[2], {})
        phase = Fraction(1, 2) if direction in ("half_up", "half_even") else Fraction(0)
        return (step if isinstance(step, Fraction) else Fraction(0)), phase

    def run(self, names: Sequence[str]) -> Found | None:
        """The best that the bases give: one that turns on this edge alone ends the search."""
        best: Found | None = None
        # First those bases in which the edge is looked at as they are.
        for name in sorted(names, key=lambda n: not self.searcher.sees(n, self.edge)):
            for place, levers in self._levers(name):
                found = self._turned(name, place, levers, {}, 1)
                if found is not None and (best is None or worth(self.edge, found) > worth(self.edge, best)):
                    best = found
                if self.tried > self.limit:
                    return best
            if best is not None and best.status == "found" and best.decides:
                return best
        return best

    def _turned(self, name: str, place: Place, levers: Sequence[Lever], before: Changes, facts: int) -> Found | None:
        """The best of one fact turned; where none reaches the edge, of the one that comes nearest, and then another."""
        best: Found | None = None
        nearer: list[tuple[Fraction, int, Changes]] = []
        for number, lever in enumerate(levers):
            found, end = self._along(name, lever, place, before)
            if found is not None and (best is None or worth(self.edge, found) > worth(self.edge, best)):
                best = found
            if best is not None and self._is_fine(best):
                return best
            if end is not None and end[1] and not isinstance(self._type(lever.fact), ListType):
                nearer.append((end[0], number, before | end[1]))
            if self.tried > self.limit:
                return best
        if best is not None and best.status == "nearest" and best.decides:
            best = self._exactly(name, place, levers) or best
        found_one = best is not None and best.status == "found" and self._is_one_step(best)
        if found_one or not nearer or facts == TOGETHER:
            return best
        _, number, changes = min(nearer, key=lambda n: n[:2])
        more = self._turned(name, place, [v for i, v in enumerate(levers) if i != number], changes, facts + 1)
        return more if best is None or (more is not None and worth(self.edge, more) > worth(self.edge, best)) else best

    def _exactly(self, name: str, place: Place, levers: Sequence[Lever]) -> Found | None:
        """Where a fact only jumps over the edge: a few cents beside, another may hit it."""
        numbers = [v for v in levers if v.is_number and v.record]
        for lever, crossed, before in list(self.missed):
            start = crossed.below if crossed.below is not None else crossed.above
            if not lever.is_number or not lever.record or start is None:
                continue
            others = [v for v in numbers if (v.fact, v.record) != (lever.fact, lever.record)][:3]
            for beside in range(NEAR):
                for other in others:
                    found, _ = self._along(name, other, place, before | lever.at(start - beside))
                    if found is not None and found.status == "found" and found.decides:
                        return found
        return None

    def _is_fine(self, found: Found) -> bool:
        """Whether there is no better example to look for: all sides, in the smallest step, and the outcome turns."""
        refused = all(p.decision.outcome == "rejected" for p in found.points)
        turns = found.turns_outcome or (self.edge.owner_kind == "definition" and found.decides and not refused)
        return found.status == "found" and turns and self._is_one_step(found)

    def _is_one_step(self, found: Found) -> bool:
        """Whether what was turned goes in the smallest steps: neither whole records, where no number of them is meant, nor all alike."""
        if any(isinstance(v, dict) and "each" in v for p in found.points for v in p.changes.values()):
            return any(len(p.changes) > 1 for p in found.points)
        return not isinstance(self._type(found.fact), ListType) or self.edge.left.type == INTEGER

    def _type(self, fact: FactName | None) -> Type | None:
        return self.searcher.core.entities[fact[0]].facts[fact[1]].type if fact is not None else None

    def _levers(self, name: str) -> list[tuple[Place, list[Lever]]]:
        """What to turn: the facts that are nearest to the values, in the records that the edge speaks of."""
        searcher, edge = self.searcher, self.edge
        application = searcher.application(name)
        if application is None:
            return []
        searcher.sees(name, edge)
        seen = searcher.looked[name].get(edge.id, {})
        levers = Levers(searcher.core, searcher.settled, searcher.bases[name].data, application)
        places = sorted(seen, key=lambda p: _nearness(seen[p]))[:2] if seen else self._unseen(application)
        found: list[tuple[Place, list[Lever]]] = []
        for place in places:
            anchors = [v for v in seen.get(place, ()) if not isinstance(v, Unknown | ListValue)] + self._anchors()
            here: list[Lever] = []
            for fact in self.rests.facts:
                here += levers.of(fact, place, anchors)
            if edge.operator == "round":
                here = [v for v in here if v.is_number]
            found.append((place, here[:LEVERS]))
        return found

    def _unseen(self, application: Application) -> list[Place]:
        return [(r.path,) for r in application.records[self.edge.entity][:2]]

    def _anchors(self) -> list[Value]:
        """Values to put in where a fact has none: what the policy itself fixes of the two sides."""
        constants = Evaluation(self.searcher.core, self.searcher.settled.settings, {}, 10_000)
        found = []
        for side in (self.edge.right, self.edge.left):
            for node in core.walk(side):
                if isinstance(node, core.Constant | core.Parameter):
                    found.append(constants.value(node, {}))
        return [v for v in found if not isinstance(v, Unknown)]

    def _along(self, name: str, lever: Lever, place: Place, before: Changes) -> tuple[Found | None, tuple[Fraction, Changes] | None]:
        """What turning one lever comes to; where nothing is found, how near it came, and the changes that did."""
        searcher, edge, base = self.searcher, self.edge, self.searcher.bases[name]

        def ask(k: int) -> Fraction | None:
            self.tried += 1
            try:
                data = changed(searcher.core, base.data, before | lever.at(k))
            except BadPath:
                return None
            pair = ((searcher.look(data, [edge], self.rests) or {}).get(edge.id) or {}).get(place)
            if pair is None:
                return None
            if edge.operator == "round":
                return pair[0] if isinstance(pair[0], Fraction) else None
            return distance(*pair)

        found: Found | None = None
        f = Function(ask, lever.low, lever.high, TRIES)
        if edge.operator == "round":
            crossed = rounding(f, self.step, self.phase) if lever.is_number and self.step else None
        else:
            crossed = crossing(f)
        if crossed is not None and crossed.sides > 1:
            points = self._points(base, lever, self._at_the_turn(f, crossed, lever), place, before)
            sides = {p.side for p in points}
            if len(points) > 1:
                status: Status = "found" if len(sides) == 3 else "nearest" if "at" not in sides else "partly"
                if status == "nearest" and crossed.at is None:
                    self.missed.append((lever, crossed, before))
                found = Found(edge.id, status, name, lever.fact, lever.record, tuple(points), self.tried)
        near = nearest(f)
        return found, (abs(near[1]), lever.at(near[0])) if near is not None else None

    def _at_the_turn(self, f: Function, crossed: Crossing, lever: Lever) -> Crossing:
        """Where a stretch of steps is at the edge, the one beside the side on which the rule holds no more."""
        if crossed.at is None or self.edge.operator == "round" or (not crossed.at and isinstance(self._type(lever.fact), ListType)):
            return crossed  # a base that is at the edge itself is the best example of it
        turn = crossed.above if self.edge.operator in ("<=", ">", "min", "to") else crossed.below
        other = crossed.below if turn is crossed.above else crossed.above
        beside = turn if turn is not None else other
        if beside is None or abs(beside - crossed.at) == 1:
            return crossed
        near = beside + (1 if crossed.at > beside else -1)
        return replace(crossed, at=near) if f(near) == 0 else crossed

    def _points(self, base: Base, lever: Lever, crossed: Crossing, place: Place, before: Changes) -> list[Point]:
        """The applications, decided anew, as far as their values are where they should be."""
        searcher, edge = self.searcher, self.edge
        points: list[Point] = []
        sides: tuple[tuple[Side, int | None], ...] = (("below", crossed.below), ("at", crossed.at), ("above", crossed.above))
        for side, k in sides:
            if k is None:
                continue
            changes = before | lever.at(k)
            data = changed(searcher.core, base.data, changes)
            pair = (searcher.look(data, [edge], None) or {}).get(edge.id, {}).get(place)
            decision = searcher.decide(data)
            if pair is not None and decision is not None and (edge.operator == "round" or side_of(*pair) == side):
                points.append(Point(side, changes, *pair, decision))
        if edge.operator == "round" and not _in_order(points, self.step, self.phase):
            return []
        return points


def _in_order(points: list[Point], step: Fraction, phase: Fraction) -> bool:
    """Whether the value at a rounding edge lies just there, and the others on their sides of it."""
    values = {p.side: p.left for p in points}
    at, below, above = values.get("at"), values.get("below"), values.get("above")
    if isinstance(at, Fraction):
        ordered = (not isinstance(below, Fraction) or below < at) and (not isinstance(above, Fraction) or above > at)
        return off_grid(at, step, phase) == 0 and ordered
    return isinstance(below, Fraction) and isinstance(above, Fraction) and off_grid(below, step, phase) < 0 < off_grid(above, step, phase)


def _nearness(pair: tuple[Value, Value]) -> tuple[bool, Fraction]:
    gap = distance(*pair)
    return (gap is None, abs(gap) if gap is not None else Fraction(0))
