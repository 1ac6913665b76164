"""Scalars as they are written: plain or quoted, on one line or several.

Quotes go only from expressions, names and words that YAML cannot take for anything else; texts and data keep theirs. Where an
expression stands is known from its shape.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bandolo.format.expressions import broken, on_its_lines, on_one_line
from bandolo.syntax import shape as s
from bandolo.syntax.yaml_tree import Scalar, embedded

WIDTH = 140
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
TYPED = re.compile(r"(?i)y|n|yes|no|on|off|true|false|null|~")
"""Words that other readers of YAML take for something else. Bandolo does not, but who quoted one may have had them in mind."""


@dataclass(frozen=True, slots=True)
class Written:
    """A value: what stands on the line of its key, and whole lines below it."""

    first: str
    rest: tuple[str, ...] = ()
    is_block: bool = False  # begun by `|` or `>`: a comment can stand on its first line only
    keeps_blanks: bool = False  # begun by `|+` or `>+`: blank lines below it are part of it


def is_expression(scalar: Scalar, shape: s.Shape) -> bool:
    """Whether a scalar holds an expression; one that is left empty holds nothing yet."""
    return isinstance(shape, s.Expression) and bool(scalar.value.strip())


def safe_plain(text: str, in_flow: bool) -> bool:
    """Whether a text may stand without quotes."""
    if not text or text != text.strip() or "\n" in text or ": " in text or " #" in text or text.endswith(":"):
        return False
    if text[0] in ",[]{}#&*!|>'\"%@`" or (text[0] in "-?:" and not re.match(r"-[^\s,\[\]{}-]", text)):
        return False
    return not (in_flow and re.search(r"[,\[\]{}?]|:(?=[,\[\]{}]|$)", text))


def quoted(text: str) -> str:
    """A text of one line between quotes: double ones, unless it holds some itself."""
    if '"' not in text and "\\" not in text:
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"


def name_of(key: Scalar) -> str:
    """A key, without quotes where it is a name."""
    if not key.value:
        return '""'
    if NAME.fullmatch(key.value) and (key.is_plain or not TYPED.fullmatch(key.value)):
        return key.value
    if "\n" in key.span.text:
        return key.value if safe_plain(key.value, True) else quoted(key.value)
    return _one_line(key)


def short(scalar: Scalar, shape: s.Shape, in_flow: bool) -> str | None:
    """A scalar on one line, or None where it needs several or is long enough to be broken by its author."""
    if is_expression(scalar, shape):
        if scalar.style in ("|", ">"):
            return None
        text = on_one_line(embedded(scalar).text)
        may_go = scalar.is_plain or text in ("true", "false") or not TYPED.fullmatch(text)
        return text if may_go and safe_plain(text, in_flow) else quoted(text)
    if isinstance(shape, s.Word | s.Flag) and safe_plain(scalar.value, in_flow):
        return scalar.value
    if isinstance(shape, s.Ident | s.TypeName) and safe_plain(scalar.value, in_flow) and not TYPED.fullmatch(scalar.value):
        return scalar.value
    return None if "\n" in scalar.span.text else _one_line(scalar)


def _one_line(scalar: Scalar) -> str:
    """A scalar that stands on one line, as it was spelt; single quotes give way to double ones where these need no signs."""
    raw = scalar.span.text
    if scalar.style == "'" and "\n" not in raw and '"' not in raw and "\\" not in raw:
        return f'"{scalar.value}"'
    return raw


def written(scalar: Scalar, shape: s.Shape, room: int, indent: int, column: int) -> Written:
    """A scalar as a value in block style.

    `room` is what its key leaves of the line, `indent` that of the lines below it, `column` where the collection begins that it was
    written in.
    """
    if scalar.style in ("|", ">"):
        return _block(scalar, shape, indent, column)
    one = short(scalar, shape, False)
    if one is None:
        first, *rest = [_trimmed(line) for line in scalar.span.text.split("\n")]
        if scalar.style == "'" and '"' not in scalar.span.text and "\\" not in scalar.span.text:
            *middle, last = rest
            first, *rest = [line.replace("''", "'") for line in ('"' + first[1:], *middle, last[:-1] + '"')]
        return Written(first, tuple(" " * indent + line if line else "" for line in rest))
    if is_expression(scalar, shape) and len(one) > room:
        lines = broken(embedded(scalar).text, WIDTH - indent)
        if len(lines) > 1:
            return Written(">-", tuple(" " * indent + line for line in lines), is_block=True)
    return Written(one)


def _trimmed(line: str) -> str:
    """A line of a quoted text without the blanks around it, which YAML folds away; an escaped one stays."""
    bare = line.rstrip(" \t\r")
    escapes = len(bare) - len(bare.rstrip("\\"))
    return (line[: len(bare) + 1] if escapes % 2 and len(line) > len(bare) else bare).lstrip(" \t")


def _block(scalar: Scalar, shape: s.Shape, indent: int, column: int) -> Written:
    """A text begun by `|` or `>`, its lines set in anew."""
    source, start = scalar.span.source, scalar.span.start
    end = source.text.find("\n", scalar.span.end)
    head, *lines = source.text[start : end if end >= 0 else len(source.text)].split("\n")
    sign = re.match(r"[|>]([-+0-9]*)", head)
    assert sign is not None
    chomping = "".join(c for c in sign.group(1) if c in "+-")
    digits = "".join(c for c in sign.group(1) if c.isdigit())
    first = next((line for line in lines if line.strip(" ")), "")
    base = max(column, 0) + int(digits) if digits else len(first) - len(first.lstrip(" "))
    content = [line[base:] for line in lines]
    if is_expression(scalar, shape):
        rest = on_its_lines("\n".join(content))
        return Written(scalar.span.text[0] + chomping, tuple(" " * indent + line for line in rest), True, chomping == "+")
    if chomping == "+":
        while content and not content[-1]:
            content.pop()
        content += [""] * (len(scalar.value) - len(scalar.value.rstrip("\n")) - (1 if scalar.value.strip("\n") else 0))
    shown = next((line for line in content if line), "")
    mark = "2" if shown.startswith(" ") else ""
    rest = [" " * indent + line if line else "" for line in content]
    return Written(scalar.span.text[0] + mark + chomping, tuple(rest), True, chomping == "+")
