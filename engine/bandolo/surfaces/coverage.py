"""`bandolo coverage`: what the cases of a policy look at, and what its rules make of the texts of its sources."""

from __future__ import annotations

import os
import sys
from typing import cast

import click

from bandolo.language.types import Language
from bandolo.surfaces.options import language_option


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(), metavar="POLICY...")
@click.option("--min", "least", type=click.FloatRange(0, 100), metavar="PERCENT", help="Exit status 1 where the figure is lower, as in CI.")
@click.option("--rules", is_flag=True, help="Only what the cases look at.")
@click.option("--text", is_flag=True, help="Only what the rules quote of the sources.")
@click.option("--list", "listed", is_flag=True, help="Everything, with the cases that look at it.")
@click.option("--json", "as_json", is_flag=True, help="The coverage as JSON, one policy a line.")
@click.option("--html", "html_file", metavar="FILE", type=click.Path(), help="Write a page: rules and sources, coloured and linked.")
@click.option("--jobs", type=click.IntRange(1, 64), default=min(os.cpu_count() or 1, 8), show_default=True, help="Processes.")
@language_option
def coverage(
    paths: tuple[str, ...], least: float | None, rules: bool, text: bool, listed: bool, as_json: bool, html_file: str | None, jobs: int,
    lang: str,
) -> None:  # fmt: skip
    """Say what the cases of a policy look at and what no case asks; a folder stands for its policies.

    \b
    bandolo coverage policies/bando_2023.yaml
    bandolo coverage policies/ --min 95
    bandolo coverage policies/bando_2023.yaml --html coverage.html
    """
    from bandolo.surfaces.coverage_report import Wanted, report

    if rules and text:
        raise click.UsageError("--rules and --text exclude each other")
    wanted = Wanted(not text, not rules, least, listed, as_json, html_file, jobs, cast(Language, lang))
    sys.exit(report(paths, wanted))
