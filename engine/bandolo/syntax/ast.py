"""The policy as written: expression nodes, named as the grammar's productions, and the sections of the file, each with its place.

Spans never take part in equality: two texts that mean the same tree are equal trees.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from bandolo.records import dataclass, field
from bandolo.source import Span

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Node:
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class IfThenElse(Node):
    """`if test then yes else no`"""

    test: Expr
    yes: Expr
    no: Expr


@dataclass(frozen=True, slots=True)
class Of(Node):
    """`item of list`"""

    item: Expr
    list: Expr


@dataclass(frozen=True, slots=True)
class Where(Node):
    """`list where condition`"""

    list: Expr
    condition: Expr


@dataclass(frozen=True, slots=True)
class Named(Node):
    """`list as name`"""

    list: Expr
    name: str


@dataclass(frozen=True, slots=True)
class Either(Node):
    """`a or b or c`"""

    parts: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Both(Node):
    """`a and b and c`"""

    parts: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Negate(Node):
    """`not x`"""

    value: Expr


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """`a <= b`; more than one operator is a chain, which the checker refuses."""

    first: Expr
    rest: tuple[tuple[str, Expr], ...]


@dataclass(frozen=True, slots=True)
class Contained(Node):
    """`x in list`, `x not in list`"""

    value: Expr
    list: Expr
    negated: bool


@dataclass(frozen=True, slots=True)
class Between(Node):
    """`x between low and high`, both ends included"""

    value: Expr
    low: Expr
    high: Expr


@dataclass(frozen=True, slots=True)
class IsNone(Node):
    """`x is none`, `x is not none`"""

    value: Expr
    negated: bool


@dataclass(frozen=True, slots=True)
class IsKnown(Node):
    """`x is known`, `x is not known`"""

    value: Expr
    negated: bool


@dataclass(frozen=True, slots=True)
class Chain(Node):
    """`a + b - c`, `a * b / c`: read from left to right"""

    first: Expr
    rest: tuple[tuple[str, Expr], ...]


@dataclass(frozen=True, slots=True)
class Minus(Node):
    """`-x`"""

    value: Expr


@dataclass(frozen=True, slots=True)
class Power(Node):
    """`x ^ 2`"""

    value: Expr
    exponent: str


@dataclass(frozen=True, slots=True)
class At(Node):
    """`limit at paid_on`, `active_site at payment`"""

    value: Expr
    moment: Expr


@dataclass(frozen=True, slots=True)
class MemberOf(Node):
    """`project.costs`"""

    value: Expr
    name: str
    name_span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Lookup(Node):
    """`aid_intensity[size]`"""

    value: Expr
    key: Expr


@dataclass(frozen=True, slots=True)
class Name(Node):
    name: str


@dataclass(frozen=True, slots=True)
class This(Node):
    """`this`: the record that a definition or requirement speaks of"""


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A literal by its kind (number, percent, money, instant, date, duration, text, true, false, none) and its text."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class ListOf(Node):
    """`[a, b]`"""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`name(a, b)`, and `name(distinct a)`"""

    name: str
    arguments: tuple[Expr, ...]
    distinct: bool
    name_span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Share(Node):
    """`share of total by weight among list ties key`"""

    total: Expr
    weight: Expr
    among: Expr
    ties: Expr


@dataclass(frozen=True, slots=True)
class Hole(Node):
    """What stands where the text could not be read; the mistake is already reported."""


Expr = (
    IfThenElse | Of | Where | Named | Either | Both | Negate | Compare | Contained | Between | IsNone | IsKnown | Chain | Minus
    | Power | At | MemberOf | Lookup | Name | This | Literal | ListOf | Call | Share | Hole
)  # fmt: skip


# The sections of a policy file. Free texts are `Text`, a value that a reading chooses is `ByReading`.


@dataclass(frozen=True, slots=True)
class Text(Node):
    """A text for people, in one language or both."""

    it: str | None
    en: str | None

    def said(self, lang: str) -> str:
        first, second = (self.it, self.en) if lang == "it" else (self.en, self.it)
        return first or second or ""


