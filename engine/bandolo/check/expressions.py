"""One expression of the tree as written to one of the tree as meant: names resolved, types known, overloads chosen.

Every mistake is reported once: what cannot be typed becomes `core.Invalid`, which fits everywhere.
"""

from __future__ import annotations

import dataclasses
import re
from fractions import Fraction
from typing import assert_never

from bandolo import limits
from bandolo.check import core
from bandolo.check.calls import Calls
from bandolo.check.mismatch import wrong_type
from bandolo.check.scope import Binder, Scope, moved, shown
from bandolo.language import literals
from bandolo.language.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    DAYS,
    INTEGER,
    INVALID,
    MONEY,
    MONTHS,
    NONE_TYPE,
    NUMBER,
    PERCENT,
    TEXT,
    DurationType,
    InvalidType,
    ListType,
    OptionalType,
    RecordType,
    Type,
    accepts,
    join,
)  # fmt: skip
from bandolo.language.values import NONE
from bandolo.syntax import ast

MISSPELT_DATES = ((r"[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}", "bad-date"),)
"""Dates in a spelling that reads as a subtraction or a division."""


class Expressions(Calls):
    """Checks expressions of one policy: one case for each kind of node, then operators and lists."""

    def _expr(self, node: ast.Expr, scope: Scope, expected: Type | None) -> core.Expr:
        match node:
            case ast.Hole():
                return core.Invalid(node.span, INVALID)
            case ast.Literal():
                return self._literal(node)
            case ast.Name():
                return self._name(node, scope, expected)
            case ast.This():
                if scope.entity is None:
                    return self.invalid("no-record-here", node.span, name="this")
                return core.Variable(node.span, RecordType(scope.entity), 0)
            case ast.MemberOf():
                return self._member(node, scope)
            case ast.At():
                return self._at(node, scope)
            case ast.Lookup():
                return self._lookup(node, scope)
            case ast.Call():
                return self._call(node, scope)
            case ast.IfThenElse():
                test = self.wanted(node.test, scope, BOOLEAN, "if")
                yes = self.check(node.yes, scope.narrow(shown(test, True)), expected)
                no = self.check(node.no, scope.narrow(shown(test, False)), expected or yes.type)
                return self.branches(node.span, [(test, yes, core.Words())], no)
            case ast.Either() | ast.Both():
                return self._logic(node, scope)
            case ast.Negate():
                return core.Not(node.span, BOOLEAN, self.wanted(node.value, scope, BOOLEAN, "not"))
            case ast.Compare():
                return self._compare(node, scope)
            case ast.Between():
                return self._between(node, scope)
            case ast.Contained():
                return self._contained(node, scope)
            case ast.IsNone():
                return self._is_none(node, scope)
            case ast.IsKnown():
                if not scope.knows:
                    self.report("is-known-here", node.span)
                known = core.IsKnown(node.span, BOOLEAN, self.check(node.value, scope))
                return core.Not(node.span, BOOLEAN, known) if node.negated else known
            case ast.Chain():
                return self._chain(node, scope)
            case ast.Minus():
                value = self.check(node.value, scope, expected)
                if isinstance(value, core.Constant) and isinstance(value.value, Fraction):
                    return dataclasses.replace(value, span=node.span, value=-value.value)
                return self.apply("minus", node.span, [value])
            case ast.Power():
                return self._power(node, scope)
            case ast.ListOf():
                return self._list(node, scope, expected)
            case ast.Where() | ast.Named():
                return self._listed(node, scope)[0]
            case ast.Of():
                return self._of(node, scope, expected)
            case ast.Share():
                return self._share(node, scope)
            case _:
                assert_never(node)

    def _literal(self, node: ast.Literal) -> core.Expr:
        text, conventions = node.text, self.d.conventions
        try:
            match node.kind:
                case "number":
                    value = literals.read_number(text)
                    return core.Constant(node.span, NUMBER if "." in text else INTEGER, value)
                case "percent":
                    return core.Constant(node.span, PERCENT, literals.read_percent(text))
                case "money":
                    return core.Constant(node.span, MONEY, literals.read_money(text, conventions.currency))
                case "date":
                    return core.Constant(node.span, DATE, literals.read_date(text))
                case "instant":
                    moment = literals.read_instant(text, conventions.time_zone)
                    return core.Constant(node.span, DATETIME, moment)
                case "duration":
                    length = literals.read_duration(text)
                    if length.months:
                        self.needs_month_rounding(node.span)
                    return core.Constant(node.span, MONTHS if length.months else DAYS, length)
                case "text":
                    return core.Constant(node.span, TEXT, text[1:-1])
                case "none":
                    return core.Constant(node.span, NONE_TYPE, NONE)
                case _:
                    return core.Constant(node.span, BOOLEAN, text == "true")
        except literals.BadLiteral as bad:
            return self.invalid(bad.code, node.span, found=text, currency=conventions.currency, limit=limits.NUMBER_DIGITS)

    def _logic(self, node: ast.Either | ast.Both, scope: Scope) -> core.Expr:
        is_and = isinstance(node, ast.Both)
        parts: list[core.Expr] = []
        for part in node.parts:
            checked = self.wanted(part, scope, BOOLEAN, "and" if is_and else "or")
            parts.append(checked)
            scope = scope.narrow(shown(checked, is_and))
        kind = core.And if is_and else core.Or
        return kind(node.span, BOOLEAN, tuple(parts))

    def _pair(self, left: ast.Expr, right: ast.Expr, scope: Scope) -> tuple[core.Expr, core.Expr]:
        """Two sides of a comparison: a bare word on either side is understood from the type of the other."""
        if self._is_bare_word(left, scope) and not self._is_bare_word(right, scope):
            second = self.check(right, scope)
            return self.check(left, scope, second.type), second
        first = self.check(left, scope)
        if isinstance(first.type, InvalidType) and self._is_bare_word(right, scope):
            return first, first  # perhaps one of its choices: nothing can be said of the word
        return first, self.check(right, scope, first.type)

    def _is_bare_word(self, node: ast.Expr, scope: Scope) -> bool:
        """A name that stands for nothing in the scope: a choice word, perhaps."""
        return isinstance(node, ast.Name) and self.resolve(node.name, node.span, scope) is None

    def _compare(self, node: ast.Compare, scope: Scope) -> core.Expr:
        if len(node.rest) > 1:
            return self.invalid("chained-comparison", node.span)
        operator, right = node.rest[0]
        first, second = self._pair(node.first, right, scope)
        return self.apply(operator, node.span, [first, second])

    def _between(self, node: ast.Between, scope: Scope) -> core.Expr:
        value, low = self._pair(node.value, node.low, scope)
        high = self.check(node.high, scope, value.type)
        first = self.apply(">=", node.span, [value, low])
        second = self.apply("<=", node.span, [value, high]) if not isinstance(first, core.Invalid) else first
        if isinstance(first, core.Invalid) or isinstance(second, core.Invalid):
            return core.Invalid(node.span, INVALID)
        return core.And(node.span, BOOLEAN, (first, second))

    def _contained(self, node: ast.Contained, scope: Scope) -> core.Expr:
        if self._is_bare_word(node.value, scope):
            options = self.check(node.list, scope)
            value = self.check(node.value, scope, options.type.item if isinstance(options.type, ListType) else None)
        else:
            value = self.check(node.value, scope)
            if self._is_bare_word(node.list, scope) and self._option(node.list, value.type):
                return self.invalid("in-what", node.list.span, found=value.type)
            options = self.check(node.list, scope, ListType(value.type))
        if not isinstance(options.type, ListType | InvalidType):
            return self.invalid("in-what", options.span, found=options.type)
        found = self.apply("in", node.span, [value, options])
        return core.Not(node.span, BOOLEAN, found) if node.negated and not isinstance(found, core.Invalid) else found

    def _is_none(self, node: ast.IsNone, scope: Scope) -> core.Expr:
        value = self.check(node.value, dataclasses.replace(scope, narrowed=frozenset()))
        if not isinstance(value.type, OptionalType | InvalidType):
            return self.invalid("never-none", node.span, name=value.span.text)
        test = core.IsNone(node.span, BOOLEAN, value)
        return core.Not(node.span, BOOLEAN, test) if node.negated else test

    def _chain(self, node: ast.Chain, scope: Scope) -> core.Expr:
        for pattern, code in MISSPELT_DATES:
            if re.fullmatch(pattern, node.span.text):
                return self.invalid(code, node.span, found=node.span.text)
        result = self.check(node.first, scope)
        for operator, right in node.rest:
            second = self.check(right, scope)
            if isinstance(second.type, DurationType) and second.type.unit == "any":
                self.needs_month_rounding(second.span)
            result = self.apply(operator, result.span.to(second.span), [result, second])
        return result if isinstance(result, core.Invalid) else dataclasses.replace(result, span=node.span)

    def _power(self, node: ast.Power, scope: Scope) -> core.Expr:
        base = self.check(node.value, scope)
        try:
            exponent = literals.read_number(node.exponent)
        except literals.BadLiteral as bad:
            return self.invalid(bad.code, node.span, found=node.exponent, limit=limits.NUMBER_DIGITS)
        if exponent.denominator != 1 or exponent > limits.POWER_EXPONENT:
            return self.invalid("exponent-too-large", node.span, limit=limits.POWER_EXPONENT)
        return self.apply("^", node.span, [base, core.Constant(node.span, INTEGER, exponent)])

    def _list(self, node: ast.ListOf, scope: Scope, expected: Type | None) -> core.Expr:
        item_type = expected.item if isinstance(expected, ListType) else None
        if isinstance(item_type, OptionalType):
            item_type = item_type.of
        items = [self.check(item, scope, item_type) for item in node.items]
        type_: Type | None = INVALID
        for item in items:
            joined = join(type_, item.type) if type_ is not None else None
            if joined is None:
                return self.invalid("mixed-list", item.span, first=type_, second=item.type)
            type_ = joined
        return core.Items(node.span, ListType(type_ or INVALID), tuple(items))

    def _listed(self, node: ast.Expr, scope: Scope) -> tuple[core.Expr, Type, str | None]:
        """A list, the type of its items, and the name given to them by `as`."""
        match node:
            case ast.Named():
                listed, item, _ = self._listed(node.list, scope)
                if self.resolve(node.name, node.span, dataclasses.replace(scope, binders=())) is not None:
                    self.report("declared-twice", node.span, name=node.name)
                return listed, item, node.name
            case ast.Where():
                listed, item, name = self._listed(node.list, scope)
                if isinstance(item, InvalidType):
                    return core.Invalid(node.span, INVALID), INVALID, name
                slot = self.new_slot()
                inner = self._within(listed, slot, scope.bind(Binder(slot, item, name)))
                condition = self.wanted(node.condition, inner, BOOLEAN, "where")
                return core.Filter(node.span, listed.type, listed, slot, condition), item, name
            case _:
                listed = self.check(node, scope)
                if isinstance(listed.type, ListType):
                    return listed, listed.type.item, None
                if isinstance(listed.type, OptionalType):
                    return self._untested(listed), INVALID, None
                if not isinstance(listed.type, InvalidType):
                    listed = self.invalid("not-a-list", listed.span, found=listed.type)
                return listed, INVALID, None

    @staticmethod
    def _within(listed: core.Expr, slot: int, scope: Scope) -> Scope:
        """What the conditions of a filtered list have shown of its members holds for the member in `slot`."""
        current: core.Expr = listed
        while isinstance(current, core.Filter):
            scope = scope.narrow(moved(shown(current.condition, True), current.slot, slot))
            current = current.list
        return scope

    def _of(self, node: ast.Of, scope: Scope, expected: Type | None) -> core.Expr:
        listed, item_type, name = self._listed(node.list, scope)
        slot = self.new_slot()
        inner = self._within(listed, slot, scope.bind(Binder(slot, item_type, name)))
        if isinstance(item_type, InvalidType):
            return core.Invalid(node.span, INVALID)
        item = self.check(node.item, inner, expected.item if isinstance(expected, ListType) else None)
        if isinstance(item.type, InvalidType):
            return core.Invalid(node.span, INVALID)
        flatten = isinstance(item.type, ListType)
        type_ = item.type if flatten else ListType(item.type)
        return core.Map(node.span, type_, listed, slot, item, flatten)

    def _share(self, node: ast.Share, scope: Scope) -> core.Expr:
        owner = self.symbols.entities[scope.entity].owner if scope.entity in self.symbols.entities else None
        if owner is None or scope.entity is None or scope.binders:
            return self.invalid("share-here", node.span)
        above = Scope(owner)
        total = self.wanted(node.total, above, MONEY)
        among, item, name = self._listed(node.among, above)
        if not isinstance(among, core.Invalid) and item != RecordType(scope.entity):
            among = self.invalid("share-among", node.among.span, entity=scope.entity)
        slot = self.new_slot()
        inner = self._within(among, slot, above.bind(Binder(slot, RecordType(scope.entity), name)))
        weight = self.check(node.weight, inner)
        if not any(accepts(t, weight.type) for t in (MONEY, NUMBER)):
            self.d.diagnostics.append(wrong_type(weight.span, MONEY, weight.type, "share"))
            return core.Invalid(node.span, INVALID)
        ties = self.check(node.ties, inner)
        if not any(accepts(t, ties.type) for t in (TEXT, NUMBER, DATE, DATETIME)):
            self.d.diagnostics.append(wrong_type(ties.span, TEXT, ties.type, "ties"))
        return core.Share(node.span, MONEY, owner, total, among, slot, weight, ties)
