"""Generated applications: the same for the same seed, valid, and near the constants that the policy compares its facts with."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from bandolo.diagnostics import ApplicationError
from bandolo.policy import Policy, load_policy, policy_from_bytes
from bandolo.testing.compared import compared
from bandolo.testing.generate import Limits, bases_of, generated

POLICIES = Path(__file__).parent.parent / "policies"
SMALL = b"""
bandolo: 1
policy: {id: t, title: T, decides: project}
entities:
  project:
    facts:
      id: {type: text, key: true}
      sent_at: datetime
      started_on: {type: date, optional: true}
      quota: {type: percent, from: 10%, to: 90%}
      lead: {type: reference to firm}
      firms: {type: list of firm, at_most: 12}
  firm: {facts: {code: {type: text, key: true}, costs: {type: money, from: 0 EUR}}}
parameters: {closing: 2023-02-28 16:00, least: 10}
definitions: {project: {enough: count(firms) >= least}}
requirements:
  project:
    in_time: {check: sent_at <= closing, otherwise: reject}
    many: {check: enough, otherwise: reject}
    after: {check: started_on is none or started_on > date(sent_at) + 30 days, otherwise: reject}
    part: {check: quota >= 40%, otherwise: reject}
  firm: {costs_something: {check: costs > 500 EUR, otherwise: reject}}
"""


@pytest.fixture(scope="module")
def small() -> Policy:
    return policy_from_bytes("t.yaml", SMALL)


def test_the_same_seed_makes_the_same_applications_however_many(small: Policy) -> None:
    assert list(generated(small, 30, 7)) == list(generated(small, 60, 7))[:30]
    assert list(generated(small, 30, 7)) != list(generated(small, 30, 8))


@pytest.mark.parametrize("name", ["policies/manifestazione_2022.yaml", "tests/policies/rural_services_2025.yaml"])
@pytest.mark.parametrize("with_bases", [True, False])
def test_they_are_valid_and_lead_to_more_than_one_outcome(name: str, with_bases: bool) -> None:
    path = POLICIES.parent / name
    policy = load_policy(path)
    bases = bases_of(path) if with_bases else []
    made = list(generated(policy, 200, 1, bases))
    decisions = [policy.decide(application, assume=True) for application in made]
    assert len({d.application for d in decisions}) == 200
    assert len({d.failed() for d in decisions}) > 12
    if with_bases:
        assert {d.outcome for d in decisions} >= {"admitted", "rejected", "undetermined"}


def test_facts_stand_on_and_next_to_what_they_are_compared_with(small: Policy) -> None:
    made = list(generated(small, 400, 3))
    sent = {a.get("sent_at") for a in made}
    assert {"2023-02-28 16:00:00", "2023-02-28 16:00:01", "2023-02-28 15:59:59"} <= sent
    assert {9, 10, 11, 0} <= {len(a["firms"]) for a in made if "firms" in a}
    costs = {f.get("costs") for a in made for f in a.get("firms", [])}
    assert {"499.99", "500.00", "500.01"} <= costs
    assert {"39%", "40%", "41%"} <= {a.get("quota") for a in made}
    assert {None, "2023-03-30"} & {a.get("started_on", "") for a in made}
    assert any("sent_at" not in a for a in made)


def test_keys_recur_in_others_but_not_in_one(small: Policy) -> None:
    base = {"id": "A", "firms": [{"code": "IT1", "costs": "600"}, {"code": "IT2", "costs": "1"}]}
    made = [[f["code"] for f in a.get("firms", [])] for a in generated(small, 200, 5, [base])]
    assert all(len(set(codes)) == len(codes) for codes in made)
    assert sum("IT1" in codes for codes in made) > 50


def test_a_share_of_bad_data_where_it_is_asked_for(small: Policy) -> None:
    bad = 0
    for application in generated(small, 200, 1, limits=Limits(invalid=Fraction(1, 4))):
        try:
            small.decide(application)
        except ApplicationError:
            bad += 1
    assert 30 < bad < 70


def test_bases_are_those_of_the_cases_with_their_changes_and_of_rankings() -> None:
    bases = bases_of(POLICIES / "manifestazione_2022.yaml")
    assert len({len(b["partners"]) for b in bases if "partners" in b}) > 3
    ranked = bases_of(POLICIES.parent / "tests/policies/ranked_call.yaml")
    assert len(ranked) > 10


def test_what_a_fact_meets_is_found_through_definitions_and_terms(small: Policy) -> None:
    found = compared(small.core, small.settled.settings)
    assert found.constants["project", "firms"] == (Fraction(10),)
    assert found.constants["firm", "costs"] == (Fraction(500),)
    assert found.facts["project", "started_on"] == ()
    assert [str(v) for v in found.constants["project", "sent_at"]] == ["2023-02-28 15:00:00+00:00"]
