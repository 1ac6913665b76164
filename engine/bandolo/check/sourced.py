"""Rules that are tied to no passage: warnings, since each rule of a call comes from its text."""

from __future__ import annotations

from bandolo.check.quotes import quoted
from bandolo.diagnostics import Diagnostic
from bandolo.source import Span
from bandolo.syntax import ast


def without_source(doc: ast.PolicyDoc) -> list[Diagnostic]:
    """Warnings `no-source-given`, in a policy of which at least one rule quotes: before that, nobody has begun to.

    Requirements, scoring and bonuses decide, and quote. A parameter, table or deadline may come from elsewhere, if a note says so; of
    one that is pending the passage may not exist yet. Definitions are steps of a computation, and need no passage of their own.
    """
    if all(place.kind == "unencoded" for place in quoted(doc)):
        return []
    deciding: list[tuple[str, Span, ast.Common]] = [(r.name.name, r.name.span, r.common) for _, rows in doc.requirements for r in rows]
    if doc.scoring is not None:
        deciding.append(("scoring", doc.scoring.span, doc.scoring.common))
        deciding += [(b.name.name, b.name.span, b.common) for b in doc.scoring.bonuses]
    values = [(r.name, r.common) for r in doc.rates]
    values += [(b.name, b.common) for b in doc.bands]
    values += [(d.name, d.common) for d in doc.deadlines]
    values += [(p.name, p.common) for p in doc.parameters if p.pending is None and not _quotes_each_version(p)]
    bare = [(name, span) for name, span, common in deciding if not common.sources]
    bare += [(name.name, name.span) for name, common in values if not common.sources and common.note is None]
    return [Diagnostic("no-source-given", span, {"name": name}, severity="warning") for name, span in bare]


def _quotes_each_version(parameter: ast.Parameter) -> bool:
    return bool(parameter.versions) and all(version.sources for version in parameter.versions)
