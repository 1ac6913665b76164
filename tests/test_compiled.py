"""A policy's program decides as the reference does: on every case, on generated policies, with facts missing and computations that fail."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal, localcontext
from enum import Enum
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandolo.diagnostics import ApplicationError, PolicyError
from bandolo.evaluate.data import Digits, Plain
from bandolo.evaluate.settle import Changes
from bandolo.plan.program import compile_program
from bandolo.plan.running import NOT_COMPLETE
from bandolo.plan.told import Telling, Told, tell
from bandolo.policy import Policy, load_policy, policy_from_bytes
from bandolo.testing.cases import BadPath, CaseFile, changed, read_cases
from bandolo.testing.generate import Limits, bases_of
from bandolo.testing.generate import generated as made_up
from generated import FIRM_DOMAINS, ROOT_DOMAINS, Generated, applications, policies
from small import policy as small_policy

ROOT = Path(__file__).resolve().parents[1]
CASE_FILES = sorted([*(ROOT / "policies").glob("*.cases.yaml"), *(ROOT / "tests" / "policies").glob("*.cases.yaml")])
POLICIES = sorted({*ROOT.glob("policies/*_20??.yaml"), *ROOT.glob("tests/policies/*_20??.yaml"), ROOT / "tests/policies/ranked_call.yaml"})
BENCH = ROOT / "bench"


def decided(policy: Policy, application: Any, engine: Any, **options: Any) -> Any:
    """The decision, or the codes for which the data is refused."""
    try:
        return policy.decide(application, engine=engine, **options)
    except ApplicationError as error:
        return [(d.code, d.path) for d in error.diagnostics]


def same(compiled: Any, reference: Any) -> None:
    """All of a decision, and what is read of it in other ways."""
    assert compiled == reference
    if not isinstance(reference, list):
        assert compiled.to_json() == reference.to_json()
        for told in ("results", "undetermined"):
            assert getattr(compiled, told) == getattr(reference, told)
        assert compiled.failed() == reference.failed()


@cache
def read(path: Path) -> CaseFile:
    file, diagnostics = read_cases(path)
    assert file is not None, diagnostics
    return file


@pytest.mark.parametrize("path", CASE_FILES, ids=lambda p: p.name)
def test_cases_are_decided_as_by_the_reference(path: Path) -> None:
    file = read(path)
    texts: dict[tuple[str, ...], Policy] = {}
    for case in [c for c in file.cases if not c.rank][::9]:
        if case.amend not in texts:
            texts[case.amend] = load_policy(file.policy, amendments=[path.parent / a for a in case.amend])
        policy = texts[case.amend]
        try:
            application = changed(policy.core, file.applications[case.like] if case.like is not None else {}, case.change)
        except BadPath:
            continue
        options: dict[str, Any] = {"as_of": case.as_of, "set": case.set, "readings": case.readings, "assume": case.assume}
        try:
            reference = decided(policy, application, "reference", **options)
        except PolicyError:
            continue
        same(decided(policy, application, "compiled", **options), reference)


@settings(max_examples=40, deadline=None)
@given(policies(), st.lists(applications(), min_size=3, max_size=3))
def test_generated_policies_are_decided_as_by_the_reference(made: dict[str, Any], given_: list[dict[str, Any]]) -> None:
    """Facts are missing, divisions fail, one reading is open, a total is shared out."""
    try:
        policy = policy_from_bytes("generated.yaml", Generated(made, {}).text())
    except PolicyError:
        return
    for application in given_:
        same(decided(policy, application, "compiled"), decided(policy, application, "reference"))


@settings(max_examples=40, deadline=None)
@given(policies(), st.integers(0, 10**6))
def test_complete_applications_are_decided_in_one_pass(made: dict[str, Any], seed: int) -> None:
    """The reading is chosen and nothing is shared out: the one pass is taken wherever no computation fails."""
    made["definitions"]["firm"].pop("part")
    made["results"].remove("firm.part")
    rng = random.Random(seed)
    try:
        policy = policy_from_bytes("generated.yaml", Generated(made, {}).text())
    except PolicyError:
        return
    for count in range(4):
        firms = [{"id": f"F{i}", **{n: rng.choice(d) for n, d in FIRM_DOMAINS.items()}} for i in range(count)]
        application = {"id": "P1", **{n: rng.choice(d) for n, d in ROOT_DOMAINS.items()}, "firms": firms}
        reference = decided(policy, application, "reference", readings={"view": "wide"})
        compiled = decided(policy, application, "compiled", readings={"view": "wide"})
        same(compiled, reference)


@pytest.mark.parametrize("path", POLICIES, ids=lambda p: p.name)
def test_the_live_policies_compile_whole(path: Path) -> None:
    program = load_policy(path).compiled
    assert program is not None
    assert program.unsupported == ()


@pytest.mark.parametrize("path", [*POLICIES, BENCH / "filiere.yaml"], ids=lambda p: p.name)
def test_made_up_applications_are_decided_as_by_the_reference(path: Path) -> None:
    """Near the constants of each policy, some of them bad data, with and without a clock."""
    policy = load_policy(path)
    for application in made_up(policy, 5, 7, bases_of(path), Limits(invalid=Fraction(1, 6))):
        for as_of in (None, "2023-03-01"):
            same(decided(policy, application, "compiled", as_of=as_of), decided(policy, application, "reference", as_of=as_of))


STRANGE = """
    choices: {lambda: [import, "None", class]}
    entities:
      project:
        facts: {id: {type: text, key: true}, class: lambda, __class__: text, self: {type: number, optional: true}, def: list of while}
      while: {facts: {id: {type: text, key: true}, __init__: money}}
    definitions:
      project:
        exec: if class = import then 1 else 2
        eval: '__class__ = "); raise SystemExit #" or contains(__class__, "{0} %s k1 t1")'
        yield: if self is none then 0 else self / 3
        total: sum(__init__ of def)
    requirements:
      project: {assert: {check: eval, otherwise: reject, message: {it: "{exec} %s {{}}", en: "{total} \\n"}}}
    results: [exec, eval, yield, total]
