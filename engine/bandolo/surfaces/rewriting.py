"""What `bandolo fmt` does: reads each file, lays it out, and puts the new text in its place or shows how it differs.

A file is replaced at once by a new one beside it, never written into: whoever reads it meanwhile, or pulls the plug, finds one of the two.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from bandolo import limits
from bandolo.diagnostics import Diagnostic
from bandolo.diagnostics.render import render_all
from bandolo.format.whole import formatted
from bandolo.language.types import Language
from bandolo.source import read_bytes, replace_file
from bandolo.surfaces.checking import kind_of
from bandolo.surfaces.intake import not_readable

STDIN = "<stdin>"
WORDS = {
    "changed": {"it": "{path}: riscritto", "en": "{path}: rewritten"},
    "would": {"it": "{path}: da riscrivere", "en": "{path}: would be rewritten"},
    "nothing": {"it": "niente da cambiare", "en": "nothing to change"},
}


def rewrite(paths: tuple[str, ...], check: bool, diff: bool, hook: bool, lang: Language) -> int:
    """Lay out the files, say which changed, give the exit status.

    It is 1 for a file that cannot be read, or that would change with `check`. With `hook`, also for one that was rewritten: whoever
    commits it is to look at it first; files of other kinds are passed over.
    """
    problems = changed = 0
    for path, missing in _files(paths):
        if hook and not missing and path != STDIN and Path(path).is_file() and kind_of(Path(path)) is None:
            continue
        differs, said = (False, missing) if missing else _one(path, check, diff, lang)
        changed += differs
        problems += bool(said)
        if said:
            click.echo(render_all(said, lang) + "\n", err=True)
    if not (changed or problems or diff or hook or "-" in paths):
        click.echo(WORDS["nothing"][lang])
    return 1 if problems or ((check or hook) and changed) else 0


def _one(path: str, check: bool, diff: bool, lang: Language) -> tuple[bool, list[Diagnostic]]:
    """Whether a file is not laid out as it should be, and what is wrong with it; it is then rewritten or shown."""
    try:
        content = sys.stdin.buffer.read(limits.POLICY_BYTES + 1) if path == STDIN else read_bytes(path, limits.POLICY_BYTES)
    except OSError as error:
        return False, [not_readable(path, error)]
    text, said = formatted(path, content)
    if text is None:
        return False, said
    differs = text.encode() != content
    if diff:
        _show_difference(path, content, text)
    elif check:
        if differs:
            click.echo(WORDS["would"][lang].format(path=path))
    elif path == STDIN:
        sys.stdout.buffer.write(text.encode())
    elif differs:
        said = _put(path, text)
        if not said:
            click.echo(WORDS["changed"][lang].format(path=path))
    return differs, said


def _files(paths: tuple[str, ...]) -> Iterator[tuple[str, list[Diagnostic]]]:
    """Each file that the paths stand for; a folder that holds none is a problem."""
    for path in dict.fromkeys(paths):
        folder = Path(path)
        if path == "-":
            yield STDIN, []
        elif folder.is_dir():
            files = [f for f in sorted(folder.glob("*.yaml")) if f.is_file() and kind_of(f) is not None]
            yield from ((str(f), []) for f in files)
            if not files:
                yield path, [Diagnostic("no-policies-here", file=path, args={"path": path})]
        else:
            yield path, []


def _show_difference(path: str, content: bytes, text: str) -> None:
    """The unified difference; signs that a terminal would not show (line ends, a byte-order mark) count as no difference."""
    before = content.decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    for line in difflib.unified_diff(before, text.split("\n"), path, path, lineterm=""):
        click.echo(line)


def _put(path: str, text: str) -> list[Diagnostic]:
    try:
        replace_file(path, text.encode())
    except OSError:
        return [Diagnostic("cannot-write", file=path, args={"path": path})]
    return []
