"""Code that reads an application, however incomplete, from plain dicts into the records of a program.

What is absent becomes a gap with the bounds of its declaration. Whatever is not plainly in order raises one of `NOT_COMPLETE`: then
`evaluate/inputs.py` reads it again, and says what is wrong. Nothing is judged here.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any

from bandolo import limits
from bandolo.check import core
from bandolo.evaluate.data import Digits, Plain
from bandolo.evaluate.settle import Settled
from bandolo.evaluate.typed import BadValue, read_value
from bandolo.language.functions import Conventions
from bandolo.language.types import BOOLEAN, INTEGER, MONEY, TEXT, ChoiceType, ListType, OptionalType, RecordType, Type
from bandolo.language.values import Bound, Value, is_known
from bandolo.plan.bridge import Paths
from bandolo.plan.canonical import Spelling, spelling
from bandolo.plan.codes import Names
from bandolo.plan.intake import quickly
from bandolo.plan.kinds import Kind, Open, freeze, kind_of_fact
from bandolo.plan.quote import code, lines, literal, name, text
from bandolo.plan.records import PlannedRecord
from bandolo.plan.unknowns import Gap

KEPT = 4096
"""So many texts of a type are kept with what they say: a form is decided again and again while it is filled in."""
LONG = 64
NULLS = ("none", "null", "~", "")
Layout = dict[tuple[str, str | None], tuple[Kind, str]]
Read = Callable[[Any, Paths], dict[str, list[PlannedRecord]]]


class Intake:
    """One application being read."""

    __slots__ = ("paths", "records", "references")

    def __init__(self, entities: list[str], paths: Paths) -> None:
        self.paths = paths
        self.records: dict[str, list[PlannedRecord]] = {entity: [] for entity in entities}
        self.references: list[tuple[PlannedRecord, str, str, str]] = []


def compile_reading(policy: core.Policy, settled: Settled, names: Names, classes: dict[str, type[PlannedRecord]]) -> Read:
    """What reads the applications of a policy."""
    table: dict[str, Any] = {
        "Gap": Gap, "Open": Open, "Plain": Plain, "NULLS": frozenset(NULLS), "new_record": _new, "check_list": _check_list,
        "keys_of": _keys_of, "place_of": _place_of,
    }  # fmt: skip
    writer = _Reading(policy, settled, names, table)
    functions: list[ast.stmt] = [writer.function(entity) for entity in policy.entities.values()]
    for index, name_ in enumerate(policy.entities):
        table[f"class{index}"] = classes[name_]
        places = _layout(policy, names, name_)
        table[f"layout{index}"] = places, spelling(places)
    tree = ast.fix_missing_locations(ast.Module(functions, []))
    exec(compile(tree, f"<bandolo {policy.digest[:19]} reading>", "exec"), table)  # only code written here
    root, entities = policy.root, list(policy.entities)
    read_root = table[f"read{entities.index(root)}"]
    make, layout = classes[root], table[f"layout{entities.index(root)}"]

    def read(data: Any, paths: Paths) -> dict[str, list[PlannedRecord]]:
        if data.__class__ is not dict:
            raise Open
        intake = Intake(entities, paths)
        read_root(intake, data, _new(make, layout, intake, root, None, None))
        if sum(map(len, intake.records.values())) - 1 > limits.RECORDS:
            raise Open
        if intake.references:
            _refer(intake)
        return intake.records

    return read


def _new(
    made: type[PlannedRecord],
    layout: tuple[Layout, Spelling],
    intake: Intake,
    path: str,
    key: str | None,
    owner: Any,
) -> PlannedRecord:
    record = made.__new__(made)
    record.path, record.key, record.owner = path, key, owner
    record.gaps, record.paths = {}, intake.paths
    record.layout, record.spelling = layout
    return record


def _layout(policy: core.Policy, names: Names, entity: str) -> Layout:
    """Of each fact its form and its slot."""
    facts = policy.entities[entity].facts
    return {(f.name, s): (kind_of_fact(f.type), names.facts[entity, f.name, s]) for f in facts.values() for s in f.asked or (None,)}


def _refer(intake: Intake) -> None:
    """Point references at their records, where only one record has the key."""
    by_key: dict[tuple[str, str], list[PlannedRecord]] = {}
    for entity, records in intake.records.items():
        for record in records:
            if record.key is not None:
                by_key.setdefault((entity, record.key), []).append(record)
    for record, slot, entity, key in intake.references:
        (found,) = by_key.get((entity, key), ()) or _absent()
        setattr(record, slot, found)


def _absent() -> tuple[PlannedRecord, ...]:
    raise Open


def _keys_of(raw: list[dict[str, Any]], fact: str, key: Callable[[Any], str | None], plain: bool) -> list[str | None]:
    """The keys of the records of a list; Open if one is given twice, or cannot stand in a path."""
    found: list[str | None] = []
    for given in raw:
        value = given.get(fact)
        found.append(value if plain and value.__class__ is str else key(value))
    known = [k for k in found if k is not None]
    if len(set(known)) != len(known) or any("[" in k or "]" in k for k in known):
        raise Open
    return found


def _place_of(position: int, keys: list[str | None]) -> str:
    """The position of a record without a key; marked where another record has that very key."""
    return f"#{position}" if str(position) in keys else str(position)


def _check_list(raw: Any, at_most: int) -> None:
    if (raw.__class__ is not list and raw.__class__ is not tuple) or len(raw) > at_most:
        raise Open


class _Reading:
    """Writes the functions that read the records of each entity."""

    def __init__(self, policy: core.Policy, settled: Settled, names: Names, table: dict[str, Any]) -> None:
        self.policy, self.settled, self.names, self.table = policy, settled, names, table
        self.entities = list(policy.entities)
        self._readers: dict[tuple[object, ...], str] = {}

    def function(self, entity: core.Entity) -> ast.FunctionDef:
        """`read(intake, data, record)`: every fact of one record, and the records that it lists."""
        body = lines("intake.records[E].append(r)\nr.entity = E\ncount = 0\ng = r.gaps", E=text(entity.name))
        for fact in entity.facts.values():
            body += self._fact(entity, fact)
        body += lines("if count != len(data): raise Open")
        takes = ast.arguments([], [ast.arg(a) for a in ("intake", "data", "r")], None, [], [], None, [])
        return ast.FunctionDef(f"read{self.entities.index(entity.name)}", takes, body, [])

    def _fact(self, entity: core.Entity, fact: core.FactDeclaration) -> list[ast.stmt]:
        found = lines("v = data.get(F)", F=text(fact.name))
        if not fact.asked:
            return [*found, *self._one(entity, fact, None, "data")]
        # A bare value is what holds at the first stage that asks; the later ones ask anew.
        first, *later = fact.asked
        gaps = [s for stage in later for s in self._gap(entity, fact, stage)]
        bare = [*self._one(entity, fact, first, "data"), *gaps]
        by_stage = lines("m = v\nall_ = count + 1\ncount = 0")
        for stage in fact.asked:
            by_stage += [*lines("v = m.get(S)", S=text(stage)), *self._one(entity, fact, stage, "m")]
        by_stage += lines("if count != len(m): raise Open\ncount = all_")
        return [*found, ast.If(code("v.__class__ is dict"), by_stage, bare)]

    def _one(self, entity: core.Entity, fact: core.FactDeclaration, stage: str | None, source: str) -> list[ast.stmt]:
        """Reads `v`, a fact at one stage, from a dict in which it may stand as null or not at all."""
        slot = self.names.facts[entity.name, fact.name, stage]
        gap = self._gap(entity, fact, stage)
        there = [*self._value(entity, fact, slot), *lines("count += 1")]
        within = code("F in D", F=text(fact.name if stage is None or source == "data" else stage), D=source)
        if not fact.optional:
            return [ast.If(code("v is not None"), there, [*gap, ast.If(within, lines("count += 1"), [])])]
        none = lines("r.S = None\ncount += 1", S=slot)
        null = ast.If(code("v.__class__ is Plain and v in NULLS"), none, there)
        return [ast.If(code("v is not None"), [null], [ast.If(within, none, gap)])]

    def _gap(self, entity: core.Entity, fact: core.FactDeclaration, stage: str | None) -> list[ast.stmt]:
        """What stands for a fact that is not there: as `evaluate/inputs.py` says."""
        slot = self.names.facts[entity.name, fact.name, stage]
        type_ = fact.type.of if isinstance(fact.type, OptionalType) else fact.type
        low: Any = None
        high: Any = None
        if isinstance(type_, ListType):
            if fact.at_most == 0:
                return lines("r.S = []", S=slot)
            low, high = 0, fact.at_most if fact.at_most is not None else limits.LIST_LENGTH
        elif not fact.optional:
            low, high = (self._end(fact, bound) for bound in self.settled.ranges[entity.name, fact.name])
        said = fact.name if stage is None else f"{fact.name} at {stage}"
        pieces = {"K": text(slot), "N": text(said), "L": self._constant(low), "H": self._constant(high)}
        return lines("g[K] = Gap(r.paths.lacking(r, N), L, H)", **pieces)

    @staticmethod
    def _end(fact: core.FactDeclaration, bound: Value | None) -> Any:
        """A bound in the form of the fact; one that does not fit leaves the application to the reference."""
        if not isinstance(bound, Bound):
            return None
        return freeze(kind_of_fact(fact.type), bound, _no_record)

    def _constant(self, value: Any) -> ast.expr:
        if value is None or type(value) is int:
            return literal(value)
        named = f"c{len(self.table)}"
        self.table[named] = value
        return name(named)

    def _value(self, entity: core.Entity, fact: core.FactDeclaration, slot: str) -> list[ast.stmt]:
        """Reads `v`, which is there, into its slot."""
        type_ = fact.type.of if isinstance(fact.type, OptionalType) else fact.type
        low, high = self.settled.ranges[entity.name, fact.name]
        if isinstance(type_, ListType):
            most = fact.at_most if fact.at_most is not None else limits.LIST_LENGTH
            check = lines("check_list(v, M)", M=most)
            if isinstance(type_.item, RecordType):
                return [*check, *self._records(entity, fact, self.policy.entities[type_.item.entity], slot)]
            return [*check, *lines("r.S = [R(w) for w in v]", S=slot, R=self._reader(type_.item, low, high))]
        if isinstance(type_, RecordType):
            key = self.policy.entities[type_.entity].key
            if key is None:
                return lines("raise Open")
            return lines("intake.references.append((r, S, E, R(v)))", S=text(slot), E=text(type_.entity), R=self._key(key.type))
        if type_ == BOOLEAN:
            return lines("r.S = v if v is True or v is False else R(v)", S=slot, R=self._reader(type_, low, high))
        if isinstance(type_, ChoiceType):
            options = self._constant({option: option for option in type_.options})
            return lines("r.S = K.get(v) or R(v)", S=slot, K=options, R=self._reader(type_, low, high))
        reader = self._reader(type_, low, high)
        if type_ == INTEGER and isinstance(low, Fraction) and isinstance(high, Fraction):
            ends = {"L": ceil(low), "H": floor(high)}
            return lines("r.S = v if v.__class__ is int and L <= v <= H else R(v)", S=slot, R=reader, **ends)
        kept = name(f"{reader}_kept")
        return lines("w = K.get(v) if v.__class__ is str else None\nr.S = R(v) if w is None else w", S=slot, R=reader, K=kept)

    def _reader(self, type_: Type, low: Value | None, high: Value | None) -> str:
        """The name of the function that reads one value of a type within a range."""
        key = (type_, low, high)
        if key not in self._readers:
            self._readers[key] = named = f"value{len(self._readers)}"
            kept: dict[str, Any] = {}
            self.table[f"{named}_kept"] = kept
            self.table[named] = reader_of(type_, low, high, self.policy.conventions, kept)
        return self._readers[key]

    def _records(self, owner: core.Entity, fact: core.FactDeclaration, entity: core.Entity, slot: str) -> list[ast.stmt]:
        """Reads the records of a list; those without a key are known by their position."""
        index = self.entities.index(entity.name)
        prefix = text(f"{fact.name}[") if owner.owner is None else code("P + '.' + T", P=code("r.path"), T=text(f"{fact.name}["))
        body = lines("made = r.S = []\nprefix = P", S=slot, P=prefix)
        loop = lines("if d.__class__ is not dict: raise Open")
        if entity.key is None:
            loop += lines("k = None\np = str(i)")
        else:
            key = self._key(entity.key.type)
            body += lines("keys = keys_of(v, F, T, PLAIN)", F=text(entity.key.name), T=key, PLAIN=entity.key.type == TEXT)
            loop += lines("k = keys[i]\np = place_of(i, keys) if k is None else k")
        made = {"C": f"class{index}", "L": f"layout{index}", "E": f"read{index}"}
        loop += lines("n = new_record(C, L, intake, prefix + p + ']', k, r)\nmade.append(n)\nE(intake, d, n)", **made)
        target = ast.Tuple([ast.Name("i", ast.Store()), ast.Name("d", ast.Store())], ast.Store())
        return [*body, ast.For(target, code("enumerate(v)"), loop, [])]

    def _key(self, type_: Type) -> str:
        """What makes the text of a key that is no plain text; None where there is none."""
        named = f"key{len(self.table)}"
        conventions = self.policy.conventions

        def key(raw: Any) -> str | None:
            if raw is None:
                return None
            if raw.__class__ is Plain and raw in NULLS:
                raise Open
            try:
                return str(read_value(raw, type_, conventions))
            except BadValue:
                raise Open from None

        self.table[named] = key
        return named


def reader_of(type_: Type, low: Value | None, high: Value | None, conventions: Conventions, kept: dict[str, Any]) -> Callable[[Any], Any]:
    """Reads a datum as the reference does and gives it in the program's form; Open if it does not fit.

    `kept` is filled with short texts and what they say.
    """
    kind = kind_of_fact(type_)
    as_digits: dict[str, Any] = {}
    as_words: dict[str, Any] = {}
    of_class: dict[type, dict[str, Any]] = {str: kept, Digits: as_digits, Plain: as_words}
    ends = [end for end in (low, high) if end is not None]
    ranged = any(is_known(end) for end in ends)
    cents = type_ == MONEY and all(isinstance(end, Fraction) for end in ends)
    lowest = -(10**20) if low is None else ceil(low * 100) if isinstance(low, Fraction) else 0
    highest = 10**20 if high is None else floor(high * 100) if isinstance(high, Fraction) else 0

    def read(raw: Any) -> Any:
        known = of_class.get(raw.__class__)
        if known is not None:
            found = known.get(raw)
            if found is not None:
                return found
        elif cents and raw.__class__ is Decimal and raw.is_finite() and -6 < raw.adjusted() < 24:
            above, under = raw.as_integer_ratio()
            amount, rest = divmod(above * 100, under)
            if rest or not lowest <= amount <= highest:
                raise Open
            return amount
        elif cents and raw.__class__ is int and lowest <= raw * 100 <= highest:
            return raw * 100
        if raw.__class__ is Plain and raw in NULLS:
            raise Open
        try:
            value = quickly(raw, type_) or read_value(raw, type_, conventions)
        except BadValue:
            raise Open from None
        if ranged:
            if low is not None and is_known(low) and value < low:  # type: ignore[operator]
                raise Open
            if high is not None and is_known(high) and value > high:  # type: ignore[operator]
                raise Open
        made = freeze(kind, value, _no_record)
        if known is not None and len(raw) <= LONG and len(known) < KEPT:
            known[raw] = made
        return made

    return read


def _no_record(_: Any) -> Any:
    raise Open
