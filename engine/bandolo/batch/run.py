"""A batch in memory: Arrow tables in, Arrow tables out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bandolo.batch import outgoing
from bandolo.batch.columns import NotColumnar
from bandolo.batch.compiling import compile_columns
from bandolo.batch.helpers import Array
from bandolo.batch.intake import Columns, columns_of, keys_spoken_of
from bandolo.batch.program import Key, Program, Shape
from bandolo.batch.reasons import counted
from bandolo.batch.rows import Rowwise
from bandolo.batch.tables import Tables, one, together
from bandolo.language.types import ListType, RecordType
from bandolo.policy import AsOf, Policy

BLOCK = 16384
"""So many applications at a time: their columns stay in the processor's cache."""


@dataclass(frozen=True)
class Decided:
    """What a batch comes to.

    `applications` has one row an application, in the order given; `records` those of each listed entity that were asked for. `by_columns`
    and `by_rows` count the applications decided by the columnar program and one by one; `why` says why a whole policy, or some
    applications, had to go by rows, and how many (one may have several reasons); `errors` counts what is bad data, by code.
    """

    applications: pa.Table
    records: Mapping[str, pa.Table]
    by_columns: int
    by_rows: int
    why: Mapping[str, int] = field(default_factory=dict)
    errors: Mapping[str, int] = field(default_factory=dict)


@dataclass
class Prepared:
    """A policy under a what-if, ready to decide tables; programs are kept by the shapes of their columns."""

    policy: Policy
    what_if: dict[str, Any]
    records: tuple[str, ...] = ()
    spelt: frozenset[str] = frozenset()
    """The entities whose cells are spelt as in a policy, as in a CSV file: `true`, `400_000 EUR`, `none`; an empty one is unknown."""
    threads: int = 1
    ranking: bool = False
    """Whether the programs compute what the ranking takes too."""
    kept: frozenset[str] = frozenset()
    """The requirements that the ranking does not look at again after a strike."""
    programs: dict[Any, Program | str] = field(default_factory=dict)
    nullable: set[Key] = field(default_factory=set)
    """The facts that were missing somewhere."""
    rowwise: Rowwise = field(init=False)

    def __post_init__(self) -> None:
        clock, _ = self.policy.clock(self.what_if.get("as_of"))
        what_if = self.what_if
        self.changes = self.policy.changes(what_if.get("set") or {}, what_if.get("readings") or {}, what_if.get("assume") or False)
        self.settled = self.policy.settled_as(self.changes, clock)
        self.spoken = keys_spoken_of(self.policy.core, self.ranking)
        self.rowwise = Rowwise(self.policy, self.what_if, self.spelt)

    def columns(self, tables: Tables) -> Columns:
        """The columns of some tables."""
        found = columns_of(self.policy.core, tables, self.spelt, self.spoken)
        self.nullable |= {key for key, shape in found.shapes.items() if shape.null}
        for key in self.nullable & found.shapes.keys():  # so that the tables of one file need few programs
            found.shapes[key] = replace(found.shapes[key], null=True)
        return found

    def program(self, columns: Columns, tables: Tables) -> Program | str:
        """The columnar program for some columns, or why there is none."""
        key = (tuple(sorted(columns.shapes.items(), key=str)), tuple(tables.absent))
        if key not in self.programs:
            self.programs[key] = self._compiled(columns.shapes, tables)
        return self.programs[key]

    def refused(self, tables: Tables) -> str:  # noqa: ARG002 - those that call it have them
        """Why no program can decide some tables, whatever is computed; empty where nothing stands in the way."""
        if any(act.applies_to is not None for act in self.policy.loaded.amendments):
            return "an amending act does not reach every application"
        for entity in self.policy.core.entities.values():
            for fact in entity.facts.values():
                if isinstance(fact.type, ListType) and isinstance(fact.type.item, RecordType) and fact.optional:
                    return f"{fact.name} may be none"
        return ""

    def _compiled(self, shapes: Mapping[Key, Shape], tables: Tables) -> Program | str:
        refused = self.refused(tables)
        if refused:
            return refused
        try:
            return compile_columns(self.policy.core, self.settled, shapes, bool(self.records), self.ranking, self.kept)
        except NotColumnar as reason:
            return str(reason)

    def decide(self, tables: Mapping[str, pa.Table]) -> Decided:
        """The decisions on the applications of some tables, in their order."""
        core = self.policy.core
        joined = together(core, tables)
        columns = self.columns(joined)
        program = self.program(columns, joined)
        names = application_names(core, joined)
        if isinstance(program, str):
            return self._assembled(joined, names, None, (), np.arange(len(names)), {program: len(names)})
        keys = {(e, key.name, None) for e in self.records if (key := core.entities[e].key) is not None}
        begun = columns.left(core, frozenset(keys))
        back, left = computed(self.policy, program, columns, begun, self.threads)
        which = np.flatnonzero(left)
        why = counted(core, columns, program, begun, back, left) if len(which) else {}
        return self._assembled(joined, names, program, back, which, why)

    def _assembled(
        self, tables: Tables, names: pa.Array, program: Program | None, back: Sequence[Array], which: Array, why: Mapping[str, int]
    ) -> Decided:
        """What the program computed, and the rows that it left, in the order of the applications."""
        core = self.policy.core
        rows, record_rows, errors = self.rowwise.decide(tables, which, names, self.records)
        count = len(names)
        order: Array = np.arange(count)
        order[which] = count + np.arange(len(which)) if program is not None else np.arange(len(which))
        by_rows = outgoing.from_rows(rows, outgoing.schema(core))
        if program is None:
            table = by_rows
        else:
            table = outgoing.table_of(core, program, names, back, self._missing(tables, program, back, count))
            table = table if not len(which) else pa.concat_tables([table, by_rows]).unify_dictionaries().take(order)
        records = {}
        for entity in self.records:
            mine = [row for rows_of in record_rows[entity] for row in rows_of]
            found = outgoing.from_rows(mine, outgoing.record_schema(core, entity))
            if program is not None:
                paths = self.rowwise.paths(tables, entity)
                owner = root_offsets(core, tables, entity)
                of = np.repeat(np.arange(count), np.diff(owner))
                whole = outgoing.record_table_of(core, program, entity, names.take(pa.array(of)), paths, back)
                if len(which):
                    starts = np.concatenate(([0], np.cumsum([len(r) for r in record_rows[entity]])))
                    pieces, done = [], 0
                    for j, i in enumerate(which):
                        pieces += [whole.slice(owner[done], owner[i] - owner[done]), found.slice(starts[j], starts[j + 1] - starts[j])]
                        done = int(i) + 1
                    whole = pa.concat_tables([*pieces, whole.slice(owner[done])])
                found = whole
            records[entity] = found
        return Decided(table, records, count - len(which), len(which), why, dict(Counter(errors)))

    def _missing(self, tables: Tables, program: Program, back: Sequence[Array], count: int) -> pa.Array:
        """The facts that leave verdicts open, as decisions call them, by application."""
        core = self.policy.core
        rows: list[Array] = [np.zeros(0, np.int64)]
        texts: list[pa.Array] = [pa.array([], pa.string())]
        for entity, fact, at in program.missing:
            which = np.flatnonzero(back[at])
            if entity == core.root:
                rows.append(which)
                texts.append(pa.repeat(fact, len(which)))
                continue
            rows.append(np.repeat(np.arange(count), np.diff(root_offsets(core, tables, entity)))[which])
            paths = self.rowwise.paths(tables, entity).take(pa.array(which))
            texts.append(pc.binary_join_element_wise(paths, pa.scalar(fact), "."))
        return outgoing.listed_by_row(count, np.concatenate(rows), pa.concat_arrays(texts))


