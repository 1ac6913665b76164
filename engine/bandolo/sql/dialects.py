"""What the dialects say differently. All three say the same: a whole number of at least 38 digits, or none where it would not fit."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp
from sqlglot.expressions import Expr as Sql

from bandolo.language.types import BOOLEAN, DATE, DATETIME, Type
from bandolo.sql.values import Unsupported, binary, case, is_null, literal, negated, wrapped

DIALECTS = ("duckdb", "postgres", "spark")
NUMBERS = {"duckdb": "HUGEINT", "postgres": "NUMERIC", "spark": "DECIMAL(38, 0)"}
"""The whole numbers that a view computes with. NUMERIC has no end; beyond the others' a computation ends (DuckDB) or is NULL (Spark)."""
HIGHEST = {"duckdb": 2**127 - 1, "postgres": None, "spark": 10**38 - 1}
MICROSECONDS = 1_000_000

TYPE_NAMES: dict[str, dict[str | Type, tuple[str, ...]]] = {
    "duckdb": {
        "number": ("DECIMAL%", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"),
        DATETIME: ("TIMESTAMP WITH TIME ZONE",), DATE: ("DATE",), BOOLEAN: ("BOOLEAN",),
    },
    "postgres": {
        "number": ("numeric", "smallint", "integer", "bigint"),
        DATETIME: ("timestamp with time zone",), DATE: ("date",), BOOLEAN: ("boolean",),
    },
    "spark": {
        "number": ("decimal(%", "tinyint", "smallint", "int", "bigint"),
        DATETIME: ("timestamp",), DATE: ("date",), BOOLEAN: ("boolean",),
    },
}  # fmt: skip
"""The types of columns that hold their values exactly, as a warehouse names them."""


def call(name: str, *arguments: Sql) -> Sql:
    return exp.Anonymous(this=name, expressions=[a.copy() for a in arguments])


def type_of(column: Sql, dialect: str) -> Sql:
    """The name of a column's type, as text."""
    return exp.cast(call("PG_TYPEOF" if dialect == "postgres" else "TYPEOF", column), "TEXT")


def whole_division(a: Sql, b: Sql, dialect: str) -> Sql:
    """The quotient of whole numbers, towards zero; both are at least zero wherever it is used."""
    match dialect:
        case "postgres":
            return call("DIV", a, b)
        case "spark":
            # Its `div` gives 64 bits; `/` of a multiple is exact, and NULL beyond 32 digits.
            multiple = binary(exp.Sub, a, exp.Mod(this=wrapped(a), expression=wrapped(b)))
            return exp.cast(call("TRY_DIVIDE", multiple, b), "INT128")
    return exp.paren(exp.IntDiv(this=wrapped(a), expression=wrapped(b)))


def for_dialect(sql: Sql, dialect: str) -> Sql:
    """An expression with the numbers of a dialect. In Spark arithmetic that does not fit is NULL, under ANSI mode or not."""
    made = sql.copy().transform(_tried) if dialect == "spark" else sql.copy()
    for kind in list(made.find_all(exp.DataType)):
        if kind.this == exp.DataType.Type.INT128:
            kind.replace(exp.DataType.build(NUMBERS[dialect], dialect=dialect))
    return made


def _tried(node: Sql) -> Sql:
    names: dict[type[Sql], str] = {exp.Add: "TRY_ADD", exp.Sub: "TRY_SUBTRACT", exp.Mul: "TRY_MULTIPLY"}
    if type(node) in names:
        return call(names[type(node)], *(_bare(a) for a in (node.this, node.expression)))
    if isinstance(node, exp.Sum):
        return call("TRY_SUM", node.this)
    return node


def _bare(sql: Sql) -> Sql:
    return sql.this if isinstance(sql, exp.Paren) else sql


# Time.


def instant_text(sql: Sql) -> Sql:
    return exp.cast(sql, "TIMESTAMPTZ")


def day_of(moment: Sql, zone: str, dialect: str) -> Sql:
    """The day of an instant in a time zone, whatever the session's own."""
    if dialect == "spark":
        wall = call("CONVERT_TIMEZONE", exp.Literal.string("UTC"), exp.Literal.string(zone), _utc_in_spark(moment))
        return exp.cast(wall, "DATE")
    return exp.cast(exp.AtTimeZone(this=wrapped(moment), zone=exp.Literal.string(zone)), "DATE")


def _utc_in_spark(moment: Sql) -> Sql:
    """The wall time of UTC: casts would go by the session's zone, whose repeated hour loses which of the two it was."""
    epoch = exp.cast(exp.Literal.string("1970-01-01 00:00:00"), exp.DataType.build("TIMESTAMP_NTZ", dialect="spark"))
    return call("TIMESTAMPADD", exp.var("MICROSECOND"), call("UNIX_MICROS", moment), epoch)


def minute_of(moment: Sql, dialect: str) -> Sql:
    """The instant at which a minute began."""
    if dialect == "spark":
        micros = call("UNIX_MICROS", moment)
        rest = call("PMOD", micros, exp.Literal.number(60 * MICROSECONDS))
        return call("TIMESTAMP_MICROS", call("TRY_SUBTRACT", micros, rest))
    utc = exp.Literal.string("UTC")
    plain = exp.AtTimeZone(this=wrapped(moment), zone=utc)
    return exp.AtTimeZone(this=exp.TimestampTrunc(this=plain, unit=exp.var("MINUTE")), zone=utc.copy())


def part_of(day: Sql, part: str) -> Sql:
    """The year, the month or the day of a date, as a number."""
    return exp.cast(exp.Extract(this=exp.var(part.upper()), expression=wrapped(day)), "INT128")


def days_later(day: Sql, days: Sql, dialect: str) -> Sql:
    """A date so many days later; the number is known to be small."""
    whole = exp.cast(days, "INT")
    return call("DATE_ADD", day, whole) if dialect == "spark" else exp.Add(this=wrapped(day), expression=wrapped(whole))


def months_later(day: Sql, months: Sql, dialect: str) -> Sql:
    """A date so many months later, on the last day of the month where the month has no such day."""
    whole = exp.cast(months, "INT")
    match dialect:
        case "spark":
            return call("ADD_MONTHS", day, whole)
        case "duckdb":
            length = call("TO_MONTHS", whole)
        case _:
            length = call("MAKE_INTERVAL", exp.cast(literal(0), "INT"), whole)
    return exp.cast(exp.Add(this=wrapped(day), expression=length), "DATE")


def days_between(first: Sql, second: Sql, dialect: str) -> Sql:
    difference = call("DATEDIFF", second, first) if dialect == "spark" else exp.Sub(this=wrapped(second), expression=wrapped(first))
    return exp.cast(difference, "INT128")


def month_end(day: Sql, dialect: str) -> Sql:
    """The last day of a date's month."""
    if dialect != "postgres":
        return call("LAST_DAY", day)
    # The first of the next month, less a day.
    first = binary(exp.Sub, day, exp.cast(exp.Extract(this=exp.var("DAY"), expression=wrapped(day)), "INT"))
    next_first = months_later(exp.paren(binary(exp.Add, first, literal(1))), literal(1), dialect)
    return exp.Sub(this=next_first, expression=literal(1))


# Texts and lists.


def starts_with(text: Sql, beginning: Sql, dialect: str) -> Sql:
    return call("STARTSWITH" if dialect == "spark" else "STARTS_WITH", text, beginning)


def contains(text: Sql, part: Sql, dialect: str) -> Sql:
    if dialect == "postgres":
        return exp.GT(this=call("STRPOS", text, part), expression=literal(0))
    return call("CONTAINS", text, part)


def byte_order(sql: Sql, dialect: str) -> Sql:
    """A text as it sorts: byte for byte, which is by code points."""
    return exp.Collate(this=wrapped(sql), expression=exp.to_identifier("C", quoted=True)) if dialect == "postgres" else sql.copy()


def _items(array: Sql, what: Sql, where: Sql | None = None) -> Sql:
    """One value out of the items `u.v` of an array."""
    alias = exp.TableAlias(this=exp.to_identifier("u", quoted=True), columns=[exp.to_identifier("v", quoted=True)])
    query = exp.select(what).from_(exp.Unnest(expressions=[array.copy()], alias=alias))
    return exp.Subquery(this=query.where(where.copy()) if where is not None else query)


def _item() -> Sql:
    return exp.column("v", table="u", quoted=True)


def items_where(array: Sql, test: Callable[[Sql], Sql], dialect: str) -> Sql:
    """For how many items of an array, which is not NULL, a condition holds."""
    if dialect == "spark":
        kept = exp.Lambda(this=test(exp.column("v", quoted=True)), expressions=[exp.to_identifier("v", quoted=True)])
        return call("SIZE", exp.Anonymous(this="FILTER", expressions=[array.copy(), kept]))
    return _items(array, exp.Count(this=exp.Star()), test(_item()))


def count_items(array: Sql, distinct: bool, dialect: str) -> Sql:
    """How many items an array, which is not NULL, has; equal ones once, if so wanted."""
    if dialect == "spark":
        return call("SIZE", call("ARRAY_DISTINCT", array) if distinct else array)
    return _items(array, exp.Count(this=exp.Distinct(expressions=[_item()]) if distinct else exp.Star()))


def listed_well(array: Sql, words: tuple[str, ...] | None, most: int, dialect: str) -> Sql:
    """Whether the items of an array are there, among some words, and not too many."""

    def wrong(item: Sql) -> Sql:
        if words is None:
            return is_null(item)
        return exp.or_(is_null(item), negated(exp.In(this=item.copy(), expressions=[exp.Literal.string(w) for w in words])))

    few = exp.LTE(this=count_items(array, False, dialect), expression=literal(most))
    none_wrong = exp.EQ(this=items_where(array, wrong, dialect), expression=literal(0))
    return case([(is_null(array), exp.true())], exp.and_(none_wrong, few))


def over_items(array: Sql, gathered: Sql, alias: str) -> Sql:
    """An aggregate over the records of an array, in Spark; their columns are those of an alias."""

    def each(body: Sql, *before: str) -> Sql:
        return exp.Lambda(this=body, expressions=[exp.to_identifier(n, quoted=True) for n in (*before, alias)])

    value = gathered.this
    match gathered:
        case exp.LogicalOr():
            return call("EXISTS", array, each(exp.Coalesce(this=value.copy(), expressions=[exp.false()])))
        case exp.Count():
            return call("SIZE", exp.Anonymous(this="FILTER", expressions=[array.copy(), each(negated(is_null(value)))]))
        case exp.Sum():
            total = exp.column("sum", quoted=True)
            more = exp.Add(this=total, expression=exp.paren(value.copy()))
            adding = each(case([(is_null(value), total)], more), "sum")
            return exp.Anonymous(this="AGGREGATE", expressions=[array.copy(), exp.cast(literal(0), "INT128"), adding])
        case exp.Min() | exp.Max():
            values = exp.Anonymous(this="TRANSFORM", expressions=[array.copy(), each(value.copy())])
            return call("ARRAY_MIN" if isinstance(gathered, exp.Min) else "ARRAY_MAX", values)
    raise Unsupported("other-record")


def checked_number(n: int, dialect: str) -> None:
    """Raises Unsupported for a constant that a dialect's whole numbers do not hold."""
    highest = HIGHEST[dialect]
    if highest is not None and abs(n) > highest:
        raise Unsupported("large-number")
