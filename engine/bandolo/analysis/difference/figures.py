"""The figures of two policies held against each other: parameters, definitions, rate tables, bands, formulas."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bandolo.analysis.difference.canonical import Canonical
from bandolo.analysis.difference.change import Group
from bandolo.analysis.difference.sides import At, Sides
from bandolo.analysis.difference.words import Teller, both, constant, joined, option, plain, stepped, told, type_words, words
from bandolo.check import core
from bandolo.check.core import Texts
from bandolo.language.types import DATE, DATETIME, DurationType, OptionalType, Type, is_quantity
from bandolo.language.wording import day
from bandolo.syntax import ast


def group_of(type_: Type) -> Group:
    """Days, instants and lengths of time are deadlines to whoever reads; everything else is an amount, a rate or a figure."""
    inner = type_.of if isinstance(type_, OptionalType) else type_
    return "deadlines" if inner in (DATE, DATETIME) or isinstance(inner, DurationType) else "amounts"


# Parameters.


def parameters(s: Sides) -> None:
    """Values, versions, what is pending or assumed, and what must hold of a value."""
    for name, old, new in s.pairs("parameter", "", s.old.parameters, s.kept.parameters):
        one = new or old
        assert one is not None
        said = old.words if old else None, new.words if new else None
        at = s.at(group_of(one.type), "parameter", "", f"parameters.{name}", *said, ("parameter", "", name))
        if old is None or new is None:
            teller = s.tell_new if new is not None else s.tell_old
            open_ = one.pending is not None and one.value is None
            s.whole(at, words("pending", one.pending) if open_ and one.pending else _versioned(teller, one))
            continue
        _value(s, at, old, new)
        if old.type != new.type:
            s.add(at, "changed", "type", words("type", *_types(old.type, new.type)), *_types(old.type, new.type))
        if not (old.value is None and new.value is not None):
            s.formula(at, "assume", old.assume, new.assume, "assume")  # what is set needs no value for trial any more
        s.formula(at, "must_be", old.must_be, new.must_be, "must_be")
        dates = [p.definitions.get((p.root, f"parameter.{n}.date")) for p, n in ((s.old, old.name), (s.kept, name))]
        values = [d.value if d is not None else None for d in dates]
        if old.versions and new.versions:
            s.formula(at, "default_date", values[0], values[1], "default_date")


def _types(old: Type, new: Type) -> tuple[Texts, Texts]:
    return type_words(old), type_words(new)


def _value(s: Sides, at: At, old: core.ParameterDeclaration, new: core.ParameterDeclaration) -> None:
    if old.versions and [(v.start, v.end) for v in old.versions] == [(v.start, v.end) for v in new.versions]:
        for a, b in zip(old.versions, new.versions, strict=True):
            places = s.deltas.between(a.value, b.value)
            if places:
                said = words("row", _when(b), told(s.tell_old, s.tell_new, places))
                s.add(at, "changed", "versions", said, _versioned(s.tell_old, old), _versioned(s.tell_new, new))
    elif _versions(s.canonical[0], old) != _versions(s.canonical[1], new):
        s.from_to(at, "versions" if new.versions else "value", "versions", _versioned(s.tell_old, old), _versioned(s.tell_new, new))
    elif old.value is None and new.value is not None and old.pending is not None:
        after = s.tell_new.formula(new.value)
        s.add(at, "filled", "value", words("filled", after, old.pending), words("pending", old.pending), after)
    elif old.value is not None and new.value is None and new.pending is not None:
        before = s.tell_old.formula(old.value)
        s.add(at, "changed", "value", words("left_to", before, new.pending), before, words("pending", new.pending))
    else:
        s.formula(at, "value", old.value, new.value)


def _versions(canonical: Canonical, parameter: core.ParameterDeclaration) -> list[object]:
    return [(v.start, v.end, canonical.of(v.value)) for v in parameter.versions]


def _versioned(teller: Teller, parameter: core.ParameterDeclaration) -> Texts:
    """`until 31 December 2023: €200,000.00, from 1 January 2024: €300,000.00`, or the one value."""
    if not parameter.versions:
        return teller.formula(parameter.value)
    return joined([words("row", _when(v), teller.formula(v.value)) for v in parameter.versions], ", ")


def _when(version: core.Version) -> Texts:
    match version.start, version.end:
        case None, None:
            return words("always")
        case start, None if start is not None:
            return words("since", both(lambda lang: day(start, lang)))
        case None, end if end is not None:
            return words("until", both(lambda lang: day(end, lang)))
    first, last = version.start, version.end
    assert first is not None
    assert last is not None
    return words("between", both(lambda lang: day(first, lang)), both(lambda lang: day(last, lang)))


# Definitions.


def definitions(s: Sides) -> None:
    """Values that are computed. What scoring and deadlines stand for is told with them."""
    for entity in dict.fromkeys([*s.new.entities, *s.old.entities]):
        sides = [{n: d for (e, n), d in p.definitions.items() if e == entity and not d.synthetic} for p in (s.old, s.kept)]
        written = _written(s.old_document, entity), _written(s.new_document, entity)
        for name, old, new in s.pairs("definition", entity, *sides):
            one = new or old
            assert one is not None
            said = old.words if old else None, new.words if new else None
            at = s.at(group_of(one.type), "definition", entity, f"definitions.{entity}.{name}", *said, ("definition", entity, name))
            if old is None or new is None:
                s.whole(at, s.tell_new.formula(s.new.definitions[entity, name].value) if new is not None else s.tell_old.formula(one.value))
            elif not (s.texts_decide and written[0].get(old.name) == written[1].get(name)):
                s.formula(at, "value", old.value, new.value, shown=s.new.definitions[entity, name].value)
                if not (is_quantity(old.type) and is_quantity(new.type)) and str(old.type) != str(new.type):
                    # An integer where a number was is no change: the type of a value is found from its formula.
                    s.add(at, "changed", "type", words("type", *_types(old.type, new.type)), *_types(old.type, new.type))


def _written(document: ast.PolicyDoc, entity: str) -> dict[str, ast.Formed]:
    return {d.name.name: d.formed for name, rows in document.definitions if name.name == entity for d in rows}


# Tables.


def bands(s: Sides) -> None:
    """Brackets: each edge and each rate or value."""
    sides = [{node.name: node for node, _ in p.brackets} for p in (s.old, s.new)]
    for name, old, new in s.pairs("bands", "", *sides):
        said = core.Words() if old else None, core.Words() if new else None
        at = s.at("amounts", "bands", "", f"bands.{name}", *said, ("bands", "", name))
        texts = [joined([_bracket(t, b) for b in n.steps], ", ") if n else None for t, n in ((s.tell_old, old), (s.tell_new, new))]
        if old is None or new is None:
            s.whole(at, texts[1] or texts[0] or words("none"))
        elif len(old.steps) != len(new.steps) or old.progressive != new.progressive:
            assert texts[0] is not None
            assert texts[1] is not None
            s.from_to(at, "", "fact", texts[0], texts[1])
        else:
            for i, (a, b) in enumerate(zip(old.steps, new.steps, strict=True)):
                _step(s, at, "above" if a.to is None else f"steps.{i}", a, b)


def _step(s: Sides, at: At, part: str, old: core.Bracket, new: core.Bracket) -> None:
    before, after = _bracket(s.tell_old, old), _bracket(s.tell_new, new)
    if old.to is not None and new.to is not None and s.deltas.between(old.to, new.to):
        edge = words("edge", words("from_to", s.tell_old.formula(old.to), s.tell_new.formula(new.to)))
        s.add(at, "changed", part, edge, before, after)
    if s.deltas.between(old.amount, new.amount):
        said = words("row", _edge(s.tell_new, new), words("from_to", s.tell_old.formula(old.amount), s.tell_new.formula(new.amount)))
        s.add(at, "changed", part, said, before, after)


def _edge(teller: Teller, bracket: core.Bracket) -> Texts:
    return words("up_to", teller.formula(bracket.to)) if bracket.to is not None else words("above")


def _bracket(teller: Teller, bracket: core.Bracket) -> Texts:
    return words("row", _edge(teller, bracket), teller.formula(bracket.amount))


def rates(s: Sides) -> None:
    """Rate tables, row by row. A table whose rows are the same under another name is the same table."""
    old, new = ({r.name.name: r for r in d.rates} for d in (s.old_document, s.new_document))
    names = _same_rows(old, new)
    back = {n: o for o, n in names.items()}
    for name, table in new.items():
        before = old.get(back.get(name, name))
        at = At(
            "amounts", f"rates.{name}", f"rates.{back.get(name, name)}", _title(table, before), (("rate", "", name),), *_said(before, table)
        )
        rows = _rows(s.tell_new, table)
        if before is None:
            s.whole(at, joined([words("row", k, v) for k, v, _ in rows.values()], ", "))
            continue
        if back.get(name, name) != name:
            s.add(replace(at, group="words"), "renamed", "", words("was_called", back[name]), plain(back[name]), plain(name))
        earlier = _rows(s.tell_old, before)
        for key in dict.fromkeys([*rows, *earlier]):
            _row(s, at, key, earlier.get(key), rows.get(key))
    for name, table in old.items():
        if names.get(name, name) not in new:
            at = At("amounts", f"rates.{name}", f"rates.{name}", _title(None, table), (("rate", "", name),), *_said(table, None))
            s.whole(at, joined([words("row", k, v) for k, v, _ in _rows(s.tell_old, table).values()], ", "))


Row = tuple[Texts, Texts, ast.Expr]


def _row(s: Sides, at: At, key: tuple[str, ...], old: Row | None, new: Row | None) -> None:
    part = ".".join(("values", *key)) if key != ("otherwise",) else "otherwise"
    if old is not None and new is not None:
        a, b = (constant(t.policy, e) for t, e in ((s.tell_old, old[2]), (s.tell_new, new[2])))
        if (a is not None and b is not None and a.value == b.value) or old[2] == new[2]:
            return
        both_known = a is not None and b is not None
        said = stepped(s.tell_old, s.tell_new, a, b) if both_known and a and b else words("from_to", old[1], new[1])
        s.add(at, "changed", part, words("row", new[0], said), old[1], new[1])
    elif new is not None:
        s.add(at, "changed", part, words("option_added", new[0], new[1]), None, new[1])
    elif old is not None:
        s.add(at, "changed", part, words("option_removed", old[0], old[1]), old[1], None)


def _rows(teller: Teller, table: ast.Rate) -> dict[tuple[str, ...], Row]:
    found: dict[tuple[str, ...], Row] = {}
    for key, value in _cells(table.values):
        label = joined([option(teller, word) for word in key], " · ")
        found[key] = label, teller.literal(value), value
    if table.otherwise is not None:
        found[("otherwise",)] = words("otherwise"), teller.literal(table.otherwise), table.otherwise
    return found


def _cells(rows: ast.RateRows) -> Iterator[tuple[tuple[str, ...], ast.Expr]]:
    for key, (_, value) in rows.rows.items():
        if isinstance(value, ast.RateRows):
            for inner, cell in _cells(value):
                yield (key, *inner), cell
        else:
            yield (key,), value


def _same_rows(old: dict[str, ast.Rate], new: dict[str, ast.Rate]) -> dict[str, str]:
    """Tables that only changed their name."""
    found: dict[str, str] = {}
    for name, table in old.items():
        if name not in new:
            twins = [n for n, t in new.items() if n not in old and n not in found.values() and _content(t) == _content(table)]
            if twins:
                found[name] = next((t for t in twins if new[t].common.label == table.common.label), twins[0])
    return found


def _content(table: ast.Rate) -> tuple[object, ...]:
    return tuple(i.name for i in table.by), tuple(_cells(table.values)), table.otherwise


def _title(new: ast.Rate | ast.Formula | None, old: ast.Rate | ast.Formula | None) -> Texts:
    for one in (new, old):
        if one is not None and one.common.label is not None:
            return Texts(one.common.label.said("it"), one.common.label.said("en"))
    one = new or old
    assert one is not None
    return plain(one.name.name.replace("_", " "))


def _said(old: ast.Rate | ast.Formula | None, new: ast.Rate | ast.Formula | None) -> tuple[core.Words | None, core.Words | None]:
    def words_of(one: ast.Rate | ast.Formula | None) -> core.Words | None:
        return core.Words(sources=tuple(core.Source(q.document, q.quote) for q in one.common.sources)) if one is not None else None

    return words_of(old), words_of(new)


# Formulas.


def formulas(s: Sides) -> None:
    """Formulas that several entries share, told once. One that no entry uses otherwise than before says nothing new."""
    old, new = ({f.name.name: f for f in d.formulas} for d in (s.old_document, s.new_document))
    for name in [n for n in new if n in old]:
        a, b = old[name], new[name]
        if _body(a) != _body(b) and _weighs(s):
            at = At("amounts", f"formulas.{name}", f"formulas.{name}", _title(b, a), (("formula", "", name),), *_said(a, b))
            texts = [plain(" ".join(f.value.span.text.split())) for f in (a, b)]
            s.from_to(at, "value", "fact", texts[0], texts[1])


def _body(formula: ast.Formula) -> tuple[object, ...]:
    """A formula without the names of its arguments."""
    return tuple(t.name for _, t in formula.takes), _named(formula.value, {n.name: f"#{i}" for i, (n, _) in enumerate(formula.takes)})


def _named(node: object, names: dict[str, str]) -> object:
    match node:
        case ast.Name(name=name):
            return ("name", names.get(name, name))
        case tuple():
            return tuple(_named(n, names) for n in node)
        case ast.Node():
            parts = ((f, getattr(node, f)) for f in node.__dataclass_fields__ if f not in ("span", "name_span"))
            return (type(node).__name__, *((f, _named(v, names)) for f, v in parts))
    return node


def _weighs(s: Sides) -> bool:
    """Whether some entry comes out otherwise with the new tables and formulas."""
    here, there = Canonical(s.kept), Canonical(s.new)
    if s.kept is s.new:
        return True
    return any(here.of(d.value) != there.of(s.new.definitions[k].value) for k, d in s.kept.definitions.items()) or any(
        here.of(r.check) != there.of(s.new.requirements[k].check) for k, r in s.kept.requirements.items()
    )
