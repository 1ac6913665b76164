"""What `bandolo rank` does: applications from files, decided on all cores and ranked."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from typing import Any

import click

from bandolo.diagnostics import ApplicationError, Diagnostic, PolicyError
from bandolo.diagnostics.render import render_all
from bandolo.language.types import Language
from bandolo.policy import Policy, load_policy
from bandolo.ranking.entrant import Entrant, Ranking
from bandolo.ranking.rank import Ranker
from bandolo.surfaces.intake import Submitted, not_readable, read_applications
from bandolo.surfaces.options import record_files

ALONE = 150
"""Up to so many applications one process is faster than several."""


def rank_files(
    path: str,
    applications: tuple[str, ...],
    amendments: tuple[str, ...],
    what_ifs: Mapping[str, Any],
    lang: Language,
    jobs: int,
    records: tuple[str, ...],
) -> tuple[Ranker, Ranking, dict[str, Any]] | None:
    """What ranks, the ranking and the data of each application by its id; None where something was said instead."""
    try:
        policy = load_policy(path, amendments=amendments)
        ranker = Ranker(policy, **what_ifs)
        submitted = list(read_applications(applications, policy.core, record_files(policy, records)))
        for file, dialect in (d for one in submitted for d in one.dialects):
            click.echo(f"{file}: {dialect.said(lang)}", err=True)
        entrants: list[Entrant] = []
        data: dict[str, Any] = {}
        unread: list[str] = []
        assessed = _assessed(ranker, policy, what_ifs, submitted, jobs)
        for one, (entrant, diagnostics) in zip(submitted, _watched(assessed, len(submitted), lang), strict=True):
            if entrant is None:
                click.echo(render_all(one.located(diagnostics) if one.data is not None else list(diagnostics), lang) + "\n", err=True)
                unread.append(one.label)
                continue
            entrants.append(entrant)
            data[entrant.id] = one.data
        ranking = ranker.rank(entrants, data.__getitem__)
        return ranker, replace(ranking, unread=tuple(sorted(unread))), data
    except PolicyError as error:
        click.echo(render_all(list(error.diagnostics), lang) + "\n", err=True)
    except OSError as error:
        click.echo(render_all([not_readable(str(error.filename or path), error)], lang) + "\n", err=True)
    return None


Assessed = tuple[Entrant | None, tuple[Diagnostic, ...]]
_RANKER: Ranker | None = None
"""In a worker."""


def _assessed(ranker: Ranker, policy: Policy, what_ifs: Mapping[str, Any], submitted: list[Submitted], jobs: int) -> Iterator[Assessed]:
    if jobs < 2 or len(submitted) <= ALONE:
        yield from (_one(ranker, one.data, one.diagnostics) for one in submitted)
        return
    with ProcessPoolExecutor(jobs, initializer=_begin, initargs=(policy, dict(what_ifs))) as pool:
        yield from pool.map(_in_worker, ((one.data, one.diagnostics) for one in submitted), chunksize=20)


def _begin(policy: Policy, what_ifs: dict[str, Any]) -> None:
    global _RANKER  # noqa: PLW0603
    _RANKER = Ranker(policy, **what_ifs)


def _in_worker(task: tuple[Any, tuple[Diagnostic, ...]]) -> Assessed:
    assert _RANKER is not None
    return _one(_RANKER, *task)


def _one(ranker: Ranker, data: Any, diagnostics: tuple[Diagnostic, ...]) -> Assessed:
    if diagnostics:
        return None, diagnostics
    try:
        return ranker.assess(data), ()
    except ApplicationError as error:
        return None, error.diagnostics


def _watched(assessed: Iterator[Assessed], total: int, lang: Language) -> Iterator[Assessed]:
    """The same, with progress on a terminal."""
    started = last = time.monotonic()
    show = sys.stderr.isatty() and total > ALONE
    for count, one in enumerate(assessed, 1):
        yield one
        now = time.monotonic()
        if show and (now - last > 0.5 or count == total):
            last = now
            left = (now - started) / count * (total - count)
            words = {"it": f"decise {count} di {total}, mancano {left:.0f} s", "en": f"decided {count} of {total}, {left:.0f} s left"}
            click.echo(f"\r{words[lang]}   ", err=True, nl=count == total)
