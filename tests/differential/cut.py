"""The policies of the test in `make test` for the paths that hand a policy over for one rule, cut down beforehand: cutting takes long.

`PYTHONPATH=tests python -m differential.cut` writes them anew; `make differential` cuts its own. A path that can say more than it could is
worth new ones.
"""

from __future__ import annotations

import sys
from pathlib import Path as File
from typing import Any

import yaml

from differential.fit import fitted
from differential.paths import hands_over, whole_settings
from differential.policies import sound, text

FOLDER = File(__file__).parent / "cut"
SEED = 6
COUNT = 20
OWN = ("columnar", "duckdb")


def names() -> list[str]:
    """The cut policies that there are, `columnar_00` and so on."""
    return sorted(f.stem for f in FOLDER.glob("*.yaml"))


def stored(name: str) -> dict[str, Any]:
    """A cut policy."""
    made: dict[str, Any] = yaml.load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    return made


def write(path: str) -> None:
    """The first policies of which a path can say something."""
    FOLDER.mkdir(exist_ok=True)
    number, done = 0, 0
    while done < COUNT:
        data, policy = sound(SEED, number, small=True)
        cut = fitted(data, hands_over(path, whole_settings(policy)))
        if cut is not None:
            (FOLDER / f"{path}_{done:02}.yaml").write_bytes(text(cut))
            done += 1
        print(f"{path} {number}: {'nothing to say' if cut is None else done}", file=sys.stderr, flush=True)
        number += 1


if __name__ == "__main__":
    for name in sys.argv[1:] or OWN:
        write(name)