@dataclass(frozen=True, slots=True)
class Template(Node):
    """A message: literal pieces and expressions in braces, by language."""

    pieces: dict[str, tuple[str | Expr, ...]]


@dataclass(frozen=True, slots=True)
class Quote(Node):
    """A verbatim quote from a source document."""

    document: str
    quote: str
    document_span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Ident(Node):
    """A name or word with its place."""

    name: str


@dataclass(frozen=True, slots=True)
class Common:
    """What any entry may say of itself for people."""

    label: Text | None = None
    note: Text | None = None
    sources: tuple[Quote, ...] = ()


@dataclass(frozen=True, slots=True)
class ByReading(Node, Generic[T]):
    """One of several alternatives, by the chosen option of a reading: `{by: reading.x, option: alternative}`."""

    reading: Expr
    options: dict[str, tuple[Ident, T]]


@dataclass(frozen=True, slots=True)
class Round(Node):
    """`{down: 0.01 EUR}`"""

    direction: Ident
    step: Expr


@dataclass(frozen=True, slots=True)
class Alternative(Node):
    """One exception of a value: `{when: condition, value: expression}`."""

    when: Expr
    value: Expr
    common: Common


@dataclass(frozen=True, slots=True)
class Formed(Node):
    """How a definition gets its value: an expression, or one expression for each word of `by`; then exceptions, then rounding."""

    value: Expr | None
    by: Expr | None
    options: dict[str, tuple[Ident, Expr]]
    otherwise: Expr | None
    exceptions: tuple[Alternative, ...]
    round: Round | ByReading[Round] | None


@dataclass(frozen=True, slots=True)
class Definition(Node):
    name: Ident
    type: Ident | None
    formed: Formed
    common: Common


@dataclass(frozen=True, slots=True)
class Fact(Node):
    name: Ident
    type: Ident
    key: bool
    optional: bool
    asked: tuple[Ident, ...]
    low: Expr | None
    high: Expr | None
    at_most: Expr | None
    by: Text | None
    common: Common


@dataclass(frozen=True, slots=True)
class Entity(Node):
    name: Ident
    facts: tuple[Fact, ...]
    shown_as: Ident | None
    common: Common


@dataclass(frozen=True, slots=True)
class Version(Node):
    start: Expr | None
    end: Expr | None
    value: Expr
    sources: tuple[Quote, ...]


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    name: Ident
    type: Ident | None
    value: Expr | None
    versions: tuple[Version, ...]
    default_date: Expr | None
    pending: Text | None
    must_be: Expr | None
    assume: Expr | None
    common: Common


@dataclass(frozen=True, slots=True)
class Rate(Node):
    """A table of values by one or more choices: nested mappings, one level a key."""

    name: Ident
    by: tuple[Ident, ...]
    type: Ident | None
    values: RateRows
    otherwise: Expr | None
    common: Common


@dataclass(frozen=True, slots=True)
class RateRows(Node):
    rows: dict[str, tuple[Ident, RateRows | Expr]]


@dataclass(frozen=True, slots=True)
class Step(Node):
    """One bracket, up to and including `to`; `rate` applies to the part inside it, `value` to the whole."""

    start: Expr | None
    to: Expr
    rate: Expr | None
    value: Expr | None


@dataclass(frozen=True, slots=True)
class Bands(Node):
    name: Ident
    of: Ident
    steps: tuple[Step, ...]
    above: Expr
    common: Common


@dataclass(frozen=True, slots=True)
class Reading(Node):
    name: Ident
    question: Text
    options: tuple[tuple[Ident, Text], ...]
    chosen: Ident | None
    common: Common


@dataclass(frozen=True, slots=True)
class Formula(Node):
    name: Ident
    takes: tuple[tuple[Ident, Ident], ...]
    value: Expr
    common: Common


@dataclass(frozen=True, slots=True)
class Stage(Node):
    name: Ident
    opens: Expr | None
    common: Common


@dataclass(frozen=True, slots=True)
class Effect(Node):
    """What a failure does; `cure` and `cure_from` only with `suspend`."""

    word: Ident
    cure: Expr | None = None
    cure_from: Expr | None = None


