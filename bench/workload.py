"""The workload of the bench: applications of a supply chain, and what each must come to, exactly.

An application has 10 to 14 partners; about 63 in 100 are eligible, a quarter hit the limit on current costs, one in a hundred costs
exactly the least, two are sent at the last second or the one after. Amounts have two decimals.

The same application stands in several forms; a contender says which one it takes: `decimal` (Decimal, date, datetime), `float` (floats
instead of Decimals), `json` (floats and ISO text), `flat` (as decimal, each cost a fact of its own), `bytes` (the flat form as JSON text),
`json_bytes` (the json form as text).
"""

from __future__ import annotations

import json
import random
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

Application = dict[str, Any]
Answer = dict[str, Any]

ROME = ZoneInfo("Europe/Rome")
CLOSING = datetime(2023, 2, 28, 16, tzinfo=ROME)
LAST_DAY = date(2023, 10, 30)
EOI_SENT_BY, EOI_RECOGNISED_BY = date(2023, 1, 20), date(2023, 2, 20)
LEAST_PARTNERS, LEAST_COSTS, MOST = 10, 200_000, 400_000
REASONS = ("in_time", "agreement", "enough_partners", "enough_costs", "not_begun", "ends_in_time", "sme_share")
WANTED = ("lombardy_site", "chamber_fee_paid", "antimafia_ok", "durc_ok")
UNWANTED = ("in_difficulty", "insolvency", "excluded_sector", "recovery_order", "other_public_aid", "prior_beneficiary")
COSTS = ("equipment", "research", "staff", "overheads")
SECTIONS = "BCDEFGHIJKLMNOPQRSTU"


def applications(count: int, seed: int = 20230228) -> list[Application]:
    """So many applications, in the `decimal` form."""
    rng = random.Random(seed)
    return [_application(rng, i) for i in range(count)]


def _application(rng: random.Random, number: int) -> Application:
    scale = rng.uniform(0.18, 0.38) if rng.random() < 0.09 else rng.uniform(0.45, 2.6)
    staff = rng.uniform(0.15, 1.25)
    size = rng.choice((10, 11, 11, 12, 12, 12, 13, 13, 14, 14))
    partners = [_partner(rng, f"P{number}-{k}", scale, staff) for k in range(size)]
    sent = CLOSING + timedelta(seconds=_around(rng, late=0.07, exact=0.01, early=40 * 86400, after=14 * 86400))
    start = sent.date() + timedelta(days=rng.choices((0, -rng.randrange(1, 20), rng.randrange(1, 60)), (15, 35, 950))[0])
    end = LAST_DAY + timedelta(days=rng.choices((0, rng.randrange(1, 90), -rng.randrange(1, 120)), (20, 55, 925))[0])
    eoi = None if rng.random() < 0.25 else date(2022, 12, 20) + timedelta(days=rng.randrange(45))
    recognised = None if eoi is None or rng.random() < 0.1 else eoi + timedelta(days=rng.randrange(5, 45))
    _unusual_costs(rng, partners)
    for partner in partners:
        partner["costs"] = {c: Decimal(v).scaleb(-2) for c, v in partner["costs"].items()}
    return {
        "id": f"A{number}",
        "submitted_at": sent,
        "agreement_signed": rng.random() >= 0.03,
        "eoi_submitted_on": eoi,
        "eoi_recognised_on": recognised,
        "technical_score": rng.randrange(35, 101),
        "project_start": start,
        "project_end": end,
        "partners": partners,
    }


def _around(rng: random.Random, late: float, exact: float, early: int, after: int) -> int:
    """Seconds from the closing: mostly before it, some after, a few at the very second or the next."""
    u = rng.random()
    if u < late:
        return rng.randrange(1, after)
    if u < late + 2 * exact:
        return 0 if u < late + exact else 1
    return -rng.randrange(1, early)


def _partner(rng: random.Random, id_: str, scale: float, staff: float) -> Application:
    size = rng.choices(("micro", "small", "medium", "large"), (35, 35, 23, 7))[0]
    partner: Application = {"id": id_, "size": size, **dict.fromkeys(WANTED, True), **dict.fromkeys(UNWANTED, False)}
    partner["ateco_section"] = rng.choice(SECTIONS)
    partner["legality_rating"] = rng.random() < 0.48
    if rng.random() < 0.055:  # one thing wrong with it
        wrong = rng.choice((*WANTED, *UNWANTED, "ateco_section"))
        partner[wrong] = "A" if wrong == "ateco_section" else not partner[wrong]
    large = scale * (2.2 if size == "large" else 1.0)
    current = large * staff * rng.uniform(0.5, 1.5)
    partner["costs"] = {
        "equipment": int(rng.uniform(0.2, 1.8) * 1_600_000 * large),
        "research": int(rng.uniform(0, 1.5) * 900_000 * large),
        "staff": int(rng.uniform(0.2, 1.8) * 1_300_000 * current),
        "overheads": int(rng.uniform(0, 1.2) * 500_000 * current),
    }
    return partner


