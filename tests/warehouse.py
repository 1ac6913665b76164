"""Applications in the tables of a warehouse, decided there by a policy's views and here by the reference."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from bandolo.check import core
from bandolo.diagnostics import ApplicationError
from bandolo.evaluate.decision import Decision
from bandolo.evaluate.inputs import Application, read_application
from bandolo.evaluate.settle import Settled
from bandolo.language.values import NONE, is_known
from bandolo.policy import Policy
from bandolo.sql.tables import columns, rows, statements
from bandolo.sql.view import view
from bandolo.surfaces.sql import settled_by

Row = dict[str, Any]
AT_ONCE = 100
"""Rows in one statement."""


@dataclass
class Compared:
    """How many applications were compared; of how many the view does not tell all, or no outcome; where it differs: none may.

    `no_outcome_though_decided` are those without an outcome that the engine decides all the same.
    """

    total: int = 0
    left: int = 0
    no_outcome: int = 0
    no_outcome_though_decided: int = 0
    records: int = 0
    differences: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.total} applications, {self.no_outcome} without an outcome ({self.no_outcome_though_decided} that the engine decides), "
            f"{self.left} not told in full, {self.records} records, {len(self.differences)} different"
        )


def tables_and_views(policy: Policy, dialect: str, **what_if: Any) -> tuple[list[str], tuple[str, ...], Settled]:
    """The statements that make the tables, those that make the views, and the settings they were made for."""
    settled = settled_by(policy, **what_if)
    made, diagnostics = view(policy.core, settled, dialect)
    assert made is not None, [(str(d.args["what"]), d.span) for d in diagnostics]
    return statements(policy.core, dialect), made.statements, settled


def readable(policy: Policy, settled: Settled, applications: Iterable[Row]) -> tuple[dict[str, Row], dict[str, list[list[object]]]]:
    """The applications that the tables can hold, by their key, and the rows of each table. The key is given anew: none may come twice."""
    root = policy.core.entities[policy.core.root]
    assert root.key is not None
    loaded: dict[str, Row] = {}
    batches: dict[str, list[list[object]]] = {name: [] for name in policy.core.root_names()}
    for n, given in enumerate(applications):
        data = {**given, root.key.name: f"A{n}"}
        read: Application | None
        read, _ = read_application(policy.core, settled, data)
        if read is None:
            continue
        try:
            made = list(rows(policy.core, read))
        except OverflowError:
            continue
        for table, row in made:
            batches[table].append(list(row.values()))
        loaded[f"A{n}"] = data
    return loaded, batches


def load(policy: Policy, settled: Settled, applications: Iterable[Row], cursor: Any, mark: str) -> dict[str, Row]:
    """Put applications into the tables; the ones that went in, by their key."""
    loaded, batches = readable(policy, settled, applications)
    for table, many in batches.items():
        width = len(columns(policy.core, policy.core.entities[table]))
        one = f"({', '.join([mark] * width)})"
        for start in range(0, len(many), AT_ONCE):  # a statement for each row would take most of the time
            rows_of = many[start : start + AT_ONCE]
            cursor.execute(f'INSERT INTO "{table}" VALUES {", ".join([one] * len(rows_of))}', [v for row in rows_of for v in row])
    return loaded


def compare(policy: Policy, applications: Iterable[Row], cursor: Any, dialect: str, mark: str, **what_if: Any) -> Compared:
    """Every application decided both ways."""
    schema, made, settled = tables_and_views(policy, dialect, **what_if)
    for statement in [*schema, *made]:
        cursor.execute(statement)
    loaded = load(policy, settled, applications, cursor, mark)

    def ask(name: str) -> list[Row]:
        cursor.execute(f'SELECT * FROM "{name}"')
        names = [d[0] for d in cursor.description]
        return [dict(zip(names, line, strict=True)) for line in cursor.fetchall()]

    return compared(policy, loaded, ask, **what_if)


def compared(policy: Policy, loaded: dict[str, Row], ask: Callable[[str], list[Row]], **what_if: Any) -> Compared:
    """What the views say of the applications, beside what the reference says."""
    found = Compared()
    decisions: dict[str, Decision | None] = {}
    for key, data in loaded.items():
        try:
            decisions[key] = policy.decide(data, engine="reference", **what_if)
        except ApplicationError:
            decisions[key] = None
    root = policy.core.entities[policy.core.root]
    assert root.key is not None
    told = ask("decisions")
    assert sorted(row[root.key.name] for row in told) == sorted(loaded)
    for row in told:
        decision = decisions[row[root.key.name]]
        found.total += 1
        found.left += row["needs_engine"]
        found.no_outcome += row["outcome"] is None
        found.no_outcome_though_decided += row["outcome"] is None and decision is not None and decision.outcome != "undetermined"
        wanted: Row | None = None
        if decision is not None:
            wanted = {"outcome": decision.outcome, "stage": decision.stage, "failed": ",".join(decision.failed())}
            wanted |= {f"status__{name}": status for name, status in decision.stages.items()}
            wanted |= {f"result__{r.name}": r.value for r in _results(decision, None)}
        found.differences += _wrong(row[root.key.name], row, wanted, {root.key.name})
    for name in {r.entity for r in policy.core.results} - {policy.core.root}:
        _records(policy.core, name, ask(f"decisions__{name}"), decisions, found)
    return found


def _records(policy: core.Policy, name: str, told: list[Row], decisions: dict[str, Decision | None], found: Compared) -> None:
    """The rows of listed records, each beside what the decision says of that record."""
    chain = [policy.entities[name]]
    while chain[0].owner is not None:
        chain.insert(0, policy.entities[chain[0].owner])
    keys = [f"{e.name}__{e.key.name}" if e is not chain[-1] else e.key.name for e in chain if e.key is not None]
    for row in told:
        if len(keys) < len(chain) or any(row[k] is None for k in keys):
            continue  # no name by which the decision calls it
        found.records += 1
        decision = decisions[row[keys[0]]]
        path = ".".join(f"{e.listed_in}[{row[k]}]" for e, k in zip(chain[1:], keys[1:], strict=True))
        wanted: Row | None = None
        if decision is not None:
            struck = {s.record for s in decision.excluded}
            out = any(path == s or path.startswith(f"{s}.") for s in struck)
            failed = dict.fromkeys(r.id for r in decision.requirements if r.subject == path and r.verdict == "failed")
            wanted = {
                "admitted": not out,
                "failed": ",".join(failed),
                **({} if out else {f"result__{r.name}": r.value for r in _results(decision, path)}),
            }
        found.differences += _wrong(f"{row[keys[0]]} {path}", row, wanted, set(keys))


def _results(decision: Decision, path: str | None) -> list[Any]:
    return [r for r in decision.result_values if r.record == path]


def _exact(name: str, row: Row) -> object:
    """What a column says, a number as a fraction."""
    value = row[name]
    if name.endswith("__numerator") and value is not None:
        divisor = row[name.removesuffix("__numerator") + "__denominator"]
        return Fraction(int(value), int(divisor)) if divisor is not None else None
    if name.startswith("result__") and isinstance(value, int | Decimal | float) and not isinstance(value, bool):
        assert isinstance(value, int | Decimal), (name, value)
        return Fraction(value)
    return value


def _wrong(key: str, row: Row, wanted: Row | None, keys: set[str]) -> list[str]:
    """What a row says that is not so. What it tells is exact, whether or not the engine is needed for the rest."""
    said = {
        name.removesuffix("__numerator"): _exact(name, row)
        for name in row
        if name not in keys and name != "needs_engine" and not name.endswith("__denominator")
    }
    if wanted is None:
        told = {n: v for n, v in said.items() if v is not None}
        return [f"{key}: bad data, and yet {told}"] if told or not row["needs_engine"] else []
    wrong = {}
    for name, value in said.items():
        real = wanted.get(name)
        real = None if real is NONE else real
        if real is not None and not is_known(real):
            real = "not decided"
        if value != real and not (value is None and row["needs_engine"]):
            wrong[name] = (value, real)
    return [f"{key}: {wrong}"] if wrong else []
