"""Tables in every form that Arrow has: a row is what `decide` says of it, or the table is refused by a code; nothing is passed over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from bandolo.batch import run
from bandolo.batch.tables import BadTables
from bandolo.diagnostics import ApplicationError
from small import policy

BIDS = policy("""
stages: [first, last]
choices:
  colour: [red, green]
entities:
  project:
    facts:
      id: {type: text, key: true}
      cost: {type: money, optional: true}
      note: {type: text, optional: true}
      paint: {type: colour, optional: true}
      tint: colour
      day: {type: date, optional: true}
      sent: {type: datetime, optional: true}
      size: {type: number, optional: true}
      score: {type: integer, asked: [first, last], optional: true}
      firms: list of firm
  firm:
    facts:
      vat: {type: text, key: true}
      sound: boolean
requirements:
  project:
    cheap: {stage: first, check: cost is none or cost <= 30 EUR, otherwise: reject}
    red: {stage: first, check: paint is none or paint = red, otherwise: reject}
    tinted: {stage: first, check: tint = red, otherwise: reject}
    early: {stage: first, check: day is none or day < 2023-01-01, otherwise: reject}
    in_time: {stage: first, check: sent is none or sent <= 2023-02-28 16:00, otherwise: reject}
    small: {stage: first, check: size is none or size <= 1.5, otherwise: reject}
    noted: {stage: first, check: note is none or note != "bad", otherwise: reject}
    sound: {stage: first, check: all(sound of firms), otherwise: reject}
    kept: {stage: last, check: score at first is none or score at last is none or score at first <= score at last, otherwise: reject}
