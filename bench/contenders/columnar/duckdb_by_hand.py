"""DuckDB by hand: exact, in cents, over the Arrow tables where they stand, on all its threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from contenders.columnar.polars_by_hand import _cents
from workload import COSTS, UNWANTED, WANTED

TITLE = "DuckDB, by hand"
IN_ORDER = " and ".join([*WANTED, *(f"not {n}" for n in UNWANTED), "ateco_section <> 'A'"])
SQL = f"""
with counted as (
  select project, legality_rating, {IN_ORDER} as counted, size = 'large' as large,
    equipment + research as capital, staff + overheads as current
  from partners
), sums as (
  select project, count(*) as many, count(*) filter (where counted) as firms, count(*) filter (where counted and large) as large,
    count(*) filter (where legality_rating) as rated,
    coalesce(sum(capital) filter (where counted and not large), 0)::bigint as sme_capital,
    coalesce(sum(current) filter (where counted and not large), 0)::bigint as sme_current,
    coalesce(sum(capital) filter (where counted and large), 0)::bigint as large_capital,
    coalesce(sum(current) filter (where counted and large), 0)::bigint as large_current
  from counted group by project
), whole as (
  select p.*, s.* exclude (project), sme_capital + large_capital as capital, sme_current + large_current as current,
    greatest(3 * (sme_current + large_current), 1) as thrice
  from projects p join sums s on p.id = s.project
)
select
  submitted_at <= timestamp '2023-02-28 16:00:00' and agreement_signed and firms >= 10 and capital + current >= 20000000
    and project_start > submitted_at::date and project_end <= date '2023-10-30'
    and (large = 0 or (sme_capital + sme_current) * 10 >= (capital + current) * 3) as eligible,
  least((2 * ((10 * sme_capital + 3 * large_capital) * thrice + (10 * sme_current + 3 * large_current) * least(thrice, 2 * capital))
    + 20 * thrice) // (40 * thrice), 40000000) as cents,
  technical_score::int + case when technical_score < 65 then 0 else
    case when eoi_submitted_on <= date '2023-01-20' and eoi_recognised_on <= date '2023-02-20' then 10 else 0 end
    + case when rated * 2 > many then 5 else 0 end end as score
from whole order by id
"""


def prepared() -> Callable[[dict[str, pa.Table]], dict[str, Any]]:
    import duckdb

    connection = duckdb.connect()

    def decide(given: dict[str, pa.Table]) -> dict[str, Any]:
        partners = given["partner"]
        for name in COSTS:
            cents = pa.chunked_array([_cents(c) for c in partners[name].chunks])
            partners = partners.set_column(partners.column_names.index(name), name, cents)
        connection.register("projects", given["project"])
        connection.register("partners", partners)
        return dict(connection.execute(SQL).fetchnumpy())

    return decide
