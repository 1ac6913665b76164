"""Applications as plain data to Arrow tables, for the tests of batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from bandolo.check import core
from bandolo.evaluate.typed import read_value
from bandolo.language.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    INTEGER,
    MONEY,
    NUMBER,
    PERCENT,
    ChoiceType,
    ListType,
    OptionalType,
    RecordType,
    Type,
)

Data = Mapping[str, Any]


def arrow_type(policy: core.Policy, type_: Type) -> pa.DataType:
    if isinstance(type_, OptionalType):
        return arrow_type(policy, type_.of)
    if isinstance(type_, ListType) and isinstance(type_.item, RecordType):
        return pa.list_(pa.struct([pa.field(n, t) for n, t in columns(policy, policy.entities[type_.item.entity])]))
    if isinstance(type_, ListType):
        return pa.list_(arrow_type(policy, type_.item))
    simple = {
        BOOLEAN: pa.bool_(), DATE: pa.date32(), DATETIME: pa.timestamp("us", tz="UTC"), INTEGER: pa.int64(),
        MONEY: pa.decimal128(38, 2), NUMBER: pa.decimal128(38, 9),
    }  # fmt: skip
    return simple.get(type_, pa.string())


def columns(policy: core.Policy, entity: core.Entity) -> list[tuple[str, pa.DataType]]:
    found = []
    for fact in entity.facts.values():
        names = [f"{fact.name} at {stage}" for stage in fact.asked] if fact.asked else [fact.name]
        found += [(name, arrow_type(policy, fact.type)) for name in names]
    return found


def table(policy: core.Policy, applications: Sequence[Data]) -> pa.Table:
    """One table with lists in it; ValueError or TypeError where a value has no place in its column."""
    root = policy.entities[policy.root]
    schema = pa.schema([pa.field(n, t) for n, t in columns(policy, root)])
    return pa.Table.from_pylist([row(policy, root, a) for a in applications], schema=schema)


def row(policy: core.Policy, entity: core.Entity, data: Data) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name in data:
        if name not in entity.facts:
            raise ValueError(name)
    for fact in entity.facts.values():
        value = data.get(fact.name)
        if not fact.asked:
            made[fact.name] = cell(policy, fact.type, value)
            continue
        moments = value if isinstance(value, Mapping) else {fact.asked[0]: value}
        for stage in fact.asked:
            made[f"{fact.name} at {stage}"] = cell(policy, fact.type, moments.get(stage))
    return made


def cell(policy: core.Policy, type_: Type, value: Any) -> Any:
    from decimal import Context, Decimal

    if value is None:
        return None
    if isinstance(type_, OptionalType):
        return None if value == "none" else cell(policy, type_.of, value)  # as cases spell it
    if isinstance(type_, ListType) and isinstance(type_.item, RecordType):
        return [row(policy, policy.entities[type_.item.entity], item) for item in value]
    if isinstance(type_, ListType):
        return [cell(policy, type_.item, item) for item in value]
    if isinstance(type_, RecordType):
        return str(value)
    if arrow_type(policy, type_) == pa.string():
        return value
    read = read_value(value, type_, policy.conventions)
    if type_ in (MONEY, NUMBER):
        return Context(prec=100).divide(Decimal(read.numerator), Decimal(read.denominator))
    return int(read) if type_ == INTEGER else read


def linked(policy: core.Policy, nested: pa.Table) -> dict[str, pa.Table]:
    """The same with the records of each list of the root in a table of their own."""
    import numpy as np

    root = policy.entities[policy.root]
    assert root.key is not None
    tables = {policy.root: nested}
    for name, entity in policy.entities.items():
        if entity.owner != policy.root or entity.listed_in is None:
            continue
        column = nested[entity.listed_in].combine_chunks()
        owners = np.repeat(np.arange(len(column)), np.diff(np.asarray(column.offsets)))
        items = column.flatten()
        fields = dict(zip([f.name for f in items.type], items.flatten(), strict=True))
        keys = nested[root.key.name].combine_chunks().take(pa.array(owners))
        tables[name] = pa.table({policy.root: keys, **fields})
        tables[policy.root] = tables[policy.root].drop_columns([entity.listed_in])
    return tables


def complete(policy: core.Policy, data: Data, entity: core.Entity | None = None, number: int = 0) -> dict[str, Any]:
    """An application in which nothing is missing, so that it can be decided by columns."""
    entity = entity or policy.entities[policy.root]
    made = dict(data)
    for fact in entity.facts.values():
        type_ = fact.type.of if isinstance(fact.type, OptionalType) else fact.type
        if isinstance(type_, ListType) and isinstance(type_.item, RecordType):
            inner = policy.entities[type_.item.entity]
            made[fact.name] = [complete(policy, item, inner, i) for i, item in enumerate(made.get(fact.name) or [])]
        elif fact.asked:
            given = made.get(fact.name)
            moments = dict(given) if isinstance(given, Mapping) else {} if given is None else {fact.asked[0]: given}
            made[fact.name] = {s: moments.get(s) if moments.get(s) is not None else plain_value(type_, fact, number) for s in fact.asked}
        elif made.get(fact.name) is None and not fact.optional:
            made[fact.name] = plain_value(type_, fact, number)
    return made


def plain_value(type_: Type, fact: core.FactDeclaration, number: int) -> Any:
    if isinstance(type_, ListType):
        return []
    if isinstance(type_, ChoiceType):
        return type_.options[number % len(type_.options)]
    low = getattr(fact.low, "value", None) if type_ in (INTEGER, NUMBER) else None
    whole = int(low) if low is not None else 1
    by_type = {
        BOOLEAN: number % 3 != 1, DATE: str(getattr(fact.low, "value", "2023-02-10")), DATETIME: "2023-02-10 12:00", INTEGER: whole,
        MONEY: "12.67", NUMBER: str(whole), PERCENT: "10%",
    }  # fmt: skip
    return by_type.get(type_, f"T{number}")


def without_empty(table: pa.Table) -> pa.Table:
    """A table without the columns that are empty, at any depth: nobody has asked for these facts yet."""
    columns = {name: _without_empty(table[name].combine_chunks()) for name in table.column_names}
    return pa.table({name: column for name, column in columns.items() if column is not None})


def _without_empty(column: pa.Array) -> pa.Array | None:
    if len(column) and column.null_count == len(column):
        return None
    if not pa.types.is_list(column.type) or not pa.types.is_struct(column.type.value_type):
        return column
    fields = {column.values.type.field(i).name: _without_empty(column.values.field(i)) for i in range(column.values.type.num_fields)}
    kept = {name: field for name, field in fields.items() if field is not None}
    items = pa.StructArray.from_arrays(list(kept.values()), names=list(kept))
    return pa.ListArray.from_arrays(column.offsets, items, mask=column.is_null() if column.null_count else None)
