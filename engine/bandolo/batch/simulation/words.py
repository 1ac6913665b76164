"""The words for a simulation: what is varied, the heads of its tables, and its values, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import floor
from typing import Any

from bandolo.batch.simulation.axes import Axis
from bandolo.batch.simulation.labels import label_of
from bandolo.batch.simulation.ranked import Ranked
from bandolo.batch.simulation.simulate import Simulation, Variant
from bandolo.explain.speech import Naming
from bandolo.language.types import Language, Type
from bandolo.language.values import NONE, Duration, Unknown, Value
from bandolo.language.wording import money, number
from bandolo.ranking.entrant import KeyValue

WORDS: dict[str, tuple[str, str]] = {
    "title": ("Simulazione", "Simulation"),
    "population": ("{count} domande, {variants} varianti oltre al bando com'è.",
                   "{count} applications, {variants} variants besides the call as it is."),
    "population_one": ("{count} domande, una variante oltre al bando com'è.",
                       "{count} applications, one variant besides the call as it is."),
    "made_up": (
        "Le domande sono inventate ({count}, seme {seed}): dicono come reagiscono le regole, non che cosa presenteranno le imprese.",
        "The applications are made up ({count}, seed {seed}): they show how the rules react, not what will be submitted.",
    ),
    "varied": ("Che cosa varia", "What is varied"),
    "as_it_is": ("com'è", "as it is"),
    "value_now": ("com'è: {value}", "as it is: {value}"),
    "not_set": ("non fissato", "not set"),
    "outcomes": ("Esiti", "Outcomes"),
    "stages": ("Esiti per fase", "Outcomes by stage"),
    "at_stage": ("{outcome} in «{stage}»", "{outcome} in “{stage}”"),
    "amounts": ("Importi", "Amounts"),
    "admitted": ("ammesse", "admitted"),
    "rejected": ("non ammesse", "rejected"),
    "suspended": ("sospese", "suspended"),
    "undetermined": ("non decidibili", "not decidable"),
    "referred": ("rinviate", "referred"),
    "barred": ("bloccate", "barred"),
    "unread": ("illeggibili", "unreadable"),
    "gained": ("entrano", "enter"),
    "lost": ("escono", "leave"),
    "other_moves": ("altri cambi", "other moves"),
    "changed": ("cambiano esito", "change outcome"),
    "difference": ("differenza", "difference"),
    "unknown": ("importo non noto", "amount not known"),
    "rounded": ("Importi in {currency}, arrotondati all'unità; al centesimo con --to o --json.",
                "Amounts in {currency}, rounded to the unit; to the cent with --to or --json."),
    "sums": ("Somme di ciò che si calcola per le domande, sospese, rinviate e non decidibili comprese; le non ammesse contano zero.",
             "Sums of what comes out for applications, suspended, referred and not decidable included; the rejected count nothing."),
    "more_reasons": ("… e altri motivi: {count}", "… and other reasons: {count}"),
    "by_rows": ("Decise una per una, non per colonne: {count} ({why}).", "Decided one by one, not by columns: {count} ({why})."),
    "errors": ("Domande che non si leggono: {names}.", "Applications that cannot be read: {names}."),
    "entering": ("«Entrano» ed «escono»: domande che diventano ammesse, o non lo sono più, rispetto al bando com'è.",
                 "“Enter” and “leave”: applications that become admitted, or no longer are, against the call as it is."),
    "variant": ("Variante", "Variant"),
    "squares": ("Tra parentesi quadre il bando com'è. Esiti e importi di ogni variante: con --to.",
                "In square brackets the call as it is. Outcomes and amounts of every variant: with --to."),
    "hidden": ("Altre {count} varianti: tutte con --to.", "{count} more variants: all of them with --to."),
    "drawings": ("In figura", "In a picture"),
    "framed": ("La casella bordata è il bando com'è, se fra i valori c'è; più scuro, più grande.",
               "The framed cell is the call as it is, where the values have it; the darker, the larger."),
    "not_zero": ("non da zero", "not from zero"),
    "admitted_many": ("Domande ammesse", "Applications admitted"),
    "financed_many": ("Domande finanziate", "Applications financed"),
    "awarded_sum": ("Somma assegnata dalla graduatoria", "Sum awarded by the ranking"),
    "cut_off": ("Punteggio dell'ultima finanziata", "Score of the last financed"),
    "million": ("{n} mln", "{n} m"),
    "thousand": ("{n} mila", "{n} k"),
    "rejected_by_stage": ("Non ammesse, per fase", "Rejected, by stage"),
    "other_amounts": ("Altri importi: differenza rispetto a com'è", "Other amounts: difference against as it is"),
    "ranking": ("Graduatoria", "Ranking"),
    "financed": ("finanziate", "financed"),
    "partly_financed": ("(in parte)", "(in part)"),
    "admitted_not_financed": ("senza fondi", "no funds"),
    "open": ("aperte", "open"),
    "spent": ("assegnati", "awarded"),
    "left": ("restano", "left"),
    "last": ("ultima finanziata", "last financed"),
    "place": ("{position}ª", "no. {position}"),
    "struck": ("espunte", "struck"),
    "last_note": ("Ultima finanziata: il suo posto in graduatoria · {keys}.", "Last financed: its place in the ranking · {keys}."),
    "provisional": ("Una graduatoria è provvisoria dove qualcosa è ancora aperto: una domanda non decisa, o una parità.",
                    "A ranking is provisional where something is still open: an application that is not decided, or a tie."),
    "unranked": ("Graduatoria non fatta: {why}", "No ranking was made: {why}"),
    "too_many": ("Graduatoria non fatta: le domande sono più di {limit}.",
                 "No ranking was made: there are more than {limit} applications."),
}  # fmt: skip

HALF = Fraction(1, 2)
OUTCOMES = ("admitted", "rejected", "suspended", "undetermined", "referred", "barred", "unread")


class Teller:
    """The words for one simulation in one language."""

    def __init__(self, simulation: Simulation, lang: Language) -> None:
        self.simulation, self.lang = simulation, lang
        self.policy = simulation.policy.core
        self.naming = Naming(self.policy, lang)
        self.currency = self.policy.conventions.currency

    def said(self, key: str, **args: object) -> str:
        return WORDS[key][0 if self.lang == "it" else 1].format(**args)

    def count(self, value: int) -> str:
        return number(Fraction(value), self.lang)

    def signed(self, value: int) -> str:
        """A difference with its sign; nothing where there is none."""
        return "" if not value else ("+" if value > 0 else "−") + self.count(abs(value))

    def money(self, amount: Fraction) -> str:
        return money(amount, self.lang, self.currency)

    def whole(self, amount: Fraction) -> str:
        """An amount without its cents."""
        return number(Fraction(floor(amount + HALF)), self.lang)

    def whole_signed(self, amount: Fraction) -> str:
        if not amount:
            return ""
        return ("+" if amount > 0 else "−") + self.whole(abs(amount))

    def decimal(self, value: Fraction) -> str:
        return number(Fraction(floor(value * 100 + HALF), 100), self.lang)

    def short_money(self, amount: Fraction) -> str:
        """An amount in millions or thousands, for an axis."""
        for size, key in ((10**6, "million"), (10**3, "thousand")):
            if abs(amount) >= size:
                return self.said(key, n=self.decimal(amount / size))
        return self.decimal(amount)

    def title(self) -> str:
        return self.policy.title.said(self.lang)

    def axis(self, axis: Axis) -> str:
        """What an axis is called: the label of the parameter or reading, or the path where it has none."""
        if axis.place is not None:
            return label_of(self.simulation.policy, axis.place.path, self.lang)
        declared = self.policy.readings[axis.name] if axis.is_reading else self.policy.parameters[axis.name]
        if declared.words.label is not None:
            return declared.words.label.said(self.lang)
        return axis.name

    def base_value(self, at: int) -> str:
        """What the policy has for an axis, the what-ifs that hold for all variants included."""
        axis = self.simulation.axes[at]
        value = self.simulation.base_value(at)
        return self.said("not_set") if isinstance(value, Unknown) else self.value(axis, value)

    def value(self, axis: Axis, value: Value) -> str:
        return self.naming.value(value, axis.type)

    def cells(self, variant: Variant) -> list[str]:
        """The values of a variant, of each axis; the policy's own where it stays as it is."""
        return [
            self.base_value(i) if v is None else self.value(a, v)
            for i, (a, v) in enumerate(zip(self.simulation.axes, variant.values, strict=True))
        ]

    def last(self, ranked: Ranked) -> str:
        """The last application that gets money: its place, and its first key."""
        if ranked.last_position is None:
            return ""
        place = self.said("place", position=ranked.last_position)
        keys = [self.key_value(v, t) for v, t in zip(ranked.last_keys[:1], ranked.key_types, strict=False)]
        return " · ".join([place, *keys])

    def key(self, key: Mapping[str, Any]) -> str:
        """What applications are ordered by, in the words of the policy."""
        return str(key["label"][self.lang])

    def key_value(self, value: KeyValue, type_: Type) -> str:
        if value is None:
            return self.naming.value(NONE, type_)
        if isinstance(value, tuple):
            return self.naming.value(Duration(*value), type_)
        return self.naming.value(Fraction(value) if isinstance(value, int) and not isinstance(value, bool) else value, type_)

    def outcome(self, word: str) -> str:
        return self.said(word)

    def result(self, name: str) -> str:
        return self.naming.result(self.policy.root, name)

    def stage(self, name: str) -> str:
        return self.naming.stage(name)
