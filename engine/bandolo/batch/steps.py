"""The steps of a policy, in their order: definitions, requirements, who is admitted, and which stages begin.

A step without a column is no error: a definition may not matter, and a requirement is left to the reference wherever it applies.
"""

from __future__ import annotations

from contextlib import suppress

from bandolo.batch.build import Build
from bandolo.batch.choices import chosen
from bandolo.batch.columns import Column, Frame, NotColumnar
from bandolo.batch.program import CURABLE, LACKING, OUTSIDE, STRUCK, met_key
from bandolo.batch.trials import TRIALS, differing
from bandolo.check import core
from bandolo.language.types import BOOLEAN, ListType


def leave_outside(build: Build) -> None:
    """Leave the applications with values outside of what a fact declares, or of what is computed with."""
    for at, key in enumerate(build.columns):
        shape = build.shapes[key]
        if shape.form == "number":
            low, high = build.facts.bounds(key)
            frame = build.frames[key[0]] if key[0] in build.frames else build.facts.values_of(key[0])
            build.leave(build.w.emit(f"outside(c{at}, {low}, {high}, n{at})"), frame, OUTSIDE)


def write_step(build: Build, step: core.Step) -> None:
    """Write the lines of one step, and keep the columns that it comes to."""
    frame = build.frames[step.entity]
    build.w.slots = {0: Column("record", frame, "", of=frame)}
    build.w.asked = set()
    match step.kind:
        case "definition":
            try:
                value = build.w.value(build.policy.definitions[step.entity, step.name].value)
                if value.frame is not None and value.frame is not frame:
                    value = build.w.spread(value, frame)
            except NotColumnar as reason:  # it may be that nothing that counts is made of it
                build.w.why[step.entity, step.name] = str(reason)
                return
            build.w.definitions[step.entity, step.name] = value
            build.w.asks["definition", step.entity, step.name] = frozenset(build.w.asked)
        case "requirement":
            requirement = build.policy.requirements[step.name]
            try:
                _requirement(build, requirement, frame)
            except NotColumnar as reason:  # which does not matter where it does not apply, or in a stage that is not open
                _undecided(build, requirement, frame, str(reason))
            build.w.asks["requirement", step.name] = frozenset(build.w.asked)
        case "admitted":
            build.w.admitted[step.entity, step.name] = admitted(build, step.entity, step.name, frame)
        case _:
            stage = build.policy.stages[build.policy.stage_index(step.name)]
            opened = build.w.value_of(True, BOOLEAN) if stage.opens is None else build.w.plainly(build.w.value(stage.opens))
            build.leave(opened.bad, frame)
            build.opened[step.name] = opened.but(bad=None)


def _undecided(build: Build, requirement: core.Requirement, frame: Frame, reason: str) -> None:
    """A requirement that has no column: left to the reference wherever it applies."""
    w = build.w
    build.w.asked.add(("reason", reason))
    bad = w.emit(f"np.ones({frame.name}.count, bool)")
    if requirement.applies is not None:
        with suppress(NotColumnar):
            applies = w.plainly(build.here(w.value(requirement.applies), frame))
            bad = w.either(applies.name, applies.bad) or bad
    # Where it does not apply it is met; where it does, no one looks at what stands here.
    w.met[requirement.id] = Column("flag", frame, w.emit(f"np.ones({frame.name}.count, bool)"))
    build.bads[requirement.id] = w.unsure[requirement.id] = bad


