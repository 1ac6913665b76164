"""`bandolo record` and `bandolo replay`: decisions with everything that they were made of, and the same decisions made again."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from bandolo import limits
from bandolo.language.types import Language
from bandolo.surfaces.options import given, language_option, what_if_options
from bandolo.surfaces.saying import console, decided, load, say_diagnostics

if TYPE_CHECKING:
    from bandolo.analysis.records import Record
    from bandolo.analysis.replay import Replayed
    from bandolo.diagnostics import Diagnostic
    from bandolo.policy import Policy


@click.command("record")
@click.argument("policy", type=click.Path())
@click.argument("applications", nargs=-1, required=True, type=click.Path(allow_dash=True))
@click.option("--to", type=click.Path(), required=True, help="The file to write (JSON Lines).")
@click.option("--overwrite", is_flag=True, help="The record may take the place of a file.")
@what_if_options
@language_option
def record(policy: str, applications: tuple[str, ...], to: str, overwrite: bool, lang: str, **what_ifs: Any) -> None:
    """Decide applications and write the decisions with all that they were made of: data, clock, what-ifs, text of the policy.

    \b
    bandolo record policies/bando_2023.yaml applications/ --to decisions-2023-03-01.jsonl --as-of 2023-03-01
    bandolo replay decisions-2023-03-01.jsonl
    """
    from bandolo.analysis.records import as_recorded, decision_line, header_line
    from bandolo.diagnostics import Diagnostic

    made = as_recorded(load(policy, what_ifs["amendments"], lang))
    target = Path(to)
    if target.exists() and not overwrite:
        say_diagnostics([Diagnostic("would-overwrite", file=to, args={"path": to})], lang)
        sys.exit(1)
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    trial, written, ok = given(what_ifs), 0, True
    try:
        # A line at a time: a record may hold more decisions than fit into memory.
        with open(beside, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(header_line(made) + "\n")
            for submitted, decision in decided(made, applications, what_ifs, False, lang):
                ok = ok and decision is not None
                if decision is not None:
                    stream.write(decision_line(made, submitted.data, trial, decision) + "\n")
                    written += 1
        if written:
            beside.replace(target)
    except OSError:
        say_diagnostics([Diagnostic("cannot-write", file=to, args={"path": to})], lang)
        ok = False
    finally:
        beside.unlink(missing_ok=True)
    if ok or written:
        words = {"it": "scritto {} (decisioni: {})", "en": "wrote {} (decisions: {})"}[lang]
        click.echo(words.format(to, written))
    sys.exit(0 if ok else 1)


@click.command("replay")
@click.argument("file", type=click.Path())
@click.option("--policy", type=click.Path(), help="Decide by this policy; without it, by the text in the record.")
@click.option("--amend", "amendments", multiple=True, type=click.Path(), help="Apply an amending act, in order.")
@click.option("--fail-on", metavar="KINDS", help="With --policy, exit with 1 if one differs: outcome, amount, verdict, invalid.")
@click.option("--json", "as_json", is_flag=True, help="Every decision that differs as JSON, one a line.")
@language_option
def replay(file: str, policy: str | None, amendments: tuple[str, ...], fail_on: str | None, as_json: bool, lang: str) -> None:
    """Make recorded decisions again, by the text in the record or by another version of it, and say what differs.

    By the recorded text any difference is a problem; by another version only what --fail-on names.

    \b
    bandolo replay decisions-2023-03-01.jsonl
    bandolo replay decisions-2023-03-01.jsonl --policy policies/bando_2023.yaml --amend policies/bando_2023.implementing_act.yaml
    """
    from bandolo.analysis.replay import replay as replayed
    from bandolo.analysis.replay import replay_as_data

    if amendments and policy is None:
        raise click.UsageError("--amend goes with --policy")
    kinds = _kinds(fail_on, policy is not None)
    found, problems = read_record_file(file, sure=True) or (None, [])
    if found is None:
        say_diagnostics(problems, lang)
        sys.exit(1)
    by = load(policy, amendments, lang) if policy is not None else found.policy
    changes = list(replayed(found.decisions, by, of=found.policy if policy is not None else None))
    if as_json:
        for change in changes:
            if not change.same:
                click.echo(json.dumps(replay_as_data(change), ensure_ascii=False))
    else:
        _say(changes, by, found, policy is not None, cast(Language, lang))
    failed = [c for c in changes if not c.same] if policy is None else [c for c in changes if any(_is(c, kind) for kind in kinds)]
    if failed:
        from bandolo.diagnostics import Diagnostic

        ids = ", ".join(c.application for c in failed[:5]) + (" …" if len(failed) > 5 else "")
        say_diagnostics([Diagnostic("replay-differs", file=file, args={"count": len(failed), "all": len(changes), "ids": ids})], lang)
    sys.exit(1 if failed else 0)


def read_record_file(path: str, sure: bool = False) -> tuple[Record | None, list[Diagnostic]] | None:
    """The record in a file, or what is wrong with it; None where the file is no record, unless one is `sure` to be wanted."""
    from bandolo.analysis.records import is_record, read_record
    from bandolo.source import read_bytes
    from bandolo.surfaces.intake import not_readable
    from bandolo.syntax.read import decode

    try:
        content = read_bytes(path, limits.APPLICATION_BYTES * 10)
    except OSError as error:
        return (None, [not_readable(path, error)]) if sure else None
    if not sure and not is_record(content[:200].decode("utf-8", "replace")):
        return None
    source, found = decode(path, content, limits.APPLICATION_BYTES * 10)
    return (None, found) if source is None else read_record(source)


def _kinds(text: str | None, by_another: bool) -> tuple[str, ...]:
    from bandolo.surfaces.impact import fail_kinds

    if text is not None and not by_another:
        raise click.UsageError("--fail-on goes with --policy: by the recorded text any difference is a problem")
    kinds = fail_kinds(text)
    if "position" in kinds:
        raise click.UsageError("a replay makes no ranking: `position` is for `bandolo diff --applications`")
    return kinds


def _is(change: Replayed, kind: str) -> bool:
    """Whether a replayed decision differs in a way that `--fail-on` names."""
    told = change.difference
    if told is None:
        return kind == "invalid"
    return {"outcome": told.outcome is not None, "amount": bool(told.results), "verdict": bool(told.verdicts), "invalid": False}[kind]


def _say(changes: list[Replayed], policy: Policy, found: Record, by_another: bool, lang: Language) -> None:
    """The decisions that differ, then how many, and by what they were made again."""
    from bandolo.analysis.replay_words import replay_blocks
    from bandolo.explain.terminal import show

    show(console(), replay_blocks(changes, found.policy, policy, by_another, lang))
