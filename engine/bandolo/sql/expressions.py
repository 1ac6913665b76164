"""The nodes of a policy in SQL: one case a node; what has none is refused with its place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from fractions import Fraction

from sqlglot import exp
from sqlglot.expressions import Expr as Sql

from bandolo.check import core
from bandolo.language.types import BOOLEAN, DATE, DATETIME, MONEY, ListType, OptionalType, RecordType, Type, is_quantity
from bandolo.language.values import NONE, Duration, Fault, ListValue, Unknown
from bandolo.language.values import Value as Datum
from bandolo.sql import dialects, moments
from bandolo.sql.arithmetic import brackets, power, rounded, to_whole
from bandolo.sql.faults import Faults
from bandolo.sql.lists import Gatherer
from bandolo.sql.scope import Scope
from bandolo.sql.shares import share
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
)  # fmt: skip

COMPARISONS: dict[str, type[exp.Binary]] = {
    "=": exp.EQ, "!=": exp.NEQ, "<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE,
}  # fmt: skip
HIGHEST_POWER = 8


def constant(value: Datum, type_: Type) -> Value:
    """A value that is known beforehand; NULL where it is pending, or has no result."""
    if isinstance(value, Unknown | Fault):
        return missing(type_)
    match value:
        case bool():
            return Plain(exp.true() if value else exp.false())
        case Fraction():
            return number(value)
        case Duration():
            return number(Fraction(moments.length(value, type_)))
        case datetime():
            return Plain(exp.cast(exp.Literal.string(value.astimezone(UTC).isoformat(sep=" ")), "TIMESTAMPTZ"))
        case date():
            return Plain(exp.cast(exp.Literal.string(value.isoformat()), "DATE"))
        case str():
            return Plain(exp.Literal.string(value), word=value)
        case _ if value is NONE:
            return Plain(exp.null(), exp.true(), nothing=True)
    raise Unsupported("operation")


def missing(type_: Type) -> Value:
    """NULL, of a type."""
    inner = type_.of if isinstance(type_, OptionalType) else type_
    none = exp.cast(exp.null(), "BOOLEAN") if isinstance(type_, OptionalType) else None
    if inner == MONEY or is_quantity(inner) or moments.is_length(inner):
        return Number(exp.cast(exp.null(), "INT128"), none=none)
    kinds: dict[Type, str] = {BOOLEAN: "BOOLEAN", DATE: "DATE", DATETIME: "TIMESTAMPTZ"}
    return Plain(exp.cast(exp.null(), kinds.get(inner, "TEXT")), none)


def truth(node: core.Expr, of: Scope) -> Sql:
    """A condition."""
    found = say(node, of)
    assert isinstance(found, Plain)
    return found.sql


def say(node: core.Expr, of: Scope) -> Value:
    """An expression in SQL. Raises Unsupported, with its place, for what cannot be said exactly, and Refused for what rests on that."""
    try:
        return of.kept(_said(node, of))
    except Unsupported as error:
        raise Unsupported(error.what, error.span or node.span) from None


def _said(node: core.Expr, of: Scope) -> Value:
    match node:
        case core.Constant(value=value):
            return constant(value, node.type)
        case core.Variable(slot=slot) if (bound := of.bound(slot)) is not None:
            return bound
        case core.Fact() | core.Computed() | core.Met() | core.Admitted():
            key = _key(node)
            return of.reference(node.record, key) if isinstance(node.record, core.Fact) else of.column(node.record, key)
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
                found = of.kept(branch(truth(one.when, of), say(one.value, of), found))
            return found
        case core.Choose():
            return _chosen(node, of)
        case core.Let(slot=slot, value=value, body=body):
            of.bind(slot, say(value, of))
            return say(body, of)
        case core.Share():
            return share(node, of, say)
        case core.Brackets():
            return _brackets(node, of)
        case core.Filter() | core.Map() | core.Items():
            raise Unsupported("list")
    raise Unsupported("record")


def _key(node: core.Fact | core.Computed | core.Met | core.Admitted) -> tuple[str, ...]:
    """Under which key a row keeps what is known of its record."""
    match node:
        case core.Fact(name=name, stage=stage):
            return "fact", name, stage or ""
        case core.Computed(name=name):
            return "definition", name
        case core.Met(requirement=name):
            return "met", name
        case core.Admitted(stage=stage):
            return "admitted", stage or ""


def _dated(node: core.Dated, of: Scope) -> Value:
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


def _chosen(node: core.Choose, of: Scope) -> Value:
    subject = say(node.subject, of)
    assert isinstance(subject, Plain)
    if subject.word is not None:
        chosen = dict(node.options).get(subject.word, node.otherwise)
        assert chosen is not None, "the checker sees to it that every choice is covered"
        return say(chosen, of)
    found = say(node.otherwise, of) if node.otherwise is not None else None
    for word, option in reversed(node.options):
        value = say(option, of)
        test = compare(exp.EQ, subject, Plain(exp.Literal.string(word)))
        found = branch(test, value, found if found is not None else missing(node.type))
    assert found is not None
    return found


def _brackets(node: core.Brackets, of: Scope) -> Value:
    amount = say(node.amount, of)
    assert isinstance(amount, Number)
    steps: list[tuple[Number | None, Value]] = []
    for step in node.steps:
        to = say(step.to, of) if step.to is not None else None
        assert to is None or isinstance(to, Number)
        steps.append((to, say(step.amount, of)))
    return brackets(amount, steps, node.progressive)


def _applied(node: core.Apply, of: Scope) -> Value:
    name, arguments = node.operation.name, node.arguments
    if isinstance(arguments[0].type, ListType) and name != "in":
        if isinstance(arguments[0].type.item, RecordType) or not isinstance(arguments[0], core.Fact | core.Items):
            return Gatherer(of, node, say, Faults(of.policy, of.rows.settled)).made()
        return _of_values(node, of)
    if name == "in":
        return _contained(node, of)
    if name == "round":
        return _rounded(node, of)
    if name in COMPARISONS and any(isinstance(a.type, RecordType) for a in arguments):
        same = of.same_record(arguments[0], arguments[1])
        return Plain(same if name == "=" else negated(same))
    if name in ("+", "-") and arguments[0].type in (DATE, DATETIME) and moments.is_length(arguments[1].type):
        moment = say(arguments[0], of)
        assert isinstance(moment, Plain)
        fixed = moments.fixed_length(arguments[1], of.settings.parameters)
        length = say(arguments[1], of) if fixed is None else fixed
        assert isinstance(length, Number | Duration)
        return moments.moved_by(node, moment.sql, length, of.policy.conventions.month_rounding, of.dialect)
    if name == "days" or (name == "months" and moments.in_months(arguments[0].type)):
        return say(arguments[0], of)
    values = [say(a, of) for a in arguments]
    if any(v.none is not None for v in values):
        values = [v if v.none is None else _there(v) for v in values]
    if name in COMPARISONS:
        return Plain(compare(COMPARISONS[name], values[0], values[1]))
    if name in ("min", "max"):
        found = values[0]
        for value in values[1:]:
            found = of.kept(extreme(exp.LTE if name == "min" else exp.GTE, found, value))
        return found
    return _computed(node, values, of)


def _there(value: Value) -> Value:
    """A value that is not `none`: the checker lets no other be computed with."""
    return Number(value.num, value.scale, value.den) if isinstance(value, Number) else Plain(value.sql)


def _computed(node: core.Apply, values: list[Value], of: Scope) -> Value:
    name, arguments = node.operation.name, node.arguments
    operations: dict[str, Callable[[Number, Number], Number]] = {
        "+": add, "-": lambda a, b: add(a, negative(b)), "*": multiply, "/": divide,
    }  # fmt: skip
    match values:
        case [Number() as a, Number() as b] if name in operations:
            return operations[name](a, b)
        case [Number() as a, Number(constant=Fraction() as exponent)] if name == "^" and 0 <= exponent <= HIGHEST_POWER:
            return power(a, int(exponent))
        case [Number() as a] if name == "minus":
            return negative(a)
        case [Number() as a] if name == "abs":
            return Number(exp.Abs(this=a.num.copy()), a.scale, a.den)
        case [Number() as a] if name in ("floor", "ceil"):
            return to_whole(a, name, of.dialect)
        case [Plain(sql=text)] if name == "length":
            return Number(exp.cast(exp.Length(this=text.copy()), "INT128"))
        case [Plain(sql=moment)] if arguments[0].type in (DATE, DATETIME):
            return moments.of_moment(name, moment, arguments[0].type, of.policy.conventions, of.dialect)
        case [Plain(sql=first), Plain(sql=second)]:
            match name:
                case "days_between":
                    return Number(dialects.days_between(first, second, of.dialect))
                case "-" if arguments[0].type == DATE:
                    return Number(dialects.days_between(second, first, of.dialect))
                case "months_between" | "years_between":
                    return moments.whole_months(first, second, name == "years_between", of.dialect)
                case "starts_with":
                    return Plain(dialects.starts_with(first, second, of.dialect))
                case "contains":
                    return Plain(dialects.contains(first, second, of.dialect))
    raise Unsupported("operation")


def _rounded(node: core.Apply, of: Scope) -> Value:
    value, direction, step = (say(a, of) for a in node.arguments)
    assert isinstance(value, Number)
    assert isinstance(step, Number)
    if not isinstance(direction, Plain) or direction.word is None or not step.constant or step.constant < 0:
        raise Unsupported("rounding")
    return rounded(value, direction.word, step.constant, of.dialect)


def _contained(node: core.Apply, of: Scope) -> Value:
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
            one = found.sql
            hits = dialects.items_where(array.sql, lambda v: compare(exp.EQ, Plain(v), Plain(one)), of.dialect)
            sure = both([negated(is_null(one)), negated(is_null(array.sql))])
            return Plain(case([(sure, exp.GT(this=hits, expression=literal(0)))]))
    raise Unsupported("list")


def _of_values(node: core.Apply, of: Scope) -> Value:
    """How many values a fact lists."""
    name = node.operation.name
    if name not in ("count", "count distinct") or not isinstance(node.arguments[0], core.Fact):
        raise Unsupported("list")
    array = say(node.arguments[0], of)
    assert isinstance(array, Plain)
    how_many = dialects.count_items(array.sql, name == "count distinct", of.dialect)
    return Number(case([(negated(is_null(array.sql)), exp.cast(how_many, "INT128"))]))
