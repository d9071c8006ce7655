"""`record`: one forward pass of a copy of any network on the meta device, written down. The network itself is never touched.

>>> from torch import nn
>>> tape = record(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), (3, 32, 32))
>>> [call.op for call in tape.calls]
['convolution', 'relu']
"""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch
from torch import nn

from receptron.analysis.recording.copying.meta_copy import Network, on_meta
from receptron.analysis.recording.module_calls import check_followed, followed
from receptron.analysis.recording.parameters import Inventory, inventory
from receptron.analysis.recording.recorder import Recorder
from receptron.analysis.recording.surroundings import FusedAttention, kept_chance, uncollected
from receptron.analysis.recording.tape_builder import TapeBuilder, tensors_in
from receptron.analysis.tape import Tape
from receptron.analysis.tape.inputs import Feed, Inputs, feed
from receptron.errors import AnalysisFault, ReceptronError
from receptron.printable import told


class RestUnknown(AnalysisFault):
    """Raised within a forward pass by a network that cannot tell what follows, as a file with an operator that is not known."""


class Unrecordable(AnalysisFault):
    """A forward pass that broke off, as when two layers' shapes do not fit.

    Args:
        what: The sentence that a user reads first.
        tape: What ran before the break.
        attempt: The operator that failed and the numbers of its operands on the tape; an empty name where none had begun.
        why: What the network raised.
        mend: What to do about it, where that is known.

    Example:
        >>> from torch import nn
        >>> try:
        ...     record(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(4, 8, 3)), (3, 32, 32))
        ... except Unrecordable as broken:
        ...     print(broken.what, len(broken.tape.calls))
        the forward pass of Sequential broke off in 1 (Conv2d). 1
    """

    def __init__(self, what: str, tape: Tape, attempt: tuple[str, tuple[int, ...]], *, why: str = "", mend: str = "") -> None:
        super().__init__(what, why=why, mend=mend)
        self.tape = tape
        self.attempt = attempt

    @property
    def rest(self) -> str:
        """Why what follows is not known, where the network is none the worse for that: it depends on numbers that only data have, as
        boxes of a detector do, or it says so itself. Empty for a network that is broken."""
        if isinstance(self.__cause__, RestUnknown):
            return self.__cause__.what
        read = self.attempt[0] or "a value is read"
        return f"it depends on the numbers of activations ({read}), which only data have" if self.by_numbers else ""

    @property
    def by_numbers(self) -> bool:
        """Whether it broke off because what comes next depends on numbers that only data have."""
        return any(sign in self.why for sign in BY_NUMBERS)


BY_NUMBERS = ("cannot be called on meta", "torch.nonzero()", "data-dependent", "repeats must be", "Cannot copy out of meta tensor")
"""What torch says where it would need the numbers of an activation."""
Finish = Callable[[Any], None]
MENDS = {
    "cannot be called on meta": "it decides by the numbers of its activations, which only data have; take that decision out of `forward`",
    "ended the program": "take the end of the program out of `forward`",
    "expected device cpu but got meta": "a tensor from outside of the network learns; make it a parameter of the network",
    "uninitialized parameter": "run the network once on an input, so that its lazy layers get their shapes",
}
"""What to do about faults that torch tells in other words."""


def record(net: Network, inputs: Inputs, *, batch: int = 1, train: bool = False) -> Tape:
    """One forward pass in eval mode (in train mode if `train`), without gradients; the network itself is never touched.

    Args:
        net: A network, which is copied, or a function that makes one, for networks that have no copy.
        inputs: A size such as (3, 224, 224), a tensor, or a list, tuple or dict of these.
        batch: Images in each input that is given as a size.
        train: Whether dropout and batch norms behave as in training.

    Returns:
        Every operator that ran, with shapes and without numbers.

    Raises:
        BadValue: For inputs that are none, and a function that makes no network.
        Uncopyable: Telling what in the network has no copy, and where it is.
        Unrecordable: With the tape up to the break, whatever the network raised.

    Example:
        >>> from torch import nn
        >>> tape = record(nn.Conv2d(3, 8, 3), (3, 32, 32), batch=4)
        >>> tape.values[tape.outputs[0]].shape
        (4, 8, 30, 30)
    """
    return _recorded(net, inputs, batch=batch, train=train, finish=None)


