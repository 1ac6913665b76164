"""A checked policy as JSON and back: numbers and texts, then spans, then one row for each object, each after those that it is made of.

A row is the number of a class in `KINDS` and the places of its fields in what came before. So objects that are one stay one (the
evaluator knows nodes by identity), nothing is nested, and reading is one loop. Texts of files are not kept: who reads has the files.
"""

from __future__ import annotations

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
    data = {c for c in own if "__match_args__" in vars(c)} - {core.Node, values.Record}
    return sorted(data | {Conventions}, key=lambda c: c.__name__)


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
BY_VALUE = {core.Texts, core.Source, *(c for c in CLASSES if c.__module__ == types.__name__)} - {types.ChoiceType}
"""What is kept once however often it was made: nobody tells equal ones apart."""


def encode(thing: Any, paths: Sequence[str]) -> bytes:
    """The data of a thing made of the known classes. `paths` are those of the files that its spans speak of. Raises NotCoded."""
    coder = _Coder(paths)
    coder.place(thing)
    first = {"source": 0, "leaf": len(paths), "span": len(paths) + len(coder.leaves)}
    first["row"] = first["span"] + len(coder.spans)
    rows = [[row[0], *(first[part] + number for part, number in row[1:])] for row in coder.rows]
    spans = [number for span in coder.spans for number in span]
    return json.dumps([coder.leaves, spans, rows], ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def decode(content: bytes, sources: Sequence[SourceFile]) -> Any:
    """The thing again; `sources` are the files of the paths that it was made with. Raises NotCoded where the content is none of ours."""
    makers = MAKERS
    try:
        leaves, spans, rows = json.loads(content.decode("utf-8", "surrogatepass"))
        numbers = iter(spans)
        made = [*sources, *leaves]
        made += [Span(sources[source], start, end) for source, start, end in zip(numbers, numbers, numbers, strict=True)]
        part = made.__getitem__
        for row in rows:
            made.append(makers[row[0]](*map(part, row[1:])))
        return made[-1]
    except (ValueError, TypeError, LookupError, RecursionError, ArithmeticError) as error:
        raise NotCoded from error


Place = tuple[str, int]
"""A source, leaf, span or row, and which one."""


class _Coder:
    """Collects leaves, spans and rows: of a row its kind, and the places of its parts."""

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = list(paths)
        self.leaves: list[Any] = []
        self.spans: list[tuple[int, int, int]] = []
        self.rows: list[list[Any]] = []
        self.known: dict[Any, Place] = {}
        self.kept: list[Any] = []
        """Keeps alive what is known by its identity."""

    def place(self, thing: Any) -> Place:
        kind = type(thing)
        if thing is None or kind in (str, int, bool):
            return self._put("leaf", self.leaves, (kind, thing), thing)
        if kind is Span:
            if thing.source.path not in self.paths:
                raise NotCoded(f"a place in {thing.source.path}, which is not among the files")
            span = (self.paths.index(thing.source.path), thing.start, thing.end)
            return self._put("span", self.spans, (kind, *span), span)
        key = (kind, thing) if kind in BY_VALUE else (kind, id(thing))
        if key not in self.known:
            self.kept.append(thing)
            return self._put("row", self.rows, key, self._parts(kind, thing))
        return self.known[key]

    def _put(self, part: str, into: list[Any], key: Any, thing: Any) -> Place:
        if key not in self.known:
            into.append(thing)
            self.known[key] = (part, len(into) - 1)
        return self.known[key]

    def _parts(self, kind: type, thing: Any) -> list[Any]:
        if kind in KINDS:
            return [KINDS[kind], *[self.place(getattr(thing, name)) for name in thing.__match_args__]]
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
