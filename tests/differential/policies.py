"""Policies of every construct, seeded: `made(seed, number)` is always the same policy, whatever was made before it.

A policy is made from the top down, so that everything speaks only of what stands before it: entities with facts of every type, then the
tables, then what may not look at `admitted` (exclusions, openings, their definitions), then all else. Each policy is also given a few
rows of the table of operations to use, in turn, so that some twenty policies hold every row with every signature.
"""

from __future__ import annotations

from random import Random
from typing import Any

import yaml

from bandolo.diagnostics import PolicyError
from bandolo.language.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    DAYS,
    DURATION,
    INTEGER,
    MONEY,
    MONTHS,
    NUMBER,
    ORDERED,
    PERCENT,
    TEXT,
    ListType,
    OptionalType,
    RecordType,
    Type,
)
from bandolo.policy import Policy, policy_from_bytes
from differential.expressions import Kind, Named, Row, Scope, World, Writer, rows_giving
from differential.literals import CHOICES, COLOUR, SIMPLE, SIZE, literal

Data = dict[str, Any]

ZONES = (
    "Europe/Rome",
    "Europe/Rome",
    "UTC",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
)
DIRECTIONS = ("half_up", "half_even", "up", "down")
HOLIDAYS = ("IT", "IT-BZ", "DE-BY", "US-CA")
FEATURES = ("costs", "persons", "round by", "effects by", "money rounding by", "roll", "roll by", "scoring", "default date", "bands",
            "opens", "working days", "exclusions")  # fmt: skip
"""What would be rare: each is made sure of in one policy of five."""
LEVELS = (("bid", None, ""), ("firm", "bid", "firms"), ("cost", "firm", "costs"), ("person", "bid", "persons"))
STEPS = {"number": ("0.5", "0.01", "1", "10"), "money": ("0.01 EUR", "1 EUR", "100 EUR", "0.05 EUR")}


def rows() -> tuple[Row, ...]:
    """Every row of the table of operations with every signature, its variables bound to one type or another."""
    found: dict[tuple[str, tuple[Any, ...]], Row] = {}
    for type_ in (*SIMPLE, DURATION):
        for row in rows_giving(type_):
            if not row[2] or row[2][0][0] == "T":
                found.setdefault((row[0].name, row[1].takes), row)
    return tuple(found[k] for k in sorted(found, key=str))


def text(policy: Data) -> bytes:
    """A policy as a file."""
    return yaml.safe_dump(policy, sort_keys=False, allow_unicode=True, width=10_000).encode()


def made(seed: int, number: int, small: bool = False, attempt: int = 0) -> Data:
    """The policy of a number; it may have mistakes. `small`: few entries, for many applications."""
    return _Maker(Random(f"{seed}/{number}/{small}/{attempt}"), number, small, frozenset()).policy()


def sound(seed: int, number: int, small: bool = False) -> tuple[Data, Policy]:
    """The policy of a number without mistakes: the first attempt that has none. Few have any (a constant with a fault, say)."""
    for attempt in range(50):
        data = made(seed, number, small, attempt)
        if (policy := loaded(data)) is not None:
            return data, policy
    raise AssertionError(f"no policy {number} of seed {seed} is without mistakes")


def loaded(policy: Data) -> Policy | None:
    """A policy from its data; None where it has mistakes."""
    try:
        return policy_from_bytes("generated.yaml", text(policy))
    except PolicyError:
        return None


