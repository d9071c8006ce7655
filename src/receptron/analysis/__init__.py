"""What a network is, before it runs: one forward pass on the meta device is written down as a Tape, every analysis is a pass over it.

>>> from torch import nn
>>> from receptron.analysis import cost, receptive_field, record
>>> net = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.Conv2d(8, 8, 3))
>>> cost(net, (3, 32, 32)).macs
145944
>>> receptive_field(record(net, (3, 32, 32))).size
(7, 7)
"""

from receptron.analysis.comparison import Comparison, compare
from receptron.analysis.cost import Cost, cost
from receptron.analysis.cost.conventions import reconcile
from receptron.analysis.cost.memory import Memory, memory
from receptron.analysis.cost.roofline import Roofline, roofline
from receptron.analysis.diagnose.clash import Clash, explain
from receptron.analysis.inspection import Inspection, InspectionOptions, inspect
from receptron.analysis.lint import Advice, Subject, advise
from receptron.analysis.receptive_field.effective import Effective, effective_field, measured_field
from receptron.analysis.receptive_field.field import Field, Fields, receptive_field
from receptron.analysis.recording import Unrecordable, record, record_training
from receptron.analysis.tape import Tape

__all__ = [
    "Advice",
    "Clash",
    "Comparison",
    "Cost",
    "Effective",
    "Field",
    "Fields",
    "Inspection",
    "InspectionOptions",
    "Memory",
    "Roofline",
    "Subject",
    "Tape",
    "Unrecordable",
    "advise",
    "compare",
    "cost",
    "effective_field",
    "explain",
    "inspect",
    "measured_field",
    "memory",
    "receptive_field",
    "reconcile",
    "record",
    "record_training",
    "roofline",
]
