"""The command `bandolo fmt`: its options. What it does to files is in `rewriting.py`, the layout in `bandolo.format`."""

from __future__ import annotations

import sys
from typing import cast

import click

from bandolo.language.types import Language


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(allow_dash=True), metavar="PATH...")
@click.option("--check", is_flag=True, help="Change nothing; list what would change, and exit with 1 if anything would.")
@click.option("--diff", is_flag=True, help="Change nothing; print the difference.")
@click.option("--hook", is_flag=True, help="As a pre-commit hook: files of other kinds are passed over; exit with 1 if one was rewritten.")
@click.option("--lang", type=click.Choice(["it", "en"]), help="Italian or English.")
def fmt(paths: tuple[str, ...], check: bool, diff: bool, hook: bool, lang: str | None) -> None:
    """Lay out policies, amendments and case files in one way; a folder stands for all that are in it.

    Comments, the order of entries and the meaning stay. With `-`, standard input is laid out on standard output.

    \b
    bandolo fmt policies/
    bandolo fmt --check policies/
    bandolo fmt --diff policies/bando_2023.yaml
    bandolo fmt - < draft.yaml > policy.yaml
    """
    from bandolo.surfaces.helping import default_language
    from bandolo.surfaces.rewriting import rewrite

    sys.exit(rewrite(paths, check, diff, hook, cast(Language, lang or default_language())))
