"""Largest remainders: parts in proportion to weights that add up to the total to the cent."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import Any

from bandolo.language.functions import rounded
from bandolo.language.values import Fault, Record, Unknown, Value, bounds, is_known, unknown
from bandolo.source import Span

CENT = Fraction(1, 100)


def allocate(
    total: Fraction, weights: dict[Record, Fraction], keys: dict[Record, Any], direction: str, span: Span
) -> dict[Record, Value] | Fault:
    """Each record's part of `total`, which is first rounded to the cent.

    No weight at all gives everyone zero. The cents that are left over go to the largest remainders, and between equal remainders to
    the smaller tie key; equal keys that would have to be told apart are the fault `unbroken-tie`.
    """
    if total < 0 or any(w < 0 for w in weights.values()):
        return Fault("negative-share", span)
    whole = sum(weights.values(), Fraction(0))
    if whole == 0:
        return dict.fromkeys(weights, Fraction(0))
    cents = rounded(total, direction, CENT) / CENT
    exact = {record: cents * weight / whole for record, weight in weights.items()}
    parts = {record: floor(share) for record, share in exact.items()}
    left = int(cents) - sum(parts.values())
    if left:
        order = sorted(exact, key=lambda r: (-(exact[r] - parts[r]), keys[r]))
        last, first_out = order[left - 1], order[left]
        if _rank(exact, parts, keys, last) == _rank(exact, parts, keys, first_out):
            return Fault("unbroken-tie", span)
        for record in order[:left]:
            parts[record] += 1
    return {record: part * CENT for record, part in parts.items()}


def unapportioned(total: Value, among: Value) -> Value:
    """Anyone's part while it is not known among whom `total` is shared out."""
    return unknown([total, among], Fraction(0), _most(total), may_fault=True)


def apportioned(
    total: Value, unsure: list[Unknown], weights: dict[Record, Value], keys: dict[Record, Value], direction: Value, span: Span
) -> dict[Record, Value] | Value:
    """Each record's part where total, weights and keys may be unknown; `unsure` are the memberships that are."""
    parts = [total, direction, *weights.values(), *keys.values()]
    fault = next((p for p in parts if isinstance(p, Fault)), None)
    if fault is not None:
        return fault
    if unsure or not all(is_known(p) for p in parts):
        low, _ = bounds(total)
        negative = not isinstance(low, Fraction) or low < 0
        lows = [bounds(w)[0] for w in weights.values()]
        risky = negative or any(not isinstance(w, Fraction) or w < 0 for w in lows) or len(set(keys.values())) < len(keys)
        return dict.fromkeys(weights, unknown([*parts, *unsure], Fraction(0), _most(total), may_fault=risky))
    return allocate(total, weights, keys, direction, span)  # type: ignore[arg-type]


def _most(total: Value) -> Fraction | None:
    """The total is rounded before it is shared out: a part can exceed it by less than a cent."""
    _, high = bounds(total)
    return rounded(high, "up", CENT) if isinstance(high, Fraction) else None


def _rank(exact: dict[Record, Fraction], parts: dict[Record, int], keys: dict[Record, Any], record: Record) -> tuple[Any, ...]:
    return exact[record] - parts[record], keys[record]
