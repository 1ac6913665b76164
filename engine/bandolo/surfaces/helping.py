"""The help of the commands in the reader's language: Italian from `help_texts.toml`, English as it stands in the code."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import click

from bandolo.language.preferred import preferred_language
from bandolo.language.types import Language

CHOSEN = "bandolo.lang"
"""Where `bandolo --lang it COMMAND` leaves the language for the command."""


def default_language() -> Language:
    """`bandolo --lang`, else BANDOLO_LANG, else the language of the terminal where it is Italian, else English."""
    context = click.get_current_context(silent=True)
    wanted = context.meta.get(CHOSEN, "") if context is not None else ""
    return preferred_language(wanted)


@cache
def texts() -> dict[str, Any]:
    """The Italian texts: by command its `help` and `options`, the options that commands share, and the headings."""
    import tomllib

    return tomllib.loads(Path(__file__).with_name("help_texts.toml").read_text(encoding="utf-8"))


def option_text(command: str, option: str) -> str | None:
    """The Italian help of an option, by its first spelling: the command's own, else that of the options that commands share."""
    own: str | None = texts().get(command, {}).get("options", {}).get(option)
    return own if own is not None else texts()["options"].get(option)


class Commands(click.Group):
    """A group whose help, and that of its commands, is in the reader's language."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and name is not None and _language(rest) == "it":
            command = in_italian(command, name)
        return name, command, rest

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command = super().get_command(ctx, cmd_name)
        listing = isinstance(ctx, _InItalian)
        return in_italian(command, cmd_name) if command is not None and listing else command

    def get_help(self, ctx: click.Context) -> str:
        if default_language() != "it":
            return super().get_help(ctx)
        twin = in_italian(self, "bandolo")
        with twin.context_class(twin, info_name=ctx.info_name, parent=ctx.parent, **self.context_settings) as italian:
            return click.Group.get_help(twin, italian)


def in_italian(command: click.Command, name: str) -> click.Command:
    """A copy of a command that speaks Italian wherever there is a text for it."""
    words = texts()["headings"]
    twin = copy.copy(command)
    twin.help = texts().get(name, {}).get("help", command.help or "").replace("\\b\n", "\b\n")
    twin.short_help = None
    twin.options_metavar = words["[OPTIONS]"]
    twin.context_class = _InItalian
    if isinstance(twin, click.Group):
        twin.subcommand_metavar = words["COMMAND [ARGS]..."]
    twin.params = [copy.copy(p) for p in command.params]
    for option in (p for p in twin.params if isinstance(p, click.Option)):
        option.help = option_text(name, option.opts[0]) or option.help
    return twin


class _Formatter(click.HelpFormatter):
    """Click's own words in Italian."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, prefix or texts()["headings"]["Usage: "])

    def write_heading(self, heading: str) -> None:
        super().write_heading(texts()["headings"].get(heading, heading))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        super().write_dl([(first, _said(second)) for first, second in rows], col_max, col_spacing)


def _said(text: str) -> str:
    """The help of an option with what click adds to it in brackets, in Italian."""
    words = texts()["headings"]
    for bracket in ("[required]", "[default: "):
        text = text.replace(bracket, words[bracket])
    return str(words.get(text, text))


class _InItalian(click.Context):
    formatter_class = _Formatter


def _language(arguments: list[str]) -> Language:
    """The language that a command's arguments ask for: help is printed before they are read."""
    for i, word in enumerate(arguments):
        if word == "--lang" or word.startswith("--lang="):
            wanted = word.partition("=")[2] or "".join(arguments[i + 1 : i + 2])
            return "it" if wanted == "it" else "en"
    return default_language()
