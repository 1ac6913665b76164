"""Values of rows put together for their owners, exactly: sums and counts of flags, one or eight to a byte."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
SURE = float(2**61)
"""A product or sum estimated below this, in floating point, surely stays below the largest number."""


@dataclass
class Rows:
    """The rows of one list in a block: how many, where each owner's begin, how many each has, and the bit at which packed flags begin."""

    count: int
    starts: Array
    counts: Array
    bit: int
    full: bool
    """Every owner has at least one."""
    filled: Array | None = None
    most: int = 0
    places: dict[int, tuple[Array, Array]] = field(default_factory=dict)
    """Where owners' rows begin and the last end in packed flags, by the bit at which these begin: the byte, and the bits before."""
    own: Array | None = None
    """A bit for each of an owner's rows, the lowest for the first."""
    ends: Array | None = None
    """Where each owner's rows begin, and the last end."""
    known: dict[tuple[str, int], tuple[Any, Any]] = field(default_factory=dict)
    """What was made of some flags, and the flags."""

    @staticmethod
    def of(offsets: Array, first: int, bit: int) -> Rows:
        """From the ends of each owner's rows, `first` being where the block's begin."""
        starts = offsets[:-1] - first
        counts = np.diff(offsets)
        full = bool(counts.min(initial=1))
        rows = Rows(int(offsets[-1] - first), starts, counts, bit, full, most=int(counts.max(initial=0)))
        if not full:
            rows.filled = np.flatnonzero(counts)
        return rows


def grouped(ufunc: Any, values: Array, rows: Rows, empty: int, dtype: Any = None) -> Array:
    """`values` of each owner's rows, combined; `empty` where an owner has none."""
    if rows.full:
        found: Array = ufunc.reduceat(values, rows.starts, dtype=dtype)
        return found
    kind = np.dtype(dtype or values.dtype)
    if kind.kind == "i" and not np.iinfo(kind).min <= empty <= np.iinfo(kind).max:
        kind = np.dtype(np.int64)
    made = np.full(len(rows.starts), empty, kind)
    if rows.filled is not None and len(rows.filled):
        made[rows.filled] = ufunc.reduceat(values, rows.starts[rows.filled], dtype=dtype)
    return made


_held = threading.local()
"""Where running sums are put, again and again, by each thread: memory that is in the cache."""


