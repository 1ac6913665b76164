"""Python code for the operations of the library: arithmetic in whole numbers, the rest by the library's own functions.

An amount or a number is an int times a known scale, or a pair of ints; neither is ever rounded but where the policy rounds.
"""

from __future__ import annotations

import ast
from fractions import Fraction
from math import gcd
from typing import TYPE_CHECKING

from bandolo.check import core
from bandolo.language.library import implementation
from bandolo.language.types import BOOLEAN, DATE, INTEGER, is_quantity
from bandolo.language.types import MONEY as MONEY_TYPE
from bandolo.plan import lists
from bandolo.plan.codes import NEVER, Code
from bandolo.plan.kinds import MOST_BITS, Cash, Kind, Many, Maybe, Nothing, OfEntity, Ratio, Same, Whole, bare, joined
from bandolo.plan.quote import code, literal, name, number, times

if TYPE_CHECKING:
    from bandolo.plan.expressions import Writer

COMPARED = {"=": "A == B", "!=": "A != B", "<": "A < B", "<=": "A <= B", ">": "A > B", ">=": "A >= B"}


def apply(writer: Writer, node: core.Apply) -> Code:
    """Code for an operation."""
    if lists.is_aggregate(node):
        return lists.aggregate(writer, node)
    if node.operation.name == "in":
        return lists.contained(writer, node)
    return operated(writer, node, [writer.value(a) for a in node.arguments])


def operated(writer: Writer, node: core.Apply, arguments: list[Code]) -> Code:
    """Code for an operation on values."""
    word = node.operation.name
    if any(a.kind is None for a in arguments):
        return NEVER
    if word in ("+", "-") and all(isinstance(a.kind, Cash) for a in arguments):
        return Code(code(f"A {word} B", A=arguments[0].expr, B=arguments[1].expr), arguments[0].kind)
    arguments = [writer.counted(a) for a in arguments]
    kinds = [bare(a.kind) for a in arguments if a.kind is not None]
    numeric = all(isinstance(k, Whole | Ratio) for k in kinds)
    if word in COMPARED:
        if numeric:
            return compared(writer, word, plain(arguments[0]), plain(arguments[1]))
        if all(isinstance(k, OfEntity) for k in kinds):
            return Code(code("A is B" if word == "=" else "A is not B", A=arguments[0].expr, B=arguments[1].expr), Same(node.type))
        if all(isinstance(k, Same) and not is_length(k) for k in kinds):
            return Code(code(COMPARED[word], A=arguments[0].expr, B=arguments[1].expr), Same(node.type))
    elif numeric and word in ("+", "-", "*", "/"):
        first, second = map(plain, arguments)
        if word in ("+", "-"):
            return kept_short(writer, _added(writer, first, second, word))
        return kept_short(writer, (_multiplied if word == "*" else _divided)(writer, first, second))
    elif numeric and word in ("min", "max"):
        return _extreme(writer, word, [plain(a) for a in arguments])
    elif word in ("min", "max") and all(isinstance(k, Same) and not is_length(k) for k in kinds):
        picked = ast.Call(name(word), [a.expr for a in arguments], [])
        return Code(picked, Same(node.type))
    elif numeric and word in ("minus", "abs"):
        value = writer.unpacked(plain(arguments[0]))
        return Code(code("-V" if word == "minus" else "abs(V)", V=value.expr), value.kind, value.under)
    elif numeric and word in ("floor", "ceil"):
        value = writer.unpacked(plain(arguments[0]))
        under = value.under if value.under is not None else literal(value.kind.scale)  # type: ignore[union-attr]
        return Code(code("V // U" if word == "floor" else "-(-V // U)", V=value.expr, U=under), Whole(1, value.kind.bits))  # type: ignore[union-attr]
    elif word == "round" and isinstance(kinds[0], Whole | Ratio):
        made_ = _rounded(writer, arguments)
        if made_ is not None:
            return made_
    elif word == "^" and arguments[1].constant is not None:
        made_ = _power(writer, plain(arguments[0]), arguments[1])
        if made_ is not None:
            return made_
    elif word in ("year", "month", "day") and node.arguments[0].type == DATE:
        return Code(ast.Attribute(arguments[0].expr, word, ast.Load()), Whole(1, 16))
    elif word == "days_between" and node.arguments[0].type == DATE == node.arguments[1].type:
        return Code(code("(B - A).days", A=arguments[0].expr, B=arguments[1].expr), Whole(1, 32))
    elif word == "date" and len(arguments) == 1:
        return Code(code("local_day(V)", V=arguments[0].expr), Same(node.type))
    elif word in ("starts_with", "contains", "length"):
        template = {"starts_with": "A.startswith(B)", "contains": "B in A", "length": "len(A)"}[word]
        pieces = dict(zip("AB", (a.expr for a in arguments), strict=False))
        return Code(code(template, **pieces), Whole(1, 32) if word == "length" else Same(node.type))
    return called(writer, node, arguments)


