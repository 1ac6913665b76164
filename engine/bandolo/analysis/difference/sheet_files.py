"""A change sheet as Markdown, and as one HTML page that prints on A4 and needs no other file."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from bandolo.analysis.difference.change import GROUPS, Change, Side, Version
from bandolo.analysis.difference.pages import SIGNS, affected, title, total
from bandolo.analysis.difference.sheet import MOST_CASES, Sheet, more_cases, word
from bandolo.explain.blocks import Block, Heading, Line, Quoted, Table
from bandolo.explain.markdown import MARKS, escaped, markdown
from bandolo.language.types import Language
from bandolo.language.wording import day
from bandolo.version import __version__


def as_markdown(sheet: Sheet) -> str:
    """The sheet for issue trackers and files; one side below the other."""
    lang, difference = sheet.lang, sheet.difference
    out = [f"# {word('sheet', lang)}", "", f"**{escaped(difference.new.title.said(lang))}**", ""]
    if sheet.on is not None:
        out += [word("dated", lang, day(sheet.on, lang)), ""]
    out += [f"## {word('versions', lang)}", "", f"| | {word('old', lang)} | {word('new', lang)} |", "| --- | --- | --- |"]
    out += [f"| {escaped(name)} | {escaped(old)} | {escaped(new)} |" for name, old, new in _versions(sheet)]
    out += ["", f"## {word('short', lang)}", "", f"{escaped(total(difference, lang))}.", "", f"## {word('changes', lang)}", ""]
    if not difference.meaning:
        out += [word("nothing", lang), ""]
    for group in GROUPS:
        changes = [c for c in difference.meaning if c.group == group]
        out += [f"### {title(group, lang)}", ""] if changes else []
        for change in changes:
            out += _change_in_markdown(change, lang)
    if sheet.sections:
        out += [f"## {word('effects', lang)}", "", markdown(_lower(sheet.sections)), ""]
    out += list(_cases_in_markdown(sheet))
    if difference.wording:
        out += [f"## {word('wording', lang)}", ""]
        out += [f"- {escaped(c.label.said(lang))}: {escaped(c.said.said(lang))} ({_code(_where(c))})" for c in difference.wording]
        out.append("")
    out += [f"## {word('unexamined', lang)}", "", *(f"- {line}" for line in sheet.unexamined), "", word("footer", lang, __version__)]
    return "\n".join(out) + "\n"


def _versions(sheet: Sheet) -> list[tuple[str, str, str]]:
    """The rows of the table of both versions."""
    lang, old, new = sheet.lang, sheet.difference.old, sheet.difference.new

    def acts(version: Version) -> str:
        return "; ".join(f"{name.said(lang)} ({date})" for _, name, date, _ in version.acts) or word("no_acts", lang)

    return [
        (word("policy", lang), old.id, new.id), (word("file", lang), old.file, new.file), (word("acts", lang), acts(old), acts(new)),
        (word("digest", lang), old.digest, new.digest),
    ]  # fmt: skip


def _change_in_markdown(change: Change, lang: Language) -> Iterator[str]:
    yield f"**{SIGNS[change.kind]} {escaped(change.label.said(lang))}**: {escaped(change.said.said(lang))}"
    yield ""
    for key, side, quotes in (("old", change.before, change.quotes_before), ("new", change.after, change.quotes_after)):
        yield f"{word(key, lang)}: {escaped(side.said.said(lang)) if side is not None else word('not_there', lang)}"
        yield ""
        if side is not None and side.written is not None:
            fence = "~~~" if "```" in side.written.text else "```"
            yield from (f"{fence}yaml", f"# {side.written.file}:{side.written.line}", side.written.text, fence, "")
        if side is not None and quotes:
            yield from (*(f"> «{escaped(quote)}» ({escaped(document)})  " for document, quote in quotes), "")
    if change.affects:
        yield f"{word('weighs', lang)}: {escaped(affected(change, lang))}."
        yield ""


def _cases_in_markdown(sheet: Sheet) -> Iterator[str]:
    if sheet.cases is None:
        return
    lang, cases = sheet.lang, sheet.cases
    yield from (f"## {word('cases', lang)}", "", word("cases_run", lang, cases.run, cases.failing, len(cases.changed)), "")
    for case in cases.changed[:MOST_CASES]:
        yield f"- **{escaped(case.name)}** ({_code(f'{case.file}:{case.line}')}): {word(case.now, lang)}"
        yield from (
            f"  - {_code(m.where)}: {word('expected', lang)} {escaped(m.expected)}, {word('got', lang)} {escaped(m.got)}"
            for m in case.mismatches
        )
        yield from (f"  - {escaped(line)}" for line in case.reasons(lang))
    yield from (f"- {line}" for line in more_cases(cases, lang))
    yield ""


def _where(change: Change) -> str:
    return f"{change.path}.{change.part}" if change.part else change.path


def _code(text: str) -> str:
    return f"`{text}`"


def _lower(blocks: tuple[Block, ...]) -> list[Block]:
    """Blocks of another page below a heading of this one."""
    return [Heading(b.text, min(b.level + 1, 4)) if isinstance(b, Heading) else b for b in blocks]


# HTML.

STYLE = """\
@page { size: A4; margin: 18mm 15mm; }
* { box-sizing: border-box; }
body { font: 10.5pt/1.45 "Titillium Web", "Segoe UI", "Liberation Sans", Arial, sans-serif; color: #17324d;
  max-width: 190mm; margin: 10mm auto; padding: 0 5mm; }
