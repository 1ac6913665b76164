"""The quotes of a policy: where each stands, whether its source's text holds it, and which of the listed norms they account for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import get_args

from bandolo.diagnostics import Diagnostic, Label
from bandolo.records import dataclass
from bandolo.source import Span
from bandolo.syntax import ast

RULES: dict[type[ast.Node | ast.Common], str] = {
    ast.Fact: "fact", ast.Parameter: "parameter", ast.Rate: "rate", ast.Bands: "bands", ast.Reading: "reading", ast.Formula: "formula",
    ast.Definition: "definition", ast.Requirement: "requirement", ast.Bonus: "bonus", ast.Deadline: "deadline", ast.Stage: "stage",
    ast.Entity: "entity", ast.Scoring: "scoring", ast.Ranking: "ranking", ast.Unencoded: "unencoded",
}  # fmt: skip
"""What a quote stands at; those of an exception, a version or a row belong to the rule around them."""
HOLD_NONE = {str, bool, type(None), Span, ast.Ident, ast.Text, ast.Template, *get_args(ast.Expr)}
"""Most of what is in a document: no need to look inside for quotes."""


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quote with what it stands at: its kind (`requirement`, ..., `unencoded`) and name (for `unencoded`, the reason)."""

    quote: ast.Quote
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Norm:
    """One norm of a source, as its list has it."""

    document: str
    id: str
    quote: str
    span: Span


@dataclass(frozen=True, slots=True)
class Accounted:
    """A norm with every quote of the policy that holds the whole of it."""

    norm: Norm
    at: tuple[Quoted, ...]

    @property
    def by_rule(self) -> bool:
        return any(place.kind != "unencoded" for place in self.at)


def quoted(doc: ast.PolicyDoc) -> list[Quoted]:
    """Every quote of a policy, wherever it stands, in the order of the file."""
    found: list[Quoted] = []
    stack: list[tuple[object, str, str]] = [(doc, "policy", "")]
    while stack:
        item, kind, name = stack.pop()
        if type(item) in HOLD_NONE:
            continue
        if isinstance(item, ast.Quote):
            found.append(Quoted(item, kind, name))
        elif isinstance(item, tuple):
            stack.extend((i, kind, name) for i in item)
        elif isinstance(item, dict):
            stack.extend((i, kind, name) for i in item.values())
        elif isinstance(item, ast.Node | ast.Common):
            if type(item) in RULES:
                kind = RULES[type(item)]
                ident = item.because if isinstance(item, ast.Unencoded) else getattr(item, "name", None)
                name = ident.name if isinstance(ident, ast.Ident) else ""
            stack.extend((getattr(item, part), kind, name) for part in item.__match_args__ if part != "span")
    return sorted(found, key=lambda q: q.quote.span.start)


def quoted_and_unencoded(doc: ast.PolicyDoc) -> list[Diagnostic]:
    """A warning `quoted-and-unencoded` for each passage that is declared as no rule and stands whole in what a rule quotes."""
    places = [(collapsed(place.quote.quote), place) for place in quoted(doc)]
    found = []
    for text, place in places:
        if place.kind != "unencoded":
            continue
        rules = [p for said, p in places if p.kind != "unencoded" and p.quote.document == place.quote.document and text in said]
        if rules:
            args = {"name": rules[0].name or rules[0].kind}
            labels = (Label(rules[0].quote.span, "quoted-here"),)
            found.append(Diagnostic("quoted-and-unencoded", place.quote.span, args, labels, severity="warning"))
    return found


def collapsed(text: str) -> str:
    """A text without HTML tags, its white space collapsed to single blanks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^<>]*>", " ", text)).strip()


def places(text: str) -> list[int]:
    """For each character of `collapsed(text)`, where it stands in the text; a blank stands where its stretch of blanks and tags begins."""
    pieces = list(re.finditer(r"(?:<[^<>]*>|\s)+|.", text, re.DOTALL))
    blank = [len(p[0]) > 1 or p[0].isspace() for p in pieces]
    if pieces and blank[-1]:
        pieces.pop()
    if pieces and blank[0]:
        pieces.pop(0)
    return [p.start() for p in pieces]


@dataclass(frozen=True, slots=True)
class Passage:
    """Where a quote stands in its document's collapsed text, the first time that it does: `start` up to but not including `end`."""

    start: int
    end: int
    quoted: Quoted


def passages(doc: ast.PolicyDoc, texts: Mapping[str, str]) -> dict[str, list[Passage]]:
    """By document, the passages that the policy quotes, in the order of the file; a quote that the text does not hold has none."""
    plain = {name: collapsed(text) for name, text in texts.items()}
    found: dict[str, list[Passage]] = {name: [] for name in texts}
    for place in quoted(doc):
        quote = collapsed(place.quote.quote)
        start = plain[place.quote.document].find(quote) if place.quote.document in plain and quote else -1
        if start >= 0:
            found[place.quote.document].append(Passage(start, start + len(quote), place))
    return found


def check_quotes(doc: ast.PolicyDoc, texts: Mapping[str, str]) -> list[Diagnostic]:
    """One `quote-not-found` for each quote that its document's text (by the document's name) does not contain."""
    found = [(q.quote.document, q.quote.quote, q.quote.span) for q in quoted(doc)]
    return _not_found(found, {name: collapsed(text) for name, text in texts.items()})


def account(doc: ast.PolicyDoc, norms: Sequence[Norm]) -> list[Accounted]:
    """Each norm with the quotes of the policy that hold the whole of it, in the order of the list."""
    quotes: dict[str, list[tuple[str, Quoted]]] = {}
    for place in quoted(doc):
        quotes.setdefault(place.quote.document, []).append((collapsed(place.quote.quote), place))
    return [
        Accounted(norm, tuple(place for text, place in quotes.get(norm.document, ()) if collapsed(norm.quote) in text)) for norm in norms
    ]


def check_norms(doc: ast.PolicyDoc, norms: Sequence[Norm], texts: Mapping[str, str]) -> list[Diagnostic]:
    """`quote-not-found` for a norm that its text does not hold, and a warning `norm-unaccounted` for one that no quote holds."""
    found = _not_found([(n.document, n.quote, n.span) for n in norms], {name: collapsed(text) for name, text in texts.items()})
    for entry in account(doc, norms):
        if not entry.at:
            args = {"id": entry.norm.id, "quote": entry.norm.quote, "document": entry.norm.document}
            found.append(Diagnostic("norm-unaccounted", entry.norm.span, args, severity="warning"))
    return found


def _not_found(quotes: Sequence[tuple[str, str, Span]], plain: Mapping[str, str]) -> list[Diagnostic]:
    return [
        Diagnostic("quote-not-found", span, {"document": document, "nearest": _nearest(collapsed(quote), plain[document])})
        for document, quote, span in quotes if document in plain and collapsed(quote) not in plain[document]
    ]  # fmt: skip


def _nearest(quote: str, text: str) -> str | None:
    """The passage that the quote was most likely taken from: around the longest piece that is found, in whole words."""
    quote = quote[:300]
    match = SequenceMatcher(None, quote, text, autojunk=False).find_longest_match() if len(text) < 100_000 else None
    if match is None or match.size < max(8, len(quote) // 4):
        return None
    start = max(match.b - match.a, 0)
    end = min(start + len(quote), len(text))
    while start > 0 and re.match(r"\w\w", text[start - 1 : start + 1]):
        start -= 1
    while end < len(text) and re.match(r"\w\w", text[end - 1 : end + 1]):
        end += 1
    return text[start:end].strip()
