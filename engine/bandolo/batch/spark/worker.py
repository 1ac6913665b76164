"""What a task of Spark does: Arrow tables of some applications and their records in, Arrow tables of decisions out.

Spark finds these functions by name, and what they are told is plain data: the policy travels as its text and as what was compiled from it,
never as code. One process decides many groups; it keeps the policy and its programs.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bandolo.batch import outgoing
from bandolo.batch.run import Prepared
from bandolo.batch.spark.problems import told
from bandolo.batch.tables import BadTables, link_name, one
from bandolo.check import core
from bandolo.policy import Policy

GROUP, ROW, OF = "bandolo group", "bandolo row", "bandolo of"
"""Columns beside the facts: the group of an application, where a row stood, whose records a row holds. No fact has a blank in its name."""
BY_ROWS, WHY = "bandolo by rows", "bandolo why"
"""Beside the decisions: on the first of a group, how many of it were decided one by one, and why."""


@dataclass(frozen=True)
class Told:
    """What every task is told: the policy with its what-ifs, the entities whose records come apart, and those whose rows are wanted."""

    policy: Policy
    what_if: Mapping[str, Any]
    apart: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()


class Failed(Exception):
    """Carries a diagnostic out of a task, as text."""


_kept: dict[tuple[Any, ...], Prepared] = {}


def prepared(told_: Told) -> Prepared:
    """The policy, ready to decide; read once in a process."""
    name = (told_.policy.files, repr(sorted(told_.what_if.items())), told_.wanted)
    if name not in _kept:
        _kept.clear()
        _kept[name] = Prepared(told_.policy, dict(told_.what_if), told_.wanted)
    return _kept[name]


def decide_group(told_: Told, applications: pa.Table, records: pa.Table) -> pa.Table:
    """The decisions on a group of applications, whose records stand in tables of their own."""
    return _decided(told_, tables_of_group(told_, applications, records))


def tables_of_group(told_: Told, applications: pa.Table, records: pa.Table) -> dict[str, pa.Table]:
    """The tables of a group by entity, in order."""
    applications = _in_order(applications.drop_columns([GROUP]))
    tables = {told_.policy.core.root: applications}
    for entity, table in apart(told_, records.drop_columns([GROUP])).items():
        tables[entity] = _after_owners(told_.policy.core, entity, applications, table)
    return tables


def decide_batches(told_: Told, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The decisions on applications that hold their records in lists."""
    for batch in batches:
        yield from _decided(told_, {told_.policy.core.root: pa.Table.from_batches([batch])}).to_batches()


def apart(told_: Told, records: pa.Table) -> dict[str, pa.Table]:
    """The records of a group by entity: one table as it is, several out of the columns that hold them together."""
    if len(told_.apart) == 1:
        return {told_.apart[0]: records}
    found = {}
    for entity in told_.apart:
        mine = one(records.filter(pc.equal(records[OF], entity))[entity])
        found[entity] = pa.table(dict(zip([f.name for f in mine.type], mine.flatten(), strict=True)))
    return found


def _in_order(table: pa.Table) -> pa.Table:
    """Rows in the order in which they stood; a shuffle does not keep it."""
    if ROW not in table.column_names:
        return table
    rows = np.asarray(one(table[ROW]))
    return table if (rows[1:] > rows[:-1]).all() else table.take(pa.array(np.argsort(rows, kind="stable")))


def _after_owners(policy: core.Policy, entity: str, owners: pa.Table, records: pa.Table) -> pa.Table:
    """The records in the order of their owners, and under each in the order in which they stood, or else in that of their keys."""
    owner = policy.entities[policy.root]
    assert owner.key is not None
    link = records[link_name(owner, records)].cast(pa.string())
    place = np.asarray(pc.fill_null(pc.index_in(link, value_set=one(owners[owner.key.name].cast(pa.string()))), -1))
    key = policy.entities[entity].key
    if ROW in records.column_names:
        within, records = np.asarray(one(records[ROW])), records.drop_columns([ROW])
    elif key is not None and key.name in records.column_names and not records[key.name].null_count:
        within = np.asarray(pc.rank(records[key.name].cast(pa.string()), tiebreaker="first"))
    else:
        raise Failed(told(BadTables("spark-no-order", entity=entity).diagnostic))
    return records.take(pa.array(np.lexsort((within, place))))


