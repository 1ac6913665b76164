"""One of several columns: where a condition holds, or by a word."""

from __future__ import annotations

from math import lcm
from typing import TYPE_CHECKING

from bandolo.batch.columns import LARGEST, Column, NotColumnar
from bandolo.check import core
from bandolo.language.types import BOOLEAN

if TYPE_CHECKING:
    from bandolo.batch.writer import Writer


def chosen(writer: Writer, test: Column, yes: Column, no: Column) -> Column:
    """One column where a flag is set, the other where it is not."""
    if test.constant is not None:
        return yes if test.constant else no
    if "list" in (yes.form, no.form) or "items" in (yes.form, no.form) or "record" in (yes.form, no.form):
        raise NotColumnar("chooses among lists or records")
    if yes.form == "none" and no.form == "none":
        return yes
    yes, no = _none_as(writer, yes, no), _none_as(writer, no, yes)
    frame, (test, yes, no) = writer.together(writer.plainly(test), writer.plainly(yes), writer.plainly(no))
    flag = test.name
    bads = [test.bad, writer.both(yes.bad, flag), writer.both(no.bad, writer.emit(f"~{flag}")) if no.bad is not None else None]
    none = None
    if yes.none is not None or no.none is not None:
        none = writer.emit(f"np.where({flag}, {yes.none or 'False'}, {no.none or 'False'})")
    made = Column(yes.form, frame, "", none=none)
    if yes.form == "number":
        scale = lcm(yes.scale, no.scale)
        yes, no = writer.scaled(writer.wide(yes), scale), writer.scaled(writer.wide(no), scale)
        bads += [writer.both(yes.bad, flag), writer.both(no.bad, writer.emit(f"~{flag}")) if no.bad is not None else None]
        under, under_high = None, 1
        if yes.under is not None or no.under is not None:
            under_high = max(yes.under_high, no.under_high)
            under = yes.under if yes.under == no.under else writer.emit(f"np.where({flag}, {yes.under or 1}, {no.under or 1})")
        made = made.but(scale=scale, low=min(yes.low, no.low), high=max(yes.high, no.high), under=under, under_high=under_high)
    elif yes.form == "word":
        yes, no, words = writer.same_words(yes, no)
        made = made.but(words=words)
    elif yes.form not in ("flag",):
        raise NotColumnar(f"chooses among values of the form {yes.form}")
    whole = made.form == "number" and all(c.name.lstrip("-").isdigit() for c in (yes, no))
    name = f"one_of({flag}, {yes.name}, {no.name})" if whole else f"np.where({flag}, {yes.name}, {no.name})"
    return made.but(name=writer.emit(name), bad=writer.either(*bads))


def _none_as(writer: Writer, column: Column, like: Column) -> Column:
    """`none` in the form of another column."""
    if column.form != "none":
        return column
    if like.form == "number":
        return writer.number(0).but(constant=None, none="True")
    if like.form in ("flag", "bits"):
        return Column("flag", None, "False", none="True")
    if like.form == "word":
        return Column("word", None, "", constant=None, none="True", words="")
    raise NotColumnar("chooses none or a list")


def branches(writer: Writer, node: core.Branches) -> Column:
    """The value of the first branch whose condition holds."""
    found = writer.value(node.otherwise)
    for branch in reversed(node.branches):
        test = writer.value(branch.when)
        if test.constant is True:
            found = writer.value(branch.value)
        elif test.constant is None:
            found = chosen(writer, test, writer.value(branch.value), found)
    return found


def choose(writer: Writer, node: core.Choose) -> Column:
    """The value that stands beside a word; numbers are looked up in a table."""
    subject = writer.value(node.subject)
    options = dict(node.options)
    if subject.constant is not None:
        taken = options.get(subject.constant, node.otherwise)
        assert taken is not None
        return writer.value(taken)
    values = {word: writer.value(option) for word, option in options.items()}
    otherwise = writer.value(node.otherwise) if node.otherwise is not None else None
    every = [*values.values(), *([otherwise] if otherwise is not None else [])]
    if all(c.form == "number" and c.constant is not None and c.none is None for c in every):
        scale = lcm(*(c.scale for c in every))
        numbers = {word: int(c.constant * scale) for word, c in values.items()}
        rest = int(otherwise.constant * scale) if otherwise is not None else 0
        known = [*numbers.values(), *([rest] if otherwise is not None else [])]
        if max(map(abs, known)) > LARGEST:
            raise NotColumnar("a number beyond 64 bits")
        table = writer.emit(f"table_of({subject.words}, {writer.constant(numbers)}, {rest})")
        name = writer.emit(f"looked_up({table}, {subject.name})")
        return Column("number", subject.frame, name, scale, min(known), max(known), bad=subject.bad)
    found = otherwise if otherwise is not None else every[0]
    for word, value in values.items():
        if value is not found:
            found = chosen(writer, word_is(writer, subject, word), value, found)
    return found


def word_is(writer: Writer, column: Column, word: str) -> Column:
    """Whether a column has a word."""
    if column.constant is not None:
        return writer.value_of(column.constant == word, BOOLEAN)
    code = writer.emit(f"found_code({column.words}, {writer.constant(word)})")
    return Column("flag", column.frame, writer.emit(f"{column.name} == {code}"), bad=column.bad)
