"""What a decision carries besides its outcome: what is open, assumed, changed; results; its JSON form, the same bytes each time."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from bandolo import load_policy
from bandolo.diagnostics import PolicyError
from bandolo.testing.cases import changed, read_cases
from small import LIVE_POLICIES, ROOT, decide, plain, policy, refused

# What is open, assumed, changed.

OPEN = """
entities: {project: {facts: {costs: money, signed: boolean}}}
parameters:
  cap: {type: money, pending: a later act, must_be: cap >= 100 EUR, assume: 500 EUR}
  floor_: {value: 10 EUR}
  unneeded: {type: money, pending: another act}
readings:
  ends: {question: q, options: {included: a, excluded: b}}
  chosen_one: {question: q, options: {a1: a, b1: b}, chosen: a1}
definitions:
  project:
    limit: {by: reading.ends, included: cap, excluded: cap - 1 EUR}
    grant: min(costs, cap)
    other: {by: reading.chosen_one, a1: unneeded, b1: 0 EUR}
requirements:
  project:
    enough: {check: costs >= floor_, otherwise: reject}
    within: {check: costs <= limit, otherwise: reject}
    agreed: {applies: other > 0 EUR, check: signed, otherwise: flag}
results: [grant]
"""


def test_pending_parameters_and_open_readings_are_named_where_they_leave_something_open() -> None:
    decision = decide(OPEN, {"costs": "200"})
    assert decision.outcome == "undetermined"
    assert decision.pending == ("cap", "unneeded")
    assert decision.open_readings == ("ends",)
    assert decision.missing == ("signed",)
    assert decision.requirement("within").missing == ("parameter.cap", "reading.ends")
    assert decision.to_dict()["undetermined"]["grant"]["missing"] == ["parameter.cap"]


def test_a_parameter_is_assumed_only_when_asked_and_is_then_listed() -> None:
    decision = decide(OPEN, {"costs": "200"}, assume=True)
    assert (decision.outcome, decision.assumed) == ("admitted", ("cap",))
    assert decision.open_readings == ()  # either option lets the costs pass
    assert decide(OPEN, {"costs": "200"}, assume=["cap"]).assumed == ("cap",)
    assert decide(OPEN, {"costs": "200"}).assumed == ()


def test_what_is_set_or_chosen_for_trial_is_listed() -> None:
    decision = decide(OPEN, {"costs": "200"}, set={"cap": "150 EUR"}, readings={"ends": "included"})
    assert decision.outcome == "rejected"
    assert decision.changed == ("cap = 150.00", "reading.ends = included")
    assert dict(decision.readings) == {"ends": "included", "chosen_one": "a1"}
    assert decision.assumed == ()
    assert str(decision.results["grant"]) == "150"


def test_setting_wins_over_assuming() -> None:
    decision = decide(OPEN, {"costs": "200"}, set={"cap": "300 EUR"}, assume=True)
    assert (decision.assumed, decision.changed) == ((), ("cap = 300.00",))


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"set": {"cap": "99 EUR"}}, "must-be-broken"),
        ({"set": {"cap": "99"}}, "must-be-broken"),
        ({"set": {"cap": 200.5}}, "float-given"),
        ({"set": {"cap": "200 USD"}}, "other-currency"),
        ({"set": {"cap": "lots"}}, "bad-number"),
        ({"set": {"kap": "200 EUR"}}, "unknown-parameter"),
        ({"readings": {"end": "included"}}, "unknown-of-kind"),
        ({"readings": {"ends": "include"}}, "unknown-option"),
        ({"assume": ["unneeded"]}, "nothing-to-assume"),
        ({"assume": ["floor_"]}, "nothing-to-assume"),
    ],
)
def test_a_what_if_that_cannot_be_is_refused(options: dict[str, Any], code: str) -> None:
    with pytest.raises(PolicyError) as error:
        decide(OPEN, {"costs": "200"}, **options)
    assert [d.code for d in error.value.diagnostics] == [code]


def test_nothing_is_missing_where_nothing_could_change_it() -> None:
    text = """
    entities:
      project: {facts: {firms: list of firm}}
      firm: {facts: {id: {type: text, key: true}, ok: boolean}}
    requirements: {project: {three: {check: count(firms where ok) >= 3, otherwise: reject}}}
    """
    three = [{"id": str(i), "ok": True} for i in range(3)]
    assert decide(text, {"firms": [*three, {"id": "x"}]}).outcome == "admitted"
    assert decide(text, {"firms": [*three[:2], {"id": "x"}]}).missing == ("firms[x].ok",)
    assert decide(text, {"firms": [{"id": "x"}, {"id": "y"}]}).outcome == "rejected"


# Facts: references, several moments, nothing and null.


def test_a_reference_is_followed_to_the_record_with_that_key() -> None:
    text = """
    entities:
      project: {facts: {lead: {type: reference to firm, optional: true}, firms: list of firm}}
      firm: {facts: {id: {type: text, key: true}, town: text}}
    definitions: {project: {from_lodi: lead is not none and lead.town = "Lodi"}}
    results: [from_lodi]
    """
    firms = [{"id": "A", "town": "Pavia"}, {"id": "B", "town": "Lodi"}]
    assert decide(text, {"lead": "B", "firms": firms}).results == {"from_lodi": True}
    assert decide(text, {"lead": "A", "firms": firms}).results == {"from_lodi": False}
    assert decide(text, {"lead": None, "firms": firms}).results == {"from_lodi": False}
    assert decide(text, {"firms": firms}).results == {}
    assert refused(text, {"lead": "C", "firms": firms}) == ["dangling-reference $.lead"]
    assert refused(text, {"lead": "A", "firms": [*firms, {"id": "A"}]})[0] == "key-twice $.firms[2]"


MOMENTS = """
stages: [start, later]
entities: {project: {facts: {active: {type: boolean, asked: [start, later]}}}}
requirements:
  project:
    at_first: {stage: start, check: active at start, otherwise: reject}
    at_last: {stage: later, check: active at later, otherwise: bar}
