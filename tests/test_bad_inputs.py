"""Inputs that break other programs: each ends here in a message with a code, or in an answer.

The groups are those of a list of bad inputs that every build survives. What could end the process itself runs in one of its own.
"""

from __future__ import annotations

import faulthandler
import json
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from bandolo.evaluate.data import read_json
from bandolo.pipeline import load
from bandolo.surfaces.intake import read_applications
from small import HEAD, codes, decide, found, policy, refused


@pytest.fixture(autouse=True)
def _watchdog() -> Iterator[None]:
    """A test that hangs ends, with a traceback, after two minutes: far more than any needs."""
    faulthandler.dump_traceback_later(120, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


NUMBERS = "entities: {project: {facts: {n: number, i: integer, m: money, p: percent, t: text, d: date, s: datetime, ok: boolean}}}"


def in_data(**facts: Any) -> list[str]:
    """The codes for which facts are refused."""
    return [r.split()[0] for r in refused(policy(NUMBERS), facts)]


def in_json(text: str) -> list[str]:
    """The codes for which an application, as JSON text, is refused."""
    data, said = read_json(text, "a.json")
    return [d.code for d in said] or [r.split()[0] for r in refused_data(data)]


def refused_data(data: Any) -> list[str]:
    from bandolo.diagnostics import ApplicationError

    try:
        policy(NUMBERS).decide(data)
    except ApplicationError as error:
        return [f"{d.code} {d.path}" for d in error.diagnostics]
    return []


def expression(text: str) -> list[str]:
    """The codes of an expression as a definition."""
    return codes(f"{NUMBERS}\ndefinitions: {{project: {{x: {json.dumps(text, ensure_ascii=False)}}}}}")


def command(*arguments: str, stdin: bytes = b"") -> tuple[int, str]:
    """A command in a process of its own: its exit status (a signal would be negative), and all that it says."""
    done = subprocess.run([sys.executable, "-m", "bandolo", *arguments], input=stdin, capture_output=True, timeout=110, check=False)
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert "Traceback" not in said, said
    return done.returncode, said


def checked(tmp_path: Path, content: bytes) -> tuple[int, str]:
    path = tmp_path / "policy.yaml"
    path.write_bytes(content)
    return command("check", str(path), "--lang", "en")


# 1, 2, 5, 16: numbers that are too large.


@pytest.mark.parametrize("text", ["1e1000000", "1e10000000", "-1e1000000", "1E400", "1e-1000000"])
def test_an_exponent_is_refused_unread(text: str) -> None:
    assert expression(text.lstrip("-")) == ["exponent-number"]
    assert in_data(n=text) == ["exponent-number"]
    assert in_data(m=text) == ["exponent-number"]
    assert in_json(f'{{"n": {text}}}') == ["exponent-number"]
    assert in_data(n=Decimal(text)) == ["number-too-long"]


def test_an_integer_of_five_thousand_digits_is_refused() -> None:
    digits = "7" * 5000
    assert expression(digits) == ["number-too-long"]
    assert in_data(n=digits) == ["number-too-long"]
    assert in_data(i=digits) == ["number-too-long"]
    assert in_data(m=digits + " EUR") == ["number-too-long"]
    assert in_data(p=digits + "%") == ["number-too-long"]
    assert in_json(f'{{"n": {digits}}}') == ["number-too-long"]
    assert in_data(n=10**5000) == ["number-too-long"]
    assert in_data(n=Fraction(1, 10**5000)) == ["number-too-long"]
    assert in_data(n="0." + "3" * 5000) == ["number-too-long"]


def test_an_amount_of_thirty_digits_is_rounded_exactly() -> None:
    text = f"{NUMBERS}\ndefinitions: {{project: {{third: {{value: m / 3, round: {{half_up: 0.01 EUR}}}}}}}}\nresults: [third]"
    assert str(decide(text, {"m": "1000000000000000000000000000001.00"}).results["third"]) == "333333333333333333333333333333.67"


def test_a_computed_number_that_grows_too_large_is_a_fault() -> None:
    text = f"{NUMBERS}\ndefinitions: {{project: {{a: n ^ 100, b: a ^ 100, c: b ^ 100}}}}\nresults: [c]"
    decision = decide(text, {"n": "1234567"})
    assert [f.code for f in decision.faults] == ["number-out-of-range"]
    assert decision.results == {}


# 3, 4, 6, 10: what looks like a number.


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "-Infinity", ".nan", ".inf", "nan", "inf"])
def test_what_is_no_number_is_refused(text: str) -> None:
    assert in_data(n=text) == ["bad-number"]
    assert in_data(m=text) == ["bad-number"]


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_constants_that_are_no_json_are_refused(word: str) -> None:
    assert in_json(f'{{"n": {word}}}') == ["json-constant"]
    assert in_json(f'{{"n": [{{"x": {word}}}]}}') == ["json-constant"]


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("-Infinity")])
def test_decimals_that_are_no_number_are_refused(value: Decimal) -> None:
    assert in_data(n=value) == ["number-too-long"]


