"""The tables of applications as rows: facts in the form that the view computes with, and whether an application is good data.

What the engine would refuse as bad data (a value out of range, a word that is no choice, two records of one key) makes the application
the engine's, and so does a column of a type that is not exact.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.expressions import Expr as Sql

from bandolo import limits
from bandolo.check import core
from bandolo.language.types import BOOLEAN, DATE, DATETIME, TEXT, ChoiceType, ListType, RecordType, Type
from bandolo.language.values import Unknown
from bandolo.sql.dialects import TYPE_NAMES, listed_well, type_of
from bandolo.sql.expressions import constant
from bandolo.sql.rows import GOOD, KIND, Rows, col, named
from bandolo.sql.scope import refers_well
from bandolo.sql.tables import DECIMALS, MOST, Column, bare, columns, lists_records, sql_type
from bandolo.sql.values import (
    Number,
    Plain,
    Unsupported,
    Value,
    binary,
    both,
    case,
    compare,
    either,
    is_null,
    is_true,
    literal,
    negated,
    parts,
    times,
)  # fmt: skip

RECORDS = "records"
"""The table of all rows, before any step."""


@dataclass
class Read:
    """The facts of one entity as they are computed with: columns (name, expression, type), and the conditions of good data."""

    entity: core.Entity
    columns: list[tuple[str, Sql, str]] = field(default_factory=list)
    sound: list[Sql] = field(default_factory=list)


def begin(rows: Rows) -> list[Read]:
    """Read every table. Raises Unsupported for a fact that no column holds."""
    return [_read(rows, rows.policy.entities[name]) for name in rows.policy.root_names()]


def _read(rows: Rows, entity: core.Entity) -> Read:
    made = Read(entity)

    def show(name: str, sql: Sql, kind: str) -> Sql:
        made.columns.append((name, sql, kind))
        return col(name)

    if entity.key is None and any(e.owner == entity.name for e in rows.policy.entities.values()):
        raise Unsupported("no-key", next(iter(entity.facts.values())).span)
    for column in columns(rows.policy, entity):
        match column.holds:
            case "owner":
                continue
            case "count":
                name = rows.name(f"{entity.name}.{column.name}: how many")
                rows.stored[entity.name, ("listed", column.name)] = Number(show(name, exp.cast(col(column.name), "INT128"), "INT128"))
            case "value":
                value, good = _fact(rows, entity, column)
                kind = "INT128" if isinstance(value, Number) else sql_type(rows.policy, column.type, rows.dialect)
                at = f"{entity.name}.{column.fact.name}" + (f" at {column.stage}" if column.stage else "")
                first = show(rows.name(at), parts(value)[0], kind)
                none = show(rows.name(f"{at} (is none)"), value.none, "BOOLEAN") if value.none is not None else None
                there = Number(first, value.scale, none=none) if isinstance(value, Number) else Plain(first, none)
                rows.stored[entity.name, ("fact", column.fact.name, column.stage or "")] = there
                made.sound += good
    if entity.key is not None:
        key = exp.cast(col(entity.key.name), "TEXT")
        show(f"key of {entity.name}", key, "TEXT")
        found = [exp.EQ(this=exp.StrPosition(this=key.copy(), substr=exp.Literal.string(c)), expression=literal(0)) for c in "[]"]
        made.sound.append(case([(is_null(key), exp.true())], both(found)))
    return made


def _fact(rows: Rows, entity: core.Entity, column: Column) -> tuple[Value, list[Sql]]:
    """A fact as it is computed with, and the conditions of good data."""
    fact, type_, raw = column.fact, column.type, col(column.name)
    absent = is_null(raw)
    good: list[Sql] = []
    none: Sql | None = None
    if fact.optional:
        said = is_true(col(f"{column.name}__none"))
        none = case([(negated(absent), exp.false()), (said, exp.true())])
        good.append(negated(both([said, negated(absent)])))
    value: Value
    if type_ in DECIMALS:
        decimals = DECIMALS[type_]
        good.append(_has_type(raw, TYPE_NAMES[rows.dialect]["number"], rows.dialect))
        fits = exp.LT(this=exp.Abs(this=raw.copy()), expression=exp.cast(literal(MOST), "DECIMAL(20, 0)"))
        held = exp.TryCast if rows.dialect == "spark" else exp.Cast
        exact = held(this=raw.copy(), to=exp.DataType.build(f"DECIMAL({15 + decimals}, {decimals})"))
        good.append(case([(absent, exp.true()), (fits, binary(exp.EQ, exact, raw))]))
        scaled = exp.cast(times(exact, literal(10**decimals)) if decimals else exact, "INT128")
        value = Number(case([(fits, scaled)]), 10**decimals, none=none)
    else:
        text = type_ == TEXT or isinstance(type_, ChoiceType | RecordType)
        value = Plain(exp.cast(raw, "TEXT") if text else raw, none)
        if type_ in TYPE_NAMES[rows.dialect]:
            good.append(_has_type(raw, TYPE_NAMES[rows.dialect][type_], rows.dialect))
        good += _well_formed(type_, fact, value.sql, rows.dialect)
    for bound, kind in zip(rows.settled.ranges[entity.name, fact.name], (exp.GTE, exp.LTE), strict=True):
        if bound is not None and not isinstance(bound, Unknown):
            good.append(case([(absent, exp.true())], compare(kind, value, constant(bound, type_))))
    return value, good


def _has_type(raw: Sql, types: tuple[str, ...], dialect: str) -> Sql:
    """Whether a column is of a type that holds its values exactly."""
    name = type_of(raw, dialect)
    exact = [exp.Literal.string(t) for t in types if "%" not in t]
    found: list[Sql] = [exp.Like(this=name.copy(), expression=exp.Literal.string(t)) for t in types if "%" in t]
    return either([*found, exp.In(this=name, expressions=exact) if len(exact) > 1 else exp.EQ(this=name, expression=exact[0])])


def _well_formed(type_: Type, fact: core.FactDeclaration, value: Sql, dialect: str) -> list[Sql]:
    match type_:
        case ChoiceType(options=options):
            words = [exp.Literal.string(o) for o in options]
            return [case([(is_null(value), exp.true())], exp.In(this=value.copy(), expressions=words))]
        case ListType(item=item):
            if lists_records(fact) or (item != TEXT and not isinstance(item, ChoiceType)):
                raise Unsupported("list", fact.span)
            most = fact.at_most if fact.at_most is not None else limits.LIST_LENGTH
            return [listed_well(value, item.options if isinstance(item, ChoiceType) else None, most, dialect)]
    if type_ in (DATE, DATETIME):
        first, last = ("0001-01-02", "9999-12-30")
        kind = "DATE" if type_ == DATE else "TIMESTAMPTZ"
        low, high = (exp.cast(exp.Literal.string(d if type_ == DATE else f"{d} 00:00:00+00:00"), kind) for d in (first, last))
        return [case([(is_null(value), exp.true())], exp.Between(this=value.copy(), low=low, high=high))]
    if type_ == TEXT:
        short = exp.LTE(this=exp.Length(this=value.copy()), expression=literal(limits.TEXT_CHARACTERS))
        return [case([(is_null(value), exp.true())], short)]
    if type_ != BOOLEAN and not isinstance(type_, RecordType):
        raise Unsupported("length-of-time", fact.span)
    return []


def tables(rows: Rows, read: list[Read]) -> list[tuple[str, Sql]]:
    """The `WITH` tables: of each entity, the facts as they are computed with; and all of them as rows, each beside its owners."""
    found: list[tuple[str, Sql]] = []
    for one in read:
        shown = [exp.alias_(sql, name, quoted=True) for name, sql, _ in one.columns]
        owners = [c for c in columns(rows.policy, one.entity) if c.holds == "owner"]
        shown += [exp.alias_(exp.cast(col(c.name), "TEXT"), f"key of {c.entity}", quoted=True) for c in owners]
        # Not decided is not sound: NULL among the conditions leaves the application to the engine.
        shown.append(exp.alias_(is_true(both(one.sound)), GOOD, quoted=True))
        found.append((f"facts of {one.entity.name}", exp.select(*shown).from_(named(one.entity.name, "t"))))
    branches = [_branch(rows, read, one) for one in read]
    every: Sql = branches[0]
    for branch in branches[1:]:
        every = exp.Union(this=every, expression=branch, distinct=False)
    found.append((RECORDS, every))
    return found


def _branch(rows: Rows, read: list[Read], one: Read) -> exp.Select:
    """The rows of one entity: facts of its own and of its owners, and NULL for all others."""
    owners = rows.owners(one.entity.name)
    shown: list[Sql] = [exp.alias_(exp.Literal.string(one.entity.name), KIND, quoted=True)]
    for other in read:
        place = other.entity.name
        alias = "t" if place == one.entity.name else f"o{owners.index(place)}" if place in owners else None
        for name, _, kind in other.columns:
            shown.append(exp.alias_(col(name, alias) if alias else exp.cast(exp.null(), kind), name, quoted=True))
    shown.append(col(GOOD))
    query = exp.select(*shown).from_(named(f"facts of {one.entity.name}", "t"))
    for n, owner in enumerate(owners[:-1]):
        on = [binary(exp.EQ, col(f"key of {k}", f"o{n}"), col(f"key of {k}")) for k in owners[: n + 1]]
        query = query.join(named(f"facts of {owner}", f"o{n}"), on=exp.and_(*on))
    return query


def end(rows: Rows) -> Sql:
    """Whether an application is good data: as many records as it says, each sound, no key twice, every reference found."""
    policy, root = rows.policy, rows.policy.root
    conditions: list[Sql] = [col(GOOD)]
    for entity in policy.entities.values():
        of_entity: list[Sql] = []
        children = [e for e in policy.entities.values() if e.owner == entity.name]
        if entity.key is not None:
            mine = rows.over(entity.name, f"{entity.name}: of this key", exp.Count(this=case([(rows.is_a(entity.name), literal(1))])))
            alone = exp.EQ(this=mine, expression=literal(1))
            key = col(f"key of {entity.name}")
            of_entity.append(both([negated(is_null(key)), alone]) if children or entity.name == root else either([is_null(key), alone]))
        for child in children:
            assert child.listed_in is not None
            fact = entity.facts[child.listed_in]
            count = rows.over(
                entity.name, f"{entity.name}: rows of {fact.name}", exp.Count(this=case([(rows.is_a(child.name), literal(1))]))
            )
            declared = rows.stored[entity.name, ("listed", fact.name)]
            assert isinstance(declared, Number)
            most = fact.at_most if fact.at_most is not None else limits.LIST_LENGTH
            none = both([is_null(declared.num), exp.EQ(this=count, expression=literal(0))])
            of_entity.append(either([none, both([binary(exp.EQ, count, declared.num), exp.LTE(this=count, expression=literal(most))])]))
        of_entity += _references(rows, entity)
        if of_entity:
            conditions.append(either([negated(rows.is_a(entity.name)), both(of_entity)]))
    good = rows.add("good row", is_true(both(conditions)))
    few = exp.LTE(this=rows.over(root, "rows", exp.Count(this=exp.Star())), expression=literal(limits.RECORDS))
    return both([rows.over(root, "good rows", exp.LogicalAnd(this=good)), few])


def _references(rows: Rows, entity: core.Entity) -> list[Sql]:
    found: list[Sql] = []
    for fact in entity.facts.values():
        type_ = bare(fact.type)
        if not isinstance(type_, RecordType):
            continue
        child = rows.policy.entities[type_.entity]
        if not refers_well(rows.policy, entity.name, child):
            raise Unsupported("reference", fact.span)
        if child.key is None:
            raise Unsupported("no-key", fact.span)
        for stage in fact.asked or ("",):
            pointed = rows.stored[entity.name, ("fact", fact.name, stage)]
            assert isinstance(pointed, Plain)
            hit = both([rows.is_a(child.name), binary(exp.EQ, col(f"key of {child.name}"), pointed.sql)])
            count = rows.over(entity.name, f"{entity.name}.{fact.name}: how many", exp.Count(this=case([(hit, literal(1))])))
            found.append(either([is_null(pointed.sql), exp.EQ(this=count, expression=literal(1))]))
    return found
