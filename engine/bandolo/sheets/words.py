"""The fixed words of workbooks, Italian and English: instructions, kinds of cells, heads of columns."""

from __future__ import annotations

from bandolo.language.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    INTEGER,
    MONEY,
    NUMBER,
    PERCENT,
    ChoiceType,
    DurationType,
    Language,
    ListType,
    RecordType,
    Type,
)  # fmt: skip
from bandolo.sheets.cells import names_option
from bandolo.sheets.spelling import NONE_WORDS, folded

WORDS: dict[str, tuple[str, str]] = {
    "none": ("nessuno", "none"),
    "yes": ("sì", "yes"),
    "no": ("no", "no"),
    "sheet": ("Foglio", "Sheet"),
    "one_row": ("Una riga per ogni", "One row for each"),
    "belongs": ("appartiene a", "belongs to"),
    "column": ("Colonna", "Column"),
    "what": ("Che cosa si scrive", "What to write"),
    "supplied": ("Fornito da", "Supplied by"),
    "note": ("Nota", "Note"),
    "name": ("Nome nel bando", "Name in the policy"),
    "key": ("Identificativo: va scritto in ogni riga, una volta sola", "Key: to be written in every row, each once"),
    "owner": ("Chiave: a chi appartiene la riga; lo stesso valore che ha nel foglio «{sheet}»",
              "Key: whom the row belongs to; the same value as on the sheet “{sheet}”"),
    "line": ("Un numero a scelta, diverso in ogni riga: lega a questa le righe degli altri fogli",
             "A number of your choice, different in each row: it ties the rows of other sheets to this one"),
    "count": ("Quante righe ha nel foglio «{sheet}»; 0 se non ce n'è nessuna. Vuota: quelle che ci sono",
              "How many rows it has on the sheet “{sheet}”; 0 if there are none. Empty: as many as there are"),
    "optional": ("Se non c'è, scrivere «nessuno»; vuota vuol dire: non si sa ancora",
                 "If there is none, write “none”; empty means: not known yet"),
    "list": ("più voci separate da punto e virgola; «nessuno» per un elenco vuoto",
             "several, separated by semicolons; “none” for an empty list"),
    "reference": ("la chiave di una riga del foglio «{sheet}»", "the key of a row of the sheet “{sheet}”"),
    "boolean": ("sì o no", "yes or no"),
    "integer": ("un numero intero", "a whole number"),
    "number": ("un numero", "a number"),
    "money": ("un importo in {currency}, al più due decimali", "an amount in {currency}, with at most two decimals"),
    "percent": ("una percentuale, con il segno %: 50%", "a percentage, with the sign %: 50%"),
    "date": ("una data: 30/10/2023", "a date: 30/10/2023"),
    "datetime": ("data e ora: 31/12/2022 16:00", "date and time: 31/12/2022 16:00"),
    "text": ("un testo", "a text"),
    "duration": ("una durata: 30 giorni, 6 mesi", "a length of time: 30 days, 6 months"),
    "one_of": ("uno di", "one of"),
    "pick": ("Scegliere una voce dell'elenco.", "Choose an entry of the list."),
    "not_so": ("Valore non ammesso", "Not allowed"),
    "which": ("Elenco", "List"),
}  # fmt: skip

README: dict[Language, tuple[str, ...]] = {
    "it": (
        "Ogni foglio è una tabella: la prima riga ha i titoli e non va cambiata; ogni altra riga è una voce.",
        "Un titolo blu scuro indica una chiave: lega una riga a quella da cui dipende. Le chiavi sono testo: gli zeri iniziali restano.",
        "Cella vuota = dato non ancora noto: la decisione dirà che manca. Dove un dato può non esserci, «nessuno» dice che non c'è.",
        "Sì o no e le scelte si prendono dall'elenco della cella. Le date si scrivono 31/12/2022, le date con ora 31/12/2022 16:00.",
        "Fermandosi con il mouse sul titolo di una colonna si legge che cosa va scritto; lo stesso nel foglio «{columns}».",
        "Si possono aggiungere appunti in fogli il cui nome comincia con «_»: non vengono letti.",
        "Quando è compilato: bandolo decide {policy} {file} --to decisioni.xlsx",
    ),
    "en": (
        "Each sheet is a table: its first row has the headings and must stay as it is; each other row is one entry.",
        "The columns with a dark blue heading are keys: they tie a row to the one that it belongs to. Keys are text: zeros in front stay.",
        "Empty cell = not known yet: the decision will say that it is missing. Where there may be none, “none” says that there is none.",
        "Yes or no and choices are taken from the list of the cell. Dates are written 31/12/2022, instants 31/12/2022 16:00.",
        "Rest the pointer on the heading of a column to read what belongs there; the sheet “{columns}” says the same.",
        "Notes may be kept on sheets whose name begins with “_”: they are not read.",
        "When it is filled in: bandolo decide {policy} {file} --to decisions.xlsx",
    ),
}

SIMPLE: dict[Type, str] = {
    BOOLEAN: "boolean", INTEGER: "integer", NUMBER: "number", MONEY: "money", PERCENT: "percent", DATE: "date", DATETIME: "datetime",
}  # fmt: skip


def word(key: str, lang: Language, **args: object) -> str:
    return WORDS[key][0 if lang == "it" else 1].format(**args)


def to_write(type_: Type, lang: Language, currency: str, titles: dict[str, str]) -> str:
    """What a cell of a type holds, in a reader's words; `titles` are those of the sheets, by entity."""
    match type_:
        case ListType(item=item):
            return f"{to_write(item, lang, currency, titles)}; {word('list', lang)}"
        case RecordType(entity=entity):
            return word("reference", lang, sheet=titles[entity])
        case ChoiceType(options=options):
            return f"{word('one_of', lang)}: " + "; ".join(type_.said(option, lang) for option in options)
        case DurationType():
            return word("duration", lang)
    return word(SIMPLE.get(type_, "text"), lang, currency=currency)


def none_word(type_: Type, lang: Language) -> str:
    """The word for `none` in the cells of a type: one that is no option of it."""
    usual = word("none", lang)
    return next((w for w in (usual, *sorted(NONE_WORDS)) if not names_option(w, type_)), usual)


def choice_words(type_: ChoiceType, lang: Language) -> tuple[str, ...]:
    """The options as people call them; by their own names where two would be called the same, in whatever language."""
    labels = [w for option in type_.options for w in {folded(w) for w in (*type_.labels.get(option, ()), option)}]
    said = tuple(type_.said(option, lang) for option in type_.options)
    return said if all(labels.count(folded(s)) == 1 for s in said) else type_.options
