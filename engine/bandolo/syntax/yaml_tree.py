"""YAML text to a tree of nodes with places: PyYAML's C parser gives events, and nothing is ever typed implicitly.

Depth and number of nodes are bounded on the events, and the tree is built without recursion: libyaml's own composer, given
100,000 nested brackets, ends the process. Anchors, aliases, tags, merge keys and duplicate keys are refused.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

import yaml

from bandolo import limits
from bandolo.diagnostics import Diagnostic, Label
from bandolo.records import dataclass, field
from bandolo.source import SourceFile, Span
from bandolo.syntax.yaml_traps import curly_quotes, explain_yaml_error, flow_trap, split_amount

Loader = getattr(yaml, "CLoader", yaml.Loader)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text, with its style: plain (None), quoted, or block."""

    span: Span
    value: str
    style: str | None

    @property
    def is_plain(self) -> bool:
        return self.style is None


@dataclass(frozen=True, slots=True)
class Mapping:
    span: Span
    entries: tuple[tuple[Scalar, Tree], ...]

    def get(self, key: str) -> Tree | None:
        return next((value for k, value in self.entries if k.value == key), None)


@dataclass(frozen=True, slots=True)
class Sequence:
    span: Span
    items: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What stands where the text could not be read; the mistake is already reported."""

    span: Span


Tree = Scalar | Mapping | Sequence | Unreadable


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet."""

    start: int
    is_mapping: bool
    in_flow: bool
    children: list[Tree] = field(default_factory=list)


class _Stop(Exception):
    """Reading cannot go on; the reason is already among the diagnostics."""


def parse_yaml(source: SourceFile) -> tuple[Tree | None, list[Diagnostic]]:
    """The tree of a YAML text, or None where it cannot be read at all.

    Codes: the `yaml-*` family, `too-deep`, `too-large`, `duplicate-key`, `empty-file`.
    """
    diagnostics: list[Diagnostic] = []
    try:
        return _build(source, diagnostics), diagnostics
    except yaml.YAMLError as error:
        said = explain_yaml_error(source, error)
        return None, [*(d for d in diagnostics if d.place != said.place), said]
    except _Stop:
        pass
    return None, diagnostics


def _build(source: SourceFile, diagnostics: list[Diagnostic]) -> Tree | None:
    root: Tree | None = None
    stack: list[_Open] = []
    nodes = 0
    refused = False
    for event in yaml.parse(source.text, Loader=Loader):
        start, end = _offsets(event)
        if isinstance(event, yaml.DocumentStartEvent) and root is not None:
            _stop(diagnostics, "yaml-second-document", source, start, end)
        if isinstance(event, yaml.NodeEvent):
            nodes += 1
            if nodes > limits.YAML_NODES:
                _stop(diagnostics, "too-many-entries", source, start, end, limit=limits.YAML_NODES)
            refused = _refuse_extras(source, event, diagnostics)
        node: Tree | None = None
        match event:
            case yaml.ScalarEvent() if refused:
                node = Unreadable(Span(source, start, end))
            case yaml.ScalarEvent():
                node = Scalar(_trimmed(source, start, end, event.style), event.value, event.style or None)
                if node.is_plain and curly_quotes(node.value):
                    node = _as_meant(node, bool(stack) and stack[-1].in_flow, diagnostics)
            case yaml.AliasEvent():
                node = Unreadable(Span(source, start, end))
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                if len(stack) >= limits.YAML_DEPTH:
                    _stop(diagnostics, "too-deep", source, start, end, limit=limits.YAML_DEPTH)
                stack.append(_Open(start, isinstance(event, yaml.MappingStartEvent), bool(event.flow_style)))
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                opened = stack.pop()
                node = _close(source, opened, end, diagnostics)
        if node is not None:
            if stack:
                stack[-1].children.append(node)
            else:
                root = node
    if root is None:
        diagnostics.append(Diagnostic("empty-file", Span(source, 0, 0)))
    return root


def _offsets(event: yaml.Event) -> tuple[int, int]:
    assert event.start_mark is not None
    assert event.end_mark is not None
    return event.start_mark.index, event.end_mark.index


def _trimmed(source: SourceFile, start: int, end: int, style: str | None) -> Span:
    """The span of a scalar; a block scalar ends with its last character, not at the start of the next key."""
    if style in ("|", ">"):
        end = start + len(source.text[start:end].rstrip())
    return Span(source, start, end)


def _as_meant(scalar: Scalar, in_flow: bool, diagnostics: list[Diagnostic]) -> Tree:
    """Reports the curly quotes around a scalar; what stands between them, if the text has not fallen apart at a comma."""
    span = scalar.span
    diagnostics.append(Diagnostic("curly-quotes", span))
    closed = scalar.value[-1] in '“”’‘"'
    if in_flow and not closed:
        return Unreadable(span)
    return Scalar(Span(span.source, span.start + 1, span.end - closed), scalar.value[1:-1] if closed else scalar.value[1:], None)


