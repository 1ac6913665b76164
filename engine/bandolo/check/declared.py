"""What is declared with a type: the common ground of parameters, tables and definitions, and the facts.

One class in five files, each building on the one before: declared, parameters, tables, implied, definitions.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TypeVar

from bandolo.check import core
from bandolo.check.expressions import Expressions
from bandolo.check.scope import Scope
from bandolo.check.symbols import Symbols, type_named
from bandolo.diagnostics import Diagnostic, Label
from bandolo.diagnostics.spelling import nearest
from bandolo.language.functions import Conventions
from bandolo.language.types import (
    DATE,
    DATETIME,
    INTEGER,
    INVALID,
    MONEY,
    NUMBER,
    PERCENT,
    ChoiceType,
    OptionalType,
    Type,
    is_quantity,
)  # fmt: skip
from bandolo.source import Span
from bandolo.syntax import ast

A = TypeVar("A")


class Declared:
    """The declarations of one policy, as expressions ask for them."""

    def __init__(
        self, doc: ast.PolicyDoc, symbols: Symbols, conventions: Conventions, diagnostics: list[Diagnostic],
        words: Callable[[ast.Common], core.Words],
    ) -> None:  # fmt: skip
        self.doc, self.symbols, self.conventions, self.diagnostics, self.words = doc, symbols, conventions, diagnostics, words
        self.expressions = Expressions(self)
        self.done: dict[tuple[str, str], core.Definition] = {}
        self.busy: list[tuple[str, str]] = []  # being checked, outermost first
        self.loops: list[list[tuple[str, str]]] = []
        self.parameters_done: dict[str, core.ParameterDeclaration] = {}
        self.deadlines_done: dict[str, core.Deadline] = {}
        self.parameters_busy: set[str] = set()
        self.brackets_done: dict[str, tuple[tuple[core.Bracket, ...], bool, Type, Type]] = {}

    def report(self, code: str, span: Span, *labels: Label, **args: object) -> None:
        self.diagnostics.append(Diagnostic(code, span, args, labels))

    def type_of(self, written: ast.Ident | None) -> Type | None:
        if written is None:
            return None
        found = type_named(self.symbols, written)
        if found is None:
            self.report("unknown-type", written.span, name=written.name, nearest=nearest(written.name, self.symbols.choices))
        return found or INVALID

    def fact(self, entity: str, name: str) -> core.FactDeclaration:
        symbol = self.symbols.entities[entity].facts[name]
        written, type_ = symbol.fact, symbol.type
        inner = type_.of if isinstance(type_, OptionalType) else type_
        bound_type = inner if inner != INTEGER else NUMBER
        low = high = None
        if is_quantity(inner) or inner in (MONEY, DATE, DATETIME, INVALID):
            low, high = self._bound(written.low, bound_type), self._bound(written.high, bound_type)
        else:
            for bound in (b for b in (written.low, written.high) if b is not None):
                self.report("no-range", bound.span, type=inner)
        at_most: int | None = None
        if written.at_most is not None:
            count = self.expressions.check(written.at_most, Scope(None))
            if isinstance(count, core.Constant) and count.type == INTEGER:
                at_most = int(count.value)  # type: ignore[arg-type]
            elif not isinstance(count, core.Invalid):
                self.report("at-most-number", written.at_most.span)
        by = core.Texts(written.by.said("it"), written.by.said("en")) if written.by else None
        return core.FactDeclaration(
            name, type_, written.key, written.optional, tuple(i.name for i in written.asked), low, high, at_most, by,
            self.words(written.common), written.name.span,
        )  # fmt: skip

    def _bound(self, node: ast.Expr | None, type_: Type) -> core.Expr | None:
        if isinstance(node, ast.Literal) and node.text == "0" and type_ in (MONEY, PERCENT):
            return core.Constant(node.span, type_, Fraction(0))  # nothing is nothing, in any unit
        return None if node is None else self.expressions.declared(node, Scope(None), type_)

    def cover(self, subject: core.Expr, given: dict[str, ast.Ident], has_otherwise: bool) -> None:
        """Every option of a choice must be there, and no other."""
        assert isinstance(subject.type, ChoiceType)
        for word, ident in given.items():
            if word not in subject.type.options:
                near = nearest(word, subject.type.options)
                options = ", ".join(subject.type.options)
                self.report("unknown-choice", ident.span, name=word, choice=subject.type.name, options=options, nearest=near)
        left = [o for o in subject.type.options if o not in given]
        misspelt = any(word not in subject.type.options for word in given)
        if left and not has_otherwise and not misspelt:
            self.report("not-covered", subject.span, choice=subject.type.name, left=", ".join(left))

    def option_of(self, by: ast.ByReading[A], entity: str | None = None) -> core.Option | None:
        """The reading that chooses between alternatives, each of its options covered; None, reported, where it is no reading."""
        subject = self.expressions.check(by.reading, Scope(entity or self.symbols.root))
        if not isinstance(subject, core.Option):
            if not isinstance(subject, core.Invalid):
                self.report("by-reading-only", by.reading.span)
            return None
        self.cover(subject, {word: ident for word, (ident, _) in by.options.items()}, False)
        return subject

    def definition_type(self, entity: str, name: str) -> Type:
        raise NotImplementedError

    def parameter_type(self, name: str) -> Type:
        raise NotImplementedError

    def brackets(self, name: str) -> tuple[tuple[core.Bracket, ...], bool, Type, Type]:
        raise NotImplementedError
