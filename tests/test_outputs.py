"""Where results go: nothing that is read or not ours is written over, a name says what it holds, and one run at a time is at work on it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from bandolo.batch.tables import BadTables
from bandolo.batch.task import claimed
from bandolo.surfaces.cli import cli
from test_damaged_tables import POLICY

BIDS = pa.table({"id": ["A", "B"], "cost": [1, 2]})
FIRMS = pa.table({"bid": ["A", "B"], "sound": [True, False]})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("policy.yaml").write_text(POLICY)
    pq.write_table(BIDS, "bids.parquet")
    pq.write_table(FIRMS, "firms.parquet")
    return tmp_path


def command(name: str, *arguments: str) -> str:
    """The code by which a command refuses, its exit status where it says no code, or nothing."""
    more = ["--vary", "parameters.pot=100 EUR,200 EUR"] if name == "simulate" else ["--jobs", "1"] if name in ("run", "rank") else []
    given = ["bids.parquet", "--records", "firm=firms.parquet"] if name != "sql" else ["--dialect", "duckdb"]
    found = CliRunner().invoke(cli, [name, "policy.yaml", *given, *more, *arguments, "--lang", "en"])
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    if found.exit_code == 2:
        return "usage"
    return found.output.partition("error[")[2].partition("]")[0]


@pytest.mark.parametrize("name", ["run", "rank", "simulate"])
@pytest.mark.parametrize("target", ["bids.parquet", "firms.parquet", "link.parquet"])
def test_what_is_read_is_never_written_over(folder: Path, name: str, target: str) -> None:
    (folder / "link.parquet").symlink_to("bids.parquet")
    before = Path(target).read_bytes()
    assert command(name, "--to", target, "--overwrite") == "would-overwrite"
    assert Path(target).read_bytes() == before
    assert sorted(os.listdir(folder)) == ["bids.parquet", "firms.parquet", "link.parquet", "policy.yaml"]


def test_a_view_never_takes_the_place_of_its_policy(folder: Path) -> None:
    assert command("sql", "--to", "policy.yaml") == "would-overwrite"
    assert Path("policy.yaml").read_text() == POLICY
    assert command("sql", "--to", "view.sql") == ""
    assert command("sql", "--to", "view.sql") == ""
    assert sorted(os.listdir(folder)) == ["bids.parquet", "firms.parquet", "policy.yaml", "view.sql"]


@pytest.mark.parametrize("target", ["decided.xlsx", "decided.json", "decided", "decided.csv.gz", "."])
def test_a_name_that_promises_another_kind_of_file_is_wrong_usage(folder: Path, target: str) -> None:
    assert command("run", "--to", target) == "usage"
    assert command("rank", "--to", target) == "usage"
    assert command("run", "--to", "decided.parquet", "--records-to", f"firm={target}") == "usage"
    assert len(os.listdir(folder)) == 3


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", ["run", "rank"])
def test_a_setting_of_spark_is_not_passed_over_where_there_is_no_spark(name: str) -> None:
    assert command(name, "--to", "decided.parquet", "--conf", "spark.executor.memory=8g") == "usage"


@pytest.mark.parametrize("name", ["run", "rank", "simulate"])
def test_a_folder_or_a_place_in_a_file_is_no_output(folder: Path, name: str) -> None:
    (folder / "folder.parquet").mkdir()
    assert command(name, "--to", "folder.parquet", "--overwrite") == "is-a-folder"
    assert command(name, "--to", "policy.yaml/decided.parquet") == "cannot-write"
    assert sorted(os.listdir(folder)) == ["bids.parquet", "firms.parquet", "folder.parquet", "policy.yaml"]


@pytest.mark.usefixtures("folder")
def test_two_results_have_two_names() -> None:
    assert command("run", "--to", "decided.parquet", "--records-to", "firm=./decided.parquet") == "output-twice"


@pytest.mark.parametrize("name", ["run", "rank"])
def test_a_folder_of_parts_that_nobody_here_made_is_left_alone(folder: Path, name: str) -> None:
    theirs = folder / "decided.parquet.parts" / "part-000000.parquet"
    theirs.parent.mkdir()
    theirs.write_text("mine")
    assert command(name, "--to", "decided.parquet") == "would-overwrite"
    assert theirs.read_text() == "mine"


@pytest.mark.skipif(os.name == "nt", reason="files are held by fcntl")
@pytest.mark.parametrize("name", ["run", "rank"])
def test_one_run_at_a_time_is_at_work_on_a_result(folder: Path, name: str) -> None:
    parts = folder / "decided.parquet.parts"
    with claimed(parts, "another"):
        assert command(name, "--to", "decided.parquet") == "batch-running"
        assert (parts / "batch.json").exists()
    assert command(name, "--to", "decided.parquet") == ""
    assert sorted(os.listdir(folder)) == ["bids.parquet", "decided.parquet", "firms.parquet", "policy.yaml"]


def test_a_file_of_parts_is_no_folder_of_parts(tmp_path: Path) -> None:
    (tmp_path / "x.parts").write_text("mine")
    with pytest.raises(BadTables, match="would-overwrite"), claimed(tmp_path / "x.parts", "batch"):
        pass


@pytest.mark.parametrize("name", ["run", "rank"])
def test_bad_tables_leave_no_parts_behind(folder: Path, name: str) -> None:
    pq.write_table(BIDS.append_column("strange", pa.array([1, 2])), "bids.parquet")
    assert command(name, "--to", "decided.parquet") == "column-no-fact"
    pq.write_table(BIDS, "bids.parquet")
    assert command(name, "--to", "decided.parquet", "--set", "pot=many") == "bad-number"
    pq.write_table(BIDS.drop_columns(["id"]), "bids.parquet")
    assert command(name, "--to", "decided.parquet") == "missing-column"
    assert sorted(os.listdir(folder)) == ["bids.parquet", "firms.parquet", "policy.yaml"]


@pytest.mark.skipif(os.name == "nt", reason="limits of a process are Unix's")
@pytest.mark.usefixtures("folder")
def test_where_there_is_no_room_the_output_is_named_and_nothing_looks_whole() -> None:
    pq.write_table(pa.table({"id": [f"{i:040}" for i in range(20_000)], "cost": [1] * 20_000}), "bids.parquet")
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)); from bandolo.surfaces.cli import cli; cli()"
    )
    options = ["--to", "decided.parquet", "--jobs", "1", "--lang", "en"]
    found = subprocess.run(
        [sys.executable, "-c", limited, "run", "policy.yaml", "bids.parquet", *options],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert found.returncode == 1
    assert "error[cannot-write]: `decided.parquet` cannot be written" in found.stderr
    assert not Path("decided.parquet").exists()
