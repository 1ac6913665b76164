"""A decision that a program made in one pass: what is asked of it most is at hand, the rest is put together when it is looked at.

Nothing is decided later: what was given is kept as it was, and what is put together is what the program would give step by step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from decimal import Decimal
from functools import cached_property
from typing import Any

from bandolo.evaluate.decide import Identity, changes_said, local_time
from bandolo.evaluate.decision import Decision, Outcome, StageStatus
from bandolo.evaluate.settle import Changes, Settled
from bandolo.evaluate.stages import outcome_of
from bandolo.evaluate.wire import python_results, python_value
from bandolo.language.types import MONEY, Type
from bandolo.plan.kinds import Kind, Whole, thaw
from bandolo.plan.program import OnePass, Program

HUNDRED = Decimal(100)
COMPARED = tuple(f.name for f in fields(Decision) if f.compare)
VERDICTS_KEPT = 4096
NEVER_OPEN = ("missing", "pending", "open_readings", "faults")
"""What a complete application leaves open, and what fails in it: nothing."""
State = Any
"""What `OnePass.decide` gives: of the root facts, verdicts and results; the stages; of each list facts, what is unusual, results."""


class Telling:
    """What all decisions of one program under the same settings have in common."""

    def __init__(self, program: Program, settled: Settled, changes: Changes, identity: Identity) -> None:
        assert program.whole is not None
        self.program, self.settled, self.changes, self.identity = program, settled, changes, identity
        self.whole: OnePass = program.whole
        self.decide = program.whole.decide
        policy, layout = program.policy, program.whole.layout
        self.stages = tuple(s.name for s in policy.stages)
        ordered = sorted(policy.requirements.values(), key=lambda r: (policy.stage_index(r.stage), policy.depth(r.entity), r.entity, r.id))
        self.place = {r.id: at for at, r in enumerate(ordered)}
        self.ids = [layout.verdicts[entity] for entity in (policy.root, *layout.lists)]
        self._failed: list[dict[tuple[bool | None, ...], tuple[str, ...]]] = [{} for _ in self.ids]
        self.only_root = not any(layout.results[entity] for entity in layout.lists)
        self._outcomes: dict[tuple[StageStatus, ...], tuple[Outcome, str]] = {}

    @cached_property
    def readers(self) -> list[tuple[str, Callable[[Any], Any]]]:
        """The root's results, each with what makes a Python value of it."""
        policy, layout = self.program.policy, self.whole.layout
        root = policy.root
        return [
            (r, _reader(layout.kinds[root, r], policy.definitions[root, r].type, policy.conventions.time_zone))
            for r in layout.results[root]
        ]

    def outcome(self, statuses: tuple[StageStatus, ...]) -> tuple[Outcome, str]:
        found = self._outcomes.get(statuses)
        if found is None:
            found = self._outcomes[statuses] = outcome_of(dict(zip(self.stages, statuses, strict=True)))
        return found

    def failed(self, at: int, verdicts: tuple[bool | None, ...]) -> tuple[str, ...]:
        """The requirements that failed among the verdicts of the root (0) or of a record of one list; the same few come again and again."""
        kept = self._failed[at]
        found = kept.get(verdicts)
        if found is None:
            found = tuple(id_ for id_, verdict in zip(self.ids[at], verdicts, strict=True) if verdict is False)
            if len(kept) < VERDICTS_KEPT:
                kept[verdicts] = found
        return found

    def stepwise(self, data: object) -> Decision:
        """The same decision, with everything."""
        from bandolo.plan.planned import decide_stepwise

        found = decide_stepwise(self.program, self.settled, self.changes, self.identity, data)
        assert found is not None, "what the program has decided can be read"
        return found

    def given(self, state: State) -> dict[str, Any]:
        """The application as it was given."""
        policy = self.program.policy
        layout = self.whole.layout
        data = dict(zip(policy.entities[policy.root].facts, layout.given(policy.root)(state[0]), strict=True))
        for entity, (given, _, _) in zip(layout.lists, state[4:], strict=True):
            listed, facts_of = policy.entities[entity].listed_in, layout.given(entity)
            assert listed is not None
            data[listed] = [dict(zip(policy.entities[entity].facts, facts_of(row), strict=True)) for row in given]
        return data


