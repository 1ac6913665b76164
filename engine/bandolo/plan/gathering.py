"""Code of one level of a program in one pass: what a sum needs is gathered in the loop that reads the records."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bandolo.check import core
from bandolo.language.types import ListType, RecordType
from bandolo.plan.codes import Code
from bandolo.plan.expressions import Writer
from bandolo.plan.kinds import Cash, Kind, Many, Maybe, OfEntity, Whole
from bandolo.plan.quote import code, is_plain, lines, name
from bandolo.plan.writing import CASH_BITS

if TYPE_CHECKING:
    from bandolo.plan.fused import Fused


class NeedsRecords(Exception):
    """Code that speaks of a record other than the one at hand."""

    def __init__(self, entity: str) -> None:
        self.entity = entity


class Fusing(Writer):
    """Writes the steps of one entity at one level; what belongs to the record at hand stands in local variables."""

    whole: Fused
    entity: str
    level: int

    def slot(self, record: Code, slot: str, kind: Kind) -> Code:
        assert isinstance(record.kind, OfEntity)
        entity = record.kind.entity
        if entity == self.policy.root or (isinstance(record.expr, ast.Name) and record.expr.id == self.whole.this(entity)):
            self.whole.read.add((entity, slot))
            return Code(self.whole.seen(entity, slot), kind)
        raise NeedsRecords(entity)

    def fact(self, record: Code, entity: str, fact: str, stage: str | None) -> Code:
        kind = self.whole.kinds_of_facts[entity, fact, stage]
        if isinstance(kind, Many) and isinstance(kind.item, OfEntity):
            return Code(name(self.whole.listed(kind.item.entity)), kind)
        return self.slot(record, self.names.facts[entity, fact, stage], kind)

    def owner_of(self, record: Code, entity: str) -> ast.expr:  # noqa: ARG002
        return name(self.whole.this(entity))

    def counted(self, value: Code) -> Code:
        """An amount in cents; a sum that nothing went into costs nothing."""
        if isinstance(value.kind, Cash) and is_plain(value.expr):
            return self.held(Code(code("int(V * HUNDRED) if V else 0", V=value.expr), Whole(100, CASH_BITS)))
        assert not (isinstance(value.kind, Maybe) and isinstance(value.kind.of, Cash)), "amounts that may be none are read as ints"
        return super().counted(value)

    def start(self, listed: core.Expr, template: str, **pieces: Any) -> None:
        found = self._gathered(listed)
        if found is None:
            self.add(template, **pieces)
        else:
            self.whole.passes[found].before += lines(template, **pieces)

    def each(self, node: core.Expr, then: Callable[[Code], None]) -> bool:
        found = self._gathered(node)
        if found is None:
            return super().each(node, then)
        (entity, _), conditions, slots, item = found, *_taken_apart(node)
        made = self.whole.passes[found]
        this = Code(name(self.whole.this(entity)), OfEntity(entity))
        outer, self.body = self.body, made.gathering
        before = self.entity
        self.entity = entity
        for slot in slots:
            self.slots[slot] = this
        path: tuple[Any, ...] = ()
        for condition in conditions:
            parts = condition.parts if isinstance(condition, core.And) else (condition,)
            for part in parts:
                with self.block() as needed:
                    test = self.value(part)
                path = (*path, ast.dump(test.expr) if not needed and test.kind is not None else self.names.fresh())
                if path not in made.groups:
                    opposite = _opposite(test.expr)
                    other = made.tests.get((*path[:-1], ast.dump(opposite))) if opposite is not None and not needed else None
                    if other is not None:
                        made.groups[path] = other.orelse
                    else:
                        made.groups[path] = [ast.Pass()]
                        made.tests[path] = ast.If(test.expr, made.groups[path], [])
                        self.body += [*needed, made.tests[path]]
                self.body = made.groups[path]
        if item is None:
            then(this)
        else:
            value = self.held(self.value(item))
            if value.kind is not None:
                then(value)
        self.body, self.entity = outer, before
        return True

    def _gathered(self, node: core.Expr) -> tuple[str, int] | None:
        """The pass in which a list's members can be gone through, if it is a list of the root that earlier passes have at hand."""
        base = node
        while isinstance(base, core.Filter | core.Map):
            if isinstance(base, core.Map) and (base is not node or base.flatten):
                return None
            base = base.list
        if not isinstance(base, core.Fact) or base is node or not isinstance(base.type, ListType):
            return None
        item = base.type.item
        if not isinstance(item, RecordType):
            return None
        conditions, slots, value = _taken_apart(node)
        level = 0
        for part, slot in zip([*conditions, *([value] if value is not None else [])], slots, strict=True):
            level = max(level, self.whole.levels.level(part, item.entity, slot))
            if any(isinstance(n, core.Variable) and n.slot not in (*slots, 0) for n in core.walk(part)):
                return None
            if self.entity != self.policy.root and any(isinstance(n, core.Variable) and n.slot == 0 for n in core.walk(part)):
                return None
        if level >= self.level or (item.entity, level) not in self.whole.passes:
            return None
        return item.entity, level


def _taken_apart(node: core.Expr) -> tuple[list[core.Expr], list[int], core.Expr | None]:
    """The conditions of a chain of filters, innermost first, the slots in the same order, and the value of each member, if any."""
    conditions: list[core.Expr] = []
    slots: list[int] = []
    item: core.Expr | None = None
    while isinstance(node, core.Filter | core.Map):
        slots.insert(0, node.slot)
        if isinstance(node, core.Map):
            item = node.item
        else:
            conditions.insert(0, node.condition)
        node = node.list
    return conditions, slots, item


def _opposite(test: ast.expr) -> ast.expr | None:
    """The condition that holds exactly where an equality does not."""
    match test:
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=right):
            return ast.Compare(left, [ast.NotEq()], right)
        case ast.Compare(left=left, ops=[ast.NotEq()], comparators=right):
            return ast.Compare(left, [ast.Eq()], right)
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            return inner
    return None
