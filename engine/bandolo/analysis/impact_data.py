"""An impact as plain data, for `--json`: every application that changes, the sums, and the two rankings in short."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from bandolo.analysis.impact import KINDS, Compared, Impact
from bandolo.analysis.places import Move, RankingImpact
from bandolo.diagnostics import Diagnostic
from bandolo.evaluate.wire import plain
from bandolo.language.types import MONEY
from bandolo.policy import Policy
from bandolo.ranking.entrant import Strike
from bandolo.version import __version__

FORMAT = "1"
"""The version of the JSON form; it changes when a reader of the old form could be misled."""


def impact_as_data(impact: Impact) -> dict[str, Any]:
    """The published form. Amounts are texts, exact to the cent; a difference is the new amount less the old one."""
    by = impact.by
    return {
        "bandolo": __version__,
        "format": FORMAT,
        "old": _policy(impact.old),
        "new": _policy(impact.new),
        "compared": len(impact.rows) - len(impact.not_compared()),
        "changed": len(impact.changed()),
        "kinds": {kind: len(impact.of_kind(kind)) for kind in KINDS},
        "outcomes": [{"old": old, "new": new, "applications": n} for (old, new), n in sorted(impact.outcomes().items())],
        "because": [{"requirement": name, "applications": n} for name, n in sorted(impact.reasons().items())],
        "amount": impact.amount,
        "totals": [
            {"result": t.name, **_amounts(t.old, t.new), "gain": t.gains, "lose": t.loses, "open": t.open} for t in impact.totals
        ],
        "by": None if by is None else {"entity": by.entity, "fact": by.fact, "amount": by.amount},
        "groups": [
            {"group": g.group or None, "applications": g.applications, "records": g.records, **_amounts(g.old, g.new), "open": g.open}
            for g in impact.groups
        ],
        "ranking": None if impact.ranking is None else _ranking(impact.ranking),
        "unranked": [d.to_dict() for d in impact.unranked],
        "applications": [_row(row) for row in impact.changed()],
        "not_compared": [
            {"application": r.application, "file": r.label, "refused": _refused(r.refused_new)} for r in impact.not_compared()
        ],
    }  # fmt: skip


def _policy(policy: Policy) -> dict[str, Any]:
    return {"id": policy.id, "digest": policy.digest, "amendments": list(policy.amendments)}


def _money(amount: Fraction | None) -> str | None:
    return None if amount is None else str(plain(amount, MONEY))


def _amounts(old: Fraction | None, new: Fraction | None) -> dict[str, Any]:
    gap = None if old is None or new is None else new - old
    return {"old": _money(old), "new": _money(new), "difference": _money(gap)}


def _row(row: Compared) -> dict[str, Any]:
    told = row.difference
    names = [*(row.old.amounts if row.old is not None else row.new.amounts if row.new is not None else {})]
    return {
        "application": row.application,
        "file": row.label,
        "old": None if row.old is None else {"outcome": row.old.outcome, "stage": row.old.stage},
        "new": None if row.new is None else {"outcome": row.new.outcome, "stage": row.new.stage},
        "refused": {"old": _refused(row.refused_old), "new": _refused(row.refused_new)},
        "left_out": {"old": list(row.left_out_old), "new": list(row.left_out_new)},
        "amounts": {
            name: _amounts(None if row.old is None else row.old.amounts[name], None if row.new is None else row.new.amounts[name])
            for name in names
        },
        "verdicts": [] if told is None else [
            {"requirement": v.requirement, "subject": v.subject, "old": v.old, "new": v.new, "effect": v.effect} for v in told.verdicts
        ],
        "missing": [] if told is None else list(told.missing),
    }  # fmt: skip


def _refused(diagnostics: tuple[Diagnostic, ...]) -> list[dict[str, Any]]:
    return [d.to_dict() for d in diagnostics]


def _ranking(place: RankingImpact) -> dict[str, Any]:
    def side(name: str) -> dict[str, Any]:
        ranking = place.old if name == "old" else place.new
        pots = [{"pot": pot, "amount": _money(amount), "left": _money(left)} for pot, amount, left in ranking.pots]
        return {"budget": _money(ranking.budget), "left": _money(ranking.left), "pots": pots, "provisional": ranking.provisional}

    return {
        "old": side("old"),
        "new": side("new"),
        "unfunded": place.unfunded,
        "funded": place.funded,
        "new_ties": [list(tie) for tie in place.new_ties],
        "gone_ties": [list(tie) for tie in place.gone_ties],
        "new_strikes": [_strike(s) for s in place.new_strikes],
        "gone_strikes": [_strike(s) for s in place.gone_strikes],
        "moves": [_move(m) for m in place.moves],
    }


def _strike(strike: Strike) -> dict[str, Any]:
    return {"application": strike.application, "record": strike.record, "name": strike.name, "kept_by": strike.kept_by}


def _move(move: Move) -> dict[str, Any]:
    def side(status: str | None, position: int | None, amount: Fraction | None) -> dict[str, Any] | None:
        return None if status is None else {"status": status, "position": position, "amount": _money(amount)}

    return {
        "application": move.application,
        "old": side(move.old_status, move.old_position, move.old_amount),
        "new": side(move.new_status, move.new_position, move.new_amount),
    }
