"""What a mutant changes of an application that is already worked out: only what rests on the change is worked out again.

The steps that the change touches are tried first, with everything before them as it was; where they give the same value for every record,
nothing else can differ. The result is the one that deciding anew would give (tests hold the two against each other).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from bandolo import limits
from bandolo.check import core
from bandolo.check.core import Step
from bandolo.check.order import graph_of_steps
from bandolo.diagnostics import PolicyError, errors
from bandolo.evaluate.decide import Identity, assembled
from bandolo.evaluate.decision import Decision
from bandolo.evaluate.inputs import Application
from bandolo.evaluate.reference import Evaluation, Strikes
from bandolo.evaluate.settle import Changes, Settled, settle
from bandolo.language.values import Unknown, Value
from bandolo.testing.mutation.mutants import Mutant
from bandolo.testing.mutation.places import observable_steps


class Text:
    """One text of a policy (with its acts), and what rests on what in it."""

    def __init__(self, policy: core.Policy) -> None:
        self.policy = policy
        self.needs = {step: frozenset(needs) for step, needs in graph_of_steps(policy).items()}
        self.observable = observable_steps(policy)
        self.order = {step: i for i, step in enumerate(policy.steps)}

    @cached_property
    def by_setting(self) -> Mapping[str, frozenset[Step]]:
        """The steps that speak of a parameter (by its name) or a reading (as `reading.NAME`)."""
        found: dict[str, set[Step]] = {}
        for step in self.policy.steps:
            for expression in self.expressions(step):
                for node in core.walk(expression):
                    if isinstance(node, core.Parameter | core.Dated):
                        found.setdefault(node.name, set()).add(step)
                    elif isinstance(node, core.Option):
                        found.setdefault(f"reading.{node.reading}", set()).add(step)
                    elif isinstance(node, core.Share):
                        found.setdefault("money_rounding", set()).add(step)
        for requirement in self.policy.requirements.values():
            if requirement.effect_by is not None:
                found.setdefault(f"reading.{requirement.effect_by}", set()).update(self.admissions(requirement.entity))
        return {name: frozenset(steps) for name, steps in found.items()}

    @cached_property
    def told(self) -> Mapping[str, frozenset[str]]:
        """The settings that the message, the cure or the effect of a requirement speaks of, by its id."""
        found = {}
        for requirement in self.policy.requirements.values():
            pieces = requirement.message.pieces.values() if requirement.message is not None else ()
            spoken = [p for texts in pieces for p in texts if not isinstance(p, str)]
            spoken += [e for effect in requirement.effects.values() for e in (effect.cure, effect.cure_from) if e is not None]
            names = {n.name for e in spoken for n in core.walk(e) if isinstance(n, core.Parameter | core.Dated)}
            names |= {f"reading.{n.reading}" for e in spoken for n in core.walk(e) if isinstance(n, core.Option)}
            names |= {f"reading.{requirement.effect_by}"} if requirement.effect_by is not None else set()
            found[requirement.id] = frozenset(names)
        return found

    def expressions(self, step: Step) -> list[core.Expr]:
        match step.kind:
            case "definition":
                return [self.policy.definitions[step.entity, step.name].value]
            case "requirement":
                requirement = self.policy.requirements[step.name]
                return [requirement.check] + ([requirement.applies] if requirement.applies is not None else [])
            case "opens":
                opens = self.policy.stages[self.policy.stage_index(step.name)].opens
                return [] if opens is None else [opens]
        return []

    def admissions(self, entity: str) -> list[Step]:
        return [s for s in self.policy.steps if s.kind == "admitted" and s.entity == entity]


@dataclass
class Changed:
    """A mutant in one text: the changed policy, and its settings under each what-if."""

    text: Text
    mutant: Mutant
    policy: core.Policy
    settings: dict[object, Settled] = field(default_factory=dict)

    def settled(self, before: Settled, changes: Changes, clock: Value, key: object) -> Settled:
        """The settings under a what-if; PolicyError where the change breaks what must hold of them."""
        if self.mutant.reach not in ("settings", "everything"):
            return before
        if key not in self.settings:
            settled, found = settle(self.policy, changes, clock)
            if errors(found):
                raise PolicyError(found)
            self.settings[key] = settled
        return self.settings[key]


@dataclass
class Known:
    """An application worked out by the text as it is. `key` names the what-if: settings are the same for the same key."""

    text: Text
    settled: Settled
    changes: Changes
    clock: Value
    key: object
    identity: Identity
    application: Application
    strikes: Strikes
    evaluation: Evaluation
    decision: Decision

    def under(self, changed: Changed) -> tuple[Evaluation, Decision] | None:
        """What the changed text makes of the application; None where no value differs that could be seen.

        Raises PolicyError and TooManySteps as deciding would.
        """
        settled = changed.settled(self.settled, self.changes, self.clock, self.key)
        if changed.mutant.reach == "everything" or settled.ranges != self.settled.ranges:
            return self._decided(changed, settled, self._whole(changed, settled))
        seeds = self._seeds(changed, settled)
        evaluation, dirty = self._again(changed, settled, seeds)
        effects_matter = changed.mutant.reach == "decision" and self._verdict_is_open(changed)
        rounding = settled.settings.money_rounding != self.settled.settings.money_rounding
        elsewhere = settled is not self.settled and self._settings_told(settled)
        if not (dirty & self.text.observable or effects_matter or rounding or elsewhere):
            return None
        return self._decided(changed, settled, evaluation)

    def _decided(self, changed: Changed, settled: Settled, evaluation: Evaluation) -> tuple[Evaluation, Decision]:
        return evaluation, assembled(changed.policy, settled, self.changes, self.identity, self.application, evaluation)

    def _evaluation(self, changed: Changed, settled: Settled) -> Evaluation:
        count = sum(len(records) for records in self.application.records.values())
        budget = limits.STEPS_BASE + count * limits.STEPS_PER_RECORD
        return Evaluation(changed.policy, settled.settings, self.application.records, budget, False, self.strikes)

    def _whole(self, changed: Changed, settled: Settled) -> Evaluation:
        evaluation = self._evaluation(changed, settled)
        evaluation.run()
        return evaluation

    def _seeds(self, changed: Changed, settled: Settled) -> set[Step]:
        """The steps that may differ although all that they need is the same."""
        text, mutant = self.text, changed.mutant
        seeds = set(mutant.steps)
        for step in mutant.steps if mutant.reach == "decision" else ():
            seeds |= set(text.admissions(step.entity))
        if settled is not self.settled:
            for name in _differing(self.settled, settled):
                seeds |= text.by_setting.get(name, frozenset())
        return seeds

    def _again(self, changed: Changed, settled: Settled, seeds: set[Step]) -> tuple[Evaluation, frozenset[Step]]:
        """The evaluation with the steps that differ worked out again, and which those are."""
        text, before = self.text, self.evaluation
        now = self._evaluation(changed, settled)
        now.definitions, now.met, now.verdicts = before.definitions, before.met, before.verdicts
        now.admitted, now.open, now.readings = before.admitted, before.open, set(before.readings)
        dirty: set[Step] = set()
        if not seeds:
            return now, frozenset()
        first = min(text.order[s] for s in seeds)
        steps = changed.policy.steps
        for step in steps[first:] if not changed.mutant.reorder else steps:
            if not (step in seeds or not text.needs[step].isdisjoint(dirty)):
                continue
            values = {record: now.worked_out(step, record) for record in self.application.records.get(step.entity, [])}
            old = {record: before.kept(step, record) for record in values}
            if values == old:
                continue
            if not dirty:
                now.definitions, now.met, now.verdicts = dict(now.definitions), dict(now.met), dict(now.verdicts)
                now.admitted, now.open = dict(now.admitted), dict(now.open)
            dirty.add(step)
            for record, value in values.items():
                now.keep(step, record, value)
        return now, frozenset(dirty)

    def _verdict_is_open(self, changed: Changed) -> bool:
        """Whether what a verdict leads to matters: a requirement of the mutant is not simply met, or may have records yet unknown."""
        ids = {step.name for step in changed.mutant.steps} or {place[1] for place in changed.mutant.edits}
        if any(verdict in ("failed", "unknown") for (id_, _), verdict in self.evaluation.verdicts.items() if id_ in ids):
            return True
        return self._unlisted and any(self.text.policy.requirements[id_].entity != self.text.policy.root for id_ in ids)

    @cached_property
    def _unlisted(self) -> bool:
        """Whether a list of records is missing."""
        listed = [(e.owner, e.listed_in) for e in self.text.policy.entities.values() if e.owner is not None]
        records = self.application.records
        return any(isinstance(r.facts[name or "", None], Unknown) for owner, name in listed for r in records[owner])

    def _settings_told(self, settled: Settled) -> bool:
        """Whether a message or a term for putting right speaks of settings that differ, or an effect rests on them."""
        names = _differing(self.settled, settled)
        told = self.text.told
        return any(
            not told.get(id_, frozenset()).isdisjoint(names)
            for (id_, _), verdict in self.evaluation.verdicts.items()
            if verdict in ("failed", "unknown")
        )


def _differing(old: Settled, new: Settled) -> list[str]:
    """The parameters, by their names, and the readings, as `reading.NAME`, that are worth something else; and `money_rounding`."""
    before, now = old.settings, new.settings
    names = [n for n, v in now.parameters.items() if v != before.parameters[n] or now.versions.get(n) != before.versions.get(n)]
    names += [f"reading.{n}" for n, v in now.options.items() if v != before.options[n]]
    return names + (["money_rounding"] if now.money_rounding != before.money_rounding else [])