@pytest.mark.parametrize(
    "text",
    [
        "\u0663",
        "\u0967\u0968",
        "\uff11\uff12",
        "1_000",
        " 12 ",
        "12 ",
        "\t12",
        "+12",
        "12.",
        ".5",
        "1,5",
        "1.000,00",
        "0x10",
        "1e3",
        "1.0e+3",
        "--1",
        "½",
        "²",
        "",
    ],
)
def test_a_number_has_one_spelling_in_data(text: str) -> None:
    data = json.dumps({"n": text})
    assert len(in_json(data)) == 1
    assert len(in_json(data.replace('"n"', '"m"'))) == 1
    assert len(in_json(data.replace('"n"', '"i"'))) == 1


def test_numbers_keep_every_digit() -> None:
    text = f"{NUMBERS}\ndefinitions: {{project: {{a: n, b: m}}}}\nresults: [a, b]"
    data, _ = read_json('{"n": 0.7, "m": 12345678901234567.89}', "a.json")
    assert policy(text).decide(data).to_dict()["results"] == {"a": "0.7", "b": "12345678901234567.89"}
    assert decide(text, {"n": "0.1234567890123456789"}).to_dict()["results"]["a"] == "0.1234567890123456789"


@pytest.mark.parametrize(
    ("fact", "text", "code"),
    [
        ("ok", "NO", "boolean-data"),
        ("ok", "on", "boolean-data"),
        ("ok", "yes", "boolean-data"),
        ("ok", "1", "boolean-data"),
        ("ok", "True", "boolean-data"),
        ("i", "010", "leading-zero"),
        ("i", "0o10", "bad-number"),
        ("i", "1:30", "bad-number"),
        ("i", "1.5", "not-whole"),
        ("p", "0.5", "bare-percent"),
        ("p", "50", "bare-percent"),
        ("p", "50 %", "bad-number"),
        ("m", "250 K€", "bad-amount"),
        ("m", "10.0015", "fraction-of-a-cent"),
        ("m", "10.001", "italian-number"),
        ("m", "10 euro", "bad-amount"),
        ("d", "2026-02-30", "no-such-date"),
        ("d", "0000-01-01", "no-such-date"),
        ("d", "30/10/2023", "day-first-date"),
        ("d", "2023-1-1", "bad-date"),
        ("d", "2023-10-30T00:00", "wrong-data"),
        ("s", "2023-10-30", "date-without-time"),
        ("s", "2023-12-31T23:59:60", "no-such-time"),
        ("s", "2023-12-31T24:00", "no-such-time"),
        ("s", "2023-12-31T10:00+25:00", "no-such-offset"),
        ("s", "2023-12-31T10:00+99:99", "no-such-offset"),
        ("s", "2023-12-31T10:00[Europe/Rome]", "bad-time"),
        ("s", "0001-01-01T00:00+14:00", "no-such-date"),
        ("s", "9999-12-31T23:59-14:00", "no-such-date"),
    ],
)
def test_a_value_that_a_format_would_twist_is_refused(fact: str, text: str, code: str) -> None:
    assert in_data(**{fact: text}) == [code]


@pytest.mark.parametrize("value", [0.5, 1.0, float("nan"), float("inf"), [1], {"a": 1}, None, True, b"x", object(), 1 + 2j])
def test_python_values_that_are_no_number_are_refused_or_unknown(value: Any) -> None:
    for fact in ("n", "i", "m", "p"):
        assert len(in_data(**{fact: value})) == (value is not None)


