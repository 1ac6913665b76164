"""`bandolo rank` of a whole table: Parquet files in and out, and a summary where a list would be too long to read."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bandolo.language.types import Language
from bandolo.surfaces.options import pairs
from bandolo.surfaces.saying import console, load, say_diagnostics
from bandolo.surfaces.spark import master_of, rank_on

if TYPE_CHECKING:
    from bandolo.batch.ranked import Ranked, Summary
    from bandolo.check import core

WORDS: dict[str, tuple[str, str]] = {
    "missing": ("manca un pacchetto: pip install 'bandolo[batch]'", "a package is missing: pip install 'bandolo[batch]'"),
    "done": ("{applications} domande in {seconds} s: {by_columns} per colonne, {by_rows} una per una.",
             "{applications} applications in {seconds} s: {by_columns} by columns, {by_rows} one by one."),
    "why": ("{count} una per una: {why}", "{count} one by one: {why}"),
    "others": ("… e altri motivi: {count} (tutti con --json)", "… and other reasons: {count} (all of them with --json)"),
    "ranked": ("In graduatoria", "Ranked"),
    "budget": ("Dotazione {budget}, assegnati {spent}, restano {left}", "Budget {budget}, awarded {spent}, left {left}"),
    "awarded": ("Assegnati {spent}", "Awarded {spent}"),
    "pot": ("{pot}: {amount}, restano {left}", "{pot}: {amount}, left {left}"),
    "struck": ("Espunzioni: {strikes}; domande toccate: {struck}; non più ammesse: {fell}",
               "Strikes: {strikes}; applications touched: {struck}; no longer admitted: {fell}"),
    "again": ("Decise di nuovo: {again_by_columns} per colonne, {again_by_rows} una per una",
              "Decided again: {again_by_columns} by columns, {again_by_rows} one by one"),
    "disputed": ("Domande che si contendono un soggetto, e nulla dice chi lo conserva: {disputed}",
                 "Applications that share a record, and nothing says who keeps it: {disputed}"),
    "ties": ("Parità che nessun criterio scioglie: {ties}", "Ties that no key breaks: {ties}"),
    "stopped": ("L'assegnazione si è fermata a una parità di {count}: {names}", "The award stopped at a tie of {count}: {names}"),
    "closed": ("Le risorse sono finite con {closed}", "The money ended with {closed}"),
    "unsettled": ("Le espunzioni tornano dove erano: la graduatoria non è definitiva", "The strikes are back where they were: not final"),
    "unread": ("Domande che non si leggono: {count}, per {codes}; `bandolo help {code}` spiega",
               "Applications that cannot be read: {count}, for {codes}; `bandolo help {code}` explains"),
    "provisional": ("Graduatoria PROVVISORIA: ci sono domande ancora aperte", "PROVISIONAL ranking: some applications are still open"),
    "final": ("Nessuna domanda è aperta: la graduatoria si può chiudere", "No application is open: the ranking can be closed"),
    "columns": ("decise {done:,} di {all:,} domande, ancora {left}", "decided {done:,} of {all:,} applications, {left} left"),
    "second": ("rilette {done:,} di {all:,} domande con un soggetto in comune, ancora {left}",
               "read again {done:,} of {all:,} applications that share a record, {left} left"),
    "list": ("la graduatoria si scrive", "the list is being written"),
}  # fmt: skip
"""What the command says, in Italian and in English."""
REASONS = 6
"""So many of the reasons why applications went one by one; `--json` has all of them."""


def is_table(applications: tuple[str, ...], to: str | None) -> bool:
    """Whether the applications are ranked as a table: one Parquet file, or a list that is to be one."""
    return any(a.lower().endswith(".parquet") for a in applications) or (to is not None and to.lower().endswith(".parquet"))


def rank_table(
    policy: str, applications: tuple[str, ...], what_if: Mapping[str, Any], amendments: tuple[str, ...], record_texts: tuple[str, ...],
    to: str | None, overwrite: bool, final: bool, as_json: bool, jobs: int, engine: str, conf: tuple[str, ...], lang: Language,
) -> None:  # fmt: skip
    """Rank a table into a file, say what it comes to, and end with the exit status."""
    index = 0 if lang == "it" else 1
    loaded = load(policy, amendments, lang)
    try:
        from bandolo.batch.ranking_files import rank_files
        from bandolo.batch.spark.problems import NotRun
        from bandolo.batch.tables import BadTables
        from bandolo.batch.task import NotFinished, Task
    except ImportError:
        click.echo(WORDS["missing"][index], err=True)
        sys.exit(1)
    from bandolo.diagnostics import Diagnostic, PolicyError
    from bandolo.surfaces.outputs import not_done, unfit

    master = master_of(engine)
    if len(applications) != 1 or to is None or (master is None and not to.lower().endswith((".parquet", ".csv"))):
        raise click.UsageError("a table (.parquet) is ranked from one file into another: add --to FILE.parquet or --to FILE.csv")
    records = pairs(record_texts, "--records")
    known = ", ".join(e for e in loaded.core.entities if e != loaded.core.root)
    if any(e not in loaded.core.entities or e == loaded.core.root for e in records):
        raise click.UsageError(f"--records takes ENTITY=FILE with one of: {known}")
    if master is None:
        if conf:
            raise click.UsageError("--conf is a setting of Spark, and goes with --engine spark")
        bad = unfit((to,), (policy, *amendments, *applications, *records.values()), overwrite)
    else:
        bad = [Diagnostic("would-overwrite", file=to, args={"path": to})] if Path(to).exists() and not overwrite else []
    if bad:
        say_diagnostics(bad, lang)
        sys.exit(1)
    task = Task(policy, amendments, dict(what_if), applications[0], records, to, {}, jobs)
    try:
        if master is not None:
            ranked, seconds = rank_on(
                master, loaded, dict(what_if), applications[0], records, to, conf, overwrite, not as_json, lang
            )  # fmt: skip
        else:
            ranked, seconds = rank_files(task, _progress(index) if sys.stderr.isatty() and not as_json else None)
    except NotRun as error:
        say_diagnostics([error.diagnostic], lang)
        sys.exit(1)
    except (PolicyError, NotFinished) as error:
        say_diagnostics(list(error.diagnostics), lang)
        sys.exit(1)
    except BadTables as error:
        say_diagnostics([replace(error.diagnostic, file=error.diagnostic.file or applications[0])], lang)
        sys.exit(1)
    except OSError as error:
        say_diagnostics([not_done(error, applications[0], (to,))], lang)
        sys.exit(1)
    if as_json:
        click.echo(json.dumps(as_data(ranked.summary) | {"seconds": round(seconds, 3)}, ensure_ascii=False))
    else:
        _say(ranked.summary, seconds, loaded.core, lang)
    if final and ranked.summary.provisional:
        say_diagnostics([_not_final(ranked)], lang)
        sys.exit(1)
    sys.exit(1 if ranked.summary.errors else 0)


def _not_final(ranked: Ranked) -> Any:
    """What is still open, the first few by name."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from bandolo.diagnostics import Diagnostic

    statuses = ranked.table["status"].cast(pa.string())
    open_ = pc.fill_null(pc.is_in(statuses, value_set=pa.array(["undetermined", "suspended"])), True)
    names = ranked.table["application"].filter(open_)
    return Diagnostic("ranking-not-final", args={"count": len(names), "ids": ", ".join(map(str, names.slice(0, 10).to_pylist()))})


