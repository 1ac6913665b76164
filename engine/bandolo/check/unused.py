"""What is declared and never used: warnings, since a forgotten condition looks just like this."""

from __future__ import annotations

import re

from bandolo.check import core
from bandolo.diagnostics import Diagnostic
from bandolo.syntax import ast


def unused(policy: core.Policy, doc: ast.PolicyDoc) -> list[Diagnostic]:
    """Warnings `unused-fact`, `unused-definition`, `unused-parameter`, `unused-reading`, `unused-table`, `unused-choice`."""
    used = _used(policy)
    words = {w for node in _names(doc) for w in node}
    found: list[Diagnostic] = []

    def warn(code: str, entry: ast.Ident) -> None:
        found.append(Diagnostic(code, entry.span, {"name": entry.name}, severity="warning"))

    results = {(r.entity, r.name) for r in policy.results}
    for entity in doc.entities:
        for fact in entity.facts:
            word = fact.name.name
            needed = (
                fact.key
                or (entity.shown_as is not None and entity.shown_as.name == word)
                or any(e.listed_in == word for e in policy.entities.values())
                or (policy.ranking is not None and word in (policy.ranking.gives_award, policy.ranking.gives_struck))
            )
            # An id that nothing reads still names the record; a list that nothing reads still holds its records.
            if ("fact", entity.name.name, word) not in used and not needed:
                warn("unused-fact", fact.name)
    for owner, definitions in doc.definitions:
        for definition in definitions:
            key = (owner.name, definition.name.name)
            told = policy.ranking is not None and policy.ranking.gives_part == definition.name.name
            if ("definition", *key) not in used and key not in results and not told:
                warn("unused-definition", definition.name)
    for parameter in doc.parameters:
        if ("parameter", "", parameter.name.name) not in used:
            warn("unused-parameter", parameter.name)
    for reading in doc.readings:
        if ("reading", "", reading.name.name) not in used:
            warn("unused-reading", reading.name)
    for name in (*(r.name for r in doc.rates), *(b.name for b in doc.bands), *(f.name for f in doc.formulas)):
        if name.name not in words:
            warn("unused-table", name)
    return found


def _used(policy: core.Policy) -> set[tuple[str, str, str]]:
    used: set[tuple[str, str, str]] = set()
    for expression in expressions(policy):
        for node in core.walk(expression):
            match node:
                case core.Fact(record=record, name=name):
                    used.add(("fact", getattr(record.type, "entity", ""), name))
                case core.Computed(entity=entity, name=name):
                    used.add(("definition", entity, name))
                case core.Parameter() | core.Dated():
                    used.add(("parameter", "", node.name))
                case core.Option(reading=name):
                    used.add(("reading", "", name))
    for requirement in policy.requirements.values():
        if requirement.effect_by:
            used.add(("reading", "", requirement.effect_by))
    if policy.money_rounding_by:
        used.add(("reading", "", policy.money_rounding_by[0]))
    if policy.ranking is not None:
        used |= {("reading", "", by) for by, _ in policy.ranking.words_by.values() if by}
    return used


def expressions(policy: core.Policy) -> list[core.Expr]:
    """Every expression of a policy."""
    found: list[core.Expr | None] = [d.value for d in policy.definitions.values()]
    for requirement in policy.requirements.values():
        found += [requirement.applies, requirement.check]
        for effect in requirement.effects.values():
            found += [effect.cure, effect.cure_from]
        if requirement.message is not None:
            found += [p for pieces in requirement.message.pieces.values() for p in pieces if not isinstance(p, str)]
    for parameter in policy.parameters.values():
        # What a parameter must be does not use it.
        found += [parameter.value, *(v.value for v in parameter.versions)]
    found += [stage.opens for stage in policy.stages]
    ranking = policy.ranking
    if ranking is not None:
        found += [*(e for e, _ in ranking.order_by), ranking.exclusive_key, ranking.budget, ranking.award]
        found += [e for _, amount, award in ranking.pots for e in (amount, award)]
        found += [e for e, _ in ranking.keep]
    for brackets, _ in policy.brackets:
        found += [e for step in brackets.steps for e in (step.to, step.amount)]
    return [e for e in found if e is not None]


def _names(doc: ast.PolicyDoc) -> list[set[str]]:
    """The words of every expression: tables and formulas leave no trace of their name in core."""
    text = doc.span.source.text
    return [set(re.findall(r"\b([A-Za-z_]\w*)\b\s*[\[(]", text))]
