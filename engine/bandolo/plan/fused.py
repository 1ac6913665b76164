"""The program for complete applications: facts are read and everything is computed in one pass over the records, in local variables.

It raises where anything is missing, ill-typed or without a result, and the application is then decided step by step (`planned.py`). Only
policies whose records are all listed by the root are written this way.
"""

from __future__ import annotations

import ast

from bandolo.check import core
from bandolo.evaluate.settle import Settled
from bandolo.language.types import BOOLEAN, MONEY, TEXT, ListType, OptionalType, RecordType
from bandolo.plan import intake
from bandolo.plan.codes import Code, Names
from bandolo.plan.gathering import Fusing, NeedsRecords
from bandolo.plan.kinds import Cash, Kind, OfEntity, Ratio, Same, Whole, kind_of_fact
from bandolo.plan.layout import Layout, NotFused, Pass
from bandolo.plan.levels import Levels
from bandolo.plan.numbers import cents
from bandolo.plan.quote import code, lines, literal, name
from bandolo.plan.shapes import Shapes
from bandolo.plan.totals import added_up
from bandolo.plan.usual import Usual, both


class Fused:
    """Writes the whole program of one policy: for records as msgspec reads them where there are `shapes`, else for plain dicts."""

    def __init__(self, policy: core.Policy, settled: Settled, names: Names, shapes: Shapes | None) -> None:
        self.policy, self.settled, self.names, self.shapes = policy, settled, names, shapes
        self.levels = Levels(policy)
        self.kinds: dict[tuple[str, str], Kind | None] = {}
        self.kinds_of_facts: dict[tuple[str, str, str | None], Kind] = {}
        for entity in policy.entities.values():
            for fact in entity.facts.values():
                kind = kind_of_fact(fact.type)
                low, high = settled.ranges[entity.name, fact.name]
                if fact.type == MONEY and entity.name != policy.root and intake.adds_up(low, high):
                    kind = Cash()
                self.kinds_of_facts[entity.name, fact.name, None] = kind
        self.booleans = {
            e.name: {names.facts[e.name, f.name, None] for f in e.facts.values() if f.type == BOOLEAN} for e in policy.entities.values()
        }
        self.lists = {e: policy.entities[e].listed_in for e in policy.entities if e != policy.root}
        self.passes: dict[tuple[str, int], Pass] = {}
        deepest = max(self.levels.of.values(), default=0)
        if any(level > 0 for (_, entity, _), level in self.levels.of.items() if entity != policy.root):
            raise NotFused
        for listed in self.lists:
            self.passes[listed, 0] = Pass()
        self.root_steps: list[list[ast.stmt]] = [[] for _ in range(deepest + 1)]
        self.read: set[tuple[str, str]] = set()
        # Where a requirement always applies, its verdict is whether it is met.
        plain = [r.id for r in policy.requirements.values() if r.applies is None]
        self.verdict_by_met = {names.requirements[r]: names.verdicts[r] for r in plain}
        self.usual = {e: Usual(self, e) for e in self.lists}
        self.outgoing: dict[tuple[str, str], Kind | None] = {}
        self.results = {e: [r.name for r in policy.results if r.entity == e] for e in policy.entities}

    def this(self, entity: str) -> str:
        return f"r{list(self.policy.entities).index(entity)}"

    def listed(self, entity: str) -> str:
        return f"rows{list(self.policy.entities).index(entity)}"

    def seen(self, entity: str, slot: str) -> ast.expr:
        """What says a fact, or something computed, of the record at hand."""
        if self.shapes is not None and entity != self.policy.root and slot in self.booleans[entity]:
            return ast.Attribute(name(self.this(entity)), slot, ast.Load())
        return name(self.local(entity, slot))

    def local(self, entity: str, slot: str) -> str:
        """Moments of admission are slots of every entity: their locals tell them apart."""
        if slot[0] == "a":
            return f"{slot}_{list(self.policy.entities).index(entity)}"
        return self.verdict_by_met.get(slot, slot)

    def written(self) -> tuple[ast.FunctionDef, Layout]:
        """The function `decide(app)` and what it gives back: root, rows by entity, status of each stage.

        With shapes it is `decide(app, read)`: `read` makes a record of the root of `app`, which is plain data where it is None.
        """
        try:
            for step in self.policy.steps:
                self._step(step)
        except NeedsRecords:
            raise NotFused from None
        body = self._read()
        statuses = self._statuses(body)
        root = self.policy.root
        parts = [name(f"given_{self.this(root)}"), _tuple([name(self.names.verdicts[v]) for v in self.verdicts(root)])]
        parts += [_tuple(self._outgoing(self.writer(root, 99, body), root)), _tuple(statuses)]
        for entity in self.lists:
            this = self.this(entity)
            odd = name(f"odd_{this}") if self.verdicts(entity) else literal(None)
            results = name(f"results_{this}") if self.results[entity] else literal(None)
            parts.append(_tuple([name(f"given_{this}"), odd, results]))
        verdicts = {e: self.verdicts(e) for e in self.policy.entities}
        layout = Layout(verdicts, self.results, tuple(self.lists), self.outgoing, self.shapes)
        body.append(ast.Return(ast.Tuple(parts, ast.Load())))
        takes = ast.arguments([], [ast.arg("app"), ast.arg("read")], None, [], [], None, [literal(None)])
        return ast.FunctionDef("decide", takes, body, []), layout

    def writer(self, entity: str, level: int, body: list[ast.stmt]) -> Fusing:
        writer = Fusing(self.policy, self.settled.settings, self.names, self.kinds, body)
        writer.whole, writer.entity, writer.level = self, entity, level
        writer.slots[0] = Code(name(self.this(entity)), OfEntity(entity))
        return writer

    def _step(self, step: core.Step) -> None:
        level = self.levels.of[step.kind, step.entity, step.name]
        root = step.entity == self.policy.root
        writer = self.writer(step.entity, level, self.root_steps[level] if root else self.passes[step.entity, level].body)
        names, entity = self.names, step.entity
        match step.kind:
            case "definition":
                value = writer.value(self.policy.definitions[entity, step.name].value)
                if root:
                    value = writer.counted(value)
                if value.kind is None:
                    raise NotFused
                self.kinds[entity, step.name] = value.kind
                writer.add("S = V", S=self.local(entity, names.definitions[entity, step.name]), V=writer.packed(value))
            case "requirement":
                self._requirement(writer, self.policy.requirements[step.name])
            case "admitted":
                self._admitted(writer, entity, step.name)
            case _:
                stage = self.policy.stages[self.policy.stage_index(step.name)]
                opened = Code(literal(True), Same(BOOLEAN)) if stage.opens is None else writer.value(stage.opens)
                if opened.kind is None:
                    raise NotFused
                writer.add("S = V", S=names.open[step.name], V=opened.expr)

    def _requirement(self, writer: Fusing, requirement: core.Requirement) -> None:
        if self._is_usual(requirement):
            self._hit(requirement)
            return
        met, verdict = self.names.requirements[requirement.id], self.names.verdicts[requirement.id]
        if requirement.applies is None:
            held = writer.value(requirement.check)
            if held.kind is None:
                raise NotFused
            writer.add("V = X", V=verdict, X=held.expr)
        else:
            applies = writer.value(requirement.applies)
            if applies.kind is None:
                raise NotFused
            with writer.block() as then:
                held = writer.value(requirement.check)
                if held.kind is not None:
                    writer.add("M = V = X", M=met, V=verdict, X=held.expr)
            writer.when(applies.expr, then, lines("M = True\nV = None", M=met, V=verdict))
        if self.effect(requirement).cure is not None:
            writer.add("if V is False: raise Open", V=verdict)
        self._hit(requirement)

    def _hit(self, requirement: core.Requirement) -> None:
        """Whether a requirement of a listed record fails for one that counts."""
        effect, verdict = self.effect(requirement), self.names.verdicts[requirement.id]
        if requirement.entity != self.policy.root and effect.word in ("reject", "suspend", "refer"):
            admitted = self.local(requirement.entity, self.names.admitted[requirement.stage])
            made = self.passes[requirement.entity, 0]
            self.read.add((requirement.entity, self.names.admitted[requirement.stage]))
            made.before += lines("H = False", H=f"h_{verdict}")
            hits = made.unusual_hits if self._is_usual(requirement) else made.hits
            hits += lines("if V is False and A: H = True", V=verdict, A=admitted, H=f"h_{verdict}")

    def _is_usual(self, requirement: core.Requirement) -> bool:
        return requirement.entity in self.usual and requirement.id in self.usual[requirement.entity].tests

    def effect(self, requirement: core.Requirement) -> core.Effect:
        option = "" if requirement.effect_by is None else self.settled.settings.options[requirement.effect_by]
        assert isinstance(option, str)
        return requirement.effects[option]

    def _admitted(self, writer: Fusing, entity: str, moment: str) -> None:
        last = self.policy.stage_index(moment) if moment else len(self.policy.stages)
        parts: list[tuple[str, ast.expr]] = []
        for requirement in self.policy.requirements.values():
            if requirement.entity != entity or self.policy.stage_index(requirement.stage) > last:
                continue
            if not requirement.may("exclude") or self.effect(requirement).word != "exclude":
                continue
            met = name(self.local(entity, self.names.requirements[requirement.id]))
            stage = self.policy.stages[self.policy.stage_index(requirement.stage)]
            parts.append((requirement.id, met if stage.opens is None else code("not O or M", O=self.names.open[stage.name], M=met)))
        admitted = self.local(entity, self.names.admitted[moment])
        if entity not in self.usual:
            writer.add("A = V", A=admitted, V=both([part for _, part in parts]) if parts else literal(True))
        elif not self.usual[entity].settles(admitted, parts):
            writer.add("A = V", A=admitted, V=self.usual[entity].all_of(parts))

    # Putting it together.

    def _read(self) -> list[ast.stmt]:
        """Facts of the root, its first steps, the loops over its lists, the rest of its steps."""
        policy = self.policy
        root = policy.entities[policy.root]
        body = intake.of_root(self, root, "app", "given_" + self.this(policy.root))
        body += self.root_steps[0]
        for entity in self.lists:
            body += self._loop(entity)
        for steps in self.root_steps[1:]:
            body += steps
        return body

    def _loop(self, entity: str) -> list[ast.stmt]:
        """One pass over the records: what they come to is kept only where it is not the usual, which is all met."""
        policy, made = self.policy, self.passes[entity, 0]
        this, rows = self.this(entity), self.listed(entity)
        loop = intake.of_list(self, policy.entities[entity], rows, this)
        verdicts = self.verdicts(entity)
        key = policy.entities[entity].key
        self.read |= {(entity, self.names.admitted[""])} if self.results[entity] else set()
        before = [*loop.before, *made.before]
        after = loop.after
        if loop.parts:
            rest = f"rest_{this}"
            sums = added_up(made.gathering, loop.parts, rest)
            total = name(sums[0])
            for other in sums[1:]:
                total = code("A + B", A=total, B=other)
            after = [*lines("T = V", T=f"total_{this}", V=total), *after]
        usual = self.usual[entity]
        inside = [*self._wanted(entity, made.body), *made.gathering, *made.hits]
        put: list[ast.stmt] = []
        if verdicts:
            if key is None:
                before += lines("I = -1", I=f"at_{this}")
                loop.first += lines("I += 1", I=f"at_{this}")
            at = self.names.facts[entity, key.name, None] if key is not None else f"at_{this}"
            before += lines("O = {}", O=f"odd_{this}")
            put, kept = usual.kept(verdicts, f"odd_{this}", at, made.unusual_hits)
            inside += kept
        if self.results[entity]:
            before += lines("R = []\nA = R.append", R=f"results_{this}", A=f"result_{this}")
            writer = self.writer(entity, 0, inside)
            values = [name(self.local(entity, self.names.admitted[""])), *self._outgoing(writer, entity)]
            inside += lines("A(V)", A=f"result_{this}", V=_tuple(values))
        inside = [*loop.first, *usual.test(inside, put)]
        return [*before, ast.For(loop.target, name(f"given_{this}"), loop.with_facts(inside) or [ast.Pass()], []), *after]

    def _outgoing(self, writer: Fusing, entity: str) -> list[ast.expr]:
        """The results of a record; amounts in cents, as they leave the policy."""
        found: list[ast.expr] = []
        direction = self.settled.settings.money_rounding
        if not isinstance(direction, str):
            raise NotFused
        for result in self.results[entity]:
            kind = self.kinds[entity, result]
            value = writer.counted(Code(name(self.names.definitions[entity, result]), kind))
            type_ = self.policy.definitions[entity, result].type
            if (isinstance(type_, OptionalType) and type_.of == MONEY) or isinstance(type_, RecordType | ListType):
                raise NotFused
            if self.policy.definitions[entity, result].type == MONEY and isinstance(value.kind, Whole | Ratio):
                value = cents(writer, value, Code(self.names.constant(direction), Same(TEXT)))
            self.outgoing[entity, result] = value.kind
            found.append(writer.packed(value))
        return found

    def verdicts(self, entity: str) -> list[str]:
        return [r.id for r in self.policy.requirements.values() if r.entity == entity]

    def _wanted(self, entity: str, body: list[ast.stmt]) -> list[ast.stmt]:
        """Without the moments of admission that nothing asks for."""
        unread = {self.local(entity, a) for a in self.names.admitted.values() if (entity, a) not in self.read}
        return [s for s in body if not (isinstance(s, ast.Assign) and isinstance(s.targets[0], ast.Name) and s.targets[0].id in unread)]

    def _statuses(self, body: list[ast.stmt]) -> list[ast.expr]:
        """The status of each stage: what its failed requirements bring, the gravest first."""
        found: list[ast.expr] = []
        for at, stage in enumerate(self.policy.stages):
            value: ast.expr = literal(None)
            value = self.names.constant("passed")
            for word, status in (("bar", "barred"), ("refer", "referred"), ("suspend", "suspended"), ("reject", "failed")):
                tests = [t for r in self.policy.requirements.values() if r.stage == stage.name for t in self._brings(r, word)]
                if tests:
                    test = tests[0] if len(tests) == 1 else ast.BoolOp(ast.Or(), tests)
                    value = code("S if T else V", S=self.names.constant(status), T=test, V=value)
            if stage.opens is not None:
                value = code("V if O else N", V=value, O=self.names.open[stage.name], N=self.names.constant("not_started"))
            body += lines("S = V", S=f"status{at}", V=value)
            found.append(name(f"status{at}"))
        return found

    def _brings(self, requirement: core.Requirement, word: str) -> list[ast.expr]:
        if self.effect(requirement).word != word:
            return []
        verdict = self.names.verdicts[requirement.id]
        if requirement.entity == self.policy.root:
            return [code("not V" if requirement.applies is None else "V is False", V=verdict)]
        return [name(f"h_{verdict}")] if word != "bar" else []


def _tuple(parts: list[ast.expr]) -> ast.expr:
    return ast.Tuple(parts, ast.Load())
