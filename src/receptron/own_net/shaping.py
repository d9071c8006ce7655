"""A user's network in the shape of the zoo's classifiers: what sees the image, and the layer that names the classes.

Three ways, the first that answers as the network itself does: its own `stem`, `stages` and `head`; everything up to its last Linear layer;
or all of it, with its scores for what a class layer would see.
"""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from receptron.blocks.classifier import Classifier
from receptron.own_net.users_code import fenced

_CLOSE = 1e-4  # of the largest score


class OwnPart(nn.Module):
    """A part of a user's network: contiguous in, as code with `.view` wants, and errors with the user's line out."""

    def __init__(self, net: nn.Module, place: str, folder: Path) -> None:
        super().__init__()
        self.net, self.place, self.folder = net, place, str(folder)

    def forward(self, x: Tensor) -> Tensor:
        with fenced(f"{self.place}, fed with {tuple(x.shape)},", Path(self.folder)):
            return self.net(x.contiguous())

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> "OwnPart":
        super()._apply(fn, recurse)
        for parameter in self.parameters():  # a convolution of channels-last weights gives maps that `.view` refuses
            parameter.data = parameter.data.contiguous()
        return self


class OwnClassifier(Classifier):
    """`class_layer` is the name of the Linear layer that names the classes in the user's network; empty where there is none to be told."""

    class_layer = ""
    width = 0

    @property
    def embedding_width(self) -> int:
        """Length of the vectors that `embed` makes."""
        return self.width


def class_layer_of(net: nn.Module, sample: Tensor) -> str:
    """The name of the one Linear layer whose answer, for a vector of each image, is the network's own; empty without such a layer."""
    calls: list[tuple[nn.Linear, Tensor, object]] = []

    def note(module: nn.Module, given: tuple[Any, ...], answer: object) -> None:
        if type(module) is nn.Linear:
            calls.append((module, given[0], answer))

    hooks = [module.register_forward_hook(note) for module in net.modules()]
    try:
        with torch.no_grad():
            said = net(sample)
    finally:
        for hook in hooks:
            hook.remove()
    if not calls or calls[-1][2] is not said or calls[-1][1].dim() != 2 or sum(call[0] is calls[-1][0] for call in calls) > 1:
        return ""
    names = [name for name, module in net.named_modules(remove_duplicate=False) if module is calls[-1][0]]
    return names[0] if len(names) == 1 else ""


def shaped(net: nn.Module, sample: Tensor, place: str, folder: Path) -> OwnClassifier:
    """`net`, in eval mode and from now on a part of what is returned, for images like `sample` (N, C, H, W)."""
    for way in (_by_stages, _by_class_layer):
        varied = _varied(net)
        with torch.no_grad():
            expected = varied(sample)
        made = way(copy.deepcopy(varied), sample, place, folder)
        if made is not None and _answers(made, sample, expected):
            return way(net, sample, place, folder) or _whole(net, sample, place, folder)
    return _whole(net, sample, place, folder)


def _by_stages(net: nn.Module, sample: Tensor, place: str, folder: Path) -> OwnClassifier | None:
    stem, stages, head = (getattr(net, name, None) for name in ("stem", "stages", "head"))
    if not isinstance(stem, nn.Module) or not isinstance(stages, nn.Sequential | nn.ModuleList) or not isinstance(head, nn.Sequential):
        return None
    last = next(reversed(dict(head.named_children()).items()), ("", None))
    if last[0] != "fc" or type(last[1]) is not nn.Linear or not len(stages):
        return None
    made = OwnClassifier(OwnPart(stem, place, folder), [OwnPart(stage, place, folder) for stage in stages], head)
    made.class_layer, made.width = "head.fc", last[1].in_features
    return made


def _by_class_layer(net: nn.Module, sample: Tensor, place: str, folder: Path) -> OwnClassifier | None:
    name = class_layer_of(net, sample)
    if not name:
        return None
    layer, (parent, _, child) = net.get_submodule(name), name.rpartition(".")
    setattr(net.get_submodule(parent), child, nn.Identity())
    made = OwnClassifier(OwnPart(net, place, folder), [], nn.Sequential())
    made.head.add_module("fc", layer)
    made.class_layer, made.width = name, int(layer.in_features)  # pyright: ignore[reportArgumentType]
    return made


def _whole(net: nn.Module, sample: Tensor, place: str, folder: Path) -> OwnClassifier:
    made = OwnClassifier(OwnPart(net, place, folder), [], nn.Sequential())
    made.head.add_module("fc", nn.Identity())
    with torch.no_grad():
        made.width = made.eval()(sample).shape[1]
    return made


def _varied(net: nn.Module) -> nn.Module:
    """A copy whose weights all differ from zero, so that no layer hides behind a fresh one that gives nothing."""
    twin, chance = copy.deepcopy(net), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in twin.parameters():
            if parameter.is_floating_point():
                parameter.add_(0.01 * torch.randn(parameter.shape, generator=chance))
    return twin


def _answers(made: OwnClassifier, sample: Tensor, expected: Tensor) -> bool:
    """Whether it says what the network itself says."""
    try:
        with torch.no_grad():
            said = made.eval()(sample)
            embedding = made.embed(sample)
    except Exception:  # the network asks its layers for more than their answers, such as `self.fc.in_features`
        return False
    scale = float(expected.abs().max()) or 1.0
    return said.shape == expected.shape and float((said - expected).abs().max()) <= _CLOSE * scale and embedding.dim() == 2
