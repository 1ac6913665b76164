"""Where the expressions of a policy stand, how one is put in another's place, and which of them a decision or a ranking can show."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from bandolo.check import core
from bandolo.check.core import Step
from bandolo.check.order import graph_of_steps, needs_of

Place = tuple[str, ...]
"""What kind of entry an expression belongs to, and which: `("check", "enough_firms")`, `("definition", "partner", "grant")`."""


def expressions_by_place(policy: core.Policy) -> dict[Place, core.Expr]:
    """Every expression that decisions and rankings can show, by its place. What only a calendar shows is left out."""
    seen = steps_shown(policy)
    found: dict[Place, core.Expr | None] = {}
    for definition in policy.definitions.values():
        if Step("definition", definition.entity, definition.name) in seen:
            found["definition", definition.entity, definition.name] = definition.value
    for id_, requirement in policy.requirements.items():
        found["applies", id_], found["check", id_] = requirement.applies, requirement.check
        for option, effect in requirement.effects.items():
            found["cure", id_, option], found["cure_from", id_, option] = effect.cure, effect.cure_from
    for stage in policy.stages:
        found["opens", stage.name] = stage.opens
    for name in parameters_shown(policy, seen):
        declared = policy.parameters[name]
        found["value", name], found["assume", name] = declared.value, declared.assume
        for i, version in enumerate(declared.versions):
            found["version", name, str(i)] = version.value
    if (plan := policy.ranking) is not None:
        found |= {("order", str(i)): expression for i, (expression, _) in enumerate(plan.order_by)}
        found |= {("keep", str(i)): expression for i, (expression, _) in enumerate(plan.keep)}
        found["key",], found["budget",], found["award",] = plan.exclusive_key, plan.budget, plan.award
        for i, (_, amount, award) in enumerate(plan.pots):
            found["pot", str(i)], found["pot_award", str(i)] = amount, award
    return {place: expression for place, expression in found.items() if expression is not None}


def put(policy: core.Policy, place: Place, new: core.Expr) -> core.Policy:
    """The policy with another expression at a place."""
    match place:
        case ("definition", entity, name):
            changed = replace(policy.definitions[entity, name], value=new)
            return replace(policy, definitions={**policy.definitions, (entity, name): changed})
        case ("applies" | "check" as part, id_):
            return with_requirement(policy, replace(policy.requirements[id_], **_named(part, new)))
        case ("cure" | "cure_from" as part, id_, option):
            effects = policy.requirements[id_].effects
            effect = replace(effects[option], **_named(part, new))
            return with_requirement(policy, replace(policy.requirements[id_], effects={**effects, option: effect}))
        case ("opens", name):
            return replace(policy, stages=tuple(replace(s, opens=new) if s.name == name else s for s in policy.stages))
        case ("value" | "assume" as part, name):
            return _with_parameter(policy, replace(policy.parameters[name], **_named(part, new)))
        case ("version", name, number):
            versions = list(policy.parameters[name].versions)
            versions[int(number)] = replace(versions[int(number)], value=new)
            return _with_parameter(policy, replace(policy.parameters[name], versions=tuple(versions)))
    return replace(policy, ranking=_in_plan(policy, place, new))


def _in_plan(policy: core.Policy, place: Place, new: core.Expr) -> core.RankingPlan:
    plan = policy.ranking
    assert plan is not None
    match place:
        case ("order" | "keep" as part, number):
            keys = list(plan.order_by if part == "order" else plan.keep)
            keys[int(number)] = (new, keys[int(number)][1])
            return replace(plan, order_by=tuple(keys)) if part == "order" else replace(plan, keep=tuple(keys))
        case ("pot" | "pot_award" as part, number):
            pots = list(plan.pots)
            name, amount, award = pots[int(number)]
            pots[int(number)] = (name, new, award) if part == "pot" else (name, amount, new)
            return replace(plan, pots=tuple(pots))
        case ("key",):
            return replace(plan, exclusive_key=new)
        case ("budget",):
            return replace(plan, budget=new)
    return replace(plan, award=new)


def with_requirement(policy: core.Policy, requirement: core.Requirement) -> core.Policy:
    return replace(policy, requirements={**policy.requirements, requirement.id: requirement})


def _with_parameter(policy: core.Policy, parameter: core.ParameterDeclaration) -> core.Policy:
    return replace(policy, parameters={**policy.parameters, parameter.name: parameter})


def _named(part: str, new: core.Expr) -> dict[str, Any]:
    return {part: new}


def step_of(policy: core.Policy, place: Place) -> Step | None:
    """The step that computes what stands at a place; None for parameters, cures and the ranking."""
    match place:
        case ("definition", entity, name):
            return Step("definition", entity, name)
        case ("applies" | "check", id_):
            return Step("requirement", policy.requirements[id_].entity, id_)
        case ("opens", name):
            return Step("opens", policy.root, name)
    return None


def rewritten(node: Any, by_id: Mapping[int, core.Expr]) -> Any:
    """An expression with some of its nodes, by identity, replaced by others."""
    if id(node) in by_id:
        return by_id[id(node)]
    if isinstance(node, core.Node | core.Branch | core.Bracket):
        changes = {}
        for item in dataclasses.fields(node):
            old = getattr(node, item.name)
            if isinstance(old, core.Node | tuple) and (new := rewritten(old, by_id)) is not old:
                changes[item.name] = new
        return replace(node, **changes) if changes else node
    if isinstance(node, tuple):
        parts = tuple(rewritten(part, by_id) for part in node)
        return parts if any(new is not old for new, old in zip(parts, node, strict=True)) else node
    return node


# What can be seen.


def steps_shown(policy: core.Policy) -> frozenset[Step]:
    """The steps on which a verdict, a result, a message or the ranking rests."""
    graph = graph_of_steps(policy)
    shown: dict[Step, None] = dict.fromkeys(observable_steps(policy))
    for step in shown.copy():
        _reach(step, graph, shown)
    for step in needs_of(_spoken(policy)):
        _reach(step, graph, shown)
    return frozenset(shown)


def _reach(start: Step, graph: Mapping[Step, Iterable[Step]], shown: dict[Step, None]) -> None:
    stack = [start]
    while stack:
        step = stack.pop()
        shown[step] = None
        stack += [s for s in graph[step] if s not in shown]


def observable_steps(policy: core.Policy) -> frozenset[Step]:
    """The steps whose values a decision tells: requirements, results, openings, and what messages and terms for putting right say."""
    found = {Step("requirement", r.entity, r.id) for r in policy.requirements.values()}
    found |= {Step("definition", r.entity, r.name) for r in policy.results}
    found |= {Step("opens", policy.root, s.name) for s in policy.stages}
    found |= {Step("admitted", e.name, m) for e in policy.entities.values() if e.owner for m in ("", *(s.name for s in policy.stages))}
    return frozenset(found | set(needs_of(_spoken(policy))))


def _spoken(policy: core.Policy) -> list[core.Expr]:
    """Expressions outside the steps: in messages, cures and the ranking."""
    found: list[core.Expr | None] = []
    for requirement in policy.requirements.values():
        if requirement.message is not None:
            found += [p for pieces in requirement.message.pieces.values() for p in pieces if not isinstance(p, str)]
        for effect in requirement.effects.values():
            found += [effect.cure, effect.cure_from]
    if (plan := policy.ranking) is not None:
        found += [e for e, _ in (*plan.order_by, *plan.keep)]
        found += [plan.exclusive_key, plan.budget, plan.award, *(e for _, amount, award in plan.pots for e in (amount, award))]
    return [e for e in found if e is not None]


def parameters_shown(policy: core.Policy, seen: frozenset[Step]) -> list[str]:
    """The parameters that an expression speaks of which can be seen, or a bound of a fact, or another such parameter."""
    parts: list[core.Expr | None] = [*_spoken(policy)]
    parts += [d.value for (entity, name), d in policy.definitions.items() if Step("definition", entity, name) in seen]
    parts += [e for r in policy.requirements.values() for e in (r.applies, r.check)]
    parts += [s.opens for s in policy.stages]
    parts += [bound for entity in policy.entities.values() for fact in entity.facts.values() for bound in (fact.low, fact.high)]
    found: dict[str, None] = {}
    stack = [p for p in parts if p is not None]
    while stack:
        for node in core.walk(stack.pop()):
            if isinstance(node, core.Parameter | core.Dated) and node.name not in found:
                found[node.name] = None
                declared = policy.parameters[node.name]
                values = [declared.value, declared.assume, *(v.value for v in declared.versions)]
                stack += [v for v in values if v is not None]
    return sorted(found)
