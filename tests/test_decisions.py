"""From verdicts to the outcome: the cases of every policy, stages and their precedence, effects, terms that lapse, faults."""

from __future__ import annotations

from functools import cache
from itertools import combinations, product
from pathlib import Path

import pytest

from bandolo.diagnostics import PolicyError
from bandolo.testing.cases import read_cases
from bandolo.testing.runner import CaseResult, run_file
from small import ROOT, decide

# The cases that stand beside the policies.

CASE_FILES = sorted([*(ROOT / "policies").glob("*.cases.yaml"), *(ROOT / "tests" / "policies").glob("*.cases.yaml")])


def case_names() -> list[tuple[Path, str]]:
    """Every case of every case file. A file that cannot be read has none, and fails the test of its names below."""
    files = [(path, read_cases(path)[0]) for path in CASE_FILES]
    return [(path, case.name) for path, file in files if file is not None for case in file.cases]


@cache
def results(path: Path) -> dict[str, CaseResult]:
    done, diagnostics = run_file(path)
    assert not diagnostics, [d.code for d in diagnostics]
    return {r.case.name: r for r in done}


@pytest.mark.parametrize(("path", "name"), case_names(), ids=[f"{p.name}: {n}" for p, n in case_names()])
def test_case(path: Path, name: str) -> None:
    result = results(path)[name]
    assert [d.code for d in result.diagnostics] == []
    assert [f"{m.where}: expected {m.expected}, got {m.got}" for m in result.mismatches] == []


@pytest.mark.parametrize("path", CASE_FILES, ids=[p.name for p in CASE_FILES])
def test_the_names_of_cases_are_unique(path: Path) -> None:
    file, _ = read_cases(path)
    assert file is not None
    assert len(results(path)) == len(file.cases)


# One stage: which of its verdicts decides.

EFFECTS = {
    "reject": "reject",
    "suspend": "suspend",
    "unknown": "reject",
    "refer": "refer",
    "bar": "bar",
}  # the name of a requirement, and what its failure does; the fact of `unknown` is never given
STATUS = {"reject": "failed", "suspend": "suspended", "unknown": "undetermined", "refer": "referred", "bar": "barred"}
OUTCOME = {"failed": "rejected", "passed": "admitted", "not_started": "admitted"}
ORDER = list(STATUS)


def requirements(stage: str) -> str:
    return "".join(
        f"    {name}_{stage}: {{stage: {stage}, check: {name}_{stage}_ok, otherwise: {effect}}}\n" for name, effect in EFFECTS.items()
    )


def staged(*stages: str) -> str:
    """A policy in which each stage has a requirement for each effect."""
    facts = "".join(f"      {name}_{stage}_ok: boolean\n" for stage in stages for name in EFFECTS)
    return f"stages: [{', '.join(stages)}]\nentities:\n  project:\n    facts:\n{facts}requirements:\n  project:\n" + "".join(
        map(requirements, stages)
    )


ONE_STAGE, TWO_STAGES = staged("only"), staged("first", "second")


def verdicts(stage: str, bad: tuple[str, ...]) -> dict[str, bool]:
    """Facts that fail the named requirements and meet the others; `unknown` is left out where it is named."""
    return {f"{n}_{stage}_ok": n not in bad for n in EFFECTS if n != "unknown" or n not in bad}


@pytest.mark.parametrize("bad", [c for n in range(6) for c in combinations(ORDER, n)], ids=lambda c: "+".join(c) or "none")
def test_the_status_of_a_stage_is_the_first_that_fits(bad: tuple[str, ...]) -> None:
    decision = decide(ONE_STAGE, verdicts("only", bad))
    status = STATUS[next(n for n in ORDER if n in bad)] if bad else "passed"
    assert decision.stages == {"only": status}
    assert decision.outcome == OUTCOME.get(status, status)
    assert set(decision.failed()) == {f"{n}_only" for n in bad if n != "unknown"}


@pytest.mark.parametrize(("first", "second"), list(product([*ORDER, "passed"], repeat=2)))
def test_a_failed_stage_rejects_whichever_it_is_else_the_first_that_is_not_passed_decides(first: str, second: str) -> None:
    decision = decide(TWO_STAGES, verdicts("first", (first,)) | verdicts("second", (second,)))
    statuses = [STATUS.get(first, "passed"), STATUS.get(second, "passed")]
    assert list(decision.stages.values()) == statuses
    open_ = [s for s in statuses if s != "passed"]
    status = "failed" if "failed" in statuses else open_[0] if open_ else "passed"
    assert decision.outcome == OUTCOME.get(status, status)
    if status != "passed":
        assert decision.stage == ("first", "second")[statuses.index(status)]


def test_a_policy_without_requirements_admits() -> None:
    assert decide("entities: {project: {facts: {}}}").outcome == "admitted"


