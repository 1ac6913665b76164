"""From the place where parsing stopped to the likeliest slip: each has a code, and a page with a bad and a good example.

The table is read from top to bottom; the first row that recognises the text around the place gives the code. Every row has an
example in tests/cases/syntax/slips.yaml.
"""

from __future__ import annotations

import re

# A pattern around the place where the parser stopped (it may begin up to a word before it), and the code.
SLIPS: tuple[tuple[str, str], ...] = (
    (r"[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+", "italian-number"),
    (r"[0-9]{1,3}(?:\.[0-9]{3}){2,}", "italian-number"),
    (r"[0-9]{1,3}(?:[ '’][0-9]{3})+", "italian-number"),
    (r"[0-9]+,[0-9]+", "decimal-comma"),
    (r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}", "day-first-date"),
    (r"(?:€|EUR) ?[0-9]|[0-9][0-9_.]* ?€|[0-9][0-9_.]*EUR\b", "syntax-euro"),
    (r"[0-9][0-9_.]* %", "syntax-percent-space"),
    (r"[0-9]{1,2}:[0-9]{2}", "syntax-bare-time"),
    (r"[0-9][0-9_.]*[A-Za-z_]\w*", "syntax-glued"),
    (r"===?", "syntax-double-equals"),
    (r"&&?", "syntax-and"),
    (r"\|\|?", "syntax-or"),
    (r"<>", "syntax-not-equal"),
    (r"=[<>]", "syntax-comparison-order"),
    (r"≤|≥|≠|⩽|⩾", "syntax-comparison-sign"),
    (r"!(?!=)", "syntax-not"),
    (r"\*\*", "syntax-power"),
    (r"[“”„«»‘’']", "syntax-quotes"),
    (r"×|÷|−|–|—", "syntax-arithmetic-sign"),
    (r":=?|\?", "syntax-programming"),
    (r"[{}]", "syntax-braces"),
    (r";", "syntax-semicolon"),
    (r"#", "syntax-comment"),
    (r"[^\x00-\x7f]", "syntax-letter"),
)

WORDS = ("and", "or", "not", "if", "then", "else", "in", "between", "is", "of", "where")
ITALIAN_WORDS = {
    "giorni": "days", "giorno": "day", "mesi": "months", "mese": "month", "anni": "years", "anno": "year",
    "e": "and", "ed": "and", "o": "or", "oppure": "or", "non": "not", "se": "if", "allora": "then", "altrimenti": "else",
    "di": "of", "dove": "where", "tra": "between", "fra": "between",
}  # fmt: skip
"""Words of the language said in Italian, and what to write."""


def hint(text: str, at: int, found: str, expected: set[str]) -> tuple[str, int, int]:
    """The code of the slip at offset `at`, with the start and length of the text to underline."""
    begin = at
    while begin > 0 and text[begin - 1] not in " \t\r\n(),[]":
        begin -= 1
    previous = text[:begin].rstrip()
    two_words = max(previous.rfind(" "), previous.rfind("(")) + 1
    for pattern, code in SLIPS:
        for start in sorted({two_words, begin, at - 1, at}):
            match = re.compile(pattern).match(text, start) if 0 <= start < len(text) else None
            if match and match.end() > at - (code in _AFTER) and match.end() >= at:
                return code, match.start(), match.end() - match.start()
    shouted = re.search(r"([A-Za-z]+)\s*$", text[:at])
    if shouted and shouted.group(1).lower() in WORDS and not shouted.group(1).islower():
        return "syntax-capitals", shouted.start(1), len(shouted.group(1))
    if not found:
        return _at_end(text, at)
    spoken = [m for m in re.finditer(r"[A-Za-zÀ-ÿ]+", text[: at + len(found)]) if m.group().lower() in ITALIAN_WORDS]
    if spoken:
        return "syntax-italian-word", spoken[-1].start(), len(spoken[-1].group())
    if found == ")":
        return ("syntax-extra-parenthesis" if text[: at + 1].count(")") > text[: at + 1].count("(") else "syntax-operand"), at, 1
    if found.lower() in WORDS and not found.islower():
        return "syntax-capitals", at, len(found)
    if found == '"' or (found and text[at] == '"' and text.count('"') % 2):
        return "syntax-open-text", at, len(text) - at
    if text.count("(") > text.count(")") and found not in (",",):
        return "syntax-missing-parenthesis", at, len(found)
    if {"NAME", "NUMBER"} <= expected:
        return "syntax-operand", at, len(found)
    return "syntax-operator", at, len(found)


# Slips at whose end the parser is already past the sign itself.
_AFTER = ("syntax-double-equals", "syntax-comparison-order", "syntax-percent-space")


def _at_end(text: str, at: int) -> tuple[str, int, int]:
    if text.count("(") > text.count(")"):
        return "syntax-missing-parenthesis", text.rfind("("), 1
    if text.count("[") > text.count("]"):
        return "syntax-missing-bracket", text.rfind("["), 1
    words = re.findall(r"\w+", text)
    if "if" in words and "else" not in words:
        return "syntax-missing-else", text.index("if"), 2
    last = re.search(r"\S+\s*$", text)
    begin = last.start() if last else at
    return "syntax-unfinished", begin, max(at - begin, 1)
