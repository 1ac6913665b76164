"""Which pass over the records can compute what: the order in which loops are fused.

Level 0 of a record reads its own facts; the owner's level 1 may read what a loop over the records has gathered, and so on. Within one
level the owner's steps come before the loops over its records.
"""

from __future__ import annotations

from collections.abc import Iterator

from bandolo.check import core
from bandolo.language.types import ListType, RecordType

Thing = tuple[str, str, str]
"""A kind of step (definition, requirement, admitted, opens), the entity, and the name."""


class Levels:
    """The level of every step of a policy whose records are all listed by the root."""

    def __init__(self, policy: core.Policy) -> None:
        self.policy = policy
        self.of: dict[Thing, int] = {}
        for step in policy.steps:
            level = 0
            for part, slot in _parts(policy, step):
                level = max(level, self.level(part, step.entity, slot))
            if step.kind == "admitted":
                level = max(level, self._admitted(step))
            self.of[step.kind, step.entity, step.name] = level

    def _admitted(self, step: core.Step) -> int:
        level = 0
        for requirement in self.policy.requirements.values():
            if requirement.entity == step.entity and requirement.may("exclude"):
                level = max(
                    level,
                    self.of.get(("requirement", step.entity, requirement.id), 0),
                    self.of.get(("opens", self.policy.root, requirement.stage), 0),
                )
        return level

    def level(self, node: core.Expr, entity: str, this: int = 0) -> int:
        """The first level at which an expression of a record of `entity`, bound to slot `this`, can be computed."""
        return max((self._read(n, entity, this) for n in core.walk(node)), default=0)

    def _read(self, node: core.Expr, entity: str, this: int) -> int:
        root = self.policy.root
        match node:
            case core.Fact(record=record, name=name):
                owner = record.type
                level = 0
                whose = owner.entity if isinstance(owner, RecordType) else root
                listed = self.policy.entities[whose].facts[name].type
                if isinstance(listed, ListType) and isinstance(listed.item, RecordType):
                    return 1
            case core.Computed(record=record, entity=whose, name=name):
                level = self.of.get(("definition", whose, name), 0)
            case core.Met(record=record, requirement=id_):
                whose = self.policy.requirements[id_].entity
                level = self.of.get(("requirement", whose, id_), 0)
            case core.Admitted(record=record, entity=whose, stage=stage):
                level = self.of.get(("admitted", whose, stage or ""), 0)
            case core.Share():
                return 1
            case _:
                return 0
        of_this = isinstance(record, core.Variable) and record.slot == this and whose == entity
        return level if of_this or whose == root else level + 1


def _parts(policy: core.Policy, step: core.Step) -> Iterator[tuple[core.Expr, int]]:
    match step.kind:
        case "definition":
            yield policy.definitions[step.entity, step.name].value, 0
        case "requirement":
            requirement = policy.requirements[step.name]
            yield requirement.check, 0
            if requirement.applies is not None:
                yield requirement.applies, 0
        case "opens":
            stage = policy.stages[policy.stage_index(step.name)]
            if stage.opens is not None:
                yield stage.opens, 0
