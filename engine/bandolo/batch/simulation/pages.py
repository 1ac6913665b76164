"""A simulation as a page of blocks: for the terminal with bars and whole euros, for files with every row and to the cent."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from bandolo.batch.reasons import shown
from bandolo.batch.simulation.data import by_outcome, keys_of, main_amount
from bandolo.batch.simulation.measures import Measure, lines, measures
from bandolo.batch.simulation.ranked import Ranked
from bandolo.batch.simulation.simulate import MOST_RANKED, Simulation, Variant
from bandolo.batch.simulation.words import OUTCOMES, Teller
from bandolo.diagnostics.render import message
from bandolo.explain.blocks import Block, Heading, Line, Table
from bandolo.language.types import Language

OPEN = ("undetermined", "suspended")
SHOWN = 40
"""So many variants a terminal shows row by row; of a grid of two paths, which it also shows as squares, half as many."""
OTHERS = 4
"""So many amounts besides the main one."""
REASONS = 3
"""So many of the reasons why applications went one by one."""
WIDE = 40
Column = tuple[str, Callable[[Variant], str]]


def blocks(simulation: Simulation, lang: Language, terminal: bool = True) -> list[Block]:
    """What was varied on what, the drawing, outcomes, stages, amounts and ranking."""
    return _Page(simulation, lang, terminal).blocks()


class _Page:
    def __init__(self, simulation: Simulation, lang: Language, terminal: bool) -> None:
        self.s, self.tell, self.terminal = simulation, Teller(simulation, lang), terminal
        self.said = self.tell.said
        self.amount = main_amount(simulation.policy.core, list(simulation.base.amounts))
        self.is_grid = len(simulation.axes) == 2 and not simulation.one_at_a_time
        self.varied_alone = simulation.one_at_a_time and len(simulation.axes) > 1

    def blocks(self) -> list[Block]:
        tables = [*self._outcomes(), *self._stages(), *self._amounts(), *self._ranking()]
        if not self.terminal:
            return [*self._head(), *tables, *self._notes()]
        drawn = self._drawn()
        if self.is_grid and len(self.rows()) > SHOWN // 2:
            tables = []
        return [*self._head(), *tables, *drawn, *self._notes()]

    def rows(self) -> tuple[Variant, ...]:
        """The variants that tables show: the policy as it is first, unless one of the others says the same."""
        rest = self.s.variants[1:]
        same = any(v.is_base for v in rest) and not self.varied_alone
        found = rest if same else (self.s.base, *(v for v in rest if not v.is_base))
        return found[:SHOWN] if self.terminal else found

    def _head(self) -> list[Block]:
        s, tell = self.s, self.tell
        out: list[Block] = [Heading(f"{self.said('title')} – {tell.title()}", 1)]
        count, variants = tell.count(s.base.applications), sum(not v.is_base for v in s.variants)
        out.append(Line(self.said("population_one" if variants == 1 else "population", count=count, variants=tell.count(variants))))
        if s.made_up is not None:
            out.append(Line(self.said("made_up", count=tell.count(s.made_up[0]), seed=s.made_up[1]), "unknown", strong=True))
        for i, axis in enumerate(s.axes):
            texts = [tell.value(axis, v) for v in axis.values[:12]]
            values = ("; " if any("," in t for t in texts) else ", ").join(texts) + (" …" if len(axis.values) > 12 else "")
            named = tell.axis(axis)
            path = "" if named == axis.path else f" ({axis.path})"
            out.append(Line(f"{named}{path}: {values} – {self.said('value_now', value=tell.base_value(i))}"))
        return out

    # Tables.

    def _table(self, columns: list[Column]) -> Table:
        """A row a variant."""
        heads = [self.said("variant")] if self.varied_alone else [self.tell.axis(a) for a in self.s.axes]
        rows = []
        for variant in self.rows():
            cells = self._values(variant)
            if variant.is_base:
                cells[0] = f"{cells[0]} ({self.said('as_it_is')})" if cells[0] else self.said("as_it_is")
            rows.append((*(c.replace(" ", "\u00a0") for c in cells), *(told(variant) for _, told in columns)))
        return Table((*heads, *(head for head, _ in columns)), tuple(rows))

    def _values(self, variant: Variant) -> list[str]:
        """The cells that say which variant it is."""
        if not self.varied_alone:
            return self.tell.cells(variant)
        found = [(a, v) for a, v in zip(self.s.axes, variant.values, strict=True) if v is not None]
        return [f"{self.tell.axis(a)}: {self.tell.value(a, v)}" for a, v in found] or [""]

    def money(self, amount: Fraction) -> str:
        return self.tell.whole(amount) if self.terminal else self.tell.money(amount)

    def gap(self, amount: Fraction) -> str:
        return "" if not amount else ("+" if amount > 0 else "−") + self.money(abs(amount))

    def _outcomes(self) -> list[Block]:
        tell, s = self.tell, self.s
        found = {o for v in s.variants for o in by_outcome(v)} | {"admitted", "rejected"}
        columns: list[Column] = [
            (tell.outcome(o), lambda v, o=o: tell.count(by_outcome(v).get(o, 0)))  # type: ignore[misc]
            for o in OUTCOMES if o in found
        ]  # fmt: skip
        if any(v.changes for v in s.variants):
            columns.append((self.said("gained"), lambda v: tell.signed(_gained(v))))
            columns.append((self.said("lost"), lambda v: tell.signed(-_lost(v))))
        if any(_others(v) for v in s.variants):
            columns.append((self.said("other_moves"), lambda v: tell.count(_others(v)) if _others(v) else ""))
        return [Heading(self.said("outcomes"), 2), self._table(columns)]

    def _stages(self) -> list[Block]:
        """The rejected by stage, where more than one decides."""
        found = {stage for outcome, stage in keys_of(self.s) if outcome == "rejected"}
        stages = [st.name for st in self.s.policy.core.stages if st.name in found]
        if len(stages) < 2:
            return []
        tell = self.tell
        columns: list[Column] = [
            (tell.stage(st), lambda v, st=st: tell.count(v.outcomes.get(("rejected", st), 0)))  # type: ignore[misc]
            for st in stages[:6]
        ]
        return [Heading(self.said("rejected_by_stage"), 2), self._table(columns)]

    def _amounts(self) -> list[Block]:
        s, tell, main = self.s, self.tell, self.amount
        if main is None:
            return []
        columns: list[Column] = [
            (tell.result(main), lambda v: self.money(v.amounts[main])),
            (self.said("difference"), lambda v: self.gap(v.amounts[main] - s.base.amounts[main])),
        ]
        if any(v.unknown[main] for v in s.variants):
            columns.append((self.said("unknown"), lambda v: tell.count(v.unknown[main]) if v.unknown[main] else ""))
        out: list[Block] = [Heading(self.said("amounts"), 2), self._table(columns)]
        others = [n for n in s.base.amounts if n != main and _moves(s, n)]
        if self.terminal:
            others = others[:OTHERS]
        if others:
            rest: list[Column] = [
                (tell.result(n), lambda v, n=n: self.gap(v.amounts[n] - s.base.amounts[n]))  # type: ignore[misc]
                for n in others
            ]
            out += [Heading(self.said("other_amounts"), 2), self._table(rest)]
        return out

    def _ranking(self) -> list[Block]:
        s, tell = self.s, self.tell
        found = [v.ranked for v in s.variants if v.ranked is not None and not v.ranked.refused]
        if not found:
            return []
        columns: list[Column] = [(self.said("financed"), lambda v: _of(v, lambda r: tell.count(r.financed)))]
        for status in ("partly_financed", "admitted_not_financed"):
            if any(r.statuses.get(status) for r in found):
                columns.append((self.said(status), self._status(status)))
        if any(r.provisional for r in found):
            columns.append((self.said("open"), self._status(*OPEN)))
        columns.append((self.said("spent"), lambda v: _of(v, lambda r: self.money(r.spent))))
        if any(r.left is not None for r in found):
            columns.append((self.said("left"), lambda v: _of(v, lambda r: "" if r.left is None else self.money(r.left))))
        if any(r.struck for r in found):
            columns.append((self.said("struck"), lambda v: _of(v, lambda r: tell.count(r.struck))))
        columns.append((self.said("last"), lambda v: _of(v, tell.last)))
        return [Heading(self.said("ranking"), 2), self._table(columns)]

    def _status(self, *statuses: str) -> Callable[[Variant], str]:
        return lambda v: _of(v, lambda r: self.tell.count(sum(r.statuses.get(s, 0) for s in statuses)))

    # Drawings.

    def _drawn(self) -> list[Block]:
        """Bars along each axis, or a table of two axes, for a terminal."""
        drawn = measures(self.s, self.tell)
        out: list[Block] = []
        if self.varied_alone:
            return []
        if self.is_grid:
            return [b for m in drawn for b in self._grid(m)]
        for line in lines(self.s):
            axis = self.s.axes[line.axis]
            for measure in drawn:
                found = [(v, measure.of(v)) for v in line.variants]
                if len({y for _, y in found}) == 1:
                    continue  # it does not depend on this axis: the tables say how much it is
                most = max((y for _, y in found if y is not None), default=Fraction(0))
                rows = []
                for variant, y in found:
                    value = variant.values[line.axis]
                    text = self.tell.base_value(line.axis) if value is None else self.tell.value(axis, value)
                    mark = f" ({self.said('as_it_is')})" if variant.is_base else ""
                    rows.append((text + mark, "" if y is None else measure.short(y), "" if y is None else bar(y, most)))
                out += [Heading(measure.name, 2), Table((self.tell.axis(axis), "\u00a0", ""), tuple(rows))]
        return out

    def _grid(self, measure: Measure) -> list[Block]:
        down, across = self.s.axes[:2]
        found = {(v.values[0], v.values[1]): v for v in self.s.variants[1:]}
        rows = []
        for y in down.values:
            cells = []
            for x in across.values:
                value = measure.of(found[y, x])
                text = "" if value is None else measure.short(value)
                cells.append(f"[{text}]" if found[y, x].is_base else text)
            rows.append((self.tell.value(down, y), *cells))
        heads = (f"{self.tell.axis(down)} ↓ {self.tell.axis(across)} →", *(self.tell.value(across, x) for x in across.values))
        return [Heading(measure.name, 2), Table(heads, tuple(rows))]

    # Notes.

    def _notes(self) -> list[Block]:
        s, tell = self.s, self.tell
        out: list[Block] = [Line("")]
        whole = len([v for v in s.variants[1:] if not v.is_base]) + 1
        if self.terminal and self.is_grid and whole > SHOWN // 2:
            out.append(Line(self.said("squares")))
        elif self.terminal and whole > len(self.rows()):
            out.append(Line(self.said("hidden", count=tell.count(whole - len(self.rows())))))
        if any(v.changes for v in s.variants):
            out.append(Line(self.said("entering")))
        if self.amount is not None:
            out.append(Line(self.said("sums")))
            out += [Line(self.said("rounded", currency=tell.currency))] if self.terminal else []
        rankings = [v.ranked for v in s.variants if v.ranked is not None]
        keys = next((r.keys for r in rankings if r.keys), ())
        if keys:
            out.append(Line(self.said("last_note", keys=tell.key(keys[0]))))
        if any(r.provisional for r in rankings):
            out.append(Line(self.said("provisional")))
        refused = {message(d, tell.lang): None for r in rankings for d in r.refused}
        out += [Line(self.said("unranked", why=why), "unknown") for why in refused]
        if s.too_many:
            out.append(Line(self.said("too_many", limit=tell.count(MOST_RANKED)), "unknown"))
        rows = max(v.by_rows for v in s.variants)
        if rows:
            out.append(Line(self.said("by_rows", count=tell.count(rows), why=self._reasons())))
        if s.base.errors:
            out.append(Line(self.said("errors", names=", ".join(f"{c} {n}" for c, n in s.base.errors.items())), "failed"))
        return out

    def _reasons(self) -> str:
        """Why applications went one by one: what holds of most of them, and how many other reasons there are."""
        tell = self.tell
        reasons, others = shown(self.s.why, self.s.policy.core, tell.lang, REASONS)
        told = [f"{reason}: {tell.count(count)}" for reason, count in reasons]
        if others:
            told.append(self.said("more_reasons", count=tell.count(others)))
        return "; ".join(told)


def bar(value: Fraction, most: Fraction, wide: int = WIDE) -> str:
    """A bar from nothing to the most, in eighths of a letter."""
    eighths = round(value / most * wide * 8) if most > 0 and value > 0 else 0
    return "█" * (eighths // 8) + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[eighths % 8]


def _of(variant: Variant, told: Callable[[Ranked], str]) -> str:
    return "" if variant.ranked is None or variant.ranked.refused else told(variant.ranked)


def _gained(variant: Variant) -> int:
    return sum(n for (_, new), n in variant.changes.items() if new == "admitted")


def _lost(variant: Variant) -> int:
    return sum(n for (old, _), n in variant.changes.items() if old == "admitted")


def _others(variant: Variant) -> int:
    return sum(n for pair, n in variant.changes.items() if "admitted" not in pair)


def _moves(simulation: Simulation, name: str) -> bool:
    return any(v.amounts[name] != simulation.base.amounts[name] for v in simulation.variants)
