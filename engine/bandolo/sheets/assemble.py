"""Rows of sheets to applications: each root row is one, with the records of the other sheets under their owners, to any depth.

What is wrong with the file as a whole refuses the file; what is wrong with a row refuses its application, and the others go on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bandolo import limits
from bandolo.check import core
from bandolo.diagnostics import Diagnostic
from bandolo.diagnostics.spelling import nearest
from bandolo.evaluate.typed import BadValue, read_value
from bandolo.language.types import BOOLEAN, TEXT, ChoiceType, OptionalType, RecordType, Type
from bandolo.sheets.cells import BadCell, Cell, count, datum
from bandolo.sheets.layout import Column, Sheet, layout, plain_words
from bandolo.sheets.spelling import Spelling
from bandolo.sheets.workbook import BadFile, RawSheet, Row, letters

Keys = tuple[str, ...]
NEAR = 2_000
"""Among how many keys the nearest is looked for."""


@dataclass(frozen=True, slots=True)
class Source:
    """One sheet of a file: its rows, the file's name, whether places name the sheet too, and how its texts are spelt."""

    raw: RawSheet
    file: str
    named: bool
    ways: Spelling

    def place(self, row: int, column: int) -> str:
        """`Partner!C7`, as the program says it that shows the sheet."""
        return self.area(f"{letters(column)}{row}")

    def area(self, cells: str) -> str:
        if not self.named:
            return cells
        plain = re.fullmatch(r"[^\W\d]\w*", self.raw.title)
        return f"{self.raw.title}!{cells}" if plain else f"'{self.raw.title}'!{cells}"

    @property
    def whole(self) -> str | None:
        """The place of what concerns a sheet and none of its cells."""
        return self.raw.title if self.named else None


@dataclass(frozen=True, slots=True)
class _Header:
    """Where the headings stand, and which column of the sheet holds what.

    `seen` are the data of texts of few kinds, by column and text: a hundred thousand rows say yes and no in the same few ways.
    """

    row: int
    columns: tuple[tuple[int, Column], ...]
    texts: Mapping[int, str]
    given_as: Mapping[int, Type] = field(default_factory=dict)
    seen: dict[tuple[int, str], Any] = field(default_factory=dict)

    def at(self, name: str) -> int:
        return next((i for i, c in self.columns if c.name == name), 0)


@dataclass(slots=True)
class _Node:
    """A record with the row that it comes from; `root` is the application it belongs to."""

    data: dict[str, Any]
    source: Source
    header: _Header
    row: int
    root: _Node | None = None
    below: dict[str, list[_Node]] = field(default_factory=dict)
    counts: dict[str, tuple[int, int]] = field(default_factory=dict)
    found: list[Diagnostic] = field(default_factory=list)


@dataclass(frozen=True)
class Assembled:
    """One application: its data, its place, what is wrong with its rows, and where a path of it stands."""

    label: str
    data: dict[str, Any]
    diagnostics: tuple[Diagnostic, ...]
    node: _Node

    def located(self, path: str) -> tuple[str, str]:
        """The file and the cell of `$.partners[3].costs`, or of the record that is nearest to it."""
        node, rest = self.node, path.removeprefix("$")
        while (match := re.match(r"\.(\w+)\[(\d+)\]", rest)) and match[1] in node.below and int(match[2]) < len(node.below[match[1]]):
            node, rest = node.below[match[1]][int(match[2])], rest[match.end() :]
        names = re.findall(r"\.(\w+)", rest)
        wanted = [" at ".join(names[:2]), names[0]] if names else []
        column = next((i for name in wanted for i, c in node.header.columns if c.name == name), None)
        if column is None and names:
            column = next((i for i, c in node.header.columns if c.fact is not None and c.fact.name == names[0]), None)
        if column is None:  # the record as a whole: its own key, the last of the keys
            column = next((i for i, c in reversed(node.header.columns) if c.is_key), node.header.columns[0][0])
        return node.source.file, node.source.place(node.row, column)


