"""The report of `bandolo norms`: for each policy, where each norm of its sources is accounted for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from bandolo import limits
from bandolo.check.quotes import Accounted, Quoted, account
from bandolo.diagnostics import Diagnostic, in_order
from bandolo.diagnostics.render import render_all
from bandolo.language.types import Language
from bandolo.pipeline import load
from bandolo.source import read_bytes
from bandolo.surfaces.beside import read_beside
from bandolo.surfaces.checking import kind_of
from bandolo.surfaces.intake import not_readable

WORDS = {
    "account": {
        "it": "{path}: considerate {done} norme su {total}: {rules} citate da regole, {unencoded} dichiarate fuori dalle regole{reasons}",
        "en": "{path}: {done} of {total} norms accounted for: {rules} quoted by rules, {unencoded} declared as no rule{reasons}",
    },
    "total": {"it": "considerate {done} norme su {total}", "en": "{done} of {total} norms accounted for"},
    "none": {"it": "{path}: nessuna fonte ha un elenco di norme (`norms`)", "en": "{path}: no source has a list of norms (`norms`)"},
    "missing": {"it": "da nessuna parte", "en": "nowhere"},
    "judged": {"it": "giudicate da persone", "en": "judged by people"},
    "procedure": {"it": "procedura", "en": "procedure"},
    "information": {"it": "informazione", "en": "information"},
    "delegated": {"it": "rinviate ad altro atto", "en": "left to a later act"},
}

KINDS = {
    "fact": {"it": "dato", "en": "fact"},
    "parameter": {"it": "parametro", "en": "parameter"},
    "rate": {"it": "tabella", "en": "rate"},
    "bands": {"it": "scaglioni", "en": "bands"},
    "reading": {"it": "lettura", "en": "reading"},
    "formula": {"it": "formula", "en": "formula"},
    "definition": {"it": "definizione", "en": "definition"},
    "requirement": {"it": "requisito", "en": "requirement"},
    "bonus": {"it": "premialità", "en": "bonus"},
    "deadline": {"it": "scadenza", "en": "deadline"},
    "stage": {"it": "fase", "en": "stage"},
    "entity": {"it": "entità", "en": "entity"},
    "scoring": {"it": "punteggio", "en": "scoring"},
    "ranking": {"it": "graduatoria", "en": "ranking"},
    "unencoded": {"it": "fuori dalle regole", "en": "no rule"},
    "policy": {"it": "bando", "en": "policy"},
}
"""What a quote stands at, in the reader's words; the JSON keeps the words of the policy file."""


def report(paths: tuple[str, ...], listed: bool, as_json: bool, lang: Language) -> int:
    """Print the account; exit status 0 only if every norm of every policy is accounted for."""
    done = total = 0
    clean = True
    for path in _policies(paths):
        entries, diagnostics = _account(path)
        if diagnostics:
            clean = False
            click.echo(render_all(diagnostics, lang) + "\n", err=True)
        elif not entries and not as_json:
            click.echo(WORDS["none"][lang].format(path=path))
        for entry in entries:
            if as_json:
                click.echo(json.dumps({"policy": str(path), **_data(entry)}, ensure_ascii=False))
            elif listed or not entry.at:
                click.echo(f"  {entry.norm.id:<8} {_places(entry, lang)}\n           «{entry.norm.quote}»")
        done, total = done + sum(bool(e.at) for e in entries), total + len(entries)
        if entries and not as_json:
            click.echo(_line(path, entries, lang))
    if not as_json:
        click.echo(WORDS["total"][lang].format(done=done, total=total))
    return 0 if clean and done == total > 0 else 1


def _policies(paths: tuple[str, ...]) -> Iterator[Path]:
    for path in map(Path, paths):
        if path.is_dir():
            yield from (f for f in sorted(path.glob("*.yaml")) if kind_of(f) == "policy")
        else:
            yield path


def _account(path: Path) -> tuple[list[Accounted], list[Diagnostic]]:
    try:
        loaded = load(str(path), read_bytes(path, limits.POLICY_BYTES))
    except OSError as error:
        return [], [not_readable(str(path), error)]
    if loaded.document is None:
        return [], list(loaded.diagnostics)
    beside = read_beside(loaded.document.documents)
    return account(loaded.document, beside.norms), in_order([d for d in beside.diagnostics if d.severity == "error"])


def _line(path: Path, entries: list[Accounted], lang: Language) -> str:
    by_rule = sum(e.by_rule for e in entries)
    reasons = Counter(e.at[0].name for e in entries if e.at and not e.by_rule)
    shown = ", ".join(f"{WORDS[name][lang] if name in WORDS else name} {count}" for name, count in reasons.most_common())
    return WORDS["account"][lang].format(
        path=path, done=sum(bool(e.at) for e in entries), total=len(entries), rules=by_rule, unencoded=sum(reasons.values()),
        reasons=f" ({shown})" if shown else "",
    )  # fmt: skip


def _places(entry: Accounted, lang: Language) -> str:
    places = dict.fromkeys(f"{_place(p, lang)} ({p.quote.span.line})" for p in entry.at)
    return ", ".join(places) or WORDS["missing"][lang]


def _place(place: Quoted, lang: Language) -> str:
    """A rule by its kind and name; what is no rule by its reason, whose word is the policy's."""
    kind = KINDS[place.kind][lang]
    if place.kind == "unencoded":
        return f"{kind}: {WORDS[place.name][lang] if place.name in WORDS else place.name}"
    return f"{kind} {place.name}".strip()


def _data(entry: Accounted) -> dict[str, Any]:
    at = [{"kind": p.kind, "name": p.name, "line": p.quote.span.line} for p in entry.at]
    return {"id": entry.norm.id, "document": entry.norm.document, "quote": entry.norm.quote, "at": at}
