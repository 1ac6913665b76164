"""The operations of the library on columns: whole numbers of known scales; what lacks a form of its own goes value by value."""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from bandolo.batch.aggregates import aggregate, distinct
from bandolo.batch.arithmetic import added, divided, extreme, level, multiplied, rounded, whole
from bandolo.batch.choices import chosen, word_is
from bandolo.batch.columns import EPOCH, Column, NotColumnar, instant_number
from bandolo.batch.helpers import FIRST_INSTANT, LAST_INSTANT
from bandolo.check import core
from bandolo.language.types import BOOLEAN, DATE, DATETIME, INTEGER
from bandolo.language.values import Duration

if TYPE_CHECKING:
    from bandolo.batch.writer import Writer

ROUNDED = ("down", "up", "half_up", "half_even")


def apply(writer: Writer, node: core.Apply) -> Column:
    """The column of an operation."""
    word = node.operation.name
    if word == "count distinct":
        return distinct(writer, writer.value(node.arguments[0]))
    if word in ("count", "sum", "any", "all", "average") or (word in ("min", "max") and len(node.arguments) == 1):
        return aggregate(writer, word, writer.value(node.arguments[0]))
    if word == "in":
        return _contained(writer, writer.value(node.arguments[0]), writer.value(node.arguments[1]))
    arguments = [writer.value(a) for a in node.arguments]
    numeric = all(a.form == "number" for a in arguments)
    made: Column | None = None
    if word in ("=", "!="):
        made = _same(writer, *arguments)
        return made if word == "=" else writer.negated(made)
    if numeric and word in ("<", "<=", ">", ">="):
        return writer.compared(word, *arguments)
    if numeric and word in ("+", "-") and node.type not in (DATE, DATETIME) and not str(node.type).startswith("duration"):
        return added(writer, arguments[0], arguments[1], word)
    if word in ("+", "-") and node.type == DATE and isinstance(arguments[1].constant, Duration) and not arguments[1].constant.months:
        days = arguments[1].constant.days * (1 if word == "+" else -1)
        return _day(writer, added(writer, arguments[0], writer.number(days), "+"))
    if numeric and word == "*":
        return multiplied(writer, *arguments)
    if numeric and word == "/":
        return divided(writer, *arguments)
    if numeric and word in ("min", "max"):
        found = arguments[0]
        for other in arguments[1:]:
            found = extreme(writer, word, found, other)
        return found
    if numeric and word in ("minus", "abs"):
        value = writer.wide(arguments[0])
        if value.constant is not None:
            return writer.number(-value.constant if word == "minus" else abs(value.constant))
        size = max(abs(value.low), abs(value.high))
        name = writer.emit(f"-{value.name}" if word == "minus" else f"np.abs({value.name})")
        low, high = (-value.high, -value.low) if word == "minus" else (0, size)
        return value.but(name=name, low=low, high=high)
    if numeric and word in ("floor", "ceil"):
        return whole(writer, writer.wide(arguments[0]), word)
    if word == "round" and arguments[0].form == "number" and arguments[1].constant in ROUNDED and arguments[2].constant:
        return rounded(writer, arguments[0], arguments[1].constant, arguments[2].constant)
    if word == "^" and numeric and arguments[1].constant is not None and 1 <= arguments[1].constant <= 8:
        made = arguments[0]
        for _ in range(int(arguments[1].constant) - 1):
            made = multiplied(writer, made, arguments[0])
        return made
    if word == "days_between":
        return added(writer, arguments[1], arguments[0], "-")
    if word == "date" and len(arguments) == 1:
        return _local_day(writer, arguments[0])
    return _by_value(writer, node, arguments)


