"""The table of nets: each name of the zoo and how it is built."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from receptron.blocks.classifier import Classifier
from receptron.zoo import cifar_resnet, resnet
from receptron.zoo.lenet import lenet5
from receptron.zoo.mobilenet_v2 import mobilenet_v2, mobilenet_v2_tf


@dataclass(frozen=True)
class Net:
    """How one name is built: `make` takes the number of classes; the rest is what the paper's own images have."""

    make: Callable[[int], Classifier]
    paper: str
    pixels: int = 224
    least: int = 32
    channels: int = 3
    classes: int = 1000


def _family(make: Callable[[str, int], Classifier], names: Iterable[str], paper: str, *, least: int = 32) -> dict[str, Net]:
    return {name: Net(partial(make, name), paper, least=least) for name in names}


ZOO: dict[str, Net] = {
    "lenet5": Net(lenet5, "lenet", 28, 12, channels=1, classes=10),
    **_family(resnet.resnet, resnet.TABLE, "resnet"),
    **{
        name: Net(partial(cifar_resnet.cifar_resnet, name), "resnet", 32, 4, classes=10)
        for name in (*cifar_resnet.TABLE, *cifar_resnet.PLAIN)
    },
    "mobilenet_v2": Net(mobilenet_v2, "mobilenet_v2"),
    "mobilenet_v2_tf": Net(mobilenet_v2_tf, "mobilenet_v2"),
}  # fmt: skip
