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
    """Costs of one forward pass.

    Attributes:
        parameters: Numbers that can be learnt, frozen or not.
        trainable: Those of them that are not frozen.
        buffers: Numbers that are kept without being learnt, such as running statistics.
        weight_bytes: Bytes of parameters and buffers.
        macs: Multiply-accumulates; at least so many where operators are unknown.
        macs_in_bounds: Those of them that do not multiply a padding zero.
        flops: Operations: twice the multiply-accumulates.
        backward_macs: Multiply-accumulates of the backward pass.
        activations: Numbers that convolutions put out.
        unknown: Operators that are neither counted nor known to be free, with how often they ran.

    Source: Radosavovic et al. 2020, Designing Network Design Spaces, section 3.1, for activations.

    Example:
        >>> from torch import nn
        >>> found = cost(nn.Conv2d(3, 8, 3, padding=1), (3, 32, 32))
        >>> found.parameters, found.macs, found.macs_in_bounds, found.activations
        (224, 221184, 212064, 8192)
    """

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
    """Record a network and add up.

    Args:
        net: A network, which is copied, or a function that makes one.
        inputs: A size such as (3, 224, 224), a tensor, or a list, tuple or dict of these.
        batch: Images in each input that is given as a size.

    Returns:
        Of the whole batch.

    Raises:
        BadValue: For inputs that are none, and a function that makes no network.
        Uncopyable: Telling what in the network has no copy, and where it is.
        Unrecordable: With the tape up to the break, whatever the network raised.

    Example:
        >>> from receptron import build
        >>> cost(build("resnet50"), (3, 224, 224)).macs
        4089184256
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
