"""Which rule of a policy file a place belongs to, and where an entry of it stands."""

from __future__ import annotations

from bandolo.source import Span
from bandolo.syntax.yaml_tree import Mapping, Sequence, Tree

Path = tuple[str, ...]


def path_of(tree: Tree | None, span: Span) -> Path:
    """The keys that lead to a place: `("requirements", "project", "enough_firms", "check")`. Empty where it is in no entry."""
    found: list[str] = []
    while tree is not None:
        following: Tree | None = None
        match tree:
            case Mapping(entries=entries):
                for key, value in entries:
                    if _within(span, key.span) or _within(span, value.span):
                        found.append(key.value)
                        following = value
                        break
            case Sequence(items=items):
                for i, item in enumerate(items):
                    if _within(span, item.span):
                        found.append(str(i))
                        following = item
                        break
        tree = following
    return tuple(found)


def span_of(tree: Tree | None, path: Path) -> Span | None:
    """Where the value of an entry stands, as deep as the path leads; None if not even its section is there."""
    span: Span | None = None
    for name in path:
        match tree:
            case Mapping():
                tree = tree.get(name)
            case Sequence(items=items) if name.isdigit() and int(name) < len(items):
                tree = items[int(name)]
            case _:
                return span
        if tree is None:
            return span
        span = tree.span
    return span


def has(tree: Tree | None, path: Path) -> bool:
    """Whether a policy file states an entry."""
    for name in path:
        tree = tree.get(name) if isinstance(tree, Mapping) else None
    return tree is not None


def rule_of(path: Path) -> str:
    """What a rule is called: `enough_firms`, `partner.grant`, `parameter.closing`, `bonus.legality`, `ranking`."""
    match path:
        case ("definitions", entity, name, *_):
            return f"{entity}.{name}"
        case ("requirements", _, name, *_):
            return name
        case ("scoring", "bonuses", name, *_):
            return f"bonus.{name}"
        case ("parameters" | "rates" | "bands" | "formulas" | "readings" | "deadlines" as section, name, *_):
            return f"{section.removesuffix('s') if section != 'bands' else 'bands'}.{name}"
        case (section, *_):
            return section
    return "policy"


def _within(inner: Span, outer: Span) -> bool:
    return inner.source.path == outer.source.path and outer.start <= inner.start and inner.end <= outer.end
