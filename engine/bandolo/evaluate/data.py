"""Plain data as it comes: numbers by their digits, words as they are written, never typed by the file format.

`Digits` is a number of a JSON text, `Plain` an unquoted word of a YAML text; both are read by the type of the fact they are given for.
"""

from __future__ import annotations

import json
import re
from typing import Any

from bandolo import limits
from bandolo.diagnostics import Diagnostic


class Digits(str):
    """A JSON number, by its digits."""

    __slots__ = ()


class Plain(str):
    """An unquoted YAML scalar."""

    __slots__ = ()


class _Bad(Exception):
    def __init__(self, code: str, **args: object) -> None:
        self.code, self.args_ = code, args


def read_json(text: str, file: str) -> tuple[Any, list[Diagnostic]]:
    """The data of a JSON text, with its numbers as `Digits`.

    Codes: `json-syntax`, `json-constant` (NaN, Infinity), `duplicate-field`, `too-deep`.
    """
    if _depth(text) > limits.APPLICATION_DEPTH:
        return None, [Diagnostic("too-deep", path="$", file=file, args={"limit": limits.APPLICATION_DEPTH})]
    try:
        data = json.loads(text, parse_int=Digits, parse_float=Digits, parse_constant=_constant, object_pairs_hook=_object)
    except _Bad as bad:
        return None, [Diagnostic(bad.code, path="$", file=file, args=bad.args_)]
    except json.JSONDecodeError as error:
        args = {"line": error.lineno, "column": error.colno}
        return None, [Diagnostic("json-syntax", path="$", file=file, args=args)]
    return data, []


def _depth(text: str) -> int:
    """How deeply a JSON text nests, strings left out, without recursion."""
    depth = deepest = 0
    for match in re.finditer(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', text):
        sign = match.group()
        if sign in "[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > limits.APPLICATION_DEPTH:
                break
        elif sign in "]}":
            depth -= 1
    return deepest


def _constant(name: str) -> Any:
    raise _Bad("json-constant", found=name)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise _Bad("duplicate-field", name=key[:100])
        result[key] = value
    return result
