"""What is varied: `parameters.minimum_partners=8..12` read by the type of what it names, each value as exact as in a policy."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from math import floor
from typing import Any

from bandolo.batch.simulation.places import Place, opened, place_of
from bandolo.check import core
from bandolo.diagnostics import Diagnostic, PolicyError
from bandolo.diagnostics.spelling import nearest
from bandolo.evaluate.typed import BadValue
from bandolo.language import calendar, literals
from bandolo.language.literals import BadLiteral
from bandolo.language.types import BOOLEAN, DATE, DATETIME, INTEGER, MONEY, NUMBER, PERCENT, ChoiceType, DurationType, ListType, Type
from bandolo.language.values import Duration, Value
from bandolo.policy import Policy, parameter_value

MOST_VALUES = 500
"""Of one path, and of all together."""
RANGE = re.compile(r"(?P<low>.+?)\.\.(?P<high>[^/]+)(?:/(?P<step>.+))?")
UNIT = re.compile(r"(?<=[\d\s])\s*([A-Z]{3}|%|days?|weeks?|months?|years?)$")
BARE = re.compile(r"-?[\d_]+(\.[\d_]+)?")


@dataclass(frozen=True, slots=True)
class Axis:
    """One path that is varied and the values that it takes. `name` is the parameter that a what-if sets, or the reading that it chooses."""

    path: str
    name: str
    is_reading: bool
    type: Type
    values: tuple[Value, ...]
    place: Place | None = None
    """Where the policy holds the constant, if it is no parameter there."""


def read_axes(policy: Policy, vary: Mapping[str, Any]) -> tuple[Policy, tuple[Axis, ...]]:
    """The axes, and the policy in which what they name can be set. Each value is a text as in `--vary`, or a sequence of values.

    PolicyError with `unknown-path`, `vary-twice`, `vary-no-constant`, `vary-no-range`, `vary-empty`, `vary-step`, `vary-no-step`,
    `vary-too-many`, or the codes of a value that its type cannot take.
    """
    found: list[Diagnostic] = []
    wanted: list[tuple[str, str, bool, Place | None, Any]] = []
    for path, spec in vary.items():
        try:
            wanted.append((*_named(policy, path), spec))
        except PolicyError as error:
            found += error.diagnostics
    counts = Counter(path for path, *_ in wanted)
    found += [Diagnostic("vary-twice", path=f"vary.{path}", args={"path": path}) for path, count in counts.items() if count > 1]
    if found:
        raise PolicyError(found)
    places = [place for _, _, _, place, _ in wanted if place is not None]
    policy = opened(policy, places)
    axes = []
    for path, name, is_reading, place, spec in wanted:
        declared = policy.core.readings[name] if is_reading else policy.core.parameters[name]
        try:
            values = _Reader(path, declared, policy.core).values(spec)
            axes.append(Axis(path, name, is_reading, declared.type, values, place))
        except PolicyError as error:
            found += error.diagnostics
    if found:
        raise PolicyError(found)
    return policy, tuple(axes)


def _named(policy: Policy, path: str) -> tuple[str, str, bool, Place | None]:
    """The full path, the parameter or reading that it names, and the place where it names neither."""
    section, _, name = path.rpartition(".")
    whole = path.removesuffix(".value")
    if whole.startswith("parameters."):
        section, _, name = whole.partition(".")
    for of, declared, is_reading in (("parameters", policy.core.parameters, False), ("readings", policy.core.readings, True)):
        if section == of or (not section and name in declared):
            if name not in declared:
                args = {"path": path, "key": name, "nearest": nearest(name, declared)}
                raise PolicyError([Diagnostic("unknown-path", path=f"vary.{path}", args=args)])
            return f"{of}.{name}", name, is_reading, None
    if not section:
        args = {"path": path, "key": path, "nearest": nearest(path, [*policy.core.parameters, *policy.core.readings])}
        raise PolicyError([Diagnostic("unknown-path", path=f"vary.{path}", args=args)])
    place = place_of(policy, path)
    return place.said, place.parameter, False, place


class _Reader:
    """Reads the values of one path."""

    def __init__(self, path: str, declared: core.ParameterDeclaration | core.ReadingDeclaration, policy: core.Policy) -> None:
        self.path, self.declared, self.policy, self.type = path, declared, policy, declared.type

    def refuse(self, code: str, **args: object) -> PolicyError:
        return PolicyError([Diagnostic(code, path=f"vary.{self.path}", args={"path": self.path, **args})])

    def values(self, spec: Any) -> tuple[Value, ...]:
        """All values, each once, in the order in which they are named."""
        if isinstance(self.type, ListType):
            raise self.refuse("vary-no-range", type=self.type, text=str(spec)[:60])
        if spec is None or spec == "":
            found = list(self._all())
        elif isinstance(spec, str):
            items = [item.strip() for item in spec.strip().removesuffix(",").split(",")]
            if not all(items):
                raise self.refuse("vary-form", text=spec[:60])
            found = [value for item in items for value in self._item(item)]
        elif isinstance(spec, Sequence):
            found = [self._one(item) for item in spec]
        else:
            found = [self._one(spec)]
        if not found:
            raise self.refuse("vary-empty", low="…", high="…")
        return tuple(dict.fromkeys(found))

    def _all(self) -> Iterator[Value]:
        """Every value that a type has."""
        if isinstance(self.type, ChoiceType):
            yield from self.type.options
        elif self.type == BOOLEAN:
            yield from (False, True)
        else:
            raise self.refuse("vary-form", text=self.path)

    def _one(self, raw: Any) -> Value:
        try:
            if isinstance(self.declared, core.ReadingDeclaration):
                if raw not in self.declared.options:
                    known = list(self.declared.options)
                    near = nearest(str(raw), known)
                    args = {"name": str(raw), "reading": self.declared.name, "nearest": near, "options": ", ".join(known)}
                    raise PolicyError([Diagnostic("unknown-option", path=f"vary.{self.path}", args=args)])
                return str(raw)
            return parameter_value(raw, self.declared, self.policy.conventions)
        except BadValue as bad:
            raise PolicyError([Diagnostic(bad.code, path=f"vary.{self.path}", args=bad.args_)]) from None

    def _item(self, text: str) -> Iterator[Value]:
        match = RANGE.fullmatch(text)
        if match is None:
            yield self._one(text)
            return
        if self.type not in (INTEGER, NUMBER, PERCENT, MONEY, DATE, DATETIME) and not isinstance(self.type, DurationType):
            raise self.refuse("vary-no-range", type=self.type, text=text[:60])
        low, high, step = (None if part is None else part.strip() for part in (match["low"], match["high"], match["step"]))
        assert low is not None
        assert high is not None
        unit = next((m.group(1) for part in (step, high, low) if part is not None and (m := UNIT.search(part))), None)
        if unit is not None and self.type not in (DATE, DATETIME):
            # `100_000..400_000/50_000 EUR`: what has a unit at the end has it everywhere.
            joint = "" if unit == "%" else " "
            low, high, step = (f"{p}{joint}{unit}" if p is not None and BARE.fullmatch(p) else p for p in (low, high, step))
        first, last = self._one(low), self._one(high)
        if first > last:  # type: ignore[operator]
            raise self.refuse("vary-empty", low=low, high=high)
        yield from self._steps(first, last, step, text)

    def _steps(self, first: Any, last: Any, step: str | None, text: str) -> Iterator[Value]:
        match first:
            case date():
                yield from self._days(first, last, step, text)
            case Duration():
                months = bool(first.months or last.months)
                each = self._length(step, text) if step is not None else Duration(1, 0) if months else Duration(0, 1)
                if (each.days and months) or (each.months and not months):
                    raise self.refuse("vary-step", step=step, text=text)
                sizes = (first.months, last.months, each.months) if months else (first.days, last.days, each.days)
                self._count(Fraction(sizes[1] - sizes[0], sizes[2]))
                for size in range(sizes[0], sizes[1] + 1, sizes[2]):
                    yield Duration(size, 0) if months else Duration(0, size)
            case _:
                each_ = self._amount(first, last, step, text)
                for n in range(self._count((last - first) / each_) + 1):
                    yield first + n * each_

    def _count(self, steps: Fraction) -> int:
        if steps >= MOST_VALUES:
            raise self.refuse("vary-too-many", count=floor(steps) + 1, limit=MOST_VALUES)
        return floor(steps)

    def _amount(self, first: Fraction, last: Fraction, step: str | None, text: str) -> Fraction:
        """The step of a range of numbers: what is written, else one (a hundredth, of a rate) where both ends are whole."""
        if step is None:
            each = Fraction(1, 100) if self.type == PERCENT else Fraction(1)
            if self.type == MONEY or (first / each).denominator != 1 or (last / each).denominator != 1:
                raise self.refuse("vary-no-step", text=text)
            return each
        value = self._one(step)
        assert isinstance(value, Fraction)
        if value <= 0:
            raise self.refuse("vary-step", step=step, text=text)
        return value

    def _length(self, step: str, text: str) -> Duration:
        try:
            each = literals.read_duration(step)
        except BadLiteral:
            raise self.refuse("vary-step", step=step, text=text) from None
        if not (each.months or each.days):
            raise self.refuse("vary-step", step=step, text=text)
        return each

    def _days(self, first: date, last: date, step: str | None, text: str) -> Iterator[Value]:
        """Days, or instants at the same time of the day, counted from the first so that the ends of months do not wear off."""
        each = self._length(step, text) if step is not None else Duration(0, 1)
        self._count(Fraction((last - first).days, each.days + 30 * each.months))
        for n in range(MOST_VALUES):
            way = Duration(each.months * n, each.days * n)
            zone = self.policy.conventions.time_zone
            try:
                value = (
                    calendar.add_to_instant(first, way, zone, "down") if isinstance(first, datetime) else calendar.add(first, way, "down")
                )
            except calendar.OutOfRange:
                return
            if value > last:
                return
            yield value


def combined(axes: Sequence[Axis], one_at_a_time: bool) -> list[tuple[Value | None, ...]]:
    """The variants: a value of each axis, or None where it stays as it is; the first is the policy as it is."""
    base: tuple[Value | None, ...] = (None,) * len(axes)
    found: list[tuple[Value | None, ...]] = [base]
    if one_at_a_time:
        return found + [tuple(v if i == at else None for i in range(len(axes))) for at, axis in enumerate(axes) for v in axis.values]
    count = 1
    for axis in axes:
        count *= len(axis.values)
    if count > MOST_VALUES:
        paths = ", ".join(a.path for a in axes)
        raise PolicyError([Diagnostic("vary-too-many", path="vary", args={"path": paths, "count": count, "limit": MOST_VALUES})])
    grid: list[tuple[Value | None, ...]] = [()]
    for axis in axes:
        grid = [(*row, value) for row in grid for value in axis.values]
    return found + (grid if axes else [])
