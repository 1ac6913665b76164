"""Constants of every type, as a policy writes them: round ones, awkward ones and extremes."""

from __future__ import annotations

from random import Random

from bandolo.language.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    DAYS,
    DURATION,
    INTEGER,
    MONEY,
    MONTHS,
    NUMBER,
    PERCENT,
    TEXT,
    ChoiceType,
    ListType,
    OptionalType,
    Type,
)

CHOICES = {"colour": ("red", "blue", "green"), "size": ("micro", "small", "medium", "large")}
COLOUR, SIZE = (ChoiceType(name, words) for name, words in CHOICES.items())

SIMPLE: tuple[Type, ...] = (BOOLEAN, INTEGER, NUMBER, PERCENT, MONEY, DATE, DATETIME, DAYS, MONTHS, TEXT, COLOUR, SIZE)
"""The types of which facts, definitions and lists are made."""

LITERALS: dict[Type, tuple[str, ...]] = {
    BOOLEAN: ("true", "false"),
    INTEGER: ("0", "1", "2", "3", "7", "10", "12", "100", "1_000", "-1", "-4"),
    NUMBER: ("0.5", "1.25", "0.1", "2.5", "-0.5", "33.333", "0.000001", "3.0", "0.0"),
    PERCENT: ("50%", "15%", "0%", "100%", "33.33%", "12.5%", "70%"),
    MONEY: ("0 EUR", "0.01 EUR", "0.05 EUR", "1 EUR", "100 EUR", "1_234.56 EUR", "30_000 EUR", "400_000 EUR", "-5 EUR",
            "999_999_999.99 EUR"),
    DATE: ("2023-01-31", "2024-02-29", "2023-12-31", "2023-03-26", "2023-10-29", "1999-12-31", "2100-02-28", "2023-06-15"),
    DATETIME: ("2023-03-26 02:30", "2023-10-29 02:30", "2023-02-28 16:00", "2023-12-31 23:59:59", "2023-07-01T00:00Z",
               "2024-02-29T12:00+05:30"),
    DAYS: ("0 days", "1 day", "30 days", "2 weeks", "365 days"),
    MONTHS: ("1 month", "6 months", "1 year", "4 years", "11 months"),
    TEXT: ('""', '"a"', '"A1"', '"01"', '"è così"', '"x y"', "\"O'Brien\""),
}  # fmt: skip
LITERALS[DURATION] = (*LITERALS[DAYS], *LITERALS[MONTHS], "(1 month + 10 days)", "(1 year + 0 days)")


def literal(type_: Type, rng: Random) -> str:
    """A constant of a type; of a choice one of its words, which is understood only where the choice is expected."""
    match type_:
        case ChoiceType(options=options):
            return rng.choice(options)
        case ListType(item=item):
            return "[" + ", ".join(literal(item, rng) for _ in range(rng.randint(1, 4))) + "]"
        case OptionalType(of=inner):
            return "none" if rng.random() < 0.3 else literal(inner, rng)
    return rng.choice(LITERALS[type_])
