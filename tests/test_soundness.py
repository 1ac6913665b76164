"""What is said of an incomplete application holds for every completion, and every act reaches whom it says: cases that once did not."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bandolo.diagnostics import PolicyError
from bandolo.policy import Policy, policy_from_bytes

HEAD = "bandolo: 1\npolicy: {{id: t, title: T, decides: project{extra}}}\n"


def policy(text: str, extra: str = "", acts: tuple[str, ...] = ()) -> Policy:
    content = (HEAD.format(extra=extra) + text).encode()
    return policy_from_bytes("t.yaml", content, [(f"act_{i}.yaml", act.encode()) for i, act in enumerate(acts)])


PARTNERS = """
entities:
  project: {facts: {partners: list of partner}}
  partner: {facts: {k: {type: text, key: true}, ok: boolean, w: integer, z: integer}}
"""


@pytest.mark.parametrize("effect", ["reject", "suspend", "refer"])
def test_a_list_that_is_missing_passes_nothing(effect: str) -> None:
    made = policy(f"{PARTNERS}requirements: {{partner: {{r: {{check: ok and w > z, otherwise: {effect}}}}}}}")
    assert (made.decide({}).outcome, made.decide({}).missing) == ("undetermined", ("partners",))
    assert made.decide({"partners": []}).outcome == "admitted"


def test_a_part_may_exceed_a_total_that_is_rounded_up() -> None:
    made = policy(
        """
entities:
  project: {facts: {costs: {type: money, from: 0 EUR}, partners: list of partner}}
  partner: {facts: {k: {type: text, key: true}, w: {type: money, from: 0 EUR}}}
definitions:
  project: {tot: costs / 3}
  partner: {part: share of project.tot by w among project.partners ties k}
requirements: {partner: {r: {check: part <= project.tot, otherwise: reject}}}
""",
        ", money_rounding: up",
    )
    assert made.decide({"costs": 10, "partners": [{"k": "A"}]}).outcome == "undetermined"
    assert made.decide({"costs": 10, "partners": [{"k": "A", "w": 1}]}).outcome == "rejected"


@pytest.mark.parametrize("check", ["min(5, 100 / n) <= 5", "0 * (1 / n) = 0", "min(d + 1000 days, 2023-01-01) <= 2023-01-01"])
def test_bounds_decide_nothing_where_a_completion_has_no_result(check: str) -> None:
    made = policy(
        "entities: {project: {facts: {n: {type: number, from: 0, to: 10}, d: date}}}\n"
        f'requirements: {{project: {{r: {{check: "{check}", otherwise: reject}}, s: {{check: "n > -1 or d = d", otherwise: flag}}}}}}'
    )
    assert made.decide({}).outcome == "undetermined"
    assert made.decide({"n": 0, "d": "9999-01-01"}).outcome in ("undetermined", "admitted")


CAPS = """
entities: {project: {facts: {t: date, costs: money}}}
parameters: {cap: 100 EUR, least: 0 EUR}
definitions: {project: {grant: "max(least, min(cap, costs))"}}
results: [grant]
"""
ACT = "bandolo: 1\namends: t.yaml\nid: {id}\ndate: 2023-01-01\n{rest}\n"


def test_each_act_reaches_whom_it_says_whatever_comes_after_it() -> None:
    first = ACT.format(id="first", rest="applies_to: t >= 2023-05-01\nset: {parameters.cap: 200 EUR}")
    second = ACT.format(id="second", rest="set: {parameters.least: 1 EUR}")
    for acts in ((first, second), (second, first)):
        made = policy(CAPS, acts=acts)
        assert made.decide({"t": "2023-01-01", "costs": 500}).results == {"grant": Decimal(100)}
        assert made.decide({"t": "2023-06-01", "costs": 500}).results == {"grant": Decimal(200)}
        assert made.decide({"t": "2023-01-01", "costs": 0}).results == {"grant": Decimal(1)}
        assert made.decide({"costs": 500}).undetermined == {"grant": {"missing": ["t"]}}


def test_what_an_act_does_not_reach_need_not_fit_its_text() -> None:
    rest = "applies_to: t >= 2023-05-01\nset: {entities.project.facts.costs: {type: money, to: 400 EUR}}"
    made = policy(CAPS, acts=(ACT.format(id="narrow", rest=rest),))
    assert made.decide({"t": "2023-01-01", "costs": 500}).results == {"grant": Decimal(100)}


def test_a_reject_of_an_excluded_record_does_not_count_even_if_a_reading_might_have_made_it_an_exclusion() -> None:
    made = policy(
        PARTNERS.replace("ok: boolean, ", "")
        + """
