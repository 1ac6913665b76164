"""`bandolo diff`, the command: its options, which two policies are meant, and where the result goes."""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from bandolo.language.types import Language
from bandolo.surfaces.options import language_option
from bandolo.surfaces.saying import console, say_diagnostics

if TYPE_CHECKING:
    from bandolo.analysis.difference.cases import CasesCompared
    from bandolo.analysis.difference.change import Difference
    from bandolo.explain.blocks import Block
    from bandolo.policy import Policy

Side = tuple[str, str | None]
"""A file, and the revision at which it is read (None: as it is now)."""


@click.command("diff")
@click.argument("files", nargs=-1, required=True, metavar="OLD NEW | POLICY")
@click.option("--git", "revision", metavar="REV", help="Compare one file at git revisions: `--git REV [REV2] POLICY`.")
@click.option("--amend", "amendments", multiple=True, type=click.Path(), help="Apply an amending act to the new policy, in order.")
@click.option("--amend-old", "amendments_old", multiple=True, type=click.Path(), help="Apply an amending act to the old policy, in order.")
@click.option("--words", is_flag=True, help="Show the changes of wording and sources as well.")
@click.option("--json", "as_json", is_flag=True, help="The whole difference as JSON.")
@click.option("--sheet", type=click.Path(allow_dash=True), metavar="FILE", help="Write a change sheet (.md or .html; `-` prints Markdown).")
@click.option("--on", metavar="DATE", help="The date on the change sheet, as 2024-01-15.")
@click.option("--cases", multiple=True, type=click.Path(), help="Run a file of cases on both; the sheet says which change.")
@click.option("--overwrite", is_flag=True, help="The change sheet may take the place of a file.")
@click.option("--fail-on", type=click.Choice(["meaning"]), help="Exit status 1 if the meaning differs.")
@language_option
def diff(
    files: tuple[str, ...], revision: str | None, amendments: tuple[str, ...], amendments_old: tuple[str, ...], words: bool, as_json: bool,
    sheet: str | None, on: str | None, cases: tuple[str, ...], overwrite: bool, fail_on: str | None, lang: str,
) -> None:  # fmt: skip
    """What changes in meaning between two policies, or in one by an act or between git revisions.

    \b
    bandolo diff policies/bando_2023.yaml policies/bando_2024.yaml
    bandolo diff --git HEAD~1 policies/bando_2023.yaml
    bandolo diff policies/bando_2023.yaml --amend policies/bando_2023.implementing_act.yaml --sheet change.html
    """
    language = cast(Language, lang)
    if sheet is not None and sheet != "-" and Path(sheet).suffix.lower() not in (".md", ".html"):
        raise click.UsageError("--sheet takes a name that ends in .md or .html, or - for Markdown")
    if sheet is None and (on is not None or overwrite):
        raise click.UsageError("--on and --overwrite go with --sheet")
    day = _day(on)
    old_side, new_side = which(files, revision, amended=bool(amendments or amendments_old))
    # Both are read before either is refused: one look shows the mistakes of both.
    policies = [read(side, acts, language) for side, acts in ((old_side, amendments_old), (new_side, amendments))]
    old, new = policies
    if old is None or new is None:
        sys.exit(1)
    from bandolo.analysis.difference.difference import difference
    from bandolo.analysis.difference.pages import page
    from bandolo.explain.terminal import show

    found = difference(old, new)
    compared = _cases(old, new, cases, language) if cases else None
    sections: list[Block] = []  # what others find out about the effects of the change goes here, and onto the page and the sheet
    if as_json:
        listed = {"cases": compared.to_dict(language)} if compared is not None else {}
        click.echo(json.dumps({**found.to_dict(), **listed}, ensure_ascii=False))
    elif sheet is None:
        show(console(), [*page(found, language, words), *_case_lines(compared, language), *sections])
    if sheet is not None:
        inputs = [side[0] for side in (old_side, new_side)] + [*amendments, *amendments_old, *cases]
        _write(sheet, found, day, compared, sections, overwrite, inputs, language)
    sys.exit(1 if fail_on == "meaning" and found.meaning else 0)


