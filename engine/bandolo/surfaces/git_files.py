"""A file as it was at a revision of git: read by git itself, never through a shell."""

from __future__ import annotations

import subprocess
from pathlib import Path

from bandolo import limits
from bandolo.diagnostics import Diagnostic, PolicyError


def at_revision(path: str, revision: str) -> tuple[str, bytes]:
    """What a file is called at a revision (`REV:./name`, as git has it) and its bytes.

    Raises PolicyError: `no-git`, `not-a-repository`, `no-such-revision`, `not-at-revision`.
    """
    folder, name = Path(path).parent, Path(path).name

    def refused(code: str) -> PolicyError:
        return PolicyError([Diagnostic(code, file=path, args={"path": path, "revision": revision})])

    if not folder.is_dir() or _git(folder, path, "rev-parse", "--is-inside-work-tree") is None:
        raise refused("not-a-repository")
    # A revision that begins with a dash would be taken for an option.
    if revision.startswith("-") or _git(folder, path, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}") is None:
        raise refused("no-such-revision")
    content = _git(folder, path, "cat-file", "blob", f"{revision}:./{name}")
    if content is None:
        raise refused("not-at-revision")
    return f"{revision}:{Path(path).as_posix() if '/' in path else './' + name}", content[: limits.POLICY_BYTES + 1]


def _git(folder: Path, path: str, *arguments: str) -> bytes | None:
    """What git prints, or None where it refuses."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=False, stdin=subprocess.DEVNULL)
    except OSError:
        raise PolicyError([Diagnostic("no-git", file=path, args={})]) from None
    return done.stdout if done.returncode == 0 else None
