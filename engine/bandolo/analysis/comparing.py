"""Two decisions on one application, as data: in what they differ, and what made the outcome differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

STOPPING = ("reject", "suspend", "refer", "bar", "exclude")
"""The effects that can change an outcome or strike a record; a flag only tells."""


@dataclass(frozen=True, slots=True)
class VerdictChange:
    """A requirement whose verdict, or whose effect when it fails, differs on a record; None where a text does not have it.

    `message` is what the new text says of a failure, else the old one, by language.
    """

    requirement: str
    subject: str
    old: str | None
    new: str | None
    effect: str | None
    message: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ResultChange:
    """A result with another value; None where it is not known, or not there. Values are as in the decision's JSON form."""

    path: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class Difference:
    """In what two decisions differ; nothing in it where they say the same."""

    outcome: tuple[str, str] | None
    stage: tuple[str, str] | None
    verdicts: tuple[VerdictChange, ...]
    results: tuple[ResultChange, ...]
    missing: tuple[str, ...]
    """Facts, values left to an act and readings that only the new decision waits for."""

    @property
    def is_empty(self) -> bool:
        return self.outcome is None and self.stage is None and not self.verdicts and not self.results

    def because(self) -> tuple[VerdictChange, ...]:
        """What made the outcome differ: the verdicts that changed, those that can stop an application first, flags left out."""
        return tuple(v for v in self.verdicts if v.effect in STOPPING)


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> Difference:
    """The difference of two decisions in their JSON form."""
    waits = [*new["missing"], *(f"parameter.{p}" for p in new["pending"]), *(f"reading.{r}" for r in new["open_readings"])]
    waited = {*old["missing"], *(f"parameter.{p}" for p in old["pending"]), *(f"reading.{r}" for r in old["open_readings"])}
    return Difference(
        None if old["outcome"] == new["outcome"] else (old["outcome"], new["outcome"]),
        None if old["stage"] == new["stage"] else (old["stage"], new["stage"]),
        _verdicts(old, new), _results(old, new), tuple(w for w in waits if w not in waited),
    )  # fmt: skip


def _verdicts(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[VerdictChange, ...]:
    before, after = ({(r["id"], r["subject"]): r for r in d["requirements"]} for d in (old, new))
    found = []
    for place in dict.fromkeys([*after, *before]):
        was, now = before.get(place), after.get(place)
        if _told(was) == _told(now):
            continue
        some = now or was
        assert some is not None
        message = (now or {}).get("message") or (was or {}).get("message") or {}
        found.append(VerdictChange(*place, was and was["verdict"], now and now["verdict"], some["effect"], message))
    return tuple(found)


def _told(requirement: Mapping[str, Any] | None) -> tuple[Any, ...] | None:
    """What a verdict comes to: its effect and whether it counts matter only where it failed."""
    if requirement is None or requirement["verdict"] == "not_applicable":
        return None  # a requirement that does not apply is as good as none
    if requirement["verdict"] != "failed":
        return (requirement["verdict"],)
    return "failed", requirement["effect"], requirement["counts"]


def _results(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[ResultChange, ...]:
    before, after = (dict(_flat(d["results"])) for d in (old, new))
    paths = dict.fromkeys([*after, *before])
    return tuple(ResultChange(p, before.get(p), after.get(p)) for p in paths if before.get(p) != after.get(p))


def _flat(results: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Every value with its path: `grant`, `partners[IT1].grant`."""
    found: list[tuple[str, Any]] = []
    for name, value in results.items():
        if not isinstance(value, Mapping):
            found.append((prefix + name, value))
            continue
        for key, record in value.items():
            found += _flat(record, f"{prefix}{name}[{key}].")
    return found
