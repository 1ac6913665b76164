"""The meaning of the language: what each node of `core` is worth. Every faster path is tested against this one.

Read `value` from top to bottom: one case a node. Unknown and Fault are values and travel through every operation by the rules of
LANGUAGE.md ("Unknown", "Faults"); nothing raises but the budget of steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction
from typing import assert_never

from bandolo.check import core
from bandolo.evaluate.shares import apportioned, unapportioned
from bandolo.language.library import implementation
from bandolo.language.types import DATE, DATETIME
from bandolo.language.values import (
    NONE,
    Fault,
    ListValue,
    Member,
    Record,
    Unknown,
    Value,
    and_,
    bounds,
    either,
    is_known,
    not_,
    or_,
    unknown,
)  # fmt: skip
from bandolo.records import dataclass, field

Slots = Mapping[int, Value]
Judged = tuple[Value, str]
"""Whether a requirement is not violated, and its verdict."""


class TooManySteps(Exception):
    """The budget of one decision is spent."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is fixed before an application is looked at: parameters, the options chosen, the clock, and how money is rounded."""

    parameters: dict[str, Value]
    versions: dict[str, tuple[tuple[date | None, date | None, Value], ...]]
    options: dict[str, Value]
    as_of: Value
    money_rounding: Value


@dataclass(frozen=True, slots=True)
class Strikes:
    """What the ranking of all applications takes from one: records (by path) that stand in another, which then are not admitted.

    `kept` are the verdicts, with whether nothing is violated, that are not looked at again.
    """

    records: frozenset[str] = frozenset()
    kept: Mapping[tuple[str, str], tuple[Value, str]] = field(default_factory=dict)


def _left_behind() -> None:
    return None


