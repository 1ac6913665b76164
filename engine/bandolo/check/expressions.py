"""One expression of the tree as written to one of the tree as meant: names resolved, types known, overloads chosen.

Every mistake is reported once: what cannot be typed becomes `core.Invalid`, which fits everywhere.
"""

from __future__ import annotations

import dataclasses
import re
from fractions import Fraction
from typing import Literal, Protocol, assert_never

from bandolo import limits
from bandolo.check import core
from bandolo.check.mismatch import operand_mistake, wrong_type
from bandolo.check.scope import Binder, Scope, moved, shown
from bandolo.check.symbols import Symbols, type_named
from bandolo.diagnostics import Diagnostic, Label
from bandolo.diagnostics.spelling import nearest
from bandolo.language import literals
from bandolo.language.functions import Conventions
from bandolo.language.library import function_names, operation_by_name, result_type
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
    ChoiceType,
    DurationType,
    InvalidType,
    ListType,
    NoneType,
    OptionalType,
    RecordType,
    Type,
    accepts,
    join,
)  # fmt: skip
from bandolo.language.values import NONE
from bandolo.source import Span
from bandolo.syntax import ast

DEPTH_OF_FORMULAS = 12


class Declarations(Protocol):
    """What the checker of sections offers: the types of things that are themselves being checked."""

    symbols: Symbols
    conventions: Conventions
    diagnostics: list[Diagnostic]

    def definition_type(self, entity: str, name: str) -> Type: ...
    def parameter_type(self, name: str) -> Type: ...
    def fact(self, entity: str, name: str) -> core.FactDeclaration: ...
    def brackets(self, name: str) -> tuple[tuple[core.Bracket, ...], bool, Type, Type]: ...


