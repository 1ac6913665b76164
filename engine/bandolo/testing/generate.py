"""Applications made up for any policy: seeded, valid, and close to where its rules change their minds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

from bandolo.check import core
from bandolo.diagnostics import ApplicationError
from bandolo.evaluate.data import Plain
from bandolo.evaluate.inputs import read_application
from bandolo.evaluate.settle import AS_OF_UNKNOWN, Changes, Settled, settle
from bandolo.evaluate.typed import BadValue, read_value
from bandolo.language.types import TEXT, ListType, RecordType, Type
from bandolo.policy import Policy, load_policy
from bandolo.testing.cases import BadPath, changed, read_cases
from bandolo.testing.constants import Place, bare
from bandolo.testing.plausible import Values
from bandolo.testing.rankings import applications

TRIES = 20
"""How often an application that turned out invalid is made anew before an unchanged one is given."""
CLIMB = 120
"""How many changes are tried to make a first application, where no bases are given, that meets most requirements."""

Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Limits:
    """How far generated applications go: records in one list, facts changed in one, and the share that is bad data."""

    records: int = 24
    changes: int = 6
    invalid: Fraction = Fraction(0)


def generated(
    policy: Policy,
    count: int,
    seed: int,
    bases: Sequence[Mapping[str, Any]] = (),
    limits: Limits = Limits(),
    first: int = 0,
) -> Iterator[Data]:
    """`count` applications of a policy, the same for the same seed; the first of them are the same whatever the count.

    Each starts from one of `bases` (else from the declared types and bounds), and a few of its facts are changed: most often to values on
    and next to the constants that the policy compares them with; records are dropped and doubled, facts left out. Keys of listed records
    are unique within an application and recur in others, as one firm applies twice. The key of the root is new each time. Values are plain
    data: amounts, numbers and dates as text. `first` leaves out so many at the beginning.
    """
    numbered = by_number(policy, seed, bases, limits)
    for n in range(first, first + count):
        yield numbered(n)


def by_number(policy: Policy, seed: int, bases: Sequence[Mapping[str, Any]] = (), limits: Limits = Limits()) -> Callable[[int], Data]:
    """What gives the applications of `generated` by their number from 0, each for itself: the bases are read once."""
    settled, _ = settle(policy.core, Changes(assume=True), AS_OF_UNKNOWN)
    maker = _Maker(policy.core, settled, limits, Values(policy.core, settled))
    starts = [start for base in bases if (start := maker.usual(base)) is not None]
    maker.learn(starts)
    starts = starts or _climbed(policy, maker, Random(f"{seed}/start"))
    return lambda n: maker.application(starts, Random(f"{seed}/{n}"), n + 1)


def _climbed(policy: Policy, maker: _Maker, rng: Random) -> list[Data]:
    """Applications made of the declarations alone: each changed a little, again and again, as long as it meets more requirements."""

    def lacking(data: Data) -> int:
        try:
            decision = policy.decide(data, assume=True)
        except ApplicationError:
            return 1_000_000
        return sum(r.verdict in ("failed", "unknown") and r.effect != "flag" for r in decision.requirements) * 10 + len(decision.missing)

    starts = [maker.application([], rng, n) for n in range(3)]
    best = min(starts, key=lacking)
    least = lacking(best)
    for n in range(CLIMB):
        if not least:
            break
        trial = maker.application([best], rng, n)
        if (left := lacking(trial)) <= least:
            best, least = trial, left
    return [best, *starts[:1]]


def bases_of(policy_path: str | Path) -> list[Data]:
    """The applications of all case files beside a policy, with the changes of each case made; those of rankings too, each once.

    Case files that cannot be read are left out: `bandolo test` tells of them.
    """
    path = Path(policy_path)
    policy = load_policy(path)
    found: dict[str, Data] = {}
    for beside in sorted(path.parent.glob("*.cases.yaml")):
        file, _ = read_cases(beside)
        if file is None or file.policy.resolve() != path.resolve():
            continue
        for case in file.cases:
            try:
                base = file.applications[case.like] if case.like is not None else {}
                made = applications(policy, file, case) if case.rank else [changed(policy.core, base, case.change)]
            except BadPath:
                continue
            for application in made:
                found.setdefault(repr(application), application)
    return list(found.values())


@dataclass
class _Maker:
    policy: core.Policy
    settled: Settled
    limits: Limits
    values: Values

    @cached_property
    def listed(self) -> dict[Place, core.Entity]:
        """The facts that list records, and what they list."""
        found = {}
        for entity in self.policy.entities.values():
            for fact in entity.facts.values():
                type_ = bare(fact.type)
                if isinstance(type_, ListType) and isinstance(type_.item, RecordType):
                    found[entity.name, fact.name] = self.policy.entities[type_.item.entity]
        return found

    # The bases.

    def usual(self, base: Mapping[str, Any]) -> Data | None:
        """A base in the one spelling of `plain`; None if it is no valid application."""
        if read_application(self.policy, self.settled, base)[0] is None:
            return None
        return self._usual_record(self.policy.entities[self.policy.root], base)

    def _usual_record(self, entity: core.Entity, given: Mapping[str, Any]) -> Data:
        record: Data = {}
        for name, raw in given.items():
            fact = entity.facts[name]
            if (entity.name, name) in self.listed:
                inner = self.listed[entity.name, name]
                record[name] = [self._usual_record(inner, item) for item in raw] if isinstance(raw, list | tuple) else raw
            elif fact.asked:
                moments = raw if isinstance(raw, Mapping) else {fact.asked[0]: raw}
                record[name] = {stage: self._usual(fact, value) for stage, value in moments.items()}
            else:
                record[name] = self._usual(fact, raw)
        return record

    def _usual(self, fact: core.FactDeclaration, raw: Any) -> Any:
        type_ = bare(fact.type)
        if fact.optional and (raw is None or (isinstance(raw, Plain) and raw in ("none", "null", "~", ""))):
            return None
        if isinstance(type_, RecordType):
            key = self.policy.entities[type_.entity].key
            type_ = TEXT if key is None else key.type
        if isinstance(type_, ListType):
            return [self._plain(item, type_.item) for item in raw]
        return self._plain(raw, type_)

    def _plain(self, raw: Any, type_: Type) -> Any:
        try:
            return self.values.said(read_value(raw, type_, self.policy.conventions), type_)
        except BadValue:
            return None  # the base has been read as valid: what is no value is `none`

    def learn(self, starts: list[Data]) -> None:
        for start in starts:
            for entity, record in self.records(start):
                for name, value in record.items():
                    pool = self.values.seen.setdefault((entity.name, name), [])
                    for one in value.values() if isinstance(value, dict) else [value]:
                        if (entity.name, name) not in self.listed and one not in pool and len(pool) < 50:
                            pool.append(one)

    def records(self, data: Data) -> list[tuple[core.Entity, Data]]:
        """Every record of an application with its entity, each after its owner."""
        found = [(self.policy.entities[self.policy.root], data)]
        for entity, record in found:
            for name, value in record.items():
                inner = self.listed.get((entity.name, name))
                if inner is not None and isinstance(value, list):
                    found += [(inner, item) for item in value if isinstance(item, dict)]
        return found

    # An application.

    def application(self, starts: list[Data], rng: Random, number: int) -> Data:
        root = self.policy.entities[self.policy.root]
        wanted_bad = rng.random() < self.limits.invalid
        data: Data = {}
        for attempt in range(TRIES):
            data = _copy(rng.choice(starts)) if starts else self._new(root, rng, {})
            for _ in range(rng.randint(1, self.limits.changes) if attempt < TRIES - 1 else 0):
                self._change(data, rng)
            if wanted_bad:
                self._spoil(data, rng)
            if root.key is not None:
                data[root.key.name] = f"G{number:05}" if root.key.type == TEXT else self.values.value(root, root.key, rng, None)
            if (read_application(self.policy, self.settled, data)[0] is None) == wanted_bad:
                break
        return data

    def _new(self, entity: core.Entity, rng: Random, keys: dict[str, list[Any]]) -> Data:
        """A record from its declaration; `keys` are those of the records made so far, by entity."""
        record: Data = {}
        ordered = sorted(entity.facts.values(), key=lambda f: isinstance(bare(f.type), RecordType))
        for fact in ordered:
            if rng.random() < 0.02 and not fact.key:
                continue
            inner = self.listed.get((entity.name, fact.name))
            if inner is not None:
                most = min(self.limits.records, fact.at_most if fact.at_most is not None else self.limits.records)
                depth = self.policy.depth(inner.name)
                length = min(most, rng.choice([0, 1, 2, 3, *self._lengths(entity, fact)]))
                record[fact.name] = [self._new(inner, rng, keys) for _ in range(length if depth == 1 else min(length, 3))]
            elif fact.key:
                taken = keys.setdefault(entity.name, [])
                record[fact.name] = self._key(entity, fact, taken, rng)
                taken.append(record[fact.name])
            elif isinstance(type_ := bare(fact.type), RecordType):
                known = keys.get(type_.entity, [])
                if known:
                    record[fact.name] = rng.choice(known)
            else:
                value = self.values.value(entity, fact, rng, None)
                record[fact.name] = {fact.asked[0]: value} if fact.asked else value
        return record

    def _lengths(self, entity: core.Entity, fact: core.FactDeclaration) -> list[int]:
        constants = self.values.compared.constants.get((entity.name, fact.name), ())
        lengths = {int(c) + step for c in constants if isinstance(c, Fraction) for step in (-1, 0, 1)}
        return sorted(n for n in lengths if 0 <= n <= self.limits.records)

    def _key(self, entity: core.Entity, fact: core.FactDeclaration, taken: list[Any], rng: Random) -> Any:
        if fact.type == TEXT:
            letter = entity.name[:1].upper()
            return next(key for n in range(1, len(taken) + 2) if (key := f"{letter}{n}") not in taken)
        for _ in range(TRIES):
            value = self.values.value(entity, fact, rng, None)
            if value not in taken:
                return value
        return len(taken) + 1

    # One change.

    def _change(self, data: Data, rng: Random) -> None:
        records = self.records(data)
        by_entity: dict[str, list[tuple[core.Entity, Data]]] = {}
        for entity, record in records:
            by_entity.setdefault(entity.name, []).append((entity, record))
        entity, record = rng.choice(by_entity[rng.choice(sorted(by_entity))])
        names = [n for n, f in entity.facts.items() if not (f.key and entity.name == self.policy.root)]
        if not names:
            return
        fact = entity.facts[rng.choice(self._weighed(entity, names))]
        inner = self.listed.get((entity.name, fact.name))
        if inner is not None:
            self._change_list(record, entity, fact, inner, rng)
        elif rng.random() < 0.06 and not fact.key:
            record.pop(fact.name, None)
        elif fact.key:
            self._rename(record, entity, fact, by_entity[entity.name], data, rng)
        elif entity.owner is not None and rng.random() < 0.15:
            value = self._fresh(entity, fact, rng, record, records)
            for _, other in by_entity[entity.name]:
                other[fact.name] = _copy(value)
        else:
            record[fact.name] = self._fresh(entity, fact, rng, record, records)

    def _weighed(self, entity: core.Entity, names: list[str]) -> list[str]:
        """Facts that meet a constant or another fact more often than those that do not."""
        met = [n for n in names if (entity.name, n) in self.values.compared.constants or self.values.compared.facts.get((entity.name, n))]
        return names + met * 2

    def _fresh(
        self, entity: core.Entity, fact: core.FactDeclaration, rng: Random, record: Data, records: list[tuple[core.Entity, Data]]
    ) -> Any:
        current = record.get(fact.name)
        if not fact.asked:
            return self.values.value(entity, fact, rng, current, records)
        moments = dict(current) if isinstance(current, dict) else {}
        stage = rng.choice(fact.asked)
        moments[stage] = self.values.value(entity, fact, rng, moments.get(stage), records)
        return moments

    def _change_list(self, record: Data, entity: core.Entity, fact: core.FactDeclaration, inner: core.Entity, rng: Random) -> None:
        items = record.get(fact.name)
        how = rng.random()
        if how < 0.04:
            record.pop(fact.name, None)
            return
        items = list(items) if isinstance(items, list) else []
        most = min(self.limits.records, fact.at_most if fact.at_most is not None else self.limits.records)
        lengths = [n for n in (*self._lengths(entity, fact), len(items) - 1, len(items) + 1) if 0 <= n <= most]
        length = rng.choice(lengths) if lengths and how > 0.12 else 0 if how > 0.08 else rng.randint(0, min(most, 3))
        while len(items) > length:
            items.pop(rng.randrange(len(items)))
        key = inner.key
        while len(items) < length:
            item = _copy(rng.choice(items)) if items else self._new(inner, rng, {})
            if key is not None:
                taken = [i.get(key.name) for i in items]
                item[key.name] = self._key(inner, key, taken, rng)
            items.append(item)
        record[fact.name] = items

    def _rename(
        self, record: Data, entity: core.Entity, fact: core.FactDeclaration, others: list[tuple[core.Entity, Data]], data: Data, rng: Random
    ) -> None:
        """Another key, often one that another application has; references follow half of the time."""
        taken = [r.get(fact.name) for _, r in others]
        pool = [v for v in self.values.seen.get((entity.name, fact.name), []) if v not in taken]
        old = record.get(fact.name)
        new = rng.choice(pool) if pool and rng.random() < 0.7 else self._key(entity, fact, taken, rng)
        record[fact.name] = new
        if rng.random() < 0.5:
            for kind, one in self.records(data):
                for name, declared in kind.facts.items():
                    if bare(declared.type) == RecordType(entity.name) and one.get(name) == old:
                        one[name] = new

    def _spoil(self, data: Data, rng: Random) -> None:
        """Bad data of one kind or another."""
        entity, record = rng.choice(self.records(data))
        how = rng.randrange(3)
        if how == 0:
            record["no_such_fact"] = "1"
        else:
            name = rng.choice(sorted(entity.facts))
            record[name] = {"neither": "fish"} if how == 1 else "31.12.2022"


def _copy(data: Any) -> Any:
    if isinstance(data, dict):
        return {k: _copy(v) for k, v in data.items()}
    return [_copy(v) for v in data] if isinstance(data, list) else data
