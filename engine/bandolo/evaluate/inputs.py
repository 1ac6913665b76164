"""An application as plain data to typed records, or every fault in it, each at its `$.path`.

What is absent is Unknown, with the bounds that its declaration gives; what is there must fit: a value outside its range, a key given
twice, a field that is not declared are bad data, never unknowns.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from bandolo import limits
from bandolo.check import core
from bandolo.diagnostics import Diagnostic
from bandolo.diagnostics.spelling import nearest
from bandolo.evaluate.data import Plain
from bandolo.evaluate.settle import Settled
from bandolo.evaluate.typed import BadValue, read_value
from bandolo.language.types import ListType, OptionalType, RecordType, Type
from bandolo.language.values import NONE, Bound, ListValue, Member, Record, Unknown, Value, is_known
from bandolo.language.wording import Shown
from bandolo.records import dataclass, field


@dataclass
class Application:
    """The records of one application, by entity in order of their place, and the digest of what was given."""

    root: Record
    records: dict[str, list[Record]]
    digest: str


def read_application(policy: core.Policy, settled: Settled, data: object) -> tuple[Application | None, list[Diagnostic]]:
    """The application that some data is.

    Codes: `wrong-data` and its kin of one value (typed.py), `unknown-fact`, `out-of-range`, `list-too-long`, `too-many-records`,
    `no-key`, `key-twice`, `dangling-reference`, `null-fact`, `not-a-record`.
    """
    reader = _Reader(policy, settled)
    known = policy.entities[policy.root].facts
    if isinstance(data, Mapping) and len(data) > 3 and sum(k in known for k in data) * 2 < len(data):
        strangers = ", ".join(str(k)[:40] for k in list(data)[:5] if k not in known)
        return None, [Diagnostic("other-application", path="$", args={"entity": policy.root, "names": strangers})]
    if not isinstance(data, Mapping):
        return None, [Diagnostic("not-a-record", path="$", args={"entity": policy.root})]
    root = reader.record(policy.entities[policy.root], data, None, "$", policy.root, None)
    reader.references()
    if reader.diagnostics:
        return None, reader.diagnostics
    return Application(root, reader.records, digest_of(root)), []


def read_leniently(policy: core.Policy, settled: Settled, data: object) -> Application:
    """The facts of an application that can be read; what cannot is unknown. For asking whether an amendment reaches it."""
    reader = _Reader(policy, settled)
    fields = data if isinstance(data, Mapping) else {}
    root = reader.record(policy.entities[policy.root], fields, None, "$", policy.root, None)
    reader.references()
    bad = {d.path for d in reader.diagnostics}
    for fact in policy.entities[policy.root].facts.values():
        if f"$.{fact.name}" in bad:
            for stage in fact.asked or (None,):
                root.facts[fact.name, stage] = Unknown(frozenset({fact.name}))
    return Application(root, reader.records, "")


@dataclass
class _Reader:
    policy: core.Policy
    settled: Settled
    records: dict[str, list[Record]] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    pending_references: list[tuple[Record, tuple[str, str | None], str, str, str]] = field(default_factory=list)
    count: int = 0

    def __post_init__(self) -> None:
        self.records = {name: [] for name in self.policy.entities}

    def report(self, code: str, path: str, **args: object) -> None:
        self.diagnostics.append(Diagnostic(code, path=path, args=args))

    def record(self, entity: core.Entity, data: Mapping[Any, Any], owner: Record | None, path: str, name: str, key: str | None) -> Record:
        record = Record(entity.name, name, key, owner)
        self.records[entity.name].append(record)
        for given in data:
            if given not in entity.facts:
                near = nearest(str(given), entity.facts)
                self.report("unknown-fact", f"{path}.{str(given)[:60]}", name=str(given)[:60], entity=entity.name, nearest=near)
        for fact in entity.facts.values():
            self._fact(record, fact, data, path)
        return record

    def _fact(self, record: Record, fact: core.FactDeclaration, data: Mapping[Any, Any], path: str) -> None:
        at = f"{path}.{fact.name}"
        given = fact.name in data and not self._is_null_unknown(fact, data[fact.name])
        raw = data.get(fact.name)
        if not fact.asked:
            record.facts[fact.name, None] = self._value(record, fact, raw, at, None) if given else self._missing(record, fact, None)
            return
        # A bare value is what holds at the first stage that asks; the later ones ask anew.
        moments = raw if isinstance(raw, Mapping) else {fact.asked[0]: raw} if given else {}
        for stage in moments:
            if stage not in fact.asked:
                near = nearest(str(stage), fact.asked)
                self.report("unknown-fact", f"{at}.{str(stage)[:60]}", name=str(stage)[:60], entity=fact.name, nearest=near)
        for stage in fact.asked:
            present = stage in moments and not self._is_null_unknown(fact, moments[stage])
            value = self._value(record, fact, moments[stage], f"{at}.{stage}", stage) if present else self._missing(record, fact, stage)
            record.facts[fact.name, stage] = value

    @staticmethod
    def _is_null_unknown(fact: core.FactDeclaration, raw: Any) -> bool:
        """`null` is `none` where the fact is optional, else it is as good as absent."""
        return not fact.optional and (raw is None or (isinstance(raw, Plain) and raw in ("null", "~", "")))

    def _missing(self, record: Record, fact: core.FactDeclaration, stage: str | None) -> Value:
        name = fact.name if record.owner is None else f"{record.path}.{fact.name}"
        missing = frozenset({name if stage is None else f"{name} at {stage}"})
        type_ = fact.type.of if isinstance(fact.type, OptionalType) else fact.type
        if isinstance(type_, ListType):
            if fact.at_most == 0:
                return ListValue(())
            return Unknown(missing, Fraction(0), Fraction(fact.at_most if fact.at_most is not None else limits.LIST_LENGTH))
        if fact.optional:
            return Unknown(missing)  # it may be none, which lies within no bounds
        low, high = self.settled.ranges[record.entity, fact.name]
        return Unknown(missing, _bound(low), _bound(high))

    def _value(self, record: Record, fact: core.FactDeclaration, raw: Any, at: str, stage: str | None) -> Value:
        type_ = fact.type
        if isinstance(type_, OptionalType):
            if raw is None or (isinstance(raw, Plain) and raw in ("none", "null", "~", "")):
                return NONE
            type_ = type_.of
        if isinstance(type_, ListType):
            return self._list(record, fact, type_, raw, at)
        if isinstance(type_, RecordType):
            return self._reference(record, (fact.name, stage), type_.entity, raw, at)
        return self._single(record, fact, type_, raw, at)

    def _single(self, record: Record, fact: core.FactDeclaration, type_: Type, raw: Any, at: str) -> Value:
        try:
            value = read_value(raw, type_, self.policy.conventions)
        except BadValue as bad:
            self.report(bad.code, at, **bad.args_)
            return NONE
        low, high = self.settled.ranges[record.entity, fact.name]
        below = low is not None and is_known(low) and value < low  # type: ignore[operator]
        above = high is not None and is_known(high) and value > high  # type: ignore[operator]
        if below or above:
            units = self.policy.conventions.currency, self.policy.conventions.time_zone
            shown = Shown(low if below else high, type_, *units)  # type: ignore[arg-type]
            self.report("below-range" if below else "above-range", at, name=fact.name, value=Shown(value, type_, *units), limit=shown)
        return value

    def _list(self, record: Record, fact: core.FactDeclaration, type_: ListType, raw: Any, at: str) -> Value:
        if not isinstance(raw, list | tuple):
            self.report("wrong-data", at, expected=type_, found=str(raw)[:60])
            return NONE
        at_most = fact.at_most if fact.at_most is not None else limits.LIST_LENGTH
        if len(raw) > at_most:
            self.report("list-too-long", at, limit=at_most, found=len(raw))
            return NONE
        if not isinstance(type_.item, RecordType):
            return ListValue(tuple(Member(self._single(record, fact, type_.item, item, f"{at}[{i}]")) for i, item in enumerate(raw)))
        self.count += len(raw)
        if self.count > limits.RECORDS:
            self.report("too-many-records", at, limit=limits.RECORDS)
            return NONE
        entity = self.policy.entities[type_.item.entity]
        return self._records(record, fact, entity, raw, at)

    def _records(self, owner: Record, fact: core.FactDeclaration, entity: core.Entity, raw: Any, at: str) -> Value:
        members: list[Member] = []
        seen: dict[str, int] = {}
        keys = {k for item in raw if isinstance(item, Mapping) and (k := self._key(entity, item)) is not None}
        for i, item in enumerate(raw):
            path = f"{at}[{i}]"
            if not isinstance(item, Mapping):
                self.report("not-a-record", path, entity=entity.name)
                continue
            key = self._key(entity, item)
            if key is not None and key in seen:
                self.report("key-twice", path, key=key, first=f"{at}[{seen[key]}]")
                continue
            if key is not None and re.search(r"[\[\]]", key):
                self.report("bad-key", path, key=key)
            if key is not None:
                seen[key] = i
            prefix = "" if owner.owner is None else f"{owner.path}."
            members.append(
                Member(self.record(entity, item, owner, path, f"{prefix}{fact.name}[{self._place(i, keys) if key is None else key}]", key))
            )
        return ListValue(tuple(members))

    @staticmethod
    def _place(position: int, keys: set[str]) -> str:
        """The position of a record without a key; marked where another record has that very key."""
        return f"#{position}" if str(position) in keys else str(position)

    def _key(self, entity: core.Entity, item: Mapping[Any, Any]) -> str | None:
        if entity.key is None:
            return None
        raw = item.get(entity.key.name)
        if raw is None or self._is_null_unknown(entity.key, raw):
            return None
        try:
            value = read_value(raw, entity.key.type, self.policy.conventions)
        except BadValue:
            return None  # reported where the fact itself is read
        return str(value)

    def _reference(self, record: Record, fact: tuple[str, str | None], entity: str, raw: Any, at: str) -> Value:
        key = self.policy.entities[entity].key
        if key is None:
            self.report("no-key", at, entity=entity)
            return NONE
        try:
            value = read_value(raw, key.type, self.policy.conventions)
        except BadValue as bad:
            self.report(bad.code, at, **bad.args_)
            return NONE
        self.pending_references.append((record, fact, entity, str(value), at))
        return NONE

    def _unlisted(self, entity: str) -> frozenset[str]:
        """The lists of an entity, or of its owners, that are not there."""
        missing: frozenset[str] = frozenset()
        current = self.policy.entities[entity]
        while current.owner is not None and current.listed_in is not None:
            for owner in self.records[current.owner]:
                listed = owner.facts.get((current.listed_in, None))
                missing |= listed.missing if isinstance(listed, Unknown) else frozenset()
            current = self.policy.entities[current.owner]
        return missing

    def references(self) -> None:
        """Point each reference at its record: the nearest one with that key, looked for from the record outwards."""
        by_key: dict[tuple[str, str], list[Record]] = {}
        for entity, records in self.records.items():
            for record in records:
                if record.key is not None:
                    by_key.setdefault((entity, record.key), []).append(record)
        for record, fact, entity, key, at in self.pending_references:
            found = by_key.get((entity, key), [])
            near = [r for r in found if _related(r, record)] or found
            unlisted = self._unlisted(entity)
            if not found and unlisted:
                record.facts[fact] = Unknown(unlisted)
            elif len(near) != 1:
                known = [k for e, k in by_key if e == entity]
                self.report(
                    "dangling-reference", at, entity=entity, key=key, nearest=None if near else nearest(key, known), count=len(near)
                )
            else:
                record.facts[fact] = near[0]


def _related(candidate: Record, record: Record) -> bool:
    """Whether a record belongs to the same owner as another, or to one of its owners."""
    owner: Record | None = record
    while owner is not None:
        if candidate.owner is owner:
            return candidate.owner.owner is not None or owner is record.owner or owner is record
        owner = owner.owner
    return False


def _bound(value: Value | None) -> Bound | None:
    return value if isinstance(value, Bound) else None


def digest_of(root: Record) -> str:
    """A digest of the facts; the order of fields and of keyed records does not matter."""
    return digest(canonical(root))


def digest(facts: object) -> str:
    """The digest of facts in the form of `canonical`."""
    text = json.dumps(facts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def canonical(value: object, seen: bool = False) -> object:
    """A value, or a record with all that it lists, as plain data to be digested."""
    match value:
        case Record() if seen:
            return f"reference:{value.path}"
        case Record():
            facts = {f"{name}@{stage}" if stage else name: canonical(v, seen=True) for (name, stage), v in value.facts.items()}
            return {k: v for k, v in facts.items() if v != "?"}
        case ListValue(members=members):
            items = [canonical(m.value) for m in members]
            keyed = all(isinstance(m.value, Record) and m.value.key is not None for m in members)
            return sorted(items, key=str) if keyed else items
        case Unknown():
            return "?"
        case _:
            return f"{type(value).__name__}:{value}"
