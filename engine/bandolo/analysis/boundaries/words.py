"""The fixed words of the boundary book, in both languages."""

from __future__ import annotations

from bandolo.language.types import Language

WORDS: dict[str, tuple[str, str]] = {
    "book": ("Libro dei limiti", "Boundary book"),
    "intro": (
        "Per ogni punto in cui il bando cambia decisione: le domande un passo sotto, esattamente al limite e un passo sopra, ciascuna "
        "decisa dal motore. Da approvare riga per riga; le righe approvate diventano casi di prova.",
        "For every point at which the call turns: the applications one step below, exactly at the limit and one step above, each decided "
        "by the engine. To be approved row by row; rows that are approved become test cases.",
    ),
    "counts": (
        "Limiti: {edges}; con domande: {found}; senza: {without}.",
        "Edges: {edges}; with applications: {found}; without: {without}.",
    ),
    "as_of": ("Alla data del {day}.", "As of {day}."),
    "assumed": ("Con i valori supposti per prova: {names}.", "With values assumed for trial: {names}."),
    "changed": ("Modificato per prova: {names}.", "Changed for trial: {names}."),
    "edge": ("Limite", "Edge"),
    "kind": ("Tipo", "Kind"),
    "side": ("Posizione", "Position"),
    "application": ("Domanda", "Application"),
    "value": ("Valore", "Value"),
    "limit": ("Limite o termine", "Limit"),
    "outcome": ("Esito", "Outcome"),
    "verdict": ("Requisiti", "Requirements"),
    "results": ("Risultati che cambiano", "Results that change"),
    "source": ("Fonte", "Source"),
    "remark": ("Nota", "Note"),
    "approved": ("Approvata", "Approved"),
    "remarks": ("Osservazioni", "Remarks"),
    "row": ("Riga", "Row"),
    "yes": ("sì", "yes"),
    "no": ("no", "no"),
    "edges": ("Limiti", "Edges"),
    "formula_head": ("Condizione", "Condition"),
    "without": ("Limiti senza domande", "Edges without applications"),
    "why": ("Perché", "Why"),
    "below": ("sotto", "below"),
    "at": ("al limite", "at the limit"),
    "above": ("sopra", "above"),
    "time.below": ("prima", "before"),
    "time.at": ("nell'ultimo istante", "at the limit"),
    "time.above": ("dopo", "after"),
    "date.at": ("quel giorno", "that day"),
    "threshold": ("soglia", "threshold"),
    "deadline": ("termine", "deadline"),
    "cap": ("tetto", "cap"),
    "band": ("scaglione", "band"),
    "rounding": ("arrotondamento", "rounding"),
    "version": ("cambio di valore a una data", "value that changes on a date"),
    "as_base": ("come «{base}»", 'as "{base}"'),
    "like": ("come «{base}», ma {changes}", 'as "{base}", but {changes}'),
    "fewer": ("senza {names} ({count} in meno)", "without {names} ({count} fewer)"),
    "more": ("con {names} ({count} in più, come {like})", "with {names} ({count} more, like {like})"),
    "more_plain": ("con {count} in più", "with {count} more"),
    "all_records": ("per ciascuno: {what}", "for each: {what}"),
    "of_several": ("{what} ({count}: {names})", "{what} ({count}: {names})"),
    "is": ("{name}: {value}", "{name}: {value}"),
    "formula.min": ("{left}, al massimo {right}", "{left}, at most {right}"),
    "formula.max": ("{left}, almeno {right}", "{left}, at least {right}"),
    "formula.to": ("{left}: scaglione fino a {right}", "{left}: band up to {right}"),
    "formula.round": ("{left}, arrotondato a {right}", "{left}, rounded to {right}"),
    "formula.from": ("{left}: valore nuovo dal {right}", "{left}: a new value from {right}"),
    "same": ("La decisione è la stessa su tutti i lati: {why}.", "The decision is the same on all sides: {why}."),
    "refused_anyway": (
        "L'esito non cambia: la domanda è comunque non ammessa per {names}.",
        "The outcome does not change: the application is refused anyway for {names}.",
    ),
    "same.refused": ("la domanda è comunque non ammessa per {names}", "the application is refused anyway for {names}"),
    "same.continuous": (
        "i due valori si incontrano e nessun requisito né risultato si muove di un centesimo",
        "the two values meet there and no requirement or result moves by a cent",
    ),
    "nearest": (
        "Nessuna domanda trovata sta esattamente al limite: il più piccolo passo di «{fact}» lo salta. Sono mostrate le più vicine.",
        'No application found is exactly at the limit: the smallest step of "{fact}" jumps over it. The nearest are shown.',
    ),
    "partly.low": (
        "Manca il lato «{side}»: «{fact}» non può essere inferiore a {bound}.",
        'The side "{side}" is missing: "{fact}" cannot be less than {bound}.',
    ),
    "partly.high": (
        "Manca il lato «{side}»: «{fact}» non può superare {bound}.",
        'The side "{side}" is missing: "{fact}" cannot be more than {bound}.',
    ),
    "partly.proved": (
        "Manca il lato «{side}», e non può esserci: {bounds}.",
        'The side "{side}" is missing, and cannot be there: {bounds}.',
    ),
    "bounds": ("in ogni domanda vale {left}; {right}", "in every application {left}; {right}"),
    "bounded": ("{name}: {between}", "{name}: {between}"),
    "the_limit": ("il limite è {value}", "the limit is {value}"),
    "unreached.bounded": (
        "Il limite non può essere superato: {bounds}. Nessuna domanda esattamente al limite in {tried} prove.",
        "The limit cannot be passed: {bounds}. No application exactly at it in {tried} trials.",
    ),
    "partly": (
        "Manca il lato «{side}»: non trovato muovendo «{fact}» ({tried} prove).",
        'The side "{side}" is missing: not found by moving "{fact}" ({tried} trials).',
    ),
    "unreached": (
        "Nessuna domanda trovata in {tried} prove a partire da {bases} domande di base: non è una dimostrazione che non esista.",
        "No application found in {tried} trials from {bases} base applications: this does not prove that there is none.",
    ),
    "unreached.never": (
        "In nessuna delle {bases} domande di base si arriva a questo confronto: serve una domanda in cui conti (--from).",
        "None of the {bases} base applications comes to this comparison: give one in which it counts (--from).",
    ),
    "never": ("Non opera mai: {bounds}.", "It never binds: {bounds}."),
    "fixed": (
        "Nessun dato della domanda vi entra: {left} e {right} sono fissati dal bando, e non si incontrano mai.",
        "No fact of an application has a part in it: {left} and {right} are fixed by the call, and never meet.",
    ),
    "fixed.equal": (
        "Nessun dato della domanda vi entra: {left} è fissato dal bando su entrambi i lati.",
        "No fact of an application has a part in it: {left} is fixed by the call on both sides.",
    ),
    "exact": (
        "Non arrotonda mai: il valore è sempre un multiplo intero di {left}, e il passo è {right}.",
        "It never rounds: the value is always a whole multiple of {left}, and the step is {right}.",
    ),
    "reading": (
        "Vale solo con un'altra lettura del testo: {names}.",
        "It holds only under another reading of the text: {names}.",
    ),
    "open": (
        "Il limite non è ancora noto: {names}. Con --assume o --set si può provare un valore.",
        "The limit is not known yet: {names}. Try a value with --assume or --set.",
    ),
    "range": ("fra {low} e {high}", "between {low} and {high}"),
    "range.low": ("almeno {low}", "at least {low}"),
    "range.high": ("al più {high}", "at most {high}"),
    "range.none": ("senza limiti", "unlimited"),
    "excluded": ("esclusi: {names}", "excluded: {names}"),
    "no_one": ("nessuno", "none"),
    "approved_by": (
        "Righe approvate da {name} nel libro dei limiti {file}.",
        "Rows of the boundary book {file} that {name} approved.",
    ),
    "approved_plain": ("Righe approvate nel libro dei limiti {file}.", "Rows of the boundary book {file} that were approved."),
}


def word(key: str, lang: Language, **args: object) -> str:
    return WORDS[key][0 if lang == "it" else 1].format(**args)