"""


def test_a_bare_value_stands_for_the_first_moment_only() -> None:
    decision = decide(MOMENTS, {"active": True})
    assert (decision.outcome, decision.missing) == ("undetermined", ("active at later",))
    assert decide(MOMENTS, {"active": {"start": True, "later": True}}).outcome == "admitted"
    assert decide(MOMENTS, {"active": {"start": True, "later": False}}).outcome == "barred"
    assert decide(MOMENTS, {"active": {"later": True}}).missing == ("active at start",)
    assert refused(MOMENTS, {"active": {"end": True}}) == ["unknown-fact $.active.end"]


def test_null_is_none_where_a_fact_is_optional_and_unknown_elsewhere() -> None:
    text = """
    entities: {project: {facts: {paid_on: {type: date, optional: true}, signed: boolean}}}
    requirements: {project: {r: {check: paid_on is none, otherwise: reject}, s: {check: signed, otherwise: reject}}}
    """
    assert decide(text, {"paid_on": None, "signed": True}).outcome == "admitted"
    assert decide(text, {"signed": True}).missing == ("paid_on",)
    assert decide(text, {"paid_on": None, "signed": None}).missing == ("signed",)
    assert decide(text, {"paid_on": "2023-01-01", "signed": True}).outcome == "rejected"


# Results.

RESULTS = """
entities:
  project: {facts: {firms: list of firm, signed_on: {type: date, optional: true}, sent: datetime, share_: percent, costs: money}}
  firm: {facts: {id: {type: text, key: true}, ok: boolean, weight: number}}
definitions:
  firm: {part: share of project.total by weight among project.firms where admitted ties id}
  project:
    total: costs / 3
    third: {value: 1 / 3, type: number}
    count_: count(firms)
    signed: signed_on
    when_sent: sent
    wait: 2 weeks
    rate: share_
    many: costs > 10 EUR
