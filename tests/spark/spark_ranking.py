"""A ranking inside Spark is the ranking of one machine: the same list in the same order, the same bytes, the same summary."""

from __future__ import annotations

import json
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from spark_decisions import ROOT, frame_of, in_files, written

from arrow import linked, table
from bandolo.batch import rank as rank_here
from bandolo.batch.spark import NotRun, ranked, strikes
from bandolo.batch.spark import rank as rank_there
from bandolo.batch.spark.problems import said
from bandolo.batch.spark.worker import ROW
from bandolo.diagnostics import PolicyError
from bandolo.surfaces.cli import cli
from test_large_ranking import RANKED, call

OPTIONS: list[tuple[dict[str, str], int]] = [
    ({}, 900),
    ({"tie_by_lot": "settled", "money_short": "close_list", "one_or_two_pots": "two"}, 0),
    ({"tie_by_lot": "settled", "money_short": "look_on", "counts_when": "when_financed", "checked_again": "firms_only"}, 9000),
    ({"counts_when": "when_financed", "how_strikes_follow": "all_together", "third_project": "not_second"}, 6000),
]


def plain(found: pa.Table) -> pa.Table:
    """A list with words as texts, instants in UTC."""

    def bare(column: pa.ChunkedArray) -> pa.ChunkedArray:
        if pa.types.is_dictionary(column.type):
            return column.cast(pa.string())
        return column.cast(pa.timestamp("us", "UTC")) if pa.types.is_timestamp(column.type) else column

    return pa.table({name: bare(found[name]) for name in found.column_names}).combine_chunks()


def same(spark: Any, tables: Any, **what_ifs: Any) -> Any:
    here = rank_here(RANKED, tables, **what_ifs)
    frames = {e: frame_of(spark, t) for e, t in tables.items()} if isinstance(tables, dict) else frame_of(spark, tables)
    there = rank_there(spark, RANKED, frames, groups=3, **what_ifs)
    found, expected = there.whole.orderBy(f"`{ROW}`").toArrow(), plain(here.table)
    assert found[ROW].to_pylist() == list(range(expected.num_rows))
    found = plain(found.select(expected.column_names)).cast(expected.schema)
    for name in expected.column_names:
        assert found[name].to_pylist() == expected[name].to_pylist(), name
    assert written(found) == written(expected)
    mine, theirs = asdict(there.summary), asdict(here.summary)
    for name in ("by_columns", "by_rows", "again_by_columns", "again_by_rows", "why"):  # how it was computed may differ
        mine.pop(name), theirs.pop(name)
    assert mine == theirs
    there.unpersist()
    return here.summary


@pytest.mark.parametrize("number", range(len(OPTIONS)))
def test_a_ranking_is_that_of_one_machine(spark: Any, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Ties, chains of strikes, pots, what is short, what is missing, in a list of several parts."""
    monkeypatch.setattr(ranked, "IN_A_PART", 20)
    readings, money = OPTIONS[number]
    chance = random.Random(number + 1)
    firms, spread = [(150, 100), (300, 190)][number % 2]
    nested = table(RANKED.core, [call(i, chance, firms, spread) for i in range(120)])
    tables = linked(RANKED.core, nested) if number % 2 else nested
    summary = same(spark, tables, readings=readings, set={"money": money}, as_of="2023-01-05")
    assert summary.strikes
    assert summary.ranked > 20


def test_ample_money_and_no_one_at_all(spark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranked, "IN_A_PART", 7)
    chance = random.Random(9)
    nested = table(RANKED.core, [call(i, chance, 900, 100) for i in range(40)])
    same(spark, nested, set={"money": 10**6})
    same(spark, nested.slice(0, 0))


def test_names_that_are_not_of_one_application_are_refused(spark: Any) -> None:
    chance = random.Random(3)
    twice = [call(i, chance, 9, 9) | {"id": f"P{i % 3}"} for i in range(5)]
    with pytest.raises(PolicyError) as found:
        rank_there(spark, RANKED, frame_of(spark, table(RANKED.core, twice)))
    assert sorted(d.args["id"] for d in found.value.diagnostics) == ["P0", "P1"]


def test_more_that_share_a_record_than_one_process_follows_are_refused(spark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strikes, "SHARING", 3)
    chance = random.Random(3)
    nested = table(RANKED.core, [call(i, chance, 9, 9) for i in range(30)])
    with pytest.raises(NotRun, match="spark-too-many-shared"), said():
        rank_there(spark, RANKED, frame_of(spark, nested))


@pytest.mark.usefixtures("spark")
def test_the_command_writes_the_list_of_one_machine(tmp_path: Path) -> None:
    chance = random.Random(5)
    paths = in_files(tmp_path, linked(RANKED.core, table(RANKED.core, [call(i, chance, 60, 90) for i in range(60)])))
    told = []
    for name, more in (("here", []), ("there", ["--engine", "local[2]"])):
        to = str(tmp_path / f"{name}.parquet")
        arguments = [
            "rank",
            str(ROOT / "tests/policies/ranked_call.yaml"),
            paths["project"],
            "--records",
            f"firm={paths['firm']}",
            "--to",
            to,
        ]
        found = CliRunner().invoke(cli, [*arguments, "--json", "--jobs", "1", *more])
        assert found.exit_code == 0, found.output
        told.append(json.loads(found.output))
    here, there = (pq.read_table(tmp_path / f"{name}.parquet") for name in ("here", "there"))
    assert there.schema.equals(here.schema)
    assert written(plain(there)) == written(plain(here))
    for summary in told:
        for name in ("seconds", "by_columns", "by_rows", "again_by_columns", "again_by_rows", "why"):
            del summary[name]
    assert told[0] == told[1]
