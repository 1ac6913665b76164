"""The definitions that other sections stand for: scores, bonuses, deadlines."""

from __future__ import annotations

from fractions import Fraction

from bandolo.check import core
from bandolo.check.scope import Scope, shown
from bandolo.check.tables import Tables
from bandolo.language.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    DURATION,
    INTEGER,
    NONE_TYPE,
    NUMBER,
    InvalidType,
    OptionalType,
    RecordType,
    accepts,
)  # fmt: skip
from bandolo.language.values import NONE
from bandolo.source import Span
from bandolo.syntax import ast


class Implied(Tables):
    """Desugars scoring and deadlines into definitions."""

    def _score(self, name: str, scoring: ast.Scoring) -> core.Definition:
        root, span = self.symbols.root, scoring.span
        scope = Scope(root)
        words = core.Words(sources=self.words(scoring.common).sources)
        if name == "base_score":
            value = self.expressions.wanted(scoring.base, scope, NUMBER)
            return core.Definition(root, name, value.type, value, words, scoring.base.span, synthetic=True)
        if name == "bonus_points":
            total: core.Expr = core.Constant(span, INTEGER, Fraction(0))
            for bonus in self.symbols.bonuses:
                part = core.Computed(span, self.definition_type(root, f"bonus.{bonus}"), _this(span, root), root, f"bonus.{bonus}")
                total = self.expressions.apply("+", span, [total, part])
            return core.Definition(root, name, total.type, total, core.Words(), span, synthetic=True)
        base = core.Computed(span, self.definition_type(root, "base_score"), _this(span, root), root, "base_score")
        bonus_points = core.Computed(span, self.definition_type(root, "bonus_points"), _this(span, root), root, "bonus_points")
        value = self.expressions.apply("+", span, [base, bonus_points])
        if scoring.at_most is not None:
            value = self.expressions.apply("min", span, [value, self.expressions.wanted(scoring.at_most, scope, NUMBER)])
        if scoring.minimum is not None:
            minimum = self.expressions.wanted(scoring.minimum, scope, NUMBER)
            reached = self.expressions.apply(">=", scoring.minimum.span, [base, minimum])
            value = self.expressions.branches(span, [(reached, value, core.Words())], base)
        return core.Definition(root, name, value.type, value, words, span, synthetic=True)

    def _bonus(self, bonus: ast.Bonus) -> core.Definition:
        root = self.symbols.root
        scope = Scope(root)
        when = self.expressions.wanted(bonus.when, scope, BOOLEAN, "check")
        points = self.expressions.wanted(bonus.points, scope.narrow(shown(when, True)), NUMBER)
        zero = core.Constant(bonus.points.span, INTEGER, Fraction(0))
        words = self.words(bonus.common)
        value = self.expressions.branches(bonus.span, [(when, points, words)], zero)
        return core.Definition(root, f"bonus.{bonus.name.name}", value.type, value, words, bonus.name.span, synthetic=True)

    def _deadline(self, written: ast.Deadline) -> core.Definition:
        root = self.symbols.root
        scope = Scope(root)
        name = f"deadline.{written.name.name}"
        words = self.words(written.common)
        after = start = None
        if written.at is not None and written.after is None and written.start is None:
            value = self.expressions.check(written.at, scope)
            inner = value.type.of if isinstance(value.type, OptionalType) else value.type
            if inner not in (DATE, DATETIME) and not isinstance(inner, InvalidType):
                value = self.expressions.must_be(value, DATE)
        elif written.after is not None and written.start is not None and written.at is None:
            after, start, value = self._term(written, scope)
        else:
            value = self.expressions.invalid("deadline-form", written.name.span, name=written.name.name)
        whose = written.of.name if written.of is not None else None
        self.deadlines_done[written.name.name] = core.Deadline(written.name.name, whose, value, after, start, words)
        if written.roll is not None:
            value = self._rolled(written.roll, value)
        return core.Definition(root, name, value.type, value, words, written.name.span, synthetic=True)

    def _term(self, written: ast.Deadline, scope: Scope) -> tuple[core.Expr, core.Expr, core.Expr]:
        """The length of a term, what it runs from, and its end."""
        after = self.expressions.wanted(written.after, scope, DURATION)
        assert written.start is not None
        start = self.expressions.check(written.start, scope)
        if isinstance(start.type, OptionalType):
            # No event, no term: the deadline is none where the event is.
            inner = self.expressions.check(written.start, scope.narrow(frozenset([start])))
            absent = core.IsNone(start.span, BOOLEAN, start)
            due = self.expressions.apply("+", written.name.span, [inner, after])
            none = core.Constant(start.span, NONE_TYPE, NONE)
            return after, start, self.expressions.branches(written.name.span, [(absent, none, core.Words())], due)
        return after, start, self.expressions.apply("+", written.name.span, [start, after])

    def _rolled(self, roll: ast.Ident | ast.ByReading[ast.Ident], value: core.Expr) -> core.Expr:
        if isinstance(value, core.Invalid):
            return value
        if isinstance(roll, ast.ByReading):
            subject = self.option_of(roll)
            if subject is None:
                return value
            options = tuple((word, self._rolled(r, value)) for word, (_, r) in roll.options.items())
            return core.Choose(roll.span, value.type, subject, options, None)
        if roll.name != "next_working_day":
            return value
        if self.conventions.working_days is None:
            return self.expressions.invalid("no-working-days", roll.span)
        if isinstance(value.type, OptionalType) and value.type.of == DATE:
            # Where there is no event there is no term, and nothing to roll.
            slot = self.expressions.new_slot()
            whole, day = core.Variable(value.span, value.type, slot), core.Variable(value.span, DATE, slot)
            absent = core.IsNone(value.span, BOOLEAN, whole)
            none = core.Constant(value.span, NONE_TYPE, NONE)
            rolled = self.expressions.apply("working_day", value.span, [day])
            chosen = self.expressions.branches(value.span, [(absent, none, core.Words())], rolled)
            return core.Let(value.span, chosen.type, slot, value, chosen)
        if not accepts(DATE, value.type):
            return self.expressions.invalid("roll-date", roll.span, found=value.type)
        return self.expressions.apply("working_day", value.span, [value])


def _this(span: Span, root: str) -> core.Variable:
    return core.Variable(span, RecordType(root), 0)
