"""The mock interview: scenes whose questions get harder, held against a clock, and a verdict with its evidence."""
