"""Which cases are meant: by a part of their name, by tag, by rule.

A case is selected by a rule if its expectation names it, or if the rule mattered in its decision: a requirement that failed or was open;
for a definition, a parameter or a reading, a requirement or a result that is computed from it and is so concerned, or the case sets it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bandolo.check import core
from bandolo.diagnostics import BandoloError
from bandolo.evaluate.decision import Decision
from bandolo.testing.cases import BadPath, Case
from bandolo.testing.compare import flat
from bandolo.testing.rankings import applications
from bandolo.testing.runner import CaseResult, Runner


@dataclass(frozen=True, slots=True)
class Selection:
    """What is asked for; a case must have each of the three. Of several tags, or rules, one is enough."""

    word: str | None = None
    tags: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()

    def named(self, case: Case) -> bool:
        """Whether name and tags are as asked for."""
        return (self.word is None or self.word.lower() in case.name.lower()) and (not self.tags or bool(set(self.tags) & set(case.tags)))


@dataclass(slots=True)
class Uses:
    """What each requirement and result of a policy is computed from, by name, at whatever distance."""

    policy: core.Policy
    found: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    def known(self) -> list[str]:
        """The rules that one may ask for: requirements, definitions, parameters, readings."""
        policy = self.policy
        return [*policy.requirements, *dict.fromkeys(name for _, name in policy.definitions), *policy.parameters, *policy.readings]

    def concerned(self, rule: str) -> tuple[set[str], set[str]]:
        """The requirements and the results that a rule is, or has a part in."""
        requirements = {r.id for r in self.policy.requirements.values() if r.id == rule or rule in self.of_requirement(r)}
        if rule in self.policy.requirements:
            requirements = {rule}
        results = {r.name for r in self.policy.results if r.name == rule or rule in self.of_definition((r.entity, r.name))}
        return requirements, results

    def of_requirement(self, requirement: core.Requirement) -> frozenset[str]:
        parts = [requirement.check, *([requirement.applies] if requirement.applies is not None else [])]
        own = frozenset((requirement.effect_by,)) if requirement.effect_by is not None else frozenset()
        return own.union(*(self.inside(part) for part in parts))

    def of_definition(self, place: tuple[str, str]) -> frozenset[str]:
        if place not in self.found:
            self.found[place] = frozenset()  # no definition depends on itself: this is never read
            self.found[place] = self.inside(self.policy.definitions[place].value)
        return self.found[place]

    def inside(self, node: core.Expr) -> frozenset[str]:
        """The names that an expression is computed from."""
        names: set[str] = set()
        for part in core.walk(node):
            match part:
                case core.Computed(entity=entity, name=name):
                    names |= {name, *self.of_definition((entity, name))}
                case core.Parameter(name=name) | core.Option(reading=name) | core.Met(requirement=name):
                    names.add(name)
                case core.Dated(name=name):
                    names.add(name)
        return frozenset(names)


def reaches(runner: Runner, result: CaseResult, rule: str) -> bool:
    """Whether a rule is named in what a case expects, or mattered in what came of it."""
    case = result.case
    if rule in case.set or rule in case.readings:
        return True
    policy = runner.policy(case.amend)
    requirements, results = Uses(policy.core).concerned(rule)
    if not (requirements or results):
        return False
    named = {str(name) for name in _named(case)}
    if named & (requirements | results):
        return True
    return any(_mattered(decision, requirements) for decision in _decisions(runner, result))


def _named(case: Case) -> Iterator[Any]:
    """The requirements and results that an expectation names."""
    expect = case.expect
    for word in ("failed", "verdicts", "message"):
        yield from expect.get(word, ())
    paths = [path for _, path, _ in flat(expect.get("results", {}))] + [str(n) for n in expect.get("undetermined", ())]
    yield from (path.rpartition(".")[2] for path in paths)


def _decisions(runner: Runner, result: CaseResult) -> Iterator[Decision]:
    """The decision of a case, or those on each application that it ranks."""
    case = result.case
    if result.decision is not None:
        yield result.decision
    elif case.rank:
        policy = runner.policy(case.amend)
        try:
            for application in applications(policy, runner.file, case):
                yield policy.decide(application, as_of=case.as_of, set=case.set, readings=case.readings, assume=case.assume)
        except (BandoloError, BadPath):
            return


def _mattered(decision: Decision, requirements: Iterable[str]) -> bool:
    ids = set(requirements)
    return any(r.id in ids and r.verdict in ("failed", "unknown") for r in decision.requirements)
