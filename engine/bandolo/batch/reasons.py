"""Why applications are decided one by one: in English as the program says it, and in Italian."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

from bandolo.batch.helpers import Array
from bandolo.batch.intake import Columns
from bandolo.batch.program import CURABLE, LACKING, NO_RESULT, OUTSIDE, Key, Program
from bandolo.batch.tables import to_root
from bandolo.check import core
from bandolo.explain.speech import Naming
from bandolo.language.types import Language

NOT_IN_ORDER = "the data is not in order"
AS_JSON = "applications as JSON are decided one by one"
NO_TABLE = "no table has a place for what is not known"
READING = "reading."

ITALIAN = {
    "{} of {} is missing": "manca {} di {}",
    "{} of {} is empty: where there is none, write `none`": "{} di {} è vuoto: dove non c'è si scrive `none`",
    NOT_IN_ORDER: "i dati non sono in ordine",
    NO_RESULT: "un calcolo non ha risultato, o un numero supera i 64 bit",
    AS_JSON: "le domande in JSON si decidono una per una",
    NO_TABLE: "per ciò che non è noto nessuna tabella ha un posto",
    OUTSIDE: "un importo, un numero o una data esce da ciò che le colonne tengono",
    CURABLE: "un requisito ancora sanabile, che dipende dall'orologio",
    "an amending act does not reach every application": "un atto di modifica non vale per tutte le domande",
    "there are no records of {}": "mancano i record di {}",
    "{} may be none": "{} può essere none",
    "{} has no column": "{} non ha una colonna",
    "{} has no column, and the rules ask for it here": "{} non ha una colonna, e qui le regole la chiedono",
    "{} is not known": "{} non è noto",
    "reading.{} is not chosen": "la lettura {} non è scelta",
    "reading.{} is not chosen, and the requirement fails": "la lettura {} non è scelta, e il requisito non è rispettato",
    "{} is not decided by columns": "{} non si decide per colonne",
    "how amounts are rounded is open": "non è deciso come si arrotondano gli importi",
    "compares the records of a list with one another": "confronta fra loro i record di un elenco",
    "goes through a list of values": "scorre un elenco di valori",
    "looks into a list of values": "cerca in un elenco di valori",
    "counts a list of values": "conta un elenco di valori",
    "puts written values together": "mette insieme valori scritti",
    "puts lists together": "mette insieme degli elenchi",
    "counts different values of lists in lists": "conta valori diversi di elenchi dentro elenchi",
    "counts different values that are computed": "conta valori diversi che sono calcolati",
    "{} of records": "{} di record",
    "{} of what is no whole number": "{} di ciò che non è un numero intero",
    "{} of computed values": "{} di valori calcolati",
    "{} by columns": "{} per colonne",
    "{} of several texts": "{} di più testi",
    "shares a total among what is no plain list": "ripartisce un totale su ciò che non è un semplice elenco",
    "shares a total among records of another kind": "ripartisce un totale su record di altro genere",
    "shares a total by weights that are no whole numbers": "ripartisce un totale con pesi che non sono numeri interi",
    "breaks ties by what has no order": "scioglie le parità con ciò che non ha un ordine",
    "a number beyond 64 bits": "un numero oltre i 64 bit",
    "divides by zero": "divide per zero",
    "compares what has no columns": "confronta ciò che non ha colonne",
    "the day of a constant instant": "il giorno di un istante costante",
    "a constant has no result": "una costante non ha risultato",
    "a constant record": "un record costante",
    "a reference of a record that is itself referred to": "un riferimento di un record a cui a sua volta ci si riferisce",
    "a reference to a record that is not in a list of the root": "un riferimento a un record che non è in un elenco della domanda",
    "asks whether something that is computed is known": "chiede se è noto un valore calcolato",
    "asks whether a fact of another record is known": "chiede se è noto un dato di un altro record",
    "asks whether a key is known": "chiede se è nota una chiave",
    "a policy with errors": "una policy con errori",
    "no version in force": "nessuna versione in vigore",
    "chooses among lists or records": "sceglie fra elenchi o record",
    "chooses among values of the form {}": "sceglie fra valori della forma {}",
    "chooses none or a list": "sceglie fra none e un elenco",
    "{} of a list that is not known": "{} di un elenco che non è noto",
    "{} is a length of time": "{} è una durata",
    "{} is a list or a length": "{} è un elenco o una durata",
}
"""The Italian of each reason; `{}` stands for a name of the policy."""


def shown(why: Mapping[str, int], policy: core.Policy, lang: Language, most: int) -> tuple[list[tuple[str, int]], int]:
    """The reasons that hold of most applications, in words, and how many others there are.

    What listed records lack comes last: one that is asked little lacks much, and hardly ever is that why.
    """
    lacked = tuple(f" of {entity} is missing" for entity in policy.entities if entity != policy.root)
    every = sorted(why.items(), key=lambda reason: (reason[0].endswith(lacked), -reason[1], reason[0]))
    return [(said(reason, policy, lang), count) for reason, count in every[:most]], max(0, len(every) - most)


def said(reason: str, policy: core.Policy, lang: Language) -> str:
    """A reason in a language, with the labels of the policy; one that has no Italian stays as it is."""
    if reason in ITALIAN:
        return ITALIAN[reason] if lang == "it" else reason
    for pattern, english, italian in _patterns():
        if (found := pattern.fullmatch(reason)) is not None:
            named = [_called(name, policy, lang) for name in found.groups()]
            return (italian if lang == "it" else english.replace(READING, "the reading ")).format(*named)
    return reason


@cache
def _patterns() -> Sequence[tuple[re.Pattern[str], str, str]]:
    return [(re.compile("(.+)".join(map(re.escape, english.split("{}")))), english, italian) for english, italian in ITALIAN.items()]


def _called(name: str, policy: core.Policy, lang: Language) -> str:
    """A name of the policy by its label, in quotation marks; what has no label stays as it is."""
    fact, _, stage = name.partition(" at ")
    words = [d.words for d in (policy.entities.get(name), policy.parameters.get(name), policy.readings.get(name)) if d is not None]
    words += [e.facts[fact].words for e in policy.entities.values() if fact in e.facts]
    words += [d.words for (_, defined), d in policy.definitions.items() if defined == name]
    label = next((w.label.said(lang) for w in words if w.label is not None), None)
    if label is None:
        return name
    text = f"«{label}»" if lang == "it" else f"“{label}”"
    return f"{text} ({Naming(policy, lang).stage(stage)})" if stage else text


def counted(
    policy: core.Policy, columns: Columns, program: Program, begun: Array, back: Sequence[Array], left: Array | None = None
) -> dict[str, int]:
    """Of some columns, how many applications go one by one for what; one may have several reasons, the first of them counts first."""
    found = left_before(policy, columns, program.read, left)
    for reason, at in program.reasons.items():
        if reason != LACKING:
            found[reason] = int(np.count_nonzero(back[at] & ~begun))
    return {reason: count for reason, count in sorted(found.items()) if count}


def left_before(policy: core.Policy, columns: Columns, read: frozenset[Key], left: Array | None = None) -> dict[str, int]:
    """How many applications no program is asked about: a fact that it would look at is missing, or something is not in order."""
    found: dict[str, int] = {}
    for key, null in columns.nulls.items():
        if key in read and null.any():
            flags = to_root(policy, columns.tables, key[0], null)
            found[f"{key[1]} of {key[0]} is missing"] = int(np.count_nonzero(flags if left is None else flags & left))
    for key, empty in columns.empty.items():
        flags = to_root(policy, columns.tables, key[0], empty)
        found[f"{key[1]} of {key[0]} is empty: where there is none, write `none`"] = int(np.count_nonzero(flags))
    bad = np.zeros(columns.tables.tables[policy.root].num_rows, bool)
    for entity, flags in columns.bad.items():
        if flags.any():
            bad |= to_root(policy, columns.tables, entity, flags)
    found[NOT_IN_ORDER] = int(np.count_nonzero(bad))
    return {reason: count for reason, count in sorted(found.items()) if count}
