"""Simulations: every variant is what a run under that what-if comes to, whatever is shared; and what people get to see."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, reject, settings

from arrow import complete, linked, without_empty
from bandolo.batch.rows import Rowwise
from bandolo.batch.simulation import Simulation, Simulator, simulate
from bandolo.batch.simulation.axes import read_axes
from bandolo.batch.tables import together
from bandolo.diagnostics import ApplicationError, PolicyError
from bandolo.diagnostics.render import render_all
from bandolo.evaluate.wire import plain
from bandolo.policy import Policy, load_policy, policy_from_bytes
from bandolo.ranking.rank import Ranker
from bandolo.surfaces.cli import cli
from bandolo.testing.generate import bases_of, generated
from generated import Generated
from generated import generated as generated_policies
from golden import compare
from small import policy as small
from test_batch import tables_of

ROOT = Path(__file__).resolve().parents[1]
ACT = "policies/bando_2023.implementing_act.yaml"

CALLS: list[tuple[str, tuple[str, ...], Mapping[str, Any], Mapping[str, str], bool]] = [
    ("bench/filiere.yaml", (), {}, {"least_partners": "9,10,12", "large_rate": "0%..30%/15%", "closing": "2023-02-14 16:00"}, True),
    ("policies/bando_2023.yaml", (ACT,), {}, {"parameters.minimum_firms": "9,11"}, True),
    ("policies/bando_2023.yaml", (ACT,), {}, {"rates.aid_intensity.large": "0%,25%", "project_cap": "100_000 EUR"}, True),
    ("policies/bando_2023.yaml", (), {"assume": True}, {"readings.current_cost_overrun": ""}, True),
    ("policies/manifestazione_2022.yaml", (), {"assume": True, "as_of": "2022-12-01"}, {"minimum_firms": "8..10"}, True),
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


def data_of(policy: Policy, nested: pa.Table) -> list[Any]:
    """The applications of a table as they are read."""
    return Rowwise(policy, {}).applications(together(policy.core, {policy.core.root: nested}), range(nested.num_rows))


def simulated(policy: Policy, applications: Sequence[Any], vary: Mapping[str, Any], what_if: Mapping[str, Any]) -> Simulation:
    """The simulation of applications that are given as mappings."""
    simulator = Simulator(policy, vary, dict(what_if))
    simulator.add_data(applications)
    return simulator.simulation()


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
    same_as_runs(made, data_of(policy, nested))
    assert (made.base.by_rows < nested.num_rows) == by_columns, made.why


def test_a_call_is_simulated_by_columns_before_its_payment_begins() -> None:
    """Of the payment nothing is known yet, and of some firms a fact that opens a verdict: no list of missing facts is asked for."""
    policy = load_policy(ROOT / "policies/bando_2023.yaml")
    some = generated(policy, 8, 7, all_bases(str(ROOT / "policies/bando_2023.yaml"))[:4])
    table = without_empty(tables_of(policy, list(some))[0])
    made = simulate(policy, table, vary={"parameters.minimum_firms": "9,11"}, ranking=False, assume=True)
    same_as_runs(made, data_of(policy, table))
    assert max(v.by_rows for v in made.variants) <= 1, made.why


RANKED: list[tuple[str, tuple[str, ...], Mapping[str, Any], Mapping[str, str]]] = [
    ("policies/bando_2023.yaml", (ACT,), {}, {"minimum_firms": "11", "budget_total": "300_000 EUR", "readings.last_project": "stop"}),
    ("tests/policies/ranked_call.yaml", (), {}, {"readings.counts_when": "", "least_firms": "2..3"}),
    ("tests/policies/rural_services_2025.yaml", (), {"as_of": "2025-05-01"}, {"ranking.budget": "100_000..300_000/100_000 EUR"}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "acts", "what_if", "vary"), RANKED, ids=lambda v: str(v)[:40])
def test_each_variant_is_ranked_as_under_it(path: str, acts: tuple[str, ...], what_if: Mapping[str, Any], vary: Mapping[str, str]) -> None:
    policy = load_policy(ROOT / path, amendments=[ROOT / a for a in acts])
    large = path == "policies/bando_2023.yaml"
    some = {a["id"]: a for a in population(policy, str(ROOT / path), 1 if large else 6) if "id" in a}
    nested, _ = tables_of(policy, list(some.values()))
    runs = [simulate(policy, nested, vary=vary, one_at_a_time=large, **what_if)]
    for made in runs if large else (*runs, simulated(policy, list(some.values()), vary, what_if)):
        assert {v.ranked is None for v in made.variants} == {False}
        applications = data_of(policy, nested) if made.base.applications == nested.num_rows else list(some.values())
        for variant in made.variants:
            short = expected_ranking(made.policy, applications, made.what_if_of(variant))
            assert variant.ranked is not None
            got = {k: getattr(variant.ranked, k) for k in short}
            assert got == short, variant.values


def expected_ranking(policy: Policy, applications: Sequence[Any], what_if: Mapping[str, Any]) -> dict[str, Any]:
    ranker = Ranker(policy, **what_if)
    entrants, data = [], {}
    for application in applications:
        try:
            entrant = ranker.assess(application)
        except ApplicationError:
            continue
        entrants.append(entrant)
        data[entrant.id] = application
    ranking = ranker.rank(entrants, data.__getitem__)
    paid = [r for r in ranking.rows if r.status in ("financed", "partly_financed")]
    return {
        "statuses": Counter(r.status for r in ranking.rows), "spent": sum((r.amount or 0 for r in paid), Fraction(0)),
        "budget": ranking.budget, "left": ranking.left, "last_position": paid[-1].position if paid else None,
        "struck": sum(len(r.strikes) for r in ranking.rows), "last_keys": paid[-1].order if paid else (),
    }  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(generated_policies())
def test_generated_policies_are_simulated_as_they_are_decided(made: Generated) -> None:
    try:
        policy = policy_from_bytes("generated.yaml", made.text())
    except PolicyError:
        reject()
    values = {n: others(v) for n, v in policy.settled.settings.parameters.items()}
    vary = {f"parameters.{n}": [plain(o, policy.core.parameters[n].type) for o in found] for n, found in values.items() if found}
    vary = dict(list(vary.items())[:2]) | {f"readings.{n}": list(r.options) for n, r in list(policy.core.readings.items())[:1]}
    some = [made.application, *generated(policy, 5, 3, [made.application])]
    nested, _ = tables_of(policy, [*some, *(complete(policy.core, a) for a in some)])
    found = simulate(policy, nested, vary=vary, one_at_a_time=True)
    same_as_runs(found, data_of(policy, nested))


def others(value: Any) -> list[Any]:
    """Values of the same type that a parameter may have instead."""
    match value:
        case bool():
            return [not value]
        case Fraction():
            return [value + 1, Fraction(0)]
        case datetime() | date():
            return [value + timedelta(days=40)]
    return []


# What is varied.

CALL = ROOT / "tests" / "cases" / "simulate" / "call.yaml"
LINES = ROOT / "tests" / "cases" / "simulate" / "applications.jsonl"


@pytest.mark.parametrize(("path", "text", "values"), [
    ("least_years", "2..4", ["2", "3", "4"]),
    ("parameters.least_years", "1,4..8/2,9", ["1", "4", "6", "8", "9"]),
    ("least_years", "3,3,", ["3"]),
    ("least_cost", "5_000..10_000/2_500 EUR", ["5000.00", "7500.00", "10000.00"]),
    ("least_cost", "5_000 EUR..9_999.99 EUR/2_500 EUR", ["5000.00", "7500.00"]),
    ("least_cost", "1, 2.50 EUR", ["1.00", "2.50"]),
    ("rates.intensity.small", "0%..2%", ["0%", "1%", "2%"]),
    ("rates.intensity.values.small", "0..1%/0.5%", ["0%", "0.5%", "1%"]),
    ("closing", "2025-03-30 12:00..2025-03-31 12:00/1 days", ["2025-03-30 12:00:00+02:00", "2025-03-31 12:00:00+02:00"]),
    ("closing", "2025-01-31 12:00..2025-03-31 12:00/1 month", ["2025-01-31", "2025-02-28", "2025-03-31"]),
    ("evening", "", ["False", "True"]),
    ("readings.tools", "", ["count", "out"]),
    ("tools", "out", ["out"]),
    ("scoring.minimum", "40..60/20", ["40", "60"]),
    ("scoring.bonuses.evenings", "0,10", ["0", "10"]),
    ("bands.recognised.steps.0.rate", "90%", ["90%"]),
    ("bands.recognised.above", "0%,100%", ["0%", "100%"]),
    ("ranking.budget", "1..3/1 EUR", ["1.00", "2.00", "3.00"]),
])  # fmt: skip
def test_values_are_read_by_the_type_of_what_they_are_for(path: str, text: str, values: list[str]) -> None:
    _, (axis,) = read_axes(load_policy(CALL), {path: text})
    said = [str(v.astimezone(ZoneInfo("Europe/Rome"))) if isinstance(v, datetime) else str(plain(v, axis.type)) for v in axis.values]
    assert [s[: len(v)] for s, v in zip(said, values, strict=True)] == values


@pytest.mark.parametrize(("vary", "codes"), [
    ({"least_year": "1"}, "unknown-path"),
    ({"parameters.least_year": "1"}, "unknown-path"),
    ({"readings.tool": ""}, "unknown-path"),
    ({"rates.intensity.lrge": "1%"}, "unknown-path"),
    ({"rates.intensty.large": "1%"}, "unknown-path"),
    ({"bands.recognised.steps.1.rate": "1%"}, "unknown-path"),
    ({"definitions.workshop.counted": "1"}, "vary-no-constant"),
    ({"rates.intensity": "1%"}, "vary-no-constant"),
    ({"results.0": "1"}, "vary-no-constant"),
    ({"policy.money_rounding": "up"}, "vary-no-constant"),
    ({"evening": "false..true"}, "vary-no-range"),
    ({"readings.tools": "count..out"}, "vary-no-range"),
    ({"readings.tools": "counts"}, "unknown-option"),
    ({"least_years": "4..2"}, "vary-empty"),
    ({"least_years": []}, "vary-empty"),
    ({"least_years": ""}, "vary-form"),
    ({"least_years": "1,,2"}, "vary-form"),
    ({"least_years": "2..4/0"}, "vary-step"),
    ({"least_years": "2..4/-1"}, "vary-step"),
    ({"closing": "2025-03-01 12:00..2025-03-31 12:00/2"}, "vary-step"),
    ({"least_cost": "1..5 EUR"}, "vary-no-step"),
    ({"rates.intensity.large": "0%..0.5%"}, "vary-no-step"),
    ({"least_years": "1..100000"}, "vary-too-many"),
    ({"least_years": "1..30", "scoring.minimum": "1..30"}, "vary-too-many"),
    ({"least_years": "1", "parameters.least_years": "2"}, "vary-twice"),
    ({"least_years": "three"}, "bad-number"),
    ({"least_years": [2.5]}, "float-given"),
    ({"rates.intensity.large": "0.1"}, "bare-percent"),
    ({"least_cost": "1_000..2_000/500 USD"}, "other-currency"),
    ({"closing": "2025-02-30 12:00"}, "no-such-date"),
])  # fmt: skip
def test_what_cannot_be_varied_is_told(vary: Mapping[str, Any], codes: str) -> None:
    with pytest.raises(PolicyError) as refused:
        Simulator(load_policy(CALL), vary, {})
    assert " ".join(d.code for d in refused.value.diagnostics) == codes
    for diagnostic in refused.value.diagnostics:
        assert render_all([diagnostic], "it")


def test_a_constant_that_the_language_wants_written_out_stays() -> None:
    with pytest.raises(PolicyError, match="vary-fixed"):
        Simulator(small(LISTED), {"entities.project.facts.parts.at_most": "5", "parameters.least": "1 EUR"}, {})


LISTED = """
entities:
  project: {facts: {id: {type: text, key: true}, parts: {type: list of part, at_most: 9}}}
  part: {facts: {cost: money}}
