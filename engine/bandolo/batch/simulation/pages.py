"""A simulation as a page of blocks, for the terminal and Markdown, and as the files that it can be written to."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from fractions import Fraction

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from bandolo.batch.simulation.data import as_data, by_outcome, keys_of, main_amount, table
from bandolo.batch.simulation.simulate import Simulation, Variant
from bandolo.batch.simulation.words import OUTCOMES, Teller
from bandolo.explain.blocks import Block, Heading, Line, Table
from bandolo.explain.markdown import markdown
from bandolo.language.types import Language

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
        return [*self._head(), *self._outcomes(), *self._stages(), *self._amounts(), *self._notes()]

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
        """A row a variant; the policy as it is comes first, and says so."""
        heads = [self.tell.axis(a) for a in self.s.axes]
        rows = []
        for variant in self.s.variants:
            cells = self.tell.cells(variant)
            if variant is self.s.base or variant.is_base:
                cells[0] = f"{cells[0]} = {self.said('as_it_is')}"
            rows.append((*cells, *(told(variant) for _, told in columns)))
        return Table((*heads, *(head for head, _ in columns)), tuple(rows))

    def _outcomes(self) -> list[Block]:
        tell, s = self.tell, self.s
        found = {o for v in s.variants for o in by_outcome(v)} | {"admitted", "rejected"}
        columns: list[Column] = []
        for outcome in (o for o in OUTCOMES if o in found):
            columns.append((tell.outcome(outcome), lambda v, o=outcome: tell.count(by_outcome(v).get(o, 0))))  # type: ignore[misc]
        columns.append((self.said("gained"), lambda v: tell.signed(_gained(v))))
        columns.append((self.said("lost"), lambda v: tell.signed(-_lost(v))))
        if any(_others(v) for v in s.variants):
            columns.append((self.said("other_moves"), lambda v: tell.count(_others(v)) if _others(v) else ""))
        return [Heading(self.said("outcomes"), 2), self._table(columns)]

    def _stages(self) -> list[Block]:
        """By stage, where more than one decides."""
        keys = [k for k in keys_of(self.s) if k[1] and k[0] != "admitted"]
        if len({stage for _, stage in keys}) < 2:
            return []
        order = [st.name for st in self.s.policy.core.stages]
        keys.sort(key=lambda k: (order.index(k[1]), OUTCOMES.index(k[0])))
        tell = self.tell
        columns: list[Column] = [
            (self.said("at_stage", outcome=tell.outcome(o), stage=tell.stage(st)), lambda v, k=(o, st): tell.count(v.outcomes.get(k, 0)))  # type: ignore[misc]
            for o, st in keys
        ]
        return [Heading(self.said("stages"), 2), self._table(columns)]

    def _amounts(self) -> list[Block]:
        s, tell = self.s, self.tell
        if self.amount is None:
            return []
        names = [self.amount, *(n for n in s.base.amounts if n != self.amount and _moves(s, n))]
        columns: list[Column] = []
        for name in names[:3]:
            columns.append((tell.result(name), lambda v, n=name: tell.whole(v.amounts[n])))  # type: ignore[misc]
            columns.append((self.said("difference"), lambda v, n=name: tell.whole_signed(v.amounts[n] - s.base.amounts[n])))  # type: ignore[misc]
            if any(v.unknown[name] for v in s.variants):
                columns.append((self.said("unknown"), lambda v, n=name: tell.count(v.unknown[n]) if v.unknown[n] else ""))  # type: ignore[misc]
        return [Heading(self.said("amounts"), 2), self._table(columns)]

    def _notes(self) -> list[Block]:
        s, tell = self.s, self.tell
        out: list[Block] = [Line("")]
        if any(v.changes for v in s.variants):
            out.append(Line(self.said("entering")))
        if self.amount is not None:
            out += [Line(self.said("sums")), Line(self.said("rounded", currency=tell.currency))]
        rows = max(v.by_rows for v in s.variants)
        if rows:
            out.append(Line(self.said("by_rows", count=tell.count(rows), why="; ".join(s.why))))
        if s.base.errors:
            out.append(Line(self.said("errors", names=", ".join(f"{c} {n}" for c, n in s.base.errors.items())), "failed"))
        return out


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


__all__ = ["Fraction", "blocks", "pa", "written"]
