"""What a columnar program calls while it runs. Everything is exact: what could leave 64 bits is told apart row by row and left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
SURE = float(2**61)
"""A product or sum estimated below this, in floating point, surely stays below the largest number."""

FIRST_INSTANT, LAST_INSTANT = -4_000_000_000, 6_000_000_000
"""Instants from 1843 to 2160, in seconds: others are left to the reference, so that a zone's changes are a short list."""


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
    made = np.full(len(rows.starts), empty, dtype or values.dtype)
    if rows.filled is not None and len(rows.filled):
        made[rows.filled] = ufunc.reduceat(values, rows.starts[rows.filled], dtype=dtype)
    return made


def total(values: Array, rows: Rows) -> Array:
    return grouped(np.add, values, rows, 0)


LOWER = np.array([(1 << i) - 1 for i in range(8)], np.uint8)


def tally(bits: Array, bit: int, rows: Rows) -> Array:
    """How many of each owner's packed flags are set: the difference of two running counts."""
    if bit not in rows.places:
        ends = np.append(rows.starts, rows.count) + bit
        rows.places[bit] = ends >> 3, LOWER[ends & 7]
    at, lower = rows.places[bit]
    running = np.zeros(len(bits) + 1, np.int64)
    np.cumsum(np.bitwise_count(bits), out=running[1:])
    padded = np.append(bits, np.uint8(0))
    before = running[at] + np.bitwise_count(padded[at] & lower)
    return before[1:] - before[:-1]


def packed(flags: Array) -> Array:
    return np.packbits(flags, bitorder="little")


def wide_mask(flags: Array) -> Array:
    """All bits set where a flag is."""
    return np.negative(flags.view(np.int8), dtype=np.int64)


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


def too_large(first: Array, second: Array, word: str) -> Array | None:
    """Where a product or a sum could leave 64 bits; None where it nowhere does."""
    a, b = (int(np.abs(x).max(initial=0)) if isinstance(x, np.ndarray) else abs(int(x)) for x in (first, second))
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
    largest = int(np.abs(values).max(initial=0))
    if largest * max(int(rows.counts.max(initial=0)), 1) < 2**61:
        return total(values, rows), None
    bad = grouped(np.add, np.abs(values.astype(np.float64)), rows, 0) >= SURE
    return np.where(bad, 0, total(np.where(np.repeat(bad, rows.counts), 0, values), rows)), bad if bad.any() else None


def either(*flags: Array | None) -> Array | None:
    """Where one of several is set; None stands for nowhere."""
    found: Array | None = None
    for flag in flags:
        if flag is not None:
            found = flag if found is None else found | flag
    return found


def both(first: Array | None, second: Array) -> Array | None:
    return None if first is None else first & second


def lifted(flag: Array | None, counts: Array) -> Array | None:
    return None if flag is None else spread(flag, counts)


def some_bad(flag: Array | None, rows: Rows) -> Array | None:
    return None if flag is None else some(flag, rows)


def all_of(flag: Array | None) -> Any:
    """Flags, where None stands for nowhere."""
    return False if flag is None else flag


def is_known(null: Array | None, rows: Rows) -> Array:
    """Where a fact is there."""
    return np.ones(rows.count, bool) if null is None else ~null


def found_code(words: list[str], word: str) -> int:
    return words.index(word) if word in words else -1


def found_codes(words: list[str], wanted: Any) -> Array:
    return np.fromiter((w in wanted for w in words), bool, len(words)) if words else np.zeros(1, bool)


def table_of(words: list[str], values: dict[str, int], otherwise: int) -> Array:
    return np.fromiter((values.get(w, otherwise) for w in words), np.int64, len(words)) if words else np.zeros(1, np.int64)


def looked_up(table: Array, codes: Array) -> Array:
    found: Array = table.take(codes, mode="clip")
    return found


def merged(texts: tuple[str, ...], *tables: list[str]) -> tuple[Any, ...]:
    """One list of the words of several, and of each the codes that its words have there."""
    words = list(dict.fromkeys([*texts, *(w for table in tables for w in table)])) or [""]
    codes = {w: i for i, w in enumerate(words)}
    return (words, *(np.array([codes[w] for w in table] or [0], np.int64) for table in tables))


def picked(values: Array, at: Array) -> Array:
    """The values of the rows that are referred to; garbage where there is no reference."""
    return values[at] if len(values) else np.zeros(len(at), values.dtype)


def picked_above(values: Array, at: Array) -> Array:
    return values[at] if len(values) else np.ones(len(at), values.dtype)


