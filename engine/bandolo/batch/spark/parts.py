"""What a task of Spark does for a ranking: what it takes of each application, and one part of the list.

The list is cut into parts by its keys, so that what no key tells apart stands in one part. What a part must know of those before it is
little: how many they are, what they got, what they left of each pot, and whether the list was closed. Then it is a list of its own, made
by the code that makes the whole list on one machine (`batch/listed.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bandolo.batch import listed, standing
from bandolo.batch.helpers import Array
from bandolo.batch.keys import cents, in_order
from bandolo.batch.ranked import prepared_for
from bandolo.batch.ranking_columns import schema
from bandolo.batch.run import Prepared
from bandolo.batch.spark import worker
from bandolo.batch.spark.problems import told
from bandolo.batch.spark.worker import BY_ROWS, OF, ROW, WHY, Failed, Told, plain, plain_schema
from bandolo.batch.standing import ranker_for
from bandolo.batch.tables import BadTables, one, together
from bandolo.check import core
from bandolo.ranking.entrant import Strike
from bandolo.ranking.options import Options
from bandolo.ranking.rank import Ranker
from bandolo.ranking.spending import Spending

RANK, CLAIM = "rank", "claim"
PART, WITHIN = "bandolo part", "bandolo within"
"""The part of the list that a row is in; its place among those that no key tells apart."""
CLAIMS = pa.schema([("application", pa.string()), ("key", pa.string())])


# What the ranking takes.


def taken_of_group(told_: Told, applications: pa.Table, records: pa.Table) -> pa.Table:
    """What the ranking takes of a group of applications whose records stand in tables of their own."""
    return _taken(told_, worker.tables_of_group(told_, applications, records))


def taken_of_batches(told_: Told, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """What the ranking takes of applications that hold their records in lists."""
    for batch in batches:
        yield from _taken(told_, {told_.policy.core.root: pa.Table.from_batches([batch])}).to_batches()


_kept: dict[tuple[Any, ...], tuple[Prepared, Ranker]] = {}


def prepared(told_: Told) -> tuple[Prepared, Ranker]:
    """The policy, ready to give what its ranking takes; read once in a process."""
    name = (told_.policy.files, repr(sorted(told_.what_if.items())))
    if name not in _kept:
        _kept.clear()
        made = prepared_for(told_.policy, dict(told_.what_if))
        _kept[name] = made, ranker_for(made)
    return _kept[name]


def _taken(told_: Told, tables: dict[str, pa.Table]) -> pa.Table:
    policy = told_.policy.core
    ready, ranker = prepared(told_)
    tables[policy.root] = tables[policy.root].drop_columns([c for c in (ROW,) if c in tables[policy.root].column_names])
    try:
        found = standing.of_tables(ready, together(policy, tables), ranker, named=False)
    except BadTables as error:
        raise Failed(told(error.diagnostic)) from None
    table = worker.counted(plain(found.table), found.by_rows, found.why)
    names = one(table["application"])
    claims = pa.table([names.take(one(found.claims["row"])), found.claims["key"].cast(pa.string())], schema=CLAIMS)
    wanted = taken_schema(policy)
    pieces = [_boxed(wanted, RANK, table), _boxed(wanted, CLAIM, claims)]
    return pa.concat_tables(pieces)


def taken_schema(policy: core.Policy) -> pa.Schema:
    """Two tables in one: what the ranking takes, and the claims."""
    rows = pa.schema([*plain_schema(schema(policy)), pa.field(BY_ROWS, pa.int64()), pa.field(WHY, pa.string())])
    return pa.schema([(OF, pa.string()), (RANK, pa.struct(list(rows))), (CLAIM, pa.struct(list(CLAIMS)))])


def _boxed(wanted: pa.Schema, name: str, piece: pa.Table) -> pa.Table:
    count = piece.num_rows
    columns: dict[str, Any] = {f.name: pa.nulls(count, f.type) for f in wanted}
    columns[OF] = pa.array([name] * count, pa.string())
    columns[name] = pa.chunked_array(piece.to_struct_array().chunks, wanted.field(name).type)
    return pa.table(columns, schema=wanted)


# One part of the list.


@dataclass(frozen=True)
class Before:
    """What stands before a part of the list: how many, what they got, what they left of each pot (in cents), and how the list ended."""

    count: int
    given: int
    left: tuple[int, ...]
    ended: str = ""
    """`closed` or `stopped`, if the list was before."""


@dataclass(frozen=True)
class Lists:
    """What every part of the list is told besides: the policy's ranking, the strikes by application, and who is disputed."""

    strikes: Mapping[str, list[Strike]]
    disputed: Mapping[str, Sequence[str]]
    before: Mapping[int, Before]
    placed: int = 0
    """How many are in the list."""
    options: Options | None = field(default=None)


