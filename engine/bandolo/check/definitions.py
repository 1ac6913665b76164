"""Definitions, parameters, tables and facts: what has a type that other expressions ask for.

A definition's type is inferred from its expression, on demand and once; a definition that is asked for while it is itself being
checked has no type yet, and the loop is reported by the ordering pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

from bandolo import limits
from bandolo.check import core
from bandolo.check.expressions import Expressions
from bandolo.check.scope import Scope, shown
from bandolo.check.symbols import Symbols, type_named
from bandolo.diagnostics import Diagnostic, Label
from bandolo.diagnostics.spelling import nearest
from bandolo.language.functions import Conventions
from bandolo.language.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    DURATION,
    INTEGER,
    INVALID,
    MONEY,
    NONE_TYPE,
    NUMBER,
    PERCENT,
    ROUNDING,
    ChoiceType,
    InvalidType,
    OptionalType,
    RecordType,
    Type,
    accepts,
    is_quantity,
    join,
)  # fmt: skip
from bandolo.language.values import NONE
from bandolo.source import Span
from bandolo.syntax import ast


class Definitions:
    """The typed declarations of one policy."""

    def __init__(
        self, doc: ast.PolicyDoc, symbols: Symbols, conventions: Conventions, diagnostics: list[Diagnostic],
        words: Callable[[ast.Common], core.Words],
    ) -> None:  # fmt: skip
        self.doc, self.symbols, self.conventions, self.diagnostics, self.words = doc, symbols, conventions, diagnostics, words
        self.expressions = Expressions(self)
        self.done: dict[tuple[str, str], core.Definition] = {}
        self.busy: set[tuple[str, str]] = set()
        self.parameters_done: dict[str, core.ParameterDeclaration] = {}
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

    # Facts.

    def fact(self, entity: str, name: str) -> core.FactDeclaration:
        symbol = self.symbols.entities[entity].facts[name]
        written, type_ = symbol.fact, symbol.type
        inner = type_.of if isinstance(type_, OptionalType) else type_
        bound_type = inner if inner != INTEGER else NUMBER
        low, high = self._bound(written.low, bound_type), self._bound(written.high, bound_type)
        for bound in (b for b in (low, high) if b is not None):
            if not (is_quantity(inner) or inner in (MONEY, DATE, DATETIME) or isinstance(inner, InvalidType)):
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

    # Parameters.

    def parameters(self) -> dict[str, core.ParameterDeclaration]:
        for name in self.symbols.parameters:
            self.parameter_type(name)
        return {name: self.parameters_done[name] for name in self.symbols.parameters if name in self.parameters_done}

    def parameter_type(self, name: str) -> Type:
        if name not in self.parameters_done:
            if name in self.parameters_busy:
                span = self.symbols.parameters[name].name.span
                self.report("cycle", span, name=name, loop=f"{name} → … → {name}")
                return INVALID
            self.parameters_busy.add(name)
            written = self.symbols.parameters[name]
            self.parameters_done[name] = self._parameter(written, self._parameter_type(written))
            if written.must_be is not None:
                self._must_be(written)
        return self.parameters_done[name].type

    def _parameter_type(self, written: ast.Parameter) -> Type:
        declared = self.type_of(written.type)
        if declared is not None:
            return declared
        values = [v for v in (written.value, *(v.value for v in written.versions), written.assume) if v is not None]
        if not values:
            self.report("parameter-without-type", written.name.span, name=written.name.name)
            return INVALID
        kept = list(self.diagnostics)
        type_: Type = INVALID
        for value in values:
            type_ = join(type_, self.expressions.check(value, Scope(None)).type) or type_
        self.diagnostics[:] = kept
        return type_

    def _parameter(self, written: ast.Parameter, type_: Type) -> core.ParameterDeclaration:
        name = written.name.name
        given = [k for k, v in (("value", written.value), ("versions", written.versions or None)) if v is not None]
        if len(given) > 1:
            self.report("value-and-versions", written.name.span, name=name)
        if not given and written.pending is None:
            self.report("parameter-without-value", written.name.span, name=name)
        if written.assume is not None and written.pending is None:
            self.report("assume-not-pending", written.name.span, name=name)
        value = self.expressions.declared(written.value, Scope(None), type_) if written.value is not None else None
        assume = self.expressions.declared(written.assume, Scope(None), type_) if written.assume is not None else None
        pending = core.Texts(written.pending.said("it"), written.pending.said("en")) if written.pending else None
        versions = self._versions(written, type_)
        if written.default_date is not None:
            if not versions:
                self.report("not-dated", written.default_date.span, name=name)
            else:
                root = self.symbols.root
                day = self.expressions._day(self.expressions.check(written.default_date, Scope(root)))
                key = (root, f"parameter.{name}.date")
                self.done[key] = core.Definition(*key, DATE, day, core.Words(), written.default_date.span, synthetic=True)
        return core.ParameterDeclaration(name, type_, value, versions, pending, None, assume, self.words(written.common), written.name.span)

    def _must_be(self, written: ast.Parameter) -> None:
        must_be = self.expressions.wanted(written.must_be, Scope(None), BOOLEAN, "check")
        name = written.name.name
        self.parameters_done[name] = replace(self.parameters_done[name], must_be=must_be)

    def _versions(self, written: ast.Parameter, type_: Type) -> tuple[core.Version, ...]:
        """Versions in order of time, each beginning the day after the one before ends."""
        found: list[tuple[core.Version, Span]] = []
        for version in written.versions:
            start, end = self._day_of(version.start), self._day_of(version.end)
            value = self.expressions.declared(version.value, Scope(None), type_)
            sources = self.words(ast.Common(sources=version.sources)).sources
            found.append((core.Version(start, end, value, sources), version.span))
        found.sort(key=lambda v: v[0].start or date.min)
        for (earlier, first), (later, span) in pairwise(found):
            if earlier.end is None or later.start is None or later.start <= earlier.end:
                self.report("versions-overlap", span, Label(first, "first-here"), name=written.name.name)
            elif later.start != earlier.end + timedelta(days=1):
                gap = (earlier.end + timedelta(days=1), later.start - timedelta(days=1))
                self.report("versions-gap", span, Label(first, "first-here"), name=written.name.name, start=gap[0], end=gap[1])
        return tuple(v for v, _ in found)

    def _day_of(self, node: ast.Expr | None) -> date | None:
        if node is None:
            return None
        found = self.expressions.wanted(node, Scope(None), DATE)
        if isinstance(found, core.Constant) and isinstance(found.value, date):
            return found.value
        if not isinstance(found, core.Invalid):
            self.report("version-date", node.span)
        return None

    # Bands.

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

    # Definitions.

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
            return INVALID
        self.busy.add(key)
        made = self._make(entity, name)
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

    def cover(self, subject: core.Expr, given: dict[str, ast.Ident], has_otherwise: bool) -> None:
        """Every option of a choice must be there, and no other."""
        assert isinstance(subject.type, ChoiceType)
        for word, ident in given.items():
            if word not in subject.type.options:
                near = nearest(word, subject.type.options)
                options = ", ".join(subject.type.options)
                self.report("unknown-choice", ident.span, name=word, choice=subject.type.name, options=options, nearest=near)
        left = [o for o in subject.type.options if o not in given]
        if left and not has_otherwise:
            self.report("not-covered", subject.span, choice=subject.type.name, left=", ".join(left))

    def _rounded(self, round_: ast.Round | ast.ByReading[ast.Round] | None, value: core.Expr) -> core.Expr:
        if round_ is None or isinstance(value, core.Invalid):
            return value
        if isinstance(round_, ast.ByReading):
            subject = self.expressions.check(round_.reading, Scope(None))
            if not isinstance(subject, core.Option):
                if not isinstance(subject, core.Invalid):
                    self.report("by-reading-only", round_.reading.span)
                return value
            self.cover(subject, {k: i for k, (i, _) in round_.options.items()}, False)
            options = tuple((word, self._round(r, value)) for word, (_, r) in round_.options.items())
            return core.Choose(round_.span, value.type, subject, options, None)
        return self._round(round_, value)

    def _round(self, round_: ast.Round, value: core.Expr) -> core.Expr:
        step = self.expressions.check(round_.step, Scope(None))
        direction = core.Constant(round_.direction.span, ROUNDING, round_.direction.name)
        return self.expressions.apply("round", value.span, [value, direction, step])

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

    # What scoring and deadlines stand for.

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
            value = self.expressions.apply("min", span, [value, self.expressions.check(scoring.at_most, scope)])
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
        if written.at is not None and written.after is None and written.start is None:
            value = self.expressions.check(written.at, scope)
            inner = value.type.of if isinstance(value.type, OptionalType) else value.type
            if inner not in (DATE, DATETIME) and not isinstance(inner, InvalidType):
                value = self.expressions.must_be(value, DATE)
        elif written.after is not None and written.start is not None and written.at is None:
            value = self._term(written, scope)
        else:
            value = self.expressions.invalid("deadline-form", written.name.span, name=written.name.name)
        if written.roll is not None:
            value = self._rolled(written.roll, value)
        return core.Definition(root, name, value.type, value, words, written.name.span, synthetic=True)

    def _term(self, written: ast.Deadline, scope: Scope) -> core.Expr:
        after = self.expressions.wanted(written.after, scope, DURATION)
        assert written.start is not None
        start = self.expressions.check(written.start, scope)
        if isinstance(start.type, OptionalType):
            # No event, no term: the deadline is none where the event is.
            inner = self.expressions.check(written.start, scope.narrow(frozenset([start])))
            absent = core.IsNone(start.span, BOOLEAN, start)
            due = self.expressions.apply("+", written.name.span, [inner, after])
            none = core.Constant(start.span, NONE_TYPE, NONE)
            return self.expressions.branches(written.name.span, [(absent, none, core.Words())], due)
        return self.expressions.apply("+", written.name.span, [start, after])

    def _rolled(self, roll: ast.Ident | ast.ByReading[ast.Ident], value: core.Expr) -> core.Expr:
        if isinstance(value, core.Invalid):
            return value
        if isinstance(roll, ast.ByReading):
            subject = self.expressions.check(roll.reading, Scope(None))
            if not isinstance(subject, core.Option):
                if not isinstance(subject, core.Invalid):
                    self.report("by-reading-only", roll.reading.span)
                return value
            self.cover(subject, {k: i for k, (i, _) in roll.options.items()}, False)
            options = tuple((word, self._rolled(r, value)) for word, (_, r) in roll.options.items())
            return core.Choose(roll.span, value.type, subject, options, None)
        if roll.name != "next_working_day":
            return value
        if self.conventions.working_days is None:
            return self.expressions.invalid("no-working-days", roll.span)
        if not accepts(DATE, value.type):
            return self.expressions.invalid("roll-date", roll.span, found=value.type)
        return self.expressions.apply("working_day", value.span, [value])


def _mentions(definition: ast.Definition, by_name: dict[str, list[tuple[str, ast.Definition]]]) -> list[tuple[str, ast.Definition]]:
    words = re.findall(r"[A-Za-z_]\w*", definition.formed.span.text[: limits.EXPRESSION_CHARACTERS])
    return [row for word in dict.fromkeys(words) for row in by_name.get(word, ())]


def _this(span: Span, root: str) -> core.Variable:
    return core.Variable(span, RecordType(root), 0)
