"""From an approved boundary book to cases: rows that are ticked, unedited and still true become a case file.

What a row shows is held against what was written into it, and every row is decided anew: an edited or outdated approval is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bandolo.analysis.boundaries.pages import COLUMNS, HIDDEN, unpacked
from bandolo.analysis.boundaries.words import WORDS, word
from bandolo.diagnostics import ApplicationError, Diagnostic
from bandolo.evaluate.data import Digits, Plain
from bandolo.format.whole import formatted
from bandolo.language.types import Language
from bandolo.policy import Policy
from bandolo.sheets.workbook import BadFile, RawSheet, letters, read_workbook
from bandolo.testing.cases import BadPath, changed
from bandolo.testing.compare import compare

YES = frozenset({*WORDS["yes"], "si", "x", "✓", "✔", "true", "vero"})
NO = frozenset({*WORDS["no"], "", "false", "falso"})


@dataclass(frozen=True, slots=True)
class Approved:
    """A row that was approved: its id and name, what a case says of it, and what was remarked."""

    id: str
    name: str
    base: str
    changes: dict[str, Any]
    expect: dict[str, Any]
    remark: str


def read_approved(label: str, content: bytes) -> tuple[dict[str, Any], list[Approved], list[Diagnostic]]:
    """What a workbook says of itself and the rows that were approved.

    Codes: those of reading workbooks, `not-a-boundary-book`, `boundary-answer`, `boundary-row-edited`, `nothing-approved`.
    """
    try:
        book = read_workbook(label, content)
        by_title = {s.title: s for s in book.sheets}
        store = _stored(by_title[HIDDEN]) if HIDDEN in by_title else {}
        about = json.loads(store.pop("", "null"))
        rows = {name: json.loads(text) for name, text in store.items()}
        if not isinstance(about, dict) or about.get("bandolo") != "boundaries" or not all(isinstance(r, dict) for r in rows.values()):
            return {}, [], [Diagnostic("not-a-boundary-book", file=label, args={"path": label})]
        shown = list(book.sheets[0].rows())[1:]
    except BadFile as bad:
        return {}, [], [bad.diagnostic]
    except (ValueError, RecursionError):
        return {}, [], [Diagnostic("not-a-boundary-book", file=label, args={"path": label})]
    approved: list[Approved] = []
    found: list[Diagnostic] = []
    for number, cells in shown:
        texts = {i: cell.text for i, cell in cells.items()}
        answer = texts.get(COLUMNS.index("approved"), "").strip().casefold()
        name = texts.get(0, "")
        if answer in NO:
            continue
        if answer not in YES:
            cell = f"{letters(COLUMNS.index('approved'))}{number}"
            found.append(Diagnostic("boundary-answer", file=label, path=cell, args={"found": answer[:40]}))
            continue
        row = rows.get(name)
        edited = _edited(row, texts) if row is not None else 0
        if row is None or edited is not None:
            cell = f"{letters(edited or 0)}{number}"
            found.append(Diagnostic("boundary-row-edited", file=label, path=cell, args={"row": name[:60] or f"{number}"}))
            continue
        changes, expect = unpacked(row["changes"]), unpacked(row["expect"])
        approved.append(Approved(name, _name(row), str(row["base"]), changes, expect, texts.get(COLUMNS.index("remarks"), "").strip()))
    if not approved and not found:
        found.append(Diagnostic("nothing-approved", file=label, args={"path": label}))
    return about, approved, found


def _stored(sheet: RawSheet) -> dict[str, str]:
    found = {}
    for _, cells in sheet.rows():
        texts = {i: cell.text for i, cell in cells.items()}
        found[texts.get(0, "")] = "".join(texts[i] for i in sorted(texts) if i)
    return found


def _edited(row: Mapping[str, Any], texts: Mapping[int, str]) -> int | None:
    """The first column that no longer shows what was written into it."""
    for i, text in enumerate(row["cells"]):
        if " ".join(text.split()) != " ".join(texts.get(i, "").split()):
            return i
    return None


def _name(row: Mapping[str, Any]) -> str:
    """A name for people: the rule, the value and where it lies."""
    shown = dict(zip(COLUMNS, row["cells"], strict=False))
    return f"{row['title']}: {shown['value']} ({shown['side']}, {shown['row'].rpartition('/')[0]})"


def still_true(policy: Policy, about: Mapping[str, Any], approved: list[Approved], label: str) -> list[Diagnostic]:
    """The approved rows that are decided otherwise today, each a `boundary-row-contradicted`. Raises PolicyError if a what-if is none."""
    bases = unpacked(about["bases"])
    trial = about["trial"]
    found = []
    for row in approved:
        try:
            data = changed(policy.core, bases[row.base], row.changes)
            decision = policy.decide(data, **trial)
            differ = [f"{m.where}: {m.expected} → {m.got}" for m in compare(policy, decision, row.expect)]
        except BadPath as bad:
            differ = [str(bad)]
        except ApplicationError as error:
            differ = [d.code for d in error.diagnostics]
        if differ:
            args = {"row": row.id, "differences": "; ".join(differ[:3])}
            found.append(Diagnostic("boundary-row-contradicted", file=label, path=row.id, args=args))
    return found


def cases_text(about: Mapping[str, Any], approved: list[Approved], policy: str, by: str, book: str, lang: Language) -> str:
    """The case file of the approved rows; `policy` is the path of the policy from it, `by` who approved, `book` the workbook's name."""
    trial = about["trial"]
    who = " ".join(by.split())
    lines = [f"# {word('approved_by' if who else 'approved_plain', lang, name=who, file=book)}"]
    lines.append(f"cases_of: {_scalar(Plain(policy))}")
    if trial["as_of"] is not None:
        lines.append(f"as_of: {trial['as_of']}")
    if trial["assume"]:
        lines.append("assume: true")
    for key in ("set", "readings"):
        if trial[key]:
            lines += [f"{key}:", *(f"  {n}: {v}" for n, v in trial[key].items())]
    if about["amendments"]:
        lines.append(f"amend: [{', '.join(_scalar(a) for a in about['amendments'])}]")
    bases = unpacked(about["bases"])
    names = _identifiers([row.base for row in approved])
    lines += ["", "applications:"]
    for base, name in names.items():
        lines += [f"  {name}:", *_block(bases[base], 4)]
    lines += ["", "cases:"]
    for row in approved:
        lines += [f"  # {' '.join(row.remark.split())}"] if row.remark else []
        lines += [f"  - name: {_scalar(row.name)}", f"    like: {names[row.base]}"]
        if row.changes:
            lines += ["    change:", *_block(row.changes, 6)]
        lines += ["    expect:", *_block(row.expect, 6)]
    text = "\n".join(lines) + "\n"
    laid_out, _ = formatted("approved.cases.yaml", text.encode())
    return laid_out if laid_out is not None else text


