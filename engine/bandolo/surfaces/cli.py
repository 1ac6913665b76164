"""The command line: every command of `bandolo`, and what `check`, `decide`, `explain`, `schema`, `norms`, `calendar`, `help` do.

Exit status 0: the command did its job, also when the decision is a refusal; 1: problems in a policy, a case or the data were
found; 2: wrong usage. What each command needs is imported when it runs.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from bandolo.language.types import Language
from bandolo.surfaces.batch import run
from bandolo.surfaces.boundaries import boundaries
from bandolo.surfaces.coverage import coverage
from bandolo.surfaces.diff import diff
from bandolo.surfaces.fmt import fmt
from bandolo.surfaces.helping import Commands
from bandolo.surfaces.mutate import mutate
from bandolo.surfaces.new import new
from bandolo.surfaces.options import chosen_language, given, hook_option, language_option, pairs, what_if_options
from bandolo.surfaces.rank import rank
from bandolo.surfaces.recorded import record, replay
from bandolo.surfaces.saying import console, decisions, load, say_diagnostics
from bandolo.surfaces.sheets import template
from bandolo.surfaces.simulate import simulate
from bandolo.surfaces.sql import sql
from bandolo.surfaces.test import test
from bandolo.version import __version__

if TYPE_CHECKING:
    from bandolo.diagnostics import Diagnostic


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="bandolo")
@click.option(
    "--lang", type=click.Choice(["it", "en"]), is_eager=True, expose_value=False, callback=chosen_language, help="Italian or English."
)
def cli() -> None:
    """Public funding calls as checked, executable policy files.

    \b
    bandolo check policies/bando_2023.yaml
    bandolo decide policies/bando_2023.yaml application.json
    bandolo explain policies/bando_2023.yaml application.json --lang it
    """


for command in (boundaries, coverage, diff, fmt, simulate, sql, mutate, new, rank, record, replay, template, test):
    cli.add_command(command)
cli.add_command(fmt)
cli.add_command(new)
cli.add_command(rank)
cli.add_command(run)
cli.add_command(template)


def main() -> None:
    """Entry point. A mistake of ours says so, with what to report."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no ✔ shows a ?, not a traceback
    try:
        cli.main(standalone_mode=True)
    except SystemExit:
        # Whoever reads our output has stopped: that is not an error. Click says so by the stream that it leaves behind.
        if type(sys.stdout).__name__.endswith("PacifyFlushWrapper"):
            sys.exit(0)
        raise
    except RecursionError:
        click.echo("internal error: nested too deeply; please report it with the policy", err=True)
        sys.exit(1)


@cli.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(), metavar="POLICY...")
@click.option("--strict", is_flag=True, help="Warnings count as problems, as in CI.")
@click.option("--json", "as_json", is_flag=True, help="The diagnostics as JSON, one a line.")
@click.option("--amend", "amendments", multiple=True, type=click.Path(), help="Apply an amending act before checking.")
@hook_option
@language_option
def check(paths: tuple[str, ...], strict: bool, as_json: bool, amendments: tuple[str, ...], hook: bool, lang: str) -> None:
    """Check policies, their quotes and their case files; a folder stands for all of its policies.

    \b
    bandolo check policies/bando_2023.yaml
    bandolo check --strict policies/
    """
    from bandolo.surfaces.checking import check_path, kind_of

    clean = True
    for path in paths:
        if hook and kind_of(Path(path)) is None:
            continue
        for name, diagnostics in check_path(path, amendments):
            bad = [d for d in diagnostics if strict or d.severity == "error"]
            clean = clean and not bad
            say_diagnostics(diagnostics, lang, as_json)
            if not diagnostics and not as_json:
                words = {"it": "nessun problema", "en": "no problems"}[lang]
                click.echo(f"{name}: {words}")
    sys.exit(0 if clean else 1)


