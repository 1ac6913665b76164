"""What a page is made of, before it is known how it will be shown."""

from __future__ import annotations

from bandolo.records import dataclass


@dataclass(frozen=True, slots=True)
class Heading:
    text: str
    level: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text; `mark` is met, failed, unknown, not_applicable or none, `indent` counts from 0."""

    text: str
    mark: str = "none"
    indent: int = 0
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Quoted:
    """Passages of one document."""

    document: str
    quotes: tuple[str, ...]
    indent: int = 1


@dataclass(frozen=True, slots=True)
class Table:
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Block = Heading | Line | Quoted | Table
