"""Golden files: commands and what they print, in one file that `--update` rewrites.

A line that begins with `$ ` is a command (`< FILE` at its end is its standard input); below it stand what it printed, what it printed to
standard error (each line after `! `) and, where it is not 0, its exit status. Lines before the first command are prose and stay.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from click.testing import CliRunner

from bandolo.surfaces.cli import cli
from bandolo.version import __version__
from small import ROOT


def run(command: str) -> tuple[str, str, int]:
    """Standard output, standard error and exit status of a command, run from the top of the checkout."""
    words, _, given = command.removeprefix("bandolo ").partition(" < ")
    content = (ROOT / given.strip()).read_bytes() if given else None
    result = CliRunner(env={"BANDOLO_LANG": "en", "COLUMNS": "100", "NO_COLOR": "1"}).invoke(
        cli, shlex.split(words), input=content, prog_name="bandolo"
    )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return masked(result.stdout), masked(result.stderr), result.exit_code


def masked(text: str) -> str:
    """Without what changes from one version of the engine to the next."""
    text = re.sub(r"sha256:[0-9a-f]{16,64}…?", "sha256:…", text)
    return text.replace(f'"bandolo": "{__version__}"', '"bandolo": "…"').replace(f"bandolo {__version__}", "bandolo …")


def transcript(command: str) -> str:
    out, err, status = run(command)
    lines = [f"$ {command}", *out.rstrip("\n").split("\n"), *(f"! {line}".rstrip() for line in err.rstrip("\n").split("\n") if err)]
    return "\n".join([*(line.rstrip() for line in lines if line or out), *([f"[exit {status}]"] if status else []), ""])


def compare(path: Path, update: bool) -> None:
    """Run every command of a golden file and hold what comes against what stands there."""
    written = path.read_text(encoding="utf-8")
    commands = re.findall(r"(?m)^\$ (.*)$", written)
    prose = written[: written.index("$ ")]
    now = prose + "\n".join(transcript(command) for command in commands)
    if update:
        path.write_text(now, encoding="utf-8")
    assert now == written or update, difference(written, now)


def difference(before: str, after: str) -> str:
    from difflib import unified_diff

    return "\n" + "\n".join(unified_diff(before.splitlines(), after.splitlines(), "golden", "now", lineterm=""))
