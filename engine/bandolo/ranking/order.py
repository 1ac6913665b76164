"""The order of applications by exact keys, and the groups that no key tells apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from fractions import Fraction
from itertools import groupby
from typing import Any

from bandolo.ranking.entrant import Entrant, KeyValue

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SortKey = tuple[Any, ...]
"""Keys as one tuple that sorts as they do, whatever the direction of each."""


def compare(first: KeyValue, second: KeyValue, descending: bool) -> int:
    """-1 if the first comes before the second; `none` comes last, whatever the direction."""
    if first is None or second is None:
        return (first is None) - (second is None)
    a: Any = first
    b: Any = second
    return 0 if a == b else (-1 if (a > b) == descending else 1)


def sort_key(values: Sequence[KeyValue], descending: Sequence[bool]) -> SortKey:
    """What sorts as `values` do by `compare`, key by key: two are equal if no key tells them apart."""
    found: list[Any] = []
    for value, down in zip(values, descending, strict=True):
        if value is None:
            found += (1, 0)
            continue
        plain: Any = value
        if isinstance(value, datetime):
            plain = value - EPOCH
        elif isinstance(value, date):
            plain = value.toordinal()
        elif isinstance(value, Fraction) and value.denominator == 1:
            plain = value.numerator
        if down:
            plain = tuple(-part for part in plain) if isinstance(plain, tuple) else _Backwards(plain) if isinstance(plain, str) else -plain
        found += (0, plain)
    return tuple(found)


class _Backwards:
    """A text that comes after those that it sorts before."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __lt__(self, other: _Backwards) -> bool:
        return other.text < self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Backwards) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


def groups(entrants: Iterable[Entrant], descending: Sequence[bool]) -> list[list[Entrant]]:
    """The entrants in order, those with equal keys together (among themselves by id, for show only)."""
    return _grouped((sort_key(e.order, descending), e.id, e) for e in entrants)


def by_keep(entrants: Iterable[Entrant], descending: Sequence[bool]) -> list[list[Entrant]]:
    """The entrants in the order in which they keep what they share with others, equal ones together."""
    return _grouped((sort_key(e.keep, descending), e.id, e) for e in entrants)


def _grouped(keyed: Iterable[tuple[SortKey, str, Entrant]]) -> list[list[Entrant]]:
    listed = sorted(keyed, key=lambda k: k[:2])
    return [[e for _, _, e in members] for _, members in groupby(listed, key=lambda k: k[0])]
