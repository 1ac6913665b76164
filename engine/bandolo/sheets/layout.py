"""The sheets and columns of a policy's applications: the one place that both the template and the reader ask.

A column is known by its name (`works_end_on at payment`) and by its heading in either language, so that a workbook made in Italian is
read wherever it goes. A sheet likewise by its entity and by its title.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from bandolo.check import core
from bandolo.language.types import TEXT, Language, ListType, OptionalType, RecordType, Type

Kind = Literal["owner", "line", "fact", "count"]
LANGUAGES: tuple[Language, Language] = ("it", "en")
TITLE_CHARACTERS = 31
"""What Excel allows to the name of a sheet."""
LINE = core.Texts("Riga n.", "Line no.")
HOW_MANY = core.Texts("{} (quanti)", "{} (how many)")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an entity's sheet.

    `owner`: the key of a record above it, of `entity`; `line`: a number that stands for a key where an entity has none; `fact`: a fact,
    or the fact at one stage; `count`: how many records a list has.
    """

    name: str
    kind: Kind
    entity: str
    fact: core.FactDeclaration | None
    stage: str | None
    headings: core.Texts

    @property
    def type(self) -> Type:
        """What its cells hold, `none` apart."""
        if self.fact is None:
            return TEXT
        return self.fact.type.of if isinstance(self.fact.type, OptionalType) else self.fact.type

    @property
    def is_key(self) -> bool:
        """Whether its cells tie a row to others."""
        return self.kind in ("owner", "line") or (self.kind == "fact" and self.fact is not None and self.fact.key)


@dataclass(frozen=True)
class Sheet:
    """The sheet of an entity; `owners` are the entities above it, the root first."""

    entity: core.Entity
    owners: tuple[str, ...]
    columns: tuple[Column, ...]
    titles: core.Texts

    @cached_property
    def by_word(self) -> dict[str, Column]:
        """Every column by the words that may stand at its head; what would stand for two is left out."""
        found: dict[str, Column] = {}
        for words in (self._names(), self._headings(), self._short()):
            count = Counter(word for word, _ in words)
            found = {**{word: column for word, column in words if count[word] == 1}, **found}
        return found

    def _names(self) -> list[tuple[str, Column]]:
        return [(plain_words(c.name), c) for c in self.columns]

    def _headings(self) -> list[tuple[str, Column]]:
        return [(word, c) for c in self.columns for word in {plain_words(c.headings.it), plain_words(c.headings.en)}]

    def _short(self) -> list[tuple[str, Column]]:
        """The key of an owner called as on the owner's own sheet, or by the owner's name."""
        words = []
        for column in self.columns:
            if column.kind == "owner" and column.fact is not None:
                label = called(column.fact.words, column.fact.name)
                words += [(w, column) for w in {plain_words(label.it), plain_words(label.en), plain_words(column.entity)}]
        return words


def layout(policy: core.Policy) -> dict[str, Sheet]:
    """The sheet of every entity, the root's first, each after its owner's."""
    sheets: dict[str, Sheet] = {}
    for name in _downwards(policy, policy.root):
        owners = _owners(policy, name)
        columns = [_of_owner(policy, owner) for owner in owners] + _own(policy, policy.entities[name])
        titles = called(policy.entities[name].words, name)
        sheets[name] = Sheet(policy.entities[name], owners, _distinct(columns), titles)
    return _titled(sheets)


def plain_words(text: str) -> str:
    """A heading as it is compared: without case, underscores, stars and superfluous blanks."""
    return " ".join(re.sub(r"[_*\s]+", " ", text).split()).casefold()


def called(words: core.Words, name: str) -> core.Texts:
    plain = name.replace("_", " ")
    return words.label if words.label is not None else core.Texts(plain, plain)


def listed_entity(fact: core.FactDeclaration) -> str | None:
    """The entity whose records a fact lists."""
    inner = fact.type.of if isinstance(fact.type, OptionalType) else fact.type
    return inner.item.entity if isinstance(inner, ListType) and isinstance(inner.item, RecordType) else None


def _downwards(policy: core.Policy, name: str) -> list[str]:
    """An entity and those below it, in the order of their lists."""
    below = [e for fact in policy.entities[name].facts.values() if (e := listed_entity(fact)) is not None]
    return [name, *(inner for e in below for inner in _downwards(policy, e))]


