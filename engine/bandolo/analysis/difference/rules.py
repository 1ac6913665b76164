"""The rules of two policies held against each other: requirements, readings, deadlines, scoring."""

from __future__ import annotations

from bandolo.analysis.difference.change import Group
from bandolo.analysis.difference.renames import effects
from bandolo.analysis.difference.sides import At, Sides, called
from bandolo.analysis.difference.words import Teller, both, joined, plain, words
from bandolo.check import core
from bandolo.check.core import Texts
from bandolo.explain.phrases import phrase
from bandolo.syntax import ast


def requirements(s: Sides) -> None:
    """Conditions, to whom they apply, what a failure does, and the stage."""
    written = _written(s.old_document), _written(s.new_document)
    for name, old, new in s.pairs("requirement", "", s.old.requirements, s.kept.requirements):
        one = new or old
        assert one is not None
        score = one.id == "minimum_score" and one.id not in written[1 if new else 0]
        group: Group = "scoring" if score else "requirements"
        path = "scoring.minimum" if score else f"requirements.{one.entity}.{name}"
        said = old.words if old else None, new.words if new else None
        at = s.at(group, "requirement", "", path, *said, ("requirement", "", name))
        if score:
            at = At(group, path, path, called(*said, name), at.things, *said)
        if old is None or new is None:
            s.whole(at, _told(s.tell_new, s.new.requirements[name]) if new is not None else _told(s.tell_old, one))
            continue
        if s.texts_decide and written[0].get(old.id, 0) == written[1].get(name, 1):
            continue
        shown = s.new.requirements[name]
        if old.entity != new.entity:
            at = At(group, path, f"requirements.{old.entity}.{old.id}", at.title, at.things, *said)
            sides = s.tell_old.entity(old.entity), s.tell_new.entity(new.entity)
            s.add(at, "changed", "", words("of_entity", *sides), *sides)
        s.formula(at, "" if score else "check", old.check, new.check, shown=shown.check)
        _applies(s, at, old, new, shown)
        _effect(s, at, old, new)
        if old.stage != new.stage:
            stages = s.tell_old.stage(old.stage), s.tell_new.stage(new.stage)
            s.add(at, "changed", "stage", words("stage", *stages), *stages)


def _written(document: ast.PolicyDoc) -> dict[str, object]:
    return {r.name.name: (e.name, r.check, r.applies, r.effect, r.stage) for e, rows in document.requirements for r in rows}


def _told(teller: Teller, requirement: core.Requirement) -> Texts:
    said = words("requirement", teller.formula(requirement.check), _effects(teller, requirement))
    if requirement.applies is not None:
        said = words("where", said, teller.formula(requirement.applies))
    return words("in_stage", said, teller.stage(requirement.stage)) if len(teller.policy.stages) > 1 else said


def _applies(s: Sides, at: At, old: core.Requirement, new: core.Requirement, shown: core.Requirement) -> None:
    if old.applies is not None and new.applies is not None:
        s.formula(at, "applies", old.applies, new.applies, "applies", shown.applies)
    elif new.applies is not None:
        after = s.tell_new.formula(shown.applies)
        s.add(at, "changed", "applies", words("applies_to", after), words("always"), after)
    elif old.applies is not None:
        before = s.tell_old.formula(old.applies)
        s.add(at, "changed", "applies", words("applies_all", before), before, words("always"))


def _effect(s: Sides, at: At, old: core.Requirement, new: core.Requirement) -> None:
    if effects(old, s.canonical[0]) == effects(new, s.canonical[1]):
        return
    first, second = old.effects.get(""), new.effects.get("")
    if first is not None and second is not None and first.word == second.word:
        s.formula(at, "otherwise", first.cure, second.cure, "cure")
        s.formula(at, "otherwise", first.cure_from, second.cure_from, "cure_from")
    else:
        sides = _effects(s.tell_old, old), _effects(s.tell_new, new)
        s.add(at, "changed", "otherwise", words("effect", *sides), *sides)


def _effects(teller: Teller, requirement: core.Requirement) -> Texts:
    """What a failure does; by a reading, each option's."""
    if requirement.effect_by is None:
        return _one(teller, requirement.effects[""])
    reading = teller.policy.readings[requirement.effect_by]
    each = joined([words("row", reading.options.get(k, plain(k)), _one(teller, e)) for k, e in requirement.effects.items()], ", ")
    return words("by_reading", each, reading.words.label or plain(reading.name.replace("_", " ")))


