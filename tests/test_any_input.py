"""Whatever is handed in, what comes back is a decision or diagnostics that can be read in both languages; never another exception."""

# ruff: noqa: SIM905 (long lists of words are easier to read as one text)
from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bandolo.diagnostics import ApplicationError, Diagnostic, PolicyError
from bandolo.diagnostics.render import as_data, catalogue, render_all
from bandolo.evaluate.data import read_json
from bandolo.pipeline import load
from bandolo.policy import Policy, load_policy, policy_from_bytes
from bandolo.source import SourceFile
from bandolo.syntax.parser import parse_expression
from bandolo.syntax.yaml_tree import Embedded
from small import LIVE_POLICIES, ROOT, plain, policy, written

COMMON = settings(derandomize=True, deadline=None, database=None, print_blob=False, suppress_health_check=list(HealthCheck))


def readable(diagnostics: list[Diagnostic] | tuple[Diagnostic, ...]) -> None:
    """Each has words in both languages, and a form for programs."""
    for lang in ("it", "en"):
        text = render_all(list(diagnostics), lang)  # type: ignore[arg-type]
        assert bool(text) == bool(diagnostics)
        for diagnostic in diagnostics:
            json.dumps(as_data(diagnostic, lang))  # type: ignore[arg-type]
    for diagnostic in diagnostics:
        assert diagnostic.code in catalogue()
        if diagnostic.span is not None:
            assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(diagnostic.span.source.text)


def whole_way(content: bytes, *amendments: bytes) -> None:
    """Load a policy and, if it is one, decide an application of which nothing is known."""
    acts = [(f"act{i}.yaml", a) for i, a in enumerate(amendments)]
    result = load("rural_services_2025.yaml", content, acts)
    readable(result.diagnostics)
    if result.policy is not None:
        policy_from_bytes("rural_services_2025.yaml", content, acts).decide({}).to_json()
    else:
        assert any(d.severity == "error" for d in result.diagnostics)


# Any bytes, any text.


@settings(COMMON, max_examples=300)
@given(st.binary(max_size=300))
def test_any_bytes_as_a_policy(content: bytes) -> None:
    whole_way(content)


YAML_PIECES = st.sampled_from([
    "bandolo: 1\n", "policy: {id: a, title: b, decides: project}\n", "entities:\n", "  project:\n", "    facts:\n",
    "      x: money\n", "requirements:\n", "definitions:\n", "results: [x]\n", "- ", ": ", "{", "}", "[", "]", ",", "'", '"',
    "|\n", ">\n", "#", " #", "&a ", "*a", "<<: ", "!!str ", "!x", "%YAML 1.1\n", "---\n", "...\n", "? ", "\t", "  ", "\n",
    "\r\n", "\\", "\\x", "~", "null", "é", "\u2028", "\x85", "👍",
])  # fmt: skip


@settings(COMMON, max_examples=500)
@given(st.lists(YAML_PIECES | st.text(max_size=5), max_size=25).map("".join))
@example("---\n")
def test_any_text_as_a_policy(text: str) -> None:
    whole_way(text.encode("utf-8", "surrogatepass"))


HEAD_AND_FACTS = "bandolo: 1\npolicy: {id: a, title: b, decides: project}\nentities: {project: {facts: {x: money, s: boolean}}}\n"


@settings(COMMON, max_examples=300)
@given(
    st.lists(YAML_PIECES | st.sampled_from(["x", "s", "reject", "check: ", "otherwise: ", "    ", "value: ", "by: "]), max_size=20).map(
        "".join
    )
)
def test_any_text_after_a_sound_beginning(text: str) -> None:
    whole_way((HEAD_AND_FACTS + text).encode("utf-8", "surrogatepass"))


# A real policy with something done to it.

REAL = [path.read_text(encoding="utf-8") for path in LIVE_POLICIES]


def mutated(text: str, moves: list[tuple[str, int, int]]) -> str:
    lines = text.split("\n")
    for move, first, second in moves:
        i, j = first % len(lines), second % len(lines)
        line = lines[i]
        at = second % (len(line) + 1)
        match move:
            case "delete":
                del lines[i]
            case "double":
                lines.insert(j, line)
            case "swap":
                lines[i], lines[j] = lines[j], lines[i]
            case "indent":
                lines[i] = "  " + line
            case "outdent":
                lines[i] = line.removeprefix("  ")
            case "drop":
                lines[i] = line[:at] + line[at + 1 :]
            case "cut":
                lines[i] = line[:at]
            case _:
                lines[i] = line[:at] + move + line[at + 1 :]
        if not lines:
            break
    return "\n".join(lines)


MOVES = ["delete", "double", "swap", "indent", "outdent", "drop", "drop", "cut", *"{}[]():,'\"#&*!|>%@ -x9=.", "none", " and ", "\t", "é"]
NUMBER = st.integers(0, 10**6)


@settings(COMMON, max_examples=220)
@given(st.sampled_from(REAL[1:]), st.lists(st.tuples(st.sampled_from(MOVES), NUMBER, NUMBER), min_size=1, max_size=4))
def test_a_real_policy_with_a_few_changes(text: str, moves: list[tuple[str, int, int]]) -> None:
    whole_way(mutated(text, moves).encode())


