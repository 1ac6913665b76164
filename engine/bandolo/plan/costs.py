"""How many steps a decision may take by the reference: a program decides only where its budget surely suffices."""

from __future__ import annotations

from collections.abc import Iterator

from bandolo import limits
from bandolo.check import core


def most_records(policy: core.Policy) -> int:
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
