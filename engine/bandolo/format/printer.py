"""A tree and its comments as lines: block style, two blanks a level, items of a list set in under their key.

Comments are a queue in order of place. Before a node is written, those that stand before it are; after it, the one at its line's end.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from itertools import takewhile

from bandolo.format.comments import Comment, blank_above, read_comments
from bandolo.format.expressions import on_one_line
from bandolo.format.flow import flow_text, gains_nothing, in_flow, is_list_literal
from bandolo.format.scalars import WIDTH, Written, name_of, written
from bandolo.format.shapes import fitting, of_item, of_value
from bandolo.source import SourceFile
from bandolo.syntax import shape as s
from bandolo.syntax.yaml_tree import Mapping, Scalar, Sequence, Tree


@dataclass(frozen=True, slots=True)
class Next:
    """Where what follows a node begins in the old text: its offset and column."""

    offset: int
    column: int


def lay_out(tree: Mapping, shape: s.Shape, source: SourceFile) -> str:
    """The text of a file in the canonical layout."""
    printer = _Printer(source, read_comments(tree, source))
    printer.sections(tree, shape)
    return "\n".join(printer.lines) + "\n"


class _Printer:
    """The lines written so far, and the comments still to be written."""

    def __init__(self, source: SourceFile, comments: list[Comment]) -> None:
        self.source = source
        self.comments = deque(comments)
        self.lines: list[str] = []
        self.dashes = ""  # the beginning of a list item whose first line is still to come
        self.unfolded: set[int] = set()  # where the lists begin that are alone in a collection too long for its line
        self.open_end = False  # a text that blank lines below would lengthen has just been written

    # Lines.

    def line(self, text: str, indent: int) -> None:
        self.lines.append((self.dashes or " " * indent) + text)
        self.dashes, self.open_end = "", False

    def blank(self) -> None:
        if self.lines and self.lines[-1] and not self.dashes and not self.open_end:
            self.lines.append("")

    def own_line(self, comment: Comment, indent: int) -> None:
        """A comment on a line of its own; above the item, if the item has begun."""
        if comment.blank_above:
            self.blank()
        self.above(comment.text, 0 if comment.is_mark else indent)

    def above(self, text: str, indent: int) -> None:
        if self.dashes:
            indent = len(self.dashes) - len(self.dashes.lstrip(" "))
        self.lines.append(" " * indent + text)
        self.open_end = False

    # Comments.

    def lead(self, offset: int, indent: int, follows: int | None = None) -> None:
        """The comments before an offset, and the blank line that stood above what begins there."""
        early = self._until(offset if follows is None else follows)
        after_blank = self._blank_above(offset)
        if after_blank and any(c.offset > offset for c in early):
            self.blank()
            after_blank = False
        for comment in early:
            self.own_line(comment, indent)
            self.comments.popleft()
        if after_blank:
            self.blank()

    def _until(self, offset: int) -> list[Comment]:
        return list(takewhile(lambda c: c.offset < offset, self.comments))

    def _blank_above(self, offset: int) -> bool:
        number, column = self.source.position(offset)
        begins = re.fullmatch(r"[\s?-]*", self.source.line(number)[: column - 1])
        return begins is not None and blank_above(self.source, number)

    def beside(self, offset: int, until: int) -> str:
        """The comment that stands on the line of an offset, before another offset; empty if there is none."""
        if self.comments and not self.comments[0].own_line and offset <= self.comments[0].offset < until:
            between = self.source.text[offset : self.comments[0].offset]
            if "\n" not in between:
                return "  " + self.comments.popleft().text
        return ""

    def trail(self, tree: Mapping | Sequence, column: int, indent: int, following: Next) -> None:
        """The comments at the end of a collection: inside its brackets, or set in as deep as its entries."""
        while self.comments:
            comment = self.comments[0]
            if in_flow(tree):
                belongs = comment.offset < tree.span.end or self._follows(tree)
            else:
                deep = not comment.own_line or comment.column >= max(column, following.column + 1)
                belongs = comment.offset < following.offset and deep and not comment.is_mark
            if not belongs:
                return
            self.own_line(self.comments.popleft(), indent)

    # Nodes.

    def sections(self, tree: Mapping, shape: s.Shape) -> None:
        """The whole file: a blank line above and below every section of more than one line."""
        end = Next(len(self.source.text) + 1, -1)
        was_long = False
        for i, (key, value) in enumerate(tree.entries):
            begin, closed = len(self.lines), not self.open_end
            self.lead(key.span.start, 0, self._early(key, value, of_value(shape, tree, key.value), 0))
            head = len(self.lines)
            self.entry(key, value, of_value(shape, tree, key.value), 0, _following(tree, i, end, 0), 0)
            is_long = len(self.lines) - head > 1
            if i and closed and (was_long or is_long) and "" not in self.lines[begin - 1 : head]:
                self.lines.insert(begin, "")
            was_long = is_long
        for comment in self.comments:
            self.own_line(comment, 0)

    def mapping(self, tree: Mapping, shape: s.Shape, indent: int, after: Next, column: int) -> None:
        for i, (key, value) in enumerate(tree.entries):
            inner = of_value(shape, tree, key.value)
            self.lead(key.span.start, indent, self._early(key, value, inner, indent))
            self.entry(key, value, inner, indent, _following(tree, i, after, column), column)

    def _early(self, key: Scalar, value: Tree, shape: s.Shape, indent: int) -> int:
        """Up to where comments are written before an entry: those between a key and a value on its line come before the key."""
        if self.inline(value, shape, len(name_of(key)) + 2, indent, 0) is None:
            return key.span.start
        between = (c for c in self._until(value.span.start) if c.offset >= key.span.end)
        return value.span.start if any(c.own_line for c in between) else key.span.start

    def entry(self, key: Scalar, value: Tree, shape: s.Shape, indent: int, following: Next, column: int) -> None:
        """One key with its value."""
        name = name_of(key) + ":"
        inline = self.inline(value, shape, len(name) + 1, indent, column)
        if inline is not None:
            head = self.beside(key.span.end, value.span.start)
            self.value(name + " " if inline.first else name, inline, value, indent, head)
            return
        until = _first(value)
        head = self.beside(key.span.end, until) or self._closing(value)
        self.line(name + head, indent)
        self.collection(value, shape, indent + 2, following, column)

    def items(self, tree: Sequence, shape: s.Shape, indent: int, after: Next, column: int) -> None:
        for i, item in enumerate(tree.items):
            inner = of_item(shape)
            self.lead(item.span.start, indent)
            inline = self.inline(item, inner, len(self.dashes or " " * indent) - indent + 2, indent, column)
            closing = self._closing(item).strip() if inline is None else ""
            if closing:
                self.above(closing, indent)
            self.dashes = (self.dashes or " " * indent) + "- "
            if inline is not None:
                self.dashes = self.dashes if inline.first else self.dashes[:-1]
                self.value("", inline, item, indent)
            else:
                self.collection(item, inner, indent + 2, _following(tree, i, after, column), column)

    def collection(self, tree: Tree, shape: s.Shape, indent: int, after: Next, outer: int) -> None:
        """A collection in block style. A list may stand as far left as its key: a comment there is the key's."""
        shape = fitting(shape, tree)
        column = self.source.position(tree.span.start)[1] - 1
        if isinstance(tree, Mapping):
            self.mapping(tree, shape, indent, after, column)
        else:
            assert isinstance(tree, Sequence)
            self.items(tree, shape, indent, after, column)
        self.trail(tree, max(column, outer + 1), indent, after)

    def value(self, head: str, inline: Written, tree: Tree, indent: int, comment: str = "") -> None:
        """A value on the line of its key or dash, with the comment at its end."""
        if inline.is_block:
            comment = comment or self.beside(tree.span.start, tree.span.end) or self._after(tree)
        elif not comment:
            comment = self._after(tree)
        self.line(head + inline.first + (comment if inline.is_block or not inline.rest else ""), indent)
        self.lines += inline.rest
        if comment and inline.rest and not inline.is_block:
            self.lines[-1] += comment
        self.open_end = inline.keeps_blanks

    def _after(self, tree: Tree) -> str:
        """The comment at the end of the line on which a node ends."""
        return self.beside(tree.span.end, len(self.source.text)) if self._follows(tree) else ""

    def _follows(self, tree: Tree) -> bool:
        """Whether the next comment stands behind a node, with nothing but a comma between."""
        return bool(self.comments) and bool(re.fullmatch(r"[ \t]*,?[ \t]*", self.source.text[tree.span.end : self.comments[0].offset]))

    def _closing(self, tree: Tree) -> str:
        """The comment after the last bracket of a collection that is now written in block style, if none stands inside it."""
        return self._after(tree) if in_flow(tree) and not self._comments_in(tree) else ""

    def _comments_in(self, tree: Tree) -> bool:
        return any(c.offset > tree.span.start for c in self._until(tree.span.end))

    def inline(self, tree: Tree, shape: s.Shape, head: int, indent: int, column: int) -> Written | None:
        """A value that stands on the line of its key or dash, or None for one in block style."""
        shape = fitting(shape, tree)
        if isinstance(tree, Scalar):
            return written(tree, shape, WIDTH - indent - head, indent + 2, column)
        if not in_flow(tree):
            return None
        if is_list_literal(tree, shape):
            return Written(on_one_line(tree.span.text))
        text = flow_text(tree, shape)
        if text is None or tree.span.start in self.unfolded or (self._comments_in(tree) and not _is_empty(tree)):
            return None
        if len(text) + head + indent <= WIDTH or gains_nothing(tree):
            return Written(text)
        if isinstance(tree, Mapping) and len(tree.entries) == 1 and not gains_nothing(tree.entries[0][1]):
            self.unfolded.add(tree.entries[0][1].span.start)
        return None


def _following(tree: Mapping | Sequence, index: int, after: Next, column: int) -> Next:
    """Where the next entry of a collection begins, or what comes after the collection."""
    nodes = tree.entries if isinstance(tree, Mapping) else tree.items
    if index + 1 >= len(nodes):
        return after
    node = nodes[index + 1]
    return Next((node[0] if isinstance(node, tuple) else node).span.start, column)


def _is_empty(tree: Tree) -> bool:
    return not (tree.entries if isinstance(tree, Mapping) else tree.items if isinstance(tree, Sequence) else True)


def _first(tree: Tree) -> int:
    """Where the first entry of a collection begins."""
    if isinstance(tree, Mapping):
        return tree.entries[0][0].span.start
    assert isinstance(tree, Sequence)
    return tree.items[0].span.start
