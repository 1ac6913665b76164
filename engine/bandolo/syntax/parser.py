"""Expression text to expression nodes.

Texts are parsed as they lie in the file, so that each node and each mistake has its place there. The nodes are built while the parser
reduces, without recursion; depth, tokens and lengths are bounded here. Lark is only asked where a text is no expression.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from bandolo import limits
from bandolo.diagnostics import Diagnostic
from bandolo.records import dataclass
from bandolo.source import Span
from bandolo.syntax import ast
from bandolo.syntax.hints import ITALIAN_WORDS, hint
from bandolo.syntax.table import NotAccepted, Word, table
from bandolo.syntax.yaml_tree import Embedded

MONTHS_IT = "gennaio|febbraio|marzo|aprile|maggio|giugno|luglio|agosto|settembre|ottobre|novembre|dicembre"
FOREIGN_SPELLINGS = (
    (r"(?<![0-9A-Za-z_.])[0-9]{1,3}(\.[0-9]{3})+,[0-9]+", "italian-number"),
    (r"(?<![0-9A-Za-z_.])[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}(?![0-9])", "day-first-date"),
    (rf"(?<![0-9A-Za-z_.])[0-9]{{1,2}} ({MONTHS_IT}) [0-9]{{4}}", "day-first-date"),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2} (?:ore )?[0-9]{1,2}\.[0-9]{2}(?![0-9])|[0-9]{4}-[0-9]{2}-[0-9]{2} ore [0-9:]+", "bad-time"),
    (r"(?<![0-9A-Za-z_.])[0-9][0-9_.]* [Ee]uro\b", "syntax-euro"),
)
"""Numbers, dates and times as they are written in an Italian text, and the code that says how to write them here."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A node under construction: where it starts and ends in the text being parsed, and how deep it is."""

    node: ast.Expr
    start: int
    end: int
    depth: int


class _TooDeep(Exception):
    def __init__(self, start: int, end: int, code: str) -> None:
        self.start, self.end, self.code = start, end, code


def parse_expression(text: Embedded) -> tuple[ast.Expr, list[Diagnostic]]:
    """The expression of an embedded text, or a Hole and the reason.

    Codes: `expression-too-long`, `expression-too-deep`, `empty-expression` and the `syntax-*` family (see hints.py).
    """
    whole = text.span(0, len(text.text))
    if len(text.text) > limits.EXPRESSION_CHARACTERS:
        return ast.Hole(whole), [Diagnostic("expression-too-long", whole, {"limit": limits.EXPRESSION_CHARACTERS})]
    if not text.text.strip():
        return ast.Hole(whole), [Diagnostic("empty-expression", whole)]
    bare = re.sub(r'"[^"]*"', lambda quoted: " " * len(quoted.group()), text.text)
    for pattern, code in FOREIGN_SPELLINGS:
        # Parsed, these would read as something else: a comma between arguments, a division, a name.
        foreign = re.search(pattern, bare)
        if foreign is not None:
            return ast.Hole(whole), [Diagnostic(code, text.span(*foreign.span()), {"found": foreign.group()})]
    try:
        return table().parse(text.text, limits.EXPRESSION_TOKENS, _Builder(text).node).node, []
    except (NotAccepted, _TooDeep) as error:
        return ast.Hole(whole), [_mistake(text, whole, error)]


def tokens(text: str) -> list[tuple[str, str, int]] | None:
    """The tokens of an expression: the grammar's name of each, its spelling and where it begins; None where something is no token."""
    try:
        return [(word.type, word.text, word.start) for word in table().words(text)]
    except NotAccepted:
        return None


def _mistake(text: Embedded, whole: Span, error: NotAccepted | _TooDeep) -> Diagnostic:
    """What is wrong with a text. That it is no expression comes before that it is too deep."""
    from bandolo.syntax.by_lark import stopped

    place = stopped(text.text)
    if place is not None:
        code, begin, length = hint(text.text, place.start, place.found, set(place.expected))
        span = text.span(begin, min(begin + max(length, 1), len(text.text)) if begin < len(text.text) else begin)
        args = {"found": text.text[begin : begin + max(length, 1)] or place.found}
        if code == "syntax-italian-word":
            args["right"] = ITALIAN_WORDS[args["found"].lower()]
        return Diagnostic(code, span, args)
    if isinstance(error, NotAccepted):
        return Diagnostic("expression-too-long", whole, {"limit": limits.EXPRESSION_TOKENS})
    limit = limits.EXPRESSION_DEPTH if error.code == "expression-too-deep" else limits.CHAIN_TERMS
    return Diagnostic(error.code, text.span(error.start, error.end), {"limit": limit})


