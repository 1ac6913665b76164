"""The cells of an Arrow column in a program's form: views of the buffers where they allow it, else read as the reference does."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bandolo import limits
from bandolo.batch.columns import EPOCH, instant_number
from bandolo.batch.helpers import Array, from_local
from bandolo.batch.program import Shape
from bandolo.check import core
from bandolo.evaluate.data import Plain
from bandolo.evaluate.typed import UNSAFE, BadValue, read_value
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
    DurationType,
    ListType,
    OptionalType,
    RecordType,
)  # fmt: skip

PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
DAYS = (-719162, 2932896)
"""From the first day of the year 1 to the last of 9999, counted from 1970."""
COMPUTED_SCALE = {MONEY: 100, PERCENT: 10**8, NUMBER: 10**6, INTEGER: 1}


@dataclass
class Given:
    """One column: its shape, the values, where there is none, and the words that codes stand for."""

    shape: Shape
    values: Array
    none: Array | None = None
    words: list[str] = field(default_factory=list)


def cells_of(policy: core.Policy, fact: core.FactDeclaration, array: pa.Array) -> tuple[Given | None, Array | None]:
    """A column in a program's form, and the rows that are not in order; no form where the reference must read it."""
    optional = isinstance(fact.type, OptionalType)
    type_ = fact.type.of if isinstance(fact.type, OptionalType) else fact.type
    if isinstance(type_, RecordType | ListType):
        return None, np.asarray(array.is_valid())
    null = np.asarray(array.is_null()) if array.null_count else None
    none = (null if null is not None else np.zeros(len(array), bool)) if optional else None
    kind = array.type
    if pa.types.is_null(kind):
        return None, None
    if type_ == TEXT or isinstance(type_, ChoiceType):
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind)):
            if fact.key and pa.types.is_integer(kind):
                return None, None  # a number that is only a name
            return None, np.asarray(array.is_valid())
        return _words(type_, array, null, none, fact)
    if pa.types.is_dictionary(kind):
        array = array.dictionary_decode()
        kind = array.type
    if isinstance(type_, DurationType) and fact.low is None and fact.high is None and pa.types.is_string(kind):
        return _lengths(policy, type_, array, null, none, False)
    if isinstance(type_, DurationType):
        return None, np.asarray(array.is_valid())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _spelt(policy, type_, array, null, none, False)
    if type_ == BOOLEAN:
        if not pa.types.is_boolean(kind):
            return None, np.asarray(array.is_valid())
        if none is not None:
            return Given(Shape("flag", none=True), np.asarray(array.fill_null(False)), none), None
        return Given(Shape("bits"), _bits(array)), None
    if type_ == DATE and pa.types.is_date32(kind):
        days = _buffer(array, np.int32)
        return Given(Shape("number", 1, True, optional), days, none), _outside(days, DAYS, null)
    if type_ == DATETIME and pa.types.is_timestamp(kind):
        scale = PER_SECOND[kind.unit]
        values = _buffer(array, np.int64)
        if null is not None:
            values = np.where(null, 0, values)
        wrong = None
        if kind.unit == "ns":
            wrong = values % 1000 != 0
            values, scale = values // 1000, 10**6
        strange = _outside(values, (DAYS[0] * 86400 * scale, (DAYS[1] + 1) * 86400 * scale - 1), null)
        if strange is not None:
            values, wrong = np.where(strange, 0, values), strange if wrong is None else wrong | strange
        if kind.tz is None:
            values = from_local(values, scale, policy.conventions.time_zone)
        return Given(Shape("number", scale, False, optional), values, none), wrong
    if type_ in (MONEY, NUMBER, INTEGER):
        return _number(type_, array, null, none)
    return None, np.asarray(array.is_valid())


def spelt_cells(policy: core.Policy, fact: core.FactDeclaration, array: pa.Array) -> tuple[Given | None, Array | None]:
    """A column of cells as a policy spells them: `none` says that there is none, and an empty cell is unknown (`unknown_cells`)."""
    if not pa.types.is_string(array.type) or isinstance(fact.type, ListType | RecordType):
        return None, np.asarray(array.is_valid())
    if not isinstance(fact.type, OptionalType):
        type_ = fact.type
        if type_ == TEXT or isinstance(type_, ChoiceType):
            return cells_of(policy, fact, array)
        null = np.asarray(array.is_null()) if array.null_count else None
        if isinstance(type_, DurationType):
            return cells_of(policy, fact, array)
        return _spelt(policy, type_, array, null, None)
    array = spelt_none(array)
    null = np.asarray(array.is_null())
    if fact.type.of == TEXT or isinstance(fact.type.of, ChoiceType):
        return _words(fact.type.of, array, null, null, fact)
    if isinstance(fact.type.of, DurationType):
        return cells_of(policy, fact, array)
    return _spelt(policy, fact.type.of, array, null, null)


