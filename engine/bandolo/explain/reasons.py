"""Why a decision is what it is, as data: every verdict with its formula, the values in it, and the distance to the threshold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from bandolo.check import core
from bandolo.evaluate.decision import Decision, RequirementResult, ResultValue
from bandolo.evaluate.reference import Evaluation
from bandolo.explain.formulas import said
from bandolo.language.types import ListType, RecordType, Type
from bandolo.language.values import Record, Value
from bandolo.records import dataclass, field

UNFOLDED = 3
"""How many definitions deep a condition is unfolded."""


@dataclass(frozen=True, slots=True)
class Operand:
    """A piece of a formula, as written and in a reader's words, with its value; `fixed` where the policy itself writes the value."""

    text: str
    said: core.Texts
    value: Value
    type: Type
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a formula.

    `kind` is `compare` (two operands and, where both are known, the distance between them), `all`, `any`, `not` (of `parts`),
    `defined` (a definition, and in `parts` what it stands for), `plain`, or `is` (whether there is a value: `left` is that value).
    `text` is the condition as written, `said` in a reader's words. `value` is None where an earlier part had already decided.
    """

    kind: str
    text: str
    said: core.Texts
    value: Value | None
    operator: str = ""
    left: Operand | None = None
    right: Operand | None = None
    distance: Value | timedelta | None = None
    parts: tuple[Condition, ...] = ()
    names: tuple[Operand, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """One requirement on one subject."""

    result: RequirementResult
    requirement: core.Requirement
    condition: Condition
    applies: Condition | None
    sources: tuple[core.Source, ...]
    """The requirement's own, then those of the parameters in it: an amended value cites the act that set it."""


@dataclass(frozen=True, slots=True)
class Derivation:
    """How a result came about: its formula, the branch that was taken, and the values in it."""

    result: ResultValue
    label: core.Texts | None
    text: str
    said: core.Texts
    because: tuple[Operand, ...]
    names: tuple[Operand, ...]
    sources: tuple[core.Source, ...]
    parts: tuple[tuple[core.Texts | None, str, Value, Condition, tuple[core.Source, ...]], ...] = ()
    """For a final score: each bonus with its label, name, points, condition and sources."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that is to be said of a decision."""

    decision: Decision
    policy: core.Policy
    reasons: tuple[Reason, ...]
    derivations: tuple[Derivation, ...]


def explanation(policy: core.Policy, decision: Decision) -> Explanation:
    """The reasons of a decision, which must have been made with `trace=True`."""
    evaluation = decision.trace
    if not isinstance(evaluation, Evaluation):
        raise ValueError("only a decision made with trace=True can be explained")
    records = {record.path: record for listed in evaluation.records.values() for record in listed}
    tracer = _Tracer(policy, evaluation)
    reasons = []
    for result in decision.requirements:
        requirement = policy.requirements[result.id]
        record = records[result.subject]
        applies = tracer.condition(requirement.applies, record) if requirement.applies is not None else None
        condition = tracer.condition(requirement.check, record)
        reasons.append(Reason(result, requirement, condition, applies, tracer.sources(requirement)))
    root = records[policy.root]
    derivations = [tracer.derivation(r, records[r.record] if r.record else root) for r in decision.result_values]
    return Explanation(decision, policy, tuple(reasons), tuple(derivations))