parameters: {least: 3 EUR}
requirements: {project: {some: {check: sum(cost of parts) > least, otherwise: reject}}}
"""


# Shared, and read part by part.


def test_a_variant_adds_only_what_depends_on_its_value() -> None:
    policy = load_policy(ROOT / "bench/filiere.yaml")
    nested, _ = tables_of(policy, [complete(policy.core, a) for a in generated(policy, 4, 1)])
    simulator = Simulator(policy, {"least_partners": "5..14"}, {})
    simulator.add({"project": nested})
    (program,) = simulator.programs.values()
    assert not isinstance(program, str)
    base, *rest = program.own
    assert sum(rest) < base, program.own


def test_tables_in_parts_and_beside_one_another_come_to_the_same(tmp_path: Path) -> None:
    policy = load_policy(ROOT / "tests/policies/ranked_call.yaml")
    some = {a["id"]: a for a in population(policy, str(ROOT / "tests/policies/ranked_call.yaml"), 20) if "id" in a}
    nested, _ = tables_of(policy, list(some.values()))
    vary = {"least_firms": "2..4"}
    whole = simulate(policy, nested, vary=vary)
    parts = simulate(policy, [{policy.core.root: nested.slice(0, 7)}, {policy.core.root: nested.slice(7)}], vary=vary)
    assert parts.variants == whole.variants
    tables = linked(policy.core, nested)
    assert simulate(policy, tables, vary=vary).variants == whole.variants
    for name, table in tables.items():
        pq.write_table(table, tmp_path / f"{name}.parquet", row_group_size=5)
    records = [f"--records={n}={tmp_path / n}.parquet" for n in tables if n != policy.core.root]
    out = command(
        ROOT / "tests/policies/ranked_call.yaml", tmp_path / f"{policy.core.root}.parquet", *records, "--vary", "least_firms=2..4", "--json"
    )
    assert json.loads(out.stdout)["variants"] == whole.to_dict()["variants"]


# What people get.


def command(*arguments: Any) -> Result:
    result = CliRunner(env={"BANDOLO_LANG": "en", "COLUMNS": "100"}).invoke(cli, ["simulate", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_the_terminal(update: bool) -> None:
    compare(ROOT / "tests" / "cases" / "simulate" / "terminal.txt", update)


def test_files_say_the_same_to_the_cent(tmp_path: Path) -> None:
    to = [arg for end in ("csv", "parquet", "json", "md", "html") for arg in ("--to", tmp_path / f"s.{end}")]
    assert command(CALL, LINES, "--vary", "least_years=2..4", *to).exit_code == 0
    table = pq.read_table(tmp_path / "s.parquet")
    data = json.loads((tmp_path / "s.json").read_text())
    sums = [v["amounts"]["grant"]["sum"] for v in data["variants"]]
    assert [str(v) for v in table["sum.grant"].to_pylist()] == sums
    assert table["parameters.least_years"].to_pylist() == [None, "2", "3", "4"]
    assert table["as_it_is"].to_pylist() == [True, False, True, False]
    assert table["rank.spent"].to_pylist() == [Decimal("150000.00")] * 4
    rows = list(csv.DictReader((tmp_path / "s.csv").read_text().splitlines()))
    assert [r["sum.grant"] for r in rows] == sums
    assert all(f"€{Decimal(s):,}" in (tmp_path / "s.md").read_text() for s in sums)
    again = command(CALL, LINES, "--vary", "least_years=2..4", *to)
    assert again.exit_code == 1
    assert "would-overwrite" in again.stderr


@pytest.mark.parametrize("vary", [["least_years=2..4"], ["least_years=2..4", "least_cost=5_000..15_000/5_000 EUR"], ["readings.tools"]])
def test_the_page_draws_without_script_and_escapes(tmp_path: Path, vary: list[str]) -> None:
    page = tmp_path / "page.html"
    command(CALL, LINES, *(a for v in vary for a in ("--vary", v)), "--to", page)
    text = page.read_text()
    assert "<script" not in text
    assert "Open <workshops>" not in text
    assert "Open &lt;workshops&gt; 2025" in text
    assert re.search(r"""(?:src|href|url\()\s*=?\s*["']?(?!#)\w""", text) is None
    for svg in re.findall(r"<svg.*?</svg>", text, re.S):
        ElementTree.fromstring(svg)  # well-formed
    assert ("<svg" in text) == (len(vary) == 1)
    assert ('class="heat"' in text) == (len(vary) == 2)