def _requirement(build: Build, requirement: core.Requirement, frame: Frame) -> None:
    w = build.w
    before, struck = build.given(requirement.entity, met_key(requirement.entity, requirement.id)[1]), build.given(frame.entity, STRUCK)
    if before is not None and struck is None:
        w.met[requirement.id], build.bads[requirement.id] = before, None
        return
    applies = None if requirement.applies is None else w.value(requirement.applies)
    # What never applies need not have a column.
    never = applies is not None and applies.constant is False
    check = w.value_of(True, BOOLEAN) if never else w.value(requirement.check)
    if applies is not None:
        fails = w.every([applies, w.negated(check)])
        bad = fails.bad
        if applies.bad is not None:
            home, (applies_, fails_) = w.together(applies, fails)
            bad = w.either(applies_.bad, fails_.bad)
            if fails.constant is not None and home is not None:  # what is bad stands in the rows of what it applies to
                fails = Column("flag", home, w.emit(f"np.full({home.name}.count, {fails.constant})"))
        met = w.negated(fails)
    else:
        met, bad = check, check.bad
    if met.frame is not None and met.frame is not frame:
        if bad is not None:
            met = met.but(bad=bad)
        met = w.spread(met, frame)
        bad = met.bad
    if met.constant is not None:
        met = Column("flag", frame, w.emit(f"np.full({frame.name}.count, {met.constant})"))
    met = met.but(bad=None, frame=frame)
    if before is not None and struck is not None:  # a verdict stays, but for the records that are struck
        met = chosen(w, struck, met, before)
        bad = w.both(bad, struck.name)
    w.met[requirement.id] = met
    build.bads[requirement.id] = w.unsure[requirement.id] = bad


def admitted(build: Build, entity: str, moment: str, frame: Frame) -> Column:
    """The records of an entity that are neither struck nor excluded, up to a stage (`moment`; empty: after all of them)."""
    policy = build.policy
    last = policy.stage_index(moment) if moment else len(policy.stages)
    struck = build.given(entity, STRUCK)
    parts: list[Column] = [] if struck is None else [build.w.negated(struck)]
    asked: frozenset[tuple[str, str]] = frozenset()
    for requirement in policy.requirements.values():
        if requirement.entity != entity or policy.stage_index(requirement.stage) > last:
            continue
        if requirement.may("exclude") and build.effect(requirement).word == "exclude":
            asked |= build.w.asks.get(("requirement", requirement.id), frozenset())
            parts.append(build.unless_closed(requirement))
    owner = policy.entities[entity].owner
    if owner is not None and owner != policy.root:
        parts.append(build.w.admitted[owner, moment])
        asked |= build.w.asks.get(("admitted", owner, moment), frozenset())
    build.w.asks["admitted", entity, moment] = asked
    return build.w.every([build.w.spread(p, frame) if p.frame is not frame else p for p in parts])


def leave_undecided(build: Build) -> None:
    """Leave the applications in which a requirement of a stage that has begun is open, or runs a time to put it right."""
    for requirement in build.policy.requirements.values():
        opened = build.opened[requirement.stage]
        if opened.constant is False:
            continue
        frame = build.frames[requirement.entity]
        _unlisted(build, frame, opened)
        bad = _open(build, requirement, frame)
        if bad is not None and opened.constant is None:
            bad = build.w.both(bad, build.w.spread(opened, frame).name)
        build.leave(bad, frame, *build.why(build.w.asks["requirement", requirement.id]))
        if build.effect(requirement).cure is not None:
            build.leave(build.w.flag(build.w.negated(build.unless_closed(requirement))), frame, CURABLE)


def _unlisted(build: Build, frame: Frame, opened: Column) -> None:
    """Records that are not listed yet could fail a requirement: leave the applications that lack their list."""
    while frame.above is not None:
        listed = build.policy.entities[frame.entity].listed_in
        assert listed is not None
        lacks = build.facts.lacks(frame.above.entity, listed)
        if lacks is not None and opened.constant is None:
            lacks = build.w.both(lacks, build.w.spread(opened, frame.above).name)
        build.leave(lacks, frame.above, LACKING)
        frame = frame.above


