"""Whether pretrained weights are fed as they were trained: what reaches their first BatchNorm, beside the statistics that it keeps.

A wrong mean or standard deviation shifts and stretches every channel there. Other photos than the weights were trained on do so too, only
less; so the usual normalisations are tried as well, and the one that was given is told as wrong only where another fits much better.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from receptron.data.preprocessing.normalize import prepare
from receptron.data.reading.pixel_formats import Canvas
from receptron.training.context import TrainingContext
from receptron.training.records import InputCheck
from receptron.weights.inputs import IMAGENET_MEAN, IMAGENET_STD, InputSpec

IMAGES = 48  # training images that are looked at
BATCH = 16
# Measured with MobileNetV2 and the CIFAR ResNets on flowers, X-rays, ImageNet, CIFAR, digits and micrographs: rightly fed they misfit by
# 0.01 to 0.35, by 0.71 on micrographs; with ImageNet's values instead of 0.5, or the reverse, by 0.34 to 1.8.
CLOSE = 0.25  # nats, up to which the statistics fit
TIMES = 2.0  # another normalisation must fit so many times better
FAR = 2.5  # nats, above which they do not fit whatever else may be tried
ALIVE = 1e-6  # of the greatest variance kept; channels below it say nothing


@dataclass(frozen=True)
class _Normalisation:
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __str__(self) -> str:
        return f"mean {_shown(self.mean)}, std {_shown(self.std)}"


USUAL = (
    _Normalisation((0.5,), (0.5,)),  # TensorFlow's: -1 to 1
    _Normalisation(IMAGENET_MEAN, IMAGENET_STD),
    _Normalisation((0.0,), (1.0,)),  # 0 to 1
    _Normalisation((0.4815, 0.4578, 0.4082), (0.2686, 0.2613, 0.2758)),  # CLIP's: Radford et al. 2021
    _Normalisation((0.0,), (1 / 255,)),  # 0 to 255
    _Normalisation(IMAGENET_MEAN, (1 / 255,) * 3),  # Caffe's: 0 to 255 without the mean
)


class _Fed(BaseException):  # so that no code in between takes it for a fault
    """Ends a forward pass at the first BatchNorm."""


def check_input(net: nn.Module, context: TrainingContext) -> InputCheck:
    """Feed images of the training side to `net` as `context.spec` says, up to its first BatchNorm."""
    names = {module: name for name, module in net.named_modules() if isinstance(module, nn.BatchNorm2d)}
    if context.spec.bands:
        return _unknown("no weights were trained on these bands, which are normalised by their own statistics")
    rows = np.unique(np.linspace(0, len(context.images) - 1, IMAGES).astype(np.int64))
    pictures = context.pictures(context.images.part(rows))
    if not names:
        return _unknown("the network has no BatchNorm, which would remember what it was trained on")
    layer, misfit = _misfit(net, pictures, context.spec, context.channels)
    if layer is None or misfit is None:
        return _unknown("the first BatchNorm keeps no statistics")
    given = _Normalisation(context.spec.mean, context.spec.std)
    better, least = _best_other(net, pictures, context) if misfit > CLOSE else (given, misfit)
    much = misfit > CLOSE and misfit > TIMES * least
    fault = ""
    if much or misfit > FAR:
        instead = f"; {better} would fit" if much else ""
        fault = f"the weights were not trained on images normalised by {given}{instead} ({_figures(misfit, least if much else None)})"
    return InputCheck(names[layer], len(rows), misfit, str(better) if much else "", least if much else None, fault)


def _unknown(why: str) -> InputCheck:
    return InputCheck("", 0, None, "", None, "", why)


def _best_other(net: nn.Module, pictures: list[Canvas], context: TrainingContext) -> tuple[_Normalisation, float]:
    specs = [replace(context.spec, mean=one.mean, std=one.std) for one in USUAL]
    found = [_misfit(net, pictures, spec, context.channels)[1] or 0.0 for spec in specs]
    best = int(np.argmin(found))
    return USUAL[best], found[best]


def _misfit(net: nn.Module, pictures: list[Canvas], spec: InputSpec, channels: int) -> tuple[nn.BatchNorm2d | None, float | None]:
    """The first BatchNorm, and the median over its channels of the Kullback-Leibler divergence of what it is fed from what it keeps."""
    layer, maps = None, list[Tensor]()
    for start in range(0, len(pictures), BATCH):
        layer, fed = _fed_to_first(net, prepare(pictures[start : start + BATCH], spec, channels))
        maps.append(fed.permute(1, 0, 2, 3).flatten(1).double())
    if layer is None or layer.running_mean is None or layer.running_var is None:
        return layer, None
    mean, variance = layer.running_mean.double(), layer.running_var.double()
    if not mean.any() and bool((variance == 1).all()):
        return layer, None  # as it was made: no image has ever passed
    values = torch.cat(maps, 1)
    alive = variance > ALIVE * variance.max()
    ratio = values.var(1)[alive].clamp_min(1e-12) / variance[alive]
    shift = (values.mean(1) - mean)[alive].square() / variance[alive]
    return layer, float((0.5 * (ratio + shift - 1 - ratio.log())).median())


def _fed_to_first(net: nn.Module, images: Tensor) -> tuple[nn.BatchNorm2d, Tensor]:
    """The BatchNorm that a forward pass reaches first, and what it is fed; nothing behind it runs."""
    found: list[tuple[nn.BatchNorm2d, Tensor]] = []

    def take(module: nn.Module, fed: tuple[Tensor, ...]) -> None:
        if isinstance(module, nn.BatchNorm2d):
            found.append((module, fed[0]))
        raise _Fed

    hooks = [module.register_forward_pre_hook(take) for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    try:
        with torch.inference_mode():
            net(images)
    except _Fed:
        pass
    finally:
        for hook in hooks:
            hook.remove()
    return found[0]


def _figures(misfit: float, least: float | None) -> str:
    told = f"{misfit:.2f} nats from the statistics of the first BatchNorm"
    return told if least is None else f"{told}, {least:.2f} there"


def _shown(values: tuple[float, ...]) -> str:
    """One number where all are alike.

    >>> _shown((0.5, 0.5, 0.5)), _shown((0.485, 0.456, 0.406))
    ('0.5', '0.485/0.456/0.406')
    """
    return "/".join(f"{value:.4g}" for value in (values[:1] if len(set(values)) == 1 else values))
