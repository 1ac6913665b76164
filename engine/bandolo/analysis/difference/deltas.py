"""Where two formulas part: the smallest places by which one becomes the other, a number, an operator, a condition more or less."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bandolo.analysis.difference.canonical import START, Canonical, Slots, bound, flattened
from bandolo.check import core
from bandolo.language.types import PERCENT, ROUNDING

Role = Literal["value", "threshold", "rate", "rounding", "word"]
COMPARISONS = {"<", "<=", ">", ">=", "=", "!=", "in"}


@dataclass(frozen=True, slots=True)
class Delta:
    """One place: `constant` (with its role), `operator`, `part` (of `and`, `or`: `word`), `branch`, `option`, `item` or `other`.

    `old` is None for what is added, `new` for what is removed.
    """

    kind: Literal["constant", "operator", "part", "branch", "option", "item", "other"]
    old: core.Expr | None
    new: core.Expr | None
    role: Role = "value"
    word: str = ""


class Deltas:
    """Compares formulas of two policies."""

    def __init__(self, old: Canonical, new: Canonical) -> None:
        self.old, self.new = old, new

    def between(self, old: core.Expr, new: core.Expr) -> list[Delta]:
        """The places, in the order of the old formula; empty where both mean the same."""
        return self._at(old, new, START, START, "value")

    def _at(self, a: core.Expr, b: core.Expr, sa: Slots, sb: Slots, role: Role) -> list[Delta]:
        if self.old.of(a, sa) == self.new.of(b, sb):
            return []
        match a, b:
            case core.Constant(type=type_), core.Constant():
                return [Delta("constant", a, b, "rounding" if type_ == ROUNDING else role)]
            case (core.And(), _) | (_, core.And()):
                return self._parts(core.And, a, b, sa, sb)
            case (core.Or(), _) | (_, core.Or()):
                return self._parts(core.Or, a, b, sa, sb)
            case core.Apply(), core.Apply():
                return self._apply(a, b, sa, sb)
            case core.Choose(subject=first), core.Choose(subject=second) if self._same(first, second, sa, sb):
                return self._options(a, b, sa, sb)
            case core.Branches(branches=first), core.Branches(branches=second):
                return self._branches(a, b, sa, sb)
            case core.Items(), core.Items():
                return self._items(a, b, sa, sb)
            case core.Not(value=x), core.Not(value=y):
                return self._at(x, y, sa, sb, role)
            case core.Filter(list=x, slot=s, condition=c), core.Filter(list=y, slot=t, condition=d):
                return [*self._at(x, y, sa, sb, role), *self._at(c, d, bound(sa, s), bound(sb, t), role)]
            case core.Map(list=x, slot=s, item=c), core.Map(list=y, slot=t, item=d) if a.flatten == b.flatten:
                return [*self._at(x, y, sa, sb, role), *self._at(c, d, bound(sa, s), bound(sb, t), role)]
            case core.Let(value=x, slot=s, body=c), core.Let(value=y, slot=t, body=d):
                return [*self._at(x, y, sa, sb, role), *self._at(c, d, bound(sa, s), bound(sb, t), role)]
        return [Delta("other", a, b)]

    def _same(self, a: core.Expr, b: core.Expr, sa: Slots, sb: Slots) -> bool:
        return self.old.of(a, sa) == self.new.of(b, sb)

    def _apply(self, a: core.Apply, b: core.Apply, sa: Slots, sb: Slots) -> list[Delta]:
        one, other = a.operation.name, b.operation.name
        if len(a.arguments) != len(b.arguments):
            return [Delta("other", a, b)]
        pairs = list(zip(a.arguments, b.arguments, strict=True))
        if one != other:
            alike = all(self._same(x, y, sa, sb) for x, y in pairs)
            return [Delta("operator" if alike and {one, other} <= COMPARISONS else "other", a, b)]
        role: Role = "threshold" if one in COMPARISONS else "value"
        found: list[Delta] = []
        for x, y in pairs:
            of_rate = one == "*" and isinstance(x, core.Constant) and x.type == PERCENT
            found += self._at(x, y, sa, sb, "rate" if of_rate else role)
        return found

    def _parts(self, kind: type[core.And] | type[core.Or], a: core.Expr, b: core.Expr, sa: Slots, sb: Slots) -> list[Delta]:
        """Conditions that are only on one side; one against one is looked into."""
        word = "and" if kind is core.And else "or"
        left, right = flattened(kind, (a,)), list(flattened(kind, (b,)))
        only: list[core.Expr] = []
        for part in left:
            twin = next((p for p in right if self._same(part, p, sa, sb)), None)
            if twin is None:
                only.append(part)
            else:
                right.remove(twin)
        if len(only) == len(right) == len(left) == 1:
            return [Delta("other", a, b)]
        if len(only) == len(right) and only:
            return [d for x, y in zip(only, right, strict=True) for d in self._at(x, y, sa, sb, "value")]
        if not only and not right:
            return [Delta("other", a, b)]  # the same conditions in another order, which a fault would tell apart
        removed = [Delta("part", p, None, word=word) for p in only]
        return [*removed, *(Delta("part", None, p, word=word) for p in right)]

    def _items(self, a: core.Items, b: core.Items, sa: Slots, sb: Slots) -> list[Delta]:
        old, new = [self.old.of(i, sa) for i in a.items], [self.new.of(i, sb) for i in b.items]
        found = [Delta("item", i, None) for i, form in zip(a.items, old, strict=True) if form not in new]
        found += [Delta("item", None, i) for i, form in zip(b.items, new, strict=True) if form not in old]
        return found or [Delta("other", a, b)]

    def _options(self, a: core.Choose, b: core.Choose, sa: Slots, sb: Slots) -> list[Delta]:
        old, new = dict(a.options), dict(b.options)
        found: list[Delta] = []
        for word in [*old, *(w for w in new if w not in old)]:
            if word in old and word in new:
                found += [Delta(d.kind, d.old, d.new, d.role, d.word or word) for d in self._at(old[word], new[word], sa, sb, "value")]
            else:
                found.append(Delta("option", old.get(word), new.get(word), word=word))
        if a.otherwise is not None and b.otherwise is not None:
            return found + self._at(a.otherwise, b.otherwise, sa, sb, "value")
        return found if a.otherwise is b.otherwise else [*found, Delta("option", a.otherwise, b.otherwise, word="otherwise")]

    def _branches(self, a: core.Branches, b: core.Branches, sa: Slots, sb: Slots) -> list[Delta]:
        found: list[Delta] = []
        if len(a.branches) == len(b.branches):
            for x, y in zip(a.branches, b.branches, strict=True):
                found += [*self._at(x.when, y.when, sa, sb, "value"), *self._at(x.value, y.value, sa, sb, "value")]
        else:
            old = [(self.old.of(x.when, sa), self.old.of(x.value, sa)) for x in a.branches]
            new = [(self.new.of(x.when, sb), self.new.of(x.value, sb)) for x in b.branches]
            found += [Delta("branch", x.when, None) for x, form in zip(a.branches, old, strict=True) if form not in new]
            found += [Delta("branch", None, x.when) for x, form in zip(b.branches, new, strict=True) if form not in old]
        return [*found, *self._at(a.otherwise, b.otherwise, sa, sb, "value")] or [Delta("other", a, b)]
