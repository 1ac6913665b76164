"""One module a contender: each has a `Contender`, and `bench/run.py` finds it by its module's name."""

from __future__ import annotations

from typing import Any


class Base:
    """What a contender offers. `prepare` may take its time; `decide` is timed; `answer` turns what it gives into the common answer."""

    title = ""
    form = "decimal"
    """The form of the applications that it takes (bench/workload.py)."""
    covers = ("eligible", "reasons", "contribution", "score")
    exact = True
    """Whether it computes amounts exactly: then no cent may differ."""

    def prepare(self) -> None:
        """Load the policy. ImportError says that a package is missing."""

    def decide(self, application: Any) -> Any:
        raise NotImplementedError

    def answer(self, decided: Any) -> dict[str, Any]:
        found: dict[str, Any] = decided
        return found
