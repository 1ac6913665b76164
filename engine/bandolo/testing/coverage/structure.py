"""How a condition is made: its `and`, `or` and `not`, and the plain conditions that they join; and places as keys."""

from __future__ import annotations

from collections.abc import Iterator

from bandolo.check import core
from bandolo.explain.reasons import written
from bandolo.source import Span


def is_within(inner: Span, outer: Span) -> bool:
    return inner.source is outer.source and outer.start <= inner.start and inner.end <= outer.end


def first_line(span: Span) -> Span:
    """The first line of a place."""
    first = span.text.partition("\n")[0]
    return Span(span.source, span.start, span.start + len(first))


def span_key(node: core.Expr) -> tuple[str, int, int]:
    return node.span.source.path, node.span.start, node.span.end


def comparison(node: core.Expr) -> str:
    """A comparison by its own sides, where its place is that of a whole `between`."""
    if isinstance(node, core.Apply) and len(node.arguments) == 2:
        return f" {node.operation.name} ".join(written(a) for a in node.arguments)
    return written(node)


def structure(node: core.Expr) -> Iterator[core.Expr]:
    """`and`, `or`, `not` of a condition, down to what they join."""
    yield node
    match node:
        case core.And(parts=parts) | core.Or(parts=parts):
            for part in parts:
                yield from structure(part)
        case core.Not(value=value) | core.Let(body=value):
            yield from structure(value)


def leaves_of(node: core.Expr) -> Iterator[core.Expr]:
    return (n for n in structure(node) if not isinstance(n, core.And | core.Or | core.Not | core.Let))


def bound_in(node: core.Expr) -> Iterator[core.Expr]:
    """What the arguments of formulas inside a condition stand for."""
    return (n.value for n in structure(node) if isinstance(n, core.Let))
