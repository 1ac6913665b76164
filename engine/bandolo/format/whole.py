"""A file's bytes to its text in the canonical layout; nothing is read or written here."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bandolo.diagnostics import Diagnostic, in_order
from bandolo.format.printer import lay_out
from bandolo.format.same import difference
from bandolo.format.scalars import is_expression
from bandolo.format.shapes import fitting, of_item, of_value, shape_of_file
from bandolo.source import SourceFile
from bandolo.syntax import shape as s
from bandolo.syntax.document import CUT_SHORT
from bandolo.syntax.parser import parse_expression
from bandolo.syntax.read import decode
from bandolo.syntax.yaml_traps import cut_by_hash
from bandolo.syntax.yaml_tree import Embedded, Mapping, Scalar, Sequence, Tree, embedded, parse_yaml

LINE_ENDS = re.compile("\r\n|\r|\x85")
"""What YAML takes for the end of a line besides the usual one."""


def formatted(path: str, content: bytes) -> tuple[str | None, list[Diagnostic]]:
    """The canonical text of a policy, an amendment or a case file, or None and why it is left alone.

    Codes: those of reading YAML and of parsing expressions, `nothing-to-format`, `format-would-change`.
    """
    source, diagnostics = decode(path, content)
    if source is None:
        return None, diagnostics
    source = SourceFile(path, LINE_ENDS.sub("\n", source.text))
    tree, diagnostics = parse_yaml(source)
    if tree is None or diagnostics:
        return None, in_order(diagnostics)
    shape = shape_of_file(tree)
    if shape is None or not isinstance(tree, Mapping):
        return None, [Diagnostic("nothing-to-format", file=path, args={"path": path})]
    diagnostics = [d for text, scalar in _expressions(tree, shape) for d in _mistakes(text, scalar)]
    if diagnostics:
        return None, in_order(diagnostics)
    text = lay_out(tree, shape, source)
    place = difference(tree, shape, text)
    if place is not None:
        return None, [Diagnostic("format-would-change", place)]
    return text, []


def _expressions(tree: Tree, shape: s.Shape) -> Iterator[tuple[Embedded, Tree]]:
    """Every expression of a file, with the node that holds it."""
    shape = fitting(shape, tree)
    if isinstance(tree, Scalar):
        if is_expression(tree, shape):
            yield embedded(tree), tree
    elif isinstance(tree, Sequence):
        if isinstance(shape, s.Expression):
            yield embedded(Scalar(tree.span, tree.span.text, None)), tree
            return
        for item in tree.items:
            yield from _expressions(item, of_item(shape))
    elif isinstance(tree, Mapping):
        for key, value in tree.entries:
            yield from _expressions(value, of_value(shape, tree, key.value))


def _mistakes(text: Embedded, node: Tree) -> list[Diagnostic]:
    _, found = parse_expression(text)
    cut = isinstance(node, Scalar) and node.is_plain and cut_by_hash(node.span.source, node.span.end)
    if found and found[0].code in CUT_SHORT and cut:
        return [Diagnostic("yaml-hash", node.span)]
    return found
