"""What no case shows: the order of the input never matters, two ways to one result, nobody keeps a firm twice, no cent is lost."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from bandolo.diagnostics import ApplicationError, PolicyError
from bandolo.export.ranking_schema import ranking_schema
from bandolo.policy import load_policy
from bandolo.ranking.entrant import Claim, Entrant, Strike
from bandolo.ranking.options import Options
from bandolo.ranking.order import by_keep, groups
from bandolo.ranking.procedure import Event, Outcome, Procedure, run
from bandolo.ranking.rank import completed, rank
from bandolo.ranking.spending import spend
from bandolo.surfaces.cli import cli

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = Draft202012Validator(ranking_schema())
POLICY = load_policy(ROOT / "tests" / "policies" / "ranked_call.yaml")
READINGS = {name: tuple(r.options) for name, r in POLICY.core.readings.items()}


def application(id_: str, sent: int, score: int, codes: list[str], lot: int = 0, capital: int = 60) -> dict[str, Any]:
    return {
        "id": id_, "sent_at": (datetime(2023, 1, 1) + timedelta(hours=sent)).isoformat(), "score": score, "signed": True, "lot": lot,
        "firms": [{"code": c, "name": c, "group": None, "capital": f"{capital}.00", "current": "40.00"} for c in codes],
    }  # fmt: skip


@st.composite
def lists(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Up to six projects that share some of eight firms; equal scores and instants are likely."""
    count = draw(st.integers(1, 6))
    return [
        application(
            f"P{i}", draw(st.integers(0, 3)), draw(st.sampled_from([40, 60, 70])),
            draw(st.lists(st.sampled_from("ABCDEFGH"), min_size=1, max_size=4, unique=True)), draw(st.integers(0, 2)),
            draw(st.sampled_from([10, 60])),
        )
        for i in range(count)
    ]  # fmt: skip


@st.composite
def readings(draw: st.DrawFn) -> dict[str, str]:
    return {name: draw(st.sampled_from(options)) for name, options in READINGS.items()}


@settings(max_examples=60, deadline=None)
@given(lists(), readings(), st.integers(0, 1200), st.randoms(use_true_random=False))
def test_a_ranking_is_a_function_of_its_applications(
    applications: list[dict[str, Any]], chosen: dict[str, str], money: int, chance: random.Random
) -> None:
    what_ifs: dict[str, Any] = {"readings": chosen, "set": {"money": money}, "as_of": "2023-01-05"}
    ranking = rank(POLICY, applications, **what_ifs)
    chance.shuffle(applications)
    for one in applications:
        chance.shuffle(one["firms"])
    again = rank(POLICY, applications, **what_ifs)
    assert ranking.to_json() == again.to_json()

    SCHEMA.validate(ranking.to_dict())

    # Every application stands in it once; the money adds up; no pot is overdrawn.
    assert sorted(r.application for r in ranking.rows) == sorted(a["id"] for a in applications)
    amounts = [Fraction(r.amount or 0) for r in ranking.rows]
    assert ranking.budget is not None
    assert ranking.left is not None
    assert sum(amounts) + ranking.left == ranking.budget
    assert all(left >= 0 for _, _, left in ranking.pots)
    for row in ranking.rows:
        assert (row.status == "partly_financed") == (0 < Fraction(row.amount or 0) < Fraction(row.requested or 0))
        assert row.status not in ("financed", "partly_financed") or sum(row.pots) == row.amount
        assert row.reasons

    # Where every other project loses it, no firm has money twice (a project at rest keeps what it was not struck of).
    if ranking.settled and chosen["third_project"] == "only_first":
        financed = [r.application for r in ranking.rows if r.status in ("financed", "partly_financed")]
        holders: dict[str, list[str]] = {}
        for one in applications:
            struck = {s.key for s in ranking_row(ranking, one["id"]).strikes}
            for firm in one["firms"] if one["id"] in financed else []:
                if firm["code"] not in struck:
                    holders.setdefault(firm["code"], []).append(one["id"])
        assert all(len(ids) == 1 for ids in holders.values())


def ranking_row(ranking: Any, id_: str) -> Any:
    return next(r for r in ranking.rows if r.application == id_)


OPTIONS = Options("admitted", "every_other", "in_turn", ("all",), "partial", (Fraction(10),), ())


