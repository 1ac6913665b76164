"""Cases as pytest sees them: collected with no configuration, selected by name, told with what was expected and what came."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

POLICY = """\
bandolo: 1
policy: {id: call, title: Call, decides: project}
entities: {project: {facts: {id: {type: text, key: true}, firms: integer}}}
requirements:
  project:
    enough: {check: firms >= 10, otherwise: reject}
"""
CASES = """\
cases_of: call.yaml
applications:
  ten: {id: P, firms: 10}
cases:
  - {name: ten are enough, like: ten, expect: {outcome: admitted}}
  - {name: nine are too few, like: ten, tags: threshold, change: {firms: 9}, expect: {failed: [enough]}}
"""


@pytest.fixture
def folder(pytester: pytest.Pytester) -> pytest.Pytester:
    (pytester.path / "call.yaml").write_text(POLICY, encoding="utf-8")
    (pytester.path / "call.cases.yaml").write_text(CASES, encoding="utf-8")
    return pytester


@pytest.fixture(autouse=True)
def in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANDOLO_LANG", "en")


def run(folder: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return folder.runpytest_subprocess("-p", "no:cacheprovider", *arguments)


def test_cases_are_collected_with_no_configuration(folder: pytest.Pytester) -> None:
    run(folder, "-v").stdout.fnmatch_lines(["*call.cases.yaml::ten are enough PASSED*", "*::nine are too few PASSED*", "*2 passed*"])


def test_cases_are_selected_by_name_and_an_empty_selection_fails(folder: pytest.Pytester) -> None:
    run(folder, "-k", "nine").assert_outcomes(passed=1, deselected=1)
    assert run(folder, "-k", "nobody").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_cases_run_in_parallel_and_the_report_for_machines_names_them(folder: pytest.Pytester) -> None:
    text = CASES.replace("{outcome: admitted}", "{failed: [enough]}")
    (folder.path / "call.cases.yaml").write_text(text, encoding="utf-8")
    run(folder, "-n", "2", "--junitxml=report.xml", "--strict-markers").assert_outcomes(passed=1, failed=1)
    found = ElementTree.parse(folder.path / "report.xml").iter("testcase")
    cases = {case.attrib["name"]: case for case in found}
    assert sorted(cases) == ["nine are too few", "ten are enough"]
    assert {case.attrib["classname"] for case in cases.values()} == {"call.cases.yaml"}
    failure = cases["ten are enough"].find("failure")
    assert failure is not None
    assert "firms >= 10: 10 >= 10" in (failure.text or "")


@pytest.mark.parametrize(
    ("options", "passed"),
    [(["-m", "threshold"], 1), (["-k", "threshold"], 1), (["--bandolo-rule", "enough"], 1)],
)
def test_tags_are_markers_and_keywords_and_rules_select(folder: pytest.Pytester, options: list[str], passed: int) -> None:
    run(folder, "--strict-markers", *options).assert_outcomes(passed=passed, deselected=1)


def test_a_rule_that_no_policy_has_is_wrong_usage(folder: pytest.Pytester) -> None:
    result = run(folder, "--bandolo-rule", "enogh")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*did you mean `enough`?*"])


def test_what_came_is_accepted_beside_an_update_of_the_project_itself(folder: pytest.Pytester) -> None:
    folder.makeconftest("def pytest_addoption(parser):\n    parser.addoption('--update', action='store_true')\n")
    path = folder.path / "call.cases.yaml"
    path.write_text(CASES.replace("[enough]", "[]").replace("{outcome: admitted}", "{failed: [enuogh]}"), encoding="utf-8")
    result = run(folder, "--bandolo-update", "--bandolo-lang", "it")
    result.assert_outcomes(passed=1, failed=1)  # a misspelt name is not accepted
    result.stdout.fnmatch_lines(["*errore?case-expectation?*", "✎ nine are too few  (call.cases.yaml:6)", "    failed: ?? → ?enough?"])
    assert "expect: {failed: [enough]}" in path.read_text(encoding="utf-8")
    assert run(folder, "--bandolo-update", "-n", "2").ret == pytest.ExitCode.USAGE_ERROR


def test_a_failure_says_what_was_expected_and_what_came(folder: pytest.Pytester) -> None:
    text = CASES.replace("{outcome: admitted}", "{outcome: rejected, failed: [enough]}")
    (folder.path / "call.cases.yaml").write_text(text, encoding="utf-8")
    result = run(folder)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "ten are enough  (call.cases.yaml:5)",
            "    outcome: expected rejected, got admitted",
            "    failed: expected ?enough?, got ??",
            "    ↳ enough: met  (call.yaml:6)",
            "        firms >= 10: 10 >= 10",
        ]
    )


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("call.cases.yaml", "[enough]", "[enogh]", "*case-expectation*"),
        ("call.cases.yaml", "cases_of: call.yaml", "cases_of: none.yaml", "*none.yaml*"),
        ("call.cases.yaml", "expect: {outcome: admitted}", "expct: {outcome: admitted}", "*unknown-key*"),
        ("call.yaml", "firms >= 10", "frims >= 10", "*unknown-name*"),
    ],
)
def test_what_cannot_be_run_fails(folder: pytest.Pytester, file: str, old: str, new: str, said: str) -> None:
    path = folder.path / file
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    result = run(folder)
    assert result.ret != 0
    result.stdout.fnmatch_lines([said])