def as_data(summary: Summary) -> dict[str, Any]:
    """A summary as JSON has it: amounts as exact texts."""
    from bandolo.evaluate.wire import plain
    from bandolo.language.types import MONEY

    def money(amount: Fraction | None) -> Any:
        return None if amount is None else plain(amount, MONEY)

    found = asdict(summary)
    found |= {name: money(getattr(summary, name)) for name in ("awarded", "budget", "left")}
    found["pots"] = [{"pot": name, "amount": money(amount), "left": money(left)} for name, amount, left in summary.pots]
    return found


def _say(summary: Summary, seconds: float, policy: core.Policy, lang: Language) -> None:
    from rich.table import Table
    from rich.text import Text

    from bandolo.batch.reasons import shown
    from bandolo.language.wording import money
    from bandolo.ranking.words import STATUSES

    index, out = 0 if lang == "it" else 1, console()

    def amount(value: Fraction) -> str:
        return money(value, lang, policy.conventions.currency)

    def count(number: int) -> str:
        return f"{number:,}".replace(",", ".") if lang == "it" else f"{number:,}"

    def line(key: str, indent: int = 0, **args: Any) -> None:
        told = {k: count(v) if isinstance(v, int) else v for k, v in {**asdict(summary), **args}.items()}
        out.print(Text(" " * indent + WORDS[key][index].format(**told)))

    out.print(Text(policy.title.said(lang), style="bold"))
    line("done", seconds=f"{seconds:.1f}".replace(".", "," if lang == "it" else "."))
    reasons, others = shown(summary.why, policy, lang, REASONS)
    for why, many in reasons:
        line("why", 2, count=many, why=why)
    if others:
        line("others", 2, count=others)
    if summary.errors:
        codes = ", ".join(f"`{code}` ({count(many)})" for code, many in summary.errors.items())
        line("unread", count=sum(summary.errors.values()), codes=codes, code=next(iter(summary.errors)))
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_row(WORDS["ranked"][index], count(summary.ranked), style="bold")
    for status, many in summary.statuses.items():
        table.add_row("  " + STATUSES[status][index], count(many))
    out.print(table)
    if summary.strikes:
        line("struck")
        line("again", 2)
    for key in ("disputed", "ties"):
        if getattr(summary, key):
            line(key)
    if summary.budget is not None and summary.left is not None:
        line("budget", budget=amount(summary.budget), spent=amount(summary.awarded), left=amount(summary.left))
    else:
        line("awarded", spent=amount(summary.awarded))
    for name, whole, left in (p for p in summary.pots if p[1]):
        line("pot", 2, pot=name, amount=amount(whole), left=amount(left))
    if summary.stopped:
        more = " …" if len(summary.stopped) > 10 else ""
        line("stopped", count=len(summary.stopped), names=", ".join(summary.stopped[:10]) + more)
    elif summary.closed:
        line("closed")
    if not summary.settled:
        line("unsettled")
    line("provisional" if summary.provisional else "final")


def _progress(index: int) -> Callable[[str, int, int], None]:
    """A line on a terminal that is written anew as parts are done."""
    began: dict[str, tuple[float, int]] = {}

    def tell(what: str, done: int, total: int) -> None:
        now = time.monotonic()
        first, before = began.setdefault(what, (now, done))
        rate = (done - before) / (now - first) if now > first else 0.0
        seconds = int((total - done) / rate) if rate else None
        left = "…" if seconds is None else f"{seconds // 60}:{seconds % 60:02}"
        text = WORDS["second" if what == "again" else what][index].format(done=done, all=total, left=left)
        sys.stderr.write(f"\r\x1b[K{text}" if what != "list" else "\r\x1b[K")
        sys.stderr.flush()

    return tell
