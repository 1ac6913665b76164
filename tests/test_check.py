"""The policies of `cases/check`: the checker says what is noted at the end of a line, and nothing else.

A note is `# error: code "underlined text"` or `# warning: code "underlined text"`; a line may have several. A file that YAML itself
cannot read holds one mistake.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bandolo.pipeline import load
from small import CASES

FILES = sorted((CASES / "check").rglob("*.yaml"))
NOTE = re.compile(r'# (error|warning): ([a-z0-9-]+) "((?:[^"\\]|\\.)*)"')
Finding = tuple[int, str, str, str]


def noted(text: str) -> list[Finding]:
    """Line, severity, code and underlined text of every note."""
    lines = enumerate(text.splitlines(), 1)
    return sorted((n, m[1], m[2], re.sub(r"\\(.)", r"\1", m[3])) for n, line in lines for m in NOTE.finditer(line))


def said(path: Path) -> list[Finding]:
    """The same of every finding; a note in the underlined text of a value that runs over its line does not belong to it."""
    result = load(path.name, path.read_bytes())
    findings = []
    for diagnostic in result.diagnostics:
        span = diagnostic.span
        assert span is not None, diagnostic
        underlined = NOTE.sub("", span.text.split("\n")[0]).rstrip()
        findings.append((span.line, diagnostic.severity, diagnostic.code, underlined))
    return sorted(findings)


@pytest.mark.parametrize("path", FILES, ids=[p.relative_to(CASES / "check").as_posix() for p in FILES])
def test_the_checker_says_what_is_noted(path: Path) -> None:
    assert said(path) == noted(path.read_text(encoding="utf-8"))


def test_there_are_notes_enough() -> None:
    notes = [n for path in FILES for n in noted(path.read_text(encoding="utf-8"))]
    assert len(notes) >= 250
    assert len({code for _, _, code, _ in notes}) >= 120
