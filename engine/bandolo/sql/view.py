"""The view `decisions` of a policy: an outcome for every application that SQL can decide exactly, `needs_engine` for every other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from sqlglot import exp
from sqlglot.expressions import Expr as Sql

from bandolo.check import core
from bandolo.diagnostics import Diagnostic, in_order
from bandolo.evaluate.settle import Settled
from bandolo.evaluate.stages import PRECEDENCE, STATUS_BY_EFFECT
from bandolo.language.types import MONEY, ListType, RecordType
from bandolo.language.values import Unknown
from bandolo.source import Span
from bandolo.sql import intake
from bandolo.sql.expressions import rounded, say, truth
from bandolo.sql.scope import Chains, Scope, col, moved, quoted
from bandolo.sql.tables import bare
from bandolo.sql.values import Construct, Number, Plain, Refused, Unsupported, Value, both, case, either, is_null, known, literal, negated

VIEW = "decisions"
DIALECTS = ("duckdb", "postgres")
NUMBERS = {"duckdb": "HUGEINT", "postgres": "NUMERIC"}
CENT = Fraction(1, 100)


@dataclass(frozen=True)
class View:
    """The text of a view and the names of its columns, in order."""

    sql: str
    columns: tuple[str, ...]


def view(policy: core.Policy, settled: Settled, dialect: str) -> tuple[View | None, list[Diagnostic]]:
    """The view of a policy under some settings, in a dialect, or everything that keeps it from being exact (`sql-unsupported`)."""
    writer = _Writer(policy, settled, dialect)
    made = writer.made()
    if writer.refusals:
        return None, in_order(writer.refusals)
    return made, []


class _Writer:
    def __init__(self, policy: core.Policy, settled: Settled, dialect: str) -> None:
        self.policy, self.settled, self.dialect = policy, settled, dialect
        self.chains = Chains(policy, settled.settings, dialect)
        self.refusals: list[Diagnostic] = []

    def made(self) -> View | None:
        policy = self.policy
        root = policy.entities[policy.root]
        if root.key is None:
            self._cannot("no-key", next(iter(root.facts.values())).span)
        for name in policy.root_names():
            self._try(next(iter(policy.entities[name].facts.values())).span, lambda n=name: self._begin(n))
        for name in reversed(policy.root_names()):
            self._try(next(iter(policy.entities[name].facts.values())).span, lambda n=name: intake.end(self.chains, policy.entities[n]))
        for result in policy.results:
            if result.entity != policy.root:
                self._cannot("record-result", policy.definitions[result.entity, result.name].span)
        needed = self._needed()
        for step in policy.steps:
            if step.kind != "definition" or (step.entity, step.name) in needed:
                self._step(step)
        if self.refusals:
            return None
        return self._view()

    def _cannot(self, what: str, span: Span) -> None:
        self.refusals.append(Diagnostic("sql-unsupported", span, {"what": Construct(what), "dialect": self.dialect}))

    def _try(self, span: Span, work: object) -> None:
        try:
            work()  # type: ignore[operator]
        except Unsupported as error:
            self._cannot(error.what, error.span or span)
        except Refused:
            return
        except KeyError:
            # It rests on a table that has just been refused.
            if not self.refusals:
                raise

    def _begin(self, name: str) -> None:
        entity = self.policy.entities[name]
        for fact in entity.facts.values():
            type_ = bare(fact.type)
            if isinstance(type_, RecordType) and self.policy.entities[type_.entity].owner != name:
                raise Unsupported("reference", fact.span)
        intake.begin(self.chains, self.settled, entity)

    def _needed(self) -> set[tuple[str, str]]:
        """The definitions that a verdict, a result or an opening rests on; lists of records stand where they are used."""
        found: set[tuple[str, str]] = set()
        start = [(r.entity, r.name) for r in self.policy.results]
        trees: list[core.Expr] = [s.opens for s in self.policy.stages if s.opens is not None]
        for requirement in self.policy.requirements.values():
            trees += [t for t in (requirement.applies, requirement.check) if t is not None]
        start += [n for t in trees for n in _computed(t)]
        while start:
            one = start.pop()
            if one not in found:
                found.add(one)
                start += _computed(self.policy.definitions[one].value)
        return {k for k in found if not isinstance(bare(self.policy.definitions[k].type), ListType)}

    def _step(self, step: core.Step) -> None:
        policy = self.policy
        scope = Scope(self.chains, {0: "t"}, {"t": step.entity})
        match step.kind:
            case "definition":
                definition = policy.definitions[step.entity, step.name]
                self._keep(scope, ("definition", step.name), definition.span, lambda: say(definition.value, scope))
            case "requirement":
                requirement = policy.requirements[step.name]
                self._keep(scope, ("met", step.name), requirement.span, lambda: self._met(requirement, scope))
            case "admitted":
                self._keep(scope, ("admitted", step.name), next(iter(policy.entities[step.entity].facts.values())).span,
                           lambda: self._admitted(step))  # fmt: skip
            case _:
                opens = policy.stages[policy.stage_index(step.name)].opens
                if opens is not None:
                    self._keep(scope, ("open", step.name), opens.span, lambda: Plain(truth(opens, scope)))

    def _keep(self, scope: Scope, key: tuple[str, ...], span: Span, work: object) -> None:
        def kept() -> None:
            value = work()  # type: ignore[operator]
            self.chains.extend(scope.entities["t"], key, value)

        self._try(span, kept)

    def _met(self, requirement: core.Requirement, scope: Scope) -> Value:
        check = truth(requirement.check, scope)
        if requirement.applies is None:
            return Plain(check)
        return Plain(either([negated(truth(requirement.applies, scope)), check]))

    def _admitted(self, step: core.Step) -> Value:
        policy, entity = self.policy, self.policy.entities[step.entity]
        last = policy.stage_index(step.name) if step.name else len(policy.stages)
        conditions: list[Sql] = []
        for requirement in policy.requirements.values():
            if requirement.entity != entity.name or policy.stage_index(requirement.stage) > last or not requirement.may("exclude"):
                continue
            effect = self._effect(requirement)
            if effect is not None and effect.word != "exclude":
                continue
            met = self._stored(entity.name, ("met", requirement.id))
            parts = [met, *self._not_open(entity.name, requirement.stage)]
            if effect is None:  # an open reading decides: undecided unless nothing failed
                parts.append(exp.cast(exp.null(), "BOOLEAN"))
            conditions.append(either(parts))
        if entity.owner is not None and policy.entities[entity.owner].owner is not None:
            if (entity.owner, ("admitted", step.name)) not in self.chains.stored:
                raise Refused
            above = self.chains.of_owner(entity.name, entity.owner, ("admitted", step.name))
            assert isinstance(above, Plain)
            conditions.append(above.sql)
        return Plain(both(conditions))

    def _not_open(self, entity: str, stage: str) -> list[Sql]:
        """Whether a stage is closed, beside a record; nothing where it is always open."""
        if self.policy.stages[self.policy.stage_index(stage)].opens is None:
            return []
        root = self.policy.root
        if (root, ("open", stage)) not in self.chains.stored:
            raise Refused
        opened = self.chains.of_owner(entity, root, ("open", stage)) if entity != root else self.chains.stored[root, ("open", stage)]
        assert isinstance(opened, Plain)
        return [negated(opened.sql)]

    def _stored(self, entity: str, key: tuple[str, ...]) -> Sql:
        value = self.chains.stored.get((entity, key))
        if not isinstance(value, Plain):
            raise Refused
        return value.sql

    def _effect(self, requirement: core.Requirement) -> core.Effect | None:
        """What a failure does; None where an open reading decides it."""
        if requirement.effect_by is None:
            return requirement.effects[""]
        chosen = self.settled.settings.options[requirement.effect_by]
        return requirement.effects[chosen] if isinstance(chosen, str) else None

    # The decision.

    def _view(self) -> View:
        policy, chains = self.policy, self.chains
        flags = self._flags()
        stopped: list[Sql] = [negated(flags["open"])]
        status: dict[str, Sql] = {}
        for stage in policy.stages:
            rows: list[tuple[Sql, Sql]] = []
            opened = chains.stored.get((policy.root, ("open", stage.name)))
            if isinstance(opened, Plain):
                stopped.append(negated(is_null(opened.sql)))
                rows.append((negated(opened.sql), exp.Literal.string("not_started")))
            for word in PRECEDENCE:
                hits = [flags[f"stops {r.id}"] for r in policy.requirements.values()
                        if r.stage == stage.name and f"stops {r.id}" in flags and self._status(r) == word]  # fmt: skip
                if hits:
                    rows.append((either(hits), exp.Literal.string(word)))
            status[stage.name] = case(rows, exp.Literal.string("passed")) if rows else exp.Literal.string("passed")
        root = chains.policy.entities[policy.root]
        assert root.key is not None
        key = chains.stored[policy.root, ("fact", root.key.name, "")]
        results = [(r.name, r.type, chains.stored[policy.root, ("definition", r.name)]) for r in policy.results]
        stopped += [col("single"), intake.whole(chains, policy.root, "t"), *(known(v) for _, _, v in results)]
        decided = exp.Coalesce(this=both(stopped), expressions=[exp.false()])
        chains.extend(policy.root, ("decided",), Plain(decided))
        sure = chains.stored[policy.root, ("decided",)]
        assert isinstance(sure, Plain)
        statuses = {n: chains.extend(policy.root, ("status", n), Plain(case([(sure.sql, s)]))) for n, s in status.items()}
        shown: list[tuple[str, Sql]] = [(root.key.name, _first(key)), ("outcome", self._outcome(sure.sql, statuses, True)),
                                        ("stage", self._outcome(sure.sql, statuses, False))]  # fmt: skip
        shown += [(f"status__{name}", _first(value)) for name, value in statuses.items()]
        shown.append(("failed", self._failed(sure.sql, flags)))
        for name, type_, value in results:
            shown += self._result(name, bare(type_) == MONEY, value, sure.sql)
        shown.append(("needs_engine", negated(sure.sql)))
        return View(self._printed(shown), tuple(n for n, _ in shown))

    def _printed(self, shown: Sequence[tuple[str, Sql]]) -> str:
        query = exp.select(*(exp.alias_(s, n, quoted=True) for n, s in shown)).from_(self.chains.table(self.policy.root, "t"))
        for name, link in self.chains.links:
            query = query.with_(quoted(name), as_=link, materialized=True, copy=False)
        made = exp.Create(this=exp.Table(this=quoted(VIEW)), kind="VIEW", expression=query)
        for kind in list(made.find_all(exp.DataType)):
            if kind.this == exp.DataType.Type.INT128:
                kind.replace(exp.DataType.build(NUMBERS[self.dialect], dialect=self.dialect))
        return made.sql(self.dialect, pretty=True)

    def _status(self, requirement: core.Requirement) -> str | None:
        effect = self._effect(requirement)
        return STATUS_BY_EFFECT.get(effect.word) if effect is not None else None

    def _flags(self) -> dict[str, Sql]:
        """Of the root: which requirements failed, on any record, which of them stop their stage, and whether anything is undecided."""
        policy, chains = self.policy, self.chains
        below: dict[str, dict[str, Sql]] = {}
        for name in reversed(policy.root_names()):
            flags: dict[str, list[Sql]] = {"open": []}
            for child in [e.name for e in policy.entities.values() if e.owner == name]:
                there = negated(is_null(col("row", "i")))
                wanted = below[child]
                made: list[Sql] = []
                for sql in wanted.values():
                    hit = exp.LogicalOr(this=both([there, *(p for p in [_at(sql, "i")])]))
                    made.append(exp.Coalesce(this=hit, expressions=[exp.false()]))
                found = chains.gathered(name, child, ("any",), made)
                for key, sql in zip(wanted, found, strict=True):
                    flags.setdefault(key, []).append(sql)
            for requirement in policy.requirements.values():
                if requirement.entity == name:
                    self._requirement_flags(requirement, flags)
            kept = {k: either(v) for k, v in flags.items()}
            below[name] = {k: _first(chains.extend(name, ("flag", k), Plain(v))) for k, v in kept.items()}
        return below[policy.root]

    def _requirement_flags(self, requirement: core.Requirement, flags: dict[str, list[Sql]]) -> None:
        met = self._stored(requirement.entity, ("met", requirement.id))
        failed = exp.Coalesce(this=negated(met), expressions=[exp.false()])
        flags[f"failed {requirement.id}"] = [failed]
        flags["open"].append(is_null(met))
        effect = self._effect(requirement)
        as_of = self.settled.settings.as_of
        if effect is None or (effect.word == "suspend" and effect.cure is not None and not isinstance(as_of, Unknown)):
            flags["open"].append(failed)  # the engine knows whether the time to put it right is over
            return
        listed = requirement.entity != self.policy.root
        if effect.word not in STATUS_BY_EFFECT or (listed and effect.word == "bar"):
            return
        if not listed:
            flags[f"stops {requirement.id}"] = [failed]
            return
        admitted = self._stored(requirement.entity, ("admitted", requirement.stage))
        flags[f"stops {requirement.id}"] = [both([failed, exp.Coalesce(this=admitted, expressions=[exp.false()])])]
        flags["open"].append(both([failed, is_null(admitted)]))

    def _outcome(self, sure: Sql, statuses: dict[str, Value], outcome: bool) -> Sql:
        """The outcome, or the stage that decides it."""

        def text(word: str) -> Sql:
            return exp.Literal.string(word)

        rows: list[tuple[Sql, Sql]] = [(negated(sure), exp.cast(exp.null(), "TEXT"))]
        is_ = {n: lambda w, v=v: exp.EQ(this=_first(v).copy(), expression=text(w)) for n, v in statuses.items()}
        rows += [(is_[n]("failed"), text("rejected" if outcome else n)) for n in statuses]
        for n, value in statuses.items():
            calm = either([is_[n]("passed"), is_[n]("not_started")])
            rows.append((negated(calm), _first(value) if outcome else text(n)))
        if outcome:
            return case(rows, text("admitted"))
        return case(rows + [(is_[n]("passed"), text(n)) for n in reversed(list(statuses))], text(next(iter(statuses))))

    def _failed(self, sure: Sql, flags: dict[str, Sql]) -> Sql:
        """The ids of the requirements that failed, in the order of a decision, each followed by a comma but the last."""
        policy = self.policy
        order = sorted(policy.requirements.values(), key=lambda r: (policy.stage_index(r.stage), policy.depth(r.entity), r.entity, r.id))
        found: Sql = exp.Literal.string("")
        for requirement in order:
            piece = case([(flags[f"failed {requirement.id}"], exp.Literal.string(f"{requirement.id},"))], exp.Literal.string(""))
            found = exp.DPipe(this=found, expression=piece)
        return case([(sure, exp.Trim(this=exp.paren(found), expression=exp.Literal.string(","), position="TRAILING"))])

    def _result(self, name: str, money: bool, value: Value, sure: Sql) -> list[tuple[str, Sql]]:
        """The columns of a result: an amount to the cent, a number as a decimal where one is exact, else its fraction in two columns."""
        column = f"result__{name}"
        if not isinstance(value, Number):
            return [(column, case([(sure, value.sql)]))]
        if money:
            direction = self.settled.settings.money_rounding
            if isinstance(direction, str):
                value = rounded(value, direction, CENT, self.dialect)
        tens = next((n for n in range(13) if 10**n % value.scale == 0), None)
        if value.den is None and tens is not None:
            digits = value.num if 10**tens == value.scale else exp.Mul(this=value.num.copy(), expression=literal(10**tens // value.scale))
            whole: Sql = exp.cast(exp.paren(digits), "DECIMAL(25, 0)")
            if tens:
                step = exp.cast(exp.Literal.string("0." + "0" * (tens - 1) + "1"), f"DECIMAL({tens + 1}, {tens})")
                whole = exp.Mul(this=whole, expression=step)
            return [(column, case([(sure, whole)]))]
        den = exp.cast(literal(value.scale), "INT128")
        total = exp.Mul(this=den, expression=value.den.copy()) if value.den is not None else den
        return [(f"{column}__numerator", case([(sure, value.num)])), (f"{column}__denominator", case([(sure, total)]))]


def _first(value: Value) -> Sql:
    return value.num if isinstance(value, Number) else value.sql


def _at(sql: Sql, alias: str) -> Sql:
    found = moved(Plain(sql), alias)
    assert isinstance(found, Plain)
    return found.sql


def _computed(node: core.Expr) -> list[tuple[str, str]]:
    return [(n.entity, n.name) for n in core.walk(node) if isinstance(n, core.Computed)]
