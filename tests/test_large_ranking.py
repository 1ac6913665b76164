"""A ranking of a whole table is the ranking of its applications: the same columns, places, amounts and strikes, whichever way they go."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from arrow import complete, linked, table
from bandolo.batch import Ranked, rank
from bandolo.batch.ranking_columns import key_cells
from bandolo.batch.rows import Rowwise
from bandolo.batch.run import Prepared, application_names
from bandolo.batch.standing import Asked, Standings, ranker_for, standings
from bandolo.batch.tables import BadTables, together
from bandolo.diagnostics import ApplicationError, PolicyError
from bandolo.language.types import NUMBER
from bandolo.policy import Policy, load_policy, policy_from_bytes
from bandolo.ranking.rank import Ranker
from bandolo.surfaces.cli import cli
from bandolo.testing.cases import read_cases
from bandolo.testing.generate import bases_of
from bandolo.testing.generate import generated as made_up
from bandolo.testing.rankings import applications as listed
from bandolo.testing.runner import Runner
from generated import Generated, generated
from test_batch import tables_of

ROOT = Path(__file__).resolve().parents[1]
WHAT_IFS: dict[str, Any] = {"as_of": None, "set": None, "readings": None, "assume": False}


@cache
def loaded(path: str, amendments: tuple[str, ...] = ()) -> Policy:
    return load_policy(ROOT / path, amendments=[ROOT / a for a in amendments])


def one_by_one(prepared: Prepared, tables: Any) -> Standings:
    """What the ranking takes, each application asked of `ranking/assess.py`."""
    joined = together(prepared.policy.core, tables)
    names = application_names(prepared.policy.core, joined)
    return Asked(prepared, joined, ranker_for(prepared), names, None, True).assembled(None, (), np.arange(len(names)), {})


def same_standings(policy: Policy, tables: pa.Table, **what_ifs: Any) -> Standings:
    prepared = Prepared(policy, WHAT_IFS | what_ifs, ranking=True)
    given_ = {policy.core.root: tables}
    found, expected = standings(prepared, given_), one_by_one(prepared, given_)
    assert found.table.to_pylist() == expected.table.to_pylist()
    assert found.table.schema == expected.table.schema
    assert [sorted(map(str, c.to_pylist())) for c in (found.claims,)] == [sorted(map(str, c.to_pylist())) for c in (expected.claims,)]
    return found


CALLS = [
    ("tests/policies/ranked_call.yaml", (), {}, True),
    ("tests/policies/ranked_call.yaml", (), {"readings": {"firm_or_group": "each_group", "tie_by_lot": "settled"}}, True),
    ("policies/bando_2023.yaml", ("policies/bando_2023.implementing_act.yaml",), {}, True),
    ("tests/policies/rural_services_2025.yaml", (), {"as_of": "2025-05-01"}, False),
]


@pytest.mark.parametrize(("path", "amendments", "what_if", "by_columns"), CALLS, ids=str)
def test_what_the_ranking_takes_is_what_it_takes_of_each(path: str, amendments: tuple[str, ...], what_if: Any, by_columns: bool) -> None:
    policy = loaded(path, amendments)
    bases = bases_of(ROOT / path)
    some = [*bases[:6], *made_up(policy, 20, 7, bases[:6])]
    nested, _ = tables_of(policy, [*some, *(complete(policy.core, a) for a in some)])
    found = same_standings(policy, nested, **what_if)
    assert bool(found.by_columns) == by_columns, found.why
    assert "candidate" in found.table["rank.standing"].to_pylist()


RANKING = {
    "order_by": ["d3 descending", "d0 / 7 ascending", "day descending", "o ascending"],
    "exclusive": {"record": "firm", "key": "id", "keep": ["d1 ascending", "day ascending"]},
    "budget": {"pots": {"one": {"amount": "20 EUR", "award": "d2"}, "two": {"amount": "1 EUR", "award": "cash / 3"}}},
}


@settings(max_examples=30, deadline=None)
@given(generated())
def test_of_generated_policies_too(made: Generated) -> None:
    """Any definition of a generated policy can be a key, money of it an award."""
    made.policy["ranking"] = RANKING
    try:
        policy = policy_from_bytes("generated.yaml", made.text())
    except PolicyError:
        reject()
    some = [made.application, *made_up(policy, 10, 3, [made.application])]
    nested, _ = tables_of(policy, [*some, *(complete(policy.core, a) for a in some)])
    same_standings(policy, nested)


# The list.


def expected(policy: Policy, tables: pa.Table, **what_ifs: Any) -> tuple[list[dict[str, Any]], Any]:
    """The ranking one by one, as rows of a large ranking; without what only the columns tell."""
    joined = together(policy.core, {policy.core.root: tables})
    data = Rowwise(policy, {}).applications(joined, range(tables.num_rows))
    ranker, entrants, by_id = Ranker(policy, **what_ifs), [], {}
    for one in data:
        try:
            entrant = ranker.assess(one)
        except ApplicationError:
            continue
        entrants.append(entrant)
        by_id[entrant.id] = one
    ranking = ranker.rank(entrants, by_id.__getitem__)
    rows = []
    for row in ranking.rows:
        codes = [r.code for r in row.reasons if r.code != "requirement"]
        pots = {f"pot.{name}": amount for (name, _, _), amount in zip(ranking.pots, row.pots or [None] * 9, strict=False)}
        undecided = row.status == "undetermined" and row.position is not None
        rows.append(
            {
                "position": row.position, "application": row.application, "status": row.status, "tied": row.tied,
                "requested": row.requested, "amount": None if undecided else row.amount, **pots, "cumulative": row.cumulative,
                "left": row.left, "struck": [{"record": s.record, "key": s.key, "name": s.name, "kept_by": s.kept_by} for s in row.strikes],
                "reasons": list(dict.fromkeys(codes)), "missing": list(row.missing),
            }
        )  # fmt: skip
    return rows, ranking


def same_ranking(policy: Policy, tables: pa.Table, **what_ifs: Any) -> Ranked:
    rows, ranking = expected(policy, tables, **what_ifs)
    found = rank(policy, tables, **what_ifs)
    told_rows = found.table.select(list(rows[0]) if rows else []).to_pylist()
    assert told_rows[: len(rows)] == rows
    assert all(r["status"] is None for r in found.table.select(["status"]).to_pylist()[len(rows) :])
    told = found.summary
    assert (told.left, told.budget, told.pots) == (ranking.left, ranking.budget, ranking.pots)
    assert told.awarded == sum((r.amount or 0 for r in ranking.rows), 0)
    assert (told.settled, told.ties) == (ranking.settled, len(ranking.ties))
    assert told.strikes == sum(len(r.strikes) for r in ranking.rows)
    return found


RANKED = loaded("tests/policies/ranked_call.yaml")
READINGS = {name: tuple(r.options) for name, r in RANKED.core.readings.items()}


def call(number: int, chance: random.Random, firms: int, spread: int) -> dict[str, Any]:
    """A project of one to four firms out of so many, sent within so many hours."""
    codes = chance.sample(range(firms), chance.randint(1, min(4, firms)))
    return {
        "id": f"P{number}", "sent_at": f"2023-01-0{1 + chance.randrange(spread) // 24} {chance.randrange(spread) % 24:02}:00",
        "score": chance.choice([40, 50, 60, "60.5", 70]) if chance.random() > 0.03 else None, "signed": chance.random() > 0.05,
        "lot": chance.choice([None, 0, 1]), "awarded": None,
        "firms": [
            {
                "code": f"F{c}", "name": f"Firm {c}", "group": chance.choice([None, None, "G1"]), "was_struck": None,
                "capital": f"{chance.randint(0, 90)}.{chance.randint(10, 99)}", "current": chance.choice(["0", "40.00", "60.01"]),
            } for c in codes
        ],
    }  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.randoms(use_true_random=False), st.fixed_dictionaries({n: st.sampled_from(o) for n, o in READINGS.items()}), st.integers(0, 3000))
def test_a_table_is_ranked_as_its_applications_are(chance: random.Random, readings: dict[str, str], money: int) -> None:
    """Ties, chains of strikes, pots, what is short, what is missing: each open point of the small call, all at once."""
    firms, spread = chance.choice([(5, 4), (30, 48), (200, 100)])
    projects = [call(i, chance, firms, spread) for i in range(chance.randint(1, 40))]
    same_ranking(RANKED, table(RANKED.core, projects), readings=readings, set={"money": money}, as_of="2023-01-05")


CASES = ["policies/bando_2023.ranking.cases.yaml", "tests/policies/ranked_call.cases.yaml", "tests/policies/rural_services_2025.cases.yaml"]


@pytest.mark.parametrize("path", CASES)
def test_the_rankings_of_the_cases_are_the_same_as_a_table(path: str) -> None:
    """With what they lack made up, but for what only a ranking gives: so they are decided by columns."""
    file, _ = read_cases(ROOT / path)
    assert file is not None
    runner = Runner(file)
    by_columns = again = 0
    for case in [c for c in file.cases if c.rank][:: 1 if "tests" in path else 4]:
        policy = runner.policy(case.amend)
        applications = [before_the_ranking(policy, complete(policy.core, a)) for a in listed(policy, file, case)]
        nested, _ = tables_of(policy, applications)
        assert nested.num_rows == len(applications)
        what_ifs = {"as_of": case.as_of, "set": case.set, "readings": case.readings, "assume": case.assume}
        try:
            found = same_ranking(policy, given_only(policy, nested), **what_ifs)
        except PolicyError as error:
            with pytest.raises(PolicyError, match=error.diagnostics[0].code):
                Ranker(policy, **what_ifs)
            continue
        by_columns += found.summary.by_columns
        again += found.summary.again_by_columns
    assert "rural" in path or (by_columns and again)


def before_the_ranking(policy: Policy, data: dict[str, Any]) -> dict[str, Any]:
    """An application without the facts that the ranking supplies."""
    plan = policy.core.ranking
    assert plan is not None
    data.pop(plan.gives_award or "", None)
    for records in (v for v in data.values() if isinstance(v, list)):
        for record in records:
            record.pop(plan.gives_struck or "", None)
    return data


def given_only(policy: Policy, nested: pa.Table) -> pa.Table:
    """A table without the columns, and its lists without the fields, that are empty in every row; but `none` is said."""

    def kept(entity: str, name: str, column: Any) -> bool:
        fact = policy.core.entities[entity].facts[name.partition(" at ")[0]]
        return fact.optional or column.null_count < len(column)

    columns = {}
    for name in nested.column_names:
        column = nested[name].combine_chunks()
        if pa.types.is_list(column.type) and pa.types.is_struct(column.type.value_type):
            inner = policy.core.entities[policy.core.root].facts[name].type.item.entity
            fields = {f.name: column.values.field(f.name) for f in column.type.value_type}
            fields = {n: c for n, c in fields.items() if kept(inner, n, c)}
            made = pa.StructArray.from_arrays(list(fields.values()), list(fields))
            columns[name] = pa.ListArray.from_arrays(column.offsets, made, mask=column.is_null() if column.null_count else None)
        elif kept(policy.core.root, name, column):
            columns[name] = column
    return pa.table(columns)


# The command.


def command(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner(env={"COLUMNS": "100", "NO_COLOR": "1"}).invoke(
        cli, ["rank", str(ROOT / "tests/policies/ranked_call.yaml"), *arguments, "--as-of", "2023-01-05", "--lang", "en"]
    )
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result.exit_code, result.stdout, result.stderr


def files(folder: Path, count: int = 60) -> tuple[list[str], pa.Table]:
    """Projects in row groups of twenty and their firms in a file of their own, and both as one table."""
    chance = random.Random(11)
    projects = [call(i, chance, 90, 24 * 8) for i in range(count)]
    nested = table(RANKED.core, [p | {"score": p["score"] or 65, "signed": True} for p in projects])
    apart = linked(RANKED.core, nested)
    pq.write_table(apart["project"], folder / "projects.parquet", row_group_size=20)
    pq.write_table(apart["firm"], folder / "firms.parquet", row_group_size=17)
    return [str(folder / "projects.parquet"), "--records", f"firm={folder / 'firms.parquet'}"], nested


def test_files_are_ranked_part_by_part_as_the_whole_table_is(tmp_path: Path) -> None:
    given_, nested = files(tmp_path)
    whole = rank(RANKED, nested, as_of="2023-01-05")
    for jobs, end in (("1", "parquet"), ("2", "parquet"), ("1", "csv")):
        to = tmp_path / f"list_{jobs}.{end}"
        status, out, err = command(*given_, "--to", str(to), "--jobs", jobs, "--json")
        assert (status, err) == (0, "")
        told = json.loads(out)
        assert (told["strikes"], told["fell"]) == (whole.summary.strikes, whole.summary.fell) != (0, 0)
        assert Fraction(told["awarded"]) == whole.summary.awarded
        if end == "parquet":
            assert pq.read_table(to).to_pylist() == whole.table.to_pylist()
        else:
            assert to.read_text().splitlines()[1].startswith('"1","')
        assert not Path(f"{to}.parts").exists()


def test_the_command_says_what_a_ranking_comes_to(tmp_path: Path) -> None:
    given_, _ = files(tmp_path)
    to = str(tmp_path / "list.parquet")
    status, out, err = command(*given_, "--to", to, "--set", "money=500", "--jobs", "1")
    assert (status, err) == (0, "")
    for words in (
        "60 applications in",
        "Ranked",
        "partly financed",
        "Strikes: ",
        "Budget €500.00, awarded €500.00, left €0.00",
        "The money ended",
    ):
        assert words in out
    status, _, err = command(*given_, "--to", to)
    assert (status, "would-overwrite" in err) == (1, True)
    status, _, err = command(*given_)
    assert (status, "--to FILE.parquet" in err) == (2, True)
    status, _, err = command(*given_, "--to", to, "--overwrite", "--html", "list.html")
    assert (status, "not for a table" in err) == (2, True)
    status, _, err = command(given_[0], "--to", str(tmp_path / "x.parquet"), "--records", f"firm={tmp_path / 'none.parquet'}")
    assert (status, "file-not-found" in err) == (1, True)


def test_an_application_that_comes_twice_is_refused(tmp_path: Path) -> None:
    _, nested = files(tmp_path, 4)
    twice = pa.concat_tables([nested, nested.slice(2, 1)])
    pq.write_table(twice, tmp_path / "twice.parquet")
    status, _, err = command(str(tmp_path / "twice.parquet"), "--to", str(tmp_path / "list.parquet"), "--jobs", "1")
    assert (status, "application-twice" in err) == (1, True)
    assert not (tmp_path / "list.parquet.parts").exists()


def test_what_no_column_holds_is_refused_and_not_cut_off() -> None:
    values = [Fraction(1, 3**50), Fraction(10**20)]
    for value in values:
        with pytest.raises(BadTables, match="rank-number-too-long"):
            key_cells(value, NUMBER)
    third = key_cells(Fraction(1, 3), NUMBER)
    assert third == (Decimal("0." + "3" * 18), Decimal("0." + "3" * 38))
    assert key_cells(Fraction(-1, 3), NUMBER) < (Decimal("-0." + "3" * 18), Decimal(0)) < third
