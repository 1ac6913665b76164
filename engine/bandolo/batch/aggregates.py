"""What lists come to, on columns: counts, sums, extremes, different values and shares."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from bandolo.batch.arithmetic import divided, rounded
from bandolo.batch.columns import LARGEST, Column, Frame, NotColumnar
from bandolo.batch.trials import sample
from bandolo.check import core
from bandolo.language.types import BOOLEAN, INTEGER, MONEY

if TYPE_CHECKING:
    from bandolo.batch.writer import Writer


def aggregate(writer: Writer, word: str, listed: Column) -> Column:
    """What a list comes to; in a trial, something else where an owner lacks the list."""
    if listed.lacks is None or writer.trial is None:
        return _aggregated(writer, word, listed)
    assert listed.of is not None
    made = writer.plainly(_aggregated(writer, word, listed.but(lacks=None)))
    if made.constant is not None and made.form == "flag" and listed.frame is not None:
        made = _in_rows(writer, made, listed.frame)
    if made.constant is not None or made.form not in ("number", "flag"):
        raise NotColumnar(f"{word} of a list that is not known")
    type_ = BOOLEAN if made.form == "flag" else INTEGER if word == "count" else MONEY
    value = sample(type_, Fraction(0), None, f"{word} {listed.of.entity}", writer.trial)
    if made.form == "flag":
        return made.but(name=writer.emit(f"np.where({listed.lacks}, {value}, {made.name})"))
    assert isinstance(value, Fraction)
    number = int(value * made.scale)
    under = None if made.under is None else writer.emit(f"np.where({listed.lacks}, 1, {made.under})")
    name = writer.emit(f"np.where({listed.lacks}, {number}, {made.name})")
    return made.but(name=name, low=min(made.low, number), high=max(made.high, number), under=under)


def _in_rows(writer: Writer, constant: Column, frame: Frame) -> Column:
    """A constant yes or no in the rows in which it may be bad."""
    return constant.but(frame=frame, name=writer.emit(f"np.full({frame.name}.count, {constant.constant})"), constant=None)


def _aggregated(writer: Writer, word: str, listed: Column) -> Column:
    if listed.form == "items":
        raise NotColumnar("puts written values together")
    if listed.form != "list" or listed.of is None:
        raise NotColumnar("counts a list of values")
    home, frame, item = listed.frame, listed.of, listed.item
    assert home is not None
    bad = listed.bad
    if item is not None and item.bad is not None:
        bad = writer.either(bad, item.bad if listed.mask is None else writer.both(item.bad, listed.mask))
    bad_home = writer.either(listed.lacks, _up_bad(writer, bad, frame, home))
    if word == "count" or (word in ("any",) and item is None):
        made = _count(writer, listed.mask, frame, home).but(bad=bad_home)
        return made if word == "count" else Column("flag", home, writer.emit(f"{made.name} > 0"), bad=bad_home)
    if item is None:
        raise NotColumnar(f"{word} of records")
    if word in ("any", "all"):
        test = item if word == "any" else writer.negated(item)
        mine = [] if listed.mask is None else [Column("flag", frame, listed.mask)]
        hit = writer.every([*mine, test.but(bad=None)])
        if hit.constant is False:  # sure of every list that is known
            sure = writer.value_of(word == "all", BOOLEAN)
            return sure if bad_home is None else _in_rows(writer, sure, home).but(bad=bad_home)
        hit = writer.plainly(writer.spread(hit, frame))
        counted = _count(writer, None if hit.constant is True else hit.name, frame, home)
        return Column("flag", home, writer.emit(f"{counted.name} {'>' if word == 'any' else '=='} 0"), bad=bad_home)
    if item.form != "number" or item.under is not None or item.none is not None:
        raise NotColumnar(f"{word} of what is no whole number")
    item = writer.wide(writer.spread(item, frame))
    if item.constant is not None:
        item = item.but(name=writer.emit(f"np.full({frame.name}.count, {item.name})"), constant=None)
    if word in ("min", "max"):
        return _extreme_of(writer, word, item, listed, home, bad_home)
    total = _sum(writer, item, frame, home, listed.mask)
    bad_home = writer.either(bad_home, total.bad)
    if word == "sum":
        return total.but(bad=bad_home)
    count = _count(writer, listed.mask, frame, home)
    return divided(writer, total.but(bad=bad_home), count)


def distinct(writer: Writer, listed: Column) -> Column:
    """How many different words, dates or numbers there are."""
    item, frame, home = listed.item, listed.of, listed.frame
    if listed.form != "list" or item is None or frame is None or home is None or frame.above is not home:
        raise NotColumnar("counts different values of lists in lists")
    if item.form not in ("word", "number", "flag", "bits") or item.under is not None or item.none is not None or item.constant is not None:
        raise NotColumnar("counts different values that are computed")
    item = writer.plainly(writer.spread(item, frame))
    bad = writer.either(listed.bad, item.bad if listed.mask is None else writer.both(item.bad, listed.mask))
    codes = item.name
    if item.form == "word":  # a table may hold a word twice
        codes = writer.same_words(item)[0].name
    name = writer.emit(f"distinct({codes}, {listed.mask}, {frame.name})")
    return Column("number", home, name, 1, 0, 2**20, bad=writer.either(listed.lacks, _up_bad(writer, bad, frame, home)))


def share(writer: Writer, node: core.Share) -> Column:
    """This record's part of a total by largest remainder, worked out for all owners at once."""
    this = writer.slots[0]
    owner = writer.owner(this, node.owner)
    kept = dict(writer.slots)
    writer.slots = {0: owner}
    total, among = writer.value(node.total), writer.value(node.among)
    if among.form != "list" or among.of is None or among.item is not None or among.frame is not owner.of:
        raise NotColumnar("shares a total among what is no plain list")
    frame = among.of
    if frame.above is not owner.of or this.of is None or this.of.entity != frame.entity or this.of.above is not owner.of:
        raise NotColumnar("shares a total among records of another kind")
    writer.slots[node.slot] = Column("record", frame, "", of=frame)
    weight, ties = writer.value(node.weight), writer.value(node.ties)
    writer.slots = kept
    direction = writer.settled.settings.money_rounding
    if not isinstance(direction, str):
        raise NotColumnar("how amounts are rounded is open")
    total = rounded(writer, total, direction, Fraction(1, 100))
    if total.constant is None:
        total = writer.scaled(total, 100)
    elif total.scale != 100:
        total = Column("number", None, str(int(total.constant * 100)), 100, int(total.constant * 100), int(total.constant * 100))
    weight = writer.wide(writer.spread(weight, frame))
    if weight.form != "number" or weight.under is not None or weight.frame is not frame or ties.frame is not frame:
        raise NotColumnar("shares a total by weights that are no whole numbers")
    rank = ties.name
    if ties.form == "word":
        (coded, words) = writer.same_words(ties)
        rank = writer.emit(f"ranked({words}, {coded.name})")
    elif ties.form != "number" or ties.under is not None:
        raise NotColumnar("breaks ties by what has no order")
    name, bad = writer.emit_pair(f"allocated({total.name}, {weight.name}, {among.mask}, {rank}, {frame.name})")
    unsure = writer.either(among.bad, weight.bad, ties.bad)
    assert frame.above is not None
    bads = writer.either(total.bad, among.lacks, _up_bad(writer, unsure, frame, frame.above), bad)
    of_owner = None
    if bads is not None:
        of_owner = writer.spread(Column("flag", frame.above, "True", bad=bads), frame).bad
    return Column("number", this.of, name, 100, 0, LARGEST, bad=of_owner)


