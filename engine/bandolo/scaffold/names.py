"""Names for the policy out of words that a person types: `Bando Digitale 2027` gives `bando_digitale_2027`."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from bandolo.check.symbols import RESERVED, SCORING_NAMES
from bandolo.language.types import TYPE_BY_WORD, Language
from bandolo.syntax.read import INVISIBLE

NAME_CHARACTERS = 60
"""Of a name that is derived: file names and messages stay readable, and what is put before it stays within the language's limit."""
LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th"})

OWN_NAMES = frozenset({
    "id", "submitted_at", "forms_complete", "code", "declaration_signed", "costs", "mark", "rewarded", "opening", "closing", "rate",
    "cap", "least_costs", "pass_mark", "bonus_value", "total_costs", "grant", "submitted_in_time", "not_before_opening", "forms_used",
    "declaration", "costs_reached", "minimum_score",
})  # fmt: skip
"""What the templates call things: nothing that a person names may be called so too. A test holds it against the templates."""


@dataclass(frozen=True, slots=True)
class Word:
    """What a call is about, or what it lists: as typed, its name in the policy, that of a list of it, one and several as people say it."""

    typed: str
    name: str
    many: str
    said: dict[Language, tuple[str, str]]


def tidy(text: str) -> str:
    """A text as it was meant: one line, without characters that cannot be seen, which copying from a PDF brings along."""
    return re.sub(r"\s+", " ", INVISIBLE.sub("", unicodedata.normalize("NFC", text))).strip()


def name_of(text: str, before: str = "") -> str:
    """A name made of a text, empty if there is nothing to make it of; `before` is put before one that begins with a digit."""
    plain = unicodedata.normalize("NFD", text.lower().translate(LETTERS))
    letters = "".join(c for c in plain if not unicodedata.combining(c))
    name = re.sub(r"[^a-z0-9]+", "_", letters).strip("_")
    if name[:1].isdigit():
        name = before + name if before else ""
    if len(name) > NAME_CHARACTERS:
        name = name[: NAME_CHARACTERS + 1].rpartition("_")[0] or name[:NAME_CHARACTERS]
    return name


def is_reserved(name: str) -> bool:
    """Whether the language keeps a name for itself, in one policy or another."""
    return name in RESERVED or name in SCORING_NAMES or name in TYPE_BY_WORD


def word_of(text: str, lang: Language, many: str | None = None) -> Word:
    """A word as it will stand in the policy; `many` is the name of a list of it, else the glossary's, else one made by rule."""
    name = name_of(text)
    entry = _glossary().get(name)
    one = re.sub(r"[^\w '’-]+", " ", tidy(text).replace("_", " ")).strip()
    if entry is not None:
        return Word(tidy(text), name, many or entry["list"], {"it": tuple(entry["it"]), "en": tuple(entry["en"])})
    several = many or _plural(name, one, lang)
    spoken = one if several.startswith("elenco_") else several.replace("_", " ")
    return Word(tidy(text), name, several, {"it": (one, spoken), "en": (one, spoken)})


def _plural(name: str, text: str, lang: Language) -> str:
    """The commonest rules of either language; the person is shown the result and may mend it."""
    if lang == "en":
        if re.search(r"[^aeiou]y$", name):
            return name[:-1] + "ies"
        return name + ("es" if re.search(r"(s|x|z|ch|sh)$", name) else "s")
    if not text[-1:].isascii():
        return f"elenco_{name}"  # società, attività: the plural is the same word, and the list needs a name of its own
    for ending, plural in (("ca", "che"), ("ga", "ghe"), ("io", "i"), ("a", "e"), ("o", "i"), ("e", "i")):
        if name.endswith(ending):
            return name[: -len(ending)] + plural
    return f"elenco_{name}" if name.endswith(("i", "u", "s")) else name + "s"


@cache
def _glossary() -> dict[str, dict[str, Any]]:
    return tomllib.loads((files("bandolo.scaffold") / "glossary.toml").read_text(encoding="utf-8"))
