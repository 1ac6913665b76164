"""The operations of the library on columns: whole numbers of known scales; what lacks a form of its own goes value by value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from fractions import Fraction
from math import gcd, lcm
from typing import TYPE_CHECKING, Any

from bandolo.batch.columns import LARGEST, Column, Frame, NotColumnar
from bandolo.batch.helpers import FIRST_INSTANT, LAST_INSTANT
from bandolo.batch.trials import sample
from bandolo.check import core
from bandolo.language.types import BOOLEAN, DATE, DATETIME, INTEGER, MONEY, TEXT, ChoiceType
from bandolo.language.values import Duration

if TYPE_CHECKING:
    from bandolo.batch.writer import Writer

ROUNDED = ("down", "up", "half_up", "half_even")


def apply(writer: Writer, node: core.Apply) -> Column:
    """The column of an operation."""
    word = node.operation.name
    if word == "count distinct":
        return _distinct(writer, writer.value(node.arguments[0]))
    if word in ("count", "sum", "any", "all", "average") or (word in ("min", "max") and len(node.arguments) == 1):
        return _aggregate(writer, word, writer.value(node.arguments[0]))
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
            found = _extreme(writer, word, found, other)
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
        return _whole(writer, writer.wide(arguments[0]), word)
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


def _extreme(writer: Writer, word: str, first: Column, second: Column) -> Column:
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
    made = writer.chosen(test, first, second)
    return made.but(bad=writer.either(made.bad, first.bad, second.bad)) if first.frame is second.frame else made


def _whole(writer: Writer, value: Column, word: str) -> Column:
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


def _same(writer: Writer, first: Column, second: Column) -> Column:
    forms = {first.form, second.form}
    if forms == {"number"}:
        return writer.compared("=", first, second)
    if forms == {"word"}:
        if second.constant is not None:
            return writer.word_is(first, second.constant)
        if first.constant is not None:
            return writer.word_is(second, first.constant)
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
        return _aggregate(writer, "any", listed.but(item=same, values=False))
    if listed.form != "items":
        raise NotColumnar("looks into a list of values")
    options: tuple[Column, ...] = listed.constant
    if item.form == "word" and item.constant is None and all(o.constant is not None for o in options):
        wanted = writer.constant(frozenset(o.constant for o in options))
        codes = writer.emit(f"found_codes({item.words}, {wanted})")
        return Column("flag", item.frame, writer.emit(f"looked_up({codes}, {item.name})"), bad=item.bad)
    tests = [writer.negated(_same(writer, item, option)) for option in options]
    return writer.negated(writer._every(tests))


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
        from bandolo.batch.writer import EPOCH, instant_number
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


# Lists.


def _aggregate(writer: Writer, word: str, listed: Column) -> Column:
    """What a list comes to; in a trial, something else where an owner lacks the list."""
    if listed.lacks is None or writer.trial is None:
        return _aggregated(writer, word, listed)
    assert listed.of is not None
    made = writer.plainly(_aggregated(writer, word, listed.but(lacks=None)))
    if made.constant is not None or made.form not in ("number", "flag"):
        return made.but(bad=listed.lacks)
    type_ = BOOLEAN if made.form == "flag" else INTEGER if word == "count" else MONEY
    value = sample(type_, Fraction(0), None, f"{word} {listed.of.entity}", writer.trial)
    if made.form == "flag":
        return made.but(name=writer.emit(f"np.where({listed.lacks}, {value}, {made.name})"))
    assert isinstance(value, Fraction)
    number = int(value * made.scale)
    under = None if made.under is None else writer.emit(f"np.where({listed.lacks}, 1, {made.under})")
    name = writer.emit(f"np.where({listed.lacks}, {number}, {made.name})")
    return made.but(name=name, low=min(made.low, number), high=max(made.high, number), under=under)


def _aggregated(writer: Writer, word: str, listed: Column) -> Column:
    if listed.form == "items":
        raise NotColumnar("puts written values together")
    if listed.form != "list" or listed.of is None:
        raise NotColumnar("counts a list of values")
    home, frame, item = listed.frame, listed.of, listed.item
    assert home is not None
    bad = listed.bad
    if item is not None and item.bad is not None:
        bad = writer.either(bad, item.bad if listed.mask is None else writer.both(item.bad, listed.mask))
    bad_home = writer.either(listed.lacks, _up_bad(writer, bad, frame, home))
    if word == "count" or (word in ("any",) and item is None):
        made = _count(writer, listed.mask, frame, home).but(bad=bad_home)
        return made if word == "count" else Column("flag", home, writer.emit(f"{made.name} > 0"), bad=bad_home)
    if item is None:
        raise NotColumnar(f"{word} of records")
    if word in ("any", "all"):
        test = item if word == "any" else writer.negated(item)
        mine = [] if listed.mask is None else [Column("flag", frame, listed.mask)]
        hit = writer._every([*mine, test.but(bad=None)])
        if hit.constant is False:
            return writer.value_of(word == "all", BOOLEAN)
        hit = writer.plainly(writer.spread(hit, frame))
        counted = _count(writer, None if hit.constant is True else hit.name, frame, home)
        return Column("flag", home, writer.emit(f"{counted.name} {'>' if word == 'any' else '=='} 0"), bad=bad_home)
    if item.form != "number" or item.under is not None or item.none is not None:
        raise NotColumnar(f"{word} of what is no whole number")
    item = writer.wide(writer.spread(item, frame))
    if item.constant is not None:
        item = item.but(name=writer.emit(f"np.full({frame.name}.count, {item.name})"), constant=None)
    if word in ("min", "max"):
        return _extreme_of(writer, word, item, listed, home, bad_home)
    total = _sum(writer, item, frame, home, listed.mask)
    bad_home = writer.either(bad_home, total.bad)
    if word == "sum":
        return total.but(bad=bad_home)
    count = _count(writer, listed.mask, frame, home)
    return divided(writer, total.but(bad=bad_home), count)


def _distinct(writer: Writer, listed: Column) -> Column:
    """How many different words, dates or numbers there are."""
    item, frame, home = listed.item, listed.of, listed.frame
    if listed.form != "list" or item is None or frame is None or home is None or frame.above is not home:
        raise NotColumnar("counts different values of lists in lists")
    if item.form not in ("word", "number", "flag", "bits") or item.under is not None or item.none is not None or item.constant is not None:
        raise NotColumnar("counts different values that are computed")
    item = writer.plainly(writer.spread(item, frame))
    bad = writer.either(listed.bad, item.bad if listed.mask is None else writer.both(item.bad, listed.mask))
    codes = item.name
    if item.form == "word":  # a table may hold a word twice
        codes = writer.same_words(item)[0].name
    name = writer.emit(f"distinct({codes}, {listed.mask}, {frame.name})")
    return Column("number", home, name, 1, 0, 2**20, bad=writer.either(listed.lacks, _up_bad(writer, bad, frame, home)))


def share(writer: Writer, node: core.Share) -> Column:
    """This record's part of a total by largest remainder, worked out for all owners at once."""
    this = writer.slots[0]
    owner = writer._owner(this, node.owner)
    kept = dict(writer.slots)
    writer.slots = {0: owner}
    total, among = writer.value(node.total), writer.value(node.among)
    if among.form != "list" or among.of is None or among.item is not None or among.frame is not owner.of:
        raise NotColumnar("shares a total among what is no plain list")
    frame = among.of
    if frame.above is not owner.of or this.of is None or this.of.entity != frame.entity or this.of.above is not owner.of:
        raise NotColumnar("shares a total among records of another kind")
    writer.slots[node.slot] = Column("record", frame, "", of=frame)
    weight, ties = writer.value(node.weight), writer.value(node.ties)
    writer.slots = kept
    direction = writer.settled.settings.money_rounding
    if not isinstance(direction, str):
        raise NotColumnar("how amounts are rounded is open")
    total = rounded(writer, total, direction, Fraction(1, 100))
    if total.constant is None:
        total = writer.scaled(total, 100)
    elif total.scale != 100:
        total = Column("number", None, str(int(total.constant * 100)), 100, int(total.constant * 100), int(total.constant * 100))
    weight = writer.wide(writer.spread(weight, frame))
    if weight.form != "number" or weight.under is not None or weight.frame is not frame or ties.frame is not frame:
        raise NotColumnar("shares a total by weights that are no whole numbers")
    rank = ties.name
    if ties.form == "word":
        (coded, words) = writer.same_words(ties)
        rank = writer.emit(f"ranked({words}, {coded.name})")
    elif ties.form != "number" or ties.under is not None:
        raise NotColumnar("breaks ties by what has no order")
    name, bad = writer.emit_pair(f"allocated({total.name}, {weight.name}, {among.mask}, {rank}, {frame.name})")
    unsure = writer.either(among.bad, weight.bad, ties.bad)
    assert frame.above is not None
    bads = writer.either(total.bad, among.lacks, _up_bad(writer, unsure, frame, frame.above), bad)
    of_owner = None
    if bads is not None:
        of_owner = writer.spread(Column("flag", frame.above, "True", bad=bads), frame).bad
    return Column("number", this.of, name, 100, 0, LARGEST, bad=of_owner)