"""


@pytest.mark.parametrize("word", ["); raise SystemExit #", "a {0} %s k1 t1", "plain"])
@pytest.mark.parametrize("number", [None, 1, "0.0000001", Decimal("1E+3"), "1e3", Fraction(1, 7)])
def test_no_text_of_a_policy_or_of_data_becomes_code(word: str, number: Any) -> None:
    policy = small_policy(STRANGE)
    application = {"id": "P", "class": "import", "__class__": word, "self": number, "def": [{"id": "A", "__init__": Decimal("-0.10")}]}
    same(decided(policy, application, "compiled"), decided(policy, application, "reference"))


# The workload of the bench.


@cache
def workload() -> Any:
    sys.path.insert(0, str(BENCH))
    try:
        import workload as found
    finally:
        sys.path.remove(str(BENCH))
    return found


@cache
def chain() -> Policy:
    return load_policy(BENCH / "filiere.yaml")


def flat(count: int, seed: int = 1) -> list[dict[str, Any]]:
    return [workload().in_form(a, "flat") for a in workload().applications(count, seed)]


def test_the_workload_is_decided_exactly() -> None:
    for application, given_ in zip(workload().applications(300, 2), flat(300, 2), strict=True):
        decision = chain().decide(given_, engine="compiled")
        assert isinstance(decision, Told)
        failed = decision.failed()
        found = {"eligible": decision.outcome == "admitted", "reasons": [r for r in workload().REASONS if r in failed], **decision.results}
        assert workload().wrong(workload().answer(application), found) is None


def test_a_decision_in_one_pass_is_the_reference_s_in_every_part() -> None:
    for application in flat(25):
        compiled, reference = chain().decide(application, engine="compiled"), chain().decide(application, engine="reference")
        assert isinstance(compiled, Told)
        same(compiled, reference)
        assert reference == compiled
        assert pickle.loads(pickle.dumps(compiled)) == reference == copy.copy(compiled)
        again = dataclasses.replace(compiled, as_of="2023-03-01")
        assert (again.results, again.failed()) == (reference.results, reference.failed())


ODD: dict[str, Any] = {
    "a float": ("staff", 1.5),
    "a third decimal": ("staff", Decimal("1.005")),
    "an exponent": ("staff", Decimal("1E+3")),
    "minus nothing": ("staff", Decimal("-0.00")),
    "less than nothing": ("staff", Decimal("-0.01")),
    "too much": ("staff", Decimal("1000000000.01")),
    "not a number": ("staff", Decimal("NaN")),
    "whole euro": ("staff", 5),
    "a fraction": ("staff", Fraction(3, 2)),
    "an amount in words": ("staff", "12.50 EUR"),
    "digits as text": ("staff", "12.50"),
    "thousands": ("staff", "62.000"),
    "a leading zero": ("staff", "012.50"),
    "a yes that is one": ("durc_ok", 1),
    "no answer": ("durc_ok", None),
    "an unlisted size": ("size", "huge"),
    "a bracket in a key": ("id", "A[1]"),
    "a key that is a number": ("id", 7),
    "a quote in a key": ("id", "O'Brien"),
    "a text that is not ASCII": ("ateco_section", "é"),
    "a text with a control sign": ("ateco_section", "A\x07"),
    "a member of an enumeration": ("ateco_section", Enum("Section", {"farming": "A"}, type=str).farming),  # type: ignore[attr-defined]
    "an enumeration's size": ("size", Enum("Size", {"big": "large"}, type=str).big),  # type: ignore[attr-defined]
    "an unquoted word": ("ateco_section", Plain("A")),
    "an unquoted word for nothing": ("ateco_section", Plain("null")),
    "a key that is nothing": ("id", Plain("~")),
    "a number's digits": ("ateco_section", Digits("5")),
    "a number's digits for a key": ("id", Digits("5")),
    "a fact that is not asked": ("colour", "red"),
}


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_what_is_out_of_order_is_judged_by_the_reference(odd: str) -> None:
    name, value = ODD[odd]
    (application,) = flat(1)
    application["partners"][3][name] = value
    (before,) = flat(1)
    for partner, word in zip(before["partners"], ("null", "~", "A", "5"), strict=False):
        partner["ateco_section"] = word  # the program has seen these words as ordinary texts
    decided(chain(), before, "compiled")
    decided_unshaped(before)
    expected = decided(chain(), application, "reference")
    same(decided(chain(), application, "compiled"), expected)
    same(decided_unshaped(application), expected)


@pytest.mark.parametrize("drop", ["technical_score", "partners", "id", "submitted_at"])
def test_what_is_missing_is_left_open_as_by_the_reference(drop: str) -> None:
    (application,) = flat(1)
    del application[drop]
    same(decided(chain(), application, "compiled"), decided(chain(), application, "reference"))


@cache
def unshaped() -> tuple[Any, Any]:
    """The program of the workload's policy where msgspec is not installed, and what tells of its decisions."""
    program = compile_program(chain().core, chain().settled, shaped=False)
    return program, Telling(program, chain().settled, Changes(), chain().identity(None))


