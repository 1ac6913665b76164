"""`bandolo fmt`: what files look like afterwards, and that nothing else changes.

In `cases/format/` stand pairs: `NAME.before.yaml` as someone wrote it, `NAME.after.yaml` as it is laid out (`--update` rewrites it).
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import re
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bandolo.diagnostics.render import render_all
from bandolo.format.canonical import canonical_text, digest_of, said
from bandolo.format.expressions import broken, is_simple, on_one_line, same_expression
from bandolo.format.same import difference
from bandolo.format.shapes import shape_of_file
from bandolo.format.whole import formatted
from bandolo.limits import YAML_DEPTH
from bandolo.pipeline import load
from bandolo.source import SourceFile
from bandolo.surfaces.checking import kind_of
from bandolo.syntax.parser import tokens
from bandolo.syntax.yaml_tree import parse_yaml
from bandolo.testing.runner import run_file
from generated import Generated, generated
from golden import difference as shown_difference
from golden import run
from small import CASES, HEAD, LIVE_POLICIES, ROOT

PAIRS = sorted((CASES / "format").glob("*.before.yaml"))
FOLDERS = (ROOT / "policies", ROOT / "tests" / "policies", CASES / "cli" / "files", CASES / "check", CASES / "format")
FILES = [path for folder in FOLDERS for path in sorted(folder.glob("*.yaml")) if kind_of(path) is not None]
READABLE = [path for path in FILES if formatted(str(path), path.read_bytes())[0] is not None]


def laid_out(text: str | bytes) -> str:
    """A text as it is laid out; a failed test if it is refused."""
    made, found = formatted("call.yaml", text if isinstance(text, bytes) else text.encode())
    assert made is not None, render_all(found, "en")
    return made


def refused(text: str | bytes) -> list[str]:
    """The codes for which a text is left alone; each can be shown to a person."""
    made, found = formatted("call.yaml", text if isinstance(text, bytes) else text.encode())
    assert made is None
    assert render_all(found, "it")
    return [d.code for d in found]


# What files look like.


@pytest.mark.parametrize("path", PAIRS, ids=lambda p: p.name.removesuffix(".before.yaml"))
def test_before_and_after(path: Path, update: bool) -> None:
    made = laid_out(path.read_bytes())
    after = path.with_name(path.name.replace(".before.", ".after."))
    if update:
        after.write_text(made, encoding="utf-8")
    wanted = after.read_text(encoding="utf-8")
    assert made == wanted, shown_difference(wanted, made)


@pytest.mark.parametrize(
    ("written", "spaced"),
    [
        ("a+b", "a + b"),
        ("a - -b", "a - -b"),
        ("- 5 EUR", "-5 EUR"),
        ("(-a)", "(-a)"),
        ("x-1>2and y", "x - 1 > 2 and y"),
        ("min( a ,b )", "min(a, b)"),
        ("not( a )", "not (a)"),
        ("t [ x ] [y]", "t[x][y]"),
        ("x in[a,b]", "x in [a, b]"),
        ("[ ]", "[]"),
        ("f( x )[y] . z at w", "f(x)[y].z at w"),
        ("if a then-b else(c)", "if a then -b else (c)"),
        ("count( distinct x of y )", "count(distinct x of y)"),
        ("share  of t by -w among l ties k", "share of t by -w among l ties k"),
        ("2022-12-31 16:00-1 day", "2022-12-31 16:00 - 1 day"),
        ("400_000 EUR*50%", "400_000 EUR * 50%"),
        ('name="a  +b"', 'name = "a  +b"'),
        ("x^2", "x ^ 2"),
    ],
)
def test_expressions_are_spaced_token_by_token(written: str, spaced: str) -> None:
    assert on_one_line(written) == spaced
    assert on_one_line(spaced) == spaced
    assert same_expression(written, spaced)


def test_what_may_stay_in_braces() -> None:
    for text in ("a", "a.b", "a at b", "-5 EUR", "10%", "2022-12-31 16:00", "none", '"a + b"'):
        assert is_simple(text), text
    for text in ("a + b", "f(x)", "t[x]", "not a", "a - b", "[a]", "(a)", "a is known", "x = y", "- -a"):
        assert not is_simple(text), text


def test_an_and_that_belongs_to_between_is_not_broken_off() -> None:
    assert broken("a between b and c and d between e and f", 21) == ["a between b and c", "and d between e and f"]


def test_the_digest_stays_where_only_the_layout_changes() -> None:
    long = "not any(firms as f where any(firms as g where g.number > f.number and g.village = f.village and overlap(f.starts, f.ends)))"
    text = f"{HEAD}definitions:\n  project: {{a: '{long} or {long}', b: 'c=\"d\"'}}\n"
    made = laid_out(text)
    assert ">-\n" in made
    trees = [parse_yaml(SourceFile("call.yaml", t))[0] for t in (text, made)]
    assert len({digest_of(tree) for tree in trees if tree is not None}) == 1


def test_a_text_keeps_what_stands_in_its_braces() -> None:
    text = HEAD + 'requirements:\n  project:\n    r:\n      check: a\n      message: "{ a+b }  and {c}"\n'
    assert '"{ a+b }  and {c}"' in laid_out(text)


def test_data_keeps_its_quotes() -> None:
    """Quotes tell a text from a number: `"0042"` is a tax code, `0042` a mistake."""
    text = 'cases_of: call.yaml\napplications:\n  a: {x: "1", y: 1, z: \'2\', w: "no"}\n'
    assert '{x: "1", y: 1, z: "2", w: "no"}' in laid_out(text)


# The canonical text: what a digest is taken of, and what a record holds.


@pytest.mark.parametrize("path", LIVE_POLICIES, ids=lambda p: p.stem)
def test_the_canonical_text_of_a_policy_is_the_same_policy(path: Path) -> None:
    before = load(path.name, path.read_bytes())
    assert before.tree is not None
    text = canonical_text(before.tree)
    after = load(path.name, text.encode())
    assert after.tree is not None
    assert after.policy == replace_brackets(after.policy, before.policy)
    assert canonical_text(after.tree) == text
    assert "#" not in re.sub(r'".*"|«.*»', "", text)


def replace_brackets(made: Any, of: Any) -> Any:
    """A policy with the places of its bands taken from another, when the bands are the same: spans are compared by file."""
    assert [b for b, _ in made.brackets] == [b for b, _ in of.brackets]
    return dataclasses.replace(of, brackets=made.brackets)


def test_formatting_comments_and_quotes_do_not_change_the_canonical_text() -> None:
    one = HEAD + "definitions:\n  project:\n    a: {value: 'x>=1', label: {it: 'Sì',  en: Yes}}  # remark\n"
    two = (
        HEAD
        + 'definitions:\n  project:\n    a:\n      value: >-\n        x\n        >= 1\n      label:\n        it: "Sì"\n        en: Yes\n'
    )
    texts = {canonical_text(tree) for t in (one, two) if (tree := parse_yaml(SourceFile("call.yaml", t))[0]) is not None}
    assert len(texts) == 1
    other = canonical_tree(one.replace("x>=1", "x>1"))
    assert other not in texts


@pytest.mark.parametrize(
    "value", ["true", "- a", "a: b", "a #b", "“q”", "", "[1]", "{}", "è 'x' \"y\"", "@x", "null", "1.234,50", "\\n", "a\u00a0b"]
)
def test_any_text_comes_back_from_its_canonical_form(value: str) -> None:
    written = HEAD + f"sources:\n  s: {{title: {json.dumps(value, ensure_ascii=True)}}}\n"
    tree = parse_yaml(SourceFile("call.yaml", written))[0]
    assert tree is not None
    again, found = parse_yaml(SourceFile("call.yaml", canonical_text(tree)))
    assert again is not None
    assert not found
    assert canonical_text(again) == canonical_text(tree)
    assert said(again) == said(tree)


def canonical_tree(text: str) -> str:
    tree = parse_yaml(SourceFile("call.yaml", text))[0]
    assert tree is not None
    return canonical_text(tree)


# Nothing is lost.


@pytest.mark.parametrize("path", READABLE, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_once_is_enough(path: Path) -> None:
    once = laid_out(path.read_bytes())
    assert laid_out(once) == once
    assert once.endswith("\n")
    assert not once.endswith("\n\n")
    assert "\r" not in once


def test_the_policies_of_the_project_can_all_be_laid_out() -> None:
    live = {path for folder in FOLDERS[:2] for path in FILES if path.parent == folder}
    assert live <= set(READABLE)
    assert len(live) >= 6


def meant(core: object) -> str:
    """A checked policy without its places, its digest included."""
    return re.sub(r"Span\([^)]*\)", "", repr(core))


def without_places(path: Path) -> list[tuple[str, str]]:
    return sorted((d.code, str(d.args.get("name", ""))) for d in load(path.name, path.read_bytes()).diagnostics)


@pytest.mark.parametrize("path", [p for p in READABLE if kind_of(p) == "policy"], ids=lambda p: p.relative_to(ROOT).as_posix())
def test_the_same_policy_and_the_same_mistakes(path: Path, tmp_path: Path) -> None:
    new = tmp_path / path.name
    new.write_text(laid_out(path.read_bytes()), encoding="utf-8")
    before, after = (load(path.name, p.read_bytes()).policy for p in (path, new))
    assert without_places(path) == without_places(new)
    assert meant(before) == meant(after)


@pytest.mark.parametrize("path", LIVE_POLICIES[1:], ids=lambda p: p.stem)
def test_every_case_comes_out_as_before(path: Path, tmp_path: Path) -> None:
    """Both the policy and its cases laid out. The largest policy is left to the test above: that it is the same is told by its core."""
    home = tmp_path / "home"
    shutil.copytree(path.parent, home)
    for file in home.glob("*.yaml"):
        if kind_of(file) is not None:
            file.write_text(laid_out(file.read_bytes()), encoding="utf-8")
    outcomes = []
    for folder in (path.parent, home):
        results, diagnostics = run_file(folder / f"{path.stem}.cases.yaml")
        outcomes.append([(r.case.name, r.passed, [(m.where, m.got) for m in r.mismatches]) for r in results])
        assert not diagnostics
    assert outcomes[0] == outcomes[1]
    assert outcomes[0]


@settings(max_examples=25, deadline=None)
@given(generated())
def test_a_generated_policy_keeps_its_meaning(made: Generated) -> None:
    """Generated policies are JSON: every brace is opened, most quotes go."""
    before = made.text()
    after = laid_out(before)
    assert laid_out(after) == after
    old, new = load("p.yaml", before), load("p.yaml", after.encode())
    assert meant(old.policy) == meant(new.policy)
    assert [d.code for d in old.diagnostics] == [d.code for d in new.diagnostics]


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from([p for p in READABLE if p.stat().st_size < 6_000]))
def test_an_untidy_file_keeps_its_comments_and_meaning(chance: random.Random, path: Path) -> None:
    text = untidied(path.read_text(encoding="utf-8"), chance)
    made, found = formatted("call.yaml", text.encode())
    assert "format-would-change" not in [d.code for d in found], text
    if made is not None:
        assert laid_out(made) == made
        # Read without the engine's own idea of a comment: every one that was put in is still there, in the same order.
        assert put_in(made) == put_in(text)


def put_in(text: str) -> list[str]:
    """The comments that were put in, but for those that came to stand inside a quoted text and are none."""
    quoted = "".join(token.value for token in yaml.scan(text) if isinstance(token, yaml.ScalarToken))
    return [c for c in re.findall(r"#~\d+", text) if c not in quoted]


def untidied(text: str, chance: random.Random) -> str:
    """A text with comments, blank lines and line breaks put in at random; some of these break it."""
    lines = text.split("\n")
    for number in range(chance.randint(1, 8)):
        at = chance.randrange(len(lines))
        line, comment = lines[at], f"#~{number}"
        match chance.randrange(6):
            case 0:
                lines.insert(at, " " * chance.randrange(9) + comment)
            case 1 if line.strip():
                lines[at] = f"{line} {comment}"
            case 2:
                lines.insert(at, "")
            case 3 if ", " in line:
                first, _, rest = line.partition(", ")
                lines[at : at + 1] = [f"{first}, {comment}", " " * 30 + rest]
            case 4 if ": " in line:
                first, _, rest = line.partition(": ")
                lines[at : at + 1] = [f"{first}: {comment}", " " * 30 + rest]
            case 5 if "{" in line:
                lines[at] = line.replace("{", "{\n" + " " * 20, 1)
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("definitions:\n  p:\n    a: b + c\n", "definitions:\n  p:\n    a: b - c\n"),
        ("definitions:\n  p:\n    a: b\n    c: d\n", "definitions:\n  p:\n    c: d\n    a: b\n"),
        ("definitions:\n  p:\n    a: b\n", "definitions:\n  p: {}\n"),
        ("definitions:\n  p:\n    a: b  # why\n", "definitions:\n  p:\n    a: b\n"),
        ("# one\n# two\nresults: []\n", "# two\n# one\nresults: []\n"),
        ("results: []\n", "results: []  # more\n"),
        ('note: "a"\n', "note: a\n"),
        ('results: ["a  b"]\n', 'results: ["a b"]\n'),
        ("results: []\n", "results: {\n"),
    ],
)
def test_what_says_something_else_is_noticed(before: str, after: str) -> None:
    """The check before writing is made for mistakes of the printer: here they are made by hand."""
    tree, found = parse_yaml(SourceFile("call.yaml", HEAD + before))
    assert tree is not None
    assert not found
    shape = shape_of_file(tree)
    assert shape is not None
    assert difference(tree, shape, HEAD + before) is None
    assert difference(tree, shape, HEAD + after) is not None


# Bad input.


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty-file"),
        (b"# nothing\n", "empty-file"),
        (b"bandolo: 1\n\tpolicy: a\n", "yaml-tab"),
        (b"bandolo: 1\ndefinitions:\n  p:\n    a: (b\n", "syntax-missing-parenthesis"),
        (b'bandolo: 1\ndefinitions:\n  p:\n    a: b = "Lot #1"\n', "yaml-hash"),
        (b"bandolo: 1\ndefinitions:\n  p: {a: f(x, y)}\n", "yaml-flow-comma"),
        (b"bandolo: 1\nbandolo: 1\n", "duplicate-key"),
        (b"bandolo: 1\n---\nbandolo: 1\n", "yaml-second-document"),
        (b"bandolo: &a 1\nx: *a\n", "yaml-anchor"),
        (b"bandolo: \xff\n", "not-utf8"),
        ("bandolo: 1\n".encode("utf-16"), "not-utf8"),
        (b"bandolo: 1\nx: \xe2\x80\x8b\n", "invisible-character"),
        (b"- a\n- b\n", "nothing-to-format"),
        (b"services: {web: {image: x}}\n", "nothing-to-format"),
        (b"bandolo: 1\nx: " + b"[" * (YAML_DEPTH + 1) + b"]" * (YAML_DEPTH + 1) + b"\n", "too-deep"),
        (b"bandolo: 1\nx: " + b"[" * 100_000, "too-deep"),
        (b"bandolo: 1\nx: [" + b"a, " * 70_000 + b"]\n", "too-many-entries"),
        (b"bandolo: 1\n" + b"#" * 2_000_000, "too-large"),
        (b"bandolo: 1\ndefinitions:\n  p:\n    a: " + b"(" * 60 + b"b" + b")" * 60 + b"\n", "expression-too-deep"),
    ],
)
def test_what_cannot_be_read_is_left_alone(content: bytes, code: str) -> None:
    assert code in refused(content)


def test_line_ends_and_byte_order_marks_go() -> None:
    text = HEAD + "# a\ndefinitions:\n  project:\n    a: >-\n      b\n      + c\n    d: 'e\n      or f'\n"
    wanted = laid_out(text)
    for variant in (text.replace("\n", "\r\n"), text.replace("\n", "\r"), "\ufeff" + text, text.replace("\n", "  \n"), text.rstrip("\n")):
        assert laid_out(variant) == wanted


def test_deep_but_lawful_nesting_is_laid_out() -> None:
    depth = YAML_DEPTH - 2
    flow = HEAD + "x: " + "{a: [" * (depth // 2) + "b" + "]}" * (depth // 2) + "\n"
    assert laid_out(laid_out(flow)) == laid_out(flow)
    dashes = HEAD + "x:\n  " + "- " * depth + "b\n"
    assert laid_out(dashes) == dashes.replace("\nx:", "\n\nx:")


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab:-#'\"{}[],|>%&*!? \n\t\\.01é"), max_size=60))
def test_any_text_is_laid_out_or_refused(text: str) -> None:
    made, found = formatted("call.yaml", ("bandolo: 1\nnote: x\nx: " + text).encode())
    assert "format-would-change" not in [d.code for d in found]
    if made is not None:
        assert laid_out(made) == made


WORDS = re.findall(r"\S+", "a b 1 2% ( ) [ ] , . + - * = < and or not in if then else of where between is none at")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(WORDS)))
def test_spacing_never_changes_the_tokens(words: list[str]) -> None:
    text = " ".join(words)
    if tokens(text) and text.count("(") == text.count(")") == 0:
        source = f"bandolo: 1\ndefinitions:\n  p:\n    a: {json.dumps(text)}\n"
        made, _ = formatted("call.yaml", source.encode())
        if made is not None:
            assert same_expression(text, on_one_line(text))
            for width in (1, 10, 40):
                assert " ".join(line.strip() for line in broken(text, width)) == on_one_line(text)


# The command.


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a policy, an amendment and cases to be laid out, and what is to be left alone."""
    for name in ("layout", "amendment", "call.cases"):
        text = (CASES / "format" / f"{name}.before.yaml").read_bytes()
        (tmp_path / f"{name}.yaml").write_bytes(text)
    (tmp_path / "tidy.yaml").write_text(HEAD, encoding="utf-8")
    (tmp_path / "application.yaml").write_text("id:   1\n", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("bandolo:   1\n", encoding="utf-8")
    return tmp_path


def test_a_folder_stands_for_its_policies_amendments_and_cases(folder: Path) -> None:
    out, err, status = run(f"bandolo fmt {folder}")
    assert (status, err) == (0, "")
    assert [line.rpartition("/")[2] for line in out.splitlines()] == [
        "amendment.yaml: rewritten", "call.cases.yaml: rewritten", "layout.yaml: rewritten",
    ]  # fmt: skip
    assert (folder / "layout.yaml").read_text(encoding="utf-8") == (CASES / "format" / "layout.after.yaml").read_text(encoding="utf-8")
    assert (folder / "application.yaml").read_text(encoding="utf-8") == "id:   1\n"
    assert run(f"bandolo fmt {folder} --lang it") == ("niente da cambiare\n", "", 0)
    assert not list(folder.glob(".*"))


def test_check_changes_nothing_and_tells(folder: Path) -> None:
    before = {p: p.read_bytes() for p in folder.iterdir()}
    out, err, status = run(f"bandolo fmt --check {folder}")
    assert (status, err, out.count("would be rewritten")) == (1, "", 3)
    assert {p: p.read_bytes() for p in folder.iterdir()} == before
    assert run(f"bandolo fmt --check {folder}/tidy.yaml") == ("nothing to change\n", "", 0)


def test_diff_shows_and_changes_nothing(folder: Path) -> None:
    before = (folder / "layout.yaml").read_bytes()
    out, err, status = run(f"bandolo fmt --diff {folder}/layout.yaml")
    assert (status, err) == (0, "")
    assert "-bandolo:   1\n" in out
    assert "+bandolo: 1\n" in out
    assert (folder / "layout.yaml").read_bytes() == before
    assert run(f"bandolo fmt --diff --check {folder}/layout.yaml")[2] == 1


def test_standard_input_goes_to_standard_output() -> None:
    wanted = (CASES / "format" / "layout.after.yaml").read_text(encoding="utf-8")
    assert run("bandolo fmt - < tests/cases/format/layout.before.yaml") == (wanted, "", 0)
    assert run("bandolo fmt - < tests/cases/format/layout.after.yaml") == (wanted, "", 0)
    assert run("bandolo fmt --check - < tests/cases/format/layout.before.yaml") == ("<stdin>: would be rewritten\n", "", 1)
    out, err, status = run("bandolo fmt - < tests/cases/cli/files/half.yaml")
    assert (out, status) == ("", 1)
    assert "nothing-to-format" in err


def test_a_file_that_cannot_be_read_is_left_alone_and_the_others_are_not(folder: Path) -> None:
    (folder / "broken.yaml").write_text("bandolo:   1\ndefinitions:\n  p:\n    a: (b\n", encoding="utf-8")
    before = (folder / "broken.yaml").read_bytes()
    out, err, status = run(f"bandolo fmt {folder} --lang it")
    assert (status, out.count("riscritto")) == (1, 3)
    assert "errore[syntax-missing-parenthesis]" in err
    assert "broken.yaml:4:" in err
    assert (folder / "broken.yaml").read_bytes() == before


def test_usage_and_missing_files(tmp_path: Path) -> None:
    assert run("bandolo fmt")[2] == 2
    assert run("bandolo fmt --nonsense x.yaml")[2] == 2
    assert run(f"bandolo fmt {tmp_path}/nothing.yaml")[2] == 1
    assert "no-policies-here" in run(f"bandolo fmt {tmp_path}")[1]
    assert "bandolo fmt --check" in run("bandolo fmt --help")[0]


def test_mode_and_links_stay(folder: Path) -> None:
    target, link = folder / "layout.yaml", folder / "link.yaml"
    target.chmod(0o640)
    link.symlink_to(target)
    assert run(f"bandolo fmt {link}")[2] == 0
    assert link.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert target.read_text(encoding="utf-8").startswith("# Blank lines")
    assert "bandolo: 1\n" in target.read_text(encoding="utf-8")


def test_what_cannot_be_written_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (folder / "layout.yaml").read_bytes()

    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", full)
    _, err, status = run(f"bandolo fmt {folder}/layout.yaml")
    assert status == 1
    assert "cannot-write" in err
    assert (folder / "layout.yaml").read_bytes() == before
    assert not list(folder.glob(".*"))
