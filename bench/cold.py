"""From nothing to the first decision: `python bench/cold.py [--rounds 15]`.

Each line is the median over fresh processes, all lines taken in turn so that a busy moment meets every one of them; in brackets the
lowest and the highest. Times are of the whole process, Python's own start and end included, as a shell would see them. The ratio is to
a process that does nothing; the last column is the processor's time alone, for machines that do other work besides. A round before the
first compiles the bytecode, as any installation has it, and fills the cache. Memory is what a loaded policy holds in Python objects, its
modules not counted.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

try:
    import resource
except ImportError:  # Windows
    resource = None

ROOT = Path(__file__).resolve().parents[1]
POLICY = ROOT / "policies" / "bando_2023.yaml"
APPLICATION = ROOT / "policies" / "examples" / "bando_2023-rejected.json"

LOAD = f"import bandolo; policy = bandolo.load_policy({str(POLICY)!r})"
DECIDE = f"import json; policy.decide(json.load(open({str(APPLICATION)!r}, encoding='utf-8')))"
COMMAND = ["-m", "bandolo", "decide", str(POLICY), str(APPLICATION)]
MEMORY = """
import gc, json, tracemalloc
import bandolo.policy, bandolo.pipeline, bandolo.cache.coding
bandolo.load_policy({other!r})
gc.collect()
tracemalloc.start()
policy = bandolo.load_policy({policy!r})
gc.collect()
print(tracemalloc.get_traced_memory()[0])
"""

LINES: list[tuple[str, list[str], str]] = [
    ("python, nothing", ["-c", "pass"], "off"),
    ("import bandolo", ["-c", "import bandolo"], "off"),
    ("read and check the policy", ["-c", LOAD], "off"),
    ("... and the first decision", ["-c", f"{LOAD}; {DECIDE}"], "off"),
    ("policy from the cache", ["-c", LOAD], "full"),
    ("... and the first decision", ["-c", f"{LOAD}; {DECIDE}"], "full"),
    ("bandolo decide", COMMAND, "off"),
    ("bandolo decide, cached", COMMAND, "full"),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        base = {k: v for k, v in os.environ.items() if k not in ("PYTHONDONTWRITEBYTECODE",)}
        base |= {"PYTHONPATH": str(ROOT / "engine"), "PYTHONPYCACHEPREFIX": str(Path(folder) / "bytecode")}
        for_cache = {"off": base | {"BANDOLO_CACHE": "off"}, "full": base | {"BANDOLO_CACHE": str(Path(folder) / "cache")}}
        for _, arguments, cache in LINES:
            _run(arguments, for_cache[cache])
        taken: list[list[float]] = [[] for _ in LINES]
        worked: list[list[float]] = [[] for _ in LINES]
        for _ in range(rounds):
            for times, work, (_, arguments, cache) in zip(taken, worked, LINES, strict=True):
                start, before = time.perf_counter(), _processor()
                _run(arguments, for_cache[cache])
                times.append((time.perf_counter() - start) * 1000)
                work.append((_processor() - before) * 1000)
        nothing = statistics.median(taken[0])
        print(f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}, {rounds} rounds")
        print(f"{POLICY.name}: {POLICY.stat().st_size / 1024:.0f} KiB")
        print(f"{'':<30} {'median':>7}     {'range':<14} {'ratio':>6} {'processor':>10}")
        for times, work, (name, _, _) in zip(taken, worked, LINES, strict=True):
            middle = statistics.median(times)
            span = f"({min(times):.0f} to {max(times):.0f})"
            print(f"{name:<30} {middle:7.0f} ms  {span:<14} {middle / nothing:6.1f} {statistics.median(work):7.0f} ms")
        code = MEMORY.format(policy=str(POLICY), other=str(ROOT / "policies" / "manifestazione_2022.yaml"))
        for name, cache in (("memory of a policy", "off"), ("... from the cache", "full")):
            print(f"{name:<30} {int(_run(['-c', code], for_cache[cache])) / 2**20:7.1f} MiB")


def _processor() -> float:
    """Seconds that ended child processes have computed; 0 where the platform does not tell."""
    if resource is None:
        return 0
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _run(arguments: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(arguments)}\n{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
