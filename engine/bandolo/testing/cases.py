"""Case files: `*.cases.yaml`, written as policy staff would, read into applications and expectations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bandolo import limits
from bandolo.diagnostics import Diagnostic, Label
from bandolo.diagnostics.spelling import nearest
from bandolo.evaluate.yaml_data import data_of
from bandolo.source import Span, read_bytes
from bandolo.syntax.read import read_tree
from bandolo.syntax.shape import CASE, CASES
from bandolo.syntax.shaped import fit
from bandolo.syntax.yaml_tree import Mapping, Scalar, Sequence, Tree
from bandolo.testing.changes import BadPath, Derived, changed, expanded, numbered
from bandolo.testing.tables import cases_of_table

__all__ = ["BadPath", "Case", "CaseFile", "Mismatch", "Ranked", "Written", "changed", "expanded", "numbered", "read_cases"]

Keys = tuple[str, ...]


@dataclass(frozen=True)
class Mismatch:
    """What a case expects somewhere, and what came.

    `keys` lead to the expectation in `expect`. `accepted` is what would stand there if what came were accepted: a text, a list or a
    mapping as YAML data, DROP where the entry would go, None where that must be said by hand.
    """

    where: str
    expected: str
    got: str
    keys: Keys = ()
    accepted: Any = None


class Drop:
    """In place of what is accepted: the entry goes."""


DROP = Drop()


@dataclass(frozen=True)
class Ranked:
    """One of the applications that a case ranks, or several alike, `{n}` in their changes counting from 1."""

    like: str | None
    change: dict[str, Any]
    repeat: int
    spans: dict[str, Span] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Written:
    """A value as it stands in the file, with its key and the collection that holds it."""

    tree: Tree
    key: Scalar
    within: Mapping


@dataclass(frozen=True)
class Case:
    """One case: `application` before its changes, `change` by path (or those that are ranked), and what is expected.

    `tags` are those of the file and its own. `written` holds where everything in `expect` and `change` stands, by its keys.
    """

    name: str
    like: str | None
    change: dict[str, Any]
    as_of: str | None
    assume: bool | tuple[str, ...]
    set: dict[str, Any]
    readings: dict[str, str]
    amend: tuple[str, ...]
    expect: dict[str, Any]
    span: Span
    rank: tuple[Ranked, ...] = ()
    tags: tuple[str, ...] = ()
    written: dict[Keys, Written] = field(default_factory=dict, compare=False, repr=False)

    def place(self, *keys: str) -> Span:
        """Where something in `expect` or `change` stands, else the case."""
        found = self.written.get(keys)
        return found.key.span if found is not None else self.span


@dataclass(frozen=True)
class CaseFile:
    path: Path
    policy: Path
    applications: dict[str, Any]
    """By name; one that is `like` another is `Derived`, which `changed` reads."""
    cases: tuple[Case, ...]


def read_cases(path: Path) -> tuple[CaseFile | None, list[Diagnostic]]:
    """The cases of a file. Codes: those of `cases_of_bytes`; OSError if it cannot be read."""
    return cases_of_bytes(path, read_bytes(path, limits.POLICY_BYTES))


def cases_of_bytes(path: Path, content: bytes) -> tuple[CaseFile | None, list[Diagnostic]]:
    """The cases in the bytes of a file.

    Codes: those of reading YAML, `unknown-application`, `application-loop`, `no-expectation`, `case-twice`, those of tables.
    """
    tree, diagnostics = read_tree(str(path), content)
    if tree is None:
        return None, diagnostics
    shaped, said = fit(tree, CASES)
    diagnostics += said
    if not isinstance(shaped, Mapping) or diagnostics:
        return None, diagnostics
    applications, diagnostics = _applications(shaped)
    cases: list[Case] = []
    by_name: dict[str, Case] = {}
    listed = shaped.get("cases")
    for item in listed.items if isinstance(listed, Sequence) else ():
        for one in _written_out(item, diagnostics):
            case = _case(one, shaped)
            for like in (case.like, *(r.like for r in case.rank)):
                if like is not None and like not in applications:
                    diagnostics.append(_no_application(like, applications, case.span))
            if not case.expect:
                diagnostics.append(Diagnostic("no-expectation", case.span, {"name": case.name}))
            if case.name in by_name:
                label = Label(by_name[case.name].span, "first-here")
                diagnostics.append(Diagnostic("case-twice", case.span, {"name": case.name}, (label,)))
            by_name.setdefault(case.name, case)
            cases.append(case)
    policy = path.parent / _text(shaped.get("cases_of"))
    return (CaseFile(path, policy, applications, tuple(cases)) if not diagnostics else None), diagnostics


def _written_out(item: Tree, diagnostics: list[Diagnostic]) -> Iterator[Mapping]:
    """The cases that an item of the list stands for: itself, or one for each row of its table."""
    if not isinstance(item, Mapping):
        return
    found, said = cases_of_table(item)
    diagnostics += said
    for one in found:
        if one is item:
            yield one
            continue
        fitted, said = fit(one, CASE)
        diagnostics += [d for d in said if d not in diagnostics]
        if isinstance(fitted, Mapping) and not said:
            yield fitted


def _no_application(name: str, known: dict[str, Any], span: Span) -> Diagnostic:
    return Diagnostic("unknown-application", span, {"name": name, "nearest": nearest(name, known)})


def _applications(whole: Mapping) -> tuple[dict[str, Any], list[Diagnostic]]:
    """The applications by name, in the order of the file, each that is like another after that one has been found."""
    section = whole.get("applications")
    trees = {key.value: value for key, value in section.entries} if isinstance(section, Mapping) else {}
    found: dict[str, Any] = {}
    diagnostics: list[Diagnostic] = []

    def find(name: str, above: tuple[str, ...]) -> Any:
        if name in found:
            return found[name]
        tree = trees[name]
        like = tree.get("like") if isinstance(tree, Mapping) else None
        if isinstance(tree, Mapping) and isinstance(like, Scalar) and {k.value for k, _ in tree.entries} <= {"like", "change"}:
            change = tree.get("change")
            if like.value not in trees:
                diagnostics.append(_no_application(like.value, trees, like.span))
            elif like.value in (*above, name):
                diagnostics.append(Diagnostic("application-loop", like.span, {"loop": " → ".join((*above, name, like.value))}))
            else:
                found[name] = Derived(find(like.value, (*above, name)), _changes(change), _spans(change))
            return found.setdefault(name, {})
        found[name] = expanded(data_of(tree))
        return found[name]

    for name in trees:
        find(name, ())
    return {name: found[name] for name in trees}, diagnostics


def _text(tree: Tree | None) -> str:
    return tree.value if isinstance(tree, Scalar) else ""


def _changes(tree: Tree | None) -> dict[str, Any]:
    return {k.value: expanded(data_of(v)) for k, v in tree.entries} if isinstance(tree, Mapping) else {}


def _spans(tree: Tree | None) -> dict[str, Span]:
    return {k.value: k.span for k, _ in tree.entries} if isinstance(tree, Mapping) else {}


def _case(item: Mapping, whole: Mapping) -> Case:
    def data(name: str) -> Any:
        tree = item.get(name) or whole.get(name)
        return None if tree is None else data_of(tree)

    def merged(name: str) -> dict[str, Any]:
        first, second = (data_of(t) if t is not None else {} for t in (whole.get(name), item.get(name)))
        return {**first, **second}

    assume = data("assume")
    as_of = data("as_of")
    expect = item.get("expect")
    like = item.get("like")
    ranked = item.get("rank")
    tags = [data_of(t) for t in (whole.get("tags"), item.get("tags")) if t is not None]
    return Case(
        _text(item.get("name")),
        like.value if isinstance(like, Scalar) else None,
        _changes(item.get("change")),
        None if as_of is None else str(as_of),
        tuple(str(a) for a in assume) if isinstance(assume, list) else assume == "true",
        merged("set"),
        {k: str(v) for k, v in merged("readings").items()},
        tuple(str(a) for a in data("amend") or ()),
        data_of(expect) if expect is not None else {},
        item.span,
        tuple(_ranked(one) for one in ranked.items if isinstance(one, Mapping)) if isinstance(ranked, Sequence) else (),
        tuple(dict.fromkeys(str(tag) for some in tags for tag in some)),
        {keys: w for name in ("expect", "change") for keys, w in _places(item, name, ())},
    )


def _places(mapping: Mapping, only: str | None, above: Keys) -> Iterator[tuple[Keys, Written]]:
    for key, value in mapping.entries:
        if only in (None, key.value):
            keys = (*above, key.value)
            yield keys, Written(value, key, mapping)
            if isinstance(value, Mapping) and len(keys) < 8:
                yield from _places(value, None, keys)


def _ranked(item: Mapping) -> Ranked:
    like, repeat = item.get("like"), _text(item.get("repeat"))
    return Ranked(
        like.value if isinstance(like, Scalar) else None,
        _changes(item.get("change")),
        min(int(repeat), limits.LIST_LENGTH) if repeat.isdigit() else 1,
        _spans(item.get("change")),
    )
