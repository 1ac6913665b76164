"""Diagnostics as text: `error[code]: message`, the place, the line with the matter underlined, labels, help; Italian or English."""

from __future__ import annotations

import tomllib
import unicodedata
from functools import cache
from importlib.resources import files
from typing import Any

from bandolo import limits
from bandolo.diagnostics import Diagnostic
from bandolo.language.types import Language, Type, said
from bandolo.language.wording import Shown
from bandolo.source import Span

SEVERITIES = {("error", "it"): "errore", ("error", "en"): "error", ("warning", "it"): "avviso", ("warning", "en"): "warning"}
WORDS = {
    "help": {"it": "aiuto", "en": "help"},
    "nearest": {"it": "forse si intende `{nearest}`?", "en": "did you mean `{nearest}`?"},
    "more": {"it": "… e altri {count}", "en": "… and {count} more"},
    "in": {"it": "in", "en": "at"},
}


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """The words of every code, and under `labels` those of the places that a diagnostic points to besides its own."""
    text = (files("bandolo.diagnostics") / "catalogue.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def message(diagnostic: Diagnostic, lang: Language) -> str:
    """The message of a diagnostic, one sentence that stands alone."""
    entry = catalogue().get(diagnostic.code)
    return diagnostic.code if entry is None else _filled(entry[lang], diagnostic.args, lang)


def help_text(diagnostic: Diagnostic, lang: Language) -> str | None:
    """What to do about it: the nearest right word if there is one, else the catalogue's advice."""
    if diagnostic.args.get("nearest"):
        return WORDS["nearest"][lang].format(nearest=diagnostic.args["nearest"])
    advice = catalogue().get(diagnostic.code, {}).get(f"help_{lang}")
    return None if advice is None else _filled(advice, diagnostic.args, lang)


def _filled(template: str, args: dict[str, Any], lang: Language) -> str:
    return template.format_map({k: _said(v, lang) for k, v in args.items()})


def _said(value: Any, lang: Language) -> str:
    """A value as a message speaks of it: types and amounts in the reader's words."""
    if isinstance(value, Shown):
        return value.said(lang)
    if isinstance(value, list | tuple):
        return ", ".join(_said(v, lang) for v in value)
    if isinstance(value, Type):
        return said(value, lang)
    if callable(own := getattr(value, "said", None)):
        return str(own(lang))
    return str(value)


def render(diagnostic: Diagnostic, lang: Language) -> str:
    """One diagnostic as a few lines of text."""
    head = f"{SEVERITIES[diagnostic.severity, lang]}[{diagnostic.code}]: {message(diagnostic, lang)}"
    lines = [head]
    if diagnostic.span is not None:
        lines += _place(diagnostic.span, None)
        for label in diagnostic.labels:
            lines += _place(label.span, _label(label.word, lang))
    else:
        place = " ".join(p for p in (diagnostic.file, diagnostic.path) if p)
        if place:
            lines.append(f"  --> {place}")
    advice = help_text(diagnostic, lang)
    if advice:
        lines.append(f"  = {WORDS['help'][lang]}: {advice}")
    return "\n".join(lines)


def _label(word: str, lang: Language) -> str:
    labels: dict[str, Any] = catalogue().get("labels", {})
    return str(labels[word][lang]) if word in labels else word


def _place(span: Span, label: str | None) -> list[str]:
    line_number, column = span.source.position(span.start)
    line = span.source.line(line_number)
    number = str(line_number)
    pad = " " * len(number)
    length = max(min(span.end - span.start, len(line) - column + 1), 1)
    shown, at = _window(line, column - 1)
    before, marked = shown[:at], shown[at : at + length] or " "
    underline = "".join("\t" if c == "\t" else " " * _width(c) for c in before) + "^" * max(sum(_width(c) for c in marked), 1)
    return [
        f"{pad}--> {span.source.path}:{line_number}:{column}",
        f"{pad} |",
        f"{number} | {shown}",
        f"{pad} | {underline}" + (f" {label}" if label else ""),
    ]


def _window(line: str, at: int) -> tuple[str, int]:
    """A long line cut to what surrounds the matter, so that it fits a terminal."""
    if len(line) <= 90:
        return line, at
    start = max(0, min(at - 20, len(line) - 88))
    cut = line[start : start + 88]
    prefix = "…" if start else ""
    suffix = "…" if start + 88 < len(line) else ""
    return prefix + cut + suffix, at - start + len(prefix)


def _width(character: str) -> int:
    """Columns that a character takes on a terminal."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def render_all(diagnostics: list[Diagnostic], lang: Language) -> str:
    """Several diagnostics, a blank line between them, so many and no more."""
    shown = diagnostics[: limits.DIAGNOSTICS]
    texts = [render(d, lang) for d in shown]
    if len(diagnostics) > len(shown):
        texts.append(WORDS["more"][lang].format(count=len(diagnostics) - len(shown)))
    return "\n\n".join(texts)


def as_data(diagnostic: Diagnostic, lang: Language) -> dict[str, Any]:
    """A diagnostic for programs."""
    data: dict[str, Any] = {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": message(diagnostic, lang),
        "help": help_text(diagnostic, lang),
    }
    if diagnostic.span is not None:
        line, column = diagnostic.span.source.position(diagnostic.span.start)
        data |= {"file": diagnostic.span.source.path, "line": line, "column": column}
    else:
        data |= {"file": diagnostic.file}
    if diagnostic.path is not None:
        data["path"] = diagnostic.path
    return data