@settings(COMMON, max_examples=25)
@given(st.lists(st.tuples(st.sampled_from(MOVES), NUMBER, NUMBER), min_size=1, max_size=3))
def test_the_large_policy_with_a_few_changes(moves: list[tuple[str, int, int]]) -> None:
    whole_way(mutated(REAL[0], moves).encode())


ACT = """\
bandolo: 1
amends: rural_services_2025.yaml
id: act
date: 2025-02-01
applies_to: date(submitted_at) >= 2025-03-01
sources: {decree: {title: A decree}}
set:
  parameters.travel_ceiling.value: 2_000 EUR
  scoring.minimum: 45
  stages.1: {evaluation: {opens: statement_signed}}
add: {requirements.proposal.more: {stage: payment, check: nights > 2, otherwise: bar}}
remove: [requirements.proposal.periods_apart, unencoded.0]
"""


def test_the_amendment_that_is_changed_below_is_sound() -> None:
    assert not [
        d.code
        for d in load("rural_services_2025.yaml", REAL[2].encode(), [("act.yaml", ACT.encode())]).diagnostics
        if d.severity == "error"
    ]


@settings(COMMON, max_examples=100)
@given(st.lists(st.tuples(st.sampled_from(MOVES), NUMBER, NUMBER), min_size=1, max_size=4))
def test_an_amendment_with_a_few_changes(moves: list[tuple[str, int, int]]) -> None:
    whole_way(REAL[2].encode(), mutated(ACT, moves).encode())


# Any application.

SMALL = policy("""
choices: {size: [small, large]}
stages: [start, later]
entities:
  project:
    facts:
      id: {type: text, key: true}
      flag: {type: boolean, asked: [start, later]}
      n: {type: integer, from: 0}
      x: number
      rate: percent
      cost: {type: money, from: 0 EUR}
      day: {type: date, optional: true}
      sent: datetime
      wait: duration in days
      kind: size
      kinds: {type: list of size, at_most: 3}
      words: list of text
      lead: {type: reference to firm, optional: true}
      firms: {type: list of firm, at_most: 5}
  firm: {facts: {id: {type: text, key: true}, ok: boolean, bills: list of bill}}
  bill: {facts: {paid: money, number: {type: integer, key: true}}}
definitions:
  project:
    total: sum(paid of bills of firms)
    ratio: cost / x * rate
    when_due: if day is none then date(sent) else day + wait
    led: lead is not none and lead.ok
requirements:
  project:
    r: {stage: start, check: total <= cost and (flag at start) and kind = small and small in kinds, otherwise: reject,
        message: "{ratio} {when_due} {words}"}
    s: {stage: later, applies: led, check: 'flag at later and n > 2 and count(distinct words) >= 0 and contains(id, "a")', otherwise: refer}
  firm: {ok_firm: {stage: start, check: ok, otherwise: exclude}}
results: [total, ratio, when_due]
""")
FACTS = "id flag n x rate cost day sent wait kind kinds words lead firms ok bills paid number start later Flag other".split()
SCALAR_TEXTS = [
    *"a small large 12.5% 0.5 1e5 -3 10.00 10.001 1_000 +1 1. .5 none null ~ true NaN Infinity 00000".split(),
    *"2023-02-28 2023-02-30 2023-02-28T10:00 9999-12-31T23:59 0001-01-01 0001-01-01T00:00+14:00 2023-03-26T02:30".split(),
    *["", "10 EUR", "10 days", " 1 ", "\u0661\u0662", "\x00", "\u202e", "1" * 50],
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.integers(),
    st.decimals(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(SCALAR_TEXTS),
)
JSON_LIKE = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FACTS) | st.text(max_size=3), inner, max_size=5),
    max_leaves=14,
)


def decided(made: Policy, data: Any) -> None:
    try:
        decision = made.decide(data, as_of="2023-06-01", trace=True)
    except (ApplicationError, PolicyError) as error:
        readable(error.diagnostics)
    else:
        json.loads(decision.to_json())
        assert decision.results is not None


@settings(COMMON, max_examples=500)
@given(JSON_LIKE)
def test_any_data_as_an_application(data: Any) -> None:
    decided(SMALL, data)


@settings(COMMON, max_examples=700)
@given(st.dictionaries(st.sampled_from(FACTS[:14]), JSON_LIKE, max_size=6), st.booleans())
def test_any_values_as_facts(data: dict[str, Any], as_written: bool) -> None:
    decided(SMALL, plain(data) if as_written else data)


@settings(COMMON, max_examples=150)
@given(st.lists(st.tuples(st.sampled_from(MOVES), NUMBER, NUMBER), min_size=1, max_size=4))
def test_a_real_application_with_a_few_changes(moves: list[tuple[str, int, int]]) -> None:
    path = ROOT / "policies" / "examples" / "manifestazione_2022-late.json"
    data, said = read_json(mutated(path.read_text(encoding="utf-8"), moves), "application.json")
    readable(said)
    if not said:
        decided(load_policy(LIVE_POLICIES[1]), data)


