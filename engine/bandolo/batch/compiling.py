"""A settled policy as one function over blocks of columns: verdicts, statuses, outcome and results of many applications at once."""

from __future__ import annotations

from collections.abc import Mapping

from bandolo.batch import steps, verdicts
from bandolo.batch.build import Build
from bandolo.batch.emission import source_of
from bandolo.batch.helpers import TABLE
from bandolo.batch.program import Key, Program, Shape
from bandolo.batch.ranking_values import ranked
from bandolo.batch.results import result_of
from bandolo.check import core
from bandolo.evaluate.settle import Settled


def compile_columns(
    policy: core.Policy,
    settled: Settled,
    shapes: Mapping[Key, Shape],
    records: bool,
    ranking: bool = False,
    kept: frozenset[str] = frozenset(),
) -> Program:
    """The program for columns of some shapes; NotColumnar where the policy asks for what has none.

    `records` wants the results of records, `ranking` what the ranking takes. `kept` are the requirements that are not looked at again after
    a strike: without a column of strikes their verdicts come out, and with one they go in, as columns of their own.
    """
    build = Build(policy, settled, shapes, records, ranking, kept)
    steps.leave_outside(build)
    for step in policy.steps:
        steps.write_step(build, step)
    steps.leave_undecided(build)
    masks, failing = verdicts.masks(build)
    statuses, outcome, stage = verdicts.outcome(build)
    # The ranking takes its own values, and a result that has no column does not stand in its way.
    wanted = [] if ranking else [r for r in policy.results if r.entity == policy.root or records]
    results = [result_of(build, r) for r in wanted]
    excluded = {e: verdicts.excluded(build, e) for e in build.frames if e != policy.root} if records else {}
    barred = {e: verdicts.barred(build, e) for e in build.frames if e != policy.root} if records else {}
    admitted = {}
    for entity in excluded:
        counts = build.w.admitted.get((entity, "")) or steps.admitted(build, entity, "", build.frames[entity])
        if counts.constant is None:
            admitted[entity] = build.put(build.w.flag(counts))
    missing = verdicts.missing(build)
    taken = ranked(build, statuses, outcome) if ranking else None
    stays, unsure = verdicts.kept_verdicts(build)
    left = build.put(build.w.either("left", *build.left) or "left")
    told = {reason: build.w.either(*bads) for reason, bads in build.reasons.items()}
    reasons = {why: build.put(build.w.emit(f"flags_of({bad}, {build.root.name})")) for why, bad in told.items() if bad is not None}
    source = source_of(build)
    table = dict(TABLE) | build.w.table
    # Names and whole numbers made here: nothing of the policy becomes code.
    exec(compile(source, f"<columns of {policy.digest[:19]}>", "exec"), table)
    return Program(
        table["run"], source, build.columns, (*build.frames, *build.lists), frozenset(build.read), tuple(build.order), len(masks), left,
        outcome, stage, tuple(statuses), tuple(masks), failing, excluded, barred, admitted, tuple(results),
        taken, stays, unsure, missing,
        reasons=reasons,
    )  # fmt: skip