def _owners(policy: core.Policy, name: str) -> tuple[str, ...]:
    owner = policy.entities[name].owner
    return () if owner is None else (*_owners(policy, owner), owner)


def _of_owner(policy: core.Policy, owner: str) -> Column:
    key = policy.entities[owner].key
    of = called(policy.entities[owner].words, owner)
    label = called(key.words, key.name) if key is not None else LINE
    return Column(owner, "owner", owner, key, None, core.Texts(f"{of.it}: {label.it}", f"{of.en}: {label.en}"))


def _own(policy: core.Policy, entity: core.Entity) -> list[Column]:
    facts = sorted(entity.facts.values(), key=lambda f: not f.key)
    columns = [column for fact in facts for column in _of_fact(policy, entity, fact)]
    if entity.key is None and any(c.kind == "count" for c in columns):
        columns.insert(0, Column("#", "line", entity.name, None, None, LINE))
    return columns


def _of_fact(policy: core.Policy, entity: core.Entity, fact: core.FactDeclaration) -> list[Column]:
    label = called(fact.words, fact.name)
    if listed_entity(fact) is not None:
        headings = core.Texts(HOW_MANY.it.format(label.it), HOW_MANY.en.format(label.en))
        return [Column(fact.name, "count", entity.name, fact, None, headings)]
    if not fact.asked:
        return [Column(fact.name, "fact", entity.name, fact, None, label)]
    stages = {stage.name: called(stage.words, stage.name) for stage in policy.stages}
    at = {stage: core.Texts(f"{label.it} ({stages[stage].it})", f"{label.en} ({stages[stage].en})") for stage in fact.asked}
    return [Column(f"{fact.name} at {stage}", "fact", entity.name, fact, stage, at[stage]) for stage in fact.asked]


def _distinct(columns: list[Column]) -> tuple[Column, ...]:
    """Headings that two columns would share, in whatever language, or that name another column, get their own name in brackets."""
    names = {plain_words(c.name): c.name for c in columns}
    words = [{plain_words(c.headings.it), plain_words(c.headings.en)} for c in columns]
    count = Counter(word for each in words for word in each)
    made = []
    for column, each in zip(columns, words, strict=True):
        if any(count[word] > 1 or names.get(word, column.name) != column.name for word in each):
            texts = core.Texts(f"{column.headings.it} [{column.name}]", f"{column.headings.en} [{column.name}]")
            made.append(replace(column, headings=texts))
        else:
            made.append(column)
    return tuple(made)


def _titled(sheets: dict[str, Sheet]) -> dict[str, Sheet]:
    """Titles that a workbook may have: short, without the signs that Excel forbids, each for one sheet only."""
    made: dict[str, Sheet] = {}
    taken = {*RESERVED, *(plain_words(name) for name in sheets)}
    for name, sheet in sheets.items():
        free = taken - {plain_words(name)}
        texts = core.Texts(*(_free(_title(sheet.titles.said(lang)) or name, free) for lang in LANGUAGES))
        taken |= {plain_words(texts.it), plain_words(texts.en)}
        made[name] = replace(sheet, titles=texts)
    return made


def _title(text: str) -> str:
    return re.sub(r"[\[\]:*?/\\]", " ", text).strip(" '")[:TITLE_CHARACTERS].strip()


def _free(title: str, taken: set[str]) -> str:
    number, free = 1, title
    while plain_words(free) in taken:
        number += 1
        free = f"{title[: TITLE_CHARACTERS - 4]} {number}"
    return free[:1].upper() + free[1:]


README = core.Texts("Leggimi", "Read me")
DICTIONARY = core.Texts("Colonne", "Columns")
CHOICES = core.Texts("Elenchi", "Lists")
RESERVED = frozenset(plain_words(w) for t in (README, DICTIONARY, CHOICES) for w in (t.it, t.en)) | {"history"}
"""Sheets of a template that hold no applications (and the one name that Excel keeps to itself)."""


def sheet_named(sheets: dict[str, Sheet], title: str) -> Sheet | None:
    """The sheet that a title stands for: by its entity, or by its title in either language."""
    words = plain_words(title)
    by_name = {plain_words(name): sheet for name, sheet in sheets.items()}
    by_title = {plain_words(s.titles.said(lang)): s for s in sheets.values() for lang in LANGUAGES}
    return by_name.get(words) or by_title.get(words)
