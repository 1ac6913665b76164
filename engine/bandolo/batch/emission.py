"""The source of a program: of the lines that were written those that something rests on, and each array let go after its last use."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bandolo.batch.build import Build

NAMES = re.compile(r"\b[tb]\d+(?:_\d+)?\b")


def source_of(build: Build) -> str:
    """The source of the function `run` of a program."""
    lines = [f"c{i}, n{i}, w{i} = given[{i}]" for i in range(len(build.columns))]
    names = [*(frame.name for frame in build.frames.values()), *build.lists.values()]
    lines += [f"{name} = rows[{i}]" for i, name in enumerate(names)]
    lines += [*freed(needed(build.w.lines, build.back), build.back), f"return ({', '.join(build.back)},)"]
    return "def run(given, rows, left):\n" + "".join(f"    {line}\n" for line in lines)


def needed(lines: Sequence[str], back: Sequence[str]) -> list[str]:
    """The lines that tell something, and those that they or what comes back rest on."""
    wanted, kept = set(back), list[str]()
    for line in reversed(lines):
        target, sign, text = line.partition(" = ")
        names = NAMES.findall(target)
        if sign and not line.startswith("    ") and names and names[0] == target.partition(",")[0] and wanted.isdisjoint(names):
            continue
        wanted.update(NAMES.findall(text if sign else line))
        kept.append(line)
    return kept[::-1]


def freed(lines: list[str], back: list[str]) -> list[str]:
    """The lines, each array let go after its last use: the memory that comes next is the one that is still in the cache."""
    last: dict[str, int] = {}
    for i, line in enumerate(lines):
        for name in NAMES.findall(line):
            last[name] = i
    ends: dict[int, list[str]] = {}
    for name, i in last.items():
        if name not in back:
            end = i
            while end + 1 < len(lines) and lines[end + 1].startswith("    "):
                end += 1
            ends.setdefault(end, []).append(name)
    made: list[str] = []
    for i, line in enumerate(lines):
        made.append(line)
        if i in ends:
            made.append(f"del {', '.join(sorted(ends[i]))}")
    return made
