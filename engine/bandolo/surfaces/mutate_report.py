"""What `bandolo mutate` prints: survivors with their questions, what is wrong with the list of equivalent ones, and the figures."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import click

from bandolo.diagnostics import Diagnostic
from bandolo.diagnostics.spelling import nearest
from bandolo.language.types import Language
from bandolo.policy import Policy
from bandolo.surfaces.intake import not_readable
from bandolo.surfaces.saying import say_diagnostics
from bandolo.testing.cases import read_cases
from bandolo.testing.generate import bases_of
from bandolo.testing.mutation.equivalent import Entry, read_equivalent, stale
from bandolo.testing.mutation.mutants import Mutant, mutants_of
from bandolo.testing.mutation.run import Fate, Figures, Hunt
from bandolo.testing.mutation.search import Told, told_apart
from bandolo.testing.mutation.trials import Prepared, prepared
from bandolo.testing.mutation.words import changed_line, question

WORDS = {
    "cases": ("casi", "cases"),
    "mutants": ("mutanti", "mutants"),
    "killed": ("scoperti", "killed"),
    "refused": ("rifiutati", "refused"),
    "equivalent": ("equivalenti", "equivalent"),
    "survived": ("sopravvissuti", "survived"),
    "searched": ("domande inventate", "applications made up"),
    "told": ("distinta da", "told apart by"),
    "application": ("la domanda, da aggiungere come caso", "the application, to be added as a case"),
    "kind": ("tipo", "kind"),
}
FATES = ("killed", "equivalent", "survived", "refused")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options of the command."""

    policy: str
    rules: tuple[str, ...]
    files: tuple[str, ...]
    equivalent: str | None
    search: int
    survivors: bool
    seed: int
    jobs: int


def report(policy: Policy, wanted: Wanted, lang: Language, *, listed: bool, as_json: bool) -> int:
    """Run, print, give the exit status: 0 only if every mutant is killed, or listed as equivalent and not told apart."""
    mutants = mutants_of(policy.core, policy.loaded.tree)
    chosen = [m for m in mutants if not wanted.rules or any(fnmatchcase(m.rule, r) for r in wanted.rules)]
    if not chosen and wanted.rules:
        near = nearest(wanted.rules[0], {m.rule for m in mutants})
        say_diagnostics([Diagnostic("no-such-rule", args={"name": wanted.rules[0], "nearest": near})], lang)
        return 1
    if listed:
        for mutant in chosen:
            click.echo(json.dumps(_data(mutant), ensure_ascii=False) if as_json else f"{_place(mutant)}  {mutant.rule}: {mutant.change}")
        return 0
    entries, diagnostics = _entries(wanted)
    files = _files(wanted)
    if not files:
        diagnostics.append(Diagnostic("no-cases-here", file=wanted.policy, args={"path": wanted.policy}))
    with _progress(_word("cases", lang), None) as told:
        ready = prepared(policy, files, told)
    diagnostics += ready.diagnostics
    diagnostics += [Diagnostic("case-fails", case.span, {"name": case.name}) for _, case in ready.failing]
    if diagnostics:
        say_diagnostics(diagnostics, lang)
        return 1
    with _progress(_word("mutants", lang), len(chosen)) as told:
        fates = Hunt(ready).fates(chosen, wanted.jobs, told)
    return _judged(ready, chosen, fates, entries, wanted, lang, as_json)


def _judged(
    ready: Prepared, mutants: list[Mutant], fates: list[Fate], entries: list[Entry], wanted: Wanted, lang: Language, as_json: bool
) -> int:
    rules = {m.rule for m in mutants}
    concerned = [e for e in entries if not wanted.rules or e.rule in rules]
    diagnostics = stale(concerned, mutants, fates)
    listed = {e.key: e for e in concerned}
    words = ["equivalent" if f.word == "survived" and m.key in listed else f.word for m, f in zip(mutants, fates, strict=True)]
    watched = [m for m, w in zip(mutants, words, strict=True) if w == "equivalent" or (w == "survived" and wanted.survivors)]
    apart: dict[int, Told] = {}
    searched = wanted.search if watched else 0
    if searched:
        with _progress(_word("searched", lang), wanted.search) as told:
            apart = told_apart(ready.version, watched, wanted.search, wanted.seed, bases_of(wanted.policy), wanted.jobs, told)
    by_key = {watched[i].key: difference for i, difference in apart.items()}
    diagnostics += [
        Diagnostic("mutant-told-apart", listed[key].span, {"rule": key[0], "mutation": key[1]}) for key in by_key if key in listed
    ]
    figures = Figures()
    for mutant, word in zip(mutants, words, strict=True):
        figures.add(mutant, word)
    if as_json:
        rows = [_data(m) | {"fate": w, "by": f.by} for m, w, f in zip(mutants, words, fates, strict=True)]
        for row, mutant in zip(rows, mutants, strict=True):
            if mutant.key in by_key:
                row["told_apart"] = _told(by_key[mutant.key])
        counts = {w: figures.count(w) for w in FATES}
        whole = {
            "policy": ready.version.policy.id,
            "cases": len(ready.trials),
            "mutants": len(mutants),
            **counts,
            "searched": searched,
        }
        click.echo(json.dumps(whole | {"list": rows}, ensure_ascii=False, indent=1))
    else:
        for mutant, word in zip(mutants, words, strict=True):
            if word == "survived" or mutant.key in by_key:
                _show(ready, mutant, by_key.get(mutant.key), lang)
        _summary(ready, figures, searched, lang)
    say_diagnostics(diagnostics, lang)
    return 1 if diagnostics or "survived" in words else 0


