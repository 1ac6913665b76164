"""A batch as it is asked for and as it is told of: its files, what it came to, and the folder of parts by which it is taken up again."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Executor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bandolo.batch.tables import BadTables
from bandolo.diagnostics import BandoloError, Diagnostic
from bandolo.policy import Policy
from bandolo.version import __version__

PARTS = ".parts"
"""How the name of the folder of parts ends."""


class NotFinished(BandoloError):
    """A process ended before its work was done; what is done is kept. Code: `batch-interrupted`."""

    def __init__(self) -> None:
        super().__init__([Diagnostic("batch-interrupted")])


@dataclass(frozen=True)
class Task:
    """A batch: the policy's files, the what-ifs, the files of applications and of listed records by entity, and where the decisions go."""

    policy: str
    amendments: tuple[str, ...]
    what_if: Mapping[str, Any]
    applications: str
    records: Mapping[str, str]
    to: str
    records_to: Mapping[str, str]
    """The file for the rows of an entity's records."""
    workers: int = 0
    """How many processes; 0 for as many as there are processors."""


@dataclass
class Report:
    """What a batch came to: applications, how they were decided, why some went by rows, bad data by code, and outcomes."""

    applications: int = 0
    by_columns: int = 0
    by_rows: int = 0
    resumed: int = 0
    """Parts that had been done before."""
    seconds: float = 0.0
    why: dict[str, int] = field(default_factory=dict)
    """Why applications went by rows, and how many; one may have several reasons."""
    errors: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)

    def add(self, part: Mapping[str, Any]) -> None:
        """Count a part that is done, told under the same names."""
        self.applications += part["applications"]
        self.by_columns += part["by_columns"]
        self.by_rows += part["by_rows"]
        self.why = dict(sorted((Counter(self.why) + Counter(part["why"])).items()))
        self.errors = dict(sorted((Counter(self.errors) + Counter(part["errors"])).items()))
        self.outcomes = dict(sorted((Counter(self.outcomes) + Counter(part["outcomes"])).items()))


Progress = Callable[[int, int], None]
"""Told the applications that are done, and all of them."""


def fingerprint(task: Task, policy: Policy) -> str:
    """What parts made earlier must have in common with this batch."""
    files = [task.applications, *task.records.values()]
    stats = [(f, os.stat(f).st_size, os.stat(f).st_mtime_ns) for f in files]
    what = (__version__, policy.digest, policy.amendments, sorted(task.what_if.items(), key=str), stats, sorted(task.records_to))
    return hashlib.sha256(repr(what).encode()).hexdigest()


@contextmanager
def claimed(folder: Path, batch: str) -> Iterator[None]:
    """The folder of parts, ready and held while it is worked in: emptied, unless its parts are of the batch with this fingerprint.

    Raises BadTables with `batch-running` where another run is at work in it, and with `would-overwrite` where somebody else made it.
    """
    to = str(folder).removesuffix(PARTS)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists() and not folder.is_dir():
        raise BadTables("would-overwrite", path=str(folder)).of(str(folder))
    folder.mkdir(exist_ok=True)
    if not _made_here(folder):
        raise BadTables("would-overwrite", path=str(folder)).of(str(folder))
    with open(folder / "lock", "w") as lock:
        if not _locked(lock) or not _is_there(lock, folder / "lock"):
            raise BadTables("batch-running", path=to).of(to)
        manifest = folder / "batch.json"
        try:
            same = json.loads(manifest.read_text())["batch"] == batch
        except (OSError, ValueError, KeyError, TypeError):
            same = False
        if not same:
            for item in folder.iterdir():
                if item.name != "lock":
                    item.unlink()
            _write(manifest, json.dumps({"batch": batch}).encode())
        yield


def given_up(folder: Path, error: Exception) -> None:
    """Take the folder of a batch away that failed, unless parts of it are of use to the next run of the same."""
    if not isinstance(error, OSError | NotFinished) or not any(folder.glob("part-*")):
        shutil.rmtree(folder, ignore_errors=True)


def _made_here(folder: Path) -> bool:
    """Whether a folder was made by a run: it has the manifest, or hardly anything yet."""
    names = {item.name for item in folder.iterdir()}
    return "batch.json" in names or names <= {"lock", "batch.json.new"}


def _locked(lock: Any) -> bool:
    """Hold a file, until it is closed or the process is gone; False where another does. Where files cannot be held nobody is kept out."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _is_there(lock: Any, path: Path) -> bool:
    """Whether a file that is held is still the one of its name: the run before may just have taken its folder away."""
    try:
        return os.path.samestat(os.fstat(lock.fileno()), path.stat())
    except OSError:
        return False


def beside(path: Path) -> str:
    """The name under which this process writes a file at first: a process of a run that was killed may still be writing."""
    return f"{path}.{os.getpid()}.new"


def _write(path: Path, content: bytes) -> None:
    new = path.with_name(path.name + ".new")
    new.write_bytes(content)
    os.replace(new, path)


def ended(pool: Executor, do: Callable[[Any], Any], todo: Iterable[Any]) -> Iterator[Any]:
    """What each piece of work came to, as they end. Raises NotFinished where a process ended before its work was done."""
    pending = [pool.submit(do, piece) for piece in todo]
    try:
        for done in as_completed(pending):
            yield done.result()
    except BrokenExecutor:
        raise NotFinished from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)  # after a fault nobody wants what has not begun


def end_with(parent: int) -> None:
    """End this process once its parent is gone: it would wait for work for ever."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
