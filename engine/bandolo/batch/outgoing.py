"""What comes out: a row an application, and a record where that is asked for. The schema depends on the policy alone (docs/batch.md)."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from bandolo.batch.helpers import Array
from bandolo.batch.program import MASK_BITS, OUTCOMES, STATUSES, Outgoing, Program
from bandolo.check import core
from bandolo.diagnostics import Diagnostic
from bandolo.evaluate.decision import Decision
from bandolo.evaluate.wire import exact_text, plain
from bandolo.language.types import BOOLEAN, DATE, DATETIME, INTEGER, MONEY, PERCENT, OptionalType, Type
from bandolo.language.values import NONE, Fault, Unknown

WORDS = pa.dictionary(pa.int8(), pa.string())
OUTCOME_WORDS = tuple("rejected" if w == "failed" else w for w in OUTCOMES)
TEXTS = pa.list_(pa.string())


def schema(policy: core.Policy) -> pa.Schema:
    """The columns of the applications' table."""
    fields = [("application", pa.string()), ("outcome", WORDS), ("stage", WORDS)]
    fields += [(f"stage.{s.name}", WORDS) for s in policy.stages]
    fields += [("failed", TEXTS)]
    fields += [(f"result.{r.name}", arrow_type(policy, r.type)) for r in policy.results if r.entity == policy.root]
    return pa.schema([*fields, ("missing", TEXTS), ("error", pa.string())])


def record_schema(policy: core.Policy, entity: str) -> pa.Schema:
    """The columns of the table of an entity's records."""
    fields = [("application", pa.string()), ("record", pa.string()), ("excluded", pa.bool_()), ("barred", pa.bool_()), ("failed", TEXTS)]
    return pa.schema(fields + [(f"result.{r.name}", arrow_type(policy, r.type)) for r in policy.results if r.entity == entity])


def arrow_type(policy: core.Policy, type_: Type) -> pa.DataType:
    """How a result stands in a column: amounts exact to the cent, numbers that need not be whole as exact text."""
    type_ = type_.of if isinstance(type_, OptionalType) else type_
    by_type: dict[Type, pa.DataType] = {MONEY: pa.decimal128(38, 2), INTEGER: pa.int64(), BOOLEAN: pa.bool_(), DATE: pa.date32()}
    if type_ == DATETIME:
        return pa.timestamp("us", tz=policy.conventions.time_zone)
    return by_type.get(type_, pa.string())


# From a program's arrays.


def table_of(policy: core.Policy, program: Program, names: pa.Array, back: Sequence[Array], missing: pa.Array) -> pa.Table:
    """The applications' table from what a program computed; `missing` are the facts that leave verdicts open."""
    count = len(names)
    wanted = schema(policy)
    stages = [s.name for s in policy.stages]
    columns: list[Any] = [names, _coded(back[program.outcome], OUTCOME_WORDS), _coded(back[program.stage], stages)]
    columns += [_coded(back[at], STATUSES) for at in program.statuses]
    columns.append(failed_lists([back[at] for at in program.masks], program.requirements))
    for result in program.results:
        if result.entity == policy.root:
            columns.append(_result(result, back, wanted.field(f"result.{result.name}").type, policy, count))
    columns += [missing, pa.nulls(count, pa.string())]
    return pa.Table.from_arrays(columns, schema=wanted)


def listed_by_row(count: int, rows: Array, texts: pa.Array) -> pa.Array:
    """Lists of texts, in order and each once, of so many rows: the row of each text is given."""
    if len(rows):
        found = pa.table({"row": rows, "text": texts}).group_by(["row", "text"]).aggregate([])
        found = found.sort_by([("row", "ascending"), ("text", "ascending")])
        rows, texts = np.asarray(found["row"]), found["text"].combine_chunks()
    offsets = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=count)))).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), texts)


def record_table_of(
    policy: core.Policy, program: Program, entity: str, names: pa.Array, paths: pa.Array, back: Sequence[Array]
) -> pa.Table:
    """The table of an entity's records from what a program computed."""
    count = len(names)
    wanted = record_schema(policy, entity)
    excluded = back[program.excluded[entity]]
    at, *masks = (back[i] for i in program.failing[entity]) if program.failing.get(entity) else (np.zeros(0, np.int64),)
    whole = [np.zeros(count, np.int64) for _ in range(program.words)]
    for target, mask in zip(whole, masks, strict=False):
        target[at] = mask
    columns: list[Any] = [
        names,
        paths,
        pa.array(excluded),
        pa.array(back[program.barred[entity]]),
        failed_lists(whole, program.requirements),
    ]
    gone = back[program.admitted[entity]] if entity in program.admitted else None
    for result in program.results:
        if result.entity == entity:
            found = _result(result, back, wanted.field(f"result.{result.name}").type, policy, count)
            columns.append(found if gone is None else _without(found, gone))
    return pa.Table.from_arrays(columns, schema=wanted)


