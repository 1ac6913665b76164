"""A policy file's bytes to a YAML tree: size, encoding and letters first, then the tree."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bandolo import limits
from bandolo.diagnostics import Diagnostic
from bandolo.source import SourceFile, Span

if TYPE_CHECKING:
    from bandolo.syntax.yaml_tree import Tree

INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)


def decode(path: str, content: bytes, limit: int = limits.POLICY_BYTES) -> tuple[SourceFile | None, list[Diagnostic]]:
    """The text of a file: UTF-8, with or without a byte-order mark. Codes: `too-large`, `not-utf8`, `invisible-character`."""
    if len(content) > limit:
        return None, [Diagnostic("too-large", file=path, args={"limit": limit})]
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None, [Diagnostic("not-utf8", file=path, args={"line": 1})]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return None, [Diagnostic("not-utf8", file=path, args={"line": content[: error.start].count(b"\n") + 1})]
    source = SourceFile(path, text)
    match = INVISIBLE.search(text)
    if match:
        args = {"character": f"U+{ord(match.group()):04X}"}
        return None, [Diagnostic("invisible-character", Span(source, match.start(), match.end()), args)]
    return source, []


def read_tree(path: str, content: bytes) -> tuple[Tree | None, list[Diagnostic]]:
    """The YAML tree of a file's bytes."""
    source, diagnostics = decode(path, content)
    if source is None:
        return None, diagnostics
    from bandolo.syntax.yaml_tree import parse_yaml  # JSON in UTF-8 needs none of it

    return parse_yaml(source)