@st.composite
def fields(draw: st.DrawFn, most: int = 9) -> dict[str, Entrant]:
    """Entrants that share records; sent at different instants, so that nothing is disputed."""
    count = draw(st.integers(2, most))
    keeps = draw(st.permutations(range(count)))
    found = {}
    for i in range(count):
        codes = draw(st.lists(st.sampled_from("ABCDEFGHIJ"), min_size=1, max_size=4, unique=True))
        claims = tuple(Claim(c, f"firms[{c}]", c) for c in sorted(codes))
        size = Fraction(draw(st.integers(1, 6)))
        order = (Fraction(draw(st.integers(0, 3))), Fraction(keeps[i]))
        found[f"P{i}"] = Entrant(
            f"P{i}", "", "candidate", (), (), order, (Fraction(keeps[i]),), claims, size, (size,)
        )  # fmt: skip
    return found


def falling(entrants: dict[str, Entrant], least: int) -> Callable[[str, frozenset[str]], Entrant]:
    """Decided again: without the struck records, and out with fewer than `least`."""
    from dataclasses import replace

    def redecide(id_: str, struck: frozenset[str]) -> Entrant:
        before = entrants[id_]
        claims = tuple(c for c in before.claims if c.record not in struck)
        return replace(before, claims=claims, standing="candidate" if len(claims) >= least else "not_admitted")

    return redecide


def told(outcome: Outcome) -> Any:
    return outcome.strikes, [[e.id for e in g] for g in outcome.ranked], {i: s.pots for i, s in outcome.spent.shares.items()}


@settings(max_examples=300, deadline=None)
@given(fields(), st.integers(1, 3), st.sampled_from(["every_other", "next_only"]))
def test_one_pass_down_the_list_gives_what_the_rounds_give(entrants: dict[str, Entrant], least: int, struck_from: str) -> None:
    """Where only admission counts, the short way is the long way."""
    options = Options("admitted", struck_from, "in_turn", ("all",), "partial", (Fraction(10),), ())
    arguments = (entrants, (True, False), (False,), options, falling(entrants, least))
    short = run(*arguments)
    rounds = Procedure(dict(entrants), *arguments[1:])
    rounds.before = dict(entrants)
    assert rounds._until_rest()
    assert sorted(rounds.strikes.values(), key=lambda s: (s.application, s.record)) == short.strikes
    listed = groups(filter(rounds.in_the_list, rounds.entrants.values()), (True, False))
    assert [[e.id for e in g] for g in listed] == [[e.id for e in g] for g in short.ranked]


def as_it_is_said(entrants: dict[str, Entrant], options: Options, redecide: Callable[[str, frozenset[str]], Entrant]) -> Any:
    """The rounds in turn word by word, everything looked at again in each: who has money, what has lost its ground, what is due first."""
    now, strikes, events, seen = dict(entrants), dict[tuple[str, str], Strike](), list[Event](), set[Any]()
    first = Procedure(dict(entrants), (True, False), (False,), options, redecide)
    first._dispute()

    def decide_again(changed: list[Strike]) -> None:
        for id_ in sorted({s.application for s in changed}):
            records = frozenset(record for application, record in strikes if application == id_)
            now[id_] = redecide(id_, records) if records else entrants[id_]
            if now[id_].standing != "candidate":
                events.append(Event("fall", None, id_))

    while True:
        state = frozenset((s.application, s.record, s.kept_by) for s in strikes.values())
        if state in seen:
            return strikes, [*events, Event("unsettled")]
        seen.add(state)
        listed = [e for e in now.values() if e.standing == "candidate" and e.id not in first.disputed]
        shares = spend(groups(listed, (True, False)), options).shares
        counting = [e for g in by_keep(listed, (False,)) for e in g if shares[e.id].status in ("financed", "partly_financed")]
        keeps = {e.id: {c.key for c in e.claims} for e in counting}
        groundless = [s for s in strikes.values() if s.key not in keeps.get(s.kept_by, ())]
        first.entrants, first.strikes = now, strikes
        due = [] if groundless else first._conflicts(counting)
        due = [s for s in due if s.application == due[0].application]
        if not groundless and not due:
            return strikes, events
        for strike in groundless:
            del strikes[strike.application, strike.record]
            events.append(Event("lift", strike, strike.application))
        for strike in due:
            strikes[strike.application, strike.record] = strike
            events.append(Event("strike", strike, strike.application))
        decide_again(groundless or due)


