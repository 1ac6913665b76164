"""Every diagnostic has its words in both languages and its page, and every page shows what really happens."""

from __future__ import annotations

import ast
import re
import string
from functools import cache
from pathlib import Path

import pytest

import bandolo
from bandolo.diagnostics import ApplicationError, Diagnostic, errors
from bandolo.diagnostics.render import catalogue, help_text, message, render
from bandolo.evaluate.data import read_json
from bandolo.pipeline import load
from bandolo.policy import Policy, policy_from_bytes
from bandolo.syntax.hints import SLIPS
from bandolo.syntax.yaml_traps import PROBLEMS

PACKAGE = Path(bandolo.__file__).parent
PAGES = PACKAGE / "diagnostics" / "pages"
CODE = re.compile(r"[a-z]+(-[a-z0-9]+)+|cycle")
REPORTERS = {
    "Diagnostic", "report", "invalid", "warn", "BadLiteral", "BadValue", "Fault", "_Bad", "_TooDeep", "_stop", "_wrong", "_word",
    "_pattern", "BadCell", "Unclear", "_say", "_refuse",
}  # fmt: skip
"""What a code is handed to. A code that reaches a diagnostic by another way is found by its being returned, or assigned to `code`."""
PROMISED: set[str] = set()
"""Codes that have their words before anything reports them."""
LANGUAGES = ("it", "en")


# The catalogue.


@cache
def modules() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


def words(nodes: list[ast.expr]) -> set[str]:
    """The strings among some expressions, whichever branch of a conditional they stand in."""
    found: set[str] = set()
    for node in nodes:
        for part in (node.body, node.orelse) if isinstance(node, ast.IfExp) else (node,):
            if isinstance(part, ast.Constant) and isinstance(part.value, str) and CODE.fullmatch(part.value):
                found.add(part.value)
    return found


@cache
def raised() -> frozenset[str]:
    """The codes that the engine may report."""
    found = {code for _, code in (*SLIPS, *PROBLEMS)}
    for path, module in modules().items():
        for node in ast.walk(module):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in REPORTERS:
                    found |= words(node.args)
            elif isinstance(node, ast.Assign):
                found |= words([node.value] if any(getattr(t, "id", "") == "code" for t in node.targets) else [])
            elif isinstance(node, ast.Return) and path.name in ("hints.py", "mismatch.py", "yaml_traps.py"):
                found |= words(list(node.value.elts) if isinstance(node.value, ast.Tuple) else [node.value] if node.value else [])
    return frozenset(found)


@cache
def mentioned() -> frozenset[str]:
    """Every string of the sources that could be a code."""
    constants = (n for module in modules().values() for n in ast.walk(module) if isinstance(n, ast.Constant))
    return frozenset(n.value for n in constants if isinstance(n.value, str) and CODE.fullmatch(n.value))


def codes() -> list[str]:
    return [code for code in catalogue() if code != "labels"]


def labels() -> dict[str, dict[str, str]]:
    return catalogue()["labels"]  # type: ignore[return-value]


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def test_every_code_that_is_reported_has_its_words_and_its_page() -> None:
    assert raised() - set(codes()) == set()
    assert raised() - {p.stem for p in PAGES.glob("*.md")} == set()


def test_every_entry_of_the_catalogue_is_reported_somewhere() -> None:
    assert set(codes()) - mentioned() <= PROMISED


def test_pages_and_catalogue_have_the_same_codes() -> None:
    assert {p.stem for p in PAGES.glob("*.md")} == set(codes())


def test_every_label_has_its_words() -> None:
    used: set[str] = set()
    for module in modules().values():
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Label":
                used |= words(node.args)
    assert used == set(labels())
    assert all(set(entry) == set(LANGUAGES) for entry in labels().values())


@pytest.mark.parametrize("code", codes())
def test_both_languages_say_the_same_of_the_same_things(code: str) -> None:
    entry = catalogue()[code]
    assert {"it", "en"} <= set(entry) <= {"it", "en", "help_it", "help_en"}
    assert placeholders(entry["it"]) == placeholders(entry["en"])
    assert ("help_it" in entry) == ("help_en" in entry)
    assert placeholders(entry.get("help_it", "")) == placeholders(entry.get("help_en", ""))
    assert "nearest" not in placeholders(entry["it"])


@pytest.mark.parametrize("code", codes())
def test_a_message_is_one_sentence_in_lower_case(code: str) -> None:
    for lang in LANGUAGES:
        text = catalogue()[code][lang]
        assert "\n" not in text
        assert not text[0].isupper()
        assert not text.endswith(".")


