"""The programs of one policy: each is compiled once, when it is worth it, and kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bandolo.check import core
from bandolo.evaluate.decision import Decision
from bandolo.evaluate.settle import Changes, Settled
from bandolo.records import dataclass, field

if TYPE_CHECKING:
    # A start that decides one application needs no program: what compiles and runs them is imported when there is one.
    from bandolo.evaluate.decide import Identity
    from bandolo.plan.program import Program
    from bandolo.plan.told import Telling

WORTH_IT = 3
"""Compiling costs about as much as a few decisions by the reference."""
WORTH_IT_CHANGED = 8
MOST_CHANGED = 32
"""What-ifs whose programs are kept; a sweep over more is for the columnar path."""


@dataclass
class Programs:
    """The programs of a policy, by what is changed in it. Threads may share it: at worst two compile the same."""

    plain: Program | None = None
    asked: int = 0
    changed: dict[str, Program] = field(default_factory=dict)
    changed_asked: dict[str, int] = field(default_factory=dict)
    clock_in_parameters: bool | None = None
    at_hand: Telling | None = None
    """What decides a complete application at once, where nothing is changed and no clock is given."""
    at_once: Callable[[Any], Decision | None] | None = None
    """The decision of what is at hand; None for an application that is not complete."""

    def keep_at_hand(self, program: Program, settled: Settled, identity: Identity) -> None:
        """Have a program at hand that makes one pass where nothing is changed."""
        from bandolo.plan.running import NOT_COMPLETE
        from bandolo.plan.told import Telling, tell

        made = Telling(program, settled, Changes(), identity)
        made.lasting = True

        def at_once(application: Any) -> Decision | None:
            try:
                return tell(made.decide(application), made)
            except NOT_COMPLETE:
                return None

        self.at_hand, self.at_once = made, at_once

    def decide_json(self, content: bytes) -> str | None:
        """The decision's JSON on an application's, where all of it is in order and a program is at hand; else None."""
        at_hand = self.at_hand
        if at_hand is None:
            return None
        from bandolo.plan.running import NOT_COMPLETE
        from bandolo.plan.told import tell

        spelling = at_hand.spelling
        if spelling.read is None:
            return None
        try:
            state = at_hand.decide(content, spelling.read)
        except NOT_COMPLETE:
            return None
        if not spelling.is_said_once(content, state):
            return None
        return spelling.text(state) or tell(state, at_hand).to_json()

    def speaks_of_clock(self, policy: core.Policy) -> bool:
        """Whether the settings of a policy change with the clock."""
        if self.clock_in_parameters is None:
            self.clock_in_parameters = _clock_in_parameters(policy)
        return self.clock_in_parameters

    def program(self, policy: core.Policy, settled: Settled, changes: Changes, now: bool) -> Program | None:
        """The program for a what-if; None while it is not worth compiling, unless it is wanted `now`."""
        if self.speaks_of_clock(policy):
            return None
        if not (changes.set or changes.readings or changes.assume):
            if self.plain is None:
                self.asked += 1
                if not now and self.asked < WORTH_IT:
                    return None
                from bandolo.plan.program import compile_program

                self.plain = compile_program(policy, settled)
            return self.plain
        key = repr(changes)
        found = self.changed.get(key)
        if found is None:
            self.changed_asked[key] = asked = self.changed_asked.get(key, 0) + 1
            if not now and (asked < WORTH_IT_CHANGED or len(self.changed) >= MOST_CHANGED):
                return None
            from bandolo.plan.program import compile_program

            found = self.changed[key] = compile_program(policy, settled)
        return found


def _clock_in_parameters(policy: core.Policy) -> bool:
    """Whether a parameter or a range speaks of `as_of`: then the constants of a program would change with every clock."""
    parts = [p for x in policy.parameters.values() for p in (x.value, x.assume, *(v.value for v in x.versions))]
    parts += [p for entity in policy.entities.values() for fact in entity.facts.values() for p in (fact.low, fact.high)]
    return any(isinstance(node, core.AsOf) for part in parts if part is not None for node in core.walk(part))
