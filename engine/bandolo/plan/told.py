"""A decision that a program made in one pass: what is asked of it most is at hand, the rest is put together when it is looked at.

Nothing is decided later: what was given is kept as it was, and what is put together is what the program would give step by step.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import fields
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from bandolo.evaluate.decide import Identity, changes_said, local_time
from bandolo.evaluate.decision import Decision, Outcome, StageStatus, Verdict
from bandolo.evaluate.settle import Changes, Settled
from bandolo.evaluate.stages import outcome_of
from bandolo.evaluate.wire import python_results, python_value
from bandolo.language.types import INTEGER, MONEY, Type
from bandolo.plan.kinds import Kind, Whole, thaw
from bandolo.plan.program import OnePass, Program
from bandolo.plan.quote import code, compiled, function, name, text

if TYPE_CHECKING:
    from bandolo.plan.spelled import Spelling

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
        self.failures: dict[tuple[Any, ...], tuple[str, ...]] = {}
        """By the verdicts on the root, and by those on records that do not meet everything, if any: the same few come again and again."""
        self.only_root = not any(layout.results[entity] for entity in layout.lists)
        self.outcomes: dict[tuple[StageStatus, ...], tuple[Outcome, str]] = {}
        self.lasting = False
        """Whether many decisions are told by this, so that it pays to have their text prepared."""

    @cached_property
    def spelling(self) -> Spelling:
        """What writes decisions as JSON."""
        from bandolo.plan.spelled import Spelling

        return Spelling(self)

    @cached_property
    def verdicts(self) -> Verdicts:
        """What names the verdicts."""
        return Verdicts(self)

    @cached_property
    def results(self) -> Callable[[tuple[Any, ...]], dict[str, Any]]:
        """What makes Python values of the root's results."""
        policy, layout = self.program.policy, self.whole.layout
        root, zone = policy.root, policy.conventions.time_zone
        table: dict[str, Any] = {"HUNDRED": HUNDRED}
        keys: list[ast.expr] = []
        values: list[ast.expr] = []
        for at, result in enumerate(layout.results[root]):
            kind, type_ = layout.kinds[root, result], policy.definitions[root, result].type
            assert kind is not None
            keys.append(text(result))
            value = name(f"v{at}")
            if isinstance(kind, Whole) and kind.scale == 100 and type_ == MONEY:
                value = code("V / HUNDRED", V=value)
            elif not (isinstance(kind, Whole) and kind.scale == 1 and type_ == INTEGER):
                table[f"read{at}"] = _reader(kind, type_, zone)
                value = code("R(V)", R=f"read{at}", V=value)
            values.append(value)
        taken: list[ast.expr] = [ast.Name(f"v{at}", ast.Store()) for at in range(len(keys))]
        body: list[ast.stmt] = [ast.Assign([ast.Tuple(taken, ast.Store())], name("values")), ast.Return(ast.Dict(list(keys), values))]
        made: Callable[[tuple[Any, ...]], dict[str, Any]] = compiled(function("results", ["values"], body), "results", table)
        return made

    def outcome(self, statuses: tuple[StageStatus, ...]) -> tuple[Outcome, str]:
        return self.outcomes.setdefault(statuses, outcome_of(dict(zip(self.stages, statuses, strict=True))))

    def failed(self, key: tuple[Any, ...], state: State) -> tuple[str, ...]:
        """The requirements that failed, in the order of a decision, kept under a key."""
        rows = [(self.ids[0], state[1])]
        for ids, (_, odd, _) in zip(self.ids[1:], state[4:], strict=True):
            rows += [(ids, verdicts) for verdicts in (odd or {}).values()]
        failed = {id_ for ids, verdicts in rows for id_, verdict in zip(ids, verdicts, strict=True) if verdict is False}
        found = tuple(sorted(failed, key=self.place.__getitem__))
        if len(self.failures) < VERDICTS_KEPT:
            self.failures[key] = found
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


