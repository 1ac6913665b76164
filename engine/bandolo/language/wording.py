"""Values in a reader's words: `400.000,00 €` in Italian, `€400,000.00` in English; dates, percentages, yes and no."""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

from bandolo.language.calendar import OutOfRange, wall_time
from bandolo.language.types import MONEY, PERCENT, ChoiceType, Language, OptionalType, Type
from bandolo.language.values import NONE, Duration, Fault, ListValue, Record, Unknown, Value
from bandolo.records import dataclass

SIGNS = {"EUR": "€", "USD": "$", "GBP": "£"}
MONTHS_EN = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")


@dataclass(frozen=True, slots=True)
class Shown:
    """A value that a message speaks of, with its type: it is put into words in the reader's language."""

    value: Value
    type: Type
    currency: str = "EUR"
    time_zone: str = "Europe/Rome"

    def said(self, lang: Language) -> str:
        return say(self.value, self.type, lang, self.currency, self.time_zone)


def say(value: Value, type_: Type, lang: Language, currency: str = "EUR", time_zone: str = "Europe/Rome") -> str:
    """A value as a person reads it. Numbers without an end are cut (to six decimals, percentages to two) and marked `≈`."""
    type_ = type_.of if isinstance(type_, OptionalType) else type_
    match value:
        case bool():
            return {"it": ("no", "sì"), "en": ("no", "yes")}[lang][value]
        case Fraction():
            if type_ == MONEY:
                return money(value, lang, currency)
            if type_ == PERCENT:
                return number(value * 100, lang, places=2) + "%"
            return number(value, lang)
        case datetime():
            try:
                local = wall_time(value, time_zone)
            except OutOfRange:
                local = value  # at the very edge of the calendar, in UTC
            seconds = f":{local.second:02}" if local.second else ""
            time = f"{local.hour:02}:{local.minute:02}{seconds}"
            return f"{day(local.date(), lang)}, {'ore ' if lang == 'it' else ''}{time}"
        case date():
            return day(value, lang)
        case Duration():
            return _duration(value, lang)
        case str():
            return type_.said(value, lang) if isinstance(type_, ChoiceType) else value
        case Record():
            return value.key or value.path
        case ListValue(members=members):
            inner = getattr(type_, "item", type_)
            return ", ".join(say(m.value, inner, lang, currency, time_zone) for m in members) or {"it": "nessuno", "en": "none"}[lang]
        case Unknown():
            return {"it": "non noto", "en": "not known"}[lang]
        case Fault():
            return {"it": "non calcolabile", "en": "not computable"}[lang]
    assert value is NONE
    return {"it": "assente", "en": "none"}[lang]


def money(value: Fraction, lang: Language, currency: str) -> str:
    sign = SIGNS.get(currency, currency)
    text = number(value, lang, at_least=2)
    if lang == "it" or sign == currency:
        return f"{text} {sign}"
    return f"-{sign}{text[1:]}" if text.startswith("-") else f"{sign}{text}"


def number(value: Fraction, lang: Language, at_least: int = 0, places: int = 6) -> str:
    """With separators by language, and as many decimals as it has (at most `places`; cut short, it is marked `≈`)."""
    with localcontext() as context:
        context.prec = 4000
        exact = Decimal(value.numerator) / Decimal(value.denominator)
        shown = exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    mark = "" if Fraction(shown) == value else "≈ "
    text = f"{shown:,.{places}f}".rstrip("0")
    whole, _, decimals = text.partition(".")
    decimals = decimals.ljust(at_least, "0")
    if lang == "it":
        whole = whole.replace(",", ".")
    point = {"it": ",", "en": "."}[lang]
    return mark + whole + (point + decimals if decimals else "")


def day(value: date, lang: Language) -> str:
    if lang == "it":
        return f"{value.day:02}/{value.month:02}/{value.year}"
    return f"{value.day} {MONTHS_EN[value.month - 1]} {value.year}"


def _duration(value: Duration, lang: Language) -> str:
    words = {
        "it": (("anno", "anni"), ("mese", "mesi"), ("giorno", "giorni")),
        "en": (("year", "years"), ("month", "months"), ("day", "days")),
    }
    years, months = divmod(value.months, 12) if value.months % 12 == 0 else (0, value.months)
    parts = [
        f"{count} {one if abs(count) == 1 else many}"
        for count, (one, many) in zip((years, months, value.days), words[lang], strict=True) if count
    ]  # fmt: skip
    return (" e " if lang == "it" else " and ").join(parts) or f"0 {words[lang][2][1]}"
