"""Chains of `WITH` tables, one for each kind of record: each link adds a column, and reads only links before it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sqlglot import exp
from sqlglot.expressions import Expr as Sql

from bandolo.check import core
from bandolo.evaluate.reference import Settings
from bandolo.language.types import ListType, RecordType
from bandolo.sql.expressions import say
from bandolo.sql.tables import bare
from bandolo.sql.values import (
    Number,
    Plain,
    Refused,
    Unsupported,
    Value,
    both,
    case,
    either,
    is_null,
    known,
    literal,
    negated,
    parts,
    with_parts,
)  # fmt: skip

LONG = 120
"""An expression of more nodes becomes a column: what is used twice would double at every level."""
Key = tuple[str, ...]


def col(name: str, table: str = "t") -> Sql:
    return exp.column(name, table=table, quoted=True)


def quoted(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=True)


def named(table: str, alias: str) -> Sql:
    """A table, by another name."""
    return exp.alias_(exp.Table(this=quoted(table)), alias, table=True, quoted=True)


def moved(value: Value, alias: str) -> Value:
    """A stored value, read by another name of its table."""
    return with_parts(value, [col(p.name, alias) for p in parts(value)])


@dataclass
class Chains:
    """The links so far, the last one of each entity, and the columns that it has (as values of the table `t`)."""

    policy: core.Policy
    settings: Settings
    dialect: str
    links: list[tuple[str, exp.Select]] = field(default_factory=list)
    last: dict[str, str] = field(default_factory=dict)
    stored: dict[tuple[str, Key], Value] = field(default_factory=dict)
    keys: dict[str, list[str]] = field(default_factory=dict)
    """The columns that name a record of an entity; those of its owners have the same names in its own table."""
    count: int = 0

    def name(self, of: str) -> str:
        self.count += 1
        return f"{''.join(c for c in of if c.isalnum() or c == '_')[:40]}_{self.count}"

    def link(self, name: str, query: exp.Select) -> str:
        made = self.name(name)
        self.links.append((made, query))
        return made

    def extend(self, entity: str, key: Key, value: Value) -> Value:
        """Store a value, said of the table `t`, as columns of an entity."""
        names = [self.name("_".join(key)) for _ in parts(value)]
        added = [exp.alias_(p, n, quoted=True) for p, n in zip(parts(value), names, strict=True)]
        query = exp.select(exp.Column(this=exp.Star(), table=quoted("t")), *added).from_(self.table(entity, "t"))
        self.last[entity] = self.link(entity, query)
        found = with_parts(value, [col(n) for n in names])
        self.stored[entity, key] = found
        return found

    def table(self, entity: str, alias: str) -> Sql:
        return named(self.last[entity], alias)

    def _fetched(self, entity: str, key: Key, source: str, names: list[str], keys: list[str], value: Value) -> Value:
        """Store columns of another table beside those of an entity, by keys."""
        new = [self.name("_".join(key)) for _ in names]
        added = [exp.alias_(col(n, "o"), m, quoted=True) for n, m in zip(names, new, strict=True)]
        query = exp.select(exp.Column(this=exp.Star(), table=quoted("t")), *added).from_(self.table(entity, "t"))
        on = both([exp.EQ(this=col(k, "o"), expression=col(k)) for k in keys] + [col("single", "o")])
        other = named(source, "o")
        query = query.join(other, on=on, join_type="left")
        self.last[entity] = self.link(entity, query)
        found = with_parts(value, [col(n) for n in new])
        self.stored[entity, key] = found
        return found

    def of_owner(self, entity: str, owner: str, key: Key) -> Value:
        """A value of an owner, beside a record of an entity."""
        at = ("owner", owner, *key)
        if (entity, at) not in self.stored:
            value = self.stored[owner, key]
            return self._fetched(entity, at, self.last[owner], [p.name for p in parts(value)], self.keys[owner], value)
        return self.stored[entity, at]

    def gathered(self, entity: str, item: str, key: Key, made: list[Sql]) -> list[Sql]:
        """Aggregates over the records `i` of an entity's list, stored beside the record `t` that lists them."""
        keys = self.keys[entity]
        names = [self.name("_".join(key)) for _ in made]
        shown = [exp.alias_(col(k), k, quoted=True) for k in keys]
        query = exp.select(*shown, exp.alias_(exp.true(), "single", quoted=True),
                           *(exp.alias_(m, n, quoted=True) for m, n in zip(made, names, strict=True)))  # fmt: skip
        on = both([exp.EQ(this=col(k, "i"), expression=col(k)) for k in keys])
        query = query.from_(self.table(entity, "t")).join(self.table(item, "i"), on=on, join_type="left")
        query = query.where(col("single")).group_by(*(col(k) for k in keys))
        source = self.link(f"{entity}_{item}", query)
        new = [self.name("_".join(key)) for _ in made]
        added = [exp.alias_(col(n, "o"), m, quoted=True) for n, m in zip(names, new, strict=True)]
        join = both([exp.EQ(this=col(k, "o"), expression=col(k)) for k in keys])
        step = exp.select(exp.Column(this=exp.Star(), table=quoted("t")), *added).from_(self.table(entity, "t"))
        step = step.join(named(source, "o"), on=join, join_type="left")
        self.last[entity] = self.link(entity, step)
        return [col(n) for n in new]


