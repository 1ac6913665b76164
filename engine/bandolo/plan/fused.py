"""The program for complete applications: facts are read and everything is computed in one pass over the records, in local variables.

It raises where anything is missing, ill-typed or without a result, and the application is then decided step by step (`planned.py`). Only
policies whose records are all listed by the root are written this way.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bandolo.check import core
from bandolo.evaluate.settle import Settled
from bandolo.language.types import BOOLEAN, MONEY, TEXT, ListType, OptionalType, RecordType
from bandolo.plan import intake
from bandolo.plan.codes import Code, Names
from bandolo.plan.expressions import Writer
from bandolo.plan.kinds import Cash, Kind, Many, OfEntity, Ratio, Same, Whole, kind_of_fact
from bandolo.plan.levels import Levels
from bandolo.plan.numbers import cents
from bandolo.plan.quote import code, lines, literal, name
from bandolo.plan.totals import added_up


class NotFused(Exception):
    """The policy has something that is not written in one pass."""


class _NeedsRecords(Exception):
    def __init__(self, entity: str) -> None:
        self.entity = entity


@dataclass
class Pass:
    """One loop over the records of an entity."""

    before: list[ast.stmt] = field(default_factory=list)
    body: list[ast.stmt] = field(default_factory=list)
    gathering: list[ast.stmt] = field(default_factory=list)
    """What goes on to the owner's values, after everything of the record is computed."""
    tests: dict[tuple[Any, ...], ast.If] = field(default_factory=dict)
    groups: dict[tuple[Any, ...], list[ast.stmt]] = field(default_factory=dict)
    """The blocks behind each chain of conditions, so that what is asked of the same records is gathered together."""


@dataclass
class Layout:
    """Where a program leaves what it has read and computed: the places of the tuples that it gives back."""

    verdicts: dict[str, list[str]]
    results: dict[str, list[str]]
    lists: tuple[str, ...]
    kinds: dict[tuple[str, str], Kind | None]


def eligible(policy: core.Policy, settled: Settled) -> bool:
    """Whether a policy is written in one pass: lists of the root only, no references, no shares, nothing asked at several stages."""
    for entity in policy.entities.values():
        if policy.depth(entity.name) > 1:
            return False
        for fact in entity.facts.values():
            type_ = fact.type.of if isinstance(fact.type, OptionalType) else fact.type
            if fact.asked or isinstance(type_, RecordType) or (isinstance(type_, ListType) and isinstance(fact.type, OptionalType)):
                return False
            if isinstance(type_, ListType) and (not isinstance(type_.item, RecordType) or entity.name != policy.root):
                return False  # a list of values could be changed by the caller after the decision
    for requirement in policy.requirements.values():
        if requirement.effect_by is not None and not isinstance(settled.settings.options[requirement.effect_by], str):
            return False
    expressions = [d.value for d in policy.definitions.values()]
    return not any(isinstance(n, core.Share | core.IsKnown) for e in expressions for n in core.walk(e))


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
            return Code(name(self.whole.local(entity, slot)), kind)
        raise _NeedsRecords(entity)

    def fact(self, record: Code, entity: str, fact: str, stage: str | None) -> Code:
        kind = self.whole.kinds_of_facts[entity, fact, stage]
        if isinstance(kind, Many) and isinstance(kind.item, OfEntity):
            return Code(name(self.whole.listed(kind.item.entity)), kind)
        return self.slot(record, self.names.facts[entity, fact, stage], kind)

    def owner_of(self, record: Code, entity: str) -> ast.expr:
        return name(self.whole.this(entity))

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


