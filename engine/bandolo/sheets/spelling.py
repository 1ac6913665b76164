"""How people write numbers, dates, yes and no in cells of text: the Italian way, the English way, and what could be either.

`1.234,56` and `1,234.56` are clear; `1.234` is one thousand to some and one and a bit to others, and is refused unless the file itself
shows which sign its decimals have. Likewise `03/04/2023`, unless the file shows which comes first.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal

NONE_WORDS = frozenset({"nessuno", "nessuna", "none"})
"""What an officer writes for `none`: there is none. An empty cell is not that: it is a fact not known yet."""
BOOLEANS = {"sì": True, "si": True, "si'": True, "sí": True, "yes": True, "true": True, "vero": True,
            "no": False, "false": False, "falso": False}  # fmt: skip
SIGNS = {"EUR": "€", "USD": "$", "GBP": "£"}
UNITS = {"giorn": "day", "day": "day", "settiman": "week", "week": "week", "mes": "month", "month": "month", "ann": "year", "year": "year"}

Mark = Literal[",", "."]
First = Literal["day", "month"]


@dataclass(frozen=True, slots=True)
class Spelling:
    """What is known of a file's ways: the sign of its decimals, what comes first in its dates, its currency and its day zero."""

    decimal: Mark | None = None
    first: First | None = "day"
    currency: str = "EUR"
    from_1904: bool = False


@dataclass
class Unclear(Exception):
    """A spelling that could mean two things: the code of its diagnostic, and what both would be."""

    code: str
    args_: dict[str, Any] = field(default_factory=dict)


def folded(text: str) -> str:
    """A word as it is compared: without case, superfluous blanks, or letters in two pieces."""
    return " ".join(unicodedata.normalize("NFC", text).split()).casefold()


PLAIN = re.compile(r"[+-]?[0-9]+")
GROUPS = {",": re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{3})+,[0-9]+"), ".": re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+\.[0-9]+")}
ONLY_GROUPS = re.compile(r"[+-]?[0-9]{1,3}(?:(?:\.[0-9]{3}){2,}|(?:,[0-9]{3}){2,}|(?:['\u2019][0-9]{3})+)")
ONE_SIGN = re.compile(r"([+-]?[0-9]+)([.,])([0-9]+)")


def _bare(text: str) -> str:
    """Without blanks around and between the thousands, and with a true minus."""
    text = text.strip().replace("\u2212", "-").replace("\u2013", "-")
    return re.sub(r"(?<=[0-9])[ \u00a0\u202f](?=[0-9]{3}(?![0-9]))", "", text)


def looks_like_number(text: str) -> bool:
    bare = _bare(text)
    return len(bare) < 100 and any(p.fullmatch(bare) for p in (PLAIN, *GROUPS.values(), ONLY_GROUPS, ONE_SIGN))


def number(text: str, ways: Spelling) -> Decimal | None:
    """The number that a text is, None if it is none. Unclear with `ambiguous-number`."""
    bare = _bare(text)
    if len(bare) > 100:
        return None
    if PLAIN.fullmatch(bare):
        # Zeros in front belong to codes, not to quantities: the reading of facts refuses them, and so it is said here.
        return None if re.match(r"[+-]?0[0-9]", bare) else Decimal(bare)
    for mark, pattern in GROUPS.items():
        if pattern.fullmatch(bare):
            thousands = "." if mark == "," else ","
            return Decimal(bare.replace(thousands, "").replace(mark, "."))
    if ONLY_GROUPS.fullmatch(bare):
        return Decimal(re.sub(r"[.,'\u2019]", "", bare))
    match = ONE_SIGN.fullmatch(bare)
    if match is None or re.match(r"[+-]?0[0-9]", bare):
        return None
    whole, mark, decimals = match.groups()
    if may_be_thousands(whole, decimals) and ways.decimal != mark:
        digits = whole.lstrip("+")
        raise Unclear("ambiguous-number", {"whole": digits + decimals, "part": f"{digits},{decimals}0"})
    return Decimal(f"{whole}.{decimals}")


def may_be_thousands(whole: str, decimals: str) -> bool:
    digits = whole.lstrip("+-")
    return len(decimals) == 3 and len(digits) <= 3 and not digits.startswith("0")


