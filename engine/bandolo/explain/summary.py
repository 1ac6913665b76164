"""A decision in a few lines: the outcome, why, what is missing, the main results."""

from __future__ import annotations

from bandolo.check import core
from bandolo.evaluate.decision import Decision
from bandolo.explain.page import Block, Line
from bandolo.explain.phrases import phrase
from bandolo.language.types import Language
from bandolo.language.values import Fault, Unknown
from bandolo.language.wording import say

SHOWN = 6


def summary(policy: core.Policy, decision: Decision, lang: Language, label: str) -> list[Block]:
    """The outcome first; then each requirement that failed or is open, once, and the results of the whole."""
    mark = {"admitted": "met", "rejected": "failed"}.get(decision.outcome, "unknown")
    stage = next(s for s in policy.stages if s.name == decision.stage)
    stage_name = stage.words.label.said(lang) if stage.words.label else decision.stage.replace("_", " ")
    out: list[Block] = [Line(f"{decision.application or label}: {phrase(decision.outcome, lang)} ({stage_name})", mark, strong=True)]
    failing = [r for r in decision.requirements if r.verdict == "failed" and r.counts is not False and r.effect != "flag"]
    for result in [r for r in failing if decision.stages[r.stage] != "not_started"][:SHOWN]:
        requirement = policy.requirements[result.id]
        name = requirement.words.label.said(lang) if requirement.words.label else result.id.replace("_", " ")
        out.append(Line(result.message.get(lang) or name, "failed", indent=1))
    for key, names in (("missing", decision.missing), ("pending", decision.pending), ("open_readings", decision.open_readings)):
        if names and decision.outcome not in ("rejected", "admitted"):
            more = f" … (+{len(names) - SHOWN})" if len(names) > SHOWN else ""
            out.append(Line(f"{phrase(key, lang)}: {', '.join(names[:SHOWN])}{more}", "unknown", indent=1))
    for key, names in (("assumed", decision.assumed), ("changed", decision.changed), ("amendments", decision.amendments)):
        if names:
            out.append(Line(f"{phrase(key, lang)}: {', '.join(names)}", "unknown", indent=1))
    for fault in decision.faults:
        out.append(Line(f"{phrase('faults', lang)}: {fault.code} ({fault.place}) {fault.text}", "failed", indent=1))
    for value in (v for v in decision.result_values if v.record is None and not isinstance(v.value, Unknown | Fault)):
        definition = policy.definitions[value.entity, value.name]
        name = definition.words.label.said(lang) if definition.words.label else value.name.replace("_", " ")
        if definition.synthetic and value.name in ("base_score", "bonus_points", "final_score"):
            name = phrase(value.name, lang)
        conventions = policy.conventions
        out.append(Line(f"{name}: {say(value.value, value.type, lang, conventions.currency, conventions.time_zone)}", indent=1))
    return out
