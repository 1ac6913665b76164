"""Templates and results: what is written reads back as the same, and an officer can use it."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from bandolo.evaluate.inputs import Application, read_application
from bandolo.export.template import template
from bandolo.language.types import BOOLEAN, TYPE_BY_WORD, ChoiceType, Language
from bandolo.policy import Policy, load_policy
from bandolo.sheets.files import read_tables
from bandolo.sheets.layout import layout
from bandolo.sheets.workbook import letters
from bandolo.surfaces.cli import cli
from generated import ENTITIES, TABLES, applications
from small import LIVE_POLICIES, policy
from tables import judged

# There and back.


def data_of(made: Policy, data: Any) -> Application:
    application, found = read_application(made.core, made.settled, data)
    assert application is not None, found
    return application


def there_and_back(made: Policy, given_: list[Any], lang: Language = "it") -> None:
    """Applications written to a template and read again are the same, to the digest; so are they where openpyxl has saved the file."""
    written = [data_of(made, data) for data in given_]
    content = template(made.core, lang, "call.yaml", "a.xlsx", written)
    tables = read_tables(made.core, "a.xlsx", content, {})
    found, good = judged(made, tables)
    assert found == []
    assert [data_of(made, data).digest for data in good] == [a.digest for a in written]


GENERATED = {
    "bandolo": "1",
    "policy": {"id": "generated", "title": "Generated", "decides": "project", "money_rounding": "down", "month_rounding": "down"},
    "entities": ENTITIES,
    "choices": TABLES["choices"],
}


@settings(deadline=None, max_examples=30)
@given(st.lists(applications(), min_size=1, max_size=3), st.sampled_from(["it", "en"]))
def test_generated_applications_come_back_from_a_workbook(made: list[dict[str, Any]], lang: Any) -> None:
    for number, data in enumerate(made):
        data["id"] = f"P{number}"
    there_and_back(GENERATED_POLICY, made, lang)


TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cf")), min_size=1, max_size=30).filter(lambda t: t.strip() != "")
EXACT = st.decimals(-(10**12), 10**12, places=2, allow_nan=False, allow_infinity=False).map(str)
RICH = """
choices: {size: {micro: Micro, small: {it: "Piccola; o quasi", en: "=Small"}, none_at_all: {it: Nessuno, en: None}}}
stages: [first, second]
entities:
  project:
    facts:
      id: {type: text, key: true}
      name: text
      alias: {type: text, optional: true}
      cash: money
      rate: percent
      part: {type: percent, optional: true}
      many: number
      sent: datetime
      ended: {type: date, optional: true}
      size: size
      sizes: {type: list of size, at_most: 5}
      names: list of text
      term: duration in days
      again: {type: boolean, asked: [first, second]}
      firms: list of firm
  firm: {facts: {n: {type: integer, key: true}, note: text, bills: list of bill}}
  bill: {facts: {paid: {type: money, optional: true}, whose: {type: reference to firm}}}