def _without(column: pa.Array, kept: Array) -> pa.Array:
    import pyarrow.compute as pc

    return pc.if_else(pa.array(kept), column, pa.scalar(None, column.type))


def _coded(codes: Array, words: Sequence[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes.view(np.int8)), pa.array(words, pa.string()), safe=False)


def failed_lists(masks: Sequence[Array], requirements: Sequence[str]) -> pa.Array:
    """The ids that the bits of some masks stand for, in the order of the decision."""
    if len(masks) == 1:
        coded = pa.array(masks[0]).dictionary_encode()
        combos: list[tuple[int, ...]] = [(m,) for m in coded.dictionary.to_pylist()]
        which = coded.indices
    else:
        found, back = np.unique(np.stack(masks, axis=1), axis=0, return_inverse=True)
        which, combos = pa.array(back.reshape(-1)), [tuple(int(v) for v in row) for row in found]
    lists = [[id_ for i, id_ in enumerate(requirements) if combo[i // MASK_BITS] >> i % MASK_BITS & 1] for combo in combos]
    return pa.array(lists, TEXTS).take(which)


def _result(result: Outgoing, back: Sequence[Array], type_: pa.DataType, policy: core.Policy, count: int) -> pa.Array:
    of_type = next(r.type for r in policy.results if (r.entity, r.name) == (result.entity, result.name))
    of_type = of_type.of if isinstance(of_type, OptionalType) else of_type
    if result.parts[0] is None:
        return _repeated(result, type_, of_type, count)
    values, under, none, words = (None if at is None else back[at] for at in result.parts)
    assert values is not None
    values = values if values.ndim else np.broadcast_to(values, (count,))
    mask = None if none is None else np.broadcast_to(np.asarray(none, bool), (count,))
    if of_type == MONEY:
        return cents_array(values.astype(np.int64, copy=False), mask)
    if result.form == "flag":
        return pa.array(values, pa.bool_(), mask=mask)
    if result.form == "word":
        assert words is not None
        return pa.DictionaryArray.from_arrays(pa.array(values, mask=mask), pa.array(list(words), pa.string())).cast(pa.string())
    if of_type == DATE:
        return pa.array(values.astype(np.int32), pa.int32(), mask=mask).cast(pa.date32())
    if of_type == DATETIME:
        return pa.array(values * (10**6 // result.scale), pa.int64(), mask=mask).cast(type_)
    if of_type == INTEGER:
        return pa.array(values.astype(np.int64, copy=False) // result.scale, pa.int64(), mask=mask)
    return _texts(values, under, result.scale, of_type, mask)


def _repeated(result: Outgoing, type_: pa.DataType, of_type: Type, count: int) -> pa.Array:
    """A result that is the same for every application."""
    from datetime import UTC, datetime, timedelta
    from fractions import Fraction

    value = result.constant
    if value is NONE:
        return pa.nulls(count, type_)
    if isinstance(value, Fraction):
        if of_type == MONEY:
            value = exact_cents(int(value * 100))
        elif of_type == DATE:
            value = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=int(value))).date()
        elif of_type == DATETIME:
            value = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(value * 10**6))
        else:
            value = int(value) if of_type == INTEGER else str(plain(value, of_type))
    return pa.array([value], type_).take(pa.array(np.zeros(count, np.int64)))


def exact_cents(cents: int) -> Decimal:
    """Whole cents as euro; `scaleb` would round to the digits of the context."""
    return Decimal(f"{cents}e-2")


def cents_array(cents: Array, mask: Array | None) -> pa.Array:
    """Whole cents as exact decimals."""
    parts = np.empty((len(cents), 2), np.int64)
    parts[:, 0] = cents
    np.right_shift(cents, 63, out=parts[:, 1])
    valid = None if mask is None else pa.py_buffer(np.packbits(~mask, bitorder="little"))
    return pa.Array.from_buffers(pa.decimal128(38, 2), len(cents), [valid, pa.py_buffer(parts)])


def _texts(values: Array, under: Array | None, scale: int, of_type: Type, mask: Array | None) -> pa.Array:
    """Exact numbers as text; each that occurs is written once."""
    from fractions import Fraction

    if under is None:
        known, which = np.unique(values, return_inverse=True)
        texts = [str(plain(Fraction(int(v), scale), of_type)) for v in known]
    else:
        known, which = np.unique(np.stack([values, np.broadcast_to(under, values.shape)], axis=1), axis=0, return_inverse=True)
        texts = [str(plain(Fraction(int(v), scale * int(d)), of_type)) for v, d in known]
    return pa.DictionaryArray.from_arrays(pa.array(which.reshape(-1).astype(np.int32), mask=mask), pa.array(texts, pa.string())).cast(
        pa.string()
    )


# From decisions.


def beyond(decision: Decision, entities: Collection[str]) -> list[Diagnostic]:
    """Why the columns cannot hold a decision's results: the first that is too large, of the application or of a record of some entities.

    Code: `number-too-long`. A whole number has 64 bits there, an amount 38 digits.
    """
    from fractions import Fraction

    for result in decision.result_values:
        type_ = result.type.of if isinstance(result.type, OptionalType) else result.type
        if type_ not in (INTEGER, MONEY) or not isinstance(result.value, Fraction):
            continue
        if result.record is not None and result.entity not in entities:
            continue
        low, above, limit = (-(2**63), 2**63, "64 bit") if type_ == INTEGER else (1 - 10**38, 10**38, "38")
        number = result.value if type_ == INTEGER else result.value * 100
        if not low <= number < above:
            path = f"results.{result.name}" if result.record is None else f"{result.record}.{result.name}"
            return [Diagnostic("number-too-long", args={"found": exact_text(result.value), "limit": limit}, path=path)]
    return []


def row_of(policy: core.Policy, name: str | None, decision: Decision | None, errors: Sequence[Diagnostic]) -> dict[str, Any]:
    """A decision as a row of the applications' table; bad data has an error and no outcome."""
    row: dict[str, Any] = {"application": name, "failed": [], "missing": []}
    if decision is None:
        first = errors[0] if errors else None
        return row | {"error": "bad-data" if first is None else f"{first.code} {first.path or ''}".strip()}
    failed = dict.fromkeys(r.id for r in decision.requirements if r.verdict == "failed" and decision.stages.get(r.stage) != "not_started")
    row |= {"outcome": decision.outcome, "stage": decision.stage, "failed": list(failed), "missing": list(decision.missing)}
    row |= {f"stage.{s}": v for s, v in decision.stages.items()}
    for result in decision.result_values:
        if result.record is None:
            row[f"result.{result.name}"] = cell(policy, result.value, result.type)
    return row


def cell(policy: core.Policy, value: Any, type_: Type) -> Any:
    """A result as its column has it."""
    from fractions import Fraction

    if value is NONE or isinstance(value, Unknown | Fault):
        return None
    type_ = type_.of if isinstance(type_, OptionalType) else type_
    if isinstance(value, Fraction):
        if type_ == MONEY:
            return exact_cents((value * 100).numerator)
        return int(value) if type_ == INTEGER else exact_text(value * 100) + "%" if type_ == PERCENT else exact_text(value)
    if arrow_type(policy, type_) == pa.string():
        text = plain(value, type_)
        return text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)
    return value


def record_rows(policy: core.Policy, entity: str, name: str | None, decision: Decision, paths: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of an entity's records, in the order in which they were given."""
    excluded, barred = {s.record for s in decision.excluded}, {s.record for s in decision.barred}
    failed: dict[str, list[str]] = {}
    for verdict in decision.requirements:
        if verdict.verdict == "failed" and decision.stages.get(verdict.stage) != "not_started":
            failed.setdefault(verdict.subject, []).append(verdict.id)
    rows = {
        path: {"application": name, "record": path, "excluded": path in excluded, "barred": path in barred, "failed": failed.get(path, [])}
        for path in paths
    }
    for result in decision.result_values:
        if result.entity == entity and result.record in rows:
            rows[result.record][f"result.{result.name}"] = cell(policy, result.value, result.type)
    return list(rows.values())


def from_rows(rows: Sequence[Mapping[str, Any]], wanted: pa.Schema) -> pa.Table:
    """A table of rows."""
    columns = []
    for field in wanted:
        values = [row.get(field.name) for row in rows]
        if field.type == WORDS:
            columns.append(pa.array(values, pa.string()).dictionary_encode().cast(WORDS))
        else:
            columns.append(pa.array(values, field.type))
    return pa.Table.from_arrays(columns, schema=wanted)