def list_part(told_: Told, lists: Lists, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The rows of one part of the list."""
    yield from _listed(told_, lists, batches, placed)


def list_rest(told_: Told, lists: Lists, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The rows of one part of those that are not in the list."""
    yield from _listed(told_, lists, batches, unplaced)


def _listed(
    told_: Told, lists: Lists, batches: Iterator[pa.RecordBatch], rows: Callable[[core.Policy, Lists, pa.Table, Before], pa.Table]
) -> Iterator[pa.RecordBatch]:
    held = list(batches)
    if sum(b.num_rows for b in held):
        box = one(pa.Table.from_batches(held)["row"])
        table = pa.table(dict(zip([f.name for f in box.type], box.flatten(), strict=True)))
        number = table[PART][0].as_py()
        found = rows(told_.policy.core, lists, table.drop_columns([PART]), lists.before[number])
        yield from found.cast(list_schema(told_.policy.core, lists)).to_batches()


def list_schema(policy: core.Policy, lists: Lists) -> pa.Schema:
    """The columns of the list, its place in it, and that among equals."""
    table = _with_types(policy, pa.table({f.name: pa.array([], f.type) for f in plain_schema(schema(policy))}))
    nothing = replace(lists, strikes={}, disputed={})
    return plain_schema(unplaced(policy, nothing, table, Before(0, 0, ())).schema)


def placed(policy: core.Policy, lists: Lists, table: pa.Table, before: Before) -> pa.Table:
    """A part of the list, after what stands before it."""
    ranked, begins, asked = ordered(policy, table)
    shares = shares_of(lists.options, asked, begins, before)
    rows = np.arange(ranked.num_rows)
    found = _rows(policy, lists, ranked, rows, begins, shares)
    starts = np.flatnonzero(begins)
    within = rows - starts[np.cumsum(begins) - 1] if len(rows) else rows
    position = pc.add(found["position"], before.count)
    total = listed.money_column(cents(one(found["cumulative"])) + before.given, None)
    for name, column in (("position", position), ("cumulative", pa.chunked_array([total]))):
        found = found.set_column(found.column_names.index(name), name, column)
    if before.count:
        found = _below(found)
    return found.append_column(ROW, pa.array(rows + before.count)).append_column(WITHIN, pa.array(within))


def unplaced(policy: core.Policy, lists: Lists, table: pa.Table, before: Before) -> pa.Table:
    """A part of those that are not in the list, in order."""
    table = _with_types(policy, table)
    words = one(table["rank.standing"])
    order = listed.unplaced(one(table["application"]), words, np.zeros(table.num_rows, bool))
    count = max(len(lists.options.budget or ()), 1) if lists.options is not None else 1
    nothing: list[Array] = [np.zeros(0, np.int64) for _ in range(count)]
    left = nothing if lists.options is None or lists.options.budget is not None else []
    shares = listed.Shares(np.zeros(0, np.int8), np.zeros(0, np.int8), nothing, left)
    found = _rows(policy, lists, table, order, np.zeros(0, bool), shares)
    rows = pa.array(np.arange(table.num_rows) + before.count)
    return found.append_column(ROW, rows).append_column(WITHIN, pa.nulls(table.num_rows, pa.int64()))


def ordered(policy: core.Policy, table: pa.Table) -> tuple[pa.Table, Array, list[Array]]:
    """A part in order, where groups begin that no key tells apart, and what is asked of each pot in cents."""
    table = _with_types(policy, table)
    order, begins = in_order(policy, table)
    ranked = table.take(pa.array(order)).combine_chunks()
    return ranked, begins, [cents(one(ranked[name])) for name in pots_of(policy)]


def pots_of(policy: core.Policy) -> list[str]:
    """The columns of what is asked of each pot."""
    assert policy.ranking is not None
    return [f"rank.pot.{name}" for name, _, _ in policy.ranking.pots] or ["rank.award"]


def part_of(placed: Any, number: int) -> pa.Table:
    """One part of a list that Spark has cut, brought here."""
    from pyspark.sql import functions as f

    return placed.where(f.col(f"`{PART}`") == number).drop(PART).toArrow()


def shares_of(options: Options | None, asked: list[Array], begins: Array, before: Before) -> listed.Shares:
    """What each of a part gets, where so much is left."""
    assert options is not None
    if options.budget is None:
        return listed.spent(asked, begins, options)
    if not before.ended:
        return listed.spent(asked, begins, replace(options, budget=tuple(Fraction(c, 100) for c in before.left)))
    made = listed.Shares(
        np.zeros(len(begins), np.int8), np.zeros(len(begins), np.int8), [a.copy() for a in asked], [a.copy() for a in asked]
    )
    spending = Spending(options, tuple(Fraction(c) for c in before.left))
    status, why = ("undetermined", "after_tie") if before.ended == "stopped" else ("admitted_not_financed", "closed")
    listed.give_nothing(made, spending, 0, len(begins), status, why)
    return made


def _rows(policy: core.Policy, lists: Lists, table: pa.Table, rows: Array, begins: Array, shares: listed.Shares) -> pa.Table:
    """The rows of the list, as one machine writes them."""
    names = one(table["application"])
    mine = set(names.to_pylist()) if lists.strikes or lists.disputed else set()
    strikes = {id_: found for id_, found in lists.strikes.items() if id_ in mine}
    disputed = {id_: found for id_, found in lists.disputed.items() if id_ in mine}
    is_disputed = np.asarray(pc.is_in(names, value_set=pa.array(sorted(disputed), pa.string())))
    assert lists.options is not None
    return plain(listed.list_table(policy, lists.options, table, rows, begins, shares, strikes, disputed, is_disputed[rows]).table)


def _below(table: pa.Table) -> pa.Table:
    """In a part that is not the first nobody is first."""
    at = table.column_names.index("reasons")
    coded = [["below" if code == "first" else code for code in codes] for codes in table["reasons"].to_pylist()] if table.num_rows else []
    return table.set_column(at, "reasons", pa.array(coded, table["reasons"].type))


def _with_types(policy: core.Policy, table: pa.Table) -> pa.Table:
    """A part with the very types that the list is made of."""
    return table.cast(plain_schema(schema(policy))).combine_chunks()
