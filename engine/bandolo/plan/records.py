"""Records as programs read them: a slot for each fact and for each thing computed. What is unknown has no value in its slot."""

from __future__ import annotations

from typing import Any

from bandolo.language.values import Record


class PlannedRecord(Record):
    """A record whose slots a program fills; its facts stand beside them as the reference reads them.

    `gaps` holds, by slot, what stands for a value that is not known.
    """

    __slots__ = ("gaps",)
    gaps: dict[str, Any]


def record_class(slots: list[str]) -> type[PlannedRecord]:
    """The class of the records of one entity."""
    made: Any = type("PlannedRecord", (PlannedRecord,), {"__slots__": tuple(slots)})
    return made  # type: ignore[no-any-return]
