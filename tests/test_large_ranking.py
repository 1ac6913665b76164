"""A ranking of a whole table is the ranking of its applications: the same columns, places, amounts and strikes, whichever way they go."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from arrow import complete, table
from bandolo.batch import Ranked, rank
from bandolo.batch.intake import together
from bandolo.batch.rows import Rowwise
from bandolo.batch.run import Prepared
from bandolo.batch.standing import Standings, _Asked, application_names, ranker_for, standings
from bandolo.diagnostics import ApplicationError, PolicyError
from bandolo.policy import Policy, load_policy, policy_from_bytes
from bandolo.ranking.rank import Ranker
from bandolo.testing.generate import bases_of
from bandolo.testing.generate import generated as made_up
from generated import Generated, generated
from test_batch import tables_of

ROOT = Path(__file__).resolve().parents[1]
WHAT_IFS: dict[str, Any] = {"as_of": None, "set": None, "readings": None, "assume": False}


@cache
def loaded(path: str, amendments: tuple[str, ...] = ()) -> Policy:
    return load_policy(ROOT / path, amendments=[ROOT / a for a in amendments])


def one_by_one(prepared: Prepared, tables: Any) -> Standings:
    """What the ranking takes, each application asked of `ranking/assess.py`."""
    joined = together(prepared.policy.core, tables)
    names = application_names(prepared.policy.core, joined)
    return _Asked(prepared, joined, ranker_for(prepared), names, None, True).assembled(None, (), np.arange(len(names)), ())


def same_standings(policy: Policy, tables: pa.Table, **what_ifs: Any) -> Standings:
    prepared = Prepared(policy, WHAT_IFS | what_ifs, ranking=True)
    given_ = {policy.core.root: tables}
    found, expected = standings(prepared, given_), one_by_one(prepared, given_)
    assert found.table.to_pylist() == expected.table.to_pylist()
    assert found.table.schema == expected.table.schema
    assert [sorted(map(str, c.to_pylist())) for c in (found.claims,)] == [sorted(map(str, c.to_pylist())) for c in (expected.claims,)]
    return found


CALLS = [
    ("tests/policies/ranked_call.yaml", (), {}, True),
    ("tests/policies/ranked_call.yaml", (), {"readings": {"firm_or_group": "each_group", "tie_by_lot": "settled"}}, True),
    ("policies/bando_2023.yaml", ("policies/bando_2023.implementing_act.yaml",), {}, True),
    ("tests/policies/rural_services_2025.yaml", (), {"as_of": "2025-05-01"}, False),
]


@pytest.mark.parametrize(("path", "amendments", "what_if", "by_columns"), CALLS, ids=str)
def test_what_the_ranking_takes_is_what_it_takes_of_each(path: str, amendments: tuple[str, ...], what_if: Any, by_columns: bool) -> None:
    policy = loaded(path, amendments)
    bases = bases_of(ROOT / path)
    some = [*bases[:6], *made_up(policy, 20, 7, bases[:6])]
    nested, _ = tables_of(policy, [*some, *(complete(policy.core, a) for a in some)])
    found = same_standings(policy, nested, **what_if)
    assert bool(found.by_columns) == by_columns, found.why
    assert "candidate" in found.table["rank.standing"].to_pylist()


RANKING = {
    "order_by": ["d3 descending", "d0 / 7 ascending", "day descending", "o ascending"],
    "exclusive": {"record": "firm", "key": "id", "keep": ["d1 ascending", "day ascending"]},
    "budget": {"pots": {"one": {"amount": "20 EUR", "award": "d2"}, "two": {"amount": "1 EUR", "award": "cash / 3"}}},
}


@settings(max_examples=50, deadline=None)
@given(generated())
def test_of_generated_policies_too(made: Generated) -> None:
    """Any definition of a generated policy can be a key, money of it an award."""
    made.policy["ranking"] = RANKING
    try:
        policy = policy_from_bytes("generated.yaml", made.text())
    except PolicyError:
        reject()
    some = [made.application, *made_up(policy, 10, 3, [made.application])]
    nested, _ = tables_of(policy, [*some, *(complete(policy.core, a) for a in some)])
    same_standings(policy, nested)


# The list.


def expected(policy: Policy, tables: pa.Table, **what_ifs: Any) -> tuple[list[dict[str, Any]], Any]:
    """The ranking one by one, as rows of a large ranking; without what only the columns tell."""
    joined = together(policy.core, {policy.core.root: tables})
    data = Rowwise(policy, {}).applications(joined, range(tables.num_rows))
    ranker, entrants, by_id = Ranker(policy, **what_ifs), [], {}
    for one in data:
        try:
            entrant = ranker.assess(one)
        except ApplicationError:
            continue
        entrants.append(entrant)
        by_id[entrant.id] = one
    ranking = ranker.rank(entrants, by_id.__getitem__)
    rows = []
    for row in ranking.rows:
        codes = [r.code for r in row.reasons if r.code != "requirement"]
        pots = {f"pot.{name}": amount for (name, _, _), amount in zip(ranking.pots, row.pots or [None] * 9, strict=False)}
        undecided = row.status == "undetermined" and row.position is not None
        rows.append(
            {
                "position": row.position, "application": row.application, "status": row.status, "tied": row.tied,
                "requested": row.requested, "amount": None if undecided else row.amount, **pots, "cumulative": row.cumulative,
                "left": row.left, "struck": [{"record": s.record, "key": s.key, "name": s.name, "kept_by": s.kept_by} for s in row.strikes],
                "reasons": list(dict.fromkeys(codes)), "missing": list(row.missing),
            }
        )  # fmt: skip
    return rows, ranking


def same_ranking(policy: Policy, tables: pa.Table, **what_ifs: Any) -> Ranked:
    rows, ranking = expected(policy, tables, **what_ifs)
    found = rank(policy, tables, **what_ifs)
    listed = found.table.select(list(rows[0]) if rows else []).to_pylist()
    assert listed[: len(rows)] == rows
    assert all(r["status"] is None for r in listed[len(rows) :])
    told = found.summary
    assert (told.left, told.budget, told.pots) == (ranking.left, ranking.budget, ranking.pots)
    assert told.awarded == sum((r.amount or 0 for r in ranking.rows), 0)
    assert (told.settled, told.ties) == (ranking.settled, len(ranking.ties))
    assert told.strikes == sum(len(r.strikes) for r in ranking.rows)
    return found


RANKED = loaded("tests/policies/ranked_call.yaml")
READINGS = {name: tuple(r.options) for name, r in RANKED.core.readings.items()}


def call(number: int, chance: random.Random, firms: int, spread: int) -> dict[str, Any]:
    """A project of one to four firms out of so many, sent within so many hours."""
    codes = chance.sample(range(firms), chance.randint(1, min(4, firms)))
    return {
        "id": f"P{number}", "sent_at": f"2023-01-0{1 + chance.randrange(spread) // 24} {chance.randrange(spread) % 24:02}:00",
        "score": chance.choice([40, 50, 60, "60.5", 70]) if chance.random() > 0.03 else None, "signed": chance.random() > 0.05,
        "lot": chance.choice([None, 0, 1]), "awarded": None,
        "firms": [
            {
                "code": f"F{c}", "name": f"Firm {c}", "group": chance.choice([None, None, "G1"]), "was_struck": None,
                "capital": f"{chance.randint(0, 90)}.{chance.randint(10, 99)}", "current": chance.choice(["0", "40.00", "60.01"]),
            } for c in codes
        ],
    }  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False), st.fixed_dictionaries({n: st.sampled_from(o) for n, o in READINGS.items()}), st.integers(0, 3000))
def test_a_table_is_ranked_as_its_applications_are(chance: random.Random, readings: dict[str, str], money: int) -> None:
    """Ties, chains of strikes, pots, what is short, what is missing: each open point of the small call, all at once."""
    firms, spread = chance.choice([(5, 4), (30, 48), (200, 100)])
    projects = [call(i, chance, firms, spread) for i in range(chance.randint(1, 40))]
    same_ranking(RANKED, table(RANKED.core, projects), readings=readings, set={"money": money}, as_of="2023-01-05")
