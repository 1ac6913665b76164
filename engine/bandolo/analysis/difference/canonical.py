"""When two formulas mean the same: a form in which names of record variables, order without effect and spelling are gone.

What is put in order is only what provably has no effect: the operands of sums, products and equalities (all of them are evaluated, and
exactly), the words of a list that `in` looks through, and the parts of `and` and `or` where none of them can fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

from bandolo.check import core
from bandolo.language.types import MONEY, ListType, OptionalType, RecordType, Type, is_quantity

Names = Mapping[tuple[str, str, str], str]
"""What entries are called in the other policy: kind, entity (or empty) and name to the other name."""
Form = tuple[Any, ...]
Slots = dict[int, int]

SAFE = {"=", "!=", "<", "<=", ">", ">=", "in", "count", "any", "all"}
"""Operations that give no fault on operands that are none."""
TURNED = {">": "<", ">=": "<="}
START: Slots = {0: 0}


class Canonical:
    """Forms of the formulas of one policy; `names` gives entries the names that they have in the other.

    Of two policies that are compared, `twin` is the other one's: order is without effect only where neither can fault, else a definition
    that became able to would make everything that uses it look otherwise.
    """

    def __init__(self, policy: core.Policy, names: Names | None = None) -> None:
        self.policy, self.names = policy, names if names is not None else {}
        self.sound: dict[tuple[str, str], bool] = {}
        self.twin: Canonical | None = None

    def name(self, kind: str, entity: str, name: str) -> str:
        return self.names.get((kind, entity, name), name)

    def computed(self, entity: str, name: str) -> str:
        """A definition; those that a deadline, a bonus or a dated parameter stand for go by the name of that."""
        prefix, point, rest = name.partition(".")
        if not point:
            return self.name("definition", entity, name)
        own, point, tail = rest.partition(".")
        return f"{prefix}.{self.name(prefix, '', own)}{point}{tail}"

    def optional(self, node: core.Expr | None, slots: Slots = START) -> Form | None:
        return None if node is None else self.of(node, slots)

    def of(self, node: core.Expr, slots: Slots = START) -> Form:
        """The form of an expression; `slots` numbers the records and values that are bound around it."""
        match node:
            case core.Constant(value=value):
                return ("constant", value)
            case core.Variable(slot=slot):
                return ("variable", slots.get(slot, -1))
            case core.Owner(record=record, entity=entity):
                return ("owner", entity, self.of(record, slots))
            case core.Fact(record=record, name=name, stage=stage):
                return ("fact", self.name("fact", entity_of(record.type), name), stage, self.of(record, slots))
            case core.Computed(record=record, entity=entity, name=name):
                return ("computed", entity, self.computed(entity, name), self.of(record, slots))
            case core.Met(record=record, requirement=id_):
                return ("met", self.name("requirement", "", id_), self.of(record, slots))
            case core.Admitted(record=record, entity=entity, stage=stage):
                return ("admitted", entity, stage, self.of(record, slots))
            case core.Parameter(name=name):
                return ("parameter", self.name("parameter", "", name))
            case core.Dated(name=name, date=date):
                return ("dated", self.name("parameter", "", name), self.of(date, slots))
            case core.Option(reading=name):
                return ("option", self.name("reading", "", name))
            case core.AsOf():
                return ("as_of",)
            case core.Apply():
                return self._apply(node, slots)
            case core.And(parts=parts):
                return self._parts("and", core.And, parts, slots)
            case core.Or(parts=parts):
                return self._parts("or", core.Or, parts, slots)
            case core.Not(value=value):
                return ("not", self.of(value, slots))
            case core.IsNone(value=value):
                return ("is_none", self.of(value, slots))
            case core.IsKnown(value=value):
                return ("is_known", self.of(value, slots))
            case core.Branches(branches=branches, otherwise=otherwise):
                cases = tuple((self.of(b.when, slots), self.of(b.value, slots)) for b in branches)
                return ("branches", cases, self.of(otherwise, slots))
            case core.Choose(subject=subject, options=options, otherwise=fallback):
                rows = tuple(sorted(((word, self.of(value, slots)) for word, value in options), key=lambda c: c[0]))
                return ("choose", self.of(subject, slots), rows, self.optional(fallback, slots))
            case core.Brackets(name=name, amount=amount):
                return ("bands", self.name("bands", "", name), self.of(amount, slots))  # their steps are compared where they are declared
            case core.Items(items=items):
                return ("items", tuple(self.of(i, slots) for i in items))
            case core.Filter(list=listed, slot=slot, condition=condition):
                return ("where", self.of(listed, slots), self.of(condition, bound(slots, slot)))
            case core.Map(list=listed, slot=slot, item=item, flatten=flatten):
                return ("of", flatten, self.of(listed, slots), self.of(item, bound(slots, slot)))
            case core.Share(owner=owner, total=total, among=among, slot=slot, weight=weight, ties=ties):
                inner = bound(slots, slot)
                whole = self.of(total, START), self.of(among, START)
                return ("share", owner, *whole, self.of(weight, inner), self.of(ties, inner))
            case core.Let(slot=slot, value=value, body=body):
                return ("let", self.of(value, slots), self.of(body, bound(slots, slot)))
            case core.Invalid():
                return ("invalid",)
        assert_never(node)

    def _apply(self, node: core.Apply, slots: Slots) -> Form:
        name = node.operation.name
        arguments = tuple(self.of(a, slots) for a in node.arguments)
        if name in TURNED:
            return ("apply", TURNED[name], arguments[::-1])
        if name in ("=", "!=") or (name in ("+", "*") and _exact(node.type)):
            arguments = _sorted(arguments)
        elif name == "in" and arguments[-1][0] == "items":
            arguments = (*arguments[:-1], ("items", _sorted(tuple(dict.fromkeys(arguments[-1][1])))))
        return ("apply", name, arguments)

    def _parts(self, word: str, kind: type[core.And] | type[core.Or], parts: tuple[core.Expr, ...], slots: Slots) -> Form:
        flat = flattened(kind, parts)
        forms = tuple(self.of(p, slots) for p in flat)
        return (word, _sorted(forms) if all(self.cannot_fault(p) for p in flat) else forms)

    def cannot_fault(self, node: core.Expr) -> bool:
        """Whether an expression provably gives no fault, whatever the application."""
        match node:
            case core.Constant() | core.Variable() | core.Option() | core.AsOf():
                return True
            case core.Parameter():
                return True  # a value that cannot be computed keeps a policy from loading
            case core.Fact(record=record) | core.Owner(record=record):
                return isinstance(record, core.Variable | core.Owner) and self.cannot_fault(record)
            case core.Computed(record=record, entity=entity, name=name):
                return self.cannot_fault(record) and self._definition(entity, name)
            case core.Apply(operation=operation, arguments=arguments):
                return operation.name in SAFE and all(map(self.cannot_fault, arguments))
            case core.And() | core.Or() | core.Not() | core.IsNone() | core.IsKnown() | core.Items() | core.Filter() | core.Map():
                return all(map(self.cannot_fault, core.children(node)))
            case core.Branches() | core.Choose():
                return all(map(self.cannot_fault, core.children(node)))
        return False

    def _definition(self, entity: str, name: str) -> bool:
        return self._alone(entity, name) and (self.twin is None or self.twin.sound_as(entity, self.computed(entity, name)))

    def sound_as(self, entity: str, name: str) -> bool:
        """Whether the definition that the other policy knows by a name cannot fault; true of none."""
        own = next((n for (_, e, n), other in self.names.items() if e in (entity, "") and other == name.rpartition(".")[2]), name)
        return (entity, own) not in self.policy.definitions or self._alone(entity, own)

    def _alone(self, entity: str, name: str) -> bool:
        if (entity, name) not in self.sound:
            twin, self.twin = self.twin, None
            self.sound[entity, name] = False  # while it is looked at: none comes back to itself, but nothing here relies on that
            self.sound[entity, name] = self.cannot_fault(self.policy.definitions[entity, name].value)
            self.twin = twin
        return self.sound[entity, name]


def paired(old: core.Policy, new: core.Policy, names: Names) -> tuple[Canonical, Canonical]:
    """The forms of both sides of a comparison."""
    here, there = Canonical(old, names), Canonical(new)
    here.twin, there.twin = there, here
    return here, there


def bound(slots: Slots, slot: int) -> Slots:
    """The slots inside an expression that binds one more."""
    return {**slots, slot: len(slots)}


def flattened(kind: type[core.And] | type[core.Or], parts: tuple[core.Expr, ...]) -> tuple[core.Expr, ...]:
    """`(a and b) and c` as `a and b and c`: both are looked at from left to right."""
    return tuple(p for part in parts for p in (flattened(kind, part.parts) if isinstance(part, kind) else (part,)))


def entity_of(type_: Type) -> str:
    """The entity of a record, or of the records of a list; empty for anything else."""
    if isinstance(type_, OptionalType):
        return entity_of(type_.of)
    if isinstance(type_, ListType):
        return entity_of(type_.item)
    return type_.entity if isinstance(type_, RecordType) else ""


def _exact(type_: Type) -> bool:
    return is_quantity(type_) or type_ == MONEY


def _sorted(forms: tuple[Form, ...]) -> tuple[Form, ...]:
    return tuple(sorted(forms, key=repr))
