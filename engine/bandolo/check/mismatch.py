"""Which message fits a clash of types: the commonest have words, and a help, of their own."""

from __future__ import annotations

import re

from bandolo.diagnostics import Diagnostic
from bandolo.language.library import Operation
from bandolo.language.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    MONEY,
    NUMBER,
    TEXT,
    ChoiceType,
    DurationType,
    ListType,
    Type,
    is_quantity,
)  # fmt: skip
from bandolo.source import Span

COMPARISONS = ("=", "!=", "<", "<=", ">", ">=", "in")


def operand_mistake(row: Operation, span: Span, given: list[tuple[Span, Type]], currency: str) -> Diagnostic:
    """Why an operation cannot take these operands."""
    types = [t for _, t in given]
    args: dict[str, object] = {"operation": row.name, "currency": currency}
    if len(given) == 2:
        args |= {"first": types[0], "second": types[1], "left": given[0][0].text, "right": given[1][0].text}
    else:
        args |= {"given": types}
    if row.name == "minus":
        return Diagnostic("wrong-type", span, {"expected": NUMBER, "found": types[0], "what": "minus"})
    if len(given) == 2 and row.kind == "operator":
        return Diagnostic(_pair_code(row.name, types[0], types[1]), span, args)
    if row.name in ("min", "max") and MONEY in types and any(is_quantity(t) for t in types):
        number = next(i for i, t in enumerate(types) if is_quantity(t))
        amount = types.index(MONEY)
        pair = {"first": types[number], "second": MONEY, "left": given[number][0].text, "right": given[amount][0].text}
        return Diagnostic("money-and-number", given[number][0], args | pair)
    signatures = "; ".join(f"{row.name}({_plainly(s.partition(' -> ')[0])})" for s in row.signatures)
    return Diagnostic("wrong-arguments", span, args | {"given": types, "takes": signatures})


def _plainly(takes: str) -> str:
    """Parameter types without the letters that stand for any type."""
    return re.sub(r"\b[TV]\b", "x", takes)


def _pair_code(name: str, first: Type, second: Type) -> str:
    if name == "in" and isinstance(second, ListType):
        second = second.item
    pair = {first, second}
    if pair == {DATE, DATETIME}:
        return "date-and-instant"
    if all(isinstance(t, DurationType) for t in pair):
        return "days-and-months"
    if name in COMPARISONS:
        if MONEY in pair and any(is_quantity(t) for t in pair):
            return "money-and-number"
        if TEXT in pair and pair & {DATE, DATETIME}:
            return "text-and-date"
        if TEXT in pair and any(isinstance(t, ChoiceType) for t in pair):
            return "text-and-choice"
        if first == second or (isinstance(first, ChoiceType) and isinstance(second, ChoiceType) and first == second):
            return "no-order"
        return "not-comparable"
    if name in ("+", "-") and MONEY in pair and any(is_quantity(t) for t in pair):
        return "money-plus-number"
    if name in ("+", "-") and pair & {DATE, DATETIME} and any(is_quantity(t) for t in pair):
        return "date-plus-number"
    return "wrong-operands"


def wrong_type(span: Span, expected: Type, found: Type, what: str) -> Diagnostic:
    """Something of one type where another is needed."""
    if expected == BOOLEAN and what in ("if", "and", "or", "not", "where", "check"):
        return Diagnostic("not-a-condition", span, {"found": found, "what": what})
    if {expected, found} == {DATE, DATETIME}:
        return Diagnostic("date-and-instant", span, {"first": expected, "second": found, "left": "", "right": span.text})
    return Diagnostic("wrong-type", span, {"expected": expected, "found": found, "what": what})