def plain(value: Code) -> Code:
    return Code(value.expr, bare(value.kind) if value.kind is not None else None, value.under)


def is_length(kind: Kind) -> bool:
    """Whether values are lengths of time."""
    return isinstance(kind, Same) and str(kind.type).startswith("duration")


def _bits(value: Code) -> int:
    assert isinstance(value.kind, Whole | Ratio)
    return value.kind.bits


def _scale(value: Code) -> int:
    assert isinstance(value.kind, Whole)
    return value.kind.scale


def _whole(expr: ast.expr, scale: int, bits: int) -> Code:
    """A number of a scale; a scale that has grown too long to multiply by goes on as a pair."""
    if scale.bit_length() > 200:
        return Code(expr, Ratio(bits + scale.bit_length()), literal(scale))
    return Code(expr, Whole(scale, bits))


def kept_short(writer: Writer, value: Code) -> Code:
    """The same, with a test where it may have grown beyond what the reference computes with."""
    if value.kind is None or _bits(value) <= MOST_BITS:
        return value
    value = writer.held(value) if value.under is not None or isinstance(value.kind, Whole) else writer.unpacked(value)
    if isinstance(value.kind, Whole):
        writer.add("if V.bit_length() > M: raise Open", V=value.expr, M=MOST_BITS)
        return Code(value.expr, Whole(value.kind.scale, MOST_BITS))
    writer.add("if V.bit_length() + U.bit_length() > M: raise Open", V=value.expr, U=value.under, M=MOST_BITS)
    return Code(value.expr, Ratio(MOST_BITS), value.under)


def pair(writer: Writer, value: Code) -> tuple[ast.expr, ast.expr]:
    """Numerator and denominator."""
    if isinstance(value.kind, Whole):
        return value.expr, literal(value.kind.scale)
    value = writer.unpacked(value)
    assert value.under is not None
    return value.expr, value.under


