"""Applications decided again after strikes, many at a time: the procedure is run on a guess of what they come to, and run again.

What the procedure asks and nobody has decided yet is guessed, noted, and then decided by columns together with all else that was noted.
It begins anew until it asks nothing new: then every answer that it went by was a decision, and its outcome is the one it has one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from bandolo.batch.helpers import Array
from bandolo.batch.keys import cents, keys_of
from bandolo.batch.run import Prepared
from bandolo.batch.standing import Standings, of_tables
from bandolo.batch.tables import Tables, one
from bandolo.check import core
from bandolo.ranking.entrant import Claim, Entrant
from bandolo.ranking.rank import Ranker

AT_A_TIME = 20_000
DIRECT = 40
"""So few are decided one by one, as they are asked."""


def subset(policy: core.Policy, tables: Tables, which: Array) -> Tables:
    """The tables of some applications."""
    root = tables.tables[policy.root]
    nested = {e.listed_in for e in policy.entities.values()}
    kept = [c for c in root.column_names if c not in nested]
    made = Tables({policy.root: root.select(kept).take(pa.array(which))}, {}, list(tables.absent), {})
    rows = {policy.root: which}
    for name in policy.root_names():
        owner = policy.entities[name].owner
        if owner is None or name not in tables.tables or owner not in rows:
            continue
        offsets, own = tables.offsets[name], rows[owner]
        counts = offsets[own + 1] - offsets[own]
        made.offsets[name] = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
        rows[name] = np.repeat(offsets[own] - made.offsets[name][:-1], counts) + np.arange(int(counts.sum()))
        table = tables.tables[name]
        made.tables[name] = table.select([c for c in table.column_names if c not in nested]).take(pa.array(rows[name]))
    made.left = {key: flags[rows[key[0]]] for key, flags in tables.left.items() if key[0] in rows}
    return made


def entrants_of(policy: core.Policy, found: Standings) -> list[Entrant]:
    """Applications as the procedure takes them: keys as whole numbers that compare as they do, amounts in cents."""
    table = found.table
    ids, words = one(table["application"]).to_pylist(), one(table["rank.standing"]).cast(pa.string()).to_pylist()
    order, keep = keys_of(policy, "key", table), keys_of(policy, "keep", table)
    assert policy.ranking is not None
    names = [f"rank.pot.{name}" for name, _, _ in policy.ranking.pots] or ["rank.award"]
    pots = list(zip(*(cents(one(table[name])).tolist() for name in names), strict=True))
    award = cents(one(table["rank.award"])).tolist()
    claims: list[list[Claim]] = [[] for _ in ids]
    columns = (found.claims[name].to_pylist() for name in ("row", "key", "record", "name"))
    for row, key, record, name in zip(*columns, strict=True):
        claims[row].append(Claim(key, record, name))
    made = []
    for i, id_ in enumerate(ids):
        if words[i] == "candidate":
            made.append(Entrant(id_, "", "candidate", (), (), order[i], keep[i], tuple(sorted(claims[i])), award[i], pots[i]))
        else:
            made.append(Entrant(id_ or "", "", words[i] or "undetermined", (), ()))
    return made


@dataclass
class Again:
    """Decides some applications again: `tables` and `first` are those that may be asked for, `places` their places there by id."""

    prepared: Prepared
    ranker: Ranker
    tables: Tables
    first: Standings
    before: list[Entrant]
    places: Mapping[str, int]
    decided: dict[tuple[str, frozenset[str]], tuple[Entrant, dict[str, Any]]] = field(default_factory=dict)
    by_columns: int = 0
    by_rows: int = 0

    def rest(self, run: Callable[[Callable[[str, frozenset[str]], Entrant]], Any]) -> Any:
        """The outcome of a procedure that asks for decisions, once all are there."""
        while True:
            missing: dict[tuple[str, frozenset[str]], None] = {}
            few = DIRECT if self.decided else 0

            def redecide(id_: str, struck: frozenset[str], missing: dict[tuple[str, frozenset[str]], None] = missing) -> Entrant:
                nonlocal few
                asked = (id_, struck)
                if asked not in self.decided and few and not missing:
                    few -= 1
                    self._decide([asked])
                if asked in self.decided:
                    return self.decided[asked][0]
                missing[asked] = None
                before = self.before[self.places[id_]]
                return replace(before, claims=tuple(c for c in before.claims if c.record not in struck))

            outcome = run(redecide)
            if not missing:
                return outcome
            self._decide(list(missing))

    def _decide(self, asked: Sequence[tuple[str, frozenset[str]]]) -> None:
        policy = self.prepared.policy.core
        for begin in range(0, len(asked), AT_A_TIME):
            some = asked[begin : begin + AT_A_TIME]
            rows = np.array([self.places[id_] for id_, _ in some], np.int64)
            found = of_tables(self.prepared, subset(policy, self.tables, rows), self.ranker, [struck for _, struck in some])
            self.by_columns += found.by_columns
            self.by_rows += found.by_rows
            table = found.table
            if self.ranker.options.recheck != ("all",):
                table = _in_its_place(table, self.first.table.take(pa.array(rows)))
                found = replace(found, table=table)
            for one_, entrant, row in zip(some, entrants_of(policy, found), table.to_pylist(), strict=True):
                self.decided[one_] = entrant, row


def _in_its_place(after: pa.Table, before: pa.Table) -> pa.Table:
    """What is not looked at again keeps its place in the order too."""
    import pyarrow.compute as pc

    candidate = pc.fill_null(pc.equal(after["rank.standing"].cast(pa.string()), "candidate"), False)
    for i, name in enumerate(after.column_names):
        if name.startswith(("rank.key.", "rank.keep.")):
            after = after.set_column(i, name, pc.if_else(candidate, before[name], after[name]))
    return after
