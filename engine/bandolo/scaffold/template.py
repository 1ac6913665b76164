"""A template and its values to a text: lines for one language, blocks that hold only sometimes, and names to fill in.

A line of a template that begins with

- `note|` is said to whoever edits the template, and falls away;
- `it|` or `en|` is there only in that language, without the mark;
- `#if NAME` begins a block, up to its `#end`, that is there only where NAME holds.

Everything else is copied, with `$name` filled in. A name that nothing fills is a `KeyError`: a slip of ours, not of the person who answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from importlib.resources import files
from string import Template

from bandolo.language.types import Language


def filled(name: str, lang: Language, holds: Set[str], values: Mapping[str, str]) -> str:
    """The text that a template of `templates/` comes to."""
    text = (files("bandolo.scaffold") / "templates" / f"{name}.template").read_text(encoding="utf-8")
    return Template("".join(_chosen(text, lang, holds))).substitute(values)


def _chosen(text: str, lang: Language, holds: Set[str]) -> list[str]:
    """The lines that stay, their marks taken off."""
    lines: list[str] = []
    open_blocks: list[bool] = []
    for line in text.splitlines(keepends=True):
        block = re.fullmatch(r"#(if) (\w+)\n|#(end)\n", line)
        mark = re.match(r"(it|en|note)\|", line)
        if block and block.group(1):
            open_blocks.append(block.group(2) in holds)
        elif block:
            open_blocks.pop()
        elif all(open_blocks) and (mark is None or mark.group(1) == lang):
            lines.append(line[mark.end() :] if mark else line)
    assert not open_blocks, "a block of the template is not closed"
    return lines