@dataclass(frozen=True, slots=True)
class _Tracer:
    policy: core.Policy
    evaluation: Evaluation
    spoken: dict[int, core.Texts] = field(default_factory=dict)

    def value(self, node: core.Expr, record: Record) -> Value | None:
        return self.evaluation.trace.get((id(node), record))

    def condition(self, node: core.Expr, record: Record, depth: int = 0) -> Condition:
        value = self.value(node, record)
        text, words = written(node), self.said(node)
        match node:
            case core.Computed(record=owner, entity=entity, name=name) if depth < UNFOLDED and (home := self._home(owner, record)):
                inner = self.policy.definitions[entity, name]
                return Condition("defined", text, words, value, parts=(self.condition(inner.value, home, depth + 1),))
            case core.Choose() | core.Branches() if value is not None:
                chosen, because = self.chosen(node, record)
                if chosen is not None:
                    taken = self.condition(chosen, record, depth)
                    return replace(taken, names=(*because, *taken.names))
            case core.And(parts=parts) | core.Or(parts=parts):
                kind = "all" if isinstance(node, core.And) else "any"
                return Condition(kind, text, words, value, parts=tuple(self.condition(p, record, depth) for p in parts))
            case core.IsNone(value=inner) | core.Not(value=core.IsNone(value=inner)) if value is not None:
                return Condition("is", text, words, value, left=self.operand(inner, record))
            case core.Not(value=inner) if isinstance(inner, core.Apply | core.And | core.Or):
                return Condition("not", text, words, value, parts=(self.condition(inner, record, depth),))
            case core.Not(value=inner) if isinstance(inner, core.Fact | core.Computed | core.Met):
                # Of something that has a name, its own yes or no is said.
                return self.condition(inner, record, depth)
            case core.Apply(operation=operation, arguments=(left, right)) if operation.kind == "operator" and value is not None:
                first, second = self.operand(left, record), self.operand(right, record)
                gap = distance(first.value, second.value) if operation.name not in ("=", "!=", "in") else None
                names = self.names(node, record, (left, right))
                return Condition("compare", text, words, value, operation.name, first, second, gap, names=names)
        return Condition("plain", text, words, value, names=self.names(node, record, (node,)))

    def said(self, node: core.Expr) -> core.Texts:
        if id(node) not in self.spoken:
            self.spoken[id(node)] = said(self.policy, node, written(node))
        return self.spoken[id(node)]

    @staticmethod
    def _home(owner: core.Expr, record: Record) -> Record | None:
        """The record that a definition is said of, where that is this record or one above it."""
        match owner:
            case core.Variable(slot=0):
                return record
            case core.Owner(record=core.Variable(slot=0), entity=entity):
                return record.ancestor(entity)
        return None

    def operand(self, node: core.Expr, record: Record) -> Operand:
        value = self.value(node, record)
        fixed = isinstance(node, core.Constant | core.Items)
        return Operand(written(node), self.said(node), False if value is None else value, node.type, fixed)

    def names(self, node: core.Expr, record: Record, shown: tuple[core.Expr, ...]) -> tuple[Operand, ...]:
        """The named values inside an expression that are not themselves shown as an operand, each once."""
        found: dict[str, Operand] = {}
        for inner in core.walk(node):
            if inner in shown or not isinstance(inner, core.Fact | core.Computed | core.Parameter | core.Dated | core.Met | core.Option):
                continue
            value = self.value(inner, record)
            if value is None or isinstance(inner.type, ListType | RecordType):
                continue
            found.setdefault(written(inner), self.operand(inner, record))
        return tuple(found.values())

    def chosen(self, node: core.Choose | core.Branches, record: Record) -> tuple[core.Expr | None, list[Operand]]:
        """The alternative that was taken, and what made it so; None where that is not known."""
        if isinstance(node, core.Choose):
            word = self.value(node.subject, record)
            following = dict(node.options).get(word, node.otherwise) if isinstance(word, str) else None
            return following, [self.operand(node.subject, record)]
        for branch in node.branches:
            held = self.value(branch.when, record)
            if held is True:
                return branch.value, [self.operand(branch.when, record)]
            if held is not False:
                return None, [self.operand(branch.when, record)]
        return node.otherwise, []

    def derivation(self, result: ResultValue, record: Record) -> Derivation:
        definition = self.policy.definitions[result.entity, result.name]
        node = definition.value
        because: list[Operand] = []
        sources = list(definition.words.sources)
        while True:
            match node:
                case core.Apply(operation=operation) if operation.name == "round" and isinstance(
                    node.arguments[0], core.Branches | core.Choose
                ):
                    node = node.arguments[0]
                case core.Branches() | core.Choose():
                    following, reasons = self.chosen(node, record)
                    because += reasons
                    if following is None:
                        break
                    if isinstance(node, core.Branches):
                        sources += [s for b in node.branches if b.value is following for s in b.words.sources]
                    node = following
                case _:
                    break
        names = self.names(node, record, (node,))
        label = definition.words.label if not definition.name.endswith("_score") or definition.name in self._named() else None
        parts = tuple(self.bonuses(record)) if definition.synthetic and definition.name == "final_score" else ()
        return Derivation(result, label, written(definition.value), self.said(node), tuple(because), names, tuple(sources), parts)

    def bonuses(self, record: Record) -> Iterator[tuple[core.Texts | None, str, Value, Condition, tuple[core.Source, ...]]]:
        """Each bonus of a score, with the points that it gives and why."""
        for (entity, name), definition in self.policy.definitions.items():
            if definition.synthetic and name.startswith("bonus.") and isinstance(definition.value, core.Branches):
                value = self.evaluation.definitions[entity, name, record]
                when = self.condition(definition.value.branches[0].when, record)
                yield definition.words.label, name.removeprefix("bonus."), value, when, definition.words.sources

    def sources(self, requirement: core.Requirement) -> tuple[core.Source, ...]:
        """Where a requirement comes from, and where the parameters come from that it compares with."""
        found = list(requirement.words.sources)
        amended = bool(self.policy.acts)
        pending = [requirement.check] if amended else []
        seen: set[tuple[str, str]] = set()
        while pending:
            for node in core.walk(pending.pop()):
                if isinstance(node, core.Parameter | core.Dated):
                    found += self.policy.parameters[node.name].words.sources
                elif isinstance(node, core.Computed) and (node.entity, node.name) not in seen:
                    seen.add((node.entity, node.name))
                    pending.append(self.policy.definitions[node.entity, node.name].value)
        return tuple(dict.fromkeys(found))

    def _named(self) -> set[str]:
        """Definitions that the policy itself names: what scoring stands for has fixed labels."""
        return {name for (_, name), d in self.policy.definitions.items() if not d.synthetic}


