"""The digest of a complete application, written out by a program: the same text as `evaluate/inputs.py` digests."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from json.encoder import encode_basestring
from operator import itemgetter
from typing import Any

from bandolo.check import core
from bandolo.evaluate.typed import read_value
from bandolo.language.functions import Conventions
from bandolo.language.types import BOOLEAN, DATE, DATETIME, MONEY, TEXT, ChoiceType, OptionalType, Type
from bandolo.language.values import NONE
from bandolo.plan.intake import quickly
from bandolo.plan.program import OnePass
from bandolo.plan.quote import code, name, text

NO_VALUE = f"{type(NONE).__name__}:{NONE}"
TEXTS_KEPT = 4096
Writer = Callable[[tuple[Any, ...]], str]


def amount_text(amount: Any) -> str:
    """An amount as `Fraction` writes it, for amounts that a program has read."""
    above, under = Decimal(amount).as_integer_ratio() if amount.__class__ is str else amount.as_integer_ratio()
    return f"Fraction:{above}/{under}" if under != 1 else f"Fraction:{above}"


class Digester:
    """Digests the applications of one policy; `possible` is False where their text cannot be told from the facts alone."""

    def __init__(self, policy: core.Policy, whole: OnePass) -> None:
        self.policy, self.lists = policy, whole.layout.lists
        listed = [policy.entities[e] for e in self.lists]
        self.possible = all(e.key is None or next(iter(e.facts.values())).key for e in listed)
        self.write_root = row_writer(policy, policy.entities[policy.root])
        self.write_rows = [row_writer(policy, e) for e in listed]
        self.keyed = [e.key is not None for e in listed]

    def digest(self, state: Any) -> str | None:
        """The digest of what was given; None where a key is spelt in a way that would change the order."""
        texts = []
        for write, keyed, (given, _, _) in zip(self.write_rows, self.keyed, state[4:], strict=True):
            rows = given
            if keyed:
                # Records stand in the order of their texts, which begin with the key in quotes.
                if "'" in "".join(map(_key, given)):
                    return None
                rows = sorted(given, key=_quoted)
            texts.append("[" + ",".join(map(write, rows)) + "]")
        whole = self.write_root((*state[0], *texts))
        return "sha256:" + hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()


_key = itemgetter(0)


def _quoted(row: tuple[Any, ...]) -> str:
    return f"{row[0]}'"


def row_writer(policy: core.Policy, entity: core.Entity) -> Writer:
    """What writes the facts of a record in the order of their names; of the root, with the texts of its lists after its facts."""
    places = list(entity.facts)
    lists = [f for e in policy.entities.values() if e.owner == entity.name for f in [e.listed_in]]
    values: list[ast.expr] = [text("{")]
    kept: dict[str, str] = {}
    table: dict[str, Any] = {
        "amount_text": amount_text, "TRUTH": {True: "bool:True", False: "bool:False"}, "escaped": _keeping(kept), "kept": kept.get,
    }  # fmt: skip
    for at, fact in enumerate(sorted(entity.facts.values(), key=lambda f: f.name)):
        comma = "," if at else ""
        if fact.name in lists:
            values += [text(f'{comma}"{fact.name}":'), name(f"l{lists.index(fact.name)}"), text("")]
            continue
        values.append(text(f'{comma}"{fact.name}":"'))
        if fact.key and fact.type == TEXT and entity.name != policy.root:
            values += [text("str:"), name(f"f{places.index(fact.name)}"), text('"')]  # a program only takes plain keys
            continue
        values += [_value(fact.type, f"f{places.index(fact.name)}", policy.conventions, table), text('"')]
    unpacked = [ast.Name(f"f{i}", ast.Store()) for i in range(len(places))] + [ast.Name(f"l{i}", ast.Store()) for i in range(len(lists))]
    body: list[ast.stmt] = [
        ast.Assign([ast.Tuple(list(unpacked), ast.Store())], name("row")),
        ast.Return(ast.JoinedStr([v if isinstance(v, ast.Constant) else ast.FormattedValue(v, -1) for v in [*values, text("}")]])),
    ]
    function = ast.FunctionDef("write", ast.arguments([], [ast.arg("row")], None, [], [], None, []), body, [])
    exec(compile(ast.fix_missing_locations(ast.Module([function], [])), "<bandolo digest>", "exec"), table)
    write: Writer = table["write"]
    return write


def _value(type_: Type, slot: str, conventions: Conventions, table: dict[str, Any]) -> ast.expr:
    if isinstance(type_, OptionalType):
        inner = _value(type_.of, slot, conventions, table)
        return code("N if F is None else V", N=text(NO_VALUE), F=slot, V=inner)
    if type_ == BOOLEAN:
        return code("TRUTH[F]", F=slot)
    if isinstance(type_, ChoiceType):
        return code("S + F", S=text("str:"), F=slot)
    if type_ == TEXT:
        return code("kept(F) or escaped(F)", F=slot)
    if type_ == MONEY:
        return code("amount_text(F)", F=slot)
    known = f"read{len(table)}"
    table[known] = _reader(type_, conventions)
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
        if type_ == DATE and raw.__class__ is str:
            return f"date:{raw}"  # there is one spelling of a day
        if type_ == DATETIME and (moment := quickly(raw, type_)) is not None:
            return f"datetime:{moment}"
        if type_ == DATE and raw.__class__ is date:
            return f"date:{raw}"
        if type_ == DATETIME and raw.__class__ is datetime and raw.tzinfo is not None:
            return f"datetime:{raw.astimezone(UTC)}"
        if raw.__class__ is int:
            return f"Fraction:{raw}"
        value = read_value(raw, type_, conventions)
        return f"{type(value).__name__}:{_escaped(str(value))}"

    return read