class _Builder:
    """Makes nodes of what the parser has put together, from the inside outwards."""

    def __init__(self, text: Embedded) -> None:
        self.text = text

    def node(self, production: str, children: list[Piece | Word]) -> Piece:
        first, last = children[0], children[-1]
        start, end = first.start, last.end
        pieces = [c for c in children if isinstance(c, Piece)]
        depth = 1 + max((c.depth for c in pieces), default=0)
        if depth > limits.EXPRESSION_DEPTH:
            raise _TooDeep(start, end, "expression-too-deep")
        if len(pieces) > limits.CHAIN_TERMS:
            raise _TooDeep(start, end, "expression-too-long")
        node = BUILDERS[production](self.text.span(start, end), [c.node for c in pieces], children, self.text)
        return Piece(node, start, end, depth)


def _alternating(parts: list[Any], children: list[Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(zip((c.text for c in children if isinstance(c, Word)), parts[1:], strict=True))


def _place(word: Word, text: Embedded) -> Span:
    return text.span(word.start, word.end)


def _literal(kind: str) -> Callable[..., ast.Expr]:
    return lambda span, parts, children, text: ast.Literal(span, kind, str(children[0]))


def _call(span: Span, parts: list[Any], children: list[Any], text: Embedded) -> ast.Expr:
    distinct = len(parts) == 1 and isinstance(parts[0], _Distinct)
    arguments = tuple(p.value if isinstance(p, _Distinct) else p for p in parts)
    name = children[0]
    return ast.Call(span, str(name), arguments, distinct, _place(name, text))


@dataclass(frozen=True, slots=True)
class _Distinct(ast.Node):
    value: Any


BUILDERS: dict[str, Callable[..., Any]] = {
    "if_then_else": lambda s, p, c, t: ast.IfThenElse(s, *p),
    "of": lambda s, p, c, t: ast.Of(s, *p),
    "where": lambda s, p, c, t: ast.Where(s, *p),
    "named": lambda s, p, c, t: ast.Named(s, p[0], str(c[-1])),
    "either": lambda s, p, c, t: ast.Either(s, tuple(p)),
    "both": lambda s, p, c, t: ast.Both(s, tuple(p)),
    "negate": lambda s, p, c, t: ast.Negate(s, p[0]),
    "compare": lambda s, p, c, t: ast.Compare(s, p[0], _alternating(p, c)),
    "contained": lambda s, p, c, t: ast.Contained(s, p[0], p[1], False),
    "not_contained": lambda s, p, c, t: ast.Contained(s, p[0], p[1], True),
    "between": lambda s, p, c, t: ast.Between(s, *p),
    "is_none": lambda s, p, c, t: ast.IsNone(s, p[0], False),
    "is_not_none": lambda s, p, c, t: ast.IsNone(s, p[0], True),
    "is_known": lambda s, p, c, t: ast.IsKnown(s, p[0], False),
    "is_not_known": lambda s, p, c, t: ast.IsKnown(s, p[0], True),
    "chain": lambda s, p, c, t: ast.Chain(s, p[0], _alternating(p, c)),
    "minus": lambda s, p, c, t: ast.Minus(s, p[0]),
    "power": lambda s, p, c, t: ast.Power(s, p[0], str(c[-1])),
    "at": lambda s, p, c, t: ast.At(s, *p),
    "member": lambda s, p, c, t: ast.MemberOf(s, p[0], str(c[-1]), _place(c[-1], t)),
    "lookup": lambda s, p, c, t: ast.Lookup(s, *p),
    "name": lambda s, p, c, t: ast.Name(s, str(c[0])),
    "this": lambda s, p, c, t: ast.This(s),
    "list": lambda s, p, c, t: ast.ListOf(s, tuple(p)),
    "call": _call,
    "distinct": lambda s, p, c, t: _Distinct(s, p[0]),
    "share": lambda s, p, c, t: ast.Share(s, *p),
    "parenthesis": lambda s, p, c, t: p[0],
    **{kind: _literal(kind) for kind in
       ("number", "percent", "money", "instant", "date", "duration", "text", "true", "false", "none")},
}  # fmt: skip
