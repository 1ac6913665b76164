"""What a change does to applications: counts and sums held against a plain comparison, and what people read of it."""

from __future__ import annotations

import csv
import functools
import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bandolo import ApplicationError, Policy, load_policy, rank
from bandolo.analysis.impact import Impact, impact
from bandolo.analysis.impact_data import impact_as_data
from bandolo.analysis.impact_words import impact_blocks
from bandolo.diagnostics import PolicyError
from bandolo.explain.blocks import Heading, Line, Table
from bandolo.policy import policy_from_bytes
from bandolo.surfaces.cli import cli
from bandolo.testing.generate import bases_of, generated
from small import HEAD, ROOT

FOLDER = ROOT / "tests" / "policies"
RANKED = {
    "least_firms: {value: 2}": "least_firms: {value: 1}",
    "least_spend: {value: 100 EUR}": "least_spend: {value: 150 EUR}",
    "check: score >= 50": "check: score >= 55",
    "award: of_capital + of_current\n": "award: of_capital / 2 + of_current * 2\n",
}
RURAL = {
    "small: {ridge: 60%": "small: {ridge: 65%",
    "plain: 50%}": "plain: 45%}",
    "grant_cap: {value: 60_000 EUR": "grant_cap: {value: 20_000 EUR",
}


@functools.cache
def edition(name: str, count: int) -> tuple[Policy, Policy, list[dict[str, Any]]]:
    """A policy, another edition of it with a few changes, and applications made up for it."""
    path = FOLDER / f"{name}.yaml"
    text = path.read_text(encoding="utf-8")
    for old, new in {"ranked_call": RANKED, "rural_services_2025": RURAL}[name].items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    policy = load_policy(path)
    return policy, policy_from_bytes(path.name, text.encode()), list(generated(policy, count, 11, bases_of(path)))


Told = tuple[str, dict[tuple[str, str], str], Fraction | None, Any]


def by_hand(policy: Policy, applications: list[dict[str, Any]], result: str) -> dict[str, Told]:
    """Outcome, verdicts, an amount and the decision by application, taken from the decisions and nothing else."""
    found = {}
    for application in applications:
        try:
            decision = policy.decide(application, assume=True)
        except ApplicationError:
            continue
        verdicts = {(r.id, r.subject): r.verdict for r in decision.requirements if r.verdict != "not_applicable"}
        value = decision.results.get(result)
        amount = Fraction(0) if decision.outcome == "rejected" else None if value is None else Fraction(value)
        assert decision.application is not None
        found[decision.application] = (decision.outcome, verdicts, amount, decision)
    return found


def test_over_2000_applications_the_report_agrees_with_deciding_each_twice() -> None:
    old, new, applications = edition("ranked_call", 2_000)
    found = impact(old, new, applications, assume=True, ranking=False)
    before, after = by_hand(old, applications, "award"), by_hand(new, applications, "award")
    assert len(found.rows) == 2_000
    assert len(before) > 1_500
    assert before.keys() == after.keys()
    outcomes = {i: (before[i][0], after[i][0]) for i in before if before[i][0] != after[i][0]}
    assert {r.application: r.difference.outcome for r in found.rows if r.difference and r.difference.outcome} == outcomes
    verdicts = {i for i in before if before[i][1] != after[i][1]}
    assert verdicts <= set(found.of_kind("verdict"))
    effects = {i for i in before if _effects(before[i][3]) != _effects(after[i][3])}
    assert set(found.of_kind("verdict")) <= verdicts | effects
    known = [(before[i][2], after[i][2]) for i in before if before[i][2] is not None and after[i][2] is not None]
    total = next(t for t in found.totals if t.name == "award")
    assert (found.amount, total.old, total.new) == ("award", sum(a for a, _ in known), sum(b for _, b in known))
    assert (total.gains, total.loses) == (sum(b > a for a, b in known), sum(b < a for a, b in known))
    assert total.open == len(before) - len(known)
    moved = {i: after[i][2] - before[i][2] for i in before if None not in (before[i][2], after[i][2]) and before[i][2] != after[i][2]}
    assert {r.application: r.moved("award") for r in found.rows if r.moved("award")} == moved
    # The changes are of the kind that was wanted: both ways, and through more than one requirement.
    assert total.gains > 20
    assert total.loses > 20
    assert len(outcomes) > 20


def _effects(decision: Any) -> set[Any]:
    return {(r.id, r.subject, r.effect, r.counts) for r in decision.requirements if r.verdict == "failed"}


