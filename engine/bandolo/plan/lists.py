"""Python code for what operations make of a list: one loop, in which the members are looked at as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bandolo.check import core
from bandolo.language.types import MONEY as MONEY_TYPE
from bandolo.language.types import ListType, is_quantity
from bandolo.plan import numbers
from bandolo.plan.codes import NEVER, Code
from bandolo.plan.kinds import Cash, Kind, OfEntity, Ratio, Same, Whole
from bandolo.plan.quote import code, literal, name, times

if TYPE_CHECKING:
    from bandolo.plan.expressions import Writer

LIST_BITS = 20
"""A sum over as many records as an application may have is so many bits longer than its longest item."""


def is_aggregate(node: core.Apply) -> bool:
    """Whether an operation makes one value of a list."""
    word = node.operation.name
    return word in ("count", "sum", "any", "all", "average", "count distinct") or (word in ("min", "max") and len(node.arguments) == 1)


def aggregate(writer: Writer, node: core.Apply) -> Code:
    """Code for what an operation makes of a list."""
    word = node.operation.name
    listed = node.arguments[0]
    temp = writer.names.fresh()
    if word == "count":
        if not isinstance(listed, core.Filter | core.Map):
            value = writer.value(listed)
            return value if value.kind is None else Code(code("len(V)", V=value.expr), Whole(1, LIST_BITS))
        writer.start(listed, "T = 0", T=temp)
        found = writer.each(listed, lambda _: writer.add("T += 1", T=temp))
        return Code(name(temp), Whole(1, LIST_BITS)) if found else NEVER
    if word in ("any", "all"):
        writer.start(listed, "T = V", T=temp, V=literal(word == "all"))

        def decide(member: Code) -> None:
            if isinstance(member.kind, OfEntity):
                writer.add("T = True", T=temp)
            elif word == "any":
                writer.add("if V: T = True", T=temp, V=member.expr)
            else:
                writer.add("if not V: T = False", T=temp, V=member.expr)

        return Code(name(temp), Same(node.type)) if writer.each(listed, decide) else NEVER
    return _over_values(writer, node, word, temp)


def _over_values(writer: Writer, node: core.Apply, word: str, temp: str) -> Code:
    """`sum`, `average`, `min`, `max`, `count distinct`: one loop, by the form of the items."""
    listed = node.arguments[0]
    item = listed.type.item if isinstance(listed.type, ListType) else listed.type
    numeric = item == MONEY_TYPE or is_quantity(item)
    kinds: list[Kind] = []
    start = {"count distinct": "T = set()", "min": "T = None", "max": "T = None"}.get(word, "T = 0")
    if not numeric and (word in ("sum", "average") or str(item).startswith("duration")):
        return numbers.called(writer, node, [writer.value(a) for a in node.arguments])
    counter = writer.names.fresh()
    writer.start(listed, start, T=temp)
    if word == "average":
        writer.start(listed, "C = 0", C=counter)

    def add(member: Code) -> None:
        value = member if isinstance(member.kind, Cash) and word == "sum" else numbers.plain(writer.counted(member))
        if value.kind is None:
            return
        kinds.append(value.kind)
        if isinstance(value.kind, Ratio):
            value = writer.unpacked(value)
            expr = code("Fraction(N, D)", N=value.expr, D=value.under)
        else:
            expr = value.expr
        if word in ("sum", "average"):
            writer.add("T += V", T=temp, V=expr)
            if word == "average":
                writer.add("C += 1", C=counter)
        elif word == "count distinct":
            writer.add("T.add(V)", T=temp, V=expr)
        else:
            held = writer.held(Code(expr, value.kind if not isinstance(value.kind, Ratio) else Same(item))).expr
            writer.add("if T is None or V < T: T = V" if word == "min" else "if T is None or V > T: T = V", T=temp, V=held)

    if not writer.each(listed, add):
        return NEVER
    if word == "count distinct":
        return Code(code("len(T)", T=temp), Whole(1, LIST_BITS))
    kind: Kind = kinds[0] if kinds else (Whole(1, 1) if numeric else Same(item))
    if word in ("min", "max"):
        writer.add("if T is None: raise Open", T=temp)
        return numbers.of_fraction(writer, temp) if isinstance(kind, Ratio) else Code(name(temp), kind)
    if word == "average":
        writer.add("if C == 0: raise Open", C=counter)
    if isinstance(kind, Cash):
        return writer.counted(Code(name(temp), kind))
    if isinstance(kind, Ratio):
        total = numbers.of_fraction(writer, temp)
    else:
        assert isinstance(kind, Whole)
        total = numbers.kept_short(writer, Code(name(temp), Whole(kind.scale, kind.bits + LIST_BITS)))
    if word == "sum":
        return total
    (n, d) = numbers.pair(writer, total)
    return numbers.kept_short(writer, Code(n, Ratio(numbers.pair_bits(total) + LIST_BITS), times(name(counter), d)))


def contained(writer: Writer, node: core.Apply) -> Code:
    """Code for whether a value is among those of a list."""
    item = writer.held(numbers.plain(writer.unpacked(writer.counted(writer.value(node.arguments[0])))))
    if item.kind is None:
        return item
    options = node.arguments[1]
    if isinstance(options, core.Items) and isinstance(item.kind, Same) and all(isinstance(o, core.Constant) for o in options.items):
        words = [o.value for o in options.items if isinstance(o, core.Constant)]
        if all(isinstance(w, str) for w in words):
            return Code(code("V in K", V=item.expr, K=writer.names.constant(frozenset(words))), Same(node.type))
    temp = writer.names.fresh()
    writer.add("T = False", T=temp)

    def same(member: Code) -> None:
        other = numbers.plain(writer.counted(member))
        if isinstance(other.kind, Whole | Ratio) and isinstance(item.kind, Whole | Ratio):
            test = numbers.compared(writer, "=", item, other).expr
        elif isinstance(other.kind, OfEntity):
            test = code("A is B", A=item.expr, B=other.expr)
        else:
            test = code("A == B", A=item.expr, B=other.expr)
        writer.add("if V: T = True", T=temp, V=test)

    return Code(name(temp), Same(node.type)) if writer.each(options, same) else NEVER
