"""`grammar/ranking.schema.json`: the published, versioned form of a ranking."""

from __future__ import annotations

from typing import Any, get_args

from bandolo.export.decision_schema import TEXT, TEXTS, closed_object
from bandolo.ranking.entrant import Status
from bandolo.ranking.wire import FORMAT


def ranking_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of what `Ranking.to_json` gives. Amounts are texts, exact to the cent."""
    or_null = {"type": ["string", "null"]}
    reason = closed_object({"code": TEXT, "it": TEXT, "en": TEXT})
    beneficiary = closed_object({"name": TEXT, "part": or_null})
    labels = closed_object({"it": TEXT, "en": TEXT})
    row = closed_object({
        "position": {"type": ["integer", "null"]}, "application": TEXT, "application_digest": TEXT,
        "status": {"enum": list(get_args(Status))},
        "tied": {"type": "boolean"}, "keys": {"type": "array"}, "requested": or_null, "amount": or_null,
        "pots": {"type": "object", "additionalProperties": TEXT}, "cumulative": or_null, "left": or_null,
        "struck": {"type": "array", "items": closed_object({"record": TEXT, "key": TEXT, "name": TEXT, "kept_by": TEXT})},
        "reasons": {"type": "array", "items": reason}, "missing": TEXTS, "beneficiaries": {"type": "array", "items": beneficiary},
    })  # fmt: skip
    schema = closed_object({
        "bandolo": TEXT, "format": {"const": FORMAT}, "policy": closed_object({"id": TEXT, "digest": TEXT, "amendments": TEXTS}),
        "as_of": or_null, "assumed": TEXTS, "changed": TEXTS, "readings": {"type": "object", "additionalProperties": TEXT},
        "order_by": {"type": "array", "items": closed_object({"key": TEXT, "label": labels, "descending": {"type": "boolean"}})},
        "provisional": {"type": "boolean"}, "unread": TEXTS, "settled": {"type": "boolean"}, "budget": or_null, "left": or_null,
        "pots": {"type": "array", "items": closed_object({"pot": TEXT, "amount": TEXT, "left": TEXT})},
        "ties": {"type": "array", "items": TEXTS}, "rows": {"type": "array", "items": row}, "steps": {"type": "array", "items": reason},
    })  # fmt: skip
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"Bandolo ranking, format {FORMAT}", **schema}
