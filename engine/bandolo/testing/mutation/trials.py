"""The cases of a policy made ready to be tried on mutants: each worked out once, then only what a mutant changes.

A mutant is killed by a case whose expectation it does not meet; what is compared is what `bandolo test` compares.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bandolo.diagnostics import ApplicationError, Diagnostic, PolicyError, errors
from bandolo.evaluate.decide import evaluated
from bandolo.evaluate.decision import Decision
from bandolo.evaluate.inputs import Application, read_application
from bandolo.evaluate.reference import Evaluation, Strikes, TooManySteps
from bandolo.evaluate.settle import Changes, Settled, settle
from bandolo.language.values import Value
from bandolo.pipeline import AS_OF_UNKNOWN
from bandolo.policy import Policy
from bandolo.ranking.assess import Assessor
from bandolo.ranking.options import options_of
from bandolo.ranking.rank import Ranker
from bandolo.testing import rankings
from bandolo.testing.cases import Case, CaseFile, changed, read_cases
from bandolo.testing.mutation.infect import Changed, Known, Text
from bandolo.testing.mutation.mutants import Key, Mutant, mutants_of
from bandolo.testing.runner import Runner, compare

Infected = dict[int, tuple[Evaluation, Decision] | None]
"""What a mutant makes of applications that are worked out, by the identity of what is known of them."""


class Stillborn(Exception):
    """The changed policy would be refused before any application: it is no mutant."""


@dataclass
class Version:
    """A policy with certain acts, its text, and its mutants by their names."""

    policy: Policy
    text: Text
    mutants: Mapping[tuple[Key, str], Mutant]
    known: dict[tuple[object, str], list[Known]] = field(default_factory=dict)
    """What is worked out, by what-if and application, one for each set of strikes."""
    applications: dict[tuple[object, str], Application] = field(default_factory=dict)
    settled: dict[object, Settled] = field(default_factory=dict)

    @classmethod
    def of(cls, policy: Policy) -> Version:
        mutants = {(m.key, m.at.source.path): m for m in mutants_of(policy.core, policy.loaded.tree)}
        return cls(policy, Text(policy.core), mutants)

    def changed(self, mutant: Mutant) -> Changed | None:
        """The mutant in this version; None where an act has put something else in its place, or where it cannot be computed."""
        here = self.mutants.get((mutant.key, mutant.at.source.path))
        made = here.made(self.policy.core) if here is not None else None
        return Changed(self.text, here, made) if here is not None and made is not None else None

    def know(self, what_if: WhatIf, data: Any, strikes: Strikes | None = None) -> Known:
        """An application worked out under a what-if, once. Raises ApplicationError."""
        strikes = strikes or Strikes()
        place = (what_if.key, repr(data))
        for known in self.known.get(place, []):
            if known.strikes == strikes:
                return known
        settled = self.settled.get(what_if.key)
        if settled is None:
            settled = self.settled[what_if.key] = self.policy.settled_as(what_if.changes, what_if.clock)
        if place not in self.applications:
            application, diagnostics = read_application(self.policy.core, settled, data)
            if application is None:
                raise ApplicationError(diagnostics)
            self.applications[place] = application
        application, identity = self.applications[place], self.policy.identity(what_if.shown)
        evaluation, decision = evaluated(self.policy.core, settled, what_if.changes, identity, application, strikes, False)
        known = Known(self.text, settled, what_if.changes, what_if.clock, what_if.key, identity, application, strikes, evaluation, decision)
        self.known.setdefault(place, []).append(known)
        return known


@dataclass(frozen=True)
class WhatIf:
    """What a case changes: the same key, the same settings."""

    changes: Changes
    clock: Value
    shown: str | None
    key: object

    @classmethod
    def of(cls, policy: Policy, case: Case) -> WhatIf:
        clock, shown = policy.clock(case.as_of)
        changes = policy.changes(case.set, case.readings, case.assume)
        assume = changes.assume if isinstance(changes.assume, bool) else tuple(sorted(changes.assume))
        return cls(changes, clock, shown, (repr(sorted(changes.set.items())), tuple(sorted(changes.readings.items())), assume, shown))


@dataclass
class Trial:
    """One case, ready. `cost` orders the cases: cheap ones are tried first."""

    file: CaseFile
    case: Case
    version: Version
    what_if: WhatIf
    known: list[Known]
    data: list[Any]
    cost: int

    def kills(self, changed: Changed, infected: Infected) -> bool:
        """Whether the case fails on the mutant. What the engine could not compute at all is raised."""
        try:
            if self.case.rank:
                return self._ranking_differs(changed, infected)
            if not self.known:
                return self._whole(changed)
            result = _under(self.known[0], changed, infected)
        except (PolicyError, ApplicationError, TooManySteps):
            return True
        return result is not None and any(True for _ in compare(self.version.policy, result[1], self.case.expect))

    def _whole(self, changed: Changed) -> bool:
        """A case that cannot be worked out in parts, run as `bandolo test` runs it: one of bad data, or of an act of open reach."""
        runner = Runner(self.file)
        runner.policies[self.case.amend] = mutated_policy(self.version.policy, changed)
        return not runner.run(self.case).passed

    def _ranking_differs(self, changed: Changed, infected: Infected) -> bool:
        core = self.version.policy.core
        settled = changed.settled(self.known[0].settled, self.what_if.changes, self.what_if.clock, self.what_if.key)
        same = changed.mutant.reach != "ranking" and options_of(changed.policy, settled) == options_of(core, self.known[0].settled)
        if same and all(_under(known, changed, infected) is None for known in self.known):
            return False
        policy = mutated_policy(self.version.policy, changed)
        ranker = Ranker(policy, **_given(self.case))
        ranker.assessor = _Replayed(ranker, self, changed, infected)
        entrants = [ranker.assess(data) for data in self.data]
        ranking = ranker.rank(entrants, {e.id: d for e, d in zip(entrants, self.data, strict=True)}.__getitem__)
        return any(True for _ in rankings.compare(self.version.policy, ranking, self.case.expect))


def _given(case: Case) -> dict[str, Any]:
    return {"as_of": case.as_of, "set": case.set, "readings": case.readings, "assume": case.assume}


def _under(known: Known, changed: Changed, infected: Infected) -> tuple[Evaluation, Decision] | None:
    if id(known) not in infected:
        infected[id(known)] = known.under(changed)
    return infected[id(known)]


class _Remembered(Assessor):
    """Assesses for the ranking of a case, and keeps what it worked out."""

    def __init__(self, ranker: Ranker, version: Version, what_if: WhatIf) -> None:
        old = ranker.assessor
        super().__init__(old.policy, what_if.shown, old.changes, old.recheck)
        self.version, self.what_if = version, what_if
        self.data: dict[int, Any] = {}
        self.found: list[Known] = []

    def read(self, text: Policy, data: Mapping[str, Any]) -> Application:
        application = self.version.know(self.what_if, data).application
        self.data[id(application)] = data
        return application

    def evaluated(self, text: Policy, application: Application, strikes: Strikes) -> tuple[Evaluation, Decision]:
        known = self.version.know(self.what_if, self.data[id(application)], strikes)
        if not any(known is k for k in self.found):
            self.found.append(known)
        return known.evaluation, known.decision


class _Replayed(Assessor):
    """Assesses for a mutant: what the mutant does not change is taken as it was."""

    def __init__(self, ranker: Ranker, trial: Trial, changed: Changed, infected: Infected) -> None:
        old = ranker.assessor
        super().__init__(old.policy, trial.what_if.shown, old.changes, old.recheck)
        self.trial, self.changed, self.infected = trial, changed, infected

    def read(self, text: Policy, data: Mapping[str, Any]) -> Application:
        known = self.trial.version.applications.get((self.trial.what_if.key, repr(data)))
        same_ranges = self._settled(text).ranges == self.trial.known[0].settled.ranges
        return known if known is not None and same_ranges else super().read(text, data)

    def evaluated(self, text: Policy, application: Application, strikes: Strikes) -> tuple[Evaluation, Decision]:
        for known in self.trial.known:
            if known.application is application and known.strikes == strikes:
                return _under(known, self.changed, self.infected) or (known.evaluation, known.decision)
        return super().evaluated(text, application, strikes)


def mutated_policy(policy: Policy, changed: Changed) -> Policy:
    """The policy with a mutant, and with it in each text that holds where an act does not reach. PolicyError if it is refused."""
    settled, found = settle(changed.policy, Changes(), AS_OF_UNKNOWN)
    if errors(found):
        raise PolicyError(found)
    variants = {}
    for acts, variant in policy.variants.items():
        version = Version.of(variant)
        inner = version.changed(changed.mutant)
        variants[acts] = variant if inner is None else mutated_policy(dataclasses.replace(variant, variants={}), inner)
    return dataclasses.replace(policy, core=changed.policy, settled=settled, variants=variants)


@dataclass
class Prepared:
    """The trials of a policy, the cheap first; `failing` are cases that fail without any mutant, `diagnostics` unusable files."""

    version: Version
    trials: list[Trial]
    failing: list[tuple[Path, Case]]
    diagnostics: list[Diagnostic]


def prepared(policy: Policy, path: Path, files: list[Path]) -> Prepared:
    """Every case of some case files worked out on the policy as it is."""
    versions: dict[tuple[str, ...], Version] = {(): Version.of(policy)}
    made = Prepared(versions[()], [], [], [])
    for file_path in files:
        file, diagnostics = read_cases(file_path)
        made.diagnostics += diagnostics
        if file is None:
            continue
        runner = Runner(file)
        runner.policies[()] = policy
        for case in file.cases:
            acts = tuple(str(file.path.parent / a) for a in case.amend)
            if acts not in versions:
                try:
                    versions[acts] = Version.of(runner.policy(case.amend))
                except PolicyError as error:
                    made.diagnostics += error.diagnostics
                    continue
            runner.policies[case.amend] = versions[acts].policy
            trial = _prepared(file, case, versions[acts])
            if trial is None or not runner.run(case).passed:
                made.failing.append((file_path, case))
            else:
                made.trials.append(trial)
    made.trials.sort(key=lambda t: t.cost)
    return made


def _prepared(file: CaseFile, case: Case, version: Version) -> Trial | None:
    policy = version.policy
    in_parts = not any(act.applies_to is not None for act in policy.loaded.amendments)
    try:
        what_if = WhatIf.of(policy, case)
        if case.rank:
            data = rankings.applications(policy, file, case)
            ranker = Ranker(policy, **_given(case))
            ranker.assessor = remembered = _Remembered(ranker, version, what_if)
            entrants = [ranker.assess(one) for one in data]
            ranker.rank(entrants, {e.id: d for e, d in zip(entrants, data, strict=True)}.__getitem__)
            return Trial(file, case, version, what_if, remembered.found, data, 10 * len(remembered.found))
        application = changed(policy.core, file.applications[case.like] if case.like is not None else {}, case.change)
        if "error" in case.expect or not in_parts:
            return Trial(file, case, version, what_if, [], [application], 5)
        return Trial(file, case, version, what_if, [version.know(what_if, application)], [application], 1)
    except (ApplicationError, PolicyError, TooManySteps):
        return None
