"""One cell, by the type of its fact, as the datum that an application's data holds; whatever is not clear is refused with a mend.

The datum is read on by `evaluate.typed` like that of a JSON file, so that ranges, cents and choices have one meaning. Here only what a
spreadsheet adds is settled: numbers by their shortest decimal, percent cells, serial dates, labels in place of words, and the Italian
ways of writing them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from bandolo.diagnostics.spelling import nearest
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
    ListType,
    Type,
)  # fmt: skip
from bandolo.language.values import Duration, ListValue, Member, Value
from bandolo.language.wording import Shown
from bandolo.sheets import spelling
from bandolo.sheets.spelling import NONE_WORDS, Spelling, Unclear

DIGITS = 15
"""What Excel keeps of a number: more digits were made up, or lost, on the way."""
MILLISECONDS = 5
"""How far a stored time may be from a whole second and still be it: writers round days to seven decimals or more."""

STORED = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")

Kind = Literal["text", "number", "percent", "date", "datetime", "boolean", "error", "formula"]


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell holds. `text` is its text, the shortest decimal of its number, `true`, the error, or the formula without a value.

    `percent`, `date` and `datetime` are numbers whose format says so; of dates `text` is the serial number, unless it is a date in ISO.
    """

    kind: Kind
    text: str


@dataclass
class BadCell(Exception):
    """A cell that its fact cannot take: the code of its diagnostic, and what it speaks of."""

    code: str
    args_: dict[str, Any] = field(default_factory=dict)


def datum(cell: Cell, type_: Type, optional: bool, ways: Spelling) -> Any:
    """The datum that a cell gives to a fact of a type: text, bool, Decimal, date, datetime, a list, or None for `none`.

    Codes: `cell-error`, `formula-without-value`, `wrong-cell`, `unlisted-choice`, `number-in-text`, `too-many-digits`, `percent-cell`,
    `plain-cell`, `ambiguous-number`, `ambiguous-date`, `number-for-date`, `time-in-date`, `no-time-in-cell`, `part-of-second`.
    """
    if cell.kind == "error":
        raise BadCell("cell-error", {"found": cell.text})
    if cell.kind == "formula":
        raise BadCell("formula-without-value", {"found": cell.text[:60]})
    if cell.kind == "text" and cell.text.strip().casefold() in NONE_WORDS and not names_option(cell.text, type_):
        if optional:
            return None
        if isinstance(type_, ListType):
            return []
    try:
        if isinstance(type_, ListType):
            return _list(cell, type_, ways)
        return _single(cell, type_, optional, ways)
    except Unclear as unclear:
        raise BadCell(unclear.code, {"found": cell.text.strip()[:60], **unclear.args_}) from None


def names_option(text: str, type_: Type) -> bool:
    """Whether a word is an option of a choice, or of a list of choices: then it does not mean `none`."""
    inner = type_.item if isinstance(type_, ListType) else type_
    return isinstance(inner, ChoiceType) and bool(_options(Cell("text", text), inner))


def count(cell: Cell, ways: Spelling) -> int:
    """How many records a cell of a `count` column says there are."""
    said = datum(cell, INTEGER, True, ways)
    if said is None:
        return 0
    if said != said.to_integral_value() or not 0 <= said < 10**9:
        raise _wrong(cell, INTEGER)
    return int(said)


def _wrong(cell: Cell, type_: Type) -> BadCell:
    return BadCell("wrong-cell", {"expected": type_, "found": cell.text.strip()[:60], "example": _example(type_)})


def _example(type_: Type) -> Any:
    """A value as it may be typed, for the advice."""
    texts = {DATE: "31/12/2022", DATETIME: "31/12/2022 16:00", PERCENT: "50%", INTEGER: "12", NUMBER: "12"}
    if type_ in texts:
        return texts[type_]
    values: dict[Type, Value] = {BOOLEAN: True, MONEY: Fraction(1_234_56, 100)}
    if isinstance(type_, DurationType):
        return Shown(Duration(months=6) if type_.unit == "months" else Duration(days=30), type_)
    return Shown(values[type_], type_) if type_ in values else "…"