def test_the_amounts_of_each_size_are_those_of_the_providers() -> None:
    old, new, applications = edition("rural_services_2025", 120)
    found = impact(old, new, applications, assume=True, ranking=False)
    before, after = by_hand(old, applications, "grant"), by_hand(new, applications, "grant")
    assert found.by is not None
    assert (found.by.entity, found.by.fact, found.by.amount) == ("provider", "size", "part")
    sizes = {a["id"]: {p.get("tax_id") or p.get("tax_code"): p.get("size") for p in a.get("providers") or []} for a in applications}
    sums = {group.group: [Fraction(0), Fraction(0), 0] for group in found.groups}
    for application in before:
        if application not in sizes:
            continue
        for size in {s or "" for s in sizes[application].values()}:
            keys = [k for k, s in sizes[application].items() if (s or "") == size]
            parts = [_parts(d[application], keys) for d in (before, after)]
            if None in parts:
                sums[size][2] += 1
            else:
                sums[size][0] += parts[0]
                sums[size][1] += parts[1]
    assert {g.group: [g.old, g.new, g.open] for g in found.groups} == sums


def _parts(told: tuple[Any, ...], keys: list[str]) -> Fraction | None:
    """What the providers of an application get together."""
    decision = told[3]
    if decision.outcome == "rejected":
        return Fraction(0)
    open_ = [path for path in decision.undetermined if path.endswith("].part") and any(f"[{k}]" in path for k in keys)]
    got = decision.results.get("providers", {})
    return None if open_ else sum((Fraction(got[k]["part"]) for k in keys if k in got), Fraction(0))


def test_the_places_are_those_of_two_rankings_made_one_by_one() -> None:
    old, new, applications = edition("ranked_call", 2_000)
    few = applications[:100]
    found = impact(old, new, few).ranking
    assert found is not None
    known = by_hand(old, few, "award")
    readable = [a for a in few if a["id"] in known]
    before, after = ({r.application: r for r in rank(p, readable).rows} for p in (old, new))
    moved = {i for i in before if (before[i].status, before[i].position) != (after[i].status, after[i].position)}
    assert {m.application for m in found.moves if m.moves} == moved
    paid = {i for i in before if before[i].amount != after[i].amount}
    assert {m.application for m in found.moves if m.old_amount != m.new_amount} == paid
    money = [sum((Fraction(r.amount) for r in rows.values() if r.amount), Fraction(0)) for rows in (before, after)]
    assert [r.budget - r.left for r in (found.old, found.new)] == money  # type: ignore[operator]


def test_one_process_and_several_say_the_same() -> None:
    old, new, applications = edition("ranked_call", 2_000)
    one, two = (impact_as_data(impact(old, new, applications[:80], assume=True, jobs=jobs)) for jobs in (1, 2))
    assert one == two


# Small changes, each for one thing that the report must say.

CALL = (
    HEAD.replace("id: small", "id: small")
    + """
choices: {size: [small, large]}
stages: [first]
entities:
  project:
    facts:
      id: {type: text, key: true}
      costs: {type: money, label: {it: Spese, en: Costs}}
      firms: {type: list of firm}
  firm:
    facts: {code: {type: text, key: true}, size: size, ok: boolean, spent: money}
"""
)
REST = """
rates: {rate: {by: size, values: {small: 50%, large: 15%}}}
parameters: {least: 100 EUR, cap: 1_000 EUR}
definitions:
  firm:
    part: {value: "rate[size] * spent", round: {down: 0.01 EUR}, label: {it: Quota, en: Part}}
  project:
    grant: {value: "min(cap, sum(part of firms))", label: {it: Contributo, en: Grant}}
requirements:
  project:
    enough:
      stage: first
      check: costs >= least
      otherwise: reject
      label: {it: Spesa minima, en: Least costs}
      message: {it: "{costs}: servono {least}", en: "{costs}: {least} needed"}
results: [grant, firm.part]
ranking: {among: first, order_by: [costs descending], budget: 700 EUR, award: grant, when_short: next_that_fits}
"""


def made(text: str = CALL + REST, name: str = "small.yaml") -> Policy:
    return policy_from_bytes(name, text.encode())


def application(name: str, costs: str, *firms: tuple[str, str], **more: Any) -> dict[str, Any]:
    listed = [{"code": f"{name}{i}", "size": size, "ok": True, "spent": spent} for i, (size, spent) in enumerate(firms)]
    return {"id": name, "costs": costs, "firms": listed, **more}


CORPUS = [
    application("A", "500", ("small", "1000"), ("large", "1000")),
    application("B", "120", ("small", "400")),
    application("C", "300", ("large", "2000")),
    application("D", "90", ("small", "200")),
]


def said(found: Impact, lang: Any = "en") -> str:
    """The page as text, tables by their cells."""
    lines = []
    for block in impact_blocks(found, lang):
        match block:
            case Table(heads=heads, rows=rows):
                lines += [" | ".join(row) for row in (heads, *rows)]
            case Heading(text=text) | Line(text=text):
                lines.append(text)
            case _:
                raise AssertionError(block)
    return "\n".join(lines)


