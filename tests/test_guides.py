"""The guides are true: every command on them is run, every edit they ask for is made, every snippet of Python is executed.

`docs/guida.md` and `docs/guide.md` are played (see `pages.py`) in a copy of the policies, from top to bottom. `--update` rewrites the
screens, never the edits.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from contextlib import chdir
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

import bandolo
import bandolo.batch
import bandolo.batch.spark
from bandolo.diagnostics.render import catalogue
from bandolo.pipeline import load
from bandolo.surfaces.cli import cli
from bandolo.testing.runner import run_file
from golden import difference, masked
from pages import FENCE, agrees, blocks, copy_to, played, refreshed, shown
from small import ROOT

DOCS = ROOT / "docs"
GUIDES = {"it": DOCS / "guida.md", "en": DOCS / "guide.md"}
EMBEDDING = DOCS / "embedding.md"

# Names that differ because the reader's language does.
OWN_NAMES = {
    "prova/": "trial/",
    "policies prova": "policies trial",
    "miei_bandi": "my_calls",
    "bando_digitale_2027": "digital_call_2027",
    '"Bando digitale 2027"': '"Digital call 2027"',
    "progetto": "project",
}


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with what the reader has."""
    monkeypatch.chdir(tmp_path)
    return copy_to(tmp_path)


Followed = Callable[[str], tuple[Path, str]]


@pytest.fixture(scope="session")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """The folder of a reader who has followed a whole guide, and the guide with the screens that came; not to be changed."""

    @cache
    def follow(lang: str) -> tuple[Path, str]:
        folder = copy_to(tmp_path_factory.mktemp(lang))
        with chdir(folder):
            return folder / {"it": "prova", "en": "trial"}[lang], played(guide(lang), lang)

    return follow


@cache
def guide(lang: str) -> str:
    return GUIDES[lang].read_text(encoding="utf-8")


@pytest.mark.parametrize("lang", GUIDES)
def test_following_the_guide_gives_what_it_shows(lang: str, update: bool, followed: Followed) -> None:
    _, now = followed(lang)
    if update:
        GUIDES[lang].write_text(now, encoding="utf-8")
        return
    assert now == guide(lang), difference(guide(lang), now)


@pytest.mark.parametrize("lang", GUIDES)
def test_what_the_guide_leads_to_is_in_order(lang: str, followed: Followed) -> None:
    folder = followed(lang)[0]
    for arguments in (["check", "--strict"], ["fmt", "--check"]):
        result = CliRunner(env={"BANDOLO_LANG": "en"}).invoke(cli, [*arguments, str(folder)], prog_name="bandolo")
        assert result.exit_code == 0, result.output


# The two guides are one.


def as_english(text: str) -> str:
    for italian, english in OWN_NAMES.items():
        text = text.replace(italian, english)
    return text


def test_both_guides_have_the_same_commands() -> None:
    commands = {lang: [as_english(c) for b in blocks(guide(lang), lang) if b.kind == "console" for c, _ in shown(b)] for lang in GUIDES}
    assert commands["it"] == commands["en"]
    assert len(commands["it"]) > 30


def test_both_guides_ask_for_the_same_edits() -> None:
    """But for comments and the names of cases, which are in the reader's language."""
    edits = {
        lang: [
            (b.ask, as_english(b.file), re.sub(r"#.*|(?<=name: ).*", "", as_english(b.text)) if b.ask != "read" else "")
            for b in blocks(guide(lang), lang)
            if b.ask
        ]
        for lang in GUIDES
    }
    assert edits["it"] == edits["en"]


def test_both_guides_have_the_same_chapters_and_tables() -> None:
    heads = {lang: [h.count("#") for h in re.findall(r"(?m)^(#+) ", re.sub(FENCE, "", guide(lang)))] for lang in GUIDES}
    rows = {lang: [len(row.split(" | ")) for row in re.findall(r"(?m)^\|.*$", guide(lang))] for lang in GUIDES}
    assert heads["it"] == heads["en"]
    assert rows["it"] == rows["en"]


