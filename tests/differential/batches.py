"""What a path is given and what it gives: a batch of applications with what the reference says of each, and what the path made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from bandolo.diagnostics import ApplicationError
from bandolo.evaluate.decision import Decision
from bandolo.policy import Policy

Data = dict[str, Any]
Said = Any
"""What a path says of an application, in its own form; the text of an exception that should not be one begins with `broke: `."""


@dataclass
class Batch:
    """Applications of one policy under one what-if; `reference` is made once, when it is first asked for."""

    policy: Policy
    applications: list[Data]
    what_if: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def reference(self) -> list[Decision | list[tuple[str, str]] | str]:
        """The reference's decisions; for bad data the codes with their places; a text where it broke, which it never may."""
        return [guarded(lambda a=a: _told(decided(self.policy, a, "reference", self.what_if))) for a in self.applications]  # type: ignore[misc]

    @cached_property
    def texts(self) -> list[Any]:
        """The JSON of those decisions."""
        return [whole(r) for r in self.reference]


@dataclass
class Found:
    """What a path made of a batch: (said, wanted) by the number of the application."""

    pairs: dict[int, tuple[Said, Said]] = field(default_factory=dict)
    left: int = 0
    """Applications that the path left to the engine or that have no place in its tables."""
    refused: str = ""
    """Why the path does not decide by this policy at all."""

    @property
    def different(self) -> list[int]:
        return [i for i, (said, wanted) in self.pairs.items() if said != wanted]


Path = Callable[[Batch], Found]


def decided(policy: Policy, application: Data, engine: Any, what_if: Mapping[str, Any]) -> Any:
    """A decision, or the codes for which the data is refused."""
    try:
        return policy.decide(application, engine=engine, **what_if)
    except ApplicationError as error:
        return [(d.code, str(d.path)) for d in error.diagnostics]


def guarded(work: Callable[[], Any]) -> Any:
    """What some work gives, or the text of what it raised."""
    try:
        return work()
    except Exception as error:  # whatever it is, the reference did not raise it
        return f"broke: {type(error).__name__}: {error}"


def _told(decision: Any) -> Any:
    """A decision that can be told: its JSON can be made."""
    whole(decision)
    return decision


def whole(decision: Any) -> Any:
    """All that a decision says, messages and digests included."""
    return decision.to_json() if isinstance(decision, Decision) else decision


def answerable(batch: Batch) -> Iterator[tuple[int, Data, Any]]:
    """The applications that the reference decides or refuses, with their numbers and what it says."""
    for i, (application, said) in enumerate(zip(batch.applications, batch.reference, strict=True)):
        if not isinstance(said, str):
            yield i, application, said
