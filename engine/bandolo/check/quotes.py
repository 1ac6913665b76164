"""Every quote must be found in the text of its source, letter for letter once tags and white space are collapsed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import SequenceMatcher

from bandolo.diagnostics import Diagnostic
from bandolo.syntax import ast


def all_quotes(doc: ast.PolicyDoc) -> list[ast.Quote]:
    """Every quote of a policy, wherever it stands."""
    found: list[ast.Quote] = []
    stack: list[object] = [doc]
    while stack:
        item = stack.pop()
        if isinstance(item, ast.Quote):
            found.append(item)
        elif isinstance(item, tuple):
            stack.extend(item)
        elif isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, ast.Node | ast.Common):
            stack.extend(getattr(item, name) for name in item.__dataclass_fields__ if name != "span")
    return sorted(found, key=lambda q: q.span.start)


def collapsed(text: str) -> str:
    """A text without HTML tags, its white space collapsed to single blanks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^<>]*>", " ", text)).strip()


def check_quotes(doc: ast.PolicyDoc, texts: Mapping[str, str]) -> list[Diagnostic]:
    """One `quote-not-found` for each quote that its document's text (by the document's name) does not contain."""
    plain = {name: collapsed(text) for name, text in texts.items()}
    diagnostics = []
    for quote in all_quotes(doc):
        if quote.document in plain and collapsed(quote.quote) not in plain[quote.document]:
            near = _nearest(collapsed(quote.quote), plain[quote.document])
            diagnostics.append(Diagnostic("quote-not-found", quote.span, {"document": quote.document, "nearest": near}))
    return diagnostics


def _nearest(quote: str, text: str) -> str | None:
    """The passage that the quote was most likely taken from: around the longest piece that is found."""
    quote = quote[:300]
    match = SequenceMatcher(None, quote, text, autojunk=False).find_longest_match() if len(text) < 100_000 else None
    if match is None or match.size < max(8, len(quote) // 4):
        return None
    start = max(match.b - match.a, 0)
    return text[start : start + len(quote)]
