"""A decision that a program made in one pass: what is asked of it most is at hand, the rest is put together when it is looked at.

Nothing is decided later: the data cannot change any more, and what is put together is what the program would give step by step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from decimal import Decimal
from functools import cache
from typing import Any

from bandolo.check import core
from bandolo.evaluate.decide import Identity, changes_said
from bandolo.evaluate.decision import Decision, Outcome
from bandolo.evaluate.settle import Changes, Settled
from bandolo.evaluate.stages import outcome_of
from bandolo.evaluate.wire import python_value
from bandolo.plan.kinds import Whole, thaw
from bandolo.plan.program import Program

HUNDRED = Decimal(100)
COMPARED = tuple(f.name for f in fields(Decision) if f.compare)
NOTHING = ("missing", "pending", "open_readings", "faults")
"""What a complete application leaves open, and what fails in it."""


class Told(Decision):
    """A `Decision` whose parts are made when first looked at. Threads may look at once: they make the same."""

    __slots__ = ("_told",)

    _told: tuple[Any, Program, Settled, Changes, Identity]

    def __getattr__(self, name: str) -> Any:
        state, program, settled, changes, identity = _told_of(self)
        policy = program.policy
        if name in ("outcome", "stage", "stages"):
            stages = dict(zip((s.name for s in policy.stages), state[3], strict=True))
            outcome, stage = _outcome(tuple(s.name for s in policy.stages), state[3])
            made = {"outcome": outcome, "stage": stage, "stages": stages}
        elif name in NOTHING:
            made = {name: ()}
        elif name in ("policy_id", "policy_digest", "engine", "amendments", "as_of", "assumed"):
            made = {
                "policy_id": policy.id, "policy_digest": identity.policy_digest, "engine": identity.engine, "amendments": identity.amendments,
                "as_of": identity.as_of, "assumed": settled.assumed,
            }  # fmt: skip
        elif name == "changed":
            made = {name: changes_said(policy, changes)}
        elif name == "readings":
            made = {name: {n: v for n, v in settled.settings.options.items() if isinstance(v, str)}}
        elif name == "trace":
            made = {name: None}
        elif name in COMPARED:
            whole = _whole(state, program, settled, changes, identity)
            made = {f: getattr(whole, f) for f in COMPARED}
        else:
            raise AttributeError(name)
        for key, value in made.items():
            object.__setattr__(self, key, value)
        return made[name]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Decision):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in COMPARED)

    __hash__ = Decision.__hash__

    @property
    def results(self) -> Mapping[str, Any]:
        state, program, _, _, _ = _told_of(self)
        assert program.whole is not None
        layout, root = program.whole.layout, program.policy.root
        if any(layout.results[entity] for entity in layout.lists):
            from bandolo.evaluate.wire import python_results

            return python_results(self)
        found: dict[str, Any] = {}
        for result, value in zip(layout.results[root], state[2], strict=True):
            kind = layout.kinds[root, result]
            if isinstance(kind, Whole) and kind.scale == 100 and program.policy.definitions[root, result].type.__str__() == "money":
                found[result] = value / HUNDRED
            else:
                found[result] = python_value(thaw(kind, value, _itself), program.policy.definitions[root, result].type)  # type: ignore[arg-type]
        return found

    def failed(self) -> tuple[str, ...]:
        state, program, _, _, _ = _told_of(self)
        found = {id_ for id_, verdict in _verdicts(state, program) if verdict is False}
        return tuple(id_ for id_ in _in_order(program) if id_ in found) if found else ()


def _told_of(decision: Told) -> tuple[Any, Program, Settled, Changes, Identity]:
    return decision._told


def tell(state: Any, program: Program, settled: Settled, changes: Changes, identity: Identity) -> Told:
    """The decision that a program's pass came to."""
    made = Told.__new__(Told)
    _set(made, (state, program, settled, changes, identity))
    return made


_set = Told._told.__set__  # type: ignore[attr-defined]


def _verdicts(state: Any, program: Program) -> Iterator[tuple[str, bool | None]]:
    """The verdicts that are not the usual one: False, or None where the requirement does not apply."""
    assert program.whole is not None
    layout = program.whole.layout
    yield from zip(layout.verdicts[program.policy.root], state[1], strict=True)
    for entity, (_, odd, _) in zip(layout.lists, state[4:], strict=True):
        for verdicts in odd.values() if odd else ():
            yield from zip(layout.verdicts[entity], verdicts, strict=True)


@cache
def _outcome(stages: tuple[str, ...], statuses: tuple[Any, ...]) -> tuple[Outcome, str]:
    return outcome_of(dict(zip(stages, statuses, strict=True)))


def _in_order(program: Program) -> list[str]:
    """The requirements in the order in which a decision lists them."""
    policy = program.policy
    order = sorted(policy.requirements.values(), key=lambda r: (policy.stage_index(r.stage), policy.depth(r.entity), r.entity, r.id))
    return [r.id for r in order]


def given_data(state: Any, program: Program) -> dict[str, Any]:
    """The application as it was given."""
    assert program.whole is not None
    policy = program.policy
    data = dict(zip(policy.entities[policy.root].facts, state[0], strict=True))
    for entity, (given, _, _) in zip(program.whole.layout.lists, state[4:], strict=True):
        listed = policy.entities[entity].listed_in
        assert listed is not None
        data[listed] = [dict(zip(policy.entities[entity].facts, row, strict=True)) for row in given]
    return data


def _whole(state: Any, program: Program, settled: Settled, changes: Changes, identity: Identity) -> Decision:
    from bandolo.plan.planned import decide_stepwise

    found = decide_stepwise(program, settled, changes, identity, given_data(state, program))
    assert found is not None, "what the program has decided can be read"
    return found


def _itself(record: Any) -> Any:
    return record


__all__ = ["Told", "core", "given_data", "tell"]
