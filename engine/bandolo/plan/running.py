"""What a program calls while it runs."""

from __future__ import annotations

import ast
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from bandolo.check import core
from bandolo.evaluate.reference import in_bands, one_of
from bandolo.language import calendar
from bandolo.language.types import BOOLEAN
from bandolo.language.values import Fault, Record, Unknown
from bandolo.plan import loose, unknowns
from bandolo.plan.bridge import lent, taken, turned
from bandolo.plan.kinds import MOST_BITS, Kind, Open, Ratio, Same, Whole, thaw
from bandolo.plan.quote import code

if TYPE_CHECKING:
    from bandolo.plan.codes import Code
    from bandolo.plan.expressions import Writer

OPEN = (Open, AttributeError, TypeError, KeyError, NameError, ArithmeticError)
"""What a program raises where it meets something that is not there: an empty slot, `none`, an unlisted word."""


GAPS: dict[str, Any] = {
    "Gap": unknowns.Gap,
    **{f.__name__: f for f in (
        unknowns.together, unknowns.undated, unknowns.both, unknowns.one, unknowns.opposite, unknowns.decided, unknowns.less,
        unknowns.at_most, unknowns.more, unknowns.at_least, unknowns.equal, unknowns.unequal, unknowns.add, unknowns.subtract,
        unknowns.scaled, unknowns.multiply, unknowns.negate, unknowns.least, unknowns.greatest, unknowns.one_of, loose.members,
        loose.shrunk, loose.unlisted, loose.listing, loose.joined_lists, loose.any_of, loose.all_of, loose.contained,
    )},
    "rounded_gap": unknowns.rounded, "count_of": loose.count, "total_of": loose.total,
}  # fmt: skip
"""What programs call where something is not known."""


def table(policy: core.Policy) -> dict[str, Any]:
    """The names that a program finds besides its own constants."""
    return {
        "HUNDRED": Decimal(100),
        "Open": Open, "OPEN": OPEN, "Fraction": Fraction, "conventions": policy.conventions, "known": known, "whole_of": whole_of,
        "pair_of": pair_of, "local_day": local_days(policy.conventions.time_zone), "thawed": thawed, "listed": thawed, "ROUNDING": ROUNDING,
        "lent": lent, "taken": taken, "turned": turned, "in_bands": in_bands, "one_of_lent": one_of_lent, "raised": raised,
        **GAPS,
        **{f"round_{word}": run for word, run in ROUNDING.items()},
    }  # fmt: skip


NOT_COMPLETE = (*OPEN, ValueError)
"""What a program in one pass raises where the application is not complete, not plainly in order, or a computation has no result."""
HOURS_KEPT = 20_000


def local_days(zone_name: str) -> Callable[[datetime], date]:
    """What gives the day of an instant in a zone. Hours in which no day ends and no clock changes are kept: applications come in them."""
    kept: dict[int, date] = {}

    def local_day(moment: datetime) -> date:
        hour = moment.toordinal() * 24 + moment.hour
        found = kept.get(hour)
        if found is not None and moment.tzinfo is UTC:
            return found
        try:
            day = calendar.wall_time(moment, zone_name).date()
            first = calendar.wall_time(moment.replace(minute=0, second=0, microsecond=0), zone_name)
            last = calendar.wall_time(moment.replace(minute=59, second=59, microsecond=999_999), zone_name)
        except calendar.OutOfRange:
            raise Open from None
        if moment.tzinfo is UTC and first.date() == last.date() and first.utcoffset() == last.utcoffset() and len(kept) < HOURS_KEPT:
            kept[hour] = day
        return day

    return local_day


def known(value: Any) -> Any:
    if isinstance(value, Unknown | Fault):
        raise Open
    return value


def raised() -> Any:
    """What is never reached where there is a value."""
    raise Open


def one_of_lent(kind: Kind, tests: list[Any], possible: list[Any]) -> Any:
    """One of several values, in a form that has no whole numbers: by the reference."""
    return taken(kind, one_of([lent(Same(BOOLEAN), t) for t in tests], [lent(kind, p) for p in possible]))


def whole_of(value: Fraction) -> int:
    if value.denominator != 1 or value.numerator.bit_length() > MOST_BITS:
        raise Open
    return value.numerator


def pair_of(value: Fraction | int) -> tuple[int, int]:
    if value.numerator.bit_length() + value.denominator.bit_length() > MOST_BITS:
        raise Open
    return value.numerator, value.denominator


def thawed(kind: Kind, value: Any) -> Any:
    return thaw(kind, value, _itself)


def _itself(record: Any) -> Record:
    return record  # type: ignore[no-any-return]


def round_down(n: int, d: int) -> int:
    """`n / d` to a whole number, towards zero."""
    return n // d if n >= 0 else -(-n // d)


def round_up(n: int, d: int) -> int:
    """Away from zero."""
    return -(-n // d) if n >= 0 else n // d


def round_half_up(n: int, d: int) -> int:
    """To the nearest, halves away from zero."""
    return (2 * n + d) // (2 * d) if n >= 0 else -((d - 2 * n) // (2 * d))


def round_half_even(n: int, d: int) -> int:
    """To the nearest, halves to the even one."""
    whole, rest = divmod(abs(n), d)
    whole += 2 * rest > d or (2 * rest == d and whole & 1)
    return whole if n >= 0 else -whole


ROUNDING = {"down": round_down, "up": round_up, "half_up": round_half_up, "half_even": round_half_even}


def as_fraction(writer: Writer, value: Code) -> ast.expr:
    """Code for a value as the reference has it, where it is a number; else as it is."""
    match value.kind:
        case Whole(scale=scale):
            return code("Fraction(V, S)", V=value.expr, S=scale)
        case Ratio():
            value = writer.unpacked(value)
            return code("Fraction(V, S)", V=value.expr, S=value.under)
    return value.expr
