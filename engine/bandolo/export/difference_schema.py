"""`grammar/difference.schema.json`: the published, versioned form of a difference of two policies."""

from __future__ import annotations

from typing import Any

from bandolo.export.decision_schema import TEXT, TEXTS, closed_object

FORMAT = 1
GROUPS = ("requirements", "scoring", "amounts", "deadlines", "facts", "readings", "ranking", "stages", "call", "words", "sources")
KINDS = ("added", "removed", "renamed", "changed", "filled")


def difference_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of what `Difference.to_dict` gives."""
    or_null = {"type": ["string", "null"]}
    both = closed_object({"it": TEXT, "en": TEXT})
    act = closed_object({"id": TEXT, "title": both, "date": TEXT, "applies_to": or_null})
    version = closed_object({"id": TEXT, "title": both, "file": TEXT, "digest": TEXT, "amendments": {"type": "array", "items": act}})
    written = {"anyOf": [{"type": "null"}, closed_object({"file": TEXT, "line": {"type": "integer", "minimum": 1}, "text": TEXT})]}
    side = {"anyOf": [{"type": "null"}, closed_object({"said": both, "written": written})]}
    quotes = {"type": "array", "items": closed_object({"document": TEXT, "quote": TEXT})}
    change = closed_object({
        "group": {"enum": list(GROUPS)}, "kind": {"enum": list(KINDS)}, "meaning": {"type": "boolean"}, "path": TEXT, "part": TEXT,
        "label": both, "said": both, "before": side, "after": side,
        "affects": {"type": "array", "items": closed_object({"path": TEXT, "label": both})},
        "sources_before": quotes, "sources_after": quotes,
    })  # fmt: skip
    mismatch = closed_object({"where": TEXT, "expected": TEXT, "got": TEXT})
    case = closed_object({
        "file": TEXT, "line": {"type": "integer", "minimum": 1}, "name": TEXT, "now": {"enum": ["fails", "passes", "not_run"]},
        "reasons": TEXTS, "mismatches": {"type": "array", "items": mismatch},
    })  # fmt: skip
    count = {"type": "integer", "minimum": 0}
    cases = closed_object({"run": count, "failing": count, "changed": {"type": "array", "items": case}})
    schema = closed_object({
        "bandolo": TEXT, "format": {"const": FORMAT}, "old": version, "new": version, "same_meaning": {"type": "boolean"},
        "changes": {"type": "array", "items": change}, "cases": cases,
    }, optional=("cases",))  # fmt: skip
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"Bandolo difference, format {FORMAT}", **schema}
