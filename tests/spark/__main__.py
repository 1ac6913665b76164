"""The tests of batches inside Spark: `make test-spark`, or `python tests/spark`. What is missing is said, with exit status 1."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bandolo.batch.spark.session import JAVA, java_version

FILES = sorted(Path(__file__).parent.glob("spark_*.py"))


def main() -> int:
    try:
        import pandas  # noqa: F401
        import pyspark  # noqa: F401
    except ImportError as error:
        print(f"Spark was not tested: {error.name} is not installed (the extra `spark`)", file=sys.stderr)
        return 1
    version = java_version()
    if version is None or version < JAVA:
        print(f"Spark was not tested: no Java {JAVA} or later is found (on Debian: apt install openjdk-17-jre-headless)", file=sys.stderr)
        return 1
    return subprocess.call([sys.executable, "-m", "pytest", *map(str, FILES), *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
