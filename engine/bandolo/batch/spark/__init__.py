"""The same batch beyond one machine: PySpark carries the tables, each task runs the generated columnar program (docs/spark.md)."""

from bandolo.batch.spark.frames import Decided, decide
from bandolo.batch.spark.problems import NotRun
from bandolo.batch.spark.ranked import Ranked, rank
from bandolo.batch.spark.session import session

__all__ = ["Decided", "NotRun", "Ranked", "decide", "rank", "session"]