def _close(source: SourceFile, opened: _Open, end: int, diagnostics: list[Diagnostic]) -> Tree:
    children = opened.children
    last = children[-1].span.end if children else opened.start
    span = Span(source, opened.start, end if opened.in_flow else max(last, opened.start))
    if opened.in_flow:
        if any(isinstance(c, Unreadable) and curly_quotes(c.span.text) for c in children):
            return Unreadable(span)  # the pieces of a text that fell apart
        plain = [c.value for c in children if isinstance(c, Scalar) and c.is_plain]
        amount = split_amount(plain) if opened.is_mapping else None
        if amount is not None:
            diagnostics.append(Diagnostic("italian-number", span, {"found": amount}))
            return Unreadable(span)
        trap = flow_trap(plain)
        if trap:
            diagnostics.append(Diagnostic("yaml-flow-comma", span, {"text": trap}))
            return Unreadable(span)
    if not opened.is_mapping:
        return Sequence(span, tuple(children))
    entries: list[tuple[Scalar, Tree]] = []
    seen: dict[str, Scalar] = {}
    for key, value in zip(children[::2], children[1::2], strict=True):
        if not isinstance(key, Scalar):
            if not isinstance(key, Unreadable):
                diagnostics.append(Diagnostic("yaml-key", key.span))
        elif key.value in seen:
            label = Label(seen[key.value].span, "first-here")
            diagnostics.append(Diagnostic("duplicate-key", key.span, {"key": key.value}, (label,)))
        else:
            seen[key.value] = key
            entries.append((key, value))
    return Mapping(span, tuple(entries))


def _refuse_extras(source: SourceFile, event: yaml.NodeEvent, diagnostics: list[Diagnostic]) -> bool:
    """Report anchors, aliases, tags and merge keys; whether there was one."""
    tag = getattr(event, "tag", None)
    merges = isinstance(event, yaml.ScalarEvent) and event.value == "<<" and not event.style
    if event.anchor is None and tag is None and not merges:
        return False
    span = Span(source, *_offsets(event))
    if event.anchor is not None:
        code = "yaml-alias" if isinstance(event, yaml.AliasEvent) else "yaml-anchor"
        diagnostics.append(Diagnostic(code, span, {"name": event.anchor}))
    if tag is not None:
        diagnostics.append(Diagnostic("yaml-tag", span, {"tag": tag}))
    if merges:
        diagnostics.append(Diagnostic("yaml-merge", span))
    return True


def _stop(diagnostics: list[Diagnostic], code: str, source: SourceFile, start: int, end: int, **args: object) -> None:
    diagnostics.append(Diagnostic(code, Span(source, start, max(end, start + 1)), dict(args)))
    raise _Stop


@dataclass(frozen=True, slots=True)
class Embedded:
    """A text inside a scalar, and where each of its characters stands in the file.

    `breaks` lists (index in text, offset in file) wherever the two stop running in step: after each escape of a quoted scalar.
    """

    source: SourceFile
    text: str
    breaks: tuple[tuple[int, int], ...]

    def span(self, start: int, end: int) -> Span:
        return Span(self.source, self._offset(start), max(self._offset(end - 1) + 1 if end > start else self._offset(end), 0))

    def part(self, start: int, end: int) -> Embedded:
        """A stretch of this text, with its places."""
        later = tuple((index - start, offset) for index, offset in self.breaks if start < index < end)
        return Embedded(self.source, self.text[start:end], ((0, self._offset(start)), *later))

    def _offset(self, index: int) -> int:
        at = bisect_right(self.breaks, (index, len(self.source.text) + 1)) - 1
        base_index, base_offset = self.breaks[at]
        return base_offset + index - base_index


def embedded(scalar: Scalar) -> Embedded:
    """The text of a scalar as it lies in the file, so that a parser of that text can report places in the file.

    Line breaks and indentation of multi-line scalars are kept (they are white space to the parser); escapes of quoted scalars are
    resolved, and the places kept in step.
    """
    source, start, end = scalar.span.source, scalar.span.start, scalar.span.end
    raw = source.text[start:end]
    if scalar.style in ("|", ">"):
        skip = raw.find("\n") + 1
        return Embedded(source, raw[skip:] if skip else "", ((0, start + skip),))
    if scalar.style is None:
        return Embedded(source, raw, ((0, start),))
    inner = raw[1:-1]
    pattern = r"''" if scalar.style == "'" else r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.|\n)"
    pieces: list[str] = []
    breaks = [(0, start + 1)]
    at = length = 0
    for match in re.finditer(pattern, inner):
        plain = inner[at : match.start()]
        character = _unescaped(match.group())
        pieces += [plain, character]
        length += len(plain) + len(character)
        at = match.end()
        breaks.append((length, start + 1 + at))
    pieces.append(inner[at:])
    return Embedded(source, "".join(pieces), tuple(breaks))


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", " ": " ", '"': '"', "/": "/", "\\": "\\", "\n": " ", "_": "\xa0"}


def _unescaped(escape: str) -> str:
    if escape == "''":
        return "'"
    if escape[1] in "xuU" and len(escape) > 2:
        code = int(escape[2:], 16)
        return chr(code) if code < 0x110000 else " "
    return _ESCAPES.get(escape[1], " ")


def walk(tree: Tree) -> Iterator[Tree]:
    """Every node of a tree, without recursion."""
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, Mapping):
            for key, value in node.entries:
                stack += (key, value)
        elif isinstance(node, Sequence):
            stack += node.items
