"""The rules that decided what a case did not expect: each with its place in the policy, its expression and the values in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bandolo.evaluate.decision import Decision, RequirementResult
from bandolo.explain.phrases import phrase
from bandolo.explain.reasons import Condition, Derivation, Explanation, Operand, Reason, explanation
from bandolo.explain.speech import Naming
from bandolo.language.types import Language
from bandolo.language.values import Value
from bandolo.policy import Policy
from bandolo.ranking.entrant import Ranking
from bandolo.source import Span
from bandolo.testing.cases import Case, Mismatch
from bandolo.testing.compare import key_of

NAMES = 6
"""How many named values are shown below an expression."""
SUBJECTS = 3
"""How many records of one requirement are shown."""


@dataclass(frozen=True, slots=True)
class Decider:
    """A rule on a record (None for the root), what it came to, where it is written, and its expression with the values in it."""

    rule: str
    record: str | None
    came: str
    place: Span
    lines: tuple[str, ...]


def deciders(policy: Policy, case: Case, decision: Decision, mismatches: tuple[Mismatch, ...], lang: Language) -> list[Decider]:
    """What decided where a traced decision differs from a case, each rule and record once, in the order of the differences."""
    text = policy.text_of(decision)
    told = explanation(text, decision)
    naming = Naming(text, lang)
    found: dict[tuple[str, str | None], Decider] = {}
    for mismatch in mismatches:
        for id_, subject in _requirements(case, decision, mismatch):
            for reason in (r for r in told.reasons if (r.result.id, r.result.subject) == (id_, subject)):
                found.setdefault((id_, subject), _of_reason(naming, reason))
        for derivation in _derivations(told, mismatch):
            key = (derivation.result.name, derivation.result.record)
            found.setdefault(key, _of_result(naming, derivation, told))
    return list(found.values())


def rows_behind(policy: Policy, ranking: Ranking, mismatches: tuple[Mismatch, ...], lang: Language) -> list[Decider]:
    """Why the rows stand where they stand in which a ranking differs from a case."""
    plan = policy.core.ranking
    named = [m.keys[1] for m in mismatches if m.keys[:1] == ("ranking",)]
    if any(m.keys[:1] in (("order",), ("left",), ("ties",)) for m in mismatches):
        named += [r.application for r in ranking.rows]
    rows = {r.application: r for r in ranking.rows}
    if plan is None:
        return []
    return [
        Decider(id_, None, rows[id_].status, plan.order_by[0][0].span, tuple(r.it if lang == "it" else r.en for r in rows[id_].reasons))
        for id_ in dict.fromkeys(named) if id_ in rows
    ]  # fmt: skip


def _requirements(case: Case, decision: Decision, mismatch: Mismatch) -> Iterator[tuple[str, str]]:
    """The requirements, with their records, that a difference comes from."""
    results = decision.requirements
    match mismatch.keys:
        case ("outcome",) | ("stage",) | ("stages", _):
            stage = mismatch.keys[1] if len(mismatch.keys) == 2 else decision.stage
            stops = [r for r in results if r.stage == stage and _stops(r)]
            # Where nothing stops it, what could have.
            could = [r for r in results if r.counts is not False and r.effect not in ("flag", "exclude") and r.verdict != "not_applicable"]
            yield from _those(iter(stops or ([] if case.expect.get("failed") else could)))
            wanted = {str(name) for name in case.expect.get("failed", ())} - set(decision.failed())
            yield from _those(r for r in results if r.id in wanted)
        case ("failed",):
            differing = {str(name) for name in case.expect["failed"]} ^ set(decision.failed())
            failed = set(decision.failed())
            yield from _those(r for r in results if r.id in differing and (r.verdict == "failed" or r.id not in failed))
        case ("excluded",) | ("barred",):
            struck = decision.excluded if mismatch.keys == ("excluded",) else decision.barred
            wanted = {str(name) for name in case.expect[mismatch.keys[0]]}
            for one in (s for s in struck if (s.key or s.record) not in wanted):
                yield from ((id_, one.record) for id_ in one.requirements)
            word = "exclude" if mismatch.keys == ("excluded",) else "bar"
            gone = wanted - {s.key or s.record for s in struck}
            yield from _those(r for r in results if key_of(r.subject) in gone and r.effect == word)
        case ("verdicts" | "message", id_, *rest):
            keys = [key for key in rest if key not in ("it", "en")]
            of_id = [r for r in results if r.id == id_ and (not keys or key_of(r.subject) == keys[0])]
            odd = [r for r in of_id if r.verdict != mismatch.expected]
            yield from _those(iter(odd or of_id))


def _those(results: Iterator[RequirementResult]) -> Iterator[tuple[str, str]]:
    """Their ids and records, of each requirement the first few."""
    count: dict[str, int] = {}
    for result in results:
        count[result.id] = count.get(result.id, 0) + 1
        if count[result.id] <= SUBJECTS:
            yield result.id, result.subject


def _stops(result: RequirementResult) -> bool:
    """Whether a verdict keeps its stage from being passed."""
    return result.verdict in ("failed", "unknown") and result.counts is not False and result.effect not in ("flag", "exclude")


def _derivations(told: Explanation, mismatch: Mismatch) -> Iterator[Derivation]:
    named = mismatch.expected if mismatch.keys == ("undetermined",) else mismatch.where.removeprefix("results.")
    if mismatch.keys[:1] in (("results",), ("undetermined",)):
        for one in told.derivations:
            if named == (f"{one.result.record}.{one.result.name}" if one.result.record else one.result.name):
                yield one


def _of_reason(naming: Naming, reason: Reason) -> Decider:
    result = reason.result
    condition = reason.condition
    if result.verdict == "not_applicable" and reason.applies is not None:
        condition = reason.applies
    record = None if result.subject == naming.policy.root else result.subject
    verdict = naming.said("not_met" if result.verdict == "failed" else result.verdict)
    node = reason.requirement.applies if condition is reason.applies else reason.requirement.check
    assert node is not None
    return Decider(result.id, record, verdict, node.span, tuple(_lines(naming, condition)))


def _of_result(naming: Naming, derivation: Derivation, told: Explanation) -> Decider:
    result = derivation.result
    lines = [derivation.text, *(f"  {_operand(naming, one)}" for one in (*derivation.because, *derivation.names)[:NAMES])]
    place = told.policy.definitions[result.entity, result.name].value.span
    return Decider(result.name, result.record, naming.value(result.value, result.type), place, tuple(lines))


def _lines(naming: Naming, condition: Condition) -> Iterator[str]:
    """A condition with its values; of `and` and `or` only the parts that decided."""
    match condition.kind:
        case "all" | "any":
            decisive = condition.kind == "any"
            parts = [p for p in condition.parts if p.value is not None]
            if condition.value is decisive:
                parts = [p for p in parts if p.value is decisive]
            elif not isinstance(condition.value, bool):
                parts = [p for p in parts if not isinstance(p.value, bool)]
            elif condition.value is False and condition.kind == "all":
                parts = [p for p in parts if p.value is False]
            for part in parts:
                yield from _lines(naming, part)
        case "defined" | "not":
            yield f"{condition.text}: {_truth(naming, condition.value)}"
            for part in condition.parts:
                yield from ("  " + line for line in _lines(naming, part))
        case "is":
            assert condition.left is not None
            yield f"{condition.text}: {naming.value(condition.left.value, condition.left.type)}"
        case "compare":
            yield f"{condition.text}: {_compared(naming, condition)}"
            yield from _names(naming, condition)
        case _:
            yield f"{condition.text}: {_truth(naming, condition.value)}"
            yield from _names(naming, condition)


def _compared(naming: Naming, condition: Condition) -> str:
    left, right = condition.left, condition.right
    assert left is not None
    assert right is not None
    value = naming.value(left.value, left.type)
    alone = right.fixed and condition.operator in ("in", "=", "!=")  # what it is compared with stands in the expression
    return value if alone else f"{value} {condition.operator} {naming.value(right.value, right.type)}"


def _names(naming: Naming, condition: Condition) -> Iterator[str]:
    yield from (f"  {_operand(naming, one)}" for one in condition.names[:NAMES])


def _operand(naming: Naming, operand: Operand) -> str:
    return f"{operand.text} = {naming.value(operand.value, operand.type)}"


def _truth(naming: Naming, value: Value | None) -> str:
    if isinstance(value, bool):
        return phrase("yes" if value else "no", naming.lang)
    return naming.said("not_looked" if value is None else "not_known")
