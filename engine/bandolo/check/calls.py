"""Tables and calls: `rate[size]`, `credit(amount)`, formulas, `met`, and the functions of the library."""

from __future__ import annotations

import dataclasses

from bandolo.check import core
from bandolo.check.names import Names
from bandolo.check.scope import Scope
from bandolo.check.symbols import type_named
from bandolo.diagnostics.spelling import nearest
from bandolo.language.library import function_names, operation_by_name
from bandolo.language.types import (
    BOOLEAN,
    INVALID,
    PERCENT,
    ChoiceType,
    InvalidType,
    RecordType,
    Type,
    join,
)  # fmt: skip
from bandolo.syntax import ast

DEPTH_OF_FORMULAS = 12


class Calls(Names):
    """Checks what is looked up or called."""

    def _lookup(self, node: ast.Lookup, scope: Scope) -> core.Expr:
        keys: list[ast.Expr] = []
        base: ast.Expr = node
        while isinstance(base, ast.Lookup):
            keys.insert(0, base.key)
            base = base.value
        if not isinstance(base, ast.Name) or base.name not in self.symbols.rates:
            name = base.name if isinstance(base, ast.Name) else base.span.text
            return self.invalid("unknown-table", base.span, name=name, nearest=nearest(name, self.symbols.rates))
        table = self.symbols.rates[base.name]
        if not table.by or not table.values.rows:
            return core.Invalid(node.span, INVALID)
        if len(keys) != len(table.by):
            by = ", ".join(i.name for i in table.by)
            return self.invalid("table-keys", node.span, name=base.name, by=by, count=len(table.by))
        subjects = []
        for key, choice_name in zip(keys, table.by, strict=True):
            choice = self.symbols.choices.get(choice_name.name)
            if choice is None:
                return core.Invalid(node.span, INVALID)
            subjects.append(self.wanted(key, scope, choice))
        return dataclasses.replace(self.table(table, table.values, subjects, self.rate_type(table)), span=node.span)

    def rate_type(self, table: ast.Rate) -> Type:
        """The type of a table's values: as declared, else the common type of all of them."""
        quiet = _Quiet(self)
        found: Type = INVALID
        for value in [*_ends(table.values), *([table.otherwise] if table.otherwise else [])]:
            type_ = quiet.check(value, Scope(None)).type
            if isinstance(found, InvalidType):
                found = type_
            elif PERCENT in (found, type_):
                found = PERCENT
            else:
                found = join(found, type_) or found
        return found

    def table(self, table: ast.Rate, rows: ast.RateRows, subjects: list[core.Expr], type_: Type) -> core.Expr:
        """A rate table as nested choices."""
        options: list[tuple[str, core.Expr]] = []
        for word, (_, row) in rows.rows.items():
            if isinstance(row, ast.RateRows):
                if len(subjects) > 1:
                    options.append((word, self.table(table, row, subjects[1:], type_)))
            elif len(subjects) == 1:
                options.append((word, self.declared(row, Scope(None), type_)))
        otherwise = None if table.otherwise is None else self.declared(table.otherwise, Scope(None), type_)
        return core.Choose(rows.span, type_, subjects[0], tuple(options), otherwise)

    def _call(self, node: ast.Call, scope: Scope) -> core.Expr:
        name = node.name
        if name == "met":
            return self._met(node, scope)
        if name in self.symbols.formulas:
            return self._formula(node, scope)
        if name in self.symbols.bands:
            return self._brackets(node, scope)
        row_name = f"{name} distinct" if node.distinct else name
        row = operation_by_name().get(row_name)
        if row is None or row.kind == "operator":
            if node.distinct:
                return self.invalid("distinct-here", node.span, name=name)
            names = [*function_names(), "met", *self.symbols.formulas, *self.symbols.bands]
            return self.invalid("unknown-function", node.name_span, name=name, nearest=nearest(name, names))
        if name == "working_day" and self.d.conventions.working_days is None:
            return self.invalid("no-working-days", node.span)
        directions = next((s.takes for s in row.parsed if any(isinstance(t, ChoiceType) for t in s.takes)), ())
        arguments: list[core.Expr] = []
        for i, argument in enumerate(node.arguments):
            hint = directions[i] if i < len(directions) and isinstance(directions[i], ChoiceType) else None
            arguments.append(self.check(argument, scope, hint))
        return self.apply(row_name, node.span, arguments)

    def _met(self, node: ast.Call, scope: Scope) -> core.Expr:
        if len(node.arguments) != 1 or not isinstance(node.arguments[0], ast.Name):
            return self.invalid("met-what", node.span)
        name = node.arguments[0].name
        entity = self.symbols.requirement_entity.get(name)
        if entity is None:
            near = nearest(name, self.symbols.requirement_entity)
            return self.invalid("unknown-requirement", node.arguments[0].span, name=name, nearest=near)
        for binder in scope.binders:
            if binder.type == RecordType(entity):
                return core.Met(node.span, BOOLEAN, core.Variable(node.span, binder.type, binder.slot), name)
        record = self._entity_record(entity, node.span, scope)
        if record is None:
            return self.invalid("met-of-other", node.span, name=name, entity=entity)
        return core.Met(node.span, BOOLEAN, record, name)

    def _formula(self, node: ast.Call, scope: Scope) -> core.Expr:
        formula = self.symbols.formulas[node.name]
        if node.name in scope.formulas:
            names = [*scope.formulas[scope.formulas.index(node.name) :]]
            first = names.index(min(names))
            names = names[first:] + names[:first]
            span = self.symbols.formulas[names[0]].name.span
            return self.invalid("cycle", span, loop=" → ".join([*names, names[0]]), name=names[0])
        if len(scope.formulas) >= DEPTH_OF_FORMULAS:
            return self.invalid("formula-too-deep", node.span, limit=DEPTH_OF_FORMULAS)
        if len(node.arguments) != len(formula.takes):
            takes = ", ".join(f"{n.name}: {t.name}" for n, t in formula.takes)
            return self.invalid("formula-arguments", node.span, name=node.name, takes=takes, count=len(formula.takes))
        arguments: dict[str, tuple[int, Type]] = {}
        values: list[tuple[int, core.Expr]] = []
        for (name, _), written, type_ in zip(formula.takes, node.arguments, self.argument_types(formula), strict=True):
            slot = self.new_slot()
            values.append((slot, self.declared(written, scope, type_)))
            arguments[name.name] = (slot, type_)
        inner = Scope(None, arguments=arguments, formulas=(*scope.formulas, node.name))
        body = self.check(formula.value, inner)
        for slot, value in reversed(values):
            body = core.Let(node.span, body.type, slot, value, body)
        return body

    def argument_types(self, formula: ast.Formula) -> list[Type]:
        return [type_named(self.symbols, written) or INVALID for _, written in formula.takes]

    def _brackets(self, node: ast.Call, scope: Scope) -> core.Expr:
        steps, progressive, of, gives = self.d.brackets(node.name)
        if len(node.arguments) != 1:
            return self.invalid("formula-arguments", node.span, name=node.name, takes=str(of), count=1)
        amount = self.wanted(node.arguments[0], scope, of)
        return core.Brackets(node.span, gives, node.name, amount, steps, progressive)


def _ends(rows: ast.RateRows) -> list[ast.Expr]:
    found: list[ast.Expr] = []
    for _, row in rows.rows.values():
        found += _ends(row) if isinstance(row, ast.RateRows) else [row]
    return found


class _Quiet:
    """Checks an expression for its type alone: what it reports is said elsewhere."""

    def __init__(self, calls: Calls) -> None:
        self.calls = calls

    def check(self, node: ast.Expr, scope: Scope) -> core.Expr:
        kept = list(self.calls.d.diagnostics)
        try:
            return self.calls.check(node, scope)
        finally:
            self.calls.d.diagnostics[:] = kept
