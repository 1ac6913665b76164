"""One application, decided under given strikes, and what the ranking takes from the decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from bandolo.check import core
from bandolo.diagnostics import ApplicationError, Diagnostic
from bandolo.evaluate.decide import evaluated
from bandolo.evaluate.decision import Decision
from bandolo.evaluate.inputs import Application, read_application
from bandolo.evaluate.reference import Evaluation, Strikes, TooManySteps
from bandolo.evaluate.settle import Changes, Settled
from bandolo.evaluate.shares import CENT
from bandolo.language.functions import round_
from bandolo.language.values import NONE, Duration, Fault, Record, Unknown, Value
from bandolo.ranking.entrant import Claim, Entrant, KeyValue, Standing
from bandolo.reach import agreed

if TYPE_CHECKING:
    from bandolo.policy import AsOf, Policy


class Assessor:
    """Decides applications for one ranking: a policy with its what-ifs and its clock."""

    def __init__(self, policy: Policy, as_of: AsOf, changes: Changes, recheck: tuple[str, ...]) -> None:
        self.policy, self.changes, self.recheck = policy, changes, recheck
        self.clock, self.shown = policy.clock(as_of)
        self.settled: dict[tuple[str, ...], Settled] = {}
        """The settings of each text that has decided so far, by its acts."""

    def assess(self, data: Mapping[str, Any], struck: frozenset[str] = frozenset()) -> Entrant:
        """The application as it stands with some of its records struck. Raises ApplicationError for bad data."""
        return self.assessed(data, struck)[0]

    def assessed(self, data: Mapping[str, Any], struck: frozenset[str] = frozenset()) -> tuple[Entrant, Decision]:
        """The same, with its decision."""
        if not struck:
            return self._unstruck(data)
        text = self.text_for(data)
        application = self.read(text, data)
        if self.recheck == ("all",):
            found = self.evaluated(text, application, Strikes(struck))
            return self._entrant(text.core, *found), found[1]
        evaluation, decision = self.evaluated(text, application, Strikes())
        before = self._entrant(text.core, evaluation, decision)
        strikes = Strikes(struck, self._kept(text.core, evaluation, struck))
        evaluation, decision = self.evaluated(text, application, strikes)
        after = self._entrant(text.core, evaluation, decision)
        # What is not looked at again keeps its place in the order too.
        return after if after.standing != "candidate" else replace(after, order=before.order, keep=before.keep), decision

    def _unstruck(self, data: Mapping[str, Any]) -> tuple[Entrant, Decision]:
        """The application before any strike."""
        texts, open_ = self.policy.texts(data, self.clock, self.changes)
        if len(texts) > 1:
            # Which text holds is open: nothing can be ranked, but what is missing can be said.
            decision = agreed([self.evaluated(text, self.read(text, data), Strikes())[1] for text in texts], open_)
            return _unranked(self.policy.core, decision), decision
        text = texts[0]
        evaluation, decision = self.evaluated(text, self.read(text, data), Strikes())
        return self._entrant(text.core, evaluation, decision), decision

    def text_for(self, data: Mapping[str, Any]) -> Policy:
        """The text that decides an application."""
        return self.policy.texts(data, self.clock, self.changes)[0][0]

    def read(self, text: Policy, data: Mapping[str, Any]) -> Application:
        """The application by a text, under the what-ifs. Raises ApplicationError."""
        application, diagnostics = read_application(text.core, self._settled(text), data)
        if application is None:
            raise ApplicationError(diagnostics)
        return application

    def parts(self, data: Mapping[str, Any]) -> dict[str, Fraction]:
        """Each exclusive record's part of an award that is given in the data, by its path. Only known ones."""
        text = self.text_for(data)
        evaluation, _ = self.evaluated(text, self.read(text, data), Strikes())
        plan = text.core.ranking
        assert plan is not None
        assert plan.exclusive_record is not None
        found = {}
        for record in evaluation.records[plan.exclusive_record]:
            value = evaluation.definitions[plan.exclusive_record, plan.gives_part or "", record]
            if isinstance(value, Fraction):
                found[record.path] = _cents(text.core, evaluation, value)
        return found

    def _settled(self, text: Policy) -> Settled:
        if text.amendments not in self.settled:
            self.settled[text.amendments] = text.settled_as(self.changes, self.clock)
        return self.settled[text.amendments]

    def evaluated(self, text: Policy, application: Application, strikes: Strikes) -> tuple[Evaluation, Decision]:
        """An application decided by a text under strikes. Raises ApplicationError where it takes too many steps."""
        identity = text.identity(self.shown)
        try:
            return evaluated(text.core, self._settled(text), self.changes, identity, application, strikes, False)
        except TooManySteps as error:
            raise ApplicationError([Diagnostic("too-many-steps", path="$", args={"limit": error.args[0]})]) from None

    def _kept(self, policy: core.Policy, evaluation: Evaluation, struck: frozenset[str]) -> dict[tuple[str, str], tuple[Value, str]]:
        return {
            (id_, record.path): (met, evaluation.verdicts[id_, record])
            for (id_, record), met in evaluation.met.items()
            if id_ not in self.recheck and record.path not in struck and id_ in policy.requirements
        }

    def _entrant(self, policy: core.Policy, evaluation: Evaluation, decision: Decision) -> Entrant:
        entrant = _unranked(policy, decision)
        plan = policy.ranking
        if entrant.standing != "candidate" or plan is None:
            return entrant
        root = evaluation.records[policy.root][0]
        values: dict[str, Value] = {f"order{i}": evaluation.value(expr, {0: root}) for i, (expr, _) in enumerate(plan.order_by)}
        values |= {f"keep{i}": evaluation.value(expr, {0: root}) for i, (expr, _) in enumerate(plan.keep)}
        if plan.award is not None:
            values["award"] = _outgoing(policy, evaluation, plan.award, root)
        for name, _, part in plan.pots:
            values[f"pot.{name}"] = _outgoing(policy, evaluation, part, root)
        claims: list[tuple[Record, Value]] = []
        if plan.exclusive_record is not None and plan.exclusive_key is not None:
            for record in evaluation.records[plan.exclusive_record]:
                admitted = evaluation.admitted.get((record, ""), True)
                if admitted is not False:
                    claims.append((record, evaluation.value(plan.exclusive_key, {0: record})))
                    values[f"admitted.{record.path}"] = admitted
        open_ = [v for v in [*values.values(), *(v for _, v in claims)] if isinstance(v, Unknown | Fault)]
        if open_:
            missing = {m for v in open_ if isinstance(v, Unknown) for m in v.missing}
            return replace(entrant, standing="undetermined", missing=tuple(sorted({*entrant.missing, *missing})))
        pots = tuple(_amount(values[f"pot.{name}"]) for name, _, _ in plan.pots)
        award = _amount(values["award"]) if "award" in values else sum(pots, Fraction(0))
        return replace(
            entrant,
            order=tuple(key_value(values[f"order{i}"]) for i in range(len(plan.order_by))),
            keep=tuple(key_value(values[f"keep{i}"]) for i in range(len(plan.keep))),
            claims=tuple(sorted(Claim(str(v), r.path, _called(policy, r)) for r, v in claims if v is not NONE)),
            award=award,
            pots=pots or (award,),
        )


