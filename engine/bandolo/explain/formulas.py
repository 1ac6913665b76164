"""A formula in a reader's words: names by their labels, operators and functions by the words of the library's table.

`sum(presented_costs of admitted_firms)` reads "somma di Spese presentate di Imprese ammesse". What has no label keeps its name.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bandolo.check import core
from bandolo.explain.phrases import phrase
from bandolo.language.types import ROUNDING, ChoiceType, Language, OptionalType, RecordType
from bandolo.language.wording import say

LONGEST = 400
"""A formula that reads longer than this is shown as it is written in the policy."""

LOOSE, OR, AND, NOT, COMPARE, SUM, PRODUCT, TIGHT = range(8)
STRENGTH = {
    "+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT,
    **dict.fromkeys(("=", "!=", "<", "<=", ">", ">=", "in"), COMPARE),
}  # fmt: skip

WORDS: dict[str, tuple[str, str]] = {
    "and": ("e", "and"),
    "or": ("oppure", "or"),
    "not": ("non {0}", "not {0}"),
    "none": ("{0}: assente", "{0}: none"),
    "some": ("{0}: presente", "{0}: given"),
    "known": ("{0}: noto", "{0}: known"),
    "where": ("{0} con {1}", "{0} with {1}"),
    "not_struck": ("{0} non esclusi", "{0} not excluded"),
    "stands": ("non escluso", "not excluded"),
    "holds": ("«{0}» soddisfatto", '"{0}" met'),
    "of": ("{0} di {1}", "{0} of {1}"),
    "each": ("{0} per ciascuno di {1}", "{0} for each of {1}"),
    "if": ("se {0}: {1}", "if {0}: {1}"),
    "else": ("altrimenti: {0}", "otherwise: {0}"),
    "by": ("secondo {0}", "by {0}"),
    "share": ("quota di {0} in proporzione a {1} fra {2}", "share of {0} in proportion to {1} among {2}"),
    "on": ("{0} al {1}", "{0} on {1}"),
    "this": ("questo soggetto", "this record"),
    "half_up": ("arrotondato al più vicino", "rounded to the nearest"),
    "half_even": ("arrotondato al più vicino, metà al pari", "rounded to the nearest, halves to even"),
    "up": ("arrotondato per eccesso", "rounded up"),
    "down": ("arrotondato per difetto", "rounded down"),
    "reading": ("lettura «{0}»", 'reading "{0}"'),
}


def said(policy: core.Policy, node: core.Expr, code: str) -> core.Texts:
    """A formula in both languages; `code`, as it is written, stands in where the words would be too long or say too little."""
    texts = {}
    languages: tuple[Language, Language] = ("it", "en")
    for lang in languages:
        try:
            text = _Formula(policy, lang).say(node)
        except _NoWords:
            text = code
        texts[lang] = text if len(text) <= LONGEST else code
    return core.Texts(texts["it"], texts["en"])


class _NoWords(Exception):
    """Two records of one kind are compared: labels alone would not tell which is meant."""


@dataclass(frozen=True)
class _Formula:
    policy: core.Policy
    lang: Language
    bound: dict[int, str] = field(default_factory=dict)
    """What the slots stand for that are no records: a formula's arguments, a member of a list of values."""
    inside: tuple[tuple[int, str], ...] = ((0, ""),)
    """The record slots around, the innermost last, each with its entity."""

    def word(self, key: str, *args: str) -> str:
        return WORDS[key][0 if self.lang == "it" else 1].format(*args)

    def say(self, node: core.Expr, around: int = LOOSE) -> str:
        text, strength = self.parts(node)
        return f"({text})" if strength < around else text

    def parts(self, node: core.Expr) -> tuple[str, int]:
        """The words of a node, and how strongly they bind."""
        match node:
            case core.Constant(value=value):
                return self.constant(node, value), TIGHT
            case core.Variable(slot=slot):
                return self.variable(node, slot), TIGHT
            case core.Owner(entity=entity):
                return self.label(self.policy.entities[entity].words, entity), TIGHT
            case core.Fact(record=record, name=name, stage=stage):
                return self.fact(record, name, stage), TIGHT
            case core.Computed(record=record, entity=entity, name=name):
                return self.owned(record, self.definition(entity, name)), TIGHT
            case core.Met(requirement=id_):
                words = self.policy.requirements[id_].words
                return self.word("holds", phrase("minimum_score", self.lang) if id_ == "minimum_score" else self.label(words, id_)), TIGHT
            case core.Admitted():
                return self.word("stands"), TIGHT
            case core.Parameter(name=name):
                return self.label(self.policy.parameters[name].words, name), TIGHT
            case core.Dated(name=name, date=date):
                return self.word("on", self.label(self.policy.parameters[name].words, name), self.say(date)), TIGHT
            case core.Option(reading=name):
                return self.reading(name), TIGHT
            case core.AsOf():
                return phrase("clock", self.lang).partition(" (")[0], TIGHT
            case core.And(parts=parts):
                return f" {self.word('and')} ".join(self.say(p, AND + 1) for p in parts), AND
            case core.Or(parts=parts):
                return f" {self.word('or')} ".join(self.say(p, OR + 1) for p in parts), OR
            case core.Not(value=core.IsNone(value=value)):
                return self.word("some", self.say(value, TIGHT)), COMPARE
            case core.Not(value=value):
                return self.word("not", self.say(value, NOT)), NOT
            case core.IsNone(value=value):
                return self.word("none", self.say(value, TIGHT)), COMPARE
            case core.IsKnown(value=value):
                return self.word("known", self.say(value, TIGHT)), COMPARE
            case core.Apply():
                return self.apply(node)
            case core.Branches(branches=branches, otherwise=otherwise):
                cases = [self.word("if", self.say(b.when), self.say(b.value, OR)) for b in branches]
                return "; ".join([*cases, self.word("else", self.say(otherwise, OR))]), LOOSE
            case core.Choose(subject=subject, options=options, otherwise=fallback):
                cases = [f"{self.option(subject, word)}: {self.say(value, OR)}" for word, value in options]
                cases += [self.word("else", self.say(fallback, OR))] if fallback is not None else []
                return f"{self.word('by', self.say(subject))} ({'; '.join(cases)})", TIGHT
            case core.Brackets(name=name, amount=amount):
                return f"{name.replace('_', ' ')} ({self.say(amount)})", TIGHT
            case core.Items(items=items):
                return ", ".join(self.say(i, COMPARE) for i in items), LOOSE
            case core.Filter() | core.Map():
                return self.list(node)
            case core.Share(owner=owner, total=total, among=among, slot=slot, weight=weight):
                whole = replace(self, inside=((0, owner),))
                weighed = self.within(slot, self.entity_of(among)).say(weight, SUM)
                return self.word("share", whole.say(total, SUM), weighed, whole.say(among, SUM)), SUM
            case core.Let(slot=slot, value=value, body=body):
                return replace(self, bound={**self.bound, slot: self.say(value, TIGHT)}).parts(body)
        raise _NoWords

    # Names.

    def constant(self, node: core.Constant, value: object) -> str:
        type_ = node.type.of if isinstance(node.type, OptionalType) else node.type
        if type_ == ROUNDING:
            return self.word(str(value))
        conventions = self.policy.conventions
        return say(node.value, type_, self.lang, conventions.currency, conventions.time_zone)

    def variable(self, node: core.Variable, slot: int) -> str:
        if slot in self.bound:
            return self.bound[slot]
        return self.word("this") if isinstance(node.type, RecordType) else phrase("value", self.lang).lower()

    def label(self, words: core.Words, name: str) -> str:
        return words.label.said(self.lang) if words.label else name.replace("_", " ")

    def definition(self, entity: str, name: str) -> str:
        definition = self.policy.definitions[entity, name]
        if definition.synthetic and name in ("base_score", "bonus_points", "final_score"):
            return phrase(name, self.lang)
        return self.label(definition.words, name.rpartition(".")[2] if definition.synthetic else name)

    def fact(self, record: core.Expr, name: str, stage: str | None) -> str:
        of = record.type.of if isinstance(record.type, OptionalType) else record.type
        assert isinstance(of, RecordType)
        text = self.label(self.policy.entities[of.entity].facts[name].words, name)
        if stage is not None:
            at = next(s for s in self.policy.stages if s.name == stage)
            text += f" ({self.label(at.words, stage)})"
        return self.owned(record, text)

    def owned(self, record: core.Expr, text: str) -> str:
        """A name with the record that it is of, where that is not the one spoken of."""
        match record:
            case core.Variable(slot=slot):
                entity = dict(self.inside).get(slot)
                innermost = self.inside[-1]
                if slot != innermost[0] and entity and entity == innermost[1]:
                    raise _NoWords
                return text
            case core.Owner(entity=entity):
                return f"{text} ({self.label(self.policy.entities[entity].words, entity)})"
        return self.word("of", text, self.say(record, TIGHT))

    def reading(self, name: str) -> str:
        words = self.policy.readings[name].words
        return self.word("reading", words.label.said(self.lang) if words.label else name.replace("_", " "))

    @staticmethod
    def _choice(node: core.Expr) -> ChoiceType | None:
        type_ = node.type.of if isinstance(node.type, OptionalType) else node.type
        return type_ if isinstance(type_, ChoiceType) else None

    def option(self, subject: core.Expr, word: str) -> str:
        type_ = self._choice(subject)
        return type_.said(word, self.lang) if type_ is not None else word

    # Operations and lists.

    def apply(self, node: core.Apply) -> tuple[str, int]:
        operation, arguments = node.operation, node.arguments
        strength = STRENGTH.get(operation.name, TIGHT)
        if operation.name in ("+", "-", "*", "/"):
            # The right side of a difference or a quotient keeps its brackets.
            right = strength + 1 if operation.name in ("-", "/") else strength
            texts = [self.say(arguments[0], strength), self.say(arguments[1], right)]
        elif strength == COMPARE:
            texts = [self.say(a, LOOSE if isinstance(a, core.Items) else SUM) for a in arguments]
        elif operation.said_each is not None and len(arguments) == 1:
            return self.aggregate(operation.said_each, operation.said, arguments[0]), SUM
        elif operation.said_each is not None:
            texts = [f" {self.word('and')} ".join(self.say(a, SUM) for a in arguments)]
        else:
            texts = [self.say(a, LOOSE if isinstance(a, core.Filter) else SUM) for a in arguments]
        template = operation.said[0 if self.lang == "it" else 1] if operation.said is not None else ""
        if f"{{{len(texts) - 1}}}" not in template:
            return f"{operation.name}({', '.join(texts)})", TIGHT  # no words, or words for fewer arguments
        return template.format(*texts), strength if operation.name in STRENGTH else SUM

    def aggregate(self, each: tuple[str, str], plain: tuple[str, str] | None, listed: core.Expr) -> str:
        index = 0 if self.lang == "it" else 1
        if isinstance(listed, core.Map) and not listed.flatten:
            inner = self.within(listed.slot, self.entity_of(listed.list)).say(listed.item, SUM)
            return each[index].format(inner, self.say(listed.list, TIGHT))
        assert plain is not None
        if isinstance(listed, core.Items):
            return plain[index].format(self.say(listed))
        return plain[index].format(self.say(listed))

    def list(self, node: core.Filter | core.Map) -> tuple[str, int]:
        inner = self.within(node.slot, self.entity_of(node.list))
        if isinstance(node, core.Map):
            if isinstance(node.item.type, RecordType) or node.flatten:
                return self.word("of", inner.say(node.item, TIGHT), self.say(node.list, TIGHT)), SUM
            return self.word("each", inner.say(node.item, SUM), self.say(node.list, TIGHT)), SUM
        parts = node.condition.parts if isinstance(node.condition, core.And) else (node.condition,)
        text = self.say(node.list, TIGHT)
        if any(isinstance(p, core.Admitted) for p in parts):
            text = self.word("not_struck", text)
        rest = [inner.say(p, AND + 1) for p in parts if not isinstance(p, core.Admitted)]
        return (self.word("where", text, f" {self.word('and')} ".join(rest)), COMPARE) if rest else (text, TIGHT)

    def within(self, slot: int, entity: str) -> _Formula:
        """Inside a list, where its members are spoken of."""
        return replace(self, inside=(*self.inside, (slot, entity)))

    @staticmethod
    def entity_of(listed: core.Expr) -> str:
        item = getattr(listed.type, "item", None)
        return item.entity if isinstance(item, RecordType) else ""
