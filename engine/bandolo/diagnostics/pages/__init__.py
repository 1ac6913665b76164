"""The page of each diagnostic: what it means, why, and what to do, with an example that fails and one that passes."""

from __future__ import annotations

import re
import textwrap
from importlib.resources import files

from bandolo.diagnostics.render import catalogue
from bandolo.language.types import Language


def all_codes(lang: Language) -> list[tuple[str, str]]:
    """Every code with its message's first words."""
    entries = {code: entry for code, entry in catalogue().items() if code != "labels"}
    return [(code, re.sub(r"\{(\w+)\}", r"<\1>", entry[lang])) for code, entry in sorted(entries.items())]


def page_text(code: str, lang: Language) -> str | None:
    """The page of a code in one language, for a terminal, or None if there is no such code."""
    if code not in catalogue() or code == "labels":
        return None
    text = (files("bandolo.diagnostics.pages") / f"{code}.md").read_text(encoding="utf-8")
    sections = {part.partition("\n")[0].strip(): part.partition("\n")[2].strip() for part in re.split(r"(?m)^## ", text)[1:]}
    prose = [textwrap.fill(p, 98) for p in sections[{"it": "Italiano", "en": "English"}[lang]].split("\n\n")]
    example = sections.get("Esempio / Example", "")
    return "\n\n".join([code, *prose, *_examples(example, lang)]) + "\n"


def _examples(text: str, lang: Language) -> list[str]:
    """The fenced blocks of an example, each indented under a word that says whether it is right."""
    words = {"bad": {"it": "Sbagliato:", "en": "Wrong:"}, "good": {"it": "Giusto:", "en": "Right:"}}
    found = []
    for kind, body in re.findall(r"(?ms)^```\w+ ?(\w*)\n(.*?)^```", text):
        head = words[kind][lang] if kind in words else {"it": "Esempio:", "en": "Example:"}[lang]
        found.append(f"{head}\n\n{textwrap.indent(body.rstrip(), '    ')}")
    return found
