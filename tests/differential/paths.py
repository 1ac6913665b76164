"""Every way of deciding, each behind one small adapter: a policy and applications in, decisions in a comparable form out.

An adapter is a `Path`. `decide` takes a `Batch` (a loaded policy, the settings of a what-if, applications, and what the reference says of
each) and gives a `Found`: for each application what this path says and what it should say, both in the path's own form, or None where the
path was not asked (the application has no place in its tables) or left it to the engine. To add a path is to write a function and to list
it in `PATHS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from bandolo.check import core
from bandolo.diagnostics import ApplicationError
from bandolo.evaluate.data import read_json
from bandolo.evaluate.decision import Decision
from bandolo.language.types import ListType, OptionalType, RecordType
from bandolo.policy import Policy
from differential.applications import Maker, json_text

Data = dict[str, Any]
Said = Any
"""What a path says of an application, in its own form; the text of an exception that should not be one begins with `broke: `."""


@dataclass
class Batch:
    """Applications of one policy under one what-if; `reference` is made once, when it is first asked for."""

    policy: Policy
    applications: list[Data]
    what_if: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def reference(self) -> list[Decision | list[tuple[str, str]] | str]:
        """The reference's decisions; for bad data the codes with their places; a text where it broke, which it never may."""
        return [guarded(lambda a=a: _told(decided(self.policy, a, "reference", self.what_if))) for a in self.applications]  # type: ignore[misc]

    @cached_property
    def texts(self) -> list[Any]:
        """The JSON of those decisions."""
        return [whole(r) for r in self.reference]


@dataclass
class Found:
    """What a path made of a batch: (said, wanted) by the number of the application."""

    pairs: dict[int, tuple[Said, Said]] = field(default_factory=dict)
    left: int = 0
    """Applications that the path left to the engine or that have no place in its tables."""
    refused: str = ""
    """Why the path does not decide by this policy at all."""

    @property
    def different(self) -> list[int]:
        return [i for i, (said, wanted) in self.pairs.items() if said != wanted]


Path = Callable[[Batch], Found]


def decided(policy: Policy, application: Data, engine: Any, what_if: Mapping[str, Any]) -> Any:
    """A decision, or the codes for which the data is refused."""
    try:
        return policy.decide(application, engine=engine, **what_if)
    except ApplicationError as error:
        return [(d.code, str(d.path)) for d in error.diagnostics]


def guarded(work: Callable[[], Any]) -> Any:
    """What some work gives, or the text of what it raised."""
    try:
        return work()
    except Exception as error:  # whatever it is, the reference did not raise it
        return f"broke: {type(error).__name__}: {error}"


def _told(decision: Any) -> Any:
    """A decision that can be told: its JSON can be made."""
    whole(decision)
    return decision


def whole(decision: Any) -> Any:
    """All that a decision says, messages and digests included."""
    return decision.to_json() if isinstance(decision, Decision) else decision


def reference(batch: Batch) -> Found:
    """The reference itself: it gives a decision or says what is wrong with the data, and nothing else."""
    return Found({i: (said, "a decision") for i, said in enumerate(batch.reference) if isinstance(said, str)})


def answerable(batch: Batch) -> Iterator[tuple[int, Data, Any]]:
    """The applications that the reference decides or refuses, with their numbers and what it says."""
    for i, (application, said) in enumerate(zip(batch.applications, batch.reference, strict=True)):
        if not isinstance(said, str):
            yield i, application, said


def compiled(batch: Batch) -> Found:
    """The policy's program: the decision as a whole, and as read in other ways."""
    found = Found()
    for i, application, reference in answerable(batch):
        said = guarded(lambda a=application: decided(batch.policy, a, "compiled", batch.what_if))  # type: ignore[misc]
        if isinstance(reference, Decision) and not isinstance(said, str | list):
            same = said == reference and said.results == reference.results and said.failed() == reference.failed()
            text = guarded(lambda d=said: whole(d))  # type: ignore[misc]
            found.pairs[i] = (text if same else text + " ", batch.texts[i])
        else:
            found.pairs[i] = (guarded(lambda d=said: whole(d)), batch.texts[i])  # type: ignore[misc]
    return found


def by_json(batch: Batch) -> Found:
    """From the bytes of an application to those of a decision."""
    if batch.what_if:
        return Found(refused="decide_json takes no what-if")
    found = Found()
    for i, application, reference in answerable(batch):
        text = json_text(application)
        if isinstance(reference, list):
            data, diagnostics = read_json(text, "")
            wanted: Any = [(d.code, str(d.path)) for d in diagnostics] or whole(decided(batch.policy, data, "reference", {}))
        else:
            wanted = batch.texts[i]
        found.pairs[i] = (guarded(lambda t=text: _answered(batch.policy, t)), wanted)  # type: ignore[misc]
    return found


def _answered(policy: Policy, text: str) -> Any:
    try:
        return policy.decide_json(text.encode()).decode()
    except ApplicationError as error:
        return [(d.code, str(d.path)) for d in error.diagnostics]


# By columns.


