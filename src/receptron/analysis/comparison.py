"""Two networks side by side: each layer with a like one, their numbers beside each other."""

from dataclasses import dataclass

from receptron.analysis.alignment import aligned
from receptron.analysis.inspection import Inspection, Layer


@dataclass(frozen=True)
class Difference:
    """One number of both networks; `ratio` is right over left, None where left is 0."""

    quantity: str
    left: float
    right: float
    ratio: float | None


@dataclass(frozen=True)
class LayerPair:
    """Like layers of both networks; None where one has no like layer. `same`: same kind, window, shapes and parameters."""

    left: Layer | None
    right: Layer | None
    same: bool

    @property
    def verdict(self) -> str:
        """What tells the two layers apart, or "=" for twins."""
        if self.left is None or self.right is None:
            return "only right" if self.left is None else "only left"
        return "=" if self.same else f"differ: {', '.join(differences(self.left, self.right))}"


@dataclass(frozen=True)
class Comparison:
    """All differences of two networks.

    Attributes:
        left: What the first is called.
        right: What the second is called.
        totals: Parameters, multiply-accumulates and so on, of both.
        layers: Like layers in pairs, in order; those without a like one stand alone.

    Example:
        >>> from receptron import build, inspect
        >>> found = compare(*(inspect(build(name), (3, 32, 32), name=name) for name in ("resnet18", "resnet34")))
        >>> found.totals[0].quantity, found.totals[0].left, found.totals[0].right
        ('parameters', 11689512, 21797672)
    """

    left: str
    right: str
    totals: tuple[Difference, ...]
    layers: tuple[LayerPair, ...]


def compare(left: Inspection, right: Inspection) -> Comparison:
    """Pair the layers of two inspections with like ones and put every number beside its counterpart.

    Args:
        left: Of the first network.
        right: Of the second; ratios are right over left.

    Returns:
        Totals and pairs of layers.

    Example:
        >>> from torch import nn
        >>> from receptron import inspect
        >>> nets = (nn.Sequential(nn.Conv2d(3, width, 3)) for width in (8, 16))
        >>> compare(*(inspect(net, (3, 32, 32)) for net in nets)).layers[0].verdict
        'differ: output, parameters, MACs'
    """
    return Comparison(left.name, right.name, _totals(left, right), _aligned(left, right))


def differences(a: Layer, b: Layer) -> tuple[str, ...]:
    """What tells two layers apart; nothing for twins."""
    numbers = (("kind", a.kind, b.kind), ("input", a.before, b.before), ("output", a.after, b.after))
    numbers += (
        ("kernel", a.form.kernel, b.form.kernel),
        ("stride", a.form.stride, b.form.stride),
        ("groups", a.form.groups, b.form.groups),
    )
    numbers += (("parameters", a.parameters, b.parameters), ("MACs", a.macs, b.macs))
    return tuple(name for name, ours, theirs in numbers if ours != theirs)


def _totals(left: Inspection, right: Inspection) -> tuple[Difference, ...]:
    rows = [
        ("parameters", left.cost.parameters, right.cost.parameters),
        ("trainable parameters", left.cost.trainable, right.cost.trainable),
        ("MACs", left.cost.macs, right.cost.macs),
        ("MACs without padding zeros", left.cost.macs_in_bounds, right.cost.macs_in_bounds),
        ("FLOPs", left.cost.flops, right.cost.flops),
        ("backward MACs", left.cost.backward_macs, right.cost.backward_macs),
        ("numbers put out by convolutions", left.cost.activations, right.cost.activations),
        ("layers", len(_leaves(left)), len(_leaves(right))),
        ("widest local field", _widest(left), _widest(right)),
    ]
    if left.memory and right.memory:
        rows.append(("peak bytes, inference", left.memory.inference.bytes, right.memory.inference.bytes))
        if left.memory.training and right.memory.training:
            rows.append(("peak bytes, training", left.memory.training.bytes, right.memory.training.bytes))
    return tuple(Difference(name, a, b, b / a if a else None) for name, a, b in rows)


def _widest(inspection: Inspection) -> int:
    return max((axis.local or 0 for layer in inspection.layers if layer.field for axis in layer.field.axes), default=0)


def _leaves(inspection: Inspection) -> list[Layer]:
    return [layer for layer in inspection.layers if layer.leaf]


def _aligned(left: Inspection, right: Inspection) -> tuple[LayerPair, ...]:
    """Like layers beside each other, in order."""
    ones, others = _leaves(left), _leaves(right)
    sizes = (_size(left), _size(right))
    return tuple(_pair(None if i is None else ones[i], None if j is None else others[j]) for i, j in aligned(ones, others, sizes))


def _size(inspection: Inspection) -> tuple[int, ...]:
    return inspection.inputs[0] if inspection.inputs else ()


def _pair(a: Layer | None, b: Layer | None) -> LayerPair:
    return LayerPair(a, b, same=a is not None and b is not None and not differences(a, b))
