"""Inside Spark every application is decided as on one machine: the same rows, and the same bytes once sorted and written."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from light import LIGHT

from arrow import complete, linked
from arrow import table as table_of
from bandolo.batch import run
from bandolo.batch.files import run_files
from bandolo.batch.spark import NotRun, decide
from bandolo.batch.spark.files import Task, run_spark
from bandolo.batch.spark.problems import said
from bandolo.batch.tables import BadTables
from bandolo.batch.task import Task as OneMachine
from bandolo.policy import Policy
from bandolo.surfaces.cli import cli
from bandolo.testing.generate import bases_of
from bandolo.testing.generate import generated as made_up
from test_batch import CALLS, SMALL, bid, loaded, small, tables_of

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.usefixtures("spark")


def plain(table: pa.Table) -> pa.Table:
    """A table of decisions by application, words as texts; where records have a row, those of one application stay in their order."""
    columns = {f.name: table[f.name].cast(f.type.value_type) if pa.types.is_dictionary(f.type) else table[f.name] for f in table.schema}
    made = pa.table(columns).append_column("place", pa.array(range(table.num_rows)))
    return made.sort_by([("application", "ascending"), ("place", "ascending")]).drop_columns(["place"]).combine_chunks()


def written(table: pa.Table) -> bytes:
    made = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(None), made)
    return made.getvalue()


def same(found: pa.Table, expected: pa.Table) -> None:
    found, expected = plain(found), plain(expected)
    assert found.equals(expected)
    found = found.cast(expected.schema)  # Parquet calls the items of a list otherwise than memory does
    assert written(found) == written(expected)


def in_files(folder: Path, tables: Mapping[str, pa.Table], files: int = 1) -> dict[str, str]:
    """Tables as Parquet: one file each, or folders of several."""
    paths = {}
    for entity, table in tables.items():
        path = folder / (f"{entity}.parquet" if files == 1 else entity)
        if files == 1:
            pq.write_table(table, path, row_group_size=7)
        else:
            path.mkdir()
            size = -(-table.num_rows // files)
            for i in range(files):
                pq.write_table(table.slice(i * size, size), path / f"part {i}.parquet")
        paths[entity] = str(path)
    return paths


def through_files(policy: Policy, folder: Path, tables: Mapping[str, pa.Table], wanted: list[str], what_if: Any, files: int = 1) -> Any:
    paths = in_files(folder, tables, files)
    first = paths.pop(policy.core.root)
    to = {e: str(folder / f"{e}_decided.parquet") for e in wanted}
    report = run_spark(Task(policy, what_if, first, paths, str(folder / "decided.parquet"), to, "local[2]"))
    return report, pq.read_table(folder / "decided.parquet"), {e: pq.read_table(to[e]) for e in wanted}


@pytest.mark.parametrize(("path", "amendments", "what_if", "by_columns"), [CALLS[0], CALLS[1], CALLS[3]], ids=str)
def test_calls_are_decided_as_on_one_machine(
    tmp_path: Path, path: str, amendments: tuple[str, ...], what_if: Any, by_columns: bool
) -> None:
    policy = loaded(path, amendments)
    some = [*bases_of(ROOT / path)[:4], *made_up(policy, 8, 7, bases_of(ROOT / path)[:4])]
    many = [*some, *(complete(policy.core, a) for a in some)]
    key = policy.core.entities[policy.core.root].key
    assert key is not None
    nested, _ = tables_of(policy, [a | {key.name: f"K{i:03}"} for i, a in enumerate(many)])
    apart = linked(policy.core, nested)
    listed = [e for e in apart if e != policy.core.root]
    expected = run(policy, apart, records=listed, **what_if)
    report, found, records = through_files(policy, tmp_path, apart, listed, what_if)
    same(found, expected.applications)
    assert found.schema.equals(expected.applications.schema)
    for entity in listed:
        same(records[entity], expected.records[entity])
    assert bool(report.by_columns) == by_columns
    assert (report.applications, sum(report.errors.values())) == (nested.num_rows, sum(expected.errors.values()))
    assert report.errors == dict(sorted(expected.errors.items()))


def bids(count: int = 120) -> pa.Table:
    return table_of(small().core, [bid(i, cost=None) if i % 13 == 5 else bid(i) for i in range(count)])


@pytest.mark.parametrize("files", [1, 3])
def test_nested_and_linked_files_and_folders_come_to_the_same(tmp_path: Path, files: int) -> None:
    nested = bids()
    expected = run(small(), nested, records=["firm"])
    for name, tables in (("nested", {"bid": nested}), ("linked", linked(small().core, nested))):
        (tmp_path / name).mkdir()
        report, found, records = through_files(small(), tmp_path / name, tables, ["firm"], {}, files)
        assert found["application"].to_pylist() == nested["id"].to_pylist()  # the order of the applications
        same(found, expected.applications)
        same(records["firm"], expected.records["firm"])
        assert (report.by_columns, report.by_rows) == (expected.by_columns, expected.by_rows)
        assert report.why == dict(sorted(expected.why.items()))


def test_what_is_missing_wrong_or_twice_is_said_as_on_one_machine(tmp_path: Path) -> None:
    firm = bid(3)["firms"][0]
    some = [
        bid(1), bid(2, cost=None), bid(3, firms=[firm, firm]), bid(4, firms=None), bid(5, firms=[firm | {"ok": None}]),
        bid(6, firms=[firm | {"size": "huge"}]), bid(7, firms=[firm | {"id": None}, firm, firm | {"id": None, "ok": False}]),
        bid(8, firms=[firm | {"id": "a]"}]), bid(9, firms=[firm | {"id": f"F{i}"} for i in range(10)]), bid(11, firms=[]),
    ]  # fmt: skip
    apart = linked(small().core, table_of(small().core, some))
    expected = run(small(), apart, records=["firm"])
    report, found, records = through_files(small(), tmp_path, apart, ["firm"], {})
    same(found, expected.applications)
    same(records["firm"], expected.records["firm"])
    assert report.errors == dict(sorted(expected.errors.items()))
    assert report.outcomes["bad data"] == sum(expected.errors.values())


def test_data_frames_in_data_frames_out(spark: Any) -> None:
    """Rows of a DataFrame have no order: it comes from a column, or from the records' keys."""
    nested = bids(60)
    apart = linked(small().core, nested)
    firms = apart["firm"].append_column("at", pa.array(range(apart["firm"].num_rows)))
    shuffled = firms.take(pa.array(sorted(range(firms.num_rows), key=lambda i: i * 7 % 11)))
    expected = run(small(), nested, records=["firm"])
    numbered = apart["bid"].append_column("at", pa.array(range(60)))
    for frames, order in (
        ({"bid": numbered, "firm": shuffled}, "at"), ({"bid": apart["bid"], "firm": shuffled.drop_columns(["at"])}, None), (nested, None)
    ):  # fmt: skip
        given = {e: frame_of(spark, t) for e, t in frames.items()} if isinstance(frames, dict) else frame_of(spark, frames)
        decided = decide(spark, small(), given, records=["firm"], order=order, groups=5)
        same(decided.applications.toArrow(), expected.applications)
        found = decided.records["firm"].toArrow()
        assert sorted(map(str, plain(found).to_pylist())) == sorted(map(str, plain(expected.records["firm"]).to_pylist()))
        alone = decide(spark, small(), given, order=order, groups=5)
        same(alone.applications.toArrow(), expected.applications)


