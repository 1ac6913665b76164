"""A mutant in words: the line that it changes, and the question that no case asks."""

from __future__ import annotations

from bandolo.check import core
from bandolo.explain.formulas import said
from bandolo.format.expressions import same_expression
from bandolo.language.types import Language
from bandolo.testing.mutation.mistakes import GONE
from bandolo.testing.mutation.mutants import Mutant
from bandolo.testing.mutation.written import code

QUESTIONS: dict[str, tuple[str, str]] = {
    "limit": ("nessun caso in cui «{0}» è esattamente pari a «{1}»", 'no case has "{0}" exactly equal to "{1}"'),
    "direction": ("nessun caso distingue {old} da {new}", "no case tells {old} from {new}"),
    "equality": ("nessun caso distingue {old} da {new}", "no case tells {old} from {new}"),
    "condition": ("nessun caso in cui decide soltanto «{0}»", 'no case in which "{0}" alone decides'),
    "junction": ("nessun caso in cui vale una sola di queste condizioni: {old}", "no case in which only one of these holds: {old}"),
    "negation": ("nessun caso distingue {old} dal contrario", "no case tells {old} from its opposite"),
    "step": ("nessun caso sta fra {old} e {new}", "no case lies between {old} and {new}"),
    "date": ("nessun caso sta fra {old} e {new}", "no case lies between {old} and {new}"),
    "exception": ("nessun caso in cui conta che sia vero: «{0}»", 'no case in which it matters that this holds: "{0}"'),
    "always": ("nessun caso in cui conta che non sia vero: «{0}»", 'no case in which it matters that this does not hold: "{0}"'),
    "bonus": ("nessun caso mostra a chi spettano questi punti: «{0}»", 'no case shows who gets these points: "{0}"'),
    "filter": ("nessun caso con un record che non soddisfa «{0}»", 'no case with a record for which this does not hold: "{0}"'),
    "row": ("nessun caso distingue la riga {old} da {new}", "no case tells the row {old} from {new}"),
    "band": ("nessun caso cade nello scaglione {old}", "no case falls into the band {old}"),
    "item": ("nessun caso distingue l'elenco {old} da {new}", "no case tells the list {old} from {new}"),
    "rounding": (
        "nessun importo si arrotonda diversamente: {old}, {new}",
        "no amount of a case rounds differently: {old}, {new}",
    ),
    "moment": ("nessun caso distingue i due momenti: {old}, {new}", "no case tells the two moments apart: {old}, {new}"),
    "requirement": ("nessun caso mostra che il requisito serve: «{0}»", 'no case shows that the requirement is needed: "{0}"'),
    "applies": (
        "nessun caso in cui conta che il requisito non si applichi",
        "no case in which it matters that it does not apply",
    ),
    "effect": ("nessun caso mostra che cosa segue se manca: {old}, non {new}", "no case shows what a failure leads to: {old}, not {new}"),
    "cure": ("nessun caso guarda il termine per rimediare: {old}", "no case looks at the time to put it right: {old}"),
    "stage": ("nessun caso dice in quale fase decide: {old}, non {new}", "no case says in which stage it decides: {old}, not {new}"),
    "opening": (
        "nessun caso in cui conta che la fase non sia ancora aperta",
        "no case in which it matters that the stage is not open",
    ),
    "reading": ("nessun caso mostra quale opzione è scelta: {old}, non {new}", "no case shows which option is chosen: {old}, not {new}"),
    "order": ("nessun caso in cui questo cambia la graduatoria: {old}", "no case in which this changes the ranking: {old}"),
    "keep": ("nessun caso in cui questo decide chi tiene l'impresa: {old}", "no case in which this decides who keeps a firm: {old}"),
    "strike": ("nessun caso di espunzione distingue {old} da {new}", "no case of a strike tells {old} from {new}"),
    "money": ("nessun caso in cui le risorse mancano distingue {old} da {new}", "no case in which money is short tells {old} from {new}"),
    "among": ("nessun caso mostra chi entra in graduatoria: {old}, non {new}", "no case shows who enters the ranking: {old}, not {new}"),
}
OTHERS = ("nessun caso distingue {old} da {new}", "no case tells {old} from {new}")


def question(policy: core.Policy, mutant: Mutant, lang: Language) -> str:
    """What no case asks, in the call's own words."""
    index = 0 if lang == "it" else 1
    about = [said(policy, node, code(node, policy.conventions)).said(lang) for node in mutant.about]
    template = QUESTIONS.get(mutant.kind, OTHERS)[index]
    nothing = ("niente", "nothing")[index]
    old, new = (f"`{text}`" if text != GONE else nothing for text in (mutant.old, mutant.new))
    return template.format(*about, *("…" for _ in range(3)), old=old, new=new)


def changed_line(mutant: Mutant) -> tuple[str, str]:
    """The line of the policy as it stands and as the mutant has it; the bare expressions where it is no one line's."""
    at = mutant.at
    old, new = mutant.short or (mutant.old, mutant.new)
    first, last = at.source.position(at.start)[0], at.source.position(at.end)[0]
    line = at.source.line(first)
    column = at.column - 1
    if first == last and (at.text == old or same_expression(at.text, old)):
        return line.strip(), (line[:column] + new + line[column + len(at.text) :]).strip()
    if line.count(old) == 1 and new != GONE:
        return line.strip(), line.replace(old, new).strip()
    return old, new
