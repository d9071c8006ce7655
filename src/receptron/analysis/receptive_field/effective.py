"""Effective receptive field: how much each pixel really weighs. In closed form for fresh random weights, and measured by gradients.

Luo et al. 2016, Understanding the Effective Receptive Field, arXiv:1701.04128: with independent random weights the energy
(squared gradient) of a unit spreads over the taps of each window alike, so that it is a walk backwards through the network.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor, nn

from receptron.analysis.receptive_field.access_patterns import Joined, Moves, Reduced, Taken, Windowed, moves_of
from receptron.analysis.receptive_field.field import Fields
from receptron.analysis.receptive_field.index_relation import Relation, taps
from receptron.analysis.recording.copying.doubles import doubled
from receptron.analysis.recording.tape_builder import tensors_in
from receptron.analysis.tape import Tape
from receptron.errors import BadValue, NotLocal, UnknownName

WIDTH = 0.955
"""Share of the energy that `width` holds: two standard deviations to either side of a Gaussian."""


@dataclass(frozen=True)
class Effective:
    """How the energy (squared gradient) of a unit spreads along one axis of the input.

    Attributes:
        shares: Share of each pixel, from the first to the last.
        centre: Mean position, px from the centre of the first pixel.
        deviation: Standard deviation, px.
        width: px around the centre that hold 95.5 % of it.

    Source: Luo et al. 2016, Understanding the Effective Receptive Field, arXiv:1701.04128.

    Example:
        >>> from torch import nn
        >>> from receptron.analysis import record
        >>> found = effective_field(record(nn.Conv2d(3, 8, 3, padding=1), (3, 9, 9)))
        >>> [round(share, 2) for share in found.shares], found.width
        ([0.0, 0.0, 0.0, 0.33, 0.33, 0.33, 0.0, 0.0, 0.0], 3)
    """

    shares: tuple[float, ...]
    centre: float
    deviation: float
    width: int


def effective_field(tape: Tape, layer: str = "", axis: int = 0) -> Effective:
    """Effective field at initialisation in closed form, for the middle unit of a layer, along one axis of the first input.

    Branches that meet count alike, concatenated ones by their channels; paths through a whole map (gates) are left out.

    Args:
        tape: A recorded network.
        layer: Path of a module; empty for the network's output.
        axis: Number of the input's spatial axis, from 0.

    Returns:
        Shares, centre, deviation and width.

    Raises:
        UnknownName: For a layer that did not run; near paths are told.
        NotLocal: If the layer has no local path to the input.
        BadValue: For an axis that the input does not have.

    Source: Luo et al. 2016, Understanding the Effective Receptive Field, arXiv:1701.04128.

    Example:
        >>> from torch import nn
        >>> from receptron.analysis import record
        >>> net = nn.Sequential(*(nn.Conv2d(3, 3, 3, padding=1) for _ in range(8)))
        >>> effective_field(record(net, (3, 64, 64))).width
        10
    """
    return effective_of(Fields(tape), layer, axis)


def effective_of(fields: Fields, layer: str, axis: int) -> Effective:
    """The same for fields that are worked out already."""
    tape = fields.tape
    value = tape.output_of(layer)
    if not 0 <= axis < len(fields.axes):
        raise BadValue(f"the input has no spatial axis number {axis}.", why=f"it has {len(fields.axes)}, counted from 0")
    if not isinstance(fields.state(value, axis)[1], Relation):
        raise NotLocal(
            f"{layer or 'the network'} has no local path to the input.", mend="ask for a layer before the global pooling or attention"
        )
    lane = fields.local_paths[value][axis].lane
    energies = {value: [0.0] * lane.extent}
    energies[value][lane.extent // 2] = 1.0
    for call in reversed(tape.forward):
        for number, out in enumerate(call.outputs):
            energy = energies.get(out)
            if energy is not None:
                for operand, moves in moves_of(tape, call, number).items():
                    if operand != out:
                        _give_back(fields, energies, energy, operand, moves, axis, tape.values[out].shape)
    return summed_up(energies.get(fields.source, [0.0] * fields.extents[axis]))


def measured_field(net: nn.Module, images: Tensor, layer: str = "") -> tuple[Tensor, Effective, Effective]:
    """Effective field by gradients, with the weights as they are: of the middle unit of a layer, over some images.

    Args:
        net: A network, whose double is run in eval mode on its own weights where they are.
        images: (N, C, H, W), as the network takes them.
        layer: Path of a module that puts out maps; empty for the network's output.

    Returns:
        Mean squared gradient (H, W), and its profile along height and along width.

    Raises:
        UnknownName: For a layer that is not there.
        Uncopyable: Telling what in the network has no copy, and where it is.

    Source: Luo et al. 2016, Understanding the Effective Receptive Field, arXiv:1701.04128.

    Example:
        >>> energy, height, width = measured_field(nn.Conv2d(3, 8, 3, padding=1), torch.rand(2, 3, 9, 9))
        >>> tuple(energy.shape), int((energy > 0).sum())
        ((9, 9), 9)
    """
    double = doubled(net, lambda tensor, owned: tensor if isinstance(tensor, nn.Parameter) else tensor.clone())
    modules = dict(double.named_modules())
    if layer not in modules:
        raise UnknownName("layer", layer, modules)
    seen: list[Tensor] = []
    modules[layer].register_forward_hook(lambda module, args, out: seen.append(next(iter(tensors_in(out)))))
    with torch.enable_grad():
        x = images.detach().clone().requires_grad_()
        double.eval()(x)
        out = seen[-1]
        middle = tuple(size // 2 for size in out.shape[2:])
        chosen = out[(slice(None), slice(None), *middle)]
        (grad,) = torch.autograd.grad((chosen * torch.randn_like(chosen)).sum(), x)
    energy = grad.pow(2).mean((0, 1))
    return energy, summed_up(energy.sum(1).tolist()), summed_up(energy.sum(0).tolist())


def summed_up(energies: Sequence[float]) -> Effective:
    """Shares, centre, deviation and width of an energy profile."""
    whole = sum(energies) or 1.0
    shares = tuple(e / whole for e in energies)
    centre = sum(i * s for i, s in enumerate(shares))
    deviation = sqrt(sum((i - centre) ** 2 * s for i, s in enumerate(shares)))
    return Effective(shares, centre, deviation, _width(shares, centre))


def _width(shares: tuple[float, ...], centre: float) -> int:
    """Least pixels around the centre that hold `WIDTH` of the energy."""
    order = sorted(range(len(shares)), key=lambda i: abs(i - centre))
    held, taken = 0.0, []
    for i in order:
        held += shares[i]
        taken.append(i)
        if held >= WIDTH:
            break
    return max(taken) - min(taken) + 1 if taken else 0


def _give_back(
    fields: Fields, energies: dict[int, list[float]], energy: list[float], operand: int, moves: Moves, axis: int, shape: tuple[int, ...]
) -> None:
    """Hand the energy of a result on to one operand."""
    state = fields.local_paths.get(operand)
    if state is None or not isinstance(state[axis].state, Relation):
        return
    lane, share = state[axis].lane, 1.0
    for move in moves:
        match move:
            case Windowed(relations) if lane.dim in relations:
                energy = _spread_back(energy, relations[lane.dim], lane.extent)
            case Taken(dim, _, relation) if dim == lane.dim and relation is not None:
                energy = _spread_back(energy, relation, lane.extent)
            case Reduced(dims) if lane.dim in dims:
                return
            case Joined(dim, _, extent):
                share = extent / shape[dim]
            case _:
                pass
    if len(energy) != lane.extent:
        return
    held = energies.setdefault(operand, [0.0] * lane.extent)
    for i, e in enumerate(energy):
        held[i] += share * e


def _spread_back(energy: list[float], relation: Relation, extent: int) -> list[float]:
    """What each position gave, divided among the positions it read."""
    back = [0.0] * extent
    for o, e in enumerate(energy):
        if e:
            positions = list(taps(relation.row(o)))
            for position in positions:
                if 0 <= position < extent:
                    back[position] += e / len(positions)
    return back
