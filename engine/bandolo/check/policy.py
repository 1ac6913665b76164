"""The whole policy: every section checked, everything reported at once, `core.Policy` as the result."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TypeVar
from zoneinfo import ZoneInfoNotFoundError

from bandolo.check import core
from bandolo.check.definitions import Definitions
from bandolo.check.expressions import Expressions
from bandolo.check.order import order_of_steps
from bandolo.check.quotes import quoted_and_unencoded
from bandolo.check.ranking import check_ranking
from bandolo.check.scope import Scope, shown
from bandolo.check.sourced import without_source
from bandolo.check.sums import check_sums
from bandolo.check.symbols import Symbols, declare
from bandolo.check.unused import unused
from bandolo.diagnostics import Diagnostic, errors
from bandolo.diagnostics.spelling import nearest
from bandolo.language.calendar import has_calendar, zone
from bandolo.language.functions import Conventions
from bandolo.language.types import BOOLEAN, DATE, DATETIME, DURATION, NUMBER, InvalidType, ListType, OptionalType, RecordType
from bandolo.source import Span
from bandolo.syntax import ast

A = TypeVar("A")


def check(doc: ast.PolicyDoc, reach: ast.Expr | None = None) -> tuple[core.Policy | None, list[Diagnostic]]:
    """The policy that a document means, or None where it has errors; and everything that is to be said of it.

    `reach` is the condition of the last amendment, said of an application.
    """
    symbols, diagnostics = declare(doc)
    if symbols.root not in symbols.entities:
        return None, diagnostics
    checker = _Checker(doc, symbols, diagnostics)
    policy = checker.policy()
    if reach is not None:
        policy = replace(policy, reach=checker.expressions.wanted(reach, Scope(symbols.root), BOOLEAN, "check"))
    if errors(diagnostics):
        return None, diagnostics
    return policy, diagnostics + unused(policy, doc) + without_source(doc) + quoted_and_unencoded(doc)


class _Checker:
    """Builds `core.Policy` section by section; also what expressions ask of the declarations around them."""

    def __init__(self, doc: ast.PolicyDoc, symbols: Symbols, diagnostics: list[Diagnostic]) -> None:
        self.doc, self.symbols, self.diagnostics = doc, symbols, diagnostics
        self.documents = {d.name.name: d for d in doc.documents}
        self.money_rounding_by: tuple[str, dict[str, str]] | None = None
        self.conventions = self._conventions(doc.head)
        self.definitions = Definitions(doc, symbols, self.conventions, diagnostics, self.words)
        self.expressions: Expressions = self.definitions.expressions

    def report(self, code: str, span: Span, **args: object) -> None:
        self.diagnostics.append(Diagnostic(code, span, args))

    # The head.

    def _conventions(self, head: ast.Head) -> Conventions:
        currency = head.currency.name if head.currency else "EUR"
        if head.currency and not re.fullmatch(r"[A-Z]{3}", currency):
            self.report("bad-currency", head.currency.span, found=currency)
            currency = "EUR"
        time_zone = head.time_zone.name if head.time_zone else "Europe/Rome"
        try:
            if time_zone != "UTC" and not re.fullmatch(r"[A-Z][A-Za-z]+(/[A-Za-z0-9_+-]+)+", time_zone):
                raise ValueError(time_zone)
            zone(time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            assert head.time_zone is not None
            self.report("unknown-zone", head.time_zone.span, name=time_zone)
            time_zone = "UTC"
        days = head.working_days
        working = (days[0].name, days[1].name if days[1] else None) if days else None
        if working is not None and days is not None and (code := self._calendar_mistake(working)):
            self.report(code, days[0].span, name="-".join(w for w in working if w), extra="calendar", what="working_days")
        rounding = head.money_rounding.name if isinstance(head.money_rounding, ast.Ident) else "half_up"
        return Conventions(currency, time_zone, head.month_rounding.name if head.month_rounding else None, rounding, working)

    @staticmethod
    def _calendar_mistake(working: tuple[str, str | None]) -> str | None:
        try:
            return None if has_calendar(*working) else "unknown-calendar"
        except ImportError:
            return "missing-extra"

    # Words and sources.

    def words(self, common: ast.Common) -> core.Words:
        return core.Words(self.texts(common.label), self.texts(common.note), self.sources(common.sources))

    @staticmethod
    def texts(text: ast.Text | None) -> core.Texts | None:
        return None if text is None else core.Texts(text.said("it"), text.said("en"))

    def sources(self, quotes: tuple[ast.Quote, ...]) -> tuple[core.Source, ...]:
        for quote in quotes:
            if quote.document not in self.documents:
                near = nearest(quote.document, self.documents)
                self.report("unknown-document", quote.document_span, name=quote.document, nearest=near)
        return tuple(core.Source(q.document, q.quote) for q in quotes)

    # Sections.

    def policy(self) -> core.Policy:
        doc, symbols = self.doc, self.symbols
        head = doc.head
        entities = {e.name.name: self.entity(e) for e in doc.entities}
        readings = {r.name.name: self.reading(r) for r in doc.readings}
        self._money_rounding(head)
        parameters = self.definitions.parameters()
        definitions = self.definitions.all()
        self._formulas()
        stages = self.stages()
        requirements = {
            r.name.name: self.requirement(entity.name, r)
            for entity, rows in doc.requirements if entity.name in symbols.entities
            for r in rows if symbols.entities[entity.name].requirements.get(r.name.name) is r
        }  # fmt: skip
        if doc.scoring is not None and doc.scoring.minimum is not None:
            requirements["minimum_score"] = self.minimum_score(doc.scoring)
        documents = {
            d.name.name: core.SourceDocument(d.name.name, _texts(d.title), d.text.name if d.text else None, d.span) for d in doc.documents
        }
        for unencoded in doc.unencoded:
            self.sources(unencoded.quotes)
        results = tuple(r for result in doc.results if (r := self.result(result)) is not None)
        ranking = check_ranking(doc.ranking, symbols, self.expressions, self.diagnostics) if doc.ranking else None
        title = _texts(head.title) if head.title else core.Texts(symbols.root, symbols.root)
        policy = core.Policy(
            head.id.name if head.id else "", title, self.texts(head.issuer), self.texts(head.manager), symbols.root,
            self.conventions, self.money_rounding_by, documents, entities, stages, parameters, readings, definitions, requirements, (),
            results, tuple(self.definitions.deadlines_done[n] for n in symbols.deadlines), ranking, "",
            self.definitions.used_brackets(),
        )  # fmt: skip
        steps, cycles = order_of_steps(policy, self.definitions.loops)
        self.diagnostics.extend(cycles)
        self.diagnostics.extend(check_sums(policy))
        return replace(policy, steps=steps)

    def _money_rounding(self, head: ast.Head) -> None:
        by = head.money_rounding
        if isinstance(by, ast.ByReading):
            reading, options = self.by_reading(by)
            if reading:
                self.money_rounding_by = (reading, {k: v.name for k, v in options.items()})

    def by_reading(self, by: ast.ByReading[A], entity: str | None = None) -> tuple[str | None, dict[str, A]]:
        """The reading that chooses, and the alternative of each of its options."""
        subject = self.definitions.option_of(by, entity)
        if subject is None:
            return None, {}
        return subject.reading, {k: v for k, (_, v) in by.options.items()}

    def entity(self, entity: ast.Entity) -> core.Entity:
        name = entity.name.name
        owned = self.symbols.entities[name]
        facts = {f.name.name: self.definitions.fact(name, f.name.name) for f in entity.facts}
        for fact in entity.facts:
            for stage in fact.asked:
                self._stage(stage)
        shown_as = entity.shown_as.name if entity.shown_as else None
        if entity.shown_as is not None and shown_as not in facts:
            near = nearest(entity.shown_as.name, facts)
            self.report("unknown-field", entity.shown_as.span, name=shown_as, entity=name, nearest=near)
        return core.Entity(name, facts, owned.owner, owned.listed_in, self.words(entity.common), shown_as)

    def _stage(self, stage: ast.Ident) -> bool:
        if stage.name in self.symbols.stages or self.symbols.stages_unreadable:
            return stage.name in self.symbols.stages
        self.report("unknown-stage", stage.span, name=stage.name, nearest=nearest(stage.name, self.symbols.stages))
        return False

    def reading(self, reading: ast.Reading) -> core.ReadingDeclaration:
        name = reading.name.name
        type_ = self.symbols.readings[name]
        chosen = reading.chosen.name if reading.chosen else None
        if reading.chosen is not None and chosen not in type_.options:
            near = nearest(reading.chosen.name, type_.options)
            known = ", ".join(type_.options)
            self.report("unknown-option", reading.chosen.span, name=reading.chosen.name, reading=name, nearest=near, options=known)
        options = {k.name: _texts(v) for k, v in reading.options}
        if len(options) < 2:
            self.report("one-option", reading.name.span, name=name)
        return core.ReadingDeclaration(
            name, type_, _texts(reading.question), options, chosen, self.words(reading.common), reading.name.span
        )

    def _formulas(self) -> None:
        """Each formula is checked once on its own, so that a mistake in one that is never used is found as well."""
        for formula in self.doc.formulas:
            self.words(formula.common)
            arguments = {}
            for (name, written), type_ in zip(formula.takes, self.expressions.argument_types(formula), strict=True):
                if isinstance(type_, InvalidType) and written.name:
                    near = nearest(written.name, self.symbols.choices)
                    self.report("unknown-type", written.span, name=written.name, nearest=near)
                arguments[name.name] = (self.expressions.new_slot(), type_)
            self.expressions.check(formula.value, Scope(None, arguments=arguments, formulas=(formula.name.name,)))

    def stages(self) -> tuple[core.Stage, ...]:
        if not self.doc.stages:
            return (core.Stage("decision", None, core.Words()),)
        seen: set[str] = set()
        found = []
        for stage in self.doc.stages:
            if stage.name.name in seen:
                self.report("declared-twice", stage.name.span, name=stage.name.name)
                continue
            seen.add(stage.name.name)
            scope = Scope(self.symbols.root, knows=True)
            opens = self.expressions.wanted(stage.opens, scope, BOOLEAN, "check") if stage.opens is not None else None
            if opens is not None and not _opens_for_good(opens):
                assert stage.opens is not None
                self.report("opens-not-known", stage.opens.span)
            found.append(core.Stage(stage.name.name, opens, self.words(stage.common)))
        return tuple(found)

    def stage_of(self, stage: ast.Ident | None, span: Span, name: str) -> str:
        if stage is not None and not stage.name:
            return self.symbols.stages[0]  # what stands there could not be read
        if stage is None:
            if len(self.symbols.stages) > 1:
                self.report("needs-own-stage", span, name=name, stages=", ".join(self.symbols.stages))
            return self.symbols.stages[0]
        return stage.name if self._stage(stage) else self.symbols.stages[0]

    def requirement(self, entity: str, written: ast.Requirement) -> core.Requirement:
        name = written.name.name
        scope = Scope(entity)
        applies = None
        if written.applies is not None:
            applies = self.expressions.wanted(written.applies, scope, BOOLEAN, "check")
            scope = scope.narrow(shown(applies, True))
        check_ = self.expressions.wanted(written.check, scope, BOOLEAN, "check")
        effect_by: str | None = None
        if isinstance(written.effect, ast.ByReading):
            effect_by, options = self.by_reading(written.effect, entity)
            effects = {k: self.effect(e, entity) for k, e in options.items()}
        else:
            effects = {"": self.effect(written.effect, entity)}
        # A message is said where the requirement applies and its check does not hold.
        failing = replace(scope.narrow(shown(check_, False)), knows=True)
        message = self.template(written.message, failing) if written.message else None
        stage = self.stage_of(written.stage, written.name.span, name)
        return core.Requirement(
            name, entity, stage, applies, check_, effects, effect_by, message, self.words(written.common), written.name.span
        )

    def effect(self, effect: ast.Effect, entity: str) -> core.Effect:
        word = effect.word.name
        if word == "exclude" and entity == self.symbols.root:
            self.report("exclude-root", effect.word.span, entity=entity)
        cure = cure_from = None
        if effect.cure is not None:
            cure = self.expressions.wanted(effect.cure, Scope(entity), DURATION)
        if effect.cure_from is not None:
            cure_from = self.expressions.check(effect.cure_from, Scope(entity))
            if isinstance(cure_from.type, OptionalType):
                cure_from = self.expressions.invalid("untested-none", cure_from.span, name=cure_from.span.text)
            elif cure_from.type == DATETIME:
                cure_from = self.expressions.apply("date", cure_from.span, [cure_from])
            cure_from = self.expressions.must_be(cure_from, DATE)
        if (cure is None) != (cure_from is None):
            self.report("cure-and-from", effect.span)
        return core.Effect(word, cure, cure_from)

    def template(self, template: ast.Template, scope: Scope) -> core.Template:
        pieces = {
            lang: tuple(p if isinstance(p, str) else self.expressions.check(p, scope) for p in parts)
            for lang, parts in template.pieces.items()
        }
        return core.Template(pieces)

    def minimum_score(self, scoring: ast.Scoring) -> core.Requirement:
        root = self.symbols.root
        assert scoring.minimum is not None
        base = self.expressions.resolve("base_score", scoring.base.span, Scope(root))
        assert base is not None, "scoring defines it"
        minimum = self.expressions.wanted(scoring.minimum, Scope(root), NUMBER)
        check_ = self.expressions.apply(">=", scoring.minimum.span, [base, minimum])
        stage = self.stage_of(scoring.stage, scoring.span, "scoring")
        return core.Requirement(
            "minimum_score", root, stage, None, check_, {"": core.Effect("reject")}, None, None, self.words(scoring.common), scoring.span
        )

    def result(self, result: ast.ResultName) -> core.Result | None:
        entity = result.entity or self.symbols.root
        owned = self.symbols.entities.get(entity)
        if owned is None:
            self.report("unknown-entity", result.span, name=entity, nearest=nearest(entity, self.symbols.entities))
            return None
        if result.name in owned.facts:
            self.report("fact-as-result", result.span, name=result.name)
            return None
        type_ = self.definitions.definition_type(entity, result.name)
        if (entity, result.name) not in self.definitions.done:
            known = [*owned.definitions, *(f"{e}.{d}" for e, o in self.symbols.entities.items() for d in o.definitions)]
            self.report("unknown-result", result.span, name=result.name, nearest=nearest(result.span.text, known))
            return None
        if isinstance(type_, ListType | RecordType):
            self.report("result-type", result.span, name=result.name, found=type_)
            return None
        return core.Result(entity, result.name, type_)


def _opens_for_good(node: core.Expr) -> bool:
    """Whether `is known` stands only where a fact that becomes known can open a stage, never close it."""
    match node:
        case core.IsKnown():
            return True
        case core.And(parts=parts) | core.Or(parts=parts):
            return all(_opens_for_good(p) for p in parts)
    return not any(isinstance(inner, core.IsKnown) for inner in core.walk(node))


def _texts(text: ast.Text) -> core.Texts:
    return core.Texts(text.said("it"), text.said("en"))