def _unusual_costs(rng: random.Random, partners: list[Application]) -> None:
    """Now and then one large firm carries nearly everything, or the costs come to exactly the least."""
    u = rng.random()
    if u < 0.035:
        big = rng.choice(partners)
        big["size"] = "large"
        total = sum(sum(p["costs"].values()) for p in partners)
        for partner in partners:
            if partner["size"] != "large":
                partner["costs"] = {c: v // 6 for c, v in partner["costs"].items()}
        for cost, part in (("equipment", 3), ("research", 4), ("staff", 6)):
            big["costs"][cost] += total // part
    elif u < 0.045:
        counted = [p for p in partners if in_order(p)] or partners
        total = sum(sum(p["costs"].values()) for p in counted) or 1
        for partner in counted:
            partner["costs"] = {c: v * LEAST_COSTS * 100 // total for c, v in partner["costs"].items()}
        counted[0]["costs"]["equipment"] += LEAST_COSTS * 100 - sum(sum(p["costs"].values()) for p in counted)


def in_form(application: Application, form: str) -> Any:
    """The application as a contender takes it; a new one."""
    if form == "bytes":
        return _as_json(in_form(application, "flat"))
    if form == "json_bytes":
        return json.dumps(in_form(application, "json")).encode()
    made = dict(application)
    if form == "flat":
        made["partners"] = [{**{k: v for k, v in p.items() if k != "costs"}, **p["costs"]} for p in application["partners"]]
        return made
    amount = float if form in ("float", "json") else Decimal
    made["partners"] = [{**p, "costs": {c: amount(v) for c, v in p["costs"].items()}} for p in application["partners"]]
    if form == "json":
        made |= {k: v.isoformat() for k, v in made.items() if isinstance(v, date)}
    return made


def _as_json(application: Application) -> bytes:
    """JSON with amounts as numbers, by their digits."""
    text = json.dumps(application, default=lambda v: f"#{v}#" if isinstance(v, Decimal) else v.isoformat())
    return text.replace('"#', "").replace('#"', "").encode()


def in_order(partner: Application) -> bool:
    """Whether nothing keeps a partner out."""
    return all(partner[f] for f in WANTED) and not any(partner[f] for f in UNWANTED) and partner["ateco_section"] != "A"


def answer(application: Application) -> Answer:
    """What an application in the `decimal` form comes to, in exact fractions: written for clarity."""
    counted = [p for p in application["partners"] if in_order(p)]
    capital = {p["id"]: Fraction(p["costs"]["equipment"] + p["costs"]["research"]) for p in counted}
    current = {p["id"]: Fraction(p["costs"]["staff"] + p["costs"]["overheads"]) for p in counted}
    rate = {p["id"]: Fraction(15 if p["size"] == "large" else 50, 100) for p in counted}
    small = [p["id"] for p in counted if p["size"] != "large"]
    all_capital, all_current = sum(capital.values(), Fraction(0)), sum(current.values(), Fraction(0))
    total = all_capital + all_current
    checks = (
        application["submitted_at"] <= CLOSING,
        application["agreement_signed"],
        len(counted) >= LEAST_PARTNERS,
        total >= LEAST_COSTS,
        application["project_start"] > application["submitted_at"].date(),
        application["project_end"] <= LAST_DAY,
        len(small) == len(counted) or sum(capital[i] + current[i] for i in small) >= Fraction(30, 100) * total,
    )
    kept = min(all_current, all_capital * 40 / 60) / all_current if all_current else Fraction(0)
    grant = min(Fraction(MOST), sum((rate[i] * (capital[i] + current[i] * kept) for i in capital), Fraction(0)))
    return {
        "eligible": all(checks),
        "reasons": [name for name, held in zip(REASONS, checks, strict=True) if not held],
        "contribution": (Decimal(int(grant * 100 + Fraction(1, 2))) / 100).quantize(Decimal("0.01"), ROUND_HALF_UP),
        "score": _score(application),
    }


def _score(application: Application) -> int:
    score: int = application["technical_score"]
    if score < 65:
        return score
    sent, recognised = application["eoi_submitted_on"], application["eoi_recognised_on"]
    early = sent is not None and sent <= EOI_SENT_BY and recognised is not None and recognised <= EOI_RECOGNISED_BY
    rated = 2 * sum(p["legality_rating"] for p in application["partners"]) > len(application["partners"])
    return score + 10 * early + 5 * rated


def wrong(expected: Answer, given: Answer) -> str | None:
    """The first part of an answer that differs: `cents` where an amount is a cent off, the name of the part elsewhere."""
    for part in ("eligible", "reasons", "score"):
        if expected[part] != (list(given[part]) if part == "reasons" else given[part]):
            return part
    cents = abs(round(Decimal(str(given["contribution"])) * 100) - expected["contribution"] * 100)
    return None if cents == 0 else "cents" if cents <= 1 else "contribution"
