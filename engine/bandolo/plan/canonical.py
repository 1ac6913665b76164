"""The facts of a program's records in the form that is digested: what `evaluate/inputs.py` makes of the reference's records."""

from __future__ import annotations

from collections.abc import Callable
from math import gcd
from typing import TYPE_CHECKING, Any

from bandolo.evaluate.inputs import canonical, digest
from bandolo.language.types import BOOLEAN, TEXT, ChoiceType
from bandolo.plan.bridge import lent
from bandolo.plan.kinds import Kind, Many, OfEntity, Same, Whole

if TYPE_CHECKING:
    from bandolo.plan.records import PlannedRecord

TRUTH = {True: "bool:True", False: "bool:False"}
Spell = Callable[[Any], object]
Spelling = tuple[tuple[str, str, Spell], ...]
"""Of each fact its name in the digest, its slot, and what spells its value."""


def spelling(layout: dict[tuple[str, str | None], tuple[Kind, str]]) -> Spelling:
    """How the facts of an entity are spelt."""
    return tuple((f"{name}@{stage}" if stage else name, slot, _spell(kind)) for (name, stage), (kind, slot) in layout.items())


def _spell(kind: Kind) -> Spell:
    match kind:
        case Many(item=OfEntity()):
            return _records
        case OfEntity():
            return lambda record: f"reference:{record.path}"
        case Whole(scale=scale):

            def number(value: int) -> str:
                common = gcd(value, scale)
                return f"Fraction:{value // common}" if common == scale else f"Fraction:{value // common}/{scale // common}"

            return number
        case Same(type=type_) if type_ == BOOLEAN:
            return TRUTH.__getitem__
        case Same(type=type_) if type_ == TEXT or isinstance(type_, ChoiceType):
            return "str:".__add__
    return lambda value: canonical(lent(kind, value), seen=True)


def _records(records: list[PlannedRecord]) -> object:
    made = [facts_of(r) for r in records]
    return sorted(made, key=str) if all(r.key is not None for r in records) else made


def facts_of(record: PlannedRecord) -> dict[str, object]:
    """The facts of a record that are known, with the records that it lists."""
    gaps = record.gaps
    return {name: spell(getattr(record, slot)) for name, slot, spell in record.spelling if slot not in gaps}


def digest_of_planned(root: PlannedRecord) -> str:
    """The digest of an application."""
    return digest(facts_of(root))
