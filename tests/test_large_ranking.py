"""A ranking of a whole table is the ranking of its applications: the same columns, places, amounts and strikes, whichever way they go."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, reject, settings

from arrow import complete
from bandolo.batch.intake import together
from bandolo.batch.run import Prepared
from bandolo.batch.standing import Standings, _assembled, application_names, ranker_for, standings
from bandolo.diagnostics import PolicyError
from bandolo.policy import Policy, load_policy, policy_from_bytes
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
    return _assembled(prepared, joined, ranker_for(prepared), names, None, (), np.arange(len(names)), ())


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