def run(
    policy: Policy,
    tables: Mapping[str, pa.Table] | pa.Table,
    *,
    records: Sequence[str] = (),
    as_of: AsOf = None,
    set: Mapping[str, Any] | None = None,
    readings: Mapping[str, str] | None = None,
    assume: bool | Sequence[str] = False,
) -> Decided:
    """The decisions on many applications, the same as `policy.decide` on each.

    `tables` are Arrow tables by entity, the root's first among them; listed records stand in a table of their own, whose column of the
    owner's name holds the owner's key, or nested in a list column. A single table is the root's. `records` names the entities whose
    records are wanted too. The rest is as for `decide`. Raises BadTables if the tables do not fit the policy or one another.
    """
    if isinstance(tables, pa.Table):
        tables = {policy.core.root: tables}
    what_if = {"as_of": as_of, "set": set, "readings": readings, "assume": assume}
    return Prepared(policy, what_if, tuple(records), threads=min(os.cpu_count() or 1, 8)).decide(tables)


def computed(policy: Policy, program: Program, columns: Columns, left: Array, threads: int = 1) -> tuple[list[Array], Array]:
    """What a program gives for all rows, and the applications that it leaves: those that are `left` already, and some more."""
    count = len(left)

    def block(low: int) -> tuple[tuple[Any, ...], Any]:
        high = min(low + BLOCK, count)
        given, rows = columns.block(program.columns, program.entities, policy.core, low, high)
        with np.errstate(all="ignore"):  # what is computed of garbage is garbage
            return program.run(given, rows, left[low:high]), rows

    begins = range(0, count, BLOCK) or (0,)
    if threads > 1 and len(begins) > threads:
        with ThreadPoolExecutor(threads) as pool:
            blocks = list(pool.map(block, begins))
    else:
        blocks = [block(low) for low in begins]
    return _joined(program, blocks), _joined(program, [((b[program.left],), r) for b, r in blocks])[0]


def _joined(program: Program, blocks: Sequence[tuple[Sequence[Any], Any]]) -> list[Array]:
    """The arrays of all blocks end to end; rows of records count from the first block on."""
    row_places = {places[0]: list(program.entities).index(e) for e, places in program.failing.items() if places}
    words = {r.parts[3] for r in program.outgoing}
    made: list[Array] = []
    for at in range(len(blocks[0][0])):
        if at in words and len(blocks[0][0]) > 1:
            made.append(blocks[0][0][at])
            continue
        parts = [np.asarray(b[at]) for b, _ in blocks]
        if at in row_places and len(blocks[0][0]) > 1:
            begin = 0
            for i, (_, rows) in enumerate(blocks):
                parts[i] = parts[i] + begin
                begin += rows[row_places[at]].count
        made.append(np.concatenate(parts) if all(p.ndim for p in parts) else parts[0])
    return made


def application_names(policy: Any, tables: Tables) -> pa.Array:
    """What the applications are called: their keys as texts."""
    key, table = policy.entities[policy.root].key, tables.tables[policy.root]
    if key is None or key.name not in table.column_names:
        return pa.nulls(table.num_rows, pa.string())
    column = one(table[key.name])
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column if column.type == pa.string() else column.cast(pa.string())


def root_offsets(policy: Any, tables: Tables, entity: str) -> Array:
    """Where the records of an entity begin and end for each application."""
    offsets = tables.offsets[entity]
    owner = policy.entities[entity].owner
    while owner != policy.root:
        offsets = offsets[tables.offsets[owner]]
        owner = policy.entities[owner].owner
    return offsets
