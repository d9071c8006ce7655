"""How a tape comes about: one forward pass of any network on the meta device, written down; the network is left as it was."""

from receptron.analysis.recording.forward import Unrecordable, record, record_training

__all__ = ["Unrecordable", "record", "record_training"]
