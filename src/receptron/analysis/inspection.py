"""Everything about a network in one record: what the command prints, what JSON holds and what the page draws."""

from collections import Counter
from dataclasses import dataclass

from receptron.analysis.cost import Cost, cost_of
from receptron.analysis.cost.conventions import Reconciled, reconcile
from receptron.analysis.cost.macs import works_of
from receptron.analysis.cost.memory import Memory, known_optimizer, memory_of
from receptron.analysis.cost.roofline import Roofline, roofline
from receptron.analysis.cost.working import working
from receptron.analysis.lint import Advice, Subject, advise
from receptron.analysis.receptive_field.effective import effective_of
from receptron.analysis.receptive_field.field import Field, Fields, field_of
from receptron.analysis.recording import Network, record, record_training
from receptron.analysis.tape import Call, ModuleCall, Tape
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
class Layer:
    """One module as it ran: its place, shapes, its parameters and multiply-accumulates with all inside, field of its output, working."""

    path: str
    kind: str
    depth: int
    leaf: bool
    before: tuple[int, ...]
    after: tuple[int, ...]
    parameters: int
    macs: int
    field: Field | None
    working: tuple[str, ...]


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
    """As `inspect`, with the tape that it was read from; what asks about several images, or training, is recorded once beside it."""
    known_optimizer(question.optimizer)
    tape = record(net, inputs)
    several = tape
    if question.batch > 1 and (question.memory or question.device is not None):
        several = record(net, inputs, batch=question.batch)
    subject = Subject(tape, object_pixels=question.object_pixels)
    found = Inspection(
        name or tape.name,
        tuple(tape.values[i].shape for i in tape.inputs),
        cost_of(tape),
        layers_of(tape, subject.fields),
        advise(subject),
        None if question.field is None else _field_answer(subject.fields, question.field),
        _memory(net, inputs, several, question) if question.memory else None,
        None if question.device is None else roofline(several, question.device, question.precision),
        reconcile(tape) if question.reconcile else (),
    )
    return found, tape


def _memory(net: Network, inputs: Inputs, plain: Tape, question: InspectionOptions) -> Memory:
    return memory_of(plain, record_training(net, inputs, batch=question.batch), question.batch, question.optimizer)


def layers_of(tape: Tape, fields: Fields) -> tuple[Layer, ...]:
    """One row per call of a module, in the order in which they began."""
    works = works_of(tape)
    before = [0]
    for i in range(len(tape.forward)):
        before.append(before[-1] + (works[i].macs if i in works else 0))
    leaves, owned = {i for i, _ in tape.leaves()}, _owned(tape)
    return tuple(
        _layer(tape, fields, scope, i in leaves, owned[scope.path], before[scope.last] - before[scope.first])
        for i, scope in enumerate(tape.module_calls)
        if scope.last >= 0 and scope.path
    )


def _owned(tape: Tape) -> Counter[str]:
    """Parameters in the module at each path and below it; one that is shared there counts once."""
    found: Counter[str] = Counter()
    for parameter in tape.parameters:
        if parameter.learnable:
            parts = [name.split(".")[:-1] for name in parameter.names]
            for path in {".".join(part[: i + 1]) for part in parts for i in range(len(part))}:
                found[path] += parameter.numel
    return found


def _layer(tape: Tape, fields: Fields, scope: ModuleCall, leaf: bool, owned: int, macs: int) -> Layer:
    out = scope.outputs[0] if scope.outputs else None
    return Layer(
        scope.path,
        scope.kind,
        scope.path.count("."),
        leaf,
        tape.values[scope.inputs[0]].shape if scope.inputs else (),
        () if out is None else tape.values[out].shape,
        owned,
        macs,
        None if out is None else field_of(fields, out, scope.path),
        working(tape, _own_call(tape, scope)) if leaf else (),
    )


def _own_call(tape: Tape, scope: ModuleCall) -> Call | None:
    """The call that makes a leaf what it is: its first product or window."""
    calls = tape.calls[scope.first : scope.last]
    telling = [call for call in calls if call.op in ("convolution", "addmm", "mm") or "pool" in call.op or "norm" in call.op]
    return telling[0] if telling else None


def _field_answer(fields: Fields, layer: str) -> FieldAnswer:
    tape = fields.tape
    if layer and layer not in {scope.path for scope in tape.module_calls}:
        raise UnknownName("layer", layer, {scope.path for scope in tape.module_calls if scope.path})
    try:
        widths = tuple(effective_of(fields, layer, axis).width for axis in range(len(fields.axes)))
    except NotLocal:
        widths = None
    return FieldAnswer(field_of(fields, tape.output_of(layer), layer), widths)
