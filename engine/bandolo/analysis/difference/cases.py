"""Cases that an old policy passes and a new one does not, or the reverse."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bandolo import limits
from bandolo.diagnostics import Diagnostic, PolicyError
from bandolo.diagnostics.render import as_data
from bandolo.language.types import Language
from bandolo.policy import Policy, policy_from_bytes
from bandolo.source import read_bytes
from bandolo.testing.cases import Case, CaseFile, Mismatch, read_cases
from bandolo.testing.runner import CaseResult, Runner


@dataclass(frozen=True, slots=True)
class CaseChange:
    """A case that came out otherwise: `fails` or `passes` now, or could not be run on one of the two (`not_run`).

    `mismatches` are what was expected and what came on the side where it fails; `diagnostics` why it could not be run there.
    """

    file: str
    line: int
    name: str
    now: Literal["fails", "passes", "not_run"]
    mismatches: tuple[Mismatch, ...]
    diagnostics: tuple[Diagnostic, ...]

    def reasons(self, lang: Language) -> list[str]:
        """Why it could not be run, in words."""
        return [str(as_data(d, lang)["message"]) for d in self.diagnostics]


@dataclass(frozen=True, slots=True)
class CasesCompared:
    """`run` cases were run on both; `failing` of them fail on both."""

    run: int
    failing: int
    changed: tuple[CaseChange, ...]

    def to_dict(self, lang: Language) -> dict[str, Any]:
        """The `cases` of a difference in JSON; why a case could not be run, in a language."""
        changed = [
            {
                "file": c.file, "line": c.line, "name": c.name, "now": c.now, "reasons": c.reasons(lang),
                "mismatches": [{"where": m.where, "expected": m.expected, "got": m.got} for m in c.mismatches],
            }
            for c in self.changed
        ]  # fmt: skip
        return {"run": self.run, "failing": self.failing, "changed": changed}


class _On(Runner):
    """Runs the cases of a file on a given policy in place of the one that the file names."""

    def __init__(self, file: CaseFile, given: Policy) -> None:
        super().__init__(file)
        self.given = given

    def policy(self, amendments: tuple[str, ...]) -> Policy:
        if amendments not in self.policies:
            (path, content), *acts = self.given.files
            more = [(str(self.file.path.parent / a), read_bytes(self.file.path.parent / a, limits.POLICY_BYTES)) for a in amendments]
            # An act that is applied to this side already is not applied twice.
            acts += [act for act in more if act[1] not in {content for _, content in acts}]
            self.policies[amendments] = policy_from_bytes(path, content, acts) if amendments else self.given
        return self.policies[amendments]


def compare_cases(old: Policy, new: Policy, paths: Iterable[Path]) -> tuple[CasesCompared, list[Diagnostic]]:
    """Every case of the files on both policies, and why a file cannot be used.

    Raises OSError if a file cannot be read.
    """
    run = failing = 0
    changed: list[CaseChange] = []
    found: list[Diagnostic] = []
    for path in paths:
        file, diagnostics = read_cases(path)
        if file is None:
            found += diagnostics
            continue
        runners = _On(file, old), _On(file, new)
        for case in file.cases:
            before, after = (_result(runner, case) for runner in runners)
            run += 1
            failing += not before.passed and not after.passed
            if before.passed != after.passed:
                worse = after if before.passed else before
                now: Literal["fails", "passes", "not_run"] = "not_run" if worse.diagnostics else "fails" if before.passed else "passes"
                changed.append(CaseChange(str(path), case.span.line, case.name, now, worse.mismatches, worse.diagnostics))
    return CasesCompared(run, failing, tuple(changed)), found


def _result(runner: Runner, case: Case) -> CaseResult:
    """The result of a case; a policy that its acts do not fit makes it fail with their diagnostics."""
    try:
        return runner.run(case)
    except PolicyError as error:
        return CaseResult(case, None, (), error.diagnostics)
