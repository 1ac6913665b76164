"""The shipped parse table: it is that of the grammar, and what it accepts and builds is what Lark does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lark import Token

from bandolo.resources import grammar_text
from bandolo.syntax import by_lark
from bandolo.syntax.read import read_tree
from bandolo.syntax.table import GRAMMAR, TABLE, NotAccepted, Word, table, table_for
from bandolo.syntax.yaml_tree import Scalar, embedded, walk

ROOT = Path(__file__).parents[1]
POLICIES = [*sorted((ROOT / "policies").glob("*_202[23].yaml")), *sorted((ROOT / "tests/policies").glob("*[!s].yaml"))]
WORDS = [
    "if", "then", "else", "of", "where", "as", "or", "and", "not", "in", "between", "is", "none", "known", "at", "this", "share", "by",
    "among", "ties", "distinct", "true", "a", "b1", "(", ")", "[", "]", ",", ".", "+", "-", "*", "/", "^", "=", "<=", "1", "2.5", "40%",
    "10_000 EUR", "30 days", "2023-10-30", "2022-12-31 16:00", '"text"', "$",
]  # fmt: skip


def by_table(text: str) -> Any:
    try:
        return table().parse(text, 10_000, lambda name, parts: (name, *((p.type, str(p)) if isinstance(p, Word) else p for p in parts)))
    except NotAccepted:
        return None


def by_the_grammar(text: str) -> Any:
    if by_lark.stopped(text) is not None:
        return None

    def plain(part: Any) -> Any:
        return (part.type, str(part)) if isinstance(part, Token) else (str(part.data), *map(plain, part.children))

    return plain(by_lark.tree(text))


@pytest.mark.parametrize("path", POLICIES, ids=lambda p: p.stem)
def test_every_text_of_a_policy_gives_the_tree_that_lark_gives(path: Path) -> None:
    tree, _ = read_tree(str(path), path.read_bytes())
    assert tree is not None
    texts = {embedded(node).text for node in walk(tree) if isinstance(node, Scalar)}
    assert sum(by_table(text) is not None for text in texts) > 50
    assert [text for text in texts if by_table(text) != by_the_grammar(text)] == []


@given(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join))
def test_any_words_are_accepted_or_not_as_by_lark(text: str) -> None:
    assert by_table(text) == by_the_grammar(text)


@given(st.text(max_size=20))
def test_any_text_is_accepted_or_not_as_by_lark(text: str) -> None:
    assert by_table(text) == by_the_grammar(text)


def test_the_shipped_table_is_that_of_the_grammar_and_the_installed_lark() -> None:
    assert json.loads(grammar_text(TABLE)) == by_lark.table_data(grammar_text(GRAMMAR))


@pytest.mark.parametrize("shipped", ["", "{}", "[]", '{"grammar": 1}', '{"grammar":"0"}', "not JSON", None])
def test_a_table_that_is_none_or_of_another_grammar_is_made_anew(shipped: str | None) -> None:
    other = grammar_text(GRAMMAR).replace('"among"', '"within"')
    made = table_for(other, grammar_text(TABLE) if shipped is None else shipped)
    assert made.keywords["NAME"]["within"] == "WITHIN"
    assert "among" not in made.keywords["NAME"]
