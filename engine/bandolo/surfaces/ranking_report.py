"""A ranking on a terminal, and who moved between two rankings."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bandolo.check import core
from bandolo.language.types import Language
from bandolo.language.wording import money
from bandolo.ranking.entrant import Ranking, Row
from bandolo.ranking.words import STATUSES, Speaker

HEADS = {
    "it": ("Pos.", "Domanda", "Esito", "Contributo", "Cumulato", "Restano"),
    "en": ("Pos.", "Application", "Status", "Award", "Cumulative", "Left"),
}
WORDS: dict[str, tuple[str, str]] = {
    "others": ("Non in graduatoria", "Not ranked"),
    "steps": ("Espunzioni, nell'ordine", "Strikes, in order"),
    "budget": ("Dotazione {budget}, assegnati {spent}, restano {left}", "Budget {budget}, awarded {spent}, left {left}"),
    "pot": ("{pot}: {amount}, restano {left}", "{pot}: {amount}, left {left}"),
    "provisional": ("Graduatoria PROVVISORIA: ci sono domande ancora aperte", "PROVISIONAL ranking: some applications are still open"),
    "final": ("Nessuna domanda è aperta: la graduatoria si può chiudere", "No application is open: the ranking can be closed"),
    "assumed": ("Valori supposti per prova", "Values assumed for trial"),
    "changed": ("Modificato per prova", "Changed for trial"),
    "unread": ("Non lette, quindi fuori da questo elenco: {names}", "Not read, and so not in this list: {names}"),
    "moved": ("Rispetto alla graduatoria precedente", "Against the earlier ranking"),
    "same": ("Nessuna domanda cambia posto, esito o importo", "No application changes its place, status or amount"),
    "gone": ("non c'è più", "no longer there"),
    "came": ("nuova", "new"),
}
MARKS = {
    "financed": ("✔", "green"), "partly_financed": ("◐", "yellow"), "admitted_not_financed": ("–", ""), "not_admitted": ("✘", "red"),
    "suspended": ("?", "yellow"), "undetermined": ("?", "yellow"),
}  # fmt: skip


def report(ranking: Ranking, policy: core.Policy, lang: Language, console: Console) -> None:
    """The list with the reason of every place, the others with theirs, and how the strikes came about."""
    index = 0 if lang == "it" else 1
    console.print(Text(policy.title.said(lang), style="bold"))
    speaker = Speaker(policy)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for i, head in enumerate(HEADS[lang]):
        table.add_column(head, justify="left" if i in (1, 2) else "right")
    for row in ranking.rows:
        if row.position is not None:
            table.add_row(*_cells(row, policy, lang))
    console.print(table)
    console.print()
    for row in (r for r in ranking.rows if r.position is not None):
        console.print(Text(f"{row.position:>4}  {row.application}  {_keys(row, speaker, lang)}", style="bold"))
        _reasons(console, row, index)
    others = [r for r in ranking.rows if r.position is None]
    if others:
        console.print(Text(f"\n{WORDS['others'][index]}", style="bold cyan"))
    for row in others:
        mark, style = MARKS[row.status]
        console.print(Text(f"{mark} {row.application}: {STATUSES[row.status][index]}", style=style))
        _reasons(console, row, index)
    if ranking.steps:
        console.print(Text(f"\n{WORDS['steps'][index]}", style="bold cyan"))
        for number, step in enumerate(ranking.steps, 1):
            console.print(Text(f"{number:>3}. {step.it if lang == 'it' else step.en}"))
    console.print()
    for line in _closing(ranking, policy, index, lang):
        console.print(Text(line))


def _cells(row: Row, policy: core.Policy, lang: Language) -> list[Text]:
    mark, style = MARKS[row.status]
    index = 0 if lang == "it" else 1
    position = f"{row.position}" + ("=" if row.tied else "")
    amounts = [_amount(a, policy, lang) for a in (row.amount, row.cumulative, row.left)]
    return [Text(position), Text(row.application), Text(f"{mark} {STATUSES[row.status][index]}", style=style), *map(Text, amounts)]


def _keys(row: Row, speaker: Speaker, lang: Language) -> str:
    index = 0 if lang == "it" else 1
    return ", ".join(
        f"{(label.it, label.en)[index]}: {speaker.key(value, i, lang)}"
        for i, (label, value) in enumerate(zip(speaker.labels, row.order, strict=False))
    )


def _reasons(console: Console, row: Row, index: int) -> None:
    for reason in row.reasons:
        console.print(Padding(Text((reason.it, reason.en)[index]), (0, 0, 0, 6), expand=False))


def _closing(ranking: Ranking, policy: core.Policy, index: int, lang: Language) -> list[str]:
    lines = []
    if ranking.budget is not None and ranking.left is not None:
        spent = ranking.budget - ranking.left
        amounts = {"budget": ranking.budget, "spent": spent, "left": ranking.left}
        lines.append(WORDS["budget"][index].format(**{k: _amount(v, policy, lang) for k, v in amounts.items()}))
    for name, amount, left in (p for p in ranking.pots if p[1]):
        lines.append("  " + WORDS["pot"][index].format(pot=name, amount=_amount(amount, policy, lang), left=_amount(left, policy, lang)))
    for key, names in (("assumed", ranking.assumed), ("changed", ranking.changed)):
        if names:
            lines.append(f"{WORDS[key][index]}: {Speaker(policy).named(names, lang)}")
    if ranking.unread:
        lines.append(WORDS["unread"][index].format(names=", ".join(ranking.unread)))
    lines.append(WORDS["provisional" if ranking.provisional else "final"][index])
    return lines


def _amount(amount: Fraction | None, policy: core.Policy, lang: Language) -> str:
    return "" if amount is None else money(Fraction(amount), lang, policy.conventions.currency)


def moves(before: list[tuple[str, str, int | None, Any]], ranking: Ranking, policy: core.Policy, lang: Language, console: Console) -> None:
    """Who has another place, status or amount than before: the rows of an earlier ranking by id, status, position, amount."""
    index = 0 if lang == "it" else 1
    old = {id_: _told(status, position, amount, policy, lang) for id_, status, position, amount in before}
    new = {row.application: _told(row.status, row.position, row.amount, policy, lang) for row in ranking.rows}
    console.print(Text(WORDS["moved"][index], style="bold"))
    was, now = WORDS["came"][index], WORDS["gone"][index]
    lines = [f"{i}: {old.get(i, was)} → {new.get(i, now)}" for i in sorted({*old, *new}) if old.get(i) != new.get(i)]
    for line in lines or [WORDS["same"][index]]:
        console.print(Text(line))


def _told(status: str, position: int | None, amount: Any, policy: core.Policy, lang: Language) -> str:
    index = 0 if lang == "it" else 1
    place = f"{position}ª" if lang == "it" else f"no. {position}"
    money_ = "" if amount is None else ", " + _amount(Fraction(str(amount)), policy, lang)
    return (f"{place}, " if position is not None else "") + STATUSES.get(status, (status, status))[index] + money_
