"""Rounding, bands and powers on whole numbers, as the reference does them on fractions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from sqlglot import exp

from bandolo.sql.dialects import whole_division
from bandolo.sql.values import (
    Number,
    Value,
    add,
    binary,
    both,
    branch,
    case,
    compare,
    either,
    literal,
    multiply,
    negated,
    negative,
    number,
    one_like,
    times,
    wrapped,
)  # fmt: skip

ZERO, ONE = exp.Literal.number(0), exp.Literal.number(1)


def to_whole(a: Number, name: str, dialect: str) -> Number:
    """The whole number not above (`floor`), or not below (`ceil`)."""
    divisor = times(exp.cast(literal(a.scale), "INT128"), a.den)
    size = whole_division(exp.Abs(this=a.num.copy()), divisor, dialect)
    exact = exp.EQ(this=times(size, divisor), expression=exp.Abs(this=a.num.copy()))
    more = binary(exp.Add, size, case([(exact, ZERO), (negated(exact), ONE)]))
    below = exp.LT(this=wrapped(a.num), expression=ZERO)
    away, towards = (more, size) if name == "floor" else (size, more)
    return Number(case([(below, exp.Neg(this=wrapped(away))), (negated(below), towards)]))


def rounded(a: Number, direction: str, step: Fraction, dialect: str) -> Number:
    """A multiple of a step, worked out on whole numbers as the reference does."""
    if a.den is None and step * a.scale == 1:
        return a  # a whole number of steps already
    divisor = times(exp.cast(literal(a.scale * step.numerator), "INT128"), a.den)
    size = times(exp.Abs(this=a.num.copy()), step.denominator)
    whole = whole_division(size, divisor, dialect)
    rest = binary(exp.Sub, size, times(whole, divisor))
    twice = times(rest, 2)
    odd = exp.NEQ(this=exp.Mod(this=wrapped(whole), expression=literal(2)), expression=ZERO)
    above = {
        "down": exp.false(),
        "up": exp.GT(this=wrapped(rest), expression=ZERO),
        "half_up": binary(exp.GTE, twice, divisor),
        "half_even": either([binary(exp.GT, twice, divisor), both([binary(exp.EQ, twice, divisor), odd])]),
    }[direction]
    # Both arms: where a product did not fit, there is no result either.
    more = whole if direction == "down" else binary(exp.Add, whole, case([(above, ONE), (negated(above), ZERO)]))
    below = exp.LT(this=wrapped(a.num), expression=ZERO)
    signed = case([(below, exp.Neg(this=wrapped(more))), (negated(below), more)])
    return Number(times(signed, step.numerator), step.denominator)


def power(a: Number, exponent: int) -> Number:
    if exponent == 0 and a.constant is None:
        # One whatever the number is, but not decided where the number is not.
        return Number(exp.cast(one_like(a.num), "INT128"))
    found = number(Fraction(1))
    for _ in range(exponent):
        found = multiply(found, a)
    return found


def brackets(amount: Number, steps: Sequence[tuple[Number | None, Value]], progressive: bool) -> Value:
    """Progressive: each part at the rate of its band. Otherwise the value of the band that the amount falls in, `to` included."""
    below = number(Fraction(0))
    full = number(Fraction(0))
    rows: list[tuple[Number | None, Value]] = []
    for to, value in steps:
        if progressive:
            assert isinstance(value, Number)
            part = add(full, multiply(add(amount, negative(below)), value))
            rows.append((to, part))
            if to is not None:
                full = add(full, multiply(add(to, negative(below)), value))
                below = to
        else:
            rows.append((to, value))
    found = rows[-1][1]
    for to, value in reversed(rows[:-1]):
        assert to is not None
        found = branch(compare(exp.LTE, amount, to), value, found)
    return found