def picked_bad(values: Array | None, at: Array) -> Array | None:
    return None if values is None else picked(values, at)


def distinct(values: Array, mask: Array | None, rows: Rows) -> Array:
    """How many different values each owner's rows have."""
    count = len(rows.starts)
    own = np.repeat(np.arange(count), rows.counts)
    if mask is not None:
        values, own = values[mask], own[mask]
    known, codes = np.unique(values, return_inverse=True)
    pairs = np.unique(own * max(len(known), 1) + codes)
    return np.bincount(pairs // max(len(known), 1), minlength=count)


def ranked(words: list[str], codes: Array) -> Array:
    """The place of each text in the order of texts."""
    order = sorted(range(len(words)), key=words.__getitem__)
    places = np.empty(max(len(words), 1), np.int64)
    places[order] = np.arange(len(words))
    return looked_up(places, codes)


def allocated(cents: Array, weights: Array, mask: Array | None, ties: Array, rows: Rows) -> tuple[Array, Array | None]:
    """Each row's part of its owner's cents by largest remainder (evaluate/shares.py), and the owners for whom that cannot be told here."""
    count = len(rows.starts)
    cents = np.broadcast_to(np.asarray(cents, np.int64), (count,))
    weights = weights if mask is None else np.where(mask, weights, 0)
    whole, over = total_checked(weights, rows)
    below = some(weights < 0, rows) | (cents < 0)
    sure = (whole > 0) & ~below
    share, large = checked(np.repeat(np.where(sure, cents, 0), rows.counts), weights, "*")
    by = np.repeat(np.where(sure, whole, 1), rows.counts)
    parts = share // by
    rests = share - parts * by
    left = np.where(sure, cents - total(parts, rows), 0)
    bad = either(below, over, None if large is None else some(large, rows))
    if left.any():
        own = np.repeat(np.arange(count), rows.counts)
        listed = np.ones(rows.count, bool) if mask is None else mask
        order = np.lexsort((ties, -rests, ~listed, own))
        place = np.empty(rows.count, np.int64)
        place[order] = np.arange(rows.count) - np.repeat(rows.starts, rows.counts)
        more = place < np.repeat(left, rows.counts)
        parts = parts + more
        # The last that gets a cent and the first that does not must differ, in remainder or tie.
        who = np.flatnonzero((left > 0) & (left < rows.counts))
        at = rows.starts[who] + left[who]
        first, second = order[at - 1], order[at]
        same = (rests[first] == rests[second]) & (ties[first] == ties[second]) & listed[second]
        if same.any():
            unbroken = np.zeros(count, bool)
            unbroken[who[same]] = True
            bad = either(bad, unbroken)
    return parts, bad


def round_down(n: Array, d: Any) -> Array:
    quotient: Array = np.floor_divide(n, d)
    if n.size and n.min() < 0:
        quotient = np.where((n < 0) & (quotient * d != n), quotient + 1, quotient)
    return quotient


def round_up(n: Array, d: Any) -> Array:
    quotient: Array = np.floor_divide(n, d)
    quotient += (n > 0) & (quotient * d != n)
    return quotient


def round_half_up(n: Array, d: Any) -> Array:
    if n.size and n.min() < 0:
        size: Array = np.sign(n) * ((2 * np.abs(n) + d) // (2 * d))
        return size
    rounded: Array = (2 * n + d) // (2 * d)
    return rounded


def round_half_even(n: Array, d: Any) -> Array:
    size = np.abs(n)
    whole = size // d
    rest = 2 * (size - whole * d)
    whole = whole + ((rest > d) | ((rest == d) & (whole & 1 == 1)))
    signed: Array = np.sign(n) * whole
    return signed


@cache
def changes(zone: str) -> tuple[Array, Array]:
    """The instants at which a zone's offset from UTC changes, in seconds, and the offsets from each on; the first holds for all before."""
    place = ZoneInfo(zone)
    at: list[int] = [-(2**62)]
    step = 86400 * 7
    offsets: list[int] = [_offset(place, FIRST_INSTANT - 2 * step)]
    moment = FIRST_INSTANT - 2 * step
    while moment < LAST_INSTANT + 2 * step:
        here, there = _offset(place, moment), _offset(place, moment + step)
        if here != there:
            low, high = moment, moment + step
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _offset(place, middle) == here else (low, middle)
            at.append(high)
            offsets.append(there)
        moment += step
    return np.array(at), np.array(offsets)


def _offset(place: ZoneInfo, seconds: int) -> int:
    found = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).astimezone(place).utcoffset()
    assert found is not None
    return int(found.total_seconds())


def local_day(values: Array, scale: int, zone: str) -> Array:
    """The day, in a zone, of instants in `scale`ths of a second."""
    if not len(values):
        return values
    at, offsets = changes(zone)
    first, last = (int(np.searchsorted(at, int(v) // scale, "right")) - 1 for v in (values.min(), values.max()))
    if first == last:
        return (values + int(offsets[first]) * scale) // (86400 * scale)
    local = values // scale + offsets[np.searchsorted(at, values // scale, "right") - 1]
    return local // 86400


def from_local(values: Array, scale: int, zone: str) -> Array:
    """Instants from wall times: one that is skipped takes the offset before the change, one that comes twice is the first."""
    if not len(values):
        return values
    at, offsets = changes(zone)
    # A wall time belongs to the last stretch that had begun by the clock of the stretch before it.
    begins = at[1:] + np.maximum(offsets[:-1], offsets[1:])
    first, last = (int(np.searchsorted(begins, int(v) // scale, "right")) for v in (values.min(), values.max()))
    if first == last:
        return values - int(offsets[first]) * scale
    made: Array = values - offsets[np.searchsorted(begins, values // scale, "right")] * scale
    return made


LOWEST, GATHER = np.uint64(0x0101010101010101), np.uint64(0x0102040810204080)
"""The lowest bit of each byte; and what brings these together in the highest byte."""


def failing(bits: Array, bit: int, rows: Rows) -> Array:
    """The rows whose packed flag is not set, where that is seldom."""
    unset = ~bits
    if not len(unset):
        return np.zeros(0, np.int64)
    unset[0] &= np.uint8(0xFF << bit & 0xFF)
    over = len(unset) * 8 - bit - rows.count
    unset[-1] &= np.uint8(0xFF >> over)
    at = np.flatnonzero(unset)
    inside = np.flatnonzero(np.unpackbits(unset[at], bitorder="little").view(bool))
    found: Array = (at * 8 - bit)[inside >> 3] + (inside & 7)
    return found


def row_masks(at: Array, rows: Rows, bits: tuple[Array, ...], words: Array) -> Array:
    """For some rows, the masks of what they fail, of eight packed flags at a time; `words` are the masks of all combinations."""
    where = at + rows.bit
    beside = np.empty((len(bits[0]), 8), np.uint8)
    for i, each in enumerate(bits):
        beside[:, i] = each
    flags = beside.view("<u8")[:, 0][where >> 3] >> (where & 7).astype(np.uint64) & LOWEST
    found: Array = words[(flags * GATHER) >> np.uint64(56)]
    return found


def to_owners(masks: Array, fails: Array) -> tuple[Array, Array]:
    """The owners of failing rows, of which each has so many, and the masks of their rows together."""
    who = np.flatnonzero(fails)
    mine = fails[who]
    return who, np.bitwise_or.reduceat(masks, np.cumsum(mine) - mine)


def outside(values: Array, low: int, high: int, none: Array | None) -> Array | None:
    """Where values that are there lie outside a range; None if nowhere."""
    if not len(values):
        return None
    if low >= 0 and values.dtype == np.int64:  # a number below zero is a very large one without its sign
        if np.maximum.reduce(values.view(np.uint64)) <= high and (low == 0 or np.minimum.reduce(values) >= low):
            return None
    elif np.minimum.reduce(values) >= low and np.maximum.reduce(values) <= high:
        return None
    found: Array = (values < low) | (values > high)
    if none is not None:
        found &= ~none
    return found if found.any() else None


def owners(at: Array, rows: Rows) -> Array:
    """The owners of some rows."""
    found: Array = np.searchsorted(rows.starts, at, "right") - 1
    return found


def gather_masks(at: Array, masks: Array, rows: Rows) -> tuple[Array, Array]:
    """The owners of some rows in order, each once, and the masks of their rows together."""
    who = owners(at, rows)
    first = np.flatnonzero(np.diff(who, prepend=-1))
    return who[first], np.bitwise_or.reduceat(masks, first)


TABLE: dict[str, Any] = {
    f.__name__: f
    for f in (
        total, tally, some, unpacked, spread, checked, total_checked, either, both, lifted, some_bad, is_known, all_of, found_code,
        found_codes, table_of, looked_up, merged, distinct, ranked, allocated, picked, picked_above, picked_bad, round_down,
        round_up, round_half_up, round_half_even, packed, wide_mask, row_masks, to_owners, failing, owners, gather_masks,
        grouped, local_day, outside,
    )
} | {"np": np}  # fmt: skip
"""The names that a program finds."""
