"""Decisions recorded with all that they were made of, and made again: by the same text, and by another."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from bandolo import Policy, load_policy
from bandolo.analysis.records import as_json, as_recorded, is_record, read_record, record
from bandolo.analysis.replay import replay
from bandolo.diagnostics import PolicyError
from bandolo.evaluate.data import Digits, Plain
from bandolo.export.record_schema import record_schema
from bandolo.source import SourceFile
from bandolo.surfaces.cli import cli
from bandolo.testing.generate import bases_of
from small import ROOT, plain, policy, written

POLICIES = ROOT / "policies"
EXAMPLES = POLICIES / "examples"
ACTS = {"bando_2023": "bando_2023.implementing_act.yaml", "manifestazione_2022": "manifestazione_2022.extension.yaml"}
CALL = """
stages: [first]
choices: {size: [small, large]}
entities:
  project: {facts: {id: {type: text, key: true}, sent_on: date, costs: money, quota: percent, note: {type: text, optional: true},
                    signed: boolean, size: size, rated: {type: boolean, asked: [first]}, firms: {type: list of firm}}}
  firm: {facts: {code: {type: text, key: true}, ok: boolean}}
parameters: {cap: 100 EUR}
definitions: {project: {grant: "min(costs, cap)", ratio: costs / count(firms)}}
requirements: {project: {enough: {stage: first, check: costs >= 10 EUR and signed, otherwise: reject}}}
results: [grant, ratio]
"""
ACT = (
    "bandolo: 1\namends: small.yaml\nid: act_1\ndate: 2023-02-01\napplies_to: sent_on >= 2023-02-01\nset: {parameters.cap.value: 150 EUR}\n"
)
GIVEN = {
    "id": "A", "sent_on": "2023-03-01", "costs": "120.50", "quota": "12.5%", "note": "none", "signed": "true", "size": "small",
    "rated": {"first": "true"}, "firms": [{"code": "1", "ok": "true"}, {"code": "2", "ok": "false"}],
}  # fmt: skip


def lines(made: Policy, *applications: Any, **what_ifs: Any) -> str:
    return "\n".join(record(made, applications, **what_ifs)) + "\n"


def read(text: str) -> Any:
    found, said = read_record(SourceFile("record.jsonl", text))
    assert found is not None, [d.code for d in said]
    return found


def codes(text: str) -> list[tuple[str, int | None]]:
    found, said = read_record(SourceFile("record.jsonl", text))
    assert found is None
    return [(d.code, d.span.line if d.span is not None else None) for d in said]


def run(*words: object, lang: str = "en") -> tuple[int, str, str]:
    result = CliRunner(env={"BANDOLO_LANG": lang, "COLUMNS": "100"}).invoke(cli, [str(w) for w in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


# What a record holds.


def test_a_record_has_the_text_once_and_a_decision_a_line_by_the_published_schema() -> None:
    made = policy("# a remark\n" + CALL.lstrip("\n"), ACT)
    text = lines(made, plain(GIVEN), {"id": "B", "costs": "5"}, as_of="2023-04-01", set={"cap": "90"})
    header, *rest = (json.loads(line) for line in text.splitlines())
    checker = jsonschema.Draft202012Validator(record_schema())
    for line in (header, *rest):
        checker.validate(line)
    assert [t["file"] for t in header["policy"]["texts"]] == ["small.yaml", "amendment1.yaml"]
    assert "remark" not in header["policy"]["texts"][0]["text"]
    assert header["policy"]["digest"] == made.digest
    assert [line["decision"]["application"] for line in rest] == ["A", "B"]
    assert rest[0]["what_ifs"] == {"as_of": "2023-04-01", "set": {"cap": "90"}, "readings": {}, "assume": False}
    assert is_record(text)


def test_facts_read_back_as_they_were_given_however_they_were_spelt() -> None:
    made = policy(CALL)
    exact = {**GIVEN, "costs": Decimal("120.5"), "signed": True, "rated": {"first": True}, "note": None,
             "firms": [{"code": "1", "ok": True},
             {"code": "2", "ok": False}]}  # fmt: skip
    for given in (plain(GIVEN), exact, {**exact, "costs": Digits("120.50")}, {**exact, "costs": Fraction(241, 2)}):
        data = json.loads(json.dumps(as_json(made, given)))
        assert made.decide(data).application_digest == made.decide(plain(GIVEN)).application_digest
    assert as_json(made, {"costs": Plain("1_000"), "note": Plain("1_000")}) == {"costs": "1000", "note": "1_000"}


@pytest.mark.parametrize("name", ACTS)
def test_the_recorded_text_is_the_same_policy(name: str) -> None:
    for acts in ((), (POLICIES / ACTS[name],)):
        made = load_policy(POLICIES / f"{name}.yaml", amendments=acts)
        again = as_recorded(made)
        assert (again.digest, again.amendments) == (made.digest, made.amendments)
        assert again.core.acts == made.core.acts
        assert again.files == as_recorded(again).files


def test_formatting_and_comments_do_not_change_a_record_and_meaning_does() -> None:
    other = CALL.replace("costs >= 10 EUR and signed", "(costs>=10 EUR   and signed)")
    assert policy(CALL.replace("costs >= 10 EUR and signed", "costs>=10 EUR   and signed")).digest == policy(CALL).digest
    assert policy(other).digest != policy(CALL).digest, "brackets are what the author wrote"
    texts = (CALL, CALL.replace("costs >= 10", "costs>=10") + "# a remark\n", CALL.replace("10 EUR", "11 EUR"))
    header = [lines(policy(text), plain(GIVEN)).splitlines()[0] for text in texts]
    assert header[0] == header[1] != header[2]


# Made again.


@pytest.mark.parametrize("name", ACTS)
def test_a_decision_taken_before_an_act_replays_unchanged_after_it(name: str, tmp_path: Path) -> None:
    """The act amends the file in place of being given: the record does not look at it."""
    applications = sorted(EXAMPLES.glob(f"{name}-*"))
    home = tmp_path / "home"
    shutil.copytree(POLICIES, home)
    target = tmp_path / "before.jsonl"
    assert run("record", home / f"{name}.yaml", *applications, "--to", target, "--as-of", "2023-03-01")[0] == 0
    shutil.rmtree(home)
    status, out, err = run("replay", target)
    assert (status, err) == (0, "")
    assert f"All as recorded: {len(applications)} decisions." in out
    status, out, _ = run("replay", target, "--policy", POLICIES / f"{name}.yaml", "--amend", POLICIES / ACTS[name])
    assert status == 0
    assert "Different: " in out
    assert "Made again by another text, with" in out
    status, _, err = run("replay", target, "--policy", POLICIES / f"{name}.yaml", "--amend", POLICIES / ACTS[name], "--fail-on", "verdict")
    assert status == 1
    assert "replay-differs" in err


def test_what_an_act_does_not_reach_is_unchanged_by_the_amended_text() -> None:
    early = plain({**GIVEN, "id": "E", "sent_on": "2023-01-31"})
    text = lines(policy(CALL), plain(GIVEN), early)
    changes = list(replay(read(text).decisions, policy(CALL, ACT), of=policy(CALL)))
    assert [(c.application, c.same) for c in changes] == [("A", False), ("E", True)]
    assert changes[0].difference is not None
    assert [(r.path, r.old, r.new) for r in changes[0].difference.results] == [("grant", "100.00", "120.50")]
    amended = read(lines(policy(CALL, ACT), plain(GIVEN), early))
    assert all(c.same for c in replay(amended.decisions, amended.policy))
    assert [d.decision["policy"]["amendments"] for d in amended.decisions] == [["act_1"], []]


def test_what_ifs_and_the_clock_are_made_again_too() -> None:
    made = load_policy(POLICIES / "bando_2023.yaml")
    applications = bases_of(POLICIES / "bando_2023.yaml")[:3]
    kept = read(lines(made, *applications, as_of="2023-02-01 10:30", assume=True, set={"project_cap": "300000"}))
    assert all(c.same for c in replay(kept.decisions, kept.policy))
    assert kept.decisions[0].decision["changed"] == ["project_cap = 300000.00"]


def test_a_fault_is_at_its_place_in_the_recorded_text() -> None:
    made = policy(CALL)
    kept = read(lines(made, {**plain(GIVEN), "firms": []}))
    assert kept.decisions[0].decision["faults"][0]["code"]
    assert all(c.same for c in replay(kept.decisions, kept.policy))


def test_another_version_says_what_differs_in_words_and_as_data(tmp_path: Path) -> None:
    for name, text in (("old", CALL), ("new", CALL.replace("10 EUR and", "200 EUR and").replace("cap: 100 EUR", "cap: 80 EUR"))):
        (tmp_path / f"{name}.yaml").write_text(written(text), encoding="utf-8")
    (tmp_path / "a.json").write_text(json.dumps(as_json(policy(CALL), plain(GIVEN))), encoding="utf-8")
    target = tmp_path / "r.jsonl"
    assert run("record", tmp_path / "old.yaml", tmp_path / "a.json", "--to", target)[0] == 0
    status, out, err = run("replay", target, "--policy", tmp_path / "new.yaml", "--fail-on", "outcome")
    assert status == 1
    assert "1 decisions of 1 (A)" in err
    assert "A: ADMITTED → REJECTED" in out
    assert "enough: met → not met" in out
    assert "grant: €100.00 → €80.00" in out
    assert "A: AMMESSA → NON AMMESSA" in run("replay", target, "--policy", tmp_path / "new.yaml", lang="it")[1]
    data = json.loads(run("replay", target, "--policy", tmp_path / "new.yaml", "--json")[1])
    assert data["outcome"] == {"old": "admitted", "new": "rejected"}
    assert run("replay", target, "--policy", tmp_path / "new.yaml", "--fail-on", "position")[0] == 2
    assert run("replay", target, "--fail-on", "outcome")[0] == 2
    assert run("replay", target, "--amend", "x.yaml")[0] == 2


# What a reader refuses.

TAMPERED: dict[str, tuple[Callable[[list[str]], list[str]], list[tuple[str, int | None]]]] = {
    "an amount in the application": (lambda t: [t[0], t[1].replace("120.50", "121.50"), t[2]], [("record-changed", 2)]),
    "the outcome": (lambda t: [t[0], t[1], t[2].replace('"rejected"', '"admitted"')], [("record-changed", 3)]),
    "the text of the policy": (lambda t: [t[0].replace("100 EUR", "999 EUR"), *t[1:]], [("record-changed", 1)]),
    "a line cut": (lambda t: [t[0], t[1], t[2][:80]], [("record-not-json", 3)]),
    "no header": (lambda t: t[1:], [("not-a-record-file", 1)]),
    "no decisions": (lambda t: t[:1], [("record-no-decisions", None)]),
    "another file": (lambda _: ["{}"], [("not-a-record-file", 1)]),
    "nothing": (lambda _: [""], [("not-a-record-file", None)]),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_line_that_was_changed_is_refused_where_it_stands(what: str) -> None:
    text = lines(policy(CALL), plain(GIVEN), {"id": "B", "costs": "5", "signed": True}).splitlines()
    change, expected = TAMPERED[what]
    assert codes("\n".join(change(text)) + "\n") == expected


def test_a_line_of_another_record_is_refused() -> None:
    one, other = (lines(policy(text), plain(GIVEN)).splitlines() for text in (CALL, CALL.replace("100 EUR", "90 EUR")))
    assert codes("\n".join([*one, other[1]])) == [("record-other-policy", 3)]


def test_spacing_and_the_order_of_fields_are_no_change() -> None:
    text = lines(policy(CALL), plain(GIVEN))
    turned = [dict(reversed(json.loads(line).items())) for line in text.splitlines()]
    spaced = "\n".join(json.dumps(line, separators=(" , ", " : ")) for line in turned)
    assert read(spaced).decisions[0].decision == read(text).decisions[0].decision


def test_files_that_are_no_records_and_records_that_stand_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"id": "A"}\n', encoding="utf-8")
    for path in (tmp_path / "x.jsonl", tmp_path / "nowhere.jsonl", tmp_path):
        status, _, err = run("replay", path)
        assert status == 1
        assert err.startswith("error[")
    call = POLICIES / "manifestazione_2022.yaml"
    example = EXAMPLES / "manifestazione_2022-late.json"
    assert "would-overwrite" in run("record", call, example, "--to", tmp_path / "x.jsonl")[2]
    assert run("record", call, example, "--to", tmp_path / "no" / "x.jsonl")[0] == 1
    assert run("record", call, tmp_path / "nowhere.json", "--to", tmp_path / "y.jsonl")[0] == 1
    assert not (tmp_path / "y.jsonl").exists()
    assert run("record", call, example, "--to", tmp_path / "x.jsonl", "--overwrite")[0] == 0


def test_the_impact_takes_records_and_their_clock(tmp_path: Path) -> None:
    call = POLICIES / "manifestazione_2022.yaml"
    target = tmp_path / "r.jsonl"
    run("record", call, *sorted(EXAMPLES.glob("manifestazione_2022-*")), "--to", target, "--as-of", "2023-01-15")
    found = json.loads(run("diff", call, "--amend", POLICIES / ACTS["manifestazione_2022"], "--applications", target, "--json")[1])
    assert found["impact"]["compared"] == 3
    assert found["impact"]["outcomes"]
    plain_files = run("diff", call, "--amend", POLICIES / ACTS["manifestazione_2022"], "--json", "--as-of", "2023-01-15",
                      *(x for f in sorted(EXAMPLES.glob("manifestazione_2022-*")) for x in ("--applications", f)))[1]  # fmt: skip
    assert json.loads(plain_files)["impact"]["outcomes"] == found["impact"]["outcomes"]


def test_a_what_if_that_another_version_does_not_know_is_said() -> None:
    kept = read(lines(policy(CALL), plain(GIVEN), set={"cap": "90"}))
    without = policy(CALL.replace("parameters: {cap: 100 EUR}", "parameters: {top: 100 EUR}").replace("min(costs, cap)", "min(costs, top)"))
    (change,) = replay(kept.decisions, without, of=kept.policy)
    assert [d.code for d in change.refused] == ["unknown-parameter"]
    with pytest.raises(PolicyError):
        list(record(policy(CALL), [plain(GIVEN)], set={"nothing": "1"}))
