"""Expressions parsed by the shipped table: the tokens and the LALR states of `grammar/expression.lark`, as plain data.

To work the table out takes longer than to read a whole policy, so it is made once, by `make schemas`, and carries the digest of the
grammar that it was made of. A table of another grammar is not used. This module only says yes: what it does not accept, Lark is asked
about (`by_lark.py`), which knows what could have stood there.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from bandolo.records import dataclass
from bandolo.resources import grammar_text

P = TypeVar("P")

GRAMMAR = "expression.lark"
TABLE = "expression.table.json"


@dataclass(frozen=True, slots=True)
class Word:
    """A token: the grammar's name of it, its spelling, and where it starts and ends in the text."""

    type: str
    text: str
    start: int
    end: int

    def __str__(self) -> str:
        return self.text


class NotAccepted(Exception):
    """The text is no expression, or has more tokens than are allowed."""


@dataclass(frozen=True, slots=True)
class Table:
    """What a parser of the grammar needs. Of a state, `shifts` and `gotos` name the next one; `reductions` name a rule by its number.

    A rule is what it makes of its parts: a node of that name, the only part as it is (`pass`), or the parts themselves, for the rule
    around it (`parts`).
    """

    pattern: re.Pattern[str]
    keywords: dict[str, dict[str, str]]
    ignored: frozenset[str]
    rules: tuple[tuple[str, int, str], ...]
    shifts: tuple[dict[str, int], ...]
    reductions: tuple[dict[str, int], ...]
    gotos: tuple[dict[str, int], ...]
    end: int

    def words(self, text: str) -> list[Word]:
        """The tokens of a text. Raises NotAccepted at a character that begins none."""
        found: list[Word] = []
        match_at, keywords, ignored = self.pattern.match, self.keywords, self.ignored
        at, length = 0, len(text)
        while at < length:
            match = match_at(text, at)
            if match is None:
                raise NotAccepted
            kind, start = match.lastgroup or "", at
            at = match.end()
            if kind not in ignored:
                spelling = match.group()
                if kind in keywords:
                    kind = keywords[kind].get(spelling, kind)
                found.append(Word(kind, spelling, start, at))
        return found

    def parse(self, text: str, at_most: int, node: Callable[[str, list[P | Word]], P]) -> P:
        """What `node` makes of the text, from the inside outwards: it takes a name of the grammar and the parts, words and nodes."""
        words = self.words(text)
        if len(words) > at_most:
            raise NotAccepted
        shifts, reductions, gotos, rules = self.shifts, self.reductions, self.gotos, self.rules
        states = [0]
        values: list[Any] = []
        for word in (*words, None):
            kind = "$END" if word is None else word.type
            while True:
                state = states[-1]
                if kind in shifts[state]:
                    states.append(shifts[state][kind])
                    values.append(word)
                    break
                number = reductions[state].get(kind)
                if number is None:
                    raise NotAccepted
                origin, size, makes = rules[number]
                del states[-size:]
                states.append(gotos[states[-1]][origin])
                if makes != "pass":
                    parts: list[Any] = []
                    for value in values[-size:]:
                        if type(value) is list:
                            parts += value
                        else:
                            parts.append(value)
                    del values[-size:]
                    values.append(parts if makes == "parts" else node(makes, parts))
                if word is None and states[-1] == self.end:
                    result: P = values[0]
                    return result
        raise NotAccepted


def digest(grammar: str) -> str:
    return hashlib.sha256(grammar.encode("utf-8")).hexdigest()


def read_table(data: dict[str, Any]) -> Table:
    """A table from the data that `by_lark.table_data` gives."""
    pattern = "|".join(f"(?P<{name}>{expression})" for name, expression in data["tokens"])
    states = data["states"]
    return Table(
        re.compile(pattern),
        data["keywords"],
        frozenset(data["ignored"]),
        tuple((origin, size, makes) for origin, size, makes in data["rules"]),
        tuple(s["shifts"] for s in states),
        tuple({kind: int(rule) for rule, kinds in s["reductions"].items() for kind in kinds.split()} for s in states),
        tuple(s["gotos"] for s in states),
        data["end"],
    )


def table_for(grammar: str, shipped: str) -> Table:
    """The table of a grammar: the shipped one where it is of that grammar, else one worked out now."""
    try:
        data = json.loads(shipped)
        if data["grammar"] == digest(grammar):
            return read_table(data)
    except (ValueError, KeyError, TypeError):
        pass
    from bandolo.syntax.by_lark import table_data

    return read_table(table_data(grammar))


@cache
def table() -> Table:
    """The table of the grammar folder."""
    try:
        shipped = grammar_text(TABLE)
    except OSError:
        shipped = ""
    return table_for(grammar_text(GRAMMAR), shipped)
