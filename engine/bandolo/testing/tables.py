"""Cases as a table: a row of headings, then a case a row. Each row is made into the case that it stands for, as if it were written out.

A heading is a path into the application, as in `change`, or `expect.outcome`, `expect.results.grant`, `readings.NAME`, `set.NAME`, `as_of`.
The cell `_` says nothing in its row.
"""

from __future__ import annotations

import re

from bandolo.diagnostics import Diagnostic
from bandolo.diagnostics.spelling import nearest
from bandolo.syntax.shape import EXPECT
from bandolo.syntax.yaml_tree import Mapping, Scalar, Sequence, Tree

BLANK = "_"
SECTIONS = ("change", "expect", "readings", "set")
NESTED = ("verdicts", "message", "stages", "ranking")
"""What `expect` holds by name, and by record below that: their headings go down by points. Those of results are paths of their own."""
PLACE = re.compile(r"\{([^{}]+)\}")


def cases_of_table(item: Mapping) -> tuple[list[Mapping], list[Diagnostic]]:
    """The cases of a table, in its order; a case without one as it is. Codes: `case-heading`, `case-row`."""
    table = item.get("table")
    if not isinstance(table, Sequence):
        return [item], []
    rows = [row for row in table.items if isinstance(row, Sequence)]
    headings = [h for h in rows[0].items if isinstance(h, Scalar)] if rows else []
    if len(rows) < 2 or len(headings) != len(rows[0].items):
        return [], [Diagnostic("case-heading", table.span, {"heading": "", "nearest": None})]
    wrong = [d for h in headings if (d := _unknown(h)) is not None]
    if wrong:
        return [], wrong
    found: list[Mapping] = []
    for row in rows[1:]:
        if len(row.items) != len(headings):
            args = {"found": len(row.items), "wanted": len(headings)}
            wrong.append(Diagnostic("case-row", row.span, args))
        else:
            found.append(_case(item, row, list(zip(headings, row.items, strict=True)), len(found) + 1))
    return found, wrong


def _unknown(heading: Scalar) -> Diagnostic | None:
    section, _, rest = heading.value.partition(".")
    if section != "expect" and not (section in SECTIONS and not rest):
        return None
    name = rest.partition(".")[0]
    if name in EXPECT.keys:
        return None
    near = nearest(name, EXPECT.keys)
    return Diagnostic("case-heading", heading.span, {"heading": heading.value, "nearest": f"expect.{near}" if near else None})


def _case(item: Mapping, row: Sequence, cells: list[tuple[Scalar, Tree]], number: int) -> Mapping:
    """One row as the case that it stands for; its keys are the headings, its place is the row."""
    sections: dict[str, Mapping] = {}
    entries = {key.value: (key, value) for key, value in item.entries if key.value != "table"}
    for heading, cell in cells:
        if isinstance(cell, Scalar) and cell.is_plain and cell.value == BLANK:
            continue
        if heading.value == "as_of":
            entries["as_of"] = (heading, cell)
            continue
        section, _, rest = heading.value.partition(".")
        if section not in SECTIONS or not rest:
            section, rest = "change", heading.value
        steps = rest.split(".") if section == "expect" and rest.partition(".")[0] in NESTED else [rest]
        if section == "expect" and rest.startswith("results."):
            steps = ["results", rest.removeprefix("results.")]
        own = item.get(section)
        before = sections.get(section, own if isinstance(own, Mapping) else Mapping(row.span, ()))
        sections[section] = _with(before, steps, heading, cell)
    for section, mapping in sections.items():
        entries[section] = (_key(row, section), mapping)
    name = entries.get("name")
    if name is not None:
        entries["name"] = (name[0], Scalar(row.span, _name(name[1], cells, number), None))
    return Mapping(row.span, tuple(entries.values()))


def _key(row: Sequence, name: str) -> Scalar:
    return Scalar(row.span, name, None)


def _with(mapping: Tree | None, steps: list[str], heading: Scalar, cell: Tree) -> Mapping:
    """A mapping with one more entry, at some depth; an entry of that name gives way."""
    entries = {k.value: (k, v) for k, v in mapping.entries} if isinstance(mapping, Mapping) else {}
    span = mapping.span if isinstance(mapping, Mapping) else heading.span
    first, *rest = steps
    before = entries[first][1] if first in entries else None
    value = _with(before, rest, heading, cell) if rest else cell
    entries[first] = (Scalar(heading.span, first, None), value)
    return Mapping(span, tuple(entries.values()))


def _name(pattern: Tree, cells: list[tuple[Scalar, Tree]], number: int) -> str:
    """The name of a row: the cells in the places of the pattern that their headings name, whole or by their last part.

    A pattern without places is followed by the cells.
    """
    text = pattern.value if isinstance(pattern, Scalar) else ""
    shown = {"row": str(number)}
    for heading, cell in cells:
        shown.setdefault(heading.value.rpartition(".")[2], _shown(cell))
        shown[heading.value] = _shown(cell)
    if not any(place in shown for place in PLACE.findall(text)):
        return f"{text}: {', '.join(_shown(cell) for _, cell in cells)}"
    return PLACE.sub(lambda m: shown.get(m.group(1), m.group()), text)


def _shown(cell: Tree) -> str:
    return cell.value if isinstance(cell, Scalar) else " ".join(cell.span.text.split())
