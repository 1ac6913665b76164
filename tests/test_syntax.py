"""Expressions as text: what parses, what each slip is called, and that every place is the place in the file."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from bandolo.evaluate.yaml_data import data_of
from bandolo.pipeline import load
from bandolo.resources import grammar_text
from bandolo.source import SourceFile, Span
from bandolo.syntax import ast, parser
from bandolo.syntax.parser import parse_expression
from bandolo.syntax.read import read_tree
from bandolo.syntax.yaml_tree import Embedded, Mapping
from small import CASES, HEAD, found

IDENTITY = (CASES / "syntax" / "identity.txt").read_text(encoding="utf-8").splitlines()


def embedded(text: str) -> Embedded:
    """A text that stands in a file of its own."""
    return Embedded(SourceFile("expression", text), text, ((0, 0),))


def nodes(node: object) -> list[ast.Node]:
    """Every node of an expression, from the top."""
    if isinstance(node, tuple):
        return [n for part in node for n in nodes(part)]
    if not isinstance(node, ast.Node):
        return []
    parts = [getattr(node, name) for name in node.__dataclass_fields__ if name != "span"]
    return [node, *(n for part in parts for n in nodes(part))]


# What parses.


@pytest.mark.parametrize("text", IDENTITY)
def test_an_expression_of_the_language_parses(text: str) -> None:
    expression, diagnostics = parse_expression(embedded(text))
    assert diagnostics == []
    assert not any(isinstance(n, ast.Hole) for n in nodes(expression))


@pytest.mark.parametrize("text", IDENTITY)
def test_the_place_of_a_node_holds_its_own_text(text: str) -> None:
    for node in nodes(parse_expression(embedded(text))[0]):
        inner = node.span.text
        assert inner == inner.strip()
        assert parse_expression(embedded(inner)) == (node, [])


def test_blanks_and_line_breaks_mean_nothing() -> None:
    assert parse_expression(embedded(" a\n  and\tb \r\n or c"))[0] == parse_expression(embedded("a and b or c"))[0]


# What does not.


def slips() -> list[tuple[str, str]]:
    tree, said = read_tree("slips.yaml", (CASES / "syntax" / "slips.yaml").read_bytes())
    assert isinstance(tree, Mapping)
    assert not said
    rows = tree.get("rows")
    assert rows is not None
    return [(row["expr"], row["code"]) for row in data_of(rows)]


@pytest.mark.parametrize(("text", "code"), slips())
def test_a_slip_has_a_message_of_its_own(text: str, code: str) -> None:
    _, diagnostics = parse_expression(embedded(text))
    if not diagnostics:  # the literals: they are recognised, and refused by name when the policy is checked
        quoted = text.replace("'", "''")
        diagnostics = [
            d
            for d in found(f"entities: {{project: {{facts: {{}}}}}}\ndefinitions: {{project: {{d: '{quoted}'}}}}")
            if d.code not in ("unknown-name", "unused-definition")
        ]
    assert [d.code for d in diagnostics] == [code]


@pytest.mark.parametrize(("text", "code"), slips())
def test_a_slip_is_underlined_inside_its_text(text: str, code: str) -> None:
    for diagnostic in parse_expression(embedded(text))[1]:
        span = diagnostic.span
        assert span is not None
        assert 0 <= span.start <= span.end <= len(text), code
        assert span.text or not text.strip()


# The grammar and the tree.


def aliases() -> set[str]:
    rules = "\n".join(line.partition("//")[0] for line in grammar_text("expression.lark").splitlines())
    return set(re.findall(r"->\s*([a-z_]+)", rules))


def test_every_alias_of_the_grammar_builds_a_node_and_no_builder_is_left_over() -> None:
    assert aliases() == set(parser.BUILDERS)


def test_every_node_of_an_expression_can_be_written() -> None:
    built = {type(n) for text in IDENTITY for n in nodes(parse_expression(embedded(text))[0])}
    assert built == {*get_args(ast.Expr)} - {ast.Hole}


def test_the_examples_build_with_every_alias(monkeypatch: pytest.MonkeyPatch) -> None:
    used: set[str] = set()

    def noted(name: str, build: object) -> object:
        def call(*args: object) -> object:
            used.add(name)
            return build(*args)  # type: ignore[operator]

        return call

    monkeypatch.setattr(parser, "BUILDERS", {k: noted(k, v) for k, v in parser.BUILDERS.items()})
    for text in IDENTITY:
        parse_expression(embedded(text))
    assert used == set(parser.BUILDERS)


# Places.

FACTS = "entities:\n  project:\n    facts:\n      costs: money\n      signed: boolean\n"
SCALARS = {
    "a plain scalar": "check: costs > unknown_thing",
    "a plain scalar of two lines": "check: costs >\n        unknown_thing",
    "a plain scalar that begins on the next line": "check:\n        signed and\n        costs > unknown_thing",
    "a plain scalar with a blank line inside": "check: signed and\n\n        costs > unknown_thing",
    "single quotes": "check: 'costs > unknown_thing'",
    "single quotes with a doubled one": "check: '\"it''s\" = \"it''s\" and costs > unknown_thing'",
    "single quotes over two lines": "check: 'signed and\n        costs > unknown_thing'",
    "double quotes": 'check: "costs > unknown_thing"',
    "double quotes with an escaped quote": r'check: "\"a\" = \"a\" and costs > unknown_thing"',
    "double quotes with a hexadecimal letter": r'check: "\x63osts > unknown_thing"',
    "double quotes with a four-digit letter": r'check: "\u0063osts > unknown_thing"',
    "double quotes with an eight-digit letter": r'check: "\U00000063osts > unknown_thing"',
    "double quotes with a tab": r'check: "costs\t> unknown_thing"',
    "double quotes with a line break that is taken away": 'check: "costs > \\\n        unknown_thing"',
    "double quotes over two lines": 'check: "signed and\n        costs > unknown_thing"',
    "a literal block": "check: |\n        signed and\n        costs > unknown_thing",
    "a literal block without its last line break": "check: |-\n        signed and\n          costs > unknown_thing",
    "a literal block with its indentation stated": "check: |2\n        signed and costs > unknown_thing",
    "a literal block with a comment on its first line": "check: | # why\n        signed and costs > unknown_thing",
    "a folded block": "check: >\n        signed and\n        costs > unknown_thing",
    "a folded block without its last line break": "check: >-\n        signed\n\n        and costs > unknown_thing",
}


def policy_with(entry: str) -> str:
    return f"{HEAD}{FACTS}requirements:\n  project:\n    first:\n      {entry}\n      otherwise: flag\n"


def place_of_unknown(content: bytes) -> tuple[int, int, str]:
    """Line, column and text of the one unknown name of a policy."""
    unknown = [d.span for d in load("places.yaml", content).diagnostics if d.code == "unknown-name"]
    assert len(unknown) == 1, [d.code for d in load("places.yaml", content).diagnostics]
    span = unknown[0]
    assert isinstance(span, Span)
    return span.line, span.column, span.text


def place_in(text: str) -> tuple[int, int, str]:
    """Where the name stands, counted by hand: lines by line breaks, columns in characters."""
    before = text[: text.index("unknown_thing")]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1, "unknown_thing"


@pytest.mark.parametrize("entry", SCALARS.values(), ids=SCALARS.keys())
def test_a_name_is_found_in_its_place_in(entry: str) -> None:
    text = policy_with(entry)
    assert place_of_unknown(text.encode()) == place_in(text)


@pytest.mark.parametrize("entry", SCALARS.values(), ids=SCALARS.keys())
def test_a_name_is_found_in_its_place_with_windows_line_ends_in(entry: str) -> None:
    text = policy_with(entry)
    assert place_of_unknown(text.replace("\n", "\r\n").encode()) == place_in(text)


@pytest.mark.parametrize("entry", SCALARS.values(), ids=SCALARS.keys())
def test_a_name_is_found_in_its_place_after_accents_emoji_and_a_byte_order_mark_in(entry: str) -> None:
    text = "# perché 👩🏽 🌾 così: è già\n" + policy_with(entry)
    assert place_of_unknown(b"\xef\xbb\xbf" + text.encode()) == place_in(text)


def test_a_byte_order_mark_does_not_move_the_first_line() -> None:
    text = "bandolo: 1\npolicy: {id: small, title: t, decides: unknown_thing}\nentities: {a: {facts: {}}}\n"
    for content in (text.encode(), b"\xef\xbb\xbf" + text.encode()):
        spans = [d.span for d in load("bom.yaml", content).diagnostics if d.code == "unknown-entity"]
        assert [(s.line, s.column, s.text) for s in spans if s] == [(2, 40, "unknown_thing")]


@pytest.mark.parametrize("before", ["“citta’ è più”", "€ 👍 𝔘𝔫𝔦 𠮷", "e\u0301 ñ ß İ"])
def test_columns_count_characters_on_the_line_itself(before: str) -> None:
    text = policy_with(f'check: \'"{before}" = "" and costs > unknown_thing\'')
    assert place_of_unknown(text.encode()) == place_in(text)


def test_a_name_inside_braces_is_found_in_its_place() -> None:
    text = f"{HEAD}{FACTS}requirements: {{project: {{r: {{otherwise: flag, check: costs > unknown_thing}}}}}}\n"
    assert place_of_unknown(text.encode()) == place_in(text)


def test_a_name_in_a_message_is_found_in_its_place() -> None:
    text = policy_with("message: {it: 'è così: {costs}, {unknown_thing}', en: \"\"}\n      check: signed")
    assert place_of_unknown(text.encode())[:2] == place_in(text)[:2]


def test_tabs_inside_an_expression_are_one_column_each() -> None:
    text = policy_with("check: 'signed\tand\tcosts\t>\tunknown_thing'")
    assert place_of_unknown(text.encode()) == place_in(text)
