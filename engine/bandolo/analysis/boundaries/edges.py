"""Where a policy turns: every comparison of ordered values, cap, band end, rounding and dated version, with the passage it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from bandolo.check import core
from bandolo.evaluate.settle import Settled
from bandolo.language.library import operation_by_name
from bandolo.language.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    INTEGER,
    MONEY,
    NUMBER,
    PERCENT,
    DurationType,
    ListType,
    OptionalType,
    Type,
)  # fmt: skip
from bandolo.language.values import Value, is_known

Kind = Literal["threshold", "deadline", "cap", "band", "rounding", "version"]
OwnerKind = Literal["requirement", "definition", "stage", "parameter"]
NUMBERS: tuple[Type, ...] = (INTEGER, NUMBER, PERCENT, MONEY)
COMPARISONS = ("<", "<=", ">", ">=", "=", "!=")


@dataclass(frozen=True, slots=True)
class Edge:
    """One place where a policy turns: where `left` equals `right`, looked at whenever `node` is.

    `id` is the entry's name, and its number among the edges of that entry where there are several. `operator` is the comparison, `min`,
    `max`, `to` (the end of a band), `round` or `from` (the first day of a version). `under` are the readings and options without which
    the edge is not looked at; `around` are the arguments of the formulas that it stands in.
    """

    id: str
    kind: Kind
    owner_kind: OwnerKind
    entity: str
    owner: str
    operator: str
    node: core.Expr
    left: core.Expr
    right: core.Expr
    under: tuple[tuple[str, str], ...]
    sources: tuple[core.Source, ...]
    around: tuple[core.Let, ...] = ()

    def whole(self, node: core.Expr) -> core.Expr:
        """A part of the edge with what the arguments of a formula stand for."""
        for let in reversed(self.around):
            node = core.Let(node.span, node.type, let.slot, let.value, node)
        return node

    def is_in_force(self, settled: Settled) -> bool:
        """Whether the readings that are chosen lead to it at all."""
        return all(settled.settings.options.get(reading) == option for reading, option in self.under)


def edges(policy: core.Policy, settled: Settled) -> list[Edge]:
    """Every edge of a policy, in the order in which its entries are computed; those of parameters first."""
    found: list[Edge] = []
    for name, parameter in policy.parameters.items():
        if parameter.value is not None:
            found += _numbered(_Collector(policy, settled, "parameter", policy.root, name, parameter.words).of(parameter.value))
    for step in policy.steps:
        if step.kind == "definition":
            definition = policy.definitions[step.entity, step.name]
            collector = _Collector(policy, settled, "definition", step.entity, step.name, definition.words)
            found += _numbered(collector.of(definition.value))
        elif step.kind == "requirement":
            requirement = policy.requirements[step.name]
            collector = _Collector(policy, settled, "requirement", step.entity, step.name, requirement.words)
            inside = list(collector.of(requirement.applies)) if requirement.applies is not None else []
            found += _numbered(iter([*inside, *collector.of(requirement.check)]))
        elif step.kind == "opens":
            stage = policy.stages[policy.stage_index(step.name)]
            if stage.opens is not None:
                found += _numbered(_Collector(policy, settled, "stage", policy.root, step.name, stage.words).of(stage.opens))
    return found


def _numbered(found: Iterator[Edge]) -> list[Edge]:
    """The edges of one entry, each once, numbered where there are several."""
    kept: dict[tuple[object, ...], Edge] = {}
    for edge in found:
        kept.setdefault((edge.operator, edge.left, edge.right, edge.under), edge)
    listed = list(kept.values())
    return listed if len(listed) == 1 else [replace(e, id=f"{e.id}.{i}") for i, e in enumerate(listed, 1)]


@dataclass(frozen=True, slots=True)
class _Collector:
    policy: core.Policy
    settled: Settled
    owner_kind: OwnerKind
    entity: str
    owner: str
    words: core.Words
    around: tuple[core.Let, ...] = ()

    def of(self, node: core.Expr, under: tuple[tuple[str, str], ...] = ()) -> Iterator[Edge]:
        match node:
            case core.Apply(operation=operation, arguments=(left, right)) if operation.name in COMPARISONS:
                if _is_ordered(left.type, operation.name) and _is_ordered(right.type, operation.name):
                    kind: Kind = "deadline" if _plain(left.type) in (DATE, DATETIME) else "threshold"
                    yield self.edge(kind, operation.name, node, left, right, under)
            case core.Apply(operation=operation, arguments=arguments) if operation.name in ("min", "max") and len(arguments) > 1:
                yield from self.caps(node, under)
            case core.Apply(operation=operation) if operation.name == "round":
                if not self.is_exact(node):
                    yield self.edge("rounding", "round", node, node.arguments[0], node.arguments[2], under)
            case core.Brackets(amount=amount, steps=steps):
                for step in steps:
                    if step.to is not None:
                        yield self.edge("band", "to", node, amount, step.to, under)
            case core.Dated(name=name, date=day):
                for start, _, _ in self.settled.settings.versions.get(name, ())[1:]:
                    if start is not None:
                        yield self.edge("version", "from", node, day, core.Constant(day.span, DATE, start), under)
        if isinstance(node, core.Choose) and isinstance(node.subject, core.Option):
            for option, value in node.options:
                yield from self.of(value, (*under, (node.subject.reading, option)))
            return
        if isinstance(node, core.Let):
            yield from self.of(node.value, under)
            yield from replace(self, around=(*self.around, node)).of(node.body, under)
            return
        for child in core.children(node):
            yield from self.of(child, under)

    def caps(self, node: core.Apply, under: tuple[tuple[str, str], ...]) -> Iterator[Edge]:
        """Of two arguments one edge; of more, each argument against the best of the others, but for the only one that facts move."""
        arguments, name = node.arguments, node.operation.name
        if not all(_is_ordered(a.type, "<") for a in arguments):
            return
        if len(arguments) == 2:
            yield self.edge("cap", name, node, *_fixed_last(*arguments), under)
            return
        moving = sum(not is_fixed(a) for a in arguments)
        for i, argument in enumerate(arguments):
            others = core.Apply(node.span, node.type, operation_by_name()[name], (*arguments[:i], *arguments[i + 1 :]))
            if is_fixed(argument):
                yield self.edge("cap", name, node, others, argument, under)
            elif moving > 1:
                yield self.edge("cap", name, node, argument, others, under)

    def is_exact(self, node: core.Apply) -> bool:
        """Whether what is rounded has been rounded just so before: a second rounding of the same entry."""
        inner = node.arguments[0]
        return isinstance(inner, core.Apply) and inner.operation.name == "round" and inner.arguments[1:] == node.arguments[1:]

    def edge(
        self, kind: Kind, operator: str, node: core.Expr, left: core.Expr, right: core.Expr, under: tuple[tuple[str, str], ...]
    ) -> Edge:
        sources = list(self.words.sources)
        for inner in (*core.walk(left), *core.walk(right)):
            if isinstance(inner, core.Parameter | core.Dated):
                sources += self.policy.parameters[inner.name].words.sources
        if not sources:
            sources = self.of_users()
        name = self.owner if self.entity == self.policy.root else f"{self.entity}.{self.owner}"
        return Edge(
            name, kind, self.owner_kind, self.entity, self.owner, operator, node, left, right, under, tuple(dict.fromkeys(sources)),
            self.around,
        )  # fmt: skip

    def of_users(self) -> list[core.Source]:
        """The passages of the requirements that speak of a definition which has none of its own."""
        found: list[core.Source] = []
        for requirement in self.policy.requirements.values() if self.owner_kind == "definition" else ():
            for part in (requirement.applies, requirement.check):
                nodes = core.walk(part) if part is not None else ()
                if any(isinstance(n, core.Computed) and (n.entity, n.name) == (self.entity, self.owner) for n in nodes):
                    found += requirement.words.sources
        return found


def _fixed_last(first: core.Expr, second: core.Expr) -> tuple[core.Expr, core.Expr]:
    """The two arguments of a cap, the one that the policy fixes last: it is the limit."""
    return (second, first) if is_fixed(first) and not is_fixed(second) else (first, second)


def is_fixed(node: core.Expr) -> bool:
    """Whether a value is the policy's own: no fact has a part in it."""
    return all(isinstance(n, core.Constant | core.Parameter | core.Apply | core.Items) for n in core.walk(node))


def _plain(type_: Type) -> Type:
    return type_.of if isinstance(type_, OptionalType) else type_


def _is_ordered(type_: Type, operator: str) -> bool:
    type_ = _plain(type_)
    if isinstance(type_, ListType) or type_ == BOOLEAN:
        return False
    return type_ in NUMBERS or type_ in (DATE, DATETIME) or (isinstance(type_, DurationType) and operator not in ("=", "!="))


def known(value: Value | None) -> bool:
    """Whether there is a value, and it is neither unknown nor a fault."""
    return value is not None and is_known(value)
