"""What a change of a policy does to applications: each decided by the old text and by the new one, ranked by both, and compared.

Takes two policies and applications, gives an `Impact`: data. `impact_words` puts it in sentences, `impact_tables` in tables.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from bandolo.analysis.comparing import Difference, difference
from bandolo.analysis.grouping import grouping
from bandolo.analysis.places import RankingImpact, ranking_impact
from bandolo.analysis.sides import ZERO, Grouping, Judged, Side, amounts, amounts_of_records, is_money, records_by_group
from bandolo.check import core
from bandolo.diagnostics import Diagnostic, PolicyError
from bandolo.policy import Policy, policy_from_bytes
from bandolo.ranking.entrant import Entrant

ALONE = 60
"""Up to so many applications one process is faster than several."""
Kind = str
KINDS: tuple[Kind, ...] = ("outcome", "amount", "position", "verdict", "invalid")
"""What `--fail-on` may name."""


@dataclass(frozen=True, slots=True)
class Submission:
    """An application to be compared: where it stands, its data, and the clock that it was recorded under, if it was."""

    label: str
    data: Any
    as_of: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What one text says of an application. `amounts` are what it gets by result: nothing if rejected, None while not known."""

    outcome: str
    stage: str
    amounts: Mapping[str, Fraction | None]


@dataclass(frozen=True, slots=True)
class Part:
    """The records of an application that belong to one group, and what they get; None where that is not known, or not said."""

    group: str
    records: int
    old: Fraction | None
    new: Fraction | None


@dataclass(frozen=True, slots=True)
class Compared:
    """One application by both texts; a side that cannot decide it is None, and `refused` says why.

    `left_out` are facts that the side does not ask for. `difference` is there where both sides decide.
    """

    application: str
    label: str
    old: Told | None
    new: Told | None
    difference: Difference | None
    refused_old: tuple[Diagnostic, ...]
    refused_new: tuple[Diagnostic, ...]
    left_out_old: tuple[str, ...]
    left_out_new: tuple[str, ...]
    parts: tuple[Part, ...]

    def moved(self, name: str | None) -> Fraction | None:
        """By how much a result moved: None where either side does not know it."""
        if name is None or self.old is None or self.new is None:
            return None
        old, new = self.old.amounts.get(name), self.new.amounts.get(name)
        return None if old is None or new is None else new - old

    def amount_changed(self) -> bool:
        """Whether an amount differs, one that is known on one side only included."""
        return self.old is not None and self.new is not None and dict(self.old.amounts) != dict(self.new.amounts)


@dataclass(frozen=True, slots=True)
class Total:
    """A result over the applications that both texts know it of; `open` counts the others that both texts decide."""

    name: str
    old: Fraction
    new: Fraction
    gains: int
    loses: int
    open: int


@dataclass(frozen=True, slots=True)
class GroupTotal:
    """What a group of records gets by both texts; amounts are None where the policy names none for such records."""

    group: str
    applications: int
    records: int
    old: Fraction | None
    new: Fraction | None
    open: int


@dataclass(frozen=True)
class Impact:
    """What the new text does to the applications.

    `rows` has every application, in the order of the files. `amount` names the result by which they are ordered and summed; `totals` has
    each amount of the root. `ranking` is None where the texts do not both rank, or `unranked` says why it could not be made.
    """

    old: Policy
    new: Policy
    amount: str | None
    by: Grouping | None
    rows: tuple[Compared, ...]
    totals: tuple[Total, ...]
    groups: tuple[GroupTotal, ...]
    ranking: RankingImpact | None
    unranked: tuple[Diagnostic, ...]

    def outcomes(self) -> Counter[tuple[str, str]]:
        """How many applications go from one outcome to another."""
        return Counter(r.difference.outcome for r in self.rows if r.difference is not None and r.difference.outcome is not None)

    def reasons(self) -> Counter[str]:
        """How many applications change their outcome with each requirement."""
        changed = [r.difference for r in self.rows if r.difference is not None and r.difference.outcome is not None]
        return Counter(name for told in changed for name in {v.requirement for v in told.because()})

    def of_kind(self, kind: Kind) -> list[str]:
        """The applications that change in one way: `outcome`, `amount`, `verdict`, `position` (or status), `invalid`."""
        match kind:
            case "outcome":
                return [r.application for r in self.rows if r.difference is not None and r.difference.outcome is not None]
            case "amount":
                paid = {p.application for p in self.ranking.moves if p.old_amount != p.new_amount} if self.ranking is not None else set()
                return [r.application for r in self.rows if r.amount_changed() or r.application in paid]
            case "verdict":
                return [r.application for r in self.rows if r.difference is not None and r.difference.verdicts]
            case "position":
                return [] if self.ranking is None else [p.application for p in self.ranking.moves if p.moves]
            case "invalid":
                return [r.application for r in self.rows if r.new is None and r.old is not None]
        raise ValueError(kind)

    def not_compared(self) -> list[Compared]:
        """The applications that neither text can read."""
        return [r for r in self.rows if r.old is None and r.new is None]

    def changed(self) -> list[Compared]:
        """The applications that change in any way, the largest movers first, then by name."""
        touched = {name for kind in KINDS for name in self.of_kind(kind)}
        rows = [r for r in self.rows if r.application in touched or (r.old is None) != (r.new is None)]
        return sorted(rows, key=lambda r: (-abs(r.moved(self.amount) or ZERO), r.new is not None, r.application, r.label))


