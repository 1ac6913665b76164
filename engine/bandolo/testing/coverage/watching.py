"""What cases see: an evaluation that notes, for every condition, table and `if` of a policy, how it came out.

A condition *decides* in an evaluation if it was looked at and everything beside it, on the way up to the whole, leaves it the word: at an
`and` what else was looked at holds, at an `or` it does not. What was not looked at, because the outcome stood already, may have been
either. A condition is covered once it has decided by holding and by not holding: masking MC/DC with short circuit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from fractions import Fraction
from itertools import pairwise

from bandolo.check import core
from bandolo.evaluate.decision import Decision
from bandolo.evaluate.reference import Evaluation, Settings, Slots, Strikes
from bandolo.language.values import Record, Value
from bandolo.ranking.entrant import Ranking
from bandolo.testing.coverage.obligations import Survey, point

Frame = dict[int, Value]


class Watch:
    """Notes the points that cases see: `seen` has them with the numbers of the cases, as `begin` was told."""

    def __init__(self, survey_of: Callable[[core.Policy], Survey]) -> None:
        self.survey_of = survey_of
        self.seen: dict[str, set[int]] = {}
        self.case = 0
        self.acts: tuple[str, ...] = ()
        self.told: set[object] = set()

    def begin(self, case: int, acts: tuple[str, ...]) -> None:
        """What follows belongs to another case; `acts` are those of its acts that do not reach every application."""
        self.case, self.acts = case, acts
        self.told.clear()

    def note(self, point: str) -> None:
        self.seen.setdefault(point, set()).add(self.case)

    def evaluation(
        self, policy: core.Policy, settings: Settings, records: dict[str, list[Record]], budget: int, traced: bool, strikes: Strikes
    ) -> Evaluation:
        made = _Watched(policy, settings, records, budget, traced, strikes)
        made.watch, made.survey, made.stack = self, self.survey_of(policy), []
        return made

    def decided(self, evaluation: Evaluation, decision: Decision) -> None:
        """The verdicts, effects, deadlines and readings of one decision."""
        policy, options = evaluation.policy, evaluation.settings.options
        readings = set(evaluation.readings)
        if policy.money_rounding_by is not None:
            readings.add(policy.money_rounding_by[0])
        for name in readings:
            if isinstance(options[name], str):
                self.note(f"reading:{name}={options[name]}")
        for act in self.acts:
            self.note(f"act:{act}:{'reached' if act in decision.amendments else 'left'}")
        for result in decision.requirements:
            if result.fault is None:
                self.note(f"verdict:{result.id}:{result.verdict}")
            if result.verdict != "failed":
                continue
            requirement = policy.requirements[result.id]
            if requirement.effect_by is not None:
                self.note(f"effect:{result.id}:{options[requirement.effect_by]}")
            if result.cure_by is not None:
                self.note(f"cure:{result.id}:{'lapsed' if result.effect == 'reject' else 'open'}")
        root = evaluation.records[policy.root][0]
        for deadline in policy.deadlines:
            if isinstance(evaluation.definitions[policy.root, f"deadline.{deadline.name}", root], date):
                self.note(f"deadline:{deadline.name}")

    def ranked(self, policy: core.Policy, ranking: Ranking) -> None:
        """What a ranking shows: statuses, the keys that order, ties, strikes, and the options under which it was made."""
        plan = policy.ranking
        assert plan is not None
        for row in ranking.rows:
            self.note(f"ranking:status:{row.status}")
            if row.strikes:
                self.note("ranking:struck")
            if row.tied:
                self.note("ranking:tie")
            if row.strikes and row.status == "not_admitted":
                self.note("ranking:fell")
        placed = [row for row in ranking.rows if row.position is not None]
        for above, below in pairwise(placed):
            keys = (i for i, (mine, theirs) in enumerate(zip(above.order, below.order, strict=True)) if mine != theirs)
            first = next(keys, None)
            if first is not None:
                self.note(f"ranking:key:{first}")
        for name, (reading, _) in plan.words_by.items():
            if reading is not None and reading in ranking.readings:
                self.note(f"reading:{reading}={ranking.readings[reading]}")
                self.note(f"ranking:{name}:{ranking.readings[reading]}")


class _Watched(Evaluation):
    """The reference evaluator; each value passes by here on its way out."""

    __slots__ = ("stack", "survey", "watch")
    watch: Watch
    survey: Survey
    stack: list[Frame]

    def value(self, node: core.Expr, slots: Slots) -> Value:
        key = id(node)
        framed = key in self.survey.frames
        if framed:
            self.stack.append({})
            result = Evaluation.value(self, node, slots)
            frame = self.stack.pop()
            frame[key] = result
            self._close(node, frame)
        else:
            result = Evaluation.value(self, node, slots)
        if self.stack and key in self.survey.members:
            self.stack[-1][key] = result
        return result

    def _close(self, node: core.Expr, frame: Frame) -> None:
        told = (id(node), *((k, v if isinstance(v, bool | str | Fraction | date) else None) for k, v in frame.items()))
        if told in self.watch.told:
            return
        self.watch.told.add(told)
        if id(node) in self.survey.decisions:
            for leaf in deciding(node, frame):
                value = frame[id(leaf)]
                if isinstance(value, bool):
                    self.watch.note(f"{self.survey.leaves[id(leaf)]}|{'true' if value else 'false'}")
        match node:
            case core.Branches():
                self._branches_seen(node, frame)
            case core.Choose(subject=subject):
                word = frame.get(id(subject))
                if isinstance(word, str):
                    rows = self.survey.rows[id(node)]
                    listed = any(word == option for option, _ in node.options)
                    seen = rows.get(word if listed else "")
                    if seen is not None:  # a row that is a table itself has none: its own rows tell
                        self.watch.note(seen)
            case core.Brackets():
                self._band_seen(node, frame)
            case core.Dated(name=name, date=day):
                on = frame.get(id(day))
                for i, (start, end, _) in enumerate(self.settings.versions[name]):
                    if isinstance(on, date) and (start is None or start <= on) and (end is None or on <= end):
                        self.watch.note(f"version:{name}:{i}")

    def _branches_seen(self, node: core.Branches, frame: Frame) -> None:
        for i, branch in enumerate(node.branches):
            test = frame.get(id(branch.when))
            if test is True:
                self.watch.note(point(node.span, "branch", i))
            if test is not False:
                return
        self.watch.note(point(node.span, "branch", "otherwise"))

    def _band_seen(self, node: core.Brackets, frame: Frame) -> None:
        amount = frame.get(id(node.amount))
        if not isinstance(amount, Fraction):
            return
        for i, step in enumerate(node.steps):
            to = None if step.to is None else frame.get(id(step.to))
            if step.to is not None and not isinstance(to, Fraction):
                return
            if not isinstance(to, Fraction) or amount <= to:
                self.watch.note(f"band:{node.name}:{i}")
                return


def deciding(node: core.Expr, frame: Frame) -> Iterator[core.Expr]:
    """The conditions inside one, itself among them, that decide it, given what each part came to (by identity; absent: not looked at)."""
    match node:
        case core.And(parts=parts) | core.Or(parts=parts):
            neutral = isinstance(node, core.And)
            looked_at = [p for p in parts if id(p) in frame]
            against = [p for p in looked_at if frame[id(p)] is not neutral]
            for part in looked_at:
                if all(other is part for other in against):
                    yield from deciding(part, frame)
        case core.Not(value=inner) | core.Let(body=inner):
            if id(inner) in frame:
                yield from deciding(inner, frame)
        case _:
            if id(node) in frame:
                yield node
