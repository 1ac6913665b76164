"""The time to put a suspended matter right: its last day, for decisions and for the calendar."""

from __future__ import annotations

from bandolo.check import core
from bandolo.evaluate.reference import Evaluation
from bandolo.language import calendar
from bandolo.language.values import Fault, Record, Unknown, Value, unknown


def last_day(evaluation: Evaluation, effect: core.Effect, record: Record) -> Value:
    """The last day to put right what a requirement asks of a record: a date, or what keeps it from being known."""
    assert effect.cure is not None
    assert effect.cure_from is not None
    parts = [evaluation.value(effect.cure_from, {0: record}), evaluation.value(effect.cure, {0: record})]
    fault = next((p for p in parts if isinstance(p, Fault)), None)
    if fault is not None:
        return fault
    if any(isinstance(p, Unknown) for p in parts):
        return unknown(parts)
    try:
        return calendar.add(parts[0], parts[1], evaluation.policy.conventions.month_rounding)  # type: ignore[arg-type]
    except calendar.OutOfRange:
        return Fault("date-out-of-range", effect.cure.span)
