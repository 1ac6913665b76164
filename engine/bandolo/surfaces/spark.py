"""`bandolo run --engine spark`: the same batch, carried by Spark. What it needs is imported when it runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from bandolo.surfaces.options import pairs

if TYPE_CHECKING:
    from bandolo.batch.files import Report
    from bandolo.policy import Policy

COLUMNS = "columns"
"""The engine of one machine."""
WORDS = {"it": "Spark: {done} di {all} parti di questo passo", "en": "Spark: {done} of {all} parts of this step"}


def master_of(engine: str) -> str | None:
    """The master that `--engine` names: `spark` is this machine; None for the engine of one machine."""
    return None if engine == COLUMNS else "local[*]" if engine == "spark" else engine


def run_on(
    master: str, policy: Policy, what_if: dict[str, Any], applications: str, records: dict[str, str], to: str, outputs: dict[str, str],
    conf: tuple[str, ...], overwrite: bool, told: bool, lang: str,
) -> Report:  # fmt: skip
    """What the batch came to. Raises as `bandolo.batch.spark.files.run_spark`; ImportError without the extra `batch`."""
    from bandolo.batch.spark.files import Task, run_spark

    task = Task(policy, what_if, applications, records, to, outputs, master, pairs(conf, "--conf"), overwrite)
    return run_spark(task, _progress(WORDS[lang]) if told else None)


def _progress(words: str) -> Callable[[int, int], None] | None:
    """A line on a terminal that is written anew; nothing elsewhere."""
    if not sys.stderr.isatty():
        return None

    def tell(done: int, total: int) -> None:
        click.echo(f"\r\x1b[K{words.format(done=done, all=total)}" if total else "\r\x1b[K", err=True, nl=False)

    return tell
