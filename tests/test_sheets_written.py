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
from small import LIVE_POLICIES, ROOT, policy
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
        formats = {c.name: page.column_dimensions[letters(i)].number_format for i, c in enumerate(sheet.columns)}
        assert all(formats[c.name] == "@" for c in sheet.columns if c.is_key and c.type == TYPE_BY_WORD["text"])
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
