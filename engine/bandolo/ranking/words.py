"""Why each row of a ranking stands where it stands, in both languages."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from bandolo.check import core
from bandolo.explain.formulas import said
from bandolo.explain.reasons import written
from bandolo.explain.speech import Naming
from bandolo.language.types import MONEY, Language, OptionalType, Type
from bandolo.language.values import NONE, Duration, Value
from bandolo.language.wording import say
from bandolo.ranking.entrant import Entrant, KeyValue, Reason, Strike
from bandolo.ranking.order import compare
from bandolo.ranking.procedure import Event
from bandolo.ranking.spending import Share

WORDS: dict[str, tuple[str, str]] = {
    "first": ("Prima in graduatoria", "First in the ranking"),
    "below": ("Sotto {other}: {label} {mine}, contro {theirs}", "Below {other}: {label} {mine}, against {theirs}"),
    "equal": ("A pari merito con {others}: nessun criterio li distingue", "Tied with {others}: no key tells them apart"),
    "no_budget": ("Nessuna dotazione da ripartire", "No budget to be shared"),
    "fits": ("Finanziata per intero", "Financed in full"),
    "partial": ("Restano {left}: contributo parziale", "{left} is left: a partial award"),
    "short": ("Restano {left}, non bastano per {want}: la graduatoria si ferma", "{left} is left, short of {want}: the award ends here"),
    "skipped": ("Restano {left}, non bastano per {want}: si passa alla successiva",
                "{left} is left, short of {want}: the next is looked at"),
    "closed": ("Le risorse sono finite con {at}", "The money ended with {at}"),
    "tie": ("Le risorse rimaste ({left}) dipendono da una parità che nessun criterio scioglie",
            "Who gets the money left ({left}) depends on a tie that no key breaks"),
    "after_tie": ("L'assegnazione si è fermata alla parità di {at}", "The award stopped at the tie of {at}"),
    "struck": ("Espunzione di {key}: resta in {kept_by}", "{key} is struck: it stays in {kept_by}"),
    "fell": ("Dopo l'espunzione la domanda non è più ammissibile", "After the strike the application is no longer admissible"),
    "disputed": ("Ha un soggetto in comune con {others}, e nulla dice chi lo conserva",
                 "It shares a record with {others}, and nothing says who keeps it"),
    "suspended": ("Sospesa: va sanata o decide un altro procedimento", "Suspended: to be put right, or another procedure decides"),
    "missing": ("Mancano: {facts}", "Missing: {facts}"),
    "step_strike": ("Espunzione di {key} da {application}: resta in {kept_by}", "{key} struck from {application}: it stays in {kept_by}"),
    "step_lift": ("{key} torna in {application}: {kept_by} non conta più", "{key} returns to {application}: {kept_by} no longer counts"),
    "step_fall": ("{application} non è più ammessa", "{application} is no longer admitted"),
    "step_unsettled": ("Le espunzioni tornano dove erano: la graduatoria non è definitiva",
                       "The strikes are back where they were: not final"),
}  # fmt: skip

STATUSES: dict[str, tuple[str, str]] = {
    "financed": ("finanziata", "financed"),
    "partly_financed": ("finanziata in parte", "partly financed"),
    "admitted_not_financed": ("ammessa e non finanziata", "admitted, not financed"),
    "not_admitted": ("non ammessa", "not admitted"),
    "suspended": ("sospesa", "suspended"),
    "undetermined": ("non ancora decidibile", "not decidable yet"),
}

LANGUAGES: tuple[Language, Language] = ("it", "en")


def reason(code: str, **args: str | tuple[str, str]) -> Reason:
    """A reason by its code; an argument may have a text for each language."""
    it, en = (WORDS[code][i].format(**{k: v if isinstance(v, str) else v[i] for k, v in args.items()}) for i in range(2))
    return Reason(code, it, en)


class Speaker:
    """The words for one policy."""

    def __init__(self, policy: core.Policy) -> None:
        self.policy = policy
        plan = policy.ranking
        assert plan is not None
        self.order = plan.order_by
        self.labels = [said(policy, expr, written(expr)) for expr, _ in plan.order_by]

    def money(self, amounts: Sequence[Fraction]) -> tuple[str, str]:
        told = [a for a in amounts if a] or list(amounts[:1])  # an empty pot beside others says nothing
        it, en = (" + ".join(self._said(a, MONEY, lang) for a in told) for lang in LANGUAGES)
        return it, en

    def key(self, value: KeyValue, index: int, lang: Language) -> str:
        type_ = self.order[index][0].type
        return self._said(as_value(value), type_.of if isinstance(type_, OptionalType) else type_, lang)

    def _said(self, value: Value, type_: Type, lang: Language) -> str:
        conventions = self.policy.conventions
        return say(value, type_, lang, conventions.currency, conventions.time_zone)

    def placed(self, above: Entrant | None, entrant: Entrant, tied: Sequence[str]) -> list[Reason]:
        """Why not one higher: the first key that tells it from the one above; and with whom it is tied."""
        out = [reason("first")] if above is None else []
        if above is not None:
            for i, (mine, theirs) in enumerate(zip(entrant.order, above.order, strict=True)):
                if compare(mine, theirs, self.order[i][1]) != 0:
                    label = (self.labels[i].it, self.labels[i].en)
                    it, en = ((self.key(mine, i, lang), self.key(theirs, i, lang)) for lang in LANGUAGES)
                    out.append(reason("below", other=above.id, label=label, mine=(it[0], en[0]), theirs=(it[1], en[1])))
                    break
        return [*out, *([reason("equal", others=", ".join(tied))] if tied else [])]

    def awarded(self, entrant: Entrant, share: Share) -> list[Reason]:
        if share.why == "fits":
            return []
        return [reason(share.why, left=self.money(share.left), want=self.money(entrant.pots), at=share.at)]

    def struck(self, strikes: Sequence[Strike]) -> list[Reason]:
        return [reason("struck", key=s.name, kept_by=s.kept_by) for s in strikes]

    def unplaced(self, entrant: Entrant, strikes: Sequence[Strike]) -> list[Reason]:
        """Why an application is not ranked."""
        out = [*self.struck(strikes), *([reason("fell")] if strikes else [])]
        if entrant.standing == "suspended":
            out.append(reason("suspended"))
        out += [Reason("requirement", m["it"], m["en"]) for m in entrant.messages]
        return [*out, *([reason("missing", facts=self.facts(entrant.missing))] if entrant.missing else [])]

    def named(self, names: Sequence[str], lang: Language) -> str:
        """Parameters and readings by their labels, with the names by which the command line knows them."""
        return ", ".join(Naming(self.policy, lang).named(n) for n in names)

    def facts(self, paths: Sequence[str]) -> tuple[str, str]:
        """Missing facts by their labels, the first few of many."""
        it, en = (naming.listed([naming.fact(p) for p in paths]) for naming in (Naming(self.policy, lang) for lang in LANGUAGES))
        return it, en

    @staticmethod
    def step(event: Event) -> Reason:
        strike = event.strike
        args = {"application": event.application}
        if strike is not None:
            args |= {"key": strike.name, "kept_by": strike.kept_by}
        return reason(f"step_{event.kind}", **args)


def as_value(value: KeyValue) -> Value:
    if value is None:
        return NONE
    return Duration(*value) if isinstance(value, tuple) else value
