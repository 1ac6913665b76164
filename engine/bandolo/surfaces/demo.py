"""`make demo`: example applications of both calls decided, and one explained in full."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

COMMANDS = (
    ["check", "policies/manifestazione_2022.yaml", "policies/bando_2023.yaml"],
    ["decide", "policies/manifestazione_2022.yaml", "policies/examples/manifestazione_2022-admitted.yaml",
     "policies/examples/manifestazione_2022-late.json"],
    ["decide", "policies/bando_2023.yaml", "policies/examples/bando_2023-admitted.yaml", "policies/examples/bando_2023-rejected.json",
     "policies/examples/bando_2023-incomplete.yaml", "--assume"],
    ["explain", "policies/bando_2023.yaml", "policies/examples/bando_2023-rejected.json", "--assume"],
)  # fmt: skip


def main() -> None:
    """Run the commands as a user would, each shown before what it prints."""
    if not Path("policies").is_dir():
        sys.exit("run this from the top of the checkout")
    for command in COMMANDS:
        print(f"\n$ bandolo {' '.join(command)}\n", flush=True)
        subprocess.run([sys.executable, "-m", "bandolo", *command], check=True)


if __name__ == "__main__":
    main()
