"""What an application lacks, filled in by way of trial: where two ways to fill it in disagree, the reference knows no value either.

The reference gives a value to what rests on a missing fact only where every way to complete the application gives the same. So two trials
that differ show that a result is unknown, or a verdict open, without the bounds of everything between being worked out. Where all trials
agree nothing is shown, and the application is left to the reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from fractions import Fraction
from random import Random
from typing import TYPE_CHECKING, Any

from bandolo.batch.columns import Column, Frame, NotColumnar
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
    OptionalType,
    Type,
)
from bandolo.language.values import Value

if TYPE_CHECKING:
    from bandolo.batch.writer import Writer

TRIALS = 32
AMOUNTS = (0, 1, 700, 25_000, 400_000, 6_000_000)
DAYS = (date(2001, 3, 1), date(2019, 11, 30), date(2022, 12, 15), date(2023, 9, 1), date(2026, 2, 28), date(2061, 6, 30))


def sample(type_: Type, low: Value | None, high: Value | None, what: str, trial: int) -> Value:
    """A value of a type within bounds: the first trial takes the least, the second the most, the others one of these or what comes."""
    type_ = type_.of if isinstance(type_, OptionalType) else type_
    chance = Random(f"{what} {trial}")
    options: Sequence[Any]
    if type_ == BOOLEAN:
        options = (False, True)
    elif isinstance(type_, ChoiceType):
        options = type_.options
    elif type_ == TEXT:
        options = [f"trial {i}" for i in range(TRIALS)]
    elif type_ == DATE:
        options = DAYS
    elif type_ == DATETIME:
        options = [datetime.combine(day, time(12), UTC) for day in DAYS]
    elif type_ in (MONEY, NUMBER, INTEGER):
        options = [Fraction(amount) for amount in AMOUNTS]
    elif type_ == PERCENT:
        options = [Fraction(i, 4) for i in range(5)]
    else:
        raise NotColumnar(f"a trial of {type_}")
    least: Any = low if isinstance(low, Fraction | date) else None
    most: Any = high if isinstance(high, Fraction | date) else None
    within = [o for o in options if (least is None or o >= least) and (most is None or o <= most)]
    inside: Sequence[Any] = within or [end for end in (least, most) if end is not None]
    return inside[0] if trial == 0 else inside[-1] if trial == 1 else chance.choice((inside[0], inside[-1], chance.choice(inside)))  # type: ignore[no-any-return]


def differing(writer: Writer, columns: Sequence[Column], frame: Frame) -> str | None:
    """The rows in which two of several columns are known to be different; None for nowhere."""
    found: list[str] = []
    base = columns[0]
    for other in columns[1:]:
        differs = _different(writer, base, other)
        if differs.constant is False:
            continue
        if differs.constant is True:
            differs = Column("flag", frame, writer.emit(f"np.ones({frame.name}.count, bool)"))
        differs = writer.plainly(writer.spread(differs, frame))
        found.append(differs.name if differs.bad is None else writer.emit(f"unless({differs.name}, {differs.bad})"))
    return writer.either(*found)


def _different(writer: Writer, first: Column, second: Column) -> Column:
    """Whether two columns have different values where both have one."""
    if first == second or first.form == "none" or second.form == "none":
        return Column("flag", None, "False", constant=False)
    if first.form == "number" and second.form == "number":
        made = writer.compared("!=", first, second)
    elif first.form == "word" and second.form == "word":
        if first.constant is not None and second.constant is not None:
            return Column("flag", None, "", constant=first.constant != second.constant)
        frame, (first, second) = writer.together(first, second)
        a, b, _ = writer.same_words(first, second)
        made = Column("flag", frame, writer.emit(f"{a.name} != {b.name}"), bad=writer.either(first.bad, second.bad))
    else:
        first, second = _as_flags(writer, first, second.frame), _as_flags(writer, second, first.frame)
        frame, (first, second) = writer.together(first, second)
        made = Column("flag", frame, writer.emit(f"{first.name} != {second.name}"), bad=writer.either(first.bad, second.bad))
    if made.constant is None and (first.none is not None or second.none is not None):
        nones = [writer.spread(Column("flag", c.frame, c.none), made.frame).name for c in (first, second) if c.none is not None]
        made = made.but(bad=writer.either(made.bad, *nones))
    return made


def _as_flags(writer: Writer, column: Column, frame: Frame | None) -> Column:
    if column.constant is None or frame is None:
        return writer.plainly(column)
    return Column("flag", frame, writer.emit(f"np.full({frame.name}.count, {column.constant})"))