def test_a_threshold_moved_says_who_and_why() -> None:
    found = impact(made(), made(CALL + REST.replace("least: 100 EUR", "least: 200 EUR")), CORPUS)
    assert [(r.application, r.difference and r.difference.outcome) for r in found.changed()] == [("B", ("admitted", "rejected"))]
    assert found.reasons() == {"enough": 1}
    page = said(found)
    assert "B: admitted → rejected; Grant €200.00 → €0.00 (−€200.00); admitted, not financed, no. 3 → not admitted" in page
    assert "Least costs: met → not met — €120.00: €200.00 needed" in page
    assert "Grant | €1,150.00 | €950.00 | −€200.00 | 0 | 1 | 0" in page
    assert "small | 3 | 3 | €700.00 | €500.00 | −€200.00 | 0" in page
    italian = said(found, "it")
    assert "B: ammessa → non ammessa; Contributo 200,00 € → 0,00 € (−200,00 €)" in italian
    assert "Spesa minima: soddisfatto → non soddisfatto — 120,00 €: servono 200,00 €" in italian


def test_a_rate_moved_is_a_matter_of_euros_by_size_and_of_the_budget() -> None:
    found = impact(made(), made(CALL + REST.replace("large: 15%", "large: 20%")), CORPUS)
    assert not found.outcomes()
    assert {g.group: (g.old, g.new) for g in found.groups} == {"large": (450, 600), "small": (700, 700)}
    place = found.ranking
    assert place is not None
    assert (place.old.left, place.new.left) == (50, 0)
    assert [m.application for m in place.moves if m.moves] == []
    assert found.of_kind("amount") == ["A", "C"]


def test_what_is_tried_on_the_new_text_needs_no_second_file() -> None:
    found = impact(made(), made(), CORPUS, set={"cap": "300"})
    assert [(r.application, r.moved("grant")) for r in found.rows if r.moved("grant")] == [("A", -350)]
    assert found.of_kind("amount") == ["A", "C"], "what A no longer gets is enough for C"
    assert impact(made(), made(), CORPUS).changed() == []
    assert "No application changes." in said(impact(made(), made(), CORPUS))


def test_a_fact_that_only_the_new_text_asks_for_is_named_as_missing() -> None:
    added = CALL.replace("firms: {type", "green: {type: boolean, label: {it: Certificata, en: Certified}}\n      firms: {type")
    text = added + REST.replace("check: costs >= least", "check: costs >= least and green")
    found = impact(made(), made(text), CORPUS)
    assert found.outcomes() == {("admitted", "undetermined"): 3}
    assert "by the new text these are missing: Certified" in said(found)
    assert "con il testo nuovo mancano: Certificata" in said(found, "it")
    assert "Not decidable by the new text for want of facts: 3" in said(found)


def test_a_fact_that_only_the_old_text_asks_for_is_left_out_and_said() -> None:
    text = CALL.replace(", ok: boolean", "") + REST
    found = impact(made(), made(text), CORPUS)
    assert found.changed() == []
    assert "Facts that the new text does not ask for, left out: firm.ok" in said(found)


def test_an_application_that_only_one_text_can_read_is_counted_not_dropped() -> None:
    text = CALL.replace("costs: {type: money,", "costs: {type: money, to: 400 EUR,") + REST
    found = impact(made(), made(text), CORPUS)
    assert found.of_kind("invalid") == ["A"]
    assert "A: the new text cannot decide it" in said(found)
    other = impact(made(text), made(), CORPUS)
    assert "A: the old text could not decide it" in said(other)
    assert [m.application for m in other.ranking.moves if m.old_status is None] == ["A"]  # type: ignore[union-attr]


def test_what_neither_text_can_read_is_said_and_nothing_of_it_is_dropped(tmp_path: Path) -> None:
    wrong = [*CORPUS, application("W", "500", cots="3"), {"a": 1, "b": 2, "c": 3, "d": 4}]
    found = impact(made(), made(), wrong)
    assert [r.application for r in found.not_compared()] == ["[4]", "[5]"]
    assert "Applications compared: 4. Changed: 0. As they were: 4." in said(found)
    assert "Readable by neither text: 2 ([4], [5])" in said(found)
    old, new, corpus = files(tmp_path)
    Path(corpus).write_text(json.dumps(wrong[4]) + "\n" + json.dumps(wrong[1]) + "\n", encoding="utf-8")
    status, out, err = run("diff", old, new, "--applications", corpus)
    assert status == 1
    assert "error[not-compared]: neither text can read 1 applications of 2" in err
    assert "B: admitted → rejected" in out


