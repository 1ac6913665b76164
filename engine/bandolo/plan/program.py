"""A settled policy as one Python function: every step of `core.steps`, for every record, in order.

A step that meets what it cannot tell is left to the reference (`planned.py`); the steps after it go on.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import CodeType
from typing import Any

from bandolo.check import core
from bandolo.evaluate.settle import Settled
from bandolo.language.values import Unknown
from bandolo.plan import intake, running, steps
from bandolo.plan.codes import Code, Names
from bandolo.plan.costs import most_records
from bandolo.plan.expressions import Writer
from bandolo.plan.fused import Fused
from bandolo.plan.kinds import Kind, OfEntity, Open
from bandolo.plan.layout import Layout, NotFused, eligible
from bandolo.plan.opening import Opening
from bandolo.plan.quote import lines, name
from bandolo.plan.reading import Read, compile_reading
from bandolo.plan.records import PlannedRecord, record_class
from bandolo.plan.shapes import shapes
from bandolo.plan.stepped import Scales


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
    shares: tuple[core.Share, ...]
    unsupported: tuple[str, ...]
    bits: dict[str, int]
    """What stands for the clock, for pending parameters and for open readings among what is missing."""
    most_records: int
    """Up to so many records the reference is sure to stay within its steps."""
    read: Read | None = None
    """What reads applications, where the policy allows it."""
    whole: OnePass | None = None
    """What decides complete applications in one pass, where the policy allows it."""

    @cached_property
    def scales(self) -> Scales:
        """What weighs verdicts into stages."""
        return Scales(self)


def compile_program(policy: core.Policy, settled: Settled, *, shaped: bool = True) -> Program:
    """The program of a policy under its settings; `shaped` is whether msgspec, where it is installed, reads applications for it."""
    names = Names(policy)
    kinds: dict[tuple[str, str], Kind | None] = {}
    bits = {missing: 1 << i for i, missing in enumerate(["as_of", *_left_open(settled)])}
    body: list[ast.stmt] = []
    unsupported: list[str] = []
    shares: list[tuple[core.Share, str]] = []
    functions: list[ast.stmt] = []
    for index, step in enumerate(policy.steps):
        writer = Writer(policy, settled.settings, names, kinds, shares=shares)
        opening = Opening(policy, settled.settings, names, kinds, shares=shares, settings_bits=bits)
        for each in (writer, opening):
            each.slots[0] = Code(name("r"), OfEntity(step.entity))
        known, perhaps = steps.written(writer, opening, step)
        if writer.unsupported:
            unsupported.append(f"{step.kind} {step.entity}.{step.name}")
        if perhaps is not None:
            ask = [ast.ExceptHandler(name("OPEN"), None, lines("plan.ask(I, r)", I=index))]
            functions.append(_function(f"open{index}", ["plan", "r"], [ast.Try(perhaps, ask, [], [])]))
        body += _for_each(name(records_of(policy, step.entity)), index, known, perhaps is not None)
    functions.append(_function("run", ["plan", *(records_of(policy, e) for e in policy.entities)], body))
    at = 0
    while at < len(shares):  # a share inside the parts of another adds itself to the list
        functions.append(_share(policy, settled, names, kinds, shares, at))
        functions.append(_open_share(Opening(policy, settled.settings, names, kinds, shares=shares, settings_bits=bits), at))
        at += 1
    one_pass = _one_pass(policy, settled, shaped)
    tree = ast.fix_missing_locations(ast.Module(functions, []))
    table = running.table(policy) | names.constants
    code_object: CodeType = compile(tree, f"<bandolo {policy.digest[:19]}>", "exec")
    exec(code_object, table)  # only code written in this package, and constants by name
    classes = {e: record_class(names.slots(policy, e)) for e in policy.entities}
    return Program(
        policy,
        settled,
        names,
        kinds,
        classes,
        table["run"],
        tuple(n for n, _ in shares),
        tuple(unsupported),
        bits,
        most_records(policy),
        _reading(policy, settled, names, classes),
        one_pass,
    )


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


def _reading(policy: core.Policy, settled: Settled, names: Names, classes: dict[str, type[PlannedRecord]]) -> Read | None:
    try:
        return compile_reading(policy, settled, names, classes)
    except Open:
        return None


def records_of(policy: core.Policy, entity: str) -> str:
    """The variable that holds the records of an entity."""
    return f"records{list(policy.entities).index(entity)}"


def _function(named: str, arguments: list[str], body: list[ast.stmt]) -> ast.FunctionDef:
    takes = ast.arguments([], [ast.arg(a) for a in arguments], None, [], [], None, [])
    return ast.FunctionDef(named, takes, body or [ast.Pass()], [])


def _left_open(settled: Settled) -> list[str]:
    """The pending parameters and open readings that values of the settings miss."""
    settings = settled.settings
    values = [*settings.parameters.values(), *settings.options.values(), settings.money_rounding]
    values += [v for versions in settings.versions.values() for _, _, v in versions]
    return sorted({m for v in values if isinstance(v, Unknown) for m in v.missing} - {"as_of"})


def _for_each(records: ast.expr, index: int, known: list[ast.stmt] | None, perhaps: bool) -> list[ast.stmt]:
    """A step for every record: once it has met a gap, the others are not tried without."""
    one = lines("N(plan, r)", N=f"open{index}") if perhaps else lines("plan.ask(I, r)", I=index)
    record = ast.Name("r", ast.Store())
    if known is None:
        return [ast.For(record, records, one, [])]
    attempt = ast.Try(known, [ast.ExceptHandler(name("OPEN"), None, [*one, ast.For(record, name("left"), one, [])])], [], [])
    return [*lines("left = iter(R)", R=records), ast.For(record, name("left"), [attempt], [])]


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


def _open_share(writer: Opening, at: int) -> ast.FunctionDef:
    """The same where something is not known: of the total, among whom, by which weights."""
    node, _ = writer.shares[at]
    writer.slots[0] = Code(name("r"), OfEntity(node.owner))
    try:
        writer.share(node, at)
    except Open:
        writer.body = lines("raise Open")
    return _function(f"open_share{at}", ["plan", "r"], writer.body)
