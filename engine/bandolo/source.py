"""Source text with places: where a piece of text stands in its file.

Takes a path or a string, gives a `SourceFile`; interprets nothing. Every later position is an offset into `SourceFile.text`.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from functools import cached_property
from typing import TYPE_CHECKING

from bandolo.records import dataclass, field

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, eq=False)
class SourceFile:
    """One file's text and name; compared by identity, since two files may hold the same text."""

    path: str
    text: str

    @cached_property
    def line_starts(self) -> tuple[int, ...]:
        """The offset at which each line begins, the first being 0."""
        return (0, *(i + 1 for i, c in enumerate(self.text) if c == "\n"))

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both counted from 1, the column in characters."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a line, without its line ending."""
        start = self.line_starts[number - 1]
        end = self.line_starts[number] if number < len(self.line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a source file, from `start` up to but not including `end`."""

    source: SourceFile = field(repr=False)
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    @property
    def line(self) -> int:
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        return self.source.position(self.start)[1]

    def to(self, other: Span) -> Span:
        """From the start of this span to the end of another of the same file."""
        return Span(self.source, self.start, max(self.end, other.end))


def read_bytes(path: str | Path, at_most: int) -> bytes:
    """The first `at_most` + 1 bytes of a file, so that the caller can tell that it is too large without reading it all."""
    with open(path, "rb") as stream:
        return stream.read(at_most + 1)


def replace_file(path: str | Path, content: bytes) -> None:
    """Puts a content in the place of a file at once, with the mode of the file; a link stays a link. Raises OSError.

    Whoever reads the file meanwhile, or pulls the plug, finds the old one or the new one, never a part.
    """
    import shutil  # what only reads and decides does without them
    import tempfile

    target = os.path.realpath(path)
    beside = ""
    try:
        handle, beside = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=os.path.dirname(target))
        with open(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        shutil.copymode(target, beside)
        os.replace(beside, target)
    except OSError:
        if beside and os.path.exists(beside):
            os.unlink(beside)
        raise
