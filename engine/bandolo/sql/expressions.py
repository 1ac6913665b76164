"""The nodes of a policy in SQL: one case a node; what has none is refused with its place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Protocol

from sqlglot import exp
from sqlglot.expressions import Expr as Sql

from bandolo.check import core
from bandolo.evaluate.reference import Settings
from bandolo.language.types import BOOLEAN, DATE, DATETIME, MONEY, ListType, OptionalType, RecordType, Type, is_quantity
from bandolo.language.values import NONE, Fault, ListValue, Unknown
from bandolo.language.values import Value as Datum
from bandolo.sql.values import (
    Number,
    Plain,
    Unsupported,
    Value,
    add,
    both,
    branch,
    case,
    compare,
    divide,
    either,
    extreme,
    is_null,
    known,
    literal,
    multiply,
    negated,
    negative,
    number,
    times,
    whole_division,
)  # fmt: skip

COMPARISONS: dict[str, type[exp.Binary]] = {
    "=": exp.EQ, "!=": exp.NEQ, "<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE,
}  # fmt: skip
PARTS = ("year", "month", "day")


class Records(Protocol):
    """Where the values of records are found while an expression is said."""

    @property
    def settings(self) -> Settings: ...

    @property
    def time_zone(self) -> str: ...

    @property
    def dialect(self) -> str: ...

    def column(self, record: core.Expr, key: tuple[str, ...], span_of: core.Expr) -> Value:
        """What has been computed, or given, of a record."""

    def reference(self, record: core.Fact, name: str) -> Value:
        """A fact of a record that a fact refers to."""

    def aggregate(self, node: core.Apply) -> Value:
        """An aggregate over listed records."""

    def bound(self, slot: int) -> Value | None:
        """The value of a slot that holds one."""

    def kept(self, value: Value) -> Value:
        """The same value, as a column of its own where it has grown long."""

    def bind(self, slot: int, value: Value) -> None:
        """Give a slot a value."""


def constant(value: Datum, type_: Type) -> Value:
    """A value that is known beforehand; NULL where it is pending, or has no result."""
    if isinstance(value, Unknown | Fault):
        return missing(type_)
    match value:
        case bool():
            return Plain(exp.true() if value else exp.false())
        case Fraction():
            return number(value)
        case datetime():
            return Plain(exp.cast(exp.Literal.string(value.astimezone(UTC).isoformat(sep=" ")), "TIMESTAMPTZ"))
        case date():
            return Plain(exp.cast(exp.Literal.string(value.isoformat()), "DATE"))
        case str():
            return Plain(exp.Literal.string(value), word=value)
        case _ if value is NONE:
            return Plain(exp.null(), exp.true(), nothing=True)
    raise Unsupported("length-of-time")


def missing(type_: Type) -> Value:
    """NULL, of a type."""
    inner = type_.of if isinstance(type_, OptionalType) else type_
    none = exp.cast(exp.null(), "BOOLEAN") if isinstance(type_, OptionalType) else None
    if inner == MONEY or is_quantity(inner):
        return Number(exp.cast(exp.null(), "INT128"), none=none)
    kinds: dict[Type, str] = {BOOLEAN: "BOOLEAN", DATE: "DATE", DATETIME: "TIMESTAMPTZ"}
    kind = kinds.get(inner, "TEXT")
    return Plain(exp.cast(exp.null(), kind), none)


def truth(node: core.Expr, of: Records) -> Sql:
    """A condition."""
    found = say(node, of)
    assert isinstance(found, Plain)
    return found.sql


def say(node: core.Expr, of: Records) -> Value:
    """An expression in SQL. Raises Unsupported, with its place, for what cannot be said exactly, and Refused for what rests on that."""
    try:
        return of.kept(_said(node, of))
    except Unsupported as error:
        raise Unsupported(error.what, error.span or node.span) from None


def _said(node: core.Expr, of: Records) -> Value:
    match node:
        case core.Constant(value=value):
            return constant(value, node.type)
        case core.Variable(slot=slot) if (bound := of.bound(slot)) is not None:
            return bound
        case core.Fact(record=core.Fact() as reference, name=name, stage=None):
            return of.reference(reference, name)
        case core.Fact(record=record, name=name, stage=stage):
            return of.column(record, ("fact", name, stage or ""), node)
        case core.Computed(record=record, name=name):
            return of.column(record, ("definition", name), node)
        case core.Met(record=record, requirement=name):
            return of.column(record, ("met", name), node)
        case core.Admitted(record=record, stage=stage):
            return of.column(record, ("admitted", stage or ""), node)
        case core.Parameter(name=name):
            return constant(of.settings.parameters[name], node.type)
        case core.Dated():
            return _dated(node, of)
        case core.Option(reading=reading):
            return constant(of.settings.options[reading], node.type)
        case core.AsOf():
            return constant(of.settings.as_of, node.type)
        case core.Apply():
            return _applied(node, of)
        case core.And(parts=parts):
            return Plain(both([truth(p, of) for p in parts]))
        case core.Or(parts=parts):
            return Plain(either([truth(p, of) for p in parts]))
        case core.Not(value=inner):
            return Plain(negated(truth(inner, of)))
        case core.IsNone(value=inner):
            found = say(inner, of)
            return Plain(found.none if found.none is not None else case([(known(found), exp.false())]))
        case core.IsKnown(value=core.Fact() as fact) if not isinstance(fact.record, core.Fact):
            # Only of a fact: a computed value may be known to the engine that is not decided here.
            return Plain(known(say(fact, of)))
        case core.Branches():
            found = say(node.otherwise, of)
            for one in reversed(node.branches):
                found = branch(truth(one.when, of), say(one.value, of), found)
            return found
        case core.Choose():
            return _chosen(node, of)
        case core.Let(slot=slot, value=value, body=body):
            of.bind(slot, say(value, of))
            return say(body, of)
        case core.Share():
            raise Unsupported("share")
        case core.Brackets():
            raise Unsupported("bands")
        case core.Filter() | core.Map() | core.Items():
            raise Unsupported("list")
    raise Unsupported("record")


def _dated(node: core.Dated, of: Records) -> Value:
    """The version in force; NULL on a day that has none."""
    day = say(node.date, of)
    assert isinstance(day, Plain)
    found = missing(node.type)
    for start, end, value in reversed(of.settings.versions[node.name]):
        bounds = []
        for bound, kind in ((start, exp.GTE), (end, exp.LTE)):
            if bound is not None:
                bounds.append(compare(kind, day, constant(bound, DATE)))
        inside = both(bounds) if bounds else negated(is_null(day.sql))
        found = branch(inside, constant(value, node.type), found)
    return found


def _chosen(node: core.Choose, of: Records) -> Value:
    subject = say(node.subject, of)
    assert isinstance(subject, Plain)
    if subject.word is not None:
        chosen = dict(node.options).get(subject.word, node.otherwise)
        assert chosen is not None, "the checker sees to it that every choice is covered"
        return say(chosen, of)
    found = say(node.otherwise, of) if node.otherwise is not None else None
    for word, option in reversed(node.options):
        test = exp.paren(exp.EQ(this=subject.sql.copy(), expression=exp.Literal.string(word)))
        value = say(option, of)
        found = branch(test, value, found if found is not None else missing(node.type))
    assert found is not None
    return found


def _applied(node: core.Apply, of: Records) -> Value:
    name, arguments = node.operation.name, node.arguments
    if isinstance(arguments[0].type, ListType) and node.operation.name != "in":
        if isinstance(arguments[0].type.item, RecordType) or not isinstance(arguments[0], core.Fact | core.Items):
            return of.aggregate(node)
        return _of_values(node, of)
    if name == "in":
        return _contained(node, of)
    if name == "round":
        return _rounded(node, of)
    if any(_is_length(a.type) for a in arguments):
        return _moved(node, of)
    values = [say(a, of) for a in arguments]
    if name in COMPARISONS:
        if any(isinstance(a.type, RecordType) for a in arguments):
            raise Unsupported("record")
        return Plain(compare(COMPARISONS[name], values[0], values[1]))
    if name in ("min", "max"):
        found = values[0]
        for value in values[1:]:
            found = extreme(exp.LTE if name == "min" else exp.GTE, found, value)
        return found
    operations: dict[str, Callable[[Number, Number], Number]] = {
        "+": add, "-": lambda a, b: add(a, negative(b)), "*": multiply, "/": divide,
    }  # fmt: skip
    match values:
        case [Number() as a, Number() as b] if name in operations:
            return operations[name](a, b)
        case [Number() as a] if name == "minus":
            return negative(a)
        case [Number() as a] if name == "abs":
            return Number(exp.Abs(this=a.num.copy()), a.scale, a.den)
        case [Number() as a] if name in ("floor", "ceil"):
            return _to_whole(a, name, of.dialect)
        case [Plain(sql=moment)]:
            return _of_moment(name, moment, arguments[0].type, of)
        case [Plain(sql=first), Plain(sql=second)] if name == "days_between":
            return Number(exp.cast(exp.paren(exp.Sub(this=second.copy(), expression=first.copy())), "INT128"))
    raise Unsupported("operation")


def _is_length(type_: Type) -> bool:
    return str(type_).startswith("duration")


def _of_moment(name: str, moment: Sql, type_: Type, of: Records) -> Value:
    """What is read off a date or an instant, in the policy's time zone."""
    if name == "start_of_minute":
        utc = exp.Literal.string("UTC")
        plain = exp.AtTimeZone(this=moment.copy(), zone=utc)
        return Plain(exp.AtTimeZone(this=exp.TimestampTrunc(this=plain, unit=exp.var("MINUTE")), zone=utc.copy()))
    day = moment.copy()
    if type_ == DATETIME:
        day = exp.cast(exp.paren(exp.AtTimeZone(this=day, zone=exp.Literal.string(of.time_zone))), "DATE")
    if name == "date":
        return Plain(day)
    if name in PARTS:
        return Number(exp.cast(exp.Extract(this=exp.var(name.upper()), expression=day), "INT128"))
    raise Unsupported("operation")