def decided_unshaped(application: Any) -> Any:
    program, telling = unshaped()
    try:
        return tell(program.whole.decide(application), telling)
    except NOT_COMPLETE:
        return decided(chain(), application, "reference")


def test_without_msgspec_a_program_reads_dicts_itself() -> None:
    answers = 0
    for application in flat(60, 11):
        found = decided_unshaped(application)
        answers += isinstance(found, Told)
        same(found, decided(chain(), application, "reference"))
    assert answers == 60


def test_a_key_that_is_given_twice_is_refused() -> None:
    (application,) = flat(1)
    application["partners"][1]["id"] = application["partners"][0]["id"]
    assert decided(chain(), application, "compiled") == [("key-twice", "$.partners[1]")]


def test_what_is_changed_after_the_decision_does_not_change_it() -> None:
    (application,) = flat(1)
    reference = chain().decide(copy.deepcopy(application), engine="reference")
    compiled = chain().decide(application, engine="compiled")
    application["partners"][0]["staff"] = Decimal(1)
    application["partners"].pop()
    assert compiled == reference


def test_the_caller_s_decimal_context_does_not_matter() -> None:
    (application,) = flat(1)
    expected = chain().decide(application, engine="reference").results
    with localcontext() as context:
        context.prec = 4
        assert chain().decide(application, engine="compiled").results == expected


def test_parameters_that_speak_of_the_clock_are_left_to_the_reference() -> None:
    policy = small_policy(
        """
        entities: {project: {facts: {day: date}}}
        parameters: {now: as_of}
        definitions: {project: {late: start_of(day) < now}}
        results: [late]
        """
    )
    assert policy.compiled is None
    for as_of in ("2023-01-01", "2023-03-01"):
        assert policy.decide({"day": "2023-02-01"}, as_of=as_of, engine="compiled").results == {"late": as_of > "2023-02"}


def test_threads_share_a_policy() -> None:
    given_ = flat(60, 3)
    policy = load_policy(BENCH / "filiere.yaml")
    expected = [policy.decide(a, engine="reference").to_json() for a in given_]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda a: policy.decide(a, engine="compiled").to_json(), given_ * 3))
    assert found == expected * 3


# From bytes to bytes.


def written(application: Any) -> bytes:
    return workload()._as_json(application)  # type: ignore[no-any-return]


