"""Changes in words, Italian and English: numbers and days from one to another, conditions more or less, in the call's own labels."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from fractions import Fraction

from bandolo.analysis.difference.deltas import Delta
from bandolo.check import core
from bandolo.check.core import Texts
from bandolo.explain.formulas import said as formula_said
from bandolo.explain.phrases import SIGNS
from bandolo.language import literals
from bandolo.language.calendar import wall_time
from bandolo.language.types import DATE, DURATION, MONEY, NUMBER, PERCENT, ROUNDING, Language, OptionalType, Type
from bandolo.language.types import said as type_said
from bandolo.language.values import Duration, Value
from bandolo.language.wording import say
from bandolo.syntax import ast

LANGUAGES: tuple[Language, Language] = ("it", "en")
MOST = 6
"""More places than this are told as a formula that changed, both shown in full."""

WORDS: dict[str, tuple[str, str]] = {
    "from_to": ("da {0} a {1}", "from {0} to {1}"),
    "threshold": ("soglia da {0} a {1}", "threshold from {0} to {1}"),
    "rate": ("percentuale da {0} a {1}", "percentage from {0} to {1}"),
    "rounding": ("{0} → {1}", "{0} → {1}"),
    "of_option": ("{0}: {1}", "{0}: {1}"),
    "moved": ("{0} ({1})", "{0} ({1})"),
    "later": ("{0} dopo", "{0} later"),
    "earlier": ("{0} prima", "{0} earlier"),
    "more": ("{0} in più", "{0} more"),
    "less": ("{0} in meno", "{0} less"),
    "operator": ("confronto da «{0}» a «{1}»", "comparison from “{0}” to “{1}”"),
    "and_added": ("condizione aggiunta: {0}", "condition added: {0}"),
    "and_removed": ("condizione tolta: {0}", "condition removed: {0}"),
    "or_added": ("alternativa aggiunta: {0}", "alternative added: {0}"),
    "or_removed": ("alternativa tolta: {0}", "alternative removed: {0}"),
    "branch_added": ("caso aggiunto: se {0}", "case added: if {0}"),
    "branch_removed": ("caso tolto: se {0}", "case removed: if {0}"),
    "item_added": ("in più nell'elenco: {0}", "added to the list: {0}"),
    "item_removed": ("in meno nell'elenco: {0}", "removed from the list: {0}"),
    "altered": ("cambia", "changed"),
    "option_added": ("aggiunto «{0}»: {1}", "added “{0}”: {1}"),
    "option_removed": ("tolto «{0}» (era {1})", "removed “{0}” (was {1})"),
    "otherwise": ("altrimenti", "otherwise"),
    "formula": ("formula cambiata", "formula changed"),
    "day": ("1 giorno", "1 day"),
    "days": ("{0} giorni", "{0} days"),
    "hour": ("1 ora", "1 hour"),
    "hours": ("{0} ore", "{0} hours"),
    "minute": ("1 minuto", "1 minute"),
    "minutes": ("{0} minuti", "{0} minutes"),
    "second": ("1 secondo", "1 second"),
    "seconds": ("{0} secondi", "{0} seconds"),
    "and": ("{0} e {1}", "{0} and {1}"),
    "points": ("{0} punti percentuali", "{0} percentage points"),
    # Entries.
    "new": ("nuovo: {0}", "new: {0}"),
    "gone": ("tolto: {0}", "removed: {0}"),
    "new_bare": ("nuovo", "new"),
    "gone_bare": ("tolto", "removed"),
    "was_called": ("prima si chiamava {0}, il contenuto è lo stesso", "was called {0} before, with the same content"),
    "new_name": ("nelle domande si scrive ora `{1}`, prima `{0}`", "in applications it is now written `{1}`, before `{0}`"),
    "filled": ("fissato: {0} (era lasciato a: {1})", "set: {0} (was left to: {1})"),
    "left_to": ("non più fissato (era {0}): lasciato a {1}", "no longer set (was {0}): left to {1}"),
    "pending": ("lasciato a: {0}", "left to: {0}"),
    "edge": ("scaglione fino a: {0}", "band up to: {0}"),
    "up_to": ("fino a {0}", "up to {0}"),
    "above": ("oltre", "above"),
    "versions": ("valore: {0}", "value: {0}"),
    "until": ("fino al {0}", "until {0}"),
    "since": ("dal {0}", "from {0}"),
    "between": ("dal {0} al {1}", "from {0} to {1}"),
    "always": ("sempre", "always"),
    "assume": ("valore di prova {0}", "value for trial {0}"),
    "none": ("nessuno", "none"),
    "must_be": ("vincolo sul valore: {0}", "what must hold of the value: {0}"),
    "default_date": ("data che sceglie la versione: {0}", "day that chooses the version: {0}"),
    "type": ("tipo da «{0}» a «{1}»", "type from “{0}” to “{1}”"),
    "requirement": ("{0}; altrimenti: {1}", "{0}; otherwise: {1}"),
    "where": ("{0} (si applica se: {1})", "{0} (applies if: {1})"),
    "cure_from": ("termine per rimediare, da quando: {0}", "time to put it right, from: {0}"),
    "in_stage": ("{0} (fase: {1})", "{0} (stage: {1})"),
    "stage": ("fase da «{0}» a «{1}»", "stage from “{0}” to “{1}”"),
    "of_entity": ("ora riguarda {1}, prima {0}", "now of {1}, before of {0}"),
    "check": ("condizione: {0}", "condition: {0}"),
    "applies": ("a chi si applica: {0}", "to whom it applies: {0}"),
    "applies_to": ("si applica ora solo se: {0}", "now applies only if: {0}"),
    "applies_all": ("si applica ora sempre (prima solo se: {0})", "now always applies (before only if: {0})"),
    "effect": ("se non è soddisfatto: da «{0}» a «{1}»", "if not met: from “{0}” to “{1}”"),
    "cure": ("termine per rimediare {0}", "time to put it right {0}"),
    "by_reading": ("{0} secondo la lettura «{1}»", "{0} by the reading “{1}”"),
    "chosen": ("lettura scelta: da «{0}» a «{1}»", "reading chosen: from “{0}” to “{1}”"),
    "now_chosen": ("lettura scelta: «{0}» (era aperta)", "reading chosen: “{0}” (was open)"),
    "opened": ("lettura ora aperta (era «{0}»)", "reading now open (was “{0}”)"),
    "options_added": ("opzioni aggiunte: {0}", "options added: {0}"),
    "options_removed": ("opzioni tolte: {0}", "options removed: {0}"),
    "new_reading": ("{0} Scelta: {1}", "{0} Chosen: {1}"),
    "fact": ("{0}", "{0}"),
    "optional": ("ora può mancare (`none`)", "may now be `none`"),
    "not_optional": ("non può più mancare (`none`)", "may no longer be `none`"),
    "key": ("è ora la chiave", "is now the key"),
    "not_key": ("non è più la chiave", "is no longer the key"),
    "low": ("valore minimo {0}", "lowest value {0}"),
    "high": ("valore massimo {0}", "highest value {0}"),
    "at_most": ("numero massimo di righe {0}", "greatest number of rows {0}"),
    "asked": ("chiesto in: {0}", "asked in: {0}"),
    "by": ("lo fornisce: {0}", "supplied by: {0}"),
    "entity": ("nuovo tipo di record con {0} dati: {1}", "new kind of record with {0} facts: {1}"),
    "entity_gone": ("tipo di record tolto, con {0} dati: {1}", "kind of record removed, with {0} facts: {1}"),
    "listed": ("elencato in: {0}", "listed in: {0}"),
    "opens": ("si apre: {0}", "opens: {0}"),
    "opens_never": ("con le altre", "with the others"),
    "order": ("ordine: {0}", "order: {0}"),
    "order_by": ("ordine della graduatoria: {0}", "order of the ranking: {0}"),
    "keep": ("chi tiene il soggetto: {0}", "who keeps the record: {0}"),
    "ascending": ("{0} crescente", "{0} ascending"),
    "descending": ("{0} decrescente", "{0} descending"),
    "exclusive": ("una sola domanda per: {0}", "one application for each: {0}"),
    "among": ("fra chi supera la fase: {0}", "among those that pass the stage: {0}"),
    "counts": ("da quando conta: {0}", "from when it counts: {0}"),
    "struck_from": ("espunto da: {0}", "struck from: {0}"),
    "strike_order": ("ordine delle espunzioni: {0}", "order of the strikes: {0}"),
    "recheck": ("requisiti riverificati dopo un'espunzione: {0}", "requirements checked again after a strike: {0}"),
    "when_short": ("quando il fondo non basta: {0}", "when the budget is short: {0}"),
    "budget": ("dotazione: {0}", "budget: {0}"),
    "pot": ("capitolo «{0}»: {1}", "pot “{0}”: {1}"),
    "award": ("importo assegnato: {0}", "amount awarded: {0}"),
    "gives": ("ciò che la graduatoria scrive nelle domande: {0}", "what the ranking writes into applications: {0}"),
    "ranking": ("Graduatoria", "Ranking"),
    "rank.admitted": ("quando la domanda è ammessa", "once the application is admitted"),
    "rank.financed": ("quando la domanda è finanziata", "once the application is financed"),
    "rank.every_other": ("tutte le altre", "every other"),
    "rank.every": ("tutte", "every one"),
    "rank.in_turn": ("una alla volta", "one after the other"),
    "rank.at_once": ("tutte insieme", "all at once"),
    "rank.all": ("tutti", "all"),
    "rank.partial": ("contributo parziale all'ultima", "a partial award to the last"),
    "rank.stop": ("la graduatoria si ferma", "the award ends there"),
    "rank.next_that_fits": ("si passa alla prima che ci sta", "the next that fits is taken"),
    "stages": ("Fasi", "Stages"),
    "call": ("Bando", "Call"),
    "currency": ("valuta {0}", "currency {0}"),
    "time_zone": ("fuso orario {0}", "time zone {0}"),
    "money_rounding": ("arrotondamento degli importi: {0}", "rounding of amounts: {0}"),
    "month_rounding": ("arrotondamento dei mesi: {0}", "rounding of months: {0}"),
    "working_days": ("calendario dei giorni lavorativi: {0}", "calendar of working days: {0}"),
    "decides": ("ciò su cui si decide: {0}", "what is decided: {0}"),
    "results": ("risultati: {0}", "results: {0}"),
    "result_added": ("risultato in più", "a result more"),
    "result_removed": ("risultato in meno", "a result less"),
    "whose": ("spetta a: {0}", "up to: {0}"),
    "applicant": ("richiedente", "applicant"),
    "office": ("ufficio", "office"),
    "row": ("{0}: {1}", "{0}: {1}"),
    "at_score_most": ("punteggio massimo {0}", "highest score {0}"),
    "label": ("nome: da «{0}» a «{1}»", "label: from “{0}” to “{1}”"),
    "label_other": ("nome in inglese: da «{0}» a «{1}»", "label in Italian: from “{0}” to “{1}”"),
    "note": ("nota cambiata", "note changed"),
    "message": ("messaggio cambiato", "message changed"),
    "question": ("domanda riformulata", "question worded otherwise"),
    "wording": ("testo delle opzioni cambiato", "wording of the options changed"),
    "id": ("identificativo {0}", "id {0}"),
    "title": ("titolo {0}", "title {0}"),
    "issuer": ("ente {0}", "issuer {0}"),
    "manager": ("gestore {0}", "manager {0}"),
    "unencoded_title": ("Fuori dalle regole", "No rule"),
    "shown_as": ("mostrato con: {0}", "shown by: {0}"),
    "quotes": ("fonti cambiate", "sources changed"),
    "document": ("nuova fonte: {0}", "new source: {0}"),
    "document_gone": ("fonte tolta: {0}", "source removed: {0}"),
    "unencoded": ("passi dichiarati fuori dalle regole: {0} in più, {1} in meno", "passages declared as no rule: {0} more, {1} less"),
    "empty": ("—", "—"),
}  # fmt: skip


def words(key: str, *args: Texts | str | int) -> Texts:
    """A phrase in both languages; an argument in both goes into each in its own."""
    it, en = WORDS[key]
    return Texts(it.format(*(_in(a, "it") for a in args)), en.format(*(_in(a, "en") for a in args)))


def _in(argument: Texts | str | int, lang: Language) -> str:
    return argument.said(lang) if isinstance(argument, Texts) else str(argument)


def relabelled(old: Texts, new: Texts) -> Texts:
    """A label from one to another; where only the other language changed, that is told."""
    it = WORDS["label"][0].format(old.it, new.it) if old.it != new.it else WORDS["label_other"][0].format(old.en, new.en)
    en = WORDS["label"][1].format(old.en, new.en) if old.en != new.en else WORDS["label_other"][1].format(old.it, new.it)
    return Texts(it, en)


def joined(texts: list[Texts], by: str = "; ") -> Texts:
    return Texts(by.join(t.it for t in texts), by.join(t.en for t in texts))


def plain(text: str) -> Texts:
    return Texts(text, text)


def both(make: Callable[[Language], str]) -> Texts:
    return Texts(make("it"), make("en"))


def type_words(type_: Type) -> Texts:
    return both(lambda lang: type_said(type_, lang))


class Teller:
    """Says the formulas and values of one policy."""

    def __init__(self, policy: core.Policy) -> None:
        self.policy = policy

    def formula(self, node: core.Expr | None) -> Texts:
        if node is None:
            return words("none")
        return formula_said(self.policy, node, " ".join(node.span.text.split()))

    def value(self, value: Value, type_: Type) -> Texts:
        conventions = self.policy.conventions
        return both(lambda lang: say(value, type_, lang, conventions.currency, conventions.time_zone))

    def literal(self, written: ast.Expr) -> Texts:
        """What is written in a table: a value as people read it; anything else as it is written."""
        found = constant(self.policy, written)
        return self.value(found.value, found.type) if found is not None else plain(" ".join(written.span.text.split()))

    def stage(self, name: str) -> Texts:
        stage = next((s for s in self.policy.stages if s.name == name), None)
        return stage.words.label if stage is not None and stage.words.label else plain(name.replace("_", " "))

    def entity(self, name: str) -> Texts:
        entity = self.policy.entities.get(name)
        return entity.words.label if entity is not None and entity.words.label else plain(name.replace("_", " "))


def constant(policy: core.Policy, written: ast.Expr) -> core.Constant | None:
    """A literal as a constant; None for anything else."""
    if not isinstance(written, ast.Literal):
        return None
    currency = policy.conventions.currency
    match written.kind:
        case "number":
            return core.Constant(written.span, NUMBER, literals.read_number(written.text))
        case "percent":
            return core.Constant(written.span, PERCENT, literals.read_percent(written.text))
        case "money":
            return core.Constant(written.span, MONEY, literals.read_money(written.text, currency))
        case "date":
            return core.Constant(written.span, DATE, literals.read_date(written.text))
        case "duration":
            return core.Constant(written.span, DURATION, literals.read_duration(written.text))
    return None


def told(old: Teller, new: Teller, deltas: list[Delta]) -> Texts:
    """What the places of a difference come to: one after the other, or that the formula changed where they are many or large."""
    if len(deltas) > MOST or any(d.kind == "other" for d in deltas):
        return words("formula")
    return joined([_delta(old, new, d) for d in deltas])


def _delta(old: Teller, new: Teller, delta: Delta) -> Texts:
    a, b = delta.old, delta.new
    match delta.kind:
        case "constant":
            assert isinstance(a, core.Constant)
            assert isinstance(b, core.Constant)
            said = stepped(old, new, a, b, delta.role)
            return words("of_option", option(old, delta.word), said) if delta.word else said
        case "operator":
            assert isinstance(a, core.Apply)
            assert isinstance(b, core.Apply)
            return words("operator", *(SIGNS.get(n.operation.name, n.operation.name) for n in (a, b)))
        case "part":
            return words(f"{delta.word}_removed", old.formula(a)) if a is not None else words(f"{delta.word}_added", new.formula(b))
        case "branch":
            return words("branch_removed", old.formula(a)) if a is not None else words("branch_added", new.formula(b))
        case "option":
            word = words("otherwise") if delta.word == "otherwise" else option(old if a is not None else new, delta.word)
            return words("option_removed", word, old.formula(a)) if a is not None else words("option_added", word, new.formula(b))
        case "item":
            return words("item_removed", old.formula(a)) if a is not None else words("item_added", new.formula(b))
        case "other":
            return words("formula")


def option(teller: Teller, word: str) -> Texts:
    """A word of a choice by its label, where some choice of the policy or some reading has it."""
    for reading in teller.policy.readings.values():
        if word in reading.options:
            return reading.options[word]
    for entity in teller.policy.entities.values():
        for fact in entity.facts.values():
            type_ = fact.type.of if isinstance(fact.type, OptionalType) else fact.type
            labels = getattr(type_, "labels", {})
            if word in labels:
                return Texts(*labels[word])
    return plain(word)


def stepped(old: Teller, new: Teller, a: core.Constant, b: core.Constant, role: str = "value") -> Texts:
    """From one constant to another, with how far it is: days, hours, percentage points."""
    if a.type == ROUNDING or b.type == ROUNDING:
        return words("rounding", old.formula(a), new.formula(b))
    key = role if role in ("threshold", "rate") else "from_to"
    said = words(key, old.value(a.value, a.type), new.value(b.value, b.type))
    far = distance(a.value, b.value, a.type, new.policy.conventions.time_zone)
    return words("moved", said, far) if far is not None else said


def distance(a: Value, b: Value, type_: Type, time_zone: str) -> Texts | None:
    """How far two days, instants, lengths or percentages are apart; None where there is nothing to say beside the two."""
    match a, b:
        case datetime(), datetime():
            # Days as people count them: a change of the clock between the two is no hour.
            seconds = int((wall_time(b, time_zone).replace(tzinfo=None) - wall_time(a, time_zone).replace(tzinfo=None)).total_seconds())
        case datetime(), _:
            return None
        case date(), date() if not isinstance(b, datetime):
            seconds = (b - a).days * 86_400
        case Duration(), Duration() if (a.months == b.months) != (a.days == b.days):
            more = (b.months, b.days) > (a.months, a.days)
            length = Duration(abs(b.months - a.months), abs(b.days - a.days))
            return words("more" if more else "less", both(lambda lang: say(length, type_, lang)))
        case Fraction(), Fraction() if type_ == PERCENT:
            points = (b - a) * 100
            sign = "+" if points > 0 else "−"
            return words("points", both(lambda lang: sign + say(abs(points), NUMBER, lang)))
        case _:
            return None
    if not seconds:
        return None
    return words("later" if seconds > 0 else "earlier", _length(abs(seconds)))


def _length(seconds: int) -> Texts:
    found: list[Texts] = []
    for one, many, size in (("day", "days", 86_400), ("hour", "hours", 3600), ("minute", "minutes", 60), ("second", "seconds", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            found.append(words(one) if count == 1 else words(many, count))
    return found[0] if len(found) == 1 else words("and", joined(found[:-1], ", "), found[-1])
