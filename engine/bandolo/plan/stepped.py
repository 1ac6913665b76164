"""A decision that a program made step by step: how it comes out is at hand, the rest is put together when it is looked at.

Nothing is decided later: every step has been computed, and the records are the decision's own.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from bandolo.check import core
from bandolo.evaluate.decide import Identity, assembled, lapse
from bandolo.evaluate.decision import Decision, StageStatus
from bandolo.evaluate.inputs import Application
from bandolo.evaluate.settle import Changes, Settled
from bandolo.evaluate.stages import brought, outcome_of, weighed
from bandolo.language.values import Unknown
from bandolo.plan.canonical import digest_of_planned
from bandolo.plan.evaluation import Planned
from bandolo.plan.records import of_planned

if TYPE_CHECKING:
    from bandolo.plan.program import Program

COMPARED = tuple(f.name for f in fields(Decision) if f.compare)


@dataclass(frozen=True, slots=True)
class Making:
    """What a decision says of its own making; `digest` is that of the application, where it is known already."""

    settled: Settled
    changes: Changes
    identity: Identity
    digest: str | None


@dataclass(frozen=True, slots=True)
class Weight:
    """What the verdicts of one requirement may do to its stage."""

    entity: str
    listed: bool
    stage: str
    verdict: str
    """The slot of the verdict."""
    effect: core.Effect


class Scales:
    """The requirements of a program whose verdicts a stage can depend on, by stage."""

    def __init__(self, program: Program) -> None:
        policy, names = program.policy, program.names
        self.by_stage: dict[str, list[Weight]] = {s.name: [] for s in policy.stages}
        self.possible = True
        for requirement in policy.requirements.values():
            option: Any = "" if requirement.effect_by is None else program.settled.settings.options[requirement.effect_by]
            if isinstance(option, Unknown):
                self.possible = False  # what a failure does is open: all of the decision is put together at once
                return
            listed = policy.depth(requirement.entity) > 0
            effect = requirement.effects[option]
            if any(brought(v, effect.word, True, not listed) is not None for v in ("failed", "unknown")):
                slot = names.verdicts[requirement.id]
                self.by_stage[requirement.stage].append(Weight(requirement.entity, listed, requirement.stage, slot, effect))
        self.lists = [(e.name, e.owner, names.facts[e.owner, e.listed_in, None]) for e in _listed(policy)]
        self.stoppable = {(r.stage, r.entity) for r in policy.requirements.values() if r.may("reject", "suspend", "refer")}

    def statuses(self, plan: Planned) -> dict[str, StageStatus]:
        """Of each stage."""
        unlisted = self._unlisted(plan)
        found: dict[str, StageStatus] = {}
        for stage in plan.policy.stages:
            brought_: set[StageStatus | None] = set()
            for weight in self.by_stage[stage.name]:
                self._weigh(plan, weight, brought_)
            may_be_stopped = any((stage.name, entity) in self.stoppable for entity in unlisted)
            found[stage.name] = weighed(plan.open[stage.name], brought_, may_be_stopped)
        return found

    @staticmethod
    def _weigh(plan: Planned, weight: Weight, found: set[StageStatus | None]) -> None:
        for record in plan.records[weight.entity]:
            verdict = getattr(record, weight.verdict, NEITHER)
            if verdict is True or verdict is None:
                continue
            counts: Any = True
            if weight.listed:
                admitted = plan.admitted[record, weight.stage]
                counts = admitted if isinstance(admitted, bool) else None
            word = weight.effect.word
            if verdict is False and word == "suspend" and weight.effect.cure is not None and lapse(plan, weight.effect, record)[1] is True:
                word = "reject"
            found.add(brought("failed" if verdict is False else "unknown", word, counts, not weight.listed))

    def _unlisted(self, plan: Planned) -> set[str]:
        """The entities whose records are not all known, because a list of them is missing."""
        found: set[str] = set()
        for entity, owner, slot in self.lists:
            if owner in found:
                found.add(entity)
                continue
            for record in plan.records[owner]:
                if slot in of_planned(record).gaps and (record.owner is None or plan.admitted[record, ""] is not False):
                    found.add(entity)
                    break
        return found


NEITHER: Any = object()
"""What stands for a verdict that the reference gave where a computation has no result."""


def _listed(policy: core.Policy) -> list[Any]:
    entities = [policy.entities[name] for name in policy.root_names()]
    return [e for e in entities if e.owner is not None and e.listed_in is not None]


class Stepped(Decision):
    """A `Decision` whose parts are made when first looked at. Threads may look at once: they make the same."""

    __slots__ = ("_making", "_plan")

    _making: Making
    _plan: Planned

    def __getattr__(self, name: str) -> Any:
        if name not in PARTS:
            raise AttributeError(name)
        whole = whole_of(self._plan, self._making)
        for part in PARTS:
            object.__setattr__(self, part, getattr(whole, part))
        return getattr(whole, name)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Decision):
            return NotImplemented
        return all(getattr(self, part) == getattr(other, part) for part in COMPARED)

    __hash__ = Decision.__hash__

    def __reduce__(self) -> Any:
        """What is sent elsewhere is an ordinary decision, all of it."""
        return Decision, tuple(getattr(self, f.name) for f in fields(Decision))


PARTS = frozenset(f.name for f in fields(Decision))


def whole_of(plan: Planned, making: Making) -> Decision:
    """The decision with everything."""
    root = plan.records[plan.policy.root][0]
    application = Application(root, plan.records, making.digest or digest_of_planned(root))  # type: ignore[arg-type]
    return assembled(plan.policy, making.settled, making.changes, making.identity, application, plan)


def stepped(plan: Planned, making: Making) -> Decision:
    """The decision that the steps of a program came to."""
    scales = plan.program.scales
    if not scales.possible:
        return whole_of(plan, making)
    statuses = scales.statuses(plan)
    made = _new(Stepped)
    _set["_plan"](made, plan)
    _set["_making"](made, making)
    outcome, stage = outcome_of(statuses)
    _set["outcome"](made, outcome)
    _set["stage"](made, stage)
    _set["stages"](made, statuses)
    return made


_new = Stepped.__new__
# The slots' own setters: a frozen class has no others.
_slots: dict[str, Any] = {**vars(Decision), **vars(Stepped)}
_set = {name: _slots[name].__set__ for name in ("_plan", "_making", "outcome", "stage", "stages")}
