"""The column of what a node of the policy is worth: each kind of node by what it reads, compares, chooses or goes through."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from bandolo.batch.aggregates import share
from bandolo.batch.choices import branches, choose, chosen
from bandolo.batch.columns import REFUSED, Column, Frame, NotColumnar, row_name
from bandolo.batch.operations import apply, brackets
from bandolo.check import core
from bandolo.language.types import DATE, ListType, OptionalType, RecordType, Type

if TYPE_CHECKING:
    from bandolo.batch.writer import Writer


def value(writer: Writer, node: core.Expr) -> Column:
    """The column of what a node is worth."""
    match node:
        case core.Constant(value=value):
            return writer.value_of(value, node.type)
        case core.Variable(slot=slot):
            return _anew(writer.slots[slot])
        case core.Owner(entity=entity):
            return writer.owner(writer.value(node.record), entity)
        case core.Fact(name=name, stage=stage):
            record = writer.value(node.record)
            assert record.of is not None
            if isinstance(node.type, ListType) and isinstance(node.type.item, RecordType):
                entity = node.type.item.entity
                lacks = writer.lacks(record.of.entity, name)
                return Column("list", record.of, "", of=Frame(entity, row_name(writer.policy, entity), record.of), lacks=lacks)
            if isinstance(node.type, ListType):
                if record.via is not None or stage is not None:
                    raise NotColumnar("goes through a list of values")
                return writer.values(record.of, name)
            column = writer.fact(record.of.entity, name, stage)
            if column.form == "record" and isinstance(_bare(node.type), RecordType):
                if record.via is not None:
                    raise NotColumnar("a reference of a record that is itself referred to")
                target = writer.target(_bare(node.type).entity)  # type: ignore[union-attr]
                return column.but(frame=record.of, of=target, via=column.name)
            return writer.through(record, column)
        case core.Computed(entity=entity, name=name):
            if (entity, name) not in writer.definitions:
                raise NotColumnar(writer.why.get((entity, name), name))
            writer.asked |= writer.asks.get(("definition", entity, name), frozenset())
            return _of(writer, node.record, _anew(writer.definitions[entity, name]))
        case core.Met(requirement=requirement):
            if requirement not in writer.met:
                raise NotColumnar(f"{requirement} is not decided by columns")
            writer.asked |= writer.asks.get(("requirement", requirement), frozenset())
            return _of(writer, node.record, writer.met[requirement].but(bad=writer.unsure.get(requirement)))
        case core.Admitted(entity=entity, stage=stage):
            writer.asked |= writer.asks.get(("admitted", entity, stage or ""), frozenset())
            return _of(writer, node.record, writer.admitted[entity, stage or ""])
        case core.Parameter(name=name):
            return writer.settled_value(writer.settled.settings.parameters[name], node.type)
        case core.Dated():
            return _dated(writer, node)
        case core.Option(reading=reading):
            return writer.settled_value(writer.settled.settings.options[reading], node.type)
        case core.AsOf():
            return writer.settled_value(writer.settled.settings.as_of, node.type)
        case core.Apply():
            return apply(writer, node)
        case core.And(parts=parts):
            return writer.every([writer.value(p) for p in parts])
        case core.Or(parts=parts):
            return writer.negated(writer.every([writer.negated(writer.value(p)) for p in parts]))
        case core.Not(value=inner):
            return writer.negated(writer.value(inner))
        case core.IsNone(value=inner):
            found = writer.value(inner)
            if found.form == "none":
                return writer.value_of(True, node.type)
            if found.none is None:
                return Column("flag", None, "False", constant=False, bad=found.bad)
            return Column("flag", found.frame, found.none, bad=found.bad)
        case core.IsKnown(value=inner):
            if not isinstance(inner, core.Fact) or isinstance(inner.type, ListType):
                raise NotColumnar("asks whether something that is computed is known")
            record = writer.value(inner.record)
            if record.of is None or record.via is not None:
                raise NotColumnar("asks whether a fact of another record is known")
            return writer.known(record.of, inner.name, inner.stage)
        case core.Branches():
            return branches(writer, node)
        case core.Choose():
            return choose(writer, node)
        case core.Brackets():
            return brackets(writer, node)
        case core.Items(items=items):
            return Column("items", None, "", constant=tuple(writer.value(i) for i in items))
        case core.Filter():
            return _filter(writer, node)
        case core.Map():
            return _map(writer, node)
        case core.Share():
            return share(writer, node)
        case core.Let(slot=slot, value=bound, body=body):
            writer.slots[slot] = writer.value(bound)
            return writer.value(body)
        case core.Invalid():
            raise NotColumnar("a policy with errors")
        case _:
            assert_never(node)


def _anew(column: Column) -> Column:
    """A list with rows of its own: who goes through it inside another way through it compares its records with one another."""
    if column.form != "list":
        return column
    made: dict[Frame | None, Frame | None] = {column.frame: column.frame, None: None}

    def renewed(frame: Frame | None) -> Frame | None:
        if frame not in made:
            assert frame is not None
            made[frame] = Frame(frame.entity, frame.name, renewed(frame.above))
        return made[frame]

    of, item = renewed(column.of), column.item
    if item is not None:
        item = item.but(frame=made.get(item.frame, item.frame), of=made.get(item.of, item.of))
    return column.but(of=of, item=item)


def _of(writer: Writer, record: core.Expr, column: Column) -> Column:
    found = writer.value(record)
    return column if column.frame is None else writer.through(found, column)


def _dated(writer: Writer, node: core.Dated) -> Column:
    day = writer.value(node.date)
    found: Column | None = None
    inside: list[Column] = []
    for start, end, value in reversed(writer.settled.settings.versions[node.name]):
        tests = []
        if start is not None:
            tests.append(writer.compared(">=", day, writer.value_of(start, DATE)))
        if end is not None:
            tests.append(writer.compared("<=", day, writer.value_of(end, DATE)))
        test = writer.every(tests)
        inside.append(test)
        worth = writer.value_of(value, node.type)
        found = worth if found is None else chosen(writer, test, worth, found)
    assert found is not None
    outside = writer.every([writer.negated(t) for t in inside])
    if outside.constant is False:
        return found
    frame, (found, outside, day) = writer.together(found, outside, day)
    if outside.constant is True:
        raise NotColumnar("no version in force")
    return found.but(frame=frame, constant=None, bad=writer.either(found.bad, day.bad, outside.name))


def _member(writer: Writer, listed: Column, slot: int) -> Frame:
    if listed.form != "list" or listed.of is None:
        raise NotColumnar("goes through a list of values")
    if listed.values and listed.item is not None:
        writer.slots[slot] = listed.item
        return listed.of
    if listed.item is not None:
        raise NotColumnar("goes through a list of values")
    writer.slots[slot] = Column("record", listed.of, "", of=listed.of)
    return listed.of


def _filter(writer: Writer, node: core.Filter) -> Column:
    listed = writer.value(node.list)
    frame = _member(writer, listed, node.slot)
    test = writer.value(node.condition)
    mine = [] if listed.mask is None else [Column("flag", frame, listed.mask, bad=listed.bad)]
    kept = writer.every([*mine, test])
    if kept.constant is True:
        return listed
    kept = writer.plainly(writer.spread(kept, frame))
    if kept.constant is False:
        kept = kept.but(frame=frame, name=writer.emit(f"np.zeros({frame.name}.count, bool)"))
    elif kept.frame is not frame:
        raise NotColumnar(REFUSED)
    return listed.but(mask=kept.name, bad=kept.bad)


def _map(writer: Writer, node: core.Map) -> Column:
    listed = writer.value(node.list)
    frame = _member(writer, listed, node.slot)
    item = writer.value(node.item)
    if not node.flatten:
        return listed.but(item=writer.spread(item, frame) if item.frame is not frame else item, values=False)
    if item.form != "list" or item.of is None or item.frame is not frame:
        raise NotColumnar("puts lists together")
    mask, bad, lacks = item.mask, item.bad, listed.lacks
    if item.lacks is not None:
        assert listed.frame is not None
        gone = item.lacks if listed.mask is None else writer.both(item.lacks, listed.mask)
        current: Frame | None = frame
        while gone is not None and current is not None and current is not listed.frame:
            gone, current = writer.emit(f"some_bad({gone}, {current.name})"), current.above
        lacks = writer.either(lacks, gone)
    if listed.mask is not None:
        outer = writer.spread(Column("flag", frame, listed.mask, bad=listed.bad), item.of)
        mine = [] if mask is None else [Column("flag", item.of, mask, bad=bad)]
        kept = writer.every([outer, *mine])
        mask, bad = kept.name, kept.bad
    return listed.but(of=item.of, mask=mask, bad=bad, item=item.item, lacks=lacks)


def _bare(type_: Type) -> Type:
    """A type without its `none`."""
    return type_.of if isinstance(type_, OptionalType) else type_
