"""The command `bandolo test`: its options. What it does is in `testing_report.py`; how cases are run, in `bandolo.testing`."""

from __future__ import annotations

import sys
from typing import cast

import click

from bandolo.language.types import Language
from bandolo.surfaces.options import hook_option, language_option


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(), metavar="PATH...")
@click.option("-k", "word", help="Only the cases whose name contains this.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Only the cases with this tag.")
@click.option("--rule", "rules", multiple=True, metavar="NAME", help="Only the cases that name this rule, or that it failed or left open.")
@click.option("--update", is_flag=True, help="Accept what came: rewrite the expectations that differ, and nothing else of the files.")
@click.option("--json", "as_json", is_flag=True, help="The results as JSON, one case a line.")
@hook_option
@language_option
def test(
    paths: tuple[str, ...],
    word: str | None,
    tags: tuple[str, ...],
    rules: tuple[str, ...],
    update: bool,
    as_json: bool,
    hook: bool,
    lang: str,
) -> None:
    """Run case files. A folder stands for all `*.cases.yaml` in it, a policy for those beside it.

    A failure shows what was expected and what came, and the rule that decided with the values in it.

    \b
    bandolo test policies/
    bandolo test policies/bando_2023.cases.yaml -k "nine firms"
    bandolo test policies/bando_2023.yaml --rule enough_firms
    bandolo test policies/ --update
    """
    from bandolo.surfaces.testing_report import report
    from bandolo.testing.select import Selection

    sys.exit(report(paths, Selection(word, tags, rules), cast(Language, lang), update=update, as_json=as_json, hook=hook))
