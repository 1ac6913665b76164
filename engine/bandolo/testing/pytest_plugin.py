"""Cases in pytest: `pytest policies/` collects every `*.cases.yaml`, one item a case, with no configuration.

Tags are markers (`-m`), and keywords (`-k`) together with the rules that a case names. Options of its own begin with `--bandolo-`, since a
project may well have an `--update` for other files. Loaded by its entry point wherever bandolo and pytest are installed; what it needs is
imported when a file of cases is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bandolo.language.types import Language
    from bandolo.testing.cases import Case
    from bandolo.testing.runner import CaseResult, Runner


def pytest_addoption(parser: pytest.Parser) -> None:
    """The plugin's own options."""
    group = parser.getgroup("bandolo", "cases of Bandolo policies")
    group.addoption(
        "--bandolo-rule",
        action="append",
        default=[],
        metavar="NAME",
        help="only the cases that name this rule, or that it failed or left open",
    )
    group.addoption(
        "--bandolo-update", action="store_true", help="accept what came: rewrite the expectations that differ in the case files"
    )
    group.addoption("--bandolo-lang", choices=["it", "en"], help="failures in Italian or English; by default as `bandolo test`")


def pytest_configure(config: pytest.Config) -> None:
    """Files are rewritten by one process only."""
    parallel = getattr(config.option, "numprocesses", None) or hasattr(config, "workerinput")
    if config.getoption("--bandolo-update") and parallel:
        raise pytest.UsageError("--bandolo-update rewrites case files: leave out -n")


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> pytest.Collector | None:
    """A file of cases."""
    if not file_path.name.endswith(".cases.yaml"):
        return None
    made: pytest.Collector = CaseFileCollector.from_parent(parent, path=file_path)
    return made


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `--bandolo-rule`, the other cases are left out; a rule that no policy has is wrong usage."""
    rules = config.getoption("--bandolo-rule")
    cases = [item for item in items if isinstance(item, CaseItem)]
    if not rules or not cases:
        return
    from bandolo.diagnostics.spelling import nearest
    from bandolo.testing.select import Uses, reaches

    known = {name for item in cases for name in Uses(item.runner.policy(item.case.amend).core).known()}
    for rule in (r for r in rules if r not in known):
        near = nearest(rule, known)
        raise pytest.UsageError(f"no policy of these cases has a rule `{rule}`" + (f"; did you mean `{near}`?" if near else ""))
    left = [i for i in cases if not any(reaches(i.runner, i.result(), rule) for rule in rules)]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in left]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With `--bandolo-update`, what came of the failing cases is written into their files."""
    if not session.config.getoption("--bandolo-update"):
        return
    for collector in {i.parent: None for i in session.items if isinstance(i, CaseItem)}:
        assert isinstance(collector, CaseFileCollector)
        if not collector.write():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """What was rewritten, from what to what."""
    lines = config.stash.get(REWRITTEN, [])
    if lines:
        terminalreporter.section("expectations rewritten")
        for line in lines:
            terminalreporter.line(line)


REWRITTEN = pytest.StashKey[list[str]]()


class CaseFileCollector(pytest.File):
    """The cases of one file; each policy is loaded once for it."""

    def collect(self) -> Iterator[pytest.Item]:
        from bandolo import limits
        from bandolo.diagnostics.render import render_all
        from bandolo.source import read_bytes
        from bandolo.testing.cases import cases_of_bytes
        from bandolo.testing.runner import Runner

        self.accepted: list[CaseResult] = []
        self.content = read_bytes(self.path, limits.POLICY_BYTES)
        file, diagnostics = cases_of_bytes(self.path, self.content)
        if file is None:
            raise self.CollectError(render_all(diagnostics, language(self.config)))
        self.runner = Runner(file)
        for tag in dict.fromkeys(tag for case in file.cases for tag in case.tags):
            self.config.addinivalue_line("markers", f"{tag}: cases with this tag")
        for case in file.cases:
            yield CaseItem.from_parent(self, name=case.name, case=case, runner=self.runner)

    def acceptable(self, result: CaseResult) -> bool:
        """Whether a failing case can be accepted; it is then kept for the end of the session."""
        from bandolo.testing.accept import acceptance

        if not acceptance(self.runner, self.content, [result]).rewritten:
            return False
        self.accepted.append(result)
        return True

    def write(self) -> bool:
        """Write what was accepted; whether all of it could be."""
        from bandolo.diagnostics.render import render_all
        from bandolo.testing.accept import acceptance, put, rewritten_lines

        if not self.accepted:
            return True
        made = acceptance(self.runner, self.content, self.accepted)
        said = put(self.runner.file, self.content, made) if made.rewritten else []
        lines = render_all(said, language(self.config)).splitlines() if said else list(rewritten_lines(made.rewritten))
        lines += [f"✘ {case.name}: not rewritten" for case in made.refused]
        self.config.stash.setdefault(REWRITTEN, []).extend(lines)
        return not said and not made.refused


class CaseFailed(Exception):
    """A case that came out otherwise."""

    def __init__(self, result: CaseResult) -> None:
        self.result = result
        super().__init__(result.case.name)


class CaseItem(pytest.Item):
    """One case."""

    def __init__(self, *, case: Case, runner: Runner, **rest: Any) -> None:
        super().__init__(**rest)
        self.case, self.runner = case, runner
        self.came: CaseResult | None = None
        for tag in case.tags:
            self.add_marker(tag)
        self.extra_keyword_matches |= {str(name) for word in ("failed", "verdicts", "message") for name in case.expect.get(word, ())}

    def result(self) -> CaseResult:
        """What came of the case; it is run once."""
        if self.came is None:
            self.came = self.runner.run(self.case)
        return self.came

    def runtest(self) -> None:
        result = self.result()
        if result.passed:
            return
        assert isinstance(self.parent, CaseFileCollector)
        if not (self.config.getoption("--bandolo-update") and self.parent.acceptable(result)):
            raise CaseFailed(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """As `bandolo test` tells it: what differs, the rule that decided with its values, both places."""
        from bandolo.diagnostics import BandoloError
        from bandolo.diagnostics.render import render_all
        from bandolo.testing.failures import failure_lines

        failed = excinfo.value
        if isinstance(failed, CaseFailed):
            return "\n".join(failure_lines(self.runner, failed.result, language(self.config)))
        if isinstance(failed, BandoloError):
            return render_all(list(failed.diagnostics), language(self.config))
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.case.span.line - 1, self.name


def language(config: pytest.Config) -> Language:
    """`--bandolo-lang`, else as everywhere."""
    from bandolo.language.preferred import preferred_language

    return preferred_language(config.getoption("--bandolo-lang") or "")