def _standing(policy: core.Policy, decision: Decision) -> Standing:
    """Whether an application can be ranked: nothing has rejected it, and every stage up to `among` (else all that are open) is passed."""
    if decision.outcome == "rejected":
        return "not_admitted"
    among = policy.ranking.among if policy.ranking is not None else None
    names = list(decision.stages)
    wanted = names[: names.index(among) + 1] if among is not None else [n for n in names if decision.stages[n] != "not_started"]
    waiting = [decision.stages[n] for n in wanted if decision.stages[n] != "passed"]
    if not waiting:
        return "candidate"
    return "suspended" if waiting[0] in ("suspended", "referred", "barred") else "undetermined"


def _unranked(policy: core.Policy, decision: Decision) -> Entrant:
    standing = _standing(policy, decision)
    stopping = [r for r in decision.requirements if r.verdict == "failed" and r.counts is not False and r.effect not in ("flag", "exclude")]
    messages = tuple({lang: r.message.get(lang) or _label(policy, r.id, lang) for lang in ("it", "en")} for r in stopping)
    missing = (
        tuple(decision.missing) + tuple(f"parameter.{p}" for p in decision.pending) + tuple(f"reading.{r}" for r in decision.open_readings)
    )
    return Entrant(
        decision.application or "", decision.application_digest, standing, messages,
        missing if standing == "undetermined" else (),
    )  # fmt: skip


def _label(policy: core.Policy, id_: str, lang: str) -> str:
    words = policy.requirements[id_].words
    return words.label.said(lang) if words.label is not None else id_.replace("_", " ")


def _outgoing(policy: core.Policy, evaluation: Evaluation, expression: core.Expr, root: Record) -> Value:
    """An amount as it leaves the policy: to the cent, by the policy's rounding."""
    value = evaluation.value(expression, {0: root})
    return _cents(policy, evaluation, value) if isinstance(value, Fraction) else value


def _cents(policy: core.Policy, evaluation: Evaluation, amount: Fraction) -> Fraction:
    rounded = round_(policy.conventions, amount, evaluation.settings.money_rounding, CENT)
    assert isinstance(rounded, Fraction)
    return rounded


def _called(policy: core.Policy, record: Record) -> str:
    shown = policy.entities[record.entity].shown_as
    name = record.facts.get((shown, None)) if shown is not None else None
    return f"{name} ({record.key})" if isinstance(name, str) else record.key or record.path


def _amount(value: Value) -> Fraction:
    assert isinstance(value, Fraction), "the checker admits only amounts"
    return value


def key_value(value: Value) -> KeyValue:
    if value is NONE:
        return None
    if isinstance(value, Duration):
        return (value.months, value.days)
    assert not isinstance(value, Unknown | Fault | Record)
    return value  # type: ignore[return-value]
