"""Everything about a network in one record: what the command prints, what JSON holds and what the page draws."""

import dataclasses
from dataclasses import dataclass

from receptron.analysis.attempted import attempted
from receptron.analysis.cost import Cost, cost_of
from receptron.analysis.cost.conventions import Reconciled, reconcile
from receptron.analysis.cost.macs import unknown as operators_unknown
from receptron.analysis.cost.memory import Memory, known_optimizer, memory_of
from receptron.analysis.cost.roofline import Roofline, roofline
from receptron.analysis.layers import Layer, layers_of
from receptron.analysis.lint import Advice, Subject, advise
from receptron.analysis.receptive_field.access_patterns import UNKNOWN_REACH
from receptron.analysis.receptive_field.effective import effective_of
from receptron.analysis.receptive_field.field import Field, Fields, field_of
from receptron.analysis.recording import Network, Unrecordable, record, record_training
from receptron.analysis.tape import Tape
from receptron.analysis.tape.inputs import Inputs
from receptron.errors import NotLocal, UnknownName


@dataclass(frozen=True)
class InspectionOptions:
    """What to ask beside costs, shapes and fields (which are those of one image); all that is left out stays unasked.

    Args:
        batch: Images for memory and time.
        memory: Whether to find the peak memory of inference and training.
        optimizer: Whose states count as memory of training: a name of `receptron.analysis.cost.memory.STATES`.
        device: Whose least time to tell: a name of `receptron.analysis.cost.roofline.DEVICES`.
        precision: "half" for 16-bit tensors or "single" for 32-bit ones, for the time.
        reconcile: Whether to tell the totals that other conventions count.
        field: Path of a layer whose field is wanted in full; empty for the network's output.
        object_pixels: px of the objects in the images, for advice about fields; None: the whole image.

    Example:
        >>> from receptron import build
        >>> inspect(build("lenet5"), (1, 28, 28), InspectionOptions(memory=True, optimizer="sgd")).memory.states
        0
    """

    batch: int = 1
    memory: bool = False
    optimizer: str = "adamw"
    device: str | None = None
    precision: str = "half"
    reconcile: bool = False
    field: str | None = None
    object_pixels: int | None = None


@dataclass(frozen=True)
class FieldAnswer:
    """The field of the layer that was asked for, and how wide it effectively is at initialisation, per axis; None without local path."""

    field: Field
    effective_width: tuple[int, ...] | None


@dataclass(frozen=True)
class Inspection:
    """What `inspect` answers.

    Attributes:
        name: What the network is called.
        inputs: Shape of each input, (N, C, H, W) for images.
        cost: Parameters, multiply-accumulates, operations and bytes.
        layers: One row per call of a module, in the order in which they began.
        advice: What the numbers say about the design.
        field: The field that was asked for; None if none was.
        memory: Peak bytes, where asked for.
        roofline: Least time on a device, where asked for.
        conventions: Totals as others count, where asked for.
        unknown: Figures that could not be worked out, each with the reason.

    Example:
        >>> from receptron import build
        >>> found = inspect(build("lenet5"), (1, 28, 28))
        >>> found.cost.parameters, found.inputs, found.memory
        (61706, ((1, 1, 28, 28),), None)
    """

    name: str
    inputs: tuple[tuple[int, ...], ...]
    cost: Cost
    layers: tuple[Layer, ...]
    advice: tuple[Advice, ...]
    field: FieldAnswer | None
    memory: Memory | None
    roofline: Roofline | None
    conventions: tuple[Reconciled, ...]
    unknown: dict[str, str] = dataclasses.field(default_factory=dict)


def inspect(net: Network, inputs: Inputs, question: InspectionOptions = InspectionOptions(), name: str = "") -> Inspection:
    """Record a network and answer from the record; the network itself is never touched.

    Args:
        net: A network, which is copied, or a function that makes one.
        inputs: A size such as (3, 224, 224), a tensor, or a list, tuple or dict of these.
        question: What to ask beside costs, shapes and fields.
        name: What to call the network; empty: as its class.

    Returns:
        The whole answer.

    Raises:
        BadValue: For inputs that are none, and a function that makes no network.
        UnknownName: For a layer, device, precision or optimiser that is not there.
        Uncopyable: Telling what in the network has no copy, and where it is.
        Unrecordable: With the tape up to the break, whatever the network raised.

    Example:
        >>> from torch import nn
        >>> found = inspect(nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.Conv2d(8, 8, 3)), (3, 32, 32))
        >>> [(layer.path, layer.after, layer.field.size) for layer in found.layers]
        [('0', (1, 8, 15, 15), (3, 3)), ('1', (1, 8, 13, 13), (7, 7))]
    """
    return examine(net, inputs, question, name)[0]


