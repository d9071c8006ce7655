"""Prints all advice on 30 well-known nets of torchvision, timm and our zoo, so that each line can be judged.

    python benchmarks/advice.py
    python benchmarks/advice.py resnet50 hrnet     only those whose names contain one of these

The nets are published designs at the size that they were published for, recorded on the meta device. A line is false if the number in it
does not hold, if what it says is by design and costs nothing, or if its cure would break the net.
"""

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

sys.path[:0] = [str(Path(__file__).parents[1] / "tests"), str(Path(__file__).parents[1] / "tests/analysis")]
from reference_nets import timm_net, torchvision_net  # noqa: E402

from oracles import torchvision  # noqa: E402
from receptron import build  # noqa: E402
from receptron.analysis import Subject, advise, record  # noqa: E402
from receptron.zoo import ZOO  # noqa: E402

TORCHVISION = (
    "alexnet vgg16_bn googlenet inception_v3 resnet50 densenet121 squeezenet1_0 mobilenet_v3_large shufflenet_v2_x1_0"
    " efficientnet_b0 regnet_y_400mf convnext_tiny vit_b_16 swin_t"
)
SEGMENTERS = "fcn_resnet50 deeplabv3_resnet50"
TIMM = (
    "resnetv2_50x1_bit mixer_b16_224 ghostnet_100 hrnet_w18 dla34 nfnet_l0 coatnet_0_rw_224 xception41 repvgg_a0 poolformer_s12"
    " convmixer_768_32 resnet50_gn"
)
OURS = "resnet18 unet"
SIZES = {"inception_v3": 299, "xception41": 299, **dict.fromkeys(SEGMENTERS.split(), 520)}


class Known(NamedTuple):
    """A published net: whose, its name, how it is made, and its input."""

    source: str
    name: str
    make: Callable[[], nn.Module]
    size: tuple[int, int, int]


def main() -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    asked = sys.argv[1:]
    chosen = [known for known in well_known() if not asked or any(part in known.name for part in asked)]
    lines, silent = 0, 0
    for source, name, make, size in chosen:
        started = time.perf_counter()
        advice = advise(Subject(record(make(), size)))
        print(f"{source} {name}, {'x'.join(map(str, size))} ({time.perf_counter() - started:.1f} s)")
        for found in advice:
            print(f"    {found.rule} at {found.layer or 'the network'}: {found.evidence}. Cure: {found.cure}.")
        lines, silent = lines + len(advice), silent + (not advice)
    print(f"{len(chosen)} nets, {lines} lines of advice, {silent} nets with nothing to say")


def well_known() -> Iterator[Known]:
    for name in TORCHVISION.split():
        yield Known("torchvision", name, partial(torchvision_net, name), square(name))
    for name in SEGMENTERS.split():
        yield Known("torchvision", name, partial(segmenter, name), square(name))
    for name in TIMM.split():
        yield Known("timm", name, partial(timm_net, name), square(name))
    for name in OURS.split():
        row = ZOO[name]
        yield Known("zoo", name, partial(zoo_net, name), (row.channels, row.pixels, row.pixels))


def square(name: str) -> tuple[int, int, int]:
    pixels = SIZES.get(name, 224)
    return 3, pixels, pixels


def segmenter(name: str) -> nn.Module:
    with torch.device("meta"):
        return torchvision().models.get_model(name, weights=None, weights_backbone=None)


def zoo_net(name: str) -> nn.Module:
    with torch.device("meta"):
        return build(name)


if __name__ == "__main__":
    main()
