"""Which shape holds where in a file: the walk down `syntax/shape.py`, so that no second list of keys says what is an expression."""

from __future__ import annotations

import re

from bandolo.syntax import shape as s
from bandolo.syntax.yaml_tree import Mapping, Sequence, Tree

ANY = s.Anything()


def shape_of_file(tree: Tree) -> s.Shape | None:
    """The shape of a policy, an amendment, a case file or a list of equivalent mutants; None for any other file."""
    if not isinstance(tree, Mapping):
        return None
    if tree.get("cases_of") is not None:
        return s.CASES
    if tree.get("equivalent_of") is not None:
        return s.EQUIVALENT
    if tree.get("amends") is not None:
        return s.AMENDMENT
    return s.POLICY if any(tree.get(key) is not None for key in ("bandolo", "policy", "entities")) else None


def fitting(shape: s.Shape, tree: Tree) -> s.Shape:
    """The shape for what is really written: one of several, the single item of a list, the end of nested rows."""
    match shape:
        case s.OneOf():
            if isinstance(tree, Sequence):
                wanted = shape.sequence or (shape.scalar if isinstance(shape.scalar, s.Expression) else None)
            else:
                wanted = shape.mapping if isinstance(tree, Mapping) else shape.scalar
            return ANY if wanted is None else fitting(wanted, tree)
        case s.Items(single=True) if not isinstance(tree, Sequence):
            return fitting(shape.item, tree)
        case s.Nested() if not isinstance(tree, Mapping):
            return s.EXPRESSION
        case _:
            return shape


def of_value(shape: s.Shape, tree: Mapping, key: str) -> s.Shape:
    """The shape of the value of a key, in a mapping of a fitting shape."""
    match shape:
        case s.Keys():
            chooses = shape.options is not None and tree.get("by") is not None
            if key in shape.keys and not (chooses and shape.by_alone and key != "by"):
                return shape.keys[key].shape
            return shape.options if chooses and shape.options is not None else ANY
        case s.AtPaths(into=into):
            return _at_path(key) if into == "policy" else ANY
        case s.Entries():
            return shape.value
        case s.Nested():
            return shape
        case s.Text() | s.Template():
            return s.PLAIN
        case _:
            return ANY


def of_item(shape: s.Shape) -> s.Shape:
    """The shape of the items of a list of a fitting shape."""
    return shape.item if isinstance(shape, s.Items) else ANY


def _at_path(path: str) -> s.Shape:
    """The shape at a path into a policy, as `parameters.closing.value`; anything where the path leads nowhere."""
    shape: s.Shape = s.POLICY
    for step in path.split("."):
        if isinstance(shape, s.OneOf):
            in_list = re.fullmatch(r"[0-9]+", step) is not None and shape.sequence is not None
            shape = (shape.sequence if in_list else shape.mapping) or ANY
        match shape:
            case s.Keys():
                shape = shape.keys[step].shape if step in shape.keys else shape.options or ANY
            case s.Entries():
                shape = shape.value
            case s.Items():
                shape = shape.item
            case s.Nested():
                pass
            case s.Text() | s.Template():
                shape = s.PLAIN
            case _:
                return ANY
    return shape
