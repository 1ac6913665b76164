"""The files that a command is to write: whether they may take their place, and what kept them from being written."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Sequence
from pathlib import Path

from bandolo.diagnostics import Diagnostic

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
"""What a system says only of what is written."""


def unfit(paths: Sequence[str], sources: Iterable[str], overwrite: bool) -> list[Diagnostic]:
    """Why files must not be written, before anything is decided for them: there already, a folder, read from, or named twice.

    Codes: `would-overwrite`, `is-a-folder`, `cannot-write`, `output-twice`.
    """
    read = [s for s in sources if s != "-"]
    found = []
    for at, path in enumerate(paths):
        target = Path(path)
        if any(Path(other).absolute() == target.absolute() for other in paths[:at]):
            found.append(Diagnostic("output-twice", file=path, args={"path": path}))
        elif target.is_dir():
            found.append(Diagnostic("is-a-folder", file=path, args={"path": path}))
        elif target.exists() and not target.is_file():
            found.append(Diagnostic("cannot-write", file=path, args={"path": path}))
        elif target.exists() and (not overwrite or any(same(target, source) for source in read)):
            found.append(Diagnostic("would-overwrite", file=path, args={"path": path}))
    return found


def same(target: Path, source: str) -> bool:
    """Whether two names are of one file."""
    try:
        return source != "-" and target.samefile(source)
    except OSError:
        return False


def not_done(error: OSError, source: str, targets: Sequence[str]) -> Diagnostic:
    """An error of the system, said of the file that could not be written or of the one that could not be read."""
    from bandolo.surfaces.intake import not_readable

    named = str(error.filename or "") or str(error)
    mine = next((t for t in targets if t in named or Path(named) in Path(t).parents), None)
    if mine is None and error.errno in NO_ROOM:
        mine = targets[0]
    if mine is not None:
        return Diagnostic("cannot-write", file=mine, args={"path": mine})
    return not_readable(str(error.filename or source), error)
