"""Did you mean: the nearest of the words that would have been right."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, candidates: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The candidate that `word` was most likely meant to be, or None if none is near."""
    from difflib import get_close_matches  # only where something is misspelt

    words = sorted(set(candidates))
    lowered = {w.lower(): w for w in reversed(words)}
    found = get_close_matches(word.lower(), sorted(lowered), n=1, cutoff=cutoff)
    return lowered[found[0]] if found else None
