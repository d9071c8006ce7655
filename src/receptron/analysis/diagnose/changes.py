"""Changes to a network that does not run, each of which can be made to a copy on the meta device and told to a person."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from math import prod
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase  # pyright: ignore[reportPrivateUsage] what all batch and instance norms are
from torch.nn.modules.conv import _ConvNd  # pyright: ignore[reportPrivateUsage] what all convolutions are
from torch.overrides import TorchFunctionMode

Shape = tuple[int, ...]


@dataclass(frozen=True)
class ModuleSetting:
    """Other values for arguments of one layer, which it keeps as attributes of the same names. `working` shows that they fit."""

    path: str
    values: tuple[tuple[str, Any], ...]
    was: tuple[Any, ...]
    working: str = ""

    def apply(self, net: nn.Module) -> None:
        """Change the layer of this very network. Raises: what torch raises for values that a layer cannot have."""
        module = net.get_submodule(self.path)
        if isinstance(module, nn.RNNBase | nn.MultiheadAttention):
            _replace(net, self.path, rebuilt(module, dict(self.values)))
            return
        for name, value in self.values:
            old = getattr(module, name)
            setattr(module, name, (value,) * len(old) if isinstance(old, tuple) and isinstance(value, int) else value)
        _reshape(module)

    def told(self, failed: str) -> str:
        """In words; the layer is named where it is another than the one that failed."""
        settings = [f"{name}={value} (was {was})" for (name, value), was in zip(self.values, self.was, strict=True)]
        place = "" if self.path == failed else f" in {self.path}"
        return f"set {' and '.join(settings)}{place}" + (f": {self.working}" if self.working else "")

    def around(self) -> AbstractContextManager[Any]:
        """What the forward pass must run in."""
        return nullcontext()


@dataclass(frozen=True)
class Replaced:
    """Another layer in a layer's place, made from it by `make`."""

    path: str
    make: Callable[[nn.Module], nn.Module]
    words: str

    def apply(self, net: nn.Module) -> None:
        """Change this very network."""
        _replace(net, self.path, self.make(net.get_submodule(self.path)))

    def told(self, failed: str) -> str:
        """In words; the layer is named where it is another than the one that failed."""
        return self.words + ("" if self.path == failed else f" in {self.path}")

    def around(self) -> AbstractContextManager[Any]:
        """What the forward pass must run in."""
        return nullcontext()


@dataclass(frozen=True)
class Together:
    """The same kind of setting in several layers, of which one alone would not do."""

    parts: tuple[ModuleSetting, ...]

    def apply(self, net: nn.Module) -> None:
        """Change this very network."""
        for part in self.parts:
            part.apply(net)

    def told(self, failed: str) -> str:
        """In words."""
        return " and ".join(part.told(failed) for part in self.parts)

    def around(self) -> AbstractContextManager[Any]:
        """What the forward pass must run in."""
        return nullcontext()


@dataclass(frozen=True)
class FlattenedBefore:
    """`.flatten(1)` in place of a view to a size that the map does not have, at a place in the code."""

    place: str

    def apply(self, net: nn.Module) -> None:
        """The network stays as it is: its forward is what changes."""

    def told(self, failed: str) -> str:
        """In words."""
        return f"write .flatten(1) in place of the view{f' in {self.place}' if self.place else ''}"

    def around(self) -> AbstractContextManager[Any]:
        """What the forward pass must run in."""
        return _FlattenInstead()


class Sequenced(nn.Module):
    """A recurrent layer that reads a map (N, C, H, W) as a sequence of its places."""

    def __init__(self, layer: nn.RNNBase) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor, *state: Tensor) -> Any:
        places = x.flatten(2)  # (N, C, H * W)
        return self.layer(places.transpose(1, 2) if self.layer.batch_first else places.permute(2, 0, 1), *state)


Change = ModuleSetting | Replaced | Together | FlattenedBefore


class _FlattenInstead(TorchFunctionMode):
    """Runs every view to two dimensions that does not fit as a flattening, as the changed line would."""

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        if func not in (Tensor.view, Tensor.reshape, torch.reshape):
            return func(*args, **(kwargs or {}))
        try:
            return func(*args, **(kwargs or {}))
        except RuntimeError:
            return args[0].flatten(1)


def _replace(net: nn.Module, path: str, module: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    net.get_submodule(parent).register_module(name, module)


def rebuilt(module: nn.Module, values: dict[str, Any]) -> nn.Module:
    """The same class with other arguments; the rest as the layer has them."""
    names = _RECURRENT if isinstance(module, nn.RNNBase) else _ATTENTION
    kept = {name: getattr(module, name) for name in names if name not in values}
    if isinstance(module, nn.MultiheadAttention):
        kept["bias"] = getattr(module, "in_proj_bias", None) is not None
        if "embed_dim" in values:
            kept = {k: v for k, v in kept.items() if k not in ("kdim", "vdim") or v != module.embed_dim}
    like = next(module.parameters())
    made = cast(Any, type(module))(**kept, **values, device="meta", dtype=like.dtype)
    return made.train(module.training)


_RECURRENT = ("input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional")
_ATTENTION = ("embed_dim", "num_heads", "dropout", "kdim", "vdim", "batch_first")


def _reshape(module: nn.Module) -> None:
    """Give a layer the tensors that its attributes ask for."""
    if isinstance(module, _ConvNd) and isinstance(module.padding, tuple):
        cast(Any, module)._reversed_padding_repeated_twice = [p for p in reversed(module.padding) for _ in range(2)]
    for name, shape in _shapes(module).items():
        old = getattr(module, name, None)
        if isinstance(old, Tensor):
            made = torch.empty(shape, dtype=old.dtype, device="meta")
            setattr(module, name, nn.Parameter(made, old.requires_grad) if isinstance(old, nn.Parameter) else made)


def _shapes(module: nn.Module) -> dict[str, Shape]:
    match module:
        case nn.Linear():
            return {"weight": (module.out_features, module.in_features), "bias": (module.out_features,)}
        case nn.Bilinear():
            return {"weight": (module.out_features, module.in1_features, module.in2_features), "bias": (module.out_features,)}
        case _ConvNd():
            wide, narrow = (module.in_channels, module.out_channels) if module.transposed else (module.out_channels, module.in_channels)
            return {"weight": (wide, narrow // module.groups, *module.kernel_size), "bias": (module.out_channels,)}
        case _NormBase():
            return dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (module.num_features,))
        case nn.GroupNorm():
            return dict.fromkeys(("weight", "bias"), (module.num_channels,))
        case nn.LayerNorm() | nn.RMSNorm():
            return dict.fromkeys(("weight", "bias"), tuple(module.normalized_shape))
        case nn.PReLU():
            return {"weight": (module.num_parameters,)}
        case _:
            return {}


def divisor(of: int, most: int) -> int:
    """The largest number up to `most` that divides `of`."""
    return next(n for n in range(max(min(of, most), 1), 0, -1) if of % n == 0)


def product(shape: Shape) -> str:
    """8 x 15 x 15 = 1,800."""
    return f"{' x '.join(map(str, shape))} = {prod(shape):,}"
