"""A file of recorded decisions: the text of the policy once, then a decision a line with everything that it was made of.

JSON Lines. The first line is the header: the policy's canonical text and those of the acts that amend it, each with its digest. Every
other line holds an application as it was given, the clock, the what-ifs and the decision. Each line carries a digest over the rest of it.
`grammar/record.schema.json` is the published form. A decision is made by the text that is recorded, so that it replays to the letter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from bandolo.check import core
from bandolo.diagnostics import Diagnostic, PolicyError
from bandolo.evaluate.data import Digits, Plain, read_json
from bandolo.evaluate.decision import Decision
from bandolo.evaluate.wire import exact_text
from bandolo.export.record_schema import FORMAT
from bandolo.format.canonical import canonical_text, text_digest
from bandolo.language.types import BOOLEAN, ListType, OptionalType, RecordType, Type
from bandolo.policy import Policy, policy_from_bytes
from bandolo.source import SourceFile, Span
from bandolo.syntax.read import read_tree
from bandolo.version import __version__


@dataclass(frozen=True, slots=True)
class Recorded:
    """One line of a record: the application as it was given, under what it was decided, and the decision as data.

    `what_ifs` are the arguments of `Policy.decide`: `as_of`, `set`, `readings`, `assume`.
    """

    application: dict[str, Any]
    what_ifs: dict[str, Any]
    decision: dict[str, Any]
    line: Span


@dataclass(frozen=True, slots=True)
class Record:
    """A record that has been read: the policy made again from its text, and the decisions."""

    policy: Policy
    engine: str
    decisions: tuple[Recorded, ...]


def as_recorded(policy: Policy) -> Policy:
    """The policy as its canonical text gives it: the same meaning, without comments, and with the places of that text."""
    (path, content), *acts = policy.files
    return policy_from_bytes(Path(path).name, _canonical(path, content), [(Path(p).name, _canonical(p, c)) for p, c in acts])


def _canonical(path: str, content: bytes) -> bytes:
    tree, _ = read_tree(path, content)
    assert tree is not None, "the policy has been loaded from these bytes"
    return canonical_text(tree).encode()


def header_line(policy: Policy) -> str:
    """The first line of a record of decisions by a policy that `as_recorded` gave."""
    texts = [{"file": path, "digest": text_digest(content.decode()), "text": content.decode()} for path, content in policy.files]
    return _sealed({
        "bandolo_record": FORMAT, "bandolo": __version__,
        "policy": {"id": policy.id, "digest": policy.digest, "amendments": list(policy.amendments), "texts": texts},
    })  # fmt: skip


def decision_line(policy: Policy, application: Mapping[str, Any], what_ifs: Mapping[str, Any], decision: Decision) -> str:
    """A line of a record: a decision that the policy has made of an application under the what-ifs."""
    given = {"as_of": decision.as_of, "set": dict(what_ifs.get("set") or {}), "readings": dict(what_ifs.get("readings") or {})}
    assume = what_ifs.get("assume") or False
    assumed = assume if isinstance(assume, bool) else sorted([assume] if isinstance(assume, str) else assume)
    return _sealed({
        "policy": policy.digest,
        "application": as_json(policy, application),
        "what_ifs": {**_exact(given), "assume": assumed},
        "decision": decision.to_dict(),
    })  # fmt: skip


def record(policy: Policy, applications: Iterable[Mapping[str, Any]], **what_ifs: Any) -> Iterator[str]:
    """The lines of a record: the policy's text, then each application as the policy decides it; what-ifs as for `Policy.decide`.

    Raises ApplicationError and PolicyError as `Policy.decide` does.
    """
    made = as_recorded(policy)
    yield header_line(made)
    for application in applications:
        yield decision_line(made, application, what_ifs, made.decide(application, **what_ifs))


def _sealed(line: dict[str, Any]) -> str:
    return json.dumps({**line, "digest": _seal(line)}, ensure_ascii=False)


def _seal(line: Mapping[str, Any]) -> str:
    """The digest of a line without its own: the order of its fields and the way in which it is spaced do not matter."""
    rest = {k: v for k, v in line.items() if k != "digest"}
    return text_digest(json.dumps(rest, sort_keys=True, ensure_ascii=False, separators=(",", ":")))


# Application data as JSON.


def as_json(policy: Policy, application: Mapping[str, Any]) -> dict[str, Any]:
    """An application's data as JSON that reads back as the same facts: exact numbers as text, words that YAML leaves bare by their fact."""
    entities = _entities(policy)
    return _record(entities, entities[policy.core.root], application)


def _entities(policy: Policy) -> dict[str, core.Entity]:
    """The entities with the facts of every text that may decide: an act that does not reach an application may have removed some."""
    found = dict(policy.core.entities)
    if any(act.applies_to is not None for act in policy.loaded.amendments):
        for name, entity in policy.with_acts(()).core.entities.items():
            known = found.get(name, entity)
            found[name] = replace(known, facts={**entity.facts, **known.facts})
    return found


