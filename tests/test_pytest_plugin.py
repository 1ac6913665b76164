"""Cases as pytest sees them: collected with no configuration, selected by name, told with what was expected and what came."""

from __future__ import annotations

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
  - {name: nine are too few, like: ten, change: {firms: 9}, expect: {failed: [enough]}}
"""


@pytest.fixture
def folder(pytester: pytest.Pytester) -> pytest.Pytester:
    (pytester.path / "call.yaml").write_text(POLICY, encoding="utf-8")
    (pytester.path / "call.cases.yaml").write_text(CASES, encoding="utf-8")
    return pytester


def run(folder: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return folder.runpytest_subprocess("-p", "no:cacheprovider", *arguments)


def test_cases_are_collected_with_no_configuration(folder: pytest.Pytester) -> None:
    run(folder, "-v").stdout.fnmatch_lines(["*call.cases.yaml::ten are enough PASSED*", "*::nine are too few PASSED*", "*2 passed*"])


def test_cases_are_selected_by_name_and_an_empty_selection_fails(folder: pytest.Pytester) -> None:
    run(folder, "-k", "nine").assert_outcomes(passed=1, deselected=1)
    assert run(folder, "-k", "nobody").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_cases_run_in_parallel(folder: pytest.Pytester) -> None:
    run(folder, "-n", "2").assert_outcomes(passed=2)


def test_a_failure_says_what_was_expected_and_what_came(folder: pytest.Pytester) -> None:
    text = CASES.replace("{outcome: admitted}", "{outcome: rejected, failed: [enough]}")
    (folder.path / "call.cases.yaml").write_text(text, encoding="utf-8")
    result = run(folder)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*ten are enough  (*call.cases.yaml:5)", "outcome: expected rejected, got admitted", "failed: expected ?enough?, got ??"]
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
