"""Pieces of code with the form of their values, and the names that a program gives to things."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

from bandolo.check import core
from bandolo.plan.kinds import Kind
from bandolo.plan.quote import literal, name, number


@dataclass(frozen=True, slots=True)
class Code:
    """An expression and the form of its value; `kind` is None where it is never reached. A ratio may stand as two expressions.

    `open`: the value may be a `Gap` (`unknowns.py`); a ratio is then one expression.
    """

    expr: ast.expr
    kind: Kind | None
    under: ast.expr | None = None
    open: bool = False

    @property
    def constant(self) -> int | None:
        """The number that it always is, if it is one."""
        return number(self.expr)


NEVER = Code(literal(None), None)


class Names:
    """The names of a program: which slot of a record holds what, and the table of its constants."""

    def __init__(self, policy: core.Policy) -> None:
        self.facts: dict[tuple[str, str, str | None], str] = {}
        for entity in policy.entities.values():
            for fact in entity.facts.values():
                for stage in fact.asked or (None,):
                    self.facts[entity.name, fact.name, stage] = f"f{len(self.facts)}"
        self.definitions = {key: f"d{i}" for i, key in enumerate(policy.definitions)}
        self.requirements = {id_: f"m{i}" for i, id_ in enumerate(policy.requirements)}
        self.verdicts = {id_: f"v{i}" for i, id_ in enumerate(policy.requirements)}
        moments = ["", *(s.name for s in policy.stages)]
        self.admitted = {moment: f"a{i}" for i, moment in enumerate(moments)}
        self.open = {s.name: f"o{i}" for i, s in enumerate(policy.stages)}
        self.constants: dict[str, Any] = {}
        self._by_value: dict[Any, str] = {}
        self._count = 0

    def fresh(self) -> str:
        self._count += 1
        return f"t{self._count}"

    def constant(self, value: Any) -> ast.expr:
        """The name under which a program finds a value in its table."""
        key = (type(value), value) if isinstance(value, str | frozenset) else id(value)
        if key not in self._by_value:
            self._by_value[key] = f"k{len(self.constants)}"
            self.constants[self._by_value[key]] = value
        return name(self._by_value[key])

    def slots(self, policy: core.Policy, entity: str) -> list[str]:
        """What a record of an entity holds."""
        found = [s for (e, _, _), s in self.facts.items() if e == entity]
        found += [s for (e, _), s in self.definitions.items() if e == entity]
        for requirement in policy.requirements.values():
            if requirement.entity == entity:
                found += [self.requirements[requirement.id], self.verdicts[requirement.id]]
        return [*found, *self.admitted.values(), *(self.open.values() if entity == policy.root else ())]
