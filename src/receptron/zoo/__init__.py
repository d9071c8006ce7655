"""Every architecture from LeNet-5 to MobileNetV4: `build` makes one, `ZOO` lists them, `catalogue` says what is known of them."""

from receptron.zoo.builder import build
from receptron.zoo.deeplab import deeplab_on
from receptron.zoo.knowledge import card, catalogue, scale, timeline
from receptron.zoo.nets import ZOO, Net
from receptron.zoo.prototypical import Prototypical
from receptron.zoo.siamese import Siamese
from receptron.zoo.unet import unet_on

__all__ = ["ZOO", "Net", "Prototypical", "Siamese", "build", "card", "catalogue", "deeplab_on", "scale", "timeline", "unet_on"]
