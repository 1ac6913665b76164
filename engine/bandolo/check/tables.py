"""Rate tables and bands: covered, in order, without gaps or overlaps."""

from __future__ import annotations

from bandolo.check import core
from bandolo.check.parameters import Parameters
from bandolo.check.scope import Scope
from bandolo.diagnostics import Label
from bandolo.diagnostics.spelling import nearest
from bandolo.language.types import (
    INVALID,
    MONEY,
    NUMBER,
    ChoiceType,
    InvalidType,
    Type,
    is_quantity,
    join,
)  # fmt: skip
from bandolo.source import Span
from bandolo.syntax import ast


class Tables(Parameters):
    """Checks tables."""

    def brackets(self, name: str) -> tuple[tuple[core.Bracket, ...], bool, Type, Type]:
        """The steps of bands, whether they are progressive, the type that they take and the one that they give."""
        if name not in self.brackets_done:
            self.brackets_done[name] = self._brackets(self.symbols.bands[name])
        return self.brackets_done[name]

    def _brackets(self, written: ast.Bands) -> tuple[tuple[core.Bracket, ...], bool, Type, Type]:
        of = self.type_of(written.of) or INVALID
        if not (is_quantity(of) or of == MONEY or isinstance(of, InvalidType)):
            self.report("bands-of", written.of.span, found=of)
            of = INVALID
        progressive = any(s.rate is not None for s in written.steps)
        steps: list[core.Bracket] = []
        gives: Type = of if progressive else INVALID
        previous: core.Expr | None = None
        for step in written.steps:
            if (step.rate is None) == (step.value is None) or (step.rate is not None) != progressive:
                self.report("rate-or-value", step.span)
                continue
            to = self.expressions.declared(step.to, Scope(None), of)
            if step.start is not None:
                start = self.expressions.declared(step.start, Scope(None), of)
                self._continues(previous, start)
            amount = self.expressions.wanted(step.rate if progressive else step.value, Scope(None), NUMBER) if progressive else (
                self.expressions.check(step.value, Scope(None)))  # fmt: skip
            self._rises(previous, to)
            previous = to
            gives = gives if progressive else join(gives, amount.type) or gives
            steps.append(core.Bracket(to, amount))
        above = (
            self.expressions.wanted(written.above, Scope(None), NUMBER)
            if progressive
            else self.expressions.check(written.above, Scope(None))
        )
        if not progressive:
            joined = join(gives, above.type)
            if joined is None:
                self.report("branch-types", above.span, first=gives, second=above.type)
            gives = joined or gives
        steps.append(core.Bracket(None, above))
        self.words(written.common)
        return tuple(steps), progressive, of, gives

    def _continues(self, previous: core.Expr | None, start: core.Expr) -> None:
        """A band must begin where the one before ends: between the two there would be a gap, or an overlap."""
        if not (isinstance(start, core.Constant) and isinstance(previous, core.Constant)):
            return
        if start.value != previous.value:
            gap = start.value > previous.value  # type: ignore[operator]
            self.report("bands-gap" if gap else "bands-overlap", start.span, Label(previous.span, "ends-here"))

    def _rises(self, previous: core.Expr | None, to: core.Expr) -> None:
        if isinstance(previous, core.Constant) and isinstance(to, core.Constant) and to.value <= previous.value:  # type: ignore[operator]
            self.report("bands-order", to.span, Label(previous.span, "first-here"))

    def used_brackets(self) -> tuple[tuple[core.Brackets, Span], ...]:
        """Every bands section as one node, for what is checked when the parameters in it have their values."""
        found = []
        for written in self.doc.bands:
            steps, progressive, of, gives = self.brackets(written.name.name)
            node = core.Brackets(written.name.span, gives, written.name.name, core.Invalid(written.name.span, of), steps, progressive)
            found.append((node, written.name.span))
        return tuple(found)

    def _rate(self, rate: ast.Rate) -> None:
        self.words(rate.common)
        choices: list[ChoiceType] = []
        for by in rate.by:
            if by.name not in self.symbols.choices:
                self.report("rate-by", by.span, name=by.name, nearest=nearest(by.name, self.symbols.choices))
            else:
                choices.append(self.symbols.choices[by.name])
        type_ = self.type_of(rate.type) or self.expressions.rate_type(rate)
        if len(choices) == len(rate.by):
            self._rate_rows(rate, rate.values, choices)
        subjects: list[core.Expr] = [core.Invalid(by.span, INVALID) for by in rate.by]
        if subjects:
            self.expressions.table(rate, rate.values, subjects, type_)

    def _rate_rows(self, rate: ast.Rate, rows: ast.RateRows, choices: list[ChoiceType]) -> None:
        first = choices[0] if choices else None
        if first is None:
            return
        subject = core.Invalid(rows.span, first)
        self.cover(subject, {k: i for k, (i, _) in rows.rows.items()}, rate.otherwise is not None)
        for ident, row in rows.rows.values():
            if isinstance(row, ast.RateRows):
                if len(choices) == 1:
                    self.report("rate-depth", ident.span, by=", ".join(c.name for c in choices), count=len(rate.by))
                else:
                    self._rate_rows(rate, row, choices[1:])
            elif len(choices) > 1:
                self.report("rate-depth", ident.span, by=", ".join(i.name for i in rate.by), count=len(rate.by))