def _moved(node: core.Apply, of: Records) -> Value:
    """A date so many days later, where the length is a constant."""
    first, second = node.arguments[0], node.arguments[-1]
    if node.operation.name not in ("+", "-") or first.type != DATE or not isinstance(second, core.Constant | core.Parameter):
        raise Unsupported("length-of-time")
    length = second.value if isinstance(second, core.Constant) else of.settings.parameters[second.name]
    days, months = getattr(length, "days", None), getattr(length, "months", None)
    if days is None or months:
        raise Unsupported("length-of-time")
    moment = say(first, of)
    assert isinstance(moment, Plain)
    days = days if node.operation.name == "+" else -days
    # A day outside the calendar has no result: kept a margin away from its ends.
    inside = both([compare(exp.GT, moment, constant(date(1, 1, 1).replace(year=1000), DATE)),
                   compare(exp.LT, moment, constant(date(8000, 1, 1), DATE))])  # fmt: skip
    if abs(days) > 300_000:
        raise Unsupported("length-of-time")
    return Plain(case([(inside, exp.paren(exp.Add(this=moment.sql.copy(), expression=literal(days))))]))


def _to_whole(a: Number, name: str, dialect: str) -> Number:
    """The whole number not above, or not below."""
    divisor = times(exp.cast(literal(a.scale), "INT128"), a.den)
    size = whole_division(exp.Abs(this=a.num.copy()), divisor, dialect)
    rest = exp.paren(exp.NEQ(this=times(size, divisor), expression=exp.Abs(this=a.num.copy())))
    more = exp.paren(exp.Add(this=size.copy(), expression=case([(rest, literal(1))], literal(0))))
    below = exp.paren(exp.LT(this=a.num.copy(), expression=literal(0)))
    away, towards = (more, size) if name == "floor" else (size, more)
    return Number(case([(below, exp.paren(exp.Neg(this=away))), (negated(below), towards)]))


