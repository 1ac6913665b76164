"""Coverage as one page: the policy with its lines coloured, every question, and the sources with their passages, linked both ways.

One file, nothing loaded from elsewhere; signs beside the colours, so that it reads in print too. It stands here and not in `export`,
which lies below the cases.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from html import escape
from itertools import groupby
from pathlib import Path

from bandolo.check.quotes import Quoted
from bandolo.language.types import Language
from bandolo.testing.coverage.measure import Coverage, Met
from bandolo.testing.coverage.text import STATES, DocumentText, State, TextCoverage
from bandolo.testing.coverage.words import KIND_WORDS, RULE_WORDS, percent_said, rule_said

SIGNS = {"covered": "✔", "partly": "◐", "uncovered": "✘", "impossible": "–", "declared": "–"}

PAGE: dict[str, tuple[str, str]] = {
    "title": ("Copertura", "Coverage"),
    "contents": ("Indice", "Contents"),
    "summary": ("In cifre", "Figures"),
    "asked": ("Domande poste", "Questions asked"),
    "of": ("su", "of"),
    "cases": ("casi", "cases"),
    "no_cases": ("Nessun caso appartiene a questo bando: nulla è provato.", "No case belongs to this policy: nothing is tried."),
    "failing": ("Casi che non riescono", "Cases that do not hold"),
    "open": ("Che cosa nessun caso chiede", "What no case asks"),
    "all_asked": ("Ogni domanda è posta da almeno un caso.", "At least one case asks each question."),
    "rules": ("Tutte le domande, regola per regola", "Every question, rule by rule"),
    "source": ("Il bando, riga per riga", "The policy, line by line"),
    "text": ("I testi", "The texts"),
    "quoted": ("Le regole e i loro passaggi", "The rules and their passages"),
    "covered": ("visto", "seen"),
    "partly": ("visto in parte", "seen in part"),
    "uncovered": ("mai visto", "never seen"),
    "impossible": ("impossibile, non conta", "impossible, not counted"),
    "declared": ("dichiarato, non conta", "declared, not counted"),
    "rule": ("citato da una regola", "quoted by a rule"),
    "unencoded": ("dichiarato fuori dalle regole", "declared as no rule"),
    "untouched": ("non toccato", "untouched"),
    "line": ("riga", "line"),
    "what": ("Che cosa", "What"),
    "passage": ("passaggio", "passage"),
    "characters": ("caratteri", "characters"),
    "words": ("parole", "words"),
    "norms": ("norme", "norms"),
    "norm_open": ("norme che nessuna citazione riporta", "norms that no quote holds"),
    "no_text": ("Testo non presente", "No text at hand"),
    "and_more": ("e altri", "and more:"),
}

STYLE = """
:root { --good: #d8efd3; --half: #fdeab3; --bad: #f8d0c8; --none: #f4f4f4; --edge: #c8c8c8 }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a }
h1 { font-size: 1.6rem } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--edge) } h3 { margin-bottom: .3rem }
table { border-collapse: collapse } th, td { padding: .2rem .8rem; text-align: left; vertical-align: top }
th, td { border-bottom: 1px solid var(--edge) } table { margin: 1rem 0 }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
a { color: #0b4a8f } a:target, :target { outline: 3px solid #0b4a8f }
ul.questions { list-style: none; padding-left: 0 }
ul.questions li { padding: .15rem .5rem; margin: .15rem 0; border-left: .4rem solid var(--edge) }
li.covered { border-color: #3c8a2e !important } li.partly { border-color: #c08a00 !important }
li.uncovered { border-color: #b3321b !important }
.by { color: #555; font-size: .87rem } .sign { display: inline-block; width: 1.4em; text-align: center }
ol.code { list-style: none; padding: 0; margin: 0 }
ol.code { font: 13px/1.45 ui-monospace, monospace; overflow-x: auto }
ol.code li { white-space: pre-wrap; padding-left: 6.2em; text-indent: -6.2em; overflow-wrap: anywhere }
ol.code .no { display: inline-block; width: 3.6em; text-align: right; color: #666; text-indent: 0 }
ol.code .mark { display: inline-block; width: 2.2em; text-align: center; text-indent: 0 }
ol.code li.covered { background: var(--good) } ol.code li.partly { background: var(--half) } ol.code li.uncovered { background: var(--bad) }
.to { font: 12px system-ui, sans-serif }
.doc { white-space: pre-wrap; line-height: 1.9; border: 1px solid var(--edge); padding: 1rem }
mark.rule { background: var(--good); border-bottom: 2px solid #3c8a2e }
mark.unencoded { background: #dde6f5; border-bottom: 2px dashed #4a6ea9 }
.key span { padding: .1rem .5rem; margin-right: .8rem }
.key .covered, .key .rule { background: var(--good) } .key .partly { background: var(--half) }
.key .uncovered { background: var(--bad) } .key .unencoded { background: #dde6f5 }
sup a { text-decoration: none; padding: 0 .1em }
@media print { body { max-width: none; font-size: 11pt }
* { print-color-adjust: exact; -webkit-print-color-adjust: exact } nav { display: none } }
"""


@dataclass(frozen=True)
class Part:
    """One policy of the page: its file with its text, and what was measured."""

    path: str
    title: str
    content: str
    rules: Coverage | None
    text: TextCoverage | None


def coverage_html(parts: Sequence[Part], lang: Language) -> str:
    """The page of one or more policies."""
    index = 0 if lang == "it" else 1
    title = f"{PAGE['title'][index]} – {'; '.join(p.title for p in parts)}"
    body = "\n".join(line for n, part in enumerate(parts) for line in _Section(part, f"{n}-" if len(parts) > 1 else "", lang).lines())
    links = "".join(f'<li><a href="#{n}-top">{escape(p.title)}</a></li>' for n, p in enumerate(parts)) if len(parts) > 1 else ""
    contents = f"<nav><ul>{links}</ul></nav>" if links else ""
    return f"""<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
{contents}
{body}
</body>
</html>
"""


class _Section:
    """One policy. Every anchor carries the policy's prefix."""

    def __init__(self, part: Part, prefix: str, lang: Language) -> None:
        self.part, self.prefix, self.lang = part, prefix, lang
        self.passages = _passages(part.text)
        """By line of the policy, the passages that its quotes mark: (document, number of the stretch)."""

    def said(self, key: str) -> str:
        return escape(PAGE[key][0 if self.lang == "it" else 1])

    def lines(self) -> Iterator[str]:
        part = self.part
        yield f'<h1 id="{self.prefix}top">{self.said("title")}: {escape(part.title)}</h1><p><code>{escape(part.path)}</code></p>'
        headings = [("summary", True), ("open", part.rules is not None), ("text", part.text is not None),
                    ("quoted", part.text is not None), ("rules", part.rules is not None), ("source", True)]  # fmt: skip
        listed = "".join(f'<li><a href="#{self.prefix}{key}">{self.said(key)}</a></li>' for key, there in headings if there)
        yield f"<nav><ul>{listed}</ul></nav>"
        yield self.heading("summary")
        yield from self.figures()
        if part.rules is not None:
            yield self.heading("open")
            shown = [m for m in part.rules.met if m.state in ("uncovered", "partly")]
            yield from self.questions(shown, False) if shown else [f"<p>{self.said('all_asked')}</p>"]
        if part.text is not None:
            yield self.heading("text")
            for document in part.text.documents:
                yield from self.document(document)
            for name in part.text.without_text:
                yield f"<p>{self.said('no_text')}: <code>{escape(name)}</code></p>"
            yield self.heading("quoted")
            yield from self.quoted(part.text)
        if part.rules is not None:
            yield self.heading("rules")
            yield from self.questions(list(part.rules.met), True)
        yield self.heading("source")
        yield from self.source()

    def heading(self, key: str) -> str:
        return f'<h2 id="{self.prefix}{key}">{self.said(key)}</h2>'

    def percent(self, done: int, total: int) -> str:
        return f"{percent_said(Fraction(100 * done, total), self.lang)}%" if total else "–"

    # Figures.

    def figures(self) -> Iterator[str]:
        rules, text = self.part.rules, self.part.text
        if rules is not None:
            if not rules.cases:
                yield f"<p><strong>{self.said('no_cases')}</strong></p>"
            yield f'<table><thead><tr><th scope="col">{self.said("what")}</th><th scope="col" class="n">{self.said("asked")}</th>'
            yield '<th scope="col" class="n">%</th></tr></thead><tbody>'
            for kind in rules.kinds():
                done, total = rules.figures(kind)
                yield self.figure(KIND_WORDS[kind][0 if self.lang == "it" else 1], done, total)
            done, total = rules.figures()
            yield self.figure(f"{self.said('asked')} ({rules.cases} {self.said('cases')})", done, total, "th")
            yield "</tbody></table>"
            if rules.failures:
                listed = "".join(f"<li>{escape(f.name)} <code>{escape(Path(f.path).name)}:{f.line}</code></li>" for f in rules.failures)
                yield f"<h3>{self.said('failing')}</h3><ul>{listed}</ul>"
        if text is not None:
            yield "<table><thead><tr><th></th>" + "".join(f'<th scope="col" class="n">{self.said(s)}</th>' for s in STATES)
            yield f'<th scope="col" class="n">{self.said("norms")}</th></tr></thead><tbody>'
            for document in text.documents:
                done, total = sum(bool(n.at) for n in document.norms), len(document.norms)
                cells = "".join(self.share(document, s) for s in STATES)
                norms = f"{done} {self.said('of')} {total} ({self.percent(done, total)})" if total else "–"
                yield f'<tr><td>{escape(document.title.said(self.lang))}</td>{cells}<td class="n">{norms}</td></tr>'
            yield "</tbody></table>"

    def figure(self, label: str, done: int, total: int, cell: str = "td") -> str:
        count = f'<td class="n">{done} {self.said("of")} {total}</td><td class="n">{self.percent(done, total)}</td>'
        return f"<tr><{cell}>{label}</{cell}>{count}</tr>"

    def share(self, document: DocumentText, state: State) -> str:
        share = self.percent(document.characters[state], sum(document.characters.values()))
        counts = f"{document.characters[state]} {self.said('characters')}, {document.words[state]} {self.said('words')}"
        return f'<td class="n">{share}<br><span class="by">{counts}</span></td>'

    # Questions.

    def questions(self, shown: list[Met], anchored: bool) -> Iterator[str]:
        numbers = {id(m): n for n, m in enumerate(self.part.rules.met)} if self.part.rules is not None else {}
        for rule, group in groupby(shown, lambda m: m.obligation.rule):
            yield f'<h3>{escape(rule_said(rule, self.lang))}</h3><ul class="questions">'
            for met in group:
                anchor = f' id="{self.prefix}o{numbers[id(met)]}"' if anchored else ""
                yield f'<li class="{met.state}"{anchor}>{self.question(met)}</li>'
            yield "</ul>"

    def question(self, met: Met) -> str:
        place = met.obligation.place
        asked = met.obligation.questions if met.state == "covered" else met.open
        text = "<br>".join(escape(q.said(self.lang)) for q in asked)
        where = f"{self.said('line')} {place.line}"
        link = (
            f'<a href="#{self.prefix}L{place.line}">{where}</a>'
            if place.path == self.part.path
            else f"{escape(Path(place.path).name)}:{place.line}"
        )
        reason = met.obligation.impossible.said(self.lang) if met.obligation.impossible is not None else met.because
        notes = [escape(reason)] if reason and not met.counts else []
        if met.cases:
            more = f" {self.said('and_more')} {met.count - len(met.cases)}" if met.count > len(met.cases) else ""
            notes.append(escape("; ".join(met.cases)) + more)
        by = f'<br><span class="by">{" – ".join(notes)}</span>' if notes else ""
        return f'<span class="sign" title="{self.said(met.state)}">{SIGNS[met.state]}</span>{text} ({link}){by}'

    # The policy, line by line.

    def source(self) -> Iterator[str]:
        met = list(self.part.rules.met) if self.part.rules is not None else []
        at: dict[int, list[tuple[int, Met]]] = {}
        for number, one in enumerate(met):
            place = one.obligation.place
            if one.counts and place.path == self.part.path:
                for line in range(place.line, place.end + 1):
                    at.setdefault(line, []).append((number, one))
        key = "".join(f'<span class="{s}">{SIGNS[s]} {self.said(s)}</span>' for s in ("covered", "partly", "uncovered"))
        yield f'<p class="key">{key}</p><ol class="code">'
        for n, code in enumerate(self.part.content.split("\n"), 1):
            here = at.get(n, [])
            state = _state([m for _, m in here])
            mark = f'<a href="#{self.prefix}o{here[0][0]}">{SIGNS[state]}</a>' if state else ""
            links = "".join(
                f' <a class="to" href="#{self.prefix}p-{escape(name)}-{i}">→ {self.said("passage")}</a>'
                for name, i in self.passages.get(n, ())
            )
            signs = f'<span class="no">{n}</span><span class="mark">{mark}</span>'
            yield f'<li id="{self.prefix}L{n}" class="{state}">{signs}{escape(code)}{links}</li>'
        yield "</ol>"

    # Texts.

    def document(self, document: DocumentText) -> Iterator[str]:
        key = "".join(f'<span class="{s}">{self.said(s)}</span>' for s in STATES)
        yield f'<h3>{escape(document.title.said(self.lang))}</h3><p class="key">{key}</p>'
        # In one piece: every blank of the text is shown.
        yield f'<div class="doc">{"".join(self.stretches(document))}</div>'
        open_ = [n.norm for n in document.norms if not n.at]
        if open_:
            listed = "".join(f"<li>{escape(n.id)}: «{escape(n.quote)}»</li>" for n in open_)
            yield f"<h3>{self.said('norm_open')}</h3><ul>{listed}</ul>"

    def stretches(self, document: DocumentText) -> Iterator[str]:
        """The text, stretch by stretch; each quote links to its line at its end."""
        for n, segment in enumerate(document.segments):
            text = escape(document.text[segment.start : segment.end])
            if segment.state == "untouched":
                yield text
                continue
            title = "; ".join(dict.fromkeys(self.rule(document.quotes[i]) for i in segment.at))
            after = document.segments[n + 1].at if n + 1 < len(document.segments) else ()
            links = " ".join(self.to_rule(document.quotes[i]) for i in segment.at if i not in after)
            anchor = f"{self.prefix}p-{escape(document.name)}-{n}"
            yield f'<mark id="{anchor}" class="{segment.state}" title="{escape(title)}">{text}</mark>'
            yield f"<sup>{links}</sup>" if links else ""

    def rule(self, quote: Quoted) -> str:
        return f"{RULE_WORDS[quote.kind][0 if self.lang == 'it' else 1]} {quote.name}".strip()

    def to_rule(self, quote: Quoted) -> str:
        line = quote.quote.span.line
        return f'<a href="#{self.prefix}L{line}" title="{escape(self.rule(quote))}">{line}</a>'

    def quoted(self, text: TextCoverage) -> Iterator[str]:
        """Each rule with its passages; those that are no rule come by their reasons."""
        found: dict[tuple[str, int], list[str]] = {}
        for document in text.documents:
            for quote, n in zip(document.quotes, _begins(document), strict=True):
                words = escape(_short(quote.quote.quote))
                link = f'<a href="#{self.prefix}p-{escape(document.name)}-{n}">«{words}»</a>'
                found.setdefault((self.rule(quote), quote.quote.span.line), []).append(link)
        yield "<table><tbody>"
        for (rule, line), links in found.items():
            where = f'<a href="#{self.prefix}L{line}">{self.said("line")} {line}</a>'
            yield f"<tr><td>{escape(rule)}</td><td>{where}</td><td>{'<br>'.join(links)}</td></tr>"
        yield "</tbody></table>"


def _begins(document: DocumentText) -> list[int]:
    """For each quote, the number of the stretch in which it begins."""
    first: dict[int, int] = {}
    for n, segment in enumerate(document.segments):
        for i in segment.at:
            first.setdefault(i, n)
    return [first[i] for i in range(len(document.quotes))]


def _passages(text: TextCoverage | None) -> Mapping[int, list[tuple[str, int]]]:
    found: dict[int, list[tuple[str, int]]] = {}
    for document in text.documents if text is not None else ():
        for quote, n in zip(document.quotes, _begins(document), strict=True):
            found.setdefault(quote.quote.span.line, []).append((document.name, n))
    return found


def _state(met: list[Met]) -> str:
    states = {m.state for m in met}
    if not states:
        return ""
    return states.pop() if len(states) == 1 else "partly"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 90 else text[:88].rsplit(" ", 1)[0] + " …"
