"""A program decides what is not known as the reference does: every construct, every policy, with facts missing here and there."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandolo.diagnostics import ApplicationError
from bandolo.evaluate.decision import Decision
from bandolo.plan.stepped import Stepped
from bandolo.policy import Policy, load_policy
from bandolo.testing.generate import Limits, bases_of, by_number
from small import policy as small_policy

ROOT = Path(__file__).resolve().parents[1]
POLICIES = sorted({*ROOT.glob("policies/*_20??.yaml"), *ROOT.glob("tests/policies/*_20??.yaml"), ROOT / "tests/policies/ranked_call.yaml"})


def decided(policy: Policy, application: Any, engine: Any, **options: Any) -> Any:
    """The decision, or the codes for which the data is refused."""
    try:
        return policy.decide(application, engine=engine, **options)
    except ApplicationError as error:
        return [(d.code, d.path) for d in error.diagnostics]


def same(policy: Policy, application: Any, **options: Any) -> Any:
    """The program's decision, which is the reference's in every part."""
    reference, compiled = (decided(policy, application, engine, **options) for engine in ("reference", "compiled"))
    if isinstance(reference, Decision):
        told = compiled.outcome, compiled.stage, compiled.stages  # before the rest is put together
        assert told == (reference.outcome, reference.stage, reference.stages)
        assert compiled.to_json() == reference.to_json() == json.dumps(reference.to_dict(), ensure_ascii=False)
        for part in ("results", "undetermined"):
            assert getattr(compiled, part) == getattr(reference, part)
    assert compiled == reference
    return compiled


def thinned(data: dict[str, Any], share: float, rng: Random) -> dict[str, Any]:
    """An application that lacks a share of its facts, at every level."""
    kept: dict[str, Any] = {}
    for name, value in data.items():
        if rng.random() < share:
            continue
        if isinstance(value, dict):
            kept[name] = {stage: v for stage, v in value.items() if rng.random() >= share}
        elif isinstance(value, list):
            kept[name] = [thinned(v, share, rng) if isinstance(v, dict) else v for v in value]
        else:
            kept[name] = value
    return kept


@cache
def loaded(path: Path) -> tuple[Policy, Any]:
    policy = load_policy(path)
    return policy, by_number(policy, 11, bases_of(path), Limits(records=6))


@pytest.mark.parametrize("share", [0.02, 0.2, 0.6])
@pytest.mark.parametrize("path", POLICIES, ids=lambda p: p.name)
def test_applications_that_lack_facts_are_decided_as_by_the_reference(path: Path, share: float) -> None:
    policy, application = loaded(path)
    for n in range(3):
        same(policy, thinned(application(n), share, Random(f"{share}/{n}")), as_of=(None, "2023-03-01")[n % 2])


@pytest.mark.parametrize("path", POLICIES, ids=lambda p: p.name)
def test_what_is_not_known_is_not_asked_of_the_reference(path: Path) -> None:
    """No fault, no trace: then the program does it all."""
    policy, application = loaded(path)
    rng = Random(5)
    found = [d for n in range(4) if isinstance(d := decided(policy, thinned(application(n), 0.3, rng), "compiled"), Stepped)]
    assert found
    assert [d._plan.asked for d in found if not d.faults] == [0] * sum(not d.faults for d in found)


CONSTRUCTS = """
    choices: {size: [micro, small, large]}
    stages: [first, {later: {opens: go and x is known}}]
    entities:
      project:
        facts:
          id: {type: text, key: true}
          go: boolean
          m: {type: money, from: 0, to: 1000 EUR}
          n: {type: integer, from: -3, to: 5}
          x: number
          size: size
          day: {type: date, from: 2023-01-01}
          until: {type: date, optional: true}
          sent: datetime
          maybe: {type: number, optional: true, from: 0}
          codes: {type: list of text, at_most: 3}
          firms: {type: list of firm, at_most: 4}
          lead: reference to firm
          twice: {type: integer, from: 0, to: 9, asked: [first, later]}
      firm:
        facts:
          id: {type: text, key: true}
          ok: boolean
          kind: size
          cost: {type: money, from: 0}
          rank: {type: integer, from: 1, to: 99}
          bills: list of bill
      bill: {facts: {amount: {type: money, from: 0, to: 50 EUR}, paid: date}}
    parameters:
      cap: 300 EUR
      later_cap: {type: money, pending: an act}
      rate: {versions: [{until: 2023-06-30, value: 10%}, {from: 2023-07-01, value: 12.5%}]}
      once: {versions: [{from: 2023-02-01, until: 2023-12-31, value: 3}]}
    readings:
      view: {question: q, options: {wide: w, narrow: n}}
      known_view: {question: q, options: {wide: w, narrow: n}, chosen: wide}
    rates: {table: {by: size, values: {micro: 50%, small: 40%, large: 15%}}}
    bands:
      slices: {of: money, steps: [{to: 100 EUR, rate: 50%}, {to: 500 EUR, rate: 20%}], above: 1%}
      ladder: {of: number, steps: [{to: 0, value: 1}, {to: 2, value: 4}], above: 9}
    definitions:
      bill: {early: paid <= 2023-06-30}
      firm:
        paid: sum(amount of bills where early)
        dear: "cost >= project.mean"
        part: share of project.m by cost among project.admitted_firms ties rank
        first: not any(project.firms as other where other.rank < this.rank)
      project:
        admitted_firms: firms where admitted
        some: firms where kind in [micro, small]
        costs: sum(cost of admitted_firms)
        all_paid: sum(amount of bills of firms)
        mean: average(cost of firms)
        lowest: min(cost of firms)
        highest: max(cost of firms where ok)
        kinds: count(distinct kind of firms)
        how_many: count(firms where ok and cost > 10 EUR)
        everyone: all(ok of firms)
        anyone: any(ok of some)
        rate_then: rate at day
        once_then: once at day
        banded: slices(costs)
        step: ladder(x)
        quotient: m / n
        ratio: if costs > 0 EUR then m / costs else 0
        product: x * n - abs(n) + floor(x) + ceil(x)
        rounded: round(m * table[size], half_up, 1 EUR)
        least: min(m, cap, costs)
        most: max(n, count(firms))
        capped: min(m, later_cap)
        chosen: {by: reading.view, wide: m, narrow: cap}
        sure: {by: reading.known_view, wide: m, narrow: cap}
        exempt: {value: 10%, except: [{when: size = large, value: 5%}, {when: n > 2, value: 7.5%}]}
        end: if until is none then day + 1 month else until
        length: days_between(day, end)
        listed: '"A" in codes'
        equal_days: until is not none and day = until
        sent_on: date(sent)
        late: sent > 2023-03-01 12:00
        either: maybe is none or maybe > 3
        led: lead.cost
        moments: (twice at first) + (twice at later)
        day_list: 'day in [2023-05-01, 2023-06-01]'
        total: {value: m * 40% + costs / 3, round: {down: 0.01 EUR}}
    requirements:
      firm:
        fit: {stage: first, check: ok, otherwise: exclude}
        small: {stage: later, applies: kind = large, check: cost < 100 EUR, otherwise: {by: reading.view, wide: exclude, narrow: flag}}
      project:
        enough: {stage: first, check: count(admitted_firms) >= 2, otherwise: reject, message: {it: "{costs}", en: "{count(firms)}"}}
        in_time: {stage: first, check: day <= 2023-09-30, otherwise: {suspend: {cure: 10 days, from: day}}}
        signed: {stage: later, applies: n > 0, check: met(enough) and x < 5, otherwise: refer}
        kept_in: {stage: later, check: m <= cap, otherwise: bar}
    results:
      - [part, paid, dear, first]
