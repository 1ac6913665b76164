"""Laws of every decision, on generated policies: no completion overturns what is final, and no order matters."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bandolo.diagnostics import PolicyError
from bandolo.evaluate.decision import Decision
from bandolo.language.values import Fault, Unknown
from bandolo.policy import Policy, policy_from_bytes
from generated import Generated, completions, generated
from small import policy

# The examples are small as they are: they are not shrunk, so that a suite that fails ends soon.
COMMON = settings(
    derandomize=True,
    deadline=None,
    database=None,
    print_blob=False,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
READINGS = ({"view": "wide"}, {"view": "narrow"})


def loaded(sample: Generated) -> Policy | None:
    """The policy, or None for the few that the checker rightly refuses (a division that can only fail)."""
    try:
        return policy_from_bytes("generated.yaml", sample.text())
    except PolicyError:
        return None


def test_nearly_every_generated_policy_is_a_policy() -> None:
    tried: list[bool] = []

    @settings(COMMON, max_examples=100)
    @given(generated())
    def run(sample: Generated) -> None:
        tried.append(loaded(sample) is not None)

    run()
    assert sum(tried) >= 0.9 * len(tried)


def verdicts(decision: Decision) -> dict[tuple[str, str], str]:
    return {(r.id, r.subject): r.verdict for r in decision.requirements}


def results(decision: Decision) -> dict[tuple[str, str | None], Any]:
    return {(r.name, r.record): r.value for r in decision.result_values}


def struck(records: Any) -> set[tuple[str, str]]:
    return {(s.record, r) for s in records for r in s.requirements}


@settings(COMMON, max_examples=260)
@given(generated())
def test_no_completion_overturns_what_a_decision_says(sample: Generated) -> None:
    made = loaded(sample)
    if made is None:
        return
    partial = made.decide(sample.application)
    said, known = verdicts(partial), results(partial)
    for number, facts in enumerate(completions(sample.application)):
        whole = made.decide(facts, readings=READINGS[number % 2])
        if partial.outcome in ("admitted", "rejected"):
            assert whole.outcome == partial.outcome, facts
        for stage, status in partial.stages.items():
            if status in ("passed", "failed", "not_started"):
                assert whole.stages[stage] == status, (stage, facts)
        now = verdicts(whole)
        for place, verdict in said.items():
            if verdict == "met":  # that it does not apply at all may turn out later: nothing is violated either way
                assert now[place] in ("met", "not_applicable"), (place, facts)
            elif verdict != "unknown":
                assert now[place] == verdict, (place, facts)
        assert struck(partial.excluded) <= struck(whole.excluded)
        assert struck(partial.barred) <= struck(whole.barred) | struck_with(whole.excluded, partial.barred)
        for place, value in results(whole).items():
            if place in known:
                within(known[place], value, (place, facts))
        assert not whole.missing


def struck_with(excluded: Any, barred: Any) -> set[tuple[str, str]]:
    """What was barred of records that turn out to be excluded altogether."""
    gone = {s.record for s in excluded}
    return {(record, r) for record, r in struck(barred) if record in gone}


def within(before: Any, after: Any, place: object) -> None:
    """What was known stays; what was bounded stays within its bounds (or turns out to be a fault)."""
    if isinstance(before, Unknown):
        if not isinstance(after, Fault | Unknown):
            assert before.low is None or after >= before.low, place
            assert before.high is None or after <= before.high, place
    elif isinstance(before, Fault):
        assert isinstance(after, Fault), place
    else:
        assert after == before, place


@settings(COMMON, max_examples=150)
@given(generated(), st.randoms(use_true_random=False))
def test_the_order_of_records_and_keys_changes_nothing(sample: Generated, random: Any) -> None:
    made = loaded(sample)
    if made is None:
        return
    shuffled = shuffled_keys(sample.application, random)
    if "firms" in shuffled:
        shuffled["firms"] = [shuffled_keys(f, random) for f in shuffled["firms"]]
        random.shuffle(shuffled["firms"])
    assert made.decide(shuffled).to_json() == made.decide(sample.application).to_json()


def test_which_of_two_faults_is_told_does_not_depend_on_the_order_of_records() -> None:
    made = policy("""
    entities:
      project: {facts: {firms: list of firm}}
      firm: {facts: {id: {type: text, key: true}, ok: boolean}}
    definitions: {project: {total: "sum((if ok then 1 / 0 else average([])) of firms)"}}
    results: [total]
    """)
    firms = [{"id": "A", "ok": True}, {"id": "B", "ok": False}]
    assert made.decide({"firms": firms}).to_json() == made.decide({"firms": firms[::-1]}).to_json()


@settings(COMMON, max_examples=150)
@given(generated(), st.randoms(use_true_random=False))
def test_the_order_of_entries_of_a_policy_changes_nothing(sample: Generated, random: Any) -> None:
    made = loaded(sample)
    other = Generated(shuffled_entries(sample.policy, random), sample.application)
    if made is None:
        assert loaded(other) is None
        return
    again = loaded(other)
    assert again is not None
    assert orderless(again.decide(sample.application)) == orderless(made.decide(sample.application))


def shuffled_keys(data: dict[str, Any], random: Any) -> dict[str, Any]:
    keys = list(data)
    random.shuffle(keys)
    return {k: data[k] for k in keys}


def shuffled_entries(data: Any, random: Any) -> Any:
    """A policy with the entries of every mapping in another order; the order of lists (stages, steps) is meaning."""
    if isinstance(data, dict):
        return {k: shuffled_entries(v, random) for k, v in shuffled_keys(data, random).items()}
    return data


def orderless(decision: Decision) -> Any:
    """A decision without its digests and the places of faults in the policy's text."""
    data = decision.to_dict()
    del data["policy"]["digest"], data["application_digest"]
    for fault in data["faults"]:
        del fault["place"]
    data["faults"].sort(key=json.dumps)
    return data


