"""Accepting what came: the expectations that differ are rewritten in the text of the case file, and nothing else of it.

The new text is read and its cases are run before anything is written: what would not hold then is left as it was. A table's cell is
rewritten in its row; an expectation that several rows share only if all of them would have it so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bandolo import limits
from bandolo.diagnostics import BandoloError, Diagnostic
from bandolo.evaluate.data import Plain
from bandolo.source import read_bytes, replace_file
from bandolo.syntax.yaml_tree import Scalar
from bandolo.syntax.yaml_tree import Sequence as Listed
from bandolo.testing.cases import Case, CaseFile, Drop, Mismatch, Written, cases_of_bytes
from bandolo.testing.failures import place
from bandolo.testing.runner import CaseResult, Runner
from bandolo.testing.tables import BLANK

BOM = b"\xef\xbb\xbf"
SAFE = re.compile(r"[A-Za-z0-9_À-ÿ](?:[A-Za-z0-9_À-ÿ ./@%+-]*[A-Za-z0-9_À-ÿ./@%+-])?")
"""Texts that need no quotes wherever they stand."""


END = re.compile(r"\r?\n|\Z")


@dataclass(frozen=True, slots=True)
class Edit:
    """A stretch of the file, and what takes its place."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Rewritten:
    """An expectation that was accepted: its case, where it stands, what it was and what it is."""

    case: Case
    where: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The new bytes of a case file; what is rewritten in it; the cases that nothing can be accepted of."""

    content: bytes
    rewritten: tuple[Rewritten, ...]
    refused: tuple[Case, ...]


def acceptance(runner: Runner, content: bytes, results: Sequence[CaseResult]) -> Acceptance:
    """What the file would be if what came of these cases were accepted. `content` is what the runner's file was read from."""
    cases = list(runner.file.cases)
    failing = [r for r in results if not r.passed]
    edits: dict[int, list[Edit]] = {}
    for result in failing:
        made = _edits(result)
        if made is not None:
            edits[next(i for i, case in enumerate(cases) if case is result.case)] = made
    new = content
    while edits:
        new, wrong = _tried(runner, content, cases, edits)
        if not wrong:
            break
        edits = {number: made for number, made in edits.items() if number not in wrong}
    kept = [r for r in failing if any(cases[number] is r.case for number in edits)]
    rewritten = [Rewritten(r.case, *said) for r in kept for said in dict.fromkeys((m.where, m.expected, _new(m)) for m in r.mismatches)]
    refused = [r.case for r in failing if not any(r is k for k in kept)]
    return Acceptance(new if edits else content, tuple(rewritten), tuple(refused))


def rewritten_lines(rewritten: tuple[Rewritten, ...]) -> Iterator[str]:
    """What was accepted, case by case: what it was and what it is."""
    last = None
    for one in rewritten:
        if one.case is not last:
            yield f"✎ {one.case.name}  ({place(one.case.span)})"
        last = one.case
        yield f"    {one.where}: {one.old} → {one.new}"


def put(file: CaseFile, before: bytes, after: Acceptance) -> list[Diagnostic]:
    """Writes what was accepted, reads it again and runs its cases. Codes `file-changed`, `cannot-write`, `update-failed`.

    Nothing is written if the file is no longer what it was when its cases were run. If what was written does not hold, the file is
    put back as it was.
    """
    path = str(file.path)
    try:
        if read_bytes(file.path, limits.POLICY_BYTES) != before:
            return [Diagnostic("file-changed", file=path, args={"path": path})]
        replace_file(file.path, after.content)
        written, diagnostics = cases_of_bytes(file.path, read_bytes(file.path, limits.POLICY_BYTES))
        names = {r.case.span.start for r in after.rewritten}
        numbers = [i for i, case in enumerate(file.cases) if case.span.start in names]
        if written is None or not all(_holds(Runner(written), written.cases[i]) for i in numbers):
            replace_file(file.path, before)
            return diagnostics or [Diagnostic("update-failed", file=path, args={"path": path})]
    except OSError:
        return [Diagnostic("cannot-write", file=path, args={"path": path})]
    return []