def _record(entities: Mapping[str, core.Entity], entity: core.Entity, data: Mapping[str, Any]) -> dict[str, Any]:
    result = {}
    for name, value in data.items():
        fact = entity.facts.get(name)
        if fact is not None and fact.asked and isinstance(value, Mapping):
            result[name] = {stage: _fact(entities, fact, v) for stage, v in value.items()}
        else:
            result[name] = _exact(value) if fact is None else _fact(entities, fact, value)
    return result


def _fact(entities: Mapping[str, core.Entity], fact: core.FactDeclaration, value: Any) -> Any:
    type_ = fact.type.of if isinstance(fact.type, OptionalType) else fact.type
    if isinstance(value, Plain) and value in ("null", "~", "", *(("none",) if fact.optional else ())):
        return None
    if isinstance(type_, ListType) and isinstance(value, list | tuple):
        if isinstance(type_.item, RecordType):
            inner = entities[type_.item.entity]
            return [_record(entities, inner, v) if isinstance(v, Mapping) else _exact(v) for v in value]
        return [_value(type_.item, v) for v in value]
    return _value(type_, value)


def _value(type_: Type, value: Any) -> Any:
    if isinstance(value, Plain):
        if type_ == BOOLEAN and value in ("true", "false"):
            return value == "true"
        numeric = re.fullmatch(r"[-+]?[\d_]+(\.[\d_]+)?( ?%| [A-Z]{3})?", value) and str(type_) != "text"
        return value.replace("_", "") if numeric else str(value)
    return _exact(value)


def _exact(value: Any) -> Any:
    match value:
        case Digits():
            return int(value) if re.fullmatch(r"-?\d{1,40}", value) else str(value)
        case Fraction():
            return exact_text(value)
        case Decimal():
            return f"{value:f}"
        case date():
            return value.isoformat()
        case Mapping():
            return {str(k): _exact(v) for k, v in value.items()}
        case list() | tuple():
            return [_exact(v) for v in value]
        case str():
            return str(value)
        case _:
            return value


# Reading.


def is_record(text: str) -> bool:
    """Whether a text begins as a record does."""
    return re.match(r'\ufeff?\s*\{\s*"bandolo_record"\s*:', text) is not None


def read_record(source: SourceFile) -> tuple[Record | None, list[Diagnostic]]:
    """The record that a text is; every line is held against its digests.

    Codes: `not-a-record-file`, `record-format`, `record-changed`, `record-other-policy`, `record-no-decisions`, those of reading JSON,
    and those of a policy that does not load.
    """
    found: list[Diagnostic] = []
    header: Any = None
    policy: Policy | None = None
    decisions: list[Recorded] = []
    start = 0
    for line in source.text.split("\n"):
        place = Span(source, start, start + min(len(line), 60))
        start += len(line) + 1
        if not line.strip():
            continue
        data, bad = _line(line, place)
        if header is None:
            if data is None or "bandolo_record" not in data:
                return None, bad if is_record(line) else [Diagnostic("not-a-record-file", place, {"path": source.path})]
            if data["bandolo_record"] != FORMAT:
                return None, [Diagnostic("record-format", place, {"found": str(data["bandolo_record"])[:20], "known": FORMAT})]
            header = data
            found += _header_faults(data, place)
            if found:
                return None, found
            policy, found = _policy_of(header, place)
            if policy is None:
                return None, found
            continue
        found += bad
        if data is None or bad:
            continue
        assert policy is not None
        if data["policy"] != policy.digest:
            found.append(Diagnostic("record-other-policy", place, {"digest": str(data["policy"])[:23]}))
            continue
        decisions.append(Recorded(data["application"], data["what_ifs"], data["decision"], replace(place)))
    if policy is None:
        return None, [Diagnostic("not-a-record-file", file=source.path, args={"path": source.path})]
    if not decisions and not found:
        found.append(Diagnostic("record-no-decisions", file=source.path, args={"path": source.path}))
    return (None, found) if found else (Record(policy, str(header["bandolo"]), tuple(decisions)), [])


def _line(line: str, place: Span) -> tuple[dict[str, Any] | None, list[Diagnostic]]:
    """One line as data, unless it is not what its digest was taken of."""
    _, bad = read_json(line, place.source.path)
    if bad:
        return None, [Diagnostic("record-not-json", place)]
    data = json.loads(line)
    if not isinstance(data, dict) or data.get("digest") != _seal(data):
        return None, [Diagnostic("record-changed", place)]
    if "bandolo_record" not in data and not {"policy", "application", "what_ifs", "decision"} <= data.keys():
        return None, [Diagnostic("record-not-json", place)]
    return data, []


def _header_faults(header: dict[str, Any], place: Span) -> list[Diagnostic]:
    texts = header.get("policy", {}).get("texts") or []
    return [Diagnostic("record-changed", place) for t in texts if t["digest"] != text_digest(t["text"])]


def _policy_of(header: dict[str, Any], place: Span) -> tuple[Policy | None, list[Diagnostic]]:
    """The policy made again from its recorded text, or what keeps it from being made."""
    texts = [(t["file"], t["text"].encode()) for t in header["policy"]["texts"]]
    try:
        policy = policy_from_bytes(texts[0][0], texts[0][1], texts[1:])
    except PolicyError as error:
        return None, list(error.diagnostics)
    return (policy, []) if policy.digest == header["policy"]["digest"] else (None, [Diagnostic("record-changed", place)])
