"""A batch decides every application as the reference does, whether by columns or one by one, and says which."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, reject, settings

from arrow import complete, linked, table, without_empty
from bandolo.batch import outgoing, run
from bandolo.batch.files import run_files
from bandolo.batch.rows import Rowwise, record_paths
from bandolo.batch.tables import BadTables, together
from bandolo.batch.task import Task
from bandolo.diagnostics import ApplicationError, PolicyError
from bandolo.evaluate.decision import Outcome
from bandolo.evaluate.typed import BadValue
from bandolo.policy import Policy, load_policy, policy_from_bytes
from bandolo.surfaces.cli import cli
from bandolo.testing.generate import bases_of
from bandolo.testing.generate import generated as made_up
from generated import Generated, generated

ROOT = Path(__file__).resolve().parents[1]


def tables_of(policy: Policy, applications: Sequence[Any]) -> tuple[pa.Table, list[Any]]:
    """The applications that have a place in typed columns."""
    kept = []
    for application in applications:
        try:
            table(policy.core, [application])
        except (ValueError, TypeError, AttributeError, BadValue, pa.ArrowException):
            continue
        kept.append(application)
    return table(policy.core, kept), kept


def expected(policy: Policy, tables: Any, **what_if: Any) -> tuple[list[Any], dict[str, list[Any]]]:
    """What the reference says of each row of some tables, as rows of a batch."""
    core = policy.core
    joined = together(core, tables)
    rows, below = [], {e: [] for e in joined.offsets}
    key = core.entities[core.root].key
    for data in Rowwise(policy, {}).applications(joined, range(joined.tables[core.root].num_rows)):
        name = data.get(key.name) if key is not None else None
        try:
            decision = policy.decide(data, engine="reference", **what_if)
            if too_large := outgoing.beyond(decision, below):
                raise ApplicationError(too_large)
        except ApplicationError as error:
            rows.append(outgoing.row_of(core, name, None, error.diagnostics))
            for entity in below:
                below[entity] += [{"application": name, "record": p, "failed": []} for p in record_paths(core, entity, data)]
            continue
        rows.append(outgoing.row_of(core, name, decision, ()))
        for entity in below:
            below[entity] += outgoing.record_rows(core, entity, name, decision, record_paths(core, entity, data))
    return (
        outgoing.from_rows(rows, outgoing.schema(core)).to_pylist(),
        {e: outgoing.from_rows(below[e], outgoing.record_schema(core, e)).to_pylist() for e in below},
    )


def same(policy: Policy, tables: Any, **what_if: Any) -> Any:
    """Run a batch, with and without the rows of records, and compare it with the reference; what it came to."""
    tables = {policy.core.root: tables} if isinstance(tables, pa.Table) else tables
    rows, below = expected(policy, tables, **what_if)
    decided = run(policy, tables, **what_if)
    assert decided.applications.to_pylist() == rows
    whole = run(policy, tables, records=sorted(below), **what_if)
    assert whole.applications.to_pylist() == rows
    for entity in below:
        assert whole.records[entity].to_pylist() == below[entity]
    assert decided.by_columns + decided.by_rows == len(rows)
    return decided


CALLS = [
    ("bench/filiere.yaml", (), {}, True),
    ("policies/manifestazione_2022.yaml", (), {"assume": True, "as_of": "2022-12-01"}, True),
    ("policies/manifestazione_2022.yaml", ("policies/manifestazione_2022.extension.yaml",), {}, True),
    ("policies/bando_2023.yaml", ("policies/bando_2023.implementing_act.yaml",), {}, True),
    ("tests/policies/ranked_call.yaml", (), {}, True),
    ("tests/policies/rural_services_2025.yaml", (), {"as_of": "2025-05-01"}, False),
]


@cache
def loaded(path: str, amendments: tuple[str, ...]) -> Policy:
    return load_policy(ROOT / path, amendments=[ROOT / a for a in amendments])


@pytest.mark.parametrize(("path", "amendments", "what_if", "by_columns"), CALLS, ids=str)
def test_calls_are_decided_as_by_the_reference(path: str, amendments: tuple[str, ...], what_if: Any, by_columns: bool) -> None:
    policy = loaded(path, amendments)
    bases = bases_of(ROOT / path)
    some = [*bases[:3], *made_up(policy, 7, 7, bases[:4])]
    nested, _ = tables_of(policy, [*some, *(complete(policy.core, a) for a in some)])
    decided = same(policy, without_empty(nested), **what_if)
    assert bool(decided.by_columns) == by_columns, decided.why


@pytest.fixture
def few_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small policies need few ways to fill in what is missing."""
    monkeypatch.setattr("bandolo.batch.steps.TRIALS", 5)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(generated())
