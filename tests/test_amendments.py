"""Acts that change a call: `set`, `add`, `remove`; what they reach; and that an amended policy is checked like any other."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from click.testing import CliRunner

from bandolo import load_policy
from bandolo.diagnostics import PolicyError
from bandolo.surfaces.cli import cli
from small import HEAD, codes, decide, policy, written

BASE = """
stages: [first, second]
entities: {project: {facts: {id: {type: text, key: true}, sent_on: date, costs: money, signed: boolean}}}
parameters:
  cap: {value: 100 EUR, label: Cap}
  floor_: 10 EUR
  term: {type: date, pending: a later act}
definitions: {project: {grant: "min(costs, cap)"}}
requirements:
  project:
    enough: {stage: first, check: costs >= floor_, otherwise: reject}
    in_time: {stage: first, check: sent_on <= term, otherwise: reject}
    agreed: {stage: second, check: signed, otherwise: flag}
results: [grant]
"""
HEAD_OF_ACT = "bandolo: 1\namends: small.yaml\nid: act_1\ndate: 2023-02-01\n"


def act(changes: str) -> str:
    return HEAD_OF_ACT + changes


FACTS = {"sent_on": "2023-03-01", "costs": "200", "signed": True}


def test_an_act_may_change_a_value_fill_a_pending_one_and_add_and_remove_requirements() -> None:
    changes = """
set:
  parameters.cap.value: 150 EUR
  parameters.floor_: 20 EUR
  parameters.term.value: 2023-03-01
add:
  requirements.project.small_enough: {stage: second, check: costs <= 199.99 EUR, otherwise: refer}
remove: [requirements.project.agreed]
"""
    before = decide(BASE, FACTS)
    assert (before.outcome, before.pending, str(before.results["grant"])) == ("undetermined", ("term",), "100")
    after = decide(policy(BASE, act(changes)), FACTS)
    assert (after.outcome, after.stage, str(after.results["grant"])) == ("referred", "second", "150")
    assert {r.id for r in after.requirements} == {"enough", "in_time", "small_enough"}
    assert after.amendments == ("act_1",)
    assert after.policy_digest != before.policy_digest


def test_acts_apply_in_order() -> None:
    first, second = act("set: {parameters.cap.value: 150 EUR}"), act("set: {parameters.cap.value: 120 EUR}").replace("act_1", "act_2")
    made = policy(BASE, first, second)
    assert str(decide(made, FACTS).results["grant"]) == "120"
    assert decide(made, FACTS).amendments == ("act_1", "act_2")
    assert str(decide(policy(BASE, second, first), FACTS).results["grant"]) == "150"


def test_an_act_may_bring_its_own_source_and_quote_it() -> None:
    changes = """