def frame_of(spark: Any, table: pa.Table) -> Any:
    return spark.createDataFrame(table)


def test_frames_that_do_not_fit_are_refused(spark: Any) -> None:
    apart = linked(small().core, bids(10))
    given = {e: frame_of(spark, t) for e, t in apart.items()}
    with pytest.raises(BadTables, match="column-no-fact"):
        decide(spark, small(), given | {"bid": given["bid"].withColumnRenamed("cost", "csot")})
    with pytest.raises(BadTables, match="no-owner-column"):
        decide(spark, small(), given | {"firm": given["firm"].withColumnRenamed("bid", "size2")})
    with pytest.raises(BadTables, match="spark-no-order"):
        decide(spark, small(), given | {"firm": given["firm"].drop("id")})
    unkeyed = given["firm"].withColumn("id", given["firm"]["size"].substr(9, 1)).replace("", None, "id")
    with pytest.raises(NotRun, match="spark-no-order"), said():
        decide(spark, small(), given | {"firm": unkeyed}).applications.collect()


def test_records_of_no_application_are_counted_as_on_one_machine(tmp_path: Path) -> None:
    apart = linked(small().core, bids(40))
    tables = {"bid": apart["bid"].slice(9), "firm": apart["firm"]}
    with pytest.raises(BadTables) as here:
        run(small(), tables)
    with pytest.raises(BadTables) as there:
        through_files(small(), tmp_path, tables, [], {})
    assert there.value.diagnostic == here.value.diagnostic


