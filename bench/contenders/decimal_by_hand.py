"""Python with Decimals, written for clarity; one division, last, so that half a cent stays half a cent."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from contenders import Base
from contenders.float_by_hand import partner_in_order
from workload import CLOSING, EOI_RECOGNISED_BY, EOI_SENT_BY, LAST_DAY, REASONS

ZERO, CENT = Decimal(0), Decimal("0.01")


def decide(application: dict[str, Any]) -> dict[str, Any]:
    counted = [p for p in application["partners"] if partner_in_order(p)]
    capital = {p["id"]: p["costs"]["equipment"] + p["costs"]["research"] for p in counted}
    current = {p["id"]: p["costs"]["staff"] + p["costs"]["overheads"] for p in counted}
    smes = [p["id"] for p in counted if p["size"] != "large"]
    large = [p["id"] for p in counted if p["size"] == "large"]
    all_capital, all_current = sum(capital.values(), ZERO), sum(current.values(), ZERO)
    total = all_capital + all_current
    checks = (
        application["submitted_at"] <= CLOSING,
        application["agreement_signed"],
        len(counted) >= 10,
        total >= 200_000,
        application["project_start"] > application["submitted_at"].date(),
        application["project_end"] <= LAST_DAY,
        not large or sum((capital[i] + current[i] for i in smes), ZERO) >= Decimal("0.3") * total,
    )
    grant = Decimal("0.5") * sum((capital[i] for i in smes), ZERO) + Decimal("0.15") * sum((capital[i] for i in large), ZERO)
    if all_current:
        part = Decimal("0.5") * sum((current[i] for i in smes), ZERO) + Decimal("0.15") * sum((current[i] for i in large), ZERO)
        grant += part * min(3 * all_current, 2 * all_capital) / (3 * all_current)
    score = application["technical_score"]
    if score >= 65:
        sent, recognised = application["eoi_submitted_on"], application["eoi_recognised_on"]
        if sent is not None and recognised is not None and sent <= EOI_SENT_BY and recognised <= EOI_RECOGNISED_BY:
            score += 10
        if 2 * sum(p["legality_rating"] for p in application["partners"]) > len(application["partners"]):
            score += 5
    return {
        "eligible": all(checks),
        "reasons": [name for name, held in zip(REASONS, checks, strict=True) if not held],
        "contribution": min(Decimal(400_000), grant).quantize(CENT, ROUND_HALF_UP),
        "score": score,
    }


class Contender(Base):
    title = "Python by hand, Decimal"
    decide = staticmethod(decide)  # type: ignore[assignment]