def _decided(told_: Told, tables: dict[str, pa.Table]) -> pa.Table:
    root = told_.policy.core.root
    rows = tables[root][ROW] if ROW in tables[root].column_names else None
    if rows is not None:
        tables[root] = tables[root].drop_columns([ROW])
    try:
        found = prepared(told_).decide(tables)
    except BadTables as error:
        raise Failed(told(error.diagnostic)) from None
    table = counted(plain(found.applications), found.by_rows, found.why)
    table = table.append_column(ROW, pa.nulls(table.num_rows, pa.int64()) if rows is None else rows)
    if not told_.wanted:
        return table
    pieces = {"": table, **{e: _placed(plain(t), table) for e, t in found.records.items()}}
    return pa.concat_tables([_boxed(told_, name, piece) for name, piece in pieces.items()])


def counted(table: pa.Table, by_rows: int, why: Mapping[str, int]) -> pa.Table:
    """A table with how many of it went by rows, and why, on the first of them."""
    count = table.num_rows
    numbers = np.zeros(count, np.int64)
    numbers[:1] = by_rows
    reasons = pa.array([json.dumps(dict(why))] if why and count else [], pa.string())
    table = table.append_column(BY_ROWS, pa.array(numbers))
    return table.append_column(WHY, pa.concat_arrays([reasons, pa.nulls(count - len(reasons), pa.string())]))


def reasons_of(texts: Iterable[str]) -> dict[str, int]:
    """Why some went by rows, and how many, from all groups."""
    found: Counter[str] = Counter()
    for text in texts:
        found.update(json.loads(text))
    return dict(sorted(found.items()))


def _placed(records: pa.Table, applications: pa.Table) -> pa.Table:
    """Records with the place of their application."""
    owner = pc.index_in(records["application"], value_set=one(applications["application"]))
    return records.append_column(ROW, applications[ROW].take(owner))


def _boxed(told_: Told, name: str, piece: pa.Table) -> pa.Table:
    """A table as one column of several tables put together."""
    wanted = schema(told_.policy.core, told_.wanted)
    columns = [pa.array([name] * piece.num_rows, pa.string())]
    for field in list(wanted)[1:]:
        if field.name == (name or told_.policy.core.root):
            columns.append(one(pa.chunked_array(piece.to_struct_array().chunks, field.type)))
        else:
            columns.append(pa.nulls(piece.num_rows, field.type))
    return pa.Table.from_arrays(columns, schema=wanted)


def schema(policy: core.Policy, wanted: tuple[str, ...]) -> pa.Schema:
    """What comes out of a task: the applications' table, or it and those of records, each in a column of structs."""
    beside = [(BY_ROWS, pa.int64()), (WHY, pa.string()), (ROW, pa.int64())]
    applications = pa.schema([*plain_schema(outgoing.schema(policy)), *(pa.field(*f) for f in beside)])
    if not wanted:
        return applications
    boxes = [pa.field(policy.root, pa.struct(list(applications)))]
    place = pa.field(ROW, pa.int64())
    boxes += [pa.field(e, pa.struct([*plain_schema(outgoing.record_schema(policy, e)), place])) for e in wanted]
    return pa.schema([pa.field(OF, pa.string()), *boxes])


def plain(table: pa.Table) -> pa.Table:
    """A table of decisions with types that Spark has: texts for words, instants in UTC."""
    return table.cast(plain_schema(table.schema))


def plain_schema(schema_: pa.Schema) -> pa.Schema:
    """A schema with types that Spark has."""
    return pa.schema([pa.field(f.name, _plain_type(f.type)) for f in schema_])


def _plain_type(type_: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(type_):
        return type_.value_type
    return pa.timestamp("us", tz="UTC") if pa.types.is_timestamp(type_) else type_
