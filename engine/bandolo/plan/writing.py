"""The statements of a program: values put under names, and brought from one form to another."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from bandolo.check import core
from bandolo.evaluate.reference import Settings
from bandolo.language.types import ListType, Type
from bandolo.language.values import NONE, Fault, ListValue, Record, Unknown, Value
from bandolo.plan.codes import NEVER, Code, Names
from bandolo.plan.kinds import Cash, Kind, Many, Maybe, Nothing, Ratio, Same, Whole, bare, joined, kind_of_fact
from bandolo.plan.quote import code, is_plain, lines, literal, name, times

CASH_BITS = 100


@dataclass
class Writing:
    """Writes the statements of one function: values under names, in one form or another."""

    policy: core.Policy
    settings: Settings
    names: Names
    kinds: dict[tuple[str, str], Kind | None]
    """The forms of the definitions written so far."""
    body: list[ast.stmt] = field(default_factory=list)
    slots: dict[int, Code] = field(default_factory=dict)
    unsupported: set[str] = field(default_factory=set)
    shares: list[tuple[core.Share, str]] = field(default_factory=list)

    # Statements.

    def add(self, template: str, **pieces: Any) -> None:
        self.body += lines(template, **pieces)

    @contextmanager
    def block(self) -> Iterator[list[ast.stmt]]:
        """What is written inside goes into a list of its own."""
        outer, self.body = self.body, []
        try:
            yield self.body
        finally:
            self.body = outer

    def when(self, test: ast.expr, then: list[ast.stmt], otherwise: list[ast.stmt]) -> None:
        self.body.append(ast.If(test, then or [ast.Pass()], otherwise))

    def raised(self) -> Code:
        """Code for what is never a value."""
        self.add("raise Open")
        return NEVER

    def not_held(self, what: str) -> Code:
        self.unsupported.add(what)
        return self.raised()

    def held(self, value: Code) -> Code:
        """The same value under a name, so that it can be said twice."""
        if value.kind is None or (is_plain(value.expr) and (value.under is None or is_plain(value.under))):
            return value
        if value.under is not None:
            above, under = self.held(Code(value.expr, Whole(1, 0))), self.held(Code(value.under, Whole(1, 0)))
            return Code(above.expr, value.kind, under.expr)
        temp = self.names.fresh()
        self.add("T = V", T=temp, V=value.expr)
        return Code(name(temp), value.kind, open=value.open)

    def packed(self, value: Code) -> ast.expr:
        """One expression, a pair where it is a ratio."""
        return value.expr if value.under is None else ast.Tuple([value.expr, value.under], ast.Load())

    def unpacked(self, value: Code) -> Code:
        """A ratio as two names."""
        if value.kind is None or not isinstance(bare(value.kind), Ratio):
            return value
        if value.under is not None:
            return self.held(value)
        above, under = self.names.fresh(), self.names.fresh()
        self.add("A, B = V", A=above, B=under, V=value.expr)
        return Code(name(above), bare(value.kind), name(under))

    def turned(self, value: Code, kind: Kind) -> Code:
        """The same value in a form that can take it."""
        if value.kind is None or value.kind == kind:
            return value
        match value.kind, kind:
            case Nothing(), Maybe():
                return Code(literal(None), kind)
            case Maybe(of=inner), Maybe(of=wanted):
                if _same_form(inner, wanted):
                    return Code(value.expr, kind)
                held = self.held(value)
                with self.block() as then:
                    temp = self.names.fresh()
                    made = self.turned(Code(held.expr, inner), wanted)
                    self.add("T = V", T=temp, V=self.packed(made))
                with self.block() as otherwise:
                    self.add("T = None", T=temp)
                self.when(code("V is not None", V=held.expr), then, otherwise)
                return Code(name(temp), kind)
            case _, Maybe(of=wanted):
                made = self.turned(value, wanted)
                return Code(self.packed(made), kind)
            case Maybe(of=inner), _:
                return self.turned(Code(value.expr, inner, value.under), kind)
            case Whole() as whole, Whole(scale=scale):
                return Code(times(value.expr, scale // whole.scale), kind)
            case Whole(scale=scale), Ratio():
                return Code(value.expr, kind, literal(scale))
            case Ratio(), Ratio():
                return Code(value.expr, kind, value.under)
            case Many(item=inner), Many(item=wanted):
                if _same_form(inner, wanted):
                    return Code(value.expr, kind)
                made_list = self.names.fresh()
                self.add("T = []", T=made_list)
                member = self.names.fresh()
                with self.block() as loop:
                    self.add("T.append(V)", T=made_list, V=self.packed(self.turned(Code(name(member), inner), wanted)))
                self.body.append(ast.For(ast.Name(member, ast.Store()), value.expr, loop, []))
                return Code(name(made_list), kind)
        return Code(value.expr, kind, value.under)

    def one_of(self, cases: list[tuple[list[ast.stmt], Code]]) -> tuple[str, Kind | None]:
        """Let each block put its value under one name, in a form that all of them can take."""
        kind: Kind | None = None
        for _, value in cases:
            kind = joined(kind, value.kind)
        temp = self.names.fresh()
        for block, value in cases:
            if value.kind is None or kind is None:
                continue
            outer, self.body = self.body, block
            self.add("T = V", T=temp, V=self.packed(self.turned(value, kind)))
            self.body = outer
        return temp, kind

    def value_of(self, value: Value, type_: Type) -> Code:
        """A constant."""
        match value:
            case Unknown() | Fault():
                return self.raised()
            case bool():
                return Code(literal(value), Same(type_))
            case Fraction():
                return Code(literal(value.numerator), Whole(value.denominator, value.numerator.bit_length()))
            case ListValue(members=members):
                item = type_.item if isinstance(type_, ListType) else type_
                codes = [self.value_of(m.value, item) for m in members]
                return self.items(codes, item)
        if value is NONE:
            return Code(literal(None), Nothing())
        assert not isinstance(value, Record)
        return Code(self.names.constant(value), Same(type_))

    def items(self, codes: list[Code], item_type: Type) -> Code:
        if any(c.kind is None for c in codes):
            return NEVER
        kind: Kind | None = None
        for value in codes:
            kind = joined(kind, value.kind)
        made = kind if kind is not None else kind_of_fact(item_type)
        elements = [self.packed(self.turned(c, made)) for c in codes]
        return Code(ast.List(elements, ast.Load()), Many(made))

    def start(self, listed: core.Expr, template: str, **pieces: Any) -> None:
        """What is to be done before the first member of a list is looked at."""
        self.add(template, **pieces)

    def counted(self, value: Code) -> Code:
        """An amount in cents."""
        match value.kind:
            case Cash():
                return self.held(Code(code("int(V * HUNDRED)", V=value.expr), Whole(100, CASH_BITS)))
            case Maybe(of=Cash()):
                return self.held(Code(code("int(V * HUNDRED)", V=value.expr), Whole(100, CASH_BITS)))
        return value


def _same_form(first: Kind, second: Kind) -> bool:
    match first, second:
        case Whole(scale=a), Whole(scale=b):
            return a == b
        case Ratio(), Ratio():
            return True
        case Whole(), Ratio():
            return False
    return True
