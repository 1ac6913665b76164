"""From verdicts to the columns of the views: outcome, stages, failed requirements, results.

Each column is told where it is decided, whatever else is missing: an application that has failed is rejected, and no missing fact can
change that. `needs_engine` says that some column is not decided here.
"""

from __future__ import annotations

from fractions import Fraction

from sqlglot import exp
from sqlglot.expressions import Expr as Sql

from bandolo.check import core
from bandolo.evaluate.settle import Settled
from bandolo.evaluate.stages import STATUS_BY_EFFECT
from bandolo.language.types import MONEY
from bandolo.language.values import Unknown
from bandolo.sql.arithmetic import rounded
from bandolo.sql.rows import Rows
from bandolo.sql.tables import bare
from bandolo.sql.values import (
    Number,
    Plain,
    Refused,
    Unsupported,
    Value,
    both,
    case,
    either,
    is_null,
    is_true,
    known,
    literal,
    negated,
    parts,
    times,
)  # fmt: skip

VIEW = "decisions"
CENT = Fraction(1, 100)
RESULT_DIGITS = 25
"""A result of more digits is left to the engine."""
Shown = list[tuple[str, Sql]]


def effect_of(requirement: core.Requirement, settled: Settled) -> core.Effect | None:
    """What a failure does; None where an open reading decides it."""
    if requirement.effect_by is None:
        return requirement.effects[""]
    chosen = settled.settings.options[requirement.effect_by]
    return requirement.effects[chosen] if isinstance(chosen, str) else None


def text(word: str) -> Sql:
    return exp.Literal.string(word)


