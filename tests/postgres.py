"""The same comparison on a PostgreSQL of its own: `make test-postgres`, or `python tests/postgres.py [COUNT]`.

Makes a cluster in a temporary folder, reached only by a socket in it, and takes it down again. PostgreSQL refuses to run as root: then
it runs as another user that is there. What is missing is said, with exit status 1; nothing is skipped in silence.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bandolo.policy import load_policy
from bandolo.testing.generate import bases_of, generated
from warehouse import compare

ROOT = Path(__file__).resolve().parents[1]
POLICIES = {
    "tests/cases/sql/exact.yaml": 3,
    "tests/cases/sql/lists.yaml": 2,
    "bench/filiere.yaml": 2,
    "policies/manifestazione_2022.yaml": 2,
    "policies/bando_2023.yaml": 0,
    "tests/policies/rural_services_2025.yaml": 1,
    "tests/policies/ranked_call.yaml": 1,
}
"""The policies that DuckDB is compared on, with how many of COUNT applications are made up for each; 0: a fifth."""
PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/usr/local/pgsql/bin",
)
USERS = ("postgres", "nobody")
"""Who runs the server where root calls."""


def program(name: str) -> str | None:
    """A program of PostgreSQL: of the path, or of one of the usual places, the newest version first."""
    found = shutil.which(name)
    if found is not None:
        return found
    places = sorted((p for pattern in PLACES for p in Path("/").glob(pattern.lstrip("/"))), key=_version, reverse=True)
    return next((str(p / name) for p in places if (p / name).exists()), None)


def _version(place: Path) -> tuple[int, str]:
    digits = "".join(c for c in (place.parent.name.rpartition("@")[2].rpartition("-")[2]) if c.isdigit())
    return (int(digits or 0), str(place))


def server_user() -> str | None:
    """Who is to run the server: None for whoever calls, where that is not root. Raises LookupError where nobody can."""
    if os.geteuid() != 0:
        return None
    for name in USERS:
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise LookupError(f"PostgreSQL does not run as root, and there is no user {' or '.join(USERS)}")


def missing() -> list[str]:
    """What is needed and not there."""
    found = [f"{name} (of PostgreSQL)" for name in ("initdb", "postgres") if program(name) is None]
    try:
        import psycopg  # noqa: F401
    except ImportError:
        found.append("psycopg (the extra `postgres`)")
    try:
        server_user()
    except LookupError as error:
        found.append(f"a user ({error})")
    return found


@contextmanager
def cluster() -> Iterator[str]:
    """A running cluster: the folder of its socket."""
    user = server_user()
    folder = Path(tempfile.mkdtemp(prefix="bandolo-pg-", dir="/tmp"))  # a path of a socket is short
    if user is not None:
        shutil.chown(folder, user)
    run: dict[str, Any] = {"cwd": folder, "stdout": subprocess.DEVNULL, **({"user": user} if user is not None else {})}
    data = folder / "data"
    quick = {"listen_addresses": "", "fsync": "off", "jit": "off", "log_min_messages": "fatal", "work_mem": "64MB", "max_connections": "5"}
    try:
        begun = [program("initdb"), "-D", data, "-U", "bandolo", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run(begun, check=True, **run)
        serving = [program("postgres"), "-D", data, "-k", folder, *(o for k, v in quick.items() for o in ("-c", f"{k}={v}"))]
        server = subprocess.Popen(serving, **run)
        try:
            yield str(folder)
        finally:
            server.terminate()
            server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def connected(folder: str) -> Any:
    """A connection, once the server answers."""
    import psycopg

    for _ in range(300):
        try:
            return psycopg.connect(host=folder, user="bandolo", dbname="postgres")
        except psycopg.OperationalError:
            time.sleep(0.1)
    return psycopg.connect(host=folder, user="bandolo", dbname="postgres")


def main(count: int) -> int:
    if lacking := missing():
        print(f"not compared in PostgreSQL; not found: {', '.join(lacking)}", file=sys.stderr)
        return 1
    failed = 0
    with cluster() as folder:
        for name, times in POLICIES.items():
            path = ROOT / name
            policy = load_policy(path)
            bases = bases_of(path)
            few = bases[:: max(1, len(bases) // 12)]
            made = [*few, *generated(policy, count * times or count // 5, 1, few)]
            with connected(folder) as connection, connection.cursor() as cursor:
                found = compare(policy, made, cursor, "postgres", "%s", assume=True)
                connection.rollback()
            print(f"{name}: {found}", flush=True)
            for line in found.differences[:10]:
                print(f"  {line}")
            failed += len(found.differences) + (found.no_outcome == found.total)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 60))
