"""The columns of facts: as they were given, filled in by way of trial where they are missing, and between which bounds they lie."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING

from bandolo.batch.columns import EPOCH, LARGEST, Column, Frame, NotColumnar, instant_number
from bandolo.batch.helpers import FIRST_INSTANT, LAST_INSTANT
from bandolo.batch.program import Key
from bandolo.batch.trials import sample
from bandolo.language.types import BOOLEAN, DATE, DATETIME, TEXT, ChoiceType, ListType, OptionalType, RecordType, Type
from bandolo.language.values import Value

if TYPE_CHECKING:
    from bandolo.batch.build import Build


class Facts:
    """What the writer of a program asks for facts."""

    def __init__(self, build: Build) -> None:
        self.build = build

    def fact(self, entity: str, name: str, stage: str | None) -> Column:
        """The column of a fact that has been given."""
        key = (entity, name, stage)
        self.build.read.add(key)
        frame, said = self.build.frames[entity], name if stage is None else f"{name} at {stage}"
        if key not in self.build.shapes:
            self.build.w.asked.add(("column", said))
            return self.lacking(frame, self.build.policy.entities[entity].facts[name].type, said, key)
        at, shape = self.build.columns.index(key), self.build.shapes[key]
        if shape.form == "length":
            raise NotColumnar(f"{said} is a length of time")
        low, high = self.bounds(key)
        none = f"n{at}" if shape.none else None
        words = f"w{at}" if shape.form == "word" else None
        found = Column(shape.form, frame, f"c{at}", shape.scale, low, high, none=none, words=words, narrow=shape.narrow)
        if not shape.null:
            return found
        self.build.w.asked.add(("null", said))
        if self.build.w.trial is None or shape.form == "record" or self.build.policy.entities[entity].facts[name].key:
            return found.but(bad=f"n{at}")
        return self._filled(found, key, at)

    def _filled(self, column: Column, key: Key, at: int) -> Column:
        """A column whose gaps are filled in by way of trial."""
        w = self.build.w
        value = self._sample(key, str(key))
        match value:
            case str():
                words = w.emit(f"with_words({column.words}, {w.constant(value)})")
                name = w.emit(f"filled_words({column.name}, n{at}, {words}, {w.constant(value)})")
                return column.but(name=name, words=words)
            case bool():
                flags = w.emit(f"filled({w.plainly(column).name}, n{at}, {value})")
                return column.but(form="flag", name=w.emit(f"{flags} != 0"))
        number = _number(value, column.scale, floor, 0)
        low, high = min(column.low, number), max(column.high, number)
        return column.but(name=w.emit(f"filled({column.name}, n{at}, {number})"), low=low, high=high, narrow=False)

    def _sample(self, key: Key, what: str) -> Value:
        assert self.build.w.trial is not None
        low, high = self.build.settled.ranges[key[0], key[1]]
        return sample(self.build.policy.entities[key[0]].facts[key[1]].type, low, high, what, self.build.w.trial)

    def lacking(self, frame: Frame, type_: Type, what: str, key: Key | None = None) -> Column:
        """The column of what has none, or is left open: nowhere known, or filled in by way of trial."""
        w, bare = self.build.w, type_.of if isinstance(type_, OptionalType) else type_
        if isinstance(bare, ListType | RecordType) or str(bare).startswith("duration"):
            raise NotColumnar(f"{what} has no column" if key is not None else f"{what} is not known")
        if self.build.w.trial is not None:
            value = self._sample(key, what) if key is not None else sample(bare, None, None, what, self.build.w.trial)
            return w.value_of(value, bare)
        bad = w.emit(f"np.ones({frame.name}.count, bool)")
        if bare == BOOLEAN:
            return Column("flag", frame, w.emit(f"np.zeros({frame.name}.count, bool)"), bad=bad)
        zeros = w.emit(f"np.zeros({frame.name}.count, np.int64)")
        if bare == TEXT or isinstance(bare, ChoiceType):
            return Column("word", frame, zeros, words=w.constant(("",)), bad=bad)
        return Column("number", frame, zeros, bad=bad)

    def lacks(self, entity: str, name: str) -> str | None:
        """The rows of an entity that lack a list."""
        key = (entity, name, None)
        if key not in self.build.shapes:
            return None
        self.build.read.add(key)
        self.build.w.asked.add(("null", name))
        return f"n{self.build.columns.index(key)}"

    def values(self, owner: Frame, name: str) -> Column:
        """The column of a list of values."""
        inner = f"{owner.entity}.{name}"
        if (inner, "", None) not in self.build.shapes:
            raise NotColumnar(f"{name} has no column")
        row = self.build.lists.setdefault(inner, f"r{len(self.build.policy.entities) + len(self.build.lists)}")
        frame = Frame(inner, row, owner)
        at, shape = self.build.columns.index((inner, "", None)), self.build.shapes[inner, "", None]
        if shape.form == "length":
            raise NotColumnar(f"{name} is a length of time")
        low, high = self.bounds((inner, "", None))
        words = f"w{at}" if shape.form == "word" else None
        item = Column(shape.form, frame, f"c{at}", shape.scale, low, high, words=words, narrow=shape.narrow)
        lacks = self.lacks(owner.entity, name) if self.build.shapes[owner.entity, name, None].null else None
        return Column("list", owner, "", of=frame, item=item, values=True, lacks=lacks)

    def values_of(self, inner: str) -> Frame:
        """The rows of a list of values."""
        owner, _, name = inner.partition(".")
        frame = self.values(self.build.frames[owner], name).of
        assert frame is not None
        return frame

    def known(self, frame: Frame, name: str, stage: str | None) -> Column:
        """Whether a fact is there; one that has no column is not."""
        key = (frame.entity, name, stage)
        if self.build.policy.entities[frame.entity].facts[name].key:
            raise NotColumnar("asks whether a key is known")
        if key not in self.build.shapes:
            return self.build.w.value_of(False, BOOLEAN)
        if self.build.shapes[key].none:
            return self.build.w.value_of(True, BOOLEAN)
        return Column("flag", frame, self.build.w.emit(f"is_known(n{self.build.columns.index(key)}, {frame.name})"))

    def bounds(self, key: Key) -> tuple[int, int]:
        """Between which whole numbers a column lies; what does not is left to the reference."""
        entity, _, listed = key[0].partition(".")
        type_ = self.build.policy.entities[entity].facts[listed or key[1]].type
        type_ = type_.of if isinstance(type_, OptionalType) else type_.item if isinstance(type_, ListType) else type_
        scale = self.build.shapes[key].scale
        low, high = (None, None) if listed else self.build.settled.ranges[key[0], key[1]]
        most = 2932896 if type_ == DATE else LAST_INSTANT * scale if type_ == DATETIME else 2**45 * max(scale // 100, 1)
        least = -719162 if type_ == DATE else FIRST_INSTANT * scale if type_ == DATETIME else -most
        found = max(least, _number(low, scale, ceil, least)), min(most, _number(high, scale, floor, most))
        return max(found[0], -LARGEST), min(found[1], LARGEST)


def _number(bound: Value | None, scale: int, whole: Callable[[Fraction], int], otherwise: int) -> int:
    """A declared bound as a whole number of a column's scale."""
    match bound:
        case bool():
            return otherwise
        case Fraction():
            return whole(bound * scale)
        case datetime():
            return whole(instant_number(bound) * scale)
        case date():
            return (bound - EPOCH).days
    return otherwise
