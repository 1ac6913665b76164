"""The digest of a complete application, written out by a program: the same text as `evaluate/inputs.py` digests."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any

from bandolo.check import core
from bandolo.evaluate.typed import read_value
from bandolo.language.functions import Conventions
from bandolo.language.types import BOOLEAN, DATE, DATETIME, MONEY, TEXT, ChoiceType, OptionalType, Type, is_quantity
from bandolo.language.values import NONE
from bandolo.plan.intake import quickly
from bandolo.plan.layout import Layout
from bandolo.plan.quote import code, compiled, function, lines, name, text

NO_VALUE = f"{type(NONE).__name__}:{NONE}"
TEXTS_KEPT = 4096
UNDER = {1: "", **{n: f"/{n}" for n in (2, 4, 5, 10, 20, 25, 50, 100)}}
"""What stands below an amount of whole cents, as `Fraction` writes it."""
Writer = Callable[..., str]


def amount_text(amount: Any) -> str:
    """An amount as `Fraction` writes it, for amounts that a program has read."""
    above, under = Decimal(amount).as_integer_ratio() if amount.__class__ is str else amount.as_integer_ratio()
    return f"Fraction:{above}{UNDER[under]}"


class Digester:
    """Digests the applications of one policy; `possible` is False where their text cannot be told from the facts alone."""

    def __init__(self, policy: core.Policy, layout: Layout) -> None:
        listed = [policy.entities[e] for e in layout.lists]
        self.possible = all(e.key is None or next(iter(e.facts.values())).key for e in listed)
        self.write_root = row_writer(policy, policy.entities[policy.root], layout)
        self.write_rows = [row_writer(policy, e, layout) for e in listed]
        self.keys = [None if e.key is None else layout.fact(e, e.key.name) for e in listed]

    def digest(self, state: Any) -> str | None:
        """The digest of what was given; None where a key is spelt in a way that would change the order."""
        texts = []
        for write, key, (given, _, _) in zip(self.write_rows, self.keys, state[4:], strict=True):
            rows = given
            if key is not None:
                # Records stand in the order of their texts, which begin with the key in quotes.
                quoted = [f"{k}'" for k in map(key, given)]
                if "".join(quoted).count("'") != len(quoted):
                    return None
                rows = [given[at] for at in sorted(range(len(given)), key=quoted.__getitem__)]
            texts.append(f"[{','.join(map(write, rows))}]")
        whole = self.write_root(state[0], *texts)
        return "sha256:" + hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()


def row_writer(policy: core.Policy, entity: core.Entity, layout: Layout) -> Writer:
    """What writes the facts of a record in the order of their names; of the root, given the texts of its lists, too."""
    return _RowWriter(policy, entity, layout).written()


class _RowWriter:
    def __init__(self, policy: core.Policy, entity: core.Entity, layout: Layout) -> None:
        self.policy, self.entity, self.layout = policy, entity, layout
        self.kept: dict[str, str] = {}
        self.table: dict[str, Any] = {"amount_text": amount_text, "UNDER": UNDER, "Decimal": Decimal, "kept": self.kept.get}
        self.table["escaped"] = _keeping(self.kept)
        self.quick: list[ast.stmt] = []
        self.slow: list[ast.stmt] = []
        self.pieces: list[ast.expr] = []

    def written(self) -> Writer:
        entity = self.entity
        lists = [f for e in self.policy.entities.values() if e.owner == entity.name for f in [e.listed_in]]
        facts = list(entity.facts)
        shapes = self.layout.shapes
        body: list[ast.stmt] = []
        if shapes is None:
            unpacked: list[ast.expr] = [ast.Name(f"f{at}", ast.Store()) for at in range(len(facts))]
            body.append(ast.Assign([ast.Tuple(unpacked, ast.Store())], name("row")))
        said = "{"
        for fact in sorted(entity.facts.values(), key=lambda f: f.name):
            at = facts.index(fact.name)
            said += f'"{fact.name}":'
            if fact.name in lists:
                self._say(said, name(f"l{lists.index(fact.name)}"))
                said = ","
                continue
            slot = name(f"f{at}") if shapes is None else ast.Attribute(name("row"), shapes.slots[entity.name][at], ast.Load())
            said = self._fact(fact, slot, said + '"') + '",'
        self._say(said.removesuffix(",") + "}", None)
        if self.quick:
            # Amounts are Decimals or ints, seldom texts.
            body.append(ast.Try(self.quick, [ast.ExceptHandler(name("AttributeError"), None, self.slow)], [], []))
        body.append(ast.Return(ast.JoinedStr(self.pieces)))
        takes = ["row", *(f"l{at}" for at in range(len(lists)))]
        write: Writer = compiled(function("write", takes, body), "digest", self.table)
        return write

    def _say(self, said: str, value: ast.expr | None) -> None:
        """A text as it is, and after it a value."""
        self.pieces.append(text(said))
        if value is not None:
            self.pieces.append(ast.FormattedValue(value, -1))

    def _fact(self, fact: core.FactDeclaration, slot: ast.expr, said: str) -> str:
        """Say the value of a fact after some text; what is still to be said comes back."""
        if fact.type == BOOLEAN:
            self.pieces.append(
                ast.FormattedValue(code("Y if F else N", Y=text(said + "bool:True"), F=slot, N=text(said + "bool:False")), -1)
            )
            return ""
        if isinstance(fact.type, ChoiceType) or (fact.key and fact.type == TEXT and self.entity.name != self.policy.root):
            self._say(said + "str:", slot)  # a program only takes plain keys
            return ""
        if fact.type == MONEY:
            above, under = f"n{len(self.quick)}", f"d{len(self.quick)}"
            self.quick += lines("N, D = F.as_integer_ratio()", N=above, D=under, F=slot)
            self.slow += lines("N, D = Decimal(F).as_integer_ratio()", N=above, D=under, F=slot)
            self._say(said + "Fraction:", name(above))
            self._say("", code("UNDER[D]", D=under))
            return ""
        self._say(said, self._value(fact.type, slot))
        return ""

    def _value(self, type_: Type, slot: ast.expr) -> ast.expr:
        if isinstance(type_, OptionalType):
            return code("N if F is None else V", N=text(NO_VALUE), F=slot, V=self._value(type_.of, slot))
        if type_ == BOOLEAN:
            return code("Y if F else N", Y=text("bool:True"), F=slot, N=text("bool:False"))
        if isinstance(type_, ChoiceType):
            return code("S + F", S=text("str:"), F=slot)
        if type_ == TEXT:
            return code("kept(F) or escaped(F)", F=slot)
        if type_ == MONEY:
            return code("amount_text(F)", F=slot)
        known = f"read{len(self.table)}"
        self.table[known] = _reader(type_, self.policy.conventions)
        if type_ == DATE:
            return code('f"date:{F}" if type(F) is str else R(F)', F=slot, R=known)  # there is one spelling of a day
        if is_quantity(type_):
            return code('f"Fraction:{F}" if type(F) is int else R(F)', F=slot, R=known)
        return code("R(F)", R=known, F=slot)


def _escaped(value: str) -> str:
    return encode_basestring(value)[1:-1]


def _keeping(kept: dict[str, str]) -> Callable[[str], str]:
    """What writes a text; short ones that come again are kept."""

    def escaped(value: str) -> str:
        made = "str:" + _escaped(value)
        if len(value) <= 64 and len(kept) < TEXTS_KEPT:
            kept[value] = made
        return made

    return escaped


def _reader(type_: Type, conventions: Conventions) -> Callable[[Any], str]:
    def read(raw: Any) -> str:
        if type_ == DATETIME and (moment := quickly(raw, type_)) is not None:
            return f"datetime:{moment}"
        if type_ == DATE and raw.__class__ is date:
            return f"date:{raw}"
        if type_ == DATETIME and raw.__class__ is datetime and raw.tzinfo is not None:
            return f"datetime:{raw.astimezone(UTC)}"
        value = read_value(raw, type_, conventions)
        return f"{type(value).__name__}:{_escaped(str(value))}"

    return read
