"""The boundary book: what is found at each kind of edge, that it truly lies there, and the way from an approved row to a case."""

from __future__ import annotations

import re
import shutil
from fractions import Fraction
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import golden
from bandolo.analysis.boundaries.bases import bases_beside
from bandolo.analysis.boundaries.dependencies import grain
from bandolo.analysis.boundaries.edges import Edge
from bandolo.analysis.boundaries.found import Base, Found
from bandolo.analysis.boundaries.levers import distance
from bandolo.analysis.boundaries.search import Searcher
from bandolo.analysis.boundaries.solve import Function, crossing, off_grid, rounding
from bandolo.evaluate.data import Plain
from bandolo.evaluate.reference import Evaluation
from bandolo.policy import load_policy
from bandolo.testing.cases import changed
from bandolo.testing.runner import run_file
from small import ROOT, plain, policy

HERE = ROOT / "tests" / "boundaries"
NURSERIES = HERE / "nursery_grants.yaml"
POLICIES = (NURSERIES, ROOT / "tests" / "policies" / "ranked_call.yaml")


def test_the_book_of_a_small_call(request: pytest.FixtureRequest) -> None:
    golden.compare(HERE / "book.txt", request.config.getoption("--update"))


def test_the_page_shows_what_the_command_prints(request: pytest.FixtureRequest) -> None:
    """The example of docs/boundaries.md."""
    page = ROOT / "docs" / "boundaries.md"
    text = page.read_text(encoding="utf-8")
    before, block, after = re.split(r"(^```text\n\$ bandolo boundaries .*?^```$)", text, flags=re.M | re.S)
    now = "```text\n" + golden.transcript(block.splitlines()[1].removeprefix("$ ")) + "```"
    if request.config.getoption("--update"):
        page.write_text(before + now + after, encoding="utf-8")
    else:
        assert block == now


# What is found lies where it is said to lie.


def searched(path: Path) -> list[tuple[Searcher, Edge, Found]]:
    loaded = load_policy(path)
    bases, spare, as_of, _ = bases_beside(path, loaded.core)
    searcher = Searcher(loaded, bases, spare[:20], as_of=as_of, assume=True)
    return [(searcher, edge, searcher.search(edge)) for edge in searcher.edges]


@pytest.mark.parametrize("path", POLICIES, ids=lambda p: p.stem)
def test_every_application_decided_anew_has_its_values_where_they_should_be(path: Path) -> None:
    """By the trace of a whole decision, which the search does not use."""
    seen = 0
    for searcher, edge, found in searched(path):
        for point in found.points:
            data = changed(searcher.core, searcher.bases[found.base].data, point.changes)
            decision = searcher.policy.decide(data, **searcher.trial, trace=True)
            assert decision == pytest.approx(point.decision) or decision.outcome == point.decision.outcome
            trace = decision.trace
            assert isinstance(trace, Evaluation)
            pairs = [
                (left, trace.trace[id(edge.right), record])
                for (node, record), left in trace.trace.items()
                if node == id(edge.left) and (id(edge.right), record) in trace.trace
            ]
            if not pairs or edge.operator == "round":
                continue  # inside a list there is no trace
            gaps = {distance(left, right) for left, right in pairs}
            wanted = {"below": lambda g: g < 0, "at": lambda g: g == 0, "above": lambda g: g > 0}[point.side]
            assert any(g is not None and wanted(g) for g in gaps), (edge.id, point.side)
            seen += 1
    assert seen > 5


def test_an_edge_beyond_the_range_of_a_fact_is_proved_to_be_out_of_reach() -> None:
    text = """
    entities:
      project:
        facts:
          id: {type: text, key: true}
          part: {type: percent, from: 0%, to: 100%}
          costs: {type: money, from: 0 EUR}
    requirements:
      project:
        not_all: {check: part <= 100%, otherwise: flag}
        not_double: {check: part < 200%, otherwise: flag}
        some: {check: costs > 0 EUR, otherwise: flag}
    """
    loaded = policy(text)
    base = Base("base", plain({"id": "P", "part": "50%", "costs": "10 EUR"}), "here")
    searcher = Searcher(loaded, [base])
    found = {e.id: searcher.search(e) for e in searcher.edges}
    assert found["not_double"].status == "never"
    assert [p.side for p in found["not_all"].points] == ["below", "at"]
    assert [p.side for p in found["some"].points] == ["at", "above"]
    assert found["not_all"].left is not None  # the bounds that leave no application above