# Input.


def _files(wanted: Wanted) -> list[Path]:
    """The case files asked for, or all of the policy's that stand beside it."""
    if wanted.files:
        return [Path(f) for f in wanted.files]
    path = Path(wanted.policy)
    found = []
    for beside in sorted(path.parent.glob("*.cases.yaml")):
        file, _ = read_cases(beside)
        if file is not None and file.policy.resolve() == path.resolve():
            found.append(beside)
    return found


def _entries(wanted: Wanted) -> tuple[list[Entry], list[Diagnostic]]:
    path = Path(wanted.equivalent) if wanted.equivalent else Path(wanted.policy).with_suffix(".equivalent.yaml")
    if wanted.equivalent is None and not path.is_file():
        return [], []
    try:
        return read_equivalent(path)
    except OSError as error:
        return [], [not_readable(str(path), error)]


# Output.


def _word(name: str, lang: Language) -> str:
    return WORDS[name][0 if lang == "it" else 1]


def _place(mutant: Mutant) -> str:
    return f"{mutant.at.source.path}:{mutant.at.line}:{mutant.at.column}"


def _show(ready: Prepared, mutant: Mutant, told: Told | None, lang: Language) -> None:
    old, new = changed_line(mutant)
    click.echo(f"{_place(mutant)}  {mutant.rule}")
    click.echo(f"  - {old}\n  + {new}")
    if told is None:
        click.echo(f"  ? {question(ready.version.policy.core, mutant, lang)}")
    else:
        for name in list(told.before)[:6]:
            click.echo(f"  ≠ {name}: {told.before[name]} → {told.after[name]}")
        click.echo(f"  {_word('application', lang)}:")
        click.echo("    " + json.dumps(_told(told)["given"], ensure_ascii=False))
        for application in told.applications:
            click.echo("    " + json.dumps(application, ensure_ascii=False))
    click.echo(f"  = {mutant.change}\n")


def _summary(ready: Prepared, figures: Figures, searched: int, lang: Language) -> None:
    heads = [_word(w, lang) for w in ("mutants", *FATES)]
    widths = [max(len(head), 6) + 2 for head in heads]
    click.echo(f"{_word('kind', lang):<14}" + "".join(f"{h:>{w}}" for h, w in zip(heads, widths, strict=True)))
    for kind in sorted(figures.by_kind):
        counted = figures.by_kind[kind]
        row = [sum(counted.values()), *(counted[w] for w in FATES)]
        click.echo(f"{kind:<14}" + "".join(f"{n or '·':>{w}}" for n, w in zip(row, widths, strict=True)))
    total = [figures.count(), *(figures.count(w) for w in FATES)]
    click.echo(f"{'':<14}" + "".join(f"{n:>{w}}" for n, w in zip(total, widths, strict=True)))
    made_up = f", {searched} {_word('searched', lang)}" if searched else ""
    click.echo(f"{len(ready.trials)} {_word('cases', lang)}{made_up}")


def _data(mutant: Mutant) -> dict[str, Any]:
    return {
        "rule": mutant.rule, "kind": mutant.kind, "mutation": mutant.change, "file": mutant.at.source.path, "line": mutant.at.line,
        "column": mutant.at.column,
    }  # fmt: skip


def _told(told: Told) -> dict[str, Any]:
    given = {k: v for k, v in told.given.items() if v}
    return {"given": given, "applications": told.applications, "before": told.before, "after": told.after}


@contextmanager
def _progress(label: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A line that is written over, on a terminal only."""
    shown = sys.stderr.isatty()

    def told(n: int) -> None:
        if shown:
            click.echo(f"\r{label}: {n}" + (f" / {total}" if total else ""), nl=False, err=True)

    yield told
    if shown:
        click.echo("\r" + " " * 40 + "\r", nl=False, err=True)
