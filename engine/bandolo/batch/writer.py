"""Core to the lines of a columnar program: one NumPy operation a line, each said once.

Lines hold names made here and whole numbers; words and dates of the policy go into the program's table. What is computed of a row whose
values are garbage (below a null, behind a condition) is garbage that nobody looks at: no line raises on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from math import gcd, lcm
from typing import Any, assert_never

from bandolo.batch.columns import LARGEST, Column, Frame, NotColumnar
from bandolo.check import core
from bandolo.evaluate.settle import Settled
from bandolo.language.types import DATE, DATETIME, ChoiceType, ListType, OptionalType, RecordType, Type
from bandolo.language.values import NONE, Duration, Fault, ListValue, Unknown, Value

EPOCH = date(1970, 1, 1)
COMPARED = {"=": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
REFUSED = "compares the records of a list with one another"


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
        match node:
            case core.Constant(value=value):
                return self.value_of(value, node.type)
            case core.Variable(slot=slot):
                return self.slots[slot]
            case core.Owner(entity=entity):
                return self._owner(self.value(node.record), entity)
            case core.Fact(name=name, stage=stage):
                record = self.value(node.record)
                assert record.of is not None
                if isinstance(node.type, ListType) and isinstance(node.type.item, RecordType):
                    entity = node.type.item.entity
                    lacks = self.lacks(record.of.entity, name)
                    return Column("list", record.of, "", of=Frame(entity, row_name(self.policy, entity), record.of), lacks=lacks)
                if isinstance(node.type, ListType):
                    if record.via is not None or stage is not None:
                        raise NotColumnar("goes through a list of values")
                    return self.values(record.of, name)
                column = self.fact(record.of.entity, name, stage)
                if column.form == "record" and isinstance(bare(node.type), RecordType):
                    if record.via is not None:
                        raise NotColumnar("a reference of a record that is itself referred to")
                    target = self.target(bare(node.type).entity)  # type: ignore[union-attr]
                    return column.but(frame=record.of, of=target, via=column.name)
                return self.through(record, column)
            case core.Computed(entity=entity, name=name):
                if (entity, name) not in self.definitions:
                    raise NotColumnar(self.why.get((entity, name), name))
                self.asked |= self.asks.get(("definition", entity, name), frozenset())
                return self._of(node.record, self.definitions[entity, name])
            case core.Met(requirement=requirement):
                if requirement not in self.met:
                    raise NotColumnar(f"{requirement} is not decided by columns")
                self.asked |= self.asks.get(("requirement", requirement), frozenset())
                return self._of(node.record, self.met[requirement].but(bad=self.unsure.get(requirement)))
            case core.Admitted(entity=entity, stage=stage):
                self.asked |= self.asks.get(("admitted", entity, stage or ""), frozenset())
                return self._of(node.record, self.admitted[entity, stage or ""])
            case core.Parameter(name=name):
                return self.settled_value(self.settled.settings.parameters[name], node.type)
            case core.Dated():
                return self._dated(node)
            case core.Option(reading=reading):
                return self.settled_value(self.settled.settings.options[reading], node.type)
            case core.AsOf():
                return self.settled_value(self.settled.settings.as_of, node.type)
            case core.Apply():
                from bandolo.batch.operations import apply

                return apply(self, node)
            case core.And(parts=parts):
                return self.every([self.value(p) for p in parts])
            case core.Or(parts=parts):
                return self.negated(self.every([self.negated(self.value(p)) for p in parts]))
            case core.Not(value=inner):
                return self.negated(self.value(inner))
            case core.IsNone(value=inner):
                found = self.value(inner)
                if found.form == "none":
                    return self.value_of(True, node.type)
                if found.none is None:
                    return Column("flag", None, "False", constant=False, bad=found.bad)
                return Column("flag", found.frame, found.none, bad=found.bad)
            case core.IsKnown(value=inner):
                if not isinstance(inner, core.Fact) or isinstance(inner.type, ListType):
                    raise NotColumnar("asks whether something that is computed is known")
                record = self.value(inner.record)
                if record.of is None or record.via is not None:
                    raise NotColumnar("asks whether a fact of another record is known")
                return self.known(record.of, inner.name, inner.stage)
            case core.Branches():
                return self._branches(node)
            case core.Choose():
                return self._choose(node)
            case core.Brackets():
                from bandolo.batch.operations import brackets

                return brackets(self, node)
            case core.Items(items=items):
                return Column("items", None, "", constant=tuple(self.value(i) for i in items))
            case core.Filter():
                return self._filter(node)
            case core.Map():
                return self._map(node)
            case core.Share():
                from bandolo.batch.aggregates import share

                return share(self, node)
            case core.Let(slot=slot, value=bound, body=body):
                self.slots[slot] = self.value(bound)
                return self.value(body)
            case core.Invalid():
                raise NotColumnar("a policy with errors")
            case _:
                assert_never(node)

    def _of(self, record: core.Expr, column: Column) -> Column:
        found = self.value(record)
        return column if column.frame is None else self.through(found, column)

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

    def _owner(self, record: Column, entity: str) -> Column:
        frame = record.of if record.via is None else record.frame
        if record.via is not None and entity != self.root.entity:
            raise NotColumnar(REFUSED)
        while frame is not None and frame.entity != entity:
            frame = frame.above
        if frame is None:
            raise NotColumnar(REFUSED)
        return Column("record", frame, "", of=frame)

    def _dated(self, node: core.Dated) -> Column:
        day = self.value(node.date)
        found: Column | None = None
        inside: list[Column] = []
        for start, end, value in reversed(self.settled.settings.versions[node.name]):
            tests = []
            if start is not None:
                tests.append(self.compared(">=", day, self.value_of(start, DATE)))
            if end is not None:
                tests.append(self.compared("<=", day, self.value_of(end, DATE)))
            test = self.every(tests)
            inside.append(test)
            worth = self.value_of(value, node.type)
            found = worth if found is None else self.chosen(test, worth, found)
        assert found is not None
        outside = self.every([self.negated(t) for t in inside])
        if outside.constant is False:
            return found
        frame, (found, outside, day) = self.together(found, outside, day)
        if outside.constant is True:
            raise NotColumnar("no version in force")
        return found.but(frame=frame, constant=None, bad=self.either(found.bad, day.bad, outside.name))

    # Yes or no.

    def negated(self, column: Column) -> Column:
        if column.constant is not None:
            return self.value_of(not column.constant, core_boolean())
        return column.but(name=self.emit(f"~{column.name}"))

    def flag(self, column: Column) -> str:
        """The name of the flags of a column that is not constant."""
        return self.plainly(column).name

    def every(self, parts: list[Column]) -> Column:
        """All of several; where one that is not bad is false, the others do not matter."""
        parts = [p for p in parts if p.constant is not True]
        if any(p.constant is False for p in parts):
            return self.value_of(False, core_boolean())
        if not parts:
            return self.value_of(True, core_boolean())
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
            return self.value_of(held, core_boolean())
        from bandolo.batch.operations import level

        frame, (first, second) = self.together(first, second)
        a_, b_, bad = level(self, first, second)
        return Column("flag", frame, self.emit(f"{a_.name} {COMPARED[word]} {b_.name}"), bad=self.either(first.bad, second.bad, bad))

    # One of several.

    def _branches(self, node: core.Branches) -> Column:
        found = self.value(node.otherwise)
        for branch in reversed(node.branches):
            test = self.value(branch.when)
            if test.constant is True:
                found = self.value(branch.value)
            elif test.constant is None:
                found = self.chosen(test, self.value(branch.value), found)
        return found

    def chosen(self, test: Column, yes: Column, no: Column) -> Column:
        """One column where a flag is set, the other where it is not."""
        if test.constant is not None:
            return yes if test.constant else no
        if "list" in (yes.form, no.form) or "items" in (yes.form, no.form) or "record" in (yes.form, no.form):
            raise NotColumnar("chooses among lists or records")
        if yes.form == "none" and no.form == "none":
            return yes
        yes, no = self._none_as(yes, no), self._none_as(no, yes)
        frame, (test, yes, no) = self.together(self.plainly(test), self.plainly(yes), self.plainly(no))
        flag = test.name
        bads = [test.bad, self.both(yes.bad, flag), self.both(no.bad, self.emit(f"~{flag}")) if no.bad is not None else None]
        none = None
        if yes.none is not None or no.none is not None:
            none = self.emit(f"np.where({flag}, {yes.none or 'False'}, {no.none or 'False'})")
        made = Column(yes.form, frame, "", none=none)
        if yes.form == "number":
            scale = lcm(yes.scale, no.scale)
            yes, no = self.scaled(self.wide(yes), scale), self.scaled(self.wide(no), scale)
            bads += [self.both(yes.bad, flag), self.both(no.bad, self.emit(f"~{flag}")) if no.bad is not None else None]
            under, under_high = None, 1
            if yes.under is not None or no.under is not None:
                under_high = max(yes.under_high, no.under_high)
                under = yes.under if yes.under == no.under else self.emit(f"np.where({flag}, {yes.under or 1}, {no.under or 1})")
            made = made.but(scale=scale, low=min(yes.low, no.low), high=max(yes.high, no.high), under=under, under_high=under_high)
        elif yes.form == "word":
            yes, no, words = self.same_words(yes, no)
            made = made.but(words=words)
        elif yes.form not in ("flag",):
            raise NotColumnar(f"chooses among values of the form {yes.form}")
        whole = made.form == "number" and all(c.name.lstrip("-").isdigit() for c in (yes, no))
        name = f"one_of({flag}, {yes.name}, {no.name})" if whole else f"np.where({flag}, {yes.name}, {no.name})"
        return made.but(name=self.emit(name), bad=self.either(*bads))

    def _none_as(self, column: Column, like: Column) -> Column:
        """`none` in the form of another column."""
        if column.form != "none":
            return column
        if like.form == "number":
            return self.number(0).but(constant=None, none="True")
        if like.form in ("flag", "bits"):
            return Column("flag", None, "False", none="True")
        if like.form == "word":
            return Column("word", None, "", constant=None, none="True", words="")
        raise NotColumnar("chooses none or a list")

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

    def _choose(self, node: core.Choose) -> Column:
        subject = self.value(node.subject)
        options = dict(node.options)
        if subject.constant is not None:
            chosen = options.get(subject.constant, node.otherwise)
            assert chosen is not None
            return self.value(chosen)
        values = {word: self.value(option) for word, option in options.items()}
        otherwise = self.value(node.otherwise) if node.otherwise is not None else None
        every = [*values.values(), *([otherwise] if otherwise is not None else [])]
        if all(c.form == "number" and c.constant is not None and c.none is None for c in every):
            scale = lcm(*(c.scale for c in every))
            numbers = {word: int(c.constant * scale) for word, c in values.items()}
            rest = int(otherwise.constant * scale) if otherwise is not None else 0
            known = [*numbers.values(), *([rest] if otherwise is not None else [])]
            if max(map(abs, known)) > LARGEST:
                raise NotColumnar("a number beyond 64 bits")
            table = self.emit(f"table_of({subject.words}, {self.constant(numbers)}, {rest})")
            name = self.emit(f"looked_up({table}, {subject.name})")
            return Column("number", subject.frame, name, scale, min(known), max(known), bad=subject.bad)
        found = otherwise if otherwise is not None else every[0]
        for word, value in values.items():
            if value is not found:
                found = self.chosen(self.word_is(subject, word), value, found)
        return found

    def word_is(self, column: Column, word: str) -> Column:
        """Whether a column has a word."""
        if column.constant is not None:
            return self.value_of(column.constant == word, core_boolean())
        code = self.emit(f"found_code({column.words}, {self.constant(word)})")
        return Column("flag", column.frame, self.emit(f"{column.name} == {code}"), bad=column.bad)

    # Lists.

    def _member(self, listed: Column, slot: int) -> Frame:
        if listed.form != "list" or listed.of is None:
            raise NotColumnar("goes through a list of values")
        if listed.values and listed.item is not None:
            self.slots[slot] = listed.item
            return listed.of
        if listed.item is not None:
            raise NotColumnar("goes through a list of values")
        self.slots[slot] = Column("record", listed.of, "", of=listed.of)
        return listed.of

    def _filter(self, node: core.Filter) -> Column:
        listed = self.value(node.list)
        frame = self._member(listed, node.slot)
        test = self.value(node.condition)
        mine = [] if listed.mask is None else [Column("flag", frame, listed.mask, bad=listed.bad)]
        kept = self.every([*mine, test])
        if kept.constant is True:
            return listed
        kept = self.plainly(self.spread(kept, frame))
        if kept.constant is False:
            kept = kept.but(frame=frame, name=self.emit(f"np.zeros({frame.name}.count, bool)"))
        elif kept.frame is not frame:
            raise NotColumnar(REFUSED)
        return listed.but(mask=kept.name, bad=kept.bad)

    def _map(self, node: core.Map) -> Column:
        listed = self.value(node.list)
        frame = self._member(listed, node.slot)
        item = self.value(node.item)
        if not node.flatten:
            return listed.but(item=self.spread(item, frame) if item.frame is not frame else item, values=False)
        if item.form != "list" or item.of is None or item.frame is not frame:
            raise NotColumnar("puts lists together")
        mask, bad, lacks = item.mask, item.bad, listed.lacks
        if item.lacks is not None:
            assert listed.frame is not None
            gone = item.lacks if listed.mask is None else self.both(item.lacks, listed.mask)
            current: Frame | None = frame
            while gone is not None and current is not None and current is not listed.frame:
                gone, current = self.emit(f"some_bad({gone}, {current.name})"), current.above
            lacks = self.either(lacks, gone)
        if listed.mask is not None:
            outer = self.spread(Column("flag", frame, listed.mask, bad=listed.bad), item.of)
            mine = [] if mask is None else [Column("flag", item.of, mask, bad=bad)]
            kept = self.every([outer, *mine])
            mask, bad = kept.name, kept.bad
        return listed.but(of=item.of, mask=mask, bad=bad, item=item.item, lacks=lacks)


def bare(type_: Type) -> Type:
    """A type without its `none`."""
    return type_.of if isinstance(type_, OptionalType) else type_


def row_name(policy: core.Policy, entity: str) -> str:
    """What a program calls the rows of an entity."""
    return f"r{list(policy.entities).index(entity)}"


def instant_number(moment: datetime) -> Fraction:
    """Seconds since 1970, exactly."""
    from datetime import UTC

    past = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return Fraction(past.days * 86400 + past.seconds) + Fraction(past.microseconds, 10**6)


def core_boolean() -> Type:
    from bandolo.language.types import BOOLEAN

    return BOOLEAN


__all__ = ["DATETIME", "ChoiceType", "OptionalType", "Writer", "gcd", "instant_number", "row_name"]
