"""The applications of a simulation: from large files part by part, made up, or given as plain data and put into tables."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from bandolo.batch.files import GROUP, Reader, Task, planned, staged
from bandolo.check import core
from bandolo.evaluate.typed import BadValue, read_value
from bandolo.evaluate.wire import plain
from bandolo.language.types import BOOLEAN, DATE, DATETIME, INTEGER, MONEY, NUMBER, TEXT, ChoiceType, ListType, OptionalType, RecordType, Type
from bandolo.policy import Policy
from bandolo.testing.generate import generated

Data = Mapping[str, Any]


PLACES = {MONEY: 2, NUMBER: 9, INTEGER: 0}
MOST = 10**17


class NoPlace(Exception):
    """An application that tables cannot hold as it is: something is left out that may be none, or is not in order."""


@contextmanager
def from_files(
    policy: Policy, applications: str, records: Mapping[str, str]
) -> Iterator[tuple[int, frozenset[str], Iterator[dict[str, pa.Table]]]]:
    """How many applications some files hold, the entities whose cells are spelt, and their tables one after another.

    Raises BadTables and OSError.
    """
    with tempfile.TemporaryDirectory(prefix="bandolo") as made:
        folder = Path(made)
        task = Task(policy.files[0][0], (), {}, applications, records, "", {})
        sources = staged(policy, task, folder)
        parts = planned(policy, sources, folder)
        reader = Reader(policy, records, sources)
        yield sum(p.rows for p in parts), reader.spelt, (tables for part in parts for tables in reader.tables(part))


def made_up(policy: Policy, count: int, seed: int, bases: Sequence[Data]) -> Iterator[list[Data]]:
    """Applications that nobody submitted, so many at a time; the same for the same seed."""
    made = generated(policy, count, seed, bases)
    while some := list(islice(made, GROUP)):
        yield some


def tabled(policy: core.Policy, applications: Sequence[Data]) -> tuple[pa.Table, list[Data]]:
    """Applications as a table with lists in it, and those for which a table has no place."""
    root = policy.entities[policy.root]
    rows, left = [], []
    for application in applications:
        try:
            rows.append(_row(policy, root, application))
        except (NoPlace, BadValue, ValueError, TypeError, AttributeError):
            left.append(application)
    schema = pa.schema([pa.field(n, t) for n, t in _columns(policy, root)])
    try:
        return pa.Table.from_pylist(rows, schema=schema), left
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return schema.empty_table(), list(applications)


def _columns(policy: core.Policy, entity: core.Entity) -> list[tuple[str, pa.DataType]]:
    return [
        (f"{fact.name} at {stage}" if stage else fact.name, _arrow(policy, fact.type))
        for fact in entity.facts.values()
        for stage in fact.asked or ("",)
    ]


def _arrow(policy: core.Policy, type_: Type) -> pa.DataType:
    type_ = type_.of if isinstance(type_, OptionalType) else type_
    if isinstance(type_, ListType):
        if not isinstance(type_.item, RecordType):
            return pa.list_(_arrow(policy, type_.item))
        return pa.list_(pa.struct([pa.field(n, t) for n, t in _columns(policy, policy.entities[type_.item.entity])]))
    simple = {
        BOOLEAN: pa.bool_(), DATE: pa.date32(), DATETIME: pa.timestamp("us", tz="UTC"), INTEGER: pa.int64(),
        MONEY: pa.decimal128(38, 2), NUMBER: pa.decimal128(38, 9),
    }  # fmt: skip
    return simple.get(type_, pa.string())


def _row(policy: core.Policy, entity: core.Entity, data: Any) -> dict[str, Any]:
    if not isinstance(data, Mapping) or not data.keys() <= entity.facts.keys():
        raise NoPlace
    made: dict[str, Any] = {}
    for fact in entity.facts.values():
        if fact.name not in data and fact.optional:
            raise NoPlace  # not known, where an empty cell says that there is none
        value = data.get(fact.name)
        if not fact.asked:
            made[fact.name] = _cell(policy, fact.type, value)
            continue
        moments = value if isinstance(value, Mapping) else {} if value is None else {fact.asked[0]: value}
        if not moments.keys() <= set(fact.asked) or (fact.optional and len(moments) < len(fact.asked)):
            raise NoPlace
        for stage in fact.asked:
            made[f"{fact.name} at {stage}"] = _cell(policy, fact.type, moments.get(stage))
    return made


def _cell(policy: core.Policy, type_: Type, value: Any) -> Any:
    if value is None:
        return None
    type_ = type_.of if isinstance(type_, OptionalType) else type_
    if isinstance(type_, ListType):
        if not isinstance(value, list | tuple):
            raise NoPlace
        if isinstance(type_.item, RecordType):
            return [_row(policy, policy.entities[type_.item.entity], item) for item in value]
        return [_cell(policy, type_.item, item) for item in value]
    if isinstance(type_, RecordType):
        if not isinstance(value, str):
            raise NoPlace
        return str(value)
    read = read_value(value, type_, policy.conventions)
    if isinstance(read, Fraction) and type_ in PLACES:
        if abs(read) >= MOST or (read * 10 ** PLACES[type_]).denominator != 1:
            raise NoPlace
        return int(read) if type_ == INTEGER else Decimal(read.numerator) / Decimal(read.denominator)
    if type_ in (BOOLEAN, DATE, DATETIME):
        return read
    return str(read) if type_ == TEXT or isinstance(type_, ChoiceType) else plain(read, type_)
