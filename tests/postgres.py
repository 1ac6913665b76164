"""The same comparison on a PostgreSQL of its own: `make test-postgres`, or `python tests/postgres.py [COUNT]`.

Makes a cluster in a temporary folder, reached only by a socket in it, and takes it down again. PostgreSQL refuses to run as root: then
it runs as the user `nobody`. What is missing is said, with exit status 1; nothing is skipped in silence.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bandolo.policy import load_policy
from bandolo.testing.generate import bases_of, generated
from warehouse import compare

ROOT = Path(__file__).resolve().parents[1]
POLICIES = ("bench/filiere.yaml", "policies/manifestazione_2022.yaml", "tests/cases/sql/exact.yaml")


def missing() -> list[str]:
    """What is needed and not there."""
    found = [name for name in ("initdb", "postgres") if program(name) is None]
    try:
        import psycopg  # noqa: F401
    except ImportError:
        found.append("psycopg (the extra `postgres`)")
    return found


def program(name: str) -> str | None:
    """A program of PostgreSQL: of the path, or of Debian's folder of the newest version."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True)
    return shutil.which(name) or next((str(p / name) for p in places if (p / name).exists()), None)


@contextmanager
def cluster() -> Iterator[str]:
    """A running cluster: the folder of its socket."""
    user: dict[str, Any] = {"user": "nobody"} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="bandolo-pg-"))
    if user:
        shutil.chown(folder, "nobody")
    made = folder / "data"
    options = {"cwd": folder, "stdout": subprocess.DEVNULL, **user}
    try:
        subprocess.run([program("initdb"), "-D", made, "-U", "bandolo", "-A", "trust", "-E", "UTF8", "--locale=C"], check=True, **options)
        serving = [
            program("postgres"),
            "-D",
            made,
            "-k",
            folder,
            "-c",
            "listen_addresses=",
            "-c",
            "fsync=off",
            "-c",
            "log_min_messages=fatal",
        ]
        server = subprocess.Popen(serving, **options)
        try:
            yield str(folder)
        finally:
            server.terminate()
            server.wait()
    finally:
        shutil.rmtree(folder)


def connected(folder: str) -> Any:
    """A connection, once the server answers."""
    import time

    import psycopg

    for _ in range(100):
        try:
            return psycopg.connect(host=folder, user="bandolo", dbname="postgres")
        except psycopg.OperationalError:
            time.sleep(0.1)
    return psycopg.connect(host=folder, user="bandolo", dbname="postgres")


def main(count: int) -> int:
    if lacking := missing():
        print(f"not compared in PostgreSQL: {', '.join(lacking)} not found", file=sys.stderr)
        return 1
    failed = 0
    with cluster() as folder:
        for name in POLICIES:
            path = ROOT / name
            policy = load_policy(path)
            bases = bases_of(path)
            with connected(folder) as connection, connection.cursor() as cursor:
                found = compare(policy, [*bases, *generated(policy, count, 1, bases)], cursor, "postgres", "%s")
                connection.rollback()
            print(f"{name}: {found.total} applications, {found.left} left to the engine, {len(found.differences)} different")
            for line in found.differences[:10]:
                print(f"  {line}")
            failed += len(found.differences) + (found.left == found.total)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 300))
