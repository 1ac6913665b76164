"""`bandolo mutate`, the command: its options. What it needs is imported when it runs."""

from __future__ import annotations

import os
import sys
from typing import cast

import click

from bandolo.language.types import Language
from bandolo.surfaces.options import language_option
from bandolo.surfaces.saying import load


@click.command("mutate")
@click.argument("policy", type=click.Path())
@click.option("--rule", "rules", multiple=True, metavar="NAME", help="Only mutants of a rule: `enough_firms`, `partner.*`.")
@click.option("--cases", "files", multiple=True, type=click.Path(), help="Case files; without it, those beside the policy.")
@click.option("--equivalent", type=click.Path(), help="The list of equivalent mutants; without it, NAME.equivalent.yaml beside the policy.")
@click.option("--search", type=click.IntRange(0, 1_000_000), default=0, metavar="N", help="Try N made-up applications on those listed.")
@click.option("--survivors", is_flag=True, help="With --search: try them on the survivors too.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the made-up applications.")
@click.option("--list", "listed", is_flag=True, help="List the mutants, and run nothing.")
@click.option("--json", "as_json", is_flag=True, help="Every mutant with its fate, as JSON.")
@click.option("--jobs", type=click.IntRange(1, 64), default=min(os.cpu_count() or 1, 8), show_default=True, help="Processes.")
@language_option
def mutate(
    policy: str, rules: tuple[str, ...], files: tuple[str, ...], equivalent: str | None, search: int, survivors: bool, seed: int,
    listed: bool, as_json: bool, jobs: int, lang: str,
) -> None:  # fmt: skip
    """Try small wrong changes of a policy on its cases: what no case notices is a question that no case asks.

    \b
    bandolo mutate policies/manifestazione_2022.yaml
    bandolo mutate policies/bando_2023.yaml --rule enough_firms
    bandolo mutate policies/bando_2023.yaml --search 10000
    """
    from bandolo.surfaces.mutate_report import Wanted, report

    loaded = load(policy, (), lang)
    wanted = Wanted(policy, rules, files, equivalent, search, survivors, seed, jobs)
    sys.exit(report(loaded, wanted, cast(Language, lang), listed=listed, as_json=as_json))
