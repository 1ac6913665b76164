"""The tables of `cases/evaluate`: each row an expression, what is given, and what comes of it.

A file makes one policy, whose definitions are its rows and what they give; so 1,900 rows are 25 policies. A row that gives an error
is a policy of its own.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bandolo.evaluate.inputs import read_application
from bandolo.evaluate.reference import Evaluation
from bandolo.evaluate.yaml_data import data_of
from bandolo.language.values import NONE, Fault, Unknown, Value
from bandolo.pipeline import Loaded, load
from bandolo.syntax.read import read_tree
from bandolo.syntax.yaml_tree import Mapping, Sequence
from small import CASES

ENTITY = "application"


@dataclass
class Row:
    """One row of a table; `bounds` are its `from` and `to`, None where it has neither."""

    number: int
    line: int
    expr: str
    given: dict[str, Any]
    gives: str
    bounds: dict[str, str] | None
    words: tuple[str, ...]  # those of the file's choices: as a value, one stands for itself

    @property
    def is_error(self) -> bool:
        return self.gives.split()[0] == "error"

    def definitions(self) -> dict[str, str]:
        """The row, and what it is compared with, as definitions."""
        made = {f"row_{self.number}": self.expr}
        if self.gives.split()[0] not in ("unknown", "none", "fault", "error", *self.words):
            made[f"want_{self.number}"] = self.gives
        for end, text in (self.bounds or {}).items():
            made[f"{end}_{self.number}"] = text
        return made


@dataclass
class Table:
    """A file of rows, with the declarations that they speak of."""

    path: Path
    sections: dict[str, Any]
    rows: dict[str, Row] = field(default_factory=dict)


@cache
def table(path: Path) -> Table:
    tree, said = read_tree(path.name, path.read_bytes())
    assert not said, said
    assert isinstance(tree, Mapping)
    made = Table(path, {k.value: data_of(v) for k, v in tree.entries if k.value != "rows"})
    words = tuple(str(word) for options in made.sections.get("choices", {}).values() for word in options)
    rows = tree.get("rows")
    assert isinstance(rows, Sequence)
    for number, item in enumerate(rows.items, 1):
        assert isinstance(item, Mapping)
        data = data_of(item)
        ends = {end: str(data[end]) for end in ("from", "to") if end in data}
        row = Row(number, item.span.line, data["expr"], data.get("given", {}), str(data["gives"]), ends or None, words)
        made.rows[f"{path.name}:{row.line}: {row.expr[:60]}" + (f" #{number}" if row.given else "")] = row
    return made


def policy_text(made: Table, rows: list[Row]) -> bytes:
    """A policy whose definitions are rows: written as JSON, which is YAML, a definition a line."""
    sections = dict(made.sections)
    facts = dict(sections.pop("facts", {}))
    entities: dict[str, Any] = {ENTITY: {"facts": facts}}
    if "item" in sections:
        facts["items"] = "list of item"
        entities["item"] = {"facts": sections.pop("item")}
    definitions = {k: dict(v) for k, v in sections.pop("definitions", {}).items()}
    own = definitions.setdefault(ENTITY, {})
    for row in rows:
        own |= row.definitions()
    head = {"id": "table", "title": "A table", "decides": ENTITY, **sections.pop("policy", {})}
    data = {"bandolo": "1", "policy": head, "entities": entities, **sections, "definitions": definitions}
    return json.dumps(data, ensure_ascii=False, indent=1).encode()


@cache
def loaded(path: Path) -> tuple[Loaded, dict[int, list[str]]]:
    """The policy of all rows that are to be values, and what is said of those that turn out to be errors instead."""
    made = table(path)
    rows = [r for r in made.rows.values() if not r.is_error]
    refused: dict[int, list[str]] = {}
    for _ in range(3):
        result = load(path.name, policy_text(made, [r for r in rows if r.number not in refused]))
        if result.policy is not None:
            return result, refused
        for diagnostic in (d for d in result.diagnostics if d.severity == "error"):
            line = diagnostic.span.source.line(diagnostic.span.line) if diagnostic.span else ""
            match = re.match(r'\s*"(?:row|want|from|to)_(\d+)"', line)
            assert match, f"the table itself is wrong: {diagnostic.code} in {line.strip()}"
            refused.setdefault(int(match.group(1)), []).append(diagnostic.code)
    raise AssertionError(f"{path.name} cannot be made a policy: {refused}")


@cache
def evaluated(path: Path, given: str) -> Evaluation:
    """Every definition of a table, for one set of facts."""
    policy, settled = loaded(path)[0].policy, loaded(path)[0].settled
    assert policy is not None
    assert settled is not None
    data = next(r.given for r in table(path).rows.values() if repr(r.given) == given)
    application, diagnostics = read_application(policy, settled, data)
    assert application is not None, [(d.code, d.path) for d in diagnostics]
    evaluation = Evaluation(policy, settled.settings, application.records, 50_000_000)
    evaluation.run()
    return evaluation


def value_of(path: Path, row: Row, kind: str) -> Value:
    evaluation = evaluated(path, repr(row.given))
    return evaluation.definitions[ENTITY, f"{kind}_{row.number}", evaluation.records[ENTITY][0]]


FILES = sorted((CASES / "evaluate").glob("*.yaml"))
IDS = [(path, name) for path in FILES for name in table(path).rows]


@pytest.mark.parametrize(("path", "name"), IDS, ids=[name for _, name in IDS])
def test_row(path: Path, name: str) -> None:
    row = table(path).rows[name]
    if row.is_error:
        check_error(path, row)
        return
    assert row.number not in loaded(path)[1], f"an error: {loaded(path)[1][row.number]}"
    value = value_of(path, row, "row")
    kind, _, code = row.gives.partition(" ")
    if kind == "fault" and code:
        assert isinstance(value, Fault), value
        assert value.code == code
    elif kind == "unknown":
        assert isinstance(value, Unknown), value
        if row.bounds is not None:
            wanted = tuple(value_of(path, row, end) if end in row.bounds else None for end in ("from", "to"))
            assert (value.low, value.high) == wanted
    elif kind == "none":
        assert value is NONE
    elif kind in row.words:
        assert value == row.gives
    else:
        wanted_value = value_of(path, row, "want")
        assert type(value) is type(wanted_value)
        assert value == wanted_value


def check_error(path: Path, row: Row) -> None:
    """The row is refused when the policy is checked: with the code it gives, and no other."""
    result = load(path.name, policy_text(table(path), [row]))
    found = {d.code for d in result.diagnostics if d.severity == "error"}
    code = row.gives.partition(" ")[2]
    assert found == {code} if code else found, found