readings: {m: {question: q, options: {aa: a, bb: b}, chosen: bb}}
requirements:
  partner:
    b: {check: w > 0, otherwise: exclude}
    c: {check: z > 0, otherwise: {by: reading.m, aa: exclude, bb: reject}}
"""
    )
    assert made.decide({"partners": [{"k": "A", "w": 0, "z": 0}]}).outcome == "admitted"


def test_a_record_with_a_position_is_not_taken_for_one_with_that_key() -> None:
    made = policy(
        PARTNERS.replace("ok: boolean, ", "").replace(", z: integer", "") + "definitions: {partner: {x: w * 2}}\nresults: [partner.x]"
    )
    results = made.decide({"partners": [{"k": "1", "w": 5}, {"w": 6}]}).results
    assert results == {"partners": {"1": {"x": 10}, "#1": {"x": 12}}}


def test_a_band_that_a_trial_makes_fall_is_refused() -> None:
    made = policy(
        """
entities: {project: {facts: {a: money}}}
parameters: {lim: 2 EUR}
bands: {b: {of: money, steps: [{to: lim, rate: 50%}, {to: 3 EUR, rate: 30%}], above: 0%}}
definitions: {project: {x: b(a)}}
results: [x]
"""
    )
    assert made.decide({"a": 10}).results == {"x": Decimal("1.30")}
    with pytest.raises(PolicyError, match="bands-order"):
        made.decide({"a": 10}, set={"lim": "5 EUR"})


def test_a_reference_into_a_list_that_is_missing_is_unknown() -> None:
    made = policy(
        PARTNERS.replace("partners: list of partner", "lead: {type: reference to partner}, partners: list of partner").replace(
            ", w: integer, z: integer", ""
        )
        + "requirements: {project: {r: {check: lead.ok, otherwise: reject}}}"
    )
    assert made.decide({"lead": "2"}).outcome == "undetermined"


def test_a_cure_that_cannot_be_computed_is_a_fault_that_is_told() -> None:
    made = policy(
        "entities: {project: {facts: {ok: boolean, n: integer}}}\n"
        'requirements: {project: {r: {check: ok, otherwise: {suspend: {cure: 10 days, from: "date(2023, 2, n)"}}}}}'
    )
    decision = made.decide({"ok": False, "n": 30})
    assert (decision.outcome, [f.code for f in decision.faults]) == ("suspended", ["date-out-of-range"])


@pytest.mark.parametrize("check", ["any(ok of partners where 1 / w > 0)", "true in (ok of partners where 1 / w > 0)"])
def test_a_membership_that_may_have_no_result_settles_nothing(check: str) -> None:
    made = policy(PARTNERS.replace(", z: integer", "") + f"requirements: {{project: {{r: {{check: {check}, otherwise: reject}}}}}}")
    assert made.decide({"partners": [{"k": "A", "ok": False}]}).outcome == "undetermined"
    assert made.decide({"partners": [{"k": "A", "ok": False, "w": 0}]}).outcome == "undetermined"
    assert made.decide({"partners": [{"k": "A", "ok": False, "w": 1}]}).outcome == "rejected"
