"""`dataclass` and `field` for the many small classes that every start of the engine needs.

The standard ones write and compile six functions for each class, half a millisecond each time, and import `inspect`; here one `__init__`
is compiled for each number of fields, the other functions are shared, and the standard module is imported when somebody asks for it.
What is made works with `dataclasses.fields`, `replace`, `asdict`, inheritance, `match`, `copy` and `pickle` like any other. Type checkers
see the standard ones.
"""

from __future__ import annotations

import sys
from operator import attrgetter
from types import FunctionType
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass", "field"]

MISSING: Any = object()
OPTIONS = {"frozen", "slots", "eq"}


class Field:
    """What a field was declared with, by the `field` of this module."""

    __slots__ = ("compare", "default", "default_factory", "repr")

    def __init__(self, default: Any = MISSING, default_factory: Any = MISSING, compare: bool = True, repr: bool = True) -> None:
        self.default, self.default_factory, self.compare, self.repr = default, default_factory, compare, repr

    def standard(self) -> Any:
        """The standard library's way to say the same."""
        import dataclasses

        given = {name: value for name in ("default", "default_factory") if (value := getattr(self, name)) is not MISSING}
        return dataclasses.field(compare=self.compare, repr=self.repr, **given)


def _quick_field(*, default: Any = MISSING, default_factory: Any = MISSING, compare: bool = True, repr: bool = True) -> Any:
    return Field(default, default_factory, compare, repr)


def _quick_dataclass(cls: Any = None, **options: bool) -> Any:
    def make(cls: type) -> type:
        if options.keys() <= OPTIONS:
            return _made(cls, **options)
        import dataclasses

        for name, given in vars(cls).copy().items():
            if isinstance(given, Field):
                setattr(cls, name, given.standard())
        return dataclasses.dataclass(**options)(cls)

    return make if cls is None else make(cls)


class _Parameters:
    """`__dataclass_params__`: what a standard class that follows this one asks."""

    __slots__ = ("eq", "frozen")
    init, repr, order, unsafe_hash = True, True, False, False

    def __init__(self, frozen: bool, eq: bool) -> None:
        self.frozen, self.eq = frozen, eq


class _StandardFields:
    """`__dataclass_fields__`, made when it is first asked for."""

    __slots__ = ("annotations", "found", "mine")

    def __init__(self, mine: dict[str, Field], annotations: dict[str, Any]) -> None:
        self.mine, self.annotations = mine, annotations
        self.found: dict[str, Any] | None = None

    def __get__(self, _: object, __: type | None = None) -> dict[str, Any]:
        if self.found is None:
            import dataclasses

            found = {}
            for name, one in self.mine.items():
                found[name] = made = one.standard()
                made.name, made.type, made.kw_only = name, self.annotations[name], False
                made._field_type = dataclasses._FIELD  # type: ignore[attr-defined]
            self.found = found
        return self.found


def _made(cls: type, frozen: bool = False, slots: bool = False, eq: bool = True) -> type:
    fields: dict[str, Field] = {}
    annotations: dict[str, Any] = {}
    for base in reversed(cls.__mro__[1:]):
        fields |= vars(base).get("__record_fields__", {})
        annotations |= vars(base).get("__annotations__", {})
    inherited = set(fields)
    space = dict(cls.__dict__)
    own = space.get("__annotations__", {})
    for name in own:
        given = space.get(name, MISSING)
        fields[name] = given if isinstance(given, Field) else Field(given)
        if slots or isinstance(given, Field):
            space.pop(name, None)
    compared = tuple(name for name, one in fields.items() if one.compare)
    methods: dict[str, Any] = {"__repr__": _show}
    if eq:
        methods |= {"__eq__": _equal, "__hash__": _hash if frozen else None}
    if frozen:
        methods |= {"__setattr__": _refuse_to_set, "__delattr__": _refuse_to_delete}
        methods |= {"__getstate__": _state, "__setstate__": _set_state} if slots else {}
    added = {
        "__record_fields__": fields, "__record_key__": attrgetter(*compared) if compared else staticmethod(_nothing),
        "__dataclass_fields__": _StandardFields(fields, annotations | own),
        "__dataclass_params__": _Parameters(frozen, eq), "__match_args__": tuple(fields),
        "__doc__": space.get("__doc__") or f"{cls.__name__}({', '.join(fields)})",
        **{name: method for name, method in methods.items() if space.get(name) is None},
    }  # fmt: skip
    made = cls
    if slots:
        for name in ("__dict__", "__weakref__"):
            space.pop(name, None)
        added["__slots__"] = tuple(name for name in own if name not in inherited)
        made = type(cls)(cls.__name__, cls.__bases__, space | added)
        made.__qualname__ = cls.__qualname__
    else:
        for name in set(cls.__dict__) - set(space):
            delattr(cls, name)
        for name, value in added.items():
            setattr(cls, name, value)
    made.__init__ = _init(made, fields, slots)  # type: ignore[misc]
    return made


_COMPILED: dict[tuple[int, bool], Any] = {}


def _init(cls: type, fields: dict[str, Field], slots: bool) -> Any:
    """`__init__`, which puts each value straight into its slot: one compiled text for each number of fields, its names changed."""
    count, after = len(fields), hasattr(cls, "__post_init__")
    if (count, after) not in _COMPILED:
        lines = [f"put{n}(self, a{n})" for n in range(count)] + (["self.__post_init__()"] if after else []) or ["pass"]
        space: dict[str, Any] = {}
        exec(f"def __init__({', '.join(['self', *(f'a{n}' for n in range(count))])}):\n    " + "\n    ".join(lines), space)
        _COMPILED[count, after] = space["__init__"].__code__
    code = _COMPILED[count, after].replace(co_varnames=("self", *fields), co_qualname=f"{cls.__qualname__}.__init__")
    puts, defaults = {}, []
    for number, (name, one) in enumerate(fields.items()):
        put = getattr(cls, name).__set__ if slots else _setter(name)
        if one.default_factory is not MISSING:
            put = _making(put, one.default_factory)
            defaults.append(MISSING)
        elif one.default is not MISSING:
            defaults.append(one.default)
        else:
            assert not defaults, f"{cls.__name__}.{name} follows a field with a default"
        puts[f"put{number}"] = put
    made = FunctionType(code, puts, "__init__", tuple(defaults) or None)
    made.__module__ = cls.__module__
    return made


def _making(put: Any, factory: Any) -> Any:
    return lambda self, value: put(self, factory() if value is MISSING else value)


def _setter(name: str) -> Any:
    return lambda self, value: object.__setattr__(self, name, value)


def _nothing(_: object) -> None:
    """What a record without fields is compared by, besides its class."""


def _equal(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    key = self.__record_key__
    return self is other or key(self) == key(other)


def _hash(self: Any) -> int:
    return hash(self.__record_key__(self))


def _show(self: Any) -> str:
    shown = [f"{name}={getattr(self, name)!r}" for name, one in self.__record_fields__.items() if one.repr]
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


def _state(self: Any) -> list[Any]:
    return [getattr(self, name) for name in self.__match_args__]


def _set_state(self: Any, state: list[Any]) -> None:
    for name, value in zip(self.__match_args__, state, strict=True):
        object.__setattr__(self, name, value)


def _refuse_to_set(_: Any, name: str, __: Any) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_: Any, name: str) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot delete field {name!r}")


if TYPE_CHECKING or sys.version_info >= (3, 14):  # not tried there: annotations have changed
    from dataclasses import dataclass, field
else:
    dataclass, field = _quick_dataclass, _quick_field
