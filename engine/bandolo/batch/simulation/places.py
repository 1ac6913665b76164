"""Places of a policy that hold one constant and are no parameters, opened: each becomes a parameter, so that a what-if can set it.

It is done as an amending act would do it, and the amended text is checked like any other: what comes out means what the policy means with
another figure in that place, and what cannot stand there is refused as it would be in the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bandolo.diagnostics import Diagnostic, PolicyError
from bandolo.diagnostics.spelling import nearest
from bandolo.policy import Policy, policy_from_bytes
from bandolo.syntax import ast
from bandolo.syntax.yaml_tree import Mapping as Entries
from bandolo.syntax.yaml_tree import Scalar, Tree, embedded
from bandolo.syntax.yaml_tree import Sequence as Items

STANDS_FOR = ("value", "values", "points", "amount", "rate", "at", "after")
"""Keys that need not be written: what a path leads to holds its constant there."""
CONSTANTS = ("number", "percent", "money", "instant", "date", "duration", "true", "false")


@dataclass(frozen=True, slots=True)
class Place:
    """A constant of the policy's file: its full path, and its text."""

    path: tuple[str, ...]
    text: str

    @property
    def said(self) -> str:
        return ".".join(self.path)

    @property
    def parameter(self) -> str:
        """The name of the parameter that it becomes."""
        return re.sub(r"\W", "_", "_".join(k for k in self.path if k not in ("values", "value")))


def place_of(policy: Policy, path: str) -> Place:
    """The constant at a path, as `rates.aid_intensity.large`. PolicyError with `unknown-path`, `vary-no-constant`."""
    from bandolo.syntax.parser import parse_expression  # only where a place is no parameter: it brings the grammar

    tree: Tree | None = policy.loaded.tree
    keys, done = path.split("."), list[str]()
    while keys:
        key = keys[0]
        inner = _below(tree, key)
        if inner is None:
            implied = next((k for k in STANDS_FOR if (found := _below(tree, k)) is not None and not isinstance(found, Scalar)), None)
            if implied is None or _below(_below(tree, implied), key) is None:
                near = nearest(key, [*_names(tree), *(n for k in STANDS_FOR for n in _names(_below(tree, k)))])
                raise PolicyError([Diagnostic("unknown-path", path=f"vary.{path}", args={"path": path, "key": key, "nearest": near})])
            done.append(implied)
            tree = _below(tree, implied)
            continue
        done.append(key)
        tree, keys = inner, keys[1:]
    while not isinstance(tree, Scalar):
        implied = next((k for k in STANDS_FOR if isinstance(_below(tree, k), Scalar)), None)
        if implied is None:
            said = ", ".join(_names(tree)[:6]) or "…"
            raise PolicyError([Diagnostic("vary-no-constant", path=f"vary.{path}", args={"path": path, "found": said})])
        done.append(implied)
        tree = _below(tree, implied)
    expression, wrong = parse_expression(embedded(tree))
    if wrong or not isinstance(expression, ast.Literal) or expression.kind not in CONSTANTS:
        raise PolicyError([Diagnostic("vary-no-constant", path=f"vary.{path}", args={"path": path, "found": tree.value[:60]})])
    return Place(tuple(done), tree.value)


def _below(tree: Tree | None, key: str) -> Tree | None:
    if isinstance(tree, Entries):
        return next((value for name, value in tree.entries if name.value == key), None)
    if isinstance(tree, Items) and key.isdigit() and int(key) < len(tree.items):
        return tree.items[int(key)]
    return None


def _names(tree: Tree | None) -> list[str]:
    if isinstance(tree, Entries):
        return [name.value for name, _ in tree.entries]
    return [str(i) for i in range(len(tree.items))] if isinstance(tree, Items) else []


def opened(policy: Policy, places: Sequence[Place]) -> Policy:
    """The policy with a parameter in each of some places, with the constant that stands there.

    PolicyError `vary-fixed` where the language wants a constant that is written out.
    """
    if not places:
        return policy
    (path, content), *acts = policy.files
    name = Path(path).name
    lines = ["bandolo: 1", f"amends: {json.dumps(name)}", "id: bandolo_simulate", "date: 1970-01-01", "title: bandolo simulate", "add:"]
    for place in places:
        lines += [f"  parameters.{place.parameter}:", f"    value: {place.text}"]
    lines += ["set:", *(f"  {place.said}: {place.parameter}" for place in places)]
    act = (f"{name} (vary)", "\n".join(lines).encode())
    # An act that reaches only some applications must stay the last: its condition is that of the whole text.
    first = next((i for i, some in enumerate(policy.conditional) if some), len(acts))
    try:
        return policy_from_bytes(path, content, [*acts[:first], act, *acts[first:]])
    except PolicyError as error:
        fixed = places if len(places) == 1 else [place for place in places if not _opens(policy, place)]
        found = [Diagnostic("vary-fixed", path=f"vary.{p.said}", args={"path": p.said, "found": p.text}) for p in fixed]
        raise PolicyError(found or list(error.diagnostics)) from error


def _opens(policy: Policy, place: Place) -> bool:
    try:
        opened(policy, [place])
    except PolicyError:
        return False
    return True
