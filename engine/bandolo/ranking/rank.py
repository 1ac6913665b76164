"""A ranking from its applications: assessed, put through the procedure, and told row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from bandolo.diagnostics import ApplicationError, Diagnostic, PolicyError
from bandolo.evaluate.decide import changes_said
from bandolo.evaluate.settle import Changes, Settled
from bandolo.ranking.assess import Assessor
from bandolo.ranking.entrant import Entrant, Ranking, Row, Status
from bandolo.ranking.giving import completed_data
from bandolo.ranking.options import Options, options_of
from bandolo.ranking.procedure import Outcome, run
from bandolo.ranking.words import Speaker, reason
from bandolo.version import __version__

if TYPE_CHECKING:
    from bandolo.policy import AsOf, Policy

ZERO = Fraction(0)


class Ranker:
    """One ranking to be made: the policy with its what-ifs, the clock, and everything that readings choose.

    Raises PolicyError for a bad what-if, a policy without a ranking, and where something that the ranking needs is open.
    """

    def __init__(
        self, policy: Policy, *, as_of: AsOf = None, set: Mapping[str, Any] | None = None, readings: Mapping[str, str] | None = None,
        assume: bool | Sequence[str] = False,
    ) -> None:  # fmt: skip
        self.policy = policy
        self.changes: Changes = policy.changes(set or {}, readings or {}, assume)
        clock, self.shown = policy.clock(as_of)
        self.settled: Settled = policy.settled_as(self.changes, clock)
        self.options: Options = options_of(policy.core, self.settled)
        self.assessor = Assessor(policy, as_of, self.changes, self.options.recheck)

    def assess(self, application: Mapping[str, Any]) -> Entrant:
        """One application before the ranking. Raises ApplicationError for bad data."""
        return self.assessor.assess(application)

    def rank(self, entrants: Iterable[Entrant], data_of: Callable[[str], Mapping[str, Any]]) -> Ranking:
        """The ranking of assessed applications; `data_of` gives an application's data by its id, to decide it again after a strike.

        Raises PolicyError `application-twice` and `application-without-id`.
        """
        by_id: dict[str, Entrant] = {}
        found = []
        for entrant in entrants:
            if not entrant.id:
                found.append(Diagnostic("application-without-id", args={"digest": entrant.digest[:19]}))
            elif entrant.id in by_id:
                found.append(Diagnostic("application-twice", args={"id": entrant.id}))
            by_id[entrant.id] = entrant
        if found:
            raise PolicyError(found)
        plan = self.policy.core.ranking
        assert plan is not None
        outcome = run(
            by_id, tuple(d for _, d in plan.order_by), tuple(d for _, d in plan.keep), self.options,
            lambda id_, struck: self.assessor.assess(data_of(id_), struck),
        )  # fmt: skip
        ranking = self._told(outcome)
        return replace(ranking, rows=tuple(self._with_parts(row, data_of) for row in ranking.rows))

    def completed(self, application: Mapping[str, Any], row: Row) -> dict[str, Any]:
        """A financed application with what the ranking gives it (`gives`): new data. Raises ApplicationError."""
        text = self.assessor.text_for(application)
        return completed_data(text.core, self.assessor.read(text, application), row)

    def _with_parts(self, row: Row, data_of: Callable[[str], Mapping[str, Any]]) -> Row:
        """Each beneficiary's part, where the policy names it: the application is decided once more with what the ranking gives it."""
        plan = self.policy.core.ranking
        if plan is None or plan.gives_part is None or plan.gives_award is None or not row.amount:
            return row
        return replace(row, parts=self.assessor.parts(self.completed(data_of(row.application), row)))

    def _told(self, outcome: Outcome) -> Ranking:
        speaker = Speaker(self.policy.core)
        policy, settled = self.policy, self.settled
        plan = policy.core.ranking
        assert plan is not None
        order_by = [
            {"key": label.en, "label": {"it": label.it, "en": label.en}, "descending": down}
            for label, (_, down) in zip(speaker.labels, plan.order_by, strict=True)
        ]
        budget = self.options.budget
        changed = changes_said(policy.core, self.changes)
        return Ranking(
            policy.id, policy.digest, __version__, policy.amendments, self.shown, settled.assumed, changed,
            {n: v for n, v in settled.settings.options.items() if isinstance(v, str)}, tuple(order_by),
            tuple(expr.type for expr, _ in plan.order_by),
            (*_placed(outcome, speaker, self.options), *_unplaced(outcome, speaker)),
            None if budget is None else sum(budget, ZERO), tuple(zip(self.options.pots, budget or (), outcome.spent.left, strict=False)),
            None if budget is None else sum(outcome.spent.left, ZERO),
            tuple(tuple(e.id for e in group) for group in outcome.ranked if len(group) > 1), outcome.settled,
            tuple(speaker.step(e) for e in outcome.events),
        )  # fmt: skip


