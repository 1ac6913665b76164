"""Files of the cache: where they are, which one is whose, and when one is believed.

An entry is named by a digest of all that it was made of: the files, the engine's own code, its version and Python's. It is believed
only if it carries that name and the digest of its content, and if nobody but its owner (the user, or the administrator) can have
written it. Anything else is as if it were not there. Entries may be deleted at any time, and by several processes written at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import sys
from collections.abc import Sequence
from functools import cache

from bandolo.resources import grammar_file
from bandolo.version import __version__

FORMAT = 1
MAGIC = b"bandolo-cache"
AT_MOST = 200
"""So many entries are kept; the oldest go first."""
OF_THE_ENGINE = ("", "cache", "check", "evaluate", "language", "syntax")
"""The folders of the package whose code decides what a policy means."""


def folder() -> str | None:
    """`BANDOLO_CACHE`, or the platform's place for such files; None where the cache is off."""
    wanted = os.environ.get("BANDOLO_CACHE", "").strip()
    if wanted.lower() in ("off", "0", "no", "false"):
        return None
    if wanted:
        return wanted
    home = os.path.expanduser("~")
    if not os.path.isabs(home):
        return None  # a user without a home
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return os.path.join(local, "bandolo", "cache") if local else None
    if sys.platform == "darwin":
        return os.path.join(home, "Library", "Caches", "bandolo")
    base = os.environ.get("XDG_CACHE_HOME", "")
    return os.path.join(base if os.path.isabs(base) else os.path.join(home, ".cache"), "bandolo")


def name_of(files: Sequence[tuple[str, bytes]]) -> str:
    """The name of the entry for a policy and its amendments, given as paths and bytes."""
    digest = hashlib.sha256(f"{FORMAT} {__version__} {sys.version} {_engine()}".encode())
    for path, content in files:
        # Of the path only the name has a say: an amendment names the file that it amends.
        for part in (os.path.basename(path).encode("utf-8", "surrogateescape"), content):
            digest.update(f" {len(part)} ".encode() + part)
    return digest.hexdigest()


def read(name: str, kind: str) -> bytes | None:
    """The content of an entry; None where there is none to be believed."""
    home = folder()
    if home is None or not _only_ours(home):
        return None
    try:
        with open(os.path.join(home, f"{name}.{kind}"), "rb") as stream:
            if not _safe(os.fstat(stream.fileno())):
                return None
            head, _, content = stream.read().partition(b"\n")
    except OSError:
        return None
    return content if head == _head(name, kind, content) else None


def write(name: str, kind: str, content: bytes) -> None:
    """Keep an entry. Where that cannot be, nothing happens: the cache is never needed."""
    home = folder()
    if home is None:
        return
    with contextlib.suppress(OSError):
        os.makedirs(home, mode=0o700, exist_ok=True)
        if not _only_ours(home):
            return
        passing = os.path.join(home, f"{name}.{os.getpid()}-{os.urandom(6).hex()}.new")
        try:
            with os.fdopen(os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
                stream.write(_head(name, kind, content) + b"\n" + content)
            os.replace(passing, os.path.join(home, f"{name}.{kind}"))  # whole or not at all, for whoever reads meanwhile
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(passing)
            raise
        _forget_the_oldest(home)


def _head(name: str, kind: str, content: bytes) -> bytes:
    return b" ".join((MAGIC, str(FORMAT).encode(), kind.encode(), name.encode(), hashlib.sha256(content).hexdigest().encode()))


def _only_ours(home: str) -> bool:
    try:
        return _safe(os.stat(home), folder=True)
    except OSError:
        return False


def _safe(found: os.stat_result, folder: bool = False) -> bool:
    """Whether a file or folder is what it should be, and only its owner, we or the administrator, can write it."""
    if not (stat.S_ISDIR if folder else stat.S_ISREG)(found.st_mode):
        return False
    if sys.platform == "win32":
        return True  # the rights of the user's own folder hold
    return found.st_uid in (os.geteuid(), 0) and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _forget_the_oldest(home: str) -> None:
    with os.scandir(home) as listed:
        entries = [(entry.stat().st_mtime, entry.path) for entry in listed if entry.is_file(follow_symlinks=False)]
    for _, path in sorted(entries)[:-AT_MOST]:
        with contextlib.suppress(OSError):
            os.unlink(path)


@cache
def _engine() -> str:
    """What tells this engine from another of the same version: the names, sizes and times of its files, in a checkout as installed."""
    package = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    found = []
    for name in OF_THE_ENGINE:
        with os.scandir(os.path.join(package, name)) as entries:
            files = [(entry.name, entry.stat()) for entry in entries if entry.name.endswith((".py", ".json"))]
        found += [f"{name}/{file} {about.st_size} {about.st_mtime_ns}" for file, about in sorted(files)]
    grammar = os.stat(grammar_file("expression.lark"))
    return hashlib.sha256("\n".join([*found, f"{grammar.st_size} {grammar.st_mtime_ns}"]).encode()).hexdigest()
