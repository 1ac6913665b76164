"""NumPy by hand: exact, in cents; flags stay packed, amounts go through in blocks that stay in the cache. One thread."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from workload import COSTS, UNWANTED, WANTED

TITLE = "NumPy, by hand"
BLOCK = 1024


def prepared() -> Callable[[dict[str, pa.Table]], dict[str, Any]]:
    return by_hand


def by_hand(given: dict[str, pa.Table]) -> dict[str, Any]:
    projects = {name: given["project"][name].chunk(0) for name in given["project"].column_names}
    partners = {name: given["partner"][name].chunk(0) for name in given["partner"].column_names}
    many, count = len(partners["project"]), len(projects["id"])
    good = _bits(partners[WANTED[0]]).copy()
    for name in WANTED[1:]:
        good &= _bits(partners[name])
    bad = _bits(partners[UNWANTED[0]]).copy()
    for name in UNWANTED[1:]:
        bad |= _bits(partners[name])
    counted = _flags(good & ~bad, many)
    counted &= ~_is(partners["ateco_section"], "A")
    large = _is(partners["size"], "large") & counted
    rated = _flags(_bits(partners["legality_rating"]), many).view(np.int8)
    one, one_large = counted.view(np.int8), large.view(np.int8)
    amounts = [_values(partners[name], np.int64) for name in COSTS]
    owner = _values(partners["project"], np.int32)
    starts = np.concatenate(([0], np.flatnonzero(owner[1:] != owner[:-1]) + 1, [many]))
    capital, capital_large, current, current_large = (np.empty(count, np.int64) for _ in range(4))
    n_counted, n_large, n_rated = (np.empty(count, np.int8) for _ in range(3))
    add = np.add.reduceat
    for low in range(0, count, BLOCK):
        high = min(low + BLOCK, count)
        x, y = starts[low], starts[high]
        at = starts[low:high] - x
        for first, second, whole, of_large in ((0, 1, capital, capital_large), (2, 3, current, current_large)):
            costs = amounts[first][x:y] + amounts[second][x:y]
            costs *= one[x:y]
            add(costs, at, out=whole[low:high])
            costs *= one_large[x:y]
            add(costs, at, out=of_large[low:high])
        add(one[x:y], at, out=n_counted[low:high])
        add(one_large[x:y], at, out=n_large[low:high])
        add(rated[x:y], at, out=n_rated[low:high])
    total, capital_sme, current_sme = capital + current, capital - capital_large, current - current_large
    sent = _values(projects["submitted_at"], np.int64)
    fails = (
        sent > int(np.datetime64("2023-02-28T16:00:00", "s").astype(np.int64)),
        ~_flags(_bits(projects["agreement_signed"]), count),
        n_counted < 10,
        total < 20_000_000,
        _values(projects["project_start"], np.int32) <= sent // 86400,
        _values(projects["project_end"], np.int32) > _day(2023, 10, 30),
        (n_large > 0) & ((capital_sme + current_sme) * 10 < total * 3),
    )
    reasons = np.zeros(count, np.uint8)
    for i, flag in enumerate(fails):
        reasons |= flag.view(np.uint8) << np.uint8(i)
    thrice = np.maximum(3 * current, 1)
    above = (10 * capital_sme + 3 * capital_large) * thrice + (10 * current_sme + 3 * current_large) * np.minimum(thrice, 2 * capital)
    cents = np.minimum((2 * above + 20 * thrice) // (40 * thrice), 40_000_000)
    eoi, recognised = (projects[name] for name in ("eoi_submitted_on", "eoi_recognised_on"))
    bonus = (_values(eoi, np.int32) <= _day(2023, 1, 20)) & (_values(recognised, np.int32) <= _day(2023, 2, 20))
    bonus &= np.asarray(eoi.is_valid()) & np.asarray(recognised.is_valid())
    mark = _values(projects["technical_score"], np.int16).astype(np.int32)
    extra = bonus * np.int32(10) + (n_rated * np.int16(2) > np.diff(starts)) * np.int32(5)
    return {"eligible": reasons == 0, "cents": cents, "score": mark + extra * (mark >= 65)}


def _bits(column: pa.Array) -> Any:
    return np.frombuffer(column.buffers()[1], np.uint8, (len(column) + 7) // 8)


def _flags(bits: Any, count: int) -> Any:
    return np.unpackbits(bits, count=count, bitorder="little").view(bool)


def _values(column: pa.Array, dtype: Any) -> Any:
    return np.frombuffer(column.buffers()[1], dtype, len(column))


def _is(column: pa.Array, word: str) -> Any:
    return column.indices.to_numpy() == column.dictionary.to_pylist().index(word)


def _day(*parts: int) -> int:
    return (date(*parts) - date(1970, 1, 1)).days