def record_training(net: Network, inputs: Inputs, *, batch: int = 1) -> Tape:
    """Forward pass in train mode and the backward pass from the mean of all outputs.

    Args:
        net: A network, which is copied, or a function that makes one.
        inputs: A size such as (3, 224, 224), a tensor, or a list, tuple or dict of these.
        batch: Images in each input that is given as a size.

    Returns:
        Calls after the first `forward_calls` are those of the backward pass.

    Raises:
        BadValue: For inputs that are none, and a function that makes no network.
        Uncopyable: Telling what in the network has no copy, and where it is.
        Unrecordable: With the tape up to the break, whatever the network raised.

    Example:
        >>> from torch import nn
        >>> tape = record_training(nn.Conv2d(3, 8, 3), (3, 32, 32))
        >>> [call.op for call in tape.forward], len(tape.calls) > len(tape.forward)
        (['convolution'], True)
    """

    def backward(out: Any) -> None:
        parts = [t.float().mean() for t in tensors_in(out) if t.is_floating_point() and t.requires_grad]
        if parts:
            torch.stack(parts).sum().backward()

    return _recorded(net, inputs, batch=batch, train=True, finish=backward)


def _recorded(net: Network, inputs: Inputs, *, batch: int, train: bool, finish: Finish | None) -> Tape:
    with ExitStack() as stack:
        stack.enter_context(uncollected())
        stack.enter_context(kept_chance())
        stack.enter_context(torch.inference_mode(False))
        copied, constants = on_meta(net)
        arguments = feed(copied, inputs, batch)
        owned = inventory(copied)
        if any([module.training != train for module in owned.modules]):  # setting is slow in a deep network
            _set_mode(copied, train)
        builder = TapeBuilder(owned, constants)
        starts = tuple([builder.number(tensor, "input") for tensor in tensors_in((arguments.args, arguments.kwargs))])
        recorder = Recorder(builder)
        stack.enter_context(torch.set_grad_enabled(finish is not None))
        if finish is not None:
            stack.enter_context(FusedAttention())
        stack.enter_context(followed(owned.modules, builder))
        return _run(copied, arguments, recorder, owned, starts, finish)


def _run(net: nn.Module, arguments: Feed, recorder: Recorder, owned: Inventory, starts: tuple[int, ...], finish: Finish | None) -> Tape:
    builder = recorder.builder
    outputs: tuple[int, ...] = ()
    forward_calls = None
    try:
        with recorder:
            out = net(*arguments.args, **arguments.kwargs)
            outputs, forward_calls = builder.numbers_of(out), len(builder.calls)
            if finish is not None:
                finish(out)
        del out
        broken = None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a network may raise anything, even SystemExit; it is told with the place where it broke
        broken = error
    builder.close()
    done = len(builder.calls) if forward_calls is None else forward_calls
    made = builder.values, builder.calls, builder.module_calls, builder.storages
    tape = Tape(type(net).__name__, "meta", *made, owned.parameters, owned.parts, starts, outputs, done)
    if broken is not None:
        raise _unrecordable(tape, recorder.attempt, broken) from broken
    check_followed(builder)
    return tape


def _set_mode(net: nn.Module, train: bool) -> None:
    try:
        net.train(train)
    except NotImplementedError:  # an exported program keeps the mode in which it was exported
        return


def _unrecordable(tape: Tape, attempt: tuple[str, tuple[int, ...]], broken: BaseException) -> Unrecordable:
    failed = next((scope for scope in reversed(tape.module_calls) if scope.last < 0 and scope.parent >= 0), None)
    where = f"in {failed.path or 'the network itself'} ({failed.kind})" if failed else "before its first layer"
    ours = isinstance(broken, ReceptronError)
    why = f"{broken.what} {broken.why}".strip() if ours else told(broken)
    mend = (broken.mend if ours else "") or next((mend for sign, mend in MENDS.items() if sign in why), "")
    return Unrecordable(f"the forward pass of {tape.name} broke off {where}.", tape, attempt, why=why, mend=mend)
