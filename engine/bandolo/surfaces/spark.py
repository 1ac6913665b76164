"""`bandolo run --engine spark`: the same batch, carried by Spark. What it needs is imported when it runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bandolo.surfaces.options import pairs

if TYPE_CHECKING:
    from bandolo.batch import Ranked
    from bandolo.batch.task import Report
    from bandolo.policy import Policy

F = TypeVar("F", bound=Callable[..., Any])
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


def rank_on(
    master: str, policy: Policy, what_if: dict[str, Any], applications: str, records: dict[str, str], to: str, conf: tuple[str, ...],
    overwrite: bool, told: bool, lang: str,
) -> tuple[Ranked, float]:  # fmt: skip
    """What a ranking came to, its table only of those that are still open, and the seconds. Raises as `rank_spark`."""
    from bandolo.batch.spark.files import Task, rank_spark

    task = Task(policy, what_if, applications, records, to, {}, master, pairs(conf, "--conf"), overwrite)
    return rank_spark(task, _progress(WORDS[lang]) if told else None)


def engine_options(command: F) -> F:
    """`--engine` and `--conf`."""
    for option in (
        click.option("--conf", multiple=True, metavar="NAME=VALUE", help="A setting of Spark, as `spark.executor.memory=8g`."),
        click.option(
            "--engine", default=COLUMNS, show_default=True, metavar="ENGINE",
            help="`spark` (on this machine), or the master of a cluster, as `spark://host:7077`.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def _progress(words: str) -> Callable[[int, int], None] | None:
    """A line on a terminal that is written anew; nothing elsewhere."""
    if not sys.stderr.isatty():
        return None

    def tell(done: int, total: int) -> None:
        click.echo(f"\r\x1b[K{words.format(done=done, all=total)}" if total else "\r\x1b[K", err=True, nl=False)

    return tell
