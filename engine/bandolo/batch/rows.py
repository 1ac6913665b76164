"""The applications that no columnar program decides: back to plain data, and through `Policy.decide` one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from bandolo.batch import outgoing
from bandolo.batch.helpers import Array
from bandolo.batch.tables import Tables
from bandolo.check import core
from bandolo.diagnostics import ApplicationError, Diagnostic
from bandolo.evaluate.data import Plain
from bandolo.language.types import TEXT, ListType, OptionalType, RecordType
from bandolo.policy import Policy


@dataclass
class Rowwise:
    """Decides rows of tables as the API decides a mapping."""

    policy: Policy
    what_if: dict[str, Any]
    spelt: frozenset[str] = frozenset()
    engine: str = "auto"
    typed: bool = True
    """Applications come from tables, so that the records of one that is bad can be told."""
    made: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def decide(
        self, tables: Tables, which: Array, names: pa.Array, records: Sequence[str]
    ) -> tuple[list[dict[str, Any]], dict[str, list[list[dict[str, Any]]]], list[str]]:
        """The rows of some applications, those of their records by entity, and the codes of what is bad data."""
        rows: list[dict[str, Any]] = []
        below: dict[str, list[list[dict[str, Any]]]] = {entity: [] for entity in records}
        errors: list[str] = []
        called = names.take(pa.array(which)).to_pylist()
        for name, data in zip(called, self.applications(tables, which), strict=True):
            row, inner, code = self.one(name, data, records)
            rows.append(row)
            errors += [] if code is None else [code]
            for entity, found in inner.items():
                below[entity].append(found)
        return rows, below, errors

    def one(
        self, name: str | None, data: Any, records: Sequence[str], problems: Sequence[Diagnostic] = ()
    ) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]], str | None]:
        """The row of an application, those of its records by entity, and the code of what is bad data; `problems` are known already."""
        policy, what_if = self.policy.core, {k: v for k, v in self.what_if.items() if v is not None}
        try:
            if problems:
                raise ApplicationError(list(problems))
            decision = self.policy.decide(data, **what_if, engine=self.engine)  # type: ignore[arg-type]
            if too_large := outgoing.beyond(decision, records):
                raise ApplicationError(too_large)
        except ApplicationError as error:
            inner: dict[str, list[dict[str, Any]]] = {}
            for entity in records:
                paths = list(record_paths(policy, entity, data)) if self.typed else []
                inner[entity] = [{"application": name, "record": path, "failed": []} for path in paths]
            return outgoing.row_of(policy, name, None, error.diagnostics), inner, error.diagnostics[0].code
        found = {e: outgoing.record_rows(policy, e, name, decision, list(record_paths(policy, e, data))) for e in records}
        return outgoing.row_of(policy, name, decision, ()), found, None

    def applications(self, tables: Tables, which: Array) -> list[dict[str, Any]]:
        """Some applications as plain data."""
        return self._records(tables, self.policy.core.root, which)

    def _records(self, tables: Tables, entity: str, which: Array) -> list[dict[str, Any]]:
        if not len(which):
            return []
        policy = self.policy.core
        declared = policy.entities[entity]
        table = tables.tables[entity]
        lists = [f.name for f in declared.facts.values() if isinstance(f.type, ListType) and isinstance(f.type.item, RecordType)]
        kept = [c for c in table.column_names if c not in lists]
        found = table.select(kept).take(pa.array(which)) if kept else None
        made: list[dict[str, Any]] = [{} for _ in which]
        for name in kept:
            fact_name, at, stage = name.partition(" at ")
            fact = declared.facts[fact_name]
            for row, value in zip(made, _values(found[name], fact), strict=True):  # type: ignore[index]
                if value is None and (not fact.optional or entity in self.spelt):
                    continue
                given = Plain(value) if entity in self.spelt else value
                if fact.asked:
                    row.setdefault(fact_name, {})[stage if at else fact.asked[0]] = given
                else:
                    row[fact_name] = given
        for fact in declared.facts.values():
            if fact.name not in lists or not isinstance(fact.type, ListType) or not isinstance(fact.type.item, RecordType):
                continue
            inner = fact.type.item.entity
            offsets = tables.offsets[inner]
            gone = tables.left.get((entity, fact.name))
            spans = [(int(offsets[i]), int(offsets[i + 1])) for i in which]
            every = self._records(tables, inner, np.concatenate([np.arange(a, b) for a, b in spans]).astype(np.int64))
            at_ = 0
            for i, row, (a, b) in zip(which, made, spans, strict=True):
                if gone is None or not gone[i]:
                    row[fact.name] = every[at_ : at_ + b - a]
                at_ += b - a
        return made

    def paths(self, tables: Tables, entity: str) -> pa.Array:
        """What decisions call each record of an entity."""
        policy = self.policy.core
        declared = policy.entities[entity]
        offsets = tables.offsets[entity]
        counts = np.diff(offsets)
        place = pa.array(np.arange(int(offsets[-1])) - np.repeat(offsets[:-1], counts)).cast(pa.string())
        import pyarrow.compute as pc

        table = tables.tables[entity]
        if declared.key is not None and declared.key.name in table.column_names:
            key = table[declared.key.name].combine_chunks()
            key = key.chunk(0) if isinstance(key, pa.ChunkedArray) and key.num_chunks == 1 else key
            key = key.dictionary_decode() if pa.types.is_dictionary(key.type) else key
            place = pc.coalesce(key.cast(pa.string()), place)
        begin = pa.scalar(f"{declared.listed_in}[")
        if declared.owner != policy.root:
            assert declared.owner is not None
            above = self.paths(tables, declared.owner).take(pa.array(np.repeat(np.arange(len(counts)), counts)))
            begin = pc.binary_join_element_wise(above, begin, ".")
        return pc.binary_join_element_wise(begin, place, pa.scalar("]"), "")


def record_paths(policy: core.Policy, entity: str, data: dict[str, Any]) -> list[str]:
    """What a decision calls the records of an entity, in the order in which they were given."""
    declared = policy.entities[entity]
    assert declared.owner is not None
    assert declared.listed_in is not None
    found = []
    for prefix, owner in _owners(policy, declared.owner, data):
        listed = owner.get(declared.listed_in) or []
        keys = {str(r[declared.key.name]) for r in listed if declared.key is not None and r.get(declared.key.name) is not None}
        for i, record in enumerate(listed):
            key = record.get(declared.key.name) if declared.key is not None else None
            place = str(key) if key is not None else f"#{i}" if str(i) in keys else str(i)
            found.append(f"{prefix}{declared.listed_in}[{place}]")
    return found


def _owners(policy: core.Policy, entity: str, data: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    if entity == policy.root:
        return [("", data)]
    declared = policy.entities[entity]
    assert declared.owner is not None
    assert declared.listed_in is not None
    made = []
    paths = iter(record_paths(policy, entity, data))
    for _, owner in _owners(policy, declared.owner, data):
        made += [(f"{next(paths)}.", record) for record in owner.get(declared.listed_in) or []]
    return made


def _values(column: pa.ChunkedArray, fact: core.FactDeclaration) -> list[Any]:
    """The cells of a column as the API takes them."""
    type_ = fact.type.of if isinstance(fact.type, OptionalType) else fact.type
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _moments(column)
    values: list[Any] = column.to_pylist()
    if type_ == TEXT and fact.key and pa.types.is_integer(kind):
        return [None if v is None else str(v) for v in values]
    return values


def _moments(column: pa.ChunkedArray) -> list[Any]:
    """Days or instants; one that no calendar has, or that is finer than a microsecond, is told in words that are read as no date."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp(kind.unit, None if kind.tz is None else "UTC"))  # the same instants, in a zone that is there
        if kind.unit == "ns" and not any(v % 1000 for v in column.cast(pa.int64()).to_pylist() if v is not None):
            column = column.cast(pa.timestamp("us", column.type.tz))
    if not pa.types.is_timestamp(column.type) or column.type.unit != "ns":
        try:
            values: list[Any] = column.to_pylist()
            return values
        except OverflowError:
            pass
    numbers = column.cast(pa.int32() if pa.types.is_date32(kind) else pa.int64()).to_pylist()
    return [
        _moment(cell, number, "days" if pa.types.is_date32(kind) else getattr(kind, "unit", "ms"))
        for cell, number in zip(column, numbers, strict=True)
    ]


def _moment(cell: Any, number: int | None, unit: str) -> Any:
    if number is None:
        return None
    told = f"{number} {unit} since 1970-01-01"
    if unit == "ns":
        if number % 1000:
            return told
        cell = cell.cast(pa.timestamp("us", cell.type.tz))
    try:
        return cell.as_py()
    except OverflowError:
        return told