def impact(
    old: Policy, new: Policy, applications: Iterable[Submission | Mapping[str, Any]], *, as_of: Any = None,
    set: Mapping[str, Any] | None = None, readings: Mapping[str, str] | None = None, assume: bool | Sequence[str] = False,
    ranking: bool = True, by: str | None = None,
    amount: str | None = None, jobs: int = 1, progress: Callable[[int, int], None] | None = None,
) -> Impact:  # fmt: skip
    """What `new` does to applications that `old` decides.

    `as_of` and `assume` hold for both; `set` and `readings` are tried on the new text only. `by` names the choice or the yes-or-no fact
    by which amounts are told apart (`partner.size`, or `size` where one entity has it), `amount` the result that orders the rows.
    An application that was recorded is decided as of the day of its record, unless `as_of` says otherwise.

    Raises PolicyError for a what-if, a `by` or an `amount` that cannot be.
    """
    both = {"as_of": as_of, "assume": assume}
    tried = {**both, "set": dict(set or {}), "readings": dict(readings or {})}
    plan = _plan(old, new, both, tried, ranking, by, amount)
    given = [a if isinstance(a, Submission) else Submission(f"[{i}]", a) for i, a in enumerate(applications)]
    rows: list[Compared] = []
    entrants: list[tuple[Entrant | None, Entrant | None]] = []
    for count, (row, one, other) in enumerate(_compared(plan, given, jobs), 1):
        rows.append(row)
        entrants.append((one, other))
        if progress is not None:
            progress(count, len(given))
    place, unranked = None, plan.unranked
    if plan.ranked:
        try:
            place = ranking_impact(old, new, _latest(both, given), _latest(tried, given), [a.data for a in given], entrants)
        except PolicyError as error:
            unranked = error.diagnostics
    totals = tuple(_total(name, rows) for name in plan.amounts)
    return Impact(old, new, plan.amount, plan.by, tuple(rows), totals, _groups(rows, plan.by), place, unranked)


# What is compared, and by what.


@dataclass(frozen=True, slots=True)
class _Plan:
    """What every process needs to compare applications."""

    old: Policy
    new: Policy
    what_ifs: tuple[dict[str, Any], dict[str, Any]]
    ranked: bool
    unranked: tuple[Diagnostic, ...]
    by: Grouping | None
    amount: str | None
    amounts: tuple[str, ...]


def _plan(
    old: Policy, new: Policy, both: dict[str, Any], tried: dict[str, Any], ranking: bool, by: str | None, amount: str | None
) -> _Plan:  # fmt: skip
    names = tuple(
        dict.fromkeys(r.name for text in (old, new) for r in text.core.results if r.entity == text.core.root and is_money(r.type))
    )
    if amount is not None and amount not in names:
        raise PolicyError([Diagnostic("no-such-amount", args={"name": amount, "known": ", ".join(names) or "–"})])
    ranked = ranking and old.core.ranking is not None and new.core.ranking is not None
    unranked: tuple[Diagnostic, ...] = ()
    if ranked:
        try:
            Side(old, new, both, True)
            Side(new, old, tried, True)
        except PolicyError as error:
            # A ranking that cannot be made leaves the decisions to be compared; a what-if that cannot be does not.
            ranked, unranked = False, error.diagnostics
    Side(old, new, both, False)
    Side(new, old, tried, False)
    main = amount or _main_amount(new.core, names)
    return _Plan(old, new, (both, tried), ranked, unranked, grouping(old.core, new.core, by, main), main, names)


def _main_amount(policy: core.Policy, names: tuple[str, ...]) -> str | None:
    """What the ranking awards, where that is a result; else the first amount among the results."""
    award = policy.ranking.award if policy.ranking is not None else None
    if isinstance(award, core.Computed) and award.name in names:
        return award.name
    return names[0] if names else None


def _latest(what_ifs: dict[str, Any], given: list[Submission]) -> dict[str, Any]:
    """The what-ifs of the ranking: recorded applications are ranked as of the last day that one was recorded under."""
    days = [a.as_of for a in given if a.as_of is not None]
    return what_ifs if what_ifs["as_of"] is not None or not days else {**what_ifs, "as_of": max(days)}


# Comparing, in one process or several.

