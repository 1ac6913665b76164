"""DataFrames of applications and records in, DataFrames of decisions out, with a session that someone has.

Records that come apart are brought to their applications by groups: an application and its records have the same group, a number made of
the application's key, and Spark hands over whole groups of some ten thousand applications. Measured against lists collected per
application and against one sorted stream, it takes less than half of the time (docs/spark.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pyarrow as pa

from bandolo.batch.run import Prepared
from bandolo.batch.spark import worker
from bandolo.batch.spark.worker import BY_ROWS, GROUP, OF, ROW, WHY, Told
from bandolo.batch.tables import BadTables, known_records, link_name, together
from bandolo.check import core
from bandolo.policy import AsOf, Policy

IN_A_GROUP = 10_000
"""So many applications a group, about: a few hundred thousand records, some tens of megabytes in a task."""
GROUPS_EACH = 4
"""At least so many groups a task that can run at the same time, so that none waits for the longest."""


@dataclass(frozen=True)
class Decided:
    """What a batch comes to, not computed before it is asked for: `applications` and `records` by entity, DataFrames.

    The columns are those of `bandolo.batch.run`, with texts for words. Where records are wanted, all comes from `whole`: persist it to have
    both from one pass.
    """

    applications: Any
    whole: Any
    records: Mapping[str, Any] = field(default_factory=dict)


def decide(
    spark: Any,
    policy: Policy,
    frames: Mapping[str, Any] | Any,
    *,
    records: Sequence[str] = (),
    order: str | None = None,
    groups: int | None = None,
    as_of: AsOf = None,
    set: Mapping[str, Any] | None = None,
    readings: Mapping[str, str] | None = None,
    assume: bool | Sequence[str] = False,
) -> Decided:
    """The decisions on the applications of some DataFrames, the same as `bandolo.batch.run` on the same rows.

    `frames` are DataFrames by entity, as the tables of `bandolo.batch.run`; a single one is the root's. Rows of a DataFrame have no order:
    `order` names a column of whole numbers that gives it, else records are taken in the order of their keys. `groups` is into how many
    groups the applications are put where records come apart; without it they are counted. The rest is as for `bandolo.batch.run`.
    Raises BadTables if the frames do not fit the policy; what only a task finds comes when Spark runs it.
    """
    what_if = {"as_of": as_of, "set": set, "readings": readings, "assume": assume}
    given = dict(frames) if isinstance(frames, Mapping) else {policy.core.root: frames}
    if order is not None:
        given = {e: f.withColumnRenamed(order, ROW) for e, f in given.items()}
    wanted = (records,) if isinstance(records, str) else tuple(records)
    known_records(policy.core, wanted)
    return decided(spark, policy, given, what_if, wanted, groups)


def decided(
    spark: Any, policy: Policy, frames: Mapping[str, Any], what_if: Mapping[str, Any], wanted: tuple[str, ...], groups: int | None
) -> Decided:
    """As `decide`, with the order of rows in a column `ROW` where there is one."""
    root = policy.core.root
    told = Told(policy, what_if, tuple(e for e in frames if e != root), wanted)
    fits(policy, frames, what_if)
    schema = ddl(worker.schema(policy.core, wanted))
    whole = gathered(spark, told, frames, groups, worker.decide_batches, worker.decide_group, schema)
    if not wanted:
        return Decided(whole.drop(BY_ROWS, WHY, ROW), whole)
    boxed = {e: unboxed(whole, e, root) for e in ("", *wanted)}
    return Decided(boxed.pop("").drop(BY_ROWS, WHY, ROW), whole, {e: frame.drop(ROW) for e, frame in boxed.items()})


def unboxed(whole: Any, entity: str, root: str) -> Any:
    """One of the tables that stand together in `whole`."""
    from pyspark.sql import functions as f

    box = entity or root
    names = [field.name for field in whole.schema[box].dataType]
    return whole.where(f.col(_name(OF)) == entity).select(*(f.col(f"{_name(box)}.{_name(n)}").alias(n) for n in names))


def boxed(frame: Any) -> Any:
    """A frame in one column of structs: Spark hands a task no column whose name holds a dot."""
    from pyspark.sql import functions as f

    return frame.select(f.struct(*(f.col(_name(c)).alias(c) for c in frame.columns)).alias("row"))


def gathered(spark: Any, told: Told, frames: Mapping[str, Any], groups: int | None, of_batches: Any, of_groups: Any, schema: str) -> Any:
    """What a function of `worker` makes of all applications, each with its records."""
    applications = frames[told.policy.core.root]
    if not told.apart:
        return applications.mapInArrow(partial(of_batches, told), schema)
    if groups is None:
        groups = how_many(spark, applications.count())
    left, right = (side.groupBy(_name(GROUP)) for side in sides(told, frames, groups))
    return left.cogroup(right).applyInArrow(partial(of_groups, told), schema)


def how_many(spark: Any, applications: int) -> int:
    """Into how many groups so many applications are put."""
    return max(GROUPS_EACH * int(spark.sparkContext.defaultParallelism), -(-applications // IN_A_GROUP))


def sides(told: Told, frames: Mapping[str, Any], groups: int) -> tuple[Any, Any]:
    """The applications and all their records, each row with its group."""
    from pyspark.sql import functions as f

    policy = told.policy.core
    owner = policy.entities[policy.root]
    assert owner.key is not None

    def grouped(frame: Any, key: str) -> Any:
        # By the text of the key: it may be a number in one table and a text in the other.
        return frame.withColumn(GROUP, f.pmod(f.hash(f.col(_name(key)).cast("string")), f.lit(groups)))

    apart = {e: grouped(frames[e], link_name(owner, arrow_schema(frames[e]))) for e in told.apart}
    return grouped(frames[policy.root], owner.key.name), next(iter(apart.values())) if len(apart) == 1 else _put_together(apart)


def of_owners(policy: core.Policy, entity: str, frame: Any, names: Any) -> Any:
    """The rows of some applications, or of their records; `names` has the applications' keys as texts in its one column."""
    from pyspark.sql import functions as f

    owner = policy.entities[policy.root]
    assert owner.key is not None
    key = owner.key.name if entity == policy.root else link_name(owner, arrow_schema(frame.drop(ROW)))
    return frame.join(f.broadcast(names), f.col(_name(key)).cast("string") == f.col(_name(names.columns[0])), "left_semi")


