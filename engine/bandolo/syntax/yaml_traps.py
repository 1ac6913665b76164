"""YAML's own traps, told in the words of someone who writes policies rather than programs.

An expression is written into a YAML value; some of its signs mean something to YAML. Each such clash has a code and a page.
"""

from __future__ import annotations

import re
from itertools import pairwise

import yaml

from bandolo.diagnostics import Diagnostic, Label
from bandolo.source import SourceFile, Span

# What libyaml says, and the code of our message. The first that matches the problem (or its context) is taken.
PROBLEMS: tuple[tuple[str, str], ...] = (
    ("tab", "yaml-tab"),
    ("control characters", "invisible-character"),
    ("invalid Unicode", "invisible-character"),
    ("while scanning a block scalar", "yaml-block-sign"),
    ("found unexpected end of stream", "yaml-open-quote"),
    ("found unknown escape", "yaml-escape"),
    ("while scanning an alias", "yaml-alias-sign"),
    ("while scanning an anchor", "yaml-alias-sign"),
    ("while scanning a tag", "yaml-tag-sign"),
    ("while parsing a tag", "yaml-tag-sign"),
    ("found undefined tag handle", "yaml-tag-sign"),
    ("mapping values are not allowed", "yaml-colon"),
    ("found character that cannot start any token", "yaml-start-sign"),
    ("could not find expected ':'", "yaml-missing-colon"),
    ("while parsing a flow", "yaml-flow-bracket"),
    ("did not find expected key", "yaml-text-first"),
    ("while parsing a block", "yaml-indentation"),
)


def explain_yaml_error(source: SourceFile, error: yaml.YAMLError) -> Diagnostic:
    """One diagnostic for a text that YAML itself cannot read, with the likeliest cause."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = f"{getattr(error, 'context', '') or ''} {getattr(error, 'problem', '') or ''} {getattr(error, 'reason', '') or ''}"
    position = getattr(error, "position", None)
    offset = mark.index if mark is not None else position if isinstance(position, int) else 0
    offset = min(offset, max(len(source.text) - 1, 0))
    line_number = source.position(offset)[0]
    line = source.line(line_number)
    code = next((code for words, code in PROBLEMS if words in said), "yaml-syntax")
    if source.text[offset : offset + 1] == "\t" or line.startswith("\t"):
        code = "yaml-tab"
    if code in ("yaml-text-first", "yaml-indentation") and not re.search(r""":\s*["'].*["']\s*\S|^\s*-\s*["'].*["']\s*\S""", line):
        code = "yaml-indentation"
    elif code in ("yaml-text-first", "yaml-indentation"):
        code = "yaml-text-first"
    culprit = _earlier_culprit(source, line_number) if code in MISPLACED else None
    curly = _curly_culprit(source, offset)
    if curly is not None:
        return Diagnostic("curly-quotes", curly)
    if culprit is not None:
        code, offset, line = culprit
        if code == "yaml-missing-colon":
            word = re.search(r"\w+\s*$", source.text[: offset + 1])
            start = word.start() if word else offset
            return Diagnostic(code, Span(source, start, offset + 1), {"line": line, "character": ""})
    if code == "yaml-flow-bracket" and (opened := _never_closed(source, error, offset)) is not None:
        return Diagnostic("yaml-open-bracket", opened, {"sign": opened.text}, (Label(Span(source, offset, offset + 1), "noticed-here"),))
    if code in MISPLACED and source.text[offset : offset + 1] in ("}", "]"):
        return Diagnostic("yaml-extra-bracket", Span(source, offset, offset + 1), {"sign": source.text[offset]})
    if code == "yaml-open-quote" and not re.search("[\"']", source.text):
        code = "yaml-syntax"
    return Diagnostic(
        code,
        Span(source, offset, min(offset + 1, len(source.text))),
        {"line": line.strip()[:80], "character": f"U+{ord(source.text[offset]):04X}" if source.text else ""},
    )


