"""The README, played: its tutorial (from last year's call to an edition with six changes) and the figures of both calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from bandolo.analysis.difference.difference import difference
from bandolo.policy import load_policy
from golden import difference as lines_that_differ
from pages import copy_to, played
from small import ROOT

README = ROOT / "README.md"


def play(heading: str, update: bool) -> None:
    """A chapter of the README, in the current folder; with `update` its screens are renewed."""
    text = README.read_text(encoding="utf-8")
    begin = text.index(f"\n## {heading}\n")
    end = text.index("\n## ", begin + 1)
    written = text[begin:end]
    now = played(written, "en")
    if update:
        README.write_text(text[:begin] + now + text[end:], encoding="utf-8")
    else:
        assert now == written, lines_that_differ(written, now)


@pytest.fixture(autouse=True)
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copy_to(tmp_path))


def test_the_figures_of_both_calls(update: bool) -> None:
    play("What the cases of both calls look at", update)


def test_following_the_tutorial_gives_what_it_shows(update: bool) -> None:
    play("A year's renewal, step by step", update)
    # The six changes, whatever the page says of them.
    found = difference(load_policy("renewal/bando_2023.yaml"), load_policy("renewal/bando_2024.yaml"))
    assert sorted(change.path for change in found.meaning) == [
        "parameters.completion_limit",
        "parameters.minimum_firms",
        "parameters.project_cap",
        "rates.aid_intensity",
        "readings.last_project",
        "requirements.project.half_are_small",
    ]
