"""All records of all applications in one table, a row each, and the columns that are worked out for them, step by step.

A row carries the facts of its record and of the record's owners; so whatever is said of an owner can be said beside each of its records.
What is gathered from listed records is a window over the rows of their owner. A step reads only the step before it: no table is read
twice, except where a record is compared with its siblings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.expressions import Expr as Sql

from bandolo.check import core
from bandolo.evaluate.settle import Settled
from bandolo.sql.dialects import call, checked_number, over_items
from bandolo.sql.tables import LONGEST_NAME
from bandolo.sql.values import Value, binary, parts, with_parts

Key = tuple[str, ...]
KIND = "record kind"
"""The column that says of which entity a row's record is."""
GOOD = "is good data"
"""The column that says whether a row's own facts are what the engine would take."""
ITEM = "i"
"""The alias of the other record where two are compared; `t` is the one that is spoken of."""


def col(name: str, table: str = "t") -> Sql:
    return exp.column(name, table=table, quoted=True)


def quoted(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=True)


def moved(value: Value, alias: str) -> Value:
    """A value of the row `t`, as one of the row of another alias."""
    return with_parts(value, [renamed(p, "t", alias) for p in parts(value)])


def renamed(sql: Sql, old: str, new: str) -> Sql:
    if old == new:
        return sql.copy()
    found = sql.copy()
    for column in list(found.find_all(exp.Column)):
        if column.table == old:
            column.set("table", quoted(new))
    return found


@dataclass(frozen=True)
class Added:
    """A column of a step: its name, what it is, and what is said of it in a comment."""

    name: str
    sql: Sql
    comment: tuple[str, ...] = ()


@dataclass
class Pairs:
    """What is gathered for the records of an entity from the records beside them: `base` owns both."""

    base: str
    entity: str
    item: str
    columns: list[Added] = field(default_factory=list)


@dataclass
class Step:
    columns: list[Added] = field(default_factory=list)
    pairs: list[Pairs] = field(default_factory=list)


