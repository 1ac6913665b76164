"""The command line: what each command prints, to which stream, and with which exit status."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from golden import compare, run
from small import CASES, ROOT

GOLDENS = sorted([*(CASES / "cli").glob("*.txt"), *(CASES / "explain").glob("*.txt")])
FILES = "tests/cases/cli/files"


@pytest.fixture(autouse=True)
def _at_the_top(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("path", GOLDENS, ids=[p.relative_to(CASES).as_posix() for p in GOLDENS])
def test_golden(path: Path, update: bool) -> None:
    compare(path, update)


# Exit statuses: 0 the job is done, 1 problems were found, 2 the usage is wrong.


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("check {f}/call.yaml", 0),
        ("check {f}/wrong.yaml", 1),
        ("check {f}/call.yaml {f}/wrong.yaml", 1),
        ("check {f}/nothing.yaml", 1),
        ("check {f}/decree.yaml", 0),
        ("check {f}/call.cases.yaml", 0),
        ("check --strict {f}/call.yaml", 0),
        ("check", 2),
        ("check --nonsense {f}/call.yaml", 2),
        ("decide {f}/call.yaml {f}/sound.json", 0),
        ("decide {f}/call.yaml {f}/late.yaml --assume", 0),
        ("decide {f}/call.yaml {f}/sound.json {f}/bad.json", 1),
        ("decide {f}/call.yaml {f}/broken.json", 1),
        ("decide {f}/call.yaml {f}/nothing.json", 1),
        ("decide {f}/call.yaml {f}", 1),
        ("decide {f}/wrong.yaml {f}/sound.json", 1),
        ("decide {f}/nothing.yaml {f}/sound.json", 1),
        ("decide {f}/call.yaml", 2),
        ("decide {f}/call.yaml {f}/sound.json --set minimum_mills", 2),
        ("decide {f}/call.yaml {f}/sound.json --reading unlisted", 2),
        ("decide {f}/call.yaml {f}/sound.json --set mills=3", 1),
        ("decide {f}/call.yaml {f}/sound.json --set minimum_mills=many", 1),
        ("decide {f}/call.yaml {f}/sound.json --reading unlisted=perhaps", 1),
        ("decide {f}/call.yaml {f}/sound.json --as-of tomorrow", 1),
        ("decide {f}/call.yaml {f}/sound.json --amend {f}/nothing.yaml", 1),
        ("decide {f}/call.yaml {f}/sound.json --lang fr", 2),
        ("explain {f}/call.yaml {f}/sound.json", 0),
        ("explain {f}/call.yaml {f}/bad.json", 1),
        ("schema {f}/call.yaml", 0),
        ("schema {f}/wrong.yaml", 1),
        ("test {f}/call.cases.yaml", 0),
        ("test {f}/failing.cases.yaml", 1),
        ("test {f}/call.cases.yaml -k no-such-case", 1),
        ("test {f}/nothing.cases.yaml", 1),
        ("help unknown-name", 0),
        ("help no-such-code", 1),
        ("help", 0),
        ("nonsense", 2),
        ("--version", 0),
        ("--help", 0),
        ("decide --help", 0),
    ],
)
def test_exit_status(command: str, status: int) -> None:
    out, err, found = run("bandolo " + command.format(f=FILES))
    assert found == status, out + err
    if status:
        assert err.strip() or "expected" in out, "a problem is told on standard error (a failed case in the report)"


def test_one_bad_application_among_many_does_not_stop_the_rest() -> None:
    out, err, status = run(
        f"bandolo decide {FILES}/call.yaml --json {FILES}/sound.json {FILES}/bad.json {FILES}/broken.json {FILES}/several.jsonl"
        f" {FILES}/late.yaml"
    )
    assert status == 1
    assert [json.loads(line)["application"] for line in out.splitlines()] == ["M-1", "M-6", "M-8", "M-2"]
    assert "error[json-syntax]" in err
    assert "error[unknown-fact]" in err


def test_standard_input_may_hold_one_application_or_several_lines() -> None:
    for name, ids in (("sound.json", ["M-1"]), ("late.yaml", ["M-2"])):
        out, _, status = run(f"bandolo decide {FILES}/call.yaml - --json < {FILES}/{name}")
        assert (status, [json.loads(line)["application"] for line in out.splitlines()]) == (0, ids)
    out, _, status = run(f"bandolo decide {FILES}/call.yaml - --json < {FILES}/several.jsonl")
    assert (status, [json.loads(line)["application"] for line in out.splitlines()]) == (1, ["M-6", "M-8"])


def test_what_ifs_are_applied_and_listed() -> None:
    changes = "--set minimum_mills=1 --set 'closing=2024-07-01 00:00' --reading unlisted=refuse --as-of 2024-07-12"
    arguments = f"bandolo decide {FILES}/call.yaml {FILES}/late.yaml --json {changes}"
    decision = json.loads(run(arguments)[0])
    assert decision["changed"] == ["closing = 2024-07-01T00:00:00+02:00", "minimum_mills = 1", "reading.unlisted = refuse"]
    assert decision["as_of"] == "2024-07-12"
    verdicts = {r["id"]: (r["verdict"], r["effect"]) for r in decision["requirements"] if r["subject"] != "mills[A]"}
    assert verdicts["in_time"] == ("met", "reject")
    assert verdicts["signature"] == ("failed", "reject")
    assert verdicts["in_register"] == ("failed", "reject")


def test_an_amendment_is_applied_and_listed() -> None:
    decision = json.loads(run(f"bandolo decide {FILES}/call.yaml {FILES}/sound.json --json --amend {FILES}/decree.yaml")[0])
    assert (decision["outcome"], decision["policy"]["amendments"], decision["assumed"]) == ("admitted", ["decree_7"], [])


def said_of_file(path: Path) -> tuple[list[str], int]:
    """The code and place of all that is said of an application file, and the exit status."""
    _, err, status = run(f"bandolo decide {FILES}/call.yaml {path}")
    found = re.findall(r"(?m)^error\[([a-z-]+)\].*\n +--> (.*)$", err)
    return [f"{code} {place.replace(str(path), path.name)}" for code, place in found], status


def test_mistakes_in_json_lines_are_told_at_their_line(tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    path.write_text('{"id": "A"}\n\n{"id": }\n{"id": "B\u2028", "idd": 1}\n{"id": "C", "id": "D"}\n', encoding="utf-8")
    found, status = said_of_file(path)
    assert status == 1
    assert found == ["json-syntax many.jsonl:3:8", "unknown-fact many.jsonl:4:14", "duplicate-field many.jsonl:5:1"]
    assert "line 3, column 8" in run(f"bandolo decide {FILES}/call.yaml {path}")[1]


@pytest.mark.parametrize(("name", "text"), [("a.json", "[]"), ("a.yaml", "[]"), ("a.jsonl", ""), ("a.jsonl", "\n \n")])
def test_a_file_without_applications_is_said_to_be_one(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert said_of_file(tmp_path / name) == ([f"no-applications {name}"], 1)


def test_the_schema_of_an_application_accepts_it() -> None:
    from jsonschema import Draft202012Validator

    schema = json.loads(run(f"bandolo schema {FILES}/call.yaml")[0])
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    validator.validate(json.loads((ROOT / FILES / "sound.json").read_text(encoding="utf-8")))
    assert not validator.is_valid(json.loads((ROOT / FILES / "bad.json").read_text(encoding="utf-8")))


def test_diagnostics_may_be_json() -> None:
    out, err, status = run(f"bandolo check {FILES}/wrong.yaml --json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert (status, err) == (1, "")
    assert [(r["code"], r["line"], r["column"]) for r in rows if r["severity"] == "error"] == [
        ("unknown-name", 9, 14),
        ("italian-number", 9, 22),
        ("bad-word", 11, 38),
    ]


def test_a_folder_stands_for_its_policies() -> None:
    out, err, status = run("bandolo check policies --lang en")
    assert status == 0, err
    assert "policies/bando_2023.yaml" in out + err


# As a process.


def process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    environ = {**{k: v for k, v in os.environ.items() if k not in ("BANDOLO_LANG", "LC_ALL", "LC_MESSAGES", "LANG")}, **environment}
    return subprocess.run(
        [sys.executable, "-m", "bandolo", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environ,
        encoding="utf-8",
    )


def test_the_language_follows_the_environment_and_the_option_wins() -> None:
    path = f"{FILES}/wrong.yaml"
    assert "errore[unknown-name]" in process("check", path, LANG="it_IT.UTF-8").stderr
    assert "error[unknown-name]" in process("check", path, LANG="C.UTF-8").stderr
    assert "errore[unknown-name]" in process("check", path, BANDOLO_LANG="it", LANG="en_GB.UTF-8").stderr
    assert "error[unknown-name]" in process("check", path, "--lang", "en", LANG="it_IT.UTF-8").stderr


def test_output_can_be_read_where_the_terminal_knows_no_unicode() -> None:
    done = process("decide", f"{FILES}/call.yaml", f"{FILES}/sound.json", PYTHONIOENCODING="ascii:backslashreplace", LANG="C")
    assert done.returncode == 0, done.stderr
    for setting in ("ascii", "latin-1"):
        done = process("decide", f"{FILES}/call.yaml", f"{FILES}/sound.json", "--lang", "it", PYTHONIOENCODING=setting)
        assert "Traceback" not in done.stderr


def test_a_reader_that_stops_early_is_no_error() -> None:
    command = f"{sys.executable} -m bandolo help | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr
    assert done.returncode == 0
