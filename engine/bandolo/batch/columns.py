"""What a columnar program computes with: columns of whole numbers, yes or no, and words, each said of the rows of a frame.

A frame is the rows that an expression speaks of: the applications, or the records of one list. Two loops over one list are two frames, so
that what compares records with one another is noticed and refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

from bandolo.check import core

EPOCH = date(1970, 1, 1)
"""Dates are whole numbers of days since then."""
REFUSED = "compares the records of a list with one another"


class NotColumnar(Exception):
    """The policy has something that is not computed by columns; the words say what."""


@dataclass(frozen=True, eq=False)
class Frame:
    """The rows of an entity; `name` is how the program calls them. Those of an owner are the frame above."""

    entity: str
    name: str
    above: Frame | None

    def below(self, other: Frame | None) -> bool:
        """Whether these are rows of records that belong, at whatever distance, to those of the other."""
        frame: Frame | None = self
        while frame is not None and frame is not other:
            frame = frame.above
        return frame is other or other is None


@dataclass(frozen=True)
class Column:
    """One value a row: `form` is number, flag, bits (flags eight to a byte), word, record or list.

    A number is `name / (scale * under)`, whole numbers between `low` and `high`; a date counts days, an instant `scale`ths of a second.
    `none` is a flag, true where there is no value; `bad` a flag, true where the value is left to the reference.
    """

    form: str
    frame: Frame | None
    name: str
    scale: int = 1
    low: int = 0
    high: int = 0
    under: str | None = None
    under_high: int = 1
    none: str | None = None
    bad: str | None = None
    words: str | None = None
    """The name of the words that a column's codes stand for."""
    constant: Any = None
    of: Frame | None = None
    """The rows that a record is, or the members of a list."""
    mask: str | None = None
    item: Column | None = None
    lacks: str | None = None
    """Of a list, the owners that do not have it."""
    values: bool = False
    """A list of values, not of records: `item` are its members."""
    via: str | None = None
    """Of a record that is referred to: which of the rows of its entity it is."""
    narrow: bool = False
    """Fewer than 64 bits, as read."""
    facts: dict[str, Any] = field(default_factory=dict, compare=False)

    def but(self, **changes: Any) -> Column:
        return replace(self, **changes)


LARGEST = 2**61
"""No number of a program is larger; twice one and once another still fit in 64 bits."""


def row_name(policy: core.Policy, entity: str) -> str:
    """What a program calls the rows of an entity."""
    return f"r{list(policy.entities).index(entity)}"


def instant_number(moment: datetime) -> Fraction:
    """Seconds since 1970, exactly."""
    past = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return Fraction(past.days * 86400 + past.seconds) + Fraction(past.microseconds, 10**6)
