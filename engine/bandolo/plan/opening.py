"""Python code for an expression some parts of which may not be known: the second way of a step, where the first met a gap.

The code gives what the reference gives, unknown or known; it raises one of `OPEN` only for faults and for what it does not hold, and then
the reference itself is asked for the step. Operations on what is known are those of `expressions.py` and `numbers.py`.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from typing import assert_never

from bandolo.check import core
from bandolo.language.types import BOOLEAN, INTEGER, Type
from bandolo.language.values import Fault, Unknown, Value
from bandolo.plan import operations
from bandolo.plan.bridge import taken
from bandolo.plan.codes import NEVER, Code
from bandolo.plan.expressions import Writer
from bandolo.plan.kinds import MOST_BITS, Kind, Many, Nothing, OfEntity, Open, Ratio, Same, Whole, bare, joined, kind_of_fact
from bandolo.plan.quote import code, lines, literal, name, text


@dataclass
class Opening(Writer):
    """Writes the code of one step for what may be unknown."""

    settings_bits: dict[str, int] = field(default_factory=dict)
    """The bits of pending parameters, open readings and the clock."""

    # Statements.

    def kept(self, value: Code) -> Code:
        """The same value as one expression under a name."""
        if value.under is not None:
            value = Code(self.packed(value), value.kind)
        return self.held(value)

    def turned(self, value: Code, kind: Kind) -> Code:
        if not value.open:
            made = super().turned(value, kind)
            return Code(self.packed(made), made.kind)
        if value.kind is None or value.kind == kind or _alike(value.kind, kind):
            return Code(value.expr, kind, open=True)
        inner, wanted = bare(value.kind), bare(kind)
        if isinstance(inner, Whole) and isinstance(wanted, Whole):
            return Code(code("scaled(V, F)", V=value.expr, F=wanted.scale // inner.scale), kind, open=True)
        pieces = {"K": self.names.constant(value.kind), "W": self.names.constant(kind)}
        return Code(code("turned(K, W, V)", V=value.expr, **pieces), kind, open=True)

    def value_of(self, value: Value, type_: Type) -> Code:
        if isinstance(value, Unknown):
            kind = kind_of_fact(type_)
            try:
                gap = taken(kind, value, lambda missing: sum(self.settings_bits[m] for m in missing))
            except (Open, KeyError):
                return self.raised()
            return Code(self.names.constant(gap), kind, open=True)
        return self.raised() if isinstance(value, Fault) else super().value_of(value, type_)

    def items(self, codes: list[Code], item_type: Type) -> Code:
        if any(c.kind is None for c in codes):
            return NEVER
        kind: Kind | None = None
        for value in codes:
            kind = joined(kind, value.kind)
        made = kind if kind is not None else kind_of_fact(item_type)
        elements: list[ast.expr] = [self.turned(c, made).expr for c in codes]
        listed = ast.List(elements, ast.Load())
        if not any(c.open for c in codes):
            return Code(listed, Many(made))
        return Code(code("listing(V, S)", V=listed, S=ast.List([literal(True)] * len(codes), ast.Load())), Many(made), open=True)

    def chosen_among(self, cases: list[tuple[list[ast.stmt], Code]], template: str, **pieces: ast.expr | str) -> Kind | None:
        """Let each block leave its value, in a form that all can take, by the statement of a template in which `V` is the value."""
        kind: Kind | None = None
        for _, value in cases:
            kind = joined(kind, value.kind)
        for block, value in cases:
            outer, self.body = self.body, block
            if value.kind is None or kind is None:
                self.add("raise Open")
            else:
                self.add(template, V=self.turned(value, kind).expr, **pieces)
            self.body = outer
        return kind

    # Nodes.

    def value(self, node: core.Expr) -> Code:
        match node:
            case core.Fact() | core.Computed() | core.Met() | core.Admitted():
                return self._of(node)
            case core.Apply():
                return operations.applied(self, node)
            case core.And(parts=parts):
                return self._kleene(parts, node.type, True)
            case core.Or(parts=parts):
                return self._kleene(parts, node.type, False)
            case core.Not(value=inner):
                found = self.kept(self.value(inner))
                if not found.open:
                    return found if found.kind is None else Code(code("not V", V=found.expr), found.kind)
                return Code(code("opposite(V)", V=found.expr), found.kind, open=True)
            case core.IsNone(value=inner):
                found = self.kept(self.value(inner))
                if found.kind is None:
                    return found
                if not found.open:
                    return Code(code("V is None", V=found.expr), Same(node.type))
                return Code(code("together(V) if V.__class__ is Gap else V is None", V=found.expr), Same(node.type), open=True)
            case core.IsKnown(value=inner):
                found = self.kept(self.value(inner))
                return found if found.kind is None else Code(code("V.__class__ is not Gap", V=found.expr), Same(node.type))
            case core.Branches():
                return self._branches(node)
            case core.Choose():
                return self._choose(node)
            case core.Brackets():
                return self._bands(node)
            case core.Dated():
                return self._dated(node)
            case core.Filter():
                return self._filter(node)
            case core.Map():
                return self._map(node)
            case core.Share():
                return self._share(node)
            case core.AsOf():
                return Code(code("plan.clock"), Same(node.type), open=True)
            case (
                core.Constant() | core.Variable() | core.Owner() | core.Parameter() | core.Option() | core.Items() | core.Let()
                | core.Invalid()
            ):  # fmt: skip
                return super().value(node)
            case _:
                assert_never(node)

    def _of(self, node: core.Fact | core.Computed | core.Met | core.Admitted) -> Code:
        record = self.kept(self.value(node.record))
        of = bare(record.kind) if record.kind is not None else None
        if not isinstance(of, OfEntity):
            return self.raised()
        kind: Kind | None = Same(BOOLEAN)
        match node:
            case core.Fact(name=fact, stage=stage):
                slot = self.names.facts[of.entity, fact, stage]
                kind = kind_of_fact(self.policy.entities[of.entity].facts[fact].type)
            case core.Computed(entity=entity, name=defined):
                slot, kind = self.names.definitions[entity, defined], self.kinds[entity, defined]
            case core.Met(requirement=requirement):
                slot = self.names.requirements[requirement]
            case core.Admitted(stage=stage):
                slot = self.names.admitted[stage or ""]
        if kind is None:
            return self.raised()
        found = self.slot_of(record.expr, slot)
        if record.open:
            found = code("R if R.__class__ is Gap else V", R=record.expr, V=found)
        return Code(found, kind, open=True)

    def slot_of(self, record: ast.expr, slot: str) -> ast.expr:
        """What a record holds in a slot, or the gap that stands for it."""
        return code("R.gaps.get(K) or R.S", R=record, K=text(slot), S=slot)

    def _owner(self, record: Code, entity: str) -> Code:
        return self.raised() if record.open else super()._owner(record, entity)

    def _kleene(self, parts: tuple[core.Expr, ...], type_: Type, all_: bool) -> Code:
        """Parts in order, until one decides."""
        temp = self.names.fresh()
        first = self.value(parts[0])
        if first.kind is None:
            return first
        self.add("T = V", T=temp, V=first.expr)
        outer = self.body
        for part in parts[1:]:
            with self.block() as block:
                found = self.value(part)
                if found.kind is None:
                    self.add("raise Open")
                else:
                    self.add("T = F(T, V)", T=temp, F="both" if all_ else "one", V=found.expr)
            self.when(code("T is not D", T=temp, D=literal(not all_)), block, [])
            self.body = block
        self.body = outer
        return Code(name(temp), Same(type_), open=True)

    def _branches(self, node: core.Branches) -> Code:
        tests, temp = self.names.fresh(), self.names.fresh()
        self.add("X = []\nT = []", X=tests, T=temp)
        outer = self.body
        cases: list[tuple[list[ast.stmt], Code]] = []
        placed: list[tuple[ast.expr | None, list[ast.stmt], list[ast.stmt]]] = []
        for branch in node.branches:
            with self.block() as before:
                test = self.kept(self.value(branch.when))
            if test.kind is None:
                self.body += before
                return test
            with self.block() as then:
                cases.append((then, self.kept(self.value(branch.value))))
            placed.append((test.expr, before, then))
        with self.block() as then:
            cases.append((then, self.kept(self.value(node.otherwise))))
        placed.append((None, [], then))
        kind = self.chosen_among(cases, "T.append(V)", T=temp)
        # Behind a condition that is unknown the next one is looked at too; behind one that holds nothing is.
        for test_, before, then in placed:
            self.body += before
            if test_ is None:
                self.body += then
                break
            self.when(code("C is not False", C=test_), [*then, *lines("if C is not True: X.append(C)", C=test_, X=tests)], [])
            rest: list[ast.stmt] = [ast.Pass()]
            self.when(code("C is not True", C=test_), rest, [])
            self.body = rest
        self.body = outer
        return self._one_of(tests, temp, kind)

    def _one_of(self, tests: str, temp: str, kind: Kind | None) -> Code:
        """The one value of a list, or what several that are possible come to."""
        if kind is None:
            return self.raised()
        if isinstance(bare(kind), Ratio):
            expr = code("T[0] if not X else one_of_lent(K, X, T)", T=temp, X=tests, K=self.names.constant(kind))
        else:
            expr = code("T[0] if not X else one_of(X, T)", T=temp, X=tests)
        return Code(expr, kind, open=True)

    def _choose(self, node: core.Choose) -> Code:
        if (chosen := self.chosen(node)) is not None:
            return self.value(chosen)
        subject = self.kept(self.value(node.subject))
        if subject.kind is None:
            return subject
        if not subject.open:
            subject = replace(subject, open=True)
        temp, tests = self.names.fresh(), self.names.fresh()
        self.add("X = [S] if S.__class__ is Gap else []\nT = []", X=tests, S=subject.expr, T=temp)
        words = frozenset(word for word, _ in node.options)
        cases: list[tuple[list[ast.stmt], Code]] = []
        conditions: list[ast.expr] = []
        options: list[tuple[ast.expr, core.Expr]] = [(code("S == W", S=subject.expr, W=text(w)), o) for w, o in node.options]
        if node.otherwise is not None:
            options.append((code("S not in W", S=subject.expr, W=self.names.constant(words)), node.otherwise))
        for condition, option in options:
            with self.block() as block:
                cases.append((block, self.kept(self.value(option))))
            conditions.append(condition)
        return self._possible(cases, conditions, tests, temp)

    def _bands(self, node: core.Brackets) -> Code:
        """By the reference's function, with the values brought to it."""
        amount = self.lent(self.value(node.amount))
        steps: list[ast.expr] = []
        for step in node.steps:
            to = literal(None) if step.to is None else self.lent(self.value(step.to))
            steps.append(ast.Tuple([to, self.lent(self.value(step.amount))], ast.Load()))
        listed = ast.List(steps, ast.Load())
        return self._taken(code("in_bands(A, S, N)", A=amount, S=listed, N=self.names.constant(node)), node.type)

    def lent(self, value: Code) -> ast.expr:
        """Code for a value as the reference has it."""
        if value.kind is None:
            return code("raised()")
        return code("lent(K, V)", K=self.names.constant(value.kind), V=self.packed(value))

    def _taken(self, expr: ast.expr, type_: Type) -> Code:
        kind: Kind = kind_of_fact(type_)
        if isinstance(kind, Whole) and type_ != INTEGER:
            kind = Ratio(MOST_BITS)
        elif isinstance(kind, Whole):
            kind = Whole(1, MOST_BITS)
        return Code(code("taken(K, V)", K=self.names.constant(kind), V=expr), kind, open=True)

    def _dated(self, node: core.Dated) -> Code:
        day = self.kept(self.value(node.date))
        if day.kind is None:
            return day
        temp, tests = self.names.fresh(), self.names.fresh()
        self.add("X = [D] if D.__class__ is Gap else []\nT = []", X=tests, D=day.expr, T=temp)
        versions = self.settings.versions[node.name]
        if versions[0][0] is not None or versions[-1][1] is not None:
            self.add("if X: raise Open", X=tests)  # before the first version and after the last there is none
        cases: list[tuple[list[ast.stmt], Code]] = []
        conditions: list[ast.expr] = []
        for start, end, value in versions:
            with self.block() as block:
                cases.append((block, self.kept(self.value_of(value, node.type))))
            within = [code("S <= D", S=self.names.constant(start), D=day.expr)] if start is not None else []
            within += [code("D <= E", E=self.names.constant(end), D=day.expr)] if end is not None else []
            conditions.append(ast.BoolOp(ast.And(), [*within, literal(True)]))
        return self._possible(cases, conditions, tests, temp)

    def _possible(self, cases: list[tuple[list[ast.stmt], Code]], conditions: list[ast.expr], tests: str, temp: str) -> Code:
        """The value whose condition holds; where what they ask is not known, each is possible."""
        kind = self.chosen_among(cases, "T.append(V)", T=temp)
        for condition, (block, _) in zip(conditions, cases, strict=True):
            self.when(code("X or C", X=tests, C=condition), block, [])
        self.add("if not T: raise Open", T=temp)
        return self._one_of(tests, temp, kind)

    # Lists.

    def _filter(self, node: core.Filter) -> Code:
        listed = self.kept(self.value(node.list))
        kind = bare(listed.kind) if listed.kind is not None else None
        if not isinstance(kind, Many):
            return self.raised()
        member, sure, values, sures, temp = (self.names.fresh() for _ in range(5))
        with self.block() as loop:
            self.slots[node.slot] = Code(name(member), kind.item, open=not isinstance(kind.item, OfEntity))
            test = self.kept(self.value(node.condition))
            if test.kind is None:
                return test
            kept = lines("V.append(M)\nS.append(Q)", V=values, S=sures, M=member, Q=sure)
            perhaps = lines("V.append(M)\nS.append(C if Q is True else both(Q, C))", C=test.expr, V=values, S=sures, M=member, Q=sure)
            with self.block() as rest:
                self.when(code("C is not False", C=test.expr), perhaps, [])
            self.when(code("C is True", C=test.expr), kept, rest)
        self.add("V = []\nS = []", V=values, S=sures)
        finish, absent = lines("T = listing(V, S)", T=temp, V=values, S=sures), lines("T = shrunk(L)", T=temp, L=listed.expr)
        self._gone_through(listed, (member, sure), loop, finish, absent)
        return Code(name(temp), kind, open=True)

    def _gone_through(
        self, listed: Code, over: tuple[str, str], loop: list[ast.stmt], finish: list[ast.stmt], absent: list[ast.stmt]
    ) -> None:
        """The loop over the members of a list that is there, and what is done where it is not."""
        target = ast.Tuple([ast.Name(n, ast.Store()) for n in over], ast.Store())
        then: list[ast.stmt] = [ast.For(target, code("zip(*members(L))", L=listed.expr), loop, []), *finish]
        if listed.open:
            self.when(code("L.__class__ is Gap", L=listed.expr), absent, then)
        else:
            self.body += then

    def _map(self, node: core.Map) -> Code:
        listed = self.kept(self.value(node.list))
        kind = bare(listed.kind) if listed.kind is not None else None
        if not isinstance(kind, Many):
            return self.raised()
        member, sure, values, sures, temp = (self.names.fresh() for _ in range(5))
        with self.block() as loop:
            self.slots[node.slot] = Code(name(member), kind.item, open=not isinstance(kind.item, OfEntity))
            item = self.value(node.item)
            if item.kind is None:
                return item
            template = "V.append((I, Q))" if node.flatten else "V.append(I)\nS.append(Q)"
            self.add(template, V=values, S=sures, I=self.packed(item), Q=sure)
        self.add("V = []\nS = []", V=values, S=sures)
        finish = lines("T = joined_lists(V)" if node.flatten else "T = listing(V, S)", T=temp, V=values, S=sures)
        absent = lines("T = unlisted(L)" if node.flatten else "T = L", T=temp, L=listed.expr)
        self._gone_through(listed, (member, sure), loop, finish, absent)
        return Code(name(temp), item.kind if node.flatten else Many(item.kind), open=True)

    def _share(self, node: core.Share) -> Code:
        index = next((i for i, (share, _) in enumerate(self.shares) if share is node), None)
        this = self.slots[0]
        owner = self._owner(this, node.owner)
        if index is None:
            index = len(self.shares)
            self.shares.append((node, f"share{index}"))
        found = code("plan.part(I, F, O, R)", I=index, F=f"open_share{index}", O=owner.expr, R=this.expr)
        return Code(found, Whole(100, 512), open=True)

    def share(self, node: core.Share, index: int) -> None:
        """The body of the function that shares a total out among the records of one owner."""
        self.add("total = T", T=self.lent(self.value(node.total)))
        total, among = name("total"), self.kept(self.value(node.among))
        if among.kind is None:
            self.raised()
            return
        self.add("A = []", A="among")
        with self.block() as loop:
            self.slots[node.slot] = Code(name("member"), bare(among.kind).item)  # type: ignore[union-attr]
            weight, key = self.value(node.weight), self.value(node.ties)
            self.add("among.append((member, sure, W, K))", W=self.lent(weight), K=self.lent(key))
        self._gone_through(among, ("member", "sure"), loop, [], lines("return plan.not_apportioned(T, L)", T=total, L=among.expr))
        self.add("return plan.apportioned(I, T, among)", I=index, T=total)


def _alike(kind: Kind, wanted: Kind) -> bool:
    """Whether a value looks the same in both forms."""
    inner, outer = bare(kind), bare(wanted)
    match inner, outer:
        case Whole(scale=a), Whole(scale=b):
            return a == b
        case (Ratio(), Ratio()) | (Same(), Same()) | (OfEntity(), OfEntity()) | (Nothing(), _):
            return True
        case Many(item=a_item), Many(item=b_item):
            return _alike(a_item, b_item)
    return False