def _steps(frame: Frame, home: Frame) -> list[Frame]:
    path, current = [], frame
    while current is not home:
        path.append(current)
        assert current.above is not None
        current = current.above
    return path


def _up_bad(writer: Writer, bad: str | None, frame: Frame, home: Frame) -> str | None:
    if bad is None:
        return None
    for step in _steps(frame, home):
        bad = writer.emit(f"some_bad({bad}, {step.name})")
    return bad


def _count(writer: Writer, mask: str | None, frame: Frame, home: Frame) -> Column:
    steps = _steps(frame, home)
    if mask is None:
        name = writer.emit(f"{steps[0].name}.counts")
    else:
        bits, bit = writer.packed(mask, steps[0])
        name = writer.emit(f"tally({bits}, {bit}, {steps[0].name})")
    for step in steps[1:]:
        name = writer.emit(f"total({name}, {step.name})")
    return Column("number", home, name, 1, 0, 2**20)


def _sum(writer: Writer, item: Column, frame: Frame, home: Frame, mask: str | None) -> Column:
    made = item.but(bad=None)
    for step in _steps(frame, home):
        assert step.above is not None
        many = most_of(writer, step)
        low, high = min(made.low * many, 0), max(made.high * many, 0)
        if max(-low, high) <= LARGEST:
            kept = "" if mask is None else f", {writer.emit(f'wide_mask({mask})')}"
            made = made.but(name=writer.emit(f"total({made.name}, {step.name}{kept})"), low=low, high=high, frame=step.above)
        else:
            values = made.name if mask is None else writer.emit(f"{made.name} & {writer.emit(f'wide_mask({mask})')}")
            name, bad = writer.emit_pair(f"total_checked({values}, {step.name})")
            bads = writer.either(_up_bad(writer, made.bad, step, step.above), bad)
            made = made.but(name=name, low=-LARGEST, high=LARGEST, bad=bads, frame=step.above)
        mask = None
    return made


def most_of(writer: Writer, frame: Frame) -> int:
    """How many records one owner has at most."""
    from bandolo import limits

    owner, _, listed = frame.entity.partition(".")
    if listed:
        most = writer.policy.entities[owner].facts[listed].at_most
        return limits.LIST_LENGTH if most is None else most
    entity = writer.policy.entities[frame.entity]
    assert entity.owner is not None
    assert entity.listed_in is not None
    at_most = writer.policy.entities[entity.owner].facts[entity.listed_in].at_most
    return limits.LIST_LENGTH if at_most is None else at_most


def _extreme_of(writer: Writer, word: str, item: Column, listed: Column, home: Frame, bad: str | None) -> Column:
    assert listed.of is not None
    limit = LARGEST if word == "min" else -LARGEST
    name = item.name if listed.mask is None else writer.emit(f"np.where({listed.mask}, {item.name}, {limit})")
    for step in _steps(listed.of, home):
        name = writer.emit(f"grouped(np.{word}imum, {name}, {step.name}, {limit})")
    none = writer.emit(f"{name} == {limit}")
    return Column("number", home, name, item.scale, item.low, item.high, bad=writer.either(bad, none))