def test_what_does_not_apply_fails_nothing() -> None:
    policy = """
    entities: {project: {facts: {large: boolean, ok: boolean}}}
    requirements: {project: {r: {applies: large, check: ok, otherwise: reject}}}
    """
    wanted = {
        (False, False): "not_applicable",
        (False, None): "not_applicable",
        (True, False): "failed",
        (None, False): "unknown",
        (None, True): "met",
        (True, None): "unknown",
    }
    for (large, ok), verdict in wanted.items():
        facts = {k: v for k, v in {"large": large, "ok": ok}.items() if v is not None}
        assert decide(policy, facts).requirement("r").verdict == verdict, facts


# Stages that open.

OPENING = """
stages: [first, {second: {opens: points > 3}}, {third: {opens: paid is known}}]
entities: {project: {facts: {points: integer, ok: boolean, paid: money}}}
requirements:
  project:
    late: {stage: second, check: ok, otherwise: reject}
    paid_enough: {stage: third, check: paid > 10 EUR, otherwise: bar}
"""


def test_a_stage_that_is_not_open_does_not_count_but_its_verdicts_are_given() -> None:
    decision = decide(OPENING, {"points": 3, "ok": False})
    assert decision.stages == {"first": "passed", "second": "not_started", "third": "not_started"}
    assert (decision.outcome, decision.stage) == ("admitted", "first")
    assert decision.requirement("late").verdict == "failed"
    assert decision.missing == ()


def test_a_stage_that_has_opened_counts() -> None:
    assert decide(OPENING, {"points": 4, "ok": False}).outcome == "rejected"
    decision = decide(OPENING, {"points": 4, "ok": True, "paid": "10"})
    assert (decision.outcome, decision.stage) == ("barred", "third")


def test_a_stage_is_undetermined_while_it_is_not_known_whether_it_opens() -> None:
    for ok in (True, False):
        decision = decide(OPENING, {"ok": ok})
        assert decision.stages["second"] == "undetermined"
        assert decision.outcome == "undetermined"
        assert "points" in decision.missing


def test_a_closed_stage_does_not_exclude_records() -> None:
    policy = """
    stages: [first, {second: {opens: begun}}]
    entities:
      project: {facts: {begun: boolean, firms: list of firm}}
      firm: {facts: {id: {type: text, key: true}, ok: boolean}}
    definitions: {project: {left: count(firms where admitted)}}
    requirements: {firm: {fine: {stage: second, check: ok, otherwise: exclude}}}
    results: [left]
    """
    firms = [{"id": "A", "ok": False}, {"id": "B", "ok": True}]
    closed = decide(policy, {"begun": False, "firms": firms})
    assert (closed.results["left"], closed.excluded) == (2, ())
    opened = decide(policy, {"begun": True, "firms": firms})
    assert (opened.results["left"], [e.key for e in opened.excluded]) == (1, ["A"])
    open_or_not = decide(policy, {"firms": firms})
    assert "left" not in open_or_not.results
    assert open_or_not.to_dict()["undetermined"]["left"] == {"missing": ["begun"], "at_least": 1, "at_most": 2}


# Effects on listed records.

LISTED = """
entities:
  project: {facts: {firms: list of firm}}
  firm: {facts: {id: {type: text, key: true}, a_site: boolean, ok: boolean}}
requirements:
  firm:
    site: {check: a_site, otherwise: exclude}
    fine: {check: ok, otherwise: EFFECT}
"""


def listed(effect: str, **firm: bool) -> tuple[str, list[str | None], list[str | None]]:
    """The outcome, and the records excluded and barred, of a sound firm and one with these facts."""
    firms = [{"id": "SOUND", "a_site": True, "ok": True}, {"id": "OTHER", **firm}]
    decision = decide(LISTED.replace("EFFECT", effect), {"firms": firms})
    return decision.outcome, [s.key for s in decision.excluded], [s.key for s in decision.barred]


@pytest.mark.parametrize(("effect", "outcome"), [("reject", "rejected"), ("suspend", "suspended"), ("refer", "referred")])
def test_a_failure_of_a_listed_record_counts_for_the_application_unless_the_record_is_excluded(effect: str, outcome: str) -> None:
    assert listed(effect, a_site=True, ok=False) == (outcome, [], [])
    assert listed(effect, a_site=False, ok=False) == ("admitted", ["OTHER"], [])
    assert listed(effect, a_site=False) == ("admitted", ["OTHER"], [])
    assert listed(effect, ok=False) == ("undetermined", [], [])
    assert listed(effect, a_site=True) == ("undetermined", [], [])
    assert listed(effect, ok=True) == ("admitted", [], [])


