"""What changes in meaning between two policies is said in the call's own words; what changes none of it is not said at all."""

from __future__ import annotations

import json
import re
import subprocess
from functools import cache
from pathlib import Path

import jsonschema
import pytest

import bandolo
from bandolo.analysis.difference.change import Change, Difference
from bandolo.analysis.difference.difference import difference
from bandolo.analysis.difference.sheet import change_sheet
from bandolo.analysis.difference.sheet_files import as_html, as_markdown
from bandolo.explain.blocks import Block, Heading, Line, Quoted, Table
from bandolo.export.difference_schema import difference_schema
from bandolo.policy import Policy, load_policy, policy_from_bytes
from golden import compare, run
from golden import difference as lines_that_differ
from small import CASES, LIVE_POLICIES, ROOT, policy
from test_same_meaning import CALLS, original, renamed_call, shuffled_call

FOLDER = CASES / "difference"
POLICIES = {p.stem: p for folder in ("policies", "tests/policies") for p in (ROOT / folder).glob("*.yaml")}


@cache
def as_issued(name: str) -> Policy:
    return load_policy(POLICIES[name])


def changes(old: Policy, new: Policy, lang: str = "en") -> list[str]:
    return [told(c, lang) for c in difference(old, new).changes]


def told(change: Change, lang: str) -> str:
    return f"[{change.group}] {change.label.said(lang)}: {change.said.said(lang)}"


# Nothing changes.


@pytest.mark.parametrize("path", LIVE_POLICIES, ids=lambda p: p.stem)
def test_a_policy_does_not_differ_from_itself(path: Path) -> None:
    assert difference(load_policy(path), load_policy(path)).changes == ()


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("call", CALLS)
def test_layout_quotes_and_order_are_no_difference(call: str, seed: int) -> None:
    assert changes(original(call), shuffled_call(call, seed)) == []


@pytest.mark.parametrize("call", CALLS)
def test_other_names_for_everything_are_told_as_renamed_and_change_no_meaning(call: str) -> None:
    new, rename = renamed_call(call)
    found = difference(original(call), new)
    assert found.meaning == ()
    named = {c.path.rpartition(".")[2] for c in found.wording if c.kind == "renamed"}
    assert named >= set(rename.values()) - {rename[f] for f in ("cut_to_admitted", "cut_to_presented") if f in rename}


