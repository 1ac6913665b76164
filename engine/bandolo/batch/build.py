"""What the parts of one program's making share: the policy, its rows and columns, the lines written so far, and what they came to.

Each part is a module of functions that take a `Build`: `steps` writes definitions and requirements in their order, `verdicts` what an
application comes to, `results` and `ranking_values` the values that leave, `emission` the source; `compiling` calls them one after another.
"""

from __future__ import annotations

from collections.abc import Mapping

from bandolo.batch.columns import Column, Frame, NotColumnar, row_name
from bandolo.batch.facts import Facts
from bandolo.batch.program import LACKING, NO_RESULT, Key, Shape
from bandolo.batch.writer import Writer
from bandolo.check import core
from bandolo.evaluate.settle import Settled
from bandolo.language.types import BOOLEAN


class Build:
    """One program while it is made; `compiling.compile_columns` says what the arguments are."""

    def __init__(
        self,
        policy: core.Policy,
        settled: Settled,
        shapes: Mapping[Key, Shape],
        records: bool,
        ranking: bool,
        kept: frozenset[str] = frozenset(),
    ) -> None:
        self.kept = kept
        self.names_missing = True
        """Whether it is told which facts leave a verdict open; if not, that one is open is all there is to show."""
        self.policy, self.settled, self.shapes, self.records, self.ranking = policy, settled, shapes, records, ranking
        self.root = Frame(policy.root, row_name(policy, policy.root), None)
        self.frames: dict[str, Frame] = {policy.root: self.root}
        for name in policy.root_names():
            owner = policy.entities[name].owner
            if owner is not None:
                self.frames[name] = Frame(name, row_name(policy, name), self.frames[owner])
        self.columns = tuple(shapes)
        self.lists: dict[str, str] = {}
        """Lists of values, and what the program calls their rows."""
        self.facts = facts = Facts(self)
        self.w = Writer(policy, settled, self.root, facts.fact, facts.known, facts.lacking, facts.lacks, facts.values)
        self.tried: list[Build] = []
        """The trials, once they are asked for (`steps.trials`)."""
        self.left: list[str | None] = []
        """The applications that are left to the reference; and the same by reason."""
        self.reasons: dict[str, list[str | None]] = {}
        self.read: set[Key] = set()
        self.open: dict[str, str | None] = {}
        """Where the verdict of a requirement is open, and what is missing is known."""
        self.named: dict[str, list[tuple[core.Fact, str]]] = {}
        """Of a requirement the facts that leave it open, and where each of them alone does."""
        self.bads: dict[str, str | None] = {}
        """Of a requirement, the rows in which it is left to the reference."""
        self.opened: dict[str, Column] = {}
        """Of a stage, whether it begins."""
        self.back: list[str] = []
        """The arrays that come back, in their order."""
        order = sorted(policy.requirements.values(), key=lambda r: (policy.stage_index(r.stage), policy.depth(r.entity), r.entity, r.id))
        self.order = [r.id for r in order]

    def put(self, name: str) -> int:
        """The place of an array in what comes back."""
        self.back.append(name)
        return len(self.back) - 1

    def leave(self, bad: str | None, frame: Frame | None, *reasons: str) -> None:
        """Leave the applications to the reference in whose rows something is bad."""
        while bad is not None and frame is not None and frame is not self.root:
            bad = self.w.emit(f"some_bad({bad}, {frame.name})")
            frame = frame.above
        self.left.append(bad)
        for reason in reasons or (NO_RESULT,):
            self.reasons.setdefault(reason, []).append(bad)

    @staticmethod
    def why(asked: frozenset[tuple[str, str]]) -> list[str]:
        """Why what rests on something missing is left; what is missing in some rows is counted by these."""
        said = {"column": "{} has no column, and the rules ask for it here", "reason": "{}", "null": LACKING}
        return sorted({said.get(kind, "{} is not known").format(name) for kind, name in asked})

    def given(self, entity: str, name: str) -> Column | None:
        """Flags that are no fact, where there are any."""
        key = (entity, name, None)
        return Column("flag", self.frames[entity], f"c{self.columns.index(key)}") if key in self.shapes else None

    def effect(self, requirement: core.Requirement) -> core.Effect:
        """What a requirement that is not met does, under the reading that was chosen; NotColumnar where none was."""
        option = "" if requirement.effect_by is None else self.settled.settings.options[requirement.effect_by]
        if not isinstance(option, str):
            raise NotColumnar(f"reading.{requirement.effect_by} is not chosen")
        return requirement.effects[option]

    def unless_closed(self, requirement: core.Requirement) -> Column:
        """Whether a requirement is met, or its stage has not begun."""
        opened = self.opened[requirement.stage]
        if opened.constant is False:
            return self.w.value_of(True, BOOLEAN)
        if opened.constant is True:
            return self.w.met[requirement.id]
        return self.w.negated(self.w.every([opened, self.w.negated(self.w.met[requirement.id])]))

    def here(self, column: Column, frame: Frame) -> Column:
        """A column of flags on the very rows, whatever it was made of."""
        if column.constant is not None:
            return Column("flag", frame, self.w.emit(f"np.full({frame.name}.count, {column.constant})"))
        return column if column.frame is frame else self.w.plainly(self.w.spread(column, frame))