def test_several_facts_are_changed_where_one_cannot_reach_the_edge() -> None:
    text = """
    entities:
      project:
        facts:
          id: {type: text, key: true}
          first: {type: money, from: 0 EUR}
          second: {type: money, from: 0 EUR}
          third: {type: money, from: 0 EUR}
    requirements:
      project:
        small: {check: first + second + third >= 10 EUR, otherwise: reject}
    """
    loaded = policy(text)
    base = Base("base", plain({"id": "P", "first": "50 EUR", "second": "50 EUR", "third": "50 EUR"}), "here")
    searcher = Searcher(loaded, [base])
    (edge,) = searcher.edges
    found = searcher.search(edge)
    assert [(p.side, p.left, p.decision.outcome) for p in found.points] == [
        ("below", Fraction(999, 100), "rejected"),
        ("at", Fraction(10), "admitted"),
        ("above", Fraction(1001, 100), "admitted"),
    ]


def test_what_is_always_whole_cents_is_never_rounded() -> None:
    loaded = load_policy(NURSERIES)
    sums = loaded.core.definitions["project", "sums"].value
    grant = loaded.core.definitions["project", "grant"].value
    assert grain(loaded.core, loaded.settled, sums.arguments[0]) == Fraction(1, 100)
    assert grain(loaded.core, loaded.settled, grant.arguments[0]) is None  # a rate of a date is not known


# Where a function crosses nothing.


@settings(deadline=None)
@given(slope=st.integers(-50, 50).filter(bool), zero=st.fractions(-1000, 1000, max_denominator=7), bend=st.integers(-200, 200))
def test_a_line_in_pieces_is_crossed_where_it_is(slope: int, zero: Fraction, bend: int) -> None:
    """Twice as steep beyond the bend; both pieces run the same way, so that there is one crossing."""

    def line(k: int) -> Fraction:
        return slope * (k - zero) + (slope * (k - bend) if k > bend else 0) - (slope * (zero - bend) if zero > bend else 0)

    found = crossing(Function(line, -100_000, 100_000, 120))
    assert found is not None
    sides = {name: getattr(found, name) for name in ("below", "at", "above")}
    assert all(k is not None for name, k in sides.items() if name != "at")
    assert line(sides["below"]) < 0 < line(sides["above"])
    assert sides["at"] is None or line(sides["at"]) == 0
    assert abs(sides["below"] - sides["above"]) == (1 if sides["at"] is None else 2)


@settings(deadline=None, max_examples=40)
@given(start=st.integers(0, 10**6), rate=st.sampled_from([Fraction(1, 2), Fraction(3, 20), Fraction(3, 5), Fraction(1, 3)]))
def test_a_rounding_edge_is_hit_or_passed(start: int, rate: Fraction) -> None:
    step, phase = Fraction(1), Fraction(1, 2)
    found = rounding(Function(lambda k: rate * (Fraction(start, 100) + Fraction(k, 100)), -start, 10**9, 120), step, phase)
    assert found is not None
    value = {n: rate * Fraction(start + k, 100) for n in ("below", "at", "above") if (k := getattr(found, n)) is not None}
    if "at" in value:
        assert off_grid(value["at"], step, phase) == 0
    assert off_grid(value["below"], step, phase) < 0 < off_grid(value["above"], step, phase)


# Approval.


def book(folder: Path, *options: str) -> Path:
    """A boundary book beside a copy of the small call."""
    for name in ("nursery_grants.yaml", "nursery_grants.cases.yaml"):
        shutil.copy(HERE / name, folder / name)
    path = folder / "book.xlsx"
    out, err, status = golden.run(f"bandolo boundaries {folder / 'nursery_grants.yaml'} --assume --jobs 1 --to {path} {' '.join(options)}")
    assert (status, err) == (0, ""), out + err
    return path


def fill(path: Path, values: dict[tuple[str, str], str]) -> None:
    """Write into a book by row and heading."""
    file = openpyxl.load_workbook(path)
    page = file.worksheets[0]
    heads = {cell.value: cell.column for cell in page[1]}
    rows = {page.cell(r, 1).value: r for r in range(2, page.max_row + 1)}
    for (row, head), value in values.items():
        page.cell(rows[row], heads[head]).value = value
    file.save(path)


