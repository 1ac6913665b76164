"""A YAML tree as application data: unquoted scalars become `Plain`, and every path keeps its place in the file."""

from __future__ import annotations

from typing import Any

from bandolo.evaluate.data import Plain
from bandolo.source import Span
from bandolo.syntax.yaml_tree import Mapping, Scalar, Sequence, Tree


def data_of(tree: Tree, path: str = "$", places: dict[str, Span] | None = None) -> Any:
    """Mappings, lists and texts; `places`, if given, is filled with the span of every path; that of its key stands under `PATH#`."""
    if places is not None:
        places[path] = tree.span
    match tree:
        case Mapping():
            if places is not None:
                places.update({f"{path}.{k.value}#": k.span for k, _ in tree.entries})
            return {k.value: data_of(v, f"{path}.{k.value}", places) for k, v in tree.entries}
        case Sequence():
            return [data_of(item, f"{path}[{i}]", places) for i, item in enumerate(tree.items)]
        case Scalar():
            return Plain(tree.value) if tree.is_plain else tree.value
    return None
