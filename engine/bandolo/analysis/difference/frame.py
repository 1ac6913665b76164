"""What rules stand on, of two policies held against each other: facts, choices, stages, results, conventions, the ranking."""

from __future__ import annotations

from bandolo.analysis.difference.change import Kind
from bandolo.analysis.difference.depends import Thing
from bandolo.analysis.difference.renames import Entry
from bandolo.analysis.difference.sides import At, Sides, called
from bandolo.analysis.difference.words import WORDS, Teller, joined, plain, type_words, words
from bandolo.check import core
from bandolo.check.core import Texts
from bandolo.explain.formulas import WORDS as FORMULA_WORDS
from bandolo.language.types import ChoiceType, OptionalType, Type
from bandolo.ranking.options import DEFAULTS
from bandolo.syntax import ast

# Facts.


def facts(s: Sides) -> None:
    """Kinds of record and their facts: which there are, of which type, within which bounds, asked when and of whom."""
    for name, new in s.new.entities.items():
        old = s.old.entities.get(name)
        things: list[Thing] = [("fact", name, f) for f in new.facts]
        at = At("facts", f"entities.{name}", f"entities.{name}", called(old.words if old else None, new.words, name), tuple(things),
                old.words if old else None, new.words)  # fmt: skip
        if old is None:
            s.add(at, "added", "", words("entity", len(new.facts), _names(new)), None, _names(new))
            continue
        if (old.owner, old.listed_in) != (new.owner, new.listed_in):
            s.from_to(at, "", "listed", *(plain(".".join(p for p in (e.owner, e.listed_in) if p) or "—") for e in (old, new)))
        for fact, before, after in s.pairs("fact", name, old.facts, new.facts):
            _fact(s, name, fact, before, after)
    for name, gone in s.old.entities.items():
        if name not in s.new.entities:
            path = f"entities.{name}"
            at = At("facts", path, path, called(gone.words, None, name), tuple(("fact", name, f) for f in gone.facts), gone.words)
            s.add(at, "removed", "", words("entity_gone", len(gone.facts), _names(gone)), _names(gone))


def _names(entity: core.Entity) -> Texts:
    return joined([called(None, f.words, f.name) for f in entity.facts.values()], ", ")


def _fact(s: Sides, entity: str, name: str, old: core.FactDeclaration | None, new: core.FactDeclaration | None) -> None:
    path = f"entities.{entity}.facts.{name}"
    said = old.words if old else None, new.words if new else None
    was = f"entities.{entity}.facts.{old.name}" if old is not None else path
    at = At("facts", path, was, called(*said, name), (("fact", entity, name),), *said)
    if old is None or new is None:
        one = new or old
        assert one is not None
        s.whole(at, type_words(one.type))
        return
    if old.name != name:
        s.add(at, "changed", "", words("new_name", old.name, name), plain(old.name), plain(name))
    if _bare(old.type) != _bare(new.type):
        types = type_words(old.type), type_words(new.type)
        s.add(at, "changed", "type", words("type", *types), *types)
    if old.optional != new.optional:
        key = "optional" if new.optional else "not_optional"
        s.add(at, "changed", "optional", words(key), type_words(old.type), type_words(new.type))
    if old.key != new.key:
        s.add(at, "changed", "key", words("key" if new.key else "not_key"), type_words(old.type), type_words(new.type))
    s.formula(at, "from", old.low, new.low, "low")
    s.formula(at, "to", old.high, new.high, "high")
    for part, one_side, other in (("at_most", old.at_most, new.at_most), ("asked", old.asked, new.asked), ("by", old.by, new.by)):
        if one_side != other:
            s.from_to(at, part, part, _said(s.tell_old, one_side), _said(s.tell_new, other))


def _said(teller: Teller, value: object) -> Texts:
    match value:
        case core.Texts():
            return value
        case tuple() if value:
            return joined([teller.stage(str(v)) for v in value], ", ")
        case int():
            return plain(str(value))
    return words("none")


