"""Two rankings of the same applications: who moves, who is struck, who is financed, and what becomes of the budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from bandolo.analysis.sides import fitted
from bandolo.policy import Policy
from bandolo.ranking.entrant import Entrant, Ranking, Row, Strike
from bandolo.ranking.rank import Ranker


@dataclass(frozen=True, slots=True)
class Move:
    """An application whose row differs; None on a side where it could not be read."""

    application: str
    old_status: str | None
    new_status: str | None
    old_position: int | None
    new_position: int | None
    old_amount: Fraction | None
    new_amount: Fraction | None

    @property
    def moves(self) -> bool:
        """Whether it has another place or status; an amount alone does not move it."""
        return (self.old_status, self.old_position) != (self.new_status, self.new_position)


@dataclass(frozen=True, slots=True)
class RankingImpact:
    """Both rankings, and in what they differ.

    A new tie has members that the old ranking told apart; a tie is gone where the new ranking tells its members apart. Strikes are those
    that only one of the rankings makes.
    """

    old: Ranking
    new: Ranking
    moves: tuple[Move, ...]
    new_ties: tuple[tuple[str, ...], ...]
    gone_ties: tuple[tuple[str, ...], ...]
    new_strikes: tuple[Strike, ...]
    gone_strikes: tuple[Strike, ...]

    @property
    def unfunded(self) -> list[str]:
        """Applications that were financed, at least in part, and are no longer."""
        return [m.application for m in self.moves if m.old_status in FINANCED and m.new_status not in FINANCED]

    @property
    def funded(self) -> list[str]:
        """Applications that are financed, at least in part, and were not."""
        return [m.application for m in self.moves if m.new_status in FINANCED and m.old_status not in FINANCED]


FINANCED = ("financed", "partly_financed")


def ranking_impact(
    old: Policy, new: Policy, old_what_ifs: Mapping[str, Any], new_what_ifs: Mapping[str, Any], data: Sequence[Any],
    entrants: Sequence[tuple[Entrant | None, Entrant | None]],
) -> RankingImpact:  # fmt: skip
    """Both rankings of applications that have been assessed. Raises PolicyError as `Ranker.rank` does."""
    before = _ranked(old, new, old_what_ifs, data, [one for one, _ in entrants])
    after = _ranked(new, old, new_what_ifs, data, [other for _, other in entrants])
    was, now = ({row.application: row for row in ranking.rows} for ranking in (before, after))
    moves = tuple(move for id_ in sorted({*was, *now}) if (move := _move(id_, was.get(id_), now.get(id_))) is not None)
    ties = [[frozenset(tie) for tie in ranking.ties] for ranking in (before, after)]
    ranked = [{row.application for row in ranking.rows if row.position is not None} for ranking in (before, after)]
    new_ties, gone_ties = _only_in(ties[1], ties[0]), _only_in([tie & ranked[1] for tie in ties[0]], ties[1])
    strikes = [{(s.application, s.record, s.kept_by): s for row in ranking.rows for s in row.strikes} for ranking in (before, after)]
    return RankingImpact(
        before, after, moves, new_ties, gone_ties,
        tuple(strikes[1][k] for k in sorted(strikes[1].keys() - strikes[0].keys())),
        tuple(strikes[0][k] for k in sorted(strikes[0].keys() - strikes[1].keys())),
    )  # fmt: skip


def _only_in(these: list[frozenset[str]], those: list[frozenset[str]]) -> tuple[tuple[str, ...], ...]:
    """The ties that no tie of the others holds whole: one that has only lost members is not another tie."""
    return tuple(sorted(tuple(sorted(tie)) for tie in these if len(tie) > 1 and not any(tie <= other for other in those)))


def _ranked(
    policy: Policy, other: Policy, what_ifs: Mapping[str, Any], data: Sequence[Any], entrants: Sequence[Entrant | None]
) -> Ranking:  # fmt: skip
    by_id = {entrant.id: given for entrant, given in zip(entrants, data, strict=True) if entrant is not None}
    ranker = Ranker(policy, **what_ifs)
    return ranker.rank([e for e in entrants if e is not None], lambda id_: fitted(by_id[id_], policy, other)[0])


def _move(id_: str, old: Row | None, new: Row | None) -> Move | None:
    told = [(None, None, None) if row is None else (row.status, row.position, row.amount) for row in (old, new)]
    if told[0] == told[1]:
        return None
    (status, position, amount), (new_status, new_position, new_amount) = told
    return Move(id_, status, new_status, position, new_position, amount, new_amount)
