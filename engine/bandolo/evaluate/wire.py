"""The JSON form of a decision: the only place that knows it. `grammar/decision.schema.json` is its schema."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

from bandolo.evaluate.decision import Decision, RequirementResult, ResultValue
from bandolo.language.types import INTEGER, MONEY, PERCENT, OptionalType, Type
from bandolo.language.values import NONE, Duration, Fault, ListValue, Record, Unknown, Value

FORMAT = "1"
"""The version of the decision's JSON form; it changes when a reader of the old form could be misled."""


def decision_as_data(decision: Decision) -> dict[str, Any]:
    """The published form of a decision."""
    data = frame(decision)
    data["requirements"] = [requirement_as_data(r) for r in decision.requirements]
    data["results"], data["undetermined"] = _results(decision)
    return data


def frame(decision: Decision) -> dict[str, Any]:
    """The published form without requirements and results, whose places are kept."""
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
        "requirements": [],
        "excluded": [_struck(s) for s in decision.excluded],
        "barred": [_struck(s) | {"stage": s.stage} for s in decision.barred],
        "results": {},
        "undetermined": {},
        "missing": list(decision.missing),
        "pending": list(decision.pending),
        "open_readings": list(decision.open_readings),
        "assumed": list(decision.assumed),
        "changed": list(decision.changed),
        "readings": dict(decision.readings),
        "faults": [{"code": f.code, "place": f.place, "expression": f.text, "affects": list(f.affects)} for f in decision.faults],
    }
    return data


def requirement_as_data(result: RequirementResult) -> dict[str, Any]:
    """The published form of a verdict."""
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
            put(known, result, plain(value, result.type))
            continue
        entry: dict[str, Any] = {"fault": value.code} if isinstance(value, Fault) else {"missing": sorted(value.missing)}
        unknown[path_of(result)] = entry | ends_of(result)
    return known, unknown


def path_of(result: ResultValue) -> str:
    return result.name if result.record is None else f"{result.record}.{result.name}"


def ends_of(result: ResultValue) -> dict[str, Any]:
    """The bounds of a result that is not known, as far as there are any."""
    value = result.value
    if not isinstance(value, Unknown):
        return {}
    ends = {"at_least": value.low, "at_most": value.high}
    return {name: plain(end, result.type) for name, end in ends.items() if end is not None}


def undetermined_results(decision: Decision) -> dict[str, Any]:
    """The results that are not known, by path, with what is known of them."""
    return _results(decision)[1]


def put(target: dict[str, Any], result: ResultValue, value: Any) -> None:
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
            put(known, result, python_value(result.value, result.type))
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