def _bare(type_: Type) -> str:
    """A type by its name: the words of a choice are compared where they are declared."""
    return str(type_.of if isinstance(type_, OptionalType) else type_)


def choices(s: Sides) -> None:
    """The words of each choice; what chooses by them is told on its own."""
    old, new = ({c.name.name: c for c in d.choices} for d in (s.old_document, s.new_document))
    for name in dict.fromkeys([*new, *old]):
        sides = [{i.name: _label(i, text) for i, text in c.options} if c is not None else None for c in (old.get(name), new.get(name))]
        before, after = sides
        at = At("facts", f"choices.{name}", f"choices.{name}", plain(name.replace("_", " ")), _of_choice(s.new, name))
        if before is None or after is None:
            listed = joined(list((after or before or {}).values()), ", ")
            said = "new" if before is None else "gone"
            s.add(at, "added" if before is None else "removed", "", words(said, listed), None if before is None else listed,
                  None if after is None else listed)  # fmt: skip
            continue
        gone = [text for word, text in before.items() if word not in after]
        more = [text for word, text in after.items() if word not in before]
        if gone:
            s.add(at, "changed", "", words("options_removed", joined(gone, ", ")), joined(list(before.values()), ", "), None)
        if more:
            s.add(at, "changed", "", words("options_added", joined(more, ", ")), None, joined(list(after.values()), ", "))


def _label(word: ast.Ident, text: ast.Text | None) -> Texts:
    return Texts(text.said("it"), text.said("en")) if text is not None else plain(word.name)


def _of_choice(policy: core.Policy, name: str) -> tuple[Thing, ...]:
    """The facts that are of a choice."""
    found: list[Thing] = []
    for entity in policy.entities.values():
        for fact in entity.facts.values():
            inner = fact.type.of if isinstance(fact.type, OptionalType) else fact.type
            if isinstance(inner, ChoiceType) and inner.name == name:
                found.append(("fact", entity.name, fact.name))
    return tuple(found)


# Stages, and what the call states once.


def stages(s: Sides) -> None:
    """Which stages there are, in which order, and on what they open."""
    old, new = ({st.name: st for st in p.stages} for p in (s.old, s.new))
    common = [n for n in old if n in new], [n for n in new if n in old]
    whole = At("stages", "stages", "stages", words("stages"))
    if common[0] != common[1]:
        sides = [joined([t.stage(n) for n in names], ", ") for t, names in zip((s.tell_old, s.tell_new), common, strict=True)]
        s.from_to(whole, "", "order", sides[0], sides[1])
    for name, stage in new.items():
        before = old.get(name)
        path = f"stages.{name}"
        at = At("stages", path, path, called(before.words if before else None, stage.words, name), (("opens", "", name),),
                before.words if before else None, stage.words)  # fmt: skip
        if before is None:
            s.whole(at, words("opens", s.tell_new.formula(stage.opens) if stage.opens is not None else words("opens_never")))
        elif before.opens is None and stage.opens is None:
            continue
        elif before.opens is not None and stage.opens is not None:
            s.formula(at, "opens", before.opens, stage.opens, "opens")
        else:
            said = [
                t.formula(e) if e is not None else words("opens_never") for t, e in ((s.tell_old, before.opens), (s.tell_new, stage.opens))
            ]
            s.from_to(at, "opens", "opens", said[0], said[1])
    for name, stage in old.items():
        if name not in new:
            path = f"stages.{name}"
            s.whole(At("stages", path, path, called(stage.words, None, name), (), stage.words), words("empty"))