def _steps(frame: Frame, home: Frame) -> list[Frame]:
    path, current = [], frame
    while current is not home:
        path.append(current)
        assert current.above is not None
        current = current.above
    return path


def _up_bad(writer: Writer, bad: str | None, frame: Frame, home: Frame) -> str | None:
    if bad is None:
        return None
    for step in _steps(frame, home):
        bad = writer.emit(f"some_bad({bad}, {step.name})")
    return bad


def _count(writer: Writer, mask: str | None, frame: Frame, home: Frame) -> Column:
    steps = _steps(frame, home)
    if mask is None:
        name = writer.emit(f"{steps[0].name}.counts")
    else:
        bits, bit = writer.packed(mask, steps[0])
        name = writer.emit(f"tally({bits}, {bit}, {steps[0].name})")
    for step in steps[1:]:
        name = writer.emit(f"total({name}, {step.name})")
    return Column("number", home, name, 1, 0, 2**20)


def _sum(writer: Writer, item: Column, frame: Frame, home: Frame, mask: str | None) -> Column:
    made = item.but(bad=None)
    for step in _steps(frame, home):
        assert step.above is not None
        many = most_of(writer, step)
        low, high = min(made.low * many, 0), max(made.high * many, 0)
        if max(-low, high) <= LARGEST:
            kept = "" if mask is None else f", {writer.emit(f'wide_mask({mask})')}"
            made = made.but(name=writer.emit(f"total({made.name}, {step.name}{kept})"), low=low, high=high, frame=step.above)
        else:
            values = made.name if mask is None else writer.emit(f"{made.name} & {writer.emit(f'wide_mask({mask})')}")
            name, bad = writer.emit_pair(f"total_checked({values}, {step.name})")
            bads = writer.either(_up_bad(writer, made.bad, step, step.above), bad)
            made = made.but(name=name, low=-LARGEST, high=LARGEST, bad=bads, frame=step.above)
        mask = None
    return made


