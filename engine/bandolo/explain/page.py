"""An explanation as a page of blocks: what stands on it and in which order, before it is known how it will be shown."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from bandolo.check import core
from bandolo.evaluate.decision import RequirementResult, ResultValue, StruckRecord
from bandolo.evaluate.reference import Evaluation
from bandolo.explain.phrases import OPPOSITE, SIGNS, phrase, said_distance
from bandolo.explain.reasons import Condition, Derivation, Explanation, Operand, Reason
from bandolo.language.types import DATETIME, Language, ListType, Type
from bandolo.language.values import Fault, Record, Unknown, Value
from bandolo.language.wording import day, say


@dataclass(frozen=True, slots=True)
class Heading:
    text: str
    level: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text; `mark` is met, failed, unknown, not_applicable or none, `indent` counts from 0."""

    text: str
    mark: str = "none"
    indent: int = 0
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Quoted:
    document: str
    quote: str
    indent: int = 1


@dataclass(frozen=True, slots=True)
class Table:
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


COLUMNS = 4
Block = Heading | Line | Quoted | Table


def page(explained: Explanation, lang: Language) -> list[Block]:
    """The blocks of an explanation, the answer first."""
    return list(_Page(explained, lang).blocks())


class _Page:
    def __init__(self, explained: Explanation, lang: Language) -> None:
        self.e, self.lang = explained, lang
        self.policy, self.decision = explained.policy, explained.decision
        self.records = _records(explained)

    def said(self, key: str, **args: object) -> str:
        return phrase(key, self.lang, **args)

    def value(self, value: Value, type_: Type) -> str:
        conventions = self.policy.conventions
        text = say(value, type_, self.lang, conventions.currency, conventions.time_zone)
        if isinstance(value, Unknown):
            text += self._between(value, type_)
        return text

    def _between(self, value: Unknown, type_: Type) -> str:
        """The bounds of an unknown value, in brackets."""
        if isinstance(type_, ListType):
            return ""
        limits = [("at_least", value.low), ("at_most", value.high)]
        said = [self.said(k, v=self.value(b, type_)) for k, b in limits if b is not None]
        return f" ({', '.join(said)})" if said else ""

    def blocks(self) -> list[Block]:
        decision = self.decision
        title = self.policy.title.said(self.lang)
        out: list[Block] = [Heading(title, 1)]
        if decision.application:
            out.append(Line(f"{self.said('application')}: {decision.application}"))
        if decision.as_of:
            out.append(Line(f"{self.said('as_of')} {self._as_of()}"))
        stage = self.stage_name(decision.stage)
        mark = {"admitted": "met", "rejected": "failed"}.get(decision.outcome, "unknown")
        out.append(
            Line(f"{self.said('outcome')}: {self.said(decision.outcome)} ({self.said('stage').lower()}: {stage})", mark, strong=True)
        )
        out += self._trials()
        out += self._why()
        out += self._missing()
        out += self._struck("excluded", decision.excluded)
        out += self._struck("barred_records", decision.barred)
        out += self._results()
        out += self._requirements()
        out += self._stages()
        out += self._readings()
        out += self._faults()
        out += [Line(self.said("footer"))]
        out += [
            Line(f"{decision.policy_id} {decision.policy_digest[:23]}… · {decision.application_digest[:23]}… · bandolo {decision.engine}")
        ]
        return out

    def _as_of(self) -> str:
        evaluation = self.decision.trace
        assert isinstance(evaluation, Evaluation)
        text = self.value(evaluation.settings.as_of, DATETIME)
        return text.partition(",")[0] if len(self.decision.as_of or "") == 10 else text

    # Names.

    def stage_name(self, name: str) -> str:
        stage = next(s for s in self.policy.stages if s.name == name)
        return stage.words.label.said(self.lang) if stage.words.label else name.replace("_", " ")

    def name_of(self, requirement: core.Requirement) -> str:
        if requirement.words.label is not None:
            return requirement.words.label.said(self.lang)
        if requirement.id == "minimum_score":
            return self.said("minimum_score")
        return requirement.id.replace("_", " ")

    def subject(self, path: str) -> str:
        record = self.records[path]
        entity = self.policy.entities[record.entity]
        label = entity.words.label.said(self.lang) if entity.words.label else record.entity.replace("_", " ")
        return f"{label} {record.key}" if record.key else path

    # The answer.

    def _trials(self) -> list[Block]:
        out: list[Block] = []
        decision = self.decision
        if decision.amendments:
            out.append(Line(f"{self.said('amendments')}: {', '.join(decision.amendments)}"))
        for key in ("assumed", "changed"):
            names = getattr(decision, key)
            if names:
                out.append(Line(f"{self.said(key)}: {', '.join(self._as_set(n) for n in names)}", "unknown"))
        return out

    def _as_set(self, name: str) -> str:
        """A parameter with the value that it was given, a reading with its option."""
        evaluation = self.decision.trace
        assert isinstance(evaluation, Evaluation)
        if name.startswith("reading."):
            return f"{name} = {self.decision.readings.get(name.removeprefix('reading.'), '—')}"
        value = evaluation.settings.parameters[name]
        return f"{name} = {self.value(value, self.policy.parameters[name].type)}"

    def _why(self) -> list[Block]:
        """The requirements that made the outcome what it is, in full."""
        failing = [r for r in self.e.reasons if r.result.verdict == "failed" and r.result.counts is not False and r.result.effect != "flag"]
        failing = [r for r in failing if self.decision.stages[r.result.stage] != "not_started" and r.result.effect != "exclude"]
        if not failing:
            return []
        out: list[Block] = [Heading(self.said("why"), 2)]
        for reason in failing:
            out += self._in_full(reason)
        return out

    def _in_full(self, reason: Reason) -> list[Block]:
        result = reason.result
        name = self.name_of(reason.requirement)
        if result.subject != self.policy.root:
            name = f"{name} — {self.subject(result.subject)}"
        out: list[Block] = [Line(f"{name}: {self._verdict(result)}", result.verdict, strong=True)]
        if result.message.get(self.lang):
            out.append(Line(result.message[self.lang], indent=1))
        out += [Line(text, indent=1) for text in self.formula(reason.condition)]
        if result.effect is not None and result.verdict == "failed":
            cure = f" ({self.said('cure_by', day=day(result.cure_by, self.lang))})" if result.cure_by else ""
            out.append(Line(f"{self.said('effect')}: {self.said('effect.' + result.effect)}{cure}", indent=1))
        if result.missing and result.verdict == "unknown":
            out.append(Line(f"{self.said('missing')}: {', '.join(result.missing)}", indent=1))
        out += [Quoted(self._document(s.document), s.quote) for s in reason.requirement.words.sources]
        return out

    def _verdict(self, result: RequirementResult) -> str:
        return self.said("not_met" if result.verdict == "failed" else result.verdict)

    def _document(self, name: str) -> str:
        document = self.policy.documents.get(name)
        return document.title.said(self.lang) if document else name

    # Formulas.

    def formula(self, condition: Condition, depth: int = 0) -> list[str]:
        """The lines of a formula with its values, sub-conditions indented."""
        pad = "  " * depth
        match condition.kind:
            case "all" | "any":
                word = {"all": {"it": "e", "en": "and"}, "any": {"it": "oppure", "en": "or"}}[condition.kind][self.lang]
                lines = []
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
                head = f"{pad}{condition.text} → {self._truth(condition.value)}"
                return [head] if condition.value is None else [f"{head}: {first.strip()}", *rest]
            case "compare":
                return [pad + self._comparison(condition), *self._names(condition.names, pad)]
        return [pad + f"{condition.text} → {self._truth(condition.value)}", *self._names(condition.names, pad)]

    def _comparison(self, condition: Condition) -> str:
        left, right = condition.left, condition.right
        assert left is not None
        assert right is not None
        values = f"{self.value(left.value, left.type)} {self._sign(condition)} {self.value(right.value, right.type)}"
        gap = said_distance(condition, self.lang, self.policy.conventions.currency)
        return f"{condition.text} → {values}" + (f" ({gap})" if gap else "")

    @staticmethod
    def _sign(condition: Condition) -> str:
        if condition.value is False:
            return OPPOSITE.get(condition.operator, condition.operator)
        return SIGNS.get(condition.operator, condition.operator) + ("" if condition.value is True else " ?")

    def _truth(self, value: Value | None) -> str:
        if value is None:
            return self.said("not_looked")
        if isinstance(value, bool):
            return self.said("holds" if value else "fails")
        return self.said("not_known")

    def _names(self, names: tuple[Operand, ...], pad: str) -> list[str]:
        if not names:
            return []
        return [f"{pad}  {self._listed(names)}"]

    def _listed(self, names: tuple[Operand, ...]) -> str:
        """Named values, by their labels where they have one."""
        return "; ".join(f"{n.label.said(self.lang) if n.label else n.text} = {self.value(n.value, n.type)}" for n in names[:8])

    # The rest.

    def _missing(self) -> list[Block]:
        decision = self.decision
        out: list[Block] = []
        if decision.missing:
            out.append(Heading(self.said("missing"), 2))
            out += [Line(self._fact(path), "unknown") for path in decision.missing]
        if decision.pending:
            out.append(Heading(self.said("pending"), 2))
            for name in decision.pending:
                parameter = self.policy.parameters[name]
                label = parameter.words.label.said(self.lang) if parameter.words.label else name
                act = f" — {parameter.pending.said(self.lang)}" if parameter.pending else ""
                out.append(Line(f"{label} ({name}){act}", "unknown"))
        if decision.open_readings:
            out.append(Heading(self.said("open_readings"), 2))
            out += [Line(f"{self.policy.readings[n].question.said(self.lang)} ({n})", "unknown") for n in decision.open_readings]
        return out

    def _fact(self, path: str) -> str:
        """A missing fact by its label and, for people who must supply it, who does."""
        owner, _, rest = path.rpartition("].")
        name, _, moment = (rest or path).partition(" at ")
        subject = f"{owner}]" if owner else self.policy.root
        record = self.records.get(subject)
        declared = self.policy.entities[record.entity].facts.get(name) if record else None
        if declared is None or record is None:
            return path
        label = declared.words.label.said(self.lang) if declared.words.label else name.replace("_", " ")
        where = f"{self.subject(subject)}: " if record.owner is not None else ""
        by = f" [{declared.by.said(self.lang)}]" if declared.by else ""
        at = f" ({self.stage_name(moment)})" if moment else ""
        return f"{where}{label}{at}{by} — {path}"

    def _struck(self, key: str, struck: tuple[StruckRecord, ...]) -> list[Block]:
        if not struck:
            return []
        out: list[Block] = [Heading(self.said(key), 2)]
        by_place = {(r.result.subject, r.result.id): r for r in self.e.reasons}
        for record in struck:
            for id_ in record.requirements:
                out += self._in_full(by_place[record.record, id_])
        return out

    def _results(self) -> list[Block]:
        """What is known first; what only a later stage will tell is named in one line."""
        if not self.e.derivations:
            return []
        out: list[Block] = [Heading(self.said("results"), 2)]
        later: list[str] = []
        for derivation in (d for d in self.e.derivations if d.result.record is None):
            if self._is_later([derivation]):
                later.append(self._result_name(derivation))
            else:
                out += self._derivation(derivation)
        listed = [d for d in self.e.derivations if d.result.record is not None]
        for entity, group in groupby(listed, key=lambda d: d.result.entity):
            shown: list[Derivation] = []
            by_name: dict[str, list[Derivation]] = {}
            for derivation in group:
                by_name.setdefault(derivation.result.name, []).append(derivation)
            for derivations in by_name.values():
                if self._is_later(derivations):
                    later.append(self._result_name(derivations[0]))
                else:
                    shown += derivations
            out += self._table(entity, shown) if shown else []
        if later:
            out.append(Line(self.said("later", names=", ".join(later)), "unknown"))
        return out

    def _is_later(self, derivations: list[Derivation]) -> bool:
        """Whether a result would stay unknown even if all that the verdicts now miss were supplied."""
        unknown = [v for d in derivations if isinstance(v := d.result.value, Unknown)]
        if not unknown or any(d.result.value for d in derivations if not isinstance(d.result.value, Unknown)):
            return False
        return all(v.missing - set(self.decision.missing) for v in unknown)

    def _derivation(self, derivation: Derivation) -> list[Block]:
        result = derivation.result
        out: list[Block] = [Line(f"{self._result_name(derivation)}: {self._result_value(result)}", strong=True)]
        because = "; ".join(f"{o.text} = {self.value(o.value, o.type)}" for o in derivation.because)
        out.append(Line(f"= {derivation.text}" + (f" — {self.said('because')} {because}" if because else ""), indent=1))
        if derivation.names:
            out.append(Line(self._listed(derivation.names), indent=1))
        return out

    def _result_name(self, derivation: Derivation) -> str:
        if derivation.label is not None:
            return derivation.label.said(self.lang)
        name = derivation.result.name
        return self.said(name) if name in ("base_score", "bonus_points", "final_score") else name.replace("_", " ")

    def _result_value(self, result: ResultValue) -> str:
        if isinstance(result.value, Fault):
            return self.value(result.value, result.type)
        return self.value(result.value, result.type)

    def _cell(self, result: ResultValue) -> str:
        """A value in a table: bounds would crowd it."""
        return self.said("not_known") if isinstance(result.value, Unknown) else self._result_value(result)

    def _table(self, entity: str, derivations: list[Derivation]) -> list[Block]:
        """One row a record; where there are many results, several tables, so that each fits a page."""
        names = list(dict.fromkeys(d.result.name for d in derivations))
        tables: list[Block] = []
        for start in range(0, len(names), COLUMNS):
            part = names[start : start + COLUMNS]
            tables.append(self._one_table(entity, [d for d in derivations if d.result.name in part]))
        return tables

    def _one_table(self, entity: str, derivations: list[Derivation]) -> Table:
        names = list(dict.fromkeys(d.result.name for d in derivations))
        labels = {d.result.name: self._result_name(d) for d in derivations}
        rows: dict[str, dict[str, str]] = {}
        for derivation in derivations:
            result = derivation.result
            rows.setdefault(result.key or result.record or "", {})[result.name] = self._cell(result)
        label = self.policy.entities[entity].words.label
        head = label.said(self.lang) if label else entity.replace("_", " ")
        return Table(
            (head, *(labels[n] for n in names)), tuple((key, *(values.get(n, "—") for n in names)) for key, values in rows.items())
        )

    def _requirements(self) -> list[Block]:
        """Every requirement once: those of records with how many of them meet it, and the others one by one."""
        out: list[Block] = [Heading(self.said("requirements"), 2)]
        stage = ""
        for (stage_name, _), group in groupby(self.e.reasons, key=lambda r: (r.result.stage, r.result.id)):
            if stage_name != stage:
                stage = stage_name
                status = self._status(stage)
                out.append(Heading(f"{self.stage_name(stage)}: {status}", 3))
            out += self._group(list(group))
        return out

    def _status(self, stage: str) -> str:
        status = self.decision.stages[stage]
        return self.said(f"stage.{status}" if status in ("suspended", "undetermined", "referred", "barred") else status)

    def _group(self, reasons: list[Reason]) -> list[Block]:
        first = reasons[0]
        name = self.name_of(first.requirement)
        if first.result.subject == self.policy.root:
            lines: list[Block] = [Line(f"{name}: {self._verdict(first.result)}", first.result.verdict)]
            lines += [Line(text, indent=1) for text in self.formula(first.condition)] if first.result.verdict != "not_applicable" else []
            return lines + [Quoted(self._document(s.document), s.quote) for s in first.requirement.words.sources]
        out: list[Block] = []
        for verdict in ("failed", "unknown", "met", "not_applicable"):
            those = [r for r in reasons if r.result.verdict == verdict]
            if not those:
                continue
            whole = len(those) == len(reasons)
            count = self.said("all_records" if whole else "some_records", count=len(those), total=len(reasons))
            who = "" if whole or verdict in ("met", "not_applicable") else ": " + ", ".join(self._short(r) for r in those[:6])
            out.append(Line(f"{name}: {self._verdict(those[0].result)} — {count}{who}", verdict))
        return out + [Quoted(self._document(s.document), s.quote) for s in first.requirement.words.sources]

    def _short(self, reason: Reason) -> str:
        record = self.records[reason.result.subject]
        return record.key or reason.result.subject

    def _stages(self) -> list[Block]:
        rows = tuple((self.stage_name(name), self._status(name)) for name in self.decision.stages)
        return [Heading(self.said("stages"), 2), Table((self.said("stage"), self.said("status")), rows)] if len(rows) > 1 else []

    def _readings(self) -> list[Block]:
        if not self.decision.readings:
            return []
        out: list[Block] = [Heading(self.said("readings"), 2)]
        for name, option in self.decision.readings.items():
            reading = self.policy.readings[name]
            out.append(Line(f"{reading.question.said(self.lang)} → {reading.options[option].said(self.lang)} ({name}: {option})"))
        return out

    def _faults(self) -> list[Block]:
        if not self.decision.faults:
            return []
        out: list[Block] = [Heading(self.said("faults"), 2)]
        out += [Line(f"{f.code} ({f.place}): {f.text} → {', '.join(f.affects)}", "failed") for f in self.decision.faults]
        return out


def _records(explained: Explanation) -> dict[str, Record]:
    evaluation = explained.decision.trace
    assert isinstance(evaluation, Evaluation)
    return {record.path: record for listed in evaluation.records.values() for record in listed}
