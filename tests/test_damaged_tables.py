"""A file that is no table, or only part of one, is a coded message and exit status 1 in every command that takes tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from bandolo.surfaces.cli import cli

POLICY = """
bandolo: 1
policy:
  id: small
  title: Small
  decides: bid
  money_rounding: half_up
stages: [only]
entities:
  bid:
    facts:
      id: {type: text, key: true}
      cost: money
      firms: list of firm
  firm:
    facts:
      sound: boolean
parameters:
  pot: 100 EUR
requirements:
  bid:
    cheap: {stage: only, check: cost < 30 EUR, otherwise: reject}
    sound: {stage: only, check: all(sound of firms), otherwise: reject}
ranking:
  among: only
  order_by: ["cost descending"]
  budget: pot
  award: cost
"""
BIDS = pa.table({"id": ["A", "B"], "cost": [1, 2]})
FIRMS = pa.table({"bid": ["A", "B"], "sound": [True, False]})


def parquet(path: Path, table: pa.Table = BIDS) -> bytes:
    pq.write_table(table, path)
    return path.read_bytes()


def cut(path: Path) -> None:
    content = parquet(path)
    path.write_bytes(content[: len(content) // 2])


def altered(path: Path, table: pa.Table = BIDS) -> None:
    content = parquet(path, table)
    path.write_bytes(content[:4] + b"\xff" * 60 + content[64:])


def arrow(path: Path) -> None:
    pyarrow.feather.write_feather(BIDS, path)
    path.write_bytes(path.read_bytes()[:100])


def holding(content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "half.parquet": (cut, "damaged-table"),
    "altered.parquet": (altered, "damaged-table"),
    "only_its_mark.parquet": (holding(b"PAR1"), "damaged-table"),
    "empty.parquet": (holding(b""), "no-table-file"),
    "text.parquet": (holding(b"id,cost\n"), "no-table-file"),
    "folder.parquet": (Path.mkdir, "is-a-folder"),
    "none.parquet": (lambda path: parquet(path, BIDS.slice(0, 0)), "no-applications"),
    "twice.parquet": (lambda path: parquet(path, pa.table([["A"], ["B"]], names=["id", "id"])), "column-twice"),
    "half.arrow": (arrow, "no-table-file not-utf8"),
    "folder.csv": (Path.mkdir, "is-a-folder"),
    "empty.csv": (holding(b""), "no-applications no-header"),
    "headings.csv": (holding(b"id,cost\n"), "no-applications no-rows"),
    "long_row.csv": (holding(b"id,cost\nA,1 EUR\nB,2 EUR,3,4\n"), "csv-row beyond-headings"),
    "latin_heading.csv": (holding("id,qualità\nA,1\n".encode("cp1252")), "not-utf8 unknown-column"),
    "open_quote.csv": (holding(b'id,cost\nA,"1 EUR\nB,2 EUR\nC,3 EUR\n'), "csv-quotes"),
    "quotes_inside.csv": (holding(b'id,cost\n"A\nB,2 EUR\n"C,3 EUR\n'), "csv-quotes"),
    "twice.csv": (holding(b"id,id\nA,B\n"), "column-twice"),
    "empty.jsonl": (holding(b""), "no-applications no-table-file"),
    "empty.json": (holding(b""), "not-json-lines no-table-file json-syntax"),
}
"""How each is made, and the codes by which the commands may refuse it: `simulate` reads CSV and JSON as `decide` does."""


def invoked(tmp_path: Path, command: str, *arguments: str) -> Result:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    more = ["--vary", "parameters.pot=100 EUR,200 EUR"] if command == "simulate" else ["--to", str(tmp_path / "to.parquet"), "--jobs", "1"]
    return CliRunner().invoke(cli, [command, str(policy), *arguments, *more, "--lang", "en"])


def refused(found: Result, codes: str) -> None:
    assert isinstance(found.exception, SystemExit), found.exception
    assert found.exit_code == 1
    assert any(f"error[{code}]" in found.output for code in codes.split()), found.output


@pytest.mark.parametrize("command", ["run", "rank", "simulate"])
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, name: str, command: str) -> None:
    make, codes = FILES[name]
    make(tmp_path / name)
    refused(invoked(tmp_path, command, str(tmp_path / name)), codes)
    assert not (tmp_path / "to.parquet").exists()


@pytest.mark.parametrize("command", ["run", "rank", "simulate"])
def test_a_damaged_file_of_records_is_named(tmp_path: Path, command: str) -> None:
    parquet(tmp_path / "bids.parquet")
    altered(tmp_path / "firms.parquet", FIRMS)
    found = invoked(tmp_path, command, str(tmp_path / "bids.parquet"), "--records", f"firm={tmp_path / 'firms.parquet'}")
    refused(found, "damaged-table")
    assert "firms.parquet` is damaged" in found.output


def test_the_line_of_a_broken_row_is_told(tmp_path: Path) -> None:
    (tmp_path / "bids.csv").write_bytes(b"id,cost\nA,1 EUR\nB\n")
    assert "line 3 of the file has 1 cells, and there are 2 headings" in invoked(tmp_path, "run", str(tmp_path / "bids.csv")).output
    (tmp_path / "bids.csv").write_bytes("id,cost\nA,1 EUR\nÀ,1 EUR\n".encode("latin-1"))
    assert "line 3 cannot be read" in invoked(tmp_path, "run", str(tmp_path / "bids.csv")).output


def test_cells_of_csv_are_texts_whatever_the_headings_look_like(tmp_path: Path) -> None:
    """A number that is a name keeps its zeros under a line that is empty, and a text goes over lines wherever it stands."""
    rows = "".join(f'00{i},"{i}\n EUR"\n' for i in range(2))
    (tmp_path / "bids.csv").write_text("\nid,cost\n001,1 EUR\n" + rows)
    assert invoked(tmp_path, "run", str(tmp_path / "bids.csv")).exit_code == 1  # of the two amounts, nothing else
    assert pq.read_table(tmp_path / "to.parquet")["application"].to_pylist() == ["001", "000", "001"]


def test_a_text_goes_over_lines_wherever_a_large_file_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bandolo.batch.staging.BLOCK_BYTES", 200)
    (tmp_path / "bids.csv").write_text("id,cost\n" + "".join(f'"A\n{i}",1 EUR\n' for i in range(100)))
    assert invoked(tmp_path, "run", str(tmp_path / "bids.csv")).exit_code == 0
    assert pq.read_table(tmp_path / "to.parquet")["application"].to_pylist() == [f"A\n{i}" for i in range(100)]
    (tmp_path / "bids.csv").write_text("id,cost\n" + "A" * 1000 + ",1 EUR\nB,1 EUR\n")
    (tmp_path / "to.parquet").unlink()
    refused(invoked(tmp_path, "run", str(tmp_path / "bids.csv")), "csv-cell")
    (tmp_path / "bids.csv").write_bytes("id,cost\nA,1 EUR\n".encode("utf-16"))
    refused(invoked(tmp_path, "run", str(tmp_path / "bids.csv")), "not-utf8")
