"""Simulations: every variant is what a run under that what-if comes to, whatever is shared; and what people get to see."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from arrow import complete, linked
from bandolo.batch.simulation import Simulation, Variant, simulate
from bandolo.batch.simulation.population import tabled
from bandolo.diagnostics import ApplicationError, PolicyError
from bandolo.policy import Policy, load_policy
from bandolo.ranking.rank import Ranker
from bandolo.surfaces.cli import cli
from bandolo.testing.generate import bases_of, generated
from small import policy as small
from test_batch import tables_of

ROOT = Path(__file__).resolve().parents[1]
ACT = "policies/bando_2023.implementing_act.yaml"

CALLS: list[tuple[str, tuple[str, ...], Mapping[str, Any], Mapping[str, str], bool]] = [
    ("bench/filiere.yaml", (), {}, {"least_partners": "9,10,12", "large_rate": "0%..30%/15%", "closing": "2023-02-14 16:00"}, True),
    ("policies/bando_2023.yaml", (ACT,), {}, {"parameters.minimum_firms": "9,11"}, True),
    ("policies/bando_2023.yaml", (ACT,), {}, {"rates.aid_intensity.large": "0%,25%", "project_cap": "100_000 EUR"}, True),
    ("policies/bando_2023.yaml", (), {"assume": True}, {"readings.current_cost_overrun": ""}, True),
    ("policies/manifestazione_2022.yaml", (), {"assume": True, "as_of": "2022-12-01"}, {"minimum_firms": "8..10"}, False),
    ("tests/policies/ranked_call.yaml", (), {}, {"readings.counts_when": "", "least_firms": "2..4"}, True),
    ("tests/policies/rural_services_2025.yaml", (), {"as_of": "2025-05-01"},
     {"rates.intensity.small.valley": "40%,60%", "scoring.minimum": "30,50", "bands.recognised.steps.0.rate": "80%"}, False),
]  # fmt: skip


@cache
def all_bases(path: str) -> list[Any]:
    return bases_of(path)


def population(policy: Policy, path: str, count: int = 6) -> list[Any]:
    """Applications with something missing in some of them, and whole ones."""
    bases = all_bases(path)
    some = [*bases[:3], *generated(policy, count, 5, bases[:3])]
    whole = [complete(policy.core, a) for a in some]
    return some + [a | {"id": f"W{i}"} if "id" in a else a for i, a in enumerate(whole)]


def decided(policy: Policy, applications: Sequence[Any], what_if: Mapping[str, Any]) -> tuple[Any, ...]:
    """Outcomes by stage, sums and unknown amounts, by the reference and one by one."""
    outcomes: Counter[tuple[str, str]] = Counter()
    each = []
    sums: dict[str, Fraction] = {}
    unknown: Counter[str] = Counter()
    names = [r.name for r in policy.core.results if r.entity == policy.core.root and str(r.type).startswith("money")]
    for application in applications:
        try:
            decision = policy.decide(application, engine="reference", **what_if)
        except ApplicationError:
            outcomes["unread", ""] += 1
            each.append("unread")
            continue
        outcomes[decision.outcome, decision.stage] += 1
        each.append(decision.outcome)
        values = {r.name: r.value for r in decision.result_values if r.record is None}
        for name in names if decision.outcome != "rejected" else ():
            value = values.get(name)
            if isinstance(value, Fraction):
                sums[name] = sums.get(name, Fraction(0)) + value
            else:
                unknown[name] += 1
    return dict(outcomes), each, {n: sums.get(n, Fraction(0)) for n in names}, {n: unknown[n] for n in names}


def same_as_runs(simulation: Simulation, applications: Sequence[Any]) -> None:
    """Each variant against decisions under its what-if, and against those under the policy as it is."""
    base = None
    for variant in simulation.variants:
        outcomes, each, sums, unknown = decided(simulation.policy, applications, simulation.what_if_of(variant))
        base = base or each
        assert variant.outcomes == outcomes, variant.values
        assert variant.amounts == sums
        assert variant.unknown == unknown
        assert variant.changes == Counter((a, b) for a, b in zip(base, each, strict=True) if a != b)
        assert not variant.is_base or (outcomes, sums) == (simulation.base.outcomes, simulation.base.amounts)


@pytest.mark.parametrize(("path", "acts", "what_if", "vary", "by_columns"), CALLS, ids=lambda v: str(v)[:40])
def test_each_variant_is_what_decisions_under_it_come_to(
    path: str, acts: tuple[str, ...], what_if: Mapping[str, Any], vary: Mapping[str, str], by_columns: bool
) -> None:
    policy = load_policy(ROOT / path, amendments=[ROOT / a for a in acts])
    nested, _ = tables_of(policy, population(policy, str(ROOT / path)))
    made = simulate(policy, nested, vary=vary, ranking=False, **what_if)
    from bandolo.batch.intake import together
    from bandolo.batch.rows import Rowwise

    read = Rowwise(policy, {}).applications(together(policy.core, {policy.core.root: nested}), range(nested.num_rows))
    same_as_runs(made, read)
    assert (made.base.by_rows < nested.num_rows) == by_columns, made.why
