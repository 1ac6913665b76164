"""Applications to any policy, seeded and fast: values near what the policy compares, extremes of money and dates, facts missing, bad data.

`Maker(policy.core, seed).application(n)` is always the same. Values are plain data as a portal would send them: text, whole numbers,
decimals (`Decimal`, a number in JSON), booleans, null.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

from bandolo.check import core
from bandolo.evaluate.settle import Settled
from bandolo.evaluate.wire import decimal_of, plain
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
    DurationType,
    ListType,
    RecordType,
    Type,
)
from bandolo.language.values import is_known
from bandolo.testing.constants import bare, expressions

Data = dict[str, Any]

MONEYS = tuple(Fraction(n) for n in ("0", "0.01", "-0.01", "0.05", "1", "10.01", "99.99", "999999.99", "30000", "1234.56"))
FAR_MONEYS = tuple(Fraction(n) for n in ("90071992547409.93", "92233720368547758.07", "92233720368547758.08", "-92233720368547758.08",
                                         "999999999999999.99", "1" + "0" * 30, "-1" + "0" * 36))  # fmt: skip
NUMBERS = {
    "integer": tuple(Fraction(n) for n in (0, 1, 2, 3, -1, 7, 12, 100)),
    "number": tuple(Fraction(n) for n in ("0", "0.5", "1", "2.5", "-0.5", "0.000001", "33.333", "100")),
    "percent": tuple(Fraction(n) for n in ("0", "0.5", "1", "0.15", "0.3333", "0.7", "-0.1")),
}
FAR_NUMBERS = {
    "integer": tuple(Fraction(n) for n in (2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 10**18, 10**30)),
    "number": tuple(Fraction(n) for n in ("9007199254740993", "0.000000001", "-9223372036854.775807", "3000000.000001", "1" + "0" * 25)),
    "percent": tuple(Fraction(n) for n in ("92233720368547758.08", "0.00000001", "-1000000")),
}
DAYS_NEAR = tuple(
    date.fromisoformat(d) for d in ("2023-01-31", "2023-02-28", "2024-02-29", "2023-03-26", "2023-10-29", "2023-12-31", "2023-06-15")
)
DAYS_FAR = tuple(
    date.fromisoformat(d) for d in ("0001-01-01", "9999-12-31", "1900-02-28", "2100-02-28", "1582-10-10", "1969-12-31", "2400-02-29")
)
INSTANTS = (
    "2023-03-26 01:59:59", "2023-03-26 02:30", "2023-03-26T03:00", "2023-10-29 02:30", "2023-10-29T01:30:00Z", "2023-10-29T02:30+01:00",
    "2023-12-31 23:59:59", "2024-02-29T23:30:00-03:30", "2023-04-02 01:45", "2023-06-15T12:00:00Z",
)  # fmt: skip
INSTANTS_FAR = ("0001-01-02 00:00", "9999-12-30 23:59:59", "1700-06-01 12:00", "1890-01-01 00:00", "2011-12-30 12:00", "2150-07-01 00:00")
TEXTS = ("", "a", "A1", "01", "è così", "x y", "O'Brien", 'a "b" c', "0123456789" * 5, "𝄞", "a\\b", "%s {0}", "B1", "null", "true")
BAD: tuple[Any, ...] = (
    1.5,
    "31/12/2022",
    "1.000,00",
    [],
    {},
    "x" * 30,
    True,
    -1,
    "1e5",
    "2023-02-30",
    "2023-06-15T12:00:00.5Z",
    "NaN",
    "\u200b",
    10**60,
)


@dataclass
class Maker:
    """Makes the applications of one policy; `missing`, `bad` and `far` are the shares of those with such facts, `far` being extremes."""

    policy: core.Policy
    settled: Settled
    seed: object
    missing: float = 0.3
    bad: float = 0.05
    far: float = 0.08
    near: dict[Type, list[Any]] = field(default_factory=dict)
    pools: dict[tuple[str, str], tuple[list[Any], list[Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        constants: dict[Type, set[Any]] = {}
        for tree in expressions(self.policy):
            for node in core.walk(tree):
                if isinstance(node, core.Constant) and is_known(node.value) and not isinstance(node.value, bool):
                    constants.setdefault(bare(node.type), set()).add(node.value)
        self.near = {t: sorted(v, key=str) for t, v in constants.items()}
        rng = Random(f"{self.seed}/pools")
        for entity in self.policy.entities.values():
            for fact in entity.facts.values():
                type_ = bare(fact.type)
                if not isinstance(type_, RecordType | ListType):
                    self.pools[entity.name, fact.name] = self._pools(entity.name, fact, type_, rng)
                elif isinstance(type_, ListType) and not isinstance(type_.item, RecordType):
                    self.pools[entity.name, fact.name] = self._pools(entity.name, fact, type_.item, rng)

    def application(self, number: int) -> Data:
        """The application of a number: with nothing missing, with a few facts missing, or with something that is bad data."""
        rng = Random(f"{self.seed}/{number}")
        how = rng.random()
        reach = "far" if rng.random() < self.far else "near"
        keys: dict[str, list[str]] = {}
        made = self._record(self.policy.entities[self.policy.root], rng, reach, keys, f"P{number}")
        self._refer(made, self.policy.entities[self.policy.root], rng, keys)
        if how < self.missing:
            self._forget(made, rng)
        elif how < self.missing + self.bad:
            self._spoil(made, rng)
        return made

    # Values.

    def _pools(self, entity: str, fact: core.FactDeclaration, type_: Type, rng: Random) -> tuple[list[Any], list[Any]]:
        """Plain values of a fact that its bounds allow: those near what rules compare, and far ones."""
        low, high = self.settled.ranges.get((entity, fact.name), (None, None))
        low, high = (b if b is not None and is_known(b) else None for b in (low, high))

        def fits(value: Any) -> bool:
            return not ((low is not None and value < low) or (high is not None and value > high))

        if type_ == BOOLEAN:
            return [True, False], [True, False]
        if type_ == TEXT:
            return [*TEXTS, *(str(t) for t in self.near.get(TEXT, ()))], list(TEXTS)
        if isinstance(type_, ChoiceType):
            return list(type_.options), list(type_.options)
        if isinstance(type_, DurationType):
            lengths = (
                ["0 days", "1 day", "30 days", "2 weeks", "45 days"]
                if type_.unit == "days"
                else ["1 month", "6 months", "1 year", "25 months"]
            )
            return lengths, ["100000 days", "4000000 days"] if type_.unit == "days" else ["120000 months"]
        if type_ == DATETIME:
            return self._instants(fits)
        if type_ == DATE:
            near = [d + timedelta(days=n) for d in (*DAYS_NEAR, *self.near.get(DATE, ())) for n in (-1, 0, 1) if _movable(d)]
            days, far = ({v for v in many if fits(v)} for many in (near, DAYS_FAR))
            bounds = [b for b in (low, high) if isinstance(b, date)]
            return [d.isoformat() for d in sorted(days) or bounds or DAYS_NEAR], [d.isoformat() for d in sorted(far) or bounds or DAYS_NEAR]
        cent = Fraction(1, 100)
        step = {INTEGER: Fraction(1), MONEY: cent, PERCENT: cent, NUMBER: Fraction(1, 1000)}[type_]
        some = MONEYS if type_ == MONEY else NUMBERS[str(type_)]
        seen = [v for t in ((MONEY,) if type_ == MONEY else (INTEGER, NUMBER, PERCENT)) for v in self.near.get(t, ())]
        seen = [v for v in seen if (v / step).denominator == 1 and abs(v) < 10**12]
        near_ = {v for s in (*some, *seen) for v in (s, s + step, s - step) if fits(v)}
        bounds_ = [b for b in (low, high) if isinstance(b, Fraction)]
        far_ = {v for v in (FAR_MONEYS if type_ == MONEY else FAR_NUMBERS[str(type_)]) if fits(v)}
        close = sorted(near_) or bounds_ or [Fraction(0)]
        chosen = sorted(rng.sample(close, min(len(close), 24))) + bounds_
        return [self._said(v, type_, rng) for v in chosen], [self._said(v, type_, rng) for v in sorted(far_) or bounds_ or close]

    def _instants(self, fits: Any) -> tuple[list[Any], list[Any]]:
        zone = self.policy.conventions.time_zone
        near: list[Any] = []
        for text in INSTANTS:
            moment = datetime.fromisoformat(text)
            if fits(calendar.instant(moment, zone)):
                near.append(text)
        for value in self.near.get(DATETIME, ()):
            for moved in (value, value + timedelta(seconds=1), value - timedelta(microseconds=1)):
                if fits(moved):
                    near.append(moved.astimezone(UTC).isoformat())
        far: list[Any] = []
        for text in INSTANTS_FAR:
            if fits(calendar.instant(datetime.fromisoformat(text), zone)):
                far.append(text)
        within = near or far or ["2023-06-01T00:00:00Z"]
        return within, far or within

    @staticmethod
    def _said(value: Fraction, type_: Type, rng: Random) -> Any:
        """A number in one of the spellings that are allowed."""
        if type_ == PERCENT:
            return plain(value, PERCENT)
        if type_ == INTEGER:
            return int(value) if rng.random() < 0.7 else str(int(value))
        exact = decimal_of(value)
        how = rng.random()
        if type_ == MONEY:
            text = f"{exact:.2f}"
            return (
                text
                if how < 0.5
                else Decimal(text)
                if how < 0.7
                else f"{text} EUR"
                if how < 0.8
                else int(value)
                if value.denominator == 1
                else text
            )
        return f"{exact:f}" if how < 0.6 else Decimal(f"{exact:f}")

    # Records.

    def _record(self, entity: core.Entity, rng: Random, reach: str, keys: dict[str, list[str]], called: str) -> Data:
        made: Data = {}
        for fact in entity.facts.values():
            type_ = bare(fact.type)
            if fact.key:
                made[fact.name] = called
                keys.setdefault(entity.name, []).append(called)
            elif isinstance(type_, ListType):
                made[fact.name] = self._list(entity, fact, type_, rng, reach, keys, called)
            elif not isinstance(type_, RecordType):
                if fact.asked:
                    made[fact.name] = {stage: self._value(entity, fact, rng, reach) for stage in fact.asked}
                else:
                    made[fact.name] = self._value(entity, fact, rng, reach)
        return made

    def _value(self, entity: core.Entity, fact: core.FactDeclaration, rng: Random, reach: str) -> Any:
        if fact.optional and rng.random() < 0.25:
            return None
        near, far = self.pools[entity.name, fact.name]
        return rng.choice(far if reach == "far" and rng.random() < 0.3 else near)

    def _list(
        self,
        entity: core.Entity,
        fact: core.FactDeclaration,
        type_: ListType,
        rng: Random,
        reach: str,
        keys: dict[str, list[str]],
        called: str,
    ) -> list[Any]:
        most = fact.at_most if fact.at_most is not None else 6
        length = min(most, rng.choice([0, 1, 2, 2, 3, 3, 4, 5]))
        if isinstance(type_.item, RecordType):
            inner = self.policy.entities[type_.item.entity]
            letter = inner.name[0].upper()
            begin = "" if entity.name == self.policy.root else f"{called[:12]}"
            made = [
                self._record(inner, rng, reach, keys, f"{letter}{begin}{i}")
                for i in range(length if entity.name == self.policy.root else min(length, 3))
            ]
            rng.shuffle(made)
            return made
        near, far = self.pools[entity.name, fact.name]
        return [rng.choice(far if reach == "far" and rng.random() < 0.3 else near) for _ in range(length)]

    def _refer(self, made: Data, entity: core.Entity, rng: Random, keys: dict[str, list[str]]) -> None:
        for kind, record in self.records(made, entity):
            for fact in kind.facts.values():
                type_ = bare(fact.type)
                if isinstance(type_, RecordType):
                    known = keys.get(type_.entity, [])
                    if known and not (fact.optional and rng.random() < 0.2):
                        record[fact.name] = rng.choice(known)
                    elif fact.optional:
                        record[fact.name] = None

    def records(self, data: Data, entity: core.Entity) -> Iterator[tuple[core.Entity, Data]]:
        """All records of an application with their entities, the root first."""
        yield entity, data
        for fact in entity.facts.values():
            if isinstance(fact.type, ListType) and isinstance(fact.type.item, RecordType):
                for one in data.get(fact.name) or ():
                    if isinstance(one, dict):
                        yield from self.records(one, self.policy.entities[fact.type.item.entity])

    # What is not there, and what should not be.

    def _forget(self, made: Data, rng: Random) -> None:
        for _ in range(rng.choice([1, 1, 2, 4])):
            entity, record = rng.choice(list(self.records(made, self.policy.entities[self.policy.root])))
            names = [n for n in record if not entity.facts[n].key or rng.random() < 0.1]
            if not names:
                continue
            name = rng.choice(names)
            moments = record[name]
            if entity.facts[name].asked and isinstance(moments, dict) and moments and rng.random() < 0.7:
                moments.pop(rng.choice(sorted(moments)))
            elif not entity.facts[name].optional and rng.random() < 0.4:
                record[name] = None
            else:
                del record[name]

    def _spoil(self, made: Data, rng: Random) -> None:
        entity, record = rng.choice(list(self.records(made, self.policy.entities[self.policy.root])))
        how = rng.random()
        if how < 0.1:
            record["no_such_fact"] = "1"
            return
        if not entity.facts:
            return
        name = rng.choice(sorted(entity.facts))
        listed = record.get(name)
        if isinstance(listed, list) and listed and how < 0.6:
            listed.append(dict(listed[0]) if isinstance(listed[0], dict) else listed[0])
            if how < 0.3:
                listed.extend(listed * 4)
            return
        record[name] = rng.choice(BAD)


def _movable(day: date) -> bool:
    return not isinstance(day, datetime) and date.min < day < date.max


def json_text(data: Any) -> str:
    """Plain data as JSON, with decimals as numbers digit by digit."""
    import json

    match data:
        case dict():
            return "{" + ", ".join(f"{json.dumps(k, ensure_ascii=False)}: {json_text(v)}" for k, v in data.items()) + "}"
        case list():
            return "[" + ", ".join(json_text(v) for v in data) + "]"
        case Decimal():
            return f"{data:f}"
        case _:
            return json.dumps(data, ensure_ascii=False)


def from_json(text: str) -> Any:
    """The same data again."""
    import json

    return json.loads(text, parse_float=Decimal)
