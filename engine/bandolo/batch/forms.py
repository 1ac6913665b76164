"""The forms in which a column may stand in a table, brought to the few that the batch reads; the values stay as they are."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def plainly_formed(column: pa.Array) -> pa.Array:
    """A column without views, runs and lists of a fixed length, which most of Arrow's functions do not take."""
    kind = column.type
    if pa.types.is_run_end_encoded(kind):
        return plainly_formed(pc.run_end_decode(column))
    if pa.types.is_string_view(kind):
        return column.cast(pa.large_string())  # offsets of 32 bits could be too short
    if pa.types.is_dictionary(kind) and pa.types.is_string_view(kind.value_type):
        return column.cast(pa.dictionary(kind.index_type, pa.string(), kind.ordered))
    if pa.types.is_binary_view(kind):
        return column.cast(pa.large_binary())
    if pa.types.is_fixed_size_list(kind):
        return column.cast(pa.large_list(kind.value_type))
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        return _as_list(column)
    return column


def _as_list(column: pa.Array) -> pa.Array:
    """The lists of a view, one after another."""
    offsets: list[int] = [0]
    which: list[int] = []
    for start, size, there in zip(column.offsets.to_pylist(), column.sizes.to_pylist(), column.is_valid().to_pylist(), strict=True):
        which += range(start, start + size) if there else ()
        offsets.append(len(which))
    values = column.values.take(pa.array(which, pa.int64()))
    return pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), values, mask=column.is_null())


def are_nested(kind: pa.DataType) -> bool:
    """Whether a cell of this type holds more than one value, so that it can be no key."""
    return bool(pa.types.is_nested(kind))


def first_not_utf8(column: pa.Array) -> int | None:
    """The first row whose text is no UTF-8; None where all are, or the column has no texts."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return None
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        for row, cell in enumerate(column.cast(pa.large_binary()).to_pylist()):
            try:
                if cell is not None:
                    cell.decode()
            except UnicodeDecodeError:
                return row
    return None
