"""Records as programs read them: a slot for each fact and for each thing computed. What is unknown has no value in its slot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bandolo.language.values import Record, Value
from bandolo.plan.bridge import Paths, lent

if TYPE_CHECKING:
    from bandolo.plan.canonical import Spelling
    from bandolo.plan.kinds import Kind

_kept: Any = vars(Record)["facts"]
"""Where an ordinary record has its facts."""


class Facts(Mapping[tuple[str, str | None], Value]):
    """The facts of a program's record as the reference has them, each made when it is asked for."""

    __slots__ = ("_made", "_record")

    def __init__(self, record: PlannedRecord) -> None:
        self._record = record
        self._made: dict[tuple[str, str | None], Value] = {}

    def __getitem__(self, fact: tuple[str, str | None]) -> Value:
        found = self._made.get(fact)
        if found is None:
            kind, slot = self._record.layout[fact]
            found = self._made[fact] = lent(kind, self._record.value(slot), self._record.paths.names)
        return found

    def __iter__(self) -> Iterator[tuple[str, str | None]]:
        return iter(self._record.layout)

    def __len__(self) -> int:
        return len(self._record.layout)


class PlannedRecord(Record):
    """A record whose slots a program fills. `gaps` holds, by slot, what stands for a value that is not known.

    `layout` says the form and the slot of each fact, `spelling` how they are digested, and `paths` what is meant by the gaps.
    """

    __slots__ = ("gaps", "layout", "paths", "spelling")
    gaps: dict[str, Any]
    layout: dict[tuple[str, str | None], tuple[Kind, str]]
    paths: Paths
    spelling: Spelling

    @property
    def facts(self) -> Any:
        """A mapping, as of any record."""
        try:
            return _kept.__get__(self)
        except AttributeError:
            found = Facts(self)
            _kept.__set__(self, found)
            return found

    @facts.setter
    def facts(self, given: Any) -> None:
        _kept.__set__(self, given)

    def value(self, slot: str) -> Any:
        """What is in a slot, or stands for it."""
        gap = self.gaps.get(slot)
        return getattr(self, slot) if gap is None else gap


def of_planned(record: Record) -> PlannedRecord:
    """A record of an evaluation that a program runs: all of its records are such."""
    return record  # type: ignore[return-value]


def record_class(slots: list[str]) -> type[PlannedRecord]:
    """The class of the records of one entity."""
    made: Any = type("PlannedRecord", (PlannedRecord,), {"__slots__": tuple(slots)})
    return made  # type: ignore[no-any-return]
