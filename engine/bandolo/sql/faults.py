"""Which expressions may have no result at all. What may, decides nothing while it is not known (LANGUAGE.md, "Faults")."""

from __future__ import annotations

from bandolo.check import core
from bandolo.evaluate.settle import Settled
from bandolo.language.types import DATE, DATETIME, ListType
from bandolo.language.values import Fault

RISKY = ("average", "round", "working_day", "date", "start_of")


class Faults:
    """Asked of an expression, whether some application makes it a fault. Never wrong where it says no."""

    def __init__(self, policy: core.Policy, settled: Settled) -> None:
        self.policy, self.settled = policy, settled

    def may_fault(self, node: core.Expr) -> bool:
        """Also through all that the expression rests on."""
        seen: set[tuple[str, str]] = set()
        waiting = [node]
        while waiting:
            for one in core.walk(waiting.pop()):
                if self._risky(one):
                    return True
                key = self._rests_on(one)
                if key is not None and key not in seen:
                    seen.add(key)
                    waiting += self._trees(key)
        return False

    def _rests_on(self, node: core.Expr) -> tuple[str, str] | None:
        match node:
            case core.Computed(entity=entity, name=name):
                return entity, name
            case core.Met(requirement=name):
                return "requirement", name
            case core.Admitted():
                return "admitted", ""
        return None

    def _trees(self, key: tuple[str, str]) -> list[core.Expr]:
        if key[0] == "requirement":
            one = self.policy.requirements[key[1]]
            return [t for t in (one.applies, one.check) if t is not None]
        if key == ("admitted", ""):
            found = [t for r in self.policy.requirements.values() if r.may("exclude") for t in (r.applies, r.check) if t is not None]
            return found + [s.opens for s in self.policy.stages if s.opens is not None]
        return [self.policy.definitions[key].value]

    def _risky(self, node: core.Expr) -> bool:
        match node:
            case core.Share():
                return True
            case core.Dated(name=name):
                versions = self.settled.settings.versions[name]
                bounded = versions[0][0] is not None or versions[-1][1] is not None
                return bounded or any(isinstance(value, Fault) for _, _, value in versions)
            case core.Parameter(name=name):
                return isinstance(self.settled.settings.parameters[name], Fault)
            case core.Apply(operation=operation, arguments=arguments):
                if operation.name in ("min", "max"):
                    return len(arguments) == 1
                if operation.name == "/":
                    divisor = arguments[1]
                    return not (isinstance(divisor, core.Constant) and divisor.value)
                if operation.name == "round" and isinstance(arguments[2], core.Constant):
                    return False
                return operation.name in RISKY or (operation.name in ("+", "-", "*", "^") and self._leaves(node))
        return False

    @staticmethod
    def _leaves(node: core.Apply) -> bool:
        """Whether a result may leave the calendar, or the numbers that are computed with."""
        type_ = node.type.item if isinstance(node.type, ListType) else node.type
        return type_ in (DATE, DATETIME) or node.operation.name == "^"