def _identifiers(bases: list[str]) -> dict[str, str]:
    """A name for each base that a case file takes."""
    found: dict[str, str] = {}
    for base in dict.fromkeys(bases):
        plain = re.sub(r"[^a-z0-9]+", "_", base.lower()).strip("_")[:40].strip("_") or "base"
        plain = plain if plain[0].isalpha() else f"base_{plain}"
        name, number = plain, 1
        while name in found.values():
            number += 1
            name = f"{plain}_{number}"
        found[base] = name
    return found


def _block(data: Any, indent: int) -> list[str]:
    """The lines of a mapping or a list in YAML."""
    pad = " " * indent
    lines: list[str] = []
    if isinstance(data, dict):
        for key, value in data.items():
            name = key if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", str(key)) else json.dumps(str(key), ensure_ascii=False)
            if isinstance(value, dict | list) and value:
                lines += [f"{pad}{name}:", *_block(value, indent + 2)]
            else:
                lines.append(f"{pad}{name}: {_scalar(value)}")
        return lines
    for item in data:
        if isinstance(item, dict | list) and item:
            first, *rest = _block(item, indent + 2)
            lines += [f"{pad}- {first.strip()}", *rest]
        else:
            lines.append(f"{pad}- {_scalar(item)}")
    return lines


def _scalar(value: Any) -> str:
    """A value in YAML: what was unquoted stays so, a text is quoted."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case dict():
            return "{}"
        case list():
            return "[]"
        case Plain() | Digits():
            return str(value)
        case str():
            return json.dumps(value, ensure_ascii=False)
    return str(value)
