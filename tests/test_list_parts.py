"""A list cut into parts, each made on its own after what stands before it, is the whole list: the ground of a ranking inside Spark."""

from __future__ import annotations

import random
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from arrow import table
from bandolo.batch import listed
from bandolo.batch.keys import in_order
from bandolo.batch.ranked import prepared_for
from bandolo.batch.spark.parts import Before, Lists, list_schema, placed, unplaced
from bandolo.batch.spark.ranked import walked
from bandolo.batch.spark.worker import ROW, plain
from bandolo.batch.standing import ranker_for, standings
from bandolo.ranking.entrant import Strike
from test_large_ranking import RANKED, READINGS, call


@settings(max_examples=80, deadline=None)
@given(
    st.randoms(use_true_random=False),
    st.fixed_dictionaries({n: st.sampled_from(o) for n, o in READINGS.items()}),
    st.integers(0, 3000),
    st.integers(1, 9),
)
def test_parts_one_after_another_are_the_list(chance: random.Random, readings: dict[str, str], money: int, count: int) -> None:
    policy, spread = RANKED.core, chance.choice([4, 48])
    nested = table(policy, [call(i, chance, 30, spread) for i in range(chance.randint(1, 40))])
    what_if: dict[str, Any] = {"as_of": "2023-01-05", "set": {"money": money}, "readings": readings, "assume": False}
    prepared = prepared_for(RANKED, what_if)
    ranker = ranker_for(prepared)
    whole = plain(standings(prepared, {policy.root: nested}, ranker).table)
    names = whole["application"].to_pylist()
    strikes = {n: [Strike(n, "firms[F1]", "F1", "Firm 1 (F1)", "P0")] for n in names if chance.random() < 0.1}
    disputed = {n: (names[0],) for n in names[1:] if chance.random() < 0.05}
    expected = listed.told(policy, ranker.options, whole, strikes, disputed)

    standing = np.array([w == "candidate" and n not in disputed for n, w in zip(names, whole["rank.standing"].to_pylist(), strict=True)])
    ranked = whole.take(pa.array(np.flatnonzero(standing)))
    order, begins = in_order(policy, ranked)
    starts = np.flatnonzero(begins)
    cuts = sorted({0, len(order), *(int(starts[chance.randrange(len(starts))]) for _ in range(count if len(starts) else 0))})
    parts = {i: ranked.take(pa.array(order[a:b])) for i, (a, b) in enumerate(pairwise(cuts))}
    options = listed.in_cents(ranker.options)
    before, total, end = walked(options, ranker.options, policy, {i: asked(p) for i, p in parts.items()}, parts.__getitem__)
    lists = Lists(strikes, disputed, before, total, ranker.options)
    pieces = []
    for number, part in parts.items():
        shuffled = part.take(pa.array(chance.sample(range(part.num_rows), part.num_rows)))
        pieces.append(placed(policy, lists, shuffled, before[number]))
    rest = whole.take(pa.array(np.flatnonzero(~standing)))
    pieces.append(unplaced(policy, lists, rest, Before(total, 0, ())))
    found = pa.concat_tables([p.cast(list_schema(policy, lists)) for p in pieces])

    assert found[ROW].to_pylist() == list(range(len(names)))
    assert found.select(expected.table.column_names).to_pylist() == plain(expected.table).to_pylist()
    counted = expected.counted
    assert (total, end.given) == (counted["ranked"], counted["awarded"] * 100)
    assert (sum(end.left), end.closed, end.stopped) == (counted["left"] * 100, counted["closed"], counted["stopped"])


def asked(part: pa.Table) -> dict[str, Any]:
    """What Spark tells of a part: how many rows, the sums of what they ask for, the least."""
    pots = [[Decimal(v) for v in part[f"rank.pot.{name}"].to_pylist()] for name in ("first", "second")]
    found: dict[str, Any] = {f"sum{i}": sum(p, Decimal(0)) for i, p in enumerate(pots)}
    return found | {f"min{i}": min(p) for i, p in enumerate(pots)} | {"rows": part.num_rows}
