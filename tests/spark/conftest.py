"""One Spark for all of these tests; they are run by `make test-spark`, which says what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from light import LIGHT

from bandolo.batch.spark import session


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    made = session("local[2]", LIGHT)
    yield made
    made.stop()
