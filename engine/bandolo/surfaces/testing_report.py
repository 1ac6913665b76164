"""What `bandolo test` does: finds the case files, runs the cases that are meant, tells failures or accepts what came."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click

from bandolo import limits
from bandolo.diagnostics import Diagnostic, PolicyError
from bandolo.diagnostics.render import render_all
from bandolo.diagnostics.spelling import nearest
from bandolo.language.types import Language
from bandolo.source import read_bytes
from bandolo.surfaces.checking import kind_of
from bandolo.surfaces.intake import not_readable
from bandolo.testing.accept import acceptance, put, rewritten_lines
from bandolo.testing.cases import cases_of_bytes
from bandolo.testing.failures import failure_data, failure_lines
from bandolo.testing.runner import CaseResult, Runner
from bandolo.testing.select import Selection, Uses, reaches

WORDS = {
    "none": {"it": "nessun caso trovato", "en": "no case was found"},
    "passed": {"it": "{n} casi riusciti", "en": "{n} cases passed"},
    "passed_one": {"it": "1 caso riuscito", "en": "1 case passed"},
    "failed": {"it": "{n} falliti", "en": "{n} failed"},
    "failed_one": {"it": "1 fallito", "en": "1 failed"},
    "updated": {"it": "{n} casi riscritti", "en": "{n} cases rewritten"},
    "updated_one": {"it": "1 caso riscritto", "en": "1 case rewritten"},
}


@dataclass
class Run:
    """What is asked for, and what has come so far."""

    selection: Selection
    update: bool
    as_json: bool
    lang: Language
    passed: int = 0
    failed: int = 0
    updated: int = 0
    problems: int = 0
    tags: set[str] = field(default_factory=set)
    rules: set[str] = field(default_factory=set)

    def say(self, diagnostics: list[Diagnostic]) -> None:
        if diagnostics:
            self.problems += 1
            click.echo(render_all(diagnostics, self.lang) + "\n", err=True)

    def counted(self, word: str, n: int) -> str:
        return WORDS[f"{word}_one" if n == 1 else word][self.lang].format(n=n)


def report(
    paths: tuple[str, ...], selection: Selection, lang: Language, *, update: bool = False, as_json: bool = False, hook: bool = False
) -> int:
    """Run the cases, print what came, give the exit status: 0 only if every case passed or was accepted, and there was one.

    With `hook`, files that are neither policies nor amendments nor cases are passed over; none but such is no fault.
    """
    run = Run(selection, update, as_json, lang)
    files, said = case_files(paths, hook)
    for diagnostic in said:
        run.say([diagnostic])
    for path in files:
        _file(run, path)
    run.say(_misspelt(run))
    if run.passed + run.failed + run.updated == 0 and not run.problems:
        if hook and not files:
            return 0
        click.echo(WORDS["none"][lang], err=True)
        return 1
    if not as_json and run.passed + run.failed + run.updated:
        counts = [run.counted("passed", run.passed), run.counted("failed", run.failed)]
        click.echo(", ".join([*counts, *([run.counted("updated", run.updated)] if run.updated else [])]))
    return 1 if run.failed or run.problems else 0


def case_files(paths: tuple[str, ...], hook: bool) -> tuple[list[Path], list[Diagnostic]]:
    """The case files that paths stand for: a folder for all that are in it, a policy or an amendment for those beside it."""
    found: list[Path] = []
    diagnostics: list[Diagnostic] = []
    for path in map(Path, paths):
        if path.is_dir():
            found += sorted(path.glob("*.cases.yaml"))
        elif not path.is_file():
            diagnostics.append(Diagnostic("file-not-found", file=str(path), args={"path": str(path)}))
        elif (kind := kind_of(path)) in ("policy", "amendment"):
            beside = list(_beside(path, kind))
            if not beside:
                name = _named(path, "amends") if kind == "amendment" else path.name
                diagnostics.append(Diagnostic("no-cases-beside", file=str(path), args={"path": str(path), "name": name}))
            found += beside
        elif kind == "cases" or not hook:
            found.append(path)
    return list({path.resolve(): path for path in reversed(found)}.values())[::-1], diagnostics


def _beside(path: Path, kind: str | None) -> Iterator[Path]:
    """The case files beside a policy that are about it; of an amendment, about the policy that it amends."""
    policy = path.parent / _named(path, "amends") if kind == "amendment" else path
    for cases in sorted(path.parent.glob("*.cases.yaml")):
        if (cases.parent / _named(cases, "cases_of")).resolve() == policy.resolve():
            yield cases


def _named(path: Path, key: str) -> str:
    """The file that a key at the top of a file names."""
    try:
        head = read_bytes(path, limits.POLICY_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
    found = re.search(rf"(?m)^{key}\s*:\s*[\"']?([^\"'\n#]+?)[\"']?\s*(#.*)?$", head)
    return found.group(1) if found else ""


def _file(run: Run, path: Path) -> None:
    try:
        content = read_bytes(path, limits.POLICY_BYTES)
        file, diagnostics = cases_of_bytes(path, content)
        if file is None:
            run.say(diagnostics)
            return
        runner = Runner(file)
        results = []
        for case in file.cases:
            run.tags.update(case.tags)
            if run.selection.rules:
                run.rules.update(Uses(runner.policy(case.amend).core).known())
            if run.selection.named(case):
                result = runner.run(case)
                if not run.selection.rules or any(reaches(runner, result, rule) for rule in run.selection.rules):
                    results.append(result)
    except PolicyError as error:
        run.say(list(error.diagnostics))
        return
    except OSError as error:
        run.say([not_readable(str(error.filename or path), error)])
        return
    if run.update and not all(r.passed for r in results):
        results = _accepted(run, runner, content, results)
    for result in results:
        run.passed += result.passed
        run.failed += not result.passed
        _show(run, runner, result)


def _accepted(run: Run, runner: Runner, content: bytes, results: list[CaseResult]) -> list[CaseResult]:
    """Rewrites what can be accepted; the results of the other cases."""
    made = acceptance(runner, content, results)
    if not made.rewritten:
        return results
    said = put(runner.file, content, made)
    if said:
        run.say(said)
        return results
    done = list(dict.fromkeys(r.case.span.start for r in made.rewritten))
    run.updated += len(done)
    for line in rewritten_lines(made.rewritten):
        if not run.as_json:
            click.echo(line)
    if run.as_json:
        for one in made.rewritten:
            data = {"file": str(runner.file.path), "name": one.case.name, "where": one.where, "old": one.old, "new": one.new}
            click.echo(json.dumps(data, ensure_ascii=False))
    return [r for r in results if r.case.span.start not in done]


def _misspelt(run: Run) -> list[Diagnostic]:
    """Tags and rules that are asked for and nowhere to be found; of several, those that are."""
    found = []
    for word, asked, known in (("unknown-tag", run.selection.tags, run.tags), ("unknown-rule", run.selection.rules, run.rules)):
        if run.problems and not known:
            continue
        for name in (n for n in asked if n not in known):
            args = {"name": name, "nearest": nearest(name, known)}
            found.append(Diagnostic("unknown-tag", args=args) if word == "unknown-tag" else Diagnostic("unknown-rule", args=args))
    return found


def _show(run: Run, runner: Runner, result: CaseResult) -> None:
    if run.as_json:
        click.echo(json.dumps(failure_data(runner, result, run.lang), ensure_ascii=False))
    elif not result.passed:
        first, *rest = failure_lines(runner, result, run.lang)
        click.echo("\n".join([f"✘ {first}", *rest]))