def handed_over(call: ast.Call, name: str) -> set[str] | None:
    """The names of the args that a call hands over with its code; None where they are made elsewhere."""
    if name in ("Diagnostic", "BadValue"):
        at = {"Diagnostic": 2, "BadValue": 1}[name]
        table = next((k.value for k in call.keywords if k.arg == "args"), call.args[at] if len(call.args) > at else None)
        if table is None:
            return set()
        if not isinstance(table, ast.Dict) or not all(isinstance(k, ast.Constant) for k in table.keys):
            return None
        return {k.value for k in table.keys if isinstance(k, ast.Constant) and isinstance(k.value, str)}
    names = {k.arg for k in call.keywords}
    return None if None in names else {n for n in names if n is not None}


def test_what_a_message_speaks_of_is_handed_over_wherever_it_is_reported() -> None:
    """As far as it can be read off the source; the rest is seen by the examples."""
    lacking = []
    for path, module in modules().items():
        for node in ast.walk(module):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            given = handed_over(node, name) if name in ("Diagnostic", "BadValue", "report", "invalid", "_Bad", "_stop") else None
            if given is None:
                continue
            for code in words(node.args) & set(codes()):
                needed = {name for text in catalogue()[code].values() for name in placeholders(text)}
                if not needed <= given:
                    lacking.append(f"{path.name}:{node.lineno}: {code} needs {sorted(needed - given)}")
    assert lacking == []


# The pages.

BLOCK = re.compile(r"^```(\w+) ?(\w*)\n(.*?)^```$", re.M | re.S)


@cache
def base() -> str:
    return (PAGES / "BASE.yaml").read_text(encoding="utf-8")


def with_fragment(fragment: str) -> bytes:
    """The base policy with the fragment's top-level sections in place of its own."""
    names = set(re.findall(r"^([a-z_]+):", fragment, re.M))
    kept = [part for part in re.split(r"^(?=[a-z_]+:)", base(), flags=re.M) if part.partition(":")[0] not in names]
    return ("".join(kept) + fragment).encode()


@cache
def base_policy() -> Policy:
    return policy_from_bytes("BASE.yaml", base().encode())


def of_application(text: str) -> list[Diagnostic]:
    """What is said of an application to the base policy."""
    data, found = read_json(text, "application.json")
    if found:
        return found
    try:
        base_policy().decide(data)
    except ApplicationError as bad:
        return list(bad.diagnostics)
    return []


def examples() -> list[tuple[str, str, str, str]]:
    """Page, language, kind and text of every example."""
    return [(page.stem, *block) for page in sorted(PAGES.glob("*.md")) for block in BLOCK.findall(page.read_text(encoding="utf-8"))]


def of_kind(kind: str) -> list[object]:
    return [pytest.param(code, language, text, id=code) for code, language, k, text in examples() if k == kind]


def said_of(language: str, text: str) -> list[Diagnostic]:
    if language == "json":
        return of_application(text)
    return list(load("example.yaml", with_fragment(text)).diagnostics)


def shown(found: list[Diagnostic]) -> str:
    return "\n\n".join(render(d, "en") for d in found)


def test_the_base_policy_is_clean() -> None:
    assert load("BASE.yaml", base().encode()).diagnostics == ()


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda p: p.stem)
def test_a_page_has_its_parts(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    titles = re.findall(r"^#+ .*", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.M)
    assert titles == [f"# {page.stem}", "## Italiano", "## English", "## Esempio / Example"]
    kinds = [(language, kind) for language, kind, _ in BLOCK.findall(text)]
    assert kinds in ([("yaml", "bad"), ("yaml", "good")], [("json", "bad"), ("json", "good")], [("text", "")])


@pytest.mark.parametrize(("code", "language", "text"), of_kind("bad"))
def test_a_bad_example_gives_its_code_and_no_other_error(code: str, language: str, text: str) -> None:
    found = said_of(language, text)
    assert code in {d.code for d in found}, shown(found)
    assert {d.code for d in errors(found)} <= {code}, shown(found)


@pytest.mark.parametrize(("code", "language", "text"), of_kind("good"))
def test_a_good_example_gives_no_error(code: str, language: str, text: str) -> None:
    found = said_of(language, text)
    assert not errors(found), shown(found)
    assert code not in {d.code for d in found}, shown(found)


@pytest.mark.parametrize(("code", "language", "text"), of_kind("bad"))
def test_what_a_bad_example_gives_is_said_in_both_languages(code: str, language: str, text: str) -> None:
    found = said_of(language, text)
    assert found, code
    for diagnostic in found:
        for lang in LANGUAGES:
            assert render(diagnostic, lang).splitlines()[0].startswith(("error", "warning", "errore", "avviso"))  # type: ignore[arg-type]
            words_of_it = f"{message(diagnostic, lang)}\n{help_text(diagnostic, lang)}"  # type: ignore[arg-type]
            assert diagnostic.code in catalogue()
            for name in diagnostic.args:
                assert f"{{{name}}}" not in words_of_it
