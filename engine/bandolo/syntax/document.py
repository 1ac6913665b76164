"""A shaped YAML tree to `ast.PolicyDoc`: each section's entries become nodes, each expression is parsed in place.

What could not be read is a `Hole`; its mistake is already reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from bandolo.diagnostics import Diagnostic
from bandolo.syntax import ast
from bandolo.syntax.parser import parse_expression
from bandolo.syntax.shape import DIRECTIONS
from bandolo.syntax.shape import POLICY as POLICY_SHAPE
from bandolo.syntax.shaped import fit
from bandolo.syntax.yaml_traps import cut_by_hash
from bandolo.syntax.yaml_tree import Embedded, Mapping, Scalar, Sequence, Tree, Unreadable, embedded

A = TypeVar("A")
CUT_SHORT = ("syntax-unfinished", "syntax-missing-parenthesis", "syntax-missing-bracket", "syntax-missing-else", "syntax-open-text")
"""Slips that an expression shows when its end is missing."""
RESERVED_OPTION_KEYS = ("by", "otherwise", "except", "round", "type", "label", "note", "source", "value")


def read_document(tree: Tree) -> tuple[ast.PolicyDoc | None, list[Diagnostic]]:
    """The policy of a YAML tree, or None where it is no mapping at all."""
    if (isinstance(tree, Mapping) and not any(tree.get(k) is not None for k in ("policy", "entities", "bandolo"))) or (
        isinstance(tree, Mapping) and any(tree.get(k) is not None for k in ("amends", "cases_of"))
    ):
        first = tree.entries[0][0] if isinstance(tree, Mapping) and tree.entries else tree
        return None, [Diagnostic("not-a-policy", first.span, {"section": ""})]
    shaped, diagnostics = fit(tree, POLICY_SHAPE)
    if not isinstance(shaped, Mapping):
        return None, diagnostics
    reader = _Reader(diagnostics)
    return reader.policy(shaped), diagnostics


class _Reader:
    """Reads sections; collects what the expression parser reports."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        self.diagnostics = diagnostics

    # Small pieces.

    def expr(self, tree: Tree | None) -> ast.Expr | None:
        if tree is None:
            return None
        if not isinstance(tree, Scalar):
            return ast.Hole(tree.span)
        return self._parsed(embedded(tree), tree)

    def _parsed(self, text: Embedded, scalar: Scalar) -> ast.Expr:
        node, found = parse_expression(text)
        if found and found[0].code in CUT_SHORT and scalar.is_plain and cut_by_hash(scalar.span.source, scalar.span.end):
            found = [Diagnostic("yaml-hash", scalar.span)]
        self.diagnostics.extend(found)
        return node

    def need(self, tree: Tree | None, where: Tree) -> ast.Expr:
        """An expression that must be there; a Hole where it is not."""
        node = self.expr(tree)
        return ast.Hole(where.span) if node is None else node

    def ident(self, tree: Tree | None) -> ast.Ident | None:
        return ast.Ident(tree.span, tree.value) if isinstance(tree, Scalar) else None

    def text(self, tree: Tree | None) -> ast.Text | None:
        match tree:
            case Scalar():
                value = _one_line(tree.value)
                return ast.Text(tree.span, value, value)
            case Mapping():
                return ast.Text(tree.span, self._language(tree, "it"), self._language(tree, "en"))
            case _:
                return None

    def _language(self, tree: Mapping, lang: str) -> str | None:
        value = tree.get(lang)
        return _one_line(value.value) if isinstance(value, Scalar) else None

    def template(self, tree: Tree | None) -> ast.Template | None:
        match tree:
            case Scalar():
                pieces = self._pieces(tree)
                return ast.Template(tree.span, {"it": pieces, "en": pieces})
            case Mapping():
                texts = {key.value: self._pieces(value) for key, value in tree.entries if isinstance(value, Scalar)}
                return ast.Template(tree.span, texts)
            case _:
                return None

    def _pieces(self, scalar: Scalar) -> tuple[str | ast.Expr, ...]:
        text = embedded(scalar)
        pieces: list[str | ast.Expr] = []
        at = 0
        for match in re.finditer(r"\{\{|\}\}|\{([^{}]*)\}|[{}]", text.text):
            pieces.append(text.text[at : match.start()])
            if match.group() in ("{{", "}}"):
                pieces.append(match.group()[0])
            elif match.group(1) is None:
                self.diagnostics.append(Diagnostic("message-brace", text.span(match.start(), match.end())))
            else:
                node, found = parse_expression(text.part(match.start(1), match.end(1)))
                self.diagnostics.extend(found)
                pieces.append(node)
            at = match.end()
        pieces.append(text.text[at:])
        return tuple(re.sub(r"\s+", " ", p) if isinstance(p, str) else p for p in pieces if p != "")

    def quotes(self, tree: Tree | None) -> tuple[ast.Quote, ...]:
        found: list[ast.Quote] = []
        for mapping in _items(tree):
            for document, texts in _pairs(mapping):
                found += [
                    ast.Quote(t.span, document.name, _one_line(t.value), document.span) for t in _items(texts) if isinstance(t, Scalar)
                ]
        return tuple(found)

    def common(self, tree: Tree | None) -> ast.Common:
        if not isinstance(tree, Mapping):
            return ast.Common()
        return ast.Common(self.text(tree.get("label")), self.text(tree.get("note")), self.quotes(tree.get("source")))

    def reported_in(self, tree: Tree) -> bool:
        """Whether something inside was already reported: what is missing from it then says nothing new."""
        span = tree.span
        return any(d.span is not None and d.span.source is span.source and span.start <= d.span.start < max(span.end, span.start + 1)
                   for d in self.diagnostics)  # fmt: skip

    def alternatives(self, tree: Tree | None, plain: Callable[[Tree], A]) -> A | ast.ByReading[A] | None:
        """A value, or one for each option of a reading."""
        if tree is None or isinstance(tree, Unreadable):
            return None
        if isinstance(tree, Mapping) and (by := tree.get("by")) is not None:
            options = {k.value: (ast.Ident(k.span, k.value), plain(v)) for k, v in tree.entries if k.value != "by"}
            return ast.ByReading(tree.span, self.need(by, tree), options)
        return plain(tree)

    def word(self, tree: Tree | None) -> ast.Ident | ast.ByReading[ast.Ident] | None:
        return self.alternatives(tree, lambda t: self.ident(t) or ast.Ident(t.span, ""))

    def words(self, tree: Tree | None) -> tuple[ast.Ident, ...] | ast.ByReading[tuple[ast.Ident, ...]] | None:
        """As `word`, where a list of names may stand too."""
        return self.alternatives(
            tree, lambda t: tuple(self.idents(t)) if isinstance(t, Sequence) else (self.ident(t) or ast.Ident(t.span, ""),)
        )

    # Sections.

    def policy(self, tree: Mapping) -> ast.PolicyDoc:
        get = tree.get
        return ast.PolicyDoc(
            tree.span,
            self.head(get("policy"), tree),
            tuple(self.document(k, v) for k, v in _pairs(get("sources"))),
            tuple(ast.Choice(k.span, k, self.options(v), _is_readable(v)) for k, v in _pairs(get("choices"))),
            tuple(stage for item in _items(get("stages")) for stage in self.stage(item)),
            tuple(self.entity(k, v) for k, v in _pairs(get("entities"))),
            tuple(self.parameter(k, v) for k, v in _pairs(get("parameters"))),
            tuple(self.rate(k, v) for k, v in _pairs(get("rates")) if isinstance(v, Mapping)),
            tuple(self.bands(k, v) for k, v in _pairs(get("bands")) if isinstance(v, Mapping)),
            tuple(self.reading(k, v) for k, v in _pairs(get("readings")) if isinstance(v, Mapping)),
            tuple(self.formula(k, v) for k, v in _pairs(get("formulas")) if isinstance(v, Mapping)),
            tuple((k, tuple(self.definition(n, d) for n, d in _pairs(v))) for k, v in _pairs(get("definitions"))),
            tuple((k, tuple(self.requirement(n, r) for n, r in _pairs(v))) for k, v in _pairs(get("requirements"))),
            self.scoring(get("scoring")),
            tuple(self.deadline(k, v) for k, v in _pairs(get("deadlines"))),
            tuple(self.result(i) for i in _items(get("results")) if isinstance(i, Scalar)),
            self.ranking(get("ranking")),
            tuple(self.unencoded(i) for i in _items(get("unencoded")) if isinstance(i, Mapping)),
            get("stages") is None or _is_readable(get("stages")),
        )

    def head(self, tree: Tree | None, whole: Mapping) -> ast.Head:
        part = tree if isinstance(tree, Mapping) else Mapping(whole.span, ())
        get = part.get
        days = self.ident(get("working_days"))
        working_days = None
        if days is not None:
            country, _, subdivision = days.name.partition("-")
            working_days = (ast.Ident(days.span, country), ast.Ident(days.span, subdivision) if subdivision else None)
        return ast.Head(
            part.span, self.ident(get("id")), self.text(get("title")), self.text(get("issuer")), self.text(get("manager")),
            self.ident(get("decides")), self.ident(get("currency")), self.ident(get("time_zone")),
            self.word(get("money_rounding")), self.ident(get("month_rounding")), working_days,
        )  # fmt: skip

    def document(self, name: ast.Ident, tree: Tree) -> ast.Document:
        get = tree.get if isinstance(tree, Mapping) else _nothing
        title = self.text(get("title")) or ast.Text(tree.span, name.name, name.name)
        return ast.Document(tree.span, name, title, self.ident(get("text")), self.ident(get("norms")))

    def idents(self, tree: Tree | None) -> list[ast.Ident]:
        return [i for item in _items(tree) if (i := self.ident(item)) is not None]

    def options(self, tree: Tree | None) -> tuple[tuple[ast.Ident, ast.Text | None], ...]:
        """The words of a choice: a list, or a mapping from each word to its label."""
        if isinstance(tree, Mapping):
            return tuple((k, self.text(v)) for k, v in _pairs(tree))
        return tuple((word, None) for word in self.idents(tree))

    def stage(self, tree: Tree) -> list[ast.Stage]:
        if isinstance(tree, Scalar):
            return [ast.Stage(tree.span, ast.Ident(tree.span, tree.value), None, ast.Common())]
        return [
            ast.Stage(v.span, k, self.expr(v.get("opens")) if isinstance(v, Mapping) else None, self.common(v)) for k, v in _pairs(tree)
        ]

    def entity(self, name: ast.Ident, tree: Tree) -> ast.Entity:
        facts = _pairs(tree.get("facts")) if isinstance(tree, Mapping) else []
        shown_as = self.ident(tree.get("shown_as")) if isinstance(tree, Mapping) else None
        return ast.Entity(tree.span, name, tuple(self.fact(k, v) for k, v in facts), shown_as, self.common(tree))

    def fact(self, name: ast.Ident, tree: Tree) -> ast.Fact:
        get = tree.get if isinstance(tree, Mapping) else _nothing
        type_ = self.ident(tree if isinstance(tree, Scalar) else get("type"))
        return ast.Fact(
            name.span, name, type_ or ast.Ident(tree.span, ""), _flag(get("key")), _flag(get("optional")),
            tuple(self.idents(get("asked"))), self.expr(get("from")), self.expr(get("to")), self.expr(get("at_most")),
            self.text(get("by")), self.common(tree),
        )  # fmt: skip

    def parameter(self, name: ast.Ident, tree: Tree) -> ast.Parameter:
        if not isinstance(tree, Mapping):
            return ast.Parameter(name.span, name, None, self.need(tree, tree), (), None, None, None, None, ast.Common())
        get = tree.get
        versions = tuple(
            ast.Version(v.span, self.expr(v.get("from")), self.expr(v.get("until")), self.need(v.get("value"), v),
                        self.quotes(v.get("source")))
            for v in _items(get("versions")) if isinstance(v, Mapping)
        )  # fmt: skip
        return ast.Parameter(
            name.span, name, self.ident(get("type")), self.expr(get("value")), versions, self.expr(get("default_date")),
            self.text(get("pending")), self.expr(get("must_be")), self.expr(get("assume")), self.common(tree),
        )  # fmt: skip

    def rate(self, name: ast.Ident, tree: Mapping) -> ast.Rate:
        values = tree.get("values")
        rows = self.rows(values) if isinstance(values, Mapping) else ast.RateRows(tree.span, {})
        return ast.Rate(
            name.span, name, tuple(self.idents(tree.get("by"))), self.ident(tree.get("type")), rows,
            self.expr(tree.get("otherwise")), self.common(tree),
        )  # fmt: skip

    def rows(self, tree: Mapping) -> ast.RateRows:
        rows: dict[str, tuple[ast.Ident, ast.RateRows | ast.Expr]] = {}
        for key, value in _pairs(tree):
            rows[key.name] = (key, self.rows(value) if isinstance(value, Mapping) else self.need(value, tree))
        return ast.RateRows(tree.span, rows)

    def bands(self, name: ast.Ident, tree: Mapping) -> ast.Bands:
        steps = tuple(
            ast.Step(s.span, self.expr(s.get("from")), self.need(s.get("to"), s), self.expr(s.get("rate")), self.expr(s.get("value")))
            for s in _items(tree.get("steps")) if isinstance(s, Mapping)
        )  # fmt: skip
        of = self.ident(tree.get("of")) or ast.Ident(tree.span, "")
        return ast.Bands(name.span, name, of, steps, self.need(tree.get("above"), tree), self.common(tree))

    def reading(self, name: ast.Ident, tree: Mapping) -> ast.Reading:
        options = tuple((k, self.text(v) or ast.Text(v.span, k.name, k.name)) for k, v in _pairs(tree.get("options")))
        question = self.text(tree.get("question")) or ast.Text(tree.span, name.name, name.name)
        return ast.Reading(name.span, name, question, options, self.ident(tree.get("chosen")), self.common(tree))

    def formula(self, name: ast.Ident, tree: Mapping) -> ast.Formula:
        takes = tuple((k, self.ident(v) or ast.Ident(v.span, "")) for k, v in _pairs(tree.get("takes")))
        return ast.Formula(name.span, name, takes, self.need(tree.get("value"), tree), self.common(tree))

    def definition(self, name: ast.Ident, tree: Tree) -> ast.Definition:
        if not isinstance(tree, Mapping):
            return ast.Definition(
                name.span, name, None, ast.Formed(tree.span, self.need(tree, tree), None, {}, None, (), None), ast.Common()
            )
        get = tree.get
        by = self.expr(get("by"))
        options = {k.name: (k, self.need(v, tree)) for k, v in _pairs(tree) if by is not None and k.name not in RESERVED_OPTION_KEYS}
        exceptions = tuple(
            ast.Alternative(e.span, self.need(e.get("when"), e), self.need(e.get("value"), e), self.common(e))
            for e in _items(get("except")) if isinstance(e, Mapping)
        )  # fmt: skip
        value = self.expr(get("value"))
        if value is None and by is None:
            if not self.reported_in(tree):
                self.diagnostics.append(Diagnostic("missing-key", name.span, {"key": "value", "section": name.name}))
            value = ast.Hole(tree.span)
        elif value is not None and by is not None:
            self.diagnostics.append(Diagnostic("value-and-by", name.span, {"name": name.name}))
        formed = ast.Formed(tree.span, value, by, options, self.expr(get("otherwise")), exceptions,
                            self.alternatives(get("round"), self.round))  # fmt: skip
        return ast.Definition(name.span, name, self.ident(get("type")), formed, self.common(tree))

    def round(self, tree: Tree) -> ast.Round:
        pairs = [(k, v) for k, v in _pairs(tree) if k.name in DIRECTIONS]
        if len(pairs) != 1:
            if isinstance(tree, Mapping) and not self.reported_in(tree):
                self.diagnostics.append(Diagnostic("bad-round", tree.span))
            return ast.Round(tree.span, ast.Ident(tree.span, "half_up"), ast.Hole(tree.span))
        return ast.Round(tree.span, pairs[0][0], self.need(pairs[0][1], tree))

    def requirement(self, name: ast.Ident, tree: Tree) -> ast.Requirement:
        get = tree.get if isinstance(tree, Mapping) else _nothing
        effect = self.alternatives(get("otherwise"), self.effect) or ast.Effect(tree.span, ast.Ident(tree.span, ""))
        stage = self.ident(get("stage"))
        if stage is None and (not isinstance(tree, Mapping) or isinstance(get("stage"), Unreadable)):
            stage = ast.Ident(tree.span, "")  # reported already
        return ast.Requirement(
            name.span, name, stage, self.expr(get("applies")), self.need(get("check"), tree), effect,
            self.template(get("message")), self.common(tree),
        )  # fmt: skip

    def effect(self, tree: Tree) -> ast.Effect:
        if isinstance(tree, Mapping):
            cure = tree.get("suspend")
            word = next((k for k, _ in _pairs(tree) if k.name == "suspend"), ast.Ident(tree.span, ""))
            get = cure.get if isinstance(cure, Mapping) else _nothing
            return ast.Effect(tree.span, word, self.expr(get("cure")), self.expr(get("from")))
        return ast.Effect(tree.span, self.ident(tree) or ast.Ident(tree.span, ""))

    def scoring(self, tree: Tree | None) -> ast.Scoring | None:
        if not isinstance(tree, Mapping):
            return None
        bonuses = tuple(
            ast.Bonus(k.span, k, self.need(v.get("when"), v), self.need(v.get("points"), v), self.common(v))
            for k, v in _pairs(tree.get("bonuses")) if isinstance(v, Mapping)
        )  # fmt: skip
        return ast.Scoring(
            tree.span, self.ident(tree.get("stage")), self.need(tree.get("base"), tree), self.expr(tree.get("minimum")),
            self.expr(tree.get("at_most")), bonuses, self.common(tree),
        )  # fmt: skip

    def deadline(self, name: ast.Ident, tree: Tree) -> ast.Deadline:
        if not isinstance(tree, Mapping):
            return ast.Deadline(name.span, name, self.need(tree, tree), None, None, None, None, ast.Common())
        get = tree.get
        at = self.expr(get("at"))
        if at is None and get("after") is None and self.reported_in(tree):
            at = ast.Hole(tree.span)
        return ast.Deadline(
            name.span,
            name,
            at,
            self.expr(get("after")),
            self.expr(get("from")),
            self.word(get("roll")),
            self.ident(get("of")),
            self.common(tree),
        )

    def result(self, scalar: Scalar) -> ast.ResultName:
        entity, dot, name = scalar.value.strip().rpartition(".")
        return ast.ResultName(scalar.span, entity if dot else None, name)

    def order_key(self, tree: Tree | None, where: Tree) -> ast.OrderKey:
        if not isinstance(tree, Scalar):
            return ast.OrderKey(where.span, ast.Hole(where.span), False)
        text = embedded(tree)
        match = re.search(r"\s+(ascending|descending)\s*$", text.text)
        if match is None:
            self.diagnostics.append(Diagnostic("bad-order", tree.span))
            return ast.OrderKey(tree.span, ast.Hole(tree.span), False)
        return ast.OrderKey(tree.span, self._parsed(text.part(0, match.start()), tree), match.group(1) == "descending")

    def ranking(self, tree: Tree | None) -> ast.Ranking | None:
        if not isinstance(tree, Mapping):
            return None
        get = tree.get
        exclusive, budget, gives = get("exclusive"), get("budget"), get("gives")
        given = gives.get if isinstance(gives, Mapping) else _nothing
        pots: tuple[ast.Pot, ...] = ()
        if isinstance(budget, Mapping):
            pots = tuple(
                ast.Pot(k.span, k, self.need(v.get("amount"), v), self.need(v.get("award"), v))
                for k, v in _pairs(budget.get("pots")) if isinstance(v, Mapping)
            )  # fmt: skip
        return ast.Ranking(
            tree.span, self.ident(get("among")), tuple(self.order_key(i, tree) for i in _items(get("order_by"))),
            self.exclusive(exclusive) if isinstance(exclusive, Mapping) else None,
            self.expr(budget) if isinstance(budget, Scalar) else None, pots, self.expr(get("award")), self.word(get("when_short")),
            self.ident(given("award")), self.ident(given("struck")), self.ident(given("part")), self.common(tree),
        )  # fmt: skip

    def exclusive(self, tree: Mapping) -> ast.Exclusive:
        get = tree.get
        return ast.Exclusive(
            tree.span, self.ident(get("record")) or ast.Ident(tree.span, ""), self.need(get("key"), tree),
            tuple(self.order_key(i, tree) for i in _items(get("keep"))), self.word(get("counts")), self.word(get("struck_from")),
            self.word(get("order")), self.words(get("recheck")),
        )  # fmt: skip

    def unencoded(self, tree: Mapping) -> ast.Unencoded:
        because = self.ident(tree.get("because")) or ast.Ident(tree.span, "")
        return ast.Unencoded(tree.span, self.quotes(tree.get("quote")), because, self.text(tree.get("note")))


def _pairs(tree: Tree | None) -> list[tuple[ast.Ident, Tree]]:
    if not isinstance(tree, Mapping):
        return []
    return [(ast.Ident(k.span, k.value), v) for k, v in tree.entries]


def _items(tree: Tree | None) -> tuple[Tree, ...]:
    return tree.items if isinstance(tree, Sequence) else ()


def _is_readable(tree: Tree | None) -> bool:
    """Whether nothing of a list, or mapping, had to be left out."""
    if isinstance(tree, Mapping):
        return True
    return isinstance(tree, Sequence) and not any(isinstance(item, Unreadable) for item in tree.items)


def _nothing(_: str) -> None:
    return None


def _flag(tree: Tree | None) -> bool:
    return isinstance(tree, Scalar) and tree.value == "true"


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