def _one(teller: Teller, effect: core.Effect) -> Texts:
    said = both(lambda lang: phrase(f"effect.{effect.word}", lang))
    return words("moved", said, teller.formula(effect.cure)) if effect.cure is not None else said


# Readings.


def readings(s: Sides) -> None:
    """The option that is chosen, and which there are."""
    for name, old, new in s.pairs("reading", "", s.old.readings, s.new.readings):
        one = new or old
        assert one is not None
        said = old.words if old else None, new.words if new else None
        at = s.at("readings", "reading", "", f"readings.{name}", *said, ("reading", "", name))
        if old is None or new is None:
            s.whole(at, words("new_reading", one.question, one.options[one.chosen] if one.chosen is not None else words("none")))
            continue
        if old.chosen != new.chosen:
            before = old.options[old.chosen] if old.chosen is not None else None
            after = new.options[new.chosen] if new.chosen is not None else None
            if before is None and after is not None:
                s.add(at, "filled", "chosen", words("now_chosen", after), words("empty"), after)
            elif after is None and before is not None:
                s.add(at, "changed", "chosen", words("opened", before), before, words("empty"))
            elif before is not None and after is not None:
                s.add(at, "changed", "chosen", words("chosen", before, after), before, after)
        gone = [text for option, text in old.options.items() if option not in new.options]
        more = [text for option, text in new.options.items() if option not in old.options]
        if gone:
            s.add(at, "changed", "options", words("options_removed", joined(gone, ", ")), joined(gone, ", "), None)
        if more:
            s.add(at, "changed", "options", words("options_added", joined(more, ", ")), None, joined(more, ", "))


# Deadlines and scoring.


def deadlines(s: Sides) -> None:
    """Named instants and terms: when they end, how they roll, whose they are."""
    sides = [{d.name: d for d in p.deadlines} for p in (s.old, s.kept)]
    for name, old, new in s.pairs("deadline", "", *sides):
        one = new or old
        assert one is not None
        root = s.new.root if new else s.old.root
        said = old.words if old else None, new.words if new else None
        at = s.at("deadlines", "deadline", "", f"deadlines.{name}", *said, ("definition", root, f"deadline.{name}"))
        if old is None or new is None:
            s.whole(at, (s.tell_new if new is not None else s.tell_old).formula(one.end))
            continue
        values = s.old.definitions[s.old.root, f"deadline.{old.name}"].value, s.kept.definitions[s.kept.root, f"deadline.{name}"].value
        s.formula(at, "after" if new.after is not None else "at", *values)
        if old.whose != new.whose:
            texts = [words(d.whose) if d.whose in ("applicant", "office") else words("none") for d in (old, new)]
            s.from_to(at, "of", "whose", texts[0], texts[1])


def scoring(s: Sides) -> None:
    """The base score, the bonuses, the highest score; the minimum is told with the requirements."""
    root = s.new.root
    base = [d.value if (d := p.definitions.get((p.root, "base_score"))) is not None else None for p in (s.old, s.kept)]
    at = At("scoring", "scoring", "scoring", called(None, core.Words(), "base_score"), (("definition", root, "base_score"),))
    s.formula(at, "base", base[0], base[1])
    highest = [_highest(p) for p in (s.old, s.kept)]
    at = At("scoring", "scoring", "scoring", called(None, core.Words(), "final_score"), (("definition", root, "final_score"),))
    s.formula(at, "at_most", highest[0], highest[1], "at_score_most")
    sides = [{n.removeprefix("bonus."): d for (_, n), d in p.definitions.items() if n.startswith("bonus.")} for p in (s.old, s.kept)]
    for name, old, new in s.pairs("bonus", "", *sides):
        one = new or old
        assert one is not None
        said = old.words if old else None, new.words if new else None
        at = s.at("scoring", "bonus", "", f"scoring.bonuses.{name}", *said, ("definition", one.entity, f"bonus.{name}"))
        if old is None or new is None:
            s.whole(at, (s.tell_new if new is not None else s.tell_old).formula(one.value))
        else:
            s.formula(at, "", old.value, new.value)


def _highest(policy: core.Policy) -> core.Expr | None:
    """What a final score is cut at, out of `min(base + bonuses, at_most)`."""
    final = policy.definitions.get((policy.root, "final_score"))
    if final is None or not final.synthetic:
        return None
    value = final.value.branches[0].value if isinstance(final.value, core.Branches) else final.value
    if isinstance(value, core.Apply) and value.operation.name == "min":
        last = value.arguments[-1]
        return last.items[-1] if isinstance(last, core.Items) else last
    return None