def call(s: Sides) -> None:
    """Currency, zone, roundings, working days, what is decided, and which results there are."""
    first, second = s.old.conventions, s.new.conventions
    at = At("call", "policy", "policy", words("call"), (("rounding", "", ""),))
    for part, a, b in (
        ("currency", first.currency, second.currency), ("time_zone", first.time_zone, second.time_zone),
        ("decides", s.old.root, s.new.root), ("month_rounding", first.month_rounding or "—", second.month_rounding or "—"),
        ("working_days", *("-".join(p for p in c.working_days or () if p) or "—" for c in (first, second))),
    ):  # fmt: skip
        if a != b:
            s.from_to(at, part, part, _rounding_word(a), _rounding_word(b))
    by = s.old.money_rounding_by, s.new.money_rounding_by
    if (first.money_rounding, by[0]) != (second.money_rounding, by[1]):
        s.from_to(at, "money_rounding", "money_rounding", _money_rounding(s.tell_old), _money_rounding(s.tell_new))
    results(s)


def _rounding_word(word: str) -> Texts:
    return Texts(*FORMULA_WORDS[word]) if word in ("half_up", "half_even", "up", "down") else plain(word)


def _money_rounding(teller: Teller) -> Texts:
    policy = teller.policy
    if policy.money_rounding_by is None:
        return _rounding_word(policy.conventions.money_rounding)
    name, options = policy.money_rounding_by
    reading = policy.readings[name]
    each = joined([words("row", reading.options[k], _rounding_word(v)) for k, v in options.items()], ", ")
    return words("by_reading", each, reading.words.label or plain(name.replace("_", " ")))


def results(s: Sides) -> None:
    """What a decision gives beside its verdicts."""
    new = {(r.entity, r.name) for r in s.new.results}
    old = {(r.entity, s.name("definition", r.entity, r.name)): r for r in s.old.results}
    for result in s.new.results:
        if (result.entity, result.name) not in old:
            title = called(None, s.new.definitions[result.entity, result.name].words, result.name)
            s.add(At("call", "results", "results", title), "added", "", words("result_added"), None, title)
    for (entity, name), result in old.items():
        if (entity, name) not in new:
            title = called(None, s.old.definitions[result.entity, result.name].words, result.name)
            s.add(At("call", "results", "results", title), "removed", "", words("result_removed"), title, None)


# The ranking.


def ranking(s: Sides) -> None:
    """Order, strikes, budget and what is done when it is short."""
    old, new = s.old.ranking, s.kept.ranking
    at = At("ranking", "ranking", "ranking", words("ranking"), ())
    if old is None or new is None:
        if (old is None) != (new is None):
            plan, teller = (new, s.tell_new) if new is not None else (old, s.tell_old)
            assert plan is not None
            said = words("order_by", _keys(teller, plan.order_by))
            kind: Kind = "added" if new is not None else "removed"
            s.add(at, kind, "", words("new" if new else "gone", said), said if old else None, said if new else None)
        return
    both_sides = s.canonical
    for part, path, a, b in (("order_by", "order_by", old.order_by, new.order_by), ("keep", "exclusive.keep", old.keep, new.keep)):
        if [(both_sides[0].of(k), d) for k, d in a] != [(both_sides[1].of(k), d) for k, d in b]:
            s.from_to(at, path, part, _keys(s.tell_old, a), _keys(s.tell_new, b))
    if old.among != new.among:
        s.from_to(
            at, "among", "among", *(t.stage(p.among) if p.among else words("none") for t, p in ((s.tell_old, old), (s.tell_new, new)))
        )
    keys = both_sides[0].optional(old.exclusive_key), both_sides[1].optional(new.exclusive_key)
    if (old.exclusive_record, keys[0]) != (new.exclusive_record, keys[1]):
        s.from_to(at, "exclusive", "exclusive", _exclusive(s.tell_old, old), _exclusive(s.tell_new, new))
    _words_by(s, at, old, new)
    s.formula(at, "budget", old.budget, new.budget, "budget")
    s.formula(at, "award", old.award, new.award, "award")
    _pots(s, at, old, new)
    given = [(p.gives_award, p.gives_struck, p.gives_part) for p in (old, new)]
    mapped = (_fact_name(s, s.old.root, given[0][0]), _fact_name(s, old.exclusive_record, given[0][1]), _part_name(s, old))
    if mapped != given[1]:
        s.from_to(at, "gives", "gives", *(plain(", ".join(g for g in three if g) or "—") for three in given))