@cli.command()
@click.argument("policy", type=click.Path())
@click.argument("applications", nargs=-1, required=True, type=click.Path(allow_dash=True))
@what_if_options
@click.option("--json", "as_json", is_flag=True, help="Whole decisions as JSON, one a line.")
@click.option("--trace", is_flag=True, help="Every value that was computed.")
@click.option("--to", type=click.Path(), help="Write the results to a workbook (.xlsx) or to CSV files (.csv).")
@click.option("--overwrite", is_flag=True, help="Results may take the place of a file.")
@language_option
def decide(
    policy: str, applications: tuple[str, ...], as_json: bool, trace: bool, to: str | None, overwrite: bool, lang: str, **what_ifs: Any
) -> None:
    """Decide applications (workbooks, CSV, JSON, JSON Lines or YAML; `-` is standard input).

    \b
    bandolo decide policies/bando_2023.yaml application.json
    bandolo decide policies/bando_2023.yaml *.json --json > decisions.jsonl
    bandolo decide policies/bando_2023.yaml application.json --set minimum_firms=8
    bandolo decide policies/bando_2023.yaml applications.xlsx --to decisions.xlsx
    """
    loaded = load(policy, what_ifs["amendments"], lang)
    if to is not None:
        from bandolo.surfaces.sheets import write_results

        problems: list[Diagnostic] = []
        decided = decisions(loaded, applications, what_ifs, trace, lang, problems)
        sys.exit(write_results(loaded, decided, problems, to, overwrite, (policy, *applications), cast(Language, lang)))
    if not as_json:
        from bandolo.explain.summary import summary
        from bandolo.explain.terminal import show

        terminal = console()
    ok = True
    for label, decision in decisions(loaded, applications, what_ifs, trace, lang):
        if decision is None:
            ok = False
        elif as_json:
            data = decision.to_dict()
            if trace:
                data["trace"] = loaded.trace(decision)
            click.echo(json.dumps(data, ensure_ascii=False))
        else:
            show(terminal, summary(loaded.text_of(decision), decision, cast(Language, lang), label))
            for row in loaded.trace(decision) if trace else []:
                click.echo(f"  {row['step']} {row['name'] or '·'} {row['record']}: {json.dumps(row['value'], ensure_ascii=False)}")
    sys.exit(0 if ok else 1)


@cli.command()
@click.argument("policy", type=click.Path())
@click.argument("applications", nargs=-1, required=True, type=click.Path(allow_dash=True))
@what_if_options
@click.option("--markdown", is_flag=True, help="Markdown in place of a terminal page.")
@click.option("--json", "as_json", is_flag=True, help="The decision with its trace as JSON.")
@language_option
def explain(policy: str, applications: tuple[str, ...], markdown: bool, as_json: bool, lang: str, **what_ifs: Any) -> None:
    """Explain decisions: every requirement with its verdict, figures, distance to the threshold and source.

    \b
    bandolo explain policies/bando_2023.yaml application.json --lang it
    bandolo explain policies/bando_2023.yaml application.json --markdown > reasons.md
    """
    from bandolo.explain.terminal import show

    loaded = load(policy, what_ifs["amendments"], lang)
    terminal = console()
    ok = True
    for _, decision in decisions(loaded, applications, what_ifs, True, lang):
        if decision is None:
            ok = False
            continue
        if as_json:
            click.echo(json.dumps({**decision.to_dict(), "trace": loaded.trace(decision)}, ensure_ascii=False))
            continue
        told = loaded.explain(decision, cast(Language, lang))
        if markdown:
            click.echo(told.to_markdown(), nl=False)
        else:
            show(terminal, list(told.blocks))
    sys.exit(0 if ok else 1)


