"""The report of `bandolo coverage`: figures by kind, then what no case asks, rule by rule."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from pathlib import Path

import click

from bandolo import limits
from bandolo.diagnostics import Diagnostic, PolicyError, errors
from bandolo.diagnostics.render import render_all
from bandolo.language.types import Language
from bandolo.pipeline import load
from bandolo.source import read_bytes
from bandolo.surfaces.beside import read_beside
from bandolo.surfaces.checking import kind_of
from bandolo.surfaces.intake import not_readable
from bandolo.testing.coverage.measure import Coverage, Met, measure
from bandolo.testing.coverage.page import Part, coverage_html
from bandolo.testing.coverage.text import STATES, TextCoverage, text_coverage
from bandolo.testing.coverage.wire import coverage_as_data
from bandolo.testing.coverage.words import KIND_WORDS, percent_said, rule_said

WIDTH = 100

WORDS = {
    "rules": {"it": "regole: {done} domande su {total} ({percent}%), {cases} casi",
              "en": "rules: {done} of {total} questions asked ({percent}%), {cases} cases"},
    "none": {"it": "nessun caso appartiene a questo bando: nulla è provato", "en": "no case belongs to this policy: nothing is tried"},
    "nothing": {"it": "il bando non ha nulla da provare", "en": "the policy has nothing to be tried"},
    "apart": {"it": "non contano, perché impossibili o dichiarate: {n}", "en": "not counted, impossible or declared: {n}"},
    "open": {"it": "Che cosa nessun caso chiede", "en": "What no case asks"},
    "document": {"it": "testo {name}: {rule}% citato da regole, {unencoded}% dichiarato fuori dalle regole, {untouched}% non toccato",
                 "en": "text {name}: {rule}% quoted by rules, {unencoded}% declared as no rule, {untouched}% untouched"},
    "words": {"it": "parole: {rule}, {unencoded}, {untouched}", "en": "words: {rule}, {unencoded}, {untouched}"},
    "norms": {"it": "norme: {done} su {total} ({percent}%)", "en": "norms: {done} of {total} ({percent}%)"},
    "no_norms": {"it": "nessun elenco di norme", "en": "no list of norms"},
    "no_text": {"it": "testo {name}: non c'è", "en": "text {name}: not there"},
    "no_sources": {"it": "testi: il bando non ha fonti", "en": "texts: the policy has no sources"},
    "by": {"it": "casi", "en": "cases"},
    "more": {"it": "e altri {n}", "en": "and {n} more"},
    "progress": {"it": "casi provati: {done} parti su {total}", "en": "cases run: {done} of {total} parts"},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of the command; `least` is a percentage."""

    rules: bool
    text: bool
    least: float | None
    listed: bool
    as_json: bool
    html_file: str | None
    jobs: int
    lang: Language

    def said(self, key: str, **args: object) -> str:
        return WORDS[key][self.lang].format(**args)


def report(paths: tuple[str, ...], wanted: Wanted) -> int:
    """Print the coverage of each policy; exit status 0 only if every case holds and no figure is too low."""
    clean = True
    parts: list[Part] = []
    for path, said in _policies(paths):
        if said is not None:
            _say([said], wanted)
            clean = False
            continue
        part, problems = _measured(path, wanted)
        clean = clean and not problems
        if part is not None:
            parts.append(part)
            if wanted.as_json:
                click.echo(json.dumps(coverage_as_data(part.path, part.rules, part.text), ensure_ascii=False))
            else:
                click.echo("\n".join(_lines(part, wanted)))
        _say(problems, wanted)
    if wanted.html_file is not None and parts:
        try:
            Path(wanted.html_file).write_text(coverage_html(parts, wanted.lang), encoding="utf-8")
        except OSError as error:
            _say([Diagnostic("cannot-write", file=wanted.html_file, args={"path": wanted.html_file, "error": str(error.strerror)})], wanted)
            clean = False
    return 0 if clean else 1


def _say(diagnostics: list[Diagnostic], wanted: Wanted) -> None:
    if diagnostics:
        click.echo(render_all(diagnostics, wanted.lang) + "\n", err=True)


def _policies(paths: tuple[str, ...]) -> Iterator[tuple[Path, Diagnostic | None]]:
    for path in map(Path, paths):
        if not path.is_dir():
            yield path, None
            continue
        found = [f for f in sorted(path.glob("*.yaml")) if kind_of(f) == "policy"]
        yield from ((f, None) for f in found)
        if not found:
            yield path, Diagnostic("no-policies-here", file=str(path), args={"path": str(path)})


