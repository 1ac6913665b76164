"""A settled policy as one function over blocks of columns: verdicts, statuses, outcome and results of many applications at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from functools import cache
from math import ceil, floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandolo.batch.columns import LARGEST, Column, Frame, NotColumnar
from bandolo.batch.helpers import FIRST_INSTANT, LAST_INSTANT, TABLE
from bandolo.batch.operations import rounded
from bandolo.batch.trials import TRIALS, differing, sample
from bandolo.batch.writer import EPOCH, Writer, core_boolean, instant_number, row_name
from bandolo.check import core
from bandolo.evaluate.settle import Settled
from bandolo.evaluate.stages import PRECEDENCE, STATUS_BY_EFFECT
from bandolo.language.types import BOOLEAN, DATE, DATETIME, MONEY, TEXT, ChoiceType, ListType, OptionalType, RecordType, Type
from bandolo.language.values import Value

Key = tuple[str, str, str | None]
"""An entity, a fact, and the stage that asks for it where several do."""
STATUSES = ("passed", *PRECEDENCE, "not_started")
OUTCOMES = ("admitted", *PRECEDENCE)
"""The outcome of a stage's status; `failed` is said as rejected."""
MASK_BITS = 63
STRUCK = "is struck"
"""The name of the flags that say which records the ranking has struck; no fact has a space in its name."""
NO_RESULT = "a computation has no result, or a number is beyond 64 bits"
OUTSIDE = "an amount, number or date is beyond what columns hold"
LACKING = "a fact is missing"
CURABLE = "a requirement that can still be put right, which depends on the clock"
NAMES = re.compile(r"\b[tb]\d+(?:_\d+)?\b")


@dataclass(frozen=True)
class Shape:
    """What a column is made of: number, bits or word; its scale; whether it is narrow; whether `none` may occur."""

    form: str
    scale: int = 1
    narrow: bool = False
    none: bool = False
    null: bool = False
    """Whether it may be missing."""


@dataclass(frozen=True)
class Outgoing:
    """A result as a program leaves it: number, flag or word, with its scale; `parts` are the places of its arrays in what comes back."""

    entity: str
    name: str
    form: str
    scale: int
    constant: Any
    parts: tuple[int | None, int | None, int | None, int | None]
    """Values, divisors, none, words."""


@dataclass(frozen=True)
class Ranked:
    """What the ranking takes of an application that is ranked: keys of the order and of `keep`, award and pots in cents.

    `key` tells the exclusive records over all applications apart; `held` is the place of the flags of those that are admitted, None for
    all of them.
    """

    order: tuple[Outgoing, ...]
    keep: tuple[Outgoing, ...]
    award: Outgoing | None
    pots: tuple[Outgoing, ...]
    key: Outgoing | None
    held: int | None

    @property
    def parts(self) -> tuple[Outgoing, ...]:
        return (*self.order, *self.keep, *self.pots, *(p for p in (self.award, self.key) if p is not None))


@dataclass(frozen=True)
class Program:
    """`run(given, rows, left)` computes a block and gives arrays, placed as told here."""

    run: Callable[..., tuple[Any, ...]]
    source: str
    columns: tuple[Key, ...]
    entities: tuple[str, ...]
    read: frozenset[Key]
    """The facts that it looks at: where one is missing, the application is not for it."""
    requirements: tuple[str, ...]
    """In the order in which a decision lists them: the order of the bits of a mask."""
    words: int
    left: int
    outcome: int
    stage: int
    statuses: tuple[int, ...]
    masks: tuple[int, ...]
    failing: Mapping[str, tuple[int, ...]]
    """Of each listed entity, where the rows that fail something are, and their masks."""
    excluded: Mapping[str, int]
    barred: Mapping[str, int]
    admitted: Mapping[str, int]
    """Records that have results; where there is none here, all do."""
    results: tuple[Outgoing, ...]
    ranked: Ranked | None = None
    kept: Mapping[str, int] = field(default_factory=dict)
    """Where the flags are of the requirements whose verdicts stay after a strike."""
    unsure: int | None = None
    """Where those are of the applications in which one of these has no verdict."""
    reasons: Mapping[str, int] = field(default_factory=dict)
    """Where the applications are that it leaves to the reference, by why."""

    @property
    def outgoing(self) -> tuple[Outgoing, ...]:
        """All values that it leaves."""
        return self.results if self.ranked is None else (*self.results, *self.ranked.parts)


def compile_columns(
    policy: core.Policy,
    settled: Settled,
    shapes: Mapping[Key, Shape],
    records: bool,
    ranking: bool = False,
    kept: frozenset[str] = frozenset(),
) -> Program:
    """The program for columns of some shapes; NotColumnar where the policy asks for what has none.

    `records` wants the results of records, `ranking` what the ranking takes. `kept` are the requirements that are not looked at again after
    a strike: without a column of strikes their verdicts come out, and with one they go in, as columns of their own.
    """
    return _Build(policy, settled, shapes, records, ranking, kept).program()


def met_key(entity: str, requirement: str) -> Key:
    """The column of the verdicts of a requirement that is not looked at again."""
    return (entity, f"met {requirement}", None)


