"""torchvision and timm as independent truths: imported here only, with the schemas that a CPU build of torchvision lacks declared first."""

import copy
import importlib
import importlib.util
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

_schemas: list[torch.library.Library] = []  # kept alive: a library that is collected takes its schemas along


@cache
def torchvision():
    """The package torchvision."""
    declare_schemas()
    return importlib.import_module("torchvision")


@cache
def timm():
    """The package timm."""
    declare_schemas()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("timm")


@cache
def _own_library() -> bool:
    """Whether torchvision's compiled part fits this torch; it is loaded then."""
    spec = importlib.util.find_spec("torchvision")
    files = [file for place in (spec.submodule_search_locations or () if spec else ()) for file in Path(place).glob("_C*.so")]
    try:
        for file in files:
            torch.ops.load_library(file)
    except OSError:
        return False
    return bool(files)


def declare_schemas() -> None:
    """Declare `nms` and `qnms`, which torchvision registers meta kernels for on import, where its own library does not do so."""
    if _schemas or _own_library() or hasattr(torch.ops.torchvision, "nms"):
        return
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _schemas.append(library)


def randomise(net: nn.Module, seed: int = 0) -> nn.Module:
    """Give weights, statistics, scales and zero-initialised heads random values, scaled so that signals neither die nor explode."""
    generator = torch.Generator().manual_seed(seed)

    kept = net.state_dict().keys()

    def normal(tensor: Tensor, mean: float, std: float) -> None:
        tensor.copy_(torch.empty_like(tensor).normal_(mean, std, generator=generator))

    with torch.no_grad():
        for name, tensor in [*net.named_parameters(), *net.named_buffers()]:
            if not tensor.is_floating_point() or name not in kept:  # what is not kept is computed, such as masks of attention
                continue
            if name.endswith("running_var"):
                tensor.copy_(torch.empty_like(tensor).uniform_(0.6, 1.4, generator=generator))
            elif name.endswith("running_mean") or name.endswith("bias") or "token" in name or "pos" in name:
                normal(tensor, 0.0, 0.1)
            elif tensor.ndim == 1 or "scale" in name or "gamma" in name:
                normal(tensor, 1.0, 0.2)
            else:
                normal(tensor, 0.0, (2 / max(1, tensor[0].numel())) ** 0.5)
    return net


def without_chance(net: nn.Module) -> nn.Module:
    """A copy whose dropout and stochastic depth do nothing, so that train mode can be compared."""
    net = copy.deepcopy(net)
    for module in net.modules():
        for field in ("p", "drop_prob", "drop_rate"):
            if isinstance(getattr(module, field, None), float):
                setattr(module, field, 0.0)
    return net


def relative(ours: Tensor, theirs: Tensor) -> float:
    """Largest difference as a share of the largest value."""
    return float((ours - theirs).abs().max() / theirs.abs().max())


@contextmanager
def mode(nets: list[nn.Module], training: bool) -> Iterator[None]:
    """Put all nets into one mode without recording gradients."""
    for net in nets:
        net.train(training)
    with torch.no_grad():
        yield


Maker = Callable[[], nn.Module]
