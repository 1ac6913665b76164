"""Arrow tables to the columns that a program takes: views of the buffers wherever their form allows it, no copies.

A value that is missing where it must be there, or that is not plainly in order, leaves its application to the reference, which says what
is the matter with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bandolo import limits
from bandolo.batch.cells import Given, cells_of, spelt_cells, spelt_none, unknown_cells
from bandolo.batch.forms import first_not_utf8
from bandolo.batch.helpers import Array, Rows
from bandolo.batch.program import Key, Shape
from bandolo.batch.tables import BadTables, Tables, alike, length, one, owner_of, root_of, to_root
from bandolo.check import core
from bandolo.language.types import (
    ListType,
    OptionalType,
    RecordType,
)


@dataclass
class Columns:
    """What a program is given, for all rows; `left` are applications that it is not asked about."""

    shapes: dict[Key, Shape]
    given: dict[Key, Given]
    bad: dict[str, Array]
    """Of each entity, the rows that are not in order."""
    nulls: dict[Key, Array]
    """Where a fact that must be there is not."""
    tables: Tables
    empty: dict[Key, Array] = field(default_factory=dict)
    """Of a file of texts, where an optional fact is neither there nor `none`."""

    def left(self, policy: core.Policy, needed: frozenset[Key]) -> Array:
        """The applications of which something is not in order, or lacks a fact that is needed."""
        bad = dict(self.bad)
        for key, empty in self.empty.items():
            bad[key[0]] = bad[key[0]] | empty
        for key, null in self.nulls.items():
            if key in needed:
                bad[key[0]] = bad[key[0]] | null
        found = bad[policy.root]
        for name, flags in bad.items():
            if name != policy.root and flags.any():
                found = found | to_root(policy, self.tables, name, flags)
        return found

    def block(
        self, keys: tuple[Key, ...], entities: tuple[str, ...], policy: core.Policy, low: int, high: int
    ) -> tuple[list[Any], list[Rows]]:
        """The views of the applications from `low` up to `high`."""
        spans: dict[str, tuple[int, int]] = {policy.root: (low, high)}
        rows: list[Rows] = []
        for name in entities:
            owner = owner_of(policy, name)
            if owner is None:
                rows.append(Rows(high - low, np.zeros(0, np.int64), np.zeros(0, np.int64), low % 8, True))
                continue
            first, last = spans[owner]
            offsets = self.tables.offsets[name][first : last + 1]
            x, y = int(offsets[0]), int(offsets[-1])
            spans[name] = (x, y)
            rows.append(Rows.of(offsets, x, x % 8))
        given: list[Any] = []
        for key in keys:
            if key[0] not in spans:  # a list of values that no rule looks into
                given.append((None, None, None))
                continue
            x, y = spans[key[0]]
            column = self.given[key]
            values = column.values[x // 8 : (y + 7) // 8] if column.shape.form == "bits" else column.values[x:y]
            if column.shape.form == "record":
                values = np.maximum(values - spans[policy_target(policy, key)][0], -1)
            given.append((values, None if column.none is None else column.none[x:y], column.words))
        return given, rows


def policy_target(policy: core.Policy, key: Key) -> str:
    """The entity that a fact refers to."""
    type_ = policy.entities[key[0]].facts[key[1]].type
    type_ = type_.of if isinstance(type_, OptionalType) else type_
    assert isinstance(type_, RecordType)
    return type_.entity


def keys_spoken_of(policy: core.Policy, ranking: bool = False) -> frozenset[str]:
    """The key facts that some rule reads, or the ranking, so that their texts are worth telling apart."""
    keys = {e.key.name for e in policy.entities.values() if e.key is not None}
    parts = [d.value for d in policy.definitions.values()] + [s.opens for s in policy.stages if s.opens is not None]
    parts += [p for r in policy.requirements.values() for p in (r.check, r.applies) if p is not None]
    if ranking and policy.ranking is not None:
        plan = policy.ranking
        parts += [e for e, _ in (*plan.order_by, *plan.keep)] + ([] if plan.exclusive_key is None else [plan.exclusive_key])
    return frozenset(n.name for part in parts for n in core.walk(part) if isinstance(n, core.Fact) and n.name in keys)


def columns_of(policy: core.Policy, tables: Tables, spelt: frozenset[str], spoken: frozenset[str]) -> Columns:
    """The columns of all facts that have one; `spelt` are entities of texts, `spoken` keys that rules read.

    Raises BadTables. Codes: `column-no-fact`, `column-twice`, `column-not-utf8`.
    """
    try:
        return _columns_of(policy, tables, spelt, spoken)
    except (UnicodeDecodeError, pa.ArrowInvalid):  # looked for only here: texts are hardly ever anything else
        for table in tables.tables.values():
            for name in table.column_names:
                if (row := first_not_utf8(one(table[name]))) is not None:
                    raise BadTables("column-not-utf8", name=name, row=row + 1) from None
        raise


def _columns_of(policy: core.Policy, tables: Tables, spelt: frozenset[str], spoken: frozenset[str]) -> Columns:
    shapes: dict[Key, Shape] = {}
    given: dict[Key, Given] = {}
    left: dict[str, Array] = {}
    nulls: dict[Key, Array] = {}
    empty: dict[Key, Array] = {}
    for name in policy.root_names():
        if name not in tables.tables:
            continue
        table = tables.tables[name]
        bad = np.zeros(length(tables, policy, name), bool)
        known: set[str] = set()
        for fact in policy.entities[name].facts.values():
            stages = {f"{fact.name} at {stage}" for stage in fact.asked}
            known |= {fact.name, *stages}
            if fact.asked and fact.name in table.column_names and f"{fact.name} at {fact.asked[0]}" in table.column_names:
                raise BadTables("column-twice", name=fact.name, first=f"#{table.column_names.index(f'{fact.name} at {fact.asked[0]}') + 1}")
        for fact in policy.entities[name].facts.values():
            if isinstance(fact.type, ListType) and isinstance(fact.type.item, RecordType):
                if fact.at_most is not None or fact.type.item.entity in tables.offsets:
                    counts = np.diff(tables.offsets[fact.type.item.entity]) if fact.type.item.entity in tables.offsets else np.zeros(0)
                    most = fact.at_most if fact.at_most is not None else limits.LIST_LENGTH
                    if len(counts) and counts.max() > most:
                        bad = bad | (counts > most)
                lacks = tables.left.get((name, fact.name))
                if lacks is not None:
                    listed: Key = (name, fact.name, None)
                    shapes[listed], nulls[listed] = Shape("list", null=True), lacks
                    given[listed] = Given(shapes[listed], lacks, lacks)
                continue
            if isinstance(fact.type, ListType) and not fact.asked and fact.name in table.column_names and name not in spelt:
                wrong = _values(policy, tables, fact, name, one(table[fact.name]), shapes, given, nulls)
                bad = bad if wrong is None else bad | wrong
                continue
            for stage in fact.asked or (None,):
                column = _column(table, fact, stage)
                if column is None:
                    continue
                array = one(table[column])
                key = (name, fact.name, stage)
                if name in spelt:
                    unknown = unknown_cells(fact, array)
                    empty |= {} if unknown is None else {key: unknown}
                type_ = fact.type.of if isinstance(fact.type, OptionalType) else fact.type
                if isinstance(type_, RecordType):
                    whom = spelt_none(array) if name in spelt and fact.optional else array
                    found, wrong = _reference(policy, tables, name, type_.entity, whom, fact.optional)
                elif fact.key and fact.name in spoken and pa.types.is_string(array.type):
                    found, wrong = cells_of(policy, fact, array.dictionary_encode())
                else:
                    found, wrong = spelt_cells(policy, fact, array) if name in spelt else cells_of(policy, fact, array)
                bad = bad if wrong is None else bad | wrong
                if not fact.optional and array.null_count:
                    nulls[key] = np.asarray(array.is_null())
                if found is None:
                    continue
                if key in nulls:
                    found.none, found.shape = nulls[key], replace(found.shape, null=True)
                given[key], shapes[key] = found, found.shape
        strangers = [c for c in table.column_names if c not in known]
        if strangers:
            raise BadTables("column-no-fact", names=", ".join(strangers), entity=name)
        _keys(policy, tables, name, table, bad)
        left[name] = bad
    return Columns(shapes, given, left, nulls, tables, empty)


def _values(
    policy: core.Policy, tables: Tables, fact: core.FactDeclaration, entity: str, array: pa.Array, shapes: dict[Key, Shape],
    given: dict[Key, Given], nulls: dict[Key, Array],
) -> Array | None:  # fmt: skip
    """The members of a list of values, as rows of their own; the records whose list is not in order."""
    assert isinstance(fact.type, ListType)
    if not (pa.types.is_list(array.type) or pa.types.is_large_list(array.type)):
        return None if pa.types.is_null(array.type) else np.asarray(array.is_valid())
    key, inner = (entity, fact.name, None), f"{entity}.{fact.name}"
    gone = np.asarray(array.is_null()) if array.null_count else None
    if gone is not None:
        nulls[key] = gone
        array = pc.if_else(array.is_valid(), array, pa.scalar([], array.type))
    offsets = np.asarray(array.offsets).astype(np.int64)
    items = array.values.slice(offsets[0], offsets[-1] - offsets[0])
    found, wrong = cells_of(policy, replace(fact, type=fact.type.item, key=False), items)
    counts = np.diff(offsets)
    bad = counts > (fact.at_most if fact.at_most is not None else limits.LIST_LENGTH)
    wrong = wrong if not items.null_count else np.asarray(items.is_null()) | (False if wrong is None else wrong)
    tables.offsets[inner] = offsets - offsets[0]
    if wrong is not None and wrong.any():
        bad[np.searchsorted(tables.offsets[inner], np.flatnonzero(wrong), "right") - 1] = True
    if found is None:
        return np.asarray(counts > 0) | bad
    shapes[key], given[key] = Shape("list", null=gone is not None), Given(Shape("list"), gone if gone is not None else bad, gone)
    shapes[inner, "", None], given[inner, "", None] = found.shape, found
    return bad if bad.any() else None


def _column(table: pa.Table, fact: core.FactDeclaration, stage: str | None) -> str | None:
    if stage is not None and f"{fact.name} at {stage}" in table.column_names:
        return f"{fact.name} at {stage}"
    if fact.name in table.column_names and (stage is None or stage == fact.asked[0]):
        return fact.name
    return None


def _keys(policy: core.Policy, tables: Tables, name: str, table: pa.Table, bad: Array) -> None:
    """Keys that come twice under one owner, or that no path can hold."""
    key = policy.entities[name].key
    if key is None or key.name not in table.column_names or name == policy.root:
        return
    column = alike(one(table[key.name]))
    codes = np.asarray(pc.fill_null(column.dictionary_encode().indices, -1)).astype(np.int64)
    whose = np.repeat(np.arange(len(tables.offsets[name]) - 1), np.diff(tables.offsets[name]))
    pairs = whose * (int(codes.max(initial=0)) + 1) + codes
    order = np.argsort(pairs, kind="stable")
    twice = np.flatnonzero((np.diff(pairs[order]) == 0) & (codes[order][1:] >= 0))
    bad[order[twice + 1]] = True
    if pa.types.is_string(column.type):
        bad |= np.asarray(pc.fill_null(pc.match_substring_regex(column, r"[\[\]]"), False))


def _reference(
    policy: core.Policy, tables: Tables, name: str, target: str, array: pa.Array, optional: bool
) -> tuple[Given | None, Array | None]:
    """The rows that references point at: the record of the same application with that key."""
    key = policy.entities[target].key
    array = alike(array)
    if key is None or policy.entities[target].owner != policy.root or target not in tables.tables or pa.types.is_null(array.type):
        return None, np.asarray(array.is_valid())
    table = tables.tables[target]
    if key.name not in table.column_names or not pa.types.is_string(array.type):
        return None, np.asarray(array.is_valid())
    keys = alike(one(table[key.name]))
    if not pa.types.is_string(keys.type):
        return None, np.asarray(array.is_valid())
    codes = np.asarray(pc.fill_null(pa.concat_arrays([keys, array]).dictionary_encode().indices, -1)).astype(np.int64)
    many = int(codes.max(initial=0)) + 2
    there = root_of(policy, tables, target) * many + codes[: len(keys)] + 1
    wanted = root_of(policy, tables, name) * many + codes[len(keys) :] + 1
    order = np.argsort(there, kind="stable")
    place = np.minimum(np.searchsorted(there[order], wanted), max(len(there) - 1, 0))
    found = order[place] if len(there) else np.zeros(len(wanted), np.int64)
    hit = (there[found] == wanted) if len(there) else np.zeros(len(wanted), bool)
    valid = np.asarray(array.is_valid())
    wrong = valid & ~hit
    none = ~valid
    return Given(Shape("record", none=optional), np.where(hit & valid, found, -1), none), wrong if wrong.any() else None
