"""An evaluation whose steps a program computes: what it leaves in records, and what of it the reference may ask."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from bandolo.evaluate.reference import Evaluation, Strikes
from bandolo.evaluate.settle import Settled
from bandolo.evaluate.shares import allocate, apportioned, unapportioned
from bandolo.language.types import BOOLEAN
from bandolo.language.values import Fault, Record, Unknown, Value
from bandolo.plan import unknowns
from bandolo.plan.bridge import Paths, lent, opaque, taken
from bandolo.plan.kinds import Many, Open, Same, Whole
from bandolo.plan.records import PlannedRecord, of_planned
from bandolo.plan.unknowns import Gap, Loose
from bandolo.source import Span

if TYPE_CHECKING:
    from bandolo.plan.program import Program

CENTS = Whole(100, 512)


class _Definitions(dict[tuple[str, str, Record], Value]):
    """The values of definitions by the reference's keys, brought back from the slots when asked for."""

    def __init__(self, program: Program, paths: Paths) -> None:
        super().__init__()
        self.program, self.paths = program, paths

    def __missing__(self, key: tuple[str, str, Record]) -> Value:
        entity, name, record = key
        kind, slot = self.program.kinds[entity, name], self.program.names.definitions[entity, name]
        assert kind is not None
        value = lent(kind, of_planned(record).value(slot), self.paths.names)
        self[key] = value
        return value


class _Met(dict[tuple[str, Record], Value]):
    def __init__(self, names: dict[str, str], paths: Paths) -> None:
        super().__init__()
        self.names, self.paths = names, paths

    def __missing__(self, key: tuple[str, Record]) -> Value:
        return self.paths.told(of_planned(key[1]).value(self.names[key[0]]))


class _Verdicts(dict[tuple[str, Record], str]):
    def __init__(self, names: dict[str, str]) -> None:
        super().__init__()
        self.names = names

    def __missing__(self, key: tuple[str, Record]) -> str:
        found = getattr(key[1], self.names[key[0]])
        if found.__class__ is Gap:
            return "unknown"
        return "met" if found else "not_applicable" if found is None else "failed"


class _Admitted(dict[tuple[Record, str], Value]):
    def __init__(self, names: dict[str, str], paths: Paths) -> None:
        super().__init__()
        self.names, self.paths = names, paths

    def __missing__(self, key: tuple[Record, str]) -> Value:
        return self.paths.told(of_planned(key[0]).value(self.names[key[1]]))


class _Opened(dict[str, Value]):
    def __init__(self, names: dict[str, str], root: Record, paths: Paths) -> None:
        super().__init__()
        self.names, self.root, self.paths = names, root, paths

    def __missing__(self, key: str) -> Value:
        return self.paths.told(of_planned(self.root).value(self.names[key]))


class Planned(Evaluation):
    """An evaluation whose steps a program computes."""

    def __init__(self, program: Program, settled: Settled, records: dict[str, list[PlannedRecord]], budget: int, paths: Paths) -> None:
        self.program, self.paths = program, paths
        names = program.names
        super().__init__(
            program.policy, settled.settings, records, budget, False, Strikes(),  # type: ignore[arg-type]
            _Definitions(program, paths), _Met(names.requirements, paths), _Verdicts(names.verdicts), _Admitted(names.admitted, paths),
            _Opened(names.open, records[program.policy.root][0], paths),
        )  # fmt: skip
        self.asked = 0
        self.allocations: dict[tuple[int, Record], dict[Record, int]] = {}
        self.parts: dict[tuple[int, Record], Any] = {}
        self.clock: Any = settled.settings.as_of
        if isinstance(self.clock, Unknown):
            self.clock = Gap(program.bits["as_of"])
        elif not isinstance(self.clock, Fault):
            self.now = self.clock

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
            kind, slot = self.program.kinds[step.entity, step.name], names.definitions[step.entity, step.name]
            if kind is not None:
                with suppress(Open):
                    self.leave(record, slot, taken(kind, value, self.paths.bits))
            return
        known = value[0] if isinstance(value, tuple) else value
        if isinstance(value, tuple) and not isinstance(known, Fault):
            told = {"met": True, "failed": False, "not_applicable": None}
            verdict = told[value[1]] if value[1] in told else taken(Same(BOOLEAN), known, self.paths.bits)
            setattr(record, names.verdicts[step.name], verdict)
        slots = {"requirement": names.requirements, "admitted": names.admitted, "opens": names.open}[step.kind]
        with suppress(Open):
            self.leave(record, slots[step.name], taken(Same(BOOLEAN), known, self.paths.bits))

    @staticmethod
    def leave(record: PlannedRecord, slot: str, value: Any) -> None:
        if value.__class__ is Gap or value.__class__ is Loose:
            record.gaps[slot] = value
        else:
            setattr(record, slot, value)

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

    # Shares of which something is not known.

    def part(self, index: int, share: Any, owner: Record, record: Record) -> Any:
        """What a share gives a record, in cents, or the gap that stands for it."""
        key = (index, owner)
        found = self.parts.get(key)
        if found is None:
            found = self.parts[key] = share(self, owner)
        if found.__class__ is not dict:
            return found
        part = found.get(record)
        if part is None:
            risky = [gap for gap in found.values() if gap.__class__ is Gap]
            if any(gap.risky for gap in risky):
                return unknowns.made(unknowns.together(*risky).missing, 0, 0, True)  # nothing, unless the whole cannot be shared out
            return 0
        return part

    @staticmethod
    def not_apportioned(total: Value, among: Any) -> Any:
        return taken(CENTS, unapportioned(total, lent(Many(Same(BOOLEAN)), among)))

    def apportioned(self, index: int, total: Value, among: list[tuple[Record, Any, Value, Value]]) -> Any:
        direction = self.settings.money_rounding
        if isinstance(direction, Unknown):
            direction = Unknown(opaque(self.paths.bits(direction.missing)))
        unsure = [s for _, sure, _, _ in among if sure is not True and isinstance(s := lent(Same(BOOLEAN), sure), Unknown)]
        weights = {record: weight for record, _, weight, _ in among}
        keys = {record: key for record, _, _, key in among}
        found = apportioned(total, unsure, weights, keys, direction, self.program.shares[index].span)
        if not isinstance(found, dict):
            return taken(CENTS, found)
        kept: dict[int, Any] = {}
        parts: dict[Record, Any] = {}
        for record, part in found.items():
            if id(part) not in kept:
                kept[id(part)] = taken(CENTS, part)
            parts[record] = kept[id(part)]
        return parts
