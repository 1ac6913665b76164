"""The JSON text of a decision, byte for byte that of its data (`wire.py`), with what recurs spelt once.

The verdicts of a call differ in little but their subject, and what is missing recurs: an application that is half filled in has
hundreds of unknown values that lack the same hundreds of facts.
"""

from __future__ import annotations

import json
from json.encoder import encode_basestring as quoted
from typing import Any

from bandolo.evaluate.decision import Decision, Quote, RequirementResult
from bandolo.evaluate.wire import ends_of, frame, path_of, plain, put, requirement_as_data
from bandolo.language.values import Fault, Unknown

SPELT = 8192
_verdicts: dict[tuple[object, ...], tuple[tuple[Quote, ...], str, str]] = {}
"""By sources (of which there is one tuple for each requirement), verdict and effect: what stands before the subject and after it."""


def decision_as_text(decision: Decision) -> str:
    """The published form as JSON on one line."""
    spelling = _Spelling()
    texts = {name: _json(part) for name, part in frame(decision).items()}
    texts["requirements"] = f"[{', '.join([spelling.requirement(r) for r in decision.requirements])}]"
    texts["results"], texts["undetermined"] = spelling.results(decision)
    return f"{{{', '.join([f'{quoted(name)}: {text}' for name, text in texts.items()])}}}"


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False)


class _Spelling:
    """What has been spelt for one decision."""

    def __init__(self) -> None:
        self.missing: dict[int, str] = {}

    def requirement(self, result: RequirementResult) -> str:
        if result.message or result.fault is not None or result.cure_by is not None:
            return _json(requirement_as_data(result))
        key = (id(result.sources), result.id, result.stage, result.verdict, result.effect, result.counts)
        found = _verdicts.get(key)
        if found is None or found[0] is not result.sources:
            if len(_verdicts) >= SPELT:
                _verdicts.clear()
            found = _verdicts[key] = (result.sources, *_around(result))
        missing = f', "missing": {self.listed(result.missing)}' if result.missing else ""
        return f"{found[1]}{quoted(result.subject)}{found[2]}{missing}}}"

    def listed(self, missing: tuple[str, ...] | frozenset[str]) -> str:
        """Paths in order; the decision holds on to what it is asked for, so that an identity means one set."""
        found = self.missing.get(id(missing))
        if found is None:
            found = self.missing[id(missing)] = f"[{', '.join(map(quoted, sorted(missing)))}]"
        return found

    def results(self, decision: Decision) -> tuple[str, str]:
        known: dict[str, Any] = {}
        unknown: dict[str, str] = {}
        for result in decision.result_values:
            value = result.value
            if isinstance(value, Unknown):
                ends = "".join([f", {quoted(name)}: {_json(end)}" for name, end in ends_of(result).items()])
                unknown[path_of(result)] = f'{{"missing": {self.listed(value.missing)}{ends}}}'
            elif isinstance(value, Fault):
                unknown[path_of(result)] = _json({"fault": value.code})
            else:
                put(known, result, plain(value, result.type))
        return _json(known), f"{{{', '.join([f'{quoted(name)}: {text}' for name, text in unknown.items()])}}}"


def _around(result: RequirementResult) -> tuple[str, str]:
    """The text of a verdict before its subject, and after it up to what is missing."""
    data = requirement_as_data(result)
    data.pop("missing", None)
    whole = _json(data)
    start = f'{{"id": {quoted(result.id)}, "subject": '
    return start, whole[len(start) + len(quoted(result.subject)) : -1]
