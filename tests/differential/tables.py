"""The paths that take Arrow tables: the columnar program on one machine, and inside Spark."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

from bandolo.check import core
from bandolo.evaluate.decision import Decision
from bandolo.language.types import ListType, OptionalType, RecordType
from bandolo.policy import Policy
from differential.batches import Batch, Found, answerable, guarded

Data = dict[str, Any]


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
        # A cell cannot hold what is no list, or a key that is no text, so that it comes back as it was.
        if value is not None and not isinstance(
            value, list if isinstance(type_, ListType) else str if isinstance(type_, RecordType) else object
        ):
            return False
        if isinstance(type_, ListType) and isinstance(type_.item, RecordType) and isinstance(value, list):
            inner = policy.entities[type_.item.entity]
            if not all(isinstance(one, Mapping) and faithful(policy, inner, one) for one in value):
                return False
    return True


def tabled(batch: Batch, decided_: bool = True) -> tuple[Any, list[int]]:
    """The applications that have a place in typed columns as one Arrow table, and their numbers; `decided_`: that the reference decides."""
    import pyarrow as pa

    from arrow import columns, row
    from bandolo.evaluate.typed import BadValue

    policy = batch.policy.core
    root = policy.entities[policy.root]
    schema = pa.schema([pa.field(n, t) for n, t in columns(policy, root)])
    rows: list[tuple[int, dict[str, Any]]] = []
    some = [(i, a) for i, a, r in answerable(batch)] if decided_ else list(enumerate(batch.applications))
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
        if isinstance(reference, Decision) and (too_large := outgoing.beyond(reference, below)):
            reference = [(d.code, str(d.path)) for d in too_large]
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
        found.pairs = dict.fromkeys(kept, (decided_, "decisions"))
        return found
    found.left += decided_.by_rows
    found.refused = "; ".join(decided_.why) if not decided_.by_columns else ""
    said = decided_.applications.to_pylist()
    places = dict.fromkeys(entities, 0)
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


def spark(batch: Batch) -> Found:
    """The columnar program inside Spark; the rows of applications are known by their keys, which Spark may give in any order."""
    key = batch.policy.core.entities[batch.policy.core.root].key
    seen: dict[str, int] = {}
    for i, application, _ in answerable(batch):
        name = application.get(key.name) if key is not None else None
        if isinstance(name, str):
            seen.setdefault(name, i)
    numbers = list(seen.values())
    part = Batch(batch.policy, [batch.applications[i] for i in numbers], batch.what_if)
    part.__dict__["reference"] = [batch.reference[i] for i in numbers]
    found = by_tables(part, _in_spark)
    return Found({numbers[i]: pair for i, pair in found.pairs.items()}, found.left + len(batch.applications) - len(numbers), found.refused)


def _in_spark(policy: Policy, table: Any, entities: Sequence[str], what_if: Mapping[str, Any]) -> Any:
    """What Spark decides, in the order of the applications and as `batch.run` gives it."""
    import pyarrow as pa

    from bandolo.batch.run import Decided
    from bandolo.batch.spark import decide

    session = _spark()
    key = policy.core.entities[policy.core.root].key
    assert key is not None
    place = {name: i for i, name in enumerate(table[key.name].to_pylist())}
    made = decide(session, policy, session.createDataFrame(table).repartition(3), records=entities, **what_if)

    def ordered(frame: Any) -> pa.Table:
        found = frame.toArrow()
        names = [place[n] for n in found["application"].to_pylist()]
        return found.take(pa.array(sorted(range(len(names)), key=names.__getitem__)))

    return Decided(ordered(made.applications), {e: ordered(f) for e, f in made.records.items()}, table.num_rows, 0, (), {})


@cache
def _spark() -> Any:
    from bandolo.batch.spark import session

    return session("local[2]", {"spark.sql.shuffle.partitions": "2", "spark.ui.enabled": "false"})


def by_columns(policy: Policy, table: Any, what_if: Mapping[str, Any]) -> int:
    """How many applications of a table are decided by columns."""
    import numpy as np

    from bandolo.batch.run import Prepared, computed
    from bandolo.batch.tables import together

    prepared = Prepared(policy, dict(what_if), tuple(sorted(e for e in policy.core.entities if e != policy.core.root)))
    joined = together(policy.core, {policy.core.root: table})
    columns = prepared.columns(joined)
    program = prepared.program(columns, joined)
    if isinstance(program, str):
        return 0
    _, left = computed(policy, program, columns, columns.left(policy.core, program.read))
    return int(len(left) - np.count_nonzero(left))
