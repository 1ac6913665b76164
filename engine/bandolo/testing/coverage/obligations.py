"""What the cases of a policy have to look at, listed from `core`: one obligation for each thing that can go one way or another.

Every obligation needs one or more *points* to be seen (a verdict, a row, a condition that decides by holding). A point is a text that is
the same for every text of the policy (as issued, as amended), so that what any case sees counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from bandolo.check import core
from bandolo.explain.formulas import said
from bandolo.explain.reasons import one_line, written
from bandolo.language.types import BOOLEAN, RecordType
from bandolo.source import Span
from bandolo.syntax import ast
from bandolo.syntax.amendment import Amendment
from bandolo.testing.coverage.impossible import NEVER_UNKNOWN, constant, decided_by_constants, may_be_unknown
from bandolo.testing.coverage.structure import bound_in, comparison, first_line, is_within, leaves_of, span_key, structure
from bandolo.testing.coverage.words import asked

Kind = Literal["verdict", "effect", "condition", "branch", "row", "band", "version", "option", "deadline", "ranking", "act"]
KINDS: tuple[Kind, ...] = ("verdict", "effect", "condition", "branch", "row", "band", "version", "option", "deadline", "ranking", "act")

VERDICTS = ("met", "failed", "unknown", "not_applicable")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is written: file, first line and column, last line, all counted from 1."""

    path: str
    line: int
    column: int
    end: int


@dataclass(frozen=True, slots=True)
class Obligation:
    """One thing for the cases to look at.

    `rule` is the entry of the policy that it belongs to (`requirement enough_firms`). `needs` are the points that must be seen, and
    `questions` what is asked while one of them is not, in the same order. `impossible` says why it cannot be seen and does not count.
    """

    id: str
    kind: Kind
    rule: str
    place: Place
    needs: tuple[str, ...]
    questions: tuple[core.Texts, ...]
    impossible: core.Texts | None = None


@dataclass(slots=True)
class Survey:
    """The obligations of one text of a policy, and what an evaluation of it has to note.

    `frames` are the nodes whose parts are looked at together, by identity: a condition with its parts, an `if`, a table, bands, a dated
    parameter. `members` are those parts. `leaves` gives the point of a part of a condition, without how it came out.
    """

    policy: core.Policy
    obligations: list[Obligation] = field(default_factory=list)
    frames: dict[int, core.Expr] = field(default_factory=dict)
    members: set[int] = field(default_factory=set)
    leaves: dict[int, str] = field(default_factory=dict)
    decisions: set[int] = field(default_factory=set)
    rows: dict[int, dict[str, str]] = field(default_factory=dict)
    """Of a choice, the point of each word; `` is what no row names."""


def survey(policy: core.Policy, document: ast.PolicyDoc | None) -> Survey:
    """The obligations of a policy, in the order of the file. Tables, bands and formulas stand where they are written, not where used."""
    made = _Surveyor(policy, document)
    made.all()
    found = made.survey
    found.obligations.sort(key=lambda o: (o.place.path, o.place.line, o.place.column, KINDS.index(o.kind)))
    return found


def reach_of(act: Amendment) -> Obligation | None:
    """That an act which does not reach every application is seen to reach one, and to leave one alone."""
    if act.applies_to is None:
        return None
    needs = (f"act:{act.id}:reached", f"act:{act.id}:left")
    questions = (asked("act.reached", act=act.title), asked("act.left", act=act.title))
    return Obligation(f"{act.id}/act/reach", "act", f"act {act.id}", place_of(act.applies_to.span), needs, questions)


def point(span: Span, *words: object) -> str:
    """A point at a place of a file."""
    return "|".join([span.source.path, f"{span.start}-{span.end}", *map(str, words)])


def place_of(span: Span) -> Place:
    last = span.source.position(max(span.start, span.start + len(span.text.rstrip()) - 1))[0]
    return Place(span.source.path, span.line, span.column, last)