def _same(writer: Writer, first: Column, second: Column) -> Column:
    forms = {first.form, second.form}
    if forms == {"number"}:
        return writer.compared("=", first, second)
    if forms == {"word"}:
        if second.constant is not None:
            return word_is(writer, first, second.constant)
        if first.constant is not None:
            return word_is(writer, second, first.constant)
        frame, (first, second) = writer.together(first, second)
        a, b, _ = writer.same_words(first, second)
        return Column("flag", frame, writer.emit(f"{a.name} == {b.name}"), bad=writer.either(first.bad, second.bad))
    if forms <= {"flag", "bits"}:
        if second.constant is not None or first.constant is not None:
            column, constant = (first, second.constant) if second.constant is not None else (second, first.constant)
            return column if constant else writer.negated(column)
        frame, (first, second) = writer.together(writer.plainly(first), writer.plainly(second))
        return Column("flag", frame, writer.emit(f"{first.name} == {second.name}"), bad=writer.either(first.bad, second.bad))
    raise NotColumnar("compares what has no columns")


def _contained(writer: Writer, item: Column, listed: Column) -> Column:
    if listed.values and listed.item is not None and listed.of is not None:
        same = _same(writer, listed.item, item if item.constant is not None else writer.spread(item, listed.of))
        return aggregate(writer, "any", listed.but(item=same, values=False))
    if listed.form != "items":
        raise NotColumnar("looks into a list of values")
    options: tuple[Column, ...] = listed.constant
    if item.form == "word" and item.constant is None and all(o.constant is not None for o in options):
        wanted = writer.constant(frozenset(o.constant for o in options))
        codes = writer.emit(f"found_codes({item.words}, {wanted})")
        return Column("flag", item.frame, writer.emit(f"looked_up({codes}, {item.name})"), bad=item.bad)
    tests = [writer.negated(_same(writer, item, option)) for option in options]
    return writer.negated(writer.every(tests))


# Dates.


def _day(writer: Writer, column: Column) -> Column:
    """A day that is in the calendar."""
    if column.constant is not None:
        return column
    bad = writer.emit(f"({column.name} < -719162) | ({column.name} > 2932896)")
    return column.but(low=-719162, high=2932896, bad=writer.either(column.bad, bad))


def _local_day(writer: Writer, column: Column) -> Column:
    zone = writer.constant(writer.policy.conventions.time_zone)
    if column.constant is not None:
        raise NotColumnar("the day of a constant instant")
    name = writer.emit(f"local_day({column.name}, {column.scale}, {zone})")
    bad = None
    if column.low < FIRST_INSTANT * column.scale or column.high > LAST_INSTANT * column.scale:
        bad = writer.emit(f"outside({column.name}, {FIRST_INSTANT * column.scale}, {LAST_INSTANT * column.scale}, {column.none})")
    return Column("number", column.frame, name, 1, -719162, 2932896, bad=writer.either(column.bad, bad))


def _by_value(writer: Writer, node: core.Apply, arguments: list[Column]) -> Column:
    """An operation without a form of its own: asked of the reference once for each combination of values that occurs."""
    varying = [i for i, a in enumerate(arguments) if a.constant is None]
    result = node.type
    if not varying or any(arguments[i].under is not None or arguments[i].form not in ("number", "word", "flag", "bits") for i in varying):
        raise NotColumnar(f"{node.operation.name} of computed values")
    if result not in (BOOLEAN, INTEGER, DATE, DATETIME):
        raise NotColumnar(f"{node.operation.name} by columns")
    if any(arguments[i].form == "word" for i in varying) and len(varying) > 1:
        raise NotColumnar(f"{node.operation.name} of several texts")
    frame, spread = writer.together(*(writer.plainly(arguments[i]) for i in varying))
    constants = [None if i in varying else _given(a, n) for i, (a, n) in enumerate(zip(arguments, node.arguments, strict=True))]
    types = tuple((i, node.arguments[i].type, arguments[i].scale) for i in varying)
    run = writer.constant(_Run(node, writer.policy.conventions, constants, types, result))
    if spread[0].form == "word":
        name, bad = writer.emit_pair(f"{run}.of_words({spread[0].words}, {spread[0].name})")
    else:
        name, bad = writer.emit_pair(f"{run}.of_numbers({', '.join(c.name for c in spread)})")
    bads = writer.either(*(c.bad for c in spread), bad)
    if result == BOOLEAN:
        return Column("flag", frame, name, bad=bads)
    scale = 10**6 if result == DATETIME else 1
    size = 2**40 if result == INTEGER else 719162 * 86400 * 10**6 * 5 if result == DATETIME else 2932896
    return Column("number", frame, name, scale, -size, size, bad=bads)


