"""What a columnar program calls while it runs. Everything is exact: what could leave 64 bits is told apart row by row and left out."""

from __future__ import annotations

from typing import Any

import numpy as np

from bandolo.batch.grouping import (
    Array,
    Rows,
    checked,
    grouped,
    one_of,
    packed,
    some,
    spread,
    tally,
    total,
    total_checked,
    unpacked,
    wide_mask,
)  # fmt: skip
from bandolo.batch.masks import failed_by, failing, gather_masks, owners, row_masks, to_owners
from bandolo.batch.zones import FIRST_INSTANT, LAST_INSTANT, from_local, local_day


def either(*flags: Array | None) -> Array | None:
    """Where one of several is set; None stands for nowhere."""
    found: Array | None = None
    for flag in flags:
        if flag is not None:
            found = flag if found is None else found | flag
    return found


def flags_of(flags: Array | None, rows: Rows) -> Array:
    """Flags, all unset where there are none."""
    return np.zeros(rows.count, bool) if flags is None else flags


def unless(flags: Array | None, bad: Array | None) -> Array | None:
    return flags if flags is None or bad is None else flags & ~bad


def filled(values: Array, none: Array | None, value: int) -> Array:
    """Values, with another one where there is none."""
    return values.astype(np.int64) if none is None else np.where(none, value, values)


def with_words(words: list[str], wanted: str) -> list[str]:
    """A list of words in which one surely is."""
    return words if wanted in words else [*words, wanted]


def filled_words(codes: Array, none: Array | None, words: list[str], wanted: str) -> Array:
    return codes if none is None else np.where(none, words.index(wanted), codes)


def both(first: Array | None, second: Array) -> Array | None:
    return None if first is None else first & second


def lifted(flag: Array | None, counts: Array) -> Array | None:
    return None if flag is None else spread(flag, counts)


def some_bad(flag: Array | None, rows: Rows) -> Array | None:
    return None if flag is None else some(flag, rows)


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


def round_down(n: Any, d: Any) -> Array:
    n = np.asarray(n)
    quotient: Array = np.floor_divide(n, d)
    if np.size(n) and np.min(n) < 0:  # nothing, divided by a column, is a plain zero
        quotient = np.where((n < 0) & (quotient * d != n), quotient + 1, quotient)
    return quotient


def round_up(n: Any, d: Any) -> Array:
    n = np.asarray(n)
    quotient: Array = np.floor_divide(n, d)
    quotient += (n > 0) & (quotient * d != n)
    return quotient


def round_half_up(n: Any, d: Any) -> Array:
    n = np.asarray(n)
    if n.size and n.min() < 0:
        size: Array = np.sign(n) * ((2 * np.abs(n) + d) // (2 * d))
        return size
    rounded: Array = (2 * n + d) // (2 * d)
    return rounded


def round_half_even(n: Any, d: Any) -> Array:
    n = np.asarray(n)
    size = np.abs(n)
    whole = size // d
    rest = 2 * (size - whole * d)
    whole = whole + ((rest > d) | ((rest == d) & (whole & 1 == 1)))
    signed: Array = np.sign(n) * whole
    return signed


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


TABLE: dict[str, Any] = {
    f.__name__: f
    for f in (
        total, tally, failed_by, one_of, some, unpacked, spread, checked, total_checked, either, flags_of, unless, filled, with_words,
        filled_words, both, lifted, some_bad, is_known, found_code, found_codes, table_of, looked_up, merged, distinct, ranked, allocated,
        picked, picked_above, picked_bad,
        round_down, round_up, round_half_up, round_half_even, packed, wide_mask, row_masks, to_owners, failing, owners, gather_masks,
        grouped, local_day, outside,
    )
} | {"np": np}  # fmt: skip
"""The names that a program finds."""

__all__ = ["FIRST_INSTANT", "LAST_INSTANT", "TABLE", "Array", "Rows", "from_local"]
