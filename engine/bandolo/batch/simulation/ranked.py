"""What the ranking gives under a variant: who is financed, what is spent, and where the list is cut off.

The columns are read once for all variants; what the ranking takes of applications is computed once for those that decide alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bandolo.batch.again import subset
from bandolo.batch.helpers import Array
from bandolo.batch.intake import Columns, columns_of, keys_spoken_of
from bandolo.batch.keys import digests
from bandolo.batch.ranked import Ranked as Large
from bandolo.batch.ranked import ranking
from bandolo.batch.ranking_columns import is_number, key_columns
from bandolo.batch.run import Prepared
from bandolo.batch.standing import Standings, of_tables, ranker_for
from bandolo.batch.tables import Tables, one, together
from bandolo.check import core
from bandolo.diagnostics import ApplicationError, Diagnostic, PolicyError
from bandolo.evaluate.settle import Settled
from bandolo.language.types import Type
from bandolo.policy import Policy
from bandolo.ranking.entrant import KeyValue, Ranking
from bandolo.ranking.rank import Ranker
from bandolo.ranking.words import Speaker
from bandolo.testing.constants import expressions

FINANCED = ("financed", "partly_financed")
STATUSES = ("financed", "partly_financed", "admitted_not_financed", "undetermined", "suspended", "not_admitted")


@dataclass(frozen=True)
class Ranked:
    """A ranking in short. `spent` and `left` are None where no budget is given; `last` is the last application that gets money.

    `provisional` says that something may still move it: an application that is not decided, or a tie that nothing breaks.
    """

    statuses: Mapping[str, int] = field(default_factory=dict)
    spent: Fraction = Fraction(0)
    budget: Fraction | None = None
    left: Fraction | None = None
    last_position: int | None = None
    last_keys: tuple[KeyValue, ...] = ()
    key_types: tuple[Type, ...] = ()
    keys: tuple[Mapping[str, Any], ...] = ()
    """What applications are ordered by, with labels."""
    provisional: bool = False
    struck: int = 0
    """Records that another application keeps."""
    refused: tuple[Diagnostic, ...] = ()
    """Why there is no ranking under this variant."""

    @property
    def financed(self) -> int:
        return sum(self.statuses.get(s, 0) for s in FINANCED)


def ranked(policy: Policy, applications: Sequence[Mapping[str, Any]], what_if: Mapping[str, Any]) -> Ranked:
    """The ranking of applications under a what-if; those whose data is bad are left out of it, as they are counted elsewhere."""
    try:
        ranker = Ranker(policy, **what_if)
        entrants, data = [], {}
        for application in applications:
            try:
                entrant = ranker.assess(application)
            except ApplicationError:
                continue
            entrants.append(entrant)
            data[entrant.id] = application
        return in_short(ranker.rank(entrants, data.__getitem__))
    except PolicyError as error:
        return Ranked(refused=error.diagnostics)


def in_short(ranking: Ranking) -> Ranked:
    """What a simulation tells of a ranking."""
    paid = [row for row in ranking.rows if row.status in FINANCED]
    last = max(paid, key=lambda row: row.position or 0, default=None)
    return Ranked(
        dict(Counter(row.status for row in ranking.rows)), sum((row.amount or Fraction(0) for row in paid), Fraction(0)),
        ranking.budget, ranking.left, None if last is None else last.position, () if last is None else last.order,
        ranking.key_types, ranking.order_by, ranking.provisional, sum(len(row.strikes) for row in ranking.rows),
    )  # fmt: skip


# Many at a time.


@dataclass
class _Ready(Prepared):
    """A variant ready to give what its ranking takes, of columns that were read before."""

    joined: Tables | None = None
    read: Columns | None = None

    def columns(self, tables: Tables) -> Columns:
        return self.read if tables is self.joined and self.read is not None else super().columns(tables)


@dataclass
class LargeRankings:
    """The rankings of one population under several variants of a policy."""

    policy: Policy
    spelt: frozenset[str] = frozenset()
    threads: int = 1
    parts: list[Mapping[str, pa.Table]] = field(default_factory=list)
    joined: Tables | None = None
    read: Columns | None = None
    taken: dict[object, tuple[Standings, tuple[Array, Array]]] = field(default_factory=dict)

    def of(self, settled: Settled, what_if: Mapping[str, Any]) -> Ranked:
        """The ranking under a what-if, whose settings are given."""
        policy = self.policy.core
        if self.joined is None:
            tables = {e: pa.concat_tables([p[e] for p in self.parts]).unify_dictionaries() for e in self.parts[0]}
            self.parts = []
            self.joined = together(policy, tables)
            self.read = columns_of(policy, self.joined, self.spelt, keys_spoken_of(policy))
        joined = self.joined
        try:
            recheck = Ranker(self.policy, **what_if).options.recheck
            kept = frozenset() if recheck == ("all",) else frozenset(policy.requirements) - {*recheck}
            prepared = _Ready(
                self.policy, dict(what_if), spelt=self.spelt, threads=self.threads, ranking=True, kept=kept, joined=joined, read=self.read
            )
            ranker = ranker_for(prepared)
            key = (decided_by(policy, settled), kept)
            if key not in self.taken:
                found = of_tables(prepared, joined, ranker, named=False)
                claimed = np.asarray(found.claims["row"]), digests(one(found.claims["key"]))
                # Variants follow one another: what the one before took is seldom asked for again, and large.
                self.taken = {key: (replace(found, claims=found.claims.slice(0, 0)), claimed)}
            found, claimed = self.taken[key]

            def contested(rows: Array) -> tuple[Tables, Standings]:
                some = subset(policy, joined, rows)
                return some, of_tables(prepared, some, ranker)

            return _in_short(policy, ranking(prepared, ranker, found, claimed, contested))
        except PolicyError as error:
            return Ranked(refused=error.diagnostics)


def decided_by(policy: core.Policy, settled: Settled) -> tuple[object, ...]:
    """The settings that what the ranking takes of an application rests on: two that agree in them decide alike."""
    parameters, readings = _spoken(policy)
    settings = settled.settings
    return (
        tuple((n, settings.parameters[n], settings.versions.get(n) or ()) for n in sorted(parameters)),
        tuple((n, settings.options[n]) for n in sorted(readings)),
        settings.money_rounding,
        tuple(settled.ranges.items()),
    )


def _spoken(policy: core.Policy) -> tuple[set[str], set[str]]:
    """The parameters and readings that decisions and the keys of the ranking speak of; not the money that is there to be spent."""
    plan = policy.ranking
    assert plan is not None
    money = [plan.budget, *(amount for _, amount, _ in plan.pots)]
    parameters: set[str] = set()
    readings = {r.effect_by for r in policy.requirements.values() if r.effect_by is not None}
    for expression in expressions(policy):
        if any(expression is amount for amount in money):
            continue
        for node in core.walk(expression):
            match node:
                case core.Parameter(name=name) | core.Dated(name=name):
                    parameters.add(name)
                case core.Option(reading=name):
                    readings.add(name)
    return parameters, readings


def _in_short(policy: core.Policy, large: Large) -> Ranked:
    plan = policy.ranking
    assert plan is not None
    told, table = large.summary, large.table
    paid = np.flatnonzero(np.asarray(pc.fill_null(pc.is_in(table["status"].cast(pa.string()), value_set=pa.array(FINANCED)), False)))
    types = tuple(e.type for e, _ in plan.order_by)
    last = table.slice(int(paid[-1]), 1) if len(paid) else None
    keys = () if last is None else tuple(_key_values(policy, types, last))
    order = tuple({"label": {"it": label.it, "en": label.en}, "descending": d}
                  for label, (_, d) in zip(Speaker(policy).labels, plan.order_by, strict=True))  # fmt: skip
    return Ranked(
        told.statuses, told.awarded, told.budget, told.left, None if last is None else last["position"][0].as_py(), keys, types, order,
        told.provisional, told.strikes,
    )  # fmt: skip


def _key_values(policy: core.Policy, types: Sequence[Type], row: pa.Table) -> Iterator[KeyValue]:
    """The keys of a row of a large ranking."""
    for i, type_ in enumerate(types, 1):
        first, *rest = (row[f"key.{i}{end}"][0].as_py() for end, _ in key_columns(policy, type_))
        match first:
            case Decimal() if is_number(type_):
                # Exact where it ends within eighteen decimals; else as near as anybody can read it.
                yield (Fraction(first) + Fraction(rest[0]) / 10**18).limit_denominator(10**12)
            case date() | datetime() | None:
                yield first
            case int():
                yield divmod(first, 2**32)


__all__ = ["FINANCED", "STATUSES", "LargeRankings", "Ranked", "decided_by", "in_short", "ranked"]
