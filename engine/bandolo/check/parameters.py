"""Parameters: their types, values, versions, and what a pending one must be."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

from bandolo.check import core
from bandolo.check.declared import Declared
from bandolo.check.scope import Scope
from bandolo.diagnostics import Label
from bandolo.language.types import (
    BOOLEAN,
    DATE,
    INVALID,
    Type,
    join,
)  # fmt: skip
from bandolo.language.wording import Shown
from bandolo.source import Span
from bandolo.syntax import ast


class Parameters(Declared):
    """Checks parameters, each on demand and once."""

    def parameters(self) -> dict[str, core.ParameterDeclaration]:
        for name in self.symbols.parameters:
            self.parameter_type(name)
        return {name: self.parameters_done[name] for name in self.symbols.parameters if name in self.parameters_done}

    def parameter_type(self, name: str) -> Type:
        if name not in self.parameters_done:
            if name in self.parameters_busy:
                span = self.symbols.parameters[name].name.span
                self.report("cycle", span, name=name, loop=f"{name} → … → {name}")
                return INVALID
            self.parameters_busy.add(name)
            written = self.symbols.parameters[name]
            self.parameters_done[name] = self._parameter(written, self._parameter_type(written))
            if written.must_be is not None:
                self._must_be(written)
        return self.parameters_done[name].type

    def _parameter_type(self, written: ast.Parameter) -> Type:
        declared = self.type_of(written.type)
        if declared is not None:
            return declared
        values = [v for v in (written.value, *(v.value for v in written.versions), written.assume) if v is not None]
        if not values and written.pending is None:
            return INVALID  # it has no value either, which is reported
        if not values:
            self.report("parameter-without-type", written.name.span, name=written.name.name)
            return INVALID
        kept = list(self.diagnostics)
        type_: Type = INVALID
        for value in values:
            type_ = join(type_, self.expressions.check(value, Scope(None)).type) or type_
        # What is wrong with a value is said when it is checked for good; a loop is met only here.
        self.diagnostics[:] = kept + [d for d in self.diagnostics if d.code == "cycle" and d not in kept]
        return type_

    def _parameter(self, written: ast.Parameter, type_: Type) -> core.ParameterDeclaration:
        name = written.name.name
        given = [k for k, v in (("value", written.value), ("versions", written.versions or None)) if v is not None]
        if len(given) > 1:
            self.report("value-and-versions", written.name.span, name=name)
        if not given and written.pending is None:
            self.report("parameter-without-value", written.name.span, name=name)
        if written.assume is not None and written.pending is None:
            self.report("assume-not-pending", written.name.span, name=name)
        value = self.expressions.declared(written.value, Scope(None), type_) if written.value is not None else None
        assume = self.expressions.declared(written.assume, Scope(None), type_) if written.assume is not None else None
        pending = core.Texts(written.pending.said("it"), written.pending.said("en")) if written.pending else None
        versions = self._versions(written, type_)
        if written.default_date is not None:
            if not versions:
                self.report("not-dated", written.default_date.span, name=name)
            else:
                root = self.symbols.root
                day = self.expressions._day(self.expressions.check(written.default_date, Scope(root)))
                key = (root, f"parameter.{name}.date")
                self.done[key] = core.Definition(*key, DATE, day, core.Words(), written.default_date.span, synthetic=True)
        return core.ParameterDeclaration(name, type_, value, versions, pending, None, assume, self.words(written.common), written.name.span)

    def _must_be(self, written: ast.Parameter) -> None:
        must_be = self.expressions.wanted(written.must_be, Scope(None), BOOLEAN, "check")
        name = written.name.name
        self.parameters_done[name] = replace(self.parameters_done[name], must_be=must_be)

    def _versions(self, written: ast.Parameter, type_: Type) -> tuple[core.Version, ...]:
        """Versions in order of time, each beginning the day after the one before ends."""
        found: list[tuple[core.Version, Span]] = []
        for version in written.versions:
            start, end = self._day_of(version.start), self._day_of(version.end)
            value = self.expressions.declared(version.value, Scope(None), type_)
            sources = self.words(ast.Common(sources=version.sources)).sources
            found.append((core.Version(start, end, value, sources), version.span))
        if any((v.start is not None and w.start is None) or (v.end is not None and w.end is None)
               for v, (w, _) in zip(written.versions, found, strict=True)):  # fmt: skip
            return tuple(v for v, _ in found)  # a date that could not be read: nothing can be said of gaps
        found.sort(key=lambda v: v[0].start or date.min)
        for (earlier, first), (later, span) in pairwise(found):
            if earlier.end is None or later.start is None or later.start <= earlier.end:
                self.report("versions-overlap", span, Label(first, "first-here"), name=written.name.name)
            elif later.start != earlier.end + timedelta(days=1):
                gap = (earlier.end + timedelta(days=1), later.start - timedelta(days=1))
                self.report(
                    "versions-gap",
                    span,
                    Label(first, "first-here"),
                    name=written.name.name,
                    start=Shown(gap[0], DATE),
                    end=Shown(gap[1], DATE),
                )
        return tuple(v for v, _ in found)

    def _day_of(self, node: ast.Expr | None) -> date | None:
        if node is None:
            return None
        found = self.expressions.wanted(node, Scope(None), DATE)
        if isinstance(found, core.Constant) and isinstance(found.value, date):
            return found.value
        if not isinstance(found, core.Invalid):
            self.report("version-date", node.span)
        return None
