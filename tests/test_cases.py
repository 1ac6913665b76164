"""Case files: how a failure is told, what is selected, what is accepted into the file, tables, applications like another, messages."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from bandolo.surfaces.cli import cli
from bandolo.testing.cases import read_cases
from bandolo.testing.runner import run_file

POLICY = """\
bandolo: 1
policy: {id: call, title: Call, decides: project, currency: EUR, time_zone: Europe/Rome, money_rounding: down}
stages: [admissibility, evaluation]
choices: {size: [small, large]}
entities:
  project:
    facts:
      id: {type: text, key: true}
      score: {type: number, optional: true}
      signed: boolean
      partners: {type: list of partner, at_most: 50}
  partner:
    facts:
      code: {type: text, key: true}
      size: size
      costs: money
parameters: {minimum_firms: 3, cap: 500 EUR}
readings:
  large_firms:
    question: Do large firms count?
    options: {count: They count, out: They do not}
    chosen: count
definitions:
  project:
    counted: count(partners where admitted)
    grant: min(cap, sum(costs of partners where admitted))
requirements:
  partner:
    allowed:
      stage: admissibility
      applies: size = large
      check: reading.large_firms = count
      otherwise: exclude
      message: {it: "{code}: troppo grande", en: "{code}: too large"}
  project:
    enough:
      stage: admissibility
      check: counted >= minimum_firms
      otherwise: reject
      message: {it: "imprese: {counted}", en: "firms: {counted}"}
    complete:
      stage: admissibility
      check: signed and score is not none
      otherwise: {suspend: {}}
    good_score:
      stage: evaluation
      applies: score is not none
      check: score >= 60
      otherwise: reject
results: [counted, grant]
"""

HEAD = """\
cases_of: call.yaml
applications:
  three:
    id: P
    score: 60
    signed: true
    partners:
      - {repeat: 3, code: "IT{n}", size: small, costs: 100 EUR}
  large:
    like: three
    change: {"partners[IT1].size": large}
  four:
    like: large
    change: {partners: {add: [{code: IT4, size: small, costs: 100 EUR}]}}
