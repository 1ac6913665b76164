"""Applications in the tables of a warehouse, decided there by a policy's view and here by the reference."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from bandolo.diagnostics import ApplicationError
from bandolo.evaluate.inputs import Application, read_application
from bandolo.evaluate.settle import Settled
from bandolo.language.values import NONE
from bandolo.policy import Policy
from bandolo.sql.tables import columns, rows, statements
from bandolo.sql.view import view
from bandolo.surfaces.sql import settled_by


@dataclass
class Compared:
    """How many applications were compared, how many the view left to the engine, and where it differs: none may."""

    total: int
    left: int
    left_though_decided: int
    differences: list[str]


def tables_and_view(policy: Policy, dialect: str, **what_if: Any) -> tuple[list[str], str, Settled]:
    """The statements that make the tables, the view, and the settings it was made for."""
    settled = settled_by(policy, **what_if)
    made, diagnostics = view(policy.core, settled, dialect)
    assert made is not None, [(str(d.args["what"]), d.span) for d in diagnostics]
    return statements(policy.core, dialect), made.sql, settled


def load(policy: Policy, settled: Settled, applications: Iterable[dict[str, Any]], cursor: Any, mark: str) -> dict[str, dict[str, Any]]:
    """Put applications into the tables; the ones that went in, by their key. The key is given anew, as none may come twice."""
    root = policy.core.entities[policy.core.root]
    assert root.key is not None
    loaded = {}
    batches: dict[str, list[list[object]]] = {}
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
            batches.setdefault(table, []).append(list(row.values()))
        loaded[f"A{n}"] = data
    for table, many in batches.items():
        width = len(columns(policy.core, policy.core.entities[table]))
        cursor.executemany(f'INSERT INTO "{table}" VALUES ({", ".join([mark] * width)})', many)
    return loaded


def compare(policy: Policy, applications: Iterable[dict[str, Any]], cursor: Any, dialect: str, mark: str, **what_if: Any) -> Compared:
    """Every application decided both ways."""
    schema, made, settled = tables_and_view(policy, dialect, **what_if)
    for statement in [*schema, made]:
        cursor.execute(statement)
    loaded = load(policy, settled, applications, cursor, mark)
    cursor.execute("SELECT * FROM decisions")
    names = [d[0] for d in cursor.description]
    found = Compared(0, 0, 0, [])
    seen = set()
    for line in cursor.fetchall():
        row = dict(zip(names, line, strict=True))
        key = row[names[0]]
        seen.add(key)
        found.total += 1
        try:
            decision = policy.decide(loaded[key], engine="reference", **what_if)
        except ApplicationError:
            decision = None
        if row["needs_engine"]:
            found.left += 1
            found.left_though_decided += decision is not None and decision.outcome != "undetermined"
            if any(row[n] is not None for n in names[1:-1]):
                found.differences.append(f"{key}: left to the engine, and yet {row}")
            continue
        if decision is None:
            found.differences.append(f"{key}: bad data, and yet {row['outcome']}")
            continue
        wanted: dict[str, Any] = {"outcome": decision.outcome, "stage": decision.stage, "failed": ",".join(decision.failed())}
        wanted |= {f"status__{name}": status for name, status in decision.stages.items()}
        for result in decision.result_values:
            name, value = f"result__{result.name}", None if result.value is NONE else result.value
            if f"{name}__numerator" in row:
                row[name] = Fraction(int(row[f"{name}__numerator"]), int(row[f"{name}__denominator"]))
            elif isinstance(value, Fraction):
                assert isinstance(row[name], int | Decimal), (name, row[name])
                row[name] = Fraction(row[name])
            wanted[name] = value
        wrong = {n: (row[n], v) for n, v in wanted.items() if row[n] != v}
        if wrong:
            found.differences.append(f"{key}: {wrong}")
    assert seen == set(loaded)
    return found