@pytest.mark.parametrize("lang", GUIDES)
def test_what_is_only_shown_is_what_the_makefile_does(lang: str) -> None:
    """The few lines that are not run: setting up."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    lines = [line for b in blocks(guide(lang), lang) if b.kind == "sh" for line in b.text.splitlines()]
    for line in lines:
        target = re.match(r"make (\w+)", line)
        assert line.startswith((". .venv/", "export BANDOLO_LANG=", "python3 -m venv .venv", ".venv/bin/pip install .")) or (
            target and f"\n{target.group(1)}:" in makefile
        ), line


# Tables.


def rows(page: str, head: str) -> list[list[str]]:
    """The rows of the table with this head; what stands in backticks, without them."""
    match = re.search(rf"(?m)^\| {re.escape(head)}.*\n\|[ |-]+\n((?:\|.*\n)+)", page)
    assert match, head
    return [[cell.strip() for cell in line.strip().strip("|").split(" | ")] for line in match.group(1).splitlines()]


@pytest.mark.parametrize(("lang", "head"), [("it", "che cosa vuoi dire"), ("en", "what you want to say")])
def test_the_conditions_of_the_table_can_be_written_in_the_requirement(lang: str, head: str, followed: Followed) -> None:
    policy = followed(lang)[0] / "manifestazione_2022.yaml"
    text = policy.read_text(encoding="utf-8")
    written = "check: chains >= 1\n"
    assert text.count(written) == 1
    for _, cell in rows(guide(lang), head):
        condition = cell.strip("`")
        loaded = load(str(policy), text.replace(written, f"check: {condition}\n").encode())
        assert [(d.code, d.args) for d in loaded.diagnostics if d.severity == "error"] == [], condition


@pytest.mark.parametrize(("lang", "head"), [("it", "che cosa cambia"), ("en", "what changes")])
def test_the_changes_of_the_table_can_be_written_in_a_case(lang: str, head: str, followed: Followed) -> None:
    written = followed(lang)[0] / "manifestazione_2022.cases.yaml"
    cases = written.with_name("changes.cases.txt")
    added = [f"  - name: row {i}\n    like: sound\n    change: {row[1].strip('`')}\n" for i, row in enumerate(rows(guide(lang), head))]
    cases.write_text(written.read_text(encoding="utf-8") + "".join(f"{a}    expect: {{faults: []}}\n" for a in added), encoding="utf-8")
    results, diagnostics = run_file(cases)
    assert (diagnostics, [r.case.name for r in results if not r.passed]) == ([], [])


@pytest.mark.parametrize(("lang", "head"), [("it", "messaggio"), ("en", "message")])
def test_the_messages_of_the_table_are_those_of_the_catalogue(lang: str, head: str) -> None:
    for cell, *_ in rows(guide(lang), head):
        assert cell.strip("`") in catalogue(), cell


@pytest.mark.parametrize("path", [*GUIDES.values(), EMBEDDING], ids=lambda p: p.name)
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    anchors = {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in re.findall(r"(?m)^#+ (.*)$", re.sub(FENCE, "", text))}
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in anchors, target
        elif not target.startswith("http"):
            assert (path.parent / target.partition("#")[0]).exists(), target


# The page for developers.


@cache
def snippets() -> tuple[tuple[int, str, str | None], ...]:
    """Each snippet of Python with its line, and what it prints (the `text` block right after it)."""
    page = EMBEDDING.read_text(encoding="utf-8")
    found = []
    for match in re.finditer(r"(?ms)^```python\n(.*?)^```$(?:\n+^```text\n(.*?)^```$)?", page):
        found.append((page.count("\n", 0, match.start()) + 2, match.group(1), match.group(2)))
    return tuple(found)


def test_the_snippets_for_developers_run(copied: Path, capsys: pytest.CaptureFixture[str], update: bool) -> None:
    """One after the other, as one program, from the folder that holds `policies/`."""
    names: dict[str, object] = {"__name__": "page"}
    page = EMBEDDING.read_text(encoding="utf-8")
    fresh = page
    assert snippets()
    for line, code, printed in snippets():
        exec(compile("\n" * (line - 1) + code, str(EMBEDDING), "exec"), names)
        now = masked("\n".join(x.rstrip() for x in capsys.readouterr().out.rstrip().split("\n")))
        assert printed is not None or not now, f"line {line} prints, and no `text` block follows it: {now}"
        if printed is not None and not agrees(printed.rstrip("\n"), now):
            screen = refreshed(printed.rstrip("\n"), now, line)
            fresh = fresh.replace(f"{code}```\n\n```text\n{printed}", f"{code}```\n\n```text\n{screen}\n")
    if update:
        EMBEDDING.write_text(fresh, encoding="utf-8")
        return
    assert page == fresh, difference(page, fresh)
    assert copied.exists()


def test_the_snippets_for_developers_import_what_is_public_only() -> None:
    code = "\n".join(code for _, code, _ in snippets())
    assert set(re.findall(r"(?:from|import) (bandolo[.\w]*)", code)) == {"bandolo", "bandolo.batch"}


def test_every_public_name_stands_on_the_page_for_developers() -> None:
    """In the table of what it is imported from."""
    page = EMBEDDING.read_text(encoding="utf-8")
    for module in (bandolo, bandolo.batch, bandolo.batch.spark):
        named = " ".join(first for first, *_ in rows(page, f"from `{module.__name__}`"))
        assert {*re.findall(r"\w+", named)} == {*module.__all__}, module.__name__


def test_every_command_for_developers_runs(copied: Path) -> None:
    for match in re.finditer(r"(?ms)^```console\n(.*?)^```$", EMBEDDING.read_text(encoding="utf-8")):
        for command in re.findall(r"(?m)^\$ (.*)$", match.group(1)):
            result = CliRunner(env={"BANDOLO_LANG": "en"}).invoke(cli, shlex.split(command)[1:], prog_name="bandolo")
            assert result.exit_code == 0, f"{command}\n{result.output}"
    assert copied.exists()
