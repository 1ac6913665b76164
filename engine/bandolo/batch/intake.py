"""Arrow tables to the columns that a program takes: views of the buffers wherever their form allows it, no copies.

A value that is missing where it must be there, or that is not plainly in order, leaves its application to the reference, which says what
is the matter with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bandolo import limits
from bandolo.batch.cells import Given, cells_of, spelt_cells
from bandolo.batch.helpers import Array, Rows
from bandolo.batch.program import Key, Shape
from bandolo.check import core
from bandolo.diagnostics import Diagnostic
from bandolo.language.types import (
    ListType,
    OptionalType,
    RecordType,
)


class BadTables(Exception):
    """Tables that do not fit the policy or one another; `diagnostic` says how."""

    def __init__(self, code: str, **args: object) -> None:
        self.diagnostic = Diagnostic(code, args=args)
        super().__init__(code)

    def of(self, path: str) -> BadTables:
        """The same, said of a file."""
        self.diagnostic = replace(self.diagnostic, file=path)
        return self


@dataclass
class Tables:
    """The records of every entity, in the order of their owners: tables, and where the rows of each owner begin and end."""

    tables: dict[str, pa.Table]
    offsets: dict[str, Array]
    absent: list[str]
    """Entities of which there is neither a table nor a list."""
    left: dict[tuple[str, str], Array]
    """The records of an entity that lack a list, by entity and list."""

    @property
    def missing_lists(self) -> list[str]:
        return self.absent


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

    def left(self, policy: core.Policy, needed: frozenset[Key]) -> Array:
        """The applications of which something is not in order, or lacks a fact that is needed."""
        bad = dict(self.bad)
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
        given = []
        for key in keys:
            x, y = spans[key[0]]
            column = self.given[key]
            values = column.values[x // 8 : (y + 7) // 8] if column.shape.form == "bits" else column.values[x:y]
            if column.shape.form == "record":
                values = np.maximum(values - spans[policy_target(policy, key)][0], -1)
            given.append((values, None if column.none is None else column.none[x:y], column.words))
        return given, rows


def owner_of(policy: core.Policy, name: str) -> str | None:
    """The entity that owns the records of another, or the values of a list, which are called by both names."""
    return policy.entities[name].owner if name in policy.entities else name.partition(".")[0]


def to_root(policy: core.Policy, tables: Tables, entity: str, flags: Array) -> Array:
    """The applications of which a record of an entity is flagged."""
    while (owner := owner_of(policy, entity)) is not None:
        offsets = tables.offsets[entity]
        which = np.searchsorted(offsets, np.flatnonzero(flags), "right") - 1
        flags = np.zeros(len(offsets) - 1, bool)
        flags[which] = True
        entity = owner
    return flags


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


def together(policy: core.Policy, tables: Mapping[str, pa.Table]) -> Tables:
    """The tables of all entities in the order of their owners: from nested lists, or from tables that name their owner's key.

    Raises BadTables for records whose owner is not there.
    """
    made = Tables({policy.root: tables[policy.root].combine_chunks()}, {}, [], {})
    for name in policy.root_names():
        entity = policy.entities[name]
        if entity.owner is None or entity.listed_in is None:
            continue
        above = made.tables[entity.owner]
        if name in tables:
            _linked(policy, made, entity, tables[name].combine_chunks())
        elif entity.listed_in in above.column_names and _is_nested(above.schema.field(entity.listed_in).type):
            _nested(made, entity, one(above[entity.listed_in]))
        else:
            made.absent.append(name)
            many = made.tables[entity.owner].num_rows if entity.owner == policy.root else int(made.offsets[entity.owner][-1])
            made.tables[name], made.offsets[name] = pa.table({}), np.zeros(many + 1, np.int64)
            made.left[entity.owner, entity.listed_in] = np.ones(many, bool)
    return made


def one(column: pa.ChunkedArray) -> pa.Array:
    if column.num_chunks == 1:
        return column.chunk(0)
    return column.combine_chunks() if column.num_chunks else pa.array([], column.type)


def _is_nested(type_: pa.DataType) -> bool:
    return bool((pa.types.is_list(type_) or pa.types.is_large_list(type_)) and pa.types.is_struct(type_.value_type))


def _nested(made: Tables, entity: core.Entity, column: pa.Array) -> None:
    """The records inside a list column: its offsets and its fields, as they are."""
    assert entity.owner is not None
    if column.null_count:
        assert entity.listed_in is not None
        made.left[entity.owner, entity.listed_in] = np.asarray(column.is_null())
        column = pc.if_else(column.is_valid(), column, pa.scalar([], column.type))
    offsets = np.asarray(column.offsets).astype(np.int64)
    items = column.values.slice(offsets[0], offsets[-1] - offsets[0]) if len(offsets) else column.values
    if items.null_count:
        raise BadTables("records-null", name=entity.listed_in)
    fields = items.flatten()
    names = [items.type.field(i).name for i in range(items.type.num_fields)]
    made.tables[entity.name] = pa.table(dict(zip(names, fields, strict=True))) if names else pa.table({})
    made.offsets[entity.name] = offsets - (offsets[0] if len(offsets) else 0)


def _linked(policy: core.Policy, made: Tables, entity: core.Entity, table: pa.Table) -> None:
    """Records of a table of their own, by the key of the owner that they name."""
    owner = policy.entities[entity.owner or ""]
    if owner.key is None:
        raise BadTables("no-key", entity=owner.name)
    if owner.name != policy.root:
        raise BadTables("records-too-deep", entity=entity.name, owner=owner.name)
    name = link_name(owner, table)
    keys, links = one(made.tables[owner.name][owner.key.name]), one(table[name])
    offsets, order = linked(keys, links, entity.name)
    made.offsets[entity.name] = offsets
    rest = table.drop_columns([name]) if name not in entity.facts else table
    made.tables[entity.name] = rest if order is None else rest.take(order)


def link_name(owner: core.Entity, table: pa.Table | pa.Schema) -> str:
    """The column that names the owner; BadTables where there is none."""
    assert owner.key is not None
    names = table.names if isinstance(table, pa.Schema) else table.column_names
    for name in (owner.name, f"{owner.name}_{owner.key.name}"):
        if name in names:
            return name
    raise BadTables("no-owner-column", name=owner.name)


def linked(keys: pa.Array, links: pa.Array, entity: str) -> tuple[Array, pa.Array | None]:
    """Where the records of each owner begin and end, and the order to put them in where they are not yet in that of the owners."""
    keys, links = _alike(keys), _alike(links)
    if keys.type != links.type:
        keys, links = keys.cast(pa.string()), links.cast(pa.string())
    count = len(links)
    if count:
        change = np.flatnonzero(_differ(links)) + 1
        begins = np.concatenate(([0], change))
        if len(begins) == len(keys) and _same_at(links, begins, keys):
            return np.append(begins, count), None
    if pc.count_distinct(keys).as_py() < len(keys):
        raise BadTables("owners-alike", entity=entity)
    which = pc.index_in(links, value_set=keys)
    if which.null_count:
        raise BadTables("orphan-records", count=which.null_count, entity=entity)
    place = np.asarray(which)
    offsets = np.concatenate(([0], np.cumsum(np.bincount(place, minlength=len(keys)))))
    if count and (np.diff(place) < 0).any():
        return offsets, pa.array(np.argsort(place, kind="stable"))
    return offsets, None


def _alike(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.cast(pa.string()) if pa.types.is_large_string(column.type) else column


def _differ(column: pa.Array) -> Array:
    if pa.types.is_integer(column.type) and not column.null_count:
        values = column.to_numpy()
        changed: Array = values[1:] != values[:-1]
        return changed
    return np.asarray(pc.fill_null(pc.not_equal(column.slice(1), column.slice(0, len(column) - 1)), True))


def _same_at(links: pa.Array, at: Array, keys: pa.Array) -> bool:
    """Whether the links at some places are the keys, one after another."""
    if pa.types.is_integer(links.type) and not keys.null_count:
        return bool(np.array_equal(links.to_numpy()[at], keys.to_numpy()))
    return bool(links.take(pa.array(at)).equals(keys))


def columns_of(policy: core.Policy, tables: Tables, spelt: frozenset[str], spoken: frozenset[str]) -> Columns:
    """The columns of all facts that have one; `spelt` are entities of texts, `spoken` keys that rules read."""
    shapes: dict[Key, Shape] = {}
    given: dict[Key, Given] = {}
    left: dict[str, Array] = {}
    nulls: dict[Key, Array] = {}
    for name in policy.root_names():
        if name not in tables.tables:
            continue
        table = tables.tables[name]
        bad = np.zeros(_length(tables, policy, name), bool)
        known = {fact.name for fact in policy.entities[name].facts.values()}
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
                type_ = fact.type.of if isinstance(fact.type, OptionalType) else fact.type
                if isinstance(type_, RecordType):
                    found, wrong = _reference(policy, tables, name, type_.entity, array, fact.optional)
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
        strangers = [c for c in table.column_names if c.partition(" at ")[0] not in known]
        if strangers:
            raise BadTables("column-no-fact", names=", ".join(strangers), entity=name)
        _keys(policy, tables, name, table, bad)
        left[name] = bad
    return Columns(shapes, given, left, nulls, tables)


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


def _length(tables: Tables, policy: core.Policy, name: str) -> int:
    return tables.tables[name].num_rows if name == policy.root else int(tables.offsets[name][-1])


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
    column = _alike(one(table[key.name]))
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
    array = _alike(array)
    if key is None or policy.entities[target].owner != policy.root or target not in tables.tables or pa.types.is_null(array.type):
        return None, np.asarray(array.is_valid())
    table = tables.tables[target]
    if key.name not in table.column_names or not pa.types.is_string(array.type):
        return None, np.asarray(array.is_valid())
    keys = _alike(one(table[key.name]))
    if not pa.types.is_string(keys.type):
        return None, np.asarray(array.is_valid())
    codes = np.asarray(pc.fill_null(pa.concat_arrays([keys, array]).dictionary_encode().indices, -1)).astype(np.int64)
    many = int(codes.max(initial=0)) + 2
    there = _root_of(policy, tables, target) * many + codes[: len(keys)] + 1
    wanted = _root_of(policy, tables, name) * many + codes[len(keys) :] + 1
    order = np.argsort(there, kind="stable")
    place = np.minimum(np.searchsorted(there[order], wanted), max(len(there) - 1, 0))
    found = order[place] if len(there) else np.zeros(len(wanted), np.int64)
    hit = (there[found] == wanted) if len(there) else np.zeros(len(wanted), bool)
    valid = np.asarray(array.is_valid())
    wrong = valid & ~hit
    none = ~valid
    return Given(Shape("record", none=optional), np.where(hit & valid, found, -1), none), wrong if wrong.any() else None


def _root_of(policy: core.Policy, tables: Tables, name: str) -> Array:
    """The application that each record of an entity belongs to."""
    if name == policy.root:
        return np.arange(tables.tables[name].num_rows)
    owner = policy.entities[name].owner
    assert owner is not None
    offsets = tables.offsets[name]
    return np.repeat(_root_of(policy, tables, owner), np.diff(offsets))


__all__ = ["BadTables", "Columns", "Given", "Tables", "columns_of", "link_name", "together"]