@cli.command()
@click.argument("policy", type=click.Path())
@click.option("--validate", type=click.Path(allow_dash=True), help="Hold a JSON application against the schema and list every error.")
@language_option
def schema(policy: str, validate: str | None, lang: str) -> None:
    """Print the JSON Schema (2020-12) of an application to a policy.

    \b
    bandolo schema policies/bando_2023.yaml > application.schema.json
    """
    from bandolo.export.application_schema import application_schema, schema_errors

    loaded = load(policy, (), lang)
    wanted = application_schema(loaded.core, cast(Language, lang))
    if validate is None:
        click.echo(json.dumps(wanted, ensure_ascii=False, indent=2))
        return
    try:
        text = sys.stdin.read() if validate == "-" else Path(validate).read_text(encoding="utf-8")
        found = schema_errors(wanted, json.loads(text))
    except OSError as error:
        from bandolo.surfaces.intake import not_readable

        say_diagnostics([not_readable(validate, error)], lang, False)
        sys.exit(1)
    except (ValueError, RecursionError):
        found = ["$: not JSON in UTF-8"]
    for line in found:
        click.echo(line, err=True)
    sys.exit(1 if found else 0)


@cli.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(), metavar="POLICY...")
@click.option("--list", "listed", is_flag=True, help="Each norm with the rules that quote it, and their lines.")
@click.option("--json", "as_json", is_flag=True, help="The account as JSON, one norm a line.")
@language_option
def norms(paths: tuple[str, ...], listed: bool, as_json: bool, lang: str) -> None:
    """Account for every norm of the sources: which rule quotes it, or why it is no rule; a folder stands for its policies.

    \b
    bandolo norms policies/
    bandolo norms --list policies/bando_2023.yaml
    """
    from bandolo.surfaces.norms_report import report

    sys.exit(report(paths, listed, as_json, cast(Language, lang)))


@cli.command()
@click.argument("policy", type=click.Path())
@click.option("--event", "events", multiple=True, metavar="NAME=VALUE", help="A fact, as `--event ranking_published_on=2023-03-30`.")
@click.option("--application", type=click.Path(allow_dash=True), help="Take the facts of an application.")
@what_if_options
@click.option("--sources", is_flag=True, help="With the passages that each term comes from.")
@click.option("--json", "as_json", is_flag=True, help="The calendar as JSON.")
@click.option("--ics", metavar="FILE", help="Write an iCalendar file; `-` is standard output.")
@click.option("--alarm", type=click.IntRange(0, 365), metavar="DAYS", help="With --ics: remind so many days before.")
@language_option
def calendar(policy: str, application: str | None, as_json: bool, ics: str | None, alarm: int | None, sources: bool, lang: str,
             **what_ifs: Any) -> None:  # fmt: skip
    """Every deadline and term, of applicants and of the office: its day, its rule, what it still waits for.

    \b
    bandolo calendar policies/bando_2023.yaml --event ranking_published_on=2023-03-30 --as-of 2023-03-01
    bandolo calendar policies/bando_2023.yaml --assume --ics call.ics --as-of 2023-03-01
    """
    from bandolo.surfaces.calendar_report import report

    if as_json and ics is not None:
        raise click.UsageError("--json and --ics exclude each other")
    if alarm is not None and ics is None:
        raise click.UsageError("--alarm goes with --ics")
    trial = {"events": pairs(what_ifs["events"], "--event"), **given(what_ifs)}
    loaded = load(policy, what_ifs["amendments"], lang)
    said = cast(Language, lang)
    sys.exit(report(loaded, application, trial, console(), as_json=as_json, ics=ics, alarm=alarm, sources=sources, lang=said))


@cli.command("help")
@click.argument("code", required=False)
@language_option
def help_(code: str | None, lang: str) -> None:
    """Explain a diagnostic by its code, with a bad and a good example; without a code, list them.

    \b
    bandolo help unknown-name
    """
    from bandolo.diagnostics import Diagnostic
    from bandolo.diagnostics.pages import all_codes, page_text
    from bandolo.diagnostics.spelling import nearest

    if code is None:
        for name, line in all_codes(cast(Language, lang)):
            click.echo(f"{name:<28} {line}")
        return
    text = page_text(code, cast(Language, lang))
    if text is None:
        near = nearest(code, [name for name, _ in all_codes("en")])
        say_diagnostics([Diagnostic("unknown-code", args={"code": code, "nearest": near})], lang, False)
        sys.exit(1)
    click.echo(text)