def rounded(a: Number, direction: str, step: Fraction, dialect: str) -> Number:
    """A multiple of a step, worked out on whole numbers as the reference does."""
    divisor = times(exp.cast(literal(a.scale * step.numerator), "INT128"), a.den)
    size = times(exp.Abs(this=a.num.copy()), step.denominator)
    whole = whole_division(size, divisor, dialect)
    rest = exp.paren(exp.Sub(this=size, expression=times(whole, divisor)))
    twice = times(rest, 2)
    zero, one = literal(0), literal(1)
    odd = exp.paren(exp.NEQ(this=exp.paren(exp.Mod(this=whole.copy(), expression=literal(2))), expression=zero))
    above = {
        "down": exp.false(),
        "up": exp.GT(this=rest, expression=zero),
        "half_up": exp.GTE(this=twice, expression=divisor),
        "half_even": either([exp.GT(this=twice, expression=divisor), both([exp.EQ(this=twice, expression=divisor), odd])]),
    }[direction]
    count = exp.paren(exp.Add(this=whole.copy(), expression=case([(above, one)], zero)))
    below = exp.paren(exp.LT(this=a.num.copy(), expression=zero))
    signed = case([(below, exp.paren(exp.Neg(this=count))), (negated(below), count)])
    return Number(times(signed, step.numerator), step.denominator)


