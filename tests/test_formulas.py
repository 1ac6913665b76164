"""Formulas in a reader's words: each row an expression, then how an Italian and an English reader see it."""

from __future__ import annotations

import pytest

from bandolo.explain.formulas import said
from bandolo.policy import Policy
from small import policy

TEXT = """\
bandolo: 1
policy: {id: spoken, title: Spoken, decides: project, month_rounding: down}
choices:
  company_size: {small: {it: Piccola, en: Small}, large: {it: Grande, en: Large}}
  channel: [web, paper]
stages: [first, {second: {label: {it: Seconda, en: Second}}}]
entities:
  project:
    label: {it: Progetto, en: Project}
    facts:
      sent_at: {type: datetime, label: {it: Invio, en: Time sent}}
      born_on: {type: date, optional: true, label: {it: Nascita, en: Birth}}
      seen: {type: boolean, asked: [first, second], label: {it: Sede attiva, en: Active site}}
      by_channel: channel
      total: {type: money, label: {it: Totale, en: Total}}
      lead: {type: reference to partner, label: {it: Capofila, en: Lead}}
      partners: {type: list of partner, at_most: 9, label: {it: Partner, en: Partners}}
  partner:
    label: {it: Socio, en: Member}
    facts:
      code: {type: text, key: true, label: {it: Codice, en: Code}}
      size: {type: company_size, label: {it: Dimensione, en: Size}}
      costs: {type: money, label: {it: Spese, en: Costs}}
      rated: {type: boolean, label: {it: Rating, en: Rating}}
      bills: {type: list of bill, at_most: 9, label: {it: Fatture, en: Bills}}
  bill:
    facts: {amount: {type: money, label: {it: Importo, en: Amount}}}
parameters:
  least: {value: 10, label: {it: Minimo, en: Least}}
readings:
  open:
    question: Which?
    label: {it: Punto aperto, en: Open point}
    options: {one: {it: Uno, en: One}, two: {it: Due, en: Two}}
    chosen: one
formulas:
  twice: {takes: {amount: money}, value: amount * 2}
definitions:
  partner:
    stays: admitted
    mine:
      value: share of project.total by costs among project.partners ties code
      label: {it: Quota, en: Part}
    formula: FORMULA
  project:
    big: {value: total > 5 EUR, label: {it: Grande progetto, en: Big project}}
    formula: FORMULA
requirements:
  partner:
    small_enough: {stage: first, check: size = small, otherwise: exclude, label: {it: Socio piccolo, en: Small member}}
  project:
    shown: {stage: first, check: big, otherwise: reject}
results: [formula]
"""