def spelt_none(array: pa.Array) -> pa.Array:
    """Cells as a policy spells them, in which the word for none has become a null."""
    if not pa.types.is_string(array.type):
        return array
    return pc.if_else(pc.is_in(array, value_set=pa.array(["none", "null", "~"])), pa.scalar(None, pa.string()), array)


def unknown_cells(fact: core.FactDeclaration, array: pa.Array) -> Array | None:
    """Where nobody has said, in cells as a policy spells them, whether there is a value; None where everybody has."""
    return np.asarray(array.is_null()) if isinstance(fact.type, OptionalType) and array.null_count else None


def _outside(values: Array, bounds: tuple[int, int], null: Array | None) -> Array | None:
    """The days or instants that no calendar has; None where there are none."""
    low, high = bounds
    if not len(values) or (int(values.min()) >= low and int(values.max()) <= high):
        return None
    found: Array = (values < low) | (values > high)
    found = found if null is None else found & ~null
    return found if found.any() else None


def _buffer(array: pa.Array, dtype: Any) -> Array:
    """The values of a column of one width, as they stand in memory."""
    buffer = array.buffers()[1]
    if buffer is None:
        return np.zeros(len(array), dtype)
    return np.frombuffer(buffer, dtype)[array.offset : array.offset + len(array)]


