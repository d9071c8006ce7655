"""Arithmetic intensity, and the time that a device cannot go below: for each call the larger of computing and moving bytes.

Williams, Waterman and Patterson 2009, Roofline, Communications of the ACM 52(4). Peak figures are the vendors' datasheets,
dense, for multiplying in the fast 16-bit type with 32-bit sums and for plain float32.
"""

from dataclasses import dataclass

from receptron.analysis.cost.macs import works_of
from receptron.analysis.tape import Call, Tape
from receptron.analysis.tape.operators import MADE
from receptron.errors import UnknownName


@dataclass(frozen=True)
class Device:
    """Peak operations per second in 16 and 32 bit, bytes per second, bytes of memory."""

    name: str
    half: float
    single: float
    bandwidth: float
    memory: float
    source: str


DEVICES: dict[str, Device] = {
    row.name: row
    for row in (
        Device("h200", 989e12, 67e12, 4.8e12, 141e9, "NVIDIA H200 SXM datasheet"),
        Device("h100", 989e12, 67e12, 3.35e12, 80e9, "NVIDIA H100 SXM datasheet"),
        Device("a100", 312e12, 19.5e12, 2.039e12, 80e9, "NVIDIA A100 80GB SXM datasheet"),
        Device("v100", 125e12, 15.7e12, 0.9e12, 32e9, "NVIDIA V100 SXM2 datasheet"),
        Device("l4", 121e12, 30.3e12, 0.3e12, 24e9, "NVIDIA L4 datasheet"),
        Device("t4", 65e12, 8.1e12, 0.32e12, 16e9, "NVIDIA T4 datasheet"),
        Device("rtx4090", 165e12, 82.6e12, 1.008e12, 24e9, "NVIDIA Ada GPU architecture whitepaper"),
        Device("rtx3090", 71e12, 35.6e12, 0.936e12, 24e9, "NVIDIA GA102 whitepaper"),
    )
}


@dataclass(frozen=True)
class LayerTime:
    """One module's part: operations, bytes moved, seconds at least, and what bounds most of them."""

    path: str
    flops: int
    bytes: int
    seconds: float
    bound: str


@dataclass(frozen=True)
class Roofline:
    """Least time of a forward pass on a device: for each call the larger of computing and moving bytes.

    Attributes:
        device: A name of `DEVICES`.
        precision: "half" or "single".
        seconds: That the device cannot go below.
        flops: Operations.
        bytes: Bytes read and written.
        intensity: Operations for each byte.
        ridge: Intensity above which the device computes rather than waits.
        memory_bound: Share of the time, 0 to 1, in modules that wait for memory most of their time.
        layers: One row a module.
        source: Where the device's peak figures stand.

    Source: Williams, Waterman and Patterson 2009, Roofline, Communications of the ACM 52(4).

    Example:
        >>> from receptron import build, record
        >>> found = roofline(record(build("resnet50"), (3, 224, 224)), "a100")
        >>> found.intensity < found.ridge
        True
    """

    device: str
    precision: str
    seconds: float
    flops: int
    bytes: int
    intensity: float
    ridge: float
    memory_bound: float
    layers: tuple[LayerTime, ...]
    source: str


def roofline(tape: Tape, device: str = "h100", precision: str = "half") -> Roofline:
    """Least time of each module from its calls, each reading its operands and writing its results once; launch times are left out.

    Args:
        tape: A recorded network, of as many images as the time is wanted for.
        device: A name of `DEVICES`.
        precision: "half" for 16-bit tensors, whatever the tape's, or "single" for 32-bit ones.

    Returns:
        Seconds, operations and bytes, whole and by module.

    Raises:
        UnknownName: For another device or precision.

    Source: Williams, Waterman and Patterson 2009, Roofline, Communications of the ACM 52(4).

    Example:
        >>> from receptron import build, record
        >>> roofline(record(build("resnet50"), (3, 224, 224)), "h100").flops > 2 * 4_089_184_256
        True
    """
    if device not in DEVICES:
        raise UnknownName("device", device, DEVICES)
    if precision not in ("half", "single"):
        raise UnknownName("precision", precision, ("half", "single"))
    row = DEVICES[device]
    speed = row.half if precision == "half" else row.single
    layers = _layers(tape, speed, row.bandwidth, 2 if precision == "half" else 4)
    seconds = sum(layer.seconds for layer in layers)
    flops, moved = sum(layer.flops for layer in layers), sum(layer.bytes for layer in layers)
    waiting = sum(layer.seconds for layer in layers if layer.bound == "memory")
    return Roofline(
        device=device,
        precision=precision,
        seconds=seconds,
        flops=flops,
        bytes=moved,
        intensity=flops / max(moved, 1),
        ridge=speed / row.bandwidth,
        memory_bound=waiting / max(seconds, 1e-30),
        layers=layers,
        source=row.source,
    )


def _layers(tape: Tape, speed: float, bandwidth: float, width: int) -> tuple[LayerTime, ...]:
    works = works_of(tape)
    sums: dict[str, list[float]] = {}
    for i, call in enumerate(tape.forward):
        flops = 2 * works[i].macs if i in works else _results(tape, call)
        moved = _moved(tape, call, width)
        if moved:
            compute, wait = flops / speed, moved / bandwidth
            row = sums.setdefault(tape.path(call), [0, 0, 0.0, 0.0])
            row[0] += flops
            row[1] += moved
            row[2] += max(compute, wait)
            row[3] += wait if wait > compute else 0.0
    return tuple(
        LayerTime(path, int(flops), int(moved), seconds, "memory" if waiting > seconds / 2 else "compute")
        for path, (flops, moved, seconds, waiting) in sums.items()
    )


def _results(tape: Tape, call: Call) -> int:
    return sum(tape.values[o].numel for o in call.outputs)


def _moved(tape: Tape, call: Call, width: int) -> int:
    """Bytes read and written; nothing for views, which share their operand's storage, and for empty results."""
    if call.op in MADE or not call.outputs:
        return 0
    storages = {tape.values[i].storage for i in call.inputs}
    if not call.inplace and all(tape.values[o].storage in storages for o in call.outputs):
        return 0
    values = (*call.inputs, *call.outputs)
    return sum(tape.values[v].numel * min(width, tape.values[v].bytes_each) for v in values)
