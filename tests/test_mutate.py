"""Mutants: which there are, what becomes of them, and that working out only what they change is as good as deciding anew."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from bandolo.diagnostics import PolicyError
from bandolo.evaluate.decide import evaluated
from bandolo.evaluate.reference import Strikes, TooManySteps
from bandolo.evaluate.settle import settle
from bandolo.language.library import OPERATIONS
from bandolo.policy import load_policy, policy_from_bytes
from bandolo.testing.generate import bases_of, generated
from bandolo.testing.mutation.mistakes import MISTAKEN
from bandolo.testing.mutation.mutants import mutants_of
from bandolo.testing.mutation.run import Hunt
from bandolo.testing.mutation.search import telling, told_apart, what_ifs
from bandolo.testing.mutation.trials import Version, WhatIf, prepared
from golden import compare

ROOT = Path(__file__).resolve().parents[1]
FILES = ROOT / "tests/cases/mutate"
TAKEN_FOR_NOTHING = {
    "^", "minus", "in", "round", "abs", "date", "start_of", "start_of_minute", "year", "month", "day", "end_of_month", "days_between",
    "months_between", "years_between", "days", "months", "working_day", "length",
}  # fmt: skip
"""Operations that are left out where they keep the type, rounded otherwise, or given other words; nothing else is written for them."""


def test_what_is_printed(update: bool) -> None:
    compare(FILES / "transcript.txt", update)


def test_every_operation_has_its_mistakes_or_is_known_to_have_none() -> None:
    assert {row.name for row in OPERATIONS} == MISTAKEN.keys() | TAKEN_FOR_NOTHING


def test_names_outlive_layout_and_moved_lines() -> None:
    written = (FILES / "call.yaml").read_text(encoding="utf-8")
    moved = written.replace("requirements:\n", "# A remark.\n\nrequirements:\n").replace(
        "counted >= least_firms", "counted   >=   least_firms"
    )
    policies = [policy_from_bytes("call.yaml", text.encode()) for text in (written, moved)]
    names = [[m.key for m in mutants_of(p.core, p.loaded.tree)] for p in policies]
    assert names[0] == names[1]
    assert len(set(names[0])) == len(names[0])


def test_what_no_decision_rests_on_has_no_mutants() -> None:
    policy = load_policy(FILES / "call.yaml")
    assert "project.idle" not in {m.rule for m in mutants_of(policy.core, policy.loaded.tree)}


def test_a_rate_and_a_formula_are_changed_once_wherever_they_are_used() -> None:
    policy = policy_from_bytes(
        "t.yaml",
        b"""
bandolo: 1
policy: {id: t, title: T, decides: project}
choices: {size: [small, large]}
entities: {project: {facts: {of_one: size, of_two: size, costs: {type: money, from: 0 EUR}}}}
rates: {quota: {by: size, values: {small: 50%, large: 15%}}}
formulas: {half: {takes: {x: money}, value: x / 2}}
definitions: {project: {one: "quota[of_one] * half(costs)", two: "quota[of_two] * half(costs)"}}
results: [one, two]
""",
    )
    mutants = mutants_of(policy.core, policy.loaded.tree)
    assert {m.change for m in mutants if m.rule == "rate.quota" and m.kind == "step"} == {
        "small: 50% \N{RIGHTWARDS ARROW} small: 51%", "small: 50% \N{RIGHTWARDS ARROW} small: 49%",
        "large: 15% \N{RIGHTWARDS ARROW} large: 16%", "large: 15% \N{RIGHTWARDS ARROW} large: 14%",
    }  # fmt: skip
    assert all(len(m.edits) == 2 for m in mutants if m.rule in ("rate.quota", "formula.half"))


def test_no_mutant_says_what_it_is_instead_of() -> None:
    # Two rows alike: each takes the value of the third, none that of the other.
    policy = policy_from_bytes(
        "t.yaml",
        b"""
bandolo: 1
policy: {id: t, title: T, decides: project}
choices: {base: [presented, presented_once, admitted]}
entities:
  project: {facts: {base: base, partners: list of partner}}
  partner: {facts: {presented_costs: money, admitted_costs: money}}
definitions:
  project:
    spend:
      by: base
      presented: sum(presented_costs of partners)
      presented_once: sum(presented_costs of partners)
      admitted: sum(admitted_costs of partners)