def _bits(array: pa.Array) -> Array:
    buffer = array.buffers()[1]
    if buffer is None:
        return np.zeros(0, np.uint8)
    packed = np.frombuffer(buffer, np.uint8)
    if array.offset:
        flags = np.unpackbits(packed, bitorder="little")[array.offset : array.offset + len(array)]
        return np.packbits(flags, bitorder="little")
    return packed[: (len(array) + 7) // 8]


def _number(type_: Any, array: pa.Array, null: Array | None, none: Array | None) -> tuple[Given | None, Array | None]:
    kind = array.type
    optional = none is not None
    if pa.types.is_integer(kind):
        if kind == pa.uint64():
            numbers = _buffer(array, np.uint64)
            large = numbers > 2**63 - 1
            large = large if null is None else large & ~null
            wrong = large if large.any() else None
            return Given(Shape("number", 1, False, optional), numbers.astype(np.int64), none), wrong
        values = _buffer(array, kind.to_pandas_dtype())
        if kind.bit_width < 64 and (type_ == MONEY or pa.types.is_unsigned_integer(kind)):
            values = values.astype(np.int64)
        return Given(Shape("number", 1, values.dtype != np.int64, optional), values, none), None
    if not pa.types.is_decimal(kind):
        return None, np.asarray(array.is_valid())
    scale, wrong = kind.scale, None
    if kind.byte_width == 8:
        values = _buffer(array, np.int64)
    elif kind.byte_width == 4:
        values = _buffer(array, np.int32).astype(np.int64)
    elif kind.byte_width == 16:
        parts = np.frombuffer(array.buffers()[1], np.int64).reshape(-1, 2)[array.offset : array.offset + len(array)]
        values = np.ascontiguousarray(parts[:, 0])
        wide = parts[:, 1] != values >> 63
        wrong = wide if wide.any() else None
    else:
        return None, np.asarray(array.is_valid())
    most = 2 if type_ == MONEY else 0 if type_ == INTEGER else 9
    if scale > most:
        if null is not None:
            values = np.where(null, 0, values)
        step = 10 ** min(scale - most, 18)
        finer = values % step != 0 if scale - most <= 18 else values != 0
        wrong = finer if wrong is None else wrong | finer
        values, scale = values // step, most
    elif scale < 0:
        return None, np.asarray(array.is_valid())
    if wrong is not None and null is not None:
        wrong = wrong & ~null
    if type_ == NUMBER and scale:
        values = values if null is None else np.where(null, 0, values)
        while scale and not (values % 10).any():  # a column that is wider than its numbers: products of them stay short
            values, scale = values // 10, scale - 1
    return Given(Shape("number", 10**scale, False, optional), values, none), wrong


def _words(
    type_: Any, array: pa.Array, null: Array | None, none: Array | None, fact: core.FactDeclaration
) -> tuple[Given | None, Array | None]:
    if fact.key and not pa.types.is_dictionary(array.type):
        return None, _unsafe(array)  # almost every one is different: no codes for what is only a name
    coded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    if not (pa.types.is_string(coded.dictionary.type) or pa.types.is_large_string(coded.dictionary.type)):
        return None, np.asarray(array.is_valid())
    words = coded.dictionary.to_pylist()
    if len(set(words)) < len(words):  # two codes of one word would compare as different
        coded = array.dictionary_decode().dictionary_encode()
        words = coded.dictionary.to_pylist()
    codes = _buffer(coded.indices, coded.indices.type.to_pandas_dtype())
    if null is not None:
        codes = np.where(null, 0, codes)
    bad = np.array([w is None or not _fits(w, type_) for w in words], bool)
    wrong = None
    if bad.any():
        wrong = bad.take(codes, mode="clip")
        wrong = wrong if null is None else wrong & ~null
    return Given(Shape("word", 1, False, none is not None), codes, none, [w or "" for w in words]), wrong


def _fits(word: str, type_: Any) -> bool:
    if isinstance(type_, ChoiceType):
        return word in type_.options
    return len(word) <= limits.TEXT_CHARACTERS and not UNSAFE.search(word)


def _unsafe(array: pa.Array) -> Array | None:
    plain = pc.all(pc.string_is_ascii(array)).as_py() is not False and pc.all(pc.utf8_is_printable(array)).as_py() is not False
    if plain and (pc.max(pc.binary_length(array)).as_py() or 0) <= limits.TEXT_CHARACTERS:
        return None
    kept = pc.and_(pc.string_is_ascii(array), pc.utf8_is_printable(array))
    kept = pc.and_(kept, pc.less_equal(pc.binary_length(array), limits.TEXT_CHARACTERS))
    return ~np.asarray(pc.fill_null(kept, True))


def _spelt(
    policy: core.Policy, type_: Any, array: pa.Array, null: Array | None, none: Array | None, plain: bool = True
) -> tuple[Given | None, Array | None]:
    """A column of texts for something else: each that occurs is read as the reference reads it."""
    coded = array.dictionary_encode()
    codes = np.asarray(coded.indices.fill_null(0)) if len(array) else np.zeros(0, np.int64)
    scale = COMPUTED_SCALE.get(type_, 10**6 if type_ == DATETIME else 1)
    read = [_read(policy, type_, w, scale, plain) for w in coded.dictionary.to_pylist()]
    values = np.array([r or 0 for r in read] or [0], np.int64)[codes] if len(array) else np.zeros(0, np.int64)
    bad = np.array([r is None for r in read] or [False], bool)
    wrong = bad[codes] if bad.any() else None
    if wrong is not None and null is not None:
        wrong = wrong & ~null
    if type_ == BOOLEAN:
        return Given(Shape("flag", 1, False, none is not None), values.astype(bool), none), wrong
    return Given(Shape("number", scale, False, none is not None), values, none), wrong


def _lengths(
    policy: core.Policy, type_: DurationType, array: pa.Array, null: Array | None, none: Array | None, plain: bool
) -> tuple[Given, Array | None]:
    """Lengths of time, which are looked at and kept for no rule: those that are not in order are found."""
    coded = array.dictionary_encode()
    bad = np.array([not _is_length(policy, type_, w, plain) for w in coded.dictionary.to_pylist()] or [False], bool)
    wrong = bad[np.asarray(coded.indices.fill_null(0))] if len(array) and bad.any() else None
    if wrong is not None and null is not None:
        wrong = wrong & ~null
    return Given(Shape("length", none=none is not None), np.zeros(len(array), bool), none), wrong


def _is_length(policy: core.Policy, type_: DurationType, text: str, plain: bool) -> bool:
    try:
        read_value(Plain(text) if plain else text, type_, policy.conventions)
    except BadValue:
        return False
    return True


def _read(policy: core.Policy, type_: Any, text: str, scale: int, plain: bool) -> int | None:
    from datetime import date, datetime

    try:
        value = read_value(Plain(text) if plain else text, type_, policy.conventions)
    except BadValue:
        return None
    match value:
        case bool():
            return int(value)
        case datetime():
            scaled = instant_number(value) * scale
        case date():
            return (value - EPOCH).days
        case Fraction():
            scaled = value * scale
        case _:
            return None
    return int(scaled) if scaled.denominator == 1 and abs(scaled) < 2**62 else None