@dataclass(slots=True)
class Evaluation:
    """One application being decided: its records by entity, and what has been computed of each."""

    policy: core.Policy
    settings: Settings
    records: dict[str, list[Record]]
    budget: int
    traced: bool = False
    strikes: Strikes = field(default_factory=Strikes)
    definitions: dict[tuple[str, str, Record], Value] = field(default_factory=dict)
    met: dict[tuple[str, Record], Value] = field(default_factory=dict)
    verdicts: dict[tuple[str, Record], str] = field(default_factory=dict)
    admitted: dict[tuple[Record, str], Value] = field(default_factory=dict)
    open: dict[str, Value] = field(default_factory=dict)
    shares: dict[tuple[int, Record], dict[Record, Value] | Value] = field(default_factory=dict)
    trace: dict[tuple[int, Record | None], Value] = field(default_factory=dict)
    readings: set[str] = field(default_factory=set)
    """The readings that were asked for."""

    def __deepcopy__(self, memo: object) -> Evaluation:
        """Itself: what is known by the identity of nodes and records would be lost in a copy, and a finished evaluation is only read."""
        return self

    def __reduce__(self) -> tuple[object, ...]:
        """Nothing, in another process: its nodes are not those of this one. A decision arrives there without its trace."""
        return _left_behind, ()

    def run(self) -> None:
        """Compute every step, for every record of its entity, in the order in which each needs only earlier ones."""
        for step in self.policy.steps:
            for record in self.records.get(step.entity, []):
                self.keep(step, record, self.worked_out(step, record))

    def worked_out(self, step: core.Step, record: Record) -> Value | Judged:
        """What a step comes to for a record, from what earlier steps have left; nothing is kept yet."""
        match step.kind:
            case "definition":
                return self.value(self.policy.definitions[step.entity, step.name].value, {0: record})
            case "requirement":
                return self._judged(self.policy.requirements[step.name], record)
            case "admitted":
                return self._admitted(record, step.name)
        stage = self.policy.stages[self.policy.stage_index(step.name)]
        return True if stage.opens is None else self.value(stage.opens, {0: record})

    def keep(self, step: core.Step, record: Record, value: Value | Judged) -> None:
        """Leave what a step comes to for the steps that need it."""
        if isinstance(value, tuple):
            self.met[step.name, record], self.verdicts[step.name, record] = value
        elif step.kind == "definition":
            self.definitions[step.entity, step.name, record] = value
        elif step.kind == "admitted":
            self.admitted[record, step.name] = value
        else:
            self.open[step.name] = value

    def kept(self, step: core.Step, record: Record) -> Value | Judged:
        """What a step has left for a record."""
        match step.kind:
            case "definition":
                return self.definitions[step.entity, step.name, record]
            case "requirement":
                return self.met[step.name, record], self.verdicts[step.name, record]
            case "admitted":
                return self.admitted[record, step.name]
        return self.open[step.name]

    def _judged(self, requirement: core.Requirement, record: Record) -> Judged:
        """Whether nothing is violated; and the verdict, which also tells what does not apply at all."""
        if (requirement.id, record.path) in self.strikes.kept:
            return self.strikes.kept[requirement.id, record.path]
        applies = True if requirement.applies is None else self.value(requirement.applies, {0: record})
        holds: Value = True if applies is False else self.value(requirement.check, {0: record})
        met = or_([not_(applies), holds])
        if applies is False:
            return met, "not_applicable"
        return met, "met" if met is True else "failed" if met is False else "unknown"

    def _admitted(self, record: Record, moment: str) -> Value:
        """No `exclude` requirement of an open stage up to this moment has failed, of the record or of its owners."""
        policy = self.policy
        if record.path in self.strikes.records:
            return False
        last = policy.stage_index(moment) if moment else len(policy.stages)
        parts: list[Value] = []
        for requirement in policy.requirements.values():
            if requirement.entity != record.entity or policy.stage_index(requirement.stage) > last:
                continue
            if requirement.may("exclude"):
                excludes = self.effect_is(requirement, "exclude")
                opened = self.open[requirement.stage]
                parts.append(or_([not_(opened), not_(excludes), self.met[requirement.id, record]]))
        if record.owner is not None and record.owner.owner is not None:
            parts.append(self.admitted[record.owner, moment])
        return and_(parts)

    def effect_of(self, requirement: core.Requirement) -> core.Effect | Unknown:
        """What a failure of a requirement does, unknown where an open reading decides it."""
        if requirement.effect_by is None:
            return requirement.effects[""]
        self.readings.add(requirement.effect_by)
        chosen = self.settings.options[requirement.effect_by]
        if isinstance(chosen, str):
            return requirement.effects[chosen]
        assert isinstance(chosen, Unknown)
        return chosen

    def effect_is(self, requirement: core.Requirement, word: str) -> Value:
        effect = self.effect_of(requirement)
        return effect if isinstance(effect, Unknown) else effect.word == word

    # The meaning of each node.

    def value(self, node: core.Expr, slots: Slots) -> Value:
        """What an expression is worth, with records and values bound to its slots."""
        self.budget -= 1
        if self.budget < 0:
            raise TooManySteps
        result = self._value(node, slots)
        if self.traced and len(slots) <= 1:
            this = slots.get(0)
            self.trace[id(node), this if isinstance(this, Record) else None] = result
        return result

    def _value(self, node: core.Expr, slots: Slots) -> Value:
        match node:
            case core.Constant(value=value):
                return value
            case core.Variable(slot=slot):
                return slots[slot]
            case core.Fact() | core.Computed() | core.Met() | core.Admitted() | core.Owner():
                record = self.value(node.record, slots)
                return self._of_record(node, record) if isinstance(record, Record) else record
            case core.Parameter(name=name):
                return self.settings.parameters[name]
            case core.Dated():
                return self._dated(node, slots)
            case core.Option(reading=reading):
                self.readings.add(reading)
                return self.settings.options[reading]
            case core.AsOf():
                return self.settings.as_of
            case core.Apply():
                return self._apply(node, [self.value(a, slots) for a in node.arguments])
            case core.And(parts=parts):
                return self._until(parts, slots, False)
            case core.Or(parts=parts):
                return self._until(parts, slots, True)
            case core.Not(value=inner):
                return not_(self.value(inner, slots))
            case core.IsNone(value=inner):
                found = self.value(inner, slots)
                return unknown([found]) if isinstance(found, Unknown) else found if isinstance(found, Fault) else found is NONE
            case core.IsKnown(value=inner):
                return is_known(self.value(inner, slots))
            case core.Branches():
                return self._branches(node, slots)
            case core.Choose():
                return self._choose(node, slots)
            case core.Brackets():
                return self._brackets(node, slots)
            case core.Items(items=items):
                return ListValue(tuple(Member(self.value(i, slots)) for i in items))
            case core.Filter():
                return self._filter(node, slots)
            case core.Map():
                return self._map(node, slots)
            case core.Share():
                return self._share(node, slots)
            case core.Let(slot=slot, value=bound, body=body):
                return self.value(body, {**slots, slot: self.value(bound, slots)})
            case core.Invalid():
                raise AssertionError("a policy with errors is never evaluated")
            case _:
                assert_never(node)

    def _of_record(self, node: core.Fact | core.Computed | core.Met | core.Admitted | core.Owner, record: Record) -> Value:
        match node:
            case core.Fact(name=name, stage=stage):
                return record.facts[name, stage]
            case core.Computed(entity=entity, name=name):
                return self.definitions[entity, name, record]
            case core.Met(requirement=requirement):
                return self.met[requirement, record]
            case core.Admitted(stage=stage):
                return self.admitted[record, stage or ""]
            case core.Owner(entity=entity):
                return record.ancestor(entity)

    def _dated(self, node: core.Dated, slots: Slots) -> Value:
        """The version whose days, both ends included, contain the date; a date in none of them is a fault."""
        day = self.value(node.date, slots)
        versions = self.settings.versions[node.name]
        if isinstance(day, Unknown):
            # Before the first version and after the last there is none.
            gap = versions[0][0] is not None or versions[-1][1] is not None
            return one_of([day], [*(value for _, _, value in versions), *([Fault("no-version-in-force", node.span)] if gap else [])])
        if isinstance(day, Fault):
            return day
        assert isinstance(day, date)
        for start, end, value in versions:
            if (start is None or start <= day) and (end is None or day <= end):
                return value
        return Fault("no-version-in-force", node.span)

    def _apply(self, node: core.Apply, arguments: list[Value]) -> Value:
        operation = node.operation
        if operation.total:
            self.budget -= sum(len(a.members) for a in arguments if isinstance(a, ListValue))
            result = implementation(operation, node.type)(self.policy.conventions, *arguments)
        else:
            fault = next((a for a in arguments if isinstance(a, Fault)), None)
            if fault is not None:
                return fault
            if any(isinstance(a, Unknown) for a in arguments):
                return self._within(node, arguments)
            result = operation.run(self.policy.conventions, *arguments)
        if isinstance(result, Fault) and result.span is None:
            return Fault(result.code, node.span)
        return result  # type: ignore[no-any-return]

    @staticmethod
    def _within(node: core.Apply, arguments: list[Value]) -> Value:
        """What the bounds of unknown arguments tell of a result; they decide it only where no completion can be a fault."""
        operation = node.operation
        intervals = [bounds(a) for a in arguments]
        within = operation.within(*intervals) if operation.within is not None else None
        # A date may leave the calendar, whatever is added to it.
        risky = node.type in (DATE, DATETIME) or (operation.risky is not None and operation.risky(*intervals))
        risky = risky or any(isinstance(a, Unknown) and a.may_fault for a in arguments)
        if isinstance(within, bool):
            return unknown(arguments, may_fault=True) if risky else within
        low, high = within or (None, None)
        return unknown(arguments, low, high, may_fault=risky)

    def _until(self, parts: Iterable[core.Expr], slots: Slots, decides: bool) -> Value:
        """Parts in order, until one decides: what comes after a test for `none` is not looked at where there is none."""
        found: list[Value] = []
        for part in parts:
            value = self.value(part, slots)
            if value is decides:
                return decides
            found.append(value)
        return or_(found) if decides else and_(found)

    def _branches(self, node: core.Branches, slots: Slots) -> Value:
        """The first branch that holds; behind a condition that is unknown, each value is possible."""
        tests: list[Value] = []
        possible: list[Value] = []
        for branch in node.branches:
            test = self.value(branch.when, slots)
            if isinstance(test, Fault):
                possible.append(test)
                break
            if test is False:
                continue
            possible.append(self.value(branch.value, slots))
            if test is True:
                break
            tests.append(test)
        else:
            possible.append(self.value(node.otherwise, slots))
        return possible[0] if not tests else one_of(tests, possible)

    def _choose(self, node: core.Choose, slots: Slots) -> Value:
        subject = self.value(node.subject, slots)
        if isinstance(subject, Fault):
            return subject
        options = dict(node.options)
        if isinstance(subject, Unknown):
            every = [*options.values(), *([node.otherwise] if node.otherwise is not None else [])]
            return one_of([subject], [self.value(option, slots) for option in every])
        assert isinstance(subject, str)
        chosen = options.get(subject, node.otherwise)
        assert chosen is not None, "the checker sees to it that every choice is covered"
        return self.value(chosen, slots)

    def _brackets(self, node: core.Brackets, slots: Slots) -> Value:
        amount = self.value(node.amount, slots)
        if isinstance(amount, Fault):
            return amount
        return in_bands(
            amount, [(None if s.to is None else self.value(s.to, slots), self.value(s.amount, slots)) for s in node.steps], node
        )

    def _filter(self, node: core.Filter, slots: Slots) -> Value:
        listed = self.value(node.list, slots)
        if not isinstance(listed, ListValue):
            return _shrunk(listed)
        kept: list[Member] = []
        for member in listed.members:
            sure = and_([member.sure, self.value(node.condition, {**slots, node.slot: member.value})])
            if isinstance(sure, Fault):
                return sure
            if sure is not False:
                kept.append(Member(member.value, sure if isinstance(sure, Unknown) else True))
        return ListValue(tuple(kept))

    def _map(self, node: core.Map, slots: Slots) -> Value:
        listed = self.value(node.list, slots)
        if not isinstance(listed, ListValue):
            return Unknown(listed.missing) if isinstance(listed, Unknown) and node.flatten else listed
        items: list[Member] = []
        open_: list[Value] = []  # inner lists that are not there, each followed by whether its member is sure
        for member in listed.members:
            value = self.value(node.item, {**slots, node.slot: member.value})
            if not node.flatten:
                items.append(Member(value, member.sure))
            elif isinstance(value, ListValue):
                for inner in value.members:
                    sure = and_([member.sure, inner.sure])
                    items.append(Member(inner.value, sure if isinstance(sure, Unknown) else True))
            else:
                open_ += [value, member.sure]
        sure_fault = next((v for v, sure in zip(open_[::2], open_[1::2], strict=True) if isinstance(v, Fault) and sure is True), None)
        if sure_fault is not None:
            return sure_fault
        return unknown(open_) if open_ else ListValue(tuple(items))

    def _share(self, node: core.Share, slots: Slots) -> Value:
        """This record's part; the whole allocation is worked out once for each owner."""
        this = slots[0]
        assert isinstance(this, Record)
        owner = this.ancestor(node.owner)
        cached = (id(node), owner)
        if cached not in self.shares:
            self.shares[cached] = self._allocation(node, owner)
        allocation = self.shares[cached]
        if not isinstance(allocation, dict):
            return allocation
        if this not in allocation and any(isinstance(part, Unknown) and part.may_fault for part in allocation.values()):
            return unknown(allocation.values(), Fraction(0), Fraction(0))  # nothing, unless the whole cannot be shared out
        return allocation.get(this, Fraction(0))

    def _allocation(self, node: core.Share, owner: Record) -> dict[Record, Value] | Value:
        total = self.value(node.total, {0: owner})
        among = self.value(node.among, {0: owner})
        if isinstance(total, Fault) or isinstance(among, Fault):
            return total if isinstance(total, Fault) else among
        if not isinstance(among, ListValue):
            return unapportioned(total, among)
        weights: dict[Record, Value] = {}
        keys: dict[Record, Value] = {}
        for member in among.members:
            assert isinstance(member.value, Record)
            slots = {0: owner, node.slot: member.value}
            weights[member.value] = self.value(node.weight, slots)
            keys[member.value] = self.value(node.ties, slots)
        unsure = [m.sure for m in among.members if isinstance(m.sure, Unknown)]
        return apportioned(total, unsure, weights, keys, self.settings.money_rounding, node.span)


