"""Which records an expression speaks of, and where what is known of them stands in a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp
from sqlglot.expressions import Expr as Sql

from bandolo.check import core
from bandolo.evaluate.reference import Settings
from bandolo.language.types import RecordType
from bandolo.sql.rows import ITEM, Key, Rows, col, moved, renamed
from bandolo.sql.tables import bare
from bandolo.sql.values import Plain, Refused, Unsupported, Value, both, case, compare, parts, with_parts

LONG = 60
"""An expression of more nodes becomes a column: what is used twice would double at every level."""


class NeedsPair(Exception):
    """It speaks of a record and of another that is no owner of it: of two rows."""


@dataclass(frozen=True)
class Place:
    """A record as a view finds it: the row (`t`, or `i` beside it), its entity, and what may be read there (None: it and its owners)."""

    alias: str
    entity: str
    within: frozenset[str] | None = None


@dataclass
class Scope:
    """The row `t` that an expression is said of, the records in its slots, and the values bound to others."""

    rows: Rows
    row: str
    places: Mapping[int, Place]
    values: dict[int, Value] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        return self.rows.settled.settings

    @property
    def policy(self) -> core.Policy:
        return self.rows.policy

    @property
    def dialect(self) -> str:
        return self.rows.dialect

    def bound(self, slot: int) -> Value | None:
        return self.values.get(slot)

    def bind(self, slot: int, value: Value) -> None:
        self.values[slot] = value

    def kept(self, value: Value) -> Value:
        """The same value, as columns where it has grown long."""
        pieces = parts(value)
        if sum(sum(1 for _ in p.walk()) for p in pieces) <= LONG:
            return value
        aliases = {c.table for p in pieces for c in p.find_all(exp.Column)} - {"u", ""}
        if len(aliases) != 1:
            return value
        alias = aliases.pop()
        made = [self.rows.add("part", renamed(p, alias, "t")) for p in pieces]
        return moved(with_parts(value, made), alias)

    def place(self, record: core.Expr) -> Place:
        """Where a record stands. Raises Unsupported for one that is in no row."""
        match record:
            case core.Variable(slot=slot) if slot in self.places:
                return self.places[slot]
            case core.Owner(record=inner, entity=owner):
                return replace(self.place(inner), entity=owner)
        raise Unsupported("other-record", record.span)

    def column(self, record: core.Expr, key: Key) -> Value:
        """What has been worked out, or given, of a record."""
        place = self.place(record)
        if place.within is not None and place.entity not in place.within:
            raise NeedsPair
        found = self.rows.stored.get((place.entity, key))
        if found is None:
            raise Refused
        return moved(found, place.alias)

    def reference(self, record: core.Fact, key: Key) -> Value:
        """What is known of the record that a fact refers to."""
        type_ = bare(record.type)
        assert isinstance(type_, RecordType)
        pointing = self.place(record.record)
        item = self.policy.entities[type_.entity]
        if item.key is None or not refers_well(self.policy, pointing.entity, item):
            raise Unsupported("reference", record.span)
        pointed = self.column(record.record, ("fact", record.name, record.stage or ""))
        assert isinstance(pointed, Plain)
        if key == ("fact", item.key.name, "") and str(bare(item.key.type)) == "text":
            return replace(pointed, none=None)  # as every reference is checked to lead somewhere
        found = self.rows.stored.get((item.name, key))
        if found is None:
            raise Refused
        here = renamed(pointed.sql, pointing.alias, "t")
        hit = both([self.rows.is_a(item.name), exp.EQ(this=col(f"key of {item.name}"), expression=here)])
        wanted = f"{pointing.entity}.{record.name} {' '.join(k for k in key[1:] if k)}"
        made = []
        for part in parts(found):
            # MAX of one row; a boolean as what holds, and what does not.
            boolean = self._is_boolean(found, part, key, item.name)
            if boolean:
                yes = self.rows.over(pointing.entity, wanted, exp.LogicalOr(this=both([hit, part])))
                there = self.rows.over(pointing.entity, wanted, exp.LogicalOr(this=both([hit, part.is_(exp.null()).not_()])))
                made.append(case([(there, yes)]))
            else:
                made.append(self.rows.over(pointing.entity, wanted, exp.Max(this=case([(hit, part)]))))
        return moved(with_parts(found, made), pointing.alias)

    def _is_boolean(self, value: Value, part: Sql, key: Key, entity: str) -> bool:
        if part is value.none or key[0] in ("met", "admitted"):
            return True
        if key[0] == "fact":
            return str(bare(self.policy.entities[entity].facts[key[1]].type)) == "boolean"
        return str(bare(self.policy.definitions[entity, key[1]].type)) == "boolean"

    def same_record(self, a: core.Expr, b: core.Expr) -> Sql:
        """Whether two records are one: by the keys of both and of their owners."""
        first, second = self.place(a), self.place(b)
        keys = [self.rows.keys(first.entity, first.alias), self.rows.keys(second.entity, second.alias)]
        if self.policy.entities[first.entity].key is None or first.entity != second.entity:
            raise Unsupported("record", a.span)
        if any(p.within is not None and p.entity not in p.within for p in (first, second)):
            raise NeedsPair
        return both([compare(exp.EQ, Plain(x), Plain(y)) for x, y in zip(*keys, strict=True)])

    # Around an aggregate.

    def of_items(self, base: Place, item: str, slots: Mapping[int, Place]) -> Scope:
        """The scope of a condition on the items of a list, said of the rows of the items themselves.

        `slots` are those of the condition: the items' own have the alias `item`; the others can be read as far as `base` and its owners.
        """
        reach = frozenset(self.rows.owners(base.entity))
        return Scope(self.rows, item, {s: self._seen(p, base, reach) for s, p in slots.items()}, self.values)

    @staticmethod
    def _seen(place: Place, base: Place, reach: frozenset[str]) -> Place:
        if place.alias == "item":
            return Place("t", place.entity)
        within = reach if place.within is None else reach & place.within
        return Place("t", place.entity, within if place.alias == base.alias else frozenset())

    def of_pairs(self, slots: Mapping[int, Place]) -> Scope:
        """The scope of a condition on the items `i` of a list beside the row `t`."""
        return Scope(self.rows, self.row, {s: Place(ITEM, p.entity) if p.alias == "item" else p for s, p in slots.items()}, self.values)


def refers_well(policy: core.Policy, entity: str, item: core.Entity) -> bool:
    """Whether the records that a reference of an entity can mean all have one owner, and are told apart by their key: those that its
    record lists, or, of the root, all below it."""
    return item.owner is not None and (item.owner == entity or entity == policy.root)