def _level(values: list[Code]) -> tuple[list[ast.expr], int, int] | None:
    """Whole numbers brought to one scale: the ints, the scale and their bits; None where one of them is a pair."""
    kind: Kind | None = None
    for value in values:
        kind = joined(kind, value.kind)
    if not isinstance(kind, Whole) or not all(isinstance(v.kind, Whole) for v in values):
        return None
    return [times(v.expr, kind.scale // _scale(v)) for v in values], kind.scale, kind.bits


def compared(writer: Writer, word: str, first: Code, second: Code) -> Code:
    level = _level([first, second])
    if level is not None:
        (a, b), _, _ = level
    else:
        (n, d), (m, e) = pair(writer, first), pair(writer, second)
        a, b = times(n, e), times(m, d)
    return Code(code(COMPARED[word], A=a, B=b), Same(BOOLEAN))


def _added(writer: Writer, first: Code, second: Code, word: str) -> Code:
    template = f"A {word} B"
    level = _level([first, second])
    if level is not None:
        (a, b), scale, bits = level
        m, n = number(a), number(b)
        if m is not None and n is not None:
            return _whole(literal(m + n if word == "+" else m - n), scale, bits + 1)
        return _whole(code(template, A=a, B=b), scale, bits + 1)
    (above, d), (other, e) = pair(writer, first), pair(writer, second)
    bits = pair_bits(first) + pair_bits(second) + 1
    return Code(code(template, A=times(above, e), B=times(other, d)), Ratio(bits), times(d, e))


def pair_bits(value: Code) -> int:
    return _bits(value) + (_scale(value).bit_length() if isinstance(value.kind, Whole) else 0)


def _multiplied(writer: Writer, first: Code, second: Code) -> Code:
    if isinstance(first.kind, Whole) and isinstance(second.kind, Whole):
        scale, factor = _scale(first) * _scale(second), 1
        constant = first.constant if first.constant is not None else second.constant
        if constant:
            factor = gcd(constant, scale)
        a, b = first.expr, second.expr
        if factor > 1:
            scale //= factor
            a, b = (literal(constant // factor), b) if first.constant is not None else (a, literal(constant // factor))  # type: ignore[operator]
        product = times(a, b) if not isinstance(a, ast.Constant) else times(b, a)
        return _whole(product, scale, _bits(first) + _bits(second))
    (n, d), (m, e) = pair(writer, first), pair(writer, second)
    return Code(times(n, m), Ratio(pair_bits(first) + pair_bits(second)), times(d, e))


def _divided(writer: Writer, first: Code, second: Code) -> Code:
    divisor = second.constant
    if isinstance(first.kind, Whole) and isinstance(second.kind, Whole) and divisor:
        up, down = _scale(second), _scale(first) * abs(divisor)
        common = gcd(up, down)
        expr = times(first.expr, up // common * (1 if divisor > 0 else -1))
        return _whole(expr, down // common, _bits(first) + up.bit_length())
    (n, d), (m, e) = pair(writer, first), pair(writer, second)
    below, above_ = number(d), number(e)
    if below is not None and above_ is not None:
        common = gcd(below, above_)
        d, e = literal(below // common), literal(above_ // common)
    above, under = writer.names.fresh(), writer.names.fresh()
    writer.add("A = N\nD = M", A=above, D=under, N=times(n, e), M=times(m, d))
    writer.add("if D <= 0:\n    if D == 0: raise Open\n    A = -A\n    D = -D", A=above, D=under)
    return Code(name(above), Ratio(pair_bits(first) + pair_bits(second)), name(under))


def _power(writer: Writer, base: Code, exponent: Code) -> Code | None:
    power = exponent.constant
    if power is None or not 1 <= power <= 20 or _scale(exponent) != 1:
        return None
    base = writer.unpacked(base)
    if isinstance(base.kind, Whole):
        made = _whole(code("V ** P", V=base.expr, P=power), base.kind.scale**power, base.kind.bits * power)
    else:
        made = Code(code("V ** P", V=base.expr, P=power), Ratio(_bits(base) * power), code("V ** P", V=base.under, P=power))
    return kept_short(writer, made)


def _extreme(writer: Writer, word: str, values: list[Code]) -> Code:
    level = _level(values)
    if level is not None:
        parts, scale, bits = level
        if len(parts) > 2:
            return Code(ast.Call(name(word), parts, []), Whole(scale, bits))
        a, b = (writer.held(Code(p, Whole(scale, bits))).expr for p in parts)
        return Code(code("A if A <= B else B" if word == "min" else "A if A >= B else B", A=a, B=b), Whole(scale, bits))
    best = values[0]
    for value in values[1:]:
        (n, d), (m, e) = pair(writer, best), pair(writer, value)
        above, under = writer.names.fresh(), writer.names.fresh()
        template = "if X <= Y: A, U = N, D\nelse: A, U = M, E" if word == "min" else "if X >= Y: A, U = N, D\nelse: A, U = M, E"
        writer.add(template, X=times(n, e), Y=times(m, d), N=n, D=d, M=m, E=e, A=above, U=under)
        best = Code(name(above), Ratio(max(pair_bits(best), pair_bits(value))), name(under))
    return best


def _rounded(writer: Writer, arguments: list[Code]) -> Code | None:
    value, direction, step = plain(arguments[0]), arguments[1], arguments[2]
    unit = _unit(step)
    if unit is None:
        return None
    n, d = pair(writer, value)
    fixed = number(d)
    if fixed is not None:
        per_step = Fraction(unit.denominator, fixed * unit.numerator)  # steps to one of the int
        if per_step.denominator == 1:
            made = times(n, per_step.numerator * unit.numerator)
            return Code(made, Whole(unit.denominator, pair_bits(value) + unit.denominator.bit_length()))
        above, under = times(n, per_step.numerator), literal(per_step.denominator)
    else:
        above, under = times(n, unit.denominator), times(d, unit.numerator)
    counted = code("F(N, D)", F=direction_of(writer, direction), N=above, D=under)
    bits = pair_bits(value) + unit.denominator.bit_length() + unit.numerator.bit_length()
    return Code(times(counted, unit.numerator), Whole(unit.denominator, bits))


def _unit(step: Code) -> Fraction | None:
    size = step.constant
    return None if size is None or size <= 0 or not isinstance(step.kind, Whole) else Fraction(size, step.kind.scale)


def steps_of(scale: int, step: Code) -> tuple[int, int, int] | None:
    """A whole number of a scale, times the first and by the second, is so many steps, each of the third in the rounded form."""
    unit = _unit(step)
    if unit is None:
        return None
    per_step = Fraction(unit.denominator, scale * unit.numerator)
    return per_step.numerator, per_step.denominator, unit.numerator


def direction_of(writer: Writer, direction: Code) -> ast.expr:
    """The function that rounds in a direction."""
    word = _word(writer, direction)
    return name(f"round_{word}") if word else code("ROUNDING[D]", D=direction.expr)


def cents(writer: Writer, value: Code, direction: Code) -> Code:
    """An amount as it leaves the policy: whole cents."""
    made = _rounded(writer, [value, direction, Code(literal(1), Whole(100, 1))])
    assert made is not None
    return made


def _word(writer: Writer, direction: Code) -> str | None:
    if isinstance(direction.expr, ast.Name):
        word = writer.names.constants.get(direction.expr.id)
        return word if isinstance(word, str) and word in ("down", "up", "half_up", "half_even") else None
    return None


# The library's own functions.


def of_fraction(writer: Writer, temp: str) -> Code:
    """A fraction made at run time, as a pair."""
    above, under = writer.names.fresh(), writer.names.fresh()
    writer.add("A, U = pair_of(T)", A=above, U=under, T=temp)
    return Code(name(above), Ratio(MOST_BITS), name(under))


def called(writer: Writer, node: core.Apply, arguments: list[Code]) -> Code:
    """A call of the function that the reference calls, with values as it has them."""
    if any(a.kind is None for a in arguments):
        return NEVER
    given = [_as_reference(writer, a) for a in arguments]
    run = writer.names.constant(implementation(node.operation, node.type))
    expr = ast.Call(name("known"), [ast.Call(run, [name("conventions"), *given], [])], [])
    return _from_reference(writer, expr, node)


def _as_reference(writer: Writer, value: Code) -> ast.expr:
    match value.kind:
        case Whole(scale=scale):
            return code("Fraction(V, S)", V=value.expr, S=scale)
        case Ratio():
            value = writer.unpacked(value)
            return code("Fraction(V, S)", V=value.expr, S=value.under)
        case Many() as kind:
            return code("listed(K, V)", K=writer.names.constant(kind), V=value.expr)
        case Maybe() | Nothing() | OfEntity():
            return code("thawed(K, V)", K=writer.names.constant(value.kind), V=value.expr)
    return value.expr


def _from_reference(writer: Writer, expr: ast.expr, node: core.Apply) -> Code:
    temp = writer.names.fresh()
    if node.type == INTEGER:
        writer.add("T = whole_of(V)", T=temp, V=expr)
        return Code(name(temp), Whole(1, MOST_BITS))
    if node.type == MONEY_TYPE or is_quantity(node.type):
        writer.add("T = V", T=temp, V=expr)
        return of_fraction(writer, temp)
    writer.add("T = V", T=temp, V=expr)
    return Code(name(temp), Same(node.type))


# Bands.


def brackets(writer: Writer, node: core.Brackets) -> Code:
    """The band that an amount falls in, or each part at the rate of its band."""
    amount = writer.held(plain(writer.unpacked(writer.counted(writer.value(node.amount)))))
    steps = []
    for step in node.steps:
        to = writer.held(plain(writer.unpacked(writer.counted(writer.value(step.to))))) if step.to is not None else None
        worth = writer.counted(writer.value(step.amount))
        steps.append((to, writer.held(writer.unpacked(worth)) if isinstance(worth.kind, Ratio) else writer.held(worth)))
    if amount.kind is None or any(c is not None and c.kind is None for step in steps for c in step):
        return NEVER
    return _progressive(writer, amount, steps) if node.progressive else _banded(writer, amount, steps)


def _banded(writer: Writer, amount: Code, steps: list[tuple[Code | None, Code]]) -> Code:
    blocks: list[tuple[Code | None, list[ast.stmt], Code]] = [(to, [], worth) for to, worth in steps]
    temp, kind = writer.one_of([(block, worth) for _, block, worth in blocks])
    outer = writer.body
    rest: list[ast.stmt] = []
    for to, block, _ in reversed(blocks):
        if to is None:
            rest = block
            continue
        with writer.block() as level:
            test = compared(writer, "<=", amount, to).expr
            writer.when(test, block, rest)
        rest = level
    outer += rest
    return Code(name(temp), kind)


def _progressive(writer: Writer, amount: Code, steps: list[tuple[Code | None, Code]]) -> Code:
    """Written from the last band down: each `if` adds its own part and goes on only above its end."""
    below: Code = Code(literal(0), Whole(1, 1))
    totals: list[tuple[Code | None, Code]] = []
    so_far: Code = Code(literal(0), Whole(1, 1))
    for to, rate in steps:
        inside = kept_short(writer, _added(writer, so_far, _multiplied(writer, _added(writer, amount, below, "-"), plain(rate)), "+"))
        totals.append((to, inside))
        if to is not None:
            full = _multiplied(writer, _added(writer, to, below, "-"), plain(rate))
            so_far = writer.held(kept_short(writer, _added(writer, so_far, full, "+")))
            below = to
    return _banded(writer, amount, totals)
