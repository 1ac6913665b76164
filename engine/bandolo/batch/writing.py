"""Files of decisions as they are written, a table at a time: Parquet, CSV or JSON Lines, by the name of the file."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq


class Writer(Protocol):
    """Takes one table after another, all of one schema."""

    def write_table(self, table: pa.Table) -> None: ...

    def close(self) -> None: ...


def writer_for(beside: str, to: str, schema: pa.Schema) -> Writer:
    """What writes tables into the file `beside`, in the form that the name `to` asks for."""
    name = to.lower()
    if name.endswith(".csv"):
        return _CsvWriter(beside, schema)
    return _JsonWriter(beside) if name.endswith((".jsonl", ".ndjson")) else pq.ParquetWriter(beside, schema)


class _CsvWriter:
    """A CSV file of a table: lists as texts with blanks between."""

    def __init__(self, path: str, schema: pa.Schema) -> None:
        self.writer = pyarrow.csv.CSVWriter(path, pa.schema([(f.name, pa.string()) for f in schema]))

    def write_table(self, table: pa.Table) -> None:
        columns = []
        for name in table.column_names:
            column = table[name].combine_chunks()
            column = pc.binary_join(column, " ") if pa.types.is_list(column.type) else column.cast(pa.string())
            columns.append(column)
        self.writer.write_table(pa.Table.from_arrays(columns, names=table.column_names))

    def close(self) -> None:
        self.writer.close()


class _JsonWriter:
    """JSON Lines: a row an object, amounts and dates as texts like those of `bandolo decide --json`."""

    def __init__(self, path: str) -> None:
        self.file = open(path, "w", encoding="utf-8", newline="\n")  # noqa: SIM115 - closed by whoever writes

    def write_table(self, table: pa.Table) -> None:
        for batch in table.to_batches(max_chunksize=10_000):
            for row in batch.to_pylist():
                self.file.write(json.dumps(row, ensure_ascii=False, default=_text) + "\n")

    def close(self) -> None:
        self.file.close()


def _text(value: Any) -> str:
    assert isinstance(value, Decimal | date | datetime)
    return value.isoformat() if isinstance(value, date) else str(value)
