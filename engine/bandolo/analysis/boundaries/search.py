"""Applications at the edges of a policy: one fact of a base application is turned until the compared values meet, and one step beside.

Every application that is shown has been decided anew, the whole of it, with the compared values truly below, at or above.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Literal

from bandolo import limits
from bandolo.analysis.boundaries.dependencies import FactName, Needs, grain, needs
from bandolo.analysis.boundaries.edges import Edge, edges
from bandolo.analysis.boundaries.levers import Changes, Lever, Levers, distance
from bandolo.analysis.boundaries.solve import Crossing, Function, crossing, nearest, off_grid, rounding
from bandolo.check import core
from bandolo.diagnostics import ApplicationError
from bandolo.evaluate.decision import Decision
from bandolo.evaluate.inputs import Application, read_application
from bandolo.evaluate.reference import Evaluation, TooManySteps
from bandolo.evaluate.settle import Settled
from bandolo.language.types import INTEGER, ListType, RecordType, Type
from bandolo.language.values import NONE, ListValue, Record, Unknown, Value
from bandolo.policy import AsOf, Policy
from bandolo.testing.cases import BadPath, changed

Side = Literal["below", "at", "above"]
Status = Literal["found", "nearest", "partly", "unreached", "never", "fixed", "exact", "reading", "open"]
TRIES = 60
"""How often one lever is asked."""
LEVERS, BASES, SPENT, TOGETHER, NEAR = 16, 6, 400, 4, 10
"""How many levers of a base, how many bases, how many trials in all before an edge is given up; how many facts are changed together; how
many steps beside an edge are tried to hit it with another fact."""


@dataclass(frozen=True, slots=True)
class Base:
    """An application that the search begins with, and where it comes from."""

    name: str
    data: Any
    origin: str


@dataclass(frozen=True, slots=True)
class Point:
    """An application at an edge: how it differs from its base, the two values, and its decision."""

    side: Side
    changes: Changes
    left: Value
    right: Value
    decision: Decision


@dataclass(frozen=True, slots=True)
class Found:
    """What the search for one edge came to.

    `found`: all three sides; `nearest`: no application is exactly at it; `partly`: one side cannot be reached with `fact`, which ends
    there; `unreached`: none found in `tried` trials. Proved: `never` (by the bounds `left`, `right` of both sides), `fixed` (no fact has
    a part in it), `exact` (what is rounded is always a whole multiple of the step). `reading`: another option is chosen; `open`: what
    `waits_for` names is not known.
    """

    edge: str
    status: Status
    base: str = ""
    fact: FactName | None = None
    record: str = ""
    points: tuple[Point, ...] = ()
    tried: int = 0
    left: Value | None = None
    right: Value | None = None
    waits_for: tuple[str, ...] = ()

    @property
    def decides(self) -> bool:
        """Whether the decision is not the same on all sides."""
        return len({effect_of(p.decision) for p in self.points}) > 1

    @property
    def turns_outcome(self) -> bool:
        return len({p.decision.outcome for p in self.points}) > 1


def effect_of(decision: Decision) -> tuple[object, ...]:
    """What there is to tell decisions apart: the outcome, the verdicts, who is excluded, the results."""
    verdicts = tuple((r.id, r.subject, r.verdict, r.effect) for r in decision.requirements)
    results = tuple((r.name, r.record, str(r.value) if not isinstance(r.value, Unknown) else "?") for r in decision.result_values)
    return (decision.outcome, verdicts, decision.excluded, decision.barred, results)


Place = tuple[str, ...]
"""The paths of the records that a value was looked at for."""


@dataclass(slots=True)
class Watching(Evaluation):
    """An evaluation that keeps both sides of the watched edges, for every record for which they are looked at."""

    watched: dict[int, list[Edge]] = field(default_factory=dict)
    seen: dict[str, dict[Place, tuple[Value, Value]]] = field(default_factory=dict)

    def value(self, node: core.Expr, slots: Mapping[int, Value]) -> Value:
        # Not super(): a dataclass with slots is made anew, and its methods do not know it.
        result = Evaluation.value(self, node, slots)
        for edge in self.watched.get(id(node), ()):
            here = tuple(v.path for _, v in sorted(slots.items()) if isinstance(v, Record))
            pair = Evaluation.value(self, edge.left, slots), Evaluation.value(self, edge.right, slots)
            self.seen.setdefault(edge.id, {})[here] = pair
        return result


class Searcher:
    """Searches for applications at the edges of one policy, under one what-if."""

    def __init__(
        self,
        policy: Policy,
        bases: Sequence[Base],
        spare: Sequence[Base] = (),
        *,
        as_of: AsOf = None,
        set: Mapping[str, Any] | None = None,
        readings: Mapping[str, str] | None = None,
        assume: bool | Sequence[str] = False,
    ) -> None:
        """`spare` are bases that are tried where none of the others comes to an edge. Raises PolicyError if a what-if is none."""
        self.policy, self.core = policy, policy.core
        self.trial: dict[str, Any] = {"as_of": as_of, "set": set or {}, "readings": readings or {}, "assume": assume}
        self.clock, _ = policy.clock(as_of)
        self.changes = policy.changes(set or {}, readings or {}, assume)
        self.settled: Settled = policy.settled_as(self.changes, self.clock)
        self.edges = edges(self.core, self.settled)
        self.bases = {b.name: b for b in (*bases, *spare)}
        self.names, self.spare = [b.name for b in bases], [b.name for b in spare]
        self.read: dict[str, Application | None] = {}
        self.looked: dict[str, dict[str, dict[Place, tuple[Value, Value]]]] = {}

    def search(self, edge: Edge) -> Found:
        """What can be found for one edge: applications at it, or why there are none."""
        if not edge.is_in_force(self.settled):
            return Found(edge.id, "reading")
        rests = needs(self.core, self.settled, (edge.left, edge.right), self._owner(edge))
        proved = self._proved(edge, rests)
        if proved is not None and proved.status != "never":
            return proved
        # A side that bounds rule out may still leave applications at the edge and on the other.
        hunt = _Hunt(self, edge, rests)
        best = hunt.run(self.names)
        if best is None or not best.decides:
            hunt.limit = hunt.tried + (SPENT if best is None else SPENT // 4)
            more = hunt.run([n for n in self.spare if self.sees(n, edge)][:BASES])
            best = more if best is None or (more is not None and _worth(edge, more) > _worth(edge, best)) else best
        if best is None:
            return replace(proved, tried=hunt.tried) if proved is not None else Found(edge.id, "unreached", tried=hunt.tried)
        return best

    def _owner(self, edge: Edge) -> list[core.Expr]:
        """What has to be run for an edge to be looked at."""
        if edge.owner_kind == "requirement":
            requirement = self.core.requirements[edge.owner]
            return [core.Met(requirement.span, edge.node.type, _this(self.core, edge, requirement.span), requirement.id)]
        if edge.owner_kind == "definition":
            span = self.core.definitions[edge.entity, edge.owner].span
            return [core.Computed(span, edge.node.type, _this(self.core, edge, span), edge.entity, edge.owner)]
        return [edge.node]

    # What is proved without an application.

    def _proved(self, edge: Edge, rests: Needs) -> Found | None:
        settings = self.settled.settings
        constants = Evaluation(self.core, settings, {}, 10_000)
        if not rests_on_facts(edge) and not rests.clock:
            left, right = constants.value(edge.left, {}), constants.value(edge.right, {})
            waits = _missing(left, right)
            return Found(edge.id, "open", waits_for=waits) if waits else Found(edge.id, "fixed", left=left, right=right)
        limit = _limit(constants, edge.right)
        if isinstance(limit, Unknown):
            return Found(edge.id, "open", waits_for=_missing(limit))
        if edge.operator == "round":
            fine = grain(self.core, self.settled, edge.left)
            if fine is not None and isinstance(limit, Fraction) and limit and (fine / limit).denominator == 1:
                return Found(edge.id, "exact", left=fine, right=limit)
            return None
        return self._bounded(edge, rests)

    def _bounded(self, edge: Edge, rests: Needs) -> Found | None:
        """Whether the two sides can meet at all, by what is known of an application of which nothing is known."""
        data: dict[str, Any] = {}
        entity = self.core.entities[edge.entity]
        if entity.owner is not None and (rests.lists(self.core) or entity.owner != self.core.root):
            return None
        if entity.owner is not None and entity.listed_in is not None:
            data = {entity.listed_in: [{}]}
        seen = self.look(data, [edge], rests)
        pairs = list((seen or {}).get(edge.id, {}).values())
        if not pairs:
            return None
        for left, right in pairs:
            (low, high), (least, most) = _ends(left), _ends(right)
            apart = (high is not None and least is not None and _less(high, least)) or (
                low is not None and most is not None and _less(most, low)
            )
            if not apart:
                return None
        return Found(edge.id, "never", left=pairs[0][0], right=pairs[0][1])

    # Trials.

    def application(self, name: str) -> Application | None:
        if name not in self.read:
            self.read[name] = read_application(self.core, self.settled, self.bases[name].data)[0]
        return self.read[name]

    def sees(self, name: str, edge: Edge) -> bool:
        """Whether an edge is looked at in a base."""
        if name not in self.looked:
            self.looked[name] = self.look(self.bases[name].data, self.edges, None) or {}
        return edge.id in self.looked[name]

    def look(self, data: Any, watched: Sequence[Edge], rests: Needs | None) -> dict[str, dict[Place, tuple[Value, Value]]] | None:
        """Both sides of some edges in an application, by the records for which they are looked at; None if it is bad data."""
        policy = self.core if rests is None else replace(self.core, steps=rests.steps)
        application, _ = read_application(policy, self.settled, data)
        if application is None:
            return None
        by_node: dict[int, list[Edge]] = {}
        for edge in watched:
            by_node.setdefault(id(edge.node), []).append(edge)
        count = sum(len(records) for records in application.records.values())
        budget = limits.STEPS_BASE + count * limits.STEPS_PER_RECORD
        evaluation = Watching(policy, self.settled.settings, application.records, budget, watched=by_node)
        try:
            evaluation.run()
            for edge in watched:
                if edge.owner_kind == "stage" and rests is not None:
                    evaluation.value(edge.node, {0: application.root})
        except TooManySteps:
            return None
        return evaluation.seen

    def decide(self, data: Any) -> Decision | None:
        """The decision on an application, if all acts that are in force reach it."""
        texts, _ = self.policy.texts(data, self.clock, self.changes)
        if texts != [self.policy]:
            return None
        try:
            return self.policy.decide(data, **self.trial)
        except ApplicationError:
            return None


class _Hunt:
    """The search for one edge."""

    def __init__(self, searcher: Searcher, edge: Edge, rests: Needs) -> None:
        self.searcher, self.edge, self.rests = searcher, edge, rests
        self.tried, self.limit = 0, SPENT // 2 if edge.operator == "round" else SPENT
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
                if found is not None and (best is None or _worth(self.edge, found) > _worth(self.edge, best)):
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
            if found is not None and (best is None or _worth(self.edge, found) > _worth(self.edge, best)):
                best = found
            if best is not None and self._is_fine(best):
                return best
            if end is not None and end[1] and not isinstance(self._type(lever.fact), ListType):
                nearer.append((end[0], number, before | end[1]))
            if self.tried > self.limit:
                return best
        if best is not None and best.status == "nearest" and best.decides:
            best = self._exactly(name, place, levers) or best
        found_one = best is not None and best.status == "found" and not isinstance(self._type(best.fact), ListType)
        if found_one or not nearer or facts == TOGETHER:
            return best
        _, number, changes = min(nearer, key=lambda n: n[:2])
        more = self._turned(name, place, [v for i, v in enumerate(levers) if i != number], changes, facts + 1)
        return more if best is None or (more is not None and _worth(self.edge, more) > _worth(self.edge, best)) else best

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
        return found.status == "found" and turns and (not isinstance(self._type(found.fact), ListType) or self.edge.left.type == INTEGER)

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
            points = self._points(base, lever, self._at_the_turn(f, crossed), place, before)
            sides = {p.side for p in points}
            if len(points) > 1:
                status: Status = "found" if len(sides) == 3 else "nearest" if "at" not in sides else "partly"
                if status == "nearest" and crossed.at is None:
                    self.missed.append((lever, crossed, before))
                found = Found(edge.id, status, name, lever.fact, lever.record, tuple(points), self.tried)
        near = nearest(f)
        return found, (abs(near[1]), lever.at(near[0])) if near is not None else None

    def _at_the_turn(self, f: Function, crossed: Crossing) -> Crossing:
        """Where a stretch of steps is at the edge, the one beside the side on which the rule holds no more."""
        if crossed.at is None or self.edge.operator == "round":
            return crossed
        turn = crossed.above if self.edge.operator in ("<=", ">", "min", "to", "from") else crossed.below
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
            if pair is not None and decision is not None and (edge.operator == "round" or side_of(edge, *pair) == side):
                points.append(Point(side, changes, *pair, decision))
        if edge.operator == "round" and not _in_order(points, self.step, self.phase):
            return []
        return points


def side_of(edge: Edge, left: Value, right: Value) -> Side | None:
    """On which side of an edge two compared values lie."""
    gap = distance(left, right)
    return None if gap is None else "below" if gap < 0 else "at" if gap == 0 else "above"


def _in_order(points: list[Point], step: Fraction, phase: Fraction) -> bool:
    """Whether the value at a rounding edge lies just there, and the others on their sides of it."""
    values = {p.side: p.left for p in points}
    at, below, above = values.get("at"), values.get("below"), values.get("above")
    if isinstance(at, Fraction):
        ordered = (not isinstance(below, Fraction) or below < at) and (not isinstance(above, Fraction) or above > at)
        return off_grid(at, step, phase) == 0 and ordered
    return isinstance(below, Fraction) and isinstance(above, Fraction) and off_grid(below, step, phase) < 0 < off_grid(above, step, phase)


def _worth(edge: Edge, found: Found) -> tuple[int, bool, Fraction, bool, int, int]:
    """How good an example is: sides, whether anything follows, how near, whether the outcome turns, and how little else changes."""
    gaps = [abs(gap) for p in found.points if edge.operator != "round" and (gap := distance(p.left, p.right)) is not None]
    other = len({(r.id, r.verdict) for p in found.points for r in p.decision.requirements})
    admitted = sum(p.decision.outcome in ("admitted", "barred") for p in found.points)
    return (len(found.points), found.decides, -max(gaps, default=Fraction(0)), found.turns_outcome, admitted, -other)


def _nearness(pair: tuple[Value, Value]) -> tuple[bool, Fraction]:
    gap = distance(*pair)
    return (gap is None, abs(gap) if gap is not None else Fraction(0))


def rests_on_facts(edge: Edge) -> bool:
    """Whether anything but the policy's own values has a part in an edge."""
    fixed = core.Constant | core.Parameter | core.Apply | core.Items | core.Option
    return not all(isinstance(n, fixed) for side in (edge.left, edge.right) for n in core.walk(side))


def _limit(constants: Evaluation, node: core.Expr) -> Value | None:
    """The value of a side that the policy fixes."""
    if all(isinstance(n, core.Constant | core.Parameter | core.Apply | core.Items) for n in core.walk(node)):
        return constants.value(node, {})
    return None


def _missing(*values: Value) -> tuple[str, ...]:
    return tuple(sorted({m for v in values if isinstance(v, Unknown) for m in v.missing}))


def _ends(value: Value) -> tuple[Value | None, Value | None]:
    if isinstance(value, Unknown):
        return (None, None) if value.may_fault else (value.low, value.high)
    return (None, None) if value is NONE else (value, value)


def _less(a: Value, b: Value) -> bool:
    gap = distance(a, b)
    return gap is not None and gap < 0


def _this(policy: core.Policy, edge: Edge, span: Any) -> core.Variable:
    return core.Variable(span, RecordType(edge.entity), 0)


__all__ = ["Base", "Found", "Point", "Searcher", "Side", "Status", "side_of"]
