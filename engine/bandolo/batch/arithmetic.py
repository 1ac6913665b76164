"""Sums, products, quotients and rounding of whole columns, exactly: whole numbers of known scales over divisors."""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm
from typing import TYPE_CHECKING

from bandolo.batch.choices import chosen
from bandolo.batch.columns import LARGEST, Column, NotColumnar

if TYPE_CHECKING:
    from bandolo.batch.writer import Writer


def level(writer: Writer, first: Column, second: Column) -> tuple[Column, Column, str | None]:
    """Two numbers on the same rows as whole numbers of one scale; and where that is bad."""
    first, second = _comparable(writer, first, second)
    scale = lcm(first.scale, second.scale)
    a, b = writer.scaled(first, scale), writer.scaled(second, scale)
    if a.under != b.under:
        bads = [a.bad, b.bad]
        a, b = _by_under(writer, a, b.under, b.under_high), _by_under(writer, b, a.under, a.under_high)
        return a, b, writer.either(*bads, a.bad, b.bad)
    return a, b, writer.either(a.bad, b.bad)


def _comparable(writer: Writer, first: Column, second: Column) -> tuple[Column, Column]:
    """A narrow column stays so only next to a constant that it is compared with at its own scale."""
    if first.narrow and second.constant is not None and first.scale % second.scale == 0 and abs(second.high) * first.scale < 2**31:
        return first, second
    if second.narrow and first.constant is not None and second.scale % first.scale == 0 and abs(first.high) * second.scale < 2**31:
        return first, second
    return writer.wide(first), writer.wide(second)


def _by_under(writer: Writer, column: Column, under: str | None, high: int) -> Column:
    """The whole number times another's divisor."""
    if under is None:
        return column
    size = max(abs(column.low), abs(column.high)) * high
    if size <= LARGEST:
        return column.but(name=writer.emit(f"{column.name} * {under}"), low=-size, high=size, constant=None)
    name, bad = writer.emit_pair(f"checked({column.name}, {under}, '*')")
    return column.but(name=name, low=-LARGEST, high=LARGEST, bad=writer.either(column.bad, bad), constant=None)


def added(writer: Writer, first: Column, second: Column, word: str) -> Column:
    """A sum or a difference."""
    if first.constant is not None and second.constant is not None:
        return writer.number(first.constant + second.constant if word == "+" else first.constant - second.constant)
    frame, (first, second) = writer.together(writer.wide(first), writer.wide(second))
    under, under_high = first.under, first.under_high
    if first.under is not None and second.under is not None and first.under != second.under:
        under_column = _product(writer, first.under, first.under_high, second.under, second.under_high)
        under, under_high = under_column.name, under_column.high
        bad_under = under_column.bad
    else:
        bad_under = None
        if under is None:
            under, under_high = second.under, second.under_high
    a, b, bad = level(writer, first, second)
    low, high = (a.low + b.low, a.high + b.high) if word == "+" else (a.low - b.high, a.high - b.low)
    made = Column("number", frame, "", lcm(first.scale, second.scale), low, high, under, under_high)
    bad = writer.either(first.bad, second.bad, bad, bad_under)
    if max(-low, high) <= LARGEST:
        if b.name == "0":
            return made.but(name=a.name, bad=bad)
        if a.name == "0" and word == "+":
            return made.but(name=b.name, bad=bad)
        return made.but(name=writer.emit(f"{a.name} {word} {b.name}"), bad=bad)
    name, also = writer.emit_pair(f"checked({a.name}, {b.name}, '{word}')")
    return made.but(name=name, low=-LARGEST, high=LARGEST, bad=writer.either(bad, also))


def _product(writer: Writer, first: str, first_high: int, second: str, second_high: int) -> Column:
    high = first_high * second_high
    if high <= LARGEST:
        return Column("number", None, writer.emit(f"{first} * {second}"), low=-high, high=high)
    name, bad = writer.emit_pair(f"checked({first}, {second}, '*')")
    return Column("number", None, name, low=-LARGEST, high=LARGEST, bad=bad)


