"""Nearly every record meets what it is simply asked: one test for all such requirements, each on its own only where it fails.

Where the test holds nothing is kept of the record's verdicts, and nothing assigned: they are all `True`.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from bandolo.check import core
from bandolo.language.types import BOOLEAN
from bandolo.plan.quote import code, lines, literal, name

if TYPE_CHECKING:
    from bandolo.plan.fused import Fused


class Usual:
    """The requirements of one entity that ask its records' facts and nothing else."""

    def __init__(self, whole: Fused, entity: str) -> None:
        self.whole, self.entity = whole, entity
        self.flag = f"usual_{whole.this(entity)}"
        self.answers: dict[str, bool] = {}
        """Slots of the yes or no facts that are looked at here, and the answer that is usual."""
        self.tests: dict[str, ast.expr] = {}
        """By requirement, what holds of a record that meets it."""
        self.alone: dict[str, list[ast.stmt]] = {}
        """By requirement, what puts its verdict under its name."""
        self.admitted: dict[str, ast.expr] = {}
        """Moments of admission that the test settles, and what says so of a record that fails it."""
        mine = [r for r in whole.policy.requirements.values() if r.entity == entity and r.applies is None and whole.effect(r).cure is None]
        asked = {r.id: found for r in mine if (found := self._answer(r)) is not None}
        for id_, (slot, wanted) in asked.items():
            if slot not in self.answers:
                self.answers[slot] = wanted
                self._yes_or_no(id_, slot, wanted)
        for requirement in mine:
            if requirement.id not in asked:
                self._plain(requirement)
        if len(self.tests) < 2:
            self.answers, self.tests, self.alone = {}, {}, {}

    def _answer(self, requirement: core.Requirement) -> tuple[str, bool] | None:
        """The fact that a requirement asks and the answer that meets it, if that is all."""
        check, wanted = requirement.check, True
        if isinstance(check, core.Not):
            check, wanted = check.value, False
        if isinstance(check, core.Fact) and check.type == BOOLEAN and isinstance(check.record, core.Variable):
            return self.whole.names.facts[self.entity, check.name, None], wanted
        return None

    def _yes_or_no(self, id_: str, slot: str, wanted: bool) -> None:
        fact = self.whole.seen(self.entity, slot)
        verdict = self.whole.names.verdicts[id_]
        if self.whole.shapes is not None:
            self.tests[id_] = fact if wanted else code("not F", F=fact)
            self.alone[id_] = []
        else:
            self.tests[id_] = code("F is W", F=fact, W=wanted)
            self.alone[id_] = lines("if F is not True and F is not False: raise Open", F=fact)
        self.alone[id_] += lines("V = F" if wanted else "V = not F", V=verdict, F=fact)

    def _plain(self, requirement: core.Requirement) -> None:
        """A check that is one expression of the record's own facts."""
        if any(isinstance(n, core.Computed | core.Met | core.Admitted | core.Filter | core.Map) for n in core.walk(requirement.check)):
            return
        body: list[ast.stmt] = []
        made = self.whole.writer(self.entity, 0, body).value(requirement.check)
        known = {slot for (entity, _, _), slot in self.whole.names.facts.items() if entity == self.entity} | {self.whole.this(self.entity)}
        names = {n.id for n in ast.walk(made.expr) if isinstance(n, ast.Name)}
        if not body and made.kind is not None and names <= known | self.whole.names.constants.keys():
            self.tests[requirement.id] = made.expr
            self.alone[requirement.id] = lines("V = X", V=self.whole.names.verdicts[requirement.id], X=made.expr)

    def test(self, inside: list[ast.stmt], put: list[ast.stmt]) -> list[ast.stmt]:
        """The test, and the verdicts one by one where it fails; `put` comes after them, `inside` after all.

        What nothing inside asks for is not set.
        """
        if not self.tests:
            return inside
        read = {n.id for statement in inside for n in ast.walk(statement) if isinstance(n, ast.Name)}
        verdicts = [verdict for id_ in self.tests if self._is_read(id_) and (verdict := self.whole.names.verdicts[id_]) in read]
        targets = [n for n in (self.flag, *verdicts, *self.admitted) if n in read]
        then: list[ast.stmt] = [ast.Pass()]
        if targets:
            then = [ast.Assign([ast.Name(target, ast.Store()) for target in targets], literal(True))]
        rest = lines("U = False", U=self.flag) if self.flag in read else []
        for statements in self.alone.values():
            rest += statements
        for moment, test in self.admitted.items():
            rest += lines("A = T", A=moment, T=test) if moment in read else []
        return [ast.If(ast.BoolOp(ast.And(), list(self.tests.values())), then, [*rest, *put]), *inside]

    def _is_read(self, id_: str) -> bool:
        """Whether an expression of the policy asks for the verdict."""
        return (self.entity, self.whole.names.requirements[id_]) in self.whole.read

    def settles(self, moment: str, parts: list[tuple[str, ast.expr]]) -> bool:
        """Whether the test alone says that all of some requirements are met, each given with what says so; then it sets the moment, too."""
        if not parts or any(id_ not in self.tests for id_, _ in parts):
            return False
        self.admitted[moment] = both([expr for _, expr in parts])
        return True

    def all_of(self, parts: list[tuple[str, ast.expr]]) -> ast.expr:
        """As `settles`, as an expression: those looked at together need not be asked again."""
        together = [expr for id_, expr in parts if id_ in self.tests]
        tests = [expr for id_, expr in parts if id_ not in self.tests]
        if together:
            tests.insert(0, code("U or E", U=self.flag, E=both(together)))
        return both(tests) if tests else literal(True)

    def kept(self, verdicts: list[str], odd: str, key: str, hits: list[ast.stmt]) -> tuple[list[ast.stmt], list[ast.stmt]]:
        """What keeps the verdicts of a record that does not meet everything: where the test fails, and after all is known.

        `hits` are looked at where the test fails; they may ask for what is known later.
        """
        names = self.whole.names.verdicts
        put = lines("O[K] = V", O=odd, K=key, V=_tuple([name(names[v]) for v in verdicts]))
        others: list[ast.expr] = [code("V is True", V=names[v]) for v in verdicts if v not in self.tests]
        if not self.tests:
            return [], [ast.If(code("not T", T=both(others)), put, [])]
        if not others and not hits:
            return put, []
        rest: list[ast.stmt] = []
        if others:
            known = _tuple([literal(True) if v in self.tests else name(names[v]) for v in verdicts])
            rest = [ast.If(code("not T", T=both(others)), lines("O[K] = V", O=odd, K=key, V=known), [])]
        return [], [ast.If(code("not U", U=self.flag), [*hits, *put], rest)]


def both(tests: list[ast.expr]) -> ast.expr:
    """All of some conditions."""
    return tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests)


def _tuple(parts: list[ast.expr]) -> ast.expr:
    return ast.Tuple(parts, ast.Load())
