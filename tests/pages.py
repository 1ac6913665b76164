"""Pages that are played: every command on them is run and every edit that they ask for is made, as their reader would.

The reader types what stands behind `$ ` and edits files as the sentence before a block says ("find", "add right below", "write in its
place", ...); a `diff` block takes lines out of a file and puts others in; a table after "Replace everywhere in" is done row by row.
A line of a screen that is only `…` stands for any number of lines.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from click.testing import CliRunner

from bandolo.surfaces.cli import cli
from golden import masked
from small import ROOT

FENCE = re.compile(r"(?ms)^```([^\n`]*)\n(.*?)^```$")
FILE = r"`([\w./-]+\.(?:yaml|json|jsonl|txt|csv))`"
TABLE = re.compile(r"(?m)^(Replace everywhere in (?:[^\n]|\n(?!\n))*:)\n\n\|.*\n\|[ |-]+\n((?:\|.*\n)+)")

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
            named = re.findall(FILE, sentence)
            assert named or ask in ("below", "replace"), f"line {line}: no file is named"
            file = named[-1] if named else file
        elif kind == "diff":
            ask, file = "patch", re.findall(FILE, sentence)[-1]
        found.append(Block(kind, ask, file, match.group(2), line, match.start(2), match.end(2)))
    for match in TABLE.finditer(page):
        line = page.count("\n", 0, match.start()) + 1
        files = " ".join(re.findall(FILE, match.group(1)))
        found.append(Block("table", "everywhere", files, match.group(2), line, match.start(2), match.end(2)))
    return sorted(found, key=lambda b: b.start)


# Playing a guide.


def run(command: str, lang: str) -> str:
    """What the terminal shows."""
    words = shlex.split(command)
    if words[:2] == ["cp", "-r"]:
        shutil.copytree(words[2], words[3])
        return ""
    if words[0] == "cp":
        shutil.copy(words[1], words[2])
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
    if block.ask == "everywhere":
        replace_everywhere([Path(name) for name in block.file.split()], table_rows(block.text), where)
        return
    if block.ask == "create":
        assert not path.exists(), f"{where}: it is there already"
        path.write_text(block.text, encoding="utf-8")
        return
    text = path.read_text(encoding="utf-8")
    if block.ask == "patch":
        path.write_text(patched(text, block.text, where), encoding="utf-8")
        return
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


def replace_everywhere(paths: list[Path], rows: list[list[str]], where: str) -> None:
    """Put the second cell of each row in place of the first, wherever that stands; it stands in one of the files at least."""
    texts = {path: path.read_text(encoding="utf-8") for path in paths}
    for old, new in rows:
        assert any(old in text for text in texts.values()), f"{where}: `{old}` is not there"
        texts = {path: text.replace(old, new) for path, text in texts.items()}
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")


def table_rows(text: str) -> list[list[str]]:
    """The cells of the rows of a Markdown table, without backticks."""
    return [[cell.strip().strip("`") for cell in line.strip().strip("|").split(" | ")] for line in text.splitlines()]


def patched(text: str, patch: str, where: str) -> str:
    """A text after a patch: hunks parted by `@@` lines, each found by its lines alone, once."""
    for hunk in re.split(r"(?m)^@@.*\n", patch):
        lines = hunk.splitlines()
        if not lines:
            continue
        assert all(line[:1] in (" ", "-", "+", "") for line in lines), f"{where}: a line of the patch begins with none of ' -+'"
        old = "".join(line[1:] + "\n" for line in lines if line[:1] != "+")
        new = "".join(line[1:] + "\n" for line in lines if line[:1] != "-")
        assert text.count(old) == 1, f"{where}: these lines are there {text.count(old)} times\n{old}"
        text = text.replace(old, new)
    return text


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
