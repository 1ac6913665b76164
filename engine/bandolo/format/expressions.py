"""Expressions as they are spaced and, where they are too long for a line, broken.

Works on the tokens of the rule language: parentheses and the spelling of literals stay as the author wrote them.
"""

from __future__ import annotations

from dataclasses import dataclass

from bandolo.syntax.parser import tokens

LITERALS = ("NUMBER", "PERCENT", "MONEY", "DATETIME", "DATE", "DURATION", "TEXT", "TRUE", "FALSE", "NONE", "THIS")
OPENING, CLOSING = ("(", "["), (")", "]")
LEVELS: tuple[tuple[str, ...], ...] = (
    (",",),
    ("then", "else"),
    ("by", "among", "ties"),
    ("of", "where"),
    ("or",),
    ("and",),
    ("=", "!=", "<", "<=", ">", ">=", "in", "between"),
    ("+", "-"),
    ("*", "/"),
)
"""Where a long expression is broken, from the loosest to the tightest: before each of these, but after a comma."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A token as it is written: whether a blank comes before it, on which line it stood, and whether a line may begin with it."""

    text: str
    blank: bool
    line: int
    separates: bool
    is_word: bool


def pieces(text: str) -> list[Piece]:
    """The tokens of an expression that parses, each with the blank that comes before it."""
    found: list[Piece] = []
    between: list[bool] = [False]  # per open bracket: an `and` is still to come that belongs to a `between`
    before = ""
    before_kind = ""
    sign = False  # the token before is the minus of a negative value, not of a difference
    for kind, word, start in tokens(text) or []:
        is_word = kind in ("NAME", *LITERALS)
        opens_call = word in OPENING and (before_kind == "NAME" or (word == "[" and before in CLOSING))
        blank = not (before == "" or before in (*OPENING, ".") or sign or word in (*CLOSING, ",", ".") or opens_call)
        is_sign = word == "-" and not _ends_a_value(before, before_kind)
        separates = not is_word and not is_sign and not (word == "of" and before == "share")
        if not is_word and word == "between":
            between[-1] = True
        elif not is_word and word == "and" and between[-1]:
            between[-1], separates = False, False
        elif not is_word and word in OPENING:
            between.append(False)
        elif not is_word and word in CLOSING:
            between.pop()
        found.append(Piece(word, blank, text.count("\n", 0, start), separates, is_word))
        before, before_kind, sign = word, kind, is_sign
    return found


def _ends_a_value(word: str, kind: str) -> bool:
    return kind in ("NAME", *LITERALS) or (kind != "" and word in (*CLOSING, "known"))


def joined(parts: list[Piece]) -> str:
    """Pieces on one line."""
    return "".join((" " if p.blank and i else "") + p.text for i, p in enumerate(parts))


def on_one_line(text: str) -> str:
    """An expression with one blank around operators, none inside brackets, one after a comma."""
    return joined(pieces(text))


def on_its_lines(text: str) -> list[str]:
    """An expression spaced so, each token on the line on which its author put it, the lines' own indentation kept."""
    parts = pieces(text)
    written: list[str] = []
    for number, line in enumerate(text.split("\n")):
        of_line = [p for p in parts if p.line == number]
        if of_line:
            indent = len(line) - len(line.lstrip(" ")) if written else 0
            written.append(" " * indent + joined(of_line))
    return written


def broken(text: str, width: int) -> list[str]:
    """An expression over several lines of at most `width` characters where it can be; each line begins with what joins it.

    A line ends only where a blank stood: with its lines joined it reads as before, in explanations and for the policy's digest.
    """
    return _broken(pieces(text), 0, width)


def _broken(parts: list[Piece], indent: int, width: int) -> list[str]:
    whole = " " * indent + joined(parts)
    if len(whole) <= width:
        return [whole]
    for level in LEVELS:
        cuts = _cuts(parts, level)
        if cuts:
            lines: list[str] = []
            for start, end in zip((0, *cuts), (*cuts, len(parts)), strict=True):
                first, *rest = _broken(parts[start:end], indent, width)
                lines += [first, *(_deeper(line, indent) for line in rest)]
            return lines
    return _bracket_opened(parts, indent, width) or [whole]


def _deeper(line: str, indent: int) -> str:
    """A line that goes on with the one above, set in; what stands in brackets is set in already."""
    return line if line[indent : indent + 1] == " " else "  " + line


def _cuts(parts: list[Piece], level: tuple[str, ...]) -> list[int]:
    """Where a new line begins if the expression is broken at a level; nothing inside brackets."""
    cuts: list[int] = []
    depth = 0
    for i, part in enumerate(parts):
        if not part.is_word and part.text in CLOSING:
            depth -= 1
        if depth == 0 and part.separates and part.text in level:
            cuts.append(i + 1 if part.text == "," else i)
        if not part.is_word and part.text in OPENING:
            depth += 1
    return [c for c in cuts if 0 < c < len(parts)]


def _bracket_opened(parts: list[Piece], indent: int, width: int) -> list[str]:
    """The longest outermost bracket, broken inside."""
    best, depth, opened = (0, 0), 0, 0
    for i, part in enumerate(parts):
        if part.is_word:
            continue
        if part.text in OPENING:
            opened = i if depth == 0 else opened
            depth += 1
        elif part.text in CLOSING:
            depth -= 1
            if depth == 0 and i - opened > best[1] - best[0]:
                best = (opened, i)
    start, end = best
    if end - start < 2:
        return []
    head, tail = joined(parts[: start + 1]), joined(parts[end:])
    first, *rest = _broken(parts[start + 1 : end], indent + 2, width - len(head) - len(tail))
    lines = [" " * indent + head + first.lstrip(" "), *rest]
    return [*lines[:-1], lines[-1] + tail]


def is_simple(text: str) -> bool:
    """Whether an expression is a single name or literal, `a.b`, `a at b`, or a negative number: short enough for a `{...}`."""
    found = tokens(text) or []
    signs = [i for i, (_, word, _) in enumerate(found) if word == "-"]
    return signs in ([], [0]) and all(kind in ("NAME", *LITERALS) or word in (".", "at", "-") for kind, word, _ in found)


def same_expression(one: str, other: str) -> bool:
    """Whether two texts are the same expression but for white space."""
    first, second = tokens(one), tokens(other)
    return first is not None and second is not None and [t[:2] for t in first] == [t[:2] for t in second]