@dataclass(frozen=True)
class Listed:
    """A list of records: who lists them (an alias), their entity, the conditions on each, and the value taken of each."""

    base: str
    item: str
    conditions: tuple[tuple[core.Expr, dict[int, str]], ...] = ()
    value: tuple[core.Expr, dict[int, str]] | None = None


@dataclass
class Scope:
    """The records that an expression speaks of: aliases by slot (`t` the one it is said of, `i` the item of a list)."""

    chains: Chains
    aliases: dict[int, str]
    entities: dict[str, str]
    values: dict[int, Value] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        return self.chains.settings

    @property
    def dialect(self) -> str:
        return self.chains.dialect

    @property
    def time_zone(self) -> str:
        return self.chains.policy.conventions.time_zone

    def bound(self, slot: int) -> Value | None:
        return self.values.get(slot)

    def bind(self, slot: int, value: Value) -> None:
        self.values[slot] = value

    def kept(self, value: Value) -> Value:
        pieces = parts(value)
        if sum(sum(1 for _ in p.walk()) for p in pieces) <= LONG:
            return value
        tables = {c.table for p in pieces for c in p.find_all(exp.Column) if c.table != "u"}
        if len(tables) != 1:
            return value
        alias = tables.pop()
        here = with_parts(value, [_renamed(p, alias, "t") for p in pieces])
        found = self.chains.extend(self.entities[alias], ("part", self.chains.name("p")), here)
        return moved(found, alias)

    def column(self, record: core.Expr, key: Key, span_of: core.Expr) -> Value:
        match record:
            case core.Variable(slot=slot) if slot in self.aliases:
                alias = self.aliases[slot]
                if alias not in self.entities:
                    raise Unsupported("other-record", span_of.span)
                return moved(self._found(self.entities[alias], key), alias)
            case core.Owner(record=core.Variable(slot=slot), entity=owner) if self.aliases.get(slot) in self.entities:
                alias = self.aliases[slot]
                if alias == "i" and self.entities["t"] == owner:
                    return moved(self._found(owner, key), "t")
                self._found(owner, key)
                return moved(self.chains.of_owner(self.entities[alias], owner, key), alias)
        raise Unsupported("other-record", span_of.span)

    def _found(self, entity: str, key: Key) -> Value:
        if (entity, key) not in self.chains.stored:
            raise Refused
        return self.chains.stored[entity, key]

    def reference(self, record: core.Fact, name: str) -> Value:
        """The key of the record that a fact refers to: the text that the fact holds, as every reference is checked to lead somewhere."""
        type_ = bare(record.type)
        key = self.chains.policy.entities[type_.entity].key if isinstance(type_, RecordType) else None
        if key is None or key.name != name:
            raise Unsupported("reference", record.span)
        found = self.column(record.record, ("fact", record.name, record.stage or ""), record)
        return replace(found, none=None)

    # Lists.

    def listed(self, node: core.Expr, aliases: dict[int, str]) -> Listed:
        match node:
            case core.Fact(type=ListType(item=RecordType(entity=item)), record=record):
                return Listed(self._alias(record, aliases, node), item)
            case core.Computed(entity=entity, name=name, record=record):
                return self.listed(self.chains.policy.definitions[entity, name].value, {0: self._alias(record, aliases, node)})
            case core.Choose(subject=core.Option(reading=reading), options=options):
                # Which list a reading chooses is known before any application.
                chosen = dict(options).get(str(self.settings.options[reading]), node.otherwise)
                if chosen is not None:
                    return self.listed(chosen, aliases)
            case core.Filter(list=inner, slot=slot, condition=condition):
                found = self.listed(inner, aliases)
                if found.value is None:
                    return replace(found, conditions=(*found.conditions, (condition, {**aliases, slot: "item"})))
            case core.Map(list=inner, slot=slot, item=item_value, flatten=False):
                found = self.listed(inner, aliases)
                if found.value is None:
                    return replace(found, value=(item_value, {**aliases, slot: "item"}))
        raise Unsupported("list", node.span)

    def _alias(self, record: core.Expr, aliases: dict[int, str], node: core.Expr) -> str:
        match record:
            case core.Variable(slot=slot) if aliases.get(slot) in self.entities:
                return aliases[slot]
            case core.Owner(record=core.Variable(slot=slot), entity=owner) if aliases.get(slot) == "i" and self.entities["t"] == owner:
                return "t"
        raise Unsupported("other-record", node.span)

    def aggregate(self, node: core.Apply) -> Value:
        """An aggregate over listed records, as a column of who lists them; undecided as soon as one member is."""
        listed = self.listed(node.arguments[0], self.aliases)
        base = self.entities[listed.base]
        if self.chains.policy.entities[listed.item].owner != base:
            raise Unsupported("list", node.span)

        def inside(aliases: dict[int, str]) -> Scope:
            renamed = {listed.base: "t", "item": "i"}
            known = {s: renamed[a] for s, a in aliases.items() if a in renamed}
            return Scope(self.chains, known, {"t": base, "i": listed.item})

        conditions = []
        for condition, aliases in listed.conditions:
            found = say(condition, inside(aliases))
            assert isinstance(found, Plain)
            conditions.append(found.sql)
        value = say(listed.value[0], inside(listed.value[1])) if listed.value is not None else None
        made = _aggregates(node, conditions, value)
        columns = self.chains.gathered(base, listed.item, (node.operation.name,), [*parts(made)])
        return moved(with_parts(made, columns), listed.base)


