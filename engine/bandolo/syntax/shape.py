"""The shape of a policy file: which keys stand where, and what each holds. The one description of it.

The reader (`shaped.py`) checks files against it, `grammar/policy.schema.json` is generated from it for editors, and the reference
page lists its keys. A shape says nothing of names and types: that is the checker's matter.
"""

from __future__ import annotations

from typing import Literal

from bandolo.records import dataclass


@dataclass(frozen=True, slots=True)
class Expression:
    """A scalar that holds an expression of the rule language."""


@dataclass(frozen=True, slots=True)
class Word:
    """One of a fixed list of words."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ident:
    """A name: letters without accents, digits and underscores."""


@dataclass(frozen=True, slots=True)
class TypeName:
    """A type: `money`, `list of partner`, the name of a choice."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A short text that is not for translation: an id, a path, the name of a time zone."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text for people: one text, or `{it: ..., en: ...}`."""


@dataclass(frozen=True, slots=True)
class Template:
    """A text for people, or `{it: ..., en: ...}`, with expressions in braces."""


@dataclass(frozen=True, slots=True)
class Flag:
    """`true` or `false`."""


@dataclass(frozen=True, slots=True)
class Key:
    """What a key holds, and what it is for, in English and Italian."""

    shape: Shape
    en: str
    it: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Keys:
    """A mapping with fixed keys; where `options` is given, other keys are the words that `by` chooses among.

    Where `by_alone` is set, a mapping with `by` has no other fixed key: an option may then be called as one of them.
    """

    keys: dict[str, Key]
    options: Shape | None = None
    by_alone: bool = False
    filled: bool = False
    """An empty mapping says nothing, where a word could stand as well."""


@dataclass(frozen=True, slots=True)
class Entries:
    """A mapping from names that the author chooses to values of one shape."""

    value: Shape


@dataclass(frozen=True, slots=True)
class Items:
    """A list; a single item may stand without the list where `single` is set."""

    item: Shape
    single: bool = False


@dataclass(frozen=True, slots=True)
class OneOf:
    """Different shapes by what is written: a scalar, a mapping, a list."""

    scalar: Shape | None = None
    mapping: Shape | None = None
    sequence: Shape | None = None


@dataclass(frozen=True, slots=True)
class Nested:
    """The rows of a rate table: mappings to any depth, expressions at their ends."""


@dataclass(frozen=True, slots=True)
class Anything:
    """Application data: read by the types of the facts, not by a shape."""


@dataclass(frozen=True, slots=True)
class AtPaths:
    """Paths into a policy, or into an application, each with what then stands there.

    The shape of a policy is held against it once the change is made, the types of the facts once the application is read.
    """

    into: Literal["policy", "application"] = "policy"


Shape = Anything | AtPaths | Expression | Word | Ident | TypeName | Plain | Text | Template | Flag | Keys | Entries | Items | OneOf | Nested

EXPRESSION, IDENT, TYPE, PLAIN, TEXT, TEMPLATE, FLAG = Expression(), Ident(), TypeName(), Plain(), Text(), Template(), Flag()

QUOTES = Items(OneOf(mapping=Entries(Items(PLAIN, single=True))), single=True)
"""`{allegato_a: "..."}`, `{allegato_a: ["...", "..."], altro: "..."}`, or a list of such."""

COMMON: dict[str, Key] = {
    "label": Key(TEXT, "What people read in place of the name.", "Ciò che si legge al posto del nome."),
    "note": Key(TEXT, "A remark for whoever edits the policy.", "Un'annotazione per chi modifica la policy."),
    "source": Key(QUOTES, "The passages that this comes from, quoted verbatim.", "I passaggi da cui deriva, citati alla lettera."),
}

DIRECTIONS = ("half_up", "half_even", "up", "down")


def _by_reading(alternative: Shape, plain: Shape | None = None, mapping: Keys | None = None) -> OneOf:
    """A value of its own, or `{by: reading.x, option: value}`."""
    by = {"by": Key(EXPRESSION, "The reading that chooses.", "La lettura che sceglie.")}
    keys = dict(mapping.keys) if mapping else {}
    return OneOf(scalar=plain, mapping=Keys(by | keys, options=alternative, by_alone=True, filled=plain is not None))


ROUND_STEP = Keys({
    d: Key(EXPRESSION, f"Round {d} to a multiple of this.", f"Arrotonda ({d}) a un multiplo di questo.") for d in DIRECTIONS
})  # fmt: skip
ROUND = _by_reading(OneOf(mapping=ROUND_STEP), mapping=ROUND_STEP)

EXCEPTION = Keys({
    "when": Key(EXPRESSION, "The condition of the exception.", "La condizione dell'eccezione.", required=True),
    "value": Key(EXPRESSION, "The value when it holds.", "Il valore quando è vera.", required=True),
    **COMMON,
})  # fmt: skip

DEFINITION = OneOf(
    scalar=EXPRESSION,
    mapping=Keys(
        {
            "value": Key(EXPRESSION, "The expression.", "L'espressione."),
            "by": Key(EXPRESSION, "A choice or a reading; every option then has its own expression.",
                      "Una scelta o una lettura; ogni opzione ha poi la sua espressione."),
            "otherwise": Key(EXPRESSION, "The value for the options not listed.", "Il valore per le opzioni non elencate."),
            "except": Key(Items(EXCEPTION), "Exceptions in order: the first that holds wins.",
                          "Eccezioni in ordine: vale la prima che si verifica."),
            "round": Key(ROUND, "How the value is rounded: `{down: 0.01 EUR}`.", "Come si arrotonda: `{down: 0.01 EUR}`."),
            "type": Key(TYPE, "The type, to have it checked or shown so.", "Il tipo, per controllarlo o mostrarlo."),
            **COMMON,
        },
        options=EXPRESSION,
    ),
)  # fmt: skip

VERSION = Keys({
    "from": Key(EXPRESSION, "First day on which it is in force.", "Primo giorno in cui vale."),
    "until": Key(EXPRESSION, "Last day on which it is in force.", "Ultimo giorno in cui vale."),
    "value": Key(EXPRESSION, "The value in that time.", "Il valore in quel periodo.", required=True),
    "source": COMMON["source"],
})  # fmt: skip

PARAMETER = OneOf(
    scalar=EXPRESSION,
    mapping=Keys({
        "value": Key(EXPRESSION, "The value.", "Il valore."),
        "type": Key(TYPE, "The type; needed where there is no value yet.", "Il tipo; necessario se il valore manca ancora."),
        "versions": Key(Items(VERSION), "Values by the date on which they are in force.", "Valori per data di vigenza."),
        "default_date": Key(EXPRESSION, "The date that selects the version where the rule names none.",
                            "La data che sceglie la versione quando la regola non ne indica una."),
        "pending": Key(TEXT, "The act that will set it: until then, what depends on it is undetermined.",
                       "L'atto che lo fisserà: fino ad allora ciò che ne dipende resta indeterminato."),
        "must_be": Key(EXPRESSION, "What the value must satisfy, whoever sets it.", "Ciò che il valore deve rispettare."),
        "assume": Key(EXPRESSION, "A value for what-ifs, used only with --assume.", "Un valore per prove, usato solo con --assume."),
        **COMMON,
    }),
)  # fmt: skip

FACT = OneOf(
    scalar=TYPE,
    mapping=Keys({
        "type": Key(TYPE, "The type of the fact.", "Il tipo del dato.", required=True),
        "key": Key(FLAG, "It identifies the record among its like.", "Identifica il record fra i suoi simili."),
        "optional": Key(FLAG, "It may be `none`: there is none.", "Può essere `none`: non c'è."),
        "by": Key(TEXT, "Who supplies it, or which register.", "Chi lo fornisce, o quale registro."),
        "asked": Key(Items(IDENT), "The stages at which it is looked at anew.", "Le fasi in cui è verificato di nuovo."),
        "from": Key(EXPRESSION, "The lowest value allowed.", "Il valore minimo ammesso."),
        "to": Key(EXPRESSION, "The highest value allowed.", "Il valore massimo ammesso."),
        "at_most": Key(EXPRESSION, "How many items a list may have.", "Quante voci può avere un elenco."),
        **COMMON,
    }),
)  # fmt: skip

EFFECTS = ("reject", "suspend", "exclude", "bar", "refer", "flag")
SUSPEND = Keys({
    "cure": Key(EXPRESSION, "The time to put it right, such as `10 days`.", "Il tempo per sanare, come `10 days`."),
    "from": Key(EXPRESSION, "The date that the time runs from.", "La data da cui decorre."),
})  # fmt: skip
SUSPEND_LONG = Keys({"suspend": Key(SUSPEND, "Curable: ask for it.", "Sanabile: va richiesto.")}, filled=True)
EFFECT = _by_reading(OneOf(scalar=Word(EFFECTS), mapping=SUSPEND_LONG), plain=Word(EFFECTS), mapping=SUSPEND_LONG)

REQUIREMENT = Keys({
    "stage": Key(IDENT, "The stage that it belongs to.", "La fase a cui appartiene."),
    "applies": Key(EXPRESSION, "When it applies at all.", "Quando si applica."),
    "check": Key(EXPRESSION, "The condition that must hold.", "La condizione che deve valere.", required=True),
    "otherwise": Key(EFFECT, "What a failure does: reject, suspend, exclude, bar, refer or flag.",
                     "L'effetto se non è soddisfatto: reject, suspend, exclude, bar, refer o flag.", required=True),
    "message": Key(TEMPLATE, "What to say when it fails, with values in braces.", "Cosa dire se fallisce, con valori fra graffe."),
    **COMMON,
})  # fmt: skip

BONUS = Keys({
    "when": Key(EXPRESSION, "The condition of the bonus.", "La condizione della premialità.", required=True),
    "points": Key(EXPRESSION, "The points it adds.", "I punti che aggiunge.", required=True),
    **COMMON,
})  # fmt: skip

SCORING = Keys({
    "stage": Key(IDENT, "The stage of the minimum score.", "La fase del punteggio minimo."),
    "base": Key(EXPRESSION, "The score before bonuses.", "Il punteggio prima delle premialità.", required=True),
    "minimum": Key(EXPRESSION, "The base score that must be reached; bonuses count only then.",
                   "Il punteggio di base da raggiungere; solo allora contano le premialità."),
    "at_most": Key(EXPRESSION, "The highest final score.", "Il punteggio finale massimo."),
    "bonuses": Key(Entries(BONUS), "Points added on conditions.", "Punti aggiunti a condizioni date."),
    **COMMON,
})  # fmt: skip

DEADLINE = OneOf(
    scalar=EXPRESSION,
    mapping=Keys({
        "at": Key(EXPRESSION, "The date or instant.", "La data o l'istante."),
        "after": Key(EXPRESSION, "The length of the term.", "La durata del termine."),
        "from": Key(EXPRESSION, "The date that the term runs from.", "La data da cui decorre."),
        "roll": Key(_by_reading(Word(("none", "next_working_day")), plain=Word(("none", "next_working_day"))),
                    "Whether a term that ends on a holiday moves.", "Se un termine che scade in un giorno festivo slitta."),
        "of": Key(Word(("applicant", "office")), "Who must keep it: the applicant or the office.",
                  "Chi deve rispettarlo: il richiedente o l'ufficio."),
        **COMMON,
    }),
)  # fmt: skip

ORDER_KEY = PLAIN


def _word_or_reading(*words: str) -> OneOf:
    return _by_reading(Word(words), plain=Word(words))


RECHECK = OneOf(
    scalar=Word(("all",)),
    sequence=Items(IDENT),
    mapping=Keys({"by": Key(EXPRESSION, "The reading that chooses.", "La lettura che sceglie.")},
                 options=OneOf(scalar=Word(("all",)), sequence=Items(IDENT))),
)  # fmt: skip

RANKING = Keys({
    "among": Key(IDENT, "The stage that the ranked applications have passed.", "La fase superata dalle domande in graduatoria."),
    "order_by": Key(Items(ORDER_KEY, single=True), "The keys, each `ascending` or `descending`.",
                    "Le chiavi, ciascuna `ascending` o `descending`.", required=True),
    "exclusive": Key(Keys({
        "record": Key(IDENT, "The entity of which each record counts once.", "L'entità di cui ogni record conta una volta.", True),
        "key": Key(EXPRESSION, "What identifies it over all applications.", "Ciò che lo identifica fra tutte le domande.", True),
        "keep": Key(Items(ORDER_KEY, single=True), "Which application keeps it.", "Quale domanda lo conserva.", True),
        "counts": Key(_word_or_reading("admitted", "financed"), "When an application counts as having it.",
                      "Quando una domanda conta come sua."),
        "struck_from": Key(_word_or_reading("every_other", "next_only"), "Which of the other applications lose it; every one, if left out.",
                           "Quali delle altre domande lo perdono; tutte, se manca."),
        "order": Key(_word_or_reading("in_turn", "at_once"), "Whether strikes follow one another.", "Se le espunzioni si susseguono."),
        "recheck": Key(RECHECK, "What is checked again after a strike.", "Cosa si verifica di nuovo dopo un'espunzione."),
    }), "Records that may be in one application only.", "Record che possono stare in una sola domanda."),
    "budget": Key(OneOf(scalar=EXPRESSION, mapping=Keys({
        "pots": Key(Entries(Keys({
            "amount": Key(EXPRESSION, "The money of the pot.", "Le risorse del capitolo.", True),
            "award": Key(EXPRESSION, "What each application takes from it.", "Quanto ne prende ogni domanda.", True),
        })), "Several pots.", "Più capitoli."),
    })), "The money available.", "Le risorse disponibili."),
    "award": Key(EXPRESSION, "What each application receives.", "Quanto riceve ogni domanda."),
    "gives": Key(Keys({
        "award": Key(IDENT, "The amount of the root that the award becomes.",
                     "Il dato della radice che riceve il contributo assegnato."),
        "part": Key(IDENT, "The definition of the record that is its part of the award, once that is given.",
                    "La definizione del record che è la sua parte del contributo, una volta assegnato."),
        "struck": Key(IDENT, "The yes or no of a record that says whether it was struck.",
                      "Il dato sì/no del record che dice se è espunto."),
    }), "The facts that the ranking supplies to what comes after it.", "I dati che la graduatoria fornisce a ciò che segue."),
    "when_short": Key(_word_or_reading("partial", "stop", "next_that_fits"), "When the money does not suffice for the next one.",
                      "Quando le risorse non bastano per la successiva."),
    **COMMON,
})  # fmt: skip

BANDS = Keys({
    "of": Key(TYPE, "The type of the amount: money, number, percent.", "Il tipo dell'importo: money, number, percent.", True),
    "steps": Key(Items(Keys({
        "from": Key(EXPRESSION, "Where the band begins; only to have it checked.", "Dove comincia; solo per controllo."),
        "to": Key(EXPRESSION, "Where it ends, included.", "Dove finisce, compreso.", True),
        "rate": Key(EXPRESSION, "The rate on the part inside the band.", "L'aliquota sulla parte nello scaglione."),
        "value": Key(EXPRESSION, "The value for all that falls in the band.", "Il valore per ciò che cade nella fascia."),
    })), "The bands, in rising order.", "Le fasce, in ordine crescente.", True),
    "above": Key(EXPRESSION, "The rate or value above the last band.", "L'aliquota o il valore oltre l'ultima fascia.", True),
    **COMMON,
})  # fmt: skip

RATE = Keys({
    "by": Key(Items(IDENT, single=True), "The choice, or choices, that select a value.", "La scelta, o le scelte, che selezionano.", True),
    "values": Key(Nested(), "A value for each choice; nested for several.", "Un valore per scelta; annidati se più d'una.", True),
    "otherwise": Key(EXPRESSION, "The value of what is not listed.", "Il valore di ciò che non è elencato."),
    "type": Key(TYPE, "The type of the values.", "Il tipo dei valori."),
    **COMMON,
})  # fmt: skip

READING = Keys({
    "question": Key(TEXT, "The point on which the text is open.", "Il punto su cui il testo è aperto.", True),
    "options": Key(Entries(TEXT), "The meanings it admits.", "I significati possibili.", True),
    "chosen": Key(IDENT, "The one chosen; without it, what depends on it is undetermined.",
                  "Quello scelto; senza, ciò che ne dipende è indeterminato."),
    **COMMON,
})  # fmt: skip

POLICY = Keys({
    "bandolo": Key(Word(("1",)), "The version of the language.", "La versione del linguaggio.", required=True),
    "policy": Key(Keys({
        "id": Key(IDENT, "The policy's own name.", "Il nome della policy.", True),
        "title": Key(TEXT, "The title of the call.", "Il titolo del bando.", True),
        "issuer": Key(TEXT, "Who issues it.", "Chi lo emana."),
        "manager": Key(TEXT, "Who runs it.", "Chi lo gestisce."),
        "decides": Key(IDENT, "The entity that is decided on.", "L'entità su cui si decide.", True),
        "currency": Key(PLAIN, "Three letters, such as EUR.", "Tre lettere, come EUR."),
        "time_zone": Key(PLAIN, "An IANA zone, such as Europe/Rome.", "Un fuso IANA, come Europe/Rome."),
        "money_rounding": Key(_word_or_reading(*DIRECTIONS), "How amounts that leave the policy are rounded to the cent.",
                              "Come si arrotondano al centesimo gli importi in uscita."),
        "month_rounding": Key(Word(("down", "up", "error")), "The day after adding months, where it does not exist.",
                              "Il giorno dopo aver sommato mesi, se non esiste."),
        "working_days": Key(PLAIN, "Whose holidays count: `IT`, or with a subdivision `IT-MI`.",
                            "Quali festività contano: `IT`, o con suddivisione `IT-MI`."),
        "note": COMMON["note"],
    }), "The call itself.", "Il bando.", required=True),
    "sources": Key(Entries(Keys({
        "title": Key(TEXT, "The document's title.", "Il titolo del documento.", True),
        "text": Key(PLAIN, "Its text, a path relative to the policy.", "Il suo testo, un percorso relativo alla policy."),
        "norms": Key(PLAIN, "The list of its norms (CSV: id, quote), a path.", "L'elenco delle sue norme (CSV: id, quote)."),
        "note": COMMON["note"],
    })), "The documents that rules quote.", "I documenti che le regole citano."),
    "choices": Key(Entries(OneOf(sequence=Items(IDENT), mapping=Entries(TEXT))), "Words to choose from: a list, or each with its label.",
                   "Parole fra cui scegliere: un elenco, o ciascuna con la sua etichetta."),
    "stages": Key(Items(OneOf(scalar=IDENT, mapping=Entries(Keys({
        "opens": Key(EXPRESSION, "The condition that opens the stage.", "La condizione che apre la fase."), **COMMON,
    })))), "The stages, in order.", "Le fasi, in ordine."),
    "entities": Key(Entries(Keys({
        "facts": Key(Entries(FACT), "What is known of each record.", "Ciò che si sa di ogni record.", True),
        "shown_as": Key(IDENT, "The fact by which people call a record.", "Il dato con cui le persone chiamano un record."),
        **COMMON,
    })), "The kinds of record.", "I tipi di record.", required=True),
    "parameters": Key(Entries(PARAMETER), "The constants of the call.", "Le costanti del bando."),
    "rates": Key(Entries(RATE), "Tables by choices.", "Tabelle per scelte."),
    "bands": Key(Entries(BANDS), "Brackets of an amount.", "Scaglioni di un importo."),
    "readings": Key(Entries(READING), "Points on which the text is open.", "Punti su cui il testo è aperto."),
    "formulas": Key(Entries(Keys({
        "takes": Key(Entries(TYPE), "The arguments and their types.", "Gli argomenti e i loro tipi.", True),
        "value": Key(EXPRESSION, "The expression.", "L'espressione.", True),
        **COMMON,
    })), "Expressions with arguments.", "Espressioni con argomenti."),
    "definitions": Key(Entries(Entries(DEFINITION)), "Named values, by entity.", "Valori con un nome, per entità."),
    "requirements": Key(Entries(Entries(REQUIREMENT)), "Conditions with a verdict, by entity.", "Condizioni con esito, per entità."),
    "scoring": Key(SCORING, "The score, its minimum and bonuses.", "Il punteggio, la soglia e le premialità."),
    "deadlines": Key(Entries(DEADLINE), "Named instants and terms.", "Istanti e termini con un nome."),
    "results": Key(Items(PLAIN), "What leaves the policy: `grant`, `partner.grant`.", "Ciò che ne esce: `grant`, `partner.grant`."),
    "ranking": Key(RANKING, "What happens over all applications.", "Ciò che riguarda tutte le domande."),
    "unencoded": Key(Items(Keys({
        "quote": Key(QUOTES, "The passage.", "Il passaggio.", True),
        "because": Key(Word(("judged", "procedure", "information", "delegated")), "Why it is no rule for the engine.",
                       "Perché non è una regola per il motore.", True),
        "note": COMMON["note"],
    })), "What the text says that is no rule.", "Ciò che il testo dice senza essere una regola."),
})  # fmt: skip

AMENDMENT = Keys({
    "bandolo": Key(Word(("1",)), "The version of the language.", "La versione del linguaggio.", required=True),
    "amends": Key(PLAIN, "The policy that it amends, a path relative to this file.", "La policy che modifica.", required=True),
    "id": Key(IDENT, "The amendment's own name.", "Il nome della modifica.", required=True),
    "title": Key(TEXT, "The title of the act.", "Il titolo dell'atto."),
    "date": Key(PLAIN, "The date of the act.", "La data dell'atto.", required=True),
    "sources": Key(Entries(Keys({
        "title": Key(TEXT, "The document's title.", "Il titolo del documento.", True),
        "text": Key(PLAIN, "Its text, a path relative to the amendment.", "Il suo testo, un percorso relativo alla modifica."),
        "norms": Key(PLAIN, "The list of its norms (CSV: id, quote), a path.", "L'elenco delle sue norme (CSV: id, quote)."),
        "note": COMMON["note"],
    })), "The documents that it brings.", "I documenti che introduce."),
    "applies_to": Key(EXPRESSION, "The applications that it reaches; all, if left out.", "Le domande che raggiunge; tutte, se manca."),
    "set": Key(AtPaths(), "Paths and their new contents.", "Percorsi e nuovi contenuti."),
    "add": Key(AtPaths(), "New paths and their contents.", "Percorsi nuovi e contenuti."),
    "remove": Key(Items(PLAIN), "Paths that fall away.", "Percorsi che decadono."),
    "note": COMMON["note"],
    "source": COMMON["source"],
})  # fmt: skip

DATA = Anything()
CASE_COMMON: dict[str, Key] = {
    "as_of": Key(PLAIN, "The clock.", "L'orologio."),
    "assume": Key(OneOf(scalar=FLAG, sequence=Items(IDENT)), "Pending parameters to assume.", "Parametri pendenti da assumere."),
    "set": Key(Entries(DATA), "Parameters to set.", "Parametri da fissare."),
    "readings": Key(Entries(IDENT), "Readings to choose.", "Letture da scegliere."),
    "amend": Key(
        Items(PLAIN, single=True), "Amendments to apply, relative to this file.", "Modifiche da applicare, relative a questo file."
    ),
}

EXPECT = Keys({
    "outcome": Key(Word(("admitted", "rejected", "suspended", "undetermined", "referred", "barred")), "The outcome.", "L'esito."),
    "stage": Key(IDENT, "The stage that decides.", "La fase che decide."),
    "stages": Key(Entries(IDENT), "The status of stages.", "Lo stato delle fasi."),
    "failed": Key(Items(IDENT), "Exactly the requirements that fail.", "Esattamente i requisiti non soddisfatti."),
    "verdicts": Key(Entries(DATA), "Verdicts of requirements, of records by key.", "Esiti dei requisiti, per chiave del record."),
    "excluded": Key(Items(PLAIN), "Exactly the records excluded.", "Esattamente i record esclusi."),
    "barred": Key(Items(PLAIN), "Exactly the records barred.", "Esattamente i record bloccati."),
    "results": Key(DATA, "Results, by name or path.", "Risultati, per nome o percorso."),
    "missing": Key(Items(PLAIN), "Facts that must be among the missing.", "Dati che devono risultare mancanti."),
    "pending": Key(Items(IDENT), "Exactly the pending parameters that leave something open.",
                   "Esattamente i parametri rinviati che lasciano aperto qualcosa."),
    "open_readings": Key(Items(IDENT), "Exactly the readings that leave something open.",
                         "Esattamente le letture che lasciano aperto qualcosa."),
    "assumed": Key(Items(IDENT), "Exactly the parameters whose value was assumed.", "Esattamente i parametri il cui valore è supposto."),
    "undetermined": Key(Items(PLAIN), "Results that must be open.", "Risultati che devono essere indeterminati."),
    "faults": Key(Items(PLAIN), "Exactly the faults.", "Esattamente gli errori di calcolo."),
    "message": Key(Entries(OneOf(scalar=PLAIN, mapping=DATA)),
                   "Messages of failed requirements: in either language, by language, by record.",
                   "Messaggi dei requisiti non soddisfatti: in una delle lingue, per lingua, per record."),
    "ranking": Key(DATA, "Rows of the ranking, by application: place, status, amounts, strikes, reasons.",
                   "Righe della graduatoria, per domanda."),
    "order": Key(Items(PLAIN), "Exactly the ranked applications, in order.", "Esattamente le domande in graduatoria, in ordine."),
    "left": Key(PLAIN, "What is left of the budget.", "Quanto resta della dotazione."),
    "provisional": Key(FLAG, "Whether the ranking is provisional.", "Se la graduatoria è provvisoria."),
    "settled": Key(FLAG, "Whether the strikes come to rest.", "Se le espunzioni trovano un punto d'arrivo."),
    "ties": Key(DATA, "Exactly the ties that no key breaks.", "Esattamente le parità che nessuna chiave scioglie."),
    "error": Key(PLAIN, "The code of the fault in the data.", "Il codice dell'errore nei dati."),
})  # fmt: skip

CHANGE = Key(AtPaths("application"), "What differs, by path.", "Che cosa cambia, per percorso.")
LIKE = Key(IDENT, "The application that it begins from.", "La domanda da cui parte.")
TAGS = Key(Items(IDENT, single=True), "Words to select cases by.", "Parole con cui scegliere i casi.")

CASE = Keys({
    "name": Key(PLAIN, "What the case shows; of a table, with `{heading}` in it.",
                "Che cosa mostra il caso; in una tabella, con `{intestazione}`.", required=True),
    "tags": TAGS,
    "like": LIKE,
    "change": CHANGE,
    "rank": Key(Items(Keys({
        "like": LIKE,
        "change": CHANGE,
        "repeat": Key(PLAIN, "So many of them; `{n}` counts.", "Quante sono; `{n}` le conta."),
    })), "Several applications, to be ranked.", "Più domande, da mettere in graduatoria."),
    "table": Key(Items(Items(DATA)), "A row of headings, then a case a row.", "Una riga di intestazioni, poi un caso per riga."),
    **CASE_COMMON,
    "note": COMMON["note"],
    "expect": Key(EXPECT, "What must come out; of a table, for all rows.", "Che cosa deve risultare; in una tabella, per tutte le righe."),
})  # fmt: skip

CASES = Keys({
    "cases_of": Key(PLAIN, "The policy, relative to this file.", "La policy, relativa a questo file.", required=True),
    **CASE_COMMON,
    "tags": TAGS,
    "applications": Key(Entries(DATA), "Applications that cases begin from: facts, or `like` another with a `change`.",
                        "Domande da cui partono i casi: dati, o `like` un'altra con `change`."),
    "cases": Key(Items(CASE), "The cases.", "I casi.", required=True),
})  # fmt: skip

EQUIVALENT = Keys({
    "equivalent_of": Key(PLAIN, "The policy, relative to this file.", "La policy, relativa a questo file.", required=True),
    "mutants": Key(Items(Keys({
        "rule": Key(PLAIN, "The rule, as `bandolo mutate` names it.", "La regola, come la chiama `bandolo mutate`.", required=True),
        "mutation": Key(Items(PLAIN, single=True), "What is written and what instead: one or several.",
                        "Che cosa è scritto e che cosa al suo posto: una o più.", required=True),
        "because": Key(TEXT, "Why no application can tell them apart.", "Perché nessuna domanda può distinguerle.", required=True),
    })), "The mutants that mean the same as the policy.", "I mutanti che significano lo stesso della policy.", required=True),
})  # fmt: skip