def assemble(policy: core.Policy, sources: Mapping[str, Source]) -> tuple[list[Assembled], list[Diagnostic]]:
    """The applications of some sheets by entity, and what is wrong with the file or with rows that belong to none.

    Codes: `no-header`, `unknown-column`, `column-twice`, `missing-column`, `merged-cells`, `beyond-headings`, `no-rows`,
    `row-without-key`, `row-twice`, `orphan-row`, `count-differs`, and those of one cell (cells.py).
    """
    maker = _Maker(policy, layout(policy))
    try:
        for name, sheet in maker.sheets.items():
            if name in sources:
                maker.sheet(sheet, sources[name])
    except BadFile as bad:
        return [], [bad.diagnostic]
    maker.counted()
    if maker.broken:
        return [], maker.loose
    if not maker.roots and not maker.loose:
        source = sources[policy.root]
        maker.loose.append(Diagnostic("no-rows", file=source.file, path=source.whole))
    return [maker.assembled(node) for node in maker.roots], maker.loose


@dataclass
class _Maker:
    policy: core.Policy
    sheets: dict[str, Sheet]
    roots: list[_Node] = field(default_factory=list)
    nodes: dict[str, dict[Keys, _Node]] = field(default_factory=dict)
    loose: list[Diagnostic] = field(default_factory=list)
    broken: bool = False

    def sheet(self, sheet: Sheet, source: Source) -> None:
        """Read the rows of a sheet and hang each under its owner."""
        self.nodes[sheet.entity.name] = {}
        waiting: list[tuple[int, Row]] = []
        header: _Header | None = None
        rows = source.raw.rows()
        for number, row in rows:
            if header is not None:
                self._row(sheet, source, header, number, row)
                continue
            waiting.append((number, row))
            if len(waiting) == limits.SHEET_HEADER_ROWS:
                header = self._begin(sheet, source, waiting)
                if header is None:
                    return
        if header is None:
            header = self._begin(sheet, source, waiting)
        if header is not None:
            self._merged(source, header)

    def _begin(self, sheet: Sheet, source: Source, waiting: list[tuple[int, Row]]) -> _Header | None:
        header = self._header(sheet, source, waiting)
        if header is None or self.broken:
            self.broken = True
            return None
        for number, row in waiting:
            if number > header.row:
                self._row(sheet, source, header, number, row)
        return header

    # The row of headings.

    def _header(self, sheet: Sheet, source: Source, waiting: list[tuple[int, Row]]) -> _Header | None:
        """The early row with the most headings that are known; titles may stand above it."""

        def known(row: Row) -> int:
            return sum(plain_words(cell.text) in sheet.by_word for cell in row.values())

        number, row = max(waiting, key=lambda w: known(w[1]), default=(1, {}))
        if not known(row):
            if not waiting and sheet.owners:
                return None if self.broken else _Header(1, ((0, sheet.columns[0]),), {})  # an empty sheet has no records
            wanted = [c.headings for c in sheet.columns if c.is_key][:3]
            args = {"limit": limits.SHEET_HEADER_ROWS, "columns": [_both(w) for w in wanted]}
            self._refuse("no-header", source, source.whole, args)
            return None
        columns: dict[str, int] = {}
        for i, cell in sorted(row.items()):
            column = sheet.by_word.get(plain_words(cell.text))
            place = source.place(number, i)
            if column is None:
                near = nearest(cell.text, [w for c in sheet.columns for w in (c.headings.it, c.headings.en, c.name)])
                self._refuse("unknown-column", source, place, {"name": cell.text.strip()[:80], "nearest": near})
            elif column.name in columns:
                first = source.place(number, columns[column.name])
                self._refuse("column-twice", source, place, {"name": cell.text.strip()[:80], "first": first})
            else:
                columns[column.name] = i
        for column in sheet.columns:
            if column.is_key and column.name not in columns:
                self._refuse("missing-column", source, source.whole, {"name": _both(column.headings)})
        found = tuple((columns[c.name], c) for c in sheet.columns if c.name in columns)
        return _Header(number, found, {i: cell.text for i, cell in row.items()}, {i: self._given_as(c.type) for i, c in found})

    def _refuse(self, code: str, source: Source, place: str | None, args: dict[str, Any]) -> None:
        self.broken = True
        self.loose.append(Diagnostic(code, file=source.file, path=place, args=args))

    def _merged(self, source: Source, header: _Header) -> None:
        """Cells that are merged hold one value for several rows or columns, and nobody can say which was meant."""
        for area in source.raw.merged:
            first = re.match(r"([A-Z]+)([0-9]+)", area)
            last = re.search(r"([0-9]+)$", area)
            if first is None or last is None or int(last[1]) < header.row:
                continue  # a title above the headings
            self._refuse("merged-cells", source, source.area(area), {"area": area})

    # Rows.

    def _row(self, sheet: Sheet, source: Source, header: _Header, number: int, row: Row) -> None:
        if len(row) == len(header.texts) and all(i in row and row[i].text == text for i, text in header.texts.items()):
            return  # the headings once more, as where tables were pasted one below the other
        node = _Node({}, source, header, number)
        keys = self._cells(source, node, row)
        stray = sorted(set(row) - {i for i, _ in header.columns})
        if stray:
            self._say(node, "beyond-headings", stray[0], found=row[stray[0]].text.strip()[:60])
        self._hang(sheet, node, keys)

    def _say(self, node: _Node, code: str, column: int, **args: object) -> None:
        node.found.append(Diagnostic(code, file=node.source.file, path=node.source.place(node.row, column), args=args))

    def _cells(self, source: Source, node: _Node, row: Row) -> dict[str, str]:
        """Fill a record with its row's cells; the texts of its keys and its owners', by the name of their column."""
        keys: dict[str, str] = {}
        for i, column in node.header.columns:
            cell = row.get(i)
            if cell is None:
                continue
            try:
                self._cell(node, column, i, cell, source.ways, keys)
            except BadCell as bad:
                node.found.append(Diagnostic(bad.code, file=source.file, path=source.place(node.row, i), args=bad.args_))
                if column.is_key:
                    keys[column.name] = ""  # there, and already spoken of
        return keys

    def _cell(self, node: _Node, column: Column, i: int, cell: Cell, ways: Spelling, keys: dict[str, str]) -> None:
        if column.kind == "count":
            node.counts[column.name] = count(cell, ways), i
            return
        if column.kind == "line" or column.fact is None:
            keys[column.name] = cell.text.strip()
            return
        type_ = node.header.given_as[i]
        few = cell.kind == "text" and (type_ is BOOLEAN or isinstance(type_, ChoiceType))
        if few and (i, cell.text) in node.header.seen:
            value = node.header.seen[i, cell.text]
        else:
            value = datum(cell, type_, column.fact.optional and column.kind == "fact", ways)
            if few:
                node.header.seen[i, cell.text] = value
        if column.is_key:
            keys[column.name] = self._key(value, type_)
        if column.kind == "owner":
            return
        if column.stage is None:
            node.data[column.fact.name] = value
        else:
            node.data.setdefault(column.fact.name, {})[column.stage] = value

    def _given_as(self, type_: Type) -> Type:
        """The type in which a cell is read: a reference is given by the key of its record."""
        inner = type_.of if isinstance(type_, OptionalType) else type_
        if isinstance(inner, RecordType):
            key = self.policy.entities[inner.entity].key
            return self._given_as(key.type) if key is not None else TEXT
        return inner

    def _key(self, value: Any, type_: Type) -> str:
        """A key as records are told apart by it."""
        try:
            return str(read_value(value, type_, self.policy.conventions))
        except BadValue:
            return str(value)  # refused where the fact itself is read

    def _hang(self, sheet: Sheet, node: _Node, keys: dict[str, str]) -> None:
        """Put a record under its owner, or say why it cannot be."""
        entity = sheet.entity
        own_column = next((c for c in sheet.columns if c.is_key and c.kind != "owner"), None)
        lacking = [i for i, c in node.header.columns if c.is_key and c.name not in keys]
        for i in lacking:
            heading = next(c.headings for j, c in node.header.columns if j == i)
            self._say(node, "row-without-key", i, name=_both(heading))
        path = tuple(keys.get(owner, "") for owner in sheet.owners)
        own = keys.get(own_column.name) if own_column is not None else None
        owner = self._owner(sheet, node, path) if sheet.owners else None
        node.root = node if not sheet.owners else owner.root if owner is not None else self.nodes.get(self.policy.root, {}).get(path[:1])
        if sheet.owners and owner is None and node.root is None and (meant := nearest(path[0], self._roots())) is not None:
            node.root = self.nodes[self.policy.root][meant,]  # likely its application: it must not be decided without this row
        if node.root is None:
            self.loose += node.found
            return
        full = (*path, own) if own else None
        first = self.nodes[entity.name].get(full) if full is not None else None
        if first is not None and own_column is not None:
            at = node.header.at(own_column.name)
            self._say(node, "row-twice", at, key=own, first=first.source.place(first.row, first.header.at(own_column.name)))
        elif full is not None:
            self.nodes[entity.name][full] = node
        if node.root is not node:
            node.root.found += node.found
        elif first is not None:
            first.found += node.found
        if first is not None:
            return
        if not sheet.owners:
            self.roots.append(node)
        elif owner is not None and entity.listed_in is not None:
            owner.below.setdefault(entity.listed_in, []).append(node)

    def _roots(self) -> list[str]:
        return [keys[0] for keys in self.nodes.get(self.policy.root, {})][:NEAR]

    def _owner(self, sheet: Sheet, node: _Node, path: Keys) -> _Node | None:
        """The record above, by the keys of all owners; a row without one is an orphan."""
        if not all(path):
            return None  # said already
        owners = self.nodes.get(sheet.owners[-1], {})
        found = owners.get(path)
        if found is None:
            depth = next((i for i in range(len(path)) if path[: i + 1] not in self.nodes.get(sheet.owners[i], {})), len(path) - 1)
            known = [keys[depth] for keys in self.nodes.get(sheet.owners[depth], {}) if keys[:depth] == path[:depth]]
            near = nearest(path[depth], known[:NEAR])
            title = _both(self.sheets[sheet.owners[depth]].titles)
            self._say(node, "orphan-row", node.header.at(sheet.owners[depth]), key=path[depth], sheet=title, nearest=near)
        return found

    # The whole.

    def counted(self) -> None:
        """Lists as long as they are said to be; one of which nothing is said and nothing listed stays unknown."""
        pending = list(self.roots)
        while pending:
            node = pending.pop()
            for name, below in node.below.items():
                node.data[name] = [n.data for n in below]
                pending += below
            for name, (said, column) in node.counts.items():
                found = len(node.below.get(name, []))
                if said != found:
                    where = Diagnostic(
                        "count-differs",
                        file=node.source.file,
                        path=node.source.place(node.row, column),
                        args={"said": said, "found": found, "name": node.header.texts.get(column, name)},
                    )
                    (node.root or node).found.append(where)
                elif not found:
                    node.data[name] = []

    def assembled(self, node: _Node) -> Assembled:
        label = f"{node.source.file} {node.source.place(node.row, node.header.columns[0][0])}"
        return Assembled(label, node.data, tuple(node.found), node)


def _both(texts: core.Texts) -> str:
    return texts.it if texts.it == texts.en else f"{texts.it} / {texts.en}"
