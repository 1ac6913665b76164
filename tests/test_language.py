"""The language reference is true: its examples are run, its generated tables are current, and nothing of the language is left out.

A fenced block says what it is by the words behind its fence; LANGUAGE.md, "How to read this page", tells the reader the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest

from bandolo import limits
from bandolo.check.symbols import RESERVED, SCORING_NAMES
from bandolo.diagnostics import errors
from bandolo.diagnostics.render import catalogue
from bandolo.evaluate.data import read_json
from bandolo.evaluate.decision import Outcome, StageStatus, Verdict
from bandolo.evaluate.inputs import read_application
from bandolo.evaluate.reference import Evaluation
from bandolo.evaluate.yaml_data import data_of
from bandolo.export.reference_tables import TABLES, refreshed
from bandolo.language.library import OPERATIONS
from bandolo.language.types import ChoiceType, Type, is_quantity
from bandolo.language.values import NONE, Fault, ListValue, Unknown, Value
from bandolo.pipeline import Loaded, load
from bandolo.policy import load_policy, policy_from_bytes
from bandolo.syntax import shape as s
from bandolo.syntax.read import read_tree
from bandolo.testing.runner import run_file

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "grammar" / "LANGUAGE.md"
BASE = ROOT / "tests" / "language" / "base.yaml"
KINDS = ("bandolo", "yaml policy", "yaml fragment", "yaml wrong", "yaml cases", "yaml amendment", "yaml application", "json application")


@dataclass(frozen=True)
class Block:
    """A fenced block of the page: its kind, where it begins, its text, the number of the policy block that it goes with, its code."""

    kind: str
    line: int
    text: str
    policy: int
    code: str


@cache
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


@cache
def blocks() -> tuple[Block, ...]:
    found = []
    policy = -1
    for match in re.finditer(r"(?ms)^```([^\n`]+)\n(.*?)^```$", page()):
        line = page().count("\n", 0, match.start()) + 1
        if match.group(1) == "yaml policy":
            policy = len(found)
        wrong = match.group(1).startswith("yaml wrong ")
        kind, code = match.group(1).rsplit(" ", 1) if wrong else (match.group(1), "")
        found.append(Block(kind, line, match.group(2), policy, code))
    return tuple(found)


def of_kind(kind: str) -> list[Any]:
    return [pytest.param(b, id=f"line {b.line}") for b in blocks() if b.kind == kind]


# Expressions.


@dataclass(frozen=True)
class Example:
    """`expression => value`, with the facts that are declared above it."""

    line: int
    expression: str
    gives: str
    given: tuple[str, ...]


def examples_of(block: Block) -> Iterator[Example]:
    given: list[str] = []
    for number, line in enumerate(block.text.splitlines(), block.line + 1):
        if line.startswith("given "):
            given.append(line.removeprefix("given "))
        elif line.strip():
            expression, arrow, gives = line.partition(" => ")
            assert arrow, f"line {number} of the page has no ` => `"
            yield Example(number, expression.strip(), re.sub(r"\s+# .*$", "", gives).strip(), tuple(given))


def all_examples() -> list[Any]:
    written = [e for b in blocks() if b.kind == "bandolo" for e in examples_of(b)]
    table = [Example(0, expression, gives, ()) for row in OPERATIONS for expression, gives in row.examples]
    return [pytest.param(e, id=f"{e.line}: {e.expression[:70]}") for e in [*written, *table]]


def sections(text: str) -> dict[str, str]:
    """The top-level sections of a policy, by name, as they are written."""
    parts = re.split(r"(?m)^(?=[a-z_]+:)", text)
    return {part.partition(":")[0]: part for part in parts if re.match(r"[a-z_]+:", part)}


def in_base(definitions: dict[str, str], given: tuple[str, ...]) -> tuple[Loaded, dict[str, Any]]:
    """The base policy with some definitions and given facts added, and the application that gives them."""
    parts = sections(BASE.read_text(encoding="utf-8"))
    facts, values = "", {}
    for line in given:
        match = re.fullmatch(r"(\w+)(?:: (.+?))?(?: = (.+))?", line)
        assert match, line
        name, type_, value = match.groups()
        if type_ is not None:
            facts += f"      {name}: {type_}\n"
        if value is not None:
            tree, said = read_tree("given.yaml", value.encode())
            assert tree is not None, said
            values[name] = data_of(tree)
    parts["entities"] = parts["entities"].replace("    facts:\n", "    facts:\n" + facts, 1)
    written = "".join(f"    {name}: '{text.replace(chr(39), chr(39) * 2)}'\n" for name, text in definitions.items())
    parts["definitions"] = parts["definitions"].replace("  project:\n", "  project:\n" + written, 1)
    return load("example.yaml", "".join(parts.values()).encode()), values


def worth(loaded: Loaded, data: dict[str, Any]) -> dict[str, tuple[Type, Value]]:
    """What the definitions of the project are worth."""
    assert loaded.policy is not None
    assert loaded.settled is not None, [(d.code, d.args) for d in loaded.diagnostics]
    application, said = read_application(loaded.policy, loaded.settled, data)
    assert application is not None, [(d.code, d.path) for d in said]
    evaluation = Evaluation(loaded.policy, loaded.settled.settings, application.records, 1_000_000)
    evaluation.run()
    found = evaluation.definitions.items()
    return {name: (loaded.policy.definitions[entity, name].type, value) for (entity, name, _), value in found if entity == "project"}


def codes_of(loaded: Loaded) -> list[str]:
    return [d.code for d in errors(list(loaded.diagnostics))]


@pytest.mark.parametrize("example", all_examples())
def test_an_expression_is_worth_what_the_page_says(example: Example) -> None:
    kind, _, rest = example.gives.partition(" ")
    if kind == "error":
        assert codes_of(in_base({"probe": example.expression}, example.given)[0]) == [rest]
        return
    bounds = re.fullmatch(r"unknown(?: from (.+?))?(?: to (.+))?", example.gives)
    wanted = {"low": bounds.group(1), "high": bounds.group(2)} if bounds else {}
    if not bounds and kind not in ("fault", "none") and not is_word(example):
        wanted = {"wanted": example.gives}
    loaded, data = in_base({"probe": example.expression, **{k: v for k, v in wanted.items() if v}}, example.given)
    assert codes_of(loaded) == []
    values = worth(loaded, data)
    type_, value = values["probe"]
    if bounds:
        assert isinstance(value, Unknown)
        if any(wanted.values()):
            assert (value.low, value.high) == tuple(values[k][1] if v else None for k, v in wanted.items())
    elif kind == "fault":
        assert isinstance(value, Fault)
        assert value.code == rest
    elif kind == "none":
        assert value is NONE
    elif isinstance(type_, ChoiceType):
        assert value == example.gives
    else:
        assert same(type_, values["wanted"][0]), (str(type_), str(values["wanted"][0]))
        assert plain(value) == plain(values["wanted"][1])


def is_word(example: Example) -> bool:
    """Whether what comes out is a word of a choice: such a word means nothing on its own."""
    return bool(re.fullmatch(r"[a-z_]+", example.gives)) and example.gives not in ("true", "false", "none", "unknown")


def same(first: Type, second: Type) -> bool:
    return first == second or (is_quantity(first) and is_quantity(second)) or "invalid" in str(second)


def plain(value: Value) -> object:
    return [plain(m.value) for m in value.members] if isinstance(value, ListValue) else value


# Tables that say what comes out.


def table_rows(head: str) -> list[list[str]]:
    """The rows of the table whose head begins so, without backticks."""
    match = re.search(rf"(?m)^{re.escape(head)}.*\n\|[ |-]+\n((?:\|.*\n)+)", page())
    assert match, head
    return [[cell.strip().replace("`", "") for cell in line.strip().strip("|").split(" | ")] for line in match.group(1).splitlines()]


@pytest.mark.parametrize("row", table_rows("| `a` | `b` |") if PAGE.exists() else [], ids="-".join)
def test_the_truth_table_holds(row: list[str]) -> None:
    for first, second in ((row[0], row[1]), (row[1], row[0])):
        given = tuple(f"{name}: boolean" + ("" if v == "?" else f" = {v}") for name, v in (("a", first), ("b", second)))
        loaded, data = in_base({"both": "a and b", "either": "a or b"}, given)
        values = {name: "?" if isinstance(v, Unknown) else str(v).lower() for name, (_, v) in worth(loaded, data).items()}
        assert [values["both"], values["either"]] == row[2:]


@pytest.mark.parametrize("row", table_rows("| direction |") if PAGE.exists() else [], ids=lambda row: row[0])
def test_the_rounding_table_holds(row: list[str]) -> None:
    loaded, data = in_base({f"x{i}": f"round({x}, {row[0]}, 1)" for i, x in enumerate(("2.5", "-2.5", "2.1"))}, ())
    values = worth(loaded, data)
    assert [str(values[f"x{i}"][1]) for i in range(3)] == row[1:4]


@pytest.mark.parametrize("row", table_rows("| written | what YAML makes") if PAGE.exists() else [], ids=lambda row: row[0])
def test_a_trap_of_yaml_has_its_message(row: list[str]) -> None:
    parts = sections(BASE.read_text(encoding="utf-8"))
    if row[0].startswith("{"):
        parts["definitions"] = parts["definitions"].replace("  project:\n", f"  project:\n    probe: {row[0]}\n", 1)
    else:
        parts["requirements"] = f"requirements:\n  project:\n    probe:\n      stage: payment\n      otherwise: flag\n      {row[0]}\n"
    assert row[-1] in codes_of(load("trap.yaml", "".join(parts.values()).encode()))


# Policies, amendments, cases and applications.


def policy_of(block: Block) -> str:
    assert block.policy >= 0, f"the block at line {block.line} has no policy before it"
    return blocks()[block.policy].text


@pytest.mark.parametrize("block", of_kind("yaml policy"))
def test_a_policy_of_the_page_has_no_errors(block: Block) -> None:
    loaded = load("policy.yaml", block.text.encode())
    assert [(d.code, d.args) for d in loaded.diagnostics] == []


def merged(block: Block) -> Loaded:
    """The base policy with the sections of a fragment in the place of its own."""
    parts = sections(BASE.read_text(encoding="utf-8")) | sections(block.text)
    return load("fragment.yaml", "\n".join(parts.values()).encode())


@pytest.mark.parametrize("block", of_kind("yaml fragment"))
def test_a_fragment_of_the_page_has_no_errors(block: Block) -> None:
    assert [(d.code, d.args) for d in errors(list(merged(block).diagnostics))] == []


@pytest.mark.parametrize("block", of_kind("yaml wrong"))
def test_a_wrong_fragment_has_the_error_that_it_names(block: Block) -> None:
    assert codes_of(merged(block)) == [block.code]


@pytest.mark.parametrize("block", of_kind("yaml amendment"))
def test_an_amendment_of_the_page_fits_its_policy(block: Block) -> None:
    loaded = load("policy.yaml", policy_of(block).encode(), [("amendment.yaml", block.text.encode())])
    assert [(d.code, d.args) for d in errors(list(loaded.diagnostics))] == []


@pytest.mark.parametrize("block", of_kind("yaml cases"))
def test_the_cases_of_the_page_hold(block: Block, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(policy_of(block), encoding="utf-8")
    for other in blocks():
        if other.kind == "yaml amendment" and other.policy == block.policy:
            (tmp_path / "amendment.yaml").write_text(other.text, encoding="utf-8")
    cases = tmp_path / "policy.cases.yaml"
    cases.write_text(block.text, encoding="utf-8")
    load_policy(tmp_path / "policy.yaml")
    results, diagnostics = run_file(cases)
    assert [(d.code, d.args) for d in diagnostics] == []
    assert results
    assert [(r.case.name, r.mismatches, [(d.code, d.path, d.args) for d in r.diagnostics]) for r in results if not r.passed] == []


@pytest.mark.parametrize("block", [*of_kind("yaml application"), *of_kind("json application")])
def test_an_application_of_the_page_can_be_decided(block: Block) -> None:
    if block.kind.startswith("json"):
        data, said = read_json(block.text, "application.json")
    else:
        tree, said = read_tree("application.yaml", block.text.encode())
        data = data_of(tree) if tree is not None else None
    assert not said
    assert policy_from_bytes("policy.yaml", policy_of(block).encode()).decide(data).outcome


def test_every_fenced_block_is_of_a_kind_that_is_run() -> None:
    assert [(b.kind, b.line) for b in blocks() if b.kind not in (*KINDS, "text", "sh", "lark")] == []
    assert page().count("```") % 2 == 0


# Completeness.


@cache
def mentioned() -> frozenset[str]:
    """Everything that stands in backticks outside of fenced blocks."""
    prose = re.sub(r"(?ms)^```.*?^```$", "", page())
    return frozenset(re.findall(r"`([^`\n]+)`", prose))


def keys_of(shape: s.Shape | None) -> Iterator[str]:
    """Every key and every fixed word of a shape."""
    match shape:
        case s.Keys(keys=keys, options=options):
            for name, key in keys.items():
                yield name
                yield from keys_of(key.shape)
            yield from keys_of(options)
        case s.Word(words=words):
            yield from words
        case s.Entries(value=value):
            yield from keys_of(value)
        case s.Items(item=item):
            yield from keys_of(item)
        case s.OneOf(scalar=scalar, mapping=mapping, sequence=sequence):
            for part in (scalar, mapping, sequence):
                yield from keys_of(part)


def fault_codes() -> set[str]:
    sources = [*(ROOT / "engine/bandolo/language").glob("*.py"), *(ROOT / "engine/bandolo/evaluate").glob("*.py")]
    return {code for path in sources for code in re.findall(r'Fault\("([a-z-]+)"', path.read_text(encoding="utf-8"))}


def grammar_words() -> set[str]:
    """Every word and sign that the grammar writes out, and every terminal that is a literal."""
    text = re.sub(r"(?m)//.*$", "", (ROOT / "grammar" / "expression.lark").read_text(encoding="utf-8"))
    signs = set(re.findall(r'"([^"\s]+)"', re.sub(r"(?m)^[A-Z].*: /.*$", "", text)))
    terminals = set(re.findall(r"(?m)^([A-Z]+)(?:\.[0-9]+)?: /", text))
    return signs | terminals


WHAT = {
    "operation": [row.name for row in OPERATIONS],
    "key of a policy": keys_of(s.POLICY),
    "key of an amendment": keys_of(s.AMENDMENT),
    "key of a case file": keys_of(s.CASES),
    "effect": s.EFFECTS,
    "reserved word": [*RESERVED, *SCORING_NAMES],
    "outcome": get_args(Outcome),
    "status of a stage": get_args(StageStatus),
    "verdict": get_args(Verdict),
    "limit": [name for name in vars(limits) if name.isupper()],
    "fault": sorted(fault_codes()),
    "word of the grammar": sorted(grammar_words()),
    "case change": ["drop", "add", "each", "unknown", "repeat", "{n}"],
}


@pytest.mark.parametrize(("kind", "names"), [(k, tuple(dict.fromkeys(v))) for k, v in WHAT.items()], ids=WHAT)
def test_nothing_of_the_language_is_left_out(kind: str, names: tuple[str, ...]) -> None:
    assert names
    assert [name for name in names if name not in mentioned()] == [], kind


def test_every_code_that_the_page_names_exists() -> None:
    """A code is recognised by where it stands: behind `error` or `fault`, or as a hyphenated word in backticks."""
    named = {word for word in mentioned() if re.fullmatch(r"[a-z]+(-[a-z]+)+", word)}
    assert sorted(named - set(catalogue())) == []


def test_the_sections_that_the_code_cites_are_there() -> None:
    titles = set(re.findall(r"(?m)^## [0-9]+ (.+)$", page()))
    assert {"Types", "Time", "Unknown", "Faults", "Outcome"} <= titles
    numbers = [int(n) for n in re.findall(r"(?m)^## ([0-9]+) ", page())]
    assert numbers == list(range(1, len(numbers) + 1))


def test_references_to_sections_lead_somewhere() -> None:
    titles = set(re.findall(r"(?m)^###? ([0-9]+(?:\.[0-9]+)?) ", page()))
    assert sorted({n for n in re.findall(r"section ([0-9]+(?:\.[0-9]+)?)", page()) if n not in titles}) == []


def test_the_generated_tables_are_current(update: bool) -> None:
    fresh = refreshed(page())
    if update:
        PAGE.write_text(fresh, encoding="utf-8")
        return
    assert page() == fresh, "run `pytest --update tests/test_language.py`"
    assert sorted(re.findall(r"<!-- generated: ([a-z_ ]+) -->", page())) == sorted(set(TABLES) - {"keys of choices", "keys of results"})


def test_lines_are_no_longer_than_they_should_be() -> None:
    assert [i for i, line in enumerate(page().splitlines(), 1) if len(line) > 140 and not line.startswith("|")] == []
