"""What a network costs: multiply-accumulates, parameters, memory, time, and why others print other numbers."""

from receptron.analysis.cost.cost import Cost, cost, cost_of

__all__ = ["Cost", "cost", "cost_of"]
