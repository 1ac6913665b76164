"""The paths that decide in a warehouse: the view of `bandolo sql` in DuckDB and in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from bandolo.check import core
from bandolo.evaluate.decision import Decision
from differential.batches import Batch, Found, answerable, guarded


def duckdb(batch: Batch) -> Found:
    """The view of `bandolo sql` in DuckDB."""
    import duckdb as engine

    connection = engine.connect()
    try:
        return by_view(batch, connection, "duckdb", "?")
    finally:
        connection.close()


def by_view(batch: Batch, cursor: Any, dialect: str, mark: str) -> Found:
    """A path that loads tables and reads the view `decisions`."""
    from fractions import Fraction

    from bandolo.evaluate.inputs import read_application
    from bandolo.sql.tables import columns, rows, statements
    from bandolo.sql.view import view
    from bandolo.surfaces.sql import settled_by

    policy = batch.policy.core
    root = policy.entities[policy.root]
    if any(batch.policy.conditional):
        return Found(refused="an act that reaches some applications")
    settled = settled_by(batch.policy, **batch.what_if)
    made = guarded(lambda: view(policy, settled, dialect))
    if isinstance(made, str):
        return Found({0: (made, "a view")})
    if made[0] is None:
        return Found(refused=", ".join(sorted({str(d.args["what"]) for d in made[1]})))
    for statement in [*statements(policy, dialect), made[0].sql]:
        cursor.execute(statement)
    loaded: dict[str, int] = {}
    batches: dict[str, list[list[object]]] = {}
    assert root.key is not None
    for i, application, _ in answerable(batch):
        key = application.get(root.key.name)
        read = read_application(policy, settled, application)[0]
        if read is None or not isinstance(key, str) or key in loaded:
            continue
        try:
            found_rows = [(t, list(_checked(r, policy.entities[t], columns(policy, policy.entities[t])))) for t, r in rows(policy, read)]
        except OverflowError:
            continue
        for name, row in found_rows:
            batches.setdefault(name, []).append(row)
        loaded[key] = i
    for name, many in batches.items():
        marks = ", ".join([mark] * len(columns(policy, policy.entities[name])))
        cursor.executemany(f'INSERT INTO "{name}" VALUES ({marks})', many)
    found = Found(left=len(batch.applications) - len(loaded))
    said = guarded(lambda: _fetched(cursor))
    if isinstance(said, str):
        if "out of range" in said.lower() or "overflow" in said.lower():
            return Found(refused="a number beyond 127 bits ends the query")
        found.pairs = dict.fromkeys(loaded.values(), (said, "decisions"))
        return found
    names = list(said[0]) if said else []
    for row in said:
        i = loaded[row[names[0]]]
        reference = batch.reference[i]
        found.left += bool(row["needs_engine"])
        if not isinstance(reference, Decision):
            told = [v for n, v in row.items() if v is not None and n not in (names[0], "needs_engine")]
            found.pairs[i] = (told, [] if row["needs_engine"] else reference)
            continue
        wanted: dict[str, Any] = {"outcome": reference.outcome, "stage": reference.stage, "failed": ",".join(reference.failed())}
        wanted |= {f"status__{name}": status for name, status in reference.stages.items()}
        for result in reference.result_values:
            if result.record is not None:
                continue
            name, value = f"result__{result.name}", _as_column(result.value)
            row[name] = _instant(row.get(name))
            if f"{name}__numerator" in row:
                above, under = row[f"{name}__numerator"], row[f"{name}__denominator"]
                row[name] = None if above is None else Fraction(int(above), int(under))
            elif isinstance(value, Fraction) and row[name] is not None and not isinstance(row[name], float):
                row[name] = Fraction(row[name])
            wanted[name] = value
        # What is told is sure; where the engine is needed, some columns are empty.
        sure = [n for n in wanted if row.get(n) is not None or not row["needs_engine"]]
        found.pairs[i] = ({n: row.get(n) for n in sure}, {n: wanted[n] for n in sure})
    return found


def _as_column(value: object) -> object:
    """A result in the form of its column: `none` is NULL, a length of time the number of its days or months."""
    from fractions import Fraction

    from bandolo.language.values import NONE, Duration

    if isinstance(value, Duration):
        assert not (value.months and value.days), "a view says no length of both"
        return Fraction(value.months or value.days)
    return None if value is NONE else _instant(value)


def _instant(value: object) -> object:
    """Of two clocks an hour that comes twice is never equal, even to itself: instants are compared by one clock."""
    return value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo is not None else value


def _fetched(cursor: Any) -> list[dict[str, Any]]:
    cursor.execute("SELECT * FROM decisions")
    names = [d[0] for d in cursor.description]
    return [dict(zip(names, line, strict=True)) for line in cursor.fetchall()]


def _checked(row: Mapping[str, object], entity: core.Entity, columns: list[Any]) -> list[object]:
    """A row for the tables; OverflowError where a column has fewer decimals than the number."""
    from fractions import Fraction

    from bandolo.sql.tables import DECIMALS

    for column in columns:
        value = row[column.name]
        held = column.type in DECIMALS and isinstance(value, str) and column.holds == "value"
        if held and (Fraction(value) * 10 ** DECIMALS[column.type]).denominator != 1:
            raise OverflowError(entity.name)
    return list(row.values())


def postgres(batch: Batch) -> Found:
    """The view of `bandolo sql` in a PostgreSQL of this process's own."""
    from psycopg.errors import NumericValueOutOfRange

    connection = _cluster()
    try:
        with connection.cursor() as cursor:
            return by_view(batch, cursor, "postgres", "%s")
    except NumericValueOutOfRange:
        return Found(refused="a number beyond what PostgreSQL counts")
    finally:
        connection.rollback()


@cache
def _cluster() -> Any:
    """A connection to a cluster that ends with the process."""
    from atexit import register
    from contextlib import ExitStack

    from postgres import cluster, connected

    stack = ExitStack()
    register(stack.close)
    connection = connected(stack.enter_context(cluster()))
    stack.callback(connection.close)
    return connection
