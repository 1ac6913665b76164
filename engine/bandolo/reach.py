"""Which amendments reach an application: each act's `applies_to`, asked of the text as it is with the earlier acts that reach it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bandolo import limits
from bandolo.diagnostics import ApplicationError, Diagnostic
from bandolo.evaluate.decision import Decision, FaultFound, RequirementResult, ResultValue
from bandolo.evaluate.inputs import read_leniently
from bandolo.evaluate.reference import Evaluation, TooManySteps
from bandolo.evaluate.settle import Changes, settle
from bandolo.language.values import Fault, Unknown, Value

if TYPE_CHECKING:
    from bandolo.policy import Policy


def texts_that_reach(
    policy: Policy, application: Mapping[str, Any], clock: Value, changes: Changes
) -> tuple[list[Policy], list[Unknown | Fault]]:
    """The texts that may decide an application, and what leaves it open which of them does.

    One text where every condition is decided; where one is not, the text with the act and the one without it.
    """
    chosen: list[tuple[int, ...]] = [()]
    open_: list[Unknown | Fault] = []
    for number, conditional in enumerate(policy.conditional):
        following: list[tuple[int, ...]] = []
        for acts in chosen:
            with_act = (*acts, number)
            holds = _holds(policy.with_acts(with_act), application, clock, changes) if conditional else True
            if isinstance(holds, Unknown | Fault):
                open_.append(holds)
            following += [with_act] if holds is not False else []
            following += [acts] if holds is not True else []
        chosen = following[:8]  # three acts of unknown reach: what all eight texts agree on
    return [policy.with_acts(acts) for acts in chosen], open_


def _holds(policy: Policy, application: Mapping[str, Any], clock: Value, changes: Changes) -> Value:
    """The condition of the last act, on the facts that can be read; what an act does not reach need not fit its text."""
    condition = policy.core.reach
    assert condition is not None
    known = dataclasses.replace(changes, set={n: v for n, v in changes.set.items() if n in policy.core.parameters})
    settled, _ = settle(policy.core, known, clock)
    read = read_leniently(policy.core, settled, application)
    count = sum(len(records) for records in read.records.values())
    budget = limits.STEPS_BASE + count * limits.STEPS_PER_RECORD
    evaluation = Evaluation(policy.core, settled.settings, read.records, budget)
    try:
        evaluation.run()
        return evaluation.value(condition, {0: read.root})
    except TooManySteps:
        raise ApplicationError([Diagnostic("too-many-steps", path="$", args={"limit": budget})]) from None


def agreed(decisions: list[Decision], open_: list[Unknown | Fault]) -> Decision:
    """What all possible texts say of an application; where they differ, undetermined for what would tell which of them holds."""
    last = decisions[0]
    missing = frozenset().union(*(o.missing for o in open_ if isinstance(o, Unknown)))
    faults = [
        FaultFound(
            o.code, "" if o.span is None else f"{o.span.line}:{o.span.column}", "" if o.span is None else o.span.text, ("applies_to",)
        )
        for o in open_ if isinstance(o, Fault)
    ]  # fmt: skip
    stages = {s: v if all(d.stages.get(s) == v for d in decisions) else "undetermined" for s, v in last.stages.items()}
    return dataclasses.replace(
        last,
        outcome=last.outcome if len({d.outcome for d in decisions}) == 1 else "undetermined",
        stages=stages,
        requirements=_requirements(decisions, missing),
        result_values=_results(decisions, missing),
        excluded=tuple(s for s in last.excluded if all(s in d.excluded for d in decisions)),
        barred=tuple(s for s in last.barred if all(s in d.barred for d in decisions)),
        missing=tuple(sorted({m for d in decisions for m in d.missing} | missing)),
        pending=tuple(sorted({p for d in decisions for p in d.pending})),
        open_readings=tuple(sorted({r for d in decisions for r in d.open_readings})),
        faults=tuple(dict.fromkeys([*(f for d in decisions for f in d.faults), *faults])),
    )


def _requirements(decisions: list[Decision], missing: frozenset[str]) -> tuple[RequirementResult, ...]:
    """Every verdict of any of the texts; known only where all of them give it, with the same effect."""
    by_place = [{(r.id, r.subject): r for r in d.requirements} for d in decisions]
    found = []
    for place in dict.fromkeys(p for places in by_place for p in places):
        those = [places.get(place) for places in by_place]
        first = next(r for r in those if r is not None)
        same = all(r is not None and (r.verdict, r.effect, r.counts) == (first.verdict, first.effect, first.counts) for r in those)
        found.append(first if same else dataclasses.replace(first, verdict="unknown", missing=tuple(sorted({*first.missing, *missing}))))
    return tuple(found)


def _results(decisions: list[Decision], missing: frozenset[str]) -> tuple[ResultValue, ...]:
    by_place = [{(r.name, r.record): r for r in d.result_values} for d in decisions]
    found = []
    for place in dict.fromkeys(p for places in by_place for p in places):
        those = [places.get(place) for places in by_place]
        first = next(r for r in those if r is not None)
        same = all(r is not None and r.value == first.value for r in those)
        found.append(first if same else dataclasses.replace(first, value=Unknown(missing)))
    return tuple(found)
