"""The command `bandolo new`: its options. What it does is in `asking.py`, what it writes in `bandolo.scaffold`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar, cast

import click

from bandolo.language.types import Language

F = TypeVar("F", bound=Callable[..., Any])

ANSWERS = (
    ("--title", "TEXT", "Title, in the language of --lang."),
    ("--other-title", "TEXT", "Title in the other language."),
    ("--name", "NAME", "What the files are called; else derived from the title."),
    ("--issuer", "TEXT", "Who issues the call."),
    ("--entity", "WORD", "What is decided on, as `project`, `impresa`."),
    ("--list", "WORD", "What each of them lists, as `partner`; `no` for nothing."),
    ("--plural", "NAME", "What that list is called, as `partners`."),
    ("--minimum", "NUMBER", "How many are needed at least; 0 for no minimum."),
    ("--opening", "TIME", "As `2027-01-15 09:00`; `no` for none."),
    ("--closing", "TIME", "As `2027-03-31 16:00`; included, to the second."),
    ("--rate", "PERCENT", "Share of the costs that is paid."),
    ("--cap", "EURO", "Highest grant."),
    ("--least-costs", "EURO", "Least costs; 0 for no minimum."),
    ("--pass-mark", "NUMBER", "Minimum score, out of 100."),
    ("--bonus", "NUMBER", "Bonus points; 0 for none."),
    ("--text", "FILE", "The text of the call, if there is one."),
)


def _answers(command: F) -> F:
    for name, metavar, words in reversed(ANSWERS):
        command = click.option(name, metavar=metavar, help=words)(command)
    return command


@click.command()
@click.argument("folder", default=".", type=click.Path())
@_answers
@click.option("--money/--no-money", default=None, help="Whether the call gives money.")
@click.option("--score/--no-score", default=None, help="Whether there is a score.")
@click.option("--yes", is_flag=True, help="Take the defaults for what is not given; ask nothing.")
@click.option("--lang", type=click.Choice(["it", "en"]), help="Italian or English: questions and comments.")
def new(folder: str, money: bool | None, score: bool | None, yes: bool, lang: str | None, **options: str | None) -> None:
    """Start a new call: a commented policy with its cases, an example application and the text that it quotes.

    On a terminal it asks what the options leave out. It never overwrites a file.

    \b
    bandolo new my_calls --lang it
    bandolo new my_calls --title "Digital Call 2027" --list firm --minimum 3 --closing "2027-03-31 16:00" --yes
    """
    from bandolo.surfaces.asking import start
    from bandolo.surfaces.helping import default_language

    given = {name: value for name, value in options.items() if value is not None}
    given |= _whether("money", money, given, ("rate", "cap", "least_costs")) | _whether("score", score, given, ("pass_mark", "bonus"))
    usual = default_language()
    wanted = cast(Language, lang or usual)
    sys.exit(start(folder, given, yes, wanted, "" if wanted == usual else f" --lang {wanted}"))


def _whether(name: str, said: bool | None, given: dict[str, str], parts: tuple[str, ...]) -> dict[str, str]:
    """Yes or no as an answer; who gives a cap means that there is money."""
    if said is None and not any(part in given for part in parts):
        return {}
    return {name: "no" if said is False else "yes"}
