"""Expressions of any type for a place in a policy, drawn from the table of operations and from what the language has besides.

`Writer.expr(type, scope, depth)` gives the text of an expression. Operations come from `language.library.OPERATIONS` alone: a row that is
added there is written here from then on. What else the language has (lists, branches, tables, references, parts of records) is in the
methods named in `Writer.FORMS`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

from bandolo.language.library import OPERATIONS, Operation, Signature
from bandolo.language.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    DAYS,
    DURATION,
    INTEGER,
    MONEY,
    MONTHS,
    NUMBER,
    ORDERED,
    PERCENT,
    QUANTITIES,
    ROUNDING,
    TEXT,
    ChoiceType,
    DurationType,
    ListType,
    OptionalType,
    RecordType,
    Type,
)
from differential.literals import COLOUR, SIMPLE, SIZE, literal


@dataclass(frozen=True)
class Named:
    """A fact or definition: its name, type, and the moments at which a fact is asked."""

    name: str
    type: Type
    asked: tuple[str, ...] = ()
    early: bool = True
    """Whether it looks at nothing that depends on who is excluded."""


@dataclass
class Kind:
    """An entity: its owner, the list that holds it, and what may be named of its records so far."""

    name: str
    owner: str | None
    listed_in: str
    fields: list[Named] = field(default_factory=list)
    requirements: list[tuple[str, bool]] = field(default_factory=list)
    """Names of requirements that `met` may ask for, each with whether it is early."""


@dataclass(frozen=True)
class Scope:
    """Where an expression stands: the record spoken of, the lists gone through, what tests have shown not to be none."""

    entity: str | None
    early: bool = True
    bound: tuple[tuple[str, str], ...] = ()
    """Prefix (`""` or `p1.`) and entity of each list gone through, the innermost first."""
    shown: frozenset[str] = frozenset()
    knows: bool = False
    arguments: tuple[tuple[str, Type], ...] = ()
    """Of a formula."""


@dataclass
class World:
    """What the policy has so far, for expressions to speak of."""

    kinds: dict[str, Kind]
    root: str
    stages: list[str]
    parameters: dict[str, Type] = field(default_factory=dict)
    dated: dict[str, Type] = field(default_factory=dict)
    defaulted: dict[str, Type] = field(default_factory=dict)
    rates: dict[str, tuple[tuple[ChoiceType, ...], Type]] = field(default_factory=dict)
    bands: dict[str, tuple[Type, Type]] = field(default_factory=dict)
    formulas: dict[str, tuple[tuple[Type, ...], Type]] = field(default_factory=dict)
    readings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    deadlines: list[Named] = field(default_factory=list)
    scores: list[str] = field(default_factory=list)
    working_days: bool = False
    without: frozenset[str] = frozenset()
    """Operations and forms that are left out."""

    def owners(self, entity: str) -> Iterator[str]:
        while (above := self.kinds[entity].owner) is not None:
            yield above
            entity = above

    def listed(self, entity: str) -> list[Kind]:
        return [k for k in self.kinds.values() if k.owner == entity]


Row = tuple[Operation, Signature, tuple[tuple[str, Type], ...]]


@cache
def rows_giving(wanted: Type) -> tuple[Row, ...]:
    """The rows of the table, each with a signature and what its variables stand for, whose result may stand where a type is wanted."""
    found: list[Row] = []
    for row in OPERATIONS:
        for signature in row.parsed:
            gives = signature.gives
            if gives in ("T", "V"):
                if gives == "V" or wanted in ORDERED:
                    found.append((row, signature, ((gives, wanted),)))
            elif gives == wanted or (wanted == NUMBER and gives in QUANTITIES) or (wanted == DURATION and isinstance(gives, DurationType)):
                found.append((row, signature, ()))
    return tuple(found)


def labelled(row: Operation, signature: Signature) -> str:
    """What a row of the table with one of its signatures is called in counts."""
    takes = ", ".join(f"list of {p[1]}" if isinstance(p, tuple) else str(p) for p in signature.takes)
    return f"{row.name} ({takes}{', ...' if signature.repeats else ''})"


class Writer:
    """Writes expressions about a world."""

    def __init__(self, world: World, rng: Random) -> None:
        self.world, self.rng = world, rng
        self.count = 0

    def new(self, begin: str) -> str:
        """A name that nothing else has."""
        self.count += 1
        return f"{begin}{self.count}"

    def has(self, name: str) -> bool:
        return name not in self.world.without

    # One expression.

    def expr(self, type_: Type, scope: Scope, depth: int, typed: bool = False) -> str:
        """An expression of a type. `typed`: a word of a choice may stand bare, for its choice is expected there."""
        if isinstance(type_, ListType):
            return self.list_of(type_.item, scope, depth)
        forms = [f for f in self.FORMS if self.has(f)]
        for _ in range(20):
            how = self.rng.random()
            if depth <= 0 or how < 0.2:
                made = self.leaf(type_, scope, typed)
            elif how < 0.68:
                made = self.operation(type_, scope, depth)
            else:
                made = getattr(self, self.rng.choice(forms))(type_, scope, depth, typed)
            if made is not None:
                return str(made)
        return self.leaf(type_, scope, typed) or self._word(type_)

    def _word(self, type_: Type) -> str:
        """An expression of a choice where no other fact of it is at hand: every root has one of each."""
        assert isinstance(type_, ChoiceType), type_
        return f"{self.world.root}.{self.world.root[0]}_{type_.name}"

    def operation(self, type_: Type, scope: Scope, depth: int) -> str | None:
        """One row of the table of operations."""
        rows = [r for r in rows_giving(type_) if self.has(r[0].name) and self.has(r[0].kind)]
        return self.row(*self.rng.choice(rows), scope, depth) if rows else None

    def row(self, row: Operation, signature: Signature, bound: tuple[tuple[str, Type], ...], scope: Scope, depth: int) -> str | None:
        """A row of the table with arguments."""
        if row.name == "working_day" and not self.world.working_days:
            return None
        bindings = dict(bound)
        takes = [*signature.takes]
        if signature.repeats:
            takes += [takes[-1]] * self.rng.choice([0, 0, 1])
        written = []
        for at, pattern in enumerate(takes):
            if row.name == "^" and at == 1:
                written.append(self.rng.choice(["0", "1", "2", "2", "3"]))
                continue
            type_ = self._bind(pattern, bindings, scope.entity is None)
            if type_ is None:
                return None
            argument = self._records(scope, depth - 1) if type_ == "records" else self.expr(type_, scope, depth - 1, at > 0)
            if argument is None:
                return None
            written.append(argument)
        return self.spelt(row, written)

    @staticmethod
    def spelt(row: Operation, written: list[str]) -> str:
        """A call of a row as the language writes it."""
        if row.kind == "operator":
            return f"(-{written[0]})" if len(written) == 1 else f"({written[0]} {row.name} {written[1]})"
        name, _, word = row.name.partition(" ")
        return f"{name}({word + ' ' if word else ''}{', '.join(written)})"

    def _bind(self, pattern: Any, bindings: dict[str, Type], bare: bool) -> Any:
        """The type that an argument is wanted of; `records` for a list of records. `bare`: there is no record, so no choice either."""
        if isinstance(pattern, tuple):
            if pattern[1] == "record":
                return "records"
            if pattern[1] == "V" and "V" not in bindings and self.rng.random() < 0.5:
                return "records"
            item = self._bind(pattern[1], bindings, bare)
            return None if item is None else ListType(item)
        if pattern in ("T", "V"):
            if pattern not in bindings:
                some = ORDERED if pattern == "T" else SIMPLE
                bindings[pattern] = self.rng.choice([t for t in some if not (bare and isinstance(t, ChoiceType))])
            return bindings[pattern]
        return pattern

    # What needs nothing but its name.

    def leaf(self, type_: Type, scope: Scope, typed: bool) -> str | None:
        """A fact, a definition, a parameter or a constant."""
        if type_ == ROUNDING:
            return self.rng.choice(ROUNDING.options)
        fits = (
            (NUMBER, INTEGER, PERCENT)
            if type_ == NUMBER and self.rng.random() < 0.5
            else (DURATION, DAYS, MONTHS)
            if type_ == DURATION
            else (type_,)
        )
        named = [text for text, of in self.named(scope) if of in fits]
        constant = not isinstance(type_, ChoiceType) or typed
        if named and (not constant or self.rng.random() < 0.75):
            return self.rng.choice(named)
        return literal(type_, self.rng) if constant else None

    def named(self, scope: Scope) -> Iterator[tuple[str, Type]]:
        """What a place may name, with its type."""
        world = self.world
        yield from scope.arguments
        for prefix, entity in self.records(scope):
            yield from self._fields(prefix, entity, scope)
        for name, type_ in world.parameters.items():
            yield (name if self.rng.random() < 0.9 else f"parameter.{name}"), type_
        if scope.entity is not None:
            yield from world.defaulted.items()
            for deadline in world.deadlines:
                text = f"deadline.{deadline.name}"
                if deadline.early or not scope.early:
                    yield from self._tested(text, deadline.type, scope)
            if not scope.early:
                yield from ((name, NUMBER) for name in world.scores if name.startswith("bonus.") or scope.entity == world.root)
            if self.has("as_of"):
                yield "as_of", DATETIME

    def records(self, scope: Scope) -> list[tuple[str, str]]:
        """The records that a place may speak of: how a name of theirs begins, and their entity."""
        if scope.entity is None:
            return []
        found = list(scope.bound)
        hidden = any(entity == scope.entity for _, entity in scope.bound)
        found.append(("this." if hidden else "", scope.entity))
        found += [(f"{owner}.", owner) for owner in self.world.owners(scope.entity)]
        return found

    def _fields(self, prefix: str, entity: str, scope: Scope) -> Iterator[tuple[str, Type]]:
        kind = self.world.kinds[entity]
        for one in kind.fields:
            if scope.early and not one.early:
                continue
            if one.asked:
                stage = self.rng.choice(one.asked)
                yield from self._tested(f"({prefix}{one.name} at {stage})", one.type, scope)
            elif isinstance(one.type, RecordType):
                yield from self._followed(f"{prefix}{one.name}", one.type.entity)
            elif isinstance(one.type, OptionalType) and isinstance(one.type.of, RecordType):
                if f"{prefix}{one.name}" in scope.shown:
                    yield from self._followed(f"{prefix}{one.name}", one.type.of.entity)
            else:
                yield from self._tested(f"{prefix}{one.name}", one.type, scope)
        if kind.owner is not None and not scope.early:
            yield f"{prefix}admitted", BOOLEAN
            if len(self.world.stages) > 1:
                yield f"({prefix}admitted at {self.rng.choice(self.world.stages)})", BOOLEAN
        if prefix in ("", "this.") and ((scope.bound and scope.bound[0] == (prefix, entity)) or not scope.bound):
            yield from ((f"met({name})", BOOLEAN) for name, early in kind.requirements if early or not scope.early)

    @staticmethod
    def _tested(text: str, type_: Type, scope: Scope) -> Iterator[tuple[str, Type]]:
        if not isinstance(type_, OptionalType):
            yield text, type_
        elif text in scope.shown:
            yield text, type_.of

    def _followed(self, text: str, entity: str) -> Iterator[tuple[str, Type]]:
        for one in self.world.kinds[entity].fields:
            if not one.asked and one.name.startswith(entity[0] + "_") and not isinstance(one.type, OptionalType | RecordType | ListType):
                yield f"{text}.{one.name}", one.type

    def optional(self, scope: Scope) -> list[str]:
        """What may be none here and has not been tested."""
        found = []
        for prefix, entity in self.records(scope):
            for one in self.world.kinds[entity].fields:
                if isinstance(one.type, OptionalType) and not one.asked and (one.early or not scope.early):
                    found.append(f"{prefix}{one.name}")
        if scope.entity is not None:
            found += [
                f"deadline.{d.name}" for d in self.world.deadlines if isinstance(d.type, OptionalType) and (d.early or not scope.early)
            ]
        return [text for text in found if text not in scope.shown]

    # What the language has besides the table: each gives None where it has nothing of the type.

    def branch(self, type_: Type, scope: Scope, depth: int, typed: bool) -> str | None:
        test = self.expr(BOOLEAN, scope, depth - 1)
        return f"(if {test} then {self.expr(type_, scope, depth - 1, typed)} else {self.expr(type_, scope, depth - 1, typed)})"

    def tested(self, type_: Type, scope: Scope, depth: int, typed: bool) -> str | None:
        """An optional value, tested in one of the ways that count."""
        if not (options := self.optional(scope)):
            return None
        name = self.rng.choice(options)
        inner = dataclasses.replace(scope, shown=scope.shown | {name})
        if type_ == BOOLEAN and self.rng.random() < 0.7:
            known, other = self.expr(BOOLEAN, inner, depth - 1), self.expr(BOOLEAN, scope, depth - 2)
            return self.rng.choice([
                f"({name} is not none and {known})", f"({name} is none or {known})", f"({name} is none)", f"({name} is not none)",
                f"({other} and {name} is not none and {known})", f"(not ({name} is none) and {known})",
            ])  # fmt: skip
        some, none = self.expr(type_, inner, depth - 1, typed), self.expr(type_, scope, depth - 1, typed)
        if self.rng.random() < 0.5:
            return f"(if {name} is none then {none} else {some})"
        return f"(if {name} is not none then {some} else {none})"

    def logic(self, type_: Type, scope: Scope, depth: int, typed: bool) -> str | None:  # noqa: ARG002
        if type_ != BOOLEAN:
            return None
        if self.rng.random() < 0.25:
            return f"(not {self.expr(BOOLEAN, scope, depth - 1)})"
        parts = [self.expr(BOOLEAN, scope, depth - 1) for _ in range(self.rng.choice([2, 2, 3]))]
        return f"({self.rng.choice([' and ', ' or ']).join(parts)})"

    def between(self, type_: Type, scope: Scope, depth: int, typed: bool) -> str | None:  # noqa: ARG002
        if type_ != BOOLEAN:
            return None
        of = self.rng.choice(ORDERED)
        value, low, high = (self.expr(of, scope, depth - 1) for _ in range(3))
        return f"({value} between {low} and {high})"

    def one_of(self, type_: Type, scope: Scope, depth: int, typed: bool) -> str | None:  # noqa: ARG002
        """A word among words, which the table's `in` writes with lists of any making."""
        if type_ != BOOLEAN:
            return None
        of = self.rng.choice([TEXT, INTEGER] if scope.entity is None else [COLOUR, SIZE, TEXT, INTEGER])
        options = "[]" if self.rng.random() < 0.05 else literal(ListType(of), self.rng)
        return f"({self.expr(of, scope, 0)} {self.rng.choice(['in', 'not in'])} {options})"

    def reading(self, type_: Type, scope: Scope, depth: int, typed: bool) -> str | None:  # noqa: ARG002
        if type_ != BOOLEAN or not self.world.readings:
            return None
        name = self.rng.choice(sorted(self.world.readings))
        return f"(reading.{name} {self.rng.choice(['=', '!='])} {self.rng.choice(self.world.readings[name])})"

    def rate(self, type_: Type, scope: Scope, depth: int, typed: bool) -> str | None:  # noqa: ARG002
        found = [n for n, (_, gives) in self.world.rates.items() if gives == type_ or (type_ == NUMBER and gives in QUANTITIES)]
        if not found:
            return None
        name = self.rng.choice(found)
        return name + "".join(f"[{self.expr(choice, scope, depth - 1, True)}]" for choice in self.world.rates[name][0])

    def band(self, type_: Type, scope: Scope, depth: int, typed: bool) -> str | None:  # noqa: ARG002
        found = [n for n, (_, gives) in self.world.bands.items() if gives == type_ or (type_ == NUMBER and gives in QUANTITIES)]
        if not found:
            return None
        name = self.rng.choice(found)
        return f"{name}({self.expr(self.world.bands[name][0], scope, depth - 1)})"

    def formula(self, type_: Type, scope: Scope, depth: int, typed: bool) -> str | None:  # noqa: ARG002
        found = [n for n, (_, gives) in self.world.formulas.items() if gives == type_]
        if not found:
            return None
        name = self.rng.choice(found)
        return f"{name}({', '.join(self.expr(t, scope, depth - 1, True) for t in self.world.formulas[name][0])})"

    def dated(self, type_: Type, scope: Scope, depth: int, typed: bool) -> str | None:  # noqa: ARG002
        found = [n for n, gives in self.world.dated.items() if gives == type_]
        if not found:
            return None
        day = self.expr(self.rng.choice([DATE, DATETIME]), scope, depth - 1)
        return f"({self.rng.choice(found)} at ({day}))"

    def share(self, type_: Type, scope: Scope, depth: int, typed: bool) -> str | None:  # noqa: ARG002
        if type_ != MONEY or scope.entity is None or scope.bound or self.world.kinds[scope.entity].owner is None:
            return None
        kind = self.world.kinds[scope.entity]
        above = Scope(kind.owner, scope.early)
        total = self.expr(MONEY, above, depth - 1)
        if self.rng.random() < 0.8:
            total = f"abs({total})"
        inner = dataclasses.replace(above, bound=(("", kind.name),))
        listed = kind.listed_in
        if self.rng.random() < 0.6:
            listed = f"{listed} where {self.expr(BOOLEAN, inner, depth - 2)}"
        weight = f"abs({self.expr(self.rng.choice([MONEY, NUMBER]), inner, depth - 1)})"
        key = [f.name for f in kind.fields if f.name.endswith("_id")]
        ties = self.rng.choice([*key, self.expr(self.rng.choice([INTEGER, TEXT, DATE]), inner, 0)])
        return f"(share of ({total}) by {weight} among {listed} ties {ties})"

    def nested(self, type_: Type, scope: Scope, depth: int, typed: bool) -> str | None:  # noqa: ARG002
        """A record of a list compared with the others of the same list."""
        lists = self.lists(scope)
        if type_ not in (BOOLEAN, INTEGER) or not lists or depth < 2:
            return None
        text, entity = self.rng.choice(lists)
        p, q = self.new("p"), self.new("q")
        fields = [o.name for o in self.world.kinds[entity].fields if o.type in ORDERED and not o.asked and o.early]
        if not fields:
            return None
        name, sign = self.rng.choice(fields), self.rng.choice(["<", "<=", ">", ">=", "=", "!="])
        inner = dataclasses.replace(scope, bound=((f"{q}.", entity), (f"{p}.", entity), *scope.bound))
        test = f"{p}.{name} {sign} {q}.{name}"
        if self.rng.random() < 0.5:
            test = f"{test} and {self.expr(BOOLEAN, inner, depth - 2)}"
        made = f"({text} as {p} where any({text} as {q} where {test}))"
        return f"{'any' if type_ == BOOLEAN else 'count'}({made})"

    def known(self, type_: Type, scope: Scope, depth: int, typed: bool) -> str | None:  # noqa: ARG002
        if type_ != BOOLEAN or not scope.knows:
            return None
        return f"({self.expr(self.rng.choice([MONEY, DATE, BOOLEAN]), scope, 0)} {self.rng.choice(['is known', 'is not known'])})"

    FORMS: tuple[str, ...] = (
        "branch", "tested", "logic", "between", "one_of", "reading", "rate", "band", "formula", "dated", "share", "nested", "known",
    )  # fmt: skip

    # Lists.

    def lists(self, scope: Scope) -> list[tuple[str, str]]:
        """Lists of records that a place may name, with their entity."""
        found = []
        for prefix, entity in self.records(scope):
            for kind in self.world.listed(entity):
                found.append((f"{prefix}{kind.listed_in}", kind.name))
            for one in self.world.kinds[entity].fields:
                listed = one.type.item if isinstance(one.type, ListType) else None
                if isinstance(listed, RecordType) and (one.early or not scope.early):
                    found.append((f"{prefix}{one.name}", listed.entity))
        return found

    def _records(self, scope: Scope, depth: int) -> str | None:
        made = self.records_list(scope, depth)
        return made[0] if made is not None else None

    def records_list(self, scope: Scope, depth: int) -> tuple[str, str, Scope] | None:
        """A list of records, their entity, and the scope of an expression about each."""
        lists = self.lists(scope)
        if not lists:
            return None
        text, entity = self.rng.choice(lists)
        deeper = self.world.listed(entity)
        if deeper and self.rng.random() < 0.3 and self.has("flatten"):
            inner, _ = self.bind(scope, entity)
            kind = self.rng.choice(deeper)
            if inner.bound[0][0] == "":
                text, entity = f"({kind.listed_in} of {text})", kind.name
        inner, alias = self.bind(scope, entity)
        if alias:
            text = f"{text} as {alias}"
        if depth >= 0 and self.rng.random() < 0.6:
            options = self.optional(inner)
            mine = [o for o in options if o.startswith(inner.bound[0][0]) and o.removeprefix(inner.bound[0][0]).startswith(entity[0] + "_")]
            if mine and self.rng.random() < 0.4:
                name = self.rng.choice(mine)
                inner = dataclasses.replace(inner, shown=inner.shown | {name})
                text = f"{text} where {name} is not none and {self.expr(BOOLEAN, inner, depth - 1)}"
            else:
                text = f"{text} where {self.expr(BOOLEAN, inner, depth - 1)}"
        return f"({text})", entity, inner

    def bind(self, scope: Scope, entity: str) -> tuple[Scope, str]:
        """The scope inside a list of an entity, and the name that its records must or may be given."""
        seen = any(e == entity for _, e in scope.bound) or entity == scope.entity
        alias = self.new("p") if seen or self.rng.random() < 0.15 else ""
        return dataclasses.replace(scope, bound=((f"{alias}." if alias else "", entity), *scope.bound)), alias

    def list_of(self, item: Type, scope: Scope, depth: int) -> str:
        """A list of values of a type."""
        how = self.rng.random()
        named = [text for text, of in self.named(scope) if isinstance(of, ListType) and of.item == item]
        if named and how < 0.3:
            return self.rng.choice(named)
        if how < 0.85 and (found := self.records_list(scope, depth - 1)) is not None:
            text, _, inner = found
            body = self.expr(item, inner, depth - 1)
            if not (isinstance(item, ChoiceType) and body in item.options):
                return f"({body} of {text[1:-1]})"
        items = [self.expr(item, scope, min(depth - 1, 1), i > 0) for i in range(self.rng.choice([1, 2, 3]))]
        made = f"[{', '.join(items)}]"
        if item in ORDERED and self.rng.random() < 0.25 and self.has("filtered values"):
            alias = self.new("v")
            made = f"({made} as {alias} where {alias} {self.rng.choice(['>', '<=', '!='])} {self.expr(item, scope, 0)})"
        return made
