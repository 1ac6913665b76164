"""The code of one step: a definition, a requirement, who is admitted, or whether a stage is open.

Each is written twice: for records of which everything is known, and for those of which something may not be.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from bandolo.check import core
from bandolo.language.types import BOOLEAN
from bandolo.language.values import Unknown
from bandolo.plan.codes import Code
from bandolo.plan.expressions import Writer
from bandolo.plan.kinds import Many, Open, Same, bare, joined
from bandolo.plan.opening import Opening
from bandolo.plan.quote import code, lines, literal, name, text


def written(known: Writer, perhaps: Opening, step: core.Step) -> tuple[list[ast.stmt] | None, list[ast.stmt] | None]:
    """What a step does with a record `r` of which everything is known, and with any other; None where it is never done so."""
    match step.kind:
        case "definition":
            _definition(known, perhaps, step)
        case "requirement":
            requirement = known.policy.requirements[step.name]
            _requirement(known, requirement)
            _try(perhaps, lambda: _open_requirement(perhaps, requirement))
        case "admitted":
            _admitted(known, step.entity, step.name)
            _open_admitted(perhaps, step.entity, step.name)
        case _:
            _opens(known, perhaps, step.name)
    return _whole(known), _whole(perhaps)


def _whole(writer: Writer) -> list[ast.stmt] | None:
    if not writer.body:
        return [ast.Pass()]
    return None if isinstance(writer.body[0], ast.Raise) else writer.body


def _try(writer: Opening, write: object) -> None:
    """What cannot be brought to a form is left to the reference."""
    try:
        write()  # type: ignore[operator]
    except Open:
        writer.body = lines("raise Open")


def _definition(known: Writer, perhaps: Opening, step: core.Step) -> None:
    """Both ways leave the value in one form."""
    definition = known.policy.definitions[step.entity, step.name]
    slot = known.names.definitions[step.entity, step.name]
    value, open_ = known.value(definition.value), Code(literal(None), None)

    def look() -> None:
        nonlocal open_
        open_ = perhaps.kept(perhaps.value(definition.value))

    _try(perhaps, look)
    kind = value.kind
    try:
        kind = joined(value.kind, open_.kind)
    except Open:
        open_ = Code(literal(None), None)
    known.kinds[step.entity, step.name] = kind
    if value.kind is not None and kind is not None:
        known.add("r.S = V", S=slot, V=known.packed(known.turned(value, kind)))
    if open_.kind is None or kind is None:
        perhaps.body = lines("raise Open")
        return
    turned = perhaps.kept(perhaps.turned(open_, kind))
    perhaps.body += _left(slot, turned, isinstance(bare(kind), Many))


def _left(slot: str, value: Code, may_be_loose: bool = False) -> list[ast.stmt]:
    """A value into its slot, or what stands for it beside it."""
    if not value.open:
        return lines("r.S = V", S=slot, V=value.expr)
    template = "if V.__class__ is Gap: r.gaps[K] = V\nelse: r.S = V"
    if may_be_loose:
        template = "if V.__class__ is list: r.S = V\nelse: r.gaps[K] = V"
    return lines(template, S=slot, V=value.expr, K=text(slot))


def _opens(known: Writer, perhaps: Opening, stage_name: str) -> None:
    stage = known.policy.stages[known.policy.stage_index(stage_name)]
    slot = known.names.open[stage_name]
    for writer in (known, perhaps):
        if stage.opens is None:
            writer.add("r.S = True", S=slot)
            continue
        opened = writer.value(stage.opens)
        if opened.kind is None:
            writer.body = lines("raise Open")
        elif writer is known:
            writer.add("r.S = V", S=slot, V=opened.expr)
        else:
            writer.body += _left(slot, perhaps.kept(opened))


def _requirement(writer: Writer, requirement: core.Requirement) -> None:
    """The verdict is True, False, or None where the requirement does not apply; `met` is whether nothing is violated."""
    met, verdict = writer.names.requirements[requirement.id], writer.names.verdicts[requirement.id]
    if requirement.applies is None:
        held = writer.value(requirement.check)
        if held.kind is not None:
            writer.add("r.M = r.V = X", M=met, V=verdict, X=held.expr)
        return
    applies = writer.value(requirement.applies)
    if applies.kind is None:
        return
    with writer.block() as then:
        held = writer.value(requirement.check)
        if held.kind is not None:
            writer.add("r.M = r.V = X", M=met, V=verdict, X=held.expr)
    writer.when(applies.expr, then, lines("r.M = True\nr.V = None", M=met, V=verdict))


def _open_requirement(writer: Opening, requirement: core.Requirement) -> None:
    """An unknown verdict stands in its slot as the gap itself."""
    met, verdict = writer.names.requirements[requirement.id], writer.names.verdicts[requirement.id]
    left = "r.V = X\nif X.__class__ is Gap: r.gaps[K] = X\nelse: r.M = X"
    if requirement.applies is None:
        held = writer.kept(writer.value(requirement.check))
        writer.body += lines("raise Open") if held.kind is None else lines(left, V=verdict, M=met, X=held.expr, K=text(met))
        return
    applies = writer.kept(writer.value(requirement.applies))
    if applies.kind is None:
        writer.body = lines("raise Open")
        return
    with writer.block() as then:
        held = writer.value(requirement.check)
        if held.kind is None:
            writer.add("raise Open")
        else:
            violated = writer.kept(Code(code("one(opposite(A), H)", A=applies.expr, H=held.expr), Same(BOOLEAN), open=True))
            writer.add(left, V=verdict, M=met, X=violated.expr, K=text(met))
    writer.when(code("A is not False", A=applies.expr), then, lines("r.M = True\nr.V = None", M=met, V=verdict))


def _excluding(writer: Writer, entity: str, moment: str) -> Iterator[tuple[core.Requirement, Unknown | None]]:
    """The requirements up to a moment whose failure excludes a record; those of which an open reading decides that, with the reading."""
    policy = writer.policy
    last = policy.stage_index(moment) if moment else len(policy.stages)
    for requirement in policy.requirements.values():
        if requirement.entity != entity or policy.stage_index(requirement.stage) > last or not requirement.may("exclude"):
            continue
        option: object = "" if requirement.effect_by is None else writer.settings.options[requirement.effect_by]
        if isinstance(option, Unknown):
            yield requirement, option
        elif isinstance(option, str) and requirement.effects[option].word == "exclude":
            yield requirement, None


def _root(policy: core.Policy, entity: str) -> ast.expr:
    root = name("r")
    for _ in range(policy.depth(entity)):
        root = ast.Attribute(root, "owner", ast.Load())
    return root


def _admitted(writer: Writer, entity: str, moment: str) -> None:
    """Kleene's `and` and `or` decide by their first sure part, as Python's do: what is not looked at cannot matter."""
    policy, names = writer.policy, writer.names
    parts: list[ast.expr] = []
    for requirement, reading in _excluding(writer, entity, moment):
        if reading is not None:
            parts.append(code("plan.unsure()"))
            continue
        opened = ast.Attribute(_root(policy, entity), names.open[requirement.stage], ast.Load())
        met = ast.Attribute(name("r"), names.requirements[requirement.id], ast.Load())
        parts.append(ast.BoolOp(ast.Or(), [ast.UnaryOp(ast.Not(), opened), met]))
    if policy.depth(entity) > 1:
        parts.append(code("r.owner.A", A=names.admitted[moment]))
    test = literal(True) if not parts else parts[0] if len(parts) == 1 else ast.BoolOp(ast.And(), parts)
    writer.add("r.A = V", A=names.admitted[moment], V=test)


def _open_admitted(writer: Opening, entity: str, moment: str) -> None:
    policy, names = writer.policy, writer.names
    parts: list[ast.expr] = []
    for requirement, reading in _excluding(writer, entity, moment):
        opened = writer.slot_of(_root(policy, entity), names.open[requirement.stage])
        met = writer.slot_of(name("r"), names.requirements[requirement.id])
        part = code("one(opposite(O), M)", O=opened, M=met)
        if reading is not None:
            part = code("one(P, G)", P=part, G=writer.value_of(reading, BOOLEAN).expr)
        parts.append(part)
    if policy.depth(entity) > 1:
        parts.append(writer.slot_of(ast.Attribute(name("r"), "owner", ast.Load()), names.admitted[moment]))
    found = writer.kept(Code(code("decided(P)", P=ast.Tuple(parts, ast.Load())), Same(BOOLEAN), open=True))
    writer.body += _left(names.admitted[moment], found)
