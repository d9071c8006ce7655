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
    """Parameters and multiply-accumulates of one forward pass.

    Args:
        net: A network, which is copied and never touched, or a function that makes one.
        inputs: Size of one image such as (3, 224, 224); or a tensor, or a list, tuple or dict of these.
        batch: Images, where a size is given.

    Returns:
        The sums; where operators are unknown they are named, and the sums are lower bounds.

    Raises:
        Uncopyable: Something in the network has no copy.
        Unrecordable: The forward pass broke off.

    Example:
        >>> import torch
        >>> cost(torch.nn.Conv2d(3, 8, 3, padding=1), (3, 32, 32)).macs
        221184
    """
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
