"""Which questions are asked, in which order, what stands where nobody answers, and how the answers come together."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Any, cast

from bandolo.language.types import Language
from bandolo.scaffold.answers import (
    Answers,
    BadAnswer,
    Money,
    Score,
    read_amount,
    read_closing,
    read_count,
    read_moment,
    read_name,
    read_points,
    read_share,
    read_source,
    read_text,
    read_title,
    read_word,
    read_yes,
    typed_moment,
)
from bandolo.scaffold.names import word_of

Found = dict[str, Any]
"""The answers read so far, by question; None where there is none of it."""
NOTHING = ("", "no", "none", "nessuno", "nessuna", "nulla")


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `default` is what a person would type for it, None where somebody must answer; `when` says whether it is asked."""

    key: str
    read: Callable[[str, Language, Found], Any]
    default: Callable[[Language, Found, date], str | None]
    when: Callable[[Found], bool] = lambda found: True
    may_lack: bool = False

    @property
    def option(self) -> str:
        return option_of(self.key)

    def prompt(self, lang: Language) -> str:
        return _prompts()[self.key][lang]

    def value(self, text: str, lang: Language, found: Found) -> Any:
        """The answer read; `no` means that there is none, where there may be none."""
        if self.may_lack and text.strip().lower() in NOTHING:
            return None
        return self.read(text, lang, found)


def option_of(key: str) -> str:
    """The option that answers a question."""
    return "--" + key.replace("_", "-")


class Unanswered(Exception):
    """A question that needs an answer and got none."""

    def __init__(self, question: Question) -> None:
        self.question = question
        super().__init__(question.key)


class WrongOption(Exception):
    """An option that cannot be used, and why."""

    def __init__(self, question: Question, error: BadAnswer) -> None:
        self.question, self.diagnostic = question, error.diagnostic
        super().__init__(question.key)


def _says(text: str) -> Callable[[Language, Found, date], str | None]:
    return lambda lang, found, today: text


def _plural(text: str, lang: Language, found: Found) -> Any:
    return read_word(found["typed_list"], lang, (found["entity"].name, found["entity"].many), text)


def _listed(text: str, lang: Language, found: Found) -> Any:
    """The listed entity; its list's name is looked at when it is asked for."""
    found["typed_list"] = text
    return read_word(text, lang, (found["entity"].name,), "listed_records")


