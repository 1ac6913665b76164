"""How the things of a policy are called in front of people: values, records, facts, stages, formulas, by their labels."""

from __future__ import annotations

from bandolo.check import core
from bandolo.evaluate.decision import Decision, RequirementResult
from bandolo.evaluate.wire import split_path
from bandolo.explain.phrases import OPPOSITE, SIGNS, phrase, said_distance
from bandolo.explain.reasons import Condition, Operand
from bandolo.language.types import BOOLEAN, Language, ListType, Type
from bandolo.language.values import Record, Unknown, Value
from bandolo.language.wording import day, say

SHOWN = 6
"""How many of a long list are shown before `… and n more`."""


class Speech:
    """The words for one decision. `records` are those of the application by path, where they are at hand."""

    def __init__(self, policy: core.Policy, decision: Decision, lang: Language, records: dict[str, Record] | None = None) -> None:
        self.policy, self.decision, self.lang = policy, decision, lang
        self.records = records or {}

    def said(self, key: str, **args: object) -> str:
        return phrase(key, self.lang, **args)

    # Values.

    def value(self, value: Value, type_: Type) -> str:
        conventions = self.policy.conventions
        text = say(value, type_, self.lang, conventions.currency, conventions.time_zone)
        return text + self._between(value, type_) if isinstance(value, Unknown) else text

    def _between(self, value: Unknown, type_: Type) -> str:
        """The bounds of an unknown value, in brackets."""
        if isinstance(type_, ListType):
            return ""
        limits = [("at_least", value.low), ("at_most", value.high)]
        said = [self.said(k, v=self.value(b, type_)) for k, b in limits if b is not None]
        return f" ({', '.join(said)})" if said else ""

    # Names.

    def label(self, words: core.Words, name: str) -> str:
        return words.label.said(self.lang) if words.label else name.replace("_", " ")

    def stage(self, name: str) -> str:
        return self.label(next(s for s in self.policy.stages if s.name == name).words, name)

    def requirement(self, requirement: core.Requirement) -> str:
        if requirement.id == "minimum_score" and requirement.words.label is None:
            return self.said("minimum_score")
        return self.label(requirement.words, requirement.id)

    def named(self, name: str) -> str:
        """A parameter or reading by its label, with the name by which the command line knows it."""
        declared = self.policy.parameters.get(name) or self.policy.readings.get(name)
        return f"{declared.words.label.said(self.lang)} ({name})" if declared is not None and declared.words.label else name

    def result(self, entity: str, name: str) -> str:
        definition = self.policy.definitions[entity, name]
        if definition.synthetic and name in ("base_score", "bonus_points", "final_score"):
            return self.said(name)
        return self.label(definition.words, name)

    def document(self, name: str) -> str:
        document = self.policy.documents.get(name)
        return document.title.said(self.lang) if document else name

    def subject(self, path: str) -> str:
        """A record as people call it: its kind, its key, and the fact that it is shown as."""
        record = self.records.get(path)
        if record is None:
            return split_path(path)[-1]
        name = self.label(self.policy.entities[record.entity].words, record.entity)
        return f"{name} {self.called(path)}"

    def called(self, path: str) -> str:
        """The key of a record with the name that people know, `04550180155 (Navigli S.r.l.)`."""
        record = self.records.get(path)
        if record is None:
            return split_path(path)[-1]
        key = record.key or path
        shown = self.policy.entities[record.entity].shown_as
        name = record.facts.get((shown, None)) if shown else None
        return f"{key} ({name})" if isinstance(name, str) else key

    def fact(self, path: str, whose: bool = True) -> str:
        """A missing fact by its label, whose it is, and who supplies it."""
        if path == "as_of":
            return self.said("clock")
        kind, _, named = path.partition(".")
        if kind == "reading" and named in self.policy.readings:
            return self.policy.readings[named].question.said(self.lang)
        if kind == "parameter" and named in self.policy.parameters:
            return self.label(self.policy.parameters[named].words, named)
        owner, _, rest = path.rpartition("].")
        name, _, moment = (rest or path).partition(" at ")
        entity = self._entity_of(f"{owner}]" if owner else "")
        declared = self.policy.entities[entity].facts.get(name)
        if declared is None:
            return path
        where = f"{self.subject(owner + ']')}: " if owner and whose else ""
        by = f" [{declared.by.said(self.lang)}]" if declared.by else ""
        at = f" ({self.stage(moment)})" if moment else ""
        return f"{where}{self.label(declared.words, name)}{at}{by}"

    def _entity_of(self, path: str) -> str:
        """The kind of record that a path leads to."""
        entity = self.policy.root
        for part in split_path(path)[::2] if path else []:
            entity = next((e.name for e in self.policy.entities.values() if e.owner == entity and e.listed_in == part), entity)
        return entity

    def listed(self, items: list[str]) -> str:
        """The first of a list, and how many more there are."""
        more = [self.said("and_more", count=len(items) - SHOWN)] if len(items) > SHOWN else []
        return ", ".join([*items[:SHOWN], *more])

    # Verdicts.

    def verdict(self, result: RequirementResult) -> str:
        return self.said("not_met" if result.verdict == "failed" else result.verdict)

    def status(self, stage: str) -> str:
        status = self.decision.stages[stage]
        return self.said(f"stage.{status}" if status in ("suspended", "undetermined", "referred", "barred") else status)

    def effect(self, requirement: core.Requirement, result: RequirementResult) -> str:
        """What a failure does, with the time there is to put it right, or was."""
        text = self.said(f"effect.{result.effect}")
        if result.cure_by is None:
            return text
        lapsed = result.effect == "reject" and requirement.may("suspend")
        return f"{text} ({self.said('lapsed' if lapsed else 'cure_by', day=day(result.cure_by, self.lang))})"

    # Formulas.

    def formula(self, condition: Condition, depth: int = 0) -> list[str]:
        """The lines of a formula with its values, sub-conditions indented."""
        pad = "  " * depth
        match condition.kind:
            case "all" | "any":
                word = {"all": {"it": "e", "en": "and"}, "any": {"it": "oppure", "en": "or"}}[condition.kind][self.lang]
                lines: list[str] = []
                for i, part in enumerate(condition.parts):
                    first, *rest = self.formula(part, depth)
                    lines += [first if i == 0 else f"{pad}{word} {first.strip()}", *rest]
                return lines
            case "not":
                word = {"it": "non è vero che", "en": "it is not so that"}[self.lang]
                first, *rest = self.formula(condition.parts[0], depth)
                return [f"{pad}{word}: {first.strip()}", *rest]
            case "defined":
                first, *rest = self.formula(condition.parts[0], depth + 1)
                head = f"{pad}{condition.said.said(self.lang)}: {self._truth(condition.value)}"
                return [head] if condition.value is None else [f"{head} — {first.strip()}", *rest]
            case "is":
                assert condition.left is not None
                return [f"{pad}{condition.left.said.said(self.lang)}: {self.value(condition.left.value, condition.left.type)}"]
            case "compare":
                return [pad + self._comparison(condition), *self._names(condition.names, pad)]
        return [f"{pad}{condition.said.said(self.lang)}: {self._truth(condition.value)}", *self._names(condition.names, pad)]

    def _comparison(self, condition: Condition) -> str:
        left, right = condition.left, condition.right
        assert left is not None
        assert right is not None
        values = self.value(left.value, left.type)
        if not right.fixed:
            values += f" {self._sign(condition)} {self.value(right.value, right.type)}"
        if right.fixed and condition.operator == "=" and condition.value is True:
            return condition.said.said(self.lang)
        gap = said_distance(condition, self.lang, self.policy.conventions.currency)
        return f"{condition.said.said(self.lang)} → {values}" + (f" ({gap})" if gap else "")

    @staticmethod
    def _sign(condition: Condition) -> str:
        if condition.value is False:
            return OPPOSITE.get(condition.operator, condition.operator)
        return SIGNS.get(condition.operator, condition.operator)

    def _truth(self, value: Value | None) -> str:
        if value is None:
            return self.said("not_looked")
        if isinstance(value, bool):
            return self.said("yes" if value else "no")
        return self.said("not_known")

    def _names(self, names: tuple[Operand, ...], pad: str) -> list[str]:
        return [f"{pad}  {self.operands(names)}"] if names else []

    def operands(self, names: tuple[Operand, ...]) -> str:
        """Named values, by their labels where they have one."""
        return "; ".join(f"{n.said.said(self.lang)}{': ' if n.type == BOOLEAN else ' = '}{self.value(n.value, n.type)}" for n in names[:8])
