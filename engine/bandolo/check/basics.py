"""What every part of the expression checker does: check, demand a type, apply an operation, report once.

The checker of expressions is one class in four files, each building on the one before: basics, names, calls, expressions.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from bandolo import limits
from bandolo.check import core
from bandolo.check.mismatch import operand_mistake, wrong_type
from bandolo.check.scope import Scope
from bandolo.check.symbols import Symbols
from bandolo.diagnostics import Diagnostic, Label
from bandolo.language.functions import Conventions
from bandolo.language.library import operation_by_name, result_type
from bandolo.language.types import (
    DATE,
    DATETIME,
    INVALID,
    PERCENT,
    InvalidType,
    ListType,
    NoneType,
    OptionalType,
    Type,
    accepts,
    join,
)  # fmt: skip
from bandolo.source import Span
from bandolo.syntax import ast

A = TypeVar("A")


class Declarations(Protocol):
    """What the checker of sections offers: the types of things that are themselves being checked."""

    symbols: Symbols
    conventions: Conventions
    diagnostics: list[Diagnostic]

    def definition_type(self, entity: str, name: str) -> Type: ...
    def option_of(self, by: ast.ByReading[A], entity: str | None = None) -> core.Option | None: ...
    def parameter_type(self, name: str) -> Type: ...
    def fact(self, entity: str, name: str) -> core.FactDeclaration: ...
    def brackets(self, name: str) -> tuple[tuple[core.Bracket, ...], bool, Type, Type]: ...


class Basics:
    """The common ground; `_expr`, which knows every kind of node, comes with `Expressions`."""

    def __init__(self, declarations: Declarations) -> None:
        self.d = declarations
        self.symbols = declarations.symbols
        self.slots = 0
        self.nodes = 0

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
        bare = _bare_number(node) if expected == PERCENT else None
        if bare is not None:
            return self.invalid("bare-percent", bare.span, found=bare.text)
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

    def needs_month_rounding(self, span: Span) -> None:
        if self.d.conventions.month_rounding is None:
            self.report("no-month-rounding", span)

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

    def _day(self, moment: core.Expr) -> core.Expr:
        """A version is in force on a day: an instant counts by its day in the policy's zone."""
        if moment.type == DATETIME:
            return self.apply("date", moment.span, [moment])
        return self.must_be(moment, DATE)

    def _expr(self, node: ast.Expr, scope: Scope, expected: Type | None) -> core.Expr:
        raise NotImplementedError


def _bare_number(node: ast.Expr | None) -> ast.Literal | None:
    """A number without a `%` that would be the value itself: written alone, as a branch, or as one of a `min` or `max`."""
    match node:
        case ast.Literal(kind="number"):
            return node
        case ast.Minus(value=value):
            return _bare_number(value)
        case ast.IfThenElse(yes=yes, no=no):
            return _bare_number(yes) or _bare_number(no)
        case ast.Call(name="min" | "max", arguments=arguments):
            return next((b for a in arguments if (b := _bare_number(a)) is not None), None)
        case ast.Call(name="round" | "abs", arguments=(first, *_)):
            return _bare_number(first)
    return None