# 7, 8, 11, 12: YAML's own means of multiplying and overwriting.


def test_aliases_anchors_and_merge_keys_are_refused(tmp_path: Path) -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"{c}: &{c} [*{p}, *{p}, *{p}, *{p}, *{p}]\n" for p, c in zip("abcdefg", "bcdefgh", strict=True))
    merges = "a: &a {x: 1}\n" + "".join(f"{c}: &{c} {{<<: [*{p}, *{p}, *{p}]}}\n" for p, c in zip("abcdefg", "bcdefgh", strict=True))
    for text, code in ((bomb, "yaml-alias"), (merges, "yaml-merge"), ("&a [*a]", "yaml-anchor")):
        status, said = checked(tmp_path, (HEAD + text).encode())
        assert status == 1
        assert f"[{code}]" in said or "[yaml-" in said


@pytest.mark.parametrize("key", ["a", "'a'", '"a"', '"\\x61"', "a "])
def test_a_key_may_stand_once_however_it_is_quoted(key: str) -> None:
    assert codes(f"entities: {{project: {{facts: {{a: text, {key}: text}}}}}}") == ["duplicate-key"]


@pytest.mark.parametrize("key", ["2023-01-01", "1", "1.5", "~", "null-", "è", "a b", "a.b", "a-b", "[a]", "{a: b}", "''"])
def test_a_key_is_a_name(key: str) -> None:
    assert set(codes(f"entities: {{project: {{facts: {{? {key} : text}}}}}}")) <= {"bad-name", "yaml-key", "yaml-tag"} != set()
    assert codes(f"entities: {{project: {{facts: {{? {key} : text}}}}}}")


def test_a_hundred_thousand_keys_are_refused(tmp_path: Path) -> None:
    content = HEAD + "entities:\n  project:\n    facts:\n" + "".join(f"      f{i}: text\n" for i in range(100_000))
    status, said = checked(tmp_path, content.encode())
    assert (status, "[too-many-entries]" in said) == (1, True)


# 9, 18, 24: depth.


@pytest.mark.parametrize(
    "text",
    [
        "[" * 2_000,
        "[" * 100_000,
        "[" * 40_000 + "]" * 40_000,
        "{a: " * 20_000,
        "- " * 20_000,
        "? " * 20_000,
        "a: {" * 3_000,
        "".join(" " * i + "a:\n" for i in range(500)),
        "!!x " * 5_000,
        '"' + "\\" * 100_001,
        "'" * 100_001,
        "&" * 50_000,
        "%" * 50_000,
    ],
    ids=lambda t: repr(t[:8]) + str(len(t)),
)
def test_no_nesting_ends_the_process(tmp_path: Path, text: str) -> None:
    for content in (text, HEAD + "entities: " + text):
        status, said = checked(tmp_path, content.encode())
        assert status == 1
        assert "error[" in said


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, '{"firms": ' + "[" * 50_000 + "]" * 50_000 + "}"], ids=["lists", "objects", "closed"]
)
@pytest.mark.parametrize("name", ["a.json", "a.yaml", "a.jsonl"])
def test_a_deep_application_is_refused(tmp_path: Path, text: str, name: str) -> None:
    (tmp_path / "policy.yaml").write_text(HEAD + NUMBERS, encoding="utf-8")
    (tmp_path / name).write_text(text, encoding="utf-8")
    status, said = command("decide", str(tmp_path / "policy.yaml"), str(tmp_path / name), "--lang", "en")
    assert status == 1
    assert "[too-deep]" in said or "[json-syntax]" in said


def test_a_million_records_are_refused() -> None:
    text = "entities: {project: {facts: {firms: list of firm}}, firm: {facts: {ok: boolean}}}"
    assert refused(text, {"firms": [{}] * 1_000_000}) == ["list-too-long $.firms"]


def test_a_huge_text_is_refused() -> None:
    assert in_data(t="x" * 10_000_000) == ["text-too-long"]
    assert in_data(d="2" * 10_000_000) == ["bad-date"]
    assert in_data(ok="x" * 10_000_000) == ["boolean-data"]
    for diagnostic in refused_data({"x" * 1_000_000: 1}):
        assert len(diagnostic) < 200


