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
    place: int = dataclasses.field(compare=False, repr=False)


@quick
class Made(Base):
    """Its own words."""

    name: str
    more: dict[str, int] = dataclasses.field(default_factory=dict)
    size: int = 3

    @property
    def double(self) -> int:
        return self.size * 2


def twin(decorator: Any) -> Any:
    @decorator
    class Base:
        place: int = dataclasses.field(compare=False, repr=False)

    @decorator
    class Twin(Base):
        name: str
        more: tuple[int, ...] = ()
        size: int = 3

    return Twin


@pytest.mark.parametrize("arguments", [(1, "a"), (2, "a"), (1, "b", (1,)), (1, "a", (), 4)])
def test_they_are_built_shown_and_compared_alike(arguments: Any) -> None:
    one, other = twin(quick), twin(standard)
    assert repr(one(*arguments)).replace("quick", "") == repr(other(*arguments)).replace("standard", "")
    assert one.__match_args__ == other.__match_args__
    assert [f.name for f in dataclasses.fields(one)] == [f.name for f in dataclasses.fields(other)]
    for kind in (one, other):
        assert (kind(*arguments) == kind(1, "a")) is (arguments in ((1, "a"), (2, "a")))
        assert hash(kind(*arguments)) == hash(kind(*arguments))
        assert kind(*arguments) != twin(quick)(*arguments)
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


def test_other_classes_are_made_by_the_standard_one() -> None:
    @records.dataclass(frozen=True)
    class Open:
        value: int

    @records.dataclass
    class Plain:
        value: int

    assert dataclasses.is_dataclass(Open)
    assert vars(Open(1)) == vars(Plain(1)) == {"value": 1}