@pytest.mark.parametrize("effect", ["reject", "suspend", "refer"])
def test_a_list_that_is_not_given_may_hold_a_record_that_fails(effect: str) -> None:
    decision = decide(LISTED.replace("EFFECT", effect), {})
    assert (decision.outcome, decision.missing) == ("undetermined", ("firms",))
    assert decide(LISTED.replace("EFFECT", effect), {"firms": []}).outcome == "admitted"


def test_a_list_inside_a_record_that_is_not_given_may_hold_one_that_fails() -> None:
    policy = """
    entities:
      project: {facts: {firms: list of firm}}
      firm: {facts: {id: {type: text, key: true}, bills: list of bill}}
      bill: {facts: {paid: money}}
    requirements: {bill: {not_negative: {check: paid >= 0 EUR, otherwise: reject}}}
    """
    assert decide(policy, {"firms": [{"id": "A", "bills": []}]}).outcome == "admitted"
    decision = decide(policy, {"firms": [{"id": "A", "bills": []}, {"id": "B"}]})
    assert (decision.outcome, decision.missing) == ("undetermined", ("firms[B].bills",))


def test_a_record_is_barred_only_once_the_stage_is_known_to_be_open() -> None:
    policy = """
    stages: [first, {second: {opens: begun}}]
    entities:
      project: {facts: {begun: boolean, firms: list of firm}}
      firm: {facts: {id: {type: text, key: true}, ok: boolean}}
    requirements: {firm: {fine: {stage: second, check: ok, otherwise: bar}}}
    """
    firms = [{"id": "A", "ok": False}]
    assert [b.key for b in decide(policy, {"begun": True, "firms": firms}).barred] == ["A"]
    assert decide(policy, {"begun": False, "firms": firms}).barred == ()
    assert decide(policy, {"firms": firms}).barred == ()


def test_a_record_that_is_barred_is_listed_and_the_application_goes_on() -> None:
    assert listed("bar", a_site=True, ok=False) == ("admitted", [], ["OTHER"])
    assert listed("bar", a_site=False, ok=False) == ("admitted", ["OTHER"], [])


@pytest.mark.parametrize("effect", ["exclude", "bar", "flag"])
def test_an_unknown_verdict_that_speaks_of_the_record_alone_leaves_the_stage_as_it_is(effect: str) -> None:
    assert listed(effect, a_site=True) == ("admitted", [], [])
    assert listed(effect) == ("admitted", [], [])


def test_excluded_records_name_every_requirement_that_did_it() -> None:
    decision = decide(LISTED.replace("EFFECT", "exclude"), {"firms": [{"id": "X", "a_site": False, "ok": False}]})
    (struck,) = decision.excluded
    assert (struck.record, struck.key, set(struck.requirements)) == ("firms[X]", "X", {"site", "fine"})


def test_the_records_of_an_excluded_record_are_not_admitted() -> None:
    policy = """
    entities:
      project: {facts: {firms: list of firm}}
      firm: {facts: {id: {type: text, key: true}, ok: boolean, bills: list of bill}}
      bill: {facts: {paid: money}}
    definitions: {project: {total: sum(paid of ((bills of firms) where admitted))}}
    requirements: {firm: {fine: {check: ok, otherwise: exclude}}, bill: {not_negative: {check: paid >= 0 EUR, otherwise: exclude}}}
    results: [total]
    """
    firms = [{"id": "A", "ok": False, "bills": [{"paid": "5"}]}, {"id": "B", "ok": True, "bills": [{"paid": "7"}, {"paid": "-1"}]}]
    decision = decide(policy, {"firms": firms})
    assert str(decision.results["total"]) == "7"
    assert {s.record for s in decision.excluded} == {"firms[A]", "firms[B].bills[1]"}


def test_an_effect_may_depend_on_a_reading_and_is_open_while_that_is() -> None:
    policy = """
    entities: {project: {facts: {ok: boolean}}}
    readings: {strict: {question: q, options: {yes_: "1", no_: "2"}}}
    requirements: {project: {fine: {check: ok, otherwise: {by: reading.strict, yes_: reject, no_: flag}}}}
    """
    undecided = decide(policy, {"ok": False})
    assert (undecided.outcome, undecided.open_readings) == ("undetermined", ("strict",))
    assert undecided.requirement("fine").effect is None
    assert decide(policy, {"ok": False}, readings={"strict": "yes_"}).outcome == "rejected"
    assert decide(policy, {"ok": False}, readings={"strict": "no_"}).outcome == "admitted"
    assert decide(policy, {"ok": True}).outcome == "admitted"


# A term to put things right.

CURABLE = """
entities: {project: {facts: {signed: boolean, asked_on: date}}}
requirements: {project: {signature: {check: signed, otherwise: {suspend: {cure: 10 days, from: asked_on}}}}}
"""


