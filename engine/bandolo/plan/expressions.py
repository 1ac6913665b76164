"""Python code for an expression of which everything is known.

The code of a node is right wherever it gives a value; where something is unknown or has no result it raises one of `OPEN`, and what
handles unknowns (`opening.py`) goes on. So no code here speaks of unknowns, and evaluating more than the reference would is harmless.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import assert_never

from bandolo.check import core
from bandolo.language.types import ListType, Type
from bandolo.plan import numbers
from bandolo.plan.codes import NEVER, Code
from bandolo.plan.kinds import Kind, Many, OfEntity, Ratio, Same, Whole, bare, joined, kind_of_fact
from bandolo.plan.quote import code, literal, name
from bandolo.plan.writing import Writing


class Writer(Writing):
    """Writes the code of expressions."""

    def value(self, node: core.Expr) -> Code:
        """Code for what a node is worth; statements that it needs go into the body."""
        match node:
            case core.Constant(value=value):
                return self.value_of(value, node.type)
            case core.Variable(slot=slot):
                return self.slots[slot]
            case core.Fact(name=fact, stage=stage):
                record = self.value(node.record)
                kind = bare(record.kind) if record.kind is not None else None
                if not isinstance(kind, OfEntity):
                    return self.raised()
                return self.fact(record, kind.entity, fact, stage)
            case core.Computed(entity=entity, name=defined):
                return self._of_record(node.record, self.names.definitions[entity, defined], self.kinds[entity, defined])
            case core.Met(requirement=requirement):
                return self._of_record(node.record, self.names.requirements[requirement], Same(node.type))
            case core.Admitted(stage=stage):
                return self._of_record(node.record, self.names.admitted[stage or ""], Same(node.type))
            case core.Owner(entity=entity):
                return self._owner(self.value(node.record), entity)
            case core.Parameter(name=parameter):
                return self.value_of(self.settings.parameters[parameter], node.type)
            case core.Dated():
                return self._dated(node)
            case core.Option(reading=reading):
                return self.value_of(self.settings.options[reading], node.type)
            case core.AsOf():
                return Code(code("plan.now"), Same(node.type))
            case core.Apply():
                return numbers.apply(self, node)
            case core.And(parts=parts):
                return self._until(parts, node.type, True)
            case core.Or(parts=parts):
                return self._until(parts, node.type, False)
            case core.Not(value=inner):
                value_ = self.value(inner)
                return value_ if value_.kind is None else Code(code("not V", V=value_.expr), value_.kind)
            case core.IsNone(value=inner):
                value_ = self.value(inner)
                return value_ if value_.kind is None else Code(code("V is None", V=self.packed(value_)), Same(node.type))
            case core.IsKnown(value=inner):
                return self._is_known(inner, node.type)
            case core.Branches():
                return self._branches(node)
            case core.Choose():
                return self._choose(node)
            case core.Brackets():
                return numbers.brackets(self, node)
            case core.Items(items=items):
                item = node.type.item if isinstance(node.type, ListType) else node.type
                return self.items([self.held(self.counted(self.value(i))) for i in items], item)
            case core.Filter() | core.Map():
                return self._collected(node)
            case core.Share():
                return self._share(node)
            case core.Let(slot=slot, value=bound, body=body):
                self.slots[slot] = self.held(self.value(bound))
                return self.value(body)
            case core.Invalid():
                return self.raised()
            case _:
                assert_never(node)

    def fact(self, record: Code, entity: str, fact: str, stage: str | None) -> Code:
        """A fact of a record."""
        kind = kind_of_fact(self.policy.entities[entity].facts[fact].type)
        return self.slot(record, self.names.facts[entity, fact, stage], kind)

    def slot(self, record: Code, slot: str, kind: Kind) -> Code:
        """What a record holds in a slot."""
        return Code(ast.Attribute(record.expr, slot, ast.Load()), kind)

    def _of_record(self, record: core.Expr, slot: str, kind: Kind | None) -> Code:
        value = self.value(record)
        return self.raised() if value.kind is None or kind is None else self.slot(value, slot, kind)

    def _owner(self, record: Code, entity: str) -> Code:
        kind = bare(record.kind) if record.kind is not None else None
        if not isinstance(kind, OfEntity):
            return self.raised()
        current, expr = kind.entity, record.expr
        while current != entity:
            above = self.policy.entities[current].owner
            assert above is not None, "the checker admits only owners"
            current, expr = above, self.owner_of(Code(expr, OfEntity(current)), above)
        return Code(expr, OfEntity(entity))

    def owner_of(self, record: Code, entity: str) -> ast.expr:
        return ast.Attribute(record.expr, "owner", ast.Load())

    def _is_known(self, inner: core.Expr, type_: Type) -> Code:
        """A fact that is not there has no slot; whether anything else is known, only its computation tells."""
        if isinstance(inner, core.Fact):
            value = self.value(inner)
            if isinstance(value.expr, ast.Attribute):
                held = self.names.constant(value.expr.attr)
                return Code(code("hasattr(R, A)", R=value.expr.value, A=held), Same(type_))
        value = self.held(self.value(inner))
        return value if value.kind is None else Code(code("(V,) != ()", V=value.expr), Same(type_))

    def _dated(self, node: core.Dated) -> Code:
        day = self.held(self.value(node.date))
        if day.kind is None:
            return day
        outer = self.body
        blocks: list[tuple[ast.expr, list[ast.stmt], Code]] = []
        for start, end, value in self.settings.versions[node.name]:
            tests = [code("S <= D", S=self.names.constant(start), D=day.expr)] if start is not None else []
            tests += [code("D <= E", E=self.names.constant(end), D=day.expr)] if end is not None else []
            with self.block() as block:
                worth = self.value_of(value, node.type)
            test = literal(True) if not tests else tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests)
            blocks.append((test, block, worth))
        temp, kind = self.one_of([(block, worth) for _, block, worth in blocks])
        with self.block() as otherwise:
            self.raised()
        for test, block, _ in reversed(blocks):
            otherwise = [ast.If(test, block or [ast.Pass()], otherwise)]
        outer += otherwise
        return Code(name(temp), kind)

    def _until(self, parts: tuple[core.Expr, ...], type_: Type, all_: bool) -> Code:
        """`and`, `or`: later parts are only looked at while the earlier do not decide."""
        outer, temp = self.body, self.names.fresh()
        simple: list[ast.expr] = []
        for part in parts:
            with self.block() as block:
                found = self.value(part)
            if block and simple:
                self.add("T = V", T=temp, V=_all(simple, all_))
                self.when(name(temp) if all_ else code("not T", T=temp), block, [])
                self.body, simple = block, []
            else:
                self.body += block
            simple.append(found.expr)
        last = _all(simple, all_)
        if self.body is outer:
            return Code(last, Same(type_))
        self.add("T = V", T=temp, V=last)
        self.body = outer
        return Code(name(temp), Same(type_))

    def _branches(self, node: core.Branches) -> Code:
        return self._ladder([(b.when, b.value) for b in node.branches], node.otherwise)

    def _ladder(self, branches: list[tuple[core.Expr, core.Expr]], otherwise: core.Expr) -> Code:
        if not branches:
            return self.counted(self.value(otherwise))
        test = self.value(branches[0][0])
        if test.kind is None:
            return test
        with self.block() as then:
            yes = self.counted(self.value(branches[0][1]))
        with self.block() as rest:
            no = self._ladder(branches[1:], otherwise)
        if not then and not rest and yes.kind == no.kind and yes.under is None and no.under is None:
            return Code(code("Y if T else N", Y=yes.expr, T=test.expr, N=no.expr), yes.kind)
        temp, kind = self.one_of([(then, yes), (rest, no)])
        self.when(test.expr, then, rest)
        return Code(name(temp), kind)

    def _choose(self, node: core.Choose) -> Code:
        if (chosen := self.chosen(node)) is not None:
            return self.counted(self.value(chosen))
        subject = self.held(self.value(node.subject))
        if subject.kind is None:
            return subject
        options = [(word, option) for word, option in node.options]
        cases: list[tuple[str | None, list[ast.stmt], Code]] = []
        for word, option in [*options, *([(None, node.otherwise)] if node.otherwise is not None else [])]:
            with self.block() as block:
                cases.append((word, block, self.counted(self.value(option))))
        kind: Kind | None = None
        for _, _, value in cases:
            kind = joined(kind, value.kind)
        plain = all(not block and isinstance(value.expr, ast.Constant) for _, block, value in cases)
        if plain and kind is not None and not isinstance(bare(kind), Ratio):
            return self._looked_up(subject, kind, [(word, value) for word, _, value in cases])
        temp, kind = self.one_of([(block, value) for _, block, value in cases])
        with self.block() as rest:
            self.raised()
        for word, block, _ in reversed(cases):
            if word is None:
                rest = block
            else:
                rest = [ast.If(code("S == W", S=subject.expr, W=self.names.constant(word)), block or [ast.Pass()], rest)]
        self.body += rest
        return Code(name(temp), kind)

    def chosen(self, node: core.Choose) -> core.Expr | None:
        """What is chosen by a reading that is not open."""
        if not isinstance(node.subject, core.Option):
            return None
        word = self.settings.options[node.subject.reading]
        return dict(node.options).get(word, node.otherwise) if isinstance(word, str) else None

    def _looked_up(self, subject: Code, kind: Kind, cases: list[tuple[str | None, Code]]) -> Code:
        """Constants by a word: one look into a table."""
        turned = {word: self.turned(value, kind).expr for word, value in cases}
        named = self.names.constant({word: e.value for word, e in turned.items() if word is not None and isinstance(e, ast.Constant)})
        if None in turned:
            return Code(code("K.get(S, D)", K=named, S=subject.expr, D=turned[None]), kind)
        return Code(code("K[S]", K=named, S=subject.expr), kind)

    # Lists.

    def each(self, node: core.Expr, then: Callable[[Code], None]) -> bool:
        """A loop over the members of a list, `then` writing what is done with each; False where it is never a list."""
        match node:
            case core.Filter(list=inner, slot=slot, condition=condition):

                def kept(member: Code) -> None:
                    self.slots[slot] = member
                    test = self.value(condition)
                    if test.kind is None:
                        return
                    with self.block() as block:
                        then(member)
                    self.when(test.expr, block, [])

                return self.each(inner, kept)
            case core.Map(list=inner, slot=slot, item=item, flatten=flatten):

                def mapped(member: Code) -> None:
                    self.slots[slot] = member
                    if flatten:
                        self.each(item, then)
                    else:
                        value = self.held(self.value(item))
                        if value.kind is not None:
                            then(value)

                return self.each(inner, mapped)
        listed = self.value(node)
        if listed.kind is None:
            return False
        assert isinstance(listed.kind, Many)
        member = self.names.fresh()
        with self.block() as loop:
            then(Code(name(member), listed.kind.item))
        self.body.append(ast.For(ast.Name(member, ast.Store()), listed.expr, loop or [ast.Pass()], []))
        return True

    def _collected(self, node: core.Expr) -> Code:
        temp = self.names.fresh()
        self.add("T = []", T=temp)
        kinds: list[Kind] = []

        def append(member: Code) -> None:
            member = self.counted(member)
            assert member.kind is not None
            kinds.append(member.kind)
            self.add("T.append(V)", T=temp, V=self.packed(member))

        if not self.each(node, append):
            return NEVER
        item = node.type.item if isinstance(node.type, ListType) else node.type
        return Code(name(temp), Many(kinds[0] if kinds else kind_of_fact(item)))

    def _share(self, node: core.Share) -> Code:
        """The allocation is worked out once for each owner; a record outside it has nothing."""
        index = next((i for i, (share, _) in enumerate(self.shares) if share is node), None)
        this = self.slots[0]
        owner = self._owner(this, node.owner)
        if index is None:
            index = len(self.shares)
            self.shares.append((node, f"share{index}"))
        return Code(code("plan.shared(I, F, O).get(R, 0)", I=index, F=f"share{index}", O=owner.expr, R=this.expr), Whole(100, 512))


def _all(parts: list[ast.expr], all_: bool) -> ast.expr:
    return parts[0] if len(parts) == 1 else ast.BoolOp(ast.And() if all_ else ast.Or(), parts)