def multiplied(writer: Writer, first: Column, second: Column) -> Column:
    if first.constant is not None and second.constant is not None:
        return writer.number(first.constant * second.constant)
    frame, (first, second) = writer.together(writer.wide(first), writer.wide(second))
    if first.constant is not None:
        first, second = second, first
    if second.constant is not None:
        common = gcd(second.constant.numerator, first.scale) or 1
        scale = first.scale // common * second.constant.denominator
        if scale > LARGEST:
            raise NotColumnar("a number beyond 64 bits")
        return writer.times(first, second.constant.numerator // common).but(scale=scale)
    high = max(abs(first.low), abs(first.high)), max(abs(second.low), abs(second.high))
    made = _product(writer, first.name, high[0], second.name, high[1])
    under: Column | None = None
    if first.under is not None and second.under is not None:
        under = _product(writer, first.under, first.under_high, second.under, second.under_high)
    bad = writer.either(first.bad, second.bad, made.bad, under.bad if under is not None else None)
    scale = first.scale * second.scale
    if scale > LARGEST:
        raise NotColumnar("a number beyond 64 bits")
    names = (under.name, under.high) if under is not None else (first.under or second.under, max(first.under_high, second.under_high))
    return Column("number", frame, made.name, scale, made.low, made.high, names[0], names[1], bad=bad)


def divided(writer: Writer, first: Column, second: Column) -> Column:
    if second.constant is not None:
        if second.constant == 0:
            raise NotColumnar("divides by zero")
        return multiplied(writer, first, writer.number(1 / second.constant))
    frame, (first, second) = writer.together(writer.wide(first), writer.wide(second))
    common = gcd(first.scale, second.scale)
    above = _by_under(writer, writer.times(first.but(constant=None), second.scale // common), second.under, second.under_high)
    divisor, bad = second.name, None
    if second.low <= 0:
        bad = writer.emit(f"{second.name} == 0")
        divisor = writer.emit(f"np.where({bad}, 1, {second.name})")
        if second.low < 0:
            above = above.but(
                name=writer.emit(f"np.where({divisor} < 0, -{above.name}, {above.name})"),
                low=-max(abs(above.low), abs(above.high)), high=max(abs(above.low), abs(above.high)),
            )  # fmt: skip
            divisor = writer.emit(f"np.abs({divisor})")
    high = max(abs(second.low), abs(second.high), 1)
    under: Column = Column("number", None, divisor, low=1, high=high)
    if first.under is not None:
        under = _product(writer, first.under, first.under_high, divisor, high)
    bads = writer.either(first.bad, second.bad, above.bad, bad, under.bad)
    return Column("number", frame, above.name, first.scale // common, above.low, above.high, under.name, under.high, bad=bads)


def extreme(writer: Writer, word: str, first: Column, second: Column) -> Column:
    if first.constant is not None and second.constant is not None:
        return writer.number(min(first.constant, second.constant) if word == "min" else max(first.constant, second.constant))
    if first.under is None and second.under is None:
        frame, (first, second) = writer.together(writer.wide(first), writer.wide(second))
        a, b, bad = level(writer, first, second)
        ends = (min, max)[word == "max"]
        name = writer.emit(f"np.{word}imum({a.name}, {b.name})")
        scale = lcm(first.scale, second.scale)
        return Column("number", frame, name, scale, ends(a.low, b.low), ends(a.high, b.high), bad=writer.either(first.bad, second.bad, bad))
    test = writer.compared("<=" if word == "min" else ">=", first, second)
    made = chosen(writer, test, first, second)
    return made.but(bad=writer.either(made.bad, first.bad, second.bad)) if first.frame is second.frame else made


def whole(writer: Writer, value: Column, word: str) -> Column:
    if value.constant is not None:
        from math import ceil, floor

        return writer.number(floor(value.constant) if word == "floor" else ceil(value.constant))
    under = _under(writer, value)
    sign = "-" if word == "ceil" else ""
    name = writer.emit(f"{sign}({sign}{value.name} // {under.name})")
    size = max(abs(value.low), abs(value.high))
    return Column("number", value.frame, name, 1, -size, size, bad=writer.either(value.bad, under.bad))


def _under(writer: Writer, value: Column) -> Column:
    """The divisor of a number's whole part."""
    if value.under is None:
        return Column("number", None, str(value.scale), low=value.scale, high=value.scale)
    return writer.times(Column("number", value.frame, value.under, low=1, high=value.under_high), value.scale)


def rounded(writer: Writer, value: Column, direction: str, step: Fraction) -> Column:
    """A number to a multiple of a step."""
    if value.constant is not None:
        from bandolo.language.functions import rounded as exactly

        return writer.number(exactly(value.constant, direction, step))
    value = writer.wide(value)
    if value.under is None and (step.denominator % value.scale == 0) and step.numerator == 1:
        return value  # it has no finer parts
    # value / step = name * step.denominator / (scale * under * step.numerator)
    up, down = step.denominator, value.scale * step.numerator
    common = gcd(up, down)
    above = writer.times(value, up // common)
    under = Column("number", None, str(down // common), low=1, high=down // common)
    if value.under is not None:
        under = writer.times(Column("number", value.frame, value.under, low=1, high=value.under_high), down // common)
    whole = writer.emit(f"round_{direction}({above.name}, {under.name})")
    size = max(abs(above.low), abs(above.high)) + 1
    made = Column("number", value.frame, whole, step.denominator, -size, size, bad=writer.either(value.bad, above.bad, under.bad))
    return writer.times(made, step.numerator).but(none=value.none)