@pytest.mark.usefixtures("few_trials")
def test_generated_policies_are_decided_as_by_the_reference(made: Generated) -> None:
    try:
        policy = policy_from_bytes("generated.yaml", made.text())
    except PolicyError:
        reject()
    some = [made.application, *made_up(policy, 10, 3, [made.application])]
    nested, _ = tables_of(policy, [*some, *(complete(policy.core, a) for a in some)])
    same(policy, without_empty(nested) if made.application.get("p") else nested)


def test_a_call_is_decided_by_columns_before_its_payment_begins() -> None:
    """Nothing is known of the payment yet, and the closing is left to another act."""
    policy = loaded("policies/bando_2023.yaml", ())
    some = list(made_up(policy, 8, 7, bases_of(ROOT / "policies/bando_2023.yaml")[:4]))
    decided = same(policy, without_empty(tables_of(policy, some)[0]))
    assert decided.by_columns >= len(some) - 1, decided.why
    outcomes = set(decided.applications["outcome"].to_pylist())
    assert "undetermined" in outcomes
    assert set(decided.applications["result.total_balance"].to_pylist()) == {None}


SMALL = """
bandolo: 1
policy: {{id: small, title: {{en: Small}}, decides: bid, currency: EUR, time_zone: Europe/Rome, money_rounding: {rounding}}}
choices: {{size: [small, large]}}
entities:
  bid:
    facts:
      id: {{type: text, key: true}}
      sent_at: datetime
      started_on: {{type: date, optional: true}}
      cost: money
      other: money
      mark: number
      firms: {{type: list of firm, at_most: 9}}
  firm:
    facts:
      id: {{type: text, key: true}}
      size: size
      ok: boolean
      cost: money
rates: {{rate: {{by: size, values: {{small: 33.33%, large: 12.5%}}}}}}
definitions:
  firm: {{aid: {{value: "rate[size] * cost", round: {{{rounding}: 0.01 EUR}}}}}}
  bid:
    part: cost * 2 / 3 - other / 7
    ratio: cost / other
    squared: mark * mark
    aid: sum(aid of firms where admitted)
    first_day: date(sent_at)
requirements:
  bid:
    early: {{check: "sent_at <= 2023-03-26 02:30", otherwise: reject}}
    ready: {{check: "started_on is none or started_on > date(sent_at)", otherwise: refer}}
    limit: {{applies: other > 0 EUR, check: cost / other <= 70%, otherwise: suspend}}
    some: {{check: any(firms where admitted and size = large), otherwise: reject}}
  firm:
    fit: {{check: ok, otherwise: exclude}}
    cheap: {{check: cost < 1_000 EUR, otherwise: refer}}
results: [part, ratio, squared, aid, first_day, firm.aid]
"""


@cache
def small(rounding: str = "half_up") -> Policy:
    return policy_from_bytes("small.yaml", SMALL.format(rounding=rounding).encode())


def bid(number: int, **changes: Any) -> dict[str, Any]:
    firms = [{"id": f"F{i}", "size": ("small", "large")[i % 2], "ok": i != 2, "cost": f"{100 + 7 * i}.0{i}"} for i in range(number % 5)]
    plain = {
        "id": f"B{number}",
        "sent_at": "2023-03-20 10:00",
        "started_on": None,
        "cost": "7",
        "other": "10",
        "mark": "1.5",
        "firms": firms,
    }
    return plain | changes


def test_amounts_and_numbers_beyond_64_bits_are_left_to_the_reference_and_never_wrap() -> None:
    amounts = ["0", "-0.01", "0.01", "140000", "90071992547409.93", "1234567890123456.78", "-99999999999999999.99", "9" * 34 + ".99"]
    bids = [bid(4 + i * 10 + j, cost=a, other=b) for i, a in enumerate(amounts) for j, b in enumerate(amounts)]
    bids += [bid(999 + i, mark=m) for i, m in enumerate(["3000000", "-2097151.999999999", "99999999999", "0.000000001"])]
    bids += [bid(2000 + i, firms=[{"id": "F", "size": "small", "ok": True, "cost": a}, bid(4)["firms"][1]]) for i, a in enumerate(amounts)]
    for rounding in ("half_up", "half_even", "up", "down"):
        decided = same(small(rounding), table(small().core, bids))
        assert decided.by_columns > len(bids) // 8
        assert decided.by_rows > 0


