"""Every architecture from LeNet-5 to ConvNeXt: `build` makes one, `ZOO` lists them."""

from receptron.zoo.builder import build
from receptron.zoo.nets import ZOO, Net

__all__ = ["ZOO", "Net", "build"]
