"""What the policy declares: entities with their facts, choices, parameters, readings and tables, by name.

The first pass over the tree: it gives every name its kind and, where it is written, its type, and refuses names that are
declared twice, reserved, or would mean two things at the same place.
"""

from __future__ import annotations

from bandolo.diagnostics import Diagnostic, Label
from bandolo.diagnostics.spelling import nearest
from bandolo.language.types import (
    INVALID,
    TYPE_BY_WORD,
    ChoiceType,
    InvalidType,
    ListType,
    OptionalType,
    RecordType,
    Type,
)
from bandolo.records import dataclass, field
from bandolo.source import Span
from bandolo.syntax import ast

KEYWORDS = (
    "if", "then", "else", "of", "where", "as", "or", "and", "not", "in", "between", "is", "none", "known", "at", "this", "true",
    "false", "share", "by", "among", "ties", "distinct",
)  # fmt: skip
RESERVED = (*KEYWORDS, "as_of", "admitted", "met", "reading", "deadline", "bonus", "parameter")
"""Words that no fact, definition or parameter may be called; options of choices and readings only avoid the keywords."""
SCORING_NAMES = ("base_score", "bonus_points", "final_score")


@dataclass(frozen=True, slots=True)
class FactSymbol:
    """A fact as declared, with its type; a list of records says which entity it owns."""

    fact: ast.Fact
    type: Type
    reference: bool = False


@dataclass(slots=True)
class EntitySymbols:
    entity: ast.Entity
    facts: dict[str, FactSymbol] = field(default_factory=dict)
    definitions: dict[str, ast.Definition] = field(default_factory=dict)
    requirements: dict[str, ast.Requirement] = field(default_factory=dict)
    owner: str | None = None
    listed_in: str | None = None

    def names(self) -> list[str]:
        return [*self.facts, *self.definitions]


@dataclass(slots=True)
class Symbols:
    root: str
    choices: dict[str, ChoiceType] = field(default_factory=dict)
    entities: dict[str, EntitySymbols] = field(default_factory=dict)
    stages: list[str] = field(default_factory=list)
    parameters: dict[str, ast.Parameter] = field(default_factory=dict)
    rates: dict[str, ast.Rate] = field(default_factory=dict)
    bands: dict[str, ast.Bands] = field(default_factory=dict)
    formulas: dict[str, ast.Formula] = field(default_factory=dict)
    readings: dict[str, ChoiceType] = field(default_factory=dict)
    deadlines: dict[str, ast.Deadline] = field(default_factory=dict)
    bonuses: dict[str, ast.Bonus] = field(default_factory=dict)
    scoring: bool = False
    requirement_entity: dict[str, str] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    """Choices of which a word could not be read: nothing is said of how they are used."""
    stages_unreadable: bool = False
    misused: set[str] = field(default_factory=set)
    """Entities that were written where a list or a reference belongs."""

    def owners(self, entity: str) -> list[str]:
        """The entities above one, nearest first."""
        found: list[str] = []
        current = self.entities[entity].owner if entity in self.entities else None
        while current is not None and current not in found:
            found.append(current)
            current = self.entities[current].owner
        return found


def type_named(symbols: Symbols, written: ast.Ident) -> Type | None:
    """The type that a word of the policy names, or None; Invalid where the word itself could not be read."""
    word = written.name
    if word in TYPE_BY_WORD:
        return TYPE_BY_WORD[word]
    if word in symbols.choices:
        return INVALID if word in symbols.unreadable else symbols.choices[word]
    if word.startswith("list of "):
        inner = word.removeprefix("list of ")
        if inner in symbols.entities:
            return ListType(RecordType(inner))
        item = type_named(symbols, ast.Ident(written.span, inner))
        return ListType(item) if item is not None else None
    if word.startswith("reference to "):
        entity = word.removeprefix("reference to ")
        return RecordType(entity) if entity in symbols.entities else None
    return None if word else INVALID


def declare(doc: ast.PolicyDoc) -> tuple[Symbols, list[Diagnostic]]:
    """The symbols of a policy.

    Codes: `declared-twice`, `reserved-name`, `ambiguous-name`, `unknown-type`, `unknown-entity`, `two-owners`, `no-owner`,
    `two-keys`, `bad-fact`, `no-options`.
    """
    return Declarer(doc).run()


