"""A YAML tree held against the shape that it must have: what fits is kept, what does not is reported and left out.

Gives a tree in which every key is known and every node is of the kind that its shape asks for; `Unreadable` marks the holes.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import assert_never

from bandolo import limits
from bandolo.diagnostics import Diagnostic
from bandolo.diagnostics.spelling import nearest
from bandolo.source import Span
from bandolo.syntax import shape as s
from bandolo.syntax.yaml_tree import Mapping, Scalar, Sequence, Tree, Unreadable

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
TYPE = re.compile(r"(list of |reference to )?[A-Za-z_][A-Za-z0-9_]*( in (days|months))?")


def fit(tree: Tree, shape: s.Shape) -> tuple[Tree, list[Diagnostic]]:
    """The part of a tree that fits a shape.

    Codes: `unknown-key`, `missing-key`, `expected-mapping`, `expected-list`, `expected-value`, `bad-word`, `bad-name`, `bad-type`,
    `bad-flag`, `name-too-long`.
    """
    diagnostics: list[Diagnostic] = []
    return _fit(tree, shape, diagnostics, ""), diagnostics


def _fit(tree: Tree, shape: s.Shape, out: list[Diagnostic], key: str) -> Tree:
    if isinstance(tree, Unreadable):
        return tree
    match shape:
        case s.Anything():
            return tree
        case s.AtPaths():
            return tree if isinstance(tree, Mapping) else _wrong("expected-mapping", tree, out, key)
        case s.Expression():
            return _expression(tree, out, key)
        case s.Word(words=words):
            return _word(tree, words, out, key)
        case s.Ident():
            return _pattern(tree, NAME, "bad-name", out, key)
        case s.TypeName():
            return _pattern(tree, TYPE, "bad-type", out, key)
        case s.Plain():
            return _scalar(tree, out, key)
        case s.Text() | s.Template():
            return _text(tree, out, key)
        case s.Flag():
            return _word(tree, ("true", "false"), out, key, "bad-flag")
        case s.Keys():
            return _keys(tree, shape, out, key)
        case s.Entries(value=value):
            return _entries(tree, value, out, key)
        case s.Items(item=item, single=single):
            if isinstance(tree, Sequence):
                return Sequence(tree.span, tuple(_fit(i, item, out, key) for i in tree.items))
            if single:
                return Sequence(tree.span, (_fit(tree, item, out, key),))
            return _wrong("expected-list", tree, out, key)
        case s.OneOf():
            return _one_of(tree, shape, out, key)
        case s.Nested():
            if isinstance(tree, Mapping):
                return Mapping(tree.span, tuple((k, _fit(v, shape, out, k.value)) for k, v in tree.entries))
            return _expression(tree, out, key)
        case _:
            assert_never(shape)


def _wrong(code: str, tree: Tree, out: list[Diagnostic], key: str) -> Unreadable:
    if key in ("source", "quote"):
        code = "source-form"
    end = min(max(tree.span.end, tree.span.start + 1), len(tree.span.source.text))
    span = Span(tree.span.source, min(tree.span.start, end), end)
    out.append(Diagnostic(code, span, {"key": key}))
    return Unreadable(tree.span)


def _expression(tree: Tree, out: list[Diagnostic], key: str) -> Tree:
    if isinstance(tree, Sequence) and tree.span.text.startswith("["):
        return Scalar(tree.span, tree.span.text, None)  # a list literal that YAML took for its own
    return _scalar(tree, out, key)


def _scalar(tree: Tree, out: list[Diagnostic], key: str) -> Tree:
    if not isinstance(tree, Scalar) or not tree.value.strip():
        return _wrong("expected-value", tree, out, key)
    return tree


def _word(tree: Tree, words: tuple[str, ...], out: list[Diagnostic], key: str, code: str = "bad-word") -> Tree:
    tree = _scalar(tree, out, key)
    if not isinstance(tree, Scalar) or tree.value in words:
        return tree
    args = {"key": key, "found": tree.value, "nearest": nearest(tree.value, words, 0.75), "words": ", ".join(words)}
    out.append(Diagnostic(code, tree.span, args))
    return Unreadable(tree.span)


def _pattern(tree: Tree, pattern: re.Pattern[str], code: str, out: list[Diagnostic], key: str) -> Tree:
    tree = _scalar(tree, out, key)
    if isinstance(tree, Scalar) and not pattern.fullmatch(tree.value):
        out.append(Diagnostic(code, tree.span, {"key": key, "found": tree.value}))
        return Unreadable(tree.span)
    return tree


def _text(tree: Tree, out: list[Diagnostic], key: str) -> Tree:
    if isinstance(tree, Scalar):
        return _scalar(tree, out, key)
    if not isinstance(tree, Mapping):
        return _wrong("expected-value", tree, out, key)
    known = {"it": s.Key(s.PLAIN, "", ""), "en": s.Key(s.PLAIN, "", "")}
    return _keys(tree, s.Keys(known), out, key)


def _keys(tree: Tree, shape: s.Keys, out: list[Diagnostic], key: str) -> Tree:
    if not isinstance(tree, Mapping):
        return _wrong("expected-mapping", tree, out, key)
    if shape.filled and not tree.entries:
        return _wrong("expected-value", tree, out, key)
    kept: list[tuple[Scalar, Tree]] = []
    chooses = shape.options is not None and tree.get("by") is not None
    for name, value in tree.entries:
        if name.value in shape.keys and not (chooses and shape.by_alone and name.value != "by"):
            kept.append((name, _fit(value, shape.keys[name.value].shape, out, name.value)))
        elif chooses and shape.options is not None:
            if isinstance(_pattern(name, NAME, "bad-name", out, key), Scalar):
                kept.append((name, _fit(value, shape.options, out, name.value)))
        elif (meant := _misspelt(name, value, tree, shape, out, key)) is not None:
            kept.append(meant)
    present = {name.value for name, _ in (*tree.entries, *kept)}
    missing = [k for k, v in shape.keys.items() if v.required and k not in present]
    if missing:
        # A misspelt key is one mistake: what it was meant to be is not missing besides.
        present |= {nearest(name.value, shape.keys) or "" for name, _ in tree.entries if name.value not in shape.keys}
    for required in (k for k in missing if k not in present):
        first = tree.entries[0][0].span if tree.entries else tree.span
        out.append(Diagnostic("missing-key", first, {"key": required, "section": key}))
    return Mapping(tree.span, tuple(kept))


def _misspelt(name: Scalar, value: Tree, tree: Mapping, shape: s.Keys, out: list[Diagnostic], key: str) -> tuple[Scalar, Tree] | None:
    """Reports a key that does not exist; the entry as it was most likely meant, so that one slip is not followed by a dozen others."""
    if isinstance(value, Unreadable):
        return None
    if name.is_plain and not NAME.fullmatch(name.value) and isinstance(value, Scalar) and not value.value:
        out.append(Diagnostic("yaml-flow-comma", name.span, {"text": name.value}))
        return None
    near = nearest(name.value, shape.keys)
    read = None
    if near is not None and tree.get(near) is None:
        inside: list[Diagnostic] = []
        fitted = _fit(value, shape.keys[near].shape, inside, near)
        if all(d.code == "unknown-key" and d.args["read"] for d in inside):
            out += inside
            read = (replace(name, value=near), fitted)
    args = {"key": name.value, "section": key, "nearest": near, "known": ", ".join(shape.keys), "read": read is not None}
    out.append(Diagnostic("unknown-key", name.span, args))
    return read


def _entries(tree: Tree, value: s.Shape, out: list[Diagnostic], key: str) -> Tree:
    if isinstance(tree, Scalar) and not tree.value:
        return Mapping(tree.span, ())  # an empty section says nothing
    if not isinstance(tree, Mapping):
        return _wrong("expected-mapping", tree, out, key)
    kept: list[tuple[Scalar, Tree]] = []
    for name, item in tree.entries:
        is_path = key in ("set", "add", "change", "results", "verdicts")
        fitted = _fit(item, value, out, name.value)
        if not is_path and not NAME.fullmatch(name.value):
            out.append(Diagnostic("bad-name", name.span, {"key": key, "found": name.value}))
        elif len(name.value) > limits.NAME_CHARACTERS and not is_path:
            out.append(Diagnostic("name-too-long", name.span, {"key": key, "found": name.value, "limit": limits.NAME_CHARACTERS}))
        else:
            kept.append((name, fitted))
    return Mapping(tree.span, tuple(kept))


def _one_of(tree: Tree, shape: s.OneOf, out: list[Diagnostic], key: str) -> Tree:
    if isinstance(tree, Scalar) and shape.scalar is not None:
        return _fit(tree, shape.scalar, out, key)
    if isinstance(tree, Mapping) and shape.mapping is not None:
        return _fit(tree, shape.mapping, out, key)
    if isinstance(tree, Sequence):
        if shape.sequence is not None:
            return _fit(tree, shape.sequence, out, key)
        if isinstance(shape.scalar, s.Expression):
            return _fit(tree, shape.scalar, out, key)
    if shape.scalar is not None:
        return _wrong("expected-value", tree, out, key)
    return _wrong("expected-list" if shape.sequence is not None else "expected-mapping", tree, out, key)
