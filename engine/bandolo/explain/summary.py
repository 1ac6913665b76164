"""A decision in a few lines: the outcome, why, what is missing, the main results."""

from __future__ import annotations

from bandolo.check import core
from bandolo.evaluate.decision import Decision
from bandolo.explain.blocks import Block, Line
from bandolo.explain.speech import SHOWN, Speech
from bandolo.language.types import Language
from bandolo.language.values import Unknown


def summary(policy: core.Policy, decision: Decision, lang: Language, label: str) -> list[Block]:
    """The outcome first; then each requirement that failed or is open, once, and the results of the whole."""
    speech = Speech(policy, decision, lang)
    mark = {"admitted": "met", "rejected": "failed"}.get(decision.outcome, "unknown")
    where = f" ({speech.stage(decision.stage)})" if len(decision.stages) > 1 else ""
    out: list[Block] = [Line(f"{decision.application or label}: {speech.said(decision.outcome)}{where}", mark, strong=True)]
    failing = [r for r in decision.requirements if r.verdict == "failed" and r.counts is not False]
    for result in [r for r in failing if decision.stages[r.stage] != "not_started"][: 2 * SHOWN]:
        requirement = policy.requirements[result.id]
        text = result.message.get(lang) or f"{speech.requirement(requirement)}: {speech.verdict(result)}"
        if result.effect == "exclude":
            out.append(Line(f"{speech.said('excluded')}: {text}", "not_applicable", indent=1))
        elif result.effect == "flag":
            out.append(Line(f"{speech.said('noted')}: {text}", "unknown", indent=1))
        else:
            cure = f" — {speech.effect(requirement, result)}" if result.cure_by else ""
            out.append(Line(text + cure, "failed", indent=1))
    if decision.missing and decision.outcome not in ("rejected", "admitted"):
        out.append(Line(f"{speech.said('missing')}: {speech.listed([speech.fact(m) for m in decision.missing])}", "unknown", indent=1))
    for key, names in (("pending", decision.pending), ("open_readings", decision.open_readings)):
        if names and decision.outcome not in ("rejected", "admitted"):
            out.append(Line(f"{speech.said(key)}: {speech.listed([speech.named(n) for n in names])}", "unknown", indent=1))
    for key, names in (("assumed", decision.assumed), ("changed", decision.changed), ("amendments", decision.amendments)):
        if names:
            out.append(Line(f"{speech.said(key)}: {', '.join(speech.named(n) for n in names)}", "unknown", indent=1))
    for fault in decision.faults:
        out.append(Line(f"{speech.said('faults')}: {fault.code} ({fault.place}) {fault.text}", "failed", indent=1))
    later = []
    for value in (v for v in decision.result_values if v.record is None):
        name = speech.result(value.entity, value.name)
        text = f"{name}: {speech.value(value.value, value.type)}"
        if isinstance(value.value, Unknown):
            if decision.outcome in ("admitted", "rejected"):
                later.append(name)  # it is decided all the same: a later stage will tell
                continue
            facts = [speech.fact(m) for m in sorted(value.value.missing)]
            text += f"; {speech.said('needs', facts=speech.listed(facts))}" if facts else ""
        out.append(Line(text, "unknown" if isinstance(value.value, Unknown) else "none", indent=1))
    if later:
        out.append(Line(speech.said("later", names=", ".join(later)), "unknown", indent=1))
    return out