@dataclass
class Rows:
    """The steps so far, and where each value is kept (as columns of the row `t`)."""

    policy: core.Policy
    settled: Settled
    dialect: str
    steps: list[Step] = field(default_factory=list)
    stored: dict[tuple[str, Key], Value] = field(default_factory=dict)
    level: dict[str, int] = field(default_factory=dict)
    known: dict[str, Sql] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [KIND, GOOD, *(f"key of {e.name}" for e in self.policy.entities.values() if e.key is not None)]
        self.level.update(dict.fromkeys(names, 0))

    def owners(self, entity: str) -> list[str]:
        """An entity after its owners, from the root down."""
        found: list[str] = []
        current: str | None = entity
        while current is not None:
            found.insert(0, current)
            current = self.policy.entities[current].owner
        return found

    def keys(self, entity: str, alias: str = "t") -> list[Sql]:
        """The columns that name a record of an entity."""
        return [col(f"key of {name}", alias) for name in self.owners(entity)]

    def is_a(self, entity: str, alias: str = "t") -> Sql:
        """Whether a row's record is of an entity."""
        return exp.EQ(this=col(KIND, alias), expression=exp.Literal.string(entity))

    def name(self, wanted: str) -> str:
        """A name for a column that no other has."""
        taken = {n.casefold() for n in self.level}
        short = wanted.encode()[: LONGEST_NAME - 5].decode("utf-8", "ignore")
        found, n = short, 1
        while found.casefold() in taken:
            n += 1
            found = f"{short} {n}"
        self.level[found] = 0
        return found

    def _step_of(self, sql: Sql, aliases: Sequence[str] = ("t",)) -> int:
        """The step that can hold an expression: after all columns that it reads."""
        for one in sql.find_all(exp.Literal):
            if not one.is_string:
                checked_number(int(one.this), self.dialect)
        return 1 + max((self.level[c.name] for c in sql.find_all(exp.Column) if c.table in aliases), default=0)

    def _at(self, step: int) -> Step:
        while len(self.steps) < step:
            self.steps.append(Step())
        return self.steps[step - 1]

    def add(self, wanted: str, sql: Sql, comment: Sequence[str] = ()) -> Sql:
        """A column of the row `t`; one that is there already is not made again."""
        if isinstance(sql, exp.Column) and not comment:
            return sql.copy()
        text = sql.sql()
        if text in self.known and not comment:
            return self.known[text].copy()
        step = self._step_of(sql)
        name = self.name(wanted)
        self.level[name] = step
        self._at(step).columns.append(Added(name, sql, tuple(comment)))
        self.known[text] = col(name)
        return col(name)

    def over(self, base: str, wanted: str, gathered: Sql) -> Sql:
        """An aggregate over all rows that have the same record of `base`, beside each of them."""
        return self.add(wanted, exp.Window(this=gathered.copy(), partition_by=self.keys(base)))

    def beside(self, base: str, entity: str, item: str, wanted: str, gathered: Sql) -> Sql:
        """An aggregate for each record `t` of an entity over the records `i` of the same owner `base`; SQL's, where there are none."""
        if self.dialect == "spark":
            return self._beside_in_spark(base, item, wanted, gathered)
        step = self._step_of(gathered, ("t", ITEM))
        at = self._at(step).pairs
        found = next((p for p in at if (p.base, p.entity, p.item) == (base, entity, item)), None)
        if found is None:
            at.append(found := Pairs(base, entity, item))
        name = self.name(wanted)
        self.level[name] = step
        found.columns.append(Added(name, gathered))
        return col(name)

    def _beside_in_spark(self, base: str, item: str, wanted: str, gathered: Sql) -> Sql:
        """The same without a join: Spark plans a table that is joined to itself three times over, with all steps before it."""
        names = sorted({c.name for c in gathered.find_all(exp.Column) if c.table == ITEM})
        fields = [part for n in names for part in (exp.Literal.string(n), col(n))]
        one = exp.Case().when(self.is_a(item), call("NAMED_STRUCT", *fields))
        return self.add(wanted, over_items(self.over(base, f"{base}: all {item}", call("COLLECT_LIST", one)), gathered, ITEM))

    def store(self, entity: str, key: Key, value: Value, wanted: str, comment: Sequence[str] = ()) -> Value:
        """Keep what has been worked out of the records of an entity."""
        names = [wanted, *(f"{wanted} ({n})" for n in ("divisor", "is none"))]
        made = parts(value)
        if len(made) == 2 and made[1] is value.none:
            names.pop(1)
        found = with_parts(value, [self.add(n, p, comment if i == 0 else ()) for i, (n, p) in enumerate(zip(names, made, strict=False))])
        self.stored[entity, key] = found
        return found

    # As SQL: the steps as `WITH` tables.

    def links(self, first: str) -> list[tuple[str, exp.Select, dict[str, tuple[str, ...]], bool]]:
        """The tables of the steps after the table `first`: name, query, comments by column, and whether it is read more than once."""
        found: list[tuple[str, exp.Select, dict[str, tuple[str, ...]], bool]] = []
        last = first
        for number, step in enumerate(self.steps, 1):
            query = exp.select(exp.Column(this=exp.Star(), table=quoted("t"))).from_(named(last, "t"))
            for n, pairs in enumerate(step.pairs, 1):
                name = f"pairs {number}" if len(step.pairs) == 1 else f"pairs {number}.{n}"
                found.append((name, self._paired(pairs, last), {}, False))
                alias = f"p{n}"
                keys = [binary(exp.EQ, col(f"key of {k}", alias), col(f"key of {k}")) for k in self.owners(pairs.entity)]
                query = query.join(named(name, alias), on=exp.and_(self.is_a(pairs.entity), *keys), join_type="left")
                query = query.select(*(col(a.name, alias) for a in pairs.columns))
            query = query.select(*(exp.alias_(a.sql, a.name, quoted=True) for a in step.columns))
            if step.pairs:
                at = next(i for i, one in enumerate(found) if one[0] == last) if last != first else None
                if at is not None:
                    found[at] = (*found[at][:3], True)
            last = f"step {number}"
            found.append((last, query, {a.name: a.comment for a in step.columns if a.comment}, False))
        return found

    def needed(self, shown: Sequence[Sql], step: int) -> list[str]:
        """The columns that there are before a step and that it, a later one or the views still read, in one order."""
        read = {c.name for sql in shown for c in sql.find_all(exp.Column)} | {KIND, *(f"key of {e}" for e in self.policy.entities)}
        for one in self.steps[step - 1 :]:
            added = [*one.columns, *(a for p in one.pairs for a in p.columns)]
            read |= {c.name for a in added for c in a.sql.find_all(exp.Column)}
        return [n for n, level in self.level.items() if level < step and n in read]

    def _paired(self, pairs: Pairs, last: str) -> exp.Select:
        shown = [exp.alias_(col(f"key of {k}"), f"key of {k}", quoted=True) for k in self.owners(pairs.entity)]
        query = exp.select(*shown, *(exp.alias_(a.sql, a.name, quoted=True) for a in pairs.columns)).from_(named(last, "t"))
        on = [self.is_a(pairs.item, ITEM)]
        on += [binary(exp.EQ, a, b) for a, b in zip(self.keys(pairs.base, ITEM), self.keys(pairs.base), strict=True)]
        query = query.join(named(last, ITEM), on=exp.and_(*on), join_type="left").where(self.is_a(pairs.entity))
        return query.group_by(*(col(f"key of {k}") for k in self.owners(pairs.entity)))


def named(table: str, alias: str) -> Sql:
    """A table, by another name."""
    return exp.alias_(exp.Table(this=quoted(table)), alias, table=True, quoted=True)
