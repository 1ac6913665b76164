"""Collections in braces and brackets: when they stay on their line, and how they are written there.

They hold plain words, literals and texts. One that holds an expression with operators, calls or brackets is written in block style,
where no comma or bracket can be taken for YAML's own; so is one that is too long, or that its author spread over several lines.
"""

from __future__ import annotations

import re

from bandolo.format.expressions import is_simple
from bandolo.format.scalars import is_expression, name_of, short
from bandolo.format.shapes import fitting, of_item, of_value
from bandolo.syntax import shape as s
from bandolo.syntax.yaml_tree import Mapping, Scalar, Sequence, Tree, Unreadable, embedded


def in_flow(tree: Tree) -> bool:
    """Whether a collection was written in braces or brackets."""
    return isinstance(tree, Mapping | Sequence) and tree.span.text[:1] in ("{", "[")


def is_list_literal(tree: Tree, shape: s.Shape) -> bool:
    """Whether a list stands where an expression does: a list literal of the rule language, which YAML took for its own."""
    return isinstance(tree, Sequence) and isinstance(shape, s.Expression) and in_flow(tree)


def flow_text(tree: Tree, shape: s.Shape) -> str | None:
    """A node as it stands inside braces or brackets, or None where it must be written in block style."""
    shape = fitting(shape, tree)
    match tree:
        case Scalar():
            if not tree.value and tree.is_plain:
                return None
            if is_expression(tree, shape) and not is_simple(embedded(tree).text):
                return None
            return short(tree, shape, True)
        case Mapping():
            if _spread_out(tree):
                return None
            values = [flow_text(value, of_value(shape, tree, key.value)) for key, value in tree.entries]
            named = [f"{name_of(key)}: {value}" for (key, _), value in zip(tree.entries, values, strict=True)]
            return None if None in values or any("\n" in text for text in named) else "{" + ", ".join(named) + "}"
        case Sequence():
            if _spread_out(tree) or is_list_literal(tree, shape):
                return None
            items = [flow_text(item, of_item(shape)) for item in tree.items]
            return None if None in items else "[" + ", ".join(item or "" for item in items) + "]"
        case Unreadable():
            raise AssertionError("what cannot be read is not formatted")


def gains_nothing(tree: Tree) -> bool:
    """Whether block style would make a long collection no easier to read: it is empty, or holds one value only."""
    values = [v for _, v in tree.entries] if isinstance(tree, Mapping) else list(tree.items) if isinstance(tree, Sequence) else []
    return len(values) == 0 or (len(values) == 1 and isinstance(values[0], Scalar))


def _spread_out(tree: Mapping | Sequence) -> bool:
    """Whether the author began a new line after the bracket."""
    is_empty = not (tree.entries if isinstance(tree, Mapping) else tree.items)
    return not is_empty and re.match(r"[\[{][ \t]*(#[^\n]*)?\n", tree.span.text) is not None