def _holds(runner: Runner, case: Case) -> bool:
    try:
        return runner.run(case).passed
    except (BandoloError, OSError):
        return False


def _new(mismatch: Mismatch) -> str:
    """What stands there now, in a line."""
    return "—" if isinstance(mismatch.accepted, Drop) else _flow(mismatch.accepted)


def _tried(runner: Runner, content: bytes, cases: list[Case], edits: dict[int, list[Edit]]) -> tuple[bytes, set[int]]:
    """The file with edits made, and the numbers of the cases that stand in the way: they contradict others, or would not hold."""
    wanted: dict[tuple[int, int], tuple[str, set[int]]] = {}
    wrong: set[int] = set()
    for number, made in edits.items():
        for edit in made:
            text, owners = wanted.setdefault((edit.start, edit.end), (edit.text, set()))
            wrong |= {number, *owners} if text != edit.text else set()
            owners.add(number)
    if wrong:
        return content, wrong
    source = cases[0].span.source
    text, clash = _applied(source.text, [Edit(start, end, text) for (start, end), (text, _) in wanted.items()])
    if clash is not None:
        return content, {n for n, made in edits.items() if any((e.start, e.end) == clash for e in made)}
    new = (BOM if content.startswith(BOM) else b"") + text.encode()
    file, _ = cases_of_bytes(runner.file.path, new)
    if file is None or len(file.cases) != len(cases):
        alone = {n for n, made in edits.items() if len(edits) > 1 and _tried(runner, content, cases, {n: made})[1]}
        return content, alone or {max(edits)}
    touched = {number for number, case in enumerate(cases) if number in edits or any(_overlap(w, wanted) for w in case.written.values())}
    again = Runner(file, runner.policies)
    broken = {number for number in touched if not _holds(again, file.cases[number])}
    # A row that would no longer hold is broken by the rows that it shares an expectation with.
    culprits = {n for n in broken if n in edits}
    for number in broken - culprits:
        if _holds(runner, cases[number]):
            spans = {(w.tree.span.start, w.tree.span.end) for w in cases[number].written.values()}
            culprits |= {n for n, made in edits.items() if any(s <= e.start and e.end <= t for e in made for s, t in spans)}
    return new, culprits


def _overlap(written: Written, wanted: dict[tuple[int, int], Any]) -> bool:
    span = written.tree.span
    return any(start < span.end and span.start < end for start, end in wanted)


def _applied(text: str, edits: list[Edit]) -> tuple[str, tuple[int, int] | None]:
    """A text with edits made, or the place of one that lies across another. Neighbouring removals may run into each other."""
    merged: list[Edit] = []
    for edit in sorted(edits, key=lambda e: (e.start, e.end)):
        if merged and edit.start < merged[-1].end:
            if edit.text or merged[-1].text:
                return text, (edit.start, edit.end)
            merged[-1] = Edit(merged[-1].start, max(merged[-1].end, edit.end), "")
        else:
            merged.append(edit)
    for edit in reversed(merged):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text, None


def _edits(result: CaseResult) -> list[Edit] | None:
    """The edits that make a case hold, or None where that must be said by hand."""
    if result.diagnostics:
        return None
    found: list[Edit] = []
    for mismatch in result.mismatches:
        written = result.case.written.get(("expect", *mismatch.keys))
        if written is None or mismatch.accepted is None:
            return None
        found.append(_edit(result.case, written, mismatch))
    return list(dict.fromkeys(found))


def _edit(case: Case, written: Written, mismatch: Mismatch) -> Edit:
    span, accepted = written.tree.span, mismatch.accepted
    if mismatch.keys == ("error",) and isinstance(accepted, dict):
        # The data is no longer refused: the outcome takes the place of the error, unless it is already there.
        if "outcome" in case.expect or not _in_place(written):
            return _removal(written)
        return Edit(written.key.span.start, span.end, f"outcome: {accepted['outcome']}")
    if isinstance(accepted, Drop):
        return _removal(written)
    if isinstance(accepted, list) and isinstance(written.tree, Listed) and written.tree.items:
        return _list(written.tree, accepted, mismatch.keys)
    if isinstance(written.tree, Scalar):
        return Edit(span.start, span.end, _flow(accepted, written.tree.style))
    return Edit(span.start, span.end, _flow(accepted))


