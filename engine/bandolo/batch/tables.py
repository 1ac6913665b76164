"""The tables of a batch, put together: the records of every entity in the order of their owners, from lists or from tables of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bandolo.batch.forms import are_nested, plainly_formed
from bandolo.batch.helpers import Array
from bandolo.check import core
from bandolo.diagnostics import BandoloError, Diagnostic


class BadTables(BandoloError):
    """Tables that do not fit the policy or one another; `diagnostic` says how."""

    def __init__(self, code: str, **args: object) -> None:
        super().__init__([Diagnostic(code, args=args)])

    def __reduce__(self) -> Any:
        return _again, (self.diagnostics,)

    @property
    def diagnostic(self) -> Diagnostic:
        return self.diagnostics[0]

    def of(self, path: str | None) -> BadTables:
        """The same, said of a file."""
        self.diagnostics = (replace(self.diagnostic, file=path),)
        return self


def _again(diagnostics: tuple[Diagnostic, ...]) -> BadTables:
    """One that comes from another process."""
    made = BadTables(diagnostics[0].code)
    made.diagnostics = diagnostics
    return made


@runtime_checkable
class Streamed(Protocol):
    """What Arrow takes as a table: its own tables and batches, data frames of Polars and pandas, relations of DuckDB."""

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...


def as_tables(policy: core.Policy, given: Mapping[str, Streamed] | Streamed) -> dict[str, pa.Table]:
    """The tables by entity; a single one is the root's. Raises TypeError for what is no table."""
    tables = given if isinstance(given, Mapping) else {policy.root: given}
    for table in tables.values():
        if not isinstance(table, Streamed):
            raise TypeError(f"a table is needed here (of Arrow, or what gives itself as one), not {type(table).__name__}")
    return {name: table if isinstance(table, pa.Table) else pa.table(table) for name, table in tables.items()}


@dataclass
class Tables:
    """The records of every entity, in the order of their owners: tables, and where the rows of each owner begin and end."""

    tables: dict[str, pa.Table]
    offsets: dict[str, Array]
    absent: list[str]
    """Entities of which there is neither a table nor a list."""
    left: dict[tuple[str, str], Array]
    """The records of an entity that lack a list, by entity and list."""


def together(policy: core.Policy, tables: Mapping[str, pa.Table]) -> Tables:
    """The tables of all entities in the order of their owners: from nested lists, or from tables that name their owner's key.

    Raises BadTables, also for what would go unread. Codes: `table-missing`, `table-no-entity`, `orphan-records`, `owners-alike`, `no-key`,
    `no-owner-column`, `records-too-deep`, `records-null`, `records-no-list`, `records-in-two-places`, `missing-column`, `key-no-text`,
    `column-twice`.
    """
    if policy.root not in tables:
        raise BadTables("table-missing", entity=policy.root)
    known_records(policy, tables.keys() - {policy.root})
    root = policy.entities[policy.root]
    made = Tables({policy.root: _formed(tables[policy.root])}, {}, [], {})
    if root.key is not None and root.key.name in made.tables[policy.root].column_names:
        named(made.tables[policy.root].schema, root.key.name)
    for name in policy.root_names():
        entity = policy.entities[name]
        if entity.owner is None or entity.listed_in is None:
            continue
        above = made.tables[entity.owner]
        column = one(above[entity.listed_in]) if entity.listed_in in above.column_names else None
        if column is not None and column.null_count == len(column) and not _is_list(column.type):
            column = None  # a column of nothing, of whatever type Arrow took it for
        if name in tables:
            if column is not None and column.null_count < len(column):
                raise BadTables("records-in-two-places", entity=name, name=entity.listed_in)
            _linked(policy, made, entity, _formed(tables[name]))
        elif column is not None:
            _nested(made, entity, column)
        else:
            made.absent.append(name)
            many = made.tables[entity.owner].num_rows if entity.owner == policy.root else int(made.offsets[entity.owner][-1])
            made.tables[name], made.offsets[name] = pa.table({}), np.zeros(many + 1, np.int64)
            made.left[entity.owner, entity.listed_in] = np.ones(many, bool)
    return made


def one(column: pa.ChunkedArray) -> pa.Array:
    """A column in one piece."""
    if column.num_chunks == 1:
        return column.chunk(0)
    return column.combine_chunks() if column.num_chunks else pa.array([], column.type)


def _is_list(type_: pa.DataType) -> bool:
    return bool(pa.types.is_list(type_) or pa.types.is_large_list(type_))


