"""Python code for an expression some parts of which may not be known: the second way of a step, where the first met a gap.

The code gives what the reference gives, unknown or known; it raises one of `OPEN` only for faults and for what it does not hold, and then
the reference itself is asked for the step. Operations on what is known are those of `expressions.py` and `numbers.py`.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from typing import assert_never

from bandolo.check import core
from bandolo.language.types import BOOLEAN, DATE, DATETIME, INTEGER, MONEY, ListType, Type, is_quantity
from bandolo.language.values import Fault, Unknown, Value
from bandolo.plan import lists, numbers
from bandolo.plan.bridge import taken
from bandolo.plan.codes import NEVER, Code
from bandolo.plan.expressions import Writer
from bandolo.plan.kinds import MOST_BITS, Kind, Many, Nothing, OfEntity, Open, Ratio, Same, Whole, bare, joined, kind_of_fact
from bandolo.plan.quote import code, lines, literal, name, number, text, times
from bandolo.plan.unknowns import COMPARING


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
                return self._apply(node)
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
        kind = self.chosen_among(cases, "T.append(V)", T=temp)
        for condition, (block, _) in zip(conditions, cases, strict=True):
            self.when(code("X or C", X=tests, C=condition), block, [])
        self.add("if not T: raise Open", T=temp)
        return self._one_of(tests, temp, kind)

    def _bands(self, node: core.Brackets) -> Code:
        """By the reference's function, with the values brought to it."""
        amount = self._lent(self.value(node.amount))
        steps: list[ast.expr] = []
        for step in node.steps:
            to = literal(None) if step.to is None else self._lent(self.value(step.to))
            steps.append(ast.Tuple([to, self._lent(self.value(step.amount))], ast.Load()))
        pieces = {"A": amount, "S": ast.List(steps, ast.Load()), "N": self.names.constant(node)}
        return self._taken(code("in_bands(A, S, N)", **pieces), node.type)

    def _lent(self, value: Code) -> ast.expr:
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
        day = self.value(node.date)
        if day.kind is None:
            return day
        pieces = {"D": self._lent(day), "N": self.names.constant(node)}
        return self._taken(code("plan.in_force(D, N)", **pieces), node.type)

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
        pieces = {"F": f"open_share{index}", "O": owner.expr, "R": this.expr}
        return Code(code("plan.part(I, F, O, R)", I=index, **pieces), Whole(100, 512), open=True)

    def share(self, node: core.Share, index: int) -> None:
        """The body of the function that shares a total out among the records of one owner."""
        self.add("total = T", T=self._lent(self.value(node.total)))
        total, among = name("total"), self.kept(self.value(node.among))
        if among.kind is None:
            self.raised()
            return
        self.add("A = []", A="among")
        with self.block() as loop:
            self.slots[node.slot] = Code(name("member"), bare(among.kind).item)  # type: ignore[union-attr]
            weight, key = self.value(node.weight), self.value(node.ties)
            self.add("among.append((member, sure, W, K))", W=self._lent(weight), K=self._lent(key))
        self._gone_through(among, ("member", "sure"), loop, [], lines("return plan.not_apportioned(T, L)", T=total, L=among.expr))
        self.add("return plan.apportioned(I, T, among)", I=index, T=total)

    # Operations.

    def _apply(self, node: core.Apply) -> Code:
        word = node.operation.name
        arguments = [self.kept(self.value(a)) for a in node.arguments]
        if any(a.kind is None for a in arguments):
            return NEVER
        if lists.is_aggregate(node):
            return self._aggregate(node, arguments[0])
        if word == "in":
            return self._contained(node, arguments)
        if not any(a.open for a in arguments):
            return self.kept(numbers.operated(self, node, arguments))
        with self.block() as known:
            value = numbers.operated(self, node, [replace(a, open=False) for a in arguments])
            if value.kind is not None:
                value = Code(self.packed(value), value.kind)
        if value.kind is None:
            return self.raised()
        with self.block() as unknown:
            gap = self._gap(node, arguments, value.kind)
        temp = self.names.fresh()
        known += lines("T = V", T=temp, V=value.expr)
        unknown += lines("T = V", T=temp, V=gap)
        tests: list[ast.expr] = [code("A.__class__ is Gap", A=a.expr) for a in arguments if a.open]
        self.when(tests[0] if len(tests) == 1 else ast.BoolOp(ast.Or(), tests), unknown, known)
        return Code(name(temp), value.kind, open=True)

    def _gap(self, node: core.Apply, arguments: list[Code], kind: Kind) -> ast.expr:
        """What an operation comes to where an argument is not known."""
        word, operation = node.operation.name, node.operation
        kinds = [bare(a.kind) for a in arguments if a.kind is not None]
        given = [a.expr for a in arguments]
        whole = all(isinstance(k, Whole) for k in kinds)
        if word in COMPARING:
            if whole:
                return ast.Call(name(COMPARING[word]), self._level(arguments), [])
            if all(_is_day(k) for k in kinds):
                return ast.Call(name(COMPARING[word]), given, [])
            if all(isinstance(k, OfEntity) or (isinstance(k, Same) and not numbers.is_length(k)) for k in kinds):
                return ast.Call(name("together"), given, [])
        elif word in ("+", "-") and whole and isinstance(kind, Whole):
            return ast.Call(name("add" if word == "+" else "subtract"), self._level(arguments, kind.scale), [])
        elif word in ("+", "-") and all(isinstance(k, Same) for k in kinds):
            return ast.Call(name("undated" if node.type in (DATE, DATETIME) else "together"), given, [])
        elif word == "*" and whole and isinstance(kind, Whole):
            found = self._product(arguments, kind)
            if found is not None:
                return found
        elif word == "/" and whole and isinstance(kind, Whole) and (divisor := arguments[1].constant):
            made = self._divided(arguments, kind, divisor)
            if made is not None:
                return made
        elif word in ("min", "max") and isinstance(kind, Whole):
            return ast.Call(name("least" if word == "min" else "greatest"), self._level(arguments, kind.scale), [])
        elif word in ("min", "max") and all(_is_day(k) for k in kinds):
            return ast.Call(name("least" if word == "min" else "greatest"), given, [])
        elif word == "minus" and whole:
            return ast.Call(name("negate"), given, [])
        elif word == "round" and isinstance(kind, Whole) and isinstance(kinds[0], Whole) and not arguments[1].open:
            found = self._rounded(arguments, kind)
            if found is not None:
                return found
        elif operation.within is None and not operation.total:
            return ast.Call(name("undated" if node.type in (DATE, DATETIME) else "together"), given, [])
        return self._by_reference(node, arguments, kind)

    def _by_reference(self, node: core.Apply, arguments: list[Code], kind: Kind) -> ast.expr:
        given = ast.List([self._lent(a) for a in arguments], ast.Load())
        return code("taken(K, plan._apply(N, A))", K=self.names.constant(kind), N=self.names.constant(node), A=given)

    def _level(self, arguments: list[Code], scale: int | None = None) -> list[ast.expr]:
        """Whole numbers, known or not, at one scale."""
        if scale is None:
            kind: Kind | None = None
            for argument in arguments:
                kind = joined(kind, bare(argument.kind)) if argument.kind is not None else kind
            if not isinstance(kind, Whole):
                return [code("raised()")] * len(arguments)
            scale = kind.scale
        found: list[ast.expr] = []
        for argument in arguments:
            own = bare(argument.kind) if argument.kind is not None else None
            assert isinstance(own, Whole)
            factor = scale // own.scale
            if factor == 1:
                found.append(argument.expr)
            elif argument.open:
                found.append(code("scaled(V, F)", V=argument.expr, F=factor))
            else:
                found.append(times(argument.expr, factor))
        return found

    def _product(self, arguments: list[Code], kind: Whole) -> ast.expr | None:
        """By a constant, the constant takes up what the scale of the product leaves out."""
        scales = [k.scale for a in arguments if isinstance(k := bare(a.kind), Whole)]  # type: ignore[arg-type]
        factor = scales[0] * scales[1] // kind.scale
        given = [a.expr for a in arguments]
        if factor > 1:
            at = next((i for i, a in enumerate(arguments) if a.constant is not None), None)
            if at is None:
                return None
            known = number(given[at])
            assert known is not None
            given[at] = literal(known // factor)
        return ast.Call(name("multiply"), given, [])

    @staticmethod
    def _divided(arguments: list[Code], kind: Whole, divisor: int) -> ast.expr | None:
        first, second = (bare(a.kind) for a in arguments if a.kind is not None)
        assert isinstance(first, Whole)
        assert isinstance(second, Whole)
        top, bottom = second.scale * kind.scale, first.scale * abs(divisor)
        if top % bottom:
            return None
        return code("multiply(A, F)", A=arguments[0].expr, F=top // bottom * (1 if divisor > 0 else -1))

    def _rounded(self, arguments: list[Code], kind: Whole) -> ast.expr | None:
        value, direction, step = arguments
        whole = bare(value.kind) if value.kind is not None else None
        if not isinstance(whole, Whole):
            return None
        found = numbers.steps_of(whole.scale, step)
        if found is None:
            return None
        above, under, unit = found
        if under == 1:
            return code("scaled(V, F)", V=value.expr, F=above * unit)
        how = numbers.direction_of(self, direction)
        return code("rounded_gap(V, H, A, U, S)", V=value.expr, H=how, A=above, U=under, S=unit)

    # What is made of a list.

    def _aggregate(self, node: core.Apply, listed: Code) -> Code:
        word = node.operation.name
        assert listed.kind is not None
        many = bare(listed.kind)
        if not isinstance(many, Many):
            return self.raised()
        item = bare(many.item)
        if word == "count":
            return Code(code("count_of(L)", L=listed.expr), Whole(1, lists.LIST_BITS), open=True)
        if word in ("any", "all"):
            return Code(code("any_of(L)" if word == "any" else "all_of(L)", L=listed.expr), Same(BOOLEAN), open=True)
        if word == "sum" and isinstance(item, Whole) and item.bits + lists.LIST_BITS <= MOST_BITS:
            return Code(code("total_of(L)", L=listed.expr), Whole(item.scale, item.bits + lists.LIST_BITS), open=True)
        listed_type = node.arguments[0].type
        type_ = listed_type.item if isinstance(listed_type, ListType) else listed_type
        kind: Kind
        if word in ("min", "max") and not isinstance(item, Ratio):
            kind = item
        elif word == "count distinct":
            kind = Whole(1, lists.LIST_BITS)
        elif type_ == MONEY or is_quantity(type_):
            kind = Ratio(MOST_BITS)
        else:
            kind = Same(node.type)
        return Code(self._by_reference(node, [listed], kind), kind, open=True)

    def _contained(self, node: core.Apply, arguments: list[Code]) -> Code:
        item, listed = arguments
        if isinstance(bare(item.kind), Same | OfEntity) and not _is_day(item.kind) and not numbers.is_length(bare(item.kind)):  # type: ignore[arg-type]
            return Code(code("contained(V, L)", V=item.expr, L=listed.expr), Same(BOOLEAN), open=True)
        return Code(self._by_reference(node, arguments, Same(BOOLEAN)), Same(BOOLEAN), open=True)


def _is_day(kind: Kind | None) -> bool:
    """Whether values are their own bounds, though no numbers: days and instants."""
    found = bare(kind) if kind is not None else None
    return isinstance(found, Same) and found.type in (DATE, DATETIME)


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