HUGE = """
bandolo: 1
policy:
  id: huge
  title: Huge
  decides: bid
  money_rounding: half_up
entities:
  bid:
    facts:
      id:
        type: text
        key: true
      count: integer
      cost: money
      firms: list of firm
  firm:
    facts:
      f_count: integer
definitions:
  bid:
    cubed: count ^ 3
    dear: cost * count * count
    always: 9223372036854775808
  firm:
    squared: f_count * f_count
results:
- cubed
- dear
- firm.squared
"""


def test_a_result_that_its_column_cannot_hold_is_an_error_of_its_row() -> None:
    """Whole numbers have 64 bits, amounts 38 digits; what is just within them is told exactly."""
    policy = policy_from_bytes("huge.yaml", HUGE.encode())
    counts = {"A": 2**21, "B": 2**21 - 1, "C": -(2**21), "D": -(2**21) - 1, "E": 2**40, "F": 3}
    made = [{"id": k, "count": c, "cost": "0.01", "firms": []} for k, c in counts.items()]
    made += [
        {"id": "G", "count": 1000, "cost": "9" * 34 + ".99", "firms": []},
        {"id": "H", "count": 1, "cost": "9" * 36 + ".99", "firms": []},
    ]
    made += [{"id": "I", "count": 1, "cost": "1", "firms": [{"f_count": 2}, {"f_count": 2**32}]}]
    nested = table(policy.core, made)
    decided = run(policy, nested, records=["firm"])
    rows, below = decided.applications.to_pylist(), decided.records["firm"].to_pylist()
    wrong = {row["application"]: row["error"] for row in rows if row["error"]}
    assert wrong == {
        "A": "number-too-long results.cubed",
        "D": "number-too-long results.cubed",
        "E": "number-too-long results.cubed",
        "G": "number-too-long results.dear",
        "I": "number-too-long firms[1].squared",
    }
    assert decided.errors == {"number-too-long": 5}
    assert [row["result.cubed"] for row in rows] == [None, (2**21 - 1) ** 3, -(2**63), None, None, 27, None, 1, None]
    assert str(rows[7]["result.dear"]) == "9" * 36 + ".99"
    assert [row["result.squared"] for row in below] == [None, None]
    assert not run(policy, nested).applications.to_pylist()[8]["error"]  # the firms' rows were not asked for
    always = policy_from_bytes("huge.yaml", HUGE.replace("- cubed", "- always").encode())
    assert set(run(always, nested).applications["error"].to_pylist()) == {"number-too-long results.always"}


def test_instants_follow_the_clock_changes_of_the_zone() -> None:
    """Wall times that are skipped or come twice, and days on either side of midnight."""
    from datetime import datetime

    walls = [datetime(2023, 3, 26, 1, 59, 59), datetime(2023, 3, 26, 2, 30), datetime(2023, 3, 26, 3, 30), datetime(2023, 10, 29, 2, 30)]
    walls += [
        datetime(2023, 3, 25, 23, 59, 59, 999999),
        datetime(2023, 7, 1),
        datetime(1890, 1, 1),
        datetime(1700, 1, 1),
        datetime(9999, 12, 31),
    ]
    nested = table(small().core, [bid(1 + i) for i in range(len(walls))])
    at = nested.column_names.index("sent_at")
    for unit in ("us", "ms"):
        cells = pa.array([w if unit == "us" else w.replace(microsecond=0) for w in walls], pa.timestamp(unit))
        decided = same(small(), nested.set_column(at, "sent_at", cells))
        assert decided.by_columns == len(walls) - 2  # before the zones that are looked up, and after


