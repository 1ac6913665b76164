"""The static types of the rule language, and which type is accepted where (LANGUAGE.md, "Types")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from bandolo.records import dataclass, field

Language = Literal["it", "en"]


@dataclass(frozen=True, slots=True)
class Simple:
    """A type without parts: boolean, integer, number, percent, money, date, datetime, text."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class DurationType:
    """A length of time. Days and months do not compare, so the unit is part of the type; `any` can only be added to dates."""

    unit: Literal["days", "months", "any"]

    def __str__(self) -> str:
        return "duration" if self.unit == "any" else f"duration in {self.unit}"


@dataclass(frozen=True, slots=True)
class ChoiceType:
    """One word out of a declared list."""

    name: str
    options: tuple[str, ...]
    labels: Mapping[str, tuple[str, str]] = field(default_factory=dict, compare=False, repr=False)
    """What people call an option, in Italian and English, where the policy says so."""

    def __str__(self) -> str:
        return self.name

    def said(self, option: str, lang: Language) -> str:
        """An option in a reader's words; its own name where it has no label."""
        it, en = self.labels.get(option, (option, option))
        return it if lang == "it" else en


@dataclass(frozen=True, slots=True)
class RecordType:
    """A record of an entity."""

    entity: str

    def __str__(self) -> str:
        return self.entity


@dataclass(frozen=True, slots=True)
class ListType:
    """A list of records or of values."""

    item: Type

    def __str__(self) -> str:
        return f"list of {self.item}"


@dataclass(frozen=True, slots=True)
class OptionalType:
    """A value that may be `none`: it must be tested with `is none` before use."""

    of: Type

    def __str__(self) -> str:
        return f"optional {self.of}"


@dataclass(frozen=True, slots=True)
class InvalidType:
    """What stands where a mistake was already reported: it fits everywhere, so that nothing more is said about it."""

    def __str__(self) -> str:
        return "invalid"


@dataclass(frozen=True, slots=True)
class NoneType:
    """The type of the literal `none` alone."""

    def __str__(self) -> str:
        return "none"


Type = Simple | DurationType | ChoiceType | RecordType | ListType | OptionalType | InvalidType | NoneType

BOOLEAN = Simple("boolean")
INTEGER = Simple("integer")
NUMBER = Simple("number")
PERCENT = Simple("percent")
MONEY = Simple("money")
DATE = Simple("date")
DATETIME = Simple("datetime")
TEXT = Simple("text")
DURATION = DurationType("any")
DAYS = DurationType("days")
MONTHS = DurationType("months")
INVALID = InvalidType()
NONE_TYPE = NoneType()

ROUNDING = ChoiceType("rounding direction", ("half_up", "half_even", "up", "down"))

TYPE_BY_WORD: dict[str, Type] = {
    "boolean": BOOLEAN,
    "integer": INTEGER,
    "number": NUMBER,
    "percent": PERCENT,
    "money": MONEY,
    "date": DATE,
    "datetime": DATETIME,
    "text": TEXT,
    "duration": DURATION,
    "duration in days": DAYS,
    "duration in months": MONTHS,
}

QUANTITIES = (INTEGER, NUMBER, PERCENT)
"""Percent, integer and number are one quantity in arithmetic and comparison: `40% = 0.4`."""

ORDERED: tuple[Type, ...] = (*QUANTITIES, MONEY, DATE, DATETIME, DAYS, MONTHS)


def is_quantity(given: Type) -> bool:
    return given in QUANTITIES


def accepts(expected: Type, given: Type) -> bool:
    """Whether a value of type `given` may stand where `expected` is wanted.

    A computed number may stand for a percent (they are one quantity); an integer is wanted strictly.
    """
    match expected, given:
        case (InvalidType(), _) | (_, InvalidType()):
            return True
        case OptionalType(of=inner), OptionalType(of=other):
            return accepts(inner, other)
        case OptionalType(), NoneType():
            return True
        case OptionalType(of=inner), _:
            return accepts(inner, given)
        case ListType(item=inner), ListType(item=other):
            return accepts(inner, other)
        case DurationType(unit="any"), DurationType():
            return True
    if expected in (NUMBER, PERCENT) and is_quantity(given):
        return True
    return expected == given


def join(first: Type, second: Type) -> Type | None:
    """The type of a value that is one or the other (the branches of an `if`), or None where there is none."""
    match first, second:
        case InvalidType(), _:
            return second
        case _, InvalidType():
            return first
        case NoneType(), NoneType():
            return first
        case (NoneType(), other) | (other, NoneType()):
            return other if isinstance(other, OptionalType) else OptionalType(other)
        case OptionalType(of=a), OptionalType(of=b):
            inner = join(a, b)
            return OptionalType(inner) if inner is not None else None
        case (OptionalType(of=a), b) | (b, OptionalType(of=a)):
            inner = join(a, b)
            return OptionalType(inner) if inner is not None else None
        case ListType(item=a), ListType(item=b):
            inner = join(a, b)
            return ListType(inner) if inner is not None else None
        case DurationType(unit=a_unit), DurationType(unit=b_unit):
            return first if a_unit == b_unit else DURATION
    if first == second:
        return first
    if is_quantity(first) and is_quantity(second):
        return NUMBER
    return None


WORDS: dict[str, tuple[str, str]] = {
    "boolean": ("un sì o no", "a yes or no"),
    "integer": ("un numero intero", "a whole number"),
    "number": ("un numero", "a number"),
    "percent": ("una percentuale", "a percentage"),
    "money": ("un importo", "an amount"),
    "date": ("una data", "a date"),
    "datetime": ("un istante (data e ora)", "an instant (date and time)"),
    "text": ("un testo", "a text"),
    "days": ("una durata in giorni", "a length in days"),
    "months": ("una durata in mesi", "a length in months"),
    "any": ("una durata", "a length of time"),
    "none": ("`none` (assente)", "`none` (there is none)"),
    "invalid": ("un valore", "a value"),
}


def said(given: Type, lang: Language) -> str:
    """A type in the reader's words: `an amount`, `un importo`."""
    column = 0 if lang == "it" else 1
    match given:
        case DurationType(unit=unit):
            return WORDS[unit][column]
        case ChoiceType(name=name):
            return (f"una scelta fra quelle di `{name}`", f"a choice of `{name}`")[column]
        case RecordType(entity=entity):
            return (f"un record di `{entity}`", f"a record of `{entity}`")[column]
        case ListType(item=item):
            return (f"un elenco ({said(item, lang)} per voce)", f"a list ({said(item, lang)} each)")[column]
        case OptionalType(of=inner):
            return said(inner, lang) + (" che può mancare (`none`)", " that may be `none`")[column]
        case _:
            return WORDS[str(given)][column]
