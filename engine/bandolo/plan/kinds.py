"""How a program holds values: whole numbers instead of fractions wherever that is exact.

`freeze` takes a value of the reference to the program's form, `thaw` brings it back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Any, assert_never

from bandolo import limits
from bandolo.language.types import BOOLEAN, INTEGER, MONEY, PERCENT, ListType, OptionalType, RecordType, Type, is_quantity
from bandolo.language.values import NONE, Fault, ListValue, Member, Unknown, Value

MOST_BITS = limits.NUMBER_BITS - 64
"""A number that may grow beyond this is left to the reference, which knows when it has grown too far."""


class Open(Exception):
    """A value that a program does not have: unknown, a fault, or in a form that it does not hold."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A number or an amount as an int: `scale` times its value. `bits` bounds the length of the int."""

    scale: int
    bits: int


@dataclass(frozen=True, slots=True)
class Ratio:
    """A number or an amount as a pair, the second part above zero; `bits` bounds the length of both together."""

    bits: int


@dataclass(frozen=True, slots=True)
class Same:
    """A value as the reference has it: boolean, text, date, instant, length of time."""

    type: Type


@dataclass(frozen=True, slots=True)
class Maybe:
    """A value, or None for `none`."""

    of: Kind


@dataclass(frozen=True, slots=True)
class Many:
    """A list of values or records, all of which belong to it."""

    item: Kind


@dataclass(frozen=True, slots=True)
class OfEntity:
    """A record."""

    entity: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """`none` itself."""


@dataclass(frozen=True, slots=True)
class Cash:
    """An amount as a Decimal of whole cents, as it was given: only added up, then counted in cents."""


Kind = Cash | Whole | Ratio | Same | Maybe | Many | OfEntity | Nothing

DIGITS_BITS = 4 * limits.NUMBER_DIGITS
SCALES: dict[Type, int] = {INTEGER: 1, MONEY: 100, PERCENT: 10**8}
NUMBER_SCALE = 10**6


def kind_of_fact(type_: Type) -> Kind:
    """The form of a fact: amounts in cents, rates and numbers to a fixed count of decimals (more of them are left to the reference)."""
    match type_:
        case OptionalType(of=inner):
            return Maybe(kind_of_fact(inner))
        case ListType(item=item):
            return Many(kind_of_fact(item))
        case RecordType(entity=entity):
            return OfEntity(entity)
    if type_ == MONEY or is_quantity(type_):
        scale = SCALES.get(type_, NUMBER_SCALE)
        return Whole(scale, DIGITS_BITS + scale.bit_length())
    return Same(type_)


def freeze(kind: Kind, value: Value, record_of: Callable[[Any], Any]) -> Any:
    """A known value in the program's form; Open where there is none."""
    match kind:
        case Maybe(of=inner):
            return None if value is NONE else freeze(inner, value, record_of)
        case Many(item=item):
            if not isinstance(value, ListValue) or any(m.sure is not True for m in value.members):
                raise Open
            return [freeze(item, m.value, record_of) for m in value.members]
        case OfEntity():
            if value is NONE or isinstance(value, Unknown | Fault):
                raise Open
            return record_of(value)
        case Whole(scale=scale):
            if not isinstance(value, Fraction):
                raise Open
            scaled = value * scale
            if scaled.denominator != 1 or scaled.numerator.bit_length() > kind.bits:
                raise Open
            return scaled.numerator
        case Ratio(bits=bits):
            if not isinstance(value, Fraction) or value.numerator.bit_length() + value.denominator.bit_length() > bits:
                raise Open
            return value.numerator, value.denominator
        case Cash():
            raise Open
        case Nothing():
            if value is not NONE:
                raise Open
            return None
        case Same():
            if value is NONE or isinstance(value, Unknown | Fault):
                raise Open
            return value
        case _:
            assert_never(kind)


def thaw(kind: Kind, value: Any, record_of: Callable[[Any], Any]) -> Value:
    """A value of a program as the reference has it."""
    match kind:
        case Maybe(of=inner):
            return NONE if value is None else thaw(inner, value, record_of)
        case Many(item=item):
            return ListValue(tuple(Member(thaw(item, v, record_of)) for v in value))
        case OfEntity():
            return record_of(value)  # type: ignore[no-any-return]
        case Whole(scale=scale):
            return Fraction(value, scale)
        case Ratio():
            return Fraction(*value)
        case Cash():
            return Fraction(value)
        case Nothing():
            return NONE
        case Same():
            return value  # type: ignore[no-any-return]
        case _:
            assert_never(kind)


def bare(kind: Kind) -> Kind:
    """The form of a value that is not `none`."""
    return kind.of if isinstance(kind, Maybe) else kind


def joined(first: Kind | None, second: Kind | None) -> Kind | None:
    """A form that both can take; None stands for a branch that is never a value."""
    if first is None or second is None or first == second:
        return first if second is None else second
    match first, second:
        case (Nothing(), other) | (other, Nothing()):
            return other if isinstance(other, Maybe) else Maybe(other)
        case (Maybe(), _) | (_, Maybe()):
            inner = joined(bare(first), bare(second))
            return Maybe(inner) if inner is not None else None
        case Whole(scale=a, bits=m), Whole(scale=b, bits=n):
            scale = lcm(a, b)
            if scale.bit_length() > 256:
                return Ratio(max(m, n) + 512)
            return Whole(scale, max(m + (scale // a).bit_length(), n + (scale // b).bit_length()))
        case (Whole(bits=m), Ratio(bits=n)) | (Ratio(bits=n), Whole(bits=m)) | (Ratio(bits=m), Ratio(bits=n)):
            extra = max(k.scale.bit_length() if isinstance(k, Whole) else 0 for k in (first, second))
            return Ratio(max(m, n) + extra)
        case Many(item=a_item), Many(item=b_item):
            item = joined(a_item, b_item)
            return Many(item) if item is not None else None
        case Same(type=a_type), Same(type=b_type):
            return Same(a_type if a_type == b_type else BOOLEAN if BOOLEAN in (a_type, b_type) else a_type)
    raise Open
