"""Many applications at once, from tables to tables: whole columns by a generated NumPy program, the rest one by one.

Tables are put together (`tables`) and become columns (`intake`, `cells`); `run` decides them, `outgoing` makes tables of decisions, `rows`
asks the reference for what has no columns, and `reasons` says why. `task`, `staging` and `files` do so from files to files.

A `program` is made by `compiling`, out of a `build` that holds what its parts share: `facts`, `steps`, `verdicts`, `results`,
`ranking_values`, `emission`. They write lines with the `writer`, which asks `nodes` (with `choices`, `operations`, `aggregates` and
`arithmetic`) for the `columns` of an expression. What the lines call at run time stands in `helpers`, `grouping`, `masks` and `zones`.

A ranking takes a `standing` of each application, as `ranking_columns`; `ranked` has the strikes, `listed` the places and the money.
"""

from bandolo.batch.ranked import Ranked, rank
from bandolo.batch.run import Decided, Prepared, prepare, run
from bandolo.batch.simulation import Simulation, simulate
from bandolo.batch.tables import BadTables

__all__ = ["BadTables", "Decided", "Prepared", "Ranked", "Simulation", "prepare", "rank", "run", "simulate"]
