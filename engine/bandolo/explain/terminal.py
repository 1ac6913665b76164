"""A page on a terminal, or as plain text where there is none."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from bandolo.explain.blocks import Block, Heading, Line, Quoted, Table

MARKS = {
    "met": ("✔ ", "green"),
    "failed": ("✘ ", "bold red"),
    "unknown": ("? ", "yellow"),
    "not_applicable": ("– ", "dim"),
    "none": ("", ""),
}


def show(console: Console, blocks: list[Block]) -> None:
    """Print a page; long lines wrap under their own indentation."""
    for block in blocks:
        match block:
            case Heading(text=text, level=level):
                if level > 1:
                    console.print()
                console.print(Text(text, style={1: "bold", 2: "bold cyan"}.get(level, "underline")))
            case Line(text=text, mark=mark, indent=indent, strong=strong):
                sign, style = MARKS[mark]
                inner = len(text) - len(text.lstrip())
                words = Text(text.strip(), style="bold" if strong else "")
                console.print(Padding(_hanging(Text(sign, style=style), words), (0, 0, 0, 2 * indent + inner), expand=False))
            case Quoted(document=document, quotes=quotes, indent=indent):
                said = " ".join(f"«{q}»" for q in quotes)
                console.print(Padding(Text(f"{said} — {document}", style="italic dim"), (0, 0, 0, 2 * indent), expand=False))
            case Table(heads=heads, rows=rows):
                table = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
                for i, head in enumerate(heads):
                    table.add_column(head, justify="left" if i == 0 or not head else "right")
                for row in rows:
                    table.add_row(*(Text(cell) for cell in row))
                console.print(table)


def _hanging(sign: Text, words: Text) -> Text | RichTable:
    """A line whose second row begins under its words, not under its sign."""
    if not sign:
        return words
    row = RichTable.grid()
    row.add_column(width=len(sign))
    row.add_column()
    row.add_row(sign, words)
    return row