def _measured(path: Path, wanted: Wanted) -> tuple[Part | None, list[Diagnostic]]:
    """What a policy's cases and quotes cover, and everything that is wrong."""
    problems: list[Diagnostic] = []
    rules: Coverage | None = None
    text: TextCoverage | None = None
    try:
        content = read_bytes(path, limits.POLICY_BYTES)
        if wanted.rules:
            rules = measure(path, wanted.jobs, _progress(wanted))
            problems += rules.diagnostics
            problems += [d for f in rules.failures for d in f.diagnostics]
            problems += [
                Diagnostic("coverage-case-fails", file=f.path, args={"line": f.line, "name": f.name})
                for f in rules.failures
                if not f.diagnostics
            ]
        loaded = load(str(path), content)
        if loaded.policy is None or loaded.document is None:
            return None, errors(list(loaded.diagnostics))
        if wanted.text:
            beside = read_beside(loaded.document.documents)
            problems += errors(beside.diagnostics)
            text = text_coverage(loaded.document, beside.texts, beside.norms)
    except PolicyError as error:
        return None, list(error.diagnostics)
    except OSError as error:
        return None, [not_readable(str(error.filename or path), error)]
    title = loaded.policy.title.said(wanted.lang)
    part = Part(str(path), title, content.decode("utf-8", "replace"), rules, text)
    return part, problems + _too_low(part, wanted)


def _progress(wanted: Wanted) -> Callable[[int, int], None]:
    def show(done: int, total: int) -> None:
        if sys.stderr.isatty() and total > 1:
            click.echo("\r" + wanted.said("progress", done=done, total=total) + ("\r\033[K" if done == total else ""), err=True, nl=False)

    return show


def _too_low(part: Part, wanted: Wanted) -> list[Diagnostic]:
    """`--min` is of what the cases look at; with `--text`, of the norms."""
    measured = part.rules.percent if part.rules is not None and part.rules.cases else Fraction(0)
    if part.rules is None:
        measured = part.text.percent if part.text is not None else Fraction(0)
    if wanted.least is None or measured >= Fraction(str(wanted.least)):
        return []
    args = {"percent": percent_said(measured, wanted.lang), "least": f"{wanted.least:g}"}
    return [Diagnostic("coverage-below", file=part.path, args=args)]


def _lines(part: Part, wanted: Wanted) -> Iterator[str]:
    yield part.path
    if part.rules is not None:
        yield from _rules(part.rules, wanted)
    if part.text is not None:
        yield from _texts(part.text, wanted)
    if part.rules is not None:
        yield from _questions(part.rules, wanted)


def _rules(found: Coverage, wanted: Wanted) -> Iterator[str]:
    done, total = found.figures()
    if not found.cases:
        yield "  " + wanted.said("none")
    if not total:
        yield "  " + wanted.said("nothing")
        return
    yield "  " + wanted.said("rules", done=done, total=total, percent=percent_said(found.percent, wanted.lang), cases=found.cases)
    for kind in found.kinds():
        done, total = found.figures(kind)
        label = KIND_WORDS[kind][0 if wanted.lang == "it" else 1]
        yield f"    {label:<46}{done:>6} / {total:<6}{percent_said(Fraction(100 * done, total), wanted.lang):>6}%"
    apart = sum(m.state in ("impossible", "declared") for m in found.met)
    if apart:
        yield "    " + wanted.said("apart", n=apart)


def _texts(found: TextCoverage, wanted: Wanted) -> Iterator[str]:
    if not found.documents and not found.without_text:
        yield "  " + wanted.said("no_sources")
    for document in found.documents:
        shares: dict[str, object] = {s: percent_said(document.share(s), wanted.lang) for s in STATES}
        yield "  " + wanted.said("document", name=document.name, **shares)
        norms = document.norms
        done = sum(bool(n.at) for n in norms)
        counted = wanted.said("words", **{str(s): n for s, n in document.words.items()})
        if norms:
            share = percent_said(Fraction(100 * done, len(norms)), wanted.lang)
            yield f"    {wanted.said('norms', done=done, total=len(norms), percent=share)}; {counted}"
        else:
            yield f"    {wanted.said('no_norms')}; {counted}"
    for name in found.without_text:
        yield "  " + wanted.said("no_text", name=name)


def _questions(found: Coverage, wanted: Wanted) -> Iterator[str]:
    shown = [m for m in found.met if wanted.listed or m.state in ("uncovered", "partly")]
    if not shown:
        return
    yield ""
    if not wanted.listed:
        yield wanted.said("open")
    for rule, group in groupby(shown, lambda m: m.obligation.rule):
        yield "  " + rule_said(rule, wanted.lang)
        for met in group:
            yield from _question(met, wanted)
    yield ""


def _question(met: Met, wanted: Wanted) -> Iterator[str]:
    place = met.obligation.place
    where = f"{place.path}:{place.line}"
    sign = {"covered": "✔", "partly": "◐", "uncovered": "✘"}.get(met.state, "–")
    questions = met.obligation.questions if met.state == "covered" else met.open
    for i, question in enumerate(questions):
        text = textwrap.wrap(question.said(wanted.lang), WIDTH - 6)
        yield f"    {sign} " + "\n      ".join(text)
        if i == len(questions) - 1:
            yield f"      {where}"
    reason = met.obligation.impossible.said(wanted.lang) if met.obligation.impossible is not None else met.because
    if not met.counts and reason:
        yield "      " + "\n      ".join(textwrap.wrap(reason, WIDTH - 6))
    if wanted.listed and met.cases:
        more = f" ({wanted.said('more', n=met.count - len(met.cases))})" if met.count > len(met.cases) else ""
        names = "; ".join(met.cases)
        yield "      " + "\n        ".join(textwrap.wrap(f"{wanted.said('by')}: {names}{more}", WIDTH - 8))
