"""The options that commands share, and how their values are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bandolo.language.types import Language
from bandolo.surfaces.helping import CHOSEN, default_language

if TYPE_CHECKING:
    from bandolo.policy import Policy

F = TypeVar("F", bound=Callable[..., Any])


def chosen_language(ctx: click.Context, _: click.Parameter, lang: str | None) -> None:
    """Callback of `bandolo --lang`: keeps the language for the command."""
    if lang is not None:
        ctx.meta[CHOSEN] = lang


def _default_language() -> Language:
    return default_language()


def language_option(command: F) -> F:
    """`--lang`, as `lang`."""
    option = click.option("--lang", type=click.Choice(["it", "en"]), default=_default_language, help="Italian or English.")
    return option(command)


def hook_option(command: F) -> F:
    """`--hook`, as `hook`: for pre-commit, which hands over whatever files changed."""
    option = click.option("--hook", is_flag=True, help="As a pre-commit hook: files of other kinds are passed over.")
    return option(command)


def records_option(command: F) -> F:
    """`--records`, as `records`: where listed records beside a CSV are."""
    option = click.option(
        "--records", multiple=True, metavar="ENTITY=FILE", help="Listed records in a file of their own: `partner=partners.csv`."
    )
    return option(command)


def what_if_options(command: F) -> F:
    """The options that change a decision for trial, and each decision lists what they changed; and where listed records are."""
    for option in (
        click.option("--set", "sets", multiple=True, metavar="NAME=VALUE", help="Set a parameter, as `--set minimum_firms=8`."),
        click.option("--reading", "readings", multiple=True, metavar="NAME=OPTION", help="Choose an option of a reading."),
        click.option("--assume", is_flag=True, help="Use the values that pending parameters assume."),
        click.option("--as-of", metavar="DATE", help="The clock: `2023-03-01`, or `2023-03-01 12:00`."),
        click.option("--amend", "amendments", multiple=True, type=click.Path(), help="Apply an amending act, in order."),
        records_option,
    ):
        command = option(command)
    return command


def given(what_ifs: dict[str, Any]) -> dict[str, Any]:
    """The what-ifs as `Policy.decide` and `rank` take them: `as_of`, `set`, `readings`, `assume`."""
    return {
        "as_of": what_ifs["as_of"], "assume": what_ifs["assume"],
        "set": pairs(what_ifs["sets"], "--set"), "readings": pairs(what_ifs["readings"], "--reading"),
    }  # fmt: skip


def record_files(policy: Policy, texts: tuple[str, ...]) -> dict[str, str]:
    """The CSV files of listed records, by entity; an entity goes by its name or by the title of its sheet."""
    if not texts:
        return {}
    from bandolo.sheets.layout import layout, sheet_named

    sheets = layout(policy.core)
    files = {}
    for name, path in pairs(texts, "--records").items():
        sheet = sheet_named(sheets, name)
        if sheet is None or not sheet.owners:
            known = ", ".join(n for n, s in sheets.items() if s.owners)
            raise click.UsageError(f"--records takes ENTITY=FILE with one of: {known}")
        files[sheet.entity.name] = path
    return files


def pairs(texts: tuple[str, ...], option: str) -> dict[str, str]:
    """`NAME=VALUE` texts by name; a UsageError for one that is not."""
    found = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            example = "ranking_published_on=2023-03-30" if option == "--event" else "minimum=10"
            raise click.UsageError(f"{option} takes NAME=VALUE, as {option} {example}")
        found[name.strip()] = value.strip()
    return found