QUESTIONS = (
    Question("title", lambda text, lang, found: read_title(text), lambda lang, found, today: None),
    Question("other_title", lambda text, lang, found: read_text(text), _says(""), may_lack=True),
    Question("name", lambda text, lang, found: read_name(text, lang), lambda lang, found, today: _name(lang, found)),
    Question("issuer", lambda text, lang, found: read_text(text), _says(""), may_lack=True),
    Question(
        "entity", lambda text, lang, found: read_word(text, lang), lambda lang, found, today: {"it": "progetto", "en": "project"}[lang]
    ),
    Question("list", _listed, _says("partner"), may_lack=True),
    Question("plural", _plural, lambda lang, found, today: word_of(found["typed_list"], lang).many, lambda found: bool(found["list"])),
    Question("minimum", lambda text, lang, found: read_count(text), _says("2"), lambda found: bool(found["list"])),
    Question("opening", lambda text, lang, found: read_moment(text, lang), _says("no"), may_lack=True),
    Question(
        "closing",
        lambda text, lang, found: read_closing(text, lang, found["opening"]),
        lambda lang, found, today: _closing(lang, found, today),
    ),
    Question("money", lambda text, lang, found: read_yes(text), lambda lang, found, today: {"it": "sì", "en": "yes"}[lang]),
    Question("rate", lambda text, lang, found: read_share(text, lang), _says("50%"), lambda found: found["money"]),
    Question("cap", lambda text, lang, found: read_amount(text, lang), _says("20000"), lambda found: found["money"]),
    Question("least_costs", lambda text, lang, found: read_amount(text, lang, Fraction(0)), _says("0"), lambda found: found["money"]),
    Question("score", lambda text, lang, found: read_yes(text), _says("no")),
    Question("pass_mark", lambda text, lang, found: read_points(text, lang), _says("60"), lambda found: found["score"]),
    Question("bonus", lambda text, lang, found: read_points(text, lang, Fraction(0)), _says("0"), lambda found: found["score"]),
    Question("text", lambda text, lang, found: read_source(text), _says("no"), may_lack=True),
)


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever answers at the terminal: how to ask, how to say that an answer will not do, and which file a name would collide with."""

    ask: Callable[[Question, str], str]
    tell: Callable[[BadAnswer], None]
    collides: Callable[[str], str | None]

    def answer(self, question: Question, lang: Language, found: Found, today: date) -> Any:
        """A good answer; one that is not is told, and asked for again."""
        while True:
            default = question.default(lang, found, today) or ""
            try:
                value = question.value(self.ask(question, default).strip() or default, lang, found)
                # Said now, not after all the other questions.
                if question.key == "name" and (path := self.collides(value)) is not None:
                    raise BadAnswer("file-exists", path=path)
                return value
            except BadAnswer as error:
                self.tell(error)


def collect(given: Mapping[str, str], lang: Language, today: date, person: Person | None = None) -> Answers:
    """The answers: what is `given` first, else what the person says, else the defaults.

    Raises `WrongOption` for a given answer that cannot be used, and `Unanswered` where nobody can be asked and there is no default.
    """
    found: Found = {}
    taken = set()
    for question in QUESTIONS:
        key = question.key
        if not question.when(found):
            if key in given:
                raise WrongOption(question, BadAnswer("answer-not-asked"))
            found[key] = None
        elif key in given:
            try:
                found[key] = question.value(given[key], lang, found)
            except BadAnswer as error:
                raise WrongOption(question, error) from None
        elif person is not None:
            found[key] = person.answer(question, lang, found, today)
        else:
            found[key] = _default(question, lang, found, today)
            taken.add(key)
    return _answers(found, lang, frozenset(taken))


def _default(question: Question, lang: Language, found: Found, today: date) -> Any:
    default = question.default(lang, found, today)
    if default is None:
        raise Unanswered(question)
    try:
        return question.value(default, lang, found)
    except BadAnswer:
        raise Unanswered(question) from None  # such as a list that would be called like something else


def _answers(found: Found, lang: Language, taken: frozenset[str]) -> Answers:
    titles = {lang: found["title"], cast(Language, {"it": "en", "en": "it"}[lang]): found["other_title"]}
    return Answers(
        lang=lang,
        name=found["name"],
        titles={language: title for language, title in titles.items() if title},
        issuer=found["issuer"] or "",
        root=found["entity"],
        listed=found["plural"],
        minimum=found["minimum"] or 0,
        opening=found["opening"],
        closing=found["closing"],
        money=Money(found["rate"], found["cap"], found["least_costs"]) if found["money"] else None,
        score=Score(found["pass_mark"], found["bonus"]) if found["score"] else None,
        text=found["text"],
        taken=taken,
    )


def _name(lang: Language, found: Found) -> str | None:
    try:
        return read_name(found["title"], lang)
    except BadAnswer:
        return None  # a title without a single letter that can stand in a name


def _closing(lang: Language, found: Found, today: date) -> str:
    """Noon of the sixtieth day after the opening; without one, of the last day of March of next year."""
    opening = found["opening"]
    day = datetime(today.year + 1, 3, 31) if opening is None else opening + timedelta(days=60)
    return typed_moment(day.replace(hour=12, minute=0, second=0), lang)


@cache
def _prompts() -> dict[str, dict[Language, str]]:
    return cast("dict[str, dict[Language, str]]", tomllib.loads((files("bandolo.scaffold") / "questions.toml").read_text(encoding="utf-8")))
