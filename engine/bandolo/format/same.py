"""Whether two texts of a file say the same: the last check before a formatted text takes the place of the author's.

Takes both as they are read, knows nothing of how the second was made.
"""

from __future__ import annotations

from bandolo.format.comments import read_comments
from bandolo.format.expressions import same_expression
from bandolo.format.shapes import fitting, of_item, of_value
from bandolo.source import SourceFile, Span
from bandolo.syntax import shape as s
from bandolo.syntax.yaml_tree import Mapping, Scalar, Sequence, Tree, embedded, parse_yaml


def difference(tree: Tree, shape: s.Shape, text: str) -> Span | None:
    """The first place of a file that a new text of it does not repeat: a key, a value, a comment; None where there is none."""
    source = tree.span.source
    new = SourceFile(source.path, text)
    new_tree, diagnostics = parse_yaml(new)
    if new_tree is None or diagnostics:
        return tree.span
    place = _difference(tree, new_tree, shape)
    if place is not None:
        return place
    old_comments, new_comments = read_comments(tree, source), read_comments(new_tree, new)
    for i, comment in enumerate(old_comments):
        if i >= len(new_comments) or new_comments[i].text != comment.text:
            return Span(source, comment.offset, comment.offset + len(comment.text))
    return tree.span if len(new_comments) > len(old_comments) else None


def _difference(old: Tree, new: Tree, shape: s.Shape) -> Span | None:
    shape = fitting(shape, old)
    match old, new:
        case Scalar(), Scalar():
            return None if _same_scalar(old, new, shape) else old.span
        case Sequence(), Sequence() if isinstance(shape, s.Expression):
            return None if same_expression(old.span.text, new.span.text) else old.span
        case Sequence(), Sequence() if len(old.items) == len(new.items):
            pairs = zip(old.items, new.items, strict=True)
            return next((place for a, b in pairs if (place := _difference(a, b, of_item(shape))) is not None), None)
        case Mapping(), Mapping() if [k.value for k, _ in old.entries] == [k.value for k, _ in new.entries]:
            rows = zip(old.entries, new.entries, strict=True)
            places = (_difference(a, b, of_value(shape, old, key.value)) for (key, a), (_, b) in rows)
            return next((place for place in places if place is not None), None)
        case _:
            return old.span


def _same_scalar(old: Scalar, new: Scalar, shape: s.Shape) -> bool:
    """Expressions are the same token by token; names and words by their letters; texts and data also by whether they are quoted."""
    if isinstance(shape, s.Expression) and old.value.strip():
        return same_expression(embedded(old).text, embedded(new).text)
    by_name = isinstance(shape, s.Word | s.Flag | s.Ident | s.TypeName)
    return old.value == new.value and (by_name or old.is_plain == new.is_plain)
