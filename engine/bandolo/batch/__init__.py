"""Many applications at once, from tables to tables: whole columns by a generated NumPy program, the rest one by one."""

from bandolo.batch.ranked import Ranked, rank
from bandolo.batch.run import Decided, run
from bandolo.batch.simulation import Simulation, simulate

__all__ = ["Decided", "Ranked", "Simulation", "rank", "run", "simulate"]