"""
FACTS: dict[str, st.SearchStrategy[Any]] = {
    "name": TEXTS,
    "alias": st.one_of(st.none(), TEXTS, st.sampled_from(["none", "Nessuno", "=1+1", "'=x", "+39", "@a", "-5", "1.234", "01"])),
    "cash": EXACT,
    "rate": EXACT.map(lambda t: f"{t}%"),
    "part": st.one_of(st.none(), st.just("12.5%")),
    "many": st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=7).map(lambda d: f"{d:f}"),
    "sent": st.datetimes(datetime(1800, 1, 1), datetime(2200, 1, 1)).map(lambda d: d.replace(microsecond=0)),
    "ended": st.one_of(st.none(), st.dates(date(1800, 1, 1), date(2200, 1, 1))),
    "size": st.sampled_from(["micro", "small", "none_at_all"]),
    "sizes": st.lists(st.sampled_from(["micro", "none_at_all"]), max_size=3),
    "names": st.lists(st.sampled_from(["a", "b c", "=d"]), max_size=3),
    "term": st.sampled_from(["30 days", "2 weeks"]),
    "again": st.fixed_dictionaries({}, optional={"first": st.booleans(), "second": st.booleans()}),
}


@st.composite
def rich(draw: st.DrawFn) -> dict[str, Any]:
    made = draw(st.fixed_dictionaries({}, optional=FACTS))
    firms = st.lists(st.integers(-5, 10**6), max_size=3, unique=True)
    if draw(st.booleans()):
        numbers = draw(firms)
        made["firms"] = [{"n": n, **draw(st.fixed_dictionaries({}, optional={"note": TEXTS}))} for n in numbers]
        for firm in made["firms"]:
            if draw(st.booleans()):
                bill = st.fixed_dictionaries({}, optional={"paid": st.one_of(st.none(), EXACT), "whose": st.sampled_from(numbers)})
                firm["bills"] = draw(st.lists(bill, max_size=2))
    return made


@settings(deadline=None, max_examples=60)
@given(st.lists(rich(), min_size=1, max_size=2), st.sampled_from(["it", "en"]))
def test_every_kind_of_fact_comes_back_from_a_workbook(made: list[dict[str, Any]], lang: Any) -> None:
    there_and_back(RICH_POLICY, [{"id": f"=P{i}", **data} for i, data in enumerate(made)], lang)


GENERATED_POLICY = policy("bandolo: 1\n" + yaml.safe_dump({k: v for k, v in GENERATED.items() if k != "bandolo"}))
RICH_POLICY = policy(RICH)


def examples(path: Path) -> list[str]:
    near = sorted((path.parent / "examples").glob(f"{path.stem}-*")) + sorted(path.parent.glob(f"{path.stem}.example.yaml"))
    return [str(p) for p in near if "payment" not in p.name]  # that one is the admitted application, later on


@pytest.mark.parametrize("path", LIVE_POLICIES, ids=lambda p: p.stem)
@pytest.mark.parametrize("lang", ["it", "en"])
def test_decisions_from_a_workbook_are_those_from_the_files(path: Path, lang: Any, tmp_path: Path) -> None:
    """Byte for byte, digests included, for the real calls; also once another program has saved the workbook."""
    made = load_policy(path)
    book, run = tmp_path / "a.xlsx", CliRunner()
    assert run.invoke(cli, ["template", str(path), str(book), *examples(path), "--lang", lang]).exit_code == 0
    wanted_ = run.invoke(cli, ["decide", str(path), *examples(path), "--assume", "--json"]).stdout
    assert len(wanted_.splitlines()) == len(examples(path)) > 0
    assert run.invoke(cli, ["decide", str(path), str(book), "--assume", "--json"]).stdout == wanted_
    openpyxl.load_workbook(book).save(tmp_path / "b.xlsx")
    assert run.invoke(cli, ["decide", str(path), str(tmp_path / "b.xlsx"), "--assume", "--json"]).stdout == wanted_
    assert made.core.id in wanted_


# Templates.


@pytest.mark.parametrize("path", LIVE_POLICIES, ids=lambda p: p.stem)
@pytest.mark.parametrize("lang", ["it", "en"])
def test_a_template_has_what_an_officer_needs(path: Path, lang: Any) -> None:
    made = load_policy(path)
    content = template(made.core, lang, "call.yaml", "a.xlsx")
    assert content == template(made.core, lang, "call.yaml", "a.xlsx")
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert book.sheetnames[0] == {"it": "Leggimi", "en": "Read me"}[lang]
    for sheet in layout(made.core).values():
        page = book[sheet.titles.said(lang)]
        assert page.freeze_panes is not None
        headings = [c.value for c in page[1]]
        assert headings == [c.headings.said(lang) for c in sheet.columns]
        assert len(set(headings)) == len(headings)
        assert all(c.comment is not None and c.comment.text for c in page[1])
        lists = {str(v.sqref).split(":")[0] for v in page.data_validations.dataValidation if v.type == "list"}
        for i, column in enumerate(sheet.columns):
            if column.kind == "fact" and (column.type == BOOLEAN or isinstance(column.type, ChoiceType)):
                assert f"{letters(i)}2" in lists
        texts = [i for i, c in enumerate(sheet.columns, 1) if c.is_key and c.type == TYPE_BY_WORD["text"]]
        assert all(d.number_format == "@" for i in texts for d in page.column_dimensions.values() if d.min <= i <= d.max)
    tables = read_tables(made.core, "a.xlsx", content, {})
    assert [d.code for d in tables.diagnostics] == ["no-rows"]


def test_two_facts_of_one_label_and_two_sheets_of_one_title() -> None:
    made = policy(
        """
        entities:
          project:
            label: Domanda
            facts:
              id: {type: text, key: true}
              a: {type: text, label: Nome}
              b: {type: text, label: {it: NOME, en: Other}}
              c: {type: text, label: a}
              firms: list of firm
              others: list of other
          firm: {label: "Impresa: [lunga] / corta, con un nome che non finisce mai", facts: {id: {type: text, key: true}, n: text}}
          other: {label: Domanda, facts: {id: {type: text, key: true}}}
        """
    )
    sheets = layout(made.core)
    assert [c.headings.it for c in sheets["project"].columns][:4] == ["id", "Nome [a]", "NOME [b]", "a [c]"]
    titles = [s.titles.it for s in sheets.values()]
    assert titles[0] == "Domanda"
    assert len(set(titles)) == 3
    assert all(len(t) <= 31 for t in titles)
    there_and_back(made, [{"id": "1", "a": "x", "b": "y", "c": "z", "firms": [{"id": "1", "n": "k"}], "others": [{"id": "1"}]}])


def test_records_without_keys_are_tied_by_line_numbers() -> None:
    made = policy("entities: {project: {facts: {firms: list of firm}}, firm: {facts: {bills: list of bill}}, bill: {facts: {paid: money}}}")
    data = {"firms": [{"bills": [{"paid": "1"}, {"paid": "2"}]}, {"bills": []}, {}]}
    there_and_back(made, [data, {"firms": []}, data])


# Results.


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of the 2023 call in Italian, as a workbook and as CSV files."""
    folder = tmp_path_factory.mktemp("results")
    path = LIVE_POLICIES[0]
    for name in ("d.xlsx", "d.csv"):
        made = ["decide", str(path), *examples(path), "--assume", "--to", str(folder / name), "--lang", "it"]
        assert CliRunner().invoke(cli, made).exit_code == 0
    return folder