class Outcome:
    """Adds the last columns to the rows. `good` says whether an application is good data."""

    def __init__(self, rows: Rows, good: Sql) -> None:
        self.rows, self.policy, self.root = rows, rows.policy, rows.policy.root
        self.good = rows.add("good data", is_true(good))
        order = self.policy
        self.requirements = sorted(
            order.requirements.values(), key=lambda r: (order.stage_index(r.stage), order.depth(r.entity), r.entity, r.id)
        )
        self.missing_lists = {e.name: self._missing(e) for e in order.entities.values() if e.owner is not None}

    def views(self) -> list[tuple[str, str, Shown]]:
        """The views: name, entity, and the columns with what they show."""
        policy = self.policy
        failed = {r.id: self._failed_on_any(r) for r in self.requirements}
        statuses = {stage.name: self._status(stage) for stage in policy.stages}
        results: Shown = []
        known_all = [self.good, *(negated(is_null(s)) for s in statuses.values())]
        known_all += [negated(is_null(f)) for f in failed.values()]
        for result in (r for r in policy.results if r.entity == self.root):
            shown, decided = self._result(result)
            results += shown
            known_all.append(decided)
        decided = self.rows.add("decided", is_true(both(known_all)))
        root = policy.entities[self.root]
        assert root.key is not None
        key = parts(self.rows.stored[self.root, ("fact", root.key.name, "")])[0]
        outcome, stage = self._outcome(statuses)
        shown = [(root.key.name, key), ("outcome", outcome), ("stage", stage)]
        shown += [(f"status__{name}", self._if_good(status)) for name, status in statuses.items()]
        shown.append(("failed", self._names(failed)))
        shown += results
        shown.append(("needs_engine", negated(decided)))
        found = [(VIEW, self.root, shown)]
        for name in policy.root_names():
            if name != self.root and any(r.entity == name for r in policy.results):
                found.append((f"{VIEW}__{name}", name, self._of_records(policy.entities[name])))
        taken = {n.casefold() for n in policy.entities}
        clash = [n for n, _, _ in found if n.casefold() in taken]
        if clash:
            raise Unsupported("column-name")
        return found

    # Verdicts.

    def _met(self, requirement: core.Requirement) -> Sql:
        value = self.rows.stored.get((requirement.entity, ("met", requirement.id)))
        if not isinstance(value, Plain):
            raise Refused
        return value.sql

    def _missing(self, entity: core.Entity) -> Sql:
        """Whether records of an entity may be missing: a list of them, or of their owners."""
        assert entity.owner is not None
        assert entity.listed_in is not None
        declared = parts(self.rows.stored[entity.owner, ("listed", entity.listed_in)])[0]
        there = both([self.rows.is_a(entity.owner), is_null(declared)])
        gone = is_true(self.rows.over(self.root, f"{entity.owner}.{entity.listed_in}: missing", exp.LogicalOr(this=there)))
        above = self.missing_of_owner(entity)
        return either([gone, above]) if above is not None else gone

    def missing_of_owner(self, entity: core.Entity) -> Sql | None:
        owner = self.policy.entities[entity.owner] if entity.owner is not None else None
        return self._missing(owner) if owner is not None and owner.owner is not None else None

    def _failed_on_any(self, requirement: core.Requirement) -> Sql:
        """Whether a requirement failed on any record; NULL where that is not decided."""
        met = self._met(requirement)
        if requirement.entity == self.root:
            return negated(met)
        some, open_ = self._any(requirement, negated(met), f"{requirement.id}: failed")
        return case([(self.missing_lists[requirement.entity], exp.cast(exp.null(), "BOOLEAN")), (open_, exp.cast(exp.null(), "BOOLEAN")),
                     (some, exp.true())], exp.false())  # fmt: skip

    def _any(self, requirement: core.Requirement, condition: Sql, name: str) -> tuple[Sql, Sql]:
        """Of a listed record's requirement: whether a condition holds of any record, and whether it is not decided of any."""
        there = self.rows.is_a(requirement.entity)
        some = self.rows.over(self.root, name, exp.LogicalOr(this=both([there, condition])))
        unsure = self.rows.over(self.root, f"{name}?", exp.LogicalOr(this=both([there, is_null(condition)])))
        return is_true(some), is_true(unsure)

    def _brought(self, requirement: core.Requirement) -> tuple[str, Sql, Sql] | None:
        """What a requirement does to its stage: the status, whether it brings it, and whether that is open; None: nothing ever."""
        effect = effect_of(requirement, self.rows.settled)
        listed = requirement.entity != self.root
        failed = negated(self._met(requirement))
        if listed:
            admitted = self.rows.stored.get((requirement.entity, ("admitted", requirement.stage)))
            if not isinstance(admitted, Plain):
                raise Refused
            failed = both([failed, admitted.sql])
        if effect is not None and (effect.word not in STATUS_BY_EFFECT or (listed and effect.word == "bar")):
            return None
        if effect is None and listed and not requirement.may("reject", "suspend", "refer"):
            return None
        if listed:
            some, open_ = self._any(requirement, failed, f"{requirement.id}: stops")
            open_ = either([open_, self.missing_lists[requirement.entity]])
        else:
            some, open_ = is_true(failed), is_null(failed)
        clock = not isinstance(self.rows.settled.settings.as_of, Unknown)
        if effect is None or (effect.word == "suspend" and effect.cure is not None and clock):
            # An open reading says what it does, or the engine knows whether the time to put it right is over.
            return "", exp.false(), either([some, open_])
        return STATUS_BY_EFFECT[effect.word], some, open_

    def _status(self, stage: core.Stage) -> Sql:
        """The status of a stage; NULL where it is not decided. What has failed has failed, whatever is missing."""
        brought = [b for r in self.requirements if r.stage == stage.name and (b := self._brought(r)) is not None]
        nothing = exp.cast(exp.null(), "TEXT")
        rows: list[tuple[Sql, Sql]] = []
        if stage.opens is not None:
            opened = self.rows.stored.get((self.root, ("open", stage.name)))
            if not isinstance(opened, Plain):
                raise Refused
            rows += [(is_null(opened.sql), nothing), (negated(opened.sql), text("not_started"))]
        for word in ("failed", "", "suspended", "referred", "barred"):
            if word:
                hits = [some for status, some, _ in brought if status == word]
                rows += [(either(hits), text(word))] if hits else []
            else:
                opens = [open_ for _, _, open_ in brought] + self._unlisted(stage)
                rows += [(either(opens), nothing)] if opens else []
        return self.rows.add(f"status of {stage.name}", case(rows, text("passed")) if rows else text("passed"))

    def _unlisted(self, stage: core.Stage) -> list[Sql]:
        """Whether records that are not listed yet could stop a stage: by any effect that a requirement may have, chosen or not."""
        entities = {r.entity for r in self.requirements if r.stage == stage.name and r.may("reject", "suspend", "refer")}
        return [self.missing_lists[name] for name in sorted(entities - {self.root})]

    # Columns.

    def _if_good(self, sql: Sql) -> Sql:
        return case([(self.good, sql)])

    def _outcome(self, statuses: dict[str, Sql]) -> tuple[Sql, Sql]:
        """The outcome, and the stage that decides it."""

        def is_(status: Sql, word: str) -> Sql:
            return exp.EQ(this=status.copy(), expression=text(word))

        nothing = exp.cast(exp.null(), "TEXT")
        bad = (negated(self.good), nothing)
        failed = is_true(either([is_(s, "failed") for s in statuses.values()]))
        outcome: list[tuple[Sql, Sql]] = [bad, (failed, text("rejected"))]
        stage: list[tuple[Sql, Sql]] = [bad]
        for name, status in statuses.items():  # the first stage that failed, unless one before it may have
            stage += [(both([failed, is_null(status)]), nothing), (is_(status, "failed"), text(name))]
        open_ = either([is_null(s) for s in statuses.values()])
        outcome.append((open_, nothing))
        stage.append((open_, nothing))
        for name, status in statuses.items():
            stops = negated(exp.In(this=status.copy(), expressions=[text("passed"), text("not_started")]))
            outcome.append((stops, status))
            stage.append((stops, text(name)))
        stage += [(is_(status, "passed"), text(name)) for name, status in reversed(statuses.items())]
        return case(outcome, text("admitted")), case(stage, text(next(iter(statuses))))

    def _names(self, failed: dict[str, Sql], entity: str = "") -> Sql:
        """The ids of the requirements that failed, in the order of a decision, with commas; NULL where one is not decided."""
        kept = {name: self.rows.add(f"{entity}.{name} failed".lstrip("."), sql) for name, sql in failed.items()}
        found: Sql = text("")
        for name, sql in kept.items():
            found = exp.DPipe(this=found, expression=case([(sql, text(f"{name},"))], text("")))
        sure = both([self.good, *(negated(is_null(s)) for s in kept.values())])
        return case([(sure, exp.Trim(this=found, expression=text(","), position="TRAILING"))])

    def _of_records(self, entity: core.Entity) -> Shown:
        """The columns of a listed record: its keys, whether it is admitted, what it failed, its results where it is."""
        rows, policy = self.rows, self.policy
        shown: Shown = []
        for owner in rows.owners(entity.name)[:-1]:
            key = policy.entities[owner].key
            assert key is not None
            shown.append((f"{owner}__{key.name}", parts(rows.stored[owner, ("fact", key.name, "")])[0]))
        if entity.key is not None:
            shown.append((entity.key.name, parts(rows.stored[entity.name, ("fact", entity.key.name, "")])[0]))
        admitted = rows.stored.get((entity.name, ("admitted", "")))
        if not isinstance(admitted, Plain):
            raise Refused
        shown.append(("admitted", self._if_good(admitted.sql)))
        failed = {r.id: negated(self._met(r)) for r in self.requirements if r.entity == entity.name}
        shown.append(("failed", self._names(failed, entity.name) if failed else self._if_good(text(""))))
        known_all = [self.good, negated(is_null(admitted.sql)), *(negated(is_null(s)) for s in failed.values())]
        for result in (r for r in policy.results if r.entity == entity.name):
            columns, decided = self._result(result, admitted.sql)
            shown += columns
            known_all.append(either([negated(admitted.sql), decided]))
        shown.append(("needs_engine", negated(is_true(both(known_all)))))
        return shown

    def _result(self, result: core.Result, admitted: Sql | None = None) -> tuple[Shown, Sql]:
        """The columns of a result, and whether it is decided: an amount to the cent, a number as a decimal where one is exact, else as a
        fraction in two columns. A listed record has results only where it is admitted."""
        found = self.rows.stored.get((result.entity, ("definition", result.name)))
        if found is None:
            raise Refused
        value, column = found, f"result__{result.name}"
        there = both([self.good, admitted]) if admitted is not None else self.good
        if not isinstance(value, Number):
            return [(column, case([(there, value.sql)]))], known(value)
        direction = self.rows.settled.settings.money_rounding
        if bare(result.type) == MONEY:
            if not isinstance(direction, str):
                raise Unsupported("rounding", self.policy.definitions[result.entity, result.name].span)
            value = self._kept(rounded(value, direction, CENT, self.rows.dialect), value, column)
        tens = next((n for n in range(13) if 10**n % value.scale == 0), None)
        if value.den is None and tens is not None:
            digits = times(value.num, 10**tens // value.scale)
            fits = exp.LT(this=exp.Abs(this=digits), expression=exp.cast(literal(10**RESULT_DIGITS), "INT128"))
            whole: Sql = exp.cast(digits, f"DECIMAL({RESULT_DIGITS}, 0)")
            if tens:
                step = exp.cast(text("0." + "0" * (tens - 1) + "1"), f"DECIMAL({tens + 1}, {tens})")
                whole = exp.Mul(this=whole, expression=step)
            decided = both([known(value), either([is_null(value.num), fits])])
            return [(column, case([(both([there, fits]), whole)]))], decided
        den = exp.cast(literal(value.scale), "INT128")
        total = times(den, value.den)
        shown = [(f"{column}__numerator", case([(there, value.num)])), (f"{column}__denominator", case([(there, total)]))]
        return shown, both([known(value), either([is_null(value.num), negated(is_null(total))])])

    def _kept(self, value: Number, before: Value, name: str) -> Number:
        num = self.rows.add(f"{name} in cents", value.num)
        return Number(num, value.scale, None, before.none)