def test_what_is_missing_wrong_or_twice_is_decided_one_by_one() -> None:
    firm = bid(3)["firms"][0]
    bids = [
        bid(1), bid(2, cost=None), bid(3, firms=[firm, firm]), bid(4, firms=None), bid(5, firms=[firm | {"ok": None}]),
        bid(6, firms=[firm | {"size": "huge"}]), bid(7, firms=[firm | {"id": None}, firm]), bid(8, firms=[firm | {"id": "a]"}]),
        bid(9, firms=[firm | {"id": f"F{i}"} for i in range(10)]), bid(10, started_on="2023-03-21"), bid(11, firms=[]),
    ]  # fmt: skip
    decided = same(small(), table(small().core, bids))
    assert (decided.by_columns, decided.by_rows) == (5, 6)
    assert decided.errors == {"key-twice": 1, "unlisted-choice": 1, "bad-key": 1, "list-too-long": 1}
    empty = same(small(), table(small().core, []))
    assert empty.by_columns == 0


def test_the_one_fact_that_leaves_a_verdict_open_is_named_by_columns() -> None:
    """Of the application and of its records, known to count or not; where two facts could be missing, the reference names them."""
    firm = bid(1)["firms"][0]
    bids = [
        bid(1, firms=[firm | {"cost": None}]),
        bid(2, firms=[firm | {"cost": None}, firm | {"id": "F9"}, firm | {"id": "F1", "cost": None}]),
        bid(3, firms=[firm | {"cost": None, "ok": False}]),
        bid(4, sent_at=None),
        bid(6, cost=None),
        bid(7, cost=None, other="-1"),
        bid(8, cost=None, other=None),
    ]
    decided = same(small(), table(small().core, bids))
    assert decided.applications["missing"].to_pylist() == [
        ["firms[F0].cost"], ["firms[F0].cost", "firms[F1].cost"], [], ["sent_at"], ["cost"], [], ["cost", "other"],
    ]  # fmt: skip
    assert decided.by_rows == 1


def test_a_length_of_time_that_no_rule_reads_keeps_nothing_from_the_columns() -> None:
    text = SMALL.format(rounding="down").replace("mark: number", "mark: number\n      term: duration in days")
    lengths = ["45 days", "2 weeks", None, "soon"]
    bids = [bid(i, term=length) for i, length in enumerate(lengths)]
    policy = policy_from_bytes("small.yaml", text.encode())
    decided = same(policy, table(policy.core, bids))
    assert (decided.by_columns, decided.errors) == (3, {"bad-duration": 1})
    asked = text.replace("limit: {", 'soon: {check: "sent_at + term < 2023-04-10 00:00", otherwise: refer}\n    limit: {')
    policy = policy_from_bytes("small.yaml", asked.encode())
    decided = same(policy, table(policy.core, bids))
    assert decided.by_columns == 0
    assert decided.why["term is a length of time"] == 3


def test_an_act_that_does_not_reach_every_application_is_asked_of_each() -> None:
    act = "bandolo: 1\namends: small.yaml\nid: act\ndate: 2023-04-01\napplies_to: sent_at >= 2023-04-01 00:00\n"
    act += 'set: {requirements.bid.early.check: "sent_at <= 2023-06-01 00:00"}\n'
    policy = policy_from_bytes("small.yaml", SMALL.format(rounding="down").encode(), [("act.yaml", act.encode())])
    days = ["2023-03-01 10:00", "2023-03-29 10:00", "2023-04-02 10:00", "2023-06-02 10:00", None]
    decided = same(policy, table(policy.core, [bid(3, sent_at=day) for day in days]))
    assert decided.by_rows == len(days)
    early = ["early" in failed for failed in decided.applications["failed"].to_pylist()]
    assert early == [False, True, False, True, False]


def test_records_in_a_table_of_their_own_may_stand_in_any_order() -> None:
    policy = small()
    nested = table(policy.core, [bid(i) for i in range(12)])
    apart = linked(policy.core, nested)
    expected_ = run(policy, nested, records=["firm"])
    for firms in (apart["firm"], apart["firm"].take(pa.array(sorted(range(apart["firm"].num_rows), key=lambda i: i * 7 % 5)))):
        decided = run(policy, {"bid": apart["bid"], "firm": firms}, records=["firm"])
        assert decided.applications.to_pylist() == expected_.applications.to_pylist()
        found = sorted(decided.records["firm"].to_pylist(), key=str)
        assert found == sorted(expected_.records["firm"].to_pylist(), key=str)
    with pytest.raises(BadTables, match="orphan-records"):
        run(policy, {"bid": apart["bid"].slice(3), "firm": apart["firm"]})
    with pytest.raises(BadTables, match="owners-alike"):
        run(policy, {"bid": pa.concat_tables([apart["bid"], apart["bid"]]), "firm": apart["firm"]})
    with pytest.raises(BadTables, match="column-no-fact"):
        run(policy, nested.append_column("csot", pa.nulls(12)))