def decided(path: Path) -> list[dict[str, Any]]:
    out = CliRunner().invoke(cli, ["decide", str(path), *examples(path), "--assume", "--json"]).stdout
    return [json.loads(line) for line in out.splitlines()]


def test_results_read_back(results: Path) -> None:
    """What is known comes back as the very number; what is not is said in words."""
    made = load_policy(LIVE_POLICIES[0])
    book = openpyxl.load_workbook(results / "d.xlsx")
    assert book.sheetnames == ["Leggimi", "Decisioni", "Requisiti", "Partner"]
    heads, *rows = book["Decisioni"].iter_rows(values_only=True)
    named = [r for r in made.core.results if r.entity == made.core.root]
    for row, decision in zip(rows, decided(LIVE_POLICIES[0]), strict=True):
        assert row[0] == decision["application"]
        assert row[-1] == decision["application_digest"]
        for value, result in zip(row[3 : 3 + len(named)], named, strict=True):
            known = decision["results"].get(result.name)
            if known is None:
                assert value == "non noto"
            elif isinstance(known, str) and "/" in known:
                assert abs(value - float(int(known.strip("%").split("/")[0]) / int(known.strip("%").split("/")[1]) / 100)) < 1e-9
            else:
                assert Decimal(repr(value)) == Decimal(str(known).rstrip("%")) / (100 if str(known).endswith("%") else 1)
    assert heads[:3] == ("Domanda", "Esito", "Fase")
    assert [r[1] for r in rows] == [
        {"admitted": "Ammessa", "rejected": "Non ammessa", "undetermined": "Non ancora decidibile"}[d["outcome"]]
        for d in decided(LIVE_POLICIES[0])
    ]


