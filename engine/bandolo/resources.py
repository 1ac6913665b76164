"""Where the engine finds what is not Python: the grammar folder and its language reference."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path


@cache
def grammar_folder() -> Path:
    """The `grammar/` folder: the package's own copy in an installed wheel, else the checkout's."""
    packaged = Path(str(files("bandolo"))) / "grammar"
    if packaged.is_dir():
        return packaged
    return Path(__file__).resolve().parents[2] / "grammar"


@cache
def grammar_text(name: str) -> str:
    """The text of one file of the grammar folder."""
    return (grammar_folder() / name).read_text(encoding="utf-8")
