"""What a person answers, read and checked: each `read_*` gives the value of one answer, or raises `BadAnswer` with what to say.

People write as they are used to: `31/03/2027 16.00` and `20.000,50 €` are understood from someone who answers in Italian.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

from bandolo import limits
from bandolo.diagnostics import Diagnostic
from bandolo.language.literals import BadLiteral, read_datetime, read_number, refuse_thousands
from bandolo.language.types import Language
from bandolo.scaffold.names import OWN_NAMES, Word, is_reserved, name_of, tidy, word_of
from bandolo.source import read_bytes

TITLE_CHARACTERS = 1000
YEARS = (1990, 2100)
MOST_LISTED = 200
MOST_MONEY = 10**12


class BadAnswer(Exception):
    """An answer that cannot be used, with what to say of it."""

    def __init__(self, code: str, **args: Any) -> None:
        self.diagnostic = Diagnostic(code, args=args)
        super().__init__(code)


@dataclass(frozen=True, slots=True)
class Money:
    """A grant: a rate of the costs, at most a cap; `least_costs` is 0 where there is no minimum."""

    rate: Fraction
    cap: Fraction
    least_costs: Fraction


@dataclass(frozen=True, slots=True)
class Score:
    """A mark out of 100: the least that passes, and the points of the bonus, 0 where there is none."""

    minimum: Fraction
    bonus: Fraction


@dataclass(frozen=True, slots=True)
class CallText:
    """The text of the call as somebody has it: its file, and what is in it."""

    path: Path
    content: str


@dataclass(frozen=True, slots=True)
class Answers:
    """All that a new policy is made of. `taken` names the answers that nobody gave: their defaults are to be looked at."""

    lang: Language
    name: str
    titles: Mapping[Language, str]
    issuer: str
    root: Word
    listed: Word | None
    minimum: int
    opening: datetime | None
    closing: datetime
    money: Money | None
    score: Score | None
    text: CallText | None
    taken: frozenset[str] = frozenset()


def read_text(text: str) -> str:
    """A title or a name for people: one line."""
    said = tidy(text)
    if len(said) > TITLE_CHARACTERS:
        raise BadAnswer("text-too-long", limit=TITLE_CHARACTERS)
    return said


def read_title(text: str) -> str:
    """A title that has something in it."""
    title = read_text(text)
    if not title:
        raise BadAnswer("answer-missing")
    if not re.search(r"\w", title):
        raise BadAnswer("no-name-in", text=title)
    return title


def read_name(text: str, lang: Language) -> str:
    """The policy's own name, which its files are called by."""
    name = name_of(text, {"it": "bando_", "en": "call_"}[lang])
    if not name:
        raise BadAnswer("no-name-in", text=tidy(text))
    return name


def read_word(text: str, lang: Language, others: tuple[str, ...] = (), many: str | None = None) -> Word:
    """An entity, whose name and whose list's name are free: neither words of the language nor names of the template."""
    if not name_of(text) or (many is not None and not name_of(many)):
        raise BadAnswer("no-name-in", text=tidy(text if not name_of(text) else many or ""))
    word = word_of(text, lang, name_of(many) if many is not None else None)
    taken = {*OWN_NAMES, *others}
    for name in (word.name, word.many):
        if is_reserved(name):
            raise BadAnswer("reserved-name", name=name)
        if name in taken or {f"minimum_{name}", f"counted_{name}", f"enough_{name}"} & taken:
            raise BadAnswer("name-taken", name=name)
    if word.name == word.many:
        raise BadAnswer("name-taken", name=word.name)
    return word


def read_yes(text: str) -> bool:
    """Yes or no, in either language."""
    plain = name_of(text)
    if plain in ("s", "si", "y", "yes"):
        return True
    if plain in ("n", "no"):
        return False
    raise BadAnswer("answer-yes-no", text=tidy(text))


def read_count(text: str) -> int:
    """How many records must be listed at least; 0 for no minimum."""
    plain = tidy(text)
    if not re.fullmatch(r"[0-9]{1,9}", plain, re.ASCII) or not int(plain) <= MOST_LISTED:
        raise BadAnswer("answer-range", text=plain, least=0, most=MOST_LISTED)
    return int(plain)