cases:
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "call.yaml").write_text(POLICY, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(here: Path, cases: str, head: str = HEAD) -> Path:
    path = here / "call.cases.yaml"
    path.write_text(head + cases, encoding="utf-8")
    return path


def run(*arguments: str, lang: str = "en") -> Result:
    return CliRunner().invoke(cli, ["test", *arguments, "--lang", lang])


def codes(path: Path) -> list[str]:
    """The codes of what is wrong with a case file or with its cases."""
    results, diagnostics = run_file(path)
    return [d.code for d in diagnostics] + [d.code for r in results for d in r.diagnostics]


# How a failure is told.


def test_a_failure_shows_all_that_differs_and_the_rule_that_decided_with_its_values(here: Path) -> None:
    write(
        here,
        "- name: two firms\n  like: three\n  change: {partners: {drop: [IT3]}}\n"
        "  expect: {outcome: admitted, failed: [], results: {grant: 300 EUR}}\n",
    )
    assert run("call.cases.yaml").output.splitlines() == [
        "✘ two firms  (call.cases.yaml:16)",
        "    outcome: expected admitted, got rejected",
        "    failed: expected [], got [enough]",
        "    results.grant: expected 300.00 EUR, got 200.00 EUR",
        "    ↳ enough: not met  (call.yaml:38)",
        "        counted >= minimum_firms: 2 >= 3",
        "    ↳ grant: €200.00  (call.yaml:26)",
        "        min(cap, sum(costs of partners where admitted))",
        "          cap = €500.00",
        "0 cases passed, 1 failed",
    ]


def test_a_failure_is_told_in_italian(here: Path) -> None:
    write(here, "- name: firmata\n  like: three\n  change: {signed: false}\n  expect: {outcome: admitted}\n")
    assert run("call.cases.yaml", lang="it").output.splitlines() == [
        "✘ firmata  (call.cases.yaml:16)",
        "    outcome: atteso admitted, ottenuto suspended",
        "    ↳ complete: non soddisfatto  (call.yaml:43)",
        "        signed: no",
        "0 casi riusciti, 1 fallito",
    ]


def test_of_several_conditions_only_those_that_decided_are_shown(here: Path) -> None:
    write(here, "- name: no score\n  like: three\n  change: {score: none}\n  expect: {verdicts: {complete: met}}\n")
    output = run("call.cases.yaml").output
    assert "score is not none: none" in output
    assert "signed" not in output


def test_an_exclusion_tells_what_excluded(here: Path) -> None:
    write(here, "- name: large\n  like: large\n  readings: {large_firms: out}\n  expect: {excluded: []}\n")
    output = run("call.cases.yaml").output
    assert "↳ allowed partners[IT1]: not met  (call.yaml:32)" in output
    assert "reading.large_firms = count: They do not\n" in output


def test_failures_are_data_for_programs(here: Path) -> None:
    write(here, "- name: two firms\n  like: three\n  tags: few\n  change: {partners: {drop: [IT3]}}\n  expect: {outcome: admitted}\n")
    data = json.loads(run("call.cases.yaml", "--json").output)
    assert (data["passed"], data["line"], data["tags"]) == (False, 16, ["few"])
    assert data["mismatches"] == [{"where": "outcome", "expected": "admitted", "got": "rejected", "line": 20}]
    assert data["decided_by"][0] == {
        "rule": "enough", "record": None, "came": "not met", "file": "call.yaml", "line": 38,
        "values": ["counted >= minimum_firms: 2 >= 3"],
    }  # fmt: skip


# Names that stand for nothing.


@pytest.mark.parametrize(
    ("expect", "near"),
    [
        ("stage: admisibility", "admissibility"),
        ("stages: {evalution: passed}", "evaluation"),
        ("stages: {evaluation: pased}", "passed"),
        ("failed: [enogh]", "enough"),
        ("verdicts: {enogh: met}", "enough"),
        ("verdicts: {enough: mett}", "met"),
        ("verdicts: {allowed: {IT9: met}}", "IT3"),
        ("message: {enogh: x}", "enough"),
        ("message: {allowed: {IT11: x}}", "IT1"),
        ("excluded: [IT11]", "IT1"),
        ("results: {grnt: 1 EUR}", "grant"),
        ("undetermined: [grnt]", "grant"),
        ("missing: [scor]", "score"),
        ('missing: ["partners[IT1].siz"]', "size"),
        ('missing: ["partners[IT11].size"]', "partners[IT1]"),
        ("pending: [minimum_firm]", "minimum_firms"),
        ("assumed: [minimum_firm]", "minimum_firms"),
        ("open_readings: [large_firm]", "large_firms"),
        ("faults: [divison-by-zero]", "division-by-zero"),
        ("order: [P]", None),
    ],
)
def test_a_misspelt_name_is_an_error_with_a_suggestion_at_its_place(here: Path, expect: str, near: str | None) -> None:
    path = write(here, f"- name: x\n  like: three\n  expect:\n    {expect}\n")
    results, _ = run_file(path)
    [found] = results[0].diagnostics
    assert (found.code, found.args["nearest"]) == ("case-expectation", near)
    assert found.span is not None
    assert found.span.line == 19


def test_a_path_that_leads_nowhere_is_shown_where_it_stands(here: Path) -> None:
    path = write(here, '- name: x\n  like: three\n  change:\n    "partners[IT11].size": large\n  expect: {outcome: admitted}\n')
    [found] = run_file(path)[0][0].diagnostics
    assert (found.code, found.args["nearest"]) == ("case-path", "IT1")
    assert found.span is not None
    assert found.span.line == 19


def test_an_empty_list_of_missing_facts_says_that_none_is_missing(here: Path) -> None:
    path = write(
        here,
        "- {name: none, like: three, expect: {missing: []}}\n"
        "- {name: one, like: three, change: {signed: unknown}, expect: {missing: []}}\n",
    )
    none, one = run_file(path)[0]
    assert none.passed
    assert [(m.where, m.expected, m.got) for m in one.mismatches] == [("missing", "[]", "[signed]")]


def test_an_error_is_not_all_that_may_be_expected(here: Path) -> None:
    path = write(here, "- {name: x, like: three, change: {score: many}, expect: {error: bad-number, outcome: admitted}}\n")
    assert [m.where for m in run_file(path)[0][0].mismatches] == ["outcome"]


# Selection.

TAGGED = """\
- {name: three firms, like: three, expect: {outcome: admitted}}
- {name: two firms, like: three, tags: [few, threshold], change: {partners: {drop: [IT3]}}, expect: {outcome: rejected}}
- {name: low score, like: three, tags: threshold, change: {score: 59}, expect: {outcome: rejected}}
- {name: one more, like: three, set: {cap: 10 EUR}, expect: {results: {grant: 10 EUR}}}
"""


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["-k", "FIRMS"], ["three firms", "two firms"]),
        (["--tag", "threshold"], ["two firms", "low score"]),
        (["--tag", "few", "--tag", "threshold"], ["two firms", "low score"]),
        (["--tag", "threshold", "-k", "low"], ["low score"]),
        (["--rule", "enough"], ["two firms"]),  # it failed
        (["--rule", "minimum_firms"], ["two firms"]),  # what is computed from it failed
        (["--rule", "cap"], ["one more"]),  # it is set, and a result is named that is computed from it
        (["--rule", "enough", "--rule", "good_score"], ["two firms", "low score"]),
    ],
)
def test_cases_are_selected_by_name_tag_and_rule(here: Path, options: list[str], names: list[str]) -> None:
    write(here, TAGGED)
    result = run("call.cases.yaml", "--json", *options)
    assert result.exit_code == 0
    assert [json.loads(line)["name"] for line in result.output.splitlines()] == names


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-k", "nobody"], "no case was found"),
        (["--tag", "treshold"], "did you mean `threshold`?"),
        (["--rule", "enogh"], "did you mean `enough`?"),
        (["--rule", "allowed"], "no case was found"),
    ],
)
def test_an_empty_selection_fails(here: Path, options: list[str], said: str) -> None:
    write(here, TAGGED)
    result = run("call.cases.yaml", *options)
    assert result.exit_code == 1
    assert said in result.output


