"""A difference as a page of blocks: what changes by group, each change with both sides, its place and what depends on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bandolo.analysis.difference.change import GROUPS, Change, Difference, Version
from bandolo.explain.blocks import Block, Heading, Line
from bandolo.language.types import Language

SHOWN = 8
"""How many of what depends on a change are named."""

TITLES: dict[str, tuple[str, str]] = {
    "requirements": ("Requisiti", "Requirements"),
    "scoring": ("Punteggio", "Scoring"),
    "amounts": ("Importi, percentuali e valori calcolati", "Amounts, rates and computed values"),
    "deadlines": ("Date, scadenze e termini", "Dates, deadlines and terms"),
    "facts": ("Dati della domanda", "Facts of an application"),
    "readings": ("Letture del testo", "Readings of the text"),
    "ranking": ("Graduatoria", "Ranking"),
    "stages": ("Fasi", "Stages"),
    "call": ("Bando e risultati", "Call and results"),
    "words": ("Nomi, messaggi e note (il significato resta)", "Names, messages and notes (the meaning stays)"),
    "sources": ("Fonti (il significato resta)", "Sources (the meaning stays)"),
}

SAID: dict[str, tuple[str, str]] = {
    "title": ("Che cosa cambia", "What changes"),
    "old": ("Prima: {0}", "Before: {0}"),
    "new": ("Ora: {0}", "Now: {0}"),
    "with_acts": ("{0}, con {1}", "{0}, with {1}"),
    "act": ("{0} ({1})", "{0} ({1})"),
    "reaches": ("{0} ({1}; vale solo se {2})", "{0} ({1}; holds only if {2})"),
    "same": ("Il significato è lo stesso", "The meaning is the same"),
    "one": ("1 cambiamento di significato", "1 change of meaning"),
    "many": ("{0} cambiamenti di significato", "{0} changes of meaning"),
    "wording": ("Solo nei testi e nelle fonti: {0} (con --words si vedono)", "In wording and sources only: {0} (--words shows them)"),
    "wording_shown": ("Solo nei testi e nelle fonti: {0}", "In wording and sources only: {0}"),
    "before": ("prima: {0}", "before: {0}"),
    "now": ("ora: {0}", "now: {0}"),
    "weighs": ("pesa su: {0}", "bears on: {0}"),
    "and_more": ("e altri {0}", "and {0} more"),
    "requirement": ("requisito {0}", "requirement {0}"),
    "requirements": ("requisiti {0}", "requirements {0}"),
    "result": ("risultato {0}", "result {0}"),
    "results": ("risultati {0}", "results {0}"),
    "deadline": ("scadenza {0}", "deadline {0}"),
    "deadlines": ("scadenze {0}", "deadlines {0}"),
    "stage": ("fase {0}", "stage {0}"),
    "stages": ("fasi {0}", "stages {0}"),
    "ranking": ("graduatoria", "ranking"),
}
SIGNS = {"added": "+", "removed": "−", "renamed": "=", "changed": "≠", "filled": "≠"}


def say(key: str, lang: Language, *args: object) -> str:
    return SAID[key][lang == "en"].format(*args)


def title(group: str, lang: Language) -> str:
    return TITLES[group][lang == "en"]


def page(difference: Difference, lang: Language, words: bool = False) -> list[Block]:
    """The page for a terminal; `words` shows the changes of wording and sources too."""
    out: list[Block] = [Heading(say("title", lang), 1), *_versions(difference, lang), Line(total(difference, lang), strong=True)]
    shown = difference.changes if words else difference.meaning
    if difference.wording:
        out.append(Line(say("wording_shown" if words else "wording", lang, len(difference.wording))))
    for group in GROUPS:
        changes = [c for c in shown if c.group == group]
        if changes:
            out.append(Heading(title(group, lang), 2))
            out += [b for c in changes for b in _change(c, lang)]
    return out


def total(difference: Difference, lang: Language) -> str:
    """How many changes of meaning there are, and where: `3 changes of meaning: Requirements 2, Scoring 1`."""
    count = len(difference.meaning)
    if not count:
        return say("same", lang)
    by_group = Counter(c.group for c in difference.meaning)
    where = ", ".join(f"{title(g, lang)} {by_group[g]}" for g in GROUPS if by_group[g])
    return f"{say('one', lang) if count == 1 else say('many', lang, count)}: {where}"


def _versions(difference: Difference, lang: Language) -> Iterator[Block]:
    for key, version in (("old", difference.old), ("new", difference.new)):
        yield Line(say(key, lang, version_line(version, lang)))


def version_line(version: Version, lang: Language) -> str:
    """A version by its file and the acts applied to it."""
    acts = [
        say("act" if reach is None else "reaches", lang, name.said(lang), date, *([reach] if reach is not None else []))
        for _, name, date, reach in version.acts
    ]
    return say("with_acts", lang, version.file, "; ".join(acts)) if acts else version.file


def _change(change: Change, lang: Language) -> Iterator[Block]:
    yield Line(f"{SIGNS[change.kind]} {change.label.said(lang)}: {change.said.said(lang)}", strong=True)
    for key, text in sides(change, lang):
        yield Line(say(key, lang, text), indent=2)
    yield Line(f"{change.path}{'.' + change.part if change.part else ''}  {_place(change)}".rstrip(), indent=2)
    if change.affects:
        yield Line(say("weighs", lang, affected(change, lang)), indent=2)


def sides(change: Change, lang: Language) -> list[tuple[str, str]]:
    """Both sides in words, where what is said does not already hold them."""
    said = change.said.said(lang)
    texts = [(key, side.said.said(lang)) for key, side in (("before", change.before), ("now", change.after)) if side is not None]
    return texts if any(text not in said for _, text in texts) and change.kind not in ("added", "removed", "renamed") else []


def _place(change: Change) -> str:
    """`a.yaml:12 → b.yaml:14`."""
    places = [f"{s.written.file}:{s.written.line}" for s in (change.before, change.after) if s is not None and s.written is not None]
    return " → ".join(dict.fromkeys(places))


def affected(change: Change, lang: Language) -> str:
    """`requirements A, B; result C; ranking`, at most eight of a kind."""
    by_kind: dict[str, list[str]] = {}
    for thing in change.affects:
        section = thing.path.partition(".")[0]
        kind = "requirement" if section == "scoring" else section.removesuffix("s")
        by_kind.setdefault(kind, []).append(f"«{thing.label.said(lang)}»")
    found = []
    for kind, names in by_kind.items():
        each = list(dict.fromkeys(names))
        more = [say("and_more", lang, len(each) - SHOWN)] if len(each) > SHOWN else []
        found.append(say(kind if len(each) == 1 or kind == "ranking" else f"{kind}s", lang, ", ".join([*each[:SHOWN], *more])))
    return "; ".join(found)
