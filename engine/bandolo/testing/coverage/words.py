"""The words of coverage, in Italian and English: the question that no case asks, and what the report and the page say."""

from __future__ import annotations

from fractions import Fraction

from bandolo.check.core import Texts

QUESTIONS: dict[str, tuple[str, str]] = {
    "verdict.met": ("e se è soddisfatto?", "what if it is met?"),
    "verdict.failed": ("e se non è soddisfatto?", "what if it is not met?"),
    "verdict.unknown": ("e se manca un dato per dirlo?", "what if a fact is missing to tell?"),
    "verdict.not_applicable": ("e se non si applica?", "what if it does not apply?"),
    "effect": ("che cosa comporta non soddisfarlo, se vale «{option}» ({effect})?", 'what comes of a failure under "{option}" ({effect})?'),
    "cure.open": ("e se c'è ancora tempo per sanare?", "what if there is still time to put it right?"),
    "cure.lapsed": ("e se il tempo per sanare è scaduto?", "what if the time to put it right is over?"),
    "alone.true": ("e se a decidere, perché vale, è solo «{condition}»?", 'what if only "{condition}" decides, by holding?'),
    "alone.false": ("e se a decidere, perché non vale, è solo «{condition}»?", 'what if only "{condition}" decides, by not holding?'),
    "plain.true": ("e se vale «{condition}»?", 'what if "{condition}" holds?'),
    "plain.false": ("e se non vale «{condition}»?", 'what if "{condition}" does not hold?'),
    "branch": ("e nel caso «{when}»?", 'what in the case "{when}"?'),
    "otherwise": ("e se non vale nessuno di questi casi: «{when}»?", 'what if none of these cases holds: "{when}"?'),
    "row": ("{subject}: e con «{word}»?", '{subject}: what with "{word}"?'),
    "row.otherwise": (
        "{subject}: e con un valore che la tabella non nomina?",
        "{subject}: what with a value that the table does not name?",
    ),
    "band": ("e per un importo nello scaglione fino a {to}?", "what of an amount in the band up to {to}?"),
    "band.above": ("e sopra l'ultimo scaglione?", "what above the last band?"),
    "version": ("e con il valore in vigore dal {start} al {end}?", "what with the value in force from {start} to {end}?"),
    "option": ("e con la lettura «{option}»?", 'what under the reading "{option}"?'),
    "deadline": ("che giorno è la scadenza?", "on which day does it fall?"),
    "status.financed": ("una domanda finanziata?", "an application that is financed?"),
    "status.partly_financed": ("una domanda finanziata in parte?", "an application that is financed in part?"),
    "status.admitted_not_financed": ("una domanda ammessa e non finanziata?", "an application that is admitted and not financed?"),
    "status.not_admitted": ("una domanda non ammessa?", "an application that is not admitted?"),
    "status.suspended": ("una domanda sospesa?", "an application that is suspended?"),
    "status.undetermined": ("una domanda non ancora decidibile?", "an application that cannot be decided yet?"),
    "order": ("due domande che solo «{key}» mette in ordine?", 'two applications that only "{key}" puts in order?'),
    "tie": ("due domande a pari merito, che nessun criterio distingue?", "two applications that no key tells apart?"),
    "struck": ("un soggetto in più domande?", "a record that stands in several applications?"),
    "fell": ("una domanda che dopo un'espunzione non è più ammessa?", "an application that a strike makes inadmissible?"),
    "act.reached": ("una domanda che l'atto «{act}» raggiunge?", 'an application that the act "{act}" reaches?'),
    "act.left": ("una domanda che l'atto «{act}» non raggiunge?", 'an application that the act "{act}" does not reach?'),
    "alternative": ("{name}: e con «{words}»?", '{name}: what with "{words}"?'),
}

KIND_WORDS: dict[str, tuple[str, str]] = {
    "verdict": ("esiti dei requisiti", "verdicts of requirements"),
    "effect": ("effetti di un requisito non soddisfatto", "effects of a failed requirement"),
    "condition": ("condizioni che decidono da sole", "conditions deciding on their own"),
    "branch": ("casi (se, salvo che, secondo la lettura)", "branches (if, except, by reading)"),
    "row": ("righe di tabelle e di scelte", "rows of tables and choices"),
    "band": ("scaglioni", "bands"),
    "version": ("valori nel tempo", "dated values"),
    "option": ("opzioni delle letture", "options of readings"),
    "deadline": ("scadenze", "deadlines"),
    "ranking": ("graduatoria", "ranking"),
    "act": ("atti che non valgono per tutti", "acts that do not reach everybody"),
}

RULE_WORDS: dict[str, tuple[str, str]] = {
    "requirement": ("requisito", "requirement"),
    "definition": ("definizione", "definition"),
    "reading": ("lettura", "reading"),
    "rate": ("tabella", "rate"),
    "bands": ("scaglioni", "bands"),
    "formula": ("formula", "formula"),
    "parameter": ("parametro", "parameter"),
    "stage": ("fase", "stage"),
    "deadline": ("scadenza", "deadline"),
    "bonus": ("premialità", "bonus"),
    "scoring": ("punteggio", "scoring"),
    "ranking": ("graduatoria", "ranking"),
    "fact": ("dato", "fact"),
    "entity": ("entità", "entity"),
    "unencoded": ("fuori dalle regole", "no rule"),
    "policy": ("bando", "policy"),
    "act": ("atto", "act"),
}


def asked(key: str, /, **args: tuple[str, str]) -> Texts:
    """A question in both languages; each argument has its Italian and its English words."""
    it, en = (QUESTIONS[key][i].format(**{k: v[i] for k, v in args.items()}) for i in range(2))
    return Texts(it, en)


def rule_said(rule: str, lang: str) -> str:
    """`requirement enough_firms` in the reader's words."""
    kind, _, name = rule.partition(" ")
    return f"{RULE_WORDS[kind][0 if lang == 'it' else 1]} {name}".strip()


def percent_said(share: Fraction, lang: str) -> str:
    """A share from 0 to 100 with one digit, rounded down: 100 is only said of all."""
    tenths = int(share * 10)
    return f"{tenths // 10}{',' if lang == 'it' else '.'}{tenths % 10}" if tenths < 1000 else "100"
