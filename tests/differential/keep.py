"""Disagreements that were found, as files: a folder each with a readable policy, an application and what it is about.

One that shows only where several applications are decided together keeps them all, as `{"applications": [...]}`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any

import yaml

from bandolo.diagnostics import PolicyError
from bandolo.policy import Policy, policy_from_bytes
from differential.applications import from_json, json_text
from differential.batches import Batch, Path
from differential.policies import loaded
from differential.shrink import shrunk

FOLDER = File(__file__).resolve().parents[1] / "disagreements"
Data = dict[str, Any]
TOGETHER = "applications"


@dataclass(frozen=True)
class Kept:
    """A disagreement from its folder."""

    name: str
    policy: Policy
    applications: list[Data]
    what_if: Mapping[str, Any]
    path: str


def kept() -> list[str]:
    """The names of all that are kept."""
    return [f.name for f in sorted(FOLDER.glob("*/")) if (f / "policy.yaml").exists()]


def read(name: str) -> Kept:
    """One of them."""
    folder = FOLDER / name
    about = yaml.safe_load((folder / "about.yaml").read_text(encoding="utf-8"))
    policy = policy_from_bytes(str(folder / "policy.yaml"), (folder / "policy.yaml").read_bytes())
    application = from_json((folder / "application.json").read_text(encoding="utf-8"))
    return Kept(name, policy, several(application), about.get("what_if") or {}, about["path"])


def several(data: Data) -> list[Data]:
    """The applications of a kept one, which may hold several."""
    return data[TOGETHER] if data.keys() == {TOGETHER} else [data]


def saying(path: Path, policy: Policy, data: Data, what_if: Mapping[str, Any]) -> tuple[str, str] | None:
    """What a path says of an application, or of the first of several, and what it should say, where the two differ."""
    try:
        found = path(Batch(policy, several(data), what_if))
    except PolicyError:
        return None
    for said, wanted in found.pairs.values():
        if said != wanted:
            return str(said), str(wanted)
    return None


def kind_of(said: str) -> str:
    """What makes two disagreements alike: the beginning of an exception without its figures, or that something differs."""
    return re.sub(r"[0-9]+", "#", said)[:70] if said.startswith("broke: ") else "differs"


def made_small(path: Path, policy: Data, batch: list[Data], at: int, what_if: Mapping[str, Any], seconds: float) -> tuple[Data, Data]:
    """The disagreement on an application of a batch, as small as it gets in a time; of several where it does not show alone."""
    first = loaded(policy)
    application, begin = batch[at], None
    if first is not None:
        begin = saying(path, first, application, what_if)
        if begin is None:
            application = {TOGETHER: batch}
            begin = saying(path, first, application, what_if)
    if begin is None:
        return policy, application
    kind = kind_of(begin[0])

    def shows(candidate: Data, data: Data) -> bool:
        try:
            made = loaded(candidate)
        except Exception:  # a policy with mistakes that breaks the checker is another matter
            return False
        found = saying(path, made, data, what_if) if made is not None else None
        return found is not None and kind_of(found[0]) == kind

    return shrunk(policy, application, shows, seconds)


def keep(name: str, path: str, policy: Data, application: Data, what_if: Mapping[str, Any], note: str, folder: File = FOLDER) -> File:
    """Write a disagreement into a folder of its own."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    (place / "policy.yaml").write_text(readable(policy), encoding="utf-8")
    (place / "application.json").write_text(json_text(application) + "\n", encoding="utf-8")
    about: Data = {"path": path, "note": note}
    if what_if:
        about["what_if"] = dict(what_if)
    (place / "about.yaml").write_text(yaml.safe_dump(about, sort_keys=False, allow_unicode=True, width=130), encoding="utf-8")
    return place


def readable(policy: Data) -> str:
    """A policy as people write it, where that reads back the same."""
    written = yaml.safe_dump(policy, sort_keys=False, allow_unicode=True, width=10_000)
    plain = re.sub(r"'(true|false|1|[0-9_]+(?:\.[0-9]+)?|[0-9-]{10}(?: [0-9:]+)?)'(?=$|[,}\]])", r"\1", written, flags=re.MULTILINE)
    return plain if loaded_text(plain) else written


def loaded_text(text_: str) -> bool:
    try:
        policy_from_bytes("generated.yaml", text_.encode())
    except PolicyError:
        return False
    return True