"""
RESULTS = (
    "costs all_paid mean lowest highest kinds how_many everyone anyone rate_then once_then banded step quotient ratio product rounded "
    "least most capped chosen sure exempt end length listed equal_days sent_on late either led moments day_list total"
)
ROOT_VALUES: dict[str, list[Any]] = {
    "id": ["P"], "go": [True, False], "m": ["0", "99.99", 1000], "n": [-1, 0, 3], "x": ["0.5", 2, "-1.25", "7"], "size": ["micro", "large"],
    "day": ["2023-01-31", "2023-07-01", "2024-02-29"], "until": [None, "2023-08-01"], "sent": ["2023-03-01T12:00:00+01:00"],
    "maybe": [None, "3.5"], "codes": [[], ["A"], ["B", "C"]], "lead": ["A", "B"], "twice": [4, {"first": 1, "later": 2}, {"later": 3}],
}  # fmt: skip
FIRM_VALUES: dict[str, list[Any]] = {
    "ok": [True, False], "kind": ["micro", "small", "large"], "cost": ["10", "100.01", "0"], "rank": [1, 2, 3],
    "bills": [[], [{"amount": "5.50", "paid": "2023-02-01"}], [{"amount": 20}, {"paid": "2023-08-01", "amount": "1"}]],
}  # fmt: skip


@cache
def constructs() -> Policy:
    text = CONSTRUCTS.replace(
        "- [part, paid, dear, first]", "[firm.part, firm.paid, firm.dear, firm.first, " + ", ".join(RESULTS.split()) + "]"
    )
    return small_policy(text)


def some(values: dict[str, list[Any]], share: float, rng: Random) -> dict[str, Any]:
    return {name: rng.choice(options) for name, options in values.items() if rng.random() >= share}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0, 0.1, 0.3, 0.6]))
def test_every_construct_is_decided_as_by_the_reference(seed: int, share: float) -> None:
    rng = Random(seed)
    application = some(ROOT_VALUES, share, rng)
    if rng.random() >= share:
        application["firms"] = [{"id": key, **some(FIRM_VALUES, share, rng)} for key in "ABC"[: rng.randint(1, 3)]]
    same(constructs(), application, as_of=rng.choice([None, "2023-05-01"]))


def test_the_constructs_are_all_known_to_the_program() -> None:
    policy = constructs()
    compiled = decided(policy, {"firms": [{"id": "A"}, {"id": "B"}]}, "compiled")
    assert isinstance(compiled, Decision)
    assert policy.compiled is not None
    assert policy.compiled.read is not None


ODD: dict[str, Any] = {
    "a stage that does not ask": ("twice", {"first": 1, "never": 2}),
    "null at a stage": ("twice", {"first": None, "later": 2}),
    "null": ("m", None),
    "a fact that is not asked": ("colour", 1),
    "a float": ("m", 1.5),
    "a part of a cent": ("m", "1.005"),
    "out of range": ("m", "1000.01"),
    "below the range": ("n", -4),
    "many decimals": ("x", "0.12345678901"),
    "a record that is none": ("firms", ["A"]),
    "too many": ("firms", [{"id": str(i)} for i in range(5)]),
    "no list": ("firms", {"id": "A"}),
    "a key twice": ("firms", [{"id": "A"}, {"id": "A"}]),
    "a key like a position": ("firms", [{"ok": True}, {"id": "0"}]),
    "no keys": ("firms", [{"ok": True}, {"ok": False}, {}]),
    "a bracket in a key": ("firms", [{"id": "A[1]"}]),
    "a number as a key": ("firms", [{"id": 7}]),
    "a reference to nobody": ("lead", "Z"),
    "a text that is not ASCII": ("codes", ["é", "A"]),
    "a text with a control sign": ("codes", ["A\x07"]),
    "a list of nothing": ("codes", [None]),
    "a date with a time": ("day", "2023-01-01T00:00"),
    "no such day": ("day", "2023-02-30"),
    "a wall time": ("sent", "2023-03-01 12:00"),
}


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_what_is_out_of_order_is_judged_by_the_reference(odd: str) -> None:
    fact, value = ODD[odd]
    firms = [{"id": "A", "ok": True, "cost": "10", "rank": 1}, {"id": "B", "ok": True, "cost": "20", "rank": 2}]
    same(constructs(), {"id": "P", "firms": firms, "lead": "A", fact: value})


# The decision itself.


def example() -> tuple[Policy, dict[str, Any]]:
    policy, application = loaded(ROOT / "policies" / "bando_2023.yaml")
    data = application(1)
    data["partners"][0].pop("size", None)
    return policy, data


def test_a_decision_is_an_ordinary_one_wherever_it_goes() -> None:
    policy, application = example()
    compiled, reference = decided(policy, application, "compiled"), decided(policy, application, "reference")
    assert isinstance(compiled, Stepped)
    assert pickle.loads(pickle.dumps(compiled)) == reference == copy.copy(compiled)
    again = dataclasses.replace(compiled, as_of="2023-03-01")
    assert (again.results, again.outcome) == (reference.results, reference.outcome)
    assert not hasattr(compiled, "colour")
    assert compiled != "a decision"


def test_what_is_changed_after_the_decision_does_not_change_it() -> None:
    policy, application = example()
    reference = policy.decide(copy.deepcopy(application), engine="reference")
    compiled = policy.decide(application, engine="compiled")
    application["partners"].clear()
    assert compiled == reference


def test_threads_may_look_at_one_decision_at_once() -> None:
    policy, application = example()
    compiled = policy.decide(application, engine="compiled")
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: compiled.to_json(), range(4)))
    assert found == [policy.decide(application, engine="reference").to_json()] * 4
