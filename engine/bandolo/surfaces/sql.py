"""`bandolo sql`, the command: its options. What it needs is imported when it runs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from bandolo.surfaces.options import language_option, pairs
from bandolo.surfaces.saying import load, say_diagnostics

if TYPE_CHECKING:
    from bandolo.evaluate.settle import Settled
    from bandolo.policy import AsOf, Policy


READ_ME = {
    "it": """-- `decisions`: una riga per domanda. Ciò che non è NULL è come lo decide il motore; `needs_engine`: manca qualcosa.
-- `decisions__steps`: ogni definizione e ogni verdetto, accanto a ogni record.
""",
    "en": """-- `decisions`: a row for each application. What is not NULL is as the engine decides; `needs_engine`: something is missing.
-- `decisions__steps`: every definition and every verdict, beside each record.
""",
}


@click.command("sql")
@click.argument("policy", type=click.Path())
@click.option("--dialect", type=click.Choice(["duckdb", "postgres", "spark"]), required=True, help="Whose SQL.")
@click.option("--schema", is_flag=True, help="The tables that the views read, as CREATE TABLE.")
@click.option("--to", type=click.Path(), metavar="FILE", help="Write a file instead of the screen.")
@click.option("--set", "sets", multiple=True, metavar="NAME=VALUE", help="Set a parameter, as `--set minimum_firms=8`.")
@click.option("--reading", "readings", multiple=True, metavar="NAME=OPTION", help="Choose an option of a reading.")
@click.option("--assume", is_flag=True, help="Use the values that pending parameters assume.")
@click.option("--as-of", metavar="DATE", help="The clock: `2023-03-01`, or `2023-03-01 12:00`.")
@click.option("--amend", "amendments", multiple=True, type=click.Path(), help="Apply an amending act, in order.")
@language_option
def sql(
    policy: str, dialect: str, schema: bool, to: str | None, sets: tuple[str, ...], readings: tuple[str, ...], assume: bool,
    as_of: str | None, amendments: tuple[str, ...], lang: str,
) -> None:  # fmt: skip
    """Views that decide applications in a warehouse, exactly; what they cannot decide is marked for the engine.

    \b
    bandolo sql bench/filiere.yaml --dialect duckdb --schema --to tables.sql
    bandolo sql bench/filiere.yaml --dialect duckdb --to decisions.sql
    bandolo sql policies/bando_2023.yaml --assume --dialect postgres --lang it
    """
    from bandolo.diagnostics import Diagnostic, PolicyError

    loaded = load(policy, amendments, lang)
    try:
        from bandolo.sql.tables import printed_schema
        from bandolo.sql.values import Construct
        from bandolo.sql.view import view
    except ImportError:
        say_diagnostics([Diagnostic("sql-needs-sqlglot", file=policy)], lang)
        sys.exit(1)
    try:
        settled = settled_by(loaded, as_of=as_of, set=pairs(sets, "--set"), readings=pairs(readings, "--reading"), assume=assume)
    except PolicyError as error:
        say_diagnostics(list(error.diagnostics), lang)
        sys.exit(1)
    if any(loaded.conditional):
        # Which text holds depends on the application; a view has one.
        span = loaded.core.reach.span if loaded.core.reach is not None else None
        args = {"what": Construct("reach"), "dialect": dialect}
        say_diagnostics([Diagnostic("sql-unsupported", span, args, file=policy)], lang)
        sys.exit(1)
    made, diagnostics = view(loaded.core, settled, dialect, "it" if lang == "it" else "en")
    if made is None:
        say_diagnostics([d if d.span is not None else replace(d, file=policy) for d in diagnostics], lang)
        sys.exit(1)
    text = printed_schema(loaded.core, dialect) if schema else f"-- {loaded.core.id}, {loaded.digest}\n{READ_ME[lang]}{made.sql};\n"
    if to is None:
        click.echo(text, nl=False)
        return
    from bandolo.surfaces.sheets import write

    if bad := write(to, text.encode(), True, (policy, *amendments)):
        say_diagnostics(bad, lang)
        sys.exit(1)


def settled_by(
    policy: Policy, as_of: AsOf = None, set: Mapping[str, Any] | None = None, readings: Mapping[str, str] | None = None,
    assume: bool | Sequence[str] = False,
) -> Settled:  # fmt: skip
    """The settings of a policy under a what-if, as `Policy.decide` takes it. Raises PolicyError for one that cannot be."""
    clock, _ = policy.clock(as_of)
    return policy.settled_as(policy.changes(set or {}, readings or {}, assume), clock)
