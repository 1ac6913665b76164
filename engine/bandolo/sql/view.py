"""The views of a policy: an outcome for every application that SQL can decide exactly, `needs_engine` for every other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.expressions import Expr as Sql

from bandolo.check import core
from bandolo.diagnostics import Diagnostic, in_order
from bandolo.evaluate.settle import Settled
from bandolo.language.types import Language, ListType
from bandolo.source import Span
from bandolo.sql import intake
from bandolo.sql.dialects import DIALECTS
from bandolo.sql.expressions import say, truth
from bandolo.sql.outcome import Outcome, effect_of
from bandolo.sql.printing import Printed, comment_of, printed_views
from bandolo.sql.rows import Rows
from bandolo.sql.scope import NeedsPair, Place, Scope
from bandolo.sql.tables import bare, written_at
from bandolo.sql.values import Construct, Plain, Refused, Unsupported, Value, both, either, negated

__all__ = ["DIALECTS", "View", "view"]


@dataclass(frozen=True)
class View:
    """The statements that make the views, in order, and their text."""

    statements: tuple[str, ...]

    @property
    def sql(self) -> str:
        return ";\n\n".join(self.statements)


def view(policy: core.Policy, settled: Settled, dialect: str, lang: Language = "en") -> tuple[View | None, list[Diagnostic]]:
    """The views of a policy under some settings, or everything that keeps them from being exact (`sql-unsupported`).

    `lang` is the language of the comments.
    """
    writer = _Writer(policy, settled, dialect, lang)
    made = writer.made()
    if made is None or writer.refusals:
        return None, in_order(writer.refusals)
    return View(printed_views(made)), []


class _Writer:
    def __init__(self, policy: core.Policy, settled: Settled, dialect: str, lang: Language) -> None:
        self.policy, self.settled, self.dialect, self.lang = policy, settled, dialect, lang
        self.rows = Rows(policy, settled, dialect)
        self.refusals: list[Diagnostic] = []

    def made(self) -> Printed | None:
        policy = self.policy
        first = written_at(policy, policy.root)
        if policy.entities[policy.root].key is None:
            self._cannot("no-key", first)
            return None
        assert first is not None, "what has a key has a fact"
        read: list[intake.Read] = []
        good: list[Sql] = []
        self._try(first, lambda: read.extend(intake.begin(self.rows)))
        if self.refusals:
            return None  # without the facts nothing else can be said
        self._try(first, lambda: good.append(intake.end(self.rows)))
        needed = self._needed()
        for step in policy.steps:
            if step.kind != "definition" or (step.entity, step.name) in needed:
                self._step(step)
        if self.refusals:
            return None
        outcome = Outcome(self.rows, good[0])
        views: list[tuple[str, str, list[tuple[str, Sql]]]] = []
        self._try(first, lambda: views.extend(outcome.views()))
        return None if self.refusals else Printed(self.rows, intake.tables(self.rows, read), tuple(views))

    def _cannot(self, what: str, span: Span | None) -> None:
        self.refusals.append(Diagnostic("sql-unsupported", span, {"what": Construct(what), "dialect": self.dialect}))

    def _try(self, span: Span, work: Callable[[], object]) -> None:
        try:
            work()
        except Unsupported as error:
            self._cannot(error.what, error.span or span)
        except NeedsPair:
            self._cannot("other-record", span)
        except Refused:
            return
        except KeyError:
            # It rests on a table that has just been refused.
            if not self.refusals:
                raise

    def _needed(self) -> set[tuple[str, str]]:
        """The definitions that a verdict, a result or an opening rests on; lists of records stand where they are used."""
        found: set[tuple[str, str]] = set()
        start = [(r.entity, r.name) for r in self.policy.results]
        trees: list[core.Expr] = [s.opens for s in self.policy.stages if s.opens is not None]
        for requirement in self.policy.requirements.values():
            trees += [t for t in (requirement.applies, requirement.check) if t is not None]
        start += [n for t in trees for n in _computed(t)]
        while start:
            one = start.pop()
            if one not in found:
                found.add(one)
                start += _computed(self.policy.definitions[one].value)
        return {k for k in found if not isinstance(bare(self.policy.definitions[k].type), ListType)}

    def _step(self, step: core.Step) -> None:
        policy = self.policy
        scope = Scope(self.rows, step.entity, {0: Place("t", step.entity)})
        match step.kind:
            case "definition":
                definition = policy.definitions[step.entity, step.name]
                self._keep(step.entity, ("definition", step.name), definition.span, lambda: say(definition.value, scope), definition.words)
            case "requirement":
                requirement = policy.requirements[step.name]
                self._keep(step.entity, ("met", step.name), requirement.span, lambda: self._met(requirement, scope), requirement.words)
            case "admitted":
                span = written_at(policy, step.entity)
                assert span is not None, "what is admitted is listed by a fact"
                self._keep(step.entity, ("admitted", step.name), span, lambda: self._admitted(step), None)
            case _:
                stage = policy.stages[policy.stage_index(step.name)]
                opens = stage.opens
                if opens is not None:
                    self._keep(step.entity, ("open", step.name), opens.span, lambda: Plain(truth(opens, scope)), stage.words)

    def _keep(self, entity: str, key: tuple[str, ...], span: Span, work: Callable[[], Value], words: core.Words | None) -> None:
        named = {"definition": f"{entity}.{key[1]}", "met": f"{entity}.{key[1]} holds", "open": f"{key[1]} is open"}
        name = named.get(key[0], f"{entity}.admitted" + (f" at {key[1]}" if key[1] else ""))

        def kept() -> None:
            comment = comment_of(self.policy, words, span, self.lang) if words is not None else ()
            self.rows.store(entity, key, work(), name, comment)

        self._try(span, kept)

    def _met(self, requirement: core.Requirement, scope: Scope) -> Value:
        check = truth(requirement.check, scope)
        if requirement.applies is None:
            return Plain(check)
        return Plain(either([negated(truth(requirement.applies, scope)), check]))

    def _admitted(self, step: core.Step) -> Value:
        policy, entity = self.policy, self.policy.entities[step.entity]
        last = policy.stage_index(step.name) if step.name else len(policy.stages)
        conditions: list[Sql] = []
        for requirement in policy.requirements.values():
            if requirement.entity != entity.name or policy.stage_index(requirement.stage) > last or not requirement.may("exclude"):
                continue
            effect = effect_of(requirement, self.settled)
            if effect is not None and effect.word != "exclude":
                continue
            one = [self._stored(entity.name, ("met", requirement.id))]
            if policy.stages[policy.stage_index(requirement.stage)].opens is not None:
                one.append(negated(self._stored(policy.root, ("open", requirement.stage))))
            if effect is None:  # an open reading decides: undecided unless nothing failed
                one.append(exp.cast(exp.null(), "BOOLEAN"))
            conditions.append(either(one))
        if entity.owner is not None and policy.entities[entity.owner].owner is not None:
            conditions.append(self._stored(entity.owner, ("admitted", step.name)))
        return Plain(both(conditions))

    def _stored(self, entity: str, key: tuple[str, ...]) -> Sql:
        value = self.rows.stored.get((entity, key))
        if not isinstance(value, Plain):
            raise Refused
        return value.sql


def _computed(node: core.Expr) -> list[tuple[str, str]]:
    return [(n.entity, n.name) for n in core.walk(node) if isinstance(n, core.Computed)]
