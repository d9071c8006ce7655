"""Changes that may mend a network that does not run: candidates, which are tried before anyone is told of them."""

from collections.abc import Iterator
from math import prod
from typing import Any, cast

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase  # pyright: ignore[reportPrivateUsage] what all batch and instance norms are
from torch.nn.modules.conv import _ConvNd  # pyright: ignore[reportPrivateUsage] what all convolutions are

from receptron.analysis.diagnose.branches import branch_changes, producers
from receptron.analysis.diagnose.breaks import Break
from receptron.analysis.diagnose.changes import Change, FlattenedBefore, ModuleSetting, Replaced, Sequenced, divisor, product, rebuilt


def candidates(broken: Break) -> Iterator[Change]:
    """Changes to the layer that failed, to those that fed it, or to the line that failed."""
    module, shape = broken.module, broken.given
    if broken.fault == "types":
        yield from _other_type(broken)
    elif broken.fault == "view":
        if broken.wants_two_dimensions:
            yield FlattenedBefore(broken.place)
        yield from _fed(broken)
    elif broken.op in ("add", "mul", "sub", "div", "cat", "where", "maximum", "minimum"):
        yield from branch_changes(broken)
    elif shape:
        yield from _of_layer(broken, module, shape)


def _of_layer(broken: Break, module: nn.Module, shape: tuple[int, ...]) -> Iterator[Change]:
    channels = shape[min(1, len(shape) - 1)]
    match module:
        case nn.Linear():
            yield from _linear(broken, module, shape)
        case _ConvNd():
            yield from _convolution(broken, module, shape)
        case _NormBase():
            yield from _norm(broken, module, shape)
        case nn.GroupNorm():
            groups = divisor(channels, module.num_groups)
            yield _setting(broken, num_channels=channels, num_groups=groups)
        case nn.LayerNorm() | nn.RMSNorm():
            yield _setting(broken, normalized_shape=shape[-len(module.normalized_shape) :])
        case nn.RNNBase():
            yield from _recurrent(broken, module, shape)
        case nn.MultiheadAttention():
            yield from _attention(broken, module)
        case nn.PixelShuffle():
            yield from _shuffle(broken, module.upscale_factor, channels)
        case nn.ChannelShuffle():
            yield _setting(broken, groups=divisor(channels, module.groups))
        case nn.PReLU():
            yield _setting(broken, num_parameters=channels)
        case nn.Bilinear():
            first, second = [broken.tape.values[value].shape[-1] for value in broken.scope.inputs[:2]]
            yield _setting(broken, in1_features=first, in2_features=second)
        case _:
            yield from _fed(broken)


def _setting(broken: Break, working: str = "", **values: Any) -> ModuleSetting:
    """New values for the layer that failed; those that it has already are left out."""
    was = {name: getattr(broken.module, name) for name in values}
    changed = {name: value for name, value in values.items() if was[name] != value}
    return ModuleSetting(broken.path, tuple(changed.items()), tuple(was[name] for name in changed), working)


def _linear(broken: Break, module: nn.Linear, shape: tuple[int, ...]) -> Iterator[Change]:
    width = shape[-1]
    if len(shape) > 2 and (prod(shape[1:]) == module.in_features or broken.spatial):
        features = prod(shape[1:])
        change = f" and set in_features={features} (was {module.in_features})" if features != module.in_features else ""
        yield Replaced(broken.path, _flattened(features), f"flatten what goes into it{change}: {product(shape[1:])}")
        if not change:
            return
    before = broken.map_before
    yield _setting(broken, product(before) if before else "", in_features=width)


def _flattened(features: int) -> Any:
    def make(linear: nn.Module) -> nn.Module:
        ModuleSetting("", (("in_features", features),), ()).apply(linear)
        return nn.Sequential(nn.Flatten(), linear)

    return make


def _recurrent(broken: Break, module: nn.RNNBase, shape: tuple[int, ...]) -> Iterator[Change]:
    width = shape[-1]
    if len(shape) < 4:
        yield _setting(broken, input_size=width)
        return
    change = f" and set input_size={shape[1]} (was {module.input_size})" if shape[1] != module.input_size else ""
    places = "transpose(1, 2)" if module.batch_first else "permute(2, 0, 1)"
    words = f"give it the places of the map one after another, x.flatten(2).{places}{change}"
    yield Replaced(broken.path, lambda layer: Sequenced(cast(nn.RNNBase, rebuilt(layer, {"input_size": shape[1]}))), words)


