"""Instants and wall times of a zone, whole columns at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np

from bandolo.batch.grouping import Array

FIRST_INSTANT, LAST_INSTANT = -4_000_000_000, 6_000_000_000
"""Instants from 1843 to 2160, in seconds: others are left to the reference, so that a zone's changes are a short list."""


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
    first, last = (int(at.searchsorted(int(v) // scale, "right")) - 1 for v in (values.min(), values.max()))
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
