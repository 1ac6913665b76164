"""zen-engine: a decision graph of two expression nodes; the second keeps only the answer."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from contenders import Base

OUTPUTS = ("eligible", "reasons", "contribution", "score")
CHECKS = {
    "in_time": "$.sent <= d('2023-02-28T16:00:00+01:00')",
    "agreement": "agreement_signed",
    "enough_partners": "len($.counted) >= 10",
    "enough_costs": "$.total >= 200000",
    "not_begun": "d(project_start, 'Europe/Rome').isAfter($.sent, 'day')",
    "ends_in_time": "d(project_end) <= d('2023-10-30')",
    "sme_share": "len($.large) == 0 or $.sme_capital + $.sme_current >= 0.3 * $.total",
}
RULES = {
    "counted": "filter(partners, #.lombardy_site and #.chamber_fee_paid and #.antimafia_ok and #.durc_ok and not #.in_difficulty"
    " and not #.insolvency and #.ateco_section != 'A' and not #.excluded_sector and not #.other_public_aid"
    " and not #.prior_beneficiary and not #.recovery_order)",
    "smes": "filter($.counted, #.size != 'large')",
    "large": "filter($.counted, #.size == 'large')",
    "sme_capital": "sum(map($.smes, #.costs.equipment + #.costs.research))",
    "sme_current": "sum(map($.smes, #.costs.staff + #.costs.overheads))",
    "large_capital": "sum(map($.large, #.costs.equipment + #.costs.research))",
    "large_current": "sum(map($.large, #.costs.staff + #.costs.overheads))",
    "capital": "$.sme_capital + $.large_capital",
    "current": "$.sme_current + $.large_current",
    "total": "$.capital + $.current",
    "sent": "d(submitted_at, 'Europe/Rome')",
    "checks": "[" + ", ".join(f"{check} ? '' : '{name}'" for name, check in CHECKS.items()) + "]",
    "reasons": "filter($.checks, # != '')",
    "eligible": "len($.reasons) == 0",
    "contribution": "round(min([400000, 0.5 * $.sme_capital + 0.15 * $.large_capital + ($.current > 0"
    " ? (0.5 * $.sme_current + 0.15 * $.large_current) * min([3 * $.current, 2 * $.capital]) / (3 * $.current) : 0)]), 2)",
    "score": "technical_score < 65 ? technical_score : technical_score + (eoi_submitted_on != null and eoi_recognised_on != null"
    " and d(eoi_submitted_on) <= d('2023-01-20') and d(eoi_recognised_on) <= d('2023-02-20') ? 10 : 0)"
    " + (count(partners, #.legality_rating) * 2 > len(partners) ? 5 : 0)",
}


def _node(name: str, kind: str, rules: dict[str, str] | None = None) -> dict[str, Any]:
    node: dict[str, Any] = {"id": name, "type": kind, "name": name, "position": {"x": 0, "y": 0}}
    if rules is not None:
        node["content"] = {"expressions": [{"id": f"{name}.{k}", "key": k, "value": v} for k, v in rules.items()]}
    return node


def graph() -> str:
    """The graph as zen-engine reads it."""
    nodes = [
        _node("in", "inputNode"),
        _node("rules", "expressionNode", RULES),
        _node("pick", "expressionNode", {name: name for name in OUTPUTS}),
        _node("out", "outputNode"),
    ]
    edges = [{"id": a["id"], "sourceId": a["id"], "targetId": b["id"], "type": "edge"} for a, b in pairwise(nodes)]
    return json.dumps({"contentType": "application/vnd.gorules.decision", "nodes": nodes, "edges": edges})


class Contender(Base):
    title = "zen-engine, graph, from its own dict"
    form = "json"
    exact = False

    def prepare(self) -> None:
        import zen

        self.evaluate = zen.ZenEngine().create_decision(graph()).evaluate

    def decide(self, application: Any) -> Any:
        return self.evaluate(application)["result"]
