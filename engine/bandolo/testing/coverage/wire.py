"""Coverage as plain data, for programs: `bandolo coverage --json`."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from bandolo.testing.coverage.measure import Coverage, Met
from bandolo.testing.coverage.text import DocumentText, TextCoverage

FORMAT = 1


def coverage_as_data(path: str, rules: Coverage | None, text: TextCoverage | None) -> dict[str, Any]:
    """The coverage of one policy. Percentages are texts with two digits, rounded down, so that 100.00 is only said of all."""
    data: dict[str, Any] = {"format": FORMAT, "policy": path}
    if rules is not None:
        data["rules"] = _rules(rules)
    if text is not None:
        done, total = text.norms
        data["text"] = {
            "percent": percent(text.percent), "norms": {"accounted": done, "total": total},
            "documents": [_document(d) for d in text.documents], "without_text": list(text.without_text),
        }  # fmt: skip
    return data


def percent(share: Fraction) -> str:
    """A share from 0 to 100 with two digits, rounded down."""
    hundredths = int(share * 100)
    return f"{hundredths // 100}.{hundredths % 100:02}"


def _rules(rules: Coverage) -> dict[str, Any]:
    done, total = rules.figures()
    kinds = {kind: dict(zip(("covered", "total"), rules.figures(kind), strict=True)) for kind in rules.kinds()}
    return {
        "covered": done, "total": total, "percent": percent(rules.percent), "kinds": kinds,
        "cases": rules.cases, "files": list(rules.files),
        "failures": [{"file": f.path, "line": f.line, "name": f.name} for f in rules.failures],
        "obligations": [_obligation(m) for m in rules.met],
    }  # fmt: skip


def _obligation(met: Met) -> dict[str, Any]:
    one = met.obligation
    data: dict[str, Any] = {
        "id": one.id, "kind": one.kind, "rule": one.rule, "file": one.place.path, "line": one.place.line, "column": one.place.column,
        "state": met.state, "cases": list(met.cases), "count": met.count,
        "questions": [{"it": q.it, "en": q.en} for q in one.questions], "open": [{"it": q.it, "en": q.en} for q in met.open],
    }  # fmt: skip
    if not met.counts:
        reason = one.impossible
        data["because"] = {"it": reason.it, "en": reason.en} if reason is not None else {"it": met.because, "en": met.because}
    return data


def _document(document: DocumentText) -> dict[str, Any]:
    return {
        "name": document.name, "characters": dict(document.characters), "words": dict(document.words),
        "norms": {"accounted": sum(bool(n.at) for n in document.norms), "total": len(document.norms)},
        "passages": [
            {"text": " ".join(document.text[s.start : s.end].split()), "state": s.state,
             "at": [{"kind": q.kind, "name": q.name, "line": q.quote.span.line} for q in (document.quotes[i] for i in s.at)]}
            for s in document.segments
        ],
    }  # fmt: skip