def files(folder: Path, count: int = 60) -> tuple[Task, pa.Table]:
    """A policy, applications in row groups of ten, and their firms in a file of their own; of some a fact is missing."""
    policy = small()
    lacking = {5: {"firms": [bid(1)["firms"][0] | {"ok": None}]}, 7: {"cost": None}}
    nested = table(policy.core, [bid(i, **lacking.get(i % 13, {})) for i in range(count)])
    apart = linked(policy.core, nested)
    (folder / "small.yaml").write_text(SMALL.format(rounding="half_up"))
    pq.write_table(apart["bid"], folder / "bids.parquet", row_group_size=10)
    pq.write_table(apart["firm"], folder / "firms.parquet", row_group_size=17)
    records, to = {"firm": str(folder / "firms.parquet")}, {"firm": str(folder / "firms_decided.parquet")}
    task = Task(str(folder / "small.yaml"), (), {}, str(folder / "bids.parquet"), records, str(folder / "decided.parquet"), to, 1)
    return task, nested


def test_files_are_decided_row_group_by_row_group_in_order(tmp_path: Path) -> None:
    task, nested = files(tmp_path)
    whole = run(small(), nested, records=["firm"])
    for workers in (1, 2):
        report = run_files(replace(task, workers=workers))
        assert pq.read_table(task.to).to_pylist() == whole.applications.to_pylist()
        assert pq.read_table(task.records_to["firm"]).to_pylist() == whole.records["firm"].to_pylist()
        assert (report.applications, report.by_columns, report.by_rows) == (60, whole.by_columns, whole.by_rows)
        assert not Path(task.to + ".parts").exists()


def test_a_row_group_is_decided_a_part_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a row group is, only so many of its applications are in memory."""
    task, nested = files(tmp_path)
    pq.write_table(pq.read_table(task.applications), task.applications, row_group_size=25)
    monkeypatch.setattr("bandolo.batch.staging.GROUP", 7)
    run_files(task)
    whole = run(small(), nested, records=["firm"])
    assert pq.read_table(task.to).to_pylist() == whole.applications.to_pylist()
    assert pq.read_table(task.records_to["firm"]).to_pylist() == whole.records["firm"].to_pylist()


def test_firms_in_another_order_come_to_the_same(tmp_path: Path) -> None:
    task, nested = files(tmp_path)
    firms = pq.read_table(tmp_path / "firms.parquet")
    pq.write_table(firms.take(pa.array(list(range(firms.num_rows))[::-1])), tmp_path / "firms.parquet")
    run_files(task)
    assert pq.read_table(task.to).to_pylist() == run(small(), nested).applications.to_pylist()


def test_csv_files_are_spelt_as_a_policy(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(SMALL.format(rounding="half_up"))
    rows = ["B1,2023-03-20 10:00,none,7,10,1.5", "B2,2023-03-20 10:00,2023-03-21,7.00 EUR,1_000,2", "B3,2023-03-20 10:00,,7,10,1"]
    (tmp_path / "bids.csv").write_text("\n".join(["id,sent_at,started_on,cost,other,mark", *rows, ""]))
    (tmp_path / "firms.csv").write_text(
        "bid,id,size,ok,cost\nB1,F1,large,true,10\nB2,F1,small,false,10.5\nB2,F2,large,true,\nB3,F1,large,true,1\n"
    )
    task = Task(
        str(tmp_path / "small.yaml"), (), {}, str(tmp_path / "bids.csv"), {"firm": str(tmp_path / "firms.csv")}, str(tmp_path / "d.csv"), {}
    )
    report = run_files(task)
    lines = (tmp_path / "d.csv").read_text().splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == ['"admitted"', '"undetermined"', '"undetermined"']
    assert (report.by_columns, report.by_rows) == (2, 1)


LED = """
bandolo: 1
policy: {id: led, title: Led, decides: bid, currency: EUR, time_zone: Europe/Rome}
entities:
  bid:
    facts:
      id: {type: text, key: true}
      lead: {type: reference to firm, optional: true, label: {it: Capofila, en: Lead}}
      firms: {type: list of firm, at_most: 9}
  firm: {facts: {id: {type: text, key: true}, ok: boolean}}
