"""Generated applications that try to tell mutants apart from the policy: the test of every claim that one is equivalent.

Each application is worked out once, under the chosen readings or under others, and every mutant then works out only what it changes. For a
mutant of the ranking, applications are also ranked in groups.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from bandolo.check import core
from bandolo.diagnostics import ApplicationError, PolicyError
from bandolo.evaluate.decision import Decision
from bandolo.evaluate.reference import Evaluation, TooManySteps
from bandolo.language.values import Unknown, Value
from bandolo.policy import Policy
from bandolo.ranking.rank import Ranker
from bandolo.testing.constants import compared
from bandolo.testing.generate import by_number
from bandolo.testing.mutation.infect import Changed, Known
from bandolo.testing.mutation.mutants import Mutant
from bandolo.testing.mutation.trials import Group, Version, WhatIf, mutated_policy

SETTINGS = 24
"""How many what-ifs the applications are spread over."""
GROUP = 7
EVERY = 20
"""One group of applications is ranked for so many that are decided."""


@dataclass(frozen=True)
class Told:
    """An application (or several, ranked) that a mutant treats otherwise: with what-ifs, and what each says that the other does not."""

    number: int
    applications: list[dict[str, Any]]
    given: dict[str, Any]
    before: dict[str, str]
    after: dict[str, str]


def told_apart(
    version: Version,
    mutants: Sequence[Mutant],
    count: int,
    seed: int,
    bases: Sequence[dict[str, Any]],
    jobs: int = 1,
    told: Callable[[int], None] = lambda n: None,
) -> dict[int, Told]:
    """The mutants (by their position) that one of `count` generated applications tells apart, each with the first that does."""
    if not mutants:
        return {}
    _shared[:] = [_Search(version, mutants, seed, by_number(version.policy, seed, bases))]
    size = max(GROUP, min(250, count // (jobs * 4) or 1))
    parts = [(start, min(size, count - start)) for start in range(0, count, size)]
    found: dict[int, Told] = {}
    if jobs < 2 or "fork" not in multiprocessing.get_all_start_methods():
        results = map(_part, parts)
        return _gathered(results, found, parts, told)
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        return _gathered(pool.imap(_part, parts), found, parts, told)


def _gathered(results: Any, found: dict[int, Told], parts: Sequence[tuple[int, int]], told: Callable[[int], None]) -> dict[int, Told]:
    for (start, size), part in zip(parts, results, strict=True):
        for number, difference in part.items():
            found.setdefault(number, difference)
        told(start + size)
    return found


@dataclass
class _Search:
    version: Version
    mutants: Sequence[Mutant]
    seed: int
    application: Callable[[int], dict[str, Any]]
    """The made-up applications by number. Their bases are read before processes are forked, once for all."""


_shared: list[_Search] = []
"""What forked processes find in their memory."""


def _part(part: tuple[int, int]) -> dict[int, Told]:
    search = _shared[0]
    version = search.version
    policy = version.policy
    watched = {i: c for i, m in enumerate(search.mutants) if (c := version.changed(m)) is not None}
    settings = what_ifs(policy, search.seed)
    found: dict[int, Told] = {}
    group: list[dict[str, Any]] = []
    start, size = part
    orders: dict[int, _Order] = {}
    for number in range(start, start + size):
        application = search.application(number)
        version.known.clear()
        version.applications.clear()
        # Half of them are decided as the call stands, all else being assumed.
        setting = 0 if number % 2 else number // 2 % len(settings)
        given = settings[setting]
        try:
            known = version.know(WhatIf.of_given(policy, given), application)
        except (ApplicationError, PolicyError, TooManySteps):
            continue
        order = orders.setdefault(setting, _Order())
        before = telling(policy.core, known.evaluation, known.decision)
        order.enter(number, application, order_keys(policy.core, known.evaluation, known.decision))
        for i, changed in watched.items():
            if i not in found and (difference := _differs(known, before, changed, order, i)) is not None:
                others, pair = difference
                found[i] = Told(number, [*others, application], given, *pair)
        if policy.core.ranking is not None:
            group.append(application)
            if len(group) == GROUP:
                group = group if number % EVERY < GROUP else []
            if len(group) == GROUP:
                found |= {i: t for i, t in _ranked(version, watched, given, group, number).items() if i not in found}
                group = []
    return found


def what_ifs(policy: Policy, seed: int) -> list[dict[str, Any]]:
    """Settings to decide under: the call as it stands, everything assumed; then with other readings, other clocks, or nothing assumed."""
    rng = Random(f"{seed}/settings")
    instants = {
        v for values in compared(policy.core, policy.settled.settings).constants.values() for v in values if isinstance(v, datetime | date)
    }
    days = sorted({v.date() if isinstance(v, datetime) else v for v in instants})
    found: list[dict[str, Any]] = [{"as_of": None, "assume": True, "set": {}, "readings": {}}]
    for _ in range(SETTINGS):
        names = sorted(policy.core.readings)
        readings = {n: rng.choice(list(policy.core.readings[n].options)) for n in rng.sample(names, rng.randint(0, len(names)))}
        clock = (rng.choice(days) + timedelta(days=rng.randint(-15, 15))).isoformat() if days and rng.random() < 0.6 else None
        found.append({"as_of": clock, "assume": rng.random() < 0.8, "set": {}, "readings": readings})
    return found


Pair = tuple[dict[str, str], dict[str, str]]


def _differs(known: Known, before: dict[str, str], changed: Changed, order: _Order, i: int) -> tuple[list[dict[str, Any]], Pair] | None:
    """What the policy and a mutant say otherwise, and the earlier application that it takes to see it, if it takes one."""
    try:
        result = known.under(changed)
    except (PolicyError, TooManySteps):
        return [], ({}, {"error": "refused"})
    except (TypeError, AttributeError, KeyError, AssertionError, ValueError, ZeroDivisionError):
        return None  # the checker would have refused it
    if result is None:
        return order.turned(i, {})
    after = telling(changed.policy, *result)
    if before == after:
        return order.turned(i, order_keys(changed.policy, *result))
    names = sorted(n for n in before.keys() | after.keys() if before.get(n) != after.get(n))
    return [], ({n: before.get(n, "—") for n in names}, {n: after.get(n, "—") for n in names})


@dataclass
class _Order:
    """The keys of order of the applications decided under one what-if, and those that mutants give them instead.

    A key that is another number tells nothing: only where two applications come in another order does a ranking differ.
    """

    entered: list[tuple[int, dict[str, Any], dict[str, Value]]] = field(default_factory=list)
    moved: dict[int, dict[int, dict[str, Value]]] = field(default_factory=dict)
    """The keys that a mutant changes, by mutant and number of the application."""

    def enter(self, number: int, application: dict[str, Any], keys: dict[str, Value]) -> None:
        self.entered.append((number, application, keys))

    def turned(self, i: int, keys: dict[str, Value]) -> tuple[list[dict[str, Any]], Pair] | None:
        """An earlier application that the last one comes before or after otherwise by a mutant, which gives the last one `keys`."""
        number, _, old = self.entered[-1]
        new = {name: value for name, value in keys.items() if value != old.get(name)}
        if not old or not (new or i in self.moved):
            return None
        if new:
            self.moved.setdefault(i, {})[number] = new
        for other, application, before in self.entered[:-1]:
            for name in before:
                left, right = before[name], old[name]
                left_moved, right_moved = self.moved[i].get(other, {}).get(name, left), new.get(name, right)
                if (way := _way(left, right)) != (by_mutant := _way(left_moved, right_moved)):
                    return [application], ({f"ranking.{name}": way}, {f"ranking.{name}": by_mutant})
        return None


def _way(left: Value, right: Value) -> str:
    if left == right:
        return "="
    try:
        return "<" if left < right else ">"  # type: ignore[operator]
    except TypeError:
        return "?"  # unknown, or none


def telling(policy: Any, evaluation: Evaluation, decision: Decision) -> dict[str, str]:
    """All of a decision that a case can speak of, as text by what it is about."""
    found = {"outcome": decision.outcome, "stage": decision.stage}
    found |= {f"stages.{name}": status for name, status in decision.stages.items()}
    for row in decision.requirements:
        found[f"verdicts.{row.id}.{row.subject}"] = row.verdict
        found |= {f"message.{row.id}.{row.subject}.{lang}": text for lang, text in row.message.items()}
        if row.cure_by is not None:
            found[f"cure_by.{row.id}.{row.subject}"] = str(row.cure_by)
    for word in ("excluded", "barred"):
        found[word] = ", ".join(sorted(s.record for s in getattr(decision, word)))
    for word in ("missing", "pending", "open_readings", "assumed"):
        found[word] = ", ".join(getattr(decision, word))
    found["faults"] = ", ".join(sorted({f.code for f in decision.faults}))
    for value in decision.result_values:
        found[f"results.{value.record + '.' if value.record else ''}{value.name}"] = _said(value.value)
    return found | _ranking_values(policy, evaluation, decision)


def _ranking_values(policy: Any, evaluation: Evaluation, decision: Decision) -> dict[str, str]:
    """What the ranking takes from an application that takes part in it."""
    plan = policy.ranking
    if not _takes_part(policy, decision):
        return {}
    root = evaluation.records[policy.root][0]
    keys = [(f"pot {name}", e) for name, _, e in plan.pots] + ([("award", plan.award)] if plan.award is not None else [])
    found = {f"ranking.{name}": _said(evaluation.value(expression, {0: root})) for name, expression in keys}
    if plan.exclusive_record is not None and plan.exclusive_key is not None:
        for record in evaluation.records[plan.exclusive_record]:
            if evaluation.admitted[record, ""] is not False:
                found[f"ranking.key.{record.path}"] = _said(evaluation.value(plan.exclusive_key, {0: record}))
    return found


def order_keys(policy: core.Policy, evaluation: Evaluation, decision: Decision) -> dict[str, Value]:
    """The keys by which a ranking orders an application that takes part in it, and settles who keeps a firm."""
    plan = policy.ranking
    if plan is None or not _takes_part(policy, decision):
        return {}
    root = evaluation.records[policy.root][0]
    found = {f"order {i + 1}": evaluation.value(e, {0: root}) for i, (e, _) in enumerate(plan.order_by)}
    return found | {f"keep {i + 1}": evaluation.value(e, {0: root}) for i, (e, _) in enumerate(plan.keep)}


def _takes_part(policy: core.Policy, decision: Decision) -> bool:
    plan = policy.ranking
    return plan is not None and decision.outcome != "rejected" and (plan.among is None or decision.stages.get(plan.among) == "passed")


def _said(value: Value) -> str:
    """A value as a case can expect it: how far it is open is not said."""
    return "unknown" if isinstance(value, Unknown) else str(value)


def _ranked(
    version: Version, watched: dict[int, Changed], given: dict[str, Any], data: list[dict[str, Any]], number: int
) -> dict[int, Told]:
    """The mutants of the ranking that a group of applications tells apart."""
    found: dict[int, Told] = {}
    try:
        group = Group.of(version, WhatIf.of_given(version.policy, given), given, data)
    except (ApplicationError, PolicyError, TooManySteps):
        return found
    before = ranking_told(group.ranking)
    for i, changed in watched.items():
        if changed.mutant.reach not in ("ranking", "settings"):
            continue
        try:
            Ranker(mutated_policy(version.policy, changed), **given)
            ranking = group.under(changed, {})
        except (ApplicationError, PolicyError, TooManySteps):
            continue
        if ranking is not None and (after := ranking_told(ranking)) != before:
            names = sorted(n for n in before.keys() | after.keys() if before.get(n) != after.get(n))
            pair = ({n: before.get(n, "—") for n in names}, {n: after.get(n, "—") for n in names})
            found[i] = Told(number, list(data), given, *pair)
    return found


def ranking_told(ranking: Any) -> dict[str, str]:
    """All of a ranking that a case can speak of."""
    found = {"order": ", ".join(r.application for r in ranking.rows), "left": str(ranking.left), "ties": str(ranking.ties)}
    for row in ranking.rows:
        reasons = ", ".join(r.code for r in row.reasons)
        struck = ", ".join(sorted(s.key for s in row.strikes))
        found[row.application] = f"{row.position} {row.status} {row.amount} {row.cumulative} {row.left} [{struck}] [{reasons}]"
    return found
