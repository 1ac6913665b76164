"""Definitions: what has a type that other expressions ask for.

A definition's type is inferred from its expression, on demand and once; a definition that is asked for while it is itself being
checked has no type yet, and the loop is reported by the ordering pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bandolo import limits
from bandolo.check import core
from bandolo.check.implied import Implied
from bandolo.check.scope import Scope, shown
from bandolo.language.types import (
    BOOLEAN,
    INVALID,
    ROUNDING,
    ChoiceType,
    Type,
    join,
)  # fmt: skip
from bandolo.syntax import ast


class Definitions(Implied):
    """The typed declarations of one policy."""

    def all(self) -> dict[tuple[str, str], core.Definition]:
        """Every definition, those of scoring and deadlines among them."""
        for rate in self.doc.rates:
            self._rate(rate)
        for bands in self.doc.bands:
            self.brackets(bands.name.name)
        for entity, definition in self._in_rough_order():
            self.definition_type(entity, definition.name.name)
        root = self.symbols.root
        if self.doc.scoring is not None:
            for name in ("final_score", *(f"bonus.{b}" for b in self.symbols.bonuses)):
                self.definition_type(root, name)
        for name in self.symbols.deadlines:
            self.definition_type(root, f"deadline.{name}")
        return dict(self.done)

    def _in_rough_order(self) -> list[tuple[str, ast.Definition]]:
        """Definitions after those that they seem to use, so that long chains do not nest the checker deeply."""
        by_name: dict[str, list[tuple[str, ast.Definition]]] = {}
        for entity, owned in self.symbols.entities.items():
            for definition in owned.definitions.values():
                by_name.setdefault(definition.name.name, []).append((entity, definition))
        ordered: list[tuple[str, ast.Definition]] = []
        seen: set[int] = set()
        for start in (row for rows in by_name.values() for row in rows):
            if id(start[1]) in seen:
                continue
            seen.add(id(start[1]))
            path = [(start, iter(_mentions(start[1], by_name)))]
            while path:
                current, rest = path[-1]
                following = next((r for r in rest if id(r[1]) not in seen), None)
                if following is None:
                    ordered.append(current)
                    path.pop()
                else:
                    seen.add(id(following[1]))
                    path.append((following, iter(_mentions(following[1], by_name))))
        return ordered

    def definition_type(self, entity: str, name: str) -> Type:
        """The type of a definition; Invalid while it is being checked itself, and for what does not exist."""
        key = (entity, name)
        if key in self.done:
            return self.done[key].type
        if key in self.busy:
            self.loops.append(self.busy[self.busy.index(key) :])
            return INVALID
        self.busy.append(key)
        made = self._make(entity, name)
        self.busy.pop()
        if made is None:
            return INVALID
        self.done[key] = made
        return made.type

    def _make(self, entity: str, name: str) -> core.Definition | None:
        kind, _, rest = name.partition(".")
        if name in self.symbols.entities[entity].definitions:
            return self._definition(entity, self.symbols.entities[entity].definitions[name])
        if entity != self.symbols.root:
            return None
        if kind == "deadline" and rest in self.symbols.deadlines:
            return self._deadline(self.symbols.deadlines[rest])
        scoring = self.doc.scoring
        if scoring is None:
            return None
        if kind == "bonus" and rest in self.symbols.bonuses:
            return self._bonus(self.symbols.bonuses[rest])
        if name in ("base_score", "bonus_points", "final_score"):
            return self._score(name, scoring)
        return None

    def _definition(self, entity: str, written: ast.Definition) -> core.Definition:
        scope = Scope(entity)
        declared = self.type_of(written.type)
        value = self._formed(written.formed, scope, declared)
        type_ = value.type
        if declared is not None:
            value = self.expressions.must_be(value, declared)
            type_ = declared
        words = self.words(written.common)
        return core.Definition(entity, written.name.name, type_, value, words, written.name.span, written.formed.round is not None)

    def _formed(self, formed: ast.Formed, scope: Scope, declared: Type | None) -> core.Expr:
        def one(node: ast.Expr, inner: Scope) -> core.Expr:
            return self.expressions.check(node, inner, declared) if declared is None else self.expressions.declared(node, inner, declared)

        exceptions: list[tuple[core.Expr, core.Expr, core.Words]] = []
        for exception in formed.exceptions:
            when = self.expressions.wanted(exception.when, scope, BOOLEAN, "check")
            exceptions.append((when, one(exception.value, scope.narrow(shown(when, True))), self.words(exception.common)))
            scope = scope.narrow(shown(when, False))
        if formed.by is not None:
            value = self._chosen(formed, scope, one)
        else:
            assert formed.value is not None
            value = one(formed.value, scope)
        if exceptions:
            value = self.expressions.branches(formed.span, exceptions, value)
        return self._rounded(formed.round, value)

    def _chosen(self, formed: ast.Formed, scope: Scope, one: Callable[[ast.Expr, Scope], core.Expr]) -> core.Expr:
        assert formed.by is not None
        subject = self.expressions.check(formed.by, scope)
        if isinstance(subject, core.Invalid):
            return subject
        if not isinstance(subject.type, ChoiceType):
            return self.expressions.invalid("by-choice-only", formed.by.span, found=subject.type)
        if formed.value is not None:
            return core.Invalid(formed.span, INVALID)
        self.cover(subject, {k: i for k, (i, _) in formed.options.items()}, formed.otherwise is not None)
        type_: Type | None = INVALID
        options: list[tuple[str, core.Expr]] = []
        for word, (_, node) in formed.options.items():
            value = one(node, scope)
            options.append((word, value))
        otherwise = one(formed.otherwise, scope) if formed.otherwise is not None else None
        for value in [*(v for _, v in options), *([otherwise] if otherwise is not None else [])]:
            joined = join(type_, value.type) if type_ is not None else None
            if joined is None:
                return self.expressions.invalid("branch-types", value.span, first=type_, second=value.type)
            type_ = joined
        return core.Choose(formed.span, type_ or INVALID, subject, tuple(options), otherwise)

    def _rounded(self, round_: ast.Round | ast.ByReading[ast.Round] | None, value: core.Expr) -> core.Expr:
        if round_ is None or isinstance(value, core.Invalid):
            return value
        if isinstance(round_, ast.ByReading):
            subject = self.option_of(round_)
            if subject is None:
                return value
            options = tuple((word, self._round(r, value)) for word, (_, r) in round_.options.items())
            return core.Choose(round_.span, value.type, subject, options, None)
        return self._round(round_, value)

    def _round(self, round_: ast.Round, value: core.Expr) -> core.Expr:
        step = self.expressions.check(round_.step, Scope(None))
        direction = core.Constant(round_.direction.span, ROUNDING, round_.direction.name)
        return self.expressions.apply("round", value.span, [value, direction, step])


def _mentions(definition: ast.Definition, by_name: dict[str, list[tuple[str, ast.Definition]]]) -> list[tuple[str, ast.Definition]]:
    words = re.findall(r"[A-Za-z_]\w*", definition.formed.span.text[: limits.EXPRESSION_CHARACTERS])
    return [row for word in dict.fromkeys(words) for row in by_name.get(word, ())]