@settings(COMMON, max_examples=300)
@given(
    st.text(max_size=60)
    | st.lists(
        st.sampled_from(['{"', '":', "[", "]", "}", ",", "1", "1e999", "NaN", "-Infinity", '"', "\\u", "\\ud800", "null"]), max_size=15
    ).map("".join)
)
def test_any_text_as_json(text: str) -> None:
    data, said = read_json(text, "any.json")
    readable(said)
    assert data is None or not said


# Any expression.

KEYWORDS = "if then else of where as or and not in between is none known at this true false share by among ties distinct".split()
OPERATORS = "+ - * / ^ = != < <= > >= and or in at where of".split()
NAMES = "x n cost day sent firms id ok bills paid kind small lead total project flag start later cap table dated admitted as_of p".split()
CALLS = "count sum min max average any all round half_up floor date year days_between met ladder twice".split()
KINDS = "reading deadline bonus parameter".split()
LITERALS = [*"0 1 2.5 50% 2023-01-31 true none".split(), "10 EUR", "2023-01-31 10:00", "30 days", "6 months", '"text"', "[1, 2]", "(x)"]
SIGNS = [*"( ) [ ] , . == % € { } ; ' \" è".split()]
TOKENS = KEYWORDS + OPERATORS + NAMES + CALLS + KINDS + LITERALS + SIGNS
DECLARATIONS = written("""
choices: {size: [small, large]}
stages: [start, later]
entities:
  project:
    facts: {id: {type: text, key: true}, flag: {type: boolean, asked: [start, later]}, n: integer, x: number, cost: money,
            day: {type: date, optional: true}, sent: datetime, kind: size, firms: list of firm,
            lead: {type: reference to firm, optional: true}}
  firm: {facts: {id: {type: text, key: true}, ok: boolean, bills: list of bill}}
  bill: {facts: {paid: money}}
parameters: {cap: 10 EUR, dated: {versions: [{until: 2023-12-31, value: 1}, {from: 2024-01-01, value: 2}]}}
rates: {table: {by: size, values: {small: 50%, large: 15%}}}
bands: {ladder: {of: money, steps: [{to: 10 EUR, rate: 50%}], above: 0%}}
readings: {view: {question: q, options: {wide: w, narrow: n}}}
formulas: {twice: {takes: {a: number}, value: a + a}}
requirements:
  firm: {fine: {stage: start, check: ok, otherwise: exclude}}
""")


def in_every_place(text: str) -> None:
    """A text as a definition; and as a definition of a record, a condition, a stage's opening and a message."""
    quoted = json.dumps(text, ensure_ascii=False)
    message = json.dumps("{" + text.replace("{", "").replace("}", "") + "}", ensure_ascii=False)
    alone = f"definitions: {{project: {{total: sum(paid of bills of firms), made: {quoted}}}}}\n"
    of_firm = f"definitions: {{firm: {{made: {quoted}}}, project: {{total: 1}}}}\n"
    condition = f"  bill: {{of_bill: {{stage: later, check: {quoted}, otherwise: flag, message: {message}}}}}\n"
    opening = DECLARATIONS.replace("[start, later]\nent", f"[start, {{later: {{opens: {quoted}}}}}]\nent")
    for content in (DECLARATIONS + alone, opening + condition + of_firm):
        whole_way(content.encode("utf-8", "surrogatepass"))


def test_a_sound_expression_is_sound_in_every_place() -> None:
    """Otherwise the tests below would look at one and the same mistake."""
    for content in ("n > 1", "cap > 1 EUR"):
        assert load("any.yaml", (DECLARATIONS + f"definitions: {{project: {{made: {content}}}}}\n").encode()).policy is not None


@settings(COMMON, max_examples=400)
@given(st.text(max_size=30))
def test_any_text_as_an_expression(text: str) -> None:
    expression, said = parse_expression(Embedded(SourceFile("any", text), text, ((0, 0),)))
    readable(said)
    assert expression is not None
    in_every_place(text)


@settings(COMMON, max_examples=1200)
@given(st.lists(st.sampled_from(TOKENS), max_size=9))
def test_any_tokens_as_an_expression(tokens: list[str]) -> None:
    in_every_place(" ".join(tokens))


@settings(COMMON, max_examples=500)
@given(st.lists(st.sampled_from(NAMES + LITERALS), min_size=2, max_size=3), st.lists(st.sampled_from(OPERATORS), min_size=2, max_size=2))
def test_any_operands_of_any_operators(operands: list[str], operators: list[str]) -> None:
    pairs = zip(operands, operators, strict=False)
    in_every_place(" ".join(word for pair in pairs for word in pair) + f" {operands[-1]}")


def test_every_code_that_the_engine_raises_has_words() -> None:
    raised: set[str] = set()
    for path in (ROOT / "engine" / "bandolo").rglob("*.py"):
        raised |= set(
            re.findall(
                r'(?:Diagnostic|report|invalid|_stop|BadLiteral|BadValue|Fault)\([^"()]*"([a-z]+(?:-[a-z0-9]+)+)"',
                path.read_text(encoding="utf-8"),
            )
        )
    assert raised - set(catalogue()) == set()
