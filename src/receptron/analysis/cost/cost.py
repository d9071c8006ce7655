"""What a network costs, in one record: parameters, multiply-accumulates, operations, bytes of weights and largest activation.

>>> from torch import nn
>>> cost(nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False), (3, 224, 224)).macs
118013952
"""

from dataclasses import dataclass

from receptron.analysis.cost.macs import total
from receptron.analysis.recording import Network, record
from receptron.analysis.tape import Tape
from receptron.analysis.tape.inputs import Inputs


@dataclass(frozen=True)
class Cost:
    """Costs of one forward pass. `unknown` operators make `macs` and `flops` lower bounds."""

    parameters: int
    trainable: int
    buffers: int
    weight_bytes: int
    macs: int
    macs_in_bounds: int
    flops: int
    backward_macs: int
    activations: int
    unknown: dict[str, int]


def cost(net: Network, inputs: Inputs, *, batch: int = 1) -> Cost:
    """Record `net` on `inputs`, for instance (3, 224, 224), and add up. Raises: Uncopyable, Unrecordable."""
    return cost_of(record(net, inputs, batch=batch))


def cost_of(tape: Tape) -> Cost:
    """The same from a tape. `activations` are the numbers that convolutions put out (Radosavovic et al. 2020, section 3.1)."""
    summed = total(tape)
    learnable = trainable = buffers = weights = 0
    for p in tape.parameters:
        count = p.numel
        weights += count * p.bytes_each
        learnable += count * p.learnable
        trainable += count * (p.learnable and p.trainable)
        buffers += count * (not p.learnable)
    made = sum(tape.values[call.outputs[0]].numel for call in tape.forward if call.op == "convolution")
    return Cost(
        parameters=learnable,
        trainable=trainable,
        buffers=buffers,
        weight_bytes=weights,
        macs=summed.macs,
        macs_in_bounds=summed.in_bounds,
        flops=summed.flops,
        backward_macs=summed.backward,
        activations=made,
        unknown=summed.unknown,
    )