sources: {decree: {title: A decree}}
set: {parameters.cap: {value: 150 EUR, source: {decree: "the cap is 150 euro"}}}
add: {requirements.project.first_rule: {stage: first, check: costs > 0 EUR, otherwise: reject, source: {decree: "above zero"}}}
"""
    decision = decide(policy(BASE, act(changes)), FACTS)
    assert [(q.document, q.quote) for q in decision.requirement("first_rule").sources] == [("decree", "above zero")]


def test_an_act_may_change_one_item_of_a_list() -> None:
    changes = "set: {stages.1: {second: {opens: signed}}}"
    assert decide(policy(BASE, act(changes)), {**FACTS, "signed": False}).stages["second"] == "not_started"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ("set: {parameters.kap.value: 150 EUR}", "unknown-path"),
        ("set: {parameters.cap.valu: 150 EUR}", "unknown-path"),
        ("set: {nothing.at.all: 1}", "unknown-path"),
        ("add: {parameters.cap: 150 EUR}", "path-exists"),
        ("remove: [parameters.kap]", "unknown-path"),
        ('set: {"parameters..cap": 150 EUR}', "path-form"),
        ('set: {"parameters/cap": 150 EUR}', "path-form"),
        ("set: {parameters.cap.value: 2023-01-01}", "wrong-arguments"),
        ("set: {parameters.cap.value: costz}", "unknown-name"),
        ("remove: [parameters.cap]", "unknown-name"),
        ("add: {requirements.project.r: {stage: third, check: signed, otherwise: reject}}", "unknown-stage"),
        ("add: {requirements.project.r: {stage: first, chek: signed, otherwise: reject}}", "unknown-key"),
        ("sett: {parameters.cap.value: 150 EUR}", "unknown-key"),
        ("applies_to: sent_on", "not-a-condition"),
        ("applies_to: sent_onn > 2023-01-01", "unknown-name"),
    ],
)
def test_an_act_that_cannot_be_is_refused_with_one_code(changes: str, code: str) -> None:
    assert set(codes(BASE, act(changes))) == {code}


def test_a_mistake_in_an_act_is_shown_in_the_act() -> None:
    with pytest.raises(PolicyError) as error:
        policy(BASE, act("set:\n  parameters.cap.value: costz\n"))
    (diagnostic,) = error.value.diagnostics
    assert diagnostic.span is not None
    assert (diagnostic.span.source.path, diagnostic.span.line, diagnostic.span.text) == ("amendment1.yaml", 6, "costz")


# What an act reaches.

REACH = act("set: {parameters.cap.value: 150 EUR, parameters.term.value: 2023-12-31}\napplies_to: sent_on >= 2023-02-01\n")


def test_an_act_reaches_only_the_applications_that_it_says() -> None:
    made = policy(BASE, REACH)
    reached = decide(made, FACTS)
    assert (reached.outcome, str(reached.results["grant"]), reached.amendments) == ("admitted", "150", ("act_1",))
    earlier = decide(made, {**FACTS, "sent_on": "2023-01-31"})
    assert (earlier.outcome, str(earlier.results["grant"]), earlier.pending) == ("undetermined", "100", ("term",))
    assert earlier.amendments == ()


def test_where_it_is_not_known_what_an_act_reaches_only_what_both_texts_say_stands() -> None:
    made = policy(BASE, REACH)
    either = decide(made, {"costs": "200", "signed": True})
    assert either.outcome == "undetermined"
    assert "grant" not in either.results
    assert "sent_on" in either.missing
    assert either.requirement("enough").verdict == "met"
    small = decide(made, {"costs": "50", "signed": True})
    assert str(small.results["grant"]) == "50"
    assert decide(made, {"costs": "5", "signed": True}).outcome == "rejected"


def test_an_earlier_act_holds_for_applications_that_a_later_one_does_not_reach() -> None:
    first = act("set: {parameters.cap.value: 120 EUR}")
    later = REACH.replace("act_1", "act_2")
    made = policy(BASE, first, later)
    assert str(decide(made, {**FACTS, "sent_on": "2023-01-31"}).results["grant"]) == "120"
    assert str(decide(made, FACTS).results["grant"]) == "150"


def test_an_earlier_act_with_a_reach_of_its_own_keeps_it_under_a_later_one() -> None:
    later = act("set: {parameters.floor_: 15 EUR}").replace("act_1", "act_2")
    made = policy(BASE, REACH, later)
    assert str(decide(made, {**FACTS, "sent_on": "2023-01-31"}).results["grant"]) == "100"
    assert str(decide(made, FACTS).results["grant"]) == "150"
    assert decide(made, {**FACTS, "costs": "12"}).outcome == "rejected"
    assert decide(made, {**FACTS, "costs": "12", "sent_on": "2023-01-31"}).outcome == "rejected"


# Files.


def test_acts_are_read_from_files(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(written(BASE), encoding="utf-8")
    (tmp_path / "act.yaml").write_text(REACH, encoding="utf-8")
    made = load_policy(tmp_path / "small.yaml", amendments=[tmp_path / "act.yaml"])
    assert made.amendments == ("act_1",)
    with pytest.raises(FileNotFoundError):
        load_policy(tmp_path / "small.yaml", amendments=[tmp_path / "nothing.yaml"])


def test_a_policy_is_no_act_and_an_act_no_policy() -> None:
    assert codes(BASE, HEAD + "entities: {project: {facts: {}}}") == ["not-an-amendment"]
    assert codes(HEAD_OF_ACT.encode()) == ["not-a-policy"]


def test_an_act_amends_the_policy_that_it_names() -> None:
    other = REACH.replace("amends: small.yaml", "amends: another.yaml")
    assert codes(BASE, other) == ["amends-other"]


def test_an_act_may_bring_lists_of_entries_and_of_quotes() -> None:
    """A band table, a rule with exceptions, two passages: whatever a policy may say, an act may say."""
    amended = policy(
        """
        entities: {project: {facts: {n: percent}}}
        definitions: {project: {x: {value: n}}}
        requirements: {project: {r: {check: x > 0%, otherwise: reject}}}
        results: [x]
        """,
        """
        bandolo: 1
        amends: small.yaml
        id: act
        date: 2023-01-01
        sources: {doc: {title: Act}}
        add:
          bands: {steps_of: {of: percent, steps: [{to: 1%, value: 0}, {to: 5%, value: 5}], above: 10}}
          requirements.project.s: {check: "steps_of(n) > 0", otherwise: reject, source: {doc: ["a b", "c d"]}}
        set:
          definitions.project.x: {value: "n", except: [{when: n > 5%, value: 2%}]}
        """,
    )
    assert decide(amended, {"n": "1%"}).failed() == ("s",)
    assert str(decide(amended, {"n": "6%"}).results["x"]) == "0.02"
    assert [q.quote for q in decide(amended, {"n": "1%"}).requirement("s").sources] == ["a b", "c d"]


def test_an_act_that_does_not_reach_leaves_the_words_of_the_text_before_it(tmp_path: Path) -> None:
    """The act takes a requirement away and renames another: who applied before it reads of the text that decided."""
    (tmp_path / "call.yaml").write_text(
        HEAD
        + textwrap.dedent(
            """
            entities: {project: {facts: {id: {type: text, key: true}, n: integer, sent: date}}}
            requirements:
              project:
                enough: {check: n >= 10, otherwise: reject, label: The first wording}
                even: {check: n != 9, otherwise: reject, label: Not nine}
            """
        ),
        encoding="utf-8",
    )
    (tmp_path / "act.yaml").write_text(
        "bandolo: 1\namends: call.yaml\nid: act\ndate: 2023-01-01\napplies_to: sent >= 2023-01-01\n"
        "set: {requirements.project.enough.label: The second wording}\nremove: [requirements.project.even]\n",
        encoding="utf-8",
    )
    (tmp_path / "early.json").write_text('{"id": "E", "n": 9, "sent": "2022-06-01"}', encoding="utf-8")
    (tmp_path / "late.json").write_text('{"id": "L", "n": 9, "sent": "2023-06-01"}', encoding="utf-8")
    for command, options in (
        ("decide", []),
        ("decide", ["--trace"]),
        ("explain", []),
        ("explain", ["--json"]),
        ("explain", ["--markdown"]),
    ):
        for name, said in (("early", "Not nine"), ("late", "The second wording")):
            words = [command, str(tmp_path / "call.yaml"), str(tmp_path / f"{name}.json"), "--amend", str(tmp_path / "act.yaml"), *options]
            result = CliRunner().invoke(cli, [*words, "--lang", "en"])
            assert result.exception is None or isinstance(result.exception, SystemExit), (words, result.exception)
            assert result.exit_code == 0, result.output
            assert said in result.output or "--json" in options, (words, result.output)
            other = {"early": "The second wording", "late": "Not nine"}[name]
            assert other not in result.output, (words, result.output)
    (tmp_path / "open.json").write_text('{"id": "O", "n": 9}', encoding="utf-8")
    for command in ("decide", "explain"):
        words = [command, str(tmp_path / "call.yaml"), str(tmp_path / "open.json"), "--amend", str(tmp_path / "act.yaml"), "--lang", "en"]
        result = CliRunner().invoke(cli, words)
        assert result.exit_code == 0, (result.output, result.exception)
    book = [str(tmp_path / n) for n in ("call.yaml", "early.json", "late.json", "open.json")]
    made = CliRunner().invoke(cli, ["decide", *book, "--amend", str(tmp_path / "act.yaml"), "--to", str(tmp_path / "out.csv")])
    assert made.exit_code == 0, made.output
    told = (tmp_path / "out.requirements.csv").read_text(encoding="utf-8")
    assert "Not nine" in told
    assert "The second wording" in told