# Small files.


def test_applications_are_like_another_at_any_distance(here: Path) -> None:
    cases = "- {name: four, like: four, readings: {large_firms: out}, expect: {excluded: [IT1], results: {counted: 3}}}\n"
    assert codes(write(here, cases)) == []
    assert run("call.cases.yaml").exit_code == 0


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("like: large\n", "like: lage\n", "unknown-application"),
        ("    like: three\n", "    like: four\n", "application-loop"),
        ("cases:\n", "cases:\n- {name: a, like: three, expect: {outcome: admitted}}\n", "case-twice"),
    ],
)
def test_what_cannot_be_read_is_told(here: Path, old: str, new: str, code: str) -> None:
    path = write(here, "- {name: a, like: four, expect: {outcome: admitted}}\n", HEAD.replace(old, new))
    assert codes(path) == [code]


TABLE = """\
- name: "score {score}, {large_firms}: {expect.outcome}"
  like: large
  expect: {stages: {admissibility: passed}}
  table:
    - [score, readings.large_firms, set.minimum_firms, expect.outcome, expect.results.counted, expect.verdicts.allowed.IT1]
    - [59, count, _, rejected, 3, met]
    - [60, count, _, admitted, 3, _]
    - [60, out, 2, admitted, 2, failed]
"""