@dataclass(frozen=True, slots=True)
class Requirement(Node):
    name: Ident
    stage: Ident | None
    applies: Expr | None
    check: Expr
    effect: Effect | ByReading[Effect]
    message: Template | None
    common: Common


@dataclass(frozen=True, slots=True)
class Bonus(Node):
    name: Ident
    when: Expr
    points: Expr
    common: Common


@dataclass(frozen=True, slots=True)
class Scoring(Node):
    stage: Ident | None
    base: Expr
    minimum: Expr | None
    at_most: Expr | None
    bonuses: tuple[Bonus, ...]
    common: Common


@dataclass(frozen=True, slots=True)
class Deadline(Node):
    name: Ident
    at: Expr | None
    after: Expr | None
    start: Expr | None
    roll: Ident | ByReading[Ident] | None
    of: Ident | None
    common: Common


@dataclass(frozen=True, slots=True)
class ResultName(Node):
    """`grant`, or `partner.grant`"""

    entity: str | None
    name: str


@dataclass(frozen=True, slots=True)
class OrderKey(Node):
    value: Expr
    descending: bool


@dataclass(frozen=True, slots=True)
class Exclusive(Node):
    """One record, one application: which records, known by which key, and which application keeps them."""

    record: Ident
    key: Expr
    keep: tuple[OrderKey, ...]
    counts: Ident | ByReading[Ident] | None
    struck_from: Ident | ByReading[Ident] | None
    order: Ident | ByReading[Ident] | None
    recheck: tuple[Ident, ...] | ByReading[tuple[Ident, ...]] | None


@dataclass(frozen=True, slots=True)
class Pot(Node):
    name: Ident
    amount: Expr
    award: Expr


@dataclass(frozen=True, slots=True)
class Ranking(Node):
    """Kept for the ranking of all applications; its names and types are checked now."""

    among: Ident | None
    order_by: tuple[OrderKey, ...]
    exclusive: Exclusive | None
    budget: Expr | None
    pots: tuple[Pot, ...]
    award: Expr | None
    when_short: Ident | ByReading[Ident] | None
    gives_award: Ident | None
    gives_struck: Ident | None
    gives_part: Ident | None
    common: Common


@dataclass(frozen=True, slots=True)
class Document(Node):
    """A source: its title, and where its text and the list of its norms lie, relative to the policy file."""

    name: Ident
    title: Text
    text: Ident | None
    norms: Ident | None


@dataclass(frozen=True, slots=True)
class Choice(Node):
    """A list of words, each with its label where it has one; not `readable` where one of them could not be read."""

    name: Ident
    options: tuple[tuple[Ident, Text | None], ...]
    readable: bool


@dataclass(frozen=True, slots=True)
class Unencoded(Node):
    quotes: tuple[Quote, ...]
    because: Ident
    note: Text | None


@dataclass(frozen=True, slots=True)
class Head(Node):
    """The `policy:` section."""

    id: Ident | None
    title: Text | None
    issuer: Text | None
    manager: Text | None
    decides: Ident | None
    currency: Ident | None
    time_zone: Ident | None
    money_rounding: Ident | ByReading[Ident] | None
    month_rounding: Ident | None
    working_days: tuple[Ident, Ident | None] | None


@dataclass(frozen=True, slots=True)
class PolicyDoc(Node):
    """A whole policy file, as written."""

    head: Head
    documents: tuple[Document, ...]
    choices: tuple[Choice, ...]
    stages: tuple[Stage, ...]
    entities: tuple[Entity, ...]
    parameters: tuple[Parameter, ...]
    rates: tuple[Rate, ...]
    bands: tuple[Bands, ...]
    readings: tuple[Reading, ...]
    formulas: tuple[Formula, ...]
    definitions: tuple[tuple[Ident, tuple[Definition, ...]], ...]
    requirements: tuple[tuple[Ident, tuple[Requirement, ...]], ...]
    scoring: Scoring | None
    deadlines: tuple[Deadline, ...]
    results: tuple[ResultName, ...]
    ranking: Ranking | None
    unencoded: tuple[Unencoded, ...]
    stages_readable: bool