def _put_together(apart: Mapping[str, Any]) -> Any:
    """Several tables of records as one, each in a column of structs."""
    from pyspark.sql import functions as f

    pieces = []
    for entity, frame in apart.items():
        columns = [f.col(_name(GROUP)), f.lit(entity).alias(OF)]
        for name, other in apart.items():
            inside = [c for c in other.columns if c != GROUP]
            if name == entity:
                columns.append(f.struct(*(_name(c) for c in inside)).alias(name))
            else:
                columns.append(
                    f.lit(None).cast(other.select(f.struct(*(_name(c) for c in inside)).alias(name)).schema[0].dataType).alias(name)
                )
        pieces.append(frame.select(*columns))
    whole = pieces[0]
    for piece in pieces[1:]:
        whole = whole.unionByName(piece)
    return whole


def fits(policy: Policy, frames: Mapping[str, Any], what_if: Mapping[str, Any]) -> None:
    """Raises BadTables for frames and columns that do not fit, before anything is read."""
    known_records(policy.core, frames.keys() - {policy.core.root})
    tables = {e: arrow_schema(frame.drop(ROW)).empty_table() for e, frame in frames.items()}
    for entity, frame in frames.items():
        if entity != policy.core.root:
            link_name(policy.core.entities[policy.core.root], tables[entity])
            key = policy.core.entities[entity].key
            if ROW not in frame.columns and (key is None or key.name not in frame.columns):
                raise BadTables("spark-no-order", entity=entity)
    Prepared(policy, dict(what_if)).columns(together(policy.core, tables))


def arrow_schema(frame: Any) -> Any:
    """The columns of a DataFrame as a task is handed them; nothing is computed for it."""
    return frame.limit(0).toArrow().schema


def ddl(schema: pa.Schema) -> str:
    """A schema as Spark spells it."""
    return ", ".join(f"{_name(f.name)} {_type(f.type)}" for f in schema)


def _type(type_: pa.DataType) -> str:
    if pa.types.is_struct(type_):
        return f"struct<{', '.join(f'{_name(f.name)}: {_type(f.type)}' for f in type_)}>"
    if pa.types.is_list(type_):
        return f"array<{_type(type_.value_type)}>"
    if pa.types.is_decimal(type_):
        return f"decimal({type_.precision},{type_.scale})"
    if pa.types.is_timestamp(type_):
        return "timestamp"
    return {pa.string(): "string", pa.int64(): "bigint", pa.bool_(): "boolean", pa.date32(): "date"}[type_]


def _name(column: str) -> str:
    """A column as Spark wants it spelt where its name holds a dot or a blank."""
    return "`" + column.replace("`", "``") + "`"
