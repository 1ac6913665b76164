"""What a name stands for, and what is said when it stands for nothing."""

from __future__ import annotations

import dataclasses
from typing import Literal

from bandolo.check import core
from bandolo.check.basics import Basics
from bandolo.check.scope import Scope
from bandolo.diagnostics.spelling import nearest
from bandolo.language.library import function_names
from bandolo.language.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    INVALID,
    ChoiceType,
    InvalidType,
    ListType,
    OptionalType,
    RecordType,
    Type,
)  # fmt: skip
from bandolo.source import Span
from bandolo.syntax import ast


class Names(Basics):
    """Resolves bare names, members of records, and names at a stage or on a date."""

    def _name(self, node: ast.Name, scope: Scope, expected: Type | None, stage: ast.Expr | None = None) -> core.Expr:
        found = self.resolve(node.name, node.span, scope, stage)
        option = self._option(node, expected)
        if found is None and option is not None:
            return option
        if found is None:
            return self._unknown_name(node, scope, expected)
        if option is not None:
            return self.invalid("ambiguous-name", node.span, name=node.name, choice=str(expected))
        return found

    @staticmethod
    def _option(node: ast.Expr, expected: Type | None) -> core.Constant | None:
        """The choice word that a bare name stands for, where a choice is expected."""
        if not isinstance(node, ast.Name):
            return None
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
            if owned.owner is None:
                return core.Invalid(span, INVALID)  # its owner is missing: reported where it is declared
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
        for entity in self.symbols.entities.values():
            if scope.entity is not None and entity.owner == scope.entity and node.name in entity.names():
                args = {"name": node.name, "entity": entity.entity.name.name, "list": entity.listed_in}
                return self.invalid("field-of-list", node.span, **args)
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