""")
FIRM = pa.struct([("vat", pa.string()), ("sound", pa.bool_())])
FIRMS = [{"vat": "1", "sound": True}]


def bids(**columns: Any) -> pa.Table:
    """Two applications, sound but for the given columns."""
    facts = ("cost", "note", "paint", "day", "sent", "size", "score at first", "score at last")
    none = {name: pa.nulls(2) for name in facts if not (name == "score at first" and "score" in columns)}
    given: dict[str, Any] = {"id": ["A", "B"], "tint": ["red", "red"], "firms": pa.array([FIRMS, FIRMS], pa.list_(FIRM)), **none, **columns}
    return pa.table({name: values if isinstance(values, pa.Array) else pa.array(values) for name, values in given.items()})


def said(table: pa.Table | Mapping[str, pa.Table]) -> list[str]:
    """Of each row the code of what is bad, or the outcome."""
    rows = run(BIDS, table).applications.to_pylist()
    return [row["error"] or " ".join([row["outcome"], *row["failed"]]) for row in rows]


def refused(table: pa.Table | Mapping[str, pa.Table]) -> str:
    """The code by which a table is refused, with what it names."""
    with pytest.raises(BadTables) as found:
        run(BIDS, table)
    return " ".join([found.value.diagnostic.code, *map(str, found.value.diagnostic.args.values())])


def days(*numbers: int) -> pa.Array:
    return pa.array(numbers, pa.int32()).cast(pa.date32())


def instants(unit: str, zone: str | None, *numbers: int) -> pa.Array:
    return pa.array(numbers, pa.int64()).cast(pa.timestamp(unit, zone))


DEADLINE = 1677596400
"""2023-02-28 16:00 in Rome."""


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("cost", pa.array([30, 2**63 + 1], pa.uint64()), ["admitted", "rejected cheap"]),
        ("note", pa.array(["bad", None], pa.string_view()), ["rejected noted", "admitted"]),
        ("paint", pa.array(["red", "green"], pa.string_view()), ["admitted", "rejected red"]),
        ("note", pc.run_end_encode(pa.array(["bad", "bad"])), ["rejected noted", "rejected noted"]),
        ("paint", pa.DictionaryArray.from_arrays(pa.array([0, 1]), pa.array(["red", "red"])), ["admitted", "admitted"]),
        ("tint", pa.DictionaryArray.from_arrays(pa.array([0, 1]), pa.array(["red", "red"])), ["admitted", "admitted"]),
        ("note", pa.DictionaryArray.from_arrays(pa.array([1, 2]), pa.array(["bad", "good", "bad"])), ["admitted", "rejected noted"]),
        ("size", pa.array([Decimal(1), Decimal("1.0000000001")], pa.decimal128(38, 37)), ["admitted", "admitted"]),
        ("day", days(2932896, 2932897), ["rejected early", "bad-date $.day"]),
        ("day", days(-719162, -719163), ["admitted", "bad-date $.day"]),
        ("day", days(2**31 - 1, -(2**31)), ["bad-date $.day", "bad-date $.day"]),
        ("sent", instants("s", "UTC", DEADLINE, 2**62), ["admitted", "bad-date $.sent"]),
        ("sent", instants("us", None, 2**62, -(2**62)), ["bad-date $.sent", "bad-date $.sent"]),
        ("sent", instants("us", "Not/AZone", DEADLINE * 10**6, DEADLINE * 10**6 + 1), ["admitted", "rejected in_time"]),
        ("sent", instants("ns", "UTC", DEADLINE * 10**9, DEADLINE * 10**9 + 1), ["admitted", "bad-date $.sent"]),
        ("firms", pa.array([[], []]), ["admitted", "admitted"]),
        ("firms", pa.array([FIRMS, [{"vat": "1", "sound": False}]], pa.list_(FIRM, 1)), ["admitted", "rejected sound"]),
        ("firms", pa.array([FIRMS, [{"vat": "1", "sound": False}]], pa.list_view(FIRM)), ["admitted", "rejected sound"]),
        ("score at last", [1, 2], ["admitted", "admitted"]),
    ],
)  # fmt: skip
def test_a_column_is_read_in_whatever_form_it_stands(column: str, values: Any, expected: list[str]) -> None:
    assert said(bids(**{column: values})) == expected
    assert said(bids(**{column: values}).slice(1)) == expected[1:]


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"firms": [["1"], []]}, "records-no-list firms list<item: string>"),
        ({"firms": ["1", None]}, "records-no-list firms string"),
        ({"firms": [[None], []]}, "records-null firms"),
        ({"firms": [[[FIRMS]], []]}, "records-no-list firms list<item: list<"),
        ({"id": [["A"], ["B"]]}, "key-no-text id list<item: string>"),
        ({"id": [{"a": 1}, {"a": 2}]}, "key-no-text id struct<a: int64>"),
        ({"cost at first": [1, 2]}, "column-no-fact cost at first"),
        ({"score at never": [1, 2]}, "column-no-fact score at never"),
        ({"score": [1, 2], "score at first": [1, 2]}, "column-twice score #12"),
    ],
)  # fmt: skip
def test_a_column_that_cannot_be_read_is_named(columns: dict[str, Any], code: str) -> None:
    assert refused(bids(**columns)).startswith(code)


def test_a_column_that_stands_twice_is_named_in_lists_and_tables_of_records_too() -> None:
    whole = bids().select(["id", "firms"])
    assert refused(pa.Table.from_arrays([*whole.columns, whole["id"]], names=["id", "firms", "id"])) == "column-twice id #1"
    assert refused(pa.Table.from_arrays([*whole.columns, whole["firms"]], names=["id", "firms", "firms"])) == "column-twice firms #2"
    twice = pa.StructArray.from_arrays([pa.array(["1"]), pa.array([True]), pa.array([False])], names=["vat", "sound", "sound"])
    assert refused(bids(firms=pa.ListArray.from_arrays(pa.array([0, 1, 1], pa.int32()), twice))) == "column-twice sound #2"
    firms = pa.Table.from_arrays([pa.array(["A"]), pa.array([True]), pa.array([False])], names=["project", "sound", "sound"])
    assert refused({"project": whole.select(["id"]), "firm": firms}) == "column-twice sound #2"


@pytest.mark.parametrize("column", ["id", "note", "paint", "cost"])
def test_a_text_that_is_no_utf8_is_named_with_its_row(column: str) -> None:
    latin = pa.Array.from_buffers(pa.string(), 2, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0"), pa.py_buffer(b"A\xe0")])
    assert refused(bids(**{column: latin})) == f"column-not-utf8 {column} 2"


def test_a_fact_of_two_stages_may_stand_under_its_name_and_under_one_with_its_stage() -> None:
    """Both are read, whether by columns or one by one; a bare name is the first stage."""
    table = bids(score=[5, 1], note=["x", "\x00"])
    table = table.set_column(table.column_names.index("score at last"), "score at last", pa.array([4, 4]))
    found = run(BIDS, table)
    assert [r["error"] for r in found.applications.to_pylist()] == [None, "unsafe-text $.note"]
    assert [r["failed"] for r in found.applications.to_pylist()] == [["kept"], []]
    assert said(table.set_column(table.column_names.index("note"), "note", pa.nulls(2))) == ["rejected kept", "admitted"]


def test_a_table_is_refused_as_the_application_would_be() -> None:
    """What columns cannot hold is bad data for `decide` too."""
    for given in ({"sent": "2023-02-28T16:00:00.000000001"}, {"day": "10000-01-01"}):
        with pytest.raises(ApplicationError):
            BIDS.decide({"id": "A", "tint": "red", "firms": [], **given})
    assert said(bids(day=pa.array([date(2022, 1, 1), date(2023, 1, 1)]))) == ["admitted", "rejected early"]
