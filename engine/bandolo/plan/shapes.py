"""Applications as msgspec reads them: one look, without Python in between, at every field's name and kind.

Fields stand under the names that a program gives to facts: what a policy calls them is data of the reader, never code. What does not fit
raises ValueError and is read again by `evaluate/inputs.py`, which says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from operator import attrgetter
from typing import Any, Literal, Optional

from bandolo.check import core
from bandolo.language.types import BOOLEAN, DATETIME, TEXT, ChoiceType, DurationType, ListType, OptionalType, RecordType, Type
from bandolo.plan.codes import Names
from bandolo.records import dataclass

try:
    import msgspec
except ImportError:  # an extra: without it dicts are read by the program itself, and JSON the longer way
    msgspec = None  # type: ignore[assignment]


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
    if msgspec is None:
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
            return list[made[entity]]  # type: ignore[misc]
        case ChoiceType(options=options):
            return Literal[tuple(options)]  # type: ignore[valid-type]
    return bool if type_ == BOOLEAN else str if type_ == TEXT else Any


def _values(slots: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(slots) > 1:
        return attrgetter(*slots)  # type: ignore[no-any-return]
    one = attrgetter(slots[0])  # of a single name it gives the value itself
    return lambda row: (one(row),)


class Marks:
    """How many colons and letters e an application takes where no field is given twice and no number has an exponent.

    A name is followed by a colon; `true` and `false` have one e each.
    """

    def __init__(self, policy: core.Policy, shapes: Shapes) -> None:
        self.entities = [policy.root, *(e for e in policy.entities if e != policy.root)]
        self.each: list[int] = []
        self.texts: list[list[Callable[[Any], Any]]] = []
        self.maybe_texts: list[list[Callable[[Any], Any]]] = []
        self.maybe_booleans: list[list[Callable[[Any], Any]]] = []
        for entity in self.entities:
            facts = policy.entities[entity].facts.values()
            get = {f.name: attrgetter(slot) for f, slot in zip(facts, shapes.slots[entity], strict=True)}
            self.each.append(sum(1 + f.name.count("e") + f.name.count("E") + (f.type == BOOLEAN) for f in facts))
            self.texts.append([get[f.name] for f in facts if f.type == TEXT or isinstance(f.type, ChoiceType)])
            self.maybe_texts.append([get[f.name] for f in facts if _may_have_marks(f.type)])
            self.maybe_booleans.append([get[f.name] for f in facts if f.type == OptionalType(BOOLEAN)])

    def expected(self, rows: list[list[Any]]) -> int:
        """The count for the records of the root (one) and of each list."""
        found = 0
        texts: list[str] = []
        for at, records in enumerate(rows):
            found += self.each[at] * len(records)
            for get in self.texts[at]:
                texts += map(get, records)
            for get in self.maybe_texts[at]:
                texts += [value for value in map(get, records) if value.__class__ is str]
            for get in self.maybe_booleans[at]:
                found += sum(get(record) is not None for record in records)
        text = "".join(texts)
        return found + text.count(":") + text.count("e") + text.count("E")


def _may_have_marks(type_: Type) -> bool:
    """Whether a datum may be a text with a colon or an e, or not be a text; dates and numbers have neither."""
    if isinstance(type_, OptionalType):
        return type_.of == TEXT or isinstance(type_.of, ChoiceType) or _may_have_marks(type_.of)
    return type_ == DATETIME or isinstance(type_, DurationType)


OTHER_BYTES = bytes(set(range(256)) - set(b":eE"))


def marks(content: bytes) -> int:
    """The colons and letters e of a text."""
    return len(content.translate(None, OTHER_BYTES))
