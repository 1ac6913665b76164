"""A ranking as the page that is published.

It has what articles 26 and 27 of Legislative Decree 33/2013 ask for (beneficiary, amount, norm, office, project) and nothing else:
the applications that were not admitted, the panel's marks and every other fact stay out of it.
"""

from __future__ import annotations

from fractions import Fraction
from html import escape

from bandolo.check import core
from bandolo.language.types import Language
from bandolo.language.wording import money
from bandolo.ranking.entrant import Ranking, Row

PAGE = {
    "title": ("Elenco dei beneficiari", "List of beneficiaries"),
    "norm": ("Norma o titolo a base dell'attribuzione", "Norm or title"),
    "office": ("Ufficio responsabile", "Office in charge"),
    "issuer": ("Amministrazione", "Administration"),
    "project": ("Progetto", "Project"),
    "beneficiary": ("Beneficiari", "Beneficiaries"),
    "amount": ("Importo assegnato", "Amount awarded"),
    "total": ("Totale", "Total"),
    "provisional": ("Graduatoria provvisoria", "Provisional ranking"),
    "basis": (
        "Pubblicazione ai sensi degli artt. 26 e 27 del d.lgs. 33/2013",
        "Published under arts. 26 and 27 of Legislative Decree 33/2013",
    ),
}


def ranking_html(ranking: Ranking, policy: core.Policy, lang: Language) -> str:
    """The page to be published: one row a financed project, with its beneficiaries. One file, nothing loaded from elsewhere."""
    index = 0 if lang == "it" else 1
    said = {k: escape(v[index]) for k, v in PAGE.items()}
    financed = [r for r in ranking.rows if r.status in ("financed", "partly_financed")]
    currency = policy.conventions.currency
    rows = "\n".join(
        f"<tr><td>{escape(r.application)}</td><td>{_beneficiaries(r, lang, currency)}</td>"
        f'<td class="amount">{escape(money(Fraction(r.amount or 0), lang, currency))}</td></tr>'
        for r in financed
    )
    total = escape(money(sum((Fraction(r.amount or 0) for r in financed), Fraction(0)), lang, currency))
    sources = "; ".join(document.title.said(lang) for document in policy.documents.values())
    norm = f"{policy.title.said(lang)} ({sources})" if sources else policy.title.said(lang)
    named = [("issuer", policy.issuer), ("office", policy.manager)]
    facts = [(said[k], text.said(lang)) for k, text in named if text is not None] + [(said["norm"], norm)]
    listed = "\n".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts if value)
    heads = "".join(f'<th scope="col">{said[k]}</th>' for k in ("project", "beneficiary", "amount"))
    note = f'<p class="provisional">{said["provisional"]}</p>' if ranking.provisional else ""
    return f"""<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{said["title"]} – {escape(policy.title.said(lang))}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ border-bottom: 1px solid #c8c8c8; padding: .5rem .75rem; text-align: left; vertical-align: top }}
.amount, th:last-child {{ text-align: right; white-space: nowrap }}
.part {{ float: right; padding-left: 2rem; white-space: nowrap; font-variant-numeric: tabular-nums }}
dt {{ font-weight: 600 }} dd {{ margin: 0 0 .5rem }} ul {{ margin: 0; padding-left: 1.1rem }}
.provisional {{ border: 2px solid #8a5a00; padding: .5rem 1rem; font-weight: 600 }}
</style>
</head>
<body>
<h1>{said["title"]}</h1>
{note}
<dl>
{listed}
</dl>
<table>
<thead><tr>{heads}</tr></thead>
<tbody>
{rows}
</tbody>
<tfoot><tr><th scope="row" colspan="2">{said["total"]}</th><td class="amount">{total}</td></tr></tfoot>
</table>
<p>{said["basis"]}.</p>
</body>
</html>
"""


def _beneficiaries(row: Row, lang: Language, currency: str) -> str:
    """The records that it has after all strikes, by the names that people know, with their parts where the policy names them."""
    parts = {c.record: row.parts.get(c.record) for c in row.beneficiaries}
    lines = [
        escape(c.name) + ("" if (part := parts[c.record]) is None else f' <span class="part">{escape(money(part, lang, currency))}</span>')
        for c in row.beneficiaries
    ]
    return "<ul>" + "".join(f"<li>{line}</li>" for line in lines) + "</ul>" if lines else ""