def test_a_table_has_a_case_a_row_with_its_own_name_and_line(here: Path) -> None:
    path = write(here, TABLE)
    file, diagnostics = read_cases(path)
    assert (diagnostics, codes(path)) == ([], [])
    assert file is not None
    assert [(c.name, c.span.line) for c in file.cases] == [
        ("score 59, count: rejected", 21),
        ("score 60, count: admitted", 22),
        ("score 60, out: admitted", 23),
    ]
    assert all(r.passed for r in run_file(path)[0])
    assert run("call.cases.yaml").output == "3 cases passed, 0 failed\n"


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("expect.outcome,", "expect.outcom,", "case-heading", 20),
        ("expect.outcome,", "expect,", "case-heading", 20),
        ("[60, out, 2, admitted, 2, failed]", "[60, out, 2, admitted, 2]", "case-row", 23),
        ("[60, out, 2, admitted, 2, failed]", "[60, out, 2, admited, 2, failed]", "bad-word", 23),
        ('"score {score}, {large_firms}: {expect.outcome}"', '"{score}"', "case-twice", 23),
        ("_, rejected, 3, met]", "_, rejected, 3, mett]", "case-expectation", 21),
    ],
)
def test_what_is_wrong_with_a_table_is_told_at_its_place(here: Path, old: str, new: str, code: str, line: int) -> None:
    path = write(here, TABLE.replace(old, new))
    results, diagnostics = run_file(path)
    [found] = [*diagnostics, *(d for r in results for d in r.diagnostics)]
    assert found.span is not None
    assert (found.code, found.span.line) in ((code, line), (code, 20))


@pytest.mark.parametrize(
    ("message", "where"),
    [
        ('{enough: "firms: 2"}', []),
        ('{enough: "imprese: 2"}', []),
        ('{enough: {it: "imprese: 2", en: "firms: 2"}}', []),
        ('{enough: {it: "firms: 2"}}', ["message.enough.it"]),
        ('{allowed: {IT1: "IT1: too large"}}', []),
        ('{allowed: {IT1: {it: "IT1: troppo grande", en: "IT1: too large"}}}', []),
        ('{allowed: {IT2: "IT1: too large"}}', ["message.allowed.IT2"]),
        ('{allowed: {IT1: {it: x, en: y}}, enough: {en: z}}', ["message.allowed.IT1.it", "message.allowed.IT1.en", "message.enough.en"]),
    ],
)  # fmt: skip
def test_messages_are_expected_in_either_language_by_language_and_by_record(here: Path, message: str, where: list[str]) -> None:
    path = write(here, f"- name: x\n  like: large\n  readings: {{large_firms: out}}\n  expect: {{message: {message}}}\n")
    [result] = run_file(path)[0]
    assert result.diagnostics == ()
    assert [m.where for m in result.mismatches] == where


# Accepting what came.

DIFFERING = """\
# The minimum.
- name: two firms  # one fewer
  like: three
  change: {partners: {drop: [IT3]}}
  expect:
    outcome: admitted  # it was so once
    failed: [complete, good_score]   # none
    stages:
      admissibility: passed
      evaluation: passed
    verdicts: {enough: met, complete: met}
    results: {counted: 3, grant: 30_000.50 EUR}  # at its lowest
    message: {enough: {en: "firms: 3"}}

- name: two are struck
  like: three
  change: {partners: {each: {size: large}}}
  readings: {large_firms: out}
  expect:
    excluded:
      - IT2  # the second
      - IT1  # the first
    verdicts: {allowed: {IT1: met, IT2: failed}}
    missing: []
- name: "score {score}: {expect.outcome}"
  like: three
  expect: {results: {counted: 3}}
  table:
    - [score, expect.outcome, expect.verdicts.good_score]
    - [59,    admitted,       met]
    - [60,    admitted,       met]
"""
ACCEPTED = """\
# The minimum.
- name: two firms  # one fewer
  like: three
  change: {partners: {drop: [IT3]}}
  expect:
    outcome: rejected  # it was so once
    failed: [enough]   # none
    stages:
      admissibility: failed
      evaluation: passed
    verdicts: {enough: failed, complete: met}
    results: {counted: 2, grant: 200 EUR}  # at its lowest
    message: {enough: {en: "firms: 2"}}

- name: two are struck
  like: three
  change: {partners: {each: {size: large}}}
  readings: {large_firms: out}
  expect:
    excluded:
      - IT2  # the second
      - IT1  # the first
      - IT3
    verdicts: {allowed: {IT1: failed, IT2: failed}}
    missing: []
- name: "score {score}: {expect.outcome}"
  like: three
  expect: {results: {counted: 3}}
  table:
    - [score, expect.outcome, expect.verdicts.good_score]
    - [59,    rejected,       failed]
    - [60,    admitted,       met]
"""


