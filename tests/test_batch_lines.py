"""Applications as JSON Lines, or one list, are decided as one by one, whatever becomes of a line or of the process."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from bandolo.batch.files import run_files
from bandolo.batch.reasons import AS_JSON
from bandolo.batch.task import Task
from bandolo.surfaces.cli import cli
from test_batch import SMALL, bid, small


def given(folder: Path, name: str, text: str | bytes) -> Task:
    (folder / "small.yaml").write_text(SMALL.format(rounding="half_up"))
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Task(
        str(folder / "small.yaml"), (), {}, str(path), {}, str(folder / "decided.parquet"), {"firm": str(folder / "firms.parquet")}, 1
    )


def lines(count: int) -> list[str]:
    return [json.dumps(bid(i)) for i in range(count)]


def as_decided(count: int) -> list[tuple[Any, ...]]:
    """Outcome, failed requirements and an amount of each application, by the reference."""
    made = []
    for i in range(count):
        decision = small().decide(bid(i), engine="reference")
        part = decision.results["part"]
        failed = dict.fromkeys(r.id for r in decision.requirements if r.verdict == "failed")
        made.append((f"B{i}", decision.outcome, list(failed), part))
    return made


def found_in(path: str) -> list[tuple[Any, ...]]:
    return [(r["application"], r["outcome"], r["failed"], r["result.part"]) for r in pq.read_table(path).to_pylist()]


def test_lines_are_decided_in_order_and_records_have_rows(tmp_path: Path) -> None:
    task = given(tmp_path, "bids.jsonl", "\ufeff" + "\n\n".join(lines(30)))
    report = run_files(task)
    assert found_in(task.to) == as_decided(30)
    assert (report.applications, report.by_rows, report.by_columns) == (30, 30, 0)
    assert report.why == {AS_JSON: 30}
    assert pq.read_table(task.records_to["firm"]).num_rows == sum(i % 5 for i in range(30))


def test_a_list_comes_to_the_same_as_its_lines(tmp_path: Path) -> None:
    task = given(tmp_path, "bids.json", json.dumps([bid(i) for i in range(12)], indent=2))
    run_files(task)
    assert found_in(task.to) == as_decided(12)
    task = given(tmp_path, "one.json", json.dumps(bid(0), indent=2))
    run_files(task)
    assert found_in(task.to) == as_decided(1)


def test_a_line_that_is_bad_is_a_row_with_its_error(tmp_path: Path) -> None:
    good = lines(3)
    bad = [b'{"id": "B7"', b"\xff\xfe", b'{"id": "B8", "id": "B9"}', b'{"id": "B8", "csot": 1}', b"[1]", b'{"id": 7, "cost": NaN}', b"7"]
    task = given(tmp_path, "bids.jsonl", b"\n".join([good[0].encode(), *bad, good[1].encode(), b"", good[2].encode(), b""]))
    report = run_files(task)
    errors = [row["error"] for row in pq.read_table(task.to).to_pylist()]
    assert errors == [
        None, "json-syntax line 2 $", "not-utf8 line 3", "duplicate-field line 4 $", "unknown-fact line 5 $.csot",
        "not-a-record line 6 $", "json-constant line 7 $", "not-a-record line 8 $", None, None,
    ]  # fmt: skip
    assert [r[1] for r in found_in(task.to)] == [row[1] if row else None for row in (as_decided(1)[0], *[None] * 7, *as_decided(3)[1:])]
    assert sum(report.errors.values()) == report.outcomes["bad data"] == 7


def test_a_stop_loses_nothing_and_a_part_is_done_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bandolo.batch.lines.LINES", 7)
    monkeypatch.setattr("bandolo.batch.lines.CHUNK", 50)
    task = given(tmp_path, "bids.jsonl", "\n".join(lines(40)))

    def stop(done: int, _: int) -> None:
        if done >= 14:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_files(task, stop)
    assert not Path(task.to).exists()
    report = run_files(task)
    assert report.resumed == 2
    assert found_in(task.to) == as_decided(40)
    parts = replace(task, workers=2)
    assert run_files(parts).resumed == 0
    assert found_in(task.to) == as_decided(40)


def test_decisions_go_to_json_lines_and_csv(tmp_path: Path) -> None:
    task = given(tmp_path, "bids.jsonl", "\n".join(lines(3)))
    run_files(task)
    wanted = pq.read_table(task.to).to_pylist()
    for name in ("decided.jsonl", "decided.csv"):
        run_files(replace(task, to=str(tmp_path / name), records_to={}))
    rows = [json.loads(line) for line in (tmp_path / "decided.jsonl").read_text().splitlines()]
    assert [(r["outcome"], r["failed"], r["result.part"]) for r in rows] == [
        (w["outcome"], w["failed"], None if w["result.part"] is None else str(w["result.part"])) for w in wanted
    ]
    assert rows[0]["result.first_day"] == "2023-03-20"
    assert len((tmp_path / "decided.csv").read_text().splitlines()) == 4


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("a.jsonl", "id,size\nA,small\n", "not-json-lines"),
        ("a.jsonl", "[\n{}\n]\n", "not-json-lines"),
        ("a.jsonl", "\n \n", "no-applications"),
        ("a.json", "", "not-json-lines"),
        ("a.json", "[]", "no-applications"),
        ("a.json", '[{"id": 1}, ]', "json-syntax"),
        ("a.json", '[{"id": 1} {"id": 2}]', "json-syntax"),
        ("a.json", "[" * 100_000, "json-syntax"),
        ("a.json", '{"id": 1} x', "json-syntax"),
        ("a.json", b"\xff\xfe[", "not-utf8"),
    ],
)
def test_a_file_that_holds_no_applications_is_said(tmp_path: Path, name: str, text: str | bytes, code: str) -> None:
    task = given(tmp_path, name, text)
    found = CliRunner().invoke(cli, ["run", task.policy, task.applications, "--to", task.to, "--lang", "en"])
    assert (found.exit_code, code in found.output) == (1, True), found.output
    assert not Path(task.to + ".parts").exists()


def test_records_stand_inside_json(tmp_path: Path) -> None:
    task = given(tmp_path, "bids.jsonl", lines(1)[0])
    arguments = ["run", task.policy, task.applications, "--records", f"firm={task.policy}", "--to", task.to]
    found = CliRunner().invoke(cli, [*arguments, "--lang", "en"])
    assert found.exit_code == 1
    assert "records-beside-json" in found.output


@pytest.mark.parametrize("name", ["bids.json", "bids.jsonl"])
def test_numbers_of_any_length_and_half_characters_are_bad_data_of_their_row(tmp_path: Path, name: str) -> None:
    some = [json.dumps(bid(0)), '{"id": "\\ud800", "cost": 1}', '{"\\ud800": 1}', '{"id": "B3", "cost": ' + "1" * 5000 + "}"]
    task = given(tmp_path, name, f"[{','.join(some)}]" if name == "bids.json" else "\n".join(some))
    run_files(task)
    rows = pq.read_table(task.to).to_pylist()
    assert [row["application"] for row in rows] == ["B0", "?", None, "B3"]
    assert [(row["error"] or "none").split()[0] for row in rows] == ["none", "unsafe-text", "unknown-fact", "number-too-long"]
