"""Python with floats, as one writes it without thinking of speed: the base of every ratio."""

from __future__ import annotations

import math
from typing import Any

from contenders import Base
from workload import CLOSING, EOI_RECOGNISED_BY, EOI_SENT_BY, LAST_DAY


def partner_in_order(partner: dict[str, Any]) -> bool:
    return (
        partner["lombardy_site"]
        and partner["chamber_fee_paid"]
        and partner["antimafia_ok"]
        and partner["durc_ok"]
        and not partner["in_difficulty"]
        and not partner["insolvency"]
        and partner["ateco_section"] != "A"
        and not partner["excluded_sector"]
        and not partner["other_public_aid"]
        and not partner["prior_beneficiary"]
        and not partner["recovery_order"]
    )


def decide(application: dict[str, Any]) -> dict[str, Any]:
    counted = [p for p in application["partners"] if partner_in_order(p)]
    sme_capital = sme_current = large_capital = large_current = 0.0
    has_large = False
    for partner in counted:
        costs = partner["costs"]
        capital = costs["equipment"] + costs["research"]
        current = costs["staff"] + costs["overheads"]
        if partner["size"] == "large":
            has_large = True
            large_capital += capital
            large_current += current
        else:
            sme_capital += capital
            sme_current += current
    capital = sme_capital + large_capital
    current = sme_current + large_current
    total = capital + current

    reasons = []
    if application["submitted_at"] > CLOSING:
        reasons.append("in_time")
    if not application["agreement_signed"]:
        reasons.append("agreement")
    if len(counted) < 10:
        reasons.append("enough_partners")
    if total < 200_000:
        reasons.append("enough_costs")
    if application["project_start"] <= application["submitted_at"].date():
        reasons.append("not_begun")
    if application["project_end"] > LAST_DAY:
        reasons.append("ends_in_time")
    if has_large and (sme_capital + sme_current) / total < 0.3:
        reasons.append("sme_share")

    contribution = 0.5 * sme_capital + 0.15 * large_capital
    if current:
        contribution += (0.5 * sme_current + 0.15 * large_current) * min(current, 40 / 60 * capital) / current
    contribution = min(400_000, contribution)

    score = application["technical_score"]
    if score >= 65:
        sent, recognised = application["eoi_submitted_on"], application["eoi_recognised_on"]
        if sent is not None and recognised is not None and sent <= EOI_SENT_BY and recognised <= EOI_RECOGNISED_BY:
            score += 10
        if sum(p["legality_rating"] for p in application["partners"]) > len(application["partners"]) / 2:
            score += 5
    return {"eligible": not reasons, "reasons": reasons, "contribution": math.floor(contribution * 100 + 0.5) / 100, "score": score}


class Contender(Base):
    title = "Python by hand, float (the base)"
    form = "float"
    exact = False
    decide = staticmethod(decide)  # type: ignore[assignment]
