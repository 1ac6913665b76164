"""The language of whoever reads, where nobody has said which."""

from __future__ import annotations

import os

from bandolo.language.types import Language


def preferred_language(wanted: str = "") -> Language:
    """What is wanted, else BANDOLO_LANG, else the language of the terminal: Italian where it is Italian, else English."""
    for name in ("BANDOLO_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        wanted = wanted or os.environ.get(name) or ""
    return "it" if wanted.lower().startswith("it") else "en"