FIRMS = """\
entities:
  project: {facts: {id: {type: text, key: true}, asked: money, firms: {type: list of firm, at_most: 9}}}
  firm: {facts: {code: {type: text, key: true}, costs: money, staff: integer, mark: {type: number, from: 0, to: 10}}}
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("big: any(firms as f where f.costs > 5 EUR)", "big: any(firms as other where other.costs > 5 EUR)"),
        ("big: any(firms where costs > 5 EUR)", "big: any(firms as f where 5 EUR < f.costs)"),
        ("total: sum(costs + 1 EUR of firms)", "total: sum(1 EUR + costs of firms)"),
        ("fine: count(firms) > 2 and asked > 1 EUR", "fine: asked > 1 EUR and count(firms) > 2"),
        (
            "fine: (asked > 1 EUR and count(firms) > 2) and count(firms) < 8",
            "fine: asked > 1 EUR and (count(firms) > 2 and count(firms) < 8)",
        ),
        ("fine: asked in [1 EUR, 2 EUR]", "fine: asked in [2 EUR, 1.00 EUR]"),
        ("fine: asked between 1 EUR and 2_000 EUR", "fine: asked >= 1 EUR and asked <= 2000 EUR"),
    ],
)
def test_one_formula_written_in_two_ways_is_no_difference(old: str, new: str) -> None:
    sides = [
        policy(f"{FIRMS}definitions: {{project: {{{json.dumps(d.split(': ', 1)[0])}: {json.dumps(d.split(': ', 1)[1])}}}}}")
        for d in (old, new)
    ]
    assert changes(*sides) == []


def test_the_order_of_conditions_is_a_difference_where_a_fault_tells_them_apart() -> None:
    """`staff > 0` guards the division: the other way round, a firm without staff is a fault and no longer a failure."""
    sides = [
        policy(f"{FIRMS}requirements:\n  firm:\n    lean:\n      check: {check}\n      otherwise: exclude\n")
        for check in ("staff > 0 and costs / staff < 9 EUR", "costs / staff < 9 EUR and staff > 0")
    ]
    assert changes(*sides) == ["[requirements] lean: formula changed"]


def test_the_names_of_a_formulas_arguments_are_no_difference() -> None:
    sides = [
        policy(
            f"{FIRMS}formulas:\n  cut: {{takes: {{{a}: money, {b}: money}}, value: '{a} - {b}'}}\n"
            "definitions: {project: {left: 'cut(asked, 5 EUR)'}}\n"
        )
        for a, b in (("whole", "part"), ("x", "y"))
    ]
    assert changes(*sides) == []


# Something changes.


def test_one_line_changed_is_told_in_the_words_of_the_call(update: bool) -> None:
    path = FOLDER / "edits.txt"
    text = path.read_text(encoding="utf-8")
    prose, *entries = re.split(r"(?m)^(?=@ )", text)
    now = prose + "\n".join(_edit(entry) for entry in entries)
    if update:
        path.write_text(now, encoding="utf-8")
    assert len(entries) > 40
    assert now == text or update, lines_that_differ(text, now)


def _edit(entry: str) -> str:
    """An entry with what the difference says of it, in both languages, and what depends on the first change."""
    head, old, new, *_ = entry.splitlines()
    _, name, under = head.split()
    source = POLICIES[name]
    lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
    start = next(i for i, line in enumerate(lines) if re.match(rf"\s*(- )?{under}:", line))
    at = next(i for i in range(start, len(lines)) if old[2:] in lines[i])
    lines[at] = lines[at].replace(old[2:], new[2:])
    found = difference(as_issued(name), policy_from_bytes(str(source), "".join(lines).encode()))
    for change in found.changes:
        places = [s.written.line for s in (change.before, change.after) if s is not None and s.written is not None]
        assert all(start <= line <= at + 1 for line in places), (entry, places)
    said = [f"  {lang}: {told(c, lang)}" for c in found.changes for lang in ("en", "it")] or ["  nothing"]
    weighs = [f"  bears on: {', '.join(a.path for a in c.affects)}" for c in found.changes[:1] if c.affects]
    return "\n".join([head, old, new, *said, *weighs, ""])


def test_a_renamed_entry_that_also_changes_is_a_new_one() -> None:
    old = policy("entities: {project: {facts: {id: {type: text, key: true}, asked: money}}}\ndefinitions: {project: {half: asked / 2}}")
    new = policy("entities: {project: {facts: {id: {type: text, key: true}, asked: money}}}\ndefinitions: {project: {third: asked / 3}}")
    assert changes(old, new) == ["[amounts] third: new: asked ÷ 3", "[amounts] half: removed: asked ÷ 2"]


def test_a_choice_that_grows_is_told_with_its_row_of_the_table() -> None:
    def sized(more: str, row: str) -> Policy:
        return policy(f"""\
choices: {{size: [small, large{more}]}}
entities: {{project: {{facts: {{id: {{type: text, key: true}}, size: size, asked: money}}}}}}
rates: {{aid: {{by: size, values: {{small: 50%, large: 10%{row}}}}}}}
definitions: {{project: {{grant: "aid[size] * asked"}}}}
results: [grant]
""")

    assert changes(sized("", ""), sized(", micro", ", micro: 60%")) == [
        "[amounts] aid: added “micro”: 60%",
        "[facts] size: options added: micro",
    ]


def test_facts_stages_and_results_are_compared() -> None:
    old = policy("""\
stages: [first, second]
entities: {project: {facts: {id: {type: text, key: true}, asked: money, gone: date, old_name: {type: integer, label: Staff}}}}
definitions: {project: {half: asked / 2}}
requirements: {project: {staffed: {stage: first, check: old_name > 0, otherwise: reject}}}
results: [half]
""")
    new = policy("""\
