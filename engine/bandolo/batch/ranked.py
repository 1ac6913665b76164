"""The ranking of a whole table: as `ranking/` makes it, in bounded memory.

Most applications only take their place and their money: a sort, and a running sum over columns. The procedure (`ranking/procedure.py`) is
run among those that claim a record which another claims too, the spending (`ranking/spending.py`) from the first that does not fit.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bandolo.batch import listed
from bandolo.batch.again import Again, entrants_of, subset
from bandolo.batch.helpers import Array
from bandolo.batch.keys import cents, digests, in_order, key_names, keys_of
from bandolo.batch.ranking_columns import schema
from bandolo.batch.run import Prepared
from bandolo.batch.standing import Standings, of_tables, ranker_for
from bandolo.batch.tables import Streamed, Tables, as_tables, one, together
from bandolo.check import core
from bandolo.diagnostics import Diagnostic, PolicyError
from bandolo.policy import AsOf, Policy
from bandolo.ranking.entrant import Entrant, Strike
from bandolo.ranking.money import Money, Place
from bandolo.ranking.options import Options
from bandolo.ranking.order import sort_key
from bandolo.ranking.procedure import Procedure
from bandolo.ranking.rank import Ranker

STRETCH = 20_000
"""So many applications of the list at a time become objects, where who has money is asked again and again."""
NAMED = 20
"""So many applications are named in a summary."""

Contested = Callable[[Array], tuple[Tables, Standings]]
"""The tables of some applications, by their rows, and what the ranking takes of them, claims with names."""


@dataclass(frozen=True)
class Ranked:
    """A ranking as a table, and what it comes to.

    `table` has the ranked in order, then those that are not by id, then what is bad data: `position` (shared by a tie), `application`,
    `status`, `tied`, the keys, `requested`, `amount`, `pot.NAME`, `cumulative` and `left` (of all pots, after it), `struck` (the records
    struck, each with who keeps it), `reasons` by code, `disputed_with`, `failed`, `missing`, `error`. Amounts are exact.
    """

    table: pa.Table
    summary: Summary


@dataclass(frozen=True)
class Summary:
    """What a ranking comes to. Amounts are in the policy's currency; ties and disputes name the first few."""

    applications: int
    ranked: int
    statuses: Mapping[str, int]
    awarded: Fraction
    budget: Fraction | None
    left: Fraction | None
    pots: tuple[tuple[str, Fraction, Fraction], ...]
    """Each with its amount and what is left."""
    strikes: int
    struck: int
    """The applications that lost a record."""
    fell: int
    """Those of them that are no longer ranked."""
    ties: int
    tied: tuple[tuple[str, ...], ...]
    stopped: tuple[str, ...]
    """The tie at which the award stopped."""
    closed: str
    """The application at which the list was closed."""
    disputed: int
    settled: bool
    provisional: bool
    by_columns: int
    by_rows: int
    again_by_columns: int = 0
    again_by_rows: int = 0
    why: Mapping[str, int] = field(default_factory=dict)
    """How many applications went one by one for what."""
    errors: Mapping[str, int] = field(default_factory=dict)


def rank(
    policy: Policy,
    tables: Mapping[str, Streamed] | Streamed,
    *,
    standings: Standings | None = None,
    as_of: AsOf = None,
    set: Mapping[str, Any] | None = None,
    readings: Mapping[str, str] | None = None,
    assume: bool | Sequence[str] = False,
) -> Ranked:
    """The ranking of many applications, the same as `ranking.rank` makes of them.

    `tables` are as for `batch.run`, what-ifs as for `decide`. `standings` may hand in what `standing.standings` made of the same tables
    under the same what-ifs. Raises BadTables, and PolicyError as `ranking.rank` does.
    """
    what_if = {"as_of": as_of, "set": set, "readings": readings, "assume": assume}
    prepared = prepared_for(policy, what_if, threads=min(os.cpu_count() or 1, 8))
    ranker = ranker_for(prepared)
    joined = together(policy.core, as_tables(policy.core, tables))
    found = standings if standings is not None else of_tables(prepared, joined, ranker, named=False)

    def contested(rows: Array) -> tuple[Tables, Standings]:
        some = subset(policy.core, joined, rows)
        return some, of_tables(prepared, some, ranker)

    claimed = np.asarray(found.claims["row"]), digests(one(found.claims["key"]))
    return ranking(prepared, ranker, replace(found, claims=found.claims.slice(0, 0)), claimed, contested)


