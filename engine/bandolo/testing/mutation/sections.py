"""The wrong changes that are not inside one expression: of requirements, stages, readings, conventions and the ranking."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from bandolo.check import core
from bandolo.check.core import Step
from bandolo.language.types import BOOLEAN
from bandolo.testing.mutation.layout import Path
from bandolo.testing.mutation.mistakes import DIRECTIONS, GONE
from bandolo.testing.mutation.places import parameters_shown, steps_shown, with_requirement
from bandolo.testing.mutation.written import code

EFFECTS: dict[str, tuple[str, ...]] = {
    "reject": ("flag", "refer"),
    "suspend": ("reject", "flag"),
    "refer": ("reject", "flag"),
    "bar": ("reject", "flag"),
    "exclude": ("reject", "flag"),
    "flag": ("reject",),
}
WORDS: dict[str, tuple[str, ...]] = {
    "counts": ("admitted", "financed"),
    "struck_from": ("every_other", "next_only"),
    "order": ("in_turn", "at_once"),
    "when_short": ("stop", "partial", "next_that_fits"),
}
"""The words of the ranking section that can be taken for each other."""

Edit = Callable[[core.Policy], core.Policy]


@dataclass(frozen=True, slots=True)
class Slip:
    """A wrong change of a section: `path` leads to the entry, `edit` makes it.

    `steps` are those whose meaning changes; `reach` says what has to be worked out again: `steps`, `settings` (parameters, readings),
    `decision` (what a verdict leads to), `ranking`, or `everything`.
    """

    kind: str
    path: Path
    old: str
    new: str
    edit: Edit
    reach: str
    steps: frozenset[Step] = frozenset()
    about: tuple[core.Expr, ...] = ()
    reorder: bool = False


def slips(policy: core.Policy) -> Iterator[Slip]:
    """Every wrong change of the sections of a policy."""
    for requirement in policy.requirements.values():
        yield from _requirement(policy, requirement)
    yield from _stages(policy)
    yield from _readings(policy)
    yield from _versions(policy)
    yield from _conventions(policy)
    if policy.ranking is not None:
        yield from _ranking(policy, policy.ranking)


def _requirement(policy: core.Policy, requirement: core.Requirement) -> Iterator[Slip]:
    id_, entity = requirement.id, requirement.entity
    path: Path = ("requirements", entity, id_) if id_ != "minimum_score" else ("scoring", "minimum")
    steps = frozenset([Step("requirement", entity, id_)])

    def edited(kind: str, old: str, new: str, changed: core.Requirement, reach: str, *deeper: str, reorder: bool = False) -> Slip:
        place = (*path, *deeper) if id_ != "minimum_score" else path
        about = (requirement.check,)
        return Slip(kind, place, old, new, lambda p: with_requirement(p, changed), reach, steps, about, reorder)

    holds = core.Constant(requirement.check.span, BOOLEAN, True)
    check = code(requirement.check, policy.conventions)
    yield edited("requirement", f"check: {check}", GONE, replace(requirement, check=holds, applies=None), "steps", "check")
    if requirement.applies is not None:
        applies = code(requirement.applies, policy.conventions)
        yield edited("applies", f"applies: {applies}", GONE, replace(requirement, applies=None), "steps", "applies")
    for option, effect in requirement.effects.items():
        said = f"{option}: " if option else "otherwise: "
        for word in EFFECTS.get(effect.word, ()):
            effects = {**requirement.effects, option: core.Effect(word)}
            yield edited("effect", said + effect.word, said + word, replace(requirement, effects=effects), "decision", "otherwise", option)
        if effect.cure is not None:
            effects = {**requirement.effects, option: core.Effect(effect.word)}
            cure = f"cure: {code(effect.cure, policy.conventions)}"
            yield edited("cure", cure, GONE, replace(requirement, effects=effects), "decision", "otherwise", option)
    excludes = requirement.may("exclude")
    for stage in policy.stages:
        if stage.name != requirement.stage:
            moved = replace(requirement, stage=stage.name)
            yield edited("stage", f"stage: {requirement.stage}", f"stage: {stage.name}", moved, "decision", "stage", reorder=excludes)


def _stages(policy: core.Policy) -> Iterator[Slip]:
    for i, stage in enumerate(policy.stages):
        if stage.opens is not None:
            opened = tuple(replace(s, opens=None) if s is stage else s for s in policy.stages)
            steps = frozenset([Step("opens", policy.root, stage.name)])
            said = f"opens: {code(stage.opens, policy.conventions)}"
            edit = _setting(stages=opened)
            yield Slip("opening", ("stages", str(i), stage.name, "opens"), said, GONE, edit, "steps", steps, (stage.opens,))


def _setting(**changes: Any) -> Edit:
    return lambda policy: replace(policy, **changes)


def _readings(policy: core.Policy) -> Iterator[Slip]:
    for name in _readings_shown(policy):
        reading = policy.readings[name]
        for option in reading.options:
            if reading.chosen is not None and option != reading.chosen:
                edit = _setting(readings={**policy.readings, name: replace(reading, chosen=option)})
                path = ("readings", name, "chosen")
                yield Slip("reading", path, f"chosen: {reading.chosen}", f"chosen: {option}", edit, "settings")


def _readings_shown(policy: core.Policy) -> list[str]:
    """The readings on which something rests that can be seen."""
    seen = steps_shown(policy)
    found = {r.effect_by for r in policy.requirements.values()}
    if policy.money_rounding_by is not None:
        found.add(policy.money_rounding_by[0])
    parts: list[core.Expr | None] = [d.value for (e, n), d in policy.definitions.items() if Step("definition", e, n) in seen]
    parts += [x for r in policy.requirements.values() for x in (r.applies, r.check)] + [s.opens for s in policy.stages]
    if (plan := policy.ranking) is not None:
        found |= {reading for reading, _ in plan.words_by.values()}
        parts += [e for e, _ in (*plan.order_by, *plan.keep)] + [plan.exclusive_key, plan.budget, plan.award]
        parts += [x for _, amount, award in plan.pots for x in (amount, award)]
    for name in parameters_shown(policy, seen):
        parts += [policy.parameters[name].value, policy.parameters[name].assume]
    found |= {n.reading for part in parts if part is not None for n in core.walk(part) if isinstance(n, core.Option)}
    return sorted(n for n in found if n is not None)


def _versions(policy: core.Policy) -> Iterator[Slip]:
    """The days on which one version of a parameter ends and the next begins, moved together, as the law of no gaps has it."""
    for name, parameter in policy.parameters.items():
        for i, (before, after) in enumerate(zip(parameter.versions, parameter.versions[1:], strict=False)):
            if before.end is None or after.start is None:
                continue
            for days in (1, -1):
                step = timedelta(days=days)
                versions = list(parameter.versions)
                versions[i] = replace(before, end=before.end + step)
                versions[i + 1] = replace(after, start=after.start + step)
                changed = {**policy.parameters, name: replace(parameter, versions=tuple(versions))}
                path = ("parameters", name, "versions", str(i + 1), "from")
                yield Slip("date", path, f"from: {after.start}", f"from: {after.start + step}", _setting(parameters=changed), "settings")


def _conventions(policy: core.Policy) -> Iterator[Slip]:
    path: Path = ("policy", "money_rounding")
    conventions = policy.conventions
    if policy.money_rounding_by is not None:
        reading, words = policy.money_rounding_by
        for option, word in words.items():
            for other in DIRECTIONS[word]:
                edit = _setting(money_rounding_by=(reading, {**words, option: other}))
                yield Slip("rounding", (*path, option), f"{option}: {word}", f"{option}: {other}", edit, "settings")
    else:
        for other in DIRECTIONS[conventions.money_rounding]:
            edit = _setting(conventions=replace(conventions, money_rounding=other))
            yield Slip("rounding", path, f"money_rounding: {conventions.money_rounding}", f"money_rounding: {other}", edit, "settings")
    if conventions.month_rounding is not None:
        other = "up" if conventions.month_rounding == "down" else "down"
        edit = _setting(conventions=replace(conventions, month_rounding=other))
        said = f"month_rounding: {conventions.month_rounding}"
        yield Slip("rounding", ("policy", "month_rounding"), said, f"month_rounding: {other}", edit, "everything")


# The ranking.


def _ranking(policy: core.Policy, plan: core.RankingPlan) -> Iterator[Slip]:
    def changed(kind: str, deeper: Path, old: str, new: str, **fields: Any) -> Slip:
        return Slip(kind, ("ranking", *deeper), old, new, _setting(ranking=replace(plan, **fields)), "ranking")

    for field, kind, deeper in (("order_by", "order", ("order_by",)), ("keep", "keep", ("exclusive", "keep"))):
        keys = getattr(plan, field)
        for i, (key, down) in enumerate(keys):
            said = f"{code(key, policy.conventions)} {_way(down)}"
            turned = (*keys[:i], (key, not down), *keys[i + 1 :])
            yield changed(kind, (*deeper, str(i)), said, f"{code(key, policy.conventions)} {_way(not down)}", **{field: turned})
            yield changed(kind, (*deeper, str(i)), said, GONE, **{field: keys[:i] + keys[i + 1 :]})
            if i + 1 < len(keys):
                swapped = (*keys[:i], keys[i + 1], keys[i], *keys[i + 2 :])
                after = f"{code(keys[i + 1][0], policy.conventions)} {_way(keys[i + 1][1])}"
                yield changed(kind, (*deeper, str(i)), f"{said}, {after}", f"{after}, {said}", **{field: swapped})
    if plan.exclusive_record is not None:
        yield changed("strike", ("exclusive",), "exclusive", GONE, exclusive_record=None, exclusive_key=None)
    for stage in policy.stages:
        if plan.among is not None and stage.name != plan.among:
            yield changed("among", ("among",), f"among: {plan.among}", f"among: {stage.name}", among=stage.name)
    for name, (reading, options) in plan.words_by.items():
        deeper = ("when_short",) if name == "when_short" else ("exclusive", name)
        for option, words in options.items():
            said = option if reading is not None else name
            for other in _other_words(name, words):
                table = {**plan.words_by, name: (reading, {**options, option: other})}
                old, new = (f"{said}: {', '.join(w) or '[]'}" for w in (words, other))
                yield changed("strike" if name != "when_short" else "money", (*deeper, option), old, new, words_by=table)
    for i, j in ((i, i + 1) for i in range(len(plan.pots) - 1)):
        (first, one, part), (second, two, other_part) = plan.pots[i], plan.pots[j]
        pots = (*plan.pots[:i], (first, two, part), (second, one, other_part), *plan.pots[j + 1 :])
        old, new = (f"{first}: {code(a, policy.conventions)}" for a in (one, two))
        yield changed("money", ("budget", "pots", first, "amount"), old, new, pots=pots)
    if plan.budget is not None or plan.pots:
        yield changed("money", ("budget",), "budget", GONE, budget=None, pots=())


def _way(descending: bool) -> str:
    return "descending" if descending else "ascending"


def _other_words(name: str, words: tuple[str, ...]) -> list[tuple[str, ...]]:
    if name == "recheck":
        if words == ("all",):
            return [()]
        return [("all",), *(words[:i] + words[i + 1 :] for i in range(len(words)))]
    return [(w,) for w in WORDS[name] if (w,) != words]
