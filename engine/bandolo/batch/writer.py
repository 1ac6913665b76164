"""Core to the lines of a columnar program: one NumPy operation a line, each said once.

Lines hold names made here and whole numbers; words and dates of the policy go into the program's table. What is computed of a row whose
values are garbage (below a null, behind a condition) is garbage that nobody looks at: no line raises on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from bandolo.batch import nodes
from bandolo.batch.arithmetic import level
from bandolo.batch.columns import EPOCH, LARGEST, REFUSED, Column, Frame, NotColumnar, instant_number, row_name
from bandolo.check import core
from bandolo.evaluate.settle import Settled
from bandolo.language.types import BOOLEAN, ListType, Type
from bandolo.language.values import NONE, Duration, Fault, ListValue, Unknown, Value

COMPARED = {"=": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


@dataclass
class Writer:
    """Writes the lines of one program; `fact` gives the column of a fact."""

    policy: core.Policy
    settled: Settled
    root: Frame
    fact: Callable[[str, str, str | None], Column]
    known: Callable[[Frame, str, str | None], Column]
    lacking: Callable[[Frame, Type, str], Column]
    """The column of what is not there, or not settled: nowhere known, or filled in by way of trial."""
    lacks: Callable[[str, str], str | None]
    """The rows of an entity that lack a list."""
    values: Callable[[Frame, str], Column]
    """The column of a list of values."""
    lines: list[str] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)
    table: dict[str, Any] = field(default_factory=dict)
    slots: dict[int, Column] = field(default_factory=dict)
    definitions: dict[tuple[str, str], Column] = field(default_factory=dict)
    why: dict[tuple[str, str], str] = field(default_factory=dict)
    """Why a definition has no column."""
    met: dict[str, Column] = field(default_factory=dict)
    unsure: dict[str, str | None] = field(default_factory=dict)
    """Of a requirement, where whether it is met is not known."""
    trial: int | None = None
    """Which way to fill in what is missing, in a program that is there to be compared with others."""
    asked: set[tuple[str, str]] = field(default_factory=set)
    """What has been asked for, since this was emptied, that is missing somewhere: its kind and its name."""
    asks: dict[tuple[str, ...], frozenset[tuple[str, str]]] = field(default_factory=dict)
    """What is missing somewhere of what a definition, a requirement or an admission rests on."""
    admitted: dict[tuple[str, str], Column] = field(default_factory=dict)
    unpacked: dict[str, str] = field(default_factory=dict)
    """Flags that were packed before."""
    count: int = 0

    # Lines.

    def emit(self, text: str) -> str:
        """The name of what an expression gives; the same expression is only computed once."""
        if text.isidentifier():
            return text
        if text not in self.said:
            self.count += 1
            self.said[text] = f"t{self.count}"
            self.lines.append(f"t{self.count} = {text}")
        return self.said[text]

    def emit_pair(self, text: str) -> tuple[str, str]:
        """The names of what a helper gives and of where it is bad."""
        if text not in self.said:
            self.count += 1
            self.said[text] = f"t{self.count}"
            self.lines.append(f"t{self.count}, b{self.count} = {text}")
        name = self.said[text]
        return name, "b" + name[1:]

    def constant(self, value: Any) -> str:
        """The name of a value of the policy in the program's table."""
        for name, known in self.table.items():
            if type(known) is type(value) and known == value:
                return name
        name = f"k{len(self.table)}"
        self.table[name] = value
        return name

    def either(self, *bads: str | None) -> str | None:
        found = list(dict.fromkeys(b for b in bads if b is not None))
        return None if not found else found[0] if len(found) == 1 else self.emit(f"either({', '.join(found)})")

    def both(self, bad: str | None, flag: str) -> str | None:
        return None if bad is None else self.emit(f"both({bad}, {flag})")

    # Frames.

    def deepest(self, columns: Sequence[Column]) -> Frame | None:
        """The rows on which several columns meet."""
        found: Frame | None = None
        for column in columns:
            if column.frame is not None and (found is None or column.frame.below(found)):
                found = column.frame
        if any(c.frame is not None and found is not None and not found.below(c.frame) for c in columns):
            raise NotColumnar(REFUSED)
        return found

    def spread(self, column: Column, frame: Frame | None) -> Column:
        """A column of an owner, said of each of its records."""
        if frame is None or column.frame is frame or column.frame is None:
            return column
        path: list[Frame] = []
        current: Frame | None = frame
        while current is not None and current is not column.frame:
            path.append(current)
            current = current.above
        if current is None or not column.name:
            raise NotColumnar(REFUSED)  # a list has no values to say of each record
        made = self.plainly(column)
        for step in reversed(path):
            counts = f"{step.name}.counts"
            made = made.but(
                frame=step,
                name=self.emit(f"spread({made.name}, {counts})"),
                under=None if made.under is None else self.emit(f"spread({made.under}, {counts})"),
                none=None if made.none is None else self.emit(f"spread({made.none}, {counts})"),
                bad=None if made.bad is None else self.emit(f"lifted({made.bad}, {counts})"),
            )
        return made

    def together(self, *columns: Column) -> tuple[Frame | None, list[Column]]:
        frame = self.deepest(columns)
        return frame, [self.spread(c, frame) for c in columns]

    # Forms.

    def plainly(self, column: Column) -> Column:
        """Flags one to a byte."""
        if column.form != "bits":
            return column
        assert column.frame is not None
        name = self.emit(f"unpacked({column.name}, {column.frame.name})")
        self.unpacked[name] = column.name
        return column.but(form="flag", name=name)

    def packed(self, flag: str, frame: Frame) -> tuple[str, str]:
        """Flags eight to a byte, and the bit at which they begin."""
        if flag in self.unpacked:
            return self.unpacked[flag], f"{frame.name}.bit"
        return self.emit(f"packed({flag}, {frame.name})"), "0"

    def wide(self, column: Column) -> Column:
        if not column.narrow:
            return column
        return column.but(name=self.emit(f"{column.name}.astype(np.int64)"), narrow=False)

    def number(self, value: Fraction | int) -> Column:
        value = Fraction(value)
        return Column("number", None, str(value.numerator), value.denominator, value.numerator, value.numerator, constant=value)

    def value_of(self, value: Value, type_: Type) -> Column:
        """A constant."""
        match value:
            case Unknown():
                raise NotColumnar(f"{', '.join(sorted(value.missing))} is not known")
            case Fault():
                raise NotColumnar("a constant has no result")
            case bool():
                return Column("flag", None, str(value), constant=value)
            case Fraction():
                if abs(value.numerator) > LARGEST or value.denominator > LARGEST:
                    raise NotColumnar("a number beyond 64 bits")
                return self.number(value)
            case datetime():
                return self.number(instant_number(value))
            case date():
                return self.number((value - EPOCH).days)
            case str():
                return Column("word", None, "", constant=value)
            case Duration():
                return Column("length", None, "", constant=value)
            case ListValue(members=members):
                item = type_.item if isinstance(type_, ListType) else type_
                return Column("items", None, "", constant=tuple(self.value_of(m.value, item) for m in members))
        if value is NONE:
            return Column("none", None, "", constant=NONE)
        raise NotColumnar("a constant record")

    def settled_value(self, value: Value, type_: Type) -> Column:
        """A parameter, a reading or the clock; one that is left open is nowhere known."""
        if not isinstance(value, Unknown):
            return self.value_of(value, type_)
        names = sorted(value.missing)
        self.asked |= {("open" if n.startswith(("parameter.", "reading.")) else "clock", n) for n in names}
        if value.low is not None or value.high is not None or len(names) != 1:
            raise NotColumnar(f"{', '.join(names)} is not known")
        return self.lacking(self.root, type_, names[0])

    # Nodes.

    def value(self, node: core.Expr) -> Column:
        """The column of what a node is worth."""
        return nodes.value(self, node)

    def through(self, record: Column, column: Column) -> Column:
        """A column of a record's rows, said of the record; of one that is referred to, looked up where it stands."""
        if column.constant is not None and column.frame is None:
            return column
        if record.via is None:
            return column.but(frame=record.of)
        made = self.plainly(column)
        if made.form == "record":
            raise NotColumnar("a reference of a record that is itself referred to")
        none = made.none if made.none is None else self.emit(f"picked({made.none}, {record.via})")
        return made.but(
            frame=record.frame,
            name=self.emit(f"picked({made.name}, {record.via})"),
            under=None if made.under is None else self.emit(f"picked_above({made.under}, {record.via})"),
            none=none,
            bad=self.either(record.bad, None if made.bad is None else self.emit(f"picked_bad({made.bad}, {record.via})")),
        )

    def target(self, entity: str) -> Frame:
        """The rows in which a reference is looked up: those of a list of the root."""
        if self.policy.entities[entity].owner != self.root.entity:
            raise NotColumnar("a reference to a record that is not in a list of the root")
        return Frame(entity, row_name(self.policy, entity), self.root)

    def owner(self, record: Column, entity: str) -> Column:
        """The record of an entity in whose list, or in whose records' lists, a record stands."""
        frame = record.of if record.via is None else record.frame
        if record.via is not None and entity != self.root.entity:
            raise NotColumnar(REFUSED)
        while frame is not None and frame.entity != entity:
            frame = frame.above
        if frame is None:
            raise NotColumnar(REFUSED)
        return Column("record", frame, "", of=frame)

    # Yes or no.

    def negated(self, column: Column) -> Column:
        if column.constant is not None:
            return self.value_of(not column.constant, BOOLEAN)
        return column.but(name=self.emit(f"~{column.name}"))

    def flag(self, column: Column) -> str:
        """The name of the flags of a column that is not constant."""
        return self.plainly(column).name

    def every(self, parts: list[Column]) -> Column:
        """All of several; where one that is not bad is false, the others do not matter."""
        parts = [p for p in parts if p.constant is not True]
        if any(p.constant is False for p in parts):
            return self.value_of(False, BOOLEAN)
        if not parts:
            return self.value_of(True, BOOLEAN)
        if len(parts) == 1:
            return parts[0]
        frame = self.deepest(parts)
        packed = [p for p in parts if p.form == "bits" and p.frame is frame and p.bad is None]
        rest = [self.plainly(self.spread(p, frame)) for p in parts if p not in packed]
        made: Column | None = None
        for part in packed:
            made = part if made is None else made.but(name=self.emit(f"{made.name} & {part.name}"))
        bads = [p for p in rest if p.bad is not None]
        if not rest:
            assert made is not None
            return made
        rest = [self.plainly(made), *rest] if made is not None else rest
        name = self._or_bad(rest[0])
        for part in rest[1:]:
            name = self.emit(f"{name} & {self._or_bad(part)}")
        bad = self.either(*(p.bad for p in bads))
        return Column("flag", frame, name, bad=self.both(bad, name))

    def _or_bad(self, part: Column) -> str:
        return part.name if part.bad is None else self.emit(f"either({part.name}, {part.bad})")

    def compared(self, word: str, first: Column, second: Column) -> Column:
        """Of two numbers, dates or instants."""
        if first.constant is not None and second.constant is not None:
            a, b = first.constant, second.constant
            held = {"=": a == b, "!=": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[word]
            return self.value_of(held, BOOLEAN)
        frame, (first, second) = self.together(first, second)
        a_, b_, bad = level(self, first, second)
        return Column("flag", frame, self.emit(f"{a_.name} {COMPARED[word]} {b_.name}"), bad=self.either(first.bad, second.bad, bad))

    def same_words(self, *columns: Column) -> tuple[Any, ...]:
        """Columns of words brought to codes of one table, whose name comes last."""
        texts = tuple(dict.fromkeys(c.constant for c in columns if c.constant is not None))
        tables = list(dict.fromkeys(c.words for c in columns if c.constant is None and c.words))
        merged = self.emit(f"merged({self.constant(texts)}, {', '.join(tables)})")
        words = self.emit(f"{merged}[0]")
        made = []
        for column in columns:
            if column.constant is not None:
                made.append(column.but(name=self.emit(f"{words}.index({self.constant(column.constant)})"), constant=None, words=words))
            elif not column.name:
                made.append(column.but(name="0", words=words))
            else:
                codes = self.emit(f"{merged}[{tables.index(column.words or '') + 1}]")
                made.append(column.but(name=self.emit(f"looked_up({codes}, {column.name})"), words=words))
        return (*made, words)

    def scaled(self, column: Column, scale: int) -> Column:
        """The same number with another scale, a multiple of its own."""
        factor = scale // column.scale
        return self.times(column, factor).but(scale=scale, constant=column.constant)

    def times(self, column: Column, factor: int) -> Column:
        """The whole number of a column, multiplied."""
        if factor == 1:
            return column
        if column.constant is not None or column.name.lstrip("-").isdigit():
            return column.but(name=str(int(column.name) * factor), low=column.low * factor, high=column.high * factor)
        low, high = sorted((column.low * factor, column.high * factor))
        if max(-low, high) <= LARGEST:
            return column.but(name=self.emit(f"{column.name} * {factor}"), low=low, high=high)
        name, bad = self.emit_pair(f"checked({column.name}, {factor}, '*')")
        return column.but(name=name, low=-LARGEST, high=LARGEST, bad=self.either(column.bad, bad))
