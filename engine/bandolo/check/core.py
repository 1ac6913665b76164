"""The policy as meant: resolved, typed, desugared. What the evaluator, the explanations and every later tool read.

An expression is one of the nodes below. Record variables are numbered slots: slot 0 is `this`, the record that a definition or a
requirement speaks of; each `where` and `of` binds a slot of its own. Spans and types never take part in equality.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from bandolo.language.functions import Conventions
from bandolo.language.library import Operation
from bandolo.language.types import ChoiceType, Type
from bandolo.language.values import Value
from bandolo.records import dataclass, field
from bandolo.source import Span


@dataclass(frozen=True, slots=True)
class Node:
    span: Span = field(compare=False, repr=False)
    type: Type = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Constant(Node):
    value: Value


@dataclass(frozen=True, slots=True)
class Variable(Node):
    """A record or a value bound to a slot."""

    slot: int


@dataclass(frozen=True, slots=True)
class Owner(Node):
    """The record of `entity` that a record belongs to, at whatever distance."""

    record: Expr
    entity: str


@dataclass(frozen=True, slots=True)
class Fact(Node):
    """A fact of a record, as looked at in a stage where it is asked at several."""

    record: Expr
    name: str
    stage: str | None


@dataclass(frozen=True, slots=True)
class Computed(Node):
    """A definition of a record: those of the policy, and those that scoring, deadlines and dated parameters stand for."""

    record: Expr
    entity: str
    name: str


@dataclass(frozen=True, slots=True)
class Met(Node):
    """Whether a requirement of a record is not violated."""

    record: Expr
    requirement: str


@dataclass(frozen=True, slots=True)
class Admitted(Node):
    """Whether no `exclude` requirement of a record failed, up to a stage (all stages, if None)."""

    record: Expr
    entity: str
    stage: str | None


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    name: str


@dataclass(frozen=True, slots=True)
class Dated(Node):
    """The version of a parameter that is in force on a date."""

    name: str
    date: Expr


@dataclass(frozen=True, slots=True)
class Option(Node):
    """The chosen option of a reading."""

    reading: str


@dataclass(frozen=True, slots=True)
class AsOf(Node):
    """The clock, a named input."""


@dataclass(frozen=True, slots=True)
class Apply(Node):
    """An operation of the library."""

    operation: Operation = field(repr=False)
    arguments: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class And(Node):
    parts: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Or(Node):
    parts: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Not(Node):
    value: Expr


@dataclass(frozen=True, slots=True)
class IsNone(Node):
    value: Expr


@dataclass(frozen=True, slots=True)
class IsKnown(Node):
    value: Expr


@dataclass(frozen=True, slots=True)
class Branch:
    """One condition and what then holds."""

    when: Expr
    value: Expr
    words: Words


@dataclass(frozen=True, slots=True)
class Branches(Node):
    """The value of the first branch whose condition holds, else `otherwise`: `if`, and exceptions."""

    branches: tuple[Branch, ...]
    otherwise: Expr


@dataclass(frozen=True, slots=True)
class Choose(Node):
    """A value by a word: `by:`, and rate tables."""

    subject: Expr
    options: tuple[tuple[str, Expr], ...]
    otherwise: Expr | None


@dataclass(frozen=True, slots=True)
class Bracket:
    """A band up to and including `to`; `to` is None for what lies above the last."""

    to: Expr | None
    amount: Expr


@dataclass(frozen=True, slots=True)
class Brackets(Node):
    """Progressive bands (each part at its own rate), or the value of the band that the amount falls in."""

    name: str
    amount: Expr
    steps: tuple[Bracket, ...]
    progressive: bool


@dataclass(frozen=True, slots=True)
class Items(Node):
    """`[a, b]`"""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Filter(Node):
    """The members of a list for which a condition holds."""

    list: Expr
    slot: int
    condition: Expr


@dataclass(frozen=True, slots=True)
class Map(Node):
    """A value of each member of a list; where that is a list itself, all of their members."""

    list: Expr
    slot: int
    item: Expr
    flatten: bool


@dataclass(frozen=True, slots=True)
class Share(Node):
    """This record's part of a total, by largest remainder. `total` and `among` are said of the owner (slot 0)."""

    owner: str
    total: Expr
    among: Expr
    slot: int
    weight: Expr
    ties: Expr