def _single(cell: Cell, type_: Type, optional: bool, ways: Spelling) -> Any:
    if type_ == TEXT:
        return _text(cell, optional)
    if type_ == BOOLEAN:
        return _boolean(cell)
    if type_ in (INTEGER, NUMBER, MONEY):
        return _number(cell, type_, ways)
    if type_ == PERCENT:
        return _percent(cell, ways)
    if type_ == DATE:
        return _date(cell, ways)
    if type_ == DATETIME:
        return _instant(cell, ways)
    if isinstance(type_, ChoiceType):
        return _choice(cell, type_)
    if isinstance(type_, DurationType):
        if cell.kind != "text":
            raise _wrong(cell, type_)
        return spelling.duration(cell.text)
    raise _wrong(cell, type_)


def _list(cell: Cell, type_: ListType, ways: Spelling) -> list[Any]:
    if cell.kind != "text":
        return [_single(cell, type_.item, False, ways)]
    parts = [Cell("text", part.strip()) for part in cell.text.split(";")]
    return [_single(part, type_.item, False, ways) for part in parts if part.text]


def _text(cell: Cell, optional: bool) -> str:
    """The text as it stands; a number is refused, since its zeros may be lost. `"none"` in quotes is the text, not its absence."""
    if cell.kind != "text":
        raise BadCell("number-in-text", {"found": cell.text[:60]})
    inner = cell.text.strip()[1:-1] if optional and re.fullmatch(r'\s*"[^"]*"\s*', cell.text) else None
    return inner if inner is not None and inner.strip().casefold() in NONE_WORDS else cell.text


def _boolean(cell: Cell) -> bool:
    word = spelling.folded(cell.text)
    if cell.kind not in ("boolean", "text") or word not in spelling.BOOLEANS:
        raise _wrong(cell, BOOLEAN)
    return spelling.BOOLEANS[word]


def _choice(cell: Cell, type_: ChoiceType) -> str:
    """An option by its word, or by its label in either language."""
    found = _options(cell, type_)
    if len(found) == 1:
        return found[0]
    near = nearest(cell.text[:80], [w for option in type_.options for w in (option, *type_.labels.get(option, ()))])
    options = Shown(ListValue(tuple(Member(option) for option in type_.options)), ListType(type_))
    raise BadCell("unlisted-choice", {"found": cell.text.strip()[:80], "options": options, "nearest": near})


def _options(cell: Cell, type_: ChoiceType) -> list[str]:
    """The options that a text names."""
    text = spelling.folded(cell.text)
    if cell.kind != "text" or cell.text in type_.options:
        return [cell.text] if cell.kind == "text" else []
    return [option for option in type_.options if text in {spelling.folded(w) for w in (option, *type_.labels.get(option, ()))}]


# Numbers.


def shortest(text: str) -> str | None:
    """A stored number as the shortest decimal that stands for it, without exponent; None if it is none."""
    if not STORED.fullmatch(text) or len(text) > 400:
        return None
    number = Decimal(repr(float(text)))
    if not number.is_finite() or abs(number.adjusted()) > 40:
        return None
    plain = f"{number:f}"
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain in ("-0", "") else plain


def _few_digits(cell: Cell) -> Decimal:
    if len(cell.text.lstrip("-").replace(".", "").lstrip("0")) > DIGITS:
        raise BadCell("too-many-digits", {"found": cell.text[:60], "limit": DIGITS})
    return Decimal(cell.text)


def _number(cell: Cell, type_: Type, ways: Spelling) -> Decimal:
    if cell.kind == "number":
        return _few_digits(cell)
    if cell.kind == "percent":
        raise BadCell("percent-cell", {"found": f"{_percents(cell):f}%", "expected": type_})
    if cell.kind != "text":
        raise _wrong(cell, type_)
    text = spelling.without_sign(cell.text, ways) if type_ == MONEY else cell.text
    if "%" in text:
        raise BadCell("percent-cell", {"found": text.strip()[:60], "expected": type_})
    number = spelling.number(text, ways)
    if number is None:
        raise _wrong(cell, type_)
    return number


