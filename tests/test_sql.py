"""Views decide as the reference does, to the cent, or leave the application to the engine; what they cannot say is refused."""

from __future__ import annotations

import json
import tempfile
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bandolo.policy import load_policy
from bandolo.sql.view import DIALECTS, view
from bandolo.surfaces.cli import cli
from bandolo.testing.generate import bases_of, generated
from generated import applications, policies
from small import ROOT
from small import policy as small_policy
from warehouse import compare, load, tables_and_views

EXACT = ROOT / "tests/cases/sql/exact.yaml"
LISTS = ROOT / "tests/cases/sql/lists.yaml"
MANIFESTAZIONE = ROOT / "policies/manifestazione_2022.yaml"
AT_LEAST_TOLD = Fraction(3, 4)


def few(path: Path, most: int) -> list[dict[str, Any]]:
    """Some of the applications of a policy's cases, from all of them."""
    bases = bases_of(path)
    return bases[:: max(1, len(bases) // most)]


@pytest.mark.parametrize(
    ("path", "count"),
    [
        (EXACT, 100),
        (LISTS, 80),
        (ROOT / "bench/filiere.yaml", 40),
        (MANIFESTAZIONE, 60),
        (ROOT / "policies/bando_2023.yaml", 0),
        (ROOT / "tests/policies/rural_services_2025.yaml", 20),
        (ROOT / "tests/policies/ranked_call.yaml", 30),
    ],
    ids=lambda p: p.stem if isinstance(p, Path) else str(p),
)
def test_made_up_applications_are_decided_as_by_the_reference(path: Path, count: int) -> None:
    policy, bases = load_policy(path), few(path, 8)
    made = [*bases, *generated(policy, count, 7, bases)]
    found = compare(policy, made, duckdb.connect(), "duckdb", "?", assume=True)
    assert found.differences == []
    assert found.total - found.no_outcome >= AT_LEAST_TOLD * found.total, "a view that tells nothing compares nothing"


@settings(derandomize=True, max_examples=8, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None, deadline=None)
@given(policies(), st.lists(applications(), min_size=12, max_size=12))
def test_generated_policies_are_decided_as_by_the_reference(policy: dict[str, Any], made: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "generated.yaml").write_text(json.dumps(policy))
        loaded = load_policy(Path(folder) / "generated.yaml")
    assert compare(loaded, made, duckdb.connect(), "duckdb", "?").differences == []


@pytest.mark.parametrize("readings", [{"linked_firms": "one_per_group", "fields_needed": "all_five"}, {"missing_document": "refuse"}])
def test_readings_and_the_clock_are_those_of_the_view(readings: dict[str, str]) -> None:
    policy, bases = load_policy(MANIFESTAZIONE), bases_of(MANIFESTAZIONE)
    found = compare(policy, bases, duckdb.connect(), "duckdb", "?", readings=readings, as_of="2023-02-01")
    assert found.differences == []
    assert found.total > found.left


# One application, and what makes it the engine's. The view says nothing of it: not even a part.


@cache
def sound() -> Any:
    """The tables of the sound application, and the views of its policy."""
    policy = load_policy(EXACT)
    schema, made, settled = tables_and_views(policy, "duckdb")
    cursor = duckdb.connect()
    for statement in schema:
        cursor.execute(statement)
    load(policy, settled, bases_of(EXACT)[:1], cursor, "?")
    return cursor, made


def row(change: str) -> dict[str, Any]:
    """What the view says of the sound application, after a change of its tables."""
    cursor, made = sound()
    cursor.execute("BEGIN")
    try:
        for statement in [*filter(None, change.split("; ")), *made]:
            cursor.execute(statement)
        cursor.execute("SELECT * FROM decisions")
        return dict(zip([d[0] for d in cursor.description], cursor.fetchall()[0], strict=True))
    finally:
        cursor.execute("ROLLBACK")


def test_a_sound_application_is_decided_to_the_cent() -> None:
    found = row("")
    assert not found["needs_engine"]
    assert (found["outcome"], found["status__second"]) == ("admitted", "passed")
    assert found["result__third"] == Decimal("44.46")
    assert isinstance(found["result__third"], Decimal)


@pytest.mark.parametrize(
    "change",
    [
        'UPDATE "project" SET "firms" = 4',
        'UPDATE "project" SET "firms" = NULL',
        'DELETE FROM "firm" WHERE "code" = \'A\'',
        'DELETE FROM "bill" WHERE "firm__code" = \'B\'',
        'UPDATE "firm" SET "code" = \'A\'',
        'UPDATE "firm" SET "code" = NULL WHERE "code" = \'C\'',
        'UPDATE "firm" SET "size" = \'enormous\' WHERE "code" = \'C\'',
        'UPDATE "firm" SET "costs" = -1 WHERE "code" = \'C\'',
        'UPDATE "project" SET "tags" = [\'small\', NULL]',
        'UPDATE "project" SET "paid_on__none" = TRUE, "paid_on" = DATE \'2023-01-01\'',
        'INSERT INTO "project" SELECT * FROM "project"',
        'ALTER TABLE "project" ALTER "fee" TYPE DOUBLE',
        'ALTER TABLE "project" ALTER "fee" TYPE DECIMAL(18, 3); UPDATE "project" SET "fee" = 100.001',
        'ALTER TABLE "project" ALTER "sent_at" TYPE TIMESTAMP',
    ],
)
def test_bad_data_is_left_to_the_engine(change: str) -> None:
    found = row(change)
    assert found["needs_engine"]
    assert [v for n, v in found.items() if n not in ("id", "needs_engine")] == [None] * (len(found) - 2)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ('UPDATE "firm" SET "costs" = NULL WHERE "code" = \'C\'', {"outcome": None, "result__third": None, "result__kinds": 2}),
        ('UPDATE "project" SET "paid_on__none" = NULL', {"outcome": "admitted", "status__second": "not_started", "failed": None}),
        ('UPDATE "project" SET "fee" = 0, "firms" = 0; DELETE FROM "firm"; DELETE FROM "bill"', {"result__ratio__numerator": None}),
        ('UPDATE "project" SET "sent_at" = TIMESTAMPTZ \'2025-01-01 00:00:00+00\'', {"outcome": "rejected", "failed": "in_time,whole"}),
        ('UPDATE "project" SET "sent_at" = TIMESTAMPTZ \'2024-01-01 00:00:00+00\', "fee" = NULL', {"outcome": "rejected", "failed": None}),
        ('UPDATE "firm" SET "bills" = NULL WHERE "code" = \'C\'', {"result__ratio__numerator": None, "result__kinds": 2}),
    ],
)  # fmt: skip
def test_what_does_not_rest_on_a_missing_fact_is_told(change: str, told: dict[str, Any]) -> None:
    found = row(change)
    assert found["needs_engine"]
    assert {n: found[n] for n in told} == told


