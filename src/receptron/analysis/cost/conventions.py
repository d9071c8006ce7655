"""Why one network has several printed costs: each convention by its rules, and a reconciliation of them all.

Every convention is a price list: what a multiply-accumulate costs, and what each number costs that a norm, a pooling or a
resize puts out or takes in.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from receptron.analysis.cost.macs import works_of
from receptron.analysis.tape import Call, Tape
from receptron.analysis.tape.views import Normalization, Pooling, convolution_of, view_of
from receptron.errors import UnknownName

Price = Callable[[Tape, Call], int]


@dataclass(frozen=True)
class Convention:
    """Cost of one multiply-accumulate, and of the other operators that the convention counts."""

    name: str
    per_mac: int
    extra: dict[str, Price]
    used_by: str


@dataclass(frozen=True)
class Reconciled:
    """A network's total in one convention: the multiply-accumulate part, what is added to it per kind, and who prints it."""

    convention: str
    total: int
    products: int
    added: dict[str, int]
    used_by: str


def reconcile(tape: Tape) -> tuple[Reconciled, ...]:
    """A network's cost in every convention, so that a number printed elsewhere is recognised.

    Args:
        tape: A recorded network.

    Returns:
        One total for each convention of `CONVENTIONS`, with what it adds and who prints it.

    Example:
        >>> from receptron import build, record
        >>> tape = record(build("resnet50"), (3, 224, 224))
        >>> {row.convention: f"{row.total / 1e9:.2f}" for row in reconcile(tape)}["fvcore"]
        '4.11'
    """
    return tuple(_reconciled(tape, convention) for convention in CONVENTIONS.values())


def total_by(name: str, tape: Tape) -> int:
    """Total in one convention. Raises: UnknownName."""
    if name not in CONVENTIONS:
        raise UnknownName("convention", name, CONVENTIONS)
    return _reconciled(tape, CONVENTIONS[name]).total


def _reconciled(tape: Tape, convention: Convention) -> Reconciled:
    products = convention.per_mac * sum(work.macs for work in works_of(tape).values())
    added: dict[str, int] = {}
    for call in tape.forward:
        price = convention.extra.get(call.op)
        if price is not None:
            kind = KINDS.get(call.op, call.op)
            added[kind] = added.get(kind, 0) + price(tape, call)
    return Reconciled(convention.name, products + sum(added.values()), products, added, convention.used_by)


def _out(factor: int) -> Price:
    return lambda tape, call: factor * tape.values[call.outputs[0]].numel


def _in(factor: int) -> Price:
    return lambda tape, call: factor * tape.values[call.inputs[0]].numel


def _norm(affine: int, plain: int) -> Price:
    """Per element, with and without scale and shift (which are the operands after the first, then)."""
    return lambda tape, call: tape.values[call.outputs[0]].numel * (affine if _has_weight(tape, call) else plain)


def _has_weight(tape: Tape, call: Call) -> bool:
    return isinstance(view := view_of(tape, call), Normalization) and view.weight is not None


def _taps(tape: Tape, call: Call) -> int:
    """Kernel area per output of a pooling."""
    view = view_of(tape, call)
    return tape.values[call.outputs[0]].numel * (prod(view.window.kernel) if isinstance(view, Pooling) else 1)


def _averaged(tape: Tape, call: Call) -> int:
    """Additions and one division for each output of an average over the map."""
    out = tape.values[call.outputs[0]].numel
    return tape.values[call.inputs[0]].numel + out


def _pooled_map(tape: Tape, call: Call) -> int:
    """Adaptive average pooling to one pixel reaches ATen as a mean over (-1, -2), an ordinary mean is free."""
    return tape.values[call.inputs[0]].numel if (call.arg(1, "dim"), call.arg(2, "keepdim")) == ((-1, -2), True) else 0


def _pooled_by_module(tape: Tape, call: Call) -> int:
    """thop looks at modules alone."""
    return _averaged(tape, call) if tape.module_calls[call.scope].kind.startswith("AdaptiveAvgPool") else 0


def _bias(tape: Tape, call: Call) -> int:
    conv = convolution_of(tape, call)
    return tape.values[call.outputs[0]].numel if conv is None or conv.bias is not None else 0


_BATCH = ("native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training")
_OTHER_NORMS = ("native_layer_norm", "native_group_norm")
_POOLS = ("max_pool2d_with_indices", "avg_pool2d", "avg_pool1d", "avg_pool3d")
KINDS = (
    dict.fromkeys((*_BATCH, *_OTHER_NORMS), "norms")
    | dict.fromkeys((*_POOLS, "mean", "_adaptive_avg_pool2d"), "pooling")
    | {"convolution": "biases", "addmm": "biases", "upsample_nearest2d": "resizing", "upsample_bilinear2d": "resizing"}
)

CONVENTIONS: dict[str, Convention] = {
    convention.name: convention
    for convention in (
        Convention(
            "macs",
            1,
            {},
            "torchvision and most papers ('FLOPs'); He et al. print 3.8 for ResNet-50, whose stride lay on the first 1x1",
        ),
        Convention("flops", 2, {}, "hardware vendors, torch's FlopCounterMode, calflops"),
        Convention("with_norm", 1, dict.fromkeys((*_BATCH, *_OTHER_NORMS), _out(2)), "papers that print 4.11 for ResNet-50"),
        Convention(
            "fvcore",
            1,
            dict.fromkeys(_BATCH, _norm(2, 1))
            | dict.fromkeys(_OTHER_NORMS, _norm(5, 4))
            | {
                "mean": _pooled_map,
                "_adaptive_avg_pool2d": _in(1),
                "upsample_nearest2d": _out(1),
                "upsample_bilinear2d": _out(4),
            },
            "fvcore's FlopCountAnalysis (4.11 for ResNet-50), and papers that use it",
        ),
        Convention(
            "thop",
            1,
            dict.fromkeys(_BATCH, _norm(4, 2))
            | dict.fromkeys(_OTHER_NORMS, _norm(4, 2))
            | {"mean": _pooled_by_module, "_adaptive_avg_pool2d": _pooled_by_module, "avg_pool2d": _out(1)},
            "thop (pytorch-OpCounter; 4.13 for ResNet-50), many repositories",
        ),
        Convention(
            "distill",
            2,
            {"convolution": _bias, "addmm": _bias} | dict.fromkeys(_POOLS, _taps),
            "Araujo et al. 2019, by TensorFlow's profiler; their 6.96 for ResNet-50 strides at each block's end and has no head",
        ),
    )
}
