"""The report of `bandolo test`: every mismatch of every case, and a closing line with the counts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click

from bandolo.diagnostics import Diagnostic
from bandolo.diagnostics.render import message, render_all
from bandolo.evaluate.decision import Decision
from bandolo.language.types import Language
from bandolo.testing.runner import CaseResult, run_file

SHOWN = 6  # names on one line

WORDS = {
    "expected": {"it": "atteso", "en": "expected"},
    "got": {"it": "ottenuto", "en": "got"},
    "none": {"it": "nessun caso trovato", "en": "no case was found"},
    "passed": {"it": "{n} casi riusciti", "en": "{n} cases passed"},
    "passed_one": {"it": "1 caso riuscito", "en": "1 case passed"},
    "failed": {"it": "{n} falliti", "en": "{n} failed"},
    "failed_one": {"it": "1 fallito", "en": "1 failed"},
    "missing": {"it": "dati mancanti", "en": "facts missing"},
    "pending": {"it": "valori rinviati ad altro atto", "en": "values left to a later act"},
    "open": {"it": "letture aperte", "en": "open readings"},
    "unmet": {"it": "requisiti non soddisfatti", "en": "requirements not met"},
}


def report(paths: tuple[str, ...], word: str | None, as_json: bool, lang: Language) -> int:
    """Run the cases, print what came, give the exit status: 0 only if every case passed and there was one."""
    passed = failed = problems = 0
    for path in _files(paths):
        if not path.is_file():
            problems += 1
            click.echo(render_all([Diagnostic("file-not-found", file=str(path), args={"path": str(path)})], lang), err=True)
            continue
        results, diagnostics = run_file(path)
        if diagnostics:
            problems += 1
            click.echo(render_all(diagnostics, lang) + "\n", err=True)
        for result in (r for r in results if word is None or word.lower() in r.case.name.lower()):
            passed += result.passed
            failed += not result.passed
            _show(path, result, as_json, lang)
    if passed + failed == 0 and not problems:
        click.echo(WORDS["none"][lang], err=True)
        return 1
    if not as_json and passed + failed:
        click.echo(f"{_counted('passed', passed, lang)}, {_counted('failed', failed, lang)}")
    return 1 if failed or problems else 0


def _counted(word: str, n: int, lang: Language) -> str:
    return WORDS[f"{word}_one" if n == 1 else word][lang].format(n=n)


def _files(paths: tuple[str, ...]) -> list[Path]:
    found: list[Path] = []
    for path in map(Path, paths):
        found += sorted(path.glob("*.cases.yaml")) if path.is_dir() else [path]
    return found


def _show(path: Path, result: CaseResult, as_json: bool, lang: Language) -> None:
    place = f"{path}:{result.case.span.line}"
    if as_json:
        data = {
            "file": str(path), "line": result.case.span.line, "name": result.case.name, "passed": result.passed,
            "mismatches": [{"where": m.where, "expected": m.expected, "got": m.got} for m in result.mismatches],
            "diagnostics": [message(d, lang) for d in result.diagnostics],
        }  # fmt: skip
        click.echo(json.dumps(data, ensure_ascii=False))
        return
    if result.passed:
        return
    click.echo(f"✘ {result.case.name}  ({place})")
    for mismatch in result.mismatches:
        click.echo(f"    {mismatch.where}: {WORDS['expected'][lang]} {mismatch.expected}, {WORDS['got'][lang]} {mismatch.got}")
    if any(m.where.partition(".")[0] in ("outcome", "stage", "stages") for m in result.mismatches):
        for line in _why(result.decision, lang):
            click.echo("    " + line)
    if result.diagnostics:
        click.echo("    " + render_all(list(result.diagnostics), lang).replace("\n", "\n    "))


def _why(decision: Decision | None, lang: Language) -> Iterator[str]:
    """What led to an outcome that nobody expected: what is not known yet, or the requirements that failed."""
    if decision is None:
        return
    unknown = "undetermined" in decision.stages.values()
    found = {
        "missing": decision.missing if unknown else (),
        "pending": decision.pending if unknown else (),
        "open": decision.open_readings if unknown else (),
        "unmet": decision.failed(),
    }
    for word, names in found.items():
        if names:
            more = ", …" if len(names) > SHOWN else ""
            yield f"{WORDS[word][lang]}: {', '.join(names[:SHOWN])}{more}"