def _sums(count: int) -> Array:
    """A zero, and room for so many whole numbers after it."""
    held: Array | None = _held.__dict__.get("sums")
    if held is None or len(held) <= count:
        held = _held.sums = np.zeros(count * 5 // 4 + 1, np.int64)
    return held[: count + 1]


def total(values: Array, rows: Rows, wide: Array | None = None) -> Array:
    """The sum of each owner's rows, of those whose bits are set: the difference of running sums, right even where these have wrapped."""
    if rows.ends is None:
        rows.ends = np.append(rows.starts, rows.count)
    sums = _sums(rows.count)
    if wide is not None:
        values = np.bitwise_and(values, wide, out=sums[1:])
    np.cumsum(values, out=sums[1:])
    ends = sums.take(rows.ends)
    found: Array = ends[1:] - ends[:-1]
    return found


LOWER = np.array([(1 << i) - 1 for i in range(8)], np.uint8)
WINDOW = 57
"""So many flags surely lie within eight bytes, at whatever bit they begin."""


def places(bit: int, rows: Rows) -> tuple[Array, Array]:
    """Where the rows of each owner begin in packed flags that begin at a bit, and the last end: the byte, and the bit."""
    if bit not in rows.places:
        ends = np.append(rows.starts, rows.count) + bit
        rows.places[bit] = ends >> 3, ends & 7
    return rows.places[bit]


def windows(bits: Array, bit: int, rows: Rows) -> Array | None:
    """The packed flags of each owner's rows as a number, the first row's lowest; None where an owner has too many."""
    if rows.most > WINDOW:
        return None
    known = rows.known.get(("window", id(bits)))
    if known is not None:
        found: Array = known[1]
        return found
    if rows.own is None:
        rows.own = (np.uint64(1) << rows.counts.view(np.uint64)) - np.uint64(1)
    at, over = places(bit, rows)
    padded = np.concatenate((bits, np.zeros(8, np.uint8)))
    found = np.ndarray((len(bits) + 1,), "<u8", padded.data, 0, (1,)).take(at[:-1])
    found >>= over[:-1].view(np.uint64)
    found &= rows.own
    rows.known["window", id(bits)] = bits, found
    return found


def tally(bits: Array, bit: int, rows: Rows) -> Array:
    """How many of each owner's packed flags are set: the ones in its window, or the difference of two running counts."""
    window = windows(bits, bit, rows)
    if window is not None:
        return np.bitwise_count(window).astype(np.int64)
    at, over = places(bit, rows)
    running = np.zeros(len(bits) + 1, np.int64)
    np.cumsum(np.bitwise_count(bits), out=running[1:])
    padded = np.append(bits, np.uint8(0))
    before: Array = running[at] + np.bitwise_count(padded[at] & LOWER[over])
    return np.diff(before)


def packed(flags: Array, rows: Rows) -> Array:
    """Flags eight to a byte."""
    known = rows.known.get(("packed", id(flags)))
    if known is None:
        known = rows.known["packed", id(flags)] = flags, np.packbits(flags, bitorder="little")
    found: Array = known[1]
    return found


def wide_mask(flags: Array) -> Array:
    """All bits set where a flag is."""
    return np.negative(flags.view(np.int8)).astype(np.int64)


def one_of(flags: Array, yes: int, no: int) -> Array:
    """One whole number where a flag is set, another elsewhere."""
    made: Array = flags.astype(np.int64)
    made *= yes - no
    if no:
        made += no
    return made


def some(flags: Array, rows: Rows) -> Array:
    """Whether one of each owner's flags is set."""
    if not flags.any():
        return np.zeros(len(rows.starts), bool)
    return grouped(np.logical_or, flags, rows, 0).astype(bool)


def unpacked(bits: Array, rows: Rows) -> Array:
    flags: Array = np.unpackbits(bits, count=rows.bit + rows.count, bitorder="little")[rows.bit :].view(bool)
    return flags


def spread(values: Array, counts: Array) -> Array:
    return np.repeat(values if np.shape(values) == counts.shape else np.broadcast_to(values, counts.shape), counts)


def size(values: Any) -> int:
    """The largest number without its sign."""
    if not isinstance(values, np.ndarray):
        return abs(int(values))
    return max(int(values.max()), -int(values.min())) if values.size else 0


def too_large(first: Array, second: Array, word: str) -> Array | None:
    """Where a product or a sum could leave 64 bits; None where it nowhere does."""
    a, b = size(first), size(second)
    if (a * b if word == "*" else a + b) < 2**61:
        return None
    x, y = (np.abs(v.astype(np.float64)) if isinstance(v, np.ndarray) else abs(float(v)) for v in (first, second))
    found: Array = (x * y if word == "*" else x + y) >= SURE
    return found if found.any() else None


def checked(first: Array, second: Array, word: str) -> tuple[Array, Array | None]:
    """A product, sum or difference, zero where it could leave 64 bits, and where that is."""
    bad = too_large(first, second, word)
    if bad is not None and bad.shape:
        first = np.where(bad, 0, first)
        second = np.where(bad, 0, second)
    elif bad is not None:
        return np.zeros(1, np.int64), bad
    with np.errstate(over="ignore"):
        return (first * second if word == "*" else first + second if word == "+" else first - second), bad


def total_checked(values: Array, rows: Rows) -> tuple[Array, Array | None]:
    """A sum over each owner's rows, zero where it could leave 64 bits, and where that is."""
    if size(values) * max(int(rows.counts.max(initial=0)), 1) < 2**61:
        return total(values, rows), None
    bad = grouped(np.add, np.abs(values.astype(np.float64)), rows, 0) >= SURE
    return np.where(bad, 0, total(np.where(np.repeat(bad, rows.counts), 0, values), rows)), bad if bad.any() else None
