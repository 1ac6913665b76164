"""The columns of what the ranking takes of each application: their schemas, and how a key or an amount stands in them.

The schemas depend on the policy alone, so that parts can be put together and other engines can sort by them: every key sorts as its
column does, and a number that need not be whole stands in two, the value rounded down to 18 decimals and what is left of it, which
together tell any two numbers apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bandolo.batch.helpers import Array
from bandolo.batch.outgoing import TEXTS, WORDS
from bandolo.batch.program import Outgoing
from bandolo.batch.tables import BadTables
from bandolo.check import core
from bandolo.language.types import DATE, DATETIME, MONEY, QUANTITIES, OptionalType, Type
from bandolo.language.values import NONE
from bandolo.ranking.entrant import KeyValue

WHOLE, REST = pa.decimal128(38, 18), pa.decimal128(38, 38)
UNIT, FINE = 10**18, 10**38
EXACT = Context(prec=80)
CLAIMS = pa.schema([
    ("row", pa.int64()), ("application", pa.string()), ("key", pa.string()), ("record", pa.string()), ("name", pa.string()),
])  # fmt: skip
"""The columns of `Standings.claims`."""


def schema(policy: core.Policy) -> pa.Schema:
    """The columns of `Standings.table`."""
    plan = policy.ranking
    assert plan is not None
    fields: list[tuple[str, pa.DataType]] = [("application", pa.string()), ("rank.standing", WORDS)]
    for kind, keys in (("key", plan.order_by), ("keep", plan.keep)):
        for i, (expression, _) in enumerate(keys, 1):
            fields += [(f"rank.{kind}.{i}{end}", type_) for end, type_ in key_columns(policy, expression.type)]
    fields.append(("rank.award", pa.decimal128(38, 2)))
    fields += [(f"rank.pot.{name}", pa.decimal128(38, 2)) for name, _, _ in plan.pots]
    return pa.schema([*fields, ("failed", TEXTS), ("missing", TEXTS), ("error", pa.string())])


def key_columns(policy: core.Policy, type_: Type) -> tuple[tuple[str, pa.DataType], ...]:
    """The columns of a key, as the ends of their names and their types: they sort, one after another, as the key does."""
    type_ = type_.of if isinstance(type_, OptionalType) else type_
    if type_ == DATE:
        return (("", pa.date32()),)
    if type_ == DATETIME:
        return (("", pa.timestamp("us", tz=policy.conventions.time_zone)),)
    if is_number(type_):
        return (("", WHOLE), (".rest", REST))
    return (("", pa.int64()),)  # a length of time


def is_number(type_: Type) -> bool:
    """Whether values of a type are amounts or numbers: a key of them stands in two columns."""
    return (type_.of if isinstance(type_, OptionalType) else type_) in (MONEY, *QUANTITIES)


def key_cells(value: KeyValue, type_: Type) -> tuple[Any, ...]:
    """A key in the cells of its columns. Raises BadTables for a number that they do not hold."""
    if value is None:
        return (None, None) if is_number(type_) else (None,)
    if isinstance(value, tuple):
        return (value[0] * 2**32 + value[1],)
    if isinstance(value, Fraction):
        above, rest = divmod(value.numerator * UNIT, value.denominator)
        if abs(above) >= FINE or value.denominator >= 2**62:
            raise BadTables("rank-number-too-long", number=str(value)[:60])
        return Decimal(above).scaleb(-18, EXACT), Decimal(rest * FINE // value.denominator).scaleb(-38, EXACT)
    return (value,)


def key_arrays(part: Outgoing, back: Sequence[Array], type_: Type, policy: core.Policy, count: int, out: Array) -> list[pa.Array]:
    """The columns of a key; empty where the application is not ranked."""
    types = [t for _, t in key_columns(policy, type_)]
    bare = type_.of if isinstance(type_, OptionalType) else type_
    if part.parts[0] is None:
        cells = key_cells(_constant(part.constant, bare), type_)
        return [pc.if_else(pa.array(out), pa.scalar(None, t), pa.scalar(c, t)) for c, t in zip(cells, types, strict=True)]
    values, under, none, _ = (None if at is None else np.broadcast_to(np.asarray(back[at]), (count,)) for at in part.parts)
    assert values is not None
    mask = out if none is None else out | none
    values = np.where(mask, 0, values).astype(np.int64)
    if bare == DATE:
        return [pa.array(values.astype(np.int32), pa.int32(), mask=mask).cast(types[0])]
    if bare == DATETIME:
        return [pa.array(values * (10**6 // part.scale), pa.int64(), mask=mask).cast(types[0])]
    digits = next((k for k in range(19) if 10**k % part.scale == 0), None)
    if under is None and digits is not None:
        factor = 10**digits // part.scale
        if int(np.abs(values).max(initial=0)) * factor < 2**63:
            return [_scaled(values * factor, digits, mask), pc.if_else(pa.array(mask), pa.scalar(None, REST), pa.scalar(Decimal(0), REST))]
    under = np.ones(count, np.int64) if under is None else np.where(mask, 1, under)
    if int(np.max(under, initial=1)) * part.scale >= 2**62:  # it may be that the fractions are shorter than they are written
        pairs = zip(values.tolist(), under.tolist(), strict=True)
        cells_of = [key_cells(Fraction(n, part.scale * d), type_) for n, d in pairs]
        return [pa.array([None if gone else c[i] for c, gone in zip(cells_of, mask, strict=True)], t) for i, t in enumerate(types)]
    divisor = under * part.scale
    parts = [divmod(n * UNIT, d) for n, d in zip(values.tolist(), divisor.tolist(), strict=True)]
    rests = [0 if not rest else rest * FINE // d for (_, rest), d in zip(parts, divisor.tolist(), strict=True)]
    return [_decimals([whole for whole, _ in parts], types[0], mask), _decimals(rests, types[1], mask)]


def _decimals(numbers: list[int], type_: pa.DataType, mask: Array) -> pa.Array:
    """Whole numbers as a column of decimals."""
    data = b"".join([n.to_bytes(16, "little", signed=True) for n in numbers])
    return pa.Array.from_buffers(type_, len(numbers), [pa.py_buffer(np.packbits(~mask, bitorder="little")), pa.py_buffer(data)])


def _scaled(values: Array, digits: int, mask: Array) -> pa.Array:
    """Whole numbers with so many decimals."""
    parts = np.empty((len(values), 2), np.int64)
    parts[:, 0] = values
    np.right_shift(values, 63, out=parts[:, 1])
    valid = pa.py_buffer(np.packbits(~mask, bitorder="little"))
    return pa.Array.from_buffers(pa.decimal128(38, digits), len(values), [valid, pa.py_buffer(parts)]).cast(WHOLE)


def _constant(value: Any, type_: Type) -> KeyValue:
    """A constant of a program as the ranking has it."""
    if value is NONE:
        return None
    if type_ == DATE:
        return date.fromordinal(719163 + int(value))
    if type_ == DATETIME:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(value * 10**6))
    assert isinstance(value, Fraction)
    return value


def cents_of(part: Outgoing, back: Sequence[Array], count: int) -> Array:
    """An amount that a program left, in cents."""
    if part.parts[0] is None:
        return np.full(count, int(part.constant * 100), np.int64)
    return np.broadcast_to(back[part.parts[0]], (count,)).astype(np.int64)


def money_cell(amount: Fraction) -> Decimal:
    """An amount in the cell of its column. Raises BadTables for one that it does not hold."""
    if abs(amount) >= 10**36:
        raise BadTables("rank-number-too-long", number=str(amount)[:60])
    return Decimal((amount * 100).numerator).scaleb(-2, EXACT)
