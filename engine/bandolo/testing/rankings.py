"""Cases over several applications: they are ranked, and each row that the case names is compared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bandolo.diagnostics import Diagnostic
from bandolo.diagnostics.spelling import nearest
from bandolo.evaluate.typed import BadValue, read_value
from bandolo.evaluate.wire import plain
from bandolo.language.types import MONEY
from bandolo.policy import Policy
from bandolo.ranking.entrant import Ranking, Row
from bandolo.ranking.rank import rank
from bandolo.testing.cases import Case, CaseFile, Mismatch, Ranked, changed, numbered

ROW = ("position", "status", "amount", "cumulative", "left", "struck", "reasons", "tied")
WHOLE = ("ranking", "order", "left", "provisional", "settled", "ties")


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
    misspelt = list(_misspelt(ranking, case))
    return ranking, misspelt, [] if misspelt else list(compare(policy, ranking, case.expect))


def _misspelt(ranking: Ranking, case: Case) -> Iterator[Diagnostic]:
    ids = [r.application for r in ranking.rows]
    named = [str(n) for n in case.expect.get("ranking", {})] + [str(n) for n in case.expect.get("order", [])]
    wrong = [(n, ids) for n in named if n not in ids] + [(n, list(WHOLE)) for n in case.expect if n not in WHOLE]
    for row in case.expect.get("ranking", {}).values():
        wrong += [(n, list(ROW)) for n in row if n not in ROW] if isinstance(row, dict) else [(str(row), list(ROW))]
    for name, known in wrong:
        yield Diagnostic("case-expectation", case.span, {"name": name, "nearest": nearest(name, known)})


def compare(policy: Policy, ranking: Ranking, expect: dict[str, Any]) -> Iterator[Mismatch]:
    """Every difference between an expectation and a ranking."""
    rows = {r.application: r for r in ranking.rows}
    if "order" in expect:
        yield from _differ("order", [str(n) for n in expect["order"]], [r.application for r in ranking.rows if r.position is not None])
    for id_, wanted in expect.get("ranking", {}).items():
        yield from _row(policy, rows[str(id_)], wanted)
    if "left" in expect:
        yield from _money(policy, "left", expect["left"], ranking.left)
    for word in ("provisional", "settled"):
        if word in expect:
            yield from _differ(word, str(expect[word]), str(getattr(ranking, word)).lower())
    if "ties" in expect:
        yield from _differ("ties", sorted(sorted(map(str, t)) for t in expect["ties"]), sorted(sorted(t) for t in ranking.ties))


def _row(policy: Policy, row: Row, wanted: dict[str, Any]) -> Iterator[Mismatch]:
    where = row.application
    for word in ("amount", "cumulative", "left"):
        if word in wanted:
            yield from _money(policy, f"{where}.{word}", wanted[word], getattr(row, word))
    if "position" in wanted:
        yield from _differ(f"{where}.position", str(wanted["position"]), str(row.position or "none"))
    if "status" in wanted:
        yield from _differ(f"{where}.status", str(wanted["status"]), row.status)
    if "tied" in wanted:
        yield from _differ(f"{where}.tied", str(wanted["tied"]), str(row.tied).lower())
    if "struck" in wanted:
        yield from _differ(f"{where}.struck", sorted(map(str, wanted["struck"])), sorted(s.key for s in row.strikes))
    for code in wanted.get("reasons", []):
        if str(code) not in [r.code for r in row.reasons]:
            yield Mismatch(f"{where}.reasons", str(code), ", ".join(r.code for r in row.reasons) or "—")


def _money(policy: Policy, where: str, wanted: Any, got: Any) -> Iterator[Mismatch]:
    try:
        value = read_value(wanted, MONEY, policy.core.conventions)
    except BadValue as bad:
        yield Mismatch(where, f"{wanted} ({bad.code})", str(got))
        return
    if value != got:
        yield Mismatch(where, str(wanted), "none" if got is None else str(plain(got, MONEY)))


def _differ(where: str, expected: Any, got: Any) -> Iterator[Mismatch]:
    if expected != got:
        yield Mismatch(where, str(expected), str(got))
