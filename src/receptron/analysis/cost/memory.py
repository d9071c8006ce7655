"""Memory at its peak, by following every storage from its birth to its death: inference, and training with gradients and optimiser.

Counted are tensors as PyTorch allocates them; workspaces of libraries and the allocator's rounding are not.
"""

from dataclasses import dataclass

from receptron.analysis.recording import Network, record, record_training
from receptron.analysis.tape import Tape
from receptron.analysis.tape.inputs import Inputs
from receptron.errors import UnknownName

STATES = {"none": 0, "sgd": 0, "momentum": 1, "rmsprop": 1, "adam": 2, "adamw": 2, "lion": 1}
"""Numbers that an optimiser keeps per trainable parameter."""
SCRATCH = {"none": 0, "sgd": 0, "momentum": 0, "rmsprop": 1, "adam": 1, "adamw": 1, "lion": 1}
"""Temporary copies of all trainable parameters that PyTorch's multi-tensor step makes."""


@dataclass(frozen=True)
class Peak:
    """Most bytes alive at once, the call during which, and the module that made it."""

    bytes: int
    op: str
    path: str
    backward: bool


@dataclass(frozen=True)
class Memory:
    """Bytes that a network needs for one batch.

    Attributes:
        batch: Images.
        optimizer: Whose states count.
        weights: Bytes of parameters.
        buffers: Bytes of what is kept without being learnt.
        gradients: Bytes of the gradients of trainable parameters.
        states: Bytes that the optimiser keeps.
        saved: Bytes that the forward pass keeps for the backward pass; None where no training step can be recorded.
        inference: The moment of most bytes without gradients.
        training: The moment of most bytes in a training step; None where none can be recorded.

    Example:
        >>> from torch import nn
        >>> found = memory(nn.Linear(1000, 10), (1000,), optimizer="adam")
        >>> found.weights, found.gradients, found.states
        (40040, 40040, 80080)
    """

    batch: int
    optimizer: str
    weights: int
    buffers: int
    gradients: int
    states: int
    saved: int | None
    inference: Peak
    training: Peak | None


def memory(net: Network, inputs: Inputs, *, batch: int = 1, optimizer: str = "adamw") -> Memory:
    """Peak memory of inference and of a training step in the steady state (from the second step on, when optimiser states exist).

    Args:
        net: A network, which is copied, or a function that makes one.
        inputs: A size such as (3, 224, 224), a tensor, or a list, tuple or dict of these.
        batch: Images in each input that is given as a size.
        optimizer: A name of `STATES`.

    Returns:
        Bytes; workspaces of libraries and the allocator's rounding are not among them.

    Raises:
        UnknownName: For an optimiser that is not in `STATES`.
        BadValue: For inputs that are none, and a function that makes no network.
        Uncopyable: Telling what in the network has no copy, and where it is.
        Unrecordable: With the tape up to the break, whatever the network raised.

    Example:
        >>> from receptron import build
        >>> memory(build("lenet5"), (1, 28, 28), batch=32).inference.op
        'tanh'
    """
    known_optimizer(optimizer)
    return memory_of(record(net, inputs, batch=batch), record_training(net, inputs, batch=batch), batch, optimizer)


def known_optimizer(name: str) -> None:
    """Raises: UnknownName for an optimiser that is not in `STATES`."""
    if name not in STATES:
        raise UnknownName("optimizer", name, STATES)


def memory_of(plain: Tape, training: Tape | None, batch: int, optimizer: str) -> Memory:
    """The same from the tapes of an inference pass and, where there is one, of a training step with so many images."""
    owned = [(p.numel * p.bytes_each, p.learnable, p.trainable) for p in plain.parameters]
    trainable = sum(size for size, learnable, moves in owned if learnable and moves)
    states = STATES[optimizer] * trainable
    return Memory(
        batch,
        optimizer,
        weights=sum(size for size, learnable, _ in owned if learnable),
        buffers=sum(size for size, learnable, _ in owned if not learnable),
        gradients=trainable,
        states=states,
        saved=None if training is None else alive_at(training, training.forward_calls) - alive_at(training, -1),
        inference=peak(plain),
        training=None if training is None else _with_step(peak(training, states), training, trainable, states, SCRATCH[optimizer]),
    )


def peak(tape: Tape, extra: int = 0) -> Peak:
    """Most bytes alive during a call of the tape, plus `extra` that is always there."""
    alive = _alive(tape)
    at = max(range(len(alive)), key=alive.__getitem__)
    if not tape.calls:
        return Peak(alive[at] + extra, "", "", backward=False)
    call = tape.calls[max(at - 1, 0)]
    backward = at - 1 >= tape.forward_calls
    return Peak(alive[at] + extra, call.op, "" if backward else tape.path(call), backward)


def alive_at(tape: Tape, call: int) -> int:
    """Bytes alive during a call; -1 is before the first."""
    return _alive(tape)[min(call, len(tape.calls) - 1) + 1]


def _alive(tape: Tape) -> list[int]:
    """Bytes alive before the first call and during each one."""
    change = [0] * (len(tape.calls) + 2)
    for storage in tape.storages:
        change[storage.born + 1] += storage.bytes
        if storage.died is not None:
            change[storage.died + 1] -= storage.bytes
    alive, level = [], 0
    for step in change[:-1]:
        level += step
        alive.append(level)
    return alive


def _with_step(pass_peak: Peak, tape: Tape, trainable: int, states: int, scratch: int) -> Peak:
    """The optimiser's own step can be the peak where activations are small."""
    step = alive_at(tape, -1) + trainable + states + scratch * trainable
    return Peak(step, "optimizer step", "", backward=True) if step > pass_peak.bytes else pass_peak
