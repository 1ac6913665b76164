"""The boundary book as data in a reader's words: each edge with its rows, or with the reason why it has none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from bandolo.analysis.boundaries.edges import Edge
from bandolo.analysis.boundaries.found import Found, Point, Side
from bandolo.analysis.boundaries.levers import spelt
from bandolo.analysis.boundaries.search import Searcher
from bandolo.analysis.boundaries.words import word
from bandolo.check import core
from bandolo.evaluate.data import Plain
from bandolo.evaluate.decision import Decision, ResultValue
from bandolo.evaluate.typed import BadValue, read_value
from bandolo.evaluate.wire import is_decimal, split_path
from bandolo.explain.formulas import said
from bandolo.explain.phrases import phrase
from bandolo.explain.reasons import written
from bandolo.explain.speech import Naming
from bandolo.language.types import BOOLEAN, DATE, DATETIME, MONEY, Language, ListType, OptionalType, Type
from bandolo.language.values import Fault, Unknown, Value

MOST = 6
"""How many results, and how many verdicts, a row shows."""


@dataclass(frozen=True, slots=True)
class Row:
    """One application at an edge. `changes` and `expect` are what a case says; the rest is in words."""

    id: str
    side: Side
    position: str
    application: str
    value: str
    limit: str
    outcome: str
    status: str
    verdicts: tuple[str, ...]
    results: tuple[str, ...]
    changes: dict[str, Any]
    expect: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One edge: its name, what it compares, where it comes from, its rows and what is to be said of them."""

    edge: Edge
    title: str
    formula: str
    kind: str
    quotes: tuple[tuple[str, str], ...]
    status: str
    base: str
    rows: tuple[Row, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Book:
    """All edges of a policy in one language, in its order."""

    title: str
    lang: Language
    about: tuple[str, ...]
    entries: tuple[Entry, ...]

    @property
    def with_rows(self) -> tuple[Entry, ...]:
        return tuple(e for e in self.entries if e.rows)

    @property
    def without(self) -> tuple[Entry, ...]:
        return tuple(e for e in self.entries if not e.rows)


def book(searcher: Searcher, found: Sequence[tuple[Edge, Found]], lang: Language) -> Book:
    """The book of what was found."""
    writer = _Writer(searcher, lang)
    entries = tuple(writer.entry(edge, one) for edge, one in found)
    rows = sum(bool(e.rows) for e in entries)
    about = [word("intro", lang), word("counts", lang, edges=len(entries), found=rows, without=len(entries) - rows)]
    if searcher.trial["as_of"] is not None:
        about.append(word("as_of", lang, day=searcher.trial["as_of"]))
    if searcher.settled.assumed:
        about.append(word("assumed", lang, names=", ".join(writer.names.named(n) for n in searcher.settled.assumed)))
    said_changes = [f"{n} = {v}" for kind in ("set", "readings") for n, v in searcher.trial[kind].items()]
    if said_changes:
        about.append(word("changed", lang, names=", ".join(said_changes)))
    return Book(searcher.core.title.said(lang), lang, tuple(about), entries)


class _Writer:
    def __init__(self, searcher: Searcher, lang: Language) -> None:
        self.searcher, self.core, self.lang = searcher, searcher.core, lang
        self.names = Naming(self.core, lang)

    def said(self, key: str, **args: object) -> str:
        return word(key, self.lang, **args)

    def entry(self, edge: Edge, found: Found) -> Entry:
        rows = tuple(self.row(edge, found, point) for point in found.points)
        quotes = tuple((self.names.document(s.document), s.quote) for s in edge.sources)
        return Entry(
            edge, self.title(edge), self.formula(edge), self.said(edge.kind), quotes, found.status, found.base, rows, self.note(edge, found)
        )

    # What the edge is.

    def title(self, edge: Edge) -> str:
        match edge.owner_kind:
            case "requirement":
                return self.names.requirement(self.core.requirements[edge.owner])
            case "definition":
                return self.names.result(edge.entity, edge.owner).removeprefix("bonus.")
            case "stage":
                return self.names.stage(edge.owner)
        return self.names.label(self.core.parameters[edge.owner].words, edge.owner)

    def formula(self, edge: Edge) -> str:
        left, right = self.expression(edge.whole(edge.left)), self.expression(edge.whole(edge.right))
        if edge.operator in ("min", "max", "to", "round", "from"):
            return self.said(f"formula.{edge.operator}", left=left, right=right)
        return self.expression(edge.whole(edge.node))

    def expression(self, node: core.Expr) -> str:
        chosen = self.searcher.settled.settings.options
        while isinstance(node, core.Choose) and isinstance(node.subject, core.Option):
            taken = dict(node.options).get(str(chosen.get(node.subject.reading)), node.otherwise)
            if taken is None:
                break
            node = taken  # of several readings the one that is chosen is shown
        return said(self.core, node, written(node)).said(self.lang)

    def position(self, edge: Edge, side: Side) -> str:
        type_ = edge.left.type.of if isinstance(edge.left.type, OptionalType) else edge.left.type
        if edge.kind in ("deadline", "version"):
            key = f"date.{side}" if type_ == DATE and side == "at" else f"time.{side}"
            return self.said("at" if type_ == DATETIME and side == "at" else key)
        return self.said(side)

    # Rows.

    def row(self, edge: Edge, found: Found, point: Point) -> Row:
        decision = point.decision
        verdicts, expected = self.verdicts(edge, found, point)
        results, values = self.results(found, point)
        expect: dict[str, Any] = {"outcome": Plain(decision.outcome)}
        if expected:
            expect["verdicts"] = expected
        struck = {tuple(s.key or s.record for s in p.decision.excluded) for p in found.points}
        if len(struck) > 1:
            keys = [s.key or s.record for s in decision.excluded]
            expect["excluded"] = keys
            verdicts = (*verdicts, self.said("excluded", names=", ".join(keys) or self.said("no_one")))
        if values:
            expect["results"] = values
        return Row(
            f"{edge.id}/{point.side}", point.side, self.position(edge, point.side), self.application(found, point),
            self.value(point.left, edge.left.type), self.value(point.right, edge.right.type), phrase(decision.outcome, self.lang),
            decision.outcome, verdicts, results, point.changes, expect,
        )  # fmt: skip

    def value(self, value: Value, type_: Type) -> str:
        return self.names.value(value, type_)

    def verdicts(self, edge: Edge, found: Found, point: Point) -> tuple[tuple[str, ...], dict[str, Any]]:
        """The verdict of the rule itself, and those that are not the same on all sides; as words, and as a case expects them."""
        texts: list[str] = []
        expected: dict[str, Any] = {}
        # A case names a record by its last key alone: where two owners have records of one key, it cannot say which is meant.
        called = Counter((r.id, split_path(r.subject)[-1]) for r in point.decision.requirements)
        by_place = [{(r.id, r.subject): (r.verdict, r.effect) for r in p.decision.requirements} for p in found.points]
        for result in point.decision.requirements:
            place = (result.id, result.subject)
            turns = len({places[place] for places in by_place if place in places}) > 1
            at_root = result.subject == self.core.root
            if not turns and not (edge.owner_kind == "requirement" and result.id == edge.owner and at_root):
                continue
            name = self.names.requirement(self.core.requirements[result.id])
            verdict = phrase("not_met" if result.verdict == "failed" else result.verdict, self.lang)
            whose = "" if at_root else f" ({self.names.called(result.subject)})"
            if len(texts) < MOST:
                texts.append(f"{name}{whose}: {verdict}")
            if at_root:
                expected[result.id] = Plain(result.verdict)
            elif called[result.id, split_path(result.subject)[-1]] == 1 and isinstance(expected.setdefault(result.id, {}), dict):
                expected[result.id][split_path(result.subject)[-1]] = Plain(result.verdict)
        return tuple(texts), expected

    def results(self, found: Found, point: Point) -> tuple[tuple[str, ...], dict[str, Any]]:
        """The results that are not the same on all sides, those of the whole application first."""
        tables = [_results(p.decision) for p in found.points]
        texts: list[str] = []
        values: dict[str, Any] = {}
        mine = _results(point.decision)
        for place in sorted(mine, key=lambda p: p[0] is not None):
            result = mine[place]
            if len({_shown(t[place]) for t in tables if place in t}) < 2 or len(texts) >= MOST:
                continue
            label = self.names.result(result.entity, result.name)
            whose = "" if result.record is None else f" ({self.names.called(result.record)})"
            texts.append(f"{label}{whose}: {self.value(result.value, result.type)}")
            path = result.name if result.record is None else f"{result.record}.{result.name}"
            if not isinstance(result.value, Unknown | Fault) and (not isinstance(result.value, Fraction) or is_decimal(result.value)):
                type_ = result.type.of if isinstance(result.type, OptionalType) else result.type
                values[path] = spelt(result.value, type_, self.core)
        return tuple(texts), values

    # How the application differs from its base.

    def application(self, found: Found, point: Point) -> str:
        if not point.changes:
            return self.said("as_base", base=found.base)
        alike: dict[tuple[str, str], list[str]] = {}
        texts: list[str] = []
        for path, value in point.changes.items():
            if isinstance(value, dict) and value.keys() & {"drop", "add", "each"}:
                texts.append(self.edited(path, value))
                continue
            owner, _, name = path.rpartition(".")
            alike.setdefault((name, repr(value)), []).append(path)
        for paths in alike.values():
            path = paths[0]
            name = self.names.fact(path, whose=len(paths) == 1).partition(" [")[0]
            what = self.said("is", name=name, value=self.datum(path, point.changes[path], found))
            called = [split_path(owner)[-1] if (owner := p.rpartition(".")[0]) else p for p in paths]
            texts.append(what if len(paths) == 1 else self.said("of_several", what=what, count=len(paths), names=self.names.listed(called)))
        return self.said("like", base=found.base, changes="; ".join(texts))

    def edited(self, path: str, value: dict[str, Any]) -> str:
        """Records dropped, added, or each changed."""
        entity = next(e for e in self.core.entities.values() if e.listed_in == path.rpartition(".")[2].rpartition("]")[2])
        if "drop" in value:
            return self.said("fewer", names=self.names.listed(value["drop"]), count=len(value["drop"]))
        if "each" in value:
            (name, raw), *_ = value["each"].items()
            label = self.names.label(entity.facts[name].words, name)
            return self.said("all_records", what=self.said("is", name=label, value=self.read(raw, entity.facts[name].type)))
        added = value["add"]
        if entity.key is None:
            return self.said("more_plain", count=len(added))
        keys = [str(a.get(entity.key.name)) for a in added]
        listed = self.names.listed(keys)
        kind = self.names.label(entity.words, entity.name)
        return self.said(
            "more", names=f"{kind} {listed}", count=len(added), like=self.first(entity.listed_in or "", entity.key.name, added)
        )

    def first(self, listed_in: str, key: str, added: list[Any]) -> str:
        """The key of the record of which the added ones are copies: the one that is alike but for its key."""
        pattern = {k: v for k, v in added[0].items() if k != key}
        for base in self.searcher.bases.values():
            for item in _lists(base.data, listed_in):
                if isinstance(item, dict) and {k: v for k, v in item.items() if k != key} == pattern:
                    return str(item.get(key))
        return "?"

    def datum(self, path: str, raw: Any, found: Found) -> str:
        if isinstance(raw, dict):
            stage = found.fact[2] if found.fact is not None else None
            raw = raw.get(stage) if stage in raw else next(iter(raw.values()))
        owner, _, name = path.rpartition(".")
        entity = self.core.root
        for part in split_path(owner)[::2] if owner else []:
            entity = next((e.name for e in self.core.entities.values() if e.owner == entity and e.listed_in == part), entity)
        return self.read(raw, self.core.entities[entity].facts[name].type)

    def read(self, raw: Any, type_: Type) -> str:
        type_ = type_.of if isinstance(type_, OptionalType) else type_
        if isinstance(type_, ListType) and isinstance(raw, list):
            return ", ".join(self.read(item, type_.item) for item in raw) or self.said("no_one")
        try:
            return self.value(read_value(raw, type_, self.core.conventions), type_)
        except BadValue:
            return str(raw)

    # What is to be said of an edge.

    def note(self, edge: Edge, found: Found) -> str:
        match found.status:
            case "reading":
                chosen = self.searcher.settled.settings.options
                pairs = [(r, o) for r, o in edge.under if chosen.get(r) != o]
                return self.said("reading", names=", ".join(f"{self.names.named(r)}: {self.option(r, o)}" for r, o in pairs))
            case "open":
                return self.said("open", names=", ".join(self.names.named(n.rpartition("parameter.")[2]) for n in found.waits_for))
            case "exact":
                assert found.left is not None
                assert found.right is not None
                return self.said("exact", left=self.value(found.left, edge.left.type), right=self.value(found.right, edge.left.type))
            case "fixed" | "never":
                return self.proved(edge, found)
            case "unreached" if found.left is not None and found.right is not None:
                return self.said("unreached.bounded", tried=found.tried, bounds=self.bounds(edge, found))
            case "unreached":
                count = len(self.searcher.names) + len(self.searcher.spare)
                return self.said("unreached" if found.tried else "unreached.never", tried=found.tried, bases=count)
        texts = []
        fact = self.fact(found)
        if found.status == "nearest":
            texts.append(self.said("nearest", fact=fact))
        if found.status == "partly":
            texts.append(self.missing_side(edge, found, fact))
        refused = self.refused_anyway(edge, found)
        if not found.decides:
            texts.append(self.said("same", why=self.said("same.refused", names=refused) if refused else self.said("same.continuous")))
        elif refused and edge.owner_kind == "requirement":
            texts.append(self.said("refused_anyway", names=refused))
        return " ".join(texts)

    def fact(self, found: Found) -> str:
        assert found.fact is not None
        entity, name, _ = found.fact
        return self.names.label(self.core.entities[entity].facts[name].words, name)

    def option(self, reading: str, option: str) -> str:
        return self.core.readings[reading].options[option].said(self.lang)

    def proved(self, edge: Edge, found: Found) -> str:
        left, right = found.left, found.right
        assert left is not None
        assert right is not None
        if found.status == "never":
            return self.said("never", bounds=self.bounds(edge, found))
        names = {"left": self.expression(edge.whole(edge.left)), "right": self.expression(edge.whole(edge.right))}
        texts = {side: f"{name} ({self.value(v, edge.left.type)})" for (side, name), v in zip(names.items(), (left, right), strict=True)}
        return self.said("fixed.equal" if left == right else "fixed", **texts)

    def bounds(self, edge: Edge, found: Found) -> str:
        """Between which bounds both sides lie, whatever the application."""
        assert found.left is not None
        assert found.right is not None
        sides = []
        for node, value in ((edge.left, found.left), (edge.right, found.right)):
            name, between = self.expression(edge.whole(node)), self.between(value, node.type)
            sides.append(self.said("the_limit", value=name) if name == between else self.said("bounded", name=name, between=between))
        return self.said("bounds", left=sides[0], right=sides[1])

    def between(self, value: Value, type_: Type) -> str:
        low, high = (value.low, value.high) if isinstance(value, Unknown) else (value, value)
        if low is not None and low == high:
            return self.value(low, type_)
        key = "range" if low is not None and high is not None else "range.low" if low is not None else "range.high"
        if low is None and high is None:
            return self.said("range.none")
        args = {k: self.value(v, type_) for k, v in (("low", low), ("high", high)) if v is not None}
        return self.said(key, **args)

    def missing_side(self, edge: Edge, found: Found, fact: str) -> str:
        """Why there is no application on one side: the fact ends there, or none was found."""
        assert found.fact is not None
        sides: tuple[Side, ...] = ("below", "at", "above")
        absent = next(s for s in sides if s not in {p.side for p in found.points})
        if found.left is not None:
            return self.said("partly.proved", side=self.position(edge, absent), bounds=self.bounds(edge, found))
        entity, name, _ = found.fact
        declared = self.core.entities[entity].facts[name]
        bounds = self.searcher.settled.ranges.get((entity, name), (None, None))
        if isinstance(declared.type, ListType):
            bounds = (Fraction(0), Fraction(declared.at_most) if declared.at_most is not None else None)
        type_ = BOOLEAN if isinstance(declared.type, ListType) else declared.type
        for key, bound in zip(("partly.low", "partly.high"), bounds, strict=True):
            if isinstance(bound, Fraction) and any(self.stands_at(found, p, bound, declared.type) for p in found.points):
                return self.said(key, side=self.position(edge, absent), fact=fact, bound=self.value(bound, type_))
        return self.said("partly", side=self.position(edge, absent), fact=fact, tried=found.tried)

    def stands_at(self, found: Found, point: Point, bound: Fraction, type_: Type) -> bool:
        """Whether the fact that was moved stands at its bound in an application."""
        if isinstance(type_, ListType):
            value: Any = next(iter(point.changes.values()), {})
            return not bound and isinstance(value, dict) and "drop" in value
        for path, raw in point.changes.items():
            if path.rpartition(".")[2] == (found.fact or ("", "", None))[1] and not isinstance(raw, dict):
                inner = type_.of if isinstance(type_, OptionalType) else type_
                try:
                    if read_value(raw, inner, self.core.conventions) == bound:
                        return True
                except BadValue:
                    continue
        return not point.changes and type_ == MONEY and not bound

    def refused_anyway(self, edge: Edge, found: Found) -> str:
        """The other requirements for which the application is refused on every side; empty where it is not."""
        refused = [
            {r.id for r in p.decision.requirements if r.verdict == "failed" and r.effect == "reject" and r.counts is not False}
            for p in found.points
        ]
        common = sorted(set.intersection(*refused) - {edge.owner}) if refused else []
        if any(p.decision.outcome != "rejected" for p in found.points):
            return ""
        return self.names.listed([f"«{self.names.requirement(self.core.requirements[i])}»" for i in common])


def _results(decision: Decision) -> dict[tuple[str | None, str], ResultValue]:
    return {(r.record, r.name): r for r in decision.result_values}


def _shown(result: ResultValue) -> str:
    if isinstance(result.value, Unknown):
        return "?"
    return result.value.isoformat() if isinstance(result.value, datetime) else str(result.value)


def _lists(data: Any, name: str) -> list[Any]:
    """The items of every list of that name, at whatever depth."""
    found: list[Any] = []
    if isinstance(data, dict):
        for key, value in data.items():
            if isinstance(value, list):
                found += value if key == name else []
                for item in value:
                    found += _lists(item, name)
    return found
