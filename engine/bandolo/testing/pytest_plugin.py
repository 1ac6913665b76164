"""Cases in pytest: `pytest policies/` collects every `*.cases.yaml`, one item a case, with no configuration.

Loaded by its entry point wherever bandolo and pytest are installed; what it needs is imported when a file of cases is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bandolo.testing.cases import Case
    from bandolo.testing.runner import CaseResult, Runner


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> pytest.Collector | None:
    """A file of cases."""
    if not file_path.name.endswith(".cases.yaml"):
        return None
    made: pytest.Collector = CaseFileCollector.from_parent(parent, path=file_path)
    return made


class CaseFileCollector(pytest.File):
    """The cases of one file; each policy is loaded once for it."""

    def collect(self) -> Iterator[pytest.Item]:
        from bandolo.diagnostics.render import render_all
        from bandolo.testing.cases import read_cases
        from bandolo.testing.runner import Runner

        file, diagnostics = read_cases(self.path)
        if file is None:
            raise self.CollectError(render_all(diagnostics, "en"))
        runner = Runner(file)
        for case in file.cases:
            yield CaseItem.from_parent(self, name=case.name, case=case, runner=runner)


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

    def runtest(self) -> None:
        result = self.runner.run(self.case)
        if not result.passed:
            raise CaseFailed(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Every mismatch with what was expected and what came, and the place in the file of cases."""
        from bandolo.diagnostics import BandoloError
        from bandolo.diagnostics.render import render_all

        failed = excinfo.value
        if isinstance(failed, CaseFailed):
            place = f"{self.path}:{self.case.span.line}"
            lines = [f"{m.where}: expected {m.expected}, got {m.got}" for m in failed.result.mismatches]
            lines += [render_all(list(failed.result.diagnostics), "en")] if failed.result.diagnostics else []
            return "\n".join([f"{self.case.name}  ({place})", *lines])
        if isinstance(failed, BandoloError):
            return render_all(list(failed.diagnostics), "en")
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.case.span.line - 1, self.name
