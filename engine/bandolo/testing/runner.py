"""Running cases: each is decided, and every difference between what is expected and what came is reported at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bandolo.diagnostics import ApplicationError, Diagnostic, PolicyError
from bandolo.evaluate.decision import Decision
from bandolo.policy import Policy, load_policy
from bandolo.ranking.entrant import Ranking
from bandolo.testing.cases import BadPath, Case, CaseFile, Mismatch, changed, read_cases
from bandolo.testing.compare import compare, refused
from bandolo.testing.names import unknown_error, unknown_names
from bandolo.testing.rankings import ranked

__all__ = ["CaseResult", "Runner", "compare", "run_file"]


@dataclass(frozen=True)
class CaseResult:
    """What came of a case: its decision or its ranking, where they differ from what is expected, and why it could not be run."""

    case: Case
    decision: Decision | None
    mismatches: tuple[Mismatch, ...]
    diagnostics: tuple[Diagnostic, ...]
    ranking: Ranking | None = None

    @property
    def passed(self) -> bool:
        return not self.mismatches and not self.diagnostics


def run_file(path: Path) -> tuple[list[CaseResult], list[Diagnostic]]:
    """The results of every case of a file, or why the file or its policy cannot be used."""
    file, diagnostics = read_cases(path)
    if file is None:
        return [], diagnostics
    runner = Runner(file)
    try:
        return [runner.run(case) for case in file.cases], []
    except PolicyError as error:
        return [], list(error.diagnostics)
    except FileNotFoundError as error:
        return [], [Diagnostic("file-not-found", file=str(path), args={"path": str(error.filename)})]


class Runner:
    """Loads each policy once for a file."""

    def __init__(self, file: CaseFile, policies: dict[tuple[str, ...], Policy] | None = None) -> None:
        self.file = file
        self.policies: dict[tuple[str, ...], Policy] = {} if policies is None else policies

    def policy(self, amendments: tuple[str, ...]) -> Policy:
        """The policy with amendments applied. Raises PolicyError, OSError."""
        if amendments not in self.policies:
            acts = [self.file.path.parent / a for a in amendments]
            self.policies[amendments] = load_policy(self.file.policy, amendments=acts)
        return self.policies[amendments]

    def application(self, case: Case) -> Any:
        """The application of a case, with its changes made. Raises BadPath."""
        base = self.file.applications[case.like] if case.like is not None else {}
        return changed(self.policy(case.amend).core, base, case.change)

    def decide(self, case: Case, trace: bool = False) -> Decision:
        """The decision on the application of a case. Raises BadPath, ApplicationError, PolicyError."""
        what_ifs: dict[str, Any] = {"as_of": case.as_of, "set": case.set, "readings": case.readings, "assume": case.assume}
        return self.policy(case.amend).decide(self.application(case), **what_ifs, trace=trace)

    def run(self, case: Case) -> CaseResult:
        """What comes of a case. Raises PolicyError and OSError where its policy cannot be loaded."""
        policy = self.policy(case.amend)
        if case.rank:
            return self._ranked(policy, case)
        try:
            decision = self.decide(case)
        except BadPath as bad:
            return CaseResult(case, None, (), (_bad_path(case, bad),))
        except ApplicationError as error:
            if "error" not in case.expect:
                return CaseResult(case, None, (), error.diagnostics)
            misspelt = tuple(unknown_error(case))
            codes = sorted({d.code for d in error.diagnostics})
            return CaseResult(case, None, () if misspelt else tuple(refused(case.expect, codes)), misspelt)
        except PolicyError as error:
            return CaseResult(case, None, (), error.diagnostics)
        text = policy.text_of(decision)
        misspelt = tuple(unknown_names(text, case, self.application(case), decision))
        return CaseResult(case, decision, () if misspelt else tuple(compare(policy, decision, case.expect)), misspelt)

    def _ranked(self, policy: Policy, case: Case) -> CaseResult:
        try:
            ranking, misspelt, mismatches = ranked(policy, self.file, case)
        except BadPath as bad:
            return CaseResult(case, None, (), (_bad_path(case, bad),))
        except (ApplicationError, PolicyError) as error:
            return CaseResult(case, None, (), error.diagnostics)
        return CaseResult(case, None, tuple(mismatches), tuple(misspelt), ranking)


def _bad_path(case: Case, bad: BadPath) -> Diagnostic:
    """A path that leads nowhere, at its place in the case where it stands there."""
    path = bad.path.partition("[")[0] if ("change", bad.path) not in case.written else bad.path
    spans = [s for one in case.rank for p, s in one.spans.items() if p == bad.path]
    span = spans[0] if spans else case.place("change", path)
    return Diagnostic("case-path", span, {"path": bad.path, "nearest": bad.near})
