"""What a difference consists of: changes, each with its place on both sides, and its JSON form (`grammar/difference.schema.json`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from bandolo.check.core import Texts
from bandolo.export.difference_schema import FORMAT
from bandolo.version import __version__

Group = Literal[
    "requirements", "scoring", "amounts", "deadlines", "facts", "readings", "ranking", "stages", "call", "words", "sources"
]  # fmt: skip
GROUPS: tuple[Group, ...] = (
    "requirements", "scoring", "amounts", "deadlines", "facts", "readings", "ranking", "stages", "call", "words", "sources",
)  # fmt: skip
WITHOUT_MEANING = ("words", "sources")
"""Groups of changes that leave every decision as it was, but for its texts."""

Kind = Literal["added", "removed", "renamed", "changed", "filled"]


@dataclass(frozen=True, slots=True)
class Written:
    """Lines of a file, as they are written but for their common indentation."""

    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a change: in words, and where it is written (None where nothing is)."""

    said: Texts
    written: Written | None


@dataclass(frozen=True, slots=True)
class Affected:
    """What a change bears on: a requirement, result, deadline or stage by its path, or `ranking`."""

    path: str
    label: Texts


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `path` is where it stands in a policy file (`requirements.project.enough_firms`), `part` the key that changed.

    `said` tells it without the label; `quotes` are the passages on both sides, each with its document.
    """

    group: Group
    kind: Kind
    path: str
    part: str
    label: Texts
    said: Texts
    before: Side | None = None
    after: Side | None = None
    affects: tuple[Affected, ...] = ()
    quotes_before: tuple[tuple[str, str], ...] = ()
    quotes_after: tuple[tuple[str, str], ...] = ()

    @property
    def meaning(self) -> bool:
        """Whether a decision may come out otherwise."""
        return self.group not in WITHOUT_MEANING and self.kind != "renamed"


@dataclass(frozen=True, slots=True)
class Version:
    """One of the two policies: what it is called and what it says."""

    id: str
    title: Texts
    file: str
    digest: str
    acts: tuple[tuple[str, Texts, str, str | None], ...] = ()
    """Amending acts that are applied: id, title, date, and to which applications they reach (None: to all)."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What changes from one policy to another, in a stable order."""

    old: Version
    new: Version
    changes: tuple[Change, ...] = field(default=())

    @property
    def meaning(self) -> tuple[Change, ...]:
        """The changes by which a decision may come out otherwise."""
        return tuple(c for c in self.changes if c.meaning)

    @property
    def wording(self) -> tuple[Change, ...]:
        """The changes of names, texts and sources only."""
        return tuple(c for c in self.changes if not c.meaning)

    def to_dict(self) -> dict[str, Any]:
        """The published form, format 1: `grammar/difference.schema.json`."""
        return {
            "bandolo": __version__, "format": FORMAT, "old": _version(self.old), "new": _version(self.new),
            "same_meaning": not self.meaning, "changes": [_change(c) for c in self.changes],
        }  # fmt: skip


def _version(version: Version) -> dict[str, Any]:
    acts = [{"id": id_, "title": _texts(title), "date": date, "applies_to": reach} for id_, title, date, reach in version.acts]
    return {"id": version.id, "title": _texts(version.title), "file": version.file, "digest": version.digest, "amendments": acts}


def _change(change: Change) -> dict[str, Any]:
    return {
        "group": change.group, "kind": change.kind, "meaning": change.meaning, "path": change.path, "part": change.part,
        "label": _texts(change.label), "said": _texts(change.said), "before": _side(change.before), "after": _side(change.after),
        "affects": [{"path": a.path, "label": _texts(a.label)} for a in change.affects],
        "sources_before": [{"document": d, "quote": q} for d, q in change.quotes_before],
        "sources_after": [{"document": d, "quote": q} for d, q in change.quotes_after],
    }  # fmt: skip


def _side(side: Side | None) -> dict[str, Any] | None:
    if side is None:
        return None
    written = side.written
    place = None if written is None else {"file": written.file, "line": written.line, "text": written.text}
    return {"said": _texts(side.said), "written": place}


def _texts(texts: Texts) -> dict[str, str]:
    return {"it": texts.it, "en": texts.en}