h1 { font-size: 20pt; margin: 0 0 2mm; } h2 { font-size: 14pt; margin: 9mm 0 3mm; border-bottom: .4mm solid #06c; padding-bottom: 1mm; }
h3 { font-size: 11.5pt; margin: 6mm 0 2mm; color: #06c; } h2, h3, h4 { break-after: avoid; }
p { margin: 0 0 2mm; } .lead { font-size: 12pt; } .muted { color: #5a6772; font-size: 9pt; }
table { border-collapse: collapse; width: 100%; margin: 0 0 3mm; }
th, td { border: .2mm solid #c5c7c9; padding: 1.2mm 2mm; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
th { background: #eef3f8; font-weight: 600; } th[scope=row] { overflow-wrap: break-word; min-width: 26mm; } td.figure { text-align: right; }
.change { margin: 0 0 5mm; break-inside: avoid; } .change > p:first-child { font-weight: 600; }
.sign { display: inline-block; min-width: 5mm; } .sides { display: grid; grid-template-columns: 1fr 1fr; gap: 3mm; }
.side { border: .2mm solid #c5c7c9; padding: 2mm; min-width: 0; } .old { background: #fdf3f2; } .new { background: #f0f8f2; }
.side h4 { margin: 0 0 1mm; font-size: 9pt; text-transform: uppercase; letter-spacing: .04em; color: #5a6772; }
pre { font: 8.5pt/1.35 "Liberation Mono", "DejaVu Sans Mono", Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere;
  margin: 1mm 0; padding: 1.5mm; background: #fff; border: .2mm solid #e3e4e6; }
blockquote { margin: 1mm 0; padding-left: 2mm; border-left: .6mm solid #06c; font-style: italic; font-size: 9.5pt; }
ul { margin: 0 0 2mm; padding-left: 6mm; } footer { margin-top: 9mm; border-top: .2mm solid #c5c7c9; padding-top: 2mm; }
@media (max-width: 140mm) { .sides { grid-template-columns: 1fr; } }
@media print { body { margin: 0; padding: 0; max-width: none; }
  .side, th { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""


def as_html(sheet: Sheet) -> str:
    """The sheet as one page: old and new side by side."""
    lang, difference = sheet.lang, sheet.difference
    heading = escape(difference.new.title.said(lang))
    out = [
        "<!doctype html>", f'<html lang="{lang}">', '<head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{word('sheet', lang)}: {heading}</title>", f"<style>\n{STYLE}</style></head>", "<body>", "<header>",
        f"<h1>{word('sheet', lang)}</h1>", f'<p class="lead">{heading}</p>',
    ]  # fmt: skip
    if sheet.on is not None:
        out.append(f"<p>{escape(word('dated', lang, day(sheet.on, lang)))}</p>")
    out += ["</header>", "<main>", f"<h2>{word('versions', lang)}</h2>"]
    out.append(_table(("", word("old", lang), word("new", lang)), tuple(_versions(sheet))))
    out += [f"<h2>{word('short', lang)}</h2>", f"<p>{escape(total(difference, lang))}.</p>", f"<h2>{word('changes', lang)}</h2>"]
    if not difference.meaning:
        out.append(f"<p>{word('nothing', lang)}</p>")
    for group in GROUPS:
        changes = [c for c in difference.meaning if c.group == group]
        out += [f"<h3>{escape(title(group, lang))}</h3>"] if changes else []
        out += [_change_in_html(c, lang) for c in changes]
    if sheet.sections:
        out += [f"<h2>{word('effects', lang)}</h2>", *_blocks(_lower(sheet.sections))]
    out += _cases_in_html(sheet)
    if difference.wording:
        rows = [
            f"<li>{escape(c.label.said(lang))}: {escape(c.said.said(lang))} <code>{escape(_where(c))}</code></li>"
            for c in difference.wording
        ]
        out += [f"<h2>{escape(word('wording', lang))}</h2>", "<ul>", *rows, "</ul>"]
    out += [f"<h2>{word('unexamined', lang)}</h2>", "<ul>", *(f"<li>{_ticked(line)}</li>" for line in sheet.unexamined), "</ul>", "</main>"]
    out += [f'<footer class="muted">{escape(word("footer", lang, __version__))}</footer>', "</body></html>"]
    return "\n".join(out) + "\n"


def _change_in_html(change: Change, lang: Language) -> str:
    said = f"<b>{escape(change.label.said(lang))}</b>: {escape(change.said.said(lang))}"
    both = change.before is not None and change.after is not None
    out = ['<section class="change">', f'<p><span class="sign">{SIGNS[change.kind]}</span>{said}</p>']
    out.append('<div class="sides">' if both else "<div>")
    if change.before is not None:
        out.append(_side("old", change.before, change.quotes_before, lang, both))
    if change.after is not None:
        out.append(_side("new", change.after, change.quotes_after, lang, both))
    out.append("</div>")
    if change.affects:
        out.append(f'<p class="muted">{word("weighs", lang)}: {escape(affected(change, lang))}.</p>')
    return "\n".join([*out, "</section>"])


def _side(key: str, side: Side, quotes: tuple[tuple[str, str], ...], lang: Language, both: bool) -> str:
    """One side; of an entry that is only on one, its words stand in the heading already."""
    out = [f'<div class="side {key}"><h4>{word(key, lang)}</h4>']
    if both:
        out.append(f"<p>{escape(side.said.said(lang))}</p>")
    if side.written is not None:
        place = f"{side.written.file}:{side.written.line}"
        out.append(f'<pre>{escape(side.written.text)}</pre><p class="muted">{escape(place)}</p>')
    out += [f'<blockquote>«{escape(quote)}» <span class="muted">{escape(document)}</span></blockquote>' for document, quote in quotes]
    return "\n".join([*out, "</div>"])


def _cases_in_html(sheet: Sheet) -> Iterator[str]:
    if sheet.cases is None:
        return
    lang, cases = sheet.lang, sheet.cases
    yield f"<h2>{word('cases', lang)}</h2>"
    yield f"<p>{escape(word('cases_run', lang, cases.run, cases.failing, len(cases.changed)))}</p>"
    if cases.changed:
        yield "<ul>"
    for case in cases.changed[:MOST_CASES]:
        yield f"<li><b>{escape(case.name)}</b> <code>{escape(f'{case.file}:{case.line}')}</code>: {word(case.now, lang)}<ul>"
        for m in case.mismatches:
            told = f"{word('expected', lang)} {m.expected}, {word('got', lang)} {m.got}"
            yield f"<li><code>{escape(m.where)}</code>: {escape(told)}</li>"
        yield from (f"<li>{escape(line)}</li>" for line in case.reasons(lang))
        yield "</ul></li>"
    yield from (f"<li>{_ticked(line)}</li>" for line in more_cases(cases, lang))
    if cases.changed:
        yield "</ul>"


def _ticked(text: str) -> str:
    """Text whose every second piece between backticks is code."""
    return "".join(f"<code>{escape(p)}</code>" if i % 2 else escape(p) for i, p in enumerate(text.split("`")))


def _blocks(blocks: list[Block]) -> Iterator[str]:
    for block in blocks:
        match block:
            case Heading(text=text, level=level):
                yield f"<h{level}>{escape(text)}</h{level}>"
            case Line(text=text, mark=mark, indent=indent, strong=strong):
                said = MARKS[mark] + escape(text.strip())
                yield f'<p style="margin-left: {indent * 5}mm">{f"<b>{said}</b>" if strong else said}</p>'
            case Quoted(document=document, quotes=quotes):
                yield from (f'<blockquote>«{escape(q)}» <span class="muted">{escape(document)}</span></blockquote>' for q in quotes)
            case Table(heads=heads, rows=rows):
                yield _table(heads, rows, figures=True)


def _table(heads: tuple[str, ...], rows: tuple[tuple[str, ...], ...], figures: bool = False) -> str:
    """A table whose first column names its rows; the others hold figures, set to the right, or texts."""
    cell = '<td class="figure">' if figures else "<td>"
    out = ["<table>", "<thead><tr>" + "".join(f'<th scope="col">{escape(h)}</th>' for h in heads) + "</tr></thead>", "<tbody>"]
    for first, *rest in rows:
        out.append(f'<tr><th scope="row">{escape(first)}</th>' + "".join(f"{cell}{escape(c)}</td>" for c in rest) + "</tr>")
    return "\n".join([*out, "</tbody>", "</table>"])
