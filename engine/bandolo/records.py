"""`@dataclass(frozen=True, slots=True)` for the many small classes that every start of the engine needs.

The standard one writes and compiles six functions for each class, half a millisecond of every start; here only `__init__` is compiled,
and the other five are shared. What it makes works with `dataclasses.fields`, `replace`, `asdict`, `match`, `copy` and `pickle` like
any other. `field` is the standard one. Type checkers see the standard one in both cases.
"""

from __future__ import annotations

import sys
from dataclasses import field
from operator import attrgetter
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass

__all__ = ["dataclass", "field"]


def _quick() -> Any:
    """The decorator, or the standard one where a Python is newer than those that this was tried on."""
    import dataclasses

    kind_of_field = getattr(dataclasses, "_FIELD", None)
    if kind_of_field is None or sys.version_info >= (3, 14):
        return dataclasses.dataclass

    missing, error = dataclasses.MISSING, dataclasses.FrozenInstanceError
    compiled: dict[int, Any] = {}

    def decorate(cls: type | None = None, **options: bool) -> Any:
        if cls is None and options == {"frozen": True, "slots": True}:
            return make
        return dataclasses.dataclass(cls, **options)

    def make(cls: type) -> type:
        fields: dict[str, Any] = {}
        for base in reversed(cls.__mro__[1:]):
            fields |= getattr(base, "__dataclass_fields__", {}) if "__dataclass_fields__" in base.__dict__ else {}
        inherited = set(fields)
        namespace = dict(cls.__dict__)
        own = namespace.get("__annotations__", {})
        for name, annotation in own.items():
            given = namespace.pop(name, missing)
            made: Any = given if isinstance(given, dataclasses.Field) else field(default=given)
            made.name, made.type = name, annotation
            made._field_type = kind_of_field
            if made.kw_only is missing:
                made.kw_only = False
            fields[name] = made
        names = tuple(fields)
        compared = tuple(f.name for f in fields.values() if f.compare)
        shown = tuple(f.name for f in fields.values() if f.repr)
        namespace.pop("__dict__", None)
        namespace.pop("__weakref__", None)
        doc = namespace.get("__doc__") or f"{cls.__name__}({', '.join(names)})"
        standard = {
            "__slots__": tuple(n for n in own if n not in inherited), "__doc__": doc, "__dataclass_fields__": fields,
            "__match_args__": names, "__setattr__": _refuse(error, "assign to"), "__delattr__": _refuse(error, "delete"),
            "__getstate__": _state, "__setstate__": _set_state, "__record_shown__": shown,
            "__record_key__": attrgetter(*compared) if compared else staticmethod(_nothing),
        }  # fmt: skip
        methods = {"__eq__": _equal, "__hash__": _hash, "__repr__": _show}
        namespace |= standard | {name: method for name, method in methods.items() if name not in namespace or namespace[name] is None}
        new = type(cls)(cls.__name__, cls.__bases__, namespace)
        new.__qualname__ = cls.__qualname__
        new.__init__ = _init(new, fields, missing, compiled)  # type: ignore[misc]
        return new

    return decorate


def _init(cls: type, fields: dict[str, Any], missing: Any, compiled: dict[int, Any]) -> Any:
    """`__init__`, which puts each value straight into its slot: one compiled text for each number of fields, its names changed."""
    count = len(fields)
    if count not in compiled:
        text = f"def __init__({', '.join(['self', *(f'a{n}' for n in range(count))])}):\n"
        space: dict[str, Any] = {}
        exec(text + ("\n".join(f"    put{n}(self, a{n})" for n in range(count)) or "    pass"), space)
        compiled[count] = space["__init__"].__code__
    code = compiled[count].replace(co_varnames=("self", *fields), co_qualname=f"{cls.__qualname__}.__init__")
    puts = {f"put{n}": getattr(cls, name).__set__ for n, name in enumerate(fields)}
    defaults = []
    for n, (name, one) in enumerate(fields.items()):
        if one.default is not missing:
            defaults.append(one.default)
        elif one.default_factory is not missing:
            defaults.append(missing)
            puts[f"put{n}"] = _making(getattr(cls, name).__set__, one.default_factory, missing)
    made = FunctionType(code, puts, "__init__", tuple(defaults) or None)
    made.__module__ = cls.__module__
    return made


def _making(put: Any, factory: Any, missing: Any) -> Any:
    return lambda self, value: put(self, factory() if value is missing else value)


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
    return f"{self.__class__.__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__record_shown__)})"


def _state(self: Any) -> list[Any]:
    return [getattr(self, name) for name in self.__dataclass_fields__]


def _set_state(self: Any, state: list[Any]) -> None:
    for name, value in zip(self.__dataclass_fields__, state, strict=True):
        object.__setattr__(self, name, value)


def _refuse(error: type[Exception], verb: str) -> Any:
    def refuse(_self: Any, name: str, *_: Any) -> None:
        raise error(f"cannot {verb} field {name!r}")

    return refuse


if not TYPE_CHECKING:
    dataclass = _quick()
