"""`grammar/decision.schema.json`: the published, versioned form of a decision."""

from __future__ import annotations

from typing import Any, get_args

from bandolo.evaluate.decision import Outcome, StageStatus, Verdict
from bandolo.evaluate.wire import FORMAT

TEXT = {"type": "string"}
TEXTS = {"type": "array", "items": TEXT}


def closed_object(properties: dict[str, Any], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """An object with these properties and no others."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def decision_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of what `Decision.to_json` gives."""
    or_null = {"type": ["string", "null"]}
    source = closed_object({"document": TEXT, "quote": TEXT})
    requirement = closed_object(
        {
            "id": TEXT, "subject": TEXT, "stage": TEXT, "verdict": {"enum": list(get_args(Verdict))}, "effect": or_null,
            "counts": {"type": ["boolean", "null"]}, "message": {"type": "object", "additionalProperties": TEXT},
            "sources": {"type": "array", "items": source}, "missing": TEXTS, "fault": TEXT, "cure_by": {"type": "string", "format": "date"},
        },
        optional=("missing", "fault", "cure_by"),
    )  # fmt: skip
    struck = {"record": TEXT, "key": or_null, "requirements": TEXTS}
    fault = closed_object({"code": TEXT, "place": TEXT, "expression": TEXT, "affects": TEXTS})
    opened = closed_object(
        {"missing": TEXTS, "fault": TEXT, "at_least": {}, "at_most": {}}, optional=("missing", "fault", "at_least", "at_most")
    )
    properties = {
        "bandolo": TEXT, "format": {"const": FORMAT},
        "policy": closed_object({"id": TEXT, "digest": TEXT, "amendments": TEXTS}),
        "application": or_null, "application_digest": TEXT, "as_of": or_null,
        "outcome": {"enum": list(get_args(Outcome))}, "stage": TEXT,
        "stages": {"type": "object", "additionalProperties": {"enum": list(get_args(StageStatus))}},
        "requirements": {"type": "array", "items": requirement},
        "excluded": {"type": "array", "items": closed_object(struck)},
        "barred": {"type": "array", "items": closed_object({**struck, "stage": TEXT})},
        "results": {"type": "object"},
        "undetermined": {"type": "object", "additionalProperties": opened},
        "missing": TEXTS, "pending": TEXTS, "open_readings": TEXTS, "assumed": TEXTS, "changed": TEXTS,
        "readings": {"type": "object", "additionalProperties": TEXT},
        "faults": {"type": "array", "items": fault},
        "trace": {"type": "array"},
    }  # fmt: skip
    schema = closed_object(properties, optional=("trace",))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"Bandolo decision, format {FORMAT}", **schema}