def test_what_came_is_accepted_and_nothing_else_of_the_file_changes(here: Path) -> None:
    path = write(here, DIFFERING)
    result = run("call.cases.yaml", "--update")
    assert path.read_text(encoding="utf-8") == HEAD + ACCEPTED
    assert result.exit_code == 0
    assert "✎ two firms  (call.cases.yaml:17)\n    outcome: admitted → rejected\n" in result.output
    assert result.output.endswith("1 case passed, 0 failed, 3 cases rewritten\n")
    assert run("call.cases.yaml").output == "4 cases passed, 0 failed\n"


def test_windows_line_ends_and_the_mode_of_the_file_stay(here: Path) -> None:
    path = write(here, "")
    path.write_bytes(b"\xef\xbb\xbf" + (HEAD + DIFFERING).replace("\n", "\r\n").encode())
    path.chmod(0o640)
    assert run("call.cases.yaml", "--update").exit_code == 0
    assert path.read_bytes() == b"\xef\xbb\xbf" + (HEAD + ACCEPTED).replace("\n", "\r\n").encode()
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # A message of a requirement that is met is expected no more.
        ('- {name: a, like: three, expect: {failed: [], message: {enough: "firms: 3"}}}',
         "- {name: a, like: three, expect: {failed: [], message: {}}}"),
        ("- {name: a, like: three, change: {score: many}, expect: {error: bad-date}}",
         "- {name: a, like: three, change: {score: many}, expect: {error: bad-number}}"),
        ("- {name: a, like: three, expect: {error: bad-number}}", "- {name: a, like: three, expect: {outcome: admitted}}"),
        ("- {name: a, like: three, change: {signed: unknown}, expect: {missing: [score]}}",
         "- {name: a, like: three, change: {signed: unknown}, expect: {missing: [signed]}}"),
        ("- {name: a, like: three, change: {score: 1, partners: unknown}, expect: {results: {counted: 3}, undetermined: [grant]}}",
         "- {name: a, like: three, change: {score: 1, partners: unknown}, expect: {results: {counted: unknown}, undetermined: [grant]}}"),
        ("- {name: a, like: large, readings: {large_firms: out}, expect: {verdicts: {allowed: met}}}",
         "- {name: a, like: large, readings: {large_firms: out}, expect: {verdicts: {allowed: "
         "{IT1: failed, IT2: not_applicable, IT3: not_applicable}}}}"),
    ],
)  # fmt: skip
def test_every_kind_of_expectation_can_be_accepted(here: Path, old: str, new: str) -> None:
    path = write(here, old + "\n")
    assert run("call.cases.yaml", "--update").exit_code == 0
    assert path.read_text(encoding="utf-8") == HEAD + new + "\n"


@pytest.mark.parametrize(
    "cases",
    [
        "- {name: a, like: three, expect: {failed: [enogh]}}\n",  # a misspelt name is no result
        "- {name: a, like: three, change: {score: many}, expect: {outcome: admitted}}\n",
        # The rows share an expectation, and only one would have it otherwise.
        '- {name: "{cap}", like: three, expect: {results: {grant: 300 EUR}}, table: [[set.cap], [500 EUR], [10 EUR]]}\n',
    ],
)
def test_what_cannot_be_accepted_is_left_as_it_was(here: Path, cases: str) -> None:
    path = write(here, cases)
    result = run("call.cases.yaml", "--update")
    assert result.exit_code == 1
    assert "✎" not in result.output
    assert path.read_text(encoding="utf-8") == HEAD + cases


def test_a_file_that_changed_meanwhile_is_not_rewritten(here: Path) -> None:
    from bandolo.testing.accept import acceptance, put
    from bandolo.testing.cases import cases_of_bytes
    from bandolo.testing.runner import Runner

    path = write(here, DIFFERING)
    content = path.read_bytes()
    file, _ = cases_of_bytes(path, content)
    assert file is not None
    runner = Runner(file)
    made = acceptance(runner, content, [runner.run(case) for case in file.cases])
    path.write_bytes(content + b"# a remark\n")
    assert [d.code for d in put(file, content, made)] == ["file-changed"]
    assert path.read_bytes() == content + b"# a remark\n"


