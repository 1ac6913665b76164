"""`bandolo rank`, the command: its options, and where its results go. What it needs is imported when it runs."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from bandolo.language.types import Language
from bandolo.surfaces.options import given, language_option, what_if_options
from bandolo.surfaces.saying import console
from bandolo.surfaces.spark import COLUMNS, engine_options

if TYPE_CHECKING:
    from bandolo.check import core
    from bandolo.ranking.entrant import Ranking


@click.command("rank")
@click.argument("policy", type=click.Path())
@click.argument("applications", nargs=-1, required=True, type=click.Path(allow_dash=True))
@what_if_options
@click.option("--final", is_flag=True, help="Refuse to finish while anything is still open.")
@click.option("--against", type=click.Path(), help="An earlier ranking in JSON: show who moves.")
@click.option("--json", "as_json", is_flag=True, help="The whole ranking as JSON; of a table, what it comes to.")
@click.option("--to", type=click.Path(), help="Write it to a workbook (.xlsx), to CSV (.csv), or a table to Parquet.")
@click.option("--overwrite", is_flag=True, help="What is written may take the place of a file.")
@click.option("--html", "html_file", type=click.Path(), help="Write the page to be published.")
@click.option(
    "--complete", type=click.Path(), help="Write the financed applications with their awards, for the stages that follow (JSON Lines)."
)
@click.option("--jobs", type=click.IntRange(1, 64), default=min(os.cpu_count() or 1, 8), show_default=True, help="Processes.")
@engine_options
@language_option
def rank(
    policy: str, applications: tuple[str, ...], final: bool, against: str | None, as_json: bool, to: str | None, overwrite: bool,
    html_file: str | None, complete: str | None, jobs: int, engine: str, conf: tuple[str, ...], lang: str, **what_ifs: Any,
) -> None:  # fmt: skip
    """Rank applications: decide all, strike, order, spend the budget; a folder stands for the applications in it.

    \b
    bandolo rank policies/bando_2023.yaml applications/ --assume
    bandolo rank policies/bando_2023.yaml applications.xlsx --to graduatoria.xlsx --html graduatoria.html
    bandolo rank policies/bando_2023.yaml applications/ --set budget_total=1500000 --against graduatoria.json
    bandolo rank policies/bando_2023.yaml applications.parquet --records partner=partners.parquet --to graduatoria.parquet
    bandolo rank policies/bando_2023.yaml applications/ --records partner=partners/ --to graduatoria/ --engine spark://host:7077
    """
    from bandolo.surfaces.rank_table import is_table, rank_table

    language = cast(Language, lang)
    if is_table(applications, to) or engine != COLUMNS:
        if against is not None or html_file is not None or complete is not None:
            raise click.UsageError("--against, --html and --complete are for applications that are listed, not for a table")
        acts, records = what_ifs["amendments"], what_ifs["records"]
        rank_table(policy, applications, given(what_ifs), acts, records, to, overwrite, final, as_json, jobs, engine, conf, language)
    from bandolo.diagnostics import Diagnostic
    from bandolo.diagnostics.render import render_all
    from bandolo.export.ranking_pages import ranking_html
    from bandolo.surfaces.ranking import rank_files
    from bandolo.surfaces.ranking_report import report
    from bandolo.surfaces.sheets import write

    found = rank_files(policy, applications, what_ifs["amendments"], given(what_ifs), language, jobs, what_ifs["records"])
    if found is None:
        sys.exit(1)
    ranker, ranking, data = found
    loaded = ranker.policy
    ok = not ranking.unread
    if as_json:
        click.echo(ranking.to_json())
    elif against is None:
        report(ranking, loaded.core, language, console())
    if against is not None:
        ok = _moved(against, ranking, loaded.core, language) and ok
    files: dict[str, bytes] = {}
    if to is not None:
        files |= _tables(ranking, loaded.core, to, language)
    if html_file is not None:
        files[html_file] = ranking_html(ranking, loaded.core, language).encode()
    if complete is not None:
        rows = (r for r in ranking.rows if r.status in ("financed", "partly_financed"))
        lines = [json.dumps(ranker.completed(data[r.application], r), ensure_ascii=False) for r in rows]
        files[complete] = "\n".join([*lines, ""]).encode()
    for name, content in files.items():
        if bad := write(name, content, overwrite, (policy, *applications)):
            click.echo(render_all(bad, language) + "\n", err=True)
            ok = False
    open_ = [r.application for r in ranking.rows if r.status in ("undetermined", "suspended")] + list(ranking.unread)
    if final and ranking.provisional:
        args = {"count": len(open_), "ids": ", ".join(open_[:10])}
        click.echo(render_all([Diagnostic("ranking-not-final", args=args)], language), err=True)
        ok = False
    sys.exit(0 if ok else 1)


def _tables(ranking: Ranking, policy: core.Policy, path: str, lang: Language) -> dict[str, bytes]:
    """The files of `--to`: a workbook, or the list as CSV with the strikes beside it."""
    from bandolo.diagnostics import BandoloError
    from bandolo.diagnostics.render import render_all
    from bandolo.export.ranking_tables import ranking_tables
    from bandolo.export.results_files import csv_text, workbook

    made = ranking_tables(ranking, policy, lang)
    suffix = Path(path).suffix.lower()
    if suffix == ".csv":
        listed = [t for t in made if not t.about]
        return {path if t.name == "ranking" else str(Path(path).with_suffix(f".{t.name}.csv")): csv_text(t, lang) for t in listed}
    if suffix != ".xlsx":
        raise click.UsageError("--to takes a name that ends in .xlsx or .csv")
    try:
        return {path: workbook(policy, made, lang)}
    except BandoloError as error:
        click.echo(render_all(list(error.diagnostics), lang), err=True)
        sys.exit(1)


def _moved(path: str, ranking: Ranking, policy: core.Policy, lang: Language) -> bool:
    """Show who moves against an earlier ranking; False, said, where the file holds none."""
    from bandolo.diagnostics import Diagnostic
    from bandolo.diagnostics.render import render_all
    from bandolo.surfaces.intake import not_readable
    from bandolo.surfaces.ranking_report import moves

    try:
        before = json.loads(Path(path).read_text(encoding="utf-8-sig"))
        rows = [(row["application"], row["status"], row["position"], row["amount"]) for row in before["rows"]]
    except OSError as error:
        found = not_readable(path, error)
    except (ValueError, KeyError, TypeError, RecursionError):
        found = Diagnostic("not-a-ranking", file=path, args={"path": path})
    else:
        moves(rows, ranking, policy, lang, console())
        return True
    click.echo(render_all([found], lang) + "\n", err=True)
    return False