def command(folder: Path, *more: str) -> list[str]:
    (folder / "small.yaml").write_text(SMALL.format(rounding="half_up"))
    paths = in_files(folder, linked(small().core, bids(30)))
    return ["run", str(folder / "small.yaml"), paths["bid"], "--records", f"firm={paths['firm']}", *more]


def test_the_command_says_no_more_than_on_one_machine(tmp_path: Path) -> None:
    arguments = command(tmp_path, "--json", *(text for name, value in LIGHT.items() for text in ("--conf", f"{name}={value}")))
    environment = os.environ | {"PYTHONPATH": str(ROOT / "engine")}
    there = [*arguments, "--to", str(tmp_path / "there"), "--engine", "local[1]"]
    found = subprocess.run([sys.executable, "-m", "bandolo", *there], env=environment, capture_output=True, text=True, check=True)
    assert found.stderr == ""
    task = OneMachine(arguments[1], (), {}, arguments[2], {"firm": arguments[4].partition("=")[2]}, str(tmp_path / "here.parquet"), {}, 1)
    report = run_files(task)
    told = json.loads(found.stdout)
    assert {k: told[k] for k in ("applications", "by_columns", "by_rows", "why", "outcomes")} == {
        k: getattr(report, k) for k in ("applications", "by_columns", "by_rows", "why", "outcomes")
    }
    assert (tmp_path / "there" / "_SUCCESS").exists()
    same(pq.read_table(tmp_path / "there"), pq.read_table(task.to))


@pytest.mark.parametrize(
    ("engine", "java", "code"),
    [("sprak", None, "spark-bad-master"), ("spark://127.0.0.1:1", None, "spark-no-master"), ("spark", "/nowhere", "spark-no-java")],
)
def test_what_is_wrong_is_said_with_its_mend(tmp_path: Path, engine: str, java: str | None, code: str) -> None:
    arguments = command(tmp_path, "--to", str(tmp_path / "d.parquet"), "--lang", "it", "--engine", engine)
    found = CliRunner().invoke(cli, arguments, env={"JAVA_HOME": java})
    assert found.exit_code == 1
    assert code in found.output
    assert "Traceback" not in found.output


def test_csv_is_refused_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    arguments = command(tmp_path, "--to", str(tmp_path / "d.parquet"), "--engine", "local[1]")
    for path, code in (("bids.csv", "spark-only-parquet"), ("bids.parquet", "file-not-found")):
        arguments[2] = path
        found = CliRunner().invoke(cli, arguments)
        assert found.exit_code == 1
        assert code in found.output


def test_a_failure_inside_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "bids.parquet"
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(NotRun, match="spark-failed") as found:
        run_spark(Task(small(), {}, str(path), {}, str(tmp_path / "d.parquet"), {}, "local[2]"))
    assert "\n" not in str(found.value.diagnostic.args["reason"])
