"""The JSON form of a ranking: the same bytes for the same applications, in whatever order they came."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from bandolo.evaluate.wire import plain
from bandolo.language.types import MONEY, OptionalType, Type
from bandolo.ranking.entrant import KeyValue, Ranking, Reason, Row
from bandolo.ranking.words import as_value

FORMAT = "1"
"""The version of the ranking's JSON form; it changes when a reader of the old form could be misled."""


def ranking_as_data(ranking: Ranking) -> dict[str, Any]:
    """The published form."""
    return {
        "bandolo": ranking.engine,
        "format": FORMAT,
        "policy": {"id": ranking.policy_id, "digest": ranking.policy_digest, "amendments": list(ranking.amendments)},
        "as_of": ranking.as_of,
        "assumed": list(ranking.assumed),
        "changed": list(ranking.changed),
        "readings": dict(sorted(ranking.readings.items())),
        "order_by": [dict(key) for key in ranking.order_by],
        "provisional": ranking.provisional,
        "unread": list(ranking.unread),
        "settled": ranking.settled,
        "budget": _money(ranking.budget),
        "left": _money(ranking.left),
        "pots": [{"pot": name, "amount": _money(amount), "left": _money(left)} for name, amount, left in ranking.pots],
        "ties": [list(tie) for tie in ranking.ties],
        "rows": [_row(row, ranking) for row in ranking.rows],
        "steps": [_reason(step) for step in ranking.steps],
    }


def _row(row: Row, ranking: Ranking) -> dict[str, Any]:
    return {
        "position": row.position,
        "application": row.application,
        "application_digest": row.digest,
        "status": row.status,
        "tied": row.tied,
        "keys": [key_as_data(value, type_) for value, type_ in zip(row.order, ranking.key_types, strict=False)],
        "requested": _money(row.requested),
        "amount": _money(row.amount),
        "pots": {name: _money(amount) for (name, _, _), amount in zip(ranking.pots, row.pots, strict=False)},
        "cumulative": _money(row.cumulative),
        "left": _money(row.left),
        "struck": [{"record": s.record, "key": s.key, "name": s.name, "kept_by": s.kept_by} for s in row.strikes],
        "reasons": [_reason(r) for r in row.reasons],
        "missing": list(row.missing),
        "beneficiaries": [{"name": c.name, "part": _money(row.parts.get(c.record))} for c in row.beneficiaries],
    }


def key_as_data(value: KeyValue, type_: Type) -> Any:
    return plain(as_value(value), type_.of if isinstance(type_, OptionalType) else type_)


def _reason(reason: Reason) -> dict[str, str]:
    return {"code": reason.code, "it": reason.it, "en": reason.en}


def _money(amount: Fraction | None) -> str | None:
    return None if amount is None else plain(Fraction(amount), MONEY)
