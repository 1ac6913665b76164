"""The files of a new call: their texts, and writing them all or none of them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from bandolo.diagnostics import BandoloError, Diagnostic
from bandolo.scaffold.answers import Answers
from bandolo.scaffold.figures import conditions, values
from bandolo.scaffold.template import filled


def texts(answers: Answers, schema: bool = False) -> dict[str, str]:
    """The text of each file, by its path in the folder: the policy first, then its cases, an application, the text that is quoted.

    `schema`: the schema of policies is beside the folder, and editors may be pointed to it.
    """
    name, lang = answers.name, answers.lang
    holds, known = conditions(answers) | ({"schema"} if schema else set()), values(answers)
    return {
        f"{name}.yaml": filled("policy", lang, holds, known),
        f"{name}.cases.yaml": filled("cases", lang, holds, known),
        f"examples/{name}-admitted.yaml": filled("application", lang, holds, known),
        f"sources/{name}.txt": filled("text", lang, holds, known) if answers.text is None else answers.text.content,
    }


def colliding(folder: Path, names: Iterable[str]) -> list[Path]:
    """Which of these files are there already."""
    return [path for path in (folder / name for name in names) if os.path.lexists(path)]


def write(folder: Path, files: dict[str, str]) -> None:
    """Write every file, none of which may be there; what was begun is taken back if one cannot be written.

    Raises `BandoloError` with `file-exists`, one for each file that is there, or `cannot-write`.
    """
    if there := colliding(folder, files):
        raise BandoloError([_exists(path) for path in there])
    made: list[Path] = []
    path = folder
    try:
        for name, text in files.items():
            path = folder / name
            made += _new_folders(path.parent)
            with open(path, "x", encoding="utf-8", newline="\n") as stream:  # "x": not even one that appeared just now is overwritten
                made.append(path)
                stream.write(text)
    except BaseException as error:  # Ctrl-C as well: all or nothing
        for one in reversed(made):
            one.rmdir() if one.is_dir() else one.unlink()
        if isinstance(error, FileExistsError) and path.is_file():
            raise BandoloError([_exists(path)]) from None
        if isinstance(error, OSError):
            raise BandoloError([Diagnostic("cannot-write", args={"path": str(path)})]) from None
        raise


def _exists(path: Path) -> Diagnostic:
    return Diagnostic("file-exists", args={"path": str(path)})


def _new_folders(folder: Path) -> list[Path]:
    """Make a folder with those around it; gives the ones that were not there, outermost first."""
    missing = [f for f in (folder, *folder.parents) if not f.exists()]
    for one in reversed(missing):
        one.mkdir()
    return missing[::-1]
