"""What changes without a change of meaning: labels, messages, notes, titles, and the passages that entries rest on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from bandolo.analysis.difference.canonical import Canonical
from bandolo.analysis.difference.sides import At, Sides, called
from bandolo.analysis.difference.words import joined, plain, relabelled, words
from bandolo.check import core
from bandolo.check.core import Texts
from bandolo.syntax import ast

Entry = tuple[str, str, core.Words, core.Words, str]
"""An entry on both sides: new path, old path, old words, new words, name."""


def texts(s: Sides) -> None:
    """Words of entries that are on both sides, then the head, then what only some entries have: questions, messages."""
    for path, was, old, new, name in _entries(s):
        at = At("words", path, was, called(old, new, name), (), old, new)
        if old.label != new.label:
            sides = old.label or plain(name), new.label or plain(name)
            s.add(at, "changed", "label", relabelled(*sides), *sides)
        if old.note != new.note:
            s.add(at, "changed", "note", words("note"), old.note or words("empty"), new.note or words("empty"))
        if Counter(old.sources) != Counter(new.sources):
            sources = replace(at, group="sources")
            s.add(sources, "changed", "source", words("quotes"), _passages(old), _passages(new))
    _head(s)
    _questions(s)
    _messages(s)
    _documents(s)


def _passages(said: core.Words) -> Texts:
    return joined([plain(f"«{source.quote}»") for source in said.sources], " ") if said.sources else words("empty")


def _entries(s: Sides) -> Iterator[Entry]:
    old, new = s.old, s.new
    for name, a, b in s.pairs("parameter", "", old.parameters, new.parameters):
        if a is not None and b is not None:
            yield f"parameters.{name}", f"parameters.{a.name}", a.words, b.words, name
    for name, c, d in s.pairs("reading", "", old.readings, new.readings):
        if c is not None and d is not None:
            yield f"readings.{name}", f"readings.{c.name}", c.words, d.words, name
    for name, e, f in s.pairs("requirement", "", old.requirements, new.requirements):
        if e is not None and f is not None and not (e.id == "minimum_score" and f.id == "minimum_score"):
            yield f"requirements.{f.entity}.{name}", f"requirements.{e.entity}.{e.id}", e.words, f.words, name
    for entity in (n for n in new.entities if n in old.entities):
        yield f"entities.{entity}", f"entities.{entity}", old.entities[entity].words, new.entities[entity].words, entity
        for name, g, h in s.pairs("fact", entity, old.entities[entity].facts, new.entities[entity].facts):
            if g is not None and h is not None:
                yield f"entities.{entity}.facts.{name}", f"entities.{entity}.facts.{g.name}", g.words, h.words, name
        sides = [{n: d for (e_, n), d in p.definitions.items() if e_ == entity and not d.synthetic} for p in (old, new)]
        for name, i, j in s.pairs("definition", entity, *sides):
            if i is not None and j is not None:
                yield f"definitions.{entity}.{name}", f"definitions.{entity}.{i.name}", i.words, j.words, name
    for kind, section in (("deadline", "deadlines"), ("bonus", "scoring.bonuses")):
        sides = [{n.removeprefix(f"{kind}."): d for (_, n), d in p.definitions.items() if n.startswith(f"{kind}.")} for p in (old, new)]
        for name, i, j in s.pairs(kind, "", *sides):
            if i is not None and j is not None:
                yield f"{section}.{name}", f"{section}.{i.name.partition('.')[2]}", i.words, j.words, name
    before = {st.name: st for st in old.stages}
    for stage in new.stages:
        if stage.name in before:
            yield f"stages.{stage.name}", f"stages.{stage.name}", before[stage.name].words, stage.words, stage.name
    yield from _of_documents(s)


def _of_documents(s: Sides) -> Iterator[Entry]:
    """Entries that only the document has: rate tables, bands, formulas, scoring, the ranking."""
    old, new = s.old_document, s.new_document
    for section, earlier, later in (
        ("rates", old.rates, new.rates),
        ("bands", old.bands, new.bands),
        ("formulas", old.formulas, new.formulas),
    ):
        before = {e.name.name: e for e in earlier}
        for entry in later:
            name = entry.name.name
            if name in before:
                yield f"{section}.{name}", f"{section}.{name}", _words(before[name].common), _words(entry.common), name
    if old.scoring is not None and new.scoring is not None:
        yield "scoring", "scoring", _words(old.scoring.common), _words(new.scoring.common), "final_score"
    if old.ranking is not None and new.ranking is not None:
        yield "ranking", "ranking", _words(old.ranking.common), _words(new.ranking.common), "ranking"


def _words(common: ast.Common) -> core.Words:
    def both(text: ast.Text | None) -> Texts | None:
        return Texts(text.said("it"), text.said("en")) if text is not None else None

    return core.Words(both(common.label), both(common.note), tuple(core.Source(q.document, q.quote) for q in common.sources))


def _head(s: Sides) -> None:
    at = At("words", "policy", "policy", words("call"))
    if s.old.id != s.new.id:
        s.from_to(at, "id", "id", plain(s.old.id), plain(s.new.id))
    for part in ("title", "issuer", "manager"):
        a, b = getattr(s.old, part), getattr(s.new, part)
        if a != b:
            sides = a or words("empty"), b or words("empty")
            s.from_to(at, part, part, *sides)
    for name, entity in s.new.entities.items():
        before = s.old.entities.get(name)
        if before is not None and before.shown_as != entity.shown_as:
            path = f"entities.{name}"
            sides = plain(before.shown_as or "—"), plain(entity.shown_as or "—")
            s.from_to(At("words", path, path, called(before.words, entity.words, name)), "shown_as", "shown_as", *sides)
    for name in (c.name.name for c in s.new_document.choices):
        _choice(s, name)


def _choice(s: Sides, name: str) -> None:
    """The labels of the words of a choice."""
    old, new = ({c.name.name: {i.name: t for i, t in c.options} for c in d.choices} for d in (s.old_document, s.new_document))
    for word, text in new[name].items():
        before = old.get(name, {}).get(word, text)
        if before != text and word in old.get(name, {}):
            sides = [Texts(t.said("it"), t.said("en")) if t is not None else plain(word) for t in (before, text)]
            path = f"choices.{name}.{word}"
            s.add(At("words", path, path, sides[1]), "changed", "", relabelled(*sides), *sides)


def _questions(s: Sides) -> None:
    for name, old, new in s.pairs("reading", "", s.old.readings, s.new.readings):
        if old is None or new is None:
            continue
        at = At("words", f"readings.{name}", f"readings.{old.name}", called(old.words, new.words, name))
        if old.question != new.question:
            s.add(at, "changed", "question", words("question"), old.question, new.question)
        changed = [o for o in new.options if o in old.options and old.options[o] != new.options[o]]
        if changed:
            sides = [joined([r.options[o] for o in changed], "; ") for r in (old, new)]
            s.add(at, "changed", "options", words("wording"), *sides)


def _messages(s: Sides) -> None:
    for name, old, new in s.pairs("requirement", "", s.old.requirements, s.new.requirements):
        if old is None or new is None or _pieces(s.canonical[0], old) == _pieces(Canonical(s.new), new):
            continue
        at = At("words", f"requirements.{new.entity}.{name}", f"requirements.{old.entity}.{old.id}", called(old.words, new.words, name))
        s.add(at, "changed", "message", words("message"), _message(old), _message(new))


def _pieces(canonical: Canonical, requirement: core.Requirement) -> object:
    if requirement.message is None:
        return None
    pieces = requirement.message.pieces
    return {lang: tuple(p if isinstance(p, str) else canonical.of(p) for p in parts) for lang, parts in pieces.items()}


def _message(requirement: core.Requirement) -> Texts:
    if requirement.message is None:
        return words("empty")
    pieces = requirement.message.pieces
    said = {lang: "".join(p if isinstance(p, str) else f"{{{p.span.text}}}" for p in parts) for lang, parts in pieces.items()}
    first = next(iter(said.values()), "")
    return Texts(said.get("it", first), said.get("en", first))


def _documents(s: Sides) -> None:
    """The sources themselves, and what is declared to be no rule."""
    for name, document in s.new.documents.items():
        path = f"sources.{name}"
        before = s.old.documents.get(name)
        at = At("sources", path, path, document.title)
        if before is None:
            s.add(at, "added", "", words("document", document.title), None, document.title)
        elif before.title != document.title:
            s.from_to(at, "title", "title", before.title, document.title)
    for name, document in s.old.documents.items():
        if name not in s.new.documents:
            path = f"sources.{name}"
            s.add(At("sources", path, path, document.title), "removed", "", words("document_gone", document.title), document.title, None)
    old, new = (Counter((q.document, q.quote) for u in d.unencoded for q in u.quotes) for d in (s.old_document, s.new_document))
    more, less = list((new - old).elements()), list((old - new).elements())
    if more or less:
        at = At("sources", "unencoded", "unencoded", words("unencoded_title"))
        sides = [joined([plain(f"«{quote}»") for _, quote in quotes], " ") if quotes else None for quotes in (less, more)]
        s.add(at, "changed", "", words("unencoded", len(more), len(less)), *sides)
