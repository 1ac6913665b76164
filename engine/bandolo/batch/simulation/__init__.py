"""What other thresholds, rates and readings would do to a population: the variants of a policy computed together."""

from bandolo.batch.simulation.simulate import Simulation, Simulator, Variant, simulate

__all__ = ["Simulation", "Simulator", "Variant", "simulate"]