def _fact_name(s: Sides, entity: str | None, name: str | None) -> str | None:
    return s.name("fact", entity or "", name) if name is not None else None


def _part_name(s: Sides, plan: core.RankingPlan) -> str | None:
    return s.name("definition", plan.exclusive_record or "", plan.gives_part) if plan.gives_part is not None else None


def _keys(teller: Teller, keys: tuple[tuple[core.Expr, bool], ...]) -> Texts:
    return (
        joined([words("descending" if down else "ascending", teller.formula(key)) for key, down in keys], ", ") if keys else words("none")
    )


def _exclusive(teller: Teller, plan: core.RankingPlan) -> Texts:
    if plan.exclusive_record is None:
        return words("none")
    return words("row", teller.entity(plan.exclusive_record), teller.formula(plan.exclusive_key))


PARTS = {"counts": "counts", "struck_from": "struck_from", "order": "strike_order", "recheck": "recheck", "when_short": "when_short"}


def _words_by(s: Sides, at: At, old: core.RankingPlan, new: core.RankingPlan) -> None:
    names: dict[Entry, str] = s.names
    for part, key in PARTS.items():
        default = None, {"": DEFAULTS[part]}
        a, b = old.words_by.get(part, default), new.words_by.get(part, default)
        reading = names.get(("reading", "", a[0]), a[0]) if a[0] else None
        mapped = {o: tuple(sorted(names.get(("requirement", "", w), w) for w in listed)) for o, listed in a[1].items()}
        if (reading, mapped) != (b[0], {o: tuple(sorted(listed)) for o, listed in b[1].items()}):
            path = part if part == "when_short" else f"exclusive.{part}"
            s.from_to(at, path, key, _chosen(s.tell_old, a), _chosen(s.tell_new, b))


def _chosen(teller: Teller, given: tuple[str | None, dict[str, tuple[str, ...]]]) -> Texts:
    name, by_option = given
    if name is None:
        return _listed(teller, next(iter(by_option.values()), ()))
    reading = teller.policy.readings[name]
    each = joined([words("row", reading.options.get(o, plain(o)), _listed(teller, w)) for o, w in by_option.items()], ", ")
    return words("by_reading", each, reading.words.label or plain(name.replace("_", " ")))


def _listed(teller: Teller, listed: tuple[str, ...]) -> Texts:
    requirements = teller.policy.requirements
    return joined([called(None, requirements[w].words, w) if w in requirements else _rank_word(w) for w in listed], ", ")


def _rank_word(word: str) -> Texts:
    return words(f"rank.{word}") if f"rank.{word}" in WORDS else plain(word.replace("_", " "))


def _pots(s: Sides, at: At, old: core.RankingPlan, new: core.RankingPlan) -> None:
    before, after = ({name: (amount, award) for name, amount, award in p.pots} for p in (old, new))
    for name in dict.fromkeys([*after, *before]):
        title = plain(name.replace("_", " "))
        path = f"budget.pots.{name}"
        if name not in before or name not in after:
            teller, (amount, award) = (s.tell_new, after[name]) if name in after else (s.tell_old, before[name])
            said = words("pot", title, words("row", teller.formula(amount), teller.formula(award)))
            kind: Kind = "added" if name in after else "removed"
            s.add(
                at,
                kind,
                path,
                words("new" if name in after else "gone", said),
                None if name in after else said,
                said if name in after else None,
            )
            continue
        for i, part in enumerate(("amount", "award")):
            places = s.deltas.between(before[name][i], after[name][i])
            if places:
                sides = s.tell_old.formula(before[name][i]), s.tell_new.formula(after[name][i])
                s.add(at, "changed", f"{path}.{part}", words("pot", title, words("from_to", *sides)), *sides)
