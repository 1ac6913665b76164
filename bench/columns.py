"""`python bench/columns.py`: many applications at once, by columns, beside NumPy and float Python written by hand, in one run.

The hand-written NumPy reads the same Arrow tables and gives what the bench asks for: eligible, the requirements of the application that
fail, the contribution in cents, the score. The engine gives besides, of each application, which requirements its partners fail.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np
import pyarrow as pa

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from bandolo import load_policy  # noqa: E402
from bandolo.batch.intake import together  # noqa: E402
from bandolo.batch.run import Prepared, computed  # noqa: E402
from contenders import float_by_hand  # noqa: E402
from workload import COSTS, UNWANTED, WANTED, applications, in_form  # noqa: E402

DIFFERENT = 5_000
"""So many different applications; they come again until there are enough."""
BLOCK = 1024


def tables(count: int) -> dict[str, pa.Table]:
    """Applications and partners as a portal would keep them: amounts as decimals of 64 bits, choices as dictionaries."""
    made = [in_form(a, "flat") for a in applications(min(count, DIFFERENT))]
    again = -(-count // len(made))
    day, flag = pa.date32(), pa.bool_()
    types = {
        "submitted_at": pa.timestamp("s"), "agreement_signed": flag, "eoi_submitted_on": day, "eoi_recognised_on": day,
        "technical_score": pa.int16(), "project_start": day, "project_end": day,
    }  # fmt: skip
    rows = [a | {"submitted_at": a["submitted_at"].replace(tzinfo=None)} for a in made]
    projects = {name: _again(pa.array([r[name] for r in rows], type_), again, count) for name, type_ in types.items()}
    numbers = np.arange(count, dtype=np.int32)
    sizes = np.tile([len(a["partners"]) for a in made], again)[:count]
    partners, total = [p for a in made for p in a["partners"]], int(sizes.sum())
    columns: dict[str, Any] = {"project": pa.array(np.repeat(numbers, sizes))}
    for name in ("size", "ateco_section", "legality_rating", *WANTED, *UNWANTED, *COSTS):
        values = [p[name] for p in partners]
        if name in COSTS:
            cents = pa.array([int(v * 100) for v in values], pa.int64())
            whole = _again(cents, again, total)
            columns[name] = pa.Array.from_buffers(pa.decimal64(18, 2), total, whole.buffers())
        elif name in ("size", "ateco_section"):
            columns[name] = _again(pa.array(values).dictionary_encode(), again, total)
        else:
            columns[name] = _again(pa.array(values, flag), again, total)
    return {"project": pa.table({"id": pa.array(numbers), **projects}), "partner": pa.table(columns)}


def _again(column: pa.Array, times: int, count: int) -> pa.Array:
    return column.take(pa.array(np.tile(np.arange(len(column)), times)[:count]))


# By hand: exact, in cents; flags stay packed, amounts go through in blocks that stay in the cache.


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


# Measuring.


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--count", type=int, default=300_000, help="applications")
    options.add_argument("--rounds", type=int, default=7)
    chosen = options.parse_args()
    count = chosen.count
    given = tables(count)
    policy = load_policy(HERE / "filiere.yaml")
    prepared = Prepared(policy, {})

    def arrays(threads: int) -> Any:
        joined = together(policy.core, given)
        columns = prepared.columns(joined)
        program = prepared.program(columns, joined)
        assert not isinstance(program, str), program
        return computed(policy, program, columns, columns.left(policy.core, program.read), threads)

    floats = [in_form(a, "float") for a in applications(DIFFERENT)]

    def at_once() -> Any:
        joined = together(policy.core, given)
        columns = prepared.columns(joined)
        program = prepared.program(columns, joined)
        assert not isinstance(program, str), program
        return computed(policy, program, columns, columns.left(policy.core, program.read), os.cpu_count() or 1)

    runs: dict[str, tuple[Callable[[], Any], int]] = {
        "Python with floats, by hand": (lambda: [float_by_hand.decide(a) for a in floats], len(floats)),
        "NumPy, by hand": (lambda: by_hand(given), count),
        "this engine, to arrays": (lambda: arrays(1), count),
        "the same on all processors": (lambda: arrays(os.cpu_count() or 1), count),
        "this engine, to an Arrow table": (lambda: prepared.decide(given), count),
    }
    _same(prepared.decide(given).applications, by_hand(given))
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(chosen.rounds):
        for name, (run, of) in runs.items():
            began = perf_counter_ns()
            run()
            times[name].append((perf_counter_ns() - began) / of)
    print(f"{count:,} applications, {given['partner'].num_rows:,} partners; median of {chosen.rounds} rounds")
    for name, found in times.items():
        hand, python = (statistics.median(f / b for f, b in zip(found, times[base], strict=True)) for base in list(times)[1::-1])
        ends = f"{min(found):,.0f}-{max(found):,.0f}"
        print(f"{name:32} {statistics.median(found):8,.0f} ns ({ends})   {hand:6.2f} x NumPy   {python:7.4f} x Python")


def _same(ours: pa.Table, theirs: dict[str, Any]) -> None:
    """The two must agree on every application, to the cent."""
    assert (np.asarray(ours["outcome"].cast(pa.string())) == "admitted").tolist() == theirs["eligible"].tolist()
    assert [int(v * 100) for v in ours["result.contribution"].to_pylist()] == theirs["cents"].tolist()
    assert ours["result.score"].to_pylist() == theirs["score"].tolist()


if __name__ == "__main__":
    main()