def _open(build: Build, requirement: core.Requirement, frame: Frame) -> str | None:
    """Where a requirement is left to the reference: where it is bad, and trials do not show that its verdict is open.

    Where missing facts are named, trials are of use only for parameters and readings that are left open, or in rows in which a single
    fact is missing: the one that is named.
    """
    w, bad, asked = build.w, build.bads[requirement.id], build.w.asks["requirement", requirement.id]
    build.open[requirement.id] = None
    if bad is None or not asked or requirement.may("exclude"):
        return bad
    nothing = brings_nothing(build.effect(requirement), frame is build.root)
    if not build.names_missing and nothing:
        return None
    if build.ranking:  # which names all that keeps an application from being ranked, and nothing else
        if not nothing and _is_ranked_on(build.policy, requirement.stage):
            return bad
    elif build.names_missing and any(kind != "open" for kind, _ in asked):
        facts = _own_facts(build, requirement)
        if not facts:
            return bad
    else:
        facts = []
    tried = [t.w.met[requirement.id].but(bad=t.bads[requirement.id]) for t in trials(build)]
    differs = differing(w, tried, frame)
    if differs is not None and facts:
        build.named[requirement.id] = alone = _alone(build, requirement.entity, facts, differs)
        differs = w.either(*(flags for _, flags in alone))
    if differs is None:
        return bad
    build.open[requirement.id] = differs
    met = w.met[requirement.id]
    w.met[requirement.id] = Column("flag", frame, w.emit(f"{w.plainly(build.here(met, frame)).name} | {differs}"))
    return w.emit(f"unless({bad}, {differs})")


def _own_facts(build: Build, requirement: core.Requirement) -> list[core.Fact]:
    """The facts of the record itself that can leave a verdict open; none where something else can, too."""
    asks = build.w.asks
    left = {said for kind, said in asks["requirement", requirement.id] if kind in ("null", "column")}
    if len(left) != len(asks["requirement", requirement.id]):
        return []
    found: dict[str, core.Fact] = {}
    for node in (n for part in (requirement.applies, requirement.check) if part is not None for n in core.walk(part)):
        match node:
            case core.Computed(entity=entity, name=named) if asks.get(("definition", entity, named)):
                return []
            case core.Met(requirement=other) if asks.get(("requirement", other)):
                return []
            case core.Admitted(entity=entity, stage=moment) if asks.get(("admitted", entity, moment or "")):
                return []
            case core.Fact() if called(node) in left:
                if isinstance(node.type, ListType) or not (isinstance(node.record, core.Variable) and node.record.slot == 0):
                    return []
                found[called(node)] = node
    return list(found.values()) if left == found.keys() else []


def called(fact: core.Fact) -> str:
    """What a decision calls a fact of the root that is missing."""
    return fact.name if fact.stage is None else f"{fact.name} at {fact.stage}"


def _alone(build: Build, entity: str, facts: list[core.Fact], differs: str) -> list[tuple[core.Fact, str]]:
    """Of each fact the rows in which a verdict is open and nothing else is missing."""
    rows, found = build.frames[entity].name, []
    keys = [(entity, fact.name, fact.stage) for fact in facts]
    nulls = [f"n{build.columns.index(key)}" if key in build.shapes else None for key in keys]
    for at, fact in enumerate(facts):
        others = nulls[:at] + nulls[at + 1 :]
        if None in others:  # which has no column at all
            continue
        lacking = [] if nulls[at] is None else [f"flags_of({nulls[at]}, {rows})"]
        found.append((fact, build.w.emit(" & ".join([differs, *lacking, *(f"is_known({other}, {rows})" for other in others)]))))
    return found


def _is_ranked_on(policy: core.Policy, stage: str) -> bool:
    """Whether a stage must be passed by what is ranked (ranking/assess.py, `_standing`)."""
    plan = policy.ranking
    assert plan is not None
    return plan.among is None or policy.stage_index(stage) <= policy.stage_index(plan.among)


def brings_nothing(effect: core.Effect, of_root: bool) -> bool:
    """Whether a failure speaks of the record alone and leaves the stage as it is."""
    return effect.word == "flag" or (effect.word == "bar" and not of_root)


def trials(build: Build) -> list[Build]:
    """The same definitions and requirements with what is missing filled in, in several ways."""
    if not build.tried:
        for number in range(TRIALS):
            made = Build(build.policy, build.settled, build.shapes, False, False, build.kept)
            w = made.w
            made.frames, made.root, w.root, made.lists = build.frames, build.root, build.root, build.lists
            w.lines, w.said, w.table, w.unpacked, w.count = build.w.lines, build.w.said, build.w.table, build.w.unpacked, build.w.count
            w.trial = number
            for step in build.policy.steps:
                write_step(made, step)
            build.w.count = w.count
            build.tried.append(made)
    return build.tried