class _Build:
    def __init__(
        self,
        policy: core.Policy,
        settled: Settled,
        shapes: Mapping[Key, Shape],
        records: bool,
        ranking: bool,
        kept: frozenset[str] = frozenset(),
    ) -> None:
        self.kept = kept
        self.policy, self.settled, self.shapes, self.records, self.ranking = policy, settled, shapes, records, ranking
        self.root = Frame(policy.root, row_name(policy, policy.root), None)
        self.frames: dict[str, Frame] = {policy.root: self.root}
        for name in policy.root_names():
            owner = policy.entities[name].owner
            if owner is not None:
                self.frames[name] = Frame(name, row_name(policy, name), self.frames[owner])
        self.columns = tuple(shapes)
        self.lists: dict[str, str] = {}
        """Lists of values, and what the program calls their rows."""
        self.w = Writer(policy, settled, self.root, self.fact, self.known, self.lacking, self.lacks, self.values)
        self._trials: list[_Build] = []
        self.left: list[str | None] = []
        self.reasons: dict[str, list[str | None]] = {}
        self.read: set[Key] = set()
        self.open: dict[str, str | None] = {}
        """Where the verdict of a requirement is open, and no fact is missing."""
        self.bads: dict[str, str | None] = {}
        self.opened: dict[str, Column] = {}
        self.back: list[str] = []
        order = sorted(policy.requirements.values(), key=lambda r: (policy.stage_index(r.stage), policy.depth(r.entity), r.entity, r.id))
        self.order = [r.id for r in order]

    def fact(self, entity: str, name: str, stage: str | None) -> Column:
        """The column of a fact that has been given."""
        key = (entity, name, stage)
        self.read.add(key)
        frame, said = self.frames[entity], name if stage is None else f"{name} at {stage}"
        if key not in self.shapes:
            self.w.asked.add(("column", said))
            return self.lacking(frame, self.policy.entities[entity].facts[name].type, said, key)
        at, shape = self.columns.index(key), self.shapes[key]
        low, high = self.bounds(key)
        none = f"n{at}" if shape.none else None
        words = f"w{at}" if shape.form == "word" else None
        found = Column(shape.form, frame, f"c{at}", shape.scale, low, high, none=none, words=words, narrow=shape.narrow)
        if not shape.null:
            return found
        self.w.asked.add(("null", said))
        if self.w.trial is None or shape.form == "record" or self.policy.entities[entity].facts[name].key:
            return found.but(bad=f"n{at}")
        return self._filled(found, key, at)

    def _filled(self, column: Column, key: Key, at: int) -> Column:
        """A column whose gaps are filled in by way of trial."""
        w = self.w
        value = self._sample(key, str(key))
        match value:
            case str():
                words = w.emit(f"with_words({column.words}, {w.constant(value)})")
                name = w.emit(f"filled_words({column.name}, n{at}, {words}, {w.constant(value)})")
                return column.but(name=name, words=words)
            case bool():
                flags = w.emit(f"filled({w.plainly(column).name}, n{at}, {value})")
                return column.but(form="flag", name=w.emit(f"{flags} != 0"))
        number = _number(value, column.scale, floor, 0)
        low, high = min(column.low, number), max(column.high, number)
        return column.but(name=w.emit(f"filled({column.name}, n{at}, {number})"), low=low, high=high, narrow=False)

    def _sample(self, key: Key, what: str) -> Value:
        assert self.w.trial is not None
        low, high = self.settled.ranges[key[0], key[1]]
        return sample(self.policy.entities[key[0]].facts[key[1]].type, low, high, what, self.w.trial)

    def lacking(self, frame: Frame, type_: Type, what: str, key: Key | None = None) -> Column:
        """The column of what has none, or is left open: nowhere known, or filled in by way of trial."""
        w, bare = self.w, type_.of if isinstance(type_, OptionalType) else type_
        if isinstance(bare, ListType | RecordType) or str(bare).startswith("duration"):
            raise NotColumnar(f"{what} has no column" if key is not None else f"{what} is not known")
        if self.w.trial is not None:
            value = self._sample(key, what) if key is not None else sample(bare, None, None, what, self.w.trial)
            return w.value_of(value, bare)
        bad = w.emit(f"np.ones({frame.name}.count, bool)")
        if bare == BOOLEAN:
            return Column("flag", frame, w.emit(f"np.zeros({frame.name}.count, bool)"), bad=bad)
        zeros = w.emit(f"np.zeros({frame.name}.count, np.int64)")
        if bare == TEXT or isinstance(bare, ChoiceType):
            return Column("word", frame, zeros, words=w.constant(("",)), bad=bad)
        return Column("number", frame, zeros, bad=bad)

    def lacks(self, entity: str, name: str) -> str | None:
        """The rows of an entity that lack a list."""
        key = (entity, name, None)
        if key not in self.shapes:
            return None
        self.read.add(key)
        self.w.asked.add(("null", name))
        return f"n{self.columns.index(key)}"

    def values(self, owner: Frame, name: str) -> Column:
        """The column of a list of values."""
        inner = f"{owner.entity}.{name}"
        if (inner, "", None) not in self.shapes:
            raise NotColumnar(f"{name} has no column")
        row = self.lists.setdefault(inner, f"r{len(self.policy.entities) + len(self.lists)}")
        frame = Frame(inner, row, owner)
        at, shape = self.columns.index((inner, "", None)), self.shapes[inner, "", None]
        low, high = self.bounds((inner, "", None))
        words = f"w{at}" if shape.form == "word" else None
        item = Column(shape.form, frame, f"c{at}", shape.scale, low, high, words=words, narrow=shape.narrow)
        lacks = self.lacks(owner.entity, name) if self.shapes[owner.entity, name, None].null else None
        return Column("list", owner, "", of=frame, item=item, values=True, lacks=lacks)

    def values_of(self, inner: str) -> Frame:
        """The rows of a list of values."""
        owner, _, name = inner.partition(".")
        frame = self.values(self.frames[owner], name).of
        assert frame is not None
        return frame

    def known(self, frame: Frame, name: str, stage: str | None) -> Column:
        """Whether a fact is there; one that has no column is not."""
        key = (frame.entity, name, stage)
        if self.policy.entities[frame.entity].facts[name].key:
            raise NotColumnar("asks whether a key is known")
        if key not in self.shapes:
            return self.w.value_of(False, core_boolean())
        if self.shapes[key].none:
            return self.w.value_of(True, core_boolean())
        return Column("flag", frame, self.w.emit(f"is_known(n{self.columns.index(key)}, {frame.name})"))

    def bounds(self, key: Key) -> tuple[int, int]:
        """Between which whole numbers a column lies; what does not is left to the reference."""
        entity, _, listed = key[0].partition(".")
        type_ = self.policy.entities[entity].facts[listed or key[1]].type
        type_ = type_.of if isinstance(type_, OptionalType) else type_.item if isinstance(type_, ListType) else type_
        scale = self.shapes[key].scale
        low, high = (None, None) if listed else self.settled.ranges[key[0], key[1]]
        most = 2932896 if type_ == DATE else LAST_INSTANT * scale if type_ == DATETIME else 2**45 * max(scale // 100, 1)
        least = -719162 if type_ == DATE else FIRST_INSTANT * scale if type_ == DATETIME else -most
        found = max(least, _number(low, scale, ceil, least)), min(most, _number(high, scale, floor, most))
        return max(found[0], -LARGEST), min(found[1], LARGEST)

    def program(self) -> Program:
        self._ranges()
        for step in self.policy.steps:
            self._step(step)
        self._requirements()
        masks, failing = self._masks()
        statuses, outcome, stage = self._outcome()
        # The ranking takes its own values, and a result that has no column does not stand in its way.
        wanted = [] if self.ranking else [r for r in self.policy.results if r.entity == self.policy.root or self.records]
        results = [self._result(r) for r in wanted]
        excluded = {e: self._excluded(e) for e in self.frames if e != self.policy.root} if self.records else {}
        barred = {e: self._barred(e) for e in self.frames if e != self.policy.root} if self.records else {}
        admitted = {}
        for entity in excluded:
            kept = self.w.admitted.get((entity, "")) or self._admitted(entity, "", self.frames[entity])
            if kept.constant is None:
                admitted[entity] = self.put(self.w.flag(kept))
        ranked = self._ranked(statuses, outcome) if self.ranking else None
        verdicts, unsure = self._kept()
        left = self.put(self.w.either("left", *self.left) or "left")
        told = {reason: self.w.either(*bads) for reason, bads in self.reasons.items()}
        reasons = {why: self.put(self.w.emit(f"flags_of({bad}, {self.root.name})")) for why, bad in told.items() if bad is not None}
        source = self._source()
        table = dict(TABLE) | self.w.table
        # Names and whole numbers made here: nothing of the policy becomes code.
        exec(compile(source, f"<columns of {self.policy.digest[:19]}>", "exec"), table)
        return Program(
            table["run"], source, self.columns, (*self.frames, *self.lists), frozenset(self.read), tuple(self.order), len(masks), left,
            outcome, stage, tuple(statuses), tuple(masks), failing, excluded, barred, admitted, tuple(results),
            ranked, verdicts, unsure,
            reasons=reasons,
        )  # fmt: skip

    def _given(self, entity: str, name: str) -> Column | None:
        """Flags that are no fact, where there are any."""
        key = (entity, name, None)
        return Column("flag", self.frames[entity], f"c{self.columns.index(key)}") if key in self.shapes else None

    def _kept(self) -> tuple[dict[str, int], int | None]:
        """The verdicts that stay after a strike, and the applications in which one is open."""
        if any(name == STRUCK for _, name, _ in self.columns):
            return {}, None
        found, open_ = {}, list[str | None]()
        for id_ in sorted(self.kept & self.w.met.keys()):
            frame = self.frames[self.policy.requirements[id_].entity]
            found[id_] = self.put(self.w.flag(self._here(self.w.met[id_], frame)))
            bad = self.bads[id_]
            while bad is not None and frame is not self.root:
                bad = self.w.emit(f"some_bad({bad}, {frame.name})")
                assert frame.above is not None
                frame = frame.above
            open_.append(bad)
        unsure = self.w.either(*open_)
        return found, None if unsure is None else self.put(self.w.emit(f"flags_of({unsure}, {self.root.name})"))

    def put(self, name: str) -> int:
        """The place of an array in what comes back."""
        self.back.append(name)
        return len(self.back) - 1

    def _source(self) -> str:
        lines = [f"c{i}, n{i}, w{i} = given[{i}]" for i in range(len(self.columns))]
        names = [*(frame.name for frame in self.frames.values()), *self.lists.values()]
        lines += [f"{name} = rows[{i}]" for i, name in enumerate(names)]
        lines += [*_freed(_needed(self.w.lines, self.back), self.back), f"return ({', '.join(self.back)},)"]
        return "def run(given, rows, left):\n" + "".join(f"    {line}\n" for line in lines)

    def leave(self, bad: str | None, frame: Frame | None, *reasons: str) -> None:
        """Leave the applications to the reference in whose rows something is bad."""
        while bad is not None and frame is not None and frame is not self.root:
            bad = self.w.emit(f"some_bad({bad}, {frame.name})")
            frame = frame.above
        self.left.append(bad)
        for reason in reasons or (NO_RESULT,):
            self.reasons.setdefault(reason, []).append(bad)

    @staticmethod
    def _why(asked: frozenset[tuple[str, str]]) -> list[str]:
        """Why what rests on something missing is left; what is missing in some rows is counted by these."""
        said = {"column": "{} has no column, and the rules ask for it here", "reason": "{}", "null": LACKING}
        return sorted({said.get(kind, "{} is not known").format(name) for kind, name in asked})

    def _ranges(self) -> None:
        """Values outside of what a fact declares, or of what is computed with."""
        for at, key in enumerate(self.columns):
            shape = self.shapes[key]
            if shape.form == "number":
                low, high = self.bounds(key)
                frame = self.frames[key[0]] if key[0] in self.frames else self.values_of(key[0])
                self.leave(self.w.emit(f"outside(c{at}, {low}, {high}, n{at})"), frame, OUTSIDE)

    # Steps.

    def _step(self, step: core.Step) -> None:
        frame = self.frames[step.entity]
        self.w.slots = {0: Column("record", frame, "", of=frame)}
        self.w.asked = set()
        match step.kind:
            case "definition":
                try:
                    value = self.w.value(self.policy.definitions[step.entity, step.name].value)
                    if value.frame is not None and value.frame is not frame:
                        value = self.w.spread(value, frame)
                except NotColumnar as reason:  # it may be that nothing that counts is made of it
                    self.w.why[step.entity, step.name] = str(reason)
                    return
                self.w.definitions[step.entity, step.name] = value
                self.w.asks["definition", step.entity, step.name] = frozenset(self.w.asked)
            case "requirement":
                requirement = self.policy.requirements[step.name]
                try:
                    self._requirement(requirement, frame)
                except NotColumnar as reason:  # which does not matter where it does not apply, or in a stage that is not open
                    self._undecided(requirement, frame, str(reason))
                self.w.asks["requirement", step.name] = frozenset(self.w.asked)
            case "admitted":
                self.w.admitted[step.entity, step.name] = self._admitted(step.entity, step.name, frame)
            case _:
                stage = self.policy.stages[self.policy.stage_index(step.name)]
                opened = self.w.value_of(True, core_boolean()) if stage.opens is None else self.w.plainly(self.w.value(stage.opens))
                self.leave(opened.bad, frame)
                self.opened[step.name] = opened.but(bad=None)

    def _undecided(self, requirement: core.Requirement, frame: Frame, reason: str) -> None:
        """A requirement that has no column: left to the reference wherever it applies."""
        w = self.w
        self.w.asked.add(("reason", reason))
        bad = w.emit(f"np.ones({frame.name}.count, bool)")
        if requirement.applies is not None:
            with suppress(NotColumnar):
                applies = w.plainly(self._here(w.value(requirement.applies), frame))
                bad = w.either(applies.name, applies.bad) or bad
        w.met[requirement.id] = Column("flag", frame, w.emit(f"np.zeros({frame.name}.count, bool)"))
        self.bads[requirement.id] = w.unsure[requirement.id] = bad

    def effect(self, requirement: core.Requirement) -> core.Effect:
        option = "" if requirement.effect_by is None else self.settled.settings.options[requirement.effect_by]
        if not isinstance(option, str):
            raise NotColumnar(f"reading.{requirement.effect_by} is not chosen")
        return requirement.effects[option]

    def _requirement(self, requirement: core.Requirement, frame: Frame) -> None:
        w = self.w
        before, struck = self._given(requirement.entity, met_key(requirement.entity, requirement.id)[1]), self._given(frame.entity, STRUCK)
        if before is not None and struck is None:
            w.met[requirement.id], self.bads[requirement.id] = before, None
            return
        applies = None if requirement.applies is None else w.value(requirement.applies)
        # What never applies need not have a column.
        never = applies is not None and applies.constant is False
        check = w.value_of(True, core_boolean()) if never else w.value(requirement.check)
        if applies is not None:
            fails = w._every([applies, w.negated(check)])
            bad = fails.bad
            if applies.bad is not None:
                _, (applies_, fails_) = w.together(applies, fails)
                bad = w.either(applies_.bad, fails_.bad)
            met = w.negated(fails)
        else:
            met, bad = check, check.bad
        if met.frame is not None and met.frame is not frame:
            if bad is not None:
                met = met.but(bad=bad)
            met = w.spread(met, frame)
            bad = met.bad
        if met.constant is not None:
            met = Column("flag", frame, w.emit(f"np.full({frame.name}.count, {met.constant})"))
        met = met.but(bad=None, frame=frame)
        if before is not None and struck is not None:  # a verdict stays, but for the records that are struck
            met = w.chosen(struck, met, before)
            bad = w.both(bad, struck.name)
        w.met[requirement.id] = met
        self.bads[requirement.id] = w.unsure[requirement.id] = bad

    def _requirements(self) -> None:
        """Leave the applications in which a requirement of a stage that has begun is open, or runs a time to put it right."""
        for requirement in self.policy.requirements.values():
            opened = self.opened[requirement.stage]
            if opened.constant is False:
                continue
            frame = self.frames[requirement.entity]
            self._unlisted(frame, opened)
            bad = self._open(requirement, frame)
            if bad is not None and opened.constant is None:
                bad = self.w.both(bad, self.w.spread(opened, frame).name)
            self.leave(bad, frame, *self._why(self.w.asks["requirement", requirement.id]))
            if self.effect(requirement).cure is not None:
                self.leave(self.w.flag(self.w.negated(self._unless_closed(requirement))), frame, CURABLE)

    def _unlisted(self, frame: Frame, opened: Column) -> None:
        """Records that are not listed yet could fail a requirement: leave the applications that lack their list."""
        while frame.above is not None:
            listed = self.policy.entities[frame.entity].listed_in
            assert listed is not None
            lacks = self.lacks(frame.above.entity, listed)
            if lacks is not None and opened.constant is None:
                lacks = self.w.both(lacks, self.w.spread(opened, frame.above).name)
            self.leave(lacks, frame.above, LACKING)
            frame = frame.above

    def _open(self, requirement: core.Requirement, frame: Frame) -> str | None:
        """Where a requirement is left to the reference: where it is bad, and trials do not show that its verdict is open.

        Only of parameters and readings that are left open, which no list of missing facts names.
        """
        w, bad, asked = self.w, self.bads[requirement.id], self.w.asks["requirement", requirement.id]
        self.open[requirement.id] = None
        if self.ranking:  # which names what is left open too
            return bad
        if bad is None or not asked or any(kind != "open" for kind, _ in asked) or requirement.may("exclude"):
            return bad
        tried = [t.w.met[requirement.id].but(bad=t.bads[requirement.id]) for t in self.trials()]
        differs = differing(w, tried, frame)
        if differs is None:
            return bad
        self.open[requirement.id] = differs
        met = w.met[requirement.id]
        w.met[requirement.id] = Column("flag", frame, w.emit(f"{self._here(met, frame).name} | {differs}"))
        return w.emit(f"unless({bad}, {differs})")

    def trials(self) -> list[_Build]:
        """The same definitions and requirements with what is missing filled in, in several ways."""
        if not self._trials:
            for number in range(TRIALS):
                made = _Build(self.policy, self.settled, self.shapes, False, False, self.kept)
                w = made.w
                made.frames, made.root, w.root, made.lists = self.frames, self.root, self.root, self.lists
                w.lines, w.said, w.table, w.unpacked, w.count = self.w.lines, self.w.said, self.w.table, self.w.unpacked, self.w.count
                w.trial = number
                for step in self.policy.steps:
                    made._step(step)
                self.w.count = w.count
                self._trials.append(made)
        return self._trials

    def _admitted(self, entity: str, moment: str, frame: Frame) -> Column:
        policy = self.policy
        last = policy.stage_index(moment) if moment else len(policy.stages)
        struck = self._given(entity, STRUCK)
        parts: list[Column] = [] if struck is None else [self.w.negated(struck)]
        asked: frozenset[tuple[str, str]] = frozenset()
        for requirement in policy.requirements.values():
            if requirement.entity != entity or policy.stage_index(requirement.stage) > last:
                continue
            if requirement.may("exclude") and self.effect(requirement).word == "exclude":
                asked |= self.w.asks.get(("requirement", requirement.id), frozenset())
                parts.append(self._unless_closed(requirement))
        owner = policy.entities[entity].owner
        if owner is not None and owner != policy.root:
            parts.append(self.w.admitted[owner, moment])
            asked |= self.w.asks.get(("admitted", owner, moment), frozenset())
        self.w.asks["admitted", entity, moment] = asked
        return self.w._every([self.w.spread(p, frame) if p.frame is not frame else p for p in parts])

    def _unless_closed(self, requirement: core.Requirement) -> Column:
        opened = self.opened[requirement.stage]
        if opened.constant is False:
            return self.w.value_of(True, core_boolean())
        if opened.constant is True:
            return self.w.met[requirement.id]
        return self.w.negated(self.w._every([opened, self.w.negated(self.w.met[requirement.id])]))

    # What comes out.

    def _masks(self) -> tuple[list[int], dict[str, tuple[int, ...]]]:
        """The requirements that each application fails, as bits."""
        w = self.w
        count = max(1, -(-len(self.order) // MASK_BITS))
        names = [f"m{i}" for i in range(count)]
        w.lines += [f"{n} = np.zeros({self.root.name}.count, np.int64)" for n in names]
        failing: dict[str, tuple[int, ...]] = {}
        for entity, frame in self.frames.items():
            mine = [r for r in self.policy.requirements.values() if r.entity == entity and self.opened[r.stage].constant is not False]
            if not mine:
                continue
            met_of = {r.id: self._here(self._unless_closed(r), frame) for r in mine}
            bit_of = {r.id: self.order.index(r.id) for r in mine}
            if frame is self.root:
                self._root_masks([(bit_of[r.id], w.flag(w.negated(met_of[r.id]))) for r in mine])
                continue
            good = w._every(list(met_of.values()))
            bits, begin = (good.name, f"{frame.name}.bit") if good.form == "bits" else w.packed(good.name, frame)
            at = ""
            if self.records or frame.above is not self.root:
                at = w.emit(f"failing({bits}, {begin}, {frame.name})")
            masks = []
            for word in range(count):
                placed = [(met_of[r], bit % MASK_BITS) for r, bit in bit_of.items() if bit // MASK_BITS == word]
                if not placed:
                    continue
                groups, plain = self._mask_parts(placed)
                if not at:
                    self._of_windows(f"m{word}", bits, begin, frame, groups, plain)
                    continue
                name = f"{at}_{word}"
                w.lines.append(f"{name} = np.zeros(len({at}), np.int64)")
                w.lines += [f"{name} |= row_masks({at}, {frame.name}, {group}, {words})" for group, words in groups]
                w.lines += [f"{name} |= (~{met}[{at}]).astype(np.int64) << {bit}" for met, bit in plain]
                masks.append((word, name))
            if at:
                if self.records:
                    failing[entity] = (self.put(at), *(self.put(name) for _, name in masks))
                fails = w.emit(f"{frame.name}.counts - {w.emit(f'tally({bits}, {begin}, {frame.name})')}")
                self._to_root(at, masks, fails, frame)
        return [self.put(n) for n in names], failing

    def _root_masks(self, placed: list[tuple[int, str]]) -> None:
        """The bits of the application's own requirements, eight at a time."""
        lines = self.w.lines
        placed = sorted(placed)
        while placed:
            first = placed[0][0]
            eight = [(bit, flag) for bit, flag in placed if first <= bit < first + 8 and bit // MASK_BITS == first // MASK_BITS]
            placed = placed[len(eight) :]
            name = f"g{first}"
            for i, (bit, flag) in enumerate(eight):
                shifted = f"{flag}.view(np.uint8) << {bit - first}"  # a copy, even by none
                lines.append(f"{name} {'|=' if i else '='} {shifted}")
            lines.append(f"m{first // MASK_BITS} |= {name}.astype(np.int64) << {first % MASK_BITS}")

    def _mask_parts(self, placed: list[tuple[Column, int]]) -> tuple[list[tuple[str, str]], list[tuple[str, int]]]:
        """Packed flags eight at a time with the masks of their combinations, and plain flags with their bits."""
        packed = [(met.name, bit) for met, bit in placed if met.form == "bits"]
        groups = []
        for eight in (packed[i : i + 8] for i in range(0, len(packed), 8)):
            words = self.w.constant(_Words(tuple(bit for _, bit in eight)))
            groups.append((f"({', '.join(n for n, _ in eight)},)", f"{words}.masks"))
        return groups, [(met.name, bit) for met, bit in placed if met.form != "bits"]

    def _of_windows(
        self, mask: str, bits: str, begin: str, frame: Frame, groups: list[tuple[str, str]], plain: list[tuple[str, int]]
    ) -> None:
        """What records fail brought to their applications, by the windows of those that fail nothing where these are short."""
        of_groups = "".join(f"({group}, {words}), " for group, words in groups)
        of_plain = "".join(f"({met}, {bit}), " for met, bit in plain)
        self.w.lines.append(f"failed_by({bits}, {begin}, {frame.name}, ({of_groups}), ({of_plain}), {mask})")

    def _here(self, column: Column, frame: Frame) -> Column:
        """A column of flags on the very rows, whatever it was made of."""
        if column.constant is not None:
            return Column("flag", frame, self.w.emit(f"np.full({frame.name}.count, {column.constant})"))
        return column if column.frame is frame else self.w.plainly(self.w.spread(column, frame))

    def _to_root(self, at: str, masks: list[tuple[int, str]], fails: str, frame: Frame) -> None:
        """The masks of records onto their applications."""
        lines = self.w.lines
        for word, mask in masks:
            lines.append(f"if len({at}):")
            lines.append(f"    who, found = to_owners({mask}, {fails})")
            current = frame.above
            while current is not None and current is not self.root:
                lines.append(f"    who, found = gather_masks(who, found, {current.name})")
                current = current.above
            lines.append(f"    m{word}[who] |= found")

    def _outcome(self) -> tuple[list[int], int, int]:
        """The status of each stage by number, the outcome and the stage that decides it."""
        w = self.w
        names = []
        for stage in self.policy.stages:
            found = "0"
            for word in reversed(("reject", "suspend", "open", "refer", "bar")):
                code = STATUSES.index(STATUS_BY_EFFECT.get(word, "undetermined"))
                hits = [h for r in self.policy.requirements.values() if r.stage == stage.name for h in self._hits(r, word)]
                if hits:
                    hit = hits[0] if len(hits) == 1 else w.emit(" | ".join(hits))
                    found = (
                        w.emit(f"{hit}.view(np.uint8)")
                        if found == "0" and code == 1
                        else w.emit(f"np.where({hit}, np.uint8({code}), {found})")
                    )
            if found == "0":
                found = w.emit(f"np.zeros({self.root.name}.count, np.uint8)")
            opened = self.opened[stage.name]
            if opened.constant is not True:
                flag = w.flag(opened) if opened.constant is None else "False"
                found = w.emit(f"np.where({flag}, {found}, np.uint8({STATUSES.index('not_started')}))")
            names.append(found)
        statuses = [self.put(n) for n in names]
        if len(names) == 1 and self.opened[self.policy.stages[0].name].constant is True:
            return statuses, self.put(names[0]), self.put(w.emit(f"np.zeros({self.root.name}.count, np.uint8)"))
        started = STATUSES.index("not_started")
        last = w.emit(f"np.zeros({self.root.name}.count, np.uint8)")
        for i, name in enumerate(names):
            if i:
                last = w.emit(f"np.where({name} == 0, np.uint8({i}), {last})")
        outcome, decides = w.emit(f"np.zeros({self.root.name}.count, np.uint8)"), last
        for i, name in reversed(list(enumerate(names))):
            stops = w.emit(f"({name} != 0) & ({name} != {started})")
            outcome = w.emit(f"np.where({stops}, {name}, {outcome})")
            decides = w.emit(f"np.where({stops}, np.uint8({i}), {decides})")
        for i, name in reversed(list(enumerate(names))):
            fails = w.emit(f"{name} == 1")
            outcome = w.emit(f"np.where({fails}, np.uint8(1), {outcome})")
            decides = w.emit(f"np.where({fails}, np.uint8({i}), {decides})")
        return statuses, self.put(outcome), self.put(decides)

    def _hits(self, requirement: core.Requirement, word: str) -> list[str]:
        """Where a requirement's failure is brought to the application."""
        effect, opened = self.effect(requirement).word, self.open.get(requirement.id)
        if self.opened[requirement.stage].constant is False:
            return []
        w, frame = self.w, self.frames[requirement.entity]
        if word == "open":
            if opened is None or effect not in ("reject", "suspend", "refer", "bar") or (effect == "bar" and frame is not self.root):
                return []
            failed = Column("flag", frame, opened)
        elif effect != word:
            return []
        else:
            failed = w.negated(w.met[requirement.id])
        if frame is self.root:
            return [w.flag(failed)]
        if word == "bar":
            return []
        counts = self.w.admitted.get((requirement.entity, requirement.stage))
        if counts is None:
            counts = self._admitted(requirement.entity, requirement.stage, frame)
        hit = w._every([failed, counts])
        if hit.constant is False:
            return []
        name = w.flag(hit)
        current: Frame | None = frame
        while current is not None and current is not self.root:
            name = w.emit(f"some({name}, {current.name})")
            current = current.above
        return [name]

    def _excluded(self, entity: str) -> int:
        frame, parts = self.frames[entity], []
        for requirement in self.policy.requirements.values():
            if requirement.entity == entity and self.effect(requirement).word == "exclude":
                parts.append(self._unless_closed(requirement))
        kept = self.w._every([self._here(p, frame) if p.frame is not frame else p for p in parts])
        if kept.constant is not None:
            return self.put(self.w.emit(f"np.zeros({frame.name}.count, bool)"))
        return self.put(self.w.flag(self.w.negated(kept)))

    def _barred(self, entity: str) -> int:
        w, frame, kept = self.w, self.frames[entity], []
        for requirement in self.policy.requirements.values():
            opened = self.opened[requirement.stage]
            if requirement.entity == entity and self.effect(requirement).word == "bar" and opened.constant is not False:
                counts = w.admitted.get((entity, requirement.stage)) or self._admitted(entity, requirement.stage, frame)
                kept.append(w.negated(w._every([w.negated(w.met[requirement.id]), counts, opened])))
        found = w.negated(w._every(kept))
        if found.constant is not None:
            return self.put(w.emit(f"np.zeros({frame.name}.count, bool)"))
        return self.put(w.flag(found))

    def _result(self, result: core.Result) -> Outgoing:
        w, frame = self.w, self.frames[result.entity]
        if (result.entity, result.name) not in w.definitions:
            raise NotColumnar(w.why[result.entity, result.name])
        value, asked = w.definitions[result.entity, result.name], w.asks.get(("definition", result.entity, result.name), frozenset())
        if value.bad is not None and asked:
            value = self._unknown(result, w.plainly(value), frame)
        found, value = self._outgoing(result.name, value, frame, result.type)
        self.leave(value.bad, value.frame, *self._why(asked))
        return found

    def _outgoing(self, name: str, value: Column, frame: Frame, type_: Type, cents: bool = True) -> tuple[Outgoing, Column]:
        """A value as it leaves the program, amounts to the cent where that is wanted; and its column, which says where it is bad."""
        w = self.w
        type_ = type_.of if isinstance(type_, OptionalType) else type_
        if isinstance(type_, ListType | RecordType) or value.form in ("list", "items", "record", "length"):
            raise NotColumnar(f"{name} is a list or a length")
        if type_ == MONEY and value.form == "number" and cents:
            direction = self.settled.settings.money_rounding
            if not isinstance(direction, str):
                raise NotColumnar("how amounts are rounded is open")
            value = rounded(w, value, direction, Fraction(1, 100))
            value = w.scaled(value, 100) if value.constant is None else value
        if value.constant is not None:
            return Outgoing(frame.entity, name, value.form, 1, value.constant, (None, None, None, None)), value
        value = w.spread(w.plainly(value), frame)
        parts = [self.put(value.name), None, None, None]
        if value.under is not None:
            parts[1] = self.put(value.under)
        if value.none is not None:
            parts[2] = self.put(value.none)
        if value.words:
            parts[3] = self.put(value.words)
        a, b, c, d = parts
        return Outgoing(frame.entity, name, value.form, value.scale, None, (a, b, c, d)), value

    # What the ranking takes.

    def _ranked(self, statuses: list[int], outcome: int) -> Ranked:
        """The values that the ranking takes; what is bad matters only in an application that is ranked."""
        plan = self.policy.ranking
        assert plan is not None
        standing = self._candidate(statuses, outcome)
        names = [s.name for s in self.policy.stages]
        for status in statuses[: names.index(plan.among) + 1] if plan.among is not None else ():  # what is missing is told one by one
            closed = self.w.emit(f"{self.back[status]} == {STATUSES.index('not_started')}")
            self.leave(self.w.emit(f"{closed} & ({self.back[outcome]} != {OUTCOMES.index('failed')})"), self.root)

        def part(name: str, expression: core.Expr, cents: bool) -> Outgoing:
            self.w.slots = {0: Column("record", self.root, "", of=self.root)}
            found, value = self._outgoing(name, self.w.value(expression), self.root, expression.type, cents)
            self.leave(self.w.both(value.bad, standing), self.root)
            return found

        order = tuple(part(f"key.{i}", expression, False) for i, (expression, _) in enumerate(plan.order_by, 1))
        keep = tuple(part(f"keep.{i}", expression, False) for i, (expression, _) in enumerate(plan.keep, 1))
        award = None if plan.award is None else part("award", plan.award, True)
        pots = tuple(part(f"pot.{name}", expression, True) for name, _, expression in plan.pots)
        if plan.exclusive_record is None or plan.exclusive_key is None:
            return Ranked(order, keep, award, pots, None, None)
        frame = self.frames[plan.exclusive_record]
        self.w.slots = {0: Column("record", frame, "", of=frame)}
        value = self.w.value(plan.exclusive_key)
        if value.form not in ("word", "none"):
            raise NotColumnar("what tells exclusive records apart is no text")
        key, made = self._outgoing("claim", value, frame, plan.exclusive_key.type)
        kept = self.w.admitted.get((frame.entity, "")) or self._admitted(frame.entity, "", frame)
        held = None if kept.constant is True else self.w.flag(self._here(kept, frame))
        if made.bad is not None:
            bad = made.bad if held is None else self.w.both(made.bad, held)
            self.leave(self.w.both(bad, self.w.spread(Column("flag", self.root, standing), frame).name), frame)
        return Ranked(order, keep, award, pots, key, None if held is None else self.put(held))

    def _candidate(self, statuses: list[int], outcome: int) -> str:
        """The flags of the applications that are ranked: passed as far as the ranking asks (ranking/assess.py)."""
        plan = self.policy.ranking
        assert plan is not None
        names = [s.name for s in self.policy.stages]
        wanted = statuses if plan.among is None else statuses[: names.index(plan.among) + 1]
        flag = self.w.emit(f"{self.back[outcome]} != {OUTCOMES.index('failed')}")
        for at in wanted:
            passed = self.w.emit(f"{self.back[at]} == 0")
            if plan.among is None:
                passed = self.w.emit(f"{passed} | ({self.back[at]} == {STATUSES.index('not_started')})")
            flag = self.w.emit(f"{flag} & {passed}")
        return flag

    def _unknown(self, result: core.Result, value: Column, frame: Frame) -> Column:
        """A result that rests on what is missing: none where trials show that it is not known."""
        w, tried = self.w, []
        type_: Type = result.type.of if isinstance(result.type, OptionalType) else result.type
        for trial in self.trials():
            found = trial.w.definitions.get((result.entity, result.name))
            if found is None:
                continue
            if type_ == MONEY and found.form == "number":
                direction = self.settled.settings.money_rounding
                if not isinstance(direction, str):
                    raise NotColumnar("how amounts are rounded is open")
                found = rounded(w, found, direction, Fraction(1, 100))
            tried.append(found)
        differs = differing(w, tried, frame) if tried else None
        if differs is None:
            return value
        value = w.spread(value, frame)
        none = differs if value.none is None else w.emit(f"{value.none} | {differs}")
        return value.but(none=w.emit(f"flags_of({none}, {frame.name})"), bad=w.emit(f"unless({value.bad}, {differs})"))


@dataclass(frozen=True)
class _Words:
    """The masks of all combinations of up to eight requirements that are met: the bits of those that are not."""

    bits: tuple[int, ...]

    @property
    def masks(self) -> NDArray[Any]:
        return _masks_of(self.bits)


@cache
def _masks_of(bits: tuple[int, ...]) -> NDArray[Any]:
    return np.array([sum(1 << bit for i, bit in enumerate(bits) if not byte >> i & 1) for byte in range(256)], np.int64)


def _needed(lines: list[str], back: list[str]) -> list[str]:
    """The lines that something which comes back rests on."""
    wanted, kept = set(back), []
    for line in reversed(lines):
        target, sign, text = line.partition(" = ")
        names = NAMES.findall(target)
        if sign and not line.startswith("    ") and names and names[0] == target.partition(",")[0] and wanted.isdisjoint(names):
            continue
        wanted.update(NAMES.findall(text if sign else line))
        kept.append(line)
    return kept[::-1]


def _freed(lines: list[str], back: list[str]) -> list[str]:
    """The lines, each array let go after its last use: the memory that comes next is the one that is still in the cache."""
    last: dict[str, int] = {}
    for i, line in enumerate(lines):
        for name in NAMES.findall(line):
            last[name] = i
    ends: dict[int, list[str]] = {}
    for name, i in last.items():
        if name not in back:
            end = i
            while end + 1 < len(lines) and lines[end + 1].startswith("    "):
                end += 1
            ends.setdefault(end, []).append(name)
    made: list[str] = []
    for i, line in enumerate(lines):
        made.append(line)
        if i in ends:
            made.append(f"del {', '.join(sorted(ends[i]))}")
    return made


def _number(bound: Value | None, scale: int, whole: Callable[[Fraction], int], otherwise: int) -> int:
    """A declared bound as a whole number of a column's scale."""
    match bound:
        case bool():
            return otherwise
        case Fraction():
            return whole(bound * scale)
        case datetime():
            return whole(instant_number(bound) * scale)
        case date():
            return (bound - EPOCH).days
    return otherwise
