"""Decisions as tables, whatever they are written to: one row an application, a requirement, a record with results, a problem."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from bandolo.check import core
from bandolo.diagnostics import Diagnostic
from bandolo.diagnostics.render import help_text, message
from bandolo.evaluate.decision import Decision, RequirementResult, ResultValue
from bandolo.evaluate.wire import decimal_of, is_decimal, split_path
from bandolo.explain.phrases import phrase
from bandolo.explain.speech import Speech
from bandolo.export.application_rows import FIRST_DAY
from bandolo.export.workbook_styles import Approximate, CellValue
from bandolo.language import calendar
from bandolo.language.types import BOOLEAN, DATE, DATETIME, INTEGER, MONEY, NUMBER, PERCENT, TEXT, Language, OptionalType, Type
from bandolo.language.values import Fault, Unknown
from bandolo.sheets.layout import Sheet, called, layout

WORDS: dict[str, tuple[str, str]] = {
    "decisions": ("Decisioni", "Decisions"),
    "requirements": ("Requisiti", "Requirements"),
    "problems": ("Errori", "Errors"),
    "about": ("Leggimi", "Read me"),
    "why": ("Motivi", "Reasons"),
    "missing": ("Dati mancanti", "Missing facts"),
    "subject": ("Soggetto", "Subject"),
    "excluded": ("Escluso", "Excluded"),
    "excluded_many": ("Esclusi", "Excluded"),
    "what_if": ("Supposto o modificato", "Assumed or changed"),
    "cure_by": ("Sanabile entro", "To be put right by"),
    "message": ("Messaggio", "Message"),
    "counts": ("Conta", "Counts"),
    "id": ("Nome nel bando", "Name in the policy"),
    "digest": ("Impronta dei dati", "Digest of the data"),
    "file": ("File", "File"),
    "place": ("Cella", "Cell"),
    "code": ("Codice", "Code"),
    "mend": ("Rimedio", "Mend"),
    "line": ("Voce", "Entry"),
    "number": ("Quante domande", "How many applications"),
    "policy": ("Bando", "Policy"),
    "engine": ("Motore", "Engine"),
    "unread": ("non lette: vedi «Errori»", "not read: see “Errors”"),
}
TABLE_TYPES = (BOOLEAN, INTEGER, NUMBER, MONEY, PERCENT, DATE, DATETIME)


@dataclass(frozen=True, slots=True)
class Head:
    """A heading, with the type of the cells under it and, for texts, how many characters wide."""

    text: str
    type: Type = TEXT
    wide: int = 18


@dataclass(frozen=True, slots=True)
class Table:
    """A sheet of results. `marks` tell the rows' outcome, for their colour."""

    name: str
    title: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[CellValue, ...], ...]
    marks: tuple[str, ...] = ()
    about: bool = False


def tables(
    policy: core.Policy, decisions: Sequence[tuple[str, Decision, core.Policy]], problems: Sequence[Diagnostic], lang: Language
) -> tuple[Table, ...]:
    """What is said first, the decisions, the requirements, the records of each entity with results, and what could not be read.

    Each decision comes with its label and the text that made it: an act may not reach all applications.
    """
    maker = _Maker(policy, decisions, lang)
    records = [maker.records(sheet) for sheet in layout(policy).values() if sheet.owners]
    last = [maker.problems(problems)] if problems else []
    return (maker.about(len(problems)), maker.decisions(), maker.requirements(), *(t for t in records if t is not None), *last)


