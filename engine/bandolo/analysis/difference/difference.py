"""The pass: two checked policies in, their difference out."""

from __future__ import annotations

from bandolo.analysis.difference.change import GROUPS, Change, Difference, Version
from bandolo.analysis.difference.figures import bands, definitions, formulas, parameters, rates
from bandolo.analysis.difference.frame import call, choices, facts, ranking, stages
from bandolo.analysis.difference.rules import deadlines, readings, requirements, scoring
from bandolo.analysis.difference.sides import Sides
from bandolo.analysis.difference.texts import texts
from bandolo.check import core
from bandolo.policy import Policy


def difference(old: Policy, new: Policy) -> Difference:
    """What changes in meaning from one policy to another, and, apart, what changes in wording and sources only.

    Layout, comments, order and the names of record variables and of a formula's arguments change nothing. An entry that only changed
    its name is told as renamed. Each change says what depends on it: requirements, results, deadlines, stages, the ranking.
    """
    s = Sides(old, new)
    for section in (requirements, scoring, parameters, rates, bands, formulas, definitions, deadlines, facts, choices, readings, ranking,
                    stages, call, texts):  # fmt: skip
        section(s)
    order = {group: i for i, group in enumerate(GROUPS)}
    changes = sorted(s.changes, key=lambda c: order[c.group])
    return Difference(_version(old), _version(new), tuple(_once(changes)))


def _once(changes: list[Change]) -> list[Change]:
    return list(dict.fromkeys(changes))


def _version(policy: Policy) -> Version:
    loaded = policy.loaded
    assert loaded.tree is not None
    reach = [act.applies_to.value if act.applies_to is not None else None for act in loaded.amendments]
    acts = tuple((a.id, core.Texts(*a.title), a.date, r) for a, r in zip(loaded.amendments, reach, strict=True))
    return Version(policy.id, policy.core.title, loaded.tree.span.source.path, policy.digest, acts)
