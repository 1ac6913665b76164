"""What an application comes to: which requirements it fails, as bits of a mask, the status of each stage, and the outcome.

Of records: which are excluded or barred, and which verdicts stay when the ranking strikes some of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandolo.batch.build import Build
from bandolo.batch.columns import Column, Frame
from bandolo.batch.program import MASK_BITS, STATUSES, STRUCK
from bandolo.batch.steps import admitted, called
from bandolo.check import core
from bandolo.evaluate.stages import STATUS_BY_EFFECT


def masks(build: Build) -> tuple[list[int], dict[str, tuple[int, ...]]]:
    """The requirements that each application fails, as bits."""
    w = build.w
    count = max(1, -(-len(build.order) // MASK_BITS))
    names = [f"m{i}" for i in range(count)]
    w.lines += [f"{n} = np.zeros({build.root.name}.count, np.int64)" for n in names]
    failing: dict[str, tuple[int, ...]] = {}
    for entity, frame in build.frames.items():
        mine = [r for r in build.policy.requirements.values() if r.entity == entity and build.opened[r.stage].constant is not False]
        if not mine:
            continue
        met_of = {r.id: build.here(build.unless_closed(r), frame) for r in mine}
        bit_of = {r.id: build.order.index(r.id) for r in mine}
        if frame is build.root:
            _root_masks(build, [(bit_of[r.id], w.flag(w.negated(met_of[r.id]))) for r in mine])
            continue
        good = w.every(list(met_of.values()))
        bits, begin = (good.name, f"{frame.name}.bit") if good.form == "bits" else w.packed(good.name, frame)
        at = ""
        if build.records or frame.above is not build.root:
            at = w.emit(f"failing({bits}, {begin}, {frame.name})")
        masks = []
        for word in range(count):
            placed = [(met_of[r], bit % MASK_BITS) for r, bit in bit_of.items() if bit // MASK_BITS == word]
            if not placed:
                continue
            groups, plain = _mask_parts(build, placed)
            if not at:
                _of_windows(build, f"m{word}", bits, begin, frame, groups, plain)
                continue
            name = f"{at}_{word}"
            w.lines.append(f"{name} = np.zeros(len({at}), np.int64)")
            w.lines += [f"{name} |= row_masks({at}, {frame.name}, {group}, {words})" for group, words in groups]
            w.lines += [f"{name} |= (~{met}[{at}]).astype(np.int64) << {bit}" for met, bit in plain]
            masks.append((word, name))
        if at:
            if build.records:
                failing[entity] = (build.put(at), *(build.put(name) for _, name in masks))
            fails = w.emit(f"{frame.name}.counts - {w.emit(f'tally({bits}, {begin}, {frame.name})')}")
            _to_root(build, at, masks, fails, frame)
    return [build.put(n) for n in names], failing


def _root_masks(build: Build, placed: list[tuple[int, str]]) -> None:
    """The bits of the application's own requirements, eight at a time."""
    lines = build.w.lines
    placed = sorted(placed)
    while placed:
        first = placed[0][0]
        eight = [(bit, flag) for bit, flag in placed if first <= bit < first + 8 and bit // MASK_BITS == first // MASK_BITS]
        placed = placed[len(eight) :]
        name = f"g{first}"
        for i, (bit, flag) in enumerate(eight):
            shifted = f"{flag}.view(np.uint8) << {bit - first}"  # a copy, even by none
            lines.append(f"{name} {'|=' if i else '='} {shifted}")
        lines.append(f"m{first // MASK_BITS} |= {name}.astype(np.int64) << {first % MASK_BITS}")


def _mask_parts(build: Build, placed: list[tuple[Column, int]]) -> tuple[list[tuple[str, str]], list[tuple[str, int]]]:
    """Packed flags eight at a time with the masks of their combinations, and plain flags with their bits."""
    packed = [(met.name, bit) for met, bit in placed if met.form == "bits"]
    groups = []
    for eight in (packed[i : i + 8] for i in range(0, len(packed), 8)):
        words = build.w.constant(_Words(tuple(bit for _, bit in eight)))
        groups.append((f"({', '.join(n for n, _ in eight)},)", f"{words}.masks"))
    return groups, [(met.name, bit) for met, bit in placed if met.form != "bits"]


def _of_windows(
    build: Build, mask: str, bits: str, begin: str, frame: Frame, groups: list[tuple[str, str]], plain: list[tuple[str, int]]
) -> None:
    """What records fail brought to their applications, by the windows of those that fail nothing where these are short."""
    of_groups = "".join(f"({group}, {words}), " for group, words in groups)
    of_plain = "".join(f"({met}, {bit}), " for met, bit in plain)
    build.w.lines.append(f"failed_by({bits}, {begin}, {frame.name}, ({of_groups}), ({of_plain}), {mask})")


def _to_root(build: Build, at: str, masks: list[tuple[int, str]], fails: str, frame: Frame) -> None:
    """The masks of records onto their applications."""
    lines = build.w.lines
    for word, mask in masks:
        lines.append(f"if len({at}):")
        lines.append(f"    who, found = to_owners({mask}, {fails})")
        current = frame.above
        while current is not None and current is not build.root:
            lines.append(f"    who, found = gather_masks(who, found, {current.name})")
            current = current.above
        lines.append(f"    m{word}[who] |= found")


def outcome(build: Build) -> tuple[list[int], int, int]:
    """The status of each stage by number, the outcome and the stage that decides it."""
    w = build.w
    names = []
    for stage in build.policy.stages:
        found = "0"
        for word in reversed(("reject", "suspend", "open", "refer", "bar")):
            code = STATUSES.index(STATUS_BY_EFFECT.get(word, "undetermined"))
            hits = [h for r in build.policy.requirements.values() if r.stage == stage.name for h in _hits(build, r, word)]
            if hits:
                hit = hits[0] if len(hits) == 1 else w.emit(" | ".join(hits))
                found = (
                    w.emit(f"{hit}.view(np.uint8)") if found == "0" and code == 1 else w.emit(f"np.where({hit}, np.uint8({code}), {found})")
                )
        if found == "0":
            found = w.emit(f"np.zeros({build.root.name}.count, np.uint8)")
        opened = build.opened[stage.name]
        if opened.constant is not True:
            flag = w.flag(opened) if opened.constant is None else "False"
            found = w.emit(f"np.where({flag}, {found}, np.uint8({STATUSES.index('not_started')}))")
        names.append(found)
    statuses = [build.put(n) for n in names]
    if len(names) == 1 and build.opened[build.policy.stages[0].name].constant is True:
        return statuses, build.put(names[0]), build.put(w.emit(f"np.zeros({build.root.name}.count, np.uint8)"))
    started = STATUSES.index("not_started")
    last = w.emit(f"np.zeros({build.root.name}.count, np.uint8)")
    for i, name in enumerate(names):
        if i:
            last = w.emit(f"np.where({name} == 0, np.uint8({i}), {last})")
    outcome, decides = w.emit(f"np.zeros({build.root.name}.count, np.uint8)"), last
    for i, name in reversed(list(enumerate(names))):
        stops = w.emit(f"({name} != 0) & ({name} != {started})")
        outcome = w.emit(f"np.where({stops}, {name}, {outcome})")
        decides = w.emit(f"np.where({stops}, np.uint8({i}), {decides})")
    for i, name in reversed(list(enumerate(names))):
        fails = w.emit(f"{name} == 1")
        outcome = w.emit(f"np.where({fails}, np.uint8(1), {outcome})")
        decides = w.emit(f"np.where({fails}, np.uint8({i}), {decides})")
    return statuses, build.put(outcome), build.put(decides)


def missing(build: Build) -> tuple[tuple[str, str, int], ...]:
    """The facts that leave verdicts open, and the flags of the records that lack them (`Program.missing`)."""
    w, found = build.w, []
    for id_, facts in build.named.items():
        requirement = build.policy.requirements[id_]
        frame = build.frames[requirement.entity]
        counts = [build.opened[requirement.stage]]
        if frame is not build.root:
            counts.append(_counting(build, requirement, frame))
        for fact, flags in facts:
            lacking = w.every([Column("flag", frame, flags), *counts])
            if lacking.constant is not False:
                found.append((requirement.entity, called(fact), build.put(w.flag(build.here(lacking.but(bad=None), frame)))))
    return tuple(found)


def _counting(build: Build, requirement: core.Requirement, frame: Frame) -> Column:
    """The records of which a requirement counts."""
    known = build.w.admitted.get((requirement.entity, requirement.stage))
    return admitted(build, requirement.entity, requirement.stage, frame) if known is None else known


def _hits(build: Build, requirement: core.Requirement, word: str) -> list[str]:
    """Where a requirement's failure is brought to the application."""
    effect, opened = build.effect(requirement).word, build.open.get(requirement.id)
    if build.opened[requirement.stage].constant is False:
        return []
    w, frame = build.w, build.frames[requirement.entity]
    if word == "open":
        if opened is None or effect not in ("reject", "suspend", "refer", "bar") or (effect == "bar" and frame is not build.root):
            return []
        failed = Column("flag", frame, opened)
    elif effect != word:
        return []
    else:
        failed = w.negated(w.met[requirement.id])
    if frame is build.root:
        return [w.flag(failed)]
    if word == "bar":
        return []
    hit = w.every([failed, _counting(build, requirement, frame)])
    if hit.constant is False:
        return []
    name = w.flag(hit)
    current: Frame | None = frame
    while current is not None and current is not build.root:
        name = w.emit(f"some({name}, {current.name})")
        current = current.above
    return [name]


def excluded(build: Build, entity: str) -> int:
    """The place of the flags of the records of an entity that a requirement excludes."""
    frame, parts = build.frames[entity], []
    for requirement in build.policy.requirements.values():
        if requirement.entity == entity and build.effect(requirement).word == "exclude":
            parts.append(build.unless_closed(requirement))
    kept = build.w.every([build.here(p, frame) if p.frame is not frame else p for p in parts])
    if kept.constant is not None:
        return build.put(build.w.emit(f"np.zeros({frame.name}.count, bool)"))
    return build.put(build.w.flag(build.w.negated(kept)))


def barred(build: Build, entity: str) -> int:
    """The place of the flags of the records of an entity that are admitted and barred."""
    w, frame, kept = build.w, build.frames[entity], []
    for requirement in build.policy.requirements.values():
        opened = build.opened[requirement.stage]
        if requirement.entity == entity and build.effect(requirement).word == "bar" and opened.constant is not False:
            kept.append(w.negated(w.every([w.negated(w.met[requirement.id]), _counting(build, requirement, frame), opened])))
    found = w.negated(w.every(kept))
    if found.constant is not None:
        return build.put(w.emit(f"np.zeros({frame.name}.count, bool)"))
    return build.put(w.flag(found))


def kept_verdicts(build: Build) -> tuple[dict[str, int], int | None]:
    """The verdicts that stay after a strike, and the applications in which one is open."""
    if any(name == STRUCK for _, name, _ in build.columns):
        return {}, None
    found, open_ = {}, list[str | None]()
    for id_ in sorted(build.kept & build.w.met.keys()):
        frame = build.frames[build.policy.requirements[id_].entity]
        found[id_] = build.put(build.w.flag(build.here(build.w.met[id_], frame)))
        bad = build.bads[id_]
        while bad is not None and frame is not build.root:
            bad = build.w.emit(f"some_bad({bad}, {frame.name})")
            assert frame.above is not None
            frame = frame.above
        open_.append(bad)
    unsure = build.w.either(*open_)
    return found, None if unsure is None else build.put(build.w.emit(f"flags_of({unsure}, {build.root.name})"))


@dataclass(frozen=True)
class _Words:
    """The masks of all combinations of up to eight requirements that are met: the bits of those that are not."""

    bits: tuple[int, ...]

    @property
    def masks(self) -> NDArray[Any]:
        return _masks_of(self.bits)


@cache
def _masks_of(bits: tuple[int, ...]) -> NDArray[Any]:
    return np.array([sum(1 << bit for i, bit in enumerate(bits) if not byte >> i & 1) for byte in range(256)], np.int64)