def test_every_requirement_and_partner_is_there(results: Path) -> None:
    book = openpyxl.load_workbook(results / "d.xlsx")
    decisions = decided(LIVE_POLICIES[0])
    assert book["Requisiti"].max_row - 1 == sum(len(d["requirements"]) for d in decisions)
    partners = {
        (d["application"], path.partition("]")[0].partition("[")[2])
        for d in decisions
        for path in [
            *d["undetermined"],
            *(f"partners[{k}]" for k in d["results"].get("partners", {})),
            *(e["record"] for e in d["excluded"]),
        ]
        if path.startswith("partners[")
    }
    assert {row[:2] for row in book["Partner"].iter_rows(min_row=2, values_only=True)} == partners
    excluded = [row for row in book["Partner"].iter_rows(min_row=2, values_only=True) if row[2]]
    assert {row[1] for row in excluded} == {e["key"] for d in decisions for e in d["excluded"]}


@pytest.mark.parametrize("title", ["Decisioni", "Requisiti", "Partner"])
def test_results_can_be_filtered_scrolled_and_printed(results: Path, title: str) -> None:
    page = openpyxl.load_workbook(results / "d.xlsx")[title]
    assert page.auto_filter.ref == f"A1:{letters(page.max_column - 1)}{page.max_row}"
    assert page.freeze_panes == "B2"
    assert page.print_title_rows == "$1:$1"
    assert page.page_setup.orientation == "landscape"
    assert page.sheet_properties.pageSetUpPr.fitToPage
    assert all(11 <= d.width <= 70 for d in page.column_dimensions.values())