class Declarer:
    def __init__(self, doc: ast.PolicyDoc) -> None:
        self.doc = doc
        self.out: list[Diagnostic] = []
        self.references: list[tuple[ast.Ident, str]] = []
        decides = doc.head.decides
        self.symbols = Symbols(decides.name if decides else "")

    def run(self) -> tuple[Symbols, list[Diagnostic]]:
        doc, symbols = self.doc, self.symbols
        for choice in doc.choices:
            options = tuple(dict.fromkeys(o.name for o, _ in choice.options))
            labels = {o.name: (text.said("it"), text.said("en")) for o, text in choice.options if text is not None}
            if not choice.readable:
                symbols.unreadable.add(choice.name.name)
            elif not options:
                self.report("no-options", choice.name.span, name=choice.name.name)
            symbols.choices[choice.name.name] = ChoiceType(choice.name.name, options, labels)
        symbols.stages_unreadable = not doc.stages_readable
        symbols.stages = [s.name.name for s in doc.stages] or ["decision"]
        for entity in doc.entities:
            symbols.entities[entity.name.name] = EntitySymbols(entity)
        self._check_root()
        for entity in doc.entities:
            self._facts(entity)
        for written, name in self.references:
            if not any(f.key for f in symbols.entities[name].entity.facts):
                self.report("no-key", written.span, entity=name)
        self._globals()
        self._entity_entries()
        self._minimum_score()
        self._owners()
        self._clashes()
        return symbols, self.out

    def report(self, code: str, span: Span, *labels: Label, **args: object) -> None:
        self.out.append(Diagnostic(code, span, args, labels))

    def _check_root(self) -> None:
        decides = self.doc.head.decides
        if decides is not None and decides.name not in self.symbols.entities:
            near = nearest(decides.name, self.symbols.entities)
            self.report("unknown-entity", decides.span, name=decides.name, nearest=near)

    def _facts(self, entity: ast.Entity) -> None:
        owned = self.symbols.entities[entity.name.name]
        for fact in entity.facts:
            type_ = self.type_of(fact.type)
            reference = fact.type.name.startswith("reference to ")
            bounded = isinstance(type_, ListType | InvalidType) or fact.at_most is None
            if not bounded or (fact.key and str(type_) not in ("text", "integer", "invalid")):
                self.report("bad-fact", fact.name.span, name=fact.name.name, key="at_most" if not bounded else "key")
            if isinstance(type_, RecordType):
                self.references.append((fact.type, type_.entity))
            if fact.optional:
                type_ = OptionalType(type_)
            owned.facts[fact.name.name] = FactSymbol(fact, type_, reference)
        keys = [f for f in entity.facts if f.key]
        if len(keys) > 1:
            label = Label(keys[0].name.span, "first-here")
            self.report("two-keys", keys[1].name.span, label, entity=entity.name.name)

    def type_of(self, written: ast.Ident) -> Type:
        """The type that a word of the policy names; Invalid, reported, if there is none."""
        found = type_named(self.symbols, written)
        if found is None:
            bare = written.name.rpartition(" ")[2]
            known = [*TYPE_BY_WORD, *self.symbols.choices, *self.symbols.entities]
            if bare in self.symbols.entities:
                self.symbols.misused.add(bare)
                self.report("entity-as-type", written.span, name=bare)
            else:
                self.report("unknown-type", written.span, name=bare, nearest=nearest(bare, known))
        return found or INVALID

    def _globals(self) -> None:
        doc, symbols = self.doc, self.symbols
        symbols.parameters = {p.name.name: p for p in doc.parameters}
        symbols.rates = {r.name.name: r for r in doc.rates}
        symbols.bands = {b.name.name: b for b in doc.bands}
        symbols.formulas = {f.name.name: f for f in doc.formulas}
        symbols.deadlines = {d.name.name: d for d in doc.deadlines}
        for reading in doc.readings:
            options = tuple(o.name for o, _ in reading.options)
            labels = {o.name: (text.said("it"), text.said("en")) for o, text in reading.options}
            symbols.readings[reading.name.name] = ChoiceType(f"reading.{reading.name.name}", options, labels)
        if doc.scoring is not None:
            symbols.scoring = True
            symbols.bonuses = {b.name.name: b for b in doc.scoring.bonuses}

    def _entity_entries(self) -> None:
        for entity, definitions in self.doc.definitions:
            if (owned := self._entity(entity)) is not None:
                owned.definitions = {d.name.name: d for d in definitions}
        for entity, requirements in self.doc.requirements:
            if (owned := self._entity(entity)) is None:
                continue
            for requirement in requirements:
                name = requirement.name
                other = self.symbols.requirement_entity.get(name.name)
                if other is not None:
                    first = self.symbols.entities[other].requirements[name.name].name.span
                    self.report("declared-twice", name.span, Label(first, "first-here"), name=name.name)
                    continue
                self.symbols.requirement_entity[name.name] = entity.name
                owned.requirements[name.name] = requirement

    def _minimum_score(self) -> None:
        """The requirement that scoring stands for has a name of its own."""
        scoring = self.doc.scoring
        if scoring is None or scoring.minimum is None or self.symbols.root not in self.symbols.entities:
            return
        other = self.symbols.requirement_entity.get("minimum_score")
        if other is not None:
            self.report("reserved-name", self.symbols.entities[other].requirements["minimum_score"].name.span, name="minimum_score")
        self.symbols.requirement_entity["minimum_score"] = self.symbols.root

    def _entity(self, name: ast.Ident) -> EntitySymbols | None:
        found = self.symbols.entities.get(name.name)
        if found is None:
            self.report("unknown-entity", name.span, name=name.name, nearest=nearest(name.name, self.symbols.entities))
        return found

    def _owners(self) -> None:
        symbols = self.symbols
        for entity in symbols.entities.values():
            for name, symbol in entity.facts.items():
                type_ = symbol.type.of if isinstance(symbol.type, OptionalType) else symbol.type
                if not (isinstance(type_, ListType) and isinstance(type_.item, RecordType)):
                    continue
                child = symbols.entities[type_.item.entity]
                if child.owner is not None:
                    first = symbols.entities[child.owner].facts[child.listed_in or ""].fact.name.span
                    label = Label(first, "first-here")
                    self.report("two-owners", symbol.fact.name.span, label, entity=child.entity.name.name)
                elif child.entity.name.name == symbols.root or entity.entity.name.name in self._below(child.entity.name.name):
                    self.report("owner-loop", symbol.fact.name.span, entity=child.entity.name.name)
                else:
                    child.owner, child.listed_in = entity.entity.name.name, name
        for name, owned in symbols.entities.items():
            if name != symbols.root and owned.owner is None and symbols.root in symbols.entities and name not in symbols.misused:
                self.report("no-owner", owned.entity.name.span, entity=name)

    def _below(self, entity: str) -> set[str]:
        return {e for e in self.symbols.entities if e == entity or entity in self.symbols.owners(e)}

    def _clashes(self) -> None:
        """A name that could mean two things at the same place is an error where it is declared the second time."""
        symbols, doc = self.symbols, self.doc
        places: dict[str, Span] = {}
        sections: tuple[tuple[ast.Ident, ...], ...] = (
            tuple(p.name for p in doc.parameters), tuple(r.name for r in doc.rates), tuple(b.name for b in doc.bands),
            tuple(f.name for f in doc.formulas), tuple(e.name for e in doc.entities),
        )  # fmt: skip
        for ident in (i for section in sections for i in section):
            self._declare(places, ident)
        spoken = [r.name for r in doc.readings] + [d.name for d in doc.deadlines] + [s.name for s in doc.stages]
        spoken += [b.name for b in doc.scoring.bonuses] if doc.scoring is not None else []
        spoken += [name for formula in doc.formulas for name, _ in formula.takes]
        for ident in spoken:
            self._reserved(ident, KEYWORDS)
        for choice in doc.choices:
            self._reserved(choice.name)
            for option, _ in choice.options:
                self._reserved(option, KEYWORDS)
        for reading in doc.readings:
            for option, _ in reading.options:
                self._reserved(option, KEYWORDS)
        for owned in symbols.entities.values():
            own = dict(places)
            entries = [*(f.name for f in owned.entity.facts), *(d.name for d in owned.definitions.values())]
            entries += [r.name for r in owned.requirements.values()]
            for ident in entries:
                self._declare(own, ident)
                if owned.entity.name.name == symbols.root and symbols.scoring and ident.name in SCORING_NAMES:
                    self.report("reserved-name", ident.span, name=ident.name)

    def _declare(self, places: dict[str, Span], ident: ast.Ident) -> None:
        self._reserved(ident)
        if ident.name in places:
            self.report("declared-twice", ident.span, Label(places[ident.name], "first-here"), name=ident.name)
        else:
            places[ident.name] = ident.span

    def _reserved(self, ident: ast.Ident, words: tuple[str, ...] = RESERVED) -> None:
        if ident.name in words:
            self.report("reserved-name", ident.span, name=ident.name)