def prepared_for(policy: Policy, what_if: dict[str, Any], spelt: frozenset[str] = frozenset(), threads: int = 1) -> Prepared:
    """A policy ready to give what its ranking takes. Raises PolicyError where something that the ranking needs is open."""
    recheck = Ranker(policy, **{k: v for k, v in what_if.items() if v is not None}).options.recheck
    kept = frozenset() if recheck == ("all",) else frozenset(policy.core.requirements) - {*recheck}
    return Prepared(policy, what_if, spelt=spelt, threads=threads, ranking=True, kept=kept)


def ranking(prepared: Prepared, ranker: Ranker, found: Standings, claimed: tuple[Array, Array], contested: Contested) -> Ranked:
    """The ranking of what has been taken of all applications.

    `claimed` are the rows and the digests of the keys of all claims; `contested` gives what is needed of the applications that share one.
    """
    return Ranking(prepared, ranker, found, claimed, contested).made()


@dataclass
class Ranking:
    """One ranking while it is made; `money` and `brought_up` are replaced where the list is not at hand (`spark/strikes.py`)."""

    prepared: Prepared
    ranker: Ranker
    found: Standings
    claimed: tuple[Array, Array]
    contested: Contested
    again: Again | None = None
    procedure: Procedure | None = None
    settled: bool = True

    def made(self) -> Ranked:
        """The ranking, once the strikes have come to rest."""
        self._names()
        rows = self._sharing()
        if len(rows):
            self.strike(rows)
        return self._told(*self._after())

    def _names(self) -> None:
        """Every application has a name of its own."""
        names = one(self.found.table["application"]).filter(pc.is_valid(self.found.table["rank.standing"].combine_chunks()))
        found = []
        if names.null_count or pc.any(pc.equal(names, "")).as_py():
            found.append(Diagnostic("application-without-id", args={"digest": ""}))
        if pc.count_distinct(names).as_py() < len(names):
            counted = pc.value_counts(names)
            twice = counted.filter(pc.greater(counted.field("counts"), 1)).field("values").slice(0, NAMED).to_pylist()
            found += [Diagnostic("application-twice", args={"id": name}) for name in twice]
        if found:
            raise PolicyError(found)

    # Strikes.

    def _sharing(self) -> Array:
        """The applications that may share a record with another."""
        rows, keys = self.claimed
        order = np.argsort(keys, kind="stable")
        alike = np.flatnonzero(keys[order][1:] == keys[order][:-1])
        shared = np.zeros(self.found.table.num_rows, bool)
        shared[rows[order[alike]]] = True
        shared[rows[order[alike + 1]]] = True
        return np.flatnonzero(shared)

    def strike(self, rows: Array) -> None:
        """Run the procedure among the applications that share a record; more of them where a strike brings a new claim up."""
        policy = self.prepared.policy.core
        plan = policy.ranking
        assert plan is not None
        options = listed.in_cents(self.ranker.options)
        directions = tuple(down for _, down in plan.order_by), tuple(down for _, down in plan.keep)
        while True:
            tables, first = self.contested(rows)
            entrants = entrants_of(policy, first)
            places = {e.id: i for i, e in enumerate(entrants)}
            holders = Counter(key for e in entrants for key in {c.key for c in e.claims})
            shared = {key for key, count in holders.items() if count > 1}
            self.again = again = Again(self.prepared, self.ranker, tables, first, entrants, places)
            slim = {e.id: replace(e, claims=tuple(c for c in e.claims if c.key in shared)) for e in entrants}
            playing = {id_: e for id_, e in slim.items() if e.claims}

            def run(redecide: Callable[[str, frozenset[str]], Entrant], playing: dict[str, Entrant] = playing) -> Procedure:
                procedure = Procedure(dict(playing), *directions, options, redecide, self.money(options))
                self.settled = procedure.strike()
                return procedure

            self.procedure = again.rest(run)
            new = self.brought_up(again, entrants)
            more = np.setdiff1d(np.unique(self.claimed[0][np.isin(self.claimed[1], new)]), rows)
            if not len(more):
                return
            rows = np.union1d(rows, more)

    def brought_up(self, again: Again, entrants: list[Entrant]) -> Array:
        """The keys that an application claims only since a strike, which others may claim as well."""
        new = set()
        for (id_, _), (entrant, _) in again.decided.items():
            new |= {c.key for c in entrant.claims} - {c.key for c in entrants[again.places[id_]].claims}
        return digests(pa.array(sorted(new), pa.string()))

    def money(self, options: Options) -> Callable[[frozenset[str]], Money]:
        """Who has money, of the whole list: what is far down becomes objects only when the money reaches it."""

        def money(disputed: frozenset[str]) -> Money:
            policy = self.prepared.policy.core
            table = self._candidates(disputed)
            order, begins = in_order(policy, table)
            starts = [*np.flatnonzero(begins).tolist(), len(order)]
            down = [d for _, d in key_names(policy, "key")]
            at = 0

            def more() -> list[Place]:
                nonlocal at
                if at >= len(order):
                    return []
                end = starts[min(bisect_left(starts, at + STRETCH), len(starts) - 1)]
                some = table.take(pa.array(order[at:end]))
                at = end
                ids, keys = one(some["application"]).to_pylist(), keys_of(policy, "key", some)
                return [Place(sort_key(k, down), i, p) for i, k, p in zip(ids, keys, _pots(policy, some), strict=True)]

            return Money(options, [], more)

        return money

    def _candidates(self, disputed: frozenset[str]) -> pa.Table:
        """What is in the list before any strike."""
        table = self.found.table
        kept = pc.fill_null(pc.equal(table["rank.standing"].cast(pa.string()), "candidate"), False)
        if disputed:
            kept = pc.and_(kept, pc.invert(pc.is_in(table["application"], value_set=pa.array(sorted(disputed)))))
        names = [n for n in table.column_names if n == "application" or n.startswith(("rank.key.", "rank.pot.", "rank.award"))]
        return table.select(names).filter(kept).combine_chunks()

    # After the strikes.

    def _after(self) -> tuple[pa.Table, Array, Mapping[str, list[Strike]]]:
        """What the ranking takes of all applications, and the row of each, with those that were decided again at the end."""
        table = self.found.table
        rows = np.arange(table.num_rows)
        if self.procedure is None or not self.procedure.strikes:
            return table, rows, {}
        assert self.again is not None
        by_id: dict[str, list[Strike]] = {}
        for strike in sorted(self.procedure.strikes.values(), key=lambda s: (s.application, s.record)):
            by_id.setdefault(strike.application, []).append(strike)
        struck = {id_: frozenset(s.record for s in strikes) for id_, strikes in by_id.items()}
        which = np.asarray(pc.index_in(pa.array(list(by_id), pa.string()), value_set=one(table["application"])))
        rows[which] = table.num_rows + np.arange(len(which))
        changed = pa.Table.from_pylist([self.again.decided[id_, struck[id_]][1] for id_ in by_id], schema=schema(self.prepared.policy.core))
        return pa.concat_tables([table, changed]).unify_dictionaries(), rows, by_id

    def _told(self, table: pa.Table, rows: Array, strikes: Mapping[str, list[Strike]]) -> Ranked:
        disputed = self.procedure.disputed if self.procedure is not None else {}
        found = listed.told(self.prepared.policy.core, self.ranker.options, table, strikes, disputed, rows)
        table, summary = found.table, found.counted
        open_ = summary["statuses"].get("undetermined", 0) + summary["statuses"].get("suspended", 0)
        again = self.again
        return Ranked(
            table,
            Summary(
                **summary,
                strikes=sum(map(len, strikes.values())),
                struck=len(strikes),
                fell=sum(e.standing != "candidate" for e in self.procedure.entrants.values()) if self.procedure is not None else 0,
                disputed=len(disputed),
                settled=self.settled,
                provisional=not self.settled or bool(open_) or bool(self.found.errors),
                by_columns=self.found.by_columns,
                by_rows=self.found.by_rows,
                again_by_columns=again.by_columns if again is not None else 0,
                again_by_rows=again.by_rows if again is not None else 0,
                why=self.found.why,
                errors=self.found.errors,
            ),
        )


def _pots(policy: core.Policy, table: pa.Table) -> list[tuple[Any, ...]]:
    """What each application asks for of each pot, in cents."""
    assert policy.ranking is not None
    names = [f"rank.pot.{name}" for name, _, _ in policy.ranking.pots] or ["rank.award"]
    return list(zip(*(cents(one(table[name])).tolist() for name in names), strict=True))
