"""Where the engine finds what is not Python: the grammar folder and its language reference."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def grammar_folder() -> Path:
    """The `grammar/` folder: the package's own copy in an installed wheel, else the checkout's."""
    # importlib.resources would take longer to import than the grammar to read; an archive that is not unpacked is not supported.
    package = Path(__file__).resolve().parent
    packaged = package / "grammar"
    return packaged if packaged.is_dir() else package.parents[1] / "grammar"


@cache
def grammar_text(name: str) -> str:
    """The text of one file of the grammar folder."""
    return (grammar_folder() / name).read_text(encoding="utf-8")
