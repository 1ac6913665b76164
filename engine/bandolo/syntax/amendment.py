"""An amendment as a change of the policy's tree: `set`, `add` and `remove` by path.

The amended tree is checked like any other; each node keeps the place where it is written, in the policy or in the amendment.
"""

from __future__ import annotations

import re

from bandolo.diagnostics import Diagnostic
from bandolo.diagnostics.spelling import nearest
from bandolo.language import literals
from bandolo.records import dataclass
from bandolo.source import Span
from bandolo.syntax.shape import AMENDMENT
from bandolo.syntax.shaped import fit
from bandolo.syntax.yaml_tree import Mapping, Scalar, Sequence, Tree


@dataclass(frozen=True, slots=True)
class Amendment:
    """An amending act: its name, what it amends, and the changed tree. `applies_to` is the condition that an application must meet."""

    id: str
    amends: str
    date: str
    title: tuple[str, str]
    applies_to: Scalar | None
    tree: Mapping


def read_amendment(tree: Tree) -> tuple[Amendment | None, list[Diagnostic]]:
    """The amendment that a tree holds, or None. Codes: those of `fit`."""
    if not isinstance(tree, Mapping) or tree.get("amends") is None:
        first = tree.entries[0][0] if isinstance(tree, Mapping) and tree.entries else tree
        return None, [Diagnostic("not-an-amendment", first.span)]
    shaped, diagnostics = fit(tree, AMENDMENT)
    if not isinstance(shaped, Mapping):
        return None, diagnostics
    words = {k: v.value for k in ("id", "amends", "date") if isinstance(v := shaped.get(k), Scalar)}
    if len(words) < 3:
        return None, diagnostics
    written = shaped.get("date")
    if isinstance(written, Scalar):
        try:
            literals.read_date(written.value)
        except literals.BadLiteral as bad:
            diagnostics.append(Diagnostic(bad.code, written.span, {"found": written.value, "currency": "", "limit": 0}))
    applies = shaped.get("applies_to")
    condition = applies if isinstance(applies, Scalar) else None
    assert isinstance(tree, Mapping)
    title = shaped.get("title")
    by_language = {k.value: v.value for k, v in title.entries if isinstance(v, Scalar)} if isinstance(title, Mapping) else {}
    plain = title.value if isinstance(title, Scalar) else next(iter(by_language.values()), words["id"])
    titles = by_language.get("it", plain), by_language.get("en", plain)
    return Amendment(words["id"], words["amends"], words["date"], titles, condition, tree), diagnostics


def amend(policy: Tree, amendment: Amendment, name: str) -> tuple[Tree, list[Diagnostic]]:
    """The tree of the policy file `name` after the amendment. Codes: `amends-other`, `unknown-path`, `path-exists`, `path-form`."""
    diagnostics: list[Diagnostic] = []
    if re.split(r"[/\\]", amendment.amends)[-1] != name:
        written = amendment.tree.get("amends")
        assert written is not None
        return policy, [Diagnostic("amends-other", written.span, {"amends": amendment.amends, "policy": name})]
    tree = policy
    sources = amendment.tree.get("sources")
    if isinstance(sources, Mapping):
        for key, document in sources.entries:
            tree = _change(tree, f"sources.{key.value}", key.span, document, "add", diagnostics)
    for verb in ("set", "add"):
        changes = amendment.tree.get(verb)
        if isinstance(changes, Mapping):
            for path, value in changes.entries:
                tree = _change(tree, path.value, path.span, value, verb, diagnostics)
    removed = amendment.tree.get("remove")
    if isinstance(removed, Sequence):
        for item in removed.items:
            if isinstance(item, Scalar):
                tree = _change(tree, item.value, item.span, None, "remove", diagnostics)
    return tree, diagnostics


def _change(tree: Tree, path: str, span: Span, value: Tree | None, verb: str, out: list[Diagnostic]) -> Tree:
    keys = path.split(".")
    if not all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+", k) for k in keys):
        out.append(Diagnostic("path-form", span, {"path": path}))
        return tree
    changed = _at(tree, keys, path, span, value, verb, out)
    return tree if changed is None else changed


def _at(tree: Tree, keys: list[str], path: str, span: Span, value: Tree | None, verb: str, out: list[Diagnostic]) -> Tree | None:
    """The tree with the change made below it, or None, reported, where the path leads nowhere."""
    key, rest = keys[0], keys[1:]
    if isinstance(tree, Sequence) and key.isdigit() and int(key) < len(tree.items) and (rest or verb != "add"):
        return _in_sequence(tree, int(key), keys, path, span, value, verb, out)
    if not isinstance(tree, Mapping):
        # A short entry (`name: value`) stands for a long one with that value.
        if isinstance(tree, Scalar) and not rest and key == "value" and verb == "set" and value is not None:
            return value
        out.append(Diagnostic("unknown-path", span, {"path": path, "key": key, "nearest": None}))
        return None
    names = [k.value for k, _ in tree.entries]
    if key not in names:
        # A pending parameter is filled by setting its `value`.
        fills = not rest and verb == "set" and key == "value" and "pending" in names
        if (verb == "add" and not rest) or fills:
            assert value is not None
            return Mapping(tree.span, (*tree.entries, (Scalar(span, key, None), value)))
        if verb == "add" and value is not None:
            # The first entry of a section that the policy does not have yet.
            inner = value
            for step in reversed(rest):
                inner = Mapping(span, ((Scalar(span, step, None), inner),))
            return Mapping(tree.span, (*tree.entries, (Scalar(span, key, None), inner)))
        out.append(Diagnostic("unknown-path", span, {"path": path, "key": key, "nearest": nearest(key, names)}))
        return None
    if verb == "add" and not rest:
        out.append(Diagnostic("path-exists", span, {"path": path}))
        return None
    entries: list[tuple[Scalar, Tree]] = []
    for name, inner_tree in tree.entries:
        if name.value != key:
            entries.append((name, inner_tree))
        elif rest:
            inner_changed = _at(inner_tree, rest, path, span, value, verb, out)
            if inner_changed is None:
                return None
            entries.append((name, inner_changed))
        elif value is not None:
            entries.append((name, value))
    return Mapping(tree.span, tuple(entries))


def _in_sequence(
    tree: Sequence, index: int, keys: list[str], path: str, span: Span, value: Tree | None, verb: str, out: list[Diagnostic]
) -> Tree | None:
    items = list(tree.items)
    if len(keys) > 1:
        changed = _at(items[index], keys[1:], path, span, value, verb, out)
        if changed is None:
            return None
        items[index] = changed
    elif value is None:
        del items[index]
    else:
        items[index] = value
    return Sequence(tree.span, tuple(items))
