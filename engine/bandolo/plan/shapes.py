"""Applications as msgspec reads them: one look, without Python in between, at every field's name and kind.

Fields stand under the names that a program gives to facts: what a policy calls them is data of the reader, never code. What does not fit
raises ValueError and is read again by `evaluate/inputs.py`, which says what is wrong.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from decimal import Decimal
from operator import attrgetter
from types import GenericAlias
from typing import Any, Literal, Optional

from bandolo.check import core
from bandolo.language.types import BOOLEAN, DATETIME, TEXT, ChoiceType, DurationType, ListType, OptionalType, RecordType, Type
from bandolo.plan.codes import Names
from bandolo.plan.quote import code, compiled, function, lines, name
from bandolo.records import dataclass

try:
    import msgspec

    HAS_MSGSPEC = True
except ImportError:  # an extra: without it dicts are read by the program itself, and JSON the longer way
    HAS_MSGSPEC = False


@dataclass
class Shapes:
    """What reads an application: from plain data with `convert(data, root)`, from JSON with `of_json(content)`.

    Both give a record of the root whose attributes are named as the slots of its facts; `values` tells a record's facts in the order of
    their declaration.
    """

    root: type
    convert: Callable[..., Any]
    of_json: Callable[[bytes], Any]
    values: dict[str, Callable[[Any], tuple[Any, ...]]]
    slots: dict[str, list[str]]


def shapes(policy: core.Policy, names: Names) -> Shapes | None:
    """The shapes of the records of a policy whose lists all belong to the root; None where msgspec is not installed."""
    if not HAS_MSGSPEC:
        return None
    made: dict[str, Any] = {}
    slots: dict[str, list[str]] = {}
    for entity in sorted(policy.entities.values(), key=lambda e: e.name == policy.root):  # the root lists the others
        slots[entity.name] = [names.facts[entity.name, fact, None] for fact in entity.facts]
        fields = [(slot, _field(fact.type, made)) for slot, fact in zip(slots[entity.name], entity.facts.values(), strict=True)]
        called = dict(zip(slots[entity.name], entity.facts, strict=True))
        # Not tracked by the collector: records hold what was given, and nothing that was given can hold them.
        made[entity.name] = msgspec.defstruct("Given", fields, rename=called, frozen=True, eq=False, gc=False, forbid_unknown_fields=True)
    of_json = msgspec.json.Decoder(made[policy.root], float_hook=Decimal).decode
    values = {entity: _values(found) for entity, found in slots.items()}
    return Shapes(made[policy.root], msgspec.convert, of_json, values, slots)


def _field(type_: Type, made: dict[str, Any]) -> Any:
    """What msgspec is to see to; a value of another kind is looked at by the program."""
    match type_:
        case OptionalType(of=inner):
            return Optional[_field(inner, made)]  # noqa: UP045
        case ListType(item=RecordType(entity=entity)):
            return GenericAlias(list, made[entity])
        case ChoiceType(options=options):
            return Literal.__getitem__(tuple(options))
    return bool if type_ == BOOLEAN else str if type_ == TEXT else Any


def _values(slots: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(slots) > 1:
        return attrgetter(*slots)
    return lambda row: tuple([getattr(row, slot) for slot in slots])  # of a single name attrgetter would give the value itself


class Marks:
    """How many colons and letters e an application takes where no field is given twice and no number has an exponent.

    A name is followed by a colon; `true` and `false` have one e each.
    """

    def __init__(self, policy: core.Policy, shapes: Shapes) -> None:
        self.count: list[Callable[[list[Any]], int]] = []
        for entity in (policy.root, *(e for e in policy.entities if e != policy.root)):
            slots = dict(zip(policy.entities[entity].facts, shapes.slots[entity], strict=True))
            self.count.append(_counter(policy.entities[entity], slots))

    def expected(self, root: Any, lists: list[list[Any]]) -> int:
        """The count for a record of the root, and the records of each list."""
        found = self.count[0]([root])
        for count, records in zip(self.count[1:], lists, strict=True):
            found += count(records)
        return found


def _counter(entity: core.Entity, slots: dict[str, str]) -> Callable[[list[Any]], int]:
    """What counts for records of one entity."""
    facts = entity.facts.values()
    each = sum(1 + f.name.count("e") + f.name.count("E") + (f.type == BOOLEAN) for f in facts)
    pieces: list[ast.expr] = []
    for fact in facts:
        slot = ast.Attribute(name("r"), slots[fact.name], ast.Load())
        if fact.type == TEXT or isinstance(fact.type, ChoiceType):
            pieces.append(slot)
        elif _may_have_marks(fact.type):
            pieces.append(code('F if type(F) is str else ""', F=slot))
        elif fact.type == OptionalType(BOOLEAN):
            pieces.append(code('"" if F is None else "e"', F=slot))
    said = ast.JoinedStr([ast.FormattedValue(piece, -1) for piece in pieces])
    body = lines(
        'text = "".join([T for r in rows])\nreturn N * len(rows) + text.count(":") + text.count("e") + text.count("E")', T=said, N=each
    )
    count: Callable[[list[Any]], int] = compiled(function("count", ["rows"], body), "marks", {})
    return count


def _may_have_marks(type_: Type) -> bool:
    """Whether a datum may be a text with a colon or an e, or not be a text; dates and numbers have neither."""
    if isinstance(type_, OptionalType):
        return type_.of == TEXT or isinstance(type_.of, ChoiceType) or _may_have_marks(type_.of)
    return type_ == DATETIME or isinstance(type_, DurationType)


OTHER_BYTES = bytes(set(range(256)) - set(b":eE"))


def marks(content: bytes) -> int:
    """The colons and letters e of a text."""
    return len(content.translate(None, OTHER_BYTES))
