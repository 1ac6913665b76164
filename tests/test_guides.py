"""The guides are true: every command on them is run, every edit they ask for is made, every snippet of Python is executed.

The reader of `docs/guida.md` and `docs/guide.md` types what stands behind `$ ` and edits files as the sentence before a block says ("find",
"add right below", "write in its place", ...). This test does the same, with the same words, in a copy of the policies, from top to bottom.
A line of a screen that is only `…` stands for any number of lines. `--update` rewrites the screens, never the edits.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from contextlib import chdir
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from bandolo.diagnostics.render import catalogue
from bandolo.pipeline import load
from bandolo.surfaces.cli import cli
from bandolo.testing.runner import run_file
from golden import difference, masked
from small import ROOT

DOCS = ROOT / "docs"
GUIDES = {"it": DOCS / "guida.md", "en": DOCS / "guide.md"}
EMBEDDING = DOCS / "embedding.md"
FENCE = re.compile(r"(?ms)^```([^\n`]*)\n(.*?)^```$")

# What the sentence before a block may ask for, in the words of either guide. The file is the last one named.
ASKS = {
    "find": {"it": r"cerca:$", "en": r"find:$"},
    "delete": {"it": r"cerca e cancella:$", "en": r"find and delete:$"},
    "below": {"it": r"^Subito sotto aggiungi:$", "en": r"^Right below, add:$"},
    "replace": {"it": r"^Al suo posto scrivi:$", "en": r"^In its place, write:$"},
    "append": {"it": r"^In fondo a `[^`]+` aggiungi:$", "en": r"^At the end of `[^`]+`, add:$"},
    "create": {"it": r"^Crea il file `[^`]+`:$", "en": r"^Create the file `[^`]+`:$"},
    "read": {"it": r"^Leggi in `[^`]+`:$", "en": r"^Read in `[^`]+`:$"},
}

# Names that differ because the reader's language does.
OWN_NAMES = {
    "prova/": "trial/",
    "policies prova": "policies trial",
    "miei_bandi": "my_calls",
    "bando_digitale_2027": "digital_call_2027",
    '"Bando digitale 2027"': '"Digital call 2027"',
    "progetto": "project",
}


@dataclass(frozen=True)
class Block:
    """A fenced block: its kind, what the sentence before it asks for and of which file, its text, the line where it begins."""

    kind: str
    ask: str
    file: str
    text: str
    line: int
    start: int
    end: int


def blocks(page: str, lang: str) -> list[Block]:
    found: list[Block] = []
    file, before = "", 0
    for match in FENCE.finditer(page):
        sentence = " ".join(page[before : match.start()].strip().split("\n\n")[-1].split())
        before = match.end()
        kind, ask = match.group(1), ""
        line = page.count("\n", 0, match.start()) + 1
        if kind in ("yaml", "json", "text"):
            asked = [name for name, words in ASKS.items() if re.search(words[lang], sentence)]
            assert len(asked) == 1, f"line {line}: the sentence before the block says none of the agreed words, or several: {sentence}"
            ask = asked[0]
            named = re.findall(r"`([\w./-]+\.(?:yaml|json|txt))`", sentence)
            assert named or ask in ("below", "replace"), f"line {line}: no file is named"
            file = named[-1] if named else file
        found.append(Block(kind, ask, file, match.group(2), line, match.start(2), match.end(2)))
    return found


# Playing a guide.


def run(command: str, lang: str) -> str:
    """What the terminal shows."""
    words = shlex.split(command)
    if words[:2] == ["cp", "-r"]:
        shutil.copytree(words[2], words[3])
        return ""
    assert words[0] == "bandolo", command
    result = CliRunner(env={"BANDOLO_LANG": lang, "COLUMNS": "100", "NO_COLOR": "1"}).invoke(cli, words[1:], prog_name="bandolo")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return masked("\n".join(line.rstrip() for line in result.output.strip("\n").split("\n")))


def shown(block: Block) -> Iterator[tuple[str, str]]:
    """The commands of a screen, each with what stands below it."""
    for part in re.split(r"(?m)^(?=\$ )", block.text):
        if part:
            command, _, output = part.partition("\n")
            assert command.startswith("$ "), f"line {block.line}: a screen begins with a command"
            yield command.removeprefix("$ "), output.strip("\n")


def agrees(written: str, now: str) -> bool:
    """Whether a screen is what came, `…` lines standing for any number of lines."""
    parts = re.split(r"(?m)^…$\n?", written + "\n")
    pattern = r"(?:.*\n)*".join(re.escape(p) for p in parts)
    return re.fullmatch(pattern, now + "\n") is not None


def refreshed(written: str, now: str, line: int) -> str:
    """The screen anew, with lines left out where they were left out before."""
    if "…" not in written.split("\n"):
        return now
    parts = [p.strip("\n").split("\n") for p in re.split(r"(?m)^…$", written)]
    lines, result, at = now.split("\n"), [], 0
    for i, part in enumerate(parts):
        wanted = [x for x in part if x]
        if not wanted:
            continue
        if i == 0:
            place = 0
        elif i == len(parts) - 1 and parts[-1] != [""]:
            place = max(len(lines) - len(part), at)
        else:
            near = get_close_matches(wanted[0], lines[at:], 1, 0.5)
            assert near, f"line {line}: `{wanted[0]}` is no longer printed; choose by hand what to show"
            place = lines.index(near[0], at)
        if place > at:
            result.append("…")
        result += lines[place : place + len(part)]
        at = place + len(part)
    return "\n".join([*result, *(["…"] if at < len(lines) else [])])


def edit(block: Block, found: Block | None) -> None:
    """Do to a file what the reader is asked to do."""
    path = Path(block.file)
    where = f"line {block.line} of the guide, {block.file}"
    if block.ask == "create":
        assert not path.exists(), f"{where}: it is there already"
        path.write_text(block.text, encoding="utf-8")
        return
    text = path.read_text(encoding="utf-8")
    if block.ask == "append":
        path.write_text(text.rstrip("\n") + "\n" + block.text, encoding="utf-8")
        return
    sought = found.text if block.ask in ("below", "replace") and found else block.text
    times = len(re.findall(rf"(?m)^{re.escape(sought)}", text))
    assert times == 1, f"{where}: these lines are there {times} times\n{sought}"
    assert text.count(sought.strip()) == 1, f"{where}: who searches for this finds other places as well\n{sought}"
    new = {"below": sought + block.text, "replace": block.text, "delete": ""}.get(block.ask)
    if new is not None:
        path.write_text(re.sub(rf"(?m)^{re.escape(sought)}", lambda _: new, text), encoding="utf-8")


def played(page: str, lang: str) -> str:
    """The guide with the screens as they are now, after doing all that it asks for, in the current folder."""
    parts, at, found = [], 0, None
    for block in blocks(page, lang):
        if block.kind == "console":
            screens = []
            for command, written in shown(block):
                now = run(command, lang)
                screens.append(f"$ {command}\n" + (written if agrees(written, now) else refreshed(written, now, block.line)))
            parts += [page[at : block.start], "\n".join(s.rstrip("\n") for s in screens) + "\n"]
            at = block.end
        elif block.ask:
            edit(block, found)
            found = block if block.ask == "find" else None
        else:
            assert block.kind == "sh", f"line {block.line}: a block of kind `{block.kind}` is not run"
    return "".join([*parts, page[at:]])


def copy_to(folder: Path) -> Path:
    """A folder with what the reader has: the policies, and the schemas that their first lines name."""
    shutil.copytree(ROOT / "policies", folder / "policies")
    shutil.copytree(ROOT / "grammar", folder / "grammar", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


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


def test_the_snippets_for_developers_import_from_the_top_only() -> None:
    code = "\n".join(code for _, code, _ in snippets())
    assert set(re.findall(r"(?:from|import) (bandolo[.\w]*)", code)) == {"bandolo"}


def test_every_command_for_developers_runs(copied: Path) -> None:
    for match in re.finditer(r"(?ms)^```console\n(.*?)^```$", EMBEDDING.read_text(encoding="utf-8")):
        for command in re.findall(r"(?m)^\$ (.*)$", match.group(1)):
            result = CliRunner(env={"BANDOLO_LANG": "en"}).invoke(cli, shlex.split(command)[1:], prog_name="bandolo")
            assert result.exit_code == 0, f"{command}\n{result.output}"
    assert copied.exists()
