"""What every test may use: the top of the checkout, and `--update`, which rewrites the golden files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
collect_ignore_glob = ["cases/*", "policies/*"]
"""Files of cases that are the matter of tests here, good and bad: `test_decisions.py` runs those that are to pass."""

os.environ["BANDOLO_CACHE"] = "off"
"""No test depends on what an earlier run left behind; `test_cache.py` has folders of its own."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite the golden files; then read the difference as a reviewer would")


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be rewritten."""
    return bool(request.config.getoption("--update"))


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the checkout."""
    return Path(__file__).resolve().parents[1]