def changing(entrants: dict[str, Entrant], least: int) -> Callable[[str, frozenset[str]], Entrant]:
    """Decided again: out with fewer than `least`; else with another amount, another place, and now and then earlier in `keep`."""
    from dataclasses import replace

    fall = falling(entrants, least)

    def redecide(id_: str, struck: frozenset[str]) -> Entrant:
        after = fall(id_, struck)
        chance = random.Random(f"{id_} {sorted(struck)}")
        pots = tuple(max(p + chance.choice((-2, -1, -1, 0, 1)), Fraction(0)) for p in after.pots)
        order = (after.order[0] + chance.choice((-1, 0, 0, 0, 1)), after.order[1])
        keep = (after.keep[0] + chance.choice((0, 0, 0, -2)),)
        return replace(after, order=order, keep=keep, pots=pots, award=sum(pots, Fraction(0)))

    return redecide


@settings(max_examples=600, deadline=None)
@given(
    fields(14), st.integers(1, 3), st.sampled_from(["every_other", "next_only"]), st.sampled_from(["partial", "stop", "next_that_fits"]),
    st.integers(3, 30), st.booleans(),
)  # fmt: skip
def test_rounds_that_are_kept_up_are_the_rounds_as_they_are_said(
    entrants: dict[str, Entrant], least: int, struck_from: str, when_short: str, money: int, tied: bool
) -> None:
    from dataclasses import replace

    if tied:  # equal places in the list, and in `keep`
        entrants = {i: replace(e, order=(e.order[0], Fraction(0)), keep=(e.keep[0] // 2,)) for i, e in entrants.items()}
    options = Options("financed", struck_from, "in_turn", ("all",), when_short, (Fraction(money), Fraction(2 * money)), ())
    entrants = {i: replace(e, pots=(e.award, e.award + 1)) for i, e in entrants.items()}
    redecide = changing(entrants, least)
    strikes, events = as_it_is_said(entrants, options, redecide)
    outcome = run(entrants, (True, False), (False,), options, redecide)
    assert outcome.events == events
    assert outcome.strikes == sorted(strikes.values(), key=lambda s: (s.application, s.record))


@settings(max_examples=300, deadline=None)
@given(fields(), st.integers(1, 3), st.sampled_from(["in_turn", "at_once"]), st.sampled_from(["partial", "stop", "next_that_fits"]))
def test_the_strikes_end_and_rest_on_grounds(entrants: dict[str, Entrant], least: int, order: str, when_short: str) -> None:
    """Whatever happens it ends; at rest, in turn, each strike has its ground, and no record counts twice."""
    options = Options("financed", "every_other", order, ("all",), when_short, (Fraction(12),), ())
    outcome = run(entrants, (True, False), (False,), options, falling(entrants, least))
    if not outcome.settled:
        assert outcome.events[-1].kind == "unsettled"
        return
    financed = {i for i, s in outcome.spent.shares.items() if s.status in ("financed", "partly_financed")}
    held: dict[str, str] = {}
    for id_ in financed:
        for claim in outcome.entrants[id_].claims:
            assert held.setdefault(claim.key, id_) == id_
    if order == "in_turn":
        for strike in outcome.strikes:
            assert held.get(strike.key) == strike.kept_by


def test_a_circle_of_strikes_is_said_aloud() -> None:
    """P0 keeps the shared firm while it has money. Struck of it, P1 asks for all the money and ranks first: P0 then has none."""
    greedy = Entrant("P1", "", "candidate", (), (), (Fraction(9),), (Fraction(2),), (), Fraction(10), (Fraction(10),))

    def entrant(id_: str, score: int, keep: int, size: int) -> Entrant:
        claims = (Claim("A", "firms[A]", "A"),)
        amount = Fraction(size)
        return Entrant(id_, "", "candidate", (), (), (Fraction(score),), (Fraction(keep),), claims, amount, (amount,))

    options = Options("financed", "every_other", "in_turn", ("all",), "stop", (Fraction(10),), ())
    outcome = run({"P0": entrant("P0", 5, 1, 5), "P1": entrant("P1", 4, 2, 5)}, (True,), (False,), options, lambda *_: greedy)
    assert not outcome.settled
    assert [e.kind for e in outcome.events] == ["strike", "lift", "unsettled"]


def test_what_the_ranking_supplies() -> None:
    first, second = application("A", 1, 80, ["x", "y", "z"]), application("B", 2, 70, ["x", "v", "w"])
    ranking = rank(POLICY, [first, second], as_of="2023-01-05")
    given_ = completed(POLICY, second, ranking_row(ranking, "B"))
    assert given_["awarded"] == "200.00"
    assert [(f["code"], f["was_struck"]) for f in given_["firms"]] == [("x", True), ("v", False), ("w", False)]
    assert "awarded" not in second


@pytest.mark.parametrize(
    ("applications", "what_ifs", "code"),
    [
        ([application("A", 1, 80, ["x", "y"]), application("A", 2, 80, ["x", "y"])], {}, "application-twice"),
        ([{k: v for k, v in application("A", 1, 80, ["x", "y"]).items() if k != "id"}], {}, "application-without-id"),
        ([], {"set": {"monney": 3}}, "unknown-parameter"),
    ],
)
def test_what_cannot_be_ranked_is_said(applications: list[dict[str, Any]], what_ifs: dict[str, Any], code: str) -> None:
    with pytest.raises(PolicyError) as error:
        rank(POLICY, applications, as_of="2023-01-05", **what_ifs)
    assert [d.code for d in error.value.diagnostics] == [code]


def test_bad_data_is_said_of_the_application_that_has_it() -> None:
    good = application("A", 0, 70, [])
    with pytest.raises(ApplicationError) as bad:
        rank(POLICY, [good, application("B", 1, 71, []) | {"scores": 3}], as_of="2023-01-05")
    assert [(d.code, d.path) for d in bad.value.diagnostics] == [("unknown-fact", "$[1].scores")]
    with pytest.raises(ApplicationError) as bad:
        rank(POLICY, iter([good, ["B"]]), as_of="2023-01-05")  # type: ignore[list-item]
    assert [(d.code, d.path) for d in bad.value.diagnostics] == [("not-a-record", "$[1]")]


def test_a_policy_without_a_ranking_and_an_open_reading() -> None:
    from small import policy

    with pytest.raises(PolicyError, match="no-ranking"):
        rank(policy("entities: {project: {facts: {n: number}}}\nrequirements: {project: {r: {check: n > 0, otherwise: reject}}}"), [])
    open_ = policy(
        """
        entities: {project: {facts: {id: {type: text, key: true}, n: number, m: money}}}
        parameters: {money: {type: money, pending: an act}}
        readings: {short: {question: Q, options: {a: A, b: B}}}
        requirements: {project: {r: {check: n > 0, otherwise: reject}}}
        ranking: {order_by: n descending, budget: money, award: m, when_short: {by: reading.short, a: partial, b: stop}}
        """
    )
    with pytest.raises(PolicyError) as error:
        rank(open_, [])
    assert sorted(d.args["what"] for d in error.value.diagnostics) == ["parameter.money", "reading.short"]


# The command.


def written(folder: Path, *applications: dict[str, Any]) -> str:
    folder.mkdir(exist_ok=True)
    for one in applications:
        (folder / f"{one['id']}.json").write_text(json.dumps(one), encoding="utf-8")
    return str(folder)


def command(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner(env={"COLUMNS": "100", "NO_COLOR": "1"}).invoke(
        cli, ["rank", str(ROOT / "tests/policies/ranked_call.yaml"), *arguments, "--as-of", "2023-01-05", "--lang", "en"]
    )
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result.exit_code, result.stdout, result.stderr


def test_the_command_ranks_a_folder_and_writes_what_is_asked(tmp_path: Path) -> None:
    folder = written(tmp_path / "in", application("A", 1, 80, ["x", "y", "z"]), application("B", 2, 70, ["x", "v", "w"]))
    files = {name: tmp_path / f"out.{name}" for name in ("csv", "html", "complete")}
    options = [part for name, file in files.items() for part in ("--to" if name == "csv" else f"--{name}", str(file))]
    status, out, err = command(folder, *options)
    assert (status, err) == (0, "")
    assert "x (x) is struck: it stays in A" in out
    assert "No application is open: the ranking can be closed" in out
    assert files["csv"].read_bytes().startswith(b"\xef\xbb\xbfPosition,Application,Outcome,Score,Sent")
    assert "x (x) struck from B" in (tmp_path / "out.steps.csv").read_text(encoding="utf-8")
    assert command(folder, "--to", str(files["csv"]))[0] == 1, "nothing is overwritten unasked"
    page = files["html"].read_text(encoding="utf-8")
    assert "arts. 26 and 27" in page
    assert 'v (v) <span class="part">€100.00</span>' in page
    assert page.count("x (x)") == 1
    assert "70" not in page, "the panel's marks are not published"
    rows = json.loads(command(folder, "--json")[1])["rows"]
    both = [application("A", 1, 80, ["x", "y", "z"]), application("B", 2, 70, ["x", "v", "w"])]
    assert rank(POLICY, both, as_of="2023-01-05").to_dict()["rows"] == rows, "the API says what the command says"
    assert [[b["part"] for b in row["beneficiaries"]] for row in rows] == [["100.00"] * 3, ["100.00"] * 2]
    assert [json.loads(line)["awarded"] for line in files["complete"].read_text(encoding="utf-8").splitlines()] == ["300.00", "200.00"]


def test_a_refinancing_shows_who_moves(tmp_path: Path) -> None:
    folder = written(tmp_path / "in", *(application(f"P{i}", i, 90 - i, [f"a{i}", f"b{i}"]) for i in range(3)))
    status, out, _ = command(folder, "--set", "money=300", "--json")
    assert status == 0
    (tmp_path / "before.json").write_text(out, encoding="utf-8")
    status, out, _ = command(folder, "--set", "money=500", "--against", str(tmp_path / "before.json"))
    assert status == 0
    assert "P1: no. 2, partly financed, €100.00 → no. 2, financed, €200.00" in out
    assert "P2: no. 3, admitted, not financed, €0.00 → no. 3, partly financed, €100.00" in out
    assert "P0" not in out


@pytest.mark.parametrize(
    ("content", "code"), [(None, "file-not-found"), ("{", "not-a-ranking"), ("[1]", "not-a-ranking"), ('{"rows": [{}]}', "not-a-ranking")]
)
def test_what_is_no_earlier_ranking_is_said(tmp_path: Path, content: str | None, code: str) -> None:
    folder = written(tmp_path / "in", application("A", 1, 80, ["x", "y"]))
    if content is not None:
        (tmp_path / "before.json").write_text(content, encoding="utf-8")
    status, _, err = command(folder, "--against", str(tmp_path / "before.json"))
    assert status == 1
    assert code in err


def test_final_refuses_while_something_is_open(tmp_path: Path) -> None:
    incomplete = application("B", 2, 70, ["v", "w"])
    del incomplete["score"]
    folder = written(tmp_path / "in", application("A", 1, 80, ["x", "y"]), incomplete)
    status, out, err = command(folder, "--final")
    assert status == 1
    assert "ranking-not-final" in err
    assert "PROVISIONAL" in out
    assert "Missing: Score" in out
    assert command(folder)[0] == 0


def test_one_bad_application_does_not_stop_the_others(tmp_path: Path) -> None:
    folder = written(tmp_path / "in", application("A", 1, 80, ["x", "y"]), {**application("B", 2, 70, ["v", "w"]), "score": 0.5})
    (tmp_path / "in" / "C.json").write_text("{", encoding="utf-8")
    (tmp_path / "in" / "B.json").write_text('{"id": "B", "scor": 3}', encoding="utf-8")
    status, out, err = command(folder)
    assert status == 1
    assert "unknown-fact" in err
    assert "Not read, and so not in this list" in out
    assert "PROVISIONAL" in out


def test_many_applications_are_decided_by_several_processes_with_the_same_result(tmp_path: Path) -> None:
    lines = [json.dumps(application(f"P{i:03}", i, 50 + i % 40, [f"f{i % 170}", f"g{i}", f"h{i}"])) for i in range(200)]
    (tmp_path / "all.jsonl").write_text("\n".join(lines), encoding="utf-8")
    one = command(str(tmp_path / "all.jsonl"), "--json", "--jobs", "1")
    two = command(str(tmp_path / "all.jsonl"), "--json", "--jobs", "2")
    assert one == two
    assert one[0] == 0
