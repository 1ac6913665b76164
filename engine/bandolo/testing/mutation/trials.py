"""The cases of a policy made ready to be tried on mutants: each worked out once, then only what a mutant changes.

A mutant is killed by a case whose expectation it does not meet; what is compared is what `bandolo test` compares.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bandolo.diagnostics import ApplicationError, Diagnostic, PolicyError, errors
from bandolo.evaluate.decide import evaluated
from bandolo.evaluate.decision import Decision
from bandolo.evaluate.inputs import Application, read_application
from bandolo.evaluate.reference import Evaluation, Strikes, TooManySteps
from bandolo.evaluate.settle import AS_OF_UNKNOWN, Changes, Settled, settle
from bandolo.language.values import Value
from bandolo.policy import Policy
from bandolo.ranking.assess import Assessor
from bandolo.ranking.entrant import Ranking
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
    def of_given(cls, policy: Policy, given: Mapping[str, Any]) -> WhatIf:
        """From `as_of`, `set`, `readings` and `assume`. Raises PolicyError."""
        clock, shown = policy.clock(given["as_of"])
        changes = policy.changes(given["set"], given["readings"], given["assume"])
        assume = changes.assume if isinstance(changes.assume, bool) else tuple(sorted(changes.assume))
        return cls(changes, clock, shown, (repr(sorted(changes.set.items())), tuple(sorted(changes.readings.items())), assume, shown))


@dataclass
class Trial:
    """One case, ready. `cost` orders the cases: cheap ones are tried first."""

    file: CaseFile
    case: Case
    version: Version
    known: Known | None
    group: Group | None
    cost: int

    def passes(self, runner: Runner) -> bool:
        """Whether the case holds without any mutant."""
        if self.group is not None:
            return not any(True for _ in rankings.compare(self.version.policy, self.group.ranking, self.case.expect))
        if self.known is not None:
            return not any(True for _ in compare(self.version.policy, self.known.decision, self.case.expect))
        return runner.run(self.case).passed

    def kills(self, changed: Changed, infected: Infected) -> bool:
        """Whether the case fails on the mutant. What the engine could not compute at all is raised."""
        try:
            if self.group is not None:
                ranking = self.group.under(changed, infected)
                return ranking is not None and any(True for _ in rankings.compare(self.version.policy, ranking, self.case.expect))
            if self.known is None:
                return self._whole(changed)
            result = _under(self.known, changed, infected)
        except (PolicyError, ApplicationError, TooManySteps):
            return True
        return result is not None and any(True for _ in compare(self.version.policy, result[1], self.case.expect))

    def _whole(self, changed: Changed) -> bool:
        """A case that cannot be worked out in parts, run as `bandolo test` runs it: one of bad data, or of an act of open reach."""
        runner = Runner(self.file)
        runner.policies[self.case.amend] = mutated_policy(self.version.policy, changed)
        return not runner.run(self.case).passed


@dataclass
class Group:
    """Several applications ranked: the ranking, and all that was worked out for it."""

    version: Version
    what_if: WhatIf
    given: Mapping[str, Any]
    data: list[Any]
    known: list[Known]
    ranking: Ranking

    @classmethod
    def of(cls, version: Version, what_if: WhatIf, given: Mapping[str, Any], data: list[Any]) -> Group:
        """Raises ApplicationError for bad data, PolicyError for what cannot be ranked."""
        ranker = Ranker(version.policy, **given)
        ranker.assessor = remembered = _Remembered(ranker, version, what_if)
        ranking = _ranking(ranker, data)
        return cls(version, what_if, given, data, remembered.found, ranking)

    def under(self, changed: Changed, infected: Infected) -> Ranking | None:
        """The ranking by a mutant; None where nothing that it takes from the applications or the settings differs."""
        before = self.known[0].settled if self.known else self.version.policy.settled_as(self.what_if.changes, self.what_if.clock)
        settled = changed.settled(before, self.what_if.changes, self.what_if.clock, self.what_if.key)
        options = options_of(changed.policy, settled) == options_of(self.version.policy.core, before)
        if changed.mutant.reach != "ranking" and options and all(_under(known, changed, infected) is None for known in self.known):
            return None
        ranker = Ranker(mutated_policy(self.version.policy, changed), **self.given)
        ranker.assessor = _Replayed(ranker, self, changed, infected)
        return _ranking(ranker, self.data)


def _ranking(ranker: Ranker, data: list[Any]) -> Ranking:
    entrants = [ranker.assess(one) for one in data]
    return ranker.rank(entrants, {e.id: d for e, d in zip(entrants, data, strict=True)}.__getitem__)


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

    def read(self, text: Policy, data: Mapping[str, Any]) -> Application:  # noqa: ARG002
        application = self.version.know(self.what_if, data).application
        self.data[id(application)] = data
        return application

    def evaluated(self, text: Policy, application: Application, strikes: Strikes) -> tuple[Evaluation, Decision]:  # noqa: ARG002
        known = self.version.know(self.what_if, self.data[id(application)], strikes)
        if not any(known is k for k in self.found):
            self.found.append(known)
        return known.evaluation, known.decision


class _Replayed(Assessor):
    """Assesses for a mutant: what the mutant does not change is taken as it was."""

    def __init__(self, ranker: Ranker, group: Group, changed: Changed, infected: Infected) -> None:
        old = ranker.assessor
        super().__init__(old.policy, group.what_if.shown, old.changes, old.recheck)
        self.group, self.changed, self.infected = group, changed, infected

    def read(self, text: Policy, data: Mapping[str, Any]) -> Application:
        if not self.group.known:
            return super().read(text, data)
        known = self.group.version.applications.get((self.group.what_if.key, repr(data)))
        same_ranges = self._settled(text).ranges == self.group.known[0].settled.ranges
        return known if known is not None and same_ranges else super().read(text, data)

    def evaluated(self, text: Policy, application: Application, strikes: Strikes) -> tuple[Evaluation, Decision]:
        for known in self.group.known:
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


def prepared(policy: Policy, files: Sequence[Path], told: Callable[[int], None] = lambda n: None) -> Prepared:
    """Every case of some case files worked out on the policy as it is; `told` hears how many are."""
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
            if trial is None or not trial.passes(runner):
                made.failing.append((file_path, case))
            else:
                made.trials.append(trial)
            told(len(made.trials))
    made.trials.sort(key=lambda t: t.cost)
    return made


def _prepared(file: CaseFile, case: Case, version: Version) -> Trial | None:
    policy = version.policy
    in_parts = not any(act.applies_to is not None for act in policy.loaded.amendments)
    try:
        what_if = WhatIf.of_given(policy, _given(case))
        if case.rank:
            data = rankings.applications(policy, file, case)
            group = Group.of(version, what_if, _given(case), data)
            return Trial(file, case, version, None, group, 10 * len(group.known) or 10)
        application = changed(policy.core, file.applications[case.like] if case.like is not None else {}, case.change)
        if "error" in case.expect or not in_parts:
            return Trial(file, case, version, None, None, 5)
        return Trial(file, case, version, version.know(what_if, application), None, 1)
    except (ApplicationError, PolicyError, TooManySteps):
        return None
