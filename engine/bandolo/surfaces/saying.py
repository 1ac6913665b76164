"""What commands share once their options are read: the policy or its diagnostics, decisions of applications, and how they are said."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import click

from bandolo.language.types import Language
from bandolo.surfaces.options import given, record_files

if TYPE_CHECKING:
    from rich.console import Console

    from bandolo.diagnostics import Diagnostic
    from bandolo.evaluate.decision import Decision
    from bandolo.policy import Policy
    from bandolo.surfaces.intake import Submitted


def console() -> Console:
    """A terminal, or 100 columns of text where it is none."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else 100
    return Console(width=width, highlight=False)


def say_diagnostics(diagnostics: list[Diagnostic], lang: str, as_json: bool = False) -> None:
    """Diagnostics for people on standard error, or as JSON, one a line, on standard output."""
    if not diagnostics:
        return
    from bandolo.diagnostics.render import as_data, render_all

    if as_json:
        for diagnostic in diagnostics:
            click.echo(json.dumps(as_data(diagnostic, cast(Language, lang)), ensure_ascii=False))
    else:
        click.echo(render_all(diagnostics, cast(Language, lang)) + "\n", err=True)


def load(path: str, amendments: tuple[str, ...], lang: str) -> Policy:
    """The policy, or its diagnostics and exit status 1."""
    from bandolo.diagnostics import PolicyError
    from bandolo.policy import load_policy
    from bandolo.surfaces.intake import not_readable

    try:
        return load_policy(path, amendments=amendments)
    except PolicyError as error:
        say_diagnostics(list(error.diagnostics), lang, False)
    except OSError as error:
        say_diagnostics([not_readable(str(error.filename or path), error)], lang, False)
    sys.exit(1)


def decisions(
    policy: Policy, paths: tuple[str, ...], what_ifs: dict[str, Any], trace: bool, lang: str, problems: list[Diagnostic] | None = None
) -> Iterator[tuple[str, Decision | None]]:
    """Each application's label and decision; None for one that is bad data, which has then been said, and put to the `problems`."""
    for submitted, decision in decided(policy, paths, what_ifs, trace, lang, problems):
        yield submitted.label, decision


def decided(
    policy: Policy, paths: tuple[str, ...], what_ifs: dict[str, Any], trace: bool, lang: str, problems: list[Diagnostic] | None = None
) -> Iterator[tuple[Submitted, Decision | None]]:
    """As `decisions`, each with the application as it was handed in."""
    from bandolo.diagnostics import ApplicationError, PolicyError
    from bandolo.surfaces.intake import read_applications

    trial = given(what_ifs)
    for submitted in read_applications(paths, policy.core, record_files(policy, what_ifs.get("records", ()))):
        for file, dialect in submitted.dialects:
            click.echo(f"{file}: {dialect.said(cast(Language, lang))}", err=True)
        decision: Decision | None = None
        bad = list(submitted.diagnostics)
        try:
            if not bad:
                decision = policy.decide(submitted.data, **trial, trace=trace)
        except ApplicationError as error:
            bad = submitted.located(error.diagnostics)
        except PolicyError as error:
            # A what-if that cannot be is the same for every application.
            say_diagnostics(list(error.diagnostics), lang, False)
            sys.exit(1)
        say_diagnostics(bad, lang, False)
        if problems is not None:
            problems += bad
        yield submitted, decision