def _percents(cell: Cell) -> Decimal:
    value = _few_digits(cell).scaleb(2)
    return value.to_integral_value() if value == value.to_integral_value() else value


def _percent(cell: Cell, ways: Spelling) -> str:
    if cell.kind == "percent":
        return f"{_percents(cell):f}%"
    if cell.kind == "number" or (cell.kind == "text" and "%" not in cell.text and spelling.looks_like_number(cell.text)):
        raise BadCell("plain-cell", {"found": cell.text.strip()[:60]})
    text = cell.text.strip()
    number = spelling.number(text[:-1].rstrip(), ways) if cell.kind == "text" and text.endswith("%") else None
    if number is None:
        raise _wrong(cell, PERCENT)
    return f"{number:f}%"


# Dates.


def moment(serial: str, from_1904: bool) -> tuple[date, int] | None:
    """The day and the milliseconds of it that a serial number stands for; None where there is no such day.

    Serial 60 of the 1900 system is 29 February 1900, which never was; days before it count from 31 December 1899.
    """
    number = Decimal(serial)
    days = int(number)
    if from_1904:
        start, least = date(1904, 1, 1), 0
    else:
        start, least = (date(1899, 12, 30) if days > 60 else date(1899, 12, 31)), 1
    milliseconds = int(((number - days) * 86_400_000).to_integral_value())
    if days < least or number < 0 or (days == 60 and not from_1904):
        return None
    try:
        day = start + timedelta(days=days + milliseconds // 86_400_000)
    except OverflowError:
        return None
    return day, milliseconds % 86_400_000


def _stored(cell: Cell, type_: Type, ways: Spelling) -> tuple[date, int]:
    found = moment(cell.text, ways.from_1904)
    if found is None:
        raise _wrong(cell, type_)
    day, milliseconds = found
    seconds, rest = divmod(milliseconds + MILLISECONDS, 1000)
    if rest > 2 * MILLISECONDS:
        shown = datetime(day.year, day.month, day.day) + timedelta(milliseconds=milliseconds)
        raise BadCell("part-of-second", {"found": shown.isoformat(sep=" ", timespec="milliseconds")})
    if seconds < 86_400:
        return day, seconds
    if day == date.max:
        raise _wrong(cell, type_)
    return day + timedelta(days=1), 0


def _date(cell: Cell, ways: Spelling) -> Any:
    if cell.kind in ("date", "datetime"):
        day, seconds = _stored(cell, DATE, ways)
        if seconds:
            raise BadCell("time-in-date", {"found": f"{day} {_clock(seconds)}"})
        return day
    if cell.kind == "number":
        raise _bare_serial(cell, DATE, ways)
    if cell.kind != "text":
        raise _wrong(cell, DATE)
    return _if_clear(spelling.date_text(cell.text, ways), cell, DATE)


def _instant(cell: Cell, ways: Spelling) -> Any:
    if cell.kind in ("date", "datetime"):
        day, seconds = _stored(cell, DATETIME, ways)
        if not seconds and cell.kind == "date":
            raise BadCell("no-time-in-cell", {"found": day.strftime("%d/%m/%Y")})
        return datetime(day.year, day.month, day.day) + timedelta(seconds=seconds)
    if cell.kind == "number":
        raise _bare_serial(cell, DATETIME, ways)
    if cell.kind != "text":
        raise _wrong(cell, DATETIME)
    return _if_clear(spelling.instant_text(cell.text, ways), cell, DATETIME)


def _if_clear(text: str | None, cell: Cell, type_: Type) -> str:
    if text is None:
        raise _wrong(cell, type_)
    return text


def _bare_serial(cell: Cell, type_: Type, ways: Spelling) -> BadCell:
    """A number where a date is wanted: perhaps a date that has lost its format, and then which."""
    found = moment(cell.text, ways.from_1904) if len(cell.text) < 20 else None
    if found is None:
        return _wrong(cell, type_)
    return BadCell("number-for-date", {"found": cell.text, "day": found[0].strftime("%d/%m/%Y")})


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}" + (f":{seconds % 60:02}" if seconds % 60 else "")
