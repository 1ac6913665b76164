"""A simulation: one population of applications under many variants of a policy, and what each variant comes to."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa

from bandolo.batch.helpers import Array
from bandolo.batch.intake import Columns, columns_of, keys_spoken_of
from bandolo.batch.program import LACKING
from bandolo.batch.reasons import NO_TABLE, left_before
from bandolo.batch.rows import Rowwise
from bandolo.batch.run import BLOCK, Prepared
from bandolo.batch.simulation.axes import Axis, combined, read_axes
from bandolo.batch.simulation.measure import Counted, Measure
from bandolo.batch.simulation.population import tabled
from bandolo.batch.simulation.ranked import LargeRankings, Ranked, ranked
from bandolo.batch.simulation.shared import Shared, compile_variants, money_results
from bandolo.batch.tables import Tables, together
from bandolo.diagnostics import ApplicationError
from bandolo.evaluate.settle import Changes, Settled
from bandolo.evaluate.wire import plain
from bandolo.language.types import Language
from bandolo.language.values import Value
from bandolo.plan.keeping import Programs
from bandolo.policy import AsOf, Policy

MOST_RANKED = 5_000
"""So many applications at most are ranked one by one, where some of them have no place in a table."""


@dataclass(frozen=True)
class Variant:
    """One combination of the varied values, None where a path stays as it is, and what the applications come to under it."""

    values: tuple[Value | None, ...]
    is_base: bool
    """Whether it says what the policy says: the policy as it is, or a value that it has already."""
    applications: int
    outcomes: Mapping[tuple[str, str], int]
    """Applications by outcome and by the stage that decides it; `unread` is bad data."""
    changes: Mapping[tuple[str, str], int]
    """Applications whose outcome is another than under the policy as it is, by that and by this."""
    amounts: Mapping[str, Fraction]
    """The sums of what applications get, by result: nothing where they are rejected."""
    unknown: Mapping[str, int]
    """Applications that are not rejected and of which the amount is not known, by result."""
    errors: Mapping[str, int]
    by_rows: int
    ranked: Ranked | None = None
    """The ranking, where the policy has one and it was wanted."""


@dataclass(frozen=True)
class Simulation:
    """What a change of some values does to a population; the first variant is the policy as it is."""

    source: Policy
    policy: Policy
    """The source with a parameter in each place that is varied and is none."""
    axes: tuple[Axis, ...]
    one_at_a_time: bool
    variants: tuple[Variant, ...]
    what_if: Mapping[str, Any]
    made_up: tuple[int, int] | None = None
    """How many applications were made up, and from which seed, where they are no real ones."""
    why: Mapping[str, int] = field(default_factory=dict)
    """Why applications had to be decided one by one, and how many."""
    too_many: bool = False
    """Whether there are more applications than are ranked."""
    settled: Settled | None = field(default=None, repr=False, compare=False)
    """The settings of the policy as it is."""

    def base_value(self, at: int) -> Value:
        """What the policy as it is has for an axis."""
        assert self.settled is not None
        axis, settings = self.axes[at], self.settled.settings
        return settings.options[axis.name] if axis.is_reading else settings.parameters[axis.name]

    @property
    def base(self) -> Variant:
        return self.variants[0]

    def to_table(self) -> pa.Table:
        """One row a variant, the policy as it is first."""
        from bandolo.batch.simulation.data import table

        return table(self)

    def to_dict(self) -> dict[str, Any]:
        """The simulation as plain data, as `--json` gives it."""
        from bandolo.batch.simulation.data import as_data

        return as_data(self)

    def to_html(self, lang: Language = "en") -> str:
        """A page with its drawings, in one file."""
        from bandolo.batch.simulation.files import written

        return written(self, ".html", lang).decode()

    def to_markdown(self, lang: Language = "en") -> str:
        """The tables of the page as Markdown."""
        from bandolo.batch.simulation.files import written

        return written(self, ".md", lang).decode()

    def what_if_of(self, variant: Variant) -> dict[str, Any]:
        """The what-if under which `policy` decides as a variant: the arguments of `Policy.decide` and of `bandolo.batch.run`."""
        return what_if_of(self.what_if, self.axes, variant.values)


def _meant(settled: Settled) -> tuple[object, ...]:
    """What settings come to: a parameter that is set has no versions left, as one that never had any."""
    s = settled.settings
    return s.parameters, {n: v for n, v in s.versions.items() if v}, s.options, s.money_rounding, settled.ranges


def what_if_of(base: Mapping[str, Any], axes: Sequence[Axis], values: Sequence[Value | None]) -> dict[str, Any]:
    set_, readings = dict(base.get("set") or {}), dict(base.get("readings") or {})
    for axis, value in zip(axes, values, strict=True):
        if value is None:
            continue
        if axis.is_reading:
            readings[axis.name] = str(value)
        else:
            set_[axis.name] = plain(value, axis.type)
    return {"as_of": base.get("as_of"), "assume": base.get("assume") or False, "set": set_, "readings": readings}


@dataclass
class Simulator:
    """A policy with what is varied in it, ready for tables. Raises PolicyError for a what-if or an axis that cannot be."""

    source: Policy
    vary: Mapping[str, Any]
    what_if: dict[str, Any]
    one_at_a_time: bool = False
    ranking: bool = True
    """Whether to rank, where the policy does."""
    spelt: frozenset[str] = frozenset()
    threads: int = 1
    programs: dict[Any, Shared | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.policy, self.axes = read_axes(self.source, self.vary)
        self.combinations = combined(self.axes, self.one_at_a_time)
        what_if = self.what_if
        clock, _ = self.policy.clock(what_if.get("as_of"))
        base = self.policy.changes(what_if.get("set") or {}, what_if.get("readings") or {}, what_if.get("assume") or False)
        self.settled: list[Settled] = [self.policy.settled_as(self._changes(base, values), clock) for values in self.combinations]
        first = _meant(self.settled[0])
        self.same = [_meant(s) == first for s in self.settled]
        self.which = [i for i, same in enumerate(self.same) if i == 0 or not same]
        """The variants that are computed; the others say what the policy says."""
        self.rowwise = [
            Rowwise(replace(self.policy, programs=Programs()), what_if_of(what_if, self.axes, self.combinations[i]), self.spelt)
            for i in self.which
        ]
        self.prepared = Prepared(self.policy, what_if, (), self.spelt)
        self.spoken = keys_spoken_of(self.policy.core)
        self.amounts = money_results(self.policy.core)
        self.counted = [Counted() for _ in self.which]
        self.applications = 0
        self.why: Counter[str] = Counter()
        self.ranks = self.ranking and self.policy.core.ranking is not None
        self.data: list[Mapping[str, Any]] = []
        """The applications that have no place in a table, to be ranked."""
        self.large = LargeRankings(self.policy, self.spelt, self.threads)

    def _changes(self, base: Changes, values: Sequence[Value | None]) -> Changes:
        given = [(a, v) for a, v in zip(self.axes, values, strict=True) if v is not None]
        return Changes(
            {**base.set, **{a.name: v for a, v in given if not a.is_reading}},
            {**base.readings, **{a.name: str(v) for a, v in given if a.is_reading}},
            base.assume,
        )

    def program(self, columns: Columns, tables: Tables) -> Shared | str:
        """What all variants are computed by, or why there is none."""
        key = (tuple(sorted(columns.shapes.items(), key=str)), tuple(tables.absent))
        if key not in self.programs:
            refused = self.prepared.refused(tables)
            settled = [self.settled[i] for i in self.which]
            self.programs[key] = refused or compile_variants(self.policy.core, settled, columns.shapes)
        return self.programs[key]

    def add(self, tables: Mapping[str, pa.Table]) -> None:
        """Decide some applications under every variant, and count."""
        core = self.policy.core
        joined = together(core, tables)
        count = joined.tables[core.root].num_rows
        measure = Measure(len(self.which), count, [s.name for s in core.stages], len(self.amounts))
        columns = columns_of(core, joined, self.spelt, self.spoken)
        program = self.program(columns, joined)
        if isinstance(program, str):
            self.why[program] += count
            measure.left[:] = True
        else:
            self._by_columns(program, columns, measure, count)
            self.why.update(dict.fromkeys(program.why.values(), count))
            measure.left[list(program.why)] = True
        self._by_rows(joined, measure)
        self._count(measure, count)
        if self.ranks:
            self.large.parts.append(tables)

    def add_data(self, applications: Sequence[Mapping[str, Any]]) -> None:
        """The same for applications given as mappings of facts."""
        tables, left = tabled(self.policy.core, applications)
        for table in tables:
            self.add({self.policy.core.root: table})
        if not left:
            return
        self.why[NO_TABLE] += len(left)
        measure = Measure(len(self.which), len(left), [s.name for s in self.policy.core.stages], len(self.amounts))
        for row, application in enumerate(left):
            for number, rowwise in enumerate(self.rowwise):
                self._one(rowwise, application, measure, number, row)
        self._count(measure, len(left))
        if self.ranks:
            self.data += left

    def _count(self, measure: Measure, applications: int) -> None:
        for total, found in zip(self.counted, measure.done(), strict=True):
            total.add(found)
        self.applications += applications

    def _by_columns(self, program: Shared, columns: Columns, measure: Measure, count: int) -> None:
        core = self.policy.core
        begun = columns.left(core, frozenset())

        def block(low: int) -> list[Any]:
            high = min(low + BLOCK, count)
            given, rows = columns.block(program.columns, program.entities, core, low, high)
            sums: list[Any] = []
            with np.errstate(all="ignore"):  # what is computed of garbage is garbage
                program.run(given, rows, begun[low:high], measure.told(low, high, begun[low:high], sums))
            return sums

        begins = range(0, count, BLOCK)
        if self.threads > 1 and len(begins) > self.threads:
            with ThreadPoolExecutor(self.threads) as pool:
                found = list(pool.map(block, begins))
        else:
            found = [block(low) for low in begins]
        for sums in found:
            measure.summed(sums)
        somewhere: Array = np.asarray(measure.left.any(axis=0))
        self.why.update(left_before(core, columns, program.read, somewhere))
        # An application that several variants leave for the same reason is one application.
        most: Counter[str] = Counter()
        for (number, i), left in measure.whys.items():
            reason = program.reasons[number][i]
            if reason != LACKING:  # told by fact above
                most[reason] = max(most[reason], left)
        self.why.update(+most)

    def _by_rows(self, tables: Tables, measure: Measure) -> None:
        which: Array = np.flatnonzero(measure.left.any(axis=0))
        data = self.rowwise[0].applications(tables, which)
        for row, application in zip(which, data, strict=True):
            for number, rowwise in enumerate(self.rowwise):
                if measure.left[number, row]:
                    self._one(rowwise, application, measure, number, int(row))

    def _one(self, rowwise: Rowwise, application: Mapping[str, Any], measure: Measure, number: int, row: int) -> None:
        try:
            decision = rowwise.policy.decide(application, **rowwise.what_if)
        except ApplicationError as error:
            measure.refused(number, row, error.diagnostics[0].code)
            return
        found = {r.name: r.value for r in decision.result_values if r.record is None}
        cents = [int(v * 100) if isinstance(v := found.get(name), Fraction) else None for name in self.amounts]
        measure.decided(number, row, decision.outcome, decision.stage, cents)

    def simulation(self) -> Simulation:
        """What has come of all applications so far."""
        by_place = dict(zip(self.which, self.counted, strict=True))
        rankings = dict(zip(self.which, self._rankings(), strict=False))
        variants = [
            self._variant(values, same, by_place[0 if same else i], rankings.get(0 if same else i))
            for i, (values, same) in enumerate(zip(self.combinations, self.same, strict=True))
        ]
        return Simulation(
            self.source,
            self.policy,
            self.axes,
            self.one_at_a_time,
            tuple(variants),
            self.what_if,
            None,
            dict(sorted(self.why.items())),
            self.ranking and not self.ranks and self.policy.core.ranking is not None,
            self.settled[0],
        )

    def _rankings(self) -> Iterator[Ranked]:
        """The ranking of each variant that is computed: of tables together, one by one where some applications have no place in one."""
        if not self.ranks or not self.applications:
            return
        shapes = {tuple((e, str(t.schema)) for e, t in sorted(part.items())) for part in self.large.parts}
        if not self.data and len(shapes) == 1:
            for i in self.which:
                yield self.large.of(self.settled[i], what_if_of(self.what_if, self.axes, self.combinations[i]))
            return
        if self.applications > MOST_RANKED:
            self.ranks = False
            return
        core = self.policy.core
        for part in self.large.parts:
            joined = together(core, part)
            self.data += self.rowwise[0].applications(joined, np.arange(joined.tables[core.root].num_rows))
        self.large.parts = []
        for rowwise in self.rowwise:
            yield ranked(rowwise.policy, self.data, rowwise.what_if)

    def _variant(self, values: tuple[Value | None, ...], same: bool, counted: Counted, ranking: Ranked | None) -> Variant:
        amounts = {n: Fraction(c, 100) for n, c in zip(self.amounts, counted.cents or [0] * len(self.amounts), strict=True)}
        unknown = dict(zip(self.amounts, counted.unknown or [0] * len(self.amounts), strict=True))
        return Variant(
            values, same, self.applications, dict(sorted(counted.outcomes.items())), dict(sorted(counted.changes.items())), amounts,
            unknown, dict(sorted(counted.errors.items())), counted.by_rows, ranking,
        )  # fmt: skip


def simulate(
    policy: Policy,
    tables: Mapping[str, pa.Table] | pa.Table | Iterable[Mapping[str, pa.Table]],
    *,
    vary: Mapping[str, Any],
    one_at_a_time: bool = False,
    ranking: bool = True,
    as_of: AsOf = None,
    set: Mapping[str, Any] | None = None,
    readings: Mapping[str, str] | None = None,
    assume: bool | Sequence[str] = False,
) -> Simulation:
    """What other values of some paths would do to a population of applications.

    `vary` gives the values by path: `{"parameters.minimum_partners": "8..12", "rates.aid_intensity.large": ["0%", "15%"]}`; a text is
    read as `--vary` of the command reads it. `tables` are those of `bandolo.batch.run`, or several of them one after another, as a
    large population is read. The rest is as for `Policy.decide`, and holds for every variant. Raises PolicyError for a path or a value
    that cannot be, BadTables for tables that do not fit.
    """
    what_if = {"as_of": as_of, "set": set, "readings": readings, "assume": assume}
    simulator = Simulator(policy, vary, what_if, one_at_a_time, ranking, threads=min(os.cpu_count() or 1, 8))
    for part in _parts(policy, tables):
        simulator.add(part)
    return simulator.simulation()


def _parts(policy: Policy, tables: Any) -> Iterator[Mapping[str, pa.Table]]:
    if isinstance(tables, pa.Table):
        yield {policy.core.root: tables}
    elif isinstance(tables, Mapping):
        yield tables
    else:
        yield from tables
