"""One side of a comparison: a policy with its what-ifs, and what it makes of an application."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from bandolo.check import core
from bandolo.diagnostics import ApplicationError, Diagnostic
from bandolo.evaluate.decision import Decision
from bandolo.evaluate.inputs import read_leniently
from bandolo.language.types import MONEY, ListType, OptionalType, RecordType, Type
from bandolo.language.values import Record
from bandolo.policy import Policy
from bandolo.ranking.assess import Assessor
from bandolo.ranking.entrant import Entrant
from bandolo.ranking.rank import Ranker

ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class Judged:
    """What one side makes of an application: a decision, or why there is none; as an entrant where applications are ranked."""

    decision: Decision | None
    entrant: Entrant | None
    refused: tuple[Diagnostic, ...]
    left_out: tuple[str, ...]
    """Facts of the application that this side does not ask for."""


class Side:
    """A policy with its what-ifs (those of `Policy.decide`), and the other one. Raises PolicyError for a what-if that cannot be."""

    def __init__(self, policy: Policy, other: Policy, what_ifs: Mapping[str, Any], ranked: bool) -> None:
        self.other = other
        self.policy, self.what_ifs, self.ranked = policy, dict(what_ifs), ranked
        self.assessors: dict[str | None, Assessor] = {}
        self.assessor(None)

    def assessor(self, as_of: str | None) -> Assessor:
        """What decides as of a date, where the what-ifs name none."""
        if as_of not in self.assessors:
            what_ifs = self.what_ifs | ({} if as_of is None or self.what_ifs.get("as_of") is not None else {"as_of": as_of})
            if self.ranked:
                self.assessors[as_of] = Ranker(self.policy, **what_ifs).assessor
            else:
                changes = self.policy.changes(what_ifs.get("set") or {}, what_ifs.get("readings") or {}, what_ifs.get("assume") or False)
                self.policy.settled_as(changes, self.policy.clock(what_ifs.get("as_of"))[0])
                self.assessors[as_of] = Assessor(self.policy, what_ifs.get("as_of"), changes, ())
        return self.assessors[as_of]

    def judge(self, data: Any, as_of: str | None) -> Judged:
        """The decision on an application, or its diagnostics."""
        application, left_out = fitted(data, self.policy, self.other)
        try:
            entrant, decision = self.assessor(as_of).assessed(application)
        except ApplicationError as error:
            return Judged(None, None, error.diagnostics, left_out)
        return Judged(decision, entrant if self.ranked else None, (), left_out)


def fitted(data: Any, policy: Policy, other: Policy) -> tuple[Any, tuple[str, ...]]:
    """An application without the facts that only the other policy asks for, and their names, as `entity.fact`.

    What neither asks for stays, and is refused: a misspelt fact, or an application to another call.
    """
    left: dict[str, None] = {}
    texts, others = _texts(policy), _texts(other)
    made = _fitted(data, (policy.core.root, other.core.root), texts, others, left)
    return made, tuple(sorted(left))


def _texts(policy: Policy) -> list[core.Policy]:
    """The policy as amended, and as it is where no act reaches."""
    reaching = any(act.applies_to is not None for act in policy.loaded.amendments)
    return [policy.core, policy.with_acts(()).core] if reaching else [policy.core]


def _facts(texts: list[core.Policy], entity: str) -> dict[str, core.FactDeclaration]:
    return {name: fact for text in reversed(texts) if entity in text.entities for name, fact in text.entities[entity].facts.items()}


def _fitted(data: Any, entity: tuple[str, str], texts: list[core.Policy], others: list[core.Policy], left: dict[str, None]) -> Any:
    """`entity` is what each side calls the record."""
    if not isinstance(data, Mapping):
        return data
    facts, theirs = _facts(texts, entity[0]), _facts(others, entity[1])
    made = {}
    for name, value in data.items():
        if name not in facts:
            if name in theirs:
                left[f"{entity[1]}.{name}"] = None
            else:
                made[name] = value
            continue
        type_ = facts[name].type
        if isinstance(type_, ListType) and isinstance(type_.item, RecordType) and isinstance(value, list | tuple):
            listed = theirs[name].type if name in theirs else None
            same = listed.item.entity if isinstance(listed, ListType) and isinstance(listed.item, RecordType) else type_.item.entity
            made[name] = [_fitted(item, (type_.item.entity, same), texts, others, left) for item in value]
        else:
            made[name] = value
    return made


# Amounts.


def is_money(type_: Type) -> bool:
    return (type_.of if isinstance(type_, OptionalType) else type_) == MONEY


def amounts(decision: Decision, names: tuple[str, ...]) -> dict[str, Fraction | None]:
    """The amounts that an application gets by name of the result: nothing where it is rejected, None while one is not known."""
    found: dict[str, Fraction | None] = dict.fromkeys(names)
    for result in decision.result_values:
        if result.record is None and result.name in found and isinstance(result.value, Fraction):
            found[result.name] = result.value
    return dict.fromkeys(names, ZERO) if decision.outcome == "rejected" else found


def amounts_of_records(decision: Decision, entity: str, name: str) -> dict[str, Fraction | None]:
    """The amount of each record by its path; a record that is excluded is not there, and gets nothing."""
    return {
        r.record: ZERO if decision.outcome == "rejected" else r.value if isinstance(r.value, Fraction) else None
        for r in decision.result_values if r.record is not None and r.entity == entity and r.name == name
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Grouping:
    """The fact by which applications are told apart, of the root or of a listed record, and the amount of such a record."""

    entity: str
    fact: str
    amount: str | None


def records_by_group(policy: Policy, other: Policy, data: Any, by: Grouping) -> list[tuple[str, str]]:
    """The records of an application's kind with the group that each is in, as its choice or `true`; empty where that is not known."""
    read = read_leniently(policy.core, policy.settled, fitted(data, policy, other)[0])
    stages = policy.core.entities[by.entity].facts[by.fact].asked or (None,)
    return [(r.path, _group(r, by.fact, stages)) for r in read.records[by.entity]]


def _group(record: Record, fact: str, stages: tuple[str | None, ...]) -> str:
    value = record.facts.get((fact, stages[0]))
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else ""
