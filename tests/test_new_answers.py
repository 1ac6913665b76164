"""What people type to `bandolo new`: how names, amounts, dates and lists are understood, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from fractions import Fraction

import pytest

from bandolo.language.types import Language
from bandolo.scaffold.answers import BadAnswer, read_amount, read_moment, read_word
from bandolo.scaffold.figures import grant, sound_costs
from bandolo.scaffold.names import NAME_CHARACTERS, OWN_NAMES, is_reserved, name_of, word_of
from bandolo.scaffold.questions import collect

TODAY = date(2026, 9, 1)
CLOSING = "2027-03-31 16:00"


def outcome(read: Callable[[], object]) -> object:
    """What an answer is read as, or the code of what is said of it."""
    try:
        return read()
    except BadAnswer as error:
        return error.diagnostic.code


def test_the_grant_is_reckoned_with_cents_rounded_down() -> None:
    terms = collect({"title": "A", "closing": CLOSING, "rate": "33%", "cap": "100"} | {"money": "yes"}, "en", TODAY).money
    assert terms is not None
    assert grant(terms, Fraction("100.01")) == Fraction("33.00")
    assert grant(terms, Fraction("303.04")) == 100
    assert grant(terms, Fraction("303.03")) == Fraction("99.99")
    assert sound_costs(terms, 3).total == 3 * sound_costs(terms, 3).each


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Bando Digitale 2027", "bando_digitale_2027"),
        ("  «Società & Città»: perché no?  ", "societa_citta_perche_no"),
        ("Straße Łódź ŒUVRE", "strasse_lodz_oeuvre"),
        ("2027", "bando_2027"),
        ("???", ""),
        ("公募", ""),
        ("una " * 40, "una_una_una_una_una_una_una_una_una_una_una_una_una_una_una"),
        ("x" * 300, "x" * NAME_CHARACTERS),
    ],
)
def test_names_out_of_titles(text: str, name: str) -> None:
    assert name_of(text, "bando_") == name


@pytest.mark.parametrize(
    ("lang", "word", "many"),
    [
        ("it", "impresa", "imprese"), ("it", "Società", "elenco_societa"), ("it", "cantina", "cantine"),
        ("it", "biblioteca", "biblioteche"), ("it", "laboratorio", "laboratori"), ("it", "rete", "reti"),
        ("it", "partner", "partners"), ("it", "università", "elenco_universita"),
        ("en", "mill", "mills"), ("en", "bakery", "bakeries"), ("en", "church", "churches"), ("en", "company", "companies"),
    ],
)  # fmt: skip
def test_what_a_list_is_called(lang: Language, word: str, many: str) -> None:
    assert word_of(word, lang).many == many


@pytest.mark.parametrize(
    ("lang", "text", "amount"),
    [
        ("it", "20.000,50 €", "20000.50"), ("it", "20.000", "20000"), ("it", "€ 1200,5", "1200.5"), ("it", "20000", "20000"),
        ("it", "20_000 EUR", "20000"), ("en", "20,000.50", "20000.50"), ("en", "20000.5 euro", "20000.5"),
        ("en", "20.000", "italian-number"),
        ("it", "venti", "bad-number"), ("it", "0", "answer-range"), ("it", "0,001", "fraction-of-a-cent"), ("en", "-5", "answer-range"),
        ("it", "٣", "bad-number"),
    ],
)  # fmt: skip
def test_amounts_as_people_write_them(lang: Language, text: str, amount: str) -> None:
    assert outcome(lambda: read_amount(text, lang)) == (Fraction(amount) if amount[0].isdigit() else amount)


@pytest.mark.parametrize(
    ("lang", "text", "moment"),
    [
        ("it", "31/3/2027 9.00", "2027-03-31 09:00:00"), ("it", "31-03-2027, ore 16:00", "2027-03-31 16:00:00"),
        ("it", "31.03.2027 alle ore 16.00.59", "2027-03-31 16:00:59"), ("it", "2027-03-31T16:00", "2027-03-31 16:00:00"),
        ("en", "2027-03-31 16:00", "2027-03-31 16:00:00"), ("en", "03/04/2027 16:00", "answer-moment"),
        ("it", "31/03/2027", "answer-moment"),
        ("it", "31/02/2027 16:00", "answer-moment"), ("it", "31/03/2027 24:00", "answer-moment"),
        ("en", "2027-03-31 16:00Z", "answer-moment"),
        ("en", "1066-10-14 09:00", "answer-range"), ("en", "tomorrow", "answer-moment"),
    ],
)  # fmt: skip
def test_moments_as_people_write_them(lang: Language, text: str, moment: str) -> None:
    assert str(outcome(lambda: read_moment(text, lang))) == moment


def test_words_of_the_language_and_of_the_template_are_refused() -> None:
    for word in ("if", "admitted", "money", "final_score", "none"):
        assert is_reserved(word)
        with pytest.raises(BadAnswer) as caught:
            read_word(word, "it")
        assert caught.value.diagnostic.code == "reserved-name"
    for word in OWN_NAMES - {"minimum_score"}:
        with pytest.raises(BadAnswer) as caught:
            read_word(word, "it")
        assert caught.value.diagnostic.code in ("name-taken", "reserved-name")
