"""Python code for the operations of the library where an argument may not be known.

What is known is computed as `numbers.py` says; where it is not, bounds in whole numbers by the functions of `unknowns.py`, and for the rest
the reference's own function, with the values lent to it.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from bandolo.check import core
from bandolo.language.types import BOOLEAN, DATE, DATETIME, MONEY, ListType, is_quantity
from bandolo.plan import lists, numbers
from bandolo.plan.codes import NEVER, Code
from bandolo.plan.kinds import MOST_BITS, Kind, Many, OfEntity, Ratio, Same, Whole, bare, joined
from bandolo.plan.quote import code, lines, literal, name, number, times
from bandolo.plan.unknowns import COMPARING

if TYPE_CHECKING:
    from bandolo.plan.opening import Opening


def applied(writer: Opening, node: core.Apply) -> Code:
    word = node.operation.name
    arguments = [writer.kept(writer.value(a)) for a in node.arguments]
    if any(a.kind is None for a in arguments):
        return NEVER
    if lists.is_aggregate(node):
        return _aggregate(writer, node, arguments[0])
    if word == "in":
        return _contained(writer, node, arguments)
    if not any(a.open for a in arguments):
        return writer.kept(numbers.operated(writer, node, arguments))
    with writer.block() as known:
        value = numbers.operated(writer, node, [replace(a, open=False) for a in arguments])
        if value.kind is not None:
            value = Code(writer.packed(value), value.kind)
    if value.kind is None:
        return writer.raised()
    with writer.block() as unknown:
        gap = _gap(writer, node, arguments, value.kind)
    temp = writer.names.fresh()
    known += lines("T = V", T=temp, V=value.expr)
    unknown += lines("T = V", T=temp, V=gap)
    tests: list[ast.expr] = [code("A.__class__ is Gap", A=a.expr) for a in arguments if a.open]
    writer.when(tests[0] if len(tests) == 1 else ast.BoolOp(ast.Or(), tests), unknown, known)
    return Code(name(temp), value.kind, open=True)


def _gap(writer: Opening, node: core.Apply, arguments: list[Code], kind: Kind) -> ast.expr:
    """What an operation comes to where an argument is not known."""
    word, operation = node.operation.name, node.operation
    kinds = [bare(a.kind) for a in arguments if a.kind is not None]
    given = [a.expr for a in arguments]
    whole = all(isinstance(k, Whole) for k in kinds)
    if word in COMPARING:
        if whole:
            return ast.Call(name(COMPARING[word]), _level(arguments), [])
        if all(_is_day(k) for k in kinds):
            return ast.Call(name(COMPARING[word]), given, [])
        if all(isinstance(k, OfEntity) or (isinstance(k, Same) and not numbers.is_length(k)) for k in kinds):
            return ast.Call(name("together"), given, [])
    elif word in ("+", "-") and whole and isinstance(kind, Whole):
        return ast.Call(name("add" if word == "+" else "subtract"), _level(arguments, kind.scale), [])
    elif word in ("+", "-") and all(isinstance(k, Same) for k in kinds):
        return ast.Call(name("undated" if node.type in (DATE, DATETIME) else "together"), given, [])
    elif word == "*" and whole and isinstance(kind, Whole):
        found = _product(arguments, kind)
        if found is not None:
            return found
    elif word == "/" and whole and isinstance(kind, Whole) and (divisor := arguments[1].constant):
        made = _divided(arguments, kind, divisor)
        if made is not None:
            return made
    elif word in ("min", "max") and isinstance(kind, Whole):
        return ast.Call(name("least" if word == "min" else "greatest"), _level(arguments, kind.scale), [])
    elif word in ("min", "max") and all(_is_day(k) for k in kinds):
        return ast.Call(name("least" if word == "min" else "greatest"), given, [])
    elif word == "minus" and whole:
        return ast.Call(name("negate"), given, [])
    elif word == "round" and isinstance(kind, Whole) and isinstance(kinds[0], Whole) and not arguments[1].open:
        found = _rounded(writer, arguments)
        if found is not None:
            return found
    elif operation.within is None and not operation.total:
        return ast.Call(name("undated" if node.type in (DATE, DATETIME) else "together"), given, [])
    return _by_reference(writer, node, arguments, kind)


def _by_reference(writer: Opening, node: core.Apply, arguments: list[Code], kind: Kind) -> ast.expr:
    given = ast.List([writer.lent(a) for a in arguments], ast.Load())
    return code("taken(K, plan._apply(N, A))", K=writer.names.constant(kind), N=writer.names.constant(node), A=given)


def _level(arguments: list[Code], scale: int | None = None) -> list[ast.expr]:
    """Whole numbers, known or not, at one scale."""
    if scale is None:
        kind: Kind | None = None
        for argument in arguments:
            kind = joined(kind, bare(argument.kind)) if argument.kind is not None else kind
        if not isinstance(kind, Whole):
            return [code("raised()")] * len(arguments)
        scale = kind.scale
    found: list[ast.expr] = []
    for argument in arguments:
        own = bare(argument.kind) if argument.kind is not None else None
        assert isinstance(own, Whole)
        factor = scale // own.scale
        if factor == 1:
            found.append(argument.expr)
        elif argument.open:
            found.append(code("scaled(V, F)", V=argument.expr, F=factor))
        else:
            found.append(times(argument.expr, factor))
    return found


def _product(arguments: list[Code], kind: Whole) -> ast.expr | None:
    """By a constant, the constant takes up what the scale of the product leaves out."""
    scales = [k.scale for a in arguments if isinstance(k := bare(a.kind), Whole)]  # type: ignore[arg-type]
    factor = scales[0] * scales[1] // kind.scale
    given = [a.expr for a in arguments]
    if factor > 1:
        at = next((i for i, a in enumerate(arguments) if a.constant is not None), None)
        if at is None:
            return None
        known = number(given[at])
        assert known is not None
        given[at] = literal(known // factor)
    return ast.Call(name("multiply"), given, [])


def _divided(arguments: list[Code], kind: Whole, divisor: int) -> ast.expr | None:
    first, second = (bare(a.kind) for a in arguments if a.kind is not None)
    assert isinstance(first, Whole)
    assert isinstance(second, Whole)
    top, bottom = second.scale * kind.scale, first.scale * abs(divisor)
    if top % bottom:
        return None
    return code("multiply(A, F)", A=arguments[0].expr, F=top // bottom * (1 if divisor > 0 else -1))


def _rounded(writer: Opening, arguments: list[Code]) -> ast.expr | None:
    value, direction, step = arguments
    whole = bare(value.kind) if value.kind is not None else None
    if not isinstance(whole, Whole):
        return None
    found = numbers.steps_of(whole.scale, step)
    if found is None:
        return None
    above, under, unit = found
    if under == 1:
        return code("scaled(V, F)", V=value.expr, F=above * unit)
    how = numbers.direction_of(writer, direction)
    return code("rounded_gap(V, H, A, U, S)", V=value.expr, H=how, A=above, U=under, S=unit)


# What is made of a list.


def _aggregate(writer: Opening, node: core.Apply, listed: Code) -> Code:
    word = node.operation.name
    assert listed.kind is not None
    many = bare(listed.kind)
    if not isinstance(many, Many):
        return writer.raised()
    item = bare(many.item)
    if word == "count":
        return Code(code("count_of(L)", L=listed.expr), Whole(1, lists.LIST_BITS), open=True)
    if word in ("any", "all"):
        return Code(code("any_of(L)" if word == "any" else "all_of(L)", L=listed.expr), Same(BOOLEAN), open=True)
    if word == "sum" and isinstance(item, Whole) and item.bits + lists.LIST_BITS <= MOST_BITS:
        return Code(code("total_of(L)", L=listed.expr), Whole(item.scale, item.bits + lists.LIST_BITS), open=True)
    listed_type = node.arguments[0].type
    type_ = listed_type.item if isinstance(listed_type, ListType) else listed_type
    kind: Kind
    if word in ("min", "max") and not isinstance(item, Ratio):
        kind = item
    elif word == "count distinct":
        kind = Whole(1, lists.LIST_BITS)
    elif type_ == MONEY or is_quantity(type_):
        kind = Ratio(MOST_BITS)
    else:
        kind = Same(node.type)
    return Code(_by_reference(writer, node, [listed], kind), kind, open=True)


def _contained(writer: Opening, node: core.Apply, arguments: list[Code]) -> Code:
    item, listed = arguments
    if isinstance(bare(item.kind), Same | OfEntity) and not _is_day(item.kind) and not numbers.is_length(bare(item.kind)):  # type: ignore[arg-type]
        return Code(code("contained(V, L)", V=item.expr, L=listed.expr), Same(BOOLEAN), open=True)
    return Code(_by_reference(writer, node, arguments, Same(BOOLEAN)), Same(BOOLEAN), open=True)


def _is_day(kind: Kind | None) -> bool:
    """Whether values are their own bounds, though no numbers: days and instants."""
    found = bare(kind) if kind is not None else None
    return isinstance(found, Same) and found.type in (DATE, DATETIME)
