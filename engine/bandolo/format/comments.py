"""Comments with their places, which YAML's own reader throws away, and the blank lines between what is written.

Whatever stands between the scalars of a tree is brackets, signs, blanks or a comment: a `#` there always begins one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bandolo.source import SourceFile
from bandolo.syntax.yaml_tree import Scalar, Tree, walk

COMMENT = re.compile(r"(?m)^%.*|^(?:---|\.\.\.)(?=\s|$)|#[^\n\r\x85\u2028\u2029]*")
HEAD = re.compile(r"[|>][-+0-9]*[ \t]*(#[^\n\r]*)?")


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment, or a mark of the whole file (`---`), which is kept like one."""

    offset: int
    text: str
    column: int
    own_line: bool
    blank_above: bool

    @property
    def is_mark(self) -> bool:
        return not self.text.startswith("#")


def read_comments(tree: Tree, source: SourceFile) -> list[Comment]:
    """The comments of a file, in order."""
    scalars = sorted((node for node in walk(tree) if isinstance(node, Scalar)), key=lambda s: s.span.start)
    found: list[Comment] = []
    at = 0
    for scalar in scalars:
        found += [_comment(source, m.start(), m.group()) for m in COMMENT.finditer(source.text, at, scalar.span.start)]
        at = max(at, scalar.span.end)
        head = HEAD.match(source.text, scalar.span.start) if scalar.style in ("|", ">") else None
        if head is not None and head.group(1):
            found.append(_comment(source, head.start(1), head.group(1)))
    return found + [_comment(source, m.start(), m.group()) for m in COMMENT.finditer(source.text, at)]


def _comment(source: SourceFile, offset: int, text: str) -> Comment:
    line, column = source.position(offset)
    own_line = not source.line(line)[: column - 1].strip(" \ufeff")
    is_mark = not text.startswith("#")
    return Comment(offset, text.rstrip(), -1 if is_mark else column - 1, own_line, own_line and blank_above(source, line))


def blank_above(source: SourceFile, line: int) -> bool:
    """Whether the line above a line is blank."""
    return line > 1 and not source.line(line - 1).strip()
