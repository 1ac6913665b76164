"""An impact as tables, for a workbook or CSV: what is compared, every application that changes, every verdict that changes."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from bandolo.analysis.impact import Compared, Impact
from bandolo.analysis.impact_words import Teller, because_lines, impact_blocks
from bandolo.diagnostics.render import message
from bandolo.evaluate.wire import plain
from bandolo.explain.blocks import Line, Quoted
from bandolo.explain.blocks import Table as TableBlock
from bandolo.export.results_tables import Head, Table
from bandolo.export.workbook_styles import CellValue
from bandolo.language.types import INTEGER, MONEY, Language

HEADS: dict[str, tuple[str, str]] = {
    "about": ("Sintesi", "Summary"),
    "entry": ("Voce", "Entry"),
    "value": ("Valore", "Value"),
    "application": ("Domanda", "Application"),
    "old_outcome": ("Esito vecchio", "Old outcome"),
    "new_outcome": ("Esito nuovo", "New outcome"),
    "old_amount": ("{name}, vecchio", "{name}, old"),
    "new_amount": ("{name}, nuovo", "{name}, new"),
    "gap": ("{name}, differenza", "{name}, difference"),
    "old_position": ("Posto vecchio", "Old place"),
    "new_position": ("Posto nuovo", "New place"),
    "old_status": ("Stato vecchio", "Old status"),
    "new_status": ("Stato nuovo", "New status"),
    "old_award": ("Assegnato vecchio", "Old award"),
    "new_award": ("Assegnato nuovo", "New award"),
    "why": ("Perché", "Why"),
    "file": ("File", "File"),
    "verdicts": ("Verdetti", "Verdicts"),
    "requirement": ("Requisito", "Requirement"),
    "id": ("Nome nel bando", "Name in the policy"),
    "subject": ("Riga", "Record"),
    "old": ("Vecchio", "Old"),
    "new": ("Nuovo", "New"),
    "message": ("Messaggio", "Message"),
}


def impact_tables(impact: Impact, lang: Language) -> tuple[Table, ...]:
    """`about`, `impact` with a row for each application that changes, and `verdicts`."""
    return _Maker(impact, lang).tables()


class _Maker:
    def __init__(self, impact: Impact, lang: Language) -> None:
        self.impact, self.lang, self.tell = impact, lang, Teller(impact, lang)
        self.moves = {m.application: m for m in impact.ranking.moves} if impact.ranking is not None else {}
        self.same = {r.application: r for r in impact.ranking.new.rows} if impact.ranking is not None else {}

    def said(self, key: str, **args: str) -> str:
        return HEADS[key][0 if self.lang == "it" else 1].format(**args)

    def tables(self) -> tuple[Table, ...]:
        return (self.about(), self.applications(), self.verdicts())

    def about(self) -> Table:
        rows: list[tuple[CellValue, ...]] = []
        title = ""
        for block in impact_blocks(self.impact, self.lang, shown=0):
            match block:
                case TableBlock(heads=names, rows=cells):
                    rows += [(title, " · ".join(f"{h}: {c}" if h else c for h, c in zip(names, row, strict=True))) for row in cells]
                case Line(text=text):
                    rows += [(title, text)] if text else []
                case Quoted():
                    pass
                case heading:
                    title = heading.text
        heads = (Head(self.said("entry"), wide=34), Head(self.said("value"), wide=90))
        return Table("about", self.said("about"), heads, tuple(rows), about=True)

    def applications(self) -> Table:
        name = self.impact.amount
        heads = [Head(self.said(k), wide=22) for k in ("application", "old_outcome", "new_outcome")]
        if name is not None:
            label = self.tell.result(name)
            heads += [Head(self.said(k, name=label), MONEY) for k in ("old_amount", "new_amount", "gap")]
        if self.impact.ranking is not None:
            types = {"old_position": INTEGER, "new_position": INTEGER, "old_award": MONEY, "new_award": MONEY}
            keys = ("old_position", "new_position", "old_status", "new_status", "old_award", "new_award")
            heads += [Head(self.said(k), types[k]) if k in types else Head(self.said(k), wide=22) for k in keys]
        heads += [Head(self.said("why"), wide=80), Head(self.said("file"), wide=30)]
        changed = self.impact.changed()
        marks = tuple(row.new.outcome if row.new is not None else "rejected" for row in changed)
        return Table("impact", self.tell.said("rows"), tuple(heads), tuple(self._row(row) for row in changed), marks)

    def _row(self, row: Compared) -> tuple[CellValue, ...]:
        name = self.impact.amount
        cells: list[CellValue] = [
            row.application,
            *(None if side is None else self.tell.outcome(side.outcome) for side in (row.old, row.new)),
        ]
        if name is not None:
            amounts = [None if side is None else side.amounts[name] for side in (row.old, row.new)]
            cells += [_exact(a) for a in (*amounts, row.moved(name))]
        if self.impact.ranking is not None:
            move = self.moves.get(row.application)
            same = self.same.get(row.application)
            told: tuple[object, ...] = (None,) * 6
            if move is None and same is not None:
                told = (same.position, same.position, same.status, same.status, same.amount, same.amount)
            elif move is not None:
                told = (move.old_position, move.new_position, move.old_status, move.new_status, move.old_amount, move.new_amount)
            cells += [self._cell(value) for value in told]
        return (*cells, self._why(row), row.label)

    def _cell(self, value: object) -> CellValue:
        if isinstance(value, str):
            return self.tell.place(value, None)
        if isinstance(value, Fraction):
            return _exact(value)
        return Decimal(value) if isinstance(value, int) else None

    def _why(self, row: Compared) -> str | None:
        if row.difference is None:
            return "\n".join(f"{d.path or ''} {message(d, self.lang)}".strip() for d in (*row.refused_new, *row.refused_old)) or None
        lines = because_lines(self.tell, row.difference.because() or row.difference.verdicts)
        if row.difference.missing:
            lines.append(self.tell.said("misses", facts=self.tell.listed([self.tell.new.fact(m) for m in row.difference.missing])))
        return "\n".join(lines) or None

    def verdicts(self) -> Table:
        keys = {"application": 20, "requirement": 40, "id": 24, "subject": 24, "old": 18, "new": 18, "message": 70}
        heads = tuple(Head(self.said(key), wide=wide) for key, wide in keys.items())
        rows: list[tuple[CellValue, ...]] = []
        for row in self.impact.changed():
            for v in row.difference.verdicts if row.difference is not None else ():
                words = self.tell.requirement(v.requirement), v.requirement, v.subject
                told = self.tell.verdict(v, "old"), self.tell.verdict(v, "new")
                rows.append((row.application, *words, *told, v.message.get(self.lang) or None))
        return Table("verdicts", self.said("verdicts"), heads, tuple(rows))


def _exact(amount: Fraction | None) -> CellValue:
    return None if amount is None else Decimal(str(plain(amount, MONEY)))