def _convolution(broken: Break, module: _ConvNd, shape: tuple[int, ...]) -> Iterator[Change]:
    channels = shape[1] if len(shape) == len(module.kernel_size) + 2 else 0
    if not channels:
        return
    if channels == module.in_channels:
        reach = [d * (k - 1) + 1 for k, d in zip(module.kernel_size, module.dilation, strict=True)]
        before = [int(p) for p in module.padding] if isinstance(module.padding, tuple) else [0] * len(reach)
        lacking = max((r - n - 2 * p + 1) // 2 + p for r, n, p in zip(reach, shape[2:], before, strict=True))
        if lacking > 0 and not module.transposed:
            dilated = " with its dilation" if max(module.dilation) > 1 else ""
            told = f"the map is {sides(shape[2:])}, the kernel {sides(tuple(reach))}{dilated}"
            yield ModuleSetting(broken.path, (("padding", lacking),), (before[0],), told)
        return
    groups = module.groups
    if groups == module.in_channels > 1:  # one filter a channel, before and after
        yield _setting(broken, in_channels=channels, groups=channels, out_channels=channels * (module.out_channels // module.in_channels))
    elif channels % groups:
        groups = next(n for n in range(min(groups, channels), 0, -1) if channels % n == 0 and module.out_channels % n == 0)
        yield _setting(broken, in_channels=channels, groups=groups)
    else:
        yield _setting(broken, in_channels=channels)
    yield from producers(broken, broken.operands[0], module.in_channels)


def _norm(broken: Break, module: _NormBase, shape: tuple[int, ...]) -> Iterator[Change]:
    kind, rank = type(module).__name__, len(shape) - 2
    if kind[:-2] in ("BatchNorm", "InstanceNorm") and kind[-1] == "d" and rank in (1, 2, 3) and kind[-2] != str(rank):
        yield Replaced(broken.path, _of_rank(rank), f"use {kind[:-2]}{rank}d (was {kind})")
    elif len(shape) > 1:
        yield _setting(broken, num_features=shape[1])


def _of_rank(rank: int) -> Any:
    def make(norm: nn.Module) -> nn.Module:
        name = f"{type(norm).__name__[:-2]}{rank}d"
        options = {option: getattr(norm, option) for option in ("num_features", "eps", "momentum", "affine", "track_running_stats")}
        return getattr(nn, name)(**options, device="meta").train(norm.training)

    return make


def _attention(broken: Break, module: nn.MultiheadAttention) -> Iterator[Change]:
    shapes = [broken.tape.values[value].shape for value in broken.scope.inputs[:3]]
    if any(len(shape) > 3 for shape in shapes):
        return
    width, key, value = [shape[-1] for shape in (shapes * 3)[:3]]
    heads = divisor(width, module.num_heads)
    changed = {"embed_dim": width} if width != module.embed_dim else {}
    changed |= {"num_heads": heads} if heads != module.num_heads else {}
    changed |= {"kdim": key} if key not in (width, module.kdim) else {}
    changed |= {"vdim": value} if value not in (width, module.vdim) else {}
    if changed:
        yield _setting(broken, "", **changed)


def _shuffle(broken: Break, factor: int, channels: int) -> Iterator[Change]:
    square = factor**2
    yield from producers(broken, broken.operands[0], square * -(-channels // square), f"a multiple of {factor} x {factor}")
    fitting = next((n for n in range(factor - 1, 1, -1) if channels % n**2 == 0), 0)
    if fitting:
        yield _setting(broken, upscale_factor=fitting)


def _fed(broken: Break) -> Iterator[Change]:
    """Products and views that the user's forward writes out: the layer before gives what the other side has."""
    shapes = broken.shapes
    if broken.op in ("mm", "bmm", "matmul", "addmm") and len(shapes) > 1:
        yield from producers(broken, broken.operands[-2], shapes[-1][-2])


def _other_type(broken: Break) -> Iterator[Change]:
    owned = [p.dtype for p in broken.module.parameters()]
    given = {broken.tape.values[value].dtype for value in broken.operands if broken.tape.values[value].role == "activation"}
    given |= {broken.tape.values[value].dtype for value in broken.tape.inputs} if not given else set()
    for name in sorted(given):
        wanted = getattr(torch, name)
        if owned and wanted.is_floating_point and owned[0] != wanted:
            words = f"build it in {name} (was {str(owned[0]).removeprefix('torch.')})"
            yield Replaced(broken.path, lambda module, wanted=wanted: module.to(wanted), words)


def sides(shape: tuple[int, ...]) -> str:
    """A shape as it is told."""
    return "x".join(map(str, shape))