def approve(path: Path, *options: str) -> tuple[str, str, int]:
    cases = path.with_name("approved.cases.yaml")
    return golden.run(f"bandolo boundaries {path.parent / 'nursery_grants.yaml'} --approve {path} --cases {cases} {' '.join(options)}")


def test_approved_rows_become_cases_that_pass(tmp_path: Path) -> None:
    path = book(tmp_path)
    page = openpyxl.load_workbook(path).worksheets[0]
    every = [page.cell(r, 1).value for r in range(2, page.max_row + 1)]
    fill(path, {(row, "Approved"): "yes" for row in every} | {("in_time/at", "Remarks"): "art. 4, noon included"})
    assert approve(path, "--by", "'Anna Rossi'")[2] == 0
    cases = tmp_path / "approved.cases.yaml"
    text = cases.read_text(encoding="utf-8")
    assert "Anna Rossi" in text.splitlines()[0]
    assert "# art. 4, noon included" in text
    results, diagnostics = run_file(cases)
    assert diagnostics == []
    assert len(results) == len(every)
    assert [r.case.name for r in results if not r.passed] == []


def test_rows_that_are_not_approved_are_left_out(tmp_path: Path) -> None:
    path = book(tmp_path, "--rule", "in_time", "--lang", "it")
    fill(path, {("in_time/at", "Approvata"): "sì", ("in_time/above", "Approvata"): "no"})
    assert approve(path)[2] == 0
    results, _ = run_file(tmp_path / "approved.cases.yaml")
    assert [r.case.name for r in results] == ["Nei termini: 29/03/2024, ore 12:00 (al limite, in_time)"]


@pytest.mark.parametrize(
    ("head", "value", "code"),
    [
        ("Outcome", "REJECTED", "boundary-row-edited"),
        ("Application", "another", "boundary-row-edited"),
        ("Row", "in_time/other", "boundary-row-edited"),
        ("Approved", "perhaps", "boundary-answer"),
        ("Approved", "no", "nothing-approved"),
    ],
)
def test_an_approval_that_was_edited_is_refused(head: str, value: str, code: str, tmp_path: Path) -> None:
    path = book(tmp_path, "--rule", "in_time")
    fill(path, {("in_time/at", "Approved"): "yes", ("in_time/at", head): value})
    _, err, status = approve(path)
    assert (status, f"[{code}]" in err) == (1, True), err
    assert not (tmp_path / "approved.cases.yaml").exists()


def test_an_approval_that_the_policy_contradicts_by_now_is_refused(tmp_path: Path) -> None:
    path = book(tmp_path, "--rule", "enough_nurseries")
    fill(path, {("enough_nurseries/at", "Approved"): "yes"})
    text = (tmp_path / "nursery_grants.yaml").read_text(encoding="utf-8")
    (tmp_path / "nursery_grants.yaml").write_text(text.replace("value: 3,", "value: 4,").replace("value: 3\n", "value: 4\n"), "utf-8")
    _, err, status = approve(path)
    assert (status, "[boundary-row-contradicted]" in err) == (1, True), err


def test_another_workbook_is_no_book(tmp_path: Path) -> None:
    openpyxl.Workbook().save(tmp_path / "book.xlsx")
    shutil.copy(NURSERIES, tmp_path / NURSERIES.name)
    _, err, status = approve(tmp_path / "book.xlsx")
    assert (status, "[not-a-boundary-book]" in err) == (1, True), err


def test_without_applications_there_is_nothing_to_search_from(tmp_path: Path) -> None:
    shutil.copy(NURSERIES, tmp_path / NURSERIES.name)
    _, err, status = golden.run(f"bandolo boundaries {tmp_path / NURSERIES.name}")
    assert (status, "[no-base-application]" in err) == (1, True), err


def test_an_application_may_be_given(tmp_path: Path) -> None:
    data = tmp_path / "application.json"
    data.write_text('{"id": "Q-9", "score": 80}', encoding="utf-8")
    out, _, status = golden.run(f"bandolo boundaries {NURSERIES} --from {data} --rule score_reached")
    assert status == 0
    assert 'as "Q-9", but Score: 59.99' in out


def test_unquoted_words_stay_unquoted_words() -> None:
    """What a book hides is read back as it was: a text is no number."""
    from bandolo.analysis.boundaries.pages import packed, unpacked

    data = {"a": Plain("true"), "b": "true", "c": [None, True, Plain("1 EUR")]}
    again = unpacked(packed(data))
    assert again == data
    assert [type(again[k]) for k in ("a", "b")] == [Plain, str]
