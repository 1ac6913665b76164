"""`bandolo run`: a file of applications into a file of decisions. What it needs is imported when it runs."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from bandolo.language.types import Language
from bandolo.surfaces.options import given, language_option, pairs, what_if_options
from bandolo.surfaces.saying import console, load, say_diagnostics
from bandolo.surfaces.spark import engine_options, master_of, run_on

if TYPE_CHECKING:
    from bandolo.batch.task import Progress, Report
    from bandolo.check import core

WRITTEN = (".parquet", ".csv", ".jsonl", ".ndjson")
WORDS = {
    "it": {
        "done": "{applications} domande in {seconds} s ({rate} al secondo): {by_columns} per colonne, {by_rows} una per una.",
        "why": "Una per una, perché (una domanda può avere più motivi):",
        "others": "… e altri motivi: {} (tutti con --json)",
        "resumed": "{} gruppi di righe erano già decisi.",
        "bad": "Domande che non si leggono: {}, per {}.\nLa colonna `error` delle decisioni dice quale dato; `bandolo help {}` spiega.",
        "missing": "manca un pacchetto: pip install 'bandolo[batch]'",
        "progress": "{done:,} di {all:,} domande, {rate:,.0f} al secondo, ancora {left}",
        "outcomes": "Esiti",
    },
    "en": {
        "done": "{applications} applications in {seconds} s ({rate} a second): {by_columns} by columns, {by_rows} one by one.",
        "why": "One by one, because (an application may have several reasons):",
        "others": "… and other reasons: {} (all of them with --json)",
        "resumed": "{} row groups had been decided before.",
        "bad": "Applications that cannot be read: {}, for {}.\n"
        "The column `error` of the decisions says which datum; `bandolo help {}` explains.",
        "missing": "a package is missing: pip install 'bandolo[batch]'",
        "progress": "{done:,} of {all:,} applications, {rate:,.0f} a second, {left} left",
        "outcomes": "Outcomes",
    },
}
"""What the command says, by language."""
OUTCOMES = {
    "admitted": "ammesse",
    "rejected": "non ammesse",
    "suspended": "sospese",
    "undetermined": "non ancora decidibili",
    "referred": "rinviate",
    "barred": "bloccate",
    "bad data": "dati non in ordine",
}
"""The Italian of the outcomes in the table; the English is the word that stands in the column."""

REASONS = 6
"""So many of the reasons why applications went one by one; `--json` has all of them."""


@click.command("run")
@click.argument("policy", type=click.Path())
@click.argument("applications", type=click.Path())
@what_if_options
@click.option("--to", required=True, type=click.Path(), help="Write the decisions to this file (.parquet, .csv or .jsonl).")
@click.option(
    "--records-to", multiple=True, metavar="ENTITY=FILE", help="Write a row for each record of an entity, as `partner=partners.parquet`."
)
@click.option("--overwrite", is_flag=True, help="What is written may take the place of a file.")
@click.option("--jobs", type=click.IntRange(1, 64), default=min(os.cpu_count() or 1, 8), show_default=True, help="Processes.")
@engine_options
@click.option("--json", "as_json", is_flag=True, help="What the batch came to as JSON.")
@language_option
def run(
    policy: str, applications: str, to: str, records_to: tuple[str, ...], overwrite: bool, jobs: int, engine: str, conf: tuple[str, ...],
    as_json: bool, lang: str, **what_ifs: Any,
) -> None:  # fmt: skip
    """Decide a whole file of applications by columns, into a file of decisions; started again after a stop, it goes on.

    \b
    bandolo run policies/bando_2023.yaml applications.parquet --records partner=partners.parquet --to decisions.parquet
    bandolo run policies/bando_2023.yaml nested.parquet --to decisions.csv --records-to partner=partners_decided.csv
    bandolo run policies/bando_2023.yaml applications/ --records partner=partners/ --to decisions/ --engine spark://host:7077
    bandolo run policies/bando_2023.yaml applications.jsonl --to decisions.jsonl
    """
    words = WORDS[lang]
    loaded = load(policy, what_ifs["amendments"], lang)
    try:
        from bandolo.batch.files import run_files
        from bandolo.batch.spark.problems import NotRun
        from bandolo.batch.tables import BadTables
        from bandolo.batch.task import NotFinished, Task
    except ImportError:
        click.echo(words["missing"], err=True)
        sys.exit(1)
    from bandolo.diagnostics import Diagnostic, PolicyError
    from bandolo.surfaces.outputs import not_done, unfit

    what_if = given(what_ifs)
    records, outputs = pairs(what_ifs["records"], "--records"), pairs(records_to, "--records-to")
    for entity in {**records, **outputs}:
        if entity not in loaded.core.entities or entity == loaded.core.root:
            known = ", ".join(e for e in loaded.core.entities if e != loaded.core.root)
            raise click.UsageError(f"--records and --records-to take ENTITY=FILE with one of: {known}")
    master, targets = master_of(engine), (to, *outputs.values())
    if master is None:
        if conf:
            raise click.UsageError("--conf is a setting of Spark, and goes with --engine spark")
        if wrong := [path for path in targets if Path(path).suffix.lower() not in WRITTEN]:
            raise click.UsageError(f"what is written has a name that ends in {', '.join(WRITTEN)}: {wrong[0]}")
        bad = unfit(targets, (policy, *what_ifs["amendments"], applications, *records.values()), overwrite)
    else:
        bad = [Diagnostic("would-overwrite", file=p, args={"path": p}) for p in targets if Path(p).exists() and not overwrite]
    if bad:
        say_diagnostics(bad, lang)
        sys.exit(1)
    try:
        if master is not None:
            report = run_on(master, loaded, what_if, applications, records, to, outputs, conf, overwrite, not as_json, lang)
        else:
            task = Task(policy, tuple(what_ifs["amendments"]), what_if, applications, records, to, outputs, jobs)
            report = run_files(task, None if as_json else _progress(words))
    except NotRun as error:
        say_diagnostics([error.diagnostic], lang)
        sys.exit(1)
    except (PolicyError, NotFinished) as error:
        say_diagnostics(list(error.diagnostics), lang)
        sys.exit(1)
    except BadTables as error:
        say_diagnostics([replace(error.diagnostic, file=error.diagnostic.file or applications)], lang)
        sys.exit(1)
    except OSError as error:
        say_diagnostics([not_done(error, applications, targets)], lang)
        sys.exit(1)
    if as_json:
        click.echo(json.dumps(asdict(report), ensure_ascii=False))
    else:
        _say(report, words, loaded.core, cast(Language, lang))
    sys.exit(1 if report.errors else 0)


def _progress(words: dict[str, str]) -> Progress | None:
    """A line on a terminal that is written anew as parts are done; nothing elsewhere."""
    if not sys.stderr.isatty():
        return None
    import time

    began: list[tuple[float, int]] = []

    def tell(done: int, total: int) -> None:
        now = time.monotonic()
        began.append((now, done))
        first, before = began[0]
        rate = (done - before) / (now - first) if now > first else 0.0
        left = f"{int((total - done) / rate) // 60}:{int((total - done) / rate) % 60:02}" if rate else "…"
        text = words["progress"].format(done=done, all=total, rate=rate, left=left)
        sys.stderr.write(f"\r\x1b[K{text}" if done < total else "\r\x1b[K")
        sys.stderr.flush()

    return tell


def _say(report: Report, words: dict[str, str], policy: core.Policy, lang: Language) -> None:
    rate = report.applications / report.seconds if report.seconds else 0.0
    numbers = {name: _count(getattr(report, name), lang) for name in ("applications", "by_columns", "by_rows")}
    seconds = f"{report.seconds:.1f}".replace(".", "," if lang == "it" else ".")
    click.echo(words["done"].format(seconds=seconds, rate=_count(round(rate), lang), **numbers))
    if report.resumed:
        click.echo(words["resumed"].format(report.resumed))
    if report.why:
        click.echo(words["why"])
        from bandolo.batch.reasons import shown

        reasons, others = shown(report.why, policy, lang, REASONS)
        wide = max(len(_count(count, lang)) for _, count in reasons)
        for reason, count in reasons:
            click.echo(f"  {_count(count, lang):>{wide}}  {reason}")
        if others:
            click.echo(f"  {'':>{wide}}  {words['others'].format(_count(others, lang))}")
    if report.errors:
        codes = ", ".join(f"`{code}` ({_count(count, lang)})" for code, count in report.errors.items())
        click.echo(words["bad"].format(_count(sum(report.errors.values()), lang), codes, next(iter(report.errors))))
    from rich.table import Table

    table = Table(title=words["outcomes"], title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for outcome, count in report.outcomes.items():
        table.add_row(OUTCOMES[outcome] if lang == "it" else outcome, _count(count, lang))
    console().print(table)


def _count(number: int, lang: Language) -> str:
    return f"{number:,}".replace(",", ".") if lang == "it" else f"{number:,}"
