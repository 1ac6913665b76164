"""A stretch of a batch that is decided as a whole, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Part:
    """One row group of the applications, and the rows of each entity's file that belong to it; or some lines of JSON."""

    number: int
    rows: int
    spans: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    begin: int = 0
    """Of lines: the byte at which they begin."""
    line: int = 0
    """Of lines: the number of the first."""
