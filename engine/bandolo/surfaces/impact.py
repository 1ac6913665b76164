"""What a change does to applications, for `bandolo diff --applications`: options, corpus, files, and the exit status for CI."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bandolo.language.types import Language
from bandolo.surfaces.options import given, record_files

if TYPE_CHECKING:
    from bandolo.analysis.impact import Impact, Submission
    from bandolo.diagnostics import Diagnostic
    from bandolo.policy import Policy


CODES = {
    "outcome": "changes-outcome", "amount": "changes-amount", "position": "changes-position", "verdict": "changes-verdict",
    "invalid": "changes-invalid",
}  # fmt: skip
"""What is said of each kind of change that `--fail-on` rules out."""


def impact_options(command: Any) -> Any:
    """What `--applications` brings with it, for the command that compares two policies."""
    jobs = min(os.cpu_count() or 1, 8)
    for option in (
        click.option("--applications", multiple=True, type=click.Path(allow_dash=True), help="Files, folders or records of applications."),
        click.option(
            "--fail-on", metavar="KINDS", help="Exit with 1 if one changes: meaning, outcome, amount, position, verdict, invalid."
        ),
        click.option("--by", metavar="FACT", help="Tell amounts apart by a choice, as `partner.size`."),
        click.option("--amount", metavar="RESULT", help="The result that is summed and ordered by."),
        click.option("--no-ranking", is_flag=True, help="Compare decisions only, and make no ranking."),
        click.option("--to", type=click.Path(), help="Write every application that changes to .xlsx or .csv."),
        click.option("--jobs", type=click.IntRange(1, 64), default=jobs, show_default=True, help="Processes."),
    ):
        command = option(command)
    return command


def impact_report(old: Policy, new: Policy, options: dict[str, Any], lang: Language) -> tuple[Impact | None, list[Diagnostic]]:
    """The impact on the applications that the options name, and what could not be read; None where nothing could be compared.

    `options` are those of `impact_options` and `what_if_options`.
    """
    from bandolo.analysis.impact import impact as compared
    from bandolo.diagnostics import Diagnostic, PolicyError

    trial = given(options)
    records = record_files(old, options.get("records", ()))
    submitted, problems = corpus(options["applications"], old, records, lang)
    if not submitted:
        return None, problems
    try:
        found = compared(
            old, new, submitted, **trial, ranking=not options["no_ranking"], by=options["by"], amount=options["amount"],
            jobs=options["jobs"], progress=_progress(lang),
        )  # fmt: skip
    except PolicyError as error:
        return None, problems + list(error.diagnostics)
    unread = found.not_compared()
    if unread:
        from bandolo.diagnostics.render import message

        said = f"{unread[0].application}: {message(unread[0].refused_new[0], lang)}"
        args = {"count": len(unread), "all": len(found.rows), "first": said}
        problems = [*problems, Diagnostic("not-compared", args=args)]
    return found, problems


def corpus(paths: tuple[str, ...], policy: Policy, records: dict[str, str], lang: Language) -> tuple[list[Submission], list[Diagnostic]]:
    """The applications of files, folders, workbooks, CSV files and records, and what of them could not be read."""
    from bandolo.analysis.impact import Submission
    from bandolo.diagnostics import Diagnostic
    from bandolo.surfaces.intake import read_applications
    from bandolo.surfaces.recorded import read_record_file

    found: list[Submission] = []
    problems: list[Diagnostic] = []
    plain: list[str] = []
    for path in _files(paths):
        record = read_record_file(path) if path != "-" else None
        if record is None:
            plain.append(path)
            continue
        made, bad = record
        problems += bad
        for one in made.decisions if made is not None else ():
            found.append(Submission(f"{path}:{one.line.line}", one.application, one.what_ifs["as_of"]))
    for submitted in read_applications(tuple(plain), policy.core, records):
        for file, dialect in submitted.dialects:
            click.echo(f"{file}: {dialect.said(lang)}", err=True)
        if submitted.diagnostics:
            problems += submitted.diagnostics
        else:
            found.append(Submission(submitted.label, submitted.data))
    if not found and not problems:
        problems = [Diagnostic("no-applications", file=path) for path in paths]
    return found, problems


def _files(paths: tuple[str, ...]) -> list[str]:
    """The files that the paths stand for; a folder is left whole unless records lie in it."""
    found: list[str] = []
    for path in paths:
        inside = sorted(str(f) for f in Path(path).iterdir()) if path != "-" and Path(path).is_dir() else []
        found += [f for f in inside if f.endswith((".json", ".jsonl", ".ndjson", ".yaml", ".yml", ".xlsx"))] or [path]
    return found


def fail_kinds(text: str | None, also: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The kinds of `--fail-on`, those of an impact and `also` others; a UsageError for one that is none."""
    from bandolo.analysis.impact import KINDS

    known = (*also, *KINDS)
    kinds = tuple(word.strip() for word in (text or "").split(",") if word.strip())
    wrong = [kind for kind in kinds if kind not in known]
    if wrong or (text is not None and not kinds):
        raise click.UsageError(f"--fail-on takes one or more of {', '.join(known)}, as --fail-on outcome,amount")
    return kinds


def failures(found: Impact, kinds: tuple[str, ...]) -> list[Diagnostic]:
    """One finding for each kind of change that must not be, with how many applications and the first of them."""
    from bandolo.diagnostics import Diagnostic

    made = []
    for kind in (k for k in kinds if k in CODES):
        names = sorted(found.of_kind(kind))
        if names:
            ids = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
            made.append(Diagnostic(CODES[kind], args={"count": len(names), "all": len(found.rows), "ids": ids}))
    return made


def write_impact(found: Impact, options: dict[str, Any], lang: Language, sources: tuple[str, ...]) -> list[Diagnostic]:
    """Write the tables to the file that `--to` names, if it does; what kept them from being written."""
    from bandolo.analysis.impact_tables import impact_tables
    from bandolo.diagnostics import BandoloError
    from bandolo.export.results_files import csv_text, workbook
    from bandolo.surfaces.sheets import write

    path = options["to"]
    if path is None:
        return []
    suffix = Path(path).suffix.lower()
    if suffix not in (".xlsx", ".csv"):
        raise click.UsageError("--to takes a name that ends in .xlsx or .csv")
    made = impact_tables(found, lang)
    files: dict[str, bytes] = {}
    for table in made:
        if suffix == ".csv" and not table.about:
            files[path if table.name == "impact" else str(Path(path).with_suffix(f".{table.name}.csv"))] = csv_text(table, lang)
    try:
        files = files or {path: workbook(found.new.core, made, lang)}
    except BandoloError as error:
        return list(error.diagnostics)
    bad = [d for name, content in files.items() for d in write(name, content, options["overwrite"], sources)]
    for name in files if not bad else ():
        click.echo({"it": "scritto {}", "en": "wrote {}"}[lang].format(name), err=True)
    return bad


def _progress(lang: Language) -> Callable[[int, int], None] | None:
    """Says on a terminal how far it has come."""
    if not sys.stderr.isatty():
        return None
    started = last = time.monotonic()

    def say(count: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if total > 60 and (now - last > 0.5 or (count == total and last > started)):
            last = now
            left = (now - started) / count * (total - count)
            words = {"it": f"confrontate {count} di {total}, mancano {left:.0f} s", "en": f"compared {count} of {total}, {left:.0f} s left"}
            click.echo(f"\r{words[lang]}   ", err=True, nl=count == total)

    return say
