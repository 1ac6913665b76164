"""One decision: read the application, compute every step, weigh the verdicts into stages and an outcome."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from fractions import Fraction
from functools import lru_cache

from bandolo import limits
from bandolo.check import core
from bandolo.diagnostics import Diagnostic
from bandolo.evaluate.cure import last_day
from bandolo.evaluate.decision import (
    Decision,
    FaultFound,
    Quote,
    RequirementResult,
    ResultValue,
    StruckRecord,
    Verdict,
)  # fmt: skip
from bandolo.evaluate.inputs import Application, read_application
from bandolo.evaluate.reference import Evaluation, Strikes, TooManySteps
from bandolo.evaluate.settle import Changes, Settled
from bandolo.evaluate.shares import CENT
from bandolo.evaluate.stages import outcome_of, status_of
from bandolo.evaluate.watching import evaluation_of, watched
from bandolo.evaluate.wire import plain
from bandolo.language import calendar
from bandolo.language.functions import round_
from bandolo.language.types import MONEY, Language, OptionalType
from bandolo.language.values import Fault, Record, Unknown, Value, bounds, is_known
from bandolo.language.wording import say
from bandolo.records import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """What a decision says of its own making."""

    engine: str
    amendments: tuple[str, ...]
    as_of: str | None
    policy_digest: str


def decide(
    policy: core.Policy, settled: Settled, changes: Changes, identity: Identity, data: object, trace: bool = False
) -> tuple[Decision | None, list[Diagnostic]]:
    """The decision on an application, or the faults of its data. Codes: those of `read_application`, and `too-many-steps`."""
    application, diagnostics = read_application(policy, settled, data)
    if application is None:
        return None, diagnostics
    try:
        _, decision = evaluated(policy, settled, changes, identity, application, Strikes(), trace)
    except TooManySteps as error:
        return None, [Diagnostic("too-many-steps", path="$", args={"limit": error.args[0]})]
    return decision, []


def evaluated(
    policy: core.Policy, settled: Settled, changes: Changes, identity: Identity, application: Application, strikes: Strikes, trace: bool
) -> tuple[Evaluation, Decision]:
    """The decision on an application that has been read, with what was computed on the way. Raises TooManySteps with the budget."""
    count = sum(len(records) for records in application.records.values())
    budget = limits.STEPS_BASE + count * limits.STEPS_PER_RECORD
    evaluation = evaluation_of(policy, settled.settings, application.records, budget, trace, strikes)
    try:
        evaluation.run()
        decision = assembled(policy, settled, changes, identity, application, evaluation)
    except TooManySteps:
        raise TooManySteps(budget) from None
    watcher = watched()
    if watcher is not None:
        watcher.decided(evaluation, decision)
    return evaluation, decision


def assembled(
    policy: core.Policy, settled: Settled, changes: Changes, identity: Identity, application: Application, evaluation: Evaluation
) -> Decision:
    """The decision that an evaluation comes to, all of whose steps have run. Raises TooManySteps where a message costs too much."""
    return _Assembly(policy, settled, changes, identity, application, evaluation).decision()


def lapse(evaluation: Evaluation, effect: core.Effect, record: Record) -> tuple[Value, bool | Unknown]:
    """The last day to put a matter right, and whether the clock has passed it."""
    due = last_day(evaluation, effect, record)
    now = evaluation.settings.as_of
    if not isinstance(due, date):
        return due, False
    if isinstance(now, Unknown):
        return due, now
    assert isinstance(now, datetime)
    return due, calendar.wall_time(now, evaluation.policy.conventions.time_zone).date() > due


class _Assembly:
    """Puts a decision together from what was computed."""

    def __init__(
        self, policy: core.Policy, settled: Settled, changes: Changes, identity: Identity, application: Application, evaluation: Evaluation
    ) -> None:
        self.policy, self.settled, self.changes, self.identity = policy, settled, changes, identity
        self.application, self.evaluation = application, evaluation
        self.places = {entity: sorted(records, key=_place) for entity, records in application.records.items()}
        self.ordered: dict[int, tuple[frozenset[str], tuple[str, ...]]] = {}
        self.faults: dict[tuple[str, str], set[str]] = {}
        self.texts: dict[tuple[str, str], str] = {}

    def decision(self) -> Decision:
        policy = self.policy
        results = self._requirements()
        by_stage: dict[str, list[RequirementResult]] = {s.name: [] for s in policy.stages}
        for result in results:
            by_stage[result.stage].append(result)
        unlisted = self._unlisted()
        stages = {
            s.name: status_of(
                self.evaluation.open[s.name],
                by_stage[s.name],
                policy.root,
                self._may_be_stopped(s.name, unlisted),
            )
            for s in policy.stages
        }
        outcome, stage = outcome_of(stages)
        excluded = self._excluded(results)
        barred = self._barred(results)
        values = self._results()
        self._opening_faults()
        named = self._named(results, values)
        root = self.application.root
        key = policy.entities[policy.root].key
        name = root.facts.get((key.name, None)) if key is not None else None
        return Decision(
            policy.id, self.identity.policy_digest, self.identity.engine, self.identity.amendments,
            str(name) if name is not None and is_known(name) else None, self.application.digest, self.identity.as_of,
            outcome, stage, stages, tuple(results), excluded, barred, values, self._missing(results, stages, unlisted),
            tuple(n.removeprefix("parameter.") for n in named if n.startswith("parameter.")),
            tuple(n.removeprefix("reading.") for n in named if n.startswith("reading.")), self.settled.assumed,
            changes_said(policy, self.changes),
            {n: v for n, v in self.settled.settings.options.items() if isinstance(v, str)}, self._faults(),
            self.evaluation if self.evaluation.traced else None,
        )  # fmt: skip

    # Lists that are not there.

    def _unlisted(self) -> dict[str, frozenset[str]]:
        """The entities whose records are not all known, because a list of them is missing: the lists, by entity."""
        found: dict[str, frozenset[str]] = {}
        for name in self.policy.root_names():
            entity = self.policy.entities[name]
            if entity.owner is None or entity.listed_in is None:
                continue
            missing = found.get(entity.owner, frozenset())
            for owner in self.application.records[entity.owner]:
                listed = owner.facts[entity.listed_in, None]
                gone = owner.owner is not None and self.evaluation.admitted[owner, ""] is False
                if isinstance(listed, Unknown) and not gone:
                    missing |= listed.missing
            if missing:
                found[name] = missing
        return found

    def _may_be_stopped(self, stage: str, unlisted: dict[str, frozenset[str]]) -> bool:
        """Whether records that are not known yet could still stop a stage."""
        return any(
            r.stage == stage and r.entity in unlisted and r.may("reject", "suspend", "refer") for r in self.policy.requirements.values()
        )

    # Requirements.

    def _requirements(self) -> list[RequirementResult]:
        """Every verdict, by stage, then by level, then by id, then by record: the order of the file does not matter."""
        policy = self.policy
        found = []
        order = sorted(policy.requirements.values(), key=lambda r: (policy.stage_index(r.stage), policy.depth(r.entity), r.entity, r.id))
        for requirement in order:
            sources = _quotes(requirement.words.sources)
            found += [self._requirement(requirement, record, sources) for record in self.places[requirement.entity]]
        return found

    def _requirement(self, requirement: core.Requirement, record: Record, sources: tuple[Quote, ...]) -> RequirementResult:
        evaluation = self.evaluation
        verdict: Verdict = evaluation.verdicts[requirement.id, record]  # type: ignore[assignment]
        effect = evaluation.effect_of(requirement)
        if verdict in ("met", "not_applicable") and isinstance(effect, core.Effect):
            counts = self._counts(requirement, record)
            return RequirementResult(
                requirement.id, record.path, requirement.stage, verdict, effect.word, counts, {}, sources, (), None, None
            )
        met = evaluation.met[requirement.id, record]
        word: str | None = None
        cure_by: date | None = None
        missing: frozenset[str] = met.missing if isinstance(met, Unknown) else frozenset()
        if isinstance(effect, Unknown):
            words = {e.word for e in requirement.effects.values()}
            if len(words) == 1 and "suspend" not in words:
                word = words.pop()  # all options come to the same
            elif not words <= ({"flag", "exclude", "bar"} if record.owner is not None else {"flag"}):
                missing |= effect.missing if verdict == "failed" else set()
            else:
                word = "flag"  # none of them stops a stage; which records are struck is open
        else:
            word = effect.word
            if word == "suspend" and verdict == "failed" and effect.cure is not None:
                cure_by, lapsed, open_ = self._cure(requirement, effect, record)
                missing |= open_
                word = "reject" if lapsed else word
        fault = None
        if isinstance(met, Fault):
            fault = met.code
            self._fault(met, requirement.id)
        counts = self._counts(requirement, record)
        message = self._message(requirement, record) if verdict == "failed" else {}
        return RequirementResult(
            requirement.id, record.path, requirement.stage, verdict, word, counts, message, sources, self._ordered(missing), fault, cure_by
        )

    def _ordered(self, missing: frozenset[str]) -> tuple[str, ...]:
        """Paths in order; verdicts that lack the same share them."""
        found = self.ordered.get(id(missing))
        if found is None:
            found = self.ordered[id(missing)] = missing, tuple(sorted(missing))
        return found[1]

    def _cure(self, requirement: core.Requirement, effect: core.Effect, record: Record) -> tuple[date | None, bool, frozenset[str]]:
        """The last day to put it right, whether the clock has passed it, and what is missing to tell."""
        due, lapsed = lapse(self.evaluation, effect, record)
        if isinstance(due, Fault):
            self._fault(due, requirement.id)
            return None, False, frozenset()
        if isinstance(due, Unknown):
            return None, False, due.missing
        assert isinstance(due, date)
        return due, lapsed is True, lapsed.missing if isinstance(lapsed, Unknown) else frozenset()

    def _counts(self, requirement: core.Requirement, record: Record) -> bool | None:
        """Whether the record still belongs to the application: an `exclude` requirement itself always counts."""
        effect = self.evaluation.effect_of(requirement)
        if record.owner is None or (isinstance(effect, core.Effect) and effect.word == "exclude"):
            return True
        admitted = self.evaluation.admitted[record, requirement.stage]
        return admitted if isinstance(admitted, bool) else None

    def _message(self, requirement: core.Requirement, record: Record) -> dict[str, str]:
        if requirement.message is None:
            return {}
        languages: tuple[Language, Language] = ("it", "en")
        return {
            lang: self._filled(requirement.message.pieces[lang], record, lang) for lang in languages if lang in requirement.message.pieces
        }

    def _filled(self, pieces: tuple[str | core.Expr, ...], record: Record, lang: Language) -> str:
        conventions = self.policy.conventions
        texts = []
        for piece in pieces:
            if isinstance(piece, str):
                texts.append(piece)
            else:
                value = self.evaluation.value(piece, {0: record})
                texts.append(say(value, piece.type, lang, conventions.currency, conventions.time_zone))
        return "".join(texts).strip()

    # Records struck.

    def _excluded(self, results: list[RequirementResult]) -> tuple[StruckRecord, ...]:
        by_subject: dict[str, list[RequirementResult]] = {}
        for result in results:
            stage_open = self.evaluation.open[result.stage]
            if result.verdict == "failed" and result.effect == "exclude" and stage_open is True:
                by_subject.setdefault(result.subject, []).append(result)
        return self._struck(by_subject)

    def _barred(self, results: list[RequirementResult]) -> tuple[StruckRecord, ...]:
        by_subject: dict[str, list[RequirementResult]] = {}
        for result in results:
            applies = result.subject != self.policy.root and result.counts is not False
            opened = self.evaluation.open[result.stage] is True
            if applies and result.verdict == "failed" and result.effect == "bar" and opened:
                by_subject.setdefault(result.subject, []).append(result)
        return self._struck(by_subject)

    def _struck(self, by_subject: dict[str, list[RequirementResult]]) -> tuple[StruckRecord, ...]:
        if not by_subject:
            return ()
        keys = {r.path: r.key for records in self.application.records.values() for r in records}
        return tuple(
            StruckRecord(subject, keys[subject], tuple(r.id for r in results), results[0].stage) for subject, results in by_subject.items()
        )

    # Results.

    def _results(self) -> tuple[ResultValue, ...]:
        found = []
        for result in self.policy.results:
            for record in self.places[result.entity]:
                if record.owner is None:
                    admitted: Value = True
                else:
                    admitted = self.evaluation.admitted[record, ""]
                if admitted is False:
                    continue
                value = self._outgoing(self.evaluation.definitions[result.entity, result.name, record], result)
                if isinstance(admitted, Unknown) and not isinstance(value, Fault):
                    value = Unknown(admitted.missing | (value.missing if isinstance(value, Unknown) else frozenset()))
                elif isinstance(admitted, Fault):
                    value = admitted
                if isinstance(value, Fault):
                    self._fault(value, result.name)
                path = None if record.owner is None else record.path
                found.append(ResultValue(result.name, result.entity, path, record.key if path else None, result.type, value))
        return tuple(found)

    def _outgoing(self, value: Value, result: core.Result) -> Value:
        """An amount that leaves the policy is rounded to the cent; an instant leaves in the policy's zone."""
        type_ = result.type.of if isinstance(result.type, OptionalType) else result.type
        if type_ == MONEY and isinstance(value, Fraction | Unknown):
            direction = self.settled.settings.money_rounding
            if isinstance(direction, str) and all(end is None or 100 % end.denominator == 0 for end in bounds(value)):  # type: ignore[union-attr]
                return value  # whole cents
            return round_(self.policy.conventions, value, direction, CENT)
        return local_time(value, self.policy.conventions.time_zone)

    # What is open, assumed, changed, faulty.

    def _missing(self, results: list[RequirementResult], stages: Mapping[str, str], unlisted: dict[str, frozenset[str]]) -> tuple[str, ...]:
        """The facts that leave a verdict open which still counts, and the lists whose records have none yet."""
        missing: set[str] = set()
        for requirement in self.policy.requirements.values():
            if requirement.entity in unlisted and stages[requirement.stage] != "not_started":
                missing |= unlisted[requirement.entity]
        lacking = {id(r.missing): r.missing for r in results if stages[r.stage] != "not_started" and r.counts is not False}
        missing = missing.union(*lacking.values())
        for value in self.evaluation.open.values():
            if isinstance(value, Unknown):
                missing.update(value.missing)
        return tuple(sorted(m for m in missing if not m.startswith(("parameter.", "reading."))))

    def _named(self, results: list[RequirementResult], values: tuple[ResultValue, ...]) -> list[str]:
        """The pending parameters and open readings that leave a verdict or a result of this decision open."""
        # Many lack the same: each set is looked at once.
        tuples = {id(r.missing): r.missing for r in results if r.counts is not False}
        sets = {id(v.value.missing): v.value.missing for v in values if isinstance(v.value, Unknown)}
        named = set[str]().union(*tuples.values(), *sets.values())
        return sorted(m for m in named if m.startswith(("parameter.", "reading.")))

    def _opening_faults(self) -> None:
        for name, value in self.evaluation.open.items():
            if isinstance(value, Fault):
                self._fault(value, name)

    def _fault(self, fault: Fault, affects: str) -> None:
        place, text = "", ""
        if fault.span is not None:
            place, text = f"{fault.span.line}:{fault.span.column}", fault.span.text
        self.faults.setdefault((fault.code, place), set()).add(affects)
        self.texts[fault.code, place] = " ".join(text.split())

    def _faults(self) -> tuple[FaultFound, ...]:
        return tuple(
            FaultFound(code, place, self.texts[code, place], tuple(sorted(affects)))
            for (code, place), affects in sorted(self.faults.items())
        )