def test_new_ties_and_strikes_are_told() -> None:
    text = CALL + REST.replace("budget: 700 EUR", "exclusive: {record: firm, key: code, keep: [costs descending]}, budget: 700 EUR")
    shared = [*CORPUS, application("E", "400", ("small", "100")), application("F", "400", ("small", "100"))]
    shared[-2]["firms"][0]["code"] = "A0"
    found = impact(made(CALL + REST), made(text), shared)
    assert found.ranking is not None
    assert [(s.application, s.kept_by) for s in found.ranking.new_strikes] == [("E", "A")]
    assert "A0 from E (stays in A)" in said(found)
    levelled = impact(made(), made(CALL + REST.replace("costs descending", "'min(costs, 250 EUR) descending'")), CORPUS)
    assert levelled.ranking is not None
    assert levelled.ranking.new_ties == (("A", "C"),)
    assert "New ties that no key breaks: A = C" in said(levelled)


def test_by_and_amount_name_what_the_policy_has() -> None:
    found = impact(made(), made(CALL + REST.replace("small: 50%", "small: 40%")), CORPUS, by="firm.ok")
    assert [(g.group, g.old, g.new) for g in found.groups] == [("true", 1150, 1010)]
    for wrong in ({"by": "sise"}, {"by": "project.costs"}, {"amount": "part"}):
        with pytest.raises(PolicyError):
            impact(made(), made(), CORPUS, **wrong)  # type: ignore[arg-type]


# The command.


def files(folder: Path) -> tuple[str, str, str]:
    (folder / "old.yaml").write_text(CALL + REST, encoding="utf-8")
    (folder / "new.yaml").write_text(CALL + REST.replace("least: 100 EUR", "least: 200 EUR"), encoding="utf-8")
    (folder / "all.jsonl").write_text("".join(json.dumps(a) + "\n" for a in CORPUS), encoding="utf-8")
    return str(folder / "old.yaml"), str(folder / "new.yaml"), str(folder / "all.jsonl")


def run(*words: str, lang: str = "en") -> tuple[int, str, str]:
    result = CliRunner(env={"BANDOLO_LANG": lang, "COLUMNS": "100"}).invoke(cli, [*words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def test_fail_on_is_for_ci(tmp_path: Path) -> None:
    old, new, corpus = files(tmp_path)
    status, out, err = run("diff", old, new, "--applications", corpus, "--fail-on", "outcome,invalid")
    assert status == 1
    assert "changes-outcome" in err
    assert "1 applications of 4 change their outcome (B)" in err
    assert "changes-invalid" not in err
    assert "B: admitted → rejected" in out
    assert run("diff", old, new, "--applications", corpus, "--fail-on", "invalid")[0] == 0
    assert run("diff", old, new, "--applications", corpus)[0] == 0
    assert run("diff", old, new, "--applications", corpus, "--fail-on", "euros")[0] == 2
    assert run("diff", old, new, "--fail-on", "amount")[0] == 2  # of no applications


def test_the_whole_of_it_as_data_and_as_tables(tmp_path: Path) -> None:
    old, new, corpus = files(tmp_path)
    data = json.loads(run("diff", old, new, "--applications", corpus, "--json")[1])
    assert data["impact"]["kinds"] == {"outcome": 1, "amount": 1, "position": 1, "verdict": 1, "invalid": 0}
    assert data["impact"]["totals"] == [
        {"result": "grant", "old": "1150.00", "new": "950.00", "difference": "-200.00", "gain": 0, "lose": 1, "open": 0}
    ]
    assert [a["application"] for a in data["impact"]["applications"]] == ["B"]
    target = tmp_path / "impact.csv"
    assert run("diff", old, new, "--applications", corpus, "--to", str(target))[0] == 0
    rows = list(csv.reader(target.read_text(encoding="utf-8-sig").splitlines()))
    assert rows[1][:3] == ["B", "admitted", "rejected"]
    assert (tmp_path / "impact.verdicts.csv").exists()
    assert run("diff", old, new, "--applications", corpus, "--to", str(target))[0] == 1
    assert run("diff", old, new, "--applications", corpus, "--to", str(tmp_path / "impact.xlsx"), lang="it")[0] == 0


@pytest.mark.parametrize("bad", ["nowhere.jsonl", "empty", "broken.json"])
def test_a_corpus_that_cannot_be_read_is_said(bad: str, tmp_path: Path) -> None:
    old, new, _ = files(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    status, _, err = run("diff", old, new, "--applications", str(tmp_path / bad))
    assert status == 1
    assert re.search(r"error\[[a-z-]+\]|[a-z-]+", err)
    assert "Traceback" not in err
    assert err.strip()
