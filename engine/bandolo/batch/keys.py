"""The columns of the ranking as whole numbers: what sorts as a key does, amounts in cents, and texts as numbers that are rarely alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bandolo.batch.helpers import Array
from bandolo.batch.ranking_columns import FINE, REST, WHOLE, key_columns
from bandolo.batch.tables import one
from bandolo.check import core

Numbers = list[int | None]


def key_names(policy: core.Policy, kind: str) -> list[tuple[list[str], bool]]:
    """The columns of each key of the order (`key`) or of `keep`, and whether it descends."""
    plan = policy.ranking
    assert plan is not None
    keys = plan.order_by if kind == "key" else plan.keep
    return [
        ([f"rank.{kind}.{i}{end}" for end, _ in key_columns(policy, expression.type)], down) for i, (expression, down) in enumerate(keys, 1)
    ]


def keys_of(policy: core.Policy, kind: str, table: pa.Table) -> list[tuple[Any, ...]]:
    """Of each row its keys as whole numbers, which compare as the keys do: an entrant has them in the place of its keys."""
    columns = [_numbers([one(table[name]) for name in names]) for names, _ in key_names(policy, kind)]
    return list(zip(*columns, strict=True)) if columns else [()] * table.num_rows


def _numbers(columns: Sequence[pa.Array]) -> Numbers:
    if columns[0].type == WHOLE:
        whole, rest = (_wide(c) for c in columns)
        return [None if w is None or r is None else w * FINE + r for w, r in zip(whole, rest, strict=True)]
    found: Numbers = columns[0].cast(pa.int32()).to_pylist() if columns[0].type == pa.date32() else columns[0].cast(pa.int64()).to_pylist()
    return found


def _wide(column: pa.Array) -> Numbers:
    """The whole numbers of a column of decimals."""
    if not len(column):
        return []
    parts = np.frombuffer(column.buffers()[1], np.int64).reshape(-1, 2)[column.offset : column.offset + len(column)]
    low, high = parts[:, 0].view(np.uint64).tolist(), parts[:, 1].tolist()
    made: Numbers = [(h << 64) + w for w, h in zip(low, high, strict=True)]
    if column.null_count:
        made = [None if gone else v for v, gone in zip(made, np.asarray(column.is_null()).tolist(), strict=True)]
    return made


def cents(column: pa.Array) -> Array:
    """Amounts in cents, none as zero: 64 bits, or whole numbers of any size where that is too few."""
    if not len(column):
        return np.zeros(0, np.int64)
    parts = np.frombuffer(column.buffers()[1], np.int64).reshape(-1, 2)[column.offset : column.offset + len(column)]
    null = np.asarray(column.is_null())
    low: Array = np.where(null, 0, parts[:, 0])
    if (parts[:, 1] == parts[:, 0] >> 63)[~null].all():
        return low
    return np.array([v or 0 for v in _wide(column)], object)


def running(amounts: Array) -> Array:
    """The sums down a column, exact."""
    if amounts.dtype != object and len(amounts) and int(np.abs(amounts).max()) * len(amounts) >= 2**63:
        amounts = amounts.astype(object)
    found: Array = np.cumsum(amounts)
    return found


def digests(column: pa.Array) -> Array:
    """A number for each text: the same for the same, and hardly ever the same for two."""
    if pa.types.is_dictionary(column.type):
        known = digests(column.dictionary)
        return known[np.asarray(column.indices)] if len(known) else np.zeros(len(column), np.uint64)
    column = column.cast(pa.large_string())
    count = len(column)
    found = np.zeros(count, np.uint64)
    if not count:
        return found
    offsets = np.frombuffer(column.buffers()[1], np.int64)[column.offset : column.offset + count + 1]
    data = column.buffers()[2]
    text = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    sizes = np.diff(offsets)
    with np.errstate(over="ignore"):
        for size in np.unique(sizes):
            which = np.flatnonzero(sizes == size)
            if size == 0:
                continue
            begin = offsets[which]
            if len(which) == count:
                square = text[begin[0] : begin[0] + count * size].reshape(count, size)
            else:
                square = text[begin[:, None] + np.arange(size)]
            padded = np.zeros((len(which), -(-int(size) // 8) * 8), np.uint8)
            padded[:, :size] = square
            state = np.full(len(which), int(size), np.uint64)
            for word in padded.view("<u8").T:
                state = (state ^ word) * np.uint64(0x9E3779B97F4A7C15)
                state ^= state >> np.uint64(29)
                state *= np.uint64(0xBF58476D1CE4E5B9)
                state ^= state >> np.uint64(32)
            found[which] = state
    return found


def in_order(policy: core.Policy, table: pa.Table) -> tuple[Array, Array]:
    """The rows in the order of the ranking, equal ones by id; and which of them begin a group that no key tells apart."""
    sorting: list[tuple[str, str]] = []
    columns: list[tuple[str, bool]] = [(name, down) for names, down in key_names(policy, "key") for name in names]
    for name, down in columns:
        if table.num_rows and not _is_constant(one(table[name])):
            sorting.append((name, "descending" if down else "ascending"))
    order = np.asarray(pc.sort_indices(table, sort_keys=[*sorting, ("application", "ascending")]))  # empty cells come last
    begins = np.zeros(len(order), bool)
    if len(order):
        begins[0] = True
        for name, _ in sorting:
            begins[1:] |= _differs(one(table[name]).take(pa.array(order)))
    return order, begins


def _is_constant(column: pa.Array) -> bool:
    if column.null_count:
        return bool(column.null_count == len(column))
    return (
        column.type == REST
        and not np.frombuffer(column.buffers()[1], np.int64)[2 * column.offset : 2 * (column.offset + len(column))].any()
    )


def _differs(column: pa.Array) -> Array:
    """Where a value is not the one before it; `none` is equal to `none`."""
    first, second = column.slice(0, len(column) - 1), column.slice(1)
    differ = np.asarray(pc.fill_null(pc.not_equal(first, second), False))
    if not column.null_count:
        return differ
    found: Array = differ | (np.asarray(first.is_null()) != np.asarray(second.is_null()))
    return found


def filled(column: pa.Array, rows: Array, values: pa.Array) -> Any:
    """A column with other values in some rows."""
    order = np.arange(len(column))
    order[rows] = len(column) + np.arange(len(rows))
    return pa.concat_arrays([column, values]).take(pa.array(order))