# What a view cannot say exactly.


REFUSED = {
    "instant-moved": "{in_time: {check: 'sent_at + 3 days < 2023-05-01 00:00', otherwise: reject}}",
    "fractions": "{ratios: {check: 'sum(costs / hours of firms) < 3 EUR', otherwise: reject}}",
    "rounding": "{whole: {check: 'round(hours, down, fee) > 0', otherwise: reject}}",
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("what", ["instant-moved", "fractions", "rounding"])
def test_a_construct_that_is_not_said_is_refused_with_its_place(what: str, dialect: str) -> None:
    policy = small_policy(f"""
        entities:
          project:
            facts: {{id: {{type: text, key: true}}, sent_at: datetime, hours: number, fee: number, firms: list of firm}}
          firm:
            facts: {{code: {{type: text, key: true}}, costs: money, hours: number}}
        requirements:
          project: {REFUSED[what]}
        """)
    made, found = view(policy.core, policy.settled, dialect)
    assert made is None
    assert [(d.code, d.args["what"].name) for d in found] == [("sql-unsupported", what)]
    assert found[0].span is not None


def test_a_root_without_facts_is_refused_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "bare.yaml").write_text("bandolo: 1\npolicy: {id: p, title: P, decides: bid}\nentities: {bid: {facts: {}}}\n")
    refused = CliRunner().invoke(cli, ["sql", str(tmp_path / "bare.yaml"), "--dialect", "duckdb"])
    assert refused.exit_code == 1
    assert refused.stderr.startswith("error[sql-unsupported]: a view of duckdb cannot decide an entity without a key")
    assert "bare.yaml" in refused.stderr


