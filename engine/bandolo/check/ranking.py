"""The ranking section: its names and types are checked when the policy is; the command that ranks uses what is kept here."""

from __future__ import annotations

from typing import Any

from bandolo.check import core
from bandolo.check.expressions import Expressions
from bandolo.check.scope import Scope
from bandolo.check.symbols import Symbols
from bandolo.diagnostics import Diagnostic
from bandolo.diagnostics.spelling import nearest
from bandolo.language.types import BOOLEAN, INVALID, MONEY, ORDERED, InvalidType, OptionalType, Type
from bandolo.syntax import ast

Words = dict[str, tuple[str | None, dict[str, tuple[str, ...]]]]


def check_ranking(written: ast.Ranking, symbols: Symbols, expressions: Expressions, out: list[Diagnostic]) -> core.RankingPlan:
    """The ranking as meant. Codes: `unknown-stage`, `unknown-entity`, `unknown-requirement`, `no-award` and those of expressions."""
    root = Scope(symbols.root)
    if written.among is not None and written.among.name not in symbols.stages:
        near = nearest(written.among.name, symbols.stages)
        out.append(Diagnostic("unknown-stage", written.among.span, {"name": written.among.name, "nearest": near}))
    order = tuple(_key(k, root, expressions, out) for k in written.order_by)
    words: Words = {}
    record = key = None
    keep: tuple[tuple[core.Expr, bool], ...] = ()
    if written.exclusive is not None:
        exclusive = written.exclusive
        record = exclusive.record.name
        if record not in symbols.entities:
            near = nearest(record, symbols.entities)
            out.append(Diagnostic("unknown-entity", exclusive.record.span, {"name": record, "nearest": near}))
            record = None
        else:
            key = expressions.check(exclusive.key, Scope(record))
        keep = tuple(_key(k, root, expressions, out) for k in exclusive.keep)
        for name in ("counts", "struck_from", "order", "recheck"):
            if (value := getattr(exclusive, name)) is not None:
                words[name] = _words(value, symbols, expressions, out)
    if written.when_short is not None:
        words["when_short"] = _words(written.when_short, symbols, expressions, out)
    budget = expressions.wanted(written.budget, Scope(None), MONEY) if written.budget is not None else None
    pots = tuple(
        (p.name.name, expressions.wanted(p.amount, Scope(None), MONEY), expressions.wanted(p.award, root, MONEY)) for p in written.pots
    )
    award = expressions.wanted(written.award, root, MONEY) if written.award is not None else None
    if budget is not None and award is None:
        out.append(Diagnostic("no-award", written.span))
    gives_award = _given(written.gives_award, symbols, symbols.root, MONEY, out)
    gives_struck = _given(written.gives_struck, symbols, record, BOOLEAN, out)
    return core.RankingPlan(
        written.among.name if written.among else None,
        order,
        record,
        key,
        keep,
        words,
        budget,
        pots,
        award,
        gives_award,
        gives_struck,
        _part(written.gives_part, symbols, record, out),
    )


def _part(ident: ast.Ident | None, symbols: Symbols, entity: str | None, out: list[Diagnostic]) -> str | None:
    """The definition that is a record's part of the award. Code: `unknown-result`."""
    if ident is None:
        return None
    definitions = symbols.entities[entity].definitions if entity in symbols.entities else {}
    if ident.name in definitions:
        return ident.name
    out.append(Diagnostic("unknown-result", ident.span, {"name": ident.name, "nearest": nearest(ident.name, definitions)}))
    return None


def _given(ident: ast.Ident | None, symbols: Symbols, entity: str | None, wanted: Type, out: list[Diagnostic]) -> str | None:
    """A fact that the ranking supplies: of the root an amount, of the exclusive record yes or no. Codes: `unknown-fact`, `gives-type`."""
    if ident is None:
        return None
    facts = symbols.entities[entity].facts if entity in symbols.entities else {}
    if ident.name not in facts:
        args = {"name": ident.name, "entity": entity or "—", "nearest": nearest(ident.name, facts)}
        out.append(Diagnostic("unknown-fact", ident.span, args))
        return None
    found = facts[ident.name].type
    found = found.of if isinstance(found, OptionalType) else found
    if found not in (wanted, INVALID):
        out.append(Diagnostic("gives-type", ident.span, {"name": ident.name, "expected": wanted, "found": found}))
    return ident.name


def _key(key: ast.OrderKey, scope: Scope, expressions: Expressions, out: list[Diagnostic]) -> tuple[core.Expr, bool]:
    found = expressions.check(key.value, scope)
    type_ = found.type.of if isinstance(found.type, OptionalType) else found.type
    if type_ not in ORDERED and not isinstance(type_, InvalidType):
        out.append(Diagnostic("order-what", found.span, {"found": found.type}))
    return found, key.descending


def _words(
    value: ast.Ident | tuple[ast.Ident, ...] | ast.ByReading[Any], symbols: Symbols, expressions: Expressions, out: list[Diagnostic]
) -> tuple[str | None, dict[str, tuple[str, ...]]]:
    """A word, or a list of requirements, or one of either for each option of a reading."""
    if not isinstance(value, ast.ByReading):
        return None, {"": _listed(value, symbols, out)}
    subject = expressions.d.option_of(value)
    options = {k: _listed(v, symbols, out) for k, (_, v) in value.options.items()}
    return (None, {}) if subject is None else (subject.reading, options)


def _listed(value: ast.Ident | tuple[ast.Ident, ...], symbols: Symbols, out: list[Diagnostic]) -> tuple[str, ...]:
    """The words of one alternative; in a list other than `all` each must be a requirement."""
    if isinstance(value, ast.Ident):
        return (value.name,)
    for ident in value:
        if ident.name not in symbols.requirement_entity and (ident.name, len(value)) != ("all", 1):
            near = nearest(ident.name, symbols.requirement_entity)
            out.append(Diagnostic("unknown-requirement", ident.span, {"name": ident.name, "nearest": near}))
    return tuple(ident.name for ident in value)
