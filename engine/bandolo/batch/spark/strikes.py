"""The strikes of a ranking inside Spark: who shares a record is found there, the chains among those few are followed here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from bandolo.batch import ranked
from bandolo.batch.helpers import Array
from bandolo.batch.keys import cents, digests, key_names, keys_of
from bandolo.batch.ranking_columns import schema
from bandolo.batch.run import Prepared
from bandolo.batch.spark import frames as frames_of
from bandolo.batch.spark import parts as parts_of
from bandolo.batch.spark import worker
from bandolo.batch.spark.parts import part_of, pots_of
from bandolo.batch.spark.problems import NotRun
from bandolo.batch.spark.worker import ROW, Told, plain
from bandolo.batch.standing import Standings, of_tables
from bandolo.batch.tables import Tables, one, together
from bandolo.ranking.entrant import Strike
from bandolo.ranking.money import Money, Place
from bandolo.ranking.options import Options
from bandolo.ranking.order import sort_key
from bandolo.ranking.rank import Ranker

SHARING = 1_000_000
"""So many applications that share a record may be brought to one process; with more the chains are not followed, and that is said."""


class Strikes(ranked.Ranking):
    """The strikes among the applications that share a record: found by Spark, brought here, followed as on one machine."""

    def __init__(
        self, spark: Any, told: Told, frames: Mapping[str, Any], prepared: Prepared, ranker: Ranker, rows: Any, claims: Any,
        in_parts: Callable[[Any], tuple[Any, Mapping[int, Any]]],
    ) -> None:  # fmt: skip
        """`rows` has what the ranking takes of all applications, `claims` their claims; `in_parts` cuts a list by its keys."""
        nothing = Standings(schema(told.policy.core).empty_table(), pa.table({}), 0, 0)
        super().__init__(prepared, ranker, nothing, (np.zeros(0, np.int64), np.zeros(0, np.uint64)), self.brought)
        self.spark, self.told, self.frames = spark, told, frames
        self.rows, self.claims, self.in_parts = rows, claims, in_parts
        self.names: list[str] = []
        """The applications that are brought here, by their number."""
        self.by_id: dict[str, list[Strike]] = {}
        self.disputed: Mapping[str, Sequence[str]] = {}

    def come_to_rest(self) -> None:
        """Strike until it comes to rest."""
        shared = self.claims.distinct().groupBy("key").count().where("count > 1").select("key")
        sharing = self.claims.join(shared, "key").select("application").distinct()
        self._add([row["application"] for row in sharing.limit(SHARING + 1).collect()])
        if self.names:
            self.strike(np.arange(len(self.names)))
            assert self.procedure is not None
            self.disputed = self.procedure.disputed
            for strike in sorted(self.procedure.strikes.values(), key=lambda s: (s.application, s.record)):
                self.by_id.setdefault(strike.application, []).append(strike)

    def _add(self, names: list[str]) -> Array:
        begin = len(self.names)
        self.names += sorted(names)
        if len(self.names) > SHARING:
            raise NotRun("spark-too-many-shared", limit=SHARING)
        return np.arange(begin, len(self.names))

    def brought(self, rows: Array) -> tuple[Tables, Standings]:
        """Some applications with their records, and what the ranking takes of them."""
        told, spark, frames = self.told, self.spark, self.frames
        policy = told.policy.core
        names = spark.createDataFrame(pa.table({"bandolo name": pa.array([self.names[i] for i in rows], pa.string())}))
        some = {e: frames_of.of_owners(policy, e, frame, names) for e, frame in frames.items()}
        if told.apart:
            left, right = frames_of.sides(told, some, 1)
            tables = worker.tables_of_group(told, left.toArrow(), right.toArrow())
        else:
            tables = {policy.root: some[policy.root].toArrow()}
        root = tables[policy.root]
        tables[policy.root] = root.drop_columns([ROW]) if ROW in root.column_names else root
        joined = together(policy, tables)
        return joined, of_tables(self.prepared, joined, self.ranker)

    def brought_up(self, again: Any, entrants: list[Any]) -> Array:
        """The keys that an application claims only since a strike; those that claim them too are found by Spark."""
        new: set[str] = set()
        for (id_, _), (entrant, _) in again.decided.items():
            new |= {c.key for c in entrant.claims} - {c.key for c in entrants[again.places[id_]].claims}
        if new:
            keys = self.spark.createDataFrame(pa.table({"key": pa.array(sorted(new), pa.string())}))
            known = {name: i for i, name in enumerate(self.names)}
            found = self.claims.join(keys, "key").select("application", "key").distinct().collect()
            self._add(sorted({row["application"] for row in found} - known.keys()))
            known = {name: i for i, name in enumerate(self.names)}
            rows = np.array([known[row["application"]] for row in found], np.int64)
            self.claimed = rows, digests(pa.array([row["key"] for row in found], pa.string()))
        return digests(pa.array(sorted(new), pa.string()))

    def money(self, options: Options) -> Callable[[frozenset[str]], Money]:
        """Who has money, of the whole list, which comes part by part as far as the money reaches."""
        policy = self.prepared.policy.core

        def money(disputed: frozenset[str]) -> Money:
            from pyspark.sql import functions as f

            candidates = self.rows.where(f.col("`rank.standing`") == "candidate")
            placed, stats = self.in_parts(candidates)
            parts = iter(stats)
            down = [d for _, d in key_names(policy, "key")]

            def more() -> list[Place]:
                for number in parts:
                    some, _, _ = parts_of.ordered(policy, part_of(placed, number))
                    ids, keys = one(some["application"]).to_pylist(), keys_of(policy, "key", some)
                    pots = zip(*(cents(one(some[name])).tolist() for name in pots_of(policy)), strict=True)
                    found = [Place(sort_key(k, down), i, p) for i, k, p in zip(ids, keys, pots, strict=True) if i not in disputed]
                    if found:
                        return found
                return []

            return Money(options, [], more)

        return money

    def after(self) -> Any:
        """What the ranking takes of all applications, as they stand after the strikes."""
        from pyspark.sql import functions as f

        if not self.by_id:
            return self.rows
        assert self.again is not None
        policy = self.prepared.policy.core
        struck = {id_: frozenset(s.record for s in found) for id_, found in self.by_id.items()}
        changed = [self.again.decided[id_, struck[id_]][1] for id_ in self.by_id]
        table = plain(pa.Table.from_pylist(changed, schema=schema(policy)))
        now = self.spark.createDataFrame(table)
        gone = f.broadcast(now.select("application"))
        return self.rows.join(gone, "application", "left_anti").unionByName(now)