def test_an_amendment_that_reaches_only_some_applications_is_refused(tmp_path: Path) -> None:
    act = "bandolo: 1\namends: call.yaml\nid: act\ntitle: Act\ndate: 2023-05-01\n"
    act += "applies_to: sent_at >= 2023-02-01 00:00\nset: {entities.firm.facts.costs.to: 800 EUR}\n"
    (tmp_path / "act.yaml").write_text(act)
    (tmp_path / "call.yaml").write_text(EXACT.read_text())
    command = ["sql", str(tmp_path / "call.yaml"), "--dialect", "duckdb", "--amend", str(tmp_path / "act.yaml")]
    refused = CliRunner().invoke(cli, command)
    assert refused.exit_code == 1
    assert refused.stdout == ""
    assert "sql-unsupported" in refused.stderr
    assert "act.yaml:6" in refused.stderr
    (tmp_path / "act.yaml").write_text(act.replace("applies_to: sent_at >= 2023-02-01 00:00\n", ""))
    assert CliRunner().invoke(cli, command).exit_code == 0


def test_a_list_that_is_missing_may_stop_a_stage_by_any_effect() -> None:
    policy = small_policy("""
        readings:
          late: {question: Late?, options: {noted: Noted, refused: Refused}, chosen: noted}
        entities:
          project:
            facts: {id: {type: text, key: true}, firms: list of firm}
          firm:
            facts: {code: {type: text, key: true}, late: boolean}
        requirements:
          firm:
            in_time: {check: not late, otherwise: {by: reading.late, noted: flag, refused: reject}}
        """)
    made: list[dict[str, Any]] = [{}, {"firms": []}, {"firms": [{"code": "A", "late": True}]}, {"firms": [{"code": "A"}]}]
    found = compare(policy, made, duckdb.connect(), "duckdb", "?")
    assert (found.differences, found.no_outcome) == ([], 1)


def test_names_and_texts_are_never_sql() -> None:
    policy = small_policy("""
        entities:
          project:
            facts: {id: {type: text, key: true}, select: text}
        requirements:
          project:
            order: {check: select != "'; DROP TABLE project; --", otherwise: reject}
        """)
    found = compare(policy, [{"select": "'; DROP TABLE project; --"}, {"select": 'a "quoted" name'}], duckdb.connect(), "duckdb", "?")
    assert (found.differences, found.left) == ([], 0)


def test_the_command(tmp_path: Path) -> None:
    run = CliRunner().invoke
    made = run(cli, ["sql", str(EXACT), "--dialect", "duckdb", "--to", str(tmp_path / "v.sql")])
    assert made.exit_code == 0
    schema = run(cli, ["sql", str(EXACT), "--dialect", "duckdb", "--schema"])
    cursor = duckdb.connect()
    cursor.execute(schema.stdout)
    cursor.execute((tmp_path / "v.sql").read_text())
    assert cursor.execute("SELECT count(*) FROM decisions").fetchall() == [(0,)]
    said = run(cli, ["sql", str(MANIFESTAZIONE), "--dialect", "spark", "--lang", "it"])
    assert said.exit_code == 0
    assert "-- Almeno" in said.stdout
    assert run(cli, ["sql", str(EXACT), "--dialect", "oracle"]).exit_code == 2
    assert run(cli, ["sql", str(EXACT), "--dialect", "duckdb", "--to", str(tmp_path / "no" / "v.sql")]).exit_code == 1
    assert run(cli, ["sql", str(EXACT), "--dialect", "duckdb", "--as-of", "yesterday"]).exit_code == 1