stages: [first, {second: {opens: asked is known}}]
entities:
  project:
    facts:
      id: {type: text, key: true}
      asked: {type: money, from: 1 EUR}
      extra: boolean
      new_name: {type: integer, label: Staff}
definitions: {project: {half: asked / 2}}
requirements: {project: {staffed: {stage: first, check: new_name > 0, otherwise: reject}}}
""")
    assert changes(old, new) == [
        "[facts] asked: lowest value from none to €1.00",
        "[facts] extra: new: a yes or no",
        "[facts] Staff: in applications it is now written `new_name`, before `old_name`",
        "[facts] gone: removed: a date",
        "[stages] second: opens: from with the others to asked: known",
        "[call] half: a result less",
    ]


def test_what_depends_on_a_change_is_named_through_every_step() -> None:
    found = difference(original("bando_2023"), _with("bando_2023", "value: 200_000 EUR", "value: 250_000 EUR"))
    (change,) = found.meaning
    assert change.affects[0].path == "requirements.project.minimum_spend_planned"
    assert change.before is not None
    assert change.before.written is not None
    assert change.before.written.text == "value: 200_000 EUR"


def _with(call: str, old: str, new: str) -> Policy:
    text = POLICIES[call].read_text(encoding="utf-8")
    assert text.count(old) == 1
    return policy_from_bytes(f"{call}.yaml", text.replace(old, new).encode())


@pytest.mark.parametrize(
    ("old", "new"),
    [("bando_2023", "manifestazione_2022"), ("manifestazione_2022", "rural_services_2025"), ("rural_services_2025", "ranked_call")],
)
def test_two_calls_that_have_little_in_common_are_compared_all_the_same(old: str, new: str) -> None:
    """Every group has its page, and there and back tell of the same entries."""
    forth, back = (difference(load_policy(POLICIES[a]), load_policy(POLICIES[b])) for a, b in ((old, new), (new, old)))
    assert {c.path for c in forth.changes if c.kind == "added"} == {c.path for c in back.changes if c.kind == "removed"}
    assert all(c.said.it and c.said.en and c.label.it for c in forth.changes)
    assert run(f"bandolo diff {POLICIES[old].relative_to(ROOT)} {POLICIES[new].relative_to(ROOT)} --words")[2] == 0


# The command.


@pytest.mark.parametrize("name", ["amended.txt", "refused.txt", "sheet.txt"])
def test_the_command_says_what_its_golden_file_says(name: str, update: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    compare(FOLDER / name, update)


def test_the_json_is_as_published() -> None:
    pairs = [("bando_2023", "bando_2023.implementing_act"), ("manifestazione_2022", "manifestazione_2022.extension")]
    found: list[Difference] = [difference(original(c), load_policy(POLICIES[c], amendments=POLICIES[a])) for c, a in pairs]
    found.append(bandolo.difference(original("bando_2023"), original("manifestazione_2022")))
    for one in found:
        data = json.loads(json.dumps(one.to_dict()))
        jsonschema.Draft202012Validator(difference_schema()).validate(data)
        assert data["same_meaning"] is False


def test_cases_that_change_are_listed_and_the_acts_of_a_side_are_not_applied_twice() -> None:
    """The cases of the extension amend by it themselves: on the new side it is applied already, and they stand."""
    call, act, cases = ("policies/manifestazione_2022" + end for end in (".yaml", ".extension.yaml", ".cases.yaml"))
    out, err, status = run(f"bandolo diff {call} --amend {act} --cases {cases} --json")
    assert (err, status) == ("", 0)
    data = json.loads(out)
    jsonschema.Draft202012Validator(difference_schema()).validate(data)
    assert data["cases"]["failing"] == 0
    assert {c["now"] for c in data["cases"]["changed"]} == {"fails"}
    assert all("submitted_in_time" in json.dumps(c["mismatches"]) or c["mismatches"] for c in data["cases"]["changed"])
    late = next(c for c in data["cases"]["changed"] if c["name"] == "one second later")
    assert {"where": "outcome", "expected": "rejected", "got": "admitted"} in late["mismatches"]


@pytest.mark.parametrize("lang", ["it", "en"])
def test_the_change_sheet_is_one_page_and_says_what_was_not_examined(tmp_path: Path, lang: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    sheet = tmp_path / "sheet.html"
    command = f"bandolo diff policies/manifestazione_2022.yaml --amend policies/manifestazione_2022.extension.yaml --lang {lang}"
    assert run(f"{command} --sheet {sheet} --on 2022-11-30")[2] == 0
    text = sheet.read_text(encoding="utf-8")
    assert {"it": "Che cosa non è stato esaminato", "en": "What was not examined"}[lang] in text
    assert {"it": "30/11/2022", "en": "30 November 2022"}[lang] in text
    assert "parameters.closing.value: 2023-12-31 16:00" in text
    assert not re.search(r"(?:src|href)=|@import|url\(", text)
    assert "would-overwrite" in run(f"{command} --sheet {sheet}")[1]
    assert run(f"{command} --sheet {sheet} --overwrite")[2] == 0


def test_a_sheet_takes_what_others_found_and_leaves_out_only_that() -> None:
    found = difference(original("bando_2023"), as_issued("bando_2023"))
    blocks: list[Block] = [
        Heading("Who changes", 2),
        Line("nobody <b>", "met"),
        Table(("firm", "euro"), (("a|b", "1"),)),
        Quoted("x", ("y",)),
    ]
    made = change_sheet(found, "en", sections=blocks, examined=frozenset({"applications", "ranking"}))
    assert not any("applications" in line for line in made.unexamined)
    assert "nobody &lt;b&gt;" in as_html(made)
    assert "### Who changes" in as_markdown(made)
    assert "No change of meaning." in as_markdown(made)


def test_one_file_at_two_revisions_of_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *identity, "-C", str(tmp_path), *arguments], check=True, capture_output=True)

    text = POLICIES["ranked_call"].read_text(encoding="utf-8")
    file = tmp_path / "ranked_call.yaml"
    file.write_text(text, encoding="utf-8")
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "-m", "first")
    file.write_text(text.replace("least_firms: {value: 2}", "least_firms: {value: 3}"), encoding="utf-8")
    git("commit", "--quiet", "-am", "second")
    file.write_text(text.replace("least_firms: {value: 2}", "least_firms: {value: 4}"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    out, err, status = run("bandolo diff --git HEAD~1 ranked_call.yaml")
    assert (err, status) == ("", 0)
    assert "≠ least firms: from 2 to 4" in out
    assert "HEAD~1:./ranked_call.yaml:" in out
    assert "≠ least firms: from 2 to 3" in run(f"bandolo diff --git HEAD~1 HEAD {file}")[0]
    assert run("bandolo diff --git HEAD~1 ranked_call.yaml --fail-on meaning")[2] == 1
    assert "no-such-revision" in run("bandolo diff --git nowhere ranked_call.yaml")[1]
    assert "no-such-revision" in run("bandolo diff --git=--help ranked_call.yaml")[1]
    assert "not-at-revision" in run("bandolo diff --git HEAD~1 other.yaml")[1]
    assert "not-a-repository" in run("bandolo diff --git HEAD~1 none/ranked_call.yaml")[1]
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent.parent))
    elsewhere = tmp_path.parent / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    assert "not-a-repository" in run(f"bandolo diff --git HEAD {elsewhere / 'x.yaml'}")[1]
    monkeypatch.setenv("PATH", "")
    assert "no-git" in run("bandolo diff --git HEAD ranked_call.yaml")[1]


def test_the_page_on_changes_shows_what_happens(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    page = (ROOT / "docs" / "changes.md").read_text(encoding="utf-8")
    shown = re.findall(r"(?s)```console\n\$ (bandolo diff policies/[^\n]*)\n(.*?)```", page)
    assert shown
    for command, output in shown:
        assert [line.rstrip() for line in run(command)[0].splitlines()] == output.splitlines()
    snippets = re.findall(r"(?s)```python\n(.*?)```", page)
    for snippet in snippets:
        exec(compile(snippet, "changes.md", "exec"), {})
    assert "365 days later" in capsys.readouterr().out
