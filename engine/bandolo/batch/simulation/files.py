"""The files that a simulation can be written to, by the ends of their names."""

from __future__ import annotations

import io
import json

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from bandolo.batch.simulation.data import as_data, table
from bandolo.batch.simulation.html import page
from bandolo.batch.simulation.pages import blocks
from bandolo.batch.simulation.simulate import Simulation
from bandolo.explain.markdown import markdown
from bandolo.language.types import Language


def written(simulation: Simulation, suffix: str, lang: Language) -> bytes:
    """The content of a file: .csv and .parquet are the table, .json the data, .md and .html the page."""
    match suffix:
        case ".json":
            return (json.dumps(as_data(simulation), ensure_ascii=False, indent=2) + "\n").encode()
        case ".md":
            return markdown(blocks(simulation, lang, terminal=False)).encode()
        case ".html":
            return page(simulation, blocks(simulation, lang, terminal=False), lang).encode()
    sink = io.BytesIO()
    if suffix == ".csv":
        made = table(simulation)
        # A cell of CSV holds no list: the keys stand with bars between.
        flat = [pc.binary_join(c.combine_chunks(), " | ") if pa.types.is_list(c.type) else c for c in made.columns]
        pyarrow.csv.write_csv(pa.table(dict(zip(made.column_names, flat, strict=True))), sink)
    else:
        pq.write_table(table(simulation), sink)
    return sink.getvalue()
