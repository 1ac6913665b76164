"""A file by what it says: comments, layout and the way in which values are quoted left out, expressions spaced in one way.

Unlike `whole.py` it keeps nothing of the author's lay-out, so that two files that say the same give the same text; the order of
entries stays, for people who read it. Takes any tree, also one that an act has changed, whose nodes lie in several files.
"""

from __future__ import annotations

import hashlib
import json
import re

from bandolo.format.expressions import on_one_line
from bandolo.format.scalars import TYPED, is_expression, safe_plain
from bandolo.format.shapes import fitting, of_item, of_value, shape_of_file
from bandolo.syntax import shape as s
from bandolo.syntax.read import INVISIBLE
from bandolo.syntax.yaml_tree import Mapping, Scalar, Sequence, Tree, Unreadable, embedded

Said = str | list["Said"] | dict[str, "Said"] | None
PLAIN = re.compile(r"[0-9A-Za-z_(À-ɏ].*")
"""How a value may begin that stands without quotes. Narrower than YAML: curly quotes and signs are read as something else."""

SIMPLE = re.compile(r"[\w.]+( [\w.]+)*")
"""Names and numbers: nothing to space. Most expressions are such, and a policy is loaded often."""


def said(tree: Tree) -> Said:
    """What a policy, an amendment or a case file says: texts, lists and mappings, the expressions spaced in one way."""
    return _said(tree, shape_of_file(tree) or s.Anything())


def canonical_text(tree: Tree) -> str:
    """The text of a file in block style without comments. It reads back as the same policy, and is its own canonical text."""
    lines: list[str] = []
    _write(said(tree), "", lines, "")
    return "\n".join(lines) + "\n"


def digest_of(tree: Tree) -> str:
    """A digest of the canonical text, its entries in the order of their names: the order of entries says nothing."""
    text = json.dumps(said(tree), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return text_digest(text)


def text_digest(text: str) -> str:
    """`sha256:` and the digest of a text in UTF-8."""
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _said(tree: Tree, shape: s.Shape) -> Said:
    shape = fitting(shape, tree)
    match tree:
        case Scalar() if is_expression(tree, shape):
            return _spaced(embedded(tree).text)
        case Scalar():
            return re.sub(r"\s+", " ", tree.value.strip())
        case Sequence() if isinstance(shape, s.Expression):
            return _spaced(tree.span.text)
        case Sequence():
            return [_said(item, of_item(shape)) for item in tree.items]
        case Mapping():
            return {key.value: _said(value, of_value(shape, tree, key.value)) for key, value in tree.entries}
        case Unreadable():
            return None


def _spaced(text: str) -> str:
    """An expression with one blank where one is wanted; one that does not parse as it is written."""
    return text if SIMPLE.fullmatch(text) else on_one_line(text) or text.strip()


def _write(value: Said, head: str, lines: list[str], indent: str) -> None:
    """`head` is the key or the dash that the value follows; what is below it is set in by two blanks more than `indent`."""
    inner = indent + "  " if head else indent
    match value:
        case None | str():
            lines.append(f"{head} {_scalar(value or '')}")
        case dict() if value:
            if head.endswith(":"):
                lines.append(head)
            dash = head if head.endswith("-") else ""
            for key, entry in value.items():
                _write(entry, f"{dash} {_key(key)}:" if dash else f"{inner}{_key(key)}:", lines, inner)
                dash = ""
        case list() if value:
            if head.endswith(":"):
                lines.append(head)
            for item in value:
                _write(item, f"{inner}-", lines, inner)
        case _:
            lines.append(f"{head} {'{}' if isinstance(value, dict) else '[]'}")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_0-9][A-Za-z_0-9.]*", name) and not TYPED.fullmatch(name) else _quoted(name)


def _scalar(text: str) -> str:
    plain = PLAIN.fullmatch(text) and safe_plain(text, False) and not TYPED.fullmatch(text) and not INVISIBLE.search(text)
    return text if plain else _quoted(text)


def _quoted(text: str) -> str:
    """Between double quotes; letters that may not stand in a file are spelt by their numbers."""
    return re.sub(
        "[\x7f-\xa0\u2028\u2029]|" + INVISIBLE.pattern,
        lambda m: f"\\u{ord(m.group()):04x}" if ord(m.group()) < 0x10000 else m.group(),
        json.dumps(text, ensure_ascii=False),
    )