def _reader(kind: Kind | None, type_: Type, zone: str) -> Callable[[Any], Any]:
    assert kind is not None
    if type_ == MONEY and kind == Whole(100, getattr(kind, "bits", 0)):
        return HUNDRED.__rtruediv__
    if isinstance(kind, Whole) and kind.scale == 1 and str(type_) == "integer":
        return int
    return lambda value: python_value(local_time(thaw(kind, value, lambda record: record), zone), type_)


class Told(Decision):
    """A `Decision` whose parts are made when first looked at. Threads may look at once: they make the same."""

    __slots__ = ("_state", "_telling")

    _state: State
    _telling: Telling

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)  # a copy being made has no parts yet
        made = self._parts(name)
        for key, value in made.items():
            object.__setattr__(self, key, value)
        return made[name]

    def _parts(self, name: str) -> dict[str, Any]:
        """One part, and those that are made with it."""
        telling, state = self._telling, self._state
        policy, identity = telling.program.policy, telling.identity
        if name == "stages":
            return {"stages": dict(zip(telling.stages, state[3], strict=True))}
        if name in NEVER_OPEN:
            return {name: ()}
        if name in ("policy_id", "policy_digest", "engine", "amendments", "as_of", "assumed", "changed", "readings", "trace"):
            return {
                "policy_id": policy.id,
                "policy_digest": identity.policy_digest,
                "engine": identity.engine,
                "amendments": identity.amendments,
                "as_of": identity.as_of,
                "assumed": telling.settled.assumed,
                "changed": changes_said(policy, telling.changes),
                "readings": {n: v for n, v in telling.settled.settings.options.items() if isinstance(v, str)},
                "trace": None,
            }
        if name not in COMPARED:
            raise AttributeError(name)
        whole = telling.stepwise(telling.given(state))
        return {part: getattr(whole, part) for part in COMPARED}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Decision):
            return NotImplemented
        return all(getattr(self, part) == getattr(other, part) for part in COMPARED)

    __hash__ = Decision.__hash__

    def __reduce__(self) -> Any:
        """What is sent elsewhere is an ordinary decision, all of it."""
        return Decision, tuple(getattr(self, f.name) for f in fields(Decision))

    @property
    def results(self) -> Mapping[str, Any]:
        try:
            telling = self._telling
        except AttributeError:  # one made of its parts, by dataclasses.replace
            return python_results(self)
        if not telling.only_root:
            return python_results(self)
        return {name: read(value) for (name, read), value in zip(telling.readers, self._state[2], strict=True)}

    def failed(self) -> tuple[str, ...]:
        try:
            telling, state = self._telling, self._state
        except AttributeError:
            return Decision.failed(self)
        found = telling.failed(0, state[1])
        for at, listed in enumerate(state[4:], 1):
            if listed[1]:
                for verdicts in listed[1].values():
                    found += telling.failed(at, verdicts)
        return found if len(found) < 2 else tuple(sorted(set(found), key=telling.place.__getitem__))


def tell(state: State, telling: Telling) -> Told:
    """The decision that a program's pass came to."""
    made = _new(Told)
    _set_state(made, state)
    _set_telling(made, telling)
    outcome, stage = telling.outcome(state[3])
    _set_outcome(made, outcome)
    _set_stage(made, stage)
    return made


_new = Told.__new__
# The slots' own setters: a frozen class has no others, and these are the quickest.
_slots: dict[str, Any] = {**vars(Decision), **vars(Told)}
_set_state = _slots["_state"].__set__
_set_telling = _slots["_telling"].__set__
_set_outcome = _slots["outcome"].__set__
_set_stage = _slots["stage"].__set__
