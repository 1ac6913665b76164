"""What the ranking takes of an application: the keys of its order, the award, what it asks of each pot, and the exclusive records."""

from __future__ import annotations

from bandolo.batch.build import Build
from bandolo.batch.columns import Column, NotColumnar
from bandolo.batch.program import OUTCOMES, STATUSES, Outgoing, Ranked
from bandolo.batch.results import as_it_leaves
from bandolo.batch.steps import admitted
from bandolo.check import core


def ranked(build: Build, statuses: list[int], outcome: int) -> Ranked:
    """The values that the ranking takes; what is bad matters only in an application that is ranked."""
    plan = build.policy.ranking
    assert plan is not None
    standing = _candidate(build, statuses, outcome)
    names = [s.name for s in build.policy.stages]
    for status in statuses[: names.index(plan.among) + 1] if plan.among is not None else ():  # what is missing is told one by one
        closed = build.w.emit(f"{build.back[status]} == {STATUSES.index('not_started')}")
        build.leave(build.w.emit(f"{closed} & ({build.back[outcome]} != {OUTCOMES.index('failed')})"), build.root)

    def part(name: str, expression: core.Expr, cents: bool) -> Outgoing:
        build.w.slots = {0: Column("record", build.root, "", of=build.root)}
        found, value = as_it_leaves(build, name, build.w.value(expression), build.root, expression.type, cents)
        build.leave(build.w.both(value.bad, standing), build.root)
        return found

    order = tuple(part(f"key.{i}", expression, False) for i, (expression, _) in enumerate(plan.order_by, 1))
    keep = tuple(part(f"keep.{i}", expression, False) for i, (expression, _) in enumerate(plan.keep, 1))
    award = None if plan.award is None else part("award", plan.award, True)
    pots = tuple(part(f"pot.{name}", expression, True) for name, _, expression in plan.pots)
    if plan.exclusive_record is None or plan.exclusive_key is None:
        return Ranked(order, keep, award, pots, None, None)
    frame = build.frames[plan.exclusive_record]
    build.w.slots = {0: Column("record", frame, "", of=frame)}
    value = build.w.value(plan.exclusive_key)
    if value.form not in ("word", "none"):
        raise NotColumnar("what tells exclusive records apart is no text")
    key, made = as_it_leaves(build, "claim", value, frame, plan.exclusive_key.type)
    kept = build.w.admitted.get((frame.entity, "")) or admitted(build, frame.entity, "", frame)
    held = None if kept.constant is True else build.w.flag(build.here(kept, frame))
    if made.bad is not None:
        bad = made.bad if held is None else build.w.both(made.bad, held)
        build.leave(build.w.both(bad, build.w.spread(Column("flag", build.root, standing), frame).name), frame)
    return Ranked(order, keep, award, pots, key, None if held is None else build.put(held))


def _candidate(build: Build, statuses: list[int], outcome: int) -> str:
    """The flags of the applications that are ranked: passed as far as the ranking asks (ranking/assess.py)."""
    plan = build.policy.ranking
    assert plan is not None
    names = [s.name for s in build.policy.stages]
    wanted = statuses if plan.among is None else statuses[: names.index(plan.among) + 1]
    flag = build.w.emit(f"{build.back[outcome]} != {OUTCOMES.index('failed')}")
    for at in wanted:
        passed = build.w.emit(f"{build.back[at]} == 0")
        if plan.among is None:
            passed = build.w.emit(f"{passed} | ({build.back[at]} == {STATUSES.index('not_started')})")
        flag = build.w.emit(f"{flag} & {passed}")
    return flag