@pytest.mark.parametrize("name", ["N", "Ok", "OK", "unknown", "ok ", "", "$", "a.b", "1"])
def test_a_fact_that_is_not_declared_is_refused(name: str) -> None:
    assert in_data(**{name: "1"}) == ["unknown-fact"]


# 13: long expressions.


@pytest.mark.parametrize(
    "text",
    [
        "1" + "+1" * 200_000,
        "not " * 100_000 + "ok",
        "(" * 100_000 + "1" + ")" * 100_000,
        "-" * 100_000 + "1",
        "[" * 50_000,
        "if ok then 1 else " * 20_000 + "1",
        "n." * 100_000 + "n",
        "n" + "[n]" * 50_000,
        '"' * 100_000,
        "x " * 15_000,
    ],
)
def test_a_very_long_expression_is_refused(text: str) -> None:
    assert expression(text) == ["expression-too-long"]


def test_a_word_of_half_a_million_letters_does_not_hold_the_checker_up(tmp_path: Path) -> None:
    content = f"{HEAD}{NUMBERS}\ndefinitions: {{project: {{x: '{'x' * 500_000}'}}}}\n"
    status, said = checked(tmp_path, content.encode())
    assert (status, "[expression-too-long]" in said) == (1, True)


@pytest.mark.parametrize(
    "text",
    [
        "not " * 1_000 + "ok",
        "(" * 900 + "1" + ")" * 900,
        "-" * 1_500 + "1",
        "if ok then 1 else " * 300 + "1",
        "abs(" * 500 + "1" + ")" * 500,
        "1" + "+(1" * 400 + ")" * 400,
        "n" + "[n" * 400 + "]" * 400,
    ],
)
def test_a_very_deep_expression_is_refused(text: str) -> None:
    assert expression(text) == ["expression-too-deep"]


def test_a_thousand_terms_are_refused() -> None:
    for sign in ("+", "-", "*", "/"):
        assert expression(f"1{sign}" * 990 + "1") == ["expression-too-long"]
    for word in ("and", "or"):
        assert expression(f"ok {word} " * 900 + "ok") == ["expression-too-long"]