def _given(column: Column, node: core.Expr) -> Any:
    """A constant argument as the reference has it."""
    if column.form == "number" and node.type == DATE:
        return date.fromordinal(int(column.constant) + date(1970, 1, 1).toordinal())
    if column.form == "number" and node.type == DATETIME:
        return _instant(column.constant)
    return column.constant


def _instant(seconds: Fraction) -> datetime:
    from datetime import UTC, timedelta

    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(seconds * 10**6))


class _Run:
    """An operation of the reference, some of its arguments constant."""

    def __init__(
        self, node: core.Apply, conventions: Any, constants: list[Any], varying: tuple[tuple[int, Any, int], ...], result: Any
    ) -> None:
        self.node, self.conventions, self.constants, self.varying, self.result = node, conventions, constants, varying, result

    def of_words(self, words: list[str], codes: Any) -> tuple[Any, Any]:
        pairs = [self._one((w,)) for w in words] or [(0, True)]
        return self._spread(pairs, codes.clip(0, len(pairs) - 1))

    def of_numbers(self, *numbers: Any) -> tuple[Any, Any]:
        import numpy as np

        known, which = np.unique(np.stack(numbers, axis=1), axis=0, return_inverse=True)
        values = [tuple(_plain_value(int(v), t, s) for v, (_, t, s) in zip(row, self.varying, strict=True)) for row in known]
        return self._spread([self._one(v) for v in values] or [(0, True)], which.reshape(-1))

    def _one(self, values: tuple[Any, ...]) -> tuple[int, bool]:
        """The result as a whole number, and whether there is none."""
        from bandolo.language.values import is_known

        arguments = list(self.constants)
        for value, (at, _, _) in zip(values, self.varying, strict=True):
            arguments[at] = value
        if any(a is None for a in arguments):
            return 0, True
        found = self.node.operation.run(self.conventions, *arguments)
        if not is_known(found):
            return 0, True
        if isinstance(found, datetime):
            return int(instant_number(found) * 10**6), False
        return ((found - EPOCH).days if isinstance(found, date) else int(found)), False  # type: ignore[arg-type]

    def _spread(self, pairs: list[tuple[int, bool]], which: Any) -> tuple[Any, Any]:
        import numpy as np

        values = np.array([v for v, _ in pairs], bool if self.result == BOOLEAN else np.int64)[which]
        bad = np.array([b for _, b in pairs], bool)
        return values, bad[which] if bad.any() else None


def _plain_value(number: int, type_: Any, scale: int) -> Any:
    """A whole number of a column as the reference has it; None for the garbage of an empty cell."""
    if type_ == DATE:
        return date.fromordinal(number + 719163) if -719162 <= number <= 2932896 else None
    if type_ == DATETIME:
        return _instant(Fraction(number, scale)) if FIRST_INSTANT <= number // scale <= LAST_INSTANT else None
    return bool(number) if type_ == BOOLEAN else Fraction(number, scale)


# Bands.


def brackets(writer: Writer, node: core.Brackets) -> Column:
    """The band that an amount falls in, or each part at the rate of its band."""
    amount = writer.value(node.amount)
    steps = [(None if s.to is None else writer.value(s.to), writer.value(s.amount)) for s in node.steps]
    if node.progressive:
        below, full = writer.number(0), writer.number(0)
        worths = []
        for to, rate in steps:
            worths.append((to, added(writer, full, multiplied(writer, added(writer, amount, below, "-"), rate), "+")))
            if to is not None:
                full = added(writer, full, multiplied(writer, added(writer, to, below, "-"), rate), "+")
                below = to
        steps = worths
    found = steps[-1][1]
    for to, worth in reversed(steps[:-1]):
        assert to is not None
        found = chosen(writer, writer.compared("<=", amount, to), worth, found)
    # A fault in any step is one of the whole, whichever band the amount falls in.
    parts = [c for step in steps for c in step if c is not None and c.bad is not None]
    frame, spread = writer.together(found, *parts)
    return spread[0].but(frame=frame, bad=writer.either(*(c.bad for c in spread)))


__all__ = ["apply", "brackets", "level", "rounded"]
