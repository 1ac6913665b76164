"""The quick decorator for small classes makes what the standard one makes."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pytest

from bandolo import records

standard = dataclasses.dataclass(frozen=True, slots=True)
quick = records.dataclass(frozen=True, slots=True)


@quick
class Base:
    place: int = records.field(compare=False, repr=False)


@quick
class Made(Base):
    """Its own words."""

    name: str
    more: dict[str, int] = records.field(default_factory=dict)
    size: int = 3

    @property
    def double(self) -> int:
        return self.size * 2


def twin(decorator: Any, field: Any) -> Any:
    @decorator
    class Base:
        place: int = field(compare=False, repr=False)

    @decorator
    class Twin(Base):
        name: str
        more: tuple[int, ...] = ()
        size: int = 3

    return Twin


@pytest.mark.parametrize("arguments", [(1, "a"), (2, "a"), (1, "b", (1,)), (1, "a", (), 4)])
def test_they_are_built_shown_and_compared_alike(arguments: Any) -> None:
    one, other = twin(quick, records.field), twin(standard, dataclasses.field)
    assert repr(one(*arguments)).replace("quick", "") == repr(other(*arguments)).replace("standard", "")
    assert one.__match_args__ == other.__match_args__
    assert [f.name for f in dataclasses.fields(one)] == [f.name for f in dataclasses.fields(other)]
    for kind in (one, other):
        assert (kind(*arguments) == kind(1, "a")) is (arguments in ((1, "a"), (2, "a")))
        assert hash(kind(*arguments)) == hash(kind(*arguments))
        assert kind(*arguments) != twin(quick, records.field)(*arguments)
        with pytest.raises(TypeError):
            kind(1)
        with pytest.raises(dataclasses.FrozenInstanceError):
            kind(*arguments).name = "c"
        with pytest.raises(dataclasses.FrozenInstanceError):
            del kind(*arguments).name
        with pytest.raises((AttributeError, TypeError)):
            object.__setattr__(kind(*arguments), "other", 1)


def test_they_can_be_copied_sent_replaced_and_matched() -> None:
    made = Made(place=1, name="a")
    assert made.more == {}
    assert made.more is not Made(1, "a").more
    assert made.double == 6
    assert Made.__doc__ == "Its own words."
    for again in (copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made)), dataclasses.replace(made, place=1)):
        assert again == made
        assert again.place == 1
    assert dataclasses.asdict(dataclasses.replace(made, size=5)) == {"place": 1, "name": "a", "more": {}, "size": 5}
    match made:
        case Made(_, name, size=3):
            assert name == "a"
        case _:
            pytest.fail("it does not match by position and name")


@pytest.mark.parametrize("options", [{}, {"frozen": True}, {"slots": True}, {"eq": False, "slots": True}, {"frozen": True, "eq": False},
                                     {"frozen": True, "order": True}])  # fmt: skip
def test_every_option_means_what_it_means_in_the_standard_one(options: Any) -> None:
    said = []
    for decorator, field in ((records.dataclass, records.field), (dataclasses.dataclass, dataclasses.field)):

        @decorator(**options)
        class Kind:
            value: int
            parts: list[int] = field(default_factory=list, repr=False)
            size: int = 2

            def __post_init__(self) -> None:
                self.parts.append(self.value)

        one, other = Kind(1), Kind(1)
        told: list[Any] = [
            repr(one),
            one == other,
            hasattr(one, "__dict__"),
            one.parts,
            dataclasses.is_dataclass(Kind),
            Kind.__match_args__,
        ]
        told += [type(Kind.__hash__), [(f.name, f.type, f.compare, f.repr) for f in dataclasses.fields(Kind)], dataclasses.asdict(one)]
        told.append(dataclasses.replace(one, parts=[], size=3).size)
        try:
            one.value = 4
            told.append(one.value)
        except dataclasses.FrozenInstanceError as error:
            told.append(str(error))
        try:
            told.append(one < Kind(5))
        except TypeError:
            told.append("not ordered")
        said.append(told)
    assert said[0] == said[1]


def test_a_standard_class_may_follow_a_quick_one_and_a_plain_one_too() -> None:
    @dataclasses.dataclass(frozen=True)
    class Standard(Made):
        extra: int = 0

    class Plain(Made):
        pass

    assert [f.name for f in dataclasses.fields(Standard)] == ["place", "name", "more", "size", "extra"]
    assert Standard(1, "a", extra=2) == Standard(9, "a", extra=2)
    assert dataclasses.replace(Plain(1, "a"), size=5).size == 5
    assert Plain(1, "a") != Made(1, "a")
