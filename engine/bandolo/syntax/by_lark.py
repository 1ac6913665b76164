"""The only module that knows Lark: it works out the parse table, and says where a text stops being an expression and what could follow.

Reading a policy without mistakes does not need it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from lark import Lark
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from bandolo import limits
from bandolo.resources import grammar_text
from bandolo.syntax.table import GRAMMAR, digest


@dataclass(frozen=True, slots=True)
class Stopped:
    """Where a text is no expression any more: the spelling that stands there (empty at the end), and the tokens that could have."""

    start: int
    found: str
    expected: frozenset[str]


def stopped(text: str) -> Stopped | None:
    """Where a text stops being an expression; None where it does not, within the tokens that are allowed."""
    try:
        interactive: Any = _lark(grammar_text(GRAMMAR)).parse_interactive(text)
        for count, token in enumerate(interactive.lexer_thread.lex(interactive.parser_state)):
            if count >= limits.EXPRESSION_TOKENS:
                return None
            interactive.feed_token(token)
        interactive.feed_eof()
    except UnexpectedToken as error:
        at_end = error.token.type == "$END"
        start = len(text.rstrip()) if at_end else (error.token.start_pos or 0)
        return Stopped(start, "" if at_end else str(error.token), frozenset(error.accepts or error.expected))
    except UnexpectedCharacters as error:
        start = error.pos_in_stream or 0
        return Stopped(start, text[start : start + 1], frozenset(error.allowed or ()))
    return None


@cache
def _lark(grammar: str) -> Lark:
    # keep_all_tokens: a node's place runs from its first word or bracket to its last.
    return Lark(grammar, parser="lalr", lexer="basic", keep_all_tokens=True, maybe_placeholders=False)


def tree(text: str) -> Any:
    """Lark's own tree of a text, which what the table gives is tested against."""
    return _lark(grammar_text(GRAMMAR)).parse(text)


def table_data(grammar: str) -> dict[str, Any]:
    """The table of a grammar as plain data, the same whatever the order in which Lark numbers states."""
    made: Any = _lark(grammar)
    lexer, parse_table = made.parser.lexer, made.parser.parser._parse_table
    states = parse_table.states
    numbers = {parse_table.start_states["start"]: 0}
    rules: dict[Any, int] = {}
    rows = []
    waiting = list(numbers)
    for state in waiting:
        row: dict[str, Any] = {"shifts": {}, "reductions": {}, "gotos": {}}
        for symbol, (action, target) in sorted(states[state].items()):
            if str(action) == "Reduce":
                row["reductions"].setdefault(rules.setdefault(target, len(rules)), []).append(symbol)
                continue
            if target not in numbers:
                numbers[target] = len(numbers)
                waiting.append(target)
            row["shifts" if symbol.isupper() or symbol == "$END" else "gotos"][symbol] = numbers[target]
        row["reductions"] = {str(rule): " ".join(symbols) for rule, symbols in sorted(row["reductions"].items())}
        rows.append(row)
    return {
        "grammar": digest(grammar),
        "tokens": [[t.name, t.pattern.to_regexp()] for t in lexer.scanner.terminals],
        "keywords": {kind: {t.pattern.value: t.name for t in unless.scanner.terminals} for kind, unless in sorted(lexer.callback.items())},
        "ignored": sorted(lexer.ignore_types),
        "rules": [[rule.origin.name, len(rule.expansion), _makes(rule)] for rule in rules],
        "states": rows,
        "end": numbers[parse_table.end_states["start"]],
    }


def _makes(rule: Any) -> str:
    if rule.alias:
        return str(rule.alias)
    if rule.origin.name.startswith("_"):
        return "parts"
    assert len(rule.expansion) == 1, f"{rule} needs a name: `-> name`"
    return "pass"
