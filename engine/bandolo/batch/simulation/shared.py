"""The programs of several variants as one function: what they have in common is computed once, the rest once for each.

A program is a list of lines, one operation each, and a line is known by what it computes of what. All variants are written by one hand into
one list: a line that is there already is not written again. What depends on none of the varied values is so shared by all, what depends
on one of two by those that agree in it, and constants that fold away take their lines with them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bandolo.batch.build import Build
from bandolo.batch.columns import NotColumnar
from bandolo.batch.emission import freed, needed
from bandolo.batch.helpers import TABLE
from bandolo.batch.program import Key, Shape
from bandolo.batch.results import result_of
from bandolo.batch.steps import leave_outside, leave_undecided, write_step
from bandolo.batch.verdicts import outcome
from bandolo.check import core
from bandolo.evaluate.settle import Settled
from bandolo.language.types import MONEY, OptionalType

Told = Callable[..., None]
"""Told, for a block: the number of a variant, what it leaves, outcomes, stages, for each amount its cents and where there is none, and
for each reason of the variant where something is left for it."""


@dataclass(frozen=True)
class Shared:
    """`run(given, rows, left, told)` computes a block for all variants that have columns."""

    run: Callable[..., None]
    source: str
    columns: tuple[Key, ...]
    entities: tuple[str, ...]
    read: frozenset[Key]
    why: Mapping[int, str]
    """The variants that have none, and why."""
    reasons: Mapping[int, tuple[str, ...]]
    """Why a variant leaves applications to the reference, in the order in which it tells where."""
    own: tuple[int, ...]
    """How many lines each variant adds to those before it."""


def money_results(policy: core.Policy) -> tuple[str, ...]:
    """The amounts that applications come to: results of the root."""
    return tuple(r.name for r in policy.results if r.entity == policy.root and _bare(r) == MONEY)


def _bare(result: core.Result) -> object:
    return result.type.of if isinstance(result.type, OptionalType) else result.type


def compile_variants(policy: core.Policy, variants: Sequence[Settled], shapes: Mapping[Key, Shape]) -> Shared:
    """The shared program of some settings of a policy, for columns of some shapes."""
    lines: list[str] = []
    said: dict[str, str] = {}
    unpacked: dict[str, str] = {}
    table: dict[str, Any] = {}
    why: dict[int, str] = {}
    reasons: dict[int, tuple[str, ...]] = {}
    own: list[int] = []
    read: set[Key] = set()
    lists: dict[str, str] = {}
    count = 0
    build = None
    for number, settled in enumerate(variants):
        build = Build(policy, settled, shapes, False, False)
        build.lists, build.names_missing = lists, False
        build.w.lines, build.w.said, build.w.unpacked, build.w.table, build.w.count = lines, said, unpacked, table, count
        before, kept = len(lines), (dict(said), dict(unpacked))
        try:
            lines.append(_told(build, number))
            read |= build.read
            reasons[number] = tuple(r for r, bads in build.reasons.items() if any(bads))
        except NotColumnar as reason:
            why[number] = str(reason)
            del lines[before:]
            said, unpacked = kept
        own.append(len(lines) - before)
        count = build.w.count
    assert build is not None
    source = _source(needed(lines, ()), tuple(shapes), [*(f.name for f in build.frames.values()), *lists.values()])
    made = dict(TABLE) | table
    # Names and whole numbers made here: nothing of the policy becomes code.
    exec(compile(source, f"<variants of {policy.digest[:19]}>", "exec"), made)
    return Shared(made["run"], source, tuple(shapes), (*build.frames, *lists), frozenset(read), why, reasons, tuple(own))


def _told(build: Build, number: int) -> str:
    """The line that tells what a variant comes to, after those that compute it."""
    leave_outside(build)
    for step in build.policy.steps:
        write_step(build, step)
    leave_undecided(build)
    _, decided, stage = outcome(build)
    amounts = []
    for wanted in build.policy.results:
        if wanted.entity == build.policy.root and _bare(wanted) == MONEY:
            out = result_of(build, wanted)
            if out.parts[0] is None:
                amounts.append(f"({int(out.constant * 100)}, None)" if not _is_none(out.constant) else "(0, True)")
            else:
                none = out.parts[2]
                amounts.append(f"({build.back[out.parts[0]]}, {None if none is None else build.back[none]})")
    left = build.w.either("left", *build.left) or "left"
    whys = [build.w.either(*bads) for bads in build.reasons.values() if any(bads)]
    told = (f"({''.join(f'{part}, ' for part in parts)})" for parts in (amounts, whys))
    return f"told({number}, {left}, {build.back[decided]}, {build.back[stage]}, {', '.join(told)})"


def _is_none(value: object) -> bool:
    from bandolo.language.values import NONE

    return value is NONE


def _source(lines: list[str], columns: tuple[Key, ...], rows: Sequence[str]) -> str:
    begin = [f"c{i}, n{i}, w{i} = given[{i}]" for i in range(len(columns))]
    begin += [f"{name} = rows[{i}]" for i, name in enumerate(rows)]
    return "def run(given, rows, left, told):\n" + "".join(f"    {line}\n" for line in [*begin, *freed(lines, [])] or ["pass"])