@dataclass(frozen=True, slots=True)
class Let(Node):
    """A formula's argument: evaluated once, used by its slot."""

    slot: int
    value: Expr
    body: Expr


@dataclass(frozen=True, slots=True)
class Invalid(Node):
    """What stands where a mistake was already reported."""


Expr = (
    Constant | Variable | Owner | Fact | Computed | Met | Admitted | Parameter | Dated | Option | AsOf | Apply | And | Or | Not
    | IsNone | IsKnown | Branches | Choose | Brackets | Items | Filter | Map | Share | Let | Invalid
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Texts:
    """A text in both languages; the other stands in where one is missing."""

    it: str
    en: str

    def said(self, lang: str) -> str:
        return self.it if lang == "it" else self.en


@dataclass(frozen=True, slots=True)
class Source:
    document: str
    quote: str


@dataclass(frozen=True, slots=True)
class Words:
    """What an entry says of itself."""

    label: Texts | None = None
    note: Texts | None = None
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    """A message: pieces of text and expressions, by language."""

    pieces: dict[str, tuple[str | Expr, ...]]


@dataclass(frozen=True, slots=True)
class FactDeclaration:
    name: str
    type: Type
    key: bool
    optional: bool
    asked: tuple[str, ...]
    low: Expr | None
    high: Expr | None
    at_most: int | None
    by: Texts | None
    words: Words
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Entity:
    """A kind of record; `owner` and `listed_in` say which fact of which entity lists it (None for the root)."""

    name: str
    facts: dict[str, FactDeclaration]
    owner: str | None
    listed_in: str | None
    words: Words
    shown_as: str | None = None
    """The fact by which people call a record, besides its key."""

    @property
    def key(self) -> FactDeclaration | None:
        return next((f for f in self.facts.values() if f.key), None)


@dataclass(frozen=True, slots=True)
class Definition:
    entity: str
    name: str
    type: Type
    value: Expr
    words: Words
    span: Span = field(compare=False, repr=False)
    rounded: bool = False
    synthetic: bool = False
    """It stands for a part of another section: scoring, a deadline, a dated parameter."""


@dataclass(frozen=True, slots=True)
class Effect:
    word: str
    cure: Expr | None = None
    cure_from: Expr | None = None


@dataclass(frozen=True, slots=True)
class Requirement:
    """`effect` is one, or one for each option of a reading (`effect_by`)."""

    id: str
    entity: str
    stage: str
    applies: Expr | None
    check: Expr
    effects: dict[str, Effect]
    effect_by: str | None
    message: Template | None
    words: Words
    span: Span = field(compare=False, repr=False)

    def may(self, *words: str) -> bool:
        """Whether one of its possible effects is among the words."""
        return any(effect.word in words for effect in self.effects.values())


@dataclass(frozen=True, slots=True)
class Version:
    start: date | None
    end: date | None
    value: Expr
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class ParameterDeclaration:
    name: str
    type: Type
    value: Expr | None
    versions: tuple[Version, ...]
    pending: Texts | None
    must_be: Expr | None
    assume: Expr | None
    words: Words
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ReadingDeclaration:
    name: str
    type: ChoiceType
    question: Texts
    options: dict[str, Texts]
    chosen: str | None
    words: Words
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Stage:
    name: str
    opens: Expr | None
    words: Words


@dataclass(frozen=True, slots=True)
class Result:
    entity: str
    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Deadline:
    """A deadline as the calendar shows it; what it is worth is the definition `deadline.NAME`.

    `whose` is applicant, office or None. `end` is the last day before any rolling; of a term that is `after` from `start`.
    """

    name: str
    whose: str | None
    end: Expr
    after: Expr | None
    start: Expr | None
    words: Words


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to compute for every record of an entity, in an order in which each only needs earlier ones.

    `kind` is definition, requirement, admitted (`name` is the stage, or empty for all) or opens (`name` is the stage).
    """

    kind: str
    entity: str
    name: str


@dataclass(frozen=True, slots=True)
class SourceDocument:
    name: str
    title: Texts
    text: str | None
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Act:
    """An amending act that has been applied."""

    id: str
    title: Texts
    date: str


@dataclass(frozen=True, slots=True)
class RankingPlan:
    """The ranking section, checked and kept for the command that ranks."""

    among: str | None
    order_by: tuple[tuple[Expr, bool], ...]
    exclusive_record: str | None
    exclusive_key: Expr | None
    keep: tuple[tuple[Expr, bool], ...]
    words_by: dict[str, tuple[str | None, dict[str, tuple[str, ...]]]]
    """`counts`, `struck_from`, `order`, `recheck`, `when_short`: the reading that chooses, and the words by option."""
    budget: Expr | None
    pots: tuple[tuple[str, Expr, Expr], ...]
    award: Expr | None
    gives_award: str | None
    """The fact of the root that the award becomes."""
    gives_struck: str | None
    """The fact of the exclusive record that says whether it was struck."""
    gives_part: str | None
    """The definition of the exclusive record that is its part of the award."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A checked policy."""

    id: str
    title: Texts
    issuer: Texts | None
    manager: Texts | None
    root: str
    conventions: Conventions
    money_rounding_by: tuple[str, dict[str, str]] | None
    documents: dict[str, SourceDocument]
    entities: dict[str, Entity]
    stages: tuple[Stage, ...]
    parameters: dict[str, ParameterDeclaration]
    readings: dict[str, ReadingDeclaration]
    definitions: dict[tuple[str, str], Definition]
    requirements: dict[str, Requirement]
    steps: tuple[Step, ...]
    results: tuple[Result, ...]
    deadlines: tuple[Deadline, ...]
    ranking: RankingPlan | None
    digest: str
    """Over the canonical text; put in by the pipeline, which has the text."""
    brackets: tuple[tuple[Brackets, Span], ...] = ()
    acts: tuple[Act, ...] = ()
    reach: Expr | None = None
    """The condition under which the last amendment reaches an application."""

    def stage_index(self, name: str) -> int:
        return next(i for i, s in enumerate(self.stages) if s.name == name)

    def depth(self, entity: str) -> int:
        """How many owners stand above an entity's records."""
        depth, current = 0, self.entities[entity]
        while current.owner is not None:
            depth, current = depth + 1, self.entities[current.owner]
        return depth

    def root_names(self) -> list[str]:
        """Entities from the root down, each after its owner."""
        return sorted(self.entities, key=lambda e: (self.depth(e), e))


_PARTS: dict[str, tuple[str, ...]] = {}
"""The fields of each kind of node that may hold expressions."""


def children(node: Expr) -> Iterator[Expr]:
    """The expressions directly inside a node."""
    kind = type(node).__name__
    if kind not in _PARTS:
        _PARTS[kind] = tuple(name for name in node.__match_args__ if name not in ("span", "type"))
    for name in _PARTS[kind]:
        value = getattr(node, name)
        if isinstance(value, Node):
            yield value  # type: ignore[misc]
        elif isinstance(value, tuple):
            for part in value:
                yield from _inside(part)


def _inside(part: object) -> Iterator[Expr]:
    match part:
        case Node():
            yield part  # type: ignore[misc]
        case Branch(when=when, value=value):
            yield when
            yield value
        case Bracket(to=to, amount=amount):
            if to is not None:
                yield to
            yield amount
        case (str(), Node() as value):
            yield value  # type: ignore[misc]


def walk(node: Expr) -> Iterator[Expr]:
    """A node and all nodes inside it, outermost first."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(list(children(current))))
