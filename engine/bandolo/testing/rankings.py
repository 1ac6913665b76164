"""Cases over several applications: they are ranked, and each row that the case names is compared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bandolo.diagnostics import Diagnostic
from bandolo.evaluate.data import Plain
from bandolo.evaluate.typed import BadValue, read_value
from bandolo.evaluate.wire import plain
from bandolo.language.types import MONEY
from bandolo.policy import Policy
from bandolo.ranking.entrant import Ranking, Row
from bandolo.ranking.rank import rank
from bandolo.ranking.words import STATUSES, WORDS
from bandolo.testing.cases import DROP, Case, CaseFile, Mismatch, Ranked, changed, numbered
from bandolo.testing.compare import differ, shown, spelt
from bandolo.testing.names import OF_RANKING, misspelt

ROW = ("position", "status", "amount", "cumulative", "left", "struck", "reasons", "tied")
REASONS = (*WORDS, "requirement")
"""The codes that `reasons` may name: `requirement` is the message of one that failed."""


def applications(policy: Policy, file: CaseFile, case: Case) -> list[Any]:
    """The applications of a case, each with its changes; Raises BadPath as `changed` does."""
    found = []
    for one in case.rank:
        base = file.applications[one.like] if one.like is not None else {}
        for n in range(1, one.repeat + 1):
            change = _numbered(one, n)
            found.append(changed(policy.core, base, change))
    return found


def _numbered(one: Ranked, n: int) -> dict[str, Any]:
    return {k.replace("{n}", str(n)): numbered(v, n) for k, v in one.change.items()} if one.repeat > 1 else one.change


def ranked(policy: Policy, file: CaseFile, case: Case) -> tuple[Ranking, list[Diagnostic], list[Mismatch]]:
    """The ranking of a case, names in it that do not exist, and where it differs from what is expected."""
    listed = applications(policy, file, case)
    ranking = rank(policy, listed, as_of=case.as_of, set=case.set, readings=case.readings, assume=case.assume)
    wrong = list(_misspelt(ranking, case))
    return ranking, wrong, [] if wrong else list(compare(policy, ranking, case.expect))


def _misspelt(ranking: Ranking, case: Case) -> Iterator[Diagnostic]:
    ids = [r.application for r in ranking.rows]
    for word in case.expect:
        yield from misspelt(case, word, OF_RANKING, word)
    for name in case.expect.get("order", []):
        yield from misspelt(case, name, ids, "order")
    for name in (n for tie in case.expect.get("ties", []) for n in tie):
        yield from misspelt(case, name, ids, "ties")
    listed = [claim.key for row in ranking.rows for claim in row.beneficiaries] + [s.key for row in ranking.rows for s in row.strikes]
    for id_, row in case.expect.get("ranking", {}).items():
        yield from misspelt(case, id_, ids, "ranking", id_)
        if not isinstance(row, dict):
            yield from misspelt(case, row, ROW, "ranking", id_)
            continue
        for word in row:
            yield from misspelt(case, word, ROW, "ranking", id_, word)
        if "status" in row:
            yield from misspelt(case, row["status"], STATUSES, "ranking", id_, "status")
        for word, known in (("struck", listed), ("reasons", REASONS)):
            for name in row.get(word, []):
                yield from misspelt(case, name, known, "ranking", id_, word)


def compare(policy: Policy, ranking: Ranking, expect: dict[str, Any]) -> Iterator[Mismatch]:
    """Every difference between an expectation and a ranking."""
    rows = {r.application: r for r in ranking.rows}
    if "order" in expect:
        yield from differ(("order",), [str(n) for n in expect["order"]], [r.application for r in ranking.rows if r.position is not None])
    for id_, wanted in expect.get("ranking", {}).items():
        yield from _row(policy, rows[str(id_)], wanted)
    if "left" in expect:
        yield from _money(policy, ("left",), expect["left"], ranking.left)
    for word in ("provisional", "settled"):
        if word in expect:
            yield from differ((word,), str(expect[word]), str(getattr(ranking, word)).lower())
    if "ties" in expect:
        ties = sorted(sorted(t) for t in ranking.ties)
        wanted = sorted(sorted(map(str, t)) for t in expect["ties"])
        if wanted != ties:
            yield Mismatch("ties", shown(wanted), shown(ties), ("ties",), ties)


def _row(policy: Policy, row: Row, wanted: dict[str, Any]) -> Iterator[Mismatch]:
    where = ("ranking", row.application)
    for word in ("amount", "cumulative", "left"):
        if word in wanted:
            yield from _money(policy, (*where, word), wanted[word], getattr(row, word))
    if "position" in wanted:
        yield from differ((*where, "position"), str(wanted["position"]), str(row.position or "none"))
    if "status" in wanted:
        yield from differ((*where, "status"), str(wanted["status"]), row.status)
    if "tied" in wanted:
        yield from differ((*where, "tied"), str(wanted["tied"]), str(row.tied).lower())
    if "struck" in wanted:
        yield from differ((*where, "struck"), sorted(map(str, wanted["struck"])), sorted(s.key for s in row.strikes))
    codes = [r.code for r in row.reasons]
    named = [str(code) for code in wanted.get("reasons", [])]
    for code in (c for c in named if c not in codes):
        kept = [c for c in named if c in codes] or codes or DROP
        yield Mismatch(".".join((*where, "reasons")), code, ", ".join(codes) or "—", (*where, "reasons"), kept)


def _money(policy: Policy, keys: tuple[str, ...], wanted: Any, got: Any) -> Iterator[Mismatch]:
    where, currency = ".".join(keys), policy.core.conventions.currency
    accepted = Plain("none") if got is None else spelt(got, MONEY, currency)
    said = "none" if got is None else f"{plain(got, MONEY)} {currency}"
    try:
        value = None if got is None and wanted == "none" else read_value(wanted, MONEY, policy.core.conventions)
    except BadValue as bad:
        yield Mismatch(where, f"{wanted} ({bad.code})", said, keys, accepted)
        return
    if value != got:
        yield Mismatch(where, str(wanted), said, keys, accepted)