def test_results_as_csv_for_italian_excel(results: Path) -> None:
    content = (results / "d.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    heads, first, *_ = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";")
    row = dict(zip(heads, first, strict=True))
    assert row["Contributo del progetto in conto capitale"] == "290027,44"
    assert {p.name for p in results.glob("*.csv")} == {"d.csv", "d.requirements.csv", "d.partner.csv"}


HOSTILE = """
entities:
  project: {facts: {id: {type: text, key: true}, name: text, cash: money, sent: datetime, firms: list of firm}}
  firm: {facts: {id: {type: text, key: true}, name: text}}
definitions:
  project: {called: name, twice: cash * 2, third: cash / 3, sent_on: sent, maybe: "if cash > 5 EUR then none else 1"}
  firm: {known_as: name}
requirements: {project: {r: {check: cash > 10 EUR, otherwise: reject, message: "{name}"}}}
results: [called, twice, third, sent_on, maybe, firm.known_as]
"""


@pytest.mark.parametrize("text", ["=1+1", "+39", "-2", "@SUM(A1)", "\t=1", "'=1", "http://x.example", "{=1}", "a\nb"])
def test_no_text_becomes_a_formula(text: str, tmp_path: Path) -> None:
    (tmp_path / "call.yaml").write_text(
        "bandolo: 1\npolicy: {id: t, title: T, decides: project, money_rounding: down, month_rounding: down}\n" + HOSTILE, encoding="utf-8"
    )
    data = {"id": text, "name": text, "cash": "1.50", "sent": "2023-01-01T10:00", "firms": [{"id": "F", "name": text}]}
    (tmp_path / "a.json").write_text(json.dumps(data), encoding="utf-8")
    for name in ("d.xlsx", "d.csv"):
        done = CliRunner().invoke(cli, ["decide", str(tmp_path / "call.yaml"), str(tmp_path / "a.json"), "--to", str(tmp_path / name)])
        assert (done.exit_code, done.stderr) == (0, "")
    with zipfile.ZipFile(tmp_path / "d.xlsx") as archive:
        assert not any(b"<f>" in archive.read(name) or b"<hyperlink" in archive.read(name) for name in archive.namelist())
    values = [c.value for sheet in openpyxl.load_workbook(tmp_path / "d.xlsx") for row in sheet.iter_rows() for c in row]
    assert values.count(text) >= 4
    cells = [
        c for p in tmp_path.glob("*.csv") for row in csv.reader(io.StringIO(p.read_text(encoding="utf-8-sig"), newline="")) for c in row
    ]
    assert not any(c.startswith(("=", "+", "@", "\t")) or (c.startswith("-") and not c[1:].isdigit()) for c in cells if c != "-2")
    assert "-2" not in cells


def test_bad_applications_are_listed_and_the_others_decided(tmp_path: Path) -> None:
    book = tmp_path / "a.xlsx"
    policy_path = str(LIVE_POLICIES[1])
    assert CliRunner().invoke(cli, ["template", policy_path, str(book), *examples(LIVE_POLICIES[1]), "--lang", "it"]).exit_code == 0
    made = openpyxl.load_workbook(book)
    made.worksheets[1]["B2"] = "boh"
    made.save(book)
    done = CliRunner().invoke(cli, ["decide", policy_path, str(book), "--assume", "--to", str(tmp_path / "d.xlsx"), "--lang", "it"])
    assert done.exit_code == 1
    sheet = openpyxl.load_workbook(tmp_path / "d.xlsx")
    assert sheet["Decisioni"].max_row == len(examples(LIVE_POLICIES[1])), "a heading, and all but the bad one"
    problem = [c.value for c in sheet["Errori"][2]]
    assert problem[1].endswith("!B2")
    assert "boh" in problem[2]
    assert problem[1] in done.stderr


# The commands.


def run(*words: object) -> tuple[int, str]:
    done = CliRunner(env={"BANDOLO_LANG": "en"}).invoke(cli, [str(w) for w in words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout + done.stderr


def test_nothing_is_overwritten_unasked_and_never_what_is_read(tmp_path: Path) -> None:
    call, book = LIVE_POLICIES[1], tmp_path / "a.xlsx"
    assert run("template", call, book)[0] == 0
    before = book.read_bytes()
    status, said = run("template", call, book, *examples(call))
    assert status == 1
    assert "would-overwrite" in said
    assert book.read_bytes() == before
    assert run("template", call, book, *examples(call), "--overwrite")[0] == 0
    filled = book.read_bytes()
    assert filled != before
    for words in (("decide", call, book, "--to", book, "--overwrite"), ("template", call, book, book, "--overwrite")):
        status, said = run(*words)
        assert (status, "would-overwrite" in said) == (1, True)
    assert book.read_bytes() == filled
    assert run("decide", call, book, "--to", tmp_path / "no" / "d.xlsx")[0] == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.xlsx"]


@pytest.mark.parametrize(
    "words", [("template", "{p}", "a.ods"), ("decide", "{p}", "{e}", "--to", "a.pdf"), ("decide", "{p}", "{e}", "--records", "firms=x.csv")]
)
def test_usage(words: tuple[str, ...]) -> None:
    call = LIVE_POLICIES[1]
    assert run(*(w.format(p=call, e=examples(call)[0]) for w in words))[0] == 2


def test_what_a_sheet_cannot_hold_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    one = examples(LIVE_POLICIES[1])[0]
    status, said = run("template", LIVE_POLICIES[1], tmp_path / "a.xlsx", one, one)
    assert status == 0 or "not-in-a-sheet" in said
    (tmp_path / "b.json").write_text('{"id": "MI-2022-0117"}', encoding="utf-8")
    status, said = run("template", LIVE_POLICIES[1], tmp_path / "c.xlsx", one, tmp_path / "b.json")
    assert (status, "not-in-a-sheet" in said) == (1, True)
    assert not (tmp_path / "c.xlsx").exists()


def test_without_the_extra_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "xlsxwriter", None)
    status, said = run("template", LIVE_POLICIES[1], tmp_path / "a.xlsx")
    assert (status, "missing-extra" in said, "bandolo[sheets]" in said) == (1, True, True)
    status, said = run("decide", LIVE_POLICIES[1], examples(LIVE_POLICIES[1])[0], "--to", tmp_path / "a.xlsx")
    assert (status, "missing-extra" in said) == (1, True)


def test_the_dialect_is_said_on_standard_error(tmp_path: Path) -> None:
    (tmp_path / "project.csv").write_text("id;submitted_at\nP1;31/12/2022 15:00\n", encoding="cp1252")
    done = CliRunner().invoke(cli, ["decide", str(LIVE_POLICIES[1]), str(tmp_path / "project.csv"), "--json", "--lang", "en"])
    assert json.loads(done.stdout)["application"] == "P1"
    assert "read as CSV: UTF-8, separator `;`, decimals none, dates day first" in done.stderr
