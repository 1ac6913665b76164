"""The results of a policy as values that leave a program; what rests on something missing is unknown where trials show it."""

from __future__ import annotations

from fractions import Fraction

from bandolo.batch.arithmetic import rounded
from bandolo.batch.build import Build
from bandolo.batch.columns import Column, Frame, NotColumnar
from bandolo.batch.program import Outgoing
from bandolo.batch.steps import trials
from bandolo.batch.trials import differing
from bandolo.check import core
from bandolo.language.types import MONEY, ListType, OptionalType, RecordType, Type


def result_of(build: Build, result: core.Result) -> Outgoing:
    """A result; the applications in which it is bad are left to the reference. Raises NotColumnar where it has no column."""
    w, frame = build.w, build.frames[result.entity]
    if (result.entity, result.name) not in w.definitions:
        raise NotColumnar(w.why[result.entity, result.name])
    value, asked = w.definitions[result.entity, result.name], w.asks.get(("definition", result.entity, result.name), frozenset())
    if value.bad is not None and asked:
        value = _unknown(build, result, w.plainly(value), frame)
    found, value = as_it_leaves(build, result.name, value, frame, result.type)
    build.leave(value.bad, value.frame, *build.why(asked))
    return found


def as_it_leaves(build: Build, name: str, value: Column, frame: Frame, type_: Type, cents: bool = True) -> tuple[Outgoing, Column]:
    """A value as it leaves the program, amounts to the cent where that is wanted; and its column, which says where it is bad."""
    w = build.w
    type_ = type_.of if isinstance(type_, OptionalType) else type_
    if isinstance(type_, ListType | RecordType) or value.form in ("list", "items", "record", "length"):
        raise NotColumnar(f"{name} is a list or a length")
    if type_ == MONEY and value.form == "number" and cents:
        direction = build.settled.settings.money_rounding
        if not isinstance(direction, str):
            raise NotColumnar("how amounts are rounded is open")
        value = rounded(w, value, direction, Fraction(1, 100))
        value = w.scaled(value, 100) if value.constant is None else value
    if value.constant is not None:
        return Outgoing(frame.entity, name, value.form, 1, value.constant, (None, None, None, None)), value
    value = w.spread(w.plainly(value), frame)
    parts = [build.put(value.name), None, None, None]
    if value.under is not None:
        parts[1] = build.put(value.under)
    if value.none is not None:
        parts[2] = build.put(value.none)
    if value.words:
        parts[3] = build.put(value.words)
    a, b, c, d = parts
    return Outgoing(frame.entity, name, value.form, value.scale, None, (a, b, c, d)), value


def _unknown(build: Build, result: core.Result, value: Column, frame: Frame) -> Column:
    """A result that rests on what is missing: none where trials show that it is not known."""
    w, tried = build.w, []
    type_: Type = result.type.of if isinstance(result.type, OptionalType) else result.type
    for trial in trials(build):
        found = trial.w.definitions.get((result.entity, result.name))
        if found is None:
            continue
        if type_ == MONEY and found.form == "number":
            direction = build.settled.settings.money_rounding
            if not isinstance(direction, str):
                raise NotColumnar("how amounts are rounded is open")
            found = rounded(w, found, direction, Fraction(1, 100))
        tried.append(found)
    differs = differing(w, tried, frame) if tried else None
    if differs is None:
        return value
    value = w.spread(value, frame)
    none = differs if value.none is None else w.emit(f"{value.none} | {differs}")
    return value.but(none=w.emit(f"flags_of({none}, {frame.name})"), bad=w.emit(f"unless({value.bad}, {differs})"))
