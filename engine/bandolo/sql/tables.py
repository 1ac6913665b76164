"""The tables that a view reads: one for each kind of record, a column for each fact, in the words of the policy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from sqlglot import exp
from sqlglot.expressions import Expr as Sql

from bandolo.check import core
from bandolo.evaluate.inputs import Application
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
)
from bandolo.language.values import NONE, ListValue, Record, Unknown
from bandolo.language.values import Value as Datum
from bandolo.source import Span
from bandolo.sql.values import Unsupported

DECIMALS: dict[Type, int] = {INTEGER: 0, MONEY: 2, NUMBER: 6, PERCENT: 8}
"""Decimals that a column of a type holds."""
MOST = 10**15
"""An amount or a number of this size or more is left to the engine."""
LONGEST_NAME = 63


@dataclass(frozen=True)
class Column:
    """A column of an input table. `holds` is value, none (whether an optional fact is `none`), count (of listed records) or owner."""

    name: str
    holds: str
    type: Type
    fact: core.FactDeclaration
    stage: str | None = None
    entity: str = ""
    """Of an owner's key: whose."""


def bare(type_: Type) -> Type:
    return type_.of if isinstance(type_, OptionalType) else type_


def lists_records(fact: core.FactDeclaration) -> bool:
    type_ = bare(fact.type)
    return isinstance(type_, ListType) and isinstance(type_.item, RecordType)


def written_at(policy: core.Policy, entity: str) -> Span | None:
    """Where an entity is written: its first fact or the one that lists it; None for a root without facts."""
    found = policy.entities[entity]
    if found.facts:
        return next(iter(found.facts.values())).span
    if found.owner is None or found.listed_in is None:
        return None
    return policy.entities[found.owner].facts[found.listed_in].span


def owners(policy: core.Policy, entity: str) -> list[core.Entity]:
    """The owners of an entity, from the root down."""
    found: list[core.Entity] = []
    above = policy.entities[entity].owner
    while above is not None:
        found.insert(0, policy.entities[above])
        above = policy.entities[above].owner
    return found


def columns(policy: core.Policy, entity: core.Entity) -> list[Column]:
    """The columns of a table: the keys of its owners, then its facts. Raises Unsupported at a fact that has no column."""
    found: list[Column] = []
    for owner in owners(policy, entity.name):
        if owner.key is None:
            raise Unsupported("no-key", next(iter(owner.facts.values())).span)
        found.append(Column(f"{owner.name}__{owner.key.name}", "owner", owner.key.type, owner.key, None, owner.name))
    for fact in entity.facts.values():
        if lists_records(fact):
            found.append(Column(fact.name, "count", INTEGER, fact))
            continue
        for stage in fact.asked or (None,):
            name = fact.name if stage is None else f"{fact.name}__{stage}"
            found.append(Column(name, "value", bare(fact.type), fact, stage))
            if fact.optional:
                found.append(Column(f"{name}__none", "none", BOOLEAN, fact, stage))
    seen: set[str] = set()
    for column in found:
        if len(column.name.encode()) > LONGEST_NAME or column.name.casefold() in seen:
            raise Unsupported("column-name", column.fact.span)
        seen.add(column.name.casefold())
    return found


def sql_type(policy: core.Policy, type_: Type, dialect: str) -> str:
    """The type of the column of a fact. Raises Unsupported for lengths of time."""
    if isinstance(type_, RecordType):
        key = policy.entities[type_.entity].key
        return sql_type(policy, key.type, dialect) if key is not None else "VARCHAR"
    if isinstance(type_, ListType):
        return f"{sql_type(policy, bare(type_.item), dialect)}[]"
    if type_ in DECIMALS:
        decimals = DECIMALS[type_]
        return f"DECIMAL({15 + decimals}, {decimals})"
    if type_ == TEXT or isinstance(type_, ChoiceType):
        return "TEXT"
    simple = {BOOLEAN: "BOOLEAN", DATE: "DATE", DATETIME: "TIMESTAMPTZ"}
    if type_ not in simple:
        raise Unsupported("length-of-time")
    return simple[type_]


def statements(policy: core.Policy, dialect: str) -> list[str]:
    """`CREATE TABLE` of every table, owners first."""
    found = []
    for name in policy.root_names():
        entity = policy.entities[name]
        definitions: list[Sql] = []
        for column in columns(policy, entity):
            type_ = exp.DataType.build(sql_type(policy, column.type, dialect), dialect=dialect)
            definitions.append(exp.ColumnDef(this=exp.to_identifier(column.name, quoted=True), kind=type_))
        table = exp.Schema(this=exp.Table(this=exp.to_identifier(name, quoted=True)), expressions=definitions)
        found.append(exp.Create(this=table, kind="TABLE").sql(dialect, pretty=True))
    return found


def printed_schema(policy: core.Policy, dialect: str) -> str:
    """The statements as the text of a file."""
    return "".join(f"{statement};\n\n" for statement in statements(policy, dialect)).rstrip("\n") + "\n"


def rows(policy: core.Policy, application: Application) -> Iterator[tuple[str, dict[str, object]]]:
    """The rows of an application that has been read: the table, and the values by column; a missing fact is NULL.

    Raises OverflowError where a number does not fit its column: such an application is the engine's.
    """
    for name in policy.root_names():
        table = columns(policy, policy.entities[name])
        for record in application.records[name]:
            yield name, {c.name: _datum(record, c) for c in table}


def _datum(record: Record, column: Column) -> object:
    if column.holds == "owner":
        return _said(record.ancestor(column.entity).facts[column.fact.name, None])
    value = record.facts[column.fact.name, column.stage]
    if column.holds == "none":
        return None if isinstance(value, Unknown) else value is NONE
    if column.holds == "count":
        return len(value.members) if isinstance(value, ListValue) else None
    return _said(value)


def _said(value: Datum) -> object:
    """A value as a driver takes it; numbers as text of digits, which no driver can make a float of."""
    match value:
        case Unknown():
            return None
        case Fraction():
            digits = value * 10**8
            if digits.denominator != 1 or abs(value) >= MOST:
                raise OverflowError("a number that no column holds")
            whole, rest = divmod(abs(digits.numerator), 10**8)
            return f"{'-' if value < 0 else ''}{whole}.{rest:08}"
        case Record():
            return value.key
        case ListValue(members=members):
            return [_said(m.value) for m in members]
        case _:
            return None if value is NONE else value
