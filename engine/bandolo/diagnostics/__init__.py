"""What can be said to a user: one type of diagnostic for policies, applications and cases.

A diagnostic is a code, a place and the facts of the matter; its words, in Italian and English, are in `catalogue.toml`, and the
page that explains it is `pages/CODE.md`. Takes findings from every stage, gives text; never decides anything.
"""

from __future__ import annotations

from typing import Any, Literal

from bandolo.language.types import Language
from bandolo.records import dataclass, field
from bandolo.source import Span

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Label:
    """Another place that has to do with the matter, with a word on why (a key of the catalogue's `[labels]`)."""

    span: Span
    word: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. `args` are the values that its message speaks of; `path` is its place in an application (`$.partners[3].size`)."""

    code: str
    span: Span | None = None
    args: dict[str, Any] = field(default_factory=dict)
    labels: tuple[Label, ...] = ()
    path: str | None = None
    file: str | None = None
    severity: Severity = "error"

    @property
    def place(self) -> tuple[str, int, str]:
        """What findings are sorted by: the file, the offset in it, the path."""
        if self.span is not None:
            return self.span.source.path, self.span.start, ""
        return self.file or "", -1, self.path or ""

    def to_dict(self, lang: Language = "en") -> dict[str, Any]:
        """The finding as plain data: `code`, `severity`, `message`, `help`, `file`; `line` and `column` in a file, `path` in data."""
        from bandolo.diagnostics.render import as_data  # the words are read only when somebody reads them

        return as_data(self, lang)


class BandoloError(Exception):
    """Something that cannot be used: its diagnostics, in order of place."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__(diagnostics)

    def __str__(self) -> str:
        from bandolo.diagnostics.render import render_all  # the words are read only when somebody reads them

        return render_all(list(self.diagnostics), "en")


class PolicyError(BandoloError):
    """A policy, an amendment or a what-if that cannot be used."""


class ApplicationError(BandoloError):
    """An application that is bad data, each fault with its path."""


def errors(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    return [d for d in diagnostics if d.severity == "error"]


def in_order(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """By place, each said once."""
    seen: set[tuple[object, ...]] = set()
    result = []
    for diagnostic in sorted(diagnostics, key=lambda d: (d.place, d.code)):
        key = (diagnostic.code, diagnostic.place, str(sorted(diagnostic.args.items(), key=str)))
        if key not in seen:
            seen.add(key)
            result.append(diagnostic)
    return result
