"""`bandolo simulate`: what other thresholds, rates and readings would do to a population. What it needs is imported when it runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from bandolo.language.types import Language
from bandolo.surfaces.options import given, language_option, pairs, what_if_options
from bandolo.surfaces.saying import console, load, say_diagnostics

if TYPE_CHECKING:
    from bandolo.batch.simulation import Simulation, Simulator
    from bandolo.diagnostics import Diagnostic
    from bandolo.policy import Policy

WRITTEN = (".csv", ".parquet", ".html", ".md", ".json")
WORDS = {
    "it": {
        "missing": "manca un pacchetto: pip install 'bandolo[batch]'",
        "progress": "{done:,} di {all:,} domande, {rate:,.0f} al secondo, ancora {left}",
        "wrote": "scritto {}",
    },
    "en": {
        "missing": "a package is missing: pip install 'bandolo[batch]'",
        "progress": "{done:,} of {all:,} applications, {rate:,.0f} a second, {left} left",
        "wrote": "wrote {}",
    },
}


@click.command("simulate")
@click.argument("policy", type=click.Path())
@click.argument("files", nargs=-1, type=click.Path(allow_dash=True), metavar="[APPLICATIONS]...")
@click.option("--vary", "varied", multiple=True, required=True, metavar="PATH=VALUES",
              help="Values of a path, as `parameters.minimum_firms=8..12`, `A..B/STEP` or `A,B,C`; several make a grid.")  # fmt: skip
@click.option("--one-at-a-time", is_flag=True, help="Each path alone against the policy as it is, in place of the grid.")
@click.option("--no-ranking", is_flag=True, help="Decide only, and make no ranking.")
@click.option("--applications", "made_up", type=click.IntRange(1, 1_000_000), metavar="N", help="Make up N applications instead of files.")
@click.option("--seed", type=int, default=1, show_default=True, help="From which the applications are made up.")
@what_if_options
@click.option("--to", multiple=True, type=click.Path(), help="Write it to a file: .csv, .parquet, .json, .md or .html.")
@click.option("--overwrite", is_flag=True, help="What is written may take the place of a file.")
@click.option("--json", "as_json", is_flag=True, help="The whole simulation as JSON.")
@language_option
def simulate(
    policy: str, files: tuple[str, ...], varied: tuple[str, ...], one_at_a_time: bool, no_ranking: bool, made_up: int | None, seed: int,
    to: tuple[str, ...], overwrite: bool, as_json: bool, lang: str, **what_ifs: Any,
) -> None:  # fmt: skip
    """What other thresholds, rates and readings would do to a population: outcomes, amounts, budget and ranking, each against the call as
    it is.

    \b
    bandolo simulate policies/bando_2023.yaml applications.parquet --vary parameters.minimum_firms=8..12
    bandolo simulate policies/bando_2023.yaml applications/ --assume --vary rates.aid_intensity.large=0%..25%/5% --to effects.html
    bandolo simulate policies/bando_2023.yaml --assume --applications 200 --vary minimum_firms=8,9 --vary "project_cap=300_000,400_000 EUR"
    """
    language = cast(Language, lang)
    words = WORDS[lang]
    if bool(files) == (made_up is not None):
        raise click.UsageError("simulate takes files of applications, or --applications N to make some up")
    if wrong := [path for path in to if Path(path).suffix.lower() not in WRITTEN]:
        raise click.UsageError(f"--to takes a name that ends in {', '.join(WRITTEN)}: {wrong[0]}")
    vary = _varied(varied)
    loaded = load(policy, what_ifs["amendments"], lang)
    try:
        from bandolo.batch.simulation import Simulator
        from bandolo.batch.tables import BadTables
    except ImportError:
        click.echo(words["missing"], err=True)
        sys.exit(1)
    from bandolo.diagnostics import Diagnostic, PolicyError
    from bandolo.surfaces.intake import not_readable
    from bandolo.surfaces.outputs import unfit

    sources = (policy, *what_ifs["amendments"], *files, *pairs(what_ifs["records"], "--records").values())
    if bad := unfit(to, sources, overwrite):
        say_diagnostics(bad, lang)
        sys.exit(1)
    problems: list[Diagnostic] = []
    try:
        records = pairs(what_ifs["records"], "--records")
        spelt = frozenset(e for e, path in records.items() if path.lower().endswith(".csv")) if _are_tables(files) else frozenset()
        simulator = Simulator(loaded, vary, given(what_ifs), one_at_a_time, not no_ranking, spelt)
        progress = _progress(words)
        if made_up is not None:
            _make_up(simulator, policy, made_up, seed, progress)
        elif _are_tables(files):
            _from_tables(simulator, files[0], records, progress)
        else:
            problems = _from_data(simulator, loaded, files, what_ifs["records"], language, progress)
        found = replace(simulator.simulation(), made_up=None if made_up is None else (made_up, seed))
    except PolicyError as error:
        say_diagnostics(list(error.diagnostics), lang)
        sys.exit(1)
    except BadTables as error:
        say_diagnostics([replace(error.diagnostic, file=error.diagnostic.file or files[0])], lang)
        sys.exit(1)
    except OSError as error:
        say_diagnostics([not_readable(str(error.filename or files[0]), error)], lang)
        sys.exit(1)
    if not found.base.applications:
        problems = problems or [Diagnostic("no-applications", file=path) for path in files]
        say_diagnostics(problems, lang)
        sys.exit(1)
    say_diagnostics(problems, lang)
    problems += _say(found, to, overwrite, sources, as_json, language)
    sys.exit(1 if problems or found.base.errors else 0)


def _varied(texts: tuple[str, ...]) -> dict[str, str]:
    """The values by path; a path alone stands for all its values."""
    found = {}
    for text in texts:
        path, _, values = text.partition("=")
        if not path.strip() or path.strip() in found:
            raise click.UsageError("--vary takes PATH=VALUES, each path once, as --vary parameters.minimum_firms=8..12")
        found[path.strip()] = values.strip()
    return found


def _are_tables(files: tuple[str, ...]) -> bool:
    """Whether the applications stand in a table of many rows, which is read part by part."""
    return len(files) == 1 and Path(files[0]).suffix.lower() == ".parquet"


def _make_up(simulator: Simulator, path: str, count: int, seed: int, progress: Callable[[int, int], None]) -> None:
    from bandolo.batch.simulation.population import made_up
    from bandolo.testing.generate import bases_of

    for some in made_up(simulator.source, count, seed, bases_of(path)):
        simulator.add_data(some)
        progress(simulator.applications, count)


def _from_tables(simulator: Simulator, path: str, records: dict[str, str], progress: Callable[[int, int], None]) -> None:
    from bandolo.batch.simulation.population import from_files

    core = simulator.source.core
    for entity in records:
        if entity not in core.entities or entity == core.root:
            known = ", ".join(e for e in core.entities if e != core.root)
            raise click.UsageError(f"--records takes ENTITY=FILE with one of: {known}")
    with from_files(simulator.source, path, records) as (total, parts):
        for tables in parts:
            simulator.add(tables)
            progress(simulator.applications, total)


def _from_data(
    simulator: Simulator, policy: Policy, files: tuple[str, ...], records: tuple[str, ...], lang: Language,
    progress: Callable[[int, int], None],
) -> list[Diagnostic]:  # fmt: skip
    """Applications of files, folders and workbooks; what could not be read."""
    from bandolo.surfaces.intake import read_applications
    from bandolo.surfaces.options import record_files

    problems: list[Diagnostic] = []
    found = []
    for submitted in read_applications(files, policy.core, record_files(policy, records)):
        for file, dialect in submitted.dialects:
            click.echo(f"{file}: {dialect.said(lang)}", err=True)
        if submitted.diagnostics:
            problems += submitted.diagnostics
        else:
            found.append(submitted.data)
    simulator.add_data(found)
    progress(len(found), len(found))
    return problems


def _progress(words: dict[str, str]) -> Callable[[int, int], None]:
    """A line on a terminal that is written anew as parts are done; nothing elsewhere."""
    if not sys.stderr.isatty():
        return lambda done, total: None
    import time

    began = time.monotonic()

    def tell(done: int, total: int) -> None:
        rate = done / max(time.monotonic() - began, 0.001)
        left = int((total - done) / rate) if rate else 0
        text = words["progress"].format(done=done, all=total, rate=rate, left=f"{left // 60}:{left % 60:02}")
        sys.stderr.write(f"\r\x1b[K{text}" if done < total else "\r\x1b[K")
        sys.stderr.flush()

    return tell


def _say(
    found: Simulation, to: tuple[str, ...], overwrite: bool, sources: tuple[str, ...], as_json: bool, lang: Language
) -> list[Diagnostic]:
    """Print it, and write the files that were asked for; what kept them from being written."""
    import json

    from bandolo.batch.simulation.data import as_data
    from bandolo.batch.simulation.files import written
    from bandolo.batch.simulation.pages import blocks
    from bandolo.explain.terminal import show
    from bandolo.surfaces.sheets import write

    if as_json:
        click.echo(json.dumps(as_data(found), ensure_ascii=False))
    else:
        show(console(), blocks(found, lang))
    bad: list[Diagnostic] = []
    for path in to:
        wrong = write(path, written(found, Path(path).suffix.lower(), lang), overwrite, sources)
        if not wrong:
            click.echo(WORDS[lang]["wrote"].format(path), err=True)
        bad += wrong
    say_diagnostics(bad, lang)
    return bad
