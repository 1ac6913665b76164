"""A Spark session for a command: quiet, on this machine or on a master; what is missing for it is said."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bandolo.batch.spark.problems import NotRun

JAVA = 17
"""The oldest Java that Spark 4 runs on."""
MASTER = re.compile(r"local(\[(\d+|\*)(,\d+)?\])?|local-cluster\[\d+,\d+,\d+\]|spark://[^/\s]+:\d+(,[^/\s]+:\d+)*|yarn|k8s://\S+")
ANSWER = 5.0
"""Seconds in which a master must answer."""

SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
    # What Spark reads and hands over must be what stands in the file: no shift of old dates, no instants for wall times.
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    "spark.sql.caseSensitive": "true",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "50000",
    "spark.sql.adaptive.coalescePartitions.parallelismFirst": "true",
    "spark.python.worker.reuse": "true",
    # A machine that is busy with other things is slow, not dead.
    "spark.network.timeout": "600s",
    "spark.executor.heartbeatInterval": "60s",
    "spark.python.authenticate.socketTimeout": "120s",
    "spark.driver.maxResultSize": "4g",
}


def session(master: str = "local[*]", conf: Mapping[str, str] | None = None, log: str | None = None) -> Any:
    """A SparkSession on a master (`local[*]`, `spark://host:7077`, `yarn`, `k8s://…`), with settings added or changed by `conf`.

    What Spark and Java print goes to the file `log`, else nowhere. Raises NotRun: `spark-not-installed`, `spark-no-java`,
    `spark-bad-master`, `spark-no-master`, `spark-failed`.
    """
    return begun(master, conf, log)[0]


def begun(master: str, conf: Mapping[str, str] | None = None, log: str | None = None) -> tuple[Any, bool]:
    """As `session`, and whether it was begun now: one that this process has already is taken as it is."""
    required(master)
    from pyspark.sql import SparkSession

    held = SparkSession.getActiveSession()
    if held is not None:
        return held, False
    local = master.startswith("local")
    settings = dict(SETTINGS)
    if local:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        settings |= {"spark.driver.host": "127.0.0.1", "spark.driver.memory": f"{_memory()}m"}
    builder = SparkSession.builder.master(master).appName("bandolo")
    for name, value in (settings | dict(conf or {})).items():
        builder = builder.config(name, value)
    with _quiet(log) as heard:
        try:
            made = builder.getOrCreate()
            made.sparkContext.setLogLevel("ERROR" if log is not None else "OFF")
        except Exception as error:
            raise NotRun("spark-failed", reason=_last(heard, error)) from None
    return made, True


def required(master: str) -> None:
    """Nothing, where a master can be reached with what this machine has. Raises NotRun for what is not there."""
    try:
        import pandas  # noqa: F401 - PySpark hands over Arrow tables only where pandas is installed
        import pyspark  # noqa: F401
    except ImportError as error:
        raise NotRun("spark-not-installed", name=error.name or "pyspark") from None
    if MASTER.fullmatch(master) is None:
        raise NotRun("spark-bad-master", master=master)
    version = java_version()
    if version is None or version < JAVA:
        raise NotRun("spark-no-java", needed=JAVA)
    if master.startswith("spark://"):
        answers = [_answers(place) for place in master.removeprefix("spark://").split(",")]
        if not any(answers):
            raise NotRun("spark-no-master", master=master)


def java_version() -> int | None:
    """The version of the Java that Spark would start; None where there is none."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if java is None:
        return None
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=True).stderr
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', told)
    return int(found[1]) if found else None


def _answers(place: str) -> bool:
    host, _, port = place.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), ANSWER).close()
    except (OSError, OverflowError):
        return False
    return True


def _memory() -> int:
    """Two fifths of the machine's memory, in MiB, for Java: the tasks of Python and the system have the rest."""
    try:
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 1024
    return max(1024, min(whole * 2 // 5 // 2**20, 16384))


@contextmanager
def _quiet(log: str | None) -> Iterator[Path]:
    """While Java is started, standard error is a file: Java keeps it for good, and says there what it would say on the terminal."""
    sys.stderr.flush()
    handle, name = (os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), log) if log is not None else tempfile.mkstemp("-spark.log")
    kept = os.dup(2)
    try:
        os.dup2(handle, 2)
        yield Path(name)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(handle)
        if log is None:
            with suppress(OSError):
                os.unlink(name)


def _last(heard: Path, error: Exception) -> str:
    """What was said last when Spark did not start."""
    lines = [line.strip() for line in heard.read_text(errors="replace").splitlines() if line.strip()]
    blamed = [line for line in lines if re.search(r"Exception|Error|not found|No such", line)]
    return (blamed[-1] if blamed else str(error).splitlines()[0] if str(error) else type(error).__name__)[:300]