@pytest.mark.parametrize("unit", ["1.111", "1 111", "1_", "a.", "1,", "(", "9", "%", "€", "1.1.", "aaaa", "=", "'", "1:"])
def test_long_slips_are_recognised_in_good_time(unit: str) -> None:
    for text in (unit * (7_900 // len(unit)), unit * 1_000 + "!", unit * 300 + "§", "1" + unit * 300 + ","):
        assert len(expression(text)) == 1


# 17: letters that deceive.


@pytest.mark.parametrize("letter", ["\x00", "\x07", "\x1b", "\x7f", "\u200b", "\u200e", "\u202e", "\u2066", "\ufeff"])
def test_letters_that_cannot_be_seen_are_refused_in_a_policy(letter: str) -> None:
    for text in (f"entities: {{project: {{facts: {{a{letter}: text}}}}}}", f"# {letter}\nentities: {{project: {{facts: {{}}}}}}"):
        assert codes((HEAD + text).encode()) == ["invisible-character"]


@pytest.mark.parametrize("letter", ["\x00", "\x1b", "\u200b", "\u202e", "\u2066", "\ufeff", "\ud800", "\udfff"])  # noqa: PT014 (they differ)
def test_letters_that_cannot_be_seen_are_refused_in_data(letter: str) -> None:
    assert in_data(t=f"a{letter}b") == ["unsafe-text"]
    assert in_json(json.dumps({"t": f"a{letter}b"})) == ["unsafe-text"]


def test_lone_surrogates_do_not_stop_the_command(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(HEAD + NUMBERS, encoding="utf-8")
    for text in ('{"\\ud800": 1, "t": "\\ud800"}', '{"d": "\\ud800", "ok": "\\udfff"}', '{"n": "\\ud800"}'):
        status, said = command("decide", str(tmp_path / "policy.yaml"), "-", "--lang", "en", "--json", stdin=text.encode())
        assert status == 1
        assert "error[" in said


@pytest.mark.parametrize("name", ["соsts", "cοsts", "costѕ", "café", "ｎ", "n̈"])
def test_letters_of_another_alphabet_make_no_name(name: str) -> None:
    assert codes(f"entities: {{project: {{facts: {{{name}: text}}}}}}") == ["bad-name"]
    assert expression(name) == ["syntax-letter"]


# 20: zones and clocks.


@pytest.mark.parametrize("zone", ["Europe/Roma", "../etc/passwd", "/etc/passwd", "", "CET+99", "Europe", "localtime", "x" * 5_000, "è"])
def test_a_time_zone_that_is_none_is_refused(zone: str) -> None:
    head = HEAD.replace("decides: project", f"decides: project, time_zone: '{zone}'")
    assert set(codes((head + "entities: {project: {facts: {}}}").encode())) <= {"unknown-zone", "expected-value"} != set()
    assert codes((head + "entities: {project: {facts: {}}}").encode())


def test_the_first_and_the_last_year_have_an_end() -> None:
    text = f"{NUMBERS}\ndefinitions: {{project: {{before: d - 1 day, after: d + 1 year, at_: s + 1 day}}}}\nresults: [before, after, at_]"
    assert {f.code for f in decide(text, {"d": "0001-01-01", "s": "9999-12-31T12:00"}).faults} == {"date-out-of-range"}
    assert {f.code for f in decide(text, {"d": "9999-12-31", "s": "9999-12-30T12:00"}).faults} == {"date-out-of-range"}


# 23: bytes.


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty-file"),
        (b"\xef\xbb\xbf", "empty-file"),
        (b"# nothing\n", "empty-file"),
        (b"---\n...\n", None),
        ("bandolo: 1".encode("utf-16"), "not-utf8"),
        ("bandolo: 1".encode("utf-16-be"), "invisible-character"),
        ("bandolo: 1".encode("utf-32"), "not-utf8"),
        ("title: perché".encode("cp1252"), "not-utf8"),
        (b"bandolo: 1\n\xff", "not-utf8"),
        (b"\xed\xa0\x80", "not-utf8"),
        (b"\xc0\xaf", "not-utf8"),
        (b"bandolo:\t1\n\tpolicy: x\n", "yaml-tab"),
        (b"bandolo: 1\n--- \nbandolo: 1\n", "yaml-second-document"),
    ],
)
def test_bytes_that_are_no_policy(content: bytes, code: str | None) -> None:
    said = codes(content)
    assert said
    assert code is None or said[0] == code


def test_the_line_of_a_byte_that_cannot_be_read_is_told() -> None:
    (diagnostic,) = found(b"bandolo: 1\n# a\n# perch\xe9\n")
    assert (diagnostic.code, diagnostic.args["line"]) == ("not-utf8", 3)


def test_line_ends_and_a_byte_order_mark_change_nothing() -> None:
    text = HEAD + NUMBERS + "\nrequirements:\n  project:\n    r:\n      check: >\n        ok and\n        n > 1\n      otherwise: reject\n"
    digests = {
        policy_digest(c)
        for c in (text.encode(), b"\xef\xbb\xbf" + text.encode(), text.replace("\n", "\r\n").encode(), text.encode().rstrip())
    }
    assert len(digests) == 1


def policy_digest(content: bytes) -> str:
    result = load("a.yaml", content)
    assert result.policy is not None, [d.code for d in result.diagnostics]
    return result.policy.digest


def test_applications_in_any_bytes_are_read_or_refused(tmp_path: Path) -> None:
    contents = [
        b"",
        b"\xff\xfe{\x00",
        b"\xef\xbb\xbf{}",
        b"{}\r\n",
        b'{"t": "perch\xe9"}',
        b"\x00",
        b"{}{}",
        b"[1, 2]",
        b"null",
        b"[]",
        b'"text"',
        b"{'t': 'x'}",
    ]
    for name in ("a.json", "a.yaml", "a.jsonl", "a.txt"):
        for content in contents:
            (tmp_path / name).write_bytes(content)
            for submitted in read_applications((str(tmp_path / name),)):
                assert submitted.diagnostics or isinstance(refused_data(submitted.data), list)
