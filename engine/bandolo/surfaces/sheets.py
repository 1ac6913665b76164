"""Workbooks on the command line: `bandolo template`, and the results of `decide --to`. What is in them is in `bandolo.export`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from bandolo.diagnostics import BandoloError, Diagnostic
from bandolo.language.types import Language
from bandolo.surfaces.options import language_option
from bandolo.surfaces.outputs import same

if TYPE_CHECKING:
    from bandolo.evaluate.decision import Decision
    from bandolo.evaluate.inputs import Application
    from bandolo.policy import Policy


@click.command()
@click.argument("policy", type=click.Path())
@click.argument("workbook", type=click.Path())
@click.argument("applications", nargs=-1, type=click.Path(allow_dash=True))
@click.option("--amend", "amendments", multiple=True, type=click.Path(), help="Apply an amending act, in order.")
@click.option("--overwrite", is_flag=True, help="The workbook may take the place of a file.")
@language_option
def template(policy: str, workbook: str, applications: tuple[str, ...], amendments: tuple[str, ...], overwrite: bool, lang: str) -> None:
    """Write the workbook in which applications to a policy are filled in; APPLICATIONS, if given, are filled in already.

    \b
    bandolo template policies/bando_2023.yaml applications.xlsx --lang it
    bandolo template policies/bando_2023.yaml applications.xlsx old/*.json
    bandolo decide policies/bando_2023.yaml applications.xlsx --to decisions.xlsx
    """
    from bandolo.export.template import template as made
    from bandolo.surfaces.saying import load, say_diagnostics

    wanted = cast(Language, lang)
    loaded = load(policy, amendments, wanted)
    if Path(workbook).suffix.lower() != ".xlsx":
        raise click.UsageError("the workbook's name ends in .xlsx")
    given, bad = _given(loaded, applications)
    try:
        if not bad:
            content = made(loaded.core, wanted, Path(policy).as_posix(), Path(workbook).name, [a for _, a in given])
            bad = _unlike(loaded, workbook, content, given) or write(workbook, content, overwrite, (policy, *applications))
    except BandoloError as error:
        bad = list(error.diagnostics)
    if bad:
        say_diagnostics(bad, wanted, False)
        sys.exit(1)
    said = {"it": "scritto {} (domande: {})", "en": "wrote {} (applications: {})"} if given else {"it": "scritto {}", "en": "wrote {}"}
    click.echo(said[wanted].format(workbook, len(given)))


def _given(policy: Policy, paths: tuple[str, ...]) -> tuple[list[tuple[str, Application]], list[Diagnostic]]:
    """The applications that are to be filled in, with the files that they come from, and what is wrong with them."""
    from bandolo.evaluate.inputs import read_application
    from bandolo.surfaces.intake import read_applications

    given: list[tuple[str, Application]] = []
    bad: list[Diagnostic] = []
    for submitted in read_applications(paths, policy.core):
        found: list[Diagnostic] = list(submitted.diagnostics)
        if not found:
            application, diagnostics = read_application(policy.core, policy.settled, submitted.data)
            found = submitted.located(tuple(diagnostics))
            if application is not None:
                given.append((submitted.label, application))
        bad += found
    return given, bad


def _unlike(policy: Policy, path: str, content: bytes, given: list[tuple[str, Application]]) -> list[Diagnostic]:
    """Read what is about to be written, and compare: a fact that a sheet cannot hold is told, not lost."""
    from bandolo.evaluate.inputs import read_application
    from bandolo.sheets.files import read_tables

    if not given:
        return []
    tables = read_tables(policy.core, path, content, {})
    digests = {}
    for row in tables.applications:
        application, _ = read_application(policy.core, policy.settled, row.data)
        if application is not None and not row.diagnostics:
            digests[application.digest] = row
    return [Diagnostic("not-in-a-sheet", file=label, args={"path": path}) for label, a in given if a.digest not in digests]


def write(path: str, content: bytes, overwrite: bool, sources: Iterable[str]) -> list[Diagnostic]:
    """Put a file in its place, whole or not at all. Codes: `would-overwrite`, `cannot-write`."""
    target = Path(path)
    if target.exists() and not target.is_file():  # a device or a folder is no place for a file
        return [Diagnostic("cannot-write", file=path, args={"path": path})]
    if target.exists() and (not overwrite or any(same(target, source) for source in sources)):
        return [Diagnostic("would-overwrite", file=path, args={"path": path})]
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        beside.write_bytes(content)
        beside.replace(target)
    except OSError:
        with suppress(OSError):  # where a file stands for the folder, there is nothing to take away
            beside.unlink()
        return [Diagnostic("cannot-write", file=path, args={"path": path})]
    return []


def write_results(
    policy: Policy,
    decided: Iterable[tuple[str, Decision | None]],
    problems: list[Diagnostic],
    path: str,
    overwrite: bool,
    sources: tuple[str, ...],
    lang: Language,
) -> int:
    """Write decisions to a workbook, or to CSV files beside one another; the exit status. `problems` fills up while they are decided."""
    from bandolo.export.results_files import csv_text, workbook
    from bandolo.export.results_tables import tables
    from bandolo.surfaces.saying import say_diagnostics

    suffix = Path(path).suffix.lower()
    if suffix not in (".xlsx", ".csv"):
        raise click.UsageError("--to takes a name that ends in .xlsx or .csv")
    rows = list(decided)
    decisions = [(label, decision, policy.text_of(decision)) for label, decision in rows if decision is not None]
    made = tables(policy.core, decisions, problems, lang)
    try:
        files = {path: workbook(policy.core, made, lang)} if suffix == ".xlsx" else {}
    except BandoloError as error:
        say_diagnostics(list(error.diagnostics), lang, False)
        return 1
    for table in made if suffix == ".csv" else ():
        if not table.about:
            name = path if table.name == "decisions" else str(Path(path).with_suffix(f".{table.name}.csv"))
            files[name] = csv_text(table, lang)
    bad = [d for name, content in files.items() for d in write(name, content, overwrite, sources)]
    say_diagnostics(bad, lang, False)
    if not bad:
        said = {"it": "scritto {} (decisioni: {})", "en": "wrote {} (decisions: {})"}[lang]
        for name in files:
            click.echo(said.format(name, len(decisions)))
    return 0 if not bad and len(decisions) == len(rows) else 1
