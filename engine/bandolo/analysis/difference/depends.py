"""What depends on what in a policy: which requirements, results, deadlines and stages a change of one entry bears on."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator

from bandolo.analysis.difference.canonical import entity_of
from bandolo.analysis.difference.change import Affected
from bandolo.check import core
from bandolo.explain.phrases import PHRASES
from bandolo.language.types import MONEY
from bandolo.syntax import ast

Thing = tuple[str, str, str]
"""Kind (definition, requirement, fact, parameter, reading, bands, rate, formula, admitted, opens, ranking, rounding), entity, name."""


class Dependence:
    """The closure of what uses what in one policy."""

    def __init__(self, policy: core.Policy, document: ast.PolicyDoc | None) -> None:
        self.policy = policy
        self.users: dict[Thing, set[Thing]] = defaultdict(set)
        for user, used in (*self._of_core(), *(_of_document(document, policy) if document is not None else ())):
            self.users[used].add(user)

    def on(self, *things: Thing) -> tuple[Affected, ...]:
        """The requirements, results, deadlines and stages that use them, directly or not, in the order of the policy, without them."""
        reached: set[Thing] = set()
        todo = list(things)
        while todo:
            for user in self.users.get(todo.pop(), ()):
                if user not in reached:
                    reached.add(user)
                    todo.append(user)
        reached -= set(things)
        return tuple(self._said(reached))

    def _said(self, reached: set[Thing]) -> Iterator[Affected]:
        policy = self.policy
        for id_, requirement in policy.requirements.items():
            if ("requirement", "", id_) in reached:
                path = f"requirements.{requirement.entity}.{id_}" if id_ != "minimum_score" else "scoring.minimum"
                yield Affected(path, label(requirement.words, id_))
        for result in policy.results:
            if ("definition", result.entity, result.name) in reached:
                words = policy.definitions[result.entity, result.name].words
                yield Affected(f"results.{result.entity}.{result.name}", label(words, result.name))
        for deadline in policy.deadlines:
            if ("definition", policy.root, f"deadline.{deadline.name}") in reached:
                yield Affected(f"deadlines.{deadline.name}", label(deadline.words, deadline.name))
        for stage in policy.stages:
            if ("opens", "", stage.name) in reached:
                yield Affected(f"stages.{stage.name}", label(stage.words, stage.name))
        if ("ranking", "", "") in reached:
            yield Affected("ranking", core.Texts("graduatoria", "ranking"))

    def _of_core(self) -> Iterator[tuple[Thing, Thing]]:
        policy = self.policy
        for (entity, name), definition in policy.definitions.items():
            yield from self._uses(("definition", entity, name), definition.value)
        for id_, requirement in policy.requirements.items():
            me: Thing = ("requirement", "", id_)
            cures = [e for effect in requirement.effects.values() for e in (effect.cure, effect.cure_from)]
            yield from self._uses(me, requirement.check, requirement.applies, *cures)
            if requirement.effect_by is not None:
                yield me, ("reading", "", requirement.effect_by)
            if requirement.may("exclude"):
                yield ("admitted", requirement.entity, ""), me
        for name, parameter in policy.parameters.items():
            yield from self._uses(("parameter", "", name), parameter.value, parameter.assume, *(v.value for v in parameter.versions))
            if f"parameter.{name}.date" in {n for _, n in policy.definitions}:
                yield ("parameter", "", name), ("definition", policy.root, f"parameter.{name}.date")
        for node, _ in policy.brackets:
            yield from self._uses(("bands", "", node.name), *(s.to for s in node.steps), *(s.amount for s in node.steps))
        for stage in policy.stages:
            yield from self._uses(("opens", "", stage.name), stage.opens)
        if policy.money_rounding_by is not None:
            yield ("rounding", "", ""), ("reading", "", policy.money_rounding_by[0])
        for result in policy.results:
            if result.type == MONEY:
                yield ("definition", result.entity, result.name), ("rounding", "", "")
        yield from self._of_ranking(policy.ranking)

    def _of_ranking(self, plan: core.RankingPlan | None) -> Iterator[tuple[Thing, Thing]]:
        if plan is None:
            return
        me: Thing = ("ranking", "", "")
        keys = [key for key, _ in (*plan.order_by, *plan.keep)]
        pots = [e for _, amount, award in plan.pots for e in (amount, award)]
        yield from self._uses(me, *keys, plan.exclusive_key, plan.budget, plan.award, *pots)
        for reading, words in plan.words_by.values():
            if reading is not None:
                yield me, ("reading", "", reading)
            yield from ((me, ("requirement", "", w)) for listed in words.values() for w in listed if w in self.policy.requirements)
        if plan.gives_part is not None and plan.exclusive_record is not None:
            yield me, ("definition", plan.exclusive_record, plan.gives_part)

    @staticmethod
    def _uses(user: Thing, *nodes: core.Expr | None) -> Iterator[tuple[Thing, Thing]]:
        for node in (inner for outer in nodes if outer is not None for inner in core.walk(outer)):
            match node:
                case core.Computed(entity=entity, name=name):
                    yield user, ("definition", entity, name)
                case core.Fact(record=record, name=name):
                    yield user, ("fact", entity_of(record.type), name)
                case core.Met(requirement=id_):
                    yield user, ("requirement", "", id_)
                case core.Admitted(entity=entity):
                    yield user, ("admitted", entity, "")
                case core.Parameter(name=name) | core.Dated(name=name):
                    yield user, ("parameter", "", name)
                case core.Option(reading=reading):
                    yield user, ("reading", "", reading)
                case core.Brackets(name=name):
                    yield user, ("bands", "", name)


def _of_document(document: ast.PolicyDoc, policy: core.Policy) -> Iterator[tuple[Thing, Thing]]:
    """Who uses rate tables and formulas, which the checked policy has put in their users' place."""
    rates, formulas = {r.name.name for r in document.rates}, {f.name.name for f in document.formulas}
    users: list[tuple[Thing, object]] = [(("formula", "", f.name.name), f.value) for f in document.formulas]
    for entity, definitions in document.definitions:
        users += [(("definition", entity.name, d.name.name), d.formed) for d in definitions]
    for _, requirements in document.requirements:
        users += [(("requirement", "", r.name.name), (r.check, r.applies, r.effect)) for r in requirements]
    users += [(("definition", policy.root, f"deadline.{d.name.name}"), (d.at, d.after, d.start)) for d in document.deadlines]
    if document.scoring is not None:
        scoring = document.scoring
        users += [(("definition", policy.root, f"bonus.{b.name.name}"), (b.when, b.points)) for b in scoring.bonuses]
        users += [(("definition", policy.root, "base_score"), scoring.base), (("requirement", "", "minimum_score"), scoring.minimum)]
    for user, written in users:
        for name in names_in(written):
            if name in rates:
                yield user, ("rate", "", name)
            if name in formulas:
                yield user, ("formula", "", name)


def names_in(written: object) -> Iterator[str]:
    """The names that an expression, or a part of a document that holds some, speaks of."""
    match written:
        case ast.Name(name=name):
            yield name
        case ast.Call(name=name, arguments=arguments):
            yield name
            yield from names_in(arguments)
        case tuple():
            for item in written:
                yield from names_in(item)
        case dict():
            yield from names_in(tuple(written.values()))
        case ast.Node():
            for field in dataclasses.fields(written):
                if field.name not in ("span", "name_span"):
                    yield from names_in(getattr(written, field.name))


SYNTHETIC = ("base_score", "bonus_points", "final_score", "minimum_score")


def label(words: core.Words, name: str) -> core.Texts:
    """An entry's label in both languages; its name where it has none."""
    if words.label is not None:
        return words.label
    if name in SYNTHETIC:
        return core.Texts(*PHRASES[name])
    plain = name.rpartition(".")[2].replace("_", " ")
    return core.Texts(plain, plain)
