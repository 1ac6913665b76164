"""The fixed words of an explanation, in both languages, and the small sentences made of them."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

from bandolo.language.types import PERCENT, Language, Type
from bandolo.language.values import Value
from bandolo.language.wording import number, say

if TYPE_CHECKING:
    from bandolo.explain.reasons import Condition

PHRASES: dict[str, tuple[str, str]] = {
    "outcome": ("Esito", "Outcome"),
    "admitted": ("AMMESSA", "ADMITTED"),
    "rejected": ("NON AMMESSA", "REJECTED"),
    "suspended": ("SOSPESA", "SUSPENDED"),
    "undetermined": ("NON ANCORA DECIDIBILE", "NOT DECIDABLE YET"),
    "referred": ("RINVIATA", "REFERRED"),
    "barred": ("BLOCCATA", "BARRED"),
    "application": ("Domanda", "Application"),
    "as_of": ("Alla data del", "As of"),
    "stages": ("Fasi", "Stages"),
    "stage": ("Fase", "Stage"),
    "status": ("Stato", "Status"),
    "passed": ("superata", "passed"),
    "failed": ("non superata", "failed"),
    "stage.suspended": ("sospesa", "suspended"),
    "stage.undetermined": ("indeterminata", "undetermined"),
    "stage.referred": ("rinviata", "referred"),
    "stage.barred": ("bloccata", "barred"),
    "not_started": ("non avviata", "not started"),
    "why": ("Perché", "Why"),
    "met": ("soddisfatto", "met"),
    "not_met": ("non soddisfatto", "not met"),
    "unknown": ("da accertare", "unknown"),
    "not_applicable": ("non si applica", "does not apply"),
    "all_met": (
        "Tutti i requisiti delle fasi concluse sono soddisfatti: {met} soddisfatti, {inapplicable} che non si applicano.",
        "All requirements of the stages passed are met: {met} met, {inapplicable} that do not apply.",
    ),
    "some_noted": (
        "I requisiti delle fasi concluse non ostano: {met} soddisfatti, {inapplicable} che non si applicano, {failed} segnalati.",
        "No requirement of the stages passed stands in the way: {met} met, {inapplicable} that do not apply, {failed} noted.",
    ),
    "struck_count": ("Esclusioni: {count}; il resto prosegue.", "Excluded: {count}; the rest goes on."),
    "above": ("vedi sopra", "see above"),
    "requirements": ("Requisiti", "Requirements"),
    "requirement": ("Requisito", "Requirement"),
    "verdict": ("Esito", "Verdict"),
    "formula": ("Condizione", "Condition"),
    "values": ("Valori", "Values"),
    "source": ("Fonte", "Source"),
    "missing": ("Mancano questi dati", "These facts are missing"),
    "excluded": ("Esclusioni", "Excluded"),
    "barred_records": ("Bloccati in una fase", "Barred in a stage"),
    "results": ("Risultati", "Results"),
    "result": ("Risultato", "Result"),
    "later": ("Non ancora noti: {names}", "Not known yet: {names}"),
    "needs": ("mancano: {facts}", "missing: {facts}"),
    "and_more": ("… e altri {count}", "… and {count} more"),
    "noted": ("Segnalazioni", "Noted"),
    "indicative": (
        "Calcolo solo indicativo: la domanda non è ammessa.",
        "For information only: the application is rejected.",
    ),
    "applies_when": ("si applica se: {condition}", "applies if: {condition}"),
    "clock": ("data di riferimento della decisione (--as-of)", "the date as of which to decide (--as-of)"),
    "lapsed": ("termine per sanare scaduto il {day}", "the time to put it right ended on {day}"),
    "of_date": ("{title} ({date})", "{title} ({date})"),
    "yes": ("sì", "yes"),
    "no": ("no", "no"),
    "value": ("Valore", "Value"),
    "readings": ("Letture scelte dove il testo è aperto", "Readings chosen where the text is open"),
    "open_readings": ("Letture ancora aperte", "Readings still open"),
    "pending": ("Valori rinviati ad altro atto", "Values left to another act"),
    "assumed": ("Valori supposti per prova", "Values assumed for trial"),
    "changed": ("Modificato per prova", "Changed for trial"),
    "faults": ("Calcoli senza risultato", "Computations without a result"),
    "amendments": ("Modifiche applicate", "Amendments applied"),
    "all_records": ("tutti ({count})", "all ({count})"),
    "some_records": ("{count} su {total}", "{count} of {total}"),
    "short": ("mancano {d}", "short by {d}"),
    "over": ("supera di {d}", "over by {d}"),
    "margin": ("margine {d}", "margin {d}"),
    "exactly": ("esattamente al limite", "exactly at the limit"),
    "not_looked": ("non serve accertarlo", "need not be looked at"),
    "holds": ("vero", "holds"),
    "fails": ("non vero", "does not hold"),
    "not_known": ("non noto", "not known"),
    "cure_by": ("sanabile entro il {day}", "can be put right until {day}"),
    "at_least": ("almeno {v}", "at least {v}"),
    "at_most": ("al più {v}", "at most {v}"),
    "because": ("poiché", "since"),
    "effect": ("Effetto", "Effect"),
    "effect.reject": ("la domanda non è ammessa", "the application is rejected"),
    "effect.suspend": ("la domanda è sospesa: va chiesta l'integrazione", "the application is suspended: ask for the missing part"),
    "effect.exclude": ("esclusione; il resto prosegue", "excluded; the rest goes on"),
    "effect.bar": ("bloccato in questa fase", "barred in this stage"),
    "effect.refer": ("decide un altro procedimento", "another procedure decides"),
    "effect.flag": ("solo segnalato", "noted only"),
    "footer": (
        "Prospetto preparato dal motore; decide e firma il responsabile del procedimento.",
        "Prepared by the engine; the officer in charge decides and signs.",
    ),
    "replay": ("Per riprodurre la decisione", "To replay this decision"),
    "minimum_score": ("Punteggio minimo", "Minimum score"),
    "base_score": ("Punteggio di base", "Base score"),
    "bonus_points": ("Punti di premialità", "Bonus points"),
    "final_score": ("Punteggio finale", "Final score"),
    "ok": ("Esito positivo", "All is well"),
}

SIGNS = {"<=": "≤", ">=": "≥", "!=": "≠", "<": "<", ">": ">", "=": "=", "in": "∈"}
OPPOSITE = {"<=": ">", ">=": "<", "<": "≥", ">": "≤", "=": "≠", "!=": "=", "in": "∉"}


def phrase(key: str, lang: Language, **args: object) -> str:
    return PHRASES[key][0 if lang == "it" else 1].format(**args)


def said_distance(condition: Condition, lang: Language, currency: str) -> str | None:
    """`short by 1`, `margin 50.000,00 €`: how far a comparison is from turning."""
    gap, operator = condition.distance, condition.operator
    if gap is None or condition.left is None or condition.value not in (True, False):
        return None
    if not gap:
        return phrase("exactly", lang)
    text = _gap(gap, condition.left.type, lang, currency)
    if condition.value is True:
        return phrase("margin", lang, d=text)
    return phrase("short" if operator in (">=", ">") else "over", lang, d=text)


def _gap(gap: Value | timedelta, type_: Type, lang: Language, currency: str) -> str:
    if isinstance(gap, timedelta):
        return _time(gap, lang)
    if type_ == PERCENT and isinstance(gap, Fraction):
        return number(gap * 100, lang, places=2) + {"it": " punti percentuali", "en": " percentage points"}[lang]
    return say(gap, type_, lang, currency)


UNITS = {"it": (("giorno", "giorni"), ("ora", "ore"), ("minuto", "minuti"), ("secondo", "secondi")),
         "en": (("day", "days"), ("hour", "hours"), ("minute", "minutes"), ("second", "seconds"))}  # fmt: skip


def _time(gap: timedelta, lang: Language) -> str:
    hours, rest = divmod(gap.seconds, 3600)
    counts = (gap.days, hours, *divmod(rest, 60))
    parts = [f"{n} {one if n == 1 else many}" for n, (one, many) in zip(counts, UNITS[lang], strict=True) if n]
    return " ".join(parts[:2]) or f"0 {UNITS[lang][3][1]}"
