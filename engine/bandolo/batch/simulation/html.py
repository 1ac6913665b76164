"""A simulation as one page: what was varied, drawings, and every table. One file, nothing loaded from elsewhere, no script."""

from __future__ import annotations

from html import escape

from bandolo.batch.simulation.charts import drawing, heat
from bandolo.batch.simulation.measures import lines, measures
from bandolo.batch.simulation.simulate import Simulation
from bandolo.batch.simulation.words import Teller
from bandolo.explain.blocks import Block, Heading, Line, Quoted, Table
from bandolo.language.types import Language

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a }
h1 { font-size: 1.6rem } h2 { margin-top: 2.2rem; border-bottom: 1px solid #c8c8c8 } h3 { margin: 1.2rem 0 .3rem; font-size: 1.05rem }
table { border-collapse: collapse; margin: .8rem 0 } th, td { padding: .25rem .8rem; border-bottom: 1px solid #c8c8c8; text-align: right }
th:first-child, td:first-child { text-align: left } td { font-variant-numeric: tabular-nums; white-space: nowrap }
tr.base td { background: #fdf1dc; font-weight: 600 }
.heat td, .heat th { border: 1px solid #fff } .heat td.base { outline: 3px solid #b3321b; outline-offset: -3px; font-weight: 700 }
.made-up { border: 2px solid #8a5a00; padding: .5rem 1rem; font-weight: 600 }
.drawings { display: grid; grid-template-columns: repeat(auto-fit, minmax(30rem, 1fr)); gap: 0 2rem }
svg { width: 100%; height: auto } figure { margin: 0 } figcaption { font-weight: 600; margin-top: 1rem }
.wide { overflow-x: auto } .note { color: #444 }
@media print { body { max-width: none; font-size: 10.5pt } * { print-color-adjust: exact; -webkit-print-color-adjust: exact } }
"""


def page(simulation: Simulation, blocks: list[Block], lang: Language) -> str:
    """The page; `blocks` are those of the terminal without their bars."""
    tell = Teller(simulation, lang)
    said = tell.said
    head, *rest = blocks
    assert isinstance(head, Heading)
    first = next((i for i, b in enumerate(rest) if isinstance(b, Heading)), len(rest))
    body = [*(_block(b, tell) for b in rest[:first]), _drawings(simulation, tell), *(_block(b, tell) for b in rest[first:])]
    return f"""<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(said("title"))} – {escape(tell.title())}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{escape(head.text)}</h1>
{chr(10).join(part for part in body if part)}
</body>
</html>
"""


def _drawings(simulation: Simulation, tell: Teller) -> str:
    made = []
    for line in lines(simulation):
        for measure in measures(simulation, tell):
            made.append(f"<figure><figcaption>{escape(measure.name)}</figcaption>{drawing(line, measure, tell)}</figure>")
    if made:
        return f'<h2>{escape(tell.said("drawings"))}</h2>\n<div class="drawings">{"".join(made)}</div>'
    if len(simulation.axes) != 2:
        return ""
    tables = [f'<h3>{escape(m.name)}</h3><div class="wide">{heat(simulation, m, tell)}</div>' for m in measures(simulation, tell)]
    return f'<h2>{escape(tell.said("drawings"))}</h2>\n{"".join(tables)}\n<p class="note">{escape(tell.said("framed"))}</p>'


def _block(block: Block, tell: Teller) -> str:
    match block:
        case Heading(text=text, level=level):
            return f"<h{level}>{escape(text)}</h{level}>"
        case Line(text=text, strong=strong):
            style = ' class="made-up"' if strong else ' class="note"'
            return f"<p{style}>{escape(text)}</p>" if text else ""
        case Table(heads=heads, rows=rows):
            names = "".join(f'<th scope="col">{escape(h)}</th>' for h in heads)
            mark = tell.said("as_it_is").replace(" ", "\u00a0")
            made = "".join(_row(row, mark in row[0]) for row in rows)
            return f'<div class="wide"><table><thead><tr>{names}</tr></thead><tbody>{made}</tbody></table></div>'
        case Quoted():
            return ""


def _row(cells: tuple[str, ...], base: bool) -> str:
    style = ' class="base"' if base else ""
    return f"<tr{style}>" + "".join(f"<td>{escape(c)}</td>" for c in cells) + "</tr>"
