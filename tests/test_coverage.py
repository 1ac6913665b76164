"""Coverage: small policies with cases of which one knows by hand what they look at, and the page with its links."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from bandolo.check import core
from bandolo.check.quotes import collapsed, places
from bandolo.evaluate.watching import watching
from bandolo.language.types import BOOLEAN
from bandolo.source import SourceFile, Span
from bandolo.surfaces.cli import cli
from bandolo.testing.coverage.measure import Coverage, measure
from bandolo.testing.coverage.obligations import Survey, survey
from bandolo.testing.coverage.watching import Watch, deciding
from golden import compare
from small import CASES, ROOT, decide, policy

HERE = CASES / "coverage"


def test_golden(update: bool) -> None:
    compare(HERE / "coverage.txt", update)


# Conditions that decide on their own.

CONDITION = """
    entities: {{project: {{facts: {{id: {{type: text, key: true}}, a: boolean, b: boolean, c: boolean}}}}}}
    requirements: {{project: {{right: {{check: {check}, otherwise: reject}}}}}}
"""

TABLE = [
    # what is written, the applications (a, b, c; - is unknown), and the conditions that they show to decide, with how
    ("a and b or c", "TTF FTF", {"a+", "b+", "a-", "c-"}),  # in FTF b is not looked at
    ("a and b or c", "TTF FTF FFT", {"a+", "b+", "a-", "c-", "c+"}),
    ("a and b or c", "TTF FTF TFF FFT", {"a+", "a-", "b+", "b-", "c+", "c-"}),
    ("a and b or c", "TTT FTT", {"a+", "b+", "c+"}),  # where c holds a does not decide; c is not looked at in TTT
    ("a and b or c", "-TF T-F TF-", set()),  # unknown: nothing is decided
    ("a and (b or c)", "TFF FTT", {"a-", "b-", "c-"}),  # b and c decide by not holding, a by not holding
    ("not (a and b)", "TT TF", {"a+", "b+", "b-"}),
    ("a and b and c", "TTT FFF", {"a+", "b+", "c+", "a-"}),
    ("a or a and b", "TF FT", {"a+", "a-"}),  # each mention of a counts for itself
]


@pytest.mark.parametrize(("check", "applications", "shown"), TABLE)
def test_a_condition_decides_where_the_others_leave_it_the_word(check: str, applications: str, shown: set[str]) -> None:
    made = policy(CONDITION.format(check=check))
    watched = Watch(lambda core_policy: survey(core_policy, None))
    with watching(watched):
        for signs in applications.split():
            facts = {name: sign == "T" for name, sign in zip("abc", signs, strict=False) if sign != "-"}
            decide(made, {"id": "P", **facts})
    seen = set()
    for obligation in survey(made.core, made.loaded.document).obligations:
        if obligation.kind == "condition":
            name = obligation.id.rpartition("/")[2].partition("#")[0]
            seen |= {f"{name}{sign}" for need, sign in zip(obligation.needs, "+-", strict=True) if need in watched.seen}
    assert seen == shown


SPAN = Span(SourceFile("x", "x"), 0, 1)


def _tree(leaves: list[core.Expr]) -> st.SearchStrategy[core.Expr]:
    """Conditions in which each leaf stands once."""
    if len(leaves) == 1:
        return st.booleans().map(lambda plain: leaves[0] if plain else core.Not(SPAN, BOOLEAN, leaves[0]))

    def joined(at: int) -> st.SearchStrategy[core.Expr]:
        parts = st.tuples(_tree(leaves[:at]), _tree(leaves[at:]))
        return st.tuples(parts, st.sampled_from([core.And, core.Or])).map(lambda pair: pair[1](SPAN, BOOLEAN, pair[0]))

    return st.integers(1, len(leaves) - 1).flatmap(joined)


def _looked_at(node: core.Expr, values: dict[int, bool], frame: dict[int, object]) -> bool:
    """What a condition comes to, part by part until one decides, and what was looked at on the way."""
    match node:
        case core.And(parts=parts):
            result = all(_looked_at(p, values, frame) for p in parts)
        case core.Or(parts=parts):
            result = any(_looked_at(p, values, frame) for p in parts)
        case core.Not(value=inner):
            result = not _looked_at(inner, values, frame)
        case _:
            result = values[id(node)]
    frame[id(node)] = result
    return result


LEAVES: list[core.Expr] = [core.Fact(SPAN, BOOLEAN, core.AsOf(SPAN, BOOLEAN), name, None) for name in "abcd"]


@settings(max_examples=150, deadline=None)
@given(_tree(LEAVES), st.lists(st.booleans(), min_size=4, max_size=4))
def test_deciding_is_that_turning_it_over_turns_the_whole_whatever_was_not_looked_at(tree: core.Expr, signs: list[bool]) -> None:
    """The definition spelt out: for some values of what was not looked at, the other value of the condition gives the other outcome."""
    values = {id(leaf): sign for leaf, sign in zip(LEAVES, signs, strict=True)}
    frame: dict[int, object] = {}
    result = _looked_at(tree, values, frame)
    found = {id(leaf) for leaf in deciding(tree, frame)}  # type: ignore[arg-type]
    free = [leaf for leaf in LEAVES if id(leaf) not in frame]
    for leaf in LEAVES:
        turned = any(
            _looked_at(tree, {**values, **{id(f): s for f, s in zip(free, chosen, strict=True)}, id(leaf): not values[id(leaf)]}, {})
            != result
            for chosen in itertools.product([True, False], repeat=len(free))
        )
        assert (id(leaf) in found) == (turned and id(leaf) in frame)


# What is asked, and what cannot be.


def _asked(sections: str) -> dict[str, bool]:
    """The ids of the obligations of a policy, and whether they can be met."""
    made = policy(sections)
    found: Survey = survey(made.core, made.loaded.document)
    return {o.id: o.impossible is None for o in found.obligations}


def test_what_cannot_happen_is_not_asked_only_where_that_is_proved() -> None:
    asked = _asked("""
        parameters: {floor: 10, later: {type: integer, pending: the act}}
        entities: {project: {facts: {id: {type: text, key: true}, n: integer}}}
        definitions: {project: {ten: floor * 1, over: ten > 5, far: n > floor}}
        requirements:
          project:
            fixed: {check: over, otherwise: reject}
            open: {check: later > 5, otherwise: reject}
            given: {check: far, otherwise: reject}
            always: {check: true or far, otherwise: flag}
    """)
    assert not asked["fixed/verdict/unknown"]
    assert asked["open/verdict/unknown"]
    assert asked["given/verdict/unknown"]
    assert "given/verdict/not_applicable" not in asked
    assert not asked["always/verdict/failed"]
    assert not asked["always/condition/true"]
    assert asked["fixed/verdict/failed"]


def test_a_formula_and_a_table_are_asked_once_where_they_are_written() -> None:
    asked = _asked("""
        choices: {size: [small, large]}
        rates: {rate: {by: size, values: {small: 50%, large: 10%}}}
        formulas: {capped: {takes: {x: money}, value: "if x > 9 EUR then 9 EUR else x"}}
        entities: {project: {facts: {id: {type: text, key: true}, s: size, t: size, x: money, y: money}}}
        definitions: {project: {one: "rate[s] * capped(x)", two: "rate[t] * capped(y)"}}
        results: [one, two]
    """)
    assert sorted(asked) == ["capped/branch/otherwise x > 9 EUR", "capped/branch/x > 9 EUR", "rate/row/large", "rate/row/small"]


def test_what_an_act_adds_is_asked_where_cases_apply_it(tmp_path: Path) -> None:
    (tmp_path / "call.yaml").write_text(
        "bandolo: 1\npolicy: {id: call, title: Call, decides: project}\n"
        "entities: {project: {facts: {id: {type: text, key: true}, n: integer}}}\n"
        "requirements: {project: {enough: {check: n >= 10, otherwise: reject}}}\n"
    )
    (tmp_path / "act.yaml").write_text(
        "bandolo: 1\namends: call.yaml\nid: act\ntitle: Act\ndate: 2024-01-01\n"
        "add:\n  requirements.project.few: {check: n <= 20, otherwise: reject}\n"
    )
    head = "cases_of: call.yaml\napplications: {sound: {id: P, n: 10}}\ncases:\n"
    case = "  - {name: ten, like: sound, expect: {outcome: admitted}}\n"
    (tmp_path / "call.cases.yaml").write_text(head + case)
    assert {m.obligation.rule for m in measure(tmp_path / "call.yaml").met} == {"requirement enough"}
    (tmp_path / "call.cases.yaml").write_text(
        head + case + "  - {name: act, like: sound, amend: [act.yaml], expect: {outcome: admitted}}\n"
    )
    found = measure(tmp_path / "call.yaml")
    states = {m.obligation.id: (m.state, Path(m.obligation.place.path).name) for m in found.met}
    assert states["few/verdict/met"] == ("covered", "act.yaml")
    assert states["few/verdict/failed"] == ("uncovered", "act.yaml")
    assert states["enough/verdict/met"] == ("covered", "call.yaml")


def test_an_act_is_seen_to_reach_an_application_and_to_leave_one_alone(tmp_path: Path) -> None:
    (tmp_path / "call.yaml").write_text(
        "bandolo: 1\npolicy: {id: call, title: Call, decides: project}\nparameters: {least: 10}\n"
        "entities: {project: {facts: {id: {type: text, key: true}, n: integer, sent_on: date}}}\n"
        "requirements: {project: {enough: {check: n >= least, otherwise: reject}}}\n"
    )
    (tmp_path / "act.yaml").write_text(
        "bandolo: 1\namends: call.yaml\nid: act\ntitle: Act\ndate: 2024-01-01\napplies_to: sent_on >= 2024-01-01\n"
        "set: {parameters.least.value: 5}\n"
    )
    cases = (
        "cases_of: call.yaml\namend: [act.yaml]\napplications: {sound: {id: P, n: 7, sent_on: 2024-01-01}}\ncases:\n"
        "  - {name: new, like: sound, expect: {outcome: admitted}}\n"
    )
    (tmp_path / "call.cases.yaml").write_text(cases)
    act = next(m for m in measure(tmp_path / "call.yaml").met if m.obligation.kind == "act")
    assert (act.state, act.obligation.place.line) == ("partly", 6)
    (tmp_path / "call.cases.yaml").write_text(
        cases + "  - {name: old, like: sound, change: {sent_on: 2023-12-31}, expect: {outcome: rejected}}\n"
    )
    found = measure(tmp_path / "call.yaml")
    assert not found.failures
    assert {m.obligation.id: m.state for m in found.met if m.obligation.kind == "act"} == {"act/act/reach": "covered"}


# The policies of the checkout.


@pytest.fixture(scope="module")
def ranked() -> Coverage:
    return measure(ROOT / "tests" / "policies" / "ranked_call.yaml")


def test_a_ranking_is_looked_at_in_every_status_and_by_every_option(ranked: Coverage) -> None:
    found = {m.obligation.id: m for m in ranked.met if m.obligation.kind == "ranking"}
    assert {"ranking/ranking/status partly_financed", "ranking/ranking/fell", "ranking/ranking/order sent_at"} <= found.keys()
    assert {"ranking/ranking/struck_from not_second", "ranking/ranking/when_short look_on"} <= found.keys()
    assert {m.state for m in found.values()} == {"covered"}
    assert all(m.cases for m in found.values())


def test_cases_in_several_processes_see_the_same(ranked: Coverage) -> None:
    again = measure(ROOT / "tests" / "policies" / "ranked_call.yaml", jobs=2)
    assert again.met == ranked.met


def test_both_calls_account_for_all_their_norms() -> None:
    status, out, _ = run("coverage", "policies", "--text", "--min", "100", "--json")
    assert status == 0
    texts = {data["policy"]: data["text"]["norms"] for data in map(json.loads, out.splitlines())}
    assert texts == {
        "policies/bando_2023.yaml": {"accounted": 201, "total": 201}, "policies/manifestazione_2022.yaml": {"accounted": 50, "total": 50},
    }  # fmt: skip


# The command.


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner(env={"BANDOLO_LANG": "en"}).invoke(cli, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def test_a_policy_without_cases_stands_at_nothing_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "call.yaml"
    path.write_text((HERE / "call.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    status, out, _ = run("coverage", str(path), "--rules")
    assert status == 0
    assert "no case belongs to this policy" in out
    assert "(0.0%)" in out
    assert run("coverage", str(path), "--rules", "--min", "1")[0] == 1


def test_a_case_that_fails_is_said_and_counted_all_the_same(tmp_path: Path) -> None:
    for name in ("call.yaml", "call.cases.yaml", "call.coverage.csv"):
        text = (HERE / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("grant: 50 EUR", "grant: 51 EUR"), encoding="utf-8")
    status, out, err = run("coverage", str(tmp_path / "call.yaml"), "--rules")
    assert status == 1
    assert "coverage-case-fails" in err
    assert "all in order" in err
    assert out.splitlines()[1:] == run("coverage", str(HERE / "call.yaml"), "--rules")[1].replace(str(HERE), str(tmp_path)).splitlines()[1:]


@pytest.mark.parametrize(
    ("declared", "code"),
    [
        ("id,because\nno/such/thing,x\n", "coverage-unknown"),
        ("id,because\nentitled/verdict/met,x\n", "coverage-reached"),
        ("name,why\n", "coverage-columns"),
    ],
)
def test_a_declaration_without_use_fails(tmp_path: Path, declared: str, code: str) -> None:
    for name in ("call.yaml", "call.cases.yaml"):
        (tmp_path / name).write_text((HERE / name).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "call.coverage.csv").write_text(declared, encoding="utf-8")
    status, _, err = run("coverage", str(tmp_path / "call.yaml"), "--rules")
    assert status == 1
    assert f"[{code}]" in err


@pytest.mark.parametrize("name", ["call.yaml", "call.cases.yaml", "call.coverage.csv", "call.txt"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"a: [", b'"', b"id,because\n\x00,\x00\n"])
def test_a_file_that_cannot_be_read_is_said(tmp_path: Path, name: str, content: bytes) -> None:
    for file in HERE.glob("call.*"):
        (tmp_path / file.name).write_bytes(content if file.name == name else file.read_bytes())
    status, _, err = run("coverage", str(tmp_path / "call.yaml"))
    assert status in (0, 1)
    assert "Traceback" not in err
    assert (status == 1) == ("error[" in err)


# The page and the texts.


@pytest.mark.parametrize("lang", ["it", "en"])
def test_the_page_links_passages_and_rules_both_ways(tmp_path: Path, lang: str) -> None:
    page = tmp_path / "coverage.html"
    run("coverage", str(HERE / "call.yaml"), "--html", str(page), "--lang", lang)
    html = page.read_text(encoding="utf-8")
    anchors = set(re.findall(r'id="([^"]+)"', html))
    links = re.findall(r'href="#([^"]+)"', html)
    assert len(anchors) == len(re.findall(r'id="([^"]+)"', html))
    assert set(links) <= anchors
    assert "http" not in re.sub(r"<!--.*?-->", "", html)
    line = (HERE / "call.yaml").read_text(encoding="utf-8").splitlines().index('      source: {notice: "at least 100 euro"}') + 1
    marked = re.search(rf'<mark id="(p-notice-\d+)" class="rule"[^>]*>at least &lt;b&gt;100 euro</mark><sup><a href="#L{line}"', html)
    assert marked is not None
    row = next(li for li in html.split("<li ") if li.startswith(f'id="L{line}"'))
    assert f'href="#{marked[1]}"' in row
    assert "Nobody reads this" in html


def test_a_page_of_two_policies_keeps_their_anchors_apart(tmp_path: Path) -> None:
    page = tmp_path / "coverage.html"
    run("coverage", str(HERE / "call.yaml"), "tests/policies/rural_services_2025.yaml", "--text", "--html", str(page))
    html = page.read_text(encoding="utf-8")
    anchors = re.findall(r'id="([^"]+)"', html)
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(anchors)


@given(st.text(st.sampled_from(" \n\t<>ab/"), max_size=30))
def test_each_character_of_a_collapsed_text_has_its_place(text: str) -> None:
    plain, where = collapsed(text), places(text)
    assert len(plain) == len(where)
    assert where == sorted(set(where))
    assert all(sign == " " or text[at] == sign for sign, at in zip(plain, where, strict=True))