def _reader(kind: Kind, type_: Type, zone: str) -> Callable[[Any], Any]:
    return lambda value: python_value(local_time(thaw(kind, value, lambda record: record), zone), type_)


class Verdicts:
    """Names the verdicts of a program's decisions; those that come again and again are named once."""

    def __init__(self, telling: Telling) -> None:
        policy, self.layout = telling.program.policy, telling.whole.layout
        self.root = policy.root
        ordered = sorted(telling.place, key=telling.place.__getitem__)
        entities = dict.fromkeys(policy.requirements[id_].entity for id_ in ordered)
        self.subjects = [None if e == policy.root else self.layout.lists.index(e) for e in entities]
        """The root (None) and the lists that have requirements, in the order in which a decision comes to them."""
        listed = [policy.entities[e] for e in self.layout.lists]
        self.paths = [e.listed_in or "" for e in listed]
        self.keys = [None if e.key is None else self.layout.fact(e, e.key.name) for e in listed]
        self.ids = [[(id_, ids.index(id_)) for id_ in ordered if id_ in ids] for ids in telling.ids]
        self.usual = [MappingProxyType({id_: VERDICT_WORDS[True] for id_, _ in ids}) for ids in self.ids]
        self.kept: dict[tuple[int, tuple[bool | None, ...]], Mapping[str, Verdict]] = {}

    def of(self, state: State) -> dict[str, Mapping[str, Verdict]]:
        """The verdicts by subject."""
        found: dict[str, Mapping[str, Verdict]] = {}
        for at in self.subjects:
            if at is None:
                found[self.root] = self._named(0, state[1])
                continue
            given, odd, _ = state[4 + at]
            key, listed, usual = self.keys[at], self.paths[at], self.usual[at + 1]
            keys = range(len(given)) if key is None else sorted(map(key, given))
            found |= {f"{listed}[{k}]": usual for k in keys}
            for k, verdicts in odd.items():
                found[f"{listed}[{k}]"] = self._named(at + 1, verdicts)
        return found

    def _named(self, entity: int, verdicts: tuple[bool | None, ...]) -> Mapping[str, Verdict]:
        named = self.kept.get((entity, verdicts))
        if named is None:
            named = MappingProxyType({id_: VERDICT_WORDS[verdicts[place]] for id_, place in self.ids[entity]})
            if len(self.kept) < VERDICTS_KEPT:
                self.kept[entity, verdicts] = named
        return named


VERDICT_WORDS: dict[bool | None, Verdict] = {True: "met", False: "failed", None: "not_applicable"}


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
        found: dict[str, Any] = telling.results(self._state[2])
        return found

    @property
    def verdicts(self) -> Mapping[str, Mapping[str, Verdict]]:
        try:
            telling, state = self._telling, self._state
        except AttributeError:
            return super().verdicts
        return telling.verdicts.of(state)

    def to_json(self, indent: int | None = None) -> str:
        try:
            telling, state = self._telling, self._state
        except AttributeError:
            return super().to_json(indent)
        text = telling.spelling.text(state) if telling.lasting and indent is None else None
        return super().to_json(indent) if text is None else text

    def failed(self) -> tuple[str, ...]:
        try:
            telling, state = self._telling, self._state
        except AttributeError:
            return Decision.failed(self)
        if len(state) == 5:  # of one list, as most policies are
            odd = state[4][1]
            key = (state[1], *odd.values()) if odd else state[1]
        else:
            key = (state[1], *[tuple(odd.values()) if odd else () for _, odd, _ in state[4:]])
        found = telling.failures.get(key)
        return telling.failed(key, state) if found is None else found


def tell(state: State, telling: Telling) -> Told:
    """The decision that a program's pass came to."""
    made = _new(Told)
    _set_state(made, state)
    _set_telling(made, telling)
    outcome, stage = telling.outcomes.get(state[3]) or telling.outcome(state[3])
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
