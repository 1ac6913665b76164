"""A case that came out otherwise, told in Italian or English: what differs, the rules that decided with their values, both places.

`bandolo test` and pytest tell it in these words.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bandolo.diagnostics import BandoloError
from bandolo.diagnostics.render import as_data, render_all
from bandolo.evaluate.decision import Decision
from bandolo.language.types import Language
from bandolo.source import Span
from bandolo.testing.cases import BadPath
from bandolo.testing.runner import CaseResult, Runner
from bandolo.testing.why import Decider, deciders, rows_behind

RULES = 6
"""How many deciding rules are shown."""
SHOWN = 6
"""How many names stand on one line."""

WORDS = {
    "expected": {"it": "atteso", "en": "expected"},
    "got": {"it": "ottenuto", "en": "got"},
    "missing": {"it": "dati mancanti", "en": "facts missing"},
    "pending": {"it": "valori rinviati ad altro atto", "en": "values left to a later act"},
    "open": {"it": "letture aperte", "en": "open readings"},
    "unmet": {"it": "requisiti non soddisfatti", "en": "requirements not met"},
    "more": {"it": "… e altre {n} regole", "en": "… and {n} more rules"},
}


def failure_lines(runner: Runner, result: CaseResult, lang: Language) -> list[str]:
    """The lines that tell a failure, the first of them the name of the case with its place."""
    case = result.case
    lines = [f"{case.name}  ({place(case.span)})"]
    for m in result.mismatches:
        lines.append(f"    {m.where}: {WORDS['expected'][lang]} {m.expected}, {WORDS['got'][lang]} {m.got}")
    found = why(runner, result, lang)
    if any(m.keys[:1] in (("outcome",), ("stage",), ("stages",)) for m in result.mismatches):
        lines += [f"    {line}" for line in _open(result.decision, lang, bool(found))]
    for decider in found[:RULES]:
        of = f" {decider.record}" if decider.record else ""
        lines.append(f"    ↳ {decider.rule}{of}: {decider.came}  ({place(decider.place)})")
        lines += [f"        {line}" for line in decider.lines]
    if len(found) > RULES:
        lines.append("    " + WORDS["more"][lang].format(n=len(found) - RULES))
    if result.diagnostics:
        lines += ["    " + line for line in render_all(list(result.diagnostics), lang).splitlines()]
    return lines


def failure_data(runner: Runner, result: CaseResult, lang: Language) -> dict[str, Any]:
    """A result for programs."""
    case = result.case
    return {
        "file": str(runner.file.path), "line": case.span.line, "name": case.name, "tags": list(case.tags), "passed": result.passed,
        "mismatches": [
            {"where": m.where, "expected": m.expected, "got": m.got, "line": case.place("expect", *m.keys).line} for m in result.mismatches
        ],
        "decided_by": [
            {"rule": d.rule, "record": d.record, "came": d.came, "file": d.place.source.path, "line": d.place.line, "values": list(d.lines)}
            for d in why(runner, result, lang)
        ],
        "diagnostics": [as_data(d, lang) for d in result.diagnostics],
    }  # fmt: skip


def why(runner: Runner, result: CaseResult, lang: Language) -> list[Decider]:
    """The rules behind the mismatches of a result: the case is decided again, with a trace."""
    if not result.mismatches:
        return []
    policy = runner.policy(result.case.amend)
    if result.ranking is not None:
        return rows_behind(policy, result.ranking, result.mismatches, lang)
    if result.decision is None:
        return []
    try:
        traced = runner.decide(result.case, trace=True)
    except (BandoloError, BadPath):
        return []
    return deciders(policy, result.case, traced, result.mismatches, lang)


def place(span: Span) -> str:
    """`policies/call.yaml:12`, as seen from where we are if the file is below."""
    path = Path(span.source.path)
    try:
        path = path.resolve().relative_to(Path.cwd())
    except (ValueError, OSError):
        path = Path(span.source.path)
    return f"{path}:{span.line}"


def _open(decision: Decision | None, lang: Language, told: bool) -> Iterator[str]:
    """What led to an outcome that nobody expected: what is not known yet, and the requirements that failed unless they are told."""
    if decision is None:
        return
    unknown = "undetermined" in decision.stages.values()
    found = {
        "missing": decision.missing if unknown else (),
        "pending": decision.pending if unknown else (),
        "open": decision.open_readings if unknown else (),
        "unmet": () if told else decision.failed(),
    }
    for word, names in found.items():
        if names:
            more = ", …" if len(names) > SHOWN else ""
            yield f"{WORDS[word][lang]}: {', '.join(names[:SHOWN])}{more}"
