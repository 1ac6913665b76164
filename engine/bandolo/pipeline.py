"""The driver: source → ast → core → settled, one line an arrow. Every pass gives a value and diagnostics; none stops the others.

bytes ─▶ tree ─▶ ast ─▶ core ─▶ settled            (here)
         syntax/        check/  evaluate/           then: evaluate/decide.py, explain/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bandolo.check import core
from bandolo.check.echoes import without_echoes
from bandolo.check.policy import check as check_document
from bandolo.check.quotes import Norm, check_norms, check_quotes
from bandolo.diagnostics import Diagnostic, errors, in_order
from bandolo.evaluate.foresee import foresee
from bandolo.evaluate.settle import AS_OF_UNKNOWN, Changes, Settled, settle
from bandolo.format.canonical import digest_of
from bandolo.syntax import ast
from bandolo.syntax.amendment import Amendment, amend, read_amendment
from bandolo.syntax.document import read_document
from bandolo.syntax.parser import parse_expression
from bandolo.syntax.read import read_tree
from bandolo.syntax.yaml_tree import Tree, embedded


@dataclass(frozen=True)
class Loaded:
    """What a policy file is at every stage; later stages are None where an earlier one has errors."""

    tree: Tree | None
    document: ast.PolicyDoc | None
    policy: core.Policy | None
    settled: Settled | None
    amendments: tuple[Amendment, ...]
    diagnostics: tuple[Diagnostic, ...]


def load(path: str, content: bytes, amendments: Sequence[tuple[str, bytes]] = ()) -> Loaded:
    """A policy from the bytes of its file and of the amendments to it, in order, with all that is to be said of them."""
    tree, found = read_tree(path, content)
    readable = not errors(found)
    acts: list[Amendment] = []
    for act_path, act_content in amendments:
        act_tree, said = read_tree(act_path, act_content)
        act, more = read_amendment(act_tree) if act_tree is not None else (None, [])
        tree, changed = amend(tree, act, Path(path).name) if tree is not None and act is not None else (tree, [])
        found += said + more + changed
        acts += [act] if act is not None else []
    document, said = read_document(tree) if tree is not None else (None, [])
    found += said
    try:
        condition = acts[-1].applies_to if acts else None
        reach, said = parse_expression(embedded(condition)) if condition is not None else (None, [])
        found += said
        # A section that is not understood as such would make everything that speaks of it look wrong.
        structural = ("unknown-key", "missing-key", "not-a-policy")
        whole = not any(d.code in structural and d.args.get("section") == "" and not d.args.get("read") for d in found)
        policy, said = check_document(document, reach) if document is not None and whole and readable else (None, [])
        found += said
        usable = policy if not errors(found) else None
        settled, said = settle(usable, Changes(), AS_OF_UNKNOWN) if usable is not None else (None, [])
        found += said
        if usable is not None and settled is not None and not errors(found):
            found += foresee(usable, settled)
    except RecursionError:
        policy = settled = usable = None
        found.append(Diagnostic("policy-too-complex", document.span if document is not None else None, {"limit": "—"}))
    done = usable if not errors(found) else None
    if errors(found):
        # What seems unused may be used where the mistake stands.
        found = without_echoes(errors(found))
    if done is not None and tree is not None:
        done = replace(done, digest=digest_of(tree), acts=tuple(core.Act(act.id, core.Texts(*act.title), act.date) for act in acts))
    return Loaded(tree, document, done, settled if done is not None else None, tuple(acts), tuple(in_order(found)))


def quotes(loaded: Loaded, texts: Mapping[str, str], norms: Sequence[Norm] = ()) -> list[Diagnostic]:
    """What is to be said of the quotes of a policy, given the texts of its sources by name and the lists of their norms."""
    if loaded.document is None:
        return []
    return in_order(check_quotes(loaded.document, texts) + check_norms(loaded.document, norms, texts))
