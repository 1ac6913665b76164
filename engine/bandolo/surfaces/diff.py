"""`bandolo diff`, the command: its options, which two policies are meant, and where the result goes."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from bandolo.language.types import Language
from bandolo.surfaces.impact import fail_kinds, failures, impact_options, impact_report, write_impact
from bandolo.surfaces.options import language_option, what_if_options
from bandolo.surfaces.saying import console, say_diagnostics

if TYPE_CHECKING:
    from bandolo.analysis.difference.cases import CasesCompared
    from bandolo.analysis.difference.change import Difference
    from bandolo.analysis.impact import Impact
    from bandolo.explain.blocks import Block
    from bandolo.policy import Policy

Side = tuple[str, str | None]
"""A file, and the revision at which it is read (None: as it is now)."""


@click.command("diff")
@click.argument("files", nargs=-1, required=True, metavar="OLD NEW | POLICY")
@click.option("--git", "revision", metavar="REV", help="Compare one file at git revisions: `--git REV [REV2] POLICY`.")
@click.option("--amend-old", "amendments_old", multiple=True, type=click.Path(), help="Apply an amending act to the old policy, in order.")
@click.option("--words", is_flag=True, help="Show the changes of wording and sources as well.")
@click.option("--json", "as_json", is_flag=True, help="The whole difference as JSON.")
@click.option("--sheet", type=click.Path(allow_dash=True), metavar="FILE", help="Write a change sheet (.md or .html; `-` prints Markdown).")
@click.option("--on", metavar="DATE", help="The date on the change sheet, as 2024-01-15.")
@click.option("--cases", multiple=True, type=click.Path(), help="Run a file of cases on both; the sheet says which change.")
@click.option("--overwrite", is_flag=True, help="What is written may take the place of a file.")
@impact_options
@what_if_options
@language_option
def diff(
    files: tuple[str, ...], revision: str | None, amendments_old: tuple[str, ...], words: bool, as_json: bool, sheet: str | None,
    on: str | None, cases: tuple[str, ...], lang: str, **options: Any,
) -> None:  # fmt: skip
    """What changes in meaning between two policies, or in one by an act or between git revisions; with --applications, for whom.

    --amend, --set and --reading are tried on the new policy only; --assume and --as-of hold for both.

    \b
    bandolo diff policies/bando_2023.yaml policies/bando_2024.yaml
    bandolo diff policies/bando_2023.yaml policies/bando_2024.yaml --applications applications/ --assume --fail-on outcome,amount
    bandolo diff --git HEAD~1 policies/bando_2023.yaml
    bandolo diff policies/bando_2023.yaml --amend policies/bando_2023.implementing_act.yaml --sheet change.html
    """
    language = cast(Language, lang)
    kinds = fail_kinds(options["fail_on"], also=("meaning",))
    _usage(sheet, on, kinds, options)
    day = _day(on)
    tried = any(options[name] for name in ("amendments", "sets", "readings")) or bool(amendments_old)
    old_side, new_side = which(files, revision, tried)
    # Both are read before either is refused: one look shows the mistakes of both.
    policies = [read(side, acts, language) for side, acts in ((old_side, amendments_old), (new_side, options["amendments"]))]
    old, new = policies
    if old is None or new is None:
        sys.exit(1)
    from bandolo.analysis.difference.difference import difference
    from bandolo.analysis.difference.pages import page
    from bandolo.explain.terminal import show

    found = difference(old, new)
    compared = _cases(old, new, cases, language) if cases else None
    made, problems = impact_report(old, new, options, language) if options["applications"] else (None, [])
    inputs = [side[0] for side in (old_side, new_side)] + [*options["amendments"], *amendments_old, *cases, *options["applications"]]
    sections = _impact_blocks(made, language)
    if as_json:
        click.echo(json.dumps(_as_data(found, compared, made, language), ensure_ascii=False))
    elif sheet is None:
        show(console(), [*page(found, language, words), *_case_lines(compared, language), *sections])
    if sheet is not None:
        sheet_inputs = _SheetInputs(found, day, compared, made)
        _write(sheet, sheet_inputs, sections, options["overwrite"], inputs, language)
    if made is not None:
        problems += write_impact(made, options, language, tuple(inputs)) + failures(made, kinds)
    say_diagnostics(problems, lang)
    sys.exit(1 if problems or ("meaning" in kinds and found.meaning) else 0)


def _usage(sheet: str | None, on: str | None, kinds: tuple[str, ...], options: dict[str, Any]) -> None:
    """UsageErrors for options that need another."""
    if sheet is not None and sheet != "-" and Path(sheet).suffix.lower() not in (".md", ".html"):
        raise click.UsageError("--sheet takes a name that ends in .md or .html, or - for Markdown")
    if sheet is None and on is not None:
        raise click.UsageError("--on goes with --sheet")
    if sheet is None and options["to"] is None and options["overwrite"]:
        raise click.UsageError("--overwrite goes with --sheet or --to")
    if options["applications"]:
        return
    for name in ("sets", "readings", "records", "to", "by", "amount", "no_ranking", "as_of", "assume"):
        if options[name]:
            shown = {"sets": "set", "readings": "reading"}.get(name, name).replace("_", "-")
            raise click.UsageError(f"--{shown} goes with --applications")
    if set(kinds) - {"meaning"}:
        raise click.UsageError(f"--fail-on {','.join(kinds)} goes with --applications")


def _impact_blocks(made: Impact | None, lang: Language) -> list[Block]:
    if made is None:
        return []
    from bandolo.analysis.impact_words import impact_blocks

    return impact_blocks(made, lang)


def _as_data(found: Difference, compared: CasesCompared | None, made: Impact | None, lang: Language) -> dict[str, Any]:
    """The difference, and under `cases` and `impact` what was asked for beside it."""
    data = found.to_dict()
    if compared is not None:
        data["cases"] = compared.to_dict(lang)
    if made is not None:
        from bandolo.analysis.impact_data import impact_as_data

        data["impact"] = impact_as_data(made)
    return data


def _day(text: str | None) -> date | None:
    """The date of `--on`; a UsageError for what is none."""
    try:
        return date.fromisoformat(text) if text is not None else None
    except ValueError:
        raise click.UsageError("--on takes a date, as --on 2024-01-15") from None


def which(files: tuple[str, ...], revision: str | None, tried: bool) -> tuple[Side, Side]:
    """The old and the new side: two files; one at one or two revisions; one under what is tried against itself."""
    match revision, files:
        case None, (old, new):
            return (old, None), (new, None)
        case None, (one,) if tried:
            return (one, None), (one, None)
        case str(), (one,):
            return (one, revision), (one, None)
        case str(), (second, one):
            return (one, revision), (one, second)
    raise click.UsageError("diff takes two policies; or one with --amend, --set or --reading; or --git REV [REV2] and one")


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


@dataclass(frozen=True, slots=True)
class _SheetInputs:
    """What a change sheet is made of."""

    found: Difference
    day: date | None
    compared: CasesCompared | None
    made: Impact | None


def _write(path: str, of: _SheetInputs, sections: list[Block], overwrite: bool, inputs: list[str], lang: Language) -> None:
    """The change sheet in its file; exit status 1, said, where it cannot be put there."""
    from bandolo.analysis.difference.sheet import change_sheet
    from bandolo.analysis.difference.sheet_files import as_html, as_markdown
    from bandolo.surfaces.sheets import write

    examined = {"applications"} if of.made is not None else set()
    examined |= {"ranking"} if of.made is not None and of.made.ranking is not None else set()
    made = change_sheet(of.found, lang, on=of.day, cases=of.compared, sections=sections, examined=frozenset(examined))
    if path == "-":
        click.echo(as_markdown(made), nl=False)
        return
    text = as_html(made) if Path(path).suffix.lower() == ".html" else as_markdown(made)
    if bad := write(path, text.encode(), overwrite, inputs):
        say_diagnostics(bad, lang)
        sys.exit(1)
    click.echo(path, err=True)
