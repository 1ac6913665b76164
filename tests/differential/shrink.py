"""A disagreement made small: facts, records, entries and expressions are dropped or simplified as long as it stays.

`shrunk` knows nothing of paths: it is given a question that says whether a policy and an application still show the matter. A policy that
does not load shows nothing.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from typing import Any

from bandolo.source import SourceFile
from bandolo.syntax import ast
from bandolo.syntax.parser import parse_expression
from bandolo.syntax.yaml_tree import Embedded

Data = dict[str, Any]
Shows = Callable[[Data, Data], bool]

CONSTANTS = (
    "true", "false", "0", "1", "0 EUR", "1 EUR", "0%", "2023-01-31", "2023-01-31 00:00", "0 days", "1 month", '""', "red", "small", "[1]",
)  # fmt: skip
PLAIN: tuple[Any, ...] = (True, False, 0, 1, "0.00", "1.00", "0", "0%", "2023-01-31", "2023-01-31 00:00", "0 days", "", "a", None)
KEPT = {"bandolo", "policy", "entities", "id", "title", "decides", "key"}


def shrunk(policy: Data, application: Data, shows: Shows, seconds: float = 120) -> tuple[Data, Data]:
    """The smallest policy and application found within a time that still show the matter; what was given must show it."""
    return _Shrinker(policy, application, shows, time.monotonic() + seconds).run()


class _Shrinker:
    def __init__(self, policy: Data, application: Data, shows: Shows, until: float) -> None:
        self.policy, self.application, self.shows, self.until = copy.deepcopy(policy), copy.deepcopy(application), shows, until

    def run(self) -> tuple[Data, Data]:
        """Round after round, until a round changes nothing."""
        while time.monotonic() < self.until:
            before = repr((self.policy, self.application))
            self._records()
            self._entries()
            self._declarations()
            self._expressions()
            self._declarations()
            self._values()
            if repr((self.policy, self.application)) == before:
                break
        return self.policy, self.application

    def _try(self, policy: Data, application: Data) -> bool:
        if time.monotonic() > self.until or not self.shows(policy, application):
            return False
        self.policy, self.application = policy, application
        return True

    # The application.

    def _records(self) -> None:
        """Fewer records in every list."""
        for path in list(_paths(self.application)):
            listed = _at(self.application, path)
            if isinstance(listed, list):
                self._fewer(path)

    def _fewer(self, path: tuple[Any, ...]) -> None:
        width = max(1, len(_at(self.application, path)) // 2)
        while width:
            start = 0
            while start < len(_at(self.application, path)):
                made = copy.deepcopy(self.application)
                del _at(made, path)[start : start + width]
                if not self._try(self.policy, made):
                    start += width
            width //= 2

    def _values(self) -> None:
        """Facts left out, and plain values in place of odd ones."""
        for path in list(_paths(self.application)):
            value = _at(self.application, path)
            if not path or value is _GONE:
                continue
            made = copy.deepcopy(self.application)
            above = _at(made, path[:-1])
            if isinstance(above, dict):
                del above[path[-1]]
                if self._try(self.policy, made):
                    continue
            if isinstance(value, dict | list) or value in PLAIN[:2]:
                continue
            for plain in PLAIN:
                if plain == value and type(plain) is type(value):
                    break
                made = copy.deepcopy(self.application)
                _at(made, path[:-1])[path[-1]] = plain
                if self._try(self.policy, made):
                    break

    # The policy.

    def _entries(self) -> None:
        """Whole sections, entries, keys and items left out, the largest first."""
        every = sorted((p for p in _paths(self.policy) if p and p[0] != "entities"), key=len)
        for path in every:
            if path[-1] in KEPT or _at(self.policy, path) is _GONE:
                continue
            made = copy.deepcopy(self.policy)
            above = _at(made, path[:-1])
            if not isinstance(above, dict | list):
                continue
            del above[path[-1]]
            if path[0] == "definitions" and len(path) == 3:
                self._without_result(made, path[1], path[2])
            if not self._try(_tidy(made), self.application) and isinstance(_at(self.policy, path), dict):
                self._short(path)

    def _without_result(self, policy: Data, entity: str, name: str) -> None:
        names = (name, f"{entity}.{name}")
        policy["results"] = [r for r in policy.get("results", []) if r not in names]

    def _short(self, path: tuple[Any, ...]) -> None:
        """The short form in place of the long one."""
        content = _at(self.policy, path)
        for key in ("value", "at", "type"):
            if isinstance(content.get(key), str) and len(path) >= 2:
                made = copy.deepcopy(self.policy)
                _at(made, path[:-1])[path[-1]] = content[key]
                if self._try(made, self.application):
                    return

    def _expressions(self) -> None:
        """Simpler expressions."""
        for path in list(_paths(self.policy)):
            value = _at(self.policy, path)
            if isinstance(value, str) and path and path[-1] not in KEPT and path[0] not in ("choices", "results", "policy"):
                for _ in range(200):
                    if not self._simpler(path):
                        break

    def _simpler(self, path: tuple[Any, ...]) -> bool:
        text = _at(self.policy, path)
        if not isinstance(text, str):
            return False
        node, found = parse_expression(Embedded(SourceFile("", text), text, ((0, 0),)))
        if found:
            return False
        for part in _walk(node):
            start, end = part.span.start, part.span.end
            if text[start:end] in CONSTANTS[:1] or time.monotonic() > self.until:
                continue
            candidates = [t for t in CONSTANTS if len(t) < end - start or (t in ("true", "false") and text[start:end] not in CONSTANTS)]
            if isinstance(part, ast.Literal | ast.ListOf) and text[start:end] in CONSTANTS:
                candidates = []
            candidates += [
                _bracketed(inner.span.text) for inner in _walk(part) if inner is not part and not isinstance(inner, ast.Literal)
            ][:12]
            for candidate in dict.fromkeys(candidates):
                written = text[:start] + candidate + text[end:]
                if start == 0 and end == len(text) and candidate.startswith("(") and candidate.endswith(")"):
                    written = candidate[1:-1]
                if len(written) >= len(text) and candidate not in CONSTANTS:
                    continue
                made = copy.deepcopy(self.policy)
                _at(made, path[:-1])[path[-1]] = written
                if self._try(made, self.application):
                    return True
        return False

    def _declarations(self) -> None:
        """Entities and facts that nothing needs any more, out of the policy and of the application."""
        for entity in list(self.policy["entities"])[::-1]:
            if entity == self.policy["policy"]["decides"]:
                continue
            made, application = copy.deepcopy(self.policy), copy.deepcopy(self.application)
            del made["entities"][entity]
            for section in ("definitions", "requirements"):
                made.get(section, {}).pop(entity, None)
            made["results"] = [r for r in made.get("results", []) if not r.startswith(f"{entity}.")]
            for kind in made["entities"].values():
                for name, fact in list(kind["facts"].items()):
                    if str(fact["type"] if isinstance(fact, dict) else fact) in (f"list of {entity}", f"reference to {entity}"):
                        del kind["facts"][name]
                        _drop(application, name)
            self._try(_tidy(made), application)
        for entity in self.policy["entities"]:
            for name in list(self.policy["entities"][entity]["facts"]):
                made, application = copy.deepcopy(self.policy), copy.deepcopy(self.application)
                fact = made["entities"][entity]["facts"].pop(name)
                _drop(application, name)
                if self._try(made, application) or not isinstance(fact, dict):
                    continue
                for key in [k for k in fact if k not in ("type", "key")]:
                    made = copy.deepcopy(self.policy)
                    del made["entities"][entity]["facts"][name][key]
                    self._try(made, self.application)
                if set(self.policy["entities"][entity]["facts"][name]) == {"type"}:
                    self._short(("entities", entity, "facts", name))


_GONE = object()


def _paths(data: Any, begin: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to everything in some data, what is outside first."""
    yield begin
    if isinstance(data, dict):
        for key in list(data):
            yield from _paths(data[key], (*begin, key))
    elif isinstance(data, list):
        for i in reversed(range(len(data))):
            yield from _paths(data[i], (*begin, i))


def _at(data: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return _GONE
    return data


def _drop(data: Any, name: str) -> None:
    """A fact out of every record."""
    if isinstance(data, dict):
        data.pop(name, None)
        for value in data.values():
            _drop(value, name)
    elif isinstance(data, list):
        for value in data:
            _drop(value, name)


def _tidy(policy: Data) -> Data:
    """Without sections and entities that hold nothing."""
    for section in ("definitions", "requirements"):
        if section in policy:
            policy[section] = {k: v for k, v in policy[section].items() if v}
    return {k: v for k, v in policy.items() if v or k in KEPT}


def _walk(node: Any) -> Iterator[Any]:
    """A node of an expression and all in it, outermost first."""
    yield node
    for name in type(node).__match_args__:
        yield from _inside(getattr(node, name))


def _inside(value: Any) -> Iterator[Any]:
    if isinstance(value, ast.Node):
        yield from _walk(value)
    elif isinstance(value, tuple):
        for one in value:
            yield from _inside(one)


def _bracketed(text: str) -> str:
    return text if text.replace("_", "").replace(".", "").isalnum() else f"({text})"