_Answer = tuple[Compared, Entrant | None, Entrant | None]
_COMPARER: _Comparer | None = None
"""In a worker: each makes its own, since a policy does not travel between processes."""


def _compared(plan: _Plan, given: list[Submission], jobs: int) -> Iterator[_Answer]:
    if jobs < 2 or len(given) <= ALONE:
        comparer = _Comparer(plan)
        yield from (comparer.compare(one) for one in given)
        return
    rest = (plan.what_ifs, plan.ranked, plan.by, plan.amount, plan.amounts)
    with ProcessPoolExecutor(jobs, initializer=_begin, initargs=(plan.old.files, plan.new.files, *rest)) as pool:
        yield from pool.map(_in_worker, given, chunksize=20)


def _begin(old: tuple[tuple[str, bytes], ...], new: tuple[tuple[str, bytes], ...], what_ifs: Any, ranked: bool, *rest: Any) -> None:
    global _COMPARER  # noqa: PLW0603
    policies = [policy_from_bytes(*files[0], files[1:]) for files in (old, new)]
    _COMPARER = _Comparer(_Plan(policies[0], policies[1], what_ifs, ranked, (), *rest))


def _in_worker(one: Submission) -> _Answer:
    assert _COMPARER is not None
    return _COMPARER.compare(one)


class _Comparer:
    """Decides applications by both texts."""

    def __init__(self, plan: _Plan) -> None:
        self.plan = plan
        self.old = Side(plan.old, plan.new, plan.what_ifs[0], plan.ranked)
        self.new = Side(plan.new, plan.old, plan.what_ifs[1], plan.ranked)

    def compare(self, one: Submission) -> _Answer:
        old, new = self.old.judge(one.data, one.as_of), self.new.judge(one.data, one.as_of)
        told = None
        if old.decision is not None and new.decision is not None:
            told = difference(old.decision.to_dict(), new.decision.to_dict())
        decision = new.decision or old.decision
        name = decision.application if decision is not None else None
        row = Compared(
            name or one.label, one.label, self._told(old), self._told(new), told, _short(old.refused), _short(new.refused),
            old.left_out, new.left_out, self._parts(one.data, old, new),
        )  # fmt: skip
        return row, old.entrant, new.entrant

    def _told(self, judged: Judged) -> Told | None:
        decision = judged.decision
        return None if decision is None else Told(decision.outcome, decision.stage, amounts(decision, self.plan.amounts))

    def _parts(self, data: Any, old: Judged, new: Judged) -> tuple[Part, ...]:
        by = self.plan.by
        if by is None or old.decision is None or new.decision is None:
            return ()
        text = self.plan.new
        found: dict[str, list[str]] = {}
        for path, group in records_by_group(text, self.plan.old, data, by):
            found.setdefault(group, []).append(path)
        if by.amount is None:
            return tuple(Part(group, len(paths), None, None) for group, paths in found.items())
        if by.entity == text.core.root:
            before, after = ({by.entity: amounts(d, (by.amount,))[by.amount]} for d in (old.decision, new.decision))
        else:
            before, after = (amounts_of_records(d, by.entity, by.amount) for d in (old.decision, new.decision))
        return tuple(Part(group, len(paths), _sum(before, paths), _sum(after, paths)) for group, paths in found.items())


def _sum(by_record: Mapping[str, Fraction | None], paths: list[str]) -> Fraction | None:
    """What records get together; None where one of them is not known. One that is not there was excluded."""
    found = [by_record.get(path, ZERO) for path in paths]
    return None if any(a is None for a in found) else sum((a for a in found if a is not None), ZERO)


def _short(diagnostics: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """The first few, without their places in a text: they travel between processes."""
    return tuple(replace(d, span=None, labels=()) for d in diagnostics[:5])


# Sums.


def _total(name: str, rows: list[Compared]) -> Total:
    pairs = [(r.old.amounts[name], r.new.amounts[name]) for r in rows if r.old is not None and r.new is not None]
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    gains, loses = sum(b > a for a, b in known), sum(b < a for a, b in known)
    return Total(name, sum((a for a, _ in known), ZERO), sum((b for _, b in known), ZERO), gains, loses, len(pairs) - len(known))


def _groups(rows: list[Compared], by: Grouping | None) -> tuple[GroupTotal, ...]:
    found: dict[str, list[Part]] = {}
    for row in rows:
        for part in row.parts:
            found.setdefault(part.group, []).append(part)
    made = []
    for group, parts in sorted(found.items()):
        known = [p for p in parts if p.old is not None and p.new is not None]
        said = by is not None and by.amount is not None
        old, new = (sum((getattr(p, side) for p in known), ZERO) if said else None for side in ("old", "new"))
        made.append(GroupTotal(group, len(parts), sum(p.records for p in parts), old, new, len(parts) - len(known) if said else 0))
    return tuple(made)