requirements: {bid: {led: {check: lead is not none, otherwise: reject}}}
results: [firms_named]
definitions: {bid: {firms_named: count(firms where ok)}}
"""


def test_an_empty_reference_in_csv_is_unknown_and_the_word_none_says_that_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "led.yaml").write_text(LED)
    (tmp_path / "bids.csv").write_text("id,lead\nB1,F1\nB2,\nB3,none\n")
    (tmp_path / "firms.csv").write_text("bid,id,ok\nB1,F1,true\nB2,F1,true\nB3,F1,true\n")
    arguments = ["run", str(tmp_path / "led.yaml"), str(tmp_path / "bids.csv"), "--records", f"firm={tmp_path / 'firms.csv'}"]
    found = CliRunner().invoke(cli, [*arguments, "--to", str(tmp_path / "d.csv"), "--jobs", "1", "--lang", "it"])
    assert found.exit_code == 0
    lines = (tmp_path / "d.csv").read_text().splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == ['"admitted"', '"undetermined"', '"rejected"']
    assert "2 per colonne, 1 una per una" in found.output
    assert "  1  «Capofila» di bid è vuoto: dove non c'è si scrive `none`\n" in found.output


def test_a_batch_that_was_killed_goes_on_where_it_stopped(tmp_path: Path) -> None:
    task, nested = files(tmp_path, 400)
    command = [sys.executable, "-m", "bandolo", "run", task.policy, task.applications, "--records", f"firm={task.records['firm']}"]
    command += ["--to", task.to, "--records-to", f"firm={task.records_to['firm']}", "--jobs", "1", "--json"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "engine")}
    parts = Path(task.to + ".parts")
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    while not list(parts.glob("part-??????.parquet")) and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not Path(task.to).exists()
    before = {p.name: p.stat().st_mtime_ns for p in parts.glob("part-00????.parquet")}
    assert 0 < len(before) < 40
    (parts / "part-000039.parquet.new").write_bytes(b"half of it")
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    report = json.loads(found.stdout)
    assert report["resumed"] == len(before)
    assert report["applications"] == 400
    assert pq.read_table(task.to).to_pylist() == run(small(), nested).applications.to_pylist()
    assert not parts.exists()


def test_parts_of_another_batch_are_not_taken_up(tmp_path: Path) -> None:
    task, _ = files(tmp_path)
    stopped = []

    def stop(done: int, _: int) -> None:
        if done:
            stopped.append(done)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_files(task, stop)
    assert run_files(replace(task, what_if={"as_of": "2023-03-01"})).resumed == 0
    assert stopped == [10]


def test_outcomes_are_said_in_italian(tmp_path: Path) -> None:
    """Every outcome has an Italian word, and bad data too."""
    from bandolo.surfaces.batch import OUTCOMES

    assert set(OUTCOMES) == {*get_args(Outcome), "bad data"}
    lines = tmp_path / "bids.jsonl"
    lines.write_text('{"id": 3}\n')
    found = CliRunner().invoke(cli, ["run", str(ROOT / "bench/filiere.yaml"), str(lines), "--to", str(tmp_path / "x.csv"), "--lang", "it"])
    assert found.exit_code == 1
    assert "dati non in ordine" in found.output
    assert "bad data" not in found.output


def test_the_command_says_how_the_applications_were_decided(tmp_path: Path) -> None:
    task, _ = files(tmp_path)
    arguments = ["run", task.policy, task.applications, "--records", f"firm={task.records['firm']}", "--to", task.to, "--jobs", "1"]
    found = CliRunner().invoke(cli, [*arguments, "--lang", "en"])
    assert found.exit_code == 0
    assert "55 by columns, 5 one by one" in found.output
    assert "  5  ok of firm is missing" in found.output
    italian = CliRunner().invoke(cli, [*arguments, "--overwrite", "--lang", "it"])
    assert "  5  manca ok di firm" in italian.output
    assert "│ ammesse " in italian.output
    assert "│ non ancora decidibili " in italian.output
    again = CliRunner().invoke(cli, [*arguments, "--lang", "it"])
    assert again.exit_code == 1
    assert "would-overwrite" in again.output
    wrong = CliRunner().invoke(cli, ["run", task.policy, task.policy, "--to", str(tmp_path / "x.parquet"), "--lang", "en"])
    assert wrong.exit_code == 1
    assert "no-table-file" in wrong.output
