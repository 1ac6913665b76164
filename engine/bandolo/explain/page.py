"""An explanation as a page: what stands on it and in which order. The answer first, then why, then everything else."""

from __future__ import annotations

from itertools import groupby

from bandolo.check import core
from bandolo.evaluate.decision import ResultValue, StruckRecord
from bandolo.evaluate.reference import Evaluation
from bandolo.explain.blocks import Block, Heading, Line, Quoted, Table
from bandolo.explain.reasons import Derivation, Explanation, Reason
from bandolo.explain.speech import Speech
from bandolo.language.types import DATETIME, NUMBER, Language
from bandolo.language.values import Record, Unknown

COLUMNS = 4


def page(explained: Explanation, lang: Language) -> list[Block]:
    """The blocks of an explanation."""
    return _Page(explained, lang).blocks()


class _Page:
    def __init__(self, explained: Explanation, lang: Language) -> None:
        self.e, self.lang = explained, lang
        self.policy, self.decision = explained.policy, explained.decision
        evaluation = explained.decision.trace
        assert isinstance(evaluation, Evaluation)
        self.evaluation = evaluation
        records: dict[str, Record] = {r.path: r for listed in evaluation.records.values() for r in listed}
        self.speech = Speech(explained.policy, explained.decision, lang, records)
        self.said = self.speech.said
        self.told: set[tuple[str, str]] = set()
        """What has been explained in full, requirement and subject: the list of all requirements need not repeat it."""

    def blocks(self) -> list[Block]:
        decision = self.decision
        digests = f"{decision.policy_id} {decision.policy_digest[:23]}… · {decision.application_digest[:23]}… · bandolo {decision.engine}"
        return [
            *self._head(), *self._trials(), *self._why(), *self._missing(), *self._noted(), *self._struck("excluded", decision.excluded),
            *self._struck("barred_records", decision.barred), *self._results(), *self._requirements(), *self._stages(), *self._readings(),
            *self._faults(), Line(self.said("footer")), Line(digests),
        ]  # fmt: skip

    def _head(self) -> list[Block]:
        decision = self.decision
        out: list[Block] = [Heading(self.policy.title.said(self.lang), 1)]
        if decision.application:
            out.append(Line(f"{self.said('application')}: {self.decision.application}"))
        if decision.as_of:
            out.append(Line(f"{self.said('as_of')} {self._as_of()}"))
        mark = {"admitted": "met", "rejected": "failed"}.get(decision.outcome, "unknown")
        where = f"{self.said('stage').lower()}: {self.speech.stage(decision.stage)}" if len(decision.stages) > 1 else ""
        outcome = f"{self.said('outcome')}: {self.said(decision.outcome)}"
        out.append(Line(f"{outcome} ({where})" if where else outcome, mark, strong=True))
        return out

    def _as_of(self) -> str:
        text = self.speech.value(self.evaluation.settings.as_of, DATETIME)
        return text.partition(",")[0] if len(self.decision.as_of or "") == 10 else text

    def _trials(self) -> list[Block]:
        """What is not the call as it stands: acts that amend it, and what was supposed for trial."""
        decision = self.decision
        out: list[Block] = []
        if self.policy.acts:
            acts = [self.said("of_date", title=act.title.said(self.lang), date=act.date) for act in self.policy.acts]
            out.append(Line(f"{self.said('amendments')}: {', '.join(acts)}"))
        for key, names in (("assumed", decision.assumed), ("changed", decision.changed)):
            if names:
                out.append(Line(f"{self.said(key)}: {', '.join(self._as_set(n) for n in names)}", "unknown"))
        return out

    def _as_set(self, name: str) -> str:
        """A parameter with the value that it was given, a reading with its option."""
        if " = " in name:
            return name  # a change, which already says its value
        parameter = self.policy.parameters[name]
        value = self.evaluation.settings.parameters[name]
        return f"{self.speech.label(parameter.words, name)} = {self.speech.value(value, parameter.type)}"

    # Why.

    def _failing(self, *effects: str) -> list[Reason]:
        open_stages = {name for name, status in self.decision.stages.items() if status != "not_started"}
        return [
            r for r in self.e.reasons
            if r.result.verdict == "failed" and r.result.counts is not False
            and r.result.effect in effects and r.result.stage in open_stages
        ]  # fmt: skip

    def _why(self) -> list[Block]:
        """The requirements that made the outcome what it is, in full."""
        failing = [r for r in self._failing("reject", "suspend", "refer", "bar") if not self._is_barred_record(r)]
        if not failing and self.decision.outcome == "admitted":
            return [Heading(self.said("why"), 2), *self._all_met()]
        return [Heading(self.said("why"), 2), *(b for r in failing for b in self._in_full(r))] if failing else []

    def _all_met(self) -> list[Block]:
        """What an admission rests on: each requirement of the stages passed counted once, by the worst of its verdicts."""
        worst: dict[str, str] = {}
        rank = ("not_applicable", "met", "failed")
        for result in (r.result for r in self.e.reasons if self.decision.stages[r.result.stage] == "passed"):
            verdict = "met" if result.effect == "exclude" else result.verdict
            if verdict in rank and rank.index(verdict) >= rank.index(worst.get(result.id, "not_applicable")):
                worst[result.id] = verdict
        counts = {verdict: list(worst.values()).count(verdict) for verdict in rank}
        key = "some_noted" if counts["failed"] else "all_met"
        said = self.said(key, met=counts["met"], inapplicable=counts["not_applicable"], failed=counts["failed"])
        struck = len({s.record for s in self.decision.excluded})
        return [Line(said, "met"), *([Line(self.said("struck_count", count=struck))] if struck else [])]

    def _is_barred_record(self, reason: Reason) -> bool:
        return reason.result.effect == "bar" and reason.result.subject != self.policy.root

    def _noted(self) -> list[Block]:
        """What failed without consequence of its own: it may well weigh on an amount."""
        failing = self._failing("flag")
        return [Heading(self.said("noted"), 2), *(b for r in failing for b in self._in_full(r))] if failing else []

    def _struck(self, key: str, struck: tuple[StruckRecord, ...]) -> list[Block]:
        by_place = {(r.result.subject, r.result.id): r for r in self.e.reasons}
        reasons = [by_place[s.record, id_] for s in struck for id_ in s.requirements]
        return [Heading(self.said(key), 2), *(b for r in reasons for b in self._in_full(r))] if reasons else []

    def _in_full(self, reason: Reason) -> list[Block]:
        result = reason.result
        self.told.add((result.id, result.subject))
        name = self.speech.requirement(reason.requirement)
        if result.subject != self.policy.root:
            name = f"{name} — {self.speech.subject(result.subject)}"
        out: list[Block] = [Line(f"{name}: {self.speech.verdict(result)}", result.verdict, strong=True)]
        if result.message.get(self.lang):
            out.append(Line(result.message[self.lang], indent=1))
        out += [Line(text, indent=1) for text in self.speech.formula(reason.condition)]
        if result.effect is not None and result.effect != "flag":
            out.append(Line(f"{self.said('effect')}: {self.speech.effect(reason.requirement, result)}", indent=1))
        return out + self._quotes(reason.sources)

    def _quotes(self, sources: tuple[core.Source, ...], indent: int = 1) -> list[Block]:
        """The passages, those of one document together."""
        by_document: dict[str, list[str]] = {}
        for source in sources:
            by_document.setdefault(source.document, []).append(source.quote)
        return [Quoted(self.speech.document(name), tuple(quotes), indent) for name, quotes in by_document.items()]

    def _missing(self) -> list[Block]:
        decision = self.decision
        out: list[Block] = []
        if decision.missing:
            out.append(Heading(self.said("missing"), 2))
            out += [Line(f"{self.speech.fact(path)} — {path}", "unknown") for path in decision.missing]
        if decision.pending:
            out.append(Heading(self.said("pending"), 2))
            for name in decision.pending:
                parameter = self.policy.parameters[name]
                act = f" — {parameter.pending.said(self.lang)}" if parameter.pending else ""
                out.append(Line(f"{self.speech.label(parameter.words, name)} ({name}){act}", "unknown"))
        if decision.open_readings:
            out.append(Heading(self.said("open_readings"), 2))
            out += [Line(f"{self.policy.readings[n].question.said(self.lang)} ({n})", "unknown") for n in decision.open_readings]
        return out

    # Results.

    def _results(self) -> list[Block]:
        """What is known first; what a later stage will tell is named together, with what it needs."""
        if not self.e.derivations:
            return []
        out: list[Block] = [Heading(self.said("results"), 2)]
        if self.decision.outcome == "rejected":
            out.append(Line(self.said("indicative"), "unknown"))
        later: list[Derivation] = []
        for derivation in (d for d in self.e.derivations if d.result.record is None):
            if self._is_later([derivation]):
                later.append(derivation)
            else:
                out += self._derivation(derivation)
        listed = [d for d in self.e.derivations if d.result.record is not None]
        for entity, group in groupby(listed, key=lambda d: d.result.entity):
            by_name: dict[str, list[Derivation]] = {}
            for derivation in group:
                by_name.setdefault(derivation.result.name, []).append(derivation)
            shown = [d for ds in by_name.values() if not self._is_later(ds) for d in ds]
            later += [d for ds in by_name.values() if self._is_later(ds) for d in ds]
            out += self._tables(entity, shown) if shown else []
        return out + (self._later(later) if later else [])

    def _later(self, later: list[Derivation]) -> list[Block]:
        names = list(dict.fromkeys(self.speech.result(d.result.entity, d.result.name) for d in later))
        facts = sorted({m for d in later if isinstance(d.result.value, Unknown) for m in d.result.value.missing})
        known = list(dict.fromkeys(self.speech.fact(f, whose=False) for f in facts))
        return [
            Line(self.said("later", names=", ".join(names)), "unknown"),
            Line(self.said("needs", facts=self.speech.listed(known)), indent=1),
        ]

    def _is_later(self, derivations: list[Derivation]) -> bool:
        """Whether a result waits for facts that no verdict of an open stage asks for, while a stage has not begun."""
        if "not_started" not in self.decision.stages.values():
            return False
        unknown = [v for d in derivations if isinstance(v := d.result.value, Unknown)]
        if not unknown or any(d.result.value for d in derivations if not isinstance(d.result.value, Unknown)):
            return False
        return all(v.missing - set(self.decision.missing) for v in unknown)

    def _derivation(self, derivation: Derivation) -> list[Block]:
        result = derivation.result
        name = self.speech.result(result.entity, result.name)
        out: list[Block] = [Line(f"{name}: {self.speech.value(result.value, result.type)}", strong=True)]
        because = self.speech.operands(derivation.because)
        out.append(Line(f"= {derivation.said.said(self.lang)}" + (f" — {self.said('because')} {because}" if because else ""), indent=1))
        if derivation.names:
            out.append(Line(self.speech.operands(derivation.names), indent=1))
        if isinstance(result.value, Unknown):
            facts = [self.speech.fact(f) for f in sorted(result.value.missing)]
            out.append(Line(self.said("needs", facts=self.speech.listed(facts)), "unknown", indent=1))
        for label, bonus, points, condition, sources in derivation.parts:
            called = label.said(self.lang) if label else bonus.replace("_", " ")
            mark = "unknown" if isinstance(points, Unknown) else "met" if points else "failed"
            out.append(Line(f"{called}: {self.speech.value(points, NUMBER)}", mark, indent=1))
            out += [Line(text, indent=2) for text in self.speech.formula(condition)]
            out += self._quotes(sources, 2)
        return out

    def _tables(self, entity: str, derivations: list[Derivation]) -> list[Block]:
        """One row a record; where there are many results, several tables, so that each fits a page."""
        names = list(dict.fromkeys(d.result.name for d in derivations))
        parts = [names[start : start + COLUMNS] for start in range(0, len(names), COLUMNS)]
        return [self._table(entity, [d.result for d in derivations if d.result.name in part]) for part in parts]

    def _table(self, entity: str, results: list[ResultValue]) -> Table:
        names = list(dict.fromkeys(r.name for r in results))
        rows: dict[str, dict[str, str]] = {}
        for result in results:
            # Bounds would crowd a table.
            cell = self.said("not_known") if isinstance(result.value, Unknown) else self.speech.value(result.value, result.type)
            rows.setdefault(self.speech.called(result.record or ""), {})[result.name] = cell
        head = self.speech.label(self.policy.entities[entity].words, entity)
        heads = (head, *(self.speech.result(entity, n) for n in names))
        return Table(heads, tuple((key, *(values.get(n, "—") for n in names)) for key, values in rows.items()))

    # Everything else.

    def _requirements(self) -> list[Block]:
        """Every requirement once, in the order of the policy; of a stage that has not begun, only that."""
        out: list[Block] = [Heading(self.said("requirements"), 2)]
        order = {id_: i for i, id_ in enumerate(self.policy.requirements)}
        stages = list(self.decision.stages)
        reasons = sorted(self.e.reasons, key=lambda r: (stages.index(r.result.stage), order[r.result.id]))
        for stage, of_stage in groupby(reasons, key=lambda r: r.result.stage):
            out.append(Heading(f"{self.speech.stage(stage)}: {self.speech.status(stage)}", 3))
            if self.decision.stages[stage] != "not_started":
                for _, group in groupby(of_stage, key=lambda r: r.result.id):
                    out += self._group(list(group))
        return out

    def _group(self, reasons: list[Reason]) -> list[Block]:
        first = reasons[0]
        name = self.speech.requirement(first.requirement)
        out: list[Block] = []
        if (first.result.id, first.result.subject) in self.told and first.result.subject == self.policy.root:
            return [Line(f"{name}: {self.speech.verdict(first.result)} ({self.said('above')})", first.result.verdict)]
        if first.result.subject == self.policy.root:
            out.append(Line(f"{name}: {self.speech.verdict(first.result)}", first.result.verdict))
            if first.result.verdict != "not_applicable":
                out += [Line(text, indent=1) for text in self.speech.formula(first.condition)]
        else:
            out += self._counts(name, reasons)
        inapplicable = next((r for r in reasons if r.result.verdict == "not_applicable" and r.applies is not None), None)
        if inapplicable is not None and inapplicable.applies is not None:
            head, *rest = self.speech.formula(inapplicable.applies)
            out.append(Line(self.said("applies_when", condition=head.strip()), indent=1))
            out += [Line(text, indent=1) for text in rest]
        return out + self._quotes(first.sources)

    def _counts(self, name: str, reasons: list[Reason]) -> list[Block]:
        """How many records meet a requirement, and which do not."""
        out: list[Block] = []
        for verdict in ("failed", "unknown", "met", "not_applicable"):
            those = [r for r in reasons if r.result.verdict == verdict]
            if not those:
                continue
            whole = len(those) == len(reasons)
            count = self.said("all_records" if whole else "some_records", count=len(those), total=len(reasons))
            named = not whole and verdict in ("failed", "unknown")
            who = ": " + self.speech.listed([self.speech.called(r.result.subject) for r in those]) if named else ""
            out.append(Line(f"{name}: {self.speech.verdict(those[0].result)} — {count}{who}", verdict))
        return out

    def _stages(self) -> list[Block]:
        rows = tuple((self.speech.stage(name), self.speech.status(name)) for name in self.decision.stages)
        return [Heading(self.said("stages"), 2), Table((self.said("stage"), self.said("status")), rows)] if len(rows) > 1 else []

    def _readings(self) -> list[Block]:
        """The readings that bear on this decision."""
        used = [n for n in self.decision.readings if n in self.evaluation.readings]
        if not used:
            return []
        out: list[Block] = [Heading(self.said("readings"), 2)]
        for name in used:
            reading = self.policy.readings[name]
            option = self.decision.readings[name]
            out.append(Line(f"{reading.question.said(self.lang)} → {reading.options[option].said(self.lang)} ({name}: {option})"))
        return out

    def _faults(self) -> list[Block]:
        lines: list[Block] = [Line(f"{f.code} ({f.place}): {f.text} → {', '.join(f.affects)}", "failed") for f in self.decision.faults]
        return [Heading(self.said("faults"), 2), *lines] if lines else []