requirements: {firm: {fine: {check: ok, otherwise: exclude}}}
results: [total, third, count_, signed, when_sent, wait, rate, many, firm.part]
"""
GIVEN = {
    "firms": [{"id": "B", "ok": True, "weight": 1}, {"id": "A", "ok": True, "weight": 1}, {"id": "C", "ok": False, "weight": 5}],
    "signed_on": None,
    "sent": "2023-07-01T10:00Z",
    "share_": "12.5%",
    "costs": "100.10",
}


def test_results_are_python_values() -> None:
    results = decide(RESULTS, GIVEN).results
    assert results["total"] == Decimal("33.36")
    assert results["third"] == Fraction(1, 3)
    assert (results["count_"], type(results["count_"])) == (3, int)
    assert results["signed"] is None
    assert results["when_sent"] == datetime.fromisoformat("2023-07-01T12:00+02:00")
    assert results["rate"] == Decimal("0.125")
    assert results["many"] is True
    assert results["firms"] == {"A": {"part": Decimal("16.68")}, "B": {"part": Decimal("16.68")}}


def test_results_are_plain_data_in_json() -> None:
    data = decide(RESULTS, GIVEN).to_dict()["results"]
    assert data == {
        "total": "33.36",
        "third": "1/3",
        "count_": 3,
        "signed": None,
        "when_sent": "2023-07-01T12:00:00+02:00",
        "wait": "14 days",
        "rate": "12.5%",
        "many": True,
        "firms": {"A": {"part": "16.68"}, "B": {"part": "16.68"}},
    }


def test_the_results_of_an_excluded_record_are_absent_not_zero() -> None:
    decision = decide(RESULTS, GIVEN)
    assert "C" not in decision.results["firms"]
    assert "firms[C].part" not in decision.to_dict()["undetermined"]


def test_the_results_of_a_record_that_may_be_excluded_are_open() -> None:
    firms = [*GIVEN["firms"][:2], {"id": "C", "weight": 5}]
    decision = decide(RESULTS, {**GIVEN, "firms": firms})
    assert "firms" not in decision.results
    assert decision.to_dict()["undetermined"]["firms[C].part"]["missing"] == ["firms[C].ok"]


@pytest.mark.parametrize("total", ["0.00", "0.01", "0.02", "100.00", "99.99", "12345.67"])
def test_parts_add_up_to_their_total_to_the_cent(total: str) -> None:
    text = """
    entities:
      project: {facts: {firms: list of firm, costs: money}}
      firm: {facts: {id: {type: text, key: true}, weight: number}}
    definitions:
      firm: {part: share of project.total by weight among project.firms ties id}
      project: {total: costs, again: sum(part of firms)}
    results: [total, again, firm.part]
    """
    firms = [{"id": i, "weight": w} for i, w in (("a", 1), ("b", 1), ("c", 1), ("d", "0.5"), ("e", 0), ("f", "33.333"))]
    decision = decide(text, {"firms": firms, "costs": total})
    parts = [record["part"] for record in decision.results["firms"].values()]
    assert sum(parts) == Decimal(total) == decision.results["total"] == decision.results["again"]
    assert decision.results["firms"]["e"]["part"] == 0


def test_amounts_that_leave_are_rounded_as_a_reading_says() -> None:
    text = """
    bandolo: 1
    policy: {id: small, title: t, decides: project, money_rounding: {by: reading.cents, always_down: down, nearest_: half_up, upwards: up}}
    readings: {cents: {question: q, options: {always_down: a, nearest_: b, upwards: c}}}
    entities: {project: {facts: {costs: money}}}
    definitions: {project: {half: costs / 2}}
    results: [half]
    """
    for costs, wanted in {"10.01": ("5.00", "5.01", "5.01"), "10.00": ("5.00",) * 3, "-10.01": ("-5.00", "-5.01", "-5.01")}.items():
        for option, amount in zip(("always_down", "nearest_", "upwards"), wanted, strict=True):
            assert decide(text, {"costs": costs}, readings={"cents": option}).to_dict()["results"] == {"half": amount}
    still_open = decide(text, {"costs": "10.01"})
    assert still_open.results == {}
    assert still_open.open_readings == ("cents",)
    assert still_open.to_dict()["undetermined"]["half"]["missing"] == ["reading.cents"]


# The JSON form.


def live_decisions() -> list[Any]:
    """Decisions on every application of the case files: complete, half empty, refused."""
    found = []
    for path in LIVE_POLICIES:
        made = load_policy(path)
        file, _ = read_cases(path.with_suffix(".cases.yaml"))
        assert file is not None
        for case in file.cases[::6]:
            if "error" in case.expect or case.amend:
                continue
            application = changed(made.core, file.applications[case.like] if case.like else {}, case.change)
            options = {"as_of": case.as_of, "set": case.set, "readings": case.readings, "assume": case.assume}
            found.append((made, application, options))
        found.append((made, {}, {}))
    return found


def test_decisions_follow_the_published_schema() -> None:
    schema = json.loads((ROOT / "grammar" / "decision.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    for made, application, options in live_decisions():
        validator.validate(json.loads(made.decide(application, **options).to_json()))
    for application in ({}, GIVEN, {"firms": [{}, {}]}):
        validator.validate(json.loads(decide(RESULTS, application).to_json()))


def test_the_same_inputs_give_the_same_bytes() -> None:
    for made, application, options in live_decisions()[::3]:
        first = made.decide(application, **options).to_json()
        assert made.decide(application, **options).to_json() == first
        assert load_policy(made.loaded.tree.span.source.path).decide(application, **options).to_json() == first


def test_a_decision_can_be_replayed_from_its_digests() -> None:
    made = policy(RESULTS)
    decision = made.decide(plain(GIVEN), as_of=date(2023, 1, 1))
    assert decision.policy_digest == made.digest == policy("# a remark\n" + RESULTS).digest
    assert decision.policy_digest != policy(RESULTS.replace("costs / 3", "costs / 4")).digest
    assert decision.application_digest == made.decide({**plain(GIVEN), "costs": "100.1"}).application_digest
    assert decision.application_digest != made.decide({**plain(GIVEN), "costs": "100.2"}).application_digest
    assert (decision.as_of, decision.engine) == ("2023-01-01", made.decide({}).engine)


def test_a_record_without_a_key_is_named_by_its_position() -> None:
    text = """
    entities: {project: {facts: {firms: list of firm}}, firm: {facts: {ok: boolean}}}
    definitions: {firm: {fine_: ok}}
    requirements: {firm: {fine: {check: ok, otherwise: exclude}}}
    results: [firm.fine_]
    """
    decision = decide(text, {"firms": [{"ok": True}, {"ok": False}, {}]})
    assert [(s.record, s.key) for s in decision.excluded] == [("firms[1]", None)]
    assert decision.missing == ("firms[2].ok",)
    assert decision.to_dict()["results"] == {"firms": {"0": {"fine_": True}}}


def test_messages_are_said_in_both_languages_with_their_figures() -> None:
    text = """
    entities: {project: {facts: {costs: money, sent: datetime, rate: percent}}}
    requirements:
      project:
        r:
          check: costs < 1_000 EUR
          otherwise: reject
          message: {it: "{costs}, {sent}, {rate} {{sic}}", en: "{costs}, {sent}, {rate} {{sic}}"}
    """
    decision = decide(text, {"costs": "1234567.5", "sent": "2023-02-28T16:00", "rate": "12.5%"})
    assert decision.requirement("r").message == {
        "it": "1.234.567,50 €, 28/02/2023, ore 16:00, 12,5% {sic}",
        "en": "€1,234,567.50, 28 February 2023, 16:00, 12.5% {sic}",
    }
    assert decide(text, {"costs": "1"}).requirement("r").message == {}
