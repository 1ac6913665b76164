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

from bandolo.batch.staging import GROUP, Reader, planned, staged
from bandolo.batch.task import Task
from bandolo.check import core
from bandolo.evaluate.typed import BadValue, read_value
from bandolo.evaluate.wire import plain
from bandolo.language.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    INTEGER,
    MONEY,
    NUMBER,
    TEXT,
    ChoiceType,
    ListType,
    OptionalType,
    RecordType,
    Type,
)
from bandolo.policy import Policy

Data = Mapping[str, Any]
Lack = tuple[str, str, str]
"""An entity, a fact and the stage that asks for it, which is not known."""
FEW = 8
"""So few applications of a kind are as quickly decided one by one."""


PLACES = {MONEY: 2, NUMBER: 9, INTEGER: 0}
MOST = 10**17


class NoPlace(Exception):
    """An application that tables cannot hold as it is: something is left out that may be none, or is not in order."""


@contextmanager
def from_files(policy: Policy, applications: str, records: Mapping[str, str]) -> Iterator[tuple[int, Iterator[dict[str, pa.Table]]]]:
    """How many applications some files hold, and their tables one after another.

    Raises BadTables and OSError.
    """
    with tempfile.TemporaryDirectory(prefix="bandolo") as made:
        folder = Path(made)
        task = Task(policy.files[0][0], (), {}, applications, records, "", {})
        sources = staged(policy, task, folder)
        parts = planned(policy, sources, folder)
        reader = Reader(policy, records, sources)
        yield sum(p.rows for p in parts), (tables for part in parts for tables in reader.tables(part))


def made_up(policy: Policy, count: int, seed: int, bases: Sequence[Data]) -> Iterator[Sequence[Data]]:
    """Applications that nobody submitted, so many at a time; the same for the same seed."""
    from bandolo.testing.generate import Limits, generated  # only here: a simulation of real applications makes none up

    made = generated(policy, count, seed, bases, Limits(changes=3))
    while some := list(islice(made, GROUP)):
        yield some


def tabled(policy: core.Policy, applications: Sequence[Data]) -> tuple[list[pa.Table], list[Data]]:
    """Applications as tables with lists in them, and those for which no table has a place.

    An empty cell of an optional fact says that there is none; where the fact is not known the whole column is left out. So applications
    that lack the same facts go together, and those that are few of their kind are left.
    """
    alike: dict[frozenset[Lack], list[tuple[dict[str, Any], Data]]] = {}
    left: list[Data] = []
    for application in applications:
        try:
            row, lacks = _row(policy, policy.entities[policy.root], application)
            alike.setdefault(lacks, []).append((row, application))
        except (NoPlace, BadValue, ValueError, TypeError, AttributeError):
            left.append(application)
    tables = []
    for lacks, rows in alike.items():
        schema = pa.schema([pa.field(n, t) for n, t in _columns(policy, policy.entities[policy.root], lacks)])
        try:
            if len(rows) < FEW:
                raise NoPlace
            tables.append(pa.Table.from_pylist([row for row, _ in rows], schema=schema))
        except (NoPlace, pa.ArrowException, ValueError, TypeError, OverflowError):
            left += [application for _, application in rows]
    return tables, left


def _columns(policy: core.Policy, entity: core.Entity, lacks: frozenset[Lack]) -> list[tuple[str, pa.DataType]]:
    return [
        (f"{fact.name} at {stage}" if stage else fact.name, _arrow(policy, fact.type, lacks))
        for fact in entity.facts.values()
        for stage in fact.asked or ("",)
        if (entity.name, fact.name, stage) not in lacks
    ]


def _arrow(policy: core.Policy, type_: Type, lacks: frozenset[Lack]) -> pa.DataType:
    type_ = type_.of if isinstance(type_, OptionalType) else type_
    if isinstance(type_, ListType):
        if not isinstance(type_.item, RecordType):
            return pa.list_(_arrow(policy, type_.item, lacks))
        return pa.list_(pa.struct([pa.field(n, t) for n, t in _columns(policy, policy.entities[type_.item.entity], lacks)]))
    simple = {
        BOOLEAN: pa.bool_(), DATE: pa.date32(), DATETIME: pa.timestamp("us", tz="UTC"), INTEGER: pa.int64(),
        MONEY: pa.decimal128(38, 2), NUMBER: pa.decimal128(38, 9),
    }  # fmt: skip
    return next((made for simple_type, made in simple.items() if simple_type == type_), pa.string())


def _row(policy: core.Policy, entity: core.Entity, data: Any) -> tuple[dict[str, Any], frozenset[Lack]]:
    """A record's cells, and the optional facts of it and of the records below that are not known."""
    if not isinstance(data, Mapping) or not data.keys() <= entity.facts.keys():
        raise NoPlace
    made: dict[str, Any] = {}
    lacks: set[Lack] = set()
    for fact in entity.facts.values():
        value = data.get(fact.name)
        if isinstance(fact.type, ListType) and isinstance(fact.type.item, RecordType):
            if value is not None and not isinstance(value, list | tuple):
                raise NoPlace
            below = [_row(policy, policy.entities[fact.type.item.entity], item) for item in value or ()]
            if len({lacking for _, lacking in below}) > 1:
                raise NoPlace
            made[fact.name] = None if value is None else [row for row, _ in below]
            lacks.update(*(lacking for _, lacking in below[:1]))
            continue
        moments = {"": value} if not fact.asked else value if isinstance(value, Mapping) else {fact.asked[0]: value}
        given = fact.name in data
        if not moments.keys() <= set(fact.asked or ("",)):
            raise NoPlace
        for stage in fact.asked or ("",):
            if fact.optional and (not given or stage not in moments):
                lacks.add((entity.name, fact.name, stage))
            else:
                made[f"{fact.name} at {stage}" if stage else fact.name] = _cell(policy, fact.type, moments.get(stage))
    return made, frozenset(lacks)


def _cell(policy: core.Policy, type_: Type, value: Any) -> Any:
    if value is None:
        return None
    type_ = type_.of if isinstance(type_, OptionalType) else type_
    if isinstance(type_, ListType):
        if not isinstance(value, list | tuple):
            raise NoPlace
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
