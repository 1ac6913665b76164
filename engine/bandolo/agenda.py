"""The calendar of a policy as data: every deadline and every term to put something right, with what is known of each.

The values are those of the reference evaluator, on an application of which only the given facts are known.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from bandolo import limits
from bandolo.check import core
from bandolo.diagnostics import Diagnostic
from bandolo.diagnostics.spelling import nearest
from bandolo.evaluate.cure import last_day
from bandolo.evaluate.data import Plain
from bandolo.evaluate.decide import Identity
from bandolo.evaluate.inputs import Application, read_application
from bandolo.evaluate.reference import Evaluation, TooManySteps
from bandolo.evaluate.settle import Settled
from bandolo.language import calendar
from bandolo.language.types import RecordType
from bandolo.language.values import Fault, Record, Unknown, Value, either, is_known
from bandolo.records import dataclass

Kind = Literal["deadline", "cure"]
State = Literal["past", "next", "later"]
OnlyIf = tuple[str, tuple[str, ...]]
"""An open reading, and the options under which something is so."""


@dataclass(frozen=True, slots=True)
class ClosedDay:
    """A day that a term may not end on: a holiday with its name, or a Saturday or Sunday (None)."""

    day: date
    name: core.Texts | None


@dataclass(frozen=True, slots=True)
class Term:
    """One deadline, or one term to put something right.

    `end` is a date (that day included), an instant in the policy's zone, `none` where there is no event, or what keeps it from being
    known. `unrolled` is the same before it was moved to a working day, and `closed` are the days in between. A term that is `after`
    something from `start` says so, with their values; any other has `at`. `whose` is applicant, office, or None where the policy does
    not say. `only_if` is a reading that is open, with the options under which there is such a term at all.
    """

    kind: Kind
    name: str
    record: str | None
    label: core.Texts | None
    whose: str | None
    end: Value
    unrolled: Value
    closed: tuple[ClosedDay, ...]
    at: core.Expr | None
    after: core.Expr | None
    after_value: Value | None
    start: core.Expr | None
    start_value: Value | None
    sources: tuple[core.Source, ...]
    trial: tuple[str, ...]
    """The parameters that it rests on and that are set or assumed for trial."""
    requirements: tuple[str, ...] = ()
    only_if: OnlyIf | None = None
    state: State | None = None
    days_left: int | None = None

    @property
    def id(self) -> str:
        """What it is called wherever it is written: `deadline.guarantee`, `cure.agreement_signed`, with its record if it has one."""
        return f"{self.kind}.{self.name}" + (f" of {self.record}" if self.record is not None else "")

    @property
    def day(self) -> date | None:
        """The local day on which it ends, where that is known."""
        return self.end.date() if isinstance(self.end, datetime) else self.end if isinstance(self.end, date) else None

    @property
    def missing(self) -> tuple[str, ...]:
        """The facts, `parameter.NAME`, `reading.NAME` and `as_of` without which its end is not known."""
        return tuple(sorted(self.end.missing)) if isinstance(self.end, Unknown) else ()


@dataclass(frozen=True, slots=True)
class Agenda:
    """The calendar of a policy: known terms by their ends, then those that are not known yet, in the order of the policy.

    `as_of` is the clock as it was given; without it no term is past, next or later. `events` are the facts given for trial.
    """

    policy: core.Policy
    identity: Identity
    application: str | None
    now: datetime | None
    terms: tuple[Term, ...]
    events: tuple[str, ...]
    assumed: tuple[str, ...]
    changed: tuple[str, ...]

    @property
    def as_of(self) -> str | None:
        return self.identity.as_of

    def term(self, name: str, record: str | None = None) -> Term:
        """A term by the name of its deadline, or of a requirement that can be put right; KeyError if there is none."""
        for term in self.terms:
            if term.record == record and (term.name == name or name in term.requirements):
                return term
        raise KeyError(name)


# Facts given for trial.


def with_events(policy: core.Policy, application: Mapping[str, Any], events: Mapping[str, Any]) -> tuple[dict[str, Any], list[Diagnostic]]:
    """An application with some facts of the root put into it, those of one stage named `FACT at STAGE`.

    Codes: `unknown-fact`, `event-is-parameter`.
    """
    facts = policy.entities[policy.root].facts
    data = dict(application)
    found: list[Diagnostic] = []
    for given, raw in events.items():
        name, _, stage = (part.strip() for part in given.partition(" at "))
        value = Plain(raw) if type(raw) is str else raw
        if name not in facts:
            code = "event-is-parameter" if name in policy.parameters else "unknown-fact"
            args = {"name": name, "entity": policy.root}
            if code == "unknown-fact":
                args["nearest"] = nearest(name, facts) or ""
            found.append(Diagnostic(code, path=f"event.{name}", args=args))
        elif not facts[name].asked:
            data[name] = value
        else:
            before = data.get(name)
            moments = dict(before) if isinstance(before, Mapping) else {} if before is None else {facts[name].asked[0]: before}
            data[name] = {**moments, stage or facts[name].asked[0]: value}
    return data, found


def is_of_event(diagnostic: Diagnostic, events: Mapping[str, Any]) -> Diagnostic | None:
    """What is said of a fact that was given as an event, with its place there; None if it is about something else."""
    for given in events:
        name = given.partition(" at ")[0].strip()
        path = diagnostic.path or ""
        if path == f"$.{name}" or path.startswith(f"$.{name}."):
            return dataclasses.replace(diagnostic, path="event" + path.removeprefix("$"))
    return None


# The calendar.


def agenda(
    policy: core.Policy, settled: Settled, identity: Identity, data: object, events: tuple[str, ...], changed: tuple[str, ...]
) -> tuple[Agenda | None, list[Diagnostic]]:
    """The calendar of a policy for an application, however little is known of it, or the faults of its data."""
    application, diagnostics = read_application(policy, settled, data)
    if application is None:
        return None, diagnostics
    count = sum(len(records) for records in application.records.values())
    budget = limits.STEPS_BASE + count * limits.STEPS_PER_RECORD
    evaluation = Evaluation(policy, settled.settings, application.records, budget)
    maker = _Maker(policy, settled, application, evaluation, {*settled.assumed, *(c.partition(" = ")[0] for c in changed)})
    try:
        evaluation.run()
        terms = [*maker.deadlines(), *maker.cures()]
    except TooManySteps:
        return None, [Diagnostic("too-many-steps", path="$", args={"limit": budget})]
    clock = settled.settings.as_of
    now = calendar.wall_time(clock, policy.conventions.time_zone) if isinstance(clock, datetime) else None
    key = policy.entities[policy.root].key
    name = application.root.facts.get((key.name, None)) if key is not None else None
    shown = str(name) if name is not None and is_known(name) else None
    return Agenda(policy, identity, shown, now, _dated(terms, now), events, settled.assumed, changed), []


@dataclass(frozen=True, slots=True)
class _Maker:
    policy: core.Policy
    settled: Settled
    application: Application
    evaluation: Evaluation
    tried: set[str]

    def deadlines(self) -> Iterator[Term]:
        root = self.application.root
        for deadline in self.policy.deadlines:
            end = self._local(self.evaluation.definitions[self.policy.root, f"deadline.{deadline.name}", root])
            unrolled = self._local(self.evaluation.value(deadline.end, {0: root}))
            said = (deadline.end, deadline.after, deadline.start)
            yield Term(
                "deadline", deadline.name, None, deadline.words.label, deadline.whose, end, unrolled, self._closed(unrolled, end),
                None if deadline.start is not None else deadline.end,
                deadline.after, self._value(deadline.after, root), deadline.start, self._value(deadline.start, root),
                self._sources(deadline.words.sources, (deadline.after or deadline.end,)), self._trial(said),
            )  # fmt: skip

    def cures(self) -> Iterator[Term]:
        """The terms of `suspend`, one for all requirements that share it; not of what is met or does not apply."""
        root = self.policy.root
        groups: dict[tuple[str, core.Expr, core.Expr, OnlyIf | None], list[core.Requirement]] = {}
        for requirement in self.policy.requirements.values():
            for effect, only_if in self._suspending(requirement):
                assert effect.cure is not None
                assert effect.cure_from is not None
                cure, start = _of_root(effect.cure, root), _of_root(effect.cure_from, root)
                # Expressions are equal where they say the same, wherever they are written.
                if cure is not None and start is not None:
                    groups.setdefault((root, cure, start, only_if), []).append(requirement)
                else:
                    groups.setdefault((requirement.entity, effect.cure, effect.cure_from, only_if), []).append(requirement)
        names: set[str] = set()
        for (entity, cure, start, only_if), requirements in groups.items():
            effect = core.Effect("suspend", cure, start)
            if entity == root:
                made = [self._cure(effect, [r for r in requirements if self._anywhere(r)], self.application.root, only_if)]
            elif self.application.records[entity]:
                records = self.application.records[entity]
                made = [self._cure(effect, [r for r in requirements if self._open(r, record)], record, only_if) for record in records]
            else:
                made = [self._cure(effect, [r for r in requirements if self._anywhere(r)], None, only_if)]
            for term in (t for t in made if t is not None):
                # One requirement may have different terms under the options of an open reading.
                name = term.name if only_if is None or term.id not in names else f"{term.name}_{only_if[1][0]}"
                names.add(term.id)
                yield dataclasses.replace(term, name=name)

    def _suspending(self, requirement: core.Requirement) -> Iterator[tuple[core.Effect, OnlyIf | None]]:
        """The effects with a term that a failure may have, each with the options of an open reading that it needs."""
        chosen = self.settled.settings.options[requirement.effect_by] if requirement.effect_by is not None else ""
        if isinstance(chosen, str):
            effect = requirement.effects[chosen]
            if effect.word == "suspend" and effect.cure is not None and effect.cure_from is not None:
                yield effect, None
            return
        assert requirement.effect_by is not None
        by_term: dict[tuple[core.Expr, core.Expr], list[str]] = {}
        for option, effect in requirement.effects.items():
            if effect.word == "suspend" and effect.cure is not None and effect.cure_from is not None:
                by_term.setdefault((effect.cure, effect.cure_from), []).append(option)
        for (cure, start), options in by_term.items():
            yield core.Effect("suspend", cure, start), (requirement.effect_by, tuple(options))

    def _open(self, requirement: core.Requirement, record: Record) -> bool:
        gone = record.owner is not None and self.evaluation.admitted[record, ""] is False
        return not gone and self.evaluation.verdicts[requirement.id, record] in ("failed", "unknown")

    def _anywhere(self, requirement: core.Requirement) -> bool:
        """Whether a requirement is open for any of its records, or may be for those that are not listed yet."""
        return any(self._open(requirement, r) for r in self.application.records[requirement.entity]) or self._unlisted(requirement.entity)

    def _unlisted(self, name: str) -> bool:
        entity = self.policy.entities[name]
        if entity.owner is None or entity.listed_in is None:
            return False
        lists = [owner.facts[entity.listed_in, None] for owner in self.application.records[entity.owner]]
        return any(isinstance(listed, Unknown) for listed in lists) or self._unlisted(entity.owner)

    def _cure(
        self, effect: core.Effect, requirements: list[core.Requirement], record: Record | None, only_if: OnlyIf | None
    ) -> Term | None:  # fmt: skip
        """A term to put something right, of a record or of those that are not listed yet (None)."""
        if not requirements:
            return None
        assert effect.cure_from is not None
        if record is None:
            facts = [n.name for n in core.walk(effect.cure_from) if isinstance(n, core.Fact)]
            end: Value = Unknown(frozenset(f"{requirements[0].entity}.{name}" for name in facts))
            length, start = None, None
        else:
            end = last_day(self.evaluation, effect, record)
            length, start = self._value(effect.cure, record), self._value(effect.cure_from, record)
        path = None if record is None or record.owner is None else record.path
        said = (effect.cure, effect.cure_from)
        quotes = tuple(dict.fromkeys(s for r in requirements for s in r.words.sources))
        return Term(
            "cure", requirements[0].id, path, None, "applicant", end, end, (), None, effect.cure, length, effect.cure_from, start,
            self._sources((), (effect.cure,)) or quotes, self._trial(said), tuple(r.id for r in requirements), only_if,
        )  # fmt: skip

    # Values, and what stands behind them.

    def _value(self, node: core.Expr | None, record: Record) -> Value | None:
        return None if node is None else self._local(self.evaluation.value(node, {0: record}))

    def _local(self, value: Value) -> Value:
        try:
            return calendar.wall_time(value, self.policy.conventions.time_zone) if isinstance(value, datetime) else value
        except calendar.OutOfRange:
            return value  # at the very edge of the calendar, in UTC

    def _closed(self, unrolled: Value, end: Value) -> tuple[ClosedDay, ...]:
        """The days that a term was moved over."""
        place = self.policy.conventions.working_days
        if place is None or isinstance(end, datetime) or not isinstance(end, date) or not isinstance(unrolled, date):
            return ()
        days = [unrolled + timedelta(days=n) for n in range((end - unrolled).days)]
        names = [(day, calendar.holiday_name(day, *place, "it"), calendar.holiday_name(day, *place, "en")) for day in days]
        return tuple(ClosedDay(day, core.Texts(it, en) if it is not None and en is not None else None) for day, it, en in names)

    def _parameters(self, nodes: tuple[core.Expr | None, ...]) -> list[str]:
        """The parameters that some expressions rest on, also through definitions."""
        found: dict[str, None] = {}
        seen: set[tuple[str, str]] = set()
        waiting = [n for n in nodes if n is not None]
        while waiting:
            for node in core.walk(waiting.pop()):
                if isinstance(node, core.Parameter | core.Dated):
                    found[node.name] = None
                elif isinstance(node, core.Computed) and (node.entity, node.name) not in seen:
                    seen.add((node.entity, node.name))
                    waiting.append(self.policy.definitions[node.entity, node.name].value)
        return list(found)

    def _sources(self, own: tuple[core.Source, ...], nodes: tuple[core.Expr | None, ...]) -> tuple[core.Source, ...]:
        """The passages of a term, and those of the parameters that hold its day or its length."""
        behind = [s for name in self._parameters(nodes) for s in self.policy.parameters[name].words.sources]
        return tuple(dict.fromkeys([*own, *behind]))

    def _trial(self, nodes: tuple[core.Expr | None, ...]) -> tuple[str, ...]:
        return tuple(name for name in self._parameters(nodes) if name in self.tried)


def _of_root(node: core.Expr, root: str) -> core.Expr | None:
    """What an expression of a listed record says of the root alone, as the root would say it; None where it speaks of the record."""
    match node:
        case core.Owner(entity=entity) if entity == root:
            return core.Variable(node.span, RecordType(root), 0)
        case core.Variable(type=RecordType(entity=entity)):
            return node if entity == root else None
        case core.Constant() | core.Parameter():
            return node
        case core.Fact() | core.Computed():
            record = _of_root(node.record, root)
            return None if record is None else dataclasses.replace(node, record=record)
        case core.Apply(arguments=arguments):
            parts = [p for a in arguments if (p := _of_root(a, root)) is not None]
            return dataclasses.replace(node, arguments=tuple(parts)) if len(parts) == len(arguments) else None
    return None


LAST = datetime.max.replace(tzinfo=UTC)


def moment(term: Term) -> tuple[date, datetime]:
    """What known terms are sorted by; a day ends after every hour of it."""
    assert term.day is not None
    # In UTC: two local times of one zone are compared by their hands, which a clock change sets back.
    return term.day, term.end.astimezone(UTC) if isinstance(term.end, datetime) else LAST


def _dated(terms: list[Term], now: datetime | None) -> tuple[Term, ...]:
    """Known terms in order of time, each past, next or later where the clock is known; then the others, in the order of the policy."""
    known = sorted((t for t in terms if t.day is not None), key=moment)
    rest = [t for t in terms if t.day is None]
    if now is None:
        return (*known, *rest)
    coming = next((moment(t) for t in known if not _is_past(t, now)), None)
    marked = []
    for term in known:
        assert term.day is not None
        state: State = "past" if _is_past(term, now) else "next" if moment(term) == coming else "later"
        marked.append(dataclasses.replace(term, state=state, days_left=(term.day - now.date()).days))
    return (*marked, *rest)


def _is_past(term: Term, now: datetime) -> bool:
    if isinstance(term.end, datetime):
        return now.astimezone(UTC) > term.end.astimezone(UTC)
    return term.day is not None and now.date() > term.day


def agreed(agendas: list[Agenda], open_: list[Unknown | Fault]) -> Agenda:
    """What the calendars under all possible texts say; where they differ, what would tell which text holds is missing."""
    last = agendas[0]
    missing = Unknown(frozenset().union(*(o.missing for o in open_ if isinstance(o, Unknown))))
    by_id = [{t.id: t for t in a.terms} for a in agendas]
    terms = []
    for id_ in dict.fromkeys(i for ids in by_id for i in ids):
        those = [ids.get(id_) for ids in by_id]
        first = next(t for t in those if t is not None)
        ends = [missing if t is None else t.end for t in those]
        if any(type(e) is not type(first.end) or e != first.end for e in ends):
            first = dataclasses.replace(first, end=either([*ends, missing]), closed=(), state=None, days_left=None)
        terms.append(first)
    return dataclasses.replace(last, terms=_dated(terms, last.now))