def test_rankings_are_accepted(here: Path, root: Path) -> None:
    for name in ("ranked_call.yaml", "ranked_call.cases.yaml"):
        (here / name).write_text((root / "tests" / "policies" / name).read_text(encoding="utf-8"), encoding="utf-8")
    path = here / "ranked_call.cases.yaml"
    right = path.read_text(encoding="utf-8")
    wrong = right.replace("status: financed", "status: not_admitted").replace("position: 1", "position: 7")
    assert wrong != right
    path.write_text(wrong, encoding="utf-8")
    result = run("ranked_call.cases.yaml")
    assert result.exit_code == 1
    assert "↳ " in result.output
    assert run("ranked_call.cases.yaml", "--update").exit_code == 0
    assert path.read_text(encoding="utf-8") == right


# Hooks.


def test_a_policy_or_an_act_stands_for_the_cases_beside_it(here: Path) -> None:
    write(here, TAGGED)
    (here / "other.cases.yaml").write_text("cases_of: other.yaml\ncases: []\n", encoding="utf-8")
    (here / "call.act.yaml").write_text("bandolo: 1\namends: call.yaml\nid: act\ndate: 2023-01-01\n", encoding="utf-8")
    for paths in (["call.yaml"], ["call.act.yaml"], ["call.yaml", "call.act.yaml", "call.cases.yaml"]):
        assert run(*paths).output == "4 cases passed, 0 failed\n"
    (here / "call.cases.yaml").unlink()
    alone = run("call.yaml", "--hook")
    assert (alone.exit_code, "no-cases-beside" in alone.output) == (1, True)


def test_hooks_pass_over_files_of_other_kinds_and_fail_where_something_is_amiss(here: Path) -> None:
    (here / "other.yaml").write_text("a:   1\n", encoding="utf-8")
    write(here, TAGGED.replace("- {name", "- {  name"))
    files = ["call.yaml", "call.cases.yaml", "other.yaml"]
    run_cli = CliRunner().invoke
    assert run_cli(cli, ["check", "--hook", "call.cases.yaml", "other.yaml"]).exit_code == 0
    assert run_cli(cli, ["test", "--hook", "other.yaml"]).exit_code == 0
    assert run_cli(cli, ["fmt", "--hook", *files]).exit_code == 1  # it rewrote
    assert run_cli(cli, ["fmt", "--hook", *files]).exit_code == 0
    assert run_cli(cli, ["test", "--hook", *files]).exit_code == 0
    assert (here / "other.yaml").read_text(encoding="utf-8") == "a:   1\n"
    (here / "call.yaml").write_text(POLICY.replace("counted >=", "cuonted >="), encoding="utf-8")
    assert run_cli(cli, ["check", "--hook", *files]).exit_code == 1
    assert run_cli(cli, ["test", "--hook", "call.yaml"]).exit_code == 1


def test_the_hooks_and_the_workflow_name_commands_and_options_that_exist(root: Path) -> None:
    hooks = yaml.safe_load((root / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert [h["id"] for h in hooks] == ["bandolo-check", "bandolo-fmt", "bandolo-test"]
    wanted = yaml.safe_load((root / "docs" / "ci" / "pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [h["id"] for h in wanted["repos"][0]["hooks"]] == [h["id"] for h in hooks]
    workflow = yaml.safe_load((root / "docs" / "ci" / "github-workflow.yml").read_text(encoding="utf-8"))
    steps = [s.get("run", "") for s in workflow["jobs"]["policies"]["steps"]]
    lines = [h["entry"] for h in hooks] + re.findall(r"(?m)^\s*(bandolo .*?)(?: \|\| .*)?$", "\n".join(steps))
    assert len(lines) >= 7
    for line in lines:
        _, name, *words = shlex.split(line)
        known = {option for parameter in cli.commands[name].params for option in parameter.opts}
        assert {w for w in words if w.startswith("-")} <= known, line