def _in_place(written: Written) -> bool:
    """Whether key and value stand together, and not in the heading and a row of a table."""
    between = written.key.span.source.text[written.key.span.end : written.tree.span.start]
    return re.fullmatch(r"\s*:(\s|#[^\n]*\n)*", between) is not None


def _removal(written: Written) -> Edit:
    """An entry goes; the cell of a table says nothing any more."""
    if not _in_place(written):
        return Edit(written.tree.span.start, written.tree.span.end, BLANK)
    text = written.key.span.source.text
    entries = [(key.span.start, value.span.end) for key, value in written.within.entries]
    at = next(i for i, (key, _) in enumerate(written.within.entries) if key is written.key)
    start, end = entries[at]
    if text[written.within.span.start : written.within.span.start + 1] == "{":
        return Edit(start, entries[at + 1][0], "") if at + 1 < len(entries) else Edit(entries[at - 1][1] if at else start, end, "")
    return _line(text, start, end) if len(entries) > 1 else Edit(written.within.span.start, end, "{}")


def _line(text: str, start: int, end: int) -> Edit:
    """The lines of an entry in block style, with the comment at their end; what stands before the entry on its line stays."""
    begins = text.rfind("\n", 0, start) + 1
    if text[begins:start].strip():
        following = re.compile(r"\n[ \t]*(?=\S)").search(text, end)
        return Edit(start, following.end() if following else _line_end(text, end), "")
    found = END.search(text, end)
    assert found is not None
    return Edit(begins, found.end(), "")


def _list(tree: Listed, accepted: list[Any], keys: tuple[str, ...]) -> Edit:
    """A list with other items: those that stay keep their place and their comments, new ones come last."""
    whole, base, ends = tree.span.source.text, tree.span.start, tree.span.end
    flow = tree.span.text.startswith("[")
    values = [item.value if isinstance(item, Scalar) else None for item in tree.items]
    wanted = [str(item) for item in accepted if not isinstance(item, list)]
    kept = [value for value in values if value in wanted]
    newline = ("\r\n" if "\r\n" in whole else "\n") + " " * (tree.span.column - 1)
    if keys == ("order",) or not kept or None in values or len(wanted) < len(accepted):
        plain = flow or not accepted
        return Edit(base, ends, _flow(accepted) if plain else newline.join("- " + _flow(item) for item in accepted))
    if not flow:
        ends = _line_end(whole, ends)  # with the comment of the last item
    text = whole[base:ends]
    items = [(i.span.start - base, i.span.end - base) for i in tree.items]
    for at in range(len(items) - 1, -1, -1):
        if values[at] in wanted:
            continue
        start, end = items[at]
        if flow:
            cut = (start, items[at + 1][0]) if at + 1 < len(items) else (items[at - 1][1] if at else start, end)
        elif at == 0:
            cut = (text.rfind("-", 0, start), text.rfind("-", 0, items[1][0]))
        else:
            cut = (_line_end(text, items[at - 1][1]), _line_end(text, end))
        text = text[: cut[0]] + text[cut[1] :]
        shift = cut[1] - cut[0]
        items = [*items[:at], *((s - shift, e - shift) for s, e in items[at + 1 :])]
        del values[at]
    new = [_flow(item) for item in accepted if str(item) not in values]
    glue = ", " if flow else newline + "- "
    end = items[-1][1] if flow else _line_end(text, items[-1][1])
    return Edit(base, ends, text[:end] + "".join(glue + item for item in new) + text[end:])


def _line_end(text: str, at: int) -> int:
    """Where the line ends that a place is on."""
    found = END.search(text, at)
    assert found is not None
    return found.start()


def _flow(value: Any, style: str | None = None) -> str:
    """A value as YAML in one line: words as they are, texts in quotes where they need them or had them."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    text = str(value)
    if style not in ('"', "'") and (isinstance(value, Plain) or SAFE.fullmatch(text)):
        return text
    return json.dumps(text, ensure_ascii=False)
