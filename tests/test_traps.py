"""What other engines let pass, or get wrong without a word. The traps that are values stand in `cases/evaluate/traps.yaml`."""

from __future__ import annotations

import re
from typing import Any

import pytest

from small import HEAD, codes, decide, found, policy, refused

CALL = """
choices: {size: [small, large]}
entities:
  project:
    facts: {costs: money, meals: integer, price: money, kind: size, share_: percent, day: date, name: text, ok: boolean, n: integer,
            firms: list of firm}
  firm: {facts: {id: {type: text, key: true}, score: number}}
"""


def expression(text: str) -> list[str]:
    quoted = text.replace("'", "''")
    return codes(f"{CALL}definitions: {{project: {{x: '{quoted}'}}}}\nresults: [x]")


# A typo is never metadata.


@pytest.mark.parametrize(
    "text",
    [
        "parameters: {cap: {value: 5 EUR, plafon: 3}}",
        "parametrs: {cap: 5 EUR}",
        "definitions: {project: {x: {value: costs, arrondi: true}}}",
        "requirements: {project: {r: {check: ok, otherwise: reject, mesage: text}}}",
        "scoring: {base: n, minimun: 65}",
        "rates: {t: {by: size, values: {small: 1, large: 2}, defualt: 3}}",
        "deadlines: {d: {at: 2023-01-01, rol: none}}",
        "ranking: {order_by: n descending, buget: 5 EUR, award: 1 EUR}",
    ],
)
def test_a_typo_in_a_key_is_an_error(text: str) -> None:
    assert codes(CALL + text) == ["unknown-key"]


def test_a_typo_in_a_fact_is_an_error_for_the_policy_and_for_the_application() -> None:
    assert codes(CALL + "requirements: {project: {r: {check: cost > 5 EUR, otherwise: reject}}}") == ["unknown-name"]
    assert refused(CALL, {"cost": "5"}) == ["unknown-fact $.cost"]
    assert refused(CALL, {"Costs": "5"}) == ["unknown-fact $.Costs"]


# A unit clash is no warning.


@pytest.mark.parametrize(
    "text",
    ["price * meals + 1", "costs + 1", "costs > 5", "costs + 5%", "1 < 2 < 3", "ok + 1", "name + 1", "not n", "kind + 1", "day + 30"],
)
def test_a_clash_of_units_or_types_is_an_error(text: str) -> None:
    severities = [(d.severity) for d in found(f"{CALL}definitions: {{project: {{x: '{text}'}}}}\nresults: [x]")]
    assert severities.count("error") == 1


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("costs", "12 km"),
        ("costs", "250 K€"),
        ("costs", "250K"),
        ("costs", "100 USD"),
        ("n", "12 km"),
        ("day", "30 days"),
        ("kind", "Small"),
        ("kind", "medium"),
        ("share_", "0.5"),
        ("share_", "50"),
        ("ok", "oui"),
        ("costs", "1,5"),
        ("costs", "400 000"),
        ("costs", "400_000"),
    ],
)
def test_a_value_in_another_unit_or_spelling_is_refused(fact: str, value: str) -> None:
    assert len(policy_refuses({fact: value})) == 1


def policy_refuses(data: dict[str, Any]) -> list[str]:
    from bandolo.diagnostics import ApplicationError

    try:
        policy(CALL).decide(data)
    except ApplicationError as error:
        return [d.code for d in error.diagnostics]
    return []


def test_an_option_that_is_not_listed_is_an_error_wherever_it_stands() -> None:
    assert expression("kind = medium") == ["unknown-choice"]
    assert expression("kind in [small, medium]") == ["unknown-choice"]
    assert expression('kind = "small"') == ["text-and-choice"]
    assert codes(CALL + "rates: {t: {by: size, values: {small: 1, large: 2, medium: 3}}}") == ["unknown-choice"]


def test_a_date_as_text_is_no_date() -> None:
    assert expression('day < "2023-01-01"') == ["text-and-date"]
    assert expression('"2023-01-01" < day') == ["text-and-date"]


# Names do not decide.


def test_renaming_an_entry_changes_no_result() -> None:
    text = (
        CALL
        + """
parameters: {cap: 100 EUR}
definitions:
  project: {b: "min(costs, cap)", a: b + b, c: a + b}
requirements: {project: {m: {check: c > 10 EUR, otherwise: reject}}}
results: [a, b, c]
"""
    )
    facts = {"costs": "80"}
    before = decide(text, facts)
    for old, new in (("b", "zz"), ("a", "zz"), ("cap", "aa_first")):
        renamed = "".join(new if word == old else word for word in re.split(r"(\b\w+\b)", text))
        after = decide(renamed, facts)
        assert after.outcome == before.outcome
        assert sorted(map(str, after.results.values())) == sorted(map(str, before.results.values()))