def read_amount(text: str, lang: Language, least: Fraction = Fraction(1, 100)) -> Fraction:
    """An amount in euro, to the cent."""
    plain = _number(re.sub(r"\s*(€|euro|EUR)\s*", "", tidy(text), flags=re.IGNORECASE), lang)
    try:
        refuse_thousands(plain)
        value = read_number(plain)
    except BadLiteral as error:
        raise BadAnswer(error.code, found=tidy(text)) from None
    if (value * 100).denominator != 1:
        raise BadAnswer("fraction-of-a-cent", found=tidy(text), currency="EUR")
    if not least <= value <= MOST_MONEY:
        raise BadAnswer("answer-range", text=tidy(text), least=_plainly(least), most=_plainly(Fraction(MOST_MONEY)))
    return value


def read_share(text: str, lang: Language) -> Fraction:
    """A percentage above 0, `50%` or `50`, with two decimals at most."""
    return _between(text, lang, Fraction(1, 100)) / 100


def read_points(text: str, lang: Language, least: Fraction = Fraction(1, 100)) -> Fraction:
    """Points out of 100, with two decimals at most."""
    return _between(text, lang, least)


def read_moment(text: str, lang: Language) -> datetime:
    """A day with its time, to the second, as the clock on the wall shows it."""
    plain = re.sub(r"[\s,]+(alle |at )?((alle )?ore )?", " ", tidy(text).replace("T", " "))
    if lang == "it":
        plain = re.sub(r"^([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})\b", lambda m: f"{m[3]}-{int(m[2]):02}-{int(m[1]):02}", plain)
        plain = re.sub(r" ([0-9]{1,2})\.([0-9]{2})(?:\.([0-9]{2}))?$", lambda m: f" {m[1]}:{m[2]}" + (f":{m[3]}" if m[3] else ""), plain)
    plain = re.sub(r" ([0-9]):", r" 0\1:", plain)
    try:
        moment = read_datetime(plain)
    except BadLiteral:
        raise BadAnswer("answer-moment", text=tidy(text)) from None
    if moment.tzinfo is not None:
        raise BadAnswer("answer-moment", text=tidy(text))
    if not YEARS[0] <= moment.year <= YEARS[1]:
        raise BadAnswer("answer-range", text=moment.year, least=YEARS[0], most=YEARS[1])
    return moment


def typed_moment(moment: datetime, lang: Language) -> str:
    """A day with its time as it would be typed."""
    day = {"it": "%d/%m/%Y", "en": "%Y-%m-%d"}[lang]
    return moment.strftime(day + (" %H:%M:%S" if moment.second else " %H:%M"))


def read_closing(text: str, lang: Language, opening: datetime | None) -> datetime:
    """The last instant at which one may apply, later than the first."""
    closing = read_moment(text, lang)
    if opening is not None and closing <= opening:
        raise BadAnswer("closing-before-opening", closing=typed_moment(closing, lang), opening=typed_moment(opening, lang))
    return closing


def read_source(text: str) -> CallText:
    """The text of the call out of a file of plain text."""
    path = Path(text.strip()).expanduser()
    try:
        content = read_bytes(path, limits.SOURCE_BYTES)
        if len(content) > limits.SOURCE_BYTES:
            raise BadAnswer("too-large", limit=limits.SOURCE_BYTES)
        return CallText(path, content.decode("utf-8-sig"))
    except (OSError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise BadAnswer("not-utf8", line=content[: error.start].count(b"\n") + 1) from None
        raise BadAnswer("is-a-folder" if isinstance(error, IsADirectoryError) else "file-not-found", path=str(path)) from None


def _between(text: str, lang: Language, least: Fraction) -> Fraction:
    plain = _number(tidy(text).removesuffix("%").strip(), lang)
    try:
        value = read_number(plain)
    except BadLiteral as error:
        raise BadAnswer(error.code, found=tidy(text)) from None
    if not least <= value <= 100 or (value * 100).denominator != 1:
        raise BadAnswer("answer-range", text=tidy(text), least=_plainly(least), most=100)
    return value


def _number(text: str, lang: Language) -> str:
    """A number as people of a language write it, as the rule language does: thousands without a sign, decimals behind a point."""
    thousands, decimal = {"it": (".", ","), "en": (",", ".")}[lang]
    grouped = rf"[0-9]{{1,3}}(?:{re.escape(thousands)}[0-9]{{3}})+(?:{re.escape(decimal)}[0-9]+)?"
    if re.fullmatch(grouped, text, re.ASCII):
        text = text.replace(thousands, "")
    return text.replace(",", ".") if lang == "it" and re.fullmatch(r"[0-9_]+,[0-9]+", text, re.ASCII) else text


def _plainly(value: Fraction) -> str:
    return f"{float(value):g}" if value < 1 else f"{int(value)}"
