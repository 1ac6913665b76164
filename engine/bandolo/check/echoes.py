"""A name that will not do is one mistake: what is said of its uses, of which none can be understood, is left out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

from bandolo.diagnostics import Diagnostic
from bandolo.source import SourceFile

BAD_NAMES = ("bad-name", "name-too-long")
FOLLOWS_FACTS = ("no-owner", "no-key")
"""What is said of an entity because the fact that lists or names its records was not understood."""


def without_echoes(found: Sequence[Diagnostic]) -> list[Diagnostic]:
    """The findings without those that a `bad-name` or `name-too-long` brings about elsewhere.

    A use is a stretch of a file that is spelt like the name, or a single word that was meant for it (`unita` for `unità`). Something
    else that is wrong in the same stretch is said once the name is mended.
    """
    declared = _declared([d for d in found if d.code in BAD_NAMES and d.span is not None])
    names = sorted((name for name in declared if re.search(r"\w", name)), key=len, reverse=True)
    if not names:
        return list(found)
    spelt = re.compile(r"(?<!\w)(?:" + "|".join(map(_spelt, names)) + r")(?!\w)")
    meant = {_folded(name) for name in names}
    of_facts = any(d.args.get("key") == "facts" for d in declared.values())

    @cache
    def uses(source: SourceFile) -> list[tuple[int, int]]:
        return [match.span() for match in spelt.finditer(source.text)]

    def is_echo(diagnostic: Diagnostic) -> bool:
        span = diagnostic.span
        if span is None or any(diagnostic is d for d in declared.values()):
            return False
        if diagnostic.code in FOLLOWS_FACTS:
            return of_facts
        if _folded(str(diagnostic.args.get("name", ""))) in meant:
            return True
        return any(start < span.end and span.start < end for start, end in uses(span.source))

    return [d for d in found if not is_echo(d)]


def _declared(bad: Sequence[Diagnostic]) -> dict[str, Diagnostic]:
    """The finding to keep of each name: where it is declared. Two keys may name what is declared after them."""
    kept: dict[str, Diagnostic] = {}
    for diagnostic in sorted(bad, key=lambda d: (d.args.get("key") in ("decides", "shown_as"), d.place)):
        kept.setdefault(str(diagnostic.args["found"]), diagnostic)
    return kept


def _spelt(name: str) -> str:
    """The pattern of a name in an expression, also where `bandolo fmt` has put blanks around a sign."""
    return r"\s*".join(re.escape(part) for part in re.findall(r"\w+|[^\w\s]", name))


def _folded(name: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFD", name.lower()) if not unicodedata.combining(c))
    return re.sub(r"\W", "_", plain)
