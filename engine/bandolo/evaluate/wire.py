"""The JSON form of a decision: the only place that knows it. `grammar/decision.schema.json` is its schema."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

from bandolo.evaluate.decision import Decision, Quote, RequirementResult, ResultValue
from bandolo.language.types import INTEGER, MONEY, PERCENT, OptionalType, Type
from bandolo.language.values import NONE, Duration, Fault, ListValue, Record, Unknown, Value

FORMAT = "1"
"""The version of the decision's JSON form; it changes when a reader of the old form could be misled."""


def decision_as_data(decision: Decision, with_requirements: bool = True) -> dict[str, Any]:
    """The published form of a decision."""
    results, undetermined = _results(decision)
    data: dict[str, Any] = {
        "bandolo": decision.engine,
        "format": FORMAT,
        "policy": {"id": decision.policy_id, "digest": decision.policy_digest, "amendments": list(decision.amendments)},
        "application": decision.application,
        "application_digest": decision.application_digest,
        "as_of": decision.as_of,
        "outcome": decision.outcome,
        "stage": decision.stage,
        "stages": dict(decision.stages),
        "requirements": [_requirement(r) for r in decision.requirements] if with_requirements else [],
        "excluded": [_struck(s) for s in decision.excluded],
        "barred": [_struck(s) | {"stage": s.stage} for s in decision.barred],
        "results": results,
        "undetermined": undetermined,
        "missing": list(decision.missing),
        "pending": list(decision.pending),
        "open_readings": list(decision.open_readings),
        "assumed": list(decision.assumed),
        "changed": list(decision.changed),
        "readings": dict(decision.readings),
        "faults": [{"code": f.code, "place": f.place, "expression": f.text, "affects": list(f.affects)} for f in decision.faults],
    }
    return data


def decision_as_text(decision: Decision) -> str:
    """The published form as JSON text on one line, byte for byte that of `decision_as_data`.

    A call's verdicts differ in little but their subject: what is met is spelt once for each requirement, quotes and all.
    """
    whole = json.dumps(decision_as_data(decision, with_requirements=False), ensure_ascii=False)
    before, between, after = whole.partition('"requirements": []')
    return f'{before}"requirements": [{", ".join([_requirement_text(r) for r in decision.requirements])}]{after}' if between else whole


_SPELT: dict[tuple[object, ...], tuple[tuple[Quote, ...], str, str]] = {}
SPELT = 8192


def _requirement_text(result: RequirementResult) -> str:
    if result.message or result.missing or result.fault is not None or result.cure_by is not None:
        return json.dumps(_requirement(result), ensure_ascii=False)
    key = (id(result.sources), result.id, result.stage, result.verdict, result.effect, result.counts)
    found = _SPELT.get(key)
    if found is None or found[0] is not result.sources:
        whole = json.dumps(_requirement(result), ensure_ascii=False)
        subject = json.dumps(result.subject, ensure_ascii=False)
        start = f'{{"id": {json.dumps(result.id, ensure_ascii=False)}, "subject": '
        if len(_SPELT) >= SPELT:
            _SPELT.clear()
        found = _SPELT[key] = result.sources, start, whole[len(start) + len(subject) :]
    return f"{found[1]}{json.dumps(result.subject, ensure_ascii=False)}{found[2]}"


def _requirement(result: RequirementResult) -> dict[str, Any]:
    data: dict[str, Any] = {
        "id": result.id,
        "subject": result.subject,
        "stage": result.stage,
        "verdict": result.verdict,
        "effect": result.effect,
        "counts": result.counts,
        "message": dict(result.message),
        "sources": [{"document": q.document, "quote": q.quote} for q in result.sources],
    }
    if result.missing:
        data["missing"] = list(result.missing)
    if result.fault is not None:
        data["fault"] = result.fault
    if result.cure_by is not None:
        data["cure_by"] = result.cure_by.isoformat()
    return data


def _struck(struck: Any) -> dict[str, Any]:
    return {"record": struck.record, "key": struck.key, "requirements": list(struck.requirements)}


