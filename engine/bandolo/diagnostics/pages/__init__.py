"""The page of each diagnostic: what it means, why, and what to do, with an example that fails and one that passes."""

from __future__ import annotations

import re
from importlib.resources import files

from bandolo.diagnostics.render import catalogue
from bandolo.language.types import Language


def all_codes(lang: Language) -> list[tuple[str, str]]:
    """Every code with its message's first words."""
    entries = {code: entry for code, entry in catalogue().items() if code != "labels"}
    return [(code, re.sub(r"\{(\w+)\}", r"<\1>", entry[lang])) for code, entry in sorted(entries.items())]


def page_text(code: str, lang: Language) -> str | None:
    """The page of a code in one language with its example, or None if there is no such code."""
    if code not in catalogue() or code == "labels":
        return None
    resource = files("bandolo.diagnostics.pages") / f"{code}.md"
    text = resource.read_text(encoding="utf-8") if resource.is_file() else ""
    sections = re.split(r"(?m)^## ", text)
    wanted = {"it": "Italiano", "en": "English"}[lang]
    parts = [s for s in sections[1:] if s.startswith((wanted, "Esempio"))]
    example = {"it": "Esempio", "en": "Example"}[lang]
    body = "\n".join(
        part.partition("\n")[2].strip() if part.startswith(wanted) else f"{example}:\n{part.partition(chr(10))[2]}" for part in parts
    )
    return f"{code}\n{'=' * len(code)}\n\n{body.strip()}\n"
