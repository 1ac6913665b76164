"""A ranking as tables, for a workbook or CSV: what it is, the list with every reason, and the strikes in their order."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from bandolo.check import core
from bandolo.evaluate.wire import plain
from bandolo.explain.phrases import phrase
from bandolo.export.results_tables import TABLE_TYPES, Head, Table
from bandolo.export.workbook_styles import CellValue
from bandolo.language.types import INTEGER, MONEY, TEXT, Language, OptionalType, Type
from bandolo.ranking.entrant import KeyValue, Ranking, Row
from bandolo.ranking.words import STATUSES, Speaker

WORDS: dict[str, tuple[str, str]] = {
    "about": ("La graduatoria", "The ranking"),
    "ranking": ("Graduatoria", "Ranking"),
    "steps": ("Espunzioni", "Strikes"),
    "position": ("Posizione", "Position"),
    "requested": ("Contributo richiesto", "Award asked"),
    "amount": ("Contributo assegnato", "Award"),
    "cumulative": ("Cumulato", "Cumulative"),
    "left": ("Restano", "Left"),
    "struck": ("Espunti", "Struck"),
    "reasons": ("Perché qui e non più in alto", "Why here and not higher"),
    "missing": ("Mancano", "Missing"),
    "step": ("Passo", "Step"),
    "what": ("Che cosa", "What"),
    "entry": ("Voce", "Entry"),
    "budget": ("Dotazione", "Budget"),
    "state": ("Stato", "State"),
    "provisional": ("PROVVISORIA: ci sono domande ancora aperte", "PROVISIONAL: some applications are still open"),
    "closed": ("nessuna domanda è aperta", "no application is open"),
    "unread": ("Non lette", "Not read"),
}


def ranking_tables(ranking: Ranking, policy: core.Policy, lang: Language) -> tuple[Table, ...]:
    """`about`, `ranking` and, where there were any, `steps`."""
    return _Maker(ranking, policy, lang).tables()


class _Maker:
    def __init__(self, ranking: Ranking, policy: core.Policy, lang: Language) -> None:
        self.ranking, self.policy, self.lang = ranking, policy, lang
        self.index = 0 if lang == "it" else 1
        self.speaker = Speaker(policy)

    def said(self, key: str) -> str:
        return WORDS[key][self.index]

    def tables(self) -> tuple[Table, ...]:
        steps = (self.steps(),) if self.ranking.steps else ()
        return (self.about(), self.list(), *steps)

    def about(self) -> Table:
        ranking = self.ranking
        rows: list[tuple[CellValue, ...]] = [
            (self.said("ranking"), self.policy.title.said(self.lang)),
            (self.said("state"), self.said("provisional" if ranking.provisional else "closed")),
        ]
        for name, amount in ((self.said("budget"), ranking.budget), (self.said("left"), ranking.left)):
            rows += [(name, self.speaker.money([amount])[self.index])] if amount is not None else []
        rows += [
            (name, " / ".join(self.speaker.money([a])[self.index] for a in (amount, left))) for name, amount, left in ranking.pots if amount
        ]
        count: Counter[str] = Counter(row.status for row in ranking.rows)
        rows += [(STATUSES[status][self.index].capitalize(), str(count[status])) for status in STATUSES if count[status]]
        rows += [(self.said("unread"), ", ".join(ranking.unread))] if ranking.unread else []
        rows.append((phrase("as_of", self.lang), ranking.as_of or "–"))
        for key, names in (("amendments", ranking.amendments), ("assumed", ranking.assumed), ("changed", ranking.changed)):
            rows += [(phrase(key, self.lang), self.speaker.named(names, self.lang))] if names else []
        rows += [(phrase("readings", self.lang), f"{k}: {v}") for k, v in sorted(ranking.readings.items())]
        rows += [("SHA-256", ranking.policy_digest.removeprefix("sha256:")), ("", phrase("footer", self.lang))]
        heads = (Head(self.said("entry"), wide=34), Head(phrase("value", self.lang), wide=90))
        return Table("about", self.said("about"), heads, tuple(rows), about=True)

    def list(self) -> Table:
        keys = [Head((label.it, label.en)[self.index], self._type(i)) for i, label in enumerate(self.speaker.labels)]
        heads = [
            Head(self.said("position"), INTEGER), Head(phrase("application", self.lang)), Head(phrase("outcome", self.lang), wide=22),
            *keys, *(Head(self.said(k), MONEY) for k in ("requested", "amount", "cumulative", "left")),
            Head(self.said("struck"), wide=20), Head(self.said("reasons"), wide=70), Head(self.said("missing"), wide=30),
        ]  # fmt: skip
        rows = tuple(self._row(row, len(keys)) for row in self.ranking.rows)
        return Table("ranking", self.said("ranking"), tuple(heads), rows, tuple(row.status for row in self.ranking.rows))

    def _row(self, row: Row, keys: int) -> tuple[CellValue, ...]:
        position: CellValue = None if row.position is None else f"{row.position}=" if row.tied else Decimal(row.position)
        told = [self._key(value, i) for i, value in enumerate(row.order)] or [None] * keys
        amounts = [None if a is None else _exact(Fraction(a)) for a in (row.requested, row.amount, row.cumulative, row.left)]
        reasons = "\n".join((r.it, r.en)[self.index] for r in row.reasons)
        missing = self.speaker.facts(row.missing)[self.index] or None
        status = STATUSES[row.status][self.index].capitalize()
        return (position, row.application, status, *told, *amounts, ", ".join(s.key for s in row.strikes) or None, reasons, missing)

    def _type(self, i: int) -> Type:
        type_ = self.speaker.order[i][0].type
        type_ = type_.of if isinstance(type_, OptionalType) else type_
        return type_ if type_ in TABLE_TYPES else TEXT

    def _key(self, value: KeyValue, i: int) -> CellValue:
        if value is None or isinstance(value, bool | tuple | str) or self._type(i) == TEXT:
            return None if value is None else self.speaker.key(value, i, self.lang)
        if isinstance(value, Fraction):
            return _exact(value)
        if isinstance(value, datetime):
            return plain_local(value, self.policy)
        return value if isinstance(value, date) else None

    def steps(self) -> Table:
        heads = (Head(self.said("step"), INTEGER), Head(self.said("what"), wide=90))
        rows = tuple((Decimal(n), s.it if self.lang == "it" else s.en) for n, s in enumerate(self.ranking.steps, 1))
        return Table("steps", self.said("steps"), heads, rows)


def plain_local(moment: datetime, policy: core.Policy) -> datetime:
    """The wall time of an instant in the policy's zone, as a cell holds it."""
    from bandolo.language.calendar import wall_time

    return wall_time(moment, policy.conventions.time_zone).replace(tzinfo=None)


def _exact(value: Fraction) -> Decimal:
    return Decimal(str(plain(value, MONEY)))