def _day(text: str | None) -> date | None:
    """The date of `--on`; a UsageError for what is none."""
    try:
        return date.fromisoformat(text) if text is not None else None
    except ValueError:
        raise click.UsageError("--on takes a date, as --on 2024-01-15") from None


def which(files: tuple[str, ...], revision: str | None, amended: bool) -> tuple[Side, Side]:
    """The old and the new side: two files; one at one or two revisions; one that is amended against itself."""
    match revision, files:
        case None, (old, new):
            return (old, None), (new, None)
        case None, (one,) if amended:
            return (one, None), (one, None)
        case str(), (one,):
            return (one, revision), (one, None)
        case str(), (second, one):
            return (one, revision), (one, second)
    raise click.UsageError("diff takes two policies; or one with --amend; or --git REV [REV2] and one")


def read(side: Side, acts: tuple[str, ...], lang: Language) -> Policy | None:
    """The policy of a side with its acts, all at the revision of the side; None, said, where it cannot be used."""
    from bandolo import limits
    from bandolo.diagnostics import PolicyError
    from bandolo.policy import policy_from_bytes
    from bandolo.source import read_bytes
    from bandolo.surfaces.git_files import at_revision
    from bandolo.surfaces.intake import not_readable

    path, revision = side
    try:
        read_ = [(p, read_bytes(p, limits.POLICY_BYTES)) if revision is None else at_revision(p, revision) for p in (path, *acts)]
        return policy_from_bytes(*read_[0], read_[1:])
    except PolicyError as error:
        say_diagnostics(list(error.diagnostics), lang)
    except OSError as error:
        say_diagnostics([not_readable(str(error.filename or path), error)], lang)
    return None


def _cases(old: Policy, new: Policy, paths: tuple[str, ...], lang: Language) -> CasesCompared:
    """Cases on both sides; exit status 1 where a file of them cannot be used."""
    from bandolo.analysis.difference.cases import compare_cases
    from bandolo.surfaces.intake import not_readable

    try:
        compared, found = compare_cases(old, new, map(Path, paths))
    except OSError as error:
        say_diagnostics([not_readable(str(error.filename), error)], lang)
        sys.exit(1)
    if found:
        say_diagnostics(found, lang)
        sys.exit(1)
    return compared


def _case_lines(compared: CasesCompared | None, lang: Language) -> list[Block]:
    """The cases that changed, for the terminal."""
    from bandolo.analysis.difference.sheet import MOST_CASES, more_cases, word
    from bandolo.explain.blocks import Heading, Line

    if compared is None:
        return []
    out: list[Block] = [
        Heading(word("cases", lang), 2),
        Line(word("cases_run", lang, compared.run, compared.failing, len(compared.changed))),
    ]
    for case in compared.changed[:MOST_CASES]:
        out.append(Line(f"{case.name}: {word(case.now, lang)}", "met" if case.now == "passes" else "failed"))
        out.append(Line(f"{case.file}:{case.line}", indent=2))
        out += [Line(f"{m.where}: {word('expected', lang)} {m.expected}, {word('got', lang)} {m.got}", indent=2) for m in case.mismatches]
        out += [Line(line, indent=2) for line in case.reasons(lang)]
    return [*out, *(Line(line, indent=1) for line in more_cases(compared, lang))]


def _write(
    path: str, found: Difference, day: date | None, compared: CasesCompared | None, sections: list[Block], overwrite: bool,
    inputs: list[str], lang: Language,
) -> None:  # fmt: skip
    """The change sheet in its file; exit status 1, said, where it cannot be put there."""
    from bandolo.analysis.difference.sheet import change_sheet
    from bandolo.analysis.difference.sheet_files import as_html, as_markdown
    from bandolo.surfaces.sheets import write

    made = change_sheet(found, lang, on=day, cases=compared, sections=sections)
    if path == "-":
        click.echo(as_markdown(made), nl=False)
        return
    text = as_html(made) if Path(path).suffix.lower() == ".html" else as_markdown(made)
    if bad := write(path, text.encode(), overwrite, inputs):
        say_diagnostics(bad, lang)
        sys.exit(1)
    click.echo(path, err=True)
