"""`bandolo boundaries`: the applications at every edge of a policy, to be approved; and approved rows to cases."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from bandolo.language.types import Language
from bandolo.surfaces.options import given, language_option, what_if_options
from bandolo.surfaces.saying import console, load, say_diagnostics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bandolo.analysis.boundaries.book import Book
    from bandolo.analysis.boundaries.edges import Edge
    from bandolo.analysis.boundaries.found import Base, Found
    from bandolo.analysis.boundaries.search import Searcher
    from bandolo.policy import Policy

FEW = 12
"""Up to so many edges one process is faster than several."""


@click.command("boundaries")
@click.argument("policy", type=click.Path())
@click.option("--from", "applications", multiple=True, type=click.Path(allow_dash=True), help="Search from this application.")
@click.option("--rule", "rules", multiple=True, metavar="NAME", help="Only the edges of a requirement, definition or parameter.")
@click.option("--to", type=click.Path(), help="Write the book: a page (.md) or a workbook to be approved (.xlsx).")
@click.option("--approve", type=click.Path(), metavar="BOOK.xlsx", help="Read a book that was approved, row by row.")
@click.option(
    "--cases", "cases_file", type=click.Path(), metavar="FILE.cases.yaml", help="With --approve: write the approved rows as cases."
)
@click.option("--by", default="", metavar="NAME", help="With --approve: who approved the rows.")
@click.option("--overwrite", is_flag=True, help="What is written may take the place of a file.")
@click.option("--json", "as_json", is_flag=True, help="The book as JSON.")
@what_if_options
@click.option("--jobs", type=click.IntRange(1, 64), default=min(os.cpu_count() or 1, 8), show_default=True, help="Processes.")
@language_option
def boundaries(
    policy: str, applications: tuple[str, ...], rules: tuple[str, ...], to: str | None, approve: str | None, cases_file: str | None,
    by: str, overwrite: bool, as_json: bool, jobs: int, lang: str, **what_ifs: Any,
) -> None:  # fmt: skip
    """The boundary book: for every threshold, deadline, cap and rounding the applications below, at and above it, with their decisions.

    \b
    bandolo boundaries policies/bando_2023.yaml --assume --to limits.xlsx
    bandolo boundaries policies/bando_2023.yaml --assume --rule enough_firms
    bandolo boundaries policies/bando_2023.yaml --approve limits.xlsx --cases limits.cases.yaml --by "Anna Rossi"
    """
    language = cast(Language, lang)
    if (approve is None) != (cases_file is None):
        raise click.UsageError("--approve BOOK.xlsx and --cases FILE.cases.yaml go together")
    if to is not None and Path(to).suffix.lower() not in (".md", ".xlsx"):
        raise click.UsageError("--to takes a name that ends in .md or .xlsx")
    if approve is not None and cases_file is not None:
        if not cases_file.endswith(".cases.yaml"):
            raise click.UsageError("--cases takes a name that ends in .cases.yaml")
        sys.exit(_approve(policy, approve, cases_file, by, overwrite, language))
    loaded = load(policy, what_ifs["amendments"], language)
    sys.exit(_book(loaded, policy, applications, rules, to, overwrite, as_json, jobs, language, what_ifs))


def _book(
    policy: Policy, path: str, applications: tuple[str, ...], rules: tuple[str, ...], to: str | None, overwrite: bool, as_json: bool,
    jobs: int, lang: Language, what_ifs: dict[str, Any],
) -> int:  # fmt: skip
    from bandolo.analysis.boundaries.book import book
    from bandolo.analysis.boundaries.pages import as_data, markdown
    from bandolo.analysis.boundaries.search import Searcher
    from bandolo.diagnostics import BandoloError, PolicyError
    from bandolo.surfaces.sheets import write

    bases, spare, as_of = _bases(policy, path, applications, lang, what_ifs)
    trial = given(what_ifs)
    trial["as_of"] = trial["as_of"] or as_of
    try:
        searcher = Searcher(policy, bases, spare, **trial)
        wanted = _wanted(searcher, rules, lang)
        found = list(_searched(searcher, wanted, path, what_ifs["amendments"], trial, jobs, lang))
        made = book(searcher, found, lang)
        if to is None:
            click.echo(json.dumps(as_data(made), ensure_ascii=False, indent=2)) if as_json else _print(made)
            return 0
        content = markdown(made).encode() if to.lower().endswith(".md") else _workbook(searcher, made, to, trial, what_ifs["amendments"])
    except PolicyError as error:
        say_diagnostics(list(error.diagnostics), lang)
        return 1
    except BandoloError as error:
        say_diagnostics(list(error.diagnostics), lang)
        return 1
    bad = write(to, content, overwrite, (path, *applications))
    say_diagnostics(bad, lang)
    if as_json:
        click.echo(json.dumps(as_data(made), ensure_ascii=False, indent=2))
    elif not bad:
        said = {"it": "scritto {} (limiti: {}, con domande: {})", "en": "wrote {} (edges: {}, with applications: {})"}[lang]
        click.echo(said.format(to, len(made.entries), len(made.with_rows)))
    return 1 if bad else 0


def _bases(
    policy: Policy, path: str, applications: tuple[str, ...], lang: Language, what_ifs: dict[str, Any]
) -> tuple[list[Base], list[Base], str | None]:
    """What the search begins with; exit status 1, said, where there is nothing."""
    from bandolo.analysis.boundaries.bases import bases_beside
    from bandolo.analysis.boundaries.found import Base
    from bandolo.diagnostics import Diagnostic
    from bandolo.evaluate.inputs import read_application
    from bandolo.surfaces.intake import read_applications
    from bandolo.surfaces.options import record_files

    bases: list[Base] = []
    found: list[Diagnostic] = []
    as_of: str | None = None
    spare: list[Base] = []
    for submitted in read_applications(applications, policy.core, record_files(policy, what_ifs["records"])):
        bad = list(submitted.diagnostics)
        if not bad:
            bad = submitted.located(tuple(read_application(policy.core, policy.settled, submitted.data)[1]))
        found += bad
        if not bad:
            bases.append(Base(_name_of(policy, submitted.label, submitted.data), submitted.data, submitted.label))
    if not applications:
        bases, spare, as_of, found = bases_beside(Path(path), policy.core)
        if not bases and not found:
            found = [Diagnostic("no-base-application", file=path, args={"path": path})]
    if found:
        say_diagnostics(found, lang)
        sys.exit(1)
    return bases, spare, as_of


def _name_of(policy: Policy, label: str, data: Any) -> str:
    key = policy.core.entities[policy.core.root].key
    return str(data.get(key.name) or label) if key is not None and isinstance(data, dict) else label


def _wanted(searcher: Searcher, rules: tuple[str, ...], lang: Language) -> list[Edge]:
    """The edges of the named entries, all without names; exit status 1, said, where a name has none."""
    from bandolo.diagnostics import Diagnostic
    from bandolo.diagnostics.spelling import nearest

    if not rules:
        return searcher.edges
    known = sorted({n for e in searcher.edges for n in (e.owner, e.id)})
    found = [Diagnostic("no-edge", args={"name": r, "nearest": nearest(r, known)}) for r in rules if r not in known]
    if found:
        say_diagnostics(found, lang)
        sys.exit(1)
    return [e for e in searcher.edges if e.owner in rules or e.id in rules]


_SEARCHER: Searcher | None = None
"""In a worker: each makes its own, since a policy does not travel between processes."""


def _begin(path: str, amendments: tuple[str, ...], bases: list[Base], spare: list[Base], trial: dict[str, Any]) -> None:
    from bandolo.analysis.boundaries.search import Searcher
    from bandolo.policy import load_policy

    global _SEARCHER  # noqa: PLW0603
    _SEARCHER = Searcher(load_policy(path, amendments=amendments), bases, spare, **trial)


def _in_worker(name: str) -> Found:
    assert _SEARCHER is not None
    return _SEARCHER.search(next(e for e in _SEARCHER.edges if e.id == name))


def _searched(
    searcher: Searcher, wanted: list[Edge], path: str, amendments: tuple[str, ...], trial: dict[str, Any], jobs: int, lang: Language
) -> Iterator[tuple[Edge, Found]]:
    """What is found for each edge, in order, with progress on a terminal."""
    from concurrent.futures import ProcessPoolExecutor

    started = time.monotonic()
    names = [e.id for e in wanted]
    with ProcessPoolExecutor(jobs, initializer=_begin, initargs=_own(searcher, path, amendments, trial)) as pool:
        alone = jobs < 2 or len(wanted) <= FEW
        found = (searcher.search(e) for e in wanted) if alone else pool.map(_in_worker, names)
        for count, (edge, one) in enumerate(zip(wanted, found, strict=True), 1):
            if sys.stderr.isatty():
                left = (time.monotonic() - started) / count * (len(wanted) - count)
                words = {"it": "cercati {} limiti di {}, mancano {:.0f} s", "en": "searched {} edges of {}, {:.0f} s left"}
                click.echo(f"\r{words[lang].format(count, len(wanted), left)}   ", err=True, nl=count == len(wanted))
            yield edge, one


def _own(searcher: Searcher, path: str, amendments: tuple[str, ...], trial: dict[str, Any]) -> tuple[Any, ...]:
    bases = [searcher.bases[n] for n in searcher.names]
    return path, amendments, bases, [searcher.bases[n] for n in searcher.spare], trial


def _workbook(searcher: Searcher, made: Book, to: str, trial: dict[str, Any], amendments: tuple[str, ...]) -> bytes:
    from bandolo.analysis.boundaries.pages import packed, workbook

    used = {e.base for e in made.with_rows}
    about = {
        "bandolo": "boundaries", "policy": searcher.policy.id, "digest": searcher.policy.digest, "trial": trial,
        "amendments": [os.path.relpath(a, Path(to).parent) for a in amendments],
        "bases": {name: packed(searcher.bases[name].data) for name in sorted(used)},
    }  # fmt: skip
    return workbook(made, searcher.core.conventions.currency, about)


def _print(made: Book) -> None:
    """The book on a terminal."""
    from rich.padding import Padding
    from rich.text import Text

    from bandolo.analysis.boundaries.words import word

    def say(text: str, indent: int = 0, style: str = "") -> None:
        out.print(Padding(Text(text, style), (0, 0, 0, indent)))

    out = console()
    say(made.title, 0, "bold")
    for line in made.about[1:]:
        say(line)
    marks = {"below": "<", "at": "=", "above": ">"}
    for entry in made.with_rows:
        out.print()
        say(f"{entry.title} ({entry.kind}, {entry.edge.id})", 0, "bold")
        say(entry.formula, 2)
        for row in entry.rows:
            say(f"{marks[row.side]} {row.position}: {row.value} / {row.limit} → {row.outcome}", 2, "bold")
            for text in (row.application, *row.verdicts, *row.results):
                say(text, 6)
        if entry.note:
            say(entry.note, 2)
    if made.without:
        out.print()
        say(word("without", made.lang), 0, "bold")
        for entry in made.without:
            say(f"{entry.title} ({entry.edge.id}): {entry.note}", 2)


def _approve(path: str, book: str, cases_file: str, by: str, overwrite: bool, lang: Language) -> int:
    from bandolo import limits
    from bandolo.analysis.boundaries.approve import cases_text, read_approved, still_true
    from bandolo.diagnostics import Diagnostic, PolicyError
    from bandolo.source import read_bytes
    from bandolo.surfaces.intake import not_readable
    from bandolo.surfaces.sheets import write

    try:
        about, approved, found = read_approved(book, read_bytes(book, limits.APPLICATION_BYTES))
    except OSError as error:
        say_diagnostics([not_readable(book, error)], lang)
        return 1
    if not found:
        folder = Path(book).parent
        acts = tuple(str(folder / a) for a in about["amendments"])
        policy = load(path, acts, lang)
        try:
            if policy.id != about["policy"]:
                found = [Diagnostic("book-of-another", file=book, args={"policy": policy.id, "other": about["policy"]})]
            else:
                found = still_true(policy, about, approved, book)
        except PolicyError as error:
            found = list(error.diagnostics)
        target = Path(cases_file).parent
        about = {**about, "amendments": [os.path.relpath(a, target) for a in acts]}
    if not found:
        content = cases_text(about, approved, os.path.relpath(path, target), by, Path(book).name, lang)
        found = write(cases_file, content.encode(), overwrite, (path, book))
    say_diagnostics(found, lang)
    if not found:
        said = {"it": "scritto {} (casi: {})", "en": "wrote {} (cases: {})"}[lang]
        click.echo(said.format(cases_file, len(approved)))
    return 1 if found else 0