@lru_cache(maxsize=4096)
def _quotes(sources: tuple[core.Source, ...]) -> tuple[Quote, ...]:
    return tuple(Quote(s.document, s.quote) for s in sources)


def changes_said(policy: core.Policy, changes: Changes) -> tuple[str, ...]:
    """Every change of a what-if with its value, so that what came of it can be replayed."""
    zone, parameters = policy.conventions.time_zone, policy.parameters
    sets = [f"{name} = {plain(local_time(value, zone), parameters[name].type)}" for name, value in changes.set.items()]
    return tuple(sorted([*sets, *(f"reading.{name} = {option}" for name, option in changes.readings.items())]))


def local_time(value: Value, zone: str) -> Value:
    """An instant as it leaves the policy, in its zone; any other value as it is."""
    try:
        return calendar.wall_time(value, zone) if isinstance(value, datetime) else value
    except calendar.OutOfRange:
        return value  # at the very edge of the calendar, in UTC


def _place(record: Record) -> tuple[tuple[bool, str, int], ...]:
    """Records by key, owners first, so that their order in the application does not matter; those without a key by position."""
    digits = record.path.rpartition("[")[2].rstrip("]").lstrip("#")
    position = int(digits) if record.key is None and digits.isdigit() else 0
    above = _place(record.owner) if record.owner is not None else ()
    return (*above, (record.key is None, record.key or "", position))
