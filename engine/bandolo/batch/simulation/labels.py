"""What people call a place of a policy that is varied: by the label of its table, bonus or deadline, else by its path."""

from __future__ import annotations

from bandolo.language.types import Language
from bandolo.policy import Policy
from bandolo.syntax import ast

WORDS: dict[str, tuple[str, str]] = {
    "cell": ("{name}: {cell}", "{name}: {cell}"),
    "otherwise": ("ogni altro caso", "anything else"),
    "step": ("{name}, scaglione {n}: {what}", "{name}, band {n}: {what}"),
    "to": ("fin dove arriva", "where it ends"),
    "rate": ("percentuale", "rate"),
    "value": ("valore", "value"),
    "above": ("{name}: oltre l'ultimo scaglione", "{name}: above the last band"),
    "minimum": ("Punteggio minimo", "Minimum score"),
    "points": ("{name}: punti", "{name}: points"),
    "budget": ("Dotazione", "Budget"),
    "pot": ("Dotazione «{name}»", "Budget “{name}”"),
}


def label_of(policy: Policy, path: tuple[str, ...], lang: Language) -> str:
    """The words for a place."""
    document = policy.loaded.document
    assert document is not None

    def said(key: str, **args: object) -> str:
        return WORDS[key][0 if lang == "it" else 1].format(**args)

    match path:
        case ("rates", name, "values", *keys):
            rate = next(r for r in document.rates if r.name.name == name)
            words = (_option(document, by.name, key, lang) for by, key in zip(rate.by, keys, strict=False))
            return said("cell", name=_named(rate.common, name, lang), cell=", ".join(words))
        case ("rates", name, "otherwise"):
            rate = next(r for r in document.rates if r.name.name == name)
            return said("cell", name=_named(rate.common, name, lang), cell=said("otherwise"))
        case ("bands", name, "steps", number, what):
            return said("step", name=_named(_bands(document, name), name, lang), n=int(number) + 1, what=said(what))
        case ("bands", name, "above", *_):
            return said("above", name=_named(_bands(document, name), name, lang))
        case ("scoring", "minimum"):
            return said("minimum")
        case ("scoring", "bonuses", name, "points") if document.scoring is not None:
            bonus = next(b for b in document.scoring.bonuses if b.name.name == name)
            return said("points", name=_named(bonus.common, name, lang))
        case ("ranking", "budget") | ("ranking", "budget", "amount"):
            return said("budget")
        case ("ranking", "budget", "pots", name, "amount"):
            return said("pot", name=name.replace("_", " "))
        case ("deadlines", name, _):
            deadline = next(d for d in document.deadlines if d.name.name == name)
            return _named(deadline.common, name, lang)
    return ".".join(path)


def _bands(document: ast.PolicyDoc, name: str) -> ast.Common:
    return next(b.common for b in document.bands if b.name.name == name)


def _named(common: ast.Common, name: str, lang: Language) -> str:
    return common.label.said(lang) if common.label is not None else name.replace("_", " ")


def _option(document: ast.PolicyDoc, choice: str, word: str, lang: Language) -> str:
    options = next((c.options for c in document.choices if c.name.name == choice), ())
    label = next((text for option, text in options if option.name == word), None)
    return label.said(lang) if label is not None else word.replace("_", " ")
