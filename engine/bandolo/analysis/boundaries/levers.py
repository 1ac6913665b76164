"""What can be turned to move a value: one fact of one record, a yes or no of several, or the number of records, in whole steps."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from bandolo.analysis.boundaries.dependencies import FactName
from bandolo.check import core
from bandolo.evaluate.data import Plain
from bandolo.evaluate.inputs import Application
from bandolo.evaluate.settle import Settled
from bandolo.evaluate.wire import exact_text
from bandolo.language import calendar
from bandolo.language.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    INTEGER,
    MONEY,
    NUMBER,
    PERCENT,
    TEXT,
    ChoiceType,
    ListType,
    OptionalType,
    RecordType,
    Type,
)  # fmt: skip
from bandolo.language.values import NONE, Duration, ListValue, Member, Record, Unknown, Value, is_known

STEPS: dict[Type, Fraction] = {INTEGER: Fraction(1), NUMBER: Fraction(1, 100), PERCENT: Fraction(1, 10_000), MONEY: Fraction(1, 100)}
"""The step of a fact: a cent, a hundredth of a point or of a percent, one; of dates a day, of instants a second."""
FAR = 10**13
RECORDS = 3
"""Of how many records of a kind a fact is tried."""

Changes = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Lever:
    """One way to change an application by `k` steps, `low` to `high`: `at(k)` are the changes, as a case writes them."""

    fact: FactName
    record: str
    low: int
    high: int
    at: Callable[[int], Changes]
    is_number: bool = False


class Levers:
    """The levers of one application."""

    def __init__(self, policy: core.Policy, settled: Settled, data: Any, application: Application) -> None:
        self.policy, self.settled, self.data, self.application = policy, settled, data, application

    def of(self, fact: FactName, here: tuple[str, ...], anchors: list[Value]) -> Iterator[Lever]:
        """The levers on a fact; `here` are the paths of the records spoken of, `anchors` what to put in where there is no value."""
        entity, name, _ = fact
        declared = self.policy.entities[entity].facts[name]
        type_ = declared.type.of if isinstance(declared.type, OptionalType) else declared.type
        if declared.key:
            return
        records = self.related(entity, here)
        if isinstance(type_, ListType):
            for record in records[:1]:
                if isinstance(type_.item, RecordType):
                    yield from self.counts(fact, record, self.policy.entities[type_.item.entity], declared)
                elif isinstance(type_.item, ChoiceType):
                    yield from self.words(fact, record, type_.item)
            return
        if type_ == BOOLEAN:
            yield from self.flips(fact, records, (True, False))
        elif isinstance(type_, ChoiceType):
            yield from self.flips(fact, records, type_.options)
        elif type_ in STEPS:
            for record in spread(records):
                yield from self.number(fact, record, type_)
            yield from self.all_alike(fact, records, type_)
        elif type_ in (DATE, DATETIME):
            for record in spread(records):
                yield from self.time(fact, record, type_, anchors)

    def related(self, entity: str, here: tuple[str, ...]) -> list[Record]:
        """The records of a kind that belong to those spoken of: themselves and their owners first, else what lies below them."""
        records = self.application.records[entity]
        spoken = [r for listed in self.application.records.values() for r in listed if r.path in here]
        above = {id(owner) for r in spoken for owner in owners(r)}
        own = [r for r in records if id(r) in above]
        return own or [r for r in records if any(s in owners(r) for s in spoken)] or records

    def number(self, fact: FactName, record: Record, type_: Type) -> Iterator[Lever]:
        entity, name, stage = fact
        value, step = record.facts[name, stage], STEPS[type_]
        low, high = self.settled.ranges[entity, name]
        floor = Fraction(low) if isinstance(low, Fraction) else None
        ceiling = Fraction(high) if isinstance(high, Fraction) else None
        start = value if isinstance(value, Fraction) else floor or Fraction(0)

        def at(k: int) -> Changes:
            return {} if not k and value == start else self.put(fact, record, start + k * step)

        least = -FAR if floor is None else -int((start - floor) / step)
        yield Lever(fact, record.path, least, FAR if ceiling is None else int((ceiling - start) / step), at, True)

    def all_alike(self, fact: FactName, records: list[Record], type_: Type) -> Iterator[Lever]:
        """A number that all records of a list get alike, where one alone cannot move a sum far enough."""
        entity, name, stage = fact
        declared = self.policy.entities[entity]
        values = [v for r in records if isinstance(v := r.facts[name, stage], Fraction)]
        if len(records) < RECORDS or len(values) < len(records) or declared.owner != self.policy.root or stage is not None:
            return
        step = STEPS[type_]
        low, high = self.settled.ranges[entity, name]
        start = max(values)
        floor = Fraction(low) if isinstance(low, Fraction) else None
        ceiling = Fraction(high) if isinstance(high, Fraction) else None

        def at(k: int) -> Changes:
            return {declared.listed_in or "": {"each": {name: spelt(start + k * step, type_, self.policy)}}} if k else {}

        least = -FAR if floor is None else -int((start - floor) / step)
        yield Lever(fact, "", least, FAR if ceiling is None else int((ceiling - start) / step), at, True)

    def time(self, fact: FactName, record: Record, type_: Type, anchors: list[Value]) -> Iterator[Lever]:
        value = record.facts[fact[1], fact[2]]
        start = next((v for v in (value, *anchors) if type(v) is (datetime if type_ == DATETIME else date)), None)
        if not isinstance(start, date):
            return
        step = timedelta(seconds=1) if type_ == DATETIME else timedelta(days=1)

        def at(k: int) -> Changes:
            return {} if not k and value == start else self.put(fact, record, start + k * step)

        far = 36_500 * (86_400 if type_ == DATETIME else 1)
        yield Lever(fact, record.path, -far, far, at)

    def flips(self, fact: FactName, records: list[Record], options: tuple[bool | str, ...]) -> Iterator[Lever]:
        """So many of the records get another word, from the first on; from the last on, too, where there are several."""
        for option in options:
            others = [r for r in records if r.facts[fact[1], fact[2]] != option]
            for listed in [others, others[::-1]] if len(others) > 1 else [others] if others else []:

                def at(k: int, listed: list[Record] = listed, option: bool | str = option) -> Changes:
                    return {path: value for r in listed[:k] for path, value in self.put(fact, r, option).items()}

                yield Lever(fact, listed[0].path if len(listed) == 1 else "", 0, len(listed), at)

    def counts(self, fact: FactName, owner: Record, entity: core.Entity, declared: core.FactDeclaration) -> Iterator[Lever]:
        """Records dropped from the end, or more like the first; and the same with the ends exchanged."""
        raw = raw_of(self.policy, self.data, owner)
        listed = raw.get(fact[1]) if isinstance(raw, dict) else None
        if not isinstance(listed, list) or not listed:
            return
        path = self.path(owner, fact[1])
        most = (declared.at_most if declared.at_most is not None else 500) - len(listed)
        keys = [_key(entity, item, i) for i, item in enumerate(listed)]
        for ends in (keys[::-1], keys):
            pattern = listed[0] if ends is not keys else listed[-1]

            def at(k: int, ends: list[str] = ends, pattern: Any = pattern) -> Changes:
                if k < 0:
                    return {path: {"drop": ends[:-k]}}
                return {path: {"add": [_like(entity, pattern, keys, i) for i in range(1, k + 1)]}} if k else {}

            if entity.key is None and ends is keys:
                return  # a record without a key goes by its position, which moves
            yield Lever(fact, owner.path if owner.owner is not None else "", -len(listed), max(most, 0), at)

    def words(self, fact: FactName, record: Record, type_: ChoiceType) -> Iterator[Lever]:
        """Words of a list left out from the end, or more of those that may be chosen."""
        value = record.facts[fact[1], fact[2]]
        if not isinstance(value, ListValue):
            return
        held = [m.value for m in value.members]
        others = [o for o in type_.options if o not in held]

        def at(k: int) -> Changes:
            chosen = held[: len(held) + k] if k < 0 else [*held, *others[:k]]
            return self.put(fact, record, ListValue(tuple(Member(v) for v in chosen))) if k else {}

        yield Lever(fact, record.path, -len(held), len(others), at)

    # Changes as cases write them.

    def path(self, record: Record, name: str) -> str:
        return name if record.owner is None else f"{record.path}.{name}"

    def put(self, fact: FactName, record: Record, value: Value) -> Changes:
        _, name, stage = fact
        declared = self.policy.entities[record.entity].facts[name]
        type_ = declared.type.of if isinstance(declared.type, OptionalType) else declared.type
        if stage is None:
            return {self.path(record, name): spelt(value, type_, self.policy)}
        held = {s: record.facts[name, s] for s in declared.asked} | {stage: value}
        return {self.path(record, name): {s: spelt(v, type_, self.policy) for s, v in held.items() if not isinstance(v, Unknown)}}


def spread(records: list[Record]) -> list[Record]:
    """The first, the last and one between: in one of them the fact may have no part in the value."""
    if len(records) <= RECORDS:
        return records
    return [records[0], records[-1], records[len(records) // 2]]


def owners(record: Record) -> Iterator[Record]:
    """A record and its owners."""
    current: Record | None = record
    while current is not None:
        yield current
        current = current.owner


def spelt(value: Value, type_: Type, policy: core.Policy) -> Any:
    """A value as a case file writes it."""
    match value:
        case bool():
            return Plain("true" if value else "false")
        case Fraction() if type_ == MONEY:
            return Plain(f"{exact_text(value)} {policy.conventions.currency}")
        case Fraction() if type_ == PERCENT:
            return Plain(exact_text(value * 100) + "%")
        case Fraction():
            return Plain(exact_text(value))
        case datetime():
            return Plain(calendar.wall_time(value, policy.conventions.time_zone).strftime("%Y-%m-%d %H:%M:%S"))
        case date():
            return Plain(value.isoformat())
        case str():
            return value if type_ == TEXT else Plain(value)
        case ListValue(members=members):
            inner = type_.item if isinstance(type_, ListType) else type_
            return [spelt(m.value, inner, policy) for m in members]
        case Record():
            return value.key
    return Plain("none") if value is NONE else str(value)


def raw_of(policy: core.Policy, data: Any, record: Record) -> Any:
    """The data of a record."""
    if record.owner is None:
        return data
    above = raw_of(policy, data, record.owner)
    entity = policy.entities[record.entity]
    listed = above.get(entity.listed_in) if isinstance(above, dict) else None
    for i, item in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(item, dict) and (record.key == _key(entity, item, i) or record.path.endswith(f"[{i}]")):
            return item
    return None


def _key(entity: core.Entity, item: Any, position: int) -> str:
    held = item.get(entity.key.name) if entity.key is not None and isinstance(item, dict) else None
    return str(position) if held is None else str(held)


def _like(entity: core.Entity, pattern: Any, keys: list[str], number: int) -> Any:
    """One more record like another, under a key that none has."""
    made = copy.deepcopy(pattern)
    if entity.key is None or not isinstance(made, dict):
        return made
    key = str(made.get(entity.key.name, ""))
    if entity.key.type == INTEGER:
        made[entity.key.name] = Plain(str(max([int(k) for k in keys if k.isdigit()], default=0) + number))
        return made
    stem, digits = re.fullmatch(r"(.*?)(\d*)", key, re.DOTALL).groups()  # type: ignore[union-attr]
    taken = set(keys)
    count, free = int(digits or 0), ""
    for _ in range(number):
        count += 1
        while (free := f"{stem}{count:0{len(digits)}d}") in taken:
            count += 1
    made[entity.key.name] = free
    return made


def distance(left: Value, right: Value) -> Fraction | None:
    """How far the first lies above the second: in their unit, of instants in seconds, of dates in days; None where that is not known."""
    if isinstance(left, bool) or isinstance(right, bool) or not is_known(left) or not is_known(right):
        return None
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return left - right
    if isinstance(left, datetime) and isinstance(right, datetime):
        gap = left - right
        return Fraction(gap.days * 86_400 + gap.seconds) + Fraction(gap.microseconds, 1_000_000)
    if type(left) is date and type(right) is date:
        return Fraction((left - right).days)
    if isinstance(left, Duration) and isinstance(right, Duration):
        return Fraction(left.days - right.days) + 31 * Fraction(left.months - right.months)
    return None
