"""Parts that are shown rounded must add up to the total that is shown: where they would not, it is said before anyone adds them.

A result of amounts is rounded to the cent when it leaves the policy. If the total adds the unrounded parts, the parts on paper can
differ from it by cents; the mend is to round the part where it is defined (or to share the total out).
"""

from __future__ import annotations

from bandolo.check import core
from bandolo.diagnostics import Diagnostic, Label
from bandolo.language.types import INTEGER, MONEY

Bound = dict[int, core.Expr]
"""The arguments of formulas, by their slots."""


def check_sums(policy: core.Policy) -> list[Diagnostic]:
    """One `parts-do-not-add-up` for each money result that adds up another one that is not rounded to the cent itself."""
    shown = {(r.entity, r.name) for r in policy.results if r.type == MONEY}
    diagnostics = []
    for key in sorted(shown):
        total = policy.definitions[key]
        for part_key in sorted(_added(policy, total.value, {key}, {})):
            part = policy.definitions[part_key]
            if part_key in shown and not _is_whole(policy, part, set()):
                label = Label(part.span, "part-here")
                diagnostics.append(Diagnostic("parts-do-not-add-up", total.span, {"total": total.name, "part": part.name}, (label,)))
    return diagnostics


def _added(policy: core.Policy, node: core.Expr, seen: set[tuple[str, str]], bound: Bound) -> set[tuple[str, str]]:
    """The definitions that a value is the sum of, through sums, differences, formulas and choices."""
    found: set[tuple[str, str]] = set()
    match node:
        case core.Let():
            return _added(policy, node.body, seen, {**bound, node.slot: node.value})
        case core.Computed(entity=entity, name=name) if node.type == MONEY and (entity, name) not in seen:
            return _added(policy, policy.definitions[entity, name].value, seen | {(entity, name)}, {})
        case core.Apply() if node.operation.name in ("sum", "+", "-", "minus", "min", "max", "round"):
            for argument in node.arguments[:1] if node.operation.name == "round" else node.arguments:
                found |= _parts(policy, argument, seen, bound)
        case core.Choose():
            for _, option in node.options:
                found |= _added(policy, option, seen, bound)
        case core.Branches():
            for branch in (*node.branches,):
                found |= _added(policy, branch.value, seen, bound)
            found |= _added(policy, node.otherwise, seen, bound)
    return found


def _parts(policy: core.Policy, node: core.Expr, seen: set[tuple[str, str]], bound: Bound) -> set[tuple[str, str]]:
    match node:
        case core.Variable(slot=slot) if slot in bound:
            return _parts(policy, bound[slot], seen, bound)
        case core.Map():
            return _parts(policy, node.item, seen, bound)
        case core.Computed(entity=entity, name=name) if (entity, name) not in seen and node.type == MONEY:
            return {(entity, name)} | _added(policy, policy.definitions[entity, name].value, seen | {(entity, name)}, {})
        case _:
            return _added(policy, node, seen, bound)


def _is_whole(policy: core.Policy, part: core.Definition, seen: set[str]) -> bool:
    """Whether a value surely has no fraction of a cent: rounded, shared out, or put together from such values."""
    return part.rounded or _whole(policy, part.value, seen | {part.name})


def _whole(policy: core.Policy, node: core.Expr, seen: set[str]) -> bool:
    match node:
        case core.Share() | core.Constant() | core.Fact() | core.Parameter() | core.Dated():
            return True
        case core.Apply(operation=operation, arguments=arguments):
            if operation.name == "round":
                return True
            if operation.name == "*":  # whole cents times a whole number
                return any(a.type == INTEGER for a in arguments) and all(a.type == INTEGER or _whole(policy, a, seen) for a in arguments)
            if operation.name in ("sum", "+", "-", "min", "max", "minus", "abs"):
                return all(_whole(policy, a, seen) for a in arguments)
        case core.Map(item=item):
            return _whole(policy, item, seen)
        case core.Branches(branches=branches, otherwise=otherwise):
            return all(_whole(policy, b.value, seen) for b in branches) and _whole(policy, otherwise, seen)
        case core.Choose(options=options, otherwise=rest):
            return all(_whole(policy, o, seen) for _, o in options) and (rest is None or _whole(policy, rest, seen))
        case core.Computed(entity=entity, name=name) if name not in seen:
            return _is_whole(policy, policy.definitions[entity, name], seen)
    return False
