"""The digest of a complete application, written out by a program: the same text as `evaluate/inputs.py` digests."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from json.encoder import encode_basestring
from math import gcd
from typing import Any

from bandolo.check import core
from bandolo.evaluate.typed import read_value
from bandolo.language.functions import Conventions
from bandolo.language.types import BOOLEAN, DATE, DATETIME, MONEY, TEXT, ChoiceType, OptionalType, Type
from bandolo.language.values import NONE
from bandolo.plan.program import OnePass
from bandolo.plan.quote import code, name, text

PARTS = tuple(100 // gcd(rest, 100) for rest in range(100))
"""By the cents above a whole amount: into how many parts of a unit the fraction goes."""
NO_VALUE = f"{type(NONE).__name__}:{NONE}"
Writer = Callable[[tuple[Any, ...]], str]


def amount_text(amount: Decimal) -> str:
    """An amount in cents as `Fraction` writes it."""
    cents = int(amount * 100)
    parts = PARTS[cents % 100]
    return f"Fraction:{cents * parts // 100}/{parts}" if parts != 1 else f"Fraction:{cents // 100}"


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
                if any("'" in row[0] for row in given):
                    return None
                rows = sorted(given, key=_quoted)
            texts.append("[" + ",".join(map(write, rows)) + "]")
        whole = self.write_root((*state[0], *texts))
        return "sha256:" + hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()


def _quoted(row: tuple[Any, ...]) -> str:
    return f"{row[0]}'"


def row_writer(policy: core.Policy, entity: core.Entity) -> Writer:
    """What writes the facts of a record in the order of their names; of the root, with the texts of its lists after its facts."""
    places = list(entity.facts)
    lists = [f for e in policy.entities.values() if e.owner == entity.name for f in [e.listed_in]]
    template, values = [], []
    table: dict[str, Any] = {"amount_text": amount_text, "TRUTH": {True: "bool:True", False: "bool:False"}, "escaped": _escaped}
    for fact in sorted(entity.facts.values(), key=lambda f: f.name):
        if fact.name in lists:
            template.append(f'"{fact.name}":%s')
            values.append(name(f"l{lists.index(fact.name)}"))
            continue
        template.append(f'"{fact.name}":"%s"')
        values.append(_value(fact.type, f"f{places.index(fact.name)}", policy.conventions, table))
    unpacked = [ast.Name(f"f{i}", ast.Store()) for i in range(len(places))] + [ast.Name(f"l{i}", ast.Store()) for i in range(len(lists))]
    body: list[ast.stmt] = [
        ast.Assign([ast.Tuple(list(unpacked), ast.Store())], name("row")),
        ast.Return(code("T % V", T=text("{" + ",".join(template) + "}"), V=ast.Tuple(values, ast.Load()))),
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
        return code("S + escaped(F)", S=text("str:"), F=slot)
    known = f"read{len(table)}"
    table[known] = _reader(type_, conventions)
    return code("R(F)", R=known, F=slot)


def _escaped(value: str) -> str:
    return encode_basestring(value)[1:-1]


def _reader(type_: Type, conventions: Conventions) -> Callable[[Any], str]:
    def read(raw: Any) -> str:
        if type_ == MONEY and raw.__class__ is Decimal:
            return amount_text(raw)
        if type_ == DATE and raw.__class__ is date:
            return f"date:{raw}"
        if type_ == DATETIME and raw.__class__ is datetime and raw.tzinfo is not None:
            return f"datetime:{raw.astimezone(UTC)}"
        if raw.__class__ is int:
            return f"Fraction:{raw}"
        value = read_value(raw, type_, conventions)
        return f"{type(value).__name__}:{_escaped(str(value))}"

    return read

