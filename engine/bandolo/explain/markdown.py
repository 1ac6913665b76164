"""A page as Markdown: for letters, files and issue trackers."""

from __future__ import annotations

import re

from bandolo.explain.blocks import Block, Heading, Line, Quoted, Table

MARKS = {"met": "✔ ", "failed": "✘ ", "unknown": "? ", "not_applicable": "– ", "none": ""}


def markdown(blocks: list[Block]) -> str:
    """The text of a page; what comes from the application or the policy is escaped."""
    lines: list[str] = []
    for block in blocks:
        match block:
            case Heading(text=text, level=level):
                lines += ["", f"{'#' * level} {escaped(text)}", ""]
            case Line(text=text, mark=mark, indent=indent, strong=strong):
                body = escaped(text.strip())
                body = f"**{MARKS[mark]}{body}**" if strong else MARKS[mark] + body
                lines.append("  " * indent + "- " + body if indent or mark != "none" or strong else body + "  ")
            case Quoted(document=document, quotes=quotes, indent=indent):
                said = " ".join(f"«{escaped(q)}»" for q in quotes)
                lines.append("  " * indent + f"- *{escaped(document)}*: {said}")
            case Table(heads=heads, rows=rows):
                lines += ["", "| " + " | ".join(map(escaped, heads)) + " |", "|" + " --- |" * len(heads)]
                lines += ["| " + " | ".join(map(escaped, row)) + " |" for row in rows]
                lines.append("")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def escaped(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(text.split()))