def written(node: core.Expr) -> str:
    """An expression as it is written, or, where it stands for a part of another section, as it would be."""
    match node:
        case core.Computed(name=name) | core.Parameter(name=name) | core.Option(reading=name) if not _is_own_text(node):
            return name
        case core.Apply(operation=operation, arguments=arguments) if not _is_own_text(node):
            parts = [written(a) for a in arguments]
            return f" {operation.name} ".join(parts) if operation.kind == "operator" else f"{operation.name}({', '.join(parts)})"
        case core.Branches(branches=branches, otherwise=otherwise) if not _is_own_text(node):
            tests = "".join(f"if {written(b.when)} then {written(b.value)} else " for b in branches)
            return tests + written(otherwise)
        case core.Choose(subject=subject) if not _is_own_text(node):
            return f"by {written(subject)}"
    return one_line(node.span.text)


def _is_own_text(node: core.Expr) -> bool:
    """Whether a node's place holds its own text, and not that of the section that it was made from."""
    text = node.span.text
    if re.search(r"\n\s*[A-Za-z_]+\s*:", text):
        return False
    match node:
        case core.Apply(arguments=arguments):
            starts = {a.span.start for a in arguments}
            return all(node.span.start <= a.span.start and a.span.end <= node.span.end for a in arguments) and len(starts) == len(arguments)
        case core.Computed(name=name) | core.Parameter(name=name) | core.Option(reading=name):
            return name.rpartition(".")[2] in text and "\n" not in text.strip()
    return True


def one_line(text: str) -> str:
    return " ".join(text.split())


def distance(left: Any, right: Any) -> Value | timedelta | None:
    """How far two compared values lie apart, in the unit of the first; None where they have no distance."""
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return abs(left - right)
    if isinstance(left, datetime) and isinstance(right, datetime):
        return abs(left - right)
    if type(left) is date and type(right) is date:
        return abs(left - right)
    return None
