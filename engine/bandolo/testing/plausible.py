"""Values for a fact, as plain data: on and next to what the policy compares it with, at its bounds, as it is in the bases, or any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cached_property
from random import Random
from typing import Any

from bandolo.check import core
from bandolo.evaluate.settle import Settled
from bandolo.evaluate.typed import BadValue, read_value
from bandolo.evaluate.wire import plain
from bandolo.language import calendar
from bandolo.language.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    INTEGER,
    MONEY,
    PERCENT,
    TEXT,
    ChoiceType,
    DurationType,
    ListType,
    OptionalType,
    RecordType,
    Type,
)
from bandolo.language.values import Duration, Value, is_known
from bandolo.testing.compared import Compared, Place, bare, compared

EXTREME_MONEY = tuple(Fraction(n) for n in ("0", "0.01", "0.05", "1", "999999.99", "1000000000"))
EXTREME_DAYS = (date(1970, 1, 1), date(2023, 1, 31), date(2024, 2, 29), date(2099, 12, 31))
GRAIN = {"integer": 1, "number": 100, "money": 100, "percent": 10_000}
MOST = {"money": 200_000, "percent": 1}

Records = Sequence[tuple[core.Entity, dict[str, Any]]]


@dataclass
class Values:
    """Makes values for the facts of one policy; `seen` are those that a fact has in the bases."""

    policy: core.Policy
    settled: Settled
    seen: dict[Place, list[Any]] = field(default_factory=dict)

    @cached_property
    def compared(self) -> Compared:
        return compared(self.policy, self.settled.settings)

    def said(self, value: Value, type_: Type) -> Any:
        """A value as plain data; an instant by the clock of the policy's zone, where that is not ambiguous."""
        if isinstance(value, datetime):
            zone = self.policy.conventions.time_zone
            local = calendar.wall_time(value, zone)
            bare_clock = local.replace(tzinfo=None)
            same = calendar.instant(bare_clock, zone) == value
            return bare_clock.isoformat(" ") if same else local.isoformat(" ")
        return plain(value, type_)

    def value(self, entity: core.Entity, fact: core.FactDeclaration, rng: Random, current: Any, records: Records = ()) -> Any:
        """A value for a fact as plain data, in its bounds where that is easily done; validity is seen to at the end."""
        type_ = bare(fact.type)
        if isinstance(fact.type, OptionalType) and rng.random() < 0.15:
            return None
        if isinstance(type_, RecordType):
            key = self.policy.entities[type_.entity].key
            known = [r[key.name] for e, r in records if key is not None and e.name == type_.entity and key.name in r]
            return rng.choice(known) if known else current
        if isinstance(type_, ListType):
            pool = self._listable(type_.item, (entity.name, fact.name), rng)
            most = min(len(pool), fact.at_most if fact.at_most is not None else len(pool))
            return rng.sample(pool, rng.randint(0, most))
        place = entity.name, fact.name
        others = [
            r[name]
            for other in self.compared.facts.get(place, ())
            for e, r in records
            if e.name == other[0] and (name := other[1]) in r and not isinstance(r[name], dict | list) and r[name] is not None
        ]
        how = rng.random()
        if others and how < 0.3:
            return self.near(rng.choice(others), type_, place, rng)
        if how < 0.45 and self.seen.get(place):
            return rng.choice(self.seen[place])
        if how < 0.55 and current is not None:
            return self.near(current, type_, place, rng)
        constants = [c for c in self.compared.constants.get(place, ()) if not isinstance(c, bool)]
        bounds = [b for b in self.settled.ranges[place] if b is not None and is_known(b)]
        if constants and how < 0.9:
            return self.near(self.said(rng.choice(constants), type_), type_, place, rng)
        return self.near(self.said(rng.choice(bounds), type_), type_, place, rng) if bounds and how < 0.95 else self.some(type_, place, rng)

    def _listable(self, item: Type, place: Place, rng: Random) -> list[Any]:
        if isinstance(item, ChoiceType):
            return list(item.options)
        if item == BOOLEAN:
            return [True, False]
        constants = [self.said(c, item) for c in self.compared.constants.get(place, ())]
        return constants + [self.some(item, place, rng) for _ in range(4)]

    def near(self, raw: Any, type_: Type, place: Place, rng: Random) -> Any:
        """A value or one next to it, inside the declared bounds."""
        try:
            value = read_value(raw, type_, self.policy.conventions)
        except BadValue:
            return self.some(type_, place, rng)
        step = rng.choice([-1, 0, 0, 1])
        try:
            moved = _moved(value, type_, step, rng)
        except OverflowError:
            moved = value
        low, high = self.settled.ranges[place]
        for bound, sign in ((low, -1), (high, 1)):
            if bound is not None and is_known(bound) and type(bound) is type(moved) and (moved > bound) == (sign > 0) and moved != bound:  # type: ignore[operator]
                moved = bound
        return self.said(moved, type_)

    def some(self, type_: Type, place: Place, rng: Random) -> Any:
        """Some value of a type, in the bounds where they are known."""
        low, high = (b if b is not None and is_known(b) else None for b in self.settled.ranges.get(place, (None, None)))
        match type_:
            case ChoiceType(options=options):
                return rng.choice(options)
            case DurationType(unit=unit):
                return self.said(Duration(rng.randint(0, 24), 0) if unit == "months" else Duration(0, rng.randint(0, 400)), type_)
        if type_ == BOOLEAN:
            return rng.random() < 0.5
        if type_ == TEXT:
            return rng.choice(self.seen.get(place) or [f"T{n}" for n in range(5)])
        if type_ in (DATE, DATETIME):
            return self.said(self._day(type_, low, high, rng), type_)
        least = low if isinstance(low, Fraction) else Fraction(0)
        most = high if isinstance(high, Fraction) else max(least, Fraction(0)) + MOST.get(str(type_), 100)
        if type_ == MONEY and rng.random() < 0.2:
            fitting = [m for m in EXTREME_MONEY if low is None or m >= least if high is None or m <= most]
            if fitting:
                return self.said(rng.choice(fitting), type_)
        grain = GRAIN[str(type_)]
        return self.said(Fraction(rng.randint(int(least * grain), max(int(least * grain), int(most * grain))), grain), type_)

    def _day(self, type_: Type, low: Value | None, high: Value | None, rng: Random) -> date:
        near = [v for values in self.compared.constants.values() for v in values if isinstance(v, date) and not isinstance(v, datetime)]
        day = rng.choice(near) + timedelta(days=rng.randint(-60, 60)) if near and rng.random() < 0.6 else rng.choice(EXTREME_DAYS)
        if type_ == DATE:
            if isinstance(low, date) and day < low:
                return low
            return high if isinstance(high, date) and day > high else day
        moment = datetime(day.year, day.month, day.day, rng.randint(0, 23), rng.choice([0, 59]), rng.choice([0, 59]), tzinfo=UTC)
        if isinstance(low, datetime) and moment < low:
            return low
        return high if isinstance(high, datetime) and moment > high else moment


def _moved(value: Value, type_: Type, step: int, rng: Random) -> Value:
    """A value one step of its type up or down."""
    match value:
        case datetime():
            return value + step * rng.choice([timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)])
        case date():
            return value + timedelta(days=step)
        case Duration(months=months, days=days):
            return Duration(max(0, months + step), 0) if months else Duration(0, max(0, days + step))
        case Fraction():
            if type_ == MONEY:
                return value + step * rng.choice([Fraction(1, 100), Fraction(1, 100), Fraction(1)])
            if type_ == PERCENT:
                return value + step * Fraction(1, 100)
            return value + step * (Fraction(1) if type_ == INTEGER else rng.choice([Fraction(1), Fraction(1, 100)]))
    return value
