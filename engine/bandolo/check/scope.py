"""What is visible where an expression stands, and what its tests have made sure of."""

from __future__ import annotations

import dataclasses

from bandolo.check import core
from bandolo.language.types import Type
from bandolo.records import dataclass, field


@dataclass(frozen=True, slots=True)
class Binder:
    """A record or value that `of` or `where` goes through, with its slot and the name given by `as`."""

    slot: int
    type: Type
    name: str | None


@dataclass(frozen=True, slots=True)
class Scope:
    """`entity` is the kind of record in slot 0, or None where there is none (parameters, formulas).

    `narrowed` holds the paths that a test has shown not to be `none`.
    """

    entity: str | None
    binders: tuple[Binder, ...] = ()
    arguments: dict[str, tuple[int, Type]] = field(default_factory=dict)
    knows: bool = False  # `is known` may be asked
    narrowed: frozenset[core.Expr] = frozenset()
    formulas: tuple[str, ...] = ()  # being inlined, outermost first

    def bind(self, binder: Binder) -> Scope:
        return dataclasses.replace(self, binders=(binder, *self.binders))

    def narrow(self, paths: frozenset[core.Expr]) -> Scope:
        return dataclasses.replace(self, narrowed=self.narrowed | paths) if paths else self


def shown(test: core.Expr, holds: bool) -> frozenset[core.Expr]:
    """The paths that cannot be `none` where a test holds (or does not).

    Sound for unknown tests too: an `and` that is not false has no false part.
    """
    match test:
        case core.IsNone(value=value) if not holds:
            return frozenset([value])
        case core.Not(value=value):
            return shown(value, not holds)
        case core.And(parts=parts) if holds:
            return frozenset().union(*(shown(p, True) for p in parts))
        case core.Or(parts=parts) if not holds:
            return frozenset().union(*(shown(p, False) for p in parts))
    return frozenset()


def moved(paths: frozenset[core.Expr], old: int, new: int) -> frozenset[core.Expr]:
    """The same paths, said of another slot."""
    return frozenset(_moved(path, old, new) for path in paths)


def _moved(node: core.Expr, old: int, new: int) -> core.Expr:
    match node:
        case core.Variable(slot=slot) if slot == old:
            return dataclasses.replace(node, slot=new)
        case core.Fact() | core.Computed() | core.Owner():
            return dataclasses.replace(node, record=_moved(node.record, old, new))
    return node
