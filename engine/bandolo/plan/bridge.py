"""Values of a program brought to the reference and back, unknown ones too.

What is missing is a set of bits in a program and a set of paths in the reference. Where the reference's function is only to compute, its
`missing` holds the bits themselves as one opaque number: it is joined with others and never looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

from bandolo.language.values import Fault, ListValue, Member, Record, Unknown, Value
from bandolo.plan.kinds import Kind, Many, Open, Ratio, Same, Whole, bare, freeze, thaw
from bandolo.plan.loose import listing
from bandolo.plan.unknowns import Gap, Loose

NamesOf = Callable[[int], frozenset[str]]
Bits = Callable[[frozenset[str]], int]


WORD_BITS = 32
WORD = (1 << WORD_BITS) - 1


class Paths:
    """The paths of one application that something may miss, a bit each."""

    def __init__(self, given: dict[str, int]) -> None:
        self._names: dict[int, frozenset[str]] = {}
        self._words: dict[tuple[int, int], list[str]] = {}
        self._listed: list[Any] = list(given)
        self._bits: dict[str, int] | None = None

    def lacking(self, record: Record, fact: str) -> int:
        """The bit of a fact that a record lacks; each is asked for once."""
        self._listed.append((record, fact))
        return 1 << (len(self._listed) - 1)

    def bit(self, path: str) -> int:
        """The bit of a path by its name."""
        if self._bits is None:
            self._bits = {_said(listed): 1 << at for at, listed in enumerate(self._listed)}
        found = self._bits.get(path)
        if found is None:
            found = self._bits[path] = 1 << len(self._listed)
            self._listed.append(path)
        return found

    def bits(self, missing: frozenset[str]) -> int:
        found = 0
        for path in missing:
            found |= self.bit(path)
        return found

    def names(self, bits: int) -> frozenset[str]:
        """The paths of a set of bits."""
        found = self._names.get(bits)
        if found is None:
            paths: list[str] = []
            rest, at = bits, 0
            while rest:
                part = rest & WORD
                if part:
                    paths += self._words.get((at, part)) or self._word(at, part)
                rest >>= WORD_BITS
                at += WORD_BITS
            found = self._names[bits] = frozenset(paths)
        return found

    def _word(self, at: int, part: int) -> list[str]:
        """The paths of a stretch of bits: the same stretches come in many sets."""
        digits = f"{part:b}"[::-1]
        found = [self._path(at + place) for place, digit in enumerate(digits) if digit == "1"]
        self._words[at, part] = found
        return found

    def _path(self, at: int) -> str:
        listed = self._listed[at]
        if listed.__class__ is not str:
            self._listed[at] = listed = _said(listed)
        return listed

    def told(self, truth: Any) -> Value:
        """A truth as the reference has it."""
        return _sure(truth, self.names) if truth.__class__ is Gap else truth


def _said(listed: Any) -> str:
    """The path of a fact as the reference writes it."""
    if listed.__class__ is str:
        return listed
    record, fact = listed
    return fact if record.owner is None else f"{record.path}.{fact}"


def _itself(record: Any) -> Any:
    return record


def opaque(bits: int) -> frozenset[str]:
    return cast("frozenset[str]", frozenset((bits,)))


def joined_bits(missing: Iterable[Any]) -> int:
    bits = 0
    for found in missing:
        bits |= found
    return bits


def lent(kind: Kind, value: Any, paths: NamesOf = opaque) -> Value:
    """A value of a program as the reference has it."""
    if value.__class__ is Gap:
        low, high = (None if end is None else _end_of(kind, end) for end in (value.low, value.high))
        return Unknown(paths(value.missing), low, high, value.risky)
    if isinstance(kind, Many):
        if value.__class__ is Loose:
            pairs = zip(value.values, value.sures, strict=True)
            return ListValue(tuple(Member(lent(kind.item, v, paths), True if s is True else _sure(s, paths)) for v, s in pairs))
        return ListValue(tuple([Member(lent(kind.item, v, paths)) for v in value]))
    return thaw(kind, value, _itself)


def _sure(gap: Gap, paths: NamesOf) -> Unknown:
    return Unknown(paths(gap.missing), None, None, gap.risky)


def _end_of(kind: Kind, end: Any) -> Any:
    match bare(kind):
        case Whole() as whole:
            return thaw(whole, end, _itself)
        case Many():
            return thaw(Whole(1, 0), end, _itself)
    return end


def taken(kind: Kind, value: Value, bits: Bits = joined_bits) -> Any:
    """A value of the reference as a program has it; Open for a fault, and for what does not fit the form."""
    if isinstance(value, Fault):
        raise Open
    if isinstance(value, Unknown):
        low, high = (None if end is None else _taken_end(kind, end) for end in (value.low, value.high))
        return Gap(bits(value.missing), low, high, value.may_fault)
    if isinstance(kind, Many):
        if not isinstance(value, ListValue):
            raise Open
        values = [taken(kind.item, m.value, bits) for m in value.members]
        sures = [True if m.sure is True else Gap(bits(m.sure.missing), None, None, m.sure.may_fault) for m in value.members]  # type: ignore[union-attr]
        return listing(values, sures)
    return freeze(kind, value, _itself)


def _taken_end(kind: Kind, end: Any) -> Any:
    match bare(kind):
        case Whole(scale=scale):
            return freeze(Whole(scale, 1 << 20), end, _itself)
        case Many():
            return freeze(Whole(1, 1 << 20), end, _itself)
        case Ratio() | Same():
            return end
    raise Open


def turned(kind: Kind, wanted: Kind, value: Any) -> Any:
    """A value in another form that can take it."""
    return taken(wanted, lent(kind, value))
