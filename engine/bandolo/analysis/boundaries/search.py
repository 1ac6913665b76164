"""Applications at the edges of a policy: one fact of a base application is turned until the compared values meet, and one step beside.

Every application that is shown has been decided anew, the whole of it, with the compared values truly below, at or above.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from bandolo import limits
from bandolo.analysis.boundaries.dependencies import Needs, grain, needs
from bandolo.analysis.boundaries.edges import Edge, edges
from bandolo.analysis.boundaries.found import Base, Found, worth
from bandolo.analysis.boundaries.hunt import BASES, SPENT, Hunt, Place
from bandolo.analysis.boundaries.levers import distance
from bandolo.check import core
from bandolo.diagnostics import ApplicationError
from bandolo.evaluate.decision import Decision
from bandolo.evaluate.inputs import Application, read_application
from bandolo.evaluate.reference import Evaluation, TooManySteps
from bandolo.evaluate.settle import Settled
from bandolo.language.types import RecordType
from bandolo.language.values import NONE, Record, Unknown, Value
from bandolo.policy import AsOf, Policy


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
        rests = needs(self.core, self.settled, (edge.whole(edge.left), edge.whole(edge.right)), self._owner(edge))
        proved = self._proved(edge, rests)
        if proved is not None and proved.status != "never":
            return proved
        # A side that bounds rule out may still leave applications at the edge and on the other.
        hunt = Hunt(self, edge, rests)
        best = hunt.run(self.names)
        if best is None or not best.decides:
            hunt.limit = hunt.tried + (SPENT if best is None else SPENT // 4)
            more = hunt.run([n for n in self.spare if self.sees(n, edge)][:BASES])
            best = more if best is None or (more is not None and worth(edge, more) > worth(edge, best)) else best
        if best is None and proved is not None:
            return replace(proved, tried=hunt.tried)
        ends = self._one_sided(edge, rests, best) if best is None or best.status == "partly" else None
        if ends is not None:
            best = replace(best or Found(edge.id, "unreached", tried=hunt.tried), left=ends[0], right=ends[1])
        return best if best is not None else Found(edge.id, "unreached", tried=hunt.tried)

    def _owner(self, edge: Edge) -> list[core.Expr]:
        """What has to be run for an edge to be looked at."""
        if edge.owner_kind == "requirement":
            requirement = self.core.requirements[edge.owner]
            return [core.Met(requirement.span, edge.node.type, _this(edge, requirement.span), requirement.id)]
        if edge.owner_kind == "definition":
            span = self.core.definitions[edge.entity, edge.owner].span
            return [core.Computed(span, edge.node.type, _this(edge, span), edge.entity, edge.owner)]
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
            fine = grain(self.core, self.settled, edge.whole(edge.left))
            if fine is not None and isinstance(limit, Fraction) and limit and (fine / limit).denominator == 1:
                return Found(edge.id, "exact", left=fine, right=limit)
            return None
        return self._bounded(edge, rests)

    def _bounded(self, edge: Edge, rests: Needs) -> Found | None:
        """Whether the two sides can meet at all, by what is known of an application of which nothing is known."""
        pairs = self._of_any(edge, rests)
        for left, right in pairs:
            (low, high), (least, most) = _ends(left), _ends(right)
            if not (_is_less(high, least) or _is_less(most, low)):
                return None
        return Found(edge.id, "never", left=pairs[0][0], right=pairs[0][1]) if pairs else None

    def _one_sided(self, edge: Edge, rests: Needs, best: Found | None) -> tuple[Value, Value] | None:
        """The bounds of both sides, where they leave no application on the side that is missing (on one of them, if nothing was found)."""
        pairs = self._of_any(edge, rests)
        if not pairs or edge.operator == "round":
            return None
        never_below = all(_is_at_most(_ends(right)[1], _ends(left)[0]) for left, right in pairs)
        never_above = all(_is_at_most(_ends(left)[1], _ends(right)[0]) for left, right in pairs)
        sides = {p.side for p in best.points} if best is not None else set()
        missing_below, missing_above = "below" not in sides, "above" not in sides
        return pairs[0] if (never_below and missing_below) or (never_above and missing_above) else None

    def _of_any(self, edge: Edge, rests: Needs) -> list[tuple[Value, Value]]:
        """Both sides of an edge in an application of which nothing is known; of a record, where its list has no part in them."""
        data: dict[str, Any] = {}
        entity = self.core.entities[edge.entity]
        if entity.owner is not None and (rests.lists(self.core) or entity.owner != self.core.root):
            return []
        if entity.owner is not None and entity.listed_in is not None:
            data = {entity.listed_in: [{}]}
        return list((self.look(data, [edge], rests) or {}).get(edge.id, {}).values())

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
        return value.low, value.high  # where a completion has no result, it does not come to the edge either
    return (None, None) if value is NONE else (value, value)


def _is_less(a: Value | None, b: Value | None) -> bool:
    gap = distance(a, b) if a is not None and b is not None else None
    return gap is not None and gap < 0


def _is_at_most(a: Value | None, b: Value | None) -> bool:
    gap = distance(a, b) if a is not None and b is not None else None
    return gap is not None and gap <= 0


def _this(edge: Edge, span: Any) -> core.Variable:
    return core.Variable(span, RecordType(edge.entity), 0)
