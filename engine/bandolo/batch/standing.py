"""What the ranking takes of each application of a batch: its standing, keys and amounts, and the records that it claims.

The meaning is that of `ranking/assess.py`; what no column holds goes through it one by one. How keys and amounts stand in columns is told
in `ranking_columns`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bandolo.batch import outgoing
from bandolo.batch.cells import Given
from bandolo.batch.helpers import Array
from bandolo.batch.intake import Columns
from bandolo.batch.program import OUTCOMES, STATUSES, STRUCK, Program, Shape, met_key
from bandolo.batch.ranking_columns import CLAIMS, cents_of, is_number, key_arrays, key_cells, key_columns, money_cell, schema
from bandolo.batch.reasons import counted
from bandolo.batch.run import Prepared, application_names, computed, root_offsets
from bandolo.batch.tables import Tables, one, together
from bandolo.check import core
from bandolo.diagnostics import ApplicationError
from bandolo.ranking.entrant import Entrant
from bandolo.ranking.rank import Ranker

STANDINGS = ("candidate", "not_admitted", "suspended", "undetermined")


@dataclass(frozen=True)
class Standings:
    """What the ranking takes of a batch.

    `table` has one row an application, in the order given: `application`, `rank.standing` (empty where the data is bad), `rank.key.N` and
    `rank.keep.N` in the order of the policy, with `.rest` beside a number, `rank.award`, `rank.pot.NAME`, the requirements that `failed`,
    what is `missing`, and the `error` of bad data. `claims` has a row for each exclusive record of an application that is ranked: `row`
    of the application in the table, `application`, `key`, `record` (its path) and `name` as people call it. `by_columns`, `by_rows`,
    `why` and `errors` are as for `Decided`.
    """

    table: pa.Table
    claims: pa.Table
    by_columns: int
    by_rows: int
    why: Mapping[str, int] = field(default_factory=dict)
    errors: Mapping[str, int] = field(default_factory=dict)


def standings(prepared: Prepared, tables: Mapping[str, pa.Table], ranker: Ranker | None = None) -> Standings:
    """What the ranking takes of the applications of some tables; `prepared` is made with `ranking=True`.

    Raises BadTables as a batch does, PolicyError where something that the ranking needs is open.
    """
    ranker = ranker or ranker_for(prepared)
    return of_tables(prepared, together(prepared.policy.core, tables), ranker)


def ranker_for(prepared: Prepared) -> Ranker:
    """The ranking of the same policy under the same what-ifs."""
    return Ranker(prepared.policy, **{k: v for k, v in prepared.what_if.items() if v is not None})


def of_tables(
    prepared: Prepared, tables: Tables, ranker: Ranker, struck: Sequence[frozenset[str]] | None = None, named: bool = True
) -> Standings:
    """The same, of tables that have been put together; each application with some of its records `struck`, by their paths.

    Without `named` the claims have rows and keys only.
    """
    core_ = prepared.policy.core
    columns = prepared.columns(tables)
    names = application_names(core_, tables)
    program = prepared.program(columns, tables)
    unsure = np.zeros(len(names), bool)
    if struck is not None and not isinstance(program, str):
        unsure = _struck_columns(prepared, tables, columns, program, struck)
        program = prepared.program(columns, tables)
    asked = Asked(prepared, tables, ranker, names, struck, named)
    if isinstance(program, str):
        return asked.assembled(None, (), np.arange(len(names)), {program: len(names)})
    keys = {(e.name, e.key.name, None) for e in core_.entities.values() if e.key is not None}
    begun = columns.left(core_, frozenset(keys)) | unsure
    back, left = computed(prepared.policy, program, columns, begun, prepared.threads)
    which = np.flatnonzero(left)
    why = counted(core_, columns, program, begun, back, left) if len(which) else {}
    return asked.assembled(program, back, which, why)


def _struck_columns(prepared: Prepared, tables: Tables, columns: Columns, program: Program, struck: Sequence[frozenset[str]]) -> Array:
    """Add the columns of the strikes, and of the verdicts that stay; the applications in which one of these is open."""
    policy = prepared.policy.core
    assert policy.ranking is not None
    entity = policy.ranking.exclusive_record
    assert entity is not None
    unsure = np.zeros(len(struck), bool)
    if prepared.kept:
        back, _ = computed(prepared.policy, program, columns, unsure, prepared.threads)
        for id_, at in program.kept.items():
            key = met_key(policy.requirements[id_].entity, id_)
            columns.shapes[key], columns.given[key] = Shape("flag"), Given(Shape("flag"), back[at])
        if program.unsure is not None:
            unsure = back[program.unsure]
    offsets = root_offsets(policy, tables, entity)
    paths = prepared.rowwise.paths(tables, entity).to_pylist()
    flags = np.zeros(len(paths), bool)
    for i, records in enumerate(struck):
        for at in range(int(offsets[i]), int(offsets[i + 1])) if records else ():
            flags[at] = paths[at] in records
    key = (entity, STRUCK, None)
    columns.shapes[key], columns.given[key] = Shape("flag"), Given(Shape("flag"), flags)
    return unsure


# From columns and rows.


@dataclass
class Asked:
    """What was asked of some tables."""

    prepared: Prepared
    tables: Tables
    ranker: Ranker
    names: pa.Array
    struck: Sequence[frozenset[str]] | None
    named: bool

    def assembled(self, program: Program | None, back: Sequence[Array], which: Array, why: Mapping[str, int]) -> Standings:
        """What the program computed, and the applications that it left, in the order of the applications."""
        policy = self.prepared.policy.core
        rows, claims, errors = self._one_by_one(which)
        by_rows = pa.Table.from_pylist(rows, schema=schema(policy))
        claimed = pa.Table.from_pylist(claims, schema=CLAIMS)
        claimed = claimed if self.named else claimed.select(["row", "key"])
        count = len(self.names)
        if program is None:
            return Standings(by_rows, claimed, 0, count, why, errors)
        codes, table = _from_program(policy, program, self.names, back)
        kept = np.ones(count, bool)
        kept[which] = False
        from_columns = _claims(self.prepared, self.tables, program, self.names, back, kept & (codes == 0), self.named)
        if len(which):
            order = np.arange(count)
            order[which] = count + np.arange(len(which))
            table = pa.concat_tables([table, by_rows]).unify_dictionaries().take(pa.array(order))
            from_columns = pa.concat_tables([from_columns, claimed])
            rows_of = np.asarray(from_columns["row"])
            from_columns = from_columns.take(pa.array(np.argsort(rows_of, kind="stable")))
        return Standings(table.combine_chunks(), from_columns.combine_chunks(), count - len(which), len(which), why, errors)

    def _one_by_one(self, which: Array) -> tuple[list[dict[str, Any]], list[dict[str, Any]], Mapping[str, int]]:
        """The rows of the applications that no column decides, and of their claims; what is bad data, by code."""
        policy = self.prepared.policy.core
        rows: list[dict[str, Any]] = []
        claims: list[dict[str, Any]] = []
        errors: Counter[str] = Counter()
        called_ = self.names.take(pa.array(which)).to_pylist()
        for at, name, data in zip(which, called_, self.prepared.rowwise.applications(self.tables, which), strict=True):
            try:
                entrant, decision = self.ranker.assessor.assessed(data, self.struck[at] if self.struck is not None else frozenset())
            except ApplicationError as error:
                first = error.diagnostics[0]
                rows.append({"application": name, "failed": [], "missing": [], "error": f"{first.code} {first.path or ''}".strip()})
                errors[first.code] += 1
                continue
            failed = outgoing.row_of(policy, name, decision, ())["failed"]
            rows.append(row_of(policy, entrant) | {"application": name, "failed": failed})
            claims += [{"row": int(at), "application": name, "key": c.key, "record": c.record, "name": c.name} for c in entrant.claims]
        return rows, claims, dict(errors)


def row_of(policy: core.Policy, entrant: Entrant) -> dict[str, Any]:
    """An entrant as a row. Raises BadTables for a number that no column holds."""
    plan = policy.ranking
    assert plan is not None
    row: dict[str, Any] = {"application": entrant.id, "rank.standing": entrant.standing, "missing": list(entrant.missing)}
    if entrant.standing != "candidate":
        return row
    for kind, keys, values in (("key", plan.order_by, entrant.order), ("keep", plan.keep, entrant.keep)):
        for i, ((expression, _), value) in enumerate(zip(keys, values, strict=True), 1):
            ends = [end for end, _ in key_columns(policy, expression.type)]
            row |= dict(zip((f"rank.{kind}.{i}{end}" for end in ends), key_cells(value, expression.type), strict=True))
    row["rank.award"] = money_cell(entrant.award)
    return row | {f"rank.pot.{name}": money_cell(amount) for (name, _, _), amount in zip(plan.pots, entrant.pots, strict=False)}


def _from_program(policy: core.Policy, program: Program, names: pa.Array, back: Sequence[Array]) -> tuple[Array, pa.Table]:
    """The standings by number, and the rows, of what a program computed; what it left is garbage."""
    ranked, plan = program.ranked, policy.ranking
    assert ranked is not None
    assert plan is not None
    count = len(names)
    codes = standing_codes(policy, [back[at] for at in program.statuses], back[program.outcome])
    out = codes != 0
    columns: list[Any] = [names, pa.DictionaryArray.from_arrays(pa.array(codes.view(np.int8)), pa.array(STANDINGS))]
    for parts, keys in ((ranked.order, plan.order_by), (ranked.keep, plan.keep)):
        for part, (expression, _) in zip(parts, keys, strict=True):
            columns += key_arrays(part, back, expression.type, policy, count, out)
    pots = [cents_of(part, back, count) for part in ranked.pots]
    award = cents_of(ranked.award, back, count) if ranked.award is not None else sum(pots, np.zeros(count, np.int64))
    columns += [outgoing.cents_array(cents, out) for cents in (award, *pots)]
    columns.append(outgoing.failed_lists([back[at] for at in program.masks], program.requirements))
    columns.append(pa.ListArray.from_arrays(pa.array(np.zeros(count + 1, np.int32)), pa.array([], pa.string())))
    columns.append(pa.nulls(count, pa.string()))
    return codes, pa.Table.from_arrays(columns, schema=schema(policy))


def standing_codes(policy: core.Policy, statuses: Sequence[Array], outcome: Array) -> Array:
    """The place of each standing in STANDINGS, from the status of each stage and the outcome by number (ranking/assess.py, `_standing`)."""
    plan = policy.ranking
    assert plan is not None
    names = [s.name for s in policy.stages]
    closed = STATUSES.index("not_started")
    waits = [STATUSES.index(word) for word in ("suspended", "referred", "barred")]
    codes = np.zeros(len(outcome), np.uint8)
    wanted = statuses if plan.among is None else statuses[: names.index(plan.among) + 1]
    for status in reversed(wanted):
        waiting = status != 0 if plan.among is not None else (status != 0) & (status != closed)
        codes = np.where(waiting, np.where(np.isin(status, waits), np.uint8(2), np.uint8(3)), codes)
    found: Array = np.where(outcome == OUTCOMES.index("failed"), np.uint8(1), codes)
    return found


def _claims(
    prepared: Prepared, tables: Tables, program: Program, names: pa.Array, back: Sequence[Array], ranked: Array, named: bool
) -> pa.Table:
    """The claims of the applications that are ranked, in the order in which their records were given."""
    policy, plan, found = prepared.policy.core, prepared.policy.core.ranking, program.ranked
    assert plan is not None
    assert found is not None
    nothing = CLAIMS.empty_table() if named else CLAIMS.empty_table().select(["row", "key"])
    if found.key is None or plan.exclusive_record is None:
        return nothing
    entity = plan.exclusive_record
    whose = np.repeat(np.arange(len(names)), np.diff(root_offsets(policy, tables, entity)))
    held = ranked[whose]
    if found.held is not None:
        held = held & back[found.held]
    if found.key.parts[0] is None:
        if not isinstance(found.key.constant, str):
            return nothing
        key: pa.Array = pa.array([found.key.constant]).take(pa.array(np.zeros(len(whose), np.int64)))
    else:
        values, _, none, words = (None if at is None else back[at] for at in found.key.parts)
        if none is not None:
            held = held & ~np.broadcast_to(np.asarray(none, bool), held.shape)
        codes = np.broadcast_to(np.asarray(values), (len(whose),)).clip(0, max(len(words) - 1, 0)) if words is not None else values
        key = pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(list(words or [""]), pa.string()))
    at = np.flatnonzero(held)
    taken = pa.array(at)
    key = key.take(taken)
    key = key.dictionary_decode() if pa.types.is_dictionary(key.type) else key
    rows = whose[at]
    if not named:
        return pa.table({"row": pa.array(rows), "key": key})
    path = prepared.rowwise.paths(tables, entity).take(taken)
    return pa.Table.from_arrays(
        [pa.array(rows), names.take(pa.array(rows)), key, path, called(policy, tables, entity, taken, path)], schema=CLAIMS
    )


def called(policy: core.Policy, tables: Tables, entity: str, which: pa.Array, path: pa.Array) -> pa.Array:
    """What people call some records of an entity: as `ranking/assess.py` says it."""
    declared, table = policy.entities[entity], tables.tables[entity]

    def texts(name: str) -> pa.Array:
        column = one(table[name]).take(which)
        column = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
        return column.cast(pa.string())

    key = texts(declared.key.name) if declared.key is not None and declared.key.name in table.column_names else None
    place = path if key is None else pc.if_else(pc.equal(pc.fill_null(key, ""), ""), path, key)
    shown = declared.shown_as
    if shown is None or shown not in table.column_names or declared.facts[shown].asked:
        return place
    if is_number(declared.facts[shown].type) or not (
        pa.types.is_string(one(table[shown]).type) or pa.types.is_dictionary(table[shown].type)
    ):
        return place
    said = texts(shown)
    # Without a key the reference says the name and `None`.
    named = pc.binary_join_element_wise(said, pa.scalar(" ("), pc.fill_null(key, "None") if key is not None else "None", pa.scalar(")"), "")
    return pc.coalesce(named, place)