results: [spend]
""",
    )
    mutants = mutants_of(policy.core, policy.loaded.tree)
    assert not [m.change for m in mutants if m.old == m.new]
    assert [m.change for m in mutants if m.kind == "row"] == [
        f"{word}: sum({old} of partners) \N{RIGHTWARDS ARROW} {word}: sum({new} of partners)"
        for word, old, new in (
            ("presented", "presented_costs", "admitted_costs"),
            ("presented_once", "presented_costs", "admitted_costs"),
            ("admitted", "admitted_costs", "presented_costs"),
        )
    ]


def test_every_change_of_a_ranking_has_a_fate() -> None:
    path = ROOT / "tests/policies/ranked_call.yaml"
    ready = prepared(load_policy(path), [path.with_name("ranked_call.cases.yaml")])
    mutants = [m for m in ready.version.mutants.values() if m.reach == "ranking"]
    fates = {m.change: f.word for m, f in zip(mutants, Hunt(ready).fates(mutants, 2), strict=True)}
    assert fates["score descending → score ascending"] == "killed"
    assert fates["when_admitted: admitted → when_admitted: financed"] == "killed"
    assert {"killed", "survived"} <= set(fates.values())


@pytest.mark.parametrize("name", ["ranked_call", "rural_services_2025"])
def test_what_a_mutant_changes_is_what_deciding_anew_would_give(name: str) -> None:
    path = ROOT / f"tests/policies/{name}.yaml"
    policy = load_policy(path)
    version = Version.of(policy)
    rng = Random(1)
    settings = what_ifs(policy, 1)
    seen = 0
    for application in generated(policy, 12, 11, bases_of(path)):
        what_if = WhatIf.of_given(policy, rng.choice(settings))
        known = version.know(what_if, application)
        before = telling(policy.core, known.evaluation, known.decision)
        for mutant in rng.sample(list(version.mutants.values()), 20):
            changed = version.changed(mutant)
            if changed is None or mutant.reach == "ranking":  # that is no matter of one application
                continue
            settled, found = settle(changed.policy, what_if.changes, what_if.clock)
            if found:
                continue
            try:
                whole = evaluated(changed.policy, settled, what_if.changes, known.identity, known.application, Strikes(), False)
            except (TypeError, AttributeError, KeyError, AssertionError, TooManySteps, PolicyError):
                continue
            result = known.under(changed)
            after = before if result is None else telling(changed.policy, *result)
            assert after == telling(changed.policy, *whole), mutant.change
            seen += after != before
    assert seen > 4


def test_the_search_finds_the_application_that_tells_a_mutant_apart_and_only_such() -> None:
    policy = load_policy(FILES / "call.yaml")
    version = Version.of(policy)
    watched = [m for m in version.mutants.values() if m.rule in ("good", "project.grant")]
    apart = told_apart(version, watched, 250, 1, bases_of(FILES / "call.yaml"))
    same = {m.change for i, m in enumerate(watched) if i not in apart}
    assert {m.kind for i, m in enumerate(watched) if i in apart} >= {"rounding", "limit", "extreme", "effect", "requirement"}
    assert "0 → -1" not in same
    assert told_apart(version, watched, 250, 1, bases_of(FILES / "call.yaml"), jobs=2) == apart


def test_a_key_of_order_tells_only_where_two_applications_change_places() -> None:
    policy = policy_from_bytes(
        "t.yaml",
        b"""
bandolo: 1
policy: {id: t, title: T, decides: project}
entities: {project: {facts: {id: {type: text, key: true}, points: {type: number, from: 0, to: 10}, grant: money}}}
definitions:
  project:
    same_for_all: "0"
    shifted: points + 5
    cut: min(points, 5)
requirements: {project: {good: {check: points >= 1, otherwise: reject}}}
ranking: {order_by: [cut descending, shifted descending, same_for_all ascending], budget: 100 EUR, award: grant, when_short: stop}
""",
    )
    version = Version.of(policy)
    watched = [m for m in version.mutants.values() if m.rule.startswith("project.")]
    apart = told_apart(version, watched, 120, 1, [])
    told = {m.change for i, m in enumerate(watched) if i in apart}
    same = {m.change for m in watched} - told
    arrow = "\N{RIGHTWARDS ARROW}"
    assert {f"0 {arrow} 1", f"0 {arrow} -1", f"points + 5 {arrow} points - 5", f"points + 5 {arrow} points"} <= same
    assert {f"min(points, 5) {arrow} max(points, 5)", f"min(points, 5) {arrow} points"} <= told
    assert all(len(apart[i].applications) == 2 for i in apart)
