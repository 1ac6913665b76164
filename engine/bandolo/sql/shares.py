"""`share of`: largest remainders in whole numbers, by windows over the records of one owner."""

from __future__ import annotations

from fractions import Fraction

from sqlglot import exp
from sqlglot.expressions import Expr as Sql

from bandolo.check import core
from bandolo.sql.arithmetic import rounded
from bandolo.sql.dialects import byte_order, whole_division
from bandolo.sql.lists import Say, listed
from bandolo.sql.scope import Place, Scope
from bandolo.sql.tables import bare
from bandolo.sql.values import (
    Number,
    Plain,
    Refused,
    Unsupported,
    Value,
    binary,
    both,
    case,
    either,
    is_null,
    is_true,
    known,
    literal,
    negated,
    parts,
    times,
)  # fmt: skip

CENT = Fraction(1, 100)


def share(node: core.Share, scope: Scope, say: Say) -> Value:
    """The part of the record that the scope is said of; undecided for all as soon as a total, a weight, a key or a membership is."""
    rows = scope.rows
    this = scope.places.get(0)
    direction = scope.settings.money_rounding
    if this is None or this.alias != "t" or this.within is not None:
        raise Unsupported("other-record", node.span)
    if not isinstance(direction, str):
        raise Unsupported("rounding", node.span)
    owner = Place("t", node.owner)
    above = {0: owner}
    total = say(node.total, Scope(rows, scope.row, above, {}))
    assert isinstance(total, Number)
    total = rounded(total, direction, CENT, scope.dialect)
    found = listed(node.among, Scope(rows, node.owner, above, {}), above)
    if found.base.entity != node.owner or found.item != this.entity or found.inner:
        raise Unsupported("list", node.among.span)
    kept = both([_truth(say(c, scope.of_items(owner, found.item, s))) for c, s in found.conditions])
    inside = scope.of_items(owner, found.item, {**above, node.slot: Place("item", found.item)})
    weight, ties = say(node.weight, inside), say(node.ties, inside)
    assert isinstance(weight, Number)
    if weight.den is not None:
        raise Unsupported("fractions", node.weight.span)
    order = _order(ties, node, scope)
    declared = rows.stored.get((node.owner, ("listed", found.fact)))
    if not isinstance(declared, Number):
        raise Refused
    name = f"{found.item}.share at line {node.span.line}"
    there = both([rows.is_a(found.item), kept])

    def over(sql: Sql, what: str) -> Sql:
        return rows.over(node.owner, f"{name}: {what}", sql)

    def zero(sql: Sql) -> Sql:
        return exp.LT(this=sql, expression=literal(0))

    wrong = [negated(known(weight)), negated(known(ties)), zero(weight.num)]
    open_ = both([rows.is_a(found.item), either([is_null(kept), both([kept, either(wrong)])])])
    unsure = is_true(over(exp.LogicalOr(this=open_), "open"))
    cents = total.num  # of the scale 100, as it has been rounded to the cent
    cents = rows.add(f"{name}: cents", case([(both([negated(zero(cents)), negated(unsure), negated(is_null(declared.num))]), cents)]))
    taken = rows.add(f"{name}: weight", case([(there, weight.num)]))
    whole = over(exp.Sum(this=taken), "all weights")
    some = exp.GT(this=whole, expression=literal(0))
    product = rows.add(f"{name}: product", case([(some, times(cents, taken))]))
    part = rows.add(f"{name}: whole cents", whole_division(product, whole, scope.dialect))
    rest = rows.add(f"{name}: remainder", binary(exp.Sub, product, times(part, whole)))
    left = rows.add(f"{name}: left", binary(exp.Sub, cents, over(exp.Sum(this=part), "given")))
    window = exp.Window(
        this=exp.Anonymous(this="RANK"),
        partition_by=[*rows.keys(node.owner), rows.add(f"{name}: shares", is_true(there))],
        order=exp.Order(expressions=[exp.Ordered(this=rest, desc=True), exp.Ordered(this=order)]),
    )
    rank = rows.add(f"{name}: rank", window)
    first = both([is_true(there), exp.LTE(this=rank, expression=left)])
    broken = exp.EQ(this=over(exp.Count(this=case([(first, literal(1))])), "with one more"), expression=left)
    more = binary(
        exp.Add, part, case([(exp.LTE(this=rank, expression=left), literal(1)), (exp.GT(this=rank, expression=left), literal(0))])
    )
    nothing = exp.cast(literal(0), "INT128")
    # No weight at all gives everyone zero; equal remainders that their keys do not tell apart give no result.
    no_weight = exp.EQ(this=exp.Coalesce(this=whole, expressions=[literal(0)]), expression=literal(0))
    outside = negated(is_true(there))
    sure = negated(is_null(cents))
    made = case([(both([sure, either([no_weight, both([outside, broken])])]), nothing), (both([sure, some, there, broken]), more)])
    return Number(exp.cast(made, "INT128"), 100)


def _truth(value: Value) -> Sql:
    assert isinstance(value, Plain)
    return value.sql


def _order(ties: Value, node: core.Share, scope: Scope) -> Sql:
    """What puts the tie keys in order."""
    if ties.none is not None or (isinstance(ties, Number) and ties.den is not None):
        raise Unsupported("share-ties", node.ties.span)
    key = parts(ties)[0]
    return (
        byte_order(key, scope.dialect)
        if str(bare(node.ties.type)) not in ("date", "datetime", "boolean") and isinstance(ties, Plain)
        else key
    )