def test_json_is_the_decision_s() -> None:
    chain().decide(flat(1)[0], engine="compiled")
    for application in flat(40, 5):
        expected = chain().decide(application, engine="reference").to_json().encode()
        assert chain().programs.decide_json(written(application)) is not None
        assert chain().decide_json(written(application)) == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"technical_score"', '"technical_score": 50, "technical_score"'),
        ('"technical_score"', '"technical_score" : 50, "technical_score"'),
        ('"project_start": "2', '"project_start": "2\\u0030'),
        ('"equipment": ', '"equipment": 1e2, "research": 0.00, "x": '),
        ('"staff": ', '"staff": 1.5e1'),
        ('"staff": ', '"staff": 62.000, "staff": '),
        ('"size": "', '"size": "é'),
        ('"durc_ok": true', '"durc_ok": true, "durc_ok": true'),
        ('"id": "P', '"id": ":", "id": "P'),
        ('"id": "P', '"id": "e:E'),
        ('"id": "P', '"id": "\\u003aP'),
        ('"project_start": "2', '"project_start": ' + "[" * 100_000 + '"2'),
        ('"staff": ', '"staff": "1E2", "x": '),
        ('"technical_score": ', '"technical_score": 1234567890123456789012345678901234567890'),
        ('"id": "A', '"id": "A\\"'),
        ("}", ""),
        ("true", "NaN"),
        ('"partners"', '"other"'),
    ],
)
def test_json_that_is_out_of_order_is_read_the_longer_way(old: str, new: str) -> None:
    """Byte for byte what comes of reading the text and deciding it by the reference, or the same codes."""
    from bandolo.evaluate.data import read_json

    chain().decide(flat(1)[0], engine="compiled")
    text = written(flat(1)[0]).decode().replace(old, new, 1)
    data, diagnostics = read_json(text, "")
    expected: Any = [(d.code, d.path) for d in diagnostics] if diagnostics else decided(chain(), data, "reference")
    try:
        found: Any = chain().decide_json(text.encode())
    except ApplicationError as error:
        found = [(d.code, d.path) for d in error.diagnostics]
    assert found == (expected if isinstance(expected, list) else expected.to_json().encode())


def test_bytes_that_are_no_text_are_told_so() -> None:
    with pytest.raises(ApplicationError) as error:
        chain().decide_json(b'{\n"id": "\xff"}')
    assert [(d.code, d.args) for d in error.value.diagnostics] == [("not-utf8", {"line": 2})]


def test_json_amounts_may_be_texts_or_whole() -> None:
    (application,) = flat(1)
    application["partners"][0] |= {"staff": 5, "equipment": "12.50"}
    text = json.dumps(application, default=str)
    application["submitted_at"] = str(application["submitted_at"])
    chain().decide(flat(1)[0], engine="compiled")
    assert json.loads(chain().decide_json(text.encode())) == json.loads(chain().decide(json.loads(text), engine="reference").to_json())


MESSAGES = """
    entities:
      project: {facts: {id: {type: text, key: true}, n: {type: integer, from: 0}, firms: list of firm}}
      firm: {facts: {id: {type: text, key: true}, ok: boolean, due: date}}
    stages: [first, second: {opens: n > 5}]
    definitions:
      project: {firm_count: count(firms where admitted), half: "n / 2"}
    requirements:
      project:
        few: {stage: second, check: firm_count < 3, otherwise: reject, message: {it: "sono {firm_count}", en: "{firm_count} of them"}}
        some: {stage: first, check: firm_count > 0, otherwise: refer, message: {it: "nessuna", en: "none"}}
      firm:
        fine: {stage: first, check: ok, otherwise: exclude, message: {it: "non va", en: "not fine"}}
        late: {stage: second, check: due <= 2023-06-01, otherwise: bar}
    results: [firm_count, half]
"""


def test_messages_strikes_and_stages_in_one_pass() -> None:
    policy = small_policy(MESSAGES)
    for n in (3, 5, 6):
        for keep in range(4):
            firms = [{"id": f"F{i}", "ok": i < keep, "due": f"2023-0{5 + i}-01"} for i in range(4)]
            application = {"id": "P", "n": n, "firms": firms}
            reference = policy.decide(application, engine="reference")
            compiled = policy.decide(application, engine="compiled")
            assert isinstance(compiled, Told)
            same(compiled, reference)
            assert policy.decide_json(json.dumps(application).encode()) == reference.to_json().encode()