def _renamed(sql: Sql, old: str, new: str) -> Sql:
    found = sql.copy()
    for column in list(found.find_all(exp.Column)):
        if column.table == old:
            column.set("table", quoted(new))
    return found


def _aggregates(node: core.Apply, conditions: list[Sql], value: Value | None) -> Value:
    """The aggregate over the rows `i` that are there and kept."""
    there = negated(is_null(col("row", "i")))
    kept = both(conditions)
    open_: list[Sql] = [is_null(kept)] if conditions else []
    if value is not None:
        may_be_none = value.none is not None and node.operation.name != "count distinct"
        if may_be_none or (isinstance(value, Number) and value.den is not None):
            raise Unsupported("aggregate", node.span)
        open_.append(both([kept, negated(known(value))]))
    unsure = exp.Coalesce(this=exp.LogicalOr(this=both([there, either(open_)])), expressions=[exp.false()])
    sure = negated(unsure)

    def over(item: Sql) -> Sql:
        return case([(both([there, kept]), item)])

    def whole(sql: Sql) -> Sql:
        return case([(sure, exp.cast(sql, "INT128"))])

    name = node.operation.name
    first = parts(value)[0] if value is not None else literal(1)
    how_many = exp.Count(this=over(literal(1)))
    match name:
        case "count":
            return Number(whole(how_many))
        case "count distinct" if value is not None:
            different = exp.Count(this=exp.Distinct(expressions=[over(first)]))
            if value.none is None:
                return Number(whole(different))
            # `none` is one more value, which SQL does not count.
            one = exp.Max(this=over(case([(value.none, literal(1))], literal(0))))
            return Number(whole(exp.Add(this=different, expression=exp.Coalesce(this=one, expressions=[literal(0)]))))
        case "sum" if isinstance(value, Number):
            return Number(whole(exp.Coalesce(this=exp.Sum(this=over(first)), expressions=[literal(0)])), value.scale)
        case "average" if isinstance(value, Number):
            total = exp.Coalesce(this=exp.Sum(this=over(first)), expressions=[literal(0)])
            # NULLIF twice: of an empty list neither part is there.
            some = exp.Nullif(this=how_many, expression=literal(0))
            return Number(case([(negated(is_null(some)), whole(total))]), value.scale, whole(some))
        case "any" | "all":
            item = first if value is not None else exp.true()
            hit = exp.LogicalOr(this=both([there, kept, item if name == "any" else negated(item)]))
            found: Sql = exp.Coalesce(this=hit, expressions=[exp.false()])
            return Plain(case([(sure, found if name == "any" else negated(found))]))
        case "min" | "max" if value is not None:
            kind = exp.Min if name == "min" else exp.Max
            found = case([(sure, kind(this=over(first)))])
            return Number(found, value.scale) if isinstance(value, Number) else Plain(found)
    raise Unsupported("aggregate", node.span)
