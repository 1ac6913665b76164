"""Lists of records: which rows they are, and what is gathered from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sqlglot import exp
from sqlglot.expressions import Expr as Sql

from bandolo.check import core
from bandolo.language.types import ListType, RecordType
from bandolo.sql.faults import Faults
from bandolo.sql.rows import ITEM, renamed
from bandolo.sql.scope import NeedsPair, Place, Scope
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
    is_true,
    known,
    literal,
    negated,
    parts,
)  # fmt: skip

Slots = Mapping[int, Place]
Say = Callable[[core.Expr, Scope], Value]


@dataclass(frozen=True)
class Listed:
    """A list of records: who owns it, the entity of its items, the conditions on each, and the value taken of each.

    `inner` are the lists in lists on the way: of which items they are, and how many conditions are asked of those.
    """

    base: Place
    item: str
    fact: str
    conditions: tuple[tuple[core.Expr, Slots], ...] = ()
    value: tuple[core.Expr, Slots] | None = None
    inner: tuple[tuple[str, str, int], ...] = ()


def listed(node: core.Expr, scope: Scope, slots: Slots) -> Listed:
    """Which rows a list is. Raises Unsupported for one that is not said."""
    policy = scope.policy
    at = Scope(scope.rows, scope.row, slots, scope.values)
    match node:
        case core.Fact(type=ListType(item=RecordType(entity=item)), record=record, name=name):
            return Listed(at.place(record), item, name)
        case core.Computed(entity=entity, name=name, record=record):
            return listed(policy.definitions[entity, name].value, scope, {0: at.place(record)})
        case core.Choose(subject=core.Option(reading=reading), options=options):
            # Which list a reading chooses is known before any application.
            chosen = dict(options).get(str(scope.settings.options[reading]), node.otherwise)
            if chosen is not None:
                return listed(chosen, scope, slots)
        case core.Filter(list=inner, slot=slot, condition=condition):
            found = listed(inner, scope, slots)
            if found.value is None:
                here = {**slots, slot: Place("item", found.item)}
                return replace(found, conditions=(*found.conditions, (condition, here)))
        case core.Map(list=inner, slot=slot, item=value, flatten=flatten):
            found = listed(inner, scope, slots)
            if found.value is not None:
                raise Unsupported("list", node.span)
            here = {**slots, slot: Place("item", found.item)}
            if not flatten:
                return replace(found, value=(value, here))
            below = listed(value, scope, here)
            if below.base.alias == "item" and below.base.entity == found.item:
                nested = (found.item, below.fact, len(found.conditions))
                deeper = tuple((e, f, n + len(found.conditions)) for e, f, n in below.inner)
                conditions = (*found.conditions, *below.conditions)
                return Listed(found.base, below.item, found.fact, conditions, below.value, (*found.inner, nested, *deeper))
    raise Unsupported("list", node.span)


@dataclass
class Gatherer:
    """One aggregate: its list, and how a column is gathered from the rows of its items."""

    scope: Scope
    node: core.Apply
    say: Say
    faults: Faults

    def made(self) -> Value:
        """The aggregate, as columns of the row that the scope is said of."""
        found = listed(self.node.arguments[0], self.scope, self.scope.places)
        if found.base.within is not None and found.base.entity not in found.base.within:
            raise NeedsPair
        try:
            return self._in_rows(found)
        except NeedsPair:
            return self._beside(found)

    def _in_rows(self, found: Listed) -> Value:
        scope, rows = self.scope, self.scope.rows
        conditions = [self._condition(c, scope.of_items(found.base, found.item, s)) for c, s in found.conditions]
        value = self.say(found.value[0], scope.of_items(found.base, found.item, found.value[1])) if found.value is not None else None
        base = found.base.entity

        def gather(sql: Sql) -> Sql:
            return renamed(rows.over(base, self._name(found), sql), "t", found.base.alias)

        missing = [is_null(self._declared(found, found.base))]
        for entity, fact, count in found.inner:
            there = both([rows.is_a(entity), *conditions[:count]])
            declared = rows.stored[entity, ("listed", fact)]
            gone = both([there, is_null(parts(declared)[0])])
            open_ = either([gone, both([rows.is_a(entity), is_null(both(conditions[:count])), is_null(parts(declared)[0])])])
            missing.append(is_true(gather(exp.LogicalOr(this=open_))))
        return self._aggregate(found, rows.is_a(found.item), conditions, value, gather, either(missing))

    def _beside(self, found: Listed) -> Value:
        """Of a record and of the others that its owner lists: two rows."""
        scope, rows = self.scope, self.scope.rows
        entity = scope.row
        wrong_base = found.base.alias != "t" or found.base.entity not in rows.owners(entity)
        if wrong_base or found.inner or self.node.operation.name == "count distinct":
            raise Unsupported("other-record", self.node.span)
        if scope.policy.entities[entity].key is None:
            raise Unsupported("no-key", self.node.span)
        try:
            conditions = [self._condition(c, scope.of_pairs(s)) for c, s in found.conditions]
            value = self.say(found.value[0], scope.of_pairs(found.value[1])) if found.value is not None else None
        except NeedsPair:
            raise Unsupported("other-record", self.node.span) from None

        def gather(sql: Sql) -> Sql:
            return rows.beside(found.base.entity, entity, found.item, self._name(found), sql)

        # A record without a key finds no pairs: nothing is gathered for it, which is not the same as none.
        missing = either([is_null(self._declared(found, found.base)), *(is_null(k) for k in rows.keys(entity))])
        return self._aggregate(found, rows.is_a(found.item, ITEM), conditions, value, gather, missing)

    def _declared(self, found: Listed, at: Place) -> Sql:
        """How many records a list is said to have; NULL where the list is missing."""
        value = self.scope.rows.stored.get((at.entity, ("listed", found.fact)))
        if value is None:
            raise Refused
        return renamed(parts(value)[0], "t", at.alias)

    def _condition(self, condition: core.Expr, scope: Scope) -> Sql:
        found = self.say(condition, scope)
        assert isinstance(found, Plain)
        return found.sql

    def _name(self, found: Listed) -> str:
        return f"{found.base.entity}: {self.node.operation.name} of {found.fact}"

    def _aggregate(
        self, found: Listed, there: Sql, conditions: list[Sql], value: Value | None, gather: Callable[[Sql], Sql], missing: Sql
    ) -> Value:
        """The aggregate over the rows that are there and kept; undecided where a member that is not decided could change it."""
        name, node = self.node.operation.name, self.node
        kept = both(conditions)
        if name in ("any", "all"):
            item = parts(value)[0] if value is not None else exp.true()
            return self._quantified(name == "any", found, there, conditions, item, gather, missing)
        open_: list[Sql] = [is_null(kept)] if conditions else []
        if value is not None:
            may_be_none = value.none is not None and name != "count distinct"
            if may_be_none or (isinstance(value, Number) and value.den is not None):
                raise Unsupported("fractions" if not may_be_none else "aggregate", node.span)
            open_.append(both([kept, negated(known(value))]))
        unsure = [is_true(gather(exp.LogicalOr(this=both([there, either(open_)]))))] if open_ else []
        sure = negated(either([missing, *unsure]))

        def over(item: Sql) -> Sql:
            return case([(both([there, *conditions]), item)])

        def whole(sql: Sql) -> Sql:
            return case([(sure, exp.cast(sql, "INT128"))])

        first = parts(value)[0] if value is not None else literal(1)
        match name:
            case "count":
                return Number(whole(gather(exp.Count(this=over(literal(1))))))
            case "count distinct" if value is not None:
                return Number(whole(self._distinct(found, over(first), value, over)))
            case "sum" if isinstance(value, Number):
                return Number(whole(self._total(gather, over, first)), value.scale)
            case "average" if isinstance(value, Number):
                # NULLIF: of an empty list neither part is there.
                some = exp.Nullif(this=gather(exp.Count(this=over(literal(1)))), expression=literal(0))
                return Number(case([(negated(is_null(some)), whole(self._total(gather, over, first)))]), value.scale, whole(some))
            case "min" | "max" if value is not None:
                kind = exp.Min if name == "min" else exp.Max
                extreme = case([(sure, gather(kind(this=over(first))))])
                return Number(extreme, value.scale) if isinstance(value, Number) else Plain(extreme)
        raise Unsupported("aggregate", node.span)

    @staticmethod
    def _total(gather: Callable[[Sql], Sql], over: Callable[[Sql], Sql], first: Sql) -> Sql:
        """A sum, zero of nothing; NULL only where it does not fit."""
        return case(
            [(exp.EQ(this=gather(exp.Count(this=over(first))), expression=literal(0)), literal(0))], gather(exp.Sum(this=over(first)))
        )

    def _distinct(self, found: Listed, item: Sql, value: Value, over: Callable[[Sql], Sql]) -> Sql:
        """How many different values: the first row of each is counted. `none` is one more value, which SQL does not count."""
        rows, base = self.scope.rows, found.base.entity
        kept = rows.add(f"{found.item}: value of {found.fact}", item)
        order = exp.Order(expressions=[exp.Ordered(this=kept.copy())])
        nth = rows.add(
            f"{found.item}: nth of its value", exp.Window(this=exp.RowNumber(), partition_by=[*rows.keys(base), kept], order=order)
        )
        first = both([negated(is_null(kept)), exp.EQ(this=nth, expression=literal(1))])
        different = rows.over(base, self._name(found), exp.Count(this=case([(first, literal(1))])))
        if value.none is not None:
            nothing = rows.over(base, self._name(found), exp.Max(this=over(case([(value.none, literal(1))], literal(0)))))
            different = exp.Add(this=different, expression=exp.Coalesce(this=nothing, expressions=[literal(0)]))
        return renamed(different, "t", found.base.alias)

    def _quantified(
        self, any_: bool, found: Listed, there: Sql, conditions: list[Sql], item: Sql, gather: Callable[[Sql], Sql], missing: Sql
    ) -> Value:
        """`any` and `all`: one member decides, whatever the others are; but a membership that may have no result decides nothing."""
        hit = both([*conditions, item if any_ else negated(item)])
        open_ = is_null(hit)
        if any(self.faults.may_fault(c) for c, _ in found.conditions):
            open_ = either([open_, is_null(both(conditions))])
            risky = [is_true(gather(exp.LogicalOr(this=both([there, is_null(both(conditions))]))))]
        else:
            risky = []
        some = is_true(gather(exp.LogicalOr(this=both([there, hit]))))
        unsure = is_true(gather(exp.LogicalOr(this=both([there, open_]))))
        nothing = exp.cast(exp.null(), "BOOLEAN")
        rows = [(either([missing, *risky]), nothing), (some, exp.true()), (unsure, nothing)]
        decided = case(rows, exp.false())
        return Plain(decided if any_ else case([(is_null(decided), nothing), (decided, exp.false())], exp.true()))
