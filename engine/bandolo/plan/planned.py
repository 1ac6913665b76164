"""One application by a program: what the program cannot tell is asked of the reference, step by step."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from typing import Any

from bandolo import limits
from bandolo.evaluate.decide import Identity, assembled
from bandolo.evaluate.decision import Decision
from bandolo.evaluate.inputs import Application, read_application
from bandolo.evaluate.reference import Evaluation, Strikes
from bandolo.evaluate.settle import Changes, Settled
from bandolo.evaluate.shares import allocate
from bandolo.language.values import Fault, ListValue, Record, Unknown, Value
from bandolo.plan.kinds import Open, freeze, kind_of_fact, thaw
from bandolo.plan.program import Program
from bandolo.plan.records import PlannedRecord
from bandolo.plan.running import NOT_COMPLETE
from bandolo.plan.told import Telling, tell
from bandolo.source import Span


class _Definitions(dict[tuple[str, str, Record], Value]):
    """The values of definitions by the reference's keys, brought back from the slots when asked for."""

    def __init__(self, program: Program) -> None:
        super().__init__()
        self.program = program

    def __missing__(self, key: tuple[str, str, Record]) -> Value:
        entity, name, record = key
        kind = self.program.kinds[entity, name]
        assert kind is not None
        value = thaw(kind, getattr(record, self.program.names.definitions[entity, name]), _itself)
        self[key] = value
        return value


class _Met(dict[tuple[str, Record], Value]):
    def __init__(self, names: dict[str, str]) -> None:
        super().__init__()
        self.names = names

    def __missing__(self, key: tuple[str, Record]) -> Value:
        found: bool = getattr(key[1], self.names[key[0]])
        return found


class _Verdicts(dict[tuple[str, Record], str]):
    def __init__(self, names: dict[str, str]) -> None:
        super().__init__()
        self.names = names

    def __missing__(self, key: tuple[str, Record]) -> str:
        found = getattr(key[1], self.names[key[0]])
        return "met" if found else "not_applicable" if found is None else "failed"


class _Admitted(dict[tuple[Record, str], Value]):
    def __init__(self, names: dict[str, str]) -> None:
        super().__init__()
        self.names = names

    def __missing__(self, key: tuple[Record, str]) -> Value:
        found: bool = getattr(key[0], self.names[key[1]])
        return found


class _Opened(dict[str, Value]):
    def __init__(self, names: dict[str, str], root: Record) -> None:
        super().__init__()
        self.names, self.root = names, root

    def __missing__(self, key: str) -> Value:
        found: bool = getattr(self.root, self.names[key])
        return found


class Planned(Evaluation):
    """An evaluation whose steps a program computes."""

    def __init__(self, program: Program, settled: Settled, records: dict[str, list[PlannedRecord]], budget: int) -> None:
        self.program = program
        names = program.names
        super().__init__(
            program.policy, settled.settings, records, budget, False, Strikes(),  # type: ignore[arg-type]
            _Definitions(program), _Met(names.requirements), _Verdicts(names.verdicts), _Admitted(names.admitted),
            _Opened(names.open, records[program.policy.root][0]),
        )  # fmt: skip
        self.asked = 0
        self.allocations: dict[tuple[int, Record], dict[Record, int]] = {}
        if not isinstance(settled.settings.as_of, Unknown | Fault):
            self.now = settled.settings.as_of

    def run(self) -> None:
        self.program.run(self, *self.records.values())
        self.open = {stage: self.open[stage] for stage in self.program.names.open}

    def ask(self, index: int, record: PlannedRecord) -> None:
        """One step for one record, by the reference; its value goes on into the slots where it is known."""
        self.asked += 1
        step, names = self.policy.steps[index], self.program.names
        value = self.worked_out(step, record)
        self.keep(step, record, value)
        if step.kind == "definition":
            assert not isinstance(value, tuple)
            kind = self.program.kinds[step.entity, step.name]
            if kind is not None:
                with suppress(Open):
                    setattr(record, names.definitions[step.entity, step.name], freeze(kind, value, _itself))
            return
        known = value[0] if isinstance(value, tuple) else value
        if isinstance(known, bool):
            slots = {"requirement": names.requirements, "admitted": names.admitted, "opens": names.open}[step.kind]
            setattr(record, slots[step.name], known)

    def unsure(self) -> bool:
        raise Open

    def shared(self, index: int, share: Any, owner: Record) -> dict[Record, int]:
        """What a share gives each record of one owner, in cents."""
        key = (index, owner)
        if key not in self.allocations:
            self.allocations[key] = share(self, owner)
        return self.allocations[key]

    def allocated(
        self, total: Fraction, weights: dict[Record, Fraction], keys: dict[Record, Any], direction: str, span: Span
    ) -> dict[Record, int]:
        found = allocate(total, weights, keys, direction, span)
        if isinstance(found, Fault):
            raise Open
        return {record: (part * 100).numerator for record, part in found.items() if isinstance(part, Fraction)}


def _itself(record: Any) -> Any:
    return record


def planned_records(program: Program, application: Application) -> dict[str, list[PlannedRecord]]:
    """The records of an application as the program reads them."""
    made: dict[int, PlannedRecord] = {}
    found: dict[str, list[PlannedRecord]] = {}
    for entity, records in application.records.items():
        found[entity] = []
        for record in records:
            planned = program.classes[entity].__new__(program.classes[entity])
            planned.entity, planned.path, planned.key = record.entity, record.path, record.key
            made[id(record)] = planned
            found[entity].append(planned)
    for entity, records in application.records.items():
        facts = program.policy.entities[entity].facts
        for record, planned in zip(records, found[entity], strict=True):
            planned.owner = made[id(record.owner)] if record.owner is not None else None
            planned.facts = {}
            for (name, stage), value in record.facts.items():
                planned.facts[name, stage] = _moved(value, made)
                try:
                    frozen = freeze(kind_of_fact(facts[name].type), planned.facts[name, stage], _itself)
                except Open:
                    continue
                setattr(planned, program.names.facts[entity, name, stage], frozen)
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
    count = sum(len(records) for records in application.records.values())
    if count > program.most_records:
        return None
    records = planned_records(program, application)
    plan = Planned(program, settled, records, limits.STEPS_BASE + count * limits.STEPS_PER_RECORD)
    plan.run()
    moved = Application(records[program.policy.root][0], records, application.digest)  # type: ignore[arg-type]
    return assembled(program.policy, settled, changes, identity, moved, plan)


def decide_stepwise(program: Program, settled: Settled, changes: Changes, identity: Identity, data: object) -> Decision | None:
    """The decision on plain data; None where the reference must say what is wrong with it, or count its steps."""
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