class _Maker:
    def __init__(self, rng: Random, number: int, small: bool, without: frozenset[str]) -> None:
        self.rng, self.number, self.small = rng, number, small
        count = rng.choice([1, 2, 2, 3])
        self.world = World({}, "bid", ["first", "second", "third"][:count], without=without)
        self.writer = Writer(self.world, rng)
        self.entities: Data = {}
        self.definitions: dict[str, Data] = {}
        self.requirements: dict[str, Data] = {}
        self.results: list[str] = []
        self.depth = 2 if small else 3

    def chance(self, of: float, feature: str = "") -> bool:
        """Whether something is done; a feature is in turn with every fifth policy in any case."""
        return self.rng.random() < of or (feature != "" and FEATURES.index(feature) % 5 == self.number % 5)

    def expr(self, type_: Type, scope: Scope, depth: int | None = None, typed: bool = False) -> str:
        return self.writer.expr(type_, scope, self.depth if depth is None else depth, typed)

    def policy(self) -> Data:
        """All sections, made in the order in which one may speak of another."""
        head = self._head()
        self._entities()
        tables = {
            "parameters": self._parameters(), "readings": self._readings(), "rates": self._rates(), "bands": self._bands(),
            "formulas": self._formulas(),
        }  # fmt: skip
        self._money_rounding(head)
        if self.chance(0.3, "default date"):
            tables["parameters"]["by_default"] = self._versions(NUMBER) | {"default_date": self.expr(DATE, Scope("bid"), 1)}
            self.world.defaulted["by_default"] = NUMBER
        early, late = (1, 1) if self.small else (2, 2)
        focus = self._focus()
        for row in focus[::2]:
            self._of_row(row, True)
        for _ in range(early):
            self._definition(True)
        deadlines = self._deadlines()
        for entity in list(self.world.kinds)[1:]:
            if self.chance(0.5, "exclusions"):
                self._requirement(entity, True)
        stages = self._stages()
        for row in focus[1::2]:
            self._of_row(row, False)
        for i in range(2 if self.small else 4):
            self._of_form(self.writer.FORMS[(self.number * 4 + i) % len(self.writer.FORMS)])
        for _ in range(late):
            self._definition(False)
            self._requirement(self.rng.choice(list(self.world.kinds)), False)
        scoring = self._scoring()
        self._definition(False)
        for _ in range(1 if self.small else 3):
            self._requirement("bid", False)
        made: Data = {
            "bandolo": "1", "policy": head, "choices": {n: list(words) for n, words in CHOICES.items()}, "stages": stages,
            "entities": self.entities, **tables, "definitions": self.definitions, "requirements": self.requirements, "scoring": scoring,
            "deadlines": deadlines, "results": self.results,
        }  # fmt: skip
        return {k: v for k, v in made.items() if v or k in ("bandolo", "policy", "entities")}

    # The declarations.

    def _head(self) -> Data:
        head = {"id": "generated", "title": "Generated", "decides": "bid", "time_zone": self.rng.choice(ZONES)}
        head["month_rounding"] = self.rng.choice(["down", "up", "error"])
        if self.chance(0.4, "working days"):
            head["working_days"] = self.rng.choice(HOLIDAYS)
            self.world.working_days = True
        return head

    def _money_rounding(self, head: Data) -> None:
        if self.world.readings and self.chance(0.1, "money rounding by"):
            name = self.rng.choice(sorted(self.world.readings))
            options = self.world.readings[name]
            head["money_rounding"] = {"by": f"reading.{name}", **{o: self.rng.choice(DIRECTIONS) for o in options}}
        elif self.chance(0.8):
            head["money_rounding"] = self.rng.choice(DIRECTIONS)

    def _entities(self) -> None:
        levels = [LEVELS[0], LEVELS[1]]
        if self.chance(0.4, "costs"):
            levels.append(LEVELS[2])
        if self.chance(0.1, "persons"):
            levels.append(LEVELS[3])
        for name, owner, listed_in in levels:
            self.world.kinds[name] = Kind(name, owner, listed_in)
        for name, owner, _ in levels:
            self.entities[name] = {"facts": self._facts(name)}
            if owner is not None:
                listed = self.world.kinds[name].listed_in
                at_most = {"at_most": str(self.rng.choice([3, 5, 8]))} if self.chance(0.7) else {}
                self.entities[owner]["facts"][listed] = {"type": f"list of {name}", **at_most} if at_most else f"list of {name}"
        self._references(levels)

    def _facts(self, entity: str) -> Data:
        kind = self.world.kinds[entity]
        letter = entity[0]
        facts: Data = {}
        if entity != "person" or self.chance(0.5):
            facts[f"{letter}_id"] = {"type": "text", "key": "true"}
            kind.fields.append(Named(f"{letter}_id", TEXT))
        count = 4 if self.small else 7
        types = list(SIMPLE)
        chosen = self.rng.sample(types, count if entity == "bid" else self.rng.randint(2, count - 1))
        chosen += [t for t in (COLOUR, SIZE) if entity == "bid" and t not in chosen]
        chosen += [t for t in (MONEY, DATE, BOOLEAN) if t not in chosen and self.chance(0.6)]
        if self.chance(0.3):
            chosen.append(ListType(self.rng.choice([COLOUR, SIZE, MONEY, INTEGER, DATE, TEXT])))
        chosen += [OptionalType(self.rng.choice(types)) for _ in range(self.rng.choice([0, 1, 1, 2]))]
        for type_ in chosen:
            self._fact(facts, kind, type_)
        return facts

    def _fact(self, facts: Data, kind: Kind, type_: Type) -> None:
        inner = type_.of if isinstance(type_, OptionalType) else type_
        begin = f"{kind.name[0]}_{'any_' if isinstance(type_, OptionalType) else ''}{str(inner).replace(' ', '_')}"
        asked: tuple[str, ...] = ()
        if len(self.world.stages) > 1 and not isinstance(inner, ListType) and inner not in (COLOUR, SIZE) and self.chance(0.12):
            asked = tuple(self.world.stages[: self.rng.choice([1, 2])])
        name = next(n for n in (begin, *(f"{begin}_{i}" for i in range(2, 9))) if n not in facts)
        spec: Data = {"type": str(inner)}
        if isinstance(type_, OptionalType):
            spec["optional"] = "true"
        if asked:
            spec["asked"] = list(asked)
        if inner in ORDERED and self.chance(0.55):
            low, high = BOUNDS[str(inner)]
            if self.chance(0.8):
                spec["from"] = self.rng.choice(low)
            if self.chance(0.6):
                spec["to"] = self.rng.choice(high)
        if isinstance(inner, ListType) and self.chance(0.5):
            spec["at_most"] = "4"
        facts[name] = spec if len(spec) > 1 or self.chance(0.3) else spec["type"]
        kind.fields.append(Named(name, type_, asked))

    def _references(self, levels: list[tuple[str, str | None, str]]) -> None:
        """References among the records: the root's lead firm, a firm's person, a cost's firm."""
        for entity, target in (("bid", "firm"), ("firm", "firm"), ("firm", "person"), ("cost", "firm"), ("bid", "cost")):
            if not {entity, target} <= {n for n, _, _ in levels} or not self.chance(0.15 if self.small else 0.25):
                continue
            if f"{target[0]}_id" not in self.entities[target]["facts"]:
                continue
            optional = self.chance(0.6)
            name = f"{entity[0]}_to_{target}"
            self.entities[entity]["facts"][name] = {"type": f"reference to {target}", **({"optional": "true"} if optional else {})}
            type_ = RecordType(target)
            self.world.kinds[entity].fields.append(Named(name, OptionalType(type_) if optional else type_))

    # The tables.

    def _parameters(self) -> Data:
        made: Data = {}
        nowhere = Scope(None)
        for type_ in self.rng.sample([*SIMPLE, DURATION, ListType(COLOUR), ListType(INTEGER)], 3 if self.small else 5):
            name = self.writer.new("t")
            value = literal(type_, self.rng)
            how = self.rng.random()
            if how < 0.15:
                made[name] = {"type": str(type_), "pending": "later act"}
                if self.chance(0.6):
                    made[name]["assume"] = value
                if type_ in ORDERED and self.chance(0.4):
                    made[name]["must_be"] = f"{name} = {value} or {name} {self.rng.choice(['<=', '>='])} {value}"
            elif how < 0.5 or type_ in (COLOUR, SIZE) or isinstance(type_, ListType):
                made[name] = {"value": value, "type": str(type_)}
            elif how < 0.7 and type_ in (MONEY, NUMBER, INTEGER, DATE):
                made[name] = self.expr(type_, nowhere, 1)
                if "^" in made[name] or "/" in made[name] or "date" in made[name]:
                    made[name] = value
            else:
                made[name] = value
            self.world.parameters[name] = type_
        for type_ in self.rng.sample([MONEY, PERCENT, INTEGER, DATE], self.rng.choice([0, 1, 1, 2])):
            name = self.writer.new("v")
            made[name] = self._versions(type_)
            self.world.dated[name] = type_
        return made

    def _versions(self, type_: Type) -> Data:
        days = ["2023-01-31", "2023-06-15", "2024-02-29"][: self.rng.choice([1, 2, 3])]
        after = {"2023-01-31": "2023-02-01", "2023-06-15": "2023-06-16", "2024-02-29": "2024-03-01"}
        versions = []
        begin = None if self.chance(0.7) else "2020-01-01"
        for day in days:
            versions.append({**({"from": begin} if begin else {}), "until": day, "value": literal(type_, self.rng)})
            begin = after[day]
        if self.chance(0.7):
            versions.append({"from": begin, "value": literal(type_, self.rng)})
        return {"versions": versions, **({"type": str(type_)} if type_ == PERCENT or self.chance(0.3) else {})}

    def _readings(self) -> Data:
        made = {}
        for name in ["view", "turn"][: self.rng.choice([1, 1, 2])]:
            options = ("wide", "narrow") if name == "view" else ("left", "right", "back")
            made[name] = {"question": "Which?", "options": {o: o for o in options}}
            if self.chance(0.75):
                made[name]["chosen"] = self.rng.choice(options)
            self.world.readings[name] = options
        return made

    def _rates(self) -> Data:
        made: Data = {}
        nowhere = Scope(None)
        for type_ in self.rng.sample([PERCENT, MONEY, INTEGER, NUMBER, DATE, DAYS, BOOLEAN], self.rng.choice([1, 1, 2])):
            name = self.writer.new("rate")
            by = self.rng.choice([(COLOUR,), (SIZE,), (COLOUR, SIZE)])

            def end(type_: Type = type_) -> str:
                return literal(type_, self.rng) if self.chance(0.9) else self.expr(type_, nowhere, 0)

            partial = self.chance(0.4)
            words = [list(c.options)[: 2 if partial else None] for c in by]
            rows: Data = {w: end() if len(by) == 1 else {v: end() for v in words[1]} for w in words[0]}
            made[name] = {"by": [c.name for c in by] if len(by) > 1 else by[0].name, "values": rows}
            if partial:
                made[name]["otherwise"] = end()
            if self.chance(0.4):
                made[name]["type"] = str(type_)
            self.world.rates[name] = by, type_
        return made

    def _bands(self) -> Data:
        made: Data = {}
        for _ in range(2 if self.chance(0.2, "bands") else self.rng.choice([0, 1])):
            name = self.writer.new("band")
            of = self.rng.choice([MONEY, NUMBER, INTEGER, PERCENT])
            tos = {MONEY: ("0 EUR", "100 EUR", "30_000 EUR", "400_000.50 EUR"), INTEGER: ("0", "3", "10", "100"),
                   NUMBER: ("-1", "0.5", "2.5", "33.333"), PERCENT: ("0%", "15%", "50%", "100%")}[of]  # fmt: skip
            start = self.rng.choice([0, 1])
            tos = tos[start : start + self.rng.choice([1, 2, 3])]
            if of != INTEGER and of != PERCENT and self.chance(0.5):
                steps = [{"to": to, "rate": literal(PERCENT, self.rng)} for to in tos if not to.startswith("-")]
                made[name] = {"of": str(of), "steps": steps, "above": literal(PERCENT, self.rng)}
                gives: Type = of
            else:
                gives = self.rng.choice([INTEGER, MONEY, PERCENT, DATE])
                steps = [{"to": to, "value": literal(gives, self.rng)} for to in tos]
                made[name] = {"of": str(of), "steps": steps, "above": literal(gives, self.rng)}
            if len(steps) > 1 and self.chance(0.3):
                made[name]["steps"][1] = {"from": steps[0]["to"], **steps[1]}
            self.world.bands[name] = of, gives
        return made

    def _formulas(self) -> Data:
        made: Data = {}
        for _ in range(self.rng.choice([0, 1, 1, 2])):
            gives = self.rng.choice([NUMBER, MONEY, BOOLEAN, DATE])
            takes = tuple(self.rng.choice([NUMBER, MONEY, DATE, PERCENT, BOOLEAN, COLOUR, gives]) for _ in range(self.rng.choice([1, 2])))
            name = self.writer.new("formula")
            arguments = tuple((f"{name}_{i}", t) for i, t in enumerate(takes))
            value = self.expr(gives, Scope(None, arguments=arguments), 2)
            made[name] = {"takes": {n: str(t) for n, t in arguments}, "value": value}
            self.world.formulas[name] = takes, gives
        return made

    def _deadlines(self) -> Data:
        made: Data = {}
        scope = Scope("bid")
        for _ in range(self.rng.choice([0, 1, 2]) + (FEATURES.index("roll") % 5 == self.number % 5)):
            name = self.writer.new("term")
            type_: Type = DATE
            if self.chance(0.3):
                type_ = self.rng.choice([DATE, DATETIME])
                made[name] = {"at": self.expr(type_, scope, 1)} if self.chance(0.5) else self.expr(type_, scope, 1)
            else:
                length = self.rng.choice([DAYS, MONTHS, DURATION])
                optional = [f.name for f in self.world.kinds["bid"].fields if f.type == OptionalType(DATE) and not f.asked]
                begin = self.expr(DATE, scope, 1)
                if optional and self.chance(0.5):
                    begin, type_ = self.rng.choice(optional), OptionalType(DATE)
                made[name] = {"after": literal(length, self.rng) if self.chance(0.8) else self.expr(length, scope, 1), "from": begin}
                if self.world.working_days and self.chance(0.5, "roll"):
                    reading = self.rng.choice(sorted(self.world.readings))
                    by = {o: self.rng.choice(["none", "next_working_day"]) for o in self.world.readings[reading]}
                    made[name]["roll"] = (
                        {"by": f"reading.{reading}", **by}
                        if self.chance(0.3, "roll by")
                        else self.rng.choice(["next_working_day", "next_working_day", "none"])
                    )
            self.world.deadlines.append(Named(name, type_))
        return made

    def _stages(self) -> list[Any]:
        made: list[Any] = []
        for i, name in enumerate(self.world.stages):
            if i and self.chance(0.4, "opens"):
                scope = Scope("bid", knows=True)
                written = self.expr(BOOLEAN, scope, 2)
                if self.chance(0.5):
                    written = f"{self.writer.known(BOOLEAN, scope, 1, False)} {self.rng.choice(['and', 'or'])} {written}"
                made.append({name: {"opens": written}})
            else:
                made.append(name)
        return made

    # The rules.

    def _focus(self) -> list[Row]:
        """The rows of the table that are this policy's to use."""
        every = [r for r in rows() if self.writer.has(r[0].name) and self.writer.has(r[0].kind)]
        every = [r for r in every if self.world.working_days or r[0].name != "working_day"]
        width = 4 if self.small else 7
        return [every[(self.number * width + i) % len(every)] for i in range(width)]

    def _of_row(self, row: Row, early: bool) -> None:
        operation, signature, bound = row
        entity = "bid" if self.chance(0.6) else self.rng.choice(list(self.world.kinds))
        type_: Type = bound[0][1] if bound else signature.gives
        if bound and self.chance(0.7):
            type_ = self.rng.choice(ORDERED)
            bound = ((bound[0][0], type_),)
        for _ in range(8):
            written = self.writer.row(operation, signature, bound, Scope(entity, early), self.depth - 1)
            if written is not None:
                self._add(entity, written, type_, early)
                return

    def _of_form(self, form: str) -> None:
        """A definition of one of the forms that the language has besides the table of operations."""
        for _ in range(12):
            entity = self.rng.choice(list(self.world.kinds))
            type_ = self.rng.choice([MONEY, BOOLEAN, NUMBER, INTEGER, DATE, PERCENT])
            written = getattr(self.writer, form)(type_, Scope(entity, False), self.depth, False)
            if written is not None:
                self._add(entity, written, type_, False)
                return

    def _add(self, entity: str, content: Any, type_: Type, early: bool) -> None:
        name = self.writer.new("d")
        self.definitions.setdefault(entity, {})[name] = content
        self.world.kinds[entity].fields.append(Named(name, type_, early=early))
        inner = type_.of if isinstance(type_, OptionalType) else type_
        if not isinstance(inner, ListType | RecordType):
            self.results.append(name if entity == "bid" else f"{entity}.{name}")

    def _definition(self, early: bool) -> None:
        entity = "bid" if self.chance(0.6) else self.rng.choice(list(self.world.kinds))
        scope = Scope(entity, early)
        how = self.rng.random()
        if how < 0.15 and (listed := self.writer.records_list(scope, 2)) is not None:
            self._add(entity, listed[0], ListType(RecordType(listed[1])), early)
            return
        if how < 0.22:
            item = self.rng.choice([MONEY, INTEGER, DATE])
            self._add(entity, self.writer.list_of(item, scope, 2), ListType(item), early)
            return
        type_ = self.rng.choice([MONEY, MONEY, NUMBER, PERCENT, INTEGER, BOOLEAN, DATE, DATETIME, DAYS, TEXT, COLOUR])
        if how < 0.3:
            value = f"if {self.expr(BOOLEAN, scope, 1)} then none else {self.expr(type_, scope, 2, True)}"
            if type_ != COLOUR:
                self._add(entity, value, OptionalType(type_), early)
            return
        if how < 0.45:
            plain = self.expr(type_, scope, None, True)
            self._add(entity, {"value": plain, "type": "colour"} if type_ == COLOUR else plain, type_, early)
            return
        content: Data = {}
        if self.chance(0.5):
            content["except"] = self._exceptions(type_, scope)
            shown = {e["_shown"] for e in content["except"] if e.get("_shown")}
            for exception in content["except"]:
                exception.pop("_shown", None)
            scope = Scope(entity, early, shown=frozenset(shown))
        by = self.rng.random()
        if by < 0.3:
            reading = self.rng.choice(sorted(self.world.readings))
            options = self.world.readings[reading]
            content |= {"by": f"reading.{reading}", **{o: self.expr(type_, scope, 2, True) for o in options}}
        elif by < 0.6:
            partial = self.chance(0.5)
            words = COLOUR.options[: 2 if partial else None]
            content |= {"by": self.expr(COLOUR, scope, 1), **{o: self.expr(type_, scope, 2, True) for o in words}}
            if partial:
                content["otherwise"] = self.expr(type_, scope, 1, True)
        else:
            content["value"] = self.expr(type_, scope, None, True)
        if type_ in (MONEY, NUMBER) and self.chance(0.6):
            content["round"] = self._round(str(type_))
        if type_ == COLOUR or self.chance(0.2):
            content["type"] = str(type_)
        self._add(entity, content, type_, early)

    def _round(self, type_: str) -> Data:
        def one() -> Data:
            return {self.rng.choice(DIRECTIONS): self.rng.choice(STEPS[type_])}

        if self.chance(0.15, "round by"):
            reading = self.rng.choice(sorted(self.world.readings))
            return {"by": f"reading.{reading}", **{o: one() for o in self.world.readings[reading]}}
        return one()

    def _exceptions(self, type_: Type, scope: Scope) -> list[Data]:
        made = []
        for _ in range(self.rng.choice([1, 1, 2])):
            optional = self.writer.optional(scope)
            if optional and self.chance(0.3):
                name = self.rng.choice(optional)
                made.append({"when": f"{name} is none", "value": self.expr(type_, scope, 1, True), "_shown": name})
                scope = Scope(scope.entity, scope.early, shown=scope.shown | {name})
            else:
                made.append({"when": self.expr(BOOLEAN, scope, 2), "value": self.expr(type_, scope, 1, True)})
        return made

    def _requirement(self, entity: str, excluding: bool) -> None:
        scope = Scope(entity, excluding)
        name = self.writer.new("q")
        content: Data = {}
        if len(self.world.stages) > 1 or self.chance(0.3):
            content["stage"] = self.rng.choice(self.world.stages)
        if len(self.world.stages) == 1:
            content.pop("stage", None)
            if self.chance(0.3):
                content["stage"] = self.world.stages[0]
        if self.chance(0.35):
            optional = self.writer.optional(scope)
            if optional and self.chance(0.5):
                shown = self.rng.choice(optional)
                content["applies"] = f"{shown} is not none"
                scope = Scope(entity, excluding, shown=frozenset({shown}))
            else:
                content["applies"] = self.expr(BOOLEAN, scope, 2)
        content["check"] = self.expr(BOOLEAN, scope)
        content["otherwise"] = self._exclusion() if excluding else self._effect(entity)
        if self.chance(0.25):
            shown_type = self.rng.choice([MONEY, NUMBER, DATE, DATETIME, BOOLEAN, PERCENT, TEXT])
            said = self.expr(shown_type, Scope(entity, excluding, shown=scope.shown, knows=True), 1)
            if '"' not in said:
                content["message"] = {"it": f"vale {{{said}}}", "en": f"it is {{{said}}}"}
        self.requirements.setdefault(entity, {})[name] = content
        self.world.kinds[entity].requirements.append((name, excluding))

    def _exclusion(self) -> Any:
        if self.chance(0.1, "effects by"):
            reading = self.rng.choice(sorted(self.world.readings))
            return {
                "by": f"reading.{reading}",
                **{o: self.rng.choice(["exclude", "exclude", "flag"]) for o in self.world.readings[reading]},
            }
        return "exclude"

    def _effect(self, entity: str) -> Any:
        if self.chance(0.1, "effects by"):
            reading = self.rng.choice(sorted(self.world.readings))
            return {"by": f"reading.{reading}", **{o: self._one_effect(entity) for o in self.world.readings[reading]}}
        return self._one_effect(entity)

    def _one_effect(self, entity: str) -> Any:
        if self.chance(0.15):
            length = literal(MONTHS if self.chance(0.3) else DAYS, self.rng)
            return {"suspend": {"cure": length, "from": self.expr(DATE, Scope(entity), 1)}}
        return self.rng.choice(["reject", "reject", "suspend", "bar", "refer", "flag"])

    def _scoring(self) -> Data:
        if not self.chance(0.25, "scoring"):
            return {}
        scope = Scope("bid", False)
        made: Data = {"base": self.expr(NUMBER, scope, 2)}
        if len(self.world.stages) > 1:
            made["stage"] = self.rng.choice(self.world.stages)
        if self.chance(0.7):
            made["minimum"] = literal(NUMBER, self.rng)
        if self.chance(0.4):
            made["at_most"] = self.expr(NUMBER, scope, 1)
        bonuses = {}
        for _ in range(self.rng.choice([1, 2])):
            name = self.writer.new("bonus")
            bonuses[name] = {"when": self.expr(BOOLEAN, scope, 2), "points": self.expr(NUMBER, scope, 1)}
        made["bonuses"] = bonuses
        self.world.scores = ["base_score", "bonus_points", "final_score", *(f"bonus.{b}" for b in bonuses)]
        self.results.append("final_score")
        return made


BOUNDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "integer": (("0", "-5", "1"), ("10", "1_000", "1_000_000")),
    "number": (("0", "-10", "0.5"), ("100", "1_000_000", "50.5")),
    "percent": (("0%", "-100%"), ("100%", "200%")),
    "money": (("0 EUR", "-1_000 EUR", "0.01 EUR"), ("100_000 EUR", "999_999_999.99 EUR", "1_000 EUR")),
    "duration in days": (("0 days", "1 day"), ("30 days", "365 days")),
    "duration in months": (("0 months", "1 month"), ("1 year", "25 months")),
    "date": (("2000-01-01", "2023-01-01", "0001-01-01"), ("2099-12-31", "2024-12-31", "9999-12-31")),
    "datetime": (("2000-01-01 00:00", "2023-01-01 00:00"), ("2099-12-31 23:59", "2024-12-31 00:00")),
}