class Expressions:
    """Checks expressions of one policy."""

    def __init__(self, declarations: Declarations) -> None:
        self.d = declarations
        self.symbols = declarations.symbols
        self.slots = 0
        self.nodes = 0

    # Entry points.

    def check(self, node: ast.Expr | None, scope: Scope, expected: Type | None = None) -> core.Expr:
        """The meaning of an expression; `expected` helps to understand choice words, and is not enforced."""
        if node is None:
            raise AssertionError("an expression that is absent cannot be checked")
        self.nodes += 1
        if self.nodes > limits.CORE_NODES:
            return self.invalid("policy-too-complex", node.span, limit=limits.CORE_NODES)
        return self._expr(node, scope, expected)

    def wanted(self, node: ast.Expr | None, scope: Scope, expected: Type, what: str = "") -> core.Expr:
        """The meaning of an expression that must be of a type."""
        found = self.check(node, scope, expected)
        return self.must_be(found, expected, what)

    def declared(self, node: ast.Expr | None, scope: Scope, expected: Type) -> core.Expr:
        """As `wanted`, for what is declared percent: a bare number is not a percentage there."""
        found = self.check(node, scope, expected)
        bare = node.value if isinstance(node, ast.Minus) else node
        if expected == PERCENT and isinstance(bare, ast.Literal) and bare.kind == "number":
            return self.invalid("bare-percent", found.span, found=bare.text)
        return self.must_be(found, expected)

    def must_be(self, found: core.Expr, expected: Type, what: str = "") -> core.Expr:
        if accepts(expected, found.type):
            return found
        self.d.diagnostics.append(wrong_type(found.span, expected, found.type, what))
        return core.Invalid(found.span, INVALID)

    def report(self, code: str, span: Span, *labels: Label, **args: object) -> None:
        self.d.diagnostics.append(Diagnostic(code, span, args, labels))

    def invalid(self, code: str, span: Span, *labels: Label, **args: object) -> core.Invalid:
        self.report(code, span, *labels, **args)
        return core.Invalid(span, INVALID)

    def new_slot(self) -> int:
        self.slots += 1
        return self.slots

    # By kind of node.

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

    def needs_month_rounding(self, span: Span) -> None:
        if self.d.conventions.month_rounding is None:
            self.report("no-month-rounding", span)

    # Names.

    def _name(self, node: ast.Name, scope: Scope, expected: Type | None, stage: ast.Expr | None = None) -> core.Expr:
        found = self.resolve(node.name, node.span, scope, stage)
        option = self._option(node, expected)
        if found is None and option is not None:
            return option
        if found is None:
            return self._unknown_name(node, scope, expected)
        if option is not None and expected is not None and found.type != expected:
            return self.invalid("ambiguous-name", node.span, name=node.name, choice=str(expected))
        return found

    @staticmethod
    def _option(node: ast.Name, expected: Type | None) -> core.Constant | None:
        """The choice word that a bare name stands for, where a choice is expected."""
        choice = expected.of if isinstance(expected, OptionalType) else expected
        if isinstance(choice, ChoiceType) and node.name in choice.options:
            return core.Constant(node.span, choice, node.name)
        return None

    def resolve(self, name: str, span: Span, scope: Scope, stage: ast.Expr | None = None) -> core.Expr | None:
        """What a bare name stands for in a scope: the innermost record's names first, then outwards, then the policy's."""
        if name in scope.arguments:
            slot, type_ = scope.arguments[name]
            return self._narrowed(core.Variable(span, type_, slot), scope)
        for binder in scope.binders:
            if name == binder.name:
                return core.Variable(span, binder.type, binder.slot)
        for binder in scope.binders:
            if isinstance(binder.type, RecordType):
                record = core.Variable(span, binder.type, binder.slot)
                if (found := self.field_of(record, name, span, scope, stage)) is not None:
                    return found
        if scope.entity is not None:
            record = core.Variable(span, RecordType(scope.entity), 0)
            if (found := self.field_of(record, name, span, scope, stage)) is not None:
                return found
            if (found := self._entity_record(name, span, scope)) is not None:
                return found
        if name == "as_of":
            return core.AsOf(span, DATETIME)
        if name in self.symbols.parameters:
            return self._parameter(name, span, scope, stage)
        return None

    def _entity_record(self, name: str, span: Span, scope: Scope) -> core.Expr | None:
        """`project`, said in an expression of `project` itself or of what it owns."""
        if scope.entity is None or name not in self.symbols.entities:
            return None
        this = core.Variable(span, RecordType(scope.entity), 0)
        if name == scope.entity:
            return this
        if name in self.symbols.owners(scope.entity):
            return core.Owner(span, RecordType(name), this, name)
        for binder in scope.binders:
            if isinstance(binder.type, RecordType) and name in self.symbols.owners(binder.type.entity):
                return core.Owner(span, RecordType(name), core.Variable(span, binder.type, binder.slot), name)
        return None

    def field_of(self, record: core.Expr, name: str, span: Span, scope: Scope, stage: ast.Expr | None = None) -> core.Expr | None:
        """A fact or definition of a record by its name, or `admitted`; None if it has no such name."""
        assert isinstance(record.type, RecordType)
        entity = record.type.entity
        owned = self.symbols.entities[entity]
        if name in owned.facts:
            symbol = owned.facts[name]
            asked = [i.name for i in symbol.fact.asked]
            at = self._stage(name, asked, stage, span)
            if at is False:
                return core.Invalid(span, INVALID)
            return self._narrowed(core.Fact(span, symbol.type, record, name, at), scope)
        scoring = entity == self.symbols.root and self.symbols.scoring and name in ("base_score", "bonus_points", "final_score")
        if name in owned.definitions or scoring:
            type_ = self.d.definition_type(entity, name)
            return self._narrowed(core.Computed(span, type_, record, entity, name), scope)
        if name == "admitted":
            if entity == self.symbols.root:
                return self.invalid("root-admitted", span, entity=entity)
            at = self._stage("admitted", self.symbols.stages, stage, span) if stage is not None else None
            return core.Invalid(span, INVALID) if at is False else core.Admitted(span, BOOLEAN, record, entity, at)
        return None

    def _stage(self, name: str, asked: list[str], stage: ast.Expr | None, span: Span) -> str | Literal[False] | None:
        """The stage at which a fact is looked at; False, reported, where it is missing or not one of those asked."""
        if stage is None:
            if asked:
                self.report("needs-stage", span, name=name, stages=", ".join(asked))
            return False if asked else None
        if not asked:
            self.report("not-asked-by-stage", span, name=name)
            return False
        if not isinstance(stage, ast.Name) or stage.name not in asked:
            word = stage.name if isinstance(stage, ast.Name) else ""
            self.report("unknown-moment", stage.span, name=name, stages=", ".join(asked), nearest=nearest(word, asked))
            return False
        return stage.name

    @staticmethod
    def _narrowed(node: core.Fact | core.Computed | core.Variable, scope: Scope) -> core.Expr:
        if isinstance(node.type, OptionalType) and node in scope.narrowed:
            return dataclasses.replace(node, type=node.type.of)
        return node

    def _parameter(self, name: str, span: Span, scope: Scope, moment: ast.Expr | None = None) -> core.Expr:
        declared = self.symbols.parameters[name]
        type_ = self.d.parameter_type(name)
        if not declared.versions:
            if moment is not None:
                return self.invalid("not-dated", moment.span, name=name)
            return core.Parameter(span, type_, name)
        if moment is not None:
            return core.Dated(span, type_, name, self._day(self.check(moment, scope)))
        if declared.default_date is None:
            return self.invalid("needs-date", span, name=name)
        if scope.entity is None:
            return self.invalid("needs-date", span, name=name)
        root = self.symbols.root
        this = core.Variable(span, RecordType(scope.entity), 0)
        record = this if scope.entity == root else core.Owner(span, RecordType(root), this, root)
        return core.Dated(span, type_, name, core.Computed(span, DATE, record, root, f"parameter.{name}.date"))

    def _day(self, moment: core.Expr) -> core.Expr:
        """A version is in force on a day: an instant counts by its day in the policy's zone."""
        if moment.type == DATETIME:
            return self.apply("date", moment.span, [moment])
        return self.must_be(moment, DATE)

    def _unknown_name(self, node: ast.Name, scope: Scope, expected: Type | None) -> core.Expr:
        choice = expected.of if isinstance(expected, OptionalType) else expected
        visible = self.visible(scope)
        if isinstance(choice, ChoiceType):
            near = nearest(node.name, [*choice.options, *visible])
            options = ", ".join(choice.options)
            return self.invalid("unknown-choice", node.span, name=node.name, choice=choice.name, options=options, nearest=near)
        if node.name in ("yes", "no", "si", "True", "False", "TRUE", "FALSE", "vero", "falso", "on", "off"):
            return self.invalid("write-true-or-false", node.span, name=node.name)
        if node.name in ("null", "None", "nil", "NULL"):
            return self.invalid("write-none", node.span, name=node.name)
        for owner in self.symbols.owners(scope.entity) if scope.entity else ():
            if node.name in self.symbols.entities[owner].names():
                return self.invalid("say-whose", node.span, name=node.name, owner=owner)
        if node.name in self.symbols.rates:
            return self.invalid("table-without-key", node.span, name=node.name)
        if node.name in (*self.symbols.bands, *self.symbols.formulas, *function_names()):
            return self.invalid("function-without-arguments", node.span, name=node.name)
        kinds = {"deadline": [*self.symbols.deadlines], "reading": [*self.symbols.readings], "bonus": [*self.symbols.bonuses]}
        for kind, names in kinds.items():
            if node.name in names:
                return self.invalid("say-kind", node.span, name=node.name, kind=kind)
        if node.name in self.symbols.requirement_entity:
            return self.invalid("use-met", node.span, name=node.name)
        return self.invalid("unknown-name", node.span, name=node.name, nearest=nearest(node.name, visible))

    def visible(self, scope: Scope) -> list[str]:
        """The names that may be written bare in a scope."""
        names = [*scope.arguments, *self.symbols.parameters, "as_of"]
        kinds = [b.type.entity for b in scope.binders if isinstance(b.type, RecordType)]
        names += [b.name for b in scope.binders if b.name]
        if scope.entity is not None:
            kinds.append(scope.entity)
            names += [scope.entity, *self.symbols.owners(scope.entity)]
        for entity in kinds:
            names += self.symbols.entities[entity].names()
        return names

    def _member(self, node: ast.MemberOf, scope: Scope, stage: ast.Expr | None = None) -> core.Expr:
        if isinstance(node.value, ast.Name) and node.value.name in ("reading", "deadline", "bonus", "parameter"):
            return self._of_kind(node.value.name, node, scope, stage)
        record = self.check(node.value, scope)
        if isinstance(record.type, InvalidType):
            return record
        if isinstance(record.type, OptionalType):
            return self._untested(record)
        if not isinstance(record.type, RecordType):
            if isinstance(record.type, ListType):
                return self.invalid("member-of-list", node.span, name=node.name)
            return self.invalid("member-of-value", node.span, name=node.name, found=record.type)
        found = self.field_of(record, node.name, node.span, scope, stage)
        if found is None:
            names = self.symbols.entities[record.type.entity].names()
            near = nearest(node.name, names)
            return self.invalid("unknown-field", node.name_span, name=node.name, entity=record.type.entity, nearest=near)
        return found

    def _of_kind(self, kind: str, node: ast.MemberOf, scope: Scope, stage: ast.Expr | None) -> core.Expr:
        """`reading.x`, `deadline.x`, `bonus.x`, `parameter.x`"""
        known: dict[str, dict[str, object]] = {
            "reading": dict(self.symbols.readings), "deadline": dict(self.symbols.deadlines),
            "bonus": dict(self.symbols.bonuses), "parameter": dict(self.symbols.parameters),
        }  # fmt: skip
        if node.name not in known[kind]:
            near = nearest(node.name, known[kind])
            return self.invalid("unknown-of-kind", node.name_span, kind=kind, name=node.name, nearest=near)
        if kind == "reading":
            return core.Option(node.span, self.symbols.readings[node.name], node.name)
        if kind == "parameter":
            return self._parameter(node.name, node.span, scope, stage)
        if scope.entity is None:
            return self.invalid("no-record-here", node.span, name=f"{kind}.{node.name}")
        root = self.symbols.root
        this = core.Variable(node.span, RecordType(scope.entity), 0)
        record = this if scope.entity == root else core.Owner(node.span, RecordType(root), this, root)
        name = f"{kind}.{node.name}"
        return self._narrowed(core.Computed(node.span, self.d.definition_type(root, name), record, root, name), scope)

    def _at(self, node: ast.At, scope: Scope) -> core.Expr:
        match node.value:
            case ast.Name():
                found = self.resolve(node.value.name, node.value.span, scope, node.moment)
                if found is None:
                    return self._unknown_name(node.value, scope, None)
            case ast.MemberOf():
                found = self._member(node.value, scope, node.moment)
            case _:
                return self.invalid("at-what", node.span)
        if isinstance(found, core.Fact | core.Dated | core.Admitted | core.Parameter):
            return dataclasses.replace(found, span=node.span)
        return found if isinstance(found, core.Invalid) else self.invalid("at-what", node.span)

    # Tables and calls.

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
            loop = [*scope.formulas[scope.formulas.index(node.name) :], node.name]
            return self.invalid("cycle", node.span, loop=" → ".join(loop), name=node.name)
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

    # Operators.

    def apply(self, name: str, span: Span, arguments: list[core.Expr]) -> core.Expr:
        """An operation of the library on checked arguments, or the diagnostic that says why it cannot be."""
        if any(isinstance(a.type, InvalidType) for a in arguments):
            return core.Invalid(span, INVALID)
        row = operation_by_name()[name]
        types = tuple(a.type for a in arguments)
        found = result_type(row, types)
        if found is None:
            for argument in sorted(arguments, key=lambda a: not isinstance(a.type, NoneType)):
                if isinstance(argument.type, OptionalType | NoneType):
                    return self._untested(argument)
                if isinstance(argument.type, ListType) and isinstance(argument.type.item, OptionalType):
                    return self._untested(argument)
            self.d.diagnostics.append(operand_mistake(row, span, [(a.span, a.type) for a in arguments], self.d.conventions.currency))
            return core.Invalid(span, INVALID)
        _, type_ = found
        return core.Apply(span, type_, row, tuple(arguments))

    def _untested(self, node: core.Expr) -> core.Expr:
        if isinstance(node.type, NoneType):
            return self.invalid("use-is-none", node.span)
        return self.invalid("untested-none", node.span, name=node.span.text)

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
        if re.fullmatch(r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}", node.span.text):
            return self.invalid("day-first-date", node.span, found=node.span.text)
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

    def branches(self, span: Span, branches: list[tuple[core.Expr, core.Expr, core.Words]], otherwise: core.Expr) -> core.Expr:
        """A value by conditions in order, of the type that all values share."""
        type_: Type | None = otherwise.type
        for _, value, _ in branches:
            joined = join(type_, value.type) if type_ is not None else None
            if joined is None:
                return self.invalid("branch-types", span, first=value.type, second=otherwise.type)
            type_ = joined
        assert type_ is not None
        return core.Branches(span, type_, tuple(core.Branch(*b) for b in branches), otherwise)

    # Lists.

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


def _ends(rows: ast.RateRows) -> list[ast.Expr]:
    found: list[ast.Expr] = []
    for _, row in rows.rows.values():
        found += _ends(row) if isinstance(row, ast.RateRows) else [row]
    return found


class _Quiet:
    """Checks an expression for its type alone: what it reports is said elsewhere."""

    def __init__(self, expressions: Expressions) -> None:
        self.expressions = expressions

    def check(self, node: ast.Expr, scope: Scope) -> core.Expr:
        kept = list(self.expressions.d.diagnostics)
        try:
            return self.expressions.check(node, scope)
        finally:
            self.expressions.d.diagnostics[:] = kept