def test_two_entries_that_would_mean_the_same_name_are_an_error() -> None:
    assert codes(CALL + "parameters: {costs: 5 EUR}") == ["declared-twice"]
    assert codes(CALL + "definitions: {project: {costs: 5 EUR}}") == ["declared-twice"]
    assert codes(CALL + "definitions: {project: {x: 5 EUR}}\nrequirements: {project: {x: {check: ok, otherwise: reject}}}") == [
        "declared-twice"
    ]
    assert codes(CALL + "definitions: {project: {x: 5 EUR, x: 6 EUR}}") == ["duplicate-key"]


# YAML.


@pytest.mark.parametrize("word", ["NO", "no", "No", "on", "off", "yes", "y", "~", "null"])
def test_a_word_stays_a_word(word: str) -> None:
    text = (
        "choices: {answer: ['ZZ']}\nentities: {project: {facts: {country: answer, t: text}}}\ndefinitions: {project: {x: t}}\nresults: [x]"
    )
    made = policy(text.replace("ZZ", word if word not in ("~",) else "tilde"))
    assert made.core.entities["project"].facts["country"].type.options[0] in (word, "tilde")  # type: ignore[attr-defined]
    assert made.decide({"t": word}).results == {"x": word}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("010", "leading-zero"),
        ("1:30", "syntax-bare-time"),
        ("1_00", "bad-underscores"),
        ("1e3", "exponent-number"),
        ("0x10", "syntax-glued"),
        ("0o10", "syntax-glued"),
        (".5", "syntax-operand"),
        ("+1", "syntax-operand"),
        ("1,5", "decimal-comma"),
    ],
)
def test_a_number_that_yaml_would_twist_is_refused(text: str, code: str) -> None:
    assert expression(text) == [code]
    assert codes(f"{CALL}parameters:\n  cap: {text}\n") == [code]


def test_duplicate_keys_merge_keys_anchors_and_tags_are_errors() -> None:
    assert codes(CALL + "parameters: {a: 1, a: 2}") == ["duplicate-key"]
    assert codes((HEAD + CALL + "entities: {}").encode()) == ["duplicate-key"]
    assert codes(CALL + "parameters:\n  <<: {a: 1}\n  b: 2\n") == ["yaml-merge"]
    assert codes(CALL + "parameters:\n  a: &x 1\n  b: *x\n") == ["yaml-anchor", "yaml-alias"]
    assert codes(CALL + "parameters:\n  a: !!float 1\n") == ["yaml-tag"]


def test_a_name_without_its_colon_is_told_where_it_stands() -> None:
    (diagnostic,) = found(CALL + "requirements:\n  project:\n    late\n      check: ok\n")
    assert diagnostic.span is not None
    assert (diagnostic.code, diagnostic.span.source.line(diagnostic.span.line).strip()) == ("yaml-missing-colon", "late")


# Nothing is quietly nothing.


def test_the_least_of_nothing_is_a_fault_and_the_sum_of_nothing_is_zero() -> None:
    text = CALL + "definitions: {project: {a: min(score of firms), b: sum(score of firms), c: average(score of firms)}}\nresults: [a, b, c]"
    decision = decide(text, {"firms": []})
    assert decision.results == {"b": 0}
    assert [f.code for f in decision.faults] == ["empty-list", "empty-list"]


def test_an_error_inside_a_list_is_not_swallowed() -> None:
    text = CALL + "definitions: {project: {a: sum(1 / score of firms), b: count(firms where 1 / score > 1)}}\nresults: [a, b]"
    decision = decide(text, {"firms": [{"id": "A", "score": 1}, {"id": "B", "score": 0}]})
    assert decision.results == {}
    assert {f.code for f in decision.faults} == {"division-by-zero"}


def test_a_table_has_a_value_above_its_last_band() -> None:
    assert "missing-key" in codes(CALL + "bands: {b: {of: money, steps: [{to: 5 EUR, rate: 50%}]}}")


def test_a_cycle_is_found_before_any_application() -> None:
    assert codes(CALL + "definitions: {project: {a: b + 1, b: a + 1}}") == ["cycle"]


def test_a_regular_expression_is_only_a_text() -> None:
    text = CALL + "definitions: {project: {x: 'contains(name, \"(a+)+$\")'}}\nresults: [x]"
    assert decide(text, {"name": "a" * 5_000}).results == {"x": False}
    assert decide(text, {"name": "x(a+)+$"}).results == {"x": True}