def _placed(outcome: Outcome, speaker: Speaker, options: Options) -> Iterable[Row]:
    position, cumulative = 1, ZERO
    above: Entrant | None = None
    for group in outcome.ranked:
        for entrant in group:
            share = outcome.spent.shares[entrant.id]
            strikes = tuple(outcome.strikes_from(entrant.id))
            tied = [e.id for e in group if e is not entrant]
            cumulative += share.amount
            status: Status = share.status  # type: ignore[assignment]
            reasons = [*speaker.placed(above, entrant, tied), *speaker.awarded(entrant, share), *speaker.struck(strikes)]
            after = [have - given for have, given in zip(share.left, share.pots, strict=False)]
            yield Row(
                entrant.id, entrant.digest, status, position, bool(tied), entrant.order, entrant.award,
                None if status == "undetermined" else share.amount, share.pots if options.pots else (), cumulative,
                sum(after, ZERO) if share.left else None, strikes, tuple(reasons), (), entrant.claims,
            )  # fmt: skip
        position += len(group)
        above = group[-1]


def _unplaced(outcome: Outcome, speaker: Speaker) -> Iterable[Row]:
    ranked = {e.id for group in outcome.ranked for e in group}
    order = {"undetermined": 0, "suspended": 1, "not_admitted": 2}
    rows = []
    for entrant in outcome.entrants.values():
        if entrant.id in ranked:
            continue
        strikes = tuple(outcome.strikes_from(entrant.id))
        if entrant.id in outcome.disputed:
            status: Status = "undetermined"
            reasons = [reason("disputed", others=", ".join(outcome.disputed[entrant.id]))]
        else:
            status = "undetermined" if entrant.standing == "candidate" else entrant.standing
            reasons = speaker.unplaced(entrant, strikes)
        rows.append(
            Row(entrant.id, entrant.digest, status, None, False, (), None, None, (), None, None, strikes, tuple(reasons), entrant.missing)
        )
    return sorted(rows, key=lambda r: (order[r.status], r.application))


def rank(
    policy: Policy,
    applications: Iterable[Mapping[str, Any]],
    *,
    as_of: AsOf = None,
    set: Mapping[str, Any] | None = None,
    readings: Mapping[str, str] | None = None,
    assume: bool | Sequence[str] = False,
) -> Ranking:
    """The ranking of applications given as mappings of facts; the what-ifs are those of `Policy.decide`.

    Raises ApplicationError if the data of one of them is bad, with its place among them (`$[3].size`), PolicyError as `Ranker` does.
    """
    ranker = Ranker(policy, as_of=as_of, set=set, readings=readings, assume=assume)
    data: dict[str, Mapping[str, Any]] = {}
    entrants = []
    for place, application in enumerate(applications):
        try:
            entrant = ranker.assess(application)
        except ApplicationError as error:
            found = [replace(d, path=f"$[{place}]{(d.path or '$')[1:]}") for d in error.diagnostics]
            raise ApplicationError(found) from None
        data[entrant.id] = application
        entrants.append(entrant)
    return ranker.rank(entrants, data.__getitem__)


def completed(
    policy: Policy,
    application: Mapping[str, Any],
    row: Row,
    *,
    as_of: AsOf = None,
    set: Mapping[str, Any] | None = None,
    readings: Mapping[str, str] | None = None,
    assume: bool | Sequence[str] = False,
) -> dict[str, Any]:
    """A financed application with its award, and with its struck records marked, for the stages that follow; what-ifs as for `rank`.

    Raises ApplicationError if the application is bad data.
    """
    return Ranker(policy, as_of=as_of, set=set, readings=readings, assume=assume).completed(application, row)
