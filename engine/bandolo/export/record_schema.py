"""`grammar/record.schema.json`: the published, versioned form of a line of a record of decisions."""

from __future__ import annotations

from typing import Any

from bandolo.export.decision_schema import TEXT, TEXTS, closed_object, decision_schema

FORMAT = "1"
"""The version of the record's form; it changes when a reader of the old form could be misled."""


def record_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a line of a record: the header, or a decision."""
    text = closed_object({"file": TEXT, "digest": TEXT, "text": TEXT})
    policy = closed_object({"id": TEXT, "digest": TEXT, "amendments": TEXTS, "texts": {"type": "array", "items": text, "minItems": 1}})
    decision = {k: v for k, v in decision_schema().items() if k not in ("$schema", "title")}
    what_ifs = closed_object({
        "as_of": {"type": ["string", "null"]}, "set": {"type": "object"}, "readings": {"type": "object", "additionalProperties": TEXT},
        "assume": {"anyOf": [{"type": "boolean"}, TEXTS]},
    })  # fmt: skip
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"Bandolo record, a line, format {FORMAT}",
        "anyOf": [
            closed_object({"bandolo_record": {"const": FORMAT}, "bandolo": TEXT, "policy": policy, "digest": TEXT}),
            closed_object({"policy": TEXT, "application": {"type": "object"}, "what_ifs": what_ifs, "decision": decision, "digest": TEXT}),
        ],
    }  # fmt: skip
