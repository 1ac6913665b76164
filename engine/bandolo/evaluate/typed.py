"""One value of an application, read by the type of its fact: exactly, in one spelling, or refused with a code."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from bandolo import limits
from bandolo.diagnostics.spelling import nearest
from bandolo.evaluate.data import Digits, Plain
from bandolo.language import calendar, literals
from bandolo.language.functions import Conventions
from bandolo.language.literals import BadLiteral
from bandolo.language.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    INTEGER,
    MONEY,
    NUMBER,
    PERCENT,
    TEXT,
    ChoiceType,
    DurationType,
    Type,
)  # fmt: skip
from bandolo.language.values import Value
from bandolo.records import dataclass, field

UNSAFE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


@dataclass
class BadValue(Exception):
    """A value that its fact cannot take: the code of its diagnostic, and what it speaks of."""

    code: str
    args_: dict[str, Any] = field(default_factory=dict)


def read_value(raw: Any, type_: Type, conventions: Conventions) -> Value:
    """The value of one datum.

    Accepts what JSON, YAML and Python give: text, `Digits`, `Plain`, int, Decimal, Fraction, bool, date, datetime. A Python float is
    refused (`float-given`): it is not the number that was meant.
    """
    if isinstance(raw, float):
        raise BadValue("float-given", {"found": repr(raw)})
    try:
        if type_ == BOOLEAN:
            return _boolean(raw)
        if type_ in (INTEGER, NUMBER):
            return _number(raw, type_)
        if type_ == PERCENT:
            return _percent(raw)
        if type_ == MONEY:
            return _money(raw, conventions)
        if type_ == DATE:
            return _date(raw)
        if type_ == DATETIME:
            return _instant(raw, conventions)
        if isinstance(type_, DurationType):
            length = literals.read_duration(_text_of(raw, type_))
            if (type_.unit == "days" and length.months) or (type_.unit == "months" and length.days):
                raise BadLiteral("bad-duration")
            return length
        if isinstance(type_, ChoiceType):
            return _choice(raw, type_)
        if type_ == TEXT:
            return _text(raw)
    except BadLiteral as bad:
        args = {"found": _brief(raw), "currency": conventions.currency, "limit": limits.NUMBER_DIGITS}
        raise BadValue(bad.code, args) from None
    raise BadValue("wrong-data", {"expected": type_, "found": _brief(raw)})


def _brief(raw: Any) -> str:
    """The beginning of a datum, for a message. Python refuses to write out very long integers."""
    long = isinstance(raw, int | Fraction) and max(abs(raw.numerator), raw.denominator).bit_length() > 1_000
    return "…" if long else str(raw)[:80]


def _wrong(raw: Any, type_: Type) -> BadValue:
    return BadValue("wrong-data", {"expected": type_, "found": _shown(raw)})


def _shown(raw: Any) -> str:
    if isinstance(raw, dict):
        return "{…}"
    return "[…]" if isinstance(raw, list | tuple) else f'"{raw[:60]}"' if type(raw) is str else str(raw)[:60]


def _text_of(raw: Any, type_: Type) -> str:
    if not isinstance(raw, str) or isinstance(raw, Digits):
        raise _wrong(raw, type_)
    return raw


def _content(text: str) -> str:
    """The text itself: a member of an enumeration of texts would say its own name instead."""
    return str.__str__(text)


def _boolean(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, Plain) and raw in ("true", "false"):
        return raw == "true"
    raise BadValue("boolean-data", {"found": _shown(raw)})


def _exact(raw: Any, type_: Type) -> Fraction:
    if isinstance(raw, bool):
        raise _wrong(raw, type_)
    if isinstance(raw, int | Fraction):
        value = Fraction(raw)
    elif isinstance(raw, Decimal):
        if not raw.is_finite() or abs(raw.adjusted()) > limits.NUMBER_DIGITS:
            raise BadLiteral("number-too-long")
        value = Fraction(raw)
    elif isinstance(raw, str):
        return literals.read_number(raw, underscores=isinstance(raw, Plain))
    else:
        raise _wrong(raw, type_)
    if max(abs(value.numerator), value.denominator).bit_length() > 4 * limits.NUMBER_DIGITS:
        raise BadLiteral("number-too-long")
    return value


def _number(raw: Any, type_: Type) -> Fraction:
    value = _exact(raw, type_)
    if type_ == INTEGER and value.denominator != 1:
        raise BadValue("not-whole", {"found": _brief(raw)})
    return value


def _percent(raw: Any) -> Fraction:
    if not isinstance(raw, str) or isinstance(raw, Digits):
        raise BadValue("bare-percent", {"found": _brief(raw)})
    return literals.read_percent(raw, underscores=isinstance(raw, Plain))


def _money(raw: Any, conventions: Conventions) -> Fraction:
    if isinstance(raw, str) and " " in raw:
        return literals.read_money(raw, conventions.currency, underscores=isinstance(raw, Plain))
    if isinstance(raw, str):
        literals.refuse_thousands(raw)
    value = _exact(raw, MONEY)
    if (value * 100).denominator != 1:
        raise BadLiteral("fraction-of-a-cent")
    return value


def _date(raw: Any) -> date:
    if isinstance(raw, date) and not isinstance(raw, datetime):
        return raw
    text = _text_of(raw, DATE)
    if literals.DATE.match(text) and len(text) > 10:
        raise _wrong(raw, DATE)
    return literals.read_date(text)


def _instant(raw: Any, conventions: Conventions) -> datetime:
    if isinstance(raw, datetime):
        try:
            return calendar.instant(raw, conventions.time_zone)
        except calendar.OutOfRange:
            raise BadLiteral("no-such-date") from None
    text = _text_of(raw, DATETIME)
    if literals.DATE.fullmatch(text):
        raise BadValue("date-without-time", {"found": text})
    return literals.read_instant(text, conventions.time_zone).astimezone(UTC)


def _choice(raw: Any, type_: ChoiceType) -> str:
    text = _text_of(raw, type_)
    if text not in type_.options:
        args = {"found": text[:80], "options": ", ".join(type_.options), "nearest": nearest(text, type_.options)}
        raise BadValue("unlisted-choice", args)
    return _content(text)


def _text(raw: Any) -> str:
    text = _text_of(raw, TEXT)
    if len(text) > limits.TEXT_CHARACTERS:
        raise BadValue("text-too-long", {"limit": limits.TEXT_CHARACTERS})
    if UNSAFE.search(text):
        raise BadValue("unsafe-text", {})
    return _content(text)