class _Maker:
    def __init__(self, policy: core.Policy, decisions: Sequence[tuple[str, Decision, core.Policy]], lang: Language) -> None:
        self.policy, self.lang = policy, lang
        self.all = [(label, decision, Speech(text, decision, lang)) for label, decision, text in decisions]

    def said(self, key: str) -> str:
        return WORDS[key][0 if self.lang == "it" else 1]

    def about(self, unread: int) -> Table:
        """The policy, the engine and the what-ifs: what is needed to know what these results are."""
        p = self.policy
        rows: list[tuple[CellValue, ...]] = [(self.said("policy"), p.title.said(self.lang))]
        rows.append((self.said("number"), str(len(self.all))))
        count = Counter(decision.outcome for _, decision, _ in self.all)
        rows += [(phrase(outcome, self.lang).capitalize(), str(n)) for outcome, n in sorted(count.items())]
        rows += [(self.said("problems"), f"{unread}")] if unread else []
        rows += self._circumstances(self.all[0][1]) if self.all else []
        rows.append(("", phrase("footer", self.lang)))
        heads = (Head(self.said("line"), wide=48), Head(phrase("value", self.lang), wide=90))
        return Table("about", self.said("about"), heads, tuple(rows), about=True)

    def _circumstances(self, decision: Decision) -> list[tuple[CellValue, ...]]:
        """What all decisions have in common: the clock, the what-ifs, the readings, the digest and the engine to replay them."""
        rows: list[tuple[CellValue, ...]] = [(phrase("as_of", self.lang), decision.as_of or "–")]
        for key, names in (("amendments", decision.amendments), ("assumed", decision.assumed), ("changed", decision.changed)):
            rows += [(phrase(key, self.lang), "\n".join(names))] if names else []
        readings = [(self.policy.readings[name], option) for name, option in decision.readings.items() if name in self.policy.readings]
        rows += [(phrase("readings", self.lang), "")] if readings else []
        rows += [(r.question.said(self.lang), r.options[option].said(self.lang)) for r, option in readings if option in r.options]
        digest = decision.policy_digest.removeprefix("sha256:")
        return [*rows, (f"{self.policy.id}, SHA-256", digest), (self.said("engine"), f"Bandolo {decision.engine}")]

    # One row an application.

    def decisions(self) -> Table:
        stages = list(self.policy.stages) if len(self.policy.stages) > 1 else []
        results = [r for r in self.policy.results if r.entity == self.policy.root]
        heads = [Head(phrase("application", self.lang), wide=18), Head(phrase("outcome", self.lang), wide=16)]
        heads += [Head(phrase("stage", self.lang), wide=16)] if stages else []
        heads += [Head(self._name(r.entity, r.name), *_typed(r.type)) for r in results]
        heads += [Head(self.said("why"), wide=60), Head(self.said("missing"), wide=40), Head(self.said("excluded_many"), wide=20)]
        heads += [Head(_stage(s, self.lang), wide=14) for s in stages]
        heads += [Head(self.said("what_if"), wide=24), Head(self.said("digest"), wide=20)]
        rows, marks = [], []
        for label, decision, speech in self.all:
            by_name = {v.name: v for v in decision.result_values if v.record is None}
            row: list[CellValue] = [decision.application or label, speech.said(decision.outcome).capitalize()]
            row += [speech.stage(decision.stage)] if stages else []
            row += [self._result(by_name[r.name], speech) if r.name in by_name else None for r in results]
            row += [self._why(decision, speech), self._missing(decision, speech), _many({_last(e.record) for e in decision.excluded})]
            row += [speech.status(s.name) for s in stages]
            row += [_many([*decision.assumed, *decision.changed]), decision.application_digest]
            rows.append(tuple(row))
            marks.append(decision.outcome)
        return Table("decisions", self.said("decisions"), tuple(heads), tuple(rows), tuple(marks))

    def _why(self, decision: Decision, speech: Speech) -> str | None:
        """Each requirement that failed and counts, once."""
        said = [self._message(r, speech) for r in decision.requirements if r.verdict == "failed" and r.counts is not False]
        return "\n".join(dict.fromkeys(said)) or None

    def _missing(self, decision: Decision, speech: Speech) -> str | None:
        if decision.outcome in ("admitted", "rejected"):
            return None
        named = [speech.fact(m) for m in decision.missing] + list(decision.pending) + list(decision.open_readings)
        return "\n".join(named) or None

    def _message(self, result: RequirementResult, speech: Speech) -> str:
        label = speech.requirement(speech.policy.requirements[result.id])
        said = result.message.get(self.lang) or label
        key = _last(result.subject)
        return f"{key}: {said}" if key and split_path(result.subject)[-1] not in said else said

    # One row a requirement.

    def requirements(self) -> Table:
        words = [("application", 18), ("requirement", 44), ("stage", 16), ("verdict", 18), ("effect", 36)]
        heads = [Head(phrase(key, self.lang), wide=wide) for key, wide in words]
        heads.insert(1, Head(self.said("subject"), wide=20))
        heads += [Head(self.said("message"), wide=60), Head(self.said("missing"), wide=40), Head(self.said("cure_by"), DATE)]
        heads += [Head(self.said("counts"), BOOLEAN), Head(phrase("source", self.lang), wide=60), Head(self.said("id"), wide=24)]
        rows, marks = [], []
        for label, decision, speech in self.all:
            for result in decision.requirements:
                requirement = speech.policy.requirements[result.id]
                failed = result.verdict == "failed"
                sources = [f"{speech.document(q.document)}: «{q.quote}»" for q in result.sources]
                counts = None if result.counts is None else speech.said("yes" if result.counts else "no")
                rows.append(
                    (
                        decision.application or label,
                        _last(result.subject) if "[" in result.subject else None,
                        speech.requirement(requirement),
                        speech.stage(result.stage),
                        speech.verdict(result),
                        speech.said(f"effect.{result.effect}") if failed and result.effect else None,
                        result.message.get(self.lang) if failed else None,
                        "\n".join(speech.fact(m) for m in result.missing) or None,
                        result.cure_by if failed else None,
                        counts if failed else None,
                        "\n".join(sources) or None,
                        result.id,
                    )
                )
                marks.append({"failed": "rejected", "unknown": "undetermined"}.get(result.verdict, ""))
        return Table("requirements", self.said("requirements"), tuple(heads), tuple(rows), tuple(marks))

    # One row a record.

    def records(self, sheet: Sheet) -> Table | None:
        """The results of an entity's records, and which are excluded; None where it has neither results nor may be excluded."""
        entity = sheet.entity
        results = [r for r in self.policy.results if r.entity == entity.name]
        if not results:
            return None
        owners = [o for o in sheet.owners if o != self.policy.root]
        heads = [Head(phrase("application", self.lang), wide=18)]
        heads += [Head(called(self.policy.entities[o].words, o).said(self.lang), wide=20) for o in (*owners, entity.name)]
        heads += [Head(self.said("excluded"), wide=30), *(Head(self._name(r.entity, r.name), *_typed(r.type)) for r in results)]
        rows, marks = [], []
        for label, decision, speech in self.all:
            struck = {e.record: e for e in decision.excluded}
            found = dict(_by_record(decision, entity.name))
            lists = [self.policy.entities[o].listed_in for o in (*sheet.owners[1:], entity.name)]
            found |= {path: {} for path in struck if path not in found and split_path(path)[::2] == lists}
            for path, values in found.items():
                parts = split_path(path)[1::2]
                why = struck.get(path)
                named = [speech.requirement(speech.policy.requirements[i]) for i in why.requirements] if why is not None else []
                row: list[CellValue] = [decision.application or label, *parts, "; ".join(named) or None]
                row += [self._result(values[r.name], speech) if r.name in values else None for r in results]
                rows.append(tuple(row))
                marks.append("rejected" if why is not None else "")
        return Table(entity.name, sheet.titles.said(self.lang), tuple(heads), tuple(rows), tuple(marks))

    # What could not be read.

    def problems(self, problems: Sequence[Diagnostic]) -> Table:
        heads = [Head(self.said("file"), wide=28), Head(self.said("place"), wide=20), Head(self.said("message"), wide=70)]
        heads += [Head(self.said("mend"), wide=60), Head(self.said("code"), wide=24)]
        rows = []
        for d in problems:
            place = f"{d.span.line}:{d.span.column}" if d.span is not None else d.path
            file = d.span.source.path if d.span is not None else d.file
            rows.append((file, place, message(d, self.lang), help_text(d, self.lang), d.code))
        return Table("problems", self.said("problems"), tuple(heads), tuple(rows), ("rejected",) * len(rows))

    def _name(self, entity: str, name: str) -> str:
        definition = self.policy.definitions[entity, name]
        if definition.synthetic and name in ("base_score", "bonus_points", "final_score"):
            return phrase(name, self.lang)
        return called(definition.words, name).said(self.lang)

    def _result(self, result: ResultValue, speech: Speech) -> CellValue:
        """A result as a cell; in words where it is not known, or has no end."""
        value, type_ = result.value, result.type.of if isinstance(result.type, OptionalType) else result.type
        if isinstance(value, Unknown):
            return phrase("not_known", self.lang)  # its bounds are for `explain`: a column of sums would not be read any more
        if isinstance(value, Fault):
            return speech.value(value, result.type)
        if isinstance(value, Fraction):
            if is_decimal(value):
                return decimal_of(value)
            cut = Decimal(round(value * 10**12)).scaleb(-12)
            return Approximate(cut, speech.value(value, result.type))
        if type_ == DATE and hasattr(value, "year"):
            return value if value >= FIRST_DAY else value.isoformat()  # type: ignore[operator, return-value, union-attr]
        if type_ == DATETIME and hasattr(value, "astimezone"):
            wall = calendar.wall_time(value, self.policy.conventions.time_zone).replace(tzinfo=None, fold=0)  # type: ignore[arg-type]
            return wall if wall.date() >= FIRST_DAY else wall.isoformat(sep=" ")
        return speech.value(value, result.type)


def _typed(type_: Type) -> tuple[Type, int]:
    inner = type_.of if isinstance(type_, OptionalType) else type_
    return (inner, 16) if inner in TABLE_TYPES else (TEXT, 24)


def _stage(stage: core.Stage, lang: Language) -> str:
    return called(stage.words, stage.name).said(lang)


def _last(path: str) -> str:
    """The keys that lead to a record: `IT1`, `IT1 › 7`."""
    return " › ".join(split_path(path)[1::2])


def _many(names: Sequence[str] | set[str]) -> str | None:
    return ", ".join(sorted(names) if isinstance(names, set) else names) or None


def _by_record(decision: Decision, entity: str) -> Iterator[tuple[str, dict[str, ResultValue]]]:
    """The results of an entity's records, record by record, in their order."""
    found: dict[str, dict[str, ResultValue]] = {}
    for value in decision.result_values:
        if value.entity == entity and value.record is not None:
            found.setdefault(value.record, {})[value.name] = value
    yield from found.items()
