"""The ranking of DataFrames: claims joined, the list cut into parts by Spark, and what is sequential by nature done on the few it is about.

1. What the ranking takes of each application comes from the columnar program, in tasks, as decisions do.
2. Strikes: Spark groups the claims by what identifies a record; only applications that share one are brought here, and the procedure
   (`ranking/procedure.py`) follows the chains among them. Who has money, where that matters, is asked of the list part by part.
3. The list is cut into parts by its keys. From what each part asks for in all it follows what is left before it; only a part in which the
   money runs short is looked at, here, in order.
4. Each part becomes rows in a task, by the code that lists a whole ranking on one machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pyarrow as pa

from bandolo.batch import listed
from bandolo.batch.keys import key_names
from bandolo.batch.ranked import NAMED, Summary, prepared_for
from bandolo.batch.run import Prepared
from bandolo.batch.spark import frames as frames_of
from bandolo.batch.spark import parts as parts_of
from bandolo.batch.spark import worker
from bandolo.batch.spark.parts import CLAIM, PART, RANK, WITHIN, Before, Lists, part_of, pots_of
from bandolo.batch.spark.strikes import Strikes
from bandolo.batch.spark.worker import BY_ROWS, ROW, WHY, Told
from bandolo.batch.standing import ranker_for
from bandolo.batch.tables import BadTables, one
from bandolo.diagnostics import Diagnostic, PolicyError
from bandolo.policy import AsOf, Policy
from bandolo.ranking.options import Options
from bandolo.ranking.rank import Ranker

IN_A_PART = 50_000
"""So many applications a part of the list, about."""


@dataclass(frozen=True)
class Ranked:
    """A ranking as a DataFrame in `whole`, which holds the columns of `batch.Ranked.table` and its place as `ROW`; and what it comes to.

    It is kept on the executors' disks; `unpersist` lets it go.
    """

    whole: Any
    summary: Summary
    _kept: Sequence[Any] = field(default=(), repr=False)

    @property
    def table(self) -> Any:
        return self.whole.drop(ROW, WITHIN)

    def unpersist(self) -> None:
        for frame in self._kept:
            frame.unpersist()


def rank(
    spark: Any,
    policy: Policy,
    frames: Mapping[str, Any] | Any,
    *,
    order: str | None = None,
    groups: int | None = None,
    as_of: AsOf = None,
    set: Mapping[str, Any] | None = None,
    readings: Mapping[str, str] | None = None,
    assume: bool | Sequence[str] = False,
) -> Ranked:
    """The ranking of the applications of some DataFrames, the same as `bandolo.batch.rank` makes of the same rows.

    The arguments are those of `decide`. Raises BadTables, PolicyError as `bandolo.batch.rank` does, and NotRun `spark-too-many-shared`
    where more applications share a record than one process can follow.
    """
    what_if = {"as_of": as_of, "set": set, "readings": readings, "assume": assume}
    given = dict(frames) if isinstance(frames, Mapping) else {policy.core.root: frames}
    if order is not None:
        given = {e: f.withColumnRenamed(order, ROW) for e, f in given.items()}
    return ranking(spark, policy, given, what_if, groups)


def ranking(spark: Any, policy: Policy, frames: Mapping[str, Any], what_if: Mapping[str, Any], groups: int | None) -> Ranked:
    """As `rank`, with the order of rows in a column `ROW` where there is one."""
    prepared = prepared_for(policy, dict(what_if))
    told = Told(policy, what_if, tuple(e for e in frames if e != policy.core.root))
    frames_of.fits(policy, frames, what_if)
    return _Ranking(spark, told, frames, groups, prepared, ranker_for(prepared)).made()


@dataclass
class _Ranking:
    spark: Any
    told: Told
    frames: Mapping[str, Any]
    groups: int | None
    prepared: Prepared
    ranker: Ranker
    kept: list[Any] = field(default_factory=list)

    def made(self) -> Ranked:
        from pyspark.sql import functions as f

        policy = self.told.policy.core
        schema_ = frames_of.ddl(parts_of.taken_schema(policy))
        taken = frames_of.gathered(
            self.spark, self.told, self.frames, self.groups, parts_of.taken_of_batches, parts_of.taken_of_group, schema_
        )
        taken = self._keep(taken)
        rows, claims = frames_of.unboxed(taken, RANK, RANK), frames_of.unboxed(taken, CLAIM, CLAIM)
        counted = rows.agg(
            f.count(f.lit(1)).alias("all"), f.sum(f"`{BY_ROWS}`").alias("by_rows"), f.collect_list(f"`{WHY}`").alias("why")
        ).first()  # fmt: skip
        rows = rows.drop(BY_ROWS, WHY)
        self._names(rows)
        strikes = Strikes(
            self.spark, self.told, self.frames, self.prepared, self.ranker, rows, claims, partial(self._in_parts, count=counted["all"])
        )  # fmt: skip
        strikes.come_to_rest()
        options = listed.in_cents(self.ranker.options)
        after = strikes.after()
        placed, stats = self._in_parts(after.where(self._in_list(strikes)), counted["all"])
        before, total, end = walked(options, self.ranker.options, policy, stats, lambda part: part_of(placed, part))
        lists = Lists(strikes.by_id, strikes.disputed, before, total, self.ranker.options)
        rest, more = self._rest(after.where(~self._in_list(strikes)), total)
        lists_of_rest = Lists(strikes.by_id, strikes.disputed, more, total, self.ranker.options)
        columns = frames_of.ddl(parts_of.list_schema(policy, lists))
        whole = frames_of.boxed(placed).mapInArrow(partial(parts_of.list_part, self.told, lists), columns)
        whole = whole.unionByName(frames_of.boxed(rest).mapInArrow(partial(parts_of.list_rest, self.told, lists_of_rest), columns))
        whole = self._keep(whole)
        return Ranked(whole, self._summary(whole, strikes, end, total, counted), self.kept)

    def _keep(self, frame: Any) -> Any:
        from pyspark import StorageLevel

        self.kept.append(frame.persist(StorageLevel.DISK_ONLY))
        return self.kept[-1]

    def _names(self, rows: Any) -> None:
        """Every application has a name of its own."""
        from pyspark.sql import functions as f

        named = rows.where(f.col("`rank.standing`").isNotNull())
        found = []
        if named.where(f.col("application").isNull() | (f.col("application") == "")).limit(1).count():
            found.append(Diagnostic("application-without-id", args={"digest": ""}))
        twice = named.groupBy("application").count().where("count > 1").orderBy("application").limit(NAMED).collect()
        found += [Diagnostic("application-twice", args={"id": row["application"]}) for row in twice]
        if found:
            raise PolicyError(found)

    # The list, in parts.

    def _in_list(self, strikes: Strikes) -> Any:
        from pyspark.sql import functions as f

        candidate = f.coalesce(f.col("`rank.standing`") == "candidate", f.lit(False))
        return candidate & ~f.col("application").isin(sorted(strikes.disputed)) if strikes.disputed else candidate

    def _in_parts(self, candidates: Any, count: int) -> tuple[Any, dict[int, dict[str, Any]]]:
        """The list cut by its keys, and of each part how many there are, what they ask of each pot in all, and the least."""
        from pyspark.sql import functions as f

        keys = [(f"`{name}`", down) for names, down in key_names(self.told.policy.core, "key") for name in names]
        sorting = [f.col(name).desc_nulls_last() if down else f.col(name).asc_nulls_last() for name, down in keys]
        placed = self._cut(candidates, sorting, count)
        pots = [f.col(f"`{name}`").cast("decimal(38,2)") for name in pots_of(self.told.policy.core)]
        sums = [f.sum(p).alias(f"sum{i}") for i, p in enumerate(pots)] + [f.min(p).alias(f"min{i}") for i, p in enumerate(pots)]
        stats = placed.groupBy(f"`{PART}`").agg(f.count(f.lit(1)).alias("rows"), *sums).collect()
        return placed, {row[PART]: row.asDict() for row in sorted(stats, key=lambda r: r[PART])}

    def _rest(self, rest: Any, begin: int) -> tuple[Any, dict[int, Before]]:
        """Those that are not in the list, cut as they are listed."""
        from pyspark.sql import functions as f

        place = f.col("`rank.standing`")
        place = f.when(place == "suspended", 1).when(place == "not_admitted", 2).when(place.isNull(), 3).otherwise(0)
        cut = self._cut(rest, [place.asc(), f.col("application").asc_nulls_last()], None)
        before = {}
        for row in sorted(cut.groupBy(f"`{PART}`").count().collect(), key=lambda r: r[PART]):
            before[row[PART]] = Before(begin, 0, ())
            begin += row["count"]
        return cut, before

    def _cut(self, frame: Any, sorting: list[Any], count: int | None) -> Any:
        """A frame in parts, one after another by what is sorted by; what that does not tell apart is in one."""
        from pyspark.sql import functions as f

        count = frame.count() if count is None else count
        parts = max(1, min(-(-count // IN_A_PART), 10_000))
        cut = frame.repartitionByRange(parts, *sorting) if sorting and parts > 1 else frame.coalesce(1)
        return self._keep(cut.withColumn(PART, f.spark_partition_id()))

    # What it comes to.

    def _summary(self, whole: Any, strikes: Strikes, end: _End, total: int, counted: Any) -> Summary:
        from fractions import Fraction

        from pyspark.sql import functions as f

        statuses = [f.sum(f.when(f.col("status") == s, 1).otherwise(0)).alias(s) for s in listed.STATUSES]
        ties = f.sum(f.when(f.col("tied") & (f.col(f"`{WITHIN}`") == 0), 1).otherwise(0)).alias("ties")
        seen = whole.agg(*statuses, ties, f.count("error").alias("bad")).first()
        errors: dict[str, int] = {}
        if seen["bad"]:
            codes = whole.where("error is not null").groupBy(f.substring_index("error", " ", 1).alias("code")).count().collect()
            errors = {row["code"]: row["count"] for row in sorted(codes)}
        tied: dict[int, list[str]] = {}
        if seen["ties"]:
            some = whole.where(f.col("tied") & (f.col(f"`{WITHIN}`") < NAMED)).orderBy(f"`{ROW}`").limit(NAMED * NAMED)
            for row in some.select("position", "application").collect():
                tied.setdefault(row["position"], []).append(row["application"])
        options, again = self.ranker.options, strikes.again
        left = [Fraction(c, 100) for c in end.left]
        counts = {s: seen[s] for s in listed.STATUSES if seen[s]}
        return Summary(
            applications=counted["all"],
            ranked=total,
            statuses=counts,
            awarded=Fraction(end.given, 100),
            budget=None if options.budget is None else sum(options.budget, Fraction(0)),
            left=None if options.budget is None else sum(left, Fraction(0)),
            pots=tuple(zip(options.pots, options.budget or (), left, strict=False)),
            strikes=sum(map(len, strikes.by_id.values())),
            struck=len(strikes.by_id),
            fell=sum(e.standing != "candidate" for e in strikes.procedure.entrants.values()) if strikes.procedure is not None else 0,
            ties=seen["ties"] or 0,
            tied=tuple(tuple(names) for names in list(tied.values())[:NAMED]),
            stopped=end.stopped,
            closed=end.closed,
            disputed=len(strikes.disputed),
            settled=strikes.settled,
            provisional=not strikes.settled or bool(counts.get("undetermined") or counts.get("suspended")) or bool(errors),
            by_columns=counted["all"] - (counted["by_rows"] or 0),
            by_rows=counted["by_rows"] or 0,
            again_by_columns=again.by_columns if again is not None else 0,
            again_by_rows=again.by_rows if again is not None else 0,
            why=worker.reasons_of(counted["why"]),
            errors=errors,
        )


# The money down the parts.


@dataclass(frozen=True)
class _End:
    """Where the money ended, in cents; at which application the list was closed, or at which tie the award stopped."""

    given: int
    left: tuple[int, ...]
    closed: str = ""
    stopped: tuple[str, ...] = ()


def walked(
    in_cents: Options, options: Options, policy: Any, stats: Mapping[int, Mapping[str, Any]], part_of: Callable[[int], pa.Table]
) -> tuple[dict[int, Before], int, _End]:
    """What stands before each part, how many are in the list, and where the money ended.

    A part that fits in all, or in which nothing fits, need not be looked at; any other is brought here, and its shares are worked out.
    """
    left = tuple(int(b) for b in in_cents.budget or ())
    count = given = 0
    ended = closed = ""
    stopped: tuple[str, ...] = ()
    before: dict[int, Before] = {}
    for number, row in stats.items():
        before[number] = Before(count, given, left, ended)
        pots = range(sum(name.startswith("sum") for name in row))
        if any(row[f"sum{i}"] is None for i in pots):
            raise BadTables("rank-number-too-long", number="…")
        sums, least = ([int(row[f"{what}{i}"].scaleb(2)) for i in pots] for what in ("sum", "min"))
        count += row["rows"]
        if options.budget is None:
            given += sum(sums)
        elif ended:
            continue
        elif min(least) >= 0 and all(s <= have for s, have in zip(sums, left, strict=True)):
            given, left = given + sum(sums), tuple(have - s for s, have in zip(sums, left, strict=True))
        elif options.when_short == "next_that_fits" and any(low > have for low, have in zip(least, left, strict=True)):
            continue
        else:
            ranked_, begins, asked = parts_of.ordered(policy, part_of(number))
            shares = parts_of.shares_of(options, asked, begins, before[number])
            got = [int(sum(int(v) for v in pot)) for pot in shares.pots]
            given, left = given + sum(got), tuple(have - g for have, g in zip(left, got, strict=True))
            names = one(ranked_["application"])
            if shares.stopped is not None:
                ended, stopped = "stopped", tuple(names.slice(shares.stopped[0], shares.stopped[1] - shares.stopped[0]).to_pylist())
            elif shares.closed is not None:
                ended, closed = "closed", names[shares.closed].as_py()
    return before, count, _End(given, left, closed, stopped)
