"""The order in which things are computed, and the loops that forbid one.

Definitions, requirements, `admitted` and the opening of stages depend on each other, across records and levels. The order is
found on the kinds, not on the records: a definition of partners that needs a definition of the project comes after it.
"""

from __future__ import annotations

from collections.abc import Iterable

from bandolo.check import core
from bandolo.check.core import Step
from bandolo.diagnostics import Diagnostic, Label
from bandolo.language.types import RecordType
from bandolo.source import Span


def order_of_steps(policy: core.Policy, loops: list[list[tuple[str, str]]]) -> tuple[tuple[Step, ...], list[Diagnostic]]:
    """All steps, each after those that it needs. Codes: `cycle`, `exclude-cycle`.

    `loops` are those that were met while definitions were typed; what is typed within one has lost its edges.
    """
    graph = graph_of_steps(policy)
    ordered: list[Step] = []
    state: dict[Step, int] = {}  # 1 while open, 2 when done
    diagnostics = [_cycle(policy, [Step("definition", *key) for key in loop]) for loop in loops]
    reported = {frozenset(loop) for loop in loops}
    for start in graph:
        if start in state:
            continue
        state[start] = 1
        path = [(start, iter(graph[start]))]
        while path:
            step, rest = path[-1]
            following = next(rest, None)
            if following is None:
                state[step] = 2
                ordered.append(step)
                path.pop()
            elif state.get(following) == 1:
                steps = [s for s, _ in path]
                loop = steps[steps.index(following) :]
                if frozenset((s.entity, s.name) for s in loop) not in reported:
                    diagnostics.append(_cycle(policy, loop))
            elif following not in state:
                state[following] = 1
                path.append((following, iter(graph[following])))
    return tuple(ordered), diagnostics


def graph_of_steps(policy: core.Policy) -> dict[Step, list[Step]]:
    """What each step needs, directly."""
    graph: dict[Step, list[Step]] = {}
    for (entity, name), definition in policy.definitions.items():
        graph[Step("definition", entity, name)] = needs_of([definition.value])
    for requirement in policy.requirements.values():
        parts = [requirement.check] + ([requirement.applies] if requirement.applies is not None else [])
        graph[Step("requirement", requirement.entity, requirement.id)] = needs_of(parts)
    for stage in policy.stages:
        graph[Step("opens", policy.root, stage.name)] = needs_of([stage.opens] if stage.opens is not None else [])
    for listed in (e for e in policy.entities.values() if e.owner is not None):
        for moment in ("", *(s.name for s in policy.stages)):
            graph[Step("admitted", listed.name, moment)] = _of_admission(policy, listed, moment)
    return graph


def _of_admission(policy: core.Policy, entity: core.Entity, moment: str) -> list[Step]:
    """Admission needs the exclude requirements up to its stage, the opening of their stages, and the owner's admission."""
    last = policy.stage_index(moment) if moment else len(policy.stages)
    needs = []
    for requirement in policy.requirements.values():
        if requirement.entity == entity.name and requirement.may("exclude") and policy.stage_index(requirement.stage) <= last:
            needs.append(Step("requirement", entity.name, requirement.id))
            needs.append(Step("opens", policy.root, requirement.stage))
    if entity.owner is not None and policy.entities[entity.owner].owner is not None:
        needs.append(Step("admitted", entity.owner, moment))
    return list(dict.fromkeys(needs))


def needs_of(expressions: Iterable[core.Expr]) -> list[Step]:
    """The steps that some expressions mention."""
    found: dict[Step, None] = {}
    for expression in expressions:
        for node in core.walk(expression):
            match node:
                case core.Computed():
                    found[Step("definition", node.entity, node.name)] = None
                case core.Met():
                    assert isinstance(node.record.type, RecordType)
                    found[Step("requirement", node.record.type.entity, node.requirement)] = None
                case core.Admitted():
                    found[Step("admitted", node.entity, node.stage or "")] = None
    return list(found)


def _cycle(policy: core.Policy, loop: list[Step]) -> Diagnostic:
    # Begin the loop at the entry that a reader can change: a definition or requirement, in order of place.
    written = [i for i, s in enumerate(loop) if s.kind in ("definition", "requirement") and _span(policy, s) is not None]
    first = min(written, key=lambda i: _place(policy, loop[i])) if written else 0
    loop = loop[first:] + loop[:first]
    names = [_said(policy, s) for s in loop]
    excludes = any(s.kind == "admitted" for s in loop) and any(s.kind == "requirement" for s in loop)
    labels = tuple(Label(span, "part-of-loop") for s in loop[1:] if (span := _span(policy, s)) is not None)
    code = "exclude-cycle" if excludes else "cycle"
    return Diagnostic(code, _span(policy, loop[0]), {"name": names[0], "loop": " → ".join([*names, names[0]])}, labels)


def _place(policy: core.Policy, step: Step) -> int:
    span = _span(policy, step)
    return span.start if span is not None else 0


def _said(policy: core.Policy, step: Step) -> str:
    if step.kind == "admitted":
        return f"{step.entity}.admitted" + (f" at {step.name}" if step.name else "")
    if step.kind == "opens":
        return f"{step.name}.opens"
    if step.kind == "requirement" or step.entity == policy.root:
        return step.name
    return f"{step.entity}.{step.name}"


def _span(policy: core.Policy, step: Step) -> Span | None:
    if step.kind == "definition":
        return policy.definitions[step.entity, step.name].span
    if step.kind == "requirement":
        return policy.requirements[step.name].span
    return None
