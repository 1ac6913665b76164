"""`python bench/growth.py`: how the cost of one decision grows with the partners of an application and with the requirements of a policy.

Partners: applications of the workload with more and more of them, beside Python with floats written by hand on the same application.
Requirements: the workload's policy with more and more conditions on the project and on each of its 12 partners, all different, half of
each, beside the same base: Python by hand for the workload's eighteen.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns
from typing import Any

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from bandolo import load_policy  # noqa: E402
from contenders import float_by_hand  # noqa: E402
from workload import applications, in_form  # noqa: E402

PARTNERS = (5, 10, 20, 40, 80, 160)
REQUIREMENTS = (0, 20, 40, 80, 160)
"""So many more than the eighteen that the workload has."""
AT_ONCE = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    console = Console(width=None if sys.stdout.isatty() else 110)
    _print(console, "partners", [(n, *_with_partners(n, rounds)) for n in PARTNERS])
    console.print()
    with tempfile.TemporaryDirectory() as folder:
        _print(console, "requirements", [(n + 18, *_with_requirements(n, Path(folder), rounds)) for n in REQUIREMENTS])


def _with_partners(count: int, rounds: int) -> tuple[float, float]:
    """Nanoseconds of this engine and by hand, for applications of so many partners."""
    rng = random.Random(count)
    pool = applications(AT_ONCE)
    for number, application in enumerate(pool):
        everybody = [p for a in rng.sample(pool, 30) for p in a["partners"]]
        application["partners"] = [{**p, "id": f"{number}-{k}"} for k, p in enumerate(rng.choices(everybody, k=count))]
    policy = load_policy(HERE / "filiere.yaml")
    return _measured(policy, [in_form(a, "flat") for a in pool], [in_form(a, "float") for a in pool], rounds)


def _with_requirements(more: int, folder: Path, rounds: int) -> tuple[float, float]:
    """The same for a policy with so many more requirements; by hand always those of the workload."""
    text = (HERE / "filiere.yaml").read_text(encoding="utf-8")
    for entity, check in (("project", "total >= {0}_000 EUR"), ("partner", "equipment >= {0} EUR or lombardy_site")):
        effect = "reject" if entity == "project" else "exclude"
        lines = "".join(f"    more_{entity}_{n}: {{check: {check.format(n + 1)}, otherwise: {effect}}}\n" for n in range(more // 2))
        place = f"\n  {entity}:\n    {'in_time' if entity == 'project' else 'site'}:"
        assert place in text
        text = text.replace(place, place.replace(f"{entity}:\n", f"{entity}:\n{lines}", 1))
    path = folder / f"{more}.yaml"
    path.write_text(text, encoding="utf-8")
    pool = applications(AT_ONCE)
    return _measured(load_policy(path), [in_form(a, "flat") for a in pool], [in_form(a, "float") for a in pool], rounds)


def _measured(policy: Any, flat: list[Any], floats: list[Any], rounds: int) -> tuple[float, float]:
    def engine(application: Any) -> Any:
        decision = policy.decide(application, engine="compiled")
        return decision.outcome, decision.failed(), decision.results

    engine(flat[0])
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(_timed(engine, flat))
        theirs.append(_timed(float_by_hand.decide, floats))
    return statistics.median(ours), statistics.median(theirs)


def _timed(decide: Callable[[Any], Any], data: list[Any]) -> float:
    """The median over the applications, each decided a few times: the least of them."""
    clock, found = perf_counter_ns, []
    for application in data:
        least = 1 << 60
        for _ in range(3):
            start = clock()
            decide(application)
            least = min(least, clock() - start)
        found.append(least)
    return statistics.median(found)


def _print(console: Console, what: str, rows: list[tuple[int, float, float]]) -> None:
    """A row a size; the cost of one more is from the smallest size to this one, in hundredths of the base's decision."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in (what, "µs", "base µs", "× base", "× the least", "one more, × base"):
        table.add_column(heading, justify="right")
    first = rows[0]
    for count, ours, hand in rows:
        each = f"{(ours / hand - first[1] / first[2]) / (count - first[0]):.2f}" if count > first[0] and what == "requirements" else ""
        table.add_row(str(count), f"{ours / 1000:.1f}", f"{hand / 1000:.1f}", f"{ours / hand:.2f}", f"{ours / first[1]:.2f}", each)
    console.print(table)


if __name__ == "__main__":
    main()
