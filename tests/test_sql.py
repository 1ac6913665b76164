"""Views decide as the reference does, to the cent, or leave the application to the engine; what they cannot say is refused."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from bandolo.policy import load_policy
from bandolo.sql.view import DIALECTS, view
from bandolo.surfaces.cli import cli
from bandolo.testing.generate import bases_of, generated
from small import ROOT
from small import policy as small_policy
from warehouse import compare, load, tables_and_view

EXACT = ROOT / "tests/cases/sql/exact.yaml"
SOUND = [EXACT, ROOT / "bench/filiere.yaml", ROOT / "policies/manifestazione_2022.yaml"]


@pytest.mark.parametrize("path", SOUND, ids=lambda p: p.stem)
def test_made_up_applications_are_decided_as_by_the_reference(path: Path) -> None:
    policy, bases = load_policy(path), bases_of(path)
    made = [*bases, *generated(policy, 200, 7, bases)]
    found = compare(policy, made, duckdb.connect(), "duckdb", "?")
    assert found.differences == []
    assert found.total > found.left, "a view that decides nothing compares nothing"


@pytest.mark.parametrize("readings", [{"linked_firms": "one_per_group", "fields_needed": "all_five"}, {"missing_document": "refuse"}])
def test_readings_and_the_clock_are_those_of_the_view(readings: dict[str, str]) -> None:
    path = SOUND[2]
    policy, bases = load_policy(path), bases_of(path)
    found = compare(policy, bases, duckdb.connect(), "duckdb", "?", readings=readings, as_of="2023-02-01")
    assert found.differences == []
    assert found.total > found.left


# One application, and what makes it the engine's. The view says nothing of it: not even a part.


def row(change: str, **data: Any) -> dict[str, Any]:
    """What the view says of the sound application, after a change of its tables."""
    policy = load_policy(EXACT)
    schema, made, settled = tables_and_view(policy, "duckdb")
    cursor = duckdb.connect()
    for statement in schema:
        cursor.execute(statement)
    load(policy, settled, [{**bases_of(EXACT)[0], **data}], cursor, "?")
    if change:
        cursor.execute(change)
    cursor.execute(made)
    cursor.execute("SELECT * FROM decisions")
    return dict(zip([d[0] for d in cursor.description], cursor.fetchall()[0], strict=True))


def test_a_sound_application_is_decided_to_the_cent() -> None:
    found = row("")
    assert not found["needs_engine"]
    assert (found["outcome"], found["status__second"]) == ("admitted", "passed")
    assert found["result__third"] == Decimal("44.46")
    assert isinstance(found["result__third"], Decimal)


@pytest.mark.parametrize(
    "change",
    [
        'UPDATE "project" SET "firms" = NULL',
        'UPDATE "project" SET "firms" = 4',
        'DELETE FROM "firm" WHERE "code" = \'A\'',
        'DELETE FROM "bill" WHERE "firm__code" = \'B\'',
        'UPDATE "firm" SET "code" = \'A\'',
        'UPDATE "firm" SET "bills" = NULL WHERE "code" = \'C\'',
        'UPDATE "firm" SET "size" = \'enormous\' WHERE "code" = \'C\'',
        'UPDATE "firm" SET "costs" = -1 WHERE "code" = \'C\'',
        'UPDATE "firm" SET "costs" = NULL WHERE "code" = \'C\'',
        'UPDATE "project" SET "tags" = [\'small\', NULL]',
        'UPDATE "project" SET "paid_on__none" = NULL',
        'UPDATE "project" SET "paid_on" = DATE \'2023-01-01\'',
        'UPDATE "project" SET "fee" = 0, "firms" = 0; DELETE FROM "firm"',
        'INSERT INTO "project" SELECT * FROM "project"',
        'UPDATE "project" SET "sent_at" = TIMESTAMPTZ \'2025-01-01 00:00:00+00\'',
        'ALTER TABLE "project" ALTER "fee" TYPE DOUBLE',
        'ALTER TABLE "project" ALTER "fee" TYPE DECIMAL(18, 3); UPDATE "project" SET "fee" = 100.001',
        'ALTER TABLE "project" ALTER "sent_at" TYPE TIMESTAMP',
    ],
)
def test_what_is_missing_wrong_or_may_fail_is_left_to_the_engine(change: str) -> None:
    found = row(change)
    assert found["needs_engine"]
    assert [v for n, v in found.items() if n not in ("id", "needs_engine")] == [None] * (len(found) - 2)


# What a view cannot say exactly.


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_construct_that_is_not_said_is_refused_with_its_place(dialect: str) -> None:
    policy = load_policy(ROOT / "policies/bando_2023.yaml")
    made, found = view(policy.core, policy.settled, dialect)
    assert made is None
    assert {d.code for d in found} == {"sql-unsupported"}
    shares = [d for d in found if "`share of`" in str(d.args["what"])]
    assert shares
    assert all(d.span is not None and d.span.text.lstrip('"').startswith("share of") for d in shares)


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
    refused = run(cli, ["sql", str(ROOT / "policies/bando_2023.yaml"), "--dialect", "postgres", "--lang", "it"])
    assert refused.exit_code == 1
    assert "error" in refused.stderr or "errore[sql-unsupported]" in refused.stderr
    assert run(cli, ["sql", str(EXACT), "--dialect", "oracle"]).exit_code == 2
    assert run(cli, ["sql", str(EXACT), "--dialect", "duckdb", "--to", str(tmp_path / "no" / "v.sql")]).exit_code == 1
    assert run(cli, ["sql", str(EXACT), "--dialect", "duckdb", "--as-of", "yesterday"]).exit_code == 1