def examine(net: Network, inputs: Inputs, question: InspectionOptions = InspectionOptions(), name: str = "") -> tuple[Inspection, Tape]:
    """As `inspect`, with the tape that it was read from; what asks about several images, or training, is recorded once beside it.

    A figure whose analysis fails is unknown, with the reason, and the others are told.
    """
    known_optimizer(question.optimizer)
    unknown = dict[str, str]()
    tape, rest = _recorded(net, inputs)
    unknown |= rest
    several, hindered = tape, "the forward pass is not known to its end" if rest else ""
    if not rest and question.batch > 1 and (question.memory or question.device is not None):
        several = record(net, inputs, batch=question.batch)
    subject = Subject(tape, object_pixels=question.object_pixels)
    fields = attempted("receptive fields", lambda: subject.fields, unknown)
    hidden = dict.fromkeys(operators_unknown(tape), UNKNOWN_REACH) | (fields.unworked if fields else {})
    unknown |= {f"receptive fields behind {op}": why for op, why in hidden.items()}
    asked, device = question.field, question.device
    if asked is not None:
        _check_layer(tape, asked)
    found = Inspection(
        name or tape.name,
        tuple(tape.values[i].shape for i in tape.inputs),
        _cost(tape, rest),
        layers_of(tape, fields, unknown),
        (attempted("advice", lambda: advise(subject), unknown, hindered) or ()) if fields else (),
        attempted("the field asked for", lambda: _field_answer(fields, asked), unknown) if fields and asked is not None else None,
        _memory(net, inputs, several, question, unknown, hindered) if question.memory else None,
        None if device is None else attempted("time", lambda: roofline(several, device, question.precision), unknown, hindered),
        (attempted("other conventions", lambda: reconcile(tape), unknown) or ()) if question.reconcile else (),
        unknown,
    )
    return found, tape


def _recorded(net: Network, inputs: Inputs) -> tuple[Tape, dict[str, str]]:
    """The forward pass, and what of it is not known because it depends on numbers that only data have, or on what nobody knows.

    Raises: Unrecordable for other breaks.
    """
    try:
        return record(net, inputs), {}
    except Unrecordable as broken:
        if not broken.rest or not broken.tape.calls:
            raise
        last = broken.tape.path(broken.tape.calls[-1]) or "the network itself"
        return broken.tape, {f"what follows {last}": broken.rest}


def _cost(tape: Tape, rest: dict[str, str]) -> Cost:
    """Totals are lower bounds where the pass broke off."""
    found = cost_of(tape)
    return dataclasses.replace(found, unknown=found.unknown | dict.fromkeys(rest, 1)) if rest else found


def _memory(
    net: Network, inputs: Inputs, plain: Tape, question: InspectionOptions, unknown: dict[str, str], hindered: str
) -> Memory | None:
    """Of inference alone where no training step can be recorded."""
    training = None
    if not hindered:
        training = attempted("memory of training", lambda: record_training(net, inputs, batch=question.batch), unknown)
    return attempted("memory", lambda: memory_of(plain, training, question.batch, question.optimizer), unknown, hindered)


def _check_layer(tape: Tape, layer: str) -> None:
    """Raises: UnknownName for a layer that did not run."""
    if layer and layer not in {scope.path for scope in tape.module_calls}:
        raise UnknownName("layer", layer, {scope.path for scope in tape.module_calls if scope.path})


def _field_answer(fields: Fields, layer: str) -> FieldAnswer:
    tape = fields.tape
    try:
        widths = tuple(effective_of(fields, layer, axis).width for axis in range(len(fields.axes)))
    except NotLocal:
        widths = None
    return FieldAnswer(field_of(fields, tape.output_of(layer), layer), widths)
