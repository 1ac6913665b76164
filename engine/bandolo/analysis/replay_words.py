"""What a replay found, in sentences."""

from __future__ import annotations

from bandolo.analysis.comparing import VerdictChange
from bandolo.analysis.replay import Replayed
from bandolo.check import core
from bandolo.diagnostics.render import message
from bandolo.evaluate.typed import BadValue, read_value
from bandolo.evaluate.wire import split_path
from bandolo.explain.blocks import Block, Heading, Line
from bandolo.explain.speech import Naming
from bandolo.language.types import Language, OptionalType, Type
from bandolo.language.values import Value
from bandolo.policy import Policy

SHOWN = 40
"""How many decisions that differ are told of; `--json` has them all."""
WORDS: dict[str, tuple[str, str]] = {
    "same_text": ("Rifatte con il testo registrato", "Made again by the recorded text"),
    "other_text": ("Rifatte con un altro testo", "Made again by another text"),
    "amended": (", con {acts}", ", with {acts}"),
    "all_same": ("Tutte come registrate: {count} decisioni.", "All as recorded: {count} decisions."),
    "counted": ("Decisioni: {count}. Diverse: {differ}. Uguali: {same}.", "Decisions: {count}. Different: {differ}. The same: {same}."),
    "counts": ("Esito diverso: {outcome}; verdetti diversi: {verdicts}; risultati diversi: {results}; non più decidibili: {refused}.",
               "Another outcome: {outcome}; other verdicts: {verdicts}; other results: {results}; cannot be decided any more: {refused}."),
    "refused": ("non si può decidere con questo testo", "cannot be decided by this text"),
    "details": ("cambiano solo altri dettagli: messaggi, fonti, dati mancanti",
                "only other details differ: messages, sources, missing facts"),
    "more": ("… e altre {count}: tutte con --json", "… and {count} more: all with --json"),
    "unknown": ("non noto", "not known"),
    "absent": ("non richiesto", "not required"),
    "stage": ("si ferma alla fase «{new}», non più a «{old}»", "it stops at the stage “{new}”, no longer at “{old}”"),
}  # fmt: skip


def replay_blocks(changes: list[Replayed], recorded: Policy, policy: Policy, by_another: bool, lang: Language) -> list[Block]:
    """What differs, decision by decision, and how many; `policy` made them again, `recorded` is the text of the record."""
    tell = _Teller(recorded.core, policy.core, lang)
    acts = tell.said("amended", acts=", ".join(policy.amendments)) if policy.amendments else ""
    out: list[Block] = [Heading(policy.core.title.said(lang), 1)]
    out.append(Line(tell.said("other_text" if by_another else "same_text") + acts + f": {policy.id} {policy.digest[:19]}…"))
    differ = [c for c in changes if not c.same]
    if not differ:
        return [*out, Line(tell.said("all_same", count=len(changes)), "met", strong=True)]
    out.append(Line(tell.said("counted", count=len(changes), differ=len(differ), same=len(changes) - len(differ)), "failed", strong=True))
    told = [c.difference for c in differ if c.difference is not None]
    counts = {
        "outcome": sum(d.outcome is not None for d in told), "verdicts": sum(bool(d.verdicts) for d in told),
        "results": sum(bool(d.results) for d in told), "refused": len(differ) - len(told),
    }  # fmt: skip
    out.append(Line(tell.said("counts", **counts)))
    for change in differ[:SHOWN]:
        out += tell.change(change)
    if len(differ) > SHOWN:
        out.append(Line(tell.said("more", count=len(differ) - SHOWN)))
    return out


class _Teller:
    def __init__(self, old: core.Policy, new: core.Policy, lang: Language) -> None:
        self.old, self.new, self.lang = Naming(old, lang), Naming(new, lang), lang
        self.types: dict[str, tuple[Naming, core.Result]] = {}
        for naming in (self.old, self.new):
            self.types |= {f"{r.entity}.{r.name}": (naming, r) for r in naming.policy.results}

    def said(self, key: str, **args: object) -> str:
        return WORDS[key][0 if self.lang == "it" else 1].format(**args)

    def change(self, change: Replayed) -> list[Block]:
        told = change.difference
        if told is None:
            out: list[Block] = [Line(f"{change.application}: {self.said('refused')}", "failed", strong=True)]
            return out + [Line(f"{d.path or ''} {message(d, self.lang)}".strip(), indent=1) for d in change.refused[:3]]
        old, new = told.outcome or (change.recorded.decision["outcome"],) * 2
        head = self.new.said(old) + (f" → {self.new.said(new)}" if old != new else "")
        out = [Line(f"{change.application}: {head}", "failed" if old != new else "unknown", strong=True)]
        out += [Line(self.verdict(v), indent=1) for v in told.verdicts[:8]]
        out += [Line(self.new.said("and_more", count=len(told.verdicts) - 8), indent=1)] if len(told.verdicts) > 8 else []
        out += [Line(self.result(r.path, r.old, r.new), indent=1) for r in told.results[:8]]
        out += [Line(self.new.said("and_more", count=len(told.results) - 8), indent=1)] if len(told.results) > 8 else []
        if told.stage is not None and told.outcome is None:
            names = [self.stage(name) for name in told.stage]
            out.append(Line(self.said("stage", old=names[0], new=names[1]), indent=1))
        return out if not told.is_empty else [*out, Line(self.said("details"), indent=1)]

    def stage(self, name: str) -> str:
        naming = self.new if any(s.name == name for s in self.new.policy.stages) else self.old
        return naming.stage(name)

    def verdict(self, change: VerdictChange) -> str:
        naming = self.new if change.requirement in self.new.policy.requirements else self.old
        name = naming.requirement(naming.policy.requirements[change.requirement])
        record = "" if change.subject == naming.policy.root else f" ({split_path(change.subject)[-1]})"
        words = [self.said("absent") if v is None else self.new.said("not_met" if v == "failed" else v) for v in (change.old, change.new)]
        return f"{name}{record}: {' → '.join(dict.fromkeys(words))}"

    def result(self, path: str, old: object, new: object) -> str:
        before, _, name = path.rpartition("].")
        parts = split_path(before + "]") if before else []
        entity = self.new.policy.root
        for listed in parts[::2]:
            entity = next(
                (e.name for n in (self.new, self.old) for e in n.policy.entities.values() if (e.owner, e.listed_in) == (entity, listed)),
                entity,
            )
        naming, result = self.types[f"{entity}.{name}"]
        record = f" ({parts[-1]})" if parts else ""
        return f"{naming.result(entity, name)}{record}: {self.value(old, result.type, naming)} → {self.value(new, result.type, naming)}"

    def value(self, value: object, type_: Type, naming: Naming) -> str:
        """A value of the JSON form in words."""
        if value is None:
            return self.said("unknown")
        type_ = type_.of if isinstance(type_, OptionalType) else type_
        try:
            read: Value = read_value(value, type_, naming.policy.conventions)
        except BadValue:
            return str(value)
        return naming.value(read, type_)
