"""One application by a program: what the program cannot tell is asked of the reference, step by step."""

from __future__ import annotations

from contextlib import suppress

from bandolo import limits
from bandolo.evaluate.decide import Identity
from bandolo.evaluate.decision import Decision
from bandolo.evaluate.inputs import Application, read_application
from bandolo.evaluate.settle import Changes, Settled
from bandolo.language.values import ListValue, Record, Value
from bandolo.plan.bridge import Paths, taken
from bandolo.plan.evaluation import Planned
from bandolo.plan.kinds import Open, kind_of_fact
from bandolo.plan.program import Program
from bandolo.plan.records import PlannedRecord
from bandolo.plan.running import NOT_COMPLETE
from bandolo.plan.stepped import Making, stepped
from bandolo.plan.told import Telling, tell


def planned_records(program: Program, application: Application, paths: Paths) -> dict[str, list[PlannedRecord]]:
    """The records of an application as the program reads them."""
    made: dict[int, PlannedRecord] = {}
    found: dict[str, list[PlannedRecord]] = {}
    for entity, records in application.records.items():
        found[entity] = []
        for record in records:
            planned = program.classes[entity].__new__(program.classes[entity])
            planned.entity, planned.path, planned.key, planned.gaps = record.entity, record.path, record.key, {}
            made[id(record)] = planned
            found[entity].append(planned)
    for entity, records in application.records.items():
        facts = program.policy.entities[entity].facts
        for record, planned in zip(records, found[entity], strict=True):
            planned.owner = made[id(record.owner)] if record.owner is not None else None
            planned.facts = {}
            for (name, stage), value in record.facts.items():
                planned.facts[name, stage] = moved = _moved(value, made)
                with suppress(Open):
                    Planned.leave(
                        planned, program.names.facts[entity, name, stage], taken(kind_of_fact(facts[name].type), moved, paths.bits)
                    )
    return found


def _moved(value: Value, made: dict[int, PlannedRecord]) -> Value:
    match value:
        case Record():
            return made[id(value)]
        case ListValue(members=members) if members and isinstance(members[0].value, Record):
            return ListValue(tuple(type(m)(made[id(m.value)], m.sure) for m in members))
    return value


def decide_planned(program: Program, settled: Settled, changes: Changes, identity: Identity, application: Application) -> Decision | None:
    """The decision on an application that has been read; None where the reference must count its steps."""
    paths = Paths(program.bits)
    return _decided(program, settled, changes, identity, planned_records(program, application, paths), paths, application.digest)


def _decided(
    program: Program,
    settled: Settled,
    changes: Changes,
    identity: Identity,
    records: dict[str, list[PlannedRecord]],
    paths: Paths,
    digest: str | None = None,
) -> Decision | None:
    count = sum(map(len, records.values()))
    if count > program.most_records:
        return None
    plan = Planned(program, settled, records, limits.STEPS_BASE + count * limits.STEPS_PER_RECORD, paths)
    plan.run()
    return stepped(plan, Making(settled, changes, identity, digest))


def decide_stepwise(program: Program, settled: Settled, changes: Changes, identity: Identity, data: object) -> Decision | None:
    """The decision on plain data; None where the reference must say what is wrong with it, or count its steps."""
    if program.read is not None:
        paths = Paths(program.bits)
        try:
            records = program.read(data, paths)
        except NOT_COMPLETE:
            pass
        else:
            return _decided(program, settled, changes, identity, records, paths)
    application, _ = read_application(program.policy, settled, data)
    return decide_planned(program, settled, changes, identity, application) if application is not None else None


def decide_compiled(program: Program, settled: Settled, changes: Changes, identity: Identity, data: object) -> Decision | None:
    """As `decide_stepwise`, in one pass where everything is there."""
    if program.whole is not None:
        try:
            return tell(program.whole.decide(data), Telling(program, settled, changes, identity))
        except NOT_COMPLETE:
            pass
    return decide_stepwise(program, settled, changes, identity, data)
