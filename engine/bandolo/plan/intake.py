"""Code that reads the facts of a complete application from plain dicts, and refuses to judge anything that is not plainly in order.

What raises here is read again by `evaluate/inputs.py`, which says what is missing or wrong.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from json.encoder import encode_basestring_ascii
from math import ceil, floor
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from bandolo import limits
from bandolo.check import core
from bandolo.evaluate.typed import BadValue, read_value
from bandolo.language.functions import Conventions
from bandolo.language.types import BOOLEAN, DATE, DATETIME, INTEGER, MONEY, TEXT, ChoiceType, ListType, OptionalType, Type
from bandolo.language.values import NONE, Fault, ListValue, Member, Unknown, Value, is_known
from bandolo.plan.kinds import Cash, Kind, Many, Maybe, OfEntity, Open, Whole, freeze
from bandolo.plan.quote import code, lines, name, text
from bandolo.plan.shapes import Shapes

if TYPE_CHECKING:
    from bandolo.plan.fused import Fused

ZERO, CENT, HUNDRED = Decimal("0.00"), Decimal("0.01"), Decimal(100)
MOST_CASH = Decimal(10**18)
TEXTS_KEPT = 4096
MOST_TEXT = limits.TEXT_CHARACTERS
AMBIGUOUS = re.compile(r"[-0-9]|(~|null|none|)$")
"""Texts that may not be meant as such: the word or number of a file (`Plain`, `Digits`). Of these the class is asked each time."""


def adds_up(low: Value | None, high: Value | None) -> bool:
    """Whether amounts of a fact are surely not negative: then a total bounds each of them."""
    return isinstance(low, Fraction) and low == 0 and not isinstance(high, Unknown | Fault)


def table(conventions: Conventions, shapes: Shapes | None) -> dict[str, Any]:
    """The names that the code of this module uses."""
    kept: dict[str, str] = {}

    def safe(text: Any) -> str:
        """A text that is surely allowed; those that come again and again are kept."""
        if type(text) is not str or not (text.isascii() and text.isprintable() and len(text) <= MOST_TEXT):
            raise Open
        if len(text) <= 64 and len(kept) < TEXTS_KEPT and not AMBIGUOUS.match(text):
            kept[text] = text
        return text

    return {
        "safe": safe, "kept": kept, "safe_text": kept.get, "Decimal": Decimal, "date": date, "datetime": datetime, "UTC": UTC,
        "day": day, "amount": amount_reader(conventions), "ZERO": ZERO, "HUNDRED": HUNDRED,
        "check_keys": check_keys, "CENT": CENT, "MOST_CASH": MOST_CASH, "DICTS": {dict},
        "convert": shapes and shapes.convert, "SHAPE": shapes and shapes.root,
    }  # fmt: skip


def amount_reader(conventions: Conventions) -> Callable[[Any], Decimal]:
    """What makes a Decimal of an amount that is given in another form; Open if it is none, or negative."""

    def amount(raw: Any) -> Decimal:
        if raw.__class__ is Decimal:
            found: Decimal = raw
        elif raw.__class__ is int and raw.bit_length() < 64:
            found = Decimal(raw)
        elif raw.__class__ is str and str(found := Decimal(raw)) == raw and "E" not in raw and found.is_finite():
            pass  # plain digits, as a Decimal writes them
        else:
            try:
                value = read_value(raw, MONEY, conventions)
            except BadValue:
                raise Open from None
            assert isinstance(value, Fraction)
            found = Decimal(int(value * 100)).scaleb(-2)
        if found.is_signed():
            raise Open
        return found

    return amount


def check_keys(keys: list[str]) -> None:
    """Keys that differ, and are plain enough to stand in a path; that each is a text, and nothing else, is seen in the loop."""
    text, different = "".join(keys), set(keys)
    if len(different) != len(keys) or "" in different or len(text) > MOST_TEXT:
        raise Open
    if text.isascii() and text.replace("-", "0").isalnum():  # of one length, which is replaced quicker
        return
    # Escaped as JSON it stays as it is: then nothing in it is unsafe, a quote, or not ASCII.
    if len(encode_basestring_ascii(text)) != len(text) + 2 or "[" in text or "]" in text or "\x7f" in text:
        raise Open


@dataclass
class Loop:
    """The parts of a loop over the records of one list."""

    before: list[ast.stmt]
    target: ast.expr
    first: list[ast.stmt]
    parts: list[str]
    """The amounts of a record, or sums of some: all of them are to be added up, and the sum is looked at."""
    after: list[ast.stmt]
    slots: dict[str, str] | None = None
    """Where records have attributes: the fact's local, by itself, and the record's local."""
    this: str = ""

    def with_facts(self, inside: list[ast.stmt]) -> list[ast.stmt]:
        """The statements of the loop, with the facts that they speak of at hand: what is said once is said as an attribute."""
        if self.slots is None:
            return inside
        loads: dict[str, list[tuple[ast.AST, str, int | None]]] = {}
        for statement in inside:
            for node in ast.walk(statement):
                for key, at, child in _children(node):
                    if isinstance(child, ast.Name) and child.id in self.slots:
                        stored = not isinstance(child.ctx, ast.Load)
                        loads.setdefault(child.id, []).extend([(node, key, at)] * (2 if stored else 1))
        first: list[ast.stmt] = []
        for slot in self.slots:
            if len(loads.get(slot, ())) == 1:
                ((node, key, at),) = loads[slot]
                attribute = ast.Attribute(name(self.this), slot, ast.Load())
                if at is None:
                    setattr(node, key, attribute)
                else:
                    getattr(node, key)[at] = attribute
            elif slot in loads:
                first += lines("F = R.F", F=slot, R=self.this)
        return [*first, *inside]


def _children(node: ast.AST) -> Iterator[tuple[str, int | None, Any]]:
    for key, value in ast.iter_fields(node):
        if isinstance(value, list):
            yield from ((key, at, child) for at, child in enumerate(value))
        else:
            yield key, None, value


def of_root(whole: Fused, entity: core.Entity, source: str, given: str) -> list[ast.stmt]:
    """Every fact of the root into its local; what was given stays together, as it came."""
    targets, getter, rest = _facts(whole, entity)
    if whole.shapes is None:
        body = lines("if type(S) is not dict or len(S) != N: raise Open\nG = T(S)", S=source, N=len(entity.facts), G=given, T=getter)
        return [*body, ast.Assign([targets], name(given)), *rest]
    read = "try:\n    G = convert(S, SHAPE) if read is None else read(S)\nexcept RecursionError:\n    raise Open"
    body = lines(read, S=source, G=given)
    for slot in _slots(whole, entity):
        kind = slot[1]
        local = whole.listed(kind.item.entity) if isinstance(kind, Many) and isinstance(kind.item, OfEntity) else slot[0]
        body += lines("L = G.F", L=local, G=given, F=slot[0])
    return [*body, *rest]


def _slots(whole: Fused, entity: core.Entity) -> list[tuple[str, Kind]]:
    return [(whole.names.facts[entity.name, f, None], whole.kinds_of_facts[entity.name, f, None]) for f in entity.facts]


def _facts(whole: Fused, entity: core.Entity) -> tuple[ast.expr, ast.expr, list[ast.stmt]]:
    """The locals of the facts, what takes them out of a dict, and the statements that look at each."""
    targets: list[ast.expr] = []
    rest: list[ast.stmt] = []
    for fact in entity.facts.values():
        kind = whole.kinds_of_facts[entity.name, fact.name, None]
        if isinstance(kind, Many) and isinstance(kind.item, OfEntity):
            at_most = fact.at_most if fact.at_most is not None else limits.LIST_LENGTH
            local = whole.listed(kind.item.entity)
            rest += lines("if type(L) is not list or len(L) > N: raise Open", L=local, N=at_most)
        else:
            local = whole.names.facts[entity.name, fact.name, None]
            rest += _fact(whole, entity, fact, kind)
        targets.append(ast.Name(local, ast.Store()))
    rest += _amounts(whole, entity)
    names = [sys.intern(f) for f in entity.facts]
    # Of a single name, itemgetter would give the value itself.
    getter = itemgetter(*names) if len(names) > 1 else lambda row: (row[names[0]],)
    return ast.Tuple(targets, ast.Store()), whole.names.constant(getter), rest


def _amounts(whole: Fused, entity: core.Entity) -> list[ast.stmt]:
    """Decimals that are not negative; anything else is turned into one, if it is an amount at all."""
    slots = [name(slot) for slot, kind in _slots(whole, entity) if isinstance(kind, Cash)]
    if not slots:
        return []
    signed: list[ast.expr] = [code("F.is_signed()", F=slot) for slot in slots]
    test = signed[0] if len(signed) == 1 else ast.BoolOp(ast.Or(), signed)
    turned: list[ast.stmt] = []
    for slot in slots:
        turned += lines("F = amount(F)", F=slot)
    return [
        ast.Try([ast.If(test, lines("raise Open"), [])], [ast.ExceptHandler(name("AttributeError"), None, turned)], [], []),
    ]


def of_list(whole: Fused, entity: core.Entity, rows: str, this: str) -> Loop:
    """What reads the records of a list: all are taken out of their dicts at once, then looked at one by one."""
    targets, getter, inside = _facts(whole, entity)
    given = f"given_{this}"
    if whole.shapes is None:
        loop = Loop(lines("G = [*map(T, R)]", G=given, T=getter, R=rows), targets, inside, [], [])
        loop.before += lines(
            "if not DICTS.issuperset(map(type, R)) or sum(map(len, R)) != N * len(R): raise Open", R=rows, N=len(entity.facts)
        )
    else:
        slots = {slot: slot for slot, _ in _slots(whole, entity)}
        loop = Loop(lines("G = R", G=given, R=rows), ast.Name(this, ast.Store()), inside, [], [], slots, this)
    if entity.key is not None:
        keys = f"keys_{this}"
        loop.before += lines("K = []", K=keys)
        key = whole.names.facts[entity.name, entity.key.name, None]
        loop.first += lines("if type(F) is not str: raise Open\nK.append(F)", K=keys, F=key)
        loop.after += lines("check_keys(K)", K=keys)
    cash = [f for f in entity.facts.values() if isinstance(whole.kinds_of_facts[entity.name, f.name, None], Cash)]
    if cash:
        loop.before += lines("T = ZERO", T=f"rest_{this}")
        loop.parts = _addends(whole, entity, cash)
        # One look at the sum of all amounts tells of each: no part of a cent, nothing too large. A sum has the finest exponent of its
        # parts; had a digit been lost on the way, in a context of few digits, this sum could not be written to the cent either.
        loop.after += lines("if not (T.same_quantum(CENT) and T <= MOST_CASH): raise Open", T=f"total_{this}")
        highs = [(f, h) for f in cash if (h := whole.settled.ranges[entity.name, f.name][1]) is not None]
        if highs:
            least = whole.names.constant(Decimal(floor(min(h for _, h in highs))))  # type: ignore[type-var, arg-type]
            tests: list[ast.expr] = []
            for f, high in highs:
                assert isinstance(high, Fraction)
                most = whole.names.constant(Decimal(high.numerator) / Decimal(high.denominator))
                slot = whole.names.facts[entity.name, f.name, None]
                tests.append(code("r[F] > H", F=text(f.name), H=most) if whole.shapes is None else code("r.F > H", F=slot, H=most))
            test = tests[0] if len(tests) == 1 else ast.BoolOp(ast.Or(), tests)
            look = lines("for r in R:\n    if T: raise Open", R=rows, T=test)
            loop.after.append(ast.If(code("T > H", T=f"total_{this}", H=least), look, []))
    return loop


def _addends(whole: Fused, entity: core.Entity, cash: list[core.FactDeclaration]) -> list[str]:
    """The amounts of a record, each once; where a definition has added some up already, its sum stands for them."""
    left = {f.name for f in cash}
    found: list[str] = []
    for (owner, named), definition in whole.policy.definitions.items():
        parts = _sum_of_facts(definition.value)
        if owner == entity.name and parts and len(set(parts)) == len(parts) and left.issuperset(parts):
            left -= set(parts)
            found.append(whole.names.definitions[owner, named])
    return found + [whole.names.facts[entity.name, f.name, None] for f in cash if f.name in left]


def _sum_of_facts(node: core.Expr) -> list[str]:
    match node:
        case core.Fact(record=core.Variable(slot=0), name=named):
            return [named]
        case core.Apply(operation=operation, arguments=(first, second)) if operation.name == "+":
            parts = [_sum_of_facts(first), _sum_of_facts(second)]
            return parts[0] + parts[1] if all(parts) else []
    return []


def _fact(whole: Fused, entity: core.Entity, fact: core.FactDeclaration, kind: Kind) -> list[ast.stmt]:
    """Statements that see to it that a local holds a fact in its form."""
    local = name(whole.names.facts[entity.name, fact.name, None])
    low, high = whole.settled.ranges[entity.name, fact.name]
    if isinstance(fact.type, OptionalType) and isinstance(kind, Maybe):
        look = _plain(whole, fact.type.of, kind.of, local, low, high)
        return [ast.If(code("F is not None", F=local), look, [])] if look else []
    if fact.key and entity.name != whole.policy.root:
        return []  # all keys are looked at together
    if entity.name != whole.policy.root and whole.names.facts[entity.name, fact.name, None] in whole.usual[entity.name].answers:
        return []  # looked at together with the others of its kind
    return _plain(whole, fact.type, kind, local, low, high)


def _plain(whole: Fused, type_: Type, kind: Kind, local: ast.expr, low: Value | None, high: Value | None) -> list[ast.stmt]:
    shaped = whole.shapes is not None
    if isinstance(kind, Cash):
        return []  # all amounts of a record are looked at together
    if isinstance(type_, ChoiceType):
        return [] if shaped else lines("F = K[F]", F=local, K=whole.names.constant({option: option for option in type_.options}))
    if type_ == BOOLEAN:
        return [] if shaped else lines("if F is not True and F is not False: raise Open", F=local)
    if type_ == TEXT and shaped:
        return lines("if F not in kept: safe(F)", F=local)
    if type_ == TEXT:
        return lines("F = safe_text(F) or safe(F)", F=local)
    read = whole.names.constant(reader(type_, kind, low, high, whole.policy.conventions))
    if type_ == INTEGER and isinstance(kind, Whole):
        lowest = ceil(low) if isinstance(low, Fraction) else -(10**30)
        highest = floor(high) if isinstance(high, Fraction) else 10**30
        return lines("if type(F) is not int or not L <= F <= H: F = R(F)", F=local, L=lowest, H=highest, R=read)
    if type_ == DATE and low is None and high is None:
        return lines("if type(F) is not date: F = day(F)", F=local)
    if type_ == DATETIME and low is None and high is None:
        return lines("if type(F) is datetime and F.tzinfo is not None: F = F.astimezone(UTC)\nelse: F = R(F)", F=local, R=read)
    return lines("F = R(F)", F=local, R=read)


def reader(type_: Type, kind: Kind, low: Value | None, high: Value | None, conventions: Conventions) -> Callable[[Any], Any]:
    """Reads a datum as the reference does and gives it in the program's form; Open if it does not fit."""

    def single(raw: Any, of: Type) -> Value:
        try:
            value = quickly(raw, of) or read_value(raw, of, conventions)
        except BadValue:
            raise Open from None
        if low is not None and is_known(low) and value < low:  # type: ignore[operator]
            raise Open
        if high is not None and is_known(high) and value > high:  # type: ignore[operator]
            raise Open
        return value

    def read(raw: Any) -> Any:
        if isinstance(type_, ListType):
            if not isinstance(raw, list | tuple) or len(raw) > limits.LIST_LENGTH:
                raise Open
            value: Value = ListValue(tuple(Member(single(item, type_.item)) for item in raw))
        else:
            value = single(raw, type_)
        return freeze(kind, value, _none)

    return read


def day(raw: Any) -> date:
    """A day that is given as a text, or Open."""
    if raw.__class__ is str and len(raw) == 10 and raw[4] == raw[7] == "-":
        return date.fromisoformat(raw)
    raise Open


def quickly(raw: Any, type_: Type) -> Value | None:
    """The usual spelling of a date, and of an instant with its offset; None for all others."""
    if raw.__class__ is not str:
        return None
    try:
        if type_ == DATE and len(raw) == 10 and raw[4] == raw[7] == "-":
            return date.fromisoformat(raw)
        if type_ == DATETIME and len(raw) == 25 and raw[4] == raw[7] == "-" and raw[10] == "T" and raw[13] == raw[16] == raw[22] == ":":
            return datetime.fromisoformat(raw).astimezone(UTC) if raw[19] in "+-" and raw[20:22] <= "14" else None
    except (ValueError, OverflowError):
        pass
    return None


def _none(_: Any) -> Any:
    raise Open


__all__ = ["NONE", "adds_up", "check_keys", "of_list", "of_root", "reader", "table"]