def most_of(writer: Writer, frame: Frame) -> int:
    """How many records one owner has at most."""
    from bandolo import limits

    owner, _, listed = frame.entity.partition(".")
    if listed:
        most = writer.policy.entities[owner].facts[listed].at_most
        return limits.LIST_LENGTH if most is None else most
    entity = writer.policy.entities[frame.entity]
    assert entity.owner is not None
    assert entity.listed_in is not None
    at_most = writer.policy.entities[entity.owner].facts[entity.listed_in].at_most
    return limits.LIST_LENGTH if at_most is None else at_most


def _extreme_of(writer: Writer, word: str, item: Column, listed: Column, home: Frame, bad: str | None) -> Column:
    assert listed.of is not None
    limit = LARGEST if word == "min" else -LARGEST
    name = item.name if listed.mask is None else writer.emit(f"np.where({listed.mask}, {item.name}, {limit})")
    for step in _steps(listed.of, home):
        name = writer.emit(f"grouped(np.{word}imum, {name}, {step.name}, {limit})")
    none = writer.emit(f"{name} == {limit}")
    return Column("number", home, name, item.scale, item.low, item.high, bad=writer.either(bad, none))


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
        found = writer.chosen(writer.compared("<=", amount, to), worth, found)
    # A fault in any step is one of the whole, whichever band the amount falls in.
    parts = [c for step in steps for c in step if c is not None and c.bad is not None]
    frame, spread = writer.together(found, *parts)
    return spread[0].but(frame=frame, bad=writer.either(*(c.bad for c in spread)))


__all__ = ["TEXT", "Callable", "ChoiceType", "apply", "brackets", "share"]