def one_of(tests: list[Value], possible: list[Value]) -> Value:
    """One of several values, which one depends on tests that are unknown."""
    found = either(possible)
    if is_known(found) and not any(isinstance(t, Unknown) and t.may_fault for t in tests):
        return found
    return unknown([*tests, *possible], *bounds(found))


def in_bands(amount: Value, steps: list[tuple[Value | None, Value]], node: core.Brackets) -> Value:
    """The band that an amount falls in, or each part of it at the rate of its band, from the ends and values of the bands."""
    parts = [v for step in steps for v in step if v is not None]
    if not all(is_known(v) for v in parts):
        return next((v for v in parts if isinstance(v, Fault)), unknown([amount, *parts]))
    if isinstance(amount, Fraction):
        return _in_brackets(amount, steps, node.progressive)
    assert isinstance(amount, Unknown)
    low, high = amount.low, amount.high
    if node.progressive:
        rising = all(isinstance(rate, Fraction) and rate >= 0 for _, rate in steps)
        ends = [_in_brackets(e, steps, True) if isinstance(e, Fraction) and rising else None for e in (low, high)]
        return unknown([amount], *ends)  # type: ignore[arg-type]
    reach = [
        value
        for (to, value), (below, _) in zip(steps, [(None, None), *steps], strict=False)
        if (high is None or below is None or high > below) and (low is None or to is None or low <= to)  # type: ignore[operator]
    ]
    return one_of([amount], reach)


def _shrunk(listed: Value) -> Value:
    """An unknown list, after some of its members may have been left out: it may be empty."""
    if isinstance(listed, Unknown):
        return Unknown(listed.missing, Fraction(0), listed.high)
    return listed


def _in_brackets(amount: Fraction, steps: list[tuple[Value | None, Value]], progressive: bool) -> Value:
    """Progressive: each part at the rate of its band. Otherwise: the value of the band that the amount falls in, `to` included."""
    below = Fraction(0)
    total = Fraction(0)
    for to, value in steps:
        if not progressive:
            if to is None or amount <= to:  # type: ignore[operator]
                return value
            continue
        upper = amount if to is None else min(amount, to)  # type: ignore[type-var]
        assert isinstance(upper, Fraction)
        assert isinstance(value, Fraction)
        total += (upper - below) * value
        if to is None or amount <= to:  # type: ignore[operator]
            return total
        assert isinstance(to, Fraction)
        below = to
    raise AssertionError("the last step has no end")