def _never_closed(source: SourceFile, error: yaml.YAMLError, offset: int) -> Span | None:
    """The bracket inside which YAML was, if its line ends without the closing one, or it meets one of the other kind."""
    opened = getattr(error, "context_mark", None)
    if opened is None or source.text[opened.index : opened.index + 1] not in ("{", "["):
        return None
    later = source.position(offset)[0] > source.position(opened.index)[0] or offset >= len(source.text.rstrip())
    other = source.text[offset : offset + 1] in ("}", "]")
    return Span(source, opened.index, opened.index + 1) if later or other else None


MISPLACED = ("yaml-colon", "yaml-missing-colon", "yaml-indentation", "yaml-text-first", "yaml-syntax")
"""What YAML notices only on a later line than the one that is wrong."""


def _earlier_culprit(source: SourceFile, line_number: int) -> tuple[str, int, str] | None:
    """The slip on this line or before it that YAML stumbled over: an open quote, a colon without its blank, a name without colon."""
    above = [n for n in range(line_number, 0, -1) if source.line(n).strip() and not source.line(n).lstrip().startswith("#")]
    for number in above[:25]:
        line = source.line(number)
        opened = re.search(r"""(?:[:{,]|^\s*-)\s+("[^"]*|'[^']*)$""", line)
        if opened:
            return "yaml-open-quote", source.line_starts[number - 1] + opened.start(1), line.strip()[:80]
    for number in above[:2]:
        line = source.line(number)
        glued = re.match(r"\s*(?:- )?[A-Za-z_]\w*:(?=[^\s:])", line)
        if glued:
            return "yaml-colon-blank", source.line_starts[number - 1] + glued.end() - 1, line.strip()[:80]
    for number in above[1:2]:
        line = source.line(number)
        if re.fullmatch(r"\s*[A-Za-z_]\w*\s*", line):
            return "yaml-missing-colon", source.line_starts[number - 1] + len(line.rstrip()) - 1, line.strip()[:80]
    return None


VALUE = r"(?:^[ ]*-?|[:{,\[])[ ]+"
"""What stands before a value or an item of a list."""


def curly_quotes(text: str) -> bool:
    """Whether an unquoted text was put between quotes as a word processor makes them; quotes around a word of it are part of it."""
    if text[:1] in ("“", "”", "„"):
        marks = len(re.findall("[“”„]", text))
        return marks == 1 or (marks == 2 and text[-1] in "“”")
    return len(text) > 1 and text[0] in "‘’‚" and text[-1] in "‘’"


def _curly_culprit(source: SourceFile, offset: int) -> Span | None:
    """The curly quotes that YAML stumbled over: around the place, or, on this line or before it, closing a text that opened straight."""
    number = source.position(offset)[0]
    for match in re.finditer(VALUE + '([“”„][^“”„]*[“”"]?)', source.line(number)):
        start = source.line_starts[number - 1]
        if start + match.start(1) < offset <= start + match.end(1):
            return Span(source, start + match.start(1), start + match.end(1))
    for above in range(number, max(number - 25, 0), -1):
        closed = re.search(VALUE + r"""("[^"]*”)\s*(?:$|[,}\]#])""", source.line(above))
        if closed:
            start = source.line_starts[above - 1]
            return Span(source, start + closed.start(1), start + closed.end(1))
    return None


def split_amount(texts: list[str]) -> str | None:
    """Inside `{...}`, an amount in Italian spelling falls apart at its comma: `5.000` and `00 EUR`."""
    for first, second in pairwise(texts):
        if re.fullmatch(r"-?[0-9]{1,3}(\.[0-9]{3})*", first) and re.fullmatch(r"[0-9]{1,2}( ?(EUR|€))?", second):
            return f"{first},{second}"
    return None


def flow_trap(plain: list[str]) -> str | None:
    """Inside `{...}` or `[...]`, a comma ends an unquoted value: the piece whose brackets do not close, if there is one."""
    for text in plain:
        if text.count("(") != text.count(")") or text.count('"') % 2:
            return text
    return None


def cut_by_hash(source: SourceFile, end: int) -> bool:
    """Whether the line goes on with ` #` after an unquoted value: YAML takes the rest for a comment."""
    line_number, column = source.position(end)
    rest = source.line(line_number)[column - 1 :]
    return bool(re.match(r"\s+#", rest))