class _Surveyor:
    def __init__(self, policy: core.Policy, document: ast.PolicyDoc | None) -> None:
        self.policy = policy
        self.survey = Survey(policy)
        self.rule = ""
        self.seen: set[tuple[str, ...]] = set()
        self.ids: dict[str, int] = {}
        self.above: dict[int, tuple[tuple[str, tuple[str, str]], ...]] = {}
        """For a table inside a table, the rows that lead to it."""
        self.shared = list(_shared(document)) if document is not None else []
        readings = document.readings if document is not None else ()
        self.options = {(r.name.name, ident.name): ident.span for r in readings for ident, _ in r.options}

    def all(self) -> None:
        policy = self.policy
        for name, reading in policy.readings.items():
            self.rule = f"reading {name}"
            for option, texts in reading.options.items():
                span = self.options.get((name, option), reading.span)
                self.add("option", span, option, [f"reading:{name}={option}"], [asked("option", option=(texts.it, texts.en))])
        for stage in policy.stages:
            if stage.opens is not None:
                self.rule = f"stage {stage.name}"
                self.expression(stage.opens, True)
        for name, parameter in policy.parameters.items():
            self.rule = f"parameter {name}"
            self._versions(parameter)
        for (entity, name), definition in policy.definitions.items():
            self._definition(entity, name, definition)
        for requirement in policy.requirements.values():
            self.rule = f"requirement {requirement.id}"
            self._requirement(requirement)
        if policy.ranking is not None:
            self.rule = "ranking"
            self._ranking(policy.ranking)

    def add(
        self, kind: Kind, span: Span, slug: str, needs: list[str], questions: list[core.Texts], impossible: core.Texts | None = None
    ) -> None:
        """One more obligation, unless the same has been listed: a formula or a table is used in several places."""
        if tuple(needs) in self.seen:
            return
        self.seen.add(tuple(needs))
        rule = self._rule_at(span)
        id_ = f"{rule.rpartition(' ')[2]}/{kind}/{one_line(slug)[:80]}"
        self.ids[id_] = self.ids.get(id_, 0) + 1
        if self.ids[id_] > 1:
            id_ += f"#{self.ids[id_]}"
        self.survey.obligations.append(Obligation(id_, kind, rule, place_of(span), tuple(needs), tuple(questions), impossible))

    def _rule_at(self, span: Span) -> str:
        """A table, bands or a formula where the place is inside one, else the rule that is being read."""
        inside = (r for whole, r in self.shared if whole.source.path == span.source.path and whole.start <= span.start < whole.end)
        return next(inside, self.rule)

    def words(self, node: core.Expr, code: str | None = None) -> tuple[str, str]:
        code = one_line(code or written(node))
        if any(isinstance(n, core.Variable) and n.slot and not isinstance(n.type, RecordType) for n in core.walk(node)):
            return code, code  # of a formula: its arguments have names and no labels
        texts = said(self.policy, node, code)
        return texts.it, texts.en

    # The sections.

    def _versions(self, parameter: core.ParameterDeclaration) -> None:
        for i, version in enumerate(parameter.versions):
            start, end = (str(d) if d is not None else "…" for d in (version.start, version.end))
            question = asked("version", start=(start, start), end=(end, end))
            self.add("version", version.value.span, f"{start} {end}", [f"version:{parameter.name}:{i}"], [question])

    def _definition(self, entity: str, name: str, definition: core.Definition) -> None:
        kind, dot, rest = name.partition(".")
        if definition.synthetic:
            self.rule = f"{kind} {rest}" if dot else "scoring"
        else:
            self.rule = f"definition {name if entity == self.policy.root else f'{entity}.{name}'}"
        value = definition.value
        if kind == "deadline" and dot:
            self.add("deadline", definition.span, rest, [f"deadline:{rest}"], [asked("deadline")])
            self._deadline(value)
        elif name == "final_score" and definition.synthetic and isinstance(value, core.Branches):
            # Whether the minimum is reached is the verdict of `minimum_score`.
            self.expression(value.otherwise, False)
        else:
            self.expression(value, True)

    def _deadline(self, value: core.Expr) -> None:
        """Of a term only what is written: that it is none without its event is implied."""
        match value:
            case core.Branches(branches=(core.Branch(when=core.IsNone()),), otherwise=otherwise):
                self._deadline(otherwise)
            case core.Let(value=inner, body=body):
                self._deadline(inner)
                self._deadline(body)
            case core.Choose(subject=core.Option()):
                self.choice(value)
                self._deadline(value.options[0][1])
            case _:
                self.expression(value, False)

    def _requirement(self, requirement: core.Requirement) -> None:
        fixed = constant(requirement.check)
        unsure = may_be_unknown(self.policy, [requirement.check, *([requirement.applies] if requirement.applies is not None else [])])
        for verdict in VERDICTS:
            if verdict == "not_applicable" and requirement.applies is None:
                continue
            impossible = None
            if verdict == "unknown" and not unsure:
                impossible = NEVER_UNKNOWN
            elif fixed is not None and verdict == ("failed" if fixed is True else "met"):
                impossible = decided_by_constants(fixed)
            needs = [f"verdict:{requirement.id}:{verdict}"]
            at = requirement.applies if verdict == "not_applicable" and requirement.applies is not None else requirement.check
            self.add("verdict", at.span, verdict, needs, [asked(f"verdict.{verdict}")], impossible)
        self._effects(requirement)
        if requirement.applies is not None:
            self.expression(requirement.applies, False)
        self.expression(requirement.check, False)

    def _effects(self, requirement: core.Requirement) -> None:
        for option, effect in requirement.effects.items():
            if requirement.effect_by is not None:
                texts = self.policy.readings[requirement.effect_by].options[option]
                question = asked("effect", option=(texts.it, texts.en), effect=(effect.word, effect.word))
                self.add("effect", requirement.span, f"{requirement.effect_by}={option}", [f"effect:{requirement.id}:{option}"], [question])
            if effect.word == "suspend" and effect.cure is not None:
                for state in ("open", "lapsed"):
                    needs = [f"cure:{requirement.id}:{state}"]
                    self.add("effect", requirement.span, f"cure {state}", needs, [asked(f"cure.{state}")])

    def _ranking(self, plan: core.RankingPlan) -> None:
        span = plan.order_by[0][0].span
        for status in _statuses(self.policy, plan):
            self.add("ranking", span, f"status {status}", [f"ranking:status:{status}"], [asked(f"status.{status}")])
        for i, (key, _) in enumerate(plan.order_by):
            question = asked("order", key=self.words(key))
            self.add("ranking", key.span, f"order {written(key)}", [f"ranking:key:{i}"], [question])
            self.expression(key, False)
        self.add("ranking", span, "tie", ["ranking:tie"], [asked("tie")])
        if plan.exclusive_record is not None and plan.exclusive_key is not None:
            for event in ("struck", "fell"):
                self.add("ranking", plan.exclusive_key.span, event, [f"ranking:{event}"], [asked(event)])
            self.expression(plan.exclusive_key, False)
            for key, _ in plan.keep:
                self.expression(key, False)
        for name, (reading, alternatives) in plan.words_by.items():
            for option, words in alternatives.items() if reading is not None else ():
                question = asked("alternative", name=(name, name), words=(", ".join(words), ", ".join(words)))
                self.add("ranking", span, f"{name} {option}", [f"ranking:{name}:{option}"], [question])
        for node in (plan.budget, plan.award, *(n for _, amount, part in plan.pots for n in (amount, part))):
            if node is not None:
                self.expression(node, False)

    # Expressions.

    def expression(self, node: core.Expr, wanted: bool) -> None:
        """What an expression asks. `wanted`: a plain condition here must be seen to hold and not to hold.

        It need not where something else says the same: the verdicts of a requirement, the branches of an `if`.
        """
        if node.type == BOOLEAN:
            leaves = list(leaves_of(node))
            plain = len(leaves) == 1 and (not wanted or isinstance(leaves[0], core.Branches | core.Choose | core.Constant))
            if not plain:
                self.decision(node, leaves)
            for bound in bound_in(node):
                self.expression(bound, False)
            for leaf in leaves:
                self.parts(leaf)
        else:
            self.parts(node)

    def parts(self, node: core.Expr) -> None:
        """What stands inside a node that is not itself made of conditions."""
        match node:
            case core.Branches(branches=branches, otherwise=otherwise):
                self.branches(node)
                for branch in branches:
                    self.expression(branch.when, False)
                    self.expression(branch.value, True)
                self.expression(otherwise, True)
            case core.Choose(subject=subject, options=options, otherwise=fallback):
                self.choice(node)
                self.expression(subject, False)
                for value in [*(v for _, v in options), *([fallback] if fallback is not None else [])]:
                    self.expression(value, True)
            case core.Brackets():
                self.bands(node)
                self.expression(node.amount, False)
            case core.Dated():
                self.frame(node, [node.date])
                self.expression(node.date, False)
            case core.Filter(list=listed, condition=condition):
                self.expression(listed, False)
                self.expression(condition, True)
            case core.Map(list=listed, item=item):
                self.expression(listed, False)
                self.expression(item, True)
            case _:
                for child in core.children(node):
                    self.expression(child, False)

    def frame(self, node: core.Expr, members: Iterable[core.Expr]) -> None:
        self.survey.frames[id(node)] = node
        self.survey.members.update(id(m) for m in members)

    def decision(self, node: core.Expr, leaves: list[core.Expr]) -> None:
        self.frame(node, structure(node))
        self.survey.decisions.add(id(node))
        for i, leaf in enumerate(leaves):
            before = sum(span_key(other) == span_key(leaf) for other in leaves[:i])
            twins = sum(span_key(other) == span_key(leaf) for other in leaves) > 1
            at = point(leaf.span, "condition", before)
            self.survey.leaves[id(leaf)] = at
            code = comparison(leaf) if twins else written(leaf)
            words = self.words(leaf, code)
            fixed = constant(leaf)
            alone = "alone" if len(leaves) > 1 else "plain"
            questions = [asked(f"{alone}.true", condition=words), asked(f"{alone}.false", condition=words)]
            impossible = decided_by_constants(fixed) if fixed is not None else None
            self.add("condition", leaf.span, code, [f"{at}|true", f"{at}|false"], questions, impossible)

    def branches(self, node: core.Branches) -> None:
        self.frame(node, [b.when for b in node.branches])
        for i, branch in enumerate(node.branches):
            at = point(node.span, "branch", i)
            fixed = constant(branch.when)
            impossible = decided_by_constants(fixed) if fixed is False else None
            self.add("branch", branch.when.span, written(branch.when), [at], [asked("branch", when=self.words(branch.when))], impossible)
        always = any(constant(b.when) is True for b in node.branches)
        impossible = decided_by_constants(True) if always else None
        at = point(node.span, "branch", "otherwise")
        first = node.branches[0].when
        # What stands there may be written elsewhere (a base value): the place is that of the conditions.
        self.add("branch", first.span, f"otherwise {written(first)}", [at], [asked("otherwise", when=self._listed(node))], impossible)

    def _listed(self, node: core.Branches) -> tuple[str, str]:
        texts = [self.words(b.when) for b in node.branches]
        return "; ".join(t[0] for t in texts), "; ".join(t[1] for t in texts)

    def choice(self, node: core.Choose) -> None:
        self.frame(node, [node.subject])
        of_reading = isinstance(node.subject, core.Option)
        kind: Kind = "branch" if of_reading else "row"
        above = self.above.get(id(node), ())
        rate = self._rule_at(_first_value(node).span)
        in_table = rate.startswith("rate ")
        # A table is used in several places: its own name stands for whatever chooses in it.
        name = rate.removeprefix("rate ").replace("_", " ")
        subject = (name, name) if in_table else self.words(node.subject)
        rows = self.survey.rows.setdefault(id(node), {})
        # Where each option has a place of its own, it is asked there; a rounding that a reading chooses has none.
        distinct = len({span_key(v) for _, v in node.options}) == len(node.options)
        own = distinct and (in_table or all(is_within(v.span, node.span) for _, v in node.options))
        for word, value in node.options:
            texts = self._word(node.subject, word)
            chain = (*above, (word, texts))
            if isinstance(value, core.Choose) and in_table and self._rule_at(_first_value(value).span) == rate:
                self.above[id(value)] = chain  # a table by several choices: the rows inside tell
                continue
            words = ", ".join(t[0] for _, t in chain), ", ".join(t[1] for _, t in chain)
            slug = " ".join(w for w, _ in chain) if in_table else f"{written(node.subject)} = {word}"
            span = value.span if own else first_line(node.span)
            rows[word] = point(span if in_table else node.span, "row", word)
            self.add(kind, span, slug, [rows[word]], [asked("row", subject=subject, word=words)])
        if node.otherwise is not None:
            rows[""] = point(node.otherwise.span if in_table else node.span, "otherwise", *(w for w, _ in above))
            slug = " ".join([*(w for w, _ in above), "otherwise"]) if in_table else f"{written(node.subject)} otherwise"
            self.add("row", node.otherwise.span, slug, [rows[""]], [asked("row.otherwise", subject=subject)])

    def _word(self, subject: core.Expr, word: str) -> tuple[str, str]:
        if isinstance(subject, core.Option):
            texts = self.policy.readings[subject.reading].options[word]
            return texts.it, texts.en
        type_ = getattr(subject.type, "of", subject.type)
        told = getattr(type_, "said", None)
        return (told(word, "it"), told(word, "en")) if told is not None else (word, word)

    def bands(self, node: core.Brackets) -> None:
        self.frame(node, [node.amount, *(s.to for s in node.steps if s.to is not None)])
        for i, step in enumerate(node.steps):
            at = step.to if step.to is not None else step.amount
            if step.to is None:
                question, slug = asked("band.above"), "above"
            else:
                question, slug = asked("band", to=self.words(step.to)), f"to {written(step.to)}"
            self.add("band", at.span, slug, [f"band:{node.name}:{i}"], [question])


