"""Polars by hand: exact, in cents, lazily, on all its threads."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from workload import COSTS, UNWANTED, WANTED

TITLE = "Polars, by hand"


def prepared() -> Callable[[dict[str, pa.Table]], dict[str, Any]]:
    import polars as pl

    col = pl.col
    counted = pl.all_horizontal(*(col(n) for n in WANTED), *(~col(n) for n in UNWANTED), col("ateco_section") != "A")
    large = counted & (col("size") == "large")
    capital, current = col("equipment") + col("research"), col("staff") + col("overheads")
    nothing = pl.lit(0, pl.Int64)

    def decide(given: dict[str, pa.Table]) -> dict[str, Any]:
        cents = {n: pa.chunked_array([_cents(c) for c in given["partner"][n].chunks]) for n in COSTS}
        partners = given["partner"]
        for name, values in cents.items():
            partners = partners.set_column(partners.column_names.index(name), name, values)
        rows = (
            pl.from_arrow(partners)
            .lazy()
            .select("project", "legality_rating", counted=counted, large=large, capital=capital, current=current)
        )  # type: ignore[union-attr]
        sums = {
            "sme_capital": ("capital", "counted"), "large_capital": ("capital", "large"),
            "sme_current": ("current", "counted"), "large_current": ("current", "large"),
        }  # fmt: skip
        rows = rows.with_columns(**{n: pl.when(col(flag)).then(col(of)).otherwise(nothing) for n, (of, flag) in sums.items()})
        grouped = rows.group_by("project", maintain_order=True).agg(
            col("counted").sum(), col("large").sum(), col("legality_rating").sum(), pl.len().alias("many"), *(col(n).sum() for n in sums)
        )
        whole = pl.concat([pl.from_arrow(given["project"]).lazy(), grouped.drop("project")], how="horizontal")  # type: ignore[union-attr,list-item]
        whole = whole.with_columns(
            capital=col("sme_capital"), current=col("sme_current"),
            sme_capital=col("sme_capital") - col("large_capital"), sme_current=col("sme_current") - col("large_current"),
        )  # fmt: skip
        total, smes = col("capital") + col("current"), col("sme_capital") + col("sme_current")
        eligible = pl.all_horizontal(
            col("submitted_at") <= datetime(2023, 2, 28, 16), col("agreement_signed"), col("counted") >= 10, total >= 20_000_000,
            col("project_start") > col("submitted_at").dt.date(), col("project_end") <= date(2023, 10, 30),
            (col("large") == 0) | (smes * 10 >= total * 3),
        )  # fmt: skip
        thrice = pl.max_horizontal(3 * col("current"), pl.lit(1))
        above = (10 * col("sme_capital") + 3 * col("large_capital")) * thrice
        above += (10 * col("sme_current") + 3 * col("large_current")) * pl.min_horizontal(thrice, 2 * col("capital"))
        recognised = (col("eoi_submitted_on") <= date(2023, 1, 20)) & (col("eoi_recognised_on") <= date(2023, 2, 20))
        rated = col("legality_rating").cast(pl.Int64) * 2 > col("many").cast(pl.Int64)
        mark = col("technical_score").cast(pl.Int32)
        extra = recognised.fill_null(False).cast(pl.Int32) * 10 + rated.cast(pl.Int32) * 5
        found = whole.select(
            eligible=eligible,
            cents=pl.min_horizontal((2 * above + 20 * thrice) // (40 * thrice), pl.lit(40_000_000)),
            score=mark + pl.when(mark >= 65).then(extra).otherwise(0),
        ).collect()
        return {name: found[name].to_numpy() for name in ("eligible", "cents", "score")}

    return decide


def _cents(column: pa.Array) -> pa.Array:
    """Decimals of 64 bits as the whole cents that they are, in place."""
    return pa.Array.from_buffers(pa.int64(), len(column), column.buffers())