PROJECT = [
    ("total + 2 EUR * 3", "Totale + 2,00 € × 3", "Total + €2.00 × 3"),
    ("(total + 2 EUR) * 3", "(Totale + 2,00 €) × 3", "(Total + €2.00) × 3"),
    ("total - (2 EUR - 1 EUR)", "Totale − (2,00 € − 1,00 €)", "Total − (€2.00 − €1.00)"),
    ("total >= 1_000 EUR and not big", "Totale ≥ 1.000,00 € e non Grande progetto", "Total ≥ €1,000.00 and not Big project"),
    ("(big or total > 1 EUR) and big", "(Grande progetto oppure Totale > 1,00 €) e Grande progetto",
     "(Big project or Total > €1.00) and Big project"),
    ("count(partners) >= least", "numero di Partner ≥ Minimo", "number of Partners ≥ Least"),
    ("count(partners where rated) * 2 > count(partners)", "(numero di Partner con Rating) × 2 > numero di Partner",
     "(number of Partners with Rating) × 2 > number of Partners"),
    ("sum(costs of partners where size = small)", "somma di Spese di (Partner con Dimensione = Piccola)",
     "sum of Costs over (Partners with Size = Small)"),
    ("count(partners where admitted and rated)", "numero di Partner non esclusi con Rating", "number of Partners not excluded with Rating"),
    ("all(rated of partners)", "per ciascuno di Partner: Rating", "for each of Partners: Rating"),
    ("any(partners where rated)", "almeno uno fra Partner con Rating", "at least one of Partners with Rating"),
    ("count(distinct size of partners)", "numero di valori diversi di Dimensione fra Partner",
     "number of different values of Size over Partners"),
    ("sum(amount of bills of partners)", "somma di Importo di (Fatture di Partner)", "sum of Amount over (Bills of Partners)"),
    ("count(bills of partners)", "numero di Fatture di Partner", "number of Bills of Partners"),
    ("min(total, 5 EUR)", "il più basso fra Totale e 5,00 €", "the lowest of Total and €5.00"),
    ("max(costs of partners)", "il più alto fra Spese di Partner", "the highest Costs over Partners"),
    ("round(total, down, 0.01 EUR)", "Totale, arrotondato per difetto a 0,01 €", "Total, rounded down to €0.01"),
    ("twice(total)", "Totale × 2", "Total × 2"),
    ("born_on is none", "Nascita: assente", "Birth: none"),
    ("born_on is not none and born_on <= 2000-01-31", "Nascita: presente e Nascita ≤ 31/01/2000",
     "Birth: given and Birth ≤ 31 January 2000"),
    ("seen at second", "Sede attiva (Seconda)", "Active site (Second)"),
    ("lead.size in [small, large]", "Dimensione di Capofila è fra Piccola, Grande", "Size of Lead is one of Small, Large"),
    ("by_channel = web", "by channel = web", "by channel = web"),
    ("if big then 1 EUR else total", "se Grande progetto: 1,00 €; altrimenti: Totale", "if Big project: €1.00; otherwise: Total"),
    ("reading.open = two", "lettura «Punto aperto» = Due", 'reading "Open point" = Two'),
    ("met(shown)", "«shown» soddisfatto", '"shown" met'),
    ("date(sent_at) + 30 days", "giorno di Invio + 30 giorni", "day of Time sent + 30 days"),
    ("start_of_minute(sent_at) <= 2023-02-28 16:00", "minuto di Invio ≤ 28/02/2023, ore 16:00",
     "minute of Time sent ≤ 28 February 2023, 16:00"),
    # Labels would not tell which of the two is meant: as it is written.
    ("any(partners as p where any(partners as q where q.costs > p.costs))",
     "any(partners as p where any(partners as q where q.costs > p.costs))",
     "any(partners as p where any(partners as q where q.costs > p.costs))"),
]  # fmt: skip

PARTNER = [
    ("mine", "Quota", "Part"),
    ("costs / project.total", "Spese ÷ Totale (Progetto)", "Costs ÷ Total (Project)"),
    ("share of project.total by costs among project.partners ties code", "quota di Totale in proporzione a Spese fra Partner",
     "share of Total in proportion to Costs among Partners"),
    ("admitted and rated", "non escluso e Rating", "not excluded and Rating"),
]  # fmt: skip


def with_formula(expression: str, entity: str) -> Policy:
    head, project = TEXT.rsplit("formula: FORMULA", 1)
    partner, rest = head.split("formula: FORMULA")
    own, other = f"formula: {expression}", "formula: 1"
    text = partner + (own if entity == "partner" else other) + rest + (own if entity == "project" else other) + project
    return policy(text)


@pytest.mark.parametrize(("expression", "it", "en"), PROJECT, ids=[row[0] for row in PROJECT])
def test_a_formula_of_the_project_in_words(expression: str, it: str, en: str) -> None:
    check(expression, "project", it, en)


@pytest.mark.parametrize(("expression", "it", "en"), PARTNER, ids=[row[0] for row in PARTNER])
def test_a_formula_of_a_record_in_words(expression: str, it: str, en: str) -> None:
    check(expression, "partner", it, en)


def check(expression: str, entity: str, it: str, en: str) -> None:
    loaded = with_formula(expression, entity).core
    words = said(loaded, loaded.definitions[entity, "formula"].value, expression)
    assert (words.it, words.en) == (it, en)


def test_a_formula_that_reads_too_long_is_shown_as_it_is_written() -> None:
    expression = " + ".join(["total"] * 60)
    loaded = with_formula(expression, "project").core
    assert said(loaded, loaded.definitions["project", "formula"].value, "CODE").it == "CODE"
