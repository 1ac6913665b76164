"""Where the engine finds what is not Python: the grammar folder and its language reference."""

from __future__ import annotations

import os.path
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@cache
def _folder() -> str:
    # importlib.resources and pathlib would take longer to import than the grammar to read; the package must be unpacked, as pip does.
    package = os.path.dirname(os.path.realpath(__file__))
    packaged = os.path.join(package, "grammar")
    return packaged if os.path.isdir(packaged) else os.path.join(package, "..", "..", "grammar")


def grammar_folder() -> Path:
    """The `grammar/` folder: the package's own copy in an installed wheel, else the checkout's."""
    from pathlib import Path

    return Path(os.path.realpath(_folder()))


def grammar_file(name: str) -> str:
    """The path of one file of the grammar folder."""
    return os.path.join(_folder(), name)


@cache
def grammar_text(name: str) -> str:
    """The text of one file of the grammar folder."""
    with open(grammar_file(name), encoding="utf-8") as stream:
        return stream.read()