def _results(decision: Decision) -> tuple[dict[str, Any], dict[str, Any]]:
    """Known results in their places, and of the others what is known of them."""
    known: dict[str, Any] = {}
    unknown: dict[str, Any] = {}
    for result in decision.result_values:
        value = result.value
        if not isinstance(value, Unknown | Fault):
            _put(known, result, plain(value, result.type))
            continue
        name = result.name if result.record is None else f"{result.record}.{result.name}"
        entry: dict[str, Any] = {}
        if isinstance(value, Fault):
            entry["fault"] = value.code
        else:
            entry["missing"] = sorted(value.missing)
            if value.low is not None:
                entry["at_least"] = plain(value.low, result.type)
            if value.high is not None:
                entry["at_most"] = plain(value.high, result.type)
        unknown[name] = entry
    return known, unknown


def undetermined_results(decision: Decision) -> dict[str, Any]:
    """The results that are not known, by path, with what is known of them."""
    return _results(decision)[1]


def _put(target: dict[str, Any], result: ResultValue, value: Any) -> None:
    """Into the tree of results: under each list's name, by the record's key (or `[position]`)."""
    if result.record is not None:
        for part in split_path(result.record):
            target = target.setdefault(part, {})
    target[result.name] = value


def split_path(record: str) -> list[str]:
    """`partners[IT1].expenses[0]` as partners, IT1, expenses, 0."""
    parts: list[str] = []
    rest = record
    while rest:
        name, bracket, rest = rest.partition("[")
        parts.append(name.lstrip("."))
        if not bracket:
            break
        depth, end = 1, 0
        while depth and end < len(rest):
            depth += {"[": 1, "]": -1}.get(rest[end], 0)
            end += 1
        parts.append(rest[: end - 1])
        rest = rest[end:]
    return parts


def plain(value: Value, type_: Type) -> Any:
    """A value as JSON: exact numbers as text, whole numbers as numbers, `none` as null."""
    type_ = type_.of if isinstance(type_, OptionalType) else type_
    match value:
        case bool() | str():
            return value
        case Fraction():
            if type_ == MONEY:
                return f"{decimal_of(value):.2f}" if (value * 100).denominator == 1 else exact_text(value)
            if type_ == PERCENT:
                return exact_text(value * 100) + "%"
            return int(value) if type_ == INTEGER else exact_text(value)
        case datetime():
            return value.isoformat()
        case date():
            return value.isoformat()
        case Duration(months=months, days=days):
            parts = [f"{months} months"] * bool(months) + [f"{days} days"] * (bool(days) or not months)
            return " ".join(parts)
        case Record():
            return value.key if value.key is not None else value.path
        case ListValue(members=members):
            return [plain(m.value, getattr(type_, "item", type_)) for m in members]
    assert value is NONE
    return None


def exact_text(value: Fraction) -> str:
    """A number as a decimal where one is exact, else as a fraction: `0.3`, `1/3`."""
    if not is_decimal(value):
        return f"{value.numerator}/{value.denominator}"
    text = f"{decimal_of(value):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def is_decimal(value: Fraction) -> bool:
    denominator = value.denominator
    for prime in (2, 5):
        while denominator % prime == 0:
            denominator //= prime
    return denominator == 1


def decimal_of(value: Fraction) -> Decimal:
    """The Decimal equal to a fraction whose decimals end."""
    with localcontext() as context:
        context.prec = 6000
        context.Emax, context.Emin = 999999, -999999
        return Decimal(value.numerator) / Decimal(value.denominator)


def python_results(decision: Decision) -> dict[str, Any]:
    """Results as Python values, in the same tree as in JSON."""
    known: dict[str, Any] = {}
    for result in decision.result_values:
        if not isinstance(result.value, Unknown | Fault):
            _put(known, result, python_value(result.value, result.type))
    return known


def python_value(value: Value, type_: Type) -> Any:
    type_ = type_.of if isinstance(type_, OptionalType) else type_
    if isinstance(value, Fraction):
        if type_ == INTEGER:
            return int(value)
        return decimal_of(value) if is_decimal(value) else value
    if value is NONE:
        return None
    return plain(value, type_) if isinstance(value, Duration | Record | ListValue) else value