# Exact numbers.

RATIO = policy("""
entities: {project: {facts: {c: {type: money, from: 0 EUR}, t: {type: money, from: 0 EUR}, p: percent}}}
definitions: {project: {divided: c / t <= p, multiplied: c <= p * t, exactly: c / t = p, same: c = p * t}}
results: [divided, multiplied, exactly, same]
""")
CENTS = st.integers(0, 10**9)


def amount(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


@settings(COMMON, max_examples=400)
@given(CENTS, CENTS.filter(bool), st.integers(0, 1000), st.booleans())
def test_a_share_is_compared_alike_whichever_way_it_is_written(c: int, t: int, thousandths: int, on_the_edge: bool) -> None:
    if on_the_edge:
        c, t = thousandths * t, 1000 * t
    facts = {"c": amount(c), "t": amount(t), "p": f"{thousandths // 10}.{thousandths % 10}%"}
    found = RATIO.decide(facts).results
    assert found["divided"] is found["multiplied"] is (Fraction(c, t) <= Fraction(thousandths, 1000))
    assert found["exactly"] is found["same"] is (Fraction(c, t) == Fraction(thousandths, 1000))


SHARES = policy("""
entities:
  project: {facts: {cash: {type: money, from: 0 EUR}, firms: list of firm}}
  firm: {facts: {id: {type: text, key: true}, w: {type: number, from: 0}}}
definitions:
  firm: {part: share of project.cash / 7 by w among project.firms ties id}
  project: {total: cash / 7, sum_of_parts: sum(part of firms)}
results: [total, sum_of_parts, firm.part]
""")


@settings(COMMON, max_examples=200)
@given(CENTS, st.lists(st.integers(0, 30), max_size=8))
def test_the_parts_of_a_total_add_up_to_it(cents: int, weights: list[int]) -> None:
    firms = [{"id": f"F{i}", "w": f"{w // 3}.{w % 3}"} for i, w in enumerate(weights)]
    found = SHARES.decide({"cash": amount(cents), "firms": firms}).results
    parts = [record["part"] for record in found.get("firms", {}).values()]
    total = found["total"] if any(weights) else 0
    assert sum(parts) == total == found["sum_of_parts"]
    whole = sum(Fraction(f["w"]) for f in firms)
    for firm, part in zip(firms, parts, strict=True):
        exact = Fraction(cents // 7) * Fraction(firm["w"]) / whole if whole else Fraction(0)
        assert abs(Fraction(part) * 100 - exact) < 1
