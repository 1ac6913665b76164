"""What the search for an edge gives: the bases it begins with, the applications at an edge, and what is to be said where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from bandolo.analysis.boundaries.dependencies import FactName
from bandolo.analysis.boundaries.edges import Edge
from bandolo.analysis.boundaries.levers import Changes, distance
from bandolo.evaluate.decision import Decision
from bandolo.language.values import Unknown, Value

Side = Literal["below", "at", "above"]
Status = Literal["found", "nearest", "partly", "unreached", "never", "fixed", "exact", "reading", "open"]


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


def side_of(left: Value, right: Value) -> Side | None:
    """On which side of an edge two compared values lie."""
    gap = distance(left, right)
    return None if gap is None else "below" if gap < 0 else "at" if gap == 0 else "above"


def worth(edge: Edge, found: Found) -> tuple[int, bool, Fraction, bool, int, int]:
    """How good an example is: sides, whether anything follows, how near, whether the outcome turns, and how little else changes."""
    gaps = [abs(gap) for p in found.points if edge.operator != "round" and (gap := distance(p.left, p.right)) is not None]
    other = len({(r.id, r.verdict) for p in found.points for r in p.decision.requirements})
    admitted = sum(p.decision.outcome in ("admitted", "barred") for p in found.points)
    return (len(found.points), found.decides, -max(gaps, default=Fraction(0)), found.turns_outcome, admitted, -other)