def _rounded(node: core.Apply, of: Records) -> Value:
    value, direction, step = (say(a, of) for a in node.arguments)
    assert isinstance(value, Number)
    assert isinstance(step, Number)
    if not isinstance(direction, Plain) or direction.word is None or not step.constant or step.constant < 0:
        raise Unsupported("rounding")
    return rounded(value, direction.word, step.constant, of.dialect)


def _contained(node: core.Apply, of: Records) -> Value:
    item, options = node.arguments
    if isinstance(options, core.Items):
        found = say(item, of)
        return Plain(either([compare(exp.EQ, found, say(one, of)) for one in options.items]))
    if isinstance(options, core.Parameter):
        listed = of.settings.parameters[options.name]
        if isinstance(listed, ListValue):
            found = say(item, of)
            item_type = options.type.item if isinstance(options.type, ListType) else item.type
            return Plain(either([compare(exp.EQ, found, constant(m.value, item_type)) for m in listed.members]))
    if isinstance(options, core.Fact) and isinstance(options.type, ListType) and not isinstance(options.type.item, RecordType):
        found, array = say(item, of), say(options, of)
        if isinstance(found, Plain) and isinstance(array, Plain):
            same = exp.EQ(this=exp.column("v", table="u", quoted=True), expression=found.sql.copy())
            hits = _over(array.sql, exp.Count(this=exp.Star()), same)
            sure = both([negated(is_null(found.sql)), negated(is_null(array.sql))])
            return Plain(case([(sure, exp.GT(this=hits, expression=literal(0)))]))
    raise Unsupported("list")


def _over(array: Sql, what: Sql, where: Sql | None = None) -> Sql:
    """One value out of the items of an array."""
    alias = exp.TableAlias(this=exp.to_identifier("u", quoted=True), columns=[exp.to_identifier("v", quoted=True)])
    query = exp.select(what).from_(exp.Unnest(expressions=[array.copy()], alias=alias))
    return exp.paren(exp.Subquery(this=query.where(where.copy()) if where is not None else query))


def _of_values(node: core.Apply, of: Records) -> Value:
    """How many values a fact lists."""
    name = node.operation.name
    if name not in ("count", "count distinct") or not isinstance(node.arguments[0], core.Fact):
        raise Unsupported("list")
    array = say(node.arguments[0], of)
    assert isinstance(array, Plain)
    item = exp.column("v", table="u", quoted=True)
    what = exp.Count(this=exp.Distinct(expressions=[item]) if name == "count distinct" else exp.Star())
    return Number(case([(negated(is_null(array.sql)), exp.cast(_over(array.sql, what), "INT128"))]))


def listed_well(array: Sql, words: tuple[str, ...] | None, most: int) -> Sql:
    """Whether the items of an array are there, among some words, and not too many."""
    item = exp.column("v", table="u", quoted=True)
    wrong: list[Sql] = [is_null(item)]
    if words is not None:
        wrong.append(negated(exp.In(this=item.copy(), expressions=[exp.Literal.string(w) for w in words])))
    bad = _over(array, exp.Count(this=exp.Star()), either(wrong))
    count = _over(array, exp.Count(this=exp.Star()))
    return either([is_null(array), both([exp.EQ(this=bad, expression=literal(0)), exp.LTE(this=count, expression=literal(most))])])
