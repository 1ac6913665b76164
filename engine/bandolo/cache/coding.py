"""A checked policy as JSON and back: numbers and texts first, then one row for each object, each after those that it is made of.

A row is the number of a class in `KINDS` and the places of its fields in what came before. So objects that are one stay one (the
evaluator knows nodes by identity), nothing is nested, and reading is one loop. Texts of files are not kept: who reads has the files.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from bandolo.check import core
from bandolo.language import types, values
from bandolo.language.functions import Conventions
from bandolo.language.library import Operation, operation_by_name
from bandolo.source import SourceFile, Span


class NotCoded(Exception):
    """Data that is no policy, or an object that has no place in the data."""


def _classes() -> list[type]:
    own = [c for m in (core, types, values) for c in vars(m).values() if isinstance(c, type) and c.__module__ == m.__name__]
    data = {c for c in own if dataclasses.is_dataclass(c)} - {core.Node, values.Record}
    return sorted(data | {Conventions, Span}, key=lambda c: c.__name__)


def _mapping(*items: Any) -> dict[Any, Any]:
    return dict(zip(items[::2], items[1::2], strict=True))


CLASSES = _classes()
MAKERS: list[Callable[..., Any]] = [
    lambda *items: items,
    _mapping,
    lambda *items: frozenset(items),
    lambda above, below: Fraction(above, below),
    lambda text: date.fromisoformat(text),
    lambda text: datetime.fromisoformat(text),
    lambda name: operation_by_name()[name],
    lambda: values.NONE,
    *CLASSES,
]
TUPLE, MAPPING, SET, FRACTION, DATE, INSTANT, OPERATION, NONE = range(8)
KINDS = {c: number for number, c in enumerate(CLASSES, 8)}
BY_VALUE = {Span, core.Texts, core.Source, *(c for c in CLASSES if c.__module__ == types.__name__)} - {types.ChoiceType}
"""What is kept once however often it was made: nobody tells equal ones apart."""


def encode(thing: Any, paths: Sequence[str]) -> bytes:
    """The data of a thing made of the known classes. `paths` are those of the files that its spans speak of. Raises NotCoded."""
    coder = _Coder(paths)
    coder.place(thing)
    count = len(coder.leaves)
    rows = [[row[0], *(-1 - r if r < 0 else count + r for r in row[1:])] for row in coder.rows]
    return json.dumps([coder.leaves, rows], ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def decode(content: bytes, sources: Sequence[SourceFile]) -> Any:
    """The thing again; `sources` are the files of the paths that it was made with. Raises NotCoded where the content is none of ours."""
    makers = MAKERS
    try:
        leaves, rows = json.loads(content.decode("utf-8", "surrogatepass"))
        made: list[Any] = leaves
        made[: len(sources)] = sources
        for row in rows:
            made.append(makers[row[0]](*[made[place] for place in row[1:]]))
        return made[-1]
    except (ValueError, TypeError, LookupError, RecursionError, ArithmeticError) as error:
        raise NotCoded from error


class _Coder:
    """Collects leaves and rows. Places of leaves are negative (-1 is the first) until their number is known."""

    def __init__(self, paths: Sequence[str]) -> None:
        self.leaves: list[Any] = [None] * len(paths)
        self.rows: list[list[int]] = []
        self.known: dict[Any, int] = {("source", path): -1 - n for n, path in enumerate(paths)}
        self.kept: list[Any] = []
        """Keeps alive what is known by its identity."""

    def place(self, thing: Any) -> int:
        kind = type(thing)
        if thing is None or kind in (str, int, bool):
            return self._leaf((kind, thing), thing)
        key: Any = (kind, id(thing))
        if kind in BY_VALUE:
            key = (kind, id(thing.source), thing.start, thing.end) if kind is Span else (kind, thing)
        elif kind is SourceFile:
            key = ("source", thing.path)
            if key not in self.known:
                raise NotCoded(f"a place in {thing.path}, which is not among the files")
        if key not in self.known:
            self.kept.append(thing)
            self.known[key] = self._row(self._parts(kind, thing))
        return self.known[key]

    def _parts(self, kind: type, thing: Any) -> list[int]:
        if kind in KINDS:
            return [KINDS[kind], *[self.place(getattr(thing, name)) for name in thing.__dataclass_fields__]]
        if kind is tuple:
            return [TUPLE, *[self.place(item) for item in thing]]
        if kind is dict:
            return [MAPPING, *[self.place(part) for item in thing.items() for part in item]]
        if kind is frozenset:
            return [SET, *[self.place(item) for item in sorted(thing)]]
        if kind is Fraction:
            return [FRACTION, self.place(thing.numerator), self.place(thing.denominator)]
        if kind is date:
            return [DATE, self.place(thing.isoformat())]
        if kind is datetime:
            return [INSTANT, self.place(thing.isoformat())]
        if kind is Operation:
            return [OPERATION, self.place(thing.name)]
        if thing is values.NONE:
            return [NONE]
        raise NotCoded(f"no place for {kind.__name__}")

    def _leaf(self, key: Any, thing: Any) -> int:
        if key not in self.known:
            self.leaves.append(thing)
            self.known[key] = -len(self.leaves)
        return self.known[key]

    def _row(self, row: list[int]) -> int:
        self.rows.append(row)
        return len(self.rows) - 1