def faithful(policy: core.Policy, entity: core.Entity, data: Mapping[str, Any]) -> bool:
    """Whether a table can hold an application as it is: an optional fact that is absent would come back as `none`."""
    for fact in entity.facts.values():
        value = data.get(fact.name)
        type_ = fact.type.of if isinstance(fact.type, OptionalType) else fact.type
        if fact.asked:
            if isinstance(value, Mapping) and fact.optional and set(value) < set(fact.asked):
                return False
            if not isinstance(value, Mapping) and fact.optional:
                return False
        elif fact.optional and fact.name not in data:
            return False
        if isinstance(type_, ListType) and isinstance(type_.item, RecordType) and isinstance(value, list):
            inner = policy.entities[type_.item.entity]
            if not all(isinstance(one, Mapping) and faithful(policy, inner, one) for one in value):
                return False
    return True


def tabled(batch: Batch, decided_: bool = True) -> tuple[Any, list[int]]:
    """The applications that have a place in typed columns as one Arrow table, and their numbers; `decided_`: where the reference decides."""
    import pyarrow as pa

    from arrow import columns, row
    from bandolo.evaluate.typed import BadValue

    policy = batch.policy.core
    root = policy.entities[policy.root]
    schema = pa.schema([pa.field(n, t) for n, t in columns(policy, root)])
    rows: list[tuple[int, dict[str, Any]]] = []
    some = [(i, a) for i, a, r in answerable(batch) if _holdable(policy, r)] if decided_ else list(enumerate(batch.applications))
    for i, application in some:
        if faithful(policy, root, application):
            with suppress(ValueError, TypeError, AttributeError, BadValue):
                rows.append((i, row(policy, root, application)))

    def tables(some: list[tuple[int, dict[str, Any]]]) -> tuple[list[Any], list[int]]:
        """Tables of the rows that fit, found by halves."""
        try:
            return [pa.Table.from_pylist([r for _, r in some], schema=schema)], [i for i, _ in some]
        except (ValueError, TypeError, OverflowError, pa.ArrowException):
            if len(some) < 2:
                return [], []
            (first, a), (second, b) = tables(some[: len(some) // 2]), tables(some[len(some) // 2 :])
            return first + second, a + b

    made, kept = tables(rows)
    return pa.concat_tables([schema.empty_table(), *made]).combine_chunks(), kept


def _holdable(policy: core.Policy, reference: Any) -> bool:
    """Whether the columns of a batch can hold a decision: whole numbers have 64 bits there, amounts 38 digits."""
    from fractions import Fraction

    from bandolo.language.types import INTEGER, MONEY

    for result in getattr(reference, "result_values", ()):
        if isinstance(result.value, Fraction):
            type_ = result.type.of if isinstance(result.type, OptionalType) else result.type
            if abs(result.value) >= {INTEGER: 2**63, MONEY: 10**36}.get(type_, abs(result.value) + 1):
                return False
    return True


def rows_wanted(batch: Batch, kept: list[int]) -> tuple[list[Any], dict[str, list[Any]]]:
    """What the reference says of some applications, as the rows of a batch."""
    from bandolo.batch import outgoing
    from bandolo.batch.rows import record_paths

    policy = batch.policy.core
    key = policy.entities[policy.root].key
    below: dict[str, list[Any]] = {e: [] for e in policy.entities if e != policy.root}
    rows = []
    for i in kept:
        application, reference = batch.applications[i], batch.reference[i]
        name = application.get(key.name) if key is not None else None
        if isinstance(reference, Decision):
            rows.append(outgoing.row_of(policy, name, reference, ()))
        else:
            code, path = reference[0]
            rows.append({"application": name, "failed": [], "missing": [], "error": f"{code} {path}".strip()})
        for entity in below:
            paths = list(record_paths(policy, entity, application))
            if isinstance(reference, Decision):
                below[entity].append(outgoing.record_rows(policy, entity, name, reference, paths))
            else:
                below[entity].append([{"application": name, "record": p, "failed": []} for p in paths])
    plain = outgoing.from_rows(rows, outgoing.schema(policy)).to_pylist()
    return plain, {
        e: [outgoing.from_rows(many, outgoing.record_schema(policy, e)).to_pylist() for many in each] for e, each in below.items()
    }


def columnar(batch: Batch) -> Found:
    """`batch.run` over an Arrow table, with the rows of the records."""
    from bandolo.batch import run

    return by_tables(batch, lambda policy, table, entities, what_if: run(policy, table, records=entities, **what_if))


def by_tables(batch: Batch, run: Callable[..., Any]) -> Found:
    """A path that takes Arrow tables and gives those of a batch: `run(policy, table, entities, what_if)` like `batch.run`."""
    table, kept = tabled(batch)
    found = Found(left=len(batch.applications) - len(kept))
    if not kept or not table.num_columns:
        return found
    entities = sorted(e for e in batch.policy.core.entities if e != batch.policy.core.root)
    rows, below = rows_wanted(batch, kept)
    decided_ = guarded(lambda: run(batch.policy, table, entities, batch.what_if))
    if isinstance(decided_, str):
        found.pairs = {i: (decided_, "decisions") for i in kept}
        return found
    found.left += decided_.by_rows
    found.refused = "; ".join(decided_.why) if not decided_.by_columns else ""
    said = decided_.applications.to_pylist()
    places = {e: 0 for e in entities}
    records = {e: decided_.records[e].to_pylist() for e in entities}
    for at, i in enumerate(kept):
        mine, wanted = [said[at]], [rows[at]]
        for entity in entities:
            count = len(below[entity][at])
            mine += records[entity][places[entity] : places[entity] + count]
            wanted += below[entity][at]
            places[entity] += count
        found.pairs[i] = (mine, wanted)
    return found


# In a warehouse.


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
    from bandolo.language.values import NONE
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
        found.pairs = {i: (said, "decisions") for i in loaded.values()}
        return found
    names = [d for d in said[0]] if said else []
    for row in said:
        i = loaded[row[names[0]]]
        reference = batch.reference[i]
        if row["needs_engine"]:
            found.left += 1
            found.pairs[i] = ([row[n] for n in names[1:-1]], [None] * (len(names) - 2))
            continue
        if not isinstance(reference, Decision):
            found.pairs[i] = (row, reference)
            continue
        wanted: dict[str, Any] = {"outcome": reference.outcome, "stage": reference.stage, "failed": ",".join(reference.failed())}
        wanted |= {f"status__{name}": status for name, status in reference.stages.items()}
        for result in reference.result_values:
            name, value = f"result__{result.name}", None if result.value is NONE else result.value
            if result.record is not None:
                continue
            if f"{name}__numerator" in row:
                above, under = row[f"{name}__numerator"], row[f"{name}__denominator"]
                row[name] = None if above is None else Fraction(int(above), int(under))
            elif isinstance(value, Fraction) and row[name] is not None and not isinstance(row[name], float):
                row[name] = Fraction(row[name])
            wanted[name] = value
        found.pairs[i] = ({n: row.get(n) for n in wanted}, wanted)
    return found


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
        if column.type in DECIMALS and isinstance(value, str) and column.holds == "value":
            if (Fraction(value) * 10 ** DECIMALS[column.type]).denominator != 1:
                raise OverflowError(entity.name)
    return list(row.values())


PATHS: dict[str, Path] = {"reference": reference, "compiled": compiled, "json": by_json, "columnar": columnar, "duckdb": duckdb}
"""What runs wherever pip installs: the paths of the test in `make test`."""


# Which policies a path decides by itself.


def hands_over(path: str, what_if: Mapping[str, Any]) -> Callable[[Policy], Any]:
    """Whether a path hands over every application of a policy, as far as a dozen sound ones tell; the places it cannot say, if it tells."""

    def refuses(policy: Policy) -> Any:
        if path in DIALECTS:
            from bandolo.sql.view import view
            from bandolo.surfaces.sql import settled_by

            made = guarded(lambda: view(policy.core, settled_by(policy, **what_if), DIALECTS[path]))
            return [d.span for d in made[1]] if not isinstance(made, str) and made[0] is None else False
        maker = Maker(policy.core, policy.settled, "fitting", missing=0, bad=0, far=0)
        table, kept = tabled(Batch(policy, [maker.application(n) for n in range(12)], what_if), False)
        # What breaks is not handed over: it is to be seen.
        return not kept or guarded(lambda: _by_columns(policy, table, what_if)) == 0

    return refuses


DIALECTS = {"duckdb": "duckdb", "postgres": "postgres"}
"""The paths that read the view of `bandolo sql`, with its dialect."""


def _by_columns(policy: Policy, table: Any, what_if: Mapping[str, Any]) -> int:
    """How many applications of a table are decided by columns."""
    import numpy as np

    from bandolo.batch.intake import together
    from bandolo.batch.run import Prepared, computed

    prepared = Prepared(policy, dict(what_if), tuple(sorted(e for e in policy.core.entities if e != policy.core.root)))
    joined = together(policy.core, {policy.core.root: table})
    columns = prepared.columns(joined)
    program = prepared.program(columns, joined)
    if isinstance(program, str):
        return 0
    _, left = computed(policy, program, columns, columns.left(policy.core, program.read))
    return int(len(left) - np.count_nonzero(left))


def whole_settings(policy: Policy) -> dict[str, Any]:
    """A what-if that leaves nothing open that can be settled: for paths that decide only what is settled."""
    readings = {n: next(iter(r.options)) for n, r in policy.core.readings.items() if r.chosen is None}
    return {"as_of": "2023-06-15", "assume": True, **({"readings": readings} if readings else {})}


def settings(policy: Policy, number: int) -> dict[str, Any]:
    """The what-if of a policy's number: none, a clock, or all kinds at once."""
    match number % 3:
        case 0:
            return {}
        case 1:
            return {"as_of": ("2023-06-15", "2024-02-29 12:00")[number % 2]}
    readings = {n: list(r.options)[number % len(r.options)] for n, r in policy.core.readings.items()}
    return {"assume": True, "readings": readings}


def available(path: str) -> str:
    """What is missing for a path; empty if nothing is."""
    return ""