def known_records(policy: core.Policy, names: Iterable[str]) -> None:
    """Raises BadTables where a name is that of no records below the root: they would go unread. Code: `table-no-entity`."""
    listed = [e.name for e in policy.entities.values() if e.owner is not None]
    strangers = sorted(map(str, {*names} - {*listed}))
    if strangers:
        raise BadTables("table-no-entity", name=strangers[0], known=", ".join((policy.root, *listed)))


def once(names: list[str], path: str | None = None) -> None:
    """Raises BadTables where a column of a table, or of a file, stands twice. Code: `column-twice`."""
    for at, name in enumerate(names):
        if name in names[:at]:
            raise BadTables("column-twice", name=name, first=f"#{names.index(name) + 1}").of(path)


def _formed(table: pa.Table) -> pa.Table:
    """A table in one piece whose columns have the forms that are read."""
    once(table.column_names)
    whole = table.combine_chunks()
    for at, name in enumerate(whole.column_names):
        column = one(whole.column(at))
        formed = plainly_formed(column)
        if formed is not column:
            whole = whole.set_column(at, name, formed)
    return whole


def named(schema: pa.Schema, key: str) -> None:
    """Raises BadTables where a column that names records holds no names. Code: `key-no-text`."""
    kind = schema.field(key).type
    if are_nested(kind):
        raise BadTables("key-no-text", name=key, found=str(kind))


def _nested(made: Tables, entity: core.Entity, column: pa.Array) -> None:
    """The records inside a list column: its offsets and its fields, as they are."""
    assert entity.owner is not None
    assert entity.listed_in is not None
    kind = column.type
    if not _is_list(kind) or not (pa.types.is_struct(kind.value_type) or pa.types.is_null(kind.value_type)):
        raise BadTables("records-no-list", name=entity.listed_in, found=str(kind))
    if column.null_count:
        made.left[entity.owner, entity.listed_in] = np.asarray(column.is_null())
        column = pc.if_else(column.is_valid(), column, pa.scalar([], column.type))
    offsets = np.asarray(column.offsets).astype(np.int64)
    items = column.values.slice(offsets[0], offsets[-1] - offsets[0]) if len(offsets) else column.values
    if items.null_count:
        raise BadTables("records-null", name=entity.listed_in)
    fields = [] if pa.types.is_null(items.type) else [plainly_formed(f) for f in items.flatten()]
    names = [items.type.field(i).name for i in range(len(fields))]
    once(names)
    made.tables[entity.name] = pa.table(dict(zip(names, fields, strict=True)))
    made.offsets[entity.name] = offsets - (offsets[0] if len(offsets) else 0)


def _linked(policy: core.Policy, made: Tables, entity: core.Entity, table: pa.Table) -> None:
    """Records of a table of their own, by the key of the owner that they name."""
    owner = policy.entities[entity.owner or ""]
    if owner.key is None:
        raise BadTables("no-key", entity=owner.name)
    if owner.name != policy.root:
        raise BadTables("records-too-deep", entity=entity.name, owner=owner.name)
    name = link_name(owner, table)
    if owner.key.name not in made.tables[owner.name].column_names:
        raise BadTables("missing-column", name=owner.key.name)
    named(table.schema, name)
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
    keys, links = alike(keys), alike(links)
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
        raise orphans(which, links, entity)
    place = np.asarray(which)
    offsets = np.concatenate(([0], np.cumsum(np.bincount(place, minlength=len(keys)))))
    if count and (np.diff(place) < 0).any():
        return offsets, pa.array(np.argsort(place, kind="stable"))
    return offsets, None


def orphans(which: pa.Array, links: pa.Array, entity: str) -> BadTables:
    """What is said of records whose owner is not there; `which` has no value for them. Code: `orphan-records`."""
    row = int(np.argmax(np.asarray(which.is_null())))
    return BadTables("orphan-records", count=which.null_count, entity=entity, row=row + 1, first=links[row].as_py() or "")


def alike(column: pa.Array) -> pa.Array:
    """Keys as they are compared: texts plainly, not by code."""
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


def root_of(policy: core.Policy, tables: Tables, name: str) -> Array:
    """The application that each record of an entity belongs to."""
    if name == policy.root:
        return np.arange(tables.tables[name].num_rows)
    owner = policy.entities[name].owner
    assert owner is not None
    offsets = tables.offsets[name]
    return np.repeat(root_of(policy, tables, owner), np.diff(offsets))


def length(tables: Tables, policy: core.Policy, name: str) -> int:
    """How many records of an entity there are."""
    return tables.tables[name].num_rows if name == policy.root else int(tables.offsets[name][-1])