class Fused:
    """Writes the whole program of one policy."""

    def __init__(self, policy: core.Policy, settled: Settled, names: Names) -> None:
        self.policy, self.settled, self.names = policy, settled, names
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
        self.usual = {e: self._usual(e) for e in self.lists}
        self.outgoing: dict[tuple[str, str], Kind | None] = {}
        self.results = {e: [r.name for r in policy.results if r.entity == e] for e in policy.entities}

    def this(self, entity: str) -> str:
        return f"r{list(self.policy.entities).index(entity)}"

    def listed(self, entity: str) -> str:
        return f"rows{list(self.policy.entities).index(entity)}"

    def local(self, entity: str, slot: str) -> str:
        """Moments of admission are slots of every entity: their locals tell them apart."""
        if slot[0] == "a":
            return f"{slot}_{list(self.policy.entities).index(entity)}"
        return self.verdict_by_met.get(slot, slot)

    def written(self) -> tuple[ast.FunctionDef, Layout]:
        """The function `decide(app)` and what it gives back: root, rows by entity, status of each stage."""
        try:
            for step in self.policy.steps:
                self._step(step)
        except _NeedsRecords:
            raise NotFused from None
        body = self._read()
        statuses = self._statuses(body)
        root = self.policy.root
        parts = [name(f"given_{self.this(root)}"), _tuple([name(self.names.verdicts[v]) for v in self.verdicts(root)])]
        parts += [_tuple(self._outgoing(self._writer(root, 99, body), root)), _tuple(statuses)]
        for entity in self.lists:
            this = self.this(entity)
            odd = name(f"odd_{this}") if self.verdicts(entity) else literal(None)
            results = name(f"results_{this}") if self.results[entity] else literal(None)
            parts.append(_tuple([name(f"given_{this}"), odd, results]))
        layout = Layout({e: self.verdicts(e) for e in self.policy.entities}, self.results, tuple(self.lists), self.outgoing)
        body.append(ast.Return(ast.Tuple(parts, ast.Load())))
        takes = ast.arguments([], [ast.arg("app")], None, [], [], None, [])
        return ast.FunctionDef("decide", takes, body, []), layout

    def _writer(self, entity: str, level: int, body: list[ast.stmt]) -> Fusing:
        writer = Fusing(self.policy, self.settled.settings, self.names, self.kinds, body)
        writer.whole, writer.entity, writer.level = self, entity, level
        writer.slots[0] = Code(name(self.this(entity)), OfEntity(entity))
        return writer

    def _step(self, step: core.Step) -> None:
        level = self.levels.of[step.kind, step.entity, step.name]
        root = step.entity == self.policy.root
        writer = self._writer(step.entity, level, self.root_steps[level] if root else self.passes[step.entity, level].body)
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

    def _usual(self, entity: str) -> dict[str, tuple[str, bool]]:
        """The requirements that only ask one yes or no each: the fact's slot and the answer that meets them."""
        found: dict[str, tuple[str, bool]] = {}
        for requirement in self.policy.requirements.values():
            check, wanted = requirement.check, True
            if isinstance(check, core.Not):
                check, wanted = check.value, False
            mine = requirement.entity == entity and requirement.applies is None and self._effect(requirement).cure is None
            if mine and isinstance(check, core.Fact) and check.type == BOOLEAN and isinstance(check.record, core.Variable):
                slot = self.names.facts[entity, check.name, None]
                if slot not in [s for s, _ in found.values()]:
                    found[requirement.id] = (slot, wanted)
        return found if len(found) > 1 else {}

    def usually(self, entity: str) -> list[ast.stmt]:
        """All of the usual answers are looked at together; only where one differs, each on its own."""
        usual = self.usual[entity]
        if not usual:
            return []
        tests: list[ast.expr] = [code("F is W", F=slot, W=wanted) for slot, wanted in usual.values()]
        targets: list[ast.expr] = [ast.Name(self.names.verdicts[id_], ast.Store()) for id_ in usual]
        then: list[ast.stmt] = [ast.Assign([ast.Name(f"usual_{self.this(entity)}", ast.Store()), *targets], literal(True))]
        rest = lines("U = False", U=f"usual_{self.this(entity)}")
        for id_, (slot, wanted) in usual.items():
            rest += lines("if F is not True and F is not False: raise Open", F=slot)
            rest += lines("V = F" if wanted else "V = not F", V=self.names.verdicts[id_], F=slot)
        return [ast.If(ast.BoolOp(ast.And(), tests), then, rest)]

    def _requirement(self, writer: Fusing, requirement: core.Requirement) -> None:
        if requirement.id in self.usual.get(requirement.entity, {}):
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
        if self._effect(requirement).cure is not None:
            writer.add("if V is False: raise Open", V=verdict)
        self._hit(requirement)

    def _hit(self, requirement: core.Requirement) -> None:
        """Whether a requirement of a listed record fails for one that counts."""
        effect, verdict = self._effect(requirement), self.names.verdicts[requirement.id]
        if requirement.entity != self.policy.root and effect.word in ("reject", "suspend", "refer"):
            admitted = self.local(requirement.entity, self.names.admitted[requirement.stage])
            made = self.passes[requirement.entity, 0]
            self.read.add((requirement.entity, self.names.admitted[requirement.stage]))
            made.before += lines("H = False", H=f"h_{verdict}")
            made.groups.setdefault(("hits",), []).extend(lines("if V is False and A: H = True", V=verdict, A=admitted, H=f"h_{verdict}"))

    def _effect(self, requirement: core.Requirement) -> core.Effect:
        option = "" if requirement.effect_by is None else self.settled.settings.options[requirement.effect_by]
        assert isinstance(option, str)
        return requirement.effects[option]

    def _admitted(self, writer: Fusing, entity: str, moment: str) -> None:
        last = self.policy.stage_index(moment) if moment else len(self.policy.stages)
        parts: list[ast.expr] = []
        for requirement in self.policy.requirements.values():
            if requirement.entity != entity or self.policy.stage_index(requirement.stage) > last:
                continue
            if not requirement.may("exclude") or self._effect(requirement).word != "exclude":
                continue
            met = name(self.local(entity, self.names.requirements[requirement.id]))
            stage = self.policy.stages[self.policy.stage_index(requirement.stage)]
            parts.append(met if stage.opens is None else code("not O or M", O=self.names.open[stage.name], M=met))
        usual = [self.names.verdicts[id_] for id_ in self.usual.get(entity, {})]
        if usual and all(any(isinstance(p, ast.Name) and p.id == v for p in parts) for v in usual):
            # Where all the usual answers are there, they need not be looked at again.
            others = [p for p in parts if not (isinstance(p, ast.Name) and p.id in usual)]
            each = ast.BoolOp(ast.And(), [p for p in parts if p not in others])
            parts = [code("U or E", U=f"usual_{self.this(entity)}", E=each), *others]
        test = literal(True) if not parts else parts[0] if len(parts) == 1 else ast.BoolOp(ast.And(), parts)
        writer.add("A = V", A=self.local(entity, self.names.admitted[moment]), V=test)

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
        inside = [
            *loop.first,
            *self.usually(entity),
            *self._wanted(entity, made.body),
            *made.gathering,
            *made.groups.get(("hits",), []),
        ]
        if verdicts:
            if key is None:
                before += lines("I = -1", I=f"at_{this}")
                inside += lines("I += 1", I=f"at_{this}")
            at = self.names.facts[entity, key.name, None] if key is not None else f"at_{this}"
            usual = self.usual[entity]
            tests: list[ast.expr] = [name(f"usual_{this}")] if usual else []
            tests += [code("V is True", V=self.names.verdicts[v]) for v in verdicts if v not in usual]
            test = tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests)
            before += lines("O = {}", O=f"odd_{this}")
            inside += lines("if not T: O[K] = V", T=test, O=f"odd_{this}", K=at, V=_tuple([name(self.names.verdicts[v]) for v in verdicts]))
        if self.results[entity]:
            before += lines("R = []\nA = R.append", R=f"results_{this}", A=f"result_{this}")
            writer = self._writer(entity, 0, inside)
            values = [name(self.local(entity, self.names.admitted[""])), *self._outgoing(writer, entity)]
            inside += lines("A(V)", A=f"result_{this}", V=_tuple(values))
        # Two names on one loop: the record at hand is only ever spoken of by its facts.
        return [*before, ast.For(loop.target, name(f"given_{this}"), inside or [ast.Pass()], []), *after]

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
        if self._effect(requirement).word != word:
            return []
        verdict = self.names.verdicts[requirement.id]
        if requirement.entity == self.policy.root:
            return [code("not V" if requirement.applies is None else "V is False", V=verdict)]
        return [name(f"h_{verdict}")] if word != "bar" else []


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


def _tuple(parts: list[ast.expr]) -> ast.expr:
    return ast.Tuple(parts, ast.Load())