def decimal_mark(text: str) -> Mark | None:
    """The sign of the decimals that a number shows beyond doubt."""
    bare = _bare(text.strip().rstrip("%").strip("€$£ "))
    if len(bare) > 100:
        return None
    if GROUPS[","].fullmatch(bare):
        return ","
    if GROUPS["."].fullmatch(bare):
        return "."
    match = ONE_SIGN.fullmatch(bare)
    if match is None or may_be_thousands(match[1], match[3]):
        return None
    return "," if match[2] == "," else "."


def without_sign(text: str, ways: Spelling) -> str:
    """An amount without the sign or the code of its currency."""
    bare = text.strip()
    for sign in (SIGNS.get(ways.currency, ways.currency), ways.currency):
        for pattern in (rf"([+-]?)\s*{re.escape(sign)}\s*(.*)", rf"(.*[0-9])()\s*{re.escape(sign)}"):
            match = re.fullmatch(pattern, bare)
            if match is not None:
                return (match[1] + match[2]).strip()
    return bare


# Dates.

ISO = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ](.+))?")
SLASHED = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4})(?:,?\s+(?:(?:alle\s+)?ore\s+)?(.+))?")
CLOCK = re.compile(r"([0-9]{1,2})[:.]([0-9]{2})(?:[:.]([0-9]{2})(?:[.,]0+)?)?\s*(Z|[+-][0-9]{2}:[0-9]{2})?")
MIDNIGHT = re.compile(r"0?0[:.]00(?:[:.]00(?:[.,]0+)?)?")


def date_order(text: str) -> First | None:
    """What comes first in a date, where its numbers show it."""
    match = SLASHED.fullmatch(text.strip())
    if match is None:
        return None
    first, second = int(match[1]), int(match[3])
    return "day" if first > 12 >= second else "month" if second > 12 >= first else None


def date_text(text: str, ways: Spelling) -> str | None:
    """A day in ISO; None if the text is none. Unclear with `ambiguous-date`, `time-in-date`."""
    parts = _day_and_time(text, ways)
    if parts is None:
        return None
    day, time = parts
    if time is not None and not MIDNIGHT.fullmatch(time):
        raise Unclear("time-in-date")
    return day


def instant_text(text: str, ways: Spelling) -> str | None:
    """An instant in ISO, with its seconds and zone if it has them; Unclear with `no-time-in-cell`."""
    parts = _day_and_time(text, ways)
    if parts is None:
        return None
    day, time = parts
    if time is None:
        raise Unclear("no-time-in-cell")
    clock = CLOCK.fullmatch(time)
    if clock is None:
        return None
    hour, minute, second, zone = clock.groups()
    return f"{day}T{int(hour):02}:{minute}" + (f":{second}" if second else "") + (zone or "")


def _day_and_time(text: str, ways: Spelling) -> tuple[str, str | None] | None:
    bare = text.strip()
    iso = ISO.fullmatch(bare) if len(bare) < 60 else None
    if iso is not None:
        return iso[1], iso[2].strip() if iso[2] else None
    match = SLASHED.fullmatch(bare) if len(bare) < 60 else None
    if match is None:
        return None
    one, other, year = int(match[1]), int(match[3]), int(match[4])
    if ways.first is None and date_order(bare) is None and one != other:
        raise Unclear("ambiguous-date", {"one": f"{year}-{other:02}-{one:02}", "other": f"{year}-{one:02}-{other:02}"})
    day_first = ways.first == "day" or (ways.first is None and date_order(bare) != "month")
    day, month = (one, other) if day_first else (other, one)
    try:
        return date(year, month, day).isoformat(), match[5].strip() if match[5] else None
    except ValueError:
        return None


def duration(text: str) -> str:
    """`30 giorni` as `30 days`; what is none comes back as it is."""
    match = re.fullmatch(r"\s*([0-9]{1,9})\s+([a-z]+?)(?:[oiea]|s)?\s*", text.casefold())
    unit = UNITS.get(match[2]) if match is not None else None
    return text.strip() if match is None or unit is None else f"{match[1]} {unit}s"
