"""Where an entry of a policy is written: the lines of its file, or of the act that changed it."""

from __future__ import annotations

from bandolo.analysis.difference.change import Written
from bandolo.source import Span
from bandolo.syntax.yaml_tree import Mapping, Scalar, Sequence, Tree

LONGEST = 40
"""Lines of an entry that are shown; of a longer one the first."""


def written(tree: Tree | None, path: str) -> Written | None:
    """The lines of the entry at a path, `requirements.project.enough_firms.check`; of the nearest one around it where there is none."""
    found: Written | None = None
    for key in path.split("."):
        if isinstance(tree, Sequence):
            pair = next((p for p in map(_entry, tree.items) if p is not None and p[0].value == key), None)
        else:
            pair = next((e for e in tree.entries if e[0].value == key), None) if isinstance(tree, Mapping) else None
        if pair is None:
            return found
        name, tree = pair
        found = _lines(name.span, tree.span)
    return found


def _entry(item: Tree) -> tuple[Scalar, Tree] | None:
    """One of a sequence by its name: `- admissibility`, `- payment: {...}`."""
    if isinstance(item, Scalar):
        return item, item
    return item.entries[0] if isinstance(item, Mapping) and len(item.entries) == 1 else None


def _lines(key: Span, value: Span) -> Written:
    """From the key to the end of its value. What an act changed stands in the act, the key still in the policy: then the act's lines."""
    source = value.source
    first = (key if key.source is source else value).line
    end = value.end
    while end > value.start and source.text[end - 1] in " \r\n\t":
        end -= 1
    last = max(first, source.position(max(value.start, end - 1))[0])
    lines = [source.line(n) for n in range(first, min(last, first + LONGEST - 1) + 1)]
    while len(lines) > 1 and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        lines.pop()  # a comment below an entry speaks of the next
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    more = ["…"] if last - first >= LONGEST else []
    return Written(source.path, first, "\n".join([line[margin:].rstrip() for line in lines] + more))
