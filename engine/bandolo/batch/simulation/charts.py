"""Drawings of a simulation as SVG: a line or steps along one axis, bars where its values are words, and heat tables for two axes."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from html import escape

from bandolo.batch.simulation.measures import Line, Measure, spread_of, ticks
from bandolo.batch.simulation.simulate import Simulation, Variant
from bandolo.batch.simulation.words import Teller

WIDE, HIGH = 720, 270
LEFT, RIGHT, TOP, BOTTOM = 92, 24, 28, 50
INK, GRID, LINE, BASE = "#1a1a1a", "#dcdcdc", "#0b4a8f", "#b3321b"


def drawing(line: Line, measure: Measure, tell: Teller) -> str:
    """One measure along one axis. Every point says its numbers when it is pointed at; the policy as it is is marked."""
    known = [(v, i, y) for i, v in enumerate(line.variants) if (y := measure.of(v)) is not None]
    axis = tell.simulation.axes[line.axis]
    texts = [tell.base_value(line.axis) if v.values[line.axis] is None else tell.value(axis, v.values[line.axis]) for v in line.variants]  # type: ignore[arg-type]
    low, high = spread_of([y for _, _, y in known])
    marks = ticks(low, high)
    low, high = marks[0], marks[-1]
    xs = _across(line)

    def up(value: Fraction) -> float:
        return float(HIGH - BOTTOM - (value - low) / (high - low) * (HIGH - BOTTOM - TOP))

    parts = [f'<line x1="{LEFT}" y1="{up(m):.1f}" x2="{WIDE - RIGHT}" y2="{up(m):.1f}" stroke="{GRID}"/>' for m in marks]
    parts += [f'<text x="{LEFT - 8}" y="{up(m) + 4:.1f}" text-anchor="end">{escape(measure.short(m))}</text>' for m in marks]
    shown = _shown(xs, texts)
    parts += [f'<text x="{xs[i]:.1f}" y="{HIGH - BOTTOM + 18}" text-anchor="middle">{escape(texts[i])}</text>' for i in shown]
    base = next((i for i, v in enumerate(line.variants) if v.is_base), None)
    if base is not None:
        x = xs[base]
        parts.append(f'<line x1="{x:.1f}" y1="{TOP - 10}" x2="{x:.1f}" y2="{HIGH - BOTTOM}" stroke="{BASE}" stroke-dasharray="4 3"/>')
        end = "end" if x > WIDE / 2 else "start"
        parts.append(f'<text x="{x + (-5 if end == "end" else 5):.1f}" y="{TOP - 10}" text-anchor="{end}" fill="{BASE}">'
                     f"{escape(tell.said('as_it_is'))}</text>")  # fmt: skip
    if line.places is None:
        for v, i, y in known:
            tall = max(up(low) - up(y), 1)
            parts.append(
                f'<rect x="{xs[i] - 22:.1f}" y="{up(y):.1f}" width="44" height="{tall:.1f}" fill="{BASE if v.is_base else LINE}"/>'
            )
    else:
        path = " ".join(f"{xs[i]:.1f},{up(y):.1f}" for _, i, y in known)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{LINE}" stroke-width="2"/>')
    for v, i, y in known:
        title = f"{texts[i]}: {measure.said(y)}"
        parts.append(
            f'<circle cx="{xs[i]:.1f}" cy="{up(y):.1f}" r="4" fill="{BASE if v.is_base else LINE}"><title>{escape(title)}</title></circle>'
        )
    if low > 0:
        parts.append(f'<text x="{LEFT - 8}" y="{HIGH - BOTTOM + 18}" text-anchor="end" fill="#666">{escape(tell.said("not_zero"))}</text>')
    parts.append(
        f'<text x="{(LEFT + WIDE - RIGHT) / 2}" y="{HIGH - 8}" text-anchor="middle" font-weight="600">{escape(tell.axis(axis))}</text>'
    )
    label = escape(f"{measure.name}: " + "; ".join(f"{texts[i]}: {measure.said(y)}" for _, i, y in known), quote=True)
    return f'<svg viewBox="0 0 {WIDE} {HIGH}" role="img" aria-label="{label}" font-size="12.5" fill="{INK}">' + "".join(parts) + "</svg>"


def _across(line: Line) -> list[float]:
    """Where the points stand from left to right."""
    room = WIDE - RIGHT - LEFT - 40
    count = len(line.variants)
    if line.places is None or line.places[0] == line.places[-1]:
        return [LEFT + 20 + room * (i + 0.5) / count for i in range(count)]
    first, last = line.places[0], line.places[-1]
    return [LEFT + 20 + float((p - first) / (last - first)) * room for p in line.places]


def _shown(xs: Sequence[float], texts: Sequence[str]) -> list[int]:
    """The labels for which there is room, from the left."""
    shown: list[int] = []
    for i, x in enumerate(xs):
        half = 3.6 * len(texts[i])
        if not shown or x - half > xs[shown[-1]] + 3.6 * len(texts[shown[-1]]) + 6:
            shown.append(i)
    return shown


def heat(simulation: Simulation, measure: Measure, tell: Teller) -> str:
    """A table of one measure over two axes: the deeper the colour, the larger the number; the policy as it is has a frame."""
    down, across = simulation.axes[:2]
    found = {(v.values[0], v.values[1]): v for v in simulation.variants[1:]}
    known = [n for v in found.values() if (n := measure.of(v)) is not None]
    low, high = min(known, default=Fraction(0)), max(known, default=Fraction(0))
    heads = "".join(f'<th scope="col">{escape(tell.value(across, x))}</th>' for x in across.values)
    rows = []
    for y in down.values:
        cells = "".join(_cell(found[y, x], measure, low, high) for x in across.values)
        rows.append(f'<tr><th scope="row">{escape(tell.value(down, y))}</th>{cells}</tr>')
    corner = f"{escape(tell.axis(down))} ↓ &nbsp; {escape(tell.axis(across))} →"
    return f'<table class="heat"><thead><tr><th>{corner}</th>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def _cell(variant: Variant, measure: Measure, low: Fraction, high: Fraction) -> str:
    value = measure.of(variant)
    if value is None:
        return "<td></td>"
    share = float((value - low) / (high - low)) if high > low else 0.0
    # From white to the blue of the lines; the ink turns white where that is dark.
    red, green, blue = (round(255 + (end - 255) * share) for end in (11, 74, 143))
    ink = "#fff" if share > 0.7 else INK
    mark = ' class="base"' if variant.is_base else ""
    return (
        f'<td{mark} style="background:rgb({red},{green},{blue});color:{ink}" title="{escape(measure.said(value))}">'
        f"{escape(measure.short(value))}</td>"
    )
