"""Values of a policy as expressions of SQL, and exact arithmetic on them.

A number is `num / (scale * den)`: whole numbers in SQL, so that nothing is ever rounded that the policy does not round. SQL's NULL is
"not decided here": a fact that is missing, a computation that may fail. NULL travels as the reference's unknown does, or further.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import gcd, lcm

from sqlglot import exp
from sqlglot.expressions import Expr as Sql

from bandolo.language.types import Language
from bandolo.source import Span

CONSTRUCTS: dict[str, tuple[str, str]] = {
    "list": ("questo uso di un elenco", "this use of a list"),
    "record": ("un record come valore", "a record as a value"),
    "other-record": ("un record che non è né questo né chi lo elenca", "a record that is neither this one nor an owner of it"),
    "reference": ("questo riferimento a un altro record", "this reference to another record"),
    "operation": ("questa operazione", "this operation"),
    "aggregate": ("questo calcolo su un elenco", "this aggregate"),
    "length-of-time": (
        "una durata di mesi e giorni insieme, o come dato",
        "a length of time of months and days together, or given as a fact",
    ),
    "instant-moved": ("una durata aggiunta a un istante", "a length of time added to an instant"),
    "fractions": (
        "un calcolo su un elenco di frazioni con divisori diversi",
        "what is gathered from a list of fractions with different divisors",
    ),
    "share-ties": ("una ripartizione la cui chiave può mancare", "a share whose tie key may be `none` or a fraction"),
    "rounding": ("un arrotondamento con passo o verso calcolati", "rounding whose step or direction is computed"),
    "large-number": ("un numero che il dialetto non tiene", "a number that the dialect does not hold"),
    "column-name": ("un nome che non può essere una colonna", "a name that cannot be a column"),
    "no-key": ("un'entità senza chiave", "an entity without a key"),
    "reach": ("una modifica che vale solo per alcune domande", "an amendment that reaches only some applications"),
}
"""What a view may not be able to say, in Italian and English."""


@dataclass(frozen=True)
class Construct:
    """One of them, as a message says it."""

    name: str

    def said(self, lang: Language) -> str:
        return CONSTRUCTS[self.name][0 if lang == "it" else 1]

    def __str__(self) -> str:
        return self.said("en")


class Unsupported(Exception):
    """A construct that the view cannot say exactly: what it is, and where it is written (None: where the caller is)."""

    def __init__(self, what: str, span: Span | None = None) -> None:
        super().__init__(what)
        self.what, self.span = what, span


class Refused(Exception):
    """It rests on something that has been refused already."""


@dataclass(frozen=True)
class Number:
    """`num / (scale * den)`; `den` is above zero, or NULL where `num` is. `constant` is its value where that is known beforehand."""

    num: Sql
    scale: int = 1
    den: Sql | None = None
    none: Sql | None = None
    constant: Fraction | None = None


@dataclass(frozen=True)
class Plain:
    """Any other value: boolean, text, date, instant. `none` says whether it is `none`, for what may be."""

    sql: Sql
    none: Sql | None = None
    word: str | None = None
    nothing: bool = False
    """It is `none` itself."""


Value = Number | Plain


def parts(value: Value) -> list[Sql]:
    """The expressions that a value is made of, in one order."""
    found = [value.num, value.den, value.none] if isinstance(value, Number) else [value.sql, value.none]
    return [p for p in found if p is not None]


def with_parts(value: Value, new: Sequence[Sql]) -> Value:
    """The same value, made of other expressions."""
    rest = list(new)
    if isinstance(value, Number):
        num = rest.pop(0)
        den = rest.pop(0) if value.den is not None else None
        return Number(num, value.scale, den, rest.pop(0) if value.none is not None else None, value.constant)
    sql = rest.pop(0)
    return Plain(sql, rest.pop(0) if value.none is not None else None, value.word, value.nothing)


def known(value: Value) -> Sql:
    """Whether a value has been decided."""
    made = [value.num, value.den] if isinstance(value, Number) else [value.sql]
    there = both([negated(is_null(p)) for p in made if p is not None])
    if value.none is None:
        return there
    return either([there, exp.Is(this=value.none.copy(), expression=exp.true())])


def wrapped(sql: Sql) -> Sql:
    """An expression that may stand beside any operator."""
    closed = exp.Column | exp.Literal | exp.Func | exp.Paren | exp.Null | exp.Boolean | exp.Window | exp.Subquery
    return sql.copy() if isinstance(sql, closed) and not isinstance(sql, exp.Connector) else exp.paren(sql.copy())


def binary(kind: type[exp.Binary], a: Sql, b: Sql) -> Sql:
    return kind(this=wrapped(a), expression=wrapped(b))


def is_null(sql: Sql) -> Sql:
    return exp.Is(this=wrapped(sql), expression=exp.null())


def is_true(sql: Sql) -> Sql:
    """Whether a condition is decided, and holds."""
    return exp.Coalesce(this=sql.copy(), expressions=[exp.false()])


def both(items: Sequence[Sql]) -> Sql:
    """SQL's `AND`, which is Kleene's."""
    return exp.and_(*(i.copy() for i in items)) if items else exp.true()


def either(items: Sequence[Sql]) -> Sql:
    return exp.or_(*(i.copy() for i in items)) if items else exp.false()


def negated(sql: Sql) -> Sql:
    match sql:
        case exp.Not(this=exp.Paren(this=Sql() as inner)) | exp.Not(this=Sql() as inner):
            return inner.copy()
        case exp.Boolean(this=value):
            return exp.false() if value else exp.true()
        case exp.Is(this=inner, expression=exp.Null()):
            return exp.Is(this=inner.copy(), expression=exp.Not(this=exp.null()))
    return exp.Not(this=wrapped(sql))


def case(rows: Sequence[tuple[Sql, Sql]], otherwise: Sql | None = None) -> Sql:
    """`CASE`; NULL where no condition holds and nothing else is said."""
    found = exp.Case()
    for when, then in rows:
        found = found.when(when.copy(), then.copy())
    return found.else_(otherwise.copy()) if otherwise is not None else found


def branch(test: Sql, yes: Value, no: Value) -> Value:
    """One value or the other; not decided where the test is not."""
    yes, no = alike(yes, no)
    opposite = negated(test)
    merged = [case([(test, a), (opposite, b)]) for a, b in zip(parts(yes), parts(no), strict=True)]
    found = with_parts(yes, merged)
    return replace(found, constant=None) if isinstance(found, Number) else replace(found, word=None, nothing=False)


def alike(a: Value, b: Value) -> tuple[Value, Value]:
    """Two values in one form."""
    if a.none is not None or b.none is not None:
        a, b = (replace(v, none=case([(known(replace(v, none=None)), exp.false())])) if v.none is None else v for v in (a, b))
    a, b = _nothing_like(b, a), _nothing_like(a, b)
    if isinstance(a, Plain) or isinstance(b, Plain):
        assert isinstance(a, Plain), "the checker sees to it that both are of one type"
        assert isinstance(b, Plain)
        return a, b
    scale = lcm(a.scale, b.scale)
    a, b = _scaled(a, scale), _scaled(b, scale)
    if a.den is None and b.den is None:
        return a, b
    return tuple(replace(n, den=one_like(n.num) if n.den is None else n.den) for n in (a, b))  # type: ignore[return-value]


def _nothing_like(other: Value, value: Value) -> Value:
    """`none`, in the form of the value that stands beside it."""
    if isinstance(value, Plain) and value.nothing and isinstance(other, Number):
        return Number(exp.cast(exp.null(), "INT128"), 1, None, value.none)
    return value


def one_like(num: Sql) -> Sql:
    """One where a number is, else NULL."""
    return case([(negated(is_null(num)), exp.Literal.number(1))])


def _scaled(n: Number, scale: int) -> Number:
    return replace(n, num=_at(n, scale), scale=scale)


def _at(n: Number, scale: int) -> Sql:
    """The numerator of a number over another scale, a multiple of its own."""
    if n.constant is not None:
        return exp.cast(literal(int(n.constant * scale)), "INT128")
    return times(n.num, scale // n.scale)


def times(a: Sql, b: Sql | int | None) -> Sql:
    if b is None or b == 1:
        return a.copy()
    return binary(exp.Mul, a, exp.cast(literal(b), "INT128") if isinstance(b, int) else b)


def literal(n: int) -> Sql:
    return exp.Literal.number(n) if n >= 0 else exp.paren(exp.Neg(this=exp.Literal.number(-n)))


def number(value: Fraction) -> Number:
    """A constant."""
    return Number(exp.cast(literal(value.numerator), "INT128"), value.denominator, constant=value)


def add(a: Number, b: Number) -> Number:
    scale = lcm(a.scale, b.scale)
    left, right = times(_at(a, scale), b.den), times(_at(b, scale), a.den)
    total = binary(exp.Add, left, right)
    den = times(a.den, b.den) if a.den is not None else None if b.den is None else b.den.copy()
    return Number(total, scale, den)


def negative(a: Number) -> Number:
    return Number(exp.Neg(this=wrapped(a.num)), a.scale, a.den, constant=None if a.constant is None else -a.constant)


def multiply(a: Number, b: Number) -> Number:
    if a.constant is not None:
        a, b = b, a
    if b.constant is not None:
        factor = b.constant / a.scale
        return Number(times(a.num, factor.numerator), factor.denominator, a.den)
    den = times(a.den, b.den) if a.den is not None else b.den
    return Number(times(a.num, b.num), a.scale * b.scale, den)


def divide(a: Number, b: Number) -> Number:
    """An exact fraction, NULL by a divisor of zero."""
    if b.constant:
        return multiply(a, number(1 / b.constant))
    common = gcd(a.scale, b.scale)
    zero = exp.cast(literal(0), "INT128")
    divisor = exp.Nullif(this=b.num.copy(), expression=zero)
    sign = case([(binary(exp.LT, divisor, zero), literal(-1)), (binary(exp.GT, divisor, zero), literal(1))])
    num = times(times(times(a.num, b.scale // common), b.den), sign)
    return Number(num, a.scale // common, times(exp.Abs(this=divisor), a.den))


def compare(kind: type[exp.Binary], a: Value, b: Value) -> Sql:
    if isinstance(a, Number) and isinstance(b, Number):
        scale = lcm(a.scale, b.scale)
        left, right = times(_at(a, scale), b.den), times(_at(b, scale), a.den)
        return binary(kind, left, right)
    if isinstance(a, Plain) and isinstance(b, Plain):
        return binary(kind, a.sql, b.sql)
    raise AssertionError("the checker compares like with like")


def extreme(kind: type[exp.Binary], a: Value, b: Value) -> Value:
    """Whichever comes first by a comparison; not decided where one of them is not."""
    first = compare(kind, a, b)
    return branch(first, a, b)
