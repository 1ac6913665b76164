"""A batch as it is asked for and as it is told of: its files, what it came to, and the folder of parts by which it is taken up again."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bandolo.policy import Policy
from bandolo.version import __version__


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


def claim(folder: Path, batch: str) -> None:
    """Make the folder of parts ready: emptied, unless its parts are of the batch with this fingerprint."""
    manifest = folder / "batch.json"
    try:
        same = json.loads(manifest.read_text())["batch"] == batch
    except (OSError, ValueError, KeyError, TypeError):
        same = False
    if not same:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _write(manifest, json.dumps({"batch": batch}).encode())


def _write(path: Path, content: bytes) -> None:
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(content)
    os.replace(beside, path)


def end_with(parent: int) -> None:
    """End this process once its parent is gone: it would wait for work for ever."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
