"""The views of `bandolo sql --dialect spark` against the reference in a local Spark session: part of `make test-spark`.

`python tests/spark_sql.py [COUNT]`. What is missing is said, with exit status 1; nothing is skipped in silence.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import Any

from bandolo.policy import Policy, load_policy
from bandolo.testing.generate import bases_of, generated
from warehouse import Compared, Row, compared, readable, tables_and_views

ROOT = Path(__file__).resolve().parents[1]
POLICIES = {
    "tests/cases/sql/exact.yaml": False,
    "tests/cases/sql/lists.yaml": True,
    "policies/manifestazione_2022.yaml": False,
    "policies/bando_2023.yaml": True,
}
"""The policies, and whether their steps are made as tables."""


def missing() -> list[str]:
    """What is needed and not there."""
    found = [] if shutil.which("java") else ["java"]
    try:
        import pyspark  # noqa: F401
    except ImportError:
        found.append("pyspark (the extra `spark`)")
    return found


@contextmanager
def session(zone: str = "America/New_York", ansi: str = "true") -> Iterator[Any]:
    """A local session, in a time zone that no policy has: views must not depend on it."""
    from pyspark.sql import SparkSession

    folder = tempfile.mkdtemp(prefix="bandolo-spark-")
    settings = {
        "spark.sql.session.timeZone": zone,
        "spark.sql.ansi.enabled": ansi,
        "spark.sql.warehouse.dir": folder,
        "spark.sql.shuffle.partitions": "2",
        "spark.driver.memory": "3g",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # A few hundred rows: compiling the plans would take longer than running them.
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    }
    builder = SparkSession.builder.master("local[2]").appName("bandolo")
    for name, value in settings.items():
        builder = builder.config(name, value)
    made = builder.getOrCreate()
    made.sparkContext.setLogLevel("ERROR")
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


def compare_in(spark: Any, policy: Policy, applications: list[Row], as_tables: bool = False, **what_if: Any) -> Compared:
    """Every application decided by the views and by the reference; with the steps as tables, where Spark plans them too slowly as views."""
    schema, made, settled = tables_and_views(policy, "spark", **what_if)
    loaded, batches = readable(policy, settled, applications)
    for statement, table in zip(schema, batches, strict=True):
        spark.catalog.dropTempView(table)
        spark.sql(statement)
        wanted = spark.table(table).schema
        spark.sql(f"DROP TABLE `{table}`")
        data = [tuple(_value(v, f.dataType.typeName()) for v, f in zip(row, wanted, strict=True)) for row in batches[table]]
        spark.createDataFrame(data, wanted).createOrReplaceTempView(table)
    for statement in made:
        name = statement.split("`", 2)[1]
        if as_tables and name.startswith("decisions__steps"):
            steps = spark.sql(statement.partition(" AS\n")[2]).localCheckpoint()
            steps.createOrReplaceTempView(name)
        else:
            spark.sql(statement.replace("CREATE VIEW", "CREATE OR REPLACE TEMPORARY VIEW", 1))

    def ask(name: str) -> list[Row]:
        return [_plain(row.asDict()) for row in spark.table(name).collect()]

    return compared(policy, loaded, ask, **what_if)


def _value(value: object, kind: str) -> object:
    return Decimal(str(value)) if kind == "decimal" and value is not None else value


def _plain(row: Row) -> Row:
    return {n: v.astimezone(UTC) if hasattr(v, "astimezone") else v for n, v in row.items()}


def main(count: int) -> int:
    if lacking := missing():
        print(f"not compared in Spark: {', '.join(lacking)} not found", file=sys.stderr)
        return 1
    failed = 0
    with session() as spark:
        for name, as_tables in POLICIES.items():
            path = ROOT / name
            policy = load_policy(path)
            bases = bases_of(path)
            some = bases[:: max(1, len(bases) // 10)]
            made = [*some, *generated(policy, count, 1, some)]
            found = compare_in(spark, policy, made, as_tables, assume=True)
            print(f"{name}: {found}", flush=True)
            for line in found.differences[:10]:
                print(f"  {line}")
            failed += len(found.differences) + (found.no_outcome == found.total)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10))
