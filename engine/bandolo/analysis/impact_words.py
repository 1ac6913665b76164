"""An impact in sentences and small tables, in both languages: a page of blocks for the terminal and for the change sheet."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

from bandolo.analysis.comparing import VerdictChange
from bandolo.analysis.impact import KINDS, Compared, Impact
from bandolo.analysis.places import Move, RankingImpact
from bandolo.check import core
from bandolo.diagnostics.render import message
from bandolo.evaluate.wire import split_path
from bandolo.explain.blocks import Block, Heading, Line, Table
from bandolo.explain.speech import Naming
from bandolo.language.types import ChoiceType, Language, OptionalType
from bandolo.language.wording import money, number
from bandolo.ranking.words import STATUSES

SHOWN = 20
"""How many applications a page tells of, the largest movers first; a table has them all."""

WORDS: dict[str, tuple[str, str]] = {
    "title": ("Che cosa cambia per le domande", "What changes for applications"),
    "counted": ("Domande confrontate: {count}. Cambiano: {changed}. Restano come sono: {same}.",
                "Applications compared: {count}. Changed: {changed}. As they were: {same}."),
    "outcome": ("esito", "outcome"),
    "amount": ("importo", "amount"),
    "position": ("posto o stato in graduatoria", "place or status in the ranking"),
    "verdict": ("verdetto di un requisito", "verdict of a requirement"),
    "invalid": ("non più leggibili dal testo nuovo", "no longer readable by the new text"),
    "kinds": ("Che cosa cambia: {kinds}.", "What changes: {kinds}."),
    "unread": ("Non lette da nessuno dei due testi: {count} ({names})", "Readable by neither text: {count} ({names})"),
    "before": ("prima: {message}", "before: {message}"),
    "nothing": ("Nessuna domanda cambia.", "No application changes."),
    "outcomes": ("Esiti", "Outcomes"),
    "from": ("Con il testo vecchio", "By the old text"),
    "to": ("Con il testo nuovo", "By the new text"),
    "applications": ("Domande", "Applications"),
    "because": ("Requisito che cambia verdetto", "Requirement whose verdict changes"),
    "amounts": ("Importi", "Amounts"),
    "result": ("Risultato", "Result"),
    "old": ("Vecchio", "Old"),
    "new": ("Nuovo", "New"),
    "difference": ("Differenza", "Difference"),
    "gains": ("Salgono", "Gain"),
    "loses": ("Scendono", "Lose"),
    "open": ("Non noti", "Not known"),
    "amounts_note": ("Una domanda non ammessa conta zero. Quelle il cui importo non è noto con uno dei due testi non sono nelle somme.",
                     "A rejected application counts nothing. Those whose amount is not known by either text are not in the sums."),
    "by": ("Per «{fact}»", "By “{fact}”"),
    "group": ("Gruppo", "Group"),
    "records": ("Righe", "Records"),
    "of_records": ("Importo: {name}.", "Amount: {name}."),
    "no_group": ("non noto", "not known"),
    "ranking": ("Graduatoria", "Ranking"),
    "budget": ("Dotazione", "Budget"),
    "spent": ("Assegnati", "Awarded"),
    "left": ("Restano", "Left"),
    "pot": ("Restano in «{pot}»", "Left in “{pot}”"),
    "statuses": ("Stato", "Status"),
    "moved": ("Cambiano posto o stato {moves} domande; {paid} un altro contributo assegnato.",
              "{moves} applications change place or status; {paid} get another award."),
    "unfunded": ("Non sono più finanziate: {names}", "No longer financed: {names}"),
    "funded": ("Diventano finanziate: {names}", "Newly financed: {names}"),
    "new_ties": ("Nuove parità che nessun criterio scioglie: {names}", "New ties that no key breaks: {names}"),
    "gone_ties": ("Parità che non ci sono più: {names}", "Ties that are gone: {names}"),
    "new_strikes": ("Espunzioni nuove: {names}", "New strikes: {names}"),
    "gone_strikes": ("Espunzioni che non ci sono più: {names}", "Strikes that are gone: {names}"),
    "strike": ("{record} da {application} (resta in {kept_by})", "{record} from {application} (stays in {kept_by})"),
    "unranked": ("La graduatoria non si può fare: {why}", "The ranking cannot be made: {why}"),
    "one_ranks": ("Solo uno dei due testi ha una graduatoria: i posti non si confrontano.",
                  "Only one of the two texts ranks: places are not compared."),
    "rows": ("Le domande che cambiano", "The applications that change"),
    "first": ("Le prime {shown} di {count}, da quella che si sposta di più; tutte con --to FILE.xlsx o --json.",
              "The first {shown} of {count}, the largest movers first; all with --to FILE.xlsx or --json."),
    "place": ("{status}, {position}ª", "{status}, no. {position}"),
    "out": ("non in elenco", "not in the list"),
    "not_known": ("non noto", "not known"),
    "none": ("–", "–"),
    "absent": ("non richiesto", "not required"),
    "misses": ("con il testo nuovo mancano: {facts}", "by the new text these are missing: {facts}"),
    "refused_new": ("il testo nuovo non la può decidere", "the new text cannot decide it"),
    "refused_old": ("il testo vecchio non la poteva decidere", "the old text could not decide it"),
    "waiting": ("Non decidibili con il testo nuovo per dati che non hanno: {count}",
                "Not decidable by the new text for want of facts: {count}"),
    "left_out_new": ("Dati che il testo nuovo non chiede, lasciati fuori: {names}",
                "Facts that the new text does not ask for, left out: {names}"),
    "left_out_old": ("Dati che il testo vecchio non chiedeva, lasciati fuori: {names}",
                "Facts that the old text did not ask for, left out: {names}"),
}  # fmt: skip


class Teller:
    """The words for one impact in one language."""

    def __init__(self, impact: Impact, lang: Language) -> None:
        self.impact, self.lang = impact, lang
        self.old, self.new = Naming(impact.old.core, lang), Naming(impact.new.core, lang)
        self.currency = impact.new.core.conventions.currency

    def said(self, key: str, **args: object) -> str:
        return WORDS[key][0 if self.lang == "it" else 1].format(**args)

    def euros(self, amount: Fraction | None) -> str:
        return self.said("not_known") if amount is None else money(amount, self.lang, self.currency)

    def gap(self, amount: Fraction | None) -> str:
        """A difference with its sign."""
        if amount is None:
            return self.said("none")
        return ("+" if amount > 0 else "−" if amount < 0 else "") + money(abs(amount), self.lang, self.currency)

    def count(self, value: int) -> str:
        return number(Fraction(value), self.lang)

    def outcome(self, word: str) -> str:
        return self.new.said(word).lower()

    def result(self, name: str) -> str:
        """A result by its label: `grant`, `partners[IT1].grant`."""
        last = name.rpartition("].")[2]
        for naming in (self.new, self.old):
            for result in naming.policy.results:
                if result.name == last and (result.entity == naming.policy.root) == (last == name):
                    return naming.result(result.entity, last)
        return last

    def requirement(self, name: str) -> str:
        for naming in (self.new, self.old):
            if name in naming.policy.requirements:
                return naming.requirement(naming.policy.requirements[name])
        return name

    def group(self, value: str) -> str:
        by = self.impact.by
        if by is None or not value:
            return self.said("no_group")
        type_ = self._fact(by.entity, by.fact).type
        type_ = type_.of if isinstance(type_, OptionalType) else type_
        if isinstance(type_, ChoiceType):
            return type_.said(value, self.lang)
        return self.new.said("yes" if value == "true" else "no")

    def fact(self) -> str:
        """The fact by which groups are told apart, by its label."""
        by = self.impact.by
        return "" if by is None else self.new.label(self._fact(by.entity, by.fact).words, by.fact)

    def _fact(self, entity: str, name: str) -> core.FactDeclaration:
        return self.impact.new.core.entities[entity].facts[name]

    def verdict(self, change: VerdictChange, side: str) -> str:
        word = getattr(change, side)
        return self.said("absent") if word is None else self.new.said("not_met" if word == "failed" else word)

    def place(self, status: str | None, position: int | None) -> str:
        if status is None:
            return self.said("out")
        word = STATUSES[status][0 if self.lang == "it" else 1]
        return word if position is None else self.said("place", status=word, position=position)

    def listed(self, names: list[str]) -> str:
        return self.new.listed(names)

    def left_out(self, names: list[str]) -> str:
        return self.listed(sorted({*names}))


def impact_blocks(impact: Impact, lang: Language, shown: int = SHOWN) -> list[Block]:
    """The page of an impact: counts, outcomes, amounts, groups, the ranking, and the applications that move most."""
    tell = Teller(impact, lang)
    changed = impact.changed()
    out: list[Block] = [Heading(tell.said("title"), 1)]
    unread = impact.not_compared()
    counts = {"count": len(impact.rows) - len(unread), "changed": len(changed), "same": len(impact.rows) - len(changed) - len(unread)}
    out.append(Line(tell.said("counted", **{k: tell.count(v) for k, v in counts.items()}), strong=True))
    kinds = [f"{tell.said(kind)} {tell.count(n)}" for kind in KINDS if (n := len(impact.of_kind(kind)))]
    out.append(Line(tell.said("kinds", kinds=", ".join(kinds)) if kinds else tell.said("nothing")))
    if unread:
        first = tell.listed([r.application for r in unread])
        out.append(Line(tell.said("unread", count=tell.count(len(unread)), names=first), "unknown"))
    for side in ("new", "old"):
        names = [name for row in impact.rows for name in getattr(row, f"left_out_{side}")]
        out += [Line(tell.said(f"left_out_{side}", names=tell.left_out(names)), "unknown")] if names else []
    out += _outcomes(tell)
    out += _amounts(tell)
    out += _groups(tell)
    out += _ranking(tell)
    out += _rows(tell, changed, shown)
    return out


def _outcomes(tell: Teller) -> list[Block]:
    impact = tell.impact
    if not impact.outcomes():
        return []
    rows = sorted(impact.outcomes().items(), key=lambda pair: (-pair[1], pair[0]))
    heads = (tell.said("from"), tell.said("to"), tell.said("applications"))
    out: list[Block] = [Heading(tell.said("outcomes"), 2)]
    out.append(Table(heads, tuple((tell.outcome(a), tell.outcome(b), tell.count(n)) for (a, b), n in rows)))
    reasons = sorted(impact.reasons().items(), key=lambda pair: (-pair[1], pair[0]))
    if reasons:
        out.append(Line(""))
        listed = tuple((tell.requirement(name), tell.count(n)) for name, n in reasons[:SHOWN])
        out.append(Table((tell.said("because"), tell.said("applications")), listed))
    waiting = sum(bool(r.difference and r.difference.missing and r.new and r.new.outcome == "undetermined") for r in impact.rows)
    return out + ([Line(tell.said("waiting", count=tell.count(waiting)), "unknown")] if waiting else [])


def _amounts(tell: Teller) -> list[Block]:
    totals = [t for t in tell.impact.totals if t.name == tell.impact.amount or t.old != t.new or t.gains or t.loses]
    if not totals:
        return []
    totals.sort(key=lambda t: t.name != tell.impact.amount)
    heads = tuple(tell.said(key) for key in ("result", "old", "new", "difference", "gains", "loses", "open"))
    rows = tuple(
        (
            tell.result(t.name),
            tell.euros(t.old),
            tell.euros(t.new),
            tell.gap(t.new - t.old),
            *(tell.count(n) for n in (t.gains, t.loses, t.open)),
        )
        for t in totals
    )
    return [Heading(tell.said("amounts"), 2), Table(heads, rows), Line(tell.said("amounts_note"))]


def _groups(tell: Teller) -> list[Block]:
    impact = tell.impact
    if impact.by is None or not impact.groups:
        return []
    keys = ("old", "new", "difference", "open") if impact.by.amount is not None else ()
    heads = tuple(tell.said(key) for key in ("group", "applications", "records", *keys))
    rows = []
    for group in impact.groups:
        amounts: tuple[str, ...] = ()
        if group.old is not None and group.new is not None:
            amounts = (tell.euros(group.old), tell.euros(group.new), tell.gap(group.new - group.old), tell.count(group.open))
        rows.append((tell.group(group.group), tell.count(group.applications), tell.count(group.records), *amounts))
    out: list[Block] = [Heading(tell.said("by", fact=tell.fact()), 2), Table(heads, tuple(rows))]
    if impact.by.amount is not None:
        out.append(Line(tell.said("of_records", name=tell.new.result(impact.by.entity, impact.by.amount))))
    return out


def _ranking(tell: Teller) -> list[Block]:
    impact = tell.impact
    place = impact.ranking
    if place is None:
        if impact.unranked:
            why = "; ".join(message(d, tell.lang) for d in impact.unranked[:3])
            return [Heading(tell.said("ranking"), 2), Line(tell.said("unranked", why=why), "unknown")]
        only_one = (impact.old.core.ranking is None) != (impact.new.core.ranking is None)
        return [Heading(tell.said("ranking"), 2), Line(tell.said("one_ranks"), "unknown")] if only_one else []
    out: list[Block] = [Heading(tell.said("ranking"), 2), *_budget(tell, place)]
    statuses = Counter((m.old_status, m.new_status) for m in place.moves if m.old_status != m.new_status)
    if statuses:
        heads = (tell.said("from"), tell.said("to"), tell.said("applications"))
        rows = sorted(statuses.items(), key=lambda pair: (-pair[1], str(pair[0])))
        out += [Line(""), Table(heads, tuple((tell.place(a, None), tell.place(b, None), tell.count(n)) for (a, b), n in rows))]
    paid = sum(m.old_amount != m.new_amount for m in place.moves)
    out.append(Line(tell.said("moved", moves=tell.count(sum(m.moves for m in place.moves)), paid=tell.count(paid))))
    for key, names in (("unfunded", place.unfunded), ("funded", place.funded)):
        out += [Line(tell.said(key, names=tell.listed(names)), "failed" if key == "unfunded" else "met")] if names else []
    for key, ties in (("new_ties", place.new_ties), ("gone_ties", place.gone_ties)):
        out += (
            [Line(tell.said(key, names=tell.listed([" = ".join(tie[:4]) + (" = …" if len(tie) > 4 else "") for tie in ties])), "unknown")]
            if ties
            else []
        )
    for key, strikes in (("new_strikes", place.new_strikes), ("gone_strikes", place.gone_strikes)):
        names = [tell.said("strike", record=s.name, application=s.application, kept_by=s.kept_by) for s in strikes]
        out += [Line(tell.said(key, names=tell.listed(names)), "unknown")] if names else []
    return out


def _budget(tell: Teller, place: RankingImpact) -> list[Block]:
    """The money of the call by both rankings: what there is, what is awarded, what is left, and each pot."""
    both = (place.old, place.new)
    rows: list[tuple[str, Fraction | None, Fraction | None]] = []
    if any(r.budget is not None for r in both):
        spent = [None if r.budget is None or r.left is None else r.budget - r.left for r in both]
        rows = [
            (tell.said("budget"), both[0].budget, both[1].budget), (tell.said("spent"), spent[0], spent[1]),
            (tell.said("left"), both[0].left, both[1].left),
        ]  # fmt: skip
    pots = [{name: left for name, amount, left in r.pots if amount} for r in both]
    if max(len(p) for p in pots) > 1:
        names = dict.fromkeys([*pots[0], *pots[1]])
        rows += [(tell.said("pot", pot=name), pots[0].get(name), pots[1].get(name)) for name in names]
    told = tuple(
        (name, *("–" if a is None else tell.euros(a) for a in (old, new)), tell.gap(None if old is None or new is None else new - old))
        for name, old, new in rows
    )
    return [Table(("", tell.said("old"), tell.said("new"), tell.said("difference")), told)] if rows else []


def _rows(tell: Teller, changed: list[Compared], shown: int) -> list[Block]:
    if not changed or not shown:
        return []
    out: list[Block] = [Heading(tell.said("rows"), 2)]
    if len(changed) > shown:
        out.append(Line(tell.said("first", shown=shown, count=tell.count(len(changed)))))
    moves = {m.application: m for m in tell.impact.ranking.moves} if tell.impact.ranking is not None else {}
    for row in changed[:shown]:
        out += row_lines(tell, row, moves.get(row.application))
    return out


def row_lines(tell: Teller, row: Compared, move: Move | None) -> list[Block]:
    """One application: what changes, and with which requirements."""
    told = row.difference
    if told is None:
        side = "new" if row.new is None else "old"
        out: list[Block] = [
            Line(f"{row.application}: {tell.said(f'refused_{side}')}", "failed" if side == "new" else "unknown", strong=True)
        ]
        return out + [Line(f"{d.path or ''} {message(d, tell.lang)}".strip(), indent=1) for d in (*row.refused_new, *row.refused_old)[:3]]
    parts = []
    if told.outcome is not None:
        parts.append(f"{tell.outcome(told.outcome[0])} → {tell.outcome(told.outcome[1])}")
    name = tell.impact.amount
    if name is not None and row.old is not None and row.new is not None:
        old, new = row.old.amounts.get(name), row.new.amounts.get(name)
        if old != new:
            gap = "" if old is None or new is None else f" ({tell.gap(new - old)})"
            parts.append(f"{tell.result(name)} {tell.euros(old)} → {tell.euros(new)}{gap}")
    if move is not None:
        if move.moves:
            parts.append(f"{tell.place(move.old_status, move.old_position)} → {tell.place(move.new_status, move.new_position)}")
        elif move.old_amount != move.new_amount:
            parts.append(f"{tell.said('spent').lower()} {tell.euros(move.old_amount)} → {tell.euros(move.new_amount)}")
    worse = (told.outcome is not None and told.outcome[1] in ("rejected", "undetermined")) or (row.moved(name) or 0) < 0
    out = [Line(f"{row.application}: {'; '.join(parts) or tell.said('verdict')}", "failed" if worse else "none", strong=True)]
    out += [Line(text, indent=1) for text in because_lines(tell, told.because() or told.verdicts)]
    if told.missing and row.new is not None and row.new.outcome not in ("admitted", "rejected"):
        out.append(Line(tell.said("misses", facts=tell.listed([tell.new.fact(m) for m in told.missing])), "unknown", indent=1))
    return out


def because_lines(tell: Teller, verdicts: tuple[VerdictChange, ...]) -> list[str]:
    """The verdicts that changed, one line a requirement and change, with the records that it happened to."""
    grouped: dict[tuple[str, str, str], list[VerdictChange]] = {}
    for change in verdicts:
        grouped.setdefault((change.requirement, tell.verdict(change, "old"), tell.verdict(change, "new")), []).append(change)
    lines = []
    for (name, old, new), changes in list(grouped.items())[:6]:
        roots = (tell.impact.new.core.root, tell.impact.old.core.root)
        records = [split_path(c.subject)[-1] for c in changes if c.subject not in roots]
        of = f" ({tell.listed(records)})" if records else ""
        said = next((c.message.get(tell.lang, "") for c in changes if c.message), "") if len(changes) == 1 else ""
        if said and changes[0].new != "failed":
            said = tell.said("before", message=said)
        arrow = f"{old} → {new}" if old != new else new
        lines.append(f"{tell.requirement(name)}{of}: {arrow}" + (f" — {said}" if said else ""))
    more = len(grouped) - len(lines)
    return [*lines, *([tell.new.said("and_more", count=more)] if more > 0 else [])]
