"""The mutants of a policy: every small wrong change, once, with a name that outlives reformatting and moved lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from bandolo.check import core
from bandolo.check.core import Step
from bandolo.check.order import order_of_steps
from bandolo.source import Span
from bandolo.syntax.yaml_tree import Tree
from bandolo.testing.mutation.layout import has, path_of, rule_of, span_of
from bandolo.testing.mutation.mistakes import Mistake, mistakes
from bandolo.testing.mutation.places import Place, expressions_by_place, put, rewritten, step_of
from bandolo.testing.mutation.sections import Slip, slips

Key = tuple[str, str]
"""The rule, and what is written instead of what: stable as long as the rule says the same."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One wrong change. `old` and `new` are what is written and what is written instead; `reach` as for a `Slip`."""

    rule: str
    kind: str
    old: str
    new: str
    at: Span
    reach: str
    steps: frozenset[Step]
    about: tuple[core.Expr, ...]
    edits: dict[Place, dict[int, core.Expr]] = field(default_factory=dict, compare=False, repr=False)
    places: Mapping[Place, core.Expr] = field(default_factory=dict, compare=False, repr=False)
    """The expressions of the policy that the mutant is of."""
    slip: Slip | None = field(default=None, compare=False, repr=False)
    reorder: bool = False
    short: tuple[str, str] | None = None
    number: int = 1
    """Counts the changes of one rule that read alike, in the order of the file."""

    @property
    def change(self) -> str:
        """What is written and what instead, as the list of equivalent mutants names it."""
        return f"{self.old} → {self.new}" + (f" #{self.number}" if self.number > 1 else "")

    @property
    def key(self) -> Key:
        return self.rule, self.change

    def made(self, policy: core.Policy) -> core.Policy | None:
        """The policy with the change; None where nothing could be computed in any order. It must be the policy of the mutant."""
        if self.slip is not None:
            policy = self.slip.edit(policy)
        for place, by_id in self.edits.items():
            policy = put(policy, place, rewritten(self.places[place], by_id))
        if self.reorder:
            ordered, cycles = order_of_steps(policy, [])
            if cycles:
                return None
            policy = replace(policy, steps=ordered)
        return policy


def mutants_of(policy: core.Policy, tree: Tree | None) -> list[Mutant]:
    """Every mutant of a policy, in the order of the file. What is written once and used often (a rate, a formula) is changed once."""
    found: dict[tuple[object, ...], Mutant] = {}
    places = expressions_by_place(policy)
    for place, mistake, node in _mistakes(policy, places):
        at = mistake.at
        identity = (at.source.path, at.start, at.end, mistake.kind, mistake.old, mistake.new)
        if identity not in found:
            rule = rule_of(path_of(tree, at))
            kind = "bonus" if rule.startswith("bonus.") and mistake.kind in ("exception", "always") else mistake.kind
            told = (rule, kind, mistake.old, mistake.new, at, "steps", frozenset[Step](), mistake.about)
            found[identity] = Mutant(*told, places=places, reorder=mistake.reorder, short=mistake.short)
        mutant = found[identity]
        mutant.edits.setdefault(place, {})[id(node)] = mistake.node
        step = step_of(policy, place)
        reach = _reach(place, mutant.reach if mutant.steps or len(mutant.edits) > 1 else "steps")
        found[identity] = replace(mutant, reach=reach, steps=mutant.steps | ({step} if step is not None else set()))
    for slip in slips(policy):
        if slip.path[0] == "policy" and not has(tree, slip.path):
            continue  # a convention that the file does not state
        at = span_of(tree, slip.path) or next(iter(policy.requirements.values())).span
        rule = rule_of(slip.path)
        identity = (at.source.path, at.start, at.end, slip.kind, slip.old, slip.new)
        found.setdefault(
            identity, Mutant(rule, slip.kind, slip.old, slip.new, at, slip.reach, slip.steps, slip.about, {}, {}, slip, slip.reorder)
        )
    ordered = sorted(found.values(), key=lambda m: (m.at.source.path, m.at.start, m.at.end, m.kind, m.old, m.new))
    counted: Counter[Key] = Counter()
    numbered = []
    for mutant in _each_once(ordered):
        counted[mutant.key] += 1
        numbered.append(replace(mutant, number=counted[mutant.key]))
    return numbered


def _each_once(mutants: list[Mutant]) -> Iterator[Mutant]:
    """Without those that come to the same policy as an earlier one: the last two conditions of an `and` taken for each other."""
    seen: set[tuple[object, ...]] = set()
    for mutant in mutants:
        if mutant.edits:
            same = tuple(sorted((place, tuple(sorted(by_id))) for place, by_id in mutant.edits.items()))
            news = tuple(new for _, by_id in sorted(mutant.edits.items()) for _, new in sorted(by_id.items(), key=lambda i: i[0]))
            if (same, news) in seen:
                continue
            seen.add((same, news))
        yield mutant


def _mistakes(policy: core.Policy, places: Mapping[Place, core.Expr]) -> Iterator[tuple[Place, Mistake, core.Expr]]:
    for place, expression in places.items():
        seen: set[int] = set()
        stack: list[tuple[core.Expr, core.Expr | None]] = [(expression, None)]
        while stack:
            node, parent = stack.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            for mistake in mistakes(node, parent, policy):
                yield place, mistake, node
            stack += [(child, node) for child in core.children(node)]


def _reach(place: Place, before: str) -> str:
    """What must be worked out again: the widest of what the edits of one mutant ask for."""
    kind = place[0]
    if kind in ("value", "assume", "version"):
        reach = "settings"
    elif kind in ("cure", "cure_from"):
        reach = "decision"
    elif kind in ("order", "keep", "key", "budget", "award", "pot", "pot_award"):
        reach = "ranking"
    else:
        reach = "steps"
    order = ("ranking", "steps", "decision", "settings", "everything")
    return reach if order.index(reach) > order.index(before) or (before == "steps" and reach == "ranking") else before
