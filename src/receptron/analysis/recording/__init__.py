"""How a tape comes about: one forward pass of a copy of any network on the meta device, written down."""

from receptron.analysis.recording.copying.meta_copy import Network
from receptron.analysis.recording.forward import Unrecordable, record, record_training

__all__ = ["Network", "Unrecordable", "record", "record_training"]
