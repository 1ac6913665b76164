"""The first link of each chain: the facts of an input table in the form that the view computes with, and whether they are good data.

What the engine would refuse as bad data (a value out of range, a word that is no choice, two records of one key) makes the application
the engine's, and so does a column of a type that is not exact.
"""

from __future__ import annotations

from sqlglot import exp
from sqlglot.expressions import Expr as Sql

from bandolo import limits
from bandolo.check import core
from bandolo.evaluate.settle import Settled
from bandolo.language.types import BOOLEAN, DATE, DATETIME, TEXT, ChoiceType, ListType, RecordType, Type
from bandolo.language.values import Unknown
from bandolo.sql.expressions import constant, listed_well
from bandolo.sql.scope import Chains, col, moved, named
from bandolo.sql.tables import DECIMALS, MOST, Column, bare, columns, lists_records
from bandolo.sql.values import Number, Plain, Unsupported, Value, both, case, compare, either, is_null, literal, negated, parts

WHOLE = {"duckdb": ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"), "postgres": ("smallint", "integer", "bigint")}
TYPES: dict[tuple[str, Type], tuple[str, ...]] = {
    ("duckdb", DATETIME): ("TIMESTAMP WITH TIME ZONE",), ("postgres", DATETIME): ("timestamp with time zone",),
    ("duckdb", DATE): ("DATE",), ("postgres", DATE): ("date",),
    ("duckdb", BOOLEAN): ("BOOLEAN",), ("postgres", BOOLEAN): ("boolean",),
}  # fmt: skip


def begin(chains: Chains, settled: Settled, entity: core.Entity) -> None:
    """Start the chain of an entity. Raises Unsupported for a fact that no column holds."""
    table = columns(chains.policy, entity)
    shown: list[Sql] = []
    sound: list[Sql] = []
    stored: list[tuple[tuple[str, ...], Value]] = []
    keys: list[str] = []

    def show(sql: Sql, name: str) -> Sql:
        shown.append(exp.alias_(sql, name, quoted=True))
        return col(name)

    for column in table:
        if column.holds == "none":
            continue
        if column.holds == "owner":
            keys.append(f"key of {column.entity}")
            show(exp.cast(col(column.name), "TEXT"), keys[-1])
            continue
        if column.holds == "count":
            stored.append((("listed", column.name), Number(show(exp.cast(col(column.name), "INT128"), chains.name(column.name)))))
            continue
        value, good = _fact(chains, settled, entity, column)
        names = [chains.name(column.name) for _ in (0, 1)]
        first = show(value.num if isinstance(value, Number) else value.sql, names[0])
        none = show(value.none, names[1]) if value.none is not None else None
        there = Number(first, value.scale, none=none) if isinstance(value, Number) else Plain(first, none)
        stored.append((("fact", column.fact.name, column.stage or ""), there))
        sound += good
        if column.fact.key:
            keys.append(f"key of {entity.name}")
            show(exp.cast(col(column.name), "TEXT"), keys[-1])
            text = exp.cast(col(column.name), "TEXT")
            sound += [
                either([is_null(text), exp.EQ(this=exp.StrPosition(this=text, substr=exp.Literal.string(c)), expression=literal(0))])
                for c in "[]"
            ]
    if entity.key is None and any(e.owner == entity.name for e in chains.policy.entities.values()):
        raise Unsupported("no-key", next(iter(entity.facts.values())).span)
    if entity.key is not None:
        partition = [exp.cast(col(c.name), "TEXT") for c in table if c.holds == "owner" or (c.fact.key and c.holds == "value")]
        alone = exp.Window(this=exp.Count(this=exp.Star()), partition_by=partition)
        show(exp.EQ(this=alone, expression=literal(1)), "single")
        chains.keys[entity.name] = keys
    show(exp.true(), "row")
    # Not decided is not sound: NULL among the conditions leaves the application to the engine.
    show(exp.Coalesce(this=both(sound), expressions=[exp.false()]), "sound")
    chains.last[entity.name] = chains.link(entity.name, exp.select(*shown).from_(named(entity.name, "t")))
    for key, value in stored:
        chains.stored[entity.name, key] = value
    chains.stored[entity.name, ("sound",)] = Plain(col("sound"))


def _fact(chains: Chains, settled: Settled, entity: core.Entity, column: Column) -> tuple[Value, list[Sql]]:
    """A fact as it is computed with, and the conditions of good data."""
    fact, type_, raw = column.fact, column.type, col(column.name)
    absent = is_null(raw)
    good: list[Sql] = []
    none: Sql | None = None
    if fact.optional:
        said = exp.Coalesce(this=col(f"{column.name}__none"), expressions=[exp.false()])
        none = case([(negated(absent), exp.false()), (said, exp.true())])
        good.append(negated(both([said, negated(absent)])))
    value: Value
    if type_ in DECIMALS:
        decimals = DECIMALS[type_]
        exact = ("DECIMAL%",) if chains.dialect == "duckdb" else ("numeric",)
        good.append(_has_type(raw, (*exact, *WHOLE[chains.dialect]), chains.dialect))
        fits = exp.LT(this=exp.Abs(this=raw.copy()), expression=exp.cast(literal(MOST), "DECIMAL(20, 0)"))
        held = exp.cast(raw.copy(), f"DECIMAL({15 + decimals}, {decimals})")
        good += [either([absent, both([fits, case([(fits, exp.EQ(this=held, expression=raw.copy()))])])])]
        scaled = exp.cast(exp.paren(exp.Mul(this=held, expression=literal(10**decimals))), "INT128")
        value = Number(case([(fits, scaled)]), 10**decimals, none=none)
    else:
        value = Plain(exp.cast(raw.copy(), "TEXT") if type_ == TEXT or isinstance(type_, ChoiceType | RecordType) else raw, none)
        if (chains.dialect, type_) in TYPES:
            good.append(_has_type(raw, TYPES[chains.dialect, type_], chains.dialect))
        good += _well_formed(type_, fact, value.sql)
    for bound, kind in zip(settled.ranges[entity.name, fact.name], (exp.GTE, exp.LTE), strict=True):
        if bound is not None and not isinstance(bound, Unknown):
            good.append(either([absent, compare(kind, value, constant(bound, type_))]))
    return value, good


def _has_type(raw: Sql, types: tuple[str, ...], dialect: str) -> Sql:
    """Whether a column is of a type that holds its values exactly."""
    name = exp.Anonymous(this="TYPEOF" if dialect == "duckdb" else "PG_TYPEOF", expressions=[raw.copy()])
    text = exp.cast(name, "TEXT")
    return either([(exp.Like if "%" in t else exp.EQ)(this=text.copy(), expression=exp.Literal.string(t)) for t in types])


def _well_formed(type_: Type, fact: core.FactDeclaration, value: Sql) -> list[Sql]:
    match type_:
        case ChoiceType(options=options):
            words = [exp.Literal.string(o) for o in options]
            return [either([is_null(value), exp.In(this=value.copy(), expressions=words)])]
        case ListType(item=item):
            if lists_records(fact) or (item != TEXT and not isinstance(item, ChoiceType)):
                raise Unsupported("list", fact.span)
            most = fact.at_most if fact.at_most is not None else limits.LIST_LENGTH
            return [listed_well(value, item.options if isinstance(item, ChoiceType) else None, most)]
    if type_ in (DATE, DATETIME):
        first, last = ("0001-01-02", "9999-12-30")
        kind = "DATE" if type_ == DATE else "TIMESTAMPTZ"
        low, high = (exp.cast(exp.Literal.string(d if type_ == DATE else f"{d} 00:00:00+00:00"), kind) for d in (first, last))
        return [either([is_null(value), both([exp.GTE(this=value.copy(), expression=low), exp.LTE(this=value.copy(), expression=high)])])]
    if type_ == TEXT:
        short = exp.LTE(this=exp.Length(this=value.copy()), expression=literal(limits.TEXT_CHARACTERS))
        return [either([is_null(value), short])]
    if type_ != BOOLEAN and not isinstance(type_, RecordType):
        raise Unsupported("length-of-time", fact.span)
    return []


def whole(chains: Chains, entity: str, alias: str) -> Sql:
    """Whether a record and all that it lists are good data, as far as that has been worked out."""
    found = chains.stored.get((entity, ("whole",)), chains.stored[entity, ("sound",)])
    return parts(moved(found, alias))[0]


def end(chains: Chains, entity: core.Entity) -> None:
    """Say of a record whether its lists are sound too: as many records as it says, each sound, no key twice, every reference found."""
    policy = chains.policy
    for child in [e for e in policy.entities.values() if e.owner == entity.name]:
        assert child.listed_in is not None
        fact = entity.facts[child.listed_in]
        there = negated(is_null(col("row", "i")))
        made: list[Sql] = [
            exp.Count(this=case([(there, literal(1))])),
            exp.Coalesce(this=exp.LogicalAnd(this=either([negated(there), whole(chains, child.name, "i")])), expressions=[exp.true()]),
        ]
        if child.key is not None:
            key = col(f"key of {child.name}", "i")
            made += [exp.Count(this=key), exp.Count(this=exp.Distinct(expressions=[key.copy()]))]
        referring = [f for f in entity.facts.values() if bare(f.type) == RecordType(child.name)]
        if referring and child.key is None:
            raise Unsupported("no-key", referring[0].span)
        for f in referring:
            pointed = chains.stored[entity.name, ("fact", f.name, f.asked[0] if f.asked else "")]
            assert isinstance(pointed, Plain)
            hit = exp.EQ(this=col(f"key of {child.name}", "i"), expression=pointed.sql.copy())
            made.append(exp.Count(this=case([(hit, literal(1))])))
        found = chains.gathered(entity.name, child.name, ("sound",), made)
        declared = chains.stored[entity.name, ("listed", fact.name)]
        assert isinstance(declared, Number)
        most = fact.at_most if fact.at_most is not None else limits.LIST_LENGTH
        conditions: list[Sql] = [
            whole(chains, entity.name, "t"),
            exp.EQ(this=found[0], expression=declared.num.copy()),
            exp.LTE(this=found[0].copy(), expression=literal(most)),
            found[1],
        ]
        if child.key is not None:
            conditions.append(exp.EQ(this=found[2], expression=found[3]))
        for f, count in zip(referring, found[4:] if child.key is not None else [], strict=True):
            pointed = chains.stored[entity.name, ("fact", f.name, f.asked[0] if f.asked else "")]
            assert isinstance(pointed, Plain)
            conditions.append(either([is_null(pointed.sql), exp.EQ(this=count, expression=literal(1))]))
        chains.extend(entity.name, ("whole",), Plain(exp.Coalesce(this=both(conditions), expressions=[exp.false()])))
