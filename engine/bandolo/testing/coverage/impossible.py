"""What no case can ever see, proved from the policy alone. Where nothing is proved, nothing is said: a gap is a gap."""

from __future__ import annotations

from collections.abc import Iterable

from bandolo.check import core
from bandolo.check.core import Texts

NEVER_UNKNOWN = Texts(
    "impossibile: non dipende da dati, da valori rinviati ad altro atto, da letture aperte né dall'orologio",
    "impossible: it depends on no fact, no value left to a later act, no open reading and not on the clock",
)


def decided_by_constants(value: bool) -> Texts:
    """Why a condition over constants cannot come out the other way."""
    return Texts(
        f"impossibile: la condizione è di sole costanti, sempre {'vera' if value else 'falsa'}",
        f"impossible: the condition is of constants alone, always {'true' if value else 'false'}",
    )


def constant(node: core.Expr) -> bool | None:
    """What a condition written with constants alone always is; None for every other."""
    match node:
        case core.Constant(value=bool() as value):
            return value
        case core.Not(value=inner):
            found = constant(inner)
            return None if found is None else not found
        case core.And(parts=parts):
            return _joined([constant(p) for p in parts], False)
        case core.Or(parts=parts):
            return _joined([constant(p) for p in parts], True)
    return None


def _joined(parts: list[bool | None], decides: bool) -> bool | None:
    if decides in parts:
        return decides
    return None if None in parts else not decides


def may_be_unknown(policy: core.Policy, nodes: Iterable[core.Expr]) -> bool:
    """Whether anything that the expressions rest on can be missing; True where that is not disproved."""
    stack = list(nodes)
    seen: set[tuple[str, str]] = set()
    while stack:
        node = stack.pop()
        match node:
            case core.Constant() | core.IsKnown():
                continue
            case core.Computed(record=core.Variable(slot=0), entity=entity, name=name):
                if (entity, name) not in seen:
                    seen.add((entity, name))
                    stack.append(policy.definitions[entity, name].value)
            case core.Parameter(name=name):
                # A parameter with a value may still be left open by no what-if; a pending one is unknown until an act fills it.
                if policy.parameters[name].value is None:
                    return True
            case core.Option(reading=name):
                if policy.readings[name].chosen is None:
                    return True
            case core.And() | core.Or() | core.Not() | core.Apply() | core.Branches() | core.Choose() | core.Items() | core.Let():
                stack.extend(core.children(node))
            case core.Variable(slot=slot) if slot != 0:
                continue  # a formula's argument: what it stands for is looked at where it is bound
            case _:
                return True
    return False
