"""Every architecture from LeNet-5 to ConvNeXt: `build` makes one, `ZOO` lists them, `catalogue` says what is known of them."""

from receptron.zoo.builder import build
from receptron.zoo.cards import Card, CatalogueRow, Filter, card, catalogue, timeline
from receptron.zoo.deeplab import deeplab_on
from receptron.zoo.efficientnet import scale
from receptron.zoo.nets import ZOO, Net
from receptron.zoo.prototypical import Prototypical
from receptron.zoo.siamese import Siamese
from receptron.zoo.unet import unet_on

__all__ = [
    "ZOO", "Card", "CatalogueRow", "Filter", "Net", "Prototypical", "Siamese",
    "build", "card", "catalogue", "deeplab_on", "scale", "timeline", "unet_on",
]  # fmt: skip
