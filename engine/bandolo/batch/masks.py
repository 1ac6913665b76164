"""What records fail, as bits, brought to their owners."""

from __future__ import annotations

import numpy as np

from bandolo.batch.grouping import Array, Rows, windows

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
    beside = np.zeros((len(bits[0]), 8), np.uint8)
    for i, each in enumerate(bits):
        beside[:, i] = each
    where = at + rows.bit if rows.bit else at
    flags: Array = beside.view("<u8")[:, 0].take(where >> 3)
    flags >>= (where & 7).view(np.uint64)
    flags &= LOWEST
    flags *= GATHER
    flags >>= np.uint64(56)
    found: Array = words.take(flags.view(np.int64))
    return found


Groups = tuple[tuple[tuple[Array, ...], Array], ...]


def failed_by(bits: Array, bit: int, rows: Rows, groups: Groups, plain: tuple[tuple[Array, int], ...], masks: Array) -> None:
    """Put into the masks of owners what their rows fail; `bits` are the packed flags of rows that fail nothing.

    `groups` are packed flags, eight at a time, with the masks of their combinations, `plain` flags with their bits.
    """
    good = windows(bits, bit, rows)
    if good is None:
        at = failing(bits, bit, rows)
        if len(at):
            who, found = gather_masks(at, _masks_of_rows(at, rows, groups, plain), rows)
            masks[who] |= found
        return
    assert rows.own is not None
    left: Array = good ^ rows.own
    who = np.flatnonzero(left != 0)  # of flags it goes without branches
    begin, left = rows.starts[who], left[who]
    turns, rows_at = [who], []
    while len(who):  # the first row of each owner that fails something, then the second of those that have one, and so on
        first: Array = left & (~left + np.uint64(1))
        rows_at.append(begin + np.bitwise_count(first - np.uint64(1)))
        left ^= first
        more = np.flatnonzero(left != 0)
        who, begin, left = who[more], begin[more], left[more]
        turns.append(who)
    if rows_at:
        found, done = _masks_of_rows(np.concatenate(rows_at), rows, groups, plain), 0
        for who in turns[:-1]:
            masks[who] |= found[done : done + len(who)]
            done += len(who)


def _masks_of_rows(at: Array, rows: Rows, groups: Groups, plain: tuple[tuple[Array, int], ...]) -> Array:
    found = np.zeros(len(at), np.int64)
    for bits, words in groups:
        found |= row_masks(at, rows, bits, words)
    for flags, bit in plain:
        found |= (~flags[at]).astype(np.int64) << bit
    return found


def to_owners(masks: Array, fails: Array) -> tuple[Array, Array]:
    """The owners of failing rows, of which each has so many, and the masks of their rows together."""
    who = np.flatnonzero(fails)
    mine = fails[who]
    return who, np.bitwise_or.reduceat(masks, np.cumsum(mine) - mine)


def owners(at: Array, rows: Rows) -> Array:
    """The owners of some rows."""
    found: Array = np.searchsorted(rows.starts, at, "right") - 1
    return found


def gather_masks(at: Array, masks: Array, rows: Rows) -> tuple[Array, Array]:
    """The owners of some rows in order, each once, and the masks of their rows together."""
    who = owners(at, rows)
    first = np.flatnonzero(np.diff(who, prepend=-1))
    return who[first], np.bitwise_or.reduceat(masks, first)
