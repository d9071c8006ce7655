"""The record that every analysis reads, the operators that may stand in it, and what goes into a network that is recorded."""

from receptron.analysis.tape.tape import Argument, Call, ModuleCall, Part, Ref, Storage, Tape, Value

__all__ = ["Argument", "Call", "ModuleCall", "Part", "Ref", "Storage", "Tape", "Value"]