def _statuses(policy: core.Policy, plan: core.RankingPlan) -> Iterator[str]:
    """The statuses that a ranking of the policy can give."""
    short = {w for words in plan.words_by.get("when_short", (None, {"": ("stop",)}))[1].values() for w in words}
    money = plan.budget is not None or bool(plan.pots)
    yield "financed"
    if money and "partial" in short:
        yield "partly_financed"
    if money:
        yield "admitted_not_financed"
    yield "not_admitted"
    if any(r.may("suspend", "refer", "bar") for r in policy.requirements.values()):
        yield "suspended"
    yield "undetermined"


def _shared(document: ast.PolicyDoc) -> Iterator[tuple[Span, str]]:
    """The entries that are written once and used in many rules."""
    for rate in document.rates:
        yield _whole(rate.span, rate.values.span), f"rate {rate.name.name}"
        if rate.otherwise is not None:
            yield rate.otherwise.span, f"rate {rate.name.name}"
    for bands in document.bands:
        for step in bands.steps:
            yield step.to.span, f"bands {bands.name.name}"
        yield bands.above.span, f"bands {bands.name.name}"
    for formula in document.formulas:
        yield formula.value.span, f"formula {formula.name.name}"


def _whole(span: Span, inner: Span) -> Span:
    return span if is_within(inner, span) else inner


def _first_value(node: core.Choose) -> core.Expr:
    """The value of the first row, of the inner table where a table is inside."""
    value = node.options[0][1]
    return _first_value(value) if isinstance(value, core.Choose) else value
