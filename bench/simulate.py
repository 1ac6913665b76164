"""`python bench/simulate.py`: many variants of a policy at once, beside one run of a batch for each of them, in one run and on one core."""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path
from time import process_time

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from bandolo import load_policy  # noqa: E402
from bandolo.batch.run import Prepared  # noqa: E402
from bandolo.batch.simulation import Simulator  # noqa: E402
from columns import tables  # noqa: E402

SWEEPS = {
    "one threshold, 5 values": {"least_partners": "8..12"},
    "one rate, 6 values": {"large_rate": "0%..25%/5%"},
    "both, 30 combinations": {"least_partners": "8..12", "large_rate": "0%..25%/5%"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--applications", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    policy, given = load_policy(HERE / "filiere.yaml"), tables(options.applications)
    plain = Prepared(policy, {})
    runs: list[float] = []
    found: dict[str, list[float]] = {name: [] for name in SWEEPS}
    for _ in range(options.rounds):
        begun = process_time()
        plain.decide(given)
        runs.append(process_time() - begun)
        for name, vary in SWEEPS.items():
            simulator = Simulator(policy, vary, {})
            begun = process_time()
            simulator.add(given)
            simulator.simulation()
            found[name].append((process_time() - begun) / len(simulator.which))
    print(f"{options.applications:,} applications; a run of the batch is 1, processor time, median of {options.rounds} rounds")
    run = statistics.median(runs)
    for name, each in found.items():
        ratios = sorted(e / run for e in each)
        print(f"  {name}: {statistics.median(ratios):.3f} of a run a variant ({ratios[0]:.3f} to {ratios[-1]:.3f})")


if __name__ == "__main__":
    main()
