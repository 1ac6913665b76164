"""The list of mutants that mean the same as the policy, each with its argument: `NAME.equivalent.yaml` beside the policy.

An entry must name a mutant that there is and that no case kills: the list can neither hide a question nor outlive its rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bandolo import limits
from bandolo.check.core import Texts
from bandolo.diagnostics import Diagnostic
from bandolo.diagnostics.spelling import nearest
from bandolo.source import Span, read_bytes
from bandolo.syntax.read import read_tree
from bandolo.syntax.shape import EQUIVALENT
from bandolo.syntax.shaped import fit
from bandolo.syntax.yaml_tree import Mapping, Scalar, Tree
from bandolo.syntax.yaml_tree import Sequence as TreeSequence
from bandolo.testing.mutation.mutants import Key, Mutant
from bandolo.testing.mutation.run import Fate


@dataclass(frozen=True, slots=True)
class Entry:
    """One mutant that is said to be equivalent, and why."""

    rule: str
    change: str
    because: Texts
    span: Span

    @property
    def key(self) -> Key:
        return self.rule, self.change


def read_equivalent(path: Path) -> tuple[list[Entry], list[Diagnostic]]:
    """The entries of a list. Codes: those of reading YAML and of `fit`, and `mutant-listed-twice`."""
    tree, diagnostics = read_tree(str(path), read_bytes(path, limits.POLICY_BYTES))
    if tree is None:
        return [], diagnostics
    shaped, said = fit(tree, EQUIVALENT)
    diagnostics += said
    entries: list[Entry] = []
    listed = shaped.get("mutants") if isinstance(shaped, Mapping) else None
    for item in listed.items if isinstance(listed, TreeSequence) else ():
        if isinstance(item, Mapping):
            entries += _entries(item)
    seen: set[Key] = set()
    for entry in entries:
        if entry.key in seen:
            diagnostics.append(Diagnostic("mutant-listed-twice", entry.span, {"rule": entry.rule, "mutation": entry.change}))
        seen.add(entry.key)
    return entries, diagnostics


def _entries(item: Mapping) -> list[Entry]:
    rule, mutation, because = item.get("rule"), item.get("mutation"), item.get("because")
    changes = mutation.items if isinstance(mutation, TreeSequence) else (mutation,)
    texts = _texts(because)
    return [
        Entry(rule.value, " ".join(change.value.split()), texts, change.span)
        for change in changes
        if isinstance(change, Scalar) and isinstance(rule, Scalar)
    ]


def _texts(tree: Tree | None) -> Texts:
    if isinstance(tree, Mapping):
        it, en = (v.value if isinstance(v := tree.get(lang), Scalar) else "" for lang in ("it", "en"))
        return Texts(it or en, en or it)
    return Texts(tree.value, tree.value) if isinstance(tree, Scalar) else Texts("", "")


def stale(entries: Sequence[Entry], mutants: Sequence[Mutant], fates: Sequence[Fate]) -> list[Diagnostic]:
    """What is wrong with a list by now. Codes: `no-such-mutant`, `mutant-killed`."""
    found = {m.key: f for m, f in zip(mutants, fates, strict=True)}
    diagnostics = []
    for entry in entries:
        fate = found.get(entry.key)
        args = {"rule": entry.rule, "mutation": entry.change}
        if fate is None:
            rules = {m.rule for m in mutants}
            near = (
                nearest(entry.rule, rules) if entry.rule not in rules else nearest(entry.change, [c for r, c in found if r == entry.rule])
            )
            diagnostics.append(Diagnostic("no-such-mutant", entry.span, {**args, "nearest": near}))
        elif fate.word == "killed":
            diagnostics.append(Diagnostic("mutant-killed", entry.span, {**args, "case": fate.by}))
        elif fate.word == "refused":
            diagnostics.append(Diagnostic("mutant-refused", entry.span, args))
    return diagnostics
