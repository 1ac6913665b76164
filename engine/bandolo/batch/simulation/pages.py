"""A simulation as a page of blocks, for the terminal and Markdown, and as the files that it can be written to."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from fractions import Fraction

import pyarrow.csv
import pyarrow.parquet as pq

from bandolo.batch.simulation.data import as_data, by_outcome, keys_of, main_amount, table
from bandolo.batch.simulation.ranked import Ranked
from bandolo.batch.simulation.simulate import MOST_RANKED, Simulation, Variant
from bandolo.batch.simulation.words import OUTCOMES, Teller
from bandolo.diagnostics.render import message
from bandolo.explain.blocks import Block, Heading, Line, Table
from bandolo.explain.markdown import markdown
from bandolo.language.types import Language

OPEN = ("undetermined", "suspended")
Column = tuple[str, Callable[[Variant], str]]


def blocks(simulation: Simulation, lang: Language) -> list[Block]:
    """The page: what was varied on what, outcomes, stages, amounts."""
    return _Page(simulation, lang).blocks()


class _Page:
    def __init__(self, simulation: Simulation, lang: Language) -> None:
        self.s, self.tell = simulation, Teller(simulation, lang)
        self.said = self.tell.said
        self.amount = main_amount(simulation.policy.core, list(simulation.base.amounts))

    def blocks(self) -> list[Block]:
        return [*self._head(), *self._outcomes(), *self._stages(), *self._amounts(), *self._ranking(), *self._notes()]

    def rows(self) -> tuple[Variant, ...]:
        """The variants that tables show: the policy as it is first, unless one of the others says the same."""
        rest = self.s.variants[1:]
        return rest if any(v.is_base for v in rest) else self.s.variants

    def _head(self) -> list[Block]:
        s, tell = self.s, self.tell
        out: list[Block] = [Heading(f"{self.said('title')} – {tell.title()}", 1)]
        count, variants = tell.count(s.base.applications), tell.count(len(s.variants) - 1)
        out.append(Line(self.said("population", count=count, variants=variants)))
        if s.made_up is not None:
            out.append(Line(self.said("made_up", count=tell.count(s.made_up[0]), seed=s.made_up[1]), "unknown", strong=True))
        for i, axis in enumerate(s.axes):
            values = ", ".join(tell.value(axis, v) for v in axis.values[:12]) + (" …" if len(axis.values) > 12 else "")
            named = tell.axis(axis)
            path = "" if named == axis.path else f" ({axis.path})"
            out.append(Line(f"{named}{path}: {values}; {self.said('value_now', value=tell.base_value(i))}"))
        return out

    def _table(self, columns: list[Column]) -> Table:
        """A row a variant."""
        heads = [self.tell.axis(a) for a in self.s.axes]
        rows = []
        for variant in self.rows():
            cells = self.tell.cells(variant)
            if variant.is_base:
                cells[0] = f"{cells[0]} ({self.said('as_it_is')})"
            rows.append((*(c.replace(" ", "\u00a0") for c in cells), *(told(variant) for _, told in columns)))
        return Table((*heads, *(head for head, _ in columns)), tuple(rows))

    def _bars(self, of: Callable[[Variant], Fraction], wide: int = 18) -> Column:
        """A column of bars, from nothing to the most."""
        most = max((of(v) for v in self.s.variants), default=Fraction(0))

        def bar(variant: Variant) -> str:
            eighths = round(of(variant) / most * wide * 8) if most > 0 else 0
            return ("█" * (eighths // 8) + "▏▎▍▌▋▊▉"[eighths % 8 - 1 : eighths % 8] * bool(eighths % 8)).ljust(wide, "\u00a0")

        return "", bar

    def _outcomes(self) -> list[Block]:
        tell, s = self.tell, self.s
        found = {o for v in s.variants for o in by_outcome(v)} | {"admitted", "rejected"}
        columns: list[Column] = []
        for outcome in (o for o in OUTCOMES if o in found):
            columns.append((tell.outcome(outcome), lambda v, o=outcome: tell.count(by_outcome(v).get(o, 0))))  # type: ignore[misc]
        if any(v.changes for v in s.variants):
            columns.append((self.said("gained"), lambda v: tell.signed(_gained(v))))
            columns.append((self.said("lost"), lambda v: tell.signed(-_lost(v))))
        if any(_others(v) for v in s.variants):
            columns.append((self.said("other_moves"), lambda v: tell.count(_others(v)) if _others(v) else ""))
        columns.append(self._bars(lambda v: Fraction(by_outcome(v).get("admitted", 0))))
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
            (tell.result(main), lambda v: tell.whole(v.amounts[main])),
            (self.said("difference"), lambda v: tell.whole_signed(v.amounts[main] - s.base.amounts[main])),
        ]
        if any(v.unknown[main] for v in s.variants):
            columns.append((self.said("unknown"), lambda v: tell.count(v.unknown[main]) if v.unknown[main] else ""))
        out: list[Block] = [Heading(self.said("amounts"), 2), self._table([*columns, self._bars(lambda v: v.amounts[main])])]
        others = [n for n in s.base.amounts if n != main and _moves(s, n)][:4]
        if others:
            rest: list[Column] = [
                (tell.result(n), lambda v, n=n: tell.whole_signed(v.amounts[n] - s.base.amounts[n]))  # type: ignore[misc]
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
                columns.append((self.said(status), lambda v, st=status: _of(v, lambda r, st=st: tell.count(r.statuses.get(st, 0)))))  # type: ignore[misc]
        if any(r.provisional for r in found):
            columns.append((self.said("open"), lambda v: _of(v, lambda r: tell.count(sum(r.statuses.get(st, 0) for st in OPEN)))))
        columns.append((self.said("spent"), lambda v: _of(v, lambda r: tell.whole(r.spent))))
        if any(r.left is not None for r in found):
            columns.append((self.said("left"), lambda v: _of(v, lambda r: "" if r.left is None else tell.whole(r.left))))
        if any(r.struck for r in found):
            columns.append((self.said("struck"), lambda v: _of(v, lambda r: tell.count(r.struck))))
        columns.append((self.said("last"), lambda v: _of(v, tell.last)))
        out: list[Block] = [Heading(self.said("ranking"), 2), self._table([*columns])]
        return out

    def _notes(self) -> list[Block]:
        s, tell = self.s, self.tell
        out: list[Block] = [Line("")]
        if any(v.changes for v in s.variants):
            out.append(Line(self.said("entering")))
        if self.amount is not None:
            out += [Line(self.said("sums")), Line(self.said("rounded", currency=tell.currency))]
        rankings = [v.ranked for v in s.variants if v.ranked is not None]
        if any(not r.refused for r in rankings):
            keys = next((r.keys for r in rankings if r.keys), ())
            out.append(Line(self.said("last_note", keys="; ".join(tell.key(k) for k in keys))))
        if any(r.provisional for r in rankings):
            out.append(Line(self.said("provisional")))
        refused = {message(d, tell.lang): None for r in rankings for d in r.refused}
        out += [Line(self.said("unranked", why=why), "unknown") for why in refused]
        if s.too_many:
            out.append(Line(self.said("too_many", limit=tell.count(MOST_RANKED)), "unknown"))
        rows = max(v.by_rows for v in s.variants)
        if rows:
            out.append(Line(self.said("by_rows", count=tell.count(rows), why="; ".join(s.why))))
        if s.base.errors:
            out.append(Line(self.said("errors", names=", ".join(f"{c} {n}" for c, n in s.base.errors.items())), "failed"))
        return out


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


def written(simulation: Simulation, suffix: str, lang: Language) -> bytes:
    """The content of a file of a kind: .csv, .parquet, .json, .md, .html."""
    match suffix:
        case ".json":
            return (json.dumps(as_data(simulation), ensure_ascii=False, indent=2) + "\n").encode()
        case ".md":
            return markdown(blocks(simulation, lang)).encode()
        case ".csv" | ".parquet":
            sink = io.BytesIO()
            made = table(simulation)
            if suffix == ".csv":
                pyarrow.csv.write_csv(made, sink)
            else:
                pq.write_table(made, sink)
            return sink.getvalue()
    raise ValueError(suffix)