@pytest.mark.parametrize(
    ("as_of", "outcome"),
    [
        (None, "suspended"),
        ("2023-03-01", "suspended"),
        ("2023-03-11", "suspended"),
        ("2023-03-11 23:59:59", "suspended"),
        ("2023-03-11T22:59:59Z", "suspended"),
        ("2023-03-11T23:00:00Z", "rejected"),
        ("2023-03-12", "rejected"),
        ("2024-01-01", "rejected"),
    ],
)
def test_a_term_that_has_passed_counts_as_failed_and_its_last_day_is_included(as_of: str | None, outcome: str) -> None:
    decision = decide(CURABLE, {"signed": False, "asked_on": "2023-03-01"}, as_of=as_of)
    assert decision.outcome == outcome
    assert decision.requirement("signature").effect == ("suspend" if outcome == "suspended" else "reject")
    assert str(decision.requirement("signature").cure_by) == "2023-03-11"


def test_a_term_that_has_not_begun_cannot_lapse() -> None:
    decision = decide(CURABLE, {"signed": False}, as_of="2099-01-01")
    assert decision.outcome == "suspended"
    assert decision.requirement("signature").cure_by is None


def test_a_term_does_not_matter_once_the_matter_is_put_right() -> None:
    assert decide(CURABLE, {"signed": True, "asked_on": "2023-03-01"}, as_of="2099-01-01").outcome == "admitted"
    assert decide(CURABLE, {"asked_on": "2023-03-01"}, as_of="2099-01-01").outcome == "undetermined"


def test_the_clock_is_unknown_unless_it_is_given() -> None:
    policy = "entities: {project: {facts: {}}}\nrequirements: {project: {late: {check: as_of < 2023-01-02 00:00, otherwise: reject}}}"
    unknown = decide(policy)
    assert (unknown.outcome, unknown.as_of, unknown.missing) == ("undetermined", None, ("as_of",))
    assert decide(policy, as_of="2023-01-01").outcome == "admitted"
    assert decide(policy, as_of="2023-01-02").outcome == "rejected"
    assert decide(policy, as_of="2023-01-01T22:59:59Z").outcome == "admitted"
    assert decide(policy, as_of="2023-01-01T23:00Z").outcome == "rejected"


@pytest.mark.parametrize("as_of", ["tomorrow", "2023-02-30", "2023-1-1", "", "2023-01-01 25:00", 5, 5.0])
def test_a_clock_that_is_none_is_refused(as_of: object) -> None:
    with pytest.raises(PolicyError):
        decide(CURABLE, {}, as_of=as_of)


# Faults.


def test_a_fault_never_rejects_and_is_told_with_its_place() -> None:
    policy = """
    entities: {project: {facts: {costs: money, base: money}}}
    definitions: {project: {part: costs / base}}
    requirements: {project: {limit: {check: part <= 40%, otherwise: reject}}}
    results: [part]
    """
    decision = decide(policy, {"costs": "1", "base": "0"})
    assert decision.outcome == "undetermined"
    assert (decision.requirement("limit").verdict, decision.requirement("limit").fault) == ("unknown", "division-by-zero")
    (fault,) = decision.faults
    assert (fault.code, fault.text, fault.affects) == ("division-by-zero", "costs / base", ("limit", "part"))
    assert decision.results == {}
    assert decision.to_dict()["undetermined"] == {"part": {"fault": "division-by-zero"}}


def test_a_fault_that_does_not_matter_leaves_the_outcome_alone() -> None:
    policy = """
    entities: {project: {facts: {n: number, ok: boolean}}}
    requirements: {project: {r: {check: ok or 1 / n > 2, otherwise: reject}, s: {check: 1 / n > 2, otherwise: flag}}}
    """
    decision = decide(policy, {"n": 0, "ok": True})
    assert decision.outcome == "admitted"
    assert [(f.code, f.affects) for f in decision.faults] == [("division-by-zero", ("s",))]


def test_a_fault_in_the_opening_of_a_stage_leaves_it_undetermined() -> None:
    policy = "stages: [a, {b: {opens: 1 / n > 2}}]\nentities: {project: {facts: {n: number}}}"
    decision = decide(policy, {"n": 0})
    assert (decision.stages["b"], decision.outcome) == ("undetermined", "undetermined")
    assert [f.code for f in decision.faults] == ["division-by-zero"]


def test_a_fault_in_a_message_says_the_rest() -> None:
    policy = """
    entities: {project: {facts: {n: number, ok: boolean}}}
    requirements: {project: {r: {check: ok, otherwise: reject, message: "ratio {1 / n}, number {n}"}}}
    """
    decision = decide(policy, {"n": 0, "ok": False})
    assert decision.outcome == "rejected"
    assert decision.requirement("r").message["en"].endswith("number 0")
