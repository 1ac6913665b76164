"""A settled policy as one Python function: every step of `core.steps`, for every record, in order.

A step that meets what it cannot tell is left to the reference (`planned.py`); the steps after it go on.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CodeType
from typing import Any

from bandolo import limits
from bandolo.check import core
from bandolo.evaluate.settle import Settled
from bandolo.language.types import BOOLEAN
from bandolo.language.values import Unknown
from bandolo.plan import intake, running
from bandolo.plan.codes import Code, Names
from bandolo.plan.expressions import Writer
from bandolo.plan.fused import Fused
from bandolo.plan.kinds import Kind, OfEntity, Same
from bandolo.plan.layout import Layout, NotFused, eligible
from bandolo.plan.quote import code, lines, literal, name
from bandolo.plan.records import PlannedRecord, record_class
from bandolo.plan.shapes import shapes


@dataclass(frozen=True)
class OnePass:
    """`decide(app)` gives what a complete application comes to, placed as `layout` says; with shapes there is `decide(app, read)`, too."""

    decide: Callable[..., Any]
    layout: Layout


@dataclass(frozen=True)
class Program:
    """A policy with its settings, compiled.

    `run(plan, records by entity...)` computes all steps; `unsupported` names the entries that are always left to the reference.
    """

    policy: core.Policy
    settled: Settled
    names: Names
    kinds: dict[tuple[str, str], Kind | None]
    classes: dict[str, type[PlannedRecord]]
    run: Callable[..., None]
    unsupported: tuple[str, ...]
    most_records: int
    """Up to so many records the reference is sure to stay within its steps."""
    whole: OnePass | None = None
    """What decides complete applications in one pass, where the policy allows it."""


def compile_program(policy: core.Policy, settled: Settled, *, shaped: bool = True) -> Program:
    """The program of a policy under its settings; `shaped` is whether msgspec, where it is installed, reads applications for it."""
    names = Names(policy)
    kinds: dict[tuple[str, str], Kind | None] = {}
    body: list[ast.stmt] = []
    unsupported: list[str] = []
    shares: list[tuple[core.Share, str]] = []
    for index, step in enumerate(policy.steps):
        writer = Writer(policy, settled.settings, names, kinds, shares=shares)
        writer.slots[0] = Code(name("r"), OfEntity(step.entity))
        _step(writer, step)
        if writer.unsupported:
            unsupported.append(f"{step.kind} {step.entity}.{step.name}")
        ask = lines("plan.ask(I, r)", I=index)
        attempt: list[ast.stmt]
        if isinstance(writer.body[0], ast.Raise):
            attempt = ask
        else:
            attempt = [ast.Try(writer.body, [ast.ExceptHandler(name("OPEN"), None, ask)], [], [])]
        body.append(ast.For(ast.Name("r", ast.Store()), name(records_of(policy, step.entity)), attempt, []))
    functions: list[ast.stmt] = [_function("run", ["plan", *(records_of(policy, e) for e in policy.entities)], body)]
    at = 0
    while at < len(shares):  # a share inside the parts of another adds itself to the list
        functions.append(_share(policy, settled, names, kinds, shares, at))
        at += 1
    one_pass = _one_pass(policy, settled, shaped)
    tree = ast.fix_missing_locations(ast.Module(functions, []))
    table = running.table(policy) | names.constants
    code_object: CodeType = compile(tree, f"<bandolo {policy.digest[:19]}>", "exec")
    exec(code_object, table)  # only code written in this package, and constants by name
    classes = {e: record_class(names.slots(policy, e)) for e in policy.entities}
    return Program(policy, settled, names, kinds, classes, table["run"], tuple(unsupported), _most_records(policy), one_pass)


def _one_pass(policy: core.Policy, settled: Settled, shaped: bool) -> OnePass | None:
    if not eligible(policy, settled):
        return None
    names = Names(policy)
    try:
        function, layout = Fused(policy, settled, names, shapes(policy, names) if shaped else None).written()
    except NotFused:
        return None
    tree = ast.fix_missing_locations(ast.Module([function], []))
    found = running.table(policy) | intake.table(policy.conventions, layout.shapes) | names.constants
    exec(compile(tree, f"<bandolo {policy.digest[:19]} in one pass>", "exec"), found)
    return OnePass(found["decide"], layout)


def records_of(policy: core.Policy, entity: str) -> str:
    """The variable that holds the records of an entity."""
    return f"records{list(policy.entities).index(entity)}"


def _function(named: str, arguments: list[str], body: list[ast.stmt]) -> ast.FunctionDef:
    takes = ast.arguments([], [ast.arg(a) for a in arguments], None, [], [], None, [])
    return ast.FunctionDef(named, takes, body or [ast.Pass()], [])


def _step(writer: Writer, step: core.Step) -> None:
    policy = writer.policy
    match step.kind:
        case "definition":
            definition = policy.definitions[step.entity, step.name]
            value = writer.value(definition.value)
            writer.kinds[step.entity, step.name] = value.kind
            if value.kind is not None:
                writer.add("r.S = V", S=writer.names.definitions[step.entity, step.name], V=writer.packed(value))
        case "requirement":
            _requirement(writer, policy.requirements[step.name])
        case "admitted":
            _admitted(writer, step.entity, step.name)
        case _:
            stage = policy.stages[policy.stage_index(step.name)]
            opened = Code(literal(True), Same(BOOLEAN)) if stage.opens is None else writer.value(stage.opens)
            if opened.kind is not None:
                writer.add("r.S = V", S=writer.names.open[step.name], V=opened.expr)
    if not writer.body:
        writer.add("pass")


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


def _admitted(writer: Writer, entity: str, moment: str) -> None:
    """Kleene's `and` and `or` decide by their first sure part, as Python's do: what is not looked at cannot matter."""
    policy, names = writer.policy, writer.names
    last = policy.stage_index(moment) if moment else len(policy.stages)
    parts: list[ast.expr] = []
    for requirement in policy.requirements.values():
        if requirement.entity != entity or policy.stage_index(requirement.stage) > last or not requirement.may("exclude"):
            continue
        option: object = "" if requirement.effect_by is None else writer.settings.options[requirement.effect_by]
        if isinstance(option, str) and requirement.effects[option].word != "exclude":
            continue
        if isinstance(option, Unknown):
            parts.append(code("plan.unsure()"))
            continue
        root = name("r")
        for _ in range(policy.depth(entity)):
            root = ast.Attribute(root, "owner", ast.Load())
        opened = ast.Attribute(root, names.open[requirement.stage], ast.Load())
        met = ast.Attribute(name("r"), names.requirements[requirement.id], ast.Load())
        parts.append(ast.BoolOp(ast.Or(), [ast.UnaryOp(ast.Not(), opened), met]))
    if policy.depth(entity) > 1:
        parts.append(code("r.owner.A", A=names.admitted[moment]))
    test = literal(True) if not parts else parts[0] if len(parts) == 1 else ast.BoolOp(ast.And(), parts)
    writer.add("r.A = V", A=names.admitted[moment], V=test)


def _share(
    policy: core.Policy,
    settled: Settled,
    names: Names,
    kinds: dict[tuple[str, str], Kind | None],
    shares: list[tuple[core.Share, str]],
    at: int,
) -> ast.FunctionDef:
    """The function that shares a total out among the records of one owner."""
    node, named = shares[at]
    writer = Writer(policy, settled.settings, names, kinds, shares=shares)
    writer.slots[0] = Code(name("r"), OfEntity(node.owner))
    total = writer.value(node.total)
    writer.add("weights = {}\nkeys = {}")

    def weigh(member: Code) -> None:
        writer.slots[node.slot] = member
        weight, key = writer.value(node.weight), writer.value(node.ties)
        if weight.kind is None or key.kind is None:
            return
        writer.add("weights[R] = V", R=member.expr, V=running.as_fraction(writer, weight))
        writer.add("keys[R] = V", R=member.expr, V=running.as_fraction(writer, key))

    found = writer.each(node.among, weigh)
    direction = settled.settings.money_rounding
    if not found or total.kind is None or not isinstance(direction, str):
        writer.add("raise Open")
    else:
        pieces = {"T": running.as_fraction(writer, total), "D": names.constant(direction), "S": names.constant(node.span)}
        writer.add("return plan.allocated(T, weights, keys, D, S)", **pieces)
    return _function(named, ["plan", "r"], writer.body)


def _most_records(policy: core.Policy) -> int:
    """The count of records (and listed values) up to which no decision can spend the steps that the reference allows."""
    by_depth: dict[int, int] = {}
    for node, depth in _costs(policy):
        by_depth[depth] = by_depth.get(depth, 0) + node
    low, high = 0, 1 << 20
    while low < high:
        middle = (low + high + 1) // 2
        spent = sum(count * middle**depth for depth, count in by_depth.items())
        low, high = (middle, high) if spent <= limits.STEPS_BASE + limits.STEPS_PER_RECORD * middle else (low, middle - 1)
    return low


def _costs(policy: core.Policy) -> Iterator[tuple[int, int]]:
    """Nodes, each with how often at most it is evaluated: so many to the power of the count of records."""
    for step in policy.steps:
        each = 0 if step.entity == policy.root else 1
        match step.kind:
            case "definition":
                yield from _depths(policy.definitions[step.entity, step.name].value, each)
            case "requirement":
                requirement = policy.requirements[step.name]
                yield from _depths(requirement.check, each)
                if requirement.applies is not None:
                    yield from _depths(requirement.applies, each)
                for effect in requirement.effects.values():
                    for part in (effect.cure, effect.cure_from):
                        if part is not None:
                            yield from _depths(part, each)
                for pieces in requirement.message.pieces.values() if requirement.message is not None else ():
                    for piece in pieces:
                        if not isinstance(piece, str):
                            yield from _depths(piece, each)
    for stage in policy.stages:
        if stage.opens is not None:
            yield from _depths(stage.opens, 0)


def _depths(node: core.Expr, depth: int) -> Iterator[tuple[int, int]]:
    yield 1, depth
    match node:
        case core.Filter(list=inner, condition=each) | core.Map(list=inner, item=each):
            yield from _depths(inner, depth)
            # A list of lists is as long as there are records: its members are gone through once more.
            yield from _depths(each, depth + 1)
        case core.Share(among=among, weight=weight, ties=ties, total=total):
            yield from _depths(total, depth)
            yield from _depths(among, depth)
            yield from _depths(weight, depth + 1)
            yield from _depths(ties, depth + 1)
        case _:
            if isinstance(node, core.Apply) and node.operation.total:
                yield 1, depth + 1
            for child in core.children(node):
                yield from _depths(child, depth)
