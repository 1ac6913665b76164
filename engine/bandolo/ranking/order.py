"""The order of applications by exact keys, and the groups that no key tells apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cmp_to_key
from itertools import groupby
from typing import Any

from bandolo.ranking.entrant import Entrant, KeyValue


def compare(first: KeyValue, second: KeyValue, descending: bool) -> int:
    """-1 if the first comes before the second; `none` comes last, whatever the direction."""
    if first is None or second is None:
        return (first is None) - (second is None)
    a: Any = first
    b: Any = second
    return 0 if a == b else (-1 if (a > b) == descending else 1)


def compare_all(first: Sequence[KeyValue], second: Sequence[KeyValue], descending: Sequence[bool]) -> int:
    for a, b, down in zip(first, second, descending, strict=True):
        if (found := compare(a, b, down)) != 0:
            return found
    return 0


def groups(entrants: Iterable[Entrant], descending: Sequence[bool]) -> list[list[Entrant]]:
    """The entrants in order, those with equal keys together (among themselves by id, for show only)."""
    return _grouped(entrants, lambda e: e.order, descending)


def by_keep(entrants: Iterable[Entrant], descending: Sequence[bool]) -> list[list[Entrant]]:
    """The entrants in the order in which they keep what they share with others, equal ones together."""
    return _grouped(entrants, lambda e: e.keep, descending)


def _grouped(entrants: Iterable[Entrant], keys: Callable[[Entrant], Sequence[KeyValue]], descending: Sequence[bool]) -> list[list[Entrant]]:
    def before(first: Entrant, second: Entrant) -> int:
        return compare_all(keys(first), keys(second), descending)

    listed = sorted(sorted(entrants, key=lambda e: e.id), key=cmp_to_key(before))
    found: list[list[Entrant]] = []
    for _, members in groupby(listed, key=cmp_to_key(before)):
        found.append(list(members))
    return found
